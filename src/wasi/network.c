#include "wasi/network.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/error.h"

/* Names resolve to few addresses; a guest that resolves on and on must not fill the host's memory. */
enum { MAX_RESOLVED = 1024 };

/* ---- addresses ---------------------------------------------------------------------------------- */

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void normalize(tn_address *address) {
  if (!address->is_ipv6 || memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) != 0) return;
  memmove(address->bytes, address->bytes + sizeof mapped_prefix, 4);
  memset(address->bytes + 4, 0, 12);
  address->is_ipv6 = false;
}

bool tn_address_take(const struct sockaddr *from, tn_address *address, uint16_t *port) {
  memset(address, 0, sizeof *address);
  if (from->sa_family == AF_INET) {
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)from;
    memcpy(address->bytes, &ipv4->sin_addr, 4);
    *port = ntohs(ipv4->sin_port);
    return true;
  }
  if (from->sa_family != AF_INET6) return false;
  const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)from;
  memcpy(address->bytes, &ipv6->sin6_addr, 16);
  address->is_ipv6 = true;
  *port = ntohs(ipv6->sin6_port);
  normalize(address);
  return true;
}

bool tn_address_is_in(const tn_address *address, const tn_address *range, unsigned prefix) {
  if (address->is_ipv6 != range->is_ipv6) return false;
  if (memcmp(address->bytes, range->bytes, prefix / 8) != 0) return false;
  unsigned rest = prefix % 8;
  if (rest == 0) return true;
  uint8_t mask = (uint8_t)(0xff << (8 - rest));
  return ((address->bytes[prefix / 8] ^ range->bytes[prefix / 8]) & mask) == 0;
}

static bool is_same_address(const tn_address *a, const tn_address *b) {
  return tn_address_is_in(a, b, a->is_ipv6 ? 128 : 32);
}

/* ---- reading rules ------------------------------------------------------------------------------ */

static tn_error *bad_rule(const char *rule, const char *problem) {
  tn_error *error = tn_error_new(TN_ERROR_ARGUMENT, "network rule \"%s\": %s", rule, problem);
  return tn_error_set_hint(
      error, "a rule is HOST[:PORT], such as example.org:443, 10.0.0.0/8, [::1]:8000-8999 or *");
}

/* A decimal number of at most `max`; false when it is anything else. */
static bool take_number(tn_str text, unsigned max, unsigned *out) {
  if (text.len == 0 || text.len > 5) return false;
  unsigned value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
    value = value * 10 + (unsigned)(text.data[i] - '0');
  }
  *out = value;
  return value <= max;
}

static bool take_ports(tn_str text, tn_network_rule *rule) {
  rule->first_port = 0;
  rule->last_port = UINT16_MAX;
  if (tn_str_equal(text, TN_STR("*"))) return true;
  size_t dash = tn_str_find(text, '-', 0);
  unsigned first, last;
  if (!take_number(tn_str_slice(text, 0, dash), UINT16_MAX, &first)) return false;
  last = first;
  if (dash < text.len && !take_number(tn_str_slice(text, dash + 1, text.len), UINT16_MAX, &last))
    return false;
  rule->first_port = (uint16_t)first;
  rule->last_port = (uint16_t)last;
  return first <= last;
}

/* "10.0.0.0/8", "10.1.2.3"; false when it is no address (or the prefix is wrong). */
static bool take_range(tn_str text, int family, tn_network_rule *rule) {
  char address[INET6_ADDRSTRLEN];
  size_t slash = tn_str_find(text, '/', 0);
  if (slash >= sizeof address) return false;
  memcpy(address, text.data, slash);
  address[slash] = 0;
  if (inet_pton(family, address, rule->address.bytes) != 1) return false;
  rule->address.is_ipv6 = family == AF_INET6;
  unsigned bits = family == AF_INET6 ? 128 : 32;
  unsigned prefix = bits;
  if (slash < text.len && !take_number(tn_str_slice(text, slash + 1, text.len), bits, &prefix))
    return false;
  normalize(&rule->address);
  if (family == AF_INET6 && !rule->address.is_ipv6) {
    if (prefix < 96) return false; /* would take in addresses of both families */
    prefix -= 96;
  }
  rule->prefix = (uint8_t)prefix;
  rule->kind = TN_RULE_RANGE;
  return true;
}

bool tn_address_parse(tn_str text, tn_address *address) {
  tn_network_rule rule = {0};
  if (memchr(text.data, '/', text.len) != NULL) return false;
  if (!take_range(text, AF_INET, &rule) && !take_range(text, AF_INET6, &rule)) return false;
  *address = rule.address;
  return true;
}

/* Letters, digits, '-', '_' and '.', as host names have them, and not all digits and dots, which is a
 * mistyped address. */
static bool is_host_name(tn_str text) {
  if (text.len == 0 || text.len > 253) return false;
  bool has_letter = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
    has_letter |= is_letter;
    if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') return false;
  }
  return has_letter;
}

/* A name may end with the root's dot. */
static tn_str without_root(tn_str name) {
  return tn_str_slice(name, 0,
                      name.len > 1 && name.data[name.len - 1] == '.' ? name.len - 1 : name.len);
}

/* Splits into host and port. The range of an IPv6 address may stand inside or after the brackets. */
static tn_error *take_host(const char *text, tn_arena *arena, tn_network_rule *rule, tn_str *port) {
  tn_str all = tn_str_from(text);
  if (all.len > 0 && all.data[0] == '[') {
    size_t close = tn_str_find(all, ']', 0);
    size_t colon = tn_str_find(all, ':', close);
    if (close == all.len) return bad_rule(text, "\"]\" is missing");
    tn_str inside = tn_str_slice(all, 1, close);
    tn_str after = tn_str_slice(all, close + 1, colon);
    tn_str range = tn_arena_format(arena, "%" TN_STR_FORMAT "%" TN_STR_FORMAT, TN_STR_ARG(inside),
                                   TN_STR_ARG(after));
    if (range.data == NULL) return tn_error_no_memory();
    if (!take_range(range, AF_INET6, rule)) return bad_rule(text, "not an IPv6 address or range");
    *port = colon < all.len ? tn_str_slice(all, colon + 1, all.len) : TN_STR("*");
    return NULL;
  }
  size_t colon = tn_str_find(all, ':', 0);
  if (tn_str_find(all, ':', colon + 1) < all.len)
    return bad_rule(text, "an IPv6 address belongs in brackets");
  *port = colon < all.len ? tn_str_slice(all, colon + 1, all.len) : TN_STR("*");
  tn_str host = tn_str_slice(all, 0, colon);
  if (tn_str_equal(host, TN_STR("*"))) {
    rule->kind = TN_RULE_ANY;
    return NULL;
  }
  if (take_range(host, AF_INET, rule)) return NULL;
  if (!is_host_name(host)) return bad_rule(text, "neither a host name nor an address or range");
  rule->kind = TN_RULE_NAME;
  rule->name = tn_arena_copy(arena, without_root(host));
  return rule->name.data == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_network_take_rule(const char *text, tn_arena *arena, tn_network_rule *rule) {
  tn_str port = {0};
  TN_TRY(take_host(text, arena, rule, &port));
  return take_ports(port, rule) ? NULL : bad_rule(text, "not a port or a range of ports");
}

tn_error *tn_network_allow(tn_network_policy *policy, tn_arena *arena, const char *rule,
                           unsigned operations) {
  if (operations == 0 || (operations & ~(unsigned)TN_NETWORK_ALL) != 0) {
    return tn_error_new(TN_ERROR_ARGUMENT, "network rule \"%s\": unknown operations %#x", rule,
                        operations);
  }
  tn_network_rule made = {.operations = operations};
  TN_TRY(tn_network_take_rule(rule, arena, &made));
  tn_network_rule *added = TN_VEC_PUSH(arena, &policy->rules);
  if (added == NULL) return tn_error_no_memory();
  *added = made;
  return NULL;
}

/* ---- asking ------------------------------------------------------------------------------------- */

bool tn_network_rule_names(const tn_network_rule *rule, tn_str name) {
  if (rule->kind != TN_RULE_NAME) return false;
  tn_str host = without_root(name);
  return host.len == rule->name.len && strncasecmp(host.data, rule->name.data, host.len) == 0;
}

static bool is_resolved(const tn_resolved_names *resolved, uint32_t rule,
                        const tn_address *address) {
  for (uint32_t i = 0; i < resolved->len; i++) {
    const tn_resolved_name *entry = &resolved->items[i];
    if (entry->rule == rule && is_same_address(&entry->address, address)) return true;
  }
  return false;
}

static bool rule_covers(const tn_network_policy *policy, uint32_t index,
                        const tn_resolved_names *resolved, const tn_address *address) {
  const tn_network_rule *rule = &policy->rules.items[index];
  switch (rule->kind) {
  case TN_RULE_ANY:
    return true;
  case TN_RULE_RANGE:
    return tn_address_is_in(address, &rule->address, rule->prefix);
  case TN_RULE_NAME:
    return is_resolved(resolved, index, address);
  }
  return false;
}

bool tn_network_may_use(const tn_network_policy *policy, const tn_resolved_names *resolved,
                        unsigned operation, const struct sockaddr *address) {
  if (policy->allows_everything) return true;
  tn_address wanted;
  uint16_t port;
  if (!tn_address_take(address, &wanted, &port)) return false;
  for (uint32_t i = 0; i < policy->rules.len; i++) {
    const tn_network_rule *rule = &policy->rules.items[i];
    if ((rule->operations & operation) != operation) continue;
    if (port < rule->first_port || port > rule->last_port) continue;
    if (rule_covers(policy, i, resolved, &wanted)) return true;
  }
  return false;
}

bool tn_network_may_resolve(const tn_network_policy *policy, tn_str name) {
  if (policy->allows_everything || policy->allows_lookup) return true;
  for (uint32_t i = 0; i < policy->rules.len; i++) {
    if (tn_network_rule_names(&policy->rules.items[i], name)) return true;
  }
  return false;
}

static tn_resolved_name *push_resolved(tn_resolved_names *resolved) {
  if (resolved->len == resolved->cap) {
    uint32_t cap = resolved->cap == 0 ? 8 : resolved->cap * 2;
    if (cap > MAX_RESOLVED) return NULL;
    tn_resolved_name *grown = tn_realloc(resolved->items, cap * sizeof *grown);
    if (grown == NULL) return NULL;
    resolved->items = grown;
    resolved->cap = cap;
  }
  return &resolved->items[resolved->len++];
}

void tn_network_note_resolved(const tn_network_policy *policy, tn_resolved_names *resolved,
                              tn_str name, const struct sockaddr *address) {
  tn_address found;
  uint16_t port;
  if (!tn_address_take(address, &found, &port)) return;
  for (uint32_t i = 0; i < policy->rules.len; i++) {
    if (!tn_network_rule_names(&policy->rules.items[i], name) || is_resolved(resolved, i, &found))
      continue;
    tn_resolved_name *entry = push_resolved(resolved);
    if (entry == NULL) return;
    *entry = (tn_resolved_name){.rule = i, .address = found};
  }
}
