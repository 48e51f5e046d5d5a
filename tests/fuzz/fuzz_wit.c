/* Reads arbitrary text as WIT: the first byte chooses declarations, a type or a function. */
#include <stdlib.h>

#include "base/error.h"
#include "wit/wit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tn_error *declare_resource(void *data, tn_str name, const tn_resource **out) {
  tn_wit_scope *scope = data;
  tn_resource *resource = TN_ARENA_NEW(scope->arena, tn_resource);
  if (resource == NULL) return tn_error_no_memory();
  resource->name = name;
  *out = resource;
  return NULL;
}

static tn_error *use_type(void *data, tn_str interface, tn_str name, const tn_type **out,
                          const tn_resource **resource) {
  if (name.len % 3 == 0) return tn_error_new(TN_ERROR_NOT_FOUND, "no such type");
  if (name.len % 3 == 1) return declare_resource(data, interface, resource);
  *out = tn_type_primitive(TN_TYPE_U8);
  return NULL;
}

static void print_all(const tn_wit_scope *scope) {
  tn_buffer out = {0};
  for (tn_map_entry *e = tn_map_next(&scope->types, NULL); e != NULL;
       e = tn_map_next(&scope->types, e)) {
    tn_wit_print_type(&out, e->value);
  }
  tn_buffer_free(&out);
}

/* What is printed of a signature reads back, with the resources of the scope, as an equal one. */
static tn_error *parse_func(tn_wit_scope *scope, tn_str text) {
  const tn_func_type *type = NULL;
  const tn_func_type *again = NULL;
  tn_buffer out = {0};
  tn_error *error = tn_wit_parse_func(scope, text, &type);
  if (error != NULL) return error;
  tn_wit_print_func(&out, type);
  if (tn_wit_parse_func(scope, tn_buffer_str(&out), &again) != NULL) abort();
  if (!tn_func_type_equal(type, again)) abort();
  tn_buffer_free(&out);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  tn_str text = {(const char *)data + 1, size - 1};
  tn_arena arena = {0};
  tn_wit_scope scope = {
      .arena = &arena, .use = use_type, .resource = declare_resource, .data = &scope};
  tn_error *error = NULL;
  if (data[0] % 2 == 0) {
    error = tn_wit_parse_types(&scope, text);
    print_all(&scope);
  } else {
    error = tn_wit_parse_types(&scope, TN_STR("resource r; type n = tuple<r, u8>;"));
    if (error != NULL) abort();
    error = parse_func(&scope, text);
  }
  tn_error_delete(error);
  tn_arena_free(&arena);
  return 0;
}
