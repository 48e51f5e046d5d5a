#include "compose/wac/parts.h"

#include "wit/text.h"

typedef TN_VEC(tn_compose_given) given_arguments;

/* Arguments of `new`, while they are read.
 * Invariant: `offsets` has where each of `given` stands; `spreads` are used up last. */
typedef struct argument_list {
  const tn_compose_package *package;
  given_arguments given;
  TN_VEC(uint32_t) offsets;
  TN_VEC(tn_wit_word) spreads;
  tn_map names; /* of `given` */
  bool import_missing;
} argument_list;

static tn_error *entry_of_node(const tn_wac *wac, tn_compose_node *node, const tn_wac_entry **out) {
  tn_wac_entry *entry = TN_ARENA_NEW(wac->graph->arena, tn_wac_entry);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_wac_entry){.item = node->item, .node = node};
  *out = entry;
  return NULL;
}

/* ---- names of interfaces -------------------------------------------------------------------------------- */

static bool ends_with_interface(tn_str path, tn_str name) {
  size_t slash = tn_str_find(path, '/', 0), start = slash;
  while (slash < path.len) {
    start = slash;
    slash = tn_str_find(path, '/', slash + 1);
  }
  if (start == path.len) return false;
  return tn_str_equal(tn_str_slice(path, start + 1, tn_str_find(path, '@', start)), name);
}

/* "a:b/c@1.0.0" for "c", if there is one such name only and nothing is called "c" itself; else "c". */
static tn_str full_name(const tn_compose_items *items, tn_str name) {
  tn_str found = {NULL, 0};
  if (tn_compose_items_get(items, name) != NULL) return name;
  for (uint32_t i = 0; i < items->list.len; i++) {
    if (!ends_with_interface(items->list.items[i].name, name)) continue;
    if (found.data != NULL) return name;
    found = items->list.items[i].name;
  }
  return found.data != NULL ? found : name;
}

/* ---- arguments ----------------------------------------------------------------------------------------- */

static tn_error *add_argument(tn_wac *wac, argument_list *list, tn_str name, tn_compose_node *node,
                              uint32_t offset) {
  tn_compose_given *given = TN_VEC_PUSH(wac->graph->arena, &list->given);
  uint32_t *place = TN_VEC_PUSH(wac->graph->arena, &list->offsets);
  if (given == NULL || place == NULL || !tn_map_put(wac->graph->arena, &list->names, name, list))
    return tn_error_no_memory();
  *given = (tn_compose_given){.name = name, .node = node};
  *place = offset;
  return NULL;
}

/* The import that a node is given for when only its name is said. */
static tn_str inferred_name(const tn_compose_package *package, const tn_wac_entry *entry,
                            tn_str name) {
  const tn_compose_items *imports = &package->world->imports;
  if (entry->item.sort == TN_SORT_INSTANCE && entry->item.interface->id.data != NULL) {
    tn_str id = entry->item.interface->id;
    if (tn_compose_items_get(imports, id) != NULL) return id;
  }
  tn_str own = tn_compose_node_name(entry->node);
  if (own.data != NULL && tn_compose_items_get(imports, own) != NULL) return own;
  return full_name(imports, name);
}

static tn_error *named_argument(tn_wac *wac, argument_list *list, tn_wit_word name, bool is_exact) {
  const tn_wac_entry *entry;
  tn_wit_lexer_advance(&wac->reader.lexer); /* ':' */
  TN_TRY(tn_wac_expression(wac, &entry, NULL));
  tn_str full = is_exact ? name.text : full_name(&list->package->world->imports, name.text);
  return add_argument(wac, list, full, entry->node, name.offset);
}

static tn_error *read_argument(tn_wac *wac, argument_list *list) {
  tn_wit_word name;
  const tn_wac_entry *entry;
  bool is_exact = tn_wit_reader_at(&wac->reader, TN_WIT_STRING_LITERAL);
  if (is_exact) {
    TN_TRY(tn_wac_string(wac, &name));
  } else {
    TN_TRY(tn_wac_name(wac, "an argument", &name));
  }
  if (tn_wit_reader_at(&wac->reader, ':')) return named_argument(wac, list, name, is_exact);
  if (is_exact) return tn_wit_reader_expected(&wac->reader, "':'");
  TN_TRY(tn_wac_find(wac, &wac->root, name, &entry));
  return add_argument(wac, list, inferred_name(list->package, entry, name.text), entry->node,
                      name.offset);
}

/* Behind "...": a name, or nothing. */
static tn_error *read_spread(tn_wac *wac, argument_list *list, uint32_t offset) {
  if (tn_wit_reader_at(&wac->reader, TN_WIT_NAME)) {
    tn_wit_word *name = TN_VEC_PUSH(wac->graph->arena, &list->spreads);
    return name == NULL ? tn_error_no_memory() : tn_wac_name(wac, "the name of an instance", name);
  }
  list->import_missing = true;
  tn_wit_reader_accept(&wac->reader, ',');
  if (tn_wit_reader_at(&wac->reader, '}')) return NULL;
  return tn_wac_error(wac, offset, "`...` must be the last argument");
}

static tn_error *read_arguments(tn_wac *wac, argument_list *list) {
  TN_TRY(tn_wit_reader_expect(&wac->reader, '{', "'{' and arguments"));
  while (!tn_wit_reader_accept(&wac->reader, '}')) {
    uint32_t offset = tn_wac_offset(wac);
    if (tn_wac_accept_dots(wac)) {
      TN_TRY(read_spread(wac, list, offset));
    } else {
      TN_TRY(read_argument(wac, list));
    }
    if (!tn_wit_reader_accept(&wac->reader, ','))
      return tn_wit_reader_expect(&wac->reader, '}', "',' or '}'");
  }
  return NULL;
}

/* What an instance exports, for whatever is not given yet; compatible versions included. */
static tn_error *spread(tn_wac *wac, argument_list *list, tn_wit_word name) {
  const tn_compose_items *imports = &list->package->world->imports;
  const tn_wac_entry *entry;
  tn_compose_node *node;
  bool is_any = false;
  TN_TRY(tn_wac_find(wac, &wac->root, name, &entry));
  if (entry->item.sort != TN_SORT_INSTANCE)
    return tn_wac_wrong_kind(wac, name, &entry->item, "an instance");
  for (uint32_t i = 0; i < imports->list.len; i++) {
    tn_str wanted = imports->list.items[i].name;
    if (tn_map_has(&list->names, wanted)) continue;
    const tn_compose_item *export = tn_compose_items_find(&entry->item.interface->items, wanted);
    if (export == NULL) continue;
    TN_TRY(tn_compose_alias(wac->graph, entry->node, export->name, &node));
    TN_TRY(add_argument(wac, list, wanted, node, name.offset));
    is_any = true;
  }
  if (is_any) return NULL;
  return tn_wac_error(wac, name.offset,
                      "`%" TN_STR_FORMAT "` exports nothing that is still missing",
                      TN_STR_ARG(name.text));
}

/* ---- new ----------------------------------------------------------------------------------------------- */

static tn_error *read_new(tn_wac *wac, const tn_wac_entry **out) {
  tn_wac_path path;
  argument_list list = {0};
  tn_compose_node *node;
  uint32_t failed;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_read_path(wac, &path));
  if (path.segments.len > 0)
    return tn_wac_error(wac, path.offset,
                        "instances are made of packages, and not of something in them");
  TN_TRY(tn_wac_find_package(wac, &path, &list.package));
  TN_TRY(read_arguments(wac, &list));
  tn_wac_place(wac, path.offset);
  for (uint32_t i = 0; i < list.spreads.len; i++)
    TN_TRY(spread(wac, &list, list.spreads.items[i]));
  tn_error *error = tn_compose_instantiate(wac->graph, list.package, list.given.items,
                                           list.given.len, list.import_missing, &node, &failed);
  TN_TRY(tn_wac_at(wac, failed < list.given.len ? list.offsets.items[failed] : path.offset, error));
  return entry_of_node(wac, node, out);
}

/* ---- access -------------------------------------------------------------------------------------------- */

static tn_error *access_export(tn_wac *wac, const tn_wac_entry *entry, tn_wit_word name,
                               bool is_exact, uint32_t offset, const tn_wac_entry **out) {
  tn_compose_node *node;
  if (entry->item.sort != TN_SORT_INSTANCE)
    return tn_wac_error(wac, offset, "only instances have exports to be taken, but this is a %s",
                        tn_compose_item_kind_name(&entry->item));
  tn_str full = is_exact ? name.text : full_name(&entry->item.interface->items, name.text);
  tn_wac_place(wac, name.offset);
  TN_TRY(tn_compose_alias(wac->graph, entry->node, full, &node));
  if (node != NULL) return entry_of_node(wac, node, out);
  return tn_wac_error(wac, name.offset, "the instance has no export `%" TN_STR_FORMAT "`",
                      TN_STR_ARG(full));
}

static bool at_dots(const tn_wac *wac) {
  return tn_str_starts_with(tn_str_slice(wac->reader.lexer.text, tn_wac_offset(wac), SIZE_MAX),
                            TN_STR("..."));
}

static tn_error *read_postfix(tn_wac *wac, const tn_wac_entry **entry, uint32_t offset,
                              bool *found) {
  tn_wit_word name;
  *found = true;
  if (tn_wit_reader_accept(&wac->reader, '[')) {
    TN_TRY(tn_wac_string(wac, &name));
    TN_TRY(tn_wit_reader_expect(&wac->reader, ']', "']'"));
    return access_export(wac, *entry, name, true, offset, entry);
  }
  *found = tn_wit_reader_at(&wac->reader, '.') && !at_dots(wac);
  if (!*found) return NULL;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_name(wac, "the name of an export", &name));
  return access_export(wac, *entry, name, false, offset, entry);
}

/* The name of a package that begins with this word: "a:b"; empty: it is a word of its own. */
static tn_str package_name(const tn_wac *wac, tn_wit_word word) {
  tn_str text = wac->reader.source->text;
  size_t end = word.offset + word.text.len;
  if (end + 1 >= text.len || text.data[end] != ':' ||
      !tn_text_is(text.data[end + 1], TN_TEXT_LETTER))
    return (tn_str){"", 0};
  while (end < text.len && (tn_text_is(text.data[end], TN_TEXT_LETTER | TN_TEXT_DIGIT) ||
                            text.data[end] == '-' || text.data[end] == ':'))
    end++;
  return tn_str_slice(text, word.offset, end);
}

static tn_error *not_an_instance(const tn_wac *wac, tn_wit_word word, tn_str package) {
  return tn_error_set_hint(
      tn_wac_error(wac, word.offset,
                   "`%" TN_STR_FORMAT "` is the name of a package, and not of an instance",
                   TN_STR_ARG(package)),
      "instances are made of packages: new %" TN_STR_FORMAT " { ... }", TN_STR_ARG(package));
}

static tn_error *read_primary(tn_wac *wac, const tn_wac_entry **out) {
  tn_wit_word name;
  if (tn_wac_at_word(wac, "new")) return read_new(wac, out);
  if (tn_wit_reader_accept(&wac->reader, '(')) {
    TN_TRY(tn_wac_expression(wac, out, NULL));
    return tn_wit_reader_expect(&wac->reader, ')', "')'");
  }
  TN_TRY(tn_wac_name(wac, "'new', '(' or a name", &name));
  tn_str package = package_name(wac, name);
  if (package.len > 0) return not_an_instance(wac, name, package);
  return tn_wac_find(wac, &wac->root, name, out);
}

tn_error *tn_wac_expression(tn_wac *wac, const tn_wac_entry **out, uint32_t *offset) {
  uint32_t start = tn_wac_offset(wac);
  bool found = true;
  if (offset != NULL) *offset = start;
  if (wac->depth == TN_WIT_MAX_TYPE_DEPTH)
    return tn_wac_error(wac, start, "expressions are nested too deeply");
  wac->depth++;
  tn_error *error = read_primary(wac, out);
  while (error == NULL && found)
    error = read_postfix(wac, out, start, &found);
  wac->depth--;
  return error;
}
