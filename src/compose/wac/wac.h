/* WAC, the language of compositions: a superset of WIT that is evaluated from top to bottom.
 * https://github.com/bytecodealliance/wac/blob/main/LANGUAGE.md */
#ifndef TN_COMPOSE_WAC_WAC_H
#define TN_COMPOSE_WAC_WAC_H

#include "compose/graph.h"
#include "wit/package/model.h"

/* Gives the bytes of a package: a component or WIT in binary form. They live as long as the graph. `version`
 * .data == NULL: any. */
typedef tn_error *(*tn_wac_load_func)(void *data, tn_str name, tn_str version, tn_str *bytes);

/* Reads the text into an empty graph. `source` must outlive the graph. Errors: TN_ERROR_INVALID or
 * TN_ERROR_LINK with file, line, column and the line; those of `load`, with the same. */
tn_error *tn_wac_evaluate(tn_compose_graph *graph, const tn_wit_source *source,
                          tn_wac_load_func load, void *data);

#endif
