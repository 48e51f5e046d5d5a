/* Whole files in memory. */
#ifndef TN_BASE_FILE_H
#define TN_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"

/* Reads a regular file into the arena. TN_ERROR_IO; TN_ERROR_LIMIT when it has more than `limit`
 * bytes. */
tn_error *tn_file_read(tn_arena *arena, const char *path, size_t limit, tn_str *out);

#endif
