/* Making errors. A function that can fail returns `tn_error *`: NULL for success, else an error that the
 * caller owns: hand it on, perhaps with tn_error_wrap, or end it with tn_error_delete (tenon.h). */
#ifndef TN_BASE_ERROR_H
#define TN_BASE_ERROR_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/str.h"
#include "tenon.h"
#include "tenon/exec.h"

/* Never NULL: when there is no memory for it, the one static out-of-memory error. */
tn_error *tn_error_new(tn_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
tn_error *tn_error_vnew(tn_error_kind kind, const char *format, va_list arguments)
    __attribute__((returns_nonnull));
tn_error *tn_error_no_memory(void) __attribute__((returns_nonnull));
/* Puts what was being done in front of the message: "<formatted>: <message>". Takes and returns
 * ownership of `error`; NULL stays NULL, so it can stand in a return. */
tn_error *tn_error_wrap(tn_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets the advice line ("what would help"). Replaces an earlier one. Returns `error`. */
tn_error *tn_error_set_hint(tn_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The guest's exit code, for kind TN_ERROR_EXIT. */
void tn_error_set_exit_code(tn_error *error, int code);
/* Which limit it is about and by how much; see tn_error_get_limit. Returns `error`. */
tn_error *tn_error_set_limit(tn_error *error, tn_limit limit, uint64_t used, uint64_t allowed);
/* Where it is in the text that was read; see tn_error_get_place. Returns `error`. */
tn_error *tn_error_set_place(tn_error *error, size_t line, size_t column);
/* Appends a frame, innermost first; strings are copied. Dropped silently when out of memory. */
void tn_error_add_frame(tn_error *error, const tn_frame *frame);

/* Says that there may be frames further out than the last one. */
void tn_error_cut_backtrace(tn_error *error);

/* What is known about a frame beyond what the frame says. A string without data says nothing. */
typedef struct tn_frame_place {
  tn_str component;
  tn_str module;    /* for a module without a name */
  tn_str function;  /* for a function without a name */
  bool is_internal; /* code of Tenon's own: the frame is left out */
} tn_frame_place;

/* Fills in `out`, which is zeroed; strings may lie in `scratch`. */
typedef void (*tn_frame_locator)(const void *data, const tn_frame *frame, tn_arena *scratch,
                                 tn_frame_place *out);

/* Completes the frames, once in an error's life: one that has gone through several instances was located by the first
 * of them, whose frames these are. Returns `error`, which may be NULL. */
tn_error *tn_error_locate_frames(tn_error *error, tn_frame_locator locate, const void *data);

/* Returns from the calling function when `expression` is an error. */
#define TN_TRY(expression)                                                                         \
  do {                                                                                             \
    tn_error *tn_try_error = (expression);                                                         \
    if (tn_try_error != NULL) return tn_try_error;                                                 \
  } while (0)

#endif
