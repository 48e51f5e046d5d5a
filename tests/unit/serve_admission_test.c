/* Permits that several threads take and give back. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "serve/request/admission.h"
#include "test.h"

static void no_more_permits_than_there_are(void **state) {
  (void)state;
  tn_permits permits = {.limit = 2};
  assert_true(tn_permits_take(&permits));
  assert_true(tn_permits_are_left(&permits));
  assert_true(tn_permits_take(&permits));
  assert_false(tn_permits_are_left(&permits));
  assert_false(tn_permits_take(&permits));
  tn_permits_give(&permits);
  assert_true(tn_permits_take(&permits));
}

static void without_a_limit_nothing_is_counted(void **state) {
  (void)state;
  tn_permits permits = {0};
  for (int i = 0; i < 3; i++)
    assert_true(tn_permits_take(&permits));
  tn_permits_give(&permits);
  assert_int_equal(permits.in_use, 0);
}

/* As workers do it: who gets no permit counts itself and tries once more; who gives one back wakes those who wait. */
enum { THREADS = 4, ROUNDS = 20000 };
static tn_permits shared = {.limit = 1};
static _Atomic uint32_t waiting;
static _Atomic uint32_t holders;
static _Atomic uint32_t most_holders;
static atomic_bool kicked[THREADS];

static void wait_for_permit(size_t self) {
  atomic_fetch_add(&waiting, 1);
  while (!tn_permits_take(&shared))
    while (!atomic_exchange(&kicked[self], false))
      sched_yield();
  atomic_fetch_sub(&waiting, 1);
}

static void *take_and_give(void *argument) {
  size_t self = (size_t)argument;
  for (int i = 0; i < ROUNDS; i++) {
    if (!tn_permits_take(&shared)) wait_for_permit(self);
    uint32_t now = atomic_fetch_add(&holders, 1) + 1;
    if (now > atomic_load(&most_holders)) atomic_store(&most_holders, now);
    atomic_fetch_sub(&holders, 1);
    tn_permits_give(&shared);
    if (atomic_load(&waiting) == 0) continue;
    for (size_t other = 0; other < THREADS; other++)
      if (other != self) atomic_store(&kicked[other], true);
  }
  return NULL;
}

/* A kick that got lost would leave a thread waiting for ever. */
static void nobody_who_waits_is_forgotten(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)i), 0);
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(most_holders, 1);
  assert_int_equal(shared.in_use, 0);
  assert_int_equal(waiting, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_more_permits_than_there_are),
      cmocka_unit_test(without_a_limit_nothing_is_counted),
      cmocka_unit_test(nobody_who_waits_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
