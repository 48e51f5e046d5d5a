/* wasi:io/error. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "http/code.h"
#include "wasi/io/tables.h"

tn_error *tn_io_error_add(tn_wasi *wasi, tn_io_origin origin, int code, uint32_t *representation) {
  tn_io_error *object = tn_malloc(sizeof *object);
  if (object == NULL) return tn_error_no_memory();
  *object = (tn_io_error){origin, code};
  tn_error *error = tn_wasi_slot_add(wasi, TN_SLOT_ERROR, object, representation);
  if (error != NULL) tn_free(object);
  return error;
}

int tn_io_error_code(tn_wasi *wasi, tn_io_origin origin, uint32_t representation) {
  const tn_io_error *object = tn_wasi_slot_get(wasi, TN_SLOT_ERROR, representation);
  return object->origin == origin ? object->code : 0;
}

static void drop_error(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_free(tn_wasi_slot_get(wasi, TN_SLOT_ERROR, representation));
  tn_wasi_slot_remove(wasi, representation);
}

static tn_error *to_debug_string(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  const tn_io_error *object = tn_wasi_slot_get(wasi, TN_SLOT_ERROR, *(const uint32_t *)params);
  /* Static in either case, unlike strerror's. */
  const char *text = object->origin == TN_IO_HTTP
                         ? tn_http_code_name((tn_http_code)(object->code - 1))
                         : strerrordesc_np(object->code);
  *(tn_str *)result = tn_str_from(text == NULL ? "unknown error" : text);
  return NULL;
}

static const tn_host_resource_definition error_resources[] = {{"error", drop_error}};

static const tn_host_func_definition error_funcs[] = {
    {"[method]error.to-debug-string", "func(self: borrow<error>) -> string", to_debug_string},
};

const tn_host_interface tn_io_error_interface = {
    .name = "wasi:io/error@0.2.12",
    .types = "resource error;",
    .resources = error_resources,
    .resource_count = 1,
    .funcs = error_funcs,
    .func_count = 1,
};
