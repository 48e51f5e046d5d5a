#include "serve/observe/trace.h"

#include <errno.h>
#include <sys/random.h>

#include "base/error.h"

/* version "-" trace-id "-" parent-id "-" flags */
enum {
  TRACE_ID_AT = 3,
  TRACE_ID_SIZE = 32,
  PARENT_ID_AT = TRACE_ID_AT + TRACE_ID_SIZE + 1,
  FLAGS_AT = PARENT_ID_AT + TN_REQUEST_ID_SIZE + 1,
};

/* Of flags, those of this version that are passed on: sampled, and random trace-id. */
enum { KNOWN_FLAGS = 3, SAMPLED_AND_RANDOM = 3 };

tn_error *tn_ids_init(tn_ids *ids) {
  ssize_t count;
  do {
    count = getrandom(&ids->state, sizeof ids->state, 0);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof ids->state) return NULL;
  return tn_error_new(TN_ERROR_IO, "no random numbers for request ids: %s", strerror(errno));
}

/* A counter, scrambled by a bijection (the finalizer of SplitMix64): no id comes twice within 2^64. */
uint64_t tn_ids_next(tn_ids *ids) {
  uint64_t id;
  do {
    id = ids->state += 0x9e3779b97f4a7c15;
    id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9;
    id = (id ^ id >> 27) * 0x94d049bb133111eb;
    id ^= id >> 31;
  } while (id == 0);
  return id;
}

static void put_hex(char *out, uint64_t number) {
  for (int i = TN_REQUEST_ID_SIZE - 1; i >= 0; i--, number >>= 4)
    out[i] = "0123456789abcdef"[number & 15];
}

/* The value of a lower-case digit, or -1: traceparent has no other case. */
static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (hex_value(text[i]) < 0) return false;
  return true;
}

static bool is_zero(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] != '0') return false;
  return true;
}

/* Later versions may be longer, but begin in the same way (section 3.2.2.5 of the recommendation). */
static bool is_valid(tn_str value) {
  const char *text = value.data;
  if (value.len < TN_TRACEPARENT_SIZE || !is_hex(text, 2) || memcmp(text, "ff", 2) == 0)
    return false;
  bool is_version_0 = memcmp(text, "00", 2) == 0;
  if (value.len > TN_TRACEPARENT_SIZE && (is_version_0 || text[TN_TRACEPARENT_SIZE] != '-'))
    return false;
  return text[2] == '-' && text[PARENT_ID_AT - 1] == '-' && text[FLAGS_AT - 1] == '-' &&
         is_hex(text + TRACE_ID_AT, TRACE_ID_SIZE) && !is_zero(text + TRACE_ID_AT, TRACE_ID_SIZE) &&
         is_hex(text + PARENT_ID_AT, TN_REQUEST_ID_SIZE) &&
         !is_zero(text + PARENT_ID_AT, TN_REQUEST_ID_SIZE) && is_hex(text + FLAGS_AT, 2);
}

void tn_trace_begin(tn_trace *trace, tn_ids *ids, tn_str incoming) {
  char *out = trace->traceparent;
  int flags = SAMPLED_AND_RANDOM;
  memcpy(out, "00-", TRACE_ID_AT);
  trace->is_continued = is_valid(incoming);
  if (trace->is_continued) {
    memcpy(out + TRACE_ID_AT, incoming.data + TRACE_ID_AT, TRACE_ID_SIZE);
    flags = hex_value(incoming.data[FLAGS_AT + 1]) & KNOWN_FLAGS;
  } else {
    put_hex(out + TRACE_ID_AT, tn_ids_next(ids));
    put_hex(out + TRACE_ID_AT + TRACE_ID_SIZE / 2, tn_ids_next(ids));
  }
  out[PARENT_ID_AT - 1] = '-';
  put_hex(out + PARENT_ID_AT, tn_ids_next(ids));
  out[FLAGS_AT - 1] = '-';
  out[FLAGS_AT] = '0';
  out[FLAGS_AT + 1] = (char)('0' + flags);
}

tn_str tn_trace_parent(const tn_trace *trace) {
  return (tn_str){trace->traceparent, TN_TRACEPARENT_SIZE};
}

tn_str tn_trace_request_id(const tn_trace *trace) {
  return (tn_str){trace->traceparent + PARENT_ID_AT, TN_REQUEST_ID_SIZE};
}
