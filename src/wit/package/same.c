#include "wit/package/same.h"

#include "component/extern_name.h"

bool tn_wit_same_package(const tn_wit_sameness *how, const tn_wit_package *a,
                         const tn_wit_package *b) {
  if (a == b || (how->before != NULL && a == how->before && b == how->after)) return true;
  if (!tn_str_equal(a->name.name, b->name.name) ||
      !tn_str_equal(a->name.name_space, b->name.name_space))
    return false;
  tn_str versions[] = {a->name.version, b->name.version};
  if ((versions[0].data == NULL) != (versions[1].data == NULL)) return false;
  if (!how->is_compatible) return tn_str_equal(versions[0], versions[1]);
  return tn_str_equal(tn_version_track(versions[0]), tn_version_track(versions[1]));
}

/* Types of worlds, and of interfaces without a name, are told apart by their names only. */
static bool same_owner(const tn_wit_sameness *how, const tn_wit_type *a, const tn_wit_type *b) {
  const tn_wit_interface *in_a = a->interface;
  const tn_wit_interface *in_b = b->interface;
  if (in_a == in_b) return true;
  if (in_a == NULL || in_b == NULL) return false;
  bool is_named = in_a->declaration.name.data != NULL;
  if (is_named != (in_b->declaration.name.data != NULL)) return false;
  if (!is_named) return true;
  return tn_str_equal(in_a->declaration.name, in_b->declaration.name) &&
         tn_wit_same_package(how, in_a->package, in_b->package);
}

/* What is behind the names that `use` brings in: where a type was declared. */
static const tn_wit_type *declared(const tn_wit_type *type) {
  while (type->kind == TN_WIT_KIND_ALIAS && type->is_use)
    type = type->element;
  return type;
}

static bool same_name(tn_str a, tn_str b) {
  return (a.data == NULL) == (b.data == NULL) && tn_str_equal(a, b);
}

static bool same_members(const tn_wit_sameness *how, const tn_wit_member *a, const tn_wit_member *b,
                         uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!same_name(a[i].name, b[i].name) || !tn_wit_same_reference(how, a[i].type, b[i].type))
      return false;
  }
  return true;
}

bool tn_wit_same_definition(const tn_wit_sameness *how, const tn_wit_type *a,
                            const tn_wit_type *b) {
  if (a->kind != b->kind || a->primitive != b->primitive || a->length != b->length) return false;
  if (a->member_count != b->member_count) return false;
  if (!same_members(how, a->members, b->members, a->member_count)) return false;
  return tn_wit_same_reference(how, a->element, b->element) &&
         tn_wit_same_reference(how, a->error, b->error) &&
         tn_wit_same_reference(how, a->key, b->key);
}

bool tn_wit_same_reference(const tn_wit_sameness *how, const tn_wit_type *a, const tn_wit_type *b) {
  if (a == b) return true;
  if (a == NULL || b == NULL) return false;
  a = declared(a);
  b = declared(b);
  bool is_named = a->declaration.name.data != NULL;
  if (is_named != (b->declaration.name.data != NULL)) return false;
  if (!is_named) return tn_wit_same_definition(how, a, b);
  return tn_str_equal(a->declaration.name, b->declaration.name) && same_owner(how, a, b);
}

bool tn_wit_same_function(const tn_wit_sameness *how, const tn_wit_function *a,
                          const tn_wit_function *b) {
  return a->is_async == b->is_async && a->param_count == b->param_count &&
         same_members(how, a->params, b->params, a->param_count) &&
         tn_wit_same_reference(how, a->result, b->result);
}
