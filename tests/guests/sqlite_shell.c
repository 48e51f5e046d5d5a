// A small shell for SQLite: `sqlite_shell DATABASE` runs the statements of standard input and prints each row,
// its columns divided by `|`. Ends with 0, or with SQLite's error code.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int print_row(void *context, int count, char **values, char **names) {
  (void)context;
  (void)names;
  for (int i = 0; i < count; i++) {
    printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
  }
  printf("\n");
  return 0;
}

static char *read_all(FILE *file) {
  size_t size = 0, capacity = 4096;
  char *text = malloc(capacity);
  while (text) {
    size += fread(text + size, 1, capacity - 1 - size, file);
    if (size < capacity - 1) break;
    capacity *= 2;
    text = realloc(text, capacity);
  }
  if (text) text[size] = '\0';
  return text;
}

int main(int argc, char **argv) {
  char *statements = read_all(stdin);
  if (argc != 2 || !statements) return 100;
  sqlite3 *database = NULL;
  char *message = NULL;
  int code = sqlite3_open(argv[1], &database);
  if (code == SQLITE_OK) code = sqlite3_exec(database, statements, print_row, NULL, &message);
  if (code != SQLITE_OK)
    fprintf(stderr, "error: %s\n", message ? message : sqlite3_errmsg(database));
  sqlite3_free(message);
  sqlite3_close(database);
  free(statements);
  return code;
}
