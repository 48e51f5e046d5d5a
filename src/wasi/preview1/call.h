/* One call of a preview 1 function: the guest's memory, its descriptors, and how the functions of this folder
 * are written.
 *
 * A function is `static int name(tn_p1_call *call, const tn_core_value *in)`: it returns 0 or a negative errno
 * (of the system, or -TN_P1_ENOTCAPABLE), or, after setting call->error, anything. TN_P1_FUNCTION makes the
 * core function around it. */
#ifndef TN_WASI_PREVIEW1_CALL_H
#define TN_WASI_PREVIEW1_CALL_H

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "wasi/preview1/preview1.h"
#include "wasi/state.h"
#include "wasi/system/directory.h"
#include "wasi/system/error.h"

/* Stands for preview 1's notcapable, which has no errno: beyond the system's own numbers. */
enum { TN_P1_ENOTCAPABLE = 4096 };

/* ---- rights ------------------------------------------------------------------------------------- */

#define TN_P1_RIGHT(position)         (UINT64_C(1) << (position))
#define TN_P1_FD_DATASYNC             TN_P1_RIGHT(0)
#define TN_P1_FD_READ                 TN_P1_RIGHT(1)
#define TN_P1_FD_SEEK                 TN_P1_RIGHT(2)
#define TN_P1_FD_FDSTAT_SET_FLAGS     TN_P1_RIGHT(3)
#define TN_P1_FD_SYNC                 TN_P1_RIGHT(4)
#define TN_P1_FD_TELL                 TN_P1_RIGHT(5)
#define TN_P1_FD_WRITE                TN_P1_RIGHT(6)
#define TN_P1_FD_ADVISE               TN_P1_RIGHT(7)
#define TN_P1_FD_ALLOCATE             TN_P1_RIGHT(8)
#define TN_P1_PATH_CREATE_DIRECTORY   TN_P1_RIGHT(9)
#define TN_P1_PATH_CREATE_FILE        TN_P1_RIGHT(10)
#define TN_P1_PATH_LINK_SOURCE        TN_P1_RIGHT(11)
#define TN_P1_PATH_LINK_TARGET        TN_P1_RIGHT(12)
#define TN_P1_PATH_OPEN               TN_P1_RIGHT(13)
#define TN_P1_FD_READDIR              TN_P1_RIGHT(14)
#define TN_P1_PATH_READLINK           TN_P1_RIGHT(15)
#define TN_P1_PATH_RENAME_SOURCE      TN_P1_RIGHT(16)
#define TN_P1_PATH_RENAME_TARGET      TN_P1_RIGHT(17)
#define TN_P1_PATH_FILESTAT_GET       TN_P1_RIGHT(18)
#define TN_P1_PATH_FILESTAT_SET_SIZE  TN_P1_RIGHT(19)
#define TN_P1_PATH_FILESTAT_SET_TIMES TN_P1_RIGHT(20)
#define TN_P1_FD_FILESTAT_GET         TN_P1_RIGHT(21)
#define TN_P1_FD_FILESTAT_SET_SIZE    TN_P1_RIGHT(22)
#define TN_P1_FD_FILESTAT_SET_TIMES   TN_P1_RIGHT(23)
#define TN_P1_PATH_SYMLINK            TN_P1_RIGHT(24)
#define TN_P1_PATH_REMOVE_DIRECTORY   TN_P1_RIGHT(25)
#define TN_P1_PATH_UNLINK_FILE        TN_P1_RIGHT(26)
#define TN_P1_POLL_FD_READWRITE       TN_P1_RIGHT(27)
#define TN_P1_SOCK_SHUTDOWN           TN_P1_RIGHT(28)
#define TN_P1_SOCK_ACCEPT             TN_P1_RIGHT(29)
#define TN_P1_ALL_RIGHTS              (TN_P1_RIGHT(30) - 1)

/* What can be done with a descriptor of this type at all. */
uint64_t tn_p1_rights_of(tn_file_type type);

/* fdflags */
enum { TN_P1_APPEND = 1, TN_P1_DSYNC = 2, TN_P1_NONBLOCK = 4, TN_P1_RSYNC = 8, TN_P1_SYNC = 16 };

/* ---- descriptors -------------------------------------------------------------------------------- */

/* What one of the guest's numbers stands for. Invariant: a standard stream or a descriptor, never both;
 * neither: the number is free. */
typedef struct tn_p1_entry {
  tn_stdio *stdio;           /* one of the instance's */
  tn_descriptor *descriptor; /* one reference */
  tn_directory *reader;      /* for fd_readdir, made at its first call */
  const tn_config_directory *preopen;
  uint64_t rights;
  uint64_t inheriting;
  uint16_t flags; /* fdflags */
} tn_p1_entry;

/* Invariant: entries [0, count) have been in use at some time; no free number is below `lowest_free`. */
struct tn_preview1 {
  tn_p1_entry *entries;
  uint32_t count;
  uint32_t cap;
  uint32_t lowest_free;
};

static inline bool tn_p1_is_free(const tn_p1_entry *entry) {
  return entry->stdio == NULL && entry->descriptor == NULL;
}
/* Gives up what the entry holds and frees its number. */
void tn_p1_entry_close(tn_preview1 *preview1, uint32_t number);
tn_file_type tn_p1_entry_type(const tn_p1_entry *entry);
/* The system's descriptor beneath, or -1 (discarded and captured output). */
int tn_p1_entry_fd(const tn_p1_entry *entry);
/* filetype of preview 1. */
uint8_t tn_p1_file_type(tn_file_type type);

/* ---- calls -------------------------------------------------------------------------------------- */

/* Invariant: memory[0..size) is the guest's memory as it is now; tn_p1_refresh after anything that may have
 * let the guest run. */
typedef struct tn_p1_call {
  tn_runtime *runtime;
  tn_wasi *wasi;
  tn_preview1 *preview1;
  uint8_t *memory;
  uint64_t size;
  tn_error *error; /* ends the guest */
} tn_p1_call;

typedef int (*tn_p1_body)(tn_p1_call *call, const tn_core_value *in);

/* False (and call->error) when the state of preview 1 cannot be made. */
bool tn_p1_begin(tn_p1_call *call, tn_core_caller *caller);
void tn_p1_refresh(tn_p1_call *call);
tn_core_trap *tn_p1_end(tn_p1_call *call, int outcome, tn_core_value *out);

#define TN_P1_FUNCTION(name)                                                                       \
  static tn_core_trap *name##_entry(void *environment, tn_core_caller *caller,                     \
                                    tn_core_value *values, size_t count) {                         \
    (void)environment, (void)count;                                                                \
    tn_p1_call call;                                                                               \
    int outcome = tn_p1_begin(&call, caller) ? name(&call, values) : 0;                            \
    return tn_p1_end(&call, outcome, values);                                                      \
  }

/* Notes an error that ends the guest; NULL is none. Returns 0 or some failure. */
static inline int tn_p1_fail(tn_p1_call *call, tn_error *error) {
  call->error = error;
  return error == NULL ? 0 : -EIO;
}

/* The entry with this number if it has all these rights: 0, -EBADF or -TN_P1_ENOTCAPABLE. A descriptor that
 * may not be read or written is -EBADF, as elsewhere. */
int tn_p1_entry_get(tn_p1_call *call, uint32_t number, uint64_t rights, tn_p1_entry **out);
/* The same for something opened in a directory: standard streams are -EBADF. */
int tn_p1_descriptor_get(tn_p1_call *call, uint32_t number, uint64_t rights, tn_descriptor **out);
/* Puts an entry at the lowest free number; on failure the caller keeps what it holds. More entries than the
 * guest may have handles are such a failure, with call->error set. */
int tn_p1_entry_add(tn_p1_call *call, const tn_p1_entry *entry, uint32_t *number);
/* Access and modification time from what the *_set_times functions are given, or -EINVAL. */
int tn_p1_times(uint64_t accessed, uint64_t modified, unsigned fstflags, struct timespec out[2]);
int tn_p1_store_filestat(tn_p1_call *call, uint32_t address, const tn_file_status *status);

/* Blocks until the system's descriptor is ready. 0, or a failure with call->error set. */
int tn_p1_wait(tn_p1_call *call, int fd, int events);

/* ---- the guest's memory ------------------------------------------------------------------------- */

/* A pointer to `size` bytes at `address`, or NULL when they are not all inside the memory. */
static inline uint8_t *tn_p1_bytes(tn_p1_call *call, uint32_t address, uint64_t size) {
  return (uint64_t)address + size <= call->size ? call->memory + address : NULL;
}

static inline int tn_p1_store(tn_p1_call *call, uint32_t address, const void *value, size_t size) {
  uint8_t *out = tn_p1_bytes(call, address, size);
  if (out == NULL) return -EFAULT;
  memcpy(out, value, size);
  return 0;
}

static inline int tn_p1_store_u32(tn_p1_call *call, uint32_t address, uint32_t value) {
  return tn_p1_store(call, address, &value, sizeof value);
}

static inline int tn_p1_store_u64(tn_p1_call *call, uint32_t address, uint64_t value) {
  return tn_p1_store(call, address, &value, sizeof value);
}

/* A path: valid UTF-8 inside the memory. */
int tn_p1_path(tn_p1_call *call, uint32_t address, uint32_t size, tn_str *out);

/* Reads a guest's list of `count` buffers. Empty ones are left out; at most TN_P1_PARTS are taken, which is
 * within what reads and writes may do. Returns how many, or negative errno. */
enum { TN_P1_PARTS = 64, TN_P1_PARTS_MAX = 1024 };
int tn_p1_parts(tn_p1_call *call, uint32_t address, uint32_t count,
                struct iovec parts[TN_P1_PARTS]);

/* The system's little-endian layout is the guest's. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "preview 1 structures are stored as they are");

/* ---- the functions, by file --------------------------------------------------------------------- */

typedef struct tn_p1_group {
  const tn_host_core_func *funcs;
  size_t count;
} tn_p1_group;

extern const tn_p1_group tn_p1_descriptor_funcs; /* descriptor.c */
extern const tn_p1_group tn_p1_transfer_funcs;   /* transfer.c */
extern const tn_p1_group tn_p1_path_funcs;       /* path.c */
extern const tn_p1_group tn_p1_poll_funcs;       /* poll.c */
extern const tn_p1_group tn_p1_process_funcs;    /* process.c */
extern const tn_p1_group tn_p1_socket_funcs;     /* socket.c */

#endif
