/* Names to addresses, by c-ares on the loop's own sockets: no thread is used and nothing blocks. What a
 * name means is said by /etc/hosts, then by the name servers of /etc/resolv.conf (with its search
 * domains); /etc/nsswitch.conf is not asked.
 *
 * Each lookup has sockets of its own, so that each query leaves from a port that nobody can guess, and
 * so that one that gets no answer is nobody else's business. */
#ifndef TN_LOOP_LOOKUP_H
#define TN_LOOP_LOOKUP_H

#include <netinet/in.h>

#include "loop/loop.h"

enum { TN_LOOKUP_MAX_ADDRESSES = 16 };

typedef enum tn_lookup_failure {
  TN_LOOKUP_FOUND,
  TN_LOOKUP_NO_NAME,       /* NXDOMAIN */
  TN_LOOKUP_NO_ADDRESS,    /* the name has other records, or none */
  TN_LOOKUP_REFUSED,       /* by the name server */
  TN_LOOKUP_SERVER_FAILED, /* SERVFAIL */
  TN_LOOKUP_BAD_ANSWER,    /* that cannot be understood */
  TN_LOOKUP_NO_ANSWER,     /* in time */
  TN_LOOKUP_NO_SERVER,     /* none can be reached */
  TN_LOOKUP_BAD_NAME,
  TN_LOOKUP_TOO_MANY, /* are running for this owner */
  TN_LOOKUP_NO_MEMORY,
  TN_LOOKUP_SYSTEM, /* the configuration cannot be read, no descriptor is left */
} tn_lookup_failure;

typedef union tn_lookup_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} tn_lookup_address;

/* Invariant: count > 0 exactly when FOUND. Ports are 0; in the order of preference (RFC 6724). */
typedef struct tn_lookup_answer {
  tn_lookup_failure failure;
  uint32_t count;
  tn_lookup_address items[TN_LOOKUP_MAX_ADDRESSES];
} tn_lookup_answer;

typedef struct tn_lookup tn_lookup;

/* Calls done(data, answer) later, in a turn of the loop; the lookup is gone by then. `owner` is whose
 * lookup it is, only told apart: one that has many running leaves room for others. NULL: out of memory.
 * Whoever starts one cancels it, or has its answer, before the loop is deleted. */
tn_lookup *tn_lookup_start(tn_loop *loop, const char *name, const void *owner,
                           void (*done)(void *data, const tn_lookup_answer *answer), void *data);
/* `done` is not called any more. Not from within `done`. */
void tn_lookup_cancel(tn_lookup *lookup);
/* Whether one more of `owner` would run, and not be answered with TOO_MANY. */
bool tn_lookup_has_room(const tn_loop *loop, const void *owner);
/* Name servers in the place of the system's, "ADDRESS[:PORT],…"; lives as long as the loop. NULL: the
 * system's. */
void tn_lookup_set_servers(tn_loop *loop, const char *servers);

#endif
