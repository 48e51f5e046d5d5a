/* What the imports of core modules are, by the names that bindings generators give them. */
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_rename.h"

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
        error, "give it an adapter: --adapt wasi_snapshot_preview1.command.wasm (programs) or "
               "….reactor.wasm (libraries)");
  }
  if (part->worlds.len > 0) return error;
  return tn_error_set_hint(
      error, "it has no WIT world embedded: add one with `tenon embed WIT MODULE -o MODULE`");
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

/* The n-th stream or future in a function's type, those within others first. */
typedef struct payload_search {
  uint32_t left;
  uint32_t steps;
  const tn_wit_type *found;
} payload_search;

enum { MAX_SEARCH_STEPS = 100000, MAX_SEARCH_DEPTH = 200 };

static void search_payload(payload_search *s, const tn_wit_type *type, uint32_t depth) {
  if (type == NULL || s->found != NULL || depth == MAX_SEARCH_DEPTH ||
      s->steps++ >= MAX_SEARCH_STEPS)
    return;
  type = tn_wit_type_root(type);
  bool is_handle = type->kind == TN_WIT_KIND_OWN || type->kind == TN_WIT_KIND_BORROW;
  if (is_handle) return;
  search_payload(s, type->key, depth + 1);
  search_payload(s, type->element, depth + 1);
  search_payload(s, type->error, depth + 1);
  for (uint32_t i = 0; i < type->member_count; i++)
    search_payload(s, type->members[i].type, depth + 1);
  bool is_payload = type->kind == TN_WIT_KIND_STREAM || type->kind == TN_WIT_KIND_FUTURE;
  if (is_payload && s->found == NULL && s->left-- == 0) s->found = type;
}

static const tn_wit_type *find_payload(const tn_wit_function *function, uint32_t number) {
  payload_search s = {.left = number};
  for (uint32_t i = 0; i < function->param_count; i++)
    search_payload(&s, function->params[i].type, 0);
  search_payload(&s, function->result, 0);
  return s.found;
}

/* "[stream-read-0]f": a built-in for the first stream in the type of `f`. */
static const struct {
  tn_str prefix;
  tn_canon_kind kind;
  bool is_stream;
  bool has_options;
} payload_built_ins[] = {
    {TN_STR("[stream-new-"), TN_CANON_STREAM_NEW, true, false},
    {TN_STR("[stream-read-"), TN_CANON_STREAM_READ, true, true},
    {TN_STR("[stream-write-"), TN_CANON_STREAM_WRITE, true, true},
    {TN_STR("[stream-cancel-read-"), TN_CANON_STREAM_CANCEL_READ, true, false},
    {TN_STR("[stream-cancel-write-"), TN_CANON_STREAM_CANCEL_WRITE, true, false},
    {TN_STR("[stream-drop-readable-"), TN_CANON_STREAM_DROP_READABLE, true, false},
    {TN_STR("[stream-drop-writable-"), TN_CANON_STREAM_DROP_WRITABLE, true, false},
    {TN_STR("[future-new-"), TN_CANON_FUTURE_NEW, false, false},
    {TN_STR("[future-read-"), TN_CANON_FUTURE_READ, false, true},
    {TN_STR("[future-write-"), TN_CANON_FUTURE_WRITE, false, true},
    {TN_STR("[future-cancel-read-"), TN_CANON_FUTURE_CANCEL_READ, false, false},
    {TN_STR("[future-cancel-write-"), TN_CANON_FUTURE_CANCEL_WRITE, false, false},
    {TN_STR("[future-drop-readable-"), TN_CANON_FUTURE_DROP_READABLE, false, false},
    {TN_STR("[future-drop-writable-"), TN_CANON_FUTURE_DROP_WRITABLE, false, false},
};

static bool parse_number(tn_str *name, uint32_t *out) {
  size_t digits = 0;
  *out = 0;
  while (digits < name->len && digits < 6 && name->data[digits] >= '0' && name->data[digits] <= '9')
    *out = *out * 10 + (uint32_t)(name->data[digits++] - '0');
  if (digits == 0 || digits == name->len || name->data[digits] != ']') return false;
  *name = tn_str_slice(*name, digits + 1, name->len);
  return true;
}

static const tn_wit_function *function_of(const tn_made_items *items, const tn_made_item *interface,
                                          tn_str name) {
  if (interface != NULL) return tn_make_find_function(interface->item.interface, name);
  const tn_made_item *item = tn_made_find(items, name);
  return item != NULL && item->item.kind == TN_WIT_WORLD_FUNCTION ? item->item.function : NULL;
}

/* With `interface` NULL, functions are those of the world. */
static bool match_payload(tn_maker *m, tn_core_need *need, tn_made_item *interface,
                          bool is_exported) {
  tn_str name = need->core->name;
  bool is_async = strip(&name, TN_STR("[async-lower]"));
  for (size_t i = 0; i < sizeof payload_built_ins / sizeof *payload_built_ins; i++) {
    tn_str rest = name;
    uint32_t number;
    if (!strip(&rest, payload_built_ins[i].prefix) || !parse_number(&rest, &number)) continue;
    const tn_made_items *items = is_exported ? &m->exports : &m->imports;
    const tn_wit_function *function = function_of(items, interface, rest);
    if (function == NULL) return false;
    need->payload = find_payload(function, number);
    bool is_stream = need->payload != NULL && need->payload->kind == TN_WIT_KIND_STREAM;
    if (need->payload == NULL || is_stream != payload_built_ins[i].is_stream) return false;
    need->kind = TN_NEED_BUILT_IN;
    need->item = interface;
    need->function = function;
    need->payload_is_exported = is_exported;
    need->canon = (tn_ast_canon){.kind = payload_built_ins[i].kind, .is_async = is_async};
    need->is_indirect = payload_built_ins[i].has_options;
    need->options = (tn_core_needs){
        .memory = need->is_indirect, .realloc = need->is_indirect, .encoding = need->is_indirect};
    return true;
  }
  return false;
}

/* ---- where imports come from ---------------------------------------------------------------------------- */

static tn_error *match_interface(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                 tn_made_item *item) {
  tn_made_item *newest = item->newer != NULL ? item->newer : item;
  tn_str name = need->core->name;
  bool is_async = strip(&name, TN_STR("[async-lower]"));
  const tn_wit_function *function = tn_make_find_function(newest->item.interface, name);
  if (function != NULL) return match_lower(m, part, need, newest, function, is_async);
  name = need->core->name;
  if (strip(&name, TN_STR("[resource-drop]"))) {
    need->resource = find_resource(newest->item.interface, name);
    need->kind = TN_NEED_DROP;
    need->item = newest;
    if (need->resource != NULL) return NULL;
  }
  if (match_payload(m, need, newest, false)) return NULL;
  return unknown_import(m, part, need->core,
                        "the interface has no such function in the embedded world");
}

static tn_error *match_world(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  tn_str name = need->core->name;
  bool is_async = strip(&name, TN_STR("[async-lower]"));
  tn_made_item *item = tn_made_find(&m->imports, name);
  if (item != NULL && item->item.kind == TN_WIT_WORLD_FUNCTION) {
    return match_lower(m, part, need, item, item->item.function, is_async);
  }
  name = need->core->name;
  if (strip(&name, TN_STR("[resource-drop]"))) {
    item = tn_made_find(&m->imports, name);
    bool is_resource = item != NULL && item->item.kind == TN_WIT_WORLD_TYPE &&
                       tn_wit_type_root(item->item.type)->kind == TN_WIT_KIND_RESOURCE;
    if (is_resource) {
      need->kind = TN_NEED_DROP;
      need->item = item;
      need->resource = item->item.type;
      return NULL;
    }
  }
  if (match_payload(m, need, NULL, false)) return NULL;
  tn_error *error = tn_make_find_built_in(need->core, need);
  if (error == NULL) return NULL;
  tn_error_delete(error);
  return unknown_import(m, part, need->core, "the embedded world imports no such function");
}

static tn_error *match_task_return(tn_maker *m, tn_core_part *part, tn_core_need *need,
                                   tn_made_item *interface, tn_str name) {
  tn_core_signature expected;
  need->kind = TN_NEED_TASK_RETURN;
  need->item = interface;
  need->function = function_of(&m->exports, interface, name);
  if (need->function == NULL)
    return unknown_import(m, part, need->core, "the embedded world exports no such function");
  TN_TRY(tn_core_signature_of_task_return(need->function, &expected));
  TN_TRY(check_signature(m, part, need->core, &expected));
  TN_TRY(tn_core_needs_of_task_return(m->arena, need->function, &need->options));
  need->is_indirect = need->options.memory || need->options.encoding;
  return NULL;
}

/* "[export]a:b/c" and "[export]$root": what a module needs for what it exports itself. */
static tn_error *match_own(tn_maker *m, tn_core_part *part, tn_core_need *need, tn_str module) {
  static const struct {
    tn_str prefix;
    tn_need_kind kind;
  } kinds[] = {{TN_STR("[resource-drop]"), TN_NEED_OWN_DROP},
               {TN_STR("[resource-new]"), TN_NEED_OWN_NEW},
               {TN_STR("[resource-rep]"), TN_NEED_OWN_REP}};
  bool is_root = tn_str_equal(module, TN_STR("$root"));
  tn_made_item *item = is_root ? NULL : tn_made_find_module(&m->exports, module);
  bool is_interface = item != NULL && item->item.kind == TN_WIT_WORLD_INTERFACE;
  if (!is_root && !is_interface) {
    return unknown_import(m, part, need->core, "the embedded world exports no such interface");
  }
  tn_str name = need->core->name;
  if (strip(&name, TN_STR("[task-return]"))) return match_task_return(m, part, need, item, name);
  if (match_payload(m, need, item, true)) return NULL;
  for (size_t i = 0; is_interface && i < sizeof kinds / sizeof *kinds; i++) {
    name = need->core->name;
    if (!strip(&name, kinds[i].prefix)) continue;
    need->kind = kinds[i].kind;
    need->item = item;
    need->resource = find_resource(item->item.interface, name);
    bool is_own = need->resource != NULL && need->resource->kind == TN_WIT_KIND_RESOURCE;
    if (is_own) return NULL;
    return unknown_import(m, part, need->core, "the exported interface has no such resource");
  }
  return tn_make_find_built_in(need->core, need);
}

static tn_core_part *find_adapter(const tn_maker *m, tn_str name) {
  for (uint32_t i = 1; i < m->parts.len; i++) {
    if (tn_str_equal(m->parts.items[i]->name, name)) return m->parts.items[i];
  }
  return NULL;
}

static tn_error *match_adapter(tn_maker *m, tn_core_part *part, tn_core_need *need,
                               tn_core_part *adapter) {
  const tn_core_export *export_ = tn_map_get(&adapter->exports, need->core->name);
  if (export_ == NULL || export_->type.kind != TN_CORE_EXTERN_FUNC) {
    return unknown_import(m, part, need->core, "the adapter has no such function");
  }
  need->kind = TN_NEED_ADAPTER;
  need->adapter = adapter;
  need->is_indirect = true;
  return NULL;
}

/* What adapters import of the main module. */
static tn_error *match_main(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  bool is_memory = need->core->type.kind == TN_CORE_EXTERN_MEMORY;
  tn_str name = is_memory ? TN_STR("memory") : need->core->name;
  const tn_core_export *export_ = tn_map_get(&m->main->exports, name);
  need->kind = is_memory ? TN_NEED_MEMORY : TN_NEED_MAIN;
  if (export_ != NULL && export_->type.kind == need->core->type.kind) return NULL;
  tn_error *error = unknown_import(m, part, need->core, "the module exports nothing of that name");
  if (!tn_str_equal(name, TN_STR("_start"))) return error;
  return tn_error_set_hint(
      error, "this is an adapter for programs with `main`; libraries need the one for reactors");
}

static tn_error *match_import(tn_maker *m, tn_core_part *part, tn_core_need *need) {
  tn_str module = need->core->module;
  bool is_adapter = part != m->main;
  bool is_of_main =
      is_adapter &&
      (tn_str_equal(module, TN_STR("__main_module__")) ||
       (tn_str_equal(module, TN_STR("env")) && need->core->type.kind == TN_CORE_EXTERN_MEMORY));
  if (is_of_main) return match_main(m, part, need);
  if (need->core->type.kind != TN_CORE_EXTERN_FUNC) {
    return unknown_import(m, part, need->core,
                          "components can give a module nothing but functions");
  }
  if (tn_str_equal(module, TN_STR("$root"))) return match_world(m, part, need);
  if (strip(&module, TN_STR("[export]"))) return match_own(m, part, need, module);
  tn_made_item *item = tn_made_find_module(&m->imports, module);
  if (item != NULL && item->item.kind == TN_WIT_WORLD_INTERFACE)
    return match_interface(m, part, need, item);
  tn_core_part *adapter = is_adapter ? NULL : find_adapter(m, module);
  if (adapter != NULL) return match_adapter(m, part, need, adapter);
  if (tn_str_starts_with(module, TN_STR("cm32p2"))) {
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "%s imports '%" TN_STR_FORMAT
                        "': names of this scheme (\"cm32p2\") are not "
                        "supported",
                        tn_make_part_name(m, part), TN_STR_ARG(module));
  }
  return unknown_import(m, part, need->core,
                        m->parts.len > 1
                            ? "neither an embedded world nor an adapter has such an interface"
                            : "no embedded world imports such an interface");
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

/* ---- built-ins that belong to no function --------------------------------------------------------------- */

tn_error *tn_make_find_built_in(const tn_core_import *core, tn_core_need *out) {
  static const struct {
    tn_str name;
    tn_ast_canon canon;
    tn_core_needs options;
  } known[] = {
      {TN_STR("[waitable-set-new]"), {.kind = TN_CANON_WAITABLE_SET_NEW}, {0}},
      {TN_STR("[waitable-set-wait]"), {.kind = TN_CANON_WAITABLE_SET_WAIT}, {.memory = true}},
      {TN_STR("[waitable-set-poll]"), {.kind = TN_CANON_WAITABLE_SET_POLL}, {.memory = true}},
      {TN_STR("[cancellable][waitable-set-wait]"),
       {.kind = TN_CANON_WAITABLE_SET_WAIT, .is_cancellable = true},
       {.memory = true}},
      {TN_STR("[cancellable][waitable-set-poll]"),
       {.kind = TN_CANON_WAITABLE_SET_POLL, .is_cancellable = true},
       {.memory = true}},
      {TN_STR("[waitable-set-drop]"), {.kind = TN_CANON_WAITABLE_SET_DROP}, {0}},
      {TN_STR("[waitable-join]"), {.kind = TN_CANON_WAITABLE_JOIN}, {0}},
      {TN_STR("[subtask-drop]"), {.kind = TN_CANON_SUBTASK_DROP}, {0}},
      {TN_STR("[subtask-cancel]"), {.kind = TN_CANON_SUBTASK_CANCEL}, {0}},
      {TN_STR("[async-lower][subtask-cancel]"),
       {.kind = TN_CANON_SUBTASK_CANCEL, .is_async = true},
       {0}},
      {TN_STR("[task-cancel]"), {.kind = TN_CANON_TASK_CANCEL}, {0}},
      {TN_STR("[backpressure-inc]"), {.kind = TN_CANON_BACKPRESSURE_INC}, {0}},
      {TN_STR("[backpressure-dec]"), {.kind = TN_CANON_BACKPRESSURE_DEC}, {0}},
      {TN_STR("[context-get-0]"),
       {.kind = TN_CANON_CONTEXT_GET, .context_type = {.code = 0x7f}},
       {0}},
      {TN_STR("[context-set-0]"),
       {.kind = TN_CANON_CONTEXT_SET, .context_type = {.code = 0x7f}},
       {0}},
      {TN_STR("[context-get-1]"),
       {.kind = TN_CANON_CONTEXT_GET, .context_type = {.code = 0x7f}, .context_slot = 1},
       {0}},
      {TN_STR("[context-set-1]"),
       {.kind = TN_CANON_CONTEXT_SET, .context_type = {.code = 0x7f}, .context_slot = 1},
       {0}},
      {TN_STR("[thread-yield]"), {.kind = TN_CANON_THREAD_YIELD}, {0}},
      {TN_STR("[cancellable][thread-yield]"),
       {.kind = TN_CANON_THREAD_YIELD, .is_cancellable = true},
       {0}},
      {TN_STR("[thread-index]"), {.kind = TN_CANON_THREAD_INDEX}, {0}},
      {TN_STR("[error-context-drop]"), {.kind = TN_CANON_ERROR_CONTEXT_DROP}, {0}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!tn_str_equal(core->name, known[i].name)) continue;
    out->kind = TN_NEED_BUILT_IN;
    out->canon = known[i].canon;
    out->options = known[i].options;
    out->is_indirect = known[i].options.memory;
    return NULL;
  }
  return tn_error_new(TN_ERROR_UNSUPPORTED,
                      "the import '%" TN_STR_FORMAT "' '%" TN_STR_FORMAT "' is not known",
                      TN_STR_ARG(core->module), TN_STR_ARG(core->name));
}
