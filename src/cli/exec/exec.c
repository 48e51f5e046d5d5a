/* tenon exec: a run whose answer depends on nothing but what it is given. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exec/exec.h"
#include "cli/exec/record.h"
#include "cli/file.h"
#include "cli/rights.h"

/* The most output that is kept in memory, unless --max-output says otherwise. */
enum { KEPT_OUTPUT = 1 << 28 };

/* ---- setting up --------------------------------------------------------------------------------------- */

/* What exec does whatever its options say: code that behaves the same on every processor, fuel counted. */
static cli_settings settings_of(const cli_settings *given) {
  cli_settings settings = *given;
  settings.deterministic = true;
  if (!settings.fuel.is_set) settings.fuel = (cli_amount){true, UINT64_MAX};
  return settings;
}

/* So that a signal ends a guest that computes; files of compiled code are as they were compiled. */
static cli_choice choose_interruptible(const exec_job *job) {
  const cli_settings *settings = job->settings;
  bool is_compiled = (cli_load_flags(settings, job->operands[0]) & TN_LOAD_ARTIFACT) != 0;
  for (size_t i = 0; i < job->links.count; i++)
    is_compiled |= (cli_load_flags(settings, job->links.items[i].path) & TN_LOAD_ARTIFACT) != 0;
  return is_compiled && !settings->timeout.is_set ? CLI_CHOICE_NO : CLI_CHOICE_YES;
}

static int check_options(const exec_job *job) {
  const cli_settings *settings = job->settings;
  cli_failure *failure = job->failure;
  bool has_arguments = settings->arguments != NULL || settings->arguments_json != NULL ||
                       settings->arguments_file != NULL;
  unsigned ways = (unsigned)(settings->arguments != NULL) +
                  (unsigned)(settings->arguments_json != NULL) +
                  (unsigned)(settings->arguments_file != NULL) +
                  (unsigned)(settings->function != NULL && job->count > 1);
  if (has_arguments && settings->function == NULL)
    return cli_fail(failure, CLI_EXIT_USAGE,
                    "name the function with --function; what a command is given follows the file",
                    "there are arguments for a function but no function");
  if (ways > 1)
    return cli_fail(
        failure, CLI_EXIT_USAGE, NULL,
        "the function's arguments are given in more than one way: behind the file, --args, "
        "--args-json, --input");
  if (settings->record != NULL && settings->replay != NULL)
    return cli_fail(failure, CLI_EXIT_USAGE, NULL, "--record and --replay exclude each other");
  if (settings->clock.is_virtual && settings->allow_clock)
    return cli_fail(failure, CLI_EXIT_USAGE, "--clock is the same in every run, --allow-clock the real one",
                    "--clock and --allow-clock exclude each other");
  if (settings->random_seed.is_set && settings->allow_random)
    return cli_fail(failure, CLI_EXIT_USAGE,
                    "--random gives the same numbers in every run, --allow-random real ones",
                    "--random and --allow-random exclude each other");
  if (settings->replay != NULL && (settings->result_cache != NULL || settings->verify.is_set))
    return cli_fail(failure, CLI_EXIT_USAGE, NULL,
                    "--replay compares with the recording; --verify and --cache go without it");
  return CLI_EXIT_OK;
}

/* A command's arguments; those of a function are looked at where its types are known. */
static int check_arguments(const exec_job *job) {
  for (int i = 1; i < job->count && job->settings->function == NULL; i++) {
    tn_str text = cli_text(job->operands[i]);
    size_t wrong = exec_utf8_find_wrong(text);
    if (wrong == text.len) continue;
    exec_bytes caret = {0};
    exec_bytes_caret(&caret, text, wrong, 1);
    int exit_code = cli_fail(job->failure, CLI_EXIT_USAGE, NULL, "argument %d: %s%.*s", i,
                             exec_no_utf8, (int)caret.size, caret.data);
    exec_bytes_free(&caret);
    return exit_code;
  }
  return CLI_EXIT_OK;
}

/* The bytes that are hashed are those that run. */
static tn_error *load(exec_job *job) {
  char *bytes;
  size_t size;
  tn_error *error = cli_load_file(job->operands[0], &bytes, &size);
  if (error != NULL) return error;
  tn_sha256(bytes, size, job->component_hash);
  error = tn_component_from_bytes(job->engine, bytes, size, job->operands[0],
                                  cli_load_flags(job->settings, job->operands[0]), &job->component);
  free(bytes);
  return error;
}

static tn_error *link_job(exec_job *job) {
  tn_error *error = tn_linker_new(&job->linker);
  if (error == NULL) error = tn_linker_define_wasi(job->linker);
  if (error == NULL)
    error = cli_links_add(&job->links, job->settings, job->engine, job->linker, job->component);
  if (error == NULL) error = exec_configure_links(job);
  if (error == NULL && job->settings->replay == NULL) error = exec_deny(job);
  if (error == NULL && job->recording != NULL) error = tn_linker_record(job->linker);
  if (error == NULL) error = tn_linker_link(job->linker, job->component, &job->linked);
  if (error == NULL) cli_links_warn_of_unused(&job->links, job->linked);
  return error;
}

/* 0, or an exit code after reporting. */
static int prepare(exec_job *job) {
  bool is_compiled = (cli_load_flags(job->settings, job->operands[0]) & TN_LOAD_ARTIFACT) != 0;
  tn_error *error =
      cli_engine_for(is_compiled ? job->operands[0] : NULL, job->settings, true, &job->engine);
  if (error == NULL) error = load(job);
  if (error == NULL) error = link_job(job);
  return cli_fail_with(job->failure, error);
}

static void end_job(exec_job *job) {
  tn_linked_delete(job->linked);
  tn_linker_delete(job->linker);
  tn_component_delete(job->component);
  cli_links_free(&job->links);
  if (job->engine != NULL) tn_engine_delete(job->engine);
  tn_recording_delete(job->recording);
  exec_bytes_free(&job->input.bytes);
  exec_bytes_free(&job->arguments.text);
  if (job->input.is_read && job->input.descriptor >= 0) close(job->input.descriptor);
}

/* ---- one run ------------------------------------------------------------------------------------------- */

static void hash_outcome(const exec_job *job, exec_outcome *outcome) {
  exec_bytes text = {0};
  exec_describe_input(job, &text);
  tn_sha256(text.data, text.size, outcome->input_hash);
  text.size = 0;
  exec_bytes_format(&text, "%d;", outcome->exit_code);
  exec_bytes_field(&text, cli_text(outcome->result != NULL ? outcome->result : ""));
  exec_bytes_field(&text, exec_bytes_str(&outcome->output[0]));
  exec_bytes_field(&text, exec_bytes_str(&outcome->output[1]));
  tn_sha256(text.data, text.size, outcome->output_hash);
  exec_bytes_free(&text);
}

static tn_error *run_instance(exec_job *job, exec_world *world, tn_instance **instance,
                              exec_outcome *outcome) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  cli_configure_limits(&options, job->settings);
  options.wasi = world->config;
  options.sure_memory = true;
  options.recording = job->recording;
  tn_error *error = tn_instance_new(job->linked, &options, instance);
  if (error != NULL) return error;
  exec_interrupt_set_running(&job->interrupt, *instance);
  if (job->settings->function != NULL) return exec_call_function(job, *instance, outcome);
  error = tn_instance_run(*instance, &outcome->exit_code);
  outcome->has_run = error == NULL || tn_error_get_kind(error) != TN_ERROR_NOT_FOUND;
  return error;
}

/* An error for what a signal has ended. */
static void take_interruption(exec_job *job, exec_outcome *outcome, tn_error **error) {
  int number = exec_interrupt_signal(&job->interrupt);
  bool is_cancelled = *error != NULL && tn_error_get_kind(*error) == TN_ERROR_CANCELLED;
  if (number == 0 || (!is_cancelled && job->input.failure != EINTR)) return;
  tn_error_delete(*error);
  *error = tn_error_make(TN_ERROR_CANCELLED, number == SIGINT ? "the run was interrupted (SIGINT)"
                                                              : "the run was ended (SIGTERM)");
  job->input.failure = 0;
  outcome->exit_code = 128 + number;
}

/* Runs the guest; what it comes to is in `outcome`, an error of its included. */
static int run_once(exec_job *job, bool is_silent, exec_outcome *outcome) {
  exec_world world = {.job = job, .outcome = outcome, .is_silent = is_silent};
  tn_instance *instance = NULL;
  job->world = &world;
  exec_input_rewind(&job->input);
  tn_error *error = exec_world_make(&world);
  if (job->recording != NULL) tn_recording_on_output(job->recording, exec_world_write, job);
  exec_interrupt_set_stage(&job->interrupt, EXEC_RUNNING);
  if (error == NULL) error = run_instance(job, &world, &instance, outcome);
  exec_interrupt_set_stage(&job->interrupt, EXEC_RETURNED);
  if (instance != NULL) {
    outcome->fuel = job->settings->fuel.value - tn_instance_fuel_left(instance);
    outcome->memory_peak = tn_instance_memory_peak(instance);
  }
  if (error != NULL && tn_error_get_kind(error) == TN_ERROR_EXIT) {
    outcome->exit_code = tn_error_get_exit_code(error);
    tn_error_delete(error);
    error = NULL;
  }
  if (error != NULL) outcome->exit_code = exec_exit_code_of(error);
  take_interruption(job, outcome, &error);
  outcome->error = error;
  if (job->recording != NULL) exec_record_finish(job, outcome);
  exec_interrupt_set_running(&job->interrupt, NULL);
  tn_instance_delete(instance);
  tn_wasi_config_delete(world.config);
  job->world = NULL;
  hash_outcome(job, outcome);
  if (job->input.is_read && job->input.failure != 0) return exec_input_read(job);
  if (outcome->output[0].failed || outcome->output[1].failed)
    return cli_fail(job->failure, CLI_EXIT_INTERNAL, NULL,
                    "the guest's output does not fit into memory");
  if (world.write_failure == 0) return CLI_EXIT_OK;
  return cli_fail(job->failure, CLI_EXIT_IO, NULL, "while writing the guest's output: %s",
                  strerror(world.write_failure));
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static void show_output(const exec_outcome *outcome) {
  const exec_bytes *out = &outcome->output[0], *error = &outcome->output[1];
  if (out->size > 0) fwrite(out->data, 1, out->size, stdout);
  fflush(stdout);
  if (error->size > 0) fwrite(error->data, 1, error->size, stderr);
}

static int tell(exec_job *job, const exec_outcome *outcome) {
  const cli_settings *settings = job->settings;
  exec_interrupt_set_stage(&job->interrupt, EXEC_FINISHED);
  if (settings->json) {
    exec_print_json(job, outcome);
    return outcome->exit_code;
  }
  if (outcome->is_cached) show_output(outcome);
  if (outcome->result != NULL) puts(outcome->result);
  fflush(stdout);
  if (outcome->error != NULL) exec_report_error(job, outcome);
  if (settings->quiet || !outcome->has_run) return outcome->exit_code;
  fprintf(stderr, "fuel: %" PRIu64 ", memory peak: %" PRIu64 " bytes%s", outcome->fuel,
          outcome->memory_peak, outcome->is_cached ? ", from the cache" : "");
  if (outcome->verified > 0)
    fprintf(stderr, ", verified by %u more run%s", outcome->verified,
            outcome->verified == 1 ? "" : "s");
  fputc('\n', stderr);
  return outcome->exit_code;
}

/* ---- the command --------------------------------------------------------------------------------------- */

static int run_and_prove(exec_job *job, exec_outcome *outcome) {
  const cli_settings *settings = job->settings;
  if (settings->replay != NULL) return exec_replay(job, outcome, run_once);
  int exit_code = run_once(job, false, outcome);
  if (exit_code == CLI_EXIT_OK && settings->record != NULL) exit_code = exec_record_write(job);
  if (exit_code == CLI_EXIT_OK && settings->verify.is_set)
    exit_code = exec_verify(job, outcome, run_once);
  return exit_code;
}

static int run_job(exec_job *job, exec_outcome *outcome) {
  const cli_settings *settings = job->settings;
  bool is_cacheable = settings->result_cache != NULL && job->is_deterministic;
  if (settings->result_cache != NULL && !job->is_deterministic)
    cli_warn("the cache is not used for a run that is not deterministic");
  if (is_cacheable && settings->record == NULL && !settings->verify.is_set &&
      exec_cache_find(job, outcome)) {
    hash_outcome(job, outcome);
    return tell(job, outcome);
  }
  int exit_code = run_and_prove(job, outcome);
  if (exit_code == CLI_EXIT_OK && is_cacheable) exec_cache_store(job, outcome);
  return exit_code == CLI_EXIT_OK ? tell(job, outcome) : exit_code;
}

/* From the options to the guest's end. */
static int do_job(exec_job *job, cli_settings *settings, exec_outcome *outcome) {
  if (job->count == 0)
    return cli_fail(job->failure, CLI_EXIT_USAGE, "tenon exec FILE", "tenon exec takes a file");
  int exit_code = check_options(job);
  if (exit_code == CLI_EXIT_OK) exit_code = check_arguments(job);
  if (exit_code == CLI_EXIT_OK) exit_code = exec_record_open(job, settings);
  if (exit_code == CLI_EXIT_OK)
    exit_code = cli_fail_with(job->failure, cli_links_read(settings, &job->links));
  if (exit_code == CLI_EXIT_OK) {
    settings->interruptible = choose_interruptible(job);
    exec_choose_policy(job);
  }
  if (exit_code == CLI_EXIT_OK) exit_code = exec_read_arguments(job);
  if (exit_code == CLI_EXIT_OK && settings->result_cache != NULL && job->is_deterministic)
    exit_code = exec_input_read(job);
  if (exit_code == CLI_EXIT_OK) exit_code = prepare(job);
  return exit_code == CLI_EXIT_OK ? run_job(job, outcome) : exit_code;
}

int cli_exec(const cli_settings *given, char **operands, int count) {
  signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report */
  cli_settings settings = settings_of(given);
  cli_failure failure = {0};
  exec_job job = {.settings = &settings,
                  .operands = operands,
                  .count = count,
                  .failure = &failure,
                  .links.are_hashed = true,
                  .input = {.descriptor = -1}};
  job.input.path = settings.arguments_file != NULL && strcmp(settings.arguments_file, "-") == 0
                       ? ""
                       : settings.input;
  job.input.timeout = settings.timeout.is_set ? settings.timeout.value : 0;
  job.keeps_output = settings.json || settings.result_cache != NULL || settings.record != NULL ||
                     settings.replay != NULL || settings.verify.is_set;
  if (job.keeps_output && !settings.max_output.is_set && settings.replay == NULL)
    settings.max_output = (cli_amount){true, KEPT_OUTPUT};
  exec_outcome outcome = {0};
  int exit_code = cli_fail_with(&failure, exec_interrupt_start(&job.interrupt, settings.json));
  job.input.wake = job.interrupt.wake;
  if (exit_code == CLI_EXIT_OK) exit_code = do_job(&job, &settings, &outcome);
  if (job.interrupt.is_started) exec_interrupt_set_stage(&job.interrupt, EXEC_FINISHED);
  if (settings.json && failure.exit_code != CLI_EXIT_OK) exec_print_json(&job, &outcome);
  fflush(stdout);
  exec_interrupt_stop(&job.interrupt);
  exec_outcome_free(&outcome);
  exec_record_close(&job);
  end_job(&job);
  return exit_code;
}
