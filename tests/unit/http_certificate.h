/* Certificates for tests, made when they are needed, in a folder of their own. */
#ifndef TN_HTTP_CERTIFICATE_H
#define TN_HTTP_CERTIFICATE_H

#include "test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static const char *path_of(const char *name) {
  static char paths[4][192];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  assert_non_null(extension);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/* NAME.crt and NAME.key for `host`, self-signed; `seconds` until it expires. */
static void make_certificate(const char *name, const char *host, long seconds) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), rand());
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  X509_set_pubkey(certificate, key);
  X509_NAME *subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  char names[128];
  snprintf(names, sizeof names, "DNS:%s", host);
  add_extension(certificate, certificate, NID_subject_alt_name, names);
  add_extension(certificate, certificate, NID_basic_constraints, "CA:TRUE");
  X509_sign(certificate, key, EVP_sha256());
  char file_name[64];
  snprintf(file_name, sizeof file_name, "%s.crt", name);
  FILE *file = fopen(path_of(file_name), "w");
  PEM_write_X509(file, certificate);
  fclose(file);
  snprintf(file_name, sizeof file_name, "%s.key", name);
  file = fopen(path_of(file_name), "w");
  PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
  fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

#endif
