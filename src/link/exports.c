/* The root's exports as one flat list of functions with full names. */
#include "base/error.h"
#include "component/component.h"
#include "link/scope.h"

static tn_error *add_func(tn_linking *linking, tn_str name, const tn_func_item *func) {
  tn_plan_export *export_ = TN_VEC_PUSH(linking->arena, &linking->exports);
  if (export_ == NULL) return tn_error_no_memory();
  *export_ = (tn_plan_export){.name = name,
                              .type = func->type,
                              .lifted = func->lifted,
                              .host = func->host,
                              .host_data = func->host_data};
  return NULL;
}

static tn_error *add_instance(tn_linking *linking, tn_str prefix, const tn_instance_item *instance,
                              int depth) {
  for (uint32_t i = 0; depth < TN_MAX_TYPE_DEPTH && i < instance->names.len; i++) {
    tn_str name = instance->names.items[i];
    const tn_item *item = tn_map_get(&instance->exports, name);
    if (prefix.len > 0) {
      name = tn_arena_format(linking->arena, "%" TN_STR_FORMAT "#%" TN_STR_FORMAT,
                             TN_STR_ARG(prefix), TN_STR_ARG(name));
      if (name.data == NULL) return tn_error_no_memory();
    }
    if (item->sort == TN_SORT_FUNC) TN_TRY(add_func(linking, name, item->func));
    if (item->sort == TN_SORT_INSTANCE)
      TN_TRY(add_instance(linking, name, item->instance, depth + 1));
  }
  return NULL;
}

tn_error *tn_link_exports(tn_linking *linking, const tn_instance_item *root) {
  return add_instance(linking, TN_STR(""), root, 0);
}
