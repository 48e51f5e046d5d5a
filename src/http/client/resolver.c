#include "http/client/resolver.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/lookup.h"

enum { MAX_ENTRIES = 256 };
#define KEEP_FAILURES UINT64_C(1000000000)

/* A name. Invariants: linked in its resolver, the last one used first; `running` is set while it is looked
 * up, and only then has it waiters. */
struct tn_resolver_entry {
  tn_resolver *resolver;
  tn_resolver_entry *next;
  tn_resolver_entry *previous;
  tn_lookup *running;
  tn_client_lookup *waiting;
  uint64_t expires;
  uint32_t hash;
  tn_client_addresses addresses;
  uint32_t name_size;
  char name[TN_CLIENT_HOST_SIZE];
};

struct tn_resolver {
  tn_loop *loop;
  uint64_t keep;
  tn_resolver_entry *first;
  tn_resolver_entry *last;
  uint32_t count;
  tn_client_addresses immediate; /* an answer that is not kept */
};

tn_error *tn_resolver_new(tn_loop *loop, uint64_t keep, tn_resolver **out) {
  tn_resolver *resolver = tn_calloc(1, sizeof *resolver);
  if (resolver == NULL) return tn_error_no_memory();
  resolver->loop = loop;
  resolver->keep = keep;
  *out = resolver;
  return NULL;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void entry_unlink(tn_resolver_entry *entry) {
  tn_resolver *resolver = entry->resolver;
  if (entry->previous != NULL)
    entry->previous->next = entry->next;
  else
    resolver->first = entry->next;
  if (entry->next != NULL)
    entry->next->previous = entry->previous;
  else
    resolver->last = entry->previous;
  resolver->count--;
}

static void entry_link(tn_resolver_entry *entry) {
  tn_resolver *resolver = entry->resolver;
  entry->previous = NULL;
  entry->next = resolver->first;
  if (entry->next != NULL)
    entry->next->previous = entry;
  else
    resolver->last = entry;
  resolver->first = entry;
  resolver->count++;
}

static void entry_delete(tn_resolver_entry *entry) {
  if (entry->running != NULL) tn_lookup_cancel(entry->running);
  entry_unlink(entry);
  tn_free(entry);
}

void tn_resolver_delete(tn_resolver *resolver) {
  if (resolver == NULL) return;
  while (resolver->first != NULL)
    entry_delete(resolver->first);
  tn_free(resolver);
}

/* FNV-1a. A few hundred names in a list need no more. */
static uint32_t hash_name(tn_str name) {
  uint32_t hash = 2166136261;
  for (size_t i = 0; i < name.len; i++)
    hash = (hash ^ (uint8_t)name.data[i]) * 16777619;
  return hash;
}

static tn_resolver_entry *entry_find(tn_resolver *resolver, tn_str name) {
  uint32_t hash = hash_name(name);
  for (tn_resolver_entry *entry = resolver->first; entry != NULL; entry = entry->next) {
    if (entry->hash == hash && tn_str_equal((tn_str){entry->name, entry->name_size}, name))
      return entry;
  }
  return NULL;
}

static void make_room(tn_resolver *resolver) {
  tn_resolver_entry *entry = resolver->last;
  while (entry != NULL && resolver->count >= MAX_ENTRIES) {
    tn_resolver_entry *previous = entry->previous;
    if (entry->running == NULL) entry_delete(entry);
    entry = previous;
  }
}

static tn_resolver_entry *entry_new(tn_resolver *resolver, tn_str name) {
  make_room(resolver);
  tn_resolver_entry *entry = tn_calloc(1, sizeof *entry);
  if (entry == NULL) return NULL;
  entry->resolver = resolver;
  memcpy(entry->name, name.data, name.len);
  entry->name_size = (uint32_t)name.len;
  entry->hash = hash_name(name);
  entry_link(entry);
  return entry;
}

/* ---- looking up ------------------------------------------------------------------------------ */

static void fail(tn_client_addresses *out, tn_http_code code, const char *what, const char *word) {
  out->count = 0;
  out->code = code;
  out->rcode = word;
  snprintf(out->problem, sizeof out->problem, word == NULL ? "%s" : "%s (%s)", what, word);
}

static void take_failure(tn_lookup_failure failure, tn_client_addresses *out) {
  switch (failure) {
  case TN_LOOKUP_NO_NAME:
    fail(out, TN_HTTP_DNS_ERROR, "no such name", "NXDOMAIN");
    break;
  case TN_LOOKUP_FOUND: /* never without an address */
  case TN_LOOKUP_NO_ADDRESS:
    fail(out, TN_HTTP_DNS_ERROR, "the name has no address", "NOERROR");
    break;
  case TN_LOOKUP_REFUSED:
    fail(out, TN_HTTP_DNS_ERROR, "the name server refused", "REFUSED");
    break;
  case TN_LOOKUP_SERVER_FAILED:
    fail(out, TN_HTTP_DNS_ERROR, "the name server failed", "SERVFAIL");
    break;
  case TN_LOOKUP_BAD_ANSWER:
    fail(out, TN_HTTP_DNS_ERROR, "the name server's answer cannot be understood", NULL);
    break;
  case TN_LOOKUP_NO_ANSWER:
    fail(out, TN_HTTP_DNS_TIMEOUT, "no name server answered", NULL);
    break;
  case TN_LOOKUP_NO_SERVER:
    fail(out, TN_HTTP_DNS_ERROR, "no name server can be reached", NULL);
    break;
  case TN_LOOKUP_BAD_NAME:
    fail(out, TN_HTTP_DNS_ERROR, "this cannot be a name", NULL);
    break;
  case TN_LOOKUP_TOO_MANY:
    fail(out, TN_HTTP_CONNECTION_LIMIT_REACHED, "too many names are being looked up", NULL);
    break;
  case TN_LOOKUP_NO_MEMORY:
    fail(out, TN_HTTP_INTERNAL_ERROR, "out of memory", NULL);
    break;
  case TN_LOOKUP_SYSTEM:
    fail(out, TN_HTTP_DNS_ERROR, "the system's configuration cannot be read", NULL);
    break;
  }
}

static void take_addresses(const tn_lookup_answer *answer, tn_client_addresses *out) {
  *out = (tn_client_addresses){.count = answer->count};
  for (uint32_t i = 0; i < answer->count; i++)
    memcpy(&out->items[i], &answer->items[i], sizeof out->items[i]);
}

static void tell_waiting(tn_resolver_entry *entry) {
  while (entry->waiting != NULL) {
    tn_client_lookup *lookup = entry->waiting;
    tn_resolver_cancel(lookup);
    lookup->done(lookup, &entry->addresses);
  }
}

static void resolved(void *data, const tn_lookup_answer *answer) {
  tn_resolver_entry *entry = data;
  entry->running = NULL;
  if (answer->count == 0)
    take_failure(answer->failure, &entry->addresses);
  else
    take_addresses(answer, &entry->addresses);
  uint64_t keep = entry->resolver->keep;
  if (answer->count == 0 && keep > KEEP_FAILURES) keep = KEEP_FAILURES;
  /* What was too much for one is not for another. */
  bool is_of_name = answer->failure < TN_LOOKUP_TOO_MANY;
  entry->expires = is_of_name ? tn_loop_now() + keep : 0;
  tell_waiting(entry);
}

static const tn_client_addresses *answer_failure(tn_resolver *resolver, tn_http_code code,
                                                 const char *problem) {
  fail(&resolver->immediate, code, problem, NULL);
  return &resolver->immediate;
}

/* Lookups that nobody waits for any more go on, so that the next one who asks has the answer, unless
 * they are in the way. */
static bool end_unwanted(tn_resolver *resolver) {
  tn_resolver_entry *entry = resolver->last;
  while (entry != NULL && (entry->running == NULL || entry->waiting != NULL))
    entry = entry->previous;
  if (entry == NULL) return false;
  entry_delete(entry);
  return true;
}

static bool start(tn_resolver_entry *entry, const void *owner) {
  entry->running = tn_lookup_start(entry->resolver->loop, entry->name, owner, resolved, entry);
  return entry->running != NULL;
}

/* RFC 6761 6.3: such names never leave this machine, whatever a name server would say. */
static bool is_localhost(tn_str name) {
  if (name.len > 0 && name.data[name.len - 1] == '.') name.len--;
  return tn_str_equal(name, TN_STR("localhost")) || tn_str_ends_with(name, TN_STR(".localhost"));
}

static const tn_client_addresses *answer_localhost(tn_resolver *resolver) {
  tn_client_addresses *out = &resolver->immediate;
  *out = (tn_client_addresses){.count = 2};
  out->items[0].v6 =
      (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  out->items[1].v4 =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return out;
}

static void wait_for(tn_resolver_entry *entry, tn_client_lookup *lookup) {
  lookup->entry = entry;
  lookup->previous = NULL;
  lookup->next = entry->waiting;
  if (lookup->next != NULL) lookup->next->previous = lookup;
  entry->waiting = lookup;
}

const tn_client_addresses *tn_resolver_find(tn_resolver *resolver, tn_str name, const void *owner,
                                            tn_client_lookup *lookup) {
  if (is_localhost(name)) return answer_localhost(resolver);
  tn_resolver_entry *entry = entry_find(resolver, name);
  bool is_known = entry != NULL && (entry->running != NULL || entry->expires > tn_loop_now());
  if (!is_known) {
    while (!tn_lookup_has_room(resolver->loop, owner) && end_unwanted(resolver))
      continue;
    if (entry == NULL) entry = entry_new(resolver, name);
    if (entry == NULL) return answer_failure(resolver, TN_HTTP_INTERNAL_ERROR, "out of memory");
  }
  entry_unlink(entry);
  entry_link(entry);
  if (is_known && entry->running == NULL) return &entry->addresses;
  if (!is_known && !start(entry, owner)) {
    entry_delete(entry);
    return answer_failure(resolver, TN_HTTP_INTERNAL_ERROR, "out of memory");
  }
  wait_for(entry, lookup);
  return NULL;
}

void tn_resolver_cancel(tn_client_lookup *lookup) {
  tn_resolver_entry *entry = lookup->entry;
  if (entry == NULL) return;
  if (lookup->previous != NULL)
    lookup->previous->next = lookup->next;
  else
    entry->waiting = lookup->next;
  if (lookup->next != NULL) lookup->next->previous = lookup->previous;
  lookup->entry = NULL;
}
