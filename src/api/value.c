#include "value/value.h"

#include "api/api.h"
#include "base/alloc.h"
#include "base/error.h"
#include "wit/wit.h"

tn_error *tn_values_new(tn_values **out) {
  *out = tn_calloc(1, sizeof **out);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

void *tn_values_alloc(tn_values *values, size_t size, size_t alignment) {
  return tn_arena_alloc(&values->arena, size, alignment);
}

void tn_values_reset(tn_values *values) {
  tn_arena_reset(&values->arena);
}

void tn_values_delete(tn_values *values) {
  if (values == NULL) return;
  tn_arena_free(&values->arena);
  tn_free(values);
}

tn_error *tn_values_from_wave(tn_values *values, const tn_type *type, tn_str text, void *out) {
  return tn_wave_parse(&values->arena, type, text, out, NULL);
}

tn_error *tn_values_from_json(tn_values *values, const tn_type *type, tn_str text, void *out) {
  return tn_json_parse(&values->arena, type, text, out);
}

static tn_error *take_text(tn_buffer *text, char **out) {
  *out = tn_buffer_take(text);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_value_to_wave(const tn_type *type, const void *value, char **out) {
  tn_buffer text = {0};
  tn_wave_print(&text, type, value);
  return take_text(&text, out);
}

tn_error *tn_value_to_json(const tn_type *type, const void *value, char **out) {
  tn_buffer text = {0};
  tn_json_print(&text, type, value);
  return take_text(&text, out);
}

bool tn_value_is_equal(const tn_type *type, const void *a, const void *b) {
  return tn_value_equal(type, a, b);
}

/* ---- types ------------------------------------------------------------------------------------- */

enum { NATIVE = 1 }; /* index of the layout with 64-bit pointers */

tn_type_kind tn_type_get_kind(const tn_type *type) {
  return type->kind;
}

size_t tn_type_get_size(const tn_type *type) {
  return type->layout[NATIVE].size;
}

size_t tn_type_get_alignment(const tn_type *type) {
  return type->layout[NATIVE].alignment;
}

size_t tn_type_part_count(const tn_type *type) {
  return type->count;
}

const tn_type *tn_type_part(const tn_type *type, size_t index) {
  return index < type->count && type->types != NULL ? type->types[index] : NULL;
}

tn_str tn_type_part_name(const tn_type *type, size_t index) {
  if (index >= type->count) return (tn_str){NULL, 0};
  if (type->kind == TN_TYPE_RESULT) return index == 0 ? TN_STR("ok") : TN_STR("err");
  return type->labels != NULL ? type->labels[index] : (tn_str){NULL, 0};
}

size_t tn_type_part_offset(const tn_type *type, size_t index) {
  switch (type->kind) {
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return index < type->count ? type->field_offset[NATIVE][index] : 0;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return type->payload_offset[NATIVE];
  default:
    return 0;
  }
}

size_t tn_type_length(const tn_type *type) {
  return type->length;
}

size_t tn_type_discriminant_size(const tn_type *type) {
  return type->discriminant_size;
}

size_t tn_func_type_param_count(const tn_func_type *type) {
  return type->param_count;
}

tn_str tn_func_type_param_name(const tn_func_type *type, size_t index) {
  return index < type->param_count ? type->param_names[index] : (tn_str){NULL, 0};
}

const tn_type *tn_func_type_params(const tn_func_type *type) {
  return type->params;
}

const tn_type *tn_func_type_result(const tn_func_type *type) {
  return type->result;
}

tn_error *tn_func_type_to_wit(const tn_func_type *type, char **out) {
  tn_buffer text = {0};
  tn_wit_print_func(&text, type);
  return take_text(&text, out);
}
