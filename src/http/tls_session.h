/* TLS on one connection, for transport.c; results are those of tn_transport_read and its siblings. */
#ifndef TN_HTTP_TLS_SESSION_H
#define TN_HTTP_TLS_SESSION_H

#include <openssl/ssl.h>
#include <sys/uio.h>

#include "http/message.h"
#include "http/tls.h"
#include "http/transport.h"

/* `descriptor` stays the caller's. A server when the context is a server's, else a client of `host`, which is
 * verified. */
tn_error *tn_tls_session_new(tn_tls_context *context, int descriptor, tn_str host,
                             tn_tls_session **out);
/* NULL: nothing happens. */
void tn_tls_session_delete(tn_tls_session *session);
int64_t tn_tls_session_handshake(tn_tls_session *session);
int64_t tn_tls_session_read(tn_tls_session *session, uint8_t *out, size_t size);
int64_t tn_tls_session_write(tn_tls_session *session, const struct iovec *parts, int count);
void tn_tls_session_shutdown(tn_tls_session *session);
/* Which events to tell the owner when the socket has these: a read may have waited for the socket to take
 * something, and a write for it to give something. */
int tn_tls_session_events(const tn_tls_session *session, int events);
bool tn_tls_session_is_http2(const tn_tls_session *session);
const char *tn_tls_session_problem(const tn_tls_session *session);
bool tn_tls_session_alert(const tn_tls_session *session, uint8_t *id, const char **text);

/* ---- what a session needs of its context (tls.c) ---------------------------------------------------- */

/* A new connection's state under the certificates of now, in the right role. */
tn_error *tn_tls_context_connect(tn_tls_context *context, SSL **out);
bool tn_tls_context_is_server(const tn_tls_context *context);
/* The kind of BIO that sessions read and write through. */
const BIO_METHOD *tn_tls_context_bio_method(const tn_tls_context *context);
/* Clients: what an earlier connection to the host left behind to be resumed; the caller's, or NULL. Each is
 * given once, so that nobody who watches can tell that two connections belong together (RFC 8446 appendix
 * C.4). */
SSL_SESSION *tn_tls_context_take_resumption(tn_tls_context *context, const char *host);
/* Takes `resumption`. */
void tn_tls_context_keep_resumption(tn_tls_context *context, const char *host,
                                    SSL_SESSION *resumption);

/* ---- what a context needs of its sessions (tls_session.c) -------------------------------------------- */

/* Makes that kind of BIO; NULL when out of memory. */
BIO_METHOD *tn_tls_bio_method_new(void);
/* For SSL_CTX_set_info_callback and SSL_CTX_sess_set_new_cb. */
void tn_tls_session_on_info(const SSL *ssl, int where, int value);
int tn_tls_session_on_resumption(SSL *ssl, SSL_SESSION *resumption);
/* The oldest entry of this thread's OpenSSL errors in words, never NULL; the queue is empty afterwards. */
const char *tn_tls_take_reason(void);

#endif
