/* Guests: their limits, and what ends their waits. */
#include "base/container.h"
#include "base/error.h"
#include "loop/parts.h"

static void at_deadline(tn_alarm *alarm) {
  tn_guest_release(TN_CONTAINER(alarm, tn_guest, alarm));
}

void tn_guest_init(tn_guest *guest, tn_loop *loop) {
  *guest = (tn_guest){.loop = loop, .deadline = UINT64_MAX, .alarm.func = at_deadline};
}

void tn_guest_set_timeout(tn_guest *guest, uint64_t timeout) {
  uint64_t now = tn_loop_now();
  guest->timeout = timeout;
  guest->deadline = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
  tn_alarm_clear(guest->loop, &guest->alarm);
  if (guest->blocked.first == NULL) return;
  tn_error *error = tn_guest_arm(guest);
  if (error == NULL) return;
  tn_error_delete(error);
  tn_guest_release(guest); /* they try for themselves, and can tell */
}

tn_error *tn_guest_arm(tn_guest *guest) {
  if (guest->deadline == UINT64_MAX || guest->alarm.place != 0) return NULL;
  return tn_alarm_set(guest->loop, &guest->alarm, guest->deadline);
}

tn_error *tn_guest_check(const tn_guest *guest) {
  if (atomic_load_explicit(&guest->is_cancelled, memory_order_acquire))
    return tn_error_new(TN_ERROR_CANCELLED, "the guest was cancelled");
  if (guest->deadline == UINT64_MAX || tn_loop_now() < guest->deadline) return NULL;
  tn_error *error = tn_error_new(TN_ERROR_TIMEOUT, "the guest ran longer than its limit of %.3g s",
                                 (double)guest->timeout / 1e9);
  tn_error_set_limit(error, TN_LIMIT_TIME, tn_loop_now() - (guest->deadline - guest->timeout),
                     guest->timeout);
  return tn_error_set_hint(error, "raise `timeout`");
}

void tn_guest_release(tn_guest *guest) {
  while (guest->blocked.first != NULL)
    tn_wait_enqueue(guest->blocked.first);
}
