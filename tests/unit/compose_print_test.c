/* Components and core modules as text. What is expected is a fact: each text here is what other tools print of the same
 * file, and reads back as the same file. */
#include "test.h"

#include "base/alloc.h"
#include "component/binary/core_instruction.h"
#include "compose/print/component.h"
#include "engine/engine.h"

static void append(void *data, const char *text, size_t size) {
  tn_buffer_append(data, text, size);
}

static tn_error *print(tn_str file, bool is_skeleton, bool has_offsets, tn_buffer *out) {
  tn_printer printer = {
      .take = append, .data = out, .is_skeleton = is_skeleton, .has_offsets = has_offsets};
  tn_error *error = tn_print_file(&printer, file);
  tn_buffer_free(&printer.out);
  return error;
}

static void expect_text(tn_str file, bool is_skeleton, bool has_offsets, const char *expected) {
  tn_buffer out = {0};
  assert_ok(print(file, is_skeleton, has_offsets, &out));
  tn_buffer_append_byte(&out, '\0');
  assert_false(out.failed);
  assert_string_equal(out.data, expected);
  tn_buffer_free(&out);
}

static tn_str read_text(const char *text) {
  uint8_t *bytes;
  size_t size;
  assert_ok(tn_core_text_to_binary(tn_str_from(text), &bytes, &size));
  return (tn_str){(const char *)bytes, size};
}

/* The text is read, and printed as it was. */
static void expect_unchanged(const char *text) {
  tn_str file = read_text(text);
  expect_text(file, false, false, text);
  tn_free((void *)file.data);
}

/* ---- texts ----------------------------------------------------------------------------------------------- */

static const char module_text[] =
    "(module $m\n"
    "  (type $f (;0;) (func (param i32 i64) (result f32 f64)))\n"
    "  (rec\n"
    "    (type $node (;1;) (sub (struct (field (mut (ref null $node))) (field i8) (field (mut i16)))))\n"
    "    (type $leaf (;2;) (sub final $node (struct (field (mut (ref null $node))) (field i8) (field (mut i16)) (field v128))))\n"
    "  )\n"
    "  (type $bytes (;3;) (array (mut i8)))\n"
    "  (type $plain (;4;) (func))\n"
    "  (type $tagged (;5;) (func (param i32)))\n"
    "  (rec\n"
    "    (type $alone (;6;) (func (param (ref $bytes) anyref externref (ref func) exnref nullref nullexternref nullfuncref eqref i31ref structref arrayref nullexnref)))\n"
    "  )\n"
    "  (type $k (;7;) (cont $plain))\n"
    "  (import \"env\" \"mem\" (memory $small (;0;) 1 2))\n"
    "  (import \"env\" \"a b\" (func $\"a b\" (;0;) (type $plain)))\n"
    "  (import \"env\" \"t\" (table $t (;0;) 0 10 funcref))\n"
    "  (import \"env\" \"g\" (global $g (;0;) (mut i64)))\n"
    "  (import \"env\" \"e\" (tag $e (;0;) (type $tagged) (param i32)))\n"
    "  (table $t64 (;1;) i64 1 externref)\n"
    "  (table $filled (;2;) 2 (ref $plain) ref.func $many)\n"
    "  (memory $big (;1;) i64 1 16 shared)\n"
    "  (memory $odd (;2;) 3 (pagesize 0x1))\n"
    "  (tag $own (;1;) (type $tagged) (param i32))\n"
    "  (global $sum (;1;) i32 i32.const 2 i32.const -3 i32.add)\n"
    "  (export \"many \\u{22}ones\\u{22}\" (func $many))\n"
    "  (export \"m\\u{e9}m\" (memory $big))\n"
    "  (start $many)\n"
    "  (elem $el (;0;) (i32.const 0) func $many)\n"
    "  (elem $passive (;1;) funcref (ref.func $many) (ref.null func))\n"
    "  (elem (;2;) declare func $many)\n"
    "  (elem (;3;) (table $filled) (offset i32.const 1 i32.const 0 i32.add) (ref $plain) (ref.func $many))\n"
    "  (func $many (;1;) (type $plain)\n"
    "    (local $x i32) (local i32 i64) (local $y f64)\n"
    "    block $out\n"
    "      loop ;; label = @2\n"
    "        local.get $x\n"
    "        br_if $out\n"
    "        local.get 1\n"
    "        br_table $out 0 (;@2;) $out 2\n"
    "        block $out\n"
    "          br 2\n"
    "          br $out\n"
    "        end\n"
    "      end\n"
    "    end\n"
    "    i32.const -5\n"
    "    i64.const 9223372036854775807\n"
    "    f32.const 0x1.99999ap-4 (;=0.1;)\n"
    "    f64.const -nan:0x123 (;=NaN;)\n"
    "    f64.const inf (;=inf;)\n"
    "  )\n"
    "  (data $d (;0;) (i32.const 0) \"a\\00\\22\\5c\\ff\")\n"
    "  (data (;1;) (memory $big) (i64.const 8) \"x\")\n"
    "  (data $p (;2;) \"passive\")\n"
    "  (@custom \"mine\" (after data) \"\\00\\01\")\n"
    ")\n";

static void every_kind_of_definition_is_printed(void **state) {
  (void)state;
  expect_unchanged(module_text);
}

static const char control_text[] =
    "(module\n"
    "  (type (;0;) (func (param i32)))\n"
    "  (type (;1;) (func (param i32) (result i64 f32)))\n"
    "  (tag (;0;) (type 0) (param i32))\n"
    "  (func (;0;) (type 0) (param i32)\n"
    "    local.get 0\n"
    "    if ;; label = @1\n"
    "      nop\n"
    "    else\n"
    "      try (result i32) ;; label = @2\n"
    "        i32.const 1\n"
    "      catch 0\n"
    "        rethrow 0 (;@2;)\n"
    "      catch_all\n"
    "        br 2\n"
    "      end\n"
    "      drop\n"
    "      try ;; label = @2\n"
    "        try ;; label = @3\n"
    "        delegate 0 (;@2;)\n"
    "      end\n"
    "    end\n"
    "    block (type 1) (param i32) (result i64 f32) ;; label = @1\n"
    "      try_table (catch 0 0 (;@1;)) (catch_all_ref 1) ;; label = @2\n"
    "        i32.const 0\n"
    "        throw 0\n"
    "      end\n"
    "      unreachable\n"
    "    end\n"
    "  )\n"
    ")\n";

static void blocks_are_indented_and_counted(void **state) {
  (void)state;
  expect_unchanged(control_text);
}

static void floats_are_exact_with_a_decimal_for_people(void **state) {
  (void)state;
  expect_unchanged("(module\n"
                   "  (type (;0;) (func))\n"
                   "  (func (;0;) (type 0)\n"
                   "    f32.const 0x0p+0 (;=0;)\n"
                   "    f32.const -0x0p+0 (;=-0;)\n"
                   "    f32.const 0x1.8p-1 (;=0.75;)\n"
                   "    f32.const 0x1.fffffep+127 (;=340282350000000000000000000000000000000;)\n"
                   "    f32.const 0x1.8p-148 (;=0.000000000000000000000000000000000000000000004;)\n"
                   "    f32.const nan (;=NaN;)\n"
                   "    f32.const nan:0x200000 (;=NaN;)\n"
                   "    f64.const -inf (;=-inf;)\n"
                   "    f64.const 0x1p-24 (;=0.00000005960464477539063;)\n"
                   "    f64.const -0x1.921fb54442d18p+1 (;=-3.141592653589793;)\n"
                   "  )\n"
                   ")\n");
}

static const char component_text[] =
    "(component $app\n"
    "  (core rec\n"
    "    (type $pair (;0;) (struct (field i32) (field (ref null $pair))))\n"
    "  )\n"
    "  (core type $empty (;1;)\n"
    "    (module\n"
    "      (type (;0;) (func (param i32)))\n"
    "      (import \"a\" \"b\" (func (type 0)))\n"
    "      (export \"t\" (tag (type 0) (param i32)))\n"
    "    )\n"
    "  )\n"
    "  (type $api (;0;)\n"
    "    (instance\n"
    "      (export (;0;) \"r\" (type (sub resource)))\n"
    "      (type (;1;) (borrow 0))\n"
    "      (type (;2;) (func (param \"self\" 1) (result string)))\n"
    "      (export (;0;) \"[method]r.m\" (func (type 2)))\n"
    "    )\n"
    "  )\n"
    "  (import \"a:b/c\" (instance $\"a:b (c)\" (;0;) (type $api)))\n"
    "  (core module $inner (;0;)\n"
    "    (type (;0;) (func (param i32)))\n"
    "    (memory (;0;) 1)\n"
    "    (export \"memory\" (memory 0))\n"
    "    (export \"f\" (func 0))\n"
    "    (func (;0;) (type 0) (param i32))\n"
    "  )\n"
    "  (core instance $i (;0;) (instantiate $inner))\n"
    "  (alias core export $i \"memory\" (core memory $memory (;0;)))\n"
    "  (alias export $\"a:b (c)\" \"r\" (type $r (;1;)))\n"
    "  (alias export $\"a:b (c)\" \"[method]r.m\" (func $m (;0;)))\n"
    "  (core func $drop (;0;) (canon resource.drop $r))\n"
    "  (component $nested (;0;)\n"
    "    (alias outer 1 $r (type (;0;)))\n"
    "    (export (;1;) \"t\" (type 0))\n"
    "  )\n"
    "  (core instance (;1;)\n"
    "    (export \"drop\" (func $drop))\n"
    "  )\n"
    "  (export (;1;) \"d:e/f\" (instance $\"a:b (c)\"))\n"
    "  (@custom \"more\" \"\\00\")\n"
    ")\n";

static void components_are_printed_with_all_that_is_in_them(void **state) {
  (void)state;
  expect_unchanged(component_text);
}

/* ---- names ----------------------------------------------------------------------------------------------- */

static const char named_module[] =
    "\x00\x61\x73\x6d\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x07\x06\x00\x00\x00\x00\x00"
    "\x00\x0a\x1f\x06\x02\x00\x0b\x02\x00\x0b\x02\x00\x0b\x02\x00\x0b\x02\x00\x0b\x0e\x00\x10"
    "\x00\x10\x01\x10\x02\x10\x03\x10\x04\x10\x05\x0b\x00\x2a\x04\x6e\x61\x6d\x65\x00\x0a\x09"
    "\x6d\x79\x20\x6d\x6f\x64\x75\x6c\x65\x01\x17\x05\x00\x01\x66\x01\x01\x66\x02\x00\x03\x02"
    "\x23\x78\x04\x08\x61\x20\x62\x22\x5c\xc3\xa9\x0a\x00\x05\x01\x78\x00\x22\x61\x00\x1a\x09"
    "\x70\x72\x6f\x64\x75\x63\x65\x72\x73\x01\x08\x6c\x61\x6e\x67\x75\x61\x67\x65\x01\x01\x43"
    "\x02\x31\x31";

static void names_that_cannot_be_identifiers_are_quoted_or_made(void **state) {
  (void)state;
  expect_text((tn_str){named_module, sizeof named_module - 1}, false, false,
              "(module $\"my module\"\n"
              "  (type (;0;) (func))\n"
              "  (func $f (;0;) (type 0))\n"
              "  (func $\"#func1 f\" (@name \"f\") (;1;) (type 0))\n"
              "  (func $\"#func2 \" (@name \"\") (;2;) (type 0))\n"
              "  (func $\"#func3 #x\" (@name \"#x\") (;3;) (type 0))\n"
              "  (func $\"a b\\u{22}\\u{5c}\\u{e9}\\u{a}\" (;4;) (type 0))\n"
              "  (func (;5;) (type 0)\n"
              "    call $f\n"
              "    call $\"#func1 f\"\n"
              "    call $\"#func2 \"\n"
              "    call $\"#func3 #x\"\n"
              "    call $\"a b\\u{22}\\u{5c}\\u{e9}\\u{a}\"\n"
              "    call 5\n"
              "  )\n"
              "  (@custom \"x\" (after code) \"\\00\\22a\")\n"
              "  (@producers\n"
              "    (language \"C\" \"11\")\n"
              "  )\n"
              ")\n");
}

/* ---- options --------------------------------------------------------------------------------------------- */

static const char small_text[] =
    "(module (memory 1) (func (local i32) nop) (elem func 0) (data \"abc\"))";

static void a_skeleton_leaves_contents_out(void **state) {
  (void)state;
  tn_str file = read_text(small_text);
  expect_text(file, true, false,
              "(module\n"
              "  (type (;0;) (func))\n"
              "  (memory (;0;) 1)\n"
              "  (elem (;0;) ...)\n"
              "  (func (;0;) (type 0) ...)\n"
              "  (data (;0;) ...)\n"
              ")\n");
  tn_free((void *)file.data);
}

static void lines_begin_with_their_offsets(void **state) {
  (void)state;
  tn_str file = read_text(small_text);
  expect_text(file, false, true,
              "(module\n"
              "(;@b     ;)  (type (;0;) (func))\n"
              "(;@15    ;)  (memory (;0;) 1)\n"
              "(;@1a    ;)  (elem (;0;) func 0)\n"
              "(;@22    ;)  (func (;0;) (type 0)\n"
              "(;@23    ;)    (local i32)\n"
              "(;@25    ;)    nop\n"
              "(;@26    ;)  )\n"
              "(;@2a    ;)  (data (;0;) \"abc\")\n"
              "(;@2f    ;))\n");
  tn_free((void *)file.data);
}

/* ---- all instructions ------------------------------------------------------------------------------------ */

/* For each form: operands as an encoder writes them, and what closes a block; both ended by END. Bytes before the
 * instruction, where it has to stand in a block. */
enum { END = 0x0b };
static const struct {
  const char *before;
  const char *operands; /* `size` bytes */
  size_t size;
} forms[] = {
#define FORM(form, before, operands) [form] = {before, operands, sizeof(operands) - 1}
    FORM(TN_OPERANDS_NONE, "", ""),
    FORM(TN_OPERANDS_BLOCK, "", "\x40\x0b"),
    FORM(TN_OPERANDS_ELSE, "\x04\x40", "\x0b"),
    FORM(TN_OPERANDS_CATCH, "\x06\x40", "\0\x0b"),
    FORM(TN_OPERANDS_CATCH_ALL, "\x06\x40", "\x0b"),
    FORM(TN_OPERANDS_DELEGATE, "\x06\x40", "\0"),
    FORM(TN_OPERANDS_END, "\x02\x40", ""),
    FORM(TN_OPERANDS_TRY_TABLE, "", "\x7f\4\0\0\0\1\0\0\2\0\3\0\x0b"),
    FORM(TN_OPERANDS_LABEL, "", "\0"),
    FORM(TN_OPERANDS_LABELS, "", "\2\0\0\0"),
    FORM(TN_OPERANDS_FUNCTION, "", "\1"),
    FORM(TN_OPERANDS_CALL_INDIRECT, "", "\0\2"),
    FORM(TN_OPERANDS_VALUE_TYPES, "", "\1\x7b"),
    FORM(TN_OPERANDS_LOCAL, "", "\x7f"),
    FORM(TN_OPERANDS_GLOBAL, "", "\3"),
    FORM(TN_OPERANDS_TABLE, "", "\2"),
    FORM(TN_OPERANDS_TABLES, "", "\1\0"),
    FORM(TN_OPERANDS_TABLE_INIT, "", "\3\1"),
    FORM(TN_OPERANDS_ELEMENTS, "", "\0"),
    FORM(TN_OPERANDS_MEMORY, "", "\1"),
    FORM(TN_OPERANDS_MEMORIES, "", "\0\1"),
    FORM(TN_OPERANDS_MEMORY_INIT, "", "\3\1"),
    FORM(TN_OPERANDS_DATA, "", "\4"),
    FORM(TN_OPERANDS_TAG, "", "\1"),
    FORM(TN_OPERANDS_ADDRESS, "", "\x40\1\x80\x80\x80\x80\x80\1"),
    FORM(TN_OPERANDS_ADDRESS_LANE, "", "\0\x08\1"),
    FORM(TN_OPERANDS_I32, "", "\x80\x80\x80\x80\x78"),
    FORM(TN_OPERANDS_I64, "", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"),
    FORM(TN_OPERANDS_F32, "", "\1\2\3\x84"),
    FORM(TN_OPERANDS_F64, "", "\1\2\3\4\5\6\7\0"),
    FORM(TN_OPERANDS_V128, "", "\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\xff"),
    FORM(TN_OPERANDS_SHUFFLE, "", "\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x1f"),
    FORM(TN_OPERANDS_LANE, "", "\1"),
    FORM(TN_OPERANDS_FENCE, "", "\0"),
    FORM(TN_OPERANDS_HEAP_TYPE, "", "\x6c"),
    FORM(TN_OPERANDS_REFERENCE, "", "\x6b"),
    FORM(TN_OPERANDS_NULLABLE_REFERENCE, "", "\0"),
    FORM(TN_OPERANDS_CAST, "", "\1\0\x6e\x6d"),
    FORM(TN_OPERANDS_TYPE, "", "\0"),
    FORM(TN_OPERANDS_TYPE_TYPE, "", "\0\0"),
    FORM(TN_OPERANDS_TYPE_TAG, "", "\0\1"),
    FORM(TN_OPERANDS_TYPE_COUNT, "", "\0\x09"),
    FORM(TN_OPERANDS_TYPE_DATA, "", "\0\1"),
    FORM(TN_OPERANDS_TYPE_ELEMENTS, "", "\0\1"),
    FORM(TN_OPERANDS_FIELD, "", "\0\2"),
    FORM(TN_OPERANDS_RESUME, "", "\0\2\0\0\0\1\1"),
    FORM(TN_OPERANDS_RESUME_THROW, "", "\0\0\0"),
};

/* Code that names data segments is announced by how many there are. */
static bool names_data(const tn_core_instruction *instruction) {
  return instruction->operands == TN_OPERANDS_DATA ||
         instruction->operands == TN_OPERANDS_MEMORY_INIT ||
         instruction->operands == TN_OPERANDS_TYPE_DATA;
}

/* A module with one function, of one instruction; the instruction is the `size` bytes at `opcode`. */
static void write_module(tn_buffer *out, const char *opcode, size_t size,
                         const tn_core_instruction *instruction) {
  tn_buffer body = {0};
  tn_buffer_append_byte(&body, 0); /* no local variables */
  tn_buffer_append_text(&body, forms[instruction->operands].before);
  tn_buffer_append(&body, opcode, size);
  tn_buffer_append(&body, forms[instruction->operands].operands, forms[instruction->operands].size);
  tn_buffer_append_byte(&body, END);
  tn_buffer_append(out, "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0", 18);
  if (names_data(instruction)) tn_buffer_append(out, "\x0c\1\0", 3);
  tn_buffer_append(out, (char[]){10, (char)(body.len + 2), 1, (char)body.len}, 4);
  tn_buffer_append_str(out, tn_buffer_str(&body));
  tn_buffer_free(&body);
}

static void expect_same_file_again(tn_str file, const char *name) {
  tn_buffer text = {0};
  uint8_t *again;
  size_t size;
  tn_error *error = print(file, false, false, &text);
  if (error == NULL) error = tn_core_text_to_binary(tn_buffer_str(&text), &again, &size);
  if (error != NULL)
    fail_msg("%s: %s\n%.*s", name, tn_error_get_message(error), (int)text.len, text.data);
  if (size != file.len || memcmp(again, file.data, size) != 0)
    fail_msg("%s reads back as something else\n%.*s", name, (int)text.len, text.data);
  tn_free(again);
  tn_buffer_free(&text);
}

/* Returns whether there is such an instruction. */
static bool try_instruction(const char *opcode, size_t size) {
  tn_core_instruction instruction;
  tn_buffer file = {0};
  tn_reader in = tn_reader_new((tn_str){opcode, size}, 0);
  tn_error *error = tn_core_instruction_read(&in, &instruction);
  tn_error_delete(error);
  if (error != NULL) return false;
  write_module(&file, opcode, size, &instruction);
  expect_same_file_again(tn_buffer_str(&file), instruction.name);
  tn_buffer_free(&file);
  return true;
}

static void every_instruction_reads_back_as_the_same_bytes(void **state) {
  (void)state;
  uint32_t plain = 0, prefixed = 0;
  for (uint32_t code = 0; code < TN_PREFIX_OBJECT; code++)
    plain += try_instruction((char[]){(char)code}, 1);
  for (uint32_t prefix = TN_PREFIX_OBJECT; prefix <= TN_PREFIX_ATOMIC; prefix++) {
    for (uint32_t code = 0; code < 0x400; code++) {
      char opcode[] = {(char)prefix, (char)(code & 0x7f), (char)(code >> 7)};
      if (code >= 0x80) opcode[1] = (char)(opcode[1] | 0x80);
      prefixed += try_instruction(opcode, code < 0x80 ? 2 : 3);
    }
  }
  assert_int_equal(plain, 206);
  assert_int_equal(prefixed, 376);
}

/* ---- what is hostile ------------------------------------------------------------------------------------- */

static void expect_error(const char *bytes, size_t size, const char *message) {
  tn_buffer out = {0};
  assert_error(print((tn_str){bytes, size}, false, false, &out), TN_ERROR_MALFORMED, message);
  tn_buffer_free(&out);
}

#define FUNCTION                   "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0"
#define expect_bad(bytes, message) expect_error(FUNCTION bytes, sizeof(FUNCTION bytes) - 1, message)

static void what_is_malformed_is_refused_with_its_offset(void **state) {
  (void)state;
  expect_bad("", "inconsistent lengths: 1 and 0 (at offset 0x12)");
  expect_bad("\x0a\4\1\2\0\1", "unexpected end-of-file (at offset 0x18)");
  expect_bad("\x0a\4\1\2\0\xff", "illegal opcode: 0xff (at offset 0x17)");
  expect_bad("\x0a\6\1\4\0\xfd\x9a\1", "unknown 0xfd subopcode: 0x9a (at offset 0x17)");
  expect_bad("\x0a\x09\1\7\0\x41\xff\xff\xff\xff\x3f", "integer too large (at offset 0x1c)");
  expect_bad("\x0a\4\1\2\0\5", "else found outside the block that it belongs to (at offset 0x17)");
  expect_bad("\x0a\5\1\3\0\x0b\1",
             "instructions remain behind the end of a function (at offset 0x18)");
  expect_bad("\x0a\x0a\1\x08\1\xff\xff\xff\xff\x0f\x7f\x0b", "too many locals (at offset 0x17)");
  expect_bad("\x0a\7\1\5\0\x28\x80\1\0", "alignment too large (at offset 0x18)");
  expect_bad("\1\0", "section out of order (at offset 0x12)");
}

/* A thousand blocks in each other make no line longer than some hundred characters. */
static void deep_blocks_are_no_trouble(void **state) {
  (void)state;
  enum { DEPTH = 20000 };
  tn_buffer file = {0}, text = {0};
  uint32_t size = 2 + DEPTH * 3;
  tn_buffer_append(&file, FUNCTION "\x0a", sizeof FUNCTION);
  for (uint32_t i = 0; i < 2; i++) { /* of the section and of the function, four bytes each */
    uint32_t n = i == 0 ? size + 5 : size;
    char leb[] = {(char)(n | 0x80), (char)(n >> 7 | 0x80), (char)(n >> 14 | 0x80), (char)(n >> 21)};
    tn_buffer_append(&file, leb, sizeof leb);
    if (i == 0) tn_buffer_append_byte(&file, 1);
  }
  tn_buffer_append_byte(&file, 0);
  for (uint32_t i = 0; i < DEPTH; i++)
    tn_buffer_append(&file, "\2\x40", 2);
  for (uint32_t i = 0; i <= DEPTH; i++)
    tn_buffer_append_byte(&file, END);
  assert_ok(print(tn_buffer_str(&file), false, false, &text));
  assert_true(text.len > DEPTH * 200 && text.len < DEPTH * 250);
  tn_buffer_free(&text);
  tn_buffer_free(&file);
}

/* 50 000 variables for six bytes, again and again. */
static void a_text_that_is_far_too_long_is_refused(void **state) {
  (void)state;
  enum { FUNCTIONS = 1000 };
  static const char body[] = "\x06\1\xd0\x86\3\x7b\x0b"; /* 50000 v128 */
  tn_buffer file = {0}, text = {0};
  tn_buffer_append(&file, "\0asm\1\0\0\0\1\4\1\x60\0\0", 14);
  tn_buffer_append(&file, "\3\xea\7\xe8\7", 5);
  for (uint32_t i = 0; i < FUNCTIONS; i++)
    tn_buffer_append_byte(&file, 0);
  tn_buffer_append(&file, "\x0a\xda\x36\xe8\7", 5);
  for (uint32_t i = 0; i < FUNCTIONS; i++)
    tn_buffer_append(&file, body, sizeof body - 1);
  assert_error(print(tn_buffer_str(&file), false, false, &text), TN_ERROR_LIMIT, "far too long");
  tn_buffer_free(&text);
  tn_buffer_free(&file);
}

static void each_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  const char *const texts[] = {module_text, component_text};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    tn_str file = read_text(texts[i]);
    int64_t count = 0;
    for (bool has_failed = true; has_failed; count++) {
      tn_buffer out = {0};
      tn_alloc_fail_after(count);
      tn_error *error = print(file, false, false, &out);
      has_failed = tn_alloc_did_fail();
      tn_alloc_fail_after(-1);
      if (!has_failed) assert_ok(error);
      tn_error_delete(error);
      tn_buffer_free(&out);
    }
    assert_true(count > 10);
    tn_free((void *)file.data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_definition_is_printed),
      cmocka_unit_test(blocks_are_indented_and_counted),
      cmocka_unit_test(floats_are_exact_with_a_decimal_for_people),
      cmocka_unit_test(components_are_printed_with_all_that_is_in_them),
      cmocka_unit_test(names_that_cannot_be_identifiers_are_quoted_or_made),
      cmocka_unit_test(a_skeleton_leaves_contents_out),
      cmocka_unit_test(lines_begin_with_their_offsets),
      cmocka_unit_test(every_instruction_reads_back_as_the_same_bytes),
      cmocka_unit_test(what_is_malformed_is_refused_with_its_offset),
      cmocka_unit_test(deep_blocks_are_no_trouble),
      cmocka_unit_test(a_text_that_is_far_too_long_is_refused),
      cmocka_unit_test(each_failing_allocation_is_a_clean_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
