#include "record/difference.h"

#include "record/bytes.h"
#include "record/value_code.h"
#include "value/value.h"

static const char dots[] = "…";
static const char and_now[] = ", and now ";

/* The first offset where they differ; the shorter one's end when it begins the other. */
static size_t first_difference(tn_str a, tn_str b) {
  size_t at = 0, end = a.len < b.len ? a.len : b.len;
  while (at < end && a.data[at] == b.data[at])
    at++;
  return at;
}

/* ---- texts ------------------------------------------------------------------------------------------ */

enum { SHOWN_TEXT = 200, BEFORE_TEXT = 80, BEHIND_TEXT = 80 };

static bool is_inside_character(tn_str text, size_t at) {
  return at < text.len && ((uint8_t)text.data[at] & 0xc0) == 0x80;
}

/* The text about `at`, cut between characters. */
static void show_text(tn_buffer *out, tn_str text, size_t at) {
  size_t start = at > BEFORE_TEXT ? at - BEFORE_TEXT : 0;
  size_t end = text.len - at > BEHIND_TEXT ? at + BEHIND_TEXT : text.len;
  while (is_inside_character(text, start))
    start++;
  while (is_inside_character(text, end))
    end++;
  if (start > 0) tn_buffer_append_text(out, dots);
  tn_buffer_append_str(out, tn_str_slice(text, start, end));
  if (end < text.len) tn_buffer_append_text(out, dots);
}

static size_t count_characters(tn_str text, size_t end) {
  size_t count = 0;
  for (size_t i = 0; i < end; i++)
    count += !is_inside_character(text, i);
  return count;
}

void tn_difference_of_texts(tn_buffer *out, tn_str recorded, tn_str now) {
  if (recorded.len <= SHOWN_TEXT && now.len <= SHOWN_TEXT) {
    tn_buffer_append_str(out, recorded);
    tn_buffer_append_text(out, and_now);
    tn_buffer_append_str(out, now);
    return;
  }
  size_t at = first_difference(recorded, now);
  while (at > 0 && (is_inside_character(recorded, at) || is_inside_character(now, at)))
    at--;
  show_text(out, recorded, at);
  tn_buffer_append_text(out, and_now);
  show_text(out, now, at);
  tn_buffer_format(out, " (from character %zu on)", count_characters(recorded, at) + 1);
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

enum { SHOWN_BYTES = 48, BEFORE_BYTES = 16, BEHIND_BYTES = 24 };

void tn_difference_quote(tn_buffer *out, tn_str bytes, size_t at) {
  bool is_short = bytes.len <= SHOWN_BYTES;
  size_t start = is_short || at < BEFORE_BYTES ? 0 : at - BEFORE_BYTES;
  size_t end = is_short || bytes.len - at < BEHIND_BYTES ? bytes.len : at + BEHIND_BYTES;
  tn_buffer_append_byte(out, '"');
  if (start > 0) tn_buffer_append_text(out, dots);
  for (size_t i = start; i < end; i++) {
    uint8_t byte = (uint8_t)bytes.data[i];
    if (byte == '"' || byte == '\\')
      tn_buffer_format(out, "\\%c", byte);
    else if (byte >= 0x20 && byte < 0x7f)
      tn_buffer_append_byte(out, byte);
    else
      tn_buffer_format(out, "\\x%02x", byte);
  }
  if (end < bytes.len) tn_buffer_append_text(out, dots);
  tn_buffer_append_byte(out, '"');
}

static void add_place(tn_buffer *out, tn_str recorded, tn_str now, size_t at) {
  tn_buffer_format(out, " (from byte %zu on", at + 1);
  if (recorded.len != now.len)
    tn_buffer_format(out, "; there were %zu bytes, and now are %zu", recorded.len, now.len);
  tn_buffer_append_byte(out, ')');
}

void tn_difference_of_bytes(tn_buffer *out, tn_str recorded, tn_str now) {
  size_t at = first_difference(recorded, now);
  tn_difference_quote(out, recorded, at);
  tn_buffer_append_text(out, and_now);
  tn_difference_quote(out, now, at);
  add_place(out, recorded, now, at);
}

/* ---- values ----------------------------------------------------------------------------------------- */

static bool print_value(tn_buffer *out, const tn_type *type, tn_str bytes) {
  tn_arena arena = {0};
  tn_error *error = NULL;
  tn_reserved reserved = {tn_arena_alloc(&arena, bytes.len + 1, 1), bytes.len};
  void *value = type == NULL ? NULL : tn_value_new(&arena, type);
  bool is_value = value != NULL && reserved.data != NULL &&
                  tn_value_decode(&arena, type, &bytes, value, &reserved, &error);
  if (is_value) tn_wave_print(out, type, value);
  tn_error_delete(error);
  tn_arena_free(&arena);
  return is_value && !out->failed;
}

void tn_difference_of_values(tn_buffer *out, const tn_type *type, tn_str recorded, tn_str now) {
  tn_buffer texts[2] = {{0}, {0}};
  bool are_values = print_value(&texts[0], type, recorded) && print_value(&texts[1], type, now);
  /* Handles, NaNs and what lies elsewhere in the guest's memory can look the same. */
  bool look_the_same =
      are_values && tn_str_equal(tn_buffer_str(&texts[0]), tn_buffer_str(&texts[1]));
  if (are_values && !look_the_same) {
    tn_difference_of_texts(out, tn_buffer_str(&texts[0]), tn_buffer_str(&texts[1]));
  } else {
    if (look_the_same) tn_buffer_append_text(out, "what is encoded as ");
    tn_difference_of_bytes(out, recorded, now);
  }
  tn_buffer_free(&texts[0]);
  tn_buffer_free(&texts[1]);
}

/* ---- core functions --------------------------------------------------------------------------------- */

void tn_difference_of_core_params(tn_buffer *out, uint32_t count, tn_str recorded, tn_str now) {
  tn_str rests[2] = {recorded, now};
  uint64_t one, other;
  for (uint32_t i = 0; i < count; i++) {
    if (!tn_take_number(&rests[0], &one) || !tn_take_number(&rests[1], &other)) {
      tn_difference_of_bytes(out, recorded, now);
      return;
    }
    if (one == other) continue;
    tn_buffer_format(out, "%llu as parameter %u, and now %llu", (unsigned long long)one, i + 1,
                     (unsigned long long)other);
    return;
  }
  tn_difference_of_bytes(out, rests[0], rests[1]);
}

typedef struct written {
  uint64_t count; /* ranges that are left */
  tn_str rest;
  bool is_there;
  uint64_t address;
  tn_str bytes;
} written;

/* False: it is no range. */
static bool take_range(written *from) {
  from->is_there = from->count > 0;
  if (!from->is_there) return true;
  from->count--;
  return tn_take_number(&from->rest, &from->address) && tn_take_bytes(&from->rest, &from->bytes);
}

static void show_range(tn_buffer *out, const written *range, size_t at) {
  if (!range->is_there) {
    tn_buffer_append_text(out, "nothing more in the guest's memory");
    return;
  }
  tn_difference_quote(out, range->bytes, at);
  tn_buffer_format(out, " at address %llu", (unsigned long long)range->address);
}

static bool is_same_range(const written *a, const written *b) {
  return a->is_there == b->is_there &&
         (!a->is_there || (a->address == b->address && tn_str_equal(a->bytes, b->bytes)));
}

/* False: there is none that could be shown. */
static bool show_ranges(tn_buffer *out, written ranges[2]) {
  do {
    if (!take_range(&ranges[0]) || !take_range(&ranges[1])) return false;
    if (!ranges[0].is_there && !ranges[1].is_there) return false;
  } while (is_same_range(&ranges[0], &ranges[1]));
  size_t at = first_difference(ranges[0].bytes, ranges[1].bytes);
  show_range(out, &ranges[0], ranges[0].is_there ? at : 0);
  tn_buffer_append_text(out, and_now);
  show_range(out, &ranges[1], ranges[1].is_there ? at : 0);
  if (ranges[0].is_there && ranges[1].is_there && ranges[0].address == ranges[1].address)
    add_place(out, ranges[0].bytes, ranges[1].bytes, at);
  return true;
}

void tn_difference_of_core_results(tn_buffer *out, tn_str recorded, tn_str now) {
  written ranges[2] = {{.rest = recorded}, {.rest = now}};
  uint64_t results[2];
  bool is_whole = true;
  for (size_t i = 0; i < 2 && is_whole; i++)
    is_whole = tn_take_number(&ranges[i].rest, &results[i]) &&
               tn_take_number(&ranges[i].rest, &ranges[i].count);
  if (is_whole && results[0] != results[1])
    tn_buffer_format(out, "%llu, and now %llu", (unsigned long long)results[0],
                     (unsigned long long)results[1]);
  else if (!is_whole || !show_ranges(out, ranges))
    tn_difference_of_bytes(out, recorded, now);
}
