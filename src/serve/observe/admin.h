/* The admin address: /healthz, /readyz, /metrics and /status, on a thread and a loop of its own, so that it answers
 * when the workers are busy, and nothing that it does slows them. */
#ifndef TN_SERVE_OBSERVE_ADMIN_H
#define TN_SERVE_OBSERVE_ADMIN_H

#include "serve/observe/log.h"
#include "serve/observe/metrics.h"

typedef struct tn_admin tn_admin;

typedef struct tn_admin_options {
  tn_str address;      /* "127.0.0.1:9090", "[::1]:9090", "unix:/path" */
  tn_metrics *metrics; /* outlives it, as does `log` */
  tn_log *log;
  /* Whether new requests are served: what /readyz tells. Any thread. */
  bool (*is_ready)(void *data);
  void *data;
} tn_admin_options;

/* Opens the address and starts to answer. */
tn_error *tn_admin_start(const tn_admin_options *options, tn_admin **out);
/* Closes everything and waits for the thread. */
void tn_admin_stop(tn_admin *admin);

#endif
