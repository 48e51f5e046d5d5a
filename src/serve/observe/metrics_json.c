/* Metrics as JSON: what the status page draws its charts from. */
#include <jansson.h>

#include "base/error.h"
#include "serve/observe/metrics_total.h"

static void set_count(json_t *object, const char *name, uint64_t value) {
  json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *durations(const tn_component_metrics *sum) {
  json_t *array = json_array();
  for (unsigned i = 0; i < TN_METRIC_BUCKETS; i++) {
    json_t *bucket = json_object();
    json_object_set_new(bucket, "below",
                        tn_metric_bounds[i] == UINT64_MAX
                            ? json_null()
                            : json_real((double)tn_metric_bounds[i] / 1e9));
    set_count(bucket, "requests", sum->durations[i]);
    json_array_append_new(array, bucket);
  }
  return array;
}

static json_t *statuses(const tn_component_metrics *sum, uint64_t *total) {
  json_t *object = json_object();
  *total = 0;
  for (unsigned status = 0; status < TN_METRIC_STATUSES; status++) {
    uint64_t count = 0;
    for (unsigned method = 0; method < TN_METRIC_METHODS; method++)
      count += sum->requests[method][status];
    if (count == 0) continue;
    char name[8];
    snprintf(name, sizeof name, "%u", status);
    set_count(object, name, count);
    *total += count;
  }
  return object;
}

static json_t *traps(const tn_component_metrics *sum) {
  json_t *object = json_object();
  for (unsigned kind = 0; kind < TN_METRIC_TRAPS; kind++) {
    if (tn_metric_trap_names[kind] == NULL || sum->traps[kind] == 0) continue;
    set_count(object, tn_metric_trap_names[kind], sum->traps[kind]);
  }
  return object;
}

static json_t *component(const tn_component_total *total) {
  const tn_component_metrics *sum = &total->sum;
  json_t *object = json_object();
  uint64_t requests;
  json_object_set_new(object, "name", json_string(total->name));
  json_object_set_new(object, "statuses", statuses(sum, &requests));
  set_count(object, "requests", requests);
  json_object_set_new(object, "durations", durations(sum));
  json_object_set_new(object, "durationSeconds", json_real((double)sum->duration_sum / 1e9));
  json_object_set_new(object, "instanceSeconds", json_real((double)sum->instance_time_sum / 1e9));
  json_object_set_new(object, "runningSeconds", json_real((double)sum->running_time_sum / 1e9));
  json_object_set_new(object, "traps", traps(sum));
  set_count(object, "inFlight", sum->in_flight);
  set_count(object, "queued", sum->queued);
  set_count(object, "rejected", sum->rejected);
  set_count(object, "cancelled", sum->cancelled);
  set_count(object, "instancesCreated", sum->instances_created);
  set_count(object, "instancesLive", sum->instances_live);
  set_count(object, "instancesPooled", sum->instances_pooled);
  set_count(object, "memoryPeakBytes", sum->memory_peak);
  set_count(object, "fuel", sum->fuel);
  set_count(object, "bytesIn", sum->bytes_in);
  set_count(object, "bytesOut", sum->bytes_out);
  return object;
}

static json_t *connections(const tn_http_server_counters *server) {
  json_t *object = json_object();
  set_count(object, "accepted", server->connections);
  set_count(object, "open", server->open_connections);
  set_count(object, "idle", server->idle_connections);
  set_count(object, "http2", server->http2_connections);
  set_count(object, "refused", server->refused_connections);
  set_count(object, "refusedRequests", server->refused_requests);
  set_count(object, "tlsHandshakes", server->tls_handshakes);
  set_count(object, "tlsFailures", server->tls_failures);
  set_count(object, "bytesIn", server->bytes_in);
  set_count(object, "bytesOut", server->bytes_out);
  return object;
}

static json_t *client_calls(const tn_http_client_counters *client) {
  json_t *object = json_object();
  set_count(object, "calls", client->calls);
  set_count(object, "failures", client->failures);
  set_count(object, "connections", client->connections);
  set_count(object, "reused", client->reused);
  set_count(object, "open", client->open_connections);
  return object;
}

void tn_metrics_total_print_json(const tn_metrics_total *total, tn_buffer *out) {
  json_t *root = json_object();
  json_t *components = json_array();
  for (uint32_t i = 0; i < total->component_count; i++)
    json_array_append_new(components, component(&total->components[i]));
  json_object_set_new(root, "version", json_string(TN_VERSION_STRING));
  set_count(root, "startedAt", (uint64_t)total->started);
  set_count(root, "now", (uint64_t)total->now);
  set_count(root, "workers", total->workers);
  set_count(root, "residentBytes", total->resident_bytes);
  json_object_set_new(root, "cpuSeconds", json_real(total->cpu_seconds));
  set_count(root, "reloads", total->reloads);
  set_count(root, "failedReloads", total->failed_reloads);
  set_count(root, "logLinesLost", total->log_lost);
  json_object_set_new(root, "connections", connections(&total->server));
  json_object_set_new(root, "client", client_calls(&total->client));
  json_object_set_new(root, "components", components);
  char *text = json_dumps(root, JSON_COMPACT);
  if (text == NULL) {
    out->failed = true;
  } else {
    tn_buffer_append_text(out, text);
  }
  free(text);
  json_decref(root);
}
