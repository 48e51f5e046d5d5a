/* Core types, module types and core instances. What is inside a core module is the engine's to check. */
#include "component/validate/validate.h"

/* ---- modules ----------------------------------------------------------------------------------- */

/* Fills in the maps of a module; two imports or two exports of one name are errors. */
static tn_error *index_module(tn_checker *checker, tn_checked_module *module) {
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    tn_str key = tn_core_import_key(checker->arena, import);
    if (key.data == NULL) return tn_error_no_memory();
    if (tn_map_has(&module->imports_by_name, key))
      return tn_check_fail("module has a duplicate import name `%" TN_STR_FORMAT ":%" TN_STR_FORMAT
                           "` that is not allowed in components",
                           TN_STR_ARG(import->module), TN_STR_ARG(import->name));
    if (!tn_map_put(checker->arena, &module->imports_by_name, key, (void *)&import->type))
      return tn_error_no_memory();
  }
  for (uint32_t i = 0; i < module->export_count; i++) {
    const tn_core_export *export = &module->exports[i];
    if (tn_map_has(&module->exports_by_name, export->name))
      return tn_check_fail("duplicate export name `%" TN_STR_FORMAT "` already defined",
                           TN_STR_ARG(export->name));
    if (!tn_map_put(checker->arena, &module->exports_by_name, export->name, (void *)&export->type))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *check_has_func(const tn_core_extern_type *type) {
  bool needs_func = type->kind == TN_CORE_EXTERN_FUNC || type->kind == TN_CORE_EXTERN_TAG;
  if (!needs_func || type->func != NULL) return NULL;
  return tn_check_fail("type index %u is not a function type", type->type_index);
}

tn_error *tn_check_core_module(tn_checker *checker, const tn_core_module *module,
                               const tn_checked_module **out) {
  tn_checked_module *checked = TN_ARENA_NEW(checker->arena, tn_checked_module);
  if (checked == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < module->import_count; i++)
    TN_TRY(check_has_func(&module->imports[i].type));
  for (uint32_t i = 0; i < module->export_count; i++)
    TN_TRY(check_has_func(&module->exports[i].type));
  *checked = (tn_checked_module){.import_count = module->import_count,
                                 .export_count = module->export_count,
                                 .imports = module->imports,
                                 .exports = module->exports};
  *out = checked;
  return index_module(checker, checked);
}

/* ---- core types -------------------------------------------------------------------------------- */

/* A reference may be to any type of `space` and to those up to index `known`, which are about to be added. */
static tn_error *check_core_valtypes(const tn_core_type_space *space, const tn_core_valtype *types,
                                     uint32_t count, uint64_t known) {
  for (uint32_t i = 0; i < count; i++) {
    bool is_defined = (types[i].code == 0x63 || types[i].code == 0x64) && types[i].heap >= 0;
    if (!is_defined) continue;
    uint32_t index = (uint32_t)types[i].heap;
    if (index >= known) return tn_check_fail("unknown type %u: type index out of bounds", index);
    if (index < space->len && space->items[index].type == NULL)
      return tn_check_fail("type index %u is a module type", index);
  }
  return NULL;
}

/* Adds a type that is not a module type. It may refer to those before it and to its own rec group. */
static tn_error *add_core_type(tn_checker *checker, tn_core_type_space *space,
                               const tn_core_type *type) {
  uint64_t known = (uint64_t)space->len - type->group_index + type->group_size;
  TN_TRY(check_core_valtypes(space, type->func.params, type->func.param_count, known));
  TN_TRY(check_core_valtypes(space, type->func.results, type->func.result_count, known));
  if (type->has_supertype) {
    if (type->supertype >= space->len)
      return tn_check_fail("unknown type %u: type index out of bounds", type->supertype);
    const tn_core_type *supertype = space->items[type->supertype].type;
    if (supertype == NULL || supertype->kind != type->kind || supertype->is_final)
      return tn_check_fail("sub type must match super type");
  }
  tn_checked_core_type *element = TN_VEC_PUSH(checker->arena, space);
  if (element == NULL) return tn_error_no_memory();
  element->type = type;
  return NULL;
}

/* ---- module types ------------------------------------------------------------------------------ */

/* A module type being read. Its types have an index space of their own. */
typedef struct module_type {
  tn_scope *outer;
  tn_core_type_space types;
  TN_VEC(tn_core_import) imports;
  TN_VEC(tn_core_export) exports;
} module_type;

static tn_error *check_limits(const tn_core_extern_type *type) {
  const tn_core_limits *limits = &type->limits;
  bool is_memory = type->kind == TN_CORE_EXTERN_MEMORY;
  if (!is_memory && type->kind != TN_CORE_EXTERN_TABLE) return NULL;
  if (limits->has_max && limits->min > limits->max)
    return tn_check_fail("size minimum must not be greater than maximum");
  if (!is_memory) return NULL;
  uint32_t page_log2 = limits->has_page_size ? limits->page_size_log2 : 16;
  if (page_log2 != 0 && page_log2 != 16) return tn_check_fail("invalid custom page size");
  uint32_t most_log2 = (limits->is_64 ? 64 : 32) - page_log2;
  uint64_t most = most_log2 == 64 ? UINT64_MAX : UINT64_C(1) << most_log2;
  if (limits->min > most || (limits->has_max && limits->max > most))
    return tn_check_fail("memory size must be at most 0x%llx %llu-byte pages",
                         (unsigned long long)most, 1ULL << page_log2);
  if (limits->is_shared && !limits->has_max)
    return tn_check_fail("shared memory must have maximum size");
  return NULL;
}

/* Finds the function type that a declarator refers to, and checks everything else. */
static tn_error *resolve_extern_type(const module_type *module, tn_core_extern_type *type) {
  TN_TRY(check_limits(type));
  TN_TRY(check_core_valtypes(&module->types, &type->valtype, 1, module->types.len));
  if (type->kind != TN_CORE_EXTERN_FUNC && type->kind != TN_CORE_EXTERN_TAG) return NULL;
  if (type->type_index >= module->types.len)
    return tn_check_fail("unknown type %u: type index out of bounds", type->type_index);
  const tn_core_type *core_type = module->types.items[type->type_index].type;
  if (core_type->kind != TN_CORE_TYPE_FUNC)
    return tn_check_fail("type index %u is not a function type", type->type_index);
  type->func = &core_type->func;
  if (type->kind == TN_CORE_EXTERN_TAG && core_type->func.result_count > 0)
    return tn_check_fail("invalid exception type: non-empty tag result type");
  return NULL;
}

static tn_error *find_outer_core_type(const tn_scope *scope, uint32_t count, uint32_t index,
                                      const tn_checked_core_type **out) {
  const tn_scope *target = scope;
  for (uint32_t i = 1; i < count && target != NULL; i++)
    target = target->outer;
  if (target == NULL) return tn_check_fail("invalid outer alias count of %u", count);
  return tn_scope_core_type(target, index, out);
}

static tn_error *declare_alias(tn_checker *checker, module_type *module, uint32_t count,
                               uint32_t index) {
  tn_checked_core_type aliased;
  if (count == 0) {
    if (index >= module->types.len)
      return tn_check_fail("unknown type %u: type index out of bounds", index);
    aliased = module->types.items[index];
  } else {
    const tn_checked_core_type *found;
    TN_TRY(find_outer_core_type(module->outer, count, index, &found));
    aliased = *found;
  }
  if (aliased.type == NULL)
    return tn_check_fail("outer aliases in a module type may not refer to module types");
  tn_checked_core_type *element = TN_VEC_PUSH(checker->arena, &module->types);
  if (element == NULL) return tn_error_no_memory();
  *element = aliased;
  return NULL;
}

static tn_error *declare_import(tn_checker *checker, module_type *module,
                                const tn_core_import *declared) {
  tn_core_import *import = TN_VEC_PUSH(checker->arena, &module->imports);
  if (import == NULL) return tn_error_no_memory();
  *import = *declared;
  return resolve_extern_type(module, &import->type);
}

static tn_error *declare_export(tn_checker *checker, module_type *module,
                                const tn_core_export *declared) {
  tn_core_export *export = TN_VEC_PUSH(checker->arena, &module->exports);
  if (export == NULL) return tn_error_no_memory();
  *export = *declared;
  return resolve_extern_type(module, &export->type);
}

static tn_error *declare(tn_checker *checker, module_type *module, const tn_core_decl *decl) {
  switch (decl->kind) {
  case TN_CORE_DECL_IMPORT:
    return declare_import(checker, module, &decl->import);
  case TN_CORE_DECL_TYPE:
    if (decl->type->kind == TN_CORE_TYPE_MODULE)
      return tn_check_fail("module types may not be defined within a module type");
    return add_core_type(checker, &module->types, decl->type);
  case TN_CORE_DECL_ALIAS_OUTER:
    return declare_alias(checker, module, decl->outer.count, decl->outer.index);
  case TN_CORE_DECL_EXPORT:
    return declare_export(checker, module, &decl->export_);
  }
  return NULL;
}

static tn_error *check_module_type(tn_checker *checker, tn_scope *scope, const tn_core_type *type,
                                   const tn_checked_module **out) {
  module_type module = {.outer = scope};
  for (uint32_t i = 0; i < type->decl_count; i++)
    TN_TRY(declare(checker, &module, &type->decls[i]));
  tn_checked_module *checked = TN_ARENA_NEW(checker->arena, tn_checked_module);
  if (checked == NULL) return tn_error_no_memory();
  *checked = (tn_checked_module){.import_count = module.imports.len,
                                 .export_count = module.exports.len,
                                 .imports = module.imports.items,
                                 .exports = module.exports.items};
  *out = checked;
  return index_module(checker, checked);
}

tn_error *tn_check_core_type(tn_checker *checker, tn_scope *scope, const tn_core_type *type) {
  if (type->kind != TN_CORE_TYPE_MODULE) return add_core_type(checker, &scope->core_types, type);
  const tn_checked_module *module;
  TN_TRY(check_module_type(checker, scope, type, &module));
  tn_checked_core_type *element = TN_VEC_PUSH(checker->arena, &scope->core_types);
  if (element == NULL) return tn_error_no_memory();
  element->module = module;
  return NULL;
}

/* ---- core instances ---------------------------------------------------------------------------- */

/* The arguments of an instantiation by name. */
static tn_error *gather_core_arguments(tn_checker *checker, const tn_scope *scope,
                                       const tn_ast_core_instance *instance, tn_map *out) {
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_core_argument *argument = &instance->arguments[i];
    const tn_map *exports;
    if (argument->item.sort != TN_SORT_CORE_INSTANCE)
      return tn_check_fail("only core instances can be arguments of a module instantiation");
    TN_TRY(tn_scope_core_instance(scope, argument->item.index, &exports));
    if (tn_map_has(out, argument->name))
      return tn_check_fail("duplicate module instantiation argument named `%" TN_STR_FORMAT "`",
                           TN_STR_ARG(argument->name));
    if (!tn_map_put(checker->arena, out, argument->name, (void *)exports))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *check_core_argument(tn_checker *checker, const tn_map *arguments,
                                     const tn_core_import *import) {
  TN_TRY(tn_check_spend_on_name(checker, import->module));
  TN_TRY(tn_check_spend_on_name(checker, import->name));
  const tn_map *exports = tn_map_get(arguments, import->module);
  if (exports == NULL)
    return tn_check_fail("missing module instantiation argument named `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(import->module));
  const tn_core_extern_type *given = tn_map_get(exports, import->name);
  if (given == NULL)
    return tn_check_fail("module instantiation argument `%" TN_STR_FORMAT
                         "` does not export an item named `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(import->module), TN_STR_ARG(import->name));
  return tn_error_wrap(tn_check_core_subtype(given, &import->type),
                       "type mismatch for export `%" TN_STR_FORMAT
                       "` of module instantiation argument `%" TN_STR_FORMAT "`",
                       TN_STR_ARG(import->name), TN_STR_ARG(import->module));
}

static tn_error *instantiate_module(tn_checker *checker, tn_scope *scope,
                                    const tn_ast_core_instance *instance) {
  const tn_checked_module *module;
  tn_map arguments = {0};
  TN_TRY(tn_scope_core_module(scope, instance->module, &module));
  TN_TRY(gather_core_arguments(checker, scope, instance, &arguments));
  for (uint32_t i = 0; i < module->import_count; i++) {
    TN_TRY(check_core_argument(checker, &arguments, &module->imports[i]));
  }
  return tn_scope_add_core_instance(checker, scope, &module->exports_by_name);
}

/* The type of a core item that an inline export refers to. */
static tn_error *inline_export_type(tn_checker *checker, const tn_scope *scope, tn_sort_index at,
                                    const tn_core_extern_type **out) {
  if (at.sort != TN_SORT_CORE_FUNC) return tn_scope_core_extern(scope, at.sort, at.index, out);
  const tn_core_func_type *func;
  TN_TRY(tn_scope_core_func(scope, at.index, &func));
  tn_core_extern_type *type = TN_ARENA_NEW(checker->arena, tn_core_extern_type);
  if (type == NULL) return tn_error_no_memory();
  type->kind = TN_CORE_EXTERN_FUNC;
  type->func = func;
  *out = type;
  return NULL;
}

static tn_error *tuple_core_exports(tn_checker *checker, tn_scope *scope,
                                    const tn_ast_core_instance *instance) {
  tn_map *exports = TN_ARENA_NEW(checker->arena, tn_map);
  if (exports == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_core_argument *export = &instance->arguments[i];
    const tn_core_extern_type *type;
    TN_TRY(inline_export_type(checker, scope, export->item, &type));
    if (tn_map_has(exports, export->name))
      return tn_check_fail("duplicate instantiation export name `%" TN_STR_FORMAT
                           "` already defined",
                           TN_STR_ARG(export->name));
    if (!tn_map_put(checker->arena, exports, export->name, (void *)type))
      return tn_error_no_memory();
  }
  return tn_scope_add_core_instance(checker, scope, exports);
}

tn_error *tn_check_core_instance(tn_checker *checker, tn_scope *scope,
                                 const tn_ast_core_instance *instance) {
  return instance->is_instantiate ? instantiate_module(checker, scope, instance)
                                  : tuple_core_exports(checker, scope, instance);
}
