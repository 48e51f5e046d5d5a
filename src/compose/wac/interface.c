#include "compose/wac/parts.h"

tn_error *tn_wac_id(tn_wac *wac, tn_str name, tn_str *out) {
  bool has_version = wac->version.data != NULL;
  *out = tn_arena_format(
      wac->graph->arena, "%" TN_STR_FORMAT "/%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
      TN_STR_ARG(wac->package), TN_STR_ARG(name), has_version ? "@" : "", TN_STR_ARG(wac->version));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- use ----------------------------------------------------------------------------------------------- */

tn_error *tn_wac_read_interface(tn_wac *wac, tn_compose_interface **out, tn_wit_word *name) {
  tn_compose_item item;
  if (tn_wac_at_path(wac)) {
    tn_wac_path path;
    TN_TRY(tn_wac_read_path(wac, &path));
    TN_TRY(tn_wac_resolve_path(wac, &path, &item));
    *name = (tn_wit_word){path.text, path.offset};
  } else {
    const tn_wac_entry *entry;
    TN_TRY(tn_wac_name(wac, "an interface", name));
    TN_TRY(tn_wac_find(wac, &wac->root, *name, &entry));
    item = entry->item;
  }
  const tn_compose_type *type = tn_compose_type_of_kind(&item, TN_AST_INSTANCE);
  if (type == NULL) return tn_wac_wrong_kind(wac, *name, &item, "an interface");
  *out = type->interface;
  return NULL;
}

static tn_error *use_type(tn_wac *wac, const tn_compose_interface *interface, tn_wit_word from,
                          tn_wit_word name, tn_wit_word as, tn_compose_items *items) {
  const tn_compose_item *found = tn_compose_items_get(&interface->items, name.text);
  if (found == NULL)
    return tn_wac_error(wac, name.offset,
                        "interface `%" TN_STR_FORMAT "` has no type `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(from.text), TN_STR_ARG(name.text));
  if (found->sort != TN_SORT_TYPE || tn_compose_root(found->type)->kind == TN_AST_FUNC)
    return tn_wac_wrong_kind(wac, name, found, "a type of values");
  if (tn_compose_items_get(items, as.text) != NULL)
    return tn_error_set_hint(tn_wac_error(wac, as.offset,
                                          "there is another `%" TN_STR_FORMAT "` already",
                                          TN_STR_ARG(as.text)),
                             "bring it in under another name with `as`");
  tn_compose_item item = *found;
  item.name = as.text;
  TN_TRY(tn_compose_items_add(wac->types, items, &item));
  return tn_wac_declare(wac, as, &item, NULL);
}

tn_error *tn_wac_use(tn_wac *wac, tn_compose_items *items) {
  tn_compose_interface *interface;
  tn_wit_word from, name, as;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_read_interface(wac, &interface, &from));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '.', "'.{' and the names of types"));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '{', "'{'"));
  do {
    if (tn_wit_reader_at(&wac->reader, '}')) break; /* a comma behind the last one */
    TN_TRY(tn_wac_name(wac, "the name of a type", &name));
    as = name;
    if (tn_wit_reader_accept_keyword(&wac->reader, TN_WIT_AS))
      TN_TRY(tn_wac_name(wac, "a name", &as));
    TN_TRY(use_type(wac, interface, from, name, as, items));
  } while (tn_wit_reader_accept(&wac->reader, ','));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '}', "',' or '}'"));
  return tn_wit_reader_expect(&wac->reader, ';', "';'");
}

/* ---- items --------------------------------------------------------------------------------------------- */

/* "a: func();" or "a: b;", where b is a type of functions. */
static tn_error *read_function(tn_wac *wac, tn_compose_interface *interface) {
  tn_wit_word name, type;
  tn_compose_item item = {.sort = TN_SORT_FUNC};
  TN_TRY(tn_wac_name(wac, "a use, a type or a function", &name));
  TN_TRY(tn_wit_reader_expect(&wac->reader, ':', "':'"));
  if (tn_wit_reader_at(&wac->reader, TN_WIT_NAME) &&
      wac->reader.lexer.token.keyword == TN_WIT_NO_KEYWORD) {
    const tn_wac_entry *entry;
    TN_TRY(tn_wac_name(wac, "a function", &type));
    TN_TRY(tn_wac_find(wac, wac->scope, type, &entry));
    item.type = tn_wac_promote(&entry->item).type;
    if (tn_wac_promote(&entry->item).sort != TN_SORT_FUNC)
      return tn_wac_wrong_kind(wac, type, &entry->item, "a type of functions");
  } else {
    TN_TRY(tn_wac_function(wac, &item.type));
  }
  TN_TRY(tn_wit_reader_expect(&wac->reader, ';', "';'"));
  if (tn_compose_items_get(&interface->items, name.text) != NULL)
    return tn_wac_error(wac, name.offset, "`%" TN_STR_FORMAT "` is there twice",
                        TN_STR_ARG(name.text));
  item.name = name.text;
  return tn_compose_items_add(wac->types, &interface->items, &item);
}

static tn_error *read_item(tn_wac *wac, tn_compose_interface *interface) {
  tn_wit_word name;
  tn_compose_type *type;
  if (tn_wit_reader_at_keyword(&wac->reader, TN_WIT_USE)) return tn_wac_use(wac, &interface->items);
  if (tn_wit_reader_at_type_item(&wac->reader))
    return tn_wac_type_declaration(wac, interface, &interface->items, &name, &type);
  return read_function(wac, interface);
}

tn_error *tn_wac_interface_body(tn_wac *wac, tn_str id, tn_compose_interface **out) {
  tn_wac_scope scope = {0}, *around = wac->scope;
  tn_error *error = NULL;
  tn_compose_interface *interface = tn_compose_interface_new(wac->types, id);
  if (interface == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_reader_expect(&wac->reader, '{', "'{'"));
  wac->scope = &scope;
  while (error == NULL && !tn_wit_reader_accept(&wac->reader, '}'))
    error = read_item(wac, interface);
  wac->scope = around;
  *out = interface;
  return error;
}
