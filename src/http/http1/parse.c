/* Heads and trailers of HTTP/1.1 messages, from bytes (RFC 9112 2 to 6). One pass over the bytes; what the
 * framing or the connection is about is recognised on the way and kept out of the fields. */
#include "http/characters.h"
#include "http/http1/http1.h"

/* More names in Connection than this are an attack: each is compared with every field. */
enum { MAX_CONNECTION_OPTIONS = 32 };

/* What is known of a head while it is read. Invariant: `at` <= `end`; lines before `at` are done. */
typedef struct parser {
  tn_arena *arena;
  const char *at;
  const char *end;
  tn_http1_refusal *refusal;
  tn_http_fields *fields;
  uint32_t max_fields;
  uint32_t field_count; /* all that were sent, also those kept out of `fields` */
  bool is_response;
  bool is_trailer;
  /* Of the fields that are about framing and connection: */
  bool has_host;
  bool has_length;
  bool has_transfer_encoding;
  bool says_close;
  bool says_keep_alive;
  bool expects_continue;
  bool has_upgrade;
  uint64_t length;
  tn_str host;
  uint32_t option_count;
  /* other names in Connection, MAX_CONNECTION_OPTIONS at most: fields to leave out */
  tn_str *options;
} parser;

static bool refuse(parser *p, int status, tn_http_code code, const char *reason) {
  *p->refusal = (tn_http1_refusal){status, code, reason};
  return false;
}

static bool refuse_malformed(parser *p, const char *reason) {
  return refuse(p, 400, TN_HTTP_HTTP_PROTOCOL_ERROR, reason);
}

static bool refuse_no_memory(parser *p) {
  return refuse(p, 503, TN_HTTP_INTERNAL_ERROR, "out of memory");
}

size_t tn_http1_find_head_end(const uint8_t *bytes, size_t size, size_t *scanned) {
  size_t at = *scanned;
  while (at < size) {
    const uint8_t *hit = memchr(bytes + at, '\n', size - at);
    if (hit == NULL) break;
    size_t end = (size_t)(hit - bytes);
    at = end + 1;
    size_t length = end; /* of the line that it ends, without a CR */
    if (length > 0 && bytes[length - 1] == '\r') length--;
    if (length == 0 || bytes[length - 1] == '\n') return at;
  }
  *scanned = size;
  return 0;
}

/* ---- lines ---------------------------------------------------------------------------------------- */

/* Steps over the CRLF at `p->at`. */
static bool take_line_end(parser *p, const char *what_else) {
  if (p->at == p->end) return refuse_malformed(p, "head without an empty line at its end");
  if (*p->at == '\n') return refuse_malformed(p, "line ended by a bare LF");
  if (*p->at != '\r') return refuse_malformed(p, what_else);
  if (p->end - p->at < 2 || p->at[1] != '\n') return refuse_malformed(p, "bare CR");
  p->at += 2;
  return true;
}

static tn_str take_while(parser *p, uint8_t kind) {
  const char *start = p->at;
  while (p->at < p->end && tn_http_is(*p->at, kind))
    p->at++;
  return (tn_str){start, (size_t)(p->at - start)};
}

static bool take_byte(parser *p, char byte) {
  if (p->at == p->end || *p->at != byte) return false;
  p->at++;
  return true;
}

static tn_str trim(tn_str value) {
  while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value.data++;
    value.len--;
  }
  while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t')) {
    value.len--;
  }
  return value;
}

/* The next element of a comma-separated list, trimmed; false at its end. Empty ones are given too. */
static bool next_element(tn_str *list, tn_str *out) {
  if (list->data == NULL) return false;
  size_t comma = tn_str_find(*list, ',', 0);
  *out = trim(tn_str_slice(*list, 0, comma));
  if (comma == list->len) {
    *list = (tn_str){NULL, 0};
  } else {
    *list = tn_str_slice(*list, comma + 1, list->len);
  }
  return true;
}

/* ---- fields that are about the message or the connection -------------------------------------------- */

/* RFC 9112 6.3: what could be framed in two ways is an attack on whoever frames it the other way. */
static bool take_content_length(parser *p, tn_str value) {
  if (value.len == 0) return refuse_malformed(p, "empty Content-Length");
  uint64_t length = 0;
  for (size_t i = 0; i < value.len; i++) {
    char c = value.data[i];
    if (c < '0' || c > '9') return refuse_malformed(p, "Content-Length is not a number");
    if (__builtin_mul_overflow(length, 10, &length) ||
        __builtin_add_overflow(length, (uint64_t)(c - '0'), &length) || length > INT64_MAX) {
      return refuse_malformed(p, "Content-Length is too large");
    }
  }
  /* RFC 9110 8.6 lets a client accept the same value twice; a server has no reason to. */
  if (p->has_length && !(p->is_response && p->length == length)) {
    return refuse_malformed(p, "repeated Content-Length");
  }
  p->has_length = true;
  p->length = length;
  return true;
}

/* RFC 9112 6.1 and 7: chunked, once and last, is all that there is. */
static bool take_transfer_encoding(parser *p, tn_str value) {
  if (p->has_transfer_encoding) return refuse_malformed(p, "repeated Transfer-Encoding");
  p->has_transfer_encoding = true;
  tn_str list = value, coding, last = {0};
  uint32_t count = 0, chunked = 0;
  while (next_element(&list, &coding)) {
    if (coding.len == 0) continue; /* RFC 9110 5.6.1.2 */
    count++;
    if (tn_http_name_equal(coding, TN_STR("chunked"))) chunked++;
    last = coding;
  }
  if (count == 1 && chunked == 1) return true;
  bool is_last = tn_http_name_equal(last, TN_STR("chunked"));
  if (p->is_response) {
    return refuse(p, 502, TN_HTTP_HTTP_RESPONSE_TRANSFER_CODING, "unknown transfer coding");
  }
  if (!is_last || chunked > 1)
    return refuse_malformed(p, "Transfer-Encoding without one last chunked");
  return refuse(p, 501, TN_HTTP_HTTP_PROTOCOL_ERROR, "unknown transfer coding");
}

static bool take_connection(parser *p, tn_str value) {
  tn_str list = value, option;
  while (next_element(&list, &option)) {
    if (option.len == 0) continue;
    if (tn_http_name_equal(option, TN_STR("close"))) {
      p->says_close = true;
    } else if (tn_http_name_equal(option, TN_STR("keep-alive"))) {
      p->says_keep_alive = true;
    } else if (!tn_http_is_field_name(option)) {
      return refuse_malformed(p, "malformed Connection");
    } else if (!tn_http_is_hop_by_hop(option)) {
      if (p->option_count == MAX_CONNECTION_OPTIONS) {
        return refuse_malformed(p, "too many names in Connection");
      }
      p->options[p->option_count++] = option;
    }
  }
  return true;
}

/* RFC 9112 3.2: exactly one, valid, in HTTP/1.1; empty when the target has no authority. */
static bool take_host(parser *p, tn_str value) {
  if (p->has_host) return refuse_malformed(p, "repeated Host");
  if (value.len > 0 && !tn_http_is_authority(value)) return refuse_malformed(p, "malformed Host");
  p->has_host = true;
  p->host = value;
  return true;
}

static bool take_expect(parser *p, tn_str value) {
  if (!tn_http_name_equal(value, TN_STR("100-continue"))) {
    return refuse(p, 417, TN_HTTP_HTTP_PROTOCOL_ERROR, "unknown expectation");
  }
  p->expects_continue = true;
  return true;
}

/* Acts on a field if it is such a one. *is_taken: it does not go into the fields. False: refused. */
static bool take_special(parser *p, tn_str name, tn_str value, bool *is_taken) {
  *is_taken = true;
  switch (name.len) {
  case 2:
    /* "TE: trailers" is passed on, for it is about the message as well (RFC 9110 10.1.4). */
    *is_taken =
        tn_http_name_equal(name, TN_STR("te")) && !tn_http_name_equal(value, TN_STR("trailers"));
    return true;
  case 4:
    if (p->is_response || !tn_http_name_equal(name, TN_STR("host"))) break;
    return take_host(p, value);
  case 6:
    if (p->is_response || !tn_http_name_equal(name, TN_STR("expect"))) break;
    return take_expect(p, value);
  case 7:
    if (!tn_http_name_equal(name, TN_STR("upgrade"))) break;
    p->has_upgrade = true;
    return true;
  case 10:
    if (tn_http_name_equal(name, TN_STR("connection"))) return take_connection(p, value);
    if (tn_http_name_equal(name, TN_STR("keep-alive"))) return true;
    break;
  case 14:
    if (tn_http_name_equal(name, TN_STR("http2-settings"))) return true;
    if (!tn_http_name_equal(name, TN_STR("content-length"))) break;
    if (!take_content_length(p, value)) return false;
    break; /* it stays a field too */
  case 16:
    if (tn_http_name_equal(name, TN_STR("proxy-connection"))) return true;
    break;
  case 17:
    if (!tn_http_name_equal(name, TN_STR("transfer-encoding"))) break;
    return take_transfer_encoding(p, value);
  default:
    break;
  }
  *is_taken = false;
  return true;
}

static bool is_forbidden_trailer(tn_str name) {
  return tn_http_is_hop_by_hop(name) || tn_http_name_equal(name, TN_STR("content-length")) ||
         tn_http_name_equal(name, TN_STR("host"));
}

static bool take_field(parser *p) {
  if (*p->at == ' ' || *p->at == '\t') return refuse_malformed(p, "folded line");
  tn_str name = take_while(p, TN_CHAR_TOKEN);
  if (name.len == 0) return refuse_malformed(p, "field without a name");
  if (!take_byte(p, ':')) {
    bool is_blank = p->at < p->end && (*p->at == ' ' || *p->at == '\t');
    return refuse_malformed(p, is_blank ? "whitespace before the colon" : "malformed field name");
  }
  tn_str value = trim(take_while(p, TN_CHAR_VALUE));
  if (!take_line_end(p, "control character in a field value")) return false;
  if (p->field_count++ == p->max_fields) {
    return p->is_trailer
               ? refuse(p, 431, TN_HTTP_HTTP_REQUEST_TRAILER_SECTION_SIZE, "too many trailers")
               : refuse(p, 431, TN_HTTP_HTTP_REQUEST_HEADER_SECTION_SIZE, "too many fields");
  }
  bool is_taken = false;
  if (p->is_trailer) {
    if (is_forbidden_trailer(name)) return refuse_malformed(p, "forbidden trailer");
  } else if (!take_special(p, name, value, &is_taken)) {
    return false;
  }
  if (is_taken) return true;
  if (!tn_http_fields_add(p->arena, p->fields, name, value)) return refuse_no_memory(p);
  return true;
}

static bool names_option(const parser *p, tn_str name) {
  for (uint32_t i = 0; i < p->option_count; i++) {
    if (tn_http_name_equal(p->options[i], name)) return true;
  }
  return false;
}

/* RFC 9110 7.6.1. Not Content-Length, which has been acted upon. */
static void leave_out_options(parser *p) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < p->fields->count; i++) {
    tn_http_field field = p->fields->items[i];
    bool stays =
        !names_option(p, field.name) || tn_http_name_equal(field.name, TN_STR("content-length"));
    if (stays) p->fields->items[kept++] = field;
  }
  p->fields->count = kept;
}

/* All lines up to and with the empty one, which must be where the bytes end. */
static bool take_fields(parser *p) {
  while (p->at < p->end && *p->at != '\r' && *p->at != '\n') {
    if (!take_field(p)) return false;
  }
  if (!take_line_end(p, "")) return false;
  if (p->at != p->end) return refuse_malformed(p, "bytes after the head");
  if (p->option_count > 0) leave_out_options(p);
  return true;
}

/* ---- requests --------------------------------------------------------------------------------------- */

/* "HTTP/1.1". A higher minor version is understood as 1.1 (RFC 9110 2.5). */
static bool take_version(parser *p, uint8_t *out) {
  const char *at = p->at;
  if (p->end - at < 8 || memcmp(at, "HTTP/", 5) != 0 || at[5] < '0' || at[5] > '9' ||
      at[6] != '.' || at[7] < '0' || at[7] > '9') {
    return refuse_malformed(p, "malformed version");
  }
  if (at[5] != '1') {
    return refuse(p, p->is_response ? 502 : 505, TN_HTTP_HTTP_PROTOCOL_ERROR, "unknown version");
  }
  *out = at[7] == '0' ? TN_HTTP_1_0 : TN_HTTP_1_1;
  p->at += 8;
  return true;
}

static bool refuse_target(parser *p, const char *reason) {
  return refuse(p, 400, TN_HTTP_HTTP_REQUEST_URI_INVALID, reason);
}

/* RFC 9112 3.2.2: "http://host/path". */
static bool take_absolute_target(parser *p, tn_str target, tn_http_request *out) {
  size_t colon = tn_str_find(target, ':', 0);
  tn_str scheme = tn_str_slice(target, 0, colon);
  if (tn_http_name_equal(scheme, TN_STR("http"))) {
    out->scheme = TN_STR("http");
  } else if (tn_http_name_equal(scheme, TN_STR("https"))) {
    out->scheme = TN_STR("https");
  } else {
    return refuse_target(p, "malformed target");
  }
  tn_str rest = tn_str_slice(target, colon, target.len);
  if (!tn_str_starts_with(rest, TN_STR("://"))) return refuse_target(p, "malformed target");
  rest = tn_str_slice(rest, 3, rest.len);
  size_t end = 0;
  while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
    end++;
  out->authority = tn_str_slice(rest, 0, end);
  if (!tn_http_is_authority(out->authority))
    return refuse_target(p, "malformed authority in target");
  out->path = tn_str_slice(rest, end, rest.len);
  if (out->path.len == 0) {
    /* RFC 9112 3.2.4 */
    bool is_options = tn_str_equal(out->method, TN_STR("OPTIONS"));
    out->path = is_options ? TN_STR("*") : TN_STR("/");
  } else if (out->path.data[0] == '?') {
    out->path = tn_arena_format(p->arena, "/%" TN_STR_FORMAT, TN_STR_ARG(out->path));
    if (out->path.data == NULL) return refuse_no_memory(p);
  }
  return true;
}

/* RFC 9112 3.2: four forms. */
static bool take_target(parser *p, tn_http_request *out) {
  tn_str target = take_while(p, TN_CHAR_PATH);
  if (target.len == 0) return refuse_target(p, "malformed request line");
  if (tn_str_equal(out->method, TN_STR("CONNECT"))) {
    if (!tn_http_is_authority(target) || memchr(target.data, ':', target.len) == NULL) {
      return refuse_target(p, "malformed target of CONNECT");
    }
    out->authority = target;
    return true;
  }
  if (target.data[0] == '/') {
    out->path = target;
    return true;
  }
  if (tn_str_equal(target, TN_STR("*"))) {
    out->path = target;
    if (tn_str_equal(out->method, TN_STR("OPTIONS"))) return true;
    return refuse_target(p, "target * is for OPTIONS only");
  }
  return take_absolute_target(p, target, out);
}

static bool take_request_line(parser *p, tn_http_request *out) {
  out->method = take_while(p, TN_CHAR_TOKEN);
  if (out->method.len == 0 || !take_byte(p, ' ')) {
    return refuse(p, 400, TN_HTTP_HTTP_REQUEST_METHOD_INVALID, "malformed request line");
  }
  if (!take_target(p, out)) return false;
  if (!take_byte(p, ' ')) return refuse_target(p, "malformed request line");
  return take_version(p, &out->version) && take_line_end(p, "malformed request line");
}

static bool check_host(parser *p, tn_http_request *out) {
  if (!p->has_host && out->version >= TN_HTTP_1_1) return refuse_malformed(p, "no Host");
  /* RFC 9112 3.2.2: an authority in the target wins. */
  if (out->authority.len == 0) out->authority = p->host;
  return true;
}

static void frame_connection(const parser *p, uint8_t version, tn_http1_framing *framing) {
  framing->keep_alive = !p->says_close && (version >= TN_HTTP_1_1 || p->says_keep_alive);
  framing->is_upgrade = p->has_upgrade;
}

static bool frame_request(parser *p, tn_http_request *out, tn_http1_framing *framing) {
  *framing = (tn_http1_framing){.body = TN_HTTP1_NO_BODY};
  if (p->has_transfer_encoding) {
    if (p->has_length) return refuse_malformed(p, "Content-Length with Transfer-Encoding");
    if (out->version < TN_HTTP_1_1) {
      return refuse_malformed(p, "Transfer-Encoding in HTTP/1.0");
    }
    framing->body = TN_HTTP1_CHUNKED;
    out->body_length = TN_HTTP_UNKNOWN_LENGTH;
  } else if (p->has_length && p->length > 0) {
    framing->body = TN_HTTP1_LENGTH;
    out->body_length = framing->length = p->length;
  }
  frame_connection(p, out->version, framing);
  framing->expects_continue = p->expects_continue && out->version >= TN_HTTP_1_1;
  return true;
}

bool tn_http1_parse_request(tn_arena *arena, const uint8_t *bytes, size_t size, uint32_t max_fields,
                            tn_http_request *out, tn_http1_framing *framing,
                            tn_http1_refusal *refusal) {
  *out = (tn_http_request){.path = {"", 0}};
  tn_str options[MAX_CONNECTION_OPTIONS];
  parser p = {
      .arena = arena,
      .at = (const char *)bytes,
      .end = (const char *)bytes + size,
      .refusal = refusal,
      .fields = &out->fields,
      .max_fields = max_fields,
      .options = options,
  };
  return take_request_line(&p, out) && take_fields(&p) && check_host(&p, out) &&
         frame_request(&p, out, framing);
}

/* ---- responses --------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the phrase and even the blank before it may be missing. */
static bool take_status_line(parser *p, tn_http_response *out) {
  if (!take_version(p, &out->version)) return false;
  const char *at = p->at;
  if (p->end - at < 4 || at[0] != ' ' || at[1] < '1' || at[1] > '9' || !is_digit(at[2]) ||
      !is_digit(at[3])) {
    return refuse_malformed(p, "malformed status line");
  }
  out->status = (uint16_t)((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0'));
  p->at += 4;
  if (p->at < p->end && *p->at == ' ') take_while(p, TN_CHAR_VALUE);
  return take_line_end(p, "malformed status line");
}

/* RFC 9112 6.3 */
static bool frame_response(parser *p, tn_str method, tn_http_response *out,
                           tn_http1_framing *framing) {
  *framing = (tn_http1_framing){.body = TN_HTTP1_NO_BODY};
  frame_connection(p, out->version, framing);
  bool is_success = out->status >= 200 && out->status < 300;
  if (tn_str_equal(method, TN_STR("CONNECT")) && is_success) {
    framing->is_upgrade = true;
    return true;
  }
  if (out->status < 200 || out->status == 204) {
    /* It must not say so, and if it does nobody knows what it meant. */
    if (p->has_length || p->has_transfer_encoding) framing->keep_alive = false;
    return true;
  }
  if (p->has_transfer_encoding && (p->has_length || out->version < TN_HTTP_1_1)) {
    return refuse_malformed(p, "Transfer-Encoding with Content-Length or in HTTP/1.0");
  }
  out->body_length = p->has_length ? p->length : TN_HTTP_UNKNOWN_LENGTH;
  if (out->status == 304 || tn_str_equal(method, TN_STR("HEAD"))) return true;
  if (p->has_transfer_encoding) {
    framing->body = TN_HTTP1_CHUNKED;
  } else if (p->has_length) {
    framing->body = p->length > 0 ? TN_HTTP1_LENGTH : TN_HTTP1_NO_BODY;
    framing->length = p->length;
  } else {
    framing->body = TN_HTTP1_UNTIL_CLOSE;
    framing->keep_alive = false;
  }
  return true;
}

bool tn_http1_parse_response(tn_arena *arena, const uint8_t *bytes, size_t size,
                             uint32_t max_fields, tn_str method, tn_http_response *out,
                             tn_http1_framing *framing, tn_http1_refusal *refusal) {
  *out = (tn_http_response){0};
  tn_str options[MAX_CONNECTION_OPTIONS];
  parser p = {
      .arena = arena,
      .at = (const char *)bytes,
      .end = (const char *)bytes + size,
      .refusal = refusal,
      .fields = &out->fields,
      .max_fields = max_fields,
      .options = options,
      .is_response = true,
  };
  if (take_status_line(&p, out) && take_fields(&p) && frame_response(&p, method, out, framing)) {
    return true;
  }
  if (refusal->code == TN_HTTP_HTTP_REQUEST_HEADER_SECTION_SIZE) {
    refusal->code = TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE;
  }
  return false;
}

bool tn_http1_parse_trailers(tn_arena *arena, const uint8_t *bytes, size_t size,
                             uint32_t max_fields, tn_http_fields *out, tn_http1_refusal *refusal) {
  *out = (tn_http_fields){0};
  parser p = {
      .arena = arena,
      .at = (const char *)bytes,
      .end = (const char *)bytes + size,
      .refusal = refusal,
      .fields = out,
      .max_fields = max_fields,
      .is_trailer = true,
  };
  return take_fields(&p);
}
