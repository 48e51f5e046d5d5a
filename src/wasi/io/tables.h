/* The interfaces that wasi:io is made of, for the files of this folder only. */
#ifndef TN_WASI_IO_TABLES_H
#define TN_WASI_IO_TABLES_H

#include <assert.h>

#include "wasi/io/io.h"

extern const tn_host_interface tn_io_error_interface;
extern const tn_host_interface tn_io_poll_interface;
extern const tn_host_interface tn_io_streams_interface;

/* The functions of the two kinds of streams, input.c and output.c; they appear together in
 * wasi:io/streams. */
tn_error *tn_input_read(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_input_blocking_read(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_input_skip(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_input_blocking_skip(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_input_subscribe(tn_call *call, void *data, const void *params, void *result);

tn_error *tn_output_check_write(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_write(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_blocking_write_and_flush(tn_call *call, void *data, const void *params,
                                             void *result);
tn_error *tn_output_flush(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_blocking_flush(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_subscribe(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_write_zeroes(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_blocking_write_zeroes_and_flush(tn_call *call, void *data, const void *params,
                                                    void *result);
tn_error *tn_output_splice(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_output_blocking_splice(tn_call *call, void *data, const void *params, void *result);

/* ---- native forms ------------------------------------------------------------------------------- */

enum { TN_STREAM_LAST_OPERATION_FAILED, TN_STREAM_CLOSED };

/* variant stream-error */
typedef struct tn_stream_error {
  uint8_t tag;
  uint32_t error;
} tn_stream_error;
static_assert(sizeof(tn_stream_error) == 8, "native form of stream-error");

/* result<_, stream-error> */
typedef struct tn_stream_result {
  uint8_t is_error;
  tn_stream_error error;
} tn_stream_result;
static_assert(sizeof(tn_stream_result) == 12, "native form of result<_, stream-error>");

/* result<u64, stream-error> */
typedef struct tn_stream_count_result {
  uint8_t is_error;
  union {
    uint64_t count;
    tn_stream_error error;
  };
} tn_stream_count_result;
static_assert(sizeof(tn_stream_count_result) == 16, "native form of result<u64, stream-error>");

/* The stream-error of a negative outcome. */
tn_error *tn_stream_fail(tn_wasi *wasi, tn_io_origin origin, int64_t outcome, tn_stream_error *out);
/* The result for an outcome: the count, or the error. */
tn_error *tn_stream_count(tn_wasi *wasi, tn_io_origin origin, int64_t outcome,
                          tn_stream_count_result *out);
/* Likewise where there is nothing to count. */
tn_error *tn_stream_done(tn_wasi *wasi, tn_io_origin origin, int64_t outcome,
                         tn_stream_result *out);

/* The class's functions with the closed state and the permit kept. */
tn_error *tn_input_stream_skip(tn_input_stream *stream, uint64_t size, int64_t *result);
tn_error *tn_output_stream_check(tn_output_stream *stream, int64_t *result);
/* `size` must be permitted. */
tn_error *tn_output_stream_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                                 int64_t *result);
tn_error *tn_output_stream_flush(tn_output_stream *stream, int64_t *result);
/* Blocks until a flush that has begun is over. */
tn_error *tn_output_stream_wait_flushed(tn_output_stream *stream, tn_wasi *wasi,
                                        tn_core_context *context, int64_t *result);
bool tn_output_stream_is_ready(tn_output_stream *stream);

#endif
