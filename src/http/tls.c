/* TLS contexts: certificates, trust, protocols, what earlier connections left behind. */
#include "http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "http/tls_session.h"

enum {
  MAX_FILE_SIZE = 8 << 20,
  RESUMPTIONS = 64,
  READ_BUFFER = 65536, /* kept only while there are bytes in it */
};

/* Only what has forward secrecy and authenticated encryption, all of it allowed in HTTP/2 (RFC 9113
 * appendix A). */
#define CIPHERS_OF_TLS_1_2                                                                         \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"       \
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

typedef struct kept_resumption {
  char *host;
  SSL_SESSION *session; /* NULL: the slot is free */
} kept_resumption;

/* Invariants: `current` is never NULL once made; it and the kept resumptions are touched under the lock
 * only, all else does not change. */
struct tn_tls_context {
  atomic_uint references;
  pthread_mutex_t lock;
  SSL_CTX *current;
  BIO_METHOD *bio_method;
  bool is_server;
  bool http2;
  bool client_certificate_optional;
  char *certificate_path;
  char *key_path;
  char *client_ca_path;
  kept_resumption kept[RESUMPTIONS];
  uint32_t next_kept; /* the slot to be replaced next */
};

/* ---- PEM files --------------------------------------------------------------------------------------------- */

static tn_error *pem_read_file(const char *path, tn_buffer *out) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return tn_error_new(TN_ERROR_IO, "%s: %s", path, strerror(errno));
  char block[16384];
  size_t got;
  while ((got = fread(block, 1, sizeof block, file)) > 0 && out->len <= MAX_FILE_SIZE)
    tn_buffer_append(out, block, got);
  int failed = ferror(file) ? errno : 0;
  fclose(file);
  if (failed != 0) return tn_error_new(TN_ERROR_IO, "%s: %s", path, strerror(failed));
  if (out->len > MAX_FILE_SIZE)
    return tn_error_new(TN_ERROR_ARGUMENT, "%s: the file is too large", path);
  return out->failed ? tn_error_no_memory() : NULL;
}

/* The line, from 1, on which the next PEM block at or after `offset` begins; the last line when there is none. */
static unsigned pem_line(const tn_buffer *text, size_t offset) {
  static const char begin[] = "-----BEGIN";
  const char *block = memmem(text->data + offset, text->len - offset, begin, sizeof begin - 1);
  const char *end = block == NULL ? text->data + text->len : block;
  unsigned line = 1;
  for (const char *byte = text->data; byte < end; byte++)
    if (*byte == '\n' && byte + 1 < text->data + text->len) line++;
  return line;
}

static bool is_no_more_pem(void) {
  unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* Without this OpenSSL would ask on the terminal. */
static int refuse_passphrase(char *out, int size, int is_writing, void *data) {
  (void)out;
  (void)size;
  (void)is_writing;
  *(bool *)data = true;
  return -1;
}

/* All certificates of a file, one at least. */
static tn_error *pem_parse_certificates(const char *path, const tn_buffer *text, BIO *bio,
                                        STACK_OF(X509) * certificates) {
  for (;;) {
    size_t offset = text->len - BIO_ctrl_pending(bio);
    bool is_encrypted = false;
    X509 *certificate = PEM_read_bio_X509(bio, NULL, refuse_passphrase, &is_encrypted);
    if (certificate == NULL && is_no_more_pem()) break;
    if (certificate == NULL)
      return tn_error_new(TN_ERROR_ARGUMENT, "%s:%u: the certificate cannot be read: %s", path,
                          pem_line(text, offset), tn_tls_take_reason());
    if (sk_X509_push(certificates, certificate) > 0) continue;
    X509_free(certificate);
    return tn_error_no_memory();
  }
  ERR_clear_error();
  if (sk_X509_num(certificates) > 0) return NULL;
  return tn_error_new(TN_ERROR_ARGUMENT, "%s: there is no certificate in PEM form in it", path);
}

static void certificates_free(STACK_OF(X509) * certificates) {
  sk_X509_pop_free(certificates, X509_free);
}

static tn_error *pem_load_certificates(const char *path, STACK_OF(X509) * *out) {
  tn_buffer text = {0};
  tn_error *error = pem_read_file(path, &text);
  BIO *bio = NULL;
  STACK_OF(X509) *certificates = NULL;
  if (error == NULL) {
    bio = BIO_new_mem_buf(text.len == 0 ? "" : text.data, (int)text.len);
    certificates = sk_X509_new_null();
    error = bio == NULL || certificates == NULL
                ? tn_error_no_memory()
                : pem_parse_certificates(path, &text, bio, certificates);
  }
  BIO_free(bio);
  tn_buffer_free(&text);
  if (error != NULL) {
    certificates_free(certificates);
    return error;
  }
  *out = certificates;
  return NULL;
}

static tn_error *pem_load_key(const char *path, EVP_PKEY **out) {
  tn_buffer text = {0};
  tn_error *error = pem_read_file(path, &text);
  if (error != NULL) {
    tn_buffer_free(&text);
    return error;
  }
  BIO *bio = BIO_new_mem_buf(text.len == 0 ? "" : text.data, (int)text.len);
  bool is_encrypted = false;
  EVP_PKEY *key =
      bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &is_encrypted);
  if (bio == NULL)
    error = tn_error_no_memory();
  else if (is_encrypted)
    error = tn_error_new(TN_ERROR_ARGUMENT,
                         "%s:%u: the key is encrypted with a passphrase; it has to be without one",
                         path, pem_line(&text, 0));
  else if (key == NULL && memmem(text.data, text.len, "-----BEGIN", 10) == NULL)
    error = tn_error_new(TN_ERROR_ARGUMENT, "%s: there is no private key in PEM form in it", path);
  else if (key == NULL)
    error = tn_error_new(TN_ERROR_ARGUMENT, "%s:%u: the private key cannot be read: %s", path,
                         pem_line(&text, 0), tn_tls_take_reason());
  ERR_clear_error();
  BIO_free(bio);
  /* It held a secret. */
  if (text.data != NULL) OPENSSL_cleanse(text.data, text.len);
  tn_buffer_free(&text);
  if (error != NULL) {
    EVP_PKEY_free(key);
    return error;
  }
  *out = key;
  return NULL;
}

/* ---- servers --------------------------------------------------------------------------------- */

/* RFC 7301: h2 if both can, else http/1.1; a client that offers neither is refused, so that a connection
 * that is meant for another protocol is not taken for HTTP. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned offered_size, void *data) {
  static const unsigned char known[] = "\x02h2\x08http/1.1";
  (void)ssl;
  const tn_tls_context *context = data;
  const unsigned char *list = context->http2 ? known : known + 3;
  unsigned size = context->http2 ? sizeof known - 1 : sizeof known - 4;
  int found =
      SSL_select_next_proto((unsigned char **)out, out_size, list, size, offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static tn_error *use_chain(SSL_CTX *ctx, const char *path, STACK_OF(X509) * certificates) {
  if (SSL_CTX_use_certificate(ctx, sk_X509_value(certificates, 0)) != 1)
    return tn_error_new(TN_ERROR_ARGUMENT, "%s: the certificate cannot be used: %s", path,
                        tn_tls_take_reason());
  for (int i = 1; i < sk_X509_num(certificates); i++)
    if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(certificates, i)) != 1)
      return tn_error_new(TN_ERROR_ARGUMENT, "%s: certificate %d of the chain cannot be used: %s",
                          path, i + 1, tn_tls_take_reason());
  return NULL;
}

static tn_error *use_key(SSL_CTX *ctx, const tn_tls_context *context, X509 *certificate) {
  EVP_PKEY *key = NULL;
  TN_TRY(pem_load_key(context->key_path, &key));
  tn_error *error = NULL;
  if (X509_check_private_key(certificate, key) != 1)
    error = tn_error_new(TN_ERROR_ARGUMENT, "%s: the key does not belong to the certificate in %s",
                         context->key_path, context->certificate_path);
  else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
    error = tn_error_new(TN_ERROR_ARGUMENT, "%s: the key cannot be used: %s", context->key_path,
                         tn_tls_take_reason());
  ERR_clear_error();
  EVP_PKEY_free(key);
  return error;
}

static tn_error *trust_certificates(SSL_CTX *ctx, const char *path, bool name_them) {
  STACK_OF(X509) *certificates = NULL;
  TN_TRY(pem_load_certificates(path, &certificates));
  X509_STORE *store = SSL_CTX_get_cert_store(ctx);
  bool is_done = true;
  for (int i = 0; is_done && i < sk_X509_num(certificates); i++) {
    X509 *certificate = sk_X509_value(certificates, i);
    is_done = X509_STORE_add_cert(store, certificate) == 1 &&
              (!name_them || SSL_CTX_add_client_CA(ctx, certificate) == 1);
  }
  certificates_free(certificates);
  if (is_done) return NULL;
  return tn_error_new(TN_ERROR_ARGUMENT, "%s: a certificate cannot be trusted: %s", path,
                      tn_tls_take_reason());
}

static tn_error *ask_for_certificate(SSL_CTX *ctx, const tn_tls_context *context) {
  if (context->client_ca_path == NULL) return NULL;
  int mode = SSL_VERIFY_PEER;
  if (!context->client_certificate_optional) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ctx, mode, NULL);
  return trust_certificates(ctx, context->client_ca_path, true);
}

static tn_error *configure_server(SSL_CTX *ctx, tn_tls_context *context) {
  static const unsigned char name[] = "tenon";
  /* Tickets carry everything, so that no lock is taken for a cache. */
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1);
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_alpn_select_cb(ctx, select_protocol, context);
  STACK_OF(X509) *certificates = NULL;
  TN_TRY(pem_load_certificates(context->certificate_path, &certificates));
  tn_error *error = use_chain(ctx, context->certificate_path, certificates);
  if (error == NULL) error = use_key(ctx, context, sk_X509_value(certificates, 0));
  certificates_free(certificates);
  return error == NULL ? ask_for_certificate(ctx, context) : error;
}

/* ---- clients --------------------------------------------------------------------------------- */

/* OpenSSL looks where the system that it was built for keeps its certificates; the program may run on another. */
static const char *find_system_certificates(void) {
  static const char *const places[] = {
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem",
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
      "/etc/ssl/cert.pem",
  };
  bool is_told = getenv(X509_get_default_cert_file_env()) != NULL ||
                 getenv(X509_get_default_cert_dir_env()) != NULL;
  if (is_told || access(X509_get_default_cert_dir(), R_OK) == 0 ||
      access(X509_get_default_cert_file(), R_OK) == 0)
    return NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (access(places[i], R_OK) == 0) return places[i];
  return NULL;
}

static tn_error *configure_client(SSL_CTX *ctx, const tn_tls_context *context,
                                  const char *ca_path) {
  static const unsigned char both[] = "\x02h2\x08http/1.1";
  const unsigned char *offered = context->http2 ? both : both + 3;
  unsigned size = context->http2 ? sizeof both - 1 : sizeof both - 4;
  if (SSL_CTX_set_alpn_protos(ctx, offered, size) != 0) return tn_error_no_memory();
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, tn_tls_session_on_resumption);
  if (ca_path != NULL) return trust_certificates(ctx, ca_path, false);
  const char *elsewhere = find_system_certificates();
  if (elsewhere != NULL) return trust_certificates(ctx, elsewhere, false);
  if (SSL_CTX_set_default_verify_paths(ctx) == 1) return NULL;
  return tn_error_new(TN_ERROR_IO, "the system's certificates cannot be read: %s",
                      tn_tls_take_reason());
}

/* ---- contexts -------------------------------------------------------------------------------- */

static tn_error *ctx_new(tn_tls_context *context, const char *ca_path, SSL_CTX **out) {
  ERR_clear_error();
  SSL_CTX *ctx = SSL_CTX_new(context->is_server ? TLS_server_method() : TLS_client_method());
  if (ctx == NULL)
    return tn_error_new(TN_ERROR_INTERNAL, "TLS cannot be set up: %s", tn_tls_take_reason());
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  /* Part of what is offered may be taken, and the rest offered from elsewhere; idle connections keep no
   * buffers. */
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  /* A record's header and body in one system call, and all the small records that are there. */
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, READ_BUFFER);
  SSL_CTX_set_info_callback(ctx, tn_tls_session_on_info);
  tn_error *error = NULL;
  if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(ctx, CIPHERS_OF_TLS_1_2) != 1)
    error = tn_error_new(TN_ERROR_INTERNAL, "TLS cannot be set up: %s", tn_tls_take_reason());
  else
    error = context->is_server ? configure_server(ctx, context)
                               : configure_client(ctx, context, ca_path);
  if (error != NULL) {
    SSL_CTX_free(ctx);
    return error;
  }
  *out = ctx;
  return NULL;
}

static void context_delete(tn_tls_context *context) {
  for (uint32_t i = 0; i < RESUMPTIONS; i++) {
    SSL_SESSION_free(context->kept[i].session);
    tn_free(context->kept[i].host);
  }
  SSL_CTX_free(context->current);
  BIO_meth_free(context->bio_method);
  tn_free(context->certificate_path);
  tn_free(context->key_path);
  tn_free(context->client_ca_path);
  pthread_mutex_destroy(&context->lock);
  tn_free(context);
}

static tn_error *context_new(bool is_server, bool http2, tn_tls_context **out) {
  tn_tls_context *context = tn_calloc(1, sizeof *context);
  if (context == NULL) return tn_error_no_memory();
  context->references = 1;
  context->is_server = is_server;
  context->http2 = http2;
  pthread_mutex_init(&context->lock, NULL);
  context->bio_method = tn_tls_bio_method_new();
  if (context->bio_method == NULL) {
    context_delete(context);
    return tn_error_no_memory();
  }
  *out = context;
  return NULL;
}

static bool copy_text(const char *text, char **out) {
  if (text == NULL) return true;
  size_t size = strlen(text) + 1;
  *out = tn_malloc(size);
  if (*out == NULL) return false;
  memcpy(*out, text, size);
  return true;
}

/* Takes `error`. */
static tn_error *context_finish(tn_tls_context *context, tn_error *error, tn_tls_context **out) {
  if (error != NULL) {
    context_delete(context);
    return error;
  }
  *out = context;
  return NULL;
}

tn_error *tn_tls_server_context_new(const tn_tls_server_options *options, tn_tls_context **out) {
  if (options->certificate_path == NULL || options->key_path == NULL)
    return tn_error_new(TN_ERROR_ARGUMENT, "TLS needs a certificate and its key");
  tn_tls_context *context;
  TN_TRY(context_new(true, options->http2, &context));
  context->client_certificate_optional = options->client_certificate_optional;
  bool is_copied = copy_text(options->certificate_path, &context->certificate_path) &&
                   copy_text(options->key_path, &context->key_path) &&
                   copy_text(options->client_ca_path, &context->client_ca_path);
  tn_error *error = is_copied ? ctx_new(context, NULL, &context->current) : tn_error_no_memory();
  return context_finish(context, error, out);
}

tn_error *tn_tls_client_context_new(const char *ca_path, bool http2, tn_tls_context **out) {
  tn_tls_context *context;
  TN_TRY(context_new(false, http2, &context));
  return context_finish(context, ctx_new(context, ca_path, &context->current), out);
}

/* Tickets that clients have go on being good, unless they stand for client certificates: whose authority may have
 * changed. */
static void keep_ticket_keys(const tn_tls_context *context, SSL_CTX *from, SSL_CTX *to) {
  unsigned char keys[128];
  long size = SSL_CTX_get_tlsext_ticket_keys(from, NULL, 0);
  if (context->client_ca_path != NULL || size <= 0 || size > (long)sizeof keys) return;
  if (SSL_CTX_get_tlsext_ticket_keys(from, keys, size) == 1)
    SSL_CTX_set_tlsext_ticket_keys(to, keys, size);
  OPENSSL_cleanse(keys, sizeof keys);
}

tn_error *tn_tls_context_reload(tn_tls_context *context) {
  if (!context->is_server) return NULL;
  SSL_CTX *fresh;
  TN_TRY(ctx_new(context, NULL, &fresh));
  pthread_mutex_lock(&context->lock);
  SSL_CTX *old = context->current;
  keep_ticket_keys(context, old, fresh);
  context->current = fresh;
  pthread_mutex_unlock(&context->lock);
  SSL_CTX_free(old);
  return NULL;
}

tn_tls_context *tn_tls_context_retain(tn_tls_context *context) {
  atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
  return context;
}

void tn_tls_context_release(tn_tls_context *context) {
  if (context == NULL) return;
  if (atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) == 1)
    context_delete(context);
}

void tn_tls_thread_done(void) {
  OPENSSL_thread_stop();
}

/* ---- for sessions ---------------------------------------------------------------------------- */

tn_error *tn_tls_context_connect(tn_tls_context *context, SSL **out) {
  pthread_mutex_lock(&context->lock);
  *out = SSL_new(context->current);
  pthread_mutex_unlock(&context->lock);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

bool tn_tls_context_is_server(const tn_tls_context *context) {
  return context->is_server;
}

const BIO_METHOD *tn_tls_context_bio_method(const tn_tls_context *context) {
  return context->bio_method;
}

SSL_SESSION *tn_tls_context_take_resumption(tn_tls_context *context, const char *host) {
  SSL_SESSION *found = NULL;
  pthread_mutex_lock(&context->lock);
  for (uint32_t i = 0; i < RESUMPTIONS && found == NULL; i++) {
    kept_resumption *kept = &context->kept[i];
    if (kept->session == NULL || strcmp(kept->host, host) != 0) continue;
    found = kept->session;
    kept->session = NULL;
    tn_free(kept->host);
    kept->host = NULL;
  }
  pthread_mutex_unlock(&context->lock);
  return found;
}

void tn_tls_context_keep_resumption(tn_tls_context *context, const char *host,
                                    SSL_SESSION *resumption) {
  char *copy = NULL;
  if (!copy_text(host, &copy)) {
    SSL_SESSION_free(resumption);
    return;
  }
  pthread_mutex_lock(&context->lock);
  kept_resumption *slot = &context->kept[context->next_kept++ % RESUMPTIONS];
  kept_resumption old = *slot;
  *slot = (kept_resumption){copy, resumption};
  pthread_mutex_unlock(&context->lock);
  SSL_SESSION_free(old.session);
  tn_free(old.host);
}
