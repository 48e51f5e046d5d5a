/* Fields into nghttp2's form, and numbers into words. */
#include "http/http2/session.h"

#include "base/vec.h"

static nghttp2_nv *head_push(tn_http2_head *head) {
  if (head->count == head->cap) {
    size_t cap = head->cap == 0 ? 16 : head->cap * 2;
    nghttp2_nv *items = TN_ARENA_ARRAY(head->arena, nghttp2_nv, cap);
    if (items == NULL) {
      head->failed = true;
      return NULL;
    }
    if (head->count > 0) memcpy(items, head->items, head->count * sizeof *items);
    head->items = items;
    head->cap = cap;
  }
  return &head->items[head->count++];
}

/* nghttp2 copies both when the head is submitted, and makes names lower case. */
void tn_http2_head_add(tn_http2_head *head, tn_str name, tn_str value) {
  nghttp2_nv *item = head_push(head);
  if (item == NULL) return;
  *item = (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data, name.len,
                       value.len, NGHTTP2_NV_FLAG_NONE};
}

bool tn_http2_is_left_out(tn_str name) {
  return tn_http_is_hop_by_hop(name) || tn_http_name_equal(name, TN_STR("host")) ||
         tn_http_name_equal(name, TN_STR("content-length"));
}

void tn_http2_head_add_fields(tn_http2_head *head, const tn_http_fields *fields) {
  for (uint32_t i = 0; i < fields->count; i++) {
    tn_http_field field = fields->items[i];
    if (!tn_http2_is_left_out(field.name)) tn_http2_head_add(head, field.name, field.value);
  }
}

void tn_http2_head_add_number(tn_http2_head *head, tn_str name, uint64_t number) {
  tn_str text = tn_arena_format(head->arena, "%llu", (unsigned long long)number);
  if (text.data == NULL)
    head->failed = true;
  else
    tn_http2_head_add(head, name, text);
}

bool tn_http2_find_length(const tn_http_fields *fields, uint64_t *out) {
  const tn_http_field *field = tn_http_fields_find(fields, TN_STR("content-length"));
  if (field == NULL || field->value.len == 0) return false;
  uint64_t length = 0;
  for (size_t i = 0; i < field->value.len; i++) {
    unsigned digit = (unsigned char)field->value.data[i] - '0';
    if (digit > 9 || __builtin_mul_overflow(length, 10, &length) ||
        __builtin_add_overflow(length, digit, &length))
      return false;
  }
  *out = length;
  return true;
}

tn_http_code tn_http2_code_of(uint32_t error) {
  switch (error) {
  case NGHTTP2_NO_ERROR:
  case NGHTTP2_CANCEL:
  case NGHTTP2_REFUSED_STREAM:
    return TN_HTTP_CONNECTION_TERMINATED;
  case NGHTTP2_ENHANCE_YOUR_CALM:
    return TN_HTTP_CONNECTION_LIMIT_REACHED;
  default:
    return TN_HTTP_HTTP_PROTOCOL_ERROR;
  }
}
