#include "wasi/egress.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "http/message.h"

/* ---- reading rules --------------------------------------------------------------------------------- */

static tn_error *bad_rule(const char *rule, const char *problem) {
  tn_error *error = tn_error_new(TN_ERROR_ARGUMENT, "HTTP rule \"%s\": %s", rule, problem);
  return tn_error_set_hint(error,
                           "a rule is [METHOD[,METHOD]...@]HOST[:PORT], such as example.org, "
                           "*.example.org:443, GET,HEAD@10.0.0.0/8 or *");
}

/* Keeps the method once, for all rules. */
static tn_error *note_method(tn_egress_policy *policy, tn_arena *arena, tn_str method,
                             tn_str *out) {
  for (uint32_t i = 0; i < policy->methods.len; i++) {
    *out = policy->methods.items[i];
    if (tn_str_equal(*out, method)) return NULL;
  }
  *out = tn_arena_copy(arena, method);
  tn_str *added = out->data == NULL ? NULL : TN_VEC_PUSH(arena, &policy->methods);
  if (added == NULL) return tn_error_no_memory();
  *added = *out;
  return NULL;
}

static tn_error *take_methods(tn_egress_policy *policy, tn_arena *arena, const char *rule,
                              tn_str list, tn_egress_rule *out) {
  uint32_t count = 1;
  for (size_t i = 0; i < list.len; i++)
    count += list.data[i] == ',';
  out->methods = TN_ARENA_ARRAY(arena, tn_str, count);
  if (out->methods == NULL) return tn_error_no_memory();
  for (size_t start = 0; start <= list.len;) {
    size_t end = tn_str_find(list, ',', start);
    tn_str method = tn_str_slice(list, start, end);
    if (!tn_http_is_method(method)) return bad_rule(rule, "not a list of methods before the \"@\"");
    TN_TRY(note_method(policy, arena, method, &out->methods[out->method_count++]));
    start = end + 1;
  }
  return NULL;
}

tn_error *tn_egress_allow(tn_egress_policy *policy, tn_arena *arena, const char *rule) {
  tn_egress_rule made = {0};
  tn_str text = tn_str_from(rule);
  size_t at = tn_str_find(text, '@', 0);
  const char *target = rule;
  if (at < text.len) {
    TN_TRY(take_methods(policy, arena, rule, tn_str_slice(text, 0, at), &made));
    target += at + 1;
  }
  made.is_below = strncmp(target, "*.", 2) == 0;
  if (made.is_below) target += 2;
  tn_error *error = tn_network_take_rule(target, arena, &made.target);
  if (error != NULL && tn_error_get_kind(error) == TN_ERROR_ARGUMENT) {
    tn_error_delete(error);
    return bad_rule(rule, "neither a host name nor an address or range, or not a port after it");
  }
  if (error != NULL) return error;
  if (made.is_below && made.target.kind != TN_RULE_NAME)
    return bad_rule(rule, "only a name can follow \"*.\"");
  tn_egress_rule *added = TN_VEC_PUSH(arena, &policy->rules);
  if (added == NULL) return tn_error_no_memory();
  *added = made;
  return NULL;
}

/* ---- by name ----------------------------------------------------------------------------------------- */

static bool is_for(const tn_egress_rule *rule, tn_str method, uint16_t port) {
  if (port < rule->target.first_port || port > rule->target.last_port) return false;
  for (uint32_t i = 0; i < rule->method_count; i++) {
    if (tn_str_equal(rule->methods[i], method)) return true;
  }
  return rule->method_count == 0;
}

static bool names(const tn_egress_rule *rule, tn_str host) {
  if (!rule->is_below) return tn_network_rule_names(&rule->target, host);
  /* The shortest is "x.name"; the root's dot may follow. */
  size_t root = host.len > 0 && host.data[host.len - 1] == '.';
  size_t below = rule->target.name.len + 1;
  if (host.len - root <= below) return false;
  tn_str end = tn_str_slice(host, host.len - root - below, host.len);
  return end.data[0] == '.' && tn_network_rule_names(&rule->target, tn_str_slice(end, 1, end.len));
}

bool tn_egress_may_request(const tn_egress_policy *policy, tn_str method, tn_str host,
                           uint16_t port, tn_egress_request *out) {
  *out =
      (tn_egress_request){.method = method, .port = port, .is_granted = policy->allows_everything};
  tn_address address;
  bool is_address = tn_address_parse(host, &address);
  bool is_possible = false;
  for (uint32_t i = 0; i < policy->rules.len; i++) {
    const tn_egress_rule *rule = &policy->rules.items[i];
    const tn_network_rule *target = &rule->target;
    if (!is_for(rule, method, port)) continue;
    if (target->kind == TN_RULE_ANY) out->is_granted = true;
    /* What a name resolves to may lie in the range: the second check tells. */
    if (target->kind == TN_RULE_RANGE)
      is_possible |= !is_address || tn_address_is_in(&address, &target->address, target->prefix);
    if (target->kind != TN_RULE_NAME || !names(rule, host)) continue;
    out->is_granted = true;
    out->may_loop_back |= !rule->is_below && tn_network_rule_names(target, TN_STR("localhost"));
  }
  return out->is_granted || is_possible;
}

const void *tn_egress_key(const tn_egress_policy *policy, tn_str method) {
  for (uint32_t i = 0; i < policy->methods.len; i++) {
    if (tn_str_equal(policy->methods.items[i], method)) return &policy->methods.items[i];
  }
  return policy;
}

/* ---- by address ------------------------------------------------------------------------------------------ */

typedef struct special_range {
  tn_address address;
  uint8_t prefix;
  bool is_loopback;
} special_range;

#define V4(bits, ...)                                                                              \
  { {{__VA_ARGS__}, false}, bits, false }
#define V6(bits, ...)                                                                              \
  { {{__VA_ARGS__}, true}, bits, false }

/* What is not of the public Internet: all that IANA's registries of special addresses (RFC 6890 and its updates) do not
 * call globally reachable, multicast, and what is reserved. Blocks are taken whole, though both registries name a few
 * addresses within "protocol assignments" that are reachable: relays, sinks and identifiers, nobody's server. */
static const special_range special_ranges[] = {
    {{{127}, false}, 8, true},
    {{{[15] = 1}, true}, 128, true},
    V4(8, 0),  /* this network, RFC 791; 0.0.0.0 reaches the own machine */
    V4(8, 10), /* private, RFC 1918 */
    V4(12, 172, 16),
    V4(16, 192, 168),
    V4(10, 100, 64),                   /* shared by carriers, RFC 6598 */
    V4(16, 169, 254),                  /* link-local, RFC 3927 */
    V4(24, 192, 0, 0),                 /* protocol assignments, RFC 6890 */
    V4(24, 192, 0, 2),                 /* documentation, RFC 5737 */
    V4(24, 198, 51, 100),              /* documentation */
    V4(24, 203, 0, 113),               /* documentation */
    V4(24, 192, 88, 99),               /* 6to4 relays that were, RFC 7526 */
    V4(15, 198, 18),                   /* benchmarks, RFC 2544 */
    V4(4, 224),                        /* multicast, RFC 5771 */
    V4(4, 240),                        /* reserved and broadcast, RFC 1112 */
    V6(128, 0),                        /* unspecified */
    V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), /* a network's own NAT64, RFC 8215 */
    V6(64, 1),                         /* discarded, RFC 6666 */
    V6(64, 1, 0, 0, 0, 0, 0, 0, 1),    /* nobody, RFC 9780 */
    V6(23, 0x20, 0x01),                /* protocol assignments, RFC 2928; Teredo, RFC 4380 */
    V6(32, 0x20, 0x01, 0x0d, 0xb8),    /* documentation, RFC 3849 */
    V6(20, 0x3f, 0xff),                /* documentation, RFC 9637 */
    V6(16, 0x5f),                      /* segment routing, RFC 9602 */
    V6(7, 0xfc),                       /* unique local, RFC 4193 */
    V6(10, 0xfe, 0x80),                /* link-local, RFC 4291 */
    V6(10, 0xfe, 0xc0),                /* site-local, RFC 3879 */
    V6(8, 0xff),                       /* multicast */
};

static const special_range *find_special(const tn_address *address) {
  for (size_t i = 0; i < sizeof special_ranges / sizeof *special_ranges; i++) {
    const special_range *range = &special_ranges[i];
    if (tn_address_is_in(address, &range->address, range->prefix)) return range;
  }
  return NULL;
}

/* IPv6 addresses that stand for an IPv4 one, which follows the prefix: a gateway leads there. Mapped ones are IPv4
 * already (tn_address). */
static const struct {
  tn_address address;
  uint8_t prefix;
} embedding[] = {
    {{{0}, true}, 96},                      /* IPv4-compatible, RFC 4291 */
    {{{[8] = 0xff, 0xff}, true}, 96},       /* IPv4-translated, RFC 2765 */
    {{{0x00, 0x64, 0xff, 0x9b}, true}, 96}, /* NAT64, RFC 6052 */
    {{{0x20, 0x02}, true}, 16},             /* 6to4, RFC 3056 */
};

static const special_range *special_of(const tn_address *address) {
  const special_range *found = find_special(address);
  for (size_t i = 0; i < sizeof embedding / sizeof *embedding && found == NULL; i++) {
    if (!tn_address_is_in(address, &embedding[i].address, embedding[i].prefix)) continue;
    tn_address inner = {0};
    memcpy(inner.bytes, address->bytes + embedding[i].prefix / 8, 4);
    found = find_special(&inner);
  }
  return found;
}

bool tn_egress_may_connect_anywhere(const tn_egress_policy *policy,
                                    const tn_egress_request *request) {
  return policy->allows_everything || (policy->allows_private && request->is_granted);
}

bool tn_egress_may_connect(const tn_egress_policy *policy, const tn_egress_request *request,
                           const struct sockaddr *address) {
  if (policy->allows_everything) return true;
  tn_address wanted;
  uint16_t port; /* that of a proxy, perhaps; the rules are for the request's */
  if (!tn_address_take(address, &wanted, &port)) return false;
  const special_range *special = special_of(&wanted);
  bool is_covered = false, is_special_named = false;
  for (uint32_t i = 0; i < policy->rules.len; i++) {
    const tn_egress_rule *rule = &policy->rules.items[i];
    const tn_network_rule *target = &rule->target;
    if (target->kind != TN_RULE_RANGE || !is_for(rule, request->method, request->port)) continue;
    if (!tn_address_is_in(&wanted, &target->address, target->prefix)) continue;
    is_covered = true;
    /* A range that is wider than the special one was not meant for it: "0.0.0.0/0". */
    is_special_named |= special != NULL && target->prefix >= special->prefix;
  }
  if (!request->is_granted && !is_covered) return false;
  if (special == NULL || policy->allows_private || is_special_named) return true;
  return special->is_loopback && request->may_loop_back;
}
