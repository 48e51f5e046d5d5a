/* Runs that always give the same answer: what a guest may not ask for, what stands in for it, recordings of a
 * run, and what a run has used. `tenon exec` is written on this; docs/determinism.md says what is promised.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef TENON_EXEC_H
#define TENON_EXEC_H

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what guests may not call -------------------------------------------------------------------- */

/* Groups of functions of WASI 0.2 and preview 1 whose answers come from outside. */
enum {
  TN_SERVICE_CLOCKS =
      1, /* reading a clock, sleeping; the time zone is always UTC and no part of it */
  TN_SERVICE_RANDOM = 2, /* all random numbers, those for hash tables included */
  TN_SERVICE_FILES =
      4, /* everything with a path; asking which directories are granted is no part of it */
  TN_SERVICE_NETWORK = 8, /* sockets and name lookup */
  TN_SERVICE_HTTP = 16,   /* sending a request */
};
/* What is linked from now on ends with TN_ERROR_DENIED when it calls a function of these services; the message
 * names the function, `hint` (copied; NULL: none) is the error's. What a component only imports does no
 * harm. */
TN_API tn_error *tn_linker_deny(tn_linker *linker, unsigned services, const char *hint);
/* Likewise to one component of a link only, as it was given to tn_linker_add_component before; NULL: to what is linked
 * itself. What takes a handle stays allowed: another component, which may open it, may have lent it.
 * TN_ERROR_ARGUMENT when the component was not added. */
TN_API tn_error *tn_linker_deny_component(tn_linker *linker, const tn_component *component,
                                          unsigned services, const char *hint);

/* ---- what guests see ----------------------------------------------------------------------------- */

enum {
  /* Directories are listed by name; files are numbered 1, 2, 3 … as the guest comes to see them, on device 1;
   * directories have size 0 and one link. */
  TN_DETERMINISTIC_FILES = 1,
  /* Files have no times but those that the guest has set itself. */
  TN_DETERMINISTIC_TIMES = 2,
  TN_DETERMINISTIC_ALL = 3,
};
TN_API tn_error *tn_wasi_config_set_deterministic(tn_wasi_config *config, unsigned what);

/* Standard input is read from the descriptor that `open` gives, which is asked once for each instance, when
 * the guest first reads. It must not wait (a file): the guest sees a pipe in which everything lies already. -1:
 * nothing. What is no file is waited for, which is of use for a guest that was cancelled in the meantime. */
typedef int (*tn_input_func)(void *data);
TN_API tn_error *tn_wasi_config_set_input_callback(tn_wasi_config *config, tn_input_func open,
                                                   void *data);

/* ---- what a run has used ------------------------------------------------------------------------- */

/* Which limit an error is about, with the amounts: bytes, elements, units of fuel, nanoseconds, handles. */
typedef enum tn_limit {
  TN_LIMIT_NONE,
  TN_LIMIT_MEMORY,
  TN_LIMIT_TABLE,
  TN_LIMIT_FUEL,
  TN_LIMIT_TIME,
  TN_LIMIT_OUTPUT,
  TN_LIMIT_HANDLES,
} tn_limit;
/* TN_LIMIT_NONE: it is about none of these, and the amounts are not set. `used` is what it took or would
 * have taken. */
TN_API tn_limit tn_error_get_limit(const tn_error *error, uint64_t *used, uint64_t *allowed);

/* Where in a text that was read (WAVE, JSON) the error is: line and column from 1, the latter in characters.
 * False: it is about no text. */
TN_API bool tn_error_get_place(const tn_error *error, size_t *line, size_t *column);

/* The largest size, in bytes, that a linear memory of the instance has had. Counted only when its options say
 * `count_memory` or have a limit of memory; else 0. */
TN_API uint64_t tn_instance_memory_peak(const tn_instance *instance);

/* SHA-256 as 64 hexadecimal digits and NUL. */
TN_API void tn_sha256(const void *bytes, size_t size, char out[65]);

/* ---- recordings ---------------------------------------------------------------------------------- */

/* Every call of a host function that a run has made, with its results; docs/determinism.md has the file
 * format. One thread at a time. */
typedef struct tn_recording tn_recording;

TN_API tn_error *tn_recording_new(tn_recording **out);
/* Reads one back; the bytes are copied. TN_ERROR_MALFORMED for what is no recording, or damaged. */
TN_API tn_error *tn_recording_from_bytes(const void *bytes, size_t size, tn_recording **out);
TN_API void tn_recording_delete(tn_recording *recording);
/* As bytes, for a file; valid until the recording is changed or deleted. After tn_recording_finish of a
 * TN_RECORD; where that failed .data is NULL. */
TN_API tn_str tn_recording_bytes(const tn_recording *recording);

/* What is to be known of a run besides its calls, by name: set before tn_recording_finish. A name that is not
 * there gives .data == NULL. A recording with the note "interrupted" is of a run that did not come to its own end: in a
 * replay, what the guest calls beyond it ends the guest with TN_ERROR_CANCELLED and is no difference. */
TN_API tn_error *tn_recording_set_note(tn_recording *recording, const char *name, tn_str value);
TN_API tn_str tn_recording_note(const tn_recording *recording, const char *name);
/* Calls recorded. */
TN_API uint64_t tn_recording_call_count(const tn_recording *recording);

/* What an instance does with a recording. */
typedef enum tn_recording_mode {
  TN_RECORD, /* adds each call to a new recording */
  TN_CHECK,  /* makes each call and compares it, and what came of it, with the recording */
  TN_REPLAY, /* makes no call: results come from the recording; what is called is compared */
} tn_recording_mode;

/* What is linked from now on can be recorded (tn_instance_options.recording). Costs a little at each call.
 * After tn_linker_deny, so that denials are recorded too. */
TN_API tn_error *tn_linker_record(tn_linker *linker);
/* Starts at the first call again. Before the instance is made. */
TN_API void tn_recording_rewind(tn_recording *recording, tn_recording_mode mode);
/* Tells the recording what the guest has written to a standard stream: to be called by an output callback. In
 * a replay, where no such callback is ever called, `write` of tn_recording_on_output is. */
TN_API void tn_recording_output(tn_recording *recording, int stream, const uint8_t *bytes,
                                size_t size);
TN_API void tn_recording_on_output(tn_recording *recording, tn_output_func write, void *data);
TN_API tn_recording_mode tn_recording_get_mode(const tn_recording *recording);
/* The run is over, and what its instance still does is not part of it. Before tn_instance_delete. Errors:
 * NO_MEMORY, LIMIT (more than 1 GiB of calls), and for TN_CHECK and TN_REPLAY TN_ERROR_TRAP with the first
 * difference, which calls that were recorded and not made are, too. */
TN_API tn_error *tn_recording_finish(tn_recording *recording);
/* The first difference, as tn_recording_finish gives it; NULL: none (yet). A run that differs ends at that
 * call. */
TN_API const char *tn_recording_difference(const tn_recording *recording);

#ifdef __cplusplus
}
#endif

#endif
