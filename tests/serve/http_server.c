/* An HTTP server of fixed answers on src/http alone, for h2spec, load generators and other clients:
 *   http_server ADDRESS [CERTIFICATE KEY]
 * "/echo" answers with the request's body, as it comes; "/bytes/N" with N bytes; "/reset" not at all; anything else with
 * "Hello, World!\n". Ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "http/server.h"

enum { BLOCK = 64 << 10 };

/* An answer that goes on. */
typedef struct answer {
  tn_http_exchange *exchange;
  tn_http_outgoing *out;
  uint64_t left; /* of "/bytes/N" */
  bool is_echo;
} answer;

static void answer_end(answer *self, bool is_complete) {
  if (is_complete)
    self->out->class->finish(self->out, &self->exchange->body->trailers);
  else
    self->out->class->abort(self->out);
  self->exchange->class->release(self->exchange);
  free(self);
}

static void go_on(void *data) {
  static uint8_t block[BLOCK];
  answer *self = data;
  for (;;) {
    int64_t room = self->out->class->capacity(self->out);
    if (room == 0) return;
    if (room < 0) break;
    size_t size = room < BLOCK ? (size_t)room : BLOCK;
    if (self->is_echo) {
      int64_t got = self->exchange->body->class->read(self->exchange->body, block, size);
      if (got == 0) return;
      if (got < 0) {
        answer_end(self, got == TN_HTTP_END);
        return;
      }
      size = (size_t)got;
    } else if (size > self->left) {
      size = self->left;
    }
    if (self->out->class->write(self->out, block, size) < 0) break;
    if (self->is_echo) continue;
    self->left -= size;
    if (self->left > 0) continue;
    answer_end(self, true);
    return;
  }
  answer_end(self, false);
}

static void start(tn_http_exchange *exchange, uint64_t length, bool is_echo) {
  tn_http_response head = {.status = 200,
                           .body_length = is_echo ? exchange->request.body_length : length};
  tn_http_outgoing *out = exchange->class->respond(exchange, &head);
  answer *self = out == NULL ? NULL : calloc(1, sizeof *self);
  if (self == NULL) {
    exchange->class->release(exchange);
    return;
  }
  *self = (answer){exchange, out, length, is_echo};
  exchange->handler_data = self;
  out->observer = (tn_http_observer){go_on, self};
  exchange->body->observer = (tn_http_observer){go_on, self};
  go_on(self);
}

static void answer_fixed(tn_http_exchange *exchange) {
  static const char text[] = "Hello, World!\n";
  tn_http_field field = {TN_STR("content-type"), TN_STR("text/plain")};
  tn_http_response head = {200, {&field, 1, 1}, sizeof text - 1, 0};
  tn_http_outgoing *out = exchange->class->respond(exchange, &head);
  if (out != NULL) {
    out->class->write(out, (const uint8_t *)text, sizeof text - 1);
    out->class->finish(out, NULL);
  }
  exchange->class->release(exchange);
}

static void on_request(void *data, tn_http_exchange *exchange) {
  (void)data;
  tn_str path = exchange->request.path;
  if (tn_str_equal(path, TN_STR("/echo")))
    start(exchange, 0, true);
  else if (tn_str_starts_with(path, TN_STR("/bytes/")))
    start(exchange, strtoull(path.data + sizeof "/bytes/" - 1, NULL, 10), false);
  else if (tn_str_equal(path, TN_STR("/reset")))
    exchange->class->release(exchange);
  else
    answer_fixed(exchange);
}

static void on_closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)data;
  (void)code;
  if (exchange->handler_data != NULL) answer_end(exchange->handler_data, false);
}

static void on_input(tn_io *io, int events) {
  (void)events;
  char bytes[64];
  ssize_t got;
  while ((got = read(io->descriptor, bytes, sizeof bytes)) > 0)
    ;
  if (got == 0) tn_loop_stop(io->loop);
}

static tn_error *serve(tn_loop *loop, tn_http_server *server, int argc, char **argv) {
  tn_tls_context *tls = NULL;
  if (argc > 3) {
    tn_tls_server_options options = {
        .certificate_path = argv[2], .key_path = argv[3], .http2 = true};
    TN_TRY(tn_tls_server_context_new(&options, &tls));
  }
  int descriptor;
  tn_error *error = tn_http_listen_socket(tn_str_from(argv[1]), 1024, &descriptor);
  if (error == NULL) error = tn_http_server_listen(server, descriptor, tls);
  if (error == NULL) error = tn_loop_run(loop);
  tn_tls_context_release(tls);
  return error;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  static const tn_http_handler handler = {on_request, on_closed, NULL};
  tn_http_server_options options;
  tn_http_server_options_init(&options);
  tn_loop *loop = NULL;
  tn_http_server *server = NULL;
  tn_io input = {0};
  tn_error *error = tn_loop_new(&loop);
  if (error == NULL) error = tn_io_start(&input, loop, STDIN_FILENO, on_input);
  if (error == NULL) error = tn_http_server_new(loop, &options, &handler, NULL, &server);
  if (error == NULL) error = serve(loop, server, argc, argv);
  if (error != NULL) fprintf(stderr, "%s\n", tn_error_get_message(error));
  if (server != NULL) tn_http_server_delete(server);
  tn_io_stop(&input);
  if (loop != NULL) tn_loop_delete(loop);
  int status = error == NULL ? 0 : 1;
  tn_error_delete(error);
  return status;
}
