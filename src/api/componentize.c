#include "tenon/componentize.h"

#include <regex.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "component/component.h"
#include "component/write/write.h"
#include "compose/componentize/componentize.h"
#include "compose/componentize/embed.h"
#include "compose/print/component.h"
#include "compose/strip.h"
#include "compose/unbundle.h"
#include "engine/engine.h"

/* Hands the contents of a buffer out, or frees them when there is an error. */
static tn_error *hand_out(tn_error *error, tn_buffer *out, uint8_t **bytes, size_t *size) {
  size_t length = out->len;
  uint8_t *taken = error == NULL ? (uint8_t *)tn_buffer_take(out) : NULL;
  if (error == NULL && taken == NULL) error = tn_error_no_memory();
  tn_buffer_free(out);
  if (error != NULL) return error;
  *bytes = taken;
  *size = length;
  return NULL;
}

static tn_str bytes_of(const void *bytes, size_t size) {
  return (tn_str){bytes, size};
}

/* The binary form of a file that may be text. */
static tn_error *to_binary(tn_arena *arena, const void *bytes, size_t size, tn_str *out) {
  uint8_t *binary;
  size_t length;
  *out = bytes_of(bytes, size);
  if (size == 0) return tn_error_new(TN_ERROR_MALFORMED, "the file is empty");
  bool is_text = tn_file_kind_of(*out) == TN_FILE_UNKNOWN && *(const char *)bytes != '\0';
  if (!is_text) return NULL;
  TN_TRY(tn_core_text_to_binary(*out, &binary, &length));
  *out = tn_arena_copy(arena, bytes_of(binary, length));
  tn_free(binary);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- making components ---------------------------------------------------------------------------------- */

tn_error *tn_embed(const char *wit, const void *module, size_t module_size,
                   const tn_embed_options *options, uint8_t **bytes, size_t *size) {
  static const tn_embed_options no_options;
  tn_buffer out = {0};
  tn_arena arena = {0};
  tn_str binary = {NULL, 0};
  if (options == NULL) options = &no_options;
  tn_error *error = module == NULL ? NULL : to_binary(&arena, module, module_size, &binary);
  if (error != NULL) error = tn_error_wrap(error, "%s", tn_embed_module_name(options));
  if (error == NULL) error = tn_embed_world(&out, wit, binary, options);
  tn_arena_free(&arena);
  return tn_error_wrap(hand_out(error, &out, bytes, size), "while embedding a world");
}

static tn_error *componentize(tn_arena *arena, tn_buffer *out, const void *module,
                              size_t module_size, tn_componentize_options options) {
  tn_adapter *adapters = TN_ARENA_ARRAY(arena, tn_adapter, options.adapter_count);
  tn_str binary;
  if (adapters == NULL) return tn_error_no_memory();
  for (size_t i = 0; i < options.adapter_count; i++) {
    const tn_adapter *adapter = &options.adapters[i];
    adapters[i] = *adapter;
    TN_TRY(tn_error_wrap(to_binary(arena, adapter->bytes, adapter->size, &binary), "%s",
                         tn_make_adapter_name(arena, tn_str_from(adapter->name), adapter->file)));
    adapters[i].bytes = binary.data;
    adapters[i].size = binary.len;
  }
  options.adapters = adapters;
  TN_TRY(to_binary(arena, module, module_size, &binary));
  return tn_make_component(out, binary, &options);
}

tn_error *tn_componentize(const void *module, size_t module_size,
                          const tn_componentize_options *options, uint8_t **bytes, size_t *size) {
  tn_componentize_options no_options = {0};
  tn_arena arena = {0};
  tn_buffer out = {0};
  tn_error *error =
      componentize(&arena, &out, module, module_size, options != NULL ? *options : no_options);
  tn_arena_free(&arena);
  return tn_error_wrap(hand_out(error, &out, bytes, size), "while making a component");
}

/* ---- leaving sections out ------------------------------------------------------------------------------- */

typedef struct strip_rule {
  bool has_pattern;
  regex_t pattern;
  bool all;
} strip_rule;

static bool matches(const strip_rule *rule, tn_str name) {
  regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)name.len};
  return regexec(&rule->pattern, name.data, 1, &range, REG_STARTEND) == 0;
}

static bool stays(void *data, tn_str name) {
  const strip_rule *rule = data;
  if (rule->has_pattern) return !matches(rule, name);
  if (rule->all) return false;
  return tn_str_equal(name, TN_STR("name")) || tn_str_equal(name, TN_STR("dylink.0")) ||
         tn_str_starts_with(name, TN_STR("component-type"));
}

static tn_error *strip(tn_arena *arena, tn_buffer *out, const void *file, size_t size,
                       strip_rule *rule) {
  const tn_component_ast *component, *stripped;
  tn_str binary;
  TN_TRY(to_binary(arena, file, size, &binary));
  if (tn_file_kind_of(binary) != TN_FILE_COMPONENT)
    return tn_strip_module(out, binary, stays, rule);
  TN_TRY(tn_component_decode(arena, binary, &component));
  TN_TRY(tn_strip_component(arena, component, stays, rule, &stripped));
  return tn_component_write(out, stripped);
}

static tn_error *compile_pattern(const char *pattern, strip_rule *rule) {
  char reason[128];
  int code = regcomp(&rule->pattern, pattern, REG_EXTENDED | REG_NOSUB);
  if (code == 0) return NULL;
  regerror(code, &rule->pattern, reason, sizeof reason);
  return tn_error_new(TN_ERROR_ARGUMENT, "'%s' is no regular expression: %s", pattern, reason);
}

tn_error *tn_strip(const void *file, size_t file_size, const char *pattern, bool all,
                   uint8_t **bytes, size_t *size) {
  tn_buffer out = {0};
  tn_arena arena = {0};
  strip_rule rule = {.has_pattern = pattern != NULL, .all = all};
  if (pattern != NULL) TN_TRY(compile_pattern(pattern, &rule));
  tn_error *error = strip(&arena, &out, file, file_size, &rule);
  if (pattern != NULL) regfree(&rule.pattern);
  tn_arena_free(&arena);
  return hand_out(error, &out, bytes, size);
}

/* ---- taking apart and printing -------------------------------------------------------------------------- */

static tn_error *decode(tn_arena *arena, const void *bytes, size_t size,
                        const tn_component_ast **out) {
  tn_str file;
  TN_TRY(to_binary(arena, bytes, size, &file));
  if (tn_file_kind_of(file) == TN_FILE_CORE_MODULE)
    return tn_error_new(TN_ERROR_UNSUPPORTED, "this is a core module, not a component");
  return tn_component_decode(arena, file, out);
}

tn_error *tn_unbundle(const void *component, size_t component_size, size_t threshold,
                      tn_unbundle_func take, void *data, uint8_t **bytes, size_t *size) {
  tn_arena arena = {0};
  tn_buffer out = {0};
  const tn_component_ast *tree, *rest;
  tn_error *error = decode(&arena, component, component_size, &tree);
  if (error == NULL) error = tn_unbundle_component(&arena, tree, threshold, take, data, &rest);
  if (error == NULL) error = tn_component_write(&out, rest);
  tn_arena_free(&arena);
  return hand_out(error, &out, bytes, size);
}

tn_error *tn_print(const void *file, size_t file_size, const tn_print_options *options,
                   tn_print_func take, void *data) {
  tn_arena arena = {0};
  tn_str binary;
  tn_printer printer = {.take = take, .data = data};
  if (options != NULL) {
    printer.is_skeleton = options->skeleton;
    printer.has_offsets = options->offsets;
  }
  tn_error *error = to_binary(&arena, file, file_size, &binary);
  if (error == NULL) error = tn_print_file(&printer, binary);
  tn_buffer_free(&printer.out);
  tn_arena_free(&arena);
  return error;
}
