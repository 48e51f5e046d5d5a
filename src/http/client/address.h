/* Hosts and addresses as the client uses them. For src/http/client*.c only. */
#ifndef TN_HTTP_CLIENT_ADDRESS_H
#define TN_HTTP_CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

typedef union tn_client_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} tn_client_address;

enum {
  /* with its NUL: RFC 1035 2.3.4 allows 255 bytes on the wire, 253 characters */
  TN_CLIENT_HOST_SIZE = 256,
  TN_CLIENT_ADDRESS_TEXT = 64 /* "[...]:65535" */
};

/* A host and port taken from an authority or a URL. */
typedef struct tn_client_target {
  char host[TN_CLIENT_HOST_SIZE]; /* lower case, an IPv6 address without brackets */
  uint32_t host_size;
  uint16_t port;
  bool is_address;
  tn_client_address address; /* when is_address; with the port */
} tn_client_target;

/* Splits "host[:port]"; `default_port` when there is none. False, with *problem, for what cannot be called:
 * escapes, names longer than the DNS has, port 0, and numbers that are no dotted address ("127.1",
 * "0x7f000001"), which different readers take for different hosts. */
bool tn_client_parse_target(tn_str authority, uint16_t default_port, tn_client_target *out,
                            const char **problem);
/* A dotted IPv4 or an IPv6 address without brackets; the port is left 0. */
bool tn_client_parse_address(tn_str text, tn_client_address *out);
void tn_client_address_set_port(tn_client_address *address, uint16_t port);
socklen_t tn_client_address_size(const tn_client_address *address);
bool tn_client_address_is_loopback(const tn_client_address *address);
/* "192.0.2.1:80" or "[2001:db8::1]:80". */
const char *tn_client_address_print(const tn_client_address *address,
                                    char room[TN_CLIENT_ADDRESS_TEXT]);

#endif
