#include "compose/componentize/core_abi.h"

#include "base/pointer_map.h"

enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c };

/* Types may share parts, so that going through one can take longer than it is large. */
enum { MAX_STEPS = 1000000, MAX_DEPTH = 500 };

/* ---- flat types ----------------------------------------------------------------------------------------- */

/* What a value is when it is passed as core values. `count` goes on counting beyond the room there is, up to
 * one more than can ever be passed. */
typedef struct flat {
  uint32_t count;
  uint8_t codes[TN_MAX_FLAT_PARAMS];
} flat;

typedef struct flattener {
  uint32_t steps;
  uint32_t depth;
} flattener;

static void push(flat *out, uint8_t code) {
  if (out->count < TN_MAX_FLAT_PARAMS) out->codes[out->count] = code;
  if (out->count <= TN_MAX_FLAT_PARAMS) out->count++;
}

static bool is_full(const flat *out) {
  return out->count > TN_MAX_FLAT_PARAMS;
}

static void push_all(flat *out, const flat *more) {
  uint32_t known = more->count < TN_MAX_FLAT_PARAMS ? more->count : TN_MAX_FLAT_PARAMS;
  for (uint32_t i = 0; i < known; i++)
    push(out, more->codes[i]);
  if (is_full(more)) out->count = TN_MAX_FLAT_PARAMS + 1;
}

/* CanonicalABI.md `join` */
static uint8_t join(uint8_t a, uint8_t b) {
  if (a == b) return a;
  bool is_32 = (a == I32 && b == F32) || (a == F32 && b == I32);
  return is_32 ? I32 : I64;
}

static tn_error *flatten(flattener *f, const tn_wit_type *type, flat *out);

static tn_error *flatten_members(flattener *f, const tn_wit_type *type, flat *out) {
  for (uint32_t i = 0; i < type->member_count && !is_full(out); i++)
    TN_TRY(flatten(f, type->members[i].type, out));
  return NULL;
}

/* Adds one case to what the cases have in common; a case without payload has no type. */
static tn_error *flatten_case(flattener *f, const tn_wit_type *type, flat *common) {
  flat one = {0};
  if (type == NULL) return NULL;
  TN_TRY(flatten(f, type, &one));
  for (uint32_t i = 0; i < one.count && i < TN_MAX_FLAT_PARAMS; i++)
    common->codes[i] = i < common->count ? join(common->codes[i], one.codes[i]) : one.codes[i];
  if (one.count > common->count) common->count = one.count;
  return NULL;
}

static tn_error *flatten_cases(flattener *f, const tn_wit_type *type, flat *out) {
  flat common = {0};
  if (type->kind == TN_WIT_KIND_OPTION || type->kind == TN_WIT_KIND_RESULT) {
    TN_TRY(flatten_case(f, type->element, &common));
    TN_TRY(flatten_case(f, type->error, &common));
  } else {
    for (uint32_t i = 0; i < type->member_count; i++)
      TN_TRY(flatten_case(f, type->members[i].type, &common));
  }
  push(out, I32);
  push_all(out, &common);
  return NULL;
}

static void flatten_primitive(tn_primitive primitive, flat *out) {
  switch (primitive) {
  case TN_PRIM_S64:
  case TN_PRIM_U64:
    push(out, I64);
    break;
  case TN_PRIM_F32:
    push(out, F32);
    break;
  case TN_PRIM_F64:
    push(out, F64);
    break;
  case TN_PRIM_STRING:
    push(out, I32);
    push(out, I32);
    break;
  default:
    push(out, I32);
  }
}

static tn_error *flatten_known(flattener *f, const tn_wit_type *type, flat *out) {
  switch (type->kind) {
  case TN_WIT_KIND_PRIMITIVE:
    flatten_primitive(type->primitive, out);
    return NULL;
  case TN_WIT_KIND_LIST:
  case TN_WIT_KIND_MAP:
    push(out, I32);
    push(out, I32);
    return NULL;
  case TN_WIT_KIND_FIXED_LIST:
    for (uint32_t i = 0; i < type->length && !is_full(out); i++)
      TN_TRY(flatten(f, type->element, out));
    return NULL;
  case TN_WIT_KIND_RECORD:
  case TN_WIT_KIND_TUPLE:
    return flatten_members(f, type, out);
  case TN_WIT_KIND_VARIANT:
  case TN_WIT_KIND_ENUM:
  case TN_WIT_KIND_OPTION:
  case TN_WIT_KIND_RESULT:
    return flatten_cases(f, type, out);
  default: /* flags (32 at most) and handles of all kinds */
    push(out, I32);
    return NULL;
  }
}

static tn_error *flatten(flattener *f, const tn_wit_type *type, flat *out) {
  if (f->steps++ == MAX_STEPS || f->depth == MAX_DEPTH) {
    return tn_error_new(TN_ERROR_LIMIT, "a type is too large or nests too deep");
  }
  f->depth++;
  tn_error *error = flatten_known(f, tn_wit_type_root(type), out);
  f->depth--;
  return error;
}

static tn_error *flatten_params(const tn_wit_function *function, flat *out) {
  flattener f = {0};
  for (uint32_t i = 0; i < function->param_count; i++)
    TN_TRY(flatten(&f, function->params[i].type, out));
  return NULL;
}

static tn_error *flatten_result(const tn_wit_function *function, flat *out) {
  flattener f = {0};
  return function->result == NULL ? NULL : flatten(&f, function->result, out);
}

/* ---- signatures ----------------------------------------------------------------------------------------- */

static void set_params(const flat *params, uint32_t limit, tn_core_signature *out) {
  if (params->count > limit) {
    out->params[out->param_count++] = I32; /* where they lie */
    return;
  }
  for (uint32_t i = 0; i < params->count; i++)
    out->params[out->param_count++] = params->codes[i];
}

tn_error *tn_core_signature_of(const tn_wit_function *function, tn_core_abi abi,
                               tn_core_signature *out) {
  flat params = {0}, result = {0};
  *out = (tn_core_signature){0};
  TN_TRY(flatten_params(function, &params));
  TN_TRY(flatten_result(function, &result));
  set_params(&params, abi == TN_ABI_LOWER_ASYNC ? TN_MAX_FLAT_ASYNC_PARAMS : TN_MAX_FLAT_PARAMS,
             out);
  bool has_place =
      (abi == TN_ABI_LOWER && result.count > 1) || (abi == TN_ABI_LOWER_ASYNC && result.count > 0);
  if (has_place) out->params[out->param_count++] = I32;
  if (abi == TN_ABI_LOWER_ASYNC || abi == TN_ABI_LIFT_ASYNC ||
      (abi == TN_ABI_LIFT && result.count > 1)) {
    out->results[out->result_count++] = I32;
  } else if (abi != TN_ABI_LIFT_STACKFUL && result.count == 1) {
    out->results[out->result_count++] = result.codes[0];
  }
  return NULL;
}

tn_error *tn_core_signature_of_task_return(const tn_wit_function *function,
                                           tn_core_signature *out) {
  flat result = {0};
  *out = (tn_core_signature){0};
  TN_TRY(flatten_result(function, &result));
  set_params(&result, TN_MAX_FLAT_PARAMS, out);
  return NULL;
}

static bool codes_fit(const uint8_t *codes, uint32_t count, const tn_core_valtype *types,
                      uint32_t type_count) {
  if (count != type_count) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (types[i].code != codes[i]) return false;
  }
  return true;
}

tn_core_signature tn_core_signature_parse(const char *text) {
  tn_core_signature out = {0};
  for (; *text != ':'; text++)
    out.params[out.param_count++] = *text == 'l' ? I64 : I32;
  for (text++; *text != '\0'; text++)
    out.results[out.result_count++] = *text == 'l' ? I64 : I32;
  return out;
}

bool tn_core_signature_fits(const tn_core_signature *signature, const tn_core_func_type *type) {
  return codes_fit(signature->params, signature->param_count, type->params, type->param_count) &&
         codes_fit(signature->results, signature->result_count, type->results, type->result_count);
}

static const char *code_name(uint8_t code) {
  const char *name = tn_core_number_name(code);
  return name != NULL ? name : "ref";
}

void tn_core_signature_print(tn_buffer *out, const tn_core_signature *signature) {
  tn_buffer_append_byte(out, '(');
  for (uint32_t i = 0; i < signature->param_count; i++)
    tn_buffer_format(out, "%s%s", i == 0 ? "" : ", ", code_name(signature->params[i]));
  tn_buffer_append_text(out, ") -> ");
  tn_buffer_append_text(out,
                        signature->result_count == 0 ? "()" : code_name(signature->results[0]));
}

void tn_core_func_type_print(tn_buffer *out, const tn_core_func_type *type) {
  tn_buffer_append_byte(out, '(');
  for (uint32_t i = 0; i < type->param_count; i++)
    tn_buffer_format(out, "%s%s", i == 0 ? "" : ", ", code_name(type->params[i].code));
  tn_buffer_append_text(out, ") -> ");
  if (type->result_count == 0) tn_buffer_append_text(out, "()");
  for (uint32_t i = 0; i < type->result_count; i++)
    tn_buffer_format(out, "%s%s", i == 0 ? "" : ", ", code_name(type->results[i].code));
}

/* ---- needs ---------------------------------------------------------------------------------------------- */

typedef struct finder {
  tn_arena *arena;
  tn_pointer_map seen;
  uint32_t depth;
  bool has_list; /* or a string, or a map */
  bool has_string;
} finder;

static tn_error *find(finder *f, const tn_wit_type *type);

static tn_error *find_in_parts(finder *f, const tn_wit_type *type) {
  f->has_string |= type->kind == TN_WIT_KIND_PRIMITIVE && type->primitive == TN_PRIM_STRING;
  f->has_list |= f->has_string || type->kind == TN_WIT_KIND_LIST || type->kind == TN_WIT_KIND_MAP;
  /* What is sent through streams and futures has options of its own. */
  bool is_handle = type->kind == TN_WIT_KIND_STREAM || type->kind == TN_WIT_KIND_FUTURE ||
                   type->kind == TN_WIT_KIND_OWN || type->kind == TN_WIT_KIND_BORROW;
  if (is_handle) return NULL;
  TN_TRY(find(f, type->element));
  TN_TRY(find(f, type->error));
  TN_TRY(find(f, type->key));
  for (uint32_t i = 0; i < type->member_count; i++)
    TN_TRY(find(f, type->members[i].type));
  return NULL;
}

static tn_error *find(finder *f, const tn_wit_type *type) {
  if (type == NULL) return NULL;
  type = tn_wit_type_root(type);
  if (tn_pointer_map_get(&f->seen, type) != NULL) return NULL;
  if (!tn_pointer_map_put(f->arena, &f->seen, type, type)) return tn_error_no_memory();
  if (f->depth == MAX_DEPTH) return tn_error_new(TN_ERROR_LIMIT, "a type nests too deep");
  f->depth++;
  tn_error *error = find_in_parts(f, type);
  f->depth--;
  return error;
}

tn_error *tn_core_needs_of(tn_arena *scratch, const tn_wit_function *function, tn_core_abi abi,
                           tn_core_needs *out) {
  bool is_lower = abi == TN_ABI_LOWER || abi == TN_ABI_LOWER_ASYNC;
  finder params = {.arena = scratch}, result = {.arena = scratch};
  flat flat_params = {0}, flat_result = {0};
  for (uint32_t i = 0; i < function->param_count; i++)
    TN_TRY(find(&params, function->params[i].type));
  TN_TRY(find(&result, function->result));
  TN_TRY(flatten_params(function, &flat_params));
  TN_TRY(flatten_result(function, &flat_result));
  bool is_async_lift = abi == TN_ABI_LIFT_ASYNC || abi == TN_ABI_LIFT_STACKFUL;
  uint32_t most = abi == TN_ABI_LOWER_ASYNC ? TN_MAX_FLAT_ASYNC_PARAMS : TN_MAX_FLAT_PARAMS;
  bool params_lie = flat_params.count > most;
  bool result_lies = abi == TN_ABI_LOWER_ASYNC ? flat_result.count > 0 : flat_result.count > 1;
  *out = (tn_core_needs){
      .memory = params.has_list || result.has_list || params_lie || (result_lies && !is_async_lift),
      /* Whoever is given values has to make room for them. */
      .realloc = is_lower ? result.has_list : params.has_list || params_lie,
      .encoding = params.has_string || result.has_string,
  };
  if (!is_async_lift) return NULL;
  tn_core_needs returned;
  TN_TRY(tn_core_needs_of_task_return(scratch, function, &returned));
  out->memory |= returned.memory;
  return NULL;
}

tn_error *tn_core_needs_of_task_return(tn_arena *scratch, const tn_wit_function *function,
                                       tn_core_needs *out) {
  finder result = {.arena = scratch};
  flat flat_result = {0};
  TN_TRY(find(&result, function->result));
  TN_TRY(flatten_result(function, &flat_result));
  *out = (tn_core_needs){
      .memory = result.has_list || flat_result.count > TN_MAX_FLAT_PARAMS,
      .encoding = result.has_string,
  };
  return NULL;
}

/* ---- streams and futures -------------------------------------------------------------------------------- */

typedef struct payload_search {
  uint32_t left;
  uint32_t steps;
  const tn_wit_type *found;
} payload_search;

enum { MAX_SEARCH_STEPS = 100000, MAX_SEARCH_DEPTH = 200 };

static void search_payload(payload_search *s, const tn_wit_type *type, uint32_t depth) {
  if (type == NULL || s->found != NULL || depth == MAX_SEARCH_DEPTH ||
      s->steps++ >= MAX_SEARCH_STEPS)
    return;
  type = tn_wit_type_root(type);
  bool is_handle = type->kind == TN_WIT_KIND_OWN || type->kind == TN_WIT_KIND_BORROW;
  if (is_handle) return;
  search_payload(s, type->key, depth + 1);
  search_payload(s, type->element, depth + 1);
  search_payload(s, type->error, depth + 1);
  for (uint32_t i = 0; i < type->member_count; i++)
    search_payload(s, type->members[i].type, depth + 1);
  bool is_payload = type->kind == TN_WIT_KIND_STREAM || type->kind == TN_WIT_KIND_FUTURE;
  if (is_payload && s->found == NULL && s->left-- == 0) s->found = type;
}

const tn_wit_type *tn_core_payload_of(const tn_wit_function *function, uint32_t number) {
  payload_search s = {.left = number};
  for (uint32_t i = 0; i < function->param_count; i++)
    search_payload(&s, function->params[i].type, 0);
  search_payload(&s, function->result, 0);
  return s.found;
}
