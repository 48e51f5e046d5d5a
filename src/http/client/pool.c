/* Who gets which connection: origins, idle connections, limits, queues. */
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "http/client/parts.h"

/* A connection that was idle for longer may have ended since the loop looked last. For less, asking the
 * system costs more than it tells. */
#define TRUSTED_IDLE UINT64_C(1000000)
/* An HTTP/2 connection that was idle for longer is asked whether it still is one. */
#define PING_AFTER UINT64_C(5000000000)

/* ---- origins --------------------------------------------------------------------------------- */

static uint64_t hash_key(const tn_http_client *client, const tn_client_target *target, bool is_tls,
                         const void *policy_key) {
  uint64_t hash = client->seed ^ (uintptr_t)policy_key ^ ((uint64_t)target->port << 1 | is_tls);
  for (uint32_t i = 0; i < target->host_size; i++) {
    hash = (hash ^ (uint8_t)target->host[i]) * 0x2127599bf4325c37u;
    hash ^= hash >> 29;
  }
  return hash;
}

static bool is_key(const tn_client_origin *origin, const tn_client_target *target, bool is_tls,
                   const void *policy_key) {
  return origin->policy_key == policy_key && !origin->is_forgotten && origin->is_tls == is_tls &&
         origin->target.port == target->port && origin->target.host_size == target->host_size &&
         memcmp(origin->target.host, target->host, target->host_size) == 0;
}

tn_client_origin *tn_client_origin_get(tn_http_client *client, const tn_client_target *target,
                                       bool is_tls, const void *policy_key) {
  uint64_t hash = hash_key(client, target, is_tls, policy_key);
  tn_client_origin **bucket = &client->buckets[hash % TN_CLIENT_BUCKETS];
  for (tn_client_origin *origin = *bucket; origin != NULL; origin = origin->next) {
    if (origin->hash == hash && is_key(origin, target, is_tls, policy_key)) return origin;
  }
  tn_client_origin *origin = tn_calloc(1, sizeof *origin);
  if (origin == NULL) return NULL;
  origin->client = client;
  origin->hash = hash;
  origin->target = *target;
  origin->is_tls = is_tls;
  origin->is_known = !is_tls || !client->options.http2;
  origin->policy_key = policy_key;
  origin->proxy = tn_client_proxies_find(&client->proxies, is_tls, target);
  origin->next = *bucket;
  *bucket = origin;
  return origin;
}

static void hungry_remove(tn_client_origin *origin) {
  if (!origin->is_hungry) return;
  tn_http_client *client = origin->client;
  if (origin->previous_hungry != NULL)
    origin->previous_hungry->next_hungry = origin->next_hungry;
  else
    client->hungry.first = origin->next_hungry;
  if (origin->next_hungry != NULL)
    origin->next_hungry->previous_hungry = origin->previous_hungry;
  else
    client->hungry.last = origin->previous_hungry;
  origin->is_hungry = false;
}

static void hungry_add(tn_client_origin *origin) {
  if (origin->is_hungry) return;
  tn_http_client *client = origin->client;
  origin->next_hungry = NULL;
  origin->previous_hungry = client->hungry.last;
  if (client->hungry.last != NULL)
    client->hungry.last->next_hungry = origin;
  else
    client->hungry.first = origin;
  client->hungry.last = origin;
  origin->is_hungry = true;
}

void tn_client_origin_check(tn_client_origin *origin) {
  if (origin->calls > 0 || origin->connections > 0) return;
  hungry_remove(origin);
  tn_client_origin **place = &origin->client->buckets[origin->hash % TN_CLIENT_BUCKETS];
  while (*place != origin)
    place = &(*place)->next;
  *place = origin->next;
  tn_free(origin);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void queue_add(tn_client_origin *origin, tn_http_call *call) {
  call->is_queued = true;
  call->next_waiting = NULL;
  call->previous_waiting = origin->waiting.last;
  if (origin->waiting.last != NULL)
    origin->waiting.last->next_waiting = call;
  else
    origin->waiting.first = call;
  origin->waiting.last = call;
}

void tn_client_pool_cancel(tn_http_call *call) {
  tn_client_origin *origin = call->origin;
  if (call->previous_waiting != NULL)
    call->previous_waiting->next_waiting = call->next_waiting;
  else
    origin->waiting.first = call->next_waiting;
  if (call->next_waiting != NULL)
    call->next_waiting->previous_waiting = call->previous_waiting;
  else
    origin->waiting.last = call->previous_waiting;
  call->is_queued = false;
  if (origin->waiting.first == NULL) hungry_remove(origin);
}

/* ---- lists of connections -------------------------------------------------------------------- */

static void all_add(tn_client_connection *c) {
  tn_http_client *client = c->client;
  c->in_all.previous = client->all.last;
  if (client->all.last != NULL)
    client->all.last->in_all.next = c;
  else
    client->all.first = c;
  client->all.last = c;
}

static void all_remove(tn_client_connection *c) {
  if (c->in_all.previous != NULL)
    c->in_all.previous->in_all.next = c->in_all.next;
  else
    c->client->all.first = c->in_all.next;
  if (c->in_all.next != NULL)
    c->in_all.next->in_all.previous = c->in_all.previous;
  else
    c->client->all.last = c->in_all.previous;
}

static void origin_add(tn_client_connection **list, tn_client_connection *c) {
  c->in_origin.previous = NULL;
  c->in_origin.next = *list;
  if (*list != NULL) (*list)->in_origin.previous = c;
  *list = c;
}

static void origin_remove(tn_client_connection **list, tn_client_connection *c) {
  if (c->in_origin.previous != NULL)
    c->in_origin.previous->in_origin.next = c->in_origin.next;
  else
    *list = c->in_origin.next;
  if (c->in_origin.next != NULL) c->in_origin.next->in_origin.previous = c->in_origin.previous;
}

/* The alarm is set for the first that becomes idle and moved when it fires: keeping a connection moves nothing. */
static void idle_watch(tn_http_client *client) {
  const tn_client_connection *oldest = client->idle.first;
  if (oldest == NULL || client->options.idle_timeout == 0 || client->idle_alarm.place != 0) return;
  uint64_t deadline = oldest->idle_since + client->options.idle_timeout;
  /* Without it they are kept for longer, which others' limits still bound. */
  tn_error_delete(tn_alarm_set(client->loop, &client->idle_alarm, deadline));
}

static void idle_add(tn_client_connection *c) {
  tn_http_client *client = c->client;
  c->is_idle = true;
  c->idle_since = tn_loop_now();
  c->in_idle.next = NULL;
  c->in_idle.previous = client->idle.last;
  if (client->idle.last != NULL)
    client->idle.last->in_idle.next = c;
  else
    client->idle.first = c;
  client->idle.last = c;
  if (c->http2 == NULL) {
    origin_add(&c->origin->idle, c);
    c->origin->idle_count++;
  }
  idle_watch(client);
}

static void idle_remove(tn_client_connection *c) {
  if (!c->is_idle) return;
  tn_http_client *client = c->client;
  if (c->in_idle.previous != NULL)
    c->in_idle.previous->in_idle.next = c->in_idle.next;
  else
    client->idle.first = c->in_idle.next;
  if (c->in_idle.next != NULL)
    c->in_idle.next->in_idle.previous = c->in_idle.previous;
  else
    client->idle.last = c->in_idle.previous;
  c->is_idle = false;
  if (c->http2 != NULL) return;
  origin_remove(&c->origin->idle, c);
  c->origin->idle_count--;
}

/* ---- handing out ----------------------------------------------------------------------------- */

static void connection_free(tn_client_connection *c, bool reset) {
  idle_remove(c);
  if (c->http2 != NULL) {
    origin_remove(&c->origin->shared, c);
    tn_http2_client_delete(c->http2);
  }
  all_remove(c);
  tn_client_count(&c->client->counters.open_connections, -1);
  tn_transport_stop(&c->transport, reset);
  tn_free(c);
}

/* Frees a place without looking who could use it. */
static void connection_drop(tn_client_connection *c, bool reset) {
  c->origin->connections--;
  c->client->connections--;
  connection_free(c, reset);
}

/* An idle connection on which something has happened, as a peek tells, is none. */
static bool is_alive(const tn_client_connection *c) {
  if (tn_loop_now() - c->idle_since < TRUSTED_IDLE) return true;
  char byte;
  ssize_t result = recv(c->transport.io.descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  /* On TLS, bytes may be a ticket or the like; what they are is found out when they are read. */
  return result < 0 || (result > 0 && c->transport.tls != NULL);
}

static bool use_idle(tn_http_call *call) {
  tn_client_origin *origin = call->origin;
  while (origin->idle != NULL) {
    tn_client_connection *c = origin->idle;
    if (!is_alive(c)) {
      connection_drop(c, false);
      continue;
    }
    idle_remove(c);
    tn_client_count(&origin->client->counters.reused, 1);
    tn_client_http1_start(call, c);
    return true;
  }
  return false;
}

static bool use_shared(tn_http_call *call) {
  for (tn_client_connection *c = call->origin->shared; c != NULL; c = c->in_origin.next) {
    if (tn_http2_client_room(c->http2) == 0) continue;
    if (c->is_idle && tn_loop_now() - c->idle_since > PING_AFTER) tn_http2_client_ping(c->http2);
    if (c->uses > 0) tn_client_count(&c->client->counters.reused, 1);
    tn_client_http2_start(call, c);
    if (tn_http2_client_calls(c->http2) > 0) idle_remove(c);
    return true;
  }
  return false;
}

static bool is_full(uint32_t count, uint32_t max) {
  return max != 0 && count >= max;
}

/* Makes room for one more connection of the origin, at the cost of idle ones. */
static bool find_place(tn_client_origin *origin) {
  tn_http_client *client = origin->client;
  if (is_full(origin->connections, client->options.max_connections_per_host)) {
    if (origin->idle == NULL) return false;
    connection_drop(origin->idle, false);
  }
  if (!is_full(client->connections, client->options.max_connections)) return true;
  tn_client_connection *oldest = client->idle.first;
  if (oldest == NULL) {
    hungry_add(origin);
    return false;
  }
  tn_client_origin *other = oldest->origin;
  connection_drop(oldest, false);
  if (other != origin) tn_client_origin_check(other);
  return true;
}

/* The origin has a call, so that it stays. */
static bool start_dial(tn_http_call *call) {
  tn_client_origin *origin = call->origin;
  if (origin->is_probing || !find_place(origin)) return false;
  call->state = TN_CALL_DIALING;
  if (!tn_client_dial_start(call)) {
    tn_client_call_fail(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
    return true;
  }
  origin->is_probing = !origin->is_known;
  origin->connections++;
  origin->client->connections++;
  return true;
}

/* A call that is tried again gets a connection that cannot be as dead as the last. */
static bool serve(tn_http_call *call) {
  if (!call->is_retry && use_idle(call)) return true;
  return use_shared(call) || start_dial(call);
}

void tn_client_pool_request(tn_http_call *call) {
  if (call->origin->waiting.first == NULL && serve(call)) return;
  call->state = TN_CALL_WAITING;
  queue_add(call->origin, call);
}

/* Serves those who wait, in order. Nothing that it does calls back here. */
static void pump(tn_client_origin *origin) {
  while (origin->waiting.first != NULL && !origin->client->is_closing) {
    tn_http_call *call = origin->waiting.first;
    if (!serve(call)) return;
    if (call->is_queued) tn_client_pool_cancel(call);
  }
}

/* Serves those of one origin that has none, if there is one; false: nobody got any. */
static bool serve_hungry(tn_http_client *client) {
  bool has_place =
      !is_full(client->connections, client->options.max_connections) || client->idle.first != NULL;
  tn_client_origin *hungry = client->hungry.first;
  if (hungry == NULL || !has_place) return false;
  hungry_remove(hungry);
  pump(hungry);
  return true;
}

/* A place may have become free: the origin's own calls come first, as it keeps its share, then those of
 * another. */
static void place_freed(tn_http_client *client, tn_client_origin *origin) {
  origin->calls++; /* it stays while we look */
  pump(origin);
  serve_hungry(client);
  origin->calls--;
  tn_client_origin_check(origin);
}

void tn_client_connection_close(tn_client_connection *connection, bool reset) {
  tn_http_client *client = connection->client;
  tn_client_origin *origin = connection->origin;
  connection_drop(connection, reset);
  place_freed(client, origin);
}

/* ---- coming back ----------------------------------------------------------------------------- */

static bool is_welcome(const tn_client_connection *c) {
  uint32_t max = c->client->options.max_idle_per_host;
  if (c->origin->is_forgotten) return c->origin->waiting.first != NULL;
  return c->origin->waiting.first != NULL || c->client->hungry.first != NULL || max == 0 ||
         c->origin->idle_count < max;
}

void tn_client_pool_give_back(tn_http_call *call, bool may_reuse) {
  tn_client_connection *c = call->connection;
  if (c == NULL) return;
  call->connection = NULL;
  c->call = NULL;
  bool is_usable = may_reuse && !c->is_hung_up && !c->is_broken && is_welcome(c);
  if (!is_usable) {
    /* A reset tells the peer at once that what is not complete is not wanted; it would also tear the last
     * bytes of what is out of its hands. */
    tn_client_connection_close(c, !call->body_is_complete && !call->has_fault);
    return;
  }
  idle_add(c);
  place_freed(c->client, c->origin);
}

void tn_client_pool_dialed(tn_client_origin *origin, tn_http_call *call,
                           tn_client_connection *connection) {
  tn_http_client *client = origin->client;
  origin->is_probing = false;
  /* Or it could not be found out: everybody who has waited tries for himself. */
  origin->is_known = true;
  if (connection == NULL) {
    origin->connections--;
    client->connections--;
    place_freed(client, origin);
    return;
  }
  all_add(connection);
  tn_client_count(&client->counters.connections, 1);
  tn_client_count(&client->counters.open_connections, 1);
  if (connection->http2 != NULL) {
    origin_add(&origin->shared, connection);
    tn_client_http2_start(call, connection);
    tn_client_pool_changed(connection);
  } else {
    tn_client_http1_start(call, connection);
    place_freed(client, origin);
  }
}

void tn_client_pool_changed(tn_client_connection *c) {
  if (tn_http2_client_calls(c->http2) > 0)
    idle_remove(c);
  else if (c->origin->is_forgotten && c->origin->waiting.first == NULL)
    tn_http2_client_drain(c->http2);
  else if (!c->is_idle && !tn_http2_client_is_draining(c->http2))
    idle_add(c);
  place_freed(c->client, c->origin);
}

/* ---- idle ones end --------------------------------------------------------------------------- */

static void idle_timeout(tn_alarm *alarm) {
  tn_http_client *client = TN_CONTAINER(alarm, tn_http_client, idle_alarm);
  uint64_t now = tn_loop_now();
  while (client->idle.first != NULL) {
    tn_client_connection *oldest = client->idle.first;
    if (oldest->idle_since + client->options.idle_timeout > now) break;
    if (oldest->http2 != NULL) {
      idle_remove(oldest);
      tn_http2_client_drain(oldest->http2);
    } else {
      tn_client_connection_close(oldest, false);
    }
  }
  idle_watch(client);
}

/* ---- rights that end ------------------------------------------------------------------------- */

static void origin_forget(tn_client_origin *origin) {
  origin->is_forgotten = true;
  while (origin->idle != NULL)
    connection_drop(origin->idle, false);
  for (tn_client_connection *c = origin->shared; c != NULL; c = c->in_origin.next) {
    if (tn_http2_client_calls(c->http2) > 0) continue;
    idle_remove(c);
    tn_http2_client_drain(c->http2);
  }
}

void tn_http_client_forget(tn_http_client *client, const void *policy_key) {
  for (uint32_t i = 0; i < TN_CLIENT_BUCKETS; i++) {
    for (tn_client_origin *origin = client->buckets[i], *next; origin != NULL; origin = next) {
      next = origin->next;
      if (origin->policy_key != policy_key || origin->is_forgotten) continue;
      origin_forget(origin);
      tn_client_origin_check(origin);
    }
  }
  while (serve_hungry(client))
    continue;
}

void tn_client_pool_init(tn_http_client *client) {
  client->idle_alarm.func = idle_timeout;
}

void tn_client_pool_delete(tn_http_client *client) {
  while (client->all.first != NULL) {
    tn_client_connection *c = client->all.first;
    tn_client_origin *origin = c->origin;
    connection_drop(c, false);
    tn_client_origin_check(origin);
  }
  tn_alarm_clear(client->loop, &client->idle_alarm);
}
