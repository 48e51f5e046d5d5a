/* JSON as a form of component values: printing. What is printed reads back as an equal value, handles
 * excepted: they are strings such as "own(7)". */
#include <math.h>

#include "value/native.h"
#include "value/number.h"
#include "value/printer.h"
#include "value/value.h"
#include "wit/text.h"

static void print_value(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth);

static void print_char(tn_buffer *out, uint32_t character) {
  tn_buffer_append_byte(out, '"');
  tn_text_print_json_character(out, character);
  tn_buffer_append_byte(out, '"');
}

static void print_float(tn_buffer *out, const tn_type *type, const void *value) {
  bool is_finite = type->kind == TN_TYPE_F32 ? isfinite(*(const float *)value)
                                             : isfinite(*(const double *)value);
  if (!is_finite) tn_buffer_append_byte(out, '"');
  tn_number_print_float(out, type->kind, value);
  if (!is_finite) tn_buffer_append_byte(out, '"');
}

static void print_comma(tn_buffer *out, bool is_first) {
  if (!is_first) tn_buffer_append_byte(out, ',');
}

static void print_elements(tn_buffer *out, const tn_type *element, const void *data, size_t count,
                           uint32_t depth) {
  tn_buffer_append_byte(out, '[');
  for (size_t i = 0; i < count && !out->failed; i++) {
    print_comma(out, i == 0);
    print_value(out, element, tn_native_element(element, data, i), depth);
  }
  tn_buffer_append_byte(out, ']');
}

/* An object when the keys are strings, else an array of pairs. */
static void print_map(tn_buffer *out, const tn_type *type, const tn_native_list *map,
                      uint32_t depth) {
  bool is_object = type->types[0]->kind == TN_TYPE_STRING;
  tn_buffer_append_byte(out, is_object ? '{' : '[');
  for (size_t i = 0; i < map->len && !out->failed; i++) {
    print_comma(out, i == 0);
    if (!is_object) tn_buffer_append_byte(out, '[');
    print_value(out, type->types[0], tn_native_entry_part(type, map->data, i, 0), depth);
    tn_buffer_append_byte(out, is_object ? ':' : ',');
    print_value(out, type->types[1], tn_native_entry_part(type, map->data, i, 1), depth);
    if (!is_object) tn_buffer_append_byte(out, ']');
  }
  tn_buffer_append_byte(out, is_object ? '}' : ']');
}

static void print_record(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  tn_buffer_append_byte(out, '{');
  for (uint32_t i = 0; i < type->count; i++) {
    print_comma(out, i == 0);
    tn_text_print_json(out, type->labels[i]);
    tn_buffer_append_byte(out, ':');
    print_value(out, type->types[i], tn_native_field(type, value, i), depth);
  }
  tn_buffer_append_byte(out, '}');
}

static void print_tuple(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  tn_buffer_append_byte(out, '[');
  for (uint32_t i = 0; i < type->count; i++) {
    print_comma(out, i == 0);
    print_value(out, type->types[i], tn_native_field(type, value, i), depth);
  }
  tn_buffer_append_byte(out, ']');
}

static void print_flags(tn_buffer *out, const tn_type *type, const void *value) {
  uint32_t bits = tn_native_tag(type, value);
  bool is_first = true;
  tn_buffer_append_byte(out, '[');
  for (uint32_t i = 0; i < type->count; i++) {
    if ((bits >> i & 1) == 0) continue;
    print_comma(out, is_first);
    is_first = false;
    tn_text_print_json(out, type->labels[i]);
  }
  tn_buffer_append_byte(out, ']');
}

/* {"<name>":payload}; without a payload type: null. */
static void print_wrapped(tn_buffer *out, tn_str name, const tn_type *payload, const void *value,
                          uint32_t depth) {
  tn_buffer_append_byte(out, '{');
  tn_text_print_json(out, name);
  tn_buffer_append_byte(out, ':');
  if (payload == NULL) {
    tn_buffer_append_text(out, "null");
  } else {
    print_value(out, payload, value, depth);
  }
  tn_buffer_append_byte(out, '}');
}

static void print_case(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  uint32_t tag = tn_native_tag(type, value);
  const tn_type *payload = tn_native_payload_type(type, tag);
  if (tag >= type->count) {
    tn_buffer_append_byte(out, '"');
    tn_print_invalid_case(out, tag);
    tn_buffer_append_byte(out, '"');
  } else if (payload == NULL) {
    tn_text_print_json(out, type->labels[tag]);
  } else {
    print_wrapped(out, type->labels[tag], payload, tn_native_payload(type, value), depth);
  }
}

static void print_option(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  const tn_type *payload = type->types[0];
  if (tn_native_tag(type, value) == 0) {
    tn_buffer_append_text(out, "null");
  } else if (payload->kind == TN_TYPE_OPTION) {
    print_wrapped(out, TN_STR("some"), payload, tn_native_payload(type, value), depth);
  } else {
    print_value(out, payload, tn_native_payload(type, value), depth);
  }
}

static void print_result(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  uint32_t tag = tn_native_tag(type, value);
  print_wrapped(out, tag == 0 ? TN_STR("ok") : TN_STR("error"), tn_native_payload_type(type, tag),
                tn_native_payload(type, value), depth);
}

static void print_handle(tn_buffer *out, const tn_type *type, const void *value) {
  tn_buffer_append_byte(out, '"');
  tn_print_handle(out, type, value);
  tn_buffer_append_byte(out, '"');
}

static void print_value(tn_buffer *out, const tn_type *type, const void *value, uint32_t depth) {
  if (depth++ == TN_VALUE_MAX_DEPTH) {
    tn_buffer_append_text(out, "\"…\"");
    return;
  }
  switch (type->kind) {
  case TN_TYPE_BOOL:
    tn_buffer_append_text(out, *(const uint8_t *)value != 0 ? "true" : "false");
    break;
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    print_float(out, type, value);
    break;
  case TN_TYPE_CHAR:
    print_char(out, *(const uint32_t *)value);
    break;
  case TN_TYPE_STRING:
    tn_text_print_json(out, *(const tn_str *)value);
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
    print_case(out, type, value, depth);
    break;
  case TN_TYPE_OPTION:
    print_option(out, type, value, depth);
    break;
  case TN_TYPE_RESULT:
    print_result(out, type, value, depth);
    break;
  case TN_TYPE_FLAGS:
    print_flags(out, type, value);
    break;
  default:
    if (tn_number_is_integer_kind(type->kind)) {
      tn_number_print_integer(out, type->kind, value);
    } else {
      print_handle(out, type, value);
    }
    break;
  }
}

void tn_json_print(tn_buffer *out, const tn_type *type, const void *value) {
  print_value(out, type, value, 0);
}
