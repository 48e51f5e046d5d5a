/* What is behind the resources of wasi:http. For the files of this folder only.
 *
 * An exchange or call has one `tn_http_message`; incoming-request, incoming-response, incoming-body, future-trailers,
 * future-incoming-response and response-outparam are views of it. Messages, bodies and fields are counted: each
 * resource, pollable and child holds a reference, so that they may go in any order. */
#ifndef TN_WASI_HTTP_STATE_H
#define TN_WASI_HTTP_STATE_H

#include "base/arena.h"
#include "wasi/http/http.h"
#include "wasi/http/native.h"
#include "wasi/io/io.h"
#include "wasi/egress.h"

enum {
  TN_SLOT_HTTP_FIELDS = TN_SLOT_HTTP + 1, /* tn_http_fields_object */
  TN_SLOT_HTTP_INCOMING_REQUEST,          /* tn_http_message, as are the next five */
  TN_SLOT_HTTP_INCOMING_RESPONSE,
  TN_SLOT_HTTP_INCOMING_BODY,
  TN_SLOT_HTTP_FUTURE_TRAILERS,
  TN_SLOT_HTTP_FUTURE_RESPONSE,
  TN_SLOT_HTTP_RESPONSE_OUTPARAM,
  TN_SLOT_HTTP_OUTGOING_REQUEST,  /* tn_http_outgoing_message */
  TN_SLOT_HTTP_OUTGOING_RESPONSE, /* likewise */
  TN_SLOT_HTTP_REQUEST_OPTIONS,   /* tn_http_request_options */
  TN_SLOT_HTTP_OUTGOING_BODY,     /* tn_http_body */
};

typedef struct tn_http_message tn_http_message;
typedef struct tn_http_body tn_http_body;

/* ---- the instance (http.c) --------------------------------------------------------------------------------- */

enum {
  CELL_SIZE = 512, /* every object of this folder fits */
  CELLS_AT_HAND = 8,
  DEFAULT_FIELDS_BYTES = 128 * 1024,
};

/* Memory for one object. */
typedef union tn_http_cell {
  union tn_http_cell *next; /* in the list of free ones */
  max_align_t alignment;
  uint8_t bytes[CELL_SIZE];
} tn_http_cell;

typedef struct tn_http_cell_block {
  struct tn_http_cell_block *next;
  tn_http_cell cells[CELLS_AT_HAND];
} tn_http_cell_block;

/* Invariants: `messages` has those that still have an exchange or a call; cells_used counts the cells of the first
 * block that were ever used, the others are used only when those are. */
struct tn_wasi_http {
  tn_wasi_http_options options;
  tn_http_client *own_client; /* made at the first call when the options have none */
  tn_http_message *messages;
  tn_http_cell *free_cells;
  tn_http_cell_block *blocks; /* all but the first */
  uint32_t cells_used;
  tn_http_cell first[CELLS_AT_HAND];
};

/* The state of the instance; made at the first use where no server has made it. */
tn_error *tn_http_state_of(tn_runtime *runtime, tn_wasi_http **out);
/* Room for an object, CELL_SIZE bytes, of which `size` are cleared; NULL when out of memory. */
void *tn_http_take(tn_wasi_http *http, size_t size);
void tn_http_give(tn_wasi_http *http, void *object);

static inline void *tn_http_object_of(tn_call *call, unsigned kind, uint32_t representation) {
  return tn_wasi_slot_get(tn_wasi_of_call(call), (tn_slot_kind)kind, representation);
}
/* Takes the object out of its slot: for resources that a function consumes. */
void *tn_http_consume(tn_call *call, unsigned kind, uint32_t representation);

/* ---- who waits (http.c) -------------------------------------------------------------------------------------- */

/* Those whose tn_wait is to be marked when something changes. Zeroed: none. */
typedef struct tn_http_waiters {
  struct tn_http_waiter *first;
} tn_http_waiters;

/* Arms: `wait` is marked by the next tn_http_waiters_wake. */
tn_error *tn_http_waiters_arm(tn_http_waiters *waiters, tn_wasi_http *http, tn_wait *wait,
                              tn_armed *armed);
void tn_http_waiters_wake(tn_http_waiters *waiters);

/* ---- fields (fields.c) ----------------------------------------------------------------------------------------- */

enum { FEW_FIELDS = 4, FEW_TEXT = 192 };

/* Invariants: with a message, it is immutable and `list` is that message's; else `list` is &own, and `bytes` is what
 * its fields count; kept_bytes is what was ever taken of `text` and `arena` for strings since the last clean-up. */
typedef struct tn_http_fields_object {
  tn_wasi_http *http;
  uint32_t references;
  bool is_immutable;
  tn_http_message *message;
  const tn_http_fields *list;
  tn_http_fields own;
  tn_arena arena;
  size_t bytes;
  size_t kept_bytes;
  uint32_t text_used;
  tn_http_field few[FEW_FIELDS];
  char text[FEW_TEXT];
} tn_http_fields_object;
static_assert(sizeof(tn_http_fields_object) <= CELL_SIZE, "fits a cell");

/* A view of a message's fields, as a resource. */
tn_error *tn_http_fields_view(tn_http_message *message, const tn_http_fields *list,
                              uint32_t *representation);
/* Another resource for the same object, which is immutable from now on. */
tn_error *tn_http_fields_share(tn_http_fields_object *fields, uint32_t *representation);
void tn_http_fields_release(tn_http_fields_object *fields);
/* Copies all of it into the arena; false when out of memory. */
bool tn_http_fields_copy(tn_arena *arena, const tn_http_fields *from, tn_http_fields *out);
/* Their bytes, with the overhead of each field. */
size_t tn_http_fields_size(const tn_http_fields *fields);
/* Content-Length: UNKNOWN when there is none; false when what there is makes no sense. */
bool tn_http_fields_length(const tn_http_fields *fields, uint64_t *length);

/* ---- messages that come in (message.c) --------------------------------------------------------------------------- */

typedef enum tn_http_message_state {
  TN_MESSAGE_WAITING, /* the response to a call */
  TN_MESSAGE_ARRIVED,
  TN_MESSAGE_FAILED, /* a call, with `code` and `detail` */
} tn_http_message_state;

/* Whether the call may go to an address: see tn_egress_may_connect. */
typedef struct tn_http_permission {
  const tn_egress_policy *policy;
  tn_egress_request request;
} tn_http_permission;

/* One exchange (server) or one call (client). Invariants: it is in http->messages if and only if it has `exchange` or
 * `call`; `incoming` is NULL before ARRIVED and once it is cut off; readers counts the references that may still
 * read `incoming`; the strings and fields lie in the exchange or call, or, once that is gone, in the arena. */
struct tn_http_message {
  tn_wasi_http *http;
  tn_http_message *next;
  tn_http_message *previous;
  uint32_t references;
  uint32_t readers;
  uint32_t response_pollables; /* live ones of future-incoming-response */
  uint32_t trailers_pollables; /* likewise of future-trailers */
  tn_http_message_state state;
  uint16_t status;
  bool is_consumed;       /* the body was handed out */
  bool is_streamed;       /* the stream of the body was handed out */
  bool has_live_stream;   /* and still lives */
  bool is_ended;          /* nothing more will be read: the end, a failure, abandoned */
  bool is_response_taken; /* the value of future-incoming-response was handed out */
  bool is_trailers_taken; /* that of future-trailers */
  bool is_answered;       /* response-outparam.set was called */
  bool is_bodyless;       /* the response to it has no body, whatever Content-Length says */
  tn_http_code code;
  int64_t end; /* how the body ended: TN_HTTP_END or a failure; 0: it has not */
  tn_str detail;
  tn_http_exchange *exchange;
  const tn_wasi_http_responder *responder;
  void *responder_data;
  tn_http_call *call;
  size_t call_size; /* what it was counted with */
  tn_http_incoming *incoming;
  /* counted; the body attached to it, while that has its tn_http_outgoing */
  tn_http_body *outgoing_body;
  tn_str method;
  tn_str scheme;
  tn_str authority;
  tn_str path;
  tn_http_fields fields;
  tn_http_fields trailers;
  tn_http_waiters readers_waiting;
  tn_http_permission permission;
  tn_arena arena;
};
static_assert(sizeof(tn_http_message) <= CELL_SIZE, "fits a cell");

/* With one reference. */
tn_http_message *tn_http_message_new(tn_wasi_http *http);
/* It has got its exchange or call: links it into http->messages. */
void tn_http_message_link(tn_http_message *message);
void tn_http_message_release(tn_http_message *message);
/* Counts memory of its call until that is released. */
void tn_http_message_count_call(tn_http_message *message, size_t size);
/* Takes `incoming` as its body. */
void tn_http_message_set_incoming(tn_http_message *message, tn_http_incoming *incoming);
/* Cuts it off from its exchange or call. */
void tn_http_message_cut(tn_http_message *message);
/* The response to a call will not come, if it has not already. `detail` is copied. */
void tn_http_message_fail(tn_http_message *message, tn_http_code code, tn_str detail);
/* A resource of this kind that may read; counts it. */
tn_error *tn_http_message_add_reader(tn_http_message *message, unsigned kind,
                                     uint32_t *representation);
/* A reference that could read is gone. */
void tn_http_message_release_reader(tn_http_message *message);
/* Something has changed: wakes those who wait for it. */
void tn_http_message_changed(void *message);
/* A pollable that is ready once `is_ready` says so. */
tn_error *tn_http_message_subscribe(tn_http_message *message, const tn_pollable_class *class,
                                    uint32_t *representation);
tn_error *tn_http_message_arm(void *message, tn_wait *wait, tn_armed *armed);

/* ---- messages that go out (outgoing.c) ---------------------------------------------------------------------------- */

/* Owned, with the size that it was counted with; zeroed: none. */
typedef struct tn_http_own_text {
  char *bytes;
  size_t size;
} tn_http_own_text;

/* An outgoing-request or outgoing-response. */
typedef struct tn_http_outgoing_message {
  tn_wasi_http *http;
  tn_http_fields_object *fields;
  tn_http_body *body; /* NULL: it was not asked for */
  uint16_t status;
  tn_http_named method;
  tn_http_optional_scheme scheme;
  tn_http_optional_string authority;
  tn_http_optional_string path;
  tn_http_own_text method_text; /* what those above refer to */
  tn_http_own_text scheme_text;
  tn_http_own_text authority_text;
  tn_http_own_text path_text;
} tn_http_outgoing_message;
static_assert(sizeof(tn_http_outgoing_message) <= CELL_SIZE, "fits a cell");

typedef struct tn_http_request_options {
  tn_wasi_http *http;
  tn_http_optional_u64 timeouts[3]; /* connect, first byte, between bytes */
} tn_http_request_options;

void tn_http_outgoing_message_delete(tn_http_outgoing_message *message);
void tn_http_request_options_delete(tn_http_request_options *options);

/* ---- bodies that go out (outgoing_body.c) ------------------------------------------------------------------------- */

enum { BODY_KEPT_MAX = 65536 };

typedef enum tn_http_body_state {
  TN_BODY_OPEN,
  TN_BODY_FINISHED,
  TN_BODY_ABORTED
} tn_http_body_state;

/* Invariants: kept[sent..len) are bytes that were written before somebody took them, at most BODY_KEPT_MAX; they go
 * first. With `outgoing` it has `message`, whose outgoing_body it is; a message outlives a body that is OPEN, by the
 * reference that holds_message stands for. Once it is attached and has no `outgoing`, nothing that is written
 * arrives. */
struct tn_http_body {
  tn_wasi_http *http;
  uint32_t references;
  tn_http_body_state state;
  bool is_request;
  bool is_attached;
  bool is_streamed;     /* write() was called */
  bool has_live_stream; /* and its stream lives */
  bool holds_message;
  int64_t failure;   /* what every further write gives; 0: none */
  uint64_t promised; /* Content-Length, or TN_HTTP_UNKNOWN_LENGTH */
  uint64_t written;
  uint8_t *kept;
  size_t sent;
  size_t len;
  size_t cap;
  tn_http_fields_object *trailers;
  tn_http_message *message;
  tn_http_outgoing *outgoing;
  tn_http_waiters writers_waiting;
};
static_assert(sizeof(tn_http_body) <= CELL_SIZE, "fits a cell");

/* The body of a message with these fields; two references: the message's and the resource's. *out stays NULL when
 * Content-Length makes no sense. */
tn_error *tn_http_body_add(tn_wasi_http *http, const tn_http_fields *fields, bool is_request,
                           tn_http_body **out, uint32_t *representation);
void tn_http_body_release(tn_http_body *body);
/* How long it is going to be, as far as is known now. `body` may be NULL: it is empty. */
uint64_t tn_http_body_length(const tn_http_body *body);
/* From now on it goes to `outgoing` (NULL: nobody takes it). `body` may be NULL: it is empty. */
void tn_http_body_attach(tn_http_body *body, tn_http_message *message, tn_http_outgoing *outgoing);
/* Waits until what was kept is taken. */
tn_error *tn_http_body_wait_taken(tn_http_body *body, tn_runtime *runtime);
/* Nobody takes it any more. */
void tn_http_body_cut(tn_http_body *body);
/* Ends it as incomplete, unless it has ended. */
void tn_http_body_abort(tn_http_body *body);

/* ---- values (value.c) ------------------------------------------------------------------------------------------------ */

tn_http_named tn_http_method_of(tn_str method);
tn_http_named tn_http_scheme_of(tn_str scheme);
/* The text of a method or scheme, which for `other` is the payload. */
tn_str tn_http_method_text(const tn_http_named *method);
tn_str tn_http_scheme_text(const tn_http_named *scheme);

/* A code without more to say, but for internal-error, which says `detail` (which may be empty). */
tn_http_error_code tn_http_error_code_of(tn_http_code code, tn_str detail);
/* How the message failed, with what its call knows of that. Its strings live as long as the call. */
tn_http_error_code tn_http_message_error(const tn_http_message *message, tn_http_code code);
/* result<_, error-code> */
static inline void tn_http_fail(tn_http_result *result, tn_http_code code, tn_str detail) {
  result->is_error = true;
  result->error = tn_http_error_code_of(code, detail);
}

/* ---- the functions of the interfaces -------------------------------------------------------------------------------- */

#define TN_HTTP_FUNC(name)                                                                         \
  tn_error *name(tn_call *call, void *data, const void *params, void *result)
#define TN_HTTP_DROP(name) void name(tn_runtime *runtime, void *data, uint32_t representation)

TN_HTTP_DROP(tn_http_drop_fields);
TN_HTTP_FUNC(tn_http_fields_constructor);
TN_HTTP_FUNC(tn_http_fields_from_list);
TN_HTTP_FUNC(tn_http_fields_get);
TN_HTTP_FUNC(tn_http_fields_has);
TN_HTTP_FUNC(tn_http_fields_set);
TN_HTTP_FUNC(tn_http_fields_delete);
TN_HTTP_FUNC(tn_http_fields_append);
TN_HTTP_FUNC(tn_http_fields_entries);
TN_HTTP_FUNC(tn_http_fields_clone);

TN_HTTP_DROP(tn_http_drop_incoming_request);
TN_HTTP_FUNC(tn_http_incoming_request_method);
TN_HTTP_FUNC(tn_http_incoming_request_path);
TN_HTTP_FUNC(tn_http_incoming_request_scheme);
TN_HTTP_FUNC(tn_http_incoming_request_authority);
TN_HTTP_FUNC(tn_http_incoming_request_headers);
TN_HTTP_FUNC(tn_http_incoming_request_consume);
TN_HTTP_DROP(tn_http_drop_incoming_response);
TN_HTTP_FUNC(tn_http_incoming_response_status);
TN_HTTP_FUNC(tn_http_incoming_response_headers);
TN_HTTP_FUNC(tn_http_incoming_response_consume);

TN_HTTP_DROP(tn_http_drop_incoming_body);
TN_HTTP_FUNC(tn_http_incoming_body_stream);
TN_HTTP_FUNC(tn_http_incoming_body_finish);
TN_HTTP_DROP(tn_http_drop_future_trailers);
TN_HTTP_FUNC(tn_http_future_trailers_subscribe);
TN_HTTP_FUNC(tn_http_future_trailers_get);

TN_HTTP_DROP(tn_http_drop_outgoing_request);
TN_HTTP_FUNC(tn_http_outgoing_request_constructor);
TN_HTTP_FUNC(tn_http_outgoing_request_body);
TN_HTTP_FUNC(tn_http_outgoing_request_method);
TN_HTTP_FUNC(tn_http_outgoing_request_set_method);
TN_HTTP_FUNC(tn_http_outgoing_request_path);
TN_HTTP_FUNC(tn_http_outgoing_request_set_path);
TN_HTTP_FUNC(tn_http_outgoing_request_scheme);
TN_HTTP_FUNC(tn_http_outgoing_request_set_scheme);
TN_HTTP_FUNC(tn_http_outgoing_request_authority);
TN_HTTP_FUNC(tn_http_outgoing_request_set_authority);
TN_HTTP_FUNC(tn_http_outgoing_request_headers);
TN_HTTP_DROP(tn_http_drop_outgoing_response);
TN_HTTP_FUNC(tn_http_outgoing_response_constructor);
TN_HTTP_FUNC(tn_http_outgoing_response_status);
TN_HTTP_FUNC(tn_http_outgoing_response_set_status);
TN_HTTP_FUNC(tn_http_outgoing_response_headers);
TN_HTTP_FUNC(tn_http_outgoing_response_body);
TN_HTTP_DROP(tn_http_drop_request_options);
TN_HTTP_FUNC(tn_http_request_options_constructor);
TN_HTTP_FUNC(tn_http_request_options_connect);
TN_HTTP_FUNC(tn_http_request_options_set_connect);
TN_HTTP_FUNC(tn_http_request_options_first_byte);
TN_HTTP_FUNC(tn_http_request_options_set_first_byte);
TN_HTTP_FUNC(tn_http_request_options_between_bytes);
TN_HTTP_FUNC(tn_http_request_options_set_between_bytes);

TN_HTTP_DROP(tn_http_drop_outgoing_body);
TN_HTTP_FUNC(tn_http_outgoing_body_write);
TN_HTTP_FUNC(tn_http_outgoing_body_finish);

TN_HTTP_DROP(tn_http_drop_response_outparam);
TN_HTTP_FUNC(tn_http_response_outparam_set);
TN_HTTP_FUNC(tn_http_response_outparam_inform);

TN_HTTP_DROP(tn_http_drop_future_response);
TN_HTTP_FUNC(tn_http_future_response_subscribe);
TN_HTTP_FUNC(tn_http_future_response_get);
TN_HTTP_FUNC(tn_http_outgoing_handle);

TN_HTTP_FUNC(tn_http_error_code_of_io_error);

extern const tn_host_interface tn_http_types_interface;
extern const tn_host_interface tn_http_outgoing_handler_interface;

#endif
