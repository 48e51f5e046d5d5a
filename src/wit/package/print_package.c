/* Packages as text that reads back to the same. WIT.md#top-level-items */
#include "component/type.h"
#include "wit/package/package.h"
#include "wit/package/syntax.h"
#include "wit/text.h"
#include "wit/wit.h"

enum { MAX_DEPTH = 200 /* of types without names; text has less, binaries may have more */ };

/* Invariant: `home` is the package whose names need no package in front. */
typedef struct printer {
  tn_buffer *out;
  const tn_wit_package *home;
  uint32_t indent;
  bool is_too_deep;
} printer;

/* ---- words ----------------------------------------------------------------------------------- */

static void put(printer *p, const char *text) {
  tn_buffer_append_text(p->out, text);
}

static void start_line(printer *p) {
  for (uint32_t i = 0; i < p->indent; i++)
    put(p, "  ");
}

static void put_name(printer *p, tn_str name) {
  tn_wit_print_name(p->out, name);
}

static void put_version(printer *p, tn_str version) {
  if (version.data == NULL) return;
  tn_buffer_append_byte(p->out, '@');
  tn_buffer_append_str(p->out, version);
}

static void put_package_words(printer *p, tn_wit_package_name name) {
  put_name(p, name.name_space);
  tn_buffer_append_byte(p->out, ':');
  put_name(p, name.name);
}

/* "c", or "a:b/c@1.0.0". */
static void put_path(printer *p, const tn_wit_interface *interface) {
  if (interface->package == p->home) {
    put_name(p, interface->declaration.name);
    return;
  }
  put_package_words(p, interface->package->name);
  tn_buffer_append_byte(p->out, '/');
  put_name(p, interface->declaration.name);
  put_version(p, interface->package->name.version);
}

/* Comments may come from a binary, with anything in them: what cannot stand in a file becomes
 * U+FFFD. */
static void put_comment_character(tn_buffer *out, uint32_t character) {
  bool is_bad =
      character != '\t' && character != '\r' && tn_wit_forbidden_character(character) != NULL;
  tn_text_print_utf8(out, is_bad ? 0xfffd : character);
}

static void put_docs(printer *p, tn_str docs) {
  if (docs.data == NULL) return;
  for (size_t start = 0; start <= docs.len;) {
    size_t end = tn_str_find(docs, '\n', start);
    tn_str line = tn_str_slice(docs, start, end);
    start_line(p);
    put(p, line.len == 0 ? "///" : "/// ");
    tn_text_print_characters(p->out, line, put_comment_character);
    tn_buffer_append_byte(p->out, '\n');
    start = end + 1;
  }
}

/* The text format of core WebAssembly's strings. */
static void put_string_character(tn_buffer *out, uint32_t character) {
  if (character == '"' || character == '\\') {
    tn_buffer_append_byte(out, '\\');
    tn_buffer_append_byte(out, (uint8_t)character);
  } else if (character < 0x20 || character > 0x7e) {
    tn_buffer_format(out, "\\u{%x}", (unsigned)character);
  } else {
    tn_buffer_append_byte(out, (uint8_t)character);
  }
}

static void put_gate_line(printer *p, const char *start, tn_str value) {
  if (value.data == NULL) return;
  start_line(p);
  put(p, start);
  tn_buffer_append_str(p->out, value);
  put(p, ")\n");
}

static void put_gates(printer *p, const tn_wit_declaration *declaration) {
  put_gate_line(p, "@since(version = ", declaration->gate.since);
  if (declaration->gate.feature.data != NULL) {
    start_line(p);
    put(p, "@unstable(feature = ");
    put_name(p, declaration->gate.feature);
    put(p, ")\n");
  }
  put_gate_line(p, "@deprecated(version = ", declaration->gate.deprecated);
  if (declaration->external_id.data == NULL) return;
  start_line(p);
  put(p, "@external-id(\"");
  tn_text_print_characters(p->out, declaration->external_id, put_string_character);
  put(p, "\")\n");
}

/* Comments and gates, and the start of the line behind them. */
static void put_front(printer *p, const tn_wit_declaration *declaration) {
  put_docs(p, declaration->docs);
  put_gates(p, declaration);
  start_line(p);
}

/* ---- types ----------------------------------------------------------------------------------- */

static void put_type(printer *p, const tn_wit_type *type, uint32_t depth);

static void put_arguments(printer *p, const char *keyword, const tn_wit_type *first,
                          const tn_wit_type *second, uint32_t depth) {
  put(p, keyword);
  if (first == NULL && second == NULL) return;
  tn_buffer_append_byte(p->out, '<');
  if (first == NULL) {
    tn_buffer_append_byte(p->out, '_');
  } else {
    put_type(p, first, depth);
  }
  if (second != NULL) {
    put(p, ", ");
    put_type(p, second, depth);
  }
  tn_buffer_append_byte(p->out, '>');
}

static void put_tuple(printer *p, const tn_wit_type *type, uint32_t depth) {
  put(p, "tuple<");
  for (uint32_t i = 0; i < type->member_count; i++) {
    if (i > 0) put(p, ", ");
    put_type(p, type->members[i].type, depth);
  }
  tn_buffer_append_byte(p->out, '>');
}

static void put_structural(printer *p, const tn_wit_type *type, uint32_t depth) {
  switch (type->kind) {
  case TN_WIT_KIND_LIST:
    put_arguments(p, "list", type->element, NULL, depth);
    break;
  case TN_WIT_KIND_FIXED_LIST:
    put(p, "list<");
    put_type(p, type->element, depth);
    tn_buffer_format(p->out, ", %u>", type->length);
    break;
  case TN_WIT_KIND_MAP:
    put_arguments(p, "map", type->key, type->element, depth);
    break;
  case TN_WIT_KIND_OPTION:
    put_arguments(p, "option", type->element, NULL, depth);
    break;
  case TN_WIT_KIND_RESULT:
    put_arguments(p, "result", type->element, type->error, depth);
    break;
  case TN_WIT_KIND_TUPLE:
    put_tuple(p, type, depth);
    break;
  case TN_WIT_KIND_STREAM:
    put_arguments(p, "stream", type->element, NULL, depth);
    break;
  case TN_WIT_KIND_FUTURE:
    put_arguments(p, "future", type->element, NULL, depth);
    break;
  case TN_WIT_KIND_BORROW:
    put_arguments(p, "borrow", type->element, NULL, depth);
    break;
  default: /* OWN: the name of the resource alone */
    put_type(p, type->element, depth);
    break;
  }
}

static void put_type(printer *p, const tn_wit_type *type, uint32_t depth) {
  if (type->declaration.name.data != NULL) {
    put_name(p, type->declaration.name);
  } else if (type->kind == TN_WIT_KIND_PRIMITIVE) {
    put(p, tn_primitive_name(type->primitive));
  } else if (depth == MAX_DEPTH) {
    p->is_too_deep = true;
  } else {
    put_structural(p, type, depth + 1);
  }
}

/* ---- functions ------------------------------------------------------------------------------- */

/* "(a: u32) -> string"; `skipped` parameters are left out. */
static void put_signature(printer *p, const tn_wit_function *function, uint32_t skipped,
                          const tn_wit_type *result) {
  tn_buffer_append_byte(p->out, '(');
  for (uint32_t i = skipped; i < function->param_count; i++) {
    if (i > skipped) put(p, ", ");
    put_name(p, function->params[i].name);
    put(p, ": ");
    put_type(p, function->params[i].type, 0);
  }
  tn_buffer_append_byte(p->out, ')');
  if (result == NULL) return;
  put(p, " -> ");
  put_type(p, result, 0);
}

static void put_function_type(printer *p, const tn_wit_function *function, uint32_t skipped) {
  put(p, function->is_async ? "async func" : "func");
  put_signature(p, function, skipped, function->result);
}

/* One function of a resource. */
static void put_resource_function(printer *p, const tn_wit_function *function) {
  put_front(p, &function->declaration);
  if (function->kind == TN_WIT_CONSTRUCTOR) {
    bool is_plain = function->result->kind == TN_WIT_KIND_OWN;
    put(p, "constructor");
    put_signature(p, function, 0, is_plain ? NULL : function->result);
  } else {
    put_name(p, function->declaration.name);
    put(p, function->kind == TN_WIT_STATIC_FUNCTION ? ": static " : ": ");
    put_function_type(p, function, function->kind == TN_WIT_METHOD ? 1 : 0);
  }
  put(p, ";\n");
}

static void put_function(printer *p, const tn_wit_function *function) {
  put_front(p, &function->declaration);
  put_name(p, function->declaration.name);
  put(p, ": ");
  put_function_type(p, function, 0);
  put(p, ";\n");
}

/* ---- declarations of types ------------------------------------------------------------------- */

/* The functions of resources, wherever they are listed. */
typedef struct function_list {
  const tn_wit_function *const *functions; /* of an interface */
  const tn_wit_world_item *items;          /* of a world */
  uint32_t count;
} function_list;

static const tn_wit_function *function_at(const function_list *list, uint32_t index) {
  if (list->functions != NULL) return list->functions[index];
  const tn_wit_world_item *item = &list->items[index];
  return item->kind == TN_WIT_WORLD_FUNCTION ? item->function : NULL;
}

static void put_resource(printer *p, const tn_wit_type *type, const function_list *list) {
  bool is_open = false;
  put(p, "resource ");
  put_name(p, type->declaration.name);
  p->indent++;
  for (uint32_t i = 0; i < list->count; i++) {
    const tn_wit_function *function = function_at(list, i);
    if (function == NULL || function->resource != type) continue;
    if (!is_open) put(p, " {\n");
    is_open = true;
    put_resource_function(p, function);
  }
  p->indent--;
  if (is_open) start_line(p);
  put(p, is_open ? "}\n" : ";\n");
}

static void put_aggregate(printer *p, const char *keyword, const tn_wit_type *type) {
  put(p, keyword);
  put_name(p, type->declaration.name);
  put(p, " {\n");
  p->indent++;
  for (uint32_t i = 0; i < type->member_count; i++) {
    const tn_wit_member *member = &type->members[i];
    put_docs(p, member->docs);
    start_line(p);
    put_name(p, member->name);
    if (member->type != NULL) {
      put(p, type->kind == TN_WIT_KIND_RECORD ? ": " : "(");
      put_type(p, member->type, 0);
      if (type->kind == TN_WIT_KIND_VARIANT) put(p, ")");
    }
    put(p, ",\n");
  }
  p->indent--;
  start_line(p);
  put(p, "}\n");
}

/* type x = …; `own<r>` is spelled out here, as `r` alone would be another name for the resource. */
static void put_alias(printer *p, const tn_wit_type *type) {
  const tn_wit_type *element = type->kind == TN_WIT_KIND_ALIAS ? type->element : type;
  put(p, "type ");
  put_name(p, type->declaration.name);
  put(p, " = ");
  if (element == type) {
    put_structural(p, type, 0);
  } else if (element->kind == TN_WIT_KIND_OWN && element->declaration.name.data == NULL) {
    put_arguments(p, "own", element->element, NULL, 0);
  } else {
    put_type(p, element, 0);
  }
  put(p, ";\n");
}

static void put_declared_type(printer *p, const tn_wit_type *type, const function_list *list) {
  put_front(p, &type->declaration);
  switch (type->kind) {
  case TN_WIT_KIND_RECORD:
    put_aggregate(p, "record ", type);
    break;
  case TN_WIT_KIND_VARIANT:
    put_aggregate(p, "variant ", type);
    break;
  case TN_WIT_KIND_ENUM:
    put_aggregate(p, "enum ", type);
    break;
  case TN_WIT_KIND_FLAGS:
    put_aggregate(p, "flags ", type);
    break;
  case TN_WIT_KIND_RESOURCE:
    put_resource(p, type, list);
    break;
  default:
    put_alias(p, type);
    break;
  }
}

static bool same_text(tn_str a, tn_str b) {
  return (a.data == NULL) == (b.data == NULL) && tn_str_equal(a, b);
}

/* Whether two names can be brought in by one `use`. */
static bool same_use(const tn_wit_type *a, const tn_wit_type *b) {
  const tn_wit_declaration *x = &a->declaration;
  const tn_wit_declaration *y = &b->declaration;
  return b->is_use && a->element->interface == b->element->interface &&
         same_text(x->docs, y->docs) && same_text(x->gate.since, y->gate.since) &&
         same_text(x->gate.feature, y->gate.feature) &&
         same_text(x->gate.deprecated, y->gate.deprecated) &&
         same_text(x->external_id, y->external_id);
}

/* use a:b/c.{d, e as f}; for the types from `first` on that fit into it; returns the one behind
 * them. */
static uint32_t put_use(printer *p, tn_wit_type *const *types, uint32_t count, uint32_t first) {
  uint32_t at = first;
  put_front(p, &types[first]->declaration);
  put(p, "use ");
  put_path(p, types[first]->element->interface);
  put(p, ".{");
  do {
    if (at > first) put(p, ", ");
    put_name(p, types[at]->element->declaration.name);
    if (!tn_str_equal(types[at]->element->declaration.name, types[at]->declaration.name)) {
      put(p, " as ");
      put_name(p, types[at]->declaration.name);
    }
    at++;
  } while (at < count && same_use(types[first], types[at]));
  put(p, "};\n");
  return at;
}

/* An empty line between things that are not the first of their block. */
static void put_gap(printer *p, bool *is_first) {
  if (!*is_first) tn_buffer_append_byte(p->out, '\n');
  *is_first = false;
}

static void put_types(printer *p, tn_wit_type *const *types, uint32_t count,
                      const function_list *list, bool *is_first) {
  bool after_use = false;
  for (uint32_t i = 0; i < count;) {
    bool is_use = types[i]->is_use;
    if (!is_use || !after_use) put_gap(p, is_first);
    after_use = is_use;
    if (is_use) {
      i = put_use(p, types, count, i);
    } else {
      put_declared_type(p, types[i++], list);
    }
  }
}

/* ---- interfaces and worlds ------------------------------------------------------------------- */

/* "{ … }" */
static void put_interface_body(printer *p, const tn_wit_interface *interface) {
  bool is_first = true;
  function_list list = {.functions = (const tn_wit_function *const *)interface->functions.items,
                        .count = interface->functions.len};
  put(p, "{\n");
  p->indent++;
  put_types(p, interface->types.items, interface->types.len, &list, &is_first);
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    if (interface->functions.items[i]->resource != NULL) continue;
    put_gap(p, &is_first);
    put_function(p, interface->functions.items[i]);
  }
  p->indent--;
  start_line(p);
  put(p, "}\n");
}

static void put_world_item(printer *p, const char *keyword, const tn_wit_world_item *item) {
  put_front(p, &item->declaration);
  put(p, keyword);
  if (item->kind == TN_WIT_WORLD_FUNCTION) {
    put_name(p, item->name);
    put(p, ": ");
    put_function_type(p, item->function, 0);
  } else if (item->interface->declaration.name.data == NULL) {
    put_name(p, item->name);
    put(p, ": interface ");
    put_interface_body(p, item->interface);
    return;
  } else {
    if (item->declaration.name.data != NULL) {
      put_name(p, item->declaration.name);
      put(p, ": ");
    }
    put_path(p, item->interface);
  }
  put(p, ";\n");
}

/* Whether an item stands in a line of its own: types are printed apart, with the functions of
 * resources within. */
static bool is_item_line(const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_TYPE) return false;
  return item->kind != TN_WIT_WORLD_FUNCTION || item->function->resource == NULL;
}

static void put_items(printer *p, const char *keyword, const tn_wit_world_item *items,
                      uint32_t count, tn_wit_world_item_kind kind, bool *is_first) {
  bool is_start = true;
  for (uint32_t i = 0; i < count; i++) {
    if (!is_item_line(&items[i]) || items[i].kind != kind) continue;
    if (is_start) put_gap(p, is_first);
    is_start = false;
    put_world_item(p, keyword, &items[i]);
  }
}

static void put_world(printer *p, const tn_wit_world *world) {
  bool is_first = true;
  function_list list = {.items = world->imports.items, .count = world->imports.len};
  put_front(p, &world->declaration);
  put(p, "world ");
  put_name(p, world->declaration.name);
  put(p, " {\n");
  p->indent++;
  put_items(p, "import ", world->imports.items, world->imports.len, TN_WIT_WORLD_INTERFACE,
            &is_first);
  put_types(p, world->types.items, world->types.len, &list, &is_first);
  put_items(p, "import ", world->imports.items, world->imports.len, TN_WIT_WORLD_FUNCTION,
            &is_first);
  put_items(p, "export ", world->exports.items, world->exports.len, TN_WIT_WORLD_FUNCTION,
            &is_first);
  put_items(p, "export ", world->exports.items, world->exports.len, TN_WIT_WORLD_INTERFACE,
            &is_first);
  p->indent--;
  start_line(p);
  put(p, "}\n");
}

/* ---- packages -------------------------------------------------------------------------------- */

static void put_definitions(printer *p, const tn_wit_package *package, bool is_first) {
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    const tn_wit_interface *interface = package->interfaces.items[i];
    put_gap(p, &is_first);
    put_front(p, &interface->declaration);
    put(p, "interface ");
    put_name(p, interface->declaration.name);
    put(p, " ");
    put_interface_body(p, interface);
  }
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    put_gap(p, &is_first);
    put_world(p, package->worlds.items[i]);
  }
}

static void put_package_name(printer *p, const tn_wit_package *package) {
  put_docs(p, package->docs);
  put(p, "package ");
  put_package_words(p, package->name);
  put_version(p, package->name.version);
}

/* package a:b { … } */
static void put_nested(printer *p, const tn_wit_package *package) {
  p->home = package;
  put(p, "\n");
  put_package_name(p, package);
  put(p, " {\n");
  p->indent++;
  put_definitions(p, package, true);
  p->indent--;
  put(p, "}\n");
}

static tn_error *finish(const printer *p) {
  if (p->out->failed) return tn_error_no_memory();
  return p->is_too_deep ? tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply to be printed")
                        : NULL;
}

tn_error *tn_wit_print_package(tn_buffer *out, const tn_wit_set *set, const tn_wit_package *package,
                               bool with_dependencies) {
  printer p = {.out = out, .home = package};
  put_package_name(&p, package);
  put(&p, ";\n");
  put_definitions(&p, package, false);
  for (uint32_t i = 0; i < set->packages.len && with_dependencies; i++) {
    if (set->packages.items[i] != package) put_nested(&p, set->packages.items[i]);
  }
  return finish(&p);
}

tn_error *tn_wit_print_type_name(tn_buffer *out, const tn_wit_type *type) {
  printer p = {.out = out};
  put_type(&p, type, 0);
  return finish(&p);
}

tn_error *tn_wit_print_function_type(tn_buffer *out, const tn_wit_function *function) {
  printer p = {.out = out};
  put_function_type(&p, function, 0);
  return finish(&p);
}
