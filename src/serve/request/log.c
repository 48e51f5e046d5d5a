/* What is counted and logged of a request. */
#include <arpa/inet.h>

#include "serve/request/parts.h"

static tn_str format_peer(const struct sockaddr *peer, char room[INET6_ADDRSTRLEN]) {
  const char *text = NULL;
  if (peer == NULL) return TN_STR("");
  if (peer->sa_family == AF_INET) {
    text =
        inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, room, INET6_ADDRSTRLEN);
  } else if (peer->sa_family == AF_INET6) {
    text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, room,
                     INET6_ADDRSTRLEN);
  } else if (peer->sa_family == AF_UNIX) {
    return TN_STR("unix");
  }
  return text != NULL ? tn_str_from(text) : TN_STR("");
}

static const char *protocol_name(uint8_t version) {
  return version == TN_HTTP_2 ? "HTTP/2" : version == TN_HTTP_1_0 ? "HTTP/1.0" : "HTTP/1.1";
}

static tn_str what_went_wrong(const tn_request *request) {
  if (request->is_closed) return tn_str_from(request->reason);
  if (request->error != NULL) return tn_str_from(tn_error_get_message(request->error));
  if (request->detail.len > 0) return request->detail;
  return tn_str_from(request->reason);
}

static void log_request(tn_request *request, uint64_t duration, uint64_t instance_time) {
  const tn_http_exchange *exchange = request->exchange;
  char room[INET6_ADDRSTRLEN];
  tn_log_request line = {
      .id = tn_trace_request_id(&request->trace),
      .method = exchange->request.method,
      .authority = exchange->request.authority,
      .path = exchange->request.path,
      .peer = format_peer((const struct sockaddr *)&exchange->request.peer, room),
      .trace = tn_trace_parent(&request->trace),
      .protocol = protocol_name(exchange->request.version),
      .status = request->status,
      .duration = duration,
      .instance_time = instance_time,
      .bytes_in = exchange->bytes_in,
      .bytes_out = exchange->bytes_out,
      .error = what_went_wrong(request),
  };
  if (request->component != NULL) line.component = request->component->shared->config->name;
  tn_log_write_request(request->worker->log, &line);
  tn_worker_flush_log_later(request->worker);
}

/* The error with its backtrace, unless it only says that the guest was cancelled for a known reason. */
static void log_error(tn_request *request) {
  if (request->error == NULL || tn_error_get_kind(request->error) == TN_ERROR_CANCELLED) return;
  tn_log_write_error(request->worker->log, request->component->shared->config->name,
                     tn_trace_request_id(&request->trace), request->error);
  tn_worker_flush_log_later(request->worker);
}

/* NULL: out of memory. What has no route is counted under a name that stands for no component. */
static tn_component_metrics *metrics_of(const tn_request *request) {
  if (request->component != NULL) return request->component->metrics;
  tn_worker *worker = request->worker;
  tn_component_metrics *made = NULL;
  if (worker->unrouted != NULL) return worker->unrouted;
  tn_error_delete(tn_metrics_component(worker->server->maker.metrics, TN_STR("(none)"), &made));
  if (made != NULL) worker->unrouted = &made[worker->number];
  return worker->unrouted;
}

/* Since the last request that the instance answered. */
static uint64_t running_time(tn_request *request) {
  if (request->pooled == NULL || request->pooled->instance == NULL) return 0;
  tn_guest *guest = tn_instance_guest(request->pooled->instance);
  uint64_t ran = guest->ran;
  guest->ran = 0;
  return ran;
}

/* The loop's clock, by which it was started, is behind. */
static uint64_t time_until(const tn_http_exchange *exchange, uint64_t end) {
  return end > exchange->started ? end - exchange->started : 0;
}

void tn_request_record_end(void *data, const tn_http_exchange *exchange) {
  (void)data;
  tn_component_metrics *metrics = exchange->handler_data;
  if (metrics != NULL) tn_metrics_record_duration(metrics, time_until(exchange, exchange->ended));
}

void tn_request_record(tn_request *request, uint64_t fuel) {
  const tn_http_exchange *exchange = request->exchange;
  uint64_t now = tn_loop_now();
  uint64_t duration = time_until(exchange, exchange->ended != 0 ? exchange->ended : now);
  uint64_t instance_time = request->pooled != NULL ? now - request->started : 0;
  tn_component_metrics *metrics = metrics_of(request);
  if (metrics != NULL) {
    tn_metric_request counted = {
        .method = exchange->request.method,
        .status = request->status,
        .duration = exchange->ended != 0 ? duration : UINT64_MAX,
        .instance_time = instance_time,
        .running_time = running_time(request),
        .bytes_in = exchange->bytes_in,
        .bytes_out = exchange->bytes_out,
        .fuel = fuel,
    };
    tn_metrics_record(metrics, &counted);
    if (exchange->ended == 0) request->awaiting = metrics;
    if (request->is_closed) tn_metric_add(&metrics->cancelled, 1);
    if (request->error != NULL)
      tn_metric_add(&metrics->traps[tn_error_get_kind(request->error) % TN_METRIC_TRAPS], 1);
  }
  if (!request->is_closed) log_error(request);
  if (tn_log_takes_requests(request->worker->log)) log_request(request, duration, instance_time);
}

void tn_request_log_refused(void *data, const struct sockaddr *peer, int status,
                            const char *reason) {
  tn_worker *worker = data;
  if (!tn_log_takes_requests(worker->log)) return;
  char room[INET6_ADDRSTRLEN];
  tn_log_request line = {
      .peer = format_peer(peer, room),
      .protocol = "HTTP",
      .status = status,
      .error = tn_str_from(reason),
  };
  tn_log_write_request(worker->log, &line);
  tn_worker_flush_log_later(worker);
}
