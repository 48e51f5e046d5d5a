/* Preview 1: arguments, environment, clocks, random numbers, the process itself. */
#include "base/error.h"
#include "wasi/clocks/clocks.h"
#include "wasi/preview1/call.h"

/* ---- arguments and environment ------------------------------------------------------------------ */

/* Writes a list of strings as C has it: pointers to them, and the strings themselves one after the other, each
 * ended by NUL. */
typedef struct string_writer {
  tn_p1_call *call;
  uint32_t pointer;
  uint32_t text;
} string_writer;

static int write_pointer(string_writer *self) {
  int failed = tn_p1_store_u32(self->call, self->pointer, self->text);
  self->pointer += 4;
  return failed;
}

static int write_text(string_writer *self, const void *bytes, size_t size) {
  int failed = tn_p1_store(self->call, self->text, bytes, size);
  self->text += (uint32_t)size;
  return failed;
}

static int args_sizes_get(tn_p1_call *call, const tn_core_value *in) {
  const tn_wasi_config *config = call->wasi->config;
  uint64_t size = 0;
  for (uint32_t i = 0; i < config->arguments.len; i++)
    size += config->arguments.items[i].len + 1;
  if (size > UINT32_MAX) return -EOVERFLOW;
  int failed = tn_p1_store_u32(call, in[0].u32, config->arguments.len);
  return failed < 0 ? failed : tn_p1_store_u32(call, in[1].u32, (uint32_t)size);
}

static int args_get(tn_p1_call *call, const tn_core_value *in) {
  const tn_wasi_config *config = call->wasi->config;
  string_writer writer = {call, in[0].u32, in[1].u32};
  int failed = 0;
  for (uint32_t i = 0; i < config->arguments.len && failed == 0; i++) {
    tn_str argument = config->arguments.items[i];
    failed = write_pointer(&writer);
    if (failed == 0)
      failed = write_text(&writer, argument.data, argument.len + 1); /* with its NUL */
  }
  return failed;
}

static int environ_sizes_get(tn_p1_call *call, const tn_core_value *in) {
  const tn_wasi_config *config = call->wasi->config;
  uint64_t size = 0;
  for (uint32_t i = 0; i < config->variables.len; i++) {
    size += config->variables.items[i].name.len + config->variables.items[i].value.len + 2;
  }
  if (size > UINT32_MAX) return -EOVERFLOW;
  int failed = tn_p1_store_u32(call, in[0].u32, config->variables.len);
  return failed < 0 ? failed : tn_p1_store_u32(call, in[1].u32, (uint32_t)size);
}

static int environ_get(tn_p1_call *call, const tn_core_value *in) {
  const tn_wasi_config *config = call->wasi->config;
  string_writer writer = {call, in[0].u32, in[1].u32};
  int failed = 0;
  for (uint32_t i = 0; i < config->variables.len && failed == 0; i++) {
    const tn_config_variable *variable = &config->variables.items[i];
    failed = write_pointer(&writer);
    if (failed == 0) failed = write_text(&writer, variable->name.data, variable->name.len);
    if (failed == 0) failed = write_text(&writer, "=", 1);
    if (failed == 0) failed = write_text(&writer, variable->value.data, variable->value.len + 1);
  }
  return failed;
}

/* ---- clocks and random numbers ------------------------------------------------------------------ */

/* clockid; the processor's clocks are not offered. */
enum { REALTIME, MONOTONIC };

static int clock_res_get(tn_p1_call *call, const tn_core_value *in) {
  if (in[0].u32 > MONOTONIC) return -EINVAL;
  return tn_p1_store_u64(call, in[1].u32, tn_wasi_clock_resolution(call->wasi));
}

static int clock_time_get(tn_p1_call *call, const tn_core_value *in) {
  if (in[0].u32 > MONOTONIC) return -EINVAL;
  uint64_t now =
      in[0].u32 == REALTIME ? tn_wasi_wall_now(call->wasi) : tn_wasi_monotonic_now(call->wasi);
  return tn_p1_store_u64(call, in[2].u32, now);
}

static int random_get(tn_p1_call *call, const tn_core_value *in) {
  uint8_t *out = tn_p1_bytes(call, in[0].u32, in[1].u32);
  if (out == NULL) return -EFAULT;
  return tn_p1_fail(call, tn_wasi_random(call->wasi, out, in[1].u32));
}

/* ---- the process -------------------------------------------------------------------------------- */

static int proc_exit(tn_p1_call *call, const tn_core_value *in) {
  tn_error *error = tn_error_new(TN_ERROR_EXIT, "the guest called exit(%u)", in[0].u32);
  tn_error_set_exit_code(error, (int)(in[0].u32 & 0xff));
  return tn_p1_fail(call, error);
}

/* A guest has no signals. */
static int proc_raise(tn_p1_call *call, const tn_core_value *in) {
  (void)call, (void)in;
  return -ENOTSUP;
}

static int sched_yield(tn_p1_call *call, const tn_core_value *in) {
  (void)call, (void)in;
  return 0;
}

/* ---- table -------------------------------------------------------------------------------------- */

TN_P1_FUNCTION(args_get)
TN_P1_FUNCTION(args_sizes_get)
TN_P1_FUNCTION(clock_res_get)
TN_P1_FUNCTION(clock_time_get)
TN_P1_FUNCTION(environ_get)
TN_P1_FUNCTION(environ_sizes_get)
TN_P1_FUNCTION(proc_exit)
TN_P1_FUNCTION(proc_raise)
TN_P1_FUNCTION(random_get)
TN_P1_FUNCTION(sched_yield)

static const tn_host_core_func funcs[] = {
    {"args_get", "ii", "i", args_get_entry},
    {"args_sizes_get", "ii", "i", args_sizes_get_entry},
    {"clock_res_get", "ii", "i", clock_res_get_entry},
    {"clock_time_get", "iIi", "i", clock_time_get_entry},
    {"environ_get", "ii", "i", environ_get_entry},
    {"environ_sizes_get", "ii", "i", environ_sizes_get_entry},
    {"proc_exit", "i", "", proc_exit_entry},
    {"proc_raise", "i", "i", proc_raise_entry},
    {"random_get", "ii", "i", random_get_entry},
    {"sched_yield", "", "i", sched_yield_entry},
};

const tn_p1_group tn_p1_process_funcs = {funcs, sizeof funcs / sizeof *funcs};
