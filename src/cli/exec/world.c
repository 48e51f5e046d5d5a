/* tenon exec: what the guest sees of the world, and what it may not ask for. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exec/exec.h"
#include "cli/rights.h"

/* ---- policy ----------------------------------------------------------------------------------------- */

/* What a service is denied or granted by. Hints name the flags that would allow it. */
typedef struct service_policy {
  unsigned service;
  const char *hint;
  const char *right; /* that --link grants it with; NULL: it is the same for all components */
  bool is_of_run;    /* what is granted to the run is granted to all its components */
} service_policy;

static const service_policy policies[] = {
    {TN_SERVICE_CLOCKS,
     "--clock virtual gives the guest a clock that shows the same times in every run, "
     "--allow-clock the real one",
     NULL, true},
    {TN_SERVICE_RANDOM,
     "--random seed=1 gives the guest numbers that are the same in every run, --allow-random real ones",
     "random-seed=1", true},
    {TN_SERVICE_FILES, "--dir HOST::GUEST grants a directory, --dir-ro one for reading only",
     "dir=HOST::GUEST", false},
    {TN_SERVICE_NETWORK, "--net HOST:PORT grants TCP and UDP with a host", "net=HOST:PORT", false},
    {TN_SERVICE_HTTP, "--http HOST grants requests to a host", "http=HOST", false},
};

static bool grants_files(const cli_settings *settings) {
  return settings->directories.count > 0 || settings->read_only_directories.count > 0;
}

static bool grants_network(const cli_settings *settings) {
  return settings->inherit_network || settings->network.count > 0 ||
         settings->network_connect.count > 0 || settings->network_listen.count > 0 ||
         settings->network_udp.count > 0 || settings->name_lookup == CLI_CHOICE_YES;
}

static bool grants_http(const cli_settings *settings) {
  return settings->http_all || settings->http.count > 0;
}

/* A seed of a link's own is a grant, whatever the run has. */
static unsigned denied_of(const exec_job *job, const cli_settings *rights) {
  const cli_settings *settings = job->settings;
  bool has_clock = settings->clock.is_virtual || settings->allow_clock;
  bool has_random =
      settings->random_seed.is_set || settings->allow_random || rights->random_seed.is_set;
  return (has_clock ? 0u : TN_SERVICE_CLOCKS) | (has_random ? 0u : TN_SERVICE_RANDOM) |
         (grants_files(rights) ? 0u : TN_SERVICE_FILES) |
         (grants_network(rights) ? 0u : TN_SERVICE_NETWORK) |
         (grants_http(rights) ? 0u : TN_SERVICE_HTTP);
}

static void warn(exec_job *job, bool is_granted, const char *option, const char *what) {
  if (!is_granted) return;
  job->is_deterministic = false;
  if (job->settings->replay != NULL) return; /* nothing is asked then */
  cli_warn("with %s the run depends on %s: another run may give another answer", option, what);
}

static void warn_of_link(exec_job *job, const cli_link *link) {
  char option[256];
  snprintf(option, sizeof option, "--link %s", link->text);
  warn(job, grants_files(&link->rights), option, "what is in the directory");
  warn(job, grants_network(&link->rights) || grants_http(&link->rights), option, "the network");
}

void exec_choose_policy(exec_job *job) {
  const cli_settings *settings = job->settings;
  job->denied = denied_of(job, settings);
  job->is_deterministic = true;
  warn(job, settings->allow_clock, "--allow-clock", "the time");
  warn(job, settings->allow_random, "--allow-random", "chance");
  warn(job, grants_files(settings), "--dir", "what is in the directory");
  warn(job, grants_network(settings), "--net", "the network");
  warn(job, grants_http(settings), "--http", "the network");
  for (size_t i = 0; i < job->links.count; i++)
    warn_of_link(job, &job->links.items[i]);
}

enum { POLICIES = sizeof policies / sizeof *policies };

/* Without links nobody else can have opened what a handle is for, so that calls which take one are denied, too. */
static tn_error *deny_component(exec_job *job, const service_policy *policy) {
  if ((job->denied & policy->service) == 0) return NULL;
  return job->links.count == 0
             ? tn_linker_deny(job->linker, policy->service, policy->hint)
             : tn_linker_deny_component(job->linker, NULL, policy->service, policy->hint);
}

static tn_error *deny_link(exec_job *job, const cli_link *link, const service_policy *policy) {
  if ((denied_of(job, &link->rights) & policy->service) == 0) return NULL;
  char hint[1024];
  if (policy->right != NULL)
    snprintf(hint, sizeof hint, "--link '%s;%s' grants it to this component%s%s", link->text,
             policy->right, policy->is_of_run ? "; for all, " : "",
             policy->is_of_run ? policy->hint : "");
  return tn_linker_deny_component(job->linker, link->component, policy->service,
                                  policy->right != NULL ? hint : policy->hint);
}

tn_error *exec_deny(exec_job *job) {
  tn_error *error = NULL;
  for (size_t i = 0; i < POLICIES && error == NULL; i++) {
    error = deny_component(job, &policies[i]);
    for (size_t j = 0; j < job->links.count && error == NULL; j++)
      error = deny_link(job, &job->links.items[j], &policies[i]);
  }
  return error;
}

/* ---- clock ------------------------------------------------------------------------------------------ */

static uint64_t add(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Each look at the clock moves it, so that a guest that waits for time to pass does not wait for ever. */
static uint64_t monotonic_now(void *data) {
  exec_clock *clock = data;
  uint64_t now = clock->monotonic;
  clock->monotonic = add(now, clock->step);
  return now;
}

static uint64_t wall_now(void *data) {
  exec_clock *clock = data;
  return add(clock->start, monotonic_now(clock));
}

static void wait_until(void *data, uint64_t deadline) {
  exec_clock *clock = data;
  if (clock->monotonic < deadline) clock->monotonic = deadline;
}

static tn_error *set_clock(exec_world *world) {
  const cli_settings *settings = world->job->settings;
  if (!settings->clock.is_virtual || settings->allow_clock) return NULL;
  world->clock = (exec_clock){.start = settings->clock.start, .step = settings->clock.step};
  tn_clock clock = {monotonic_now, wall_now, wait_until, .resolution = 1, .data = &world->clock};
  return tn_wasi_config_set_clock(world->config, &clock);
}

/* ---- output ----------------------------------------------------------------------------------------- */

static void show(exec_world *world, int stream, const uint8_t *bytes, size_t size) {
  for (size_t done = 0; done < size && world->write_failure == 0;) {
    ssize_t count = write(stream, bytes + done, size - done);
    if (count < 0 && errno != EINTR) world->write_failure = errno;
    if (count > 0) done += (size_t)count;
  }
}

void exec_world_write(void *data, int stream, const uint8_t *bytes, size_t size) {
  exec_job *job = data;
  exec_world *world = job->world;
  if (job->recording != NULL) tn_recording_output(job->recording, stream, bytes, size);
  if (job->keeps_output) exec_bytes_add(&world->outcome->output[stream - 1], bytes, size);
  if (!world->is_silent && !job->settings->json) show(world, stream, bytes, size);
}

/* ---- the configuration ------------------------------------------------------------------------------ */

static tn_error *set_stream(exec_job *job, tn_wasi_config *config, int stream) {
  return stream == STDIN_FILENO
             ? tn_wasi_config_set_input_callback(config, exec_input_open, &job->input)
             : tn_wasi_config_set_output_callback(config, stream, exec_world_write, job);
}

static tn_error *set_deterministic(const exec_job *job, tn_wasi_config *config) {
  unsigned times = job->settings->allow_clock ? 0u : TN_DETERMINISTIC_TIMES;
  return tn_wasi_config_set_deterministic(config, TN_DETERMINISTIC_FILES | times);
}

tn_error *exec_configure_links(exec_job *job) {
  tn_error *error = NULL;
  for (size_t i = 0; i < job->links.count && error == NULL; i++) {
    const cli_link *link = &job->links.items[i];
    const cli_choice streams[] = {link->rights.inherit_stdin, link->rights.inherit_stdout,
                                  link->rights.inherit_stderr};
    error = set_deterministic(job, link->wasi);
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO && error == NULL; stream++)
      if (streams[stream] == CLI_CHOICE_YES) error = set_stream(job, link->wasi, stream);
  }
  return error;
}

tn_error *exec_world_make(exec_world *world) {
  exec_job *job = world->job;
  const cli_settings *settings = job->settings;
  tn_error *error = tn_wasi_config_new(&world->config);
  if (error != NULL) return error;
  bool is_function = settings->function != NULL;
  error =
      cli_configure_arguments(world->config, settings, job->operands, is_function ? 1 : job->count);
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO && error == NULL; stream++)
    error = set_stream(job, world->config, stream);
  if (error == NULL) error = cli_configure_files(world->config, settings);
  if (error == NULL) error = cli_configure_environment(world->config, settings);
  if (error == NULL) error = cli_configure_network(world->config, settings);
  if (error == NULL && settings->max_output.is_set)
    error = tn_wasi_config_set_output_limit(world->config, settings->max_output.value);
  if (error == NULL && settings->random_seed.is_set && !settings->allow_random)
    error = tn_wasi_config_set_random_seed(world->config, settings->random_seed.value);
  if (error == NULL) error = set_clock(world);
  return error == NULL ? set_deterministic(job, world->config) : error;
}

/* ---- descriptions for hashes ------------------------------------------------------------------------ */

static void add_text(exec_bytes *out, const char *text) {
  exec_bytes_field(out, text == NULL ? (tn_str){NULL, 0} : cli_text(text));
}

static void add_texts(exec_bytes *out, const cli_texts *texts) {
  exec_bytes_format(out, "%zu;", texts->count);
  for (size_t i = 0; i < texts->count; i++)
    add_text(out, texts->items[i]);
}

extern char **environ;

/* Names alone stand for what the environment says. */
static void add_environment(exec_bytes *out, const cli_settings *settings) {
  for (char **variable = environ; settings->inherit_environment && *variable != NULL; variable++)
    add_text(out, *variable);
  for (size_t i = 0; i < settings->environment.count; i++) {
    const char *text = settings->environment.items[i];
    add_text(out, text);
    if (strchr(text, '=') == NULL) add_text(out, getenv(text));
  }
}

static void add_name(exec_bytes *out, const cli_settings *settings, const char *path) {
  const char *slash = strrchr(path, '/');
  add_text(out, settings->argv0 != NULL ? settings->argv0 : slash != NULL ? slash + 1 : path);
}

static void add_link(exec_bytes *out, const cli_link *link) {
  add_name(out, &link->rights, link->path);
  add_environment(out, &link->rights);
  add_texts(out, &link->rights.config_values);
  add_text(out, link->rights.working_directory);
}

void exec_describe_input(const exec_job *job, exec_bytes *out) {
  const cli_settings *settings = job->settings;
  add_name(out, settings, job->operands[0]);
  add_text(out, settings->function);
  exec_bytes_format(out, "%d;", job->arguments.form);
  exec_bytes_field(out, exec_bytes_str(&job->arguments.text));
  exec_bytes_format(out, "%d;", job->count - 1);
  for (int i = 1; i < job->count; i++)
    add_text(out, job->operands[i]);
  add_environment(out, settings);
  add_texts(out, &settings->config_values);
  add_text(out, settings->working_directory);
  for (size_t i = 0; i < job->links.count; i++)
    add_link(out, &job->links.items[i]);
  exec_bytes_field(out, exec_bytes_str(&job->input.bytes));
}

static void add_amount(exec_bytes *out, const cli_amount *amount) {
  exec_bytes_format(out, "%d:%" PRIu64 ";", amount->is_set, amount->value);
}

void exec_describe_policy(const exec_job *job, exec_bytes *out) {
  const cli_settings *settings = job->settings;
  exec_bytes_format(out, "denied %u; clock %d %" PRIu64 " %" PRIu64 ";", job->denied,
                    settings->clock.is_virtual, settings->clock.start, settings->clock.step);
  add_amount(out, &settings->random_seed);
  add_amount(out, &settings->max_memory);
  add_amount(out, &settings->max_host_memory);
  add_amount(out, &settings->max_table_elements);
  add_amount(out, &settings->max_instances);
  add_amount(out, &settings->max_memories);
  add_amount(out, &settings->max_tables);
  add_amount(out, &settings->max_handles);
  add_amount(out, &settings->max_transfer);
  add_amount(out, &settings->max_output);
  add_amount(out, &settings->max_stack);
  add_amount(out, &settings->fuel);
  exec_bytes_format(out, "compiler %d %u;", settings->compiler, settings->optimize);
  for (size_t i = 0; i < job->links.count; i++) {
    const cli_link *link = &job->links.items[i];
    exec_bytes_format(out, "link %s %d %d %d;", link->sha256, link->rights.inherit_stdin,
                      link->rights.inherit_stdout, link->rights.inherit_stderr);
    add_amount(out, &link->rights.random_seed);
  }
}
