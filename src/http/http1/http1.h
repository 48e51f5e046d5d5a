/* HTTP/1.1 on the wire (RFC 9112): heads and the chunked coding, for the server's and the client's connections.
 * Works on bytes only. Strict: what could be read in two ways is refused. */
#ifndef TN_HTTP_HTTP1_HTTP1_H
#define TN_HTTP_HTTP1_HTTP1_H

#include "base/buffer.h"
#include "http/message.h"

typedef enum tn_http1_body {
  TN_HTTP1_NO_BODY,
  TN_HTTP1_LENGTH,
  TN_HTTP1_CHUNKED,
  TN_HTTP1_UNTIL_CLOSE, /* responses only */
} tn_http1_body;

/* What a head says of its connection and of the body behind it. */
typedef struct tn_http1_framing {
  tn_http1_body body;
  uint64_t length; /* for LENGTH */
  bool keep_alive; /* the connection may be used for another message afterwards */
  bool expects_continue;
  bool is_upgrade; /* asks for, or (101) switches to, another protocol */
} tn_http1_framing;

/* Why a head was refused: the status that says so to a client, and words for a log. */
typedef struct tn_http1_refusal {
  int status;         /* 400, 414, 417, 431, 501, 503 (no memory), 505 */
  tn_http_code code;  /* the same as a client's error */
  const char *reason; /* static */
} tn_http1_refusal;

/* Finds the end of a head: gives its size, with the empty line, or 0 when there is more to come. *scanned
 * (0 at first) remembers how far earlier calls have looked, so that each byte is looked at once. A bare LF
 * counts as an end of line here, so that parsing gets to refuse it. */
size_t tn_http1_find_head_end(const uint8_t *bytes, size_t size, size_t *scanned);

/* Parse a whole head of `size` bytes. Strings of *out point into `bytes` (which the caller keeps), items
 * lie in the arena. Fields that frame the message or belong to the connection (Host, Content-Length is
 * kept, Transfer-Encoding, Connection and what it names, Keep-Alive, Upgrade …) go into framing and head
 * and are left out of the fields. True, or false with *refusal. */
bool tn_http1_parse_request(tn_arena *arena, const uint8_t *bytes, size_t size, uint32_t max_fields,
                            tn_http_request *out, tn_http1_framing *framing,
                            tn_http1_refusal *refusal);
/* `method`: of the request that it answers (HEAD and CONNECT have no body). */
bool tn_http1_parse_response(tn_arena *arena, const uint8_t *bytes, size_t size,
                             uint32_t max_fields, tn_str method, tn_http_response *out,
                             tn_http1_framing *framing, tn_http1_refusal *refusal);
/* Trailer lines up to and with the empty line. Framing and connection fields are refused. */
bool tn_http1_parse_trailers(tn_arena *arena, const uint8_t *bytes, size_t size,
                             uint32_t max_fields, tn_http_fields *out, tn_http1_refusal *refusal);

/* ---- the chunked coding --------------------------------------------------------------------------- */

/* Zeroed: before the first chunk. Size lines and the extensions of a whole body are bounded. */
typedef struct tn_http1_chunks {
  enum {
    TN_CHUNK_SIZE,
    TN_CHUNK_DATA,
    TN_CHUNK_DATA_END,
    TN_CHUNK_TRAILERS, /* the last chunk has been seen: trailer lines follow, parsed by the caller */
  } state;
  uint8_t part;        /* where in a size line, or in the CRLF behind data */
  uint32_t line;       /* bytes of the size line so far, extensions included */
  uint32_t extensions; /* bytes of extensions in all lines so far */
  uint64_t left;       /* of the chunk's data */
} tn_http1_chunks;

/* Consumes framing up to the next data, the trailers or the end of `bytes`. *used: bytes consumed. False:
 * malformed. In state DATA, `left` > 0 bytes of data follow, which the caller takes and subtracts. */
bool tn_http1_chunks_advance(tn_http1_chunks *chunks, const uint8_t *bytes, size_t size,
                             size_t *used);
/* "1a\r\n" before `size` bytes of data; after them goes "\r\n". */
void tn_http1_chunk_head(tn_buffer *out, size_t size);

/* ---- writing --------------------------------------------------------------------------------------- */

/* Start line and fields without the empty line. The caller adds framing and what is about the connection:
 * hop-by-hop fields (but "TE: trailers"), Content-Length and Host are left out; a request gets its Host
 * from `authority`. Names and values are valid (tn_http_is_field_name, tn_http_is_field_value). */
void tn_http1_write_request_head(tn_buffer *out, const tn_http_request *request,
                                 bool absolute_target);
void tn_http1_write_response_head(tn_buffer *out, const tn_http_response *response);
/* The fields alone, as the heads do: for trailers. */
void tn_http1_write_fields(tn_buffer *out, const tn_http_fields *fields);
/* "" for a status without one. */
const char *tn_http_reason_phrase(int status);
/* "Sun, 06 Nov 1994 08:49:37 GMT" of the time `now` (seconds since 1970), written into `room`. */
tn_str tn_http_date(char room[32], int64_t now);

#endif
