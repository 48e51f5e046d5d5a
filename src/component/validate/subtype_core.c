/* Subtyping of core definitions, as WebAssembly's validation of imports has it. References to types that a
 * module defines are taken for equal here: only the engine, which links them, sees all of both modules. */
#include "base/buffer.h"
#include "component/validate/validate.h"

enum { REF = 0x64, REF_NULL = 0x63 };

typedef enum heap_type {
  HEAP_NOEXN = -0x0c,
  HEAP_NOFUNC = -0x0d,
  HEAP_NOEXTERN = -0x0e,
  HEAP_NONE = -0x0f,
  HEAP_FUNC = -0x10,
  HEAP_EXTERN = -0x11,
  HEAP_ANY = -0x12,
  HEAP_EQ = -0x13,
  HEAP_I31 = -0x14,
  HEAP_STRUCT = -0x15,
  HEAP_ARRAY = -0x16,
  HEAP_EXN = -0x17,
} heap_type;

/* ---- text -------------------------------------------------------------------------------------- */

static const char *heap_name(int32_t heap) {
  switch (heap) {
  case HEAP_NOEXN:
    return "noexn";
  case HEAP_NOFUNC:
    return "nofunc";
  case HEAP_NOEXTERN:
    return "noextern";
  case HEAP_NONE:
    return "none";
  case HEAP_FUNC:
    return "func";
  case HEAP_EXTERN:
    return "extern";
  case HEAP_ANY:
    return "any";
  case HEAP_EQ:
    return "eq";
  case HEAP_I31:
    return "i31";
  case HEAP_STRUCT:
    return "struct";
  case HEAP_ARRAY:
    return "array";
  case HEAP_EXN:
    return "exn";
  default:
    return heap >= 0 ? "type" : "unknown";
  }
}

static const char *number_name(uint8_t code) {
  const char *name = tn_core_number_name(code);
  return name != NULL ? name : "unknown";
}

static bool is_reference(tn_core_valtype type) {
  return type.code == REF || type.code == REF_NULL;
}

static void write_valtype(tn_buffer *out, tn_core_valtype type) {
  if (!is_reference(type))
    tn_buffer_append_text(out, number_name(type.code));
  else if (type.code == REF_NULL && (type.heap == HEAP_FUNC || type.heap == HEAP_EXTERN))
    tn_buffer_format(out, "%sref", heap_name(type.heap));
  else
    tn_buffer_format(out, "(ref %s%s)", type.code == REF_NULL ? "null " : "", heap_name(type.heap));
}

static void write_func(tn_buffer *out, const tn_core_func_type *func) {
  tn_buffer_append_text(out, "(func");
  for (uint32_t i = 0; i < func->param_count; i++) {
    tn_buffer_append_text(out, i == 0 ? " (param " : " ");
    write_valtype(out, func->params[i]);
  }
  if (func->param_count > 0) tn_buffer_append_text(out, ")");
  for (uint32_t i = 0; i < func->result_count; i++) {
    tn_buffer_append_text(out, i == 0 ? " (result " : " ");
    write_valtype(out, func->results[i]);
  }
  if (func->result_count > 0) tn_buffer_append_text(out, ")");
  tn_buffer_append_text(out, ")");
}

static tn_str copy_text(tn_arena *arena, tn_buffer *text) {
  tn_str copy = text->failed ? (tn_str){0} : tn_arena_copy(arena, tn_buffer_str(text));
  tn_buffer_free(text);
  return copy;
}

tn_str tn_core_valtypes_text(tn_arena *arena, const tn_core_valtype *types, uint32_t count) {
  tn_buffer text = {0};
  tn_buffer_append_byte(&text, '[');
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) tn_buffer_append_text(&text, ", ");
    size_t start = text.len;
    write_valtype(&text, types[i]);
    bool is_number = !is_reference(types[i]);
    if (is_number && !text.failed) text.data[start] = (char)(text.data[start] - 'a' + 'A');
  }
  tn_buffer_append_byte(&text, ']');
  return copy_text(arena, &text);
}

/* "<before><expected><between><found>", the two written by `write`. */
static tn_error *differ(const char *before, tn_core_valtype expected, tn_core_valtype actual) {
  tn_buffer expected_text = {0};
  tn_buffer actual_text = {0};
  write_valtype(&expected_text, expected);
  write_valtype(&actual_text, actual);
  tn_error *error =
      expected_text.failed || actual_text.failed
          ? tn_error_no_memory()
          : tn_check_fail("expected %s type %" TN_STR_FORMAT ", found %" TN_STR_FORMAT, before,
                          TN_STR_ARG(tn_buffer_str(&expected_text)),
                          TN_STR_ARG(tn_buffer_str(&actual_text)));
  tn_buffer_free(&expected_text);
  tn_buffer_free(&actual_text);
  return error;
}

static tn_error *differ_in_func(const tn_core_func_type *actual,
                                const tn_core_func_type *expected) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "expected: ");
  write_func(&text, expected);
  tn_buffer_append_text(&text, ", found: ");
  write_func(&text, actual);
  tn_error *error = text.failed
                        ? tn_error_no_memory()
                        : tn_check_fail("%" TN_STR_FORMAT, TN_STR_ARG(tn_buffer_str(&text)));
  tn_buffer_free(&text);
  return error;
}

const char *tn_core_extern_kind_name(tn_core_extern_kind kind) {
  static const char *const kind_names[] = {"func", "table", "memory", "global", "tag"};
  return kind_names[kind];
}

/* ---- types ------------------------------------------------------------------------------------- */

static bool is_valtype_equal(tn_core_valtype a, tn_core_valtype b) {
  if (a.code != b.code) return false;
  return !is_reference(a) || a.heap == b.heap || (a.heap >= 0 && b.heap >= 0);
}

static bool is_aggregate(int32_t heap) {
  return heap == HEAP_I31 || heap == HEAP_STRUCT || heap == HEAP_ARRAY;
}

static bool is_heap_subtype(int32_t actual, int32_t expected) {
  if (actual == expected || (actual >= 0 && expected >= 0)) return true;
  if (actual >= 0) {
    return expected == HEAP_FUNC || expected == HEAP_ANY || expected == HEAP_EQ ||
           is_aggregate(expected);
  }
  switch (actual) {
  case HEAP_NOEXN:
    return expected == HEAP_EXN;
  case HEAP_NOFUNC:
    return expected == HEAP_FUNC || expected >= 0;
  case HEAP_NOEXTERN:
    return expected == HEAP_EXTERN;
  case HEAP_NONE:
    return expected == HEAP_ANY || expected == HEAP_EQ || is_aggregate(expected) || expected >= 0;
  case HEAP_EQ:
    return expected == HEAP_ANY;
  default:
    return is_aggregate(actual) && (expected == HEAP_ANY || expected == HEAP_EQ);
  }
}

static bool is_valtype_subtype(tn_core_valtype actual, tn_core_valtype expected) {
  if (!is_reference(actual) || !is_reference(expected)) return actual.code == expected.code;
  if (actual.code == REF_NULL && expected.code == REF) return false;
  return is_heap_subtype(actual.heap, expected.heap);
}

static bool are_valtypes_equal(const tn_core_valtype *a, const tn_core_valtype *b, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!is_valtype_equal(a[i], b[i])) return false;
  }
  return true;
}

bool tn_core_func_type_equal(const tn_core_func_type *a, const tn_core_func_type *b) {
  return a->param_count == b->param_count && a->result_count == b->result_count &&
         are_valtypes_equal(a->params, b->params, a->param_count) &&
         are_valtypes_equal(a->results, b->results, a->result_count);
}

static bool is_within_limits(const tn_core_limits *actual, const tn_core_limits *expected) {
  if (actual->min < expected->min) return false;
  return !expected->has_max || (actual->has_max && actual->max <= expected->max);
}

static tn_error *check_table(const tn_core_extern_type *actual,
                             const tn_core_extern_type *expected) {
  if (!is_valtype_equal(actual->valtype, expected->valtype))
    return differ("table element", expected->valtype, actual->valtype);
  if (actual->limits.is_64 != expected->limits.is_64)
    return tn_check_fail("mismatch in index type used for tables");
  if (!is_within_limits(&actual->limits, &expected->limits))
    return tn_check_fail("mismatch in table limits");
  if (actual->is_shared != expected->is_shared)
    return tn_check_fail("mismatch in the shared flag for tables");
  return NULL;
}

static uint32_t page_size_log2(const tn_core_limits *limits) {
  return limits->has_page_size ? limits->page_size_log2 : 16;
}

static tn_error *check_memory(const tn_core_limits *actual, const tn_core_limits *expected) {
  if (actual->is_shared != expected->is_shared)
    return tn_check_fail("mismatch in the shared flag for memories");
  if (actual->is_64 != expected->is_64)
    return tn_check_fail("mismatch in index type used for memories");
  if (page_size_log2(actual) != page_size_log2(expected))
    return tn_check_fail("mismatch in page size for memories");
  return is_within_limits(actual, expected) ? NULL : tn_check_fail("mismatch in memory limits");
}

static tn_error *check_global(const tn_core_extern_type *actual,
                              const tn_core_extern_type *expected) {
  if (actual->is_mutable != expected->is_mutable)
    return tn_check_fail("global types differ in mutability");
  bool matches = expected->is_mutable ? is_valtype_equal(actual->valtype, expected->valtype)
                                      : is_valtype_subtype(actual->valtype, expected->valtype);
  if (!matches) return differ("global", expected->valtype, actual->valtype);
  if (actual->is_shared != expected->is_shared)
    return tn_check_fail("mismatch in the shared flag for globals");
  return NULL;
}

tn_error *tn_check_core_subtype(const tn_core_extern_type *actual,
                                const tn_core_extern_type *expected) {
  if (actual->kind != expected->kind)
    return tn_check_fail("expected %s, found %s", tn_core_extern_kind_name(expected->kind),
                         tn_core_extern_kind_name(actual->kind));
  switch (expected->kind) {
  case TN_CORE_EXTERN_FUNC:
  case TN_CORE_EXTERN_TAG:
    return tn_core_func_type_equal(actual->func, expected->func)
               ? NULL
               : differ_in_func(actual->func, expected->func);
  case TN_CORE_EXTERN_TABLE:
    return check_table(actual, expected);
  case TN_CORE_EXTERN_MEMORY:
    return check_memory(&actual->limits, &expected->limits);
  case TN_CORE_EXTERN_GLOBAL:
    return check_global(actual, expected);
  }
  return NULL;
}

/* ---- modules ----------------------------------------------------------------------------------- */

tn_str tn_core_import_key(tn_arena *arena, const tn_core_import *import) {
  return tn_arena_format(arena, "%zu:%" TN_STR_FORMAT "%" TN_STR_FORMAT, import->module.len,
                         TN_STR_ARG(import->module), TN_STR_ARG(import->name));
}

static tn_error *check_module_import(tn_checker *checker, const tn_checked_module *importer,
                                     const tn_core_import *import) {
  tn_str key = tn_core_import_key(checker->arena, import);
  if (key.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_check_spend(checker, key.len));
  const tn_core_extern_type *given = tn_map_get(&importer->imports_by_name, key);
  if (given == NULL)
    return tn_check_fail("missing expected import `%" TN_STR_FORMAT "::%" TN_STR_FORMAT "`",
                         TN_STR_ARG(import->module), TN_STR_ARG(import->name));
  return tn_error_wrap(tn_check_core_subtype(given, &import->type),
                       "type mismatch in import `%" TN_STR_FORMAT "::%" TN_STR_FORMAT "`",
                       TN_STR_ARG(import->module), TN_STR_ARG(import->name));
}

tn_error *tn_check_module_subtype(tn_checker *checker, const tn_checked_module *actual,
                                  const tn_checked_module *expected) {
  if (actual == expected) return NULL;
  for (uint32_t i = 0; i < actual->import_count; i++) {
    TN_TRY(check_module_import(checker, expected, &actual->imports[i]));
  }
  for (uint32_t i = 0; i < expected->export_count; i++) {
    const tn_core_export *export = &expected->exports[i];
    TN_TRY(tn_check_spend_on_name(checker, export->name));
    const tn_core_extern_type *given = tn_map_get(&actual->exports_by_name, export->name);
    if (given == NULL)
      return tn_check_fail("missing expected export `%" TN_STR_FORMAT "`",
                           TN_STR_ARG(export->name));
    TN_TRY(tn_error_wrap(tn_check_core_subtype(given, &export->type),
                         "type mismatch in export `%" TN_STR_FORMAT "`", TN_STR_ARG(export->name)));
  }
  return NULL;
}
