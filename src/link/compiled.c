#include "link/compiled.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/vec.h"
#include "engine/artifact.h"
#include "link/plan.h"

/* ---- sources ----------------------------------------------------------------------------------- */

enum { READ_STEP = 1 << 16, READ_MAX = 1 << 30 };

tn_error *tn_compiled_source_read(int descriptor, const char *path, tn_compiled_source *source) {
  tn_buffer bytes = {0};
  for (;;) {
    if (!tn_buffer_reserve(&bytes, READ_STEP)) break;
    ssize_t got = read(descriptor, bytes.data + bytes.len, READ_STEP);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      tn_error *error = tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
      tn_buffer_free(&bytes);
      return error;
    }
    if (got == 0) break;
    bytes.len += (size_t)got;
    if (bytes.len > READ_MAX) {
      tn_buffer_free(&bytes);
      return tn_error_new(TN_ERROR_ARGUMENT, "cannot read %s: there is more than 1 GiB in it",
                          path);
    }
  }
  if (bytes.failed) {
    tn_buffer_free(&bytes);
    return tn_error_no_memory();
  }
  source->owned_bytes = (uint8_t *)bytes.data;
  source->bytes = tn_buffer_str(&bytes);
  return NULL;
}

void tn_compiled_source_free(tn_compiled_source *source) {
  tn_free(source->owned_bytes);
  if (source->mapping != NULL) munmap(source->mapping, source->mapping_size);
  source->owned_bytes = NULL;
  source->mapping = NULL;
}

/* Anything that does not start like a binary is taken for text, if it could be text at all. */
static bool looks_like_text(tn_str bytes) {
  if (tn_str_starts_with(bytes, TN_STR("\xef\xbb\xbf"))) bytes = tn_str_slice(bytes, 3, bytes.len);
  for (size_t i = 0; i < bytes.len; i++) {
    char c = bytes.data[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    return c == '(' || c == ';';
  }
  return false;
}

enum { PREAMBLE_SIZE = 8 }; /* magic and version */

static tn_error *not_wasm(tn_str bytes) {
  if (bytes.len == 0) return tn_error_new(TN_ERROR_MALFORMED, "the file is empty");
  if (tn_artifact_is(bytes)) {
    return tn_error_set_hint(tn_error_new(TN_ERROR_MALFORMED, "it is a compiled artifact"),
                             "use the file that it was compiled from");
  }
  if (tn_str_starts_with(bytes, TN_STR("\x7f"
                                       "ELF"))) {
    return tn_error_set_hint(tn_error_new(TN_ERROR_MALFORMED,
                                          "it is native code, but no whole artifact of Tenon's: "
                                          "damaged, or made by another program"),
                             "compile it again (`tn_component_artifact`)");
  }
  bool starts_like_wasm = tn_str_starts_with(bytes, TN_STR("\0asm"));
  if (starts_like_wasm && bytes.len < PREAMBLE_SIZE) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_MALFORMED, "unexpected end-of-file (at offset 0x%zx)", bytes.len),
        "it starts like WebAssembly but is cut off");
  }
  tn_error *error =
      tn_error_new(TN_ERROR_MALFORMED, "it is neither a WebAssembly binary nor WebAssembly text");
  return starts_like_wasm
             ? tn_error_set_hint(error, "it starts like WebAssembly but has an unknown version")
             : error;
}

tn_error *tn_compiled_to_binary(tn_str bytes, uint8_t **owned, size_t *size) {
  *owned = NULL;
  if (tn_file_kind_of(bytes) != TN_FILE_UNKNOWN) return NULL;
  if (!looks_like_text(bytes)) return not_wasm(bytes);
  return tn_core_text_to_binary(bytes, owned, size);
}

/* Turns text into binary in place. */
static tn_error *to_binary(tn_compiled_source *source) {
  uint8_t *binary;
  size_t size;
  TN_TRY(tn_compiled_to_binary(source->bytes, &binary, &size));
  if (binary == NULL) return NULL;
  tn_compiled_source_free(source);
  source->owned_bytes = binary;
  source->bytes = (tn_str){(const char *)binary, size};
  return NULL;
}

/* ---- decoding ---------------------------------------------------------------------------------- */

typedef TN_VEC(const tn_core_module *) module_list;

static tn_error *collect_modules(tn_arena *arena, const tn_component_ast *ast, module_list *list) {
  for (uint32_t i = 0; i < ast->definition_count; i++) {
    const tn_definition *definition = &ast->definitions[i];
    if (definition->kind == TN_DEFINITION_COMPONENT)
      TN_TRY(collect_modules(arena, definition->component, list));
    if (definition->kind != TN_DEFINITION_CORE_MODULE) continue;
    const tn_core_module **place = TN_VEC_PUSH(arena, list);
    if (place == NULL) return tn_error_no_memory();
    *place = definition->core_module;
  }
  return NULL;
}

static tn_error *decode(tn_compiled *compiled) {
  module_list list = {0};
  if (tn_file_kind_of(compiled->bytes) == TN_FILE_CORE_MODULE) {
    TN_TRY(tn_core_module_read(&compiled->arena, compiled->bytes, 0, &compiled->core));
    const tn_core_module **place = TN_VEC_PUSH(&compiled->arena, &list);
    if (place == NULL) return tn_error_no_memory();
    *place = compiled->core;
  } else {
    TN_TRY(tn_component_decode(&compiled->arena, compiled->bytes, &compiled->root));
    TN_TRY(collect_modules(&compiled->arena, compiled->root, &list));
  }
  compiled->module_asts = list.items;
  compiled->module_count = list.len;
  compiled->modules = TN_ARENA_ARRAY(&compiled->arena, tn_module *, list.len);
  return compiled->modules == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *validate(const tn_compiled *compiled) {
  if (compiled->root == NULL) return NULL; /* the engine's compiler validates modules */
  tn_arena scratch = {0};
  tn_error *error = tn_component_validate(&scratch, compiled->root);
  tn_arena_free(&scratch);
  return error;
}

/* ---- adapters ---------------------------------------------------------------------------------- */

/* Makes room for the adapters' modules behind the others. */
static tn_error *reserve_adapters(tn_compiled *compiled, uint32_t count) {
  compiled->modules =
      TN_ARENA_ARRAY(&compiled->arena, tn_module *, (size_t)compiled->module_count + count);
  return compiled->modules == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *index_adapters(tn_compiled *compiled) {
  for (uint32_t i = 0; i < compiled->adapter_count; i++) {
    tn_module *module = compiled->modules[compiled->module_count + i];
    if (!tn_map_put(&compiled->arena, &compiled->adapters_by_bytes, compiled->adapters[i],
                    module)) {
      return tn_error_no_memory();
    }
  }
  return NULL;
}

const tn_module *tn_compiled_adapter(const tn_compiled *compiled, tn_str bytes) {
  return tn_map_get(&compiled->adapters_by_bytes, bytes);
}

/* Only calls between components have adapters. */
static bool may_have_adapters(const tn_component_ast *ast) {
  for (uint32_t i = 0; ast != NULL && i < ast->definition_count; i++) {
    if (ast->definitions[i].kind == TN_DEFINITION_COMPONENT) return true;
  }
  return false;
}

static tn_error *find_adapters(tn_compiled *compiled) {
  if (!may_have_adapters(compiled->root)) return NULL;
  TN_TRY(tn_plan_rehearse(compiled, NULL, &compiled->arena, &compiled->adapters,
                          &compiled->adapter_count));
  return reserve_adapters(compiled, compiled->adapter_count);
}

/* The file's modules and the adapters. */
static tn_error *compile_all(tn_compiled *compiled) {
  uint32_t count = compiled->module_count + compiled->adapter_count;
  tn_str *bytes = TN_ARENA_ARRAY(&compiled->arena, tn_str, count);
  if (bytes == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < compiled->module_count; i++)
    bytes[i] = compiled->module_asts[i]->bytes;
  for (uint32_t i = compiled->module_count; i < count; i++)
    bytes[i] = compiled->adapters[i - compiled->module_count];
  tn_error *error = tn_modules_compile(compiled->engine, bytes, count, compiled->modules);
  if (error != NULL && compiled->adapter_count > 0) {
    tn_error_delete(error); /* the compiler may not have what they need: without them, then */
    compiled->adapter_count = 0;
    error = tn_modules_compile(compiled->engine, bytes, compiled->module_count, compiled->modules);
  }
  return error == NULL ? index_adapters(compiled) : error;
}

static tn_error *compile(tn_compiled *compiled) {
  TN_TRY(find_adapters(compiled));
  return compile_all(compiled);
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* The loaded file takes over the source's bytes, or a copy of them. */
static tn_error *take_bytes(tn_compiled *compiled, tn_compiled_source *source) {
  compiled->name = tn_arena_copy(&compiled->arena, source->name);
  compiled->bytes = source->bytes;
  if (source->owned_bytes == NULL && source->mapping == NULL) {
    compiled->bytes = tn_arena_copy(&compiled->arena, source->bytes);
  }
  compiled->owned_bytes = source->owned_bytes;
  compiled->mapping = source->mapping;
  compiled->mapping_size = source->mapping_size;
  source->owned_bytes = NULL;
  source->mapping = NULL;
  return compiled->name.data == NULL || compiled->bytes.data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- artifacts and the cache ------------------------------------------------------------------- */

/* With adapters, their bytes follow the native code of all modules as one more blob: length and bytes of each. */
static tn_str list_adapters(const tn_compiled *compiled) {
  tn_buffer list = {0};
  for (uint32_t i = 0; i < compiled->adapter_count; i++) {
    uint32_t length = (uint32_t)compiled->adapters[i].len;
    tn_buffer_append(&list, &length, sizeof length);
    tn_buffer_append_str(&list, compiled->adapters[i]);
  }
  size_t length = list.len;
  return (tn_str){tn_buffer_take(&list), length};
}

static tn_error *write_artifact(const tn_compiled *compiled, tn_str original, tn_buffer *out) {
  uint32_t modules = compiled->module_count + compiled->adapter_count;
  uint32_t count = compiled->adapter_count > 0 ? modules + 1 : modules;
  tn_str *natives = tn_calloc(count, sizeof *natives);
  if (natives == NULL) return tn_error_no_memory();
  tn_error *error = NULL;
  for (uint32_t i = 0; error == NULL && i < modules; i++) {
    uint8_t *bytes;
    size_t size;
    error = tn_module_serialize(compiled->modules[i], &bytes, &size);
    if (error == NULL) natives[i] = (tn_str){(const char *)bytes, size};
  }
  if (error == NULL && count > modules) {
    natives[modules] = list_adapters(compiled);
    if (natives[modules].data == NULL) error = tn_error_no_memory();
  }
  if (error == NULL) {
    error = tn_artifact_write(tn_core_engine_fingerprint(compiled->engine),
                              compiled->core != NULL ? TN_ARTIFACT_IS_MODULE : 0, original, natives,
                              count, out);
  }
  for (uint32_t i = 0; i < count; i++)
    tn_free((char *)natives[i].data);
  tn_free(natives);
  return error;
}

tn_error *tn_compiled_artifact(const tn_compiled *compiled, uint8_t **out, size_t *size) {
  tn_buffer bytes = {0};
  tn_error *error = write_artifact(compiled, compiled->bytes, &bytes);
  if (error != NULL) {
    tn_buffer_free(&bytes);
    return error;
  }
  *out = (uint8_t *)bytes.data;
  *size = bytes.len;
  return NULL;
}

/* Reads what list_adapters has written. */
static tn_error *read_adapters(tn_compiled *compiled, tn_str list, uint32_t count) {
  compiled->adapters = TN_ARENA_ARRAY(&compiled->arena, tn_str, count);
  list = tn_arena_copy(&compiled->arena, list);
  if (compiled->adapters == NULL || list.data == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    uint32_t length = 0;
    if (list.len >= sizeof length) memcpy(&length, list.data, sizeof length);
    list = tn_str_slice(list, sizeof length, list.len);
    if (length == 0 || length > list.len)
      return tn_error_new(TN_ERROR_MALFORMED, "the artifact lacks an adapter");
    compiled->adapters[i] = tn_str_slice(list, 0, length);
    list = tn_str_slice(list, length, list.len);
  }
  return reserve_adapters(compiled, count);
}

/* Native code that goes with a decoded file: as many modules as it has, or more, which are adapters. */
static tn_error *load_natives(tn_compiled *compiled, const tn_artifact *artifact, bool is_mapped) {
  tn_artifact natives = *artifact;
  uint32_t adapters = 0;
  if (natives.native_count > (size_t)compiled->module_count + 1) {
    adapters = (uint32_t)(--natives.native_count - compiled->module_count);
    TN_TRY(read_adapters(compiled, tn_artifact_native(artifact, natives.native_count), adapters));
  }
  if (natives.native_count != (size_t)compiled->module_count + adapters) {
    return tn_error_new(TN_ERROR_MALFORMED,
                        "the artifact has native code for %zu modules instead of %u",
                        artifact->native_count, compiled->module_count);
  }
  tn_error *error = tn_artifact_load(compiled->engine, &natives, is_mapped, compiled->modules);
  if (error != NULL) {
    memset(compiled->modules, 0, natives.native_count * sizeof *compiled->modules);
    return error;
  }
  compiled->adapter_count = adapters;
  return index_adapters(compiled);
}

/* What was validated when the artifact was made is not validated again. */
static tn_error *load_artifact(tn_compiled_source *source, tn_compiled *compiled) {
  if ((source->flags & TN_LOAD_ARTIFACT) == 0) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_DENIED, "it is a compiled artifact, which is not accepted here"),
        "it is native code: if you trust it, load it with `TN_LOAD_ARTIFACT`");
  }
  tn_artifact artifact;
  TN_TRY(
      tn_artifact_read(compiled->bytes, tn_core_engine_fingerprint(compiled->engine), &artifact));
  compiled->bytes = artifact.original;
  TN_TRY(decode(compiled));
  return load_natives(compiled, &artifact, compiled->mapping != NULL);
}

/* True when the native code was in the cache. An entry that cannot be used counts as none. */
static bool load_from_cache(tn_compiled *compiled, const char *directory, const tn_cache_key *key) {
  if (!tn_cache_lookup(directory, key, &compiled->cache_entry)) return false;
  tn_artifact artifact;
  tn_error *error = tn_artifact_read(compiled->cache_entry,
                                     tn_core_engine_fingerprint(compiled->engine), &artifact);
  if (error == NULL) error = load_natives(compiled, &artifact, true);
  tn_error_delete(error);
  return error == NULL;
}

/* Whether it works or not makes no difference to the caller. */
static void add_to_cache(const tn_compiled *compiled, const char *directory,
                         const tn_cache_key *key) {
  tn_buffer bytes = {0};
  tn_error *error = write_artifact(compiled, TN_STR(""), &bytes);
  uint64_t limit = tn_core_engine_max_cache_bytes(compiled->engine);
  bool is_small = limit == 0 || bytes.len <= limit;
  if (error == NULL && is_small && tn_cache_store(directory, key, tn_buffer_str(&bytes)) &&
      limit != 0)
    tn_cache_trim(directory, limit, bytes.len);
  tn_error_delete(error);
  tn_buffer_free(&bytes);
}

static tn_error *load_binary(const tn_compiled_source *source, tn_compiled *compiled) {
  const char *cache = (source->flags & TN_LOAD_NO_CACHE) != 0 ? NULL : source->cache_directory;
  TN_TRY(decode(compiled));
  tn_cache_key key;
  if (cache != NULL) {
    tn_cache_key_make(compiled->bytes, tn_core_engine_fingerprint(compiled->engine), &key);
    if (load_from_cache(compiled, cache, &key)) return NULL;
  }
  TN_TRY(validate(compiled));
  TN_TRY(compile(compiled));
  if (cache != NULL) add_to_cache(compiled, cache, &key);
  return NULL;
}

static tn_error *load_adapters(tn_compiled *compiled, const char *cache) {
  tn_cache_key key;
  if (cache != NULL) {
    tn_str list = list_adapters(compiled);
    if (list.data == NULL) return tn_error_no_memory();
    tn_cache_key_make(list, tn_core_engine_fingerprint(compiled->engine), &key);
    tn_free((char *)list.data);
    tn_str *adapters = compiled->adapters;
    if (load_from_cache(compiled, cache, &key)) return NULL;
    compiled->adapters = adapters;
  }
  TN_TRY(reserve_adapters(compiled, compiled->adapter_count));
  TN_TRY(compile_all(compiled));
  if (cache != NULL && compiled->adapter_count > 0) add_to_cache(compiled, cache, &key);
  return NULL;
}

tn_error *tn_compiled_from_adapters(tn_core_engine *engine, tn_str *adapters, uint32_t count,
                                    const char *cache_directory, tn_compiled *out) {
  *out = (tn_compiled){.engine = engine, .adapters = adapters, .adapter_count = count};
  if (count == 0) return NULL;
  tn_error *error = load_adapters(out, cache_directory);
  if (error != NULL) tn_compiled_free(out);
  return error;
}

static tn_error *load(tn_compiled_source *source, tn_compiled *compiled) {
  bool is_artifact = tn_artifact_is(source->bytes);
  if (!is_artifact) TN_TRY(to_binary(source));
  TN_TRY(take_bytes(compiled, source));
  return is_artifact ? load_artifact(source, compiled) : load_binary(source, compiled);
}

tn_error *tn_compiled_load(tn_core_engine *engine, tn_compiled_source *source, tn_compiled *out) {
  *out = (tn_compiled){.engine = engine};
  tn_error *error = load(source, out);
  tn_compiled_source_free(source);
  if (error == NULL) return NULL;
  tn_compiled_free(out);
  return tn_error_wrap(error, "loading %" TN_STR_FORMAT, TN_STR_ARG(source->name));
}

static tn_error *check(tn_core_engine *engine, tn_compiled_source *source, tn_compiled *compiled) {
  TN_TRY(to_binary(source));
  TN_TRY(take_bytes(compiled, source));
  TN_TRY(decode(compiled));
  TN_TRY(validate(compiled));
  for (uint32_t i = 0; i < compiled->module_count; i++) {
    TN_TRY(tn_module_validate(engine, compiled->module_asts[i]->bytes));
  }
  return NULL;
}

tn_error *tn_compiled_check(tn_core_engine *engine, tn_compiled_source *source) {
  tn_compiled compiled = {.engine = engine};
  tn_error *error = check(engine, source, &compiled);
  tn_compiled_source_free(source);
  tn_compiled_free(&compiled);
  return error;
}

void tn_compiled_free(tn_compiled *compiled) {
  for (uint32_t i = 0;
       compiled->modules != NULL && i < compiled->module_count + compiled->adapter_count; i++) {
    if (compiled->modules[i] != NULL) tn_module_delete(compiled->modules[i]);
  }
  tn_free(compiled->owned_bytes);
  if (compiled->mapping != NULL) munmap(compiled->mapping, compiled->mapping_size);
  tn_cache_release(compiled->cache_entry);
  tn_arena_free(&compiled->arena);
  *compiled = (tn_compiled){0};
}

uint32_t tn_compiled_module_index(const tn_compiled *compiled, const tn_core_module *module) {
  uint32_t low = 0;
  uint32_t high = compiled->module_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (compiled->module_asts[middle]->offset < module->offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
