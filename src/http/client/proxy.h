/* Which requests go through a proxy (RFC 9110 7.3.2, and the environment variables that everybody knows). For
 * src/http/client*.c only. */
#ifndef TN_HTTP_CLIENT_PROXY_H
#define TN_HTTP_CLIENT_PROXY_H

#include "base/arena.h"
#include "http/client/address.h"

typedef struct tn_client_proxy {
  tn_client_target target;
  tn_str authorization; /* "Basic …", or empty */
  const char *problem;  /* what makes it useless; NULL: nothing */
} tn_client_proxy;

typedef struct tn_client_proxies {
  tn_client_proxy *http; /* NULL: none */
  tn_client_proxy *https;
  tn_str exempt; /* no_proxy */
} tn_client_proxies;

/* Reads URLs "http://[user:password@]host[:port]"; what is wrong with one becomes its `problem`, so that it
 * fails the calls that would need it. NULL or empty: none. All lies in the arena. False: out of memory. */
bool tn_client_proxies_init(tn_client_proxies *proxies, tn_arena *arena, const char *http,
                            const char *https, const char *exempt);
/* The proxy for calls to `target`, or NULL. Never one for this machine: localhost and loopback addresses. */
const tn_client_proxy *tn_client_proxies_find(const tn_client_proxies *proxies, bool is_tls,
                                              const tn_client_target *target);

#endif
