/* Core imports that are built-ins of the canonical ABI. They have names in the older scheme only. */
#include "compose/componentize/built_in.h"

enum { I32 = 0x7f, I64 = 0x7e };

/* Prefixes that a name may have. */
enum { MAY_BE_CANCELLABLE = 1, MAY_BE_ASYNC = 2 };

typedef struct built_in {
  tn_str name;
  const char *type; /* "ii:i": i is an i32, l an i64; parameters before the colon */
  tn_canon_kind kind;
  int prefixes;
  tn_core_needs needs;
  tn_canon_option_kind encoding; /* of error contexts' messages */
} built_in;

#define MEMORY                                                                                     \
  { .memory = true }
#define MEMORY_AND_REALLOC                                                                         \
  { .memory = true, .realloc = true }

static const built_in built_ins[] = {
    {TN_STR("[waitable-set-new]"), ":i", TN_CANON_WAITABLE_SET_NEW},
    {TN_STR("[waitable-set-wait]"), "ii:i", TN_CANON_WAITABLE_SET_WAIT, MAY_BE_CANCELLABLE, MEMORY},
    {TN_STR("[waitable-set-wait-i32]"), "ii:i", TN_CANON_WAITABLE_SET_WAIT, MAY_BE_CANCELLABLE,
     MEMORY},
    {TN_STR("[waitable-set-wait-i64]"), "il:i", TN_CANON_WAITABLE_SET_WAIT, MAY_BE_CANCELLABLE,
     MEMORY},
    {TN_STR("[waitable-set-poll]"), "ii:i", TN_CANON_WAITABLE_SET_POLL, MAY_BE_CANCELLABLE, MEMORY},
    {TN_STR("[waitable-set-poll-i32]"), "ii:i", TN_CANON_WAITABLE_SET_POLL, MAY_BE_CANCELLABLE,
     MEMORY},
    {TN_STR("[waitable-set-poll-i64]"), "il:i", TN_CANON_WAITABLE_SET_POLL, MAY_BE_CANCELLABLE,
     MEMORY},
    {TN_STR("[waitable-set-drop]"), "i:", TN_CANON_WAITABLE_SET_DROP},
    {TN_STR("[waitable-join]"), "ii:", TN_CANON_WAITABLE_JOIN},
    {TN_STR("[subtask-drop]"), "i:", TN_CANON_SUBTASK_DROP},
    {TN_STR("[subtask-cancel]"), "i:i", TN_CANON_SUBTASK_CANCEL, MAY_BE_ASYNC},
    {TN_STR("[task-cancel]"), ":", TN_CANON_TASK_CANCEL},
    {TN_STR("[backpressure-inc]"), ":", TN_CANON_BACKPRESSURE_INC},
    {TN_STR("[backpressure-dec]"), ":", TN_CANON_BACKPRESSURE_DEC},
    {TN_STR("[thread-index]"), ":i", TN_CANON_THREAD_INDEX},
    {TN_STR("[thread-new-indirect-v0]"), "ii:i", TN_CANON_THREAD_NEW_INDIRECT},
    {TN_STR("[thread-resume-later]"), "i:", TN_CANON_THREAD_RESUME_LATER},
    {TN_STR("[thread-suspend]"), ":i", TN_CANON_THREAD_SUSPEND, MAY_BE_CANCELLABLE},
    {TN_STR("[thread-yield]"), ":i", TN_CANON_THREAD_YIELD, MAY_BE_CANCELLABLE},
    {TN_STR("[thread-suspend-then-resume]"), "i:i", TN_CANON_THREAD_SUSPEND_THEN_RESUME,
     MAY_BE_CANCELLABLE},
    {TN_STR("[thread-yield-then-resume]"), "i:i", TN_CANON_THREAD_YIELD_THEN_RESUME,
     MAY_BE_CANCELLABLE},
    {TN_STR("[thread-suspend-then-promote]"), "i:i", TN_CANON_THREAD_SUSPEND_THEN_PROMOTE,
     MAY_BE_CANCELLABLE},
    {TN_STR("[thread-yield-then-promote]"), "i:i", TN_CANON_THREAD_YIELD_THEN_PROMOTE,
     MAY_BE_CANCELLABLE},
    {TN_STR("[error-context-new-utf8]"), "ii:i", TN_CANON_ERROR_CONTEXT_NEW, 0, MEMORY,
     TN_OPTION_UTF8},
    {TN_STR("[error-context-new-utf16]"), "ii:i", TN_CANON_ERROR_CONTEXT_NEW, 0, MEMORY,
     TN_OPTION_UTF16},
    {TN_STR("[error-context-new-latin1+utf16]"), "ii:i", TN_CANON_ERROR_CONTEXT_NEW, 0, MEMORY,
     TN_OPTION_LATIN1_UTF16},
    {TN_STR("[error-context-debug-message-utf8]"), "ii:", TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE, 0,
     MEMORY_AND_REALLOC, TN_OPTION_UTF8},
    {TN_STR("[error-context-debug-message-utf16]"), "ii:", TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE, 0,
     MEMORY_AND_REALLOC, TN_OPTION_UTF16},
    {TN_STR("[error-context-debug-message-latin1+utf16]"),
     "ii:", TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE, 0, MEMORY_AND_REALLOC, TN_OPTION_LATIN1_UTF16},
    {TN_STR("[error-context-drop]"), "i:", TN_CANON_ERROR_CONTEXT_DROP},
};

/* "[stream-read-0]f": for the first stream in the type of `f`; "[stream-read-unit]…": one without elements. */
static const struct {
  tn_str prefix;
  const char *type;
  tn_canon_kind kind;
  bool is_stream;
  bool may_be_async;
} payload_built_ins[] = {
    {TN_STR("[stream-new-"), ":l", TN_CANON_STREAM_NEW, true, false},
    {TN_STR("[stream-read-"), "iii:i", TN_CANON_STREAM_READ, true, true},
    {TN_STR("[stream-write-"), "iii:i", TN_CANON_STREAM_WRITE, true, true},
    {TN_STR("[stream-cancel-read-"), "i:i", TN_CANON_STREAM_CANCEL_READ, true, true},
    {TN_STR("[stream-cancel-write-"), "i:i", TN_CANON_STREAM_CANCEL_WRITE, true, true},
    {TN_STR("[stream-drop-readable-"), "i:", TN_CANON_STREAM_DROP_READABLE, true, false},
    {TN_STR("[stream-drop-writable-"), "i:", TN_CANON_STREAM_DROP_WRITABLE, true, false},
    {TN_STR("[future-new-"), ":l", TN_CANON_FUTURE_NEW, false, false},
    {TN_STR("[future-read-"), "ii:i", TN_CANON_FUTURE_READ, false, true},
    {TN_STR("[future-write-"), "ii:i", TN_CANON_FUTURE_WRITE, false, true},
    {TN_STR("[future-cancel-read-"), "i:i", TN_CANON_FUTURE_CANCEL_READ, false, true},
    {TN_STR("[future-cancel-write-"), "i:i", TN_CANON_FUTURE_CANCEL_WRITE, false, true},
    {TN_STR("[future-drop-readable-"), "i:", TN_CANON_FUTURE_DROP_READABLE, false, false},
    {TN_STR("[future-drop-writable-"), "i:", TN_CANON_FUTURE_DROP_WRITABLE, false, false},
};

/* ---- names ---------------------------------------------------------------------------------------------- */

/* Takes `prefix` off, if it is there. */
static bool strip(tn_str *name, tn_str prefix) {
  if (!tn_str_starts_with(*name, prefix)) return false;
  *name = tn_str_slice(*name, prefix.len, name->len);
  return true;
}

/* The digits at the beginning of `name`, and the bracket behind them. */
static bool parse_number(tn_str *name, uint32_t *out) {
  enum { MAX_DIGITS = 6 };
  size_t digits = 0;
  *out = 0;
  while (digits < name->len && digits < MAX_DIGITS && name->data[digits] >= '0' &&
         name->data[digits] <= '9')
    *out = *out * 10 + (uint32_t)(name->data[digits++] - '0');
  if (digits == 0 || digits == name->len || name->data[digits] != ']') return false;
  *name = tn_str_slice(*name, digits + 1, name->len);
  return true;
}

/* ---- built-ins that belong to no function --------------------------------------------------------------- */

/* "[context-get-0]", "[context-set-i64-1]" */
static bool match_context(tn_core_need *need, tn_core_signature *signature) {
  tn_str name = need->core->name;
  bool is_get = strip(&name, TN_STR("[context-get-"));
  if (!is_get && !strip(&name, TN_STR("[context-set-"))) return false;
  uint8_t code = strip(&name, TN_STR("i64-")) ? I64 : I32;
  if (code == I32) strip(&name, TN_STR("i32-"));
  uint32_t slot;
  if (!parse_number(&name, &slot) || name.len > 0) return false;
  need->canon = (tn_ast_canon){.kind = is_get ? TN_CANON_CONTEXT_GET : TN_CANON_CONTEXT_SET,
                               .context_type = {.code = code},
                               .context_slot = slot};
  *signature = is_get ? (tn_core_signature){.result_count = 1, .results = {code}}
                      : (tn_core_signature){.param_count = 1, .params = {code}};
  return true;
}

static const built_in *find_built_in(tn_str name, int prefixes) {
  for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++) {
    bool is_it = tn_str_equal(name, built_ins[i].name) && (prefixes & ~built_ins[i].prefixes) == 0;
    if (is_it) return &built_ins[i];
  }
  return NULL;
}

tn_error *tn_make_match_built_in(tn_maker *m, tn_core_need *need, tn_core_signature *signature,
                                 bool *is_one) {
  tn_str name = need->core->name;
  int prefixes = 0;
  need->kind = TN_NEED_BUILT_IN;
  *is_one = match_context(need, signature);
  if (*is_one) return NULL;
  if (strip(&name, TN_STR("[cancellable]"))) prefixes |= MAY_BE_CANCELLABLE;
  if (strip(&name, TN_STR("[async-lower]"))) prefixes |= MAY_BE_ASYNC;
  const built_in *known = find_built_in(name, prefixes);
  if (known == NULL) return NULL;
  *is_one = true;
  need->canon = (tn_ast_canon){.kind = known->kind,
                               .is_async = (prefixes & MAY_BE_ASYNC) != 0,
                               .is_cancellable = (prefixes & MAY_BE_CANCELLABLE) != 0};
  need->options = known->needs;
  need->is_indirect = known->needs.memory || known->kind == TN_CANON_THREAD_NEW_INDIRECT;
  *signature = tn_core_signature_parse(known->type);
  bool has_message = known->kind == TN_CANON_ERROR_CONTEXT_NEW ||
                     known->kind == TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE;
  return has_message ? tn_make_option(m, &need->canon, known->encoding, 0) : NULL;
}

/* ---- built-ins for streams and futures ------------------------------------------------------------------ */

/* What is written for `number`, up to the bracket, and the function behind it. NULL: no such type. */
static const tn_wit_type *payload_of(const tn_maker *m, tn_core_need *need, tn_str rest,
                                     bool is_stream, const tn_made_item *interface) {
  static const tn_wit_type unit_stream = {.kind = TN_WIT_KIND_STREAM},
                           unit_future = {.kind = TN_WIT_KIND_FUTURE};
  uint32_t number;
  if (strip(&rest, TN_STR("unit]"))) return is_stream ? &unit_stream : &unit_future;
  if (!parse_number(&rest, &number)) return NULL;
  const tn_made_items *items = need->payload_is_exported ? &m->exports : &m->imports;
  need->function = tn_make_function_of(items, interface, rest);
  if (need->function == NULL) return NULL;
  const tn_wit_type *found = tn_core_payload_of(need->function, number);
  tn_wit_type_kind wanted = is_stream ? TN_WIT_KIND_STREAM : TN_WIT_KIND_FUTURE;
  return found != NULL && found->kind == wanted ? found : NULL;
}

/* What reading and writing needs: that of a function which returns, or takes, an element. */
static tn_error *find_needs(tn_maker *m, tn_core_need *need) {
  tn_wit_member element = {.type = need->payload->element};
  tn_wit_function function = {0};
  switch (need->canon.kind) {
  case TN_CANON_STREAM_READ:
  case TN_CANON_FUTURE_READ:
    function.result = element.type;
    break;
  case TN_CANON_STREAM_WRITE:
  case TN_CANON_FUTURE_WRITE:
    if (element.type != NULL) function.params = &element;
    function.param_count = element.type != NULL;
    break;
  default:
    return NULL;
  }
  TN_TRY(tn_core_needs_of(m->arena, &function, TN_ABI_LOWER, &need->options));
  need->options.memory = true;
  need->is_indirect = true;
  if (!need->canon.is_async) return NULL;
  need->canon.is_async = false;
  return tn_make_option(m, &need->canon, TN_OPTION_ASYNC, 0);
}

tn_error *tn_make_match_payload(tn_maker *m, tn_core_need *need, tn_made_item *interface,
                                bool is_exported, tn_core_signature *signature, bool *is_one) {
  tn_str name = need->core->name;
  bool is_async = strip(&name, TN_STR("[async-lower]"));
  *is_one = false;
  for (size_t i = 0; i < sizeof payload_built_ins / sizeof *payload_built_ins; i++) {
    tn_str rest = name;
    if (!strip(&rest, payload_built_ins[i].prefix)) continue;
    if (is_async && !payload_built_ins[i].may_be_async) return NULL;
    need->payload_is_exported = is_exported;
    need->payload = payload_of(m, need, rest, payload_built_ins[i].is_stream, interface);
    if (need->payload == NULL) return NULL;
    *is_one = true;
    need->kind = TN_NEED_BUILT_IN;
    need->item = interface;
    need->canon = (tn_ast_canon){.kind = payload_built_ins[i].kind, .is_async = is_async};
    *signature = tn_core_signature_parse(payload_built_ins[i].type);
    return find_needs(m, need);
  }
  return NULL;
}
