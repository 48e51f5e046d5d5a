/* A server that runs out of memory: whichever allocation fails, while it starts, answers or reloads, there is an error, an
 * answer that says so, or none, and then it serves as before. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "serve/server.h"
#include "tenon.h"
#include "test.h"

enum { ANSWER = 4096, QUIET_ROUNDS = 5 };

static char folder[64];
static char component[96];
static uint16_t port;
static tn_server_settings *settings;

typedef struct running {
  tn_server *server;
  pthread_t thread;
  int64_t fails_after; /* on its thread; -1: nothing does */
  bool did_fail;
  tn_error *error;
} running;

/* ---- the server ----------------------------------------------------------------------------------------- */

static uint16_t free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

static int set_up(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/tenon-test-XXXXXX");
  assert_non_null(mkdtemp(folder));
  char address[32];
  port = free_port();
  snprintf(address, sizeof address, "127.0.0.1:%u", port);
  assert_ok(tn_server_settings_new(&settings));
  assert_ok(tn_server_settings_set(settings, "listen", address));
  assert_ok(tn_server_settings_set(settings, "threads", "1"));
  assert_ok(tn_server_settings_set(settings, "max-concurrent", "10"));
  assert_ok(tn_server_settings_set(settings, "log-file", "/dev/null"));
  assert_ok(tn_server_settings_set(settings, "cache-dir", folder));
  char text[sizeof EXAMPLES + 128];
  snprintf(component, sizeof component, "%s/hello.wat", folder);
  snprintf(text, sizeof text, "cp " EXAMPLES "/hello-http.wat %s", component);
  assert_int_equal(system(text), 0);
  snprintf(text, sizeof text, "/=%s", component);
  return tn_server_settings_add_route(settings, text) == NULL ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  char command[96];
  tn_server_settings_delete(settings);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static void *run(void *argument) {
  running *self = argument;
  tn_alloc_fail_after(self->fails_after);
  self->error = tn_server_run(self->server);
  self->did_fail = tn_alloc_did_fail();
  tn_alloc_fail_after(-1);
  return NULL;
}

static void start(running *self, int64_t fails_after) {
  *self = (running){.fails_after = fails_after};
  assert_ok(tn_server_new(settings, &self->server));
  assert_int_equal(pthread_create(&self->thread, NULL, run, self), 0);
}

static void stop(running *self) {
  tn_server_stop(self->server);
  pthread_join(self->thread, NULL);
  tn_server_delete(self->server);
}

/* ---- a client -------------------------------------------------------------------------------------------- */

/* The answer in `out`, to the connection's end: empty if there is none. */
static size_t ask(const void *request, size_t size, char out[ANSWER]) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  struct timeval limit = {.tv_sec = 20};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  size_t count = 0;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0 &&
      send(descriptor, request, size, MSG_NOSIGNAL) == (ssize_t)size) {
    ssize_t part = 1;
    while (part > 0 && count < ANSWER - 1) {
      part = recv(descriptor, out + count, ANSWER - 1 - count, 0);
      if (part > 0) count += (size_t)part;
      if (part < 0) assert_int_not_equal(errno, EAGAIN); /* it would have hung */
      if (part < 0 && errno == EINTR) part = 1;          /* the process was stopped */
    }
  }
  close(descriptor);
  out[count] = '\0';
  return count;
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

static void assert_serves(void) {
  char answer[ANSWER];
  ask(get, sizeof get - 1, answer);
  if (!starts_with(answer, "HTTP/1.1 200 ")) fail_msg("\"%s\" instead of an answer", answer);
}

/* ---- what fails ------------------------------------------------------------------------------------------ */

static void a_start_fails_cleanly(void **state) {
  (void)state;
  bool failed = true;
  int64_t rounds = 0;
  for (; failed; rounds++) {
    tn_server *server = NULL;
    tn_alloc_fail_after(rounds);
    tn_error *error = tn_server_new(settings, &server);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!failed) assert_ok(error);
    assert_true((error == NULL) == (server != NULL));
    tn_error_delete(error);
    tn_server_delete(server);
  }
  assert_true(rounds > 50);
}

static void running_fails_cleanly(void **state) {
  (void)state;
  running self;
  bool failed = true;
  for (int64_t rounds = 0; failed; rounds++) {
    start(&self, rounds);
    stop(&self);
    failed = self.did_fail;
    if (!failed) assert_ok(self.error);
    tn_error_delete(self.error);
  }
}

/* One round: with so many allocations allowed. Gives whether one failed. */
static bool check_request(int64_t allowed, tn_str request, bool (*is_fine)(const char *answer)) {
  char answer[ANSWER];
  tn_alloc_fail_anywhere_after(allowed);
  ask(request.data, request.len, answer);
  bool failed = tn_alloc_did_fail_anywhere();
  tn_alloc_fail_anywhere_after(-1);
  if (!is_fine(answer)) fail_msg("\"%s\" after %lld allocations", answer, (long long)allowed);
  assert_serves();
  return failed;
}

/* Of a server that has just begun, where most is made for the first time, and of one that recycles what it has. */
static void check_requests(tn_str request, bool (*is_fine)(const char *answer)) {
  running self;
  int64_t rounds = 0;
  bool failed = true;
  for (; failed; rounds++) {
    start(&self, -1);
    failed = check_request(rounds, request, is_fine);
    stop(&self);
    assert_ok(self.error);
  }
  assert_true(rounds > 20);
  start(&self, -1);
  assert_serves();
  int quiet = 0;
  for (rounds = 0; quiet < QUIET_ROUNDS; rounds++)
    quiet = check_request(rounds, request, is_fine) ? 0 : quiet + 1;
  stop(&self);
  assert_ok(self.error);
}

static bool is_http1_answer(const char *answer) {
  return answer[0] == '\0' || starts_with(answer, "HTTP/1.1 200 ") ||
         starts_with(answer, "HTTP/1.1 50");
}

static void a_request_is_answered_or_ended(void **state) {
  (void)state;
  check_requests((tn_str){get, sizeof get - 1}, is_http1_answer);
}

static void a_request_with_a_body_is_answered_or_ended(void **state) {
  (void)state;
  static const char post[] =
      "POST /a/longer/path?with=a&query HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
      "Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
  check_requests((tn_str){post, sizeof post - 1}, is_http1_answer);
}

/* Frames of the server begin with a length, whose first byte is 0. */
static bool is_http2_answer(const char *answer) {
  return answer[0] == '\0';
}

static void a_request_by_http2_is_answered_or_ended(void **state) {
  (void)state;
  /* Preface, SETTINGS, HEADERS of GET http://x/ with END_STREAM, GOAWAY. */
  static const char request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0\0"
                                "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x01\x01x"
                                "\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\0";
  check_requests((tn_str){request, sizeof request - 1}, is_http2_answer);
}

/* Until the server has read everything again, or said that it cannot. */
static void reload(tn_server *server) {
  tn_buffer text = {0};
  tn_alloc_fail_after(INT64_MAX); /* not on this thread */
  unsigned long long before = 0;
  for (int i = 0;; i++) {
    text.len = 0;
    tn_metrics_print_text(server->maker.metrics, 0, &text);
    tn_buffer_append_byte(&text, '\0');
    unsigned long long count = 0;
    static const char *const names[] = {"\ntenon_reloads_total ", "\ntenon_reload_failures_total "};
    for (size_t k = 0; k < 2; k++) {
      const char *at = strstr(text.data, names[k]);
      assert_non_null(at);
      count += strtoull(at + strlen(names[k]), NULL, 10);
    }
    if (i == 0) {
      before = count;
      tn_server_reload(server);
    } else if (count > before) {
      break;
    }
    assert_true(i < 20000);
    usleep(1000);
  }
  tn_alloc_fail_after(-1);
  tn_buffer_free(&text);
}

static void a_reload_has_its_effect_or_none(void **state) {
  (void)state;
  running self;
  start(&self, -1);
  assert_serves();
  int quiet = 0;
  int64_t allowed = 0;
  for (; quiet < QUIET_ROUNDS; allowed++) {
    struct timespec times[2] = {{.tv_sec = allowed},
                                {.tv_sec = allowed}}; /* it has changed and is loaded again */
    assert_int_equal(utimensat(AT_FDCWD, component, times, 0), 0);
    tn_alloc_fail_anywhere_after(allowed);
    reload(self.server);
    quiet = tn_alloc_did_fail_anywhere() ? 0 : quiet + 1;
    tn_alloc_fail_anywhere_after(-1);
    assert_serves();
  }
  assert_true(allowed > 50);
  stop(&self);
  assert_ok(self.error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_start_fails_cleanly),
      cmocka_unit_test(running_fails_cleanly),
      cmocka_unit_test(a_request_is_answered_or_ended),
      cmocka_unit_test(a_request_with_a_body_is_answered_or_ended),
      cmocka_unit_test(a_request_by_http2_is_answered_or_ended),
      cmocka_unit_test(a_reload_has_its_effect_or_none),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
