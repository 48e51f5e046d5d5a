#include "link/linker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "component/extern_name.h"
#include "link/host.h"
#include "link/linker_internal.h"

tn_error *tn_linker_new(tn_linker **out) {
  tn_linker *linker = tn_calloc(1, sizeof *linker);
  if (linker == NULL) return tn_error_no_memory();
  atomic_init(&linker->references, 1);
  *out = linker;
  return NULL;
}

tn_linker *tn_linker_retain(tn_linker *linker) {
  atomic_fetch_add_explicit(&linker->references, 1, memory_order_relaxed);
  return linker;
}

void tn_linker_delete(tn_linker *linker) {
  if (linker == NULL ||
      atomic_fetch_sub_explicit(&linker->references, 1, memory_order_acq_rel) != 1)
    return;
  for (uint32_t i = 0; i < linker->components.len; i++)
    linker->components.items[i].release(linker->components.items[i].owner);
  tn_arena_free(&linker->arena);
  tn_free(linker);
}

tn_linker_interface *tn_linker_find(const tn_linker *linker, tn_str name) {
  tn_str track = tn_name_track(name);
  for (uint32_t i = 0; i < linker->interfaces.len; i++) {
    tn_linker_interface *interface = linker->interfaces.items[i];
    if (tn_str_equal(interface->name, name)) return interface;
  }
  for (uint32_t i = 0; i < linker->interfaces.len; i++) {
    tn_linker_interface *interface = linker->interfaces.items[i];
    if (tn_str_equal(tn_name_track(interface->name), track)) return interface;
  }
  return NULL;
}

/* The interface of exactly this name, made if need be. */
static tn_error *open_interface(tn_linker *linker, const char *name, tn_linker_interface **out) {
  tn_str wanted = tn_str_from(name);
  for (uint32_t i = 0; i < linker->interfaces.len; i++) {
    *out = linker->interfaces.items[i];
    if (tn_str_equal((*out)->name, wanted)) return NULL;
  }
  tn_linker_interface *interface = TN_ARENA_NEW(&linker->arena, tn_linker_interface);
  tn_linker_interface **entry = TN_VEC_PUSH(&linker->arena, &linker->interfaces);
  if (interface == NULL || entry == NULL) return tn_error_no_memory();
  *entry = interface;
  interface->name = tn_arena_copy(&linker->arena, wanted);
  if (interface->name.data == NULL) return tn_error_no_memory();
  *out = interface;
  return NULL;
}

tn_error *tn_linker_define_interface(tn_linker *linker, const tn_host_interface *table,
                                     void *data) {
  tn_linker_interface *interface;
  TN_TRY(open_interface(linker, table->name, &interface));
  tn_linker_table *entry = TN_VEC_PUSH(&linker->arena, &interface->tables);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_linker_table){table, data};
  return NULL;
}

tn_error *tn_linker_define_core(tn_linker *linker, const char *module,
                                const tn_host_core_func *funcs, size_t count, void *data) {
  tn_linker_core *entry = TN_VEC_PUSH(&linker->arena, &linker->cores);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_linker_core){tn_str_from(module), funcs, count, data};
  return NULL;
}

/* A definition that was refused leaves no trace: an interface without any would hide others of its track. */
static tn_error *close_interface(tn_linker *linker, tn_error *error) {
  if (error == NULL || linker->interfaces.len == 0) return error;
  const tn_linker_interface *last = linker->interfaces.items[linker->interfaces.len - 1];
  bool is_empty = last->tables.len == 0 && last->types.len == 0 && last->resources.len == 0 &&
                  last->funcs.len == 0;
  if (is_empty) linker->interfaces.len--;
  return error;
}

static void *copied_or_null(tn_linker *linker, const char *text, tn_str *out) {
  *out = tn_arena_copy(&linker->arena, tn_str_from(text));
  return (void *)out->data;
}

tn_error *tn_linker_add_compiled(tn_linker *linker, const tn_compiled *compiled, const char *name,
                                 const tn_wasi_config *rights, tn_release_func release,
                                 void *owner) {
  tn_linker_component made = {
      .compiled = compiled, .rights = rights, .release = release, .owner = owner};
  if (name != NULL && !copied_or_null(linker, name, &made.name)) return tn_error_no_memory();
  tn_linker_component *entry = TN_VEC_PUSH(&linker->arena, &linker->components);
  if (entry == NULL) return tn_error_no_memory();
  *entry = made;
  return NULL;
}

uint32_t tn_linker_find_component(const tn_linker *linker, const tn_compiled *compiled) {
  uint32_t i = linker->components.len;
  while (i > 0 && linker->components.items[i - 1].compiled != compiled)
    i--;
  return i;
}

tn_arena *tn_linker_arena(tn_linker *linker) {
  return &linker->arena;
}

tn_error *tn_linker_intercept(tn_linker *linker, const tn_interceptor *interceptor, void *data) {
  tn_linker_interceptor *entry = TN_VEC_PUSH(&linker->arena, &linker->interceptors);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_linker_interceptor){interceptor, data};
  return NULL;
}

/* Definitions by the embedder are read once when they are made, so that a mistake shows where it is made;
 * linking reads them again into the plan's memory. */
static tn_error *check_interface(tn_linker *linker, const char *name) {
  tn_arena scratch = {0};
  tn_host host = {.linker = linker, .arena = &scratch};
  tn_host_use *use = NULL;
  tn_error *error = tn_host_find_interface(&host, tn_str_from(name), &use);
  tn_arena_free(&scratch);
  return error;
}

static tn_error *check_func(tn_linker *linker, tn_str interface, tn_str name) {
  tn_arena scratch = {0};
  tn_host host = {.linker = linker, .arena = &scratch};
  tn_host_use *use = NULL;
  tn_host_found_func found;
  tn_error *error = tn_host_find_interface(&host, interface, &use);
  if (error == NULL) error = tn_host_find_func(&host, use, name, &found);
  tn_arena_free(&scratch);
  return error;
}

/* `wrong` is why it cannot be the name of `what`, or NULL when it can. */
static tn_error *refuse_name(tn_error *wrong, const char *name, const char *what,
                             const char *hint) {
  if (wrong == NULL || tn_error_get_kind(wrong) == TN_ERROR_NO_MEMORY) return wrong;
  tn_error *error = tn_error_new(TN_ERROR_ARGUMENT, "`%s` is not the name of %s: %s", name, what,
                                 tn_error_get_message(wrong));
  tn_error_delete(wrong);
  return tn_error_set_hint(error, "%s", hint);
}

static tn_error *no_name(const char *what) {
  return tn_error_new(TN_ERROR_ARGUMENT, "the name of the %s is NULL", what);
}

/* A name that no import can have would never be found, and nobody would be told. "" is what a component imports
 * directly. */
static tn_error *check_interface_name(const char *name) {
  tn_name parsed;
  if (name == NULL) return no_name("interface");
  if (name[0] == '\0') return NULL;
  tn_error *wrong = tn_name_parse(tn_str_from(name), &parsed);
  bool is_func = wrong == NULL && (parsed.kind == TN_NAME_CONSTRUCTOR ||
                                   parsed.kind == TN_NAME_METHOD || parsed.kind == TN_NAME_STATIC);
  if (is_func) wrong = tn_error_new(TN_ERROR_INVALID, "functions are called so");
  return refuse_name(wrong, name, "an interface", "such as \"namespace:package/name@1.0.0\"");
}

static tn_error *check_func_name(const char *name) {
  tn_name parsed;
  if (name == NULL) return no_name("function");
  tn_error *wrong = tn_name_parse(tn_str_from(name), &parsed);
  bool is_func = wrong != NULL || parsed.kind == TN_NAME_LABEL ||
                 parsed.kind == TN_NAME_CONSTRUCTOR || parsed.kind == TN_NAME_METHOD ||
                 parsed.kind == TN_NAME_STATIC;
  if (!is_func) wrong = tn_error_new(TN_ERROR_INVALID, "interfaces and components are called so");
  return refuse_name(wrong, name, "a function", "such as \"get-time\" or \"[method]counter.bump\"");
}

static tn_error *check_resource_name(const char *name) {
  if (name == NULL) return no_name("resource");
  bool is_label = tn_label_is_valid(tn_str_from(name));
  tn_error *wrong = is_label ? NULL : tn_error_new(TN_ERROR_INVALID, "it is not in kebab case");
  return refuse_name(wrong, name, "a resource", "such as \"counter\"");
}

/* The name of a type must be new: it is looked for in what the interface declares already. */
static tn_error *check_resource_is_new(tn_linker *linker, const char *interface,
                                       const char *resource) {
  tn_arena scratch = {0};
  tn_host host = {.linker = linker, .arena = &scratch};
  tn_host_use *use = NULL;
  const tn_type *type = NULL;
  const tn_resource *other = NULL;
  tn_error *error = tn_host_find_interface(&host, tn_str_from(interface), &use);
  if (error == NULL) tn_host_find_type(use, tn_str_from(resource), &type, &other);
  if (type != NULL || other != NULL) {
    error = tn_error_new(TN_ERROR_ARGUMENT, "`%s` has a %s `%s` already", interface,
                         other != NULL ? "resource" : "type", resource);
  }
  tn_arena_free(&scratch);
  return error;
}

static tn_error *add_types(tn_linker *linker, tn_linker_interface *interface, const char *name,
                           const char *wit) {
  tn_str *text = TN_VEC_PUSH(&linker->arena, &interface->types);
  if (text == NULL) return tn_error_no_memory();
  *text = tn_arena_copy(&linker->arena, tn_str_from(wit));
  tn_error *error = text->data == NULL ? tn_error_no_memory() : check_interface(linker, name);
  if (error != NULL) interface->types.len--;
  return error;
}

tn_error *tn_linker_define_types(tn_linker *linker, const char *name, const char *wit) {
  tn_linker_interface *interface;
  TN_TRY(check_interface_name(name));
  if (wit == NULL) return tn_error_new(TN_ERROR_ARGUMENT, "the types of `%s` are NULL", name);
  TN_TRY(open_interface(linker, name, &interface));
  return close_interface(linker, add_types(linker, interface, name, wit));
}

static tn_error *add_resource(tn_linker *linker, tn_linker_interface *interface, const char *name,
                              tn_linker_resource entry) {
  if (!copied_or_null(linker, name, &entry.name)) return tn_error_no_memory();
  tn_linker_resource *place = TN_VEC_PUSH(&linker->arena, &interface->resources);
  if (place == NULL) return tn_error_no_memory();
  *place = entry;
  return NULL;
}

tn_error *tn_linker_define_resource(tn_linker *linker, const char *name, const char *resource,
                                    tn_drop_func drop, void *data) {
  tn_linker_interface *interface;
  tn_linker_resource entry = {.drop = drop, .data = data};
  TN_TRY(check_interface_name(name));
  TN_TRY(check_resource_name(resource));
  TN_TRY(open_interface(linker, name, &interface));
  tn_error *error = check_resource_is_new(linker, name, resource);
  if (error == NULL) error = add_resource(linker, interface, resource, entry);
  return close_interface(linker, error);
}

static tn_error *add_func(tn_linker *linker, tn_linker_interface *interface, const char *name,
                          const char *signature, tn_linker_func entry) {
  if (!copied_or_null(linker, name, &entry.name) ||
      !copied_or_null(linker, signature, &entry.signature)) {
    return tn_error_no_memory();
  }
  tn_linker_func *place = TN_VEC_PUSH(&linker->arena, &interface->funcs);
  if (place == NULL) return tn_error_no_memory();
  *place = entry;
  tn_error *error = check_func(linker, interface->name, entry.name);
  if (error != NULL) interface->funcs.len--;
  return error;
}

tn_error *tn_linker_define_func(tn_linker *linker, const char *name, const char *func_name,
                                const char *signature, tn_host_func func, void *data) {
  tn_linker_interface *interface;
  tn_linker_func entry = {.func = func, .data = data};
  TN_TRY(check_interface_name(name));
  TN_TRY(check_func_name(func_name));
  if (func == NULL || signature == NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT, "the function `%s` of `%s` has no %s", func_name, name,
                        func == NULL ? "code: `func` is NULL" : "signature: it is NULL");
  }
  TN_TRY(open_interface(linker, name, &interface));
  return close_interface(linker, add_func(linker, interface, func_name, signature, entry));
}
