/* Metrics in Prometheus's text form. The few lines of it are written here: Debian 12 has no C library that does. */
#include <inttypes.h>

#include "serve/observe/metrics_total.h"

const char *const tn_metric_method_names[TN_METRIC_METHODS] = {
    [TN_METRIC_GET] = "GET",         [TN_METRIC_HEAD] = "HEAD",
    [TN_METRIC_POST] = "POST",       [TN_METRIC_PUT] = "PUT",
    [TN_METRIC_DELETE] = "DELETE",   [TN_METRIC_PATCH] = "PATCH",
    [TN_METRIC_OPTIONS] = "OPTIONS", [TN_METRIC_OTHER_METHOD] = "other",
};

const char *const tn_metric_trap_names[TN_METRIC_TRAPS] = {
    [TN_ERROR_NO_MEMORY] = "no-memory", [TN_ERROR_UNSUPPORTED] = "unsupported",
    [TN_ERROR_TRAP] = "trap",           [TN_ERROR_EXIT] = "exit",
    [TN_ERROR_STACK] = "stack",         [TN_ERROR_FUEL] = "fuel",
    [TN_ERROR_TIMEOUT] = "timeout",     [TN_ERROR_MEMORY_LIMIT] = "memory-limit",
    [TN_ERROR_LIMIT] = "limit",         [TN_ERROR_DENIED] = "denied",
    [TN_ERROR_INTERNAL] = "internal",   [TN_ERROR_HOST] = "host",
};

static void print_head(tn_buffer *out, const char *name, const char *type, const char *help) {
  tn_buffer_format(out, "# HELP tenon_%s %s\n# TYPE tenon_%s %s\n", name, help, name, type);
}

static void print_number(tn_buffer *out, const char *name, const char *type, const char *help,
                         uint64_t value) {
  print_head(out, name, type, help);
  tn_buffer_format(out, "tenon_%s %" PRIu64 "\n", name, value);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void print_label(tn_buffer *out, const char *name, const char *value) {
  tn_buffer_format(out, "%s=\"", name);
  for (; *value != '\0'; value++) {
    if (*value == '\\' || *value == '"') tn_buffer_append_byte(out, '\\');
    if (*value == '\n') {
      tn_buffer_append_text(out, "\\n");
    } else {
      tn_buffer_append_byte(out, (uint8_t)*value);
    }
  }
  tn_buffer_append_byte(out, '"');
}

static void print_component_start(tn_buffer *out, const char *metric, const char *component) {
  tn_buffer_format(out, "tenon_%s{", metric);
  print_label(out, "component", component);
}

/* ---- one line a component ------------------------------------------------------------------------ */

typedef struct component_metric {
  const char *name;
  const char *type;
  const char *help;
  size_t offset; /* of an _Atomic uint64_t in tn_component_metrics */
  double scale;  /* 0: printed as the whole number that it is */
} component_metric;

#define METRIC(field) offsetof(tn_component_metrics, field)

static const component_metric component_metrics[] = {
    {"requests_in_flight", "gauge", "Requests being answered.", METRIC(in_flight), 0},
    {"requests_queued", "gauge", "Requests waiting for their turn.", METRIC(queued), 0},
    {"requests_rejected_total", "counter", "Requests answered with 503 for lack of room.",
     METRIC(rejected), 0},
    {"requests_cancelled_total", "counter", "Requests whose client went away.", METRIC(cancelled),
     0},
    {"instance_seconds_total", "counter", "Time that guests had requests, their waits included.",
     METRIC(instance_time_sum), 1e-9},
    {"running_seconds_total", "counter",
     "Time that guests had a worker's thread, their waits left out.", METRIC(running_time_sum),
     1e-9},
    {"instances_created_total", "counter", "Instances made.", METRIC(instances_created), 0},
    {"instances_live", "gauge", "Instances that exist.", METRIC(instances_live), 0},
    {"instances_pooled", "gauge", "Instances that wait for a request.", METRIC(instances_pooled),
     0},
    {"instance_memory_peak_bytes", "gauge", "Linear memory of the largest instance so far.",
     METRIC(memory_peak), 0},
    {"fuel_total", "counter", "Fuel that guests used.", METRIC(fuel), 0},
    {"request_bytes_total", "counter", "Bytes of request bodies.", METRIC(bytes_in), 0},
    {"response_bytes_total", "counter", "Bytes of response bodies.", METRIC(bytes_out), 0},
};

static void print_component_metric(const tn_metrics_total *total, const component_metric *metric,
                                   tn_buffer *out) {
  print_head(out, metric->name, metric->type, metric->help);
  for (uint32_t i = 0; i < total->component_count; i++) {
    const tn_component_total *component = &total->components[i];
    uint64_t value = *(const uint64_t *)((const char *)&component->sum + metric->offset);
    print_component_start(out, metric->name, component->name);
    if (metric->scale == 0) {
      tn_buffer_format(out, "} %" PRIu64 "\n", value);
    } else {
      tn_buffer_format(out, "} %.9g\n", (double)value * metric->scale);
    }
  }
}

/* ---- several lines a component ------------------------------------------------------------------- */

static void print_requests_of(const tn_component_total *component, tn_buffer *out) {
  for (unsigned method = 0; method < TN_METRIC_METHODS; method++) {
    for (unsigned status = 0; status < TN_METRIC_STATUSES; status++) {
      uint64_t count = component->sum.requests[method][status];
      if (count == 0) continue;
      print_component_start(out, "requests_total", component->name);
      tn_buffer_format(out, ",method=\"%s\",status=\"%u\"} %" PRIu64 "\n",
                       tn_metric_method_names[method], status, count);
    }
  }
}

static void print_traps_of(const tn_component_total *component, tn_buffer *out) {
  for (unsigned kind = 0; kind < TN_METRIC_TRAPS; kind++) {
    if (tn_metric_trap_names[kind] == NULL) continue;
    print_component_start(out, "traps_total", component->name);
    tn_buffer_format(out, ",kind=\"%s\"} %" PRIu64 "\n", tn_metric_trap_names[kind],
                     component->sum.traps[kind]);
  }
}

static void print_durations_of(const tn_component_total *component, tn_buffer *out) {
  static const char name[] = "request_duration_seconds";
  uint64_t count = 0;
  for (unsigned i = 0; i < TN_METRIC_BUCKETS; i++) {
    count += component->sum.durations[i];
    tn_buffer_format(out, "tenon_%s_bucket{", name);
    print_label(out, "component", component->name);
    if (tn_metric_bounds[i] == UINT64_MAX) {
      tn_buffer_format(out, ",le=\"+Inf\"} %" PRIu64 "\n", count);
    } else {
      tn_buffer_format(out, ",le=\"%g\"} %" PRIu64 "\n", (double)tn_metric_bounds[i] / 1e9, count);
    }
  }
  tn_buffer_format(out, "tenon_%s_sum{", name);
  print_label(out, "component", component->name);
  tn_buffer_format(out, "} %.9g\n", (double)component->sum.duration_sum / 1e9);
  tn_buffer_format(out, "tenon_%s_count{", name);
  print_label(out, "component", component->name);
  tn_buffer_format(out, "} %" PRIu64 "\n", count);
}

static void print_each(const tn_metrics_total *total, tn_buffer *out,
                       void (*print)(const tn_component_total *component, tn_buffer *out)) {
  for (uint32_t i = 0; i < total->component_count; i++)
    print(&total->components[i], out);
}

/* ---- the server's own ---------------------------------------------------------------------------- */

static void print_connections(const tn_http_server_counters *server, tn_buffer *out) {
  print_number(out, "connections_total", "counter", "Connections accepted.", server->connections);
  print_number(out, "connections_open", "gauge", "Connections open.", server->open_connections);
  print_number(out, "connections_idle", "gauge", "Connections open and without a request.",
               server->idle_connections);
  print_number(out, "connections_http2_total", "counter", "Connections that spoke HTTP/2.",
               server->http2_connections);
  print_number(out, "connections_refused_total", "counter", "Connections closed for lack of room.",
               server->refused_connections);
  print_number(out, "requests_refused_total", "counter",
               "Requests that were malformed, too large or too slow.", server->refused_requests);
  print_number(out, "tls_handshakes_total", "counter", "TLS handshakes completed.",
               server->tls_handshakes);
  print_number(out, "tls_failures_total", "counter", "TLS handshakes failed.",
               server->tls_failures);
  print_number(out, "received_bytes_total", "counter", "Bytes received.", server->bytes_in);
  print_number(out, "sent_bytes_total", "counter", "Bytes sent.", server->bytes_out);
}

static void print_client(const tn_http_client_counters *client, tn_buffer *out) {
  print_number(out, "client_calls_total", "counter", "Outgoing requests.", client->calls);
  print_number(out, "client_failures_total", "counter", "Outgoing requests without a response.",
               client->failures);
  print_number(out, "client_connections_total", "counter", "Outgoing connections made.",
               client->connections);
  print_number(out, "client_connections_reused_total", "counter",
               "Outgoing requests on a connection that was there.", client->reused);
  print_number(out, "client_connections_open", "gauge", "Outgoing connections open.",
               client->open_connections);
}

static void print_process(const tn_metrics_total *total, tn_buffer *out) {
  print_number(out, "workers", "gauge", "Worker threads.", total->workers);
  print_number(out, "reloads_total", "counter", "Successful reloads.", total->reloads);
  print_number(out, "reload_failures_total", "counter",
               "Reloads that failed and left what was there.", total->failed_reloads);
  print_number(out, "log_lines_lost_total", "counter",
               "Lines of the log that could not be written.", total->log_lost);
  print_number(out, "start_time_seconds", "gauge", "When the server started, in Unix time.",
               (uint64_t)total->started);
  print_number(out, "resident_memory_bytes", "gauge", "Memory of the process.",
               total->resident_bytes);
  print_head(out, "cpu_seconds_total", "counter", "Processor time of the process.");
  tn_buffer_format(out, "tenon_cpu_seconds_total %.6f\n", total->cpu_seconds);
}

void tn_metrics_total_print_text(const tn_metrics_total *total, tn_buffer *out) {
  print_head(out, "requests_total", "counter",
             "Requests by component, method and status; status 0: cut off without one.");
  print_each(total, out, print_requests_of);
  print_head(out, "request_duration_seconds", "histogram",
             "Time from a request's head to its response's end.");
  print_each(total, out, print_durations_of);
  print_head(out, "traps_total", "counter", "Guests that ended badly, by kind.");
  print_each(total, out, print_traps_of);
  for (size_t i = 0; i < sizeof component_metrics / sizeof *component_metrics; i++)
    print_component_metric(total, &component_metrics[i], out);
  print_connections(&total->server, out);
  print_client(&total->client, out);
  print_process(total, out);
}
