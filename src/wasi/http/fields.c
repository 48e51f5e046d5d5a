/* wasi:http/types, the resource fields. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/http/state.h"

/* What a field counts for beyond its bytes, as in HTTP/2 (RFC 9113, 6.5.2). */
enum { FIELD_OVERHEAD = 32 };
/* Text of fields that were changed or deleted may take so many times the limit before it is cleaned up. */
enum { CLEAN_UP_FACTOR = 2 };

typedef struct name_params {
  uint32_t self;
  tn_str name;
} name_params;

typedef struct set_params {
  uint32_t self;
  tn_str name;
  tn_http_values values;
} set_params;

typedef struct append_params {
  uint32_t self;
  tn_str name;
  tn_http_bytes value;
} append_params;
static_assert(sizeof(append_params) == 40,
              "native form of (borrow<fields>, field-name, field-value)");

/* ---- what may stand in it ------------------------------------------------------------------------------------ */

/* Fields that belong to the connection or to what the host says of the request, not to the guest. */
static bool is_forbidden(tn_str name) {
  static const tn_str names[] = {
      {"connection", 10},
      {"host", 4},
      {"http2-settings", 14},
      {"keep-alive", 10},
      {"proxy-authenticate", 18},
      {"proxy-authorization", 19},
      {"proxy-connection", 16},
      {"transfer-encoding", 17},
      {"upgrade", 7},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].len == name.len && tn_http_name_equal(names[i], name)) return true;
  }
  return false;
}

static tn_http_header_error check_name(tn_str name) {
  if (!tn_http_is_field_name(name)) return TN_HEADER_INVALID_SYNTAX;
  return is_forbidden(name) ? TN_HEADER_FORBIDDEN : TN_HEADER_OK;
}

static bool is_content_length(tn_str name) {
  return name.len == 14 && tn_http_name_equal(name, TN_STR("content-length"));
}

/* RFC 9110, 8.6, without lists of the same number. 19 digits fit. */
static bool read_length(tn_str text, uint64_t *out) {
  if (text.len == 0 || text.len > 19) return false;
  *out = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    *out = *out * 10 + (uint64_t)(text.data[i] - '0');
  }
  return true;
}

static bool is_value(tn_str name, tn_str value) {
  uint64_t length;
  return is_content_length(name) ? read_length(value, &length) : tn_http_is_field_value(value);
}

static tn_http_header_error check_field(tn_str name, tn_str value) {
  tn_http_header_error problem = check_name(name);
  if (problem != TN_HEADER_OK) return problem;
  return is_value(name, value) ? TN_HEADER_OK : TN_HEADER_INVALID_SYNTAX;
}

bool tn_http_fields_length(const tn_http_fields *fields, uint64_t *length) {
  *length = TN_HTTP_UNKNOWN_LENGTH;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (!is_content_length(fields->items[i].name)) continue;
    uint64_t value;
    if (!read_length(fields->items[i].value, &value)) return false;
    if (*length != TN_HTTP_UNKNOWN_LENGTH && *length != value) return false;
    *length = value;
  }
  return true;
}

/* ---- the object ------------------------------------------------------------------------------------------------ */

static tn_http_fields_object *fields_new(tn_wasi_http *http) {
  tn_http_fields_object *fields = tn_http_take(http, offsetof(tn_http_fields_object, few));
  if (fields == NULL) return NULL;
  fields->http = http;
  fields->references = 1;
  fields->own = (tn_http_fields){.items = fields->few, .cap = FEW_FIELDS};
  fields->list = &fields->own;
  return fields;
}

static tn_kept *kept_of(const tn_http_fields_object *fields) {
  return tn_wasi_kept(fields->http->options.wasi);
}

static void free_arena(tn_http_fields_object *fields) {
  if (fields->arena.blocks == NULL) return;
  tn_kept_remove(kept_of(fields), tn_arena_size(&fields->arena));
  tn_arena_free(&fields->arena);
}

void tn_http_fields_release(tn_http_fields_object *fields) {
  if (--fields->references > 0) return;
  if (fields->message != NULL) tn_http_message_release(fields->message);
  free_arena(fields);
  tn_http_give(fields->http, fields);
}

static tn_error *fields_add(tn_http_fields_object *fields, uint32_t *representation) {
  tn_error *error = tn_wasi_slot_add(fields->http->options.wasi, (tn_slot_kind)TN_SLOT_HTTP_FIELDS,
                                     fields, representation);
  if (error != NULL) tn_http_fields_release(fields);
  return error;
}

tn_error *tn_http_fields_view(tn_http_message *message, const tn_http_fields *list,
                              uint32_t *representation) {
  tn_http_fields_object *fields = fields_new(message->http);
  if (fields == NULL) return tn_error_no_memory();
  message->references++;
  fields->message = message;
  fields->list = list;
  fields->is_immutable = true;
  return fields_add(fields, representation);
}

tn_error *tn_http_fields_share(tn_http_fields_object *fields, uint32_t *representation) {
  fields->is_immutable = true;
  fields->references++;
  return fields_add(fields, representation);
}

static tn_http_fields_object *fields_of(tn_call *call, uint32_t representation) {
  return tn_http_object_of(call, TN_SLOT_HTTP_FIELDS, representation);
}

void tn_http_drop_fields(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_fields_object *fields =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_FIELDS, representation);
  tn_wasi_slot_remove(wasi, representation);
  tn_http_fields_release(fields);
}

/* ---- its memory ---------------------------------------------------------------------------------------------------- */

bool tn_http_fields_copy(tn_arena *arena, const tn_http_fields *from, tn_http_fields *out) {
  *out = (tn_http_fields){0};
  if (from->count == 0) return true;
  out->items = TN_ARENA_ARRAY(arena, tn_http_field, from->count);
  if (out->items == NULL) return false;
  out->cap = from->count;
  for (uint32_t i = 0; i < from->count; i++) {
    tn_http_field *item = &out->items[i];
    item->name = tn_arena_copy(arena, from->items[i].name);
    item->value = tn_arena_copy(arena, from->items[i].value);
    if (item->name.data == NULL || item->value.data == NULL) return false;
  }
  out->count = from->count;
  return true;
}

static size_t weight(tn_str name, tn_str value) {
  return name.len + value.len + FIELD_OVERHEAD;
}

size_t tn_http_fields_size(const tn_http_fields *fields) {
  size_t size = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    size += weight(fields->items[i].name, fields->items[i].value);
  return size;
}

static tn_error *check_room(const tn_http_fields_object *fields, size_t more) {
  uint32_t limit = fields->http->options.max_fields_bytes;
  if (more <= limit && fields->bytes <= limit - more) return NULL;
  return tn_error_new(TN_ERROR_LIMIT, "the guest makes fields of more than %u bytes", limit);
}

/* A guest may change its fields as often as it likes: what is no longer in use is given back. */
static tn_error *clean_up(tn_http_fields_object *fields) {
  if (fields->kept_bytes / CLEAN_UP_FACTOR <= fields->http->options.max_fields_bytes) return NULL;
  tn_arena fresh = {0};
  tn_http_fields copy;
  if (!tn_http_fields_copy(&fresh, &fields->own, &copy)) {
    tn_arena_free(&fresh);
    return tn_error_no_memory();
  }
  free_arena(fields);
  fields->arena = fresh;
  tn_kept_add(kept_of(fields), tn_arena_size(&fresh));
  fields->own = copy;
  fields->kept_bytes = fields->bytes;
  return NULL;
}

static bool keep_text(tn_http_fields_object *fields, tn_str text, tn_str *out) {
  if (text.len > FEW_TEXT - fields->text_used) {
    *out = tn_arena_copy(&fields->arena, text);
    return out->data != NULL;
  }
  char *at = fields->text + fields->text_used;
  if (text.len > 0) memcpy(at, text.data, text.len);
  fields->text_used += (uint32_t)text.len;
  *out = (tn_str){at, text.len};
  return true;
}

/* Makes room for one more field. */
static bool grow(tn_http_fields_object *fields) {
  tn_http_fields *own = &fields->own;
  if (own->count < own->cap) return true;
  uint32_t cap = own->cap == 0 ? FEW_FIELDS : own->cap * 2;
  tn_http_field *items = TN_ARENA_ARRAY(&fields->arena, tn_http_field, cap);
  if (items == NULL) return false;
  if (own->count > 0) memcpy(items, own->items, own->count * sizeof *items);
  own->items = items;
  own->cap = cap;
  return true;
}

static bool keep(tn_http_fields_object *fields, tn_str name, tn_str value, tn_http_field *out) {
  return grow(fields) && keep_text(fields, name, &out->name) &&
         keep_text(fields, value, &out->value);
}

/* Counts what the arena has grown by. */
static tn_error *count_growth(const tn_http_fields_object *fields, size_t before) {
  tn_kept_add(kept_of(fields), tn_arena_size(&fields->arena) - before);
  return tn_kept_check(kept_of(fields));
}

static tn_error *append(tn_http_fields_object *fields, tn_str name, tn_str value) {
  size_t more = weight(name, value);
  TN_TRY(check_room(fields, more));
  TN_TRY(clean_up(fields));
  const tn_arena_block *newest = fields->arena.blocks;
  size_t before = tn_arena_size(&fields->arena);
  tn_http_field added;
  bool is_kept = keep(fields, name, value, &added);
  if (fields->arena.blocks != newest) TN_TRY(count_growth(fields, before));
  if (!is_kept) return tn_error_no_memory();
  fields->own.items[fields->own.count++] = added;
  fields->bytes += more;
  fields->kept_bytes += more;
  return NULL;
}

static void remove_all(tn_http_fields_object *fields, tn_str name) {
  tn_http_fields *own = &fields->own;
  uint32_t left = 0;
  for (uint32_t i = 0; i < own->count; i++) {
    if (tn_http_name_equal(own->items[i].name, name)) {
      fields->bytes -= weight(own->items[i].name, own->items[i].value);
    } else {
      own->items[left++] = own->items[i];
    }
  }
  own->count = left;
}

static tn_error *append_all(tn_http_fields_object *fields, const tn_http_field *items,
                            size_t count) {
  for (size_t i = 0; i < count; i++)
    TN_TRY(append(fields, items[i].name, items[i].value));
  return NULL;
}

/* ---- the functions ---------------------------------------------------------------------------------------------------- */

static tn_error *finish(void *result, tn_http_header_error problem) {
  *(tn_http_header_result *)result =
      (tn_http_header_result){problem != TN_HEADER_OK, problem != TN_HEADER_OK ? problem : 0};
  return NULL;
}

tn_error *tn_http_fields_constructor(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  tn_wasi_http *http;
  TN_TRY(tn_http_state_of(tn_call_runtime(call), &http));
  tn_http_fields_object *fields = fields_new(http);
  return fields == NULL ? tn_error_no_memory() : fields_add(fields, result);
}

/* Makes a resource with these fields. */
static tn_error *make(tn_wasi_http *http, const tn_http_field *items, size_t count,
                      uint32_t *representation) {
  tn_http_fields_object *fields = fields_new(http);
  if (fields == NULL) return tn_error_no_memory();
  tn_error *error = append_all(fields, items, count);
  if (error == NULL) return fields_add(fields, representation);
  tn_http_fields_release(fields);
  return error;
}

tn_error *tn_http_fields_from_list(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_http_entries *in = params;
  tn_http_fields_result *out = result;
  for (size_t i = 0; i < in->len; i++) {
    tn_http_header_error problem = check_field(in->data[i].name, in->data[i].value);
    if (problem == TN_HEADER_OK) continue;
    *out = (tn_http_fields_result){.is_error = true, .error = problem};
    return NULL;
  }
  tn_wasi_http *http;
  TN_TRY(tn_http_state_of(tn_call_runtime(call), &http));
  return make(http, in->data, in->len, &out->handle);
}

tn_error *tn_http_fields_get(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const name_params *in = params;
  const tn_http_fields *list = fields_of(call, in->self)->list;
  tn_http_values *out = result;
  uint32_t count = 0;
  for (uint32_t i = 0; i < list->count; i++)
    count += tn_http_name_equal(list->items[i].name, in->name);
  if (count == 0) return NULL;
  tn_http_bytes *values = tn_call_alloc(call, count * sizeof *values, _Alignof(tn_http_bytes));
  if (values == NULL) return tn_error_no_memory();
  out->data = values;
  for (uint32_t i = 0; i < list->count; i++) {
    if (tn_http_name_equal(list->items[i].name, in->name))
      values[out->len++] = list->items[i].value;
  }
  return NULL;
}

tn_error *tn_http_fields_has(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const name_params *in = params;
  *(uint8_t *)result = tn_http_fields_find(fields_of(call, in->self)->list, in->name) != NULL;
  return NULL;
}

tn_error *tn_http_fields_set(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const set_params *in = params;
  tn_http_fields_object *fields = fields_of(call, in->self);
  tn_http_header_error problem = check_name(in->name);
  for (size_t i = 0; i < in->values.len && problem == TN_HEADER_OK; i++) {
    if (!is_value(in->name, in->values.data[i])) problem = TN_HEADER_INVALID_SYNTAX;
  }
  if (problem == TN_HEADER_OK && fields->is_immutable) problem = TN_HEADER_IMMUTABLE;
  if (problem != TN_HEADER_OK) return finish(result, problem);
  remove_all(fields, in->name);
  for (size_t i = 0; i < in->values.len; i++)
    TN_TRY(append(fields, in->name, in->values.data[i]));
  return finish(result, TN_HEADER_OK);
}

tn_error *tn_http_fields_delete(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const name_params *in = params;
  tn_http_fields_object *fields = fields_of(call, in->self);
  tn_http_header_error problem = check_name(in->name);
  if (problem == TN_HEADER_OK && fields->is_immutable) problem = TN_HEADER_IMMUTABLE;
  if (problem == TN_HEADER_OK) remove_all(fields, in->name);
  return finish(result, problem);
}

tn_error *tn_http_fields_append(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const append_params *in = params;
  tn_http_fields_object *fields = fields_of(call, in->self);
  tn_http_header_error problem = check_field(in->name, in->value);
  if (problem == TN_HEADER_OK && fields->is_immutable) problem = TN_HEADER_IMMUTABLE;
  if (problem == TN_HEADER_OK) TN_TRY(append(fields, in->name, in->value));
  return finish(result, problem);
}

tn_error *tn_http_fields_entries(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_http_fields *list = fields_of(call, *(const uint32_t *)params)->list;
  *(tn_http_entries *)result = (tn_http_entries){list->items, list->count};
  return NULL;
}

tn_error *tn_http_fields_clone(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_http_fields_object *fields = fields_of(call, *(const uint32_t *)params);
  return make(fields->http, fields->list->items, fields->list->count, result);
}
