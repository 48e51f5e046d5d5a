/* Fibers of a loop. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/sanitizer.h"
#include "loop/parts.h"

/* What goes with a fiber: it is the fiber's argument. */
struct tn_spawned {
  tn_guest *guest;
  tn_fiber *fiber;
  tn_fiber_func func;
  void (*done)(void *argument, tn_error *error);
  void *argument;
  tn_wait yielded; /* linked in the ready queue after tn_loop_yield */
  tn_spawned *next_free;
  tn_sanitized_fiber sanitized;
};

static void spawned_run(void *argument) {
  tn_spawned *spawned = argument;
  const void *frame = __builtin_frame_address(0); /* the same for all fibers that get this stack */
  tn_sanitizer_take(frame);
  spawned->func(spawned->argument);
  tn_sanitizer_give(frame);
}

static tn_spawned *spawned_take(tn_loop *loop) {
  tn_spawned *spawned = loop->free_spawned;
  if (spawned == NULL) return tn_malloc(sizeof *spawned);
  loop->free_spawned = spawned->next_free;
  return spawned;
}

static void spawned_give_back(tn_loop *loop, tn_spawned *spawned) {
  spawned->next_free = loop->free_spawned;
  loop->free_spawned = spawned;
}

void tn_spawned_free(tn_spawned *list) {
  for (tn_spawned *next; list != NULL; list = next) {
    next = list->next_free;
    tn_free(list);
  }
}

void tn_spawned_resume(tn_fiber *fiber) {
  tn_spawned *spawned = tn_fiber_argument(fiber);
  uint64_t begin = tn_loop_now();
  tn_sanitizer_enter(&spawned->sanitized);
  bool is_over = tn_fiber_resume(fiber);
  tn_sanitizer_leave(&spawned->sanitized);
  spawned->guest->ran += tn_loop_now() - begin;
  if (!is_over) return;
  tn_sanitizer_free(&spawned->sanitized);
  tn_error *error = tn_fiber_take_error(fiber);
  tn_fiber_delete(fiber);
  tn_spawned over = *spawned;
  spawned_give_back(over.guest->loop, spawned);
  over.done(over.argument, error); /* may free the guest and the store */
}

bool tn_loop_yield(tn_core_context *context) {
  tn_fiber *fiber = tn_fiber_current(context);
  if (fiber == NULL || tn_fiber_is_cancelled(fiber)) return false;
  tn_spawned *spawned = tn_fiber_argument(fiber);
  spawned->yielded = (tn_wait){.guest = spawned->guest, .fiber = fiber, .is_ready = true};
  tn_wait_enqueue(&spawned->yielded);
  return true;
}

tn_error *tn_loop_spawn(tn_guest *guest, tn_store *store, tn_fiber_func func,
                        void (*done)(void *argument, tn_error *error), void *argument) {
  tn_spawned *spawned = spawned_take(guest->loop);
  if (spawned == NULL) return tn_error_no_memory();
  *spawned = (tn_spawned){.guest = guest, .func = func, .done = done, .argument = argument};
  tn_error *error = tn_fiber_new(store, spawned_run, spawned, &spawned->fiber);
  if (error != NULL) {
    spawned_give_back(guest->loop, spawned);
    return error;
  }
  tn_sanitizer_make(&spawned->sanitized);
  tn_spawned_resume(spawned->fiber);
  return NULL;
}

/* ---- run to the end ----------------------------------------------------------------------------------- */

typedef struct fiber_run {
  tn_fiber_func func;
  void *argument;
  tn_error *error;
  bool is_over;
} fiber_run;

static void run(void *argument) {
  fiber_run *self = argument;
  self->func(self->argument);
}

static void run_is_over(void *argument, tn_error *error) {
  fiber_run *self = argument;
  self->error = error;
  self->is_over = true;
}

/* When the loop cannot turn any more, the guest is cancelled: its fiber, which is suspended with frames of ours,
 * ends by its own waits' failing. */
tn_error *tn_loop_run_fiber(tn_guest *guest, tn_store *store, tn_fiber_func func, void *argument) {
  fiber_run self = {.func = func, .argument = argument};
  TN_TRY(tn_loop_spawn(guest, store, run, run_is_over, &self));
  tn_error *error = NULL;
  while (!self.is_over) {
    tn_error *failure = tn_loop_turn(guest->loop, &self.is_over);
    if (failure == NULL) continue;
    if (error == NULL) {
      error = failure;
    } else {
      tn_error_delete(failure);
    }
    tn_guest_cancel(guest);
  }
  if (error == NULL) return self.error;
  tn_error_delete(self.error);
  return error;
}
