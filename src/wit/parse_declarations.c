/* Declarations of types and resources, and `use`. WIT.md#item-interface, #item-use, #items-type */
#include "wit/parser.h"

static bool at_keyword(const tn_wit_parser *parser, tn_wit_keyword keyword) {
  return parser->lexer.token.keyword == keyword;
}

/* ---- gates and skipping ------------------------------------------------------------------------ */

/* The version, feature name or text in the parentheses of a gate. */
static tn_error *skip_gate_argument(tn_wit_parser *parser) {
  if (tn_wit_accept(parser, TN_WIT_STRING_LITERAL)) return NULL;
  bool is_version = tn_str_equal(parser->lexer.token.text, TN_STR("version"));
  TN_TRY(tn_wit_expect(parser, TN_WIT_NAME, "version, feature or a string"));
  if (!tn_wit_at(parser, '=')) return tn_wit_expected(parser, "'='");
  if (is_version) {
    tn_wit_lexer_advance_version(&parser->lexer);
    return tn_wit_expect(parser, TN_WIT_INTEGER, "a version");
  }
  tn_wit_lexer_advance(&parser->lexer);
  return tn_wit_expect(parser, TN_WIT_NAME, "the name of a feature");
}

/* @since(version = 1.2.3), @unstable(feature = x), @deprecated(…), @external-id("…"): which version of an
 * interface is served is the caller's choice, made before the text was written. WIT.md#feature-gates */
static tn_error *skip_gates(tn_wit_parser *parser) {
  while (tn_wit_accept(parser, '@')) {
    tn_str name;
    TN_TRY(tn_wit_expect_name(parser, "the name of a gate", &name));
    TN_TRY(tn_wit_expect(parser, '(', "'('"));
    TN_TRY(skip_gate_argument(parser));
    TN_TRY(tn_wit_expect(parser, ')', "')'"));
  }
  return NULL;
}

/* Skips from the current '{' to behind the '}' that belongs to it. */
static tn_error *skip_body(tn_wit_parser *parser) {
  size_t depth = 0;
  do {
    TN_TRY(skip_gates(parser));
    uint32_t kind = parser->lexer.token.kind;
    if (kind == TN_WIT_END || kind == TN_WIT_BAD) return tn_wit_expected(parser, "'}'");
    if (kind == '{') depth++;
    if (kind == '}') depth--;
    tn_wit_lexer_advance(&parser->lexer);
  } while (depth > 0);
  return NULL;
}

/* ---- the scope --------------------------------------------------------------------------------- */

static tn_error *check_new(const tn_wit_parser *parser, tn_str name, size_t where) {
  if (!tn_map_has(&parser->scope->types, name)) return NULL;
  return tn_wit_error(parser, where, "'%" TN_STR_FORMAT "' is declared twice", TN_STR_ARG(name));
}

static tn_error *add_type(tn_wit_parser *parser, tn_str name, const tn_type *type) {
  tn_wit_scope *scope = parser->scope;
  return tn_map_put(scope->arena, &scope->types, name, (void *)type) ? NULL : tn_error_no_memory();
}

static tn_error *add_resource(tn_wit_parser *parser, tn_str name, size_t where,
                              const tn_resource *resource) {
  tn_wit_scope *scope = parser->scope;
  tn_type *own = TN_ARENA_NEW(scope->arena, tn_type);
  if (own == NULL) return tn_error_no_memory();
  own->kind = TN_TYPE_OWN;
  own->resource = resource;
  const tn_type *type = NULL;
  TN_TRY(tn_wit_finish_type(parser, where, own, &type));
  TN_TRY(add_type(parser, name, type));
  return tn_map_put(scope->arena, &scope->resources, name, (void *)resource) ? NULL
                                                                             : tn_error_no_memory();
}

/* ---- declarations ------------------------------------------------------------------------------ */

/* The part of `type x = …;` behind the '='. Another name for a resource is a resource as well. */
static tn_error *read_alias(tn_wit_parser *parser, tn_str name) {
  tn_wit_token first = parser->lexer.token;
  const tn_type *type = NULL;
  TN_TRY(tn_wit_read_type(parser, &type));
  TN_TRY(tn_wit_expect(parser, ';', "';'"));
  TN_TRY(add_type(parser, name, type));
  tn_wit_scope *scope = parser->scope;
  if (first.keyword != TN_WIT_NO_KEYWORD) return NULL;
  const tn_resource *resource = tn_map_get(&scope->resources, first.text);
  if (resource == NULL) return NULL;
  return tn_map_put(scope->arena, &scope->resources, name, (void *)resource) ? NULL
                                                                             : tn_error_no_memory();
}

static tn_error *read_resource(tn_wit_parser *parser, tn_str name, size_t where) {
  tn_wit_scope *scope = parser->scope;
  if (scope->resource == NULL)
    return tn_wit_error(parser, where, "a resource cannot be declared here");
  if (tn_wit_at(parser, '{')) {
    TN_TRY(skip_body(parser));
  } else {
    TN_TRY(tn_wit_expect(parser, ';', "';' or '{'"));
  }
  const tn_resource *resource = NULL;
  TN_TRY(scope->resource(scope->data, name, &resource));
  return add_resource(parser, name, where, resource);
}

/* record, variant, enum and flags: from '{' on. */
static tn_error *read_aggregate(tn_wit_parser *parser, tn_type_kind kind, tn_str name,
                                size_t where) {
  static const tn_wit_member_style styles[] = {
      [TN_TYPE_RECORD] = TN_WIT_FIELDS,
      [TN_TYPE_VARIANT] = TN_WIT_CASES,
      [TN_TYPE_ENUM] = TN_WIT_LABELS,
      [TN_TYPE_FLAGS] = TN_WIT_LABELS,
  };
  tn_wit_members members = {0};
  TN_TRY(tn_wit_expect(parser, '{', "'{'"));
  TN_TRY(tn_wit_read_members(parser, styles[kind], '}', &members));
  if (members.count == 0) {
    return tn_wit_error(parser, where, "'%" TN_STR_FORMAT "' needs at least one member",
                        TN_STR_ARG(name));
  }
  if (kind == TN_TYPE_FLAGS && members.count > 32) {
    return tn_wit_error(parser, where, "'%" TN_STR_FORMAT "' has more than 32 flags",
                        TN_STR_ARG(name));
  }
  tn_type *type = TN_ARENA_NEW(parser->scope->arena, tn_type);
  if (type == NULL) return tn_error_no_memory();
  type->kind = kind;
  type->count = members.count;
  type->labels = members.labels;
  type->types = members.types;
  const tn_type *finished = NULL;
  TN_TRY(tn_wit_finish_type(parser, where, type, &finished));
  return add_type(parser, name, finished);
}

static tn_error *read_named(tn_wit_parser *parser, tn_wit_keyword keyword, tn_str name,
                            size_t where) {
  switch (keyword) {
  case TN_WIT_TYPE:
    TN_TRY(tn_wit_expect(parser, '=', "'='"));
    return read_alias(parser, name);
  case TN_WIT_RECORD:
    return read_aggregate(parser, TN_TYPE_RECORD, name, where);
  case TN_WIT_VARIANT:
    return read_aggregate(parser, TN_TYPE_VARIANT, name, where);
  case TN_WIT_ENUM:
    return read_aggregate(parser, TN_TYPE_ENUM, name, where);
  case TN_WIT_FLAGS:
    return read_aggregate(parser, TN_TYPE_FLAGS, name, where);
  default:
    return read_resource(parser, name, where);
  }
}

/* The name of an interface, without the white space and '%' that it may be written with. */
typedef struct use_path {
  char text[256];
  size_t len;
} use_path;

static tn_error *append_path(tn_wit_parser *parser, use_path *path, size_t where, tn_str part) {
  if (part.len > sizeof path->text - path->len) {
    return tn_wit_error(parser, where, "the name of this interface is too long");
  }
  memcpy(path->text + path->len, part.data, part.len);
  path->len += part.len;
  return NULL;
}

static tn_error *read_path_name(tn_wit_parser *parser, use_path *path) {
  size_t where = parser->lexer.token.start;
  tn_str name;
  TN_TRY(tn_wit_expect_name(parser, "the name of an interface", &name));
  return append_path(parser, path, where, name);
}

/* ( separator name )*; *count says how many. */
static tn_error *read_path_names(tn_wit_parser *parser, char separator, use_path *path,
                                 size_t *count) {
  *count = 0;
  while (tn_wit_at(parser, (uint8_t)separator)) {
    TN_TRY(append_path(parser, path, parser->lexer.token.start, parser->lexer.token.text));
    tn_wit_lexer_advance(&parser->lexer);
    TN_TRY(read_path_name(parser, path));
    (*count)++;
  }
  return NULL;
}

/* id, or (id ':')+ id ('/' id)+ ('@' version)?. WIT.md#item-toplevel-use, `use-path` */
static tn_error *read_use_path(tn_wit_parser *parser, use_path *path) {
  size_t colons = 0;
  size_t slashes = 0;
  TN_TRY(read_path_name(parser, path));
  TN_TRY(read_path_names(parser, ':', path, &colons));
  if (colons == 0) return NULL;
  TN_TRY(read_path_names(parser, '/', path, &slashes));
  if (slashes == 0) return tn_wit_expected(parser, "'/' and the name of an interface");
  if (!tn_wit_at(parser, '@')) return NULL;
  TN_TRY(append_path(parser, path, parser->lexer.token.start, parser->lexer.token.text));
  tn_wit_lexer_advance_version(&parser->lexer);
  if (!tn_wit_at(parser, TN_WIT_INTEGER)) return tn_wit_expected(parser, "a version");
  TN_TRY(append_path(parser, path, parser->lexer.token.start, parser->lexer.token.text));
  tn_wit_lexer_advance(&parser->lexer);
  return NULL;
}

/* One name of a `use` list: "a" or "a as b". */
static tn_error *read_use_name(tn_wit_parser *parser, tn_str *name, tn_str *local) {
  TN_TRY(tn_wit_expect_name(parser, "the name of a type", name));
  *local = *name;
  if (!at_keyword(parser, TN_WIT_AS)) return NULL;
  tn_wit_lexer_advance(&parser->lexer);
  return tn_wit_expect_name(parser, "a name", local);
}

static tn_error *read_used(tn_wit_parser *parser, tn_str interface) {
  tn_wit_scope *scope = parser->scope;
  size_t where = parser->lexer.token.start;
  tn_str name;
  tn_str local;
  TN_TRY(read_use_name(parser, &name, &local));
  TN_TRY(check_new(parser, local, where));
  const tn_type *type = NULL;
  const tn_resource *resource = NULL;
  TN_TRY(scope->use(scope->data, interface, name, &type, &resource));
  if (resource != NULL) return add_resource(parser, local, where, resource);
  return add_type(parser, local, type);
}

/* Behind the word `use`. */
static tn_error *read_use(tn_wit_parser *parser) {
  if (parser->scope->use == NULL) {
    return tn_wit_error(parser, parser->lexer.token.start, "'use' is not possible here");
  }
  use_path path = {.len = 0};
  TN_TRY(read_use_path(parser, &path));
  tn_str interface = tn_arena_copy(parser->scope->arena, (tn_str){path.text, path.len});
  if (interface.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_expect(parser, '.', "'.{'"));
  TN_TRY(tn_wit_expect(parser, '{', "'{'"));
  do {
    TN_TRY(read_used(parser, interface));
  } while (tn_wit_accept(parser, ',') && !tn_wit_at(parser, '}'));
  TN_TRY(tn_wit_expect(parser, '}', "',' or '}'"));
  return tn_wit_expect(parser, ';', "';'");
}

static bool declares_type(tn_wit_keyword keyword) {
  return keyword >= TN_WIT_TYPE && keyword <= TN_WIT_RESOURCE;
}

/* One declaration, gates passed. */
static tn_error *read_declaration(tn_wit_parser *parser) {
  tn_wit_keyword keyword = parser->lexer.token.keyword;
  if (keyword == TN_WIT_USE) {
    tn_wit_lexer_advance(&parser->lexer);
    return read_use(parser);
  }
  if (!declares_type(keyword)) {
    return tn_wit_expected(parser, "use, type, record, variant, enum, flags or resource");
  }
  tn_wit_lexer_advance(&parser->lexer);
  size_t where = parser->lexer.token.start;
  tn_wit_open_declaration open = {.outer = parser->open};
  TN_TRY(tn_wit_expect_name(parser, "a name", &open.name));
  TN_TRY(check_new(parser, open.name, where));
  parser->open = &open;
  tn_error *error = read_named(parser, keyword, open.name, where);
  parser->open = open.outer;
  return error;
}

/* ---- reading ahead ----------------------------------------------------------------------------- */

static tn_error *index_name(tn_wit_parser *parser, tn_str name, size_t start) {
  if (tn_map_has(&parser->pending, name)) return NULL; /* a duplicate: reported when it is read */
  char *place = (char *)parser->lexer.text.data + start;
  return tn_map_put(parser->scope->arena, &parser->pending, name, place) ? NULL
                                                                         : tn_error_no_memory();
}

/* Notes the names behind the '{' of a `use`. */
static tn_error *index_used(tn_wit_parser *parser, size_t start) {
  tn_wit_lexer_advance(&parser->lexer);
  while (tn_wit_at(parser, TN_WIT_NAME)) {
    tn_str name;
    tn_str local;
    TN_TRY(read_use_name(parser, &name, &local));
    TN_TRY(index_name(parser, local, start));
    if (!tn_wit_accept(parser, ',')) break;
  }
  return NULL;
}

/* Notes the names that one declaration declares and goes behind it. Anything that is wrong ends the index
 * there: the error is found when the declaration is read in its turn. */
static tn_error *index_declaration(tn_wit_parser *parser, bool *more) {
  *more = false;
  TN_TRY(skip_gates(parser));
  tn_wit_token first = parser->lexer.token;
  if (first.kind != TN_WIT_NAME) return NULL;
  if (declares_type(first.keyword)) {
    tn_str name;
    tn_wit_lexer_advance(&parser->lexer);
    TN_TRY(tn_wit_expect_name(parser, "a name", &name));
    TN_TRY(index_name(parser, name, first.start));
  }
  while (!tn_wit_at(parser, ';') && !tn_wit_at(parser, '}')) {
    if (tn_wit_at(parser, TN_WIT_END) || tn_wit_at(parser, TN_WIT_BAD)) return NULL;
    if (first.keyword == TN_WIT_RESOURCE && tn_wit_at(parser, '{')) {
      TN_TRY(skip_body(parser));
      *more = true;
      return NULL;
    }
    if (first.keyword == TN_WIT_USE && tn_wit_at(parser, '{')) {
      TN_TRY(index_used(parser, first.start));
    } else {
      tn_wit_lexer_advance(&parser->lexer);
    }
  }
  tn_wit_lexer_advance(&parser->lexer);
  if (first.keyword == TN_WIT_USE) tn_wit_accept(parser, ';');
  *more = true;
  return NULL;
}

static tn_error *build_index(tn_wit_parser *parser) {
  tn_wit_lexer saved = parser->lexer;
  tn_wit_lexer_start(&parser->lexer, saved.text, 0);
  tn_error *error = NULL;
  for (bool more = true; more && error == NULL;)
    error = index_declaration(parser, &more);
  if (error != NULL && tn_error_get_kind(error) != TN_ERROR_NO_MEMORY) {
    tn_error_delete(error);
    error = NULL;
  }
  parser->lexer = saved;
  parser->has_index = error == NULL;
  return error;
}

static bool is_open(const tn_wit_parser *parser, tn_str name) {
  for (const tn_wit_open_declaration *open = parser->open; open != NULL; open = open->outer) {
    if (tn_str_equal(open->name, name)) return true;
  }
  return false;
}

/* Whether the declaration at `start` was read ahead of its turn. */
static bool was_read(const tn_wit_parser *parser, size_t start) {
  for (uint32_t i = 0; i < parser->ahead.len; i++) {
    if (parser->ahead.items[i] == start) return true;
  }
  return false;
}

tn_error *tn_wit_read_ahead(tn_wit_parser *parser, tn_str name, size_t where, bool *found) {
  *found = false;
  if (is_open(parser, name)) {
    return tn_wit_error(parser, where, "'%" TN_STR_FORMAT "' contains itself", TN_STR_ARG(name));
  }
  if (!parser->has_index) TN_TRY(build_index(parser));
  const char *place = tn_map_get(&parser->pending, name);
  if (place == NULL) return NULL;
  if (parser->depth == TN_WIT_MAX_DEPTH)
    return tn_wit_error(parser, where, "types are nested too deeply");
  size_t *ahead = TN_VEC_PUSH(parser->scope->arena, &parser->ahead);
  if (ahead == NULL) return tn_error_no_memory();
  tn_wit_lexer saved = parser->lexer;
  *ahead = (size_t)(place - saved.text.data);
  parser->depth++;
  tn_wit_lexer_start(&parser->lexer, saved.text, *ahead);
  tn_error *error = read_declaration(parser);
  parser->depth--;
  if (error != NULL) return error;
  parser->lexer = saved;
  *found = tn_map_has(&parser->scope->types, name);
  return NULL;
}

/* Goes behind a declaration that was read ahead. It was well-formed then. */
static tn_error *skip_declaration(tn_wit_parser *parser) {
  bool more;
  return index_declaration(parser, &more);
}

tn_error *tn_wit_parse_types(tn_wit_scope *scope, tn_str text) {
  tn_wit_parser parser;
  tn_wit_parser_start(&parser, scope, text);
  parser.is_declarations = true;
  while (true) {
    TN_TRY(skip_gates(&parser));
    if (tn_wit_at(&parser, TN_WIT_END)) return NULL;
    if (was_read(&parser, parser.lexer.token.start)) {
      TN_TRY(skip_declaration(&parser));
    } else {
      TN_TRY(read_declaration(&parser));
    }
  }
}
