#include "wasi/wasi.h"

#include <assert.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/cli/cli.h"
#include "wasi/clocks/clocks.h"
#include "wasi/config_store/config_store.h"
#include "wasi/disguise.h"
#include "wasi/filesystem/filesystem.h"
#include "wasi/http/http.h"
#include "wasi/io/io.h"
#include "wasi/preview1/preview1.h"
#include "wasi/random/random.h"
#include "wasi/sockets/sockets.h"
#include "wasi/state.h"

/* Objects of a guest at one time, of all kinds. A handle table's own limit is usually lower. */
enum { MAX_SLOTS = 1 << 20 };
/* What the object of a slot counts, besides what it counts itself. */
enum { OBJECT_SIZE = 128 - sizeof(tn_slot) };
/* What one unusual guest has needed is not kept for the next. */
enum { KEPT_SLOTS = 1024 };
/* How long a reader of the guest's output may be stuck, at the end, before the rest of it is lost. */
enum { CLOSE_MILLISECONDS = 1000 };

/* ---- making and ending -------------------------------------------------------------------------- */

/* `wasi` has slots, or is zeroed. */
static void start(tn_wasi *wasi, const tn_wasi_config *config, tn_guest *guest) {
  if (config == NULL) config = tn_wasi_config_nothing();
  *wasi = (tn_wasi){
      .config = config,
      .first = wasi,
      .linked = wasi->linked,
      .linked_count = wasi->linked_count,
      .guest = guest,
      .slots = wasi->slots,
      .slot_count = wasi->slot_cap > 0, /* the one that is never used */
      .slot_cap = wasi->slot_cap,
      .output_left = config->output_limit,
      .kept.limit = UINT64_MAX,
  };
  for (int i = 0; i < 3; i++) {
    wasi->stdio[i].config = &config->stdio[i];
    wasi->stdio[i].stream = i;
  }
  tn_random_init(&wasi->random, config->has_seed, config->seed);
}

tn_error *tn_wasi_new(const tn_wasi_config *config, tn_guest *guest, tn_wasi **out) {
  tn_wasi *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  start(made, config, guest);
  *out = made;
  return NULL;
}

void tn_wasi_renew(tn_wasi *wasi, const tn_wasi_config *config, tn_guest *guest) {
  tn_wasi_end(wasi);
  start(wasi, config, guest);
}

static tn_error *reserve_linked(tn_wasi *wasi, uint32_t count) {
  if (wasi->linked_count == count) return NULL;
  tn_free(wasi->linked);
  wasi->linked_count = 0;
  wasi->linked = count > 0 ? tn_calloc(count, sizeof *wasi->linked) : NULL;
  if (count > 0 && wasi->linked == NULL) return tn_error_no_memory();
  wasi->linked_count = count;
  return NULL;
}

tn_error *tn_wasi_link(tn_wasi *wasi, const tn_wasi_config *const *configs, uint32_t count) {
  TN_TRY(reserve_linked(wasi, count));
  for (uint32_t i = 0; i < count; i++) {
    tn_wasi *linked = &wasi->linked[i];
    start(linked, configs[i], wasi->guest);
    linked->first = wasi;
    if (!linked->config->has_seed)
      tn_random_init(&linked->random, wasi->config->has_seed, wasi->config->seed + i + 1);
  }
  return NULL;
}

static void set_user(tn_wasi *wasi, void *user) {
  for (int i = 0; i < 3; i++)
    wasi->stdio[i].user = user;
}

void tn_wasi_set_user(tn_wasi *wasi, void *user) {
  set_user(wasi, user);
  for (uint32_t i = 0; i < wasi->linked_count; i++)
    set_user(&wasi->linked[i], user);
}

tn_wasi *tn_wasi_of_call(tn_call *call) {
  tn_wasi *wasi = tn_wasi_of(tn_call_runtime(call));
  uint32_t rights = tn_call_rights(call);
  return rights == 0 ? wasi : &wasi->linked[rights - 1];
}

static void close_slot(tn_slot_kind kind, void *object) {
  switch (kind) {
  case TN_SLOT_ERROR:
  case TN_SLOT_POLLABLE:
  case TN_SLOT_INPUT_STREAM:
  case TN_SLOT_OUTPUT_STREAM:
    tn_wasi_io_close(kind, object);
    break;
  case TN_SLOT_DESCRIPTOR:
  case TN_SLOT_DIRECTORY_STREAM:
    tn_wasi_filesystem_close(kind, object);
    break;
  case TN_SLOT_NETWORK:
  case TN_SLOT_TCP_SOCKET:
  case TN_SLOT_UDP_SOCKET:
  case TN_SLOT_INCOMING_DATAGRAMS:
  case TN_SLOT_OUTGOING_DATAGRAMS:
  case TN_SLOT_RESOLVE_ADDRESSES:
    tn_wasi_sockets_close(kind, object);
    break;
  default:
    if (kind > TN_SLOT_HTTP) tn_wasi_http_close(kind, object);
    break; /* free, or without an object of its own */
  }
}

/* What each component has of its own. */
static void end_own(tn_wasi *wasi) {
  for (int i = 0; i < 3; i++)
    tn_stdio_close(&wasi->stdio[i], CLOSE_MILLISECONDS);
  tn_free(wasi->resolved.items);
  wasi->resolved = (tn_resolved_names){0};
  tn_inodes_delete(wasi->inodes);
  wasi->inodes = NULL;
}

void tn_wasi_end(tn_wasi *wasi) {
  for (uint32_t i = 1; i < wasi->slot_count; i++)
    close_slot(wasi->slots[i].kind, wasi->slots[i].object);
  wasi->slot_count = 0;
  if (wasi->slot_cap > KEPT_SLOTS) {
    tn_free(wasi->slots);
    wasi->slots = NULL;
    wasi->slot_cap = 0;
  }
  tn_wasi_http_delete(wasi->http);
  wasi->http = NULL;
  if (wasi->preview1 != NULL) tn_preview1_delete(wasi->preview1);
  wasi->preview1 = NULL;
  end_own(wasi);
  for (uint32_t i = 0; i < wasi->linked_count; i++)
    end_own(&wasi->linked[i]);
}

void tn_wasi_delete(tn_wasi *wasi) {
  if (wasi == NULL) return;
  tn_wasi_end(wasi);
  tn_free(wasi->linked);
  tn_free(wasi->slots);
  tn_free(wasi);
}

tn_error *tn_wasi_define(tn_linker *linker) {
  TN_TRY(tn_wasi_io_define(linker));
  TN_TRY(tn_wasi_clocks_define(linker));
  TN_TRY(tn_wasi_random_define(linker));
  TN_TRY(tn_wasi_filesystem_define(linker));
  TN_TRY(tn_wasi_cli_define(linker));
  TN_TRY(tn_wasi_sockets_define(linker));
  TN_TRY(tn_wasi_config_store_define(linker));
  TN_TRY(tn_wasi_http_define(linker));
  return tn_preview1_define(linker);
}

/* ---- slots -------------------------------------------------------------------------------------- */

static tn_error *grow_slots(tn_wasi *wasi) {
  if (wasi->slot_count == MAX_SLOTS) {
    return tn_error_new(TN_ERROR_LIMIT, "the guest holds more than %d host resources", MAX_SLOTS);
  }
  if (wasi->slot_count < wasi->slot_cap) return NULL;
  uint32_t cap = wasi->slot_cap == 0 ? 16 : wasi->slot_cap * 2;
  TN_TRY(tn_kept_take(&wasi->kept,
                      (uint64_t)(cap - wasi->slot_cap) * (sizeof(tn_slot) + OBJECT_SIZE)));
  tn_slot *grown = tn_realloc(wasi->slots, cap * sizeof *grown);
  if (grown == NULL) return tn_error_no_memory();
  wasi->slots = grown;
  wasi->slot_cap = cap;
  if (wasi->slot_count == 0) grown[wasi->slot_count++] = (tn_slot){0};
  return NULL;
}

tn_error *tn_wasi_slot_add(tn_wasi *wasi, tn_slot_kind kind, void *object,
                           uint32_t *representation) {
  wasi = wasi->first;
  TN_TRY(tn_kept_check(&wasi->kept));
  uint32_t index = wasi->free;
  if (index != 0) {
    wasi->free = wasi->slots[index].next;
  } else {
    TN_TRY(grow_slots(wasi));
    index = wasi->slot_count++;
  }
  wasi->slots[index] = (tn_slot){.kind = kind, .object = object};
  *representation = index;
  return NULL;
}

void *tn_wasi_slot_get(tn_wasi *wasi, tn_slot_kind kind, uint32_t representation) {
  wasi = wasi->first;
  assert(representation < wasi->slot_count && wasi->slots[representation].kind == kind);
  (void)kind;
  return wasi->slots[representation].object;
}

void tn_wasi_slot_remove(tn_wasi *wasi, uint32_t representation) {
  wasi = wasi->first;
  assert(representation < wasi->slot_count && wasi->slots[representation].kind != TN_SLOT_FREE);
  wasi->slots[representation] = (tn_slot){.kind = TN_SLOT_FREE, .next = wasi->free};
  wasi->free = representation;
}

tn_kept *tn_wasi_kept(tn_wasi *wasi) {
  return &wasi->first->kept;
}

/* ---- services ----------------------------------------------------------------------------------- */

tn_guest *tn_wasi_guest(tn_wasi *wasi) {
  return wasi->guest;
}

tn_loop *tn_wasi_loop(tn_wasi *wasi) {
  return wasi->guest->loop;
}

static uint64_t system_now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t tn_wasi_monotonic_now(tn_wasi *wasi) {
  const tn_wasi_config *config = wasi->first->config;
  if (config->has_clock) return config->clock.monotonic_now(config->clock.data);
  return system_now(CLOCK_MONOTONIC);
}

uint64_t tn_wasi_wall_now(tn_wasi *wasi) {
  const tn_wasi_config *config = wasi->first->config;
  if (config->has_clock) return config->clock.wall_now(config->clock.data);
  return system_now(CLOCK_REALTIME);
}

uint64_t tn_wasi_real_deadline(tn_wasi *wasi, uint64_t deadline) {
  const tn_wasi_config *config = wasi->first->config;
  if (!config->has_clock) return deadline;
  if (config->clock.monotonic_now(config->clock.data) < deadline)
    config->clock.wait(config->clock.data, deadline);
  return 0;
}

tn_error *tn_wasi_random(tn_wasi *wasi, void *out, size_t size) {
  return tn_random_fill(&wasi->random, out, size);
}

tn_error *tn_wasi_count_output(tn_wasi *wasi, uint64_t size) {
  if (wasi->first != wasi)
    TN_TRY(tn_wasi_count_output(wasi->first, size)); /* whose limit is for all */
  if (size <= wasi->output_left) {
    wasi->output_left -= size;
    return NULL;
  }
  tn_error *error = tn_error_new(TN_ERROR_LIMIT, "the guest wrote more than %llu bytes of output",
                                 (unsigned long long)wasi->config->output_limit);
  uint64_t allowed = wasi->config->output_limit;
  tn_error_set_limit(error, TN_LIMIT_OUTPUT, allowed - wasi->output_left + size, allowed);
  return tn_error_set_hint(error, "raise `output_limit`");
}

bool tn_wasi_may_use_address(tn_wasi *wasi, unsigned operation, const struct sockaddr *address) {
  return tn_network_may_use(&wasi->config->network, &wasi->resolved, operation, address);
}

bool tn_wasi_may_resolve(tn_wasi *wasi, tn_str name) {
  return tn_network_may_resolve(&wasi->config->network, name);
}

void tn_wasi_note_resolved(tn_wasi *wasi, tn_str name, const struct sockaddr *address) {
  tn_network_note_resolved(&wasi->config->network, &wasi->resolved, name, address);
}
