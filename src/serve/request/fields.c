#include "serve/request/parts.h"

static bool is_tracestate(tn_str name) {
  return tn_http_name_equal(name, TN_STR("tracestate"));
}

static void remove_tracestate(tn_http_fields *fields) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    if (!is_tracestate(fields->items[i].name)) fields->items[kept++] = fields->items[i];
  fields->count = kept;
}

bool tn_request_set_fields(tn_request *request) {
  tn_http_exchange *exchange = request->exchange;
  tn_http_fields *fields = &exchange->request.fields;
  tn_str parent = {0};
  uint32_t kept = 0, parents = 0;
  bool has_state = false;
  for (uint32_t i = 0; i < fields->count; i++) {
    const tn_http_field *field = &fields->items[i];
    if (field->name.len == 11 && tn_http_name_equal(field->name, TN_STR("traceparent"))) {
      parent = field->value;
      parents++;
      continue;
    }
    if (field->name.len == 15 && tn_http_name_equal(field->name, TN_STR("tenon-base-path")))
      continue;
    has_state |= field->name.len == 10 && is_tracestate(field->name);
    if (kept != i) fields->items[kept] = *field;
    kept++;
  }
  fields->count = kept;
  tn_trace_begin(&request->trace, &request->worker->ids, parents == 1 ? parent : (tn_str){0});
  if (has_state && !request->trace.is_continued) remove_tracestate(fields);
  if (request->mount.len > 0 &&
      !tn_http_fields_add(&exchange->arena, fields, TN_STR("tenon-base-path"), request->mount))
    return false;
  return tn_http_fields_add(&exchange->arena, fields, TN_STR("traceparent"),
                            tn_trace_parent(&request->trace));
}
