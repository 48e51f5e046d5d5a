#include "component/binary/names.h"

#include "component/binary/reader.h"

enum { SECTION_OWN_NAME = 0, SECTION_SORT_NAMES = 1 };

/* Reading stops, without an error, at what is malformed: these take over a result of the reader. */
static bool succeeded(tn_error *error) {
  bool is_success = error == NULL;
  tn_error_delete(error);
  return is_success;
}

static bool next_subsection(tn_reader *in, uint8_t *id, tn_reader *contents) {
  return tn_reader_remaining(in) > 0 && succeeded(tn_read_byte(in, id)) &&
         succeeded(tn_read_sized(in, contents));
}

tn_str tn_names_own(tn_str section) {
  tn_reader in = tn_reader_new(section, 0), contents;
  uint8_t id;
  tn_str name;
  while (next_subsection(&in, &id, &contents)) {
    if (id == SECTION_OWN_NAME && succeeded(tn_read_name(&contents, &name))) return name;
  }
  return (tn_str){NULL, 0};
}

const uint8_t tn_sort_codes[TN_SORT_COUNT][2] = {
    [TN_SORT_CORE_FUNC] = {0x00, 0x00},
    [TN_SORT_CORE_TABLE] = {0x00, 0x01},
    [TN_SORT_CORE_MEMORY] = {0x00, 0x02},
    [TN_SORT_CORE_GLOBAL] = {0x00, 0x03},
    [TN_SORT_CORE_TAG] = {0x00, 0x04},
    [TN_SORT_CORE_TYPE] = {0x00, 0x10},
    [TN_SORT_CORE_MODULE] = {0x00, 0x11},
    [TN_SORT_CORE_INSTANCE] = {0x00, 0x12},
    [TN_SORT_FUNC] = {0x01},
    [TN_SORT_VALUE] = {0x02},
    [TN_SORT_TYPE] = {0x03},
    [TN_SORT_COMPONENT] = {0x04},
    [TN_SORT_INSTANCE] = {0x05},
};

static bool is_of_sort(tn_reader *in, tn_sort sort) {
  uint8_t byte;
  if (!succeeded(tn_read_byte(in, &byte)) || byte != tn_sort_codes[sort][0]) return false;
  return byte != 0 || (succeeded(tn_read_byte(in, &byte)) && byte == tn_sort_codes[sort][1]);
}

static tn_str find_in_map(tn_reader *in, uint32_t index) {
  uint32_t count, found;
  tn_str name;
  if (!succeeded(tn_read_count(in, TN_MAX_ITEMS, "names", &count))) return (tn_str){NULL, 0};
  for (uint32_t i = 0; i < count; i++) {
    if (!succeeded(tn_read_u32(in, &found)) || !succeeded(tn_read_name(in, &name))) break;
    if (found == index) return name;
  }
  return (tn_str){NULL, 0};
}

static tn_str find_in_section(tn_str section, tn_sort sort, uint32_t index) {
  tn_reader in = tn_reader_new(section, 0), contents;
  uint8_t id;
  while (next_subsection(&in, &id, &contents)) {
    if (id != SECTION_SORT_NAMES || !is_of_sort(&contents, sort)) continue;
    tn_str name = find_in_map(&contents, index);
    if (name.data != NULL) return name;
  }
  return (tn_str){NULL, 0};
}

tn_str tn_names_find(const tn_component_ast *component, tn_sort sort, uint32_t index) {
  for (uint32_t i = 0; i < component->custom_count; i++) {
    const tn_custom_section *custom = &component->customs[i];
    if (!tn_str_equal(custom->name, TN_STR("component-name"))) continue;
    tn_str name = find_in_section(custom->bytes, sort, index);
    if (name.data != NULL) return name;
  }
  return (tn_str){NULL, 0};
}
