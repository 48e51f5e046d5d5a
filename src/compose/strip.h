/* Leaving custom sections out. */
#ifndef TN_COMPOSE_STRIP_H
#define TN_COMPOSE_STRIP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "component/component.h"

/* Whether a custom section of this name stays. */
typedef bool (*tn_keeps_section)(void *data, tn_str name);

/* Copies a core module without the custom sections that do not stay. TN_ERROR_MALFORMED. */
tn_error *tn_strip_module(tn_buffer *out, tn_str module, tn_keeps_section keeps, void *data);
/* The same for a component, its core modules and nested components. The tree is in the arena. */
tn_error *tn_strip_component(tn_arena *arena, const tn_component_ast *component,
                             tn_keeps_section keeps, void *data, const tn_component_ast **out);

#endif
