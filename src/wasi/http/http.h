/* wasi:http 0.2: types, outgoing-handler, and the way in for incoming-handler. Stands between an instance and the
 * messages of src/http/message.h; sees no sockets. Written so that another version of the interface can stand beside
 * this one on the same messages. */
#ifndef TN_WASI_HTTP_HTTP_H
#define TN_WASI_HTTP_HTTP_H

#include "http/client/client.h"
#include "http/message.h"
#include "wasi/wasi.h"

/* Defines wasi:http/types and wasi:http/outgoing-handler (all 0.2.x). */
tn_error *tn_wasi_http_define(tn_linker *linker);

/* The state of one instance, runtime->states[TN_STATE_HTTP]. */
typedef struct tn_wasi_http tn_wasi_http;

typedef struct tn_wasi_http_options {
  tn_wasi *wasi;
  /* For outgoing-handler; outlives the instance. NULL: made on the instance's loop at the first call. */
  tn_http_client *client;
  /* Fields added to each outgoing request, such as traceparent; lives as long as the instance. */
  const tn_http_fields *outgoing_fields;
  uint32_t max_fields_bytes; /* of one `fields` resource; 0: a default */
} tn_wasi_http_options;

tn_error *tn_wasi_http_new(const tn_wasi_http_options *options, tn_wasi_http **out);
/* After tn_wasi_delete, which gives back what the guest has left behind in it. Without a state of a server's, one is
 * made when the guest first needs it, and deleted with the tn_wasi. */
void tn_wasi_http_delete(tn_wasi_http *http);
/* The same as both, for another guest, with the memory that it has. */
void tn_wasi_http_renew(tn_wasi_http *http, const tn_wasi_http_options *options);
/* Between the guest's end and that: gives back the memory that only an unusual guest needs. */
void tn_wasi_http_shrink(tn_wasi_http *http);

/* Who takes the response of a request: called by response-outparam.set and send-informational. */
typedef struct tn_wasi_http_responder {
  /* Gives the body to write to, or NULL when nobody listens any more (the guest then sees a closed stream). */
  tn_http_outgoing *(*respond)(void *data, const tn_http_response *head);
  bool (*inform)(void *data, const tn_http_response *head);
  /* The guest gave an error instead of a response, or gave its response-outparam up without one; `detail` may be
   * empty. Not called when the instance ends or the exchange is forgotten with neither. */
  void (*failed)(void *data, tn_http_code code, tn_str detail);
} tn_wasi_http_responder;

/* Makes the resources incoming-request and response-outparam for a call of `incoming-handler.handle`. The exchange
 * outlives both (the caller releases it only after the instance has dropped them or tn_wasi_http_forget). */
tn_error *tn_wasi_http_accept(tn_wasi_http *http, tn_http_exchange *exchange,
                              const tn_wasi_http_responder *responder, void *data,
                              uint32_t *request, uint32_t *response_outparam);
/* Cuts all resources that the guest still holds of an exchange off from it (they behave as if the client had gone), so
 * that the exchange may be released while the instance lives on. A response that the guest has not finished is
 * aborted. */
void tn_wasi_http_forget(tn_wasi_http *http, tn_http_exchange *exchange);

/* The exported `wasi:http/incoming-handler@0.2.x#handle`: its native parameters. */
typedef struct tn_wasi_http_handle_params {
  uint32_t request;
  uint32_t response_outparam;
} tn_wasi_http_handle_params;

/* Frees the object of a slot of a kind above TN_SLOT_HTTP that the guest left behind: for tn_wasi_delete. */
void tn_wasi_http_close(tn_slot_kind kind, void *object);

#endif
