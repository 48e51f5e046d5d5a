/* Addresses between the guest's form and the system's, the checks that wasi:sockets asks for, and error
 * codes. Pure functions. */
#ifndef TN_WASI_SOCKETS_ADDRESS_H
#define TN_WASI_SOCKETS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "wasi/sockets/native.h"

/* Any address of either family. */
typedef union tn_sockaddr {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} tn_sockaddr;

void tn_address_to_system(const tn_ip_socket_address *address, tn_sockaddr *out);
socklen_t tn_address_size(const tn_sockaddr *address);
/* Only for the two families. */
void tn_address_from_system(const tn_sockaddr *address, tn_ip_socket_address *out);
/* Without port; an IPv4-mapped IPv6 address comes out as the IPv4 address. */
void tn_ip_from_system(const tn_sockaddr *address, tn_ip_address *out);

uint16_t tn_address_port(const tn_sockaddr *address);
/* 0.0.0.0 or :: */
bool tn_address_is_unspecified(const tn_sockaddr *address);
bool tn_address_equal(const tn_sockaddr *a, const tn_sockaddr *b);
/* Whether a socket of this family (TN_IPV4, TN_IPV6) can use it: sockets are never dual-stack, so that
 * IPv4-mapped (and IPv4-compatible) IPv6 addresses are of neither family. */
bool tn_address_fits(const tn_sockaddr *address, uint8_t family);
/* Neither multicast nor broadcast. */
bool tn_address_is_unicast(const tn_sockaddr *address);
/* What can be connected or sent to: of the family, with an address and a port. */
bool tn_address_is_remote(const tn_sockaddr *address, uint8_t family);

/* The error-code for errno (positive). Where an interface means something else by an errno, it looks at it
 * first. */
tn_network_code tn_network_code_of(int code);

#endif
