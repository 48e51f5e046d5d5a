#include "tenon/compose.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "compose/files.h"
#include "compose/graph.h"
#include "compose/plug.h"
#include "compose/wac/wac.h"

static const tn_compose_options no_options;

static tn_error *encode(tn_compose_graph *graph, const tn_compose_options *options, uint8_t **bytes,
                        size_t *size) {
  tn_buffer out = {0};
  tn_compose_encoding encoding = {.import_components = options->import_dependencies,
                                  .no_validation = options->no_validation};
  tn_error *error = tn_compose_encode(graph, encoding, &out);
  size_t length = out.len;
  uint8_t *taken = error == NULL ? (uint8_t *)tn_buffer_take(&out) : NULL;
  if (error == NULL && taken == NULL) error = tn_error_no_memory();
  tn_buffer_free(&out);
  if (error != NULL) return error;
  *bytes = taken;
  *size = length;
  return NULL;
}

/* ---- WAC ----------------------------------------------------------------------------------------------- */

/* Where the text's packages come from. */
typedef struct package_source {
  tn_arena *arena;
  const tn_compose_options *options;
} package_source;

static tn_error *load_package(void *data, tn_str name, tn_str version, tn_wac_loaded *out) {
  package_source *source = data;
  TN_TRY(tn_compose_find_package(source->arena, source->options, name, version, &out->path,
                                 &out->version));
  return tn_compose_read_package(source->arena, out->path, &out->bytes);
}

static tn_error *compose_text(tn_arena *arena, tn_str text, const char *name,
                              const tn_compose_options *options, uint8_t **bytes, size_t *size) {
  tn_compose_graph graph;
  tn_wit_source file = {.path = tn_str_from(name), .text = text};
  package_source source = {.arena = arena, .options = options != NULL ? options : &no_options};
  tn_compose_graph_init(&graph, arena);
  TN_TRY(tn_wac_evaluate(&graph, &file, load_package, &source));
  tn_error *error = encode(&graph, source.options, bytes, size);
  return graph.place != 0 ? tn_wac_error_at_place(&file, graph.place, error)
                          : tn_error_wrap(error, "while composing %s", name);
}

tn_error *tn_compose_text(tn_str text, const char *name, const tn_compose_options *options,
                          uint8_t **bytes, size_t *size) {
  tn_arena arena = {0};
  tn_error *error = compose_text(&arena, text, name, options, bytes, size);
  tn_arena_free(&arena);
  return error;
}

tn_error *tn_compose(const char *path, const tn_compose_options *options, uint8_t **bytes,
                     size_t *size) {
  tn_arena arena = {0};
  tn_str text;
  tn_error *error = tn_compose_read_file(&arena, path, &text);
  if (error == NULL) error = compose_text(&arena, text, path, options, bytes, size);
  tn_arena_free(&arena);
  return error;
}

/* ---- plugs --------------------------------------------------------------------------------------------- */

static tn_error *read_component(tn_compose_graph *graph, const char *path,
                                const tn_compose_package **out) {
  tn_str bytes;
  tn_compose_package *package;
  TN_TRY(tn_compose_read_package(graph->arena, path, &bytes));
  tn_str name = tn_arena_copy(graph->arena, tn_str_from(path));
  if (name.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_error_wrap(tn_compose_package_new(graph, name, (tn_str){NULL, 0}, bytes, &package),
                       "%s", path));
  *out = package;
  return NULL;
}

static tn_error *plug(tn_arena *arena, const char *socket, const char *const *plugs,
                      size_t plug_count, const tn_compose_options *options, uint8_t **bytes,
                      size_t *size) {
  tn_compose_graph graph;
  const tn_compose_package *target;
  tn_compose_graph_init(&graph, arena);
  const tn_compose_package **packages =
      TN_ARENA_ARRAY(arena, const tn_compose_package *, plug_count);
  bool *is_used = TN_ARENA_ARRAY(arena, bool, plug_count);
  if (packages == NULL || is_used == NULL) return tn_error_no_memory();
  TN_TRY(read_component(&graph, socket, &target));
  for (size_t i = 0; i < plug_count; i++)
    TN_TRY(read_component(&graph, plugs[i], &packages[i]));
  TN_TRY(tn_compose_plug_into(&graph, target, packages, (uint32_t)plug_count, is_used));
  if (options == NULL) options = &no_options;
  for (size_t i = 0; i < plug_count && options->on_unused_plug != NULL; i++) {
    if (!is_used[i]) options->on_unused_plug(options->data, plugs[i]);
  }
  return encode(&graph, options, bytes, size);
}

tn_error *tn_compose_plug(const char *socket, const char *const *plugs, size_t plug_count,
                          const tn_compose_options *options, uint8_t **bytes, size_t *size) {
  tn_arena arena = {0};
  tn_error *error = plug(&arena, socket, plugs, plug_count, options, bytes, size);
  tn_arena_free(&arena);
  return tn_error_wrap(error, "while composing %s", socket);
}
