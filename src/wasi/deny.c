/* Services that guests are denied: functions of the host are replaced, when something that imports them is
 * linked, by ones that end the guest with their own name. Those that are granted stay as they are. */
#include "base/error.h"
#include "engine/engine.h"
#include "link/host.h"
#include "tenon/exec.h"
#include "wasi/wasi.h"

/* ---- what belongs to which service --------------------------------------------------------------- */

typedef struct service_member {
  const char *interface; /* without its version */
  const char *name;      /* NULL: all functions */
  unsigned service;
} service_member;

static const service_member interface_members[] = {
    {"wasi:clocks/monotonic-clock", NULL, TN_SERVICE_CLOCKS},
    {"wasi:clocks/wall-clock", NULL, TN_SERVICE_CLOCKS},
    {"wasi:random/random", NULL, TN_SERVICE_RANDOM},
    {"wasi:random/insecure", NULL, TN_SERVICE_RANDOM},
    {"wasi:random/insecure-seed", NULL, TN_SERVICE_RANDOM},
    {"wasi:filesystem/types", NULL, TN_SERVICE_FILES},
    {"wasi:sockets/instance-network", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/ip-name-lookup", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/network", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/tcp", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/tcp-create-socket", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/udp", NULL, TN_SERVICE_NETWORK},
    {"wasi:sockets/udp-create-socket", NULL, TN_SERVICE_NETWORK},
    {"wasi:http/outgoing-handler", NULL, TN_SERVICE_HTTP},
};

/* poll_oneoff is looked at when it is called: only some of its subscriptions are about time. */
static const service_member core_members[] = {
    {"wasi_snapshot_preview1", "clock_res_get", TN_SERVICE_CLOCKS},
    {"wasi_snapshot_preview1", "clock_time_get", TN_SERVICE_CLOCKS},
    {"wasi_snapshot_preview1", "poll_oneoff", TN_SERVICE_CLOCKS},
    {"wasi_snapshot_preview1", "random_get", TN_SERVICE_RANDOM},
    {"wasi_snapshot_preview1", "path_create_directory", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_filestat_get", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_filestat_set_times", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_link", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_open", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_readlink", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_remove_directory", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_rename", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_symlink", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "path_unlink_file", TN_SERVICE_FILES},
    {"wasi_snapshot_preview1", "sock_accept", TN_SERVICE_NETWORK},
    {"wasi_snapshot_preview1", "sock_recv", TN_SERVICE_NETWORK},
    {"wasi_snapshot_preview1", "sock_send", TN_SERVICE_NETWORK},
    {"wasi_snapshot_preview1", "sock_shutdown", TN_SERVICE_NETWORK},
};

#define MEMBERS(table) (table), sizeof(table) / sizeof *(table)

static tn_str without_version(tn_str interface) {
  return tn_str_slice(interface, 0, tn_str_find(interface, '@', 0));
}

static unsigned service_of(const service_member *members, size_t count, tn_str interface,
                           tn_str name) {
  for (size_t i = 0; i < count; i++) {
    if (!tn_str_equal(tn_str_from(members[i].interface), interface)) continue;
    if (members[i].name == NULL || tn_str_equal(tn_str_from(members[i].name), name))
      return members[i].service;
  }
  return 0;
}

/* ---- denying -------------------------------------------------------------------------------------- */

/* What the linker was told. */
typedef struct denied_services {
  unsigned services;
  uint32_t rights;  /* whose: see tn_call_rights; TN_DENIED_TO_ALL: of all components */
  const char *hint; /* or NULL */
} denied_services;

/* One function that is denied. */
typedef struct denied_func {
  const denied_services *denial;
  tn_str interface; /* without its version */
  tn_str name;
  const char *service;
  tn_host_import allowed;        /* of poll_oneoff: the function itself */
  tn_host_found_func for_others; /* where it is not denied to all: the function itself */
} denied_func;

static const char *service_name(unsigned service) {
  switch (service) {
  case TN_SERVICE_CLOCKS:
    return "clocks";
  case TN_SERVICE_RANDOM:
    return "random numbers";
  case TN_SERVICE_FILES:
    return "files";
  case TN_SERVICE_NETWORK:
    return "the network";
  default:
    return "outgoing HTTP requests";
  }
}

static tn_error *denied_error(const denied_func *func) {
  tn_error *error = tn_error_new(
      TN_ERROR_DENIED,
      "`%" TN_STR_FORMAT "#%" TN_STR_FORMAT "` was called, but the guest has no right to %s",
      TN_STR_ARG(func->interface), TN_STR_ARG(func->name), func->service);
  return func->denial->hint == NULL ? error : tn_error_set_hint(error, "%s", func->denial->hint);
}

static tn_error *make_denied(tn_arena *arena, const denied_services *denial, unsigned service,
                             tn_str interface, tn_str name, denied_func **out) {
  denied_func *made = TN_ARENA_NEW(arena, denied_func);
  if (made == NULL) return tn_error_no_memory();
  made->denial = denial;
  made->interface = tn_arena_copy(arena, interface);
  made->name = tn_arena_copy(arena, name);
  made->service = service_name(service);
  if (made->interface.data == NULL || made->name.data == NULL) return tn_error_no_memory();
  *out = made;
  return NULL;
}

static tn_error *deny_func(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  return denied_error(data);
}

static tn_error *deny_func_to_one(tn_call *call, void *data, const void *params, void *result) {
  const denied_func *func = data;
  if (tn_call_rights(call) == func->denial->rights) return denied_error(func);
  return func->for_others.func(call, func->for_others.data, params, result);
}

static tn_core_trap *deny_core(void *environment, tn_core_caller *caller, tn_core_value *values,
                               size_t count) {
  (void)values, (void)count;
  return tn_core_trap_from_error(tn_core_caller_context(caller), denied_error(environment));
}

/* Subscriptions of 48 bytes whose type, 0 for a clock, is at offset 8. Addresses outside the memory are left
 * to the function itself. */
static bool subscribes_to_clock(tn_runtime *runtime, const tn_core_value *in) {
  enum { SUBSCRIPTION = 48, TYPE = 8, CLOCK = 0 };
  if (runtime->memories == NULL || runtime->memories[0].store == 0)
    return false; /* the module has none */
  const uint8_t *memory = tn_core_memory_base(runtime->context, &runtime->memories[0]);
  uint64_t size = tn_core_memory_size(runtime->context, &runtime->memories[0]);
  for (uint64_t i = 0; i < in[2].u32; i++) {
    uint64_t at = in[0].u32 + i * SUBSCRIPTION;
    if (at + SUBSCRIPTION > size) return false;
    if (memory[at + TYPE] == CLOCK) return true;
  }
  return false;
}

static tn_core_trap *deny_core_clock(void *environment, tn_core_caller *caller,
                                     tn_core_value *values, size_t count) {
  const denied_func *func = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  if (subscribes_to_clock(tn_runtime_of(context), values))
    return deny_core(environment, caller, values, count);
  return func->allowed.func(func->allowed.environment, caller, values, count);
}

/* ---- the interceptor ------------------------------------------------------------------------------ */

/* A handle is good for what it was opened with, whoever has it: who has no rights may have been lent one. */
static bool takes_handle(tn_str name) {
  return tn_str_starts_with(name, TN_STR("[method]")) ||
         tn_str_ends_with(name, TN_STR("-error-code"));
}

static tn_error *intercept_func(void *data, tn_arena *arena, tn_str interface, tn_str name,
                                tn_host_found_func *found) {
  const denied_services *denial = data;
  interface = without_version(interface);
  unsigned service = service_of(MEMBERS(interface_members), interface, name);
  bool is_for_all = denial->rights == TN_DENIED_TO_ALL;
  if ((service & denial->services) == 0 || (!is_for_all && takes_handle(name))) return NULL;
  denied_func *denied;
  TN_TRY(make_denied(arena, denial, service, interface, name, &denied));
  denied->for_others = *found;
  found->func = is_for_all ? deny_func : deny_func_to_one;
  found->data = denied;
  return NULL;
}

static tn_error *intercept_core(void *data, tn_arena *arena, tn_str module, tn_str name,
                                tn_host_import *found) {
  const denied_services *denial = data;
  unsigned service = service_of(MEMBERS(core_members), module, name);
  bool is_whole_guest = denial->rights == TN_DENIED_TO_ALL || denial->rights == 0;
  if ((service & denial->services) == 0 || !is_whole_guest) return NULL;
  denied_func *denied;
  TN_TRY(make_denied(arena, denial, service, module, name, &denied));
  denied->allowed = *found;
  found->func = tn_str_equal(name, TN_STR("poll_oneoff")) ? deny_core_clock : deny_core;
  found->environment = denied;
  return NULL;
}

static const tn_interceptor interceptor = {.func = intercept_func, .core = intercept_core};

tn_error *tn_wasi_deny(tn_linker *linker, uint32_t rights, unsigned services, const char *hint) {
  const unsigned all = TN_SERVICE_CLOCKS | TN_SERVICE_RANDOM | TN_SERVICE_FILES |
                       TN_SERVICE_NETWORK | TN_SERVICE_HTTP;
  if ((services & ~all) != 0)
    return tn_error_new(TN_ERROR_ARGUMENT, "unknown services %#x", services & ~all);
  tn_arena *arena = tn_linker_arena(linker);
  denied_services *made = TN_ARENA_NEW(arena, denied_services);
  if (made == NULL) return tn_error_no_memory();
  made->services = services;
  made->rights = rights;
  if (hint != NULL) {
    made->hint = tn_arena_copy(arena, tn_str_from(hint)).data;
    if (made->hint == NULL) return tn_error_no_memory();
  }
  return tn_linker_intercept(linker, &interceptor, made);
}

tn_error *tn_linker_deny(tn_linker *linker, unsigned services, const char *hint) {
  return tn_wasi_deny(linker, TN_DENIED_TO_ALL, services, hint);
}
