/* wasi:filesystem/types: what is in files and directories. */
#include <errno.h>

#include "base/error.h"
#include "base/utf.h"
#include "wasi/disguise.h"
#include "wasi/filesystem/native.h"
#include "wasi/stdio_stream.h"
#include "wasi/system/directory.h"
#include "wasi/system/error.h"

/* The most that one read gives: room in the guest is made before it is known how much will come. */
enum { READ_MAX = 1 << 20 };

static tn_error *handle_failed(int outcome, tn_fs_handle_result *out) {
  out->is_error = 1;
  out->error = tn_errno_to_filesystem(-outcome);
  return NULL;
}

/* ---- streams ------------------------------------------------------------------------------------ */

typedef struct stream_params {
  uint32_t self;
  uint64_t offset;
} stream_params;
static_assert(sizeof(stream_params) == 16, "native form of (borrow<descriptor>, filesize)");

static tn_error *add_output(tn_call *call, uint32_t self, uint64_t offset, bool appends,
                            tn_fs_handle_result *out) {
  tn_descriptor *descriptor = tn_fs_descriptor(call, self);
  if (descriptor->type == TN_FILE_DIRECTORY) return handle_failed(-EISDIR, out);
  if (!descriptor->options.write) return handle_failed(-EBADF, out);
  tn_wasi *wasi = tn_wasi_of_call(call);
  if (descriptor->type != TN_FILE_REGULAR)
    return tn_pipe_stream_add(wasi, descriptor, true, &out->handle);
  return tn_file_output_add(wasi, descriptor, offset, appends, &out->handle);
}

tn_error *tn_fs_read_via_stream(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const stream_params *in = params;
  tn_fs_handle_result *out = result;
  tn_descriptor *descriptor = tn_fs_descriptor(call, in->self);
  if (descriptor->type == TN_FILE_DIRECTORY) return handle_failed(-EISDIR, out);
  if (!descriptor->options.read) return handle_failed(-EBADF, out);
  tn_wasi *wasi = tn_wasi_of_call(call);
  if (descriptor->type != TN_FILE_REGULAR)
    return tn_pipe_stream_add(wasi, descriptor, false, &out->handle);
  return tn_file_input_add(wasi, descriptor, in->offset, &out->handle);
}

tn_error *tn_fs_write_via_stream(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const stream_params *in = params;
  return add_output(call, in->self, in->offset, false, result);
}

tn_error *tn_fs_append_via_stream(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  return add_output(call, *(const uint32_t *)params, 0, true, result);
}

/* ---- files -------------------------------------------------------------------------------------- */

typedef struct read_params {
  uint32_t self;
  uint64_t length;
  uint64_t offset;
} read_params;
static_assert(sizeof(read_params) == 24, "native form of (borrow<descriptor>, filesize, filesize)");

typedef struct write_params {
  uint32_t self;
  struct {
    const uint8_t *data;
    size_t len;
  } buffer;
  uint64_t offset;
} write_params;
static_assert(sizeof(write_params) == 32,
              "native form of (borrow<descriptor>, list<u8>, filesize)");

tn_error *tn_fs_read(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  read_params in = *(const read_params *)params; /* making room may move what it points to */
  tn_fs_read_result *out = result;
  size_t wanted = in.length < READ_MAX ? (size_t)in.length : READ_MAX;
  uint8_t *bytes;
  TN_TRY(tn_call_reserve(call, wanted, &bytes));
  int64_t count = tn_descriptor_read(tn_fs_descriptor(call, in.self), bytes, wanted, in.offset);
  if (count < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem((int)-count);
    return NULL;
  }
  out->data = bytes;
  out->len = (size_t)count;
  out->is_end = count == 0 && wanted > 0;
  return NULL;
}

tn_error *tn_fs_write(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const write_params *in = params;
  tn_fs_size_result *out = result;
  tn_descriptor *descriptor = tn_fs_descriptor(call, in->self);
  int64_t count = tn_descriptor_write(descriptor, in->buffer.data, in->buffer.len, in->offset);
  out->is_error = count < 0;
  if (count < 0) {
    out->error = tn_errno_to_filesystem((int)-count);
  } else {
    out->size = (uint64_t)count;
  }
  return NULL;
}

static tn_error *sync(tn_call *call, uint32_t self, bool data_only, void *result) {
  tn_runtime *runtime = tn_call_runtime(call);
  tn_guest *guest = tn_wasi_guest(tn_wasi_of(runtime));
  int outcome;
  TN_TRY(tn_descriptor_sync(tn_fs_descriptor(call, self), data_only, guest, runtime->context,
                            &outcome));
  return tn_fs_done(outcome, result);
}

tn_error *tn_fs_sync(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  return sync(call, *(const uint32_t *)params, false, result);
}

tn_error *tn_fs_sync_data(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  return sync(call, *(const uint32_t *)params, true, result);
}

/* ---- directories -------------------------------------------------------------------------------- */

tn_error *tn_fs_read_directory(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_fs_handle_result *out = result;
  tn_directory *directory;
  int outcome = tn_directory_open(tn_fs_descriptor(call, *(const uint32_t *)params), &directory);
  if (outcome < 0) return handle_failed(outcome, out);
  tn_wasi *wasi = tn_wasi_of_call(call);
  outcome = tn_wasi_disguise_directory(wasi, directory);
  if (outcome < 0) {
    tn_directory_close(directory);
    return handle_failed(outcome, out);
  }
  tn_error *error = tn_wasi_slot_add(wasi, TN_SLOT_DIRECTORY_STREAM, directory, &out->handle);
  if (error != NULL) {
    tn_directory_close(directory);
    return error;
  }
  tn_kept_add(tn_wasi_kept(wasi), tn_directory_size(directory));
  return NULL;
}

/* Names that are no UTF-8 cannot be said in this interface; those entries are left out, as are "." and
 * "..", which the interface does not want. */
static bool is_shown(tn_str name) {
  return !tn_str_equal(name, TN_STR(".")) && !tn_str_equal(name, TN_STR("..")) &&
         tn_utf8_is_valid(name.data, name.len);
}

tn_error *tn_fs_read_directory_entry(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_directory *directory =
      tn_wasi_slot_get(wasi, TN_SLOT_DIRECTORY_STREAM, *(const uint32_t *)params);
  tn_fs_entry_result *out = result;
  tn_directory_entry entry;
  int outcome;
  do {
    outcome = tn_directory_next(directory, &entry);
  } while (outcome == 1 && !is_shown(entry.name));
  if (outcome < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem(-outcome);
  } else if (outcome == 1) {
    out->is_some = 1;
    out->entry.type = (uint8_t)entry.type;
    out->entry.name = entry.name;
  }
  return NULL;
}
