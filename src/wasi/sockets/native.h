/* The native forms of the types of wasi:sockets, see "Values" in tenon.h. */
#ifndef TN_WASI_SOCKETS_NATIVE_H
#define TN_WASI_SOCKETS_NATIVE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* enum error-code */
typedef enum tn_network_code {
  TN_NETWORK_UNKNOWN,
  TN_NETWORK_ACCESS_DENIED,
  TN_NETWORK_NOT_SUPPORTED,
  TN_NETWORK_INVALID_ARGUMENT,
  TN_NETWORK_OUT_OF_MEMORY,
  TN_NETWORK_TIMEOUT,
  TN_NETWORK_CONCURRENCY_CONFLICT,
  TN_NETWORK_NOT_IN_PROGRESS,
  TN_NETWORK_WOULD_BLOCK,
  TN_NETWORK_INVALID_STATE,
  TN_NETWORK_NEW_SOCKET_LIMIT,
  TN_NETWORK_ADDRESS_NOT_BINDABLE,
  TN_NETWORK_ADDRESS_IN_USE,
  TN_NETWORK_REMOTE_UNREACHABLE,
  TN_NETWORK_CONNECTION_REFUSED,
  TN_NETWORK_CONNECTION_RESET,
  TN_NETWORK_CONNECTION_ABORTED,
  TN_NETWORK_DATAGRAM_TOO_LARGE,
  TN_NETWORK_NAME_UNRESOLVABLE,
  TN_NETWORK_TEMPORARY_RESOLVER_FAILURE,
  TN_NETWORK_PERMANENT_RESOLVER_FAILURE,
  /* Not a code: the operation has succeeded. */
  TN_NETWORK_OK,
} tn_network_code;

/* enum ip-address-family, and the tags of the address variants */
enum { TN_IPV4, TN_IPV6 };

/* variant ip-address */
typedef struct tn_ip_address {
  uint8_t family;
  union {
    uint8_t v4[4];
    uint16_t v6[8];
  };
} tn_ip_address;
static_assert(sizeof(tn_ip_address) == 18, "native form of ip-address");

/* variant ip-socket-address */
typedef struct tn_ip_socket_address {
  uint8_t family;
  union {
    struct {
      uint16_t port;
      uint8_t address[4];
    } v4;
    struct {
      uint16_t port;
      uint32_t flow_info;
      uint16_t address[8];
      uint32_t scope_id;
    } v6;
  };
} tn_ip_socket_address;
static_assert(sizeof(tn_ip_socket_address) == 32 && offsetof(tn_ip_socket_address, v6) == 4 &&
                  offsetof(tn_ip_socket_address, v6.scope_id) == 28,
              "native form of ip-socket-address");

/* option<ip-socket-address> */
typedef struct tn_optional_address {
  uint8_t is_some;
  tn_ip_socket_address value;
} tn_optional_address;
static_assert(sizeof(tn_optional_address) == 36, "native form of option<ip-socket-address>");

/* result<T, error-code> for the various T. Each begins with is_error, and the code lies where the payload
 * does: behind as much padding as T's alignment asks for. */
typedef struct tn_network_done {
  uint8_t is_error;
  uint8_t code;
} tn_network_done;

typedef struct tn_network_byte {
  uint8_t is_error;
  union {
    uint8_t value;
    uint8_t code;
  };
} tn_network_byte;

typedef struct tn_network_u32 {
  uint8_t is_error;
  union {
    uint32_t value;
    uint8_t code;
  };
} tn_network_u32;

typedef struct tn_network_u64 {
  uint8_t is_error;
  union {
    uint64_t value;
    uint8_t code;
  };
} tn_network_u64;

/* result<own, …> */
typedef tn_network_u32 tn_network_handle;

/* result<tuple<own, own>, …> */
typedef struct tn_network_pair {
  uint8_t is_error;
  union {
    uint32_t handles[2];
    uint8_t code;
  };
} tn_network_pair;

/* result<tuple<own, own, own>, …> */
typedef struct tn_network_triple {
  uint8_t is_error;
  union {
    uint32_t handles[3];
    uint8_t code;
  };
} tn_network_triple;

typedef struct tn_network_address {
  uint8_t is_error;
  union {
    tn_ip_socket_address value;
    uint8_t code;
  };
} tn_network_address;
static_assert(sizeof(tn_network_address) == 36,
              "native form of result<ip-socket-address, error-code>");

/* result<option<ip-address>, error-code> */
typedef struct tn_network_next {
  uint8_t is_error;
  union {
    struct {
      uint8_t is_some;
      tn_ip_address value;
    } ok;
    uint8_t code;
  };
} tn_network_next;
static_assert(sizeof(tn_network_next) == 22 && offsetof(tn_network_next, ok.value) == 4,
              "native form of result<option<ip-address>, error-code>");

/* (borrow<…-socket>, borrow<network>, ip-socket-address) */
typedef struct tn_bind_params {
  uint32_t self;
  uint32_t network;
  tn_ip_socket_address address;
} tn_bind_params;
static_assert(offsetof(tn_bind_params, address) == 8,
              "native form of the parameters of start-bind");

#endif
