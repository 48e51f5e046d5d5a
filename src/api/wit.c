/* tenon/wit.h. */
#include "tenon/wit.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "wit/package/package.h"
#include "wit/text.h"

/* Invariant: `package` is one of `set`; everything lives in `arena`. */
struct tn_wit {
  tn_arena arena;
  tn_wit_set set;
  tn_wit_package *package;
  const char *id;
};

/* ---- reading ------------------------------------------------------------------------------------------- */

static tn_error *set_features(tn_wit *wit, const tn_wit_options *options) {
  if (options == NULL) return NULL;
  wit->set.all_features = options->all_features;
  for (size_t i = 0; i < options->feature_count; i++) {
    tn_str *slot = TN_VEC_PUSH(&wit->arena, &wit->set.features);
    if (slot == NULL) return tn_error_no_memory();
    *slot = tn_arena_copy(&wit->arena, tn_str_from(options->features[i]));
    if (slot->data == NULL) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *open(tn_wit *wit, const char *path, const tn_wit_options *options) {
  wit->set.arena = &wit->arena;
  TN_TRY(set_features(wit, options));
  TN_TRY(tn_wit_load(&wit->set, path, &wit->package));
  tn_wit_package_name name = wit->package->name;
  wit->id = tn_arena_format(&wit->arena, "%" TN_STR_FORMAT ":%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
                            TN_STR_ARG(name.name_space), TN_STR_ARG(name.name),
                            name.version.data == NULL ? "" : "@", TN_STR_ARG(name.version))
                .data;
  return wit->id == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_wit_open(const char *path, const tn_wit_options *options, tn_wit **out) {
  tn_wit *wit = tn_calloc(1, sizeof *wit);
  if (wit == NULL) return tn_error_no_memory();
  tn_error *error = open(wit, path, options);
  if (error != NULL) {
    tn_wit_delete(wit);
    return error;
  }
  *out = wit;
  return NULL;
}

void tn_wit_delete(tn_wit *wit) {
  if (wit == NULL) return;
  tn_arena_free(&wit->arena);
  tn_free(wit);
}

const char *tn_wit_get_package(const tn_wit *wit) {
  return wit->id;
}

tn_wit_counts tn_wit_count(const tn_wit *wit) {
  return (tn_wit_counts){.interfaces = wit->package->interfaces.len,
                         .worlds = wit->package->worlds.len,
                         .dependencies = wit->set.packages.len - 1};
}

/* ---- printing ------------------------------------------------------------------------------------------ */

/* What is in the buffer, which is freed. */
static tn_error *take(tn_error *error, tn_buffer *buffer, uint8_t **bytes, size_t *size) {
  size_t length = buffer->len;
  char *taken = error == NULL ? tn_buffer_take(buffer) : NULL;
  if (error == NULL && taken == NULL) error = tn_error_no_memory();
  tn_buffer_free(buffer);
  if (error != NULL) return error;
  *bytes = (uint8_t *)taken;
  *size = length;
  return NULL;
}

static tn_error *find_world(const tn_wit *wit, const char *name, const tn_wit_world **out) {
  return tn_wit_find_world_named(&wit->set, wit->package, tn_str_from(name), out);
}

static tn_error *print(tn_buffer *out, const tn_wit *wit, const tn_wit_package *package,
                       tn_wit_format format) {
  if (format == TN_WIT_JSON) return tn_wit_print_package_json(out, &wit->set, package);
  return tn_wit_print_package(out, &wit->set, package, true);
}

/* The package of the world without its other worlds. */
static tn_error *print_world(tn_buffer *out, tn_arena *scratch, const tn_wit *wit, const char *name,
                             tn_wit_format format) {
  const tn_wit_world *world;
  TN_TRY(find_world(wit, name, &world));
  tn_wit_world *only[] = {(tn_wit_world *)world};
  tn_wit_package alone = *world->package;
  alone.worlds.items = only;
  alone.worlds.len = 1;
  tn_wit shown = {.set = wit->set};
  shown.set.packages.items = TN_ARENA_ARRAY(scratch, tn_wit_package *, wit->set.packages.len);
  if (shown.set.packages.items == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < wit->set.packages.len; i++) {
    tn_wit_package *package = wit->set.packages.items[i];
    shown.set.packages.items[i] = package == world->package ? &alone : package;
  }
  return print(out, &shown, &alone, format);
}

tn_error *tn_wit_print(const tn_wit *wit, const char *world, tn_wit_format format, char **text) {
  tn_buffer out = {0};
  tn_arena scratch = {0};
  size_t size;
  tn_error *error = world != NULL ? print_world(&out, &scratch, wit, world, format)
                                  : print(&out, wit, wit->package, format);
  tn_arena_free(&scratch);
  return take(error, &out, (uint8_t **)text, &size);
}

static tn_error *encode_world(tn_buffer *out, const tn_wit *wit, const char *name) {
  const tn_wit_world *world;
  TN_TRY(find_world(wit, name, &world));
  return tn_wit_encode_world(out, world, TN_ENCODING_UTF8);
}

tn_error *tn_wit_binary(const tn_wit *wit, const char *world, uint8_t **bytes, size_t *size) {
  tn_buffer out = {0};
  tn_error *error =
      world != NULL ? encode_world(&out, wit, world) : tn_wit_encode_package(&out, wit->package);
  return take(error, &out, bytes, size);
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

/* Invariant: the texts of the changes end in NUL, in `arena`. */
struct tn_wit_comparison {
  tn_arena arena;
  tn_wit_changes changes;
};

/* A copy of a text that may point into one of the packages. */
static tn_error *keep(tn_arena *arena, tn_str *text) {
  if (text->data == NULL) return NULL;
  *text = tn_arena_copy(arena, *text);
  return text->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *keep_texts(tn_wit_comparison *comparison) {
  for (uint32_t i = 0; i < comparison->changes.len; i++) {
    tn_wit_change *change = &comparison->changes.items[i];
    TN_TRY(keep(&comparison->arena, &change->where));
    TN_TRY(keep(&comparison->arena, &change->before));
    TN_TRY(keep(&comparison->arena, &change->after));
  }
  return NULL;
}

static tn_error *compare(tn_wit_comparison *comparison, const tn_wit *before, const tn_wit *after) {
  return tn_wit_compare(&comparison->arena, before->package, after->package, &comparison->changes);
}

static tn_error *check_target(tn_wit_comparison *comparison, const tn_wit *component,
                              const tn_wit *wit, const char *name) {
  const tn_wit_world *have;
  const tn_wit_world *want;
  TN_TRY(tn_error_wrap(find_world(component, NULL, &have), "the component"));
  TN_TRY(find_world(wit, name, &want));
  return tn_wit_fits(&comparison->arena, have, want, &comparison->changes);
}

static tn_error *finish_comparison(tn_error *error, tn_wit_comparison *comparison,
                                   tn_wit_comparison **out) {
  if (error == NULL) error = keep_texts(comparison);
  if (error != NULL) {
    tn_wit_comparison_delete(comparison);
    return error;
  }
  *out = comparison;
  return NULL;
}

tn_error *tn_wit_compare_packages(const tn_wit *before, const tn_wit *after,
                                  tn_wit_comparison **out) {
  tn_wit_comparison *comparison = tn_calloc(1, sizeof *comparison);
  if (comparison == NULL) return tn_error_no_memory();
  return finish_comparison(compare(comparison, before, after), comparison, out);
}

tn_error *tn_wit_check_target(const tn_wit *component, const tn_wit *wit, const char *world,
                              tn_wit_comparison **out) {
  tn_wit_comparison *comparison = tn_calloc(1, sizeof *comparison);
  if (comparison == NULL) return tn_error_no_memory();
  return finish_comparison(check_target(comparison, component, wit, world), comparison, out);
}

size_t tn_wit_comparison_count(const tn_wit_comparison *comparison) {
  return comparison->changes.len;
}

tn_wit_difference tn_wit_comparison_at(const tn_wit_comparison *comparison, size_t index) {
  static const tn_wit_difference_kind kinds[] = {[TN_WIT_ADDED] = TN_WIT_DIFFERENCE_ADDED,
                                                 [TN_WIT_REMOVED] = TN_WIT_DIFFERENCE_REMOVED,
                                                 [TN_WIT_CHANGED] = TN_WIT_DIFFERENCE_CHANGED};
  const tn_wit_change *change = &comparison->changes.items[index];
  return (tn_wit_difference){.kind = kinds[change->kind],
                             .where = change->where.data,
                             .before = change->before.data,
                             .after = change->after.data,
                             .breaks_importers = change->breaks_importers,
                             .breaks_exporters = change->breaks_exporters};
}

static void print_member(tn_buffer *out, const char *key, tn_str value) {
  if (value.data == NULL) return;
  tn_buffer_format(out, ",\"%s\":", key);
  tn_text_print_json(out, value);
}

static void print_change(tn_buffer *out, const tn_wit_change *change) {
  static const char *const kinds[] = {
      [TN_WIT_ADDED] = "added", [TN_WIT_REMOVED] = "removed", [TN_WIT_CHANGED] = "changed"};
  tn_buffer_format(out, "{\"kind\":\"%s\"", kinds[change->kind]);
  print_member(out, "where", change->where);
  print_member(out, "before", change->before);
  print_member(out, "after", change->after);
  tn_buffer_format(out, ",\"breaks\":[%s%s%s]}", change->breaks_importers ? "\"importers\"" : "",
                   change->breaks_importers && change->breaks_exporters ? "," : "",
                   change->breaks_exporters ? "\"exporters\"" : "");
}

tn_error *tn_wit_comparison_json(const tn_wit_comparison *comparison, char **text) {
  tn_buffer out = {0};
  bool broken[2] = {false, false};
  size_t size;
  for (uint32_t i = 0; i < comparison->changes.len; i++) {
    broken[0] |= comparison->changes.items[i].breaks_importers;
    broken[1] |= comparison->changes.items[i].breaks_exporters;
  }
  tn_buffer_format(&out, "{\"importers\":%s,\"exporters\":%s,\"differences\":[",
                   broken[0] ? "false" : "true", broken[1] ? "false" : "true");
  for (uint32_t i = 0; i < comparison->changes.len; i++) {
    if (i > 0) tn_buffer_append_byte(&out, ',');
    print_change(&out, &comparison->changes.items[i]);
  }
  tn_buffer_append_text(&out, "]}\n");
  return take(NULL, &out, (uint8_t **)text, &size);
}

void tn_wit_comparison_delete(tn_wit_comparison *comparison) {
  if (comparison == NULL) return;
  tn_arena_free(&comparison->arena);
  tn_free(comparison);
}
