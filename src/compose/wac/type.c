/* From the syntax tree of WIT to types. */
#include "compose/wac/parts.h"

static tn_error *not_a_type(const tn_wac *wac, tn_wit_word name, const tn_compose_item *item,
                            const char *wanted) {
  return tn_wac_wrong_kind(wac, name, item, wanted);
}

/* ---- type expressions ----------------------------------------------------------------------------------- */

static tn_error *find_type(tn_wac *wac, tn_wit_word name, const char *wanted,
                           tn_compose_type **out) {
  const tn_wac_entry *entry;
  TN_TRY(tn_wac_find(wac, wac->scope, name, &entry));
  if (entry->item.sort != TN_SORT_TYPE) return not_a_type(wac, name, &entry->item, wanted);
  *out = entry->item.type;
  return NULL;
}

static tn_error *new_handle(tn_wac *wac, tn_ast_type_kind kind, tn_compose_type *resource,
                            tn_compose_type **out) {
  *out = tn_compose_type_new(wac->types, kind);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->element = resource;
  return NULL;
}

static tn_error *named_type(tn_wac *wac, tn_wit_word name, tn_compose_type **out) {
  TN_TRY(find_type(wac, name, "a type of values", out));
  const tn_compose_type *root = tn_compose_root(*out);
  if (root->kind == TN_AST_RESOURCE) return new_handle(wac, TN_AST_OWN, *out, out);
  if (root->kind < TN_AST_FUNC) return NULL;
  return not_a_type(wac, name, &(tn_compose_item){.sort = TN_SORT_TYPE, .type = *out},
                    "a type of values");
}

static tn_error *handle_type(tn_wac *wac, const tn_wit_type_expression *expression,
                             tn_compose_type **out) {
  tn_compose_type *resource;
  bool is_own = expression->kind == TN_WIT_KIND_OWN;
  TN_TRY(find_type(wac, expression->name, "a resource", &resource));
  if (tn_compose_root(resource)->kind != TN_AST_RESOURCE)
    return not_a_type(wac, expression->name,
                      &(tn_compose_item){.sort = TN_SORT_TYPE, .type = resource}, "a resource");
  return new_handle(wac, is_own ? TN_AST_OWN : TN_AST_BORROW, resource, out);
}

static tn_error *part_type(tn_wac *wac, const tn_wit_type_expression *expression,
                           tn_compose_type **out) {
  *out = NULL;
  return expression == NULL ? NULL : tn_wac_type(wac, expression, out);
}

static tn_error *duplicate(const tn_wac *wac, tn_wit_word name, const char *what) {
  return tn_wac_error(wac, name.offset, "%s `%" TN_STR_FORMAT "` is there twice", what,
                      TN_STR_ARG(name.text));
}

/* Fields, cases, labels, elements, parameters; the first `first` members are there already. */
static tn_error *member_types(tn_wac *wac, const tn_wit_fields *fields, const char *what,
                              uint32_t first, tn_compose_type *type) {
  tn_map names = {0};
  tn_arena *arena = wac->graph->arena;
  tn_compose_member *members = TN_ARENA_ARRAY(arena, tn_compose_member, first + fields->len);
  if (members == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < first; i++)
    members[i] = type->members[i];
  for (uint32_t i = 0; i < fields->len; i++) {
    const tn_wit_field *field = &fields->items[i];
    members[first + i].label = field->name.text;
    TN_TRY(part_type(wac, field->type, &members[first + i].type));
    if (field->name.text.data == NULL) continue;
    if (tn_map_has(&names, field->name.text)) return duplicate(wac, field->name, what);
    if (!tn_map_put(arena, &names, field->name.text, members)) return tn_error_no_memory();
  }
  type->members = members;
  type->member_count = first + fields->len;
  return NULL;
}

static const tn_ast_type_kind kinds[] = {
    [TN_WIT_KIND_LIST] = TN_AST_LIST,     [TN_WIT_KIND_FIXED_LIST] = TN_AST_FIXED_LIST,
    [TN_WIT_KIND_MAP] = TN_AST_MAP,       [TN_WIT_KIND_OPTION] = TN_AST_OPTION,
    [TN_WIT_KIND_RESULT] = TN_AST_RESULT, [TN_WIT_KIND_TUPLE] = TN_AST_TUPLE,
    [TN_WIT_KIND_RECORD] = TN_AST_RECORD, [TN_WIT_KIND_VARIANT] = TN_AST_VARIANT,
    [TN_WIT_KIND_ENUM] = TN_AST_ENUM,     [TN_WIT_KIND_FLAGS] = TN_AST_FLAGS,
    [TN_WIT_KIND_STREAM] = TN_AST_STREAM, [TN_WIT_KIND_FUTURE] = TN_AST_FUTURE,
};

static const char *const member_names[TN_WIT_KIND_FUTURE + 1] =
    {
        [TN_WIT_KIND_RECORD] = "field",  [TN_WIT_KIND_VARIANT] = "case",
        [TN_WIT_KIND_ENUM] = "case",     [TN_WIT_KIND_FLAGS] = "flag",
        [TN_WIT_KIND_TUPLE] = "element", /* the others have no members */
};

static tn_error *made_type(tn_wac *wac, const tn_wit_type_expression *expression,
                           tn_compose_type **out) {
  tn_compose_type *type = tn_compose_type_new(wac->types, kinds[expression->kind]);
  if (type == NULL) return tn_error_no_memory();
  type->length = expression->length;
  TN_TRY(part_type(wac, expression->element, &type->element));
  TN_TRY(part_type(wac, expression->error, &type->error));
  TN_TRY(part_type(wac, expression->key, &type->key));
  TN_TRY(member_types(wac, &expression->fields, member_names[expression->kind], 0, type));
  *out = type;
  return NULL;
}

/* The parser bounds how deep they nest. */
tn_error *tn_wac_type(tn_wac *wac, const tn_wit_type_expression *expression,
                      tn_compose_type **out) {
  TN_TRY(tn_compose_spend(wac->types));
  switch (expression->kind) {
  case TN_WIT_KIND_PRIMITIVE:
    *out = &wac->types->primitives[expression->primitive];
    return NULL;
  case TN_WIT_KIND_ALIAS:
    return named_type(wac, expression->name, out);
  case TN_WIT_KIND_OWN:
  case TN_WIT_KIND_BORROW:
    return handle_type(wac, expression, out);
  default:
    return made_type(wac, expression, out);
  }
}

/* ---- functions ------------------------------------------------------------------------------------------ */

static tn_error *find_borrow(tn_wac *wac, const tn_compose_type *type, bool *found) {
  if (type == NULL || *found) return NULL;
  const tn_compose_type *root = tn_compose_root(type);
  TN_TRY(tn_compose_spend(wac->types));
  *found = root->kind == TN_AST_BORROW;
  if (root->kind == TN_AST_OWN || root->kind == TN_AST_RESOURCE) return NULL;
  for (uint32_t i = 0; i < root->member_count; i++)
    TN_TRY(find_borrow(wac, root->members[i].type, found));
  TN_TRY(find_borrow(wac, root->element, found));
  TN_TRY(find_borrow(wac, root->error, found));
  return find_borrow(wac, root->key, found);
}

static tn_error *result_type(tn_wac *wac, const tn_wit_function_expression *expression,
                             tn_wit_function_kind kind, tn_compose_type *resource,
                             tn_compose_type **out) {
  bool has_borrow = false;
  if (expression->result == NULL && kind == TN_WIT_CONSTRUCTOR)
    return new_handle(wac, TN_AST_OWN, resource, out);
  TN_TRY(part_type(wac, expression->result, out));
  if (*out != NULL && tn_compose_root(*out)->kind != TN_AST_BORROW)
    TN_TRY(find_borrow(wac, *out, &has_borrow));
  has_borrow |= *out != NULL && tn_compose_root(*out)->kind == TN_AST_BORROW;
  if (!has_borrow) return NULL;
  return tn_wac_error(wac, expression->result->offset,
                      "the result of a function cannot contain a borrow");
}

tn_error *tn_wac_function_type(tn_wac *wac, const tn_wit_function_expression *expression,
                               tn_wit_function_kind kind, tn_compose_type *resource,
                               tn_compose_type **out) {
  tn_compose_member self = {.label = TN_STR("self")};
  tn_compose_type *type = tn_compose_type_new(wac->types, TN_AST_FUNC);
  if (type == NULL) return tn_error_no_memory();
  type->is_async = expression->is_async;
  type->members = &self;
  bool has_self = kind == TN_WIT_METHOD;
  if (has_self) TN_TRY(new_handle(wac, TN_AST_BORROW, resource, &self.type));
  TN_TRY(member_types(wac, &expression->params, "parameter", has_self, type));
  TN_TRY(result_type(wac, expression, kind, resource, &type->element));
  *out = type;
  return NULL;
}

tn_error *tn_wac_function(tn_wac *wac, tn_compose_type **out) {
  const tn_wit_function_expression *expression;
  TN_TRY(tn_wit_reader_function(&wac->reader, &expression));
  return tn_wac_function_type(wac, expression, TN_WIT_FREE_FUNCTION, NULL, out);
}

/* ---- declarations --------------------------------------------------------------------------------------- */

static bool at_function(const tn_wac *wac) {
  return tn_wit_reader_at_keyword(&wac->reader, TN_WIT_FUNC) ||
         tn_wit_reader_at_keyword(&wac->reader, TN_WIT_ASYNC);
}

/* `type b = a;` gives `a` another name; only what has no type index becomes a type of its own. */
static tn_error *alias_type(tn_wac *wac, const tn_wit_type_expression *expression,
                            tn_compose_type **out) {
  if (expression->kind == TN_WIT_KIND_ALIAS) {
    TN_TRY(find_type(wac, expression->name, "a type", out));
    const tn_compose_type *root = tn_compose_root(*out);
    if (root->kind <= TN_AST_FUNC || root->kind == TN_AST_RESOURCE) return NULL;
    return not_a_type(wac, expression->name, &(tn_compose_item){.sort = TN_SORT_TYPE, .type = *out},
                      "something that can have another name");
  }
  TN_TRY(tn_wac_type(wac, expression, out));
  if ((*out)->kind != TN_AST_PRIMITIVE) return NULL;
  tn_compose_type *type = tn_compose_type_new(wac->types, TN_AST_PRIMITIVE);
  if (type == NULL) return tn_error_no_memory();
  type->primitive = (*out)->primitive;
  *out = type;
  return NULL;
}

/* type a = func(); type a = b; */
static tn_error *alias_declaration(tn_wac *wac, tn_wit_word *name, tn_compose_type **out) {
  tn_wit_type_expression *expression;
  tn_wit_lexer_advance(&wac->reader.lexer);
  TN_TRY(tn_wac_name(wac, "a name", name));
  TN_TRY(tn_wit_reader_expect(&wac->reader, '=', "'='"));
  if (at_function(wac)) {
    TN_TRY(tn_wac_function(wac, out));
  } else {
    TN_TRY(tn_wit_reader_type(&wac->reader, &expression));
    TN_TRY(alias_type(wac, expression, out));
  }
  return tn_wit_reader_expect(&wac->reader, ';', "';'");
}

static tn_str function_name(const tn_wac *wac, tn_str resource, const tn_wit_item_syntax *item) {
  static const char *const prefixes[] = {[TN_WIT_METHOD] = "[method]",
                                         [TN_WIT_STATIC_FUNCTION] = "[static]",
                                         [TN_WIT_CONSTRUCTOR] = "[constructor]"};
  bool has_name = item->function_kind != TN_WIT_CONSTRUCTOR;
  return tn_arena_format(wac->graph->arena, "%s%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
                         prefixes[item->function_kind], TN_STR_ARG(resource), has_name ? "." : "",
                         (int)(has_name ? item->declaration.name.len : 0),
                         item->declaration.name.data);
}

static tn_error *check_twice(const tn_wac *wac, tn_map *names, const tn_wit_item_syntax *item,
                             tn_str resource) {
  bool is_constructor = item->function_kind == TN_WIT_CONSTRUCTOR;
  tn_str name = is_constructor ? TN_STR("") : item->declaration.name;
  tn_wit_word word = {is_constructor ? resource : name, item->declaration.place.offset};
  if (tn_map_has(names, name))
    return duplicate(wac, word, is_constructor ? "the constructor of" : "function");
  return tn_map_put(wac->graph->arena, names, name, names) ? NULL : tn_error_no_memory();
}

static tn_error *resource_functions(tn_wac *wac, const tn_wit_item_syntax *syntax,
                                    tn_compose_type *resource, tn_compose_items *functions) {
  tn_map names = {0};
  for (uint32_t i = 0; i < syntax->body.len; i++) {
    const tn_wit_item_syntax *function = &syntax->body.items[i];
    tn_compose_item item = {.sort = TN_SORT_FUNC};
    TN_TRY(check_twice(wac, &names, function, syntax->declaration.name));
    item.name = function_name(wac, syntax->declaration.name, function);
    if (item.name.data == NULL) return tn_error_no_memory();
    TN_TRY(tn_wac_function_type(wac, function->function, function->function_kind, resource,
                                &item.type));
    TN_TRY(tn_compose_items_add(wac->types, functions, &item));
  }
  return NULL;
}

/* Makes the name known, as a type of the interface or world being read. */
static tn_error *declare_type(tn_wac *wac, tn_compose_interface *home, tn_compose_items *items,
                              tn_wit_word name, tn_compose_type *type) {
  tn_compose_item item = {.name = name.text, .sort = TN_SORT_TYPE, .type = type};
  if (items == NULL) return NULL; /* types of the document are declared by their definition */
  TN_TRY(tn_wac_declare(wac, name, &item, NULL));
  if (tn_compose_items_get(items, name.text) != NULL) return duplicate(wac, name, "");
  if (type->name.data == NULL && type->kind != TN_AST_FUNC) {
    type->name = name.text;
    type->home = home;
  }
  return tn_compose_items_add(wac->types, items, &item);
}

static tn_error *resource_declaration(tn_wac *wac, const tn_wit_item_syntax *syntax,
                                      tn_wit_word name, tn_compose_interface *home,
                                      tn_compose_items *items, tn_compose_type **out) {
  *out = tn_compose_type_new(wac->types, TN_AST_RESOURCE);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->is_open = true;
  TN_TRY(declare_type(wac, home, items, name, *out));
  return resource_functions(wac, syntax, *out, items);
}

tn_error *tn_wac_type_declaration(tn_wac *wac, tn_compose_interface *home, tn_compose_items *items,
                                  tn_wit_word *name, tn_compose_type **out) {
  tn_wit_item_syntax syntax = {.declaration.place.source = wac->reader.source};
  if (tn_wit_reader_at_keyword(&wac->reader, TN_WIT_TYPE)) {
    TN_TRY(alias_declaration(wac, name, out));
    return declare_type(wac, home, items, *name, *out);
  }
  TN_TRY(tn_wit_reader_type_item(&wac->reader, &syntax));
  *name = (tn_wit_word){syntax.declaration.name, syntax.declaration.place.offset};
  if (syntax.type->kind == TN_WIT_KIND_RESOURCE)
    return resource_declaration(wac, &syntax, *name, home, items, out);
  TN_TRY(made_type(wac, syntax.type, out));
  return declare_type(wac, home, items, *name, *out);
}
