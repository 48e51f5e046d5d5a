/* Plugs the exports of components into the imports of another. */
#ifndef TN_COMPOSE_PLUG_H
#define TN_COMPOSE_PLUG_H

#include "compose/graph.h"

/* Instantiates the plugs and, with what they export, the socket, whose exports become those of the whole. What
 * is then still missing is imported. Where plugs pass resources to the socket that come from another plug, they
 * get them from that one, too. is_used[i] says whether
 * plug i takes part. TN_ERROR_LINK: nothing fits, two plugs have the same, or what has the right name
 * has the wrong type. */
tn_error *tn_compose_plug_into(tn_compose_graph *graph, const tn_compose_package *socket,
                               const tn_compose_package *const *plugs, uint32_t count,
                               bool *is_used);

#endif
