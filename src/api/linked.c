#include "api/api.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tenon/exec.h"

tn_error *tn_linker_define_wasi(tn_linker *linker) {
  return tn_wasi_define(linker);
}

static void release_component(void *owner) {
  tn_component_delete(owner);
}

tn_error *tn_linker_add_component(tn_linker *linker, const tn_component *component,
                                  const tn_link_options *options) {
  static const tn_link_options none = {0};
  if (options == NULL) options = &none;
  if (tn_component_is_module(component)) {
    return tn_error_set_hint(tn_error_new(TN_ERROR_LINK,
                                          "%" TN_STR_FORMAT
                                          " is a core module: only components can be linked with",
                                          TN_STR_ARG(component->compiled.name)),
                             "`tn_componentize` makes a component of a core module");
  }
  tn_component *owner = tn_component_retain(component);
  tn_error *error = tn_linker_add_compiled(linker, &owner->compiled, options->name, options->wasi,
                                           release_component, owner);
  if (error != NULL) tn_component_delete(owner);
  return error;
}

tn_error *tn_linker_deny_component(tn_linker *linker, const tn_component *component,
                                   unsigned services, const char *hint) {
  uint32_t rights = component == NULL ? 0 : tn_linker_find_component(linker, &component->compiled);
  if (component != NULL && rights == 0)
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "a component that was not added to the linker cannot be denied anything");
  return tn_wasi_deny(linker, rights, services, hint);
}

tn_error *tn_linker_link(tn_linker *linker, const tn_component *component, tn_linked **out) {
  tn_linked *linked = tn_calloc(1, sizeof *linked);
  if (linked == NULL) return tn_error_no_memory();
  atomic_init(&linked->references, 1);
  tn_error *error =
      tn_plan_make(&component->compiled, linker, component->engine->cache_directory, &linked->plan);
  if (error != NULL) {
    tn_free(linked);
    return error;
  }
  linked->component = tn_component_retain(component);
  *out = linked;
  return NULL;
}

void tn_linked_delete(tn_linked *linked) {
  if (linked == NULL ||
      atomic_fetch_sub_explicit(&linked->references, 1, memory_order_acq_rel) != 1)
    return;
  tn_restorer_delete(linked->restorer);
  tn_plan_free(&linked->plan);
  tn_component_delete(linked->component);
  tn_free(linked);
}

tn_error *tn_linked_recycle(tn_linked *linked, bool *is_possible) {
  tn_error *error =
      linked->restorer == NULL ? tn_restorer_new(&linked->plan, &linked->restorer) : NULL;
  *is_possible = linked->restorer != NULL;
  return error;
}

bool tn_linked_uses(const tn_linked *linked, const tn_component *component) {
  for (uint32_t i = 0; i < linked->plan.file_count; i++) {
    if (linked->plan.files[i] == &component->compiled) return true;
  }
  return false;
}

/* "INTERFACE@0.2.x#FUNCTION", whatever x. */
static bool is_function_of(tn_str name, tn_str interface, tn_str function) {
  if (!tn_str_starts_with(name, interface) || !tn_str_ends_with(name, function)) return false;
  size_t hash = tn_str_find(name, '#', interface.len);
  if (hash == name.len || name.len - hash - 1 != function.len) return false;
  tn_str version = {name.data + interface.len, hash - interface.len};
  return tn_str_starts_with(version, TN_STR("@0.2."));
}

size_t tn_linked_find_export(const tn_linked *linked, tn_str interface, tn_str function) {
  for (uint32_t i = 0; i < linked->plan.export_count; i++) {
    if (is_function_of(linked->plan.exports[i].name, interface, function)) return i;
  }
  return SIZE_MAX;
}
