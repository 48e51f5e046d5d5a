/* The client itself: options, beginning and end. */
#include "http/client/client.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/client/parts.h"

#define SECOND UINT64_C(1000000000)

void tn_http_client_options_init(tn_http_client_options *options) {
  *options = (tn_http_client_options){
      .max_connections_per_host = 256,
      .max_connections = 1024,
      .max_idle_per_host = 64,
      .idle_timeout = 60 * SECOND,
      .max_header_bytes = 65536,
      .max_header_count = 256,
      .dns_cache = 30 * SECOND,
      .connect_timeout = 30 * SECOND,
      .first_byte_timeout = 600 * SECOND,
      .between_bytes_timeout = 600 * SECOND,
      .http2 = true,
  };
}

static const char *variable(const char *lower, const char *upper) {
  const char *value = getenv(lower);
  if (value == NULL && upper != NULL) value = getenv(upper);
  return value == NULL || value[0] == 0 ? NULL : value;
}

void tn_http_client_options_from_environment(tn_http_client_options *options) {
  const char *all = variable("all_proxy", "ALL_PROXY");
  /* Not HTTP_PROXY: under CGI a client sets it, with its field "Proxy". */
  const char *http = variable("http_proxy", NULL);
  const char *https = variable("https_proxy", "HTTPS_PROXY");
  options->http_proxy = http != NULL ? http : all;
  options->https_proxy = https != NULL ? https : all;
  options->no_proxy = variable("no_proxy", "NO_PROXY");
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void client_free(tn_http_client *client) {
  while (client->free_calls != NULL) {
    tn_http_call *call = client->free_calls;
    client->free_calls = call->next;
    tn_client_call_free(call);
  }
  tn_resolver_delete(client->resolver);
  if (client->tls != NULL) tn_tls_context_release(client->tls);
  tn_arena_free(&client->arena);
  tn_free(client);
}

tn_error *tn_http_client_new(tn_loop *loop, const tn_http_client_options *options,
                             tn_http_client **out) {
  tn_http_client *client = tn_calloc(1, sizeof *client);
  if (client == NULL) return tn_error_no_memory();
  client->loop = loop;
  client->options = *options;
  client->seed = tn_loop_now() * 0x9e3779b97f4a7c15u ^ (uintptr_t)client;
  if (options->tls != NULL) client->tls = tn_tls_context_retain(options->tls);
  tn_client_pool_init(client);
  tn_error *error = tn_resolver_new(loop, options->dns_cache, &client->resolver);
  bool has_proxies = tn_client_proxies_init(&client->proxies, &client->arena, options->http_proxy,
                                            options->https_proxy, options->no_proxy);
  if (error == NULL && !has_proxies) error = tn_error_no_memory();
  if (error != NULL) {
    client_free(client);
    return error;
  }
  *out = client;
  return NULL;
}

void tn_http_client_delete(tn_http_client *client) {
  if (client == NULL) return;
  client->is_closing = true;
  while (client->calls != NULL)
    tn_client_call_orphan(client->calls);
  tn_client_pool_delete(client);
  client_free(client);
}

tn_error *tn_client_tls(tn_http_client *client, tn_tls_context **out) {
  if (client->tls == NULL)
    TN_TRY(tn_tls_client_context_new(NULL, client->options.http2, &client->tls));
  *out = client->tls;
  return NULL;
}

const tn_http_client_counters *tn_http_client_get_counters(const tn_http_client *client) {
  return &client->counters;
}
