/* Which component answers: looked up once a request, so without allocation, and with one comparison of the host for all
 * routes that share one. */
#include "serve/settings/config.h"

#include "base/str.h"

/* The host of an authority: without user information (which has no place in a request), port, and the dot that ends a
 * fully qualified name. */
static tn_str host_of(tn_str authority) {
  size_t end = authority.len;
  if (end > 0 && authority.data[0] == '[')
    end = tn_str_find(authority, ']', 0) + 1;
  else
    end = tn_str_find(authority, ':', 0);
  tn_str host = tn_str_slice(authority, 0, end);
  if (host.len > 1 && host.data[host.len - 1] == '.') host.len--;
  return host;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* `expected` is lower case. */
static bool equal_lower(tn_str text, tn_str expected) {
  if (text.len != expected.len) return false;
  for (size_t i = 0; i < text.len; i++)
    if (lower(text.data[i]) != expected.data[i]) return false;
  return true;
}

static bool host_matches(tn_str rule, tn_str host) {
  if (rule.len == 0) return true;
  if (rule.data[0] != '*') return equal_lower(host, rule);
  tn_str suffix = tn_str_slice(rule, 1, rule.len); /* with its dot */
  return host.len > suffix.len &&
         equal_lower(tn_str_slice(host, host.len - suffix.len, host.len), suffix);
}

/* Whole segments only. What a query or nothing follows ends a segment too. */
static bool path_matches(tn_str rule, tn_str path) {
  if (!tn_str_starts_with(path, rule)) return false;
  if (rule.len == 0 || path.len == rule.len) return true;
  char next = path.data[rule.len];
  return next == '/' || next == '?';
}

const tn_serve_route *tn_serve_find_route(const tn_serve_config *config, tn_str authority,
                                          tn_str path) {
  tn_str host = host_of(authority);
  /* The host of the routes before: equal ones share their text and lie side by side. */
  const char *looked_at = NULL;
  bool matches = false;
  for (uint32_t i = 0; i < config->route_count; i++) {
    const tn_serve_route *route = &config->routes[i];
    if (i == 0 || route->host.data != looked_at) {
      looked_at = route->host.data;
      matches = host_matches(route->host, host);
    }
    if (matches && path_matches(route->path, path)) return route;
  }
  return NULL;
}
