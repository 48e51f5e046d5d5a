/* Documentation and feature gates as the "package-docs" custom section: a version byte and JSON. It is a
 * convention of the tools; the binary form itself has no place for them. What is without docs and gates is
 * left out. */
#include "wit/package/encode_internal.h"
#include "wit/text.h"

enum { FORMAT_VERSION = 1, MAX_LEVELS = 10 };

/* An object that is being written.
 * Invariant: a level is begun only when those around it are; one that never gets a member is not written at
 * all. */
typedef struct level {
  tn_str key;
  bool is_begun;
  bool has_members;
} level;

/* Invariant: levels[0], the object around everything, is begun. */
typedef struct docs_writer {
  tn_buffer *out;
  level levels[MAX_LEVELS];
  uint32_t depth; /* of the innermost level */
} docs_writer;

/* ---- JSON -------------------------------------------------------------------------------------------- */

static void put_key(docs_writer *w, level *within, tn_str key) {
  if (within->has_members) tn_buffer_append_byte(w->out, ',');
  within->has_members = true;
  tn_text_print_json(w->out, key);
  tn_buffer_append_byte(w->out, ':');
}

static void put_member(docs_writer *w, tn_str key, tn_str value) {
  if (value.data == NULL) return;
  for (uint32_t i = 1; i <= w->depth; i++) {
    if (w->levels[i].is_begun) continue;
    put_key(w, &w->levels[i - 1], w->levels[i].key);
    tn_buffer_append_byte(w->out, '{');
    w->levels[i].is_begun = true;
  }
  put_key(w, &w->levels[w->depth], key);
  tn_text_print_json(w->out, value);
}

static void begin(docs_writer *w, tn_str key) {
  w->levels[++w->depth] = (level){.key = key};
}

static void end(docs_writer *w) {
  if (w->levels[w->depth--].is_begun) tn_buffer_append_byte(w->out, '}');
}

/* ---- declarations ------------------------------------------------------------------------------------ */

/* {"stable":{"since":…}} or {"unstable":{"feature":…}} under `key`. */
static void put_gate(docs_writer *w, tn_str key, const tn_wit_gate *gate) {
  bool is_unstable = gate->feature.data != NULL;
  if (!is_unstable && gate->since.data == NULL) return;
  begin(w, key);
  begin(w, is_unstable ? TN_STR("unstable") : TN_STR("stable"));
  put_member(w, is_unstable ? TN_STR("feature") : TN_STR("since"),
             is_unstable ? gate->feature : gate->since);
  put_member(w, TN_STR("deprecated"), gate->deprecated);
  end(w);
  end(w);
}

static void put_declaration(docs_writer *w, const tn_wit_declaration *declaration) {
  put_member(w, TN_STR("docs"), declaration->docs);
  put_gate(w, TN_STR("stability"), &declaration->gate);
}

static void put_function(docs_writer *w, tn_str name, const tn_wit_declaration *declaration) {
  begin(w, name);
  put_declaration(w, declaration);
  end(w);
}

static void put_type(docs_writer *w, const tn_wit_type *type) {
  begin(w, type->declaration.name);
  put_declaration(w, &type->declaration);
  begin(w, TN_STR("items"));
  for (uint32_t i = 0; i < type->member_count; i++) {
    if (type->members[i].name.data != NULL)
      put_member(w, type->members[i].name, type->members[i].docs);
  }
  end(w);
  end(w);
}

static void put_interface(docs_writer *w, tn_str key, const tn_wit_declaration *declaration,
                          const tn_wit_interface *interface) {
  begin(w, key);
  put_declaration(w, declaration);
  begin(w, TN_STR("funcs"));
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    const tn_wit_function *function = interface->functions.items[i];
    put_function(w, function->item_name, &function->declaration);
  }
  end(w);
  begin(w, TN_STR("types"));
  for (uint32_t i = 0; i < interface->types.len; i++)
    put_type(w, interface->types.items[i]);
  end(w);
  end(w);
}

/* ---- worlds ------------------------------------------------------------------------------------------ */

static bool is_written_out(const tn_wit_world_item *item) {
  return item->kind == TN_WIT_WORLD_INTERFACE && item->interface->declaration.name.data == NULL;
}

static void put_inline_interfaces(docs_writer *w, const tn_wit_world_item *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (is_written_out(&items[i]))
      put_interface(w, items[i].name, &items[i].declaration, items[i].interface);
  }
}

static void put_functions(docs_writer *w, const tn_wit_world_item *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (items[i].kind == TN_WIT_WORLD_FUNCTION)
      put_function(w, items[i].name, &items[i].declaration);
  }
}

static void put_named_gates(docs_writer *w, const tn_wit_world_item *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    bool is_named = items[i].kind == TN_WIT_WORLD_INTERFACE && !is_written_out(&items[i]);
    if (is_named) put_gate(w, items[i].name, &items[i].declaration.gate);
  }
}

static void put_named_docs(docs_writer *w, const tn_wit_world_item *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    bool is_named = items[i].kind == TN_WIT_WORLD_INTERFACE && !is_written_out(&items[i]);
    if (is_named) put_member(w, items[i].name, items[i].declaration.docs);
  }
}

typedef void (*put_items)(docs_writer *w, const tn_wit_world_item *items, uint32_t count);

static void put_world(docs_writer *w, const tn_wit_world *world) {
  static const struct {
    tn_str key;
    put_items put;
    bool is_export;
  } parts[] = {
      {{"funcs", 5}, put_functions, false},
      {{"interface_exports", 17}, put_inline_interfaces, true},
      {{"func_exports", 12}, put_functions, true},
      {{"interface_import_stability", 26}, put_named_gates, false},
      {{"interface_export_stability", 26}, put_named_gates, true},
      {{"interface_import_docs", 21}, put_named_docs, false},
      {{"interface_export_docs", 21}, put_named_docs, true},
  };
  begin(w, world->declaration.name);
  put_declaration(w, &world->declaration);
  begin(w, TN_STR("interfaces"));
  put_inline_interfaces(w, world->imports.items, world->imports.len);
  end(w);
  begin(w, TN_STR("types"));
  for (uint32_t i = 0; i < world->types.len; i++)
    put_type(w, world->types.items[i]);
  end(w);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    begin(w, parts[i].key);
    if (parts[i].is_export)
      parts[i].put(w, world->exports.items, world->exports.len);
    else
      parts[i].put(w, world->imports.items, world->imports.len);
    end(w);
  }
  end(w);
}

void tn_encode_docs(tn_buffer *out, const tn_wit_package *package) {
  docs_writer w = {.out = out, .levels = {{.is_begun = true}}};
  tn_buffer_append_byte(out, FORMAT_VERSION);
  tn_buffer_append_byte(out, '{');
  put_member(&w, TN_STR("docs"), package->docs);
  begin(&w, TN_STR("worlds"));
  for (uint32_t i = 0; i < package->worlds.len; i++)
    put_world(&w, package->worlds.items[i]);
  end(&w);
  begin(&w, TN_STR("interfaces"));
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    const tn_wit_interface *interface = package->interfaces.items[i];
    put_interface(&w, interface->declaration.name, &interface->declaration, interface);
  }
  end(&w);
  tn_buffer_append_byte(out, '}');
}
