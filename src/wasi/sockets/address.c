#include "wasi/sockets/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* ---- conversion ---------------------------------------------------------------------------------- */

static void groups_to_system(const uint16_t groups[8], struct in6_addr *out) {
  for (int i = 0; i < 8; i++) {
    out->s6_addr[2 * i] = (uint8_t)(groups[i] >> 8);
    out->s6_addr[2 * i + 1] = (uint8_t)groups[i];
  }
}

static void groups_from_system(const struct in6_addr *address, uint16_t out[8]) {
  for (int i = 0; i < 8; i++)
    out[i] = (uint16_t)(address->s6_addr[2 * i] << 8 | address->s6_addr[2 * i + 1]);
}

void tn_address_to_system(const tn_ip_socket_address *address, tn_sockaddr *out) {
  memset(out, 0, sizeof *out);
  if (address->family == TN_IPV4) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(address->v4.port);
    memcpy(&out->v4.sin_addr, address->v4.address, 4);
  } else {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(address->v6.port);
    out->v6.sin6_flowinfo = htonl(address->v6.flow_info);
    out->v6.sin6_scope_id = address->v6.scope_id;
    groups_to_system(address->v6.address, &out->v6.sin6_addr);
  }
}

socklen_t tn_address_size(const tn_sockaddr *address) {
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

void tn_address_from_system(const tn_sockaddr *address, tn_ip_socket_address *out) {
  memset(out, 0, sizeof *out);
  if (address->any.sa_family == AF_INET) {
    out->family = TN_IPV4;
    out->v4.port = ntohs(address->v4.sin_port);
    memcpy(out->v4.address, &address->v4.sin_addr, 4);
  } else {
    out->family = TN_IPV6;
    out->v6.port = ntohs(address->v6.sin6_port);
    out->v6.flow_info = ntohl(address->v6.sin6_flowinfo);
    out->v6.scope_id = address->v6.sin6_scope_id;
    groups_from_system(&address->v6.sin6_addr, out->v6.address);
  }
}

void tn_ip_from_system(const tn_sockaddr *address, tn_ip_address *out) {
  memset(out, 0, sizeof *out);
  if (address->any.sa_family == AF_INET) {
    out->family = TN_IPV4;
    memcpy(out->v4, &address->v4.sin_addr, 4);
  } else if (IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) {
    out->family = TN_IPV4;
    memcpy(out->v4, address->v6.sin6_addr.s6_addr + 12, 4);
  } else {
    out->family = TN_IPV6;
    groups_from_system(&address->v6.sin6_addr, out->v6);
  }
}

/* ---- checks -------------------------------------------------------------------------------------- */

uint16_t tn_address_port(const tn_sockaddr *address) {
  return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

bool tn_address_is_unspecified(const tn_sockaddr *address) {
  if (address->any.sa_family == AF_INET) return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

bool tn_address_equal(const tn_sockaddr *a, const tn_sockaddr *b) {
  if (a->any.sa_family != b->any.sa_family || tn_address_port(a) != tn_address_port(b))
    return false;
  if (a->any.sa_family == AF_INET) return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
  return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0 &&
         a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

bool tn_address_fits(const tn_sockaddr *address, uint8_t family) {
  if (address->any.sa_family == AF_INET) return family == TN_IPV4;
  const struct in6_addr *ip = &address->v6.sin6_addr;
  return family == TN_IPV6 && !IN6_IS_ADDR_V4MAPPED(ip) && !IN6_IS_ADDR_V4COMPAT(ip);
}

bool tn_address_is_unicast(const tn_sockaddr *address) {
  if (address->any.sa_family == AF_INET6) return !IN6_IS_ADDR_MULTICAST(&address->v6.sin6_addr);
  in_addr_t ip = ntohl(address->v4.sin_addr.s_addr);
  return !IN_MULTICAST(ip) && ip != INADDR_BROADCAST;
}

bool tn_address_is_remote(const tn_sockaddr *address, uint8_t family) {
  return tn_address_fits(address, family) && !tn_address_is_unspecified(address) &&
         tn_address_port(address) != 0;
}

/* ---- errors -------------------------------------------------------------------------------------- */

tn_network_code tn_network_code_of(int code) {
  switch (code) {
  case EACCES:
  case EPERM:
    return TN_NETWORK_ACCESS_DENIED;
  case EOPNOTSUPP:
  case EAFNOSUPPORT:
  case EPROTONOSUPPORT:
  case ENOPROTOOPT:
  case ESOCKTNOSUPPORT:
    return TN_NETWORK_NOT_SUPPORTED;
  case EINVAL:
  case EDESTADDRREQ:
  case EFAULT:
    return TN_NETWORK_INVALID_ARGUMENT;
  case ENOMEM:
  case ENOBUFS:
    return TN_NETWORK_OUT_OF_MEMORY;
  case ETIMEDOUT:
    return TN_NETWORK_TIMEOUT;
  case EALREADY:
    return TN_NETWORK_CONCURRENCY_CONFLICT;
  case EAGAIN:
  case EINPROGRESS:
    return TN_NETWORK_WOULD_BLOCK;
  case EISCONN:
  case ENOTCONN:
    return TN_NETWORK_INVALID_STATE;
  case EMFILE:
  case ENFILE:
    return TN_NETWORK_NEW_SOCKET_LIMIT;
  case EADDRNOTAVAIL:
    return TN_NETWORK_ADDRESS_NOT_BINDABLE;
  case EADDRINUSE:
    return TN_NETWORK_ADDRESS_IN_USE;
  case EHOSTUNREACH:
  case EHOSTDOWN:
  case ENETUNREACH:
  case ENETDOWN:
  case ENONET:
  case ENETRESET:
    return TN_NETWORK_REMOTE_UNREACHABLE;
  case ECONNREFUSED:
    return TN_NETWORK_CONNECTION_REFUSED;
  case EPIPE:
  case ECONNRESET:
    return TN_NETWORK_CONNECTION_RESET;
  case ECONNABORTED:
    return TN_NETWORK_CONNECTION_ABORTED;
  case EMSGSIZE:
    return TN_NETWORK_DATAGRAM_TOO_LARGE;
  default:
    return TN_NETWORK_UNKNOWN;
  }
}
