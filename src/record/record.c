/* Stands between guests and the host's functions, and records, compares or replays what passes. */
#include "base/alloc.h"
#include "base/error.h"
#include "link/host.h"
#include "record/difference.h"
#include "record/preview1.h"
#include "record/recording.h"
#include "record/value_code.h"
#include "value/value.h"

static tn_recording *recording_of(tn_runtime *runtime) {
  tn_recording *recording = runtime->states[TN_STATE_RECORDING];
  return recording == NULL || recording->is_finished ? NULL : recording;
}

/* ---- what is expected ------------------------------------------------------------------------------- */

static void describe_event(tn_buffer *out, tn_event_kind kind, tn_str name) {
  tn_buffer_append_text(out, tn_event_prefix(kind));
  tn_buffer_append_str(out, kind == TN_EVENT_OUTPUT ? TN_STR("output") : name);
}

/* "call 3 was X, and now is Y" */
static tn_error *other_call(tn_recording *recording, const tn_event *expected, tn_event_kind kind,
                            tn_str name) {
  tn_buffer texts[2] = {{0}, {0}};
  describe_event(&texts[0], expected->kind, expected->name);
  describe_event(&texts[1], kind, name);
  bool is_output = expected->kind == TN_EVENT_OUTPUT;
  if (is_output) tn_buffer_append_byte(&texts[0], ' ');
  if (is_output) tn_difference_quote(&texts[0], expected->bytes, 0);
  tn_error *error = tn_recording_differs(
      recording, "call %llu was %" TN_STR_FORMAT ", and now is %" TN_STR_FORMAT,
      (unsigned long long)recording->call_number, TN_STR_ARG(tn_buffer_str(&texts[0])),
      TN_STR_ARG(tn_buffer_str(&texts[1])));
  tn_buffer_free(&texts[0]);
  tn_buffer_free(&texts[1]);
  return error;
}

/* In a replay the output of a call comes before the call itself: it is given out when that turns out to be the
 * right one. */
static void give_output(tn_recording *recording, size_t from, size_t to) {
  tn_event event;
  while (recording->mode == TN_REPLAY && from < to && tn_event_read(recording, &from, &event)) {
    if (event.kind == TN_EVENT_OUTPUT && recording->write != NULL)
      recording->write(recording->write_data, (int)event.value, (const uint8_t *)event.bytes.data,
                       event.bytes.len);
  }
}

/* Takes the next event, which has to be of this kind and name. */
static tn_error *expect(tn_recording *recording, tn_event_kind kind, tn_str name, tn_event *out) {
  size_t start = recording->at, at = recording->at;
  bool is_there;
  do {
    is_there = tn_event_read(recording, &at, out);
  } while (is_there && out->kind == TN_EVENT_OUTPUT && recording->mode == TN_REPLAY);
  tn_str interruption = tn_recording_note(recording, "interrupted");
  if (!is_there && interruption.data != NULL)
    return tn_error_new(TN_ERROR_CANCELLED, "the recording ends here: %" TN_STR_FORMAT,
                        TN_STR_ARG(interruption));
  if (!is_there)
    return tn_recording_differs(
        recording, "call %llu is %s%" TN_STR_FORMAT ", where the recording ends",
        (unsigned long long)recording->call_number, tn_event_prefix(kind), TN_STR_ARG(name));
  if (out->kind != kind || !tn_str_equal(out->name, name))
    return other_call(recording, out, kind, name);
  give_output(recording, start, at);
  recording->at = at;
  return NULL;
}

/* "call 3, NAME: WHAT X, and now Y"; the difference is freed. */
static tn_error *differs_in(tn_recording *recording, tn_str name, const char *what,
                            tn_buffer *difference) {
  tn_error *error =
      difference->failed
          ? tn_error_no_memory()
          : tn_recording_differs(recording, "call %llu, %" TN_STR_FORMAT ": %s %" TN_STR_FORMAT,
                                 (unsigned long long)recording->call_number, TN_STR_ARG(name), what,
                                 TN_STR_ARG(tn_buffer_str(difference)));
  tn_buffer_free(difference);
  return error;
}

static tn_error *check_params(tn_recording *recording, const tn_event *event, const tn_type *type,
                              tn_str params) {
  if (tn_str_equal(event->params, params)) return NULL;
  tn_buffer difference = {0};
  tn_difference_of_values(&difference, type, event->params, params);
  return differs_in(recording, event->name, "was called with", &difference);
}

static tn_error *check_error(tn_recording *recording, const tn_event *event,
                             const tn_error *error) {
  tn_str none = TN_STR("a result");
  tn_str message = error == NULL ? none : tn_str_from(tn_error_get_message(error));
  tn_str recorded = event->is_error ? event->message : none;
  bool is_same_kind =
      event->is_error && error != NULL && event->error_kind == tn_error_get_kind(error);
  bool is_same_text = tn_str_equal(recorded, message);
  if (is_same_kind && is_same_text) return NULL;
  tn_buffer difference = {0};
  if (is_same_text)
    tn_buffer_format(&difference, "%" TN_STR_FORMAT ", and now the same of another kind",
                     TN_STR_ARG(message));
  else
    tn_difference_of_texts(&difference, recorded, message);
  return differs_in(recording, event->name, "gave", &difference);
}

/* ---- component functions ------------------------------------------------------------------------------ */

typedef struct recorded_func {
  tn_str name;
  const tn_func_type *type;
  tn_host_func func;
  void *data;
} recorded_func;

/* One call of one. */
typedef struct func_call {
  const recorded_func *func;
  tn_recording *recording;
  tn_call *call;
  tn_str params; /* encoded */
} func_call;

static void encode_result(const func_call *c, const void *result, tn_buffer *out) {
  tn_reserved reserved;
  reserved.data = tn_call_reserved(c->call, &reserved.size);
  if (c->func->type->result != NULL) tn_value_encode(out, c->func->type->result, result, &reserved);
}

static tn_error *add_call(const func_call *c, const void *result, const tn_error *error) {
  tn_recording *recording = c->recording;
  tn_buffer *out = &recording->events;
  uint64_t name, reserved = 0;
  if (!tn_recording_name(recording, c->func->name, &name)) return tn_error_no_memory();
  tn_buffer_append_byte(out, TN_EVENT_CALL);
  tn_put_number(out, name);
  tn_put_bytes(out, c->params);
  tn_buffer_append_byte(out, error != NULL);
  if (error != NULL) {
    tn_event_put_error(out, error);
    return tn_recording_added(recording);
  }
  bool has_reserved = tn_call_reserved(c->call, &reserved) != NULL;
  tn_buffer_append_byte(out, has_reserved);
  if (has_reserved) tn_put_number(out, reserved);
  tn_buffer encoded = {0};
  encode_result(c, result, &encoded);
  if (encoded.failed) recording->is_lost = true;
  tn_put_bytes(out, tn_buffer_str(&encoded));
  tn_buffer_free(&encoded);
  return tn_recording_added(recording);
}

static tn_error *compare_call(const func_call *c, const void *result, const tn_error *error) {
  tn_recording *recording = c->recording;
  tn_event event;
  if (recording->difference != NULL)
    return tn_recording_differs(recording, "%s", recording->difference);
  TN_TRY(expect(recording, TN_EVENT_CALL, c->func->name, &event));
  TN_TRY(check_params(recording, &event, c->func->type->params, c->params));
  if (event.is_error || error != NULL) return check_error(recording, &event, error);
  tn_buffer encoded = {0};
  encode_result(c, result, &encoded);
  tn_error *failed = encoded.failed ? tn_error_no_memory() : NULL;
  if (failed == NULL && !tn_str_equal(event.result, tn_buffer_str(&encoded))) {
    tn_buffer difference = {0};
    tn_difference_of_values(&difference, c->func->type->result, event.result,
                            tn_buffer_str(&encoded));
    failed = differs_in(recording, event.name, "gave", &difference);
  }
  tn_buffer_free(&encoded);
  return failed;
}

/* The real call, and then what there is to do about it. */
static tn_error *call_and_note(const func_call *c, const void *params, void *result) {
  tn_error *error = c->func->func(c->call, c->func->data, params, result);
  tn_error *failed =
      c->recording->mode == TN_RECORD ? add_call(c, result, error) : compare_call(c, result, error);
  if (failed == NULL) return error;
  tn_error_delete(error);
  return failed;
}

static tn_error *damaged(tn_recording *recording, tn_str name) {
  return tn_recording_differs(recording,
                              "call %llu, %" TN_STR_FORMAT ": what was recorded is no result of it",
                              (unsigned long long)recording->call_number, TN_STR_ARG(name));
}

static tn_error *decode_result(const func_call *c, const tn_event *event,
                               const tn_reserved *reserved, void *result) {
  const tn_type *type = c->func->type->result;
  if (type == NULL) return event->result.len == 0 ? NULL : damaged(c->recording, event->name);
  tn_arena *arena = tn_call_arena_get(c->call);
  if (arena == NULL) return tn_error_no_memory();
  tn_str rest = event->result;
  tn_error *error;
  bool is_value = tn_value_decode(arena, type, &rest, result, reserved, &error) && rest.len == 0;
  return is_value || error != NULL ? error : damaged(c->recording, event->name);
}

static tn_error *replay(const func_call *c, void *result) {
  tn_recording *recording = c->recording;
  tn_event event;
  if (recording->difference != NULL)
    return tn_recording_differs(recording, "%s", recording->difference);
  TN_TRY(expect(recording, TN_EVENT_CALL, c->func->name, &event));
  TN_TRY(check_params(recording, &event, c->func->type->params, c->params));
  if (event.is_error) return tn_event_make_error(&event);
  tn_reserved reserved = {0};
  if (event.has_reserved) {
    TN_TRY(tn_call_reserve(c->call, (size_t)event.reserved, &reserved.data));
    reserved.size = event.reserved;
  }
  return decode_result(c, &event, &reserved, result);
}

static tn_error *call_recorded(tn_call *call, void *data, const void *params, void *result) {
  const recorded_func *func = data;
  tn_recording *recording = recording_of(tn_call_runtime(call));
  if (recording == NULL) return func->func(call, func->data, params, result);
  static const tn_reserved nothing;
  tn_buffer encoded = {0};
  tn_value_encode(&encoded, func->type->params, params, &nothing);
  recording->call_number++;
  func_call c = {func, recording, call, tn_buffer_str(&encoded)};
  tn_error *error;
  if (encoded.failed)
    error = tn_error_no_memory();
  else if (recording->mode == TN_REPLAY)
    error = replay(&c, result);
  else
    error = call_and_note(&c, params, result);
  tn_buffer_free(&encoded);
  return error;
}

/* ---- core functions ----------------------------------------------------------------------------------- */

typedef struct recorded_core {
  tn_str name;
  const tn_core_func_type *type;
  const tn_p1_ranges *ranges;
  tn_core_host_func func;
  void *environment;
} recorded_core;

typedef struct core_call {
  const recorded_core *func;
  tn_recording *recording;
  tn_runtime *runtime;
  tn_str params;
  tn_p1_writes writes;
} core_call;

static void encode_core_params(const recorded_core *func, tn_runtime *runtime,
                               const tn_core_value *values, tn_buffer *out) {
  enum { CODE_I32 = 0x7f };
  for (uint32_t i = 0; i < func->type->param_count; i++)
    tn_put_number(out, func->type->params[i].code == CODE_I32 ? values[i].u32 : values[i].u64);
  tn_p1_put_inputs(out, func->ranges, runtime, values);
}

static tn_error *check_core_params(const core_call *c, const tn_event *event) {
  if (tn_str_equal(event->params, c->params)) return NULL;
  tn_buffer difference = {0};
  tn_difference_of_core_params(&difference, c->func->type->param_count, event->params, c->params);
  return differs_in(c->recording, event->name, "was called with", &difference);
}

/* The result and the ranges, as they are recorded. */
static void encode_core_result(const core_call *c, const tn_core_value *values, tn_buffer *out) {
  tn_put_number(out, c->func->type->result_count > 0 ? values[0].u32 : 0);
  tn_p1_writes_put(out, &c->writes, c->runtime);
}

static tn_error *add_core(const core_call *c, const tn_core_value *values, const tn_error *error) {
  tn_recording *recording = c->recording;
  tn_buffer *out = &recording->events;
  uint64_t name;
  if (!tn_recording_name(recording, c->func->name, &name)) return tn_error_no_memory();
  tn_buffer_append_byte(out, TN_EVENT_CORE);
  tn_put_number(out, name);
  tn_put_bytes(out, c->params);
  tn_buffer_append_byte(out, error != NULL);
  if (error != NULL)
    tn_event_put_error(out, error);
  else
    encode_core_result(c, values, out);
  return tn_recording_added(recording);
}

static tn_error *compare_core(const core_call *c, const tn_core_value *values,
                              const tn_error *error) {
  tn_recording *recording = c->recording;
  tn_event event;
  if (recording->difference != NULL)
    return tn_recording_differs(recording, "%s", recording->difference);
  TN_TRY(expect(recording, TN_EVENT_CORE, c->func->name, &event));
  TN_TRY(check_core_params(c, &event));
  if (event.is_error || error != NULL) return check_error(recording, &event, error);
  tn_buffer recorded = {0}, now = {0};
  tn_put_number(&recorded, event.value);
  tn_put_number(&recorded, event.range_count);
  tn_buffer_append(&recorded, event.result.data, event.result.len);
  encode_core_result(c, values, &now);
  tn_error *failed = recorded.failed || now.failed ? tn_error_no_memory() : NULL;
  if (failed == NULL && !tn_str_equal(tn_buffer_str(&recorded), tn_buffer_str(&now))) {
    tn_buffer difference = {0};
    tn_difference_of_core_results(&difference, tn_buffer_str(&recorded), tn_buffer_str(&now));
    failed = differs_in(recording, event.name, "gave", &difference);
  }
  tn_buffer_free(&recorded);
  tn_buffer_free(&now);
  return failed;
}

static tn_error *replay_core(const core_call *c, tn_core_value *values) {
  tn_recording *recording = c->recording;
  tn_event event;
  if (recording->difference != NULL)
    return tn_recording_differs(recording, "%s", recording->difference);
  TN_TRY(expect(recording, TN_EVENT_CORE, c->func->name, &event));
  TN_TRY(check_core_params(c, &event));
  if (event.is_error) return tn_event_make_error(&event);
  if (!tn_p1_writes_replay(event.result, event.range_count, c->runtime) || event.value > UINT32_MAX)
    return damaged(recording, event.name);
  if (c->func->type->result_count > 0) values[0].u64 = event.value;
  return NULL;
}

/* The real call. Its error, if it has one, comes as a trap and is taken out of it. */
static tn_error *make_core_call(core_call *c, tn_core_caller *caller, tn_core_value *values) {
  TN_TRY(tn_p1_writes_take(&c->writes, c->func->ranges, c->runtime, values));
  tn_core_trap *trap =
      c->func->func(c->func->environment, caller, values, c->func->type->param_count);
  tn_error *error = trap == NULL ? NULL : tn_core_trap_take_error(c->runtime->context, trap);
  tn_error *failed =
      c->recording->mode == TN_RECORD ? add_core(c, values, error) : compare_core(c, values, error);
  if (failed == NULL) return error;
  tn_error_delete(error);
  return failed;
}

static tn_core_trap *call_recorded_core(void *environment, tn_core_caller *caller,
                                        tn_core_value *values, size_t count) {
  const recorded_core *func = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  tn_recording *recording = recording_of(runtime);
  if (recording == NULL) return func->func(func->environment, caller, values, count);
  tn_buffer encoded = {0};
  encode_core_params(func, runtime, values, &encoded);
  recording->call_number++;
  core_call c = {
      .func = func, .recording = recording, .runtime = runtime, .params = tn_buffer_str(&encoded)};
  tn_error *error;
  if (encoded.failed)
    error = tn_error_no_memory();
  else if (recording->mode == TN_REPLAY)
    error = replay_core(&c, values);
  else
    error = make_core_call(&c, caller, values);
  tn_p1_writes_free(&c.writes);
  tn_buffer_free(&encoded);
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

/* ---- drops -------------------------------------------------------------------------------------------- */

typedef struct recorded_resource {
  tn_str name;
  void (*drop)(tn_runtime *runtime, void *data, uint32_t representation);
  void *data;
} recorded_resource;

/* A drop cannot fail: what is wrong with it shows at the next call, or at the end. */
static void note_drop(tn_recording *recording, const recorded_resource *resource,
                      uint32_t representation) {
  tn_event event;
  uint64_t name;
  if (recording->difference != NULL || recording->is_lost) return;
  if (recording->mode == TN_RECORD) {
    if (!tn_recording_name(recording, resource->name, &name)) return;
    tn_buffer_append_byte(&recording->events, TN_EVENT_DROP);
    tn_put_number(&recording->events, name);
    tn_put_number(&recording->events, representation);
    return;
  }
  tn_error *error = expect(recording, TN_EVENT_DROP, resource->name, &event);
  if (error == NULL && event.value != representation)
    error = tn_recording_differs(
        recording, "after call %llu the drop of %" TN_STR_FORMAT " was of %llu, and now is of %u",
        (unsigned long long)recording->call_number, TN_STR_ARG(resource->name),
        (unsigned long long)event.value, representation);
  tn_error_delete(error);
}

static void drop_recorded(tn_runtime *runtime, void *data, uint32_t representation) {
  const recorded_resource *resource = data;
  tn_recording *recording = runtime->states[TN_STATE_RECORDING];
  if (recording != NULL && !recording->is_finished) note_drop(recording, resource, representation);
  if (recording != NULL && recording->mode == TN_REPLAY) return; /* nothing lies behind it */
  if (resource->drop != NULL) resource->drop(runtime, resource->data, representation);
}

/* ---- the interceptor ---------------------------------------------------------------------------------- */

/* "wasi:clocks/wall-clock#now": without the version, which other versions of Tenon may have raised. */
static tn_error *full_name(tn_arena *arena, tn_str interface, tn_str name, tn_str *out) {
  interface = tn_str_slice(interface, 0, tn_str_find(interface, '@', 0));
  *out = tn_arena_format(arena, "%" TN_STR_FORMAT "#%" TN_STR_FORMAT, TN_STR_ARG(interface),
                         TN_STR_ARG(name));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *record_func(void *data, tn_arena *arena, tn_str interface, tn_str name,
                             tn_host_found_func *found) {
  (void)data;
  recorded_func *made = TN_ARENA_NEW(arena, recorded_func);
  if (made == NULL) return tn_error_no_memory();
  *made = (recorded_func){.type = found->type, .func = found->func, .data = found->data};
  TN_TRY(full_name(arena, interface, name, &made->name));
  found->func = call_recorded;
  found->data = made;
  return NULL;
}

static tn_error *record_core(void *data, tn_arena *arena, tn_str module, tn_str name,
                             tn_host_import *found) {
  (void)data;
  recorded_core *made = TN_ARENA_NEW(arena, recorded_core);
  if (made == NULL) return tn_error_no_memory();
  *made =
      (recorded_core){.type = found->type, .func = found->func, .environment = found->environment};
  made->ranges = tn_p1_ranges_of(name);
  if (made->ranges == NULL)
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "calls of `%" TN_STR_FORMAT "#%" TN_STR_FORMAT "` cannot be recorded",
                        TN_STR_ARG(module), TN_STR_ARG(name));
  TN_TRY(full_name(arena, module, name, &made->name));
  found->func = call_recorded_core;
  found->environment = made;
  return NULL;
}

static tn_error *record_resource(void *data, tn_arena *arena, tn_str interface,
                                 tn_resource *resource) {
  (void)data;
  recorded_resource *made = TN_ARENA_NEW(arena, recorded_resource);
  if (made == NULL) return tn_error_no_memory();
  *made = (recorded_resource){.drop = resource->drop, .data = resource->data};
  TN_TRY(full_name(arena, interface, resource->name, &made->name));
  resource->drop = drop_recorded;
  resource->data = made;
  return NULL;
}

static const tn_interceptor interceptor = {
    .func = record_func, .core = record_core, .resource = record_resource};

tn_error *tn_linker_record(tn_linker *linker) {
  return tn_linker_intercept(linker, &interceptor, NULL);
}
