/* Guests on a loop that they share, in an engine with a pool, whose instances are made once and used again. */
#ifndef TN_GUEST_LOOP_H
#define TN_GUEST_LOOP_H

#include "api/api.h"
#include "guest.h"

static tn_loop *loop;

static inline int guest_loop_set_up(bool consume_fuel) {
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.epoch_interruption = true;
  options.pooling = true;
  options.consume_fuel = consume_fuel;
  if (tn_engine_new(&options, &engine) != NULL) return 1;
  return tn_loop_new(&loop) == NULL ? 0 : 1;
}

static inline int guest_loop_tear_down(void **state) {
  tn_loop_delete(loop);
  return guest_tear_down(state);
}

static inline tn_instance *guest_instance_on(const tn_linked *linked, tn_loop *on) {
  tn_instance_options options = guest_options();
  tn_instance *instance = NULL;
  assert_ok(tn_instance_new_on(linked, &options, on, &instance));
  return instance;
}

#endif
