/* Finding things in packages, and errors that point into their text. */
#include "wit/package/model.h"

#include "base/buffer.h"
#include "component/extern_name.h"
#include "wit/package/package.h"

/* ---- lookup ---------------------------------------------------------------------------------- */

static bool same_package(tn_wit_package_name a, tn_wit_package_name b) {
  return tn_str_equal(a.name, b.name) && tn_str_equal(a.name_space, b.name_space);
}

tn_wit_package *tn_wit_set_find(const tn_wit_set *set, tn_wit_package_name name) {
  tn_wit_package *only = NULL;
  uint32_t count = 0;
  for (uint32_t i = 0; i < set->packages.len; i++) {
    tn_wit_package *package = set->packages.items[i];
    if (!same_package(package->name, name)) continue;
    bool is_versioned = package->name.version.data != NULL;
    if (is_versioned == (name.version.data != NULL) &&
        tn_str_equal(package->name.version, name.version))
      return package;
    only = package;
    count++;
  }
  return name.version.data == NULL && count == 1 ? only : NULL;
}

tn_wit_interface *tn_wit_package_interface(const tn_wit_package *package, tn_str name) {
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    if (tn_str_equal(package->interfaces.items[i]->declaration.name, name))
      return package->interfaces.items[i];
  }
  return NULL;
}

tn_wit_world *tn_wit_package_world(const tn_wit_package *package, tn_str name) {
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    if (tn_str_equal(package->worlds.items[i]->declaration.name, name))
      return package->worlds.items[i];
  }
  return NULL;
}

tn_wit_type *tn_wit_interface_type(const tn_wit_interface *interface, tn_str name) {
  for (uint32_t i = 0; i < interface->types.len; i++) {
    if (tn_str_equal(interface->types.items[i]->declaration.name, name))
      return interface->types.items[i];
  }
  return NULL;
}

static const char *definition_id(tn_arena *arena, const tn_wit_package *package, tn_str name) {
  tn_wit_package_name in = package->name;
  return tn_arena_format(
             arena, "%" TN_STR_FORMAT ":%" TN_STR_FORMAT "/%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
             TN_STR_ARG(in.name_space), TN_STR_ARG(in.name), TN_STR_ARG(name),
             in.version.data == NULL ? "" : "@", TN_STR_ARG(in.version))
      .data;
}

const char *tn_wit_interface_id(tn_arena *arena, const tn_wit_interface *interface) {
  return definition_id(arena, interface->package, interface->declaration.name);
}

const char *tn_wit_world_id(tn_arena *arena, const tn_wit_world *world) {
  return definition_id(arena, world->package, world->declaration.name);
}

const tn_wit_type *tn_wit_type_root(const tn_wit_type *type) {
  while (type != NULL && type->kind == TN_WIT_KIND_ALIAS)
    type = type->element;
  return type;
}

/* ---- worlds by name -------------------------------------------------------------------------- */

static void append_worlds(tn_buffer *out, const tn_wit_package *package) {
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    if (i > 0) tn_buffer_append_text(out, ", ");
    tn_buffer_append_str(out, package->worlds.items[i]->declaration.name);
  }
}

/* Adds the worlds that there are as a hint. */
static tn_error *hint_worlds(tn_error *error, const tn_wit_package *package) {
  tn_buffer names = {0};
  append_worlds(&names, package);
  if (names.len > 0) {
    error = tn_error_set_hint(error, "there %s %" TN_STR_FORMAT,
                              package->worlds.len == 1 ? "is only" : "are",
                              TN_STR_ARG(tn_buffer_str(&names)));
  }
  tn_buffer_free(&names);
  return error;
}

static tn_error *find_only_world(const tn_wit_package *package, const tn_wit_world **out) {
  tn_wit_package_name name = package->name;
  if (package->worlds.len == 1) {
    *out = package->worlds.items[0];
    return NULL;
  }
  const char *problem =
      package->worlds.len == 0 ? "no world" : "more than one world: name the one that is meant";
  return hint_worlds(tn_error_new(TN_ERROR_NOT_FOUND,
                                  "package %" TN_STR_FORMAT ":%" TN_STR_FORMAT " has %s",
                                  TN_STR_ARG(name.name_space), TN_STR_ARG(name.name), problem),
                     package);
}

/* "a:b/world", with or without a version. */
static tn_error *find_foreign_world(const tn_wit_set *set, tn_str text, const tn_wit_world **out) {
  tn_name name;
  TN_TRY(tn_error_wrap(tn_name_parse(text, &name),
                       "'%" TN_STR_FORMAT "' is not the name of a world", TN_STR_ARG(text)));
  const tn_wit_package *package = tn_wit_set_find(
      set, (tn_wit_package_name){name.package_namespace, name.package, name.version});
  *out = package == NULL ? NULL : tn_wit_package_world(package, name.interface);
  if (*out != NULL) return NULL;
  tn_error *error =
      tn_error_new(TN_ERROR_NOT_FOUND, "there is no world %" TN_STR_FORMAT, TN_STR_ARG(text));
  return package == NULL ? error : hint_worlds(error, package);
}

tn_error *tn_wit_find_world_named(const tn_wit_set *set, const tn_wit_package *package, tn_str name,
                                  const tn_wit_world **out) {
  if (name.data == NULL) return find_only_world(package, out);
  if (tn_str_find(name, '/', 0) < name.len) return find_foreign_world(set, name, out);
  *out = tn_wit_package_world(package, name);
  if (*out != NULL) return NULL;
  return hint_worlds(
      tn_error_new(TN_ERROR_NOT_FOUND, "there is no world '%" TN_STR_FORMAT "'", TN_STR_ARG(name)),
      package);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Where an offset is in a text. */
typedef struct text_position {
  size_t line;   /* from 1 */
  size_t column; /* from 1, in characters */
  size_t line_start;
  size_t line_end;
} text_position;

static bool starts_character(char byte) {
  return ((uint8_t)byte & 0xc0) != 0x80;
}

static text_position find_position(tn_str text, size_t offset) {
  text_position position = {.line = 1, .column = 1};
  if (offset > text.len) offset = text.len;
  for (size_t i = tn_str_find(text, '\n', 0); i < offset; i = tn_str_find(text, '\n', i + 1)) {
    position.line++;
    position.line_start = i + 1;
  }
  for (size_t i = position.line_start; i < offset; i++)
    position.column += starts_character(text.data[i]);
  position.line_end = tn_str_find(text, '\n', offset);
  if (position.line_end > offset && text.data[position.line_end - 1] == '\r') position.line_end--;
  return position;
}

/* The line, or of a long one what is around the place, with a caret under it. */
static void append_excerpt(tn_buffer *out, tn_str text, size_t offset,
                           const text_position *position) {
  enum { BEFORE = 80, BEHIND = 60 };
  size_t start = position->line_start;
  size_t end = position->line_end;
  if (offset > text.len) offset = text.len;
  if (offset - start > BEFORE) start = offset - BEFORE;
  if (end > offset + BEHIND) end = offset + BEHIND;
  while (start < offset && !starts_character(text.data[start]))
    start++;
  while (end < text.len && end > offset && !starts_character(text.data[end]))
    end--;
  tn_buffer_append_text(out, "\n    ");
  tn_buffer_append_str(out, tn_str_slice(text, start, end));
  tn_buffer_append_text(out, "\n    ");
  for (size_t i = start; i < offset; i++) {
    if (starts_character(text.data[i]))
      tn_buffer_append_byte(out, text.data[i] == '\t' ? '\t' : ' ');
  }
  tn_buffer_append_byte(out, '^');
}

static tn_error *error_at(tn_error_kind kind, tn_wit_place place, const char *format,
                          va_list arguments) {
  tn_buffer message = {0};
  text_position position = {0};
  if (place.source != NULL) {
    position = find_position(place.source->text, place.offset);
    tn_buffer_format(&message, "%" TN_STR_FORMAT ":%zu:%zu: ", TN_STR_ARG(place.source->path),
                     position.line, position.column);
  }
  tn_buffer_vformat(&message, format, arguments);
  if (place.source != NULL) append_excerpt(&message, place.source->text, place.offset, &position);
  tn_error *error =
      message.failed ? tn_error_no_memory()
                     : tn_error_new(kind, "%" TN_STR_FORMAT, TN_STR_ARG(tn_buffer_str(&message)));
  tn_buffer_free(&message);
  return place.source == NULL ? error : tn_error_set_place(error, position.line, position.column);
}

tn_error *tn_wit_place_error(tn_wit_place place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = error_at(TN_ERROR_INVALID, place, format, arguments);
  va_end(arguments);
  return error;
}

tn_error *tn_wit_place_limit(tn_wit_place place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = error_at(TN_ERROR_LIMIT, place, format, arguments);
  va_end(arguments);
  return error;
}
