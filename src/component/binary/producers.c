#include "component/binary/producers.h"

#include "base/error.h"
#include "base/wasm_bytes.h"
#include "tenon.h"

tn_error *tn_producers_set(tn_arena *arena, tn_producers *producers, const tn_producer *producer) {
  for (uint32_t i = 0; i < producers->items.len; i++) {
    tn_producer *there = &producers->items.items[i];
    bool is_it =
        tn_str_equal(there->field, producer->field) && tn_str_equal(there->name, producer->name);
    if (!is_it) continue;
    there->version = producer->version;
    return NULL;
  }
  tn_producer *added = TN_VEC_PUSH(arena, &producers->items);
  if (added == NULL) return tn_error_no_memory();
  *added = *producer;
  return NULL;
}

tn_error *tn_producers_merge(tn_arena *arena, tn_producers *producers, const tn_producers *more) {
  for (uint32_t i = 0; i < more->items.len; i++)
    TN_TRY(tn_producers_set(arena, producers, &more->items.items[i]));
  return NULL;
}

tn_error *tn_producers_set_own(tn_arena *arena, tn_producers *producers) {
  static const tn_producer own = {TN_STR("processed-by"), TN_STR("tenon"),
                                  TN_STR(TN_VERSION_STRING)};
  return tn_producers_set(arena, producers, &own);
}

/* Whether no entry before the n-th has its field. */
static bool is_first_of_field(const tn_producers *producers, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (tn_str_equal(producers->items.items[i].field, producers->items.items[n].field))
      return false;
  }
  return true;
}

static void write_field(tn_buffer *out, const tn_producers *producers, tn_str field) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < producers->items.len; i++)
    count += tn_str_equal(producers->items.items[i].field, field);
  tn_wasm_bytes(out, field);
  tn_wasm_u32(out, count);
  for (uint32_t i = 0; i < producers->items.len; i++) {
    const tn_producer *producer = &producers->items.items[i];
    if (!tn_str_equal(producer->field, field)) continue;
    tn_wasm_bytes(out, producer->name);
    tn_wasm_bytes(out, producer->version);
  }
}

void tn_producers_write(tn_buffer *out, const tn_producers *producers) {
  uint32_t fields = 0;
  for (uint32_t i = 0; i < producers->items.len; i++)
    fields += is_first_of_field(producers, i);
  tn_wasm_u32(out, fields);
  for (uint32_t i = 0; i < producers->items.len; i++) {
    if (is_first_of_field(producers, i))
      write_field(out, producers, producers->items.items[i].field);
  }
}

tn_error *tn_producers_own(tn_arena *arena, tn_str *out) {
  tn_producers producers = {0};
  tn_buffer bytes = {0};
  TN_TRY(tn_producers_set_own(arena, &producers));
  tn_producers_write(&bytes, &producers);
  *out = bytes.failed ? (tn_str){NULL, 0} : tn_arena_copy(arena, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}
