/* Custom sections in the text format. */
#include "component/binary/sections.h"
#include "compose/print/core.h"

/* Whether the text reader makes the same of the section: it knows three fields, and leaves out those without
 * contents. */
static bool is_ordinary(const tn_producers *producers) {
  static const char *const fields[] = {"language", "processed-by", "sdk"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  bool seen[FIELDS] = {false};
  for (uint32_t i = 0; i < producers->items.len; i++) {
    tn_str field = producers->items.items[i].field;
    size_t k = 0;
    while (k < FIELDS && !tn_str_equal(field, tn_str_from(fields[k])))
      k++;
    if (k == FIELDS) return false;
    bool continues = i > 0 && tn_str_equal(field, producers->items.items[i - 1].field);
    if (seen[k] && !continues) return false;
    seen[k] = true;
  }
  return producers->items.len > 0;
}

static void print_producers(tn_printer *p, const tn_producers *producers) {
  uint64_t opened = tn_print_open(p, "@producers");
  for (uint32_t i = 0; i < producers->items.len; i++) {
    const tn_producer *producer = &producers->items.items[i];
    tn_print_newline(p, TN_NOWHERE);
    tn_print_text(p, "(");
    tn_buffer_append_str(&p->out, producer->field);
    tn_print_text(p, " ");
    tn_print_string(p, producer->name);
    tn_print_text(p, " ");
    tn_print_string(p, producer->version);
    tn_print_text(p, ")");
  }
  tn_print_close(p, opened);
}

static bool read_producers(tn_arena *arena, const tn_custom_section *custom, tn_producers *out) {
  if (!tn_str_equal(custom->name, TN_STR("producers"))) return false;
  tn_error *error = tn_producers_read(arena, custom->bytes, out);
  bool is_readable = error == NULL;
  tn_error_delete(error);
  return is_readable && is_ordinary(out);
}

static void print_raw(tn_printer *p, const tn_custom_section *custom, const char *place) {
  tn_print_text(p, "(@custom ");
  tn_print_string(p, custom->name);
  if (place != NULL) tn_buffer_format(&p->out, " (%s)", place);
  tn_print_text(p, " ");
  if (p->is_skeleton) {
    tn_print_text(p, "...");
  } else {
    tn_print_bytes(p, custom->bytes);
  }
  tn_print_text(p, ")");
}

void tn_print_custom(tn_printer *p, const tn_custom_section *custom, const char *place) {
  tn_arena arena = {0};
  tn_producers producers = {0};
  tn_print_newline(p, custom->offset);
  if (read_producers(&arena, custom, &producers)) {
    print_producers(p, &producers);
  } else {
    print_raw(p, custom, place);
  }
  tn_arena_free(&arena);
}
