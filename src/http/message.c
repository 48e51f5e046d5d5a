#include "http/message.h"

#include "http/characters.h"

#define ALPHA(kinds)                                                                               \
  ['a'] = kinds, ['b'] = kinds, ['c'] = kinds, ['d'] = kinds, ['e'] = kinds, ['f'] = kinds,        \
  ['g'] = kinds, ['h'] = kinds, ['i'] = kinds, ['j'] = kinds, ['k'] = kinds, ['l'] = kinds,        \
  ['m'] = kinds, ['n'] = kinds, ['o'] = kinds, ['p'] = kinds, ['q'] = kinds, ['r'] = kinds,        \
  ['s'] = kinds, ['t'] = kinds, ['u'] = kinds, ['v'] = kinds, ['w'] = kinds, ['x'] = kinds,        \
  ['y'] = kinds, ['z'] = kinds, ['A'] = kinds, ['B'] = kinds, ['C'] = kinds, ['D'] = kinds,        \
  ['E'] = kinds, ['F'] = kinds, ['G'] = kinds, ['H'] = kinds, ['I'] = kinds, ['J'] = kinds,        \
  ['K'] = kinds, ['L'] = kinds, ['M'] = kinds, ['N'] = kinds, ['O'] = kinds, ['P'] = kinds,        \
  ['Q'] = kinds, ['R'] = kinds, ['S'] = kinds, ['T'] = kinds, ['U'] = kinds, ['V'] = kinds,        \
  ['W'] = kinds, ['X'] = kinds, ['Y'] = kinds, ['Z'] = kinds

enum {
  V = TN_CHAR_VALUE,
  P = TN_CHAR_VALUE | TN_CHAR_PATH,
  T = TN_CHAR_VALUE | TN_CHAR_PATH | TN_CHAR_TOKEN,
  H = TN_CHAR_VALUE | TN_CHAR_PATH | TN_CHAR_HOST,
  TH = T | H,
  S = TH | TN_CHAR_SCHEME,
};

/* Token: RFC 9110 5.6.2. Value: RFC 9110 5.5 with obs-text. Path: RFC 3986 pchar, "/" and "?", and what it forbids
 * but everybody sends; never "#", which has no place in a request. Host: RFC 3986 reg-name; "%" is looked at
 * apart. */
const uint8_t tn_http_characters[256] = {
    ALPHA(S),
    ['0'] = S,
    ['1'] = S,
    ['2'] = S,
    ['3'] = S,
    ['4'] = S,
    ['5'] = S,
    ['6'] = S,
    ['7'] = S,
    ['8'] = S,
    ['9'] = S,
    ['+'] = S,
    ['-'] = S,
    ['.'] = S,
    ['!'] = TH,
    ['$'] = TH,
    ['&'] = TH,
    ['\''] = TH,
    ['*'] = TH,
    ['_'] = TH,
    ['~'] = TH,
    ['%'] = TH,
    ['('] = H,
    [')'] = H,
    [','] = H,
    [';'] = H,
    ['='] = H,
    ['^'] = T,
    ['`'] = T,
    ['|'] = T,
    ['#'] = TN_CHAR_VALUE | TN_CHAR_TOKEN,
    ['"'] = P,
    ['/'] = P,
    [':'] = P,
    ['<'] = P,
    ['>'] = P,
    ['?'] = P,
    ['@'] = P,
    ['['] = P,
    ['\\'] = P,
    [']'] = P,
    ['{'] = P,
    ['}'] = P,
    ['\t'] = V,
    [' '] = V,
    [0x80 ... 0xff] = V,
};

static bool all_are(tn_str string, uint8_t kind) {
  for (size_t i = 0; i < string.len; i++) {
    if (!tn_http_is(string.data[i], kind)) return false;
  }
  return true;
}

bool tn_http_is_field_name(tn_str name) {
  return name.len > 0 && all_are(name, TN_CHAR_TOKEN);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool tn_http_is_field_value(tn_str value) {
  if (value.len == 0) return true;
  return !is_blank(value.data[0]) && !is_blank(value.data[value.len - 1]) &&
         all_are(value, TN_CHAR_VALUE);
}

bool tn_http_is_method(tn_str method) {
  return tn_http_is_field_name(method);
}

bool tn_http_is_path(tn_str path) {
  if (path.len == 0) return false;
  if (tn_str_equal(path, TN_STR("*"))) return true;
  return path.data[0] == '/' && all_are(path, TN_CHAR_PATH);
}

bool tn_http_is_scheme(tn_str scheme) {
  if (scheme.len == 0) return false;
  char first = tn_http_lower(scheme.data[0]);
  return first >= 'a' && first <= 'z' && all_are(scheme, TN_CHAR_SCHEME);
}

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (tn_http_lower(c) >= 'a' && tn_http_lower(c) <= 'f');
}

/* What stands in "[...]": an IPv6 address, perhaps with an IPv4 one at its end, without a zone. */
static bool is_ip_literal(tn_str literal) {
  if (literal.len < 2) return false;
  for (size_t i = 0; i < literal.len; i++) {
    if (!is_hex(literal.data[i]) && literal.data[i] != ':' && literal.data[i] != '.') return false;
  }
  return memchr(literal.data, ':', literal.len) != NULL;
}

static bool is_reg_name(tn_str name) {
  for (size_t i = 0; i < name.len; i++) {
    if (!tn_http_is(name.data[i], TN_CHAR_HOST)) return false;
    if (name.data[i] != '%') continue;
    if (name.len - i < 3 || !is_hex(name.data[i + 1]) || !is_hex(name.data[i + 2])) return false;
  }
  return name.len > 0;
}

/* Empty ("host:"), or 0 to 65535. */
static bool is_port(tn_str port) {
  uint32_t number = 0;
  for (size_t i = 0; i < port.len; i++) {
    if (port.data[i] < '0' || port.data[i] > '9') return false;
    number = number * 10 + (uint32_t)(port.data[i] - '0');
    if (number > UINT16_MAX) return false;
  }
  return true;
}

/* RFC 3986 3.2 without user information, which must not be sent (RFC 9110 4.2.4). */
bool tn_http_is_authority(tn_str authority) {
  size_t host_end;
  if (authority.len > 0 && authority.data[0] == '[') {
    size_t bracket = tn_str_find(authority, ']', 1);
    if (bracket == authority.len || !is_ip_literal(tn_str_slice(authority, 1, bracket))) {
      return false;
    }
    host_end = bracket + 1;
  } else {
    host_end = tn_str_find(authority, ':', 0);
    if (!is_reg_name(tn_str_slice(authority, 0, host_end))) return false;
  }
  if (host_end == authority.len) return true;
  return authority.data[host_end] == ':' &&
         is_port(tn_str_slice(authority, host_end + 1, authority.len));
}

bool tn_http_name_equal(tn_str a, tn_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    if (tn_http_lower(a.data[i]) != tn_http_lower(b.data[i])) return false;
  }
  return true;
}

bool tn_http_may_inform(int status) {
  return status >= 100 && status < 200 && status != 101;
}

bool tn_http_is_bodyless(int status) {
  return status == 204 || status == 205 || status == 304;
}

bool tn_http_is_hop_by_hop(tn_str name) {
  switch (name.len) {
  case 2:
    return tn_http_name_equal(name, TN_STR("te"));
  case 7:
    return tn_http_name_equal(name, TN_STR("upgrade"));
  case 10:
    return tn_http_name_equal(name, TN_STR("connection")) ||
           tn_http_name_equal(name, TN_STR("keep-alive"));
  case 14:
    return tn_http_name_equal(name, TN_STR("http2-settings"));
  case 16:
    return tn_http_name_equal(name, TN_STR("proxy-connection"));
  case 17:
    return tn_http_name_equal(name, TN_STR("transfer-encoding"));
  default:
    return false;
  }
}

bool tn_http_fields_add(tn_arena *arena, tn_http_fields *fields, tn_str name, tn_str value) {
  if (fields->count == fields->cap) {
    /* Most heads fit into the first array. */
    uint32_t cap = fields->cap == 0 ? 16 : fields->cap * 2;
    if (cap <= fields->cap) return false;
    tn_http_field *items =
        tn_arena_alloc(arena, cap * sizeof(tn_http_field), _Alignof(tn_http_field));
    if (items == NULL) return false;
    if (fields->count > 0) memcpy(items, fields->items, fields->count * sizeof *items);
    fields->items = items;
    fields->cap = cap;
  }
  fields->items[fields->count++] = (tn_http_field){name, value};
  return true;
}

const tn_http_field *tn_http_fields_find(const tn_http_fields *fields, tn_str name) {
  for (uint32_t i = 0; i < fields->count; i++) {
    if (tn_http_name_equal(fields->items[i].name, name)) return &fields->items[i];
  }
  return NULL;
}
