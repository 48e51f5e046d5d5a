#include "serve/observe/metrics.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "serve/observe/metrics_total.h"

/* ---- recording ---------------------------------------------------------------------------------- */

static tn_metric_method method_of(tn_str method) {
  static const struct {
    const char *name;
    tn_metric_method method;
  } names[] = {{"GET", TN_METRIC_GET},        {"POST", TN_METRIC_POST},
               {"HEAD", TN_METRIC_HEAD},      {"PUT", TN_METRIC_PUT},
               {"DELETE", TN_METRIC_DELETE},  {"PATCH", TN_METRIC_PATCH},
               {"OPTIONS", TN_METRIC_OPTIONS}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (tn_str_equal(method, tn_str_from(names[i].name))) return names[i].method;
  }
  return TN_METRIC_OTHER_METHOD;
}

const uint64_t tn_metric_bounds[TN_METRIC_BUCKETS] = {
    100000,     250000,      500000,      1000000,     2500000,    5000000,    10000000,
    25000000,   50000000,    100000000,   250000000,   500000000,  1000000000, 2500000000,
    5000000000, 10000000000, 30000000000, 60000000000, UINT64_MAX,
};

static unsigned bucket_of(uint64_t duration) {
  unsigned bucket = 0;
  while (duration > tn_metric_bounds[bucket])
    bucket++;
  return bucket;
}

void tn_metrics_record_duration(tn_component_metrics *metrics, uint64_t duration) {
  tn_metric_add(&metrics->durations[bucket_of(duration)], 1);
  tn_metric_add(&metrics->duration_sum, duration);
}

void tn_metrics_record(tn_component_metrics *metrics, const tn_metric_request *request) {
  unsigned status =
      request->status > 0 && request->status < TN_METRIC_STATUSES ? (unsigned)request->status : 0;
  tn_metric_add(&metrics->requests[method_of(request->method)][status], 1);
  if (request->duration != UINT64_MAX) tn_metrics_record_duration(metrics, request->duration);
  tn_metric_add(&metrics->instance_time_sum, request->instance_time);
  tn_metric_add(&metrics->running_time_sum, request->running_time);
  tn_metric_add(&metrics->fuel, request->fuel);
  tn_metric_add(&metrics->bytes_in, request->bytes_in);
  tn_metric_add(&metrics->bytes_out, request->bytes_out);
}

/* ---- the registry ------------------------------------------------------------------------------- */

typedef struct worker_counters {
  const tn_http_server_counters *server;
  const tn_http_client_counters *client;
} worker_counters;

/* Invariants: each name once; `workers` elements in each component's array; ended_… is the sum of the counters of
 * workers that have gone. */
struct tn_metrics {
  pthread_mutex_t mutex;
  uint32_t workers;
  worker_counters *counters;
  tn_http_server_counters ended_server;
  tn_http_client_counters ended_client;
  struct {
    char *name;
    tn_component_metrics *metrics;
  } * components;
  uint32_t count;
  uint64_t reloads;
  uint64_t failed_reloads;
  time_t started;
  int memory_file; /* /proc/self/statm, open also for when there are no descriptors left; or -1 */
};

tn_error *tn_metrics_new(uint32_t workers, tn_metrics **out) {
  tn_metrics *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  pthread_mutex_init(&made->mutex, NULL);
  made->workers = workers;
  made->started = time(NULL);
  made->memory_file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  made->counters = tn_calloc(workers, sizeof *made->counters);
  if (made->counters == NULL) {
    tn_metrics_delete(made);
    return tn_error_no_memory();
  }
  *out = made;
  return NULL;
}

void tn_metrics_delete(tn_metrics *metrics) {
  if (metrics == NULL) return;
  for (uint32_t i = 0; i < metrics->count; i++) {
    tn_free(metrics->components[i].name);
    tn_free(metrics->components[i].metrics);
  }
  tn_free(metrics->components);
  tn_free(metrics->counters);
  if (metrics->memory_file >= 0) close(metrics->memory_file);
  pthread_mutex_destroy(&metrics->mutex);
  tn_free(metrics);
}

static tn_component_metrics *find_component(const tn_metrics *metrics, tn_str name) {
  for (uint32_t i = 0; i < metrics->count; i++) {
    if (tn_str_equal(tn_str_from(metrics->components[i].name), name))
      return metrics->components[i].metrics;
  }
  return NULL;
}

static tn_error *add_component(tn_metrics *metrics, tn_str name, tn_component_metrics **out) {
  size_t size = sizeof *metrics->components;
  void *grown = tn_realloc(metrics->components, (metrics->count + 1) * size);
  if (grown == NULL) return tn_error_no_memory();
  metrics->components = grown;
  char *copy = tn_malloc(name.len + 1);
  tn_component_metrics *made = tn_calloc(metrics->workers, sizeof *made);
  if (copy == NULL || made == NULL) {
    tn_free(copy);
    tn_free(made);
    return tn_error_no_memory();
  }
  memcpy(copy, name.data, name.len);
  copy[name.len] = '\0';
  metrics->components[metrics->count].name = copy;
  metrics->components[metrics->count++].metrics = made;
  *out = made;
  return NULL;
}

tn_error *tn_metrics_component(tn_metrics *metrics, tn_str name, tn_component_metrics **out) {
  pthread_mutex_lock(&metrics->mutex);
  tn_component_metrics *found = find_component(metrics, name);
  tn_error *error = NULL;
  if (found == NULL) {
    error = add_component(metrics, name, out);
  } else {
    *out = found;
  }
  pthread_mutex_unlock(&metrics->mutex);
  return error;
}

/* The structs are nothing but counters, so that they can be added as arrays. Other threads write them meanwhile. */
static void add_counters(void *to, const void *from, size_t size) {
  uint64_t *sum = to;
  const uint64_t *value = from;
  for (size_t i = 0; i < size / sizeof *sum; i++)
    sum[i] += __atomic_load_n(&value[i], __ATOMIC_RELAXED);
}

static void add_worker(const worker_counters *worker, tn_http_server_counters *server,
                       tn_http_client_counters *client) {
  if (worker->server != NULL) add_counters(server, worker->server, sizeof *server);
  if (worker->client != NULL) add_counters(client, worker->client, sizeof *client);
}

void tn_metrics_set_worker(tn_metrics *metrics, uint32_t worker,
                           const tn_http_server_counters *server,
                           const tn_http_client_counters *client) {
  pthread_mutex_lock(&metrics->mutex);
  metrics->counters[worker] = (worker_counters){server, client};
  pthread_mutex_unlock(&metrics->mutex);
}

void tn_metrics_clear_worker(tn_metrics *metrics, uint32_t worker) {
  pthread_mutex_lock(&metrics->mutex);
  add_worker(&metrics->counters[worker], &metrics->ended_server, &metrics->ended_client);
  metrics->counters[worker] = (worker_counters){0};
  pthread_mutex_unlock(&metrics->mutex);
}

void tn_metrics_count_reload(tn_metrics *metrics, bool has_succeeded) {
  pthread_mutex_lock(&metrics->mutex);
  metrics->reloads += has_succeeded;
  metrics->failed_reloads += !has_succeeded;
  pthread_mutex_unlock(&metrics->mutex);
}

/* ---- sums --------------------------------------------------------------------------------------- */

static uint64_t resident_bytes(const tn_metrics *metrics) {
  unsigned long total = 0, resident = 0;
  char text[128];
  if (metrics->memory_file < 0) return 0;
  ssize_t size = pread(metrics->memory_file, text, sizeof text - 1, 0);
  if (size < 0) return 0;
  text[size] = '\0';
  if (sscanf(text, "%lu %lu", &total, &resident) != 2) return 0;
  return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void add_component_metrics(tn_component_total *total, const tn_component_metrics *metrics) {
  uint64_t peak = total->sum.memory_peak;
  add_counters(&total->sum, metrics, sizeof total->sum);
  uint64_t other = total->sum.memory_peak - peak;
  total->sum.memory_peak = peak > other ? peak : other; /* the largest, not the sum */
}

static tn_component_total *total_components(const tn_metrics *metrics) {
  tn_component_total *totals = tn_calloc(metrics->count + 1, sizeof *totals);
  for (uint32_t i = 0; totals != NULL && i < metrics->count; i++) {
    totals[i].name = metrics->components[i].name;
    for (uint32_t worker = 0; worker < metrics->workers; worker++)
      add_component_metrics(&totals[i], &metrics->components[i].metrics[worker]);
  }
  return totals;
}

typedef void (*print_func)(const tn_metrics_total *total, tn_buffer *out);

static void print_total(tn_metrics *metrics, uint64_t log_lost, print_func print, tn_buffer *out) {
  pthread_mutex_lock(&metrics->mutex);
  tn_metrics_total total = {
      .server = metrics->ended_server,
      .client = metrics->ended_client,
      .components = total_components(metrics),
      .component_count = metrics->count,
      .workers = metrics->workers,
      .reloads = metrics->reloads,
      .failed_reloads = metrics->failed_reloads,
      .log_lost = log_lost,
      .started = metrics->started,
      .now = time(NULL),
      .resident_bytes = resident_bytes(metrics),
      .cpu_seconds = cpu_seconds(),
  };
  for (uint32_t i = 0; i < metrics->workers; i++)
    add_worker(&metrics->counters[i], &total.server, &total.client);
  pthread_mutex_unlock(&metrics->mutex);
  if (total.components == NULL) {
    out->failed = true;
    return;
  }
  print(&total, out);
  tn_free(total.components);
}

void tn_metrics_print_text(tn_metrics *metrics, uint64_t log_lost, tn_buffer *out) {
  print_total(metrics, log_lost, tn_metrics_total_print_text, out);
}

void tn_metrics_print_json(tn_metrics *metrics, uint64_t log_lost, tn_buffer *out) {
  print_total(metrics, log_lost, tn_metrics_total_print_json, out);
}
