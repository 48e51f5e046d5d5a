/* What an instance may see and do through WASI: the configuration behind tn_wasi_config_* of tenon.h. */
#ifndef TN_WASI_CONFIG_H
#define TN_WASI_CONFIG_H

#include "base/arena.h"
#include "base/vec.h"
#include "tenon.h"
#include "wasi/egress.h"
#include "wasi/network.h"

typedef struct tn_config_variable {
  tn_str name;
  tn_str value;
} tn_config_variable;

typedef struct tn_config_directory {
  int fd; /* owned */
  tn_str guest_path;
  bool is_read_only;
} tn_config_directory;

/* Invariant: for TN_STDIO_INHERIT, descriptor is the process's own one of this number. */
typedef struct tn_config_stdio {
  tn_stdio_kind kind;
  int descriptor;
  tn_output_func write;
  /* of standard input: where it is read from, asked when it is first read */
  int (*open)(void *data);
  void *data;
} tn_config_stdio;

/* Read-only once an instance uses it. All strings are ended by NUL, valid UTF-8 and free of NUL. */
struct tn_wasi_config {
  tn_arena arena; /* everything that the vectors and strings need */
  TN_VEC(tn_str) arguments;
  TN_VEC(tn_config_variable) variables; /* names are unique */
  TN_VEC(tn_config_variable) values;    /* of wasi:config/store; names are unique */
  TN_VEC(tn_config_directory) directories;
  tn_str working_directory; /* .data == NULL: none */
  tn_config_stdio stdio[3];
  uint64_t output_limit;
  tn_network_policy network;
  tn_egress_policy egress;
  bool has_clock;
  tn_clock clock;
  bool has_seed;
  uint64_t seed;
  unsigned deterministic; /* TN_DETERMINISTIC_… */
};

/* The configuration that grants nothing, for instances that have none. */
const tn_wasi_config *tn_wasi_config_nothing(void);

#endif
