/* A name server in a thread of its own, on a port of this machine, whose answer is told by the first label of the name. */
#ifndef TN_TEST_NAME_SERVER_H
#define TN_TEST_NAME_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TYPE_A = 1, TYPE_AAAA = 28, NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

typedef struct name_server {
  int udp;
  int tcp;
  int stop[2];
  pthread_t thread;
  atomic_int queries;
  char address[32]; /* "127.0.0.1:PORT" */
} name_server;

static size_t put_record(uint8_t *out, uint16_t type, uint8_t last) {
  static const uint8_t head[] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60};
  memcpy(out, head, sizeof head);
  out[3] = (uint8_t)type;
  size_t size = type == TYPE_A ? 4 : 16;
  out[10] = 0;
  out[11] = (uint8_t)size;
  memset(out + 12, 0, size);
  if (type == TYPE_A)
    memcpy(out + 12, (uint8_t[]){192, 0, 2, last}, 4);
  else
    memcpy(out + 12, (uint8_t[]){0x20, 1, 0xd, 0xb8}, 4), out[27] = last;
  return 12 + size;
}

static bool has_label(const uint8_t *query, const char *label) {
  return query[12] == strlen(label) && memcmp(query + 13, label, strlen(label)) == 0;
}

/* Gives the answer's size; 0: none is sent. */
static size_t answer_query(name_server *self, const uint8_t *query, size_t size, bool is_tcp,
                           uint8_t out[2048]) {
  if (size < 17 || size > 512) return 0;
  size_t end = 12;
  while (end < size && query[end] != 0)
    end += 1 + query[end];
  if (end + 5 > size) return 0;
  self->queries++;
  uint16_t type = query[end + 2];
  if (has_label(query, "silent")) return 0;
  memcpy(out, query, end + 5);
  out[2] = 0x81;
  out[3] = 0x80;
  memset(out + 6, 0, 6);
  size_t length = end + 5;
  uint8_t count = 0;
  if (has_label(query, "none")) out[3] |= NXDOMAIN;
  if (has_label(query, "refused")) out[3] |= REFUSED;
  if (has_label(query, "failing")) out[3] |= SERVFAIL;
  if (type == TYPE_A && (has_label(query, "four") || has_label(query, "both"))) count = 1;
  if (type == TYPE_AAAA && (has_label(query, "six") || has_label(query, "both"))) count = 1;
  if (type == TYPE_A && has_label(query, "long")) {
    count = is_tcp ? 40 : 0;
    if (!is_tcp) out[2] |= 2;
  }
  for (uint8_t i = 1; i <= count; i++)
    length += put_record(out + length, type, i);
  out[7] = count;
  return length;
}

static void serve_datagram(name_server *self) {
  uint8_t query[512], answer[2048];
  struct sockaddr_in peer;
  socklen_t peer_size = sizeof peer;
  ssize_t got = recvfrom(self->udp, query, sizeof query, 0, (struct sockaddr *)&peer, &peer_size);
  size_t size = got < 0 ? 0 : answer_query(self, query, (size_t)got, false, answer);
  if (size > 0) sendto(self->udp, answer, size, 0, (struct sockaddr *)&peer, peer_size);
}

static void serve_stream(name_server *self) {
  int connection = accept(self->tcp, NULL, NULL);
  uint8_t query[514], answer[2050];
  ssize_t got = recv(connection, query, 2, MSG_WAITALL);
  size_t wanted = got == 2 ? (size_t)(query[0] << 8 | query[1]) : 0;
  if (wanted > 0 && wanted <= 512) {
    got = recv(connection, query, wanted, MSG_WAITALL);
    size_t size = answer_query(self, query, (size_t)got, true, answer + 2);
    answer[0] = (uint8_t)(size >> 8);
    answer[1] = (uint8_t)size;
    /* In two pieces, and a byte at a time of the length. */
    send(connection, answer, 1, MSG_NOSIGNAL);
    usleep(2000);
    send(connection, answer + 1, size + 1, MSG_NOSIGNAL);
  }
  while (recv(connection, query, sizeof query, 0) > 0)
    continue;
  close(connection);
}

static void *serve_names(void *argument) {
  name_server *self = argument;
  struct pollfd polled[3] = {
      {self->udp, POLLIN, 0}, {self->tcp, POLLIN, 0}, {self->stop[0], POLLIN, 0}};
  while (poll(polled, 3, -1) >= 0 && polled[2].revents == 0) {
    if (polled[0].revents != 0) serve_datagram(self);
    if (polled[1].revents != 0) serve_stream(self);
  }
  return NULL;
}

static inline void name_server_start(name_server *self) {
  memset(self, 0, sizeof *self);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  self->tcp = socket(AF_INET, SOCK_STREAM, 0);
  self->udp = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(bind(self->tcp, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(self->tcp, 8), 0);
  assert_int_equal(getsockname(self->tcp, (struct sockaddr *)&address, &size), 0);
  assert_int_equal(bind(self->udp, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(pipe(self->stop), 0);
  snprintf(self->address, sizeof self->address, "127.0.0.1:%u", ntohs(address.sin_port));
  assert_int_equal(pthread_create(&self->thread, NULL, serve_names, self), 0);
}

static inline void name_server_stop(name_server *self) {
  close(self->stop[1]);
  pthread_join(self->thread, NULL);
  close(self->stop[0]);
  close(self->udp);
  close(self->tcp);
}

#endif
