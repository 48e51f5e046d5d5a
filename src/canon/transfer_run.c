/* The interpreter of transfer programs. */
#include "base/alloc.h"
#include "base/utf.h"
#include "canon/transfer.h"

#define COLD __attribute__((noinline, cold))

static inline uint8_t *at(uintptr_t base, uint64_t offset) {
  return (uint8_t *)(base + (uintptr_t)offset);
}

/* A copy that is most often short: a string, a small list. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t size) {
  if (size >= 8 && size <= 32) {
    uint64_t head[2], tail[2];
    if (size < 16) {
      memcpy(head, from, 8);
      memcpy(tail, from + size - 8, 8);
      memcpy(to, head, 8);
      memcpy(to + size - 8, tail, 8);
      return;
    }
    memcpy(head, from, 16);
    memcpy(tail, from + size - 16, 16);
    memcpy(to, head, 16);
    memcpy(to + size - 16, tail, 16);
    return;
  }
  if (size > 0) memcpy(to, from, size);
}

/* ---- memory ------------------------------------------------------------------------------------- */

/* What is known of the memory in `slot`; NULL when there is no memory to keep it. */
static tn_memory_view *memory_view(tn_runtime *runtime, uint32_t slot) {
  if (slot < runtime->memory_view_count) return &runtime->memory_views[slot];
  uint32_t wanted = slot + 8;
  tn_memory_view *grown = tn_realloc(runtime->memory_views, wanted * sizeof *grown);
  if (grown == NULL) return NULL;
  memset(grown + runtime->memory_view_count, 0,
         (wanted - runtime->memory_view_count) * sizeof *grown);
  runtime->memory_views = grown;
  runtime->memory_view_count = wanted;
  return &grown[slot];
}

/* Asks the engine, and remembers the answer for a memory that never moves. */
static COLD uint8_t *find_base_now(const tn_transfer *t, uint32_t slot) {
  const tn_core_memory *memory = &t->runtime->memories[slot];
  uint8_t *base = tn_core_memory_base(t->context, memory);
  tn_memory_view *view = memory_view(t->runtime, slot);
  if (view == NULL || view->can_move) return base;
  if (!view->is_fixed) view->is_fixed = tn_core_memory_is_fixed(t->context, memory);
  view->can_move = !view->is_fixed;
  if (view->is_fixed) view->base = base;
  return base;
}

static inline void find_base(const tn_transfer *t, tn_end *end) {
  uint32_t slot = (uint32_t)end->options->memory;
  uint8_t *base = slot < t->runtime->memory_view_count ? t->runtime->memory_views[slot].base : NULL;
  end->base = (uintptr_t)(base != NULL ? base : find_base_now(t, slot));
}

void tn_end_expect(const tn_transfer *t, tn_end *end) {
  uint32_t slot = (uint32_t)end->options->memory;
  end->base = 0;
  end->size = slot < t->runtime->memory_view_count ? t->runtime->memory_views[slot].size : 0;
}

COLD bool tn_end_contains_now(const tn_transfer *t, tn_end *end, uint64_t offset, uint64_t size) {
  if (end->options == NULL) return false;
  uint32_t slot = (uint32_t)end->options->memory;
  end->size = tn_core_memory_size(t->context, &t->runtime->memories[slot]);
  tn_memory_view *view = memory_view(t->runtime, slot);
  if (view != NULL) view->size = end->size;
  return size <= end->size && offset <= end->size - size;
}

static COLD tn_error *bad_realloc(bool is_aligned, tn_fault beyond) {
  if (!is_aligned) return tn_fault_error(TN_FAULT_REALLOC_UNALIGNED);
  return tn_fault_error(beyond);
}

static inline tn_error *guest_realloc(tn_transfer *t, uint64_t old, uint64_t old_size,
                                      uint32_t alignment, uint64_t new_size, tn_fault beyond,
                                      uint64_t *out) {
  const tn_canon_options *options = t->destination->options;
  tn_component_instance *instance = t->destination->instance;
  tn_core_value values[4] = {
      {.u64 = old}, {.u64 = old_size}, {.u64 = alignment}, {.u64 = new_size}};
  instance->flags->may_leave = false;
  TN_TRY(tn_core_call(t->context, &t->runtime->funcs[options->realloc], values, 4));
  instance->flags->may_leave = true;
  /* A memory that grows may move. The source's cannot have grown, unless it has found a way around
   * may_leave; the price for not relying on that is one look. */
  find_base(t, t->destination);
  if (t->source->base != 0) find_base(t, t->source);
  uint64_t pointer = options->is_64 ? values[0].u64 : values[0].u32;
  bool is_aligned = (pointer & (alignment - 1)) == 0;
  if (!is_aligned || !tn_end_contains(t, t->destination, pointer, new_size))
    return bad_realloc(is_aligned, beyond);
  *out = pointer;
  return NULL;
}

tn_error *tn_guest_realloc(tn_transfer *t, uint64_t old, uint64_t old_size, uint32_t alignment,
                           uint64_t new_size, tn_fault beyond, uint64_t *out) {
  return guest_realloc(t, old, old_size, alignment, new_size, beyond, out);
}

tn_error *tn_transfer_spend(tn_transfer *t, uint64_t size) {
  if (size > t->budget) {
    return tn_error_set_hint(tn_error_new(TN_ERROR_LIMIT,
                                          "values of one call refer to more than %llu bytes",
                                          (unsigned long long)t->runtime->max_transfer_bytes),
                             "raise `max_transfer_bytes`");
  }
  t->budget -= size;
  return NULL;
}

tn_error *tn_transfer_alloc(tn_transfer *t, uint64_t size, uint32_t alignment, void **out) {
  TN_TRY(tn_transfer_spend(t, size));
  if (t->arena == NULL) {
    if (t->call->arena == NULL) t->call->arena = tn_call_arena_take(t->runtime);
    if (t->call->arena == NULL) return tn_error_no_memory();
    t->arena = &t->call->arena->arena;
  }
  if (t->call != NULL && t->call->arena != NULL)
    TN_TRY(tn_call_arena_count(t->runtime, t->call->arena, size));
  *out = tn_arena_alloc(t->arena, size, alignment);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

/* ---- where a tuple lies ------------------------------------------------------------------------- */

static tn_error *check_place(const tn_transfer *t, tn_end *end, uint64_t pointer,
                             uint32_t alignment, uint32_t size) {
  if ((pointer & (alignment - 1)) != 0) return tn_fault_error(TN_FAULT_UNALIGNED);
  if (!tn_end_contains(t, end, pointer, size)) return tn_fault_error(TN_FAULT_OUT_OF_BOUNDS);
  return NULL;
}

/* Where the tuple of a guest's source begins that `values` spill to. */
static inline tn_error *find_source(tn_transfer *t, const tn_program *program,
                                    const tn_core_value *values, uint64_t *out) {
  if (program->reads_memory) {
    tn_end_expect(t, t->source);
    find_base(t, t->source);
  }
  if (!program->source_in_memory) {
    t->source->slots = (uintptr_t)values;
    *out = 0;
    return NULL;
  }
  *out = t->source->options->is_64 ? values->u64 : values->u32;
  return check_place(t, t->source, *out, program->block.source_alignment,
                     program->block.source_stride);
}

/* Likewise for what is lowered. */
static inline tn_error *find_destination(tn_transfer *t, const tn_program *program,
                                         tn_core_value *values, const tn_core_value *room,
                                         uint64_t *out) {
  const tn_block *block = &program->block;
  if (program->writes_memory) tn_end_expect(t, t->destination);
  if (!program->destination_in_memory) {
    t->destination->slots = (uintptr_t)values;
    *out = 0;
    return NULL;
  }
  if (room == NULL) {
    TN_TRY(tn_guest_realloc(t, 0, 0, block->destination_alignment, block->destination_stride,
                            TN_FAULT_REALLOC_ARGUMENT, out));
    values->u64 = *out;
    return NULL;
  }
  find_base(t, t->destination);
  *out = t->destination->options->is_64 ? room->u64 : room->u32;
  return check_place(t, t->destination, *out, block->destination_alignment,
                     block->destination_stride);
}

tn_error *tn_lift_values(tn_transfer *t, const tn_program *program, const tn_core_value *values,
                         uint64_t destination) {
  uint64_t source = 0;
  TN_TRY(find_source(t, program, values, &source));
  return tn_program_run(t, program, source, destination);
}

tn_error *tn_lower_values(tn_transfer *t, const tn_program *program, uint64_t source,
                          tn_core_value *values, const tn_core_value *room) {
  uint64_t destination = 0;
  TN_TRY(find_destination(t, program, values, room, &destination));
  return tn_program_run(t, program, source, destination);
}

tn_error *tn_move_values(tn_transfer *t, const tn_program *program, const tn_core_value *from,
                         tn_core_value *to, const tn_core_value *room) {
  uint64_t source = 0, destination = 0;
  TN_TRY(find_source(t, program, from, &source));
  TN_TRY(find_destination(t, program, to, room, &destination));
  return tn_program_run(t, program, source, destination);
}

/* ---- strings ------------------------------------------------------------------------------------ */

/* Quick for the short and plain ones. */
static inline bool utf8_is_valid(const uint8_t *bytes, uint64_t size) {
  if (size <= 16) {
    uint64_t head = 0, tail = 0;
    if (size >= 8) {
      memcpy(&head, bytes, 8);
      memcpy(&tail, bytes + size - 8, 8);
    } else if (size >= 4) {
      memcpy(&head, bytes, 4);
      memcpy(&tail, bytes + size - 4, 4);
    } else {
      for (uint64_t i = 0; i < size; i++)
        head |= bytes[i];
    }
    if (((head | tail) & UINT64_C(0x8080808080808080)) == 0) return true;
  }
  return tn_utf8_is_valid(bytes, size);
}

static inline tn_error *check_utf8_source(tn_transfer *t, uint64_t pointer, uint64_t length) {
  if (length > TN_MAX_BYTE_LENGTH || !tn_end_contains(t, t->source, pointer, length)) {
    return tn_string_out_of_bounds(t, length);
  }
  const uint8_t *bytes = at(t->source->base, pointer);
  return utf8_is_valid(bytes, length) ? NULL : tn_utf8_check(t, bytes, length);
}

static inline tn_error *string_copy(tn_transfer *t, uint64_t pointer, uint64_t length,
                                    uint64_t *out) {
  TN_TRY(check_utf8_source(t, pointer, length));
  TN_TRY(guest_realloc(t, 0, 0, 1, length, TN_FAULT_REALLOC_STRING, out));
  copy_bytes(at(t->destination->base, *out), at(t->source->base, pointer), length);
  return NULL;
}

/* The host gets a pointer into the guest's memory, or a copy when that has to last. */
static inline tn_error *string_view(tn_transfer *t, uint64_t pointer, uint64_t length,
                                    uint64_t *out) {
  TN_TRY(check_utf8_source(t, pointer, length));
  TN_TRY(tn_transfer_spend(t, length));
  *out = (uintptr_t)at(t->source->base, pointer);
  if (!t->copies) return NULL;
  void *copy;
  TN_TRY(tn_transfer_alloc(t, length + 1, 1, &copy));
  if (length > 0) memcpy(copy, at(t->source->base, pointer), length);
  ((char *)copy)[length] = '\0';
  *out = (uintptr_t)copy;
  return NULL;
}

/* ---- lists -------------------------------------------------------------------------------------- */

static COLD tn_error *bad_list(const tn_transfer *t, bool is_aligned, uint64_t length) {
  if (t->source->options == NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT, "a list of %llu elements is too long",
                        (unsigned long long)length);
  }
  if (!is_aligned) return tn_fault_error(TN_FAULT_UNALIGNED);
  return tn_fault_error(TN_FAULT_LIST_BOUNDS);
}

/* CanonicalABI.md#loading, load_list_from_range. Strides are not 0 and below 2^28, so that a length that
 * passes the first test cannot overflow in the products that follow. */
static inline tn_error *check_list_source(const tn_transfer *t, const tn_block *e, uint64_t pointer,
                                          uint64_t length) {
  bool is_aligned = t->source->options == NULL || (pointer & (e->source_alignment - 1)) == 0;
  if (length > TN_MAX_BYTE_LENGTH || length * e->source_stride > TN_MAX_BYTE_LENGTH ||
      !is_aligned || !tn_end_contains(t, t->source, pointer, length * e->source_stride)) {
    return bad_list(t, is_aligned, length);
  }
  return NULL;
}

/* A host function's list<u8> that it has filled in place. */
static tn_error *hand_over_reserved(tn_transfer *t, uint64_t length, uint64_t *out) {
  tn_call *call = t->call;
  *out = call->reserved_offset;
  call->reserved = NULL;
  if (length == call->reserved_size) return NULL;
  return tn_guest_realloc(t, call->reserved_offset, call->reserved_size, 1, length,
                          TN_FAULT_REALLOC_LIST, out);
}

static inline bool is_reserved(const tn_transfer *t, const tn_block *e, uint64_t pointer,
                               uint64_t length) {
  return t->call != NULL && t->call->reserved != NULL && pointer == (uintptr_t)t->call->reserved &&
         e->destination_stride == 1 && length <= t->call->reserved_size;
}

/* Elements that are moved as bytes. */
static tn_error *list_bulk(tn_transfer *t, const tn_block *e, uint64_t pointer, uint64_t length,
                           uint64_t *out) {
  TN_TRY(check_list_source(t, e, pointer, length));
  uint64_t size = length * e->source_stride;
  if (t->destination->options != NULL) {
    if (is_reserved(t, e, pointer, length)) return hand_over_reserved(t, length, out);
    TN_TRY(guest_realloc(t, 0, 0, e->destination_alignment, size, TN_FAULT_REALLOC_LIST, out));
    copy_bytes(at(t->destination->base, *out), at(t->source->base, pointer), size);
    return NULL;
  }
  *out = (uintptr_t)at(t->source->base, pointer);
  if (!t->copies) return NULL;
  void *copy;
  TN_TRY(tn_transfer_alloc(t, size, e->destination_alignment, &copy));
  if (size > 0) memcpy(copy, at(t->source->base, pointer), size);
  *out = (uintptr_t)copy;
  return NULL;
}

static tn_error *list_elements(tn_transfer *t, const tn_block *e, uint64_t pointer, uint64_t length,
                               uint64_t *out) {
  TN_TRY(check_list_source(t, e, pointer, length));
  uint64_t size = length * e->destination_stride;
  if (size > UINT32_MAX) return bad_list(t, true, length);
  if (t->destination->options != NULL) {
    TN_TRY(tn_guest_realloc(t, 0, 0, e->destination_alignment, size, TN_FAULT_REALLOC_LIST, out));
  } else {
    void *elements;
    TN_TRY(tn_transfer_alloc(t, size, e->destination_alignment, &elements));
    *out = (uintptr_t)elements;
  }
  return tn_block_run(t, e, &t->source->base, pointer, &t->destination->base, *out, length);
}

/* ---- the interpreter ---------------------------------------------------------------------------- */

COLD tn_error *tn_bad_value(const tn_op *op, uint64_t value, bool is_native) {
  if (op->kind == TN_OP_CHAR) {
    if (!is_native) return tn_fault_error(TN_FAULT_CHAR);
    return tn_error_new(TN_ERROR_ARGUMENT, "0x%llx is not a Unicode scalar value",
                        (unsigned long long)value);
  }
  if (!is_native) return tn_fault_error(TN_FAULT_DISCRIMINANT);
  return tn_error_new(TN_ERROR_ARGUMENT, "%llu is not a case of the type",
                      (unsigned long long)value);
}

/* Ends the run with `expression`'s error. */
#define RUN_TRY(expression)                                                                        \
  do {                                                                                             \
    tn_error *run_error = (expression);                                                            \
    if (__builtin_expect(run_error != NULL, 0)) return run_error;                                  \
  } while (0)

tn_error *tn_block_run(tn_transfer *t, const tn_block *block, const uintptr_t *source_base,
                       uint64_t source, const uintptr_t *destination_base, uint64_t destination,
                       uint64_t count) {
  const tn_op *const end = block->ops + block->count;
  for (; count > 0;
       count--, source += block->source_stride, destination += block->destination_stride) {
    /* Valid until a call into a guest, which may move its memory: ops that can call read them again. */
    const uint8_t *from = at(*source_base, source);
    uint8_t *to = at(*destination_base, destination);
    for (const tn_op *op = block->ops; op < end; op++) {
      if (op->kind <= TN_OP_LAST_LEAF) {
        RUN_TRY(tn_leaf_run(op, from, to, t->source->options == NULL));
        continue;
      }
      switch ((tn_op_kind)op->kind) {
      case TN_OP_VARIANT: {
        uint64_t value = tn_load(from + op->source, op->read);
        if (__builtin_expect(value >= op->size, 0))
          return tn_bad_value(op, value, t->source->options == NULL);
        tn_store_bytes(to + op->destination, value, op->write);
        const tn_block *payload = op->cases[value];
        if (payload == NULL) break;
        if (count == 1 && op + 1 == end) { /* the usual result<…>: nothing to come back to */
          return tn_block_run(t, payload, source_base, source + op->source, destination_base,
                              destination + op->destination, 1);
        }
        RUN_TRY(tn_block_run(t, payload, source_base, source + op->source, destination_base,
                             destination + op->destination, 1));
        from = at(*source_base, source);
        to = at(*destination_base, destination);
        break;
      }
      case TN_OP_BLOCK:
      case TN_OP_REPEAT:
        RUN_TRY(tn_block_run(t, op->block, source_base, source + op->source, destination_base,
                             destination + op->destination,
                             op->kind == TN_OP_BLOCK ? 1 : op->size));
        from = at(*source_base, source);
        to = at(*destination_base, destination);
        break;
      case TN_OP_LIST:
      case TN_OP_LIST_BULK:
      case TN_OP_STRING_COPY:
      case TN_OP_STRING_VIEW:
      case TN_OP_STRING: {
        uint64_t pointer = tn_load(from + op->source, op->read);
        uint64_t length = tn_load(from + op->source + op->read_step, op->read);
        uint64_t out = 0;
        tn_error *error;
        switch ((tn_op_kind)op->kind) {
        case TN_OP_STRING_COPY:
          error = string_copy(t, pointer, length, &out);
          break;
        case TN_OP_STRING_VIEW:
          error = string_view(t, pointer, length, &out);
          break;
        case TN_OP_LIST_BULK:
          error = list_bulk(t, op->block, pointer, length, &out);
          break;
        case TN_OP_LIST:
          error = list_elements(t, op->block, pointer, length, &out);
          break;
        default:
          error = tn_string_transfer(t, pointer, length, &out, &length);
          break;
        }
        RUN_TRY(error);
        from = at(*source_base, source);
        to = at(*destination_base, destination);
        tn_store_bytes(to + op->destination, out, op->write);
        tn_store_bytes(to + op->destination + op->write_step, length, op->write);
        break;
      }
      case TN_OP_OWN:
      case TN_OP_BORROW: {
        uint32_t value = (uint32_t)tn_load(from + op->source, 4);
        uint32_t out = 0;
        RUN_TRY(op->kind == TN_OP_OWN ? tn_transfer_own(t, op, value, &out)
                                      : tn_transfer_borrow(t, op, value, &out));
        tn_store_bytes(to + op->destination, out, op->write);
        break;
      }
      default:
        __builtin_unreachable(); /* leaves: above */
      }
    }
  }
  return NULL;
}
