/* Whether the types that an import or export mentions have names that its clients can use.
 * Explainer.md#external-visibility-of-types */
#include "component/validate/validate.h"

typedef struct visibility {
  tn_checker *checker;
  tn_scope *scope;
  tn_side side;
  tn_pointer_map seen; /* parts found to be visible before, as parts may be shared */
} visibility;

static bool has_name(const visibility *search, const tn_checked_type *type) {
  const tn_scope_names *names =
      search->side == TN_SIDE_IMPORT ? &search->scope->imports : &search->scope->exports;
  return tn_pointer_map_get(&names->visible, type) != NULL;
}

static tn_error *are_parts_visible(visibility *search, const tn_type *value, bool *out);

/* These must have a name of their own; of other types only the parts must. */
static bool needs_name(tn_type_kind kind) {
  return kind == TN_TYPE_RECORD || kind == TN_TYPE_VARIANT || kind == TN_TYPE_ENUM ||
         kind == TN_TYPE_FLAGS;
}

static tn_error *is_value_visible(visibility *search, const tn_type *value, bool *out) {
  const tn_checked_type *type = tn_checked_from_value(value);
  if (needs_name(value->kind)) {
    *out = has_name(search, type);
    return NULL;
  }
  *out = true;
  if (value->kind <= TN_TYPE_ERROR_CONTEXT || tn_pointer_map_get(&search->seen, type) != NULL)
    return NULL;
  TN_TRY(are_parts_visible(search, value, out));
  if (!*out) return NULL;
  bool is_put = tn_pointer_map_put(search->checker->arena, &search->seen, type, type);
  return is_put ? NULL : tn_error_no_memory();
}

static tn_error *are_parts_visible(visibility *search, const tn_type *value, bool *out) {
  const tn_checked_type *handle = tn_checked_from_value(value)->handle;
  *out = true;
  if (handle != NULL) {
    *out = has_name(search, handle);
    return NULL;
  }
  TN_TRY(tn_check_spend(search->checker, 1 + (uint64_t)value->count));
  for (uint32_t i = 0; value->types != NULL && *out && i < value->count; i++) {
    if (value->types[i] != NULL) TN_TRY(is_value_visible(search, value->types[i], out));
  }
  return NULL;
}

static tn_error *is_func_visible(visibility *search, const tn_func_type *func, bool *out) {
  *out = true;
  TN_TRY(tn_check_spend(search->checker, func->param_count));
  for (uint32_t i = 0; *out && i < func->param_count; i++) {
    TN_TRY(is_value_visible(search, func->param_types[i], out));
  }
  return *out && func->result != NULL ? is_value_visible(search, func->result, out) : NULL;
}

static tn_error *is_type_visible(visibility *search, const tn_checked_type *type, bool *out);

/* What an instance *type* mentions; the types that it exports give no names. */
static tn_error *is_instance_type_visible(visibility *search, const tn_checked_type *type,
                                          bool *out) {
  *out = true;
  TN_TRY(tn_check_spend(search->checker, type->exports->len));
  for (uint32_t i = 0; *out && i < type->exports->len; i++) {
    const tn_checked_item *item = &type->exports->items[i].item;
    if (item->sort == TN_SORT_VALUE)
      TN_TRY(is_value_visible(search, &item->type->value, out));
    else if (item->sort == TN_SORT_FUNC || item->sort == TN_SORT_TYPE ||
             item->sort == TN_SORT_INSTANCE)
      TN_TRY(is_type_visible(search, item->type, out));
  }
  return NULL;
}

/* Whether a type may get a name: what it consists of must have names. */
static tn_error *is_type_visible(visibility *search, const tn_checked_type *type, bool *out) {
  *out = true;
  switch (type->kind) {
  case TN_CHECKED_VALUE:
    return are_parts_visible(search, &type->value, out);
  case TN_CHECKED_FUNC:
    return is_func_visible(search, &type->func, out);
  case TN_CHECKED_INSTANCE:
    return is_instance_type_visible(search, type, out);
  case TN_CHECKED_COMPONENT: /* checked as it was defined */
  case TN_CHECKED_RESOURCE:
    return NULL;
  }
  return NULL;
}

/* What has been imported may be mentioned by exports too, not the other way around. */
static tn_error *give_name(visibility *search, const tn_checked_type *type) {
  tn_arena *arena = search->checker->arena;
  tn_scope *scope = search->scope;
  bool is_put = tn_pointer_map_put(arena, &scope->exports.visible, type, type);
  if (search->side == TN_SIDE_IMPORT)
    is_put = is_put && tn_pointer_map_put(arena, &scope->imports.visible, type, type);
  return is_put ? NULL : tn_error_no_memory();
}

static tn_error *add_item(visibility *search, const tn_checked_item *item, bool *out) {
  *out = true;
  switch (item->sort) {
  case TN_SORT_TYPE:
    TN_TRY(is_type_visible(search, item->type, out));
    return *out ? give_name(search, item->type) : NULL;
  case TN_SORT_INSTANCE:
    TN_TRY(tn_check_spend(search->checker, item->type->exports->len));
    for (uint32_t i = 0; *out && i < item->type->exports->len; i++) {
      TN_TRY(add_item(search, &item->type->exports->items[i].item, out));
    }
    return NULL;
  case TN_SORT_FUNC:
    return is_func_visible(search, &item->type->func, out);
  case TN_SORT_VALUE:
    return is_value_visible(search, &item->type->value, out);
  default: /* components and modules are closed */
    return NULL;
  }
}

tn_error *tn_visibility_add(tn_checker *checker, tn_scope *scope, tn_side side,
                            const tn_checked_item *item) {
  if (scope->kind == TN_SCOPE_INSTANCE_TYPE) return NULL;
  visibility search = {.checker = checker, .scope = scope, .side = side};
  bool is_visible;
  TN_TRY(add_item(&search, item, &is_visible));
  if (is_visible) return NULL;
  const char *verb = side == TN_SIDE_IMPORT ? "import" : "export";
  return tn_error_set_hint(
      tn_check_fail("%s not valid to be used as %s", tn_sort_name(item->sort), verb),
      "it mentions a type that has no name outside: %s the interface that the type is of, too",
      verb);
}
