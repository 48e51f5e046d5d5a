/* Packages: which there are, what they need of each other, and resolving them one after the other. */
#include "wit/package/resolve.h"

#include "component/extern_name.h"
#include "wit/package/package.h"

enum { MAX_STEPS = 1 << 18 };

tn_error *tn_wit_count_steps(tn_wit_resolver *resolver, tn_wit_place place, uint64_t steps) {
  resolver->steps += steps;
  if (resolver->steps <= MAX_STEPS) return NULL;
  return tn_wit_place_limit(
      place,
      "the worlds of these packages have more than %d imports, exports and types "
      "when all that they include is counted",
      (int)MAX_STEPS);
}

/* ---- packages that are there already --------------------------------------------------------- */

static tn_error *add_known(tn_wit_resolver *resolver, tn_wit_known_package *package,
                           tn_wit_known **out) {
  tn_wit_known *known = TN_ARENA_NEW(resolver->scratch, tn_wit_known);
  tn_wit_known **slot = TN_VEC_PUSH(resolver->scratch, &package->definitions);
  if (known == NULL || slot == NULL) return tn_error_no_memory();
  *slot = known;
  known->package = package;
  known->number = package->definitions.len - 1;
  *out = known;
  return NULL;
}

static tn_error *add_by_name(tn_wit_resolver *resolver, tn_wit_known_package *package,
                             tn_wit_known *known, tn_str name) {
  known->name = name;
  return tn_map_put(resolver->scratch, &package->by_name, name, known) ? NULL
                                                                       : tn_error_no_memory();
}

/* Types of a binary may hold others without names, one in another; such that go deeper are taken
 * for ones without borrows. */
static bool note_old_type(tn_wit_resolver *resolver, const tn_wit_type *type, uint32_t depth) {
  enum { MAX_DEPTH = 200 };
  if (type == NULL || depth == MAX_DEPTH) return true;
  if (depth > 0 && type->declaration.name.data != NULL) return true;
  bool is_noted = note_old_type(resolver, type->element, depth + 1) &&
                  note_old_type(resolver, type->error, depth + 1);
  for (uint32_t i = 0; i < type->member_count && is_noted; i++)
    is_noted = note_old_type(resolver, type->members[i].type, depth + 1);
  return is_noted && tn_wit_note_type(resolver, type);
}

static tn_error *add_old_interface(tn_wit_resolver *resolver, tn_wit_known_package *package,
                                   tn_wit_interface *interface) {
  tn_wit_known *known = NULL;
  TN_TRY(add_known(resolver, package, &known));
  known->interface = interface;
  for (uint32_t i = 0; i < interface->types.len; i++) {
    if (!note_old_type(resolver, interface->types.items[i], 0)) return tn_error_no_memory();
  }
  return add_by_name(resolver, package, known, interface->declaration.name);
}

static tn_error *add_old_package(tn_wit_resolver *resolver, tn_wit_package *package) {
  tn_wit_known_package *known = TN_ARENA_NEW(resolver->scratch, tn_wit_known_package);
  if (known == NULL) return tn_error_no_memory();
  known->package = package;
  known->id = tn_wit_package_id(resolver->scratch, package->name);
  if (known->id.data == NULL ||
      !tn_map_put(resolver->scratch, &resolver->packages, known->id, known))
    return tn_error_no_memory();
  for (uint32_t i = 0; i < package->interfaces.len; i++)
    TN_TRY(add_old_interface(resolver, known, package->interfaces.items[i]));
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    tn_wit_known *world = NULL;
    TN_TRY(add_known(resolver, known, &world));
    world->is_world = true;
    world->world = package->worlds.items[i];
    TN_TRY(add_by_name(resolver, known, world, world->world->declaration.name));
  }
  return NULL;
}

/* ---- new packages ---------------------------------------------------------------------------- */

static tn_error *add_new_package(tn_wit_resolver *resolver, const tn_wit_unit *named,
                                 tn_wit_known_package **out) {
  tn_wit_known_package *known = TN_ARENA_NEW(resolver->scratch, tn_wit_known_package);
  tn_wit_package *package = TN_ARENA_NEW(resolver->set->arena, tn_wit_package);
  tn_wit_known_package **slot = TN_VEC_PUSH(resolver->scratch, &resolver->new_packages);
  if (known == NULL || package == NULL || slot == NULL) return tn_error_no_memory();
  package->name = named->package;
  *known = (tn_wit_known_package){.package = package,
                                  .id = tn_wit_package_id(resolver->scratch, named->package),
                                  .place = {named->source, named->package_offset},
                                  .is_new = true,
                                  .number = resolver->new_packages.len - 1};
  if (known->id.data == NULL) return tn_error_no_memory();
  const tn_wit_known_package *other = tn_map_get(&resolver->packages, known->id);
  if (other != NULL) {
    tn_error *error = tn_wit_place_error(
        known->place, "package %" TN_STR_FORMAT " is there already", TN_STR_ARG(known->id));
    if (other->place.source == NULL) return error;
    return tn_error_set_hint(error, "the other one is in %" TN_STR_FORMAT,
                             TN_STR_ARG(other->place.source->path));
  }
  *slot = *out = known;
  return tn_map_put(resolver->scratch, &resolver->packages, known->id, known)
             ? NULL
             : tn_error_no_memory();
}

static tn_error *add_docs(tn_wit_known_package *package, const tn_wit_unit *unit) {
  if (unit->docs.data == NULL) return NULL;
  if (package->package->docs.data != NULL) {
    return tn_wit_place_error((tn_wit_place){unit->source, unit->package_offset},
                              "package %" TN_STR_FORMAT " has comments in more than one file",
                              TN_STR_ARG(package->id));
  }
  package->package->docs = unit->docs;
  return NULL;
}

static tn_error *add_alias(tn_wit_resolver *resolver, tn_wit_unit *unit,
                           const tn_wit_item_syntax *use) {
  if (tn_map_has(&unit->aliases, use->declaration.name)) {
    return tn_wit_place_error(use->declaration.place,
                              "'%" TN_STR_FORMAT "' is declared twice in this file",
                              TN_STR_ARG(use->declaration.name));
  }
  bool is_put = tn_map_put(resolver->scratch, &unit->aliases, use->declaration.name, (void *)use);
  return is_put ? NULL : tn_error_no_memory();
}

/* Interfaces and worlds of a package share their names, upper and lower case being the same. */
static tn_error *add_definition(tn_wit_resolver *resolver, tn_wit_known_package *package,
                                const tn_wit_unit *unit, const tn_wit_definition *definition,
                                tn_map *taken) {
  const tn_wit_declaration *declaration = &definition->declaration;
  tn_str key = tn_label_unique_key(resolver->scratch, declaration->name);
  if (key.data == NULL) return tn_error_no_memory();
  if (tn_map_has(taken, key) || tn_map_has(&unit->aliases, declaration->name)) {
    return tn_wit_place_error(declaration->place, "'%" TN_STR_FORMAT "' is declared twice",
                              TN_STR_ARG(declaration->name));
  }
  if (!tn_map_put(resolver->scratch, taken, key, (void *)definition)) return tn_error_no_memory();
  tn_wit_known *known = NULL;
  TN_TRY(add_known(resolver, package, &known));
  known->syntax = definition;
  known->unit = unit;
  known->is_world = definition->is_world;
  tn_wit_view view = {resolver, package, unit};
  TN_TRY(tn_wit_check_gate(&view, declaration, &known->feature));
  return add_by_name(resolver, package, known, declaration->name);
}

static tn_error *add_unit(tn_wit_resolver *resolver, tn_wit_known_package *package,
                          tn_wit_unit *unit, tn_map *taken) {
  const tn_wit_unit **slot = TN_VEC_PUSH(resolver->scratch, &package->units);
  if (slot == NULL) return tn_error_no_memory();
  *slot = unit;
  TN_TRY(add_docs(package, unit));
  for (uint32_t i = 0; i < unit->uses.len; i++)
    TN_TRY(add_alias(resolver, unit, &unit->uses.items[i]));
  for (uint32_t i = 0; i < unit->definitions.len; i++)
    TN_TRY(add_definition(resolver, package, unit, &unit->definitions.items[i], taken));
  return NULL;
}

static bool same_name(tn_wit_package_name a, tn_wit_package_name b) {
  return tn_str_equal(a.name_space, b.name_space) && tn_str_equal(a.name, b.name) &&
         (a.version.data == NULL) == (b.version.data == NULL) && tn_str_equal(a.version, b.version);
}

/* The file that says what package this is; those that say it have to agree. */
static tn_error *find_named_file(const tn_wit_group *group, const tn_wit_unit **out) {
  *out = NULL;
  for (uint32_t i = 0; i < group->files.len; i++) {
    const tn_wit_unit *file = &group->files.items[i];
    if (file->package.name.data == NULL) continue;
    if (*out == NULL) *out = file;
    if (same_name(file->package, (*out)->package)) continue;
    return tn_error_set_hint(
        tn_wit_place_error((tn_wit_place){file->source, file->package_offset},
                           "this file names another package than %" TN_STR_FORMAT,
                           TN_STR_ARG((*out)->source->path)),
        "the files of a folder are one package; others go into the folder 'deps'");
  }
  if (*out != NULL) return NULL;
  const tn_wit_source *source = group->files.items[0].source;
  return tn_error_set_hint(
      tn_wit_place_error((tn_wit_place){source, 0}, "no file says which package this is"),
      "start one of them with a line such as: package local:demo;");
}

static tn_error *add_group(tn_wit_resolver *resolver, const tn_wit_group *group,
                           tn_wit_package **main) {
  const tn_wit_unit *named = NULL;
  tn_wit_known_package *package = NULL;
  TN_TRY(find_named_file(group, &named));
  TN_TRY(add_new_package(resolver, named, &package));
  *main = package->package;
  tn_map taken = {0};
  for (uint32_t i = 0; i < group->files.len; i++)
    TN_TRY(add_unit(resolver, package, &group->files.items[i], &taken));
  for (uint32_t i = 0; i < group->nested.len; i++) {
    tn_map nested_taken = {0};
    TN_TRY(add_new_package(resolver, &group->nested.items[i], &package));
    TN_TRY(add_unit(resolver, package, &group->nested.items[i], &nested_taken));
  }
  return NULL;
}

/* ---- order ----------------------------------------------------------------------------------- */

typedef tn_error *(*path_visitor)(const tn_wit_view *view, const tn_wit_path *path, uint32_t from,
                                  tn_wit_edges *edges);

/* Calls `visit` for each path in a body that is not gated. */
static tn_error *visit_body(const tn_wit_view *view, const tn_wit_body *body, path_visitor visit,
                            uint32_t from, tn_wit_edges *edges) {
  for (uint32_t i = 0; i < body->len; i++) {
    const tn_wit_item_syntax *item = &body->items[i];
    if (tn_wit_is_gated(view->resolver->set, &item->declaration.gate)) continue;
    if (item->path.name.text.data != NULL) TN_TRY(visit(view, &item->path, from, edges));
    if (item->has_body)
      TN_TRY(visit_body(view, &item->body, visit, from, edges)); /* one level: no worlds within */
  }
  return NULL;
}

static tn_error *push_edge(const tn_wit_view *view, uint32_t from, uint32_t to, uint32_t offset,
                           tn_wit_edges *edges) {
  tn_wit_edge *edge = TN_VEC_PUSH(view->resolver->scratch, edges);
  if (edge == NULL) return tn_error_no_memory();
  *edge = (tn_wit_edge){from, to, tn_wit_view_place(view, offset)};
  return NULL;
}

/* A path into another package: that one is resolved first. */
static tn_error *visit_package(const tn_wit_view *view, const tn_wit_path *path, uint32_t from,
                               tn_wit_edges *edges) {
  if (path->package.name.data == NULL) return NULL;
  tn_wit_known_package *package = NULL;
  TN_TRY(tn_wit_find_package(view, path, &package));
  if (package == view->package) {
    return tn_error_set_hint(
        tn_wit_place_error(tn_wit_view_place(view, path->offset),
                           "package %" TN_STR_FORMAT " cannot use itself", TN_STR_ARG(package->id)),
        "within its package it is called just '%" TN_STR_FORMAT "'", TN_STR_ARG(path->name.text));
  }
  return package->is_new ? push_edge(view, from, package->number, path->offset, edges) : NULL;
}

/* A path within the package. */
static tn_error *visit_definition(const tn_wit_view *view, const tn_wit_path *path, uint32_t from,
                                  tn_wit_edges *edges) {
  tn_wit_known *known = NULL;
  TN_TRY(tn_wit_find_known(view, path, &known));
  if (known->package != view->package) return NULL;
  return push_edge(view, from, known->number, path->name.offset, edges);
}

static tn_error *visit_definitions(tn_wit_resolver *resolver, const tn_wit_known_package *package,
                                   path_visitor visit, const uint32_t *from, tn_wit_edges *edges) {
  for (uint32_t i = 0; i < package->definitions.len; i++) {
    const tn_wit_known *known = package->definitions.items[i];
    tn_wit_view view = {resolver, package, known->unit};
    if (known->feature.data != NULL) continue;
    TN_TRY(visit_body(&view, &known->syntax->body, visit, from != NULL ? *from : i, edges));
  }
  return NULL;
}

static tn_error *visit_uses(tn_wit_resolver *resolver, const tn_wit_known_package *package,
                            tn_wit_edges *edges) {
  for (uint32_t i = 0; i < package->units.len; i++) {
    const tn_wit_unit *unit = package->units.items[i];
    tn_wit_view view = {resolver, package, unit};
    for (uint32_t j = 0; j < unit->uses.len; j++)
      TN_TRY(visit_package(&view, &unit->uses.items[j].path, package->number, edges));
  }
  return NULL;
}

static tn_str package_name(const void *data, uint32_t node) {
  return ((const tn_wit_resolver *)data)->new_packages.items[node]->id;
}

static tn_error *order_packages(tn_wit_resolver *resolver, tn_wit_order *out) {
  tn_wit_edges edges = {0};
  for (uint32_t i = 0; i < resolver->new_packages.len; i++) {
    const tn_wit_known_package *package = resolver->new_packages.items[i];
    TN_TRY(visit_uses(resolver, package, &edges));
    TN_TRY(visit_definitions(resolver, package, visit_package, &i, &edges));
  }
  TN_TRY(tn_wit_find_order(resolver->scratch, resolver->new_packages.len, &edges, out));
  return out->cycle_count == 0 ? NULL
                               : tn_wit_cycle_error(out, "a package", package_name, resolver);
}

static tn_str definition_name(const void *data, uint32_t node) {
  return ((const tn_wit_known_package *)data)->definitions.items[node]->name;
}

static tn_error *order_definitions(tn_wit_resolver *resolver, const tn_wit_known_package *package,
                                   tn_wit_order *out) {
  tn_wit_edges edges = {0};
  TN_TRY(visit_definitions(resolver, package, visit_definition, NULL, &edges));
  TN_TRY(tn_wit_find_order(resolver->scratch, package->definitions.len, &edges, out));
  return out->cycle_count == 0
             ? NULL
             : tn_wit_cycle_error(out, "an interface or world", definition_name, package);
}

/* ---- resolving ------------------------------------------------------------------------------- */

static tn_error *resolve_interface(const tn_wit_view *view, tn_wit_known *known) {
  tn_wit_interface *interface = TN_ARENA_NEW(view->resolver->set->arena, tn_wit_interface);
  if (interface == NULL) return tn_error_no_memory();
  interface->declaration = known->syntax->declaration;
  interface->package = known->package->package;
  known->interface = interface;
  tn_wit_interface **slot =
      TN_VEC_PUSH(view->resolver->set->arena, &known->package->package->interfaces);
  if (slot == NULL) return tn_error_no_memory();
  *slot = interface;
  return tn_wit_resolve_interface(view, &known->syntax->body, interface);
}

static tn_error *resolve_world(const tn_wit_view *view, tn_wit_known *known) {
  tn_wit_world *world = TN_ARENA_NEW(view->resolver->set->arena, tn_wit_world);
  if (world == NULL) return tn_error_no_memory();
  world->declaration = known->syntax->declaration;
  world->package = known->package->package;
  known->world = world;
  tn_wit_world **slot = TN_VEC_PUSH(view->resolver->set->arena, &known->package->package->worlds);
  if (slot == NULL) return tn_error_no_memory();
  *slot = world;
  return tn_wit_resolve_world(view, &known->syntax->body, world);
}

/* What a `use` at the top of a file names has to be there, whether it is needed or not. */
static tn_error *check_uses(tn_wit_resolver *resolver, const tn_wit_known_package *package) {
  for (uint32_t i = 0; i < package->units.len; i++) {
    const tn_wit_unit *unit = package->units.items[i];
    tn_wit_view view = {resolver, package, unit};
    tn_wit_known *known = NULL;
    for (uint32_t j = 0; j < unit->uses.len; j++) {
      const tn_wit_item_syntax *use = &unit->uses.items[j];
      tn_wit_path path = use->path;
      path.name.text = use->declaration.name;
      if (use->path.package.name.data != NULL) path = use->path;
      TN_TRY(tn_wit_find_known(&view, &path, &known));
    }
  }
  return NULL;
}

static tn_error *resolve_package(tn_wit_resolver *resolver, const tn_wit_known_package *package) {
  tn_wit_order order;
  TN_TRY(check_uses(resolver, package));
  TN_TRY(order_definitions(resolver, package, &order));
  for (uint32_t i = 0; i < package->definitions.len; i++) {
    tn_wit_known *known = package->definitions.items[order.nodes[i]];
    tn_wit_view view = {resolver, package, known->unit};
    if (known->feature.data != NULL) {
      TN_TRY(tn_wit_check_gated_body(&view, &known->syntax->body));
    } else {
      TN_TRY(known->is_world ? resolve_world(&view, known) : resolve_interface(&view, known));
    }
  }
  return NULL;
}

/* Makes room first, so that the set has all of the packages or none. */
static tn_error *publish(tn_wit_resolver *resolver, const tn_wit_order *order) {
  tn_wit_set *set = resolver->set;
  uint32_t before = set->packages.len;
  for (uint32_t i = 0; i < resolver->new_packages.len; i++) {
    tn_wit_package **slot = TN_VEC_PUSH(set->arena, &set->packages);
    if (slot == NULL) {
      set->packages.len = before;
      return tn_error_no_memory();
    }
    *slot = resolver->new_packages.items[order->nodes[i]]->package;
  }
  return NULL;
}

tn_error *tn_wit_resolve(tn_wit_set *set, tn_arena *scratch, const tn_wit_group *groups,
                         uint32_t count, tn_wit_package **main) {
  tn_wit_resolver resolver = {.set = set, .scratch = scratch};
  tn_wit_package *first = NULL;
  for (uint32_t i = 0; i < set->packages.len; i++)
    TN_TRY(add_old_package(&resolver, set->packages.items[i]));
  for (uint32_t i = 0; i < count; i++) {
    tn_wit_package *package = NULL;
    TN_TRY(add_group(&resolver, &groups[i], &package));
    if (first == NULL) first = package;
  }
  tn_wit_order order;
  TN_TRY(order_packages(&resolver, &order));
  for (uint32_t i = 0; i < resolver.new_packages.len; i++)
    TN_TRY(resolve_package(&resolver, resolver.new_packages.items[order.nodes[i]]));
  TN_TRY(publish(&resolver, &order));
  first->is_root = true;
  *main = first;
  return NULL;
}

tn_error *tn_wit_parse_package(tn_wit_set *set, const tn_wit_source *sources, uint32_t count,
                               tn_wit_package **main) {
  tn_arena scratch = {0};
  tn_wit_group group = {0};
  tn_error *error = NULL;
  for (uint32_t i = 0; i < count && error == NULL; i++)
    error = tn_wit_parse_source(&scratch, set->arena, &sources[i], &group);
  if (error == NULL) error = tn_wit_resolve(set, &scratch, &group, 1, main);
  tn_arena_free(&scratch);
  return error;
}
