#include "compose/componentize/core_rename.h"

#include "base/map.h"
#include "base/wasm_bytes.h"
#include "component/binary/decode.h"
#include "component/component.h"

enum { IMPORT_SECTION = 2 };

/* Two names as one text: a length parts them. */
static tn_str key_of(tn_arena *arena, tn_str module, tn_str name) {
  return tn_arena_format(arena, "%zu:%" TN_STR_FORMAT "%" TN_STR_FORMAT, module.len,
                         TN_STR_ARG(module), TN_STR_ARG(name));
}

/* A name of its own for each import; *any says whether one differs from what it was. */
static tn_error *choose_names(tn_arena *arena, const tn_core_module *module, tn_str **names,
                              bool *any) {
  tn_map taken = {0};
  *any = false;
  *names = TN_ARENA_ARRAY(arena, tn_str, module->import_count);
  if (*names == NULL) return tn_error_no_memory();
  uint32_t number = 0;
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    tn_str name = import->name, key = key_of(arena, import->module, name);
    while (key.data != NULL && tn_map_has(&taken, key)) {
      *any = true;
      name = tn_arena_format(arena, "%" TN_STR_FORMAT " [%u]", TN_STR_ARG(import->name), ++number);
      key = name.data == NULL ? name : key_of(arena, import->module, name);
    }
    if (key.data == NULL || !tn_map_put(arena, &taken, key, *names)) return tn_error_no_memory();
    (*names)[i] = name;
  }
  return NULL;
}

static tn_error *write_imports(tn_buffer *out, tn_reader *in, const tn_str *names) {
  tn_core_extern_type ignored;
  uint32_t count;
  tn_str module, name;
  TN_TRY(tn_read_u32(in, &count));
  tn_wasm_u32(out, count);
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_read_name(in, &module));
    TN_TRY(tn_read_name(in, &name));
    const uint8_t *begin = in->next;
    TN_TRY(tn_decode_core_extern_type(in, &ignored));
    tn_wasm_bytes(out, module);
    tn_wasm_bytes(out, names[i]);
    tn_buffer_append_str(out, tn_reader_since(in, begin));
  }
  return NULL;
}

/* The module has been read, so that its sections are well-formed. */
static tn_error *write_module(tn_buffer *out, tn_str module, const tn_str *names) {
  tn_reader in = tn_reader_new(module, 0);
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(&in, &preamble));
  tn_buffer_append_str(out, tn_reader_since(&in, in.start));
  while (tn_reader_remaining(&in) > 0) {
    const uint8_t *begin = in.next;
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    if (id != IMPORT_SECTION) {
      tn_buffer_append_str(out, tn_reader_since(&in, begin));
      continue;
    }
    tn_buffer_append_byte(out, id);
    size_t size = tn_wasm_begin_sized(out);
    TN_TRY(write_imports(out, &contents, names));
    tn_wasm_end_sized(out, size);
  }
  return NULL;
}

tn_error *tn_core_rename_imports(tn_arena *arena, const tn_core_module *module,
                                 const tn_core_module **out) {
  tn_str *names;
  bool any;
  *out = module;
  TN_TRY(choose_names(arena, module, &names, &any));
  if (!any) return NULL;
  tn_buffer bytes = {0};
  tn_error *error = write_module(&bytes, module->bytes, names);
  if (error == NULL) {
    tn_str copy = bytes.failed ? (tn_str){NULL, 0} : tn_arena_copy(arena, tn_buffer_str(&bytes));
    error = copy.data == NULL ? tn_error_no_memory() : tn_core_module_read(arena, copy, 0, out);
  }
  tn_buffer_free(&bytes);
  return error;
}
