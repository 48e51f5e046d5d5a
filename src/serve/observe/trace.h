/* Request ids, and W3C trace context (https://www.w3.org/TR/trace-context/): what came with a request is continued,
 * otherwise a trace begins here. The request's id is its span's id, so that logs and traces meet. */
#ifndef TN_SERVE_OBSERVE_TRACE_H
#define TN_SERVE_OBSERVE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { TN_TRACEPARENT_SIZE = 55, TN_REQUEST_ID_SIZE = 16 };

/* Numbers that do not repeat and cannot be told from those of other workers and processes. One thread. */
typedef struct tn_ids {
  uint64_t state;
} tn_ids;

tn_error *tn_ids_init(tn_ids *ids);
/* Never 0. */
uint64_t tn_ids_next(tn_ids *ids);

/* Invariant: `traceparent` is well-formed, version 00. */
typedef struct tn_trace {
  char traceparent[TN_TRACEPARENT_SIZE];
  bool is_continued; /* of a trace that came with the request: its tracestate counts */
} tn_trace;

/* `incoming` is the value of the request's only traceparent field, or empty. */
void tn_trace_begin(tn_trace *trace, tn_ids *ids, tn_str incoming);
tn_str tn_trace_parent(const tn_trace *trace);
/* The id of the request: 16 hexadecimal digits. */
tn_str tn_trace_request_id(const tn_trace *trace);

#endif
