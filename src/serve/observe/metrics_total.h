/* The counters of all workers added up, and how they are printed. Between metrics.c and the two printers. */
#ifndef TN_SERVE_OBSERVE_METRICS_TOTAL_H
#define TN_SERVE_OBSERVE_METRICS_TOTAL_H

#include <time.h>

#include "serve/observe/metrics.h"

typedef struct tn_component_total {
  const char *name;
  tn_component_metrics sum;
} tn_component_total;

typedef struct tn_metrics_total {
  tn_http_server_counters server;
  tn_http_client_counters client;
  tn_component_total *components;
  uint32_t component_count;
  uint32_t workers;
  uint64_t reloads;
  uint64_t failed_reloads;
  uint64_t log_lost;
  time_t started;
  time_t now;
  uint64_t resident_bytes;
  double cpu_seconds;
} tn_metrics_total;

/* Upper bounds of the duration histogram's buckets in nanoseconds; the last is without bound. */
extern const uint64_t tn_metric_bounds[TN_METRIC_BUCKETS];
extern const char *const tn_metric_method_names[TN_METRIC_METHODS];
/* "trap", "timeout" … by tn_error_kind; NULL: not a way in which guests end. */
extern const char *const tn_metric_trap_names[TN_METRIC_TRAPS];

void tn_metrics_total_print_text(const tn_metrics_total *total, tn_buffer *out);
void tn_metrics_total_print_json(const tn_metrics_total *total, tn_buffer *out);

#endif
