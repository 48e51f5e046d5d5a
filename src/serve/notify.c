#include "serve/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Twice as often as the manager asks for (sd_watchdog_enabled(3)). */
static uint64_t watchdog_interval(void) {
  const char *microseconds = getenv("WATCHDOG_USEC");
  const char *process = getenv("WATCHDOG_PID");
  if (microseconds == NULL) return 0;
  if (process != NULL && strtol(process, NULL, 10) != (long)getpid()) return 0;
  uint64_t interval = strtoull(microseconds, NULL, 10);
  return interval <= UINT64_MAX / 1000 ? interval * 1000 / 2 : 0;
}

void tn_notify_init(tn_notify *notify) {
  *notify = (tn_notify){.descriptor = -1};
  const char *path = getenv("NOTIFY_SOCKET");
  if (path == NULL || (path[0] != '/' && path[0] != '@')) return;
  size_t size = strlen(path);
  if (size >= sizeof notify->address.sun_path) return;
  notify->address.sun_family = AF_UNIX;
  memcpy(notify->address.sun_path, path, size);
  if (path[0] == '@') notify->address.sun_path[0] = '\0'; /* an abstract one */
  notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
  notify->descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  notify->watchdog_interval = watchdog_interval();
}

void tn_notify_send(const tn_notify *notify, const char *state) {
  if (notify->descriptor < 0) return;
  ssize_t sent = sendto(notify->descriptor, state, strlen(state), MSG_NOSIGNAL,
                        (const struct sockaddr *)&notify->address, notify->address_size);
  (void)sent;
}

void tn_notify_free(tn_notify *notify) {
  if (notify->descriptor >= 0) close(notify->descriptor);
  notify->descriptor = -1;
}
