/* Runs that are recorded, compared and replayed, through the public headers. */
#include <stdlib.h>

#include "guest.h"
#include "tenon/exec.h"

/* ---- the host -------------------------------------------------------------------------------------- */

/* What the host's functions give, and how often they are called. */
typedef struct host {
  uint32_t calls, drops;
  uint32_t next; /* what `next` gives */
  size_t room;   /* that `fetch` reserves */
  bool fails;
} host;

static tn_error *next(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params;
  host *h = data;
  h->calls++;
  *(uint32_t *)result = h->next++;
  return NULL;
}

/* "you said TEXT" */
static tn_error *echo(tn_call *call, void *data, const void *params, void *result) {
  host *h = data;
  h->calls++;
  tn_str said = *(const tn_str *)params;
  char *answer = tn_call_alloc(call, said.len + 9, 1);
  if (answer == NULL) return tn_error_no_memory();
  memcpy(answer, "you said ", 9);
  memcpy(answer + 9, said.data, said.len);
  *(tn_str *)result = (tn_str){answer, said.len + 9};
  return NULL;
}

/* Four bytes, in more room than they need. */
static tn_error *fetch(tn_call *call, void *data, const void *params, void *result) {
  (void)params;
  host *h = data;
  h->calls++;
  uint8_t *room;
  TN_TRY(tn_call_reserve(call, h->room, &room));
  memcpy(room, "\1\2\3\4", 4);
  *(tn_str *)result = (tn_str){(const char *)room, 4};
  return NULL;
}

static tn_error *open_thing(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params;
  host *h = data;
  h->calls++;
  *(uint32_t *)result = 40 + h->calls;
  return NULL;
}

static void drop_thing(tn_instance *instance, void *data, uint32_t representation) {
  (void)instance, (void)representation;
  ((host *)data)->drops++;
}

static tn_error *may_fail(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  host *h = data;
  h->calls++;
  return h->fails ? tn_error_make(TN_ERROR_DENIED, "the host said no") : NULL;
}

static tn_linker *host_linker(host *h, bool is_recorded) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_resource(linker, "t:h/host", "thing", drop_thing, h));
  assert_ok(tn_linker_define_func(linker, "t:h/host", "next", "func() -> u32", next, h));
  assert_ok(
      tn_linker_define_func(linker, "t:h/host", "echo", "func(said: string) -> string", echo, h));
  assert_ok(tn_linker_define_func(linker, "t:h/host", "fetch", "func() -> list<u8>", fetch, h));
  assert_ok(
      tn_linker_define_func(linker, "t:h/host", "open", "func() -> own<thing>", open_thing, h));
  assert_ok(tn_linker_define_func(linker, "t:h/host", "may-fail", "func()", may_fail, h));
  if (is_recorded) assert_ok(tn_linker_record(linker));
  return linker;
}

/* ---- the guest ------------------------------------------------------------------------------------- */

static const char guest[] =
    "(component"
    " (import \"t:h/host\" (instance $h"
    "  (export \"thing\" (type $thing (sub resource)))"
    "  (export \"next\" (func (result u32)))"
    "  (export \"echo\" (func (param \"said\" string) (result string)))"
    "  (export \"fetch\" (func (result (list u8))))"
    "  (export \"open\" (func (result (own $thing))))"
    "  (export \"may-fail\" (func))))"
    " (alias export $h \"thing\" (type $thing))"
    " (core module $Memory (memory (export \"memory\") 1) (global $top (mut i32) (i32.const 1024))"
    "  (func (export \"realloc\") (param $old i32) (param i32 i32) (param $size i32) (result i32)"
    "   (if (local.get $old) (then (return (local.get $old))))"
    "   (global.set $top (i32.add (global.get $top) (local.get $size)))"
    "   (i32.sub (global.get $top) (local.get $size)))"
    "  (func (export \"top\") (result i32) (global.get $top)))"
    " (core instance $memory (instantiate $Memory))"
    " (alias core export $memory \"memory\" (core memory $mem))"
    " (alias core export $memory \"realloc\" (core func $realloc))"
    " (core func $next (canon lower (func $h \"next\")))"
    " (core func $echo (canon lower (func $h \"echo\") (memory $mem) (realloc $realloc)))"
    " (core func $fetch (canon lower (func $h \"fetch\") (memory $mem) (realloc $realloc)))"
    " (core func $open (canon lower (func $h \"open\")))"
    " (core func $may-fail (canon lower (func $h \"may-fail\")))"
    " (core func $drop (canon resource.drop $thing))"
    " (core module $M"
    "  (import \"m\" \"memory\" (memory 1)) (import \"m\" \"top\" (func $top (result i32)))"
    "  (import \"h\" \"next\" (func $next (result i32)))"
    "  (import \"h\" \"echo\" (func $echo (param i32 i32 i32)))"
    "  (import \"h\" \"fetch\" (func $fetch (param i32)))"
    "  (import \"h\" \"open\" (func $open (result i32)))"
    "  (import \"h\" \"may-fail\" (func $may-fail))"
    "  (import \"h\" \"drop\" (func $drop (param i32)))"
    "  (data (i32.const 64) \"hello\")"
    "  (func (export \"next\") (result i32) (call $next))"
    "  (func (export \"twice\") (result i32) (drop (call $next)) (call $next))"
    "  (func (export \"echo\") (result i32) (call $echo (i32.const 64) (i32.const 5) (i32.const 16)) "
    "(i32.const 16))"
    /* The sum of the bytes, and where the next allocation would lie: it tells how much was reserved. */
    "  (func (export \"fetch\") (result i32) (call $fetch (i32.const 16))"
    "   (i32.add (i32.mul (i32.load8_u offset=3 (i32.load (i32.const 16))) (i32.const 100000)) (call $top)))"
    "  (func (export \"things\") (result i32) (local $a i32) (local.set $a (call $open)) (drop (call $open))"
    "   (call $drop (local.get $a)) (i32.const 0))"
    "  (func (export \"may-fail\") (result i32) (call $may-fail) (i32.const 0)))"
    " (core instance $m (instantiate $M (with \"m\" (instance $memory)) (with \"h\" (instance"
    "  (export \"next\" (func $next)) (export \"echo\" (func $echo)) (export \"fetch\" (func $fetch))"
    "  (export \"open\" (func $open)) (export \"may-fail\" (func $may-fail)) (export \"drop\" (func $drop))))))"
    " (func (export \"next\") (result u32) (canon lift (core func $m \"next\")))"
    " (func (export \"twice\") (result u32) (canon lift (core func $m \"twice\")))"
    " (func (export \"echo\") (result string) (canon lift (core func $m \"echo\") (memory $mem)))"
    " (func (export \"fetch\") (result u32) (canon lift (core func $m \"fetch\")))"
    " (func (export \"things\") (result u32) (canon lift (core func $m \"things\")))"
    " (func (export \"may-fail\") (result u32) (canon lift (core func $m \"may-fail\"))))";

static tn_linked *link_guest(host *h, bool is_recorded) {
  tn_linker *linker = host_linker(h, is_recorded);
  tn_linked *linked = guest_link(engine, guest, linker);
  tn_linker_delete(linker);
  return linked;
}

/* Calls once, with the recording as it is. Gives the result, to be released; NULL with *error. */
static char *run_with(const tn_linked *linked, tn_recording *recording, const char *call,
                      tn_error **error) {
  tn_instance_options options = guest_options();
  options.recording = recording;
  tn_instance *instance = NULL;
  char *result = NULL;
  *error = tn_instance_new(linked, &options, &instance);
  if (*error == NULL) *error = tn_instance_invoke(instance, (tn_str){call, strlen(call)}, &result);
  if (recording != NULL) {
    tn_error *finished = tn_recording_finish(recording);
    if (*error == NULL)
      *error = finished;
    else
      tn_error_delete(finished);
  }
  tn_instance_delete(instance);
  if (*error == NULL) return result;
  tn_release(result);
  return NULL;
}

static void assert_run(const tn_linked *linked, tn_recording *recording, const char *call,
                       const char *expected) {
  tn_error *error;
  char *result = run_with(linked, recording, call, &error);
  assert_ok(error);
  assert_string_equal(result, expected);
  tn_release(result);
}

static tn_recording *new_recording(void) {
  tn_recording *recording = NULL;
  assert_ok(tn_recording_new(&recording));
  return recording;
}

/* As another process would read it. */
static tn_recording *read_back(tn_recording *recording) {
  tn_str bytes = tn_recording_bytes(recording);
  assert_non_null(bytes.data);
  tn_recording *copy = NULL;
  assert_ok(tn_recording_from_bytes(bytes.data, bytes.len, &copy));
  tn_recording_delete(recording);
  return copy;
}

/* ---- recording and replaying ------------------------------------------------------------------------- */

static void a_replay_gives_what_was_recorded_and_calls_nobody(void **state) {
  (void)state;
  static const struct {
    const char *call, *result;
    uint32_t calls;
  } cases[] = {{"next()", "7", 1},       {"twice()", "8", 2},  {"echo()", "\"you said hello\"", 1},
               {"fetch()", "402024", 1}, {"things()", "0", 2}, {"may-fail()", "0", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    host first = {.next = 7, .room = 1000}, second = {.next = 100, .room = 5};
    tn_linked *linked = link_guest(&first, true);
    tn_recording *recording = new_recording();
    assert_run(linked, recording, cases[i].call, cases[i].result);
    assert_int_equal(first.calls, cases[i].calls);
    assert_int_equal(tn_recording_call_count(recording), cases[i].calls);
    tn_linked_delete(linked);

    recording = read_back(recording);
    linked = link_guest(&second, true);
    assert_run(linked, recording, cases[i].call, cases[i].result);
    assert_int_equal(second.calls, 0);
    assert_int_equal(second.drops, 0);
    assert_null(tn_recording_difference(recording));
    tn_recording_delete(recording);
    tn_linked_delete(linked);
  }
}

static void drops_are_real_while_recording_even_at_the_end(void **state) {
  (void)state;
  host h = {0};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording();
  assert_run(linked, recording, "things()", "0");
  assert_int_equal(h.drops, 2);
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

static void errors_of_the_host_are_replayed(void **state) {
  (void)state;
  host h = {.fails = true};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording();
  tn_error *error;
  assert_null(run_with(linked, recording, "may-fail()", &error));
  assert_error(error, TN_ERROR_DENIED, "the host said no");
  recording = read_back(recording);
  h.fails = false;
  assert_null(run_with(linked, recording, "may-fail()", &error));
  assert_error(error, TN_ERROR_DENIED, "the host said no");
  assert_int_equal(h.calls, 1);
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

static void without_a_recording_nothing_is_different(void **state) {
  (void)state;
  host h = {.next = 3, .room = 4};
  tn_linked *linked = link_guest(&h, true);
  assert_run(linked, NULL, "twice()", "4");
  assert_run(linked, NULL, "fetch()", "401028");
  assert_run(linked, NULL, "things()", "0");
  assert_int_equal(h.drops, 2);
  tn_linked_delete(linked);
}

/* ---- differences ------------------------------------------------------------------------------------- */

static void assert_differs(const tn_linked *linked, tn_recording *recording, const char *call,
                           const char *text) {
  tn_error *error;
  assert_null(run_with(linked, recording, call, &error));
  assert_error(error, TN_ERROR_TRAP, text);
  assert_non_null(tn_recording_difference(recording));
  assert_non_null(strstr(tn_recording_difference(recording), text));
}

static void a_check_calls_again_and_finds_the_first_difference(void **state) {
  (void)state;
  host h = {.next = 7, .room = 1000};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording();
  assert_run(linked, recording, "twice()", "8");
  tn_recording_rewind(recording, TN_CHECK);
  assert_differs(linked, recording, "twice()", "call 1, t:h/host#next: gave 7, and now 9");
  h.next = 7;
  tn_recording_rewind(recording, TN_CHECK);
  assert_run(linked, recording, "twice()", "8");
  assert_int_equal(h.calls, 2 + 1 + 2);
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

static void another_call_too_few_and_too_many_are_differences(void **state) {
  (void)state;
  host h = {.next = 7, .room = 1000};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording();
  assert_run(linked, recording, "twice()", "8");
  static const tn_recording_mode modes[] = {TN_CHECK, TN_REPLAY};
  for (size_t i = 0; i < 2; i++) {
    tn_recording_rewind(recording, modes[i]);
    assert_differs(linked, recording, "echo()",
                   "call 1 was t:h/host#next, and now is t:h/host#echo");
    h.next = 7;
    tn_recording_rewind(recording, modes[i]);
    assert_differs(linked, recording, "next()",
                   "it ends after call 1, where t:h/host#next came next; there were 2 calls");
  }
  tn_recording_delete(recording);
  recording = new_recording();
  h.next = 7;
  assert_run(linked, recording, "next()", "7");
  tn_recording_rewind(recording, TN_REPLAY);
  assert_differs(linked, recording, "twice()", "call 2 is t:h/host#next, where the recording ends");
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

/* ---- notes, output, bytes ---------------------------------------------------------------------------- */

static void notes_are_kept_and_replaced(void **state) {
  (void)state;
  host h = {0};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording();
  assert_ok(tn_recording_set_note(recording, "a", (tn_str){"one", 3}));
  assert_ok(tn_recording_set_note(recording, "b", (tn_str){"", 0}));
  assert_ok(tn_recording_set_note(recording, "a", (tn_str){"t\0o", 3}));
  assert_null(tn_recording_bytes(recording).data);
  assert_run(linked, recording, "next()", "0");
  recording = read_back(recording);
  assert_int_equal(tn_recording_note(recording, "a").len, 3);
  assert_memory_equal(tn_recording_note(recording, "a").data, "t\0o", 3);
  assert_non_null(tn_recording_note(recording, "b").data);
  assert_null(tn_recording_note(recording, "c").data);
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

static void gather(void *data, int stream, const uint8_t *bytes, size_t size) {
  char *text = data;
  snprintf(text + strlen(text), 64 - strlen(text), "%d:%.*s;", stream, (int)size,
           (const char *)bytes);
}

static void output_is_given_out_again_in_a_replay(void **state) {
  (void)state;
  tn_recording *recording = new_recording();
  tn_recording_output(recording, 1, (const uint8_t *)"out", 3);
  tn_recording_output(recording, 2, (const uint8_t *)"err", 3);
  assert_ok(tn_recording_finish(recording));
  recording = read_back(recording);
  char text[64] = "";
  tn_recording_on_output(recording, gather, text);
  assert_ok(tn_recording_finish(recording));
  assert_string_equal(text, "1:out;2:err;");
  tn_recording_rewind(recording, TN_CHECK);
  tn_recording_output(recording, 1, (const uint8_t *)"out", 3);
  tn_recording_output(recording, 2, (const uint8_t *)"her", 3);
  assert_error(tn_recording_finish(recording), TN_ERROR_TRAP,
               "the guest's output to stream 2 was \"err\", and now \"her\" (from byte 1 on)");
  tn_recording_delete(recording);
}

static void every_cut_and_every_changed_byte_is_noticed(void **state) {
  (void)state;
  host h = {.next = 7, .room = 9};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *recording = new_recording(), *bad = NULL;
  assert_run(linked, recording, "echo()", "\"you said hello\"");
  tn_str bytes = tn_recording_bytes(recording);
  char *copy = malloc(bytes.len + 1);
  memcpy(copy, bytes.data, bytes.len);
  for (size_t i = 0; i < bytes.len; i++) {
    assert_error(tn_recording_from_bytes(copy, i, &bad), TN_ERROR_MALFORMED,
                 "no recording that can be used");
    copy[i] ^= 0x20;
    tn_error *error = tn_recording_from_bytes(copy, bytes.len, &bad);
    assert_non_null(error);
    tn_error_delete(error);
    copy[i] ^= 0x20;
  }
  copy[bytes.len] = 0;
  assert_error(tn_recording_from_bytes(copy, bytes.len + 1, &bad), TN_ERROR_MALFORMED, "damaged");
  free(copy);
  tn_recording_delete(recording);
  tn_linked_delete(linked);
}

/* ---- allocation -------------------------------------------------------------------------------------- */

/* A failure is reported, unless nothing was lost by it: some allocations only make things faster. */
static void assert_survived(bool failed, const tn_error *error, const char *result,
                            const char *expected) {
  if (error == NULL)
    assert_string_equal(result, expected);
  else
    assert_true(failed);
}

static void recording_survives_any_failed_allocation(void **state) {
  (void)state;
  static const char *const calls[] = {"echo()", "fetch()", "things()"};
  static const char *const results[] = {"\"you said hello\"", "402024", "0"};
  host h = {.room = 1000};
  tn_linked *linked = link_guest(&h, true);
  for (size_t i = 0; i < 3; i++) {
    bool failed = true;
    for (int allowed = 0; failed; allowed++) {
      h.calls = 0;
      tn_recording *recording = new_recording();
      tn_error *error;
      tn_alloc_fail_after(allowed);
      char *result = run_with(linked, recording, calls[i], &error);
      failed = tn_alloc_did_fail();
      tn_alloc_fail_after(-1);
      assert_survived(failed, error, result, results[i]);
      tn_error_delete(error);
      tn_release(result);
      tn_recording_delete(recording);
    }
  }
  tn_linked_delete(linked);
}

static void replaying_survives_any_failed_allocation(void **state) {
  (void)state;
  host h = {.room = 1000};
  tn_linked *linked = link_guest(&h, true);
  tn_recording *first = new_recording();
  assert_run(linked, first, "echo()", "\"you said hello\"");
  tn_str bytes = tn_recording_bytes(first);
  bool failed = true;
  for (int allowed = 0; failed; allowed++) {
    tn_recording *recording = NULL;
    char *result = NULL;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_recording_from_bytes(bytes.data, bytes.len, &recording);
    if (error == NULL) result = run_with(linked, recording, "echo()", &error);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_survived(failed, error, result, "\"you said hello\"");
    tn_error_delete(error);
    tn_release(result);
    tn_recording_delete(recording);
  }
  tn_recording_delete(first);
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_replay_gives_what_was_recorded_and_calls_nobody),
      cmocka_unit_test(drops_are_real_while_recording_even_at_the_end),
      cmocka_unit_test(errors_of_the_host_are_replayed),
      cmocka_unit_test(without_a_recording_nothing_is_different),
      cmocka_unit_test(a_check_calls_again_and_finds_the_first_difference),
      cmocka_unit_test(another_call_too_few_and_too_many_are_differences),
      cmocka_unit_test(notes_are_kept_and_replaced),
      cmocka_unit_test(output_is_given_out_again_in_a_replay),
      cmocka_unit_test(every_cut_and_every_changed_byte_is_noticed),
      cmocka_unit_test(recording_survives_any_failed_allocation),
      cmocka_unit_test(replaying_survives_any_failed_allocation),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
