/* A string slice: bytes with a length, not owned, not necessarily ended by NUL. */
#ifndef TN_BASE_STR_H
#define TN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tenon.h"

/* tn_str itself is public, see tenon.h. */

#define TN_STR(literal) ((tn_str){(literal), sizeof(literal) - 1})
/* printf("%" TN_STR_FORMAT, TN_STR_ARG(s)) */
#define TN_STR_FORMAT ".*s"
#define TN_STR_ARG(s) (int)(s).len, (s).data

static inline tn_str tn_str_from(const char *text) {
  return (tn_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool tn_str_equal(tn_str a, tn_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool tn_str_starts_with(tn_str s, tn_str prefix) {
  return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool tn_str_ends_with(tn_str s, tn_str suffix) {
  return s.len >= suffix.len &&
         (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

/* The part from `start` up to `end` (exclusive); both are clamped to the length. */
static inline tn_str tn_str_slice(tn_str s, size_t start, size_t end) {
  if (end > s.len) end = s.len;
  if (start > end) start = end;
  return (tn_str){s.data + start, end - start};
}

/* Index of the first `byte` at or after `from`, or s.len when there is none. */
static inline size_t tn_str_find(tn_str s, char byte, size_t from) {
  if (from >= s.len) return s.len;
  const char *hit = memchr(s.data + from, byte, s.len - from);
  return hit == NULL ? s.len : (size_t)(hit - s.data);
}

#endif
