/* What TCP and UDP sockets have in common, for the files of this folder only. */
#ifndef TN_WASI_SOCKETS_SOCKET_H
#define TN_WASI_SOCKETS_SOCKET_H

#include "wasi/io/io.h"
#include "wasi/sockets/address.h"
#include "wasi/sockets/sockets.h"

/* TCP goes from UNBOUND over BOUND (perhaps) to LISTENING or CONNECTED; UDP from UNBOUND to BOUND and back and
 * forth between that and CONNECTED. Binding, listening and connecting happen in start-…; the *_STARTED states
 * only wait for finish-…. CLOSED: a connection attempt has failed. */
typedef enum tn_socket_state {
  TN_SOCKET_UNBOUND,
  TN_SOCKET_BIND_STARTED,
  TN_SOCKET_BOUND,
  TN_SOCKET_LISTEN_STARTED,
  TN_SOCKET_LISTENING,
  TN_SOCKET_CONNECT_STARTED,
  TN_SOCKET_CONNECTED,
  TN_SOCKET_CLOSED,
} tn_socket_state;

/* A socket. Counted: the resource, its pollables and its streams each hold a reference, and the descriptor is
 * closed with the last. Invariant: the descriptor is open and non-blocking. */
typedef struct tn_socket {
  tn_wasi *wasi;
  int descriptor;
  uint32_t references;
  uint8_t family; /* TN_IPV4, TN_IPV6 */
  tn_socket_state state;
  /* the address that it was bound to was granted: may listen, or receive from anyone */
  bool may_serve;
  bool is_receive_shut;
  bool is_send_shut;
  bool has_unsent;     /* TCP: the output stream keeps bytes that the kernel has not taken yet */
  uint32_t backlog;    /* TCP, for listen */
  uint32_t generation; /* UDP: counts calls of `stream`, of whose results only the last works */
  tn_sockaddr remote;  /* UDP, while CONNECTED */
} tn_socket;

/* Makes a socket of SOCK_STREAM or SOCK_DGRAM; gives errno in *code (0: made). */
tn_error *tn_socket_new(tn_wasi *wasi, int type, uint8_t family, tn_socket **out, int *code);
/* One around a descriptor of its own, which it closes when out of memory. */
tn_error *tn_socket_wrap(tn_wasi *wasi, int descriptor, uint8_t family, tn_socket **out);
void tn_socket_release(tn_socket *socket);
/* Makes it a resource, which takes over the reference; on failure that is released. */
tn_error *tn_socket_add(tn_wasi *wasi, tn_slot_kind kind, tn_socket *socket,
                        uint32_t *representation);
/* `drop` of both kinds of socket; data points to the tn_slot_kind, as it does for all functions that the two
 * interfaces share. */
void tn_socket_drop(tn_runtime *runtime, void *data, uint32_t representation);
extern const tn_slot_kind tn_socket_tcp_kind;
extern const tn_slot_kind tn_socket_udp_kind;

/* The socket that the first parameter, self, stands for. */
tn_socket *tn_socket_of(tn_call *call, void *data, const void *params);

/* Binds to the address by the rules that both kinds share. `operation` is the right to serve at an address
 * (TN_NETWORK_TCP_LISTEN, TN_NETWORK_UDP). A port of the system's choice on all interfaces is what a client
 * gets without asking, so it needs no right; but may_serve then says that nobody can be served there. */
tn_network_code tn_socket_bind(tn_socket *socket, const tn_sockaddr *address, unsigned operation);

/* Functions of both interfaces. */
tn_error *tn_socket_finish_bind(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_local_address(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_remote_address(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_address_family(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_hop_limit(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_set_hop_limit(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_receive_buffer_size(tn_call *call, void *data, const void *params,
                                        void *result);
tn_error *tn_socket_set_receive_buffer_size(tn_call *call, void *data, const void *params,
                                            void *result);
tn_error *tn_socket_send_buffer_size(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_socket_set_send_buffer_size(tn_call *call, void *data, const void *params,
                                         void *result);

/* Functions of TCP's keep-alive, options.c. */
tn_error *tn_tcp_keep_alive_enabled(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_tcp_set_keep_alive_enabled(tn_call *call, void *data, const void *params,
                                        void *result);
tn_error *tn_tcp_keep_alive_idle_time(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_tcp_set_keep_alive_idle_time(tn_call *call, void *data, const void *params,
                                          void *result);
tn_error *tn_tcp_keep_alive_interval(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_tcp_set_keep_alive_interval(tn_call *call, void *data, const void *params,
                                         void *result);
tn_error *tn_tcp_keep_alive_count(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_tcp_set_keep_alive_count(tn_call *call, void *data, const void *params, void *result);

/* Fills in a result<_, error-code>; TN_NETWORK_OK means success. */
tn_error *tn_network_finish(void *result, tn_network_code code);

/* tcp_stream.c: makes the streams of a connected socket as resources: handles[0] input, handles[1] output. */
tn_error *tn_tcp_streams_add(tn_socket *socket, uint32_t handles[2]);

extern const tn_host_interface tn_sockets_network_interface;
extern const tn_host_interface tn_sockets_instance_network_interface;
extern const tn_host_interface tn_sockets_lookup_interface;
extern const tn_host_interface tn_sockets_tcp_interface;
extern const tn_host_interface tn_sockets_tcp_create_interface;
extern const tn_host_interface tn_sockets_udp_interface;
extern const tn_host_interface tn_sockets_udp_create_interface;

/* datagram.c: the datagram streams. */
tn_error *tn_datagram_streams_add(tn_socket *socket, uint32_t handles[2]);
void tn_datagram_stream_delete(void *object);
void tn_datagram_drop_incoming(tn_runtime *runtime, void *data, uint32_t representation);
void tn_datagram_drop_outgoing(tn_runtime *runtime, void *data, uint32_t representation);
tn_error *tn_datagram_receive(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_datagram_subscribe_incoming(tn_call *call, void *data, const void *params,
                                         void *result);
tn_error *tn_datagram_check_send(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_datagram_send(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_datagram_subscribe_outgoing(tn_call *call, void *data, const void *params,
                                         void *result);

/* lookup.c */
void tn_lookup_delete(void *object);

#endif
