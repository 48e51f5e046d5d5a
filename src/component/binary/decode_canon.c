/* Canonical definitions: Binary.md#canonical-definitions. */
#include "component/binary/decode.h"

enum { MAX_OPTIONS = 10 };

static tn_error *decode_option(tn_reader *in, tn_ast_canon_option *out) {
  uint8_t kind;
  TN_TRY(tn_read_byte(in, &kind));
  if (kind > TN_OPTION_CALLBACK) return tn_bad_byte(in, kind, "canonical option");
  out->kind = (tn_canon_option_kind)kind;
  switch (out->kind) {
  case TN_OPTION_MEMORY:
  case TN_OPTION_REALLOC:
  case TN_OPTION_POST_RETURN:
  case TN_OPTION_CALLBACK:
    return tn_read_u32(in, &out->index);
  default:
    return NULL;
  }
}

static tn_error *decode_options(tn_arena *arena, tn_reader *in, tn_ast_canon *out) {
  uint32_t count;
  TN_TRY(tn_read_count(in, MAX_OPTIONS, "canonical options", &count));
  tn_ast_canon_option *options = TN_ARENA_ARRAY(arena, tn_ast_canon_option, count);
  if (options == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(decode_option(in, &options[i]));
  }
  out->option_count = count;
  out->options = options;
  return NULL;
}

/* The second byte of `lift` and `lower`, the sort of what is lifted or lowered. */
static tn_error *expect_func_sort(tn_reader *in, const char *what) {
  uint8_t sort;
  TN_TRY(tn_read_byte(in, &sort));
  return sort == 0 ? NULL : tn_bad_byte(in, sort, what);
}

static tn_error *decode_lift(tn_arena *arena, tn_reader *in, tn_ast_canon *out) {
  TN_TRY(expect_func_sort(in, "canonical function lift"));
  TN_TRY(tn_read_u32(in, &out->func));
  TN_TRY(decode_options(arena, in, out));
  return tn_read_u32(in, &out->type);
}

static tn_error *decode_lower(tn_arena *arena, tn_reader *in, tn_ast_canon *out) {
  TN_TRY(expect_func_sort(in, "canonical function lower"));
  TN_TRY(tn_read_u32(in, &out->func));
  return decode_options(arena, in, out);
}

tn_error *tn_decode_canon(tn_arena *arena, tn_reader *in, tn_ast_canon *out) {
  uint8_t opcode;
  TN_TRY(tn_read_byte(in, &opcode));
  *out = (tn_ast_canon){.kind = (tn_canon_kind)opcode};
  switch (out->kind) {
  case TN_CANON_LIFT:
    return decode_lift(arena, in, out);
  case TN_CANON_LOWER:
    return decode_lower(arena, in, out);

  case TN_CANON_TASK_RETURN:
    TN_TRY(tn_decode_result_list(in, &out->result));
    return decode_options(arena, in, out);

  case TN_CANON_ERROR_CONTEXT_NEW:
  case TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
    return decode_options(arena, in, out);

  case TN_CANON_CONTEXT_GET:
  case TN_CANON_CONTEXT_SET:
    TN_TRY(tn_decode_core_valtype(in, &out->context_type));
    return tn_read_u32(in, &out->context_slot);

  case TN_CANON_RESOURCE_NEW:
  case TN_CANON_RESOURCE_DROP:
  case TN_CANON_RESOURCE_REP:
  case TN_CANON_STREAM_NEW:
  case TN_CANON_STREAM_DROP_READABLE:
  case TN_CANON_STREAM_DROP_WRITABLE:
  case TN_CANON_FUTURE_NEW:
  case TN_CANON_FUTURE_DROP_READABLE:
  case TN_CANON_FUTURE_DROP_WRITABLE:
    return tn_read_u32(in, &out->type);

  case TN_CANON_STREAM_READ:
  case TN_CANON_STREAM_WRITE:
  case TN_CANON_FUTURE_READ:
  case TN_CANON_FUTURE_WRITE:
    TN_TRY(tn_read_u32(in, &out->type));
    return decode_options(arena, in, out);

  case TN_CANON_STREAM_CANCEL_READ:
  case TN_CANON_STREAM_CANCEL_WRITE:
  case TN_CANON_FUTURE_CANCEL_READ:
  case TN_CANON_FUTURE_CANCEL_WRITE:
    TN_TRY(tn_read_u32(in, &out->type));
    return tn_read_bool(in, &out->is_async);

  case TN_CANON_SUBTASK_CANCEL:
    return tn_read_bool(in, &out->is_async);

  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    TN_TRY(tn_read_bool(in, &out->is_cancellable));
    return tn_read_u32(in, &out->memory);

  case TN_CANON_THREAD_YIELD:
  case TN_CANON_THREAD_SUSPEND:
  case TN_CANON_THREAD_SUSPEND_THEN_RESUME:
  case TN_CANON_THREAD_YIELD_THEN_RESUME:
  case TN_CANON_THREAD_SUSPEND_THEN_PROMOTE:
  case TN_CANON_THREAD_YIELD_THEN_PROMOTE:
    return tn_read_bool(in, &out->is_cancellable);

  case TN_CANON_THREAD_NEW_INDIRECT:
    TN_TRY(tn_read_u32(in, &out->type));
    return tn_read_u32(in, &out->table);

  case TN_CANON_THREAD_SPAWN_REF:
    TN_TRY(tn_read_bool(in, &out->is_shared));
    return tn_read_u32(in, &out->type);
  case TN_CANON_THREAD_SPAWN_INDIRECT:
    TN_TRY(tn_read_bool(in, &out->is_shared));
    TN_TRY(tn_read_u32(in, &out->type));
    return tn_read_u32(in, &out->table);
  case TN_CANON_THREAD_AVAILABLE_PARALLELISM:
    return tn_read_bool(in, &out->is_shared);

  case TN_CANON_TASK_CANCEL:
  case TN_CANON_SUBTASK_DROP:
  case TN_CANON_ERROR_CONTEXT_DROP:
  case TN_CANON_WAITABLE_SET_NEW:
  case TN_CANON_WAITABLE_SET_DROP:
  case TN_CANON_WAITABLE_JOIN:
  case TN_CANON_BACKPRESSURE_INC:
  case TN_CANON_BACKPRESSURE_DEC:
  case TN_CANON_THREAD_INDEX:
  case TN_CANON_THREAD_RESUME_LATER:
    return NULL;
  }
  return tn_bad_byte(in, opcode, "canonical function");
}
