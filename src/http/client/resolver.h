/* Names to addresses: the loop's lookups, their answers kept for a while, the same name looked up once
 * at a time. For src/http/client*.c only. */
#ifndef TN_HTTP_CLIENT_RESOLVER_H
#define TN_HTTP_CLIENT_RESOLVER_H

#include "http/client/address.h"
#include "http/code.h"
#include "loop/loop.h"

enum { TN_CLIENT_MAX_ADDRESSES = 16 };

/* Invariant: count > 0, or code and problem say why there are none. */
typedef struct tn_client_addresses {
  uint32_t count;
  tn_http_code code; /* DNS_ERROR, DNS_TIMEOUT, INTERNAL_ERROR, CONNECTION_LIMIT_REACHED */
  const char *rcode; /* DNS_ERROR: the DNS's word for it, "NXDOMAIN"; NULL: it is not known */
  char problem[96];  /* with that word: "no such name (NXDOMAIN)" */
  /* in the system's order of preference; ports are 0 */
  tn_client_address items[TN_CLIENT_MAX_ADDRESSES];
} tn_client_addresses;

typedef struct tn_resolver tn_resolver;
typedef struct tn_resolver_entry tn_resolver_entry;

/* One who waits for a name; in its owner's struct. Zeroed: waits for nothing. */
typedef struct tn_client_lookup tn_client_lookup;
struct tn_client_lookup {
  /* Once, in a turn of the loop; `found` is valid during the call, which must not use the resolver. */
  void (*done)(tn_client_lookup *lookup, const tn_client_addresses *found);
  tn_resolver_entry *entry;
  tn_client_lookup *next;
  tn_client_lookup *previous;
};

/* `keep`: how long an address is believed, nanoseconds. */
tn_error *tn_resolver_new(tn_loop *loop, uint64_t keep, tn_resolver **out);
/* No lookup may be waiting. */
void tn_resolver_delete(tn_resolver *resolver);
/* `name` is lower case; `owner` as for tn_lookup_start. Gives what is known at once (valid until the
 * next call), else NULL: lookup->done is called later. */
const tn_client_addresses *tn_resolver_find(tn_resolver *resolver, tn_str name, const void *owner,
                                            tn_client_lookup *lookup);
/* `done` will not be called any more. */
void tn_resolver_cancel(tn_client_lookup *lookup);

#endif
