/* Streams of wasi:io over what may have to wait: the standard streams, and pipes and devices that a guest has
 * opened in a directory. */
#ifndef TN_WASI_STDIO_STREAM_H
#define TN_WASI_STDIO_STREAM_H

#include "wasi/system/descriptor.h"
#include "wasi/wasi.h"

/* Standard input (stream 0), output (1) or error (2) as a stream resource. */
tn_error *tn_stdio_stream_add(tn_wasi *wasi, int stream, uint32_t *representation);
/* A pipe or device as an input or output stream resource, which counts a reference to the descriptor. */
tn_error *tn_pipe_stream_add(tn_wasi *wasi, tn_descriptor *descriptor, bool is_output,
                             uint32_t *representation);

#endif
