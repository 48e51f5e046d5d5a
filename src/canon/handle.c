#include "canon/handle.h"

#include "base/alloc.h"
#include "base/error.h"
#include "canon/transfer.h"

/* CanonicalABI.md#table-state: Table.MAX_LENGTH. */
static const uint32_t TABLE_LIMIT = ((uint32_t)1 << 28) - 1;

enum {
  FIRST_CAP = 16,
  KEPT_CAP = 1024, /* a table that one unusual guest has needed is not kept for the next */
};

static tn_error *grow(tn_handle_table *table) {
  uint32_t wanted = table->cap == 0 ? FIRST_CAP : table->cap * 2;
  tn_handle *entries = tn_realloc(table->entries, wanted * sizeof *entries);
  if (entries == NULL) return tn_error_no_memory();
  table->entries = entries;
  table->cap = wanted;
  if (table->len == 0) {
    entries[0] = (tn_handle){.kind = TN_HANDLE_FREE};
    table->len = 1;
  }
  return NULL;
}

tn_error *tn_handle_limit_error(uint32_t max) {
  tn_error *error = tn_error_new(TN_ERROR_LIMIT, "the guest holds more than %u handles", max);
  tn_error_set_limit(error, TN_LIMIT_HANDLES, (uint64_t)max + 1, max);
  return tn_error_set_hint(error, "raise `max_handles`");
}

static tn_error *append(tn_handle_table *table, uint32_t max, tn_handle handle, uint32_t *index) {
  if (max > TABLE_LIMIT) max = TABLE_LIMIT;
  if (table->len > max) return tn_handle_limit_error(max);
  if (table->len == table->cap) TN_TRY(grow(table));
  *index = table->len++;
  table->entries[*index] = handle;
  return NULL;
}

tn_error *tn_handle_add(tn_handle_table *table, uint32_t max, tn_handle handle, uint32_t *index) {
  if (table->free == 0) return append(table, max, handle, index);
  tn_handle *entry = &table->entries[table->free];
  *index = table->free;
  table->free = entry->representation;
  *entry = handle;
  return NULL;
}

/* What the table would grow by. */
static tn_error *count_growth(tn_kept *kept, const tn_handle_table *table) {
  if (kept == NULL || table->len < table->cap) return NULL;
  uint64_t more = table->cap == 0 ? FIRST_CAP : table->cap;
  return tn_kept_take(kept, more * sizeof *table->entries);
}

tn_error *tn_runtime_add_handle(tn_runtime *runtime, tn_handle_table *table, tn_handle handle,
                                uint32_t *index) {
  if (table->free == 0 && table->len <= runtime->max_handles)
    TN_TRY(count_growth(runtime->kept, table));
  return tn_handle_add(table, runtime->max_handles, handle, index);
}

tn_error *tn_handle_get_any(tn_handle_table *table, uint32_t index, tn_handle **out) {
  if (index >= table->len || table->entries[index].kind == TN_HANDLE_FREE) {
    return tn_trap("unknown handle index %u", index);
  }
  tn_handle *handle = &table->entries[index];
  if (handle->kind != TN_HANDLE_RESOURCE) {
    return tn_trap("handle index %u used with the wrong type, expected a resource", index);
  }
  *out = handle;
  return NULL;
}

tn_error *tn_handle_get(tn_handle_table *table, uint32_t index, const tn_resource *resource,
                        tn_handle **out) {
  TN_TRY(tn_handle_get_any(table, index, out));
  const tn_resource *found = (*out)->resource;
  if (found == resource) return NULL;
  return tn_trap(
      "handle index %u used with the wrong type, expected %s resource but found a %s%s resource",
      index, resource->is_host ? "host-defined" : "guest-defined",
      resource->is_host == found->is_host ? "different " : "",
      found->is_host ? "host-defined" : "guest-defined");
}

void tn_handle_remove(tn_handle_table *table, uint32_t index) {
  table->entries[index] = (tn_handle){.kind = TN_HANDLE_FREE, .representation = table->free};
  table->free = index;
}

void tn_handle_table_clear(tn_handle_table *table) {
  if (table->cap > KEPT_CAP) tn_handle_table_free(table);
  table->len = table->cap > 0 ? 1 : 0;
  table->free = 0;
}

void tn_handle_table_free(tn_handle_table *table) {
  tn_free(table->entries);
  *table = (tn_handle_table){0};
}

/* ---- lends -------------------------------------------------------------------------------------- */

bool tn_lends_add(tn_lends *lends, uint32_t index) {
  enum { FEW = sizeof lends->few / sizeof *lends->few };
  if (lends->count < FEW && lends->capacity == 0) {
    lends->few[lends->count++] = index;
    return true;
  }
  if (lends->count >= lends->capacity) {
    if (lends->count > UINT32_MAX / 8) return false;
    uint32_t wanted = lends->count * 2;
    uint32_t *grown = tn_realloc(lends->more, wanted * sizeof *grown);
    if (grown == NULL) return false;
    if (lends->capacity == 0) memcpy(grown, lends->few, sizeof lends->few);
    lends->more = grown;
    lends->capacity = wanted;
  }
  lends->more[lends->count++] = index;
  return true;
}

void tn_lends_release_all(tn_lends *lends, tn_handle_table *table) {
  const uint32_t *indices = lends->capacity == 0 ? lends->few : lends->more;
  for (uint32_t i = 0; i < lends->count; i++) {
    if (indices[i] < table->len) table->entries[indices[i]].lends--;
  }
  if (lends->capacity > 0) tn_free(lends->more);
  tn_lends_init(lends);
}

/* ---- transfer of handles ------------------------------------------------------------------------ */

/* CanonicalABI.md#loading, lift_own */
static tn_error *lift_own(tn_transfer *t, const tn_op *op, uint32_t index,
                          uint32_t *representation) {
  tn_handle_table *table = &t->source->instance->handles;
  tn_handle *handle;
  TN_TRY(tn_handle_get(table, index, op->resource, &handle));
  if (handle->lends != 0) return tn_trap("cannot remove owned resource while borrowed");
  if (!handle->is_own) return tn_trap("cannot lift own resource from a borrow");
  *representation = handle->representation;
  tn_handle_remove(table, index);
  return NULL;
}

tn_error *tn_transfer_own(tn_transfer *t, const tn_op *op, uint32_t value, uint32_t *out) {
  uint32_t representation = value;
  if (!(op->raw & TN_HANDLE_LIFT_RAW)) TN_TRY(lift_own(t, op, value, &representation));
  if (op->raw & TN_HANDLE_LOWER_RAW) {
    *out = representation;
    return NULL;
  }
  tn_handle handle = {.resource = op->resource,
                      .representation = representation,
                      .kind = TN_HANDLE_RESOURCE,
                      .is_own = true};
  return tn_runtime_add_handle(t->runtime, &t->destination->instance->handles, handle, out);
}

/* CanonicalABI.md#storing, lower_borrow */
static tn_error *lower_borrow(tn_transfer *t, const tn_op *op, uint32_t representation,
                              uint32_t *out) {
  tn_handle handle = {.resource = op->resource,
                      .scope = t->task,
                      .representation = representation,
                      .kind = TN_HANDLE_RESOURCE};
  TN_TRY(tn_runtime_add_handle(t->runtime, &t->destination->instance->handles, handle, out));
  t->task->borrow_count++;
  if (t->temporaries != NULL && !tn_lends_add(t->temporaries, *out)) {
    tn_handle_remove(&t->destination->instance->handles, *out);
    return tn_error_no_memory();
  }
  return NULL;
}

tn_error *tn_transfer_borrow(tn_transfer *t, const tn_op *op, uint32_t value, uint32_t *out) {
  uint32_t representation = value;
  if (!(op->raw & TN_HANDLE_LIFT_RAW)) {
    tn_handle_table *table = &t->source->instance->handles;
    tn_handle *handle = tn_handle_find(table, value, op->resource);
    if (handle == NULL) TN_TRY(tn_handle_get(table, value, op->resource, &handle));
    if (!tn_lends_add(t->lends, value)) return tn_error_no_memory();
    handle->lends++;
    representation = handle->representation;
  }
  if (op->raw & TN_HANDLE_LOWER_RAW) {
    *out = representation;
    return NULL;
  }
  return lower_borrow(t, op, representation, out);
}
