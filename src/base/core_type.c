#include "base/core_type.h"

#include <stddef.h>

const char *tn_core_number_name(uint8_t code) {
  enum { FIRST = 0x7b };
  static const char *const names[] = {"v128", "f64", "f32", "i64", "i32"};
  return code >= FIRST && code < FIRST + sizeof names / sizeof *names ? names[code - FIRST] : NULL;
}
