/* What a server is to do, completely resolved: made from flags, a TOML file, or both; immutable once made and shared by
 * all workers of one generation (see generation.h). */
#ifndef TN_SERVE_SETTINGS_CONFIG_H
#define TN_SERVE_SETTINGS_CONFIG_H

#include "base/arena.h"
#include "http/server.h"
#include "tenon.h"

/* Where the file says something; line 0: a flag, or nobody does. */
typedef struct tn_serve_position {
  uint32_t line;
  uint32_t column;
} tn_serve_position;

typedef struct tn_serve_listen {
  /* "127.0.0.1:8080", "[::]:443", "unix:/run/x", "systemd" or "systemd:NAME" (socket activation) */
  tn_str address;
  const char *certificate_path; /* NULL: plain */
  const char *key_path;
  const char *client_ca_path;
  bool client_certificate_optional;
  uint32_t line; /* of the address; 0: a flag or the default */
  uint32_t column;
  tn_serve_position certificate_at, key_at, client_ca_at;
} tn_serve_listen;

/* Where what guests write to standard output and error goes. */
typedef enum tn_serve_output {
  TN_SERVE_OUTPUT_LOG, /* line by line to the log, with the request's id: the server sets the callbacks */
  TN_SERVE_OUTPUT_INHERIT, /* as it is to the server's own; `wasi` says so already */
  TN_SERVE_OUTPUT_NONE,
} tn_serve_output;

/* What became of a link when its component was loaded. */
typedef enum tn_serve_link_state {
  TN_SERVE_LINK_USED,   /* or not tried */
  TN_SERVE_LINK_UNUSED, /* nothing imports what it exports */
  TN_SERVE_LINK_FAILED, /* what was wrong is about this one */
} tn_serve_link_state;

/* A component that another one is linked with. */
typedef struct tn_serve_link {
  const char *path;
  unsigned load_flags;
  /* owned: its own rights; its output goes where that of the component goes */
  tn_wasi_config *wasi;
  uint32_t line; /* where the file says so; 0: a flag */
  uint32_t column;
  tn_serve_link_state state; /* the only thing that changes: by who loads the components, once */
} tn_serve_link;

/* One component to serve: a file and what it may do. */
typedef struct tn_serve_component {
  tn_str name; /* for logs and metrics: given, or the file's name without its ending */
  const char *path;
  unsigned load_flags; /* of tn_component_from_file: TN_LOAD_ARTIFACT where compiled code is fine */
  /* Owned: arguments, environment, directories, network, HTTP egress, configuration. */
  tn_wasi_config *wasi;
  tn_serve_link *links; /* whose exports meet its imports, in order */
  uint32_t link_count;
  tn_serve_output output;
  uint64_t max_memory_bytes;      /* a request's instance; UINT64_MAX: no limit */
  uint64_t max_host_memory_bytes; /* kept by the host for it; UINT64_MAX: no limit */
  uint32_t max_handles;           /* of each of its component instances */
  uint64_t timeout;               /* a request, in nanoseconds; 0: none */
  uint64_t fuel;                  /* 0: not counted */
  uint32_t max_concurrent;        /* requests in one process; 0: only the server's limit */
  uint32_t max_queue;             /* requests that wait for that; more are 503 */
  uint64_t queue_timeout;         /* how long they wait, then 503; UINT64_MAX: without end */
  uint32_t reuse_count;           /* requests that one instance answers, one after the other
                                (--max-instance-reuse-count); 1: a fresh one for each */
  /* a fresh instance may be one that was restored to what it was before its first request */
  bool restores;
  uint64_t idle_timeout; /* of an instance that is kept for reuse (--idle-instance-timeout) */
  uint32_t warm;         /* instances made in advance, per worker */
  uint32_t line;         /* where the file names it; 0: a flag */
  uint32_t column;
} tn_serve_component;

/* Invariant: `path` starts with "/" and ends without one ("" for the root); `host` is lower case, without port;
 * empty: any; "*.example.com": any name below. */
typedef struct tn_serve_route {
  tn_str host;
  tn_str path;
  uint32_t component; /* index */
  uint32_t line;      /* where the file says so; 0: a flag */
  uint32_t column;
} tn_serve_route;

typedef enum tn_serve_log_format {
  TN_SERVE_LOG_TEXT,
  TN_SERVE_LOG_JSON,
  TN_SERVE_LOG_OFF
} tn_serve_log_format;

typedef struct tn_serve_config {
  tn_arena arena;
  tn_serve_listen *listens;
  uint32_t listen_count;
  tn_str admin_address; /* empty: none */
  uint32_t threads;     /* workers; 0 in the file means one per processor, here it is resolved */
  tn_http_server_options http; /* of one worker: max_connections is its share */
  /* compiler, cache, and what the limits of the components need; how large the pool is to be,
   * the server decides */
  tn_engine_options engine;
  uint32_t max_concurrent; /* requests at once, whole process */
  uint64_t drain_timeout;  /* UINT64_MAX: none */
  bool watch;              /* reload when a file changes */
  tn_serve_log_format log_format;
  const char *log_path; /* NULL: standard error */
  bool request_id;      /* x-request-id on answers of guests too */
  tn_serve_component *components;
  uint32_t component_count;
  /* Most specific first: exact host, wildcard host, any host; longer path before shorter. */
  tn_serve_route *routes;
  uint32_t route_count;
  const char *file; /* the TOML file, to read again at a reload; NULL: flags only */
} tn_serve_config;

/* Reads what the settings name (the file again, if there is one) and resolves it. The error is the first problem, with
 * file, line and column. Components' files are not opened. */
tn_error *tn_serve_config_make(const tn_server_settings *settings, tn_serve_config **out);
void tn_serve_config_delete(tn_serve_config *config);
/* Ends the rights, which the component then has no more. */
void tn_serve_component_release(tn_serve_component *component);

/* Calls `found` for each link that takes no part anywhere, once they have been tried. What is said once for several
 * components, by a flag or in the defaults, is unused when none of them uses it, and told once. */
void tn_serve_find_unused_links(const tn_serve_config *config,
                                void (*found)(void *data, const tn_serve_link *link), void *data);

/* The route for a request, or NULL. `authority` may have a port; `path` may have a query. A route's path matches whole
 * segments only: "/v1" matches "/v1" and "/v1/x", not "/v10". */
const tn_serve_route *tn_serve_find_route(const tn_serve_config *config, tn_str authority,
                                          tn_str path);

#endif
