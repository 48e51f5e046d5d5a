/* What the imports of core modules are, by the names that bindings generators give them. */
#include "compose/componentize/built_in.h"
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_rename.h"

enum { I32 = 0x7f };

static const tn_core_signature one_to_none = {1, 0, {I32}, {0}};
static const tn_core_signature one_to_one = {1, 1, {I32}, {I32}};

/* Takes `prefix` off, if it is there. */
static bool strip(tn_str *name, tn_str prefix) {
  if (!tn_str_starts_with(*name, prefix)) return false;
  *name = tn_str_slice(*name, prefix.len, name->len);
  return true;
}

/* ---- messages ------------------------------------------------------------------------------------------- */

static tn_error *unknown_import(const tn_maker *m, const tn_core_part *part,
                                const tn_core_import *core, const char *why) {
  tn_error *error = tn_error_new(
      TN_ERROR_LINK, "%s imports '%" TN_STR_FORMAT "' '%" TN_STR_FORMAT "', but %s",
      tn_make_part_name(m, part), TN_STR_ARG(core->module), TN_STR_ARG(core->name), why);
  if (tn_str_equal(core->module, TN_STR("wasi_snapshot_preview1"))) {
    return tn_error_set_hint(
        error,
        "give it an adapter in `adapters`: wasi_snapshot_preview1.command.wasm (programs) or "
        "….reactor.wasm (libraries)");
  }
  if (part->worlds.len > 0) return error;
  return tn_error_set_hint(error, "it has no WIT world embedded: add one with `tn_embed`");
}

static tn_error *check_signature(const tn_maker *m, const tn_core_part *part,
                                 const tn_core_import *core, const tn_core_signature *expected) {
  if (core->type.kind == TN_CORE_EXTERN_FUNC && core->type.func != NULL &&
      tn_core_signature_fits(expected, core->type.func)) {
    return NULL;
  }
  tn_buffer want = {0}, have = {0};
  tn_core_signature_print(&want, expected);
  if (core->type.func != NULL) tn_core_func_type_print(&have, core->type.func);
  tn_buffer_append_byte(&want, '\0');
  tn_buffer_append_byte(&have, '\0');
  tn_error *error = tn_error_no_memory();
  if (!want.failed && !have.failed) {
    error = tn_error_new(
        TN_ERROR_LINK,
        "%s imports '%" TN_STR_FORMAT "' '%" TN_STR_FORMAT "' with a type that does not fit: "
        "expected %s, given %s",
        tn_make_part_name(m, part), TN_STR_ARG(core->module), TN_STR_ARG(core->name), want.data,
        core->type.func != NULL ? have.data : "no function");
    tn_error_set_hint(error, "bindings and embedded WIT have to be of the same version");
  }
  tn_buffer_free(&want);
  tn_buffer_free(&have);
  return error;
}

/* ---- the kinds ------------------------------------------------------------------------------------------ */

static tn_error *match_lower(tn_maker *m, const tn_core_part *part, tn_core_need *need,
                             tn_made_item *item, const tn_wit_function *function, bool is_async) {
  tn_core_signature expected;
  need->kind = TN_NEED_LOWER;
  need->item = item;
  need->function = function;
  need->abi = is_async ? TN_ABI_LOWER_ASYNC : TN_ABI_LOWER;
  TN_TRY(tn_core_signature_of(function, need->abi, &expected));
  TN_TRY(check_signature(m, part, need->core, &expected));
  TN_TRY(tn_core_needs_of(m->arena, function, need->abi, &need->options));
  need->is_indirect = need->options.memory || need->options.realloc || need->options.encoding;
  return NULL;
}

static const tn_wit_type *find_resource(const tn_wit_interface *interface, tn_str name) {
  const tn_wit_type *type = tn_wit_interface_type(interface, name);
  return type != NULL && tn_wit_type_root(type)->kind == TN_WIT_KIND_RESOURCE ? type : NULL;
}

const tn_wit_function *tn_make_function_of(const tn_made_items *items,
                                           const tn_made_item *interface, tn_str name) {
  if (interface != NULL) return tn_make_find_function(interface->item.interface, name);
  const tn_made_item *item = tn_made_find(items, name);
  return item != NULL && item->item.kind == TN_WIT_WORLD_FUNCTION ? item->item.function : NULL;
}

static tn_error *match_payload(tn_maker *m, const tn_core_part *part, tn_core_need *need,
                               tn_made_item *interface, bool is_exported, bool *is_one) {
  tn_core_signature expected;
  TN_TRY(tn_make_match_payload(m, need, interface, is_exported, &expected, is_one));
  return *is_one ? check_signature(m, part, need->core, &expected) : NULL;
}

static tn_error *match_built_in(tn_maker *m, const tn_core_part *part, tn_core_need *need,
                                bool *is_one) {
  tn_core_signature expected;
  TN_TRY(tn_make_match_built_in(m, need, &expected, is_one));
  return *is_one ? check_signature(m, part, need->core, &expected) : NULL;
}

/* ---- where imports come from ---------------------------------------------------------------------------- */

static tn_error *match_interface(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                 tn_core_scheme scheme, tn_made_item *item) {
  tn_made_item *newest = item->newer != NULL ? item->newer : item;
  tn_str name = need->core->name;
  bool is_async = scheme == TN_SCHEME_LEGACY && strip(&name, TN_STR("[async-lower]")), is_payload;
  const tn_wit_function *function = tn_make_find_function(newest->item.interface, name);
  if (function != NULL) return match_lower(m, part, need, newest, function, is_async);
  name = need->core->name;
  if (tn_core_import_strip(scheme, TN_IMPORT_RESOURCE_DROP, &name)) {
    need->resource = find_resource(newest->item.interface, name);
    need->kind = TN_NEED_DROP;
    need->item = newest;
    if (need->resource != NULL) return check_signature(m, part, need->core, &one_to_none);
  }
  if (scheme == TN_SCHEME_LEGACY) {
    TN_TRY(match_payload(m, part, need, newest, false, &is_payload));
    if (is_payload) return NULL;
  }
  return unknown_import(m, part, need->core,
                        "the interface has no such function in the embedded world");
}

/* "[resource-drop]r" of a resource of the world. */
static bool match_world_resource(tn_maker *m, tn_core_need *need, tn_core_scheme scheme) {
  tn_str name = need->core->name;
  if (!tn_core_import_strip(scheme, TN_IMPORT_RESOURCE_DROP, &name)) return false;
  tn_made_item *item = tn_made_find(&m->imports, name);
  bool is_resource = item != NULL && item->item.kind == TN_WIT_WORLD_TYPE &&
                     tn_wit_type_root(item->item.type)->kind == TN_WIT_KIND_RESOURCE;
  if (!is_resource) return false;
  need->kind = TN_NEED_DROP;
  need->item = item;
  need->resource = item->item.type;
  return true;
}

static tn_error *match_world(tn_maker *m, tn_core_part *part, tn_core_need *need,
                             tn_core_scheme scheme) {
  tn_str name = need->core->name;
  bool is_async = scheme == TN_SCHEME_LEGACY && strip(&name, TN_STR("[async-lower]")), is_built_in;
  tn_made_item *item = tn_made_find(&m->imports, name);
  if (item != NULL && item->item.kind == TN_WIT_WORLD_FUNCTION)
    return match_lower(m, part, need, item, item->item.function, is_async);
  if (match_world_resource(m, need, scheme))
    return check_signature(m, part, need->core, &one_to_none);
  if (scheme == TN_SCHEME_LEGACY) {
    TN_TRY(match_payload(m, part, need, NULL, false, &is_built_in));
    if (is_built_in) return NULL;
    TN_TRY(match_built_in(m, part, need, &is_built_in));
    if (is_built_in) return NULL;
  }
  return unknown_import(m, part, need->core, "the embedded world imports no such function");
}

static tn_error *match_task_return(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                   tn_made_item *interface, tn_str name) {
  tn_core_signature expected;
  need->kind = TN_NEED_TASK_RETURN;
  need->item = interface;
  need->function = tn_make_function_of(&m->exports, interface, name);
  if (need->function == NULL)
    return unknown_import(m, part, need->core, "the embedded world exports no such function");
  TN_TRY(tn_core_signature_of_task_return(need->function, &expected));
  TN_TRY(check_signature(m, part, need->core, &expected));
  TN_TRY(tn_core_needs_of_task_return(m->arena, need->function, &need->options));
  need->is_indirect = need->options.memory || need->options.encoding;
  return NULL;
}

/* resource.drop, .new and .rep of an exported interface. */
static tn_error *match_own_resource(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                    tn_core_scheme scheme, tn_made_item *item, bool *is_one) {
  static const struct {
    tn_core_import_kind kind;
    tn_need_kind need;
    const tn_core_signature *type;
  } kinds[] = {{TN_IMPORT_RESOURCE_DROP, TN_NEED_OWN_DROP, &one_to_none},
               {TN_IMPORT_RESOURCE_NEW, TN_NEED_OWN_NEW, &one_to_one},
               {TN_IMPORT_RESOURCE_REP, TN_NEED_OWN_REP, &one_to_one}};
  *is_one = false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    tn_str name = need->core->name;
    if (!tn_core_import_strip(scheme, kinds[i].kind, &name)) continue;
    *is_one = true;
    need->kind = kinds[i].need;
    need->item = item;
    need->resource = find_resource(item->item.interface, name);
    bool is_own = need->resource != NULL && need->resource->kind == TN_WIT_KIND_RESOURCE;
    if (is_own) return check_signature(m, part, need->core, kinds[i].type);
    return unknown_import(m, part, need->core, "the exported interface has no such resource");
  }
  return NULL;
}

/* What a module needs for what it exports itself; `item` NULL: for functions of the world. */
static tn_error *match_own_built_in(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                    tn_made_item *item) {
  bool is_one;
  tn_str name = need->core->name;
  if (strip(&name, TN_STR("[task-return]"))) return match_task_return(m, part, need, item, name);
  TN_TRY(match_payload(m, part, need, item, true, &is_one));
  if (is_one) return NULL;
  TN_TRY(match_built_in(m, part, need, &is_one));
  return is_one ? NULL : unknown_import(m, part, need->core, "there is no such built-in");
}

static tn_error *match_own(tn_maker *m, tn_core_part *part, tn_core_need *need,
                           const tn_core_place *place) {
  bool is_root = place->interface.data == NULL, is_one = false;
  tn_made_item *item = is_root ? NULL : tn_made_find_module(&m->exports, place->interface);
  bool is_interface = item != NULL && item->item.kind == TN_WIT_WORLD_INTERFACE;
  if (!is_root && !is_interface)
    return unknown_import(m, part, need->core, "the embedded world exports no such interface");
  if (is_interface) TN_TRY(match_own_resource(m, part, need, place->scheme, item, &is_one));
  if (is_one) return NULL;
  if (place->scheme == TN_SCHEME_LEGACY) return match_own_built_in(m, part, need, item);
  return unknown_import(m, part, need->core, "there is no such built-in");
}

static tn_core_part *find_adapter(const tn_maker *m, tn_str name) {
  for (uint32_t i = 1; i < m->parts.len; i++) {
    if (tn_str_equal(m->parts.items[i]->name, name)) return m->parts.items[i];
  }
  return NULL;
}

static tn_error *match_adapter(tn_maker *m, tn_core_part *part, tn_core_need *need,
                               tn_core_part *adapter) {
  if (adapter->is_left_out || tn_core_find_function(&adapter->exports, need->core->name) == NULL)
    return unknown_import(m, part, need->core, "the adapter has no such function");
  need->kind = TN_NEED_ADAPTER;
  need->adapter = adapter;
  need->is_indirect = true;
  return NULL;
}

/* What adapters import of the main module. */
static tn_error *match_main(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  bool is_memory = need->core->type.kind == TN_CORE_EXTERN_MEMORY;
  need->kind = is_memory ? TN_NEED_MEMORY : TN_NEED_MAIN;
  const tn_core_export *export_ = is_memory
                                      ? tn_core_find_fixture(&m->main->exports, TN_FIXTURE_MEMORY)
                                      : tn_map_get(&m->main->exports.by_name, need->core->name);
  if (export_ != NULL && export_->type.kind == need->core->type.kind) return NULL;
  tn_error *error = unknown_import(m, part, need->core, "the module exports nothing of that name");
  if (!tn_str_equal(need->core->name, TN_STR("_start"))) return error;
  return tn_error_set_hint(
      error, "this is an adapter for programs with `main`; libraries need the one for reactors");
}

static bool is_of_main(const tn_maker *m, const tn_core_part *part, const tn_core_import *core) {
  if (part == m->main) return false;
  return tn_str_equal(core->module, TN_STR("__main_module__")) ||
         (tn_str_equal(core->module, TN_STR("env")) && core->type.kind == TN_CORE_EXTERN_MEMORY);
}

static tn_error *match_place(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  const tn_core_place place = tn_core_place_of(need->core->module);
  if (place.scheme == TN_SCHEME_LEGACY && m->options->reject_legacy_names)
    return unknown_import(m, part, need->core, "names of the older scheme are not to be used");
  if (place.is_own) return match_own(m, part, need, &place);
  if (place.interface.data == NULL) return match_world(m, part, need, place.scheme);
  tn_made_item *item = tn_made_find_module(&m->imports, place.interface);
  if (item != NULL && item->item.kind == TN_WIT_WORLD_INTERFACE)
    return match_interface(m, part, need, place.scheme, item);
  return unknown_import(m, part, need->core,
                        m->parts.len > 1
                            ? "neither an embedded world nor an adapter has such an interface"
                            : "no embedded world imports such an interface");
}

static tn_error *match_import(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  if (is_of_main(m, part, need->core)) return match_main(m, part, need);
  if (need->core->type.kind != TN_CORE_EXTERN_FUNC) {
    return unknown_import(m, part, need->core,
                          "components can give a module nothing but functions");
  }
  /* An adapter stands before an interface of the same name. */
  tn_core_part *adapter = find_adapter(m, need->core->module);
  bool is_adapted = adapter != NULL && adapter != part;
  return is_adapted ? match_adapter(m, part, need, adapter) : match_place(m, part, need);
}

tn_error *tn_make_match(tn_maker *m, tn_core_part *part) {
  part->needs.len = 0;
  TN_TRY(tn_core_rename_imports(m->arena, part->module, &part->renamed));
  for (uint32_t i = 0; i < part->module->import_count; i++) {
    tn_core_need *need = TN_VEC_PUSH(m->arena, &part->needs);
    if (need == NULL) return tn_error_no_memory();
    need->core = &part->module->imports[i];
    need->given = part->renamed->imports[i].name;
    TN_TRY(match_import(m, part, need));
  }
  return NULL;
}
