/* wasi:sockets/ip-name-lookup: the loop's lookups. */
#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/lookup.h"
#include "wasi/sockets/idna.h"
#include "wasi/sockets/socket.h"
#include "wasi/state.h"

/* One waiting party of a lookup: armed by a poll. */
typedef struct listener listener;

/* A lookup and the resource that gives its results. Counted: the resource and each pollable. Invariant: `running` is
 * set until is_over. */
typedef struct name_lookup {
  tn_wasi *wasi;
  uint32_t references;
  bool is_over;
  tn_lookup *running;
  tn_lookup_answer answer; /* count 0: nothing, or the name was an address */
  uint32_t next;
  bool has_literal;
  tn_sockaddr literal; /* the name was this address, which has not been given yet */
  listener *listeners;
  char name[TN_HOST_NAME_SIZE];
} name_lookup;

struct listener {
  name_lookup *lookup;
  tn_wait *wait;
  listener *next;
  listener *previous;
};

static void lookup_release(name_lookup *lookup) {
  if (--lookup->references > 0) return;
  if (lookup->running != NULL) tn_lookup_cancel(lookup->running);
  tn_free(lookup);
}

void tn_lookup_delete(void *object) {
  lookup_release(object);
}

static name_lookup *lookup_of(tn_call *call, const void *params) {
  tn_wasi *wasi = tn_wasi_of_call(call);
  return tn_wasi_slot_get(wasi, TN_SLOT_RESOLVE_ADDRESSES, *(const uint32_t *)params);
}

static void drop(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  name_lookup *dropped = tn_wasi_slot_get(wasi, TN_SLOT_RESOLVE_ADDRESSES, representation);
  tn_wasi_slot_remove(wasi, representation);
  lookup_release(dropped);
}

/* ---- resolving ----------------------------------------------------------------------------------- */

static void resolved(void *data, const tn_lookup_answer *answer) {
  name_lookup *lookup = data;
  lookup->running = NULL;
  lookup->answer = *answer;
  lookup->is_over = true;
  for (listener *l = lookup->listeners; l != NULL; l = l->next)
    tn_wait_wake(l->wait);
}

/* Addresses in their usual forms, IPv6 with or without brackets. */
static bool read_literal(tn_str name, tn_sockaddr *out) {
  char text[INET6_ADDRSTRLEN];
  if (name.len >= 2 && name.data[0] == '[' && name.data[name.len - 1] == ']') {
    name = tn_str_slice(name, 1, name.len - 1);
    if (tn_str_find(name, ':', 0) == name.len) return false;
  }
  if (name.len >= sizeof text || memchr(name.data, 0, name.len) != NULL) return false;
  memcpy(text, name.data, name.len);
  text[name.len] = 0;
  memset(out, 0, sizeof *out);
  out->any.sa_family = AF_INET;
  if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) return true;
  out->any.sa_family = AF_INET6;
  return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
}

/* Starts the lookup, or finishes it at once. */
static tn_error *begin(name_lookup *new, tn_str name, tn_network_code *code) {
  *code = TN_NETWORK_OK;
  if (name.len > 0 && read_literal(name, &new->literal)) {
    new->is_over = new->has_literal = true;
    return NULL;
  }
  if (!tn_host_name_to_ascii(name, new->name)) {
    *code = TN_NETWORK_INVALID_ARGUMENT;
  } else if (!tn_wasi_may_resolve(new->wasi, tn_str_from(new->name))) {
    *code = TN_NETWORK_ACCESS_DENIED;
  } else {
    new->running =
        tn_lookup_start(tn_wasi_loop(new->wasi), new->name, new->wasi->config, resolved, new);
    if (new->running == NULL) return tn_error_no_memory();
  }
  return NULL;
}

typedef struct resolve_params {
  uint32_t network;
  tn_str name;
} resolve_params;

static tn_error *resolve_addresses(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const resolve_params *in = params;
  tn_network_handle *out = result;
  name_lookup *new = tn_calloc(1, sizeof *new);
  if (new == NULL) return tn_error_no_memory();
  new->wasi = tn_wasi_of_call(call);
  new->references = 1;
  tn_network_code code;
  tn_error *error = begin(new, in->name, &code);
  if (error == NULL && code == TN_NETWORK_OK) {
    error = tn_wasi_slot_add(new->wasi, TN_SLOT_RESOLVE_ADDRESSES, new, &out->value);
    if (error == NULL) return NULL;
  }
  lookup_release(new);
  out->is_error = true;
  out->code = (uint8_t)code;
  return error;
}

/* ---- results ------------------------------------------------------------------------------------- */

static tn_network_code failure_code(const name_lookup *lookup) {
  switch (lookup->answer.failure) {
  case TN_LOOKUP_NO_NAME:
  case TN_LOOKUP_NO_ADDRESS:
  case TN_LOOKUP_BAD_NAME:
    return TN_NETWORK_NAME_UNRESOLVABLE;
  case TN_LOOKUP_SERVER_FAILED:
  case TN_LOOKUP_NO_ANSWER:
  case TN_LOOKUP_NO_SERVER:
  case TN_LOOKUP_TOO_MANY:
    return TN_NETWORK_TEMPORARY_RESOLVER_FAILURE;
  case TN_LOOKUP_NO_MEMORY:
    return TN_NETWORK_OUT_OF_MEMORY;
  default:
    return TN_NETWORK_PERMANENT_RESOLVER_FAILURE;
  }
}

/* The next address, or NULL after the last. What a rule grants by name is granted when the guest learns it. */
static const tn_sockaddr *next_address(name_lookup *lookup) {
  if (lookup->has_literal) {
    lookup->has_literal = false;
    return &lookup->literal;
  }
  if (lookup->next == lookup->answer.count) return NULL;
  const tn_lookup_address *address = &lookup->answer.items[lookup->next++];
  tn_wasi_note_resolved(lookup->wasi, tn_str_from(lookup->name), &address->any);
  return (const tn_sockaddr *)address;
}

static tn_error *resolve_next_address(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  name_lookup *lookup = lookup_of(call, params);
  tn_network_next *out = result;
  out->is_error = !lookup->is_over || lookup->answer.failure != TN_LOOKUP_FOUND;
  if (out->is_error) {
    out->code = (uint8_t)(lookup->is_over ? failure_code(lookup) : TN_NETWORK_WOULD_BLOCK);
    return NULL;
  }
  const tn_sockaddr *address = next_address(lookup);
  out->ok.is_some = address != NULL;
  if (address != NULL) tn_ip_from_system(address, &out->ok.value);
  return NULL;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

static bool lookup_is_over(void *object) {
  return ((const name_lookup *)object)->is_over;
}

static void listener_stop(void *source) {
  listener *stopped = source;
  if (stopped->previous == NULL) {
    stopped->lookup->listeners = stopped->next;
  } else {
    stopped->previous->next = stopped->next;
  }
  if (stopped->next != NULL) stopped->next->previous = stopped->previous;
  tn_free(stopped);
}

static tn_error *lookup_arm(void *object, tn_wait *wait, tn_armed *armed) {
  name_lookup *awaited = object;
  listener *new = tn_malloc(sizeof *new);
  if (new == NULL) return tn_error_no_memory();
  *new = (listener){.lookup = awaited, .wait = wait, .next = awaited->listeners};
  if (new->next != NULL) new->next->previous = new;
  awaited->listeners = new;
  *armed = (tn_armed){listener_stop, new};
  return NULL;
}

static void lookup_pollable_release(void *object) {
  lookup_release(object);
}

static tn_error *subscribe(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  static const tn_pollable_class class = {lookup_is_over, lookup_arm, lookup_pollable_release};
  name_lookup *awaited = lookup_of(call, params);
  awaited->references++;
  return tn_pollable_add(awaited->wasi, (tn_pollable){.class = &class, .object = awaited}, result);
}

/* ---- table --------------------------------------------------------------------------------------- */

static const tn_host_resource_definition lookup_resources[] = {{"resolve-address-stream", drop}};

static const tn_host_func_definition lookup_funcs[] = {
    {"resolve-addresses",
     "func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>",
     resolve_addresses},
    {"[method]resolve-address-stream.resolve-next-address",
     "func(self: borrow<resolve-address-stream>) -> result<option<ip-address>, error-code>",
     resolve_next_address},
    {"[method]resolve-address-stream.subscribe",
     "func(self: borrow<resolve-address-stream>) -> pollable", subscribe},
};

const tn_host_interface tn_sockets_lookup_interface = {
    .name = "wasi:sockets/ip-name-lookup@0.2.12",
    .types = "use wasi:io/poll@0.2.12.{pollable};"
             "use wasi:sockets/network@0.2.12.{network, error-code, ip-address};"
             "resource resolve-address-stream;",
    .resources = lookup_resources,
    .resource_count = 1,
    .funcs = lookup_funcs,
    .func_count = sizeof lookup_funcs / sizeof *lookup_funcs,
};
