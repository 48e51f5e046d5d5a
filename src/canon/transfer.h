/* The transfer engine: moves values of one type from one end of a call to the other in one pass. Internal
 * to src/canon/.
 *
 * A program is made once, at link time, from a type and the shapes of the two ends. It is a tree of blocks;
 * a block is a straight array of ops, each reading at an offset of the source and writing at an offset of
 * the destination. What makes one interpreter serve all cases:
 *
 *   - Flat core values are memory too: an array of 16-byte slots whose low bytes hold the value. A read of
 *     the n low bytes of a slot is exactly what lift_flat prescribes, coercions of joined variant payloads
 *     (f32 in an i64 slot …) and wrapping included. A write to a slot stores 8 bytes, zero-extended after
 *     sign extension of s8 and s16 to 32 bits, which is what lower_flat and its coercions prescribe.
 *   - The host's native form is a memory with 64-bit pointers that is based at address 0 and ends at 2^64,
 *     so that a pointer is its own offset.
 *
 * CanonicalABI.md#loading, #storing, #flat-lifting, #flat-lowering */
#ifndef TN_CANON_TRANSFER_H
#define TN_CANON_TRANSFER_H

#include "base/error.h"
#include "base/utf.h"
#include "canon/canon.h"
#include "canon/fault.h"

/* ---- programs ---------------------------------------------------------------------------------- */

typedef enum tn_op_kind {
  /* Copy 1, 2, 4, 8, 16 or `size` bytes, memory or slot to memory. */
  TN_OP_COPY1,
  TN_OP_COPY2,
  TN_OP_COPY4,
  TN_OP_COPY8,
  TN_OP_COPY16,
  TN_OP_COPY,
  /* To a slot, extended. */
  TN_OP_SLOT_U8,
  TN_OP_SLOT_S8,
  TN_OP_SLOT_U16,
  TN_OP_SLOT_S16,
  TN_OP_SLOT_U32,
  TN_OP_SLOT_U64,
  TN_OP_ZERO,  /* `size` bytes of the destination: slots that the active case does not use */
  TN_OP_BOOL,  /* any non-zero value becomes 1 */
  TN_OP_FLAGS, /* bits outside the mask `size` are dropped */
  TN_OP_CHAR,
  TN_OP_ENUM,                   /* `size`: number of cases */
  TN_OP_LAST_LEAF = TN_OP_ENUM, /* up to here an op needs nothing but its two places */
  TN_OP_VARIANT,                /* likewise; cases[i] NULL: nothing to do for case i */
  TN_OP_BLOCK,                  /* runs `block` once, at the op's offsets */
  TN_OP_REPEAT, /* runs `block` on `size` consecutive elements: a fixed-length list */
  TN_OP_LIST,
  TN_OP_LIST_BULK,   /* elements that are copied as bytes */
  TN_OP_STRING_COPY, /* UTF-8 to a guest's UTF-8 */
  TN_OP_STRING_VIEW, /* a guest's UTF-8 to the host */
  TN_OP_STRING,      /* any other pair of encodings */
  TN_OP_OWN,
  TN_OP_BORROW,
} tn_op_kind;

/* On which side a handle op leaves the table alone and moves the representation itself. */
enum { TN_HANDLE_LIFT_RAW = 1, TN_HANDLE_LOWER_RAW = 2 };

typedef struct tn_block tn_block;

typedef struct tn_op {
  uint8_t kind;
  /* bytes to read: of a discriminant, bool, flags, or of one half of a pointer/length pair */
  uint8_t read;
  uint8_t write;      /* bytes to write, likewise; 8 in a slot */
  uint8_t raw;        /* handle ops: TN_HANDLE_*_RAW */
  uint8_t read_step;  /* pairs: distance of the second half at the source */
  uint8_t write_step; /* likewise at the destination */
  uint32_t source;
  uint32_t destination;
  uint32_t size;
  union {
    const tn_block *block;
    const tn_block *const *cases;
    const tn_resource *resource;
  };
} tn_op;

/* A program for one type at one form (memory or slots) of each end. Strides and alignments are those of
 * the type in memory; meaningless for a form in slots. */
struct tn_block {
  const tn_op *ops;
  uint32_t count;
  uint32_t source_stride;
  uint32_t destination_stride;
  uint32_t source_alignment;
  uint32_t destination_alignment;
  bool is_bulk; /* one copy of the whole element, same stride on both sides */
};

typedef struct tn_program {
  tn_block block;
  bool source_in_memory; /* else in slots; the host is always in memory */
  bool destination_in_memory;
  bool reads_memory;  /* touches the source guest's memory */
  bool writes_memory; /* touches the destination guest's memory */
  bool lifts_borrow;  /* may lend */
  bool is_simple;     /* leaves only, and no guest's memory: see tn_simple_run */
} tn_program;

/* Makes the program for `type`. `source` and `destination` are NULL for the host. `max_flat` is the number
 * of core values beyond which a guest's end is in memory. The program lives in `arena`.
 * Errors: UNSUPPORTED (streams, futures, error contexts), INVALID (memory or realloc missing). */
tn_error *tn_program_compile(tn_arena *arena, const tn_type *type, uint32_t max_flat,
                             const tn_canon_options *source, const tn_canon_options *destination,
                             tn_program *out);
/* The same where the ends differ in how many core values they take: those of an async call. */
tn_error *tn_program_compile_between(tn_arena *arena, const tn_type *type, uint32_t max_source,
                                     const tn_canon_options *source, uint32_t max_destination,
                                     const tn_canon_options *destination, tn_program *out);

/* CanonicalABI.md#flattening: how many core values the parameters of a lowered function may be, and its result. */
static inline uint32_t tn_max_lowered_params(const tn_canon_options *options) {
  return options->is_async ? TN_MAX_FLAT_ASYNC_PARAMS : TN_MAX_FLAT_PARAMS;
}
static inline uint32_t tn_max_lowered_results(const tn_canon_options *options) {
  return options->is_async ? 0 : TN_MAX_FLAT_RESULTS;
}
/* The result of a lifted function is what it returns, or the parameters of task.return. */
static inline uint32_t tn_max_lifted_results(const tn_canon_options *options) {
  return options->is_async ? TN_MAX_FLAT_PARAMS : TN_MAX_FLAT_RESULTS;
}

/* ---- leaves ------------------------------------------------------------------------------------- */

/* Reads and writes of 1, 2, 4 or 8 bytes; the places need not be aligned for C. */
static inline uint64_t tn_load(const uint8_t *from, unsigned size) {
  uint64_t value = 0;
  switch (size) {
  case 1:
    return *from;
  case 2:
    memcpy(&value, from, 2);
    return value;
  case 4:
    memcpy(&value, from, 4);
    return value;
  default:
    memcpy(&value, from, 8);
    return value;
  }
}

static inline void tn_store_bytes(uint8_t *to, uint64_t value, unsigned size) {
  switch (size) {
  case 1:
    *to = (uint8_t)value;
    return;
  case 2:
    memcpy(to, &value, 2);
    return;
  case 4:
    memcpy(to, &value, 4);
    return;
  default:
    memcpy(to, &value, 8);
    return;
  }
}

/* The error for a value that its type does not have; `is_native`: it came from the host. */
tn_error *tn_bad_value(const tn_op *op, uint64_t value, bool is_native) __attribute__((cold));

/* Runs an op up to TN_OP_LAST_LEAF. */
static inline tn_error *tn_leaf_run(const tn_op *op, const uint8_t *source, uint8_t *destination,
                                    bool is_native) {
  const uint8_t *from = source + op->source;
  uint8_t *to = destination + op->destination;
  switch ((tn_op_kind)op->kind) {
  case TN_OP_COPY1:
    *to = *from;
    break;
  case TN_OP_COPY2:
    memcpy(to, from, 2);
    break;
  case TN_OP_COPY4:
    memcpy(to, from, 4);
    break;
  case TN_OP_COPY8:
    memcpy(to, from, 8);
    break;
  case TN_OP_COPY16:
    memcpy(to, from, 16);
    break;
  case TN_OP_COPY:
    memcpy(to, from, op->size);
    break;
  case TN_OP_SLOT_U8:
    tn_store_bytes(to, *from, 8);
    break;
  case TN_OP_SLOT_S8:
    tn_store_bytes(to, (uint32_t)(int8_t)*from, 8);
    break;
  case TN_OP_SLOT_U16:
    tn_store_bytes(to, tn_load(from, 2), 8);
    break;
  case TN_OP_SLOT_S16:
    tn_store_bytes(to, (uint32_t)(int16_t)tn_load(from, 2), 8);
    break;
  case TN_OP_SLOT_U32:
    tn_store_bytes(to, tn_load(from, 4), 8);
    break;
  case TN_OP_SLOT_U64:
    tn_store_bytes(to, tn_load(from, 8), 8);
    break;
  case TN_OP_ZERO:
    memset(to, 0, op->size);
    break;
  case TN_OP_BOOL:
    tn_store_bytes(to, tn_load(from, op->read) != 0, op->write);
    break;
  case TN_OP_FLAGS:
    tn_store_bytes(to, tn_load(from, op->read) & op->size, op->write);
    break;
  case TN_OP_CHAR: {
    uint64_t value = tn_load(from, 4);
    if (__builtin_expect(!tn_is_scalar_value((uint32_t)value), 0))
      return tn_bad_value(op, value, is_native);
    tn_store_bytes(to, value, op->write);
    break;
  }
  case TN_OP_ENUM: {
    uint64_t value = tn_load(from, op->read);
    if (__builtin_expect(value >= op->size, 0)) return tn_bad_value(op, value, is_native);
    tn_store_bytes(to, value, op->write);
    break;
  }
  default:
    __builtin_unreachable();
  }
  return NULL;
}

/* Runs a simple program. */
static inline tn_error *tn_simple_run(const tn_program *program, const void *source,
                                      void *destination, bool is_native) {
  const tn_op *op = program->block.ops, *end = op + program->block.count;
  for (; op < end; op++) {
    tn_error *error = tn_leaf_run(op, source, destination, is_native);
    if (__builtin_expect(error != NULL, 0)) return error;
  }
  return NULL;
}

/* ---- run time ---------------------------------------------------------------------------------- */

/* One end of a running transfer. `base` is where the linear memory is, 0 when it is not needed; `size` a lower
 * bound of its size: it is read again only when a check fails. The host: base 0, size UINT64_MAX, options
 * NULL. */
typedef struct tn_end {
  uintptr_t base;
  uintptr_t slots; /* address of the flat values */
  uint64_t size;
  const tn_canon_options *options;
  tn_component_instance *instance; /* whose handle table: the guest's, or the embedder's */
} tn_end;

/* Handles that are lent to a call until it returns (the `lenders` of a subtask), as indices, because the
 * table may move. Invariant: where there is capacity, count is not 0. */
typedef struct tn_lends {
  uint32_t count;
  uint32_t capacity; /* of `more`; 0: `few` is in use */
  uint32_t few[6];
  uint32_t *more;
} tn_lends;

struct tn_call_arena {
  tn_arena arena;
  tn_call_arena *next;
  uint64_t kept; /* what was counted for this call in runtime->kept */
};

/* Counts what is about to be allocated in it, until it is given back. */
static inline tn_error *tn_call_arena_count(tn_runtime *runtime, tn_call_arena *arena,
                                            uint64_t size) {
  if (runtime->kept == NULL) return NULL;
  TN_TRY(tn_kept_take(runtime->kept, size));
  arena->kept += size;
  return NULL;
}

typedef struct tn_transfer {
  tn_core_context *context;
  tn_runtime *runtime;
  tn_end *source;
  tn_end *destination;
  tn_task *task;         /* to whose scope borrow handles that are lowered belong */
  tn_lends *lends;       /* where borrows that are lifted are recorded */
  tn_lends *temporaries; /* host destination: borrow handles made in the embedder's table */
  tn_call *call;         /* host source: the call whose reserved memory may be handed over */
  /* host destination: where strings and lists go; NULL: the call's own, taken lazily */
  tn_arena *arena;
  /* host destination: plain data is copied to the arena, as it must outlive the call */
  bool copies;
  uint64_t budget; /* host destination: bytes that may still be visited or allocated */
} tn_transfer;

/* CanonicalABI.md#loading: MAX_LIST_BYTE_LENGTH, MAX_STRING_BYTE_LENGTH */
#define TN_MAX_BYTE_LENGTH (((uint64_t)1 << 28) - 1)

/* A host function's call. */
struct tn_call {
  tn_transfer transfer; /* of the parameters, then of the result */
  tn_end guest;
  tn_end host;
  const tn_lowered *lowered;
  tn_call_arena *arena;     /* taken when first needed */
  uint8_t *reserved;        /* by tn_call_reserve; NULL: none */
  uint64_t reserved_offset; /* the same in the guest's memory */
  uint64_t reserved_size;
};

/* Runs the block's ops on `count` consecutive elements. `source_base` and `destination_base` are fields of
 * `t`'s ends, read again after every call into a guest. */
tn_error *tn_block_run(tn_transfer *t, const tn_block *block, const uintptr_t *source_base,
                       uint64_t source, const uintptr_t *destination_base, uint64_t destination,
                       uint64_t count);

/* Runs a program; `source` and `destination` are offsets within the end's memory or slots. */
static inline tn_error *tn_program_run(tn_transfer *t, const tn_program *program, uint64_t source,
                                       uint64_t destination) {
  const uintptr_t *source_base = program->source_in_memory ? &t->source->base : &t->source->slots;
  const uintptr_t *destination_base =
      program->destination_in_memory ? &t->destination->base : &t->destination->slots;
  return tn_block_run(t, &program->block, source_base, source, destination_base, destination, 1);
}

/* Before a guest's memory is used in a transfer: what is known of its size. The base is found where it is
 * first needed, which for a destination is after realloc. */
void tn_end_expect(const tn_transfer *t, tn_end *end);

static inline void tn_end_guest(tn_end *end, tn_runtime *runtime, const tn_canon_options *options) {
  end->base = 0;
  end->options = options;
  end->instance = &runtime->instances[options->instance];
}

static inline void tn_end_host(tn_end *end, tn_runtime *runtime) {
  end->base = 0;
  end->size = UINT64_MAX;
  end->options = NULL;
  end->instance = &runtime->instances[0];
}

/* Calls the guest's realloc with leaving forbidden, and finds the ends' memories again. `out` is an offset
 * that is aligned and has `new_size` bytes of memory behind it. `beyond` is the trap when it has not.
 * CanonicalABI.md#lifting-and-lowering-context */
tn_error *tn_guest_realloc(tn_transfer *t, uint64_t old, uint64_t old_size, uint32_t alignment,
                           uint64_t new_size, tn_fault beyond, uint64_t *out);
/* Memory for the host's end of a transfer. */
tn_error *tn_transfer_alloc(tn_transfer *t, uint64_t size, uint32_t alignment, void **out);
/* Charges `size` bytes to the transfer's budget. */
tn_error *tn_transfer_spend(tn_transfer *t, uint64_t size);
/* The slow half of tn_end_contains: after reading the size again. */
bool tn_end_contains_now(const tn_transfer *t, tn_end *end, uint64_t offset, uint64_t size);
/* Whether `size` bytes at `offset` are within the end's memory. */
static inline bool tn_end_contains(const tn_transfer *t, tn_end *end, uint64_t offset,
                                   uint64_t size) {
  return (size <= end->size && offset <= end->size - size) ||
         tn_end_contains_now(t, end, offset, size);
}

/* The general string op: any encoding to any other. CanonicalABI.md#storing, store_string */
tn_error *tn_string_transfer(tn_transfer *t, uint64_t pointer, uint64_t tagged_length,
                             uint64_t *out_pointer, uint64_t *out_length);
/* The error for bytes of the source that are not UTF-8; NULL when they are. */
tn_error *tn_utf8_check(const tn_transfer *t, const uint8_t *bytes, uint64_t size);
tn_error *tn_string_out_of_bounds(const tn_transfer *t, uint64_t length) __attribute__((cold));

/* ---- handles ----------------------------------------------------------------------------------- */

tn_error *tn_transfer_own(tn_transfer *t, const tn_op *op, uint32_t value, uint32_t *out);
tn_error *tn_transfer_borrow(tn_transfer *t, const tn_op *op, uint32_t value, uint32_t *out);
/* For lends in a frame, whose `few` need not be cleared. */
static inline void tn_lends_init(tn_lends *lends) {
  lends->count = lends->capacity = 0;
  lends->more = NULL;
}
bool tn_lends_add(tn_lends *lends, uint32_t index);
void tn_lends_release_all(tn_lends *lends, tn_handle_table *table);
/* Ends the loans: the handles may be dropped again. */
static inline void tn_lends_release(tn_lends *lends, tn_handle_table *table) {
  if (lends->count > 0) tn_lends_release_all(lends, table);
}

/* ---- calls ------------------------------------------------------------------------------------- */

/* A trap of the canonical ABI's: "wasm trap: <formatted>". */
tn_error *tn_trap(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* NULL when out of memory. */
tn_call_arena *tn_call_arena_take(tn_runtime *runtime);
void tn_call_arena_give(tn_runtime *runtime, tn_call_arena *arena);

struct tn_lifted {
  const tn_func_type *type;
  tn_canon_options options;
  int32_t callee;
  uint32_t value_count;  /* slots that a call of the core function needs */
  uint32_t result_count; /* core results, 0 or 1 */
  tn_program params;     /* from the host */
  tn_program result;     /* to the host */
};

struct tn_lowered {
  tn_core_func_type type;
  tn_core_host_func entry;
  tn_canon_options options; /* of the caller */
  tn_program params;        /* to the callee */
  tn_program result;        /* from the callee */
  uint32_t result_slot;     /* result in memory: the parameter that points to its room */
  const tn_lifted *callee;  /* fused */
  tn_host_func func;        /* host */
  void *data;
  uint32_t native_params; /* sizes of the native structs */
  uint32_t native_result;
  const tn_resource *resource; /* built-ins */
  const tn_type *returned;     /* task.return: the result, or NULL */
  tn_str name;
};

/* Runs a program whose source is a guest: `values` are its core values, or the first of them points to the
 * tuple. `destination` is as for tn_program_run. CanonicalABI.md#lifting-and-lowering-values */
tn_error *tn_lift_values(tn_transfer *t, const tn_program *program, const tn_core_value *values,
                         uint64_t destination);
/* Runs a program whose destination is a guest: writes the core values to `values`. A tuple in memory goes
 * to `*room`, or where `room` is NULL to memory from realloc, with values[0] pointing to it. */
tn_error *tn_lower_values(tn_transfer *t, const tn_program *program, uint64_t source,
                          tn_core_value *values, const tn_core_value *room);
/* Both at once: from guest to guest. */
tn_error *tn_move_values(tn_transfer *t, const tn_program *program, const tn_core_value *from,
                         tn_core_value *to, const tn_core_value *room);

/* The reentrance rule. CanonicalABI.md#component-instances: entering marks the instances that enclose the
 * callee but not the caller; trap when one is already entered. `caller` is NULL for the embedder. */
tn_error *tn_instance_enter(tn_runtime *runtime, tn_component_instance *callee,
                            const tn_component_instance *caller);
/* The same for a call between components, which must not enclose each other. */
tn_error *tn_instance_enter_sibling(tn_runtime *runtime, tn_component_instance *callee,
                                    const tn_component_instance *caller);
/* Undoes a successful tn_instance_enter. */
void tn_instance_leave(tn_runtime *runtime, tn_component_instance *callee,
                       const tn_component_instance *caller);

/* After `error` nothing enters any more, and guest code that other fibers are still in the middle of
 * cannot leave: what it knows about tasks and handles is no longer true. */
void tn_runtime_poison(tn_runtime *runtime, const tn_error *error);
/* TN_ERROR_POISONED from then on. */
tn_error *tn_runtime_check_alive(const tn_runtime *runtime);

/* Calls `post-return` with the flat results. */
tn_error *tn_call_post_return(tn_runtime *runtime, tn_core_context *context,
                              const tn_canon_options *options, tn_core_value result,
                              uint32_t result_count);
/* Runs the destructor of a resource that was removed from a table; `caller` NULL: the embedder. */
tn_error *tn_resource_destroy(tn_runtime *runtime, tn_core_context *context,
                              const tn_resource *resource, uint32_t representation,
                              const tn_component_instance *caller);

/* Fills in the core type of a lowered function. */
tn_error *tn_lowered_set_type(tn_arena *arena, tn_lowered *lowered, const tn_func_type *type,
                              const tn_canon_options *options);

/* The entries by shape. */
tn_core_trap *tn_entry_host(void *environment, tn_core_caller *caller, tn_core_value *values,
                            size_t count);
/* Host functions answer an async call when they have returned: it never leaves a subtask behind. */
tn_core_trap *tn_entry_host_async(void *environment, tn_core_caller *caller, tn_core_value *values,
                                  size_t count);
tn_core_trap *tn_entry_fused(void *environment, tn_core_caller *caller, tn_core_value *values,
                             size_t count);
/* The same for functions of type `async`, lowered with and without that option. */
tn_core_trap *tn_entry_fused_task(void *environment, tn_core_caller *caller, tn_core_value *values,
                                  size_t count);

#endif
