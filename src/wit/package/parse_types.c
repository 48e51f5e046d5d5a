/* Type expressions, declarations of types, and functions. WIT.md#types, #items-type, #item-resource */
#include "base/nearest.h"
#include "wit/package/syntax.h"

static tn_error *new_type(tn_wit_reader *reader, tn_wit_type_kind kind, uint32_t offset,
                          tn_wit_type_expression **out) {
  *out = TN_ARENA_NEW(reader->arena, tn_wit_type_expression);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->kind = kind;
  (*out)->offset = offset;
  return NULL;
}

static tn_error *read_part(tn_wit_reader *reader, const tn_wit_type_expression **out) {
  tn_wit_type_expression *part = NULL;
  TN_TRY(tn_wit_reader_type(reader, &part));
  *out = part;
  return NULL;
}

static tn_error *expect_less(tn_wit_reader *reader) {
  return tn_wit_reader_expect(reader, '<', "'<'");
}

static tn_error *expect_greater(tn_wit_reader *reader) {
  return tn_wit_reader_expect(reader, '>', "'>'");
}

/* ---- type expressions ------------------------------------------------------------------------ */

/* The length in list<t, 4>: [1-9][0-9]* */
static tn_error *read_length(tn_wit_reader *reader, uint32_t *out) {
  enum { MAX_LENGTH = 1 << 30 };
  const tn_wit_token *token = &reader->lexer.token;
  if (token->kind != TN_WIT_INTEGER || token->text.data[0] == '0')
    return tn_wit_reader_expected(reader, "a length (1 or more)");
  uint64_t length = tn_wit_token_number(token, MAX_LENGTH);
  if (length > MAX_LENGTH)
    return tn_wit_place_error(tn_wit_reader_place(reader), "this length is too large");
  *out = (uint32_t)length;
  tn_wit_lexer_advance(&reader->lexer);
  return NULL;
}

static tn_error *read_list(tn_wit_reader *reader, tn_wit_type_expression *type) {
  TN_TRY(expect_less(reader));
  TN_TRY(read_part(reader, &type->element));
  if (tn_wit_reader_accept(reader, ',')) {
    type->kind = TN_WIT_KIND_FIXED_LIST;
    TN_TRY(read_length(reader, &type->length));
    return expect_greater(reader);
  }
  return tn_wit_reader_expect(reader, '>', "',' or '>'");
}

/* Which keys are possible is known only when names are looked up. */
static tn_error *read_map(tn_wit_reader *reader, tn_wit_type_expression *type) {
  TN_TRY(expect_less(reader));
  TN_TRY(read_part(reader, &type->key));
  TN_TRY(tn_wit_reader_expect(reader, ',', "','"));
  TN_TRY(read_part(reader, &type->element));
  return expect_greater(reader);
}

static tn_error *read_tuple(tn_wit_reader *reader, tn_wit_type_expression *type) {
  TN_TRY(expect_less(reader));
  do {
    if (type->fields.len > 0 && tn_wit_reader_at(reader, '>'))
      break; /* a comma behind the last one */
    tn_wit_field *field = TN_VEC_PUSH(reader->arena, &type->fields);
    if (field == NULL) return tn_error_no_memory();
    TN_TRY(read_part(reader, &field->type));
  } while (tn_wit_reader_accept(reader, ','));
  return tn_wit_reader_expect(reader, '>', "',' or '>'");
}

static tn_error *read_option(tn_wit_reader *reader, tn_wit_type_expression *type) {
  TN_TRY(expect_less(reader));
  TN_TRY(read_part(reader, &type->element));
  return expect_greater(reader);
}

/* result, result<t>, result<t, e>, result<_, e> */
static tn_error *read_result(tn_wit_reader *reader, tn_wit_type_expression *type) {
  if (!tn_wit_reader_accept(reader, '<')) return NULL;
  bool is_without = tn_wit_reader_accept(reader, '_');
  if (!is_without) TN_TRY(read_part(reader, &type->element));
  if (is_without && !tn_wit_reader_at(reader, ',')) return tn_wit_reader_expected(reader, "','");
  if (tn_wit_reader_accept(reader, ',')) {
    TN_TRY(read_part(reader, &type->error));
    return expect_greater(reader);
  }
  return tn_wit_reader_expect(reader, '>', "',' or '>'");
}

/* stream, stream<t>, future, future<t> */
static tn_error *read_channel(tn_wit_reader *reader, tn_wit_type_expression *type) {
  if (!tn_wit_reader_accept(reader, '<')) return NULL;
  TN_TRY(read_part(reader, &type->element));
  return expect_greater(reader);
}

static tn_error *read_handle(tn_wit_reader *reader, tn_wit_type_expression *type) {
  TN_TRY(expect_less(reader));
  TN_TRY(tn_wit_reader_word(reader, "the name of a resource", &type->name));
  return expect_greater(reader);
}

typedef struct constructor {
  tn_wit_type_kind kind;
  tn_error *(*read)(tn_wit_reader *, tn_wit_type_expression *);
} constructor;

/* By keyword; .read == NULL: not one that makes types of others. */
static const constructor constructors[TN_WIT_NO_KEYWORD + 1] = {
    [TN_WIT_LIST] = {TN_WIT_KIND_LIST, read_list},
    [TN_WIT_MAP] = {TN_WIT_KIND_MAP, read_map},
    [TN_WIT_TUPLE] = {TN_WIT_KIND_TUPLE, read_tuple},
    [TN_WIT_OPTION] = {TN_WIT_KIND_OPTION, read_option},
    [TN_WIT_RESULT] = {TN_WIT_KIND_RESULT, read_result},
    [TN_WIT_OWN] = {TN_WIT_KIND_OWN, read_handle},
    [TN_WIT_BORROW] = {TN_WIT_KIND_BORROW, read_handle},
    [TN_WIT_STREAM] = {TN_WIT_KIND_STREAM, read_channel},
    [TN_WIT_FUTURE] = {TN_WIT_KIND_FUTURE, read_channel},
};

static tn_error *read_constructed(tn_wit_reader *reader, const constructor *form,
                                  tn_wit_type_expression **out) {
  tn_wit_place place = tn_wit_reader_place(reader);
  if (reader->depth == TN_WIT_MAX_TYPE_DEPTH)
    return tn_wit_place_error(place, "types are nested too deeply");
  TN_TRY(new_type(reader, form->kind, place.offset, out));
  tn_wit_lexer_advance(&reader->lexer);
  reader->depth++;
  tn_error *error = form->read(reader, *out);
  reader->depth--;
  return error;
}

/* "lst<u8>" */
static tn_error *no_constructor(const tn_wit_reader *reader, const tn_wit_word *name) {
  static const char *const known[] = {"list", "map", "tuple",  "option", "result",
                                      "own",  "borrow", "stream", "future"};
  tn_str best = {0};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    best = tn_nearest_of(name->text, best, tn_str_from(known[i]));
  tn_wit_place place = {reader->source, name->offset};
  tn_error *error =
      tn_wit_place_error(place, "there is no type '%" TN_STR_FORMAT "' that takes others in '<…>'",
                         TN_STR_ARG(name->text));
  if (best.data == NULL) return error;
  return tn_error_set_hint(error, "did you mean '%" TN_STR_FORMAT "'?", TN_STR_ARG(best));
}

tn_error *tn_wit_reader_type(tn_wit_reader *reader, tn_wit_type_expression **out) {
  const tn_wit_token *token = &reader->lexer.token;
  if (token->kind != TN_WIT_NAME) return tn_wit_reader_expected(reader, "a type");
  if (token->keyword == TN_WIT_NO_KEYWORD) {
    TN_TRY(new_type(reader, TN_WIT_KIND_ALIAS, (uint32_t)token->start, out));
    TN_TRY(tn_wit_reader_word(reader, "a type", &(*out)->name));
    return tn_wit_reader_at(reader, '<') ? no_constructor(reader, &(*out)->name) : NULL;
  }
  if (token->keyword <= TN_WIT_ERROR_CONTEXT) {
    TN_TRY(new_type(reader, TN_WIT_KIND_PRIMITIVE, (uint32_t)token->start, out));
    (*out)->primitive = (tn_primitive)(token->keyword - TN_WIT_BOOL);
    tn_wit_lexer_advance(&reader->lexer);
    return NULL;
  }
  const constructor *form = &constructors[token->keyword];
  if (form->read == NULL) return tn_wit_reader_expected(reader, "a type");
  return read_constructed(reader, form, out);
}

/* ---- members --------------------------------------------------------------------------------- */

typedef enum member_style {
  LABELS, /* a, b */
  FIELDS, /* a: t, b: t */
  PARAMS, /* the same, without comments */
  CASES,  /* a, b(t) */
} member_style;

static tn_error *read_member(tn_wit_reader *reader, member_style style, tn_wit_fields *out) {
  tn_wit_field *field = TN_VEC_PUSH(reader->arena, out);
  if (field == NULL) return tn_error_no_memory();
  if (style != PARAMS) TN_TRY(tn_wit_reader_docs(reader, &field->docs));
  TN_TRY(tn_wit_reader_word(reader, "a name", &field->name));
  if (style == FIELDS || style == PARAMS) {
    TN_TRY(tn_wit_reader_expect(reader, ':', "':'"));
    return read_part(reader, &field->type);
  }
  if (style == LABELS || !tn_wit_reader_accept(reader, '(')) return NULL;
  TN_TRY(read_part(reader, &field->type));
  return tn_wit_reader_expect(reader, ')', "')'");
}

/* Up to and with the closing character. */
static tn_error *read_members(tn_wit_reader *reader, member_style style, char close,
                              tn_wit_fields *out) {
  const char *what = close == ')' ? "',' or ')'" : "',' or '}'";
  while (!tn_wit_reader_accept(reader, (uint8_t)close)) {
    TN_TRY(read_member(reader, style, out));
    if (tn_wit_reader_accept(reader, ',')) continue;
    return tn_wit_reader_expect(reader, (uint8_t)close, what);
  }
  return NULL;
}

/* ---- functions ------------------------------------------------------------------------------- */

/* "(a: u32) -> string" */
static tn_error *read_signature(tn_wit_reader *reader, tn_wit_function_expression *out) {
  TN_TRY(tn_wit_reader_expect(reader, '(', "'('"));
  TN_TRY(read_members(reader, PARAMS, ')', &out->params));
  if (!tn_wit_reader_accept(reader, TN_WIT_ARROW)) return NULL;
  if (tn_wit_reader_at(reader, '(')) {
    return tn_error_set_hint(tn_wit_reader_expected(reader, "a type"),
                             "a function has one result; several are a tuple<…> or a record");
  }
  return read_part(reader, &out->result);
}

tn_error *tn_wit_reader_function(tn_wit_reader *reader, const tn_wit_function_expression **out) {
  tn_wit_function_expression *function = TN_ARENA_NEW(reader->arena, tn_wit_function_expression);
  if (function == NULL) return tn_error_no_memory();
  function->is_async = tn_wit_reader_accept_keyword(reader, TN_WIT_ASYNC);
  if (!tn_wit_reader_accept_keyword(reader, TN_WIT_FUNC))
    return tn_wit_reader_expected(reader, "'func'");
  *out = function;
  return read_signature(reader, function);
}

static tn_error *read_constructor(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  tn_wit_function_expression *function = TN_ARENA_NEW(reader->arena, tn_wit_function_expression);
  if (function == NULL) return tn_error_no_memory();
  tn_wit_lexer_advance(&reader->lexer);
  item->function = function;
  item->function_kind = TN_WIT_CONSTRUCTOR;
  return read_signature(reader, function);
}

/* One function of a resource. WIT.md#item-resource */
static tn_error *read_resource_function(tn_wit_reader *reader, tn_wit_body *body) {
  tn_wit_item_syntax *item = TN_VEC_PUSH(reader->arena, body);
  if (item == NULL) return tn_error_no_memory();
  item->kind = TN_WIT_ITEM_FUNCTION;
  TN_TRY(tn_wit_reader_front(reader, &item->declaration));
  if (tn_wit_reader_at_keyword(reader, TN_WIT_CONSTRUCTOR_WORD)) {
    TN_TRY(read_constructor(reader, item));
  } else {
    tn_wit_word name;
    TN_TRY(tn_wit_reader_word(reader, "'constructor' or the name of a function", &name));
    item->declaration.name = name.text;
    TN_TRY(tn_wit_reader_expect(reader, ':', "':'"));
    bool is_static = tn_wit_reader_accept_keyword(reader, TN_WIT_STATIC);
    item->function_kind = is_static ? TN_WIT_STATIC_FUNCTION : TN_WIT_METHOD;
    TN_TRY(tn_wit_reader_function(reader, &item->function));
  }
  return tn_wit_reader_expect(reader, ';', "';'");
}

/* ---- declarations of types ------------------------------------------------------------------- */

static tn_error *read_resource_body(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  if (tn_wit_reader_accept(reader, ';')) return NULL;
  TN_TRY(tn_wit_reader_expect(reader, '{', "';' or '{'"));
  while (!tn_wit_reader_accept(reader, '}'))
    TN_TRY(read_resource_function(reader, &item->body));
  return NULL;
}

static tn_error *read_alias_body(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  TN_TRY(tn_wit_reader_expect(reader, '=', "'='"));
  TN_TRY(tn_wit_reader_type(reader, &item->type));
  return tn_wit_reader_expect(reader, ';', "';'");
}

/* record, variant, enum, flags: a component cannot have one without members.
 * Binary.md#type-definitions */
static tn_error *read_aggregate_body(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  member_style style = LABELS;
  if (item->type->kind == TN_WIT_KIND_RECORD) style = FIELDS;
  if (item->type->kind == TN_WIT_KIND_VARIANT) style = CASES;
  TN_TRY(tn_wit_reader_expect(reader, '{', "'{'"));
  TN_TRY(read_members(reader, style, '}', &item->type->fields));
  if (item->type->fields.len > 0) return NULL;
  return tn_wit_place_error(item->declaration.place,
                            "'%" TN_STR_FORMAT "' needs at least one member",
                            TN_STR_ARG(item->declaration.name));
}

bool tn_wit_reader_at_type_item(const tn_wit_reader *reader) {
  tn_wit_keyword keyword = reader->lexer.token.keyword;
  return keyword >= TN_WIT_TYPE && keyword <= TN_WIT_RESOURCE;
}

tn_error *tn_wit_reader_type_item(tn_wit_reader *reader, tn_wit_item_syntax *item) {
  static const tn_wit_type_kind kinds[] = {
      [TN_WIT_TYPE] = TN_WIT_KIND_ALIAS,      [TN_WIT_RECORD] = TN_WIT_KIND_RECORD,
      [TN_WIT_VARIANT] = TN_WIT_KIND_VARIANT, [TN_WIT_ENUM] = TN_WIT_KIND_ENUM,
      [TN_WIT_FLAGS] = TN_WIT_KIND_FLAGS,     [TN_WIT_RESOURCE] = TN_WIT_KIND_RESOURCE,
  };
  tn_wit_keyword keyword = reader->lexer.token.keyword;
  tn_wit_lexer_advance(&reader->lexer);
  tn_wit_word name;
  TN_TRY(tn_wit_reader_word(reader, "a name", &name));
  item->kind = TN_WIT_ITEM_TYPE;
  item->declaration.name = name.text;
  item->declaration.place.offset = name.offset;
  if (keyword == TN_WIT_TYPE) return read_alias_body(reader, item);
  TN_TRY(new_type(reader, kinds[keyword], name.offset, &item->type));
  return keyword == TN_WIT_RESOURCE ? read_resource_body(reader, item)
                                    : read_aggregate_body(reader, item);
}
