#include <assert.h>

#include "component/validate/validate.h"

tn_error *tn_check_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_error_vnew(TN_ERROR_INVALID, format, arguments);
  va_end(arguments);
  return error;
}

/* Enough for a component that fills a hundred megabytes, reached by a hostile one within seconds. */
static const uint64_t WORK_LIMIT = 80 * 1000 * 1000;

tn_error *tn_check_spend(tn_checker *checker, uint64_t steps) {
  checker->work += steps;
  if (checker->work <= WORK_LIMIT) return NULL;
  return tn_check_fail("the types of this component take too much work to check");
}

enum { NAME_BYTES_PER_STEP = 16 };

tn_error *tn_check_spend_on_name(tn_checker *checker, tn_str name) {
  return tn_check_spend(checker, 1 + name.len / NAME_BYTES_PER_STEP);
}

/* What making a type costs: it takes memory, of which the limit above leaves some hundred megabytes. */
enum { STEPS_PER_TYPE = 100, STEPS_PER_PART = 4 };

/* ---- structure --------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number) {
  hash ^= number;
  hash *= UINT64_C(0xff51afd7ed558ccd);
  return hash ^ (hash >> 32);
}

/* How many parts a value type has in types[]. */
static uint32_t part_count(const tn_type *value) {
  return value->types == NULL ? 0 : value->count;
}

static const tn_checked_type *part_canonical(const tn_type *part) {
  return part == NULL ? NULL : tn_checked_from_value(part)->canonical;
}

static uint64_t hash_value(const tn_type *value) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  hash = hash_number(hash, (uint64_t)value->kind << 32 | value->count);
  hash = hash_number(hash, value->length);
  hash = hash_number(hash, (uintptr_t)value->resource);
  for (uint32_t i = 0; i < part_count(value); i++) {
    hash = hash_number(hash, (uintptr_t)part_canonical(value->types[i]));
  }
  for (uint32_t i = 0; value->labels != NULL && i < value->count; i++) {
    hash = hash_bytes(hash_number(hash, value->labels[i].len), value->labels[i].data,
                      value->labels[i].len);
  }
  return hash;
}

static bool is_same_structure(const tn_type *a, const tn_type *b) {
  if (a->kind != b->kind || a->count != b->count || a->length != b->length) return false;
  if (a->resource != b->resource) return false;
  for (uint32_t i = 0; i < part_count(a); i++) {
    if (part_canonical(a->types[i]) != part_canonical(b->types[i])) return false;
  }
  for (uint32_t i = 0; a->labels != NULL && i < a->count; i++) {
    if (!tn_str_equal(a->labels[i], b->labels[i])) return false;
  }
  return true;
}

/* The slot of the type of this structure, or the empty one where it belongs. Probing counts as work, lest
 * somebody makes it long. */
static const tn_checked_type **find_canonical(tn_checker *checker, const tn_type *value) {
  uint32_t at = (uint32_t)hash_value(value) & checker->canonical_mask;
  while (checker->canonical[at] != NULL &&
         !is_same_structure(&checker->canonical[at]->value, value)) {
    at = (at + 1) & checker->canonical_mask;
    checker->work++;
  }
  return &checker->canonical[at];
}

static tn_error *grow_canonical(tn_checker *checker) {
  tn_checker grown = *checker;
  uint32_t old_count = checker->canonical == NULL ? 0 : checker->canonical_mask + 1;
  uint32_t count = old_count == 0 ? 256 : old_count * 2;
  grown.canonical = TN_ARENA_ARRAY(checker->arena, const tn_checked_type *, count);
  if (grown.canonical == NULL) return tn_error_no_memory();
  grown.canonical_mask = count - 1;
  for (uint32_t i = 0; i < old_count; i++) {
    const tn_checked_type *type = checker->canonical[i];
    if (type != NULL) *find_canonical(&grown, &type->value) = type;
  }
  checker->canonical = grown.canonical;
  checker->canonical_mask = grown.canonical_mask;
  return NULL;
}

static tn_error *set_canonical(tn_checker *checker, tn_checked_type *type) {
  bool is_full =
      checker->canonical == NULL || checker->canonical_count >= checker->canonical_mask / 2;
  if (is_full) TN_TRY(grow_canonical(checker));
  const tn_checked_type **slot = find_canonical(checker, &type->value);
  if (*slot == NULL) {
    *slot = type;
    checker->canonical_count++;
  }
  type->canonical = *slot;
  return NULL;
}

/* ---- making types ------------------------------------------------------------------------------ */

static tn_error *new_type(tn_checker *checker, tn_checked_kind kind, tn_checked_type **out) {
  TN_TRY(tn_check_spend(checker, STEPS_PER_TYPE));
  *out = TN_ARENA_NEW(checker->arena, tn_checked_type);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->kind = kind;
  (*out)->size = 1;
  return NULL;
}

/* Counts the work of copying, hashing and laying out a value type. */
static tn_error *spend_on_value(tn_checker *checker, const tn_type *value) {
  uint64_t steps = (uint64_t)value->count * STEPS_PER_PART;
  for (uint32_t i = 0; value->labels != NULL && i < value->count; i++) {
    steps += value->labels[i].len / NAME_BYTES_PER_STEP;
  }
  return tn_check_spend(checker, steps);
}

/* Accounts for a part of `type`. */
static tn_error *add_part(tn_checked_type *type, const tn_checked_type *part) {
  if (part == NULL) return NULL;
  if (part->depth >= type->depth) type->depth = part->depth + 1;
  if (type->depth > TN_MAX_TYPE_DEPTH)
    return tn_check_fail("type nesting is too deep: more than %d levels", TN_MAX_TYPE_DEPTH);
  type->size += part->size; /* both at most TN_MAX_TYPE_WEIGHT */
  if (type->size > TN_MAX_TYPE_WEIGHT)
    return tn_check_fail("effective type size exceeds the limit of %d", TN_MAX_TYPE_WEIGHT);
  type->has_identity |= part->has_identity;
  return NULL;
}

static tn_error *add_value_part(tn_checked_type *type, const tn_type *part) {
  return part == NULL ? NULL : add_part(type, tn_checked_from_value(part));
}

tn_error *tn_checked_value_new(tn_checker *checker, const tn_type *value,
                               const tn_checked_type *handle, const tn_checked_type **out) {
  tn_checked_type *type;
  TN_TRY(spend_on_value(checker, value));
  TN_TRY(new_type(checker, TN_CHECKED_VALUE, &type));
  type->value = *value;
  type->handle = handle;
  for (uint32_t i = 0; i < part_count(value); i++)
    TN_TRY(add_value_part(type, value->types[i]));
  if (handle != NULL) {
    type->value.resource = &handle->resource->placeholder;
    type->has_identity = true;
  }
  TN_TRY(tn_type_finish(checker->arena, &type->value));
  TN_TRY(set_canonical(checker, type));
  *out = type;
  return NULL;
}

tn_error *tn_checked_func_new(tn_checker *checker, const tn_func_type *func,
                              const tn_checked_type **out) {
  tn_checked_type *type;
  TN_TRY(tn_check_spend(checker, (uint64_t)func->param_count * STEPS_PER_PART));
  TN_TRY(new_type(checker, TN_CHECKED_FUNC, &type));
  type->func = *func;
  for (uint32_t i = 0; i < func->param_count; i++)
    TN_TRY(add_value_part(type, func->param_types[i]));
  TN_TRY(add_value_part(type, func->result));
  *out = type;
  return NULL;
}

static tn_error *add_table_parts(tn_checked_type *type, const tn_checked_table *table) {
  for (uint32_t i = 0; table != NULL && i < table->len; i++) {
    TN_TRY(add_part(type, table->items[i].item.type));
  }
  return NULL;
}

tn_error *tn_checked_tables_new(tn_checker *checker, const tn_checked_table *imports,
                                const tn_checked_table *exports, uint32_t scope,
                                const tn_checked_type **out) {
  tn_checked_type *type;
  TN_TRY(new_type(checker, imports == NULL ? TN_CHECKED_INSTANCE : TN_CHECKED_COMPONENT, &type));
  type->imports = imports;
  type->exports = exports;
  type->scope = scope;
  TN_TRY(add_table_parts(type, imports));
  TN_TRY(add_table_parts(type, exports));
  *out = type;
  return NULL;
}

tn_error *tn_checked_resource_type(tn_checker *checker, tn_checked_resource *resource,
                                   const tn_checked_type **out) {
  tn_checked_type *type;
  TN_TRY(new_type(checker, TN_CHECKED_RESOURCE, &type));
  type->resource = resource;
  type->has_identity = true;
  *out = type;
  return NULL;
}

tn_error *tn_checked_resource_new(tn_checker *checker, uint32_t owner, bool is_imported,
                                  const tn_checked_type **out) {
  tn_checked_resource *resource = TN_ARENA_NEW(checker->arena, tn_checked_resource);
  if (resource == NULL) return tn_error_no_memory();
  resource->owner = owner;
  resource->is_imported = is_imported;
  return tn_checked_resource_type(checker, resource, out);
}

tn_error *tn_checked_alias(tn_checker *checker, const tn_checked_type *type,
                           const tn_checked_type **out) {
  tn_checked_type *copy;
  TN_TRY(new_type(checker, type->kind, &copy));
  *copy = *type;
  copy->is_named = true;
  copy->has_identity = true;
  *out = copy;
  return NULL;
}

/* ---- primitives and tables --------------------------------------------------------------------- */

tn_error *tn_checker_init(tn_checker *checker, tn_arena *arena) {
  *checker = (tn_checker){.arena = arena};
  for (uint32_t kind = 0; kind <= TN_TYPE_ERROR_CONTEXT; kind++) {
    tn_checked_type *type = &checker->primitives[kind];
    type->value = *tn_type_primitive((tn_type_kind)kind);
    type->kind = TN_CHECKED_VALUE;
    type->size = 1;
    TN_TRY(set_canonical(checker, type));
  }
  return NULL;
}

const tn_checked_type *tn_checked_primitive(const tn_checker *checker, tn_primitive primitive) {
  return &checker->primitives[tn_type_of_primitive(primitive)->kind];
}

tn_error *tn_checked_table_add(tn_checker *checker, tn_checked_table *table, tn_str name,
                               const tn_checked_item *item) {
  assert(!tn_map_has(&table->by_name, name));
  tn_checked_entry *entry = TN_VEC_PUSH(checker->arena, table);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_checked_entry){name, *item};
  void *position = (void *)(uintptr_t)table->len;
  return tn_map_put(checker->arena, &table->by_name, name, position) ? NULL : tn_error_no_memory();
}

const tn_checked_item *tn_checked_table_get(const tn_checked_table *table, tn_str name) {
  uintptr_t position = (uintptr_t)tn_map_get(&table->by_name, name);
  return position == 0 ? NULL : &table->items[position - 1].item;
}

const char *tn_checked_kind_name(const tn_checked_type *type) {
  static const char *const kind_names[] = {"defined type", "func", "component", "instance",
                                           "resource"};
  return kind_names[type->kind];
}

const char *tn_sort_name(tn_sort sort) {
  static const char *const sort_names[TN_SORT_COUNT] = {
      [TN_SORT_CORE_FUNC] = "core function",
      [TN_SORT_CORE_TABLE] = "table",
      [TN_SORT_CORE_MEMORY] = "memory",
      [TN_SORT_CORE_GLOBAL] = "global",
      [TN_SORT_CORE_TAG] = "tag",
      [TN_SORT_CORE_TYPE] = "core type",
      [TN_SORT_CORE_MODULE] = "module",
      [TN_SORT_CORE_INSTANCE] = "core instance",
      [TN_SORT_FUNC] = "func",
      [TN_SORT_VALUE] = "value",
      [TN_SORT_TYPE] = "type",
      [TN_SORT_COMPONENT] = "component",
      [TN_SORT_INSTANCE] = "instance",
  };
  return sort_names[sort];
}
