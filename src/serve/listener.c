#include "serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "serve/activation.h"

enum { BACKLOG = 4096, ADDRESS_SIZE = INET6_ADDRSTRLEN + 16 };

static tn_error *cannot_listen(tn_str address, const char *what) {
  return tn_error_new(TN_ERROR_IO, "cannot listen on %" TN_STR_FORMAT ": %s", TN_STR_ARG(address),
                      what);
}

static bool local_address(int descriptor, struct sockaddr_storage *out, socklen_t *size) {
  *size = sizeof *out;
  return getsockname(descriptor, (struct sockaddr *)out, size) == 0;
}

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path". */
static void format_address(const struct sockaddr_storage *address, tn_str given, char *out,
                           size_t size) {
  char host[INET6_ADDRSTRLEN];
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    snprintf(out, size, "%s:%u", inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host),
             ntohs(v4->sin_port));
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    snprintf(out, size, "[%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host),
             ntohs(v6->sin6_port));
  } else {
    snprintf(out, size, "%" TN_STR_FORMAT, TN_STR_ARG(given));
  }
}

void tn_listening_announce(const tn_listening *listening, tn_log *log) {
  struct sockaddr_storage address;
  socklen_t size;
  char text[ADDRESS_SIZE + sizeof(struct sockaddr_storage)];
  const char *scheme = listening->tls != NULL ? "https" : "http";
  for (uint32_t i = 0; i < listening->sockets.len; i++) {
    const tn_listening_socket *socket = &listening->sockets.items[i];
    if (socket->worker != 0 || !local_address(socket->descriptor, &address, &size)) continue;
    format_address(&address, listening->listen->address, text, sizeof text);
    tn_log_write(log, "info", "listening on %s://%s", scheme, text);
  }
}

/* Takes the descriptor over. */
static tn_error *add_socket(tn_listening *listening, uint32_t worker, int descriptor) {
  tn_listening_socket *socket = TN_VEC_PUSH(&listening->arena, &listening->sockets);
  if (socket == NULL) {
    close(descriptor);
    return tn_error_no_memory();
  }
  *socket = (tn_listening_socket){worker, descriptor};
  return NULL;
}

/* ---- one socket for all workers ------------------------------------------------------------------------- */

static tn_error *share(void *data, int descriptor) {
  tn_listening *listening = data;
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0)
    return cannot_listen(listening->listen->address, strerror(errno));
  for (uint32_t i = 0; i < listening->worker_count; i++) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return cannot_listen(listening->listen->address, strerror(errno));
    TN_TRY(add_socket(listening, i, copy));
  }
  return NULL;
}

static void note_file(tn_socket_file *file, tn_str address) {
  tn_str path = tn_str_slice(address, sizeof "unix:" - 1, address.len);
  struct stat status;
  memcpy(file->path, path.data, path.len); /* it has been bound to, so that it fits, with its end */
  file->path[path.len] = '\0';
  if (lstat(file->path, &status) != 0) {
    file->path[0] = '\0';
    return;
  }
  file->device = status.st_dev;
  file->inode = status.st_ino;
}

static void remove_file(const tn_socket_file *file) {
  struct stat status;
  if (file->path[0] == '\0' || lstat(file->path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if (status.st_dev == file->device && status.st_ino == file->inode) unlink(file->path);
}

static tn_error *open_unix(tn_listening *listening) {
  int descriptor;
  TN_TRY(tn_http_listen_socket(listening->listen->address, BACKLOG, &descriptor));
  note_file(&listening->file, listening->listen->address);
  tn_error *error = share(listening, descriptor);
  close(descriptor);
  return error;
}

/* ---- one socket for each worker ------------------------------------------------------------------------- */

/* Whether another program listens there: with SO_REUSEPORT the kernel would divide its connections with us. */
static tn_error *check_unused(tn_str given, const struct sockaddr_storage *address,
                              socklen_t size) {
  int probe = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return cannot_listen(given, strerror(errno));
  int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->ss_family == AF_INET6) setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  int result = bind(probe, (const struct sockaddr *)address, size);
  if (result == 0) result = listen(probe, 1);
  int reason = errno;
  close(probe);
  return result == 0 ? NULL : cannot_listen(given, strerror(reason));
}

static bool has_port_0(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port == 0
                                       : ((const struct sockaddr_in6 *)address)->sin6_port == 0;
}

static bool ends_with_port_0(tn_str address) {
  return tn_str_ends_with(address, TN_STR(":0"));
}

/* Opens the first one to learn what the address means, and perhaps once more after a look whether it is free. */
static tn_error *open_first(tn_str given, int backlog, int *out, char *address, size_t size) {
  struct sockaddr_storage bound;
  socklen_t bound_size;
  TN_TRY(tn_http_listen_socket(given, backlog, out));
  if (!local_address(*out, &bound, &bound_size) || has_port_0(&bound)) {
    close(*out);
    return cannot_listen(given, strerror(errno));
  }
  format_address(&bound, given, address, size);
  if (ends_with_port_0(given)) return NULL; /* a port that nobody had */
  close(*out);
  TN_TRY(check_unused(given, &bound, bound_size));
  return tn_http_listen_socket(given, backlog, out);
}

tn_error *tn_listen_alone(tn_str address, int backlog, int *out) {
  char bound[ADDRESS_SIZE];
  if (tn_str_starts_with(address, TN_STR("unix:")))
    return tn_http_listen_socket(address, backlog, out);
  return open_first(address, backlog, out, bound, sizeof bound);
}

static tn_error *open_tcp(tn_listening *listening) {
  char address[ADDRESS_SIZE];
  int descriptor;
  TN_TRY(open_first(listening->listen->address, BACKLOG, &descriptor, address, sizeof address));
  TN_TRY(add_socket(listening, 0, descriptor));
  for (uint32_t i = 1; i < listening->worker_count; i++) {
    TN_TRY(tn_http_listen_socket(tn_str_from(address), BACKLOG, &descriptor));
    TN_TRY(add_socket(listening, i, descriptor));
  }
  return NULL;
}

/* ---- any of them ---------------------------------------------------------------------------------------- */

tn_error *tn_listening_open(tn_listening *listening) {
  tn_str address = listening->listen->address;
  if (tn_str_starts_with(address, TN_STR("unix:"))) return open_unix(listening);
  if (tn_str_equal(address, TN_STR("systemd")))
    return tn_activation_each(TN_STR(""), share, listening);
  if (tn_str_starts_with(address, TN_STR("systemd:"))) {
    tn_str name = tn_str_slice(address, sizeof "systemd:" - 1, address.len);
    return tn_activation_each(name, share, listening);
  }
  return open_tcp(listening);
}

void tn_listening_close(tn_listening *listening) {
  for (uint32_t i = 0; i < listening->sockets.len; i++)
    close(listening->sockets.items[i].descriptor);
  listening->sockets.len = 0;
}

void tn_listening_free(tn_listening *listening) {
  if (listening->tls != NULL) tn_tls_context_release(listening->tls);
  remove_file(&listening->file);
  tn_arena_free(&listening->arena);
  tn_free(listening);
}
