/* Each module that is taken out becomes an import of the outermost component, where these imports are the first
 * core modules, and in a nested component an alias of it. So the other core modules of the outermost component
 * get new indices; those of nested ones keep theirs. */
#include "compose/unbundle.h"

#include "base/error.h"
#include "base/pointer_map.h"
#include "base/vec.h"
#include "base/wasm_bytes.h"

typedef struct taken_module {
  const tn_core_module *module;
  uint32_t index; /* among the imports */
} taken_module;

typedef struct unbundler {
  tn_arena *arena;
  size_t threshold;
  tn_unbundle_func take;
  void *data;
  tn_pointer_map
      taken; /* definition of a module -> taken_module; equal ones are taken one by one */
  TN_VEC(taken_module *) modules;
  TN_VEC(uint32_t) new_indices; /* of the outermost component's core modules, by their old ones */
} unbundler;

/* ---- module types --------------------------------------------------------------------------------------- */

static bool has_type_index(tn_core_valtype type) {
  return (type.code == 0x63 || type.code == 0x64) && type.heap >= 0;
}

static void write_valtype(tn_buffer *out, tn_core_valtype type, bool *is_supported) {
  if (has_type_index(type)) *is_supported = false;
  tn_buffer_append_byte(out, type.code);
  if (type.code == 0x63 || type.code == 0x64) tn_wasm_s64(out, type.heap);
}

static void write_valtypes(tn_buffer *out, const tn_core_valtype *types, uint32_t count,
                           bool *is_supported) {
  tn_wasm_u32(out, count);
  for (uint32_t i = 0; i < count; i++)
    write_valtype(out, types[i], is_supported);
}

static void write_u64(tn_buffer *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    tn_buffer_append_byte(out, (uint8_t)(value | 0x80));
  tn_buffer_append_byte(out, (uint8_t)value);
}

static void write_limits(tn_buffer *out, const tn_core_limits *limits) {
  enum { HAS_MAX = 1, SHARED = 2, IS_64 = 4, HAS_PAGE_SIZE = 8 };
  int flags = (limits->has_max ? HAS_MAX : 0) | (limits->is_shared ? SHARED : 0) |
              (limits->is_64 ? IS_64 : 0) | (limits->has_page_size ? HAS_PAGE_SIZE : 0);
  tn_buffer_append_byte(out, (uint8_t)flags);
  write_u64(out, limits->min);
  if (limits->has_max) write_u64(out, limits->max);
  if (limits->has_page_size) tn_wasm_u32(out, limits->page_size_log2);
}

/* A declarator of the function type that the next import or export has, if it has one. */
static void write_func_type(tn_buffer *out, const tn_core_extern_type *type, uint32_t *decl_count,
                            bool *is_supported) {
  enum { DECL_TYPE = 0x01, FUNC_TYPE = 0x60 };
  if (type->kind != TN_CORE_EXTERN_FUNC && type->kind != TN_CORE_EXTERN_TAG) return;
  if (type->func == NULL) {
    *is_supported = false;
    return;
  }
  ++*decl_count;
  tn_buffer_append_byte(out, DECL_TYPE);
  tn_buffer_append_byte(out, FUNC_TYPE);
  write_valtypes(out, type->func->params, type->func->param_count, is_supported);
  write_valtypes(out, type->func->results, type->func->result_count, is_supported);
}

/* `type_count` types have been declared, the last of which is this one's. */
static void write_extern_type(tn_buffer *out, const tn_core_extern_type *type, uint32_t type_count,
                              bool *is_supported) {
  tn_buffer_append_byte(out, (uint8_t)type->kind);
  switch (type->kind) {
  case TN_CORE_EXTERN_TAG:
    tn_buffer_append_byte(out, 0);
    tn_wasm_u32(out, type_count - 1);
    break;
  case TN_CORE_EXTERN_FUNC:
    tn_wasm_u32(out, type_count - 1);
    break;
  case TN_CORE_EXTERN_TABLE:
    write_valtype(out, type->valtype, is_supported);
    write_limits(out, &type->limits);
    break;
  case TN_CORE_EXTERN_MEMORY:
    write_limits(out, &type->limits);
    break;
  case TN_CORE_EXTERN_GLOBAL:
    write_valtype(out, type->valtype, is_supported);
    tn_buffer_append_byte(out, (uint8_t)(type->is_mutable | type->is_shared << 1));
    break;
  }
}

/* Binary.md `core:moduletype`. */
static bool write_module_type(tn_buffer *out, const tn_core_module *module) {
  enum { MODULE_TYPE = 0x50, DECL_IMPORT = 0x00, DECL_EXPORT = 0x03 };
  tn_buffer decls = {0};
  uint32_t types = 0;
  bool is_supported = true;
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    write_func_type(&decls, &import->type, &types, &is_supported);
    tn_buffer_append_byte(&decls, DECL_IMPORT);
    tn_wasm_bytes(&decls, import->module);
    tn_wasm_bytes(&decls, import->name);
    write_extern_type(&decls, &import->type, types, &is_supported);
  }
  for (uint32_t i = 0; i < module->export_count; i++) {
    const tn_core_export *export_ = &module->exports[i];
    write_func_type(&decls, &export_->type, &types, &is_supported);
    tn_buffer_append_byte(&decls, DECL_EXPORT);
    tn_wasm_bytes(&decls, export_->name);
    write_extern_type(&decls, &export_->type, types, &is_supported);
  }
  tn_buffer_append_byte(out, MODULE_TYPE);
  tn_wasm_u32(out, types + module->import_count + module->export_count);
  tn_buffer_append_str(out, tn_buffer_str(&decls));
  out->failed |= decls.failed;
  tn_buffer_free(&decls);
  return is_supported;
}

static tn_error *module_type(unbundler *u, const tn_core_module *module, const tn_core_type **out) {
  tn_core_type *type = TN_ARENA_NEW(u->arena, tn_core_type);
  tn_buffer bytes = {0};
  bool is_supported = write_module_type(&bytes, module);
  tn_str copy = bytes.failed ? (tn_str){NULL, 0} : tn_arena_copy(u->arena, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
  if (type == NULL || copy.data == NULL) return tn_error_no_memory();
  if (!is_supported) {
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "a core module imports or exports something of a type that it defines "
                        "itself, and cannot be imported");
  }
  *type = (tn_core_type){.kind = TN_CORE_TYPE_MODULE, .group_size = 1, .encoded = copy};
  *out = type;
  return NULL;
}

/* ---- which modules are taken ---------------------------------------------------------------------------- */

static tn_error *take_module(unbundler *u, const tn_definition *definition) {
  taken_module *taken = TN_ARENA_NEW(u->arena, taken_module);
  taken_module **slot = TN_VEC_PUSH(u->arena, &u->modules);
  if (taken == NULL || slot == NULL) return tn_error_no_memory();
  *taken = (taken_module){definition->core_module, u->modules.len - 1};
  *slot = taken;
  bool is_put = tn_pointer_map_put(u->arena, &u->taken, definition, taken);
  return is_put ? NULL : tn_error_no_memory();
}

/* NULL: it stays where it is. */
static const taken_module *find_taken(const unbundler *u, const tn_definition *definition) {
  return tn_pointer_map_get(&u->taken, definition);
}

static bool is_large(const unbundler *u, const tn_definition *definition) {
  return definition->kind == TN_DEFINITION_CORE_MODULE &&
         definition->core_module->bytes.len > u->threshold;
}

/* The decoder bounds how deep components nest. */
static tn_error *find_modules(unbundler *u, const tn_component_ast *component) {
  for (uint32_t i = 0; i < component->definition_count; i++) {
    const tn_definition *definition = &component->definitions[i];
    if (is_large(u, definition)) TN_TRY(take_module(u, definition));
    if (definition->kind == TN_DEFINITION_COMPONENT) TN_TRY(find_modules(u, definition->component));
  }
  return NULL;
}

static bool adds_core_module(const tn_definition *definition) {
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return true;
  case TN_DEFINITION_ALIAS:
    return definition->alias.sort == TN_SORT_CORE_MODULE;
  case TN_DEFINITION_IMPORT:
    return definition->import.type.sort == TN_SORT_CORE_MODULE;
  case TN_DEFINITION_EXPORT:
    return definition->export_.item.sort == TN_SORT_CORE_MODULE;
  default:
    return false;
  }
}

static tn_error *number_modules(unbundler *u, const tn_component_ast *component) {
  uint32_t next = u->modules.len;
  for (uint32_t i = 0; i < component->definition_count; i++) {
    const tn_definition *definition = &component->definitions[i];
    if (!adds_core_module(definition)) continue;
    uint32_t *index = TN_VEC_PUSH(u->arena, &u->new_indices);
    if (index == NULL) return tn_error_no_memory();
    const taken_module *taken = find_taken(u, definition);
    *index = taken != NULL ? taken->index : next++;
  }
  return NULL;
}

/* ---- core types ------------------------------------------------------------------------------------------- */

/* The types of the new imports come before all core types that the component has, which get new indices by that.
 * What names core types within the encoded form of a type cannot be renumbered. */

static bool names_core_types(const tn_core_valtype *types, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (has_type_index(types[i])) return true;
  }
  return false;
}

static bool core_type_is_closed(const tn_core_type *type) {
  if (type->group_size != 1 || type->has_supertype) return false;
  if (type->kind == TN_CORE_TYPE_FUNC)
    return !names_core_types(type->func.params, type->func.param_count) &&
           !names_core_types(type->func.results, type->func.result_count);
  for (uint32_t i = 0; i < type->decl_count; i++) {
    if (type->decls[i].kind == TN_CORE_DECL_ALIAS_OUTER) return false;
  }
  return type->kind == TN_CORE_TYPE_MODULE;
}

/* The decoder bounds how deep types nest. */
static bool type_is_closed(const tn_ast_type *type) {
  for (uint32_t i = 0; i < type->decl_count; i++) {
    const tn_ast_decl *decl = &type->decls[i];
    if (decl->kind == TN_DECL_ALIAS && decl->alias.sort == TN_SORT_CORE_TYPE) return false;
    if (decl->kind == TN_DECL_TYPE && !type_is_closed(decl->type)) return false;
  }
  return true;
}

static bool is_closed(const tn_definition *definition) {
  if (definition->kind == TN_DEFINITION_CORE_TYPE)
    return core_type_is_closed(definition->core_type);
  return definition->kind != TN_DEFINITION_TYPE || type_is_closed(definition->type);
}

/* The decoder bounds how deep components nest. */
static bool all_are_closed(const tn_component_ast *component) {
  for (uint32_t i = 0; i < component->definition_count; i++) {
    const tn_definition *definition = &component->definitions[i];
    if (!is_closed(definition)) return false;
    if (definition->kind == TN_DEFINITION_COMPONENT && !all_are_closed(definition->component))
      return false;
  }
  return true;
}

static tn_error *check_core_types(const tn_component_ast *component) {
  bool has_core_types = false;
  for (uint32_t i = 0; i < component->definition_count; i++)
    has_core_types |= component->definitions[i].kind == TN_DEFINITION_CORE_TYPE;
  if (!has_core_types || all_are_closed(component)) return NULL;
  return tn_error_new(TN_ERROR_UNSUPPORTED,
                      "core modules cannot be taken out of a component whose types are made of "
                      "other core types of it");
}

/* ---- the new tree --------------------------------------------------------------------------------------- */

static void renumber(const unbundler *u, uint32_t *index) {
  if (*index < u->new_indices.len) *index = u->new_indices.items[*index];
}

static void renumber_core_type(const unbundler *u, uint32_t *index) {
  *index += u->modules.len;
}

static bool names_core_type(const tn_ast_canon *canon) {
  return canon->kind == TN_CANON_THREAD_NEW_INDIRECT || canon->kind == TN_CANON_THREAD_SPAWN_REF ||
         canon->kind == TN_CANON_THREAD_SPAWN_INDIRECT;
}

/* What a definition of the outermost component says of its core types. */
static void renumber_core_types(const unbundler *u, tn_definition *definition) {
  if (definition->kind == TN_DEFINITION_CANON && names_core_type(&definition->canon)) {
    renumber_core_type(u, &definition->canon.type);
  } else if (definition->kind == TN_DEFINITION_IMPORT &&
             definition->import.type.sort == TN_SORT_CORE_MODULE) {
    renumber_core_type(u, &definition->import.type.index);
  } else if (definition->kind == TN_DEFINITION_EXPORT && definition->export_.has_type &&
             definition->export_.type.sort == TN_SORT_CORE_MODULE) {
    renumber_core_type(u, &definition->export_.type.index);
  }
}

static tn_error *renumber_arguments(unbundler *u, tn_ast_instance *instance) {
  tn_ast_argument *copy = TN_ARENA_ARRAY(u->arena, tn_ast_argument, instance->argument_count);
  if (copy == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    copy[i] = instance->arguments[i];
    if (copy[i].item.sort == TN_SORT_CORE_MODULE) renumber(u, &copy[i].item.index);
  }
  instance->arguments = copy;
  return NULL;
}

/* What a definition of the outermost component says of its core modules. */
static tn_error *renumber_definition(unbundler *u, tn_definition *definition) {
  renumber_core_types(u, definition);
  if (definition->kind == TN_DEFINITION_CORE_INSTANCE && definition->core_instance.is_instantiate) {
    renumber(u, &definition->core_instance.module);
  } else if (definition->kind == TN_DEFINITION_EXPORT &&
             definition->export_.item.sort == TN_SORT_CORE_MODULE) {
    renumber(u, &definition->export_.item.index);
  } else if (definition->kind == TN_DEFINITION_INSTANCE) {
    return renumber_arguments(u, &definition->instance);
  }
  return NULL;
}

/* `depth` components are around it. An alias of the outermost component's modules has its new index. */
static tn_error *rewrite(unbundler *u, const tn_component_ast *component, uint32_t depth,
                         const tn_component_ast **out);

static tn_error *rewrite_definition(unbundler *u, const taken_module *taken,
                                    tn_definition *definition, uint32_t depth) {
  bool is_alias = definition->kind == TN_DEFINITION_ALIAS &&
                  definition->alias.kind == TN_ALIAS_OUTER &&
                  definition->alias.outer_count == depth;
  if (is_alias && definition->alias.sort == TN_SORT_CORE_MODULE)
    renumber(u, &definition->alias.outer_index);
  if (is_alias && definition->alias.sort == TN_SORT_CORE_TYPE)
    renumber_core_type(u, &definition->alias.outer_index);
  if (definition->kind == TN_DEFINITION_COMPONENT)
    return rewrite(u, definition->component, depth + 1, &definition->component);
  if (depth == 0) return renumber_definition(u, definition);
  if (taken == NULL) return NULL;
  *definition = (tn_definition){
      .kind = TN_DEFINITION_ALIAS,
      .alias = {.kind = TN_ALIAS_OUTER,
                .sort = TN_SORT_CORE_MODULE,
                .outer_count = depth,
                .outer_index = taken->index},
  };
  return NULL;
}

/* The types and imports of what is taken out. */
static tn_error *add_imports(unbundler *u, tn_definition *definitions) {
  for (uint32_t i = 0; i < u->modules.len; i++) {
    tn_definition *type = &definitions[i], *import = &definitions[u->modules.len + i];
    type->kind = TN_DEFINITION_CORE_TYPE;
    TN_TRY(module_type(u, u->modules.items[i]->module, &type->core_type));
    import->kind = TN_DEFINITION_IMPORT;
    import->import.name.name = tn_arena_format(u->arena, "unbundled-module%u", i);
    import->import.type = (tn_ast_extern_type){.sort = TN_SORT_CORE_MODULE, .index = i};
    if (import->import.name.name.data == NULL) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *rewrite(unbundler *u, const tn_component_ast *component, uint32_t depth,
                         const tn_component_ast **out) {
  uint32_t head = depth == 0 ? 2 * u->modules.len : 0, count = head;
  tn_component_ast *copy = TN_ARENA_NEW(u->arena, tn_component_ast);
  tn_definition *definitions =
      TN_ARENA_ARRAY(u->arena, tn_definition, head + component->definition_count);
  if (copy == NULL || definitions == NULL) return tn_error_no_memory();
  if (depth == 0) TN_TRY(add_imports(u, definitions));
  for (uint32_t i = 0; i < component->definition_count; i++) {
    const taken_module *taken = find_taken(u, &component->definitions[i]);
    if (depth == 0 && taken != NULL) continue;
    definitions[count] = component->definitions[i];
    TN_TRY(rewrite_definition(u, taken, &definitions[count++], depth));
  }
  *copy = *component;
  copy->definitions = definitions;
  copy->definition_count = count;
  *out = copy;
  return NULL;
}

static tn_error *hand_out(unbundler *u) {
  for (uint32_t i = 0; i < u->modules.len; i++) {
    tn_str name = tn_arena_format(u->arena, "unbundled-module%u", i);
    if (name.data == NULL) return tn_error_no_memory();
    const tn_core_module *module = u->modules.items[i]->module;
    const tn_unbundled unbundled = {
        .import_name = name, .name = module->name, .bytes = module->bytes};
    TN_TRY(u->take(u->data, &unbundled));
  }
  return NULL;
}

tn_error *tn_unbundle_component(tn_arena *arena, const tn_component_ast *component,
                                size_t threshold, tn_unbundle_func take, void *data,
                                const tn_component_ast **out) {
  unbundler u = {.arena = arena, .threshold = threshold, .take = take, .data = data};
  TN_TRY(find_modules(&u, component));
  if (u.modules.len > 0) TN_TRY(check_core_types(component));
  TN_TRY(number_modules(&u, component));
  TN_TRY(rewrite(&u, component, 0, out));
  return hand_out(&u);
}
