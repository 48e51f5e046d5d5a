/* What the thread sanitizer has to be told: that the frames of a fiber are not of the stack it is entered from, and that
 * stacks and guests' memories which were another thread's are this one's now. The engine's pools, which it does not see
 * into, hand them over under their locks. Nothing without that sanitizer. */
#ifndef TN_BASE_SANITIZER_H
#define TN_BASE_SANITIZER_H

#ifdef __SANITIZE_THREAD__

#include <sanitizer/tsan_interface.h>

typedef struct tn_sanitized_fiber {
  void *own;
  void *entered_from;
} tn_sanitized_fiber;

static inline void tn_sanitizer_make(tn_sanitized_fiber *fiber) {
  fiber->own = __tsan_create_fiber(0);
}

/* Until tn_sanitizer_leave the thread runs what is the fiber's. */
static inline void tn_sanitizer_enter(tn_sanitized_fiber *fiber) {
  fiber->entered_from = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber->own, 0);
}

static inline void tn_sanitizer_leave(tn_sanitized_fiber *fiber) {
  __tsan_switch_to_fiber(fiber->entered_from, 0);
}

static inline void tn_sanitizer_free(tn_sanitized_fiber *fiber) {
  __tsan_destroy_fiber(fiber->own);
}

/* What was done before it was given is over for whoever takes it. Any address can stand for what is handed over. */
static inline void tn_sanitizer_take(const void *shared) {
  __tsan_acquire((void *)shared);
}

static inline void tn_sanitizer_give(const void *shared) {
  __tsan_release((void *)shared);
}

#else

typedef struct tn_sanitized_fiber {
  char nothing;
} tn_sanitized_fiber;

#define tn_sanitizer_make(fiber)  ((void)(fiber))
#define tn_sanitizer_enter(fiber) ((void)(fiber))
#define tn_sanitizer_leave(fiber) ((void)(fiber))
#define tn_sanitizer_free(fiber)  ((void)(fiber))
#define tn_sanitizer_take(shared) ((void)(shared))
#define tn_sanitizer_give(shared) ((void)(shared))

#endif

#endif
