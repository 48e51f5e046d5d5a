/* What an HTTP/1.1 server does over time: bodies that are larger than any buffer, clients that are slow, go
 * away or come in numbers, limits, timeouts and draining. */
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "http_fixture.h"

enum { MILLISECOND = 1000000 };

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void assert_starts(const char *text, const char *start) {
  assert_non_null(text);
  if (text != NULL && strncmp(text, start, strlen(start)) != 0)
    fail_msg("\"%s\" does not start with \"%s\"", text, start);
}

static void assert_contains(const char *text, const char *part) {
  assert_non_null(text);
  if (text != NULL && strstr(text, part) == NULL) fail_msg("no \"%s\" in \"%s\"", part, text);
}

/* Sends, reads to the end and gives what came. */
static char *ask(const fixture *server, const char *bytes) {
  int client = client_connect(server);
  client_send(client, tn_str_from(bytes));
  char *text = client_read_all(client, NULL, NULL);
  close(client);
  return text;
}

/* ---- bodies ------------------------------------------------------------------------------------------- */

/* Takes the chunks apart in place. Gives the size of what they hold, or SIZE_MAX when they are not complete. */
static size_t dechunk(const char *text, size_t size) {
  size_t at = 0, total = 0;
  while (at < size) {
    char *end;
    size_t chunk = strtoull(text + at, &end, 16);
    at = (size_t)(end - text) + 2;
    if (chunk == 0) return at + 2 == size ? total : SIZE_MAX;
    total += chunk;
    at += chunk + 2;
  }
  return SIZE_MAX;
}

static void check_pour(const fixture *server, const char *bytes, bool is_chunked, size_t expected) {
  int client = client_connect(server);
  client_send(client, tn_str_from(bytes));
  size_t size;
  char *text = client_read_all(client, &size, NULL);
  char *body = strstr(text, "\r\n\r\n");
  assert_non_null(body);
  body += 4;
  assert_int_equal(strstr(text, "Transfer-Encoding: chunked") != NULL, is_chunked);
  size_t rest = size - (size_t)(body - text);
  assert_int_equal(is_chunked ? dechunk(body, rest) : rest, expected);
  tn_free(text);
  close(client);
}

static void large_responses_arrive_whole_in_every_framing(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  check_pour(&server, LAST("/pour/10000000"), true, 10000000);
  check_pour(&server, LAST("/sized/10000000"), false, 10000000);
  check_pour(&server, LAST("/pour/100"), false, 100);
  check_pour(&server, "GET /pour/10000000 HTTP/1.0\r\n\r\n", false, 10000000);
  fixture_stop(&server);
}

static void a_body_may_be_as_large_as_it_likes_and_keeps_its_bytes(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  enum { SIZE = 3000000 };
  for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
    int client = client_connect(&server);
    tn_buffer bytes = {0};
    tn_buffer_format(&bytes, "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
    if (is_chunked)
      tn_buffer_format(&bytes, "Transfer-Encoding: chunked\r\n\r\n");
    else
      tn_buffer_format(&bytes, "Content-Length: %d\r\n\r\n", SIZE);
    size_t chunk = 1;
    for (size_t at = 0; at < SIZE;) {
      size_t size = SIZE - at < chunk ? SIZE - at : chunk;
      if (is_chunked) tn_buffer_format(&bytes, "%zx\r\n", size);
      for (size_t i = 0; i < size; i++)
        tn_buffer_append_byte(&bytes, (uint8_t)('a' + (at + i) % 23));
      if (is_chunked) tn_buffer_append_text(&bytes, "\r\n");
      at += size;
      chunk = chunk * 3 % 70001;
    }
    if (is_chunked) tn_buffer_append_text(&bytes, "0\r\n\r\n");
    client_send(client, tn_buffer_str(&bytes));
    size_t size;
    char *text = client_read_all(client, &size, NULL);
    /* It comes back as it is, chunked or not, which is taken apart by looking at the letters only. */
    char *body = strstr(text, "<POST h /p ");
    assert_non_null(body);
    body += strlen("<POST h /p ");
    assert_true((size_t)(text + size - body) > SIZE);
    for (size_t i = 0; i < SIZE; i++)
      assert_int_equal(body[i], 'a' + i % 23);
    tn_free(text);
    tn_buffer_free(&bytes);
    close(client);
  }
  fixture_stop(&server);
}

static void many_pipelined_requests_are_answered_in_order(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.write_buffer_bytes = 4096;
  fixture_start(&server);
  enum { COUNT = 2000 };
  tn_buffer bytes = {0};
  for (int i = 0; i < COUNT; i++) {
    tn_buffer_format(&bytes, "GET /%d HTTP/1.1\r\nHost: h\r\n%s\r\n", i,
                     i == COUNT - 1 ? "Connection: close\r\n" : "");
  }
  int client = client_connect(&server);
  client_send(client, tn_buffer_str(&bytes));
  char *text = client_read_all(client, NULL, NULL);
  const char *at = text;
  for (int i = 0; i < COUNT; i++) {
    char expected[40];
    snprintf(expected, sizeof expected, "<GET h /%d >\n", i);
    at = strstr(at, expected);
    if (at == NULL) fail_msg("no answer to request %d", i);
  }
  tn_free(text);
  tn_buffer_free(&bytes);
  close(client);
  fixture_stop(&server);
}

static void a_client_that_waits_for_100_gets_it_before_it_sends(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client,
              TN_STR("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                     "Connection: close\r\n\r\n"));
  char *text = client_read_until(client, "\r\n\r\n");
  assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
  tn_free(text);
  client_send(client, TN_STR("ab"));
  text = client_read_all(client, NULL, NULL);
  assert_contains(text, "<POST h /p ab>");
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

static void a_slow_reader_holds_its_handler_back_and_costs_no_memory(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(LAST("/pour/100000000")));
  char *head = client_read_until(client, "\r\n\r\n");
  tn_free(head);
  /* What the system's buffers do not hold cannot have been written. */
  nanosleep(&(struct timespec){.tv_nsec = 100 * MILLISECOND}, NULL);
  uint64_t sent = tn_http_server_get_counters(server.server)->bytes_out;
  assert_true(sent < 50000000);
  assert_int_equal(server.live, 1);
  size_t size;
  char *text = client_read_all(client, &size, NULL);
  assert_int_equal(dechunk(text, size), 100000000);
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

static void what_was_flushed_leaves_although_the_turn_is_held_up(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(GET("/hold")));
  tn_free(client_read_until(client, "\r\n\r\nab"));
  server.may_go_on = true;
  tn_free(client_read_until(client, "cd"));
  close(client);
  fixture_stop(&server);
}

/* ---- clients that go away -------------------------------------------------------------------------------- */

static void reset(int client) {
  struct linger linger = {.l_onoff = 1};
  setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(client);
}

static void a_reset_is_told_while_nobody_reads(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.half_close_timeout = 0;
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(GET("/hang")));
  wait_for(&server.requests, 1);
  reset(client);
  wait_for(&server.closed, 1);
  assert_int_equal(server.closed_code, TN_HTTP_CONNECTION_TERMINATED);
  /* With a body that nobody reads and that fills every buffer. */
  client = client_connect(&server);
  client_send(client,
              TN_STR("POST /hang HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc"));
  wait_for(&server.requests, 2);
  reset(client);
  wait_for(&server.closed, 2);
  fixture_stop(&server);
}

static void a_cut_body_is_told(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.half_close_timeout = 0;
  fixture_start(&server);
  const char *requests[] = {
      "POST /hang HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
      "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
  };
  for (int i = 0; i < 3; i++) {
    int client = client_connect(&server);
    client_send(client, tn_str_from(requests[i]));
    wait_for(&server.requests, i + 1);
    close(client);
    wait_for(&server.live, 0);
  }
  fixture_stop(&server);
}

static void a_half_closed_client_is_answered(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(GET("/a") GET("/pour/5000000") GET("/b")));
  shutdown(client, SHUT_WR);
  size_t size;
  char *text = client_read_all(client, &size, NULL);
  assert_true(size > 5000000);
  assert_memory_equal(text + size - 12, "<GET h /b >\n", 12);
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

static void the_connection_of_a_half_closed_client_ends_with_the_last_answer(void **state) {
  (void)state;
  for (int is_slow = 0; is_slow < 2; is_slow++) {
    fixture server;
    fixture_init(&server);
    server.options.idle_timeout = server.options.header_timeout = 0;
    server.options.half_close_timeout = 0;
    fixture_start(&server);
    int client = client_connect(&server);
    /* The end comes with the request, or while the request is answered. */
    static const char request[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
    int cork = 1;
    if (!is_slow) setsockopt(client, IPPROTO_TCP, TCP_CORK, &cork, sizeof cork);
    client_send(client, (tn_str){request, sizeof request - 1 - (size_t)is_slow});
    if (is_slow) {
      wait_for(&server.requests, 1);
      client_send(client, TN_STR("b"));
    }
    shutdown(client, SHUT_WR);
    char *text = client_read_all(client, NULL, NULL);
    assert_contains(text, "<POST h /p ab>");
    tn_free(text);
    close(client);
    fixture_stop(&server);
  }
}

static void a_half_closed_client_does_not_hold_a_silent_handler_for_ever(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.half_close_timeout = 50 * MILLISECOND;
  fixture_start(&server);
  /* Whatever lies unread behind the request. */
  tn_buffer pipelined = {0};
  tn_buffer_append_text(&pipelined, GET("/hang"));
  for (int i = 0; i < 2000; i++)
    tn_buffer_append_text(&pipelined, GET("/a"));
  assert_false(pipelined.failed);
  const tn_str requests[] = {
      TN_STR(GET("/hang")),
      TN_STR("POST /hang HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
      TN_STR("POST /hang HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
      {pipelined.data, pipelined.len},
  };
  for (int i = 0; i < 4; i++) {
    int client = client_connect(&server);
    client_send(client, requests[i]);
    wait_for(&server.requests, i + 1);
    close(client);
    wait_for(&server.closed, i + 1);
  }
  tn_buffer_free(&pipelined);
  fixture_stop(&server);
}

static void a_half_closed_client_has_time_as_long_as_its_body_is_read(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.half_close_timeout = 300 * MILLISECOND;
  server.options.body_timeout = 0;
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdef"));
  shutdown(client, SHUT_WR);
  char *text = client_read_all(client, NULL, NULL);
  assert_contains(text, "<POST h /slow abcdef>");
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

static void a_response_that_is_cut_ends_without_a_last_chunk(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(GET("/cut")));
  size_t size;
  char *text = client_read_all(client, &size, NULL);
  assert_starts(text, "HTTP/1.1 200 OK\r\n");
  char *body = strstr(text, "\r\n\r\n") + 4;
  assert_int_equal(dechunk(body, size - (size_t)(body - text)), SIZE_MAX);
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

/* ---- limits ------------------------------------------------------------------------------------------------- */

static void limits_are_answered_by_their_statuses(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.max_header_bytes = 1000;
  server.options.max_header_count = 5;
  server.options.max_body_bytes = 10;
  fixture_start(&server);
  tn_buffer bytes = {0};
  char filler[3000];
  memset(filler, 'x', sizeof filler);
  struct {
    const char *format;
    int size;
    const char *status;
  } cases[] = {
      {"GET /%.*s HTTP/1.1\r\nHost: h\r\n\r\n", 1000, "HTTP/1.1 414 "},
      {"GET /%.*s", 3000, "HTTP/1.1 414 "},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: %.*s\r\n\r\n", 1000, "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: %.*s", 3000, "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nA: %.*s\r\n\r\n", 900, "HTTP/1.1 200 "},
      {"GET / HTTP/1.1\r\nHost: h\r\na:\r\nb:\r\nc:\r\nd:\r\ne:%.*s\r\n\r\n", 0, "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nHost: h\r\na:\r\nb:\r\nc:\r\nConnection: close%.*s\r\n\r\n", 0,
       "HTTP/1.1 200 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n%.*s", 11, "HTTP/1.1 413 "},
      {"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n%.*s", 11, "HTTP/1.1 413 "},
      {"HEAD / HTTP/1.1\r\nHost: h\r\nA: %.*s", 3000, "HTTP/1.1 431 "},
      {"HEAD /%.*s", 3000, "HTTP/1.1 414 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 10\r\n\r\n%.*s", 10,
       "HTTP/1.1 200 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n%.*s", 6,
       "HTTP/1.1 413 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: %.*s", 3000,
       "HTTP/1.1 431 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:%.*s\r\n\r\n",
       0, "HTTP/1.1 431 "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bytes.len = 0;
    tn_buffer_format(&bytes, cases[i].format, cases[i].size, filler);
    int client = client_connect(&server);
    client_send(client, tn_buffer_str(&bytes));
    char *text = client_read_all(client, NULL, NULL);
    assert_starts(text, cases[i].status);
    if (strncmp(cases[i].format, "HEAD ", 5) == 0)
      assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    tn_free(text);
    close(client);
  }
  tn_buffer_free(&bytes);
  fixture_stop(&server);
}

static void chunk_extensions_are_bounded(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
  /* No line is long, all together are. */
  for (int i = 0; i < 200; i++) {
    char line[120];
    snprintf(line, sizeof line, "1;%0100d\r\nx\r\n", i);
    client_send(client, tn_str_from(line));
  }
  char *text = client_read_all(client, NULL, NULL);
  assert_starts(text, "HTTP/1.1 400 ");
  tn_free(text);
  close(client);
  fixture_stop(&server);
}

static void one_client_gets_no_more_connections_than_its_share(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.max_connections_per_client = 2;
  fixture_start(&server);
  int first = client_connect(&server), second = client_connect(&server);
  client_send(first, TN_STR(GET("/a")));
  client_send(second, TN_STR(GET("/a")));
  tn_free(client_read_until(first, ">\n"));
  tn_free(client_read_until(second, ">\n"));
  char *text = ask(&server, LAST("/b"));
  assert_string_equal(text, "");
  tn_free(text);
  close(first);
  /* Its place is free as soon as the server has seen the end. */
  for (int i = 0; i < 1000; i++) {
    text = ask(&server, LAST("/b"));
    bool is_answered = text[0] != '\0';
    tn_free(text);
    if (is_answered) break;
    assert_true(i < 999);
    nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
  }
  close(second);
  assert_true(tn_http_server_get_counters(server.server)->refused_connections >= 1);
  fixture_stop(&server);
}

static void beyond_the_connection_limit_clients_wait_for_their_turn(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.max_connections = 2;
  fixture_start(&server);
  enum { COUNT = 20 };
  int clients[COUNT];
  for (int i = 0; i < COUNT; i++) {
    clients[i] = client_connect(&server);
    client_send(clients[i], TN_STR(LAST("/a")));
  }
  for (int i = 0; i < COUNT; i++) {
    char *text = client_read_all(clients[i], NULL, NULL);
    assert_starts(text, "HTTP/1.1 200 ");
    tn_free(text);
    close(clients[i]);
  }
  fixture_stop(&server);
}

static void running_out_of_descriptors_is_survived(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  enum { COUNT = 30 };
  int clients[COUNT];
  for (int i = 0; i < COUNT; i++)
    clients[i] = client_connect(&server);
  for (int i = 0; i < COUNT; i++) {
    client_send(clients[i], TN_STR(GET("/a")));
    tn_free(client_read_until(clients[i], ">\n"));
  }
  struct rlimit limit, low;
  getrlimit(RLIMIT_NOFILE, &limit);
  low = limit;
  int extra = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  low.rlim_cur = (rlim_t)extra + 1; /* nothing is left but what is open */
  setrlimit(RLIMIT_NOFILE, &low);
  struct timeval seconds = {.tv_sec = FIXTURE_SECONDS};
  setsockopt(extra, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof seconds);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(server.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(extra, (struct sockaddr *)&address, sizeof address), 0);
  char byte;
  assert_true(recv(extra, &byte, 1, 0) <= 0); /* sent away, not kept waiting */
  close(extra);
  client_send(clients[0], TN_STR(GET("/b"))); /* those who are there are served */
  tn_free(client_read_until(clients[0], ">\n"));
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < COUNT; i++)
    close(clients[i]);
  char *text = ask(&server, LAST("/c"));
  assert_starts(text, "HTTP/1.1 200 ");
  tn_free(text);
  fixture_stop(&server);
}

/* ---- times ----------------------------------------------------------------------------------- */

/* Asks until the answer begins so: a client that stands still before it has sent anything finds its time over. */
static char *ask_in_time(fixture *self, const char *request, const char *start) {
  char *text = ask(self, request);
  for (int i = 0; i < 20 && strncmp(text, start, strlen(start)) != 0; i++) {
    tn_free(text);
    text = ask(self, request);
  }
  assert_starts(text, start);
  return text;
}

static void each_timeout_ends_what_it_is_for(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.header_timeout = 60 * MILLISECOND;
  server.options.body_timeout = 60 * MILLISECOND;
  server.options.idle_timeout = 60 * MILLISECOND;
  server.options.write_timeout = 60 * MILLISECOND;
  fixture_start(&server);
  char *text = ask(&server, "");
  assert_string_equal(text, ""); /* nothing came: nothing to answer */
  tn_free(text);
  tn_free(ask_in_time(&server, "GET / HTTP/1.1\r\nHost: h\r\n", "HTTP/1.1 408 "));
  text = ask_in_time(&server, GET("/a"), "HTTP/1.1 200 ");
  assert_contains(text, "<GET h /a >");
  tn_free(text);
  int requests = server.requests;
  for (int i = 0; i < 20 && server.requests == requests; i++) {
    text = ask(&server, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc");
    if (server.requests != requests) assert_starts(text, "HTTP/1.1 408 ");
    tn_free(text);
  }
  assert_int_equal(server.closed, 1);
  assert_int_equal(server.closed_code, TN_HTTP_CONNECTION_READ_TIMEOUT);
  /* A client that takes nothing. */
  int client = -1;
  requests = server.requests;
  for (int i = 0; i < 20 && server.requests == requests; i++) {
    if (client >= 0) close(client);
    client = client_connect(&server);
    client_send(client, TN_STR(GET("/pour/100000000")));
    struct pollfd answer_or_end = {.fd = client, .events = POLLIN};
    poll(&answer_or_end, 1, FIXTURE_SECONDS * 1000);
  }
  wait_for(&server.closed, 2);
  assert_int_equal(server.closed_code, TN_HTTP_CONNECTION_WRITE_TIMEOUT);
  close(client);
  fixture_stop(&server);
}

static void a_head_that_dribbles_in_gets_no_more_time(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  server.options.header_timeout = 100 * MILLISECOND;
  fixture_start(&server);
  char *text = NULL;
  for (int i = 0; i < 20 && (text == NULL || text[0] == '\0'); i++) { /* until something came in time */
    tn_free(text);
    int client = client_connect(&server);
    client_send(client, TN_STR("GET / HTTP/1.1\r\nHost: h\r\nA: "));
    struct pollfd fd = {.fd = client, .events = POLLIN};
    int sent = 0;
    for (; sent < 10000 && poll(&fd, 1, 5) == 0; sent++)
      client_send(client, TN_STR("x"));
    assert_true(sent < 10000);
    text = client_read_all(client, NULL, NULL);
    close(client);
  }
  assert_starts(text, "HTTP/1.1 408 ");
  tn_free(text);
  fixture_stop(&server);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void without_memory_a_connection_ends_and_the_server_goes_on(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  static const char request[] =
      "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
  int answered = 0;
  enum { ALLOCATIONS = 30 };
  for (int i = 0; i < ALLOCATIONS; i++) {
    server.controls = 0;
    fixture_tell(&server, (uint64_t)i + 101);
    wait_for(&server.controls, 1);
    char *text = ask(&server, request);
    if (strstr(text, "<POST h /p hello A=b>") != NULL) answered++;
    tn_free(text);
    server.controls = 0;
    fixture_tell(&server, 100); /* none fails any more */
    wait_for(&server.controls, 1);
    text = ask(&server, LAST("/a"));
    assert_contains(text, "<GET h /a >");
    tn_free(text);
  }
  assert_in_range(answered, 1, ALLOCATIONS - 1);
  fixture_stop(&server);
}

/* ---- draining -------------------------------------------------------------------------------- */

static void draining_closes_idle_connections_and_finishes_the_rest(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int idle = client_connect(&server), busy = client_connect(&server);
  client_send(idle, TN_STR(GET("/a")));
  tn_free(client_read_until(idle, ">\n"));
  client_send(busy, TN_STR("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"));
  wait_for(&server.requests, 2);
  fixture_drain(&server);
  char *text = client_read_all(idle, NULL, NULL);
  assert_string_equal(text, "");
  tn_free(text);
  assert_false(server.is_drained);
  client_send(busy, TN_STR("cd"));
  text = client_read_all(busy, NULL, NULL);
  assert_contains(text, "<POST h /p abcd>");
  assert_contains(text, "Connection: close\r\n");
  tn_free(text);
  for (int i = 0; i < 5000 && !server.is_drained; i++)
    nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
  assert_true(server.is_drained);
  close(idle);
  close(busy);
  fixture_stop(&server);
}

static void draining_answers_what_was_sent_before(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  enum { NEW = 80 }; /* more than are accepted in a turn */
  int kept = client_connect(&server), silent = client_connect(&server), fresh[NEW];
  client_send(kept, TN_STR(GET("/a")));
  tn_free(client_read_until(kept, ">\n"));
  int drains = client_connect(&server);
  client_send(drains, TN_STR(GET("/drain")));
  wait_for(&server.requests, 2);
  client_send(kept, TN_STR(GET("/b")));
  for (int i = 0; i < NEW; i++) {
    fresh[i] = client_connect(&server);
    client_send(fresh[i], TN_STR(GET("/c")));
  }
  server.may_go_on = true;
  char *text = client_read_all(kept, NULL, NULL);
  assert_contains(text, "Connection: close\r\n");
  assert_contains(text, "<GET h /b >");
  tn_free(text);
  for (int i = 0; i < NEW; i++) {
    text = client_read_all(fresh[i], NULL, NULL);
    assert_contains(text, "Connection: close\r\n");
    assert_contains(text, "<GET h /c >");
    tn_free(text);
    close(fresh[i]);
  }
  text = client_read_all(drains, NULL, NULL);
  assert_contains(text, "draining\n");
  tn_free(text);
  bool is_reset;
  text = client_read_all(silent, NULL, &is_reset);
  assert_string_equal(text, "");
  assert_false(is_reset);
  tn_free(text);
  for (int i = 0; i < 5000 && !server.is_drained; i++)
    nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
  assert_true(server.is_drained);
  close(kept);
  close(silent);
  close(drains);
  fixture_stop(&server);
}

static void deleting_a_server_leaves_exchanges_valid(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  int client = client_connect(&server);
  client_send(client, TN_STR(GET("/hang")));
  wait_for(&server.requests, 1);
  fixture_stop(&server); /* tells the handler, which releases it: nothing may be left */
  assert_int_equal(server.closed, 1);
  close(client);
}

static void counters_tell_what_happened(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  char *text = ask(&server, LAST("/a"));
  size_t size = strlen(text);
  tn_free(text);
  tn_free(ask(&server, GET("/a") "nonsense\r\n\r\n"));
  const tn_http_server_counters *counters = tn_http_server_get_counters(server.server);
  assert_int_equal(counters->connections, 2);
  assert_int_equal(counters->refused_requests, 1);
  assert_int_equal(server.refused, 1);
  assert_int_equal(counters->bytes_in, strlen(LAST("/a")) + strlen(GET("/a") "nonsense\r\n\r\n"));
  assert_true(counters->bytes_out > 2 * size);
  fixture_stop(&server);
  assert_int_equal(server.live, 0);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void addresses_to_listen_on_are_checked(void **state) {
  (void)state;
  int descriptor;
  const char *good[] = {"127.0.0.1:0", "[::1]:0", ":0", "localhost:0"};
  for (size_t i = 0; i < 4; i++) {
    assert_ok(tn_http_listen_socket(tn_str_from(good[i]), 10, &descriptor));
    close(descriptor);
  }
  const char *bad[] = {"",      "localhost", "1.2.3.4", ":",     ":x",   ":65536",
                       "[::1]", "[::1:80",   "::1:80",  "unix:", "a:1:2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_error(tn_http_listen_socket(tn_str_from(bad[i]), 10, &descriptor), TN_ERROR_ARGUMENT,
                 "is no address to listen on");
  }
  assert_error(tn_http_listen_socket(TN_STR("192.0.2.1:80"), 10, &descriptor), TN_ERROR_IO,
               "cannot listen on 192.0.2.1:80: ");
}

static void a_socket_file_that_was_left_behind_is_replaced_but_not_one_in_use(void **state) {
  (void)state;
  char path[64], address[80];
  snprintf(path, sizeof path, "/tmp/tenon-test-%d.sock", (int)getpid());
  snprintf(address, sizeof address, "unix:%s", path);
  int first, second;
  assert_ok(tn_http_listen_socket(tn_str_from(address), 10, &first));
  assert_error(tn_http_listen_socket(tn_str_from(address), 10, &second), TN_ERROR_IO, "in use");
  close(first);
  assert_ok(tn_http_listen_socket(tn_str_from(address), 10, &second));
  close(second);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(large_responses_arrive_whole_in_every_framing),
      cmocka_unit_test(a_body_may_be_as_large_as_it_likes_and_keeps_its_bytes),
      cmocka_unit_test(many_pipelined_requests_are_answered_in_order),
      cmocka_unit_test(a_client_that_waits_for_100_gets_it_before_it_sends),
      cmocka_unit_test(a_slow_reader_holds_its_handler_back_and_costs_no_memory),
      cmocka_unit_test(what_was_flushed_leaves_although_the_turn_is_held_up),
      cmocka_unit_test(a_reset_is_told_while_nobody_reads),
      cmocka_unit_test(a_cut_body_is_told),
      cmocka_unit_test(a_half_closed_client_is_answered),
      cmocka_unit_test(the_connection_of_a_half_closed_client_ends_with_the_last_answer),
      cmocka_unit_test(a_half_closed_client_does_not_hold_a_silent_handler_for_ever),
      cmocka_unit_test(a_half_closed_client_has_time_as_long_as_its_body_is_read),
      cmocka_unit_test(a_response_that_is_cut_ends_without_a_last_chunk),
      cmocka_unit_test(limits_are_answered_by_their_statuses),
      cmocka_unit_test(chunk_extensions_are_bounded),
      cmocka_unit_test(one_client_gets_no_more_connections_than_its_share),
      cmocka_unit_test(beyond_the_connection_limit_clients_wait_for_their_turn),
      cmocka_unit_test(running_out_of_descriptors_is_survived),
      cmocka_unit_test(each_timeout_ends_what_it_is_for),
      cmocka_unit_test(a_head_that_dribbles_in_gets_no_more_time),
      cmocka_unit_test(without_memory_a_connection_ends_and_the_server_goes_on),
      cmocka_unit_test(draining_closes_idle_connections_and_finishes_the_rest),
      cmocka_unit_test(draining_answers_what_was_sent_before),
      cmocka_unit_test(deleting_a_server_leaves_exchanges_valid),
      cmocka_unit_test(addresses_to_listen_on_are_checked),
      cmocka_unit_test(a_socket_file_that_was_left_behind_is_replaced_but_not_one_in_use),
      cmocka_unit_test(counters_tell_what_happened),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
