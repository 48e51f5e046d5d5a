/* Names, sorts and aliases: Binary.md#import-and-export-definitions, #alias-definitions. */
#include "component/binary/decode.h"

static tn_error *decode_attribute(tn_reader *in, tn_extern_name *out) {
  uint8_t kind;
  tn_str value;
  TN_TRY(tn_read_byte(in, &kind));
  tn_str *slots[] = {&out->implements, &out->version_suffix, &out->external_id};
  if (kind >= sizeof slots / sizeof *slots) return tn_bad_byte(in, kind, "name option");
  TN_TRY(tn_read_name(in, &value));
  if (slots[kind]->data != NULL && out->duplicate_attribute == 0)
    out->duplicate_attribute = kind + 1;
  *slots[kind] = value;
  return NULL;
}

tn_error *tn_decode_extern_name(tn_reader *in, tn_extern_name *out) {
  enum { PLAIN, PLAIN_TOO, WITH_ATTRIBUTES };
  *out = (tn_extern_name){.offset = tn_reader_offset(in)};
  uint8_t form;
  TN_TRY(tn_read_byte(in, &form));
  if (form > WITH_ATTRIBUTES) return tn_bad_byte(in, form, "component name");
  TN_TRY(tn_read_name(in, &out->name));
  uint32_t count = 0;
  if (form == WITH_ATTRIBUTES) TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "name options", &count));
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(decode_attribute(in, out));
  }
  return NULL;
}

/* A `sort` as it stands: the second byte counts only when the first is 0x00. */
typedef struct sort_bytes {
  uint32_t offset;
  uint8_t first;
  uint8_t core;
} sort_bytes;

static tn_error *read_sort(tn_reader *in, sort_bytes *out) {
  *out = (sort_bytes){.offset = tn_reader_offset(in)};
  TN_TRY(tn_read_byte(in, &out->first));
  return out->first == 0 ? tn_read_byte(in, &out->core) : NULL;
}

static tn_error *bad_sort(sort_bytes sort, const char *what) {
  uint8_t byte = sort.first == 0 ? sort.core : sort.first;
  return tn_malformed(sort.offset, "invalid leading byte (0x%x) for %s", byte, what);
}

enum { CORE_SORT_TYPE = 0x10, CORE_SORT_MODULE = 0x11 };

static const tn_sort component_sorts[] = {
    [1] = TN_SORT_FUNC,      [2] = TN_SORT_VALUE,    [3] = TN_SORT_TYPE,
    [4] = TN_SORT_COMPONENT, [5] = TN_SORT_INSTANCE,
};

/* The order is that of tn_core_extern_kind. */
static const tn_sort core_sorts[] = {
    TN_SORT_CORE_FUNC,   TN_SORT_CORE_TABLE, TN_SORT_CORE_MEMORY,
    TN_SORT_CORE_GLOBAL, TN_SORT_CORE_TAG,
};

enum {
  COMPONENT_SORTS = sizeof component_sorts / sizeof *component_sorts,
  CORE_SORTS = sizeof core_sorts / sizeof *core_sorts,
};

static tn_error *component_sort(sort_bytes bytes, tn_sort *out) {
  bool is_core_module = bytes.first == 0 && bytes.core == CORE_SORT_MODULE;
  if (bytes.first >= COMPONENT_SORTS || (bytes.first == 0 && !is_core_module)) {
    return bad_sort(bytes, "component external kind");
  }
  *out = is_core_module ? TN_SORT_CORE_MODULE : component_sorts[bytes.first];
  return NULL;
}

tn_error *tn_decode_sort_index(tn_reader *in, tn_sort_index *out) {
  sort_bytes bytes;
  TN_TRY(read_sort(in, &bytes));
  TN_TRY(component_sort(bytes, &out->sort));
  return tn_read_u32(in, &out->index);
}

tn_error *tn_decode_core_sort_index(tn_reader *in, tn_sort_index *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte >= CORE_SORTS) return tn_bad_byte(in, byte, "external kind");
  out->sort = core_sorts[byte];
  return tn_read_u32(in, &out->index);
}

static tn_error *core_export_sort(sort_bytes bytes, tn_sort *out) {
  if (bytes.first != 0 || bytes.core >= CORE_SORTS)
    return bad_sort(bytes, "core instance export kind");
  *out = core_sorts[bytes.core];
  return NULL;
}

/* Of `outeraliassort`. */
static tn_error *outer_sort(sort_bytes bytes, tn_sort *out) {
  if (bytes.first == 3) {
    *out = TN_SORT_TYPE;
  } else if (bytes.first == 4) {
    *out = TN_SORT_COMPONENT;
  } else if (bytes.first == 0 && bytes.core == CORE_SORT_TYPE) {
    *out = TN_SORT_CORE_TYPE;
  } else if (bytes.first == 0 && bytes.core == CORE_SORT_MODULE) {
    *out = TN_SORT_CORE_MODULE;
  } else {
    return bad_sort(bytes, "component outer alias kind");
  }
  return NULL;
}

tn_error *tn_decode_alias(tn_reader *in, tn_ast_alias *out) {
  enum { EXPORT, CORE_EXPORT, OUTER };
  sort_bytes sort;
  uint8_t target;
  TN_TRY(read_sort(in, &sort));
  TN_TRY(tn_read_byte(in, &target));
  *out = (tn_ast_alias){0};
  switch (target) {
  case EXPORT:
    out->kind = TN_ALIAS_EXPORT;
    TN_TRY(component_sort(sort, &out->sort));
    TN_TRY(tn_read_u32(in, &out->instance));
    return tn_read_name(in, &out->name);
  case CORE_EXPORT:
    out->kind = TN_ALIAS_CORE_EXPORT;
    TN_TRY(core_export_sort(sort, &out->sort));
    TN_TRY(tn_read_u32(in, &out->instance));
    return tn_read_name(in, &out->name);
  case OUTER:
    out->kind = TN_ALIAS_OUTER;
    TN_TRY(outer_sort(sort, &out->sort));
    TN_TRY(tn_read_u32(in, &out->outer_count));
    return tn_read_u32(in, &out->outer_index);
  default:
    return tn_bad_byte(in, target, "alias");
  }
}
