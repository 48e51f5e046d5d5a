#include "serve/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"

/* A file that is replaced or written is left alone until it has stayed the same for so long. */
static const uint64_t SETTLE = 100000000;

/* Opening and closing without a change, and writes that go on, are no reason to look. */
enum { EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR };

static void look_later(tn_watch *watch) {
  tn_error_delete(tn_alarm_set(watch->loop, &watch->settle, tn_loop_now() + SETTLE));
}

/* ---- what happens ------------------------------------------------------------------------------------- */

static void look(tn_alarm *alarm) {
  tn_watch *watch = TN_CONTAINER(alarm, tn_watch, settle);
  bool is_resting = true, has_changed = false;
  for (uint32_t i = 0; i < watch->count; i++) {
    tn_watched_file *file = &watch->files[i];
    tn_file_identity now;
    tn_file_identity_take(file->path, &now);
    is_resting &= tn_file_identity_equal(&now, &file->seen);
    has_changed |= !tn_file_identity_equal(&now, &file->loaded);
    file->seen = now;
  }
  if (!is_resting) {
    look_later(watch);
  } else if (has_changed) {
    watch->changed(watch->data);
  }
}

static void on_events(tn_io *io, int events) {
  (void)events;
  tn_watch *watch = TN_CONTAINER(io, tn_watch, io);
  _Alignas(struct inotify_event) char buffer[4096];
  bool has_any = false;
  while (read(watch->descriptor, buffer, sizeof buffer) > 0)
    has_any = true;
  if (has_any) look_later(watch);
}

/* ---- what is watched ------------------------------------------------------------------------------------ */

static void watch_folder_of(tn_watch *watch, const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (size >= sizeof folder) return;
  memcpy(folder, slash == NULL ? "." : path, slash == NULL ? (size = 1) : size);
  folder[size] = '\0';
  /* A folder that is not there, or one watch too many: a change there goes unseen, and SIGHUP is left. */
  inotify_add_watch(watch->descriptor, folder, EVENTS);
}

static tn_error *open_inotify(tn_watch *watch) {
  int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (descriptor < 0) return tn_error_new(TN_ERROR_IO, "cannot watch files: %s", strerror(errno));
  tn_error *error = tn_io_start(&watch->io, watch->loop, descriptor, on_events);
  if (error != NULL) {
    close(descriptor);
    return error;
  }
  watch->descriptor = descriptor;
  return NULL;
}

static void close_inotify(tn_watch *watch) {
  if (watch->descriptor < 0) return;
  tn_io_stop(&watch->io);
  close(watch->descriptor);
  watch->descriptor = -1;
}

static const tn_watched_file *find(const tn_watched_file *files, uint32_t count, const char *path) {
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(files[i].path, path) == 0) return &files[i];
  return NULL;
}

static void free_files(tn_watched_file *files, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    tn_free(files[i].path);
  tn_free(files);
}

/* The new list while it is made; one that was watched before keeps what is known of it. */
typedef struct file_list {
  tn_watched_file *items;
  uint32_t count;
  const tn_watch *before;
  bool failed;
} file_list;

static void add(file_list *list, const char *path) {
  if (path == NULL || find(list->items, list->count, path) != NULL) return;
  size_t size = strlen(path) + 1;
  char *copy = tn_malloc(size);
  if (copy == NULL) {
    list->failed = true;
    return;
  }
  tn_watched_file *file = &list->items[list->count++];
  const tn_watched_file *known = find(list->before->files, list->before->count, path);
  file->path = memcpy(copy, path, size);
  if (known != NULL) {
    file->loaded = known->loaded;
  } else {
    tn_file_identity_take(path, &file->loaded);
  }
  file->seen = file->loaded;
}

static void add_all(file_list *list, const tn_serve_config *config) {
  add(list, config->file);
  for (uint32_t i = 0; i < config->component_count; i++) {
    add(list, config->components[i].path);
    for (uint32_t j = 0; j < config->components[i].link_count; j++)
      add(list, config->components[i].links[j].path);
  }
  for (uint32_t i = 0; i < config->listen_count; i++) {
    add(list, config->listens[i].certificate_path);
    add(list, config->listens[i].key_path);
    add(list, config->listens[i].client_ca_path);
  }
}

static void watch_folders(tn_watch *watch) {
  for (uint32_t i = 0; i < watch->count; i++) {
    char real[PATH_MAX];
    watch_folder_of(watch, watch->files[i].path);
    if (realpath(watch->files[i].path, real) != NULL) watch_folder_of(watch, real);
  }
}

tn_error *tn_watch_set(tn_watch *watch, const tn_serve_config *config) {
  size_t room = 1 + (size_t)config->component_count + 3 * (size_t)config->listen_count;
  for (uint32_t i = 0; i < config->component_count; i++)
    room += config->components[i].link_count;
  file_list list = {.items = tn_calloc(room, sizeof *list.items), .before = watch};
  if (list.items == NULL) return tn_error_no_memory();
  add_all(&list, config);
  if (list.failed) {
    free_files(list.items, list.count);
    return tn_error_no_memory();
  }
  free_files(watch->files, watch->count);
  watch->files = list.items;
  watch->count = list.count;
  close_inotify(watch);
  TN_TRY(open_inotify(watch));
  watch_folders(watch);
  look_later(watch); /* what has happened meanwhile */
  return NULL;
}

void tn_watch_note(tn_watch *watch) {
  for (uint32_t i = 0; i < watch->count; i++) {
    tn_file_identity_take(watch->files[i].path, &watch->files[i].loaded);
    watch->files[i].seen = watch->files[i].loaded;
  }
}

void tn_watch_start(tn_watch *watch, tn_loop *loop, void (*changed)(void *data), void *data) {
  *watch = (tn_watch){
      .loop = loop, .descriptor = -1, .settle.func = look, .changed = changed, .data = data};
}

void tn_watch_stop(tn_watch *watch) {
  if (watch->loop == NULL) return;
  tn_alarm_clear(watch->loop, &watch->settle);
  close_inotify(watch);
  free_files(watch->files, watch->count);
  *watch = (tn_watch){0};
}
