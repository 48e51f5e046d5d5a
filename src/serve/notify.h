/* Telling the service manager how the server is: sd_notify(3), a datagram to NOTIFY_SOCKET. */
#ifndef TN_SERVE_NOTIFY_H
#define TN_SERVE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Invariant: descriptor is -1 when nobody wants to be told. */
typedef struct tn_notify {
  int descriptor;
  struct sockaddr_un address;
  socklen_t address_size;
  uint64_t watchdog_interval; /* ns; how often WATCHDOG=1 is expected; 0: it is not */
} tn_notify;

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
void tn_notify_init(tn_notify *notify);
/* "READY=1", lines joined by "\n". Lost when the manager does not listen. */
void tn_notify_send(const tn_notify *notify, const char *state);
void tn_notify_free(tn_notify *notify);

#endif
