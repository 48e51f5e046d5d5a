/* WAVE: printing. What is printed reads back as an equal value, handles excepted. */
#include <inttypes.h>

#include "value/native.h"
#include "value/number.h"
#include "value/printer.h"
#include "value/value.h"
#include "wit/text.h"

static void print_value(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth);

/* ---- names and text ------------------------------------------------------------------------------ */

/* The words with a meaning of their own; as names they are written with a '%'. */
static void print_name(tn_buffer *out, tn_str name) {
  static const char *const keywords[] = {"true", "false", "some", "none",
                                         "ok",   "err",   "nan",  "inf"};
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    if (tn_str_equal(name, tn_str_from(keywords[i]))) tn_buffer_append_byte(out, '%');
  }
  tn_buffer_append_str(out, name);
}

static void print_character(tn_buffer *out, uint32_t character, char quote) {
  if (character == (uint8_t)quote || character == '\\') {
    tn_buffer_append_byte(out, '\\');
    tn_buffer_append_byte(out, (uint8_t)character);
  } else if (character == '\n') {
    tn_buffer_append_text(out, "\\n");
  } else if (character == '\t') {
    tn_buffer_append_text(out, "\\t");
  } else if (character == '\r') {
    tn_buffer_append_text(out, "\\r");
  } else if (tn_text_is_control(character)) {
    tn_buffer_format(out, "\\u{%" PRIx32 "}", character);
  } else {
    tn_text_print_utf8(out, character);
  }
}

static void print_in_string(tn_buffer *out, uint32_t character) {
  print_character(out, character, '"');
}

static void print_string(tn_buffer *out, tn_str string) {
  tn_buffer_append_byte(out, '"');
  tn_text_print_characters(out, string, print_in_string);
  tn_buffer_append_byte(out, '"');
}

static void print_char(tn_buffer *out, uint32_t character) {
  tn_buffer_append_byte(out, '\'');
  print_character(out, character, '\'');
  tn_buffer_append_byte(out, '\'');
}

/* ---- compounds ---------------------------------------------------------------------------------- */

static void print_separator(tn_buffer *out, bool is_first) {
  if (!is_first) tn_buffer_append_text(out, ", ");
}

static void print_elements(tn_buffer *out, const tn_type *element, const void *data, size_t count,
                           uint32_t depth) {
  tn_buffer_append_byte(out, '[');
  for (size_t i = 0; i < count && !out->failed; i++) {
    print_separator(out, i == 0);
    print_value(out, element, tn_native_element(element, data, i), depth);
  }
  tn_buffer_append_byte(out, ']');
}

static void print_map(tn_buffer *out, const tn_type *type, const tn_native_list *map,
                      uint32_t depth) {
  tn_buffer_append_byte(out, '[');
  for (size_t i = 0; i < map->len && !out->failed; i++) {
    tn_buffer_append_text(out, i == 0 ? "(" : ", (");
    print_value(out, type->types[0], tn_native_entry_part(type, map->data, i, 0), depth);
    tn_buffer_append_text(out, ", ");
    print_value(out, type->types[1], tn_native_entry_part(type, map->data, i, 1), depth);
    tn_buffer_append_byte(out, ')');
  }
  tn_buffer_append_byte(out, ']');
}

/* Fields that are none are left out; a record without any is {:}, so that it does not look like flags. */
static void print_record(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  bool is_first = true;
  tn_buffer_append_byte(out, '{');
  for (uint32_t i = 0; i < type->count; i++) {
    const void *field = tn_native_field(type, value, i);
    if (type->types[i]->kind == TN_TYPE_OPTION && tn_native_tag(type->types[i], field) == 0)
      continue;
    print_separator(out, is_first);
    is_first = false;
    print_name(out, type->labels[i]);
    tn_buffer_append_text(out, ": ");
    print_value(out, type->types[i], field, depth);
  }
  tn_buffer_append_text(out, is_first ? ":}" : "}");
}

static void print_tuple(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  tn_buffer_append_byte(out, '(');
  for (uint32_t i = 0; i < type->count; i++) {
    print_separator(out, i == 0);
    print_value(out, type->types[i], tn_native_field(type, value, i), depth);
  }
  tn_buffer_append_byte(out, ')');
}

static void print_flags(tn_buffer *out, const tn_type *type, const void *value) {
  uint32_t bits = tn_native_tag(type, value);
  bool is_first = true;
  tn_buffer_append_byte(out, '{');
  for (uint32_t i = 0; i < type->count; i++) {
    if ((bits >> i & 1) == 0) continue;
    print_separator(out, is_first);
    is_first = false;
    print_name(out, type->labels[i]);
  }
  tn_buffer_append_byte(out, '}');
}

static void print_payload(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  const tn_type *payload = tn_native_payload_type(type, tn_native_tag(type, value));
  if (payload == NULL) return;
  tn_buffer_append_byte(out, '(');
  print_value(out, payload, tn_native_payload(type, value), depth);
  tn_buffer_append_byte(out, ')');
}

/* Variants, enums, options and results. */
static void print_case(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  uint32_t tag = tn_native_tag(type, value);
  if (type->kind == TN_TYPE_OPTION) {
    tn_buffer_append_text(out, tag == 0 ? "none" : "some");
  } else if (type->kind == TN_TYPE_RESULT) {
    tn_buffer_append_text(out, tag == 0 ? "ok" : "err");
  } else if (tag < type->count) {
    print_name(out, type->labels[tag]);
  } else {
    tn_print_invalid_case(out, tag);
  }
  print_payload(out, type, value, depth);
}

static void print_value(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  if (depth++ == TN_VALUE_MAX_DEPTH) {
    tn_buffer_append_text(out, "…");
    return;
  }
  switch (type->kind) {
  case TN_TYPE_BOOL:
    tn_buffer_append_text(out, *(const uint8_t *)value != 0 ? "true" : "false");
    break;
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    tn_number_print_float(out, type->kind, value);
    break;
  case TN_TYPE_CHAR:
    print_char(out, *(const uint32_t *)value);
    break;
  case TN_TYPE_STRING:
    print_string(out, *(const tn_str *)value);
    break;
  case TN_TYPE_LIST: {
    const tn_native_list *list = value;
    print_elements(out, type->types[0], list->data, list->len, depth);
    break;
  }
  case TN_TYPE_FIXED_LIST:
    print_elements(out, type->types[0], value, type->length, depth);
    break;
  case TN_TYPE_MAP:
    print_map(out, type, value, depth);
    break;
  case TN_TYPE_RECORD:
    print_record(out, type, value, depth);
    break;
  case TN_TYPE_TUPLE:
    print_tuple(out, type, value, depth);
    break;
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    print_case(out, type, value, depth);
    break;
  case TN_TYPE_FLAGS:
    print_flags(out, type, value);
    break;
  default:
    if (tn_number_is_integer_kind(type->kind)) {
      tn_number_print_integer(out, type->kind, value);
    } else {
      tn_print_handle(out, type, value);
    }
    break;
  }
}

void tn_wave_print(tn_buffer *out, const tn_type *type, const void *value) {
  print_value(out, type, value, 0);
}
