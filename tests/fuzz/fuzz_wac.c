/* Reads arbitrary text as WAC, with packages of all kinds to name, and writes what it describes. What is
 * written was validated before: a document that is read makes a component or fails with an error. */
#include <stdlib.h>

#include "base/alloc.h"
#include "compose/graph.h"
#include "compose/wac/wac.h"
#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char *const texts[] = {
    "(component (import \"a:b/i@0.2.0\" (instance (export \"r\" (type $r (sub resource))) (export \"f\" (func "
    "(param \"x\" "
    "(borrow $r)))))) (import \"f\" (func (param \"x\" u32) (result string))))",
    "(component (type $r (resource (rep i32))) (core module $m (func (export \"f\") (param i32) (result i32) "
    "unreachable)) "
    "(core instance $i (instantiate $m)) (func (export \"f\") (param \"x\" u32) (result u32) (canon lift (core "
    "func $i \"f\")))"
    " (export \"r\" (type $r)))",
    "(component (type (component (type (instance (export \"r\" (type (sub resource))) (type (func (result (own "
    "0)))) (export "
    "\"f\" (func (type 1))))) (export \"a:b/i@0.2.1\" (instance (type 0))))) (export \"i\" (type 0)) (type "
    "(component (type "
    "(component (import \"f\" (func)) (export \"g\" (func)))) (export \"a:b/w@0.2.1\" (component (type 0))))) "
    "(export \"w\" "
    "(type 2)))",
};
enum { COUNT = sizeof texts / sizeof *texts };

static tn_str packages[COUNT];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < COUNT; i++) {
    uint8_t *bytes;
    size_t size;
    if (tn_core_text_to_binary(tn_str_from(texts[i]), &bytes, &size) != NULL) abort();
    packages[i] = (tn_str){(const char *)bytes, size};
  }
  return 0;
}

/* Names of packages choose: those of an even length are not there. */
static tn_error *load(void *data, tn_str name, tn_str version, tn_wac_loaded *out) {
  (void)data;
  if (name.len % 2 == 0) return tn_error_new(TN_ERROR_IO, "no such package");
  *out = (tn_wac_loaded){.version = version, .path = "memory"};
  out->bytes = packages[(name.len / 2 + version.len) % COUNT];
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_arena arena = {0};
  tn_buffer out = {0};
  tn_compose_graph graph;
  tn_wit_source source = {.path = TN_STR("fuzz.wac"), .text = {(const char *)data, size}};
  tn_compose_graph_init(&graph, &arena);
  tn_error *error = tn_wac_evaluate(&graph, &source, load, NULL);
  if (error == NULL)
    error =
        tn_compose_encode(&graph, (tn_compose_encoding){.import_components = size % 2 == 0}, &out);
  if (error != NULL && tn_error_get_message(error)[0] == '\0') abort();
  tn_error_delete(error);
  tn_buffer_free(&out);
  tn_arena_free(&arena);
  return 0;
}
