/* Which HTTP requests a guest may make: first by host, port and method, then by the address that is really
 * connected to. */
#ifndef TN_WASI_EGRESS_H
#define TN_WASI_EGRESS_H

#include "wasi/network.h"

typedef struct tn_egress_rule {
  tn_network_rule target; /* without operations */
  bool is_below;          /* target.name stands for all names below it, "*.name" */
  tn_str *methods;
  uint32_t method_count; /* 0: all */
} tn_egress_rule;

/* Invariant: `methods` has each method of a rule once. */
typedef struct tn_egress_policy {
  TN_VEC(tn_egress_rule) rules;
  TN_VEC(tn_str) methods;
  bool allows_private;
  bool allows_everything;
} tn_egress_policy;

/* What the rules said of a request by its name, for the second check. */
typedef struct tn_egress_request {
  tn_str method;
  uint16_t port;
  bool is_granted;    /* by its host: it may go to all public addresses */
  bool may_loop_back; /* to this machine as well, the host is localhost */
} tn_egress_request;

/* Adds a rule, see tn_wasi_config_allow_http. Copies what it keeps to the arena. */
tn_error *tn_egress_allow(tn_egress_policy *policy, tn_arena *arena, const char *rule);
/* Whether the request may be made as far as its host (a name, or an address without brackets) tells. `method` is kept
 * in *out. */
bool tn_egress_may_request(const tn_egress_policy *policy, tn_str method, tn_str host,
                           uint16_t port, tn_egress_request *out);
/* Whether it may go to the address that its host has been resolved to. */
bool tn_egress_may_connect(const tn_egress_policy *policy, const tn_egress_request *request,
                           const struct sockaddr *address);
/* Whether that is so for all addresses. */
bool tn_egress_may_connect_anywhere(const tn_egress_policy *policy,
                                    const tn_egress_request *request);
/* What tells requests to the same host apart whose second check may end differently: the rights, and the method where
 * rules are for methods. */
const void *tn_egress_key(const tn_egress_policy *policy, tn_str method);

#endif
