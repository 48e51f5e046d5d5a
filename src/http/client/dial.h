/* A connection in the making, from within. client_dial.c goes through the steps, client_race.c connects to one of
 * several addresses, client_tunnel.c speaks to a proxy. For these only. */
#ifndef TN_HTTP_CLIENT_DIAL_H
#define TN_HTTP_CLIENT_DIAL_H

#include "http/client/parts.h"

typedef enum tn_dial_phase {
  TN_DIAL_RESOLVING,
  TN_DIAL_CONNECTING,
  TN_DIAL_TUNNELING,
  TN_DIAL_SECURING,
} tn_dial_phase;

/* One address that is being connected to. Invariant: `descriptor` is open while io is registered. */
typedef struct tn_dial_attempt {
  tn_io io;
  tn_client_dial *dial;
  const tn_client_address *address;
} tn_dial_attempt;

/* Invariants: belongs to `call` and to one of its origin's places; attempts[0 .. next) have been begun,
 * `running` of them are not over. `descriptor` is the winner's between the steps; `connection` is set from
 * SECURING on. */
struct tn_client_dial {
  tn_http_call *call;
  tn_client_origin *origin;
  tn_loop *loop;
  tn_dial_phase phase;
  tn_client_lookup lookup;
  tn_deferred deferred; /* tells a failure that was found at once */
  bool is_checking; /* the lookup is of the name that a proxy is to call, to see where it leads */
  tn_deferred checked; /* goes on when that was found to be fine */

  tn_client_addresses addresses; /* those that are allowed, in the order in which they are tried */
  tn_dial_attempt attempts[TN_CLIENT_MAX_ADDRESSES];
  uint32_t next;
  uint32_t running;
  tn_alarm stagger;

  int descriptor;
  tn_io tunnel;
  tn_buffer bytes; /* to the proxy, then its answer */
  size_t done;
  bool is_sent;

  tn_client_connection *connection;

  bool has_failed;
  tn_http_code code;            /* the most telling failure so far */
  tn_http_call_failure failure; /* what else is known of it */
  char problem[384];
};

/* The host that is connected to: the proxy, if there is one. */
static inline const tn_client_target *tn_dial_target(const tn_client_dial *dial) {
  return dial->origin->proxy != NULL ? &dial->origin->proxy->target : &dial->origin->target;
}

/* It cannot be done: told now or, when `is_deferred`, at the end of this turn. The dial may be gone afterwards. */
void tn_dial_fail(tn_client_dial *dial, bool is_deferred, tn_http_code code, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* Begins to connect to dial->addresses. Ends in tn_dial_connected or tn_dial_fail, never from within. */
void tn_dial_race(tn_client_dial *dial);
void tn_dial_race_stop(tn_client_dial *dial);
/* dial->descriptor is connected. */
void tn_dial_connected(tn_client_dial *dial);

/* Asks the proxy at dial->descriptor for a tunnel. Ends in tn_dial_tunneled or tn_dial_fail. */
void tn_dial_tunnel(tn_client_dial *dial);
void tn_dial_tunneled(tn_client_dial *dial);

#endif
