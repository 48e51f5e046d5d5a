/* wasi:io/poll, and the waiting beneath it that preview 1 uses as well. */
#include <errno.h>
#include <poll.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/io/tables.h"

/* ---- armed sources ------------------------------------------------------------------------------ */

static void stop_timer(void *source) {
  tn_timer_stop(source);
}

static void stop_readiness(void *source) {
  tn_readiness_stop(source);
}

tn_error *tn_armed_timer(tn_armed *armed, tn_wait *wait, uint64_t deadline) {
  tn_timer *timer;
  TN_TRY(tn_timer_start(wait, deadline, &timer));
  *armed = (tn_armed){stop_timer, timer};
  return NULL;
}

tn_error *tn_armed_descriptor(tn_armed *armed, tn_wait *wait, int descriptor, int events) {
  tn_readiness *readiness;
  TN_TRY(tn_readiness_start(wait, descriptor, events, &readiness));
  *armed = (tn_armed){stop_readiness, readiness};
  return NULL;
}

void tn_armed_stop(tn_armed *armed) {
  if (armed->stop != NULL) armed->stop(armed->source);
  *armed = (tn_armed){NULL, NULL};
}

bool tn_descriptor_is_ready(int descriptor, int events) {
  short wanted =
      (short)((events & TN_READABLE ? POLLIN : 0) | (events & TN_WRITABLE ? POLLOUT : 0));
  struct pollfd polled = {descriptor, wanted, 0};
  return poll(&polled, 1, 0) != 0;
}

/* ---- pollables ---------------------------------------------------------------------------------- */

tn_error *tn_pollable_add(tn_wasi *wasi, tn_pollable pollable, uint32_t *representation) {
  tn_pollable *object = tn_malloc(sizeof *object);
  tn_error *error = object == NULL
                        ? tn_error_no_memory()
                        : tn_wasi_slot_add(wasi, TN_SLOT_POLLABLE, object, representation);
  if (error != NULL) {
    if (pollable.class != NULL && pollable.class->release != NULL)
      pollable.class->release(pollable.object);
    tn_free(object);
    return error;
  }
  *object = pollable;
  return NULL;
}

static void pollable_delete(tn_pollable *pollable) {
  if (pollable->class != NULL && pollable->class->release != NULL)
    pollable->class->release(pollable->object);
  tn_free(pollable);
}

bool tn_pollable_is_ready(tn_wasi *wasi, const tn_pollable *pollable) {
  if (pollable->class == NULL) return pollable->deadline <= tn_wasi_monotonic_now(wasi);
  return pollable->class->is_ready(pollable->object);
}

static bool any_is_ready(tn_wasi *wasi, const tn_pollable *const *pollables, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (tn_pollable_is_ready(wasi, pollables[i])) return true;
  }
  return false;
}

/* A list of timers needs one timer only, the earliest: also because a clock that belongs to the guest is moved
 * by waiting for it, and must not be moved further than to that. */
static tn_error *arm_earliest(tn_wasi *wasi, tn_wait *wait, const tn_pollable *const *pollables,
                              size_t count, tn_armed *armed) {
  uint64_t earliest = UINT64_MAX;
  for (size_t i = 0; i < count; i++) {
    if (pollables[i]->class == NULL && pollables[i]->deadline < earliest)
      earliest = pollables[i]->deadline;
  }
  if (earliest == UINT64_MAX) return NULL;
  uint64_t deadline = tn_wasi_real_deadline(wasi, earliest);
  if (deadline > 0) return tn_armed_timer(armed, wait, deadline);
  tn_wait_wake(wait);
  return NULL;
}

/* Arms everything (armed[count] is the timer), waits once, and disarms. */
static tn_error *wait_once(tn_wasi *wasi, tn_core_context *context,
                           const tn_pollable *const *pollables, size_t count, tn_armed *armed) {
  tn_wait wait;
  tn_wait_init(&wait, tn_wasi_guest(wasi), context);
  tn_error *error = NULL;
  for (size_t i = 0; i < count && error == NULL; i++) {
    const tn_pollable *pollable = pollables[i];
    if (pollable->class != NULL) error = pollable->class->arm(pollable->object, &wait, &armed[i]);
  }
  if (error == NULL) error = arm_earliest(wasi, &wait, pollables, count, &armed[count]);
  if (error == NULL) error = tn_loop_wait(&wait, context);
  for (size_t i = 0; i <= count; i++)
    tn_armed_stop(&armed[i]);
  return error;
}

static tn_error *wait_until_ready(tn_wasi *wasi, tn_core_context *context,
                                  const tn_pollable *const *pollables, size_t count,
                                  tn_armed *armed) {
  tn_error *error;
  do {
    error = wait_once(wasi, context, pollables, count, armed);
  } while (error == NULL && !any_is_ready(wasi, pollables, count));
  return error;
}

/* The sources behind what is armed are counted with it. */
enum { SMALL = 16, SOURCE_SIZE = 96 };

tn_error *tn_pollables_wait(tn_wasi *wasi, tn_core_context *context,
                            const tn_pollable *const *pollables, size_t count) {
  if (any_is_ready(wasi, pollables, count)) return NULL;
  if (count < SMALL) {
    tn_armed small[SMALL] = {0};
    return wait_until_ready(wasi, context, pollables, count, small);
  }
  tn_kept *kept = tn_wasi_kept(wasi);
  uint64_t size = (count + 1) * (sizeof(tn_armed) + SOURCE_SIZE);
  TN_TRY(tn_kept_take(kept, size));
  tn_armed *armed = tn_calloc(count + 1, sizeof *armed);
  tn_error *error = armed == NULL ? tn_error_no_memory()
                                  : wait_until_ready(wasi, context, pollables, count, armed);
  tn_free(armed);
  tn_kept_remove(kept, size);
  return error;
}

/* ---- the interface ------------------------------------------------------------------------------ */

static tn_pollable *pollable_of(tn_wasi *wasi, uint32_t representation) {
  return tn_wasi_slot_get(wasi, TN_SLOT_POLLABLE, representation);
}

static void drop_pollable(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_pollable *pollable = pollable_of(wasi, representation);
  tn_wasi_slot_remove(wasi, representation);
  pollable_delete(pollable);
}

static tn_error *pollable_ready(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  *(uint8_t *)result = tn_pollable_is_ready(wasi, pollable_of(wasi, *(const uint32_t *)params));
  return NULL;
}

static tn_error *pollable_block(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  (void)result;
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  const tn_pollable *pollable = pollable_of(wasi, *(const uint32_t *)params);
  return tn_pollables_wait(wasi, runtime->context, &pollable, 1);
}

typedef struct u32_list {
  uint32_t *data;
  size_t len;
} u32_list;

/* The indices of those that are ready, in order; an entry for each position, however often a pollable is in
 * the list. */
static void collect_ready(tn_wasi *wasi, const tn_pollable *const *pollables, size_t count,
                          u32_list *out) {
  out->len = 0;
  for (size_t i = 0; i < count; i++) {
    if (tn_pollable_is_ready(wasi, pollables[i])) out->data[out->len++] = (uint32_t)i;
  }
}

static tn_error *poll_list(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const u32_list *in = params;
  u32_list *out = result;
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  if (in->len == 0)
    return tn_error_new(TN_ERROR_TRAP, "wasi:io/poll#poll: the list of pollables is empty");
  if (in->len > UINT32_MAX)
    return tn_error_new(TN_ERROR_TRAP, "wasi:io/poll#poll: too many pollables");

  const tn_pollable **pollables =
      tn_call_alloc(call, in->len * sizeof *pollables, _Alignof(void *));
  out->data = tn_call_alloc(call, in->len * sizeof *out->data, _Alignof(uint32_t));
  if (pollables == NULL || out->data == NULL) return tn_error_no_memory();
  TN_TRY(tn_kept_check(tn_wasi_kept(wasi))); /* before they are touched, which is when they cost */
  for (size_t i = 0; i < in->len; i++)
    pollables[i] = pollable_of(wasi, in->data[i]);
  size_t count = in->len; /* `in` may lie in the guest's memory: not after suspending */
  collect_ready(wasi, pollables, count, out);
  while (out->len == 0) {
    TN_TRY(tn_pollables_wait(wasi, runtime->context, pollables, count));
    collect_ready(wasi, pollables, count, out);
  }
  return NULL;
}

static const tn_host_resource_definition poll_resources[] = {{"pollable", drop_pollable}};

static const tn_host_func_definition poll_funcs[] = {
    {"[method]pollable.ready", "func(self: borrow<pollable>) -> bool", pollable_ready},
    {"[method]pollable.block", "func(self: borrow<pollable>)", pollable_block},
    {"poll", "func(in: list<borrow<pollable>>) -> list<u32>", poll_list},
};

const tn_host_interface tn_io_poll_interface = {
    .name = "wasi:io/poll@0.2.12",
    .types = "resource pollable;",
    .resources = poll_resources,
    .resource_count = 1,
    .funcs = poll_funcs,
    .func_count = 3,
};

/* ---- all of wasi:io ------------------------------------------------------------------------------ */

tn_error *tn_wasi_io_define(tn_linker *linker) {
  TN_TRY(tn_linker_define_interface(linker, &tn_io_error_interface, NULL));
  TN_TRY(tn_linker_define_interface(linker, &tn_io_poll_interface, NULL));
  return tn_linker_define_interface(linker, &tn_io_streams_interface, NULL);
}

void tn_wasi_io_close(tn_slot_kind kind, void *object) {
  if (kind == TN_SLOT_ERROR) tn_free(object);
  if (kind == TN_SLOT_POLLABLE) pollable_delete(object);
  if (kind == TN_SLOT_INPUT_STREAM) tn_input_stream_release(object);
  if (kind == TN_SLOT_OUTPUT_STREAM) tn_output_stream_release(object);
}
