/* Worlds in core modules. */
#ifndef TN_COMPOSE_COMPONENTIZE_EMBED_H
#define TN_COMPOSE_COMPONENTIZE_EMBED_H

#include "base/buffer.h"
#include "tenon/componentize.h"
#include "wit/package/model.h"

/* tn_embed; `module` with .data == NULL: a dummy. */
tn_error *tn_embed_world(tn_buffer *out, const char *wit, tn_str module,
                         const tn_embed_options *options);

/* What messages call the module. */
const char *tn_embed_module_name(const tn_embed_options *options);

/* A core module that has the imports and exports that a world asks for, and whose functions only trap. */
tn_error *tn_dummy_module(tn_buffer *out, tn_arena *arena, const tn_wit_world *world,
                          tn_embed_names names, tn_embed_abi abi);

#endif
