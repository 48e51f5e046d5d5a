/* The canonical ABI: what the linker asks of it when it makes a plan, and what an instance does with the
 * result at each call. CanonicalABI.md
 *
 * At link time a function type and the options of its two ends become a tn_lifted or tn_lowered: straight
 * programs without names, type lookups or allocation. At run time a program moves values from one end to
 * the other in one pass. An end is a guest (flat core values and a linear memory) or the host (native C
 * structs, "Values" in tenon.h); the native form is simply a memory with 64-bit pointers, based at 0. */
#ifndef TN_CANON_CANON_H
#define TN_CANON_CANON_H

#include "base/arena.h"
#include "base/kept.h"
#include "canon/handle.h"
#include "component/ast.h"
#include "component/type.h"
#include "engine/engine.h"
#include "tenon.h"

/* ---- static: made by the linker ---------------------------------------------------------------- */

/* Canonical options with every index resolved to a slot of the runtime. */
typedef struct tn_canon_options {
  tn_string_encoding encoding;
  bool is_64; /* memory with 64-bit pointers */
  bool is_async;
  uint32_t instance;   /* component instance: index into tn_runtime.instances */
  uint32_t rights;     /* whose rights its calls of the host have: see tn_call_rights */
  int32_t memory;      /* slot in tn_runtime.memories, or -1 */
  int32_t realloc;     /* slot in tn_runtime.funcs, or -1 */
  int32_t post_return; /* likewise */
  int32_t callback;    /* likewise */
} tn_canon_options;

/* A component function implemented by a core function: `canon lift`. */
typedef struct tn_lifted tn_lifted;
/* A core function that calls a component function or a built-in: `canon lower` and `canon resource.*`.
 * It is the `environment` of tn_lowered_entry. */
typedef struct tn_lowered tn_lowered;

/* `callee` is the slot in tn_runtime.funcs of the core function. All of these allocate from `arena`,
 * which must outlive the plan, and keep pointers to `type` and copies of the options. */
tn_error *tn_canon_lift(tn_arena *arena, const tn_func_type *type, const tn_canon_options *options,
                        int32_t callee, tn_lifted **out);
/* Lowers a host function. `name` is the full import path, for messages. */
tn_error *tn_canon_lower_host(tn_arena *arena, tn_str name, const tn_func_type *type,
                              const tn_canon_options *options, tn_host_func func, void *data,
                              tn_lowered **out);
/* Lowers another component's function: joins both ends in one pass. `caller_type` is the type that the
 * caller sees; it is structurally equal to the callee's. */
tn_error *tn_canon_lower_lifted(tn_arena *arena, tn_str name, const tn_func_type *caller_type,
                                const tn_canon_options *options, const tn_lifted *callee,
                                tn_lowered **out);
/* True when calling `callee` through these options moves nothing: numbers of core width only, no post-return, not
 * async. What is left of such a call then are checks and a task. The linker hands over the core function itself
 * where these cannot be observed:
 *   - Neither instance encloses the other, which would trap; and the callee's parent encloses the caller, so that
 *     the callee alone is entered.
 *   - The callee's component defines no core functions but resource.new and resource.rep: its code depends on no
 *     task and calls nothing, so that nothing can be entered again during the call; and it is not in the middle of
 *     an earlier one.
 *   - The caller's component has no realloc and no post-return function: its code never runs while it may not
 *     leave, except after the guest has been ended, when a function that calls nothing does no harm. */
bool tn_canon_is_passthrough(const tn_canon_options *caller, const tn_lifted *callee);
int32_t tn_lifted_callee(const tn_lifted *lifted);
uint32_t tn_lifted_instance(const tn_lifted *lifted);
const tn_func_type *tn_lifted_type(const tn_lifted *lifted);

/* resource.new, resource.drop, resource.rep for component instance `instance`. */
tn_error *tn_canon_resource_builtin(tn_arena *arena, tn_canon_kind kind,
                                    const tn_resource *resource, uint32_t instance,
                                    tn_lowered **out);

/* The other built-ins. context.get, context.set, backpressure, task.return and task.cancel work; the others are
 * there to be linked: called, they trap where leaving is not allowed, and else end the guest with
 * TN_ERROR_UNSUPPORTED that names them. `options` are the definition's own, with the memory of those that name one
 * as an immediate; `result` is what task.return takes, or NULL.
 * TN_ERROR_UNSUPPORTED at once for thread.spawn-*, whose types have no encoding yet. */
tn_error *tn_canon_builtin(tn_arena *arena, const tn_ast_canon *canon,
                           const tn_canon_options *options, const tn_type *result,
                           tn_lowered **out);

/* The core type of a lowered function, and the entry point to register with the engine together with the
 * tn_lowered as environment. Each shape has an entry of its own, so that nothing is decided per call. */
const tn_core_func_type *tn_lowered_type(const tn_lowered *lowered);
tn_core_host_func tn_lowered_entry(const tn_lowered *lowered);

/* ---- run time ---------------------------------------------------------------------------------- */

/* Of a component instance; instances follow each other in an array that adapters (adapter.h) see too. */
typedef struct tn_instance_flags {
  bool may_enter;
  bool may_leave;
} tn_instance_flags;

/* The state of one component instance. CanonicalABI.md#component-instances */
typedef struct tn_component_instance {
  tn_handle_table handles;
  uint32_t parent; /* index of the enclosing instance; UINT32_MAX for the root and the host */
  tn_instance_flags *flags;
  int32_t backpressure;
  tn_str path; /* "root/child", for messages and backtraces */
} tn_component_instance;

/* CanonicalABI.md#tasks: one call into a component instance. Lives on the C stack of that call today;
 * everything that must outlive a suspension hangs off it. */
typedef struct tn_task tn_task;
typedef struct tn_async_task tn_async_task;
struct tn_task {
  tn_task *caller; /* the task that was running when this one started; NULL: the embedder */
  uint32_t instance;
  uint32_t borrow_count;    /* live borrow handles that were made for this task */
  tn_core_value context[2]; /* context.get/set */
  tn_async_task *async;     /* of a function of type `async` (canon/task.h), else NULL */
};

/* Memory for one call, taken from the runtime's free list; see transfer.h. */
typedef struct tn_call_arena tn_call_arena;

/* What is known of a memory without asking the engine. */
typedef struct tn_memory_view {
  uint64_t size; /* as last seen: a lower bound, as memories never shrink; 0: not yet */
  uint8_t *base; /* of a memory that never moves; NULL: one that can, or not known yet */
  bool is_fixed; /* by its type it never moves */
  bool can_move; /* by its type it can: then `base` stays NULL */
} tn_memory_view;

/* Everything that one instantiated plan owns at run time. One store has one runtime and its context data
 * is this struct. Invariants: instances[0] is the embedder, instances[1] the root component; the arrays
 * have their final size before the first call; slots of funcs and memories that the plan has not filled
 * yet are never called (the plan is ordered so). */
struct tn_runtime {
  tn_core_context *context;
  tn_store *store;
  tn_component_instance *instances;
  uint32_t instance_count;
  tn_core_func *funcs; /* callees, realloc, post-return, destructors */
  tn_core_memory *memories;
  tn_task *task;          /* the current task */
  tn_error_kind poisoned; /* TN_ERROR_NONE, or why no call may enter any more */
  tn_error *drop_error;   /* see tn_runtime_refuse_drop; NULL but within a drop */
  bool has_called_host;   /* a host function of the embedder's has been called */
  uint32_t max_handles;   /* per table */
  /* The most that one transfer to the host may visit or allocate. Nested lists can refer to the same memory
   * many times over, so that a small guest could otherwise keep the host busy, or fill it. */
  uint64_t max_transfer_bytes;
  tn_kept *kept; /* by the host for the guest; NULL: not counted */
  /* free list: calls take one when they need memory, several may be out at once */
  tn_call_arena *arenas;
  tn_memory_view *memory_views; /* what is known of the memories, by slot */
  uint32_t memory_view_count;
  void *states[5]; /* embedder state by slot: see tn_state_slot */
};

typedef enum tn_state_slot {
  TN_STATE_INSTANCE,
  TN_STATE_WASI,
  TN_STATE_HTTP,
  TN_STATE_USER,
  TN_STATE_RECORDING
} tn_state_slot;

/* Forgets everything about the guest that has ended, but keeps the memory for another one of the same plan. */
void tn_runtime_renew(tn_runtime *runtime);
/* For a host resource's drop function: what was dropped must not have been, and the guest ends with `error`, which is taken
 * over. At the guest's end any order is fine, and this does nothing. */
void tn_runtime_refuse_drop(tn_runtime *runtime, tn_error *error);
/* Gives back what calls have left with the runtime for reuse. The handle tables are not part of it. */
void tn_runtime_release(tn_runtime *runtime);

static inline tn_runtime *tn_runtime_of(tn_core_context *context) {
  return tn_core_context_data(context);
}

/* Calls a lifted function from the embedder. `params` points to the native tuple of the parameters,
 * `result` to room for the native result (both may be NULL where there are none). Strings and lists in the
 * result are allocated from `arena`. Own handles of guest resources arrive as indices into the embedder's
 * handle table (instances[0]). */
tn_error *tn_canon_call(tn_runtime *runtime, const tn_lifted *lifted, const void *params,
                        void *result, tn_arena *arena);
/* Drops a handle in the embedder's table: runs the destructor if it owns. */
tn_error *tn_canon_drop_handle(tn_runtime *runtime, uint32_t handle);

/* What a host function can ask for during its call. Public (tenon.h): tn_call_alloc, tn_call_reserve,
 * tn_call_instance. */
tn_runtime *tn_call_runtime(tn_call *call);
/* The memory that tn_call_alloc takes from; NULL: there is none left. */
tn_arena *tn_call_arena_get(tn_call *call);
/* What tn_call_reserve has given last, and its size; NULL: nothing. */
uint8_t *tn_call_reserved(const tn_call *call, uint64_t *size);
/* Whose rights the caller has: 0 for those of the instance, n for those of the n-th component of its linker. */
uint32_t tn_call_rights(const tn_call *call);

#endif
