#include "wasi/clocks/clocks.h"

#include <assert.h>
#include <time.h>

#include "base/error.h"
#include "wasi/io/io.h"
#include "wasi/state.h"

enum { NANOSECONDS = 1000000000 };

static_assert(sizeof(tn_datetime) == 16, "native form of record datetime");

tn_datetime tn_datetime_from_nanoseconds(uint64_t nanoseconds) {
  return (tn_datetime){nanoseconds / NANOSECONDS, (uint32_t)(nanoseconds % NANOSECONDS)};
}

uint64_t tn_wasi_clock_resolution(tn_wasi *wasi) {
  if (wasi->first->config->has_clock) return wasi->first->config->clock.resolution;
  struct timespec resolution;
  clock_getres(CLOCK_MONOTONIC, &resolution);
  return (uint64_t)resolution.tv_sec * NANOSECONDS + (uint64_t)resolution.tv_nsec;
}

static tn_wasi *wasi_of(tn_call *call) {
  return tn_wasi_of_call(call);
}

/* ---- monotonic-clock ---------------------------------------------------------------------------- */

static tn_error *monotonic_now(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  *(uint64_t *)result = tn_wasi_monotonic_now(wasi_of(call));
  return NULL;
}

static tn_error *monotonic_resolution(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  *(uint64_t *)result = tn_wasi_clock_resolution(wasi_of(call));
  return NULL;
}

static tn_error *subscribe_instant(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  return tn_pollable_add(wasi_of(call), tn_pollable_for_timer(*(const uint64_t *)params), result);
}

static tn_error *subscribe_duration(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = wasi_of(call);
  uint64_t deadline;
  if (__builtin_add_overflow(tn_wasi_monotonic_now(wasi), *(const uint64_t *)params, &deadline)) {
    deadline = UINT64_MAX;
  }
  return tn_pollable_add(wasi, tn_pollable_for_timer(deadline), result);
}

static const tn_host_func_definition monotonic_funcs[] = {
    {"now", "func() -> instant", monotonic_now},
    {"resolution", "func() -> duration", monotonic_resolution},
    {"subscribe-instant", "func(when: instant) -> pollable", subscribe_instant},
    {"subscribe-duration", "func(when: duration) -> pollable", subscribe_duration},
};

const tn_host_interface tn_monotonic_clock_interface = {
    .name = "wasi:clocks/monotonic-clock@0.2.12",
    .types = "use wasi:io/poll@0.2.12.{pollable}; type instant = u64; type duration = u64;",
    .funcs = monotonic_funcs,
    .func_count = sizeof monotonic_funcs / sizeof *monotonic_funcs,
};

/* ---- wall-clock --------------------------------------------------------------------------------- */

static tn_error *wall_now(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  *(tn_datetime *)result = tn_datetime_from_nanoseconds(tn_wasi_wall_now(wasi_of(call)));
  return NULL;
}

static tn_error *wall_resolution(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  *(tn_datetime *)result = tn_datetime_from_nanoseconds(tn_wasi_clock_resolution(wasi_of(call)));
  return NULL;
}

static const tn_host_func_definition wall_funcs[] = {
    {"now", "func() -> datetime", wall_now},
    {"resolution", "func() -> datetime", wall_resolution},
};

const tn_host_interface tn_wall_clock_interface = {
    .name = "wasi:clocks/wall-clock@0.2.12",
    .types = "record datetime { seconds: u64, nanoseconds: u32 }",
    .funcs = wall_funcs,
    .func_count = sizeof wall_funcs / sizeof *wall_funcs,
};

/* ---- timezone ----------------------------------------------------------------------------------- */

/* record timezone-display, native form. */
typedef struct timezone_display {
  int32_t utc_offset;
  tn_str name;
  uint8_t in_daylight_saving_time;
} timezone_display;
static_assert(sizeof(timezone_display) == 32, "native form of record timezone-display");

/* Where the host is would be telling: a guest's time zone is UTC. */
static tn_error *timezone_show(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(timezone_display *)result = (timezone_display){.name = TN_STR("UTC")};
  return NULL;
}

static tn_error *timezone_utc_offset(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(int32_t *)result = 0;
  return NULL;
}

static const tn_host_func_definition timezone_funcs[] = {
    {"display", "func(when: datetime) -> timezone-display", timezone_show},
    {"utc-offset", "func(when: datetime) -> s32", timezone_utc_offset},
};

const tn_host_interface tn_timezone_interface = {
    .name = "wasi:clocks/timezone@0.2.12",
    .types =
        "use wasi:clocks/wall-clock@0.2.12.{datetime};"
        "record timezone-display { utc-offset: s32, name: string, in-daylight-saving-time: bool }",
    .funcs = timezone_funcs,
    .func_count = sizeof timezone_funcs / sizeof *timezone_funcs,
};

tn_error *tn_wasi_clocks_define(tn_linker *linker) {
  TN_TRY(tn_linker_define_interface(linker, &tn_monotonic_clock_interface, NULL));
  TN_TRY(tn_linker_define_interface(linker, &tn_wall_clock_interface, NULL));
  return tn_linker_define_interface(linker, &tn_timezone_interface, NULL);
}
