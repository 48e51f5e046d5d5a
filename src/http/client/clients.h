/* How many connections each client has, by address. For src/http/ only. */
#ifndef TN_HTTP_CLIENT_CLIENTS_H
#define TN_HTTP_CLIENT_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct tn_client_count tn_client_count;

/* A hash table of those that have any. Zeroed: empty, but for the seed, which should be random. */
typedef struct tn_clients {
  tn_client_count **buckets;
  uint32_t bucket_count; /* 0 or a power of two */
  uint32_t count;
  uint64_t seed;
} tn_clients;

/* One more connection from `peer`, unless it has `limit` already or memory is short: NULL. An IPv6 client is its
 * /64, which is what one customer gets. Of a local socket everybody is the same client. */
tn_client_count *tn_clients_enter(tn_clients *clients, const struct sockaddr *peer, uint32_t limit);
/* One connection less. NULL: nothing happens. */
void tn_clients_leave(tn_clients *clients, tn_client_count *client);
/* Nobody is in it any more. */
void tn_clients_free(tn_clients *clients);

#endif
