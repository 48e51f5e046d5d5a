#include "component/binary/sections.h"

#include "component/component.h"
#include "component/binary/reader.h"

static const char *const component_kinds[] = {
    "custom", "core module",        "core instance", "core type", "component", "instance", "alias",
    "type",   "canonical function", "start",         "import",    "export",    "value"};
static const char *const module_kinds[] = {"custom", "type",   "import",     "function", "table",
                                           "memory", "global", "export",     "start",    "element",
                                           "code",   "data",   "data count", "tag"};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *kind_name(tn_file_kind kind, uint8_t id) {
  if (kind == TN_FILE_COMPONENT)
    return id < COUNT_OF(component_kinds) ? component_kinds[id] : "unknown";
  return id < COUNT_OF(module_kinds) ? module_kinds[id] : "unknown";
}

enum { PREAMBLE_BYTES = 8, CUSTOM = 0 };

tn_error *tn_sections_list(tn_arena *arena, tn_str bytes, tn_sections *out) {
  tn_file_kind kind = tn_file_kind_of(bytes);
  tn_reader reader = tn_reader_new(bytes, 0);
  tn_str preamble;
  TN_TRY(tn_read_bytes(&reader, PREAMBLE_BYTES, &preamble));
  while (tn_reader_remaining(&reader) > 0) {
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(&reader, &id));
    TN_TRY(tn_read_sized(&reader, &contents));
    tn_section *section = TN_VEC_PUSH(arena, &out->items);
    if (section == NULL) return tn_error_no_memory();
    section->kind = kind_name(kind, id);
    if (id == CUSTOM) TN_TRY(tn_read_name(&contents, &section->name));
    section->offset = tn_reader_offset(&contents);
    section->contents = (tn_str){(const char *)contents.next, tn_reader_remaining(&contents)};
  }
  return NULL;
}

static tn_error *read_field(tn_arena *arena, tn_reader *reader, tn_producers *out) {
  tn_str field;
  uint32_t count;
  TN_TRY(tn_read_name(reader, &field));
  TN_TRY(tn_read_count(reader, TN_MAX_ITEMS, "producers", &count));
  for (uint32_t i = 0; i < count; i++) {
    tn_producer *producer = TN_VEC_PUSH(arena, &out->items);
    if (producer == NULL) return tn_error_no_memory();
    producer->field = field;
    TN_TRY(tn_read_name(reader, &producer->name));
    TN_TRY(tn_read_name(reader, &producer->version));
  }
  return NULL;
}

tn_error *tn_producers_read(tn_arena *arena, tn_str contents, tn_producers *out) {
  tn_reader reader = tn_reader_new(contents, 0);
  uint32_t count;
  TN_TRY(tn_read_count(&reader, TN_MAX_ITEMS, "producers", &count));
  for (uint32_t i = 0; i < count; i++)
    TN_TRY(read_field(arena, &reader, out));
  return NULL;
}
