/* Listening addresses: as they are written, and whether they can be meant. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "serve/settings/builder.h"

static tn_serve_listen *add_listen(tn_serve_builder *builder, const tn_toml *place) {
  tn_serve_listen *listen =
      tn_builder_check(builder, TN_VEC_PUSH(&builder->config->arena, &builder->listens));
  if (listen == NULL) return NULL;
  tn_setting_set_defaults(builder, TN_SECTION_LISTEN, listen);
  listen->line = place->line;
  listen->column = place->column;
  return listen;
}

static tn_serve_position position_of(const tn_toml *table, const char *key) {
  const tn_toml *value = tn_toml_get(table, key);
  return value == NULL ? (tn_serve_position){0} : (tn_serve_position){value->line, value->column};
}

static void read_table(tn_serve_builder *builder, tn_serve_listen *listen, const tn_toml *table) {
  tn_setting_apply_table(builder, listen, TN_SECTION_LISTEN, table);
  tn_serve_position address = position_of(table, "address");
  if (address.line != 0) {
    listen->line = address.line;
    listen->column = address.column;
  }
  listen->certificate_at = position_of(table, "certificate");
  listen->key_at = position_of(table, "key");
  listen->client_ca_at = position_of(table, "client-ca");
}

void tn_read_listen(tn_serve_builder *builder, void *target, const tn_setting *setting,
                    const tn_toml *value) {
  (void)target;
  if (value->kind != TN_TOML_TABLE && value->kind != TN_TOML_TEXT) {
    tn_setting_report(
        builder, setting->name, value,
        "an address such as \"127.0.0.1:8080\", or tables with address, certificate and so on");
    return;
  }
  tn_serve_listen *listen = add_listen(builder, value);
  if (listen == NULL) return;
  if (value->kind == TN_TOML_TEXT)
    tn_setting_apply(builder, listen, tn_setting_find(TN_SECTION_LISTEN, TN_STR("address")), value);
  else
    read_table(builder, listen, value);
}

/* ---- checking -------------------------------------------------------------------------------------- */

static bool is_port(tn_str text) {
  unsigned port = 0;
  if (text.len == 0 || text.len > 5) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (!isdigit((unsigned char)text.data[i])) return false;
    port = port * 10 + (unsigned)(text.data[i] - '0');
  }
  return port <= 65535;
}

static bool is_address(int family, tn_str text) {
  char room[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (text.len >= sizeof room) return false;
  memcpy(room, text.data, text.len);
  room[text.len] = '\0';
  return inet_pton(family, room, &address) == 1;
}

const char *tn_listen_address_mistake(tn_str address, bool may_be_systemd) {
  if (tn_str_starts_with(address, TN_STR("unix:"))) {
    size_t length = address.len - strlen("unix:");
    if (length == 0) return "the path of the socket is missing";
    return length >= sizeof((struct sockaddr_un *)0)->sun_path
               ? "the path of a socket has at most 107 bytes"
               : NULL;
  }
  if (may_be_systemd &&
      (tn_str_equal(address, TN_STR("systemd")) ||
       (tn_str_starts_with(address, TN_STR("systemd:")) && address.len > strlen("systemd:"))))
    return NULL;
  size_t colon = address.len;
  while (colon > 0 && address.data[colon - 1] != ':')
    colon--;
  if (colon == 0) return "a port is missing: 127.0.0.1:8080";
  if (!is_port(tn_str_slice(address, colon, address.len)))
    return "what follows the last : is not a port";
  tn_str host = tn_str_slice(address, 0, colon - 1);
  if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
    return is_address(AF_INET6, tn_str_slice(host, 1, host.len - 1))
               ? NULL
               : "what is in brackets is not an IPv6 address";
  if (tn_str_find(host, ':', 0) < host.len) return "an IPv6 address stands in brackets: [::1]:8080";
  if (tn_str_equal(host, TN_STR("localhost")) || is_address(AF_INET, host)) return NULL;
  return "the host is an IP address or localhost; 0.0.0.0 is all of IPv4, [::] all addresses";
}

static void check_tls(tn_serve_builder *builder, const tn_serve_listen *listen) {
  const char *mistake = NULL;
  tn_serve_position at = {0};
  if (listen->certificate_path != NULL && listen->key_path == NULL) {
    mistake = "it has a certificate but no key";
    at = listen->certificate_at;
  } else if (listen->certificate_path == NULL && listen->key_path != NULL) {
    mistake = "it has a key but no certificate";
    at = listen->key_at;
  } else if (listen->certificate_path == NULL && listen->client_ca_path != NULL) {
    mistake = "client certificates need TLS: a certificate and a key";
    at = listen->client_ca_at;
  }
  tn_place place = {at.line != 0 ? builder->source : NULL, at.line, at.column};
  if (mistake != NULL)
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place, "address %s: %s",
                    listen->address.data, mistake);
}

/* An address whose host and port are right. Port 0 means one that nobody has. */
typedef struct endpoint {
  int family;
  struct in6_addr host; /* or an in_addr in its first bytes */
  unsigned port;
} endpoint;

static bool read_endpoint(tn_str address, endpoint *out) {
  *out = (endpoint){.family = AF_INET};
  size_t colon = address.len;
  while (colon > 0 && address.data[colon - 1] != ':')
    colon--;
  if (colon == 0 || tn_listen_address_mistake(address, false) != NULL ||
      tn_str_starts_with(address, TN_STR("unix:")))
    return false;
  for (size_t i = colon; i < address.len; i++)
    out->port = out->port * 10 + (unsigned)(address.data[i] - '0');
  tn_str host = tn_str_slice(address, 0, colon - 1);
  if (tn_str_equal(host, TN_STR("localhost"))) host = TN_STR("127.0.0.1");
  if (host.data[0] == '[') {
    out->family = AF_INET6;
    host = tn_str_slice(host, 1, host.len - 1);
  }
  char room[INET6_ADDRSTRLEN];
  memcpy(room, host.data, host.len);
  room[host.len] = '\0';
  return inet_pton(out->family, room, &out->host) == 1 && out->port != 0;
}

static bool is_any(const endpoint *e) {
  static const struct in6_addr any;
  return memcmp(&e->host, &any, sizeof any) == 0;
}

/* Whether both would take the same connections. */
static bool overlap(tn_str a, tn_str b) {
  if (tn_str_equal(a, b)) return !tn_str_ends_with(a, TN_STR(":0"));
  endpoint one, other;
  if (!read_endpoint(a, &one) || !read_endpoint(b, &other) || one.port != other.port) return false;
  if (one.family != other.family)
    return is_any(one.family == AF_INET6 ? &one : &other); /* which takes IPv4, too */
  return is_any(&one) || is_any(&other) || memcmp(&one.host, &other.host, sizeof one.host) == 0;
}

static void check_admin(tn_serve_builder *builder, const tn_serve_listen *listen, tn_place place) {
  tn_str admin = builder->config->admin_address;
  if (admin.len == 0 || !overlap(admin, listen->address)) return;
  tn_server_problem *problem = tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place,
                                               "the address %s is the admin address %s, too",
                                               listen->address.data, admin.data);
  tn_problems_set_hint(builder->problems, problem, "give admin a port of its own");
}

static void check_listen(tn_serve_builder *builder, uint32_t index) {
  const tn_serve_listen *listen = &builder->listens.items[index];
  tn_place place = {listen->line != 0 ? builder->source : NULL, listen->line, listen->column};
  if (listen->address.data == NULL) {
    if (listen->line != 0 && !tn_problems_any(builder->problems))
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place,
                      "this [[listen]] says no address");
    return;
  }
  const char *mistake = tn_listen_address_mistake(listen->address, true);
  if (mistake != NULL)
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place, "cannot listen at \"%s\": %s",
                    listen->address.data, mistake);
  for (uint32_t i = 0; i < index; i++)
    if (tn_str_equal(builder->listens.items[i].address, listen->address))
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place, "the address %s is there twice",
                      listen->address.data);
  check_admin(builder, listen, place);
  check_tls(builder, listen);
}

void tn_check_listens(tn_serve_builder *builder) {
  for (uint32_t i = 0; i < builder->listens.len; i++)
    check_listen(builder, i);
}
