/* System error numbers as the guests' error codes: one table for both kinds. */
#ifndef TN_WASI_SYSTEM_ERROR_H
#define TN_WASI_SYSTEM_ERROR_H

#include <stdint.h>

/* errno (positive, 0 for success) as preview 1's errno. What has no counterpart becomes `io`. */
uint16_t tn_errno_to_preview1(int code);
/* errno (positive) as wasi:filesystem/types.error-code. What has no counterpart becomes `io`. */
uint8_t tn_errno_to_filesystem(int code);

/* The codes of preview 1 that this project names itself. */
enum {
  TN_PREVIEW1_SUCCESS = 0,
  TN_PREVIEW1_BADF = 8,
  TN_PREVIEW1_NOTCAPABLE = 76,
};

#endif
