#include "record/recording.h"

#include <stdarg.h>

#include <sodium.h>

#include "base/alloc.h"
#include "base/error.h"
#include "record/difference.h"

static const char magic[8] = "tenonrec";
enum {
  VERSION_SIZE = 4,
  HASH_SIZE = crypto_hash_sha256_BYTES,
  MAX_EVENTS_SIZE = 1 << 30,
  MAX_NOTES = 1000,
  MAX_NAMES = 100000
};

void tn_sha256(const void *bytes, size_t size, char out[65]) {
  unsigned char hash[HASH_SIZE];
  crypto_hash_sha256(hash, bytes, size);
  sodium_bin2hex(out, 65, hash, sizeof hash);
}

/* ---- making and ending ---------------------------------------------------------------------------- */

tn_error *tn_recording_new(tn_recording **out) {
  tn_recording *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  *out = made;
  return NULL;
}

void tn_recording_delete(tn_recording *recording) {
  if (recording == NULL) return;
  tn_arena_free(&recording->arena);
  tn_buffer_free(&recording->events);
  tn_buffer_free(&recording->file);
  tn_free(recording->difference);
  tn_free(recording);
}

void tn_recording_rewind(tn_recording *recording, tn_recording_mode mode) {
  tn_free(recording->difference);
  recording->difference = NULL;
  recording->mode = mode;
  recording->at = 0;
  recording->call_number = 0;
  recording->is_finished = false;
}

tn_recording_mode tn_recording_get_mode(const tn_recording *recording) {
  return recording->mode;
}

uint64_t tn_recording_call_count(const tn_recording *recording) {
  return recording->call_count;
}

/* ---- notes ---------------------------------------------------------------------------------------- */

static tn_recording_note_entry *find_note(const tn_recording *recording, tn_str name) {
  for (uint32_t i = 0; i < recording->notes.len; i++)
    if (tn_str_equal(recording->notes.items[i].name, name)) return &recording->notes.items[i];
  return NULL;
}

static tn_error *put_note(tn_recording *recording, tn_str name, tn_str value) {
  tn_str kept = tn_arena_copy(&recording->arena, value);
  tn_str kept_name = tn_arena_copy(&recording->arena, name);
  if (kept.data == NULL || kept_name.data == NULL) return tn_error_no_memory();
  tn_recording_note_entry *note = find_note(recording, name);
  if (note == NULL) note = TN_VEC_PUSH(&recording->arena, &recording->notes);
  if (note == NULL) return tn_error_no_memory();
  *note = (tn_recording_note_entry){kept_name, kept};
  return NULL;
}

tn_error *tn_recording_set_note(tn_recording *recording, const char *name, tn_str value) {
  return put_note(recording, tn_str_from(name), value);
}

tn_str tn_recording_note(const tn_recording *recording, const char *name) {
  const tn_recording_note_entry *note = find_note(recording, tn_str_from(name));
  return note == NULL ? (tn_str){NULL, 0} : note->value;
}

/* ---- events --------------------------------------------------------------------------------------- */

static bool read_name(const tn_recording *recording, tn_str *rest, tn_str *out) {
  uint64_t number;
  if (!tn_take_number(rest, &number) || number >= recording->names.len) return false;
  *out = recording->names.items[number];
  return true;
}

static bool read_error(tn_str *rest, tn_event *out) {
  uint64_t kind, exit_code;
  tn_str hint;
  if (!tn_take_number(rest, &kind) || !tn_take_number(rest, &exit_code)) return false;
  if (!tn_take_bytes(rest, &out->message) || !tn_take_bytes(rest, &hint)) return false;
  if (kind == TN_ERROR_NONE || kind > TN_ERROR_HOST || exit_code > 255) return false;
  out->error_kind = (tn_error_kind)kind;
  out->exit_code = (int)exit_code;
  out->hint = hint.len == 0 ? (tn_str){NULL, 0} : tn_str_slice(hint, 1, hint.len);
  return true;
}

static bool read_reserved(tn_str *rest, tn_event *out) {
  uint8_t has_reserved;
  if (!tn_take_byte(rest, &has_reserved) || has_reserved > 1) return false;
  out->has_reserved = has_reserved == 1;
  return !out->has_reserved || tn_take_number(rest, &out->reserved);
}

static bool read_ranges(tn_str *rest, tn_event *out) {
  if (!tn_take_number(rest, &out->value) || !tn_take_number(rest, &out->range_count)) return false;
  tn_str start = *rest;
  for (uint64_t i = 0; i < out->range_count; i++) {
    uint64_t address;
    tn_str bytes;
    if (!tn_take_number(rest, &address) || !tn_take_bytes(rest, &bytes)) return false;
  }
  out->result = tn_str_slice(start, 0, start.len - rest->len);
  return true;
}

static bool read_call(const tn_recording *recording, tn_str *rest, tn_event *out) {
  uint8_t is_error;
  if (!read_name(recording, rest, &out->name) || !tn_take_bytes(rest, &out->params)) return false;
  if (!tn_take_byte(rest, &is_error) || is_error > 1) return false;
  out->is_error = is_error == 1;
  if (out->is_error) return read_error(rest, out);
  if (out->kind == TN_EVENT_CORE) return read_ranges(rest, out);
  return read_reserved(rest, out) && tn_take_bytes(rest, &out->result);
}

static bool read_output(tn_str *rest, tn_event *out) {
  return tn_take_number(rest, &out->value) && (out->value == 1 || out->value == 2) &&
         tn_take_bytes(rest, &out->bytes);
}

static bool read_event(const tn_recording *recording, tn_str *rest, tn_event *out) {
  uint8_t kind;
  *out = (tn_event){0};
  if (!tn_take_byte(rest, &kind)) return false;
  out->kind = (tn_event_kind)kind;
  switch (out->kind) {
  case TN_EVENT_NAME:
    return tn_take_bytes(rest, &out->name);
  case TN_EVENT_CALL:
  case TN_EVENT_CORE:
    return read_call(recording, rest, out);
  case TN_EVENT_DROP:
    return read_name(recording, rest, &out->name) && tn_take_number(rest, &out->value);
  case TN_EVENT_OUTPUT:
    return read_output(rest, out);
  }
  return false;
}

bool tn_event_read(const tn_recording *recording, size_t *at, tn_event *out) {
  tn_str all = tn_buffer_str(&recording->events);
  if (*at >= all.len) return false;
  tn_str rest = tn_str_slice(all, *at, all.len);
  do {
    if (!read_event(recording, &rest, out)) return false;
  } while (out->kind == TN_EVENT_NAME);
  *at = all.len - rest.len;
  return true;
}

bool tn_recording_name(tn_recording *recording, tn_str name, uint64_t *number) {
  uintptr_t found = (uintptr_t)tn_map_get(&recording->name_numbers, name);
  if (found == 0) {
    tn_str *entry = TN_VEC_PUSH(&recording->arena, &recording->names);
    tn_str copy = tn_arena_copy(&recording->arena, name);
    found = recording->names.len;
    recording->is_lost |=
        entry == NULL || copy.data == NULL ||
        !tn_map_put(&recording->arena, &recording->name_numbers, copy, (void *)found);
    if (recording->is_lost) return false;
    *entry = copy;
    tn_buffer_append_byte(&recording->events, TN_EVENT_NAME);
    tn_put_bytes(&recording->events, copy);
  }
  *number = found - 1;
  return true;
}

tn_error *tn_recording_added(tn_recording *recording) {
  if (recording->events.failed) recording->is_lost = true;
  if (recording->is_lost) return tn_error_no_memory();
  if (recording->events.len <= MAX_EVENTS_SIZE) return NULL;
  recording->is_lost = true;
  return tn_error_new(TN_ERROR_LIMIT, "the recording of the run would take more than %d bytes",
                      MAX_EVENTS_SIZE);
}

void tn_event_put_error(tn_buffer *out, const tn_error *error) {
  const char *hint = tn_error_get_hint(error);
  tn_put_number(out, tn_error_get_kind(error));
  tn_put_number(out, (uint64_t)tn_error_get_exit_code(error));
  tn_put_bytes(out, tn_str_from(tn_error_get_message(error)));
  tn_put_number(out, hint == NULL ? 0 : strlen(hint) + 1);
  if (hint == NULL) return;
  tn_buffer_append_byte(out, 0);
  tn_buffer_append_text(out, hint);
}

tn_error *tn_event_make_error(const tn_event *event) {
  tn_error *error = tn_error_new(event->error_kind, "%" TN_STR_FORMAT, TN_STR_ARG(event->message));
  tn_error_set_exit_code(error, event->exit_code);
  if (event->hint.data != NULL)
    tn_error_set_hint(error, "%" TN_STR_FORMAT, TN_STR_ARG(event->hint));
  return error;
}

/* ---- differences ---------------------------------------------------------------------------------- */

tn_error *tn_recording_differs(tn_recording *recording, const char *format, ...) {
  if (recording->difference == NULL) {
    tn_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    tn_buffer_vformat(&text, format, arguments);
    va_end(arguments);
    recording->difference = tn_buffer_take(&text);
    if (recording->difference == NULL) return tn_error_no_memory();
  }
  return tn_error_new(TN_ERROR_TRAP, "the run differs from its recording: %s",
                      recording->difference);
}

const char *tn_recording_difference(const tn_recording *recording) {
  return recording->difference;
}

/* ---- output --------------------------------------------------------------------------------------- */

void tn_recording_on_output(tn_recording *recording, tn_output_func write, void *data) {
  recording->write = write;
  recording->write_data = data;
}

static void add_output(tn_recording *recording, int stream, tn_str bytes) {
  tn_buffer_append_byte(&recording->events, TN_EVENT_OUTPUT);
  tn_put_number(&recording->events, (uint64_t)stream);
  tn_put_bytes(&recording->events, bytes);
}

/* What is written where something else was recorded. */
static void other_output(tn_recording *recording, const tn_event *event, int stream, tn_str bytes,
                         tn_buffer *out) {
  bool is_output = event != NULL && event->kind == TN_EVENT_OUTPUT;
  if (is_output && event->value != (uint64_t)stream) {
    tn_difference_quote(out, event->bytes, 0);
    tn_buffer_format(out, " was written to stream %llu, and now ",
                     (unsigned long long)event->value);
  } else if (event != NULL) {
    tn_buffer_format(out, "%s%" TN_STR_FORMAT " was called, and now ", tn_event_prefix(event->kind),
                     TN_STR_ARG(event->name));
  }
  tn_difference_quote(out, bytes, 0);
  tn_buffer_format(out, " is written to stream %d%s", stream,
                   event == NULL ? ", where the recording ends" : "");
  tn_error_delete(tn_recording_differs(recording, "after call %llu %" TN_STR_FORMAT,
                                       (unsigned long long)recording->call_number,
                                       TN_STR_ARG(tn_buffer_str(out))));
}

static void compare_output(tn_recording *recording, int stream, tn_str bytes) {
  tn_event event;
  bool is_there = tn_event_read(recording, &recording->at, &event);
  bool is_output = is_there && event.kind == TN_EVENT_OUTPUT && event.value == (uint64_t)stream;
  if (is_output && tn_str_equal(event.bytes, bytes)) return;
  tn_buffer text = {0};
  if (is_output) {
    tn_difference_of_bytes(&text, event.bytes, bytes);
    tn_error_delete(tn_recording_differs(
        recording, "after call %llu the guest's output to stream %d was %" TN_STR_FORMAT,
        (unsigned long long)recording->call_number, stream, TN_STR_ARG(tn_buffer_str(&text))));
  } else {
    other_output(recording, is_there ? &event : NULL, stream, bytes, &text);
  }
  tn_buffer_free(&text);
}

void tn_recording_output(tn_recording *recording, int stream, const uint8_t *bytes, size_t size) {
  if (recording->is_finished || recording->mode == TN_REPLAY || recording->difference != NULL)
    return;
  tn_str text = {(const char *)bytes, size};
  if (recording->mode == TN_RECORD)
    add_output(recording, stream, text);
  else
    compare_output(recording, stream, text);
}

/* ---- the file ------------------------------------------------------------------------------------- */

static tn_error *make_file(tn_recording *recording) {
  tn_buffer *file = &recording->file;
  tn_buffer_free(file);
  *file = (tn_buffer){0};
  uint32_t version = TN_RECORDING_VERSION;
  tn_buffer_append(file, magic, sizeof magic);
  tn_buffer_append(file, &version, sizeof version);
  tn_put_number(file, recording->notes.len);
  for (uint32_t i = 0; i < recording->notes.len; i++) {
    tn_put_bytes(file, recording->notes.items[i].name);
    tn_put_bytes(file, recording->notes.items[i].value);
  }
  tn_put_bytes(file, tn_buffer_str(&recording->events));
  if (file->failed) return tn_error_no_memory();
  unsigned char hash[HASH_SIZE];
  crypto_hash_sha256(hash, (const unsigned char *)file->data, file->len);
  tn_buffer_append(file, hash, sizeof hash);
  return file->failed ? tn_error_no_memory() : NULL;
}

static tn_error *output_is_missing(tn_recording *recording, const tn_event *event) {
  tn_buffer text = {0};
  tn_difference_quote(&text, event->bytes, 0);
  tn_error *error = tn_recording_differs(
      recording, "it ends after call %llu, where %" TN_STR_FORMAT " was written to stream %llu",
      (unsigned long long)recording->call_number, TN_STR_ARG(tn_buffer_str(&text)),
      (unsigned long long)event->value);
  tn_buffer_free(&text);
  return error;
}

static tn_error *finish_comparing(tn_recording *recording) {
  tn_event event;
  while (recording->difference == NULL && tn_event_read(recording, &recording->at, &event)) {
    if (event.kind == TN_EVENT_OUTPUT && recording->mode == TN_CHECK)
      return output_is_missing(recording, &event);
    if (event.kind != TN_EVENT_OUTPUT)
      return tn_recording_differs(
          recording,
          "it ends after call %llu, where %s%" TN_STR_FORMAT " came next; there were %llu calls",
          (unsigned long long)recording->call_number, tn_event_prefix(event.kind),
          TN_STR_ARG(event.name), (unsigned long long)recording->call_count);
    if (recording->write != NULL)
      recording->write(recording->write_data, (int)event.value, (const uint8_t *)event.bytes.data,
                       event.bytes.len);
  }
  return recording->difference == NULL
             ? NULL
             : tn_recording_differs(recording, "%s", recording->difference);
}

tn_error *tn_recording_finish(tn_recording *recording) {
  if (recording->is_finished) return NULL;
  recording->is_finished = true;
  if (recording->mode != TN_RECORD) return finish_comparing(recording);
  TN_TRY(tn_recording_added(recording));
  recording->call_count = recording->call_number;
  return make_file(recording);
}

tn_str tn_recording_bytes(const tn_recording *recording) {
  bool is_whole = !recording->is_lost && !recording->file.failed && recording->file.len > 0;
  return is_whole ? tn_buffer_str(&recording->file) : (tn_str){NULL, 0};
}

/* ---- reading -------------------------------------------------------------------------------------- */

static tn_error *malformed(const char *what) {
  return tn_error_new(TN_ERROR_MALFORMED, "it is no recording that can be used: %s", what);
}

static tn_error *check_frame(tn_str file, tn_str *contents) {
  uint32_t version;
  if (file.len < sizeof magic + VERSION_SIZE || memcmp(file.data, magic, sizeof magic) != 0)
    return malformed("it does not begin as one");
  memcpy(&version, file.data + sizeof magic, sizeof version);
  if (version != TN_RECORDING_VERSION)
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "it is a recording of format %u; this version reads format %d", version,
                        TN_RECORDING_VERSION);
  if (file.len < sizeof magic + VERSION_SIZE + HASH_SIZE) return malformed("it ends too early");
  unsigned char hash[HASH_SIZE];
  size_t hashed = file.len - HASH_SIZE;
  crypto_hash_sha256(hash, (const unsigned char *)file.data, hashed);
  if (memcmp(hash, file.data + hashed, HASH_SIZE) != 0)
    return malformed("it is damaged, or was not written to its end");
  *contents = tn_str_slice(file, sizeof magic + VERSION_SIZE, hashed);
  return NULL;
}

static tn_error *read_notes(tn_recording *recording, tn_str *rest) {
  uint64_t count;
  if (!tn_take_number(rest, &count) || count > MAX_NOTES)
    return malformed("its notes cannot be read");
  for (uint64_t i = 0; i < count; i++) {
    tn_str name, value;
    if (!tn_take_bytes(rest, &name) || !tn_take_bytes(rest, &value))
      return malformed("its notes cannot be read");
    TN_TRY(put_note(recording, name, value));
  }
  return NULL;
}

/* All of them once, so that what is read later is known to be whole. */
static tn_error *check_events(tn_recording *recording) {
  tn_str rest = tn_buffer_str(&recording->events);
  while (rest.len > 0) {
    tn_event event;
    size_t before = rest.len;
    if (!read_event(recording, &rest, &event))
      return tn_error_new(
          TN_ERROR_MALFORMED,
          "it is no recording that can be used: the event at byte %zu of %zu is wrong",
          recording->events.len - before, recording->events.len);
    recording->call_count += event.kind == TN_EVENT_CALL || event.kind == TN_EVENT_CORE;
    if (event.kind != TN_EVENT_NAME) continue;
    if (recording->names.len >= MAX_NAMES) return malformed("there are too many names in it");
    tn_str *name = TN_VEC_PUSH(&recording->arena, &recording->names);
    if (name == NULL) return tn_error_no_memory();
    *name = event.name;
  }
  return NULL;
}

static tn_error *read_file(tn_recording *recording, tn_str file) {
  tn_str rest, events;
  TN_TRY(check_frame(file, &rest));
  TN_TRY(read_notes(recording, &rest));
  if (!tn_take_bytes(&rest, &events) || rest.len > 0 || events.len > MAX_EVENTS_SIZE)
    return malformed("its calls cannot be read");
  tn_buffer_append(&recording->events, events.data, events.len);
  if (recording->events.failed) return tn_error_no_memory();
  return check_events(recording);
}

tn_error *tn_recording_from_bytes(const void *bytes, size_t size, tn_recording **out) {
  tn_recording *made;
  TN_TRY(tn_recording_new(&made));
  made->mode = TN_REPLAY;
  tn_error *error = read_file(made, (tn_str){bytes, size});
  if (error == NULL)
    *out = made;
  else
    tn_recording_delete(made);
  return error;
}
