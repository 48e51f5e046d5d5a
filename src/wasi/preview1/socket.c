/* Preview 1: sock_*. Sockets are what the embedder gave as a standard stream, and connections accepted from
 * those; preview 1 has no way to make others. */
#include <sys/socket.h>

#include "base/error.h"
#include "wasi/io/io.h"
#include "wasi/preview1/call.h"

/* riflags, roflags, sdflags */
enum { PEEK = 1, WAITALL = 2, DATA_TRUNCATED = 1, SHUT_READ = 1, SHUT_WRITE = 2 };

static int socket_get(tn_p1_call *call, uint32_t number, uint64_t rights, tn_p1_entry **out) {
  int failed = tn_p1_entry_get(call, number, 0, out);
  if (failed < 0) return failed;
  if (tn_p1_entry_type(*out) != TN_FILE_SOCKET) return -ENOTSOCK;
  return tn_p1_entry_get(call, number, rights, out);
}

/* Whether to try again: 0 after a wait, or the failure to give back. */
static int retry(tn_p1_call *call, const tn_p1_entry *entry, uint16_t flags, int code, int events) {
  if (code == EINTR) return 0;
  if (code != EAGAIN || (flags & TN_P1_NONBLOCK) != 0) return -code;
  return tn_p1_wait(call, tn_p1_entry_fd(entry), events);
}

static int sock_accept(tn_p1_call *call, const tn_core_value *in) {
  uint32_t flags = in[1].u32;
  if ((flags & ~(uint32_t)TN_P1_NONBLOCK) != 0) return -EINVAL;
  for (;;) {
    tn_p1_entry *entry;
    int failed = socket_get(call, in[0].u32, TN_P1_SOCK_ACCEPT, &entry);
    if (failed < 0) return failed;
    if (tn_p1_bytes(call, in[2].u32, 4) == NULL) return -EFAULT;
    int listener = tn_p1_entry_fd(entry);
    /* A listening socket that is shared may be a blocking one. */
    int blocked = tn_descriptor_is_ready(listener, TN_READABLE) ? 0 : EAGAIN;
    int fd = blocked != 0 ? -1 : accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      failed = retry(call, entry, entry->flags, blocked != 0 ? blocked : errno, TN_READABLE);
      if (failed < 0) return failed;
      continue;
    }
    tn_p1_entry made = {.descriptor = tn_descriptor_for_socket(fd), .flags = (uint16_t)flags};
    if (made.descriptor == NULL) return -ENOMEM;
    made.rights = tn_p1_rights_of(TN_FILE_SOCKET);
    uint32_t number;
    failed = tn_p1_entry_add(call, &made, &number);
    if (failed == 0) return tn_p1_store_u32(call, in[2].u32, number);
    tn_descriptor_release(made.descriptor);
    return failed;
  }
}

static int sock_recv(tn_p1_call *call, const tn_core_value *in) {
  uint32_t riflags = in[3].u32;
  if ((riflags & ~(uint32_t)(PEEK | WAITALL)) != 0) return -EINVAL;
  if ((riflags & WAITALL) != 0) return -ENOTSUP;
  for (;;) {
    tn_p1_entry *entry;
    int failed = socket_get(call, in[0].u32, TN_P1_FD_READ, &entry);
    if (failed < 0) return failed;
    struct iovec parts[TN_P1_PARTS];
    int count = tn_p1_parts(call, in[1].u32, in[2].u32, parts);
    if (count < 0) return count;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    int flags = MSG_DONTWAIT | ((riflags & PEEK) != 0 ? MSG_PEEK : 0);
    ssize_t size = recvmsg(tn_p1_entry_fd(entry), &message, flags);
    if (size >= 0) {
      uint16_t roflags = (message.msg_flags & MSG_TRUNC) != 0 ? DATA_TRUNCATED : 0;
      failed = tn_p1_store_u32(call, in[4].u32, (uint32_t)size);
      return failed < 0 ? failed : tn_p1_store(call, in[5].u32, &roflags, sizeof roflags);
    }
    failed = retry(call, entry, entry->flags, errno, TN_READABLE);
    if (failed < 0) return failed;
  }
}

static int sock_send(tn_p1_call *call, const tn_core_value *in) {
  if (in[3].u32 != 0) return -EINVAL;
  for (;;) {
    tn_p1_entry *entry;
    int failed = socket_get(call, in[0].u32, TN_P1_FD_WRITE, &entry);
    if (failed < 0) return failed;
    struct iovec parts[TN_P1_PARTS];
    int count = tn_p1_parts(call, in[1].u32, in[2].u32, parts);
    if (count < 0) return count;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t size = sendmsg(tn_p1_entry_fd(entry), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size >= 0) return tn_p1_store_u32(call, in[4].u32, (uint32_t)size);
    failed = retry(call, entry, entry->flags, errno, TN_WRITABLE);
    if (failed < 0) return failed;
  }
}

static int sock_shutdown(tn_p1_call *call, const tn_core_value *in) {
  static const int ways[] = {
      [SHUT_READ] = SHUT_RD, [SHUT_WRITE] = SHUT_WR, [SHUT_READ | SHUT_WRITE] = SHUT_RDWR};
  tn_p1_entry *entry;
  int failed = socket_get(call, in[0].u32, TN_P1_SOCK_SHUTDOWN, &entry);
  if (failed < 0) return failed;
  if (in[1].u32 == 0 || in[1].u32 >= sizeof ways / sizeof *ways) return -EINVAL;
  return shutdown(tn_p1_entry_fd(entry), ways[in[1].u32]) < 0 ? -errno : 0;
}

/* ---- table -------------------------------------------------------------------------------------- */

TN_P1_FUNCTION(sock_accept)
TN_P1_FUNCTION(sock_recv)
TN_P1_FUNCTION(sock_send)
TN_P1_FUNCTION(sock_shutdown)

static const tn_host_core_func funcs[] = {
    {"sock_accept", "iii", "i", sock_accept_entry},
    {"sock_recv", "iiiiii", "i", sock_recv_entry},
    {"sock_send", "iiiii", "i", sock_send_entry},
    {"sock_shutdown", "ii", "i", sock_shutdown_entry},
};

const tn_p1_group tn_p1_socket_funcs = {funcs, sizeof funcs / sizeof *funcs};
