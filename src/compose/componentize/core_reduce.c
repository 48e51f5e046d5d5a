#include "compose/componentize/core_reduce.h"

#include "base/wasm_bytes.h"
#include "component/binary/decode.h"
#include "compose/componentize/core_code.h"
#include "compose/componentize/core_write.h"

enum {
  CUSTOM = 0,
  TYPE = 1,
  IMPORT = 2,
  FUNCTION = 3,
  TABLE = 4,
  MEMORY = 5,
  GLOBAL = 6,
  EXPORT = 7,
  START = 8,
  ELEMENT = 9,
  CODE = 10,
  DATA = 11,
  DATA_COUNT = 12,
  SECTIONS = 14,
};
enum { NONE = UINT32_MAX, PAGE_SIZE = 65536 };

/* One import. */
typedef struct core_import {
  tn_str module;
  tn_str name;
  tn_str encoded; /* its type, as it stands */
  uint32_t type;
  bool is_function;
} core_import;

typedef struct core_export {
  tn_str name;
  uint8_t kind;
  uint32_t index;
} core_export;

/* One function: imported ones first. `number` is the one that it gets. */
typedef struct core_function {
  uint32_t type;
  tn_str body; /* without its size; .data == NULL: imported */
  bool is_live;
  bool is_exported;
  uint32_t number;
} core_function;

/* Invariant: `functions` has all functions, of which the first `imported_count` are imported. */
typedef struct reducer {
  tn_arena *arena;
  const tn_core_reduction *how;
  tn_str sections[SECTIONS];
  tn_str names;     /* the name section */
  tn_str producers; /* the contents of that section; .data == NULL: none */
  TN_VEC(core_import) imports;
  TN_VEC(core_export) exports;
  TN_VEC(core_function) functions;
  TN_VEC(uint32_t) pending; /* live functions that have not been looked at */
  uint32_t imported_count;
  uint32_t type_count;
  uint32_t realloc;          /* the function imported as "cabi_realloc"; NONE: not there */
  uint32_t stack_pointer;    /* a global, or NONE */
  uint32_t allocation_state; /* a global, or NONE */
  /* What is added; NONE: not needed. Numbers among the functions of the result. */
  uint32_t grow_function;
  uint32_t stack_function;
} reducer;

/* ---- reading -------------------------------------------------------------------------------------------- */

static tn_reader section_reader(const reducer *r, int id) {
  return tn_reader_new(r->sections[id], 0);
}

static tn_error *split_sections(reducer *r, tn_str module) {
  tn_reader in = tn_reader_new(module, 0), contents;
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(&in, &preamble));
  if (!tn_preamble_is_module(preamble)) return tn_unknown_version(0, preamble);
  while (tn_reader_remaining(&in) > 0) {
    uint8_t id;
    tn_str name;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    if (id >= SECTIONS) return tn_malformed(tn_reader_offset(&in), "malformed section id: %u", id);
    tn_str bytes = {(const char *)contents.next, tn_reader_remaining(&contents)};
    if (id != CUSTOM) {
      r->sections[id] = bytes;
      continue;
    }
    TN_TRY(tn_read_name(&contents, &name));
    bytes = (tn_str){(const char *)contents.next, tn_reader_remaining(&contents)};
    if (tn_str_equal(name, TN_STR("name"))) r->names = bytes;
    if (tn_str_equal(name, TN_STR("producers"))) r->producers = bytes;
  }
  return NULL;
}

static tn_error *check_shape(const reducer *r) {
  static const struct {
    int id;
    const char *what;
  } unsupported[] = {{MEMORY, "a memory"},
                     {START, "a start function"},
                     {ELEMENT, "element segments"},
                     {DATA, "data segments"},
                     {13, "tags"}};
  for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++) {
    if (r->sections[unsupported[i].id].len == 0) continue;
    return tn_error_new(TN_ERROR_UNSUPPORTED, "it has %s of its own, which adapters cannot have",
                        unsupported[i].what);
  }
  return NULL;
}

static tn_error *read_imports(reducer *r) {
  tn_reader in = section_reader(r, IMPORT);
  uint32_t count = 0;
  if (tn_reader_remaining(&in) > 0) TN_TRY(tn_read_count(&in, TN_MAX_ITEMS, "imports", &count));
  for (uint32_t i = 0; i < count; i++) {
    tn_core_import read;
    core_import *import = TN_VEC_PUSH(r->arena, &r->imports);
    if (import == NULL) return tn_error_no_memory();
    TN_TRY(tn_decode_core_import(&in, &read));
    const uint8_t *type = (const uint8_t *)read.name.data + read.name.len;
    *import = (core_import){read.module, read.name, tn_reader_since(&in, type),
                            read.type.type_index, read.type.kind == TN_CORE_EXTERN_FUNC};
    if (!import->is_function) continue;
    core_function *function = TN_VEC_PUSH(r->arena, &r->functions);
    if (function == NULL) return tn_error_no_memory();
    function->type = import->type;
    bool is_realloc = tn_str_equal(read.module, TN_STR("__main_module__")) &&
                      (tn_str_equal(read.name, TN_STR("cabi_realloc")) ||
                       tn_str_equal(read.name, TN_STR("canonical_abi_realloc")));
    if (is_realloc) r->realloc = r->functions.len - 1;
  }
  r->imported_count = r->functions.len;
  return NULL;
}

static tn_error *read_functions(reducer *r) {
  tn_reader types = section_reader(r, FUNCTION), code = section_reader(r, CODE), body;
  uint32_t count = 0, bodies = 0;
  if (tn_reader_remaining(&types) > 0)
    TN_TRY(tn_read_count(&types, TN_MAX_ITEMS, "functions", &count));
  if (tn_reader_remaining(&code) > 0)
    TN_TRY(tn_read_count(&code, TN_MAX_ITEMS, "functions", &bodies));
  if (count != bodies)
    return tn_error_new(TN_ERROR_MALFORMED, "function and code section differ in length");
  for (uint32_t i = 0; i < count; i++) {
    core_function *function = TN_VEC_PUSH(r->arena, &r->functions);
    if (function == NULL) return tn_error_no_memory();
    TN_TRY(tn_read_u32(&types, &function->type));
    TN_TRY(tn_read_sized(&code, &body));
    function->body = (tn_str){(const char *)body.next, tn_reader_remaining(&body)};
  }
  return NULL;
}

static tn_error *read_exports(reducer *r) {
  tn_reader in = section_reader(r, EXPORT);
  uint32_t count = 0;
  if (tn_reader_remaining(&in) > 0) TN_TRY(tn_read_count(&in, TN_MAX_ITEMS, "exports", &count));
  for (uint32_t i = 0; i < count; i++) {
    core_export export_;
    TN_TRY(tn_read_name(&in, &export_.name));
    TN_TRY(tn_read_byte(&in, &export_.kind));
    TN_TRY(tn_read_u32(&in, &export_.index));
    if (!tn_map_has(r->how->exports, export_.name)) continue;
    core_export *kept = TN_VEC_PUSH(r->arena, &r->exports);
    if (kept == NULL) return tn_error_no_memory();
    *kept = export_;
  }
  return NULL;
}

static tn_error *read_type_count(reducer *r) {
  tn_reader in = section_reader(r, TYPE);
  return tn_reader_remaining(&in) == 0 ? NULL
                                       : tn_read_count(&in, TN_MAX_ITEMS, "types", &r->type_count);
}

/* Subsection `wanted` of the name section; empty if it is not there. */
static tn_error *find_names(const reducer *r, uint8_t wanted, tn_reader *out) {
  tn_reader in = tn_reader_new(r->names, 0);
  *out = tn_reader_new((tn_str){NULL, 0}, 0);
  while (tn_reader_remaining(&in) > 0) {
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    if (id == wanted) *out = contents;
  }
  return NULL;
}

static tn_error *find_globals(reducer *r) {
  enum { GLOBAL_NAMES = 7 };
  tn_reader in;
  uint32_t count = 0, index;
  tn_str name;
  TN_TRY(find_names(r, GLOBAL_NAMES, &in));
  if (tn_reader_remaining(&in) > 0) TN_TRY(tn_read_count(&in, TN_MAX_ITEMS, "names", &count));
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_read_u32(&in, &index));
    TN_TRY(tn_read_name(&in, &name));
    if (tn_str_equal(name, TN_STR("__stack_pointer"))) r->stack_pointer = index;
    if (tn_str_equal(name, TN_STR("allocation_state"))) r->allocation_state = index;
  }
  return NULL;
}

/* ---- what is needed ------------------------------------------------------------------------------------- */

static tn_error *need(reducer *r, uint32_t function) {
  if (function >= r->functions.len)
    return tn_error_new(TN_ERROR_MALFORMED, "unknown function %u", function);
  if (r->functions.items[function].is_live) return NULL;
  r->functions.items[function].is_live = true;
  uint32_t *slot = TN_VEC_PUSH(r->arena, &r->pending);
  if (slot == NULL) return tn_error_no_memory();
  *slot = function;
  return NULL;
}

static tn_error *need_named(void *data, const uint8_t *begin, const uint8_t *end,
                            uint32_t function) {
  (void)begin;
  (void)end;
  return need(data, function);
}

static tn_error *find_live(reducer *r) {
  for (uint32_t i = 0; i < r->exports.len; i++) {
    if (r->exports.items[i].kind != TN_CORE_EXTERN_FUNC) continue;
    TN_TRY(need(r, r->exports.items[i].index));
    r->functions.items[r->exports.items[i].index].is_exported = true;
  }
  if (r->stack_pointer != NONE && r->realloc != NONE) TN_TRY(need(r, r->realloc));
  while (r->pending.len > 0) {
    const core_function *function = &r->functions.items[r->pending.items[--r->pending.len]];
    if (function->body.data == NULL) continue;
    tn_reader in = tn_reader_new(function->body, 0);
    TN_TRY(tn_core_skip_locals(&in));
    TN_TRY(tn_core_visit_code(&in, need_named, r));
  }
  return NULL;
}

/* Whether the stack is made before the first call of an export. */
static bool is_lazy(const reducer *r) {
  return r->stack_pointer != NONE && r->allocation_state != NONE && r->realloc != NONE &&
         r->how->realloc.data != NULL;
}

/* Whether the module's import of realloc becomes a function of its own. */
static bool replaces_realloc(const reducer *r) {
  return r->realloc != NONE && r->how->realloc.data == NULL &&
         r->functions.items[r->realloc].is_live;
}

static bool stays_imported(const reducer *r, uint32_t function) {
  return r->functions.items[function].is_live && !(function == r->realloc && replaces_realloc(r));
}

/* The order of the result: imports, the function that grows the memory, live functions, the one that makes the
 * stack. */
static uint32_t number_functions(reducer *r) {
  uint32_t next = 0;
  for (uint32_t i = 0; i < r->imported_count; i++) {
    if (stays_imported(r, i)) r->functions.items[i].number = next++;
  }
  uint32_t imported = next;
  bool needs_grow = replaces_realloc(r) || (r->stack_pointer != NONE && !is_lazy(r));
  if (needs_grow) r->grow_function = next++;
  if (replaces_realloc(r)) r->functions.items[r->realloc].number = r->grow_function;
  for (uint32_t i = r->imported_count; i < r->functions.len; i++) {
    if (r->functions.items[i].is_live) r->functions.items[i].number = next++;
  }
  if (r->stack_pointer != NONE) r->stack_function = next++;
  return next - imported;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

enum { I32 = 0x7f, END = 0x0b, CALL = 0x10, IF = 0x04, EMPTY = 0x40 };

static void write_section(tn_buffer *out, int id, uint32_t count, tn_buffer *entries) {
  tn_wasm_section(out, (uint8_t)id, count, entries);
  tn_buffer_free(entries);
}

/* The types of the module, then the two of what is added: [i32 i32 i32 i32] -> [i32] and [] -> []. */
static tn_error *write_types(const reducer *r, tn_buffer *out) {
  static const tn_core_valtype words[] = {{I32, 0}, {I32, 0}, {I32, 0}, {I32, 0}};
  static const tn_core_func_type realloc_type = {4, 1, words, words}, plain = {0};
  tn_reader in = section_reader(r, TYPE);
  tn_buffer entries = {0};
  uint32_t ignored;
  if (tn_reader_remaining(&in) > 0) TN_TRY(tn_read_u32(&in, &ignored));
  tn_buffer_append(&entries, in.next, tn_reader_remaining(&in));
  tn_core_write_func_type(&entries, &realloc_type);
  tn_core_write_func_type(&entries, &plain);
  write_section(out, TYPE, r->type_count + 2, &entries);
  return NULL;
}

static void write_imports(const reducer *r, tn_buffer *out) {
  tn_buffer entries = {0};
  uint32_t count = 0, function = 0;
  for (uint32_t i = 0; i < r->imports.len; i++) {
    const core_import *import = &r->imports.items[i];
    bool is_realloc = import->is_function && function == r->realloc;
    if (import->is_function && !stays_imported(r, function++)) continue;
    tn_wasm_bytes(&entries, import->module);
    tn_wasm_bytes(&entries, is_realloc ? r->how->realloc : import->name);
    tn_buffer_append_str(&entries, import->encoded);
    count++;
  }
  write_section(out, IMPORT, count, &entries);
}

static void write_function_types(const reducer *r, tn_buffer *out, uint32_t count) {
  tn_buffer entries = {0};
  if (r->grow_function != NONE) tn_wasm_u32(&entries, r->type_count);
  for (uint32_t i = r->imported_count; i < r->functions.len; i++) {
    if (r->functions.items[i].is_live) tn_wasm_u32(&entries, r->functions.items[i].type);
  }
  if (r->stack_function != NONE) tn_wasm_u32(&entries, r->type_count + 1);
  write_section(out, FUNCTION, count, &entries);
}

static void write_exports(const reducer *r, tn_buffer *out) {
  tn_buffer entries = {0};
  for (uint32_t i = 0; i < r->exports.len; i++) {
    const core_export *export_ = &r->exports.items[i];
    tn_wasm_bytes(&entries, export_->name);
    tn_buffer_append_byte(&entries, export_->kind);
    bool is_function = export_->kind == TN_CORE_EXTERN_FUNC;
    tn_wasm_u32(&entries, is_function ? r->functions.items[export_->index].number : export_->index);
  }
  write_section(out, EXPORT, r->exports.len, &entries);
}

static void write_raw(const reducer *r, tn_buffer *out, int id) {
  if (r->sections[id].len == 0) return;
  tn_buffer_append_byte(out, (uint8_t)id);
  tn_wasm_bytes(out, r->sections[id]);
}

/* Copies code, with the functions' new numbers. */
typedef struct copier {
  const reducer *r;
  tn_buffer *out;
  const uint8_t *copied; /* up to here */
} copier;

static tn_error *copy_and_renumber(void *data, const uint8_t *begin, const uint8_t *end,
                                   uint32_t function) {
  copier *c = data;
  tn_buffer_append(c->out, c->copied, (size_t)(begin - c->copied));
  tn_wasm_u32(c->out, c->r->functions.items[function].number);
  c->copied = end;
  return NULL;
}

static tn_error *write_body(const reducer *r, const core_function *function, tn_buffer *out) {
  tn_reader in = tn_reader_new(function->body, 0);
  size_t begin = tn_wasm_begin_sized(out);
  TN_TRY(tn_core_skip_locals(&in));
  tn_buffer_append_str(out, tn_reader_since(&in, in.start));
  if (function->is_exported && is_lazy(r)) {
    tn_buffer_append_byte(out, CALL);
    tn_wasm_u32(out, r->stack_function);
  }
  copier c = {.r = r, .out = out, .copied = in.next};
  TN_TRY(tn_core_visit_code(&in, copy_and_renumber, &c));
  tn_buffer_append(out, c.copied, (size_t)(in.end - c.copied));
  tn_wasm_end_sized(out, begin);
  return NULL;
}

static void write_constant(tn_buffer *out, int32_t value) {
  enum { I32_CONST = 0x41 };
  tn_buffer_append_byte(out, I32_CONST);
  tn_wasm_s64(out, value);
}

static void write_indexed(tn_buffer *out, uint8_t opcode, uint32_t index) {
  tn_buffer_append_byte(out, opcode);
  tn_wasm_u32(out, index);
}

/* if (condition on the stack) unreachable */
static void write_trap_if(tn_buffer *out) {
  tn_buffer_append(out, "\x04\x40\x00\x0b", 4);
}

/* As cabi_realloc, but for one new page only: traps for anything else, and when there is no memory. */
static void write_grow(tn_buffer *out) {
  enum {
    LOCAL_GET = 0x20,
    LOCAL_TEE = 0x22,
    MEMORY_GROW = 0x40,
    EQ = 0x46,
    NE = 0x47,
    OR = 0x72,
    SHL = 0x74
  };
  enum { OLD = 0, OLD_SIZE = 1, SIZE = 3, PAGE = 4 };
  size_t begin = tn_wasm_begin_sized(out);
  tn_buffer_append(out, "\1\1\x7f", 3); /* one more local variable, an i32 */
  write_indexed(out, LOCAL_GET, OLD);
  write_indexed(out, LOCAL_GET, OLD_SIZE);
  tn_buffer_append_byte(out, OR);
  write_indexed(out, LOCAL_GET, SIZE);
  write_constant(out, PAGE_SIZE);
  tn_buffer_append_byte(out, NE);
  tn_buffer_append_byte(out, OR);
  write_trap_if(out);
  write_constant(out, 1);
  write_indexed(out, MEMORY_GROW, 0);
  write_indexed(out, LOCAL_TEE, PAGE);
  write_constant(out, -1);
  tn_buffer_append_byte(out, EQ);
  write_trap_if(out);
  write_indexed(out, LOCAL_GET, PAGE);
  write_constant(out, 16);
  tn_buffer_append_byte(out, SHL);
  tn_buffer_append_byte(out, END);
  tn_wasm_end_sized(out, begin);
}

/* Stack pointer = the end of a new page. Lazily: only if the state says that there is none yet (0); while it is
 * being made (1), the program's own realloc may come back here. */
static void write_stack_maker(const reducer *r, tn_buffer *out) {
  enum {
    GLOBAL_GET = 0x23,
    GLOBAL_SET = 0x24,
    EQZ = 0x45,
    ADD = 0x6a,
    IN_THE_MAKING = 1,
    IS_MADE = 2,
    ALIGNMENT = 8
  };
  size_t begin = tn_wasm_begin_sized(out);
  tn_wasm_u32(out, 0);
  if (is_lazy(r)) {
    write_indexed(out, GLOBAL_GET, r->allocation_state);
    tn_buffer_append_byte(out, EQZ);
    tn_buffer_append_byte(out, IF);
    tn_buffer_append_byte(out, EMPTY);
    write_constant(out, IN_THE_MAKING);
    write_indexed(out, GLOBAL_SET, r->allocation_state);
  }
  write_constant(out, 0);
  write_constant(out, 0);
  write_constant(out, ALIGNMENT);
  write_constant(out, PAGE_SIZE);
  write_indexed(out, CALL, is_lazy(r) ? r->functions.items[r->realloc].number : r->grow_function);
  write_constant(out, PAGE_SIZE);
  tn_buffer_append_byte(out, ADD);
  write_indexed(out, GLOBAL_SET, r->stack_pointer);
  if (r->allocation_state != NONE) {
    write_constant(out, IS_MADE);
    write_indexed(out, GLOBAL_SET, r->allocation_state);
  }
  if (is_lazy(r)) tn_buffer_append_byte(out, END);
  tn_buffer_append_byte(out, END);
  tn_wasm_end_sized(out, begin);
}

static tn_error *write_code(const reducer *r, tn_buffer *out, uint32_t count) {
  tn_buffer entries = {0};
  tn_error *error = NULL;
  if (r->grow_function != NONE) write_grow(&entries);
  for (uint32_t i = r->imported_count; error == NULL && i < r->functions.len; i++) {
    if (r->functions.items[i].is_live) error = write_body(r, &r->functions.items[i], &entries);
  }
  if (r->stack_function != NONE) write_stack_maker(r, &entries);
  write_section(out, CODE, count, &entries);
  return error;
}

/* The names of what is left, so that backtraces of it can be read. */
static tn_error *write_names(const reducer *r, tn_buffer *out) {
  enum { FUNCTION_NAMES = 1 };
  tn_reader in;
  tn_buffer entries = {0};
  uint32_t count = 0, kept = 0, function;
  tn_str name;
  TN_TRY(find_names(r, FUNCTION_NAMES, &in));
  if (tn_reader_remaining(&in) > 0) TN_TRY(tn_read_count(&in, TN_MAX_ITEMS, "names", &count));
  tn_error *error = NULL;
  for (uint32_t i = 0; error == NULL && i < count; i++) {
    error = tn_read_u32(&in, &function);
    if (error == NULL) error = tn_read_name(&in, &name);
    /* A replaced import would come out of order. */
    bool stays = error == NULL && function < r->functions.len &&
                 r->functions.items[function].is_live &&
                 (function >= r->imported_count || stays_imported(r, function));
    if (!stays) continue;
    tn_wasm_u32(&entries, r->functions.items[function].number);
    tn_wasm_bytes(&entries, name);
    kept++;
  }
  tn_buffer section = {0};
  write_section(&section, FUNCTION_NAMES, kept, &entries);
  if (error == NULL) tn_core_write_custom(out, TN_STR("name"), tn_buffer_str(&section));
  out->failed |= section.failed;
  tn_buffer_free(&section);
  return error;
}

static tn_error *write_module(reducer *r, tn_buffer *out) {
  uint32_t count = number_functions(r);
  tn_core_write_preamble(out);
  TN_TRY(write_types(r, out));
  write_imports(r, out);
  write_function_types(r, out, count);
  write_raw(r, out, TABLE);
  write_raw(r, out, GLOBAL);
  write_exports(r, out);
  if (r->stack_pointer != NONE && !is_lazy(r)) {
    tn_buffer_append_byte(out, START);
    size_t begin = tn_wasm_begin_sized(out);
    tn_wasm_u32(out, r->stack_function);
    tn_wasm_end_sized(out, begin);
  }
  TN_TRY(write_code(r, out, count));
  TN_TRY(write_names(r, out));
  if (r->producers.data != NULL) tn_core_write_custom(out, TN_STR("producers"), r->producers);
  return NULL;
}

static tn_error *reduce(reducer *r, tn_str module, tn_buffer *out) {
  TN_TRY(split_sections(r, module));
  TN_TRY(check_shape(r));
  TN_TRY(read_type_count(r));
  TN_TRY(read_imports(r));
  TN_TRY(read_functions(r));
  TN_TRY(read_exports(r));
  TN_TRY(find_globals(r));
  TN_TRY(find_live(r));
  return write_module(r, out);
}

tn_error *tn_core_reduce(tn_arena *arena, tn_str module, const tn_core_reduction *how,
                         tn_str *out) {
  reducer r = {.arena = arena,
               .how = how,
               .realloc = NONE,
               .stack_pointer = NONE,
               .allocation_state = NONE,
               .grow_function = NONE,
               .stack_function = NONE};
  tn_buffer bytes = {0};
  if (module.len > UINT32_MAX) return tn_error_new(TN_ERROR_LIMIT, "a module of 4 GiB or more");
  tn_error *error = reduce(&r, module, &bytes);
  if (error == NULL) {
    *out = bytes.failed ? (tn_str){NULL, 0} : tn_arena_copy(arena, tn_buffer_str(&bytes));
    if (out->data == NULL) error = tn_error_no_memory();
  }
  tn_buffer_free(&bytes);
  return error;
}
