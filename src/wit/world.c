#include "wit/world.h"

#include "wit/describe.h"
#include "wit/text.h"
#include "wit/wit.h"

/* ---- names of interfaces ------------------------------------------------------------------------- */

/* "ns:package/interface@version" in its parts. */
typedef struct interface_name {
  tn_str package; /* "ns:package" */
  tn_str interface;
  tn_str version; /* with its '@'; may be empty */
} interface_name;

/* Whether it is such a name, and not a plain one. */
static bool split_name(tn_str name, interface_name *out) {
  if (name.data == NULL) return false;
  size_t end = tn_str_find(name, '@', 0);
  size_t slash = end;
  while (slash > 0 && name.data[slash - 1] != '/')
    slash--;
  if (slash == 0) return false;
  out->package = tn_str_slice(name, 0, slash - 1);
  out->interface = tn_str_slice(name, slash, end);
  out->version = tn_str_slice(name, end, name.len);
  return true;
}

static bool is_same_package(const interface_name *a, const interface_name *b) {
  return tn_str_equal(a->package, b->package) && tn_str_equal(a->version, b->version);
}

/* ---- items --------------------------------------------------------------------------------------- */

/* The interface that is being written: its items, and which package it is in (NULL: a world or inline). */
typedef struct writer {
  tn_wit_describer d;
  const interface_name *package;
  const tn_wit_items *declared; /* what the world has declared already; NULL: nothing */
} writer;

static void indent(writer *w, uint32_t level) {
  for (uint32_t i = 0; i < level; i++)
    tn_buffer_append_text(w->d.out, "  ");
}

static void text(writer *w, const char *what) {
  tn_buffer_append_text(w->d.out, what);
}

/* The type of another interface that this one is, or NULL: the nearest name on the way to the definition. */
static const tn_wit_node *find_used(const tn_wit_node *node, interface_name *from) {
  for (const tn_wit_node *other = node->same; other != NULL; other = other->same) {
    if (other->name.data == NULL || other->owner == NULL || other->owner == node->owner) continue;
    if (split_name(other->owner->name, from)) return other;
  }
  return NULL;
}

static void write_used_name(writer *w, tn_str name, tn_str local) {
  tn_wit_print_name(w->d.out, name);
  if (tn_str_equal(name, local)) return;
  text(w, " as ");
  tn_wit_print_name(w->d.out, local);
}

static bool is_declared(const writer *w, tn_str name) {
  for (uint32_t i = 0; w->declared != NULL && i < w->declared->len; i++) {
    const tn_wit_item *item = &w->declared->items[i];
    if (item->sort == TN_SORT_TYPE && tn_str_equal(item->name, name)) return true;
  }
  return false;
}

/* use ns:package/interface@version.{name, name as other}; one for each run of types from one interface. */
static void write_uses(writer *w, const tn_wit_items *items, uint32_t level) {
  const tn_wit_instance *open = NULL;
  for (uint32_t i = 0; i < items->len && tn_wit_describer_go_on(&w->d); i++) {
    interface_name from;
    const tn_wit_item *item = &items->items[i];
    const tn_wit_node *used = item->sort == TN_SORT_TYPE ? find_used(item->type, &from) : NULL;
    if (used == NULL || is_declared(w, item->name)) continue;
    if (used->owner == open) {
      text(w, ", ");
    } else {
      if (open != NULL) text(w, "};\n");
      open = used->owner;
      indent(w, level);
      text(w, "use ");
      if (w->package != NULL && is_same_package(w->package, &from)) {
        tn_wit_print_name(w->d.out, from.interface);
      } else {
        tn_buffer_append_str(w->d.out, used->owner->name);
      }
      text(w, ".{");
    }
    write_used_name(w, used->name, item->name);
  }
  if (open != NULL) text(w, "};\n");
}

/* How a function belongs to a resource. */
typedef enum func_role { FREE_FUNC, CONSTRUCTOR, METHOD, STATIC_FUNC } func_role;

/* Splits "[method]resource.name"; for the others, `name` is all of it. */
static func_role split_func_name(tn_str full, tn_str *resource, tn_str *name) {
  static const struct {
    tn_str prefix;
    func_role role;
  } prefixes[] = {{{"[constructor]", 13}, CONSTRUCTOR},
                  {{"[method]", 8}, METHOD},
                  {{"[static]", 8}, STATIC_FUNC}};
  *resource = (tn_str){NULL, 0};
  *name = full;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    if (!tn_str_starts_with(full, prefixes[i].prefix)) continue;
    tn_str rest = tn_str_slice(full, prefixes[i].prefix.len, full.len);
    size_t dot = tn_str_find(rest, '.', 0);
    *resource = tn_str_slice(rest, 0, dot);
    *name = tn_str_slice(rest, dot + 1, rest.len);
    return prefixes[i].role;
  }
  return FREE_FUNC;
}

static void write_func(writer *w, const tn_wit_item *item, tn_str name, func_role role) {
  static const tn_wit_signature forms[] = {[FREE_FUNC] = TN_WIT_SIGNATURE_WHOLE,
                                           [CONSTRUCTOR] = TN_WIT_SIGNATURE_CONSTRUCTOR,
                                           [METHOD] = TN_WIT_SIGNATURE_METHOD,
                                           [STATIC_FUNC] = TN_WIT_SIGNATURE_WHOLE};
  if (role == CONSTRUCTOR) {
    text(w, "constructor");
  } else {
    tn_wit_print_name(w->d.out, name);
    text(w, role == STATIC_FUNC ? ": static " : ": ");
    text(w, tn_wit_describe_func_keyword(item->type));
  }
  tn_wit_describe_signature(&w->d, item->type, forms[role]);
  text(w, ";\n");
}

/* resource name; or resource name { its functions } */
static void write_resource(writer *w, const tn_wit_items *items, tn_str name, uint32_t level) {
  bool has_body = false;
  text(w, "resource ");
  tn_wit_print_name(w->d.out, name);
  for (uint32_t i = 0; i < items->len && tn_wit_describer_go_on(&w->d); i++) {
    tn_str resource;
    tn_str func;
    if (items->items[i].sort != TN_SORT_FUNC) continue;
    func_role role = split_func_name(items->items[i].name, &resource, &func);
    if (role == FREE_FUNC || !tn_str_equal(resource, name)) continue;
    if (!has_body) text(w, " {\n");
    has_body = true;
    indent(w, level + 1);
    write_func(w, &items->items[i], func, role);
  }
  if (has_body) indent(w, level);
  text(w, has_body ? "}\n" : ";\n");
}

static void write_aggregate(writer *w, const tn_wit_node *root, const char *keyword, tn_str name,
                            uint32_t level) {
  text(w, keyword);
  text(w, " ");
  tn_wit_print_name(w->d.out, name);
  text(w, " {\n");
  for (uint32_t i = 0; i < root->ast->field_count && tn_wit_describer_go_on(&w->d); i++) {
    indent(w, level + 1);
    tn_wit_describe_member(&w->d, root, i);
    text(w, ",\n");
  }
  indent(w, level);
  text(w, "}\n");
}

/* type name = what; where `what` is another type of this interface by its name, if it is one. */
static void write_alias(writer *w, const tn_wit_item *item) {
  const tn_wit_node *same = item->type->same;
  text(w, "type ");
  tn_wit_print_name(w->d.out, item->name);
  text(w, " = ");
  if (same->name.data != NULL && same->owner == item->type->owner) {
    tn_wit_print_name(w->d.out, same->name);
  } else {
    tn_wit_describe_definition(&w->d, item->type);
  }
  text(w, ";\n");
}

static void write_type(writer *w, const tn_wit_items *items, const tn_wit_item *item,
                       uint32_t level) {
  interface_name from;
  if (find_used(item->type, &from) != NULL) return; /* see write_uses */
  if (is_declared(w, item->name)) return;
  const tn_wit_node *root = tn_wit_node_root(item->type);
  const tn_wit_node *same = item->type->same;
  bool is_alias = same != NULL && same->name.data != NULL && same->owner == item->type->owner;
  const char *keyword = tn_wit_aggregate_keyword(root);
  indent(w, level);
  if (!is_alias && keyword != NULL) {
    write_aggregate(w, root, keyword, item->name, level);
  } else if (!is_alias && (root->ast == NULL || root->ast->kind == TN_AST_RESOURCE)) {
    write_resource(w, items, item->name, level);
  } else {
    write_alias(w, item);
  }
}

static const char *sort_name(tn_sort sort) {
  switch (sort) {
  case TN_SORT_CORE_MODULE:
    return "module";
  case TN_SORT_COMPONENT:
    return "component";
  case TN_SORT_INSTANCE:
    return "instance";
  case TN_SORT_FUNC:
    return "func";
  case TN_SORT_TYPE:
    return "type";
  default:
    return "value";
  }
}

static void write_comment(writer *w, const tn_wit_item *item, const char *verb, uint32_t level) {
  indent(w, level);
  text(w, "// ");
  text(w, verb);
  tn_text_print_json(w->d.out, item->name);
  text(w, ": ");
  text(w, sort_name(item->sort));
  text(w, "\n");
}

/* The functions that belong to no resource. */
static void write_free_func(writer *w, const tn_wit_item *item, const char *verb, uint32_t level) {
  tn_str resource;
  tn_str name;
  func_role role = split_func_name(item->name, &resource, &name);
  if (role != FREE_FUNC) return;
  indent(w, level);
  text(w, verb);
  write_func(w, item, name, role);
}

/* The body of an interface: what it uses, its types, its functions. */
static void write_interface(writer *w, const tn_wit_instance *instance,
                            const interface_name *package, uint32_t level) {
  writer inner = *w;
  inner.package = package;
  inner.declared = NULL;
  inner.d.scopes[0] = instance;
  inner.d.scopes[1] = NULL;
  const tn_wit_items *items = &instance->items;
  write_uses(&inner, items, level);
  for (uint32_t i = 0; i < items->len; i++) {
    if (items->items[i].sort == TN_SORT_TYPE) write_type(&inner, items, &items->items[i], level);
  }
  for (uint32_t i = 0; i < items->len; i++) {
    const tn_wit_item *item = &items->items[i];
    if (item->sort == TN_SORT_FUNC) write_free_func(&inner, item, "", level);
    if (item->sort != TN_SORT_FUNC && item->sort != TN_SORT_TYPE)
      write_comment(&inner, item, "", level);
  }
  w->d.cost = inner.d.cost;
  w->d.too_large |= inner.d.too_large;
}

/* ---- the world ----------------------------------------------------------------------------------- */

static void write_instance(writer *w, const tn_wit_item *item, const char *verb) {
  interface_name name;
  indent(w, 1);
  text(w, verb);
  if (split_name(item->name, &name)) {
    tn_buffer_append_str(w->d.out, item->name);
    text(w, ";\n");
    return;
  }
  tn_wit_print_name(w->d.out, item->name);
  text(w, ": interface {\n");
  write_interface(w, item->instance, NULL, 2);
  indent(w, 1);
  text(w, "}\n");
}

/* WIT has no exported types of a world: they are declared, as if they were imported, so that what uses them can be read
 * (and be read by tools). */
static void write_ends(writer *w, const tn_wit_items *items, const char *verb) {
  for (uint32_t i = 0; i < items->len; i++) {
    if (items->items[i].sort == TN_SORT_INSTANCE) write_instance(w, &items->items[i], verb);
  }
  write_uses(w, items, 1);
  for (uint32_t i = 0; i < items->len; i++) {
    if (items->items[i].sort == TN_SORT_TYPE) write_type(w, items, &items->items[i], 1);
  }
  for (uint32_t i = 0; i < items->len; i++) {
    const tn_wit_item *item = &items->items[i];
    if (item->sort == TN_SORT_FUNC) write_free_func(w, item, verb, 1);
    bool is_wit =
        item->sort == TN_SORT_FUNC || item->sort == TN_SORT_INSTANCE || item->sort == TN_SORT_TYPE;
    if (!is_wit) write_comment(w, item, verb, 1);
  }
}

typedef struct named_interface {
  const tn_wit_instance *instance;
  interface_name name;
  bool is_written;
} named_interface;

typedef TN_VEC(named_interface) interface_list;

/* An interface that is both imported and exported is described once. */
static bool is_listed(writer *w, const interface_list *list, tn_str name) {
  for (uint32_t i = 0; i < list->len && tn_wit_describer_go_on(&w->d); i++) {
    if (tn_str_equal(list->items[i].instance->name, name)) return true;
  }
  return false;
}

static tn_error *list_interfaces(writer *w, tn_arena *arena, const tn_wit_items *items,
                                 interface_list *list) {
  for (uint32_t i = 0; i < items->len; i++) {
    interface_name name;
    const tn_wit_item *item = &items->items[i];
    if (item->sort != TN_SORT_INSTANCE || !split_name(item->name, &name)) continue;
    if (is_listed(w, list, item->name)) continue;
    named_interface *slot = TN_VEC_PUSH(arena, list);
    if (slot == NULL) return tn_error_no_memory();
    *slot = (named_interface){.instance = item->instance, .name = name};
  }
  return NULL;
}

/* All interfaces of the package of `first`. */
static void write_package(writer *w, interface_list *list, uint32_t first) {
  const interface_name *package = &list->items[first].name;
  text(w, "\npackage ");
  tn_buffer_append_str(w->d.out, package->package);
  tn_buffer_append_str(w->d.out, package->version);
  text(w, " {\n");
  for (uint32_t i = first; i < list->len && tn_wit_describer_go_on(&w->d); i++) {
    named_interface *one = &list->items[i];
    if (one->is_written || !is_same_package(&one->name, package)) continue;
    one->is_written = true;
    indent(w, 1);
    text(w, "interface ");
    tn_wit_print_name(w->d.out, one->name.interface);
    text(w, " {\n");
    write_interface(w, one->instance, package, 2);
    indent(w, 1);
    text(w, "}\n");
  }
  text(w, "}\n");
}

static tn_error *write_world(writer *w, tn_arena *arena, const tn_wit_component_world *world) {
  interface_list list = {0};
  text(w, "package root:component;\n\nworld root {\n");
  write_ends(w, &world->imports.items, "import ");
  w->declared = &world->imports.items;
  if (world->imports.items.len > 0 && world->exports.items.len > 0) text(w, "\n");
  write_ends(w, &world->exports.items, "export ");
  text(w, "}\n");
  TN_TRY(list_interfaces(w, arena, &world->imports.items, &list));
  TN_TRY(list_interfaces(w, arena, &world->exports.items, &list));
  for (uint32_t i = 0; i < list.len && tn_wit_describer_go_on(&w->d); i++) {
    if (!list.items[i].is_written) write_package(w, &list, i);
  }
  return NULL;
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

/* The WIT text of one type or function as a JSON string. */
static void write_json_text(writer *w, const tn_wit_item *item) {
  tn_buffer wit = {0};
  tn_buffer *out = w->d.out;
  w->d.out = &wit;
  if (item->sort == TN_SORT_FUNC) {
    text(w, tn_wit_describe_func_keyword(item->type));
    tn_wit_describe_signature(&w->d, item->type, TN_WIT_SIGNATURE_WHOLE);
  } else {
    tn_wit_describe_definition(&w->d, item->type);
  }
  w->d.out = out;
  if (wit.failed) out->failed = true;
  tn_text_print_json(out, tn_buffer_str(&wit));
  tn_buffer_free(&wit);
}

static void write_json_items(writer *w, const tn_wit_instance *instance, uint32_t depth);

static void write_json_item(writer *w, const tn_wit_item *item, uint32_t depth) {
  text(w, "{\"name\":");
  tn_text_print_json(w->d.out, item->name);
  text(w, ",\"kind\":\"");
  text(w, sort_name(item->sort));
  text(w, "\"");
  if (item->sort == TN_SORT_FUNC || item->sort == TN_SORT_TYPE) {
    text(w, ",\"type\":");
    write_json_text(w, item);
  } else if (item->sort == TN_SORT_INSTANCE) {
    text(w, ",\"items\":");
    const tn_wit_instance *outer[2] = {w->d.scopes[0], w->d.scopes[1]};
    w->d.scopes[0] = item->instance;
    w->d.scopes[1] = NULL;
    write_json_items(w, item->instance, depth + 1);
    memcpy(w->d.scopes, outer, sizeof outer);
  }
  text(w, "}");
}

static void write_json_items(writer *w, const tn_wit_instance *instance, uint32_t depth) {
  enum { MAX_DEPTH = 200 };
  if (depth == MAX_DEPTH) w->d.too_large = true;
  text(w, "[");
  for (uint32_t i = 0; i < instance->items.len && tn_wit_describer_go_on(&w->d); i++) {
    if (i > 0) text(w, ",");
    write_json_item(w, &instance->items.items[i], depth);
  }
  text(w, "]");
}

static tn_error *write_json_world(writer *w, tn_arena *arena, const tn_wit_component_world *world) {
  (void)arena;
  text(w, "{\"imports\":");
  write_json_items(w, &world->imports, 0);
  text(w, ",\"exports\":");
  write_json_items(w, &world->exports, 0);
  text(w, "}");
  return NULL;
}

/* ---- entry points -------------------------------------------------------------------------------- */

static tn_error *print(tn_buffer *out, const tn_component_ast *component,
                       tn_error *(*write)(writer *w, tn_arena *arena,
                                          const tn_wit_component_world *world)) {
  tn_arena arena = {0};
  tn_wit_component_world world;
  writer w = {0};
  tn_wit_describer_start(&w.d, out);
  tn_error *error = tn_wit_find_world(&arena, component, &world);
  if (error == NULL) {
    w.d.scopes[0] = &world.imports;
    w.d.scopes[1] = &world.exports;
    error = write(&w, &arena, &world);
  }
  if (error == NULL && out->failed) error = tn_error_no_memory();
  if (error == NULL && w.d.too_large) {
    error = tn_error_new(TN_ERROR_LIMIT, "the component is too large to be described");
  }
  tn_arena_free(&arena);
  return error;
}

tn_error *tn_wit_print_component(tn_buffer *out, const tn_component_ast *component) {
  return print(out, component, write_world);
}

tn_error *tn_wit_print_component_json(tn_buffer *out, const tn_component_ast *component) {
  return print(out, component, write_json_world);
}
