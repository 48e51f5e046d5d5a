#include "compose/wac/parts.h"

#include "wit/text.h"

/* ---- paths --------------------------------------------------------------------------------------------- */

static bool starts_name(tn_str text, size_t at) {
  return at < text.len && (text.data[at] == '%' || tn_text_is(text.data[at], TN_TEXT_LETTER));
}

/* Whether `character` and a name follow the current token at once. */
static bool is_joined_by(const tn_wac *wac, char character) {
  tn_str text = wac->reader.lexer.text;
  size_t next = wac->reader.lexer.next;
  return next < text.len && text.data[next] == character && starts_name(text, next + 1);
}

bool tn_wac_at_path(const tn_wac *wac) {
  return tn_wit_reader_at(&wac->reader, TN_WIT_NAME) && is_joined_by(wac, ':');
}

/* Passes over a part of a path, which may be a keyword; *end is where it ends. */
static tn_error *read_part(tn_wac *wac, tn_wit_word *out, size_t *end) {
  const tn_wit_token *token = &wac->reader.lexer.token;
  if (token->kind != TN_WIT_NAME) return tn_wit_reader_expected(&wac->reader, "a name");
  *out = (tn_wit_word){token->text, tn_wac_offset(wac)};
  *end = wac->reader.lexer.next;
  return NULL;
}

static tn_error *read_package(tn_wac *wac, size_t *end) {
  tn_wit_word part;
  if (!tn_wac_at_path(wac))
    return tn_error_set_hint(tn_wit_reader_expected(&wac->reader, "the name of a package"),
                             "packages are called namespace:name, without blanks");
  TN_TRY(read_part(wac, &part, end));
  while (is_joined_by(wac, ':')) {
    tn_wit_lexer_advance(&wac->reader.lexer); /* to the ':' */
    tn_wit_lexer_advance(&wac->reader.lexer);
    TN_TRY(read_part(wac, &part, end));
  }
  return NULL;
}

static tn_error *read_segments(tn_wac *wac, tn_wac_path *out, size_t *end) {
  while (is_joined_by(wac, '/')) {
    tn_wit_lexer_advance(&wac->reader.lexer);
    tn_wit_lexer_advance(&wac->reader.lexer);
    tn_wit_word *segment = TN_VEC_PUSH(wac->reader.arena, &out->segments);
    if (segment == NULL) return tn_error_no_memory();
    TN_TRY(read_part(wac, segment, end));
  }
  return NULL;
}

tn_error *tn_wac_read_path(tn_wac *wac, tn_wac_path *out) {
  tn_str text = wac->reader.lexer.text;
  size_t end = 0;
  *out = (tn_wac_path){.offset = tn_wac_offset(wac)};
  TN_TRY(read_package(wac, &end));
  out->package = tn_str_slice(text, out->offset, end);
  TN_TRY(read_segments(wac, out, &end));
  tn_wit_lexer_advance(&wac->reader.lexer);
  if (end < text.len && text.data[end] == '@') {
    TN_TRY(tn_wit_reader_version(&wac->reader, &out->version));
    end = (size_t)(out->version.data - text.data) + out->version.len;
  }
  out->text = tn_str_slice(text, out->offset, end);
  return NULL;
}

/* ---- packages ------------------------------------------------------------------------------------------ */

static tn_str with_version(const tn_wac *wac, tn_str name, tn_str version) {
  bool has_version = version.data != NULL;
  return tn_arena_format(wac->graph->arena, "%" TN_STR_FORMAT "%s%" TN_STR_FORMAT, TN_STR_ARG(name),
                         has_version ? "@" : "", TN_STR_ARG(version));
}

static bool is_own_package(const tn_wac *wac, const tn_wac_path *path) {
  return tn_str_equal(path->package, wac->package);
}

/* Loads what `key` names. A package that was named with its version and without one is there once. */
static tn_error *load_package(tn_wac *wac, const tn_wac_path *path, tn_str key,
                              tn_compose_package **out) {
  tn_wac_loaded loaded = {0};
  TN_TRY(wac->load(wac->data, path->package, path->version, &loaded));
  tn_str full = with_version(wac, path->package, loaded.version);
  if (full.data == NULL) return tn_error_no_memory();
  *out = tn_map_get(&wac->packages, full);
  if (*out != NULL) return NULL;
  TN_TRY(tn_error_wrap(
      tn_compose_package_new(wac->graph, path->package, loaded.version, loaded.bytes, out),
      "package `%" TN_STR_FORMAT "` cannot be used: %s", TN_STR_ARG(key), loaded.path));
  return tn_map_put(wac->graph->arena, &wac->packages, full, *out) ? NULL : tn_error_no_memory();
}

tn_error *tn_wac_find_package(tn_wac *wac, const tn_wac_path *path,
                              const tn_compose_package **out) {
  tn_str key = with_version(wac, path->package, path->version);
  tn_compose_package *package;
  if (key.data == NULL) return tn_error_no_memory();
  *out = tn_map_get(&wac->packages, key);
  if (*out != NULL) return NULL;
  if (is_own_package(wac, path))
    return tn_wac_error(wac, path->offset, "`%" TN_STR_FORMAT "` is this very document",
                        TN_STR_ARG(path->package));
  TN_TRY(tn_wac_at(wac, path->offset, load_package(wac, path, key, &package)));
  if (!tn_map_put(wac->graph->arena, &wac->packages, key, package)) return tn_error_no_memory();
  *out = package;
  return NULL;
}

tn_error *tn_wac_path_name(tn_wac *wac, const tn_wac_path *path, tn_str *out) {
  const tn_compose_package *package;
  *out = path->text;
  if (path->version.data != NULL || is_own_package(wac, path)) return NULL;
  TN_TRY(tn_wac_find_package(wac, path, &package));
  *out = with_version(wac, path->text, package->version);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- what is in them ----------------------------------------------------------------------------------- */

static bool is_interface_name(tn_str name) {
  return tn_str_find(name, ':', 0) < name.len;
}

/* An interface or world of a package of WIT is exported as a component type with one export, of its full name.
 * WIT.md#package-format */
static tn_error *find_definition(tn_wac *wac, const tn_compose_package *package, tn_str name,
                                 tn_compose_item *out, bool *found) {
  const tn_compose_item *export = tn_compose_items_get(&package->world->exports, name);
  *found = false;
  if (export == NULL || export->sort != TN_SORT_TYPE) return NULL;
  const tn_compose_type *wrapper = tn_compose_root(export->type);
  if (wrapper->kind != TN_AST_COMPONENT || wrapper->world->exports.list.len != 1) return NULL;
  const tn_compose_item *inner = &wrapper->world->exports.list.items[0];
  bool is_world = inner->sort == TN_SORT_COMPONENT;
  if (!is_interface_name(inner->name) || (!is_world && inner->sort != TN_SORT_INSTANCE))
    return NULL;
  /* There is one type for each definition, so that the text may name it twice. */
  tn_compose_type *type = tn_map_get(&wac->definitions, inner->name);
  if (type == NULL) {
    type = tn_compose_type_new(wac->types, is_world ? TN_AST_COMPONENT : TN_AST_INSTANCE);
    if (type == NULL || !tn_map_put(wac->graph->arena, &wac->definitions, inner->name, type))
      return tn_error_no_memory();
    type->interface = inner->interface;
    type->world = inner->world;
  }
  *out = (tn_compose_item){.name = name, .sort = TN_SORT_TYPE, .type = type};
  *found = true;
  return NULL;
}

static const tn_compose_items *exports_of(const tn_compose_item *item) {
  tn_compose_item promoted = tn_wac_promote(item);
  if (promoted.sort == TN_SORT_INSTANCE) return &promoted.interface->items;
  return promoted.sort == TN_SORT_COMPONENT ? &promoted.world->exports : NULL;
}

static tn_error *no_export(const tn_wac *wac, const char *what, tn_str name, tn_wit_word segment) {
  return tn_wac_error(wac, segment.offset, "%s `%" TN_STR_FORMAT "` has no `%" TN_STR_FORMAT "`",
                      what, TN_STR_ARG(name), TN_STR_ARG(segment.text));
}

static tn_error *find_first(tn_wac *wac, const tn_wac_path *path, tn_compose_item *out) {
  const tn_compose_package *package;
  tn_wit_word segment = path->segments.items[0];
  bool found;
  if (is_own_package(wac, path)) {
    const tn_wac_entry *entry;
    TN_TRY(tn_wac_find(wac, &wac->root, segment, &entry));
    *out = entry->item;
    return NULL;
  }
  TN_TRY(tn_wac_find_package(wac, path, &package));
  TN_TRY(find_definition(wac, package, segment.text, out, &found));
  if (found) return NULL;
  tn_error *error = no_export(wac, "package", path->package, segment);
  if (tn_compose_items_get(&package->world->exports, segment.text) == NULL &&
      package->world->exports.list.len > 0)
    tn_error_set_hint(
        error,
        "interfaces and worlds are found in packages of WIT; of a component, instances are made "
        "with `new`");
  return error;
}

tn_error *tn_wac_resolve_path(tn_wac *wac, const tn_wac_path *path, tn_compose_item *out) {
  if (path->segments.len == 0)
    return tn_error_set_hint(
        tn_wac_error(wac, path->offset,
                     "this is the name of a package, and not of something in it"),
        "it is named behind a slash: %" TN_STR_FORMAT "/name", TN_STR_ARG(path->package));
  TN_TRY(find_first(wac, path, out));
  for (uint32_t i = 1; i < path->segments.len; i++) {
    const tn_compose_items *exports = exports_of(out);
    tn_wit_word segment = path->segments.items[i];
    const tn_compose_item *next =
        exports == NULL ? NULL : tn_compose_items_get(exports, segment.text);
    if (next == NULL)
      return no_export(wac, tn_compose_item_kind_name(out), path->segments.items[i - 1].text,
                       segment);
    *out = *next;
  }
  return NULL;
}
