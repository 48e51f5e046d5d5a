/* A configuration while it is made from a file and flags. Only src/serve's settings code looks at this. */
#ifndef TN_SERVE_SETTINGS_BUILDER_H
#define TN_SERVE_SETTINGS_BUILDER_H

#include "serve/settings/config.h"
#include "serve/settings/setting.h"
#include "serve/settings/settings.h"

typedef struct tn_component_draft {
  /* name: its table's key, or made from its path at the end; wasi is there */
  tn_serve_component component;
  TN_VEC(tn_serve_link) links;
  bool inherit_env;
  bool allow_precompiled;
  const char *file; /* in which its place is; NULL: a flag */
  tn_place name_at;
} tn_component_draft;

/* Texts as they were given; made a tn_serve_route at the end, when all components are known. */
typedef struct tn_route_draft {
  tn_str host;
  tn_str path;
  tn_str component;          /* its name */
  tn_component_draft *draft; /* or itself */
  tn_place host_at, path_at, component_at;
} tn_route_draft;

/* `file` and `folder` say where the values that are being read come from: NULL and NULL for flags, whose paths are
 * relative to the working directory. All in the arena of `config`. */
struct tn_serve_builder {
  tn_serve_config *config;
  tn_problems *problems;
  const char *file;
  const char *folder;
  /* the file, whatever is being read, for problems with what is complete; or NULL */
  const char *source;
  const tn_toml *defaults; /* [defaults]; or NULL */
  TN_VEC(tn_serve_listen) listens;
  TN_VEC(tn_component_draft *) components;
  TN_VEC(tn_route_draft) routes;
};

static inline tn_place tn_builder_place(const tn_serve_builder *builder, const tn_toml *value) {
  return (tn_place){value->line != 0 ? builder->file : NULL, value->line, value->column};
}
static inline tn_place tn_builder_key_place(const tn_serve_builder *builder, const tn_toml *value) {
  return (tn_place){value->key_line != 0 ? builder->file : NULL, value->key_line,
                    value->key_column};
}
/* That of the value under a key, or if there is none `otherwise`. */
static inline tn_place tn_builder_place_of(const tn_serve_builder *builder, const tn_toml *table,
                                           const char *key, tn_place otherwise) {
  const tn_toml *value = tn_toml_get(table, key);
  return value != NULL ? tn_builder_place(builder, value) : otherwise;
}
/* As all makers in an arena: NULL without memory, which is noted. */
void *tn_builder_check(tn_serve_builder *builder, void *made);
/* A path as the values say it: relative to the file's folder. */
const char *tn_builder_path(tn_serve_builder *builder, tn_str path);

/* ---- readers of the table's rows, by subject ------------------------------------------------------ */

/* listen_settings.c */
void tn_read_listen(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
/* Checks all of them, with their certificates. */
void tn_check_listens(tn_serve_builder *builder);
/* What is wrong with an address, or NULL. */
const char *tn_listen_address_mistake(tn_str address, bool may_be_systemd);

/* component_settings.c */
void tn_read_components(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_defaults(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
/* `name` may be empty: then made from `path`, which may be empty too. */
tn_component_draft *tn_component_draft_new(tn_serve_builder *builder, tn_str name, tn_str path);
/* Ends the rights of one that goes no further, and of what it is linked with. */
void tn_component_draft_release(tn_component_draft *draft);
/* What depends on several settings; hands all over to the configuration. */
void tn_components_finish(tn_serve_builder *builder);

/* `detail` of what tn_read_wasi_flag reads */
enum {
  TN_WASI_FLAG_NETWORK = 1,
  TN_WASI_FLAG_LOOKUP,
  TN_WASI_FLAG_HTTP_PRIVATE,
  TN_WASI_FLAG_HTTP_ALL
};

/* rights_settings.c: what a component may do; targets are tn_component_draft */
void tn_read_argument(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_environment(tn_serve_builder *, void *target, const tn_setting *,
                         const tn_toml *value);
void tn_read_directory(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_network(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_http(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_wasi_flag(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_config_value(tn_serve_builder *, void *target, const tn_setting *,
                          const tn_toml *value);
void tn_inherit_environment(tn_serve_builder *builder, tn_component_draft *draft);

/* link_settings.c */
void tn_read_link(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
/* What depends on several settings of the component. */
void tn_links_finish(tn_serve_builder *builder, tn_component_draft *draft);
/* Ends their rights. */
void tn_links_delete(tn_serve_link *links, uint32_t count);

/* route_settings.c */
void tn_read_route(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
/* "[HOST][/PATH]=FILE" of a flag. */
void tn_add_route_flag(tn_serve_builder *builder, tn_str route);
/* Resolves, checks and sorts them into the configuration. */
void tn_routes_finish(tn_serve_builder *builder);

/* config.c */
void tn_read_limits(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_admin(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);
void tn_read_opt_level(tn_serve_builder *, void *target, const tn_setting *, const tn_toml *value);

#endif
