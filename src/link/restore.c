#include "link/restore.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/vec.h"

/* A page that is written stays with its instance, and is copied back after each use: one that has written more
 * than this is better replaced. */
enum { MAX_WRITTEN = 16 << 20, PAGE = 4096 };

/* Of all memories of the first instance, which are read from end to end while requests wait. */
enum { MAX_COPIED = 256 << 20 };

/* A component whose instances cannot be restored so many times in a row, because each enlarges its memory,
 * say, is not tried any more. */
enum { MAX_FAILURES = 16 };

/* A core instance of the plan with something that changes. */
typedef struct changing {
  uint32_t slot;
  const tn_core_module *module;
  tn_core_state state;
} changing;

/* Contents of a memory right after instantiation, and which of its pages instantiation wrote. */
typedef struct pristine_memory {
  uint8_t *bytes; /* mapped; NULL where `size` is 0 */
  size_t size;
  TN_VEC(tn_page_range) written;
} pristine_memory;

typedef struct pristine {
  tn_arena arena;
  pristine_memory *memories;
  tn_core_number *globals;
} pristine;

struct tn_restorer {
  const tn_plan *plan;
  tn_arena arena;
  TN_VEC(changing) changing;
  uint32_t memory_count;
  uint32_t global_count;
  int pages;                    /* see tn_pages_open */
  _Atomic(pristine *) pristine; /* NULL until there has been an instance */
  atomic_uint failures;         /* in a row */
};

typedef struct snapshot_memory {
  tn_core_memory memory;
  uint8_t *base;
  size_t size;
} snapshot_memory;

struct tn_snapshot {
  snapshot_memory *memories;
  tn_core_global globals[];
};

/* ---- what can change ------------------------------------------------------------------------------------ */

/* What serves core modules may keep something of its own. Adapters only ask to fail. */
static bool asks_core_host(const tn_step *step) {
  for (uint32_t i = 0; step->kind != TN_STEP_ADAPT && i < step->source_count; i++) {
    if (step->sources[i].kind == TN_SOURCE_HOST) return true;
  }
  return false;
}

static tn_error *describe(tn_restorer *restorer, const tn_step *step, const tn_core_module **out) {
  *out = step->ast;
  if (step->ast != NULL) return NULL;
  return tn_core_module_read(&restorer->arena, step->adapter, 0, out);
}

static tn_error *add_step(tn_restorer *restorer, const tn_step *step, bool *can_restore) {
  *can_restore = step->kind != TN_STEP_INSTANTIATE && step->kind != TN_STEP_ADAPT;
  if (*can_restore || asks_core_host(step)) return NULL;
  changing found = {.slot = step->slot};
  TN_TRY(describe(restorer, step, &found.module));
  TN_TRY(tn_core_module_state(&restorer->arena, found.module, &found.state));
  *can_restore = found.state.is_plain;
  if (!*can_restore || found.state.memory_count + found.state.global_count == 0) return NULL;
  changing *place = TN_VEC_PUSH(&restorer->arena, &restorer->changing);
  if (place == NULL) return tn_error_no_memory();
  *place = found;
  restorer->memory_count += found.state.memory_count;
  restorer->global_count += found.state.global_count;
  return NULL;
}

static tn_error *look_through(tn_restorer *restorer, bool *can_restore) {
  restorer->pages = tn_pages_open();
  *can_restore = restorer->pages >= 0 && sysconf(_SC_PAGESIZE) == PAGE;
  const tn_plan *plan = restorer->plan;
  for (uint32_t i = 0; *can_restore && i < plan->step_count; i++)
    TN_TRY(add_step(restorer, &plan->steps[i], can_restore));
  return NULL;
}

tn_error *tn_restorer_new(const tn_plan *plan, tn_restorer **out) {
  *out = NULL;
  tn_restorer *restorer = tn_calloc(1, sizeof *restorer);
  if (restorer == NULL) return tn_error_no_memory();
  restorer->plan = plan;
  bool can_restore;
  tn_error *error = look_through(restorer, &can_restore);
  if (error != NULL || !can_restore) {
    tn_restorer_delete(restorer);
    return error;
  }
  *out = restorer;
  return NULL;
}

static void pristine_delete(const tn_restorer *restorer, pristine *first) {
  if (first == NULL) return;
  for (uint32_t i = 0; first->memories != NULL && i < restorer->memory_count; i++) {
    if (first->memories[i].bytes != NULL) munmap(first->memories[i].bytes, first->memories[i].size);
  }
  tn_arena_free(&first->arena);
  tn_free(first);
}

void tn_restorer_delete(tn_restorer *restorer) {
  if (restorer == NULL) return;
  pristine_delete(restorer, atomic_load(&restorer->pristine));
  if (restorer->pages >= 0) close(restorer->pages);
  tn_arena_free(&restorer->arena);
  tn_free(restorer);
}

/* ---- the first instance --------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *page) {
  return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* The copy's pages of zeros take no memory. */
static bool copy_memory(const snapshot_memory *memory, pristine_memory *out) {
  if (memory->size == 0) return true;
  void *bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return false;
  out->bytes = bytes;
  out->size = memory->size;
  for (size_t i = 0; i < memory->size; i += PAGE) {
    if (!is_zero(memory->base + i)) memcpy(out->bytes + i, memory->base + i, PAGE);
  }
  return mprotect(bytes, memory->size, PROT_READ) == 0;
}

/* Takes the pages that copying has read, and nobody has written, out of the page table again: looking for
 * those that have been written takes time for each page that is there. Their contents stay what they were
 * mapped as. */
static void forget_read_pages(const snapshot_memory *memory, const pristine_memory *copy) {
  size_t at = 0;
  for (uint32_t i = 0; i <= copy->written.len; i++) {
    size_t end = i < copy->written.len ? copy->written.items[i].start : memory->size;
    if (end > at) madvise(memory->base + at, end - at, MADV_DONTNEED);
    if (i < copy->written.len) at = copy->written.items[i].end;
  }
}

typedef bool (*range_func)(void *data, size_t start, size_t end);

/* Calls `func` with each range of pages that has been written, until it returns false. */
static bool each_written(int pages, const snapshot_memory *memory, range_func func, void *data) {
  for (size_t at = 0; at < memory->size;) {
    tn_page_ranges found;
    if (!tn_pages_written(pages, memory->base + at, memory->size - at, &found)) return false;
    for (uint32_t i = 0; i < found.count; i++) {
      if (!func(data, at + found.ranges[i].start, at + found.ranges[i].end)) return false;
    }
    if (found.end == 0) return false;
    at += found.end;
  }
  return true;
}

typedef struct noting {
  tn_arena *arena;
  pristine_memory *memory;
} noting;

static bool note_range(void *data, size_t start, size_t end) {
  const noting *to = data;
  tn_page_range *place = TN_VEC_PUSH(to->arena, &to->memory->written);
  if (place == NULL) return false;
  *place = (tn_page_range){start, end};
  return true;
}

static bool fill(const tn_restorer *restorer, const tn_runtime *runtime,
                 const tn_snapshot *snapshot, pristine *first) {
  first->memories = TN_ARENA_ARRAY(&first->arena, pristine_memory, restorer->memory_count);
  first->globals = TN_ARENA_ARRAY(&first->arena, tn_core_number, restorer->global_count);
  if (first->memories == NULL || first->globals == NULL) return false;
  for (uint32_t i = 0; i < restorer->memory_count; i++) {
    noting to = {&first->arena, &first->memories[i]};
    if (!each_written(restorer->pages, &snapshot->memories[i], note_range, &to)) return false;
    if (!copy_memory(&snapshot->memories[i], &first->memories[i])) return false;
    forget_read_pages(&snapshot->memories[i], &first->memories[i]);
  }
  for (uint32_t i = 0; i < restorer->global_count; i++)
    first->globals[i] = tn_core_global_get(runtime->context, &snapshot->globals[i]);
  return true;
}

/* NULL when it cannot be had now. */
static const pristine *make_pristine(tn_restorer *restorer, const tn_runtime *runtime,
                                     const tn_snapshot *snapshot) {
  pristine *first = tn_calloc(1, sizeof *first);
  if (first == NULL) return NULL;
  if (!fill(restorer, runtime, snapshot, first)) {
    pristine_delete(restorer, first);
    return NULL;
  }
  pristine *other = NULL;
  if (atomic_compare_exchange_strong(&restorer->pristine, &other, first)) return first;
  pristine_delete(restorer, first); /* another thread was faster */
  return other;
}

/* ---- later ones ----------------------------------------------------------------------------------------- */

typedef struct comparison {
  const snapshot_memory *memory;
  const pristine_memory *first;
} comparison;

static bool is_same_range(void *data, size_t start, size_t end) {
  const comparison *c = data;
  return memcmp(c->memory->base + start, c->first->bytes + start, end - start) == 0;
}

/* Pages that neither instance has written are those of the module. */
static bool is_same_memory(const tn_restorer *restorer, const snapshot_memory *memory,
                           const pristine_memory *first) {
  comparison c = {memory, first};
  if (memory->size != first->size) return false;
  for (uint32_t i = 0; i < first->written.len; i++) {
    if (!is_same_range(&c, first->written.items[i].start, first->written.items[i].end))
      return false;
  }
  return each_written(restorer->pages, memory, is_same_range, &c);
}

static bool is_same(const tn_restorer *restorer, const tn_runtime *runtime,
                    const tn_snapshot *snapshot, const pristine *first) {
  for (uint32_t i = 0; i < restorer->memory_count; i++) {
    if (!is_same_memory(restorer, &snapshot->memories[i], &first->memories[i])) return false;
  }
  for (uint32_t i = 0; i < restorer->global_count; i++) {
    tn_core_number number = tn_core_global_get(runtime->context, &snapshot->globals[i]);
    if (number.kind != first->globals[i].kind || number.bits != first->globals[i].bits)
      return false;
  }
  return true;
}

/* Whether the host knows nothing of the instance yet. */
static bool is_unknown_to_host(const tn_runtime *runtime) {
  if (runtime->has_called_host) return false;
  for (uint32_t i = 0; i < runtime->instance_count; i++) {
    const tn_component_instance *instance = &runtime->instances[i];
    if (!tn_handle_table_is_untouched(&instance->handles) || instance->backpressure != 0)
      return false;
    if (!instance->flags->may_enter || !instance->flags->may_leave) return false;
  }
  return true;
}

/* ---- where it all is ------------------------------------------------------------------------------------ */

static uint32_t count_imports(const tn_core_module *module, tn_core_extern_kind kind) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < module->import_count; i++)
    count += module->imports[i].type.kind == kind;
  return count;
}

static bool is_same_memory_part(const tn_core_memory *a, tn_core_memory b) {
  return a->store == b.store && a->a == b.a && a->b == b.b;
}

static bool is_same_global_part(const tn_core_global *a, tn_core_global b) {
  return a->store == b.store && a->a == b.a && a->b == b.b && a->c == b.c;
}

/* Whether what is found by counting is what the engine finds by this name. */
static bool is_counted_as_named(const tn_runtime *runtime, const tn_core_instance *instance,
                                const tn_core_module *module, const tn_core_export *export_) {
  tn_core_extern_kind kind = export_->type.kind;
  uint32_t imported = count_imports(module, kind);
  if ((kind != TN_CORE_EXTERN_MEMORY && kind != TN_CORE_EXTERN_GLOBAL) || export_->index < imported)
    return true;
  uint32_t own = export_->index - imported;
  tn_core_extern named;
  if (!tn_core_instance_export(runtime->context, instance, export_->name, &named)) return false;
  return kind == TN_CORE_EXTERN_MEMORY
             ? is_same_memory_part(&named.memory, tn_core_instance_memory(instance, own))
             : is_same_global_part(&named.global, tn_core_instance_global(instance, own));
}

static bool are_counted_as_named(const tn_restorer *restorer, const tn_runtime *runtime,
                                 const tn_core_instance *core_instances) {
  for (uint32_t i = 0; i < restorer->changing.len; i++) {
    const changing *which = &restorer->changing.items[i];
    for (uint32_t j = 0; j < which->module->export_count; j++) {
      if (!is_counted_as_named(runtime, &core_instances[which->slot], which->module,
                               &which->module->exports[j]))
        return false;
    }
  }
  return true;
}

static tn_snapshot *snapshot_new(const tn_restorer *restorer) {
  size_t globals = restorer->global_count * sizeof(tn_core_global);
  size_t memories = restorer->memory_count * sizeof(snapshot_memory);
  tn_snapshot *snapshot = tn_calloc(1, sizeof *snapshot + globals + memories);
  if (snapshot != NULL)
    snapshot->memories = (snapshot_memory *)((char *)snapshot->globals + globals);
  return snapshot;
}

static void find_memories(const tn_runtime *runtime, const tn_core_instance *instance,
                          uint32_t count, snapshot_memory *out) {
  for (uint32_t i = 0; i < count; i++) {
    out[i].memory = tn_core_instance_memory(instance, i);
    out[i].base = tn_core_memory_base(runtime->context, &out[i].memory);
    out[i].size = tn_core_memory_size(runtime->context, &out[i].memory);
  }
}

static bool are_too_large(const tn_restorer *restorer, const tn_snapshot *snapshot) {
  size_t left = MAX_COPIED;
  for (uint32_t i = 0; i < restorer->memory_count; i++) {
    if (snapshot->memories[i].size > left) return true;
    left -= snapshot->memories[i].size;
  }
  return false;
}

/* An adapter that could not be made is not there. */
static bool find_all(const tn_restorer *restorer, const tn_runtime *runtime,
                     const tn_core_instance *core_instances, tn_snapshot *snapshot) {
  snapshot_memory *memories = snapshot->memories;
  tn_core_global *globals = snapshot->globals;
  for (uint32_t i = 0; i < restorer->changing.len; i++) {
    const changing *which = &restorer->changing.items[i];
    const tn_core_instance *instance = &core_instances[which->slot];
    if (instance->store == 0) return false;
    find_memories(runtime, instance, which->state.memory_count, memories);
    for (uint32_t j = 0; j < which->state.global_count; j++)
      globals[j] = tn_core_instance_global(instance, which->state.globals[j]);
    memories += which->state.memory_count;
    globals += which->state.global_count;
  }
  return !are_too_large(restorer, snapshot);
}

bool tn_snapshot_take(tn_restorer *restorer, const tn_runtime *runtime,
                      const tn_core_instance *core_instances, tn_snapshot **snapshot) {
  if (atomic_load_explicit(&restorer->failures, memory_order_relaxed) >= MAX_FAILURES) return false;
  if (!is_unknown_to_host(runtime)) return false;
  if (*snapshot == NULL) *snapshot = snapshot_new(restorer);
  if (*snapshot == NULL || !find_all(restorer, runtime, core_instances, *snapshot)) return false;
  const pristine *first = atomic_load_explicit(&restorer->pristine, memory_order_acquire);
  if (first == NULL && are_counted_as_named(restorer, runtime, core_instances))
    first = make_pristine(restorer, runtime, *snapshot);
  return first != NULL && is_same(restorer, runtime, *snapshot, first);
}

/* ---- restoring ------------------------------------------------------------------------------------------ */

typedef struct copying {
  uint8_t *to;
  const uint8_t *from;
  size_t left; /* how much more may be copied */
} copying;

static bool copy_range(void *data, size_t start, size_t end) {
  copying *c = data;
  if (end - start > c->left) return false;
  c->left -= end - start;
  memcpy(c->to + start, c->from + start, end - start);
  return true;
}

static bool restore_memories(const tn_restorer *restorer, const tn_runtime *runtime,
                             const tn_snapshot *snapshot, const pristine *first) {
  copying c = {.left = MAX_WRITTEN};
  for (uint32_t i = 0; i < restorer->memory_count; i++) {
    const snapshot_memory *memory = &snapshot->memories[i];
    if (tn_core_memory_size(runtime->context, &memory->memory) != memory->size) return false;
    if (tn_core_memory_base(runtime->context, &memory->memory) != memory->base) return false;
    c.to = memory->base;
    c.from = first->memories[i].bytes;
    if (!each_written(restorer->pages, memory, copy_range, &c)) return false;
  }
  return true;
}

static bool restore(const tn_restorer *restorer, const tn_runtime *runtime,
                    const tn_snapshot *snapshot) {
  const pristine *first = atomic_load_explicit(&restorer->pristine, memory_order_acquire);
  if (!restore_memories(restorer, runtime, snapshot, first)) return false;
  for (uint32_t i = 0; i < restorer->global_count; i++) {
    if (!tn_core_global_set(runtime->context, &snapshot->globals[i], first->globals[i]))
      return false;
  }
  return true;
}

bool tn_snapshot_restore(tn_restorer *restorer, const tn_runtime *runtime,
                         const tn_snapshot *snapshot) {
  bool is_done = restore(restorer, runtime, snapshot);
  if (!is_done) {
    atomic_fetch_add_explicit(&restorer->failures, 1, memory_order_relaxed);
  } else if (atomic_load_explicit(&restorer->failures, memory_order_relaxed) != 0) {
    atomic_store_explicit(&restorer->failures, 0, memory_order_relaxed);
  }
  return is_done;
}
