/* tenon exec: what is told of a run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/exec/exec.h"
#include "cli/exec/record.h"
#include "cli/rights.h"

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

static const struct {
  const char *name, *unit;
  const char *words; /* as a message has it */
} limits[] = {
    [TN_LIMIT_MEMORY] = {"memory", "bytes", "bytes of memory"},
    [TN_LIMIT_TABLE] = {"table", "elements", "elements"},
    [TN_LIMIT_FUEL] = {"fuel", "units of fuel", "units of fuel"},
    [TN_LIMIT_TIME] = {"time", "nanoseconds", "nanoseconds"},
    [TN_LIMIT_OUTPUT] = {"output", "bytes", "bytes of output"},
    [TN_LIMIT_HANDLES] = {"handles", "handles", "handles"},
};

/* "1.500 s", and what is below a millisecond in whole nanoseconds: "1 ns". */
static void describe_time(uint64_t nanoseconds, char *out, size_t size) {
  if (nanoseconds < 1000000)
    snprintf(out, size, "%" PRIu64 " ns", nanoseconds);
  else
    snprintf(out, size, "%.3f s", (double)nanoseconds / 1e9);
}

static void describe_times(uint64_t used, uint64_t allowed, char *out, size_t size) {
  char texts[2][40];
  describe_time(used, texts[0], sizeof texts[0]);
  describe_time(allowed, texts[1], sizeof texts[1]);
  snprintf(out, size, " (used %s, allowed %s)", texts[0], texts[1]);
}

/* " (used 4294967296, allowed 65536 bytes of memory)"; "" for what is about no limit. */
static void describe_limit(const tn_error *error, char *out, size_t size) {
  uint64_t used, allowed;
  tn_limit limit = tn_error_get_limit(error, &used, &allowed);
  out[0] = '\0';
  if (limit == TN_LIMIT_NONE) return;
  if (limit == TN_LIMIT_TIME)
    describe_times(used, allowed, out, size);
  else
    snprintf(out, size, " (used %" PRIu64 ", allowed %" PRIu64 " %s)", used, allowed,
             limits[limit].words);
}

static const char *hint_of(const exec_job *job, const exec_outcome *outcome, char *room,
                           size_t size) {
  return exec_record_has_limit(job, outcome)
             ? "the limit is that of the recording, which a replay cannot raise"
             : cli_hint(outcome->error, room, size);
}

int exec_report_error(const exec_job *job, const exec_outcome *outcome) {
  if (job->settings->function == NULL && tn_error_get_kind(outcome->error) == TN_ERROR_NOT_FOUND)
    return cli_report(outcome->exit_code,
                      "call one of its functions with --function; `tenon inspect` lists them", "%s",
                      tn_error_get_message(outcome->error));
  char amounts[128], room[1024];
  describe_limit(outcome->error, amounts, sizeof amounts);
  cli_print_error(outcome->error, amounts, hint_of(job, outcome, room, sizeof room));
  return outcome->exit_code;
}

/* ---- JSON -------------------------------------------------------------------------------------------- */

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
  bool is_text = exec_utf8_find_wrong(text) == text.len;
  printf(",\n  \"%s%s\": ", name, is_text ? "" : "_base64");
  if (is_text)
    print_string(text);
  else
    print_base64(text);
}

/* What may quote bytes that are no text. */
static void print_clean(const char *text) {
  exec_bytes clean = {0};
  exec_bytes_clean(&clean, cli_text(text));
  print_string(exec_bytes_str(&clean));
  exec_bytes_free(&clean);
}

static void print_text(const char *name, const char *text) {
  printf(",\n  \"%s\": ", name);
  if (text == NULL)
    fputs("null", stdout);
  else
    print_clean(text);
}

static void print_message(const char *message, const char *hint) {
  fputs(",\n  \"error\": {\"message\": ", stdout);
  print_clean(message);
  if (hint == NULL) return;
  fputs(", \"hint\": ", stdout);
  print_clean(hint);
}

static void print_limit(const tn_error *error) {
  uint64_t used, allowed;
  tn_limit limit = tn_error_get_limit(error, &used, &allowed);
  if (limit != TN_LIMIT_NONE)
    printf(", \"limit\": \"%s\", \"unit\": \"%s\", \"used\": %" PRIu64 ", \"allowed\": %" PRIu64,
           limits[limit].name, limits[limit].unit, used, allowed);
}

static void print_error(const exec_job *job, const exec_outcome *outcome) {
  const cli_failure *failure = job->failure;
  const tn_error *error = outcome->error;
  char room[1024];
  if (failure->exit_code != CLI_EXIT_OK) {
    print_message(failure->message, failure->hint[0] != '\0' ? failure->hint : NULL);
  } else if (error != NULL) {
    print_message(tn_error_get_message(error), hint_of(job, outcome, room, sizeof room));
    print_limit(error);
  } else {
    fputs(",\n  \"error\": null", stdout);
    return;
  }
  putchar('}');
}

/* Of a run that did not come to be: null. */
static void print_hash(const char *name, const char *hash) {
  printf(hash[0] != '\0' ? "\"%s\": \"%s\"" : "\"%s\": null", name, hash);
}

static void print_link_hashes(const cli_links *links) {
  if (links->count == 0) return;
  fputs("\"links\": [", stdout);
  for (size_t i = 0; i < links->count; i++) {
    const char *hash = links->items[i].sha256;
    printf(hash[0] != '\0' ? "%s\"%s\"" : "%snull", i > 0 ? ", " : "", hash);
  }
  fputs("], ", stdout);
}

static void print_hashes(const exec_job *job, const exec_outcome *outcome) {
  fputs(",\n  \"sha256\": {", stdout);
  print_hash("component", job->component_hash);
  fputs(", ", stdout);
  print_link_hashes(&job->links);
  print_hash("input", outcome->input_hash);
  fputs(", ", stdout);
  print_hash("output", outcome->output_hash);
  putchar('}');
}

/* Of a guest that was not called: null. */
static void print_amount(const char *name, const exec_outcome *outcome, uint64_t amount) {
  if (outcome->has_run)
    printf(",\n  \"%s\": %" PRIu64, name, amount);
  else
    printf(",\n  \"%s\": null", name);
}

static bool is_repeatable(const exec_job *job, const exec_outcome *outcome) {
  return job->is_deterministic && job->failure->exit_code == CLI_EXIT_OK &&
         !exec_is_cut_short(outcome);
}

void exec_print_json(const exec_job *job, const exec_outcome *outcome) {
  bool has_failed = job->failure->exit_code != CLI_EXIT_OK;
  printf("{\n  \"exit_code\": %d", has_failed ? job->failure->exit_code : outcome->exit_code);
  print_error(job, outcome);
  printf(",\n  \"result\": %s", outcome->result_json != NULL ? outcome->result_json : "null");
  print_text("result_wave", outcome->result);
  print_output("stdout", &outcome->output[0]);
  print_output("stderr", &outcome->output[1]);
  print_amount("fuel", outcome, outcome->fuel);
  print_amount("memory_peak", outcome, outcome->memory_peak);
  print_hashes(job, outcome);
  printf(",\n  \"deterministic\": %s", is_repeatable(job, outcome) ? "true" : "false");
  if (outcome->verified > 0) printf(",\n  \"verified\": %u", outcome->verified);
  if (job->settings->result_cache != NULL)
    printf(",\n  \"cached\": %s", outcome->is_cached ? "true" : "false");
  fputs("\n}\n", stdout);
}

void cli_exec_print_failure(const cli_failure *failure) {
  cli_failure told = *failure;
  const cli_settings settings = {0};
  const exec_job job = {.settings = &settings, .failure = &told};
  const exec_outcome outcome = {0};
  exec_print_json(&job, &outcome);
}
