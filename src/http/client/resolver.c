#include "http/client/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"

enum {
  MAX_ENTRIES = 256,
  MAX_RUNNING =
      64, /* the pool has few threads: behind so many, an answer would come too late anyway */
};
#define KEEP_FAILURES UINT64_C(1000000000)
/* Whoever answers "try again" only after so long has waited for a server in vain. */
#define LOOKS_LIKE_TIMEOUT UINT64_C(3000000000)

/* Work for the pool. Invariant: `entry` is NULL once nobody wants the answer; only the loop's thread looks
 * at it. */
typedef struct resolver_job {
  tn_resolver_entry *entry;
  int failure; /* of getaddrinfo */
  int system_error;
  uint64_t taken;
  struct addrinfo *found;
  char name[TN_CLIENT_HOST_SIZE];
} resolver_job;

/* A name. Invariants: linked in its resolver, the last one used first; `job` is set while it is looked up,
 * and only then has it waiters. */
struct tn_resolver_entry {
  tn_resolver *resolver;
  tn_resolver_entry *next;
  tn_resolver_entry *previous;
  resolver_job *job;
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
  uint32_t running;
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
  if (entry->job != NULL) entry->job->entry = NULL;
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
    if (entry->job == NULL) entry_delete(entry);
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

static void job_free(resolver_job *job) {
  if (job->found != NULL) freeaddrinfo(job->found);
  tn_free(job);
}

static void resolve(void *argument) {
  resolver_job *job = argument;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  uint64_t start = tn_loop_now();
  job->failure = getaddrinfo(job->name, NULL, &hints, &job->found);
  job->system_error = errno;
  job->taken = tn_loop_now() - start;
}

static void fail(tn_client_addresses *out, tn_http_code code, const char *what, const char *word) {
  out->count = 0;
  out->code = code;
  out->rcode = word;
  snprintf(out->problem, sizeof out->problem, word == NULL ? "%s" : "%s (%s)", what, word);
}

static void take_failure(const resolver_job *job, tn_client_addresses *out) {
  switch (job->failure) {
  case EAI_NONAME:
    fail(out, TN_HTTP_DNS_ERROR, "no such name", "NXDOMAIN");
    break;
  case EAI_NODATA:
    fail(out, TN_HTTP_DNS_ERROR, "the name has no address", "NOERROR");
    break;
  case EAI_FAIL:
    fail(out, TN_HTTP_DNS_ERROR, "the name server refused", "REFUSED");
    break;
  case EAI_AGAIN:
    if (job->taken >= LOOKS_LIKE_TIMEOUT)
      fail(out, TN_HTTP_DNS_TIMEOUT, "no name server answered", NULL);
    else
      fail(out, TN_HTTP_DNS_ERROR, "temporary failure of the name server", "SERVFAIL");
    break;
  case EAI_MEMORY:
    fail(out, TN_HTTP_INTERNAL_ERROR, "out of memory", NULL);
    break;
  case EAI_SYSTEM:
    fail(out, TN_HTTP_DNS_ERROR, strerrordesc_np(job->system_error), NULL);
    break;
  default:
    fail(out, TN_HTTP_DNS_ERROR, gai_strerror(job->failure), NULL);
  }
}

static void take_addresses(const resolver_job *job, tn_client_addresses *out) {
  out->count = 0;
  for (const struct addrinfo *a = job->found; a != NULL && out->count < TN_CLIENT_MAX_ADDRESSES;
       a = a->ai_next) {
    if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
    if (a->ai_addrlen > sizeof out->items[0]) continue;
    memcpy(&out->items[out->count++], a->ai_addr, a->ai_addrlen);
  }
  if (out->count == 0) fail(out, TN_HTTP_DNS_ERROR, "the name has no address", "NOERROR");
}

static void tell_waiting(tn_resolver_entry *entry) {
  while (entry->waiting != NULL) {
    tn_client_lookup *lookup = entry->waiting;
    tn_resolver_cancel(lookup);
    lookup->done(lookup, &entry->addresses);
  }
}

static void resolved(void *argument, bool is_abandoned) {
  resolver_job *job = argument;
  tn_resolver_entry *entry = is_abandoned ? NULL : job->entry;
  if (entry != NULL) {
    tn_resolver *resolver = entry->resolver;
    entry->job = NULL;
    resolver->running--;
    if (job->failure != 0)
      take_failure(job, &entry->addresses);
    else
      take_addresses(job, &entry->addresses);
    bool has_failed = entry->addresses.count == 0;
    bool is_short = has_failed && resolver->keep > KEEP_FAILURES;
    entry->expires = tn_loop_now() + (is_short ? KEEP_FAILURES : resolver->keep);
    tell_waiting(entry);
  }
  job_free(job);
}

static const tn_client_addresses *answer_failure(tn_resolver *resolver, tn_http_code code,
                                                 const char *problem) {
  fail(&resolver->immediate, code, problem, NULL);
  return &resolver->immediate;
}

static bool start_job(tn_resolver_entry *entry) {
  resolver_job *job = tn_calloc(1, sizeof *job);
  if (job == NULL) return false;
  memcpy(job->name, entry->name, sizeof job->name);
  tn_error *error = tn_loop_submit(entry->resolver->loop, resolve, resolved, job);
  if (error != NULL) {
    tn_error_delete(error);
    tn_free(job);
    return false;
  }
  job->entry = entry;
  entry->job = job;
  entry->resolver->running++;
  return true;
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

const tn_client_addresses *tn_resolver_find(tn_resolver *resolver, tn_str name,
                                            tn_client_lookup *lookup) {
  if (is_localhost(name)) return answer_localhost(resolver);
  tn_resolver_entry *entry = entry_find(resolver, name);
  if (entry == NULL) {
    if (resolver->running >= MAX_RUNNING)
      return answer_failure(resolver, TN_HTTP_CONNECTION_LIMIT_REACHED,
                            "too many names are being looked up");
    entry = entry_new(resolver, name);
    if (entry == NULL) return answer_failure(resolver, TN_HTTP_INTERNAL_ERROR, "out of memory");
  }
  entry_unlink(entry);
  entry_link(entry);
  if (entry->job == NULL) {
    if (entry->expires > tn_loop_now()) return &entry->addresses;
    if (!start_job(entry)) {
      entry_delete(entry);
      return answer_failure(resolver, TN_HTTP_INTERNAL_ERROR, "no thread to look it up");
    }
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
