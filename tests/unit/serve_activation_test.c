/* What a service manager passes and is told. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/activation.h"
#include "serve/notify.h"
#include "test.h"

/* Puts listening sockets at 3 and 4, and at 5 one that does not listen. */
static int set_up(void **state) {
  (void)state;
  for (int descriptor = 3; descriptor <= 5; descriptor++) {
    int made = socket(AF_INET, SOCK_STREAM, 0);
    if (made < 0 || (descriptor < 5 && listen(made, 1) < 0)) return -1;
    if (made != descriptor) {
      if (dup2(made, descriptor) < 0) return -1;
      close(made);
    }
  }
  return 0;
}

static void pass(const char *count, const char *names) {
  char process[16];
  snprintf(process, sizeof process, "%d", (int)getpid());
  setenv("LISTEN_PID", process, 1);
  setenv("LISTEN_FDS", count, 1);
  setenv("LISTEN_FDNAMES", names, 1);
}

static int used[8];
static size_t used_count;

static tn_error *use(void *data, int descriptor) {
  (void)data;
  used[used_count++] = descriptor;
  return NULL;
}

static tn_error *each(const char *name) {
  used_count = 0;
  return tn_activation_each(tn_str_from(name), use, NULL);
}

static void all_sockets_are_taken_without_a_name(void **state) {
  (void)state;
  pass("2", "http:https");
  assert_ok(each(""));
  assert_int_equal(used_count, 2);
  assert_int_equal(used[0], 3);
  assert_int_equal(used[1], 4);
}

static void a_name_picks_its_sockets(void **state) {
  (void)state;
  pass("2", "http:https");
  assert_ok(each("https"));
  assert_int_equal(used_count, 1);
  assert_int_equal(used[0], 4);
  assert_error(each("admin"), TN_ERROR_ARGUMENT, "no socket named `admin`");
}

static void what_another_process_was_passed_is_not_ours(void **state) {
  (void)state;
  pass("2", "http:https");
  setenv("LISTEN_PID", "1", 1);
  assert_error(each(""), TN_ERROR_ARGUMENT, "has passed no socket");
}

static void a_socket_that_does_not_listen_is_refused(void **state) {
  (void)state;
  pass("3", "a:b:c");
  assert_error(each("c"), TN_ERROR_ARGUMENT, "descriptor 5");
}

static void the_manager_is_told(void **state) {
  (void)state;
  int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length =
      snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "tenon-notify-%d", (int)getpid());
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
  assert_int_equal(bind(manager, (struct sockaddr *)&address, size), 0);
  char name[sizeof address.sun_path + 1];
  snprintf(name, sizeof name, "@%s", address.sun_path + 1);
  setenv("NOTIFY_SOCKET", name, 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  unsetenv("WATCHDOG_PID");
  tn_notify notify;
  tn_notify_init(&notify);
  assert_int_equal(notify.watchdog_interval, 1500000000);
  tn_notify_send(&notify, "READY=1");
  char text[32] = {0};
  assert_int_equal(recv(manager, text, sizeof text - 1, MSG_DONTWAIT), 7);
  assert_string_equal(text, "READY=1");
  tn_notify_free(&notify);
  close(manager);
}

static void nobody_is_told_without_a_manager(void **state) {
  (void)state;
  unsetenv("NOTIFY_SOCKET");
  setenv("WATCHDOG_USEC", "3000000", 1);
  tn_notify notify;
  tn_notify_init(&notify);
  assert_int_equal(notify.descriptor, -1);
  assert_int_equal(notify.watchdog_interval, 0);
  tn_notify_send(&notify, "READY=1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_sockets_are_taken_without_a_name),
      cmocka_unit_test(a_name_picks_its_sockets),
      cmocka_unit_test(what_another_process_was_passed_is_not_ours),
      cmocka_unit_test(a_socket_that_does_not_listen_is_refused),
      cmocka_unit_test(the_manager_is_told),
      cmocka_unit_test(nobody_is_told_without_a_manager),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
