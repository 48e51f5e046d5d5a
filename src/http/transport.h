/* A connected stream socket, plain or TLS, for the connections of this folder. Edge-triggered: after a call has
 * given 0 (not now), `on_ready` is called when it is worth trying again. */
#ifndef TN_HTTP_TRANSPORT_H
#define TN_HTTP_TRANSPORT_H

#include <sys/uio.h>

#include "http/message.h"
#include "http/tls.h"
#include "loop/loop.h"

typedef struct tn_tls_session tn_tls_session;

typedef struct tn_transport tn_transport;

/* `events`: TN_READABLE and/or TN_WRITABLE. May delete the transport's owner. */
typedef void (*tn_transport_func)(tn_transport *transport, int events);

/* Embedded in its connection. Invariant: io.descriptor is open from start to stop. */
struct tn_transport {
  tn_io io;
  tn_transport_func on_ready;
  tn_tls_session *tls; /* NULL: plain */
  bool handshake_done; /* always true for plain ones */
  bool read_closed;    /* end of stream has been seen */
};

/* Takes the descriptor, which is non-blocking, over; also when it fails. With `context`, a handshake
 * starts: as a server, or as a client of `host` (SNI and verification) when host.len > 0. */
tn_error *tn_transport_start(tn_transport *transport, tn_loop *loop, int descriptor,
                             tn_transport_func on_ready, tn_tls_context *context, tn_str host);
/* Continues a handshake; called from on_ready until handshake_done. Gives 1 done, 0 not yet, or a failure
 * (TLS_PROTOCOL_ERROR, TLS_CERTIFICATE_ERROR, TLS_ALERT_RECEIVED, CONNECTION_TERMINATED). */
int64_t tn_transport_handshake(tn_transport *transport);
/* Whether ALPN settled on h2. */
bool tn_transport_is_http2(const tn_transport *transport);
/* Bytes read, 0 for none now, TN_HTTP_END, or a failure. */
int64_t tn_transport_read(tn_transport *transport, uint8_t *out, size_t size);
/* Bytes written (perhaps fewer than given), 0 for none now, or a failure. What was not taken has to be
 * offered again, as the first of what is written next, because TLS may have encrypted it already. Never
 * raises SIGPIPE. */
int64_t tn_transport_write(tn_transport *transport, const struct iovec *parts, int count);
/* What was wrong, in words, after a failure: "certificate has expired". Lives until the transport is stopped. */
const char *tn_transport_problem(const tn_transport *transport);
/* A TLS alert's number and text when a failure was TLS_ALERT_RECEIVED; else false. */
bool tn_transport_alert(const tn_transport *transport, uint8_t *id, const char **text);
/* Ends the sending direction (TLS: close-notify, best effort). */
void tn_transport_shutdown(tn_transport *transport);
/* Closes the descriptor. `reset`: with RST, so that nothing lingers. Zeroed or stopped: nothing happens. */
void tn_transport_stop(tn_transport *transport, bool reset);

#endif
