/* Packages as JSON. docs/wit-json.md. */
#include "wit/package/package.h"
#include "wit/text.h"

enum { MAX_DEPTH = 200 /* of types without names; text has less, binaries may have more */ };

/* Invariant: `needs_comma` says whether something stands before the next member of the innermost
 * object or array. */
typedef struct json {
  tn_buffer *out;
  bool needs_comma;
  bool is_too_deep;
  bool failed;    /* out of memory for a name */
  tn_arena arena; /* of the names of interfaces */
} json;

/* ---- the form -------------------------------------------------------------------------------- */

static void comma(json *j) {
  if (j->needs_comma) tn_buffer_append_byte(j->out, ',');
  j->needs_comma = true;
}

static void open(json *j, char bracket) {
  tn_buffer_append_byte(j->out, (uint8_t)bracket);
  j->needs_comma = false;
}

static void close(json *j, char bracket) {
  tn_buffer_append_byte(j->out, (uint8_t)bracket);
  j->needs_comma = true;
}

/* The name of a member, its value is to follow. */
static void key(json *j, const char *name) {
  comma(j);
  tn_buffer_format(j->out, "\"%s\":", name);
}

static void put_text(json *j, tn_str text) {
  tn_text_print_json(j->out, text);
}

/* Left out when there is none. */
static void put_member(json *j, const char *name, tn_str text) {
  if (text.data == NULL) return;
  key(j, name);
  put_text(j, text);
}

static void put_flag(json *j, const char *name, bool is_set) {
  if (!is_set) return;
  key(j, name);
  tn_buffer_append_text(j->out, "true");
}

static void put_declaration(json *j, const tn_wit_declaration *declaration) {
  put_member(j, "name", declaration->name);
  put_member(j, "docs", declaration->docs);
  put_member(j, "since", declaration->gate.since);
  put_member(j, "unstable", declaration->gate.feature);
  put_member(j, "deprecated", declaration->gate.deprecated);
  put_member(j, "external-id", declaration->external_id);
}

static void put_id(json *j, const char *id) {
  if (id == NULL) j->failed = true;
  put_text(j, tn_str_from(id));
}

/* ---- types ----------------------------------------------------------------------------------- */

static void put_type(json *j, const tn_wit_type *type, uint32_t depth);

/* {"list": …} with one type, which may be null. */
static void put_wrapped(json *j, const char *name, const tn_wit_type *type, uint32_t depth) {
  key(j, name);
  put_type(j, type, depth);
}

static void put_pair(json *j, const char *name, const char *first_name, const tn_wit_type *first,
                     const char *second_name, const tn_wit_type *second, uint32_t depth) {
  key(j, name);
  open(j, '{');
  put_wrapped(j, first_name, first, depth);
  put_wrapped(j, second_name, second, depth);
  close(j, '}');
}

static void put_tuple(json *j, const tn_wit_type *type, uint32_t depth) {
  key(j, "tuple");
  open(j, '[');
  for (uint32_t i = 0; i < type->member_count; i++) {
    comma(j);
    put_type(j, type->members[i].type, depth);
  }
  close(j, ']');
}

static void put_handle(json *j, const char *name, const tn_wit_type *type) {
  put_member(j, name, type->element->declaration.name);
}

static void put_structural(json *j, const tn_wit_type *type, uint32_t depth) {
  switch (type->kind) {
  case TN_WIT_KIND_FIXED_LIST:
    put_wrapped(j, "list", type->element, depth);
    key(j, "length");
    tn_buffer_format(j->out, "%u", type->length);
    break;
  case TN_WIT_KIND_MAP:
    put_pair(j, "map", "key", type->key, "value", type->element, depth);
    break;
  case TN_WIT_KIND_RESULT:
    put_pair(j, "result", "ok", type->element, "error", type->error, depth);
    break;
  case TN_WIT_KIND_TUPLE:
    put_tuple(j, type, depth);
    break;
  case TN_WIT_KIND_OPTION:
    put_wrapped(j, "option", type->element, depth);
    break;
  case TN_WIT_KIND_STREAM:
    put_wrapped(j, "stream", type->element, depth);
    break;
  case TN_WIT_KIND_FUTURE:
    put_wrapped(j, "future", type->element, depth);
    break;
  case TN_WIT_KIND_OWN:
    put_handle(j, "own", type);
    break;
  case TN_WIT_KIND_BORROW:
    put_handle(j, "borrow", type);
    break;
  default:
    put_wrapped(j, "list", type->element, depth);
    break;
  }
}

/* A type where it is used: "u32", {"type": "name"}, {"list": …}, …; NULL is null. */
static void put_type(json *j, const tn_wit_type *type, uint32_t depth) {
  j->needs_comma = true;
  if (type == NULL) {
    tn_buffer_append_text(j->out, "null");
    return;
  }
  if (type->kind == TN_WIT_KIND_PRIMITIVE && type->declaration.name.data == NULL) {
    tn_buffer_append_byte(j->out, '"');
    tn_error_delete(tn_wit_print_type_name(j->out, type)); /* fails only with the buffer */
    tn_buffer_append_byte(j->out, '"');
    return;
  }
  if (depth == MAX_DEPTH) {
    j->is_too_deep = true;
    return;
  }
  open(j, '{');
  if (type->declaration.name.data != NULL) {
    put_member(j, "type", type->declaration.name);
  } else {
    put_structural(j, type, depth + 1);
  }
  close(j, '}');
}

static void put_members(json *j, const char *name, const tn_wit_member *members, uint32_t count) {
  key(j, name);
  open(j, '[');
  for (uint32_t i = 0; i < count; i++) {
    comma(j);
    open(j, '{');
    put_member(j, "name", members[i].name);
    put_member(j, "docs", members[i].docs);
    if (members[i].type != NULL) put_wrapped(j, "type", members[i].type, 0);
    close(j, '}');
  }
  close(j, ']');
}

static void put_use(json *j, const tn_wit_type *type) {
  put_member(j, "kind", TN_STR("use"));
  key(j, "interface");
  put_id(j, tn_wit_interface_id(&j->arena, type->element->interface));
  put_member(j, "type", type->element->declaration.name);
}

/* type x = …; a resource by its name is {"type": …}, as it is not a value. */
static void put_alias(json *j, const tn_wit_type *type) {
  put_member(j, "kind", TN_STR("alias"));
  put_wrapped(j, "type", type->kind == TN_WIT_KIND_ALIAS ? type->element : type, 0);
}

static void put_declared_type(json *j, const tn_wit_type *type) {
  static const struct {
    const char *kind, *members;
  } forms[] = {
      [TN_WIT_KIND_RECORD] = {"record", "fields"}, [TN_WIT_KIND_VARIANT] = {"variant", "cases"},
      [TN_WIT_KIND_ENUM] = {"enum", "cases"},      [TN_WIT_KIND_FLAGS] = {"flags", "flags"},
      [TN_WIT_KIND_RESOURCE] = {"resource", NULL}, [TN_WIT_KIND_ALIAS] = {NULL, NULL},
  };
  open(j, '{');
  put_declaration(j, &type->declaration);
  if (type->is_use) {
    put_use(j, type);
  } else if (type->kind > TN_WIT_KIND_ALIAS || forms[type->kind].kind == NULL) {
    put_alias(j, type);
  } else {
    put_member(j, "kind", tn_str_from(forms[type->kind].kind));
    if (forms[type->kind].members != NULL)
      put_members(j, forms[type->kind].members, type->members, type->member_count);
  }
  close(j, '}');
}

static void put_types(json *j, tn_wit_type *const *types, uint32_t count) {
  key(j, "types");
  open(j, '[');
  for (uint32_t i = 0; i < count; i++) {
    comma(j);
    put_declared_type(j, types[i]);
  }
  close(j, ']');
}

/* ---- functions ------------------------------------------------------------------------------- */

static void put_function_members(json *j, const tn_wit_function *function) {
  static const char *const kinds[] = {
      [TN_WIT_FREE_FUNCTION] = "function",
      [TN_WIT_METHOD] = "method",
      [TN_WIT_STATIC_FUNCTION] = "static",
      [TN_WIT_CONSTRUCTOR] = "constructor",
  };
  put_member(j, "item", function->item_name);
  put_member(j, "kind", tn_str_from(kinds[function->kind]));
  if (function->resource != NULL) put_member(j, "resource", function->resource->declaration.name);
  put_flag(j, "async", function->is_async);
  put_members(j, "params", function->params, function->param_count);
  if (function->result != NULL) put_wrapped(j, "result", function->result, 0);
}

static void put_function(json *j, const tn_wit_function *function) {
  open(j, '{');
  put_declaration(j, &function->declaration);
  put_function_members(j, function);
  close(j, '}');
}

/* ---- interfaces and worlds ------------------------------------------------------------------- */

static void put_interface_members(json *j, const tn_wit_interface *interface) {
  put_types(j, interface->types.items, interface->types.len);
  key(j, "functions");
  open(j, '[');
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    comma(j);
    put_function(j, interface->functions.items[i]);
  }
  close(j, ']');
}

/* The interface of an item: its full name, or all of it when it has none. */
static void put_item_interface(json *j, const tn_wit_interface *interface) {
  key(j, "interface");
  if (interface->declaration.name.data != NULL) {
    put_id(j, tn_wit_interface_id(&j->arena, interface));
    return;
  }
  open(j, '{');
  put_interface_members(j, interface);
  close(j, '}');
}

static void put_item(json *j, const tn_wit_world_item *item) {
  static const char *const kinds[] = {
      [TN_WIT_WORLD_INTERFACE] = "interface",
      [TN_WIT_WORLD_FUNCTION] = "function",
      [TN_WIT_WORLD_TYPE] = "type",
  };
  tn_wit_declaration declaration = item->declaration;
  declaration.name = item->name;
  open(j, '{');
  put_declaration(j, &declaration);
  put_member(j, "kind", tn_str_from(kinds[item->kind]));
  put_flag(j, "implied", item->is_implied);
  if (item->kind == TN_WIT_WORLD_INTERFACE) put_item_interface(j, item->interface);
  if (item->kind == TN_WIT_WORLD_FUNCTION) {
    key(j, "function");
    open(j, '{');
    put_function_members(j, item->function);
    close(j, '}');
  }
  close(j, '}');
}

static void put_items(json *j, const char *name, const tn_wit_world_item *items, uint32_t count) {
  key(j, name);
  open(j, '[');
  for (uint32_t i = 0; i < count; i++) {
    comma(j);
    put_item(j, &items[i]);
  }
  close(j, ']');
}

static void put_world(json *j, const tn_wit_world *world) {
  open(j, '{');
  put_declaration(j, &world->declaration);
  key(j, "id");
  put_id(j, tn_wit_world_id(&j->arena, world));
  put_types(j, world->types.items, world->types.len);
  put_items(j, "imports", world->imports.items, world->imports.len);
  put_items(j, "exports", world->exports.items, world->exports.len);
  close(j, '}');
}

static void put_interface(json *j, const tn_wit_interface *interface) {
  open(j, '{');
  put_declaration(j, &interface->declaration);
  key(j, "id");
  put_id(j, tn_wit_interface_id(&j->arena, interface));
  put_interface_members(j, interface);
  close(j, '}');
}

/* ---- packages -------------------------------------------------------------------------------- */

static void put_package(json *j, const tn_wit_package *package) {
  open(j, '{');
  put_member(j, "namespace", package->name.name_space);
  put_member(j, "name", package->name.name);
  put_member(j, "version", package->name.version);
  put_member(j, "docs", package->docs);
  key(j, "interfaces");
  open(j, '[');
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    comma(j);
    put_interface(j, package->interfaces.items[i]);
  }
  close(j, ']');
  key(j, "worlds");
  open(j, '[');
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    comma(j);
    put_world(j, package->worlds.items[i]);
  }
  close(j, ']');
  close(j, '}');
}

tn_error *tn_wit_print_package_json(tn_buffer *out, const tn_wit_set *set,
                                    const tn_wit_package *package) {
  json j = {.out = out};
  open(&j, '{');
  key(&j, "package");
  put_package(&j, package);
  key(&j, "dependencies");
  open(&j, '[');
  for (uint32_t i = 0; i < set->packages.len; i++) {
    if (set->packages.items[i] == package) continue;
    comma(&j);
    put_package(&j, set->packages.items[i]);
  }
  close(&j, ']');
  close(&j, '}');
  tn_buffer_append_byte(out, '\n');
  bool failed = out->failed || j.failed;
  tn_arena_free(&j.arena);
  if (failed) return tn_error_no_memory();
  return j.is_too_deep ? tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply to be printed")
                       : NULL;
}
