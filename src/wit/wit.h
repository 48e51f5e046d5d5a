/* WIT text: reading types and function signatures, and printing them. WIT.md
 *
 * Reads the part of WIT that describes values and functions: what a host interface is declared with, and
 * what a caller of the library writes for one host function. */
#ifndef TN_WIT_WIT_H
#define TN_WIT_WIT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/map.h"
#include "component/type.h"

/* Finds the named type of another interface, for `use`: *out is the type, or, for a resource, *resource.
 * Returns TN_ERROR_NOT_FOUND when there is none. */
typedef tn_error *(*tn_wit_use_func)(void *data, tn_str interface, tn_str name, const tn_type **out,
                                     const tn_resource **resource);
/* Called for each `resource` declaration: gives the identity to use. */
typedef tn_error *(*tn_wit_resource_func)(void *data, tn_str name, const tn_resource **out);

/* The named types of one interface: what `use`, `type`, `record`, … declare, by name. Zeroed: empty. */
typedef struct tn_wit_scope {
  tn_arena *arena;
  tn_map types;     /* name -> const tn_type *; a resource's name stands for own<it> */
  tn_map resources; /* name -> const tn_resource * */
  tn_wit_use_func use;
  tn_wit_resource_func resource;
  void *data; /* for both */
} tn_wit_scope;

/* Reads declarations (`use a:b/c.{x as y, z};`, `type`, `record`, `variant`, `enum`, `flags`, `resource`)
 * into the scope. Function declarations are not allowed here. Errors: TN_ERROR_ARGUMENT with line and
 * column. The text must outlive the scope. */
tn_error *tn_wit_parse_types(tn_wit_scope *scope, tn_str text);
/* Reads a type expression, such as "result<list<u8>, error-code>". */
tn_error *tn_wit_parse_type(tn_wit_scope *scope, tn_str text, const tn_type **out);
/* Reads "func(a: u32, b: list<string>) -> result<u64, error-code>", optionally "async func". */
tn_error *tn_wit_parse_func(tn_wit_scope *scope, tn_str text, const tn_func_type **out);

/* Prints a type as WIT; structural types that WIT can only name (records …) are printed in full:
 * record { x: s32, y: s32 }. */
void tn_wit_print_type(tn_buffer *out, const tn_type *type);
/* Prints a name, with '%' in front when it is a keyword. */
void tn_wit_print_name(tn_buffer *out, tn_str name);
/* "func(a: u32) -> string" */
void tn_wit_print_func(tn_buffer *out, const tn_func_type *type);

#endif
