/* Which addresses and names a guest may use: a list of rules, all allowing. */
#ifndef TN_WASI_NETWORK_H
#define TN_WASI_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/vec.h"
#include "tenon.h"

/* An address without a port. IPv4-mapped IPv6 addresses are kept as what they stand for, IPv4, so that one
 * cannot be used to get around a rule for the other. */
typedef struct tn_address {
  uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
  bool is_ipv6;
} tn_address;

typedef enum tn_rule_kind { TN_RULE_ANY, TN_RULE_RANGE, TN_RULE_NAME } tn_rule_kind;

typedef struct tn_network_rule {
  tn_rule_kind kind;
  unsigned operations; /* TN_NETWORK_… */
  uint16_t first_port;
  uint16_t last_port;
  tn_address address; /* RANGE: the first `prefix` bits count */
  uint8_t prefix;
  tn_str name; /* NAME */
} tn_network_rule;

typedef struct tn_network_policy {
  TN_VEC(tn_network_rule) rules;
  bool allows_everything;
  bool allows_lookup;
} tn_network_policy;

/* Addresses that names of rules have been resolved to, for one guest. */
typedef struct tn_resolved_name {
  uint32_t rule; /* its index; kind NAME */
  tn_address address;
} tn_resolved_name;

typedef struct tn_resolved_names {
  tn_resolved_name *items;
  uint32_t len;
  uint32_t cap;
} tn_resolved_names;

/* False for families other than IP. */
bool tn_address_take(const struct sockaddr *from, tn_address *address, uint16_t *port);
/* "10.1.2.3", "::1" (without brackets); false when it is no address. */
bool tn_address_parse(tn_str text, tn_address *address);
/* Whether the first `prefix` bits are those of `range`. */
bool tn_address_is_in(const tn_address *address, const tn_address *range, unsigned prefix);

/* Reads "HOST[:PORT]" into a rule without operations. Copies what it keeps to the arena. */
tn_error *tn_network_take_rule(const char *text, tn_arena *arena, tn_network_rule *rule);
/* Whether the rule is for the host of that name. */
bool tn_network_rule_names(const tn_network_rule *rule, tn_str name);

/* Adds a rule, see tn_wasi_config_allow_network. Copies what it keeps to the arena. */
tn_error *tn_network_allow(tn_network_policy *policy, tn_arena *arena, const char *rule,
                           unsigned operations);
bool tn_network_may_use(const tn_network_policy *policy, const tn_resolved_names *resolved,
                        unsigned operation, const struct sockaddr *address);
bool tn_network_may_resolve(const tn_network_policy *policy, tn_str name);
/* Remembers the address for each rule that names the host. Best effort: what cannot be remembered (too many,
 * no memory) stays forbidden. */
void tn_network_note_resolved(const tn_network_policy *policy, tn_resolved_names *resolved,
                              tn_str name, const struct sockaddr *address);

#endif
