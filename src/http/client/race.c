/* Happy eyeballs (RFC 8305): addresses of both families are tried in turn, each a little later than the one
 * before, and the first connection wins. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/error.h"
#include "http/client/dial.h"

/* RFC 8305 5: the recommended Connection Attempt Delay. */
#define STAGGER UINT64_C(250000000)

/* ---- order ----------------------------------------------------------------------------------- */

static uint32_t next_of_family(const tn_client_addresses *from, uint32_t at, bool same,
                               sa_family_t family) {
  while (at < from->count && (from->items[at].any.sa_family == family) != same)
    at++;
  return at;
}

/* RFC 8305 4: the family of the system's first choice and the other one by turns. */
static void interleave(tn_client_addresses *addresses) {
  const tn_client_addresses from = *addresses;
  sa_family_t family = from.items[0].any.sa_family;
  uint32_t preferred = 0, other = next_of_family(&from, 0, false, family);
  for (uint32_t i = 0; i < from.count; i++) {
    bool is_turn = i % 2 == 0 ? preferred < from.count : other == from.count;
    if (is_turn) {
      addresses->items[i] = from.items[preferred];
      preferred = next_of_family(&from, preferred + 1, true, family);
    } else {
      addresses->items[i] = from.items[other];
      other = next_of_family(&from, other + 1, false, family);
    }
  }
}

/* ---- failures -------------------------------------------------------------------------------- */

static tn_http_code code_of(int error) {
  switch (error) {
  case ECONNREFUSED:
    return TN_HTTP_CONNECTION_REFUSED;
  case ETIMEDOUT:
    return TN_HTTP_CONNECTION_TIMEOUT;
  case ECONNRESET:
  case ECONNABORTED:
    return TN_HTTP_CONNECTION_TERMINATED;
  case ENETUNREACH:
  case EHOSTUNREACH:
  case ENETDOWN:
  case EHOSTDOWN:
  case EADDRNOTAVAIL:
  case EAFNOSUPPORT:
    return TN_HTTP_DESTINATION_IP_UNROUTABLE;
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
    return TN_HTTP_CONNECTION_LIMIT_REACHED;
  default:
    return TN_HTTP_DESTINATION_UNAVAILABLE;
  }
}

/* A machine without IPv6 says so for each IPv6 address: what the others say tells more. */
static void note_failure(tn_client_dial *dial, const tn_client_address *address, int error) {
  tn_http_code code = code_of(error);
  if (dial->has_failed && code == TN_HTTP_DESTINATION_IP_UNROUTABLE) return;
  dial->has_failed = true;
  dial->code = code;
  char room[TN_CLIENT_ADDRESS_TEXT];
  const char *reason = strerrordesc_np(error);
  snprintf(dial->problem, sizeof dial->problem, "connecting to %s (%s): %s",
           tn_dial_target(dial)->host, tn_client_address_print(address, room),
           reason == NULL ? "unknown error" : reason);
}

/* ---- attempts -------------------------------------------------------------------------------- */

static void attempt_stop(tn_dial_attempt *attempt) {
  if (attempt->dial == NULL) return;
  int descriptor = attempt->io.descriptor;
  tn_io_stop(&attempt->io);
  close(descriptor);
  attempt->dial->running--;
  attempt->dial = NULL;
}

static int connect_result(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
  if (error != 0) return error;
  /* Nothing wrong is not yet connected: an event may come early. */
  tn_client_address peer;
  socklen_t peer_size = sizeof peer;
  if (getpeername(descriptor, &peer.any, &peer_size) == 0) return 0;
  return errno == ENOTCONN ? EINPROGRESS : errno;
}

static void begin_next(tn_client_dial *dial, bool is_deferred);

static void attempt_won(tn_dial_attempt *attempt) {
  tn_client_dial *dial = attempt->dial;
  dial->descriptor = attempt->io.descriptor;
  tn_io_stop(&attempt->io);
  attempt->dial = NULL;
  dial->running--;
  tn_dial_race_stop(dial);
  tn_dial_connected(dial);
}

static void attempt_ready(tn_io *io, int events) {
  (void)events;
  tn_dial_attempt *attempt = (tn_dial_attempt *)io;
  tn_client_dial *dial = attempt->dial;
  int error = connect_result(io->descriptor);
  if (error == EINPROGRESS) return;
  if (error == 0) {
    attempt_won(attempt);
    return;
  }
  note_failure(dial, attempt->address, error);
  attempt_stop(attempt);
  begin_next(dial, false);
}

/* 0 when it is under way, else why not. */
static int attempt_begin(tn_dial_attempt *attempt, tn_client_dial *dial,
                         const tn_client_address *address) {
  int descriptor = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  int error = 0;
  if (connect(descriptor, &address->any, tn_client_address_size(address)) < 0 &&
      errno != EINPROGRESS)
    error = errno;
  tn_error *problem =
      error == 0 ? tn_io_start(&attempt->io, dial->loop, descriptor, attempt_ready) : NULL;
  if (problem != NULL) {
    tn_error_delete(problem);
    error = ENOMEM;
  }
  if (error != 0) {
    close(descriptor);
    return error;
  }
  attempt->dial = dial;
  attempt->address = address;
  dial->running++;
  return 0;
}

static void stagger(tn_alarm *alarm) {
  tn_client_dial *dial = TN_CONTAINER(alarm, tn_client_dial, stagger);
  begin_next(dial, false);
}

/* The next address that can be tried; the end when there is none and none is under way. */
static void begin_next(tn_client_dial *dial, bool is_deferred) {
  while (dial->next < dial->addresses.count) {
    const tn_client_address *address = &dial->addresses.items[dial->next];
    int error = attempt_begin(&dial->attempts[dial->next++], dial, address);
    if (error != 0) {
      note_failure(dial, address, error);
      continue;
    }
    /* Without an alarm the next one is tried when this one has failed. */
    if (dial->next < dial->addresses.count)
      tn_error_delete(tn_alarm_set(dial->loop, &dial->stagger, tn_loop_now() + STAGGER));
    return;
  }
  if (dial->running == 0) tn_dial_fail(dial, is_deferred, dial->code, NULL);
}

void tn_dial_race(tn_client_dial *dial) {
  interleave(&dial->addresses);
  dial->stagger.func = stagger;
  begin_next(dial, true);
}

void tn_dial_race_stop(tn_client_dial *dial) {
  tn_alarm_clear(dial->loop, &dial->stagger);
  for (uint32_t i = 0; i < dial->next; i++)
    attempt_stop(&dial->attempts[i]);
}
