/* What names and paths stand for, and what to say when they stand for nothing.
 * WIT.md#name-resolution, #feature-gates */
#include "base/buffer.h"
#include "base/nearest.h"
#include "component/extern_name.h"
#include "wit/package/resolve.h"

/* ---- gates ----------------------------------------------------------------------------------- */

static bool has_feature(const tn_wit_set *set, tn_str feature) {
  for (uint32_t i = 0; i < set->features.len; i++) {
    if (tn_str_equal(set->features.items[i], feature)) return true;
  }
  return set->all_features;
}

bool tn_wit_is_gated(const tn_wit_set *set, const tn_wit_gate *gate) {
  return gate->feature.data != NULL && !has_feature(set, gate->feature);
}

static tn_error *check_since(const tn_wit_view *view, const tn_wit_declaration *declaration) {
  tn_str since = declaration->gate.since;
  tn_str current = view->package->package->name.version;
  if (current.data == NULL) {
    return tn_error_set_hint(
        tn_wit_place_error(declaration->place,
                           "@since needs a package with a version, and %" TN_STR_FORMAT " has none",
                           TN_STR_ARG(view->package->id)),
        "package %" TN_STR_FORMAT "@%" TN_STR_FORMAT ";", TN_STR_ARG(view->package->id),
        TN_STR_ARG(since));
  }
  tn_semver wanted;
  tn_semver given;
  TN_TRY(tn_semver_parse(since, &wanted));
  TN_TRY(tn_semver_parse(current, &given));
  if (tn_semver_compare(&wanted, &given) <= 0) return NULL;
  return tn_wit_place_error(declaration->place,
                            "this is @since %" TN_STR_FORMAT
                            ", but the package has only come to %" TN_STR_FORMAT,
                            TN_STR_ARG(since), TN_STR_ARG(current));
}

tn_error *tn_wit_check_gate(const tn_wit_view *view, const tn_wit_declaration *declaration,
                            tn_str *feature) {
  *feature = (tn_str){0};
  if (declaration->gate.since.data != NULL) return check_since(view, declaration);
  if (tn_wit_is_gated(view->resolver->set, &declaration->gate))
    *feature = declaration->gate.feature;
  return NULL;
}

static tn_error *gated_error(tn_wit_place place, const char *what, tn_str name, tn_str feature) {
  return tn_error_set_hint(
      tn_wit_place_error(place,
                         "%s '%" TN_STR_FORMAT "' is @unstable and its feature '%" TN_STR_FORMAT
                         "' is not enabled",
                         what, TN_STR_ARG(name), TN_STR_ARG(feature)),
      "`features` %" TN_STR_FORMAT " enables it; or put the same gate here", TN_STR_ARG(feature));
}

/* ---- packages -------------------------------------------------------------------------------- */

tn_str tn_wit_package_id(tn_arena *arena, tn_wit_package_name name) {
  return tn_arena_format(arena, "%" TN_STR_FORMAT ":%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
                         TN_STR_ARG(name.name_space), TN_STR_ARG(name.name),
                         name.version.data == NULL ? "" : "@", TN_STR_ARG(name.version));
}

/* The other versions of a package that are there, "@1.0.0, @2.0.0"; empty if there are none. */
static void append_versions(const tn_wit_resolver *resolver, tn_wit_package_name name,
                            tn_buffer *out) {
  for (const tn_map_entry *entry = tn_map_next(&resolver->packages, NULL); entry != NULL;
       entry = tn_map_next(&resolver->packages, entry)) {
    tn_wit_package_name other = ((const tn_wit_known_package *)entry->value)->package->name;
    if (!tn_str_equal(other.name, name.name) || !tn_str_equal(other.name_space, name.name_space))
      continue;
    if (out->len > 0) tn_buffer_append_text(out, ", ");
    tn_buffer_append_text(out, other.version.data == NULL ? "without a version" : "@");
    tn_buffer_append_str(out, other.version);
  }
}

static tn_str nearest_package(const tn_wit_resolver *resolver, tn_str id) {
  tn_str best = {0};
  for (const tn_map_entry *entry = tn_map_next(&resolver->packages, NULL); entry != NULL;
       entry = tn_map_next(&resolver->packages, entry))
    best = tn_nearest_of(id, best, entry->key);
  return best;
}

static tn_error *no_package_error(const tn_wit_view *view, const tn_wit_path *path, tn_str id) {
  const tn_wit_resolver *resolver = view->resolver;
  tn_error *error = tn_wit_place_error(tn_wit_view_place(view, path->offset),
                                       "there is no package %" TN_STR_FORMAT, TN_STR_ARG(id));
  tn_buffer versions = {0};
  append_versions(resolver, path->package, &versions);
  tn_str nearest = nearest_package(resolver, id);
  if (versions.len > 0) {
    error = tn_error_set_hint(
        error, "of this package there is %" TN_STR_FORMAT " (versions have to be equal)",
        TN_STR_ARG(tn_buffer_str(&versions)));
  } else if (nearest.data != NULL && !tn_str_equal(nearest, view->package->id)) {
    error = tn_error_set_hint(error, "did you mean %" TN_STR_FORMAT "?", TN_STR_ARG(nearest));
  } else {
    error = tn_error_set_hint(
        error,
        "where a folder is given, what it uses is in its folder 'deps': deps/%" TN_STR_FORMAT
        "/*.wit or deps/%" TN_STR_FORMAT ".wit",
        TN_STR_ARG(path->package.name), TN_STR_ARG(path->package.name));
  }
  tn_buffer_free(&versions);
  return error;
}

tn_error *tn_wit_find_package(const tn_wit_view *view, const tn_wit_path *path,
                              tn_wit_known_package **out) {
  tn_wit_resolver *resolver = view->resolver;
  bool is_own = path->package.name.data == NULL;
  tn_str id = is_own ? view->package->id : tn_wit_package_id(resolver->scratch, path->package);
  if (id.data == NULL) return tn_error_no_memory();
  *out = tn_map_get(&resolver->packages, id);
  return *out == NULL ? no_package_error(view, path, id) : NULL;
}

/* ---- interfaces and worlds ------------------------------------------------------------------- */

/* Whether a name stands right behind a ':', as in "wasi:cli", which is no path but a label and a name. */
static bool looks_like_package(const tn_wit_view *view, const tn_wit_word *name) {
  return name->offset > 0 && view->unit->source->text.data[name->offset - 1] == ':';
}

static tn_error *no_definition_error(const tn_wit_view *view, const tn_wit_known_package *package,
                                     const tn_wit_word *name) {
  tn_error *error = tn_wit_place_error(tn_wit_view_place(view, name->offset),
                                       "package %" TN_STR_FORMAT
                                       " has no interface or world '%" TN_STR_FORMAT "'",
                                       TN_STR_ARG(package->id), TN_STR_ARG(name->text));
  tn_str best = {0};
  for (uint32_t i = 0; i < package->definitions.len; i++)
    best = tn_nearest_of(name->text, best, package->definitions.items[i]->name);
  if (best.data != NULL)
    return tn_error_set_hint(error, "did you mean '%" TN_STR_FORMAT "'?", TN_STR_ARG(best));
  if (!looks_like_package(view, name)) return error;
  return tn_error_set_hint(error, "an interface of another package is written a:b/interface");
}

static tn_error *find_in_package(const tn_wit_view *view, const tn_wit_path *path,
                                 tn_wit_known **out) {
  tn_wit_known_package *package = NULL;
  TN_TRY(tn_wit_find_package(view, path, &package));
  *out = tn_map_get(&package->by_name, path->name.text);
  return *out == NULL ? no_definition_error(view, package, &path->name) : NULL;
}

tn_error *tn_wit_find_known(const tn_wit_view *view, const tn_wit_path *path, tn_wit_known **out) {
  if (path->package.name.data == NULL) {
    const tn_wit_item_syntax *alias = tn_map_get(&view->unit->aliases, path->name.text);
    if (alias != NULL) return find_in_package(view, &alias->path, out);
  }
  return find_in_package(view, path, out);
}

/* What a path stands for, which has to be there and be a world or not. */
static tn_error *find_kind(const tn_wit_view *view, const tn_wit_path *path, bool is_world,
                           tn_wit_known **out) {
  TN_TRY(tn_wit_find_known(view, path, out));
  tn_wit_place place = tn_wit_view_place(view, path->name.offset);
  if ((*out)->is_world != is_world) {
    return tn_wit_place_error(place, "'%" TN_STR_FORMAT "' is %s", TN_STR_ARG(path->name.text),
                              is_world ? "an interface, not a world" : "a world, not an interface");
  }
  if ((*out)->feature.data != NULL)
    return gated_error(place, is_world ? "world" : "interface", path->name.text, (*out)->feature);
  return NULL;
}

tn_error *tn_wit_find_interface(const tn_wit_view *view, const tn_wit_path *path,
                                tn_wit_interface **out) {
  tn_wit_known *known = NULL;
  TN_TRY(find_kind(view, path, false, &known));
  *out = known->interface;
  return NULL;
}

tn_error *tn_wit_find_included(const tn_wit_view *view, const tn_wit_path *path,
                               const tn_wit_world **out) {
  tn_wit_known *known = NULL;
  TN_TRY(find_kind(view, path, true, &known));
  *out = known->world;
  return NULL;
}

/* ---- types of other interfaces --------------------------------------------------------------- */

static bool add_used_interface(tn_wit_resolver *resolver, tn_wit_interface_facts *facts,
                               tn_pointer_map *seen, const tn_wit_interface *used) {
  if (used == NULL || tn_pointer_map_get(seen, used) != NULL) return true;
  const tn_wit_interface **slot = TN_VEC_PUSH(resolver->scratch, &facts->uses);
  if (slot == NULL) return false;
  *slot = used;
  return tn_pointer_map_put(resolver->scratch, seen, used, used);
}

const tn_wit_interface_facts *tn_wit_facts_of(tn_wit_resolver *resolver,
                                              const tn_wit_interface *interface) {
  const tn_wit_interface_facts *known = tn_pointer_map_get(&resolver->facts, interface);
  if (known != NULL) return known;
  tn_wit_interface_facts *facts = TN_ARENA_NEW(resolver->scratch, tn_wit_interface_facts);
  if (facts == NULL) return NULL;
  bool has_name = interface->declaration.name.data != NULL;
  facts->id =
      has_name ? tn_str_from(tn_wit_interface_id(resolver->set->arena, interface)) : (tn_str){0};
  if (has_name && facts->id.data == NULL) return NULL;
  tn_pointer_map seen = {0};
  for (uint32_t i = 0; i < interface->types.len; i++) {
    tn_wit_type *type = interface->types.items[i];
    if (!tn_map_put(resolver->scratch, &facts->types, type->declaration.name, type)) return NULL;
    if (type->is_use && !add_used_interface(resolver, facts, &seen, type->element->interface))
      return NULL;
  }
  return tn_pointer_map_put(resolver->scratch, &resolver->facts, interface, facts) ? facts : NULL;
}

static tn_error *no_type_error(const tn_wit_view *view, const tn_wit_interface *interface,
                               const tn_wit_word *name) {
  tn_wit_place place = tn_wit_view_place(view, name->offset);
  const tn_map *gated = tn_pointer_map_get(&view->resolver->gated, interface);
  const tn_str *feature = gated == NULL ? NULL : tn_map_get(gated, name->text);
  if (feature != NULL) return gated_error(place, "type", name->text, *feature);
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    const tn_wit_function *function = interface->functions.items[i];
    if (function->resource != NULL || !tn_str_equal(function->declaration.name, name->text))
      continue;
    return tn_wit_place_error(
        place, "'%" TN_STR_FORMAT "' is a function: only types can be used by others",
        TN_STR_ARG(name->text));
  }
  tn_str best = {0};
  for (uint32_t i = 0; i < interface->types.len; i++)
    best = tn_nearest_of(name->text, best, interface->types.items[i]->declaration.name);
  tn_error *error =
      tn_wit_place_error(place, "interface '%" TN_STR_FORMAT "' has no type '%" TN_STR_FORMAT "'",
                         TN_STR_ARG(interface->declaration.name), TN_STR_ARG(name->text));
  return best.data == NULL
             ? error
             : tn_error_set_hint(error, "did you mean '%" TN_STR_FORMAT "'?", TN_STR_ARG(best));
}

tn_error *tn_wit_find_used(const tn_wit_view *view, const tn_wit_interface *interface,
                           const tn_wit_word *name, tn_wit_type **out) {
  const tn_wit_interface_facts *facts = tn_wit_facts_of(view->resolver, interface);
  if (facts == NULL) return tn_error_no_memory();
  *out = tn_map_get(&facts->types, name->text);
  return *out == NULL ? no_type_error(view, interface, name) : NULL;
}
