/* Adapter modules: one function for each fused call, put together. CanonicalABI.md#canon-lift and #canon-lower,
 * joined, in the order of canon/fused_call.c */
#include "canon/adapter.h"

#include <stdio.h>

#include "base/utf.h"
#include "base/vec.h"
#include "canon/adapter_move.h"

/* Code grows with the type written out as a tree. */
enum { MAX_WEIGHT = 400 };

/* ---- what is covered ---------------------------------------------------------------------------- */

static bool covers_type(const tn_type *type) {
  switch (type->kind) {
  case TN_TYPE_OWN:
  case TN_TYPE_BORROW:
  case TN_TYPE_STREAM:
  case TN_TYPE_FUTURE:
  case TN_TYPE_ERROR_CONTEXT:
    return false;
  case TN_TYPE_ENUM:
  case TN_TYPE_FLAGS:
    return true;
  default:
    break;
  }
  for (uint32_t i = 0; type->types != NULL && i < type->count; i++) {
    if (type->types[i] != NULL && !covers_type(type->types[i])) return false;
  }
  return true;
}

static bool covers_options(const tn_canon_options *options) {
  return options->encoding == TN_ENCODING_UTF8 && !options->is_64 && !options->is_async &&
         options->callback < 0;
}

bool tn_adapter_covers(const tn_lowered *lowered) {
  const tn_lifted *callee = lowered->callee;
  if (callee == NULL || lowered->entry != tn_entry_fused || callee->type->is_async) return false;
  if (!covers_options(&lowered->options) || !covers_options(&callee->options)) return false;
  const tn_type *params = callee->type->params, *result = callee->type->result;
  if (params->weight > MAX_WEIGHT || !covers_type(params)) return false;
  return result == NULL || (result->weight <= MAX_WEIGHT && covers_type(result));
}

/* ---- the module's index spaces ------------------------------------------------------------------ */

typedef struct imported_func {
  uint32_t slot;
  uint32_t type;
} imported_func;

typedef struct assembly {
  tn_arena *arena;
  tn_arena scratch;
  const tn_adapted *funcs;
  uint32_t count;
  bool defines_flags;
  TN_VEC(tn_str) types; /* encoded */
  TN_VEC(imported_func) imported;
  TN_VEC(uint32_t) memories; /* slots */
  uint32_t flags_memory;
} assembly;

/* The index of a type, as index into `types`. Letters: bytes of value types. */
static tn_error *add_type(assembly *a, const tn_core_func_type *type, uint32_t *out) {
  tn_buffer bytes = {0};
  tn_buffer_append_byte(&bytes, 0x60);
  tn_wasm_u32(&bytes, type->param_count);
  for (uint32_t i = 0; i < type->param_count; i++)
    tn_buffer_append_byte(&bytes, type->params[i].code);
  tn_wasm_u32(&bytes, type->result_count);
  for (uint32_t i = 0; i < type->result_count; i++)
    tn_buffer_append_byte(&bytes, type->results[i].code);
  tn_str encoded = tn_buffer_str(&bytes);
  uint32_t index = 0;
  while (index < a->types.len && !tn_str_equal(a->types.items[index], encoded))
    index++;
  tn_error *error = bytes.failed ? tn_error_no_memory() : NULL;
  if (error == NULL && index == a->types.len) {
    tn_str *place = TN_VEC_PUSH(&a->scratch, &a->types);
    if (place != NULL) *place = tn_arena_copy(&a->scratch, encoded);
    if (place == NULL || place->data == NULL) error = tn_error_no_memory();
  }
  tn_buffer_free(&bytes);
  *out = index;
  return error;
}

static tn_error *import_func(assembly *a, int32_t slot, const tn_core_func_type *type,
                             uint32_t *out) {
  uint32_t index = 0;
  while (index < a->imported.len && a->imported.items[index].slot != (uint32_t)slot)
    index++;
  *out = TN_ADAPTER_FIRST_FUNC + index;
  if (index < a->imported.len) return NULL;
  imported_func *place = TN_VEC_PUSH(&a->scratch, &a->imported);
  if (place == NULL) return tn_error_no_memory();
  place->slot = (uint32_t)slot;
  return add_type(a, type, &place->type);
}

static tn_error *import_memory(assembly *a, int32_t slot) {
  for (uint32_t i = 0; i < a->memories.len; i++) {
    if (a->memories.items[i] == (uint32_t)slot) return NULL;
  }
  uint32_t *place = TN_VEC_PUSH(&a->scratch, &a->memories);
  if (place == NULL) return tn_error_no_memory();
  *place = (uint32_t)slot;
  return NULL;
}

/* Flags that are imported come first, those of the module's own last. */
static uint32_t memory_index(const assembly *a, int32_t slot) {
  uint32_t index = 0;
  while (index < a->memories.len && a->memories.items[index] != (uint32_t)slot)
    index++;
  return index + !a->defines_flags;
}

/* ---- types of core functions -------------------------------------------------------------------- */

static const tn_core_valtype i32s[] = {
    {.code = TN_WASM_I32}, {.code = TN_WASM_I32}, {.code = TN_WASM_I32}, {.code = TN_WASM_I32}};
static const tn_core_func_type realloc_type = {
    .param_count = 4, .params = i32s, .result_count = 1, .results = i32s};

static uint8_t value_type(uint8_t flat) {
  static const uint8_t types[] = {[TN_FLAT_I32] = TN_WASM_I32,
                                  [TN_FLAT_I64] = TN_WASM_I64,
                                  [TN_FLAT_F32] = TN_WASM_F32,
                                  [TN_FLAT_F64] = TN_WASM_F64};
  return types[flat];
}

static bool are_params_flat(const tn_func_type *type) {
  return type->params->flat_count <= TN_MAX_FLAT_PARAMS;
}

static bool is_result_flat(const tn_func_type *type) {
  return type->result == NULL || type->result->flat_count <= TN_MAX_FLAT_RESULTS;
}

/* The callee's core function. CanonicalABI.md#flattening, flatten_functype for context `lift` */
typedef struct callee_type {
  tn_core_func_type type;
  tn_core_valtype params[TN_MAX_FLAT_PARAMS];
  tn_core_valtype result;
} callee_type;

static void describe_callee(const tn_func_type *type, callee_type *out) {
  *out = (callee_type){.params[0] = i32s[0], .result = i32s[0]};
  out->type = (tn_core_func_type){.param_count = 1,
                                  .params = out->params,
                                  .result_count = type->result != NULL,
                                  .results = &out->result};
  if (are_params_flat(type)) {
    out->type.param_count = type->params->flat_count;
    for (uint32_t i = 0; i < type->params->flat_count; i++)
      out->params[i].code = value_type(type->params->flat[0][i]);
  }
  if (type->result != NULL && is_result_flat(type))
    out->result.code = value_type(type->result->flat[0][0]);
}

/* ---- flags -------------------------------------------------------------------------------------- */

/* As tn_instance_flags lie in memory. */
static uint32_t enter_flag(uint32_t instance) {
  return instance * (uint32_t)sizeof(tn_instance_flags) +
         (uint32_t)offsetof(tn_instance_flags, may_enter);
}

static uint32_t leave_flag(uint32_t instance) {
  return instance * (uint32_t)sizeof(tn_instance_flags) +
         (uint32_t)offsetof(tn_instance_flags, may_leave);
}

/* ---- one function ------------------------------------------------------------------------------- */

typedef struct writer {
  const assembly *a;
  const tn_adapted *adapted;
  const tn_lowered *lowered;
  const tn_lifted *callee;
  const tn_func_type *type;
  tn_wasm_func f;
  callee_type callee_type;
  uint32_t callee_func;
  uint32_t realloc_of_callee;
  uint32_t realloc_of_caller;
  uint32_t post_return;
  uint32_t result_local; /* what the callee has returned */
} writer;

/* Pushes whether the flag is not set. */
static void push_unset(writer *w, uint32_t flag) {
  tn_wasm_i32(&w->f, 0);
  tn_wasm_access(&w->f, TN_WASM_I32_LOAD8_U, w->a->flags_memory, flag);
  tn_wasm_emit(&w->f, TN_WASM_I32_EQZ);
}

static void set_flag(writer *w, uint32_t flag, uint32_t value) {
  tn_wasm_i32(&w->f, 0);
  tn_wasm_i32(&w->f, value);
  tn_wasm_access(&w->f, TN_WASM_I32_STORE8, w->a->flags_memory, flag);
}

static void enter(writer *w) {
  for (uint32_t i = 0; i < w->adapted->entered_count; i++) {
    uint32_t instance = w->adapted->entered[i];
    push_unset(w, enter_flag(instance));
    tn_wasm_open(&w->f, TN_WASM_IF);
    tn_wasm_i32(&w->f, TN_FAULT_CANNOT_ENTER);
    tn_wasm_i32(&w->f, instance);
    tn_wasm_emit_u32(&w->f, TN_WASM_CALL, TN_ADAPTER_FAIL);
    tn_wasm_emit(&w->f, TN_WASM_UNREACHABLE);
    tn_wasm_close(&w->f);
  }
  for (uint32_t i = 0; i < w->adapted->entered_count; i++)
    set_flag(w, enter_flag(w->adapted->entered[i]), 0);
}

static void leave(writer *w) {
  for (uint32_t i = 0; i < w->adapted->entered_count; i++)
    set_flag(w, enter_flag(w->adapted->entered[i]), 1);
}

static tn_mover mover_between(writer *w, const tn_canon_options *from, const tn_canon_options *to,
                              uint32_t realloc) {
  return (tn_mover){.f = &w->f,
                    .scratch = (tn_arena *)&w->a->scratch,
                    .from_memory = memory_index(w->a, from->memory),
                    .to_memory = memory_index(w->a, to->memory),
                    .realloc = realloc,
                    .from_slot = (uint32_t)from->memory};
}

static void get(writer *w, uint32_t local) {
  tn_wasm_emit_u32(&w->f, TN_WASM_LOCAL_GET, local);
}

static void set(writer *w, uint32_t local) {
  tn_wasm_emit_u32(&w->f, TN_WASM_LOCAL_SET, local);
}

/* More parameters than fit: both sides have them in memory. Returns the local with the callee's address. */
static uint32_t move_spilled(writer *w, tn_mover *m) {
  tn_layout layout = w->type->params->layout[0];
  uint32_t to = tn_wasm_fresh_local(&w->f, TN_WASM_I32);
  uint32_t size = tn_wasm_take_local(&w->f, TN_WASM_I32);
  tn_check_place(m, m->from_memory, 0, layout);
  tn_wasm_i32(&w->f, layout.size);
  set(w, size);
  tn_call_realloc(m, layout.alignment, size, TN_FAULT_REALLOC_ARGUMENT, to);
  tn_wasm_give_local(&w->f, TN_WASM_I32, size);
  tn_move_memory(m, w->type->params, 0, to);
  return to;
}

static uint32_t move_flat_params(writer *w, tn_mover *m) {
  const tn_core_func_type *type = &w->callee_type.type;
  uint32_t first = w->f.param_count + (uint32_t)w->f.locals.len;
  for (uint32_t i = 0; i < type->param_count; i++)
    tn_wasm_fresh_local(&w->f, type->params[i].code);
  tn_move_flat(m, w->type->params, 0, first, w->type->params->flat[0]);
  return first;
}

/* Moves the parameters and calls. While realloc may be called, leaving is forbidden. */
static tn_error *call(writer *w) {
  const tn_core_func_type *type = &w->callee_type.type;
  uint32_t instance = w->callee->options.instance;
  bool may_allocate = w->lowered->params.writes_memory;
  tn_mover m = mover_between(w, &w->lowered->options, &w->callee->options, w->realloc_of_callee);
  if (may_allocate) set_flag(w, leave_flag(instance), 0);
  uint32_t first = are_params_flat(w->type) ? move_flat_params(w, &m) : move_spilled(w, &m);
  if (may_allocate) set_flag(w, leave_flag(instance), 1);
  for (uint32_t i = 0; i < type->param_count; i++)
    get(w, first + i);
  tn_wasm_emit_u32(&w->f, TN_WASM_CALL, w->callee_func);
  if (type->result_count > 0) {
    w->result_local = tn_wasm_fresh_local(&w->f, type->results->code);
    set(w, w->result_local);
  }
  return m.error;
}

/* Both sides have the result in memory; the caller has told where. */
static void move_result_memory(writer *w, tn_mover *m) {
  uint32_t instance = w->lowered->options.instance, room = w->lowered->result_slot;
  const tn_type *type = w->type->result;
  tn_check_place(m, m->from_memory, w->result_local, type->layout[0]);
  tn_check_place(m, m->to_memory, room, type->layout[0]);
  if (type->has_pointer) set_flag(w, leave_flag(instance), 0);
  tn_move_memory(m, type, w->result_local, room);
  if (type->has_pointer) set_flag(w, leave_flag(instance), 1);
}

/* Sets *out to the local with what to return, where there is something. */
static tn_error *move_result(writer *w, uint32_t *out) {
  if (w->type->result == NULL) return NULL;
  tn_mover m = mover_between(w, &w->callee->options, &w->lowered->options, w->realloc_of_caller);
  if (is_result_flat(w->type)) {
    *out = tn_wasm_fresh_local(&w->f, w->callee_type.result.code);
    tn_move_flat(&m, w->type->result, w->result_local, *out, w->type->result->flat[0]);
  } else {
    move_result_memory(w, &m);
  }
  return m.error;
}

static void call_post_return(writer *w) {
  uint32_t instance = w->callee->options.instance;
  if (w->callee->options.post_return < 0) return;
  set_flag(w, leave_flag(instance), 0);
  if (w->type->result != NULL) get(w, w->result_local);
  tn_wasm_emit_u32(&w->f, TN_WASM_CALL, w->post_return);
  set_flag(w, leave_flag(instance), 1);
}

static tn_error *write_body(writer *w) {
  uint32_t result = 0;
  tn_faults_open(&w->f);
  push_unset(w, leave_flag(w->lowered->options.instance));
  tn_fault_if(&w->f, TN_FAULT_CANNOT_LEAVE);
  enter(w);
  TN_TRY(call(w));
  TN_TRY(move_result(w, &result));
  call_post_return(w);
  leave(w);
  if (w->lowered->type.result_count > 0) get(w, result);
  tn_wasm_emit(&w->f, TN_WASM_RETURN);
  tn_faults_close(&w->f);
  return NULL;
}

/* Finds the imports of a function; the first pass only makes sure that the module has them. */
static tn_error *import_for(assembly *a, const tn_adapted *adapted, writer *w) {
  const tn_lowered *lowered = adapted->lowered;
  const tn_canon_options *caller = &lowered->options, *callee = &lowered->callee->options;
  *w = (writer){.a = a,
                .adapted = adapted,
                .lowered = lowered,
                .callee = lowered->callee,
                .type = lowered->callee->type};
  w->f.param_count = lowered->type.param_count;
  describe_callee(w->type, &w->callee_type);
  TN_TRY(import_func(a, w->callee->callee, &w->callee_type.type, &w->callee_func));
  if (lowered->params.reads_memory || lowered->result.writes_memory)
    TN_TRY(import_memory(a, caller->memory));
  if (lowered->params.writes_memory || lowered->result.reads_memory)
    TN_TRY(import_memory(a, callee->memory));
  if (lowered->params.writes_memory)
    TN_TRY(import_func(a, callee->realloc, &realloc_type, &w->realloc_of_callee));
  if (w->type->result != NULL && w->type->result->has_pointer) {
    TN_TRY(import_func(a, caller->realloc, &realloc_type, &w->realloc_of_caller));
  }
  if (callee->post_return < 0) return NULL;
  tn_core_func_type type = {.param_count = w->callee_type.type.result_count,
                            .params = w->callee_type.type.results};
  return import_func(a, callee->post_return, &type, &w->post_return);
}

/* ---- the module --------------------------------------------------------------------------------- */

static const tn_core_func_type host_types[] = {
    [TN_ADAPTER_FAIL] = {.param_count = 2, .params = i32s},
    [TN_ADAPTER_CHECK_UTF8] = {.param_count = 3, .params = i32s},
};

enum { KIND_FUNC = 0, KIND_MEMORY = 2 };

/* All names are empty: imports go by position. */
static void write_import(tn_buffer *out, uint8_t kind) {
  tn_wasm_u32(out, 0);
  tn_wasm_u32(out, 0);
  tn_buffer_append_byte(out, kind);
}

static void write_imported_memory(tn_buffer *out) {
  write_import(out, KIND_MEMORY);
  tn_buffer_append(out, "\0\0", 2); /* of any size */
}

static tn_error *write_imports(assembly *a, tn_buffer *out, uint32_t *count) {
  for (uint32_t i = 0; i < TN_ADAPTER_FIRST_FUNC; i++) {
    uint32_t type;
    TN_TRY(add_type(a, &host_types[i], &type));
    write_import(out, KIND_FUNC);
    tn_wasm_u32(out, type);
  }
  for (uint32_t i = 0; i < a->imported.len; i++) {
    write_import(out, KIND_FUNC);
    tn_wasm_u32(out, a->imported.items[i].type);
  }
  if (!a->defines_flags) write_imported_memory(out);
  for (uint32_t i = 0; i < a->memories.len; i++)
    write_imported_memory(out);
  *count = TN_ADAPTER_FIRST_FUNC + a->imported.len + !a->defines_flags + a->memories.len;
  return NULL;
}

static void write_export(tn_buffer *out, tn_str name, uint8_t kind, uint32_t index) {
  tn_wasm_bytes(out, name);
  tn_buffer_append_byte(out, kind);
  tn_wasm_u32(out, index);
}

static void write_exports(const assembly *a, tn_buffer *out) {
  for (uint32_t i = 0; i < a->count; i++) {
    char name[12];
    snprintf(name, sizeof name, "%u", i);
    write_export(out, tn_str_from(name), KIND_FUNC, TN_ADAPTER_FIRST_FUNC + a->imported.len + i);
  }
  if (a->defines_flags) write_export(out, TN_STR("flags"), KIND_MEMORY, a->flags_memory);
}

static void write_types(const assembly *a, tn_buffer *out) {
  for (uint32_t i = 0; i < a->types.len; i++)
    tn_buffer_append_str(out, a->types.items[i]);
}

typedef struct sections {
  tn_buffer types, imports, funcs, memories, exports, code;
} sections;

static tn_error *write_func(assembly *a, const tn_adapted *adapted, sections *s) {
  writer w;
  uint32_t type;
  TN_TRY(add_type(a, &adapted->lowered->type, &type));
  TN_TRY(import_for(a, adapted, &w));
  tn_wasm_u32(&s->funcs, type);
  tn_error *error = write_body(&w);
  tn_wasm_finish(&w.f, &s->code);
  return error;
}

static tn_error *fill(assembly *a, sections *s, uint32_t *import_count) {
  for (uint32_t i = 0; i < a->count; i++) {
    writer unused;
    TN_TRY(import_for(a, &a->funcs[i], &unused));
  }
  a->flags_memory = a->defines_flags ? a->memories.len : 0;
  TN_TRY(write_imports(a, &s->imports, import_count));
  for (uint32_t i = 0; i < a->count; i++)
    TN_TRY(write_func(a, &a->funcs[i], s));
  tn_buffer_append(&s->memories, "\1\1\1", 3); /* one page, for ever */
  write_exports(a, &s->exports);
  write_types(a, &s->types);
  return NULL;
}

static tn_error *join(const assembly *a, const sections *s, uint32_t import_count, tn_str *out) {
  tn_buffer bytes = {0};
  tn_buffer_append(&bytes, "\0asm\1\0\0\0", 8);
  tn_wasm_section(&bytes, 1, a->types.len, &s->types);
  tn_wasm_section(&bytes, 2, import_count, &s->imports);
  tn_wasm_section(&bytes, 3, a->count, &s->funcs);
  tn_wasm_section(&bytes, 5, a->defines_flags, &s->memories);
  tn_wasm_section(&bytes, 7, a->count + a->defines_flags, &s->exports);
  tn_wasm_section(&bytes, 10, a->count, &s->code);
  *out = bytes.failed ? (tn_str){0} : tn_arena_copy(a->arena, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *list_imports(const assembly *a, tn_adapter_module *out) {
  tn_adapter_import *imports = TN_ARENA_ARRAY(a->arena, tn_adapter_import, out->import_count);
  if (imports == NULL) return tn_error_no_memory();
  out->imports = imports;
  for (uint32_t i = 0; i < TN_ADAPTER_FIRST_FUNC; i++)
    *imports++ = (tn_adapter_import){TN_ADAPTER_IMPORT_HOST, i};
  for (uint32_t i = 0; i < a->imported.len; i++) {
    *imports++ = (tn_adapter_import){TN_ADAPTER_IMPORT_FUNC, a->imported.items[i].slot};
  }
  if (!a->defines_flags) *imports++ = (tn_adapter_import){TN_ADAPTER_IMPORT_FLAGS, 0};
  for (uint32_t i = 0; i < a->memories.len; i++) {
    *imports++ = (tn_adapter_import){TN_ADAPTER_IMPORT_MEMORY, a->memories.items[i]};
  }
  return NULL;
}

tn_error *tn_adapter_write(tn_arena *arena, const tn_adapted *funcs, uint32_t count,
                           bool defines_flags, tn_adapter_module *out) {
  assembly a = {.arena = arena, .funcs = funcs, .count = count, .defines_flags = defines_flags};
  sections s = {0};
  tn_error *error = fill(&a, &s, &out->import_count);
  if (error == NULL) error = join(&a, &s, out->import_count, &out->bytes);
  if (error == NULL) error = list_imports(&a, out);
  tn_buffer *buffers[] = {&s.types, &s.imports, &s.funcs, &s.memories, &s.exports, &s.code};
  for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
    tn_buffer_free(buffers[i]);
  tn_arena_free(&a.scratch);
  return error;
}

/* ---- the host's part ---------------------------------------------------------------------------- */

static tn_core_trap *entry_fail(void *environment, tn_core_caller *caller, tn_core_value *values,
                                size_t count) {
  (void)environment, (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  uint32_t fault = values[0].u32;
  if (fault < TN_FAULT_COUNT)
    return tn_core_trap_from_error(context, tn_fault_error((tn_fault)fault));
  const tn_component_instance *instance = &tn_runtime_of(context)->instances[values[1].u32];
  return tn_core_trap_from_error(context, tn_trap("cannot enter component instance %" TN_STR_FORMAT,
                                                  TN_STR_ARG(instance->path)));
}

/* The adapter has checked that the string is within the memory. */
static tn_core_trap *entry_check_utf8(void *environment, tn_core_caller *caller,
                                      tn_core_value *values, size_t count) {
  (void)environment, (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  const tn_core_memory *memory = &tn_runtime_of(context)->memories[values[0].u32];
  const uint8_t *bytes = tn_core_memory_base(context, memory) + values[1].u32;
  if (tn_utf8_is_valid(bytes, values[2].u32)) return NULL;
  static const tn_canon_options guest;
  tn_end source = {.options = &guest};
  tn_transfer t = {.source = &source};
  return tn_core_trap_from_error(context, tn_utf8_check(&t, bytes, values[2].u32));
}

tn_host_import tn_adapter_host(uint32_t index) {
  static const tn_core_host_func entries[] = {
      [TN_ADAPTER_FAIL] = entry_fail, [TN_ADAPTER_CHECK_UTF8] = entry_check_utf8};
  return (tn_host_import){.type = &host_types[index], .func = entries[index]};
}
