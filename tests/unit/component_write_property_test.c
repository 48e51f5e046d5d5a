/* What the writer makes from random valid components reads back to the same tree. */
#include "test.h"

#include "base/arena.h"
#include "component/component.h"
#include "component/write/builder.h"
#include "component/write/write.h"
#include "component_equal.h"

/* ---- randomness: xorshift, so that a failure can be repeated from its seed ------------------------------ */

static uint64_t random_state;

static uint32_t below(uint32_t bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % bound);
}

/* ---- what a component has so far ------------------------------------------------------------------------ */

enum { MAX_KNOWN = 64, MAX_FIELDS = 5, STEPS = 24 };

typedef struct index_list {
  uint32_t count;
  uint32_t items[MAX_KNOWN];
} index_list;

static void know(index_list *list, uint32_t index) {
  if (list->count < MAX_KNOWN) list->items[list->count++] = index;
}

static uint32_t any_of(const index_list *list) {
  return list->items[below(list->count)];
}

/* A component or, with `decls`, an instance type that is being made. */
typedef struct maker {
  tn_arena *arena;
  tn_component_builder builder;
  uint32_t depth;
  uint32_t name_count;
  index_list values;    /* types that functions of the outside may have */
  index_list resources; /* types, imported */
  index_list own;       /* types of resources defined here, which imports may not mention */
  index_list functions; /* types of functions */
  index_list callables; /* functions */
  index_list instances;
  index_list components; /* without imports */
  index_list modules;    /* with one function "f" of type [] -> [] */
  index_list plain;      /* functions without parameters and results */
  bool has_imports;
} maker;

static tn_str fresh_name(maker *m) {
  return tn_arena_format(m->arena, "%c%u-x", (char)('a' + below(26)), m->name_count++);
}

static void *keep(maker *m, const void *bytes, size_t size) {
  return memcpy(tn_arena_alloc(m->arena, size, 8), bytes, size);
}

/* ---- types ---------------------------------------------------------------------------------------------- */

static tn_ast_valtype random_valtype(maker *m) {
  if (m->values.count > 0 && below(2) == 0) {
    return (tn_ast_valtype){.is_index = true, .index = any_of(&m->values)};
  }
  return (tn_ast_valtype){.primitive = below(TN_PRIM_STRING + 1)};
}

static tn_ast_valtype maybe_valtype(maker *m) {
  return below(3) == 0 ? (tn_ast_valtype){.is_absent = true} : random_valtype(m);
}

typedef enum field_form { LABELLED, UNLABELLED, LABELS_ONLY, CASES } field_form;

static void add_fields(maker *m, tn_ast_type *type, field_form form, uint32_t least) {
  type->field_count = least + below(MAX_FIELDS);
  tn_ast_field *fields = TN_ARENA_ARRAY(m->arena, tn_ast_field, type->field_count);
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (form != UNLABELLED) fields[i].label = tn_arena_format(m->arena, "f%u", i);
    fields[i].type = form == LABELS_ONLY ? (tn_ast_valtype){.is_absent = true}
                     : form == CASES     ? maybe_valtype(m)
                                         : random_valtype(m);
  }
  type->fields = fields;
}

static uint32_t add_type(maker *m, const tn_ast_type *type) {
  uint32_t index;
  assert_ok(tn_builder_add_type(&m->builder, keep(m, type, sizeof *type), &index));
  return index;
}

/* Functions of the outside may only have such a type by a name that the outside gives it. */
static uint32_t import_type(maker *m, tn_ast_extern_type type) {
  uint32_t index;
  m->has_imports = true;
  assert_ok(tn_builder_add_import(&m->builder, fresh_name(m), type, &index));
  return index;
}

static void make_anonymous_type(maker *m) {
  static const tn_ast_type_kind kinds[] = {TN_AST_PRIMITIVE, TN_AST_LIST,   TN_AST_TUPLE,
                                           TN_AST_OPTION,    TN_AST_RESULT, TN_AST_FUTURE,
                                           TN_AST_STREAM,    TN_AST_OWN};
  tn_ast_type type = {.kind = kinds[below(sizeof kinds / sizeof *kinds)]};
  if (type.kind == TN_AST_OWN && m->resources.count == 0) return;
  switch (type.kind) {
  case TN_AST_PRIMITIVE: /* no characters, which streams may not carry */
    type.primitive = below(TN_PRIM_CHAR);
    break;
  case TN_AST_TUPLE:
    add_fields(m, &type, UNLABELLED, 1);
    break;
  case TN_AST_OWN:
    type.resource = any_of(&m->resources);
    break;
  case TN_AST_RESULT:
    type.element = maybe_valtype(m);
    type.error = maybe_valtype(m);
    break;
  case TN_AST_FUTURE:
  case TN_AST_STREAM:
    type.element = maybe_valtype(m);
    if (!type.element.is_index && type.element.primitive == TN_PRIM_CHAR)
      type.element.primitive = TN_PRIM_U8;
    break;
  default:
    type.element = random_valtype(m);
  }
  know(&m->values, add_type(m, &type));
}

static void make_named_type(maker *m) {
  tn_ast_type type = {0};
  switch (below(4)) {
  case 0:
    type.kind = TN_AST_RECORD;
    add_fields(m, &type, LABELLED, 1);
    break;
  case 1:
    type.kind = TN_AST_VARIANT;
    add_fields(m, &type, CASES, 1);
    break;
  case 2:
    type.kind = TN_AST_ENUM;
    add_fields(m, &type, LABELS_ONLY, 1);
    break;
  default:
    type.kind = TN_AST_FLAGS;
    add_fields(m, &type, LABELS_ONLY, 1);
  }
  const tn_ast_extern_type equal = {.sort = TN_SORT_TYPE, .index = add_type(m, &type)};
  know(&m->values, import_type(m, equal));
}

static void make_resource(maker *m) {
  const tn_ast_extern_type some = {.sort = TN_SORT_TYPE, .bound = TN_BOUND_SUB_RESOURCE};
  if (below(2) == 0) {
    know(&m->resources, import_type(m, some));
    return;
  }
  const tn_ast_type own = {.kind = TN_AST_RESOURCE, .representation = {.code = 0x7f}};
  uint32_t index = add_type(m, &own);
  assert_ok(tn_builder_add_export(&m->builder, fresh_name(m), (tn_sort_index){TN_SORT_TYPE, index},
                                  NULL));
  know(&m->own, index);
}

static void make_function_type(maker *m) {
  tn_ast_type type = {.kind = TN_AST_FUNC, .is_async = below(4) == 0};
  add_fields(m, &type, LABELLED, 0);
  type.element = maybe_valtype(m);
  know(&m->functions, add_type(m, &type));
}

/* ---- imports, exports and instances --------------------------------------------------------------------- */

static void import_function(maker *m) {
  if (m->functions.count == 0) return;
  uint32_t index;
  const tn_ast_extern_type type = {.sort = TN_SORT_FUNC, .index = any_of(&m->functions)};
  m->has_imports = true;
  assert_ok(tn_builder_add_import(&m->builder, fresh_name(m), type, &index));
  know(&m->callables, index);
}

static void import_instance(maker *m) {
  tn_decl_builder decls = {.arena = m->arena};
  tn_ast_type *func = TN_ARENA_NEW(m->arena, tn_ast_type);
  const tn_ast_type *type;
  uint32_t index;
  *func = (tn_ast_type){.kind = TN_AST_FUNC, .element = {.is_absent = true}};
  if (m->values.count > 0) {
    assert_ok(tn_decl_builder_add_outer(&decls, TN_SORT_TYPE, 1, any_of(&m->values), &index));
    func->element = (tn_ast_valtype){.is_index = true, .index = index};
  }
  assert_ok(tn_decl_builder_add_type(&decls, func, &index));
  const tn_ast_extern_type member = {.sort = TN_SORT_FUNC, .index = index};
  assert_ok(tn_decl_builder_add_export(&decls, TN_STR("f"), member, NULL));
  assert_ok(tn_decl_builder_finish(&decls, TN_AST_INSTANCE, &type));
  const tn_ast_extern_type instance = {.sort = TN_SORT_INSTANCE, .index = add_type(m, type)};
  m->has_imports = true;
  tn_str name = tn_arena_format(m->arena, "a:b/c%u@1.%u.0", m->name_count++, below(300));
  assert_ok(tn_builder_add_import(&m->builder, name, instance, &index));
  assert_ok(tn_builder_add_alias(&m->builder, index, TN_STR("f"), TN_SORT_FUNC, &index));
  know(&m->callables, index);
}

static void export_function(maker *m) {
  if (m->callables.count == 0) return;
  const tn_sort_index item = {TN_SORT_FUNC, any_of(&m->callables)};
  assert_ok(tn_builder_add_export(&m->builder, fresh_name(m), item, NULL));
}

static void bundle_function(maker *m) {
  if (m->callables.count == 0) return;
  tn_ast_argument *argument = TN_ARENA_NEW(m->arena, tn_ast_argument);
  *argument = (tn_ast_argument){.name = {.name = fresh_name(m)},
                                .item = {TN_SORT_FUNC, any_of(&m->callables)}};
  const tn_definition bundle = {
      .kind = TN_DEFINITION_INSTANCE,
      .instance = {.argument_count = 1, .arguments = argument},
  };
  uint32_t index;
  assert_ok(tn_builder_add(&m->builder, &bundle, &index));
  know(&m->instances, index);
}

static void export_instance(maker *m) {
  if (m->instances.count == 0) return;
  const tn_sort_index item = {TN_SORT_INSTANCE, any_of(&m->instances)};
  assert_ok(tn_builder_add_export(&m->builder, fresh_name(m), item, NULL));
}

/* ---- core modules and canonical definitions ------------------------------------------------------------- */

static void make_module(maker *m) {
  static const tn_core_module module = {
      .bytes = TN_STR("\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\5\1\1f\0\0\x0a\4\1\2\0\x0b")};
  uint32_t index;
  assert_ok(tn_builder_add_core_module(&m->builder, &module, &index));
  know(&m->modules, index);
}

static void lift_function(maker *m) {
  if (m->modules.count == 0) return;
  static const tn_ast_type plain = {.kind = TN_AST_FUNC, .element = {.is_absent = true}};
  uint32_t instance, func, lifted;
  tn_definition definition = {
      .kind = TN_DEFINITION_CORE_INSTANCE,
      .core_instance = {.is_instantiate = true, .module = any_of(&m->modules)},
  };
  assert_ok(tn_builder_add(&m->builder, &definition, &instance));
  definition = (tn_definition){
      .kind = TN_DEFINITION_ALIAS,
      .alias = {TN_ALIAS_CORE_EXPORT, TN_SORT_CORE_FUNC, instance, TN_STR("f"), 0, 0},
  };
  assert_ok(tn_builder_add(&m->builder, &definition, &func));
  definition = (tn_definition){
      .kind = TN_DEFINITION_CANON,
      .canon = {.kind = TN_CANON_LIFT, .func = func, .type = add_type(m, &plain)},
  };
  assert_ok(tn_builder_add(&m->builder, &definition, &lifted));
  know(&m->callables, lifted);
  know(&m->plain, lifted);
}

static void lower_function(maker *m) {
  if (m->plain.count == 0) return;
  const tn_definition definition = {
      .kind = TN_DEFINITION_CANON,
      .canon = {.kind = TN_CANON_LOWER, .func = any_of(&m->plain)},
  };
  assert_ok(tn_builder_add(&m->builder, &definition, NULL));
}

static void handle_resource(maker *m) {
  const index_list *list = below(2) == 0 ? &m->resources : &m->own;
  if (list->count == 0) return;
  static const tn_canon_kind kinds[] = {TN_CANON_RESOURCE_DROP, TN_CANON_RESOURCE_NEW,
                                        TN_CANON_RESOURCE_REP};
  const tn_definition definition = {
      .kind = TN_DEFINITION_CANON,
      .canon = {.kind = kinds[list == &m->own ? below(3) : 0], .type = any_of(list)},
  };
  assert_ok(tn_builder_add(&m->builder, &definition, NULL));
}

/* ---- components ----------------------------------------------------------------------------------------- */

static const tn_component_ast *make_component(tn_arena *arena, uint32_t depth, bool *has_imports);

static void nest_component(maker *m) {
  if (m->depth == 0) return;
  bool has_imports;
  uint32_t index;
  const tn_component_ast *component = make_component(m->arena, m->depth - 1, &has_imports);
  assert_ok(tn_builder_add_component(&m->builder, component, &index));
  if (!has_imports) know(&m->components, index);
}

static void instantiate_component(maker *m) {
  if (m->components.count == 0) return;
  const tn_definition definition = {
      .kind = TN_DEFINITION_INSTANCE,
      .instance = {.is_instantiate = true, .component = any_of(&m->components)},
  };
  uint32_t index;
  assert_ok(tn_builder_add(&m->builder, &definition, &index));
  know(&m->instances, index);
}

static void add_custom(maker *m) {
  assert_ok(tn_builder_add_custom(&m->builder, fresh_name(m),
                                  tn_arena_format(m->arena, "%u", below(1000))));
}

typedef void (*make_func)(maker *m);

static const tn_component_ast *make_component(tn_arena *arena, uint32_t depth, bool *has_imports) {
  static const make_func steps[] = {
      make_anonymous_type, make_anonymous_type, make_named_type,       make_resource,
      make_function_type,  make_function_type,  import_function,       import_instance,
      export_function,     bundle_function,     export_instance,       make_module,
      lift_function,       lower_function,      handle_resource,       nest_component,
      nest_component,      lift_function,       instantiate_component, add_custom,
  };
  maker m = {.arena = arena, .builder = {.arena = arena}, .depth = depth};
  if (below(4) == 0) m.builder.name = fresh_name(&m);
  for (uint32_t i = below(STEPS) + 1; i > 0; i--)
    steps[below(sizeof steps / sizeof *steps)](&m);
  const tn_component_ast *component;
  assert_ok(tn_builder_finish(&m.builder, &component));
  *has_imports = m.has_imports;
  return component;
}

/* Returns the number of bytes written. */
static size_t check_round_trip(uint64_t seed) {
  tn_arena arena = {0}, scratch = {0};
  tn_buffer file = {0}, again = {0};
  bool has_imports;
  const tn_component_ast *read;
  random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  const tn_component_ast *made = make_component(&arena, 3, &has_imports);
  assert_ok(tn_component_write(&file, made));
  assert_ok(tn_component_decode(&arena, tn_buffer_str(&file), &read));
  if (!components_are_equal(made, read))
    fail_msg("seed %llu reads back differently", (unsigned long long)seed);
  tn_error *error = tn_component_validate(&scratch, read);
  if (error != NULL)
    fail_msg("seed %llu: %s", (unsigned long long)seed, tn_error_get_message(error));
  assert_ok(tn_component_write(&again, read));
  assert_true(tn_str_equal(tn_buffer_str(&file), tn_buffer_str(&again)));
  size_t size = file.len;
  tn_buffer_free(&again);
  tn_buffer_free(&file);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return size;
}

static void random_valid_components_read_back_the_same(void **state) {
  (void)state;
  enum { COMPONENTS = 1000 };
  size_t total = 0;
  for (uint64_t seed = 1; seed <= COMPONENTS; seed++)
    total += check_round_trip(seed);
  assert_true(total > COMPONENTS * 100); /* they are not mostly empty */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_valid_components_read_back_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
