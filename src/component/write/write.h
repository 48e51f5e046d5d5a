/* From a syntax tree to bytes: the opposite of tn_component_decode. Binary.md */
#ifndef TN_COMPONENT_WRITE_H
#define TN_COMPONENT_WRITE_H

#include "base/buffer.h"
#include "base/error.h"
#include "component/ast.h"

/* Appends the binary form of a component, nested ones included: sections in the order of `definitions`,
 * neighbours of one kind in one section, then the custom sections. Core modules, core module types (`encoded`)
 * and values are copied as they are. The `bytes` and `offset` members of the tree are not looked at, but for
 * those of core modules. Decoding the result gives an equal tree. Errors: TN_ERROR_NO_MEMORY, TN_ERROR_LIMIT
 * when the tree nests deeper than TN_MAX_COMPONENT_DEPTH or the result would not fit 32 bits. What comes out is
 * valid only if the tree was. */
tn_error *tn_component_write(tn_buffer *out, const tn_component_ast *component);

#endif
