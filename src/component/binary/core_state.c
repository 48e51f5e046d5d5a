/* What of an instance of a core module can change: see tn_core_state. The module has been validated, so that
 * its code need only be stepped over: instructions are told apart by what follows them. */
#include <string.h>

#include "component/binary/core_module_expr.h"
#include "component/binary/decode.h"
#include "component/component.h"

enum { SECTION_MEMORY = 5, SECTION_GLOBAL = 6, SECTION_CODE = 10 };

/* ---- code ----------------------------------------------------------------------------------------------- */

static bool skip_bytes(tn_reader *in, size_t size) {
  if (tn_reader_remaining(in) < size) return false;
  in->next += size;
  return true;
}

static bool take_byte(tn_reader *in, uint8_t *out) {
  if (in->next == in->end) return false;
  *out = *in->next++;
  return true;
}

/* An integer of any width, signed or not. */
static bool skip_integer(tn_reader *in) {
  uint8_t byte;
  do {
    if (!take_byte(in, &byte)) return false;
  } while (byte >= 0x80);
  return true;
}

static bool skip_integers(tn_reader *in, unsigned count) {
  while (count-- > 0) {
    if (!skip_integer(in)) return false;
  }
  return true;
}

static bool take_u32(tn_reader *in, uint32_t *out) {
  *out = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    uint8_t byte;
    if (!take_byte(in, &byte)) return false;
    *out |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/* `vec(n)` of integers. */
static bool skip_list(tn_reader *in) {
  uint32_t count;
  return take_u32(in, &count) && count <= tn_reader_remaining(in) && skip_integers(in, count);
}

/* `core:memarg`: the alignment says whether a memory's index follows. */
static bool skip_place(tn_reader *in) {
  enum { HAS_MEMORY = 0x40 };
  uint32_t alignment;
  return take_u32(in, &alignment) && skip_integers(in, alignment & HAS_MEMORY ? 2 : 1);
}

/* A value type, or as a block's type an index. References to a type have an integer behind them. */
static bool skip_type(tn_reader *in) {
  enum { REFERENCE = 0x64, NULLABLE_REFERENCE = 0x63 };
  uint8_t byte;
  if (!take_byte(in, &byte)) return false;
  if (byte == REFERENCE || byte == NULLABLE_REFERENCE) return skip_integer(in);
  if (byte < 0x80) return true;
  return skip_integer(in);
}

static bool skip_types(tn_reader *in) {
  uint32_t count;
  if (!take_u32(in, &count) || count > tn_reader_remaining(in)) return false;
  while (count-- > 0) {
    if (!skip_type(in)) return false;
  }
  return true;
}

/* The instructions behind 0xfc: conversions that saturate, bulk memory, wide arithmetic. Those that change a
 * table or drop a segment are what is looked for. */
static bool skip_bulk(tn_reader *in) {
  enum { MEMORY_INIT = 8, MEMORY_COPY = 10, MEMORY_FILL = 11, TABLE_SIZE = 16 };
  uint32_t code;
  if (!take_u32(in, &code)) return false;
  if (code < MEMORY_INIT || (code >= 19 && code <= 22)) return true;
  switch (code) {
  case MEMORY_INIT:
  case MEMORY_COPY:
    return skip_integers(in, 2);
  case MEMORY_FILL:
  case TABLE_SIZE:
    return skip_integer(in);
  default:
    return false;
  }
}

/* The instructions behind 0xfd. */
static bool skip_vector(tn_reader *in) {
  enum { CONSTANT = 12, SHUFFLE = 13, LAST = 0x113 };
  uint32_t code;
  if (!take_u32(in, &code) || code > LAST) return false;
  if (code < CONSTANT || code == 92 || code == 93) return skip_place(in);
  if (code == CONSTANT || code == SHUFFLE) return skip_bytes(in, 16);
  if (code >= 21 && code <= 34) return skip_bytes(in, 1);
  if (code >= 84 && code <= 91) return skip_place(in) && skip_bytes(in, 1);
  return true;
}

/* The instructions behind 0xfe. */
static bool skip_atomic(tn_reader *in) {
  enum { FENCE = 3, LAST = 0x4e };
  uint32_t code;
  if (!take_u32(in, &code) || code > LAST) return false;
  return code == FENCE ? skip_bytes(in, 1) : skip_place(in);
}

/* Whether the instruction is known and leaves tables and segments alone. Exceptions and what the collector
 * manages are not: what they leave behind is not only in memories and globals. */
static bool skip_instruction(tn_reader *in) {
  uint8_t code;
  if (!take_byte(in, &code)) return false;
  if (code >= 0x45 && code <= 0xc4) return true;           /* numbers */
  if (code >= 0x28 && code <= 0x3e) return skip_place(in); /* load and store */
  switch (code) {
  case 0x00: /* unreachable */
  case 0x01: /* nop */
  case 0x05: /* else */
  case 0x0b: /* end */
  case 0x0f: /* return */
  case 0x1a: /* drop */
  case 0x1b: /* select */
  case 0xd1: /* ref.is_null */
  case 0xd3: /* ref.eq */
  case 0xd4: /* ref.as_non_null */
    return true;
  case 0x02: /* block */
  case 0x03: /* loop */
  case 0x04: /* if */
    return skip_type(in);
  case 0x0c: /* br */
  case 0x0d: /* br_if */
  case 0x10: /* call */
  case 0x12: /* return_call */
  case 0x14: /* call_ref */
  case 0x15: /* return_call_ref */
  case 0x20: /* local.get */
  case 0x21: /* local.set */
  case 0x22: /* local.tee */
  case 0x23: /* global.get */
  case 0x24: /* global.set */
  case 0x25: /* table.get */
  case 0x3f: /* memory.size */
  case 0x40: /* memory.grow */
  case 0x41: /* i32.const */
  case 0x42: /* i64.const */
  case 0xd0: /* ref.null */
  case 0xd2: /* ref.func */
  case 0xd5: /* br_on_null */
  case 0xd6: /* br_on_non_null */
    return skip_integer(in);
  case 0x11: /* call_indirect */
  case 0x13: /* return_call_indirect */
    return skip_integers(in, 2);
  case 0x0e: /* br_table */
    return skip_list(in) && skip_integer(in);
  case 0x1c: /* select with types */
    return skip_types(in);
  case 0x43: /* f32.const */
    return skip_bytes(in, 4);
  case 0x44: /* f64.const */
    return skip_bytes(in, 8);
  case 0xfc:
    return skip_bulk(in);
  case 0xfd:
    return skip_vector(in);
  case 0xfe:
    return skip_atomic(in);
  default:
    return false;
  }
}

static bool skip_locals(tn_reader *in) {
  uint32_t groups;
  if (!take_u32(in, &groups) || groups > tn_reader_remaining(in)) return false;
  while (groups-- > 0) {
    if (!skip_integer(in) || !skip_type(in)) return false;
  }
  return true;
}

static bool skip_code(tn_reader *in) {
  uint32_t count;
  if (!take_u32(in, &count)) return false;
  while (count-- > 0) {
    uint32_t size;
    if (!take_u32(in, &size) || size > tn_reader_remaining(in)) return false;
    tn_reader body = *in;
    body.end = in->next + size;
    if (!skip_locals(&body)) return false;
    while (body.next < body.end) {
      if (!skip_instruction(&body)) return false;
    }
    in->next += size;
  }
  return in->next == in->end;
}

/* ---- memories and globals ------------------------------------------------------------------------------- */

/* *known: they are of the ordinary kind. */
static tn_error *read_memories(tn_reader *in, tn_core_state *state, bool *known) {
  TN_TRY(tn_read_u32(in, &state->memory_count));
  *known = true;
  for (uint32_t i = 0; i < state->memory_count; i++) {
    tn_core_extern_type type = {0};
    TN_TRY(tn_decode_core_memory(in, &type));
    if (type.limits.is_shared || type.limits.has_page_size) *known = false;
  }
  return NULL;
}

static bool is_number(tn_core_valtype type) {
  enum { F64 = 0x7c, I32 = 0x7f };
  return type.code >= F64 && type.code <= I32;
}

/* *known: those that can change are numbers. */
static tn_error *read_globals(tn_arena *arena, tn_reader *in, tn_core_state *state, bool *known) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "globals", &count));
  uint32_t *globals = TN_ARENA_ARRAY(arena, uint32_t, count);
  if (globals == NULL) return tn_error_no_memory();
  state->globals = globals;
  *known = true;
  for (uint32_t i = 0; i < count; i++) {
    tn_core_extern_type type = {0};
    TN_TRY(tn_decode_core_global(in, &type));
    TN_TRY(tn_core_skip_constant_expression(in));
    if (!type.is_mutable) continue;
    if (type.is_shared || !is_number(type.valtype)) *known = false;
    globals[state->global_count++] = i;
  }
  return NULL;
}

/* ---- the module ----------------------------------------------------------------------------------------- */

static tn_error *read_section(tn_arena *arena, uint8_t id, tn_reader *in, tn_core_state *state,
                              bool *known) {
  switch (id) {
  case SECTION_MEMORY:
    return read_memories(in, state, known);
  case SECTION_GLOBAL:
    return read_globals(arena, in, state, known);
  case SECTION_CODE:
    *known = skip_code(in);
    return NULL;
  default:
    *known = true;
    return NULL;
  }
}

static tn_error *read_module(tn_arena *arena, const tn_core_module *module, tn_core_state *state) {
  tn_reader in = tn_reader_new(module->bytes, module->offset);
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(&in, &preamble));
  while (tn_reader_remaining(&in) > 0) {
    uint8_t id;
    tn_reader contents;
    bool known;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    TN_TRY(read_section(arena, id, &contents, state, &known));
    if (!known) return NULL;
  }
  state->is_plain = true;
  return NULL;
}

tn_error *tn_core_module_state(tn_arena *arena, const tn_core_module *module, tn_core_state *out) {
  *out = (tn_core_state){0};
  return read_module(arena, module, out);
}
