/* Readiness of descriptors: ppoll for the first few and epoll for the rest, or epoll for all. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

/* Invariant: slot >= 0 is the place in poller->direct; slot < 0: linked in poller->watched[descriptor]. */
struct tn_readiness {
  tn_poller *poller;
  void (*func)(void *data);
  void *data;
  tn_readiness *next;
  tn_readiness *previous;
  int descriptor;
  int events;
  int slot;
};

enum { BATCH = 256 };

/* An entry's data is 0 once the tn_io that it was for has been stopped. */
struct tn_batch {
  tn_batch *previous;
  struct epoll_event events[BATCH];
  int count;
  int at; /* the next to be delivered */
};

/* What an event in the set is for: the address of a tn_io, or a descriptor and one of these in its low bits. */
enum { TAG_IO = 0, TAG_WATCHED = 1, TAG_WAKEUP = 2, TAG_EXTRA = 3, TAG_MASK = 3, TAG_BITS = 2 };

static uint64_t tagged(int descriptor, unsigned tag) {
  return (uint64_t)(uint32_t)descriptor << TAG_BITS | tag;
}

tn_error *tn_poller_init(tn_poller *poller) {
  poller->epoll = -1;
  poller->extra = -1;
  poller->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (poller->wakeup < 0)
    return tn_error_new(TN_ERROR_IO, "making an eventfd: %s", strerror(errno));
  return NULL;
}

void tn_poller_free(tn_poller *poller) {
  if (poller->epoll >= 0) close(poller->epoll);
  close(poller->wakeup);
  tn_free(poller->watched);
}

void tn_poller_wake(const tn_poller *poller) {
  uint64_t one = 1;
  /* Can only fail when the counter is full, and then it is readable anyway. */
  ssize_t written = write(poller->wakeup, &one, sizeof one);
  (void)written;
}

static void poller_drain_wakeup(const tn_poller *poller) {
  uint64_t count;
  ssize_t size = read(poller->wakeup, &count, sizeof count); /* it does not block */
  (void)size;
}

/* ---- the epoll set -------------------------------------------------------------------------------- */

static bool poller_make_room(tn_poller *poller, size_t descriptor) {
  if (descriptor < poller->watched_count) return true;
  size_t count = poller->watched_count == 0 ? 64 : poller->watched_count;
  while (count <= descriptor)
    count *= 2;
  tn_watched *watched = tn_realloc(poller->watched, count * sizeof *watched);
  if (watched == NULL) return false;
  memset(watched + poller->watched_count, 0, (count - poller->watched_count) * sizeof *watched);
  poller->watched = watched;
  poller->watched_count = count;
  return true;
}

/* Tells epoll what the readinesses of `descriptor` want together. Returns 0 or errno. */
static int poller_update(tn_poller *poller, int descriptor) {
  tn_watched *watched = &poller->watched[descriptor];
  int events = 0;
  for (tn_readiness *r = watched->first; r != NULL; r = r->next)
    events |= r->events;
  if (events == watched->events) return 0;
  struct epoll_event event = {.data.u64 = tagged(descriptor, TAG_WATCHED)};
  if (events & TN_READABLE) event.events |= EPOLLIN;
  if (events & TN_WRITABLE) event.events |= EPOLLOUT;
  int operation = watched->events == 0 ? EPOLL_CTL_ADD
                  : events == 0        ? EPOLL_CTL_DEL
                                       : EPOLL_CTL_MOD;
  watched->events = events;
  return epoll_ctl(poller->epoll, operation, descriptor, &event) == 0 ? 0 : errno;
}

static void poller_link(tn_watched *watched, tn_readiness *readiness) {
  readiness->previous = NULL;
  readiness->next = watched->first;
  if (watched->first != NULL) watched->first->previous = readiness;
  watched->first = readiness;
}

static void poller_unlink(tn_watched *watched, tn_readiness *readiness) {
  if (readiness->previous == NULL) {
    watched->first = readiness->next;
  } else {
    readiness->previous->next = readiness->next;
  }
  if (readiness->next != NULL) readiness->next->previous = readiness->previous;
}

static tn_error *poller_make_set(tn_poller *poller) {
  if (poller->epoll >= 0) return NULL;
  poller->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (poller->epoll >= 0) return NULL;
  return tn_error_new(TN_ERROR_IO, "making an epoll set: %s", strerror(errno));
}

static tn_error *poller_add(tn_poller *poller, int descriptor, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  if (epoll_ctl(poller->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0) return NULL;
  return tn_error_new(TN_ERROR_IO, "waiting for descriptor %d: %s", descriptor, strerror(errno));
}

/* Regular files, which epoll refuses with EPERM, and descriptors that are not open count as ready. */
static tn_error *poller_register(tn_poller *poller, tn_readiness *readiness) {
  TN_TRY(poller_make_set(poller));
  if (readiness->descriptor < 0) {
    readiness->func(readiness->data);
    return NULL;
  }
  if (!poller_make_room(poller, (size_t)readiness->descriptor)) return tn_error_no_memory();
  tn_watched *watched = &poller->watched[readiness->descriptor];
  poller_link(watched, readiness);
  int code = poller_update(poller, readiness->descriptor);
  if (code == EPERM || code == EBADF) {
    watched->events = 0;
    readiness->func(readiness->data);
  } else if (code != 0) {
    poller_unlink(watched, readiness);
    watched->events = 0;
    return tn_error_new(TN_ERROR_IO, "waiting for descriptor %d: %s", readiness->descriptor,
                        strerror(code));
  }
  poller->registered++;
  return NULL;
}

static void poller_unregister(tn_poller *poller, tn_readiness *readiness) {
  if (readiness->descriptor < 0) return;
  poller_unlink(&poller->watched[readiness->descriptor], readiness);
  poller_update(poller, readiness->descriptor);
  poller->registered--;
}

static void poller_call_watched(tn_poller *poller, int descriptor, uint32_t ready) {
  int events = 0;
  if (ready & (EPOLLIN | EPOLLERR | EPOLLHUP)) events |= TN_READABLE;
  if (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)) events |= TN_WRITABLE;
  for (tn_readiness *r = poller->watched[descriptor].first, *next; r != NULL; r = next) {
    next = r->next;
    if (r->events & events) r->func(r->data);
  }
}

static void poller_call_io(tn_io *io, uint32_t ready) {
  int events = 0;
  if (ready & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) events |= TN_READABLE;
  if (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)) events |= TN_WRITABLE;
  if (ready & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) events |= TN_HANGUP;
  io->func(io, events);
}

static void poller_deliver(tn_poller *poller, const struct epoll_event *event) {
  uint64_t data = event->data.u64;
  switch (data & TAG_MASK) {
  case TAG_IO:
    if (data != 0) poller_call_io((tn_io *)(uintptr_t)data, event->events);
    break;
  case TAG_WATCHED:
    poller_call_watched(poller, (int)(data >> TAG_BITS), event->events);
    break;
  case TAG_WAKEUP:
    poller_drain_wakeup(poller);
    break;
  default:
    break; /* the pool is looked after in each turn */
  }
}

static int poller_wait(tn_poller *poller, struct epoll_event *events,
                       const struct timespec *timeout) {
  if (!poller->lacks_pwait2) {
    int count = epoll_pwait2(poller->epoll, events, BATCH, timeout, NULL);
    if (count >= 0 || errno != ENOSYS) return count;
    poller->lacks_pwait2 = true;
  }
  int milliseconds = -1;
  if (timeout != NULL) {
    const time_t most = INT_MAX / 1000 - 1;
    time_t seconds = timeout->tv_sec < most ? timeout->tv_sec : most;
    milliseconds = (int)seconds * 1000 + (int)((timeout->tv_nsec + 999999) / 1000000);
  }
  return epoll_wait(poller->epoll, events, BATCH, milliseconds);
}

/* Waits in the set and delivers what comes. */
static tn_error *poller_collect(tn_poller *poller, const struct timespec *timeout, uint64_t *time) {
  tn_batch batch;
  batch.previous = poller->batch;
  batch.count = poller_wait(poller, batch.events, timeout);
  *time = tn_loop_now();
  if (batch.count < 0 && errno != EINTR)
    return tn_error_new(TN_ERROR_IO, "epoll_wait: %s", strerror(errno));
  poller->batch = &batch;
  for (batch.at = 0; batch.at < batch.count;)
    poller_deliver(poller, &batch.events[batch.at++]);
  poller->batch = batch.previous;
  return NULL;
}

/* ---- readinesses ---------------------------------------------------------------------------------- */

static int poller_free_slot(const tn_poller *poller) {
  if (poller->has_io) return -1;
  for (int i = 0; i < TN_POLLER_DIRECT; i++) {
    if (poller->direct[i] == NULL) return i;
  }
  return -1;
}

tn_error *tn_readiness_watch(tn_loop *loop, int descriptor, int events, void (*func)(void *data),
                             void *data, tn_readiness **out) {
  tn_poller *poller = &loop->poller;
  tn_readiness *readiness = tn_malloc(sizeof *readiness);
  if (readiness == NULL) return tn_error_no_memory();
  *readiness = (tn_readiness){.poller = poller,
                              .func = func,
                              .data = data,
                              .descriptor = descriptor,
                              .events = events,
                              .slot = poller_free_slot(poller)};
  if (readiness->slot >= 0) {
    poller->direct[readiness->slot] = readiness;
  } else {
    tn_error *error = poller_register(poller, readiness);
    if (error != NULL) {
      tn_free(readiness);
      return error;
    }
  }
  *out = readiness;
  return NULL;
}

static void readiness_wake(void *wait) {
  tn_wait_wake(wait);
}

tn_error *tn_readiness_start(tn_wait *wait, int descriptor, int events, tn_readiness **out) {
  return tn_readiness_watch(wait->guest->loop, descriptor, events, readiness_wake, wait, out);
}

void tn_readiness_stop(tn_readiness *readiness) {
  tn_poller *poller = readiness->poller;
  if (readiness->slot >= 0) {
    poller->direct[readiness->slot] = NULL;
  } else {
    poller_unregister(poller, readiness);
  }
  tn_free(readiness);
}

/* ---- descriptors that call back ---------------------------------------------------------------------- */

/* From ppoll to epoll, for good. */
static tn_error *poller_move_to_set(tn_poller *poller) {
  if (poller->has_io) return NULL;
  TN_TRY(poller_make_set(poller));
  TN_TRY(poller_add(poller, poller->wakeup, EPOLLIN | EPOLLET, TAG_WAKEUP));
  if (poller->extra >= 0) TN_TRY(poller_add(poller, poller->extra, EPOLLIN | EPOLLET, TAG_EXTRA));
  poller->has_io = true;
  for (int i = 0; i < TN_POLLER_DIRECT; i++) {
    tn_readiness *readiness = poller->direct[i];
    if (readiness == NULL) continue;
    TN_TRY(poller_register(poller, readiness));
    readiness->slot = -1;
    poller->direct[i] = NULL;
  }
  return NULL;
}

tn_error *tn_io_start(tn_io *io, tn_loop *loop, int descriptor,
                      void (*func)(tn_io *io, int events)) {
  tn_poller *poller = &loop->poller;
  TN_TRY(poller_move_to_set(poller));
  TN_TRY(poller_add(poller, descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, (uintptr_t)io));
  *io = (tn_io){.func = func, .loop = loop, .descriptor = descriptor};
  return NULL;
}

void tn_io_stop(tn_io *io) {
  if (io->loop == NULL) return;
  tn_poller *poller = &io->loop->poller;
  epoll_ctl(poller->epoll, EPOLL_CTL_DEL, io->descriptor, NULL); /* fails if it is closed already */
  for (tn_batch *batch = poller->batch; batch != NULL; batch = batch->previous) {
    for (int i = batch->at; i < batch->count; i++) {
      if (batch->events[i].data.u64 == (uintptr_t)io) batch->events[i].data.u64 = 0;
    }
  }
  io->loop = NULL;
}

tn_error *tn_poller_set_extra(tn_poller *poller, int descriptor) {
  if (poller->has_io) TN_TRY(poller_add(poller, descriptor, EPOLLIN | EPOLLET, TAG_EXTRA));
  poller->extra = descriptor;
  return NULL;
}

/* ---- one turn -------------------------------------------------------------------------------------- */

static short poller_events(int events) {
  return (short)((events & TN_READABLE ? POLLIN : 0) | (events & TN_WRITABLE ? POLLOUT : 0));
}

/* The timeout for a deadline: NULL means for ever. */
static struct timespec *poller_timeout(uint64_t deadline, struct timespec *room) {
  if (deadline == UINT64_MAX) return NULL;
  uint64_t now = deadline == 0 ? 0 : tn_loop_now();
  uint64_t left = deadline > now ? deadline - now : 0;
  *room = (struct timespec){.tv_sec = (time_t)(left / 1000000000),
                            .tv_nsec = (long)(left % 1000000000)};
  return room;
}

static tn_error *poller_turn_direct(tn_poller *poller, uint64_t deadline, bool with_extra,
                                    uint64_t *time) {
  struct pollfd polled[TN_POLLER_DIRECT + 3];
  int slots[TN_POLLER_DIRECT];
  nfds_t count = 0;
  for (int i = 0; i < TN_POLLER_DIRECT; i++) {
    tn_readiness *readiness = poller->direct[i];
    if (readiness == NULL) continue;
    slots[count] = i;
    polled[count++] = (struct pollfd){readiness->descriptor, poller_events(readiness->events), 0};
    /* ppoll ignores negative descriptors; nobody may wait for ever for one. */
    if (readiness->descriptor < 0) deadline = 0;
  }
  nfds_t direct = count;
  polled[count++] = (struct pollfd){poller->wakeup, POLLIN, 0};
  polled[count++] = (struct pollfd){with_extra ? poller->extra : -1, POLLIN, 0};
  polled[count++] = (struct pollfd){poller->registered > 0 ? poller->epoll : -1, POLLIN, 0};

  struct timespec room;
  int ready = ppoll(polled, count, poller_timeout(deadline, &room), NULL);
  *time = tn_loop_now();
  if (ready < 0 && errno != EINTR) return tn_error_new(TN_ERROR_IO, "ppoll: %s", strerror(errno));
  if (ready < 0) return NULL;
  for (nfds_t i = 0; i < direct; i++) {
    if (polled[i].revents == 0 && polled[i].fd >= 0) continue;
    /* What has been called before may have stopped this one. */
    tn_readiness *readiness = poller->direct[slots[i]];
    if (readiness != NULL) readiness->func(readiness->data);
  }
  if (polled[direct].revents != 0) poller_drain_wakeup(poller);
  return polled[direct + 2].revents != 0 ? poller_collect(poller, &(struct timespec){0}, time)
                                         : NULL;
}

tn_error *tn_poller_turn(tn_poller *poller, uint64_t deadline, bool with_extra, uint64_t *time) {
  if (!poller->has_io) return poller_turn_direct(poller, deadline, with_extra, time);
  struct timespec room;
  return poller_collect(poller, poller_timeout(deadline, &room), time);
}
