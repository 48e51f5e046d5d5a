/* Looks after files: says when one of them has changed and then rested for a moment. */
#ifndef TN_SERVE_WATCH_H
#define TN_SERVE_WATCH_H

#include "loop/loop.h"
#include "serve/generation.h"

/* Invariant: `loaded` is what the server has read last, `seen` what was there at the last look. */
typedef struct tn_watched_file {
  char *path;
  tn_file_identity loaded;
  tn_file_identity seen;
} tn_watched_file;

/* What is watched with inotify are the folders of the files, so that replacing a file, or what a symbolic link on the way
 * to it points to, is seen too; which file it was is found out by looking at each. Zeroed: watches nothing. */
typedef struct tn_watch {
  tn_loop *loop; /* NULL: not started */
  tn_io io;
  int descriptor;
  tn_alarm settle;
  tn_watched_file *files;
  uint32_t count;
  void (*changed)(void *data);
  void *data;
} tn_watch;

void tn_watch_start(tn_watch *watch, tn_loop *loop, void (*changed)(void *data), void *data);
/* From now on the files of `config`. `changed` is called for those that have changed since they were noted. */
tn_error *tn_watch_set(tn_watch *watch, const tn_serve_config *config);
/* The files are being read now: what they are at this moment is no change. */
void tn_watch_note(tn_watch *watch);
void tn_watch_stop(tn_watch *watch);

#endif
