/* One TLS connection. OpenSSL reads and writes the socket itself, through a BIO of ours: its own socket BIO
 * would raise SIGPIPE in a program that has not switched it off, which is not a library's to do. */
#include "http/tls_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/error.h"

enum {
  RECORD_SIZE = 16384,             /* the largest that TLS has */
  RECORD_ROOM = RECORD_SIZE + 256, /* encrypted */
  BATCH_RECORDS = 4,               /* of a long write, so many go out in one system call */
  HOST_SIZE = 256,
};

/* Invariants: once `failure` is set, OpenSSL is not called any more; `batch` is there only while encrypted bytes wait for
 * the socket, batch_start < batch_end then, and nothing is sent before them. */
struct tn_tls_session {
  SSL *ssl;
  tn_tls_context *context;
  int descriptor;
  bool read_wants_write;
  bool write_wants_read;
  bool at_end; /* the socket's end has been read */
  bool is_established;
  int system_error; /* of the last call on the socket that failed */
  int alert;        /* the last one received that is not a close-notify, or -1 */
  int64_t failure;  /* 0: none so far */
  uint8_t *batch;   /* records that the socket has not taken */
  size_t batch_start, batch_end;
  bool is_batching; /* records are gathered in `batch` */
  size_t held; /* bytes that are in the batch, but were not said to be written: offered again */
  char host[HOST_SIZE]; /* clients */
  char problem[160];
};

/* ---- the socket, as OpenSSL sees it -------------------------------------------------------------------- */

static int socket_result(BIO *bio, ssize_t result, int retry) {
  if (result >= 0) return (int)result;
  tn_tls_session *session = BIO_get_data(bio);
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  else
    session->system_error = errno;
  return -1;
}

static ssize_t socket_send(const tn_tls_session *session, const void *bytes, size_t size) {
  ssize_t result;
  do
    result = send(session->descriptor, bytes, size, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  return result;
}

static void batch_free(tn_tls_session *session) {
  tn_free(session->batch);
  session->batch = NULL;
  session->batch_start = session->batch_end = 0;
}

/* Sends what is in the batch: 1 when all has gone, else as `send`. */
static ssize_t batch_send(tn_tls_session *session) {
  while (session->batch_start < session->batch_end) {
    ssize_t sent = socket_send(session, session->batch + session->batch_start,
                               session->batch_end - session->batch_start);
    if (sent < 0) return sent;
    session->batch_start += (size_t)sent;
  }
  session->batch_start = session->batch_end = 0;
  return 1;
}

static int socket_write(BIO *bio, const char *bytes, int size) {
  tn_tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (session->is_batching &&
      (size_t)size <= (size_t)BATCH_RECORDS * RECORD_ROOM - session->batch_end) {
    memcpy(session->batch + session->batch_end, bytes, (size_t)size);
    session->batch_end += (size_t)size;
    return size;
  }
  ssize_t result = batch_send(session);
  if (result > 0) result = socket_send(session, bytes, (size_t)size);
  return socket_result(bio, result, BIO_FLAGS_WRITE);
}

static int socket_read(BIO *bio, char *out, int size) {
  tn_tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t result;
  do
    result = recv(session->descriptor, out, (size_t)size, 0);
  while (result < 0 && errno == EINTR);
  if (result == 0) session->at_end = true;
  return socket_result(bio, result, BIO_FLAGS_READ);
}

static long socket_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  const tn_tls_session *session = BIO_get_data(bio);
  switch (command) {
  case BIO_CTRL_FLUSH:
    return 1;
  case BIO_CTRL_EOF:
    return session != NULL && session->at_end;
  default:
    return 0;
  }
}

BIO_METHOD *tn_tls_bio_method_new(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tenon socket");
  if (method == NULL) return NULL;
  BIO_meth_set_write(method, socket_write);
  BIO_meth_set_read(method, socket_read);
  BIO_meth_set_ctrl(method, socket_control);
  return method;
}

/* ---- beginning and end ----------------------------------------------------------------------------------- */

const char *tn_tls_take_reason(void) {
  unsigned long error = ERR_get_error();
  const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == NULL ? "no reason given" : reason;
}

static bool session_set_host(tn_tls_session *session) {
  X509_VERIFY_PARAM *parameters = SSL_get0_param(session->ssl);
  uint8_t address[16];
  bool is_address = inet_pton(AF_INET, session->host, address) == 1 ||
                    inet_pton(AF_INET6, session->host, address) == 1;
  if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(parameters, session->host) == 1;
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(session->ssl, session->host) == 1 &&
         X509_VERIFY_PARAM_set1_host(parameters, session->host, 0) == 1;
}

static tn_error *session_init_client(tn_tls_session *session, tn_str host) {
  /* "[::1]" is how a URI spells it. */
  if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
    host = tn_str_slice(host, 1, host.len - 1);
  if (host.len == 0 || host.len >= HOST_SIZE || memchr(host.data, 0, host.len) != NULL)
    return tn_error_new(TN_ERROR_ARGUMENT, "TLS needs the name of a host");
  memcpy(session->host, host.data, host.len);
  if (!session_set_host(session)) {
    ERR_clear_error();
    return tn_error_new(TN_ERROR_ARGUMENT, "TLS cannot be spoken with a host called \"%s\"",
                        session->host);
  }
  SSL_SESSION *resumption = tn_tls_context_take_resumption(session->context, session->host);
  if (resumption != NULL) SSL_set_session(session->ssl, resumption);
  SSL_SESSION_free(resumption);
  SSL_set_connect_state(session->ssl);
  return NULL;
}

tn_error *tn_tls_session_new(tn_tls_context *context, int descriptor, tn_str host,
                             tn_tls_session **out) {
  tn_tls_session *session = tn_calloc(1, sizeof *session);
  if (session == NULL) return tn_error_no_memory();
  session->context = tn_tls_context_retain(context);
  session->descriptor = descriptor;
  session->alert = -1;
  ERR_clear_error();
  tn_error *error = tn_tls_context_connect(context, &session->ssl);
  BIO *bio = error == NULL ? BIO_new(tn_tls_context_bio_method(context)) : NULL;
  if (error == NULL && bio == NULL) error = tn_error_no_memory();
  if (bio != NULL) {
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_app_data(session->ssl, session);
  }
  if (error == NULL && tn_tls_context_is_server(context))
    SSL_set_accept_state(session->ssl);
  else if (error == NULL)
    error = session_init_client(session, host);
  if (error != NULL) {
    ERR_clear_error();
    tn_tls_session_delete(session);
    return error;
  }
  *out = session;
  return NULL;
}

void tn_tls_session_delete(tn_tls_session *session) {
  if (session == NULL) return;
  /* A session that ends without a close-notify may be resumed all the same, as HTTP knows its messages' ends. */
  if (session->ssl != NULL && session->is_established)
    SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN);
  SSL_free(session->ssl);
  batch_free(session);
  tn_tls_context_release(session->context);
  tn_free(session);
}

void tn_tls_session_on_info(const SSL *ssl, int where, int value) {
  /* `value` is the alert's level and description; TLS 1.3 has no levels (RFC 8446 section 6). */
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT || (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
    return;
  tn_tls_session *session = SSL_get_app_data(ssl);
  if (session != NULL) session->alert = value & 0xff;
}

int tn_tls_session_on_resumption(SSL *ssl, SSL_SESSION *resumption) {
  tn_tls_session *session = SSL_get_app_data(ssl);
  if (session == NULL || session->host[0] == 0) return 0;
  tn_tls_context_keep_resumption(session->context, session->host, resumption);
  return 1; /* it is ours now */
}

/* ---- what went wrong ------------------------------------------------------------------------------------- */

static int64_t session_fail(tn_tls_session *session, tn_http_code code, const char *problem) {
  snprintf(session->problem, sizeof session->problem, "%s", problem);
  session->failure = tn_http_failure(code);
  return session->failure;
}

static int64_t session_fail_protocol(tn_tls_session *session) {
  unsigned long error = ERR_peek_error();
  int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  if (session->alert >= 0) {
    ERR_clear_error();
    snprintf(session->problem, sizeof session->problem, "the peer sent the TLS alert \"%s\"",
             SSL_alert_desc_string_long(session->alert));
    session->failure = tn_http_failure(TN_HTTP_TLS_ALERT_RECEIVED);
    return session->failure;
  }
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return session_fail(session, TN_HTTP_CONNECTION_TERMINATED,
                        "the peer closed the connection in the middle");
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    return session_fail(session, TN_HTTP_TLS_CERTIFICATE_ERROR,
                        X509_verify_cert_error_string(SSL_get_verify_result(session->ssl)));
  }
  bool is_certificate = reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  return session_fail(session,
                      is_certificate ? TN_HTTP_TLS_CERTIFICATE_ERROR : TN_HTTP_TLS_PROTOCOL_ERROR,
                      tn_tls_take_reason());
}

/* What a call that gave `result` means: 0 (wait), the end, or a failure, which stays. */
static int64_t session_result(tn_tls_session *session, int result, bool is_write) {
  switch (SSL_get_error(session->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    session->write_wants_read = is_write;
    return 0;
  case SSL_ERROR_WANT_WRITE:
    session->read_wants_write = !is_write;
    return 0;
  case SSL_ERROR_ZERO_RETURN:
    session->failure = TN_HTTP_END;
    return session->failure;
  case SSL_ERROR_SYSCALL:
    ERR_clear_error();
    return session_fail(session,
                        session->system_error == ETIMEDOUT ? TN_HTTP_CONNECTION_TIMEOUT
                                                           : TN_HTTP_CONNECTION_TERMINATED,
                        session->system_error == 0 ? "the peer closed the connection"
                                                   : strerrordesc_np(session->system_error));
  default:
    return session_fail_protocol(session);
  }
}

const char *tn_tls_session_problem(const tn_tls_session *session) {
  return session->problem[0] == 0 ? NULL : session->problem;
}

bool tn_tls_session_alert(const tn_tls_session *session, uint8_t *id, const char **text) {
  if (session->alert < 0) return false;
  *id = (uint8_t)session->alert;
  *text = SSL_alert_desc_string_long(session->alert);
  return true;
}

/* ---- bytes ------------------------------------------------------------------------------------------------- */

int64_t tn_tls_session_handshake(tn_tls_session *session) {
  if (session->failure != 0) return session->failure;
  ERR_clear_error();
  int result = SSL_do_handshake(session->ssl);
  if (result == 1) {
    session->is_established = true;
    return 1;
  }
  /* Whatever the socket is waited for, the handshake is tried again by whatever event comes. */
  int64_t failure = session_result(session, result, false);
  if (failure != TN_HTTP_END) return failure;
  return session_fail(session, TN_HTTP_CONNECTION_TERMINATED,
                      "the peer closed the connection in the handshake");
}

/* Fills `out` as far as there are whole records, so that few calls give much. What ended it is found again
 * by the next call, as `failure` or from OpenSSL. */
int64_t tn_tls_session_read(tn_tls_session *session, uint8_t *out, size_t size) {
  if (session->failure != 0) return session->failure;
  session->read_wants_write = false;
  size_t filled = 0;
  while (filled < size) {
    size_t got = 0;
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, out + filled, size - filled, &got);
    if (result == 1) {
      filled += got;
      continue;
    }
    int64_t outcome = session_result(session, result, false);
    return filled > 0 ? (int64_t)filled : outcome;
  }
  return (int64_t)filled;
}

/* Encrypts one record; gives how many of the bytes it took. */
static int64_t session_write_record(tn_tls_session *session, const uint8_t *bytes, size_t size) {
  size_t taken = 0;
  ERR_clear_error();
  int result = SSL_write_ex(session->ssl, bytes, size, &taken);
  if (result == 1) return (int64_t)taken;
  int64_t outcome = session_result(session, result, true);
  /* The end of what the peer sends is none for what we send. */
  return outcome == TN_HTTP_END ? tn_http_failure(TN_HTTP_CONNECTION_TERMINATED) : outcome;
}

/* A place in a list of parts. */
typedef struct part_cursor {
  const struct iovec *parts;
  int count;
  size_t offset; /* in parts[0] */
} part_cursor;

static void cursor_advance(part_cursor *cursor, size_t size) {
  while (cursor->count > 0) {
    size_t left = cursor->parts->iov_len - cursor->offset;
    if (size < left) break;
    size -= left;
    cursor->parts++;
    cursor->count--;
    cursor->offset = 0;
  }
  cursor->offset += size;
}

/* The next record's bytes: where they lie when one part has enough, else gathered. */
static size_t cursor_gather(const part_cursor *from, uint8_t room[RECORD_SIZE],
                            const uint8_t **bytes) {
  part_cursor cursor = *from;
  size_t filled = 0;
  while (cursor.count > 0 && filled < RECORD_SIZE) {
    const uint8_t *data = (const uint8_t *)cursor.parts->iov_base + cursor.offset;
    size_t size = cursor.parts->iov_len - cursor.offset;
    if (filled == 0 && (size >= RECORD_SIZE || cursor.count == 1)) {
      *bytes = data;
      return size < RECORD_SIZE ? size : RECORD_SIZE;
    }
    if (size > RECORD_SIZE - filled) size = RECORD_SIZE - filled;
    memcpy(room + filled, data, size);
    filled += size;
    cursor_advance(&cursor, size);
  }
  *bytes = room;
  return filled;
}

/* 1 when nothing waits any more, 0 when the socket takes nothing now, or a failure. */
static int64_t session_flush(tn_tls_session *session) {
  if (session->batch == NULL || batch_send(session) > 0) return 1;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  session->system_error = errno;
  tn_http_code code =
      errno == ETIMEDOUT ? TN_HTTP_CONNECTION_TIMEOUT : TN_HTTP_CONNECTION_TERMINATED;
  return session_fail(session, code, strerrordesc_np(session->system_error));
}

/* Encrypts up to so many records, into the batch if there is one. Gives the bytes taken, 0, or a failure. */
static int64_t session_write_records(tn_tls_session *session, part_cursor *cursor, int records) {
  uint8_t room[RECORD_SIZE];
  int64_t written = 0;
  for (int i = 0; i < records && cursor->count > 0; i++) {
    const uint8_t *bytes;
    size_t size = cursor_gather(cursor, room, &bytes);
    int64_t taken = session_write_record(session, bytes, size);
    if (taken <= 0) return written > 0 ? written : taken;
    written += taken;
    session->held = (size_t)taken;
    cursor_advance(cursor, (size_t)taken);
  }
  return written;
}

/* Long writes are gathered, so that the system is called for several records at once. What is in a batch that the socket
 * has not taken is not said to be written, or rather not its last record: so that whoever writes comes back, and does not
 * close before all of it has left. */
static int64_t session_write_batches(tn_tls_session *session, part_cursor *cursor) {
  int64_t written = 0;
  while (cursor->count > 0) {
    session->is_batching = true;
    int64_t taken = session_write_records(session, cursor, BATCH_RECORDS);
    session->is_batching = false;
    if (taken <= 0) return written > 0 ? written : taken;
    written += taken;
    int64_t flushed = session_flush(session);
    if (flushed < 0) return flushed;
    if (flushed == 0) return written - (int64_t)session->held;
    session->held = 0;
  }
  return written;
}

static size_t parts_size(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++)
    size += parts[i].iov_len;
  return size;
}

int64_t tn_tls_session_write(tn_tls_session *session, const struct iovec *parts, int count) {
  if (session->failure != 0 && session->failure != TN_HTTP_END) return session->failure;
  session->write_wants_read = false;
  part_cursor cursor = {parts, count, 0};
  cursor_advance(&cursor, 0);
  int64_t written = 0;
  if (session->batch != NULL) {
    int64_t flushed = session_flush(session);
    if (flushed <= 0) return flushed;
    written = (int64_t)session->held;
    cursor_advance(&cursor, session->held);
    session->held = 0;
  }
  /* Without memory for a batch each record goes out alone. */
  bool is_long = parts_size(parts, count) > RECORD_SIZE;
  if (is_long && session->batch == NULL)
    session->batch = tn_malloc((size_t)BATCH_RECORDS * RECORD_ROOM);
  int64_t result = session->batch != NULL ? session_write_batches(session, &cursor)
                                          : session_write_records(session, &cursor, INT_MAX);
  if (session->batch_end == 0) {
    session->held = 0;
    batch_free(session);
  }
  return result < 0 && written == 0 ? result : written + (result < 0 ? 0 : result);
}

void tn_tls_session_shutdown(tn_tls_session *session) {
  if (!session->is_established || (session->failure != 0 && session->failure != TN_HTTP_END))
    return;
  ERR_clear_error();
  SSL_shutdown(session->ssl);
  ERR_clear_error();
}

int tn_tls_session_events(const tn_tls_session *session, int events) {
  int result = events;
  if (session->read_wants_write && (events & TN_WRITABLE)) result |= TN_READABLE;
  if (session->write_wants_read && (events & TN_READABLE)) result |= TN_WRITABLE;
  return result;
}

bool tn_tls_session_is_http2(const tn_tls_session *session) {
  const unsigned char *name;
  unsigned size;
  SSL_get0_alpn_selected(session->ssl, &name, &size);
  return size == 2 && memcmp(name, "h2", 2) == 0;
}
