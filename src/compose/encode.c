/* From a graph to a component. */
#include "component/binary/producers.h"
#include "component/component.h"
#include "component/write/write.h"
#include "compose/encode.h"
#include "compose/graph.h"

/* Where definitions from `first` on, up to those of the next cause, come from. */
typedef struct cause {
  uint32_t first;
  uint32_t place; /* as in tn_compose_graph */
  const char *what;
  tn_str name;
} cause;

/* Invariant: `nodes` leads from the nodes that were written to their index + 1. */
typedef struct encoder {
  tn_compose_graph *graph;
  tn_compose_encoding encoding;
  tn_component_builder builder;
  tn_compose_scope scope;
  tn_pointer_map nodes;
  tn_pointer_map packages; /* to the index + 1 of the component */
  TN_VEC(cause) causes;
} encoder;

/* The definitions that are added from now on are there because of this. */
static tn_error *begin(encoder *e, uint32_t place, const char *what, tn_str name) {
  cause *slot = TN_VEC_PUSH(e->graph->arena, &e->causes);
  if (slot == NULL) return tn_error_no_memory();
  *slot = (cause){e->builder.definitions.len, place, what, name};
  return NULL;
}

static bool put_index(encoder *e, tn_pointer_map *map, const void *key, uint32_t index) {
  return tn_pointer_map_put(e->graph->arena, map, key, (void *)(uintptr_t)(index + 1));
}

static uint32_t node_index(const encoder *e, const tn_compose_node *node) {
  return (uint32_t)(uintptr_t)tn_pointer_map_get(&e->nodes, node) - 1;
}

/* ---- components ---------------------------------------------------------------------------------------- */

static tn_error *import_component(encoder *e, const tn_compose_package *package, uint32_t *index) {
  const tn_ast_type *type;
  tn_ast_extern_type extern_type = {.sort = TN_SORT_COMPONENT};
  bool has_version = package->version.data != NULL;
  tn_str name = has_version
                    ? tn_arena_format(e->graph->arena,
                                      "unlocked-dep=<%" TN_STR_FORMAT "@{>=%" TN_STR_FORMAT "}>",
                                      TN_STR_ARG(package->name), TN_STR_ARG(package->version))
                    : tn_arena_format(e->graph->arena, "unlocked-dep=<%" TN_STR_FORMAT ">",
                                      TN_STR_ARG(package->name));
  if (name.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_compose_encode_world(&e->graph->types, package->world, &type));
  TN_TRY(tn_builder_add_type(&e->builder, type, &extern_type.index));
  return tn_builder_add_import(&e->builder, name, extern_type, index);
}

static tn_error *component_index(encoder *e, const tn_compose_package *package, uint32_t *index) {
  uintptr_t known = (uintptr_t)tn_pointer_map_get(&e->packages, package);
  *index = (uint32_t)known - 1;
  if (known != 0) return NULL;
  if (e->encoding.import_components) {
    TN_TRY(import_component(e, package, index));
  } else {
    TN_TRY(tn_builder_add_component(&e->builder, package->component, index));
  }
  return put_index(e, &e->packages, package, *index) ? NULL : tn_error_no_memory();
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static tn_error *encode_argument(encoder *e, const tn_compose_argument *argument,
                                 tn_ast_argument *out) {
  out->name.name = argument->name;
  if (argument->node != NULL) {
    out->item = (tn_sort_index){argument->node->item.sort, node_index(e, argument->node)};
    return NULL;
  }
  out->item.sort = e->graph->imports.list.items[argument->import].sort;
  return tn_compose_encode_import(&e->scope, argument->import, &out->item.index);
}

static tn_error *encode_instance(encoder *e, const tn_compose_node *node, uint32_t *index) {
  tn_definition definition = {.kind = TN_DEFINITION_INSTANCE, .instance = {.is_instantiate = true}};
  tn_ast_argument *arguments =
      TN_ARENA_ARRAY(e->graph->arena, tn_ast_argument, node->argument_count);
  if (arguments == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < node->argument_count; i++)
    TN_TRY(encode_argument(e, &node->arguments[i], &arguments[i]));
  TN_TRY(component_index(e, node->package, &definition.instance.component));
  definition.instance.argument_count = node->argument_count;
  definition.instance.arguments = arguments;
  return tn_builder_add(&e->builder, &definition, index);
}

static tn_error *encode_definition(encoder *e, const tn_compose_node *node, uint32_t *index) {
  const tn_compose_type *root = tn_compose_root(node->item.type);
  tn_sort_index item = {.sort = TN_SORT_TYPE};
  if (root->kind == TN_AST_INSTANCE || root->kind == TN_AST_COMPONENT) {
    const tn_ast_type *type;
    TN_TRY(tn_compose_encode_definition(&e->graph->types, root, &type));
    TN_TRY(tn_builder_add_type(&e->builder, type, &item.index));
    return tn_builder_add_export(&e->builder, node->item.name, item, index);
  }
  TN_TRY(tn_compose_encode_type(&e->scope, root, &item.index));
  TN_TRY(tn_builder_add_export(&e->builder, node->item.name, item, index));
  return tn_compose_scope_name_type(&e->scope, root, *index);
}

static tn_error *begin_node(encoder *e, const tn_compose_node *node) {
  static const char *const words[] = {[TN_COMPOSE_IMPORT] = "import",
                                      [TN_COMPOSE_INSTANCE] = "an instance of",
                                      [TN_COMPOSE_ALIAS] = "export",
                                      [TN_COMPOSE_DEFINITION] = "type"};
  bool is_instance = node->kind == TN_COMPOSE_INSTANCE;
  return begin(e, node->place, words[node->kind],
               is_instance ? node->package->name : node->item.name);
}

static tn_error *encode_node(encoder *e, const tn_compose_node *node) {
  uint32_t index = 0;
  TN_TRY(begin_node(e, node));
  switch (node->kind) {
  case TN_COMPOSE_IMPORT:
    TN_TRY(tn_compose_encode_import(&e->scope, node->import, &index));
    break;
  case TN_COMPOSE_INSTANCE:
    TN_TRY(encode_instance(e, node, &index));
    break;
  case TN_COMPOSE_ALIAS:
    TN_TRY(tn_builder_add_alias(&e->builder, node_index(e, node->source), node->item.name,
                                node->item.sort, &index));
    break;
  case TN_COMPOSE_DEFINITION:
    TN_TRY(encode_definition(e, node, &index));
    break;
  }
  return put_index(e, &e->nodes, node, index) ? NULL : tn_error_no_memory();
}

static tn_error *encode_exports(encoder *e) {
  for (uint32_t i = 0; i < e->graph->exports.len; i++) {
    const tn_compose_export *export = &e->graph->exports.items[i];
    if (export->node->kind == TN_COMPOSE_DEFINITION) continue; /* exported where it is defined */
    tn_sort_index item = {export->node->item.sort, node_index(e, export->node)};
    TN_TRY(begin(e, export->place, "export", export->name));
    TN_TRY(tn_builder_add_export(&e->builder, export->name, item, NULL));
  }
  return NULL;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static tn_error *add_producers(encoder *e) {
  tn_str section;
  TN_TRY(tn_producers_own(e->graph->arena, &section));
  return tn_builder_add_custom(&e->builder, TN_STR("producers"), section);
}

static tn_error *encode(encoder *e, tn_buffer *out) {
  const tn_component_ast *component;
  uint32_t index;
  TN_TRY(tn_compose_scope_open(&e->scope, &e->graph->types, &e->builder, &e->graph->imports));
  for (uint32_t i = 0; i < e->graph->imports.list.len; i++) {
    TN_TRY(begin(e, e->graph->import_details.items[i].place, "import",
                 e->graph->imports.list.items[i].name));
    TN_TRY(tn_compose_encode_import(&e->scope, i, &index));
  }
  for (uint32_t i = 0; i < e->graph->nodes.len; i++)
    TN_TRY(encode_node(e, e->graph->nodes.items[i]));
  TN_TRY(encode_exports(e));
  TN_TRY(add_producers(e));
  TN_TRY(tn_builder_finish(&e->builder, &component));
  return tn_component_write(out, component);
}

/* What the definition at this offset of the written component is there for; NULL: unknown. The decoder reads the
 * definitions that the builder was given, in their order. */
static const cause *find_cause(const encoder *e, const tn_component_ast *written, uint32_t offset) {
  const cause *found = NULL;
  uint32_t definition = 0;
  while (definition + 1 < written->definition_count &&
         written->definitions[definition + 1].offset <= offset)
    definition++;
  for (uint32_t i = 0; i < e->causes.len && e->causes.items[i].first <= definition; i++)
    found = &e->causes.items[i];
  return found;
}

static tn_error *validate_written(encoder *e, tn_arena *scratch, tn_str bytes) {
  const tn_component_ast *component;
  uint32_t offset;
  TN_TRY(tn_component_decode(scratch, bytes, &component));
  tn_error *error = tn_component_validate_at(scratch, component, &offset);
  if (error == NULL) return NULL;
  const cause *found = find_cause(e, component, offset);
  e->graph->place = found == NULL ? 0 : found->place;
  return found == NULL ? error
                       : tn_error_wrap(error, "%s `%" TN_STR_FORMAT "`", found->what,
                                       TN_STR_ARG(found->name));
}

/* What was written is read again, so that nothing wrong leaves the house. */
static tn_error *validate(encoder *e, tn_str bytes) {
  tn_arena scratch = {0};
  tn_error *error = validate_written(e, &scratch, bytes);
  tn_arena_free(&scratch);
  return tn_error_wrap(error, "what was composed is not a valid component");
}

tn_error *tn_compose_encode(tn_compose_graph *graph, tn_compose_encoding encoding, tn_buffer *out) {
  encoder e = {.graph = graph, .encoding = encoding, .builder = {.arena = graph->arena}};
  size_t start = out->len;
  graph->place = 0;
  tn_error *error = encode(&e, out);
  if (error != NULL && e.causes.len > 0) graph->place = e.causes.items[e.causes.len - 1].place;
  if (error != NULL) return error;
  if (out->failed) return tn_error_no_memory();
  return encoding.no_validation ? NULL
                                : validate(&e, tn_str_slice(tn_buffer_str(out), start, out->len));
}
