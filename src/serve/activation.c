#include "serve/activation.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

enum { FIRST_DESCRIPTOR = 3, MAX_DESCRIPTORS = 1024 };

static long number_in(const char *variable) {
  const char *text = getenv(variable);
  return text != NULL ? strtol(text, NULL, 10) : 0;
}

static int passed_count(void) {
  if (number_in("LISTEN_PID") != (long)getpid()) return 0;
  long count = number_in("LISTEN_FDS");
  return count > 0 && count <= MAX_DESCRIPTORS ? (int)count : 0;
}

/* The next of the names, which colons separate. */
static tn_str take_name(tn_str *names) {
  size_t end = tn_str_find(*names, ':', 0);
  tn_str name = tn_str_slice(*names, 0, end);
  *names = tn_str_slice(*names, end + 1, names->len);
  return name;
}

static bool socket_option_is(int descriptor, int option, int expected) {
  int value;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
}

tn_error *tn_activation_each(tn_str name, tn_error *(*use)(void *data, int descriptor),
                             void *data) {
  int count = passed_count();
  tn_str names = tn_str_from(getenv("LISTEN_FDNAMES"));
  bool has_any = false;
  for (int i = 0; i < count; i++) {
    tn_str passed = take_name(&names);
    int descriptor = FIRST_DESCRIPTOR + i;
    if (name.len > 0 && !tn_str_equal(name, passed)) continue;
    if (!socket_option_is(descriptor, SO_TYPE, SOCK_STREAM) ||
        !socket_option_is(descriptor, SO_ACCEPTCONN, 1)) {
      return tn_error_new(TN_ERROR_ARGUMENT,
                          "descriptor %d, passed by the service manager, is no listening socket",
                          descriptor);
    }
    TN_TRY(use(data, descriptor));
    has_any = true;
  }
  if (has_any) return NULL;
  tn_error *error =
      name.len > 0
          ? tn_error_new(TN_ERROR_ARGUMENT,
                         "the service manager has passed no socket named `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(name))
          : tn_error_new(TN_ERROR_ARGUMENT, "the service manager has passed no socket");
  return tn_error_set_hint(error, "listen on \"systemd\" only in a service with a .socket unit");
}
