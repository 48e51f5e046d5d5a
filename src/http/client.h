/* An HTTP client on one loop: connections are kept and reused, HTTP/2 ones shared. One for each worker. */
#ifndef TN_HTTP_CLIENT_H
#define TN_HTTP_CLIENT_H

#include "http/message.h"
#include "http/tls.h"
#include "loop/loop.h"

typedef struct tn_http_client tn_http_client;
typedef struct tn_http_call tn_http_call;

/* Times are nanoseconds, 0: without limit. */
typedef struct tn_http_client_options {
  uint32_t max_connections_per_host; /* calls beyond wait for one */
  uint32_t max_connections;
  uint32_t max_idle_per_host;
  uint64_t idle_timeout;
  uint32_t max_header_bytes; /* of a response */
  uint32_t max_header_count;
  uint64_t dns_cache; /* how long an address is believed */
  bool http2;
  /* Proxies as URLs; NULL: none. tn_http_client_options_from_environment fills them from http_proxy, https_proxy,
   * all_proxy, no_proxy (and upper case, but never HTTP_PROXY), strings then live as long as the environment. */
  const char *http_proxy;
  const char *https_proxy;
  const char *no_proxy;
  tn_tls_context *tls; /* for https; NULL: made from the system's certificates at the first use */
} tn_http_client_options;

void tn_http_client_options_init(tn_http_client_options *options);
void tn_http_client_options_from_environment(tn_http_client_options *options);

tn_error *tn_http_client_new(tn_loop *loop, const tn_http_client_options *options, tn_http_client **out);
/* Fails all calls that are under way (their observers are not called any more), closes all connections. */
void tn_http_client_delete(tn_http_client *client);

typedef struct tn_http_call_options {
  uint64_t connect_timeout;       /* name lookup, connection and handshake together */
  uint64_t first_byte_timeout;    /* from the request's end to the response's head */
  uint64_t between_bytes_timeout; /* of the response's body */
  /* Asked for each resolved address before it is connected to; false: DESTINATION_IP_PROHIBITED. Connections that
   * are reused were allowed for the same `policy_key`. NULL: everything is allowed. Not asked for a proxy, which the
   * operator has chosen; behind one it is asked only for a target that is an address, because names are resolved there:
   * whoever has rules must check names before the call. */
  bool (*may_connect)(void *data, const struct sockaddr *address);
  void *may_connect_data;
  const void *policy_key; /* whose rights: connections are shared only under the same key */
} tn_http_call_options;

/* Told what becomes of a call. Exactly one of `response` and `failed`, never from within tn_http_client_call. */
typedef struct tn_http_call_handler {
  /* The head is complete. It and the body live until tn_http_call_release. */
  void (*response)(void *data, const tn_http_response *head, tn_http_incoming *body);
  /* `detail` is for people and lives for the call's duration: what was being done, to whom, what was wrong. */
  void (*failed)(void *data, tn_http_code code, const char *detail);
} tn_http_call_handler;

/* Starts a call. The head is copied. request->scheme "http" or "https" and request->authority (host[:port]) say
 * whom to call; body_length 0 means that there is no body. *body is written to and finished by the caller (also when
 * there is none: finish at once). A request that never was on the wire, or is idempotent and without a body, is tried
 * once more when a reused connection turns out to be dead. */
tn_error *tn_http_client_call(tn_http_client *client, const tn_http_request *request,
                              const tn_http_call_options *options, const tn_http_call_handler *handler,
                              void *data, tn_http_call **out, tn_http_outgoing **body);
/* Done with the call and everything in it, complete or not: what is unfinished is cancelled. */
void tn_http_call_release(tn_http_call *call);

/* For metrics, as tn_http_server_counters. */
typedef struct tn_http_client_counters {
  uint64_t calls;
  uint64_t connections; /* opened so far */
  uint64_t reused;      /* calls on a connection that was there */
  uint64_t failures;
  uint64_t open_connections;
} tn_http_client_counters;
const tn_http_client_counters *tn_http_client_get_counters(const tn_http_client *client);

#endif
