/* Core modules in the text format, section by section. Nothing is validated but what the text depends on. */
#include "component/binary/decode.h"
#include "compose/print/core.h"

enum {
  CUSTOM,
  TYPE,
  IMPORT,
  FUNCTION,
  TABLE,
  MEMORY,
  GLOBAL,
  EXPORT,
  START,
  ELEMENT,
  CODE,
  DATA,
  DATA_COUNT,
  TAG,
};

/* The place of each section in a module, from 1, and what custom sections behind it are said to stand after. */
static const struct {
  uint8_t order;
  const char *place;
} sections[] = {
    [TYPE] = {1, "after type"},     [IMPORT] = {2, "after import"}, [FUNCTION] = {3, "after func"},
    [TABLE] = {4, "after table"},   [MEMORY] = {5, "after memory"}, [TAG] = {6, "after tag"},
    [GLOBAL] = {7, "after global"}, [EXPORT] = {8, "after export"}, [START] = {9, "after start"},
    [ELEMENT] = {10, "after elem"}, [DATA_COUNT] = {11, NULL},      [CODE] = {12, "after code"},
    [DATA] = {13, "after data"},
};

/* A module being printed. `defined` has the types of the functions that are not imported. */
typedef struct module_printer {
  tn_printer *p;
  tn_arena arena;
  tn_arena scratch; /* for one function */
  tn_core_scope scope;
  TN_VEC(uint32_t) defined;
  const char *place;
  uint8_t last; /* the order of the last section but custom ones */
  bool has_code;
} module_printer;

/* ---- names ---------------------------------------------------------------------------------------------- */

static tn_error *read_own_name(module_printer *m, tn_reader *in) {
  tn_identifier *entry = TN_VEC_PUSH(&m->arena, &m->scope.names[TN_SPACE_MODULE].entries);
  if (entry == NULL) return tn_error_no_memory();
  tn_str name;
  TN_TRY(tn_read_name(in, &name));
  *entry = tn_identifier_of(name);
  m->scope.names[TN_SPACE_MODULE].what = "module";
  return NULL;
}

static tn_error *read_subsection(module_printer *m, uint8_t id, tn_reader *in) {
  static const char *const kinds[] = {
      [TN_SPACE_FUNCTION] = "func", [TN_SPACE_LOCAL] = "local",  [TN_SPACE_LABEL] = "label",
      [TN_SPACE_TYPE] = "type",     [TN_SPACE_TABLE] = "table",  [TN_SPACE_MEMORY] = "memory",
      [TN_SPACE_GLOBAL] = "global", [TN_SPACE_ELEMENT] = "elem", [TN_SPACE_DATA] = "data",
      [TN_SPACE_FIELD] = "field",   [TN_SPACE_TAG] = "tag"};
  if (id >= TN_SPACE_COUNT) return NULL;
  if (id == TN_SPACE_MODULE) return read_own_name(m, in);
  if (id == TN_SPACE_LOCAL || id == TN_SPACE_LABEL || id == TN_SPACE_FIELD) {
    return tn_identifiers_read_indirect(&m->arena, in, kinds[id], id == TN_SPACE_LABEL,
                                        &m->scope.names[id]);
  }
  return tn_identifiers_read(&m->arena, in, kinds[id], &m->scope.names[id]);
}

static tn_error *read_names(module_printer *m, tn_reader *in) {
  while (tn_reader_remaining(in) > 0) {
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(in, &id));
    TN_TRY(tn_read_sized(in, &contents));
    TN_TRY(read_subsection(m, id, &contents));
  }
  return NULL;
}

static tn_error *read_custom(tn_reader *in, tn_custom_section *out) {
  TN_TRY(tn_read_name(in, &out->name));
  return tn_read_bytes(in, tn_reader_remaining(in), &out->bytes);
}

/* Goes through all sections for the names of things, which stand at the end. A name section that cannot be read
 * is no error: its first names are used. */
static tn_error *find_names(module_printer *m, tn_reader in) {
  while (tn_reader_remaining(&in) > 0) {
    uint8_t id;
    tn_reader contents;
    tn_custom_section custom;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    if (id != CUSTOM) continue;
    TN_TRY(read_custom(&contents, &custom));
    if (!tn_str_equal(custom.name, TN_STR("name"))) continue;
    contents = tn_reader_new(custom.bytes, 0);
    tn_error *error = read_names(m, &contents);
    if (error != NULL && tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
    tn_error_delete(error);
  }
  for (size_t i = 0; i < TN_SPACE_COUNT; i++)
    tn_identifiers_sort(&m->scope.names[i]);
  return NULL;
}

/* ---- types, imports and definitions --------------------------------------------------------------------- */

static tn_error *print_type(module_printer *m, tn_reader *in) {
  enum { REC_GROUP = 0x4e };
  tn_core_type_group group;
  uint32_t offset = tn_reader_offset(in);
  uint64_t opened = 0;
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  TN_TRY(tn_decode_core_rec_type(&m->arena, in, &group));
  tn_print_newline(m->p, offset);
  if (byte == REC_GROUP) opened = tn_print_open(m->p, "rec");
  for (uint32_t i = 0; i < group.count; i++) {
    if (byte == REC_GROUP) tn_print_newline(m->p, group.types[i].offset);
    TN_TRY(tn_print_core_type(m->p, &m->arena, &m->scope, "type ", &group.types[i]));
    TN_TRY(tn_printer_flush(m->p));
  }
  if (byte == REC_GROUP) tn_print_close(m->p, opened);
  return NULL;
}

static tn_error *print_import(module_printer *m, tn_reader *in) {
  tn_core_import import;
  TN_TRY(tn_decode_core_import(in, &import));
  tn_print_newline(m->p, import.offset);
  tn_print_core_import(m->p, &m->scope, &import, true);
  return NULL;
}

static tn_error *read_function(module_printer *m, tn_reader *in) {
  uint32_t *type = TN_VEC_PUSH(&m->arena, &m->defined);
  return type != NULL ? tn_read_u32(in, type) : tn_error_no_memory();
}

static uint64_t open_definition(module_printer *m, uint32_t offset,
                                const tn_core_extern_type *type) {
  tn_print_newline(m->p, offset);
  uint64_t opened = tn_print_open(m->p, "");
  tn_print_core_extern_type(m->p, &m->scope, type, true);
  return opened;
}

/* `core:table`: a type, or 0x40 0x00 and a type with an initial value. */
static tn_error *print_table(module_printer *m, tn_reader *in) {
  enum { HAS_INITIAL_VALUE = 0x40 };
  tn_core_extern_type type = {0};
  uint32_t offset = tn_reader_offset(in);
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  bool has_initial_value = byte == HAS_INITIAL_VALUE;
  if (has_initial_value) {
    in->next++;
    TN_TRY(tn_read_byte(in, &byte));
    if (byte != 0) return tn_bad_byte(in, byte, "table definition");
  }
  TN_TRY(tn_decode_core_table(in, &type));
  uint64_t opened = open_definition(m, offset, &type);
  if (has_initial_value) {
    tn_print_text(m->p, " ");
    TN_TRY(tn_print_core_expression(m->p, &m->scope, in));
  }
  tn_print_close(m->p, opened);
  return NULL;
}

static tn_error *print_memory(module_printer *m, tn_reader *in) {
  tn_core_extern_type type = {0};
  uint32_t offset = tn_reader_offset(in);
  TN_TRY(tn_decode_core_memory(in, &type));
  tn_print_close(m->p, open_definition(m, offset, &type));
  return NULL;
}

static tn_error *print_tag(module_printer *m, tn_reader *in) {
  tn_core_extern_type type = {0};
  uint32_t offset = tn_reader_offset(in);
  TN_TRY(tn_decode_core_tag(in, &type));
  tn_print_close(m->p, open_definition(m, offset, &type));
  return NULL;
}

static tn_error *print_global(module_printer *m, tn_reader *in) {
  tn_core_extern_type type = {0};
  uint32_t offset = tn_reader_offset(in);
  TN_TRY(tn_decode_core_global(in, &type));
  uint64_t opened = open_definition(m, offset, &type);
  tn_print_text(m->p, " ");
  TN_TRY(tn_print_core_expression(m->p, &m->scope, in));
  tn_print_close(m->p, opened);
  return NULL;
}

/* "(func $name)" */
static void print_reference(module_printer *m, const char *what, tn_core_space space,
                            uint32_t index) {
  tn_buffer_format(&m->p->out, "(%s ", what);
  tn_print_index(m->p, &m->scope.names[space], index);
  tn_print_text(m->p, ")");
}

static tn_error *print_export(module_printer *m, tn_reader *in) {
  tn_str name;
  uint8_t kind;
  uint32_t index;
  tn_print_newline(m->p, tn_reader_offset(in));
  TN_TRY(tn_read_name(in, &name));
  TN_TRY(tn_read_byte(in, &kind));
  if (kind > TN_CORE_EXTERN_TAG) return tn_bad_byte(in, kind, "external kind");
  TN_TRY(tn_read_u32(in, &index));
  tn_print_text(m->p, "(export ");
  tn_print_string(m->p, name);
  tn_print_text(m->p, " ");
  print_reference(m, tn_core_kind_name((tn_core_extern_kind)kind),
                  tn_core_space_of((tn_core_extern_kind)kind), index);
  tn_print_text(m->p, ")");
  return NULL;
}

static tn_error *print_start(module_printer *m, tn_reader *in) {
  uint32_t function;
  tn_print_newline(m->p, tn_reader_offset(in));
  TN_TRY(tn_read_u32(in, &function));
  print_reference(m, "start", TN_SPACE_FUNCTION, function);
  return NULL;
}

/* ---- segments ------------------------------------------------------------------------------------------- */

static tn_error *print_functions(module_printer *m, tn_reader *in, bool shows) {
  uint32_t count, function;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "elements", &count));
  if (shows) tn_print_text(m->p, "func");
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_read_u32(in, &function));
    if (!shows) continue;
    tn_print_text(m->p, " ");
    tn_print_index(m->p, &m->scope.names[TN_SPACE_FUNCTION], function);
    TN_TRY(tn_printer_flush(m->p));
  }
  return NULL;
}

/* With `shows` false, what is printed is taken back. */
static tn_error *print_expressions(module_printer *m, tn_core_valtype type, tn_reader *in,
                                   bool shows) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "elements", &count));
  if (shows) tn_print_core_valtype(m->p, &m->scope, type);
  for (uint32_t i = 0; i < count; i++) {
    size_t length = m->p->out.len;
    tn_print_text(m->p, " ");
    TN_TRY(tn_print_core_expression_group(m->p, &m->scope, in, "item "));
    if (!shows) m->p->out.len = length;
    TN_TRY(tn_printer_flush(m->p));
  }
  return NULL;
}

/* Of an active segment: the table where it is said, and the offset. */
static tn_error *print_table_place(module_printer *m, tn_reader *in, bool has_table) {
  uint32_t table;
  tn_print_text(m->p, " ");
  if (has_table) {
    TN_TRY(tn_read_u32(in, &table));
    print_reference(m, "table", TN_SPACE_TABLE, table);
    tn_print_text(m->p, " ");
  }
  return tn_print_core_expression_group(m->p, &m->scope, in, "offset ");
}

/* `core:elem`: the bits of its first number say which form of eight. */
static tn_error *print_element(module_printer *m, tn_reader *in) {
  enum { NOT_ACTIVE = 1, DECLARES_OR_HAS_TABLE = 2, HAS_EXPRESSIONS = 4, FORMS = 8 };
  enum { REF_NULL = 0x63, FUNC = 0x70 - 0x80 };
  tn_core_valtype type = {.code = REF_NULL, .heap = FUNC};
  bool shows = !m->p->is_skeleton;
  uint32_t form, offset = tn_reader_offset(in);
  uint8_t kind;
  TN_TRY(tn_read_u32(in, &form));
  if (form >= FORMS) return tn_malformed(offset, "invalid flags byte in element segment");
  tn_print_newline(m->p, offset);
  uint64_t opened = tn_print_open(m->p, "elem ");
  tn_print_new(m->p, &m->scope.names[TN_SPACE_ELEMENT], m->scope.counts[TN_SPACE_ELEMENT]++);
  if ((form & NOT_ACTIVE) == 0) {
    TN_TRY(print_table_place(m, in, (form & DECLARES_OR_HAS_TABLE) != 0));
  } else if (form & DECLARES_OR_HAS_TABLE) {
    tn_print_text(m->p, " declare");
  }
  bool has_kind = (form & (NOT_ACTIVE | DECLARES_OR_HAS_TABLE)) != 0;
  tn_print_text(m->p, shows ? " " : " ...");
  if (form & HAS_EXPRESSIONS) {
    if (has_kind) TN_TRY(tn_decode_core_valtype(in, &type));
    TN_TRY(print_expressions(m, type, in, shows));
  } else {
    if (has_kind) TN_TRY(tn_read_byte(in, &kind));
    if (has_kind && kind != 0) return tn_bad_byte(in, kind, "element kind");
    TN_TRY(print_functions(m, in, shows));
  }
  tn_print_close(m->p, opened);
  return NULL;
}

static tn_error *print_data(module_printer *m, tn_reader *in) {
  enum { ACTIVE, PASSIVE, ACTIVE_IN_MEMORY };
  uint32_t form, memory = 0, size, offset = tn_reader_offset(in);
  tn_str bytes;
  TN_TRY(tn_read_u32(in, &form));
  if (form > ACTIVE_IN_MEMORY) return tn_malformed(offset, "invalid flags byte in data segment");
  if (form == ACTIVE_IN_MEMORY) TN_TRY(tn_read_u32(in, &memory));
  tn_print_newline(m->p, offset);
  uint64_t opened = tn_print_open(m->p, "data ");
  tn_print_new(m->p, &m->scope.names[TN_SPACE_DATA], m->scope.counts[TN_SPACE_DATA]++);
  tn_print_text(m->p, " ");
  if (memory != 0) {
    print_reference(m, "memory", TN_SPACE_MEMORY, memory);
    tn_print_text(m->p, " ");
  }
  if (form != PASSIVE) {
    TN_TRY(tn_print_core_expression_group(m->p, &m->scope, in, "offset "));
    tn_print_text(m->p, " ");
  }
  TN_TRY(tn_read_u32(in, &size));
  TN_TRY(tn_read_bytes(in, size, &bytes));
  if (m->p->is_skeleton) {
    tn_print_text(m->p, "...");
  } else {
    tn_print_bytes(m->p, bytes);
  }
  tn_print_close(m->p, opened);
  return NULL;
}

/* ---- code ----------------------------------------------------------------------------------------------- */

/* Declarations of local variables: runs of one type. */
static tn_error *print_locals(module_printer *m, tn_reader *in, uint32_t function,
                              uint32_t params) {
  enum { MAX_LOCALS = 50000 }; /* as the engine has it */
  tn_local_list locals = {.group = "local "};
  uint32_t runs, count, next = params;
  tn_core_valtype type;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "local variables", &runs));
  for (uint32_t i = 0; i < runs; i++) {
    uint32_t offset = tn_reader_offset(in);
    TN_TRY(tn_read_u32(in, &count));
    TN_TRY(tn_decode_core_valtype(in, &type));
    if (count > MAX_LOCALS - (next - params)) return tn_malformed(offset, "too many locals");
    for (uint32_t k = 0; k < count; k++) {
      if (!locals.has_begun) tn_print_newline(m->p, offset);
      tn_print_local(m->p, &m->scope, &locals, &function, next++, type);
    }
  }
  tn_print_locals_end(m->p, &locals);
  return NULL;
}

static tn_error *print_body(module_printer *m, uint32_t type, tn_reader *in) {
  uint32_t function = m->scope.counts[TN_SPACE_FUNCTION]++, end;
  tn_print_newline(m->p, tn_reader_offset(in));
  uint64_t opened = tn_print_open(m->p, "func ");
  tn_print_new(m->p, &m->scope.names[TN_SPACE_FUNCTION], function);
  tn_print_text(m->p, " ");
  uint32_t params = tn_print_core_type_use(m->p, &m->scope, type, &function);
  if (m->p->is_skeleton) {
    tn_print_text(m->p, " ...");
    tn_print_close(m->p, opened);
    return NULL;
  }
  TN_TRY(print_locals(m, in, function, params));
  tn_arena_reset(&m->scratch);
  TN_TRY(tn_print_core_code(m->p, &m->scratch, &m->scope, function, in, &end));
  tn_print_close_at(m->p, opened, end);
  return NULL;
}

static tn_error *print_code(module_printer *m, tn_reader *in) {
  uint32_t count, offset = tn_reader_offset(in);
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "functions", &count));
  if (count != m->defined.len) {
    return tn_malformed(offset, "function and code section have inconsistent lengths: %u and %u",
                        m->defined.len, count);
  }
  m->has_code = true;
  for (uint32_t i = 0; i < count; i++) {
    tn_reader body;
    TN_TRY(tn_read_sized(in, &body));
    TN_TRY(print_body(m, m->defined.items[i], &body));
    TN_TRY(tn_printer_flush(m->p));
  }
  if (count > 0) m->place = sections[CODE].place;
  return NULL;
}

/* ---- sections ------------------------------------------------------------------------------------------- */

static tn_error *print_items(module_printer *m, uint8_t id, tn_reader *in,
                             tn_error *(*print)(module_printer *m, tn_reader *in)) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "item", &count));
  if (count > 0) m->place = sections[id].place;
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(print(m, in));
    TN_TRY(tn_printer_flush(m->p));
  }
  return NULL;
}

static tn_error *print_custom(module_printer *m, tn_reader *in) {
  tn_custom_section custom = {.offset = tn_reader_offset(in)};
  TN_TRY(read_custom(in, &custom));
  if (!tn_str_equal(custom.name, TN_STR("name"))) tn_print_custom(m->p, &custom, m->place);
  return NULL;
}

static tn_error *print_section(module_printer *m, uint8_t id, tn_reader *in) {
  tn_error *(*const printers[])(module_printer * m, tn_reader * in) = {
      [TYPE] = print_type,     [IMPORT] = print_import, [FUNCTION] = read_function,
      [TABLE] = print_table,   [MEMORY] = print_memory, [TAG] = print_tag,
      [GLOBAL] = print_global, [EXPORT] = print_export, [ELEMENT] = print_element,
      [DATA] = print_data,
  };
  uint32_t ignored;
  switch (id) {
  case CUSTOM:
    return print_custom(m, in);
  case START:
    TN_TRY(print_start(m, in));
    m->place = sections[START].place;
    break;
  case CODE:
    TN_TRY(print_code(m, in));
    break;
  case DATA_COUNT:
    TN_TRY(tn_read_u32(in, &ignored));
    break;
  default:
    TN_TRY(print_items(m, id, in, printers[id]));
  }
  return tn_expect_end(in);
}

static tn_error *check_order(module_printer *m, uint8_t id, uint32_t offset) {
  if (id >= sizeof sections / sizeof *sections)
    return tn_malformed(offset, "malformed section id: %u", id);
  if (id == CUSTOM) return NULL;
  if (sections[id].order <= m->last) return tn_malformed(offset, "section out of order");
  m->last = sections[id].order;
  return NULL;
}

static tn_error *print_sections(module_printer *m, tn_reader *in) {
  while (tn_reader_remaining(in) > 0) {
    uint32_t offset = tn_reader_offset(in);
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(in, &id));
    TN_TRY(check_order(m, id, offset));
    TN_TRY(tn_read_sized(in, &contents));
    TN_TRY(print_section(m, id, &contents));
  }
  if (m->has_code || m->defined.len == 0) return NULL;
  return tn_malformed(tn_reader_offset(in),
                      "function and code section have inconsistent lengths: %u and 0",
                      m->defined.len);
}

static tn_error *print_module(module_printer *m, tn_reader *in, bool is_nested) {
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(in, &preamble));
  if (!tn_preamble_is_module(preamble)) return tn_unknown_version(0, preamble);
  TN_TRY(find_names(m, *in));
  const tn_identifier *name = tn_identifiers_find(&m->scope.names[TN_SPACE_MODULE], 0);
  if (name != NULL && !is_nested) {
    tn_print_text(m->p, " ");
    tn_print_definition(m->p, "module", name);
  }
  return print_sections(m, in);
}

tn_error *tn_print_core_module(tn_printer *p, tn_str bytes, uint32_t offset, bool is_nested) {
  module_printer m = {.p = p, .place = "before first"};
  tn_reader in = tn_reader_new(bytes, offset);
  tn_error *error = print_module(&m, &in, is_nested);
  tn_arena_free(&m.arena);
  tn_arena_free(&m.scratch);
  return error;
}
