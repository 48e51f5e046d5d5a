/* What does not change a type: the package's version, documentation, and gates. Documentation breaks nobody. Neither
 * do @since and @deprecated, which only tell people something. What is @unstable is not there for those who have not
 * enabled its feature: when a gate of this kind comes, something goes for them, and the other way round. */
#include "component/extern_name.h"
#include "wit/package/compare_parts.h"

static const tn_str nothing = {NULL, 0};

static bool is_there(tn_str text) {
  return text.data != NULL;
}

static bool is_same(tn_str a, tn_str b) {
  return is_there(a) == is_there(b) && tn_str_equal(a, b);
}

static tn_wit_change_kind kind_of(tn_str before, tn_str after) {
  if (!is_there(before)) return TN_WIT_ADDED;
  return is_there(after) ? TN_WIT_CHANGED : TN_WIT_REMOVED;
}

/* "function get, @since", or only "@since" of what the owner is. */
static tn_error *part_of(const tn_wit_comparer *c, tn_str what, const char *part, tn_str *out) {
  *out = !is_there(what)
             ? tn_str_from(part)
             : tn_arena_format(c->arena, "%" TN_STR_FORMAT ", %s", TN_STR_ARG(what), part);
  return is_there(*out) ? NULL : tn_error_no_memory();
}

tn_error *tn_wit_compare_docs(tn_wit_comparer *c, tn_str what, tn_str before, tn_str after) {
  tn_str where;
  if (!c->has_notes || is_same(before, after)) return NULL;
  TN_TRY(part_of(c, what, "documentation", &where));
  return tn_wit_report(c, kind_of(before, after), BREAKS_NONE, where, nothing, nothing);
}

static tn_error *compare_gate(tn_wit_comparer *c, tn_str what, const char *gate, tn_wit_broken whom,
                              tn_str before, tn_str after) {
  tn_str where;
  if (is_same(before, after)) return NULL;
  TN_TRY(part_of(c, what, gate, &where));
  return tn_wit_report(c, kind_of(before, after), whom, where, before, after);
}

static tn_wit_broken broken_by_feature(tn_str before, tn_str after) {
  int whom = (is_there(after) ? BREAKS_IMPORTERS : 0) | (is_there(before) ? BREAKS_EXPORTERS : 0);
  return (tn_wit_broken)whom;
}

tn_error *tn_wit_compare_notes(tn_wit_comparer *c, tn_str what, const tn_wit_declaration *before,
                               const tn_wit_declaration *after) {
  const tn_wit_gate *old = &before->gate, *new = &after->gate;
  if (!c->has_notes) return NULL;
  TN_TRY(tn_wit_compare_docs(c, what, before->docs, after->docs));
  TN_TRY(compare_gate(c, what, "@since", BREAKS_NONE, old->since, new->since));
  TN_TRY(compare_gate(c, what, "@unstable", broken_by_feature(old->feature, new->feature),
                      old->feature, new->feature));
  return compare_gate(c, what, "@deprecated", BREAKS_NONE, old->deprecated, new->deprecated);
}

/* ---- packages ---------------------------------------------------------------------------------------- */

static tn_error *name_text(tn_wit_comparer *c, const tn_wit_package *package, tn_str *out) {
  *out = tn_arena_format(c->arena, "%" TN_STR_FORMAT ":%" TN_STR_FORMAT,
                         TN_STR_ARG(package->name.name_space), TN_STR_ARG(package->name.name));
  return is_there(*out) ? NULL : tn_error_no_memory();
}

/* Imports are met by exports of a compatible version: 1.2.0 by 1.9.3, but not by 2.0.0 or by none. */
static tn_wit_broken broken_by_version(tn_str before, tn_str after) {
  bool is_compatible = is_there(before) && is_there(after) &&
                       tn_str_equal(tn_version_track(before), tn_version_track(after));
  return is_compatible ? BREAKS_NONE : BREAKS_BOTH;
}

tn_error *tn_wit_compare_package_names(tn_wit_comparer *c, const tn_wit_package *before,
                                       const tn_wit_package *after) {
  tn_str old, new, versions[] = {before->name.version, after->name.version};
  TN_TRY(name_text(c, before, &old));
  TN_TRY(name_text(c, after, &new));
  if (!tn_str_equal(old, new)) {
    TN_TRY(tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, TN_STR("name of the package"), old, new));
  }
  if (!is_same(versions[0], versions[1])) {
    TN_TRY(tn_wit_report(c, kind_of(versions[0], versions[1]),
                         broken_by_version(versions[0], versions[1]),
                         TN_STR("version of the package"), versions[0], versions[1]));
  }
  return tn_wit_compare_docs(c, TN_STR("package"), before->docs, after->docs);
}
