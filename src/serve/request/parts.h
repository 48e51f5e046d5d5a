/* Between the parts of a request's life: request.c, request_fields.c, request_queue.c, request_log.c. */
#ifndef TN_SERVE_REQUEST_PARTS_H
#define TN_SERVE_REQUEST_PARTS_H

#include "serve/request/request.h"
#include "serve/server.h"
#include "serve/worker.h"

/* Runs its guest: it has its permits. It may be over afterwards. */
void tn_request_start(tn_request *request);
/* Ends one that has no instance. */
void tn_request_refuse(tn_request *request, int status, const char *reason);

/* Begins the trace, and gives the request the fields that are the server's to set: traceparent, and the path that it is
 * mounted under. Those that came from outside are removed. False: out of memory. */
bool tn_request_set_fields(tn_request *request);

/* Starts it, queues it or refuses it. It may be over afterwards. */
void tn_request_enter(tn_request *request);
/* Takes it out of its queue. */
void tn_request_dequeue(tn_request *request);
/* Gives back the permits of one that was started. */
void tn_request_leave(tn_worker_component *component);

/* Counts it and logs it: it has been answered, or never will be. */
void tn_request_record(tn_request *request, uint64_t fuel);
/* For tn_http_handler.ended: counts how long it took, of those whose response had not left when they were recorded. */
void tn_request_record_end(void *data, const tn_http_exchange *exchange);
/* For tn_http_handler.refused. */
void tn_request_log_refused(void *data, const struct sockaddr *peer, int status,
                            const char *reason);

#endif
