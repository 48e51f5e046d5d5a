/* What changed between two packages, and whom that breaks.
 *
 * In the component model two types are the same when they are built the same, whatever they are called; only
 * resources are what they are called. An instance may stand for another when it has at least its exports, with
 * the same types (Subtyping.md). So a new function breaks those who export the interface and a lost one those
 * who import it, and every other change breaks both. */
#include "component/extern_name.h"
#include "wit/package/compare_parts.h"

/* Types may share their parts: comparing those is bounded. */
enum { MAX_STEPS = 20000000, MAX_DEPTH = 200 };

/* ---- reporting --------------------------------------------------------------------------------------- */

tn_error *tn_wit_report(tn_wit_comparer *c, tn_wit_change_kind kind, tn_wit_broken whom,
                        tn_str what, tn_str before, tn_str after) {
  tn_wit_change *change = TN_VEC_PUSH(c->arena, c->out);
  if (change == NULL) return tn_error_no_memory();
  bool has_owner = c->owner.data != NULL && what.data != NULL;
  tn_str where = c->owner.data != NULL ? c->owner : what;
  if (has_owner) {
    where = tn_arena_format(c->arena, "%" TN_STR_FORMAT ", %" TN_STR_FORMAT, TN_STR_ARG(c->owner),
                            TN_STR_ARG(what));
  }
  if (where.data == NULL) return tn_error_no_memory();
  bool importers = (whom & BREAKS_IMPORTERS) != 0;
  bool exporters = (whom & BREAKS_EXPORTERS) != 0;
  *change = (tn_wit_change){.kind = kind,
                            .where = where,
                            .before = before,
                            .after = after,
                            .breaks_importers = c->is_import ? exporters : importers,
                            .breaks_exporters = c->is_import ? importers : exporters};
  return NULL;
}

tn_error *tn_wit_phrase(tn_wit_comparer *c, const char *what, tn_str name, tn_str *out) {
  *out = tn_arena_format(c->arena, "%s %" TN_STR_FORMAT, what, TN_STR_ARG(name));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *function_text(tn_wit_comparer *c, const tn_wit_function *function, tn_str *out) {
  tn_buffer text = {0};
  return tn_wit_take_text(c, tn_wit_print_function_type(&text, function), &text, out);
}

/* ---- equality ---------------------------------------------------------------------------------------- */

static bool same_type(tn_wit_comparer *c, const tn_wit_type *a, const tn_wit_type *b,
                      uint32_t depth);

static bool same_members(tn_wit_comparer *c, const tn_wit_type *a, const tn_wit_type *b,
                         uint32_t depth) {
  if (a->member_count != b->member_count) return false;
  for (uint32_t i = 0; i < a->member_count; i++) {
    if (!tn_str_equal(a->members[i].name, b->members[i].name)) return false;
    if (!same_type(c, a->members[i].type, b->members[i].type, depth)) return false;
  }
  return true;
}

/* Whether two types are built the same. Types of one name are taken for the same: where those differ is
 * reported. */
static bool same_type(tn_wit_comparer *c, const tn_wit_type *a, const tn_wit_type *b,
                      uint32_t depth) {
  if (a == NULL || b == NULL) return a == b;
  if (depth == MAX_DEPTH || c->steps++ >= MAX_STEPS) return false;
  bool is_named = a->declaration.name.data != NULL && b->declaration.name.data != NULL;
  if (is_named && tn_wit_same_reference(&c->how, a, b)) return true;
  a = tn_wit_type_root(a);
  b = tn_wit_type_root(b);
  if (a->kind != b->kind || a->primitive != b->primitive || a->length != b->length) return false;
  if (a->kind == TN_WIT_KIND_RESOURCE) return tn_wit_same_reference(&c->how, a, b);
  return same_members(c, a, b, depth + 1) && same_type(c, a->element, b->element, depth + 1) &&
         same_type(c, a->error, b->error, depth + 1) && same_type(c, a->key, b->key, depth + 1);
}

/* ---- members ----------------------------------------------------------------------------------------- */

static const char *member_word(const tn_wit_type *type) {
  if (type->kind == TN_WIT_KIND_RECORD) return "field";
  return type->kind == TN_WIT_KIND_FLAGS ? "flag" : "case";
}

/* Members by their names. */
static tn_error *index_members(tn_wit_comparer *c, const tn_wit_member *members, uint32_t count,
                               tn_map *out) {
  for (uint32_t i = 0; i < count; i++) {
    if (members[i].name.data == NULL) continue;
    if (!tn_map_put(c->arena, out, members[i].name, (void *)&members[i]))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *report_member(tn_wit_comparer *c, tn_str whose, const char *word,
                               const tn_wit_member *before, const tn_wit_member *after) {
  tn_str name;
  tn_str texts[2] = {{NULL, 0}, {NULL, 0}};
  tn_wit_change_kind kind = before == NULL  ? TN_WIT_ADDED
                            : after == NULL ? TN_WIT_REMOVED
                                            : TN_WIT_CHANGED;
  bool has_type =
      (before != NULL && before->type != NULL) || (after != NULL && after->type != NULL);
  TN_TRY(tn_wit_phrase(c, word, before != NULL ? before->name : after->name, &name));
  tn_str what = tn_arena_format(c->arena, "%" TN_STR_FORMAT ", %" TN_STR_FORMAT, TN_STR_ARG(whose),
                                TN_STR_ARG(name));
  if (what.data == NULL) return tn_error_no_memory();
  if (has_type)
    TN_TRY(tn_wit_type_texts(c, before != NULL ? before->type : NULL,
                             after != NULL ? after->type : NULL, texts));
  if (before == NULL) texts[0] = (tn_str){NULL, 0};
  if (after == NULL) texts[1] = (tn_str){NULL, 0};
  return tn_wit_report(c, kind, BREAKS_BOTH, what, texts[0], texts[1]);
}

static bool is_same_order(const tn_wit_member *a, const tn_wit_member *b, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!tn_str_equal(a[i].name, b[i].name)) return false;
  }
  return true;
}

static tn_error *compare_member_docs(tn_wit_comparer *c, tn_str whose, const char *word,
                                     const tn_wit_member *before, const tn_wit_member *after) {
  if (before == NULL || !c->has_notes) return NULL;
  tn_str what = tn_arena_format(c->arena, "%" TN_STR_FORMAT ", %s %" TN_STR_FORMAT,
                                TN_STR_ARG(whose), word, TN_STR_ARG(after->name));
  return what.data == NULL ? tn_error_no_memory()
                           : tn_wit_compare_docs(c, what, before->docs, after->docs);
}

/* Fields, cases or parameters. */
static tn_error *compare_members(tn_wit_comparer *c, tn_str whose, const char *word,
                                 const tn_wit_member *before, uint32_t before_count,
                                 const tn_wit_member *after, uint32_t after_count) {
  tn_map old = {0};
  tn_map new = {0};
  uint32_t reported = c->out->len;
  TN_TRY(index_members(c, before, before_count, &old));
  TN_TRY(index_members(c, after, after_count, &new));
  for (uint32_t i = 0; i < after_count; i++) {
    const tn_wit_member *was = tn_map_get(&old, after[i].name);
    if (was == NULL || !same_type(c, was->type, after[i].type, 0)) {
      TN_TRY(report_member(c, whose, word, was, &after[i]));
    }
  }
  for (uint32_t i = 0; i < before_count; i++) {
    if (!tn_map_has(&new, before[i].name)) TN_TRY(report_member(c, whose, word, &before[i], NULL));
  }
  bool is_same = c->out->len == reported;
  for (uint32_t i = 0; i < after_count; i++)
    TN_TRY(compare_member_docs(c, whose, word, tn_map_get(&old, after[i].name), &after[i]));
  if (!is_same || is_same_order(before, after, before_count)) return NULL;
  tn_str what =
      tn_arena_format(c->arena, "%" TN_STR_FORMAT ", order of the %ss", TN_STR_ARG(whose), word);
  return what.data == NULL ? tn_error_no_memory()
                           : tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, (tn_str){NULL, 0},
                                           (tn_str){NULL, 0});
}

/* ---- types ------------------------------------------------------------------------------------------- */

/* Two types that are called something: only that counts, what is behind the names is reported there. */
static tn_error *compare_aliases(tn_wit_comparer *c, const tn_wit_type *before,
                                 const tn_wit_type *after, tn_str what) {
  tn_str texts[2];
  if (same_type(c, before->element, after->element, 0)) return NULL;
  TN_TRY(tn_wit_type_texts(c, before->element, after->element, texts));
  return tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, texts[0], texts[1]);
}

static tn_error *compare_type(tn_wit_comparer *c, const tn_wit_type *before,
                              const tn_wit_type *after) {
  const tn_wit_type *old = tn_wit_type_root(before);
  const tn_wit_type *new = tn_wit_type_root(after);
  bool is_alias[2] = {before->kind == TN_WIT_KIND_ALIAS, after->kind == TN_WIT_KIND_ALIAS};
  const char *word = tn_wit_kind_word(old);
  tn_str what;
  TN_TRY(tn_wit_phrase(c, is_alias[0] ? "type" : word, before->declaration.name, &what));
  if (is_alias[0] && is_alias[1]) return compare_aliases(c, before, after, what);
  if (old->kind != new->kind) {
    return tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, tn_str_from(word),
                         tn_str_from(tn_wit_kind_word(new)));
  }
  if (old->kind != TN_WIT_KIND_RESOURCE) {
    return compare_members(c, what, member_word(old), old->members, old->member_count, new->members,
                           new->member_count);
  }
  bool is_same = (!is_alias[0] && !is_alias[1]) || same_type(c, old, new, 0);
  return is_same ? NULL
                 : tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, TN_STR("resource"),
                                 TN_STR("another resource"));
}

static tn_error *report_type(tn_wit_comparer *c, tn_wit_change_kind kind, const tn_wit_type *type) {
  tn_str what;
  tn_str nothing = {NULL, 0};
  TN_TRY(tn_wit_phrase(c, tn_wit_kind_word(type), type->declaration.name, &what));
  return tn_wit_report(c, kind, kind == TN_WIT_ADDED ? BREAKS_EXPORTERS : BREAKS_IMPORTERS, what,
                       nothing, nothing);
}

static tn_error *index_types(tn_wit_comparer *c, const tn_wit_interface *interface, tn_map *out) {
  for (uint32_t i = 0; i < interface->types.len; i++) {
    tn_wit_type *type = interface->types.items[i];
    if (!tn_map_put(c->arena, out, type->declaration.name, type)) return tn_error_no_memory();
  }
  return NULL;
}

/* A type of an interface. */
static tn_error *compare_declared(tn_wit_comparer *c, const tn_wit_type *before,
                                  const tn_wit_type *after) {
  tn_str what;
  TN_TRY(compare_type(c, before, after));
  TN_TRY(tn_wit_phrase(c, tn_wit_kind_word(after), after->declaration.name, &what));
  return tn_wit_compare_notes(c, what, &before->declaration, &after->declaration);
}

static tn_error *compare_types(tn_wit_comparer *c, const tn_wit_interface *before,
                               const tn_wit_interface *after) {
  tn_map old = {0};
  tn_map new = {0};
  TN_TRY(index_types(c, before, &old));
  TN_TRY(index_types(c, after, &new));
  for (uint32_t i = 0; i < after->types.len; i++) {
    const tn_wit_type *type = after->types.items[i];
    const tn_wit_type *was = tn_map_get(&old, type->declaration.name);
    TN_TRY(was == NULL ? report_type(c, TN_WIT_ADDED, type) : compare_declared(c, was, type));
  }
  for (uint32_t i = 0; i < before->types.len; i++) {
    const tn_wit_type *type = before->types.items[i];
    if (!tn_map_has(&new, type->declaration.name)) TN_TRY(report_type(c, TN_WIT_REMOVED, type));
  }
  return NULL;
}

/* ---- functions --------------------------------------------------------------------------------------- */

/* "function get", "method counter.bump", "constructor of counter". */
static tn_error *name_function(tn_wit_comparer *c, const tn_wit_function *function, tn_str *out) {
  static const char *const words[] = {[TN_WIT_FREE_FUNCTION] = "function",
                                      [TN_WIT_METHOD] = "method",
                                      [TN_WIT_STATIC_FUNCTION] = "static function",
                                      [TN_WIT_CONSTRUCTOR] = "constructor of"};
  tn_str name = function->item_name;
  size_t bracket = tn_str_find(name, ']', 0);
  if (bracket < name.len) name = tn_str_slice(name, bracket + 1, name.len);
  return tn_wit_phrase(c, words[function->kind], name, out);
}

static tn_error *report_function(tn_wit_comparer *c, tn_wit_change_kind kind,
                                 const tn_wit_function *function) {
  tn_str what;
  tn_str text;
  tn_str nothing = {NULL, 0};
  TN_TRY(name_function(c, function, &what));
  TN_TRY(function_text(c, function, &text));
  if (kind == TN_WIT_ADDED) return tn_wit_report(c, kind, BREAKS_EXPORTERS, what, nothing, text);
  return tn_wit_report(c, kind, BREAKS_IMPORTERS, what, text, nothing);
}

static tn_error *compare_function(tn_wit_comparer *c, const tn_wit_function *before,
                                  const tn_wit_function *after) {
  tn_str what;
  tn_str texts[2];
  TN_TRY(name_function(c, before, &what));
  if (before->is_async != after->is_async) {
    TN_TRY(function_text(c, before, &texts[0]));
    TN_TRY(function_text(c, after, &texts[1]));
    return tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, texts[0], texts[1]);
  }
  TN_TRY(compare_members(c, what, "parameter", before->params, before->param_count, after->params,
                         after->param_count));
  if (same_type(c, before->result, after->result, 0)) return NULL;
  tn_str result = tn_arena_format(c->arena, "%" TN_STR_FORMAT ", result", TN_STR_ARG(what));
  if (result.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_type_texts(c, before->result, after->result, texts));
  return tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, result, texts[0], texts[1]);
}

static tn_error *index_functions(tn_wit_comparer *c, const tn_wit_interface *interface,
                                 tn_map *out) {
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    tn_wit_function *function = interface->functions.items[i];
    if (!tn_map_put(c->arena, out, function->item_name, function)) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *compare_functions(tn_wit_comparer *c, const tn_wit_interface *before,
                                   const tn_wit_interface *after) {
  tn_map old = {0};
  tn_map new = {0};
  TN_TRY(index_functions(c, before, &old));
  TN_TRY(index_functions(c, after, &new));
  for (uint32_t i = 0; i < after->functions.len; i++) {
    const tn_wit_function *function = after->functions.items[i];
    const tn_wit_function *was = tn_map_get(&old, function->item_name);
    if (was == NULL) {
      TN_TRY(report_function(c, TN_WIT_ADDED, function));
      continue;
    }
    tn_str what;
    TN_TRY(compare_function(c, was, function));
    TN_TRY(name_function(c, function, &what));
    TN_TRY(tn_wit_compare_notes(c, what, &was->declaration, &function->declaration));
  }
  for (uint32_t i = 0; i < before->functions.len; i++) {
    const tn_wit_function *function = before->functions.items[i];
    if (!tn_map_has(&new, function->item_name))
      TN_TRY(report_function(c, TN_WIT_REMOVED, function));
  }
  return NULL;
}

static tn_error *compare_interface(tn_wit_comparer *c, const tn_wit_interface *before,
                                   const tn_wit_interface *after) {
  TN_TRY(compare_types(c, before, after));
  return compare_functions(c, before, after);
}

/* ---- worlds ------------------------------------------------------------------------------------------ */

/* The name that an item is found by in the other world: without the part of its version that compatible
 * versions differ in, and without the version of the package that is compared. */
static tn_error *item_key(tn_wit_comparer *c, const tn_wit_package *own,
                          const tn_wit_world_item *item, tn_str *out) {
  bool is_named = item->kind == TN_WIT_WORLD_INTERFACE && item->declaration.name.data == NULL;
  *out = item->name;
  if (!is_named) return NULL;
  if (own != NULL && item->interface->package == own) {
    *out = tn_arena_format(c->arena, "/%" TN_STR_FORMAT,
                           TN_STR_ARG(item->interface->declaration.name));
    return out->data == NULL ? tn_error_no_memory() : NULL;
  }
  if (c->how.is_compatible) *out = tn_name_track(item->name);
  return NULL;
}

static tn_error *index_items(tn_wit_comparer *c, const tn_wit_package *own,
                             const tn_wit_world_item *items, uint32_t count, tn_map *out) {
  for (uint32_t i = 0; i < count; i++) {
    tn_str key;
    TN_TRY(item_key(c, own, &items[i], &key));
    if (!tn_map_put(c->arena, out, key, (void *)&items[i])) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *report_item(tn_wit_comparer *c, tn_wit_change_kind kind,
                             const tn_wit_world_item *item, const char *verb) {
  tn_str what;
  tn_str text = {NULL, 0};
  tn_str nothing = {NULL, 0};
  bool is_added = kind == TN_WIT_ADDED;
  tn_wit_broken whom = is_added ? BREAKS_EXPORTERS : BREAKS_IMPORTERS;
  if (item->kind == TN_WIT_WORLD_TYPE) {
    bool is_resource = item->type->kind == TN_WIT_KIND_RESOURCE;
    TN_TRY(tn_wit_phrase(c, tn_wit_kind_word(item->type), item->name, &what));
    return tn_wit_report(c, kind, is_resource ? whom : BREAKS_NONE, what, nothing, nothing);
  }
  TN_TRY(tn_wit_phrase(c, verb, item->name, &what));
  if (item->kind == TN_WIT_WORLD_FUNCTION) TN_TRY(function_text(c, item->function, &text));
  return tn_wit_report(c, kind, whom, what, is_added ? nothing : text, is_added ? text : nothing);
}

static tn_error *compare_named(tn_wit_comparer *c, const tn_wit_world_item *before,
                               const tn_wit_world_item *after) {
  if (!tn_str_equal(before->name, after->name)) {
    TN_TRY(tn_wit_report(c, TN_WIT_CHANGED, BREAKS_NONE, (tn_str){NULL, 0}, before->name,
                         after->name));
  }
  return compare_interface(c, before->interface, after->interface);
}

static tn_error *compare_item(tn_wit_comparer *c, const tn_wit_world_item *before,
                              const tn_wit_world_item *after, const char *verb) {
  tn_wit_comparer inner = *c;
  tn_str what;
  tn_error *error = NULL;
  TN_TRY(tn_wit_phrase(c, verb, after->name, &what));
  if (before->kind != after->kind) {
    static const char *const words[] = {"interface", "function", "type"};
    return tn_wit_report(c, TN_WIT_CHANGED, BREAKS_BOTH, what, tn_str_from(words[before->kind]),
                         tn_str_from(words[after->kind]));
  }
  inner.owner = tn_arena_format(c->arena, "%" TN_STR_FORMAT ", %" TN_STR_FORMAT,
                                TN_STR_ARG(c->owner), TN_STR_ARG(what));
  if (inner.owner.data == NULL) return tn_error_no_memory();
  if (before->kind == TN_WIT_WORLD_FUNCTION) {
    inner.owner = c->owner;
    error = compare_function(&inner, before->function, after->function);
  } else if (before->kind == TN_WIT_WORLD_TYPE) {
    inner.owner = c->owner;
    error = compare_type(&inner, before->type, after->type);
  } else {
    /* Interfaces of the package itself are compared once. */
    bool is_own = c->how.before != NULL && before->interface->package == c->how.before &&
                  before->interface->declaration.name.data != NULL;
    if (!is_own) error = compare_named(&inner, before, after);
  }
  c->steps = inner.steps;
  return error;
}

/* What is there only because something else uses it has the gate of that. */
static tn_error *compare_item_notes(tn_wit_comparer *c, const tn_wit_world_item *before,
                                    const tn_wit_world_item *after, const char *verb) {
  tn_str what;
  bool is_type = after->kind == TN_WIT_WORLD_TYPE;
  if (before->is_implied || after->is_implied) return NULL;
  TN_TRY(tn_wit_phrase(c, is_type ? tn_wit_kind_word(after->type) : verb, after->name, &what));
  return tn_wit_compare_notes(c, what, &before->declaration, &after->declaration);
}

static tn_error *compare_items(tn_wit_comparer *c, const tn_wit_world_item *before,
                               uint32_t before_count, const tn_wit_world_item *after,
                               uint32_t after_count, const char *verb) {
  tn_map old = {0};
  tn_map new = {0};
  TN_TRY(index_items(c, c->how.before, before, before_count, &old));
  TN_TRY(index_items(c, c->how.after, after, after_count, &new));
  for (uint32_t i = 0; i < after_count; i++) {
    tn_str key;
    TN_TRY(item_key(c, c->how.after, &after[i], &key));
    const tn_wit_world_item *was = tn_map_get(&old, key);
    if (was == NULL) {
      TN_TRY(report_item(c, TN_WIT_ADDED, &after[i], verb));
      continue;
    }
    TN_TRY(compare_item(c, was, &after[i], verb));
    TN_TRY(compare_item_notes(c, was, &after[i], verb));
  }
  for (uint32_t i = 0; i < before_count; i++) {
    tn_str key;
    TN_TRY(item_key(c, c->how.before, &before[i], &key));
    if (!tn_map_has(&new, key)) TN_TRY(report_item(c, TN_WIT_REMOVED, &before[i], verb));
  }
  return NULL;
}

static const char *sort_word(tn_sort sort) {
  if (sort == TN_SORT_CORE_MODULE) return "core module";
  return sort == TN_SORT_COMPONENT ? "component" : "value";
}

/* What `world` imports, and `without` does not, of what WIT has no word for. */
static tn_error *report_others(tn_wit_comparer *c, tn_wit_change_kind kind,
                               const tn_wit_world *world, const tn_wit_world *without) {
  tn_map known = {0};
  tn_str nothing = {NULL, 0};
  bool is_added = kind == TN_WIT_ADDED;
  for (uint32_t i = 0; i < without->other_imports.len; i++) {
    tn_wit_other_import *import = &without->other_imports.items[i];
    if (!tn_map_put(c->arena, &known, import->name, import)) return tn_error_no_memory();
  }
  for (uint32_t i = 0; i < world->other_imports.len; i++) {
    const tn_wit_other_import *import = &world->other_imports.items[i];
    const tn_wit_other_import *other = tn_map_get(&known, import->name);
    tn_str what, text = tn_str_from(sort_word(import->sort));
    if (other != NULL && other->sort == import->sort) continue;
    TN_TRY(tn_wit_phrase(c, "import", import->name, &what));
    TN_TRY(tn_wit_report(c, kind, is_added ? BREAKS_EXPORTERS : BREAKS_IMPORTERS, what,
                         is_added ? nothing : text, is_added ? text : nothing));
  }
  return NULL;
}

/* The component of a world exports what the world exports, and imports what it imports: there, a new import
 * breaks hosts and a lost one components. */
static tn_error *compare_world(tn_wit_comparer *c, const tn_wit_world *before,
                               const tn_wit_world *after) {
  c->is_import = true;
  TN_TRY(compare_items(c, before->imports.items, before->imports.len, after->imports.items,
                       after->imports.len, "import"));
  TN_TRY(report_others(c, TN_WIT_ADDED, after, before));
  TN_TRY(report_others(c, TN_WIT_REMOVED, before, after));
  c->is_import = false;
  return compare_items(c, before->exports.items, before->exports.len, after->exports.items,
                       after->exports.len, "export");
}

/* ---- packages ---------------------------------------------------------------------------------------- */

static tn_error *report_whole(tn_wit_comparer *c, tn_wit_change_kind kind, const char *word,
                              tn_str name) {
  tn_str nothing = {NULL, 0};
  c->owner = nothing;
  tn_str what;
  TN_TRY(tn_wit_phrase(c, word, name, &what));
  return tn_wit_report(c, kind, kind == TN_WIT_ADDED ? BREAKS_NONE : BREAKS_BOTH, what, nothing,
                       nothing);
}

static tn_error *compare_interfaces(tn_wit_comparer *c, const tn_wit_package *before,
                                    const tn_wit_package *after) {
  tn_str nothing = {NULL, 0};
  for (uint32_t i = 0; i < after->interfaces.len; i++) {
    const tn_wit_interface *interface = after->interfaces.items[i];
    tn_str name = interface->declaration.name;
    const tn_wit_interface *was = tn_wit_package_interface(before, name);
    if (was == NULL) {
      TN_TRY(report_whole(c, TN_WIT_ADDED, "interface", name));
      continue;
    }
    TN_TRY(tn_wit_phrase(c, "interface", name, &c->owner));
    TN_TRY(compare_interface(c, was, interface));
    TN_TRY(tn_wit_compare_notes(c, nothing, &was->declaration, &interface->declaration));
  }
  for (uint32_t i = 0; i < before->interfaces.len; i++) {
    tn_str name = before->interfaces.items[i]->declaration.name;
    if (tn_wit_package_interface(after, name) == NULL)
      TN_TRY(report_whole(c, TN_WIT_REMOVED, "interface", name));
  }
  return NULL;
}

static tn_error *compare_worlds(tn_wit_comparer *c, const tn_wit_package *before,
                                const tn_wit_package *after) {
  tn_str nothing = {NULL, 0};
  for (uint32_t i = 0; i < after->worlds.len; i++) {
    const tn_wit_world *world = after->worlds.items[i];
    tn_str name = world->declaration.name;
    const tn_wit_world *was = tn_wit_package_world(before, name);
    if (was == NULL) {
      TN_TRY(report_whole(c, TN_WIT_ADDED, "world", name));
      continue;
    }
    TN_TRY(tn_wit_phrase(c, "world", name, &c->owner));
    TN_TRY(compare_world(c, was, world));
    TN_TRY(tn_wit_compare_notes(c, nothing, &was->declaration, &world->declaration));
  }
  for (uint32_t i = 0; i < before->worlds.len; i++) {
    tn_str name = before->worlds.items[i]->declaration.name;
    if (tn_wit_package_world(after, name) == NULL)
      TN_TRY(report_whole(c, TN_WIT_REMOVED, "world", name));
  }
  return NULL;
}

tn_error *tn_wit_compare(tn_arena *arena, const tn_wit_package *before, const tn_wit_package *after,
                         tn_wit_changes *out) {
  tn_wit_comparer c = {.arena = arena, .out = out, .has_notes = true};
  c.how = (tn_wit_sameness){.before = before, .after = after, .is_compatible = true};
  *out = (tn_wit_changes){0};
  TN_TRY(tn_wit_compare_package_names(&c, before, after));
  TN_TRY(compare_interfaces(&c, before, after));
  return compare_worlds(&c, before, after);
}

tn_error *tn_wit_compare_world(tn_arena *arena, const tn_wit_world *before,
                               const tn_wit_world *after, tn_wit_changes *out) {
  tn_wit_comparer c = {.arena = arena, .out = out};
  const char *id = tn_wit_world_id(arena, after);
  *out = (tn_wit_changes){0};
  if (id == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_phrase(&c, "world", tn_str_from(id), &c.owner));
  return compare_world(&c, before, after);
}

/* ---- targets ----------------------------------------------------------------------------------------- */

tn_error *tn_wit_fits(tn_arena *arena, const tn_wit_world *component, const tn_wit_world *world,
                      tn_wit_changes *out) {
  tn_wit_changes all = {0};
  tn_wit_comparer c = {.arena = arena, .out = &all, .how = {.is_compatible = true}};
  *out = (tn_wit_changes){0};
  TN_TRY(tn_wit_phrase(&c, "world", world->declaration.name, &c.owner));
  TN_TRY(compare_world(&c, world, component));
  /* Were the component the new version of the world: whatever breaks the hosts of the world does not fit. */
  for (uint32_t i = 0; i < all.len; i++) {
    if (!all.items[i].breaks_importers) continue;
    tn_wit_change *slot = TN_VEC_PUSH(arena, out);
    if (slot == NULL) return tn_error_no_memory();
    *slot = all.items[i];
  }
  return NULL;
}
