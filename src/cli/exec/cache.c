/* tenon exec --cache: outcomes by what led to them. One file each, named by the SHA-256 of component, input,
 * policy and version:
 *
 *   "tenon-result-1\n", the SHA-256 of what follows as 64 digits, "\n", then fields, each a length of 8 bytes
 *   (little endian) and as many bytes: exit code, fuel, memory peak (decimal), result as WAVE and as JSON (each
 *   with a "+" before it; none: no bytes), standard output, standard error, hash of the input
 *
 * What cannot be read, or does not fit its hash, is as if it were not there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exec/exec.h"
#include "cli/file.h"

static const char magic[] = "tenon-result-1\n";
enum { MAGIC = sizeof magic - 1, HASH = 64, HEADER = MAGIC + HASH + 1, FIELDS = 8 };
enum { LARGEST = 1 << 30 }; /* bytes of an entry */

static bool make_path(const exec_job *job, exec_bytes *out) {
  exec_bytes key = {0};
  exec_bytes_text(&key, TN_VERSION_STRING);
  exec_bytes_text(&key, job->component_hash);
  exec_describe_policy(job, &key);
  exec_describe_input(job, &key);
  char hash[HASH + 1];
  tn_sha256(key.data, key.size, hash);
  bool is_made = !key.failed;
  exec_bytes_free(&key);
  exec_bytes_text(out, job->settings->result_cache);
  exec_bytes_text(out, "/");
  exec_bytes_text(out, hash);
  exec_bytes_add(out, "", 1);
  return is_made && !out->failed;
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static bool take_field(tn_str *rest, tn_str *out) {
  uint64_t size;
  if (rest->len < sizeof size) return false;
  memcpy(&size, rest->data, sizeof size);
  if (size > rest->len - sizeof size) return false;
  *out = (tn_str){rest->data + sizeof size, (size_t)size};
  *rest = (tn_str){out->data + out->len, rest->len - sizeof size - out->len};
  return true;
}

static bool take_number(tn_str field, uint64_t *out) {
  char digits[24], *end;
  if (field.len == 0 || field.len >= sizeof digits) return false;
  memcpy(digits, field.data, field.len);
  digits[field.len] = '\0';
  *out = strtoull(digits, &end, 10);
  return *end == '\0';
}

/* "" is none, "+text" is the text. */
static bool take_result(tn_str field, char **out) {
  *out = NULL;
  if (field.len == 0) return true;
  *out = strndup(field.data + 1, field.len - 1);
  return *out != NULL;
}

static bool take_outcome(tn_str content, exec_outcome *out) {
  char hash[HASH + 1];
  if (content.len < HEADER || memcmp(content.data, magic, MAGIC) != 0) return false;
  tn_str rest = {content.data + HEADER, content.len - HEADER};
  tn_sha256(rest.data, rest.len, hash);
  if (memcmp(hash, content.data + MAGIC, HASH) != 0) return false;
  tn_str fields[FIELDS];
  for (size_t i = 0; i < FIELDS; i++)
    if (!take_field(&rest, &fields[i])) return false;
  uint64_t exit_code;
  if (!take_number(fields[0], &exit_code) || exit_code > 255 ||
      !take_number(fields[1], &out->fuel) || !take_number(fields[2], &out->memory_peak) ||
      fields[7].len != HASH)
    return false;
  out->exit_code = (int)exit_code;
  out->has_run = true;
  if (!take_result(fields[3], &out->result) || !take_result(fields[4], &out->result_json))
    return false;
  exec_bytes_add(&out->output[0], fields[5].data, fields[5].len);
  exec_bytes_add(&out->output[1], fields[6].data, fields[6].len);
  memcpy(out->input_hash, fields[7].data, HASH);
  return !out->output[0].failed && !out->output[1].failed;
}

/* What is no file is not waited for, and what is too large to be an entry not read. */
static int open_entry(const char *path) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno != ENOENT) cli_warn("the cache's %s cannot be read: %s", path, strerror(errno));
    return -1;
  }
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= LARGEST)
    return descriptor;
  close(descriptor);
  cli_warn("the cache's %s is no entry, and is not read", path);
  return -1;
}

static bool read_file(const char *path, exec_bytes *out) {
  int descriptor = open_entry(path);
  if (descriptor < 0) return false;
  char part[65536];
  ssize_t count;
  while ((count = read(descriptor, part, sizeof part)) > 0 && out->size <= LARGEST)
    exec_bytes_add(out, part, (size_t)count);
  close(descriptor);
  return count == 0 && !out->failed;
}

bool exec_cache_find(const exec_job *job, exec_outcome *outcome) {
  exec_bytes path = {0}, content = {0};
  bool is_found = false;
  if (make_path(job, &path) && read_file(path.data, &content)) {
    is_found = take_outcome(exec_bytes_str(&content), outcome);
    if (!is_found) {
      cli_warn("the cache's %s is damaged and is made anew", path.data);
      exec_outcome_free(outcome);
    }
  }
  outcome->is_cached = is_found;
  exec_bytes_free(&path);
  exec_bytes_free(&content);
  return is_found;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static void put_number(exec_bytes *out, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, number);
  exec_bytes_field(out, (tn_str){digits, strlen(digits)});
}

static void put_result(exec_bytes *out, const char *result) {
  exec_bytes text = {0};
  if (result != NULL) exec_bytes_text(&text, "+");
  if (result != NULL) exec_bytes_text(&text, result);
  exec_bytes_field(out, exec_bytes_str(&text));
  out->failed |= text.failed;
  exec_bytes_free(&text);
}

static void put_outcome(const exec_outcome *outcome, exec_bytes *out) {
  exec_bytes fields = {0};
  put_number(&fields, (uint64_t)outcome->exit_code);
  put_number(&fields, outcome->fuel);
  put_number(&fields, outcome->memory_peak);
  put_result(&fields, outcome->result);
  put_result(&fields, outcome->result_json);
  exec_bytes_field(&fields, exec_bytes_str(&outcome->output[0]));
  exec_bytes_field(&fields, exec_bytes_str(&outcome->output[1]));
  exec_bytes_field(&fields, (tn_str){outcome->input_hash, HASH});
  char hash[HASH + 1];
  tn_sha256(fields.data, fields.size, hash);
  exec_bytes_text(out, magic);
  exec_bytes_text(out, hash);
  exec_bytes_text(out, "\n");
  exec_bytes_add(out, fields.data, fields.size);
  out->failed |= fields.failed;
  exec_bytes_free(&fields);
}

static void write_entry(const char *path, tn_str content) {
  if (content.len > LARGEST) {
    cli_warn("the answer is not kept: it has more than %d bytes", LARGEST);
    return;
  }
  /* A pipe would be waited for, and a link followed. */
  struct stat status;
  if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) unlink(path);
  tn_error *error = cli_save_file(path, (const uint8_t *)content.data, content.len);
  if (error != NULL) cli_warn("the answer is not kept: %s", tn_error_get_message(error));
  tn_error_delete(error);
}

/* A cache that cannot be written to is reported and does no harm. */
void exec_cache_store(const exec_job *job, const exec_outcome *outcome) {
  if (outcome->error != NULL || outcome->output[0].failed || outcome->output[1].failed) return;
  if (mkdir(job->settings->result_cache, 0700) != 0 && errno != EEXIST) {
    cli_warn("the answer is not kept: while making the folder %s: %s", job->settings->result_cache,
             strerror(errno));
    return;
  }
  exec_bytes path = {0}, content = {0};
  put_outcome(outcome, &content);
  if (make_path(job, &path) && !content.failed) write_entry(path.data, exec_bytes_str(&content));
  exec_bytes_free(&path);
  exec_bytes_free(&content);
}
