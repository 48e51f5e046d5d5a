/* Connected stream sockets: plain ones here, TLS by tls_session.c. */
#include "http/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "http/tls_session.h"

static void transport_ready(tn_io *io, int events) {
  tn_transport *transport = (tn_transport *)io;
  if (transport->tls != NULL) events = tn_tls_session_events(transport->tls, events);
  transport->on_ready(transport, events);
}

tn_error *tn_transport_start(tn_transport *transport, tn_loop *loop, int descriptor,
                             tn_transport_func on_ready, tn_tls_context *context, tn_str host) {
  *transport = (tn_transport){.on_ready = on_ready, .handshake_done = context == NULL};
  /* Answers are gathered before they are written, so that waiting for more only adds delay. Not every kind
   * of socket has it, and nothing is lost without. */
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  tn_error *error = NULL;
  if (context != NULL) error = tn_tls_session_new(context, descriptor, host, &transport->tls);
  if (error == NULL) error = tn_io_start(&transport->io, loop, descriptor, transport_ready);
  if (error == NULL) return NULL;
  tn_tls_session_delete(transport->tls);
  close(descriptor);
  *transport = (tn_transport){0};
  return error;
}

int64_t tn_transport_handshake(tn_transport *transport) {
  if (transport->handshake_done) return 1;
  int64_t result = tn_tls_session_handshake(transport->tls);
  transport->handshake_done = result == 1;
  return result;
}

bool tn_transport_is_http2(const tn_transport *transport) {
  return transport->tls != NULL && tn_tls_session_is_http2(transport->tls);
}

static int64_t transport_result(ssize_t result) {
  if (result >= 0) return result;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  return tn_http_failure(errno == ETIMEDOUT ? TN_HTTP_CONNECTION_TIMEOUT
                                            : TN_HTTP_CONNECTION_TERMINATED);
}

static int64_t transport_receive(int descriptor, uint8_t *out, size_t size) {
  ssize_t result;
  do
    result = recv(descriptor, out, size, 0);
  while (result < 0 && errno == EINTR);
  return result == 0 ? TN_HTTP_END : transport_result(result);
}

int64_t tn_transport_read(tn_transport *transport, uint8_t *out, size_t size) {
  if (size == 0) return 0;
  if (transport->read_closed) return TN_HTTP_END;
  int64_t result = transport->tls == NULL ? transport_receive(transport->io.descriptor, out, size)
                                          : tn_tls_session_read(transport->tls, out, size);
  if (result == TN_HTTP_END) transport->read_closed = true;
  return result;
}

static int64_t transport_send(int descriptor, const struct iovec *parts, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
  ssize_t result;
  do
    result = sendmsg(descriptor, &message, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  return transport_result(result);
}

int64_t tn_transport_write(tn_transport *transport, const struct iovec *parts, int count) {
  if (transport->tls != NULL) return tn_tls_session_write(transport->tls, parts, count);
  return transport_send(transport->io.descriptor, parts, count);
}

const char *tn_transport_problem(const tn_transport *transport) {
  const char *problem = transport->tls == NULL ? NULL : tn_tls_session_problem(transport->tls);
  return problem == NULL ? "the connection was closed" : problem;
}

bool tn_transport_alert(const tn_transport *transport, uint8_t *id, const char **text) {
  return transport->tls != NULL && tn_tls_session_alert(transport->tls, id, text);
}

void tn_transport_shutdown(tn_transport *transport) {
  if (transport->tls != NULL) tn_tls_session_shutdown(transport->tls);
  shutdown(transport->io.descriptor, SHUT_WR);
}

void tn_transport_stop(tn_transport *transport, bool reset) {
  if (transport->on_ready == NULL) return;
  transport->on_ready = NULL;
  tn_tls_session_delete(transport->tls);
  transport->tls = NULL;
  int descriptor = transport->io.descriptor;
  tn_io_stop(&transport->io);
  struct linger linger = {.l_onoff = 1};
  if (reset) setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(descriptor);
}
