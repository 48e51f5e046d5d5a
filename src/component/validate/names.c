/* The names of imports and exports within their scope. Explainer.md#import-and-export-definitions,
 * Binary.md#import-and-export-definitions. */
#include "component/validate/validate.h"

static const char *side_name(tn_side side) {
  return side == TN_SIDE_IMPORT ? "import" : "export";
}

/* ---- attributes -------------------------------------------------------------------------------- */

static tn_error *check_implements(const tn_extern_name *name, const tn_name *parsed,
                                  const tn_checked_item *item) {
  tn_name interface;
  if (name->implements.data == NULL) return NULL;
  TN_TRY(tn_error_wrap(tn_name_parse(name->implements, &interface),
                       "`%" TN_STR_FORMAT "` is not a valid name", TN_STR_ARG(name->implements)));
  if (interface.kind != TN_NAME_INTERFACE)
    return tn_check_fail("name `%" TN_STR_FORMAT "` must be an interface",
                         TN_STR_ARG(name->implements));
  if (item->sort != TN_SORT_INSTANCE)
    return tn_check_fail("only instances can have an `implements`");
  if (parsed->kind != TN_NAME_LABEL)
    return tn_check_fail("name `%" TN_STR_FORMAT "` is not valid with `implements`",
                         TN_STR_ARG(name->name));
  return NULL;
}

/* The suffix completes the version in the name. Explainer.md#-canonical-interface-name */
static tn_error *check_version_suffix(tn_checker *checker, const tn_extern_name *name,
                                      const tn_name *parsed) {
  if (name->version_suffix.data == NULL) return NULL;
  if (parsed->version.data == NULL || !tn_version_is_canonical(parsed->version))
    return tn_check_fail("name `%" TN_STR_FORMAT
                         "` has no canonical version that a `versionsuffix` could follow",
                         TN_STR_ARG(name->name));
  /* "0.2" with "1.0" would make 0.21.0. */
  tn_str suffix = name->version_suffix;
  if (suffix.len > 0 && suffix.data[0] >= '0' && suffix.data[0] <= '9')
    return tn_check_fail("invalid `versionsuffix` `%" TN_STR_FORMAT "`", TN_STR_ARG(suffix));
  tn_str full = tn_arena_format(checker->arena, "%" TN_STR_FORMAT "%" TN_STR_FORMAT,
                                TN_STR_ARG(parsed->version), TN_STR_ARG(name->version_suffix));
  tn_semver ignored;
  if (full.data == NULL) return tn_error_no_memory();
  return tn_error_wrap(tn_semver_parse(full, &ignored),
                       "invalid `versionsuffix` `%" TN_STR_FORMAT "`", TN_STR_ARG(suffix));
}

static tn_error *check_attributes(tn_checker *checker, const tn_extern_name *name,
                                  const tn_name *parsed, const tn_checked_item *item) {
  static const char *const attribute_names[] = {"implements", "versionsuffix", "external-id"};
  if (name->duplicate_attribute != 0)
    return tn_check_fail("duplicate '%s' option in name",
                         attribute_names[(name->duplicate_attribute - 1) % 3]);
  TN_TRY(check_implements(name, parsed, item));
  return check_version_suffix(checker, name, parsed);
}

/* ---- annotations: [constructor], [method], [static] -------------------------------------------- */

/* The handle's resource must have been imported (exported) before under the label of the name. */
static tn_error *check_resource_label(const tn_scope_names *names, const tn_type *handle,
                                      tn_str label) {
  const tn_checked_type *resource = tn_checked_from_value(handle)->handle;
  const tn_str *known = tn_pointer_map_get(&names->resource_types, resource);
  if (known == NULL)
    return tn_check_fail("resource used in function does not have a name in this context");
  if (!tn_str_equal(*known, label))
    return tn_check_fail("function does not match expected resource name `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(*known));
  return NULL;
}

/* `(own $R)` or `(result (own $R) (error E)?)`. */
static tn_error *check_constructor(const tn_scope_names *names, const tn_func_type *func,
                                   tn_str resource) {
  const tn_type *made = func->result;
  if (made == NULL) return tn_check_fail("function should return one value");
  if (made->kind == TN_TYPE_RESULT) made = made->types[0];
  if (made == NULL || made->kind != TN_TYPE_OWN)
    return tn_check_fail("function should return `(own $T)` or `(result (own $T))`");
  return check_resource_label(names, made, resource);
}

static tn_error *check_method(const tn_scope_names *names, const tn_func_type *func,
                              tn_str resource) {
  if (func->param_count == 0) return tn_check_fail("function should have at least one argument");
  if (!tn_str_equal(func->param_names[0], TN_STR("self")))
    return tn_check_fail("function should have a first argument called `self`");
  if (func->param_types[0]->kind != TN_TYPE_BORROW)
    return tn_check_fail("function should take a first argument of `(borrow $T)`");
  return check_resource_label(names, func->param_types[0], resource);
}

static tn_error *check_annotation(const tn_scope_names *names, const tn_name *name,
                                  const tn_checked_item *item) {
  if (name->resource.data == NULL) return NULL;
  if (item->sort != TN_SORT_FUNC) return tn_check_fail("item is not a func");
  if (name->kind == TN_NAME_CONSTRUCTOR)
    return check_constructor(names, &item->type->func, name->resource);
  if (name->kind == TN_NAME_METHOD) return check_method(names, &item->type->func, name->resource);
  if (tn_map_has(&names->resource_labels, name->resource)) return NULL;
  return tn_check_fail("static resource name is not known in this context");
}

/* ---- uniqueness -------------------------------------------------------------------------------- */

static tn_error *check_unique(tn_checker *checker, tn_scope_names *names, tn_side side,
                              const tn_str *name) {
  tn_str key = tn_name_unique_key(checker->arena, *name);
  if (key.data == NULL) return tn_error_no_memory();
  const tn_str *previous = tn_map_get(&names->keys, key);
  if (previous != NULL)
    return tn_check_fail("%s name `%" TN_STR_FORMAT
                         "` conflicts with previous name `%" TN_STR_FORMAT "`",
                         side_name(side), TN_STR_ARG(*name), TN_STR_ARG(*previous));
  return tn_map_put(checker->arena, &names->keys, key, (void *)name) ? NULL : tn_error_no_memory();
}

tn_error *tn_check_name(tn_checker *checker, tn_scope_names *names, tn_side side,
                        const tn_extern_name *name, const tn_checked_item *item) {
  tn_name parsed;
  TN_TRY(tn_error_wrap(tn_name_parse(name->name, &parsed),
                       "%s name `%" TN_STR_FORMAT "` is not a valid extern name", side_name(side),
                       TN_STR_ARG(name->name)));
  if (side == TN_SIDE_EXPORT && parsed.kind > TN_NAME_INTERFACE)
    return tn_check_fail("`%" TN_STR_FORMAT "` is not a valid export name", TN_STR_ARG(name->name));
  TN_TRY(check_attributes(checker, name, &parsed, item));
  TN_TRY(tn_error_wrap(check_annotation(names, &parsed, item),
                       "%s name `%" TN_STR_FORMAT "` is not valid", side_name(side),
                       TN_STR_ARG(name->name)));
  TN_TRY(check_unique(checker, names, side, &name->name));
  return tn_checked_table_add(checker, &names->table, name->name, item);
}

tn_error *tn_check_resource_name(tn_checker *checker, tn_scope_names *names, const tn_str *label,
                                 const tn_checked_item *item) {
  if (item->sort != TN_SORT_TYPE || item->type->kind != TN_CHECKED_RESOURCE) return NULL;
  bool is_added = tn_pointer_map_put(checker->arena, &names->resource_types, item->type, label) &&
                  tn_map_put(checker->arena, &names->resource_labels, *label, (void *)label);
  return is_added ? NULL : tn_error_no_memory();
}
