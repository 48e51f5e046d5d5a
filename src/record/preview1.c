#include "record/preview1.h"

#include "base/alloc.h"
#include "base/error.h"
#include "record/bytes.h"

/* What a parameter points to. */
typedef enum place_kind {
  NOTHING,
  FIXED,   /* `size` bytes */
  COUNTED, /* as many times `size` bytes as the other parameter says */
  PARTS,   /* what the iovecs, which the other parameter counts, point to */
  REST,    /* up to where the memory ends: functions that are called once, at the start */
} place_kind;

typedef struct pointed {
  uint8_t kind;
  uint8_t address; /* the parameter with it */
  uint8_t count;   /* the parameter with the count */
  uint8_t size;
} pointed;

enum { PLACES = 3 };

struct tn_p1_ranges {
  const char *name;
  pointed in[PLACES];
  pointed out[PLACES];
};

#define F(address, size)                                                                           \
  { FIXED, address, 0, size }
#define B(address, count)                                                                          \
  { COUNTED, address, count, 1 }
#define A(address, count, size)                                                                    \
  { COUNTED, address, count, size }
#define P(address, count)                                                                          \
  { PARTS, address, count, 0 }
#define R(address)                                                                                 \
  { REST, address, 0, 0 }
#define NONE                                                                                       \
  {                                                                                                \
    { 0 }                                                                                          \
  }

/* The parameters' numbers are those of wasi_snapshot_preview1; an iovec and a ciovec have 8 bytes, a
 * subscription 48, an event 32. */
static const tn_p1_ranges functions[] = {
    {"args_get", NONE, {R(0), R(1)}},
    {"args_sizes_get", NONE, {F(0, 4), F(1, 4)}},
    {"clock_res_get", NONE, {F(1, 8)}},
    {"clock_time_get", NONE, {F(2, 8)}},
    {"environ_get", NONE, {R(0), R(1)}},
    {"environ_sizes_get", NONE, {F(0, 4), F(1, 4)}},
    {"fd_advise", NONE, NONE},
    {"fd_allocate", NONE, NONE},
    {"fd_close", NONE, NONE},
    {"fd_datasync", NONE, NONE},
    {"fd_fdstat_get", NONE, {F(1, 24)}},
    {"fd_fdstat_set_flags", NONE, NONE},
    {"fd_fdstat_set_rights", NONE, NONE},
    {"fd_filestat_get", NONE, {F(1, 64)}},
    {"fd_filestat_set_size", NONE, NONE},
    {"fd_filestat_set_times", NONE, NONE},
    {"fd_pread", {A(1, 2, 8)}, {P(1, 2), F(4, 4)}},
    {"fd_prestat_dir_name", NONE, {B(1, 2)}},
    {"fd_prestat_get", NONE, {F(1, 8)}},
    {"fd_pwrite", {P(1, 2)}, {F(4, 4)}},
    {"fd_read", {A(1, 2, 8)}, {P(1, 2), F(3, 4)}},
    {"fd_readdir", NONE, {B(1, 2), F(4, 4)}},
    {"fd_renumber", NONE, NONE},
    {"fd_seek", NONE, {F(3, 8)}},
    {"fd_sync", NONE, NONE},
    {"fd_tell", NONE, {F(1, 8)}},
    {"fd_write", {P(1, 2)}, {F(3, 4)}},
    {"path_create_directory", {B(1, 2)}, NONE},
    {"path_filestat_get", {B(2, 3)}, {F(4, 64)}},
    {"path_filestat_set_times", {B(2, 3)}, NONE},
    {"path_link", {B(2, 3), B(5, 6)}, NONE},
    {"path_open", {B(2, 3)}, {F(8, 4)}},
    {"path_readlink", {B(1, 2)}, {B(3, 4), F(5, 4)}},
    {"path_remove_directory", {B(1, 2)}, NONE},
    {"path_rename", {B(1, 2), B(4, 5)}, NONE},
    {"path_symlink", {B(0, 1), B(3, 4)}, NONE},
    {"path_unlink_file", {B(1, 2)}, NONE},
    {"poll_oneoff", {A(0, 2, 48)}, {A(1, 2, 32), F(3, 4)}},
    {"proc_exit", NONE, NONE},
    {"proc_raise", NONE, NONE},
    {"random_get", NONE, {B(0, 1)}},
    {"sched_yield", NONE, NONE},
    {"sock_accept", NONE, {F(2, 4)}},
    {"sock_recv", {A(1, 2, 8)}, {P(1, 2), F(4, 4), F(5, 2)}},
    {"sock_send", {P(1, 2)}, {F(4, 4)}},
    {"sock_shutdown", NONE, NONE},
};

const tn_p1_ranges *tn_p1_ranges_of(tn_str name) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (tn_str_equal(tn_str_from(functions[i].name), name)) return &functions[i];
  return NULL;
}

/* ---- the guest's memory ----------------------------------------------------------------------------- */

typedef struct guest_memory {
  uint8_t *base;
  uint64_t size;
} guest_memory;

static guest_memory memory_of(tn_runtime *runtime) {
  const tn_core_memory *first = runtime->memories;
  if (first == NULL || first->store == 0) return (guest_memory){0};
  return (guest_memory){tn_core_memory_base(runtime->context, first),
                        tn_core_memory_size(runtime->context, first)};
}

typedef bool (*visit_func)(void *data, const guest_memory *memory, uint64_t address, uint64_t size);

/* Ranges outside the memory are left out: the function fails on them. */
static bool visit(const guest_memory *memory, uint64_t address, uint64_t size, visit_func func,
                  void *data) {
  if (size == 0 || address > memory->size || size > memory->size - address) return true;
  return func(data, memory, address, size);
}

static bool visit_parts(const guest_memory *memory, uint64_t list, uint64_t count, visit_func func,
                        void *data) {
  enum { PART_SIZE = 8, MOST_PARTS = 1024 };
  for (uint64_t i = 0; i < count && i < MOST_PARTS; i++) {
    uint64_t at = list + i * PART_SIZE;
    if (at + PART_SIZE > memory->size) return true;
    uint32_t part[2];
    memcpy(part, memory->base + at, sizeof part);
    if (!visit(memory, part[0], part[1], func, data)) return false;
  }
  return true;
}

static bool visit_place(const guest_memory *memory, const pointed *place,
                        const tn_core_value *params, visit_func func, void *data) {
  uint64_t address = params[place->address].u32, count = params[place->count].u32;
  switch ((place_kind)place->kind) {
  case FIXED:
    return visit(memory, address, place->size, func, data);
  case COUNTED:
    return visit(memory, address, count * place->size, func, data);
  case PARTS:
    return visit_parts(memory, address, count, func, data);
  case REST:
    return address >= memory->size || visit(memory, address, memory->size - address, func, data);
  case NOTHING:
    break;
  }
  return true;
}

static bool visit_all(const guest_memory *memory, const pointed places[PLACES],
                      const tn_core_value *params, visit_func func, void *data) {
  for (size_t i = 0; i < PLACES; i++)
    if (!visit_place(memory, &places[i], params, func, data)) return false;
  return true;
}

/* ---- what is read ----------------------------------------------------------------------------------- */

static bool put_input(void *data, const guest_memory *memory, uint64_t address, uint64_t size) {
  tn_buffer *out = data;
  tn_buffer_append(out, memory->base + address, (size_t)size);
  return !out->failed;
}

void tn_p1_put_inputs(tn_buffer *out, const tn_p1_ranges *ranges, tn_runtime *runtime,
                      const tn_core_value *params) {
  guest_memory now = memory_of(runtime);
  visit_all(&now, ranges->in, params, put_input, out);
}

/* ---- what is written -------------------------------------------------------------------------------- */

static bool grow(tn_p1_writes *writes) {
  if (writes->count < writes->cap) return true;
  uint32_t cap = writes->cap == 0 ? 4 : writes->cap * 2;
  tn_p1_range *grown = tn_realloc(writes->ranges, cap * sizeof *grown);
  if (grown == NULL) return false;
  writes->ranges = grown;
  writes->cap = cap;
  return true;
}

static bool keep_range(void *data, const guest_memory *memory, uint64_t address, uint64_t size) {
  tn_p1_writes *writes = data;
  uint8_t *before = tn_malloc((size_t)size);
  if (before == NULL || !grow(writes)) {
    tn_free(before);
    return false;
  }
  memcpy(before, memory->base + address, (size_t)size);
  writes->ranges[writes->count++] = (tn_p1_range){address, size, before};
  return true;
}

tn_error *tn_p1_writes_take(tn_p1_writes *writes, const tn_p1_ranges *ranges, tn_runtime *runtime,
                            const tn_core_value *params) {
  guest_memory now = memory_of(runtime);
  return visit_all(&now, ranges->out, params, keep_range, writes) ? NULL : tn_error_no_memory();
}

/* The part of the range between its first and its last byte that is not as before; false: none. */
static bool changed_part(const tn_p1_range *range, const guest_memory *memory, uint64_t *start,
                         uint64_t *end) {
  const uint8_t *now = memory->base + range->address;
  *start = 0;
  *end = range->size;
  while (*start < *end && now[*start] == range->before[*start])
    ++*start;
  while (*end > *start && now[*end - 1] == range->before[*end - 1])
    --*end;
  return *start < *end;
}

void tn_p1_writes_put(tn_buffer *out, const tn_p1_writes *writes, tn_runtime *runtime) {
  guest_memory now = memory_of(runtime);
  uint64_t start, end, changed = 0;
  for (uint32_t i = 0; i < writes->count; i++)
    changed += changed_part(&writes->ranges[i], &now, &start, &end);
  tn_put_number(out, changed);
  for (uint32_t i = 0; i < writes->count; i++) {
    const tn_p1_range *range = &writes->ranges[i];
    if (!changed_part(range, &now, &start, &end)) continue;
    tn_put_number(out, range->address + start);
    tn_put_bytes(out,
                 (tn_str){(const char *)now.base + range->address + start, (size_t)(end - start)});
  }
}

void tn_p1_writes_free(tn_p1_writes *writes) {
  for (uint32_t i = 0; i < writes->count; i++)
    tn_free(writes->ranges[i].before);
  tn_free(writes->ranges);
}

bool tn_p1_writes_replay(tn_str ranges, uint64_t count, tn_runtime *runtime) {
  guest_memory now = memory_of(runtime);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t address;
    tn_str bytes;
    if (!tn_take_number(&ranges, &address) || !tn_take_bytes(&ranges, &bytes)) return false;
    if (address > now.size || bytes.len > now.size - address) return false;
    if (bytes.len > 0) memcpy(now.base + address, bytes.data, bytes.len);
  }
  return true;
}
