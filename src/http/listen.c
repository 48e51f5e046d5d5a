/* Opening listening sockets. */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "http/server.h"

static tn_error *listen_failure(tn_str address, int number) {
  return tn_error_new(TN_ERROR_IO, "cannot listen on %" TN_STR_FORMAT ": %s", TN_STR_ARG(address),
                      strerror(number));
}

static tn_error *malformed_address(tn_str address) {
  return tn_error_set_hint(tn_error_new(TN_ERROR_ARGUMENT,
                                        "\"%" TN_STR_FORMAT "\" is no address to listen on",
                                        TN_STR_ARG(address)),
                           "give HOST:PORT, [IPv6]:PORT, :PORT or unix:/PATH");
}

/* Binds and listens. Gives the descriptor, or -1 with errno. */
static int open_socket(const struct sockaddr *address, socklen_t size, int backlog) {
  int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  int descriptor = socket(address->sa_family, type, 0);
  if (descriptor < 0) return -1;
  int yes = 1;
  bool is_ready = true;
  if (address->sa_family != AF_UNIX) {
    /* Each worker has a socket of its own at the same address, and a restart need not wait for old connections. */
    is_ready = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
               setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0;
  }
  is_ready = is_ready && bind(descriptor, address, size) == 0 && listen(descriptor, backlog) == 0;
  if (is_ready) return descriptor;
  int number = errno;
  close(descriptor);
  errno = number;
  return -1;
}

/* A socket file that nobody listens on any more is in the way. */
static void remove_stale_socket(const struct sockaddr_un *address) {
  struct stat status;
  if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  int result = connect(probe, (const struct sockaddr *)address, sizeof *address);
  if (result < 0 && errno == ECONNREFUSED) unlink(address->sun_path);
  close(probe);
}

static tn_error *listen_unix(tn_str address, tn_str path, int backlog, int *out) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  if (path.len == 0 || path.len >= sizeof name.sun_path) return malformed_address(address);
  memcpy(name.sun_path, path.data, path.len);
  remove_stale_socket(&name);
  *out = open_socket((const struct sockaddr *)&name, sizeof name, backlog);
  return *out < 0 ? listen_failure(address, errno) : NULL;
}

/* Splits "host:port". False: malformed. */
static bool split_address(tn_str address, char host[256], char port[6]) {
  tn_str name, number;
  if (tn_str_starts_with(address, TN_STR("["))) {
    size_t bracket = tn_str_find(address, ']', 0);
    if (bracket + 1 >= address.len || address.data[bracket + 1] != ':') return false;
    name = tn_str_slice(address, 1, bracket);
    number = tn_str_slice(address, bracket + 2, address.len);
  } else {
    size_t colon = tn_str_find(address, ':', 0);
    if (colon == address.len) return false;
    name = tn_str_slice(address, 0, colon);
    number = tn_str_slice(address, colon + 1, address.len);
  }
  if (name.len > 255 || number.len == 0 || number.len > 5) return false;
  uint32_t value = 0;
  for (size_t i = 0; i < number.len; i++) {
    if (number.data[i] < '0' || number.data[i] > '9') return false;
    value = value * 10 + (uint32_t)(number.data[i] - '0');
  }
  if (value > UINT16_MAX) return false;
  if (name.len > 0) memcpy(host, name.data, name.len);
  host[name.len] = '\0';
  memcpy(port, number.data, number.len);
  port[number.len] = '\0';
  return true;
}

tn_error *tn_http_listen_socket(tn_str address, int backlog, int *out) {
  if (tn_str_starts_with(address, TN_STR("unix:"))) {
    return listen_unix(address, tn_str_slice(address, 5, address.len), backlog, out);
  }
  char host[256], port[6];
  if (!split_address(address, host, port)) return malformed_address(address);
  /* Without a host: every address, IPv4 ones too. */
  const char *name = host[0] == '\0' ? "::" : host;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  int result = getaddrinfo(name, port, &hints, &found);
  if (result != 0) {
    return tn_error_new(TN_ERROR_IO, "cannot listen on %" TN_STR_FORMAT ": %s", TN_STR_ARG(address),
                        result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
  }
  *out = -1;
  int number = 0;
  for (struct addrinfo *at = found; at != NULL && *out < 0; at = at->ai_next) {
    *out = open_socket(at->ai_addr, at->ai_addrlen, backlog);
    number = errno;
  }
  freeaddrinfo(found);
  return *out < 0 ? listen_failure(address, number) : NULL;
}
