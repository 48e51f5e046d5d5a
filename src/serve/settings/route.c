/* Routes as they are written: "[HOST][/PATH]" of flags and tables, checked, joined with their components and sorted for
 * tn_serve_find_route. */
#include <stdlib.h>

#include "base/error.h"
#include "serve/settings/builder.h"

/* ---- reading --------------------------------------------------------------------------------------- */

static tn_route_draft *add_draft(tn_serve_builder *builder, tn_place place) {
  tn_route_draft *draft =
      tn_builder_check(builder, TN_VEC_PUSH(&builder->config->arena, &builder->routes));
  if (draft == NULL) return NULL;
  draft->host_at = draft->path_at = draft->component_at = place;
  return draft;
}

/* "[HOST][/PATH]" */
static void split_target(tn_str text, tn_route_draft *draft) {
  size_t slash = tn_str_find(text, '/', 0);
  draft->host = tn_str_slice(text, 0, slash);
  draft->path = tn_str_slice(text, slash, text.len);
}

/* "HOST/PATH" = "NAME" */
static void read_pair(tn_serve_builder *builder, const tn_toml *entry) {
  if (entry->kind != TN_TOML_TEXT) {
    tn_setting_report(builder, entry->key.data, entry, "the name of a component");
    return;
  }
  tn_route_draft *draft = add_draft(builder, tn_builder_key_place(builder, entry));
  if (draft == NULL) return;
  split_target(entry->key, draft);
  draft->component = entry->text;
  draft->component_at = tn_builder_place(builder, entry);
}

static bool is_route_table(const tn_toml *table) {
  for (uint32_t i = 0; i < table->count; i++)
    if (tn_setting_find(TN_SECTION_ROUTE, table->items[i].key) != NULL) return true;
  return false;
}

void tn_read_route(tn_serve_builder *builder, void *target, const tn_setting *setting,
                   const tn_toml *value) {
  (void)target;
  if (value->kind != TN_TOML_TABLE) {
    tn_setting_report(builder, setting->name, value,
                      "tables with host, path and component, or \"HOST/PATH\" = \"NAME\"");
    return;
  }
  if (!is_route_table(value)) {
    for (uint32_t i = 0; i < value->count; i++)
      read_pair(builder, &value->items[i]);
    return;
  }
  tn_place place = tn_builder_place(builder, value);
  tn_route_draft *draft = add_draft(builder, place);
  if (draft == NULL) return;
  draft->host_at = tn_builder_place_of(builder, value, "host", place);
  draft->path_at = tn_builder_place_of(builder, value, "path", draft->host_at);
  draft->component_at = tn_builder_place_of(builder, value, "component", place);
  /* The draft's place in the list may change, but not while one route is read. */
  tn_setting_apply_table(builder, draft, TN_SECTION_ROUTE, value);
  if (draft->component.data == NULL)
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, value),
                    "this route says no component");
}

static tn_component_draft *find_component(tn_serve_builder *builder, tn_str name) {
  for (uint32_t i = 0; i < builder->components.len; i++)
    if (tn_str_equal(builder->components.items[i]->component.name, name))
      return builder->components.items[i];
  return NULL;
}

/* The component of a flag: one of the file's by its name, one that another flag named, or a new one. */
static tn_component_draft *component_of_flag(tn_serve_builder *builder, tn_str path) {
  tn_component_draft *found = find_component(builder, path);
  for (uint32_t i = 0; i < builder->components.len && found == NULL; i++) {
    tn_component_draft *draft = builder->components.items[i];
    if (draft->component.line == 0 && tn_str_equal(tn_str_from(draft->component.path), path))
      found = draft;
  }
  if (found != NULL) return found;
  return tn_component_draft_new(builder, (tn_str){0}, path);
}

void tn_add_route_flag(tn_serve_builder *builder, tn_str route) {
  size_t equals = tn_str_find(route, '=', 0);
  bool has_target = equals < route.len;
  tn_component_draft *component =
      component_of_flag(builder, has_target ? tn_str_slice(route, equals + 1, route.len) : route);
  tn_route_draft *draft = add_draft(builder, (tn_place){0});
  if (component == NULL || draft == NULL) return;
  if (has_target) split_target(tn_str_slice(route, 0, equals), draft);
  draft->draft = component;
}

/* ---- checking -------------------------------------------------------------------------------------- */

static bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* What is wrong with a host (in lower case) for a route, or NULL. */
static const char *host_mistake(tn_str host) {
  if (host.len == 0 || host.data[0] == '[')
    return host.len > 0 && host.data[host.len - 1] != ']' ? "it has a port: routes go by host only"
                                                          : NULL;
  if (tn_str_find(host, ':', 0) < host.len) return "it has a port: routes go by host only";
  size_t start = 0;
  if (host.data[0] == '*') {
    if (host.len < 3 || host.data[1] != '.') return "a wildcard is *. and a name: *.example.com";
    start = 2;
  }
  for (size_t i = start; i < host.len; i++)
    if (!is_host_character(host.data[i]))
      return host.data[i] == '*' ? "a * can only stand at its start: *.example.com"
                                 : "it has characters that no host name has";
  return NULL;
}

/* What is wrong with a path for a route, or NULL. */
static const char *path_mistake(tn_str path) {
  if (path.len == 0) return NULL;
  if (path.data[0] != '/') return "it does not begin with /";
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char)path.data[i];
    if (c == '?' || c == '#') return "it has a query or fragment: routes go by path only";
    if (c == '*') return "it has a *: what a path begins with is enough";
    if (c <= ' ' || c >= 0x7f)
      return "it has characters that a path cannot have: write them as %XX";
    if (c == '/' && i > 0 && path.data[i - 1] == '/') return "it has an empty segment";
  }
  return NULL;
}

static bool check_target(tn_serve_builder *builder, const tn_route_draft *draft) {
  const char *mistake = host_mistake(draft->host);
  bool is_host = mistake != NULL;
  if (!is_host) mistake = path_mistake(draft->path);
  if (mistake == NULL) return true;
  tn_str wrong = is_host ? draft->host : draft->path;
  tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, is_host ? draft->host_at : draft->path_at,
                  "route: \"%" TN_STR_FORMAT "\" is no %s for a route: %s", TN_STR_ARG(wrong),
                  is_host ? "host" : "path", mistake);
  return false;
}

static uint32_t index_of(const tn_serve_builder *builder, const tn_component_draft *draft) {
  for (uint32_t i = 0; i < builder->components.len; i++)
    if (builder->components.items[i] == draft) return i;
  return UINT32_MAX;
}

static void report_no_component(tn_serve_builder *builder, const tn_route_draft *draft) {
  tn_server_problem *problem = tn_problems_add(
      builder->problems, TN_ERROR_ARGUMENT, draft->component_at,
      "route: there is no component \"%" TN_STR_FORMAT "\"", TN_STR_ARG(draft->component));
  const char *nearest = NULL;
  for (uint32_t i = 0; i < builder->components.len; i++) {
    const char *name = builder->components.items[i]->component.name.data;
    if (name != NULL) nearest = tn_nearer_name(draft->component, nearest, name);
  }
  if (nearest != NULL)
    tn_problems_set_hint(builder->problems, problem, "did you mean %s?", nearest);
  else
    tn_problems_set_hint(builder->problems, problem, "components are tables: [component.NAME]");
}

/* The host in lower case, with one text for all routes of the same host. */
static tn_str share_host(tn_serve_builder *builder, tn_str host, uint32_t made) {
  if (host.len == 0) return (tn_str){"", 0};
  tn_str copy = tn_arena_copy(&builder->config->arena, host);
  if (tn_builder_check(builder, (void *)copy.data) == NULL) return (tn_str){"", 0};
  for (char *at = (char *)copy.data; *at != '\0'; at++)
    if (*at >= 'A' && *at <= 'Z') *at = (char)(*at | 0x20);
  if (copy.len > 1 && copy.data[copy.len - 1] == '.') copy.len--;
  for (uint32_t i = 0; i < made; i++)
    if (tn_str_equal(builder->config->routes[i].host, copy)) return builder->config->routes[i].host;
  return copy;
}

/* Exact hosts, then wildcards, the longer the more exact, then any. */
static int host_rank(tn_str host) {
  return host.len == 0 ? 2 : host.data[0] == '*' ? 1 : 0;
}

static int compare_texts(tn_str a, tn_str b) {
  int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_routes(const void *left, const void *right) {
  const tn_serve_route *a = left, *b = right;
  int rank = host_rank(a->host) - host_rank(b->host);
  if (rank != 0) return rank;
  if (host_rank(a->host) == 1 && a->host.len != b->host.len)
    return a->host.len > b->host.len ? -1 : 1;
  int order = compare_texts(a->host, b->host);
  if (order != 0) return order;
  if (a->path.len != b->path.len) return a->path.len > b->path.len ? -1 : 1;
  order = compare_texts(a->path, b->path);
  if (order != 0) return order;
  return a->line != b->line ? (a->line > b->line ? 1 : -1)
                            : (a->column > b->column) - (a->column < b->column);
}

static void check_duplicates(tn_serve_builder *builder) {
  const tn_serve_config *config = builder->config;
  for (uint32_t i = 1; i < config->route_count; i++) {
    const tn_serve_route *first = &config->routes[i - 1], *second = &config->routes[i];
    if (!tn_str_equal(first->host, second->host) || !tn_str_equal(first->path, second->path))
      continue;
    tn_place place = {second->line != 0 ? builder->source : NULL, second->line, second->column};
    tn_server_problem *problem = tn_problems_add(
        builder->problems, TN_ERROR_ARGUMENT, place, "there are two routes for \"%s%s\"",
        second->host.data, second->path.len > 0 ? second->path.data : "/");
    if (first->line != 0)
      tn_problems_set_hint(builder->problems, problem, "the other one is in line %u", first->line);
  }
}

/* Appends to config->routes, which has room. */
static void finish_route(tn_serve_builder *builder, const tn_route_draft *draft) {
  tn_serve_config *config = builder->config;
  tn_serve_route route = {.line = draft->path_at.line, .column = draft->path_at.column};
  tn_component_draft *component =
      draft->draft != NULL ? draft->draft : find_component(builder, draft->component);
  if (component == NULL) {
    if (draft->component.data != NULL) report_no_component(builder, draft);
    return;
  }
  tn_route_draft lowered = *draft;
  lowered.host = share_host(builder, draft->host, config->route_count);
  if (!check_target(builder, &lowered)) return;
  tn_str path = draft->path;
  if (path.len > 0 && path.data[path.len - 1] == '/') path.len--;
  route.host = lowered.host;
  route.path = path.len > 0 ? tn_arena_copy(&config->arena, path) : TN_STR("");
  if (tn_builder_check(builder, (void *)route.path.data) == NULL) return;
  route.component = index_of(builder, component);
  config->routes[config->route_count++] = route;
}

/* A server with components and no routes is clear only when there is one component. */
static void add_only_route(tn_serve_builder *builder) {
  if (builder->components.len == 1) {
    tn_route_draft *draft = add_draft(builder, (tn_place){0});
    if (draft != NULL) draft->draft = builder->components.items[0];
    return;
  }
  tn_place place = builder->components.len == 0 ? (tn_place){builder->source, 0, 0}
                                                : builder->components.items[1]->name_at;
  tn_server_problem *problem =
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place,
                      builder->components.len == 0 ? "there is nothing to serve"
                                                   : "there are several components but no routes");
  if (builder->source == NULL)
    tn_problems_set_hint(builder->problems, problem, "name a component: tenon serve app.wasm");
  else
    tn_problems_set_hint(builder->problems, problem, "%s",
                         builder->components.len == 0
                             ? "a component is a table: [component.app] with file = \"app.wasm\""
                             : "a route is a table: [[route]] with host, path and component");
}

void tn_routes_finish(tn_serve_builder *builder) {
  tn_serve_config *config = builder->config;
  if (builder->routes.len == 0 && !tn_problems_any(builder->problems)) add_only_route(builder);
  config->routes = tn_builder_check(
      builder, TN_ARENA_ARRAY(&config->arena, tn_serve_route, builder->routes.len + 1));
  if (config->routes == NULL) return;
  for (uint32_t i = 0; i < builder->routes.len; i++)
    finish_route(builder, &builder->routes.items[i]);
  qsort(config->routes, config->route_count, sizeof *config->routes, compare_routes);
  check_duplicates(builder);
}
