/* What a call says when its host's name cannot be looked up, and who waits for whom. */
#include "http_client_world.h"

#include "loop/lookup.h"
#include "name_server.h"

typedef struct lookup_case {
  const char *name;
  tn_http_code code;
  const char *rcode;
  const char *words;
} lookup_case;

static const lookup_case cases[] = {
    {"none.example.", TN_HTTP_DNS_ERROR, "NXDOMAIN", "no such name"},
    {"empty.example.", TN_HTTP_DNS_ERROR, "NOERROR", "no address"},
    {"refused.example.", TN_HTTP_DNS_ERROR, "REFUSED", "refused"},
    {"failing.example.", TN_HTTP_DNS_ERROR, "SERVFAIL", "the name server failed"},
    {"silent.example.", TN_HTTP_DNS_TIMEOUT, NULL, "looking up silent.example. took too long"},
};
enum { CASES = sizeof cases / sizeof *cases };

static name_server names;

static int set_up(void **state) {
  (void)state;
  name_server_start(&names);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  name_server_stop(&names);
  return 0;
}

static world world_with_names(void) {
  world w = world_new(NULL);
  tn_lookup_set_servers(w.loop, names.address);
  return w;
}

static void call_for(world *w, fetch *f, const char *name, const void *key, uint64_t time) {
  const tn_http_call_options options = {.connect_timeout = time, .policy_key = key};
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = TN_STR("http"),
                             .authority = tn_str_from(name),
                             .path = TN_STR("/")};
  fetch_start(w, f, &request, &options);
  f->out->class->finish(f->out, NULL);
}

static void call(world *w, fetch *f, const char *name, const void *key) {
  call_for(w, f, name, key, 2500 * MILLISECOND);
}

static void a_failed_lookup_says_what_the_name_server_said(void **state) {
  (void)state;
  world w = world_with_names();
  fetch f[CASES] = {0};
  for (int i = 0; i < CASES; i++)
    call(&w, &f[i], cases[i].name, NULL);
  world_run(&w);
  for (int i = 0; i < CASES; i++) {
    assert_failed(&f[i], cases[i].code, cases[i].words);
    const char *rcode = tn_http_call_get_failure(f[i].call)->dns_rcode;
    if (cases[i].rcode == NULL)
      assert_null(rcode);
    else
      assert_string_equal(rcode, cases[i].rcode);
    fetch_end(&f[i]);
  }
  world_delete(&w);
}

static void calls_at_once_share_a_lookup_and_its_failure(void **state) {
  (void)state;
  world w = world_with_names();
  fetch f[5] = {0};
  for (int i = 0; i < 5; i++)
    call(&w, &f[i], "none.example.", NULL);
  world_run(&w);
  for (int i = 0; i < 5; i++) {
    assert_failed(&f[i], TN_HTTP_DNS_ERROR, "no such name");
    fetch_end(&f[i]);
  }
  assert_int_equal(names.queries, 2); /* for each family */
  world_delete(&w);
}

/* 300 names that nobody knows, of one who may have 256 lookups: the rest is told so, and whoever else calls is served. */
static void silent_names_are_their_callers_trouble_alone(void **state) {
  (void)state;
  enum { MANY = 300 };
  world w = world_with_names();
  static fetch f[MANY], other;
  memset(f, 0, sizeof f);
  memset(&other, 0, sizeof other);
  int greedy, modest;
  for (int i = 0; i < MANY; i++) {
    char name[64];
    snprintf(name, sizeof name, "silent.name%d.example.", i);
    call_for(&w, &f[i], name, &greedy, 2000 * MILLISECOND);
  }
  call(&w, &other, "none.example.", &modest);
  assert_int_equal(w.open, MANY + 1);
  WORLD_WAIT(&w, other.is_over);
  assert_failed(&other, TN_HTTP_DNS_ERROR, "no such name");
  assert_int_equal(w.open, 256); /* none of those has been waited for */
  world_run(&w);
  int limited = 0;
  for (int i = 0; i < MANY; i++) {
    limited += f[i].code == TN_HTTP_CONNECTION_LIMIT_REACHED;
    if (f[i].code != TN_HTTP_CONNECTION_LIMIT_REACHED)
      assert_failed(&f[i], TN_HTTP_DNS_TIMEOUT, "took too long");
    fetch_end(&f[i]);
  }
  assert_int_equal(limited, MANY - 256);
  fetch_end(&other);
  /* Nobody waits for those any more: they make room. */
  fetch again = {0};
  call(&w, &again, "none.other.example.", &greedy);
  world_run(&w);
  assert_failed(&again, TN_HTTP_DNS_ERROR, "no such name");
  fetch_end(&again);
  world_delete(&w);
}

static bool allow_one(void *data, const struct sockaddr *address) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
  return address->sa_family == AF_INET && ntohl(v4->sin_addr.s_addr) == *(uint32_t *)data;
}

/* "both" has an address that is allowed, and one that is not. */
static void a_name_is_checked_before_a_proxy_is_given_it(void **state) {
  (void)state;
  static const struct {
    const char *name;
    bool is_checked;
    tn_http_code code; /* 0: the proxy is asked */
    const char *words;
  } rows[] = {
      {"four.example.", true, 0, NULL},
      {"six.example.", true, TN_HTTP_DESTINATION_IP_PROHIBITED,
       "six.example. ([2001:db8::1]:80) by a proxy"},
      {"both.example.", true, TN_HTTP_DESTINATION_IP_PROHIBITED, "by a proxy is not allowed"},
      {"none.example.", true, TN_HTTP_DNS_ERROR, "before the proxy is asked: no such name"},
      {"none.example.", false, 0, NULL},
  };
  server proxy;
  server_start(&proxy, script_answer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  char url[64];
  snprintf(url, sizeof url, "http://localhost:%u", proxy.port);
  tn_http_client_options options = world_options();
  options.http_proxy = url;
  world w = world_new(&options);
  tn_lookup_set_servers(w.loop, names.address);
  uint32_t allowed = 0xc0000201;
  int asked = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const tn_http_call_options call_options = {.may_connect = rows[i].is_checked ? allow_one : NULL,
                                               .may_connect_data = &allowed};
    tn_http_request request = {.method = TN_STR("GET"),
                               .scheme = TN_STR("http"),
                               .authority = tn_str_from(rows[i].name),
                               .path = TN_STR("/")};
    fetch f = {0};
    fetch_start(&w, &f, &request, &call_options);
    f.out->class->finish(f.out, NULL);
    world_run(&w);
    if (rows[i].words == NULL) {
      asked++;
      assert_body(&f, "hello");
    } else {
      assert_failed(&f, rows[i].code, rows[i].words);
    }
    assert_int_equal(proxy.seen, asked);
    fetch_end(&f);
  }
  world_delete(&w);
  server_stop(&proxy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_failed_lookup_says_what_the_name_server_said, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(calls_at_once_share_a_lookup_and_its_failure, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_name_is_checked_before_a_proxy_is_given_it, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(silent_names_are_their_callers_trouble_alone, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
