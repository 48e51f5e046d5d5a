#include "serve/request/request.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/http1/http1.h"
#include "serve/request/parts.h"

/* ---- the object ----------------------------------------------------------------------------------------- */

static tn_request *request_new(tn_worker *worker, tn_http_exchange *exchange) {
  tn_request *request = worker->free_requests;
  if (request != NULL) {
    worker->free_requests = request->next;
  } else if ((request = tn_malloc(sizeof *request)) == NULL) {
    return NULL;
  }
  *request = (tn_request){.worker = worker, .exchange = exchange, .next = worker->requests};
  if (worker->requests != NULL) worker->requests->previous = request;
  worker->requests = request;
  exchange->handler_data = request;
  return request;
}

static void request_free(tn_request *request) {
  tn_worker *worker = request->worker;
  if (request->previous != NULL) {
    request->previous->next = request->next;
  } else {
    worker->requests = request->next;
  }
  if (request->next != NULL) request->next->previous = request->previous;
  tn_error_delete(request->error);
  tn_arena_free(&request->values.arena);
  request->next = worker->free_requests;
  worker->free_requests = request;
}

static tn_guest *guest_of(const tn_request *request) {
  return tn_instance_guest(request->pooled->instance);
}

/* ---- answers of the server's own ------------------------------------------------------------------------ */

/* A short text with the request's id, by which the log says more than a client should know. */
static void answer(tn_request *request, int status) {
  if (request->is_closed) return;
  request->status = status;
  tn_str id = tn_trace_request_id(&request->trace);
  char text[160];
  int size = snprintf(text, sizeof text, "%d %s\nrequest %" TN_STR_FORMAT "\n", status,
                      tn_http_reason_phrase(status), TN_STR_ARG(id));
  tn_http_field fields[] = {
      {TN_STR("content-type"), TN_STR("text/plain; charset=utf-8")},
      {TN_STR("x-request-id"), id},
      {TN_STR("retry-after"), TN_STR("1")},
  };
  tn_http_response head = {
      .status = (uint16_t)status,
      .fields = {.items = fields, .count = status == 503 ? 3 : 2},
      .body_length = (uint64_t)size,
  };
  tn_http_outgoing *body = request->exchange->class->respond(request->exchange, &head);
  if (body == NULL) return;
  if (body->class->write(body, (const uint8_t *)text, (size_t)size) == 0) {
    body->class->finish(body, NULL);
  } else {
    body->class->abort(body);
  }
}

/* Whether the request's body was at fault, so that the guest could not read it: the status for that; else 0. */
static int status_of_body_fault(const tn_http_incoming *body) {
  if (body->failure == 0) return 0;
  return tn_http_code_request_status(tn_http_failure_code(body->failure));
}

static const char *reason_of_missing_end(const tn_request *request) {
  int64_t failure = request->exchange->body->failure;
  if (failure != 0) return tn_http_code_name(tn_http_failure_code(failure));
  return request->status == 0 ? "the guest gave no answer"
                              : "the guest did not complete its answer";
}

/* What a client is told when the guest has ended without an answer. */
static int status_of_failure(const tn_request *request) {
  if (request->refusal != 0) return request->refusal;
  if (request->error == NULL) return 502; /* it returned */
  switch (tn_error_get_kind(request->error)) {
  case TN_ERROR_TIMEOUT:
    return 504;
  case TN_ERROR_CANCELLED: /* not by the client, who would not be told: the server ends */
    return 503;
  default:
    return 500;
  }
}

/* ---- the end -------------------------------------------------------------------------------------------- */

static uint64_t fuel_used(const tn_request *request) {
  const tn_instance_options *options = &request->component->shared->options;
  return options->has_fuel ? options->fuel - tn_instance_fuel_left(request->pooled->instance) : 0;
}

/* The guest will add nothing: whether the client has got an answer, or what it is to be told instead. */
static void end_answer(tn_request *request) {
  const tn_http_exchange *exchange = request->exchange;
  bool is_missing = request->status == 0 || exchange->is_retracted; /* nothing of it has left */
  bool is_cut = exchange->is_closed && !is_missing;
  if ((is_missing || is_cut) && request->error == NULL && request->reason == NULL)
    request->reason = reason_of_missing_end(request);
  if (!is_missing) return;
  if (request->pooled != NULL && request->refusal == 0)
    request->refusal = status_of_body_fault(exchange->body);
  answer(request, status_of_failure(request));
}

/* Everything that a request needs has ended but the request. */
static void finish(tn_request *request) {
  tn_worker *worker = request->worker;
  tn_worker_component *component = request->component;
  uint64_t fuel = 0;
  if (request->pooled != NULL) {
    fuel = fuel_used(request);
    tn_metric_raise(&component->metrics->memory_peak,
                    tn_instance_memory_bytes(request->pooled->instance));
    tn_wasi_http_forget(request->pooled->http, request->exchange);
    tn_lines_flush(&request->pooled->output);
  }
  if (!request->is_closed)
    end_answer(request);
  else if (request->exchange->is_retracted)
    request->status = 0;
  tn_request_record(request, fuel);
  bool was_admitted = request->started != 0;
  if (request->pooled != NULL)
    tn_instance_pool_give(request->pooled, request->error == NULL && !request->is_closed);
  request->exchange->handler_data = request->awaiting;
  request->exchange->class->release(request->exchange);
  request_free(request);
  tn_worker_trim_later(worker);
  if (component != NULL) {
    if (was_admitted) tn_request_leave(component);
    tn_worker_release_generation(component->generation);
  }
  tn_worker_check_end(worker);
}

void tn_request_refuse(tn_request *request, int status, const char *reason) {
  request->refusal = status;
  request->reason = reason;
  if (status == 503 && request->component != NULL)
    tn_metric_add(&request->component->metrics->rejected, 1);
  finish(request);
}

/* ---- what the guest says -------------------------------------------------------------------------------- */

/* Room for one more field. */
static tn_http_outgoing *respond_with_id(tn_request *request, const tn_http_response *head) {
  tn_http_exchange *exchange = request->exchange;
  tn_http_response made = *head;
  tn_http_field *fields = tn_arena_alloc(
      &exchange->arena, (head->fields.count + 1) * sizeof *fields, _Alignof(tn_http_field));
  if (fields == NULL) return exchange->class->respond(exchange, head);
  if (head->fields.count > 0)
    memcpy(fields, head->fields.items, head->fields.count * sizeof *fields);
  fields[head->fields.count] =
      (tn_http_field){TN_STR("x-request-id"), tn_trace_request_id(&request->trace)};
  made.fields = (tn_http_fields){.items = fields, .count = head->fields.count + 1};
  return exchange->class->respond(exchange, &made);
}

/* A guest that says an id of its own keeps it. */
static bool wants_id(const tn_request *request, const tn_http_response *head) {
  return request->component->generation->shared->config->request_id &&
         tn_http_fields_find(&head->fields, TN_STR("x-request-id")) == NULL;
}

/* A guest that computes is ended at a tick: until then it may answer what is over, of which the client was told. */
static tn_http_outgoing *on_respond(void *data, const tn_http_response *head) {
  tn_request *request = data;
  if (request->is_closed) return NULL;
  request->status = head->status;
  if (wants_id(request, head)) return respond_with_id(request, head);
  return request->exchange->class->respond(request->exchange, head);
}

static bool on_inform(void *data, const tn_http_response *head) {
  tn_request *request = data;
  return !request->is_closed && request->exchange->class->inform(request->exchange, head);
}

/* The client need not wait for the guest's end. A guest that could not read the body can say no more than that something
 * is wrong: here it is known what. (It has answered: what is read of the body now it will not miss.) */
static void on_failed(void *data, tn_http_code code, tn_str detail) {
  tn_request *request = data;
  if (request->status != 0) return;
  request->reason = tn_http_code_name(code);
  request->detail = detail.len > 0 ? tn_arena_copy(&request->exchange->arena, detail) : (tn_str){0};
  int fault = code == TN_HTTP_INTERNAL_ERROR ? status_of_body_fault(request->exchange->body) : 0;
  answer(request, fault != 0 ? fault : tn_http_code_status(code));
}

static const tn_wasi_http_responder responder = {on_respond, on_inform, on_failed};

/* ---- running -------------------------------------------------------------------------------------------- */

/* On the request's fiber. */
static void run(void *argument) {
  tn_request *request = argument;
  const tn_func *handle =
      tn_instance_func_at(request->pooled->instance, request->component->shared->handle);
  request->error = tn_func_call(handle, &request->params, NULL, &request->values);
}

static void done(void *argument, tn_error *error) {
  tn_request *request = argument;
  if (request->error == NULL) {
    request->error = error;
  } else {
    tn_error_delete(error);
  }
  finish(request);
}

/* The field may come in pieces, which are one list (W3C Trace Context 3.3). Without memory for that it is not passed
 * on. */
static tn_str joined_tracestate(tn_http_exchange *exchange) {
  const tn_http_fields *fields = &exchange->request.fields;
  tn_str joined = {0};
  for (uint32_t i = 0; i < fields->count; i++) {
    const tn_http_field *field = &fields->items[i];
    if (!tn_http_name_equal(field->name, TN_STR("tracestate"))) continue;
    joined = joined.len == 0
                 ? field->value
                 : tn_arena_format(&exchange->arena, "%" TN_STR_FORMAT ",%" TN_STR_FORMAT,
                                   TN_STR_ARG(joined), TN_STR_ARG(field->value));
  }
  return joined;
}

/* What the requests that the guest makes carry. */
static void set_outgoing_fields(tn_request *request) {
  tn_pooled *pooled = request->pooled;
  pooled->trace = request->trace;
  pooled->outgoing_items[0] =
      (tn_http_field){TN_STR("traceparent"), tn_trace_parent(&pooled->trace)};
  pooled->outgoing.count = 1;
  tn_str state = request->trace.is_continued ? joined_tracestate(request->exchange) : (tn_str){0};
  if (state.len == 0) return;
  pooled->outgoing_items[1] = (tn_http_field){TN_STR("tracestate"), state};
  pooled->outgoing.count = 2;
}

static tn_error *run_guest(tn_request *request) {
  const tn_generation_component *component = request->component->shared;
  tn_pooled *pooled = request->pooled;
  tn_store *store = pooled->instance->instantiated.runtime.store;
  pooled->output.id = tn_trace_request_id(&pooled->trace);
  if (component->config->timeout != 0)
    tn_guest_set_timeout(guest_of(request), component->config->timeout);
  if (component->options.has_fuel && pooled->uses > 1)
    TN_TRY(tn_store_set_fuel(store, component->options.fuel));
  TN_TRY(tn_wasi_http_accept(pooled->http, request->exchange, &responder, request,
                             &request->params.request, &request->params.response_outparam));
  return tn_loop_spawn(guest_of(request), store, run, done, request);
}

void tn_request_start(tn_request *request) {
  tn_metric_add(&request->component->metrics->in_flight, 1);
  request->started = tn_loop_now();
  request->error = tn_instance_pool_take(request->component, &request->pooled);
  /* The pool has no room, most likely; what is wrong with the file was found before. */
  if (request->error != NULL) {
    tn_error_kind kind = tn_error_get_kind(request->error);
    request->refusal = kind == TN_ERROR_LIMIT || kind == TN_ERROR_NO_MEMORY ? 503 : 500;
    finish(request);
    return;
  }
  if (request->is_closed) { /* while it was instantiated, which may have turned the loop */
    finish(request);
    return;
  }
  set_outgoing_fields(request);
  tn_error *error = run_guest(request);
  if (error == NULL) return; /* and perhaps the request is over */
  request->error = error;
  request->refusal = 503;
  finish(request);
}

/* ---- the handler ---------------------------------------------------------------------------------------- */

/* Its component, and the path that it is mounted under. */
static bool find_component(tn_request *request) {
  tn_worker_generation *generation = tn_worker_current(request->worker);
  const tn_http_request *head = &request->exchange->request;
  const tn_serve_route *route =
      tn_serve_find_route(generation->shared->config, head->authority, head->path);
  if (route == NULL) return false;
  request->mount = route->path;
  request->component = &generation->components[route->component];
  generation->uses++;
  return true;
}

static void on_request(void *data, tn_http_exchange *exchange) {
  tn_worker *worker = data;
  tn_request *request = request_new(worker, exchange);
  if (request == NULL) {
    exchange->class->abort(exchange);
    exchange->class->release(exchange);
    return;
  }
  bool has_component = find_component(request);
  bool has_fields = tn_request_set_fields(request);
  if (!has_component) {
    tn_request_refuse(request, 404, "no route");
  } else if (!has_fields) {
    tn_request_refuse(request, 503, "out of memory");
  } else if (worker->state == TN_WORKER_ENDING) {
    tn_request_refuse(request, 503, "the server ends");
  } else {
    tn_request_enter(request);
  }
}

static void on_closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)data;
  tn_request *request = exchange->handler_data;
  if (request == NULL || request->is_closed) return;
  request->is_closed = true;
  request->reason = tn_http_code_name(code);
  if (request->is_queued) {
    tn_request_dequeue(request);
    finish(request);
  } else if (request->pooled != NULL) {
    tn_guest_cancel(guest_of(request));
  }
}

/* Its guest may be waiting for the body, or for an instance: `closed` ends that. */
static void on_faulted(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)data;
  tn_request *request = exchange->handler_data;
  if (request != NULL) answer(request, tn_http_code_request_status(code));
}

static void on_disconnected(void *data) {
  tn_worker_trim_later(data);
}

const tn_http_handler tn_request_handler = {
    on_request,     on_closed, tn_request_log_refused, on_faulted, tn_request_record_end,
    on_disconnected};

void tn_request_end(tn_request *request) {
  request->reason = "the server ends";
  if (request->is_queued) {
    tn_request_dequeue(request);
    tn_request_refuse(request, 503, request->reason);
  } else if (request->pooled != NULL) {
    tn_guest_cancel(guest_of(request));
  }
}
