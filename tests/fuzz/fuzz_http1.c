/* Reads HTTP/1.1 heads, trailers and chunks. The first byte says what as. Whatever is accepted must keep what its
 * readers rely on, and must be the same however it was cut into pieces. */
#include <stdlib.h>

#include "http/http1/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FIELDS = 20 };

static void check(bool condition) {
  if (!condition) abort();
}

static bool is_within(tn_str string, const uint8_t *bytes, size_t size) {
  const char *start = (const char *)bytes;
  return string.len == 0 || (string.data >= start && string.data + string.len <= start + size);
}

static void check_fields(const tn_http_fields *fields, const uint8_t *bytes, size_t size) {
  check(fields->count <= MAX_FIELDS);
  for (uint32_t i = 0; i < fields->count; i++) {
    const tn_http_field *field = &fields->items[i];
    check(tn_http_is_field_name(field->name) && tn_http_is_field_value(field->value));
    check(is_within(field->name, bytes, size) && is_within(field->value, bytes, size));
    bool is_te = tn_http_name_equal(field->name, TN_STR("te"));
    check(is_te || !tn_http_is_hop_by_hop(field->name));
    check(!is_te || tn_http_name_equal(field->value, TN_STR("trailers")));
  }
}

static void check_refusal(const tn_http1_refusal *refusal) {
  check(refusal->status >= 400 && refusal->status <= 599 && refusal->reason != NULL);
}

/* The end of a head is the same when it is looked for byte by byte. */
static size_t head_size(const uint8_t *bytes, size_t size) {
  size_t scanned = 0, found = tn_http1_find_head_end(bytes, size, &scanned);
  size_t slowly = 0;
  scanned = 0;
  for (size_t seen = 0; seen <= size && slowly == 0; seen++) {
    slowly = tn_http1_find_head_end(bytes, seen, &scanned);
  }
  check(found == slowly && found <= size);
  return found;
}

/* What was understood, written and read again, is understood in the same way. */
static void check_again(tn_arena *arena, const tn_http_request *request, tn_http1_body body) {
  tn_buffer out = {0};
  tn_http1_write_request_head(&out, request, false);
  if (body == TN_HTTP1_CHUNKED) tn_buffer_append_text(&out, "Transfer-Encoding: chunked\r\n");
  if (body == TN_HTTP1_LENGTH) {
    tn_buffer_format(&out, "Content-Length: %llu\r\n", (unsigned long long)request->body_length);
  }
  tn_buffer_append_text(&out, "\r\n");
  tn_http_request again;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  check(tn_http1_parse_request(arena, (const uint8_t *)out.data, out.len, MAX_FIELDS + 2, &again,
                               &framing, &refusal));
  check(tn_str_equal(again.method, request->method) && tn_str_equal(again.path, request->path));
  check(tn_str_equal(again.authority, request->authority));
  check(framing.body == body && again.body_length == request->body_length);
  tn_buffer_free(&out);
}

static void fuzz_request(tn_arena *arena, const uint8_t *bytes, size_t size) {
  size = head_size(bytes, size);
  tn_http_request request;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  if (!tn_http1_parse_request(arena, bytes, size, MAX_FIELDS, &request, &framing, &refusal)) {
    check_refusal(&refusal);
    return;
  }
  check_fields(&request.fields, bytes, size);
  check(tn_http_is_method(request.method));
  bool is_connect = tn_str_equal(request.method, TN_STR("CONNECT"));
  check(is_connect ? request.path.len == 0 : tn_http_is_path(request.path));
  check(request.authority.len == 0 || tn_http_is_authority(request.authority));
  check(framing.body != TN_HTTP1_UNTIL_CLOSE);
  check(memchr(bytes, 0, size) == NULL);
  check_again(arena, &request, framing.body);
}

static void fuzz_response(tn_arena *arena, const uint8_t *bytes, size_t size) {
  size = head_size(bytes, size);
  tn_http_response response;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  static const char *const methods[] = {"GET", "HEAD", "CONNECT"};
  for (int i = 0; i < 3; i++) {
    if (!tn_http1_parse_response(arena, bytes, size, MAX_FIELDS, tn_str_from(methods[i]), &response,
                                 &framing, &refusal)) {
      check_refusal(&refusal);
      continue;
    }
    check(response.status >= 100 && response.status <= 999);
    check_fields(&response.fields, bytes, size);
    check(i == 0 || framing.body == TN_HTTP1_NO_BODY || (i == 2 && response.status >= 300));
  }
}

static void fuzz_trailers(tn_arena *arena, const uint8_t *bytes, size_t size) {
  size = head_size(bytes, size);
  tn_http_fields fields;
  tn_http1_refusal refusal;
  if (tn_http1_parse_trailers(arena, bytes, size, MAX_FIELDS, &fields, &refusal)) {
    check_fields(&fields, bytes, size);
  } else {
    check_refusal(&refusal);
  }
}

typedef struct chunked {
  bool is_malformed;
  bool is_complete;
  size_t used;
  uint64_t data;
} chunked;

/* Decodes it in pieces of `piece` bytes. */
static chunked decode(const uint8_t *bytes, size_t size, size_t piece) {
  chunked result = {0};
  tn_http1_chunks chunks = {0};
  size_t end = 0;
  while (!result.is_malformed && !result.is_complete && (result.used < end || end < size)) {
    if (result.used == end) end = size - end < piece ? size : end + piece;
    size_t used;
    result.is_malformed =
        !tn_http1_chunks_advance(&chunks, bytes + result.used, end - result.used, &used);
    if (result.is_malformed) break;
    check(used <= end - result.used);
    result.used += used;
    result.is_complete = chunks.state == TN_CHUNK_TRAILERS;
    if (chunks.state != TN_CHUNK_DATA) continue;
    check(chunks.left > 0 && chunks.left <= INT64_MAX);
    size_t here = end - result.used;
    if (here > chunks.left) here = (size_t)chunks.left;
    chunks.left -= here;
    result.used += here;
    result.data += here;
  }
  return result;
}

static void fuzz_chunks(const uint8_t *bytes, size_t size) {
  chunked whole = decode(bytes, size, SIZE_MAX);
  for (size_t piece = 1; piece <= 3; piece++) {
    chunked again = decode(bytes, size, piece);
    check(again.is_malformed == whole.is_malformed && again.is_complete == whole.is_complete);
    check(again.data == whole.data);
    check(whole.is_malformed || again.used == whole.used);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  /* A copy of its own, so that a read beyond it is seen. */
  uint8_t *bytes = malloc(size - 1);
  check(bytes != NULL || size == 1);
  if (size > 1) memcpy(bytes, data + 1, size - 1);
  tn_arena arena = {0};
  switch (data[0] & 3) {
  case 0:
    fuzz_request(&arena, bytes, size - 1);
    break;
  case 1:
    fuzz_response(&arena, bytes, size - 1);
    break;
  case 2:
    fuzz_trailers(&arena, bytes, size - 1);
    break;
  default:
    fuzz_chunks(bytes, size - 1);
  }
  tn_arena_free(&arena);
  free(bytes);
  return 0;
}
