/* tenon exec: what its files share. */
#ifndef CLI_EXEC_H
#define CLI_EXEC_H

#include "cli/cli.h"
#include "cli/exec/interrupt.h"
#include "cli/link.h"
#include "tenon/exec.h"

/* Bytes that grow. Once `failed` is set (out of memory) nothing more is added. */
typedef struct exec_bytes {
  char *data;
  size_t size;
  size_t room;
  bool failed;
} exec_bytes;

void exec_bytes_add(exec_bytes *bytes, const void *data, size_t size);
void exec_bytes_text(exec_bytes *bytes, const char *text);
void exec_bytes_format(exec_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A number of 8 bytes and the text itself: so that no two lists of texts look the same to a hash. */
void exec_bytes_field(exec_bytes *bytes, tn_str text);
/* Text with U+FFFD in place of each byte that is not part of UTF-8. */
void exec_bytes_clean(exec_bytes *bytes, tn_str text);
/* An error whose message is in `text`, which is freed. */
tn_error *exec_error_of(tn_error_kind kind, exec_bytes *text);
/* The line of `text` that has `column` (an offset), with carets under `length` bytes of it; of a long
 * one what is about there. */
void exec_bytes_caret(exec_bytes *out, tn_str text, size_t column, size_t length);
void exec_bytes_free(exec_bytes *bytes);
/* "X, and now is Y" of texts that are not equal; long ones about the first place where they differ. */
void exec_bytes_difference(exec_bytes *out, tn_str expected, tn_str given);
/* Columns that bytes take on a terminal, but for wide and combining characters. */
size_t exec_columns(tn_str text);
/* Without spaces and line breaks at its ends. */
tn_str exec_trim(tn_str text);
/* The length of the UTF-8 character at `at`, 0 when it is none. */
size_t exec_utf8_length(tn_str text, size_t at);
/* The offset of the first byte that is not part of UTF-8, or text.len. */
size_t exec_utf8_find_wrong(tn_str text);
/* What is said of such a byte. */
extern const char exec_no_utf8[];
static inline tn_str exec_bytes_str(const exec_bytes *bytes) {
  return (tn_str){bytes->data, bytes->size};
}

/* What a run has come to. Texts are owned. */
typedef struct exec_outcome {
  int exit_code;
  tn_error *error; /* NULL: it came to its own end */
  char *result; /* of a function, as WAVE; NULL: it has none, there was no function, or an error */
  char *result_json;    /* the same as JSON */
  exec_bytes output[2]; /* standard output and error, where they are kept */
  bool has_run;         /* a function or the command was called: fuel and peak are known */
  uint64_t fuel;
  uint64_t memory_peak;
  bool is_cached;
  unsigned verified; /* times that it was run again with the same outcome */
  char input_hash[65];
  char output_hash[65];
} exec_outcome;

void exec_outcome_free(exec_outcome *outcome);
/* Whether it was ended by a signal, or because its time was over: how far it had come is chance. */
bool exec_is_cut_short(const exec_outcome *outcome);

/* The guest's standard input, read as a whole when it is first needed. */
typedef struct exec_input {
  const char *path; /* NULL: Tenon's own; "" : none */
  uint64_t timeout; /* nanoseconds; 0: none */
  bool is_read;
  int descriptor; /* of a file without a name; -1: empty */
  int wake;       /* readable when there is no more time for it: EINTR */
  exec_bytes bytes;
  int failure; /* errno */
} exec_input;

/* The arguments of a function, as a text. */
typedef struct exec_arguments {
  enum {
    EXEC_OPERANDS, /* they follow the file: there is no text */
    EXEC_LIST,     /* parted by commas */
    EXEC_JSON,
    EXEC_LINES, /* a value a line */
  } form;
  exec_bytes text;
  const char *source; /* the file; NULL: the command line */
} exec_arguments;

/* All that stays the same from run to run. */
typedef struct exec_job {
  const cli_settings *settings; /* limits and compiler as exec wants them */
  char **operands;
  int count;
  cli_failure *failure; /* what ended it that is not the guest's own end */
  unsigned denied;      /* TN_SERVICE_… */
  bool is_deterministic;
  bool keeps_output;
  exec_input input;
  exec_arguments arguments;
  tn_engine *engine;
  tn_component *component;
  cli_links links;
  tn_linker *linker;
  tn_linked *linked;
  tn_recording *recording; /* or NULL */
  /* what a replay takes from its recording */
  char *recorded_texts, *recorded_function;
  char **recorded_operands;
  /* whether limits are tighter than those of the recording */
  bool has_less_fuel, has_tighter_limits;
  char component_hash[65];
  exec_interrupt interrupt;
  struct exec_world *world; /* of the run that is under way; NULL: there is none */
} exec_job;

/* ---- exec_input.c ---- */

/* For tn_wasi_config_set_input_callback: `data` is the exec_input. */
int exec_input_open(void *data);
/* From its start again, for the next run. */
void exec_input_rewind(exec_input *input);
/* Reads it now. 0, or an exit code after reporting. */
int exec_input_read(exec_job *job);
/* The arguments of a function, from --args, --args-json or --input. */
int exec_read_arguments(exec_job *job);

/* ---- exec_world.c: what the guest sees ---- */

/* The guest's clock when it is not the system's. */
typedef struct exec_clock {
  uint64_t monotonic;
  uint64_t start; /* of the wall clock */
  uint64_t step;
} exec_clock;

/* What one run has of its own; what is linked with writes to it, too. */
typedef struct exec_world {
  exec_job *job;
  exec_outcome *outcome;
  exec_clock clock;
  bool is_silent;    /* output is compared, not shown */
  int write_failure; /* errno */
  tn_wasi_config *config;
} exec_world;

/* Services that are denied, and whether what is granted keeps runs the same. Warns. After cli_links_read. */
void exec_choose_policy(exec_job *job);
tn_error *exec_deny(exec_job *job);
/* Gives components that are linked with the run's streams, where they have a right to them, and its view of files. */
tn_error *exec_configure_links(exec_job *job);
tn_error *exec_world_make(exec_world *world);
/* The output callback; `data` is the exec_job. */
void exec_world_write(void *data, int stream, const uint8_t *bytes, size_t size);
/* Everything that a run is given, for hashes: function, arguments, environment, input. */
void exec_describe_input(const exec_job *job, exec_bytes *out);
/* And what it may do: policy, limits, compiler. */
void exec_describe_policy(const exec_job *job, exec_bytes *out);

/* ---- exec_call.c: one function ---- */

/* Calls the function of --function with the arguments given; fills in result and result_json. */
tn_error *exec_call_function(exec_job *job, tn_instance *instance, exec_outcome *outcome);

/* ---- exec_report.c ---- */

/* The report; where the job has failed, with that as its error. */
void exec_print_json(const exec_job *job, const exec_outcome *outcome);
/* Prints and returns the exit code of the guest's error, with the amounts of a limit. */
int exec_report_error(const exec_job *job, const exec_outcome *outcome);
int exec_exit_code_of(const tn_error *error);

/* ---- exec_cache.c ---- */

/* True when the outcome is in the cache of --cache. */
bool exec_cache_find(const exec_job *job, exec_outcome *outcome);
void exec_cache_store(const exec_job *job, const exec_outcome *outcome);

#endif
