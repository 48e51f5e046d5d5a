/* tenon exec: what is told of a run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/exec/exec.h"

/* ---- errors ------------------------------------------------------------------------------------------ */

/* Each limit has an exit code of its own. */
int exec_exit_code_of(const tn_error *error) {
  uint64_t used, allowed;
  switch (tn_error_get_limit(error, &used, &allowed)) {
  case TN_LIMIT_OUTPUT:
    return CLI_EXIT_OUTPUT;
  case TN_LIMIT_HANDLES:
    return CLI_EXIT_HANDLES;
  default:
    return cli_exit_code_of(error);
  }
}

/* " (used 4294967296 of 65536 bytes)"; "" for what is about no limit. */
static void describe_limit(const tn_error *error, char *out, size_t size) {
  static const char *const units[] = {
      [TN_LIMIT_MEMORY] = "bytes of memory", [TN_LIMIT_TABLE] = "elements",
      [TN_LIMIT_FUEL] = "units of fuel",     [TN_LIMIT_TIME] = "nanoseconds",
      [TN_LIMIT_OUTPUT] = "bytes of output", [TN_LIMIT_HANDLES] = "handles",
  };
  uint64_t used, allowed;
  tn_limit limit = tn_error_get_limit(error, &used, &allowed);
  out[0] = '\0';
  if (limit == TN_LIMIT_NONE) return;
  if (limit == TN_LIMIT_TIME)
    snprintf(out, size, " (used %.3f s, allowed %.3f s)", (double)used / 1e9,
             (double)allowed / 1e9);
  else
    snprintf(out, size, " (used %" PRIu64 ", allowed %" PRIu64 " %s)", used, allowed, units[limit]);
}

int exec_report_error(const exec_job *job, const exec_outcome *outcome) {
  if (job->settings->function == NULL && tn_error_get_kind(outcome->error) == TN_ERROR_NOT_FOUND)
    return cli_report(outcome->exit_code,
                      "call one of its functions with --function; `tenon inspect` lists them", "%s",
                      tn_error_get_message(outcome->error));
  char amounts[128];
  describe_limit(outcome->error, amounts, sizeof amounts);
  cli_print_error(outcome->error, amounts);
  return outcome->exit_code;
}

/* ---- JSON -------------------------------------------------------------------------------------------- */

/* The length of the UTF-8 character at `at`, 0 when it is none. */
static size_t utf8_length(tn_str text, size_t at) {
  const unsigned char *bytes = (const unsigned char *)text.data + at;
  size_t left = text.len - at;
  size_t length = bytes[0] < 0x80                       ? 1
                  : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
                  : (bytes[0] & 0xf0) == 0xe0           ? 3
                  : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  bool is_long = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
  bool is_beyond = (bytes[0] == 0xed && bytes[1] >= 0xa0) || (bytes[0] == 0xf4 && bytes[1] >= 0x90);
  return is_long || is_beyond ? 0 : length;
}

static bool is_utf8(tn_str text) {
  for (size_t at = 0; at < text.len;) {
    size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

static void print_string(tn_str text) {
  putchar('"');
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c == '\n')
      fputs("\\n", stdout);
    else if (c < 0x20 || c == 0x7f)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void print_base64(tn_str text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  putchar('"');
  for (size_t i = 0; i < text.len; i += 3) {
    unsigned bits = 0;
    for (size_t j = 0; j < 3; j++)
      bits = bits << 8 | (i + j < text.len ? (unsigned char)text.data[i + j] : 0u);
    for (size_t j = 0; j < 4; j++)
      putchar(i + j > text.len ? '=' : digits[bits >> (18 - 6 * j) & 63]);
  }
  putchar('"');
}

/* "stdout": text, or "stdout_base64" for what is none. */
static void print_output(const char *name, const exec_bytes *bytes) {
  tn_str text = exec_bytes_str(bytes);
  bool is_text = is_utf8(text);
  printf(",\n  \"%s%s\": ", name, is_text ? "" : "_base64");
  if (is_text)
    print_string(text);
  else
    print_base64(text);
}

static void print_text(const char *name, const char *text) {
  printf(",\n  \"%s\": ", name);
  if (text == NULL)
    fputs("null", stdout);
  else
    print_string((tn_str){text, strlen(text)});
}

static void print_error(const exec_outcome *outcome) {
  if (outcome->error == NULL) {
    fputs(",\n  \"error\": null", stdout);
    return;
  }
  char room[1024];
  const char *message = tn_error_get_message(outcome->error),
             *hint = cli_hint(outcome->error, room, sizeof room);
  fputs(",\n  \"error\": {\"message\": ", stdout);
  print_string((tn_str){message, strlen(message)});
  if (hint != NULL) {
    fputs(", \"hint\": ", stdout);
    print_string((tn_str){hint, strlen(hint)});
  }
  uint64_t used, allowed;
  if (tn_error_get_limit(outcome->error, &used, &allowed) != TN_LIMIT_NONE)
    printf(", \"used\": %" PRIu64 ", \"allowed\": %" PRIu64, used, allowed);
  putchar('}');
}

/* Where the time is over, how far the guest had come is chance. */
static bool is_repeatable(const exec_job *job, const exec_outcome *outcome) {
  uint64_t used, allowed;
  return job->is_deterministic &&
         (outcome->error == NULL ||
          tn_error_get_limit(outcome->error, &used, &allowed) != TN_LIMIT_TIME);
}

void exec_print_json(const exec_job *job, const exec_outcome *outcome) {
  printf("{\n  \"exit_code\": %d", outcome->exit_code);
  print_error(outcome);
  printf(",\n  \"result\": %s", outcome->result_json != NULL ? outcome->result_json : "null");
  print_text("result_wave", outcome->result);
  print_output("stdout", &outcome->output[0]);
  print_output("stderr", &outcome->output[1]);
  printf(",\n  \"fuel\": %" PRIu64 ",\n  \"memory_peak\": %" PRIu64, outcome->fuel,
         outcome->memory_peak);
  printf(",\n  \"sha256\": {\"component\": \"%s\", \"input\": \"%s\", \"output\": \"%s\"}",
         job->component_hash, outcome->input_hash, outcome->output_hash);
  printf(",\n  \"deterministic\": %s", is_repeatable(job, outcome) ? "true" : "false");
  if (outcome->verified > 0) printf(",\n  \"verified\": %u", outcome->verified);
  if (job->settings->result_cache != NULL)
    printf(",\n  \"cached\": %s", outcome->is_cached ? "true" : "false");
  fputs("\n}\n", stdout);
}
