#include "http/client/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "http/characters.h"
#include "http/message.h"

bool tn_client_parse_address(tn_str text, tn_client_address *out) {
  char copy[INET6_ADDRSTRLEN];
  if (text.len == 0 || text.len >= sizeof copy || memchr(text.data, 0, text.len) != NULL)
    return false;
  memcpy(copy, text.data, text.len);
  copy[text.len] = 0;
  *out = (tn_client_address){.v6 = {0}};
  out->any.sa_family = AF_INET;
  if (inet_pton(AF_INET, copy, &out->v4.sin_addr) == 1) return true;
  out->any.sa_family = AF_INET6;
  return inet_pton(AF_INET6, copy, &out->v6.sin6_addr) == 1;
}

void tn_client_address_set_port(tn_client_address *address, uint16_t port) {
  if (address->any.sa_family == AF_INET)
    address->v4.sin_port = htons(port);
  else
    address->v6.sin6_port = htons(port);
}

socklen_t tn_client_address_size(const tn_client_address *address) {
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

bool tn_client_address_is_loopback(const tn_client_address *address) {
  if (address->any.sa_family == AF_INET) return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

const char *tn_client_address_print(const tn_client_address *address,
                                    char room[TN_CLIENT_ADDRESS_TEXT]) {
  char text[INET6_ADDRSTRLEN] = "?";
  bool is_v4 = address->any.sa_family == AF_INET;
  const void *bytes =
      is_v4 ? (const void *)&address->v4.sin_addr : (const void *)&address->v6.sin6_addr;
  inet_ntop(address->any.sa_family, bytes, text, sizeof text);
  uint16_t port = ntohs(is_v4 ? address->v4.sin_port : address->v6.sin6_port);
  snprintf(room, TN_CLIENT_ADDRESS_TEXT, is_v4 ? "%s:%u" : "[%s]:%u", text, port);
  return room;
}

/* Whether the last label is a number, decimal or hexadecimal: then resolvers may read the whole as an IPv4
 * address. */
static bool ends_in_number(tn_str host) {
  if (host.len > 0 && host.data[host.len - 1] == '.') host.len--;
  size_t start = host.len;
  while (start > 0 && host.data[start - 1] != '.')
    start--;
  tn_str label = tn_str_slice(host, start, host.len);
  if (tn_str_starts_with(label, TN_STR("0x"))) return true;
  for (size_t i = 0; i < label.len; i++) {
    if (label.data[i] < '0' || label.data[i] > '9') return false;
  }
  return label.len > 0;
}

static bool take_port(tn_str text, uint16_t default_port, uint16_t *out) {
  uint32_t port = 0;
  for (size_t i = 0; i < text.len; i++)
    port = port * 10 + (uint32_t)(text.data[i] - '0');
  *out = text.len == 0 ? default_port : (uint16_t)port;
  return *out != 0;
}

/* What a lookup may be asked for; also keeps whatever could be misread out of log lines. */
static bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool take_name(tn_client_target *out, const char **problem) {
  tn_str host = {out->host, out->host_size};
  for (size_t i = 0; i < host.len; i++) {
    if (is_host_character(host.data[i])) continue;
    *problem = "the host has characters that no name has";
    return false;
  }
  bool is_empty = host.data[0] == '.' || memmem(host.data, host.len, "..", 2) != NULL;
  if (is_empty)
    *problem = "the host has an empty label";
  else if (ends_in_number(host))
    *problem = "the host ends in a number and is no address";
  else
    return true;
  return false;
}

bool tn_client_parse_target(tn_str authority, uint16_t default_port, tn_client_target *out,
                            const char **problem) {
  *problem = "the authority is malformed";
  if (!tn_http_is_authority(authority)) return false;
  bool has_brackets = authority.data[0] == '[';
  size_t end = has_brackets ? tn_str_find(authority, ']', 0) : tn_str_find(authority, ':', 0);
  tn_str host = tn_str_slice(authority, has_brackets ? 1 : 0, end);
  tn_str port = tn_str_slice(authority, tn_str_find(authority, ':', end) + 1, authority.len);
  if (tn_str_find(authority, ':', end) == authority.len) port = (tn_str){0};
  *problem = "port 0 cannot be called";
  if (!take_port(port, default_port, &out->port)) return false;
  *problem = "the host is too long";
  if (host.len > TN_CLIENT_HOST_SIZE - 3) return false;
  for (size_t i = 0; i < host.len; i++)
    out->host[i] = tn_http_lower(host.data[i]);
  out->host[host.len] = 0;
  out->host_size = (uint32_t)host.len;
  out->is_address = tn_client_parse_address((tn_str){out->host, host.len}, &out->address);
  if (out->is_address) tn_client_address_set_port(&out->address, out->port);
  *problem = "the host is no IPv6 address";
  if (has_brackets) return out->is_address && out->address.any.sa_family == AF_INET6;
  return out->is_address || take_name(out, problem);
}
