/* The HTTP client over loopback, against servers that send what they are told: answers and their framing, reuse of
 * connections, retries, limits. */
#include "http_client_world.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static const tn_http_client_counters *counters(const world *w) {
  return tn_http_client_get_counters(w->client);
}

static void one_connection_serves_calls_one_after_the_other(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  world w = world_new(NULL);
  for (int i = 0; i < 5; i++) {
    fetch f = {0};
    fetch_get(&w, &f, s.port, "GET", NULL);
    world_run(&w);
    assert_int_equal(f.status, 200);
    assert_string_equal(f.fields, "Content-Length=5;");
    assert_body(&f, "hello");
    fetch_end(&f);
  }
  assert_int_equal(s.accepted, 1);
  assert_int_equal(counters(&w)->calls, 5);
  assert_int_equal(counters(&w)->reused, 4);
  assert_int_equal(counters(&w)->connections, 1);
  assert_int_equal(counters(&w)->open_connections, 1);
  world_delete(&w);
  server_stop(&s);
}

/* Sends `answer` to a request with `method` and gives what came of it. The caller ends it. */
static fetch fetch_answer(const char *answer, const char *method, bool *is_reused,
                          size_t read_size) {
  server s;
  server_start(&s, script_answer_once, (void *)answer);
  tn_http_client_options options = world_options();
  options.max_header_bytes = 4096;
  options.max_header_count = 20;
  world w = world_new(&options);
  fetch f = {.read_size = read_size};
  fetch_get(&w, &f, s.port, method, NULL);
  world_run(&w);
  *is_reused = counters(&w)->open_connections == 1;
  fetch result = f;
  result.w = NULL;
  tn_http_call_release(f.call);
  result.call = NULL;
  world_delete(&w);
  server_stop(&s);
  return result;
}

static void every_framing_of_a_body_is_understood(void **state) {
  (void)state;
  static const struct {
    const char *answer, *method, *body, *trailers;
  } cases[] = {
      {HELLO, "GET", "hello", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", "", ""},
      {"HTTP/1.1 204 No Content\r\n\r\n", "GET", "", ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "GET", "", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "HEAD", "", ""},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "GET", "until the end", ""},
      {"HTTP/1.0 200 OK\r\n\r\nold", "GET", "old", ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n",
       "GET", "hello, world", ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nX-Sum: "
       "3\r\nY: z\r\n\r\n",
       "GET", "abc", "X-Sum=3;Y=z;"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" HELLO, "GET",
       "hello", ""},
  };
  static const size_t sizes[] = {1, 3, 65536};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (size_t j = 0; j < 3; j++) {
      bool is_reused;
      fetch f = fetch_answer(cases[i].answer, cases[i].method, &is_reused, sizes[j]);
      assert_body(&f, cases[i].body);
      assert_string_equal(f.trailers, cases[i].trailers);
      fetch_end(&f);
    }
  }
}

static void what_no_answer_can_be_fails_with_the_code_for_it(void **state) {
  (void)state;
  static const struct {
    const char *answer;
    tn_http_code code;
    const char *words;
  } cases[] = {
      {"", TN_HTTP_CONNECTION_TERMINATED, "closed the connection"},
      {"HTTP/1.1 200 OK\r\nContent-Le", TN_HTTP_HTTP_RESPONSE_INCOMPLETE,
       "within the response's head"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", TN_HTTP_HTTP_UPGRADE_FAILED,
       "not asked for"},
      {"SSH-2.0-OpenSSH_9.6\r\n\r\n", TN_HTTP_HTTP_PROTOCOL_ERROR, "127.0.0.1"},
      {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", TN_HTTP_HTTP_PROTOCOL_ERROR, "LF"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
       TN_HTTP_HTTP_PROTOCOL_ERROR, "Content-Length"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       TN_HTTP_HTTP_PROTOCOL_ERROR, "Transfer-Encoding"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       TN_HTTP_HTTP_RESPONSE_TRANSFER_CODING, "coding"},
      {"HTTP/1.1 200 "
       "OK\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:"
       "1\r\n"
       "a:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\n\r\n",
       TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE, "too many"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bool is_reused;
    fetch f = fetch_answer(cases[i].answer, "GET", &is_reused, 0);
    assert_failed(&f, cases[i].code, cases[i].words);
    fetch_end(&f);
  }
}

static void a_broken_body_ends_in_a_failure_that_says_how(void **state) {
  (void)state;
  static const struct {
    const char *answer;
    tn_http_code code;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", TN_HTTP_HTTP_RESPONSE_INCOMPLETE},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
       TN_HTTP_HTTP_RESPONSE_INCOMPLETE},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
       TN_HTTP_HTTP_RESPONSE_INCOMPLETE},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
       TN_HTTP_HTTP_RESPONSE_TRANSFER_CODING},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
       TN_HTTP_HTTP_RESPONSE_TRANSFER_CODING},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
       TN_HTTP_HTTP_PROTOCOL_ERROR},
  };
  static const size_t sizes[] = {1, 65536};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (size_t j = 0; j < 2; j++) {
      bool is_reused;
      fetch f = fetch_answer(cases[i].answer, "GET", &is_reused, sizes[j]);
      assert_int_equal(f.status, 200);
      assert_true(f.end < 0 && f.end != TN_HTTP_END);
      assert_string_equal(tn_http_code_name(tn_http_failure_code(f.end)),
                          tn_http_code_name(cases[i].code));
      fetch_end(&f);
    }
  }
}

static void script_endless(server *self, int connection, int index) {
  (void)index;
  char head[4096];
  if (!read_head(connection, head, sizeof head)) return;
  send_text(connection, "HTTP/1.1 200 OK\r\n");
  char part[1024];
  memset(part, 'x', sizeof part);
  const char *name = self->data;
  for (;;) {
    if (send(connection, name, strlen(name), MSG_NOSIGNAL) < 0) return;
    if (name[0] == 'y' && send(connection, part, sizeof part, MSG_NOSIGNAL) < 0) return;
  }
}

static void an_endless_head_is_cut_off(void **state) {
  (void)state;
  static const char *const lines[] = {"x: y\r\n", "y"};
  for (size_t i = 0; i < 2; i++) {
    server s;
    server_start(&s, script_endless, (void *)lines[i]);
    world w = world_new(NULL);
    fetch f = {0};
    fetch_get(&w, &f, s.port, "GET", NULL);
    world_run(&w);
    assert_failed(&f, TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE, "too long");
    fetch_end(&f);
    world_delete(&w);
    server_stop(&s);
  }
}

static void a_connection_with_bytes_behind_the_answer_is_not_used_again(void **state) {
  (void)state;
  static const char *const answers[] = {
      HELLO "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
  };
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    server s;
    server_start(&s, script_answer, (void *)answers[i]);
    world w = world_new(NULL);
    for (int j = 0; j < 2; j++) {
      fetch f = {0};
      fetch_get(&w, &f, s.port, "GET", NULL);
      world_run(&w);
      assert_body(&f, i == 2 ? "" : "hello");
      fetch_end(&f);
    }
    assert_int_equal(s.accepted, 2);
    world_delete(&w);
    server_stop(&s);
  }
}

/* The first connection answers once and is closed when the second request comes. */
static void script_die_on_second(server *self, int connection, int index) {
  char head[4096];
  if (!read_head(connection, head, sizeof head)) return;
  self->seen++;
  send_text(connection, HELLO);
  if (index > 0)
    read_to_end(connection);
  else
    read_head(connection, head, sizeof head);
}

static void a_request_on_a_dying_connection_is_tried_once_more_when_that_is_safe(void **state) {
  (void)state;
  server s;
  server_start(&s, script_die_on_second, NULL);
  world w = world_new(NULL);
  for (int i = 0; i < 2; i++) {
    fetch f = {0};
    fetch_get(&w, &f, s.port, "GET", NULL);
    world_run(&w);
    assert_body(&f, "hello");
    fetch_end(&f);
  }
  assert_int_equal(s.accepted, 2);
  assert_int_equal(s.seen, 2);
  world_delete(&w);
  server_stop(&s);
}

static void a_post_on_a_dying_connection_is_not_repeated(void **state) {
  (void)state;
  server s;
  server_start(&s, script_die_on_second, NULL);
  world w = world_new(NULL);
  fetch first = {0};
  fetch_get(&w, &first, s.port, "POST", NULL);
  world_run(&w);
  assert_body(&first, "hello");
  fetch_end(&first);
  fetch second = {0};
  fetch_get(&w, &second, s.port, "POST", NULL);
  world_run(&w);
  assert_failed(&second, TN_HTTP_CONNECTION_TERMINATED, "closed");
  fetch_end(&second);
  assert_int_equal(s.accepted, 1);
  world_delete(&w);
  server_stop(&s);
}

static void script_close_after_answer(server *self, int connection, int index) {
  (void)index;
  char head[4096];
  if (read_head(connection, head, sizeof head)) send_text(connection, self->data);
}

static void a_connection_that_was_closed_while_idle_is_noticed_before_it_is_used(void **state) {
  (void)state;
  server s;
  server_start(&s, script_close_after_answer, HELLO);
  world w = world_new(NULL);
  for (int i = 0; i < 3; i++) {
    fetch f = {0};
    fetch_get(&w, &f, s.port, "POST", NULL);
    world_run(&w);
    assert_body(&f, "hello");
    fetch_end(&f);
    /* The loop does not turn: only a look before its use can tell. */
    for (int waits = 0; waits < 10000 && s.closed <= i; waits++)
      usleep(1000);
    usleep(50000); /* a busy kernel delivers the end later than close returns */
  }
  assert_int_equal(s.accepted, 3);
  world_delete(&w);
  server_stop(&s);
}

static void calls_beyond_the_limit_wait_for_a_connection_in_order(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  tn_http_client_options options = world_options();
  options.max_connections_per_host = 2;
  world w = world_new(&options);
  fetch f[10] = {0};
  for (int i = 0; i < 10; i++)
    fetch_get(&w, &f[i], s.port, "GET", NULL);
  fetch_end(&f[5]); /* from the middle of the queue */
  world_run(&w);
  for (int i = 0; i < 10; i++) {
    if (i == 5) continue;
    assert_body(&f[i], "hello");
    fetch_end(&f[i]);
  }
  assert_int_equal(s.accepted, 2);
  assert_int_equal(s.seen, 9);
  world_delete(&w);
  server_stop(&s);
}

static void the_limit_of_all_connections_is_shared_by_all_hosts(void **state) {
  (void)state;
  server s[3];
  for (int i = 0; i < 3; i++)
    server_start(&s[i], script_answer, HELLO);
  tn_http_client_options options = world_options();
  options.max_connections = 1;
  world w = world_new(&options);
  fetch f[9] = {0};
  for (int i = 0; i < 9; i++)
    fetch_get(&w, &f[i], s[i % 3].port, "GET", NULL);
  world_run(&w);
  for (int i = 0; i < 9; i++) {
    assert_body(&f[i], "hello");
    fetch_end(&f[i]);
  }
  assert_int_equal(counters(&w)->open_connections, 1);
  world_delete(&w);
  for (int i = 0; i < 3; i++)
    server_stop(&s[i]);
}

static void idle_connections_end_after_their_time(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  tn_http_client_options options = world_options();
  options.idle_timeout = 50 * MILLISECOND;
  world w = world_new(&options);
  fetch f[3] = {0};
  for (int i = 0; i < 3; i++)
    fetch_get(&w, &f[i], s.port, "GET", NULL);
  world_run(&w);
  for (int i = 0; i < 3; i++)
    fetch_end(&f[i]);
  WORLD_WAIT(&w, counters(&w)->open_connections == 0);
  assert_int_equal(s.accepted, 3);
  world_delete(&w);
  server_stop(&s);
}

static void connections_are_shared_only_under_the_same_rights(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  world w = world_new(NULL);
  int a, b;
  const void *keys[] = {&a, &b, &a};
  for (int i = 0; i < 3; i++) {
    fetch f = {0};
    tn_http_call_options options = {.policy_key = keys[i]};
    fetch_get(&w, &f, s.port, "GET", &options);
    world_run(&w);
    assert_body(&f, "hello");
    fetch_end(&f);
  }
  assert_int_equal(s.accepted, 2);
  world_delete(&w);
  server_stop(&s);
}

static void connections_of_rights_that_have_ended_are_not_used_again(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  world w = world_new(NULL);
  int key;
  const tn_http_call_options options = {.policy_key = &key};
  fetch f = {0};
  for (int i = 0; i < 2; i++) {
    fetch_get(&w, &f, s.port, "GET", &options);
    world_run(&w);
    assert_body(&f, "ok");
    fetch_end(&f);
  }
  assert_int_equal(s.accepted, 1);
  tn_http_client_forget(w.client, &key);
  assert_int_equal(tn_http_client_get_counters(w.client)->open_connections, 0);
  /* One that is in use goes on, and ends with its call. */
  fetch_get(&w, &f, s.port, "GET", &options);
  tn_http_client_forget(w.client, &key);
  world_run(&w);
  assert_body(&f, "ok");
  fetch_end(&f);
  assert_int_equal(s.accepted, 2);
  assert_int_equal(tn_http_client_get_counters(w.client)->open_connections, 0);
  world_delete(&w);
  server_stop(&s);
}

static void a_silent_peer_ends_by_the_timeouts_of_the_client(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, "");
  tn_http_client_options client_options = world_options();
  assert_int_equal(client_options.first_byte_timeout, UINT64_C(600000000000));
  assert_int_equal(client_options.connect_timeout, UINT64_C(30000000000));
  client_options.first_byte_timeout = 30 * MILLISECOND;
  world w = world_new(&client_options);
  fetch f = {0};
  fetch_get(&w, &f, s.port, "GET", NULL);
  world_run(&w);
  assert_failed(&f, TN_HTTP_CONNECTION_READ_TIMEOUT, "did not answer in time");
  const tn_http_call_failure *failure = tn_http_call_get_failure(f.call);
  assert_non_null(failure);
  assert_int_equal(failure->code, TN_HTTP_CONNECTION_READ_TIMEOUT);
  assert_false(failure->has_alert);
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connections_of_rights_that_have_ended_are_not_used_again),
      cmocka_unit_test(a_silent_peer_ends_by_the_timeouts_of_the_client),
      cmocka_unit_test(one_connection_serves_calls_one_after_the_other),
      cmocka_unit_test(every_framing_of_a_body_is_understood),
      cmocka_unit_test(what_no_answer_can_be_fails_with_the_code_for_it),
      cmocka_unit_test(a_broken_body_ends_in_a_failure_that_says_how),
      cmocka_unit_test(an_endless_head_is_cut_off),
      cmocka_unit_test(a_connection_with_bytes_behind_the_answer_is_not_used_again),
      cmocka_unit_test(a_request_on_a_dying_connection_is_tried_once_more_when_that_is_safe),
      cmocka_unit_test(a_post_on_a_dying_connection_is_not_repeated),
      cmocka_unit_test(a_connection_that_was_closed_while_idle_is_noticed_before_it_is_used),
      cmocka_unit_test(calls_beyond_the_limit_wait_for_a_connection_in_order),
      cmocka_unit_test(the_limit_of_all_connections_is_shared_by_all_hosts),
      cmocka_unit_test(idle_connections_end_after_their_time),
      cmocka_unit_test(connections_are_shared_only_under_the_same_rights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
