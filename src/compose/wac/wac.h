/* WAC, the language of compositions: a superset of WIT that is evaluated from top to bottom.
 * https://github.com/bytecodealliance/wac/blob/main/LANGUAGE.md */
#ifndef TN_COMPOSE_WAC_WAC_H
#define TN_COMPOSE_WAC_WAC_H

#include "compose/graph.h"
#include "wit/package/model.h"

/* A package: a component or WIT in binary form. All of it lives as long as the graph. */
typedef struct tn_wac_loaded {
  tn_str version;   /* .data == NULL: none */
  const char *path; /* for messages */
  tn_str bytes;
} tn_wac_loaded;

/* Finds a package. `version` .data == NULL: none, or whatever is newest. */
typedef tn_error *(*tn_wac_load_func)(void *data, tn_str name, tn_str version, tn_wac_loaded *out);

/* Reads the text into an empty graph. `source` must outlive the graph. Errors: TN_ERROR_INVALID or
 * TN_ERROR_LINK with file, line, column and the line; those of `load`, with the same. */
tn_error *tn_wac_evaluate(tn_compose_graph *graph, const tn_wit_source *source,
                          tn_wac_load_func load, void *data);
/* Says where in the text the place of a graph is that was read from it; nothing for 0. Takes and returns ownership of
 * the error, which may be NULL. */
tn_error *tn_wac_error_at_place(const tn_wit_source *source, uint32_t place, tn_error *error);

#endif
