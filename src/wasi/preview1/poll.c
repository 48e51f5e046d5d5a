/* Preview 1: poll_oneoff. */
#include <stddef.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/io/io.h"
#include "wasi/preview1/call.h"

/* Subscriptions of one call. */
enum { MAX_SUBSCRIPTIONS = 4096 };

/* eventtype, clockid, subclockflags, eventrwflags */
enum {
  EVENT_CLOCK,
  EVENT_READ,
  EVENT_WRITE,
  REALTIME = 0,
  MONOTONIC = 1,
  ABSOLUTE = 1,
  HANGUP = 1
};

typedef struct subscription {
  uint64_t userdata;
  uint8_t type;
  union {
    struct {
      uint32_t id;
      uint64_t timeout;
      uint64_t precision;
      uint16_t flags;
    } clock;
    uint32_t descriptor;
  };
} subscription;
_Static_assert(sizeof(subscription) == 48 && offsetof(subscription, clock) == 16,
               "layout of subscription");

typedef struct event {
  uint64_t userdata;
  uint16_t error;
  uint8_t type;
  uint64_t size;
  uint16_t flags;
} event;
_Static_assert(sizeof(event) == 32 && offsetof(event, size) == 16, "layout of event");

/* What one subscription waits for. Invariant: with `failure` set it is over already; `fd` is -1 for what is
 * always ready. */
typedef struct waiter {
  tn_pollable pollable;
  int fd;
  int events; /* TN_READABLE or TN_WRITABLE */
  int failure;
  uint64_t userdata;
  uint8_t type;
} waiter;

/* ---- descriptors -------------------------------------------------------------------------------- */

static bool is_ready(void *object) {
  const waiter *self = object;
  return self->fd < 0 || tn_descriptor_is_ready(self->fd, self->events);
}

static tn_error *arm(void *object, tn_wait *wait, tn_armed *armed) {
  const waiter *self = object;
  if (self->fd >= 0) return tn_armed_descriptor(armed, wait, self->fd, self->events);
  tn_wait_wake(wait);
  return NULL;
}

static const tn_pollable_class descriptor_class = {.is_ready = is_ready, .arm = arm};

/* Regular files and the like are always ready; the rest is asked. */
static int fd_to_wait_for(const tn_p1_entry *entry) {
  if (entry->stdio != NULL) return tn_stdio_descriptor(entry->stdio);
  bool never_waits =
      entry->descriptor->type == TN_FILE_REGULAR || entry->descriptor->type == TN_FILE_DIRECTORY;
  return never_waits ? -1 : entry->descriptor->fd;
}

static void watch_descriptor(tn_p1_call *call, const subscription *in, waiter *out) {
  uint64_t right = in->type == EVENT_READ ? TN_P1_FD_READ : TN_P1_FD_WRITE;
  tn_p1_entry *entry;
  out->failure = tn_p1_entry_get(call, in->descriptor, TN_P1_POLL_FD_READWRITE | right, &entry);
  if (out->failure < 0) return;
  out->fd = fd_to_wait_for(entry);
  out->events = in->type == EVENT_READ ? TN_READABLE : TN_WRITABLE;
  out->pollable = (tn_pollable){.class = &descriptor_class, .object = out};
}

/* ---- clocks ------------------------------------------------------------------------------------- */

static uint64_t add(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void watch_clock(tn_p1_call *call, const subscription *in, waiter *out) {
  if (in->clock.id > MONOTONIC || (in->clock.flags & ~ABSOLUTE) != 0) {
    out->failure = -EINVAL;
    return;
  }
  uint64_t now = tn_wasi_monotonic_now(call->wasi);
  uint64_t deadline = in->clock.timeout;
  if ((in->clock.flags & ABSOLUTE) == 0) {
    deadline = add(now, deadline);
  } else if (in->clock.id == REALTIME) {
    uint64_t wall = tn_wasi_wall_now(call->wasi);
    deadline = deadline > wall ? add(now, deadline - wall) : now;
  }
  out->pollable = tn_pollable_for_timer(deadline);
}

/* ---- the call ----------------------------------------------------------------------------------- */

static bool take_subscriptions(tn_p1_call *call, const uint8_t *in, waiter *out, uint32_t count) {
  bool is_over = false;
  for (uint32_t i = 0; i < count; i++) {
    subscription taken;
    memcpy(&taken, in + (size_t)i * sizeof taken, sizeof taken);
    out[i] = (waiter){.fd = -1, .userdata = taken.userdata, .type = taken.type};
    if (taken.type == EVENT_CLOCK) {
      watch_clock(call, &taken, &out[i]);
    } else if (taken.type <= EVENT_WRITE) {
      watch_descriptor(call, &taken, &out[i]);
    } else {
      out[i].failure = -EINVAL;
    }
    is_over |= out[i].failure < 0;
  }
  return is_over;
}

static void describe(const waiter *ready, event *out) {
  memset(out, 0, sizeof *out);
  out->userdata = ready->userdata;
  out->type = ready->type;
  if (ready->failure < 0) {
    bool is_capability = ready->failure == -TN_P1_ENOTCAPABLE;
    out->error = is_capability ? TN_PREVIEW1_NOTCAPABLE : tn_errno_to_preview1(-ready->failure);
    return;
  }
  if (ready->type == EVENT_CLOCK) return;
  out->size = 1; /* that there is some is all that is known of files */
  if (ready->fd < 0) return;
  struct pollfd state = {.fd = ready->fd, .events = ready->type == EVENT_READ ? POLLIN : POLLOUT};
  if (poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0) out->flags = HANGUP;
  int size;
  if (ready->type == EVENT_READ && ioctl(ready->fd, FIONREAD, &size) == 0)
    out->size = (uint64_t)size;
}

static uint32_t give_events(tn_p1_call *call, const waiter *waiters, uint32_t count, uint8_t *out) {
  uint32_t given = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (waiters[i].failure == 0 && !tn_pollable_is_ready(call->wasi, &waiters[i].pollable))
      continue;
    event made;
    describe(&waiters[i], &made);
    memcpy(out + (size_t)given++ * sizeof made, &made, sizeof made);
  }
  return given;
}

static int wait_for(tn_p1_call *call, const waiter *waiters, const tn_pollable **pollables,
                    uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    pollables[i] = &waiters[i].pollable;
  tn_error *error = tn_pollables_wait(call->wasi, call->runtime->context, pollables, count);
  tn_p1_refresh(call);
  return tn_p1_fail(call, error);
}

static int poll_all(tn_p1_call *call, const tn_core_value *in, waiter *waiters,
                    const tn_pollable **pollables) {
  uint32_t count = in[2].u32;
  const uint8_t *subscriptions =
      tn_p1_bytes(call, in[0].u32, (uint64_t)count * sizeof(subscription));
  if (subscriptions == NULL) return -EFAULT;
  bool is_over = take_subscriptions(call, subscriptions, waiters, count);
  for (;;) {
    if (!is_over) {
      int failed = wait_for(call, waiters, pollables, count);
      if (failed < 0) return failed;
    }
    uint8_t *events = tn_p1_bytes(call, in[1].u32, (uint64_t)count * sizeof(event));
    if (events == NULL) return -EFAULT;
    uint32_t given = give_events(call, waiters, count, events);
    /* Another process may have been quicker to take what there was. */
    if (given > 0) return tn_p1_store_u32(call, in[3].u32, given);
  }
}

static int poll_oneoff(tn_p1_call *call, const tn_core_value *in) {
  enum { FEW = 8 }; /* what most calls have, and sleeping has one: no allocation for those */
  waiter few[FEW];
  const tn_pollable *few_pollables[FEW];
  uint32_t count = in[2].u32;
  if (count == 0 || count > MAX_SUBSCRIPTIONS) return -EINVAL;
  if (count <= FEW) return poll_all(call, in, few, few_pollables);
  waiter *many = tn_malloc(count * sizeof *many);
  const tn_pollable **many_pollables = tn_malloc(count * sizeof *many_pollables);
  int outcome =
      many == NULL || many_pollables == NULL ? -ENOMEM : poll_all(call, in, many, many_pollables);
  tn_free(many);
  tn_free(many_pollables);
  return outcome;
}

TN_P1_FUNCTION(poll_oneoff)

static const tn_host_core_func funcs[] = {
    {"poll_oneoff", "iiii", "i", poll_oneoff_entry},
};

const tn_p1_group tn_p1_poll_funcs = {funcs, sizeof funcs / sizeof *funcs};
