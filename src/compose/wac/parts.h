/* What the files of the WAC evaluator share; nothing outside of it includes this.
 *
 *   wac.c             the document and its statements
 *   wac_expression.c  new, access
 *   wac_package.c     packages and paths into them
 *   wac_type.c        types and functions: from WIT's syntax tree to types
 *   wac_interface.c   interfaces
 *   wac_world.c       worlds, and whether the whole fits one
 *
 * Text is evaluated while it is read: what a name means is known when it stands there. */
#ifndef TN_COMPOSE_WAC_PARTS_H
#define TN_COMPOSE_WAC_PARTS_H

#include "compose/wac/wac.h"
#include "wit/package/syntax.h"

/* What a name stands for. */
typedef struct tn_wac_entry {
  tn_compose_item item;  /* .name is that of an import or export, if it is one */
  tn_compose_node *node; /* NULL: a type within an interface or world */
  uint32_t offset;       /* where it was declared */
} tn_wac_entry;

typedef struct tn_wac_scope {
  tn_map names; /* to tn_wac_entry */
} tn_wac_scope;

/* Invariant: `scope` is &root, or that of the interface or world being read. */
typedef struct tn_wac {
  tn_compose_graph *graph;
  tn_compose_types *types;
  tn_wit_reader reader;
  tn_str package; /* "a:b" */
  tn_str version; /* .data == NULL: none */
  tn_wac_scope root;
  tn_wac_scope *scope;
  tn_wac_load_func load;
  void *data;
  tn_map packages; /* as written, with its version -> tn_compose_package */
  /* "a:b@1.0.0" and a package's export -> tn_compose_type: an interface or world */
  tn_map definitions;
  uint32_t depth; /* expressions that are open */
} tn_wac;

/* "a:b", "a:b/c", "a:b/c/d@1.0.0" */
typedef struct tn_wac_path {
  tn_str text;    /* all of it */
  tn_str package; /* "a:b" */
  tn_str version; /* .data == NULL: none */
  TN_VEC(tn_wit_word) segments;
  uint32_t offset;
} tn_wac_path;

/* ---- wac.c ----------------------------------------------------------------------------------- */

/* An error at a place of the text. */
tn_error *tn_wac_error(const tn_wac *wac, uint32_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Says where an error arose; NULL stays NULL. Takes and returns ownership. */
tn_error *tn_wac_at(const tn_wac *wac, uint32_t offset, tn_error *error);
/* What is added to the graph from now on is there because of what stands here. */
static inline void tn_wac_place(const tn_wac *wac, uint32_t offset) {
  wac->graph->place = offset + 1;
}
static inline uint32_t tn_wac_offset(const tn_wac *wac) {
  return (uint32_t)wac->reader.lexer.token.start;
}
/* Whether the current token is this word, which only WAC reserves. */
bool tn_wac_at_word(const tn_wac *wac, const char *word);
/* Passes over "..." if it is here. */
bool tn_wac_accept_dots(tn_wac *wac);
/* Passes over a name that is no keyword of WAC. */
tn_error *tn_wac_name(tn_wac *wac, const char *what, tn_wit_word *out);
/* Passes over a string, which has no escapes. */
tn_error *tn_wac_string(tn_wac *wac, tn_wit_word *out);
/* Makes a name known in the current scope. */
tn_error *tn_wac_declare(tn_wac *wac, tn_wit_word name, const tn_compose_item *item,
                         tn_compose_node *node);
/* Finds a name in a scope. */
tn_error *tn_wac_find(const tn_wac *wac, const tn_wac_scope *scope, tn_wit_word name,
                      const tn_wac_entry **out);
/* What an item is when it is imported: an instance for an interface, a component for a world. */
tn_compose_item tn_wac_promote(const tn_compose_item *item);
tn_error *tn_wac_wrong_kind(const tn_wac *wac, tn_wit_word name, const tn_compose_item *item,
                            const char *wanted);

/* ---- wac_expression.c ------------------------------------------------------------------------ */

/* *offset (may be NULL) is where it starts. */
tn_error *tn_wac_expression(tn_wac *wac, const tn_wac_entry **out, uint32_t *offset);

/* ---- wac_package.c --------------------------------------------------------------------------- */

/* Whether a ':' with a name on either side is next, without blanks: a package's name and not a label. */
bool tn_wac_at_path(const tn_wac *wac);
tn_error *tn_wac_read_path(tn_wac *wac, tn_wac_path *out);
tn_error *tn_wac_find_package(tn_wac *wac, const tn_wac_path *path, const tn_compose_package **out);
/* The path with the version that was found for it. */
tn_error *tn_wac_path_name(tn_wac *wac, const tn_wac_path *path, tn_str *out);
/* What a path with segments names: an item of sort TYPE for interfaces and worlds. */
tn_error *tn_wac_resolve_path(tn_wac *wac, const tn_wac_path *path, tn_compose_item *out);

/* ---- wac_type.c ------------------------------------------------------------------------------ */

/* A named type expression in the current scope. */
tn_error *tn_wac_type(tn_wac *wac, const tn_wit_type_expression *expression, tn_compose_type **out);
/* "func(…)", at the current token. */
tn_error *tn_wac_function(tn_wac *wac, tn_compose_type **out);
/* The type of a function of a resource, or (NULL) of none. */
tn_error *tn_wac_function_type(tn_wac *wac, const tn_wit_function_expression *expression,
                               tn_wit_function_kind kind, tn_compose_type *resource,
                               tn_compose_type **out);
/* A declaration of a type, at the current token. `allow_resource`: resources are types here; their functions
 * are then added to `functions`. Names the type and makes it known. */
tn_error *tn_wac_type_declaration(tn_wac *wac, tn_compose_interface *home,
                                  tn_compose_items *functions, tn_wit_word *name,
                                  tn_compose_type **out);

/* ---- wac_interface.c ------------------------------------------------------------------------- */

/* Reads "a:b/c" or the name of an interface that the text declares; `name` is for messages. */
tn_error *tn_wac_read_interface(tn_wac *wac, tn_compose_interface **out, tn_wit_word *name);
/* "{ … }": the items of an interface; `id` .data == NULL: it has no name. */
tn_error *tn_wac_interface_body(tn_wac *wac, tn_str id, tn_compose_interface **out);
/* "use a.{b, c as d};" in an interface or (home NULL) a world, whose items these are. */
tn_error *tn_wac_use(tn_wac *wac, tn_compose_items *items);
/* "a:b/name@1.0.0" in the package of the document. */
tn_error *tn_wac_id(tn_wac *wac, tn_str name, tn_str *out);

/* ---- wac_world.c ----------------------------------------------------------------------------- */

tn_error *tn_wac_world_body(tn_wac *wac, tn_wit_word name, tn_compose_world **out);
/* Whether what was composed fits a world. */
tn_error *tn_wac_check_target(tn_wac *wac, const tn_wac_path *path);

#endif
