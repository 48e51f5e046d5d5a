// The one C++ file: toml++ behind the C functions of toml.h.
//
// What is wrong with a document is a value here (TOML_EXCEPTIONS 0); the only exception that can arise is that memory
// has run out.
/* Text of a file can break what the library asserts; without its assertions it reports an error for it. */
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "serve/settings/toml.h"

// base/arena.h is C, and more than is needed.
extern "C" {
void *tn_arena_alloc(tn_arena *arena, size_t size, size_t alignment);
tn_str tn_arena_copy(tn_arena *arena, tn_str string);
}

namespace {

void *allocate(tn_arena *arena, size_t size, size_t alignment) {
  void *made = tn_arena_alloc(arena, size, alignment);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

tn_str copy(tn_arena *arena, std::string_view text) {
  tn_str copied = tn_arena_copy(arena, tn_str{text.data(), text.size()});
  if (copied.data == nullptr) throw std::bad_alloc();
  return copied;
}

tn_toml *make_items(tn_arena *arena, size_t count) {
  if (count == 0) return nullptr;
  if (count > UINT32_MAX) throw std::bad_alloc();
  void *items = allocate(arena, count * sizeof(tn_toml), alignof(tn_toml));
  std::memset(items, 0, count * sizeof(tn_toml));
  return static_cast<tn_toml *>(items);
}

using entry = toml::table::const_iterator;

bool is_before(const entry &a, const entry &b) {
  return a->first.source().begin < b->first.source().begin;
}

void convert(tn_arena *arena, const toml::node &node, tn_toml *out);

void convert_table(tn_arena *arena, const toml::table &table, tn_toml *out) {
  std::vector<entry> entries;
  for (entry at = table.cbegin(); at != table.cend(); ++at)
    entries.push_back(at);
  std::stable_sort(entries.begin(), entries.end(), is_before);
  out->kind = TN_TOML_TABLE;
  out->items = make_items(arena, entries.size());
  for (const entry &at : entries) {
    tn_toml *item = &out->items[out->count++];
    item->key = copy(arena, at->first.str());
    item->key_line = at->first.source().begin.line;
    item->key_column = at->first.source().begin.column;
    convert(arena, at->second, item);
  }
}

void convert_array(tn_arena *arena, const toml::array &array, tn_toml *out) {
  out->kind = TN_TOML_ARRAY;
  out->items = make_items(arena, array.size());
  for (const toml::node &element : array)
    convert(arena, element, &out->items[out->count++]);
}

// As deep as values nest, which the parser bounds, and as dotted keys do, which has_endless_key bounds.
void convert(tn_arena *arena, const toml::node &node, tn_toml *out) {
  out->line = node.source().begin.line;
  out->column = node.source().begin.column;
  if (out->line == 0) { // an implicit table
    out->line = out->key_line;
    out->column = out->key_column;
  }
  switch (node.type()) {
  case toml::node_type::table:
    convert_table(arena, *node.as_table(), out);
    break;
  case toml::node_type::array:
    convert_array(arena, *node.as_array(), out);
    break;
  case toml::node_type::string:
    out->kind = TN_TOML_TEXT;
    out->text = copy(arena, node.as_string()->get());
    break;
  case toml::node_type::integer:
    out->kind = TN_TOML_INTEGER;
    out->integer = node.as_integer()->get();
    break;
  case toml::node_type::floating_point:
    out->kind = TN_TOML_FLOAT;
    out->number = node.as_floating_point()->get();
    break;
  case toml::node_type::boolean:
    out->kind = TN_TOML_BOOLEAN;
    out->boolean = node.as_boolean()->get();
    break;
  default:
    out->kind = TN_TOML_TIME;
    break;
  }
}

// A dotted key nests a table for each part, and toml++ takes them down recursively. Counts dots between characters that
// are in no key; a text with so many is not in any configuration either.
bool has_endless_key(tn_str text, tn_toml_mistake *mistake) {
  const unsigned limit = 2000;
  unsigned dots = 0;
  uint32_t line = 1;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c == '.' && ++dots > limit) {
      mistake->line = line;
      mistake->column = 1;
      std::strcpy(mistake->message, "a key has too many parts");
      return true;
    }
    if (c == '\n') line++;
    if (std::strchr("\n=,[]{}", c) != nullptr) dots = 0;
  }
  return false;
}

void report(const toml::parse_error &error, tn_toml_mistake *mistake) {
  mistake->line = error.source().begin.line;
  mistake->column = error.source().begin.column;
  std::string_view text = error.description();
  size_t length = std::min(text.size(), sizeof mistake->message - 1);
  std::memcpy(mistake->message, text.data(), length);
  mistake->message[length] = '\0';
}

} // namespace

extern "C" tn_toml_verdict tn_toml_parse(tn_arena *arena, tn_str text, tn_toml *out,
                                         tn_toml_mistake *mistake) {
  if (has_endless_key(text, mistake)) return TN_TOML_WRONG;
  try {
    toml::parse_result result = toml::parse(std::string_view(text.data, text.len));
    if (!result) {
      report(result.error(), mistake);
      return TN_TOML_WRONG;
    }
    *out = tn_toml{};
    convert_table(arena, result.table(), out);
    out->line = out->column = 1;
    return TN_TOML_FINE;
  } catch (const std::bad_alloc &) {
    return TN_TOML_NO_MEMORY;
  }
}

extern "C" const tn_toml *tn_toml_get(const tn_toml *table, const char *key) {
  size_t length = std::strlen(key);
  for (uint32_t i = 0; i < table->count; i++) {
    const tn_toml *item = &table->items[i];
    if (item->key.len == length && std::memcmp(item->key.data, key, length) == 0) return item;
  }
  return nullptr;
}
