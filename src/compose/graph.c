#include "compose/graph.h"

#include "component/component.h"
#include "component/extern_name.h"

void tn_compose_graph_init(tn_compose_graph *graph, tn_arena *arena) {
  *graph = (tn_compose_graph){.arena = arena};
  tn_compose_types_init(&graph->types, arena);
}

tn_error *tn_compose_package_new(tn_compose_graph *graph, tn_str name, tn_str version, tn_str bytes,
                                 tn_compose_package **out) {
  tn_arena scratch = {0};
  tn_compose_world *world;
  tn_compose_package *package = TN_ARENA_NEW(graph->arena, tn_compose_package);
  if (package == NULL) return tn_error_no_memory();
  package->name = name;
  package->version = version;
  if (tn_file_kind_of(bytes) != TN_FILE_COMPONENT) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_INVALID, tn_file_kind_of(bytes) == TN_FILE_CORE_MODULE
                                           ? "a core module is not a component"
                                           : "not a WebAssembly component"),
        "`tn_componentize` makes a component of a core module");
  }
  TN_TRY(tn_component_decode(graph->arena, bytes, &package->component));
  tn_error *error = tn_component_validate(&scratch, package->component);
  tn_arena_free(&scratch);
  TN_TRY(error);
  TN_TRY(tn_compose_read_world(&graph->types, package->component, &world));
  package->world = world;
  *out = package;
  return NULL;
}

static tn_error *new_node(tn_compose_graph *graph, tn_compose_node_kind kind,
                          tn_compose_node **out) {
  tn_compose_node **slot = TN_VEC_PUSH(graph->arena, &graph->nodes);
  tn_compose_node *node = TN_ARENA_NEW(graph->arena, tn_compose_node);
  if (slot == NULL || node == NULL) return tn_error_no_memory();
  node->kind = kind;
  node->place = graph->place;
  *slot = *out = node;
  return NULL;
}

tn_str tn_compose_node_name(const tn_compose_node *node) {
  bool has_name = node->kind == TN_COMPOSE_IMPORT || node->kind == TN_COMPOSE_ALIAS;
  return has_name ? node->item.name : (tn_str){NULL, 0};
}

/* ---- imports ------------------------------------------------------------------------------------------- */

static tn_error *check_name(tn_str name, const char *what, tn_name_kind last) {
  tn_name parsed = {0};
  tn_error *error = tn_name_parse(name, &parsed);
  if (error == NULL && parsed.kind > last)
    error = tn_error_new(TN_ERROR_INVALID,
                         "names of dependencies, URLs and hashes are for imports only");
  return tn_error_wrap(error, "`%" TN_STR_FORMAT "` is not a name for an %s", TN_STR_ARG(name),
                       what);
}

/* A compatible version is there: one import is to be both. */
static tn_error *merge_import(tn_compose_graph *graph, tn_compose_item *there,
                              const tn_compose_item *item) {
  tn_str name = there->name;
  bool are_interfaces = there->sort == TN_SORT_INSTANCE && item->sort == TN_SORT_INSTANCE;
  tn_error *error = are_interfaces
                        ? tn_compose_merge(&graph->types, there->interface, item->interface)
                        : tn_compose_check(&graph->types, there, item);
  if (error != NULL)
    return tn_error_set_hint(
        tn_error_wrap(error,
                      "import `%" TN_STR_FORMAT "` is wanted in two forms that do not fit together",
                      TN_STR_ARG(name)),
        "what is imported is shared: one of the two has to be given `%" TN_STR_FORMAT
        "` from within",
        TN_STR_ARG(name));
  if (!tn_compose_is_newer(item->name, name)) return NULL;
  if (there->sort == TN_SORT_INSTANCE) there->interface->id = item->name;
  return tn_compose_items_rename(&graph->types, &graph->imports, there, item->name);
}

/* Whether the resources of an import may still be bound to others. */
static void set_open(const tn_compose_item *item, bool is_open) {
  if (item->sort == TN_SORT_TYPE) {
    tn_compose_type *root = tn_compose_root(item->type);
    if (root->kind == TN_AST_RESOURCE) {
      root->is_open = is_open;
      root->is_imported = true;
    }
  }
  if (item->sort != TN_SORT_INSTANCE) return;
  for (uint32_t i = 0; i < item->interface->items.list.len; i++)
    set_open(&item->interface->items.list.items[i], is_open);
}

void tn_compose_open_imports(tn_compose_graph *graph, bool are_open) {
  for (uint32_t i = 0; i < graph->imports.list.len; i++)
    set_open(&graph->imports.list.items[i], are_open);
}

static tn_str without_version(tn_str name) {
  return tn_str_slice(name, 0, tn_str_find(name, '@', 0));
}

/* Whether the import is called as its interface is, but for the version: `import i: a:b/c;` says none, and is
 * of "a:b/c@1.2.0" nevertheless if that is what the package has. */
static bool is_called_like_interface(const tn_compose_item *item) {
  return item->sort == TN_SORT_INSTANCE && item->interface->id.data != NULL &&
         tn_str_equal(without_version(item->name), without_version(item->interface->id));
}

/* The import that has the name, or is of that very interface under its name without the version. */
static tn_compose_item *find_import(const tn_compose_graph *graph, const tn_compose_item *item) {
  tn_compose_item *there = tn_compose_items_find(&graph->imports, item->name);
  if (there != NULL || !is_called_like_interface(item)) return there;
  uintptr_t position =
      (uintptr_t)tn_map_get(&graph->imports_by_id, tn_name_track(item->interface->id));
  return position == 0 ? NULL : &graph->imports.list.items[position - 1];
}

/* `item` has the name and types that nothing else has. */
static tn_error *place_import(tn_compose_graph *graph, const tn_compose_item *item,
                              bool is_explicit, uint32_t *position) {
  tn_compose_item *there = find_import(graph, item);
  if (there != NULL) {
    *position = (uint32_t)(there - graph->imports.list.items);
    tn_compose_import *details = &graph->import_details.items[*position];
    if (tn_compose_is_compatible(there->name, item->name)) {
      details->is_explicit |= is_explicit;
    } else if (tn_compose_is_newer(item->name, there->name)) { /* whose name it gets */
      details->is_explicit = is_explicit;
    }
    details->is_implied = false;
    return merge_import(graph, there, item);
  }
  tn_compose_import *details = TN_VEC_PUSH(graph->arena, &graph->import_details);
  if (details == NULL) return tn_error_no_memory();
  details->is_explicit = is_explicit;
  details->place = graph->place;
  *position = graph->imports.list.len;
  TN_TRY(tn_compose_items_add(&graph->types, &graph->imports, item));
  if (!is_called_like_interface(item)) return NULL;
  bool is_put = tn_map_put(graph->arena, &graph->imports_by_id, tn_name_track(item->interface->id),
                           (void *)(uintptr_t)graph->imports.list.len);
  return is_put ? NULL : tn_error_no_memory();
}

static tn_error *add_import(tn_compose_graph *graph, const tn_compose_item *item, bool is_explicit,
                            uint32_t *position) {
  TN_TRY(place_import(graph, item, is_explicit, position));
  set_open(item, false); /* from now on they are what they are */
  return NULL;
}

/* The type of another interface that an imported one uses: that interface is imported, too. */
static tn_error *foreign_type(void *data, const tn_compose_type *type, tn_compose_type **out) {
  tn_compose_graph *graph = data;
  const tn_compose_interface *home = tn_compose_interface_root(type->home);
  tn_compose_item item = {.name = home->id, .sort = TN_SORT_INSTANCE};
  item.interface = (tn_compose_interface *)home;
  const tn_compose_item *there = find_import(graph, &item);
  uint32_t position;
  if (there == NULL) {
    TN_TRY(tn_compose_clone_interface(&graph->types, home, foreign_type, graph, &item.interface));
    TN_TRY(add_import(graph, &item, false, &position));
    graph->import_details.items[position].is_implied = true;
    there = &graph->imports.list.items[position];
  }
  const tn_compose_item *found = there->sort == TN_SORT_INSTANCE
                                     ? tn_compose_items_get(&there->interface->items, type->name)
                                     : NULL;
  if (found == NULL || found->sort != TN_SORT_TYPE)
    return tn_error_new(TN_ERROR_LINK,
                        "import `%" TN_STR_FORMAT "` has no type `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(home->id), TN_STR_ARG(type->name));
  *out = found->type;
  return NULL;
}

tn_error *tn_compose_add_import(tn_compose_graph *graph, tn_str name, const tn_compose_item *item,
                                tn_compose_node **out) {
  tn_compose_item copy = *item;
  uint32_t position;
  TN_TRY(check_name(name, "import", TN_NAME_HASH));
  const tn_compose_item *there = tn_compose_items_get(&graph->imports, name);
  if (there != NULL && !graph->import_details.items[there - graph->imports.list.items].is_implied)
    return tn_error_new(TN_ERROR_INVALID, "`%" TN_STR_FORMAT "` is imported already",
                        TN_STR_ARG(name));
  copy.name = name;
  if (copy.sort == TN_SORT_INSTANCE) {
    TN_TRY(tn_compose_clone_interface(&graph->types, item->interface, foreign_type, graph,
                                      &copy.interface));
    if (copy.interface->id.data == NULL && tn_str_find(name, ':', 0) < name.len)
      copy.interface->id = name;
  }
  TN_TRY(add_import(graph, &copy, true, &position));
  TN_TRY(new_node(graph, TN_COMPOSE_IMPORT, out));
  (*out)->item = graph->imports.list.items[position];
  (*out)->item.name = name;
  (*out)->import = position;
  return NULL;
}

/* ---- instances ----------------------------------------------------------------------------------------- */

/* What an instance is given, by name: position + 1. */
typedef struct given_arguments {
  const tn_compose_given *list;
  uint32_t count;
  tn_map by_name;
} given_arguments;

/* Which of the arguments has this name; `count`: none. */
static uint32_t find_given(const given_arguments *given, tn_str name) {
  uintptr_t position = (uintptr_t)tn_map_get(&given->by_name, name);
  return position == 0 ? given->count : (uint32_t)(position - 1);
}

/* The first resource that an item mentions and that is neither the item's own nor an import's. */
static const tn_compose_type *inner_resource(const tn_compose_item *item) {
  const tn_compose_type *found = NULL;
  if (item->sort == TN_SORT_TYPE) {
    const tn_compose_type *root = tn_compose_root(item->type);
    return root->kind == TN_AST_RESOURCE && !root->is_open && !root->is_imported ? root : NULL;
  }
  if (item->sort != TN_SORT_INSTANCE) return NULL;
  for (uint32_t i = 0; i < item->interface->items.list.len && found == NULL; i++)
    found = inner_resource(&item->interface->items.list.items[i]);
  return found;
}

static tn_error *needs_inner_resource(const tn_compose_package *package,
                                      const tn_compose_item *wanted,
                                      const tn_compose_type *resource) {
  tn_str id =
      resource->home != NULL ? tn_compose_interface_root(resource->home)->id : (tn_str){NULL, 0};
  if (id.data == NULL) id = TN_STR("an instance");
  return tn_error_set_hint(
      tn_error_new(TN_ERROR_LINK,
                   "`%" TN_STR_FORMAT "` needs `%" TN_STR_FORMAT "` for resource `%" TN_STR_FORMAT
                   "` of `%" TN_STR_FORMAT
                   "`, which comes from within the composition, so that it cannot be imported",
                   TN_STR_ARG(package->name), TN_STR_ARG(wanted->name), TN_STR_ARG(resource->name),
                   TN_STR_ARG(id)),
      "what is outside does not know the resources within: provide `%" TN_STR_FORMAT
      "` from within, too, or leave both to be imported",
      TN_STR_ARG(wanted->name));
}

static tn_error *import_missing_argument(tn_compose_graph *graph, const tn_compose_package *package,
                                         const tn_compose_item *wanted, uint32_t *position) {
  const tn_compose_item *there = tn_compose_items_get(&graph->imports, wanted->name);
  if (there != NULL && graph->import_details.items[there - graph->imports.list.items].is_explicit) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_LINK,
                     "`%" TN_STR_FORMAT
                     "` is imported by name, so that it cannot be imported for `%" TN_STR_FORMAT
                     "` as well",
                     TN_STR_ARG(wanted->name), TN_STR_ARG(package->name)),
        "give it to the instance as an argument");
  }
  if (wanted->sort == TN_SORT_VALUE || wanted->sort == TN_SORT_CORE_MODULE)
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "import `%" TN_STR_FORMAT "` (a %s) cannot be passed on",
                        TN_STR_ARG(wanted->name), tn_compose_item_kind_name(wanted));
  const tn_compose_type *inner = inner_resource(wanted);
  if (inner != NULL) return needs_inner_resource(package, wanted, inner);
  return add_import(graph, wanted, false, position);
}

static tn_error *missing_argument(const tn_compose_package *package,
                                  const tn_compose_item *wanted) {
  return tn_error_set_hint(
      tn_error_new(
          TN_ERROR_LINK, "`%" TN_STR_FORMAT "` needs an argument `%" TN_STR_FORMAT "` (%s)",
          TN_STR_ARG(package->name), TN_STR_ARG(wanted->name), tn_compose_item_kind_name(wanted)),
      "give it, or end the arguments with `...` to have what is missing imported");
}

static tn_error *unknown_argument(const tn_compose_package *package, const tn_compose_world *world,
                                  tn_str name) {
  tn_error *error =
      tn_error_new(TN_ERROR_LINK, "`%" TN_STR_FORMAT "` has no import `%" TN_STR_FORMAT "`",
                   TN_STR_ARG(package->name), TN_STR_ARG(name));
  tn_buffer names = {0};
  for (uint32_t i = 0; i < world->imports.list.len && i < 20; i++)
    tn_buffer_format(&names, "%s`%" TN_STR_FORMAT "`", i > 0 ? ", " : "",
                     TN_STR_ARG(world->imports.list.items[i].name));
  if (!names.failed && names.len > 0)
    tn_error_set_hint(error, "it imports %" TN_STR_FORMAT, TN_STR_ARG(tn_buffer_str(&names)));
  tn_buffer_free(&names);
  return error;
}

static tn_error *check_given_names(tn_compose_graph *graph, const tn_compose_package *package,
                                   const tn_compose_world *world, given_arguments *given,
                                   uint32_t *failed) {
  for (uint32_t i = 0; i < given->count; i++) {
    tn_str name = given->list[i].name;
    *failed = i;
    if (tn_compose_items_get(&world->imports, name) == NULL)
      return unknown_argument(package, world, name);
    if (find_given(given, name) != given->count)
      return tn_error_new(TN_ERROR_LINK, "argument `%" TN_STR_FORMAT "` is given twice",
                          TN_STR_ARG(name));
    if (!tn_map_put(graph->arena, &given->by_name, name, (void *)(uintptr_t)(i + 1)))
      return tn_error_no_memory();
  }
  *failed = given->count;
  return NULL;
}

/* In the order of the imports, so that interfaces are bound before those that use their types. */
static tn_error *take_arguments(tn_compose_graph *graph, tn_compose_node *node,
                                const tn_compose_world *world, const given_arguments *given,
                                bool import_missing, uint32_t *failed) {
  for (uint32_t i = 0; i < world->imports.list.len; i++) {
    const tn_compose_item *wanted = &world->imports.list.items[i];
    tn_compose_argument *argument = &node->arguments[i];
    argument->name = wanted->name;
    *failed = find_given(given, wanted->name);
    if (*failed < given->count) {
      argument->node = given->list[*failed].node;
      TN_TRY(tn_error_wrap(tn_compose_check(&graph->types, &argument->node->item, wanted),
                           "what is given for `%" TN_STR_FORMAT "` does not fit",
                           TN_STR_ARG(wanted->name)));
    } else if (import_missing) {
      TN_TRY(import_missing_argument(graph, node->package, wanted, &argument->import));
    } else {
      return missing_argument(node->package, wanted);
    }
  }
  return NULL;
}

tn_error *tn_compose_instantiate(tn_compose_graph *graph, const tn_compose_package *package,
                                 const tn_compose_given *given, uint32_t count, bool import_missing,
                                 tn_compose_node **out, uint32_t *failed) {
  uint32_t unused;
  tn_compose_world *world;
  given_arguments arguments = {.list = given, .count = count};
  if (failed == NULL) failed = &unused;
  *failed = count;
  TN_TRY(tn_compose_read_world(&graph->types, package->component, &world));
  TN_TRY(check_given_names(graph, package, world, &arguments, failed));
  tn_compose_node node = {.kind = TN_COMPOSE_INSTANCE, .package = package};
  node.argument_count = world->imports.list.len;
  node.arguments = TN_ARENA_ARRAY(graph->arena, tn_compose_argument, node.argument_count);
  node.item.sort = TN_SORT_INSTANCE;
  node.item.interface = tn_compose_interface_new(&graph->types, (tn_str){NULL, 0});
  if (node.arguments == NULL || node.item.interface == NULL) return tn_error_no_memory();
  node.item.interface->items = world->exports;
  TN_TRY(take_arguments(graph, &node, world, &arguments, import_missing, failed));
  TN_TRY(new_node(graph, TN_COMPOSE_INSTANCE, out));
  node.place = (*out)->place;
  **out = node;
  return NULL;
}

tn_error *tn_compose_alias(tn_compose_graph *graph, tn_compose_node *instance, tn_str name,
                           tn_compose_node **out) {
  const tn_compose_item *item = tn_compose_items_get(&instance->item.interface->items, name);
  *out = NULL;
  if (item == NULL) return NULL;
  *out = tn_map_get(&instance->aliases, name);
  if (*out != NULL) return NULL;
  TN_TRY(new_node(graph, TN_COMPOSE_ALIAS, out));
  (*out)->item = *item;
  (*out)->source = instance;
  return tn_map_put(graph->arena, &instance->aliases, item->name, *out) ? NULL
                                                                        : tn_error_no_memory();
}

/* ---- exports ------------------------------------------------------------------------------------------- */

tn_error *tn_compose_define(tn_compose_graph *graph, tn_str name, tn_compose_type *type,
                            tn_compose_node **out) {
  TN_TRY(new_node(graph, TN_COMPOSE_DEFINITION, out));
  (*out)->item = (tn_compose_item){.name = name, .sort = TN_SORT_TYPE, .type = type};
  return tn_compose_add_export(graph, name, *out);
}

tn_error *tn_compose_add_export(tn_compose_graph *graph, tn_str name, tn_compose_node *node) {
  TN_TRY(check_name(name, "export", TN_NAME_INTERFACE));
  if (tn_map_has(&graph->exports_by_name, name))
    return tn_error_set_hint(tn_error_new(TN_ERROR_INVALID,
                                          "`%" TN_STR_FORMAT "` is exported already",
                                          TN_STR_ARG(name)),
                             "export it under another name with `as`");
  tn_compose_export *export = TN_VEC_PUSH(graph->arena, &graph->exports);
  if (export == NULL || !tn_map_put(graph->arena, &graph->exports_by_name, name, node))
    return tn_error_no_memory();
  *export = (tn_compose_export){.place = graph->place, .name = name, .node = node};
  return NULL;
}
