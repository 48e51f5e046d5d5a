/* Components and WIT packages from files. */
#ifndef TN_COMPOSE_FILES_H
#define TN_COMPOSE_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "tenon/compose.h"

/* Reads a whole file, or a pipe to its end. TN_ERROR_IO; TN_ERROR_LIMIT or ARGUMENT beyond 1 GiB. */
tn_error *tn_compose_read_file(tn_arena *arena, const char *path, tn_str *out);
/* Reads a component, binary or text, from a file or a pipe, or a package of WIT (a folder, a .wit file), into binary form. */
tn_error *tn_compose_read_package(tn_arena *arena, const char *path, tn_str *out);
/* Where a package is, as tn_compose_options says. `version` .data == NULL: the one without a version, else the
 * newest, whose version is in *found. What has no version is never taken for one that is asked for. TN_ERROR_IO
 * says where it could be. */
tn_error *tn_compose_find_package(tn_arena *arena, const tn_compose_options *options, tn_str name,
                                  tn_str version, const char **path, tn_str *found);

#endif
