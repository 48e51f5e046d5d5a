#include "compose/print/identifiers.h"

#include <stdlib.h>

#include "base/map.h"

static bool is_identifier_character(uint8_t byte) {
  return byte > 0x20 && byte < 0x7f && strchr("\"(),;[]{}", byte) == NULL;
}

tn_identifier tn_identifier_of(tn_str name) {
  tn_identifier identifier = {.name = name};
  for (size_t i = 0; i < name.len; i++) {
    if (!is_identifier_character((uint8_t)name.data[i])) identifier.kind = TN_IDENTIFIER_QUOTED;
  }
  /* Those that begin with # are for made names, which so are nobody else's. */
  if (name.len == 0 || name.data[0] == '#') identifier.kind = TN_IDENTIFIER_MADE;
  return identifier;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* `used` has the names of this space; the value says where, so that each outer thing needs no map of its own. */
static tn_error *read_name(tn_arena *arena, tn_reader *in, uint32_t outer, tn_map *used,
                           tn_identifiers *out) {
  uint32_t index;
  tn_str name;
  TN_TRY(tn_read_u32(in, &index));
  TN_TRY(tn_read_name(in, &name));
  tn_identifier *entry = TN_VEC_PUSH(arena, &out->entries);
  if (entry == NULL) return tn_error_no_memory();
  *entry = tn_identifier_of(name);
  entry->key = tn_identifier_key(outer, index);
  if (used == NULL || name.len == 0) return NULL;
  void *here = (void *)(uintptr_t)((uint64_t)outer + 1);
  if (tn_map_get(used, name) == here) entry->kind = TN_IDENTIFIER_MADE;
  return tn_map_put(arena, used, name, here) ? NULL : tn_error_no_memory();
}

static tn_error *read_names(tn_arena *arena, tn_reader *in, uint32_t outer, tn_map *used,
                            tn_identifiers *out) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "names", &count));
  for (uint32_t i = 0; i < count; i++)
    TN_TRY(read_name(arena, in, outer, used, out));
  return NULL;
}

/* By key, and those with the same one as they came. */
static int compare(const void *left, const void *right) {
  const tn_identifier *a = left, *b = right;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  if (a->name.data == b->name.data) return 0;
  return a->name.data < b->name.data ? -1 : 1;
}

/* They ascend already in all files but odd ones. */
void tn_identifiers_sort(tn_identifiers *names) {
  for (uint32_t i = 1; i < names->entries.len; i++) {
    if (names->entries.items[i - 1].key < names->entries.items[i].key) continue;
    qsort(names->entries.items, names->entries.len, sizeof *names->entries.items, compare);
    return;
  }
}

tn_error *tn_identifiers_read(tn_arena *arena, tn_reader *in, const char *what,
                              tn_identifiers *out) {
  tn_map used = {0};
  out->what = what;
  return read_names(arena, in, 0, &used, out);
}

tn_error *tn_identifiers_read_indirect(tn_arena *arena, tn_reader *in, const char *what,
                                       bool may_repeat, tn_identifiers *out) {
  tn_map used = {0};
  uint32_t count, outer;
  tn_error *error = tn_read_count(in, TN_MAX_ITEMS, "names", &count);
  out->what = what;
  for (uint32_t i = 0; error == NULL && i < count; i++) {
    error = tn_read_u32(in, &outer);
    if (error == NULL) error = read_names(arena, in, outer, may_repeat ? NULL : &used, out);
  }
  return error;
}

/* The last one of those with the key. */
const tn_identifier *tn_identifiers_find(const tn_identifiers *names, uint64_t key) {
  uint32_t from = 0, to = names->entries.len; /* those before `from` are not above `key` */
  while (from < to) {
    uint32_t middle = from + (to - from) / 2;
    if (names->entries.items[middle].key <= key) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  if (from == 0 || names->entries.items[from - 1].key != key) return NULL;
  return &names->entries.items[from - 1];
}

/* ---- writing -------------------------------------------------------------------------------------------- */

/* Long names that are used often are what could fill the memory before the text is found to be too long. */
void tn_print_identifier(tn_printer *p, const char *what, const tn_identifier *identifier) {
  if (p->out.len > p->left) return;
  if (identifier->kind == TN_IDENTIFIER_PLAIN) {
    tn_print_text(p, "$");
    tn_buffer_append_str(&p->out, identifier->name);
    return;
  }
  tn_print_text(p, "$\"");
  if (identifier->kind == TN_IDENTIFIER_MADE)
    tn_buffer_format(&p->out, "#%s%u ", what, (uint32_t)identifier->key);
  tn_print_string_contents(p, identifier->name);
  tn_print_text(p, "\"");
}

void tn_print_definition(tn_printer *p, const char *what, const tn_identifier *identifier) {
  tn_print_identifier(p, what, identifier);
  if (identifier->kind != TN_IDENTIFIER_MADE) return;
  tn_print_text(p, " (@name ");
  tn_print_string(p, identifier->name);
  tn_print_text(p, ")");
}

void tn_print_index(tn_printer *p, const tn_identifiers *names, uint32_t index) {
  const tn_identifier *identifier = tn_identifiers_find(names, index);
  if (identifier != NULL) {
    tn_print_identifier(p, names->what, identifier);
  } else {
    tn_print_number(p, index);
  }
}

void tn_print_new(tn_printer *p, const tn_identifiers *names, uint32_t index) {
  const tn_identifier *identifier = tn_identifiers_find(names, index);
  if (identifier != NULL) {
    tn_print_definition(p, names->what, identifier);
    tn_print_text(p, " ");
  }
  tn_print_text(p, "(;");
  tn_print_number(p, index);
  tn_print_text(p, ";)");
}
