/* The binary format of components and of core modules' imports and exports: Binary.md. The outside suite of
 * the specification covers every opcode; here is what it leaves out: the syntax tree that comes out, limits,
 * and running out of memory. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "component/component.h"
#include "component/binary/names.h"
#include "component/binary/reader.h"

static tn_arena arena;

static int free_arena(void **state) {
  (void)state;
  tn_arena_free(&arena);
  return 0;
}

#define COMPONENT_PREAMBLE  "\0asm\x0d\0\1\0"
#define MODULE_PREAMBLE     "\0asm\1\0\0\0"
#define COMPONENT(sections) TN_STR(COMPONENT_PREAMBLE sections)
#define MODULE(sections)    TN_STR(MODULE_PREAMBLE sections)

static const tn_component_ast *decode(tn_str bytes) {
  const tn_component_ast *component = NULL;
  assert_ok(tn_component_decode(&arena, bytes, &component));
  return component;
}

static void expect_malformed(tn_str bytes, const char *text) {
  const tn_component_ast *component = NULL;
  assert_error(tn_component_decode(&arena, bytes, &component), TN_ERROR_MALFORMED, text);
  assert_null(component);
}

static const tn_core_module *read_module(tn_str bytes) {
  const tn_core_module *module = NULL;
  assert_ok(tn_core_module_read(&arena, bytes, 0, &module));
  return module;
}

static void expect_str(tn_str actual, const char *expected) {
  assert_int_equal(actual.len, strlen(expected));
  assert_memory_equal(actual.data, expected, actual.len);
}

/* ---- reading bytes ------------------------------------------------------------------------------ */

static tn_error *read_u32(tn_str bytes, uint32_t *out) {
  tn_reader reader = tn_reader_new(bytes, 0);
  return tn_read_u32(&reader, out);
}

static tn_error *read_s33(tn_str bytes, int64_t *out) {
  tn_reader reader = tn_reader_new(bytes, 0);
  return tn_read_s33(&reader, out);
}

static void unsigned_integers_may_be_padded_but_not_overflow(void **state) {
  (void)state;
  uint32_t value;
  assert_ok(read_u32(TN_STR("\xe5\x8e\x26"), &value));
  assert_int_equal(value, 624485);
  assert_ok(read_u32(TN_STR("\x81\x80\x80\x80\0"), &value));
  assert_int_equal(value, 1);
  assert_ok(read_u32(TN_STR("\xff\xff\xff\xff\x0f"), &value));
  assert_int_equal(value, UINT32_MAX);
  assert_error(read_u32(TN_STR("\xff\xff\xff\xff\x1f"), &value), TN_ERROR_MALFORMED,
               "integer too large");
  assert_error(read_u32(TN_STR("\x81\x80\x80\x80\x80\0"), &value), TN_ERROR_MALFORMED,
               "integer representation too long");
  assert_error(read_u32(TN_STR("\x80\x80"), &value), TN_ERROR_MALFORMED,
               "unexpected end-of-file (at offset 0x2)");
}

static void signed_integers_repeat_their_sign_in_unused_bits(void **state) {
  (void)state;
  int64_t value;
  assert_ok(read_s33(TN_STR("\x7f"), &value));
  assert_int_equal(value, -1);
  assert_ok(read_s33(TN_STR("\xc0\xbb\x78"), &value));
  assert_int_equal(value, -123456);
  assert_ok(read_s33(TN_STR("\xff\xff\xff\xff\x0f"), &value));
  assert_int_equal(value, UINT32_MAX);
  assert_ok(read_s33(TN_STR("\x80\x80\x80\x80\x70"), &value));
  assert_true(value == -(INT64_C(1) << 32));
  assert_error(read_s33(TN_STR("\xff\xff\xff\xff\x1f"), &value), TN_ERROR_MALFORMED,
               "integer too large");
  assert_error(read_s33(TN_STR("\xff\xff\xff\xff\xff\x7f"), &value), TN_ERROR_MALFORMED,
               "too long");

  tn_reader reader = tn_reader_new(TN_STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"), 0);
  assert_ok(tn_read_s64(&reader, &value));
  assert_true(value == INT64_MIN);
}

static void names_are_utf8_of_bounded_length(void **state) {
  (void)state;
  expect_malformed(COMPONENT("\0\3\2\xc0\x80"), "malformed UTF-8 encoding");
  expect_malformed(COMPONENT("\0\5\4ab"), "unexpected end-of-file");
  tn_str name;
  tn_reader reader = tn_reader_new(TN_STR("\xa1\x8d\6"), 0); /* 100 001 bytes */
  assert_error(tn_read_name(&reader, &name), TN_ERROR_MALFORMED, "out of bounds");
}

/* ---- files and sections ------------------------------------------------------------------------- */

static void the_preamble_tells_modules_from_components(void **state) {
  (void)state;
  assert_int_equal(tn_file_kind_of(COMPONENT("")), TN_FILE_COMPONENT);
  assert_int_equal(tn_file_kind_of(MODULE("")), TN_FILE_CORE_MODULE);
  assert_int_equal(tn_file_kind_of(TN_STR("\0asm\x0d\0\2\0")), TN_FILE_UNKNOWN);
  assert_int_equal(tn_file_kind_of(TN_STR("(module)")), TN_FILE_UNKNOWN);
  assert_int_equal(tn_file_kind_of(TN_STR("\0as")), TN_FILE_UNKNOWN);
  expect_malformed(TN_STR(""), "unexpected end-of-file");
  expect_malformed(TN_STR("GIF89a.."), "magic header not detected");
  expect_malformed(TN_STR("\0asm\x0e\0\1\0"), "unknown binary version 0xe");
  expect_malformed(MODULE(""), "expected a version header for a component, found a core module");
}

static void a_section_holds_exactly_its_contents(void **state) {
  (void)state;
  assert_int_equal(decode(COMPONENT("\7\2\1\x7f"))->definition_count, 1);
  expect_malformed(COMPONENT("\7\3\1\x7f\x7f"),
                   "section size mismatch: unexpected data at the end of the section");
  expect_malformed(COMPONENT("\7\1\1"), "unexpected end-of-file (at offset 0xb)");
  expect_malformed(COMPONENT("\x0d\0"), "malformed section id: 13 (at offset 0x8)");
}

static void sections_come_in_any_order_and_add_up(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\7\2\1\x7f"
                                                       "\6\5\1\3\2\0\0"
                                                       "\7\3\2\x7e\x7d"));
  static const tn_definition_kind kinds[] = {TN_DEFINITION_TYPE, TN_DEFINITION_ALIAS,
                                             TN_DEFINITION_TYPE, TN_DEFINITION_TYPE};
  assert_int_equal(component->definition_count, 4);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(component->definitions[i].kind, kinds[i]);
  }
  assert_int_equal(component->definitions[0].offset, 11);
  assert_int_equal(component->definitions[3].type->primitive, TN_PRIM_U8);
}

static void offsets_in_nested_components_are_those_of_the_file(void **state) {
  (void)state;
  const tn_component_ast *outer = decode(COMPONENT("\4\x0c" COMPONENT_PREAMBLE "\7\2\1\x7f"));
  const tn_component_ast *inner = outer->definitions[0].component;
  assert_int_equal(inner->offset, 10);
  assert_int_equal(inner->bytes.len, 12);
  assert_int_equal(inner->definitions[0].offset, 21);
  expect_malformed(COMPONENT("\4\x0b" COMPONENT_PREAMBLE "\7\1\1"), "(at offset 0x15)");
}

static void custom_sections_are_kept_and_name_the_component(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\0\5\1x\1\2\3"
                                                       "\0\x1d\x0e"
                                                       "component-name"
                                                       "\0\4\3cat"
                                                       "\1\6\5\1\2\2it"));
  assert_int_equal(component->custom_count, 2);
  expect_str(component->customs[0].name, "x");
  expect_str(component->customs[0].bytes, "\1\2\3");
  expect_str(component->name, "cat");
  expect_str(tn_names_find(component, TN_SORT_INSTANCE, 2), "it");
  assert_null(tn_names_find(component, TN_SORT_INSTANCE, 1).data);
  assert_null(tn_names_find(component, TN_SORT_FUNC, 2).data);
}

static void a_name_section_that_cannot_be_read_is_no_error(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\0\x12\x0e"
                                                       "component-name"
                                                       "\0\x7f\xff"));
  assert_null(component->name.data);
  assert_null(tn_names_find(component, TN_SORT_TYPE, 0).data);
}

/* ---- definitions -------------------------------------------------------------------------------- */

static const tn_ast_type *decode_type(tn_str bytes) {
  const tn_component_ast *component = decode(bytes);
  assert_int_equal(component->definition_count, 1);
  return component->definitions[0].type;
}

static void types_keep_labels_payloads_and_lengths(void **state) {
  (void)state;
  const tn_ast_type *variant = decode_type(COMPONENT("\7\x0e\1\x71\2\3one\1\5\0\1n\0\0"));
  assert_int_equal(variant->kind, TN_AST_VARIANT);
  expect_str(variant->fields[0].label, "one");
  assert_true(variant->fields[0].type.is_index);
  assert_int_equal(variant->fields[0].type.index, 5);
  assert_true(variant->fields[1].type.is_absent);

  const tn_ast_type *list = decode_type(COMPONENT("\7\5\1\x67\x73\x80\1"));
  assert_int_equal(list->kind, TN_AST_FIXED_LIST);
  assert_int_equal(list->element.primitive, TN_PRIM_STRING);
  assert_int_equal(list->length, 128);

  const tn_ast_type *func = decode_type(COMPONENT("\7\x09\1\x43\1\2hi\x64\0\x74"));
  assert_int_equal(func->kind, TN_AST_FUNC);
  assert_true(func->is_async);
  assert_int_equal(func->fields[0].type.primitive, TN_PRIM_ERROR_CONTEXT);
  assert_int_equal(func->element.primitive, TN_PRIM_CHAR);
}

static void extern_names_keep_their_attributes(void **state) {
  (void)state;
  const tn_component_ast *component =
      decode(COMPONENT("\x0a\x15\1\2\1x\3\0\5a:b/c\1\2.3\2\1i\1\7"));
  const tn_ast_import *import = &component->definitions[0].import;
  expect_str(import->name.name, "x");
  expect_str(import->name.implements, "a:b/c");
  expect_str(import->name.version_suffix, ".3");
  expect_str(import->name.external_id, "i");
  assert_int_equal(import->name.duplicate_attribute, 0);
  assert_int_equal(import->type.sort, TN_SORT_FUNC);
  assert_int_equal(import->type.index, 7);

  component = decode(COMPONENT("\x0a\x0d\1\2\1x\2\2\1i\2\1j\1\7"));
  assert_int_equal(component->definitions[0].import.name.duplicate_attribute, 3);
}

static void a_rec_group_makes_one_definition_for_each_type(void **state) {
  (void)state;
  const tn_component_ast *component =
      decode(COMPONENT("\3\x12\2\x4e\2\x50\0\x5f\1\x7f\1\x4f\1\0\x5e\x78\0"
                       "\x60\0\0"));
  assert_int_equal(component->definition_count, 3);
  const tn_core_type *first = component->definitions[0].core_type;
  const tn_core_type *second = component->definitions[1].core_type;
  assert_int_equal(first->kind, TN_CORE_TYPE_STRUCT);
  assert_false(first->is_final || first->has_supertype);
  expect_str(first->encoded, "\x5f\1\x7f\1");
  assert_int_equal(second->kind, TN_CORE_TYPE_ARRAY);
  assert_true(second->is_final && second->has_supertype);
  assert_int_equal(second->group_index, 1);
  assert_int_equal(second->group_size, 2);
  assert_int_equal(component->definitions[2].core_type->group_size, 1);
}

static void references_in_core_types_are_written_out(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\3\x0a\1\x60\3\x70\x64\x6e\x63\3\1\x7b"));
  const tn_core_func_type *func = &component->definitions[0].core_type->func;
  static const tn_core_valtype expected[] = {{0x63, -0x10}, {0x64, -0x12}, {0x63, 3}};
  assert_int_equal(func->param_count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(func->params[i].code, expected[i].code);
    assert_int_equal(func->params[i].heap, expected[i].heap);
  }
  assert_int_equal(func->results[0].code, 0x7b);
}

static void module_types_do_not_nest(void **state) {
  (void)state;
  const tn_component_ast *component;
  assert_error(tn_component_decode(&arena, COMPONENT("\3\6\1\x50\1\1\x50\0"), &component),
               TN_ERROR_INVALID, "invalid leading byte (0x50)");
}

static void canonical_definitions_keep_options_and_flags(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\x08\x15\4\0\0\1\3\1\3\2\7\4\5"
                                                       "\x20\1\2"
                                                       "\x41\1\3\4"
                                                       "\x11\6\1"));
  const tn_ast_canon *lift = &component->definitions[0].canon;
  assert_int_equal(lift->kind, TN_CANON_LIFT);
  assert_int_equal(lift->func, 1);
  assert_int_equal(lift->type, 5);
  assert_int_equal(lift->option_count, 3);
  assert_int_equal(lift->options[0].kind, TN_OPTION_UTF16);
  assert_int_equal(lift->options[2].kind, TN_OPTION_CALLBACK);
  assert_int_equal(lift->options[2].index, 4);
  const tn_ast_canon *wait = &component->definitions[1].canon;
  assert_true(wait->is_cancellable);
  assert_int_equal(wait->memory, 2);
  const tn_ast_canon *spawn = &component->definitions[2].canon;
  assert_true(spawn->is_shared);
  assert_int_equal(spawn->type, 3);
  assert_int_equal(spawn->table, 4);
  assert_true(component->definitions[3].canon.is_async);
}

static void start_and_value_sections_are_decoded(void **state) {
  (void)state;
  const tn_component_ast *component = decode(COMPONENT("\x0c\5\1\x79\2\x80\1"
                                                       "\x09\5\6\2\1\0\3"));
  const tn_ast_value *value = &component->definitions[0].value;
  assert_int_equal(value->type.primitive, TN_PRIM_U32);
  expect_str(value->bytes, "\x80\1");
  const tn_ast_start *start = &component->definitions[1].start;
  assert_int_equal(start->func, 6);
  assert_int_equal(start->argument_count, 2);
  assert_int_equal(start->arguments[0], 1);
  assert_int_equal(start->result_count, 3);
}

/* ---- core modules ------------------------------------------------------------------------------- */

/* Imports function m.f; defines a table, a memory, two globals, a tag and a function; exports them all. */
static const tn_str module_of_everything =
    MODULE("\1\x09\2\x60\1\x7f\1\x7e\x60\0\0"
           "\2\7\1\1m\1f\0\0"
           "\3\2\1\1"
           "\4\x0a\1\x40\0\x70\1\1\2\xd0\x70\x0b"
           "\5\4\1\5\1\2"
           "\x0d\3\1\0\1"
           "\6\x15\2\x7f\0\x23\0\x41\1\x6a\x0b\x7c\1\x44\0\0\0\0\0\0\0\0\x0b"
           "\7\x19\6\1a\0\0\1b\0\1\1t\1\0\1m\2\0\1g\3\1\1e\4\0"
           "\x0a\4\1\2\0\x0b"
           "\0\x0d\4name\0\6\5outer");

static void module_exports_have_the_types_of_what_they_export(void **state) {
  (void)state;
  const tn_core_module *module = read_module(module_of_everything);
  expect_str(module->name, "outer");
  assert_int_equal(module->import_count, 1);
  expect_str(module->imports[0].module, "m");
  assert_int_equal(module->imports[0].type.func->results[0].code, 0x7e);
  assert_int_equal(module->export_count, 6);
  const tn_core_export *exports = module->exports;
  assert_ptr_equal(exports[0].type.func, module->imports[0].type.func);
  assert_int_equal(exports[1].type.func->param_count, 0);
  assert_int_equal(exports[1].index, 1);
  assert_int_equal(exports[2].type.kind, TN_CORE_EXTERN_TABLE);
  assert_int_equal(exports[2].type.limits.max, 2);
  assert_int_equal(exports[2].type.valtype.heap, -0x10);
  assert_int_equal(exports[3].type.kind, TN_CORE_EXTERN_MEMORY);
  assert_true(exports[3].type.limits.is_64 && exports[3].type.limits.has_max);
  assert_int_equal(exports[3].type.limits.page_size_log2, 16);
  assert_int_equal(exports[4].type.kind, TN_CORE_EXTERN_GLOBAL);
  assert_int_equal(exports[4].type.valtype.code, 0x7c);
  assert_true(exports[4].type.is_mutable);
  assert_int_equal(exports[5].type.kind, TN_CORE_EXTERN_TAG);
  assert_int_equal(exports[5].type.func->param_count, 0);
}

static void modules_that_cannot_be_read_are_refused(void **state) {
  (void)state;
  static const struct {
    tn_str bytes;
    tn_error_kind kind;
    const char *text;
  } rows[] = {
      {MODULE("\2\1\0\1\1\0"), TN_ERROR_MALFORMED, "section out of order"},
      {MODULE("\1\1\0\1\1\0"), TN_ERROR_MALFORMED, "section out of order"},
      {MODULE("\x0e\0"), TN_ERROR_MALFORMED, "malformed section id: 14"},
      {MODULE("\1\2\0\0"), TN_ERROR_MALFORMED, "section size mismatch"},
      {COMPONENT(""), TN_ERROR_MALFORMED, "expected a version header for a module"},
      {MODULE("\7\5\1\1a\0\0"), TN_ERROR_INVALID, "unknown function 0"},
      {MODULE("\7\5\1\1a\2\0"), TN_ERROR_INVALID, "unknown memory 0"},
      {MODULE("\7\5\1\1a\5\0"), TN_ERROR_MALFORMED, "invalid leading byte (0x5) for external kind"},
      {MODULE("\2\6\1\0\1f\0\3"), TN_ERROR_INVALID, "unknown type 3"},
      {MODULE("\6\4\1\x7f\0\x20"), TN_ERROR_INVALID, "constant expression required"},
      {MODULE("\6\4\1\x7f\4\x0b"), TN_ERROR_MALFORMED, "malformed mutability"},
      {MODULE("\4\4\1\x7f\0\0"), TN_ERROR_MALFORMED, "malformed reference type"},
      {MODULE("\4\4\1\x70\x08\0"), TN_ERROR_MALFORMED, "invalid table limits flags 0x8"},
      {MODULE("\1\3\1\x65\0"), TN_ERROR_MALFORMED, "invalid leading byte (0x65) for type"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const tn_core_module *module;
    assert_error(tn_core_module_read(&arena, rows[i].bytes, 0, &module), rows[i].kind,
                 rows[i].text);
  }
}

/* ---- limits ------------------------------------------------------------------------------------- */

/* `levels` components, each inside the other. The innermost is written first, at the end. */
static tn_str nest_components(uint32_t levels, uint8_t *bytes, size_t size) {
  size_t start = size;
  for (uint32_t i = 0; i < levels; i++) {
    if (i > 0) {
      size_t inner = size - start;
      bytes[--start] = (uint8_t)(inner >> 14 & 0x7f);
      bytes[--start] = (uint8_t)((inner >> 7 & 0x7f) | 0x80);
      bytes[--start] = (uint8_t)((inner & 0x7f) | 0x80);
      bytes[--start] = 4;
    }
    start -= 8;
    memcpy(&bytes[start], COMPONENT_PREAMBLE, 8);
  }
  return (tn_str){(const char *)&bytes[start], size - start};
}

static void components_nest_to_a_limit(void **state) {
  (void)state;
  static uint8_t bytes[(TN_MAX_COMPONENT_DEPTH + 1) * 12];
  decode(nest_components(TN_MAX_COMPONENT_DEPTH, bytes, sizeof bytes));
  expect_malformed(nest_components(TN_MAX_COMPONENT_DEPTH + 1, bytes, sizeof bytes),
                   "nesting too deep");
}

/* A type section with one component type that contains another and so on. */
static tn_str nest_types(uint32_t levels, uint8_t *bytes) {
  size_t size = (size_t)levels * 3 +
                1; /* the last has no declarator: one byte less, and the section's count */
  size_t length = 0;
  memcpy(bytes, COMPONENT_PREAMBLE "\7", 9);
  length = 9;
  size -= 1;
  bytes[length++] = (uint8_t)((size & 0x7f) | 0x80);
  bytes[length++] = (uint8_t)(size >> 7);
  bytes[length++] = 1;
  for (uint32_t i = 0; i < levels; i++) {
    bool is_last = i + 1 == levels;
    bytes[length++] = 0x41;
    bytes[length++] = is_last ? 0 : 1;
    if (!is_last) bytes[length++] = 1;
  }
  return (tn_str){(const char *)bytes, length};
}

static void types_nest_to_a_limit(void **state) {
  (void)state;
  static uint8_t bytes[(TN_MAX_TYPE_DEPTH + 1) * 3 + 20];
  decode(nest_types(TN_MAX_TYPE_DEPTH, bytes));
  expect_malformed(nest_types(TN_MAX_TYPE_DEPTH + 1, bytes), "nesting too deep");
}

static void a_count_beyond_the_bytes_that_follow_allocates_nothing(void **state) {
  (void)state;
  static const tn_str files[] = {
      COMPONENT("\7\6\1\x72\xff\xff\xff\x0f"),              /* record fields */
      COMPONENT("\5\6\1\1\xff\xff\xff\x0f"),                /* inline exports */
      COMPONENT("\x08\x08\1\1\0\0\xff\xff\xff\x0f"),        /* canonical options */
      COMPONENT("\1\x0d" MODULE_PREAMBLE "\2\3\xff\xff\7"), /* core imports */
      COMPONENT("\3\6\1\x50\xff\xff\xff\x0f"),              /* declarators of a module type */
      COMPONENT("\3\6\1\x4e\xff\xff\xff\x0f"),              /* types of a rec group */
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    tn_arena_free(&arena);
    assert_non_null(tn_arena_alloc(&arena, 1, 1));
    void *first_block = arena.blocks;
    expect_malformed(files[i], "unexpected end-of-file");
    assert_ptr_equal(arena.blocks, first_block);
  }
}

static void more_modules_than_the_limit_are_refused(void **state) {
  (void)state;
  enum { MODULES = 1001 };
  static char bytes[8 + MODULES * 10];
  memcpy(bytes, COMPONENT_PREAMBLE, 8);
  for (int i = 0; i < MODULES; i++) {
    memcpy(&bytes[8 + i * 10], "\1\x08" MODULE_PREAMBLE, 10);
  }
  decode((tn_str){bytes, sizeof bytes - 10});
  expect_malformed((tn_str){bytes, sizeof bytes}, "modules count exceeds limit of 1000");
}

/* ---- out of memory ------------------------------------------------------------------------------ */

/* Fails each allocation of decoding in turn. Returns how many there are. */
static int64_t decode_with_failures(tn_str bytes) {
  for (int64_t n = 0;; n++) {
    tn_arena own = {0};
    const tn_component_ast *component = NULL;
    tn_alloc_fail_after(n);
    tn_error *error = tn_component_decode(&own, bytes, &component);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_arena_free(&own);
    if (!did_fail) {
      assert_ok(error);
      return n;
    }
    /* A name section that cannot be read is no error, nor is having no memory to say so. */
    if (error == NULL && component != NULL) continue;
    assert_non_null(error);
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
  }
}

static void every_failing_allocation_gives_a_clean_error(void **state) {
  (void)state;
  static uint8_t nested[TN_MAX_COMPONENT_DEPTH * 12];
  static char modules[8 + 200 * 91];
  tn_str module = module_of_everything;
  size_t length = 8;
  memcpy(modules, COMPONENT_PREAMBLE, 8);
  for (int i = 0; i < 50; i++) {
    assert_true(module.len < 0x4000 && length + module.len + 3 <= sizeof modules);
    modules[length++] = 1;
    modules[length++] = (char)((module.len & 0x7f) | 0x80);
    modules[length++] = (char)(module.len >> 7);
    memcpy(&modules[length], module.data, module.len);
    length += module.len;
  }
  assert_true(decode_with_failures((tn_str){modules, length}) > 50);
  assert_true(decode_with_failures(nest_components(TN_MAX_COMPONENT_DEPTH, nested, sizeof nested)) >
              1);
}

static void a_malformed_file_gives_a_clean_error_without_memory(void **state) {
  (void)state;
  tn_str bytes = COMPONENT("\7\3\1\x7f\x7f");
  for (int64_t n = 0; n < 10; n++) {
    tn_arena own = {0};
    const tn_component_ast *component;
    tn_alloc_fail_after(n);
    tn_error *error = tn_component_decode(&own, bytes, &component);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_non_null(error);
    assert_int_equal(tn_error_get_kind(error), did_fail ? TN_ERROR_NO_MEMORY : TN_ERROR_MALFORMED);
    tn_error_delete(error);
    tn_arena_free(&own);
    if (!did_fail) return;
  }
  fail_msg("decoding a malformed file never ran out of allocations to fail");
}

/* Reads a whole file; .data is NULL if there is none. */
static tn_str read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return (tn_str){NULL, 0};
  tn_str contents = {NULL, 0};
  if (fseek(file, 0, SEEK_END) == 0) {
    long size = ftell(file);
    char *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(file);
    if (bytes != NULL) contents = (tn_str){bytes, fread(bytes, 1, (size_t)size, file)};
  }
  fclose(file);
  return contents;
}

/* Valid components of the specification's own suite: the files of its folder that decode. */
static void every_failing_allocation_in_components_of_the_suite_gives_a_clean_error(void **state) {
  (void)state;
  static const char *const folders[] = {"binary/binary", "linking/tags",
                                        "resources/multiple-resources", "async/cross-abi-calls",
                                        "values/variants"};
  const char *suites = getenv("SUITES");
  if (suites == NULL) skip();
  uint32_t decoded = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/component-model/json/%s", suites, folders[i]);
    DIR *folder = opendir(path);
    if (folder == NULL) skip();
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
      snprintf(path, sizeof path, "%s/component-model/json/%s/%s", suites, folders[i],
               entry->d_name);
      if (!tn_str_ends_with(tn_str_from(path), TN_STR(".wasm"))) continue;
      tn_str bytes = read_file(path);
      const tn_component_ast *component;
      tn_error *error = tn_component_decode(&arena, bytes, &component);
      if (error == NULL) {
        decode_with_failures(bytes);
        decoded++;
      }
      tn_error_delete(error);
      tn_arena_free(&arena);
      free((char *)bytes.data);
    }
    closedir(folder);
  }
  assert_true(decoded > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(unsigned_integers_may_be_padded_but_not_overflow, free_arena),
      cmocka_unit_test_teardown(signed_integers_repeat_their_sign_in_unused_bits, free_arena),
      cmocka_unit_test_teardown(names_are_utf8_of_bounded_length, free_arena),
      cmocka_unit_test_teardown(the_preamble_tells_modules_from_components, free_arena),
      cmocka_unit_test_teardown(a_section_holds_exactly_its_contents, free_arena),
      cmocka_unit_test_teardown(sections_come_in_any_order_and_add_up, free_arena),
      cmocka_unit_test_teardown(offsets_in_nested_components_are_those_of_the_file, free_arena),
      cmocka_unit_test_teardown(custom_sections_are_kept_and_name_the_component, free_arena),
      cmocka_unit_test_teardown(a_name_section_that_cannot_be_read_is_no_error, free_arena),
      cmocka_unit_test_teardown(types_keep_labels_payloads_and_lengths, free_arena),
      cmocka_unit_test_teardown(extern_names_keep_their_attributes, free_arena),
      cmocka_unit_test_teardown(a_rec_group_makes_one_definition_for_each_type, free_arena),
      cmocka_unit_test_teardown(references_in_core_types_are_written_out, free_arena),
      cmocka_unit_test_teardown(module_types_do_not_nest, free_arena),
      cmocka_unit_test_teardown(canonical_definitions_keep_options_and_flags, free_arena),
      cmocka_unit_test_teardown(start_and_value_sections_are_decoded, free_arena),
      cmocka_unit_test_teardown(module_exports_have_the_types_of_what_they_export, free_arena),
      cmocka_unit_test_teardown(modules_that_cannot_be_read_are_refused, free_arena),
      cmocka_unit_test_teardown(components_nest_to_a_limit, free_arena),
      cmocka_unit_test_teardown(types_nest_to_a_limit, free_arena),
      cmocka_unit_test_teardown(a_count_beyond_the_bytes_that_follow_allocates_nothing, free_arena),
      cmocka_unit_test_teardown(more_modules_than_the_limit_are_refused, free_arena),
      cmocka_unit_test_teardown(every_failing_allocation_gives_a_clean_error, free_arena),
      cmocka_unit_test_teardown(a_malformed_file_gives_a_clean_error_without_memory, free_arena),
      cmocka_unit_test_teardown(
          every_failing_allocation_in_components_of_the_suite_gives_a_clean_error, free_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
