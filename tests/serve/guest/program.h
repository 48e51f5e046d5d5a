/* What the programs of this folder share: text that is gathered, and streams. */
#ifndef GUEST_PROGRAM_H
#define GUEST_PROGRAM_H

#include "wasi.h"

enum { TEXT_SIZE = 262144 };

/* ---- text -------------------------------------------------------------------------------------------- */

/* Between the program's data and the heap (world.wat). As a variable it would be filled with zeros whenever an instance
 * begins, because the memory is imported and could have anything in it: time and pages that no test means. */
static char *const text = (char *)0x80000;
static uint32_t text_size;

static inline uint32_t length(const char *string) {
  uint32_t size = 0;
  while (string[size] != '\0')
    size++;
  return size;
}

static inline void add(const void *data, uint32_t size) {
  if (size > TEXT_SIZE - text_size) __builtin_trap();
  __builtin_memcpy(text + text_size, data, size);
  text_size += size;
}

static inline void add_string(const char *string) {
  add(string, length(string));
}

static inline void add_bytes(bytes value) {
  add(value.data, value.size);
}

static inline void add_number(uint64_t number) {
  char digits[20];
  uint32_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  add(digits + at, (uint32_t)sizeof digits - at);
}

/* The number at the start of `from`, which is moved behind it and one byte more. */
static inline uint64_t take_number(bytes *from) {
  uint64_t number = 0;
  while (from->size != 0 && *from->data >= '0' && *from->data <= '9') {
    number = number * 10 + (*from->data - '0');
    from->data++, from->size--;
  }
  if (from->size != 0) from->data++, from->size--;
  return number;
}

static inline bool take_prefix(bytes *from, const char *prefix) {
  uint32_t size = length(prefix);
  if (from->size < size || __builtin_memcmp(from->data, prefix, size) != 0) return false;
  from->data += size, from->size -= size;
  return true;
}

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < size; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

/* ---- streams ----------------------------------------------------------------------------------------- */

static inline void wait_for(int pollable) {
  pollable_block(pollable);
  pollable_drop(pollable);
}

static inline void sleep_for(uint64_t milliseconds) {
  wait_for(clock_subscribe_duration(milliseconds * 1000000));
}

static inline bool write_all(int stream, const void *data, uint32_t size) {
  const uint8_t *from = data;
  while (size != 0) {
    count_result room;
    output_stream_check_write(stream, &room);
    if (room.failed) return false;
    if (room.count == 0) {
      wait_for(output_stream_subscribe(stream));
      continue;
    }
    uint32_t part = room.count < size ? (uint32_t)room.count : size;
    write_result written;
    output_stream_write(stream, from, part, &written);
    if (written.failed) return false;
    from += part, size -= part;
  }
  return true;
}

static inline bool flush(int stream) {
  write_result flushed;
  output_stream_blocking_flush(stream, &flushed);
  return !flushed.failed;
}

static inline void print(int stream, const char *line) {
  write_all(stream, line, length(line));
  flush(stream);
  output_stream_drop(stream);
}

#endif
