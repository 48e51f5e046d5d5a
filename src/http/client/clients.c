#include "http/client/clients.h"

#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"

/* Invariant: connections > 0. */
struct tn_client_count {
  tn_client_count *next;
  uint64_t key;
  uint32_t connections;
};

static uint64_t key_of(const struct sockaddr *peer) {
  uint64_t key = 0;
  if (peer->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)peer;
    return (uint64_t)1 << 32 | v4->sin_addr.s_addr;
  }
  if (peer->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      uint32_t address;
      memcpy(&address, v6->sin6_addr.s6_addr + 12, sizeof address);
      return (uint64_t)1 << 32 | address;
    }
    memcpy(&key, v6->sin6_addr.s6_addr, sizeof key);
  }
  return key;
}

/* Seeded, so that nobody can choose addresses that fall together. */
static uint32_t bucket_of(const tn_clients *clients, uint64_t key) {
  key = (key ^ clients->seed) * 0x9e3779b97f4a7c15u;
  key ^= key >> 32;
  key = (key + clients->seed) * 0xbf58476d1ce4e5b9u;
  return (uint32_t)(key >> 32) & (clients->bucket_count - 1);
}

/* Doubles the buckets. Without memory for it the table stays as it is and only gets slower, unless it has none. */
static bool grow(tn_clients *clients) {
  uint32_t count = clients->bucket_count == 0 ? 64 : clients->bucket_count * 2;
  if (count == 0) return true;
  tn_client_count **buckets = tn_calloc(count, sizeof *buckets);
  if (buckets == NULL) return clients->bucket_count > 0;
  tn_clients old = *clients;
  clients->buckets = buckets;
  clients->bucket_count = count;
  for (uint32_t i = 0; i < old.bucket_count; i++) {
    for (tn_client_count *client = old.buckets[i], *next; client != NULL; client = next) {
      next = client->next;
      tn_client_count **bucket = &buckets[bucket_of(clients, client->key)];
      client->next = *bucket;
      *bucket = client;
    }
  }
  tn_free(old.buckets);
  return true;
}

tn_client_count *tn_clients_enter(tn_clients *clients, const struct sockaddr *peer,
                                  uint32_t limit) {
  if (clients->count >= clients->bucket_count && !grow(clients)) return NULL;
  uint64_t key = key_of(peer);
  tn_client_count **bucket = &clients->buckets[bucket_of(clients, key)];
  tn_client_count *client = *bucket;
  while (client != NULL && client->key != key)
    client = client->next;
  if (client != NULL) {
    if (client->connections >= limit) return NULL;
    client->connections++;
    return client;
  }
  client = tn_malloc(sizeof *client);
  if (client == NULL) return NULL;
  *client = (tn_client_count){.next = *bucket, .key = key, .connections = 1};
  *bucket = client;
  clients->count++;
  return client;
}

void tn_clients_leave(tn_clients *clients, tn_client_count *client) {
  if (client == NULL || --client->connections > 0) return;
  tn_client_count **link = &clients->buckets[bucket_of(clients, client->key)];
  while (*link != client)
    link = &(*link)->next;
  *link = client->next;
  clients->count--;
  tn_free(client);
}

void tn_clients_free(tn_clients *clients) {
  tn_free(clients->buckets);
  *clients = (tn_clients){0};
}
