#include "link/host.h"

#include "base/error.h"
#include "base/nearest.h"
#include "canon/canon.h"
#include "component/extern_name.h"
#include "link/linker_internal.h"

/* Invariant: `scope` has read all WIT texts of the interface once `is_read`; `is_reading` guards against
 * interfaces that use each other in a circle. */
struct tn_host_use {
  tn_host *host;
  const tn_linker_interface *interface;
  tn_wit_scope scope;
  tn_map own_resources; /* name -> const tn_resource * */
  bool is_read;
  bool is_reading;
};

static tn_error *use_type(void *data, tn_str interface, tn_str name, const tn_type **type,
                          const tn_resource **resource);
static tn_error *declare_resource(void *data, tn_str name, const tn_resource **out);

static tn_error *read_types(tn_host_use *use) {
  if (use->is_read) return NULL;
  tn_str name = use->interface->name;
  if (use->is_reading) {
    return tn_error_new(TN_ERROR_ARGUMENT, "interface %" TN_STR_FORMAT " uses itself",
                        TN_STR_ARG(name));
  }
  use->is_reading = true;
  for (uint32_t i = 0; i < use->interface->tables.len; i++) {
    const char *text = use->interface->tables.items[i].interface->types;
    if (text == NULL) continue;
    TN_TRY(tn_error_wrap(tn_wit_parse_types(&use->scope, tn_str_from(text)),
                         "in the types of %" TN_STR_FORMAT, TN_STR_ARG(name)));
  }
  for (uint32_t i = 0; i < use->interface->resources.len; i++) {
    tn_str text = tn_arena_format(use->host->arena, "resource %%%" TN_STR_FORMAT ";",
                                  TN_STR_ARG(use->interface->resources.items[i].name));
    if (text.data == NULL) return tn_error_no_memory();
    TN_TRY(tn_wit_parse_types(&use->scope, text));
  }
  for (uint32_t i = 0; i < use->interface->types.len; i++) {
    TN_TRY(tn_error_wrap(tn_wit_parse_types(&use->scope, use->interface->types.items[i]),
                         "in the types of %" TN_STR_FORMAT, TN_STR_ARG(name)));
  }
  use->is_read = true;
  return NULL;
}

tn_error *tn_host_find_interface(tn_host *host, tn_str name, tn_host_use **out) {
  *out = NULL;
  const tn_linker_interface *interface = tn_linker_find(host->linker, name);
  if (interface == NULL) return NULL;
  for (uint32_t i = 0; i < host->uses.len; i++) {
    if (host->uses.items[i]->interface != interface) continue;
    *out = host->uses.items[i];
    return read_types(*out);
  }
  tn_host_use *use = TN_ARENA_NEW(host->arena, tn_host_use);
  tn_host_use **entry = TN_VEC_PUSH(host->arena, &host->uses);
  if (use == NULL || entry == NULL) return tn_error_no_memory();
  *entry = use;
  use->host = host;
  use->interface = interface;
  use->scope = (tn_wit_scope){
      .arena = host->arena, .use = use_type, .resource = declare_resource, .data = use};
  *out = use;
  return read_types(use);
}

tn_str tn_host_use_name(const tn_host_use *use) {
  return use->interface->name;
}

void tn_host_find_type(const tn_host_use *use, tn_str name, const tn_type **type,
                       const tn_resource **resource) {
  *resource = tn_map_get(&use->scope.resources, name);
  *type = tn_map_get(&use->scope.types, name);
}

static tn_error *use_type(void *data, tn_str interface, tn_str name, const tn_type **type,
                          const tn_resource **resource) {
  tn_host_use *user = data;
  tn_host_use *used;
  TN_TRY(tn_host_find_interface(user->host, interface, &used));
  if (used != NULL) {
    tn_host_find_type(used, name, type, resource);
    if (*resource != NULL || *type != NULL) return NULL;
  }
  return tn_error_new(TN_ERROR_NOT_FOUND, "no type %" TN_STR_FORMAT " in %" TN_STR_FORMAT,
                      TN_STR_ARG(name), TN_STR_ARG(interface));
}

/* A resource that the embedder defined: its drop function takes the public instance. */
static void drop_for_embedder(tn_runtime *runtime, void *data, uint32_t representation) {
  const tn_linker_resource *definition = data;
  if (definition->drop == NULL) return;
  definition->drop(runtime->states[TN_STATE_INSTANCE], definition->data, representation);
}

/* Fills in how the resource is dropped; false when the interface defines no such resource. */
static bool find_drop(const tn_linker_interface *interface, tn_str name, tn_resource *out) {
  for (uint32_t i = 0; i < interface->tables.len; i++) {
    const tn_linker_table *table = &interface->tables.items[i];
    for (size_t j = 0; j < table->interface->resource_count; j++) {
      const tn_host_resource_definition *definition = &table->interface->resources[j];
      if (!tn_str_equal(tn_str_from(definition->name), name)) continue;
      out->drop = definition->drop;
      out->data = table->data;
      return true;
    }
  }
  for (uint32_t i = 0; i < interface->resources.len; i++) {
    if (!tn_str_equal(interface->resources.items[i].name, name)) continue;
    out->drop = drop_for_embedder;
    out->data = (void *)&interface->resources.items[i];
    return true;
  }
  return false;
}

static tn_error *intercept_resource(tn_host_use *use, tn_resource *resource) {
  const tn_linker *linker = use->host->linker;
  for (uint32_t i = 0; i < linker->interceptors.len; i++) {
    const tn_linker_interceptor *entry = &linker->interceptors.items[i];
    if (entry->interceptor->resource == NULL) continue;
    TN_TRY(entry->interceptor->resource(entry->data, use->host->arena, use->interface->name,
                                        resource));
  }
  return NULL;
}

static tn_error *declare_resource(void *data, tn_str name, const tn_resource **out) {
  tn_host_use *use = data;
  *out = tn_map_get(&use->own_resources, name);
  if (*out != NULL) return NULL;
  tn_resource *resource = TN_ARENA_NEW(use->host->arena, tn_resource);
  if (resource == NULL) return tn_error_no_memory();
  *resource = (tn_resource){.name = name, .is_host = true, .destructor = -1};
  if (!find_drop(use->interface, name, resource)) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "resource %" TN_STR_FORMAT " of %" TN_STR_FORMAT
                        " is declared but not defined",
                        TN_STR_ARG(name), TN_STR_ARG(use->interface->name));
  }
  TN_TRY(intercept_resource(use, resource));
  if (!tn_map_put(use->host->arena, &use->own_resources, name, resource))
    return tn_error_no_memory();
  *out = resource;
  return NULL;
}

tn_str tn_host_other_version(const tn_host *host, tn_str name) {
  tn_str base = tn_str_slice(name, 0, tn_str_find(name, '@', 0));
  for (uint32_t i = 0; i < host->linker->interfaces.len; i++) {
    tn_str other = host->linker->interfaces.items[i]->name;
    if (tn_str_equal(tn_str_slice(other, 0, tn_str_find(other, '@', 0)), base)) return other;
  }
  return (tn_str){NULL, 0};
}

static bool is_near(tn_str wanted, tn_str other) {
  return tn_nearest_of(wanted, (tn_str){NULL, 0}, other).data != NULL;
}

/* Both the package and what is in it: much of a long name may be the same without meaning anything. */
static bool is_spelt_like(tn_str wanted, tn_str other) {
  size_t slash = tn_str_find(wanted, '/', 0), other_slash = tn_str_find(other, '/', 0);
  size_t end = tn_str_find(wanted, '@', 0), other_end = tn_str_find(other, '@', 0);
  return is_near(tn_str_slice(wanted, 0, slash), tn_str_slice(other, 0, other_slash)) &&
         is_near(tn_str_slice(wanted, slash, end), tn_str_slice(other, other_slash, other_end));
}

tn_str tn_host_similar(const tn_host *host, tn_str name) {
  tn_str best = {NULL, 0};
  for (uint32_t i = 0; i < host->linker->interfaces.len; i++) {
    tn_str other = host->linker->interfaces.items[i]->name;
    if (is_spelt_like(name, other)) best = tn_nearest_of(name, best, other);
  }
  return best;
}

static tn_error *parse_signature(tn_host_use *use, tn_str name, tn_str signature,
                                 const tn_func_type **out) {
  return tn_error_wrap(tn_wit_parse_func(&use->scope, signature, out),
                       "in the signature of %" TN_STR_FORMAT "#%" TN_STR_FORMAT,
                       TN_STR_ARG(use->interface->name), TN_STR_ARG(name));
}

static tn_error *find_func(tn_host_use *use, tn_str name, tn_host_found_func *out) {
  *out = (tn_host_found_func){0};
  const tn_linker_interface *interface = use->interface;
  for (uint32_t i = interface->funcs.len; i-- > 0;) { /* the newest definition wins */
    const tn_linker_func *func = &interface->funcs.items[i];
    if (!tn_str_equal(func->name, name)) continue;
    out->func = func->func;
    out->data = func->data;
    return parse_signature(use, name, func->signature, &out->type);
  }
  for (uint32_t i = 0; i < interface->tables.len; i++) {
    const tn_linker_table *table = &interface->tables.items[i];
    for (size_t j = 0; j < table->interface->func_count; j++) {
      const tn_host_func_definition *func = &table->interface->funcs[j];
      if (!tn_str_equal(tn_str_from(func->name), name)) continue;
      out->func = func->func;
      out->data = table->data;
      return parse_signature(use, name, tn_str_from(func->signature), &out->type);
    }
  }
  return NULL;
}

tn_error *tn_host_find_func(tn_host *host, tn_host_use *use, tn_str name, tn_host_found_func *out) {
  TN_TRY(find_func(use, name, out));
  const tn_linker *linker = host->linker;
  for (uint32_t i = 0; out->func != NULL && i < linker->interceptors.len; i++) {
    const tn_linker_interceptor *entry = &linker->interceptors.items[i];
    if (entry->interceptor->func == NULL) continue;
    TN_TRY(entry->interceptor->func(entry->data, host->arena, use->interface->name, name, out));
  }
  return NULL;
}

tn_error *tn_host_find_resource(tn_host *host, tn_host_use *use, tn_str name,
                                const tn_resource **out) {
  (void)host;
  *out = tn_map_get(&use->scope.resources, name);
  return NULL;
}

static tn_error *core_types(tn_arena *arena, const char *letters, const tn_core_valtype **out,
                            uint32_t *count) {
  *count = (uint32_t)strlen(letters);
  tn_core_valtype *types = TN_ARENA_ARRAY(arena, tn_core_valtype, *count);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < *count; i++) {
    types[i].code = letters[i] == 'i'   ? 0x7f
                    : letters[i] == 'I' ? 0x7e
                    : letters[i] == 'f' ? 0x7d
                                        : 0x7c;
  }
  *out = types;
  return NULL;
}

static tn_error *find_core(tn_host *host, tn_str module, tn_str name, tn_host_import *out) {
  *out = (tn_host_import){0};
  for (uint32_t i = 0; i < host->linker->cores.len; i++) {
    const tn_linker_core *core = &host->linker->cores.items[i];
    if (!tn_str_equal(core->module, module)) continue;
    for (size_t j = 0; j < core->count; j++) {
      const tn_host_core_func *func = &core->funcs[j];
      if (!tn_str_equal(tn_str_from(func->name), name)) continue;
      tn_core_func_type *type = TN_ARENA_NEW(host->arena, tn_core_func_type);
      if (type == NULL) return tn_error_no_memory();
      TN_TRY(core_types(host->arena, func->params, &type->params, &type->param_count));
      TN_TRY(core_types(host->arena, func->results, &type->results, &type->result_count));
      *out = (tn_host_import){type, func->func, core->data};
      return NULL;
    }
  }
  return NULL;
}

tn_error *tn_host_find_core(tn_host *host, tn_str module, tn_str name, tn_host_import *out) {
  TN_TRY(find_core(host, module, name, out));
  const tn_linker *linker = host->linker;
  for (uint32_t i = 0; out->func != NULL && i < linker->interceptors.len; i++) {
    const tn_linker_interceptor *entry = &linker->interceptors.items[i];
    if (entry->interceptor->core == NULL) continue;
    TN_TRY(entry->interceptor->core(entry->data, host->arena, module, name, out));
  }
  return NULL;
}
