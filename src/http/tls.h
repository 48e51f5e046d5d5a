/* TLS by OpenSSL. A context is what all connections of a listening address or of a client share: certificates,
 * trust, protocols. Counted and safe to use from any thread. */
#ifndef TN_HTTP_TLS_H
#define TN_HTTP_TLS_H

#include <stdbool.h>

#include "tenon.h"

typedef struct tn_tls_context tn_tls_context;

typedef struct tn_tls_server_options {
  const char *certificate_path; /* PEM: the chain */
  const char *key_path;         /* PEM */
  /* PEM: clients must show a certificate signed by one of these; NULL: none asked */
  const char *client_ca_path;
  bool client_certificate_optional;
  bool http2; /* offer h2 by ALPN */
} tn_tls_server_options;

/* Errors name the file and what is wrong with it (IO, ARGUMENT). */
tn_error *tn_tls_server_context_new(const tn_tls_server_options *options, tn_tls_context **out);
/* Reads certificate and key again. New connections get the new ones; on failure the old ones stay. Any thread. */
tn_error *tn_tls_context_reload(tn_tls_context *context);
/* Gives back what the TLS library keeps for the calling thread, which may go on and use it again. For threads that are
 * not seen to end. */
void tn_tls_thread_done(void);
/* For clients: verifies against the system's certificates, or `ca_path` (PEM) if not NULL. */
tn_error *tn_tls_client_context_new(const char *ca_path, bool http2, tn_tls_context **out);
tn_tls_context *tn_tls_context_retain(tn_tls_context *context);
void tn_tls_context_release(tn_tls_context *context);

#endif
