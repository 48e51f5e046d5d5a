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

/* Whether there is a resource of the interface `home` in a type, or one of whatever interface in a type of `home`; NULL: any
 * resource at all. */
static tn_error *look_for_resource(tn_compose_types *types, const tn_compose_type *type,
                                   const tn_compose_interface *home, bool *is_found) {
  TN_TRY(tn_compose_spend(types));
  type = tn_compose_root(type);
  bool is_of_home = home == NULL || type->home == home;
  if (type->kind == TN_AST_RESOURCE) {
    *is_found = is_of_home;
    return NULL;
  }
  if (is_of_home) home = NULL;
  const tn_compose_type *parts[] = {type->element, type->error, type->key};
  for (size_t i = 0; i < sizeof parts / sizeof *parts && !*is_found; i++)
    if (parts[i] != NULL) TN_TRY(look_for_resource(types, parts[i], home, is_found));
  for (uint32_t i = 0; i < type->member_count && !*is_found; i++)
    if (type->members[i].type != NULL)
      TN_TRY(look_for_resource(types, type->members[i].type, home, is_found));
  return NULL;
}

/* The same of all types that an interface names. */
static tn_error *mentions(tn_compose_types *types, const tn_compose_interface *interface,
                          const tn_compose_interface *home, bool *is_found) {
  *is_found = false;
  for (uint32_t i = 0; i < interface->items.list.len && !*is_found; i++) {
    const tn_compose_item *item = &interface->items.list.items[i];
    if (item->sort == TN_SORT_TYPE) TN_TRY(look_for_resource(types, item->type, home, is_found));
  }
  return NULL;
}

/* The first resource that an interface has or names; .data == NULL: there is none. */
static tn_str first_resource(const tn_compose_item *item) {
  for (uint32_t i = 0; item->sort == TN_SORT_INSTANCE && i < item->interface->items.list.len; i++) {
    const tn_compose_item *part = &item->interface->items.list.items[i];
    if (part->sort == TN_SORT_TYPE && tn_compose_root(part->type)->kind == TN_AST_RESOURCE)
      return part->name;
  }
  return (tn_str){NULL, 0};
}

/* Plain types are the same whoever provides them. */
static tn_error *has_only_plain_types(tn_compose_types *types, const tn_compose_item *item,
                                      bool *is_plain) {
  bool has_resource = false;
  *is_plain = item->sort == TN_SORT_INSTANCE;
  for (uint32_t i = 0; *is_plain && i < item->interface->items.list.len; i++)
    *is_plain = item->interface->items.list.items[i].sort == TN_SORT_TYPE;
  if (*is_plain) TN_TRY(mentions(types, item->interface, NULL, &has_resource));
  *is_plain &= !has_resource;
  return NULL;
}

static tn_error *met_twice(const tn_compose_item *wanted, const tn_compose_package *one,
                           const tn_compose_package *other) {
  tn_str resource = first_resource(wanted);
  tn_error *error =
      tn_error_new(TN_ERROR_LINK,
                   "import `%" TN_STR_FORMAT "` is met by two plugs, `%" TN_STR_FORMAT
                   "` and `%" TN_STR_FORMAT "`",
                   TN_STR_ARG(wanted->name), TN_STR_ARG(one->name), TN_STR_ARG(other->name));
  if (resource.data == NULL)
    return tn_error_set_hint(error, "leave one out, or say in WAC which one is meant");
  return tn_error_set_hint(
      error,
      "each has a resource `%" TN_STR_FORMAT
      "` of its own, and none can take the other's: leave one out, say in WAC which "
      "one is meant, or build one of them so that it imports `%" TN_STR_FORMAT
      "` instead of exporting it; then both share the other's",
      TN_STR_ARG(resource), TN_STR_ARG(wanted->name));
}

/* The first that does not fit is kept for check_links. */
static void note_mismatch(plugging *p, uint32_t position, tn_error *error) {
  if (p->mismatch != NULL) {
    tn_error_delete(error);
    return;
  }
  p->mismatch = error;
  p->mismatch_import = position;
}

static tn_error *claim(plugging *p, uint32_t plug, const tn_compose_item *export,
                       const tn_compose_item *wanted) {
  uint32_t position = (uint32_t)(wanted - p->socket->world->imports.list.items);
  plug_link *link = &p->links[position];
  tn_error *error = try_export(p, export, wanted);
  if (error != NULL && tn_error_get_kind(error) != TN_ERROR_LINK) return error;
  if (error != NULL) {
    note_mismatch(p, position,
                  tn_error_wrap(error,
                                "export `%" TN_STR_FORMAT "` of `%" TN_STR_FORMAT "` does not fit",
                                TN_STR_ARG(export->name), TN_STR_ARG(p->plugs[plug]->name)));
    return NULL;
  }
  if (link->plug != 0 && link->plug != plug + 1) {
    bool is_plain;
    TN_TRY(has_only_plain_types(&p->graph->types, wanted, &is_plain));
    return is_plain ? NULL : met_twice(wanted, p->plugs[link->plug - 1], p->plugs[plug]);
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
  return tn_error_set_hint(error, "`tn_inspect` shows what a component imports and exports");
}

/* ---- building ------------------------------------------------------------------------------------------ */

static tn_error *plug_node(plugging *p, uint32_t plug, tn_compose_node **out);

static tn_error *plugged_export(plugging *p, const plug_link *link, tn_compose_node **out) {
  tn_compose_node *instance;
  TN_TRY(plug_node(p, link->plug - 1, &instance));
  return tn_compose_alias(p->graph, instance, link->export, out);
}

/* Whether the plug hands resources of this import of its own on to the socket, in what it exports. */
static tn_error *passes_on(const plugging *p, uint32_t plug, const tn_compose_item *import,
                           bool *does) {
  const tn_compose_world *world = p->plugs[plug]->world;
  *does = false;
  for (uint32_t i = 0; i < p->socket->world->imports.list.len && !*does; i++) {
    if (p->links[i].plug != plug + 1) continue;
    const tn_compose_item *export = tn_compose_items_get(&world->exports, p->links[i].export);
    if (export->sort == TN_SORT_INSTANCE)
      TN_TRY(mentions(&p->graph->types, export->interface, import->interface, does));
  }
  return NULL;
}

/* Which other plug gives the socket this interface that a plug imports, too; NULL: none. */
static const plug_link *link_of(const plugging *p, uint32_t plug, const tn_compose_item *import) {
  const tn_compose_items *wanted = &p->socket->world->imports;
  if (import->sort != TN_SORT_INSTANCE) return NULL;
  const tn_compose_item *found = tn_compose_items_find(wanted, import->name);
  if (found == NULL) return NULL;
  const plug_link *link = &p->links[found - wanted->list.items];
  return link->plug == 0 || link->plug == plug + 1 ? NULL : link;
}

/* Import `index` is shared; so is, then, every one before it whose resources it has. */
static tn_error *share(const plugging *p, uint32_t plug, uint32_t index, bool *is_shared) {
  const tn_compose_item *imports = p->plugs[plug]->world->imports.list.items;
  for (uint32_t i = 0; i < index; i++) {
    if (is_shared[i] || imports[i].sort != TN_SORT_INSTANCE) continue;
    TN_TRY(
        mentions(&p->graph->types, imports[index].interface, imports[i].interface, &is_shared[i]));
  }
  return NULL;
}

/* The socket gets an interface from one plug, and resources of it from another, which therefore has to have
 * them from the same place. An import names only resources of those before it: one walk from the last to the first finds
 * all of them. */
static tn_error *shared_arguments(plugging *p, uint32_t plug, tn_compose_given *given,
                                  uint32_t *count) {
  const tn_compose_items *imports = &p->plugs[plug]->world->imports;
  bool *is_shared = TN_ARENA_ARRAY(p->graph->arena, bool, imports->list.len);
  *count = 0;
  if (is_shared == NULL) return tn_error_no_memory();
  for (uint32_t i = imports->list.len; i-- > 0;) {
    const tn_compose_item *import = &imports->list.items[i];
    const plug_link *link = link_of(p, plug, import);
    if (link == NULL) continue;
    if (!is_shared[i]) TN_TRY(passes_on(p, plug, import, &is_shared[i]));
    if (!is_shared[i]) continue;
    TN_TRY(share(p, plug, i, is_shared));
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
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_LINK,
                     "plug `%" TN_STR_FORMAT "` needs resources of a plug that needs its own",
                     TN_STR_ARG(package->name)),
        "one of them has to be made before the other: let one component export both interfaces");
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
