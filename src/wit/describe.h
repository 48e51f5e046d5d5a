/* Types of a component's world as WIT text. For src/wit/ only. */
#ifndef TN_WIT_DESCRIBE_H
#define TN_WIT_DESCRIBE_H

#include "base/buffer.h"
#include "wit/model.h"

/* Invariant: `scopes` are the interfaces whose names can be used as they are, NULL where there is none. */
typedef struct tn_wit_describer {
  tn_buffer *out;
  const tn_wit_instance *scopes[2];
  size_t limit;   /* of out->len */
  uint64_t cost;  /* names looked at */
  bool too_large; /* the text, the nesting or the cost: nothing more is written */
} tn_wit_describer;

void tn_wit_describer_start(tn_wit_describer *d, tn_buffer *out);
/* Writes a reference to a type: a name, or what it is made of. */
void tn_wit_describe_node(tn_wit_describer *d, const tn_wit_node *node);
/* How much of a function's signature to write. */
typedef enum tn_wit_signature {
  TN_WIT_SIGNATURE_WHOLE,  /* (a: u32) -> string */
  TN_WIT_SIGNATURE_METHOD, /* without the first parameter, self */
  TN_WIT_SIGNATURE_CONSTRUCTOR, /* without the result, unless it can fail: a constructor returns its resource */
} tn_wit_signature;

void tn_wit_describe_signature(tn_wit_describer *d, const tn_wit_node *func, tn_wit_signature form);
/* "func", or "async func". */
const char *tn_wit_describe_func_keyword(const tn_wit_node *func);
/* What a type is declared as: "u32", "record { x: s32 }", "resource". */
void tn_wit_describe_definition(tn_wit_describer *d, const tn_wit_node *node);
/* "record", "variant", "enum" or "flags", which are declared with a keyword and members; NULL for other types,
 * which are declared with `type x = …`. */
const char *tn_wit_aggregate_keyword(const tn_wit_node *root);
/* One member of a record, variant, enum or flags: "x: s32", "a(u8)", "a". */
void tn_wit_describe_member(tn_wit_describer *d, const tn_wit_node *root, uint32_t index);

/* Whether more may be written; counts one step. */
bool tn_wit_describer_go_on(tn_wit_describer *d);

#endif
