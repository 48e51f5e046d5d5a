#include "compose/componentize/embed.h"

#include "component/component.h"
#include "compose/componentize/core_write.h"
#include "wit/package/package.h"

const char *tn_embed_module_name(const tn_embed_options *options) {
  return options->module_name != NULL ? options->module_name : "the module";
}

static tn_error *check_module(tn_arena *arena, tn_str module) {
  const tn_core_module *ignored;
  if (tn_file_kind_of(module) == TN_FILE_COMPONENT) {
    tn_error *error = tn_error_new(TN_ERROR_ARGUMENT, "this is a component, not a core module");
    return tn_error_set_hint(error, "worlds are embedded in core modules, for `tn_componentize`");
  }
  return tn_core_module_read(arena, module, 0, &ignored);
}

static tn_error *add_features(tn_wit_set *set, const tn_embed_options *options) {
  set->all_features = options->all_features;
  for (size_t i = 0; i < options->feature_count; i++) {
    tn_str list = tn_str_from(options->features[i]);
    for (size_t at = 0; at < list.len;) {
      size_t comma = tn_str_find(list, ',', at);
      tn_str *feature = TN_VEC_PUSH(set->arena, &set->features);
      if (feature == NULL) return tn_error_no_memory();
      *feature = tn_str_slice(list, at, comma);
      at = comma + 1;
    }
  }
  return NULL;
}

/* The section, or what is in it. */
static tn_error *add_section(tn_buffer *out, const tn_wit_world *world,
                             const tn_embed_options *options) {
  static const tn_string_encoding encodings[] = {[TN_EMBED_UTF8] = TN_ENCODING_UTF8,
                                                 [TN_EMBED_UTF16] = TN_ENCODING_UTF16,
                                                 [TN_EMBED_COMPACT_UTF16] =
                                                     TN_ENCODING_LATIN1_UTF16};
  tn_buffer payload = {0};
  tn_error *error = tn_wit_encode_world(&payload, world, encodings[options->encoding]);
  if (error == NULL && options->only_custom) {
    tn_buffer_append_str(out, tn_buffer_str(&payload));
  } else if (error == NULL) {
    tn_core_write_custom(out, TN_STR("component-type"), tn_buffer_str(&payload));
  }
  if (error == NULL && (payload.failed || out->failed)) error = tn_error_no_memory();
  tn_buffer_free(&payload);
  return error;
}

static tn_error *embed(tn_arena *arena, tn_buffer *out, const char *wit, tn_str module,
                       const tn_embed_options *options) {
  tn_wit_set set = {.arena = arena};
  tn_wit_package *package;
  const tn_wit_world *world;
  TN_TRY(add_features(&set, options));
  TN_TRY(tn_wit_load(&set, wit, &package));
  TN_TRY(tn_wit_find_world_named(&set, package, tn_str_from(options->world), &world));
  if (!options->only_custom) {
    if (module.data == NULL) {
      TN_TRY(tn_dummy_module(out, arena, world, options->names, options->abi));
    } else {
      TN_TRY(tn_error_wrap(check_module(arena, module), "%s", tn_embed_module_name(options)));
      tn_buffer_append_str(out, module);
    }
  }
  return add_section(out, world, options);
}

tn_error *tn_embed_world(tn_buffer *out, const char *wit, tn_str module,
                         const tn_embed_options *options) {
  tn_arena arena = {0};
  tn_error *error = embed(&arena, out, wit, module, options);
  tn_arena_free(&arena);
  return error;
}
