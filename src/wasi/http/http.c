/* wasi:http for one instance: its state, the way in for a request, and the end. */
#include "wasi/http/http.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/http/state.h"
#include "wasi/state.h"

/* ---- the state ------------------------------------------------------------------------------------- */

/* Cells are cleared when they are taken. */
static void start(tn_wasi_http *http, const tn_wasi_http_options *options) {
  memset(http, 0, offsetof(tn_wasi_http, first));
  http->options = *options;
  if (http->options.max_fields_bytes == 0) http->options.max_fields_bytes = DEFAULT_FIELDS_BYTES;
}

tn_error *tn_wasi_http_new(const tn_wasi_http_options *options, tn_wasi_http **out) {
  tn_wasi_http *made = tn_malloc(sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  start(made, options);
  *out = made;
  return NULL;
}

void tn_wasi_http_shrink(tn_wasi_http *http) {
  if (http->blocks == NULL || http->messages != NULL) return;
  http->free_cells = NULL;
  http->cells_used = CELLS_AT_HAND; /* those of the first block are not known one by one */
  while (http->blocks != NULL) {
    tn_http_cell_block *block = http->blocks;
    http->blocks = block->next;
    tn_free(block);
  }
}

static void end(tn_wasi_http *http) {
  assert(http->messages == NULL);
  if (http->own_client != NULL) tn_http_client_delete(http->own_client);
  tn_wasi_http_shrink(http);
}

void tn_wasi_http_renew(tn_wasi_http *http, const tn_wasi_http_options *options) {
  end(http);
  start(http, options);
}

void tn_wasi_http_delete(tn_wasi_http *http) {
  if (http == NULL) return;
  end(http);
  tn_free(http);
}

tn_error *tn_http_state_of(tn_runtime *runtime, tn_wasi_http **out) {
  *out = runtime->states[TN_STATE_HTTP];
  if (*out != NULL) return NULL;
  tn_wasi *wasi = tn_wasi_of(runtime);
  TN_TRY(tn_wasi_http_new(&(tn_wasi_http_options){.wasi = wasi}, out));
  runtime->states[TN_STATE_HTTP] = wasi->http = *out;
  return NULL;
}

/* ---- cells ----------------------------------------------------------------------------------------- */

/* Under the address sanitizer each object is an allocation of its own, so that it sees every use after the end. */
#ifdef __SANITIZE_ADDRESS__
void *tn_http_take(tn_wasi_http *http, size_t size) {
  void *object = tn_malloc(CELL_SIZE);
  if (object == NULL) return NULL;
  tn_kept_add(tn_wasi_kept(http->options.wasi), CELL_SIZE);
  return memset(object, 0, size);
}

void tn_http_give(tn_wasi_http *http, void *object) {
  tn_kept_remove(tn_wasi_kept(http->options.wasi), CELL_SIZE);
  tn_free(object);
}
#else
static tn_http_cell *more_cells(tn_wasi_http *http) {
  tn_http_cell_block *block = tn_malloc(sizeof *block);
  if (block == NULL) return NULL;
  tn_kept_add(tn_wasi_kept(http->options.wasi), sizeof *block);
  block->next = http->blocks;
  http->blocks = block;
  for (int i = 1; i < CELLS_AT_HAND; i++)
    tn_http_give(http, &block->cells[i]);
  return &block->cells[0];
}

void *tn_http_take(tn_wasi_http *http, size_t size) {
  tn_http_cell *cell = http->free_cells;
  if (cell != NULL) {
    http->free_cells = cell->next;
  } else if (http->cells_used < CELLS_AT_HAND) {
    cell = &http->first[http->cells_used++];
  } else {
    cell = more_cells(http);
  }
  return cell == NULL ? NULL : memset(cell, 0, size);
}

void tn_http_give(tn_wasi_http *http, void *object) {
  tn_http_cell *cell = object;
  cell->next = http->free_cells;
  http->free_cells = cell;
}
#endif

void *tn_http_consume(tn_call *call, unsigned kind, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of_call(call);
  void *object = tn_wasi_slot_get(wasi, (tn_slot_kind)kind, representation);
  tn_wasi_slot_remove(wasi, representation);
  return object;
}

/* ---- who waits --------------------------------------------------------------------------------------- */

/* Linked as long as it is armed. */
typedef struct tn_http_waiter {
  tn_wasi_http *http;
  tn_http_waiters *list;
  struct tn_http_waiter *next;
  struct tn_http_waiter *previous;
  tn_wait *wait;
} tn_http_waiter;
static_assert(sizeof(tn_http_waiter) <= CELL_SIZE, "fits a cell");

static void stop_waiter(void *source) {
  tn_http_waiter *waiter = source;
  if (waiter->next != NULL) waiter->next->previous = waiter->previous;
  if (waiter->previous != NULL)
    waiter->previous->next = waiter->next;
  else
    waiter->list->first = waiter->next;
  tn_http_give(waiter->http, waiter);
}

tn_error *tn_http_waiters_arm(tn_http_waiters *waiters, tn_wasi_http *http, tn_wait *wait,
                              tn_armed *armed) {
  tn_http_waiter *waiter = tn_http_take(http, sizeof *waiter);
  if (waiter == NULL) return tn_error_no_memory();
  *waiter = (tn_http_waiter){.http = http, .list = waiters, .next = waiters->first, .wait = wait};
  if (waiters->first != NULL) waiters->first->previous = waiter;
  waiters->first = waiter;
  *armed = (tn_armed){stop_waiter, waiter};
  return NULL;
}

void tn_http_waiters_wake(tn_http_waiters *waiters) {
  for (tn_http_waiter *waiter = waiters->first; waiter != NULL; waiter = waiter->next)
    tn_wait_wake(waiter->wait);
}

/* ---- the way in and out -------------------------------------------------------------------------------- */

tn_error *tn_wasi_http_accept(tn_wasi_http *http, tn_http_exchange *exchange,
                              const tn_wasi_http_responder *responder, void *data,
                              uint32_t *request, uint32_t *response_outparam) {
  tn_http_message *message = tn_http_message_new(http);
  if (message == NULL) return tn_error_no_memory();
  const tn_http_request *head = &exchange->request;
  message->state = TN_MESSAGE_ARRIVED;
  message->exchange = exchange;
  tn_http_message_link(message);
  message->responder = responder;
  message->responder_data = data;
  message->method = head->method;
  message->scheme = head->scheme;
  message->authority = head->authority;
  message->path = head->path;
  message->fields = head->fields;
  message->is_bodyless = tn_str_equal(head->method, TN_STR("HEAD"));
  tn_http_message_set_incoming(message, exchange->body);
  tn_error *error = tn_http_message_add_reader(message, TN_SLOT_HTTP_INCOMING_REQUEST, request);
  if (error == NULL) {
    error = tn_wasi_slot_add(http->options.wasi, (tn_slot_kind)TN_SLOT_HTTP_RESPONSE_OUTPARAM,
                             message, response_outparam);
    if (error == NULL) return NULL; /* the outparam has the first reference */
    tn_wasi_slot_remove(http->options.wasi, *request);
    tn_http_message_release_reader(message);
  }
  tn_http_message_release(message);
  return error;
}

void tn_wasi_http_forget(tn_wasi_http *http, tn_http_exchange *exchange) {
  for (tn_http_message *message = http->messages; message != NULL; message = message->next) {
    if (message->exchange != exchange) continue;
    tn_http_message_cut(message);
    return;
  }
}

tn_error *tn_wasi_http_define(tn_linker *linker) {
  TN_TRY(tn_linker_define_interface(linker, &tn_http_types_interface, NULL));
  return tn_linker_define_interface(linker, &tn_http_outgoing_handler_interface, NULL);
}

/* A response-outparam that is left over is not reported to the responder: whoever ends the instance knows. */
void tn_wasi_http_close(tn_slot_kind kind, void *object) {
  switch ((int)kind) {
  case TN_SLOT_HTTP_FIELDS:
    tn_http_fields_release(object);
    break;
  case TN_SLOT_HTTP_INCOMING_REQUEST:
  case TN_SLOT_HTTP_INCOMING_RESPONSE:
  case TN_SLOT_HTTP_INCOMING_BODY:
  case TN_SLOT_HTTP_FUTURE_TRAILERS:
  case TN_SLOT_HTTP_FUTURE_RESPONSE:
    tn_http_message_release_reader(object);
    break;
  case TN_SLOT_HTTP_RESPONSE_OUTPARAM:
    tn_http_message_release(object);
    break;
  case TN_SLOT_HTTP_OUTGOING_REQUEST:
  case TN_SLOT_HTTP_OUTGOING_RESPONSE:
    tn_http_outgoing_message_delete(object);
    break;
  case TN_SLOT_HTTP_REQUEST_OPTIONS:
    tn_http_request_options_delete(object);
    break;
  case TN_SLOT_HTTP_OUTGOING_BODY:
    tn_http_body_abort(object);
    tn_http_body_release(object);
    break;
  default:
    break;
  }
}
