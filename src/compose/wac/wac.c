#include "compose/wac/parts.h"

#include "tenon/exec.h"

/* ---- errors -------------------------------------------------------------------------------------------- */

tn_error *tn_wac_error(const tn_wac *wac, uint32_t offset, const char *format, ...) {
  tn_buffer text = {0};
  va_list arguments;
  va_start(arguments, format);
  tn_buffer_vformat(&text, format, arguments);
  va_end(arguments);
  tn_error *error = text.failed
                        ? tn_error_no_memory()
                        : tn_wit_place_error((tn_wit_place){wac->reader.source, offset},
                                             "%" TN_STR_FORMAT, TN_STR_ARG(tn_buffer_str(&text)));
  tn_buffer_free(&text);
  return error;
}

static tn_error *at(const tn_wit_source *source, uint32_t offset, tn_error *error) {
  if (error == NULL || tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
  size_t line, column;
  tn_error *text =
      tn_wit_place_error((tn_wit_place){source, offset}, "%s", tn_error_get_message(error));
  tn_error *placed = tn_error_new(tn_error_get_kind(error), "%s", tn_error_get_message(text));
  if (tn_error_get_place(text, &line, &column)) tn_error_set_place(placed, line, column);
  const char *hint = tn_error_get_hint(error);
  if (hint != NULL) tn_error_set_hint(placed, "%s", hint);
  tn_error_delete(text);
  tn_error_delete(error);
  return placed;
}

tn_error *tn_wac_at(const tn_wac *wac, uint32_t offset, tn_error *error) {
  return at(wac->reader.source, offset, error);
}

tn_error *tn_wac_error_at_place(const tn_wit_source *source, uint32_t place, tn_error *error) {
  return place == 0 ? error : at(source, place - 1, error);
}

tn_error *tn_wac_wrong_kind(const tn_wac *wac, tn_wit_word name, const tn_compose_item *item,
                            const char *wanted) {
  return tn_wac_error(wac, name.offset, "`%" TN_STR_FORMAT "` (%s) is not %s",
                      TN_STR_ARG(name.text), tn_compose_item_kind_name(item), wanted);
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static bool is_plain_name(const tn_wac *wac) {
  const tn_wit_token *token = &wac->reader.lexer.token;
  return token->kind == TN_WIT_NAME && wac->reader.lexer.text.data[token->start] != '%';
}

bool tn_wac_at_word(const tn_wac *wac, const char *word) {
  return is_plain_name(wac) && tn_str_equal(wac->reader.lexer.token.text, tn_str_from(word));
}

bool tn_wac_accept_dots(tn_wac *wac) {
  tn_str text = wac->reader.lexer.text;
  size_t start = tn_wac_offset(wac);
  if (!tn_str_equal(tn_str_slice(text, start, start + 3), TN_STR("..."))) return false;
  for (int i = 0; i < 3; i++)
    tn_wit_lexer_advance(&wac->reader.lexer);
  return true;
}

tn_error *tn_wac_name(tn_wac *wac, const char *what, tn_wit_word *out) {
  if (tn_wac_at_word(wac, "new") || tn_wac_at_word(wac, "let") || tn_wac_at_word(wac, "targets")) {
    tn_str word = wac->reader.lexer.token.text;
    return tn_error_set_hint(tn_wac_error(wac, tn_wac_offset(wac),
                                          "expected %s but found the keyword '%" TN_STR_FORMAT "'",
                                          what, TN_STR_ARG(word)),
                             "a name that is spelled like a keyword is written %%%" TN_STR_FORMAT,
                             TN_STR_ARG(word));
  }
  return tn_wit_reader_word(&wac->reader, what, out);
}

tn_error *tn_wac_string(tn_wac *wac, tn_wit_word *out) {
  const tn_wit_token *token = &wac->reader.lexer.token;
  if (token->kind != TN_WIT_STRING_LITERAL) return tn_wit_reader_expected(&wac->reader, "a string");
  *out = (tn_wit_word){tn_str_slice(token->text, 1, token->text.len - 1), (uint32_t)token->start};
  tn_wit_lexer_advance(&wac->reader.lexer);
  return NULL;
}

/* What stands behind `as`. */
static tn_error *read_extern_name(tn_wac *wac, tn_wit_word *out) {
  if (tn_wit_reader_at(&wac->reader, TN_WIT_STRING_LITERAL)) return tn_wac_string(wac, out);
  return tn_wac_name(wac, "a name or a string", out);
}

/* ---- names --------------------------------------------------------------------------------------------- */

/* The line that an offset is in, from 1. */
static uint32_t line_of(const tn_wac *wac, uint32_t offset) {
  uint32_t line = 1;
  for (uint32_t i = 0; i < offset; i++)
    line += wac->reader.source->text.data[i] == '\n';
  return line;
}

tn_error *tn_wac_declare(tn_wac *wac, tn_wit_word name, const tn_compose_item *item,
                         tn_compose_node *node) {
  const tn_wac_entry *there = tn_map_get(&wac->scope->names, name.text);
  if (there != NULL)
    return tn_error_set_hint(tn_wac_error(wac, name.offset,
                                          "`%" TN_STR_FORMAT "` is already defined",
                                          TN_STR_ARG(name.text)),
                             "it was in line %u", line_of(wac, there->offset));
  tn_wac_entry *entry = TN_ARENA_NEW(wac->graph->arena, tn_wac_entry);
  if (entry == NULL || !tn_map_put(wac->graph->arena, &wac->scope->names, name.text, entry))
    return tn_error_no_memory();
  *entry = (tn_wac_entry){.item = *item, .node = node, .offset = name.offset};
  return NULL;
}

tn_error *tn_wac_find(const tn_wac *wac, const tn_wac_scope *scope, tn_wit_word name,
                      const tn_wac_entry **out) {
  *out = tn_map_get(&scope->names, name.text);
  if (*out != NULL) return NULL;
  tn_error *error =
      tn_wac_error(wac, name.offset, "`%" TN_STR_FORMAT "` is not defined", TN_STR_ARG(name.text));
  if (scope != &wac->root && tn_map_has(&wac->root.names, name.text))
    return tn_error_set_hint(
        error,
        "what is declared outside of an interface or world is not known within it; types "
        "of interfaces can be brought in: use i.{%" TN_STR_FORMAT "};",
        TN_STR_ARG(name.text));
  return tn_error_set_hint(error, "names must be declared before they are used");
}

tn_compose_item tn_wac_promote(const tn_compose_item *item) {
  tn_compose_item promoted = *item;
  if (item->sort != TN_SORT_TYPE) return promoted;
  const tn_compose_type *root = tn_compose_root(item->type);
  promoted.interface = root->interface;
  promoted.world = root->world;
  if (root->kind == TN_AST_FUNC) promoted.sort = TN_SORT_FUNC;
  if (root->kind == TN_AST_INSTANCE) promoted.sort = TN_SORT_INSTANCE;
  if (root->kind == TN_AST_COMPONENT) promoted.sort = TN_SORT_COMPONENT;
  return promoted;
}

/* ---- import -------------------------------------------------------------------------------------------- */

/* The name of an import that is declared with another one's type. */
static tn_str inferred_import_name(const tn_wac_entry *entry, tn_str name) {
  bool is_instance = entry->item.sort == TN_SORT_INSTANCE && entry->item.interface->id.data != NULL;
  bool is_component = entry->item.sort == TN_SORT_COMPONENT && entry->item.world->id.data != NULL;
  if (is_instance) return entry->item.interface->id;
  return is_component ? entry->item.world->id : name;
}

/* What stands behind the ':'; *name is what the import is called if it is not said. */
static tn_error *read_import_type(tn_wac *wac, tn_compose_item *out, tn_str *name) {
  *out = (tn_compose_item){0};
  if (tn_wit_reader_at_keyword(&wac->reader, TN_WIT_FUNC) ||
      tn_wit_reader_at_keyword(&wac->reader, TN_WIT_ASYNC)) {
    out->sort = TN_SORT_FUNC;
    return tn_wac_function(wac, &out->type);
  }
  if (tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_INTERFACE)) {
    out->sort = TN_SORT_INSTANCE;
    return tn_wac_interface_body(wac, (tn_str){NULL, 0}, &out->interface);
  }
  tn_compose_item found;
  if (tn_wac_at_path(wac)) {
    tn_wac_path path;
    TN_TRY(tn_wac_read_path(wac, &path));
    TN_TRY(tn_wac_resolve_path(wac, &path, &found));
    TN_TRY(tn_wac_path_name(wac, &path, name));
  } else {
    tn_wit_word word;
    const tn_wac_entry *entry;
    TN_TRY(tn_wac_name(wac, "a function, an interface or a name", &word));
    TN_TRY(tn_wac_find(wac, wac->scope, word, &entry));
    *name = inferred_import_name(entry, *name);
    found = entry->item;
  }
  *out = tn_wac_promote(&found);
  return NULL;
}

static tn_error *import_statement(tn_wac *wac) {
  tn_wit_word id, as = {0};
  tn_compose_item item;
  tn_compose_node *node;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_name(wac, "a name", &id));
  if (tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_AS)) TN_TRY(read_extern_name(wac, &as));
  TN_TRY(tn_wit_reader_expect(&wac->reader, ':', "':'"));
  tn_str name = id.text;
  TN_TRY(read_import_type(wac, &item, &name));
  TN_TRY(tn_wit_reader_expect(&wac->reader, ';', "';'"));
  if (as.text.data != NULL) name = as.text;
  uint32_t offset = as.text.data != NULL ? as.offset : id.offset;
  tn_wac_place(wac, offset);
  TN_TRY(tn_wac_at(wac, offset, tn_compose_add_import(wac->graph, name, &item, &node)));
  return tn_wac_declare(wac, id, &node->item, node);
}

/* ---- types --------------------------------------------------------------------------------------------- */

static tn_error *new_definition(tn_wac *wac, tn_wit_word name, tn_compose_type *type) {
  tn_compose_node *node;
  if (tn_map_has(&wac->root.names, name.text))
    return tn_wac_declare(wac, name, &(tn_compose_item){0}, NULL);
  tn_wac_place(wac, name.offset);
  TN_TRY(tn_wac_at(wac, name.offset, tn_compose_define(wac->graph, name.text, type, &node)));
  return tn_wac_declare(wac, name, &node->item, node);
}

static tn_error *interface_statement(tn_wac *wac) {
  tn_wit_word name;
  tn_str id;
  tn_wit_lexer_advance(&wac->reader.lexer);
  tn_compose_type *type = tn_compose_type_new(wac->types, TN_AST_INSTANCE);
  if (type == NULL) return tn_error_no_memory();
  TN_TRY(tn_wac_name(wac, "a name", &name));
  TN_TRY(tn_wac_id(wac, name.text, &id));
  TN_TRY(tn_wac_interface_body(wac, id, &type->interface));
  return new_definition(wac, name, type);
}

static tn_error *world_statement(tn_wac *wac) {
  tn_wit_word name;
  tn_wit_lexer_advance(&wac->reader.lexer);
  tn_compose_type *type = tn_compose_type_new(wac->types, TN_AST_COMPONENT);
  if (type == NULL) return tn_error_no_memory();
  TN_TRY(tn_wac_name(wac, "a name", &name));
  TN_TRY(tn_wac_world_body(wac, name, &type->world));
  return new_definition(wac, name, type);
}

static tn_error *type_statement(tn_wac *wac) {
  tn_wit_word name;
  tn_compose_type *type;
  TN_TRY(tn_wac_type_declaration(wac, NULL, NULL, &name, &type));
  return new_definition(wac, name, type);
}

/* ---- let, export --------------------------------------------------------------------------------------- */

static tn_error *let_statement(tn_wac *wac) {
  tn_wit_word name;
  const tn_wac_entry *entry;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_name(wac, "a name", &name));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '=', "'='"));
  TN_TRY(tn_wac_expression(wac, &entry, NULL));
  TN_TRY(tn_wit_reader_expect(&wac->reader, ';', "'.', '[' or ';'"));
  return tn_wac_declare(wac, name, &entry->item, entry->node);
}

static tn_error *export_node(tn_wac *wac, uint32_t offset, tn_str name, tn_compose_node *node) {
  tn_wac_place(wac, offset);
  return tn_wac_at(wac, offset, tn_compose_add_export(wac->graph, name, node));
}

static tn_error *export_inferred(tn_wac *wac, const tn_wac_entry *entry, uint32_t offset) {
  tn_str name = tn_compose_node_name(entry->node);
  if (entry->item.sort == TN_SORT_INSTANCE && entry->item.interface->id.data != NULL)
    name = entry->item.interface->id;
  if (name.data == NULL)
    return tn_error_set_hint(
        tn_wac_error(wac, offset, "the name of this export cannot be inferred"),
        "say it: export … as name;");
  return export_node(wac, offset, name, entry->node);
}

static tn_error *export_all(tn_wac *wac, const tn_wac_entry *entry, uint32_t offset) {
  bool is_any = false;
  if (entry->item.sort != TN_SORT_INSTANCE)
    return tn_wac_error(wac, offset, "the exports of an instance can be spread, but this is a %s",
                        tn_compose_item_kind_name(&entry->item));
  const tn_compose_items *items = &entry->item.interface->items;
  for (uint32_t i = 0; i < items->list.len; i++) {
    tn_str name = items->list.items[i].name;
    tn_compose_node *node;
    if (tn_map_has(&wac->graph->exports_by_name, name)) continue;
    TN_TRY(tn_compose_alias(wac->graph, entry->node, name, &node));
    TN_TRY(export_node(wac, offset, name, node));
    is_any = true;
  }
  if (is_any) return NULL;
  return tn_wac_error(wac, offset,
                      "this instance has no exports, or all of them are exported already");
}

static tn_error *export_statement(tn_wac *wac) {
  const tn_wac_entry *entry;
  uint32_t offset;
  tn_wit_word name = {0};
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_expression(wac, &entry, &offset));
  bool is_spread = tn_wac_accept_dots(wac);
  if (!is_spread && tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_AS))
    TN_TRY(read_extern_name(wac, &name));
  TN_TRY(
      tn_wit_reader_expect(&wac->reader, ';', is_spread ? "';'" : "'.', '[', '...', 'as' or ';'"));
  if (is_spread) return export_all(wac, entry, offset);
  if (name.text.data == NULL) return export_inferred(wac, entry, offset);
  return export_node(wac, name.offset, name.text, entry->node);
}

/* ---- the document -------------------------------------------------------------------------------------- */

static tn_error *statement(tn_wac *wac) {
  switch (wac->reader.lexer.token.keyword) {
  case TN_WIT_IMPORT:
    return import_statement(wac);
  case TN_WIT_EXPORT:
    return export_statement(wac);
  case TN_WIT_INTERFACE:
    return interface_statement(wac);
  case TN_WIT_WORLD:
    return world_statement(wac);
  case TN_WIT_RESOURCE:
    return tn_error_set_hint(tn_wit_reader_expected(&wac->reader, "a statement"),
                             "resources are declared within interfaces");
  default:
    if (tn_wit_reader_at_type_item(&wac->reader)) return type_statement(wac);
    if (tn_wac_at_word(wac, "let")) return let_statement(wac);
    return tn_wit_reader_expected(&wac->reader, "import, let, export, interface, world or a type");
  }
}

static tn_error *directive(tn_wac *wac, tn_wac_path *target) {
  tn_wac_path package;
  if (!tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_PACKAGE))
    return tn_error_set_hint(tn_wit_reader_expected(&wac->reader, "'package'"),
                             "every document starts with its name: package my:composition;");
  TN_TRY(tn_wac_read_path(wac, &package));
  if (package.segments.len > 0)
    return tn_wac_error(wac, package.offset,
                        "this is the name of something in a package, and not of a package");
  wac->package = package.package;
  wac->version = package.version;
  if (tn_wac_at_word(wac, "targets")) {
    tn_wit_lexer_advance(&wac->reader.lexer);
    TN_TRY(tn_wac_read_path(wac, target));
    if (target->segments.len == 0)
      return tn_wac_error(wac, target->offset,
                          "this is the name of a package, and not of a world in it");
  }
  return tn_wit_reader_expect(&wac->reader, ';',
                              target->text.data == NULL ? "'targets' or ';'" : "';'");
}

tn_error *tn_wac_evaluate(tn_compose_graph *graph, const tn_wit_source *source,
                          tn_wac_load_func load, void *data) {
  tn_wac wac = {.graph = graph, .types = &graph->types, .load = load, .data = data};
  tn_wac_path target = {0};
  wac.scope = &wac.root;
  wac.reader = (tn_wit_reader){.arena = graph->arena, .kept = graph->arena, .source = source};
  if (source->text.len > TN_WIT_MAX_SOURCE)
    return tn_error_new(TN_ERROR_LIMIT, "%" TN_STR_FORMAT " is larger than %d bytes",
                        TN_STR_ARG(source->path), (int)TN_WIT_MAX_SOURCE);
  TN_TRY(tn_wit_check_characters(source));
  tn_wit_lexer_start(&wac.reader.lexer, source->text, 0);
  TN_TRY(directive(&wac, &target));
  while (!tn_wit_reader_at(&wac.reader, TN_WIT_END))
    TN_TRY(statement(&wac));
  return target.text.data == NULL ? NULL : tn_wac_check_target(&wac, &target);
}
