#include "cli/exec/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/rights.h"

/* ---- notes -------------------------------------------------------------------------------------------- */

/* Limits decide what a guest sees, so that a replay has to have the same. */
typedef struct limit_note {
  const char *name;
  size_t offset;
} limit_note;

#define LIMIT(name, field)                                                                         \
  { name, offsetof(cli_settings, field) }
static const limit_note limit_notes[] = {
    LIMIT("fuel", fuel),
    LIMIT("max-memory", max_memory),
    LIMIT("max-host-memory", max_host_memory),
    LIMIT("max-table-elements", max_table_elements),
    LIMIT("max-instances", max_instances),
    LIMIT("max-memories", max_memories),
    LIMIT("max-tables", max_tables),
    LIMIT("max-handles", max_handles),
    LIMIT("max-transfer", max_transfer),
    LIMIT("max-stack", max_stack),
};
#undef LIMIT
enum { LIMIT_NOTES = sizeof limit_notes / sizeof *limit_notes };

static cli_amount *limit_of(cli_settings *settings, const limit_note *note) {
  return (cli_amount *)((char *)settings + note->offset);
}

/* The function's arguments, by the form of the text. */
static const char *const argument_notes[] = {
    [EXEC_LIST] = "arguments", [EXEC_JSON] = "arguments-json", [EXEC_LINES] = "arguments-lines"};

static tn_error *note_text(tn_recording *recording, const char *name, const char *text) {
  return text == NULL ? NULL : tn_recording_set_note(recording, name, cli_text(text));
}

static tn_error *note_number(tn_recording *recording, const char *name, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, number);
  return note_text(recording, name, digits);
}

static tn_error *note_call(exec_job *job, cli_settings *settings) {
  tn_recording *recording = job->recording;
  exec_bytes operands = {0};
  for (int i = 1; i < job->count; i++) {
    exec_bytes_text(&operands, job->operands[i]);
    exec_bytes_add(&operands, "", 1);
  }
  tn_error *error = note_text(recording, "tenon", TN_VERSION_STRING);
  if (error == NULL) error = note_text(recording, "function", settings->function);
  if (error == NULL)
    error = tn_recording_set_note(recording, "operands", exec_bytes_str(&operands));
  for (size_t i = 0; i < LIMIT_NOTES && error == NULL; i++) {
    const cli_amount *amount = limit_of(settings, &limit_notes[i]);
    if (amount->is_set) error = note_number(recording, limit_notes[i].name, amount->value);
  }
  exec_bytes_free(&operands);
  return error;
}

/* ---- opening ------------------------------------------------------------------------------------------ */

static char *copy_note(const tn_recording *recording, const char *name) {
  tn_str note = tn_recording_note(recording, name);
  return note.data == NULL ? NULL : strndup(note.data, note.len);
}

static bool take_amount(const tn_recording *recording, const char *name, cli_amount *out) {
  char *text = copy_note(recording, name), *end = NULL;
  *out = (cli_amount){0};
  if (text == NULL) return true;
  *out = (cli_amount){true, strtoull(text, &end, 10)};
  bool is_number = text[0] != '\0' && *end == '\0';
  free(text);
  return is_number;
}

/* What is given holds beside what was recorded: the tighter one. */
static bool take_limit(exec_job *job, const limit_note *note, cli_settings *settings) {
  cli_amount recorded, *limit = limit_of(settings, note), given = *limit;
  if (!take_amount(job->recording, note->name, &recorded)) return false;
  bool is_tighter = given.is_set && (!recorded.is_set || given.value < recorded.value);
  if (!is_tighter) *limit = recorded;
  if (limit == &settings->fuel)
    job->has_less_fuel = is_tighter;
  else
    job->has_tighter_limits |= is_tighter;
  return true;
}

/* The operands lie one after the other, each ended by NUL. */
static bool take_operands(exec_job *job) {
  tn_str note = tn_recording_note(job->recording, "operands");
  size_t count = 1;
  for (size_t i = 0; i < note.len; i++)
    count += note.data[i] == '\0';
  bool is_ended = note.len == 0 || note.data[note.len - 1] == '\0';
  job->recorded_texts = malloc(note.len + 1);
  job->recorded_operands = calloc(count, sizeof *job->recorded_operands);
  if (!is_ended || job->recorded_texts == NULL || job->recorded_operands == NULL) return false;
  if (note.len > 0) memcpy(job->recorded_texts, note.data, note.len);
  job->recorded_operands[0] = job->operands[0];
  char *at = job->recorded_texts;
  for (size_t i = 1; i < count; i++, at += strlen(at) + 1)
    job->recorded_operands[i] = at;
  job->operands = job->recorded_operands;
  job->count = (int)count;
  return true;
}

static void take_arguments(exec_job *job) {
  for (int form = EXEC_LIST; form <= EXEC_LINES; form++) {
    tn_str text = tn_recording_note(job->recording, argument_notes[form]);
    if (text.data == NULL) continue;
    job->arguments.form = form;
    exec_bytes_add(&job->arguments.text, text.data, text.len);
  }
}

/* A guest that was interrupted while it computed would not end of itself: it is to come about as far as then. Its fuel was
 * written down when it last called something, so that all calls of the recording are within that. */
static void limit_to_recorded(exec_job *job, cli_settings *settings) {
  cli_amount used;
  if (!take_amount(job->recording, "fuel-used", &used) || used.value >= settings->fuel.value)
    return;
  settings->fuel.value = used.value + 1;
  job->has_less_fuel = false;
}

/* What was run is run again: the file is all that is given. */
static int take_call(exec_job *job, cli_settings *settings) {
  bool is_whole = take_operands(job);
  for (size_t i = 0; i < LIMIT_NOTES && is_whole; i++)
    is_whole = take_limit(job, &limit_notes[i], settings);
  if (!is_whole || tn_recording_note(job->recording, "fuel").data == NULL)
    return cli_fail(job->failure, CLI_EXIT_LOAD, NULL,
                    "the recording %s does not say how the component was run", settings->replay);
  job->recorded_function = copy_note(job->recording, "function");
  take_arguments(job);
  if (tn_recording_note(job->recording, "interrupted").data != NULL)
    limit_to_recorded(job, settings);
  settings->function = job->recorded_function;
  return CLI_EXIT_OK;
}

/* The option that says something about the outside, which a replay does not touch; NULL: there is none. */
static const char *option_about_outside(const cli_settings *settings) {
  const struct {
    bool is_given;
    const char *option;
  } options[] = {
      {settings->clock.is_virtual, "--clock"},
      {settings->random_seed.is_set, "--random"},
      {settings->allow_clock, "--allow-clock"},
      {settings->allow_random, "--allow-random"},
      {settings->directories.count > 0, "--dir"},
      {settings->read_only_directories.count > 0, "--dir-ro"},
      {settings->environment.count > 0, "--env"},
      {settings->inherit_environment, "--inherit-env"},
      {settings->network.count > 0, "--net"},
      {settings->network_connect.count > 0, "--net-connect"},
      {settings->network_listen.count > 0, "--net-listen"},
      {settings->network_udp.count > 0, "--net-udp"},
      {settings->inherit_network, "--inherit-network"},
      {settings->tcp != CLI_CHOICE_UNSET, "--tcp"},
      {settings->udp != CLI_CHOICE_UNSET, "--udp"},
      {settings->name_lookup != CLI_CHOICE_UNSET, "--allow-dns"},
      {settings->http.count > 0, "--http"},
      {settings->http_private, "--http-private"},
      {settings->http_all, "--http-all"},
      {settings->config_values.count > 0, "--config-value"},
      {settings->working_directory != NULL, "--cwd"},
      {settings->argv0 != NULL, "--argv0"},
      {settings->input != NULL, "--stdin"},
      {settings->max_output.is_set, "--max-output"},
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].is_given) return options[i].option;
  return NULL;
}

static int refuse_option(const exec_job *job, const char *option, const char *what) {
  return cli_fail(
      job->failure, CLI_EXIT_USAGE,
      "leave it out; --timeout, --fuel, --max-memory and most other limits hold in a replay, too",
      "%s%s has no effect in a replay: what the guest is given from outside, and writes, is in the recording",
      option, what);
}

/* Nor have the components of a link rights. */
static int check_options(const exec_job *job, const cli_settings *settings) {
  const char *option = option_about_outside(settings);
  if (option != NULL) return refuse_option(job, option, "");
  for (size_t i = 0; i < settings->links.count; i++) {
    const char *link = settings->links.items[i];
    if (strchr(link, ';') != NULL)
      return refuse_option(job, "what follows the file in --link ", link);
  }
  return CLI_EXIT_OK;
}

static int read_recording(exec_job *job, cli_settings *settings) {
  int wrong = check_options(job, settings);
  if (wrong != CLI_EXIT_OK) return wrong;
  bool has_call = settings->function != NULL || settings->arguments != NULL ||
                  settings->arguments_json != NULL || settings->arguments_file != NULL ||
                  job->count > 1;
  if (has_call)
    return cli_fail(job->failure, CLI_EXIT_USAGE, "give the file alone",
                    "what is called and with what arguments is in the recording");
  char *bytes;
  size_t size;
  tn_error *error = cli_load_file(settings->replay, &bytes, &size);
  if (error != NULL) return cli_fail_with(job->failure, error);
  error = tn_recording_from_bytes(bytes, size, &job->recording);
  free(bytes);
  if (error != NULL) {
    char hint[1024];
    int exit_code =
        cli_fail(job->failure, cli_exit_code_of(error), cli_hint(error, hint, sizeof hint),
                 "while reading %s: %s", settings->replay, tn_error_get_message(error));
    tn_error_delete(error);
    return exit_code;
  }
  tn_recording_rewind(job->recording, TN_REPLAY);
  return take_call(job, settings);
}

int exec_record_open(exec_job *job, cli_settings *settings) {
  if (settings->replay != NULL) return read_recording(job, settings);
  if (settings->record == NULL && !settings->verify.is_set) return CLI_EXIT_OK;
  tn_error *error = tn_recording_new(&job->recording);
  if (error == NULL) error = note_call(job, settings);
  return cli_fail_with(job->failure, error);
}

void exec_record_close(exec_job *job) {
  free(job->recorded_texts);
  free(job->recorded_operands);
  free(job->recorded_function);
}

/* ---- the end of a run --------------------------------------------------------------------------------- */

/* The hashes of what is linked with, in the order of --link, parted by spaces. */
static void list_links(const exec_job *job, exec_bytes *out) {
  for (size_t i = 0; i < job->links.count; i++)
    exec_bytes_format(out, "%s%s", i > 0 ? " " : "", job->links.items[i].sha256);
  if (job->links.count > 0) exec_bytes_add(out, "", 1);
}

static tn_error *note_links(const exec_job *job) {
  exec_bytes hashes = {0};
  list_links(job, &hashes);
  tn_error *error = note_text(job->recording, "links-sha256", hashes.data);
  exec_bytes_free(&hashes);
  return error;
}

static tn_error *note_outcome(exec_job *job, const exec_outcome *outcome) {
  tn_recording *recording = job->recording;
  tn_error *error = note_text(recording, "component-sha256", job->component_hash);
  if (error == NULL) error = note_links(job);
  if (error == NULL && exec_is_cut_short(outcome))
    error = note_text(recording, "interrupted", tn_error_get_message(outcome->error));
  if (error == NULL && job->arguments.form != EXEC_OPERANDS)
    error = tn_recording_set_note(recording, argument_notes[job->arguments.form],
                                  exec_bytes_str(&job->arguments.text));
  if (error == NULL) error = note_number(recording, "exit-code", (uint64_t)outcome->exit_code);
  if (error == NULL) error = note_text(recording, "result", outcome->result);
  if (error == NULL) error = note_number(recording, "fuel-used", outcome->fuel);
  if (error == NULL) error = note_number(recording, "memory-peak", outcome->memory_peak);
  return error;
}

/* A limit that is tighter than that of the recording ends a replay sooner, which is no difference. */
static bool is_ended_by_own_limit(const exec_job *job, const exec_outcome *outcome) {
  switch (outcome->error == NULL ? TN_ERROR_NONE : tn_error_get_kind(outcome->error)) {
  case TN_ERROR_TIMEOUT:
    return true; /* recordings have no time */
  case TN_ERROR_FUEL:
    return job->has_less_fuel;
  case TN_ERROR_MEMORY_LIMIT:
  case TN_ERROR_LIMIT:
  case TN_ERROR_STACK:
    return job->has_tighter_limits;
  default:
    return false;
  }
}

bool exec_record_has_limit(const exec_job *job, const exec_outcome *outcome) {
  uint64_t used, allowed;
  return job->settings->replay != NULL && outcome->error != NULL &&
         tn_error_get_limit(outcome->error, &used, &allowed) != TN_LIMIT_NONE &&
         !is_ended_by_own_limit(job, outcome);
}

void exec_record_finish(exec_job *job, const exec_outcome *outcome) {
  bool is_new = tn_recording_get_mode(job->recording) == TN_RECORD;
  bool is_replay = tn_recording_get_mode(job->recording) == TN_REPLAY;
  /* The guest has not come to what was written next. */
  if (is_replay && is_ended_by_own_limit(job, outcome))
    tn_recording_on_output(job->recording, NULL, NULL);
  tn_error *error = is_new ? note_outcome(job, outcome) : NULL;
  if (error == NULL) error = tn_recording_finish(job->recording);
  /* What it says, the recording keeps: there are no bytes, or there is a difference. */
  tn_error_delete(error);
}

static int report_lost(const exec_job *job) {
  return cli_fail(job->failure, CLI_EXIT_INTERNAL, NULL,
                  "the recording does not fit: more than 1 GiB of calls, or no memory");
}

int exec_record_write(const exec_job *job) {
  tn_str bytes = tn_recording_bytes(job->recording);
  if (bytes.data == NULL) return report_lost(job);
  return cli_fail_with(
      job->failure, cli_save_file(job->settings->record, (const uint8_t *)bytes.data, bytes.len));
}

/* ---- comparing ---------------------------------------------------------------------------------------- */

static int differs(const exec_job *job, const char *what, const char *difference) {
  return cli_fail(job->failure, CLI_EXIT_DIFFERS, NULL, "%s: %s%s",
                  job->settings->replay != NULL ? "the run differs from the recording"
                                                : "a second run differs from the first",
                  what, difference);
}

static int compare_text(const exec_job *job, const char *what, const char *expected,
                        const char *given) {
  if (expected == NULL) expected = "none";
  if (given == NULL) given = "none";
  if (strcmp(expected, given) == 0) return CLI_EXIT_OK;
  exec_bytes text = {0};
  exec_bytes_format(&text, "%s was ", what);
  exec_bytes_difference(&text, cli_text(expected), cli_text(given));
  exec_bytes_add(&text, "", 1);
  int exit_code = differs(job, text.failed ? what : text.data, text.failed ? " is another" : "");
  exec_bytes_free(&text);
  return exit_code;
}

static int compare_number(const exec_job *job, const char *what, uint64_t expected,
                          uint64_t given) {
  if (expected == given) return CLI_EXIT_OK;
  char texts[2][24];
  snprintf(texts[0], sizeof texts[0], "%" PRIu64, expected);
  snprintf(texts[1], sizeof texts[1], "%" PRIu64, given);
  return compare_text(job, what, texts[0], texts[1]);
}

static int compare_calls(const exec_job *job) {
  const char *difference = tn_recording_difference(job->recording);
  return difference == NULL ? CLI_EXIT_OK : differs(job, difference, "");
}

static const char *message_of(const exec_outcome *outcome) {
  return outcome->error == NULL ? NULL : tn_error_get_message(outcome->error);
}

static int compare_outcomes(const exec_job *job, const exec_outcome *first,
                            const exec_outcome *second) {
  int exit_code = compare_calls(job);
  if (exit_code == CLI_EXIT_OK)
    exit_code = compare_number(job, "the exit code", (uint64_t)first->exit_code,
                               (uint64_t)second->exit_code);
  if (exit_code == CLI_EXIT_OK)
    exit_code = compare_text(job, "the error", message_of(first), message_of(second));
  if (exit_code == CLI_EXIT_OK)
    exit_code = compare_text(job, "the result", first->result, second->result);
  if (exit_code == CLI_EXIT_OK)
    exit_code =
        compare_text(job, "the hash of the output", first->output_hash, second->output_hash);
  if (exit_code != CLI_EXIT_OK || exec_is_cut_short(first)) return exit_code;
  exit_code = compare_number(job, "the fuel used", first->fuel, second->fuel);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  return compare_number(job, "the memory peak", first->memory_peak, second->memory_peak);
}

static int check_signal(exec_job *job) {
  int number = exec_interrupt_signal(&job->interrupt);
  if (number == 0) return CLI_EXIT_OK;
  return cli_fail(job->failure, 128 + number, NULL, "interrupted while running it again");
}

static int verify_once(exec_job *job, const exec_outcome *first, exec_run_func run) {
  exec_outcome second = {0};
  tn_recording_rewind(job->recording, TN_CHECK);
  int exit_code = run(job, true, &second);
  if (exit_code == CLI_EXIT_OK) exit_code = check_signal(job);
  if (exit_code == CLI_EXIT_OK) exit_code = compare_outcomes(job, first, &second);
  exec_outcome_free(&second);
  return exit_code;
}

int exec_verify(exec_job *job, exec_outcome *outcome, exec_run_func run) {
  bool is_interrupted = exec_interrupt_signal(&job->interrupt) != 0;
  if (is_interrupted && exec_is_cut_short(outcome)) return CLI_EXIT_OK;
  if (tn_recording_bytes(job->recording).data == NULL) return report_lost(job);
  for (uint64_t i = 0; i < job->settings->verify.value; i++) {
    int exit_code = check_signal(job);
    if (exit_code == CLI_EXIT_OK) exit_code = verify_once(job, outcome, run);
    if (exit_code != CLI_EXIT_OK) return exit_code;
    outcome->verified++;
  }
  return CLI_EXIT_OK;
}

/* ---- replay ------------------------------------------------------------------------------------------- */

static int compare_note(const exec_job *job, const char *note, const char *what,
                        const char *given) {
  char *expected = copy_note(job->recording, note);
  int exit_code = compare_text(job, what, expected, given);
  free(expected);
  return exit_code;
}

static int compare_number_note(const exec_job *job, const char *note, const char *what,
                               uint64_t given) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, given);
  return compare_note(job, note, what, digits);
}

static int compare_links(const exec_job *job) {
  exec_bytes hashes = {0};
  list_links(job, &hashes);
  int exit_code =
      compare_note(job, "links-sha256", "the SHA-256 of what is linked with", hashes.data);
  exec_bytes_free(&hashes);
  return exit_code;
}

/* The end of a recording that was cut short is the end of its replay. */
static bool take_interruption(const exec_job *job, exec_outcome *outcome) {
  tn_str reason = tn_recording_note(job->recording, "interrupted");
  bool is_at_end = outcome->error != NULL && (exec_is_cut_short(outcome) ||
                                              tn_error_get_kind(outcome->error) == TN_ERROR_FUEL);
  char *exit_code = copy_note(job->recording, "exit-code");
  if (reason.data == NULL || !is_at_end || exit_code == NULL) {
    free(exit_code);
    return false;
  }
  exec_bytes message = {0};
  exec_bytes_text(&message, "the recording ends here: ");
  exec_bytes_clean(&message, reason);
  tn_error_delete(outcome->error);
  outcome->error = exec_error_of(TN_ERROR_CANCELLED, &message);
  outcome->exit_code = atoi(exit_code) & 255;
  free(exit_code);
  return true;
}

static int compare_with_notes(const exec_job *job, const exec_outcome *outcome) {
  int exit_code =
      compare_number_note(job, "exit-code", "the exit code", (uint64_t)outcome->exit_code);
  if (exit_code == CLI_EXIT_OK)
    exit_code = compare_note(job, "result", "the result", outcome->result);
  if (exit_code == CLI_EXIT_OK)
    exit_code = compare_number_note(job, "fuel-used", "the fuel used", outcome->fuel);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  return compare_number_note(job, "memory-peak", "the memory peak", outcome->memory_peak);
}

int exec_replay(exec_job *job, exec_outcome *outcome, exec_run_func run) {
  int exit_code =
      compare_note(job, "component-sha256", "the component's SHA-256", job->component_hash);
  if (exit_code == CLI_EXIT_OK) exit_code = compare_links(job);
  if (exit_code == CLI_EXIT_OK) exit_code = run(job, false, outcome);
  if (exit_code != CLI_EXIT_OK || exec_interrupt_signal(&job->interrupt) != 0) return exit_code;
  if (is_ended_by_own_limit(job, outcome)) return CLI_EXIT_OK;
  exit_code = compare_calls(job);
  if (exit_code != CLI_EXIT_OK || take_interruption(job, outcome)) return exit_code;
  return compare_with_notes(job, outcome);
}
