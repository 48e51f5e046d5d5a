#include "loop/lookup.h"

#include <ares.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "loop/parts.h"

enum {
  MAX_RUNNING = 512,    /* of a loop: each takes a descriptor or two, and 80 KB */
  FIRST_TIMEOUT = 2000, /* milliseconds, twice as long at each further try */
  TRIES = 3,
  HEADER_SIZE = 12, /* of a DNS message: RFC 1035 4.1.1 */
  SERVFAIL = 2,
  NOTIMP = 4,
  REFUSED = 5,
};
#define MAX_TIME UINT64_C(30000000000) /* with all search domains */

/* One of c-ares' sockets. */
typedef struct lookup_socket {
  struct lookup_socket *next;
  tn_lookup *lookup;
  tn_readiness *readiness;
  int descriptor;
} lookup_socket;

/* Invariants: linked in its loop; `channel` is NULL when it failed before it had one. Once is_answered,
 * `answer` is to be told by whoever sees it first: `deferred`, or what ran c-ares. */
struct tn_lookup {
  tn_loop *loop;
  tn_lookup *next;
  tn_lookup *previous;
  const void *owner;
  void (*done)(void *data, const tn_lookup_answer *answer);
  void *data;
  ares_channel channel;
  lookup_socket *sockets;
  tn_alarm alarm;
  tn_deferred deferred;
  uint64_t deadline;
  bool is_answered;
  bool is_broken;      /* a socket cannot be watched */
  bool is_over;        /* what c-ares says from now on is not wanted */
  bool is_unreachable; /* a name server was not there, as the last thing that was heard */
  uint8_t rcode;       /* RFC 1035 4.1.1, of what was received last */
  tn_lookup_answer answer;
};

void tn_lookup_set_servers(tn_loop *loop, const char *servers) {
  loop->name_servers = servers;
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* Nobody may have more than is left for the others: one alone gets half of all, and however many there
 * are, there is something left for the next. */
bool tn_lookup_has_room(const tn_loop *loop, const void *owner) {
  uint32_t all = 0, own = 0;
  for (const tn_lookup *lookup = loop->lookups; lookup != NULL; lookup = lookup->next) {
    all++;
    if (lookup->owner == owner) own++;
  }
  return all < MAX_RUNNING && own < MAX_RUNNING - all;
}

static void lookup_link(tn_lookup *lookup) {
  lookup->next = lookup->loop->lookups;
  if (lookup->next != NULL) lookup->next->previous = lookup;
  lookup->loop->lookups = lookup;
}

static void lookup_unlink(tn_lookup *lookup) {
  if (lookup->previous != NULL)
    lookup->previous->next = lookup->next;
  else
    lookup->loop->lookups = lookup->next;
  if (lookup->next != NULL) lookup->next->previous = lookup->previous;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* c-ares tells of each socket that it closes, which stops it. */
static void lookup_free(tn_lookup *lookup) {
  lookup->is_over = true;
  if (lookup->channel != NULL) ares_destroy(lookup->channel);
  tn_alarm_clear(lookup->loop, &lookup->alarm);
  tn_loop_undefer(lookup->loop, &lookup->deferred);
  lookup_unlink(lookup);
  tn_free(lookup);
}

void tn_lookup_cancel(tn_lookup *lookup) {
  lookup_free(lookup);
}

static void tell(tn_lookup *lookup) {
  tn_lookup_answer answer = lookup->answer;
  void (*done)(void *data, const tn_lookup_answer *answer) = lookup->done;
  void *data = lookup->data;
  lookup_free(lookup);
  done(data, &answer);
}

static void tell_deferred(tn_deferred *deferred) {
  tell(TN_CONTAINER(deferred, tn_lookup, deferred));
}

static void fail(tn_lookup *lookup, tn_lookup_failure failure) {
  lookup->answer.failure = failure;
  lookup->answer.count = 0;
  lookup->is_answered = true;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* c-ares asks the next server when one fails, and then only says that none was of use. */
static tn_lookup_failure useless_server(const tn_lookup *lookup) {
  if (lookup->is_unreachable) return TN_LOOKUP_NO_SERVER;
  switch (lookup->rcode) {
  case SERVFAIL:
    return TN_LOOKUP_SERVER_FAILED;
  case NOTIMP:
  case REFUSED:
    return TN_LOOKUP_REFUSED;
  default:
    return TN_LOOKUP_NO_SERVER;
  }
}

static tn_lookup_failure failure_of(const tn_lookup *lookup, int status) {
  switch (status) {
  case ARES_ENOTFOUND:
    return TN_LOOKUP_NO_NAME;
  case ARES_ENODATA:
    return TN_LOOKUP_NO_ADDRESS;
  case ARES_EREFUSED:
  case ARES_ENOTIMP:
    return TN_LOOKUP_REFUSED;
  case ARES_ESERVFAIL:
    return TN_LOOKUP_SERVER_FAILED;
  case ARES_ETIMEOUT:
    return lookup->is_unreachable ? TN_LOOKUP_NO_SERVER : TN_LOOKUP_NO_ANSWER;
  case ARES_ECONNREFUSED:
    return useless_server(lookup);
  case ARES_EBADNAME:
  case ARES_EBADFAMILY:
    return TN_LOOKUP_BAD_NAME;
  case ARES_ENOMEM:
    return TN_LOOKUP_NO_MEMORY;
  case ARES_EFORMERR:
  case ARES_EBADRESP:
    return TN_LOOKUP_BAD_ANSWER;
  default:
    return TN_LOOKUP_SYSTEM;
  }
}

static void take_addresses(tn_lookup_answer *answer, const struct ares_addrinfo *found) {
  for (const struct ares_addrinfo_node *node = found->nodes;
       node != NULL && answer->count < TN_LOOKUP_MAX_ADDRESSES; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    if (node->ai_addrlen > sizeof answer->items[0]) continue;
    memcpy(&answer->items[answer->count++], node->ai_addr, node->ai_addrlen);
  }
}

static void answered(void *argument, int status, int timeouts, struct ares_addrinfo *found) {
  (void)timeouts;
  tn_lookup *lookup = argument;
  if (!lookup->is_over) {
    if (status == ARES_SUCCESS) {
      take_addresses(&lookup->answer, found);
      lookup->is_answered = true;
      if (lookup->answer.count == 0) fail(lookup, TN_LOOKUP_NO_ADDRESS);
    } else {
      fail(lookup, lookup->is_broken ? TN_LOOKUP_NO_MEMORY : failure_of(lookup, status));
    }
  }
  if (found != NULL) ares_freeaddrinfo(found);
}

/* ---- running c-ares -------------------------------------------------------------------------- */

/* The time at which c-ares has something to do again: to try another server, to give up. */
static void set_alarm(tn_lookup *lookup) {
  uint64_t now = tn_loop_now(), wait = lookup->deadline > now ? lookup->deadline - now : 0;
  struct timeval most = {(time_t)(wait / 1000000000), (suseconds_t)(wait % 1000000000 / 1000)},
                 room;
  const struct timeval *next = ares_timeout(lookup->channel, &most, &room);
  uint64_t due = now + (uint64_t)next->tv_sec * 1000000000 + (uint64_t)next->tv_usec * 1000;
  tn_error *error = tn_alarm_set(lookup->loop, &lookup->alarm, due);
  if (error == NULL) return;
  tn_error_delete(error);
  fail(lookup, TN_LOOKUP_NO_MEMORY);
}

/* After c-ares has run, as the last thing that its caller does. */
static void go_on(tn_lookup *lookup) {
  if (!lookup->is_answered && lookup->is_broken) fail(lookup, TN_LOOKUP_NO_MEMORY);
  if (!lookup->is_answered) set_alarm(lookup);
  if (lookup->is_answered) tell(lookup);
}

/* Level-triggered: what is not read now comes again. */
static void socket_ready(void *data) {
  lookup_socket *ready = data;
  tn_lookup *lookup = ready->lookup;
  ares_process_fd(lookup->channel, ready->descriptor, ready->descriptor);
  go_on(lookup);
}

static void time_is_over(tn_alarm *alarm) {
  tn_lookup *lookup = TN_CONTAINER(alarm, tn_lookup, alarm);
  if (tn_loop_now() >= lookup->deadline)
    fail(lookup, TN_LOOKUP_NO_ANSWER);
  else
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  go_on(lookup);
}

static lookup_socket **find_socket(tn_lookup *lookup, int descriptor) {
  lookup_socket **link = &lookup->sockets;
  while (*link != NULL && (*link)->descriptor != descriptor)
    link = &(*link)->next;
  return link;
}

static void forget_socket(lookup_socket **link) {
  lookup_socket *forgotten = *link;
  *link = forgotten->next;
  if (forgotten->readiness != NULL) tn_readiness_stop(forgotten->readiness);
  tn_free(forgotten);
}

static void watch_socket(tn_lookup *lookup, int descriptor, int events) {
  lookup_socket *new = tn_calloc(1, sizeof *new);
  if (new == NULL) {
    lookup->is_broken = true;
    return;
  }
  *new = (lookup_socket){lookup->sockets, lookup, NULL, descriptor};
  lookup->sockets = new;
  tn_error *error =
      tn_readiness_watch(lookup->loop, descriptor, events, socket_ready, new, &new->readiness);
  if (error == NULL) return;
  tn_error_delete(error);
  lookup->is_broken = true;
}

/* c-ares wants a socket watched for other things than before, or, before it closes it, for nothing. */
static void socket_changed(void *data, ares_socket_t descriptor, int readable, int writable) {
  tn_lookup *lookup = data;
  lookup_socket **link = find_socket(lookup, descriptor);
  if (*link != NULL) forget_socket(link);
  int events = (readable ? TN_READABLE : 0) | (writable ? TN_WRITABLE : 0);
  if (events != 0) watch_socket(lookup, descriptor, events);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int open_socket(int family, int type, int protocol, void *data) {
  (void)data;
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(int descriptor, void *data) {
  (void)data;
  return close(descriptor);
}

static void note_reachable(tn_lookup *lookup, ssize_t result) {
  if (result >= 0 || (errno != EAGAIN && errno != EINTR && errno != EINPROGRESS))
    lookup->is_unreachable = result < 0;
}

static int connect_socket(int descriptor, const struct sockaddr *address, socklen_t size,
                          void *data) {
  int result = connect(descriptor, address, size);
  if (result < 0) note_reachable(data, result);
  return result;
}

static ssize_t receive(int descriptor, void *out, size_t size, int flags, struct sockaddr *from,
                       socklen_t *from_size, void *data) {
  tn_lookup *lookup = data;
  ssize_t got = recvfrom(descriptor, out, size, flags, from, from_size);
  note_reachable(lookup, got);
  bool is_message = from != NULL && got >= HEADER_SIZE; /* not for TCP, where it is in pieces */
  if (is_message) lookup->rcode = ((const uint8_t *)out)[3] & 15;
  return got;
}

/* A datagram socket reports with a call that an earlier datagram found nobody, once. To c-ares that
 * would be this query's failure, and the earlier one would wait: it is told by `receive`, of all of
 * them. */
static ssize_t send_parts(int descriptor, const struct iovec *parts, int count, void *data) {
  struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
  ssize_t sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
  if (sent < 0 && errno == ECONNREFUSED) sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
  if (sent < 0) note_reachable(data, sent);
  return sent;
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* Other users of c-ares in this process are served by the same functions, so that they must be malloc and its
 * like, which they are outside tests. */
static void library_init(void) {
  ares_library_init_mem(ARES_LIB_INIT_ALL, tn_malloc, tn_free, tn_realloc);
}

static int open_channel(tn_lookup *lookup) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, library_init);
  struct ares_options options = {
      .timeout = FIRST_TIMEOUT,
      .tries = TRIES,
      .lookups = (char *)"fb", /* files, then the name servers */
      .sock_state_cb = socket_changed,
      .sock_state_cb_data = lookup,
  };
  int status = ares_init_options(&lookup->channel, &options,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                     ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) {
    lookup->channel = NULL;
    return status;
  }
  static const struct ares_socket_functions functions = {open_socket, close_socket, connect_socket,
                                                         receive, send_parts};
  ares_set_socket_functions(lookup->channel, &functions, lookup);
  const char *servers = lookup->loop->name_servers;
  return servers == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(lookup->channel, servers);
}

static void begin(tn_lookup *lookup, const char *name) {
  if (!tn_lookup_has_room(lookup->loop, lookup->owner)) {
    fail(lookup, TN_LOOKUP_TOO_MANY);
    return;
  }
  int status = open_channel(lookup);
  if (status != ARES_SUCCESS) {
    fail(lookup, status == ARES_ENOMEM ? TN_LOOKUP_NO_MEMORY : TN_LOOKUP_SYSTEM);
    return;
  }
  const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(lookup->channel, name, NULL, &hints, answered, lookup);
  if (!lookup->is_answered && lookup->is_broken) fail(lookup, TN_LOOKUP_NO_MEMORY);
  if (!lookup->is_answered) set_alarm(lookup);
}

tn_lookup *tn_lookup_start(tn_loop *loop, const char *name, const void *owner,
                           void (*done)(void *data, const tn_lookup_answer *answer), void *data) {
  tn_lookup *lookup = tn_calloc(1, sizeof *lookup);
  if (lookup == NULL) return NULL;
  lookup->loop = loop;
  lookup->owner = owner;
  lookup->done = done;
  lookup->data = data;
  lookup->alarm.func = time_is_over;
  lookup->deferred.func = tell_deferred;
  lookup->deadline = tn_loop_now() + MAX_TIME;
  begin(lookup, name);
  lookup_link(lookup);
  if (lookup->is_answered) tn_loop_defer(loop, &lookup->deferred);
  return lookup;
}
