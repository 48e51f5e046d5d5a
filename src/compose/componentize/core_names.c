#include "compose/componentize/core_names.h"

#include "component/extern_name.h"

static const tn_str standard_prefix = {"cm32p2", 6};

/* What the standard scheme calls an interface: with no more of the version than all compatible ones share. */
static tn_str standard_interface(tn_str interface) {
  return interface.data == NULL ? TN_STR("") : tn_name_track(interface);
}

/* ---- exports ---------------------------------------------------------------------------------------------- */

tn_error *tn_core_export_name(tn_arena *arena, tn_core_scheme scheme, tn_core_role role,
                              tn_str interface, tn_str name, tn_str *out) {
  /* What stands before all, and what before or behind the name of the function. */
  static const struct {
    const char *before;
    const char *infix;
    const char *standard_suffix; /* NULL: the standard scheme has none */
  } roles[TN_ROLE_COUNT] = {
      [TN_ROLE_FUNCTION] = {"", "", ""},
      [TN_ROLE_ASYNC] = {"[async-lift]", "", NULL},
      [TN_ROLE_STACKFUL] = {"[async-lift-stackful]", "", NULL},
      [TN_ROLE_CALLBACK] = {"[callback][async-lift]", "", NULL},
      [TN_ROLE_POST_RETURN] = {"cabi_post_", "", "_post"},
      [TN_ROLE_DESTRUCTOR] = {"", "[dtor]", "_dtor"},
  };
  *out = (tn_str){NULL, 0};
  if (scheme == TN_SCHEME_STANDARD) {
    if (roles[role].standard_suffix == NULL) return NULL;
    tn_str track = standard_interface(interface);
    *out = tn_arena_format(arena, "cm32p2|%" TN_STR_FORMAT "|%" TN_STR_FORMAT "%s",
                           TN_STR_ARG(track), TN_STR_ARG(name), roles[role].standard_suffix);
  } else if (interface.data == NULL) {
    *out = tn_arena_format(arena, "%s%s%" TN_STR_FORMAT, roles[role].before, roles[role].infix,
                           TN_STR_ARG(name));
  } else {
    *out = tn_arena_format(arena, "%s%" TN_STR_FORMAT "#%s%" TN_STR_FORMAT, roles[role].before,
                           TN_STR_ARG(interface), roles[role].infix, TN_STR_ARG(name));
  }
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

tn_str tn_core_fixture_name(tn_core_scheme scheme, tn_core_fixture fixture) {
  static const char *const names[][TN_SCHEME_COUNT] = {
      [TN_FIXTURE_MEMORY] = {"memory", "cm32p2_memory"},
      [TN_FIXTURE_REALLOC] = {"cabi_realloc", "cm32p2_realloc"},
      [TN_FIXTURE_INITIALIZE] = {"_initialize", "cm32p2_initialize"},
  };
  return tn_str_from(names[fixture][scheme]);
}

/* ---- imports ---------------------------------------------------------------------------------------------- */

static bool strip_prefix(tn_str *name, tn_str prefix) {
  if (!tn_str_starts_with(*name, prefix)) return false;
  *name = tn_str_slice(*name, prefix.len, name->len);
  return true;
}

static bool strip_suffix(tn_str *name, tn_str suffix) {
  if (!tn_str_ends_with(*name, suffix)) return false;
  *name = tn_str_slice(*name, 0, name->len - suffix.len);
  return true;
}

tn_core_place tn_core_place_of(tn_str module) {
  tn_core_place place = {TN_SCHEME_LEGACY, module, false};
  tn_str rest = module;
  bool is_standard =
      strip_prefix(&rest, standard_prefix) && (rest.len == 0 || strip_prefix(&rest, TN_STR("|")));
  if (is_standard) {
    place.scheme = TN_SCHEME_STANDARD;
    place.is_own = strip_prefix(&rest, TN_STR("_ex_"));
    place.interface = rest.len == 0 ? (tn_str){NULL, 0} : rest;
    return place;
  }
  place.is_own = strip_prefix(&place.interface, TN_STR("[export]"));
  if (tn_str_equal(place.interface, TN_STR("$root"))) place.interface = (tn_str){NULL, 0};
  return place;
}

tn_error *tn_core_place_name(tn_arena *arena, const tn_core_place *place, tn_str *out) {
  if (place->scheme == TN_SCHEME_STANDARD) {
    tn_str track = standard_interface(place->interface);
    bool is_root = place->interface.data == NULL && !place->is_own;
    *out = tn_arena_format(arena, "cm32p2%s%s%" TN_STR_FORMAT, is_root ? "" : "|",
                           place->is_own ? "_ex_" : "", TN_STR_ARG(track));
  } else {
    tn_str interface = place->interface.data == NULL ? TN_STR("$root") : place->interface;
    *out = tn_arena_format(arena, "%s%" TN_STR_FORMAT, place->is_own ? "[export]" : "",
                           TN_STR_ARG(interface));
  }
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static const struct {
  const char *prefix[TN_SCHEME_COUNT];
  const char *suffix[TN_SCHEME_COUNT];
} import_kinds[] = {
    [TN_IMPORT_FUNCTION] = {{"", ""}, {"", ""}},
    [TN_IMPORT_RESOURCE_DROP] = {{"[resource-drop]", ""}, {"", "_drop"}},
    [TN_IMPORT_RESOURCE_NEW] = {{"[resource-new]", ""}, {"", "_new"}},
    [TN_IMPORT_RESOURCE_REP] = {{"[resource-rep]", ""}, {"", "_rep"}},
};

bool tn_core_import_strip(tn_core_scheme scheme, tn_core_import_kind kind, tn_str *name) {
  tn_str rest = *name;
  if (!strip_prefix(&rest, tn_str_from(import_kinds[kind].prefix[scheme])) ||
      !strip_suffix(&rest, tn_str_from(import_kinds[kind].suffix[scheme])))
    return false;
  *name = rest;
  return true;
}

tn_error *tn_core_import_name(tn_arena *arena, tn_core_scheme scheme, tn_core_import_kind kind,
                              tn_str name, tn_str *out) {
  *out = tn_arena_format(arena, "%s%" TN_STR_FORMAT "%s", import_kinds[kind].prefix[scheme],
                         TN_STR_ARG(name), import_kinds[kind].suffix[scheme]);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- finding exports -------------------------------------------------------------------------------------- */

bool tn_core_is_same_but_for_version(tn_str a, tn_str b) {
  size_t a_end = tn_str_find(a, '#', 0), b_end = tn_str_find(b, '#', 0);
  if (!tn_str_equal(tn_str_slice(a, a_end, a.len), tn_str_slice(b, b_end, b.len))) return false;
  /* Behind the '@' there is the version alone, whatever is in front of the interface. */
  size_t a_at = tn_str_find(a, '@', 0), b_at = tn_str_find(b, '@', 0);
  if (a_at >= a_end || b_at >= b_end ||
      !tn_str_equal(tn_str_slice(a, 0, a_at), tn_str_slice(b, 0, b_at)))
    return false;
  return tn_str_equal(tn_version_track(tn_str_slice(a, a_at + 1, a_end)),
                      tn_version_track(tn_str_slice(b, b_at + 1, b_end)));
}

static const tn_core_export *of_kind(const tn_core_export *export_, tn_core_extern_kind kind) {
  return export_ != NULL && export_->type.kind == kind ? export_ : NULL;
}

const tn_core_export *tn_core_find_function(const tn_core_exports *exports, tn_str name) {
  return of_kind(tn_map_get(&exports->by_name, name), TN_CORE_EXTERN_FUNC);
}

static const tn_core_export *find_compatible(const tn_core_exports *exports, tn_str name) {
  const tn_core_export *found = tn_core_find_function(exports, name);
  for (uint32_t i = 0; found == NULL && i < exports->count; i++) {
    if (tn_core_is_same_but_for_version(exports->all[i].name, name))
      found = of_kind(&exports->all[i], TN_CORE_EXTERN_FUNC);
  }
  return found;
}

/* Some tools write a destructor as if it were asynchronous, which it never is. */
static tn_error *find_marked_destructor(tn_arena *arena, const tn_core_exports *exports,
                                        tn_str name, const tn_core_export **out) {
  static const char *const marks[] = {"[async-lift]", "[async-lift-stackful]"};
  for (size_t i = 0; *out == NULL && i < sizeof marks / sizeof *marks; i++) {
    tn_str marked = tn_arena_format(arena, "%s%" TN_STR_FORMAT, marks[i], TN_STR_ARG(name));
    if (marked.data == NULL) return tn_error_no_memory();
    *out = find_compatible(exports, marked);
  }
  return NULL;
}

tn_error *tn_core_find_export(tn_arena *arena, const tn_core_exports *exports, tn_core_role role,
                              tn_str interface, tn_str name, const tn_core_export **out) {
  tn_str legacy, standard;
  TN_TRY(tn_core_export_name(arena, TN_SCHEME_LEGACY, role, interface, name, &legacy));
  TN_TRY(tn_core_export_name(arena, TN_SCHEME_STANDARD, role, interface, name, &standard));
  *out = exports->no_legacy ? NULL : find_compatible(exports, legacy);
  bool may_be_marked = role == TN_ROLE_DESTRUCTOR && !exports->no_legacy;
  if (*out == NULL && may_be_marked) TN_TRY(find_marked_destructor(arena, exports, legacy, out));
  if (*out == NULL && standard.data != NULL) *out = tn_core_find_function(exports, standard);
  return NULL;
}

const tn_core_export *tn_core_find_fixture(const tn_core_exports *exports,
                                           tn_core_fixture fixture) {
  tn_core_extern_kind kind =
      fixture == TN_FIXTURE_MEMORY ? TN_CORE_EXTERN_MEMORY : TN_CORE_EXTERN_FUNC;
  for (int scheme = exports->no_legacy ? TN_SCHEME_STANDARD : TN_SCHEME_LEGACY;
       scheme < TN_SCHEME_COUNT; scheme++) {
    tn_str name = tn_core_fixture_name((tn_core_scheme)scheme, fixture);
    const tn_core_export *found = of_kind(tn_map_get(&exports->by_name, name), kind);
    if (found != NULL) return found;
  }
  return NULL;
}

const tn_core_export *tn_core_find_realloc(const tn_core_exports *exports, tn_core_realloc use) {
  static const char *const special[TN_REALLOC_COUNT] = {
      [TN_REALLOC_FOR_IMPORTS] = "cabi_import_realloc",
      [TN_REALLOC_FOR_EXPORTS] = "cabi_export_realloc",
      [TN_REALLOC_FOR_ADAPTERS] = "cabi_realloc_adapter",
  };
  const tn_core_export *found = tn_core_find_function(exports, tn_str_from(special[use]));
  if (found == NULL) found = tn_core_find_fixture(exports, TN_FIXTURE_REALLOC);
  return found != NULL ? found : tn_core_find_function(exports, TN_STR("canonical_abi_realloc"));
}
