/* From a name to a connection that can be used: lookup, rights, connecting, the proxy's tunnel, TLS. */
#include "http/client/dial.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"

/* ---- ends ------------------------------------------------------------------------------------ */

static void dial_free(tn_client_dial *dial) {
  tn_resolver_cancel(&dial->lookup);
  tn_loop_undefer(dial->loop, &dial->deferred);
  tn_loop_undefer(dial->loop, &dial->checked);
  tn_dial_race_stop(dial);
  tn_io_stop(&dial->tunnel);
  if (dial->descriptor >= 0) close(dial->descriptor);
  if (dial->connection != NULL) tn_transport_stop(&dial->connection->transport, false);
  tn_free(dial->connection);
  tn_buffer_free(&dial->bytes);
  tn_free(dial);
}

void tn_client_dial_cancel(tn_client_dial *dial) {
  dial_free(dial);
}

static void tell_failure(tn_client_dial *dial) {
  tn_http_call *call = dial->call;
  tn_client_origin *origin = dial->origin;
  call->dial = NULL;
  call->failure = dial->failure;
  tn_client_call_fail(call, dial->code, "%s", dial->problem);
  dial_free(dial);
  tn_client_pool_dialed(origin, NULL, NULL);
  tn_client_call_tell(call);
}

static void dial_deferred(tn_deferred *deferred) {
  tell_failure(TN_CONTAINER(deferred, tn_client_dial, deferred));
}

void tn_dial_fail(tn_client_dial *dial, bool is_deferred, tn_http_code code, const char *format,
                  ...) {
  dial->code = code;
  if (format != NULL) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(dial->problem, sizeof dial->problem, format, arguments);
    va_end(arguments);
  }
  if (is_deferred)
    tn_loop_defer(dial->loop, &dial->deferred);
  else
    tell_failure(dial);
}

static void succeed(tn_client_dial *dial) {
  tn_http_call *call = dial->call;
  tn_client_origin *origin = dial->origin;
  tn_client_connection *connection = dial->connection;
  if (tn_transport_is_http2(&connection->transport)) {
    tn_error *error = tn_client_http2_connect(connection);
    if (error != NULL) {
      tn_dial_fail(dial, false, TN_HTTP_INTERNAL_ERROR, "%s", tn_error_get_message(error));
      tn_error_delete(error);
      return;
    }
  }
  connection->dial = NULL;
  dial->connection = NULL;
  call->dial = NULL;
  dial_free(dial);
  tn_client_call_set_deadline(call, TN_CALL_NO_DEADLINE, 0);
  tn_client_pool_dialed(origin, call, connection);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static void transport_ready(tn_transport *transport, int events) {
  tn_client_connection *connection = (tn_client_connection *)transport;
  if (connection->dial != NULL)
    tn_client_dial_handshake(connection->dial);
  else if (connection->http2 != NULL)
    tn_http2_client_ready(connection->http2, events);
  else
    tn_client_http1_ready(connection, events);
}

void tn_client_dial_handshake(tn_client_dial *dial) {
  tn_transport *transport = &dial->connection->transport;
  int64_t result = tn_transport_handshake(transport);
  if (result == 0) return;
  if (result < 0) {
    tn_http_code code =
        result == TN_HTTP_END ? TN_HTTP_CONNECTION_TERMINATED : tn_http_failure_code(result);
    dial->failure.code = code;
    tn_client_note_alert(&dial->failure, transport);
    tn_dial_fail(dial, false, code, "TLS with %s: %s", dial->origin->target.host,
                 tn_transport_problem(transport));
    return;
  }
  succeed(dial);
}

/* SNI and certificates know no dot at the end (RFC 6066 3). */
static tn_str tls_host(const tn_client_origin *origin) {
  tn_str host = tn_client_host(origin);
  if (host.data[host.len - 1] == '.') host.len--;
  return host;
}

static void fail_error(tn_client_dial *dial, tn_http_code code, tn_error *error) {
  tn_dial_fail(dial, false, code, "calling %s: %s", dial->origin->target.host,
               tn_error_get_message(error));
  tn_error_delete(error);
}

/* The descriptor becomes a transport. */
static void make_transport(tn_client_dial *dial) {
  tn_client_origin *origin = dial->origin;
  tn_tls_context *tls = NULL;
  tn_error *error = origin->is_tls ? tn_client_tls(origin->client, &tls) : NULL;
  if (error != NULL) {
    fail_error(dial, TN_HTTP_CONFIGURATION_ERROR, error);
    return;
  }
  tn_client_connection *connection = tn_calloc(1, sizeof *connection);
  if (connection == NULL) {
    fail_error(dial, TN_HTTP_INTERNAL_ERROR, tn_error_no_memory());
    return;
  }
  connection->client = origin->client;
  connection->origin = origin;
  connection->dial = dial;
  dial->connection = connection;
  int descriptor = dial->descriptor;
  dial->descriptor = -1;
  error = tn_transport_start(&connection->transport, dial->loop, descriptor, transport_ready, tls,
                             tls_host(origin));
  if (error != NULL) {
    fail_error(dial, TN_HTTP_INTERNAL_ERROR, error);
    return;
  }
  dial->phase = TN_DIAL_SECURING;
  if (origin->is_tls)
    tn_client_dial_handshake(dial);
  else
    succeed(dial);
}

void tn_dial_tunneled(tn_client_dial *dial) {
  make_transport(dial);
}

void tn_dial_connected(tn_client_dial *dial) {
  if (dial->origin->proxy != NULL && dial->origin->is_tls)
    tn_dial_tunnel(dial);
  else
    make_transport(dial);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* A proxy was named by whoever runs this program, and is no destination. */
static bool may_connect(const tn_client_dial *dial, const tn_client_address *address) {
  const tn_http_call_options *options = &dial->call->options;
  if (dial->origin->proxy != NULL || options->may_connect == NULL) return true;
  return options->may_connect(options->may_connect_data, &address->any);
}

static void take_addresses(tn_client_dial *dial, const tn_client_addresses *found) {
  const tn_client_target *target = tn_dial_target(dial);
  if (found->count == 0) {
    dial->failure.dns_rcode = found->rcode;
    tn_dial_fail(dial, true, found->code, "looking up %s: %s", target->host, found->problem);
    return;
  }
  for (uint32_t i = 0; i < found->count; i++) {
    tn_client_address address = found->items[i];
    tn_client_address_set_port(&address, target->port);
    if (may_connect(dial, &address)) dial->addresses.items[dial->addresses.count++] = address;
  }
  if (dial->addresses.count == 0) {
    char room[TN_CLIENT_ADDRESS_TEXT];
    tn_client_address first = found->items[0];
    tn_client_address_set_port(&first, target->port);
    tn_dial_fail(dial, true, TN_HTTP_DESTINATION_IP_PROHIBITED,
                 "connecting to %s (%s) is not allowed", target->host,
                 tn_client_address_print(&first, room));
    return;
  }
  dial->phase = TN_DIAL_CONNECTING;
  tn_dial_race(dial);
}

/* The proxy looks the name up again, and connects to what it likes of that: all of it has to be allowed. */
static void check_addresses(tn_client_dial *dial, const tn_client_addresses *found) {
  const tn_client_target *target = &dial->origin->target;
  const tn_http_call_options *options = &dial->call->options;
  if (found->count == 0) {
    dial->failure.dns_rcode = found->rcode;
    tn_dial_fail(dial, true, found->code, "looking up %s, before the proxy is asked: %s",
                 target->host, found->problem);
    return;
  }
  for (uint32_t i = 0; i < found->count; i++) {
    tn_client_address address = found->items[i];
    tn_client_address_set_port(&address, target->port);
    if (options->may_connect(options->may_connect_data, &address.any)) continue;
    char room[TN_CLIENT_ADDRESS_TEXT];
    tn_dial_fail(dial, true, TN_HTTP_DESTINATION_IP_PROHIBITED,
                 "calling %s (%s) by a proxy is not allowed", target->host,
                 tn_client_address_print(&address, room));
    return;
  }
  tn_loop_defer(dial->loop, &dial->checked);
}

static void take_lookup(tn_client_dial *dial, const tn_client_addresses *found) {
  if (dial->is_checking)
    check_addresses(dial, found);
  else
    take_addresses(dial, found);
}

static void looked_up(tn_client_lookup *lookup, const tn_client_addresses *found) {
  take_lookup(TN_CONTAINER(lookup, tn_client_dial, lookup), found);
}

static void look_up(tn_client_dial *dial, const tn_client_target *target) {
  if (target->is_address) {
    const tn_client_addresses itself = {.count = 1, .items = {target->address}};
    take_lookup(dial, &itself);
    return;
  }
  tn_http_call *call = dial->call;
  const tn_client_addresses *found =
      tn_resolver_find(call->client->resolver, (tn_str){target->host, target->host_size},
                       call->options.policy_key, &dial->lookup);
  if (found != NULL) take_lookup(dial, found);
}

static void target_is_checked(tn_deferred *deferred) {
  tn_client_dial *dial = TN_CONTAINER(deferred, tn_client_dial, checked);
  dial->is_checking = false;
  look_up(dial, tn_dial_target(dial));
}

bool tn_client_dial_start(tn_http_call *call) {
  tn_client_dial *dial = tn_calloc(1, sizeof *dial);
  if (dial == NULL) return false;
  dial->call = call;
  dial->origin = call->origin;
  dial->loop = call->client->loop;
  dial->descriptor = -1;
  dial->deferred.func = dial_deferred;
  dial->checked.func = target_is_checked;
  dial->lookup.done = looked_up;
  call->dial = dial;
  /* An address has been checked before (is_prohibited in call.c). */
  const tn_client_target *target = &dial->origin->target;
  dial->is_checking =
      dial->origin->proxy != NULL && call->options.may_connect != NULL && !target->is_address;
  look_up(dial, dial->is_checking ? target : tn_dial_target(dial));
  return true;
}

tn_http_code tn_client_dial_phase(const tn_client_dial *dial, const char **doing) {
  static const char *const names[] = {"looking up", "connecting to",
                                      "asking the proxy for a way to", "the TLS handshake with"};
  *doing = names[dial->phase];
  return dial->phase == TN_DIAL_RESOLVING ? TN_HTTP_DNS_TIMEOUT : TN_HTTP_CONNECTION_TIMEOUT;
}
