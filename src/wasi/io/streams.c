/* wasi:io/streams: the table, and how outcomes become results. */
#include "base/error.h"
#include "wasi/io/tables.h"

tn_error *tn_stream_fail(tn_wasi *wasi, tn_io_origin origin, int64_t outcome,
                         tn_stream_error *out) {
  out->tag = outcome == TN_IO_CLOSED ? TN_STREAM_CLOSED : TN_STREAM_LAST_OPERATION_FAILED;
  if (outcome == TN_IO_CLOSED) return NULL;
  return tn_io_error_add(wasi, origin, (int)-outcome, &out->error);
}

tn_error *tn_stream_count(tn_wasi *wasi, tn_io_origin origin, int64_t outcome,
                          tn_stream_count_result *out) {
  out->is_error = outcome < 0;
  if (outcome < 0) return tn_stream_fail(wasi, origin, outcome, &out->error);
  out->count = (uint64_t)outcome;
  return NULL;
}

tn_error *tn_stream_done(tn_wasi *wasi, tn_io_origin origin, int64_t outcome,
                         tn_stream_result *out) {
  out->is_error = outcome < 0;
  return outcome < 0 ? tn_stream_fail(wasi, origin, outcome, &out->error) : NULL;
}

/* Every other reference is a pollable's. */
static void refuse_drop(tn_runtime *runtime, const char *what) {
  tn_runtime_refuse_drop(runtime,
                         tn_error_new(TN_ERROR_TRAP, "%s: dropped before its pollable", what));
}

static void drop_input(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_input_stream *stream = tn_input_stream_of(wasi, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (stream->references > 1) refuse_drop(runtime, "input-stream");
  tn_input_stream_release(stream);
}

static void drop_output(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_output_stream *stream = tn_output_stream_of(wasi, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (stream->references > 1) refuse_drop(runtime, "output-stream");
  tn_output_stream_release(stream);
}

static const tn_host_resource_definition streams_resources[] = {
    {"input-stream", drop_input},
    {"output-stream", drop_output},
};

#define INPUT(name)  "[method]input-stream." name
#define OUTPUT(name) "[method]output-stream." name
#define IN_SELF      "self: borrow<input-stream>"
#define OUT_SELF     "self: borrow<output-stream>"
#define DONE         " -> result<_, stream-error>"
#define COUNT        " -> result<u64, stream-error>"
#define BYTES        " -> result<list<u8>, stream-error>"

static const tn_host_func_definition streams_funcs[] = {
    {INPUT("read"), "func(" IN_SELF ", len: u64)" BYTES, tn_input_read},
    {INPUT("blocking-read"), "func(" IN_SELF ", len: u64)" BYTES, tn_input_blocking_read},
    {INPUT("skip"), "func(" IN_SELF ", len: u64)" COUNT, tn_input_skip},
    {INPUT("blocking-skip"), "func(" IN_SELF ", len: u64)" COUNT, tn_input_blocking_skip},
    {INPUT("subscribe"), "func(" IN_SELF ") -> pollable", tn_input_subscribe},
    {OUTPUT("check-write"), "func(" OUT_SELF ")" COUNT, tn_output_check_write},
    {OUTPUT("write"), "func(" OUT_SELF ", contents: list<u8>)" DONE, tn_output_write},
    {OUTPUT("blocking-write-and-flush"), "func(" OUT_SELF ", contents: list<u8>)" DONE,
     tn_output_blocking_write_and_flush},
    {OUTPUT("flush"), "func(" OUT_SELF ")" DONE, tn_output_flush},
    {OUTPUT("blocking-flush"), "func(" OUT_SELF ")" DONE, tn_output_blocking_flush},
    {OUTPUT("subscribe"), "func(" OUT_SELF ") -> pollable", tn_output_subscribe},
    {OUTPUT("write-zeroes"), "func(" OUT_SELF ", len: u64)" DONE, tn_output_write_zeroes},
    {OUTPUT("blocking-write-zeroes-and-flush"), "func(" OUT_SELF ", len: u64)" DONE,
     tn_output_blocking_write_zeroes_and_flush},
    {OUTPUT("splice"), "func(" OUT_SELF ", src: borrow<input-stream>, len: u64)" COUNT,
     tn_output_splice},
    {OUTPUT("blocking-splice"), "func(" OUT_SELF ", src: borrow<input-stream>, len: u64)" COUNT,
     tn_output_blocking_splice},
};

const tn_host_interface tn_io_streams_interface = {
    .name = "wasi:io/streams@0.2.12",
    .types = "use wasi:io/error@0.2.12.{error}; use wasi:io/poll@0.2.12.{pollable};"
             "variant stream-error { last-operation-failed(error), closed }"
             "resource input-stream; resource output-stream;",
    .resources = streams_resources,
    .resource_count = sizeof streams_resources / sizeof *streams_resources,
    .funcs = streams_funcs,
    .func_count = sizeof streams_funcs / sizeof *streams_funcs,
};
