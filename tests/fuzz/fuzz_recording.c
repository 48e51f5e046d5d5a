/* Reads arbitrary bytes as a recording, both as they are and with a frame around them whose hash fits, which
 * no fuzzer would guess; then goes through its events and takes their results for values of a type, which
 * the first byte chooses. */
#include <sodium.h>

#include "fuzz_types.h"
#include "record/recording.h"
#include "record/value_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A value that was read can be written and read again. */
static void read_value(const tn_type *type, tn_arena *arena, tn_str bytes) {
  uint8_t room[16] = {0};
  tn_reserved reserved = {room, sizeof room};
  tn_error *error;
  void *value = tn_value_new(arena, type);
  if (value == NULL) abort();
  if (!tn_value_decode(arena, type, &bytes, value, &reserved, &error)) {
    tn_error_delete(error);
    return;
  }
  tn_buffer again = {0};
  tn_value_encode(&again, type, value, &reserved);
  tn_str rest = tn_buffer_str(&again);
  void *same = tn_value_new(arena, type);
  if (same == NULL || !tn_value_decode(arena, type, &rest, same, &reserved, &error) || rest.len > 0)
    abort();
  if (!tn_value_equal(type, value, same)) abort();
  tn_buffer_free(&again);
}

static void read_recording(tn_str bytes, const tn_type *type, tn_arena *arena) {
  tn_recording *recording;
  tn_error *error = tn_recording_from_bytes(bytes.data, bytes.len, &recording);
  if (error != NULL) {
    tn_error_delete(error);
    return;
  }
  tn_event event;
  size_t at = 0;
  uint64_t calls = 0;
  while (tn_event_read(recording, &at, &event)) {
    calls += event.kind == TN_EVENT_CALL || event.kind == TN_EVENT_CORE;
    if (event.is_error) tn_error_delete(tn_event_make_error(&event));
    if (event.kind == TN_EVENT_CALL) read_value(type, arena, event.result);
  }
  if (calls != tn_recording_call_count(recording)) abort();
  tn_recording_rewind(recording, TN_REPLAY);
  tn_error_delete(tn_recording_finish(recording));
  tn_recording_delete(recording);
}

static void read_framed(tn_str contents, const tn_type *type, tn_arena *arena) {
  tn_buffer file = {0};
  unsigned char hash[crypto_hash_sha256_BYTES];
  tn_buffer_append(&file, "tenonrec\1\0\0\0", 12);
  tn_buffer_append(&file, contents.data, contents.len);
  crypto_hash_sha256(hash, (const unsigned char *)file.data, file.len);
  tn_buffer_append(&file, hash, sizeof hash);
  if (file.failed) abort();
  read_recording(tn_buffer_str(&file), type, arena);
  tn_buffer_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  tn_arena arena = {0};
  const tn_type *type = fuzz_choose_type(&arena, data[0]);
  tn_str rest = {(const char *)data + 1, size - 1};
  read_recording(rest, type, &arena);
  read_framed(rest, type, &arena);
  tn_arena_free(&arena);
  return 0;
}
