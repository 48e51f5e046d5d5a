/* Core modules out of a component. */
#ifndef TN_COMPOSE_UNBUNDLE_H
#define TN_COMPOSE_UNBUNDLE_H

#include "base/arena.h"
#include "component/component.h"
#include "tenon/componentize.h"

/* tn_unbundle; the tree is in the arena. It is for writing: of the imports' core types it has the bytes only. */
tn_error *tn_unbundle_component(tn_arena *arena, const tn_component_ast *component,
                                size_t threshold, tn_unbundle_func take, void *data,
                                const tn_component_ast **out);

#endif
