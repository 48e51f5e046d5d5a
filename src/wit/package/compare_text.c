#include "wit/package/compare_parts.h"

tn_error *tn_wit_take_text(tn_wit_comparer *c, tn_error *error, tn_buffer *text, tn_str *out) {
  if (error == NULL) {
    *out = text->failed ? (tn_str){NULL, 0} : tn_arena_copy(c->arena, tn_buffer_str(text));
    if (out->data == NULL) error = tn_error_no_memory();
  }
  tn_buffer_free(text);
  return error;
}

const char *tn_wit_kind_word(const tn_wit_type *type) {
  static const char *const words[] = {[TN_WIT_KIND_RECORD] = "record",
                                      [TN_WIT_KIND_VARIANT] = "variant",
                                      [TN_WIT_KIND_ENUM] = "enum",
                                      [TN_WIT_KIND_FLAGS] = "flags",
                                      [TN_WIT_KIND_RESOURCE] = "resource"};
  bool has_word = (size_t)type->kind < sizeof words / sizeof *words && words[type->kind] != NULL;
  return has_word ? words[type->kind] : "type";
}

static tn_error *type_text(tn_wit_comparer *c, const tn_wit_type *type, tn_str *out) {
  tn_buffer text = {0};
  *out = TN_STR("nothing");
  if (type == NULL) return NULL;
  return tn_wit_take_text(c, tn_wit_print_type_name(&text, type), &text, out);
}

/* ---- types that look alike --------------------------------------------------------------------------- */

/* The first names, in types that look alike, that are not the same type. False: there are none. The texts are equal,
 * so that the types have the same parts up to there. */
static bool find_names(const tn_wit_comparer *c, const tn_wit_type **before,
                       const tn_wit_type **after) {
  const tn_wit_type *a = *before, *b = *after;
  if (a == NULL || b == NULL || tn_wit_same_reference(&c->how, a, b)) return false;
  if (a->declaration.name.data != NULL || b->declaration.name.data != NULL) return true;
  const tn_wit_type *parts[][2] = {
      {a->key, b->key}, {a->element, b->element}, {a->error, b->error}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *before = parts[i][0];
    *after = parts[i][1];
    if (find_names(c, before, after)) return true;
  }
  for (uint32_t i = 0; i < a->member_count && i < b->member_count; i++) {
    *before = a->members[i].type;
    *after = b->members[i].type;
    if (find_names(c, before, after)) return true;
  }
  return false;
}

/* What a name stands for, through `use`. */
static const tn_wit_type *declared(const tn_wit_type *type) {
  while (type->kind == TN_WIT_KIND_ALIAS && type->is_use)
    type = type->element;
  return type;
}

/* "resource r of a:b/c@1.0.0". */
static tn_error *origin_text(tn_wit_comparer *c, const tn_wit_type *type, tn_str *out) {
  type = declared(type);
  const tn_wit_interface *interface = type->interface;
  tn_str name =
      type->declaration.name.data != NULL ? type->declaration.name : TN_STR("without a name");
  const char *owner = "the world";
  if (interface != NULL && interface->declaration.name.data == NULL)
    owner = "an interface without a name";
  else if (interface != NULL)
    owner = tn_wit_interface_id(c->arena, interface);
  if (owner == NULL) return tn_error_no_memory();
  *out = tn_arena_format(c->arena, "%s %" TN_STR_FORMAT " of %s",
                         tn_wit_kind_word(tn_wit_type_root(type)), TN_STR_ARG(name), owner);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_wit_type_texts(tn_wit_comparer *c, const tn_wit_type *before, const tn_wit_type *after,
                            tn_str texts[2]) {
  TN_TRY(type_text(c, before, &texts[0]));
  TN_TRY(type_text(c, after, &texts[1]));
  if (!tn_str_equal(texts[0], texts[1]) || !find_names(c, &before, &after)) return NULL;
  const tn_wit_type *named[] = {before, after};
  bool is_name = tn_str_equal(texts[0], before->declaration.name);
  for (int i = 0; i < 2; i++) {
    tn_str origin;
    TN_TRY(origin_text(c, named[i], &origin));
    if (!is_name)
      origin = tn_arena_format(c->arena, "%" TN_STR_FORMAT " with %" TN_STR_FORMAT,
                               TN_STR_ARG(texts[i]), TN_STR_ARG(origin));
    if (origin.data == NULL) return tn_error_no_memory();
    texts[i] = origin;
  }
  return NULL;
}
