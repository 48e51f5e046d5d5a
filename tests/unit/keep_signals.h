/* For test programs that run guests; included by one file of each. cmocka takes SIGILL, SIGSEGV and their
 * kin for itself around every test, with signal(3). The engine needs them: they are how a guest traps.
 * This program's own signal() comes before the C library's and does nothing. */
#ifndef TN_TEST_KEEP_SIGNALS_H
#define TN_TEST_KEEP_SIGNALS_H

#include <signal.h>

__attribute__((visibility("default"))) sighandler_t signal(int number, sighandler_t handler) {
  (void)number, (void)handler;
  return SIG_DFL;
}

#endif
