/* Handle tables: indices that a guest holds, each standing for a resource (later also for waitables).
 * CanonicalABI.md#table-state, #resource-state */
#ifndef TN_CANON_HANDLE_H
#define TN_CANON_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "component/type.h"
#include "tenon.h"

typedef enum tn_handle_kind {
  TN_HANDLE_FREE,
  TN_HANDLE_RESOURCE,
  TN_HANDLE_WAITABLE_SET,
  TN_HANDLE_SUBTASK,
  TN_HANDLE_STREAM_END,
  TN_HANDLE_FUTURE_END,
  TN_HANDLE_ERROR_CONTEXT,
} tn_handle_kind;

typedef struct tn_task tn_task;

/* Invariant: kind FREE entries form a list through `representation` (0 ends it), newest first, as the
 * specification's table reuses indices. */
typedef struct tn_handle {
  const tn_resource *resource;
  tn_task *scope;          /* a borrow's task; NULL for own */
  uint32_t representation; /* or the next free index */
  uint32_t lends;          /* times it is lent out in calls that have not returned */
  uint8_t kind;            /* tn_handle_kind */
  bool is_own;
} tn_handle;

/* entries[0] is never used: its kind is FREE, but it is not on the free list. Zeroed: empty. */
typedef struct tn_handle_table {
  tn_handle *entries;
  uint32_t len; /* entries in use or on the free list, entry 0 included */
  uint32_t cap;
  uint32_t free; /* head of the free list; 0: none */
} tn_handle_table;

struct tn_runtime;

/* The guest has `max` handles already and asks for one more. */
tn_error *tn_handle_limit_error(uint32_t max);
/* Adds; TN_ERROR_LIMIT when the table has `max` live entries. */
tn_error *tn_handle_add(tn_handle_table *table, uint32_t max, tn_handle handle, uint32_t *index);
/* As tn_handle_add by the limits of the runtime, which counts the table's memory. */
tn_error *tn_runtime_add_handle(struct tn_runtime *runtime, tn_handle_table *table,
                                tn_handle handle, uint32_t *index);
/* The live resource handle at `index` of type `resource`, or NULL when there is none. */
static inline tn_handle *tn_handle_find(const tn_handle_table *table, uint32_t index,
                                        const tn_resource *resource) {
  if (index >= table->len) return NULL;
  tn_handle *handle = &table->entries[index];
  return handle->kind == TN_HANDLE_RESOURCE && handle->resource == resource ? handle : NULL;
}
/* As tn_handle_find; an error (trap) names what is wrong. */
tn_error *tn_handle_get(tn_handle_table *table, uint32_t index, const tn_resource *resource,
                        tn_handle **out);
/* As tn_handle_get for any resource type. */
tn_error *tn_handle_get_any(tn_handle_table *table, uint32_t index, tn_handle **out);
/* `index` must be live. */
void tn_handle_remove(tn_handle_table *table, uint32_t index);
/* Whether no handle has been added since it was made or cleared. */
static inline bool tn_handle_table_is_untouched(const tn_handle_table *table) {
  return table->len <= 1 && table->free == 0;
}
/* Forgets all handles, but keeps the memory, unless it is much. */
void tn_handle_table_clear(tn_handle_table *table);
void tn_handle_table_free(tn_handle_table *table);

#endif
