/* Value and function types as everything after linking sees them: resolved (no indices), with each
 * resource type being one particular tn_resource, and with their Canonical ABI measures attached.
 *
 * Made by the linker from a component's types and by src/wit/ from text; immutable afterwards; they live
 * in their maker's arena. */
#ifndef TN_COMPONENT_TYPE_H
#define TN_COMPONENT_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "component/ast.h"
#include "tenon.h"

typedef struct tn_runtime tn_runtime;

enum {
  TN_FLAT_MANY = 17,
  TN_MAX_FLAT_PARAMS = 16,
  TN_MAX_FLAT_ASYNC_PARAMS = 4,
  TN_MAX_FLAT_RESULTS = 1
};
enum { TN_MAX_TYPE_WEIGHT = 1000000 };

/* A resource type; its address is its identity. Generative: each instantiation of a component that
 * defines one has a tn_resource of its own in the plan. */
struct tn_resource {
  tn_str name;  /* for messages */
  bool is_host; /* implemented by the host: `drop` below; else by component instance `instance` */
  uint32_t instance;  /* runtime component instance that implements it (index into tn_runtime) */
  int32_t destructor; /* slot in tn_runtime.funcs, or -1 */
  /* Host resources: called when the last owning handle goes; may be NULL. `data` is what was given when
   * the resource was defined. */
  void (*drop)(tn_runtime *runtime, void *data, uint32_t representation);
  void *data;
};

/* What a type occupies in memory with 32-bit pointers [0] and with 64-bit pointers [1]; the latter is
 * also the layout of the native C form (see "Values" in tenon.h). CanonicalABI.md#alignment, #element-size */
typedef struct tn_layout {
  uint32_t size;
  uint32_t alignment;
} tn_layout;

/* `tn_type_kind` is public, see tenon.h.
 *
 *   kind                    count            types[]                     labels[]
 *   LIST, OPTION            1                element                     -
 *   FIXED_LIST              1 (see length)   element                     -
 *   MAP                     2                key, value                  -
 *   RECORD                  fields           field types                 field names
 *   TUPLE                   elements         element types               -
 *   VARIANT                 cases            payloads, NULL if none      case names
 *   ENUM, FLAGS             labels           -                           labels
 *   RESULT                  2                ok, error, NULL if none     -
 *   STREAM, FUTURE          1                element, NULL if none       -
 *   OWN, BORROW             0                -                           -           (see resource)
 *   the rest                0                                                                     */
struct tn_type {
  tn_type_kind kind;
  uint32_t count;
  const tn_type *const *types;
  const tn_str *labels;
  uint32_t length;             /* FIXED_LIST: the number of elements */
  const tn_resource *resource; /* OWN, BORROW */

  /* Derived, by tn_type_finish. */
  tn_layout layout[2];
  uint32_t flat_count; /* core values when flattened; TN_FLAT_MANY when more than 16 */
  bool has_borrow;     /* contains a borrow handle */
  bool has_handle;     /* contains any handle, stream, future or error context */
  bool has_pointer;    /* contains a string, list or map */
  /* every bit pattern is valid and carries over unchanged: integers and floats, and records,
   * tuples, fixed lists of them without padding */
  bool is_plain;
  /* RECORD, TUPLE: offset of each field, by pointer size as above; MAP: of the key and the value
   * in an entry, which is laid out as a tuple */
  uint32_t *field_offset[2];
  uint32_t payload_offset[2]; /* VARIANT, OPTION, RESULT: offset of the payload */
  uint8_t discriminant_size;  /* VARIANT, ENUM, OPTION, RESULT: 1, 2 or 4; FLAGS: its size */
  /* the flattening (tn_flat_type), unless flat_count is TN_FLAT_MANY */
  uint8_t flat[2][TN_MAX_FLAT_PARAMS];
  /* nodes when written out as a tree, at most TN_MAX_TYPE_WEIGHT: bounds the cost of walking a
   * type whose parts are shared */
  uint32_t weight;
  /* types within it, at most TN_MAX_TYPE_DEPTH (one more in a tuple of parameters): bounds the
   * recursion of all that walk types or values */
  uint32_t depth;
};

struct tn_func_type {
  bool is_async;
  uint32_t param_count;
  const tn_str *param_names;
  const tn_type *const *param_types;
  const tn_type *result; /* NULL: none */
  /* Derived, by tn_func_type_finish: the parameters as one tuple, which is how they lie in memory when
   * they are spilled, and how a host function gets them. Never NULL afterwards. */
  const tn_type *params;
};

/* The shared, static types without arguments (BOOL .. STRING, ERROR_CONTEXT), finished. */
const tn_type *tn_type_primitive(tn_type_kind kind);
/* The same for a primitive as the syntax tree has it. */
const tn_type *tn_type_of_primitive(tn_primitive primitive);
/* "u32", "list", "fixed-length list", "own": for primitives the name that WIT and the text format have. */
const char *tn_type_kind_name(tn_type_kind kind);
const char *tn_primitive_name(tn_primitive primitive);

/* Fills in what is derived; all types that `type` contains must be finished. Error TN_ERROR_INVALID when
 * it would take 2^28 bytes or more, is heavier than TN_MAX_TYPE_WEIGHT or nests deeper than TN_MAX_TYPE_DEPTH
 * (component.h); TN_ERROR_NO_MEMORY. */
tn_error *tn_type_finish(tn_arena *arena, tn_type *type);
tn_error *tn_func_type_finish(tn_arena *arena, tn_func_type *type);

/* Structural equality; resources by identity, labels included. */
bool tn_type_equal(const tn_type *a, const tn_type *b);
bool tn_func_type_equal(const tn_func_type *a, const tn_func_type *b);

typedef enum tn_flat_type { TN_FLAT_I32, TN_FLAT_I64, TN_FLAT_F32, TN_FLAT_F64 } tn_flat_type;

/* The flattening of a type for 32-bit or (is_64) 64-bit pointers: writes up to `room` core types to
 * `out` and returns how many it has (which may be more than `room`, capped at TN_FLAT_MANY; nothing is
 * written when it is TN_FLAT_MANY, such a type always goes through memory).
 * CanonicalABI.md#flattening */
uint32_t tn_type_flatten(const tn_type *type, bool is_64, tn_flat_type *out, uint32_t room);

#endif
