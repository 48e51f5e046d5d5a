#include "serve/observe/admin.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/server.h"
#include "serve/listener.h"
#include "serve/observe/status_page.h"

enum {
  ADMIN_CONNECTIONS = 64,
  ADMIN_BACKLOG = 16,
  /* of its connections: those that can be there when the workers have taken all descriptors */
  ADMIN_RESERVE = 8,
};

struct tn_admin {
  tn_admin_options options;
  tn_loop *loop;
  tn_http_server *server;
  pthread_t thread;
};

/* ---- one answer ---------------------------------------------------------------------------------- */

/* An answer on its way out, as fast as the client takes it. Is the exchange's handler_data. */
typedef struct answer {
  tn_http_exchange *exchange;
  tn_http_outgoing *body; /* NULL: there is none (any more) */
  tn_buffer text;
  size_t sent;
} answer;

static void answer_end(answer *self) {
  self->exchange->class->release(self->exchange);
  tn_buffer_free(&self->text);
  tn_free(self);
}

/* Writes what fits. Ends the answer when that was all, or when nobody listens. */
static void answer_go_on(void *data) {
  answer *self = data;
  const tn_http_outgoing_class *class = self->body->class;
  while (self->sent < self->text.len) {
    int64_t room = class->capacity(self->body);
    if (room == 0) return; /* the observer calls again */
    size_t left = self->text.len - self->sent;
    size_t size = room > 0 && (uint64_t)room < left ? (size_t)room : left;
    const uint8_t *bytes = (const uint8_t *)self->text.data + self->sent;
    if (room < 0 || class->write(self->body, bytes, size) < 0) {
      class->abort(self->body);
      answer_end(self);
      return;
    }
    self->sent += size;
  }
  class->finish(self->body, NULL);
  answer_end(self);
}

static void on_closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)data, (void)code;
  if (exchange->handler_data != NULL) answer_end(exchange->handler_data);
}

/* Takes the text over. */
static void send_answer(tn_http_exchange *exchange, int status, const char *type, tn_buffer *text) {
  tn_http_field fields[] = {{TN_STR("Content-Type"), tn_str_from(type)},
                            {TN_STR("Cache-Control"), TN_STR("no-store")},
                            {TN_STR("X-Content-Type-Options"), TN_STR("nosniff")}};
  tn_http_response head = {.status = (uint16_t)status,
                           .fields = {fields, sizeof fields / sizeof *fields, 0},
                           .body_length = text->len};
  answer *made = text->failed ? NULL : tn_calloc(1, sizeof *made);
  if (made == NULL) {
    tn_buffer_free(text);
    exchange->class->abort(exchange);
    exchange->class->release(exchange);
    return;
  }
  *made = (answer){.exchange = exchange, .text = *text};
  exchange->handler_data = made;
  made->body = exchange->class->respond(exchange, &head);
  if (made->body == NULL) {
    answer_end(made);
    return;
  }
  made->body->observer = (tn_http_observer){answer_go_on, made};
  answer_go_on(made);
}

static void send_text(tn_http_exchange *exchange, int status, const char *text) {
  tn_buffer buffer = {0};
  tn_buffer_append_text(&buffer, text);
  send_answer(exchange, status, "text/plain; charset=utf-8", &buffer);
}

/* ---- what there is -------------------------------------------------------------------------------- */

static void send_health(tn_admin *admin, tn_http_exchange *exchange) {
  (void)admin;
  send_text(exchange, 200, "ok\n");
}

static void send_readiness(tn_admin *admin, tn_http_exchange *exchange) {
  bool is_ready = admin->options.is_ready(admin->options.data);
  send_text(exchange, is_ready ? 200 : 503, is_ready ? "ready\n" : "draining\n");
}

static void send_metrics(tn_admin *admin, tn_http_exchange *exchange) {
  tn_buffer text = {0};
  tn_metrics_print_text(admin->options.metrics, tn_log_lost(admin->options.log), &text);
  send_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

static void send_json(tn_admin *admin, tn_http_exchange *exchange) {
  tn_buffer text = {0};
  tn_metrics_print_json(admin->options.metrics, tn_log_lost(admin->options.log), &text);
  send_answer(exchange, 200, "application/json", &text);
}

static void send_page(tn_admin *admin, tn_http_exchange *exchange) {
  (void)admin;
  tn_buffer text = {0};
  tn_buffer_append(&text, tn_status_page, tn_status_page_size);
  send_answer(exchange, 200, "text/html; charset=utf-8", &text);
}

/* A browser gets the page, everybody else the numbers. */
static void send_status(tn_admin *admin, tn_http_exchange *exchange) {
  const tn_http_field *accept = tn_http_fields_find(&exchange->request.fields, TN_STR("accept"));
  bool wants_page =
      accept != NULL && memmem(accept->value.data, accept->value.len, "text/html", 9) != NULL;
  (wants_page ? send_page : send_json)(admin, exchange);
}

static const struct {
  const char *path;
  void (*send)(tn_admin *admin, tn_http_exchange *exchange);
} pages[] = {
    {"/healthz", send_health}, {"/readyz", send_readiness}, {"/metrics", send_metrics},
    {"/status", send_status},  {"/status.json", send_json}, {"/status.html", send_page},
};

static void on_request(void *data, tn_http_exchange *exchange) {
  tn_admin *admin = data;
  tn_str method = exchange->request.method, path = exchange->request.path;
  path = tn_str_slice(path, 0, tn_str_find(path, '?', 0));
  if (!tn_str_equal(method, TN_STR("GET")) && !tn_str_equal(method, TN_STR("HEAD"))) {
    send_text(exchange, 405, "only GET and HEAD\n");
    return;
  }
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    if (!tn_str_equal(path, tn_str_from(pages[i].path))) continue;
    pages[i].send(admin, exchange);
    return;
  }
  send_text(exchange, 404, "there are /healthz, /readyz, /metrics and /status\n");
}

/* ---- the thread ------------------------------------------------------------------------------------ */

static void *run_thread(void *argument) {
  tn_admin *admin = argument;
  tn_error *error = tn_loop_run(admin->loop);
  if (error != NULL) {
    tn_log_write(admin->options.log, "error", "the admin address stopped: %s",
                 tn_error_get_message(error));
    tn_error_delete(error);
  }
  return NULL;
}

static tn_error *open_server(tn_admin *admin) {
  static const tn_http_handler handler = {.request = on_request, .closed = on_closed};
  tn_http_server_options options;
  tn_http_server_options_init(&options);
  options.max_connections = ADMIN_CONNECTIONS;
  options.reserved_descriptors = ADMIN_RESERVE;
  options.max_body_bytes = 0;
  TN_TRY(tn_loop_new(&admin->loop));
  TN_TRY(tn_http_server_new(admin->loop, &options, &handler, admin, &admin->server));
  int descriptor;
  TN_TRY(tn_listen_alone(admin->options.address, ADMIN_BACKLOG, &descriptor));
  TN_TRY(tn_http_server_listen(admin->server, descriptor, NULL));
  int failed = pthread_create(&admin->thread, NULL, run_thread, admin);
  return failed == 0 ? NULL : tn_error_new(TN_ERROR_IO, "making a thread: %s", strerror(failed));
}

static void admin_free(tn_admin *admin) {
  tn_http_server_delete(admin->server);
  tn_loop_delete(admin->loop);
  tn_free(admin);
}

tn_error *tn_admin_start(const tn_admin_options *options, tn_admin **out) {
  tn_admin *admin = tn_calloc(1, sizeof *admin);
  if (admin == NULL) return tn_error_no_memory();
  admin->options = *options;
  tn_error *error = open_server(admin);
  if (error != NULL) {
    admin_free(admin);
    return tn_error_wrap(error, "admin address %" TN_STR_FORMAT, TN_STR_ARG(options->address));
  }
  *out = admin;
  return NULL;
}

static void stop_loop(void *argument) {
  tn_loop_stop(argument);
}

void tn_admin_stop(tn_admin *admin) {
  if (admin == NULL) return;
  /* Without memory for the message the thread cannot be told: it ends with the process then. */
  tn_error *error = tn_loop_post(admin->loop, stop_loop, admin->loop);
  if (error != NULL) {
    tn_error_delete(error);
    return;
  }
  pthread_join(admin->thread, NULL);
  admin_free(admin);
}
