/* Every case of tests/wit: whether it is accepted, what its worlds import and export, and that its
 * printed form and its binary form read back to the same. tests/wit/README.md describes the cases. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf.h"
#include "wit/package/package.h"

typedef TN_VEC(tn_str) lines;

/* One case, as it is written. */
typedef struct wit_case {
  const char *file;
  uint32_t *failures;
  tn_str title;
  lines text;      /* all its lines but these: */
  lines facts;     /* "#> …" */
  tn_str features; /* "#features …" */
  tn_str here;     /* "#here …" */
  tn_str error;    /* "#error …" */
} wit_case;

typedef struct wit_corpus {
  tn_arena arena;
  char folder[64]; /* for the files of one case */
  uint32_t count;
  uint32_t failures;
} wit_corpus;

/* ---- reading cases --------------------------------------------------------------------------- */

static bool take(tn_str line, const char *start, tn_str *rest) {
  tn_str prefix = tn_str_from(start);
  if (!tn_str_starts_with(line, prefix)) return false;
  *rest = tn_str_slice(line, prefix.len, line.len);
  return true;
}

static void push(tn_arena *arena, lines *list, tn_str line) {
  tn_str *slot = TN_VEC_PUSH(arena, list);
  assert_non_null(slot);
  *slot = line;
}

static void read_line(tn_arena *arena, wit_case *out, tn_str line) {
  tn_str fact;
  if (take(line, "#> ", &fact)) {
    push(arena, &out->facts, fact);
  } else if (!take(line, "#features ", &out->features) && !take(line, "#here ", &out->here) &&
             !take(line, "#error ", &out->error)) {
    push(arena, &out->text, line);
  }
}

/* ---- files of a case ------------------------------------------------------------------------- */

/* <U+202E> stands for the character. */
static void append_unescaped(tn_buffer *out, tn_str line) {
  for (size_t at = 0; at < line.len;) {
    tn_str rest = tn_str_slice(line, at, line.len);
    if (tn_str_starts_with(rest, TN_STR("<U+"))) {
      uint8_t bytes[4];
      uint32_t character = (uint32_t)strtoul(rest.data + 3, NULL, 16);
      tn_buffer_append(out, bytes, tn_utf8_encode(character, bytes));
      at += tn_str_find(rest, '>', 0) + 1;
    } else {
      tn_buffer_append_byte(out, (uint8_t)line.data[at++]);
    }
  }
  tn_buffer_append_byte(out, '\n');
}

/* Makes the folders that a path goes through. */
static void make_folders(char *path, size_t from) {
  for (size_t i = from; path[i] != '\0'; i++) {
    if (path[i] != '/') continue;
    path[i] = '\0';
    mkdir(path, 0700);
    path[i] = '/';
  }
}

static void write_file(const wit_corpus *corpus, tn_str name, const tn_buffer *text) {
  char path[256];
  snprintf(path, sizeof path, "%s/%.*s", corpus->folder, TN_STR_ARG(name));
  make_folders(path, strlen(corpus->folder) + 1);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
  assert_int_equal(fclose(file), 0);
}

/* Writes the files; whether there is only case.wit. */
static bool write_files(const wit_corpus *corpus, const wit_case *c) {
  tn_buffer text = {0};
  tn_str name = {0};
  for (uint32_t i = 0; i < c->text.len; i++) {
    tn_str next;
    if (take(c->text.items[i], "#file ", &next)) {
      if (name.data != NULL) write_file(corpus, name, &text);
      text.len = 0;
      name = next;
    } else {
      append_unescaped(&text, c->text.items[i]);
    }
  }
  write_file(corpus, name.data == NULL ? TN_STR("case.wit") : name, &text);
  tn_buffer_free(&text);
  return name.data == NULL;
}

static void remove_tree(const char *path) {
  DIR *folder = opendir(path);
  if (folder != NULL) {
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      char inner[512];
      snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
      remove_tree(inner);
    }
    closedir(folder);
  }
  remove(path);
}

/* ---- checking -------------------------------------------------------------------------------- */

/* Says what is wrong with a case; the others are still to be looked at. */
#define fail_case(c, format, ...)                                                                  \
  do {                                                                                             \
    (*(c)->failures)++;                                                                            \
    print_error("%s: %.*s: " format "\n", (c)->file, TN_STR_ARG((c)->title), __VA_ARGS__);         \
  } while (0)

static void add_features(tn_wit_set *set, const wit_case *c) {
  set->all_features = tn_str_equal(c->features, TN_STR("*"));
  for (size_t start = 0; start < c->features.len;) {
    size_t end = tn_str_find(c->features, ' ', start);
    tn_str *slot = TN_VEC_PUSH(set->arena, &set->features);
    assert_non_null(slot);
    *slot = tn_str_slice(c->features, start, end);
    start = end + 1;
  }
}

static int compare_lines(const void *a, const void *b) {
  const tn_str *x = a, *y = b;
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void add_items(tn_arena *arena, lines *out, const char *word, const tn_wit_world_item *items,
                      uint32_t count) {
  uint32_t start = out->len;
  for (uint32_t i = 0; i < count; i++)
    push(arena, out, tn_arena_format(arena, "  %s %.*s", word, TN_STR_ARG(items[i].name)));
  if (count > 0) qsort(out->items + start, count, sizeof *out->items, compare_lines);
}

/* The worlds of a package in the form of the facts. */
static void list_worlds(tn_arena *arena, const tn_wit_package *package, lines *out) {
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    const tn_wit_world *world = package->worlds.items[i];
    push(arena, out, tn_arena_format(arena, "world %.*s", TN_STR_ARG(world->declaration.name)));
    add_items(arena, out, "import", world->imports.items, world->imports.len);
    add_items(arena, out, "export", world->exports.items, world->exports.len);
  }
}

/* The worlds that the facts tell of, in the order of their names. */
static tn_str join_worlds(tn_arena *arena, const lines *list, uint32_t first) {
  lines worlds = {0};
  for (uint32_t i = first; i < list->len; i++) {
    if (list->items[i].data[0] != ' ') {
      push(arena, &worlds, list->items[i]);
    } else {
      tn_str *last = &worlds.items[worlds.len - 1];
      *last = tn_arena_format(arena, "%.*s\n%.*s", TN_STR_ARG(*last), TN_STR_ARG(list->items[i]));
    }
  }
  if (worlds.len > 0) qsort(worlds.items, worlds.len, sizeof *worlds.items, compare_lines);
  tn_str text = TN_STR("");
  for (uint32_t i = 0; i < worlds.len; i++)
    text = tn_arena_format(arena, "%.*s%.*s\n", TN_STR_ARG(text), TN_STR_ARG(worlds.items[i]));
  return text;
}

static void check_worlds(tn_arena *arena, const wit_case *c, const tn_wit_package *package) {
  bool has_facts = tn_str_equal(c->facts.items[0], TN_STR("accepted"));
  if (!has_facts) return;
  lines ours = {0};
  list_worlds(arena, package, &ours);
  tn_str here = join_worlds(arena, &ours, 0);
  tn_str there = join_worlds(arena, &c->facts, 1);
  if (tn_str_equal(here, there)) return;
  fail_case(c, "the worlds are\n%.*sand not\n%.*s", TN_STR_ARG(here), TN_STR_ARG(there));
}

/* Prints, reads that, and prints again. */
static void check_round_trip(tn_arena *arena, const wit_case *c, const tn_wit_set *set,
                             const tn_wit_package *package) {
  tn_buffer first = {0};
  tn_buffer second = {0};
  tn_wit_package *again = NULL;
  tn_wit_set other = {.arena = arena};
  add_features(&other, c);
  assert_ok(tn_wit_print_package(&first, set, package, true));
  tn_wit_source source = {TN_STR("printed.wit"), tn_arena_copy(arena, tn_buffer_str(&first))};
  tn_error *error = tn_wit_parse_package(&other, &source, 1, &again);
  if (error != NULL) {
    fail_case(c, "what is printed is refused: %s\n%.*s", tn_error_get_message(error),
              TN_STR_ARG(tn_buffer_str(&first)));
    tn_error_delete(error);
    tn_buffer_free(&first);
    return;
  }
  assert_ok(tn_wit_print_package(&second, &other, again, true));
  if (!tn_str_equal(tn_buffer_str(&first), tn_buffer_str(&second)))
    fail_case(c, "what is printed is read as something else:\n%.*s",
              TN_STR_ARG(tn_buffer_str(&first)));
  lines before = {0}, after = {0};
  list_worlds(arena, package, &before);
  list_worlds(arena, again, &after);
  assert_int_equal(before.len, after.len);
  for (uint32_t i = 0; i < before.len; i++)
    assert_true(tn_str_equal(before.items[i], after.items[i]));
  tn_buffer_free(&first);
  tn_buffer_free(&second);
}

/* Writes the binary form, reads that, and prints it; a package without anything has no name there. */
static void check_binary(tn_arena *arena, const wit_case *c, const tn_wit_set *set,
                         const tn_wit_package *package) {
  if (package->interfaces.len == 0 && package->worlds.len == 0) return;
  tn_buffer binary = {0}, first = {0}, second = {0};
  tn_wit_package *again = NULL;
  const tn_component_ast *component = NULL;
  tn_wit_set other = {.arena = arena};
  add_features(&other, c);
  assert_ok(tn_wit_print_package(&first, set, package, false));
  assert_ok(tn_wit_encode_package(&binary, package));
  assert_ok(tn_component_decode(arena, tn_buffer_str(&binary), &component));
  tn_error *error = tn_wit_decode(&other, component, &again);
  if (error != NULL) {
    fail_case(c, "its binary form is refused: %s", tn_error_get_message(error));
    tn_error_delete(error);
  } else {
    assert_ok(tn_wit_print_package(&second, &other, again, false));
    if (!tn_str_equal(tn_buffer_str(&first), tn_buffer_str(&second)))
      fail_case(c, "its binary form is read as something else:\n%.*sand not\n%.*s",
                TN_STR_ARG(tn_buffer_str(&second)), TN_STR_ARG(tn_buffer_str(&first)));
  }
  tn_buffer_free(&binary);
  tn_buffer_free(&first);
  tn_buffer_free(&second);
}

static bool is_to_be_accepted(const wit_case *c) {
  tn_str decides = c->here.data != NULL ? c->here : c->facts.items[0];
  return tn_str_starts_with(decides, TN_STR("accepted"));
}

static void check_error(const wit_case *c, tn_error *error) {
  if (is_to_be_accepted(c)) fail_case(c, "refused: %s", tn_error_get_message(error));
  tn_error_kind kind = tn_error_get_kind(error);
  assert_true(kind == TN_ERROR_INVALID || kind == TN_ERROR_LIMIT);
  char wanted[256];
  snprintf(wanted, sizeof wanted, "%.*s", TN_STR_ARG(c->error));
  if (strstr(tn_error_get_message(error), wanted) == NULL)
    fail_case(c, "the message is: %s", tn_error_get_message(error));
  tn_error_delete(error);
}

static void run_case(wit_corpus *corpus, const wit_case *c) {
  if (c->facts.len == 0) {
    fail_case(c, "%s", "measure.py has not been run for it");
    return;
  }
  corpus->count++;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  char path[128];
  assert_int_equal(mkdir(corpus->folder, 0700), 0);
  bool is_file = write_files(corpus, c);
  snprintf(path, sizeof path, "%s%s", corpus->folder, is_file ? "/case.wit" : "");
  add_features(&set, c);
  tn_error *error = tn_wit_load(&set, path, &package);
  if (error != NULL) {
    check_error(c, error);
  } else {
    if (!is_to_be_accepted(c)) fail_case(c, "%s", "accepted");
    check_worlds(&arena, c, package);
    check_round_trip(&arena, c, &set, package);
    check_binary(&arena, c, &set, package);
  }
  tn_arena_free(&arena);
  remove_tree(corpus->folder);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void run_file(wit_corpus *corpus, const char *name) {
  char path[512];
  tn_str text;
  wit_case c = {0};
  snprintf(path, sizeof path, TESTS_FOLDER "/wit/%s", name);
  assert_ok(tn_file_read(&corpus->arena, path, 1 << 20, &text));
  for (size_t start = 0; start < text.len;) {
    size_t end = tn_str_find(text, '\n', start);
    tn_str line = tn_str_slice(text, start, end);
    tn_str title;
    start = end + 1;
    if (take(line, "## ", &title)) {
      if (c.title.data != NULL) run_case(corpus, &c);
      c = (wit_case){.file = name, .title = title, .failures = &corpus->failures};
    } else if (c.title.data != NULL) {
      read_line(&corpus->arena, &c, line);
    }
  }
  if (c.title.data != NULL) run_case(corpus, &c);
}

static void all_cases_end_as_written(void **state) {
  (void)state;
  static const char *const files[] = {"functions.txt", "gates.txt",     "include.txt",
                                      "packages.txt",  "resources.txt", "types.txt",
                                      "use.txt",       "words.txt",     "worlds.txt"};
  wit_corpus corpus = {0};
  snprintf(corpus.folder, sizeof corpus.folder, "/tmp/tenon-wit-%d", (int)getpid());
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    run_file(&corpus, files[i]);
  assert_int_equal(corpus.failures, 0);
  assert_true(corpus.count > 300);
  tn_arena_free(&corpus.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_cases_end_as_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
