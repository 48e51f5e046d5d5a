/* Canonical definitions: Binary.md#canonical-definitions. */
#include "component/write/parts.h"

static void write_options(tn_buffer *out, const tn_ast_canon *canon) {
  tn_wasm_u32(out, canon->option_count);
  for (uint32_t i = 0; i < canon->option_count; i++) {
    const tn_ast_canon_option *option = &canon->options[i];
    tn_buffer_append_byte(out, (uint8_t)option->kind);
    switch (option->kind) {
    case TN_OPTION_MEMORY:
    case TN_OPTION_REALLOC:
    case TN_OPTION_POST_RETURN:
    case TN_OPTION_CALLBACK:
      tn_wasm_u32(out, option->index);
      break;
    case TN_OPTION_UTF8:
    case TN_OPTION_UTF16:
    case TN_OPTION_LATIN1_UTF16:
    case TN_OPTION_ASYNC:
      break;
    }
  }
}

void tn_write_canon(tn_buffer *out, const tn_ast_canon *canon) {
  enum { FUNC_SORT = 0x00 };
  tn_buffer_append_byte(out, (uint8_t)canon->kind);
  switch (canon->kind) {
  case TN_CANON_LIFT:
    tn_buffer_append_byte(out, FUNC_SORT);
    tn_wasm_u32(out, canon->func);
    write_options(out, canon);
    tn_wasm_u32(out, canon->type);
    break;
  case TN_CANON_LOWER:
    tn_buffer_append_byte(out, FUNC_SORT);
    tn_wasm_u32(out, canon->func);
    write_options(out, canon);
    break;

  case TN_CANON_TASK_RETURN:
    tn_write_result_list(out, &canon->result);
    write_options(out, canon);
    break;

  case TN_CANON_ERROR_CONTEXT_NEW:
  case TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
    write_options(out, canon);
    break;

  case TN_CANON_CONTEXT_GET:
  case TN_CANON_CONTEXT_SET:
    tn_write_core_valtype(out, canon->context_type);
    tn_wasm_u32(out, canon->context_slot);
    break;

  case TN_CANON_RESOURCE_NEW:
  case TN_CANON_RESOURCE_DROP:
  case TN_CANON_RESOURCE_REP:
  case TN_CANON_STREAM_NEW:
  case TN_CANON_STREAM_DROP_READABLE:
  case TN_CANON_STREAM_DROP_WRITABLE:
  case TN_CANON_FUTURE_NEW:
  case TN_CANON_FUTURE_DROP_READABLE:
  case TN_CANON_FUTURE_DROP_WRITABLE:
    tn_wasm_u32(out, canon->type);
    break;

  case TN_CANON_STREAM_READ:
  case TN_CANON_STREAM_WRITE:
  case TN_CANON_FUTURE_READ:
  case TN_CANON_FUTURE_WRITE:
    tn_wasm_u32(out, canon->type);
    write_options(out, canon);
    break;

  case TN_CANON_STREAM_CANCEL_READ:
  case TN_CANON_STREAM_CANCEL_WRITE:
  case TN_CANON_FUTURE_CANCEL_READ:
  case TN_CANON_FUTURE_CANCEL_WRITE:
    tn_wasm_u32(out, canon->type);
    tn_buffer_append_byte(out, canon->is_async);
    break;

  case TN_CANON_SUBTASK_CANCEL:
    tn_buffer_append_byte(out, canon->is_async);
    break;

  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    tn_buffer_append_byte(out, canon->is_cancellable);
    tn_wasm_u32(out, canon->memory);
    break;

  case TN_CANON_THREAD_YIELD:
  case TN_CANON_THREAD_SUSPEND:
  case TN_CANON_THREAD_SUSPEND_THEN_RESUME:
  case TN_CANON_THREAD_YIELD_THEN_RESUME:
  case TN_CANON_THREAD_SUSPEND_THEN_PROMOTE:
  case TN_CANON_THREAD_YIELD_THEN_PROMOTE:
    tn_buffer_append_byte(out, canon->is_cancellable);
    break;

  case TN_CANON_THREAD_NEW_INDIRECT:
    tn_wasm_u32(out, canon->type);
    tn_wasm_u32(out, canon->table);
    break;
  case TN_CANON_THREAD_SPAWN_REF:
    tn_buffer_append_byte(out, canon->is_shared);
    tn_wasm_u32(out, canon->type);
    break;
  case TN_CANON_THREAD_SPAWN_INDIRECT:
    tn_buffer_append_byte(out, canon->is_shared);
    tn_wasm_u32(out, canon->type);
    tn_wasm_u32(out, canon->table);
    break;
  case TN_CANON_THREAD_AVAILABLE_PARALLELISM:
    tn_buffer_append_byte(out, canon->is_shared);
    break;

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
    break;
  }
}
