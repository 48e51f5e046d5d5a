/* wasi:filesystem/types: what is known about files and directories. */
#include <errno.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/error.h"
#include "wasi/disguise.h"
#include "wasi/filesystem/native.h"
#include "wasi/system/error.h"

enum { NANOSECONDS = 1000000000 };

static tn_wasi *wasi_of(tn_call *call) {
  return tn_wasi_of_call(call);
}

/* ---- status ------------------------------------------------------------------------------------- */

static tn_fs_optional_time time_of(struct timespec time) {
  return (tn_fs_optional_time){
      .is_some = time.tv_sec >= 0, /* the interface has no times before 1970 */
      .value = {time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec, (uint32_t)time.tv_nsec},
  };
}

static tn_error *give_status(int outcome, const tn_file_status *status, tn_fs_status_result *out) {
  if (outcome < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem(-outcome);
    return NULL;
  }
  out->type = (uint8_t)status->type;
  out->links = status->links;
  out->size = status->size;
  out->accessed = time_of(status->accessed);
  out->modified = time_of(status->modified);
  out->changed = time_of(status->changed);
  return NULL;
}

tn_error *tn_fs_status(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_file_status status;
  int outcome = tn_descriptor_status(tn_fs_descriptor(call, *(const uint32_t *)params), &status);
  if (outcome == 0) outcome = tn_wasi_disguise_status(wasi_of(call), &status);
  return give_status(outcome, &status, result);
}

tn_error *tn_fs_status_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_fs_at *in = params;
  tn_file_status status;
  bool follow = (in->path_flags & TN_FS_FOLLOW) != 0;
  int outcome =
      tn_descriptor_status_at(tn_fs_descriptor(call, in->self), in->path, follow, &status);
  if (outcome == 0) outcome = tn_wasi_disguise_status(wasi_of(call), &status);
  return give_status(outcome, &status, result);
}

tn_error *tn_fs_get_type(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  ((tn_fs_byte_result *)result)->value =
      (uint8_t)tn_fs_descriptor(call, *(const uint32_t *)params)->type;
  return NULL;
}

tn_error *tn_fs_get_flags(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_open_options *options = &tn_fs_descriptor(call, *(const uint32_t *)params)->options;
  uint8_t flags = 0;
  if (options->read) flags |= TN_FS_READ;
  if (options->write) flags |= TN_FS_WRITE;
  if (options->sync) flags |= TN_FS_FILE_SYNC;
  if (options->data_sync) flags |= TN_FS_DATA_SYNC;
  if (options->read_sync) flags |= TN_FS_READ_SYNC;
  if (options->mutate) flags |= TN_FS_MUTATE_DIRECTORY;
  ((tn_fs_byte_result *)result)->value = flags;
  return NULL;
}

/* ---- identity ----------------------------------------------------------------------------------- */

tn_error *tn_fs_is_same_object(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const uint32_t *in = params;
  tn_file_status one, other;
  int failed = tn_descriptor_status(tn_fs_descriptor(call, in[0]), &one);
  if (failed == 0) failed = tn_descriptor_status(tn_fs_descriptor(call, in[1]), &other);
  *(uint8_t *)result = failed == 0 && one.device == other.device && one.inode == other.inode;
  return NULL;
}

/* Libraries take this hash for the file's serial number, so it says which file it is and not what is in it. */
static tn_error *give_hash(int outcome, const tn_file_status *status, tn_fs_hash_result *out) {
  if (outcome < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem(-outcome);
    return NULL;
  }
  static const uint8_t key[crypto_shorthash_siphashx24_KEYBYTES] = "metadata of file";
  uint64_t identity[2] = {status->device, status->inode};
  static_assert(sizeof out->hash == crypto_shorthash_siphashx24_BYTES, "the hash fills the value");
  crypto_shorthash_siphashx24((unsigned char *)out->hash, (const unsigned char *)identity,
                              sizeof identity, key);
  return NULL;
}

tn_error *tn_fs_metadata_hash(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_file_status status;
  int outcome = tn_descriptor_status(tn_fs_descriptor(call, *(const uint32_t *)params), &status);
  if (outcome == 0) outcome = tn_wasi_disguise_status(wasi_of(call), &status);
  return give_hash(outcome, &status, result);
}

tn_error *tn_fs_metadata_hash_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_fs_at *in = params;
  tn_file_status status;
  bool follow = (in->path_flags & TN_FS_FOLLOW) != 0;
  int outcome =
      tn_descriptor_status_at(tn_fs_descriptor(call, in->self), in->path, follow, &status);
  if (outcome == 0) outcome = tn_wasi_disguise_status(wasi_of(call), &status);
  return give_hash(outcome, &status, result);
}

/* ---- changing ----------------------------------------------------------------------------------- */

typedef struct size_params {
  uint32_t self;
  uint64_t size;
} size_params;

typedef struct advise_params {
  uint32_t self;
  uint64_t offset;
  uint64_t length;
  uint8_t advice;
} advise_params;
static_assert(sizeof(advise_params) == 32,
              "native form of (borrow<descriptor>, filesize, filesize, advice)");

typedef struct times_params {
  uint32_t self;
  tn_fs_new_time times[2]; /* access, modification */
} times_params;
static_assert(sizeof(times_params) == 56,
              "native form of (borrow<descriptor>, new-timestamp, new-timestamp)");

typedef struct times_at_params {
  tn_fs_at at;
  tn_fs_new_time times[2];
} times_at_params;
static_assert(sizeof(times_at_params) == 72, "native form");

tn_error *tn_fs_set_size(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const size_params *in = params;
  return tn_fs_done(tn_descriptor_set_size(tn_fs_descriptor(call, in->self), in->size), result);
}

tn_error *tn_fs_advise(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const advise_params *in = params;
  tn_descriptor *descriptor = tn_fs_descriptor(call, in->self);
  return tn_fs_done(tn_descriptor_advise(descriptor, in->offset, in->length, in->advice), result);
}

static int take_times(const tn_fs_new_time in[2], struct timespec out[2]) {
  for (int i = 0; i < 2; i++) {
    switch (in[i].tag) {
    case TN_FS_TIME_NO_CHANGE:
      out[i] = (struct timespec){.tv_nsec = UTIME_OMIT};
      break;
    case TN_FS_TIME_NOW:
      out[i] = (struct timespec){.tv_nsec = UTIME_NOW};
      break;
    default:
      if (in[i].given.nanoseconds >= NANOSECONDS) return -EINVAL;
      if (in[i].given.seconds > INT64_MAX) return -EOVERFLOW;
      out[i].tv_sec = (time_t)in[i].given.seconds;
      out[i].tv_nsec = in[i].given.nanoseconds;
    }
  }
  return 0;
}

tn_error *tn_fs_set_times(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const times_params *in = params;
  struct timespec times[2];
  int outcome = take_times(in->times, times);
  if (outcome == 0)
    outcome = tn_wasi_set_times(wasi_of(call), tn_fs_descriptor(call, in->self), times);
  return tn_fs_done(outcome, result);
}

tn_error *tn_fs_set_times_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const times_at_params *in = params;
  tn_descriptor *directory = tn_fs_descriptor(call, in->at.self);
  bool follow = (in->at.path_flags & TN_FS_FOLLOW) != 0;
  struct timespec times[2];
  int outcome = take_times(in->times, times);
  if (outcome == 0)
    outcome = tn_wasi_set_times_at(wasi_of(call), directory, in->at.path, follow, times);
  return tn_fs_done(outcome, result);
}
