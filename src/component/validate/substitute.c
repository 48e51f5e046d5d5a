/* Replacing resources: what happens to the types of a component or instance type when something is known about
 * the resources that it binds. Explainer.md#type-checking speaks of universal and existential types: their
 * elimination is done here, by copying types with other resources in them. Types that contain neither resources
 * nor named types are shared instead of copied. */
#include "component/validate/validate.h"

/* An entry of a copied table and one of a map are some forty bytes each. */
enum { STEPS_PER_ENTRY = 8 };

/* ---- copying ----------------------------------------------------------------------------------- */

static tn_error *remember(tn_checker *checker, tn_substitution *substitution, const void *from,
                          const void *to, bool is_resource) {
  tn_pointer_map *map = is_resource ? &substitution->resources : &substitution->types;
  return tn_pointer_map_put(checker->arena, map, from, to) ? NULL : tn_error_no_memory();
}

static tn_error *substitute_resource(tn_checker *checker, tn_substitution *substitution,
                                     tn_checked_resource *resource, tn_checked_resource **out) {
  const void *known = tn_pointer_map_get(&substitution->resources, resource);
  *out = known == NULL ? resource : (tn_checked_resource *)known;
  if (known != NULL || substitution->fresh_owner == 0 ||
      resource->owner != substitution->fresh_owner)
    return NULL;
  const tn_checked_type *fresh;
  TN_TRY(
      tn_checked_resource_new(checker, substitution->new_owner, substitution->is_imported, &fresh));
  *out = fresh->resource;
  return remember(checker, substitution, resource, *out, true);
}

static tn_error *substitute_part(tn_checker *checker, tn_substitution *substitution,
                                 const tn_type *part, const tn_type **out, bool *has_changed) {
  const tn_checked_type *changed = NULL;
  *out = part;
  if (part == NULL) return NULL;
  TN_TRY(tn_substitute_type(checker, substitution, tn_checked_from_value(part), &changed));
  *out = &changed->value;
  *has_changed |= *out != part;
  return NULL;
}

/* `*parts` becomes a changed copy if any of them changes. */
static tn_error *substitute_parts(tn_checker *checker, tn_substitution *substitution,
                                  const tn_type *const **parts, uint32_t count, bool *has_changed) {
  if (*parts == NULL || count == 0) return NULL;
  bool has_changed_here = false;
  TN_TRY(tn_check_spend(checker, count));
  const tn_type **copy = TN_ARENA_ARRAY(checker->arena, const tn_type *, count);
  if (copy == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(substitute_part(checker, substitution, (*parts)[i], &copy[i], &has_changed_here));
  }
  if (!has_changed_here) return NULL;
  *parts = copy;
  *has_changed = true;
  return NULL;
}

static tn_error *substitute_value(tn_checker *checker, tn_substitution *substitution,
                                  const tn_checked_type *type, const tn_checked_type **out) {
  tn_type value = type->value;
  const tn_checked_type *handle = type->handle;
  bool has_changed = false;
  TN_TRY(substitute_parts(checker, substitution, &value.types, value.count, &has_changed));
  if (handle != NULL) {
    TN_TRY(tn_substitute_type(checker, substitution, type->handle, &handle));
    has_changed |= handle != type->handle;
  }
  *out = type;
  return has_changed ? tn_checked_value_new(checker, &value, handle, out) : NULL;
}

static tn_error *substitute_func(tn_checker *checker, tn_substitution *substitution,
                                 const tn_checked_type *type, const tn_checked_type **out) {
  tn_func_type func = type->func;
  bool has_changed = false;
  TN_TRY(
      substitute_parts(checker, substitution, &func.param_types, func.param_count, &has_changed));
  TN_TRY(substitute_part(checker, substitution, func.result, &func.result, &has_changed));
  *out = type;
  return has_changed ? tn_checked_func_new(checker, &func, out) : NULL;
}

static tn_error *substitute_tables(tn_checker *checker, tn_substitution *substitution,
                                   const tn_checked_type *type, const tn_checked_type **out) {
  const tn_checked_table *imports = type->kind == TN_CHECKED_COMPONENT ? type->imports : NULL;
  const tn_checked_table *exports;
  if (imports != NULL) TN_TRY(tn_substitute_table(checker, substitution, imports, &imports));
  TN_TRY(tn_substitute_table(checker, substitution, type->exports, &exports));
  *out = type;
  if (exports == type->exports && (type->kind == TN_CHECKED_INSTANCE || imports == type->imports))
    return NULL;
  return tn_checked_tables_new(checker, imports, exports, type->scope, out);
}

static tn_error *substitute_resource_type(tn_checker *checker, tn_substitution *substitution,
                                          const tn_checked_type *type,
                                          const tn_checked_type **out) {
  tn_checked_resource *resource;
  TN_TRY(substitute_resource(checker, substitution, type->resource, &resource));
  *out = type;
  return resource == type->resource ? NULL : tn_checked_resource_type(checker, resource, out);
}

static tn_error *substitute_kind(tn_checker *checker, tn_substitution *substitution,
                                 const tn_checked_type *type, const tn_checked_type **out) {
  switch (type->kind) {
  case TN_CHECKED_VALUE:
    return substitute_value(checker, substitution, type, out);
  case TN_CHECKED_FUNC:
    return substitute_func(checker, substitution, type, out);
  case TN_CHECKED_COMPONENT:
  case TN_CHECKED_INSTANCE:
    return substitute_tables(checker, substitution, type, out);
  case TN_CHECKED_RESOURCE:
    return substitute_resource_type(checker, substitution, type, out);
  }
  return NULL;
}

tn_error *tn_substitute_type(tn_checker *checker, tn_substitution *substitution,
                             const tn_checked_type *type, const tn_checked_type **out) {
  *out = type;
  if (type == NULL || !type->has_identity) return NULL;
  const tn_checked_type *known = tn_pointer_map_get(&substitution->types, type);
  if (known != NULL) {
    *out = known;
    return NULL;
  }
  TN_TRY(tn_check_spend(checker, STEPS_PER_ENTRY));
  TN_TRY(substitute_kind(checker, substitution, type, out));
  if (*out != type && type->is_named) TN_TRY(tn_checked_alias(checker, *out, out));
  return remember(checker, substitution, type, *out, false);
}

tn_error *tn_substitute_table(tn_checker *checker, tn_substitution *substitution,
                              const tn_checked_table *table, const tn_checked_table **out) {
  bool has_changed = false;
  TN_TRY(tn_check_spend(checker, (uint64_t)table->len * STEPS_PER_ENTRY));
  tn_checked_table *copy = TN_ARENA_NEW(checker->arena, tn_checked_table);
  tn_checked_entry *items = TN_ARENA_ARRAY(checker->arena, tn_checked_entry, table->len);
  if (copy == NULL || items == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < table->len; i++) {
    items[i] = table->items[i];
    TN_TRY(
        tn_substitute_type(checker, substitution, table->items[i].item.type, &items[i].item.type));
    has_changed |= items[i].item.type != table->items[i].item.type;
  }
  *copy = (tn_checked_table){
      .items = items, .len = table->len, .cap = table->len, .by_name = table->by_name};
  *out = has_changed ? copy : table;
  return NULL;
}

tn_error *tn_substitute_open(tn_checker *checker, const tn_checked_type *type, uint32_t owner,
                             bool is_imported, const tn_checked_type **out) {
  *out = type;
  if (type->scope == 0) return NULL;
  tn_substitution substitution = {
      .fresh_owner = type->scope, .new_owner = owner, .is_imported = is_imported};
  const tn_checked_table *exports;
  TN_TRY(tn_substitute_table(checker, &substitution, type->exports, &exports));
  return tn_checked_tables_new(checker, NULL, exports, 0, out);
}

/* ---- what to replace --------------------------------------------------------------------------- */

static bool are_instances(const tn_checked_item *a, const tn_checked_item *b) {
  return a->sort == TN_SORT_INSTANCE && b->sort == TN_SORT_INSTANCE;
}

static bool are_types(const tn_checked_item *a, const tn_checked_item *b) {
  return a->sort == TN_SORT_TYPE && b->sort == TN_SORT_TYPE && a->type->kind == b->type->kind;
}

tn_error *tn_substitute_bind_resources(tn_checker *checker, tn_substitution *substitution,
                                       const tn_checked_table *actual,
                                       const tn_checked_table *expected, uint32_t owner) {
  TN_TRY(tn_check_spend(checker, (uint64_t)expected->len * STEPS_PER_ENTRY));
  for (uint32_t i = 0; i < expected->len; i++) {
    const tn_checked_item *to = &expected->items[i].item;
    TN_TRY(tn_check_spend_on_name(checker, expected->items[i].name));
    const tn_checked_item *from = tn_checked_table_get(actual, expected->items[i].name);
    if (from == NULL) continue;
    if (are_instances(from, to)) {
      TN_TRY(tn_substitute_bind_resources(checker, substitution, from->type->exports,
                                          to->type->exports, owner));
      continue;
    }
    if (!are_types(from, to) || to->type->kind != TN_CHECKED_RESOURCE) continue;
    if (to->type->resource->owner != owner) continue;
    if (tn_pointer_map_get(&substitution->resources, to->type->resource) != NULL) continue;
    TN_TRY(remember(checker, substitution, to->type->resource, from->type->resource, true));
  }
  return NULL;
}

tn_error *tn_substitute_bind_types(tn_checker *checker, tn_substitution *substitution,
                                   const tn_checked_table *actual,
                                   const tn_checked_table *expected) {
  TN_TRY(tn_check_spend(checker, (uint64_t)expected->len * STEPS_PER_ENTRY));
  for (uint32_t i = 0; i < expected->len; i++) {
    const tn_checked_item *to = &expected->items[i].item;
    TN_TRY(tn_check_spend_on_name(checker, expected->items[i].name));
    const tn_checked_item *from = tn_checked_table_get(actual, expected->items[i].name);
    if (from == NULL) continue;
    if (are_instances(from, to)) {
      TN_TRY(
          tn_substitute_bind_types(checker, substitution, from->type->exports, to->type->exports));
    } else if (are_types(from, to)) {
      TN_TRY(remember(checker, substitution, to->type, from->type, false));
    }
  }
  return NULL;
}

/* ---- free resources ---------------------------------------------------------------------------- */

/* The scopes whose resources are bound around a type. */
typedef struct binder {
  const struct binder *outer;
  uint32_t scope;
} binder;

typedef struct free_search {
  tn_checker *checker;
  /* no type occurs both inside and outside of a scope whose resources it refers to */
  tn_pointer_map seen;
  bool is_found;
} free_search;

static tn_error *search_type(free_search *search, const tn_checked_type *type, const binder *bound);

static tn_error *search_parts(free_search *search, const tn_type *const *parts, uint32_t count,
                              const binder *bound) {
  for (uint32_t i = 0; parts != NULL && i < count; i++) {
    if (parts[i] != NULL) TN_TRY(search_type(search, tn_checked_from_value(parts[i]), bound));
  }
  return NULL;
}

static tn_error *search_table(free_search *search, const tn_checked_table *table,
                              const binder *bound) {
  for (uint32_t i = 0; i < table->len; i++)
    TN_TRY(search_type(search, table->items[i].item.type, bound));
  return NULL;
}

static void search_resource(free_search *search, const tn_checked_resource *resource,
                            const binder *bound) {
  while (bound != NULL && bound->scope != resource->owner)
    bound = bound->outer;
  search->is_found |= bound == NULL;
}

static tn_error *search_type(free_search *search, const tn_checked_type *type,
                             const binder *bound) {
  if (type == NULL || !type->has_identity || search->is_found) return NULL;
  if (tn_pointer_map_get(&search->seen, type) != NULL) return NULL;
  if (!tn_pointer_map_put(search->checker->arena, &search->seen, type, type))
    return tn_error_no_memory();
  TN_TRY(tn_check_spend(search->checker, STEPS_PER_ENTRY));
  binder inner = {bound, type->kind == TN_CHECKED_COMPONENT || type->kind == TN_CHECKED_INSTANCE
                             ? type->scope
                             : 0};
  switch (type->kind) {
  case TN_CHECKED_VALUE:
    if (type->handle != NULL) TN_TRY(search_type(search, type->handle, bound));
    return search_parts(search, type->value.types, type->value.count, bound);
  case TN_CHECKED_FUNC:
    TN_TRY(search_parts(search, type->func.param_types, type->func.param_count, bound));
    return search_parts(search, &type->func.result, 1, bound);
  case TN_CHECKED_COMPONENT:
    TN_TRY(search_table(search, type->imports, &inner));
    return search_table(search, type->exports, &inner);
  case TN_CHECKED_INSTANCE:
    return search_table(search, type->exports, &inner);
  case TN_CHECKED_RESOURCE:
    search_resource(search, type->resource, bound);
  }
  return NULL;
}

tn_error *tn_checked_has_free_resource(tn_checker *checker, const tn_checked_type *type,
                                       bool *out) {
  free_search search = {.checker = checker};
  TN_TRY(search_type(&search, type, NULL));
  *out = search.is_found;
  return NULL;
}
