#include "wasi/system/error.h"

#include <errno.h>
#include <stddef.h>

/* Positions in wasi:filesystem/types.error-code. */
enum {
  FS_ACCESS,
  FS_WOULD_BLOCK,
  FS_ALREADY,
  FS_BAD_DESCRIPTOR,
  FS_BUSY,
  FS_DEADLOCK,
  FS_QUOTA,
  FS_EXIST,
  FS_FILE_TOO_LARGE,
  FS_ILLEGAL_BYTE_SEQUENCE,
  FS_IN_PROGRESS,
  FS_INTERRUPTED,
  FS_INVALID,
  FS_IO,
  FS_IS_DIRECTORY,
  FS_LOOP,
  FS_TOO_MANY_LINKS,
  FS_MESSAGE_SIZE,
  FS_NAME_TOO_LONG,
  FS_NO_DEVICE,
  FS_NO_ENTRY,
  FS_NO_LOCK,
  FS_INSUFFICIENT_MEMORY,
  FS_INSUFFICIENT_SPACE,
  FS_NOT_DIRECTORY,
  FS_NOT_EMPTY,
  FS_NOT_RECOVERABLE,
  FS_UNSUPPORTED,
  FS_NO_TTY,
  FS_NO_SUCH_DEVICE,
  FS_OVERFLOW,
  FS_NOT_PERMITTED,
  FS_PIPE,
  FS_READ_ONLY,
  FS_INVALID_SEEK,
  FS_TEXT_FILE_BUSY,
  FS_CROSS_DEVICE,
};

/* errno, position in preview 1's errno, position in the file system's error-code. */
#define EACH_ERROR(X)                                                                              \
  X(E2BIG, 1, FS_INVALID)                                                                          \
  X(EACCES, 2, FS_ACCESS)                                                                          \
  X(EADDRINUSE, 3, FS_IO)                                                                          \
  X(EADDRNOTAVAIL, 4, FS_IO)                                                                       \
  X(EAFNOSUPPORT, 5, FS_UNSUPPORTED)                                                               \
  X(EAGAIN, 6, FS_WOULD_BLOCK)                                                                     \
  X(EALREADY, 7, FS_ALREADY)                                                                       \
  X(EBADF, 8, FS_BAD_DESCRIPTOR)                                                                   \
  X(EBADMSG, 9, FS_IO)                                                                             \
  X(EBUSY, 10, FS_BUSY)                                                                            \
  X(ECANCELED, 11, FS_INTERRUPTED)                                                                 \
  X(ECHILD, 12, FS_IO)                                                                             \
  X(ECONNABORTED, 13, FS_IO)                                                                       \
  X(ECONNREFUSED, 14, FS_IO)                                                                       \
  X(ECONNRESET, 15, FS_IO)                                                                         \
  X(EDEADLK, 16, FS_DEADLOCK)                                                                      \
  X(EDESTADDRREQ, 17, FS_IO)                                                                       \
  X(EDOM, 18, FS_INVALID)                                                                          \
  X(EDQUOT, 19, FS_QUOTA)                                                                          \
  X(EEXIST, 20, FS_EXIST)                                                                          \
  X(EFAULT, 21, FS_INVALID)                                                                        \
  X(EFBIG, 22, FS_FILE_TOO_LARGE)                                                                  \
  X(EHOSTUNREACH, 23, FS_IO)                                                                       \
  X(EIDRM, 24, FS_IO)                                                                              \
  X(EILSEQ, 25, FS_ILLEGAL_BYTE_SEQUENCE)                                                          \
  X(EINPROGRESS, 26, FS_IN_PROGRESS)                                                               \
  X(EINTR, 27, FS_INTERRUPTED)                                                                     \
  X(EINVAL, 28, FS_INVALID)                                                                        \
  X(EIO, 29, FS_IO)                                                                                \
  X(EISCONN, 30, FS_IO)                                                                            \
  X(EISDIR, 31, FS_IS_DIRECTORY)                                                                   \
  X(ELOOP, 32, FS_LOOP)                                                                            \
  X(EMFILE, 33, FS_INSUFFICIENT_MEMORY)                                                            \
  X(EMLINK, 34, FS_TOO_MANY_LINKS)                                                                 \
  X(EMSGSIZE, 35, FS_MESSAGE_SIZE)                                                                 \
  X(EMULTIHOP, 36, FS_IO)                                                                          \
  X(ENAMETOOLONG, 37, FS_NAME_TOO_LONG)                                                            \
  X(ENETDOWN, 38, FS_IO)                                                                           \
  X(ENETRESET, 39, FS_IO)                                                                          \
  X(ENETUNREACH, 40, FS_IO)                                                                        \
  X(ENFILE, 41, FS_INSUFFICIENT_MEMORY)                                                            \
  X(ENOBUFS, 42, FS_INSUFFICIENT_MEMORY)                                                           \
  X(ENODEV, 43, FS_NO_DEVICE)                                                                      \
  X(ENOENT, 44, FS_NO_ENTRY)                                                                       \
  X(ENOEXEC, 45, FS_INVALID)                                                                       \
  X(ENOLCK, 46, FS_NO_LOCK)                                                                        \
  X(ENOLINK, 47, FS_IO)                                                                            \
  X(ENOMEM, 48, FS_INSUFFICIENT_MEMORY)                                                            \
  X(ENOMSG, 49, FS_IO)                                                                             \
  X(ENOPROTOOPT, 50, FS_UNSUPPORTED)                                                               \
  X(ENOSPC, 51, FS_INSUFFICIENT_SPACE)                                                             \
  X(ENOSYS, 52, FS_UNSUPPORTED)                                                                    \
  X(ENOTCONN, 53, FS_IO)                                                                           \
  X(ENOTDIR, 54, FS_NOT_DIRECTORY)                                                                 \
  X(ENOTEMPTY, 55, FS_NOT_EMPTY)                                                                   \
  X(ENOTRECOVERABLE, 56, FS_NOT_RECOVERABLE)                                                       \
  X(ENOTSOCK, 57, FS_IO)                                                                           \
  X(ENOTSUP, 58, FS_UNSUPPORTED)                                                                   \
  X(ENOTTY, 59, FS_NO_TTY)                                                                         \
  X(ENXIO, 60, FS_NO_SUCH_DEVICE)                                                                  \
  X(EOVERFLOW, 61, FS_OVERFLOW)                                                                    \
  X(EOWNERDEAD, 62, FS_IO)                                                                         \
  X(EPERM, 63, FS_NOT_PERMITTED)                                                                   \
  X(EPIPE, 64, FS_PIPE)                                                                            \
  X(EPROTO, 65, FS_IO)                                                                             \
  X(EPROTONOSUPPORT, 66, FS_UNSUPPORTED)                                                           \
  X(EPROTOTYPE, 67, FS_IO)                                                                         \
  X(ERANGE, 68, FS_INVALID)                                                                        \
  X(EROFS, 69, FS_READ_ONLY)                                                                       \
  X(ESPIPE, 70, FS_INVALID_SEEK)                                                                   \
  X(ESRCH, 71, FS_IO)                                                                              \
  X(ESTALE, 72, FS_IO)                                                                             \
  X(ETIMEDOUT, 73, FS_IO)                                                                          \
  X(ETXTBSY, 74, FS_TEXT_FILE_BUSY)                                                                \
  X(EXDEV, 75, FS_CROSS_DEVICE)

/* Indexed by errno; known == 0 where the table above has no row. */
static const struct {
  uint8_t known;
  uint8_t preview1;
  uint8_t filesystem;
} codes[] = {
#define ROW(code, preview1, filesystem) [code] = {1, preview1, filesystem},
    EACH_ERROR(ROW)
#undef ROW
};

enum { PREVIEW1_IO = 29 };

static int is_known(int code) {
  return code > 0 && (size_t)code < sizeof codes / sizeof *codes && codes[code].known;
}

uint16_t tn_errno_to_preview1(int code) {
  if (code == 0) return TN_PREVIEW1_SUCCESS;
  return is_known(code) ? codes[code].preview1 : PREVIEW1_IO;
}

uint8_t tn_errno_to_filesystem(int code) {
  return is_known(code) ? codes[code].filesystem : FS_IO;
}
