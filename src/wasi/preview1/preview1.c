#include "wasi/preview1/preview1.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf.h"
#include "wasi/preview1/call.h"

/* Numbers that a guest may have open at one time. */
enum { MAX_ENTRIES = 1 << 16, STANDARD_STREAMS = 3 };

/* ---- rights ------------------------------------------------------------------------------------- */

#define COMMON_RIGHTS                                                                              \
  (TN_P1_FD_FDSTAT_SET_FLAGS | TN_P1_FD_FILESTAT_GET | TN_P1_FD_FILESTAT_SET_TIMES |               \
   TN_P1_FD_SYNC | TN_P1_FD_DATASYNC)
#define STREAM_RIGHTS (COMMON_RIGHTS | TN_P1_FD_READ | TN_P1_FD_WRITE | TN_P1_POLL_FD_READWRITE)
#define FILE_RIGHTS                                                                                \
  (STREAM_RIGHTS | TN_P1_FD_SEEK | TN_P1_FD_TELL | TN_P1_FD_ADVISE | TN_P1_FD_ALLOCATE |           \
   TN_P1_FD_FILESTAT_SET_SIZE)
#define DIRECTORY_RIGHTS                                                                           \
  (COMMON_RIGHTS | TN_P1_PATH_CREATE_DIRECTORY | TN_P1_PATH_CREATE_FILE | TN_P1_PATH_LINK_SOURCE | \
   TN_P1_PATH_LINK_TARGET | TN_P1_PATH_OPEN | TN_P1_FD_READDIR | TN_P1_PATH_READLINK |             \
   TN_P1_PATH_RENAME_SOURCE | TN_P1_PATH_RENAME_TARGET | TN_P1_PATH_FILESTAT_GET |                 \
   TN_P1_PATH_FILESTAT_SET_SIZE | TN_P1_PATH_FILESTAT_SET_TIMES | TN_P1_PATH_SYMLINK |             \
   TN_P1_PATH_REMOVE_DIRECTORY | TN_P1_PATH_UNLINK_FILE)

uint64_t tn_p1_rights_of(tn_file_type type) {
  switch (type) {
  case TN_FILE_DIRECTORY:
    return DIRECTORY_RIGHTS;
  case TN_FILE_REGULAR:
  case TN_FILE_BLOCK_DEVICE:
    return FILE_RIGHTS;
  case TN_FILE_SOCKET:
    return STREAM_RIGHTS | TN_P1_SOCK_SHUTDOWN | TN_P1_SOCK_ACCEPT;
  default:
    return STREAM_RIGHTS; /* no seeking: that is how libraries recognise a terminal */
  }
}

/* ---- entries ------------------------------------------------------------------------------------ */

static int grow(tn_preview1 *preview1) {
  if (preview1->count < preview1->cap) return 0;
  if (preview1->cap == MAX_ENTRIES) return -EMFILE;
  uint32_t cap = preview1->cap == 0 ? 16 : preview1->cap * 2;
  tn_p1_entry *grown = tn_realloc(preview1->entries, cap * sizeof *grown);
  if (grown == NULL) return -ENOMEM;
  preview1->entries = grown;
  preview1->cap = cap;
  return 0;
}

/* As the handles of components, which have none for standard streams until they ask for them. */
static int check_limit(tn_p1_call *call) {
  uint32_t max = call->runtime->max_handles;
  if (call->preview1->count < (uint64_t)max + STANDARD_STREAMS) return 0;
  return tn_p1_fail(call, tn_handle_limit_error(max));
}

int tn_p1_entry_add(tn_p1_call *call, const tn_p1_entry *entry, uint32_t *number) {
  tn_preview1 *preview1 = call->preview1;
  uint32_t found = preview1->lowest_free;
  while (found < preview1->count && !tn_p1_is_free(&preview1->entries[found]))
    found++;
  if (found == preview1->count) {
    int failed = check_limit(call);
    if (failed == 0) failed = grow(preview1);
    if (failed < 0) return failed;
    preview1->count++;
  }
  preview1->entries[found] = *entry;
  preview1->lowest_free = found + 1;
  *number = found;
  return 0;
}

void tn_p1_entry_close(tn_preview1 *preview1, uint32_t number) {
  tn_p1_entry *entry = &preview1->entries[number];
  if (entry->reader != NULL) tn_directory_close(entry->reader);
  if (entry->descriptor != NULL) tn_descriptor_release(entry->descriptor);
  *entry = (tn_p1_entry){0};
  if (number < preview1->lowest_free) preview1->lowest_free = number;
}

tn_file_type tn_p1_entry_type(const tn_p1_entry *entry) {
  if (entry->descriptor != NULL) return entry->descriptor->type;
  tn_stdio_open(entry->stdio);
  /* Libraries take a character device for a terminal. */
  bool is_other_device =
      entry->stdio->type == TN_FILE_CHARACTER_DEVICE && !entry->stdio->is_terminal;
  return is_other_device ? TN_FILE_UNKNOWN : entry->stdio->type;
}

int tn_p1_entry_fd(const tn_p1_entry *entry) {
  if (entry->descriptor != NULL) return entry->descriptor->fd;
  const tn_config_stdio *config = entry->stdio->config;
  return config->kind == TN_STDIO_INHERIT || config->kind == TN_STDIO_DESCRIPTOR
             ? config->descriptor
             : -1;
}

uint8_t tn_p1_file_type(tn_file_type type) {
  static const uint8_t types[] = {
      [TN_FILE_UNKNOWN] = 0,   [TN_FILE_BLOCK_DEVICE] = 1, [TN_FILE_CHARACTER_DEVICE] = 2,
      [TN_FILE_DIRECTORY] = 3, [TN_FILE_FIFO] = 0,         [TN_FILE_SYMBOLIC_LINK] = 7,
      [TN_FILE_REGULAR] = 4,   [TN_FILE_SOCKET] = 6,
  };
  return types[type];
}

/* ---- the state of one guest --------------------------------------------------------------------- */

static int add_stdio(tn_p1_call *call, tn_stdio *stdio) {
  tn_p1_entry entry = {.stdio = stdio};
  uint64_t rights = tn_p1_rights_of(tn_p1_entry_type(&entry));
  entry.rights = rights & ~(stdio->stream == 0 ? TN_P1_FD_WRITE : TN_P1_FD_READ);
  if (stdio->type == TN_FILE_SOCKET) entry.rights = rights; /* a connection goes both ways */
  uint32_t number;
  return tn_p1_entry_add(call, &entry, &number);
}

static int add_preopen(tn_p1_call *call, const tn_config_directory *directory) {
  tn_p1_entry entry = {
      .descriptor = tn_descriptor_for_directory(directory->fd, directory->is_read_only),
      .preopen = directory,
      .rights = DIRECTORY_RIGHTS,
      .inheriting = DIRECTORY_RIGHTS | FILE_RIGHTS,
  };
  if (entry.descriptor == NULL) return -ENOMEM;
  uint32_t number;
  int failed = tn_p1_entry_add(call, &entry, &number);
  if (failed < 0) tn_descriptor_release(entry.descriptor);
  return failed;
}

static int add_granted(tn_p1_call *call) {
  tn_wasi *wasi = call->wasi;
  int failed = 0;
  for (int i = 0; i < STANDARD_STREAMS && failed == 0; i++)
    failed = add_stdio(call, &wasi->stdio[i]);
  for (uint32_t i = 0; i < wasi->config->directories.len && failed == 0; i++) {
    failed = add_preopen(call, &wasi->config->directories.items[i]);
  }
  return failed;
}

static tn_error *make(tn_p1_call *call) {
  call->preview1 = tn_calloc(1, sizeof *call->preview1);
  if (call->preview1 == NULL) return tn_error_no_memory();
  int failed = add_granted(call);
  if (failed < 0) {
    tn_preview1_delete(call->preview1);
    if (call->error != NULL) return call->error;
    return failed == -ENOMEM ? tn_error_no_memory()
                             : tn_error_new(TN_ERROR_LIMIT, "too many granted directories");
  }
  call->wasi->preview1 = call->preview1;
  return NULL;
}

void tn_preview1_delete(tn_preview1 *preview1) {
  for (uint32_t i = 0; i < preview1->count; i++)
    tn_p1_entry_close(preview1, i);
  tn_free(preview1->entries);
  tn_free(preview1);
}

/* ---- calls -------------------------------------------------------------------------------------- */

void tn_p1_refresh(tn_p1_call *call) {
  const tn_core_memory *memory = call->runtime->memories;
  if (memory == NULL || memory->store == 0) { /* a module without a memory of its own */
    call->memory = NULL;
    call->size = 0;
    return;
  }
  call->memory = tn_core_memory_base(call->runtime->context, memory);
  call->size = tn_core_memory_size(call->runtime->context, memory);
}

bool tn_p1_begin(tn_p1_call *call, tn_core_caller *caller) {
  tn_core_context *context = tn_core_caller_context(caller);
  call->runtime = tn_runtime_of(context);
  call->wasi = tn_wasi_of(call->runtime);
  call->error = NULL;
  if (call->wasi->preview1 == NULL) {
    call->error = make(call);
    if (call->error != NULL) return false;
  }
  call->preview1 = call->wasi->preview1;
  tn_p1_refresh(call);
  return true;
}

tn_core_trap *tn_p1_end(tn_p1_call *call, int outcome, tn_core_value *out) {
  if (call->error != NULL) return tn_core_trap_from_error(call->runtime->context, call->error);
  out->i64 =
      outcome == -TN_P1_ENOTCAPABLE ? TN_PREVIEW1_NOTCAPABLE : tn_errno_to_preview1(-outcome);
  return NULL;
}

int tn_p1_entry_get(tn_p1_call *call, uint32_t number, uint64_t rights, tn_p1_entry **out) {
  if (number >= call->preview1->count) return -EBADF;
  tn_p1_entry *entry = &call->preview1->entries[number];
  if (tn_p1_is_free(entry)) return -EBADF;
  uint64_t missing = rights & ~entry->rights;
  if (missing != 0)
    return (missing & (TN_P1_FD_READ | TN_P1_FD_WRITE)) != 0 ? -EBADF : -TN_P1_ENOTCAPABLE;
  *out = entry;
  return 0;
}

int tn_p1_descriptor_get(tn_p1_call *call, uint32_t number, uint64_t rights, tn_descriptor **out) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, number, rights, &entry);
  if (failed == 0 && entry->descriptor == NULL) failed = -EBADF;
  if (failed == 0) *out = entry->descriptor;
  return failed;
}

int tn_p1_wait(tn_p1_call *call, int fd, int events) {
  tn_wait wait;
  tn_wait_init(&wait, call->wasi->guest, call->runtime->context);
  tn_readiness *readiness;
  tn_error *error = tn_readiness_start(&wait, fd, events, &readiness);
  if (error != NULL) return tn_p1_fail(call, error);
  error = tn_loop_wait(&wait, call->runtime->context);
  tn_readiness_stop(readiness);
  tn_p1_refresh(call);
  return tn_p1_fail(call, error);
}

/* ---- the guest's memory ------------------------------------------------------------------------- */

int tn_p1_path(tn_p1_call *call, uint32_t address, uint32_t size, tn_str *out) {
  const uint8_t *bytes = tn_p1_bytes(call, address, size);
  if (bytes == NULL) return -EFAULT;
  if (!tn_utf8_is_valid(bytes, size)) return -EILSEQ;
  *out = (tn_str){(const char *)bytes, size};
  return 0;
}

int tn_p1_parts(tn_p1_call *call, uint32_t address, uint32_t count,
                struct iovec parts[TN_P1_PARTS]) {
  if (count > TN_P1_PARTS_MAX) return -EINVAL;
  const uint8_t *list = tn_p1_bytes(call, address, (uint64_t)count * 8);
  if (list == NULL) return -EFAULT;
  int taken = 0;
  for (uint32_t i = 0; i < count && taken < TN_P1_PARTS; i++) {
    uint32_t part[2]; /* address, size */
    memcpy(part, list + (size_t)i * 8, sizeof part);
    if (part[1] == 0) continue;
    uint8_t *bytes = tn_p1_bytes(call, part[0], part[1]);
    if (bytes == NULL) return -EFAULT;
    parts[taken++] = (struct iovec){bytes, part[1]};
  }
  return taken;
}

/* ---- definition --------------------------------------------------------------------------------- */

tn_error *tn_preview1_define(tn_linker *linker) {
  const tn_p1_group *groups[] = {&tn_p1_descriptor_funcs, &tn_p1_transfer_funcs,
                                 &tn_p1_path_funcs,       &tn_p1_poll_funcs,
                                 &tn_p1_process_funcs,    &tn_p1_socket_funcs};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    TN_TRY(tn_linker_define_core(linker, "wasi_snapshot_preview1", groups[i]->funcs,
                                 groups[i]->count, NULL));
  }
  return NULL;
}
