/* The graph of a linking: which of the linker's components are needed, in which order, and which of their exports meet
 * which imports. All by names; that the types fit is seen when the import is reached (imports.c).
 *
 * All who import an interface get it from the same component, whatever compatible versions they name: who imports
 * what is known before anything is chosen. One that itself exports what it imports stands in front of others: its own
 * imports are met by those behind it, or by the host. */
#include "base/buffer.h"
#include "base/error.h"
#include "component/extern_name.h"
#include "link/linker_internal.h"
#include "link/scope.h"

/* An export of a component of the linker. */
typedef struct offer {
  uint32_t node;
  tn_sort sort;
  bool is_front; /* its component imports it, too */
  tn_str name;
} offer;

/* Those of one track, in the order of their nodes. */
typedef struct offers {
  TN_VEC(offer) list;
  tn_str wanted; /* the newest that is imported; .data == NULL: none is */
} offers;

typedef enum node_state { NODE_UNSEEN, NODE_OPEN, NODE_DONE } node_state;

/* A component on the way. `types` has the type index space as far as it has been read; an entry is NULL unless it is a
 * definition. */
typedef struct node {
  tn_unit unit;
  node_state state;
  uint32_t at; /* the next definition to look at */
  TN_VEC(const tn_ast_type *) types;
} node;

/* nodes[0] is what is linked, nodes[i + 1] component i of the linker. */
typedef struct graph {
  tn_linking *linking;
  node *nodes;
  uint32_t count;
  tn_map offers;       /* track -> offers * */
  TN_VEC(node *) path; /* from what is linked to the node being looked at */
} graph;

/* ---- offers ---------------------------------------------------------------------------------------- */

static tn_error *add_offer(graph *g, uint32_t index, const tn_ast_export *export_) {
  tn_arena *arena = g->linking->arena;
  tn_str name = export_->name.name, track = tn_name_track(name);
  offers *all = tn_map_get(&g->offers, track);
  if (all == NULL) {
    all = TN_ARENA_NEW(arena, offers);
    if (all == NULL || !tn_map_put(arena, &g->offers, track, all)) return tn_error_no_memory();
  }
  offer *made = TN_VEC_PUSH(arena, &all->list);
  if (made == NULL) return tn_error_no_memory();
  *made = (offer){.node = index, .sort = export_->item.sort, .name = name};
  return NULL;
}

static tn_error *add_offers(graph *g, uint32_t index) {
  const tn_component_ast *ast = g->nodes[index].unit.compiled->root;
  for (uint32_t i = 0; i < ast->definition_count; i++) {
    if (ast->definitions[i].kind == TN_DEFINITION_EXPORT)
      TN_TRY(add_offer(g, index, &ast->definitions[i].export_));
  }
  return NULL;
}

static bool read_version(tn_str name, tn_semver *out) {
  size_t at = tn_str_find(name, '@', 0);
  if (at == name.len) return false;
  tn_error *error = tn_semver_parse(tn_str_slice(name, at + 1, name.len), out);
  tn_error_delete(error);
  return error == NULL;
}

/* Of the same track, whether `offered` is the same version as `wanted` or a newer one. */
static bool is_as_new(tn_str offered, tn_str wanted) {
  tn_semver a, b;
  if (tn_str_equal(offered, wanted)) return true;
  return read_version(offered, &a) && read_version(wanted, &b) && tn_semver_compare(&a, &b) >= 0;
}

/* The first offer by a node that is not before node `index`. */
static uint32_t first_from(const offers *all, uint32_t index) {
  uint32_t low = 0, high = all->list.len;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (all->list.items[middle].node < index)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The first offer that `importer` may use: one that exports the interface itself gets it from those behind. */
static uint32_t first_for(const offers *all, uint32_t importer) {
  uint32_t own = first_from(all, importer);
  bool is_own = own < all->list.len && all->list.items[own].node == importer;
  return is_own ? first_from(all, importer + 1) : 0;
}

/* What meets an import of node `importer`, or NULL: the first that is as new as anybody on this track wants it, else the
 * newest; and what stands in front of that goes first, whatever its version. */
static const offer *choose(const graph *g, uint32_t importer, tn_str name, tn_sort sort) {
  const offers *all = tn_map_get(&g->offers, tn_name_track(name));
  const offer *best = NULL, *front = NULL, *front_of_best = NULL;
  if (all == NULL) return NULL;
  for (uint32_t i = first_for(all, importer); i < all->list.len; i++) {
    const offer *o = &all->list.items[i];
    if (o->sort != sort) continue;
    bool is_enough = is_as_new(o->name, all->wanted);
    if (is_enough || best == NULL || !is_as_new(best->name, o->name)) {
      best = o;
      front_of_best = front;
    }
    if (front == NULL && o->is_front) front = o;
    if (is_enough || best == front) break;
  }
  return front_of_best != NULL ? front_of_best : best;
}

/* ---- walking --------------------------------------------------------------------------------------- */

bool tn_link_has_only_types(const tn_ast_type *type) {
  for (uint32_t i = 0; i < type->decl_count; i++) {
    const tn_ast_decl *decl = &type->decls[i];
    if (decl->kind != TN_DECL_EXPORT) continue;
    if (decl->export_.type.sort != TN_SORT_TYPE || decl->export_.type.bound != TN_BOUND_EQ)
      return false;
  }
  return true;
}

static tn_error *note_type(graph *g, node *n, const tn_ast_type *type) {
  const tn_ast_type **place = TN_VEC_PUSH(g->linking->arena, &n->types);
  if (place == NULL) return tn_error_no_memory();
  *place = type;
  return NULL;
}

/* An interface of nothing but plain types needs nobody. */
static bool needs_provider(const node *n, const tn_ast_import *import) {
  if (import->type.sort != TN_SORT_INSTANCE)
    return import->type.sort == TN_SORT_FUNC || import->type.sort == TN_SORT_TYPE;
  const tn_ast_type *type =
      import->type.index < n->types.len ? n->types.items[import->type.index] : NULL;
  return type == NULL || !tn_link_has_only_types(type);
}

/* The next import that needs somebody, or NULL at the end. */
static tn_error *next_import(graph *g, node *n, const tn_ast_import **out) {
  const tn_component_ast *ast = n->unit.compiled->root;
  *out = NULL;
  while (n->at < ast->definition_count) {
    const tn_definition *definition = &ast->definitions[n->at++];
    tn_definition_kind kind = definition->kind;
    if (kind == TN_DEFINITION_TYPE) TN_TRY(note_type(g, n, definition->type));
    bool is_named_type =
        (kind == TN_DEFINITION_IMPORT && definition->import.type.sort == TN_SORT_TYPE) ||
        (kind == TN_DEFINITION_EXPORT && definition->export_.item.sort == TN_SORT_TYPE) ||
        (kind == TN_DEFINITION_ALIAS && definition->alias.sort == TN_SORT_TYPE);
    if (is_named_type) TN_TRY(note_type(g, n, NULL));
    if (kind != TN_DEFINITION_IMPORT || !needs_provider(n, &definition->import)) continue;
    *out = &definition->import;
    return NULL;
  }
  return NULL;
}

/* The units from `first` on by which `last` came to be needed. */
static tn_error *list_importers(tn_linking *linking, const tn_unit *first, const tn_unit *last,
                                const tn_unit ***out, uint32_t *count) {
  *count = 1;
  for (const tn_unit *unit = last; unit != first; unit = unit->importer)
    (*count)++;
  *out = TN_ARENA_ARRAY(linking->arena, const tn_unit *, *count);
  if (*out == NULL) return tn_error_no_memory();
  for (uint32_t i = *count; i-- > 0; last = last->importer)
    (*out)[i] = last;
  return NULL;
}

tn_error *tn_link_circle(tn_linking *linking, const tn_unit *last, tn_str import,
                         const tn_unit *back) {
  const tn_unit **path;
  uint32_t count;
  TN_TRY(list_importers(linking, back, last, &path, &count));
  tn_buffer text = {0};
  for (uint32_t i = 0; i < count; i++) {
    const tn_unit *next = i + 1 < count ? path[i + 1] : back;
    tn_str via = i + 1 < count ? next->via : import;
    tn_buffer_format(
        &text, "%s%" TN_STR_FORMAT " imports `%" TN_STR_FORMAT "` from %" TN_STR_FORMAT,
        i > 0 ? ", " : "", TN_STR_ARG(path[i]->name), TN_STR_ARG(via), TN_STR_ARG(next->name));
  }
  tn_error *error =
      text.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK, "components import each other in a circle: %" TN_STR_FORMAT,
                         TN_STR_ARG(tn_buffer_str(&text)));
  tn_buffer_free(&text);
  return tn_error_set_hint(error,
                           "a component can only import from those that can be made before it");
}

static tn_error *bind(graph *g, node *n, const tn_ast_import *import, const offer *chosen) {
  tn_binding *binding = TN_ARENA_NEW(g->linking->arena, tn_binding);
  if (binding == NULL) return tn_error_no_memory();
  *binding = (tn_binding){&g->nodes[chosen->node].unit, chosen->name};
  bool is_put = tn_map_put(g->linking->arena, &n->unit.bindings, import->name.name, binding);
  return is_put ? NULL : tn_error_no_memory();
}

/* ---- what is wanted --------------------------------------------------------------------------------- */

static void want(graph *g, uint32_t importer, tn_str name) {
  offers *all = tn_map_get(&g->offers, tn_name_track(name));
  if (all == NULL) return;
  if (all->wanted.data == NULL || !is_as_new(all->wanted, name)) all->wanted = name;
  for (uint32_t i = first_from(all, importer); i < all->list.len; i++) {
    if (all->list.items[i].node != importer) return;
    all->list.items[i].is_front = true;
  }
}

/* Of all components, needed or not: which are needed depends on what is chosen. */
static tn_error *note_imports(graph *g, uint32_t index) {
  node *n = &g->nodes[index];
  const tn_ast_import *import;
  TN_TRY(next_import(g, n, &import));
  while (import != NULL) {
    want(g, index, tn_link_import_interface(import));
    TN_TRY(next_import(g, n, &import));
  }
  n->at = n->types.len = 0;
  return NULL;
}

/* ---- binding ---------------------------------------------------------------------------------------- */

static tn_error *open_node(graph *g, node *n) {
  node **place = TN_VEC_PUSH(g->linking->arena, &g->path);
  if (place == NULL) return tn_error_no_memory();
  *place = n;
  n->state = NODE_OPEN;
  return NULL;
}

static tn_error *add_unit(tn_linking *linking, tn_unit *unit) {
  tn_unit **place = TN_VEC_PUSH(linking->arena, &linking->units);
  if (place == NULL) return tn_error_no_memory();
  *place = unit;
  return NULL;
}

/* All that it imports is in the list already. */
static tn_error *close_node(graph *g, node *n) {
  n->state = NODE_DONE;
  g->path.len--;
  return add_unit(g->linking, &n->unit);
}

static tn_error *follow(graph *g, node *n, const tn_ast_import *import) {
  tn_str interface = tn_link_import_interface(import);
  const offer *chosen = choose(g, (uint32_t)(n - g->nodes), interface, import->type.sort);
  if (chosen == NULL) return NULL; /* the host, then */
  node *provider = &g->nodes[chosen->node];
  if (provider->state == NODE_OPEN)
    return tn_link_circle(g->linking, &n->unit, import->name.name, &provider->unit);
  TN_TRY(bind(g, n, import, chosen));
  if (provider->state == NODE_DONE) return NULL;
  provider->unit.importer = &n->unit;
  provider->unit.via = import->name.name;
  return open_node(g, provider);
}

static tn_error *walk(graph *g) {
  for (uint32_t i = 0; g->count > 1 && i < g->count; i++)
    TN_TRY(note_imports(g, i));
  TN_TRY(open_node(g, &g->nodes[0]));
  while (g->path.len > 0) {
    node *n = g->path.items[g->path.len - 1];
    const tn_ast_import *import;
    TN_TRY(next_import(g, n, &import));
    TN_TRY(import != NULL ? follow(g, n, import) : close_node(g, n));
  }
  return NULL;
}

/* ---- making ---------------------------------------------------------------------------------------- */

/* What a file is called in messages and paths, if it has no name of its own: without the folders. */
static tn_str base_name(tn_str path) {
  size_t start = path.len;
  while (start > 0 && path.data[start - 1] != '/')
    start--;
  return tn_str_slice(path, start, path.len);
}

static void init_unit(tn_unit *unit, const tn_compiled *compiled, tn_str name, uint32_t rights) {
  tn_str own = compiled->root != NULL ? compiled->root->name : compiled->core->name;
  *unit = (tn_unit){.compiled = compiled, .name = name, .path = name, .rights = rights};
  if (name.data == NULL) unit->name = base_name(compiled->name);
  if (name.data == NULL) unit->path = own.data != NULL ? own : unit->name;
}

static tn_error *init_nodes(graph *g, const tn_compiled *compiled, const tn_linker *linker) {
  g->count = 1 + (linker != NULL && compiled->root != NULL ? linker->components.len : 0);
  g->nodes = TN_ARENA_ARRAY(g->linking->arena, node, g->count);
  if (g->nodes == NULL) return tn_error_no_memory();
  init_unit(&g->nodes[0].unit, compiled, (tn_str){0}, 0);
  for (uint32_t i = 1; i < g->count; i++) {
    const tn_linker_component *component = &linker->components.items[i - 1];
    init_unit(&g->nodes[i].unit, component->compiled, component->name, i);
    if (component->compiled->engine != compiled->engine)
      return tn_error_new(TN_ERROR_ARGUMENT, "%" TN_STR_FORMAT " was loaded by another engine",
                          TN_STR_ARG(g->nodes[i].unit.name));
    TN_TRY(add_offers(g, i));
  }
  return NULL;
}

tn_error *tn_link_gather(tn_linking *linking, const tn_compiled *compiled,
                         const tn_linker *linker) {
  graph g = {.linking = linking};
  TN_TRY(init_nodes(&g, compiled, linker));
  return compiled->root != NULL ? walk(&g) : add_unit(linking, &g.nodes[0].unit);
}

/* ---- for messages ---------------------------------------------------------------------------------- */

static tn_str without_version(tn_str name) {
  return tn_str_slice(name, 0, tn_str_find(name, '@', 0));
}

/* An export of that name in a compatible version, or else in one that is not; .data == NULL: there is none. */
static tn_str find_export(const tn_component_ast *ast, tn_str name, bool is_compatible) {
  for (uint32_t i = 0; i < ast->definition_count; i++) {
    if (ast->definitions[i].kind != TN_DEFINITION_EXPORT) continue;
    tn_str found = ast->definitions[i].export_.name.name;
    bool is_same_track = tn_str_equal(tn_name_track(found), tn_name_track(name));
    bool fits = is_compatible
                    ? is_same_track
                    : !is_same_track && tn_str_equal(without_version(found), without_version(name));
    if (fits) return found;
  }
  return (tn_str){NULL, 0};
}

const tn_linker_component *tn_link_other_version(const tn_linker *linker, tn_str name,
                                                 tn_str *found) {
  for (uint32_t i = 0; i < linker->components.len; i++) {
    *found = find_export(linker->components.items[i].compiled->root, name, false);
    if (found->data != NULL) return &linker->components.items[i];
  }
  return NULL;
}

static bool imports(const tn_component_ast *ast, tn_str name) {
  for (uint32_t i = 0; i < ast->definition_count; i++) {
    const tn_definition *definition = &ast->definitions[i];
    if (definition->kind != TN_DEFINITION_IMPORT) continue;
    tn_str found = tn_link_import_interface(&definition->import);
    if (tn_str_equal(tn_name_track(found), tn_name_track(name))) return true;
  }
  return false;
}

bool tn_link_has_export(const tn_unit *unit, tn_str name) {
  const tn_component_ast *ast = unit->compiled->root;
  return ast != NULL && find_export(ast, name, true).data != NULL;
}

bool tn_link_stands_in_front(const tn_linker *linker, const tn_unit *unit, tn_str name,
                             const tn_linker_component **before) {
  *before = NULL;
  if (unit->rights == 0 || !tn_link_has_export(unit, name)) return false;
  for (uint32_t i = 0; i + 1 < unit->rights && *before == NULL; i++) {
    const tn_linker_component *component = &linker->components.items[i];
    const tn_component_ast *ast = component->compiled->root;
    if (find_export(ast, name, true).data != NULL && !imports(ast, name)) *before = component;
  }
  return true;
}
