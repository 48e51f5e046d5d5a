/* Which characters may stand where in an HTTP message: one table for all grammars. For src/http/ only. */
#ifndef TN_HTTP_CHARACTERS_H
#define TN_HTTP_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

enum {
  TN_CHAR_TOKEN = 1,   /* tchar of RFC 9110 5.6.2 */
  TN_CHAR_VALUE = 2,   /* within a field's value: visible, obs-text, SP, HTAB */
  TN_CHAR_PATH = 4,    /* in a path with query */
  TN_CHAR_HOST = 8,    /* in a host that is a name or an IPv4 address */
  TN_CHAR_SCHEME = 16, /* in a URI scheme, after its first letter */
};

extern const uint8_t tn_http_characters[256];

static inline bool tn_http_is(char c, uint8_t kind) {
  return (tn_http_characters[(uint8_t)c] & kind) != 0;
}

/* ASCII only, whatever the locale. */
static inline char tn_http_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

#endif
