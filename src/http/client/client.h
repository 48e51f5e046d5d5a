/* An HTTP client on one loop: connections are kept and reused, HTTP/2 ones shared. One for each worker. */
#ifndef TN_HTTP_CLIENT_CLIENT_H
#define TN_HTTP_CLIENT_CLIENT_H

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
  /* For calls that say nothing else; as Wasmtime has them, 600 seconds each, but for connecting: 30 seconds. */
  uint64_t connect_timeout;
  uint64_t first_byte_timeout;
  uint64_t between_bytes_timeout;
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

tn_error *tn_http_client_new(tn_loop *loop, const tn_http_client_options *options,
                             tn_http_client **out);
/* Fails all calls that are under way (their observers are not called any more), closes all connections. */
void tn_http_client_delete(tn_http_client *client);

/* Times are nanoseconds, 0: those of the client's options. */
typedef struct tn_http_call_options {
  /* Waiting for a free connection, name lookup, connecting and the TLS handshake together. When it is 0 and
   * first_byte_timeout is not, that bounds these as well: whoever does not want to wait longer for an answer does not
   * want to wait longer for what comes before it. */
  uint64_t connect_timeout;
  uint64_t first_byte_timeout; /* from the request's head, which is sent, to the response's */
  /* of the response's body, and of the request's, if the peer takes none of it */
  uint64_t between_bytes_timeout;
  /* Asked for each resolved address before it is connected to; false: DESTINATION_IP_PROHIBITED.
   * Connections that are reused were allowed for the same `policy_key`. NULL: everything is allowed. Not
   * asked for a proxy, which the operator has chosen; behind one, the target's name is looked up here as
   * well, and all its addresses must be allowed before the proxy is given it, which may yet find others. */
  bool (*may_connect)(void *data, const struct sockaddr *address);
  void *may_connect_data;
  const void *policy_key; /* whose rights: connections are shared only under the same key */
} tn_http_call_options;

/* Told what becomes of a call. Exactly one of `response` and `failed`, never from within tn_http_client_call. */
typedef struct tn_http_call_handler {
  /* The head is complete. It and the body live until tn_http_call_release. */
  void (*response)(void *data, const tn_http_response *head, tn_http_incoming *body);
  /* `detail` is for people and lives for the call's duration: what was being done, to whom, what was wrong.
   * What else is known is told by tn_http_call_get_failure. */
  void (*failed)(void *data, tn_http_code code, const char *detail);
} tn_http_call_handler;

/* What is known of a failure, also of one that hit the response's body (whose reads give only the code).
 * Everything lives for the call's duration. */
typedef struct tn_http_call_failure {
  tn_http_code code;
  const char *detail;        /* as given to `failed`; NULL: nothing was said */
  const char *dns_rcode;     /* DNS_ERROR: "NXDOMAIN", "SERVFAIL" …; NULL: not known */
  bool has_alert;            /* TLS_ALERT_RECEIVED: the next two are set */
  uint8_t alert_id;          /* RFC 8446 section 6: 40 is handshake_failure */
  const char *alert_message; /* "handshake failure" */
  /* RESPONSE_HEADER_SECTION_SIZE, RESPONSE_TRAILER_SECTION_SIZE: bytes so far; 0: not known */
  uint64_t size;
} tn_http_call_failure;

/* Starts a call. The head is copied. request->scheme "http" or "https" and request->authority (host[:port])
 * say whom to call; body_length 0 means that there is no body. *body is written to and finished by the
 * caller (also when there is none: finish at once). A request that never was on the wire, or is idempotent
 * and without a body, is tried once more when a reused connection turns out to be dead. */
tn_error *tn_http_client_call(tn_http_client *client, const tn_http_request *request,
                              const tn_http_call_options *options,
                              const tn_http_call_handler *handler, void *data, tn_http_call **out,
                              tn_http_outgoing **body);
/* Why the call failed: from `failed` on, or once a read of the body has given a failure; else NULL. */
const tn_http_call_failure *tn_http_call_get_failure(tn_http_call *call);
/* Done with the call and everything in it, complete or not: what is unfinished is cancelled. */
void tn_http_call_release(tn_http_call *call);

/* Nobody will call under this key any more, and what it pointed to is about to be freed: its idle
 * connections are closed, those in use close after their last call and are not used again, calls that wait
 * for a connection go on. The same address may become a key again at once: connections made under it before
 * are not found then. */
void tn_http_client_forget(tn_http_client *client, const void *policy_key);

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
