/* What the files of the encoder share; encode.h is for others. */
#ifndef TN_WIT_PACKAGE_ENCODE_INTERNAL_H
#define TN_WIT_PACKAGE_ENCODE_INTERNAL_H

#include "base/buffer.h"
#include "wit/package/encode.h"

/* The first byte of a "wit-component-encoding" section; the second is the string encoding. */
enum { TN_WIT_ENCODING_VERSION = 4 };

/* What a scope knows about one interface.
 * Invariant: `types` (by name -> index + 1) are in the index space of the scope. */
typedef struct tn_known_interface {
  bool has_instance;
  uint32_t instance;
  tn_map types;
} tn_known_interface;

/* The entry of an interface, made when there is none. */
tn_error *tn_encode_know(tn_wit_encoder *scope, const tn_wit_interface *interface,
                         tn_known_interface **out);

/* Finds a named type in the scope or around it and brings it in. *found is false when it is not there. */
tn_error *tn_encode_find(tn_wit_encoder *scope, const tn_wit_type *type, bool *found,
                         uint32_t *index);
/* Defines a named type and exports it (from an instance type) or imports it (elsewhere), under its name. */
tn_error *tn_encode_declare(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t *index);

/* Adds to whichever builder the scope has. */
tn_error *tn_encode_add_type(tn_wit_encoder *scope, const tn_ast_type *type, uint32_t *index);
tn_error *tn_encode_add_import(tn_wit_encoder *scope, tn_extern_name name, tn_ast_extern_type type,
                               uint32_t *index);
/* To `decls`. */
tn_error *tn_encode_add_export(tn_wit_encoder *scope, tn_extern_name name, tn_ast_extern_type type,
                               uint32_t *index);
/* The name with what the declaration says besides (@external-id). */
tn_extern_name tn_encode_name(tn_str name, const tn_wit_declaration *declaration);

/* The metadata of a package: payload of the "package-docs" custom section. */
void tn_encode_docs(tn_buffer *out, const tn_wit_package *package);

#endif
