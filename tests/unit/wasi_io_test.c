/* wasi:io: errors, pollables and streams, over streams that are made up here. */
#include <errno.h>
#include <unistd.h>

#include "wasi/io/tables.h"
#include "wasi_guest.h"

enum { MILLISECOND = 1000000, ROOM = 70000 };

static guest g;

static int set_up(void **state) {
  (void)state;
  guest_start(&g, NULL);
  return 0;
}

/* A test is given as the state: see AS_A_GUEST. */
typedef struct body {
  void (*run)(void **state);
} body;

static void run_as_guest(void **state) {
  guest_run(&g, ((const body *)*state)->run);
}

static void enter_fiber(void *test) {
  run_as_guest(&test);
}

static void run_on_fiber(void **state) {
  assert_ok(tn_loop_run_fiber(&g.guest, g.world.runtime.store, enter_fiber, *state));
}

static int tear_down(void **state) {
  (void)state;
  guest_end(&g);
  return 0;
}

/* ---- streams made up ----------------------------------------------------------------------------- */

static int destroyed;

/* Gives `text` from `ready_at` on, then the end, or `error`. */
typedef struct source {
  tn_input_stream head;
  const char *text;
  uint64_t ready_at;
  int error;
  bool knows_size;
} source;

static size_t source_available(tn_input_stream *stream, size_t wanted) {
  source *self = (source *)stream;
  size_t len = strlen(self->text);
  if (!self->knows_size || tn_loop_now() < self->ready_at) return 0;
  return len < wanted ? len : wanted;
}

static tn_error *source_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result) {
  source *self = (source *)stream;
  assert_true(size > 0);
  *result = 0;
  if (tn_loop_now() < self->ready_at) return NULL;
  size_t len = strlen(self->text);
  if (len > size) len = size;
  memcpy(out, self->text, len);
  self->text += len;
  *result = len > 0 ? (int64_t)len : self->error != 0 ? -self->error : TN_IO_CLOSED;
  return NULL;
}

static bool source_is_ready(tn_input_stream *stream) {
  return tn_loop_now() >= ((source *)stream)->ready_at;
}

static tn_error *source_arm(tn_input_stream *stream, tn_wait *wait, tn_armed *armed) {
  return tn_armed_timer(armed, wait, ((source *)stream)->ready_at);
}

static void source_destroy(tn_input_stream *stream) {
  destroyed++;
  tn_free(stream);
}

static const tn_input_class source_class = {.origin = TN_IO_FILE,
                                            .available = source_available,
                                            .read = source_read,
                                            .is_ready = source_is_ready,
                                            .arm = source_arm,
                                            .destroy = source_destroy};

static source *new_source(const char *text, uint32_t *handle) {
  source *new = tn_calloc(1, sizeof *new);
  tn_input_stream_init(&new->head, &source_class);
  new->text = text;
  assert_ok(tn_input_stream_add(g.wasi, &new->head, handle));
  return new;
}

/* Takes `budget` bytes at a time, then none until a millisecond later. Outlives the stream. */
typedef struct sink {
  tn_output_stream head;
  uint8_t bytes[ROOM];
  size_t len;
  size_t budget;
  uint64_t ready_at;
  int writes;
  int flushes;
  int error;
} sink;

static tn_error *sink_check_write(tn_output_stream *stream, int64_t *result) {
  sink *self = (sink *)stream;
  *result = tn_loop_now() < self->ready_at ? 0 : (int64_t)self->budget;
  if (self->error != 0) *result = -self->error;
  return NULL;
}

static tn_error *sink_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                            int64_t *result) {
  sink *self = (sink *)stream;
  assert_true(self->len + size <= ROOM);
  memcpy(self->bytes + self->len, bytes, size);
  self->len += size;
  self->writes++;
  self->ready_at = tn_loop_now() + MILLISECOND;
  *result = -self->error;
  return NULL;
}

static tn_error *sink_flush(tn_output_stream *stream, int64_t *result) {
  sink *self = (sink *)stream;
  self->flushes++;
  self->ready_at = tn_loop_now() + MILLISECOND;
  *result = 0;
  return NULL;
}

static bool sink_is_ready(tn_output_stream *stream) {
  return tn_loop_now() >= ((sink *)stream)->ready_at;
}

static tn_error *sink_arm(tn_output_stream *stream, tn_wait *wait, tn_armed *armed) {
  return tn_armed_timer(armed, wait, ((sink *)stream)->ready_at);
}

static void sink_destroy(tn_output_stream *stream) {
  (void)stream;
  destroyed++;
}

static const tn_output_class sink_class = {.origin = TN_IO_NETWORK,
                                           .check_write = sink_check_write,
                                           .write = sink_write,
                                           .flush = sink_flush,
                                           .is_ready = sink_is_ready,
                                           .arm = sink_arm,
                                           .destroy = sink_destroy};

static sink the_sink;

static sink *new_sink(size_t budget, uint32_t *handle) {
  memset(&the_sink, 0, sizeof the_sink);
  tn_output_stream_init(&the_sink.head, &sink_class);
  the_sink.budget = budget;
  assert_ok(tn_output_stream_add(g.wasi, &the_sink.head, handle));
  return &the_sink;
}

/* ---- calling ------------------------------------------------------------------------------------- */

typedef struct read_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t *data;
      size_t len;
    } bytes;
    tn_stream_error error;
  };
} read_result;

typedef struct self_and_u64 {
  uint32_t self;
  uint64_t len;
} self_and_u64;

static tn_error *stream_call(const char *name, const void *params, void *result) {
  return guest_call(&g, &tn_io_streams_interface, NULL, name, params, result);
}

static read_result read_stream(uint32_t self, uint64_t len, bool blocks) {
  self_and_u64 params = {self, len};
  read_result result = {0};
  assert_ok(stream_call(blocks ? "[method]input-stream.blocking-read" : "[method]input-stream.read",
                        &params, &result));
  return result;
}

static void assert_reads(read_result result, const char *text) {
  assert_int_equal(result.is_error, 0);
  assert_int_equal(result.bytes.len, strlen(text));
  if (result.bytes.len > 0) assert_memory_equal(result.bytes.data, text, strlen(text));
}

static void assert_closed(uint8_t is_error, tn_stream_error error) {
  assert_int_equal(is_error, 1);
  assert_int_equal(error.tag, TN_STREAM_CLOSED);
}

static tn_stream_count_result count_call(const char *name, uint32_t self, uint64_t len) {
  self_and_u64 params = {self, len};
  tn_stream_count_result result = {0};
  assert_ok(stream_call(name, &params, &result));
  return result;
}

static tn_stream_result done_call(const char *name, uint32_t self, uint64_t len) {
  self_and_u64 params = {self, len};
  tn_stream_result result = {0};
  assert_ok(stream_call(name, &params, &result));
  return result;
}

static uint64_t check_write(uint32_t self) {
  tn_stream_count_result result = count_call("[method]output-stream.check-write", self, 0);
  assert_int_equal(result.is_error, 0);
  return result.count;
}

static tn_error *write_stream(const char *name, uint32_t self, const void *bytes, size_t len,
                              tn_stream_result *result) {
  struct {
    uint32_t self;
    struct {
      const void *data;
      size_t len;
    } contents;
  } params = {self, {bytes, len}};
  *result = (tn_stream_result){0};
  return stream_call(name, &params, result);
}

static tn_stream_count_result splice(const char *name, uint32_t self, uint32_t from, uint64_t len) {
  struct {
    uint32_t self;
    uint32_t source;
    uint64_t len;
  } params = {self, from, len};
  tn_stream_count_result result = {0};
  assert_ok(stream_call(name, &params, &result));
  return result;
}

static uint32_t subscribe(const char *name, uint32_t self) {
  uint32_t pollable = 0;
  assert_ok(stream_call(name, &self, &pollable));
  return pollable;
}

static void drop(const tn_host_interface *interface, const char *name, uint32_t handle) {
  guest_drop(&g, interface, NULL, name, handle);
}

static uint32_t timer_in(uint64_t nanoseconds) {
  uint32_t pollable;
  uint64_t deadline =
      nanoseconds == UINT64_MAX ? UINT64_MAX : tn_wasi_monotonic_now(g.wasi) + nanoseconds;
  assert_ok(tn_pollable_add(g.wasi, tn_pollable_for_timer(deadline), &pollable));
  return pollable;
}

typedef struct u32s {
  uint32_t *data;
  size_t len;
} u32s;

static u32s poll_all(uint32_t *handles, size_t len) {
  u32s in = {handles, len}, out = {0};
  assert_ok(guest_call(&g, &tn_io_poll_interface, NULL, "poll", &in, &out));
  return out;
}

static bool is_ready(uint32_t pollable) {
  uint8_t ready = 0;
  assert_ok(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.ready", &pollable, &ready));
  return ready != 0;
}

/* ---- poll ---------------------------------------------------------------------------------------- */

static void polling_an_empty_list_traps(void **state) {
  (void)state;
  u32s in = {0}, out = {0};
  assert_error(guest_call(&g, &tn_io_poll_interface, NULL, "poll", &in, &out), TN_ERROR_TRAP,
               "empty");
}

static void poll_gives_the_positions_of_the_ready_ones_in_order(void **state) {
  (void)state;
  uint32_t never = timer_in(UINT64_MAX), now = timer_in(0);
  uint32_t handles[] = {never, now, never, now, now};
  u32s ready = poll_all(handles, 5);
  assert_int_equal(ready.len, 3);
  assert_int_equal(ready.data[0], 1);
  assert_int_equal(ready.data[1], 3);
  assert_int_equal(ready.data[2], 4);
}

static void poll_waits_for_the_earliest_timer_only(void **state) {
  (void)state;
  uint64_t start = tn_loop_now();
  uint32_t handles[] = {timer_in(3600000000000), timer_in(2 * MILLISECOND), timer_in(UINT64_MAX)};
  u32s ready = poll_all(handles, 3);
  assert_int_equal(ready.len, 1);
  assert_int_equal(ready.data[0], 1);
  assert_in_range(tn_loop_now() - start, 2 * MILLISECOND, UINT64_C(600000) * MILLISECOND);
}

static void poll_takes_any_mix_of_timers_and_streams(void **state) {
  (void)state;
  uint32_t in, out;
  new_source("x", &in)->ready_at = tn_loop_now() + MILLISECOND;
  new_sink(8, &out)->ready_at = UINT64_MAX;
  uint32_t handles[40];
  for (int i = 0; i < 38; i++)
    handles[i] = timer_in(UINT64_MAX);
  handles[20] = subscribe("[method]output-stream.subscribe", out);
  handles[38] = subscribe("[method]input-stream.subscribe", in);
  handles[39] = handles[38];
  u32s ready = poll_all(handles, 40);
  assert_int_equal(ready.len, 2);
  assert_int_equal(ready.data[0], 38);
  assert_int_equal(ready.data[1], 39);
}

static void block_returns_when_the_pollable_is_ready(void **state) {
  (void)state;
  uint32_t soon = timer_in(MILLISECOND);
  assert_false(is_ready(soon));
  assert_ok(guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.block", &soon, NULL));
  assert_true(is_ready(soon));
  drop(&tn_io_poll_interface, "pollable", soon);
}

static void a_stream_lives_until_its_last_pollable_is_dropped(void **state) {
  (void)state;
  uint32_t in, out;
  destroyed = 0;
  new_source("x", &in);
  new_sink(8, &out);
  uint32_t of_input = subscribe("[method]input-stream.subscribe", in);
  uint32_t of_output = subscribe("[method]output-stream.subscribe", out);
  tn_error *error = guest_try_drop(&g, &tn_io_streams_interface, NULL, "input-stream", in);
  assert_error(error, TN_ERROR_TRAP, "input-stream: dropped before its pollable");
  error = guest_try_drop(&g, &tn_io_streams_interface, NULL, "output-stream", out);
  assert_error(error, TN_ERROR_TRAP, "output-stream: dropped before its pollable");
  assert_int_equal(destroyed, 0);
  assert_true(is_ready(of_input));
  assert_true(is_ready(of_output));
  drop(&tn_io_poll_interface, "pollable", of_input);
  drop(&tn_io_poll_interface, "pollable", of_output);
  assert_int_equal(destroyed, 2);
}

static void waiting_ends_with_the_deadline_of_the_guest(void **state) {
  (void)state;
  uint32_t in;
  new_source("x", &in)->ready_at = UINT64_MAX;
  tn_guest_set_timeout(&g.guest, MILLISECOND);
  self_and_u64 params = {in, 1};
  read_result result = {0};
  assert_error(stream_call("[method]input-stream.blocking-read", &params, &result),
               TN_ERROR_TIMEOUT, "longer than its limit");
}

/* ---- a clock of its own -------------------------------------------------------------------------- */

static uint64_t virtual_now;

static uint64_t get_virtual_now(void *data) {
  (void)data;
  return virtual_now;
}

static void jump(void *data, uint64_t deadline) {
  (void)data;
  virtual_now = deadline;
}

static tn_wasi_config *clock_config;

static int set_up_with_clock(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_new(&clock_config));
  tn_clock clock = {
      .monotonic_now = get_virtual_now, .wall_now = get_virtual_now, .wait = jump, .resolution = 1};
  assert_ok(tn_wasi_config_set_clock(clock_config, &clock));
  guest_start(&g, clock_config);
  return 0;
}

static int tear_down_with_clock(void **state) {
  tear_down(state);
  tn_wasi_config_delete(clock_config);
  return 0;
}

static void a_clock_of_its_own_is_moved_to_the_earliest_timer(void **state) {
  (void)state;
  virtual_now = 1000;
  const uint64_t hour = 3600000000000;
  uint32_t handles[] = {timer_in(5 * hour), timer_in(2 * hour), timer_in(7 * hour)};
  u32s ready = poll_all(handles, 3);
  assert_int_equal(ready.len, 1);
  assert_int_equal(ready.data[0], 1);
  assert_true(virtual_now == 1000 + 2 * hour);
}

/* ---- on a fiber ---------------------------------------------------------------------------------- */

static void a_blocking_read_suspends_its_fiber(void **state) {
  (void)state;
  assert_non_null(tn_fiber_current(g.world.runtime.context));
  uint32_t in;
  new_source("later", &in)->ready_at = tn_loop_now() + MILLISECOND;
  assert_reads(read_stream(in, 100, true), "later");
  assert_non_null(tn_fiber_current(g.world.runtime.context));
}

static void a_cancelled_fiber_stops_waiting(void **state) {
  (void)state;
  uint32_t handles[] = {timer_in(UINT64_MAX)};
  tn_guest_cancel(&g.guest);
  u32s in = {handles, 1}, out = {0};
  assert_error(guest_call(&g, &tn_io_poll_interface, NULL, "poll", &in, &out), TN_ERROR_CANCELLED,
               "cancelled");
}

static void a_fiber_stops_waiting_at_the_deadline(void **state) {
  (void)state;
  uint32_t handles[] = {timer_in(UINT64_MAX)};
  tn_guest_set_timeout(&g.guest, MILLISECOND);
  u32s in = {handles, 1}, out = {0};
  assert_error(guest_call(&g, &tn_io_poll_interface, NULL, "poll", &in, &out), TN_ERROR_TIMEOUT,
               "longer than its limit");
}

/* ---- input --------------------------------------------------------------------------------------- */

static void read_puts_what_is_at_hand_into_the_guest(void **state) {
  (void)state;
  uint32_t in;
  new_source("hello world", &in)->knows_size = true;
  read_result result = read_stream(in, 5, false);
  assert_reads(result, "hello");
  assert_true(guest_owns(&g, result.bytes.data));
  result = read_stream(in, UINT64_MAX, false);
  assert_reads(result, " world");
  assert_true(guest_owns(&g, result.bytes.data));
}

static void read_reserves_nothing_when_nothing_is_at_hand(void **state) {
  (void)state;
  uint32_t in;
  source *of = new_source("x", &in);
  of->ready_at = UINT64_MAX;
  of->knows_size = true;
  int before = guest_realloc_calls(&g);
  assert_reads(read_stream(in, 100, false), "");
  of->ready_at = 0;
  of->text = "";
  assert_int_equal(read_stream(in, 100, false).is_error, 1);
  assert_int_equal(guest_realloc_calls(&g), before);
}

static void a_stream_that_does_not_know_its_size_can_be_read(void **state) {
  (void)state;
  uint32_t in;
  new_source("unknown", &in);
  assert_reads(read_stream(in, 2, false), "un");
  assert_reads(read_stream(in, UINT64_MAX, true), "known");
}

static void after_the_end_every_read_is_closed(void **state) {
  (void)state;
  uint32_t in;
  new_source("x", &in);
  assert_reads(read_stream(in, 0, false), "");
  assert_reads(read_stream(in, 10, false), "x");
  for (int i = 0; i < 2; i++) {
    read_result result = read_stream(in, i == 0 ? 10 : 0, i == 1);
    assert_closed(result.is_error, result.error);
  }
  assert_true(is_ready(subscribe("[method]input-stream.subscribe", in)));
}

static void a_failed_read_gives_an_error_once_and_then_closed(void **state) {
  (void)state;
  uint32_t in;
  new_source("", &in)->error = EIO;
  read_result result = read_stream(in, 10, false);
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.error.tag, TN_STREAM_LAST_OPERATION_FAILED);
  uint32_t error = result.error.error;
  tn_str text = {0};
  assert_ok(
      guest_call(&g, &tn_io_error_interface, NULL, "[method]error.to-debug-string", &error, &text));
  assert_true(tn_str_equal(text, TN_STR("Input/output error")));
  assert_int_equal(tn_io_error_code(g.wasi, TN_IO_FILE, error), EIO);
  assert_int_equal(tn_io_error_code(g.wasi, TN_IO_NETWORK, error), 0);
  drop(&tn_io_error_interface, "error", error);
  result = read_stream(in, 10, false);
  assert_closed(result.is_error, result.error);
}

static void blocking_read_waits_for_the_first_byte(void **state) {
  (void)state;
  uint32_t in;
  uint64_t at = tn_loop_now() + 2 * MILLISECOND;
  new_source("late", &in)->ready_at = at;
  assert_reads(read_stream(in, 10, false), "");
  assert_reads(read_stream(in, 10, true), "late");
  assert_true(tn_loop_now() >= at);
}

static void skip_throws_bytes_away(void **state) {
  (void)state;
  uint32_t in;
  new_source("abcdef", &in)->ready_at = tn_loop_now() + MILLISECOND;
  assert_int_equal(count_call("[method]input-stream.skip", in, 2).count, 0);
  assert_int_equal(count_call("[method]input-stream.blocking-skip", in, 2).count, 2);
  assert_int_equal(count_call("[method]input-stream.skip", in, 0).count, 0);
  assert_int_equal(count_call("[method]input-stream.skip", in, 1).count, 1);
  assert_reads(read_stream(in, 10, false), "def");
  tn_stream_count_result result = count_call("[method]input-stream.skip", in, 1);
  assert_closed(result.is_error, result.error);
}

/* ---- output -------------------------------------------------------------------------------------- */

static void a_write_needs_a_permit_for_all_its_bytes(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(8, &out);
  tn_stream_result result;
  const char *write = "[method]output-stream.write";
  assert_error(write_stream(write, out, "x", 1, &result), TN_ERROR_TRAP, "permitted 0");
  assert_int_equal(check_write(out), 8);
  assert_error(write_stream(write, out, "123456789", 9, &result), TN_ERROR_TRAP, "permitted 8");
  assert_ok(write_stream(write, out, "12345", 5, &result));
  assert_ok(write_stream(write, out, "678", 3, &result));
  assert_error(write_stream(write, out, "9", 1, &result), TN_ERROR_TRAP, "permitted 0");
  assert_ok(write_stream(write, out, "", 0, &result));
  assert_int_equal(result.is_error, 0);
  assert_int_equal(check_write(out), 0);
  assert_int_equal(to->len, 8);
  assert_memory_equal(to->bytes, "12345678", 8);
}

static void write_zeroes_needs_a_permit_as_well(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(10000, &out);
  memset(to->bytes, 0xff, sizeof to->bytes);
  self_and_u64 params = {out, 10001};
  tn_stream_result result = {0};
  const char *write_zeroes = "[method]output-stream.write-zeroes";
  assert_int_equal(check_write(out), 10000);
  assert_error(stream_call(write_zeroes, &params, &result), TN_ERROR_TRAP, "permitted 10000");
  assert_int_equal(done_call(write_zeroes, out, 10000).is_error, 0);
  assert_int_equal(to->len, 10000);
  for (size_t i = 0; i < ROOM; i++)
    assert_int_equal(to->bytes[i], i < 10000 ? 0 : 0xff);
}

static void blocking_write_waits_until_all_is_written_and_flushed(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(1000, &out);
  uint8_t bytes[4096];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 7);
  tn_stream_result result;
  assert_ok(write_stream("[method]output-stream.blocking-write-and-flush", out, bytes, sizeof bytes,
                         &result));
  assert_int_equal(result.is_error, 0);
  assert_int_equal(to->len, sizeof bytes);
  assert_memory_equal(to->bytes, bytes, sizeof bytes);
  assert_int_equal(to->writes, 5);
  assert_int_equal(to->flushes, 1);
  assert_true(tn_loop_now() >= to->ready_at);
  assert_ok(write_stream("[method]output-stream.blocking-write-and-flush", out, NULL, 0, &result));
  assert_int_equal(to->flushes, 2);
}

static void blocking_writes_take_at_most_4096_bytes(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(10000, &out);
  static const uint8_t bytes[4097];
  tn_stream_result result = {0};
  assert_error(
      write_stream("[method]output-stream.blocking-write-and-flush", out, bytes, 4097, &result),
      TN_ERROR_TRAP, "at most 4096");
  self_and_u64 params = {out, 4097};
  const char *write_zeroes = "[method]output-stream.blocking-write-zeroes-and-flush";
  assert_error(stream_call(write_zeroes, &params, &result), TN_ERROR_TRAP, "at most 4096");
  assert_int_equal(to->len, 0);
  assert_int_equal(done_call(write_zeroes, out, 4096).is_error, 0);
  assert_int_equal(to->len, 4096);
}

static void no_write_is_permitted_until_a_flush_is_over(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(8, &out);
  assert_int_equal(done_call("[method]output-stream.flush", out, 0).is_error, 0);
  assert_int_equal(check_write(out), 0);
  uint32_t pollable = subscribe("[method]output-stream.subscribe", out);
  assert_false(is_ready(pollable));
  assert_int_equal(poll_all(&pollable, 1).len, 1);
  assert_int_equal(check_write(out), 8);
  assert_int_equal(done_call("[method]output-stream.blocking-flush", out, 0).is_error, 0);
  assert_int_equal(check_write(out), 8);
  assert_int_equal(to->flushes, 2);
}

static void a_failed_write_gives_an_error_once_and_then_closed(void **state) {
  (void)state;
  uint32_t out;
  sink *to = new_sink(8, &out);
  assert_int_equal(check_write(out), 8);
  to->error = ECONNRESET;
  tn_stream_result result;
  assert_ok(write_stream("[method]output-stream.write", out, "x", 1, &result));
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.error.tag, TN_STREAM_LAST_OPERATION_FAILED);
  assert_int_equal(tn_io_error_code(g.wasi, TN_IO_NETWORK, result.error.error), ECONNRESET);
  assert_ok(write_stream("[method]output-stream.write", out, "x", 1, &result));
  assert_closed(result.is_error, result.error);
  tn_stream_count_result count = count_call("[method]output-stream.check-write", out, 0);
  assert_closed(count.is_error, count.error);
  assert_true(is_ready(subscribe("[method]output-stream.subscribe", out)));
}

static void splice_moves_what_both_sides_allow(void **state) {
  (void)state;
  uint32_t in, out;
  sink *to = new_sink(4, &out);
  new_source("abcdefgh", &in);
  const char *name = "[method]output-stream.splice";
  assert_int_equal(splice(name, out, in, 0).count, 0);
  assert_int_equal(splice(name, out, in, 3).count, 3);
  assert_int_equal(splice(name, out, in, 3).count, 0); /* the output has no room */
  const char *blocking = "[method]output-stream.blocking-splice";
  assert_int_equal(splice(blocking, out, in, 100).count, 4);
  assert_int_equal(splice(blocking, out, in, 100).count, 1);
  assert_memory_equal(to->bytes, "abcdefgh", 8);
  tn_stream_count_result result = splice(blocking, out, in, 100);
  assert_closed(result.is_error, result.error);
}

static void splice_reports_the_error_of_the_side_that_failed(void **state) {
  (void)state;
  uint32_t in, out;
  sink *to = new_sink(4, &out);
  new_source("", &in)->error = EIO;
  tn_stream_count_result result = splice("[method]output-stream.splice", out, in, 1);
  assert_int_equal(tn_io_error_code(g.wasi, TN_IO_FILE, result.error.error), EIO);
  new_source("x", &in);
  to->error = EPIPE;
  result = splice("[method]output-stream.splice", out, in, 1);
  assert_int_equal(tn_io_error_code(g.wasi, TN_IO_NETWORK, result.error.error), EPIPE);
}

#define AS_A_GUEST(name)                                                                           \
  {                                                                                                \
#name, run_as_guest, set_up, tear_down, &(body) {                                              \
      name                                                                                         \
    }                                                                                              \
  }
#define ON_A_FIBER(name)                                                                           \
  {                                                                                                \
#name " on a fiber", run_on_fiber, set_up, tear_down, &(body) {                                \
      name                                                                                         \
    }                                                                                              \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      AS_A_GUEST(polling_an_empty_list_traps),
      AS_A_GUEST(poll_gives_the_positions_of_the_ready_ones_in_order),
      AS_A_GUEST(poll_waits_for_the_earliest_timer_only),
      AS_A_GUEST(poll_takes_any_mix_of_timers_and_streams),
      AS_A_GUEST(block_returns_when_the_pollable_is_ready),
      AS_A_GUEST(a_stream_lives_until_its_last_pollable_is_dropped),
      AS_A_GUEST(waiting_ends_with_the_deadline_of_the_guest),
      {"a_clock_of_its_own_is_moved_to_the_earliest_timer", run_as_guest, set_up_with_clock,
       tear_down_with_clock, &(body){a_clock_of_its_own_is_moved_to_the_earliest_timer}},
      ON_A_FIBER(a_blocking_read_suspends_its_fiber),
      ON_A_FIBER(poll_takes_any_mix_of_timers_and_streams),
      ON_A_FIBER(blocking_write_waits_until_all_is_written_and_flushed),
      ON_A_FIBER(a_cancelled_fiber_stops_waiting),
      ON_A_FIBER(a_fiber_stops_waiting_at_the_deadline),
      AS_A_GUEST(read_puts_what_is_at_hand_into_the_guest),
      AS_A_GUEST(read_reserves_nothing_when_nothing_is_at_hand),
      AS_A_GUEST(a_stream_that_does_not_know_its_size_can_be_read),
      AS_A_GUEST(after_the_end_every_read_is_closed),
      AS_A_GUEST(a_failed_read_gives_an_error_once_and_then_closed),
      AS_A_GUEST(blocking_read_waits_for_the_first_byte),
      AS_A_GUEST(skip_throws_bytes_away),
      AS_A_GUEST(a_write_needs_a_permit_for_all_its_bytes),
      AS_A_GUEST(write_zeroes_needs_a_permit_as_well),
      AS_A_GUEST(blocking_write_waits_until_all_is_written_and_flushed),
      AS_A_GUEST(blocking_writes_take_at_most_4096_bytes),
      AS_A_GUEST(no_write_is_permitted_until_a_flush_is_over),
      AS_A_GUEST(a_failed_write_gives_an_error_once_and_then_closed),
      AS_A_GUEST(splice_moves_what_both_sides_allow),
      AS_A_GUEST(splice_reports_the_error_of_the_side_that_failed),
  };
  return cmocka_run_group_tests_name("wasi:io", tests, NULL, NULL);
}
