/* A tunnel through an HTTP proxy: CONNECT (RFC 9110 9.3.6). */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/container.h"
#include "base/error.h"
#include "http/client/dial.h"

enum {
  MAX_ANSWER = 16384,
  MAX_FIELDS = 100,
};

static void write_request(tn_client_dial *dial) {
  const tn_client_target *target = &dial->origin->target;
  bool is_v6 = target->is_address && target->address.any.sa_family == AF_INET6;
  char authority[TN_CLIENT_HOST_SIZE + 16];
  int size = snprintf(authority, sizeof authority, is_v6 ? "[%s]:%u" : "%s:%u", target->host,
                      target->port);
  tn_http_request request = {.method = TN_STR("CONNECT"), .authority = {authority, (size_t)size}};
  tn_http1_write_request_head(&dial->bytes, &request, false);
  tn_str authorization = dial->origin->proxy->authorization;
  if (authorization.len > 0)
    tn_buffer_format(&dial->bytes, "Proxy-Authorization: %" TN_STR_FORMAT "\r\n",
                     TN_STR_ARG(authorization));
  tn_buffer_append_text(&dial->bytes, "\r\n");
}

static void fail_io(tn_client_dial *dial) {
  tn_dial_fail(dial, false, TN_HTTP_CONNECTION_TERMINATED, "the proxy %s closed the connection",
               tn_dial_target(dial)->host);
}

/* True when all is sent. */
static bool send_request(tn_client_dial *dial) {
  if (dial->is_sent) return true;
  ssize_t sent = send(dial->descriptor, dial->bytes.data + dial->done, dial->bytes.len - dial->done,
                      MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) fail_io(dial);
    return false;
  }
  dial->done += (size_t)sent;
  if (dial->done < dial->bytes.len) return false;
  dial->bytes.len = 0;
  dial->done = 0;
  dial->is_sent = true;
  return true;
}

static tn_http_code code_of(uint16_t status) {
  switch (status) {
  case 407:
    return TN_HTTP_CONFIGURATION_ERROR;
  case 403:
    return TN_HTTP_HTTP_REQUEST_DENIED;
  case 504:
    return TN_HTTP_CONNECTION_TIMEOUT;
  default:
    return TN_HTTP_DESTINATION_UNAVAILABLE;
  }
}

/* A head of `size` bytes has come. */
static void take_answer(tn_client_dial *dial, size_t size) {
  const char *host = tn_dial_target(dial)->host;
  tn_http_response head;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  tn_arena scratch = {0};
  bool is_fine = tn_http1_parse_response(&scratch, (const uint8_t *)dial->bytes.data, size,
                                         MAX_FIELDS, TN_STR("CONNECT"), &head, &framing, &refusal);
  tn_arena_free(&scratch);
  if (!is_fine) {
    tn_dial_fail(dial, false, TN_HTTP_HTTP_PROTOCOL_ERROR,
                 "the proxy %s answered CONNECT with a bad head: %s", host, refusal.reason);
  } else if (head.status < 200) {
    dial->bytes.len -= size;
    memmove(dial->bytes.data, dial->bytes.data + size, dial->bytes.len);
    dial->done = 0;
  } else if (head.status > 299) {
    tn_dial_fail(dial, false, code_of(head.status),
                 "the proxy %s answered CONNECT to %s with status %u", host,
                 dial->origin->target.host, head.status);
  } else if (dial->bytes.len > size) {
    /* In TLS the client speaks first, so that these are not from where we want to go. */
    tn_dial_fail(dial, false, TN_HTTP_HTTP_PROTOCOL_ERROR,
                 "the proxy %s sent bytes behind its answer", host);
  } else {
    tn_io_stop(&dial->tunnel);
    tn_dial_tunneled(dial);
  }
}

/* Reads once; false: nothing more now, or it is over. */
static bool receive(tn_client_dial *dial) {
  if (!tn_buffer_reserve(&dial->bytes, 1024)) {
    tn_dial_fail(dial, false, TN_HTTP_INTERNAL_ERROR, "out of memory");
    return false;
  }
  ssize_t got = recv(dial->descriptor, dial->bytes.data + dial->bytes.len,
                     dial->bytes.cap - dial->bytes.len, 0);
  if (got > 0) {
    dial->bytes.len += (size_t)got;
    return true;
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) fail_io(dial);
  return got < 0 && errno == EINTR;
}

static void tunnel_ready(tn_io *io, int events) {
  (void)events;
  tn_client_dial *dial = TN_CONTAINER(io, tn_client_dial, tunnel);
  if (!send_request(dial) || !receive(dial)) return;
  size_t size =
      tn_http1_find_head_end((const uint8_t *)dial->bytes.data, dial->bytes.len, &dial->done);
  if (size > 0)
    take_answer(dial, size);
  else if (dial->bytes.len > MAX_ANSWER)
    tn_dial_fail(dial, false, TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE,
                 "the proxy's answer is too long");
}

void tn_dial_tunnel(tn_client_dial *dial) {
  dial->phase = TN_DIAL_TUNNELING;
  write_request(dial);
  tn_error *error = dial->bytes.failed
                        ? tn_error_no_memory()
                        : tn_io_start(&dial->tunnel, dial->loop, dial->descriptor, tunnel_ready);
  if (error == NULL) return;
  tn_dial_fail(dial, false, TN_HTTP_INTERNAL_ERROR, "%s", tn_error_get_message(error));
  tn_error_delete(error);
}
