/* Memories and globals of an instance, exported or not, and which pages have been written. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/private.h"

/* ---- parts ---------------------------------------------------------------------------------------------- */

/* What the engine hands out for an export is where to find it: the store's number, the instance's number in
 * the store, and which of the instance's own memories or globals it is. So anything that is not exported can
 * be named as well. engine_state_test proves that this is so, and link/restore.c asks again for each module
 * that exports something. */

tn_core_memory tn_core_instance_memory(const tn_core_instance *instance, uint32_t index) {
  return (tn_core_memory){.store = instance->store, .a = (uint32_t)instance->item, .b = index};
}

tn_core_global tn_core_instance_global(const tn_core_instance *instance, uint32_t index) {
  enum { OF_INSTANCE = 1 };
  return (tn_core_global){
      .store = instance->store, .a = (uint32_t)instance->item, .b = OF_INSTANCE, .c = index};
}

/* ---- globals -------------------------------------------------------------------------------------------- */

tn_core_number tn_core_global_get(tn_core_context *context, const tn_core_global *global) {
  wasmtime_val_t value;
  wasmtime_global_get(tn_engine_context(context), (const wasmtime_global_t *)global, &value);
  bool is_64 = value.kind == WASMTIME_I64 || value.kind == WASMTIME_F64;
  return (tn_core_number){value.kind, is_64 ? (uint64_t)value.of.i64 : (uint32_t)value.of.i32};
}

bool tn_core_global_set(tn_core_context *context, const tn_core_global *global,
                        tn_core_number number) {
  wasmtime_val_t value = {.kind = number.kind, .of.i64 = (int64_t)number.bits};
  wasmtime_error_t *error =
      wasmtime_global_set(tn_engine_context(context), (const wasmtime_global_t *)global, &value);
  if (error == NULL) return true;
  wasmtime_error_delete(error);
  return false;
}

/* ---- pages ---------------------------------------------------------------------------------------------- */

/* linux/fs.h has these from 6.7 on; the kernel that the program runs on may have them earlier than the headers
 * that it was built with. */
struct scan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t ranges;
  uint64_t range_count;
  uint64_t max_pages;
  uint64_t inverted;
  uint64_t all_of;
  uint64_t any_of;
  uint64_t returned;
};

struct scanned_range {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

#define SCAN _IOWR('f', 16, struct scan)

enum {
  PAGE_IS_FILE = 1 << 2,
  PAGE_IS_PRESENT = 1 << 3,
  PAGE_IS_SWAPPED = 1 << 4,
  PAGE_IS_ZERO = 1 << 5
};

int tn_pages_open(void) {
  int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  struct scan nothing = {
      .size = sizeof nothing, .all_of = PAGE_IS_PRESENT, .returned = PAGE_IS_PRESENT};
  if (map < 0 || ioctl(map, SCAN, &nothing) >= 0) return map;
  close(map);
  return -1;
}

/* A private mapping's page is there without being of the file or the page of zeros only once it has been
 * written. */
bool tn_pages_written(int map, const void *start, size_t size, tn_page_ranges *out) {
  struct scanned_range ranges[TN_PAGE_RANGES];
  struct scan scan = {
      .size = sizeof scan,
      .start = (uintptr_t)start,
      .end = (uintptr_t)start + size,
      .ranges = (uintptr_t)ranges,
      .range_count = TN_PAGE_RANGES,
      .inverted = PAGE_IS_FILE | PAGE_IS_ZERO,
      .all_of = PAGE_IS_FILE | PAGE_IS_ZERO,
      .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
  };
  int count;
  do {
    count = ioctl(map, SCAN, &scan);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return false;
  out->count = (uint32_t)count;
  for (int i = 0; i < count; i++)
    out->ranges[i] =
        (tn_page_range){ranges[i].start - (uintptr_t)start, ranges[i].end - (uintptr_t)start};
  out->end = scan.walk_end - (uintptr_t)start;
  return true;
}
