/* A recording: the notes, and the events of a run in their order. The file format; numbers are LEB128 (bytes.h),
 * "bytes" are a number and as many bytes:
 *
 *   "tenonrec", version (4 bytes, little endian; 1)
 *   notes     their count, then for each its name and its value (bytes); "interrupted": the run did not come to its
 *             own end, and what is called beyond the last event is no difference
 *   events    as bytes:
 *     0 name     bytes: the name of a function or resource; counted from 0, and called by that from here on
 *     1 call     of a component function: name, parameters (value_code.h, as bytes), outcome:
 *                  0, whether memory was reserved (0, or 1 and how much), the result (as bytes), or
 *                  1 and an error
 *     2 core     of a core function: name, parameters and what they point to (preview1.h, as bytes), outcome:
 *                  0, the result (a number), the ranges of memory that were written (their count, and address
 *                  and bytes of each), or
 *                  1 and an error
 *     3 drop     of a host resource's handle: name, representation
 *     4 output   stream (1 or 2), bytes
 *   the SHA-256 of everything before it, 32 bytes
 *
 * An error: kind, exit code, message (bytes), hint (bytes that begin with a 0; none: no bytes). */
#ifndef TN_RECORD_RECORDING_H
#define TN_RECORD_RECORDING_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/map.h"
#include "base/vec.h"
#include "record/bytes.h"
#include "tenon/exec.h"

enum { TN_RECORDING_VERSION = 1 };

typedef enum tn_event_kind {
  TN_EVENT_NAME,
  TN_EVENT_CALL,
  TN_EVENT_CORE,
  TN_EVENT_DROP,
  TN_EVENT_OUTPUT,
} tn_event_kind;

/* What stands before the name of what was called, in messages. */
static inline const char *tn_event_prefix(tn_event_kind kind) {
  return kind == TN_EVENT_DROP ? "the drop of " : "";
}

typedef struct tn_recording_note {
  tn_str name;
  tn_str value;
} tn_recording_note_entry;

/* One event, as slices of the recording's bytes. */
typedef struct tn_event {
  tn_event_kind kind;
  tn_str name;
  tn_str params;
  bool is_error;
  bool has_reserved;
  uint64_t reserved;
  tn_str result;  /* of a call; the ranges of a core function */
  uint64_t value; /* of a core function; the representation of a drop; the stream of output */
  uint64_t range_count;
  tn_str bytes; /* of output */
  /* the error */
  tn_error_kind error_kind;
  int exit_code;
  tn_str message;
  tn_str hint; /* data NULL: none */
} tn_event;

/* Invariants: events are whole and name only names before them; `at` is the start of an event. A recording
 * that is being made has `name_numbers`; one that is compared with does not use it. */
struct tn_recording {
  tn_recording_mode mode;
  tn_arena arena; /* notes and names */
  TN_VEC(tn_recording_note_entry) notes;
  tn_buffer events;
  TN_VEC(tn_str) names;
  tn_map name_numbers; /* name -> number + 1 */
  size_t at;
  uint64_t call_count;  /* that are recorded */
  uint64_t call_number; /* of the last one made, from 1 */
  bool is_finished;
  bool is_lost; /* no memory, or too much */
  char *difference;
  tn_output_func write;
  void *write_data;
  tn_buffer file; /* made when finished */
};

/* Reads the event at *at and moves behind it. False: there is no whole one. */
bool tn_event_read(const tn_recording *recording, size_t *at, tn_event *out);
/* The number of a name, noted as an event when it is new; false: no memory, and the recording is lost. */
bool tn_recording_name(tn_recording *recording, tn_str name, uint64_t *number);
/* After an event was added: TN_ERROR_LIMIT or NO_MEMORY when the recording is lost. */
tn_error *tn_recording_added(tn_recording *recording);
/* Sets the first difference, and gives the error that ends the guest. */
tn_error *tn_recording_differs(tn_recording *recording, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tn_event_put_error(tn_buffer *out, const tn_error *error);
tn_error *tn_event_make_error(const tn_event *event);

#endif
