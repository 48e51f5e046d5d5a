/* Sends a body of BYTES to http://127.0.0.1:PORT/PATH and reads what comes back at the same time; prints the seconds and
 * the bytes that came. One connection, two threads, HTTP/1.1.
 *
 *   echo_client PORT PATH BYTES */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PART = 1 << 18 };

typedef struct upload {
  int socket;
  uint64_t size;
  bool has_failed;
} upload;

static bool send_all(int socket, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
    if (sent < 0) return false;
    data += sent, size -= (size_t)sent;
  }
  return true;
}

static void *run_upload(void *data) {
  static char part[PART];
  upload *self = data;
  memset(part, 'x', sizeof part);
  for (uint64_t left = self->size; left > 0 && !self->has_failed;) {
    size_t size = left < PART ? (size_t)left : PART;
    self->has_failed = !send_all(self->socket, part, size);
    left -= size;
  }
  return NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static char part[PART];
  if (argc != 4) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  upload self = {.socket = socket(AF_INET, SOCK_STREAM, 0), .size = strtoull(argv[3], NULL, 10)};
  if (connect(self.socket, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("connect");
    return 1;
  }
  int size =
      snprintf(part, sizeof part,
               "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %s\r\n\r\n",
               argv[2], argv[3]);
  double start = now();
  if (!send_all(self.socket, part, (size_t)size)) return 1;
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_upload, &self) != 0) return 1;
  uint64_t received = 0;
  ssize_t count;
  while ((count = recv(self.socket, part, sizeof part, 0)) > 0)
    received += (uint64_t)count;
  double seconds = now() - start;
  pthread_join(thread, NULL);
  close(self.socket);
  if (self.has_failed || received < self.size) {
    fprintf(stderr, "%llu of %llu bytes came back\n", (unsigned long long)received,
            (unsigned long long)self.size);
    return 1;
  }
  printf("%.6f %llu\n", seconds, (unsigned long long)received);
  return 0;
}
