/* What a server is told: flags, the file, and what is said about mistakes in them. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "serve/settings/builder.h"
#include "wasi/config.h"

/* ---- fixture: a folder with serve.toml and data/ ----------------------------------------------------- */

typedef struct fixture {
  char folder[64];
  char file[96];
  tn_server_settings *settings;
  tn_serve_config *config;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  char data[80];
  strcpy(f->folder, "/tmp/tenon-config-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->file, sizeof f->file, "%s/serve.toml", f->folder);
  snprintf(data, sizeof data, "%s/data", f->folder);
  assert_int_equal(mkdir(data, 0700), 0);
  assert_ok(tn_server_settings_new(&f->settings));
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  char data[80];
  snprintf(data, sizeof data, "%s/data", f->folder);
  tn_serve_config_delete(f->config);
  tn_server_settings_delete(f->settings);
  unlink(f->file);
  rmdir(data);
  rmdir(f->folder);
  free(f);
  return 0;
}

static void write_file(fixture *f, const char *text) {
  FILE *file = fopen(f->file, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  assert_ok(tn_server_settings_set_file(f->settings, f->file));
}

static const tn_serve_config *make(fixture *f) {
  tn_serve_config_delete(f->config);
  f->config = NULL;
  assert_ok(tn_serve_config_make(f->settings, &f->config));
  return f->config;
}

static const tn_serve_config *make_from(fixture *f, const char *text) {
  write_file(f, text);
  return make(f);
}

static void set(fixture *f, const char *name, const char *value) {
  assert_ok(tn_server_settings_set(f->settings, name, value));
}

static void add_route(fixture *f, const char *route) {
  assert_ok(tn_server_settings_add_route(f->settings, route));
}

/* The problems of a file, one a line: "LINE:COLUMN MESSAGE" and "  HINT". */
static void expect_problems(fixture *f, const char *text, const char *expected) {
  char found[4096] = "";
  size_t used = 0;
  tn_problems problems = {0};
  write_file(f, text);
  tn_serve_config_build(f->settings, &problems, &f->config);
  tn_problems_sort(&problems);
  for (uint32_t i = 0; i < problems.items.len; i++) {
    const tn_server_problem *problem = &problems.items.items[i];
    used += (size_t)snprintf(found + used, sizeof found - used, "%u:%u %s\n", problem->line,
                             problem->column, problem->message);
    if (problem->hint != NULL)
      used += (size_t)snprintf(found + used, sizeof found - used, "  %s\n", problem->hint);
  }
  assert_string_equal(found, expected);
  tn_problems_free(&problems);
}

static void expect_text(tn_str text, const char *expected) {
  char copy[256];
  snprintf(copy, sizeof copy, "%" TN_STR_FORMAT, TN_STR_ARG(text));
  assert_string_equal(copy, expected);
}

/* The component that answers, "" for none. */
static void expect_route(const tn_serve_config *config, const char *authority, const char *path,
                         const char *component) {
  const tn_serve_route *route =
      tn_serve_find_route(config, tn_str_from(authority), tn_str_from(path));
  if (route == NULL)
    assert_string_equal("", component);
  else
    expect_text(config->components[route->component].name, component);
}

/* ---- flags ------------------------------------------------------------------------------------------- */

static void one_file_serves_everything_on_the_loopback_address(void **state) {
  fixture *f = *state;
  add_route(f, "some/app.wasm");
  const tn_serve_config *config = make(f);
  assert_int_equal(config->listen_count, 1);
  expect_text(config->listens[0].address, "127.0.0.1:8080");
  assert_int_equal(config->component_count, 1);
  expect_text(config->components[0].name, "app");
  assert_string_equal(config->components[0].path, "some/app.wasm");
  assert_int_equal(config->route_count, 1);
  assert_true(config->threads >= 1);
  assert_int_equal(config->components[0].reuse_count, 1);
  assert_true(config->components[0].max_memory_bytes == 256 << 20);
  assert_true(config->components[0].max_host_memory_bytes == 64 << 20);
  assert_int_equal(config->components[0].max_handles, 100000);
  assert_true(config->components[0].timeout == 60000000000);
  assert_int_equal(config->http.max_header_count, 100);
  assert_true(config->http.http2);
  expect_route(config, "any.example:80", "/x", "app");
}

static void every_number_has_a_default_that_can_be_read(void **state) {
  (void)state;
  for (uint32_t i = 0; i < tn_setting_count; i++) {
    const tn_setting *setting = &tn_settings[i];
    if (setting->fallback == NULL || setting->is_file_only) continue;
    tn_server_settings *settings;
    char name[80];
    const char *section = tn_setting_section_name(setting->section);
    snprintf(name, sizeof name, "%s%s%s", section, section[0] != '\0' ? "." : "", setting->name);
    assert_ok(tn_server_settings_new(&settings));
    assert_ok(tn_server_settings_set(settings, name, setting->fallback));
    tn_server_settings_delete(settings);
  }
}

/* Those of the HTTP server stand in two places: there for whoever uses it by itself, here for the documentation. */
static void defaults_are_those_of_the_http_server(void **state) {
  fixture *f = *state;
  tn_http_server_options expected;
  tn_http_server_options_init(&expected);
  set(f, "threads", "1");
  add_route(f, "app.wasm");
  const tn_serve_config *config = make(f);
  expected.max_body_bytes = (uint64_t)1 << 30;
  /* without what follows the last field */
  assert_memory_equal(&config->http, &expected,
                      offsetof(tn_http_server_options, http2) + sizeof expected.http2);
}

static void flags_set_what_the_file_can(void **state) {
  fixture *f = *state;
  set(f, "listen", "0.0.0.0:80");
  set(f, "listen", "unix:/run/app.sock");
  set(f, "certificate", "c.pem");
  set(f, "key", "k.pem");
  set(f, "client-ca", "a.pem");
  set(f, "client-certificate", "optional");
  set(f, "admin", "127.0.0.1:9090");
  set(f, "threads", "4");
  set(f, "watch", "yes");
  set(f, "http2", "n");
  set(f, "log", "json");
  set(f, "log-file", "access.log");
  set(f, "drain-timeout", "1.5s");
  set(f, "compiler", "winch");
  set(f, "opt-level", "s");
  set(f, "cache-dir", "/tmp/cache");
  set(f, "max-body", "10MiB");
  set(f, "max-connections", "10");
  set(f, "idle-timeout", "none");
  set(f, "max-memory", "64MiB");
  set(f, "fuel", "1000");
  set(f, "warm", "3");
  set(f, "max-concurrent", "7");
  set(f, "component.max-concurrent", "5");
  add_route(f, "app.wasm");
  const tn_serve_config *config = make(f);
  assert_int_equal(config->listen_count, 2);
  for (uint32_t i = 0; i < 2; i++) {
    assert_string_equal(config->listens[i].certificate_path, "c.pem");
    assert_string_equal(config->listens[i].key_path, "k.pem");
    assert_string_equal(config->listens[i].client_ca_path, "a.pem");
    assert_true(config->listens[i].client_certificate_optional);
  }
  expect_text(config->admin_address, "127.0.0.1:9090");
  assert_int_equal(config->threads, 4);
  assert_true(config->watch);
  assert_false(config->http.http2);
  assert_int_equal(config->log_format, TN_SERVE_LOG_JSON);
  assert_string_equal(config->log_path, "access.log");
  assert_true(config->drain_timeout == 1500000000);
  assert_int_equal(config->engine.compiler, TN_COMPILER_WINCH);
  assert_int_equal(config->engine.optimize, 2);
  assert_string_equal(config->engine.cache_directory, "/tmp/cache");
  assert_true(config->engine.consume_fuel);
  assert_true(config->http.max_body_bytes == 10 << 20);
  assert_int_equal(config->http.max_connections, 3); /* of each of four workers */
  assert_true(config->http.idle_timeout == 0);
  assert_true(config->components[0].max_memory_bytes == 64 << 20);
  assert_true(config->components[0].fuel == 1000);
  assert_int_equal(config->components[0].warm, 3);
  assert_int_equal(config->max_concurrent, 7);
  assert_int_equal(config->components[0].max_concurrent, 5);
}

static void a_flag_that_is_not_right_is_refused_when_it_is_set(void **state) {
  fixture *f = *state;
  tn_server_settings *s = f->settings;
  assert_error(tn_server_settings_set(s, "max-bodi", "1"), TN_ERROR_ARGUMENT,
               "there is no setting \"max-bodi\"");
  assert_error(
      tn_server_settings_set(s, "max-body", "10Mb"), TN_ERROR_ARGUMENT,
      "max-body: expected a size such as 65536, \"64KiB\" or \"1.5GiB\", or \"none\", not \"10Mb\"");
  assert_error(tn_server_settings_set(s, "timeout", "soon"), TN_ERROR_ARGUMENT,
               "timeout: expected a time");
  assert_error(tn_server_settings_set(s, "threads", "-1"), TN_ERROR_ARGUMENT,
               "threads: expected a whole number");
  assert_error(tn_server_settings_set(s, "threads", "99999"), TN_ERROR_ARGUMENT,
               "threads: expected 0 to 1024, not \"99999\"");
  assert_error(tn_server_settings_set(s, "max-connections", "18446744073709551617"),
               TN_ERROR_ARGUMENT, "a whole number");
  assert_error(tn_server_settings_set(s, "watch", "maybe"), TN_ERROR_ARGUMENT, "true or false");
  assert_error(tn_server_settings_set(s, "log", "xml"), TN_ERROR_ARGUMENT,
               "one of text, json, off, not \"xml\"");
  assert_error(tn_server_settings_set(s, "opt-level", "9"), TN_ERROR_ARGUMENT,
               "one of \"0\", \"1\"");
  assert_error(tn_server_settings_set(s, "dir", "/does/not/exist"), TN_ERROR_IO, "/does/not/exist");
  assert_error(tn_server_settings_set(s, "net", "nowhere:port"), TN_ERROR_ARGUMENT, "net:");
  assert_error(tn_server_settings_set(s, "config", "no value"), TN_ERROR_ARGUMENT, "\"KEY=VALUE\"");
  assert_error(tn_server_settings_set(s, "admin", "systemd"), TN_ERROR_ARGUMENT,
               "cannot listen at");
  assert_error(tn_server_settings_set(s, "route", "x"), TN_ERROR_ARGUMENT, "there is no setting");
  assert_error(tn_server_settings_add_route(s, "/v1="), TN_ERROR_ARGUMENT, "names no file");
  assert_error(tn_server_settings_add_route(s, ""), TN_ERROR_ARGUMENT, "names no file");
}

static void a_misspelt_flag_has_a_hint(void **state) {
  fixture *f = *state;
  tn_error *error = tn_server_settings_set(f->settings, "idle-timout", "1s");
  assert_non_null(error);
  assert_string_equal(tn_error_get_hint(error), "did you mean idle-timeout?");
  tn_error_delete(error);
}

static void a_server_without_components_is_an_error(void **state) {
  fixture *f = *state;
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_ARGUMENT,
               "there is nothing to serve");
}

static void two_files_of_one_name_are_told_apart_and_one_file_is_one_component(void **state) {
  fixture *f = *state;
  add_route(f, "/a=one/app.wasm");
  add_route(f, "/b=two/app.wasm");
  add_route(f, "/c=one/app.wasm");
  const tn_serve_config *config = make(f);
  assert_int_equal(config->component_count, 2);
  expect_route(config, "", "/a", "app");
  expect_route(config, "", "/b", "app-2");
  expect_route(config, "", "/c", "app");
  expect_route(config, "", "/d", "");
}

static void rights_of_flags_reach_every_component(void **state) {
  fixture *f = *state;
  char directory[100];
  snprintf(directory, sizeof directory, "%s/data::/data", f->folder);
  setenv("TENON_TEST_INHERITED", "from outside", 1);
  set(f, "dir-ro", directory);
  set(f, "env", "A=1=2");
  set(f, "env", "TENON_TEST_INHERITED");
  set(f, "env", "TENON_TEST_NOT_THERE");
  set(f, "config", "key=value=more");
  set(f, "config", "key=again");
  set(f, "args", "one");
  add_route(f, "/a=a.wasm");
  add_route(f, "/b=b.cwasm");
  const tn_serve_config *config = make(f);
  for (uint32_t i = 0; i < 2; i++) {
    const tn_wasi_config *wasi = config->components[i].wasi;
    assert_int_equal(wasi->directories.len, 1);
    expect_text(wasi->directories.items[0].guest_path, "/data");
    assert_true(wasi->directories.items[0].is_read_only);
    assert_int_equal(wasi->variables.len, 2);
    expect_text(wasi->variables.items[0].value, "1=2");
    expect_text(wasi->variables.items[1].value, "from outside");
    assert_int_equal(wasi->values.len, 1);
    expect_text(wasi->values.items[0].value, "again");
    assert_int_equal(wasi->arguments.len, 2);
    expect_text(wasi->arguments.items[0], i == 0 ? "a" : "b");
    assert_int_equal(wasi->stdio[1].kind, TN_STDIO_NULL);
  }
  assert_int_equal(config->components[0].load_flags, 0);
  assert_int_equal(config->components[1].load_flags, TN_LOAD_ARTIFACT);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static void linked_components_have_rights_of_their_own(void **state) {
  fixture *f = *state;
  const tn_serve_config *config = make_from(
      f,
      "[component.api]\nfile = 'api.wasm'\nenv = ['A=own']\noutput = 'inherit'\n"
      "link = ['math.wasm', 'store.cwasm;dir-ro=data::/d;env=A=x\\;y;http-all']\n"
      "[component.site]\nfile = 'site.wasm'\n"
      "[[component.site.link]]\nfile = 'store.wasm'\ndir = ['data::/data']\nenv = { B = '1', C = '2' }\n"
      "[route]\n'/api' = 'api'\n'/' = 'site'\n");
  const tn_serve_component *api = &config->components[0], *site = &config->components[1];
  char expected[100];
  assert_int_equal(api->link_count, 2);
  snprintf(expected, sizeof expected, "%s/math.wasm", f->folder);
  assert_string_equal(api->links[0].path, expected);
  assert_int_equal(api->links[0].load_flags, 0);
  assert_int_equal(api->links[0].wasi->variables.len, 0);
  assert_int_equal(api->links[0].wasi->stdio[2].kind, TN_STDIO_INHERIT);
  assert_int_equal(api->links[1].load_flags, TN_LOAD_ARTIFACT);
  const tn_wasi_config *wasi = api->links[1].wasi;
  assert_int_equal(wasi->directories.len, 1);
  assert_true(wasi->directories.items[0].is_read_only);
  expect_text(wasi->variables.items[0].value, "x;y");
  assert_true(wasi->egress.allows_everything);
  assert_int_equal(site->link_count, 1);
  assert_int_equal(site->links[0].wasi->variables.len, 2);
  assert_int_equal(site->links[0].wasi->directories.len, 1);
  assert_int_equal(site->links[0].line, 9);
}

static void links_of_flags_are_for_every_component(void **state) {
  fixture *f = *state;
  set(f, "link", "math.wasm;env=A=1");
  add_route(f, "/a=a.wasm");
  add_route(f, "/b=b.wasm");
  const tn_serve_config *config = make(f);
  for (uint32_t i = 0; i < 2; i++) {
    assert_int_equal(config->components[i].link_count, 1);
    assert_string_equal(config->components[i].links[0].path, "math.wasm");
    expect_text(config->components[i].links[0].wasi->variables.items[0].value, "1");
  }
}

static void mistakes_in_links_are_told(void **state) {
  expect_problems(
      *state,
      "[component.app]\nfile = 'a.wasm'\n"
      "link = ['x.wasm;speed=1', 'x.wasm;dir=/missing', ';env=A=1', 5, { file = 3 },\n"
      "  { file = 'x.wasm', timeout = '1s' }]\n",
      "3:9 link: \"speed\" is not a right that a linked component can have\n"
      "  it has a file and rights: dir=HOST::GUEST, env=NAME=VALUE, net=HOST:PORT, http=HOST\n"
      "3:27 dir: directory /missing: No such file or directory\n"
      "3:50 link: it names no file\n"
      "3:62 link: expected \"FILE;RIGHT=VALUE\" or { file = \"…\", … }, not 5\n"
      "3:65 link: it names no file\n"
      "3:74 file: expected a path, not 3\n"
      "4:22 link: \"timeout\" is not a right that a linked component can have\n"
      "  it has a file and rights: dir=HOST::GUEST, env=NAME=VALUE, net=HOST:PORT, http=HOST\n");
}

static void a_file_says_everything_that_flags_can(void **state) {
  fixture *f = *state;
  setenv("TENON_TEST_INHERITED", "from outside", 1);
  const tn_serve_config *config = make_from(
      f,
      "admin = '127.0.0.1:9090'\nthreads = 3\nwatch = true\nlog = 'off'\nlog-file = 'logs/x'\nhttp2 = false\n"
      "drain-timeout = 5\nopt-level = '2'\n"
      "[[listen]]\naddress = '[::1]:8443'\ncertificate = 'c.pem'\nkey = '/k.pem'\n"
      "client-ca = 'ca.pem'\nclient-certificate = 'optional'\n"
      "[[listen]]\naddress = 'systemd:web'\n"
      "[limits]\nmax-header-size = '8KiB'\nmax-body = 'none'\nidle-timeout = '500ms'\nmax-concurrent = 12\n"
      "[defaults]\ntimeout = '5s'\nenv = { A = 'default', B = 'b' }\n"
      "[component.web]\nfile = 'web.wasm'\nargs = ['x', 'y']\nenv = { A = 'own', TENON_TEST_INHERITED = "
      "{ inherit = true } }\n"
      "dir = ['data::/d', { host = 'data', guest = '/r', read-only = true }]\nnet = ['example.org:443']\n"
      "config = { color = 'red' }\nmax-memory = '1MiB'\nfuel = 77\nmax-concurrent = 3\nmax-queue = 4\n"
      "queue-timeout = '1s'\nmax-instance-reuse-count = 9\nidle-instance-timeout = '2s'\nwarm = 2\n"
      "output = 'inherit'\n"
      "[component.api]\nfile = '/abs/api.wasm'\ntimeout = 'none'\nallow-precompiled = true\n"
      "[route]\n'api.example.com/v1' = 'api'\n'/' = 'web'\n");
  expect_text(config->admin_address, "127.0.0.1:9090");
  assert_int_equal(config->threads, 3);
  assert_true(config->watch);
  assert_false(config->http.http2);
  assert_int_equal(config->log_format, TN_SERVE_LOG_OFF);
  assert_true(config->drain_timeout == 5000000000);
  assert_int_equal(config->engine.optimize, 1);
  char expected[100];
  snprintf(expected, sizeof expected, "%s/logs/x", f->folder);
  assert_string_equal(config->log_path, expected);

  assert_int_equal(config->listen_count, 2);
  expect_text(config->listens[0].address, "[::1]:8443");
  snprintf(expected, sizeof expected, "%s/c.pem", f->folder);
  assert_string_equal(config->listens[0].certificate_path, expected);
  assert_string_equal(config->listens[0].key_path, "/k.pem");
  assert_true(config->listens[0].client_certificate_optional);
  assert_int_equal(config->listens[0].line, 10);
  assert_null(config->listens[1].certificate_path);

  assert_int_equal(config->http.max_header_bytes, 8192);
  assert_true(config->http.max_body_bytes == UINT64_MAX);
  assert_true(config->http.idle_timeout == 500000000);
  assert_int_equal(config->max_concurrent, 12);

  assert_int_equal(config->component_count, 2);
  const tn_serve_component *web = &config->components[0], *api = &config->components[1];
  expect_text(web->name, "web");
  snprintf(expected, sizeof expected, "%s/web.wasm", f->folder);
  assert_string_equal(web->path, expected);
  assert_true(web->timeout == 5000000000);
  assert_true(web->max_memory_bytes == 1 << 20);
  assert_true(web->fuel == 77);
  assert_int_equal(web->max_concurrent, 3);
  assert_int_equal(web->max_queue, 4);
  assert_true(web->queue_timeout == 1000000000);
  assert_int_equal(web->reuse_count, 9);
  assert_true(web->idle_timeout == 2000000000);
  assert_int_equal(web->warm, 2);
  assert_int_equal(web->output, TN_SERVE_OUTPUT_INHERIT);
  assert_int_equal(web->wasi->stdio[1].kind, TN_STDIO_INHERIT);
  assert_int_equal(web->wasi->arguments.len, 3);
  assert_int_equal(web->wasi->variables.len, 3);
  expect_text(web->wasi->variables.items[0].value, "own");
  expect_text(web->wasi->variables.items[1].value, "b");
  expect_text(web->wasi->variables.items[2].value, "from outside");
  assert_int_equal(web->wasi->directories.len, 2);
  assert_false(web->wasi->directories.items[0].is_read_only);
  assert_true(web->wasi->directories.items[1].is_read_only);
  expect_text(web->wasi->directories.items[1].guest_path, "/r");
  assert_int_equal(web->wasi->network.rules.len, 1);
  expect_text(web->wasi->values.items[0].name, "color");
  assert_string_equal(api->path, "/abs/api.wasm");
  assert_true(api->timeout == 0);
  assert_int_equal(api->load_flags, TN_LOAD_ARTIFACT);
  assert_int_equal(api->wasi->variables.len, 2);
  expect_route(config, "api.example.com", "/v1/x", "api");
  expect_route(config, "api.example.com", "/v2", "web");
}

static void flags_win_over_the_file(void **state) {
  fixture *f = *state;
  set(f, "listen", "127.0.0.1:1");
  set(f, "threads", "2");
  set(f, "timeout", "7s");
  set(f, "env", "A=flag");
  add_route(f, "/x=app");
  add_route(f, "/y=other.wasm");
  const tn_serve_config *config = make_from(
      f, "listen = ['127.0.0.1:2', '127.0.0.1:3']\nthreads = 9\n"
         "[component.app]\nfile = 'a.wasm'\ntimeout = 1\nenv = { A = 'file', B = 'file' }\n");
  assert_int_equal(config->listen_count, 1);
  expect_text(config->listens[0].address, "127.0.0.1:1");
  assert_int_equal(config->threads, 2);
  assert_int_equal(config->component_count, 2);
  assert_true(config->components[0].timeout == 7000000000);
  expect_text(config->components[0].wasi->variables.items[0].value, "flag");
  expect_text(config->components[0].wasi->variables.items[1].value, "file");
  expect_route(config, "", "/x", "app");
  expect_route(config, "", "/y", "other");
}

static void a_component_alone_needs_no_route(void **state) {
  fixture *f = *state;
  expect_route(make_from(f, "component.app.file = 'app.wasm'"), "h", "/any", "app");
}

static void the_whole_environment_is_passed_on_and_what_is_set_wins(void **state) {
  fixture *f = *state;
  setenv("TENON_TEST_INHERITED", "from outside", 1);
  setenv("TENON_TEST_OWN", "from outside", 1);
  const tn_serve_config *config = make_from(
      f,
      "[component.app]\nfile = 'a.wasm'\ninherit-env = true\nenv = { TENON_TEST_OWN = 'own' }\n");
  const tn_wasi_config *wasi = config->components[0].wasi;
  int found = 0;
  for (uint32_t i = 0; i < wasi->variables.len; i++) {
    const tn_config_variable *variable = &wasi->variables.items[i];
    if (tn_str_equal(variable->name, TN_STR("TENON_TEST_OWN")))
      expect_text(variable->value, "own"), found++;
    if (tn_str_equal(variable->name, TN_STR("TENON_TEST_INHERITED")))
      expect_text(variable->value, "from outside"), found++;
  }
  assert_int_equal(found, 2);
}

/* ---- mistakes in the file ------------------------------------------------------------------------------ */

static void unknown_names_are_told_with_the_nearest_one(void **state) {
  expect_problems(
      *state,
      "thread = 2\n"
      "timeout = 3\n"
      "entirely-unknown = 1\n"
      "[limits]\n"
      "max-bodi = 1\n"
      "warm = 3\n"
      "[component.app]\n"
      "file = 'a.wasm'\n"
      "  envv = {}\n"
      "cache-dir = '/x'\n"
      "[[route]]\n"
      "pathh = '/'\n"
      "component = 'app'\n",
      "1:1 there is no setting \"thread\"\n  did you mean threads?\n"
      "2:1 there is no setting \"timeout\"\n  it is a setting of a component's table\n"
      "3:1 there is no setting \"entirely-unknown\"\n"
      "5:1 there is no setting \"max-bodi\" in [limits]\n  did you mean max-body?\n"
      "6:1 there is no setting \"warm\" in [limits]\n  it is a setting of a component's table\n"
      "9:3 there is no setting \"envv\" in a component's table\n  did you mean env?\n"
      "10:1 there is no setting \"cache-dir\" in a component's table\n"
      "  it is a setting of the server, at the top of the file\n"
      "12:1 there is no setting \"pathh\" in [[route]]\n  did you mean path?\n");
}

static void wrong_types_are_told_with_what_was_expected(void **state) {
  expect_problems(
      *state,
      "threads = \"2\"\n"
      "watch = 1\n"
      "log = 'xml'\n"
      "admin = ['x']\n"
      "drain-timeout = 1979-05-27\n"
      "listen = 8080\n"
      "limits = 3\n"
      "[component]\n"
      "b = 3\n"
      "[component.app]\n"
      "file = 1\n"
      "max-memory = 1.5\n"
      "timeout = -1\n"
      "fuel = true\n"
      "env = { A = 1, B = { inherit = false } }\n"
      "dir = [1]\n"
      "net = {}\n"
      "config = { a = 1 }\n"
      "args = [{}]\n"
      "output = 'x'\n",
      "1:11 threads: expected a whole number, not \"2\"\n"
      "2:9 watch: expected true or false, not 1\n"
      "3:7 log: expected one of text, json, off, not \"xml\"\n"
      "4:9 admin: expected a text, not an array\n"
      "5:17 drain-timeout: expected a time such as 10 (seconds), \"1.5s\", \"500ms\" or \"2m\", or \"none\", not "
      "a date or time\n"
      "6:10 listen: expected an address such as \"127.0.0.1:8080\", or tables with address, certificate and so on, "
      "not 8080\n"
      "7:10 limits: expected a table, not 3\n"
      "9:5 b: expected a component's table, with file and so on, not 3\n"
      "11:8 file: expected a text, not 1\n"
      "12:14 max-memory: expected a size such as 65536, \"64KiB\" or \"1.5GiB\", or \"none\", not 1.5\n"
      "13:11 timeout: expected a time such as 10 (seconds), \"1.5s\", \"500ms\" or \"2m\", or \"none\", not -1\n"
      "14:8 fuel: expected a whole number, or \"none\", not true\n"
      "15:13 A: expected a text, or { inherit = true }, not 1\n"
      "15:20 B: expected a text, or { inherit = true }, not a table\n"
      "16:8 dir: expected \"HOST::GUEST\" or { host = \"…\", guest = \"…\" }, not 1\n"
      "17:7 net: expected a rule such as \"example.org:443\", not a table\n"
      "18:16 a: expected a text, not 1\n"
      "19:9 args: expected a text, not a table\n"
      "20:10 output: expected one of log, inherit, none, not \"x\"\n");
}

static void an_address_is_at_fault_where_it_is_written(void **state) {
  expect_problems(*state,
                  "[[listen]]\naddress = '127.0.0.1:1'\n"
                  "[[listen]]\nkey = 'k.pem'\naddress = '127.0.0.1:1'\ncertificate = 'c.pem'\n"
                  "[component.app]\nfile = 'a.wasm'\n",
                  "5:11 the address 127.0.0.1:1 is there twice\n");
}

static void nothing_is_not_taken_for_no_limit(void **state) {
  fixture *f = *state;
  expect_problems(f,
                  "[limits]\n"
                  "header-timeout = 0\n"
                  "body-timeout = \"0s\"\n"
                  "max-connections-per-client = 0\n"
                  "max-concurrent = 0\n"
                  "[component.app]\n"
                  "file = 'a.wasm'\n"
                  "timeout = 0\n"
                  "fuel = 0\n"
                  "max-concurrent = 0\n"
                  "max-memory = 0\n",
                  "2:18 header-timeout: expected more than 0\n"
                  "  without a limit it is header-timeout = \"none\"\n"
                  "3:16 body-timeout: expected more than 0\n"
                  "  without a limit it is body-timeout = \"none\"\n"
                  "4:30 max-connections-per-client: expected more than 0\n"
                  "  without a limit it is max-connections-per-client = \"none\"\n"
                  "5:18 max-concurrent: expected 1 to 1048576, not 0\n"
                  "8:11 timeout: expected more than 0\n"
                  "  without a limit it is timeout = \"none\"\n"
                  "9:8 fuel: expected more than 0\n"
                  "  without a limit it is fuel = \"none\"\n"
                  "10:18 max-concurrent: expected more than 0\n"
                  "  without a limit it is max-concurrent = \"none\"\n"
                  "11:14 max-memory: expected at least 65536, not 0\n");
  tn_error *error = tn_server_settings_set(f->settings, "timeout", "0");
  assert_non_null(error);
  assert_string_equal(tn_error_get_message(error), "timeout: expected more than 0");
  assert_string_equal(tn_error_get_hint(error), "without a limit it is --timeout none");
  tn_error_delete(error);
}

static void nothing_is_a_limit_where_it_can_be_meant(void **state) {
  const tn_serve_config *config =
      make_from(*state, "drain-timeout = 0\n"
                        "[limits]\nmax-body = 0\n"
                        "[component.app]\nfile = 'a.wasm'\nmax-queue = 0\n"
                        "queue-timeout = 0\nidle-instance-timeout = 0\n");
  assert_true(config->http.max_body_bytes == 0);
  assert_true(config->drain_timeout == 0);
  assert_true(config->components[0].queue_timeout == 0);
  config = make_from(*state, "drain-timeout = 'none'\n"
                             "[component.app]\nfile = 'a.wasm'\nqueue-timeout = 'none'\n");
  assert_true(config->drain_timeout == UINT64_MAX);
  assert_true(config->components[0].queue_timeout == UINT64_MAX);
}

static void what_cannot_be_meant_is_told(void **state) {
  expect_problems(
      *state,
      "listen = ['127.0.0.1', 'example.org:80', '127.0.0.1:99999', '::1:80', 'unix:', 'localhost:1', "
      "'localhost:1']\n"
      "[component.app]\n"
      "file = 'a.wasm'\n"
      "dir = ['/missing', { guest = '/x' }, { host = 'data', rw = true }]\n"
      "net = ['a:b']\n"
      "[component.none]\n"
      "[defaults]\n"
      "file = 'x'\n"
      "timeout = 'never'\n",
      "1:11 cannot listen at \"127.0.0.1\": a port is missing: 127.0.0.1:8080\n"
      "1:24 cannot listen at \"example.org:80\": the host is an IP address or localhost; 0.0.0.0 is all of IPv4, "
      "[::] all addresses\n"
      "1:42 cannot listen at \"127.0.0.1:99999\": what follows the last : is not a port\n"
      "1:61 cannot listen at \"::1:80\": an IPv6 address stands in brackets: [::1]:8080\n"
      "1:71 cannot listen at \"unix:\": the path of the socket is missing\n"
      "1:95 the address localhost:1 is there twice\n"
      "4:8 dir: directory /missing: No such file or directory\n"
      "4:20 this directory says no host path\n"
      "4:55 a directory has host, guest and read-only, not \"rw\"\n"
      "5:8 net: network rule \"a:b\": not a port or a range of ports\n"
      "  a rule is HOST[:PORT], such as example.org:443, 10.0.0.0/8, [::1]:8000-8999 or *\n"
      "6:12 component none says no file\n"
      "8:1 file: it belongs into the table of one component\n"
      "9:11 timeout: expected a time such as 10 (seconds), \"1.5s\", \"500ms\" or \"2m\", or \"none\", not "
      "\"never\"\n");
}

static void certificates_come_with_keys(void **state) {
  expect_problems(
      *state,
      "[[listen]]\naddress = '127.0.0.1:1'\ncertificate = 'c.pem'\n"
      "[[listen]]\naddress = '127.0.0.1:2'\nkey = 'k.pem'\n"
      "[[listen]]\naddress = '127.0.0.1:3'\nclient-ca = 'k.pem'\n"
      "[component.app]\nfile = 'a.wasm'\n",
      "3:15 address 127.0.0.1:1: it has a certificate but no key\n"
      "6:7 address 127.0.0.1:2: it has a key but no certificate\n"
      "9:13 address 127.0.0.1:3: client certificates need TLS: a certificate and a key\n");
}

static void an_address_has_to_be_said(void **state) {
  expect_problems(
      *state,
      "[[listen]]\ncertificate = 'c.pem'\nkey = 'k.pem'\n[component.app]\nfile = 'a.wasm'\n",
      "1:1 this [[listen]] says no address\n");
}

static void routes_are_checked(void **state) {
  expect_problems(
      *state,
      "[component.app]\nfile = 'a.wasm'\n"
      "[component.web]\nfile = 'b.wasm'\n"
      "[route]\n"
      "'a.example:80' = 'app'\n"
      "'a.*.example' = 'app'\n"
      "'*example' = 'app'\n"
      "'a b' = 'app'\n"
      "'/a?b' = 'app'\n"
      "'/a//b' = 'app'\n"
      "'/a/*' = 'app'\n"
      "'/a b' = 'app'\n"
      "'/c' = 'ap'\n"
      "'/d' = 'something'\n"
      "'/e' = 3\n"
      "'X.example/f' = 'app'\n"
      "'x.example/f/' = 'web'\n",
      "6:1 route: \"a.example:80\" is no host for a route: it has a port: routes go by host only\n"
      "7:1 route: \"a.*.example\" is no host for a route: a * can only stand at its start: *.example.com\n"
      "8:1 route: \"*example\" is no host for a route: a wildcard is *. and a name: *.example.com\n"
      "9:1 route: \"a b\" is no host for a route: it has characters that no host name has\n"
      "10:1 route: \"/a?b\" is no path for a route: it has a query or fragment: routes go by path only\n"
      "11:1 route: \"/a//b\" is no path for a route: it has an empty segment\n"
      "12:1 route: \"/a/*\" is no path for a route: it has a *: what a path begins with is enough\n"
      "13:1 route: \"/a b\" is no path for a route: it has characters that a path cannot have: write them as %XX\n"
      "14:8 route: there is no component \"ap\"\n  did you mean app?\n"
      "15:8 route: there is no component \"something\"\n  components are tables: [component.NAME]\n"
      "16:8 /e: expected the name of a component, not 3\n"
      "18:1 there are two routes for \"x.example/f\"\n  the other one is in line 17\n");
}

static void route_tables_are_checked(void **state) {
  expect_problems(
      *state,
      "[component.app]\nfile = 'a.wasm'\n"
      "[[route]]\npath = 'v1'\ncomponent = 'app'\n"
      "[[route]]\npath = '/v2'\n"
      "[[route]]\nhost = 'h/x'\ncomponent = 'app'\n"
      "[[route]]\npath = '/v2'\ncomponent = 'ap'\n"
      "[[route]]\nhost = 'a'\ncomponent = 'app'\n"
      "[[route]]\nhost = 'A'\ncomponent = 'app'\n",
      "4:8 route: \"v1\" is no path for a route: it does not begin with /\n"
      "6:1 this route says no component\n"
      "9:8 route: \"h/x\" is no host for a route: it has characters that no host name has\n"
      "13:13 route: there is no component \"ap\"\n  did you mean app?\n"
      "18:8 there are two routes for \"a/\"\n  the other one is in line 15\n");
}

static void several_components_need_routes(void **state) {
  expect_problems(*state, "component.a.file = 'a.wasm'\ncomponent.b.file = 'b.wasm'\n",
                  "2:11 there are several components but no routes\n"
                  "  a route is a table: [[route]] with host, path and component\n");
}

static void an_empty_file_serves_nothing(void **state) {
  expect_problems(*state, "",
                  "0:0 there is nothing to serve\n"
                  "  a component is a table: [component.app] with file = \"app.wasm\"\n");
}

static void what_is_not_toml_is_told_with_its_place(void **state) {
  fixture *f = *state;
  write_file(f, "threads = 2\nlisten = [\n  'a',\n]]\n");
  tn_error *error = tn_serve_config_make(f->settings, &f->config);
  assert_non_null(error);
  char expected[128];
  snprintf(expected, sizeof expected, "%s:4:2: ", f->file);
  assert_memory_equal(tn_error_get_message(error), expected, strlen(expected));
  tn_error_delete(error);
}

static void a_name_that_is_there_twice_is_told(void **state) {
  fixture *f = *state;
  write_file(f, "threads = 2\nthreads = 3\n");
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_ARGUMENT, "serve.toml:2:");
}

static void a_file_that_cannot_be_read_is_told(void **state) {
  fixture *f = *state;
  assert_ok(tn_server_settings_set_file(f->settings, "/does/not/exist.toml"));
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_IO,
               "/does/not/exist.toml: cannot be read: No such file or directory");
  assert_ok(tn_server_settings_set_file(f->settings, f->folder));
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_IO, "it is a directory");
}

static void keys_without_end_do_not_use_up_the_stack(void **state) {
  fixture *f = *state;
  size_t parts = 1 << 20;
  char *text = malloc(2 * parts + 1);
  for (size_t i = 0; i < parts; i++)
    memcpy(text + 2 * i, i + 1 < parts ? "a." : "a=", 2);
  text[2 * parts] = '\0';
  write_file(f, text);
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_ARGUMENT,
               "a key has too many parts");
  memset(text, '[', 2 * parts);
  memcpy(text, "a=", 2);
  write_file(f, text);
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_ARGUMENT, "nested");
  free(text);
}

/* ---- routes -------------------------------------------------------------------------------------------- */

static void the_most_specific_route_wins(void **state) {
  fixture *f = *state;
  add_route(f, "any.wasm");
  add_route(f, "/v1=any-v1.wasm");
  add_route(f, "*.example.com=below.wasm");
  add_route(f, "*.api.example.com=below-api.wasm");
  add_route(f, "api.Example.com=api.wasm");
  add_route(f, "api.example.com/v1=api-v1.wasm");
  add_route(f, "api.example.com/v1/users/=users.wasm");
  const tn_serve_config *config = make(f);
  expect_route(config, "api.example.com", "/", "api");
  expect_route(config, "API.example.COM:8080", "/v10", "api");
  expect_route(config, "api.example.com.", "/v1", "api-v1");
  expect_route(config, "api.example.com", "/v1?q=/users", "api-v1");
  expect_route(config, "api.example.com", "/v1/", "api-v1");
  expect_route(config, "api.example.com", "/v1/users", "users");
  expect_route(config, "api.example.com", "/v1/users/7", "users");
  expect_route(config, "api.example.com", "/v1/usersx", "api-v1");
  expect_route(config, "api.example.com", "/V1", "api");
  expect_route(config, "www.example.com", "/v1", "below");
  expect_route(config, "x.api.example.com", "/v1", "below-api");
  expect_route(config, ".example.com", "/", "any");
  expect_route(config, "example.com", "/v1", "any-v1");
  expect_route(config, "notexample.com", "/", "any");
  expect_route(config, "[::1]:80", "/v1/x", "any-v1");
  expect_route(config, "", "*", "any");
  expect_route(config, "", "", "any");
}

static void a_host_without_a_matching_path_falls_back_to_any_host(void **state) {
  fixture *f = *state;
  add_route(f, "a.example/v1=v1.wasm");
  add_route(f, "/v2=v2.wasm");
  const tn_serve_config *config = make(f);
  expect_route(config, "a.example", "/v2", "v2");
  expect_route(config, "a.example", "/v3", "");
  expect_route(config, "b.example", "/v1", "");
}

static void an_address_can_be_a_host(void **state) {
  fixture *f = *state;
  add_route(f, "[::1]=six.wasm");
  add_route(f, "127.0.0.1=four.wasm");
  const tn_serve_config *config = make(f);
  expect_route(config, "[::1]:8080", "/", "six");
  expect_route(config, "127.0.0.1:8080", "/", "four");
  expect_route(config, "[::2]:8080", "/", "");
  expect_route(config, "[::1", "/", "");
}

static void two_flags_cannot_claim_one_route(void **state) {
  fixture *f = *state;
  add_route(f, "/a=a.wasm");
  add_route(f, "/a/=b.wasm");
  assert_error(tn_serve_config_make(f->settings, &f->config), TN_ERROR_ARGUMENT,
               "there are two routes for \"/a\"");
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void running_out_of_memory_is_an_error_wherever_it_happens(void **state) {
  fixture *f = *state;
  set(f, "env", "A=1");
  add_route(f, "/x=x.wasm");
  write_file(f,
             "listen = '127.0.0.1:1'\n[component.app]\nfile = 'a.wasm'\ndir = 'data'\nnet = 'a'\n"
             "env = { A = 'b' }\nconfig = { a = 'b' }\nargs = 'x'\nlink = 'x.wasm;env=A=1'\n"
             "[defaults]\ntimeout = 1\nlink = { file = 'y.wasm', net = 'a' }\n"
             "[route]\n'a/b' = 'app'\n");
  for (int64_t count = 0;; count++) {
    tn_alloc_fail_after(count);
    tn_error *error = tn_serve_config_make(f->settings, &f->config);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!did_fail) {
      assert_null(error);
      assert_true(count > 3);
      return;
    }
    assert_non_null(error);
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
  }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(one_file_serves_everything_on_the_loopback_address),
      TEST(every_number_has_a_default_that_can_be_read),
      TEST(defaults_are_those_of_the_http_server),
      TEST(flags_set_what_the_file_can),
      TEST(a_flag_that_is_not_right_is_refused_when_it_is_set),
      TEST(a_misspelt_flag_has_a_hint),
      TEST(a_server_without_components_is_an_error),
      TEST(two_files_of_one_name_are_told_apart_and_one_file_is_one_component),
      TEST(rights_of_flags_reach_every_component),
      TEST(linked_components_have_rights_of_their_own),
      TEST(links_of_flags_are_for_every_component),
      TEST(mistakes_in_links_are_told),
      TEST(a_file_says_everything_that_flags_can),
      TEST(flags_win_over_the_file),
      TEST(a_component_alone_needs_no_route),
      TEST(the_whole_environment_is_passed_on_and_what_is_set_wins),
      TEST(unknown_names_are_told_with_the_nearest_one),
      TEST(wrong_types_are_told_with_what_was_expected),
      TEST(an_address_is_at_fault_where_it_is_written),
      TEST(nothing_is_not_taken_for_no_limit),
      TEST(nothing_is_a_limit_where_it_can_be_meant),
      TEST(what_cannot_be_meant_is_told),
      TEST(certificates_come_with_keys),
      TEST(an_address_has_to_be_said),
      TEST(routes_are_checked),
      TEST(route_tables_are_checked),
      TEST(several_components_need_routes),
      TEST(an_empty_file_serves_nothing),
      TEST(what_is_not_toml_is_told_with_its_place),
      TEST(a_name_that_is_there_twice_is_told),
      TEST(a_file_that_cannot_be_read_is_told),
      TEST(keys_without_end_do_not_use_up_the_stack),
      TEST(the_most_specific_route_wins),
      TEST(a_host_without_a_matching_path_falls_back_to_any_host),
      TEST(an_address_can_be_a_host),
      TEST(two_flags_cannot_claim_one_route),
      TEST(running_out_of_memory_is_an_error_wherever_it_happens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
