/* The "package-docs" custom section: documentation and feature gates as JSON behind a version byte
 * (encode_docs.c writes it). What it says of things that the package does not have is passed over. */
#include "base/buffer.h"
#include "base/utf.h"
#include "component/extern_name.h"
#include "wit/package/decode_internal.h"
#include "wit/text.h"

enum { MAX_DEPTH = 50, MAX_STEPS = 50000000 };

typedef struct docs_reader {
  tn_arena *arena;
  tn_str text;
  size_t at;
  uint32_t depth;
  uint32_t steps; /* names that were compared */
} docs_reader;

/* Reads one value, which belongs to `key` of `target`. */
typedef tn_error *(*member_reader)(docs_reader *r, tn_str key, void *target);

/* ---- JSON -------------------------------------------------------------------------------------------- */

static tn_error *malformed(const docs_reader *r) {
  return tn_error_new(TN_ERROR_MALFORMED, "invalid JSON (at offset %zu)", r->at);
}

static char peek(docs_reader *r) {
  while (r->at < r->text.len && tn_text_is(r->text.data[r->at], TN_TEXT_SPACE))
    r->at++;
  return r->at < r->text.len ? r->text.data[r->at] : '\0';
}

static bool accept(docs_reader *r, char c) {
  if (peek(r) != c) return false;
  r->at++;
  return true;
}

static tn_error *read_unit(docs_reader *r, uint32_t *out) {
  *out = 0;
  if (r->text.len - r->at < 4) return malformed(r);
  for (int i = 0; i < 4; i++) {
    char c = r->text.data[r->at++];
    bool is_digit = c >= '0' && c <= '9';
    char letter = (char)(c | 0x20);
    if (!is_digit && (letter < 'a' || letter > 'f')) return malformed(r);
    *out = *out << 4 | (uint32_t)(is_digit ? c - '0' : letter - 'a' + 10);
  }
  return NULL;
}

/* What stands behind "\u". */
static tn_error *read_unicode(docs_reader *r, uint32_t *out) {
  TN_TRY(read_unit(r, out));
  bool is_high = *out >= 0xd800 && *out < 0xdc00;
  if (is_high && r->text.len - r->at >= 6 && r->text.data[r->at] == '\\' &&
      r->text.data[r->at + 1] == 'u') {
    uint32_t low;
    r->at += 2;
    TN_TRY(read_unit(r, &low));
    if (low < 0xdc00 || low > 0xdfff) return malformed(r);
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
  }
  return tn_is_scalar_value(*out) ? NULL : malformed(r);
}

static tn_error *read_escape(docs_reader *r, tn_buffer *out) {
  static const char names[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  if (r->at == r->text.len) return malformed(r);
  char c = r->text.data[r->at++];
  if (c == 'u') {
    uint32_t character;
    TN_TRY(read_unicode(r, &character));
    tn_text_print_utf8(out, character);
    return NULL;
  }
  const char *name = c == '\0' ? NULL : strchr(names, c);
  if (name == NULL) return malformed(r);
  tn_buffer_append_byte(out, (uint8_t)meanings[name - names]);
  return NULL;
}

static tn_error *read_characters(docs_reader *r, tn_buffer *out) {
  for (;;) {
    if (r->at == r->text.len) return malformed(r);
    char c = r->text.data[r->at++];
    if (c == '"') return NULL;
    if (c == '\\')
      TN_TRY(read_escape(r, out));
    else
      tn_buffer_append_byte(out, (uint8_t)c);
  }
}

static tn_error *read_string(docs_reader *r, tn_str *out) {
  tn_buffer text = {0};
  if (!accept(r, '"')) return malformed(r);
  tn_error *error = read_characters(r, &text);
  if (error == NULL) {
    *out = text.failed ? (tn_str){NULL, 0} : tn_arena_copy(r->arena, tn_buffer_str(&text));
    if (out->data == NULL) error = tn_error_no_memory();
  }
  tn_buffer_free(&text);
  return error;
}

static tn_error *read_object(docs_reader *r, member_reader read, void *target) {
  if (!accept(r, '{') || r->depth == MAX_DEPTH) return malformed(r);
  if (accept(r, '}')) return NULL;
  r->depth++;
  do {
    tn_str key;
    TN_TRY(read_string(r, &key));
    if (!accept(r, ':')) return malformed(r);
    TN_TRY(read(r, key, target));
  } while (accept(r, ','));
  r->depth--;
  return accept(r, '}') ? NULL : malformed(r);
}

/* Passes over a value: this format has only strings, objects and null. */
static tn_error *skip_value(docs_reader *r, tn_str key, void *target) {
  tn_str ignored;
  (void)key;
  char c = peek(r);
  if (c == '"') return read_string(r, &ignored);
  if (c == '{') return read_object(r, skip_value, target);
  if (!tn_str_starts_with(tn_str_slice(r->text, r->at, r->text.len), TN_STR("null")))
    return malformed(r);
  r->at += 4;
  return NULL;
}

/* ---- declarations ------------------------------------------------------------------------------------ */

/* A string, or null. */
static tn_error *read_text(docs_reader *r, tn_str *out) {
  if (peek(r) != '"') return skip_value(r, *out, NULL);
  return read_string(r, out);
}

static tn_error *read_version(docs_reader *r, tn_str *out) {
  tn_semver ignored;
  TN_TRY(read_string(r, out));
  return tn_error_wrap(tn_semver_parse(*out, &ignored), "'%" TN_STR_FORMAT "'", TN_STR_ARG(*out));
}

static tn_error *read_feature(docs_reader *r, tn_str *out) {
  TN_TRY(read_string(r, out));
  return tn_label_is_valid(*out) ? NULL
                                 : tn_error_new(TN_ERROR_MALFORMED, "a feature has no valid name");
}

static tn_error *read_gate_part(docs_reader *r, tn_str key, void *target) {
  tn_wit_gate *gate = target;
  if (tn_str_equal(key, TN_STR("since"))) return read_version(r, &gate->since);
  if (tn_str_equal(key, TN_STR("feature"))) return read_feature(r, &gate->feature);
  if (tn_str_equal(key, TN_STR("deprecated"))) return read_version(r, &gate->deprecated);
  return skip_value(r, key, NULL);
}

static tn_error *read_gate_member(docs_reader *r, tn_str key, void *target) {
  bool is_known = tn_str_equal(key, TN_STR("stable")) || tn_str_equal(key, TN_STR("unstable"));
  if (!is_known || peek(r) != '{') return skip_value(r, key, NULL);
  return read_object(r, read_gate_part, target);
}

/* "unknown", or an object. */
static tn_error *read_gate(docs_reader *r, tn_wit_gate *gate) {
  if (peek(r) != '{') return skip_value(r, TN_STR(""), NULL);
  return read_object(r, read_gate_member, gate);
}

/* Reads a member that all declarations have; *is_it is false when it is another one. */
static tn_error *read_common(docs_reader *r, tn_str key, tn_wit_declaration *declaration,
                             bool *is_it) {
  *is_it = true;
  if (tn_str_equal(key, TN_STR("docs"))) return read_text(r, &declaration->docs);
  if (tn_str_equal(key, TN_STR("stability"))) return read_gate(r, &declaration->gate);
  *is_it = false;
  return NULL;
}

static tn_error *read_declaration(docs_reader *r, tn_str key, void *target) {
  bool is_it;
  TN_TRY(read_common(r, key, target, &is_it));
  return is_it ? NULL : skip_value(r, key, NULL);
}

/* Of a function, early versions of the format had only the text. */
static tn_error *read_function(docs_reader *r, tn_wit_declaration *declaration) {
  if (peek(r) != '{') return read_text(r, &declaration->docs);
  return read_object(r, read_declaration, declaration);
}

/* ---- finding things ---------------------------------------------------------------------------------- */

/* Named things in an array.
 * Invariant: `next` is where the next name is looked for first, because the section is in the same order. */
typedef struct finder {
  void *things;
  uint32_t count;
  tn_str (*name)(const void *things, uint32_t index);
  uint32_t next;
} finder;

/* The index of what is called so, or `count`. */
static tn_error *find(docs_reader *r, finder *f, tn_str name, uint32_t *out) {
  for (uint32_t i = 0; i < f->count; i++) {
    uint32_t index = (f->next + i) % f->count;
    if (r->steps++ == MAX_STEPS) return tn_error_new(TN_ERROR_LIMIT, "too much documentation");
    if (!tn_str_equal(f->name(f->things, index), name)) continue;
    f->next = index + 1;
    *out = index;
    return NULL;
  }
  *out = f->count;
  return NULL;
}

static tn_str member_name(const void *things, uint32_t index) {
  return ((const tn_wit_member *)things)[index].name;
}

static tn_str type_name(const void *things, uint32_t index) {
  return ((tn_wit_type *const *)things)[index]->declaration.name;
}

static tn_str function_name(const void *things, uint32_t index) {
  return ((tn_wit_function *const *)things)[index]->item_name;
}

static tn_str interface_name(const void *things, uint32_t index) {
  return ((tn_wit_interface *const *)things)[index]->declaration.name;
}

static tn_str world_name(const void *things, uint32_t index) {
  return ((tn_wit_world *const *)things)[index]->declaration.name;
}

static tn_str item_name(const void *things, uint32_t index) {
  return ((const tn_wit_world_item *)things)[index].name;
}

/* ---- interfaces -------------------------------------------------------------------------------------- */

static tn_error *read_item_docs(docs_reader *r, tn_str key, void *target) {
  finder *members = target;
  uint32_t index;
  TN_TRY(find(r, members, key, &index));
  if (index == members->count) return skip_value(r, key, NULL);
  return read_text(r, &((tn_wit_member *)members->things)[index].docs);
}

static tn_error *read_type_member(docs_reader *r, tn_str key, void *target) {
  tn_wit_type *type = target;
  bool is_it;
  TN_TRY(read_common(r, key, &type->declaration, &is_it));
  if (is_it) return NULL;
  if (!tn_str_equal(key, TN_STR("items"))) return skip_value(r, key, NULL);
  finder members = {(void *)type->members, type->member_count, member_name, 0};
  return read_object(r, read_item_docs, &members);
}

static tn_error *read_type(docs_reader *r, tn_str key, void *target) {
  finder *types = target;
  uint32_t index;
  TN_TRY(find(r, types, key, &index));
  if (index == types->count) return skip_value(r, key, NULL);
  return read_object(r, read_type_member, ((tn_wit_type **)types->things)[index]);
}

static tn_error *read_interface_function(docs_reader *r, tn_str key, void *target) {
  finder *functions = target;
  uint32_t index;
  TN_TRY(find(r, functions, key, &index));
  if (index == functions->count) return skip_value(r, key, NULL);
  return read_function(r, &((tn_wit_function **)functions->things)[index]->declaration);
}

static tn_error *read_interface_member(docs_reader *r, tn_str key, void *target) {
  tn_wit_interface *interface = target;
  bool is_it;
  TN_TRY(read_common(r, key, &interface->declaration, &is_it));
  if (is_it) return NULL;
  finder types = {interface->types.items, interface->types.len, type_name, 0};
  finder functions = {interface->functions.items, interface->functions.len, function_name, 0};
  if (tn_str_equal(key, TN_STR("types"))) return read_object(r, read_type, &types);
  if (tn_str_equal(key, TN_STR("funcs")))
    return read_object(r, read_interface_function, &functions);
  return skip_value(r, key, NULL);
}

static tn_error *read_interface(docs_reader *r, tn_str key, void *target) {
  finder *interfaces = target;
  uint32_t index;
  TN_TRY(find(r, interfaces, key, &index));
  if (index == interfaces->count) return skip_value(r, key, NULL);
  return read_object(r, read_interface_member, ((tn_wit_interface **)interfaces->things)[index]);
}

/* ---- worlds ------------------------------------------------------------------------------------------ */

/* What is read of the items of a world. `others` are looked at when `items` do not have it: the older format
 * had exports among the imports. */
typedef struct item_reader {
  finder items;
  finder others;
  tn_error *(*read)(docs_reader *r, tn_wit_world_item *item);
} item_reader;

static tn_error *read_inline_interface(docs_reader *r, tn_wit_world_item *item) {
  bool is_inline =
      item->kind == TN_WIT_WORLD_INTERFACE && item->interface->declaration.name.data == NULL;
  if (!is_inline) return skip_value(r, item->name, NULL);
  tn_wit_interface *interface = (tn_wit_interface *)item->interface;
  TN_TRY(read_object(r, read_interface_member, interface));
  item->declaration.docs = interface->declaration.docs;
  item->declaration.gate = interface->declaration.gate;
  return NULL;
}

static tn_error *read_world_function(docs_reader *r, tn_wit_world_item *item) {
  if (item->kind != TN_WIT_WORLD_FUNCTION) return skip_value(r, item->name, NULL);
  tn_wit_declaration *declaration = &((tn_wit_function *)item->function)->declaration;
  TN_TRY(read_function(r, declaration));
  item->declaration.docs = declaration->docs;
  item->declaration.gate = declaration->gate;
  return NULL;
}

static tn_error *read_item_gate(docs_reader *r, tn_wit_world_item *item) {
  return read_gate(r, &item->declaration.gate);
}

static tn_error *read_item_text(docs_reader *r, tn_wit_world_item *item) {
  return read_text(r, &item->declaration.docs);
}

static tn_error *read_item(docs_reader *r, tn_str key, void *target) {
  item_reader *items = target;
  finder *from = &items->items;
  uint32_t index;
  TN_TRY(find(r, from, key, &index));
  if (index == from->count) {
    from = &items->others;
    TN_TRY(find(r, from, key, &index));
  }
  if (index == from->count) return skip_value(r, key, NULL);
  return items->read(r, &((tn_wit_world_item *)from->things)[index]);
}

static tn_error *read_items(docs_reader *r, tn_wit_world *world, tn_str key) {
  static const struct {
    tn_str key;
    bool is_export;
    bool is_either;
    tn_error *(*read)(docs_reader *r, tn_wit_world_item *item);
  } parts[] = {
      {{"interfaces", 10}, false, true, read_inline_interface},
      {{"funcs", 5}, false, true, read_world_function},
      {{"interface_exports", 17}, true, false, read_inline_interface},
      {{"func_exports", 12}, true, false, read_world_function},
      {{"interface_import_stability", 26}, false, false, read_item_gate},
      {{"interface_export_stability", 26}, true, false, read_item_gate},
      {{"interface_import_docs", 21}, false, false, read_item_text},
      {{"interface_export_docs", 21}, true, false, read_item_text},
  };
  finder imports = {world->imports.items, world->imports.len, item_name, 0};
  finder exports = {world->exports.items, world->exports.len, item_name, 0};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!tn_str_equal(key, parts[i].key)) continue;
    item_reader items = {.items = parts[i].is_export ? exports : imports, .read = parts[i].read};
    if (parts[i].is_either) items.others = exports;
    return read_object(r, read_item, &items);
  }
  return skip_value(r, key, NULL);
}

static tn_error *read_world_member(docs_reader *r, tn_str key, void *target) {
  tn_wit_world *world = target;
  bool is_it;
  TN_TRY(read_common(r, key, &world->declaration, &is_it));
  if (is_it) return NULL;
  finder types = {world->types.items, world->types.len, type_name, 0};
  if (tn_str_equal(key, TN_STR("types"))) return read_object(r, read_type, &types);
  return read_items(r, world, key);
}

static tn_error *read_world(docs_reader *r, tn_str key, void *target) {
  finder *worlds = target;
  uint32_t index;
  TN_TRY(find(r, worlds, key, &index));
  if (index == worlds->count) return skip_value(r, key, NULL);
  return read_object(r, read_world_member, ((tn_wit_world **)worlds->things)[index]);
}

/* ---- the package ------------------------------------------------------------------------------------- */

static tn_error *read_package_member(docs_reader *r, tn_str key, void *target) {
  tn_wit_package *package = target;
  finder interfaces = {package->interfaces.items, package->interfaces.len, interface_name, 0};
  finder worlds = {package->worlds.items, package->worlds.len, world_name, 0};
  if (tn_str_equal(key, TN_STR("docs"))) return read_text(r, &package->docs);
  if (tn_str_equal(key, TN_STR("worlds"))) return read_object(r, read_world, &worlds);
  if (tn_str_equal(key, TN_STR("interfaces"))) return read_object(r, read_interface, &interfaces);
  return skip_value(r, key, NULL);
}

tn_error *tn_decode_docs(tn_arena *arena, tn_wit_package *package, tn_str payload) {
  docs_reader r = {.arena = arena, .text = tn_str_slice(payload, 1, payload.len)};
  bool is_known = payload.len > 0 && (uint8_t)payload.data[0] <= 1;
  if (!is_known) return tn_error_new(TN_ERROR_MALFORMED, "only versions 0 and 1 of it are known");
  if (!tn_utf8_is_valid(r.text.data, r.text.len))
    return tn_error_new(TN_ERROR_MALFORMED, "it is not UTF-8");
  TN_TRY(read_object(&r, read_package_member, package));
  return peek(&r) == '\0' && r.at == r.text.len ? NULL : malformed(&r);
}
