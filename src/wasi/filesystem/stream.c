#include "base/alloc.h"
#include "base/error.h"
#include "wasi/filesystem/filesystem.h"
#include "wasi/io/io.h"

/* What one write may have. The disk takes any amount; a bound keeps a single call short. */
enum { WRITE_SIZE = 1 << 20 };

/* ---- input -------------------------------------------------------------------------------------- */

typedef struct file_input {
  tn_input_stream head;
  tn_descriptor *descriptor;
  uint64_t offset;
  bool was_short; /* the last read reached the end of the file, as it was then */
} file_input;

static size_t input_available(tn_input_stream *stream, size_t wanted) {
  return ((file_input *)stream)->was_short ? 0 : wanted;
}

static tn_error *input_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result) {
  file_input *self = (file_input *)stream;
  int64_t count = tn_descriptor_read(self->descriptor, out, size, self->offset);
  if (count > 0) self->offset += (uint64_t)count;
  self->was_short = count >= 0 && (size_t)count < size;
  *result = count == 0 ? TN_IO_CLOSED : count;
  return NULL;
}

static tn_error *input_skip(tn_input_stream *stream, uint64_t size, int64_t *result) {
  file_input *self = (file_input *)stream;
  tn_file_status status;
  int failed = tn_descriptor_status(self->descriptor, &status);
  if (failed < 0) {
    *result = failed;
    return NULL;
  }
  uint64_t left = status.size > self->offset ? status.size - self->offset : 0;
  uint64_t count = size < left ? size : left;
  self->offset += count;
  *result = left == 0 ? TN_IO_CLOSED : (int64_t)count;
  return NULL;
}

static void input_destroy(tn_input_stream *stream) {
  tn_descriptor_release(((file_input *)stream)->descriptor);
  tn_free(stream);
}

static const tn_input_class input_class = {
    .origin = TN_IO_FILE,
    .available = input_available,
    .read = input_read,
    .skip = input_skip,
    .destroy = input_destroy,
};

tn_error *tn_file_input_add(tn_wasi *wasi, tn_descriptor *descriptor, uint64_t offset,
                            uint32_t *representation) {
  file_input *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  tn_input_stream_init(&made->head, &input_class);
  made->descriptor = tn_descriptor_retain(descriptor);
  made->offset = offset;
  return tn_input_stream_add(wasi, &made->head, representation);
}

/* ---- output ------------------------------------------------------------------------------------- */

typedef struct file_output {
  tn_output_stream head;
  tn_descriptor *descriptor;
  uint64_t offset;
  bool appends; /* offset is not used */
} file_output;

static tn_error *output_check_write(tn_output_stream *stream, int64_t *result) {
  (void)stream;
  *result = WRITE_SIZE;
  return NULL;
}

static tn_error *output_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                              int64_t *result) {
  file_output *self = (file_output *)stream;
  *result = 0;
  while (size > 0) {
    int64_t count = self->appends
                        ? tn_descriptor_append(self->descriptor, bytes, size)
                        : tn_descriptor_write(self->descriptor, bytes, size, self->offset);
    if (count < 0) {
      *result = count;
      return NULL;
    }
    self->offset += (uint64_t)count;
    bytes += count;
    size -= (size_t)count;
  }
  return NULL;
}

static void output_destroy(tn_output_stream *stream) {
  tn_descriptor_release(((file_output *)stream)->descriptor);
  tn_free(stream);
}

static const tn_output_class output_class = {
    .origin = TN_IO_FILE,
    .check_write = output_check_write,
    .write = output_write,
    .destroy = output_destroy,
};

tn_error *tn_file_output_add(tn_wasi *wasi, tn_descriptor *descriptor, uint64_t offset,
                             bool appends, uint32_t *representation) {
  file_output *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  tn_output_stream_init(&made->head, &output_class);
  made->descriptor = tn_descriptor_retain(descriptor);
  made->offset = offset;
  made->appends = appends;
  return tn_output_stream_add(wasi, &made->head, representation);
}
