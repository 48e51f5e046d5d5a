/* What a core module imports and exports. Reads the sections that say so and steps over all others; only
 * what is needed for that is checked, the rest is for the engine. */
#include "component/component.h"
#include "component/binary/core_module_expr.h"
#include "component/binary/decode.h"
#include "component/binary/names.h"

enum { MAX_TABLES = 100, MAX_MEMORIES = 100 };

enum {
  SECTION_CUSTOM,
  SECTION_TYPE,
  SECTION_IMPORT,
  SECTION_FUNCTION,
  SECTION_TABLE,
  SECTION_MEMORY,
  SECTION_GLOBAL,
  SECTION_EXPORT,
  SECTION_START,
  SECTION_ELEMENT,
  SECTION_CODE,
  SECTION_DATA,
  SECTION_DATA_COUNT,
  SECTION_TAG,
};

/* The place of each section in a module, from 1; custom sections may stand anywhere. */
static const uint8_t section_order[] = {
    [SECTION_TYPE] = 1,   [SECTION_IMPORT] = 2,   [SECTION_FUNCTION] = 3,    [SECTION_TABLE] = 4,
    [SECTION_MEMORY] = 5, [SECTION_TAG] = 6,      [SECTION_GLOBAL] = 7,      [SECTION_EXPORT] = 8,
    [SECTION_START] = 9,  [SECTION_ELEMENT] = 10, [SECTION_DATA_COUNT] = 11, [SECTION_CODE] = 12,
    [SECTION_DATA] = 13,
};

typedef TN_VEC(const tn_core_func_type *) func_types;
typedef TN_VEC(tn_core_extern_type) extern_types;

/* A module being read. The index spaces live in `scratch`, everything that the result refers to in `arena`.
 * `types` has NULL for what is not a function type. The function index space, by far the largest, has
 * types only; a tag is a function type as well. */
typedef struct module_reader {
  tn_arena *arena;
  tn_arena scratch;
  tn_core_module *module;
  func_types types;
  TN_VEC(uint32_t) funcs; /* type indices */
  TN_VEC(uint32_t) tags;  /* type indices */
  extern_types tables;
  extern_types memories;
  extern_types globals;
} module_reader;

static tn_error *read_preamble(tn_reader *in) {
  uint32_t offset = tn_reader_offset(in);
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(in, &preamble));
  if (tn_preamble_is_module(preamble)) return NULL;
  if (!tn_preamble_is_component(preamble)) return tn_unknown_version(offset, preamble);
  return tn_malformed(offset, "expected a version header for a module, found a component");
}

/* ---- index spaces ------------------------------------------------------------------------------- */

static tn_error *read_types(module_reader *reader, tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "types", &count));
  for (uint32_t i = 0; i < count; i++) {
    tn_core_type_group group;
    TN_TRY(tn_decode_core_rec_type(reader->arena, in, &group));
    for (uint32_t k = 0; k < group.count; k++) {
      const tn_core_func_type **type = TN_VEC_PUSH(&reader->scratch, &reader->types);
      if (type == NULL) return tn_error_no_memory();
      if (group.types[k].kind == TN_CORE_TYPE_FUNC) *type = &group.types[k].func;
    }
  }
  return NULL;
}

static tn_error *resolve_func_type(const module_reader *reader, uint32_t offset,
                                   tn_core_extern_type *type) {
  if (type->type_index >= reader->types.len) {
    return tn_invalid(offset, "unknown type %u: type index out of bounds", type->type_index);
  }
  type->func = reader->types.items[type->type_index];
  return NULL;
}

static extern_types *space_of(module_reader *reader, tn_core_extern_kind kind) {
  switch (kind) {
  case TN_CORE_EXTERN_TABLE:
    return &reader->tables;
  case TN_CORE_EXTERN_MEMORY:
    return &reader->memories;
  default:
    return &reader->globals;
  }
}

/* Adds to the index space of the type's kind. */
static tn_error *add_item(module_reader *reader, const tn_core_extern_type *type) {
  if (type->kind == TN_CORE_EXTERN_FUNC || type->kind == TN_CORE_EXTERN_TAG) {
    bool is_func = type->kind == TN_CORE_EXTERN_FUNC;
    uint32_t *index = is_func ? TN_VEC_PUSH(&reader->scratch, &reader->funcs)
                              : TN_VEC_PUSH(&reader->scratch, &reader->tags);
    if (index == NULL) return tn_error_no_memory();
    *index = type->type_index;
    return NULL;
  }
  tn_core_extern_type *item = TN_VEC_PUSH(&reader->scratch, space_of(reader, type->kind));
  if (item == NULL) return tn_error_no_memory();
  *item = *type;
  return NULL;
}

static tn_error *read_imports(module_reader *reader, tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "imports", &count));
  tn_core_import *imports = TN_ARENA_ARRAY(reader->arena, tn_core_import, count);
  if (imports == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    tn_core_import *import = &imports[i];
    TN_TRY(tn_decode_core_import(in, import));
    if (import->type.kind == TN_CORE_EXTERN_FUNC || import->type.kind == TN_CORE_EXTERN_TAG) {
      TN_TRY(resolve_func_type(reader, import->offset, &import->type));
    }
    TN_TRY(add_item(reader, &import->type));
  }
  reader->module->import_count = count;
  reader->module->imports = imports;
  return NULL;
}

/* A definition of the kind whose section is being read; all but tables and globals are types only. */
static tn_error *read_function(tn_reader *in, tn_core_extern_type *out) {
  out->kind = TN_CORE_EXTERN_FUNC;
  return tn_read_u32(in, &out->type_index);
}

/* `core:table`: a type, or 0x40 0x00 and a type with an initial value. */
static tn_error *read_table(tn_reader *in, tn_core_extern_type *out) {
  enum { HAS_INITIAL_VALUE = 0x40 };
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  if (byte != HAS_INITIAL_VALUE) return tn_decode_core_table(in, out);
  in->next++;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte != 0) return tn_bad_byte(in, byte, "table definition");
  TN_TRY(tn_decode_core_table(in, out));
  return tn_core_skip_constant_expression(in);
}

static tn_error *read_global(tn_reader *in, tn_core_extern_type *out) {
  TN_TRY(tn_decode_core_global(in, out));
  return tn_core_skip_constant_expression(in);
}

static tn_error *read_items(module_reader *reader, tn_reader *in, uint32_t limit, const char *what,
                            tn_error *(*read_item)(tn_reader *in, tn_core_extern_type *out)) {
  uint32_t count;
  TN_TRY(tn_read_count(in, limit, what, &count));
  for (uint32_t i = 0; i < count; i++) {
    tn_core_extern_type type = {0};
    TN_TRY(read_item(in, &type));
    TN_TRY(add_item(reader, &type));
  }
  return NULL;
}

/* ---- exports ------------------------------------------------------------------------------------ */

static tn_error *unknown_item(const tn_core_export *item, const char *what) {
  return tn_invalid(item->offset, "unknown %s %u: exported %s index out of bounds", what,
                    item->index, what);
}

/* Finds the type of what is exported. */
static tn_error *resolve_export(module_reader *reader, tn_core_export *item) {
  static const char *const kind_names[] = {"function", "table", "memory", "global", "tag"};
  tn_core_extern_kind kind = item->type.kind;
  if (kind == TN_CORE_EXTERN_FUNC || kind == TN_CORE_EXTERN_TAG) {
    uint32_t count = kind == TN_CORE_EXTERN_FUNC ? reader->funcs.len : reader->tags.len;
    const uint32_t *types = kind == TN_CORE_EXTERN_FUNC ? reader->funcs.items : reader->tags.items;
    if (item->index >= count) return unknown_item(item, kind_names[kind]);
    item->type.type_index = types[item->index];
    return resolve_func_type(reader, item->offset, &item->type);
  }
  const extern_types *space = space_of(reader, kind);
  if (item->index >= space->len) return unknown_item(item, kind_names[kind]);
  item->type = space->items[item->index];
  return NULL;
}

static tn_error *read_exports(module_reader *reader, tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "exports", &count));
  tn_core_export *exports = TN_ARENA_ARRAY(reader->arena, tn_core_export, count);
  if (exports == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    tn_core_export *item = &exports[i];
    uint8_t kind;
    item->offset = tn_reader_offset(in);
    TN_TRY(tn_read_name(in, &item->name));
    TN_TRY(tn_read_byte(in, &kind));
    if (kind > TN_CORE_EXTERN_TAG) return tn_bad_byte(in, kind, "external kind");
    item->type.kind = (tn_core_extern_kind)kind;
    TN_TRY(tn_read_u32(in, &item->index));
    TN_TRY(resolve_export(reader, item));
  }
  reader->module->export_count = count;
  reader->module->exports = exports;
  return NULL;
}

/* ---- sections ----------------------------------------------------------------------------------- */

static tn_error *read_custom(module_reader *reader, tn_reader *in) {
  tn_str name, contents;
  TN_TRY(tn_read_name(in, &name));
  TN_TRY(tn_read_bytes(in, tn_reader_remaining(in), &contents));
  if (tn_str_equal(name, TN_STR("name"))) reader->module->name = tn_names_own(contents);
  return NULL;
}

static tn_error *read_section(module_reader *reader, uint8_t id, tn_reader *in) {
  switch (id) {
  case SECTION_CUSTOM:
    TN_TRY(read_custom(reader, in));
    break;
  case SECTION_TYPE:
    TN_TRY(read_types(reader, in));
    break;
  case SECTION_IMPORT:
    TN_TRY(read_imports(reader, in));
    break;
  case SECTION_FUNCTION:
    TN_TRY(read_items(reader, in, TN_MAX_ITEMS, "functions", read_function));
    break;
  case SECTION_TABLE:
    TN_TRY(read_items(reader, in, MAX_TABLES, "tables", read_table));
    break;
  case SECTION_MEMORY:
    TN_TRY(read_items(reader, in, MAX_MEMORIES, "memories", tn_decode_core_memory));
    break;
  case SECTION_GLOBAL:
    TN_TRY(read_items(reader, in, TN_MAX_ITEMS, "globals", read_global));
    break;
  case SECTION_EXPORT:
    TN_TRY(read_exports(reader, in));
    break;
  case SECTION_TAG:
    TN_TRY(read_items(reader, in, TN_MAX_ITEMS, "tags", tn_decode_core_tag));
    break;
  default:
    return NULL; /* start, elements, code and data are for the engine */
  }
  return tn_expect_end(in);
}

static tn_error *read_sections(module_reader *reader, tn_reader *in) {
  TN_TRY(read_preamble(in));
  uint8_t last = 0;
  while (tn_reader_remaining(in) > 0) {
    uint32_t offset = tn_reader_offset(in);
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(in, &id));
    if (id >= sizeof section_order) return tn_malformed(offset, "malformed section id: %u", id);
    if (id != SECTION_CUSTOM) {
      if (section_order[id] <= last) return tn_malformed(offset, "section out of order");
      last = section_order[id];
    }
    TN_TRY(tn_read_sized(in, &contents));
    TN_TRY(read_section(reader, id, &contents));
  }
  return NULL;
}

tn_error *tn_core_module_read(tn_arena *arena, tn_str bytes, uint32_t offset,
                              const tn_core_module **out) {
  if (bytes.len > UINT32_MAX - offset)
    return tn_error_new(TN_ERROR_MALFORMED, "file of 4 GiB or more");
  tn_core_module *module = TN_ARENA_NEW(arena, tn_core_module);
  if (module == NULL) return tn_error_no_memory();
  module->bytes = bytes;
  module->offset = offset;
  module_reader reader = {.arena = arena, .module = module};
  tn_reader in = tn_reader_new(bytes, offset);
  tn_error *error = read_sections(&reader, &in);
  tn_arena_free(&reader.scratch);
  if (error == NULL) *out = module;
  return error;
}
