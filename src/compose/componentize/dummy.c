/* Core modules that fit a world and do nothing: for looking at, and for tests. */
#include "base/vec.h"
#include "base/wasm_bytes.h"
#include "compose/componentize/core_abi.h"
#include "compose/componentize/core_write.h"
#include "compose/componentize/embed.h"

enum { TYPE = 1, IMPORT = 2, FUNCTION = 3, MEMORY = 5, EXPORT = 7, CODE = 10 };
enum { KIND_FUNC = 0, KIND_MEMORY = 2, I32 = 0x7f, FUNC_TYPE = 0x60 };

/* One function: imported ones have a module. */
typedef struct dummy_function {
  tn_str module;
  tn_str name;
  tn_core_signature signature;
  bool is_empty; /* returns at once; else it traps */
} dummy_function;

typedef struct dummy {
  tn_arena *arena;
  TN_VEC(dummy_function) imports;
  TN_VEC(dummy_function) exports;
} dummy;

static const tn_core_signature one_to_none = {1, 0, {I32}, {0}};
static const tn_core_signature one_to_one = {1, 1, {I32}, {I32}};

static tn_error *add_import(dummy *d, tn_str module, tn_str name,
                            const tn_core_signature *signature) {
  dummy_function *function = TN_VEC_PUSH(d->arena, &d->imports);
  if (function == NULL) return tn_error_no_memory();
  *function = (dummy_function){.module = module, .name = name, .signature = *signature};
  return NULL;
}

static tn_error *add_export(dummy *d, tn_str name, const tn_core_signature *signature,
                            bool is_empty) {
  dummy_function *function = TN_VEC_PUSH(d->arena, &d->exports);
  if (function == NULL) return tn_error_no_memory();
  *function = (dummy_function){.name = name, .signature = *signature, .is_empty = is_empty};
  return NULL;
}

/* "<prefix><resource>" in `module`, whose name gets "[export]" in front if it is exported. */
static tn_error *add_resource_import(dummy *d, const char *prefix, tn_str module, tn_str resource,
                                     const tn_core_signature *signature) {
  tn_str name = tn_arena_format(d->arena, "%s%" TN_STR_FORMAT, prefix, TN_STR_ARG(resource));
  return name.data == NULL ? tn_error_no_memory() : add_import(d, module, name, signature);
}

static tn_error *add_lowered(dummy *d, tn_str module, tn_str name,
                             const tn_wit_function *function) {
  tn_core_signature signature;
  TN_TRY(tn_core_signature_of(function, TN_ABI_LOWER, &signature));
  return add_import(d, module, name, &signature);
}

static tn_error *import_item(dummy *d, const tn_wit_world_item *item) {
  static const tn_str root = {"$root", 5};
  if (item->kind == TN_WIT_WORLD_FUNCTION) return add_lowered(d, root, item->name, item->function);
  if (item->kind == TN_WIT_WORLD_TYPE) {
    if (item->type->kind != TN_WIT_KIND_RESOURCE) return NULL;
    return add_resource_import(d, "[resource-drop]", root, item->name, &one_to_none);
  }
  const tn_wit_interface *interface = item->interface;
  for (uint32_t i = 0; i < interface->functions.len; i++)
    TN_TRY(add_lowered(d, item->name, interface->functions.items[i]->item_name,
                       interface->functions.items[i]));
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind != TN_WIT_KIND_RESOURCE) continue;
    TN_TRY(add_resource_import(d, "[resource-drop]", item->name, type->declaration.name,
                               &one_to_none));
  }
  return NULL;
}

static tn_error *add_lifted(dummy *d, tn_str name, const tn_wit_function *function) {
  tn_core_signature signature, post = {0};
  TN_TRY(tn_core_signature_of(function, TN_ABI_LIFT, &signature));
  TN_TRY(add_export(d, name, &signature, false));
  tn_str post_name = tn_arena_format(d->arena, "cabi_post_%" TN_STR_FORMAT, TN_STR_ARG(name));
  if (post_name.data == NULL) return tn_error_no_memory();
  post.param_count = signature.result_count;
  if (signature.result_count > 0) post.params[0] = signature.results[0];
  return add_export(d, post_name, &post, true);
}

static tn_error *export_resource(dummy *d, tn_str interface, tn_str resource) {
  tn_str module = tn_arena_format(d->arena, "[export]%" TN_STR_FORMAT, TN_STR_ARG(interface));
  tn_str destructor = tn_arena_format(d->arena, "%" TN_STR_FORMAT "#[dtor]%" TN_STR_FORMAT,
                                      TN_STR_ARG(interface), TN_STR_ARG(resource));
  if (module.data == NULL || destructor.data == NULL) return tn_error_no_memory();
  TN_TRY(add_resource_import(d, "[resource-drop]", module, resource, &one_to_none));
  TN_TRY(add_resource_import(d, "[resource-new]", module, resource, &one_to_one));
  TN_TRY(add_resource_import(d, "[resource-rep]", module, resource, &one_to_one));
  return add_export(d, destructor, &one_to_none, true);
}

static tn_error *export_item(dummy *d, const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_FUNCTION) return add_lifted(d, item->name, item->function);
  if (item->kind != TN_WIT_WORLD_INTERFACE) return NULL;
  const tn_wit_interface *interface = item->interface;
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    const tn_wit_function *function = interface->functions.items[i];
    tn_str name = tn_arena_format(d->arena, "%" TN_STR_FORMAT "#%" TN_STR_FORMAT,
                                  TN_STR_ARG(item->name), TN_STR_ARG(function->item_name));
    if (name.data == NULL) return tn_error_no_memory();
    TN_TRY(add_lifted(d, name, function));
  }
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind == TN_WIT_KIND_RESOURCE)
      TN_TRY(export_resource(d, item->name, type->declaration.name));
  }
  return NULL;
}

static tn_error *collect(dummy *d, const tn_wit_world *world) {
  static const tn_core_signature realloc_signature = {4, 1, {I32, I32, I32, I32}, {I32}},
                                 plain = {0};
  for (uint32_t i = 0; i < world->imports.len; i++)
    TN_TRY(import_item(d, &world->imports.items[i]));
  for (uint32_t i = 0; i < world->exports.len; i++)
    TN_TRY(export_item(d, &world->exports.items[i]));
  TN_TRY(add_export(d, TN_STR("cabi_realloc"), &realloc_signature, false));
  return add_export(d, TN_STR("_initialize"), &plain, true);
}

/* ---- writing: type i is that of function i ---------------------------------------------------------------- */

static void write_signature(tn_buffer *out, const tn_core_signature *signature) {
  tn_buffer_append_byte(out, FUNC_TYPE);
  tn_wasm_bytes(out, (tn_str){(const char *)signature->params, signature->param_count});
  tn_wasm_bytes(out, (tn_str){(const char *)signature->results, signature->result_count});
}

static void write_types(const dummy *d, tn_buffer *out) {
  tn_buffer entries = {0};
  for (uint32_t i = 0; i < d->imports.len; i++)
    write_signature(&entries, &d->imports.items[i].signature);
  for (uint32_t i = 0; i < d->exports.len; i++)
    write_signature(&entries, &d->exports.items[i].signature);
  tn_wasm_section(out, TYPE, d->imports.len + d->exports.len, &entries);
  tn_buffer_free(&entries);
}

static void write_imports(const dummy *d, tn_buffer *out) {
  tn_buffer entries = {0};
  for (uint32_t i = 0; i < d->imports.len; i++) {
    tn_wasm_bytes(&entries, d->imports.items[i].module);
    tn_wasm_bytes(&entries, d->imports.items[i].name);
    tn_buffer_append_byte(&entries, KIND_FUNC);
    tn_wasm_u32(&entries, i);
  }
  tn_wasm_section(out, IMPORT, d->imports.len, &entries);
  tn_buffer_free(&entries);
}

static void write_functions(const dummy *d, tn_buffer *out) {
  tn_buffer entries = {0}, memory = {0};
  for (uint32_t i = 0; i < d->exports.len; i++)
    tn_wasm_u32(&entries, d->imports.len + i);
  tn_wasm_section(out, FUNCTION, d->exports.len, &entries);
  tn_buffer_append(&memory, "\0\0", 2); /* no maximum, no pages */
  tn_wasm_section(out, MEMORY, 1, &memory);
  tn_buffer_free(&entries);
  tn_buffer_free(&memory);
}

static void write_exports(const dummy *d, tn_buffer *out) {
  tn_buffer entries = {0};
  for (uint32_t i = 0; i < d->exports.len; i++) {
    tn_wasm_bytes(&entries, d->exports.items[i].name);
    tn_buffer_append_byte(&entries, KIND_FUNC);
    tn_wasm_u32(&entries, d->imports.len + i);
  }
  tn_wasm_bytes(&entries, TN_STR("memory"));
  tn_buffer_append_byte(&entries, KIND_MEMORY);
  tn_wasm_u32(&entries, 0);
  tn_wasm_section(out, EXPORT, d->exports.len + 1, &entries);
  tn_buffer_free(&entries);
}

static void write_bodies(const dummy *d, tn_buffer *out) {
  static const tn_str traps = {"\3\0\0\x0b", 4}, returns = {"\2\0\x0b", 3};
  tn_buffer entries = {0};
  for (uint32_t i = 0; i < d->exports.len; i++)
    tn_buffer_append_str(&entries, d->exports.items[i].is_empty ? returns : traps);
  tn_wasm_section(out, CODE, d->exports.len, &entries);
  tn_buffer_free(&entries);
}

tn_error *tn_dummy_module(tn_buffer *out, tn_arena *arena, const tn_wit_world *world) {
  dummy d = {.arena = arena};
  TN_TRY(collect(&d, world));
  tn_core_write_preamble(out);
  write_types(&d, out);
  write_imports(&d, out);
  write_functions(&d, out);
  write_exports(&d, out);
  write_bodies(&d, out);
  return out->failed ? tn_error_no_memory() : NULL;
}
