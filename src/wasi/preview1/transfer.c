/* Preview 1: reading and writing. Data goes straight between the system and the guest's memory. */
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

#include "base/error.h"
#include "wasi/disguise.h"
#include "wasi/preview1/call.h"
#include "wasi/system/pipe_signal.h"

/* ---- at the position ---------------------------------------------------------------------------- */

static int64_t total_of(const struct iovec *parts, int count) {
  int64_t total = 0;
  for (int i = 0; i < count; i++)
    total += (int64_t)parts[i].iov_len;
  return total;
}

static int64_t read_file(int fd, const struct iovec *parts, int count) {
  ssize_t done;
  do {
    done = count == 1 ? read(fd, parts->iov_base, parts->iov_len) : readv(fd, parts, count);
  } while (done < 0 && errno == EINTR);
  return done < 0 ? -errno : done;
}

static int64_t write_file(int fd, const struct iovec *parts, int count) {
  ssize_t done;
  do {
    done = count == 1 ? write(fd, parts->iov_base, parts->iov_len) : writev(fd, parts, count);
  } while (done < 0 && errno == EINTR);
  return done < 0 ? -errno : done;
}

/* To a pipe in a directory, or a connection. */
static int64_t write_pipe(int fd, const struct iovec *parts, int count) {
  tn_pipe_signal signal;
  tn_pipe_signal_hold(&signal);
  int64_t done = write_file(fd, parts, count);
  tn_pipe_signal_release(&signal);
  return done;
}

static int64_t write_stdio(tn_p1_call *call, tn_stdio *stdio, const struct iovec *parts,
                           int count) {
  int64_t total = total_of(parts, count);
  tn_error *error = tn_wasi_count_output(call->wasi, (uint64_t)total);
  if (error != NULL) return tn_p1_fail(call, error);
  int64_t done = tn_stdio_write(stdio, parts, count);
  call->wasi->output_left += (uint64_t)(done < 0 ? total : total - done);
  return done;
}

static int64_t write_entry(tn_p1_call *call, const tn_p1_entry *entry, const struct iovec *parts,
                           int count) {
  if (entry->stdio != NULL) return write_stdio(call, entry->stdio, parts, count);
  bool is_file = entry->descriptor->type == TN_FILE_REGULAR;
  return (is_file ? write_file : write_pipe)(entry->descriptor->fd, parts, count);
}

/* A pipe in a directory that nobody writes to is at its end only if somebody has: the system then reports that
 * the other side is gone. */
static bool awaits_writer(const tn_descriptor *descriptor) {
  if (descriptor->type != TN_FILE_FIFO) return false;
  struct pollfd state = {.fd = descriptor->fd, .events = POLLIN};
  return poll(&state, 1, 0) >= 0 && (state.revents & (POLLIN | POLLHUP)) != POLLHUP;
}

static int64_t read_opened(const tn_p1_entry *entry, const struct iovec *parts, int count) {
  int64_t done = read_file(entry->descriptor->fd, parts, count);
  bool is_blocking = (entry->flags & TN_P1_NONBLOCK) == 0;
  return done == 0 && is_blocking && awaits_writer(entry->descriptor) ? -EAGAIN : done;
}

static int fd_read(tn_p1_call *call, const tn_core_value *in) {
  for (;;) {
    /* Everything is looked up again after a wait: the memory may have moved. */
    tn_p1_entry *entry;
    int failed = tn_p1_entry_get(call, in[0].u32, TN_P1_FD_READ, &entry);
    if (failed < 0) return failed;
    struct iovec parts[TN_P1_PARTS];
    int count = tn_p1_parts(call, in[1].u32, in[2].u32, parts);
    if (count < 0) return count;
    int64_t done = 0;
    if (count > 0) {
      done = entry->stdio != NULL ? tn_stdio_read(entry->stdio, parts, count)
                                  : read_opened(entry, parts, count);
    }
    if (done >= 0) return tn_p1_store_u32(call, in[3].u32, (uint32_t)done);
    if (done != -EAGAIN || (entry->flags & TN_P1_NONBLOCK) != 0) return (int)done;
    failed = tn_p1_wait(call, tn_p1_entry_fd(entry), TN_READABLE);
    if (failed < 0) return failed;
  }
}

/* Leaves out the first `done` bytes. */
static int skip_parts(struct iovec *parts, int count, uint64_t done) {
  int first = 0;
  while (first < count && done >= parts[first].iov_len)
    done -= parts[first++].iov_len;
  memmove(parts, parts + first, (size_t)(count - first) * sizeof *parts);
  if (first < count) {
    parts[0].iov_base = (uint8_t *)parts[0].iov_base + done;
    parts[0].iov_len -= done;
  }
  return count - first;
}

/* Many programs take it that a write to a blocking descriptor writes all: what a pipe does not take at once is
 * waited for. */
static int fd_write(tn_p1_call *call, const tn_core_value *in) {
  int64_t done = 0;
  for (;;) {
    tn_p1_entry *entry;
    int failed = tn_p1_entry_get(call, in[0].u32, TN_P1_FD_WRITE, &entry);
    if (failed < 0) return failed;
    struct iovec parts[TN_P1_PARTS];
    int count = tn_p1_parts(call, in[1].u32, in[2].u32, parts);
    if (count < 0) return count;
    if (done > 0) count = skip_parts(parts, count, (uint64_t)done);
    int64_t wanted = total_of(parts, count);
    int64_t now = count > 0 ? write_entry(call, entry, parts, count) : 0;
    if (call->error != NULL) return 0;
    if (now > 0) done += now;
    bool is_blocked = now == -EAGAIN && (entry->flags & TN_P1_NONBLOCK) == 0;
    if (is_blocked) {
      failed = tn_p1_wait(call, tn_p1_entry_fd(entry), TN_WRITABLE);
      if (failed < 0) return failed;
    } else if (now < 0 && done == 0) {
      return (int)now;
    } else if (now <= 0 || now == wanted) {
      return tn_p1_store_u32(call, in[3].u32, (uint32_t)done);
    }
  }
}

/* ---- elsewhere ---------------------------------------------------------------------------------- */

static int transfer_at(tn_p1_call *call, const tn_core_value *in, bool is_write) {
  tn_descriptor *descriptor;
  uint64_t right = is_write ? TN_P1_FD_WRITE : TN_P1_FD_READ;
  int failed = tn_p1_descriptor_get(call, in[0].u32, right, &descriptor);
  if (failed < 0) return failed;
  if (in[3].i64 < 0) return -EINVAL;
  struct iovec parts[TN_P1_PARTS];
  int count = tn_p1_parts(call, in[1].u32, in[2].u32, parts);
  if (count < 0) return count;
  ssize_t done;
  do {
    done = is_write ? pwritev(descriptor->fd, parts, count, in[3].i64)
                    : preadv(descriptor->fd, parts, count, in[3].i64);
  } while (done < 0 && errno == EINTR);
  return done < 0 ? -errno : tn_p1_store_u32(call, in[4].u32, (uint32_t)done);
}

static int fd_pread(tn_p1_call *call, const tn_core_value *in) {
  return transfer_at(call, in, false);
}

static int fd_pwrite(tn_p1_call *call, const tn_core_value *in) {
  return transfer_at(call, in, true);
}

/* ---- directories -------------------------------------------------------------------------------- */

typedef struct dirent {
  uint64_t next;
  uint64_t inode;
  uint32_t name_size;
  uint8_t type;
} dirent;
_Static_assert(sizeof(dirent) == 24 && offsetof(dirent, type) == 20, "layout of dirent");

/* Copies as much as there is room for; returns how much. */
static size_t put(uint8_t *out, size_t room, const void *bytes, size_t size) {
  if (size > room) size = room;
  memcpy(out, bytes, size);
  return size;
}

static int fill(tn_wasi *wasi, tn_directory *reader, uint8_t *out, size_t room, size_t *used) {
  while (*used < room) {
    tn_directory_entry entry;
    int outcome = tn_directory_next(reader, &entry);
    if (outcome <= 0) return outcome;
    dirent head;
    memset(&head, 0, sizeof head);
    head.next = entry.next;
    head.inode = entry.inode;
    if (tn_wasi_disguise_inode(wasi, tn_directory_device(reader), &head.inode) < 0) return -ENOMEM;
    head.name_size = (uint32_t)entry.name.len;
    head.type = tn_p1_file_type(entry.type);
    *used += put(out + *used, room - *used, &head, sizeof head);
    *used += put(out + *used, room - *used, entry.name.data, entry.name.len);
  }
  return 0;
}

static int fd_readdir(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, in[0].u32, TN_P1_FD_READDIR, &entry);
  if (failed < 0) return failed;
  uint8_t *out = tn_p1_bytes(call, in[1].u32, in[2].u32);
  if (out == NULL) return -EFAULT;
  if (entry->reader == NULL) {
    failed = tn_directory_open(entry->descriptor, &entry->reader);
    if (failed == 0) failed = tn_wasi_disguise_directory(call->wasi, entry->reader);
  }
  if (failed == 0) failed = tn_directory_seek(entry->reader, in[3].u64);
  size_t used = 0;
  if (failed == 0) failed = fill(call->wasi, entry->reader, out, in[2].u32, &used);
  /* A failure after some entries comes again with the next call. */
  return failed < 0 && used == 0 ? failed : tn_p1_store_u32(call, in[4].u32, (uint32_t)used);
}

/* ---- table -------------------------------------------------------------------------------------- */

TN_P1_FUNCTION(fd_pread)
TN_P1_FUNCTION(fd_pwrite)
TN_P1_FUNCTION(fd_read)
TN_P1_FUNCTION(fd_readdir)
TN_P1_FUNCTION(fd_write)

static const tn_host_core_func funcs[] = {
    {"fd_pread", "iiiIi", "i", fd_pread_entry}, {"fd_pwrite", "iiiIi", "i", fd_pwrite_entry},
    {"fd_read", "iiii", "i", fd_read_entry},    {"fd_readdir", "iiiIi", "i", fd_readdir_entry},
    {"fd_write", "iiii", "i", fd_write_entry},
};

const tn_p1_group tn_p1_transfer_funcs = {funcs, sizeof funcs / sizeof *funcs};
