/* Raw HTTP/2 frames at the server: floods, refusals, limits, times, drain. */
#include "http_fixture.h"

enum {
  DATA = 0,
  HEADERS = 1,
  PRIORITY = 2,
  RST_STREAM = 3,
  SETTINGS = 4,
  PING = 6,
  GOAWAY = 7,
  CONTINUATION = 9
};
enum { END_STREAM = 1, END_HEADERS = 4, ENHANCE_YOUR_CALM = 11 };

static void frame(tn_buffer *out, int type, int flags, uint32_t stream, const void *payload,
                  size_t size) {
  const uint8_t head[9] = {(uint8_t)(size >> 16),   (uint8_t)(size >> 8),   (uint8_t)size,
                           (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
                           (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
  tn_buffer_append(out, head, sizeof head);
  if (size > 0) tn_buffer_append(out, payload, size);
}

/* A literal field without indexing (RFC 7541 section 6.2.2); short strings. */
static void field(tn_buffer *out, const char *name, const char *value) {
  uint8_t byte = 0;
  tn_buffer_append(out, &byte, 1);
  byte = (uint8_t)strlen(name);
  tn_buffer_append(out, &byte, 1);
  tn_buffer_append(out, name, byte);
  byte = (uint8_t)strlen(value);
  tn_buffer_append(out, &byte, 1);
  tn_buffer_append(out, value, byte);
}

static void head_block(tn_buffer *out, const char *method, const char *path) {
  field(out, ":method", method);
  field(out, ":scheme", "http");
  field(out, ":authority", "a");
  field(out, ":path", path);
}

static void request(tn_buffer *out, uint32_t stream, int flags, const char *method,
                    const char *path) {
  tn_buffer block = {0};
  head_block(&block, method, path);
  frame(out, HEADERS, flags | END_HEADERS, stream, block.data, block.len);
  tn_buffer_free(&block);
}

static int open_connection(const fixture *f) {
  tn_buffer out = {0};
  tn_buffer_append(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
  frame(&out, SETTINGS, 0, 0, NULL, 0);
  int connection = client_connect(f);
  client_send(connection, tn_buffer_str(&out));
  tn_buffer_free(&out);
  return connection;
}

typedef struct seen {
  int goaways;
  uint32_t goaway_error;
  int resets;
  uint32_t reset_error;
  int heads;
  char first_head[64]; /* its block's first bytes */
  int pongs;
  bool is_closed;
} seen;

static bool read_bytes(int connection, uint8_t *out, size_t size) {
  size_t at = 0;
  while (at < size) {
    ssize_t got = client_receive(connection, out + at, size - at);
    if (got < 0 && errno != ECONNRESET) fail_msg("the server neither answers nor closes");
    if (got <= 0) return false;
    at += (size_t)got;
  }
  return true;
}

static uint32_t number_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool read_frame(int connection, seen *s) {
  uint8_t head[9];
  static uint8_t payload[1 << 16];
  if (!read_bytes(connection, head, sizeof head)) return false;
  size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
  assert_true(size <= sizeof payload);
  if (!read_bytes(connection, payload, size)) return false;
  if (head[3] == GOAWAY) {
    s->goaways++;
    s->goaway_error = number_at(payload + 4);
  } else if (head[3] == RST_STREAM) {
    s->resets++;
    s->reset_error = number_at(payload);
  } else if (head[3] == HEADERS) {
    if (s->heads++ == 0) memcpy(s->first_head, payload, size < 63 ? size : 63);
  } else if (head[3] == PING) {
    s->pongs += head[4] & 1;
  }
  return true;
}

/* Until the server ends the connection. */
static seen read_everything(int connection) {
  seen s = {0};
  while (read_frame(connection, &s))
    continue;
  s.is_closed = true;
  return s;
}

static void send_buffer(int connection, tn_buffer *out) {
  assert_false(out->failed);
  client_send(connection, tn_buffer_str(out));
  tn_buffer_free(out);
}

static void expect_calm(const fixture *f, tn_buffer *flood) {
  int connection = open_connection(f);
  send_buffer(connection, flood);
  seen s = read_everything(connection);
  assert_true(s.is_closed);
  /* nghttp2 has a guard of its own against answers that pile up, which says nothing. */
  if (s.goaways > 0) assert_int_equal(s.goaway_error, ENHANCE_YOUR_CALM);
  close(connection);
}

static void floods_of_frames_that_bring_nobody_further_end_the_connection(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  fixture_start(&f);
  static const uint8_t zeros[8];
  static const uint8_t priority[5] = {0, 0, 0, 0, 1};
  static const int types[] = {PING, SETTINGS, PRIORITY, DATA};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    tn_buffer flood = {0};
    if (types[t] == DATA) request(&flood, 1, 0, "POST", "/");
    for (int i = 0; i < 10000; i++) {
      if (types[t] == PING) frame(&flood, PING, 0, 0, zeros, 8);
      if (types[t] == SETTINGS) frame(&flood, SETTINGS, 0, 0, NULL, 0);
      if (types[t] == PRIORITY) frame(&flood, PRIORITY, 0, 3, priority, 5);
      if (types[t] == DATA) frame(&flood, DATA, 0, 1, NULL, 0);
    }
    expect_calm(&f, &flood);
  }
  fixture_stop(&f);
}

static void rapid_resets_end_the_connection_in_both_directions(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  fixture_start(&f);
  static const uint8_t cancel[4] = {0, 0, 0, 8};
  tn_buffer flood = {0};
  for (uint32_t i = 0; i < 3000; i++) {
    request(&flood, 2 * i + 1, END_STREAM, "GET", "/hang");
    frame(&flood, RST_STREAM, 0, 2 * i + 1, cancel, 4);
  }
  expect_calm(&f, &flood);
  /* Made to reset by a window that overflows (CVE-2025-8671). */
  static const uint8_t grow[4] = {0x7f, 0xff, 0xff, 0xff};
  enum { WINDOW_UPDATE = 8 };
  for (uint32_t i = 0; i < 3000; i++) {
    request(&flood, 2 * i + 1, END_STREAM, "GET", "/hang");
    frame(&flood, WINDOW_UPDATE, 0, 2 * i + 1, grow, 4);
  }
  expect_calm(&f, &flood);
  fixture_stop(&f);
}

static void endless_continuations_end_the_connection(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  fixture_start(&f);
  tn_buffer flood = {0}, block = {0};
  head_block(&block, "GET", "/");
  frame(&flood, HEADERS, END_STREAM, 1, block.data, block.len);
  tn_buffer_free(&block);
  for (int i = 0; i < 100; i++)
    field(&block, "x-filler", "0123456789012345678901234567890123456789");
  for (int i = 0; i < 200; i++)
    frame(&flood, CONTINUATION, 0, 1, block.data, block.len);
  tn_buffer_free(&block);
  int connection = open_connection(&f);
  send_buffer(connection, &flood);
  seen s = read_everything(connection);
  assert_true(s.is_closed);
  assert_int_equal(f.requests, 0);
  close(connection);
  fixture_stop(&f);
}

/* Sends one request and reads up to its head; the status is spelled in it, indexed or literal. */
static seen ask(const fixture *f, tn_buffer *out) {
  int connection = open_connection(f);
  send_buffer(connection, out);
  seen s = {0};
  while (s.heads == 0 && s.resets == 0 && read_frame(connection, &s))
    continue;
  close(connection);
  return s;
}

static void refusals_are_answered_with_their_status(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  f.options.max_body_bytes = 10;
  f.options.max_header_count = 4;
  fixture_start(&f);
  tn_buffer out = {0}, block = {0};
  request(&out, 1, END_STREAM, "GET", "no-slash");
  seen s = ask(&f, &out);
  assert_int_equal(s.resets + s.heads, 1);
  head_block(&block, "POST", "/");
  field(&block, "content-length", "11");
  frame(&out, HEADERS, END_HEADERS, 1, block.data, block.len);
  tn_buffer_free(&block);
  s = ask(&f, &out);
  assert_int_equal(s.heads, 1);
  assert_non_null(memmem(s.first_head, sizeof s.first_head, "413", 3));
  head_block(&block, "GET", "/");
  for (int i = 0; i < 5; i++)
    field(&block, "x-many", "1");
  frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.len);
  tn_buffer_free(&block);
  s = ask(&f, &out);
  assert_non_null(memmem(s.first_head, sizeof s.first_head, "431", 3));
  field(&block, ":method", "CONNECT");
  field(&block, ":authority", "a:1");
  frame(&out, HEADERS, END_HEADERS, 1, block.data, block.len);
  tn_buffer_free(&block);
  s = ask(&f, &out);
  /* "501" by RFC 7541 appendix B, because that is shorter. */
  assert_non_null(memmem(s.first_head, sizeof s.first_head, "\x6c\x01", 2));
  static const char *const expectations[] = {"wonders", "100-continue, wonders", "100-continu"};
  for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
    head_block(&block, "GET", "/");
    field(&block, "expect", "100-Continue");
    field(&block, "expect", expectations[i]);
    frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.len);
    tn_buffer_free(&block);
    s = ask(&f, &out);
    assert_non_null(memmem(s.first_head, sizeof s.first_head, "417", 3));
  }
  assert_int_equal(f.requests, 0);
  assert_true(f.refused >= 6);
  fixture_stop(&f);
}

/* A request with a field of so many bytes, in as many frames as it takes. */
static void large_request(tn_buffer *out, uint32_t stream, size_t size) {
  enum { MOST = 16384, NAME = 8 };
  static const char name[NAME + 1] = "x-filler";
  tn_buffer block = {0};
  head_block(&block, "GET", "/early");
  const uint8_t name_head[2] = {0, NAME};
  tn_buffer_append(&block, name_head, sizeof name_head);
  tn_buffer_append(&block, name, NAME);
  uint8_t prefix = 0x7f; /* RFC 7541 section 5.1 */
  tn_buffer_append(&block, &prefix, 1);
  size_t rest = size - prefix;
  for (; rest >= 128; rest /= 128) {
    uint8_t part = (uint8_t)(128 | rest % 128);
    tn_buffer_append(&block, &part, 1);
  }
  uint8_t last = (uint8_t)rest;
  tn_buffer_append(&block, &last, 1);
  for (size_t i = 0; i < size; i++)
    tn_buffer_append(&block, "x", 1);
  for (size_t at = 0; at < block.len; at += MOST) {
    bool is_last = block.len - at <= MOST;
    frame(out, at == 0 ? HEADERS : CONTINUATION,
          (at == 0 ? END_STREAM : 0) | (is_last ? END_HEADERS : 0), stream, block.data + at,
          is_last ? block.len - at : MOST);
  }
  tn_buffer_free(&block);
}

/* Beyond 64 KiB the decoder gives up (see docs/serve.md), and with it the connection. */
static void a_field_that_is_too_large_costs_only_its_own_request(void **state) {
  (void)state;
  enum { COMPRESSION_ERROR = 9 };
  fixture f;
  fixture_init(&f);
  f.options.max_header_bytes = 32768;
  fixture_start(&f);
  static const size_t sizes[] = {33000, 65000, 65536};
  tn_buffer out = {0};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int connection = open_connection(&f);
    large_request(&out, 1, sizes[i]);
    send_buffer(connection, &out);
    seen s = {0};
    while (s.heads == 0 && read_frame(connection, &s))
      continue;
    assert_non_null(memmem(s.first_head, sizeof s.first_head, "431", 3));
    request(&out, 3, END_STREAM, "GET", "/early");
    send_buffer(connection, &out);
    s = (seen){0};
    while (s.heads == 0 && read_frame(connection, &s))
      continue;
    assert_int_equal((uint8_t)s.first_head[0], 0x88); /* 200 */
    assert_int_equal(s.goaways, 0);
    close(connection);
  }
  int connection = open_connection(&f);
  large_request(&out, 1, 65537);
  send_buffer(connection, &out);
  seen s = read_everything(connection);
  assert_int_equal(s.goaway_error, COMPRESSION_ERROR);
  close(connection);
  fixture_stop(&f);
}

static void a_head_or_a_body_that_does_not_come_runs_out_of_time(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  f.options.header_timeout = f.options.idle_timeout = 400000000;
  f.options.body_timeout = 50000000;
  fixture_start(&f);
  tn_buffer out = {0}, block = {0};
  head_block(&block, "GET", "/");
  int connection = open_connection(&f);
  frame(&out, HEADERS, END_STREAM, 1, block.data, block.len);
  tn_buffer_free(&block);
  send_buffer(connection, &out);
  assert_true(read_everything(connection).is_closed);
  close(connection);
  connection = open_connection(&f);
  request(&out, 1, 0, "POST", "/");
  send_buffer(connection, &out);
  seen s = read_everything(connection);
  assert_true(s.resets >= 1);
  wait_for(&f.live, 0);
  close(connection);
  fixture_stop(&f);
}

static void draining_says_so_twice_and_answers_what_is_under_way(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  fixture_start(&f);
  int connection = open_connection(&f);
  tn_buffer out = {0};
  request(&out, 1, 0, "POST", "/");
  send_buffer(connection, &out);
  wait_for(&f.requests, 1);
  fixture_drain(&f);
  seen s = {0};
  while (s.goaways == 0)
    assert_true(read_frame(connection, &s));
  frame(&out, DATA, END_STREAM, 1, "abc", 3);
  send_buffer(connection, &out);
  while (read_frame(connection, &s))
    continue;
  assert_int_equal(s.goaways, 2);
  assert_int_equal(s.goaway_error, 0);
  assert_int_equal(s.heads, 1);
  close(connection);
  fixture_stop(&f);
}

static void a_client_that_ends_its_body_soon_is_not_told_to_stop(void **state) {
  (void)state;
  fixture f;
  fixture_init(&f);
  fixture_start(&f);
  int connection = open_connection(&f);
  tn_buffer out = {0};
  static const uint8_t nothing[4];
  enum { WINDOW_UPDATE = 8, PROTOCOL_ERROR = 1 };
  request(&out, 1, 0, "POST", "/early");
  send_buffer(connection, &out);
  seen s = {0};
  while (s.heads == 0)
    assert_true(read_frame(connection, &s));
  frame(&out, WINDOW_UPDATE, 0, 1, nothing, 4);
  send_buffer(connection, &out);
  while (s.resets == 0 && s.goaways == 0)
    assert_true(read_frame(connection, &s));
  assert_int_equal(s.resets == 1 ? s.reset_error : s.goaway_error, PROTOCOL_ERROR);
  close(connection);
  connection = open_connection(&f);
  request(&out, 1, 0, "POST", "/early");
  send_buffer(connection, &out);
  s = (seen){0};
  while (s.resets == 0)
    assert_true(read_frame(connection, &s));
  assert_int_equal(s.reset_error, 0);
  assert_int_equal(tn_http_server_get_counters(f.server)->http2_connections, 2);
  close(connection);
  fixture_stop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floods_of_frames_that_bring_nobody_further_end_the_connection),
      cmocka_unit_test(rapid_resets_end_the_connection_in_both_directions),
      cmocka_unit_test(endless_continuations_end_the_connection),
      cmocka_unit_test(refusals_are_answered_with_their_status),
      cmocka_unit_test(a_field_that_is_too_large_costs_only_its_own_request),
      cmocka_unit_test(a_head_or_a_body_that_does_not_come_runs_out_of_time),
      cmocka_unit_test(draining_says_so_twice_and_answers_what_is_under_way),
      cmocka_unit_test(a_client_that_ends_its_body_soon_is_not_told_to_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
