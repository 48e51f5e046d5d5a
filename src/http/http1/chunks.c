/* The chunked coding (RFC 9112 7.1). */
#include "http/http1/http1.h"

enum {
  MAX_LINE = 4096,        /* of a size line with its extensions */
  MAX_DIGITS = 16,        /* of a size, leading zeros included */
  MAX_EXTENSIONS = 16384, /* of all size lines of a body: nobody uses them but to burn our time */
};

enum { /* tn_http1_chunks.part in state SIZE */
       PART_DIGITS,
       PART_BLANK,     /* behind the digits: only ";" may follow */
       PART_EXTENSION, /* behind the first ";" */
       PART_LF,        /* behind the CR */
};

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool is_extension_byte(uint8_t c) {
  return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool take_digit(tn_http1_chunks *chunks, uint8_t c) {
  int digit = hex_digit(c);
  if (digit >= 0) {
    if (chunks->line >= MAX_DIGITS || chunks->left > (uint64_t)INT64_MAX >> 4) return false;
    chunks->left = chunks->left << 4 | (uint64_t)digit;
    return true;
  }
  if (chunks->line == 0) return false;
  if (c == '\r')
    chunks->part = PART_LF;
  else if (c == ';')
    chunks->part = PART_EXTENSION;
  else if (c == ' ' || c == '\t')
    chunks->part = PART_BLANK;
  else
    return false;
  return true;
}

/* One byte of a size line. */
static bool take_size_byte(tn_http1_chunks *chunks, uint8_t c) {
  if (chunks->line >= MAX_LINE) return false;
  switch (chunks->part) {
  case PART_DIGITS:
    if (!take_digit(chunks, c)) return false;
    break;
  case PART_BLANK:
    if (c == ';')
      chunks->part = PART_EXTENSION;
    else if (c != ' ' && c != '\t')
      return false;
    break;
  case PART_EXTENSION:
    if (++chunks->extensions > MAX_EXTENSIONS) return false;
    if (c == '\r')
      chunks->part = PART_LF;
    else if (!is_extension_byte(c))
      return false;
    break;
  default:
    if (c != '\n') return false;
    chunks->state = chunks->left == 0 ? TN_CHUNK_TRAILERS : TN_CHUNK_DATA;
    chunks->part = 0;
    chunks->line = 0;
    return true;
  }
  chunks->line++;
  return true;
}

/* The CRLF behind a chunk's data; `part` counts its bytes. */
static bool take_data_end(tn_http1_chunks *chunks, uint8_t c) {
  if (c != (chunks->part == 0 ? '\r' : '\n')) return false;
  if (++chunks->part == 2) {
    chunks->part = 0;
    chunks->state = TN_CHUNK_SIZE;
  }
  return true;
}

bool tn_http1_chunks_advance(tn_http1_chunks *chunks, const uint8_t *bytes, size_t size,
                             size_t *used) {
  size_t at = 0;
  bool is_well_formed = true;
  if (chunks->state == TN_CHUNK_DATA && chunks->left == 0) chunks->state = TN_CHUNK_DATA_END;
  while (at < size && is_well_formed) {
    if (chunks->state == TN_CHUNK_SIZE)
      is_well_formed = take_size_byte(chunks, bytes[at++]);
    else if (chunks->state == TN_CHUNK_DATA_END)
      is_well_formed = take_data_end(chunks, bytes[at++]);
    else
      break;
  }
  *used = at;
  return is_well_formed;
}

void tn_http1_chunk_head(tn_buffer *out, size_t size) {
  char line[2 * sizeof size + 2];
  size_t at = sizeof line;
  line[--at] = '\n';
  line[--at] = '\r';
  do {
    line[--at] = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size > 0);
  tn_buffer_append(out, line + at, sizeof line - at);
}
