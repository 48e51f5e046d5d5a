/* Core modules that fit a world and do nothing: for looking at, and for tests. */
#include "base/vec.h"
#include "base/wasm_bytes.h"
#include "compose/componentize/core_abi.h"
#include "compose/componentize/core_names.h"
#include "compose/componentize/core_write.h"
#include "compose/componentize/embed.h"

enum { TYPE = 1, IMPORT = 2, FUNCTION = 3, MEMORY = 5, EXPORT = 7, CODE = 10 };
enum { KIND_FUNC = 0, KIND_MEMORY = 2, FUNC_TYPE = 0x60 };

/* One function: imported ones have a module. */
typedef struct dummy_function {
  tn_str module;
  tn_str name;
  tn_core_signature signature;
  bool is_empty; /* returns at once; else it traps */
} dummy_function;

typedef struct dummy {
  tn_arena *arena;
  tn_core_scheme scheme;
  tn_embed_abi abi;
  TN_VEC(dummy_function) imports;
  TN_VEC(dummy_function) exports;
} dummy;

static tn_error *add_import(dummy *d, const tn_core_place *place, tn_str name,
                            const tn_core_signature *signature) {
  dummy_function *function = TN_VEC_PUSH(d->arena, &d->imports);
  if (function == NULL) return tn_error_no_memory();
  *function = (dummy_function){.name = name, .signature = *signature};
  return tn_core_place_name(d->arena, place, &function->module);
}

static tn_error *add_export(dummy *d, tn_str name, const tn_core_signature *signature,
                            bool is_empty) {
  dummy_function *function = TN_VEC_PUSH(d->arena, &d->exports);
  if (function == NULL) return tn_error_no_memory();
  *function = (dummy_function){.name = name, .signature = *signature, .is_empty = is_empty};
  return NULL;
}

static bool is_async(const dummy *d, const tn_wit_function *function) {
  return d->abi != TN_EMBED_SYNC && function->is_async;
}

/* ---- built-ins -------------------------------------------------------------------------------------------- */

/* What asynchronous code needs of the canonical ABI, for whichever function. */
static tn_error *add_built_ins(dummy *d) {
  static const struct {
    const char *name;
    const char *type;
    bool is_own;
  } built_ins[] = {
      {"[task-cancel]", ":", true},           {"[backpressure-inc]", ":", false},
      {"[backpressure-dec]", ":", false},     {"[waitable-set-new]", ":i", false},
      {"[waitable-set-wait]", "ii:i", false}, {"[waitable-set-poll]", "ii:i", false},
      {"[waitable-set-drop]", "i:", false},   {"[waitable-join]", "ii:", false},
      {"[thread-yield]", ":i", false},        {"[subtask-drop]", "i:", false},
      {"[subtask-cancel]", "i:i", false},     {"[context-get-0]", ":i", false},
      {"[context-set-0]", "i:", false},
  };
  for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++) {
    const tn_core_place place = {.scheme = d->scheme, .is_own = built_ins[i].is_own};
    const tn_core_signature signature = tn_core_signature_parse(built_ins[i].type);
    TN_TRY(add_import(d, &place, tn_str_from(built_ins[i].name), &signature));
  }
  return NULL;
}

/* Those for each stream and future in the type of a function. */
static tn_error *add_payload_built_ins(dummy *d, const tn_core_place *place,
                                       const tn_wit_function *function) {
  static const struct {
    const char *name;
    const char *stream_type;
    const char *future_type;
  } built_ins[] = {
      {"[%s-new-%u]", ":l", ":l"},
      {"[%s-cancel-read-%u]", "i:i", "i:i"},
      {"[%s-cancel-write-%u]", "i:i", "i:i"},
      {"[%s-drop-readable-%u]", "i:", "i:"},
      {"[%s-drop-writable-%u]", "i:", "i:"},
      {"[async-lower][%s-read-%u]", "iii:i", "ii:i"},
      {"[async-lower][%s-write-%u]", "iii:i", "ii:i"},
  };
  const tn_wit_type *payload;
  for (uint32_t n = 0; (payload = tn_core_payload_of(function, n)) != NULL; n++) {
    bool is_stream = payload->kind == TN_WIT_KIND_STREAM;
    for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++) {
      tn_str name =
          tn_arena_format(d->arena, built_ins[i].name, is_stream ? "stream" : "future", n);
      if (name.data == NULL) return tn_error_no_memory();
      name = tn_arena_format(d->arena, "%" TN_STR_FORMAT "%" TN_STR_FORMAT, TN_STR_ARG(name),
                             TN_STR_ARG(function->item_name));
      if (name.data == NULL) return tn_error_no_memory();
      const tn_core_signature signature =
          tn_core_signature_parse(is_stream ? built_ins[i].stream_type : built_ins[i].future_type);
      TN_TRY(add_import(d, place, name, &signature));
    }
  }
  return NULL;
}

static tn_error *add_resource_import(dummy *d, const tn_core_place *place, tn_core_import_kind kind,
                                     tn_str resource) {
  const tn_core_signature signature =
      tn_core_signature_parse(kind == TN_IMPORT_RESOURCE_DROP ? "i:" : "i:i");
  tn_str name;
  TN_TRY(tn_core_import_name(d->arena, d->scheme, kind, resource, &name));
  return add_import(d, place, name, &signature);
}

/* ---- what the world imports ------------------------------------------------------------------------------- */

static tn_error *add_lowered(dummy *d, const tn_core_place *place,
                             const tn_wit_function *function) {
  tn_core_signature signature;
  tn_str name = function->item_name;
  if (!is_async(d, function)) {
    TN_TRY(tn_core_signature_of(function, TN_ABI_LOWER, &signature));
    return add_import(d, place, name, &signature);
  }
  TN_TRY(tn_core_signature_of(function, TN_ABI_LOWER_ASYNC, &signature));
  name = tn_arena_format(d->arena, "[async-lower]%" TN_STR_FORMAT, TN_STR_ARG(name));
  if (name.data == NULL) return tn_error_no_memory();
  TN_TRY(add_import(d, place, name, &signature));
  return add_payload_built_ins(d, place, function);
}

static tn_error *import_item(dummy *d, const tn_wit_world_item *item) {
  tn_core_place place = {.scheme = d->scheme};
  if (item->kind == TN_WIT_WORLD_FUNCTION) return add_lowered(d, &place, item->function);
  if (item->kind == TN_WIT_WORLD_TYPE) {
    if (item->type->kind != TN_WIT_KIND_RESOURCE) return NULL;
    return add_resource_import(d, &place, TN_IMPORT_RESOURCE_DROP, item->name);
  }
  const tn_wit_interface *interface = item->interface;
  place.interface = item->name;
  for (uint32_t i = 0; i < interface->functions.len; i++)
    TN_TRY(add_lowered(d, &place, interface->functions.items[i]));
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind == TN_WIT_KIND_RESOURCE)
      TN_TRY(add_resource_import(d, &place, TN_IMPORT_RESOURCE_DROP, type->declaration.name));
  }
  return NULL;
}

/* ---- what the world exports ------------------------------------------------------------------------------- */

static tn_error *add_role(dummy *d, const tn_core_place *place, tn_core_role role, tn_str name,
                          const tn_core_signature *signature) {
  bool is_empty = role == TN_ROLE_POST_RETURN || role == TN_ROLE_DESTRUCTOR;
  tn_str core_name;
  TN_TRY(tn_core_export_name(d->arena, d->scheme, role, place->interface, name, &core_name));
  return add_export(d, core_name, signature, is_empty);
}

/* What an exported function needs to be imported, however it is lifted. */
static tn_error *import_for_lifted(dummy *d, const tn_core_place *place,
                                   const tn_wit_function *function) {
  tn_core_signature signature;
  if (d->abi == TN_EMBED_SYNC) return NULL;
  TN_TRY(tn_core_signature_of_task_return(function, &signature));
  tn_str name =
      tn_arena_format(d->arena, "[task-return]%" TN_STR_FORMAT, TN_STR_ARG(function->item_name));
  if (name.data == NULL) return tn_error_no_memory();
  TN_TRY(add_import(d, place, name, &signature));
  return add_payload_built_ins(d, place, function);
}

static tn_error *add_lifted_async(dummy *d, const tn_core_place *place,
                                  const tn_wit_function *function) {
  tn_core_signature signature;
  tn_str name = function->item_name;
  if (d->abi == TN_EMBED_ASYNC_STACKFUL) {
    TN_TRY(tn_core_signature_of(function, TN_ABI_LIFT_STACKFUL, &signature));
    return add_role(d, place, TN_ROLE_STACKFUL, name, &signature);
  }
  const tn_core_signature callback = tn_core_signature_parse("iii:i");
  TN_TRY(tn_core_signature_of(function, TN_ABI_LIFT_ASYNC, &signature));
  TN_TRY(add_role(d, place, TN_ROLE_ASYNC, name, &signature));
  return add_role(d, place, TN_ROLE_CALLBACK, name, &callback);
}

static tn_error *add_lifted(dummy *d, const tn_core_place *place, const tn_wit_function *function) {
  tn_core_signature signature, post = {0};
  TN_TRY(import_for_lifted(d, place, function));
  if (is_async(d, function)) return add_lifted_async(d, place, function);
  TN_TRY(tn_core_signature_of(function, TN_ABI_LIFT, &signature));
  TN_TRY(add_role(d, place, TN_ROLE_FUNCTION, function->item_name, &signature));
  post.param_count = signature.result_count;
  if (signature.result_count > 0) post.params[0] = signature.results[0];
  return add_role(d, place, TN_ROLE_POST_RETURN, function->item_name, &post);
}

static tn_error *export_resource(dummy *d, const tn_core_place *place, tn_str resource) {
  const tn_core_signature destructor = tn_core_signature_parse("i:");
  TN_TRY(add_resource_import(d, place, TN_IMPORT_RESOURCE_DROP, resource));
  TN_TRY(add_resource_import(d, place, TN_IMPORT_RESOURCE_NEW, resource));
  TN_TRY(add_resource_import(d, place, TN_IMPORT_RESOURCE_REP, resource));
  return add_role(d, place, TN_ROLE_DESTRUCTOR, resource, &destructor);
}

static tn_error *export_item(dummy *d, const tn_wit_world_item *item) {
  tn_core_place place = {.scheme = d->scheme, .is_own = true};
  if (item->kind == TN_WIT_WORLD_FUNCTION) return add_lifted(d, &place, item->function);
  if (item->kind != TN_WIT_WORLD_INTERFACE) return NULL;
  const tn_wit_interface *interface = item->interface;
  place.interface = item->name;
  for (uint32_t i = 0; i < interface->functions.len; i++)
    TN_TRY(add_lifted(d, &place, interface->functions.items[i]));
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind == TN_WIT_KIND_RESOURCE)
      TN_TRY(export_resource(d, &place, type->declaration.name));
  }
  return NULL;
}

static tn_error *collect(dummy *d, const tn_wit_world *world) {
  const tn_core_signature realloc = tn_core_signature_parse("iiii:i"), plain = {0};
  for (uint32_t i = 0; i < world->imports.len; i++)
    TN_TRY(import_item(d, &world->imports.items[i]));
  if (d->abi != TN_EMBED_SYNC) TN_TRY(add_built_ins(d));
  for (uint32_t i = 0; i < world->exports.len; i++)
    TN_TRY(export_item(d, &world->exports.items[i]));
  TN_TRY(add_export(d, tn_core_fixture_name(d->scheme, TN_FIXTURE_REALLOC), &realloc, false));
  return add_export(d, tn_core_fixture_name(d->scheme, TN_FIXTURE_INITIALIZE), &plain, true);
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
  tn_wasm_bytes(&entries, tn_core_fixture_name(d->scheme, TN_FIXTURE_MEMORY));
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

tn_error *tn_dummy_module(tn_buffer *out, tn_arena *arena, const tn_wit_world *world,
                          tn_embed_names names, tn_embed_abi abi) {
  dummy d = {.arena = arena,
             .scheme = names == TN_EMBED_STANDARD32 ? TN_SCHEME_STANDARD : TN_SCHEME_LEGACY,
             .abi = abi};
  if (d.scheme == TN_SCHEME_STANDARD && abi != TN_EMBED_SYNC) {
    tn_error *error = tn_error_new(TN_ERROR_ARGUMENT,
                                   "the names \"standard32\" have none for asynchronous functions");
    return tn_error_set_hint(error, "ask for the names \"legacy\"");
  }
  TN_TRY(collect(&d, world));
  tn_core_write_preamble(out);
  write_types(&d, out);
  write_imports(&d, out);
  write_functions(&d, out);
  write_exports(&d, out);
  write_bodies(&d, out);
  return out->failed ? tn_error_no_memory() : NULL;
}
