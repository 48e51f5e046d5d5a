/* Files, packages, interfaces and worlds. WIT.md#top-level-items, #item-world, #item-interface */
#include <inttypes.h>

#include "base/utf.h"
#include "wit/package/syntax.h"

/* ---- use and include ------------------------------------------------------------------------- */

/* "a", or "a as b". */
static tn_error *read_renaming(tn_wit_reader *reader, bool needs_as, tn_wit_renamings *out) {
  tn_wit_renaming *renaming = TN_VEC_PUSH(reader->arena, out);
  if (renaming == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_reader_word(reader, "a name", &renaming->name));
  renaming->as = renaming->name;
  if (tn_wit_reader_accept_keyword(reader, TN_WIT_AS))
    return tn_wit_reader_word(reader, "a name", &renaming->as);
  return needs_as ? tn_wit_reader_expected(reader, "'as'") : NULL;
}

/* "{a, b as c}" */
static tn_error *read_renamings(tn_wit_reader *reader, bool need_as, tn_wit_renamings *out) {
  TN_TRY(tn_wit_reader_expect(reader, '{', "'{'"));
  while (!tn_wit_reader_accept(reader, '}')) {
    TN_TRY(read_renaming(reader, need_as, out));
    if (!tn_wit_reader_accept(reader, ',')) return tn_wit_reader_expect(reader, '}', "',' or '}'");
  }
  return NULL;
}

/* use a:b/c.{d, e as f}; WIT.md#item-use */
static tn_error *read_use(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  tn_wit_lexer_advance(&reader->lexer);
  item->kind = TN_WIT_ITEM_USE;
  TN_TRY(tn_wit_reader_path(reader, &item->path));
  TN_TRY(tn_wit_reader_expect(reader, '.', "'.{' and the names of types"));
  TN_TRY(read_renamings(reader, false, &item->renamings));
  return tn_wit_reader_expect(reader, ';', "';'");
}

/* include a:b/w with { a as b }; WIT.md#item-include */
static tn_error *read_include(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  tn_wit_lexer_advance(&reader->lexer);
  item->kind = TN_WIT_ITEM_INCLUDE;
  TN_TRY(tn_wit_reader_path(reader, &item->path));
  if (tn_wit_reader_accept_keyword(reader, TN_WIT_WITH)) {
    TN_TRY(read_renamings(reader, true, &item->renamings));
    /* The grammar has none behind the '}', but the example beside it has. */
    tn_wit_reader_accept(reader, ';');
    return NULL;
  }
  return tn_wit_reader_expect(reader, ';', "'with' or ';'");
}

/* use a:b/c as d; WIT.md#item-toplevel-use */
static tn_error *read_top_use(tn_wit_reader *reader, tn_wit_unit *unit,
                              const tn_wit_declaration *front) {
  if (front->gate.since.data != NULL || front->gate.feature.data != NULL)
    return tn_wit_place_error(front->place, "a use at the top of a file cannot have gates");
  tn_wit_item_syntax *item = TN_VEC_PUSH(reader->arena, &unit->uses);
  if (item == NULL) return tn_error_no_memory();
  tn_wit_lexer_advance(&reader->lexer);
  item->kind = TN_WIT_ITEM_USE;
  item->declaration = *front;
  TN_TRY(tn_wit_reader_path(reader, &item->path));
  tn_wit_word name = item->path.name;
  if (tn_wit_reader_at(reader, '.')) {
    return tn_error_set_hint(
        tn_wit_reader_expected(reader, "'as' or ';'"),
        "types are brought in within an interface or a world: interface i { use a.{t}; }");
  }
  if (tn_wit_reader_accept_keyword(reader, TN_WIT_AS))
    TN_TRY(tn_wit_reader_word(reader, "a name", &name));
  item->declaration.name = name.text;
  item->declaration.place.offset = name.offset;
  return tn_wit_reader_expect(reader, ';', "'as' or ';'");
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static tn_error *read_named_function(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  tn_wit_word name;
  TN_TRY(tn_wit_reader_word(reader, "a use, a type or a function", &name));
  item->kind = TN_WIT_ITEM_FUNCTION;
  item->declaration.name = name.text;
  item->declaration.place.offset = name.offset;
  TN_TRY(tn_wit_reader_expect(reader, ':', "':'"));
  TN_TRY(tn_wit_reader_function(reader, &item->function));
  return tn_wit_reader_expect(reader, ';', "';'");
}

static tn_error *read_interface_item(tn_wit_reader *reader, tn_wit_body *body) {
  tn_wit_item_syntax *item = TN_VEC_PUSH(reader->arena, body);
  if (item == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_reader_front(reader, &item->declaration));
  if (tn_wit_reader_at_keyword(reader, TN_WIT_USE)) return read_use(reader, item);
  if (tn_wit_reader_at_type_item(reader)) return tn_wit_reader_type_item(reader, item);
  return read_named_function(reader, item);
}

/* "{ … }" */
static tn_error *read_interface_body(tn_wit_reader *reader, tn_wit_body *body) {
  TN_TRY(tn_wit_reader_expect(reader, '{', "'{'"));
  while (!tn_wit_reader_accept(reader, '}'))
    TN_TRY(read_interface_item(reader, body));
  return NULL;
}

/* ---- worlds ---------------------------------------------------------------------------------- */

/* Behind "import label:": a function, an interface or a path. */
static tn_error *read_labelled(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  if (tn_wit_reader_at_keyword(reader, TN_WIT_FUNC) ||
      tn_wit_reader_at_keyword(reader, TN_WIT_ASYNC)) {
    TN_TRY(tn_wit_reader_function(reader, &item->function));
  } else if (tn_wit_reader_accept_keyword(reader, TN_WIT_INTERFACE)) {
    item->has_body = true;
    return read_interface_body(reader, &item->body);
  } else {
    TN_TRY(tn_wit_reader_path(reader, &item->path));
  }
  return tn_wit_reader_expect(reader, ';', "';'");
}

/* Whether a label and its ':' are next, and not the "a:b/" of a path. The label is passed over. */
static bool at_label(tn_wit_reader *reader) {
  tn_wit_lexer ahead = reader->lexer;
  tn_wit_lexer_advance(&ahead);
  if (ahead.token.kind != ':') return false;
  tn_wit_lexer_advance(&ahead);
  if (ahead.token.kind != TN_WIT_NAME || ahead.token.keyword != TN_WIT_NO_KEYWORD) return true;
  tn_wit_lexer_advance(&ahead);
  return ahead.token.kind != '/';
}

/* import a:b/c; import a: func(); import a: interface { … } import a: b; and the same for exports. */
static tn_error *read_extern(tn_wit_reader *reader, tn_wit_item_kind kind,
                             tn_wit_item_syntax *item) {
  tn_wit_lexer_advance(&reader->lexer);
  item->kind = kind;
  item->declaration.place = tn_wit_reader_place(reader);
  if (!at_label(reader)) {
    TN_TRY(tn_wit_reader_path(reader, &item->path));
    return tn_wit_reader_expect(reader, ';', "';'");
  }
  tn_wit_word label;
  TN_TRY(tn_wit_reader_word(reader, "a name", &label));
  item->declaration.name = label.text;
  tn_wit_lexer_advance(&reader->lexer); /* ':' */
  return read_labelled(reader, item);
}

static tn_error *read_world_item(tn_wit_reader *reader, tn_wit_body *body) {
  tn_wit_item_syntax *item = TN_VEC_PUSH(reader->arena, body);
  if (item == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_reader_front(reader, &item->declaration));
  switch (reader->lexer.token.keyword) {
  case TN_WIT_IMPORT:
    return read_extern(reader, TN_WIT_ITEM_IMPORT, item);
  case TN_WIT_EXPORT:
    return read_extern(reader, TN_WIT_ITEM_EXPORT, item);
  case TN_WIT_USE:
    return read_use(reader, item);
  case TN_WIT_INCLUDE:
    return read_include(reader, item);
  default:
    if (tn_wit_reader_at_type_item(reader)) return tn_wit_reader_type_item(reader, item);
    return tn_wit_reader_expected(reader, "import, export, include, use or a type");
  }
}

/* ---- files ----------------------------------------------------------------------------------- */

static tn_error *read_definition(tn_wit_reader *reader, tn_wit_unit *unit,
                                 const tn_wit_declaration *front) {
  tn_wit_definition *definition = TN_VEC_PUSH(reader->arena, &unit->definitions);
  if (definition == NULL) return tn_error_no_memory();
  definition->is_world = tn_wit_reader_at_keyword(reader, TN_WIT_WORLD);
  definition->declaration = *front;
  tn_wit_lexer_advance(&reader->lexer);
  tn_wit_word name;
  TN_TRY(tn_wit_reader_word(reader, "a name", &name));
  definition->declaration.name = name.text;
  definition->declaration.place.offset = name.offset;
  if (!definition->is_world) return read_interface_body(reader, &definition->body);
  TN_TRY(tn_wit_reader_expect(reader, '{', "'{'"));
  while (!tn_wit_reader_accept(reader, '}'))
    TN_TRY(read_world_item(reader, &definition->body));
  return NULL;
}

static tn_error *read_unit_item(tn_wit_reader *reader, tn_wit_unit *unit,
                                const tn_wit_declaration *front) {
  switch (reader->lexer.token.keyword) {
  case TN_WIT_INTERFACE:
  case TN_WIT_WORLD:
    return read_definition(reader, unit, front);
  case TN_WIT_USE:
    return read_top_use(reader, unit, front);
  default:
    return tn_wit_reader_expected(reader, "interface, world, use or package");
  }
}

/* package a:b { … } */
static tn_error *read_nested(tn_wit_reader *reader, tn_wit_group *group,
                             const tn_wit_declaration *front) {
  if (front->gate.since.data != NULL || front->gate.feature.data != NULL)
    return tn_wit_place_error(front->place, "a package cannot have gates");
  tn_wit_unit *unit = TN_VEC_PUSH(reader->arena, &group->nested);
  if (unit == NULL) return tn_error_no_memory();
  unit->source = reader->source;
  unit->docs = front->docs;
  tn_wit_lexer_advance(&reader->lexer);
  unit->package_offset = (uint32_t)reader->lexer.token.start;
  TN_TRY(tn_wit_reader_package_name(reader, &unit->package));
  if (tn_wit_reader_at(reader, ';')) {
    return tn_error_set_hint(tn_wit_reader_expected(reader, "'{'"),
                             "the package of the file itself is named before everything else");
  }
  TN_TRY(tn_wit_reader_expect(reader, '{', "'{'"));
  while (!tn_wit_reader_accept(reader, '}')) {
    tn_wit_declaration inner;
    TN_TRY(tn_wit_reader_front(reader, &inner));
    if (tn_wit_reader_at_keyword(reader, TN_WIT_PACKAGE))
      return tn_wit_place_error(inner.place, "a package cannot stand within another one");
    TN_TRY(read_unit_item(reader, unit, &inner));
  }
  return NULL;
}

/* "package a:b;" at the start of a file; one with braces is left where it is. */
static tn_error *read_file_package(tn_wit_reader *reader, tn_wit_unit *unit) {
  if (!tn_wit_reader_at_keyword(reader, TN_WIT_PACKAGE)) return NULL;
  tn_wit_lexer start = reader->lexer;
  TN_TRY(tn_wit_reader_docs(reader, &unit->docs));
  tn_wit_lexer_advance(&reader->lexer);
  unit->package_offset = (uint32_t)reader->lexer.token.start;
  TN_TRY(tn_wit_reader_package_name(reader, &unit->package));
  if (tn_wit_reader_accept(reader, ';')) return NULL;
  if (!tn_wit_reader_at(reader, '{')) return tn_wit_reader_expected(reader, "';' or '{'");
  reader->lexer = start;
  unit->package = (tn_wit_package_name){0};
  unit->docs = (tn_str){0};
  return NULL;
}

/* ---- characters ------------------------------------------------------------------------------ */

const char *tn_wit_forbidden_character(uint32_t character) {
  static const uint32_t discouraged[] = {0x149,  0x673,  0xf77,  0xf79,
                                         0x17a3, 0x17a4, 0x17b4, 0x17b5};
  if ((character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069))
    return "turns the direction of the text";
  if (character < 0x20 || (character >= 0x7f && character < 0xa0)) return "is a control character";
  for (size_t i = 0; i < sizeof discouraged / sizeof *discouraged; i++) {
    if (character == discouraged[i]) return "is discouraged by Unicode";
  }
  return NULL;
}

tn_error *tn_wit_check_characters(const tn_wit_source *source) {
  tn_str text = source->text;
  if (!tn_utf8_is_valid(text.data, text.len)) {
    return tn_error_new(TN_ERROR_INVALID, "%" TN_STR_FORMAT " is not UTF-8 text",
                        TN_STR_ARG(source->path));
  }
  for (size_t at = 0; at < text.len;) {
    uint8_t byte = (uint8_t)text.data[at];
    if ((byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t') {
      at++;
      continue;
    }
    uint32_t character;
    size_t length = tn_utf8_decode((const uint8_t *)text.data + at, &character);
    const char *why = tn_wit_forbidden_character(character);
    if (why != NULL) {
      return tn_wit_place_error((tn_wit_place){source, (uint32_t)at},
                                "the character U+%04" PRIX32 " %s", character, why);
    }
    at += length;
  }
  return NULL;
}

tn_error *tn_wit_parse_source(tn_arena *arena, tn_arena *kept, const tn_wit_source *source,
                              tn_wit_group *group) {
  if (source->text.len > TN_WIT_MAX_SOURCE) {
    return tn_error_new(TN_ERROR_LIMIT, "%" TN_STR_FORMAT " is larger than %d bytes",
                        TN_STR_ARG(source->path), (int)TN_WIT_MAX_SOURCE);
  }
  TN_TRY(tn_wit_check_characters(source));
  tn_wit_reader reader = {.arena = arena, .kept = kept, .source = source};
  bool has_mark = tn_str_starts_with(source->text, TN_STR("\xef\xbb\xbf"));
  tn_wit_lexer_start(&reader.lexer, source->text, has_mark ? 3 : 0);
  tn_wit_unit *unit = TN_VEC_PUSH(arena, &group->files);
  if (unit == NULL) return tn_error_no_memory();
  unit->source = source;
  TN_TRY(read_file_package(&reader, unit));
  while (!tn_wit_reader_at(&reader, TN_WIT_END)) {
    tn_wit_declaration front;
    TN_TRY(tn_wit_reader_front(&reader, &front));
    if (tn_wit_reader_at_keyword(&reader, TN_WIT_PACKAGE)) {
      TN_TRY(read_nested(&reader, group, &front));
    } else {
      TN_TRY(read_unit_item(&reader, unit, &front));
    }
  }
  return NULL;
}
