#include "http/client/proxy.h"

#include <arpa/inet.h>

#include "http/characters.h"
#include "http/message.h"

enum { PROXY_PORT = 80, MAX_CREDENTIALS = 1024 };

/* ---- URLs ------------------------------------------------------------------------------------ */

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = tn_http_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes percent-encoding in place; gives the new size. */
static size_t decode_escapes(char *text, size_t size) {
  size_t out = 0;
  for (size_t at = 0; at < size; at++) {
    bool is_escape = text[at] == '%' && size - at > 2 && hex_value(text[at + 1]) >= 0 &&
                     hex_value(text[at + 2]) >= 0;
    text[out++] =
        is_escape ? (char)(hex_value(text[at + 1]) << 4 | hex_value(text[at + 2])) : text[at];
    if (is_escape) at += 2;
  }
  return out;
}

/* RFC 4648 4 */
static void encode_base64(const uint8_t *bytes, size_t size, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t at = 0; at < size; at += 3) {
    size_t left = size - at;
    uint32_t group = (uint32_t)bytes[at] << 16;
    if (left > 1) group |= (uint32_t)bytes[at + 1] << 8;
    if (left > 2) group |= bytes[at + 2];
    *out++ = digits[group >> 18];
    *out++ = digits[group >> 12 & 63];
    *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
    *out++ = left > 2 ? digits[group & 63] : '=';
  }
}

/* RFC 7617: "user:password", each perhaps percent-encoded; a missing password is an empty one. */
static bool take_credentials(tn_client_proxy *proxy, tn_arena *arena, tn_str credentials) {
  if (credentials.len > MAX_CREDENTIALS) {
    proxy->problem = "its credentials are too long";
    return true;
  }
  char plain[MAX_CREDENTIALS + 1];
  size_t colon = tn_str_find(credentials, ':', 0);
  memcpy(plain, credentials.data, credentials.len);
  size_t size = decode_escapes(plain, colon);
  plain[size++] = ':';
  if (colon < credentials.len) {
    size_t password = credentials.len - colon - 1;
    memmove(plain + size, credentials.data + colon + 1, password);
    size += decode_escapes(plain + size, password);
  }
  char encoded[(MAX_CREDENTIALS + 1) / 3 * 4 + 8];
  encode_base64((const uint8_t *)plain, size, encoded);
  proxy->authorization = tn_arena_format(arena, "Basic %.*s", (int)((size + 2) / 3 * 4), encoded);
  return proxy->authorization.data != NULL;
}

static bool starts_with_scheme(tn_str url) {
  size_t colon = tn_str_find(url, ':', 0);
  return tn_str_starts_with(tn_str_slice(url, colon, url.len), TN_STR("://"));
}

/* The authority of a URL, or all of it when it has no scheme: what people write is also "proxy:3128". */
static tn_str authority_of(tn_client_proxy *proxy, tn_str url) {
  if (starts_with_scheme(url)) {
    size_t colon = tn_str_find(url, ':', 0);
    bool is_http = tn_http_name_equal(tn_str_slice(url, 0, colon), TN_STR("http"));
    if (!is_http) proxy->problem = "only proxies with http:// are supported";
    url = tn_str_slice(url, colon + 3, url.len);
  }
  return tn_str_slice(url, 0, tn_str_find(url, '/', 0));
}

static size_t find_last(tn_str text, char byte) {
  const char *hit = text.len == 0 ? NULL : memrchr(text.data, byte, text.len);
  return hit == NULL ? text.len : (size_t)(hit - text.data);
}

static bool proxy_new(tn_arena *arena, const char *text, tn_client_proxy **out) {
  *out = NULL;
  if (text == NULL || text[0] == 0) return true;
  tn_client_proxy *proxy = TN_ARENA_NEW(arena, tn_client_proxy);
  if (proxy == NULL) return false;
  *out = proxy;
  tn_str authority = authority_of(proxy, tn_str_from(text));
  if (proxy->problem != NULL) return true;
  size_t at = find_last(authority, '@');
  if (at < authority.len) {
    if (!take_credentials(proxy, arena, tn_str_slice(authority, 0, at))) return false;
    authority = tn_str_slice(authority, at + 1, authority.len);
  }
  const char *problem;
  if (!tn_client_parse_target(authority, PROXY_PORT, &proxy->target, &problem))
    proxy->problem = problem;
  return true;
}

bool tn_client_proxies_init(tn_client_proxies *proxies, tn_arena *arena, const char *http,
                            const char *https, const char *exempt) {
  *proxies = (tn_client_proxies){0};
  if (!proxy_new(arena, http, &proxies->http) || !proxy_new(arena, https, &proxies->https))
    return false;
  if (exempt == NULL || exempt[0] == 0) return true;
  proxies->exempt = tn_arena_copy(arena, tn_str_from(exempt));
  return proxies->exempt.data != NULL;
}

/* ---- exemptions ------------------------------------------------------------------------------ */

static bool same_bits(const void *a, const void *b, uint32_t bits) {
  const uint8_t *left = a, *right = b;
  if (memcmp(left, right, bits / 8) != 0) return false;
  return bits % 8 == 0 || (left[bits / 8] ^ right[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool is_in_range(const tn_client_address *address, const tn_client_address *base,
                        uint32_t bits) {
  if (address->any.sa_family != base->any.sa_family) return false;
  if (base->any.sa_family == AF_INET)
    return bits <= 32 && same_bits(&address->v4.sin_addr, &base->v4.sin_addr, bits);
  return bits <= 128 && same_bits(&address->v6.sin6_addr, &base->v6.sin6_addr, bits);
}

static bool take_number(tn_str text, uint32_t max, uint32_t *out) {
  *out = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    *out = *out * 10 + (uint32_t)(text.data[i] - '0');
    if (*out > max) return false;
  }
  return text.len > 0;
}

/* "192.0.2.0/24", "2001:db8::/32", or an address; IPv6 also in brackets. */
static bool matches_address(tn_str entry, const tn_client_target *target) {
  size_t slash = tn_str_find(entry, '/', 0);
  tn_str text = tn_str_slice(entry, 0, slash);
  if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
    text = tn_str_slice(text, 1, text.len - 1);
  tn_client_address base;
  if (!tn_client_parse_address(text, &base)) return false;
  uint32_t bits = base.any.sa_family == AF_INET ? 32 : 128;
  if (slash < entry.len && !take_number(tn_str_slice(entry, slash + 1, entry.len), bits, &bits))
    return false;
  return is_in_range(&target->address, &base, bits);
}

/* Without the dot that may end it. */
static tn_str name_of(const tn_client_target *target) {
  tn_str name = {target->host, target->host_size};
  if (name.data[name.len - 1] == '.') name.len--;
  return name;
}

/* "example.com" and ".example.com" stand for the host and all below it, "*.example.com" too. */
static bool matches_name(tn_str entry, tn_str host) {
  if (tn_str_starts_with(entry, TN_STR("*."))) entry = tn_str_slice(entry, 1, entry.len);
  if (entry.len > 0 && entry.data[0] == '.') entry = tn_str_slice(entry, 1, entry.len);
  if (entry.len == 0 || entry.len > host.len) return false;
  tn_str tail = tn_str_slice(host, host.len - entry.len, host.len);
  if (!tn_http_name_equal(tail, entry)) return false;
  return tail.len == host.len || tail.data[-1] == '.';
}

/* Cuts ":port" off. False: it is for another port. */
static bool take_port(tn_str *entry, uint16_t port) {
  size_t colon = find_last(*entry, ':');
  if (colon == entry->len) return true;
  bool is_one_colon = tn_str_find(*entry, ':', 0) == colon;
  bool is_behind_bracket = colon > 0 && entry->data[colon - 1] == ']';
  if (!is_one_colon && !is_behind_bracket) return true; /* an IPv6 address */
  uint32_t number;
  if (!take_number(tn_str_slice(*entry, colon + 1, entry->len), UINT16_MAX, &number)) return true;
  *entry = tn_str_slice(*entry, 0, colon);
  return number == port;
}

static bool matches(tn_str entry, const tn_client_target *target) {
  if (tn_str_equal(entry, TN_STR("*"))) return true;
  if (!take_port(&entry, target->port)) return false;
  if (target->is_address) return matches_address(entry, target);
  return matches_name(entry, name_of(target));
}

static bool is_separator(char c) {
  return c == ',' || c == ' ' || c == '\t';
}

static bool is_exempt(tn_str list, const tn_client_target *target) {
  for (size_t at = 0; at < list.len;) {
    size_t end = at;
    while (end < list.len && !is_separator(list.data[end]))
      end++;
    if (end > at && matches(tn_str_slice(list, at, end), target)) return true;
    at = end + 1;
  }
  return false;
}

static bool is_this_machine(const tn_client_target *target) {
  if (target->is_address) return tn_client_address_is_loopback(&target->address);
  return matches_name(TN_STR("localhost"), name_of(target));
}

const tn_client_proxy *tn_client_proxies_find(const tn_client_proxies *proxies, bool is_tls,
                                              const tn_client_target *target) {
  const tn_client_proxy *proxy = is_tls ? proxies->https : proxies->http;
  if (proxy == NULL || is_this_machine(target) || is_exempt(proxies->exempt, target)) return NULL;
  return proxy;
}
