/* What a call says when its host's name cannot be looked up: the C library's lookup is replaced by one that is told what
 * to answer. */
#include <netdb.h>
#include <time.h>

#include "http_client_world.h"

typedef struct lookup_case {
  const char *name;
  int result; /* of getaddrinfo */
  int milliseconds;
  tn_http_code code;
  const char *rcode;
  const char *words;
} lookup_case;

static const lookup_case cases[] = {
    {"none.example", EAI_NONAME, 0, TN_HTTP_DNS_ERROR, "NXDOMAIN", "no such name"},
    {"empty.example", EAI_NODATA, 0, TN_HTTP_DNS_ERROR, "NOERROR", "no address"},
    {"refused.example", EAI_FAIL, 0, TN_HTTP_DNS_ERROR, "REFUSED", "refused"},
    {"failing.example", EAI_AGAIN, 0, TN_HTTP_DNS_ERROR, "SERVFAIL", "temporary"},
    {"silent.example", EAI_AGAIN, 3100, TN_HTTP_DNS_TIMEOUT, NULL, "no name server answered"},
    {"large.example", EAI_MEMORY, 0, TN_HTTP_INTERNAL_ERROR, NULL, "out of memory"},
    {"odd.example", EAI_FAMILY, 0, TN_HTTP_DNS_ERROR, NULL, "looking up odd.example"},
};
enum { CASES = sizeof cases / sizeof *cases };

static atomic_int lookups;

/* In the place of the C library's, on threads of the pool. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out) {
  (void)service, (void)hints;
  lookups++;
  *out = NULL;
  for (int i = 0; i < CASES; i++) {
    if (strcmp(cases[i].name, name) != 0) continue;
    struct timespec pause = {cases[i].milliseconds / 1000, cases[i].milliseconds % 1000 * 1000000L};
    nanosleep(&pause, NULL);
    return cases[i].result;
  }
  return EAI_NONAME;
}

static void call(world *w, fetch *f, const char *name) {
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = TN_STR("http"),
                             .authority = tn_str_from(name),
                             .path = TN_STR("/")};
  fetch_start(w, f, &request, NULL);
  f->out->class->finish(f->out, NULL);
}

static void a_failed_lookup_says_what_the_name_server_said(void **state) {
  (void)state;
  world w = world_new(NULL);
  fetch f[CASES] = {0};
  for (int i = 0; i < CASES; i++)
    call(&w, &f[i], cases[i].name);
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
  world w = world_new(NULL);
  fetch f[5] = {0};
  lookups = 0;
  for (int i = 0; i < 5; i++)
    call(&w, &f[i], "none.example");
  world_run(&w);
  for (int i = 0; i < 5; i++) {
    assert_failed(&f[i], TN_HTTP_DNS_ERROR, "no such name");
    fetch_end(&f[i]);
  }
  assert_int_equal(lookups, 1);
  world_delete(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failed_lookup_says_what_the_name_server_said),
      cmocka_unit_test(calls_at_once_share_a_lookup_and_its_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
