/* Standard streams: over pipes, files, sockets and callbacks, without ever holding the thread. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wasi/system/stdio.h"

enum { MORE_THAN_A_PIPE_HOLDS = 1 << 20 };

static uint8_t big[MORE_THAN_A_PIPE_HOLDS];

/* The pipe's other end, and a stream on this one. */
typedef struct fixture {
  int other;
  int own;
  tn_config_stdio config;
  tn_stdio stdio;
} fixture;

static fixture f;

static void use_descriptor(int stream, int own) {
  f.own = own;
  f.config = (tn_config_stdio){.kind = TN_STDIO_DESCRIPTOR, .descriptor = own};
  f.stdio = (tn_stdio){.config = &f.config, .stream = stream};
}

static void use_pipe(int stream) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  f.other = ends[stream == 0];
  use_descriptor(stream, ends[stream != 0]);
}

static void close_own(void) {
  tn_stdio_close(&f.stdio, 0);
  close(f.own);
}

static int64_t read_some(uint8_t *out, size_t size) {
  struct iovec part = {out, size};
  return tn_stdio_read(&f.stdio, &part, 1);
}

static int64_t write_some(const void *bytes, size_t size) {
  struct iovec part = {(void *)(uintptr_t)bytes, size};
  return tn_stdio_write(&f.stdio, &part, 1);
}

static size_t empty_pipe(void) {
  assert_int_equal(fcntl(f.other, F_SETFL, O_NONBLOCK), 0);
  static uint8_t buffer[65536];
  size_t total = 0;
  ssize_t count;
  while ((count = read(f.other, buffer, sizeof buffer)) > 0)
    total += (size_t)count;
  return total;
}

static void an_empty_pipe_is_not_waited_for(tn_stdio_mode mode) {
  use_pipe(0);
  f.stdio.mode = mode;
  f.stdio.type = TN_FILE_FIFO;
  uint8_t bytes[16];
  assert_false(tn_stdio_is_ready(&f.stdio));
  assert_int_equal(read_some(bytes, sizeof bytes), -EAGAIN);
  assert_int_equal(write(f.other, "abc", 3), 3);
  assert_true(tn_stdio_is_ready(&f.stdio));
  assert_int_equal(read_some(bytes, sizeof bytes), 3);
  assert_memory_equal(bytes, "abc", 3);
  close(f.other);
  assert_int_equal(read_some(bytes, sizeof bytes), 0);
  assert_true((fcntl(f.own, F_GETFL) & O_NONBLOCK) == 0);
  close_own();
}

static void input_from_an_empty_pipe_is_not_waited_for(void **state) {
  (void)state;
  an_empty_pipe_is_not_waited_for(TN_STDIO_MODE_UNKNOWN);
  an_empty_pipe_is_not_waited_for(TN_STDIO_MODE_ASK);
}

static void a_full_pipe_is_not_waited_for(tn_stdio_mode mode) {
  use_pipe(1);
  f.stdio.mode = mode;
  f.stdio.type = TN_FILE_FIFO;
  int64_t count, total = 0;
  while ((count = write_some(big, sizeof big)) > 0)
    total += count;
  assert_int_equal(count, -EAGAIN);
  assert_true(total >= 65536 && total < MORE_THAN_A_PIPE_HOLDS);
  assert_false(tn_stdio_is_ready(&f.stdio));
  assert_int_equal(empty_pipe(), total);
  assert_true(tn_stdio_is_ready(&f.stdio));
  close(f.other);
  assert_int_equal(write_some("x", 1), -EPIPE);
  close_own();
}

static void output_to_a_full_pipe_is_not_waited_for(void **state) {
  (void)state;
  a_full_pipe_is_not_waited_for(TN_STDIO_MODE_UNKNOWN);
  a_full_pipe_is_not_waited_for(TN_STDIO_MODE_ASK);
}

static void writing_where_nobody_reads_does_not_end_the_process(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  use_pipe(1);
  close(f.other);
  assert_int_equal(write_some("x", 1), -EPIPE);
  assert_int_equal(write_some("x", 1), -EPIPE);
  sigset_t pending;
  assert_int_equal(sigpending(&pending), 0);
  assert_int_equal(sigismember(&pending, SIGPIPE), 0);
  close_own();
  signal(SIGPIPE, SIG_IGN);
}

static void output_that_was_taken_over_is_kept_until_it_is_gone(void **state) {
  (void)state;
  use_pipe(1);
  for (size_t i = 0; i < sizeof big; i++)
    big[i] = (uint8_t)(i * 7 + i / 251);
  assert_int_equal(tn_stdio_write_all(&f.stdio, big, 300000), 0);
  assert_int_equal(tn_stdio_write_all(&f.stdio, big + 300000, sizeof big - 300000), 0);
  assert_true(f.stdio.pending_size > 0);
  static uint8_t seen[sizeof big];
  size_t total = 0;
  while (total < sizeof big) {
    ssize_t count = read(f.other, seen + total, sizeof seen - total);
    assert_true(count > 0);
    total += (size_t)count;
    int drained = tn_stdio_drain(&f.stdio);
    assert_true(drained == 0 || drained == -EAGAIN);
  }
  assert_int_equal(tn_stdio_drain(&f.stdio), 0);
  assert_memory_equal(seen, big, sizeof big);
  close(f.other);
  close_own();
}

static void what_nobody_reads_is_given_up_in_the_end(void **state) {
  (void)state;
  use_pipe(1);
  assert_int_equal(tn_stdio_write_all(&f.stdio, big, sizeof big), 0);
  tn_stdio_close(&f.stdio, 10);
  assert_int_equal(f.stdio.pending_size, 0);
  close(f.other);
  close_own();
}

static void pending_output_to_a_closed_pipe_is_an_error_once(void **state) {
  (void)state;
  use_pipe(1);
  assert_int_equal(tn_stdio_write_all(&f.stdio, big, sizeof big), 0);
  close(f.other);
  assert_int_equal(tn_stdio_drain(&f.stdio), -EPIPE);
  assert_int_equal(tn_stdio_drain(&f.stdio), 0);
  close_own();
}

static void out_of_memory_is_reported_when_output_cannot_be_kept(void **state) {
  (void)state;
  use_pipe(1);
  tn_alloc_fail_after(0);
  assert_int_equal(tn_stdio_write_all(&f.stdio, big, sizeof big), -ENOMEM);
  tn_alloc_fail_after(-1);
  close(f.other);
  close_own();
}

static void files_are_read_and_written_in_place(void **state) {
  (void)state;
  char path[] = "/tmp/tenon-test-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  unlink(path);
  use_descriptor(1, fd);
  assert_int_equal(tn_stdio_descriptor(&f.stdio), -1);
  assert_true(tn_stdio_is_ready(&f.stdio));
  struct iovec parts[] = {{(void *)(uintptr_t) "one ", 4}, {(void *)(uintptr_t) "two", 3}};
  assert_int_equal(tn_stdio_write(&f.stdio, parts, 2), 7);
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  use_descriptor(0, fd);
  uint8_t bytes[16];
  assert_int_equal(read_some(bytes, sizeof bytes), 7);
  assert_memory_equal(bytes, "one two", 7);
  assert_int_equal(read_some(bytes, sizeof bytes), 0);
  assert_int_equal(f.stdio.type, TN_FILE_REGULAR);
  close_own();
}

static void sockets_are_not_waited_for_either(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  use_descriptor(0, ends[0]);
  uint8_t bytes[4];
  assert_int_equal(read_some(bytes, sizeof bytes), -EAGAIN);
  assert_int_equal(write(ends[1], "hi", 2), 2);
  assert_int_equal(read_some(bytes, sizeof bytes), 2);
  use_descriptor(1, ends[0]);
  assert_int_equal(write_some("yo", 2), 2);
  close(ends[1]);
  assert_int_equal(write_some("yo", 2), -EPIPE);
  close_own();
}

static void null_streams_are_empty_and_discard(void **state) {
  (void)state;
  f.config = (tn_config_stdio){.kind = TN_STDIO_NULL};
  f.stdio = (tn_stdio){.config = &f.config, .stream = 0};
  uint8_t bytes[4];
  assert_int_equal(read_some(bytes, sizeof bytes), 0);
  f.stdio = (tn_stdio){.config = &f.config, .stream = 1};
  assert_int_equal(write_some("gone", 4), 4);
  assert_int_equal(tn_stdio_descriptor(&f.stdio), -1);
}

static char captured[64];

static void capture(void *data, int stream, const uint8_t *bytes, size_t size) {
  assert_ptr_equal(data, captured);
  assert_int_equal(stream, 2);
  strncat(captured, (const char *)bytes, size);
}

static void a_callback_gets_the_output(void **state) {
  (void)state;
  f.config = (tn_config_stdio){.kind = TN_STDIO_CALLBACK, .write = capture, .data = captured};
  f.stdio = (tn_stdio){.config = &f.config, .stream = 2};
  struct iovec parts[] = {
      {(void *)(uintptr_t) "one ", 4}, {NULL, 0}, {(void *)(uintptr_t) "two", 3}};
  assert_int_equal(tn_stdio_write(&f.stdio, parts, 3), 7);
  assert_string_equal(captured, "one two");
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(input_from_an_empty_pipe_is_not_waited_for),
      cmocka_unit_test(output_to_a_full_pipe_is_not_waited_for),
      cmocka_unit_test(writing_where_nobody_reads_does_not_end_the_process),
      cmocka_unit_test(output_that_was_taken_over_is_kept_until_it_is_gone),
      cmocka_unit_test(what_nobody_reads_is_given_up_in_the_end),
      cmocka_unit_test(pending_output_to_a_closed_pipe_is_an_error_once),
      cmocka_unit_test(out_of_memory_is_reported_when_output_cannot_be_kept),
      cmocka_unit_test(files_are_read_and_written_in_place),
      cmocka_unit_test(sockets_are_not_waited_for_either),
      cmocka_unit_test(null_streams_are_empty_and_discard),
      cmocka_unit_test(a_callback_gets_the_output),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
