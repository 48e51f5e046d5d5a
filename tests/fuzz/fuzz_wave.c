/* Reads arbitrary text as WAVE: the first byte chooses the type. The same text as a call, too. */
#include "fuzz_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tn_error *parse(tn_arena *arena, const tn_type *type, tn_str text, void *out) {
  return tn_wave_parse(arena, type, text, out, NULL);
}

static void parse_call(tn_str text) {
  tn_arena arena = {0};
  tn_wit_scope scope = {.arena = &arena};
  const tn_func_type *type = NULL;
  tn_str name;
  tn_str arguments;
  if (tn_wit_parse_func(&scope, TN_STR("func(a: u8, b: list<string>, c: option<f32>)"), &type) !=
      NULL)
    abort();
  tn_error *error = tn_wave_parse_call_name(text, &name, &arguments);
  if (error == NULL) {
    void *params = tn_value_new(&arena, type->params);
    if (params == NULL) abort();
    error = tn_wave_parse_arguments(&arena, type, arguments, params);
  }
  tn_error_delete(error);
  tn_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0) parse_call((tn_str){(const char *)data + 1, size - 1});
  return fuzz_round_trip(data, size, parse, tn_wave_print);
}
