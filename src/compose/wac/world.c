#include "compose/wac/parts.h"

/* `include`, which is done when the rest of the world is known. */
typedef struct inclusion {
  const tn_compose_world *world;
  tn_wit_word name; /* for messages */
  TN_VEC(tn_wit_renaming) renamings;
  tn_map by_name; /* -> tn_wit_renaming that was not used yet */
} inclusion;

/* A world while it is read. */
typedef struct world_reader {
  tn_wac *wac;
  tn_wit_word name;
  tn_compose_world *world;
  TN_VEC(inclusion) inclusions;
} world_reader;

static const char *side_name(bool is_import) {
  return is_import ? "import" : "export";
}

static tn_compose_items *side(world_reader *r, bool is_import) {
  return is_import ? &r->world->imports : &r->world->exports;
}

/* ---- imports and exports -------------------------------------------------------------------------------- */

static tn_error *find_anywhere(tn_wac *wac, tn_wit_word name, const tn_wac_entry **out) {
  bool is_local = tn_map_has(&wac->scope->names, name.text);
  return tn_wac_find(wac, is_local ? wac->scope : &wac->root, name, out);
}

/* Behind "import label:". */
static tn_error *read_labelled(world_reader *r, tn_compose_item *out) {
  tn_wac *wac = r->wac;
  tn_wit_word name;
  const tn_wac_entry *entry;
  if (tn_wit_reader_at_keyword(&wac->reader, TN_WIT_FUNC) ||
      tn_wit_reader_at_keyword(&wac->reader, TN_WIT_ASYNC)) {
    out->sort = TN_SORT_FUNC;
    TN_TRY(tn_wac_function(wac, &out->type));
    return tn_wit_reader_expect(&wac->reader, ';', "';'");
  }
  if (tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_INTERFACE)) {
    out->sort = TN_SORT_INSTANCE;
    TN_TRY(tn_wac_interface_body(wac, (tn_str){NULL, 0}, &out->interface));
    tn_wit_reader_accept(&wac->reader, ';'); /* WIT has none here, WAC has one */
    return NULL;
  }
  TN_TRY(tn_wac_name(wac, "a function, an interface or a name", &name));
  TN_TRY(find_anywhere(wac, name, &entry));
  *out = tn_wac_promote(&entry->item);
  if (entry->item.sort != TN_SORT_TYPE ||
      (out->sort != TN_SORT_FUNC && out->sort != TN_SORT_INSTANCE))
    return tn_wac_wrong_kind(wac, name, &entry->item, "a type of functions or an interface");
  return tn_wit_reader_expect(&wac->reader, ';', "';'");
}

/* An interface that is imported or exported by its own name. */
static tn_error *read_interface_name(world_reader *r, tn_compose_item *out, tn_wit_word *name) {
  tn_compose_interface *interface;
  TN_TRY(tn_wac_read_interface(r->wac, &interface, name));
  *out = (tn_compose_item){.name = interface->id, .sort = TN_SORT_INSTANCE, .interface = interface};
  return tn_wit_reader_expect(&r->wac->reader, ';', "';'");
}

/* Whether "label:" is next. */
static bool at_label(const tn_wac *wac) {
  tn_wit_lexer ahead = wac->reader.lexer;
  if (ahead.token.kind != TN_WIT_NAME || tn_wac_at_path(wac)) return false;
  tn_wit_lexer_advance(&ahead);
  return ahead.token.kind == ':';
}

static tn_error *read_extern(world_reader *r, bool is_import) {
  tn_wac *wac = r->wac;
  tn_wit_word name;
  tn_compose_item item = {0};
  tn_wit_lexer_advance(&wac->reader.lexer);
  if (at_label(wac)) {
    TN_TRY(tn_wac_name(wac, "a name", &name));
    tn_wit_lexer_advance(&wac->reader.lexer); /* ':' */
    TN_TRY(read_labelled(r, &item));
    item.name = name.text;
  } else {
    TN_TRY(read_interface_name(r, &item, &name));
  }
  tn_compose_items *items = side(r, is_import);
  if (tn_compose_items_get(items, item.name) != NULL)
    return tn_wac_error(wac, name.offset,
                        "world `%" TN_STR_FORMAT "` has two %ss `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(r->name.text), side_name(is_import), TN_STR_ARG(item.name));
  return tn_compose_items_add(wac->types, items, &item);
}

/* ---- include -------------------------------------------------------------------------------------------- */

static tn_error *read_renamings(world_reader *r, inclusion *out) {
  tn_wac *wac = r->wac;
  TN_TRY(tn_wit_reader_expect(&wac->reader, '{', "'{'"));
  do {
    if (tn_wit_reader_at(&wac->reader, '}')) break;
    tn_wit_renaming *renaming = TN_VEC_PUSH(wac->graph->arena, &out->renamings);
    if (renaming == NULL) return tn_error_no_memory();
    TN_TRY(tn_wac_name(wac, "a name", &renaming->name));
    if (!tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_AS))
      return tn_wit_reader_expected(&wac->reader, "'as'");
    TN_TRY(tn_wac_name(wac, "a name", &renaming->as));
  } while (tn_wit_reader_accept(&wac->reader, ','));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '}', "',' or '}'"));
  for (uint32_t i = 0; i < out->renamings.len; i++) {
    tn_wit_renaming *renaming = &out->renamings.items[i];
    if (tn_map_has(&out->by_name, renaming->name.text))
      return tn_wac_error(wac, renaming->name.offset, "`%" TN_STR_FORMAT "` is renamed twice",
                          TN_STR_ARG(renaming->name.text));
    if (!tn_map_put(wac->graph->arena, &out->by_name, renaming->name.text, renaming))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *read_included_world(tn_wac *wac, inclusion *out) {
  tn_compose_item item;
  if (tn_wac_at_path(wac)) {
    tn_wac_path path;
    TN_TRY(tn_wac_read_path(wac, &path));
    TN_TRY(tn_wac_resolve_path(wac, &path, &item));
    out->name = (tn_wit_word){path.text, path.offset};
  } else {
    const tn_wac_entry *entry;
    TN_TRY(tn_wac_name(wac, "a world", &out->name));
    TN_TRY(tn_wac_find(wac, &wac->root, out->name, &entry));
    item = entry->item;
  }
  tn_compose_item promoted = tn_wac_promote(&item);
  if (promoted.sort != TN_SORT_COMPONENT)
    return tn_wac_wrong_kind(wac, out->name, &item, "a world");
  out->world = promoted.world;
  return NULL;
}

static tn_error *read_include(world_reader *r) {
  tn_wac *wac = r->wac;
  inclusion *included = TN_VEC_PUSH(wac->graph->arena, &r->inclusions);
  if (included == NULL) return tn_error_no_memory();
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(read_included_world(wac, included));
  bool has_renamings = tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_WITH);
  if (has_renamings) TN_TRY(read_renamings(r, included));
  return tn_wit_reader_expect(&wac->reader, ';', has_renamings ? "';'" : "'with' or ';'");
}

/* A name that is not an interface's may be given another one, and must not be there already. */
static tn_error *new_name(world_reader *r, inclusion *included, bool is_import, tn_str *name) {
  tn_wit_word place = included->name;
  const tn_wit_renaming *renaming = tn_map_get(&included->by_name, *name);
  if (renaming != NULL) {
    if (!tn_map_put(r->wac->graph->arena, &included->by_name, *name, NULL))
      return tn_error_no_memory();
    *name = renaming->as.text;
    place = renaming->as;
  }
  if (tn_compose_items_get(side(r, is_import), *name) == NULL) return NULL;
  tn_error *error = tn_wac_error(r->wac, place.offset,
                                 "%s `%" TN_STR_FORMAT "` of world `%" TN_STR_FORMAT
                                 "` is in world `%" TN_STR_FORMAT "` already",
                                 side_name(is_import), TN_STR_ARG(*name),
                                 TN_STR_ARG(included->name.text), TN_STR_ARG(r->name.text));
  return renaming != NULL
             ? error
             : tn_error_set_hint(error, "give it another name: include … with { a as b };");
}

static tn_error *include_items(world_reader *r, inclusion *included, bool is_import) {
  const tn_compose_items *items = is_import ? &included->world->imports : &included->world->exports;
  for (uint32_t i = 0; i < items->list.len; i++) {
    tn_compose_item item = items->list.items[i];
    bool is_interface = tn_str_find(item.name, ':', 0) < item.name.len;
    if (!is_interface) TN_TRY(new_name(r, included, is_import, &item.name));
    if (tn_compose_items_get(side(r, is_import), item.name) != NULL) continue;
    TN_TRY(tn_compose_items_add(r->wac->types, side(r, is_import), &item));
  }
  return NULL;
}

static tn_error *include(world_reader *r, inclusion *included) {
  TN_TRY(include_items(r, included, true));
  TN_TRY(include_items(r, included, false));
  for (uint32_t i = 0; i < included->renamings.len; i++) {
    tn_wit_word name = included->renamings.items[i].name;
    if (tn_map_get(&included->by_name, name.text) == NULL) continue;
    return tn_wac_error(r->wac, name.offset,
                        "world `%" TN_STR_FORMAT "` has no import or export `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(included->name.text), TN_STR_ARG(name.text));
  }
  return NULL;
}

/* ---- worlds -------------------------------------------------------------------------------------------- */

static tn_error *read_item(world_reader *r) {
  tn_wac *wac = r->wac;
  tn_wit_word name;
  tn_compose_type *type;
  switch (wac->reader.lexer.token.keyword) {
  case TN_WIT_IMPORT:
    return read_extern(r, true);
  case TN_WIT_EXPORT:
    return read_extern(r, false);
  case TN_WIT_USE:
    return tn_wac_use(wac, &r->world->imports);
  case TN_WIT_INCLUDE:
    return read_include(r);
  default:
    if (tn_wit_reader_at_type_item(&wac->reader))
      return tn_wac_type_declaration(wac, NULL, &r->world->imports, &name, &type);
    return tn_wit_reader_expected(&wac->reader, "import, export, include, use or a type");
  }
}

tn_error *tn_wac_world_body(tn_wac *wac, tn_wit_word name, tn_compose_world **out) {
  tn_wac_scope scope = {0}, *around = wac->scope;
  tn_error *error = NULL;
  tn_str id;
  TN_TRY(tn_wac_id(wac, name.text, &id));
  world_reader r = {.wac = wac, .name = name, .world = tn_compose_world_new(wac->types, id)};
  if (r.world == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_reader_expect(&wac->reader, '{', "'{'"));
  wac->scope = &scope;
  while (error == NULL && !tn_wit_reader_accept(&wac->reader, '}'))
    error = read_item(&r);
  wac->scope = around;
  for (uint32_t i = 0; i < r.inclusions.len && error == NULL; i++)
    error = include(&r, &r.inclusions.items[i]);
  *out = r.world;
  return error;
}

/* ---- targets -------------------------------------------------------------------------------------------- */

static const tn_compose_interface *home_with_id(const tn_compose_items *items, tn_str id) {
  for (uint32_t i = 0; i < items->list.len; i++) {
    const tn_compose_item *item = &items->list.items[i];
    const tn_compose_type *root = item->sort == TN_SORT_TYPE ? tn_compose_root(item->type) : NULL;
    const tn_compose_interface *found = root == NULL ? NULL : root->home;
    if (item->sort == TN_SORT_INSTANCE) found = home_with_id(&item->interface->items, id);
    if (found != NULL && tn_str_equal(found->id, id)) return found;
  }
  return NULL;
}

/* What the world imports by this name, in so many words or because its types are used. */
static bool find_target_import(const tn_compose_world *world, tn_str name, tn_compose_item *out) {
  const tn_compose_item *item = tn_compose_items_get(&world->imports, name);
  if (item != NULL) {
    *out = *item;
    return true;
  }
  *out = (tn_compose_item){.name = name, .sort = TN_SORT_INSTANCE};
  out->interface = (tn_compose_interface *)home_with_id(&world->imports, name);
  return out->interface != NULL;
}

static tn_error *check_target_import(const tn_wac *wac, const tn_compose_world *world,
                                     const tn_compose_item *import, tn_str target) {
  tn_compose_item there;
  if (!find_target_import(world, import->name, &there))
    return tn_error_new(TN_ERROR_LINK,
                        "the composition imports `%" TN_STR_FORMAT "`, which world `%" TN_STR_FORMAT
                        "` does not have",
                        TN_STR_ARG(import->name), TN_STR_ARG(target));
  return tn_error_wrap(tn_compose_check(wac->types, &there, import),
                       "import `%" TN_STR_FORMAT "` does not fit world `%" TN_STR_FORMAT "`",
                       TN_STR_ARG(import->name), TN_STR_ARG(target));
}

static tn_error *check_target_export(const tn_wac *wac, const tn_compose_item *wanted,
                                     tn_str target) {
  const tn_compose_node *node = tn_map_get(&wac->graph->exports_by_name, wanted->name);
  if (node == NULL)
    return tn_error_new(TN_ERROR_LINK,
                        "the composition has no export `%" TN_STR_FORMAT
                        "` (%s), which world `%" TN_STR_FORMAT "` has",
                        TN_STR_ARG(wanted->name), tn_compose_item_kind_name(wanted),
                        TN_STR_ARG(target));
  return tn_error_wrap(tn_compose_check(wac->types, &node->item, wanted),
                       "export `%" TN_STR_FORMAT "` does not fit world `%" TN_STR_FORMAT "`",
                       TN_STR_ARG(wanted->name), TN_STR_ARG(target));
}

/* What is said of an import or export stands where that comes from; `place` as in tn_compose_graph. */
static tn_error *at_place(const tn_wac *wac, uint32_t place, tn_error *error) {
  return tn_wac_error_at_place(wac->reader.source, place, error);
}

static tn_error *check_target_imports(const tn_wac *wac, const tn_compose_world *world,
                                      tn_str target) {
  const tn_compose_graph *graph = wac->graph;
  for (uint32_t i = 0; i < graph->imports.list.len; i++)
    TN_TRY(at_place(wac, graph->import_details.items[i].place,
                    check_target_import(wac, world, &graph->imports.list.items[i], target)));
  return NULL;
}

/* An export that is not there stands nowhere: `offset` is that of the world's name. */
static tn_error *check_target_exports(const tn_wac *wac, const tn_compose_world *world,
                                      tn_str target, uint32_t offset) {
  const tn_compose_graph *graph = wac->graph;
  tn_map places = {0};
  for (uint32_t i = 0; i < graph->exports.len; i++) {
    tn_compose_export *export = &graph->exports.items[i];
    if (!tn_map_put(graph->arena, &places, export->name, export)) return tn_error_no_memory();
  }
  for (uint32_t i = 0; i < world->exports.list.len; i++) {
    const tn_compose_item *wanted = &world->exports.list.items[i];
    const tn_compose_export *export = tn_map_get(&places, wanted->name);
    uint32_t place = export != NULL ? export->place : offset + 1;
    TN_TRY(at_place(wac, place, check_target_export(wac, wanted, target)));
  }
  return NULL;
}

tn_error *tn_wac_check_target(tn_wac *wac, const tn_wac_path *path) {
  tn_compose_item item;
  tn_wit_word name = {path->text, path->offset};
  TN_TRY(tn_wac_resolve_path(wac, path, &item));
  const tn_compose_type *type = tn_compose_type_of_kind(&item, TN_AST_COMPONENT);
  if (type == NULL) return tn_wac_wrong_kind(wac, name, &item, "a world");
  uint32_t mark = wac->types->bound.len;
  tn_compose_open_imports(wac->graph, true);
  tn_error *error = check_target_imports(wac, type->world, path->text);
  if (error == NULL) error = check_target_exports(wac, type->world, path->text, path->offset);
  /* What was composed is not to be made of the world's types. */
  tn_compose_unbind(wac->types, mark);
  tn_compose_open_imports(wac->graph, false);
  return error;
}
