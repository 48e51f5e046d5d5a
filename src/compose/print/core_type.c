/* Core types in the text format, and what is declared with them. */
#include "component/binary/decode.h"
#include "compose/print/core.h"

enum { REF_NULL = 0x63 };

/* Abstract heap types by opcode less 0x68, and what the nullable reference to each is called for short. */
static const struct {
  const char *name;
  const char *nullable;
} heap_types[] = {
    {"cont", NULL},
    {"exn", "exnref"},
    {"array", "arrayref"},
    {"struct", "structref"},
    {"i31", "i31ref"},
    {"eq", "eqref"},
    {"any", "anyref"},
    {"extern", "externref"},
    {"func", "funcref"},
    {"none", "nullref"},
    {"noextern", "nullexternref"},
    {"nofunc", "nullfuncref"},
    {"noexn", "nullexnref"},
    {"nocont", NULL},
};
enum { FIRST_HEAP_TYPE = 0x68 - 0x80 };

/* ---- value types ---------------------------------------------------------------------------------------- */

void tn_print_core_heaptype(tn_printer *p, const tn_core_scope *scope, int32_t heap) {
  if (heap >= 0) {
    tn_print_index(p, &scope->names[TN_SPACE_TYPE], (uint32_t)heap);
  } else {
    tn_print_text(p, heap_types[heap - FIRST_HEAP_TYPE].name);
  }
}

void tn_print_core_valtype(tn_printer *p, const tn_core_scope *scope, tn_core_valtype type) {
  const char *name = tn_core_number_name(type.code);
  bool is_nullable = type.code == REF_NULL;
  if (name == NULL && is_nullable && type.heap < 0)
    name = heap_types[type.heap - FIRST_HEAP_TYPE].nullable;
  if (name != NULL) {
    tn_print_text(p, name);
    return;
  }
  tn_print_text(p, is_nullable ? "(ref null " : "(ref ");
  tn_print_core_heaptype(p, scope, type.heap);
  tn_print_text(p, ")");
}

/* ---- function types ------------------------------------------------------------------------------------- */

void tn_print_local(tn_printer *p, const tn_core_scope *scope, tn_local_list *list,
                    const uint32_t *function, uint32_t index, tn_core_valtype type) {
  const tn_identifiers *names = &scope->names[TN_SPACE_LOCAL];
  const tn_identifier *name = NULL;
  if (function != NULL) name = tn_identifiers_find(names, tn_identifier_key(*function, index));
  if (name != NULL) tn_print_locals_end(p, list);
  if (list->has_begun) tn_print_text(p, " ");
  if (!list->is_open) list->opened = tn_print_open(p, list->group);
  list->has_begun = list->is_open = true;
  if (name != NULL) {
    tn_print_definition(p, names->what, name);
    tn_print_text(p, " ");
  }
  tn_print_core_valtype(p, scope, type);
  if (name != NULL) tn_print_locals_end(p, list);
}

void tn_print_locals_end(tn_printer *p, tn_local_list *list) {
  if (list->is_open) tn_print_close(p, list->opened);
  list->is_open = false;
}

void tn_print_core_func_type(tn_printer *p, const tn_core_scope *scope,
                             const tn_core_func_type *type, const uint32_t *function) {
  tn_local_list params = {.group = "param "};
  if (type->param_count > 0) tn_print_text(p, " ");
  for (uint32_t i = 0; i < type->param_count; i++)
    tn_print_local(p, scope, &params, function, i, type->params[i]);
  tn_print_locals_end(p, &params);
  if (type->result_count == 0) return;
  tn_print_text(p, " (result");
  for (uint32_t i = 0; i < type->result_count; i++) {
    tn_print_text(p, " ");
    tn_print_core_valtype(p, scope, type->results[i]);
  }
  tn_print_text(p, ")");
}

static void print_type_reference(tn_printer *p, const tn_core_scope *scope, uint32_t type) {
  tn_print_text(p, "(type ");
  tn_print_index(p, &scope->names[TN_SPACE_TYPE], type);
  tn_print_text(p, ")");
}

uint32_t tn_print_core_type_use(tn_printer *p, const tn_core_scope *scope, uint32_t type,
                                const uint32_t *function) {
  print_type_reference(p, scope, type);
  if (type >= scope->functions.len || scope->functions.items[type] == NULL) return 0;
  tn_print_core_func_type(p, scope, scope->functions.items[type], function);
  return scope->functions.items[type]->param_count;
}

/* ---- type definitions ----------------------------------------------------------------------------------- */

/* `core:fieldtype`. */
static tn_error *print_field(tn_printer *p, const tn_core_scope *scope, tn_reader *in) {
  enum { I8 = 0x78, I16 = 0x77 };
  tn_core_valtype type;
  uint8_t packed, is_mutable;
  TN_TRY(tn_peek_byte(in, &packed));
  bool is_packed = packed == I8 || packed == I16;
  if (is_packed) {
    in->next++;
  } else {
    TN_TRY(tn_decode_core_valtype(in, &type));
  }
  TN_TRY(tn_read_byte(in, &is_mutable));
  if (is_mutable) tn_print_text(p, "(mut ");
  if (is_packed) {
    tn_print_text(p, packed == I8 ? "i8" : "i16");
  } else {
    tn_print_core_valtype(p, scope, type);
  }
  if (is_mutable) tn_print_text(p, ")");
  return NULL;
}

static tn_error *print_struct(tn_printer *p, const tn_core_scope *scope, tn_reader *in) {
  const tn_identifiers *names = &scope->names[TN_SPACE_FIELD];
  uint32_t count, type = scope->counts[TN_SPACE_TYPE];
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "struct fields", &count));
  for (uint32_t i = 0; i < count; i++) {
    const tn_identifier *name = tn_identifiers_find(names, tn_identifier_key(type, i));
    tn_print_text(p, " (field ");
    if (name != NULL) {
      tn_print_identifier(p, names->what, name);
      tn_print_text(p, " ");
    }
    TN_TRY(print_field(p, scope, in));
    tn_print_text(p, ")");
  }
  return NULL;
}

/* The decoder has read it before; `encoded` begins with an opcode. */
static tn_error *print_composite(tn_printer *p, const tn_core_scope *scope,
                                 const tn_core_type *type) {
  static const char *const names[] = {[TN_CORE_TYPE_FUNC] = "func",
                                      [TN_CORE_TYPE_STRUCT] = "struct",
                                      [TN_CORE_TYPE_ARRAY] = "array",
                                      [TN_CORE_TYPE_CONT] = "cont"};
  tn_reader in = tn_reader_new(type->encoded, type->offset);
  uint64_t opened = tn_print_open(p, names[type->kind]);
  tn_error *error = NULL;
  int32_t heap;
  in.next++;
  if (type->kind == TN_CORE_TYPE_FUNC) tn_print_core_func_type(p, scope, &type->func, NULL);
  if (type->kind == TN_CORE_TYPE_STRUCT) error = print_struct(p, scope, &in);
  if (type->kind == TN_CORE_TYPE_ARRAY) {
    tn_print_text(p, " ");
    error = print_field(p, scope, &in);
  }
  if (type->kind == TN_CORE_TYPE_CONT) {
    tn_print_text(p, " ");
    error = tn_decode_core_heaptype(&in, &heap);
    if (error == NULL) tn_print_core_heaptype(p, scope, heap);
  }
  tn_print_close(p, opened);
  return error;
}

tn_error *tn_print_core_type(tn_printer *p, tn_arena *arena, tn_core_scope *scope,
                             const char *begin, const tn_core_type *type) {
  bool is_sub = !type->is_final || type->has_supertype;
  uint64_t opened = tn_print_open(p, begin);
  tn_print_new(p, &scope->names[TN_SPACE_TYPE], scope->counts[TN_SPACE_TYPE]);
  tn_print_text(p, is_sub ? " (sub " : " ");
  if (is_sub && type->is_final) tn_print_text(p, "final ");
  if (type->has_supertype) {
    tn_print_index(p, &scope->names[TN_SPACE_TYPE], type->supertype);
    tn_print_text(p, " ");
  }
  TN_TRY(print_composite(p, scope, type));
  if (is_sub) tn_print_text(p, ")");
  tn_print_close(p, opened);
  const tn_core_func_type **function = TN_VEC_PUSH(arena, &scope->functions);
  if (function == NULL) return tn_error_no_memory();
  if (type->kind == TN_CORE_TYPE_FUNC) *function = &type->func;
  scope->counts[TN_SPACE_TYPE]++;
  return NULL;
}

/* ---- what is imported, exported and defined --------------------------------------------------------------- */

const char *tn_core_kind_name(tn_core_extern_kind kind) {
  static const char *const names[] = {"func", "table", "memory", "global", "tag"};
  return names[kind];
}

tn_core_space tn_core_space_of(tn_core_extern_kind kind) {
  static const tn_core_space spaces[] = {TN_SPACE_FUNCTION, TN_SPACE_TABLE, TN_SPACE_MEMORY,
                                         TN_SPACE_GLOBAL, TN_SPACE_TAG};
  return spaces[kind];
}

static void print_limits(tn_printer *p, const tn_core_limits *limits) {
  if (limits->is_64) tn_print_text(p, "i64 ");
  tn_print_number(p, limits->min);
  if (limits->has_max) tn_print_space_number(p, limits->max);
}

static void print_memory(tn_printer *p, const tn_core_limits *limits) {
  print_limits(p, limits);
  if (limits->is_shared) tn_print_text(p, " shared");
  if (limits->has_page_size)
    tn_buffer_format(&p->out, " (pagesize 0x%llx)", 1ull << (limits->page_size_log2 & 63));
}

static void print_table(tn_printer *p, const tn_core_scope *scope,
                        const tn_core_extern_type *type) {
  if (type->is_shared) tn_print_text(p, "shared ");
  print_limits(p, &type->limits);
  tn_print_text(p, " ");
  tn_print_core_valtype(p, scope, type->valtype);
}

static void print_global(tn_printer *p, const tn_core_scope *scope,
                         const tn_core_extern_type *type) {
  bool has_attribute = type->is_shared || type->is_mutable;
  if (has_attribute) tn_print_text(p, "(");
  if (type->is_shared) tn_print_text(p, "shared ");
  if (type->is_mutable) tn_print_text(p, "mut ");
  tn_print_core_valtype(p, scope, type->valtype);
  if (has_attribute) tn_print_text(p, ")");
}

void tn_print_core_extern_type(tn_printer *p, tn_core_scope *scope, const tn_core_extern_type *type,
                               bool is_new) {
  tn_core_space space = tn_core_space_of(type->kind);
  tn_print_text(p, tn_core_kind_name(type->kind));
  tn_print_text(p, " ");
  if (is_new) {
    tn_print_new(p, &scope->names[space], scope->counts[space]++);
    tn_print_text(p, " ");
  }
  switch (type->kind) {
  case TN_CORE_EXTERN_FUNC:
    print_type_reference(p, scope, type->type_index);
    break;
  case TN_CORE_EXTERN_TABLE:
    print_table(p, scope, type);
    break;
  case TN_CORE_EXTERN_MEMORY:
    print_memory(p, &type->limits);
    break;
  case TN_CORE_EXTERN_GLOBAL:
    print_global(p, scope, type);
    break;
  case TN_CORE_EXTERN_TAG:
    tn_print_core_type_use(p, scope, type->type_index, NULL);
    break;
  }
}

void tn_print_core_import(tn_printer *p, tn_core_scope *scope, const tn_core_import *import,
                          bool is_new) {
  tn_print_text(p, "(import ");
  tn_print_string(p, import->module);
  tn_print_text(p, " ");
  tn_print_string(p, import->name);
  tn_print_text(p, " (");
  tn_print_core_extern_type(p, scope, &import->type, is_new);
  tn_print_text(p, "))");
}
