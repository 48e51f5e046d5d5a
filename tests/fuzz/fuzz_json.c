/* Reads arbitrary text as JSON: the first byte chooses the type. */
#include "fuzz_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_round_trip(data, size, tn_json_parse, tn_json_print);
}
