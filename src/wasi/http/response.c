/* wasi:http/types, the resource response-outparam. */
#include "base/error.h"
#include "wasi/http/state.h"

/* result<own<outgoing-response>, error-code> lies in the parameters as tn_http_result. */
typedef struct set_params {
  uint32_t self;
  tn_http_result response;
} set_params;
static_assert(
    sizeof(set_params) == 64,
    "native form of (own<response-outparam>, result<own<outgoing-response>, error-code>)");

typedef struct inform_params {
  uint32_t self;
  uint16_t status;
  uint32_t headers;
} inform_params;

/* Tells who waits for the response that there is none. */
static void fail(tn_http_message *outparam, tn_http_code code, tn_str detail) {
  if (outparam->exchange != NULL)
    outparam->responder->failed(outparam->responder_data, code, detail);
}

/* RFC 9110, 15.2: an informational status is no answer. */
static bool is_final(uint16_t status) {
  return status >= 200;
}

static tn_http_outgoing *send_head(tn_http_message *outparam,
                                   const tn_http_outgoing_message *response) {
  if (outparam->exchange == NULL) return NULL;
  if (!is_final(response->status)) {
    fail(outparam, TN_HTTP_HTTP_PROTOCOL_ERROR,
         TN_STR("the guest gave an informational status as its response"));
    return NULL;
  }
  outparam->is_bodyless |= tn_http_is_bodyless(response->status);
  const tn_http_response head = {
      .status = response->status,
      .fields = *response->fields->list,
      .body_length = tn_http_body_length(response->body),
  };
  return outparam->responder->respond(outparam->responder_data, &head);
}

/* What the guest had already written of the body goes out before it goes on: only then may its instance end. */
static tn_error *respond(tn_call *call, tn_http_message *outparam,
                         tn_http_outgoing_message *response) {
  tn_http_body *body = response->body;
  tn_http_body_attach(body, outparam, send_head(outparam, response));
  if (body != NULL) body->references++;
  tn_http_outgoing_message_delete(response);
  if (body == NULL) return NULL;
  tn_error *error = tn_http_body_wait_taken(body, tn_call_runtime(call));
  tn_http_body_release(body);
  return error;
}

tn_error *tn_http_response_outparam_set(tn_call *call, void *data, const void *params,
                                        void *result) {
  (void)data, (void)result;
  const set_params *in = params;
  tn_http_message *outparam = tn_http_consume(call, TN_SLOT_HTTP_RESPONSE_OUTPARAM, in->self);
  tn_error *error = NULL;
  if (in->response.is_error) {
    const tn_http_error_code *code = &in->response.error;
    bool has_text = code->tag == TN_HTTP_INTERNAL_ERROR && code->text.is_some;
    fail(outparam, (tn_http_code)code->tag, has_text ? code->text.value : (tn_str){0});
  } else {
    error = respond(call, outparam,
                    tn_http_consume(call, TN_SLOT_HTTP_OUTGOING_RESPONSE, in->response.handle));
  }
  tn_http_message_release(outparam);
  return error;
}

tn_error *tn_http_response_outparam_inform(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  const inform_params *in = params;
  tn_http_result *out = result;
  tn_http_message *outparam = tn_http_object_of(call, TN_SLOT_HTTP_RESPONSE_OUTPARAM, in->self);
  tn_http_fields_object *fields = tn_http_consume(call, TN_SLOT_HTTP_FIELDS, in->headers);
  const tn_http_response head = {.status = in->status, .fields = *fields->list};
  if (in->status < 100 || is_final(in->status)) {
    tn_http_fail(out, TN_HTTP_HTTP_PROTOCOL_ERROR, (tn_str){0});
  } else if (outparam->exchange == NULL) {
    tn_http_fail(out, TN_HTTP_CONNECTION_TERMINATED, (tn_str){0});
  } else if (!outparam->responder->inform(outparam->responder_data, &head)) {
    tn_http_fail(out, TN_HTTP_INTERNAL_ERROR, TN_STR("no such response can be sent here"));
  }
  tn_http_fields_release(fields);
  return NULL;
}

void tn_http_drop_response_outparam(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_message *outparam =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_RESPONSE_OUTPARAM, representation);
  tn_wasi_slot_remove(wasi, representation);
  fail(outparam, TN_HTTP_INTERNAL_ERROR, TN_STR("the guest gave no response"));
  tn_http_message_release(outparam);
}
