/* Stacks: how much of the thread's own is left, and others to run on when that is too little. */
#ifndef TN_BASE_STACK_H
#define TN_BASE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sanitizer.h"
#include "tenon.h"

/* The thread's own stack, asked for once in each thread; size 0 until then. The model makes access to it one
 * instruction more in the shared library instead of a call. */
typedef struct tn_stack_bounds {
  uintptr_t start;
  size_t size;
  bool is_known; /* it has been asked for, perhaps in vain */
} tn_stack_bounds;
extern _Thread_local tn_stack_bounds tn_stack_own __attribute__((tls_model("initial-exec")));

/* As the next function, when the first look has not shown that there is enough. */
bool tn_stack_ask_for(size_t size);

/* Whether the caller runs on the thread's own stack and `size` bytes of that are left. False also where that cannot be
 * told: on a fiber, say, or on a stack that the embedder has made for itself. */
static inline bool tn_stack_has(size_t size) {
  size_t left = (uintptr_t)__builtin_frame_address(0) - tn_stack_own.start;
  if (__builtin_expect(left < tn_stack_own.size && left >= size, 1)) return true;
  return tn_stack_ask_for(size);
}

/* Below this address no guest is entered any more: on a fiber, where the engine gives each entrance all of max_stack_bytes
 * anew. 0: anywhere, as the engine bounds them all by the first. It is about the stack that is running, and whoever
 * changes to another sets it and, coming back, sets it back. */
extern _Thread_local uintptr_t tn_stack_limit __attribute__((tls_model("initial-exec")));

static inline bool tn_stack_is_used_up(void) {
  return __builtin_expect((uintptr_t)__builtin_frame_address(0) < tn_stack_limit, 0);
}

/* A stack with a guard below it. Zeroed: none. */
typedef struct tn_stack {
  void *mapping;
  size_t size;
  tn_sanitized_fiber sanitized;
} tn_stack;

/* `size` bytes, of which only those that are used take memory. */
tn_error *tn_stack_make(tn_stack *stack, size_t size);
/* Calls func(argument) on the stack, which nothing else runs on. */
void tn_stack_run(tn_stack *stack, void (*func)(void *argument), void *argument);
void tn_stack_free(tn_stack *stack);

#endif
