/* Type expressions and function signatures. WIT.md#types, WIT.md#wit-functions */
#include "wit/parser.h"

#include <strings.h>

void tn_wit_parser_start(tn_wit_parser *parser, tn_wit_scope *scope, tn_str text) {
  *parser = (tn_wit_parser){.scope = scope};
  tn_wit_lexer_start(&parser->lexer, text, 0);
}

/* ---- tokens ----------------------------------------------------------------------------------- */

tn_error *tn_wit_error(const tn_wit_parser *parser, size_t offset, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_text_verror(parser->lexer.text, offset, format, arguments);
  va_end(arguments);
  return error;
}

tn_error *tn_wit_expected(const tn_wit_parser *parser, const char *what) {
  enum { SHOWN = 40 };
  const tn_wit_token *token = &parser->lexer.token;
  if (token->kind == TN_WIT_END)
    return tn_wit_error(parser, token->start, "expected %s but the text ends", what);
  if (token->kind == TN_WIT_BAD) return tn_wit_error(parser, token->start, "%s", token->problem);
  tn_str shown = tn_str_slice(token->text, 0, SHOWN);
  return tn_wit_error(parser, token->start, "expected %s but found '%" TN_STR_FORMAT "'", what,
                      TN_STR_ARG(shown));
}

bool tn_wit_accept(tn_wit_parser *parser, uint32_t kind) {
  if (parser->lexer.token.kind != kind) return false;
  tn_wit_lexer_advance(&parser->lexer);
  return true;
}

tn_error *tn_wit_expect(tn_wit_parser *parser, uint32_t kind, const char *what) {
  return tn_wit_accept(parser, kind) ? NULL : tn_wit_expected(parser, what);
}

tn_error *tn_wit_expect_name(tn_wit_parser *parser, const char *what, tn_str *out) {
  const tn_wit_token *token = &parser->lexer.token;
  if (token->kind != TN_WIT_NAME) return tn_wit_expected(parser, what);
  if (token->keyword != TN_WIT_NO_KEYWORD) {
    return tn_wit_error(parser, token->start,
                        "expected %s but found the keyword '%" TN_STR_FORMAT
                        "' (a name like it is written %%%" TN_STR_FORMAT ")",
                        what, TN_STR_ARG(token->text), TN_STR_ARG(token->text));
  }
  *out = token->text;
  tn_wit_lexer_advance(&parser->lexer);
  return NULL;
}

/* ---- members ---------------------------------------------------------------------------------- */

typedef struct member {
  tn_str label;
  const tn_type *type;
} member;

typedef TN_VEC(member) member_list;

/* Names have to differ in more than case. Quadratic, but TN_WIT_MAX_MEMBERS bounds it and most pairs differ
 * in length or first letter. WIT.md#wit-interfaces */
static bool has_label(const member_list *list, tn_str label) {
  for (uint32_t i = 0; i < list->len; i++) {
    tn_str other = list->items[i].label;
    if (other.len == label.len && ((other.data[0] ^ label.data[0]) & ~0x20) == 0 &&
        strncasecmp(other.data, label.data, label.len) == 0)
      return true;
  }
  return false;
}

static tn_error *read_member(tn_wit_parser *parser, tn_wit_member_style style, member_list *list) {
  size_t start = parser->lexer.token.start;
  member read = {0};
  TN_TRY(
      tn_wit_expect_name(parser, style == TN_WIT_FIELDS ? "a name" : "a case name", &read.label));
  if (has_label(list, read.label)) {
    return tn_wit_error(parser, start, "'%" TN_STR_FORMAT "' is there twice",
                        TN_STR_ARG(read.label));
  }
  if (list->len == TN_WIT_MAX_MEMBERS) {
    return tn_wit_error(parser, start, "more than %d members", TN_WIT_MAX_MEMBERS);
  }
  if (style == TN_WIT_FIELDS) {
    TN_TRY(tn_wit_expect(parser, ':', "':'"));
    TN_TRY(tn_wit_read_type(parser, &read.type));
  } else if (style == TN_WIT_CASES && tn_wit_accept(parser, '(')) {
    TN_TRY(tn_wit_read_type(parser, &read.type));
    TN_TRY(tn_wit_expect(parser, ')', "')'"));
  }
  member *slot = TN_VEC_PUSH(parser->scope->arena, list);
  if (slot == NULL) return tn_error_no_memory();
  *slot = read;
  return NULL;
}

static tn_error *take_members(tn_wit_parser *parser, tn_wit_member_style style,
                              const member_list *list, tn_wit_members *out) {
  tn_arena *arena = parser->scope->arena;
  *out = (tn_wit_members){.count = list->len};
  if (list->len == 0) return NULL;
  tn_str *labels = TN_ARENA_ARRAY(arena, tn_str, list->len);
  if (labels == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < list->len; i++)
    labels[i] = list->items[i].label;
  out->labels = labels;
  if (style == TN_WIT_LABELS) return NULL;
  const tn_type **types = TN_ARENA_ARRAY(arena, const tn_type *, list->len);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < list->len; i++)
    types[i] = list->items[i].type;
  out->types = types;
  return NULL;
}

tn_error *tn_wit_read_members(tn_wit_parser *parser, tn_wit_member_style style, char close,
                              tn_wit_members *out) {
  const char *what = close == ')' ? "',' or ')'" : "',' or '}'";
  member_list list = {0};
  while (!tn_wit_accept(parser, (uint8_t)close)) {
    TN_TRY(read_member(parser, style, &list));
    if (tn_wit_accept(parser, ',')) continue;
    TN_TRY(tn_wit_expect(parser, (uint8_t)close, what));
    break;
  }
  return take_members(parser, style, &list, out);
}

/* ---- types ------------------------------------------------------------------------------------ */

/* Says where in the text a type stands that cannot be completed. Takes the error over; NULL stays NULL. */
static tn_error *place_error(const tn_wit_parser *parser, size_t start, tn_error *error) {
  if (error == NULL || tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
  tn_error *placed = tn_wit_error(parser, start, "%s", tn_error_get_message(error));
  tn_error_delete(error);
  return placed;
}

tn_error *tn_wit_finish_type(tn_wit_parser *parser, size_t start, tn_type *type,
                             const tn_type **out) {
  TN_TRY(place_error(parser, start, tn_type_finish(parser->scope->arena, type)));
  *out = type;
  return NULL;
}

/* A type of up to two arguments. */
static tn_error *new_type(tn_wit_parser *parser, tn_type_kind kind, uint32_t count,
                          const tn_type *first, const tn_type *second, tn_type **out) {
  tn_type *type = TN_ARENA_NEW(parser->scope->arena, tn_type);
  const tn_type **types = TN_ARENA_ARRAY(parser->scope->arena, const tn_type *, 2);
  if (type == NULL || types == NULL) return tn_error_no_memory();
  types[0] = first;
  types[1] = second;
  type->kind = kind;
  type->count = count;
  type->types = types;
  *out = type;
  return NULL;
}

static tn_error *expect_less(tn_wit_parser *parser) {
  return tn_wit_expect(parser, '<', "'<'");
}

static tn_error *expect_greater(tn_wit_parser *parser) {
  return tn_wit_expect(parser, '>', "'>'");
}

/* The length in list<T, N>: [1-9][0-9]*, up to 2^32 - 1. */
static tn_error *read_length(tn_wit_parser *parser, uint32_t *out) {
  const tn_wit_token *token = &parser->lexer.token;
  if (token->kind != TN_WIT_INTEGER || token->text.data[0] == '0') {
    return tn_wit_expected(parser, "a length (1 or more)");
  }
  uint64_t length = tn_wit_token_number(token, UINT32_MAX);
  if (length > UINT32_MAX) return tn_wit_error(parser, token->start, "this length is too large");
  *out = (uint32_t)length;
  tn_wit_lexer_advance(&parser->lexer);
  return NULL;
}

static tn_error *read_list(tn_wit_parser *parser, tn_type **out) {
  const tn_type *element = NULL;
  uint32_t length = 0;
  TN_TRY(expect_less(parser));
  TN_TRY(tn_wit_read_type(parser, &element));
  bool is_fixed = tn_wit_accept(parser, ',');
  if (is_fixed) TN_TRY(read_length(parser, &length));
  TN_TRY(tn_wit_expect(parser, '>', is_fixed ? "'>'" : "',' or '>'"));
  TN_TRY(new_type(parser, is_fixed ? TN_TYPE_FIXED_LIST : TN_TYPE_LIST, 1, element, NULL, out));
  (*out)->length = length;
  return NULL;
}

static bool is_map_key(const tn_type *type) {
  return type->kind <= TN_TYPE_STRING && type->kind != TN_TYPE_F32 && type->kind != TN_TYPE_F64;
}

static tn_error *read_map(tn_wit_parser *parser, tn_type **out) {
  const tn_type *key = NULL;
  const tn_type *value = NULL;
  TN_TRY(expect_less(parser));
  size_t start = parser->lexer.token.start;
  TN_TRY(tn_wit_read_type(parser, &key));
  if (!is_map_key(key)) {
    return tn_wit_error(parser, start,
                        "the key of a map has to be a bool, an integer, a char or a string");
  }
  TN_TRY(tn_wit_expect(parser, ',', "','"));
  TN_TRY(tn_wit_read_type(parser, &value));
  TN_TRY(expect_greater(parser));
  return new_type(parser, TN_TYPE_MAP, 2, key, value, out);
}

static tn_error *read_tuple(tn_wit_parser *parser, tn_type **out) {
  TN_VEC(const tn_type *) elements = {0};
  TN_TRY(expect_less(parser));
  do {
    if (elements.len > 0 && tn_wit_at(parser, '>')) break; /* a comma behind the last one */
    if (elements.len == TN_WIT_MAX_MEMBERS) {
      return tn_wit_error(parser, parser->lexer.token.start, "more than %d members",
                          TN_WIT_MAX_MEMBERS);
    }
    const tn_type *element = NULL;
    TN_TRY(tn_wit_read_type(parser, &element));
    const tn_type **slot = TN_VEC_PUSH(parser->scope->arena, &elements);
    if (slot == NULL) return tn_error_no_memory();
    *slot = element;
  } while (tn_wit_accept(parser, ','));
  TN_TRY(tn_wit_expect(parser, '>', "',' or '>'"));
  TN_TRY(new_type(parser, TN_TYPE_TUPLE, elements.len, NULL, NULL, out));
  (*out)->types = elements.items;
  return NULL;
}

static tn_error *read_option(tn_wit_parser *parser, tn_type **out) {
  const tn_type *element = NULL;
  TN_TRY(expect_less(parser));
  TN_TRY(tn_wit_read_type(parser, &element));
  TN_TRY(expect_greater(parser));
  return new_type(parser, TN_TYPE_OPTION, 1, element, NULL, out);
}

/* result, result<T>, result<T, E>, result<_, E> */
static tn_error *read_result(tn_wit_parser *parser, tn_type **out) {
  const tn_type *ok = NULL;
  const tn_type *error = NULL;
  if (tn_wit_accept(parser, '<')) {
    bool needs_error = tn_wit_accept(parser, '_');
    if (!needs_error) TN_TRY(tn_wit_read_type(parser, &ok));
    if (needs_error) {
      TN_TRY(tn_wit_expect(parser, ',', "','"));
      TN_TRY(tn_wit_read_type(parser, &error));
    } else if (tn_wit_accept(parser, ',')) {
      TN_TRY(tn_wit_read_type(parser, &error));
    }
    TN_TRY(tn_wit_expect(parser, '>', error == NULL ? "',' or '>'" : "'>'"));
  }
  return new_type(parser, TN_TYPE_RESULT, 2, ok, error, out);
}

/* stream, stream<T>, future, future<T> */
static tn_error *read_channel(tn_wit_parser *parser, tn_type_kind kind, tn_type **out) {
  const tn_type *element = NULL;
  if (tn_wit_accept(parser, '<')) {
    size_t start = parser->lexer.token.start;
    TN_TRY(tn_wit_read_type(parser, &element));
    if (element->has_borrow) {
      return tn_wit_error(parser, start, "a borrow cannot be sent through a stream or future");
    }
    TN_TRY(expect_greater(parser));
  }
  return new_type(parser, kind, 1, element, NULL, out);
}

/* What is known as `name`, read ahead if it is declared further on; an error if it is nothing. */
static tn_error *find_name(tn_wit_parser *parser, tn_str name, size_t where) {
  if (tn_map_has(&parser->scope->types, name)) return NULL;
  bool found = false;
  if (parser->is_declarations) TN_TRY(tn_wit_read_ahead(parser, name, where, &found));
  if (found) return NULL;
  return tn_wit_error(parser, where, "there is no type '%" TN_STR_FORMAT "'", TN_STR_ARG(name));
}

static tn_error *read_handle(tn_wit_parser *parser, tn_type_kind kind, tn_type **out) {
  tn_str name;
  TN_TRY(expect_less(parser));
  size_t start = parser->lexer.token.start;
  TN_TRY(tn_wit_expect_name(parser, "the name of a resource", &name));
  TN_TRY(find_name(parser, name, start));
  const tn_resource *resource = tn_map_get(&parser->scope->resources, name);
  if (resource == NULL) {
    return tn_wit_error(parser, start, "'%" TN_STR_FORMAT "' is not a resource", TN_STR_ARG(name));
  }
  TN_TRY(expect_greater(parser));
  TN_TRY(new_type(parser, kind, 0, NULL, NULL, out));
  (*out)->resource = resource;
  return NULL;
}

static tn_error *read_constructor(tn_wit_parser *parser, tn_wit_keyword keyword, tn_type **out) {
  switch (keyword) {
  case TN_WIT_LIST:
    return read_list(parser, out);
  case TN_WIT_MAP:
    return read_map(parser, out);
  case TN_WIT_TUPLE:
    return read_tuple(parser, out);
  case TN_WIT_OPTION:
    return read_option(parser, out);
  case TN_WIT_RESULT:
    return read_result(parser, out);
  case TN_WIT_OWN:
    return read_handle(parser, TN_TYPE_OWN, out);
  case TN_WIT_BORROW:
    return read_handle(parser, TN_TYPE_BORROW, out);
  case TN_WIT_STREAM:
    return read_channel(parser, TN_TYPE_STREAM, out);
  default:
    return read_channel(parser, TN_TYPE_FUTURE, out);
  }
}

static bool is_constructor(tn_wit_keyword keyword) {
  return keyword >= TN_WIT_LIST && keyword <= TN_WIT_FUTURE;
}

tn_error *tn_wit_read_type(tn_wit_parser *parser, const tn_type **out) {
  tn_wit_token token = parser->lexer.token;
  if (token.kind != TN_WIT_NAME) return tn_wit_expected(parser, "a type");
  if (token.keyword == TN_WIT_NO_KEYWORD) {
    tn_wit_lexer_advance(&parser->lexer);
    TN_TRY(find_name(parser, token.text, token.start));
    *out = tn_map_get(&parser->scope->types, token.text);
    return NULL;
  }
  if (token.keyword <= TN_WIT_ERROR_CONTEXT) {
    tn_wit_lexer_advance(&parser->lexer);
    *out = tn_type_primitive((tn_type_kind)(token.keyword - TN_WIT_BOOL));
    return NULL;
  }
  if (!is_constructor(token.keyword)) return tn_wit_expected(parser, "a type");
  if (parser->depth == TN_WIT_MAX_DEPTH)
    return tn_wit_error(parser, token.start, "types are nested too deeply");
  parser->depth++;
  tn_wit_lexer_advance(&parser->lexer);
  tn_type *type = NULL;
  tn_error *error = read_constructor(parser, token.keyword, &type);
  parser->depth--;
  if (error != NULL) return error;
  return tn_wit_finish_type(parser, token.start, type, out);
}

static bool accept_keyword(tn_wit_parser *parser, tn_wit_keyword keyword) {
  if (parser->lexer.token.keyword != keyword) return false;
  tn_wit_lexer_advance(&parser->lexer);
  return true;
}

tn_error *tn_wit_read_func(tn_wit_parser *parser, const tn_func_type **out) {
  tn_func_type *type = TN_ARENA_NEW(parser->scope->arena, tn_func_type);
  if (type == NULL) return tn_error_no_memory();
  size_t start = parser->lexer.token.start;
  type->is_async = accept_keyword(parser, TN_WIT_ASYNC);
  if (!accept_keyword(parser, TN_WIT_FUNC)) return tn_wit_expected(parser, "'func'");
  TN_TRY(tn_wit_expect(parser, '(', "'('"));
  tn_wit_members params = {0};
  TN_TRY(tn_wit_read_members(parser, TN_WIT_FIELDS, ')', &params));
  type->param_count = params.count;
  type->param_names = params.labels;
  type->param_types = params.types;
  if (tn_wit_accept(parser, TN_WIT_ARROW)) {
    size_t result_start = parser->lexer.token.start;
    TN_TRY(tn_wit_read_type(parser, &type->result));
    if (type->result->has_borrow)
      return tn_wit_error(parser, result_start, "a function cannot return a borrow");
  }
  TN_TRY(place_error(parser, start, tn_func_type_finish(parser->scope->arena, type)));
  *out = type;
  return NULL;
}

static tn_error *expect_end(const tn_wit_parser *parser) {
  return tn_wit_at(parser, TN_WIT_END) ? NULL : tn_wit_expected(parser, "the end");
}

tn_error *tn_wit_parse_type(tn_wit_scope *scope, tn_str text, const tn_type **out) {
  tn_wit_parser parser;
  const tn_type *type = NULL;
  tn_wit_parser_start(&parser, scope, text);
  TN_TRY(tn_wit_read_type(&parser, &type));
  TN_TRY(expect_end(&parser));
  *out = type;
  return NULL;
}

tn_error *tn_wit_parse_func(tn_wit_scope *scope, tn_str text, const tn_func_type **out) {
  tn_wit_parser parser;
  const tn_func_type *type = NULL;
  tn_wit_parser_start(&parser, scope, text);
  TN_TRY(tn_wit_read_func(&parser, &type));
  TN_TRY(expect_end(&parser));
  *out = type;
  return NULL;
}
