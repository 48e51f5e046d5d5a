/* What every unit test includes first: cmocka and the headers that it needs. */
#ifndef TN_TEST_H
#define TN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* Fails the test with the error's message, if there is one. */
#define assert_ok(expression)                                                                      \
  do {                                                                                             \
    tn_error *assert_ok_error = (expression);                                                      \
    if (assert_ok_error != NULL) fail_msg("%s", tn_error_get_message(assert_ok_error));            \
  } while (0)

/* Expects an error of this kind whose message contains `text`, and deletes it. */
#define assert_error(expression, expected_kind, text)                                              \
  do {                                                                                             \
    tn_error *assert_error_error = (expression);                                                   \
    if (assert_error_error == NULL) fail_msg("no error, expected: %s", (text));                    \
    if (strstr(tn_error_get_message(assert_error_error), (text)) == NULL)                          \
      fail_msg("error \"%s\" does not contain \"%s\"", tn_error_get_message(assert_error_error),   \
               (text));                                                                            \
    assert_int_equal(tn_error_get_kind(assert_error_error), (expected_kind));                      \
    tn_error_delete(assert_error_error);                                                           \
  } while (0)

#endif
