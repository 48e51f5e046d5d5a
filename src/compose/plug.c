#include "compose/plug.h"

/* Which plug meets an import of the socket. */
typedef struct plug_link {
  uint32_t plug; /* position + 1; 0: none */
  tn_str export; /* its name there */
} plug_link;

/* Invariant: there is a link for each import of the socket, and a node for each plug, NULL before it is made.
 */
typedef struct plugging {
  tn_compose_graph *graph;
  const tn_compose_package *socket;
  const tn_compose_package *const *plugs;
  uint32_t count;
  plug_link *links;
  tn_compose_node **nodes;
  bool *is_under_way;
  tn_error *mismatch; /* the first: what has the right name and the wrong type */
  uint32_t mismatch_import;
} plugging;

/* ---- finding what fits --------------------------------------------------------------------------------- */

/* Whether it fits is tried with types that nothing else has. */
static tn_error *try_export(plugging *p, const tn_compose_item *export,
                            const tn_compose_item *wanted) {
  uint32_t mark = p->graph->types.bound.len;
  tn_error *error = tn_compose_check(&p->graph->types, export, wanted);
  tn_compose_unbind(&p->graph->types, mark);
  return error;
}

static tn_error *claim(plugging *p, uint32_t plug, const tn_compose_item *export,
                       const tn_compose_item *wanted) {
  uint32_t position = (uint32_t)(wanted - p->socket->world->imports.list.items);
  plug_link *link = &p->links[position];
  tn_error *error = try_export(p, export, wanted);
  if (error != NULL && tn_error_get_kind(error) != TN_ERROR_LINK) return error;
  if (error != NULL) {
    error = tn_error_wrap(error, "export `%" TN_STR_FORMAT "` of `%" TN_STR_FORMAT "` does not fit",
                          TN_STR_ARG(export->name), TN_STR_ARG(p->plugs[plug]->name));
    if (p->mismatch != NULL) {
      tn_error_delete(error);
      return NULL;
    }
    p->mismatch = error;
    p->mismatch_import = position;
    return NULL;
  }
  if (link->plug != 0 && link->plug != plug + 1) {
    const tn_compose_package *other = p->plugs[link->plug - 1];
    return tn_error_set_hint(tn_error_new(TN_ERROR_LINK,
                                          "import `%" TN_STR_FORMAT
                                          "` is met by two plugs, `%" TN_STR_FORMAT
                                          "` and `%" TN_STR_FORMAT "`",
                                          TN_STR_ARG(wanted->name), TN_STR_ARG(other->name),
                                          TN_STR_ARG(p->plugs[plug]->name)),
                             "leave one out, or say in WAC which one is meant");
  }
  link->plug = plug + 1;
  link->export = export->name;
  return NULL;
}

static tn_error *connect(plugging *p, uint32_t plug) {
  const tn_compose_items *exports = &p->plugs[plug]->world->exports;
  for (uint32_t i = 0; i < exports->list.len; i++) {
    const tn_compose_item *export = &exports->list.items[i];
    const tn_compose_item *wanted = tn_compose_items_find(&p->socket->world->imports, export->name);
    if (wanted != NULL) TN_TRY(claim(p, plug, export, wanted));
  }
  return NULL;
}

/* What was plugged nowhere is no mistake as long as another plug fits there. */
static tn_error *check_links(plugging *p) {
  bool is_any = false;
  for (uint32_t i = 0; i < p->socket->world->imports.list.len; i++)
    is_any |= p->links[i].plug != 0;
  if (p->mismatch != NULL && p->links[p->mismatch_import].plug == 0) {
    tn_error *error = p->mismatch;
    p->mismatch = NULL;
    return error;
  }
  if (is_any) return NULL;
  tn_error *error =
      tn_error_new(TN_ERROR_LINK, "`%" TN_STR_FORMAT "` imports nothing that the plugs export",
                   TN_STR_ARG(p->socket->name));
  return tn_error_set_hint(error, "tenon inspect shows what a component imports and exports");
}

/* ---- building ------------------------------------------------------------------------------------------ */

static tn_error *plug_node(plugging *p, uint32_t plug, tn_compose_node **out);

static tn_error *plugged_export(plugging *p, const plug_link *link, tn_compose_node **out) {
  tn_compose_node *instance;
  TN_TRY(plug_node(p, link->plug - 1, &instance));
  return tn_compose_alias(p->graph, instance, link->export, out);
}

static bool mentions(const tn_compose_interface *interface, const tn_compose_interface *home) {
  for (uint32_t i = 0; i < interface->items.list.len; i++) {
    const tn_compose_item *item = &interface->items.list.items[i];
    if (item->sort != TN_SORT_TYPE) continue;
    const tn_compose_type *root = tn_compose_root(item->type);
    if (root->kind == TN_AST_RESOURCE && root->home == home) return true;
  }
  return false;
}

/* Whether the plug hands resources of this import of its own on to the socket, in what it exports. */
static bool passes_on(const plugging *p, uint32_t plug, const tn_compose_item *import) {
  const tn_compose_world *world = p->plugs[plug]->world;
  for (uint32_t i = 0; i < p->socket->world->imports.list.len; i++) {
    if (p->links[i].plug != plug + 1) continue;
    const tn_compose_item *export = tn_compose_items_get(&world->exports, p->links[i].export);
    if (export->sort == TN_SORT_INSTANCE && mentions(export->interface, import->interface))
      return true;
  }
  return false;
}

/* The socket gets an interface from one plug, and resources of it from another, which therefore has to have
 * them from the same place. */
static tn_error *shared_arguments(plugging *p, uint32_t plug, tn_compose_given *given,
                                  uint32_t *count) {
  const tn_compose_items *imports = &p->plugs[plug]->world->imports;
  *count = 0;
  for (uint32_t i = 0; i < imports->list.len; i++) {
    const tn_compose_item *import = &imports->list.items[i];
    const tn_compose_item *wanted = tn_compose_items_find(&p->socket->world->imports, import->name);
    if (wanted == NULL || import->sort != TN_SORT_INSTANCE || !passes_on(p, plug, import)) continue;
    const plug_link *link = &p->links[wanted - p->socket->world->imports.list.items];
    if (link->plug == 0 || link->plug == plug + 1) continue;
    given[*count].name = import->name;
    TN_TRY(plugged_export(p, link, &given[(*count)++].node));
  }
  return NULL;
}

static tn_error *plug_node(plugging *p, uint32_t plug, tn_compose_node **out) {
  const tn_compose_package *package = p->plugs[plug];
  uint32_t count;
  *out = p->nodes[plug];
  if (*out != NULL) return NULL;
  if (p->is_under_way[plug])
    return tn_error_new(TN_ERROR_LINK,
                        "plug `%" TN_STR_FORMAT "` needs resources of a plug that needs its own",
                        TN_STR_ARG(package->name));
  p->is_under_way[plug] = true;
  tn_compose_given *given =
      TN_ARENA_ARRAY(p->graph->arena, tn_compose_given, package->world->imports.list.len);
  if (given == NULL) return tn_error_no_memory();
  TN_TRY(shared_arguments(p, plug, given, &count));
  TN_TRY(tn_error_wrap(tn_compose_instantiate(p->graph, package, given, count, true, out, NULL),
                       "plug `%" TN_STR_FORMAT "`", TN_STR_ARG(package->name)));
  p->nodes[plug] = *out;
  return NULL;
}

static tn_error *build_socket(plugging *p, tn_compose_node **out) {
  const tn_compose_items *imports = &p->socket->world->imports;
  tn_compose_given *given = TN_ARENA_ARRAY(p->graph->arena, tn_compose_given, imports->list.len);
  uint32_t count = 0;
  if (given == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < imports->list.len; i++) {
    if (p->links[i].plug == 0) continue;
    given[count].name = imports->list.items[i].name;
    TN_TRY(plugged_export(p, &p->links[i], &given[count++].node));
  }
  return tn_compose_instantiate(p->graph, p->socket, given, count, true, out, NULL);
}

static tn_error *export_all(plugging *p, tn_compose_node *instance) {
  const tn_compose_items *exports = &instance->item.interface->items;
  for (uint32_t i = 0; i < exports->list.len; i++) {
    tn_compose_node *node;
    TN_TRY(tn_compose_alias(p->graph, instance, exports->list.items[i].name, &node));
    TN_TRY(tn_compose_add_export(p->graph, exports->list.items[i].name, node));
  }
  return NULL;
}

static tn_error *plug_all(plugging *p) {
  tn_compose_node *instance;
  for (uint32_t i = 0; i < p->count; i++)
    TN_TRY(connect(p, i));
  TN_TRY(check_links(p));
  TN_TRY(build_socket(p, &instance));
  return export_all(p, instance);
}

tn_error *tn_compose_plug_into(tn_compose_graph *graph, const tn_compose_package *socket,
                               const tn_compose_package *const *plugs, uint32_t count,
                               bool *is_used) {
  plugging p = {.graph = graph, .socket = socket, .plugs = plugs, .count = count};
  p.links = TN_ARENA_ARRAY(graph->arena, plug_link, socket->world->imports.list.len);
  p.nodes = TN_ARENA_ARRAY(graph->arena, tn_compose_node *, count);
  p.is_under_way = TN_ARENA_ARRAY(graph->arena, bool, count);
  if (p.links == NULL || p.nodes == NULL || p.is_under_way == NULL) return tn_error_no_memory();
  tn_error *error = plug_all(&p);
  for (uint32_t i = 0; i < count; i++)
    is_used[i] = p.nodes[i] != NULL;
  tn_error_delete(p.mismatch);
  return error;
}
