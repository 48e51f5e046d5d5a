/* What a host makes of every odd use of wasi:http/types, as text; and a command that calls others. As a command it takes
 *     fields | messages | bodies | live-output      what happens with these, a line each
 *     call URL [METHOD]                             what the other answers
 * and as a handler of requests it tells what it may do with the request. */
#include "program.h"

/* A literal with its length, which may have NUL in it. */
#define TEXT(literal)                                                                              \
  { (uint8_t *)(literal), sizeof(literal) - 1 }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- lines --------------------------------------------------------------------------------------------- */

static void add_shown(bytes value) {
  static const char digits[] = "0123456789abcdef";
  add_string("\"");
  for (uint32_t i = 0; i < value.size && i < 40; i++) {
    uint8_t byte = value.data[i];
    if (byte >= ' ' && byte < 0x7f && byte != '"') {
      add(&byte, 1);
    } else {
      add_string("\\x");
      add(digits + (byte >> 4), 1);
      add(digits + (byte & 15), 1);
    }
  }
  add_string("\"");
}

static void begin(const char *what) {
  add_string(what);
  add_string(" ");
}

static void end(void) {
  add_string("\n");
}

static void add_outcome(bool failed, uint32_t code) {
  static const char *const names[] = {" invalid", " forbidden", " immutable"};
  add_string(failed ? names[code] : " ok");
}

static void add_result(bool failed) {
  add_string(failed ? " error" : " ok");
}

static void add_code(const code_result *result) {
  if (!result->failed) {
    add_string(" ok");
    return;
  }
  add_string(" error-code ");
  add_number(result->code.which);
}

/* ---- fields ---------------------------------------------------------------------------------------------- */

static const bytes names[] = {
    TEXT("connection"),
    TEXT("Host"),
    TEXT("keep-alive"),
    TEXT("proxy-connection"),
    TEXT("transfer-encoding"),
    TEXT("upgrade"),
    TEXT("te"),
    TEXT("trailer"),
    TEXT("http2-settings"),
    TEXT("proxy-authenticate"),
    TEXT("proxy-authorization"),
    TEXT("custom-host"),
    TEXT("content-length"),
    TEXT("content-type"),
    TEXT("date"),
    TEXT("expect"),
    TEXT("via"),
    TEXT("cookie"),
    TEXT("x-ordinary"),
    TEXT("X-Upper_under.dot"),
    TEXT("!#$%&'*+-.^_`|~"),
    TEXT(""),
    TEXT(" "),
    TEXT("a b"),
    TEXT(" a"),
    TEXT("a "),
    TEXT("a:"),
    TEXT(":authority"),
    TEXT("a\rb"),
    TEXT("a\nb"),
    TEXT("a\0b"),
    TEXT("\xc3\xa9"),
    TEXT("a\tb"),
    TEXT("\x7f"),
    TEXT("a\"b"),
    TEXT("a(b)"),
    TEXT("a/b"),
    TEXT("a,b"),
    TEXT("a=b"),
    TEXT("{a}"),
};

static const bytes values[] = {
    TEXT(""),         TEXT(" "),    TEXT("v"),    TEXT(" v"),   TEXT("v "),   TEXT("\tv"),
    TEXT("v\t"),      TEXT("v w"),  TEXT("v\tw"), TEXT("v\rw"), TEXT("v\nw"), TEXT("v\r\nw"),
    TEXT("v\0w"),     TEXT("\x01"), TEXT("\x1f"), TEXT("\x7f"), TEXT("\x80"), TEXT("\xff"),
    TEXT("\xc3\xa9"), TEXT("v\"w"), TEXT("v,w"),
};

static void add_field_outcomes(bytes name, bytes value) {
  uint8_t result[2];
  handle_result made;
  const field one = {name, value};
  int fields = fields_new();
  fields_append(fields, (char *)name.data, name.size, value.data, value.size, result);
  add_string(" append");
  add_outcome(result[0], result[1]);
  fields_set(fields, (char *)name.data, name.size, &value, 1, result);
  add_string(", set");
  add_outcome(result[0], result[1]);
  fields_set(fields, (char *)name.data, name.size, &value, 0, result);
  add_string(", empty set");
  add_outcome(result[0], result[1]);
  fields_delete(fields, (char *)name.data, name.size, result);
  add_string(", delete");
  add_outcome(result[0], result[1]);
  fields_from_list(&one, 1, &made);
  add_string(", from-list");
  add_outcome(made.failed, made.failed ? (uint8_t)made.handle : 0);
  add_string(fields_has(fields, (char *)name.data, name.size) ? ", has" : ", has not");
  fields_drop(fields);
  if (!made.failed) fields_drop(made.handle);
  end();
}

static void add_entries(int fields) {
  field_list entries;
  fields_entries(fields, &entries);
  for (uint32_t i = 0; i < entries.count; i++) {
    add_string(" ");
    add_bytes(entries.items[i].name);
    add_string("=");
    add_bytes(entries.items[i].value);
  }
  end();
}

static void add_values(int fields, const char *name) {
  bytes_list got;
  fields_get(fields, name, length(name), &got);
  begin("get");
  add_string(name);
  add_string(":");
  for (uint32_t i = 0; i < got.count; i++) {
    add_string(" ");
    add_shown(got.items[i]);
  }
  end();
}

static void append(int fields, const char *name, const char *value) {
  uint8_t result[2];
  fields_append(fields, name, length(name), value, length(value), result);
  if (result[0]) __builtin_trap();
}

static void fields_kept(void) {
  static const bytes two[] = {TEXT("7"), TEXT("8")};
  uint8_t result[2];
  int fields = fields_new();
  append(fields, "B", "1");
  append(fields, "a", "2");
  append(fields, "b", "3");
  append(fields, "C", "");
  begin("entries");
  add_entries(fields);
  add_values(fields, "b");
  add_values(fields, "B");
  add_values(fields, "C");
  add_values(fields, "missing");
  add_values(fields, "not valid");
  add_values(fields, "");
  int copy = fields_clone(fields);
  fields_set(fields, "B", 1, two, 2, result);
  begin("set");
  add_entries(fields);
  fields_set(fields, "a", 1, two, 0, result);
  begin("empty set");
  add_entries(fields);
  fields_delete(fields, "c", 1, result);
  begin("delete");
  add_entries(fields);
  begin("clone");
  add_entries(copy);
}

static void probe_fields(void) {
  static const bytes plain = TEXT("v"), name = TEXT("x-name");
  for (uint32_t i = 0; i < COUNT(names); i++) {
    begin("name");
    add_shown(names[i]);
    add_field_outcomes(names[i], plain);
  }
  for (uint32_t i = 0; i < COUNT(values); i++) {
    begin("value");
    add_shown(values[i]);
    add_field_outcomes(name, values[i]);
  }
  fields_kept();
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static void add_immutable(const char *what, int fields) {
  uint8_t result[2];
  static const bytes value = TEXT("v");
  begin(what);
  fields_append(fields, "x-more", 6, "v", 1, result);
  add_string(" append");
  add_outcome(result[0], result[1]);
  fields_set(fields, "x-more", 6, &value, 1, result);
  add_string(", set");
  add_outcome(result[0], result[1]);
  fields_delete(fields, "x-more", 6, result);
  add_string(", delete");
  add_outcome(result[0], result[1]);
  int copy = fields_clone(fields);
  fields_append(copy, "x-more", 6, "v", 1, result);
  add_string(", append to a clone");
  add_outcome(result[0], result[1]);
  fields_drop(copy);
  fields_drop(fields);
  end();
}

static void probe_statuses(void) {
  static const uint16_t statuses[] = {0,   1,   99,  100, 101, 103, 199, 200,  204,  299,
                                      304, 404, 451, 500, 599, 600, 999, 1000, 65535};
  int response = outgoing_response_new(fields_new());
  for (uint32_t i = 0; i < COUNT(statuses); i++) {
    begin("status");
    add_number(statuses[i]);
    add_result(outgoing_response_set_status(response, statuses[i]) != 0);
    add_string(", then ");
    add_number((uint64_t)outgoing_response_status(response));
    end();
  }
  add_immutable("the headers of a response:", outgoing_response_headers(response));
  outgoing_response_drop(response);
}

static const bytes tokens[] = {
    TEXT(""),      TEXT("GET"),      TEXT("get"),     TEXT("PROPFIND"), TEXT("A B"),
    TEXT("A\r\n"), TEXT("\xc3\xa9"), TEXT("X-Y"),     TEXT("A(B)"),     TEXT("A/B"),
    TEXT("A:"),    TEXT("CONNECT"),  TEXT("http"),    TEXT("HTTPS"),    TEXT("Http"),
    TEXT("ws"),    TEXT("1a"),       TEXT("a+b-c.d"), TEXT("a_b"),      TEXT("-a"),
};

static void add_named(const method *got, uint32_t others) {
  add_string(", then ");
  if (got->which < others)
    add_number(got->which);
  else
    add_shown(got->other);
  end();
}

static void probe_names(int request) {
  for (uint32_t i = 0; i < COUNT(tokens); i++) {
    method got;
    begin("method");
    add_shown(tokens[i]);
    add_result(outgoing_request_set_method(request, 9, tokens[i].data, tokens[i].size) != 0);
    outgoing_request_method(request, &got);
    add_named(&got, 9);
    outgoing_request_set_method(request, 0, NULL, 0);
  }
  for (uint32_t i = 0; i < COUNT(tokens); i++) {
    optional_scheme got;
    begin("scheme");
    add_shown(tokens[i]);
    add_result(outgoing_request_set_scheme(request, 1, 2, tokens[i].data, tokens[i].size) != 0);
    outgoing_request_scheme(request, &got);
    if (got.present) {
      add_named(&got.scheme, 2);
    } else {
      add_string(", then none\n");
    }
    outgoing_request_set_scheme(request, 0, 0, NULL, 0);
  }
}

static const bytes authorities[] = {
    TEXT(""),           TEXT("localhost"), TEXT("localhost:80"),
    TEXT("localhost:"), TEXT(":80"),       TEXT("a b"),
    TEXT("a:65535"),    TEXT("a:65536"),   TEXT("a:99999"),
    TEXT("a:x"),        TEXT("a:1:2"),     TEXT("user@host"),
    TEXT("u:p@host"),   TEXT("[::1]"),     TEXT("[::1]:80"),
    TEXT("[::1"),       TEXT("::1"),       TEXT("\xc3\xa9"),
    TEXT("a/b"),        TEXT("a?b"),       TEXT("a#b"),
    TEXT("a_b"),        TEXT("%41"),       TEXT("%4"),
    TEXT("1.2.3.4"),    TEXT("a,b"),       TEXT("*"),
    TEXT("a\r\nb"),     TEXT("[v1.x]"),    TEXT("[fe80::1%25a]"),
    TEXT("a\\b"),       TEXT("a<b"),       TEXT("host."),
    TEXT("-"),          TEXT("[]"),        TEXT("a\0b"),
};

static const bytes paths[] = {
    TEXT(""),
    TEXT("/"),
    TEXT("a"),
    TEXT("/a b"),
    TEXT("/a?b"),
    TEXT("/a?b#c"),
    TEXT("?a"),
    TEXT("*"),
    TEXT("/\xc3\xa9"),
    TEXT("/%zz"),
    TEXT("/a\r\n"),
    TEXT("/a\0"),
    TEXT("//a"),
    TEXT("http://x/"),
    TEXT("/<>"),
    TEXT("/\""),
    TEXT("/{a}"),
    TEXT("/|"),
    TEXT("/^"),
    TEXT("/`"),
    TEXT("/\\"),
    TEXT("/\x7f"),
    TEXT("/\x01"),
    TEXT("/[a]"),
    TEXT("/a?{\"<>`|\\^}"),
    TEXT("/a?\xc3\xa9"),
    TEXT("/a? "),
    TEXT("#a"),
    TEXT("/a??b"),
    TEXT("/."),
    TEXT("/../.."),
    TEXT("a/b:c"),
};

static void add_optional(const optional_bytes *got) {
  add_string(", then ");
  if (got->present)
    add_shown(got->value);
  else
    add_string("none");
  end();
}

static void probe_targets(int request) {
  for (uint32_t i = 0; i < COUNT(authorities); i++) {
    optional_bytes got;
    begin("authority");
    add_shown(authorities[i]);
    add_result(
        outgoing_request_set_authority(request, 1, authorities[i].data, authorities[i].size) != 0);
    outgoing_request_authority(request, &got);
    add_optional(&got);
    outgoing_request_set_authority(request, 0, NULL, 0);
  }
  for (uint32_t i = 0; i < COUNT(paths); i++) {
    optional_bytes got;
    begin("path");
    add_shown(paths[i]);
    add_result(outgoing_request_set_path(request, 1, paths[i].data, paths[i].size) != 0);
    outgoing_request_path(request, &got);
    add_optional(&got);
    outgoing_request_set_path(request, 0, NULL, 0);
  }
}

static void probe_options(void) {
  typedef int setter(int self, int present, uint64_t nanoseconds);
  typedef void getter(int self, optional_number *result);
  static setter *const set[] = {request_options_set_connect, request_options_set_first_byte,
                                request_options_set_between_bytes};
  static getter *const get[] = {request_options_connect, request_options_first_byte,
                                request_options_between_bytes};
  static const uint64_t times[] = {0, 1, 1000000, 18446744073709551615u};
  int options = request_options_new();
  for (uint32_t i = 0; i < COUNT(set); i++) {
    for (uint32_t j = 0; j <= COUNT(times) + 1; j++) {
      optional_number got;
      begin("option");
      add_number(i);
      if (j > 0)
        add_result(set[i](options, j <= COUNT(times), j <= COUNT(times) ? times[j - 1] : 0) != 0);
      get[i](options, &got);
      add_string(got.present ? " is " : " is none");
      if (got.present) add_number(got.value);
      end();
    }
  }
}

static void probe_messages(void) {
  probe_statuses();
  int request = outgoing_request_new(fields_new());
  probe_names(request);
  probe_targets(request);
  add_immutable("the headers of a request:", outgoing_request_headers(request));
  outgoing_request_drop(request);
  probe_options();
}

/* ---- bodies ------------------------------------------------------------------------------------------------ */

static int with_length(const char *value) {
  uint8_t result[2];
  int fields = fields_new();
  fields_append(fields, "content-length", 14, value, length(value), result);
  add_string(result[0] ? "refused " : "");
  return fields;
}

/* The body of a message that is never sent: `size` bytes are written, then it is finished. */
static void finish_body(int handle, uint32_t size) {
  handle_result stream;
  outgoing_body_write(handle, &stream);
  add_result(stream.failed);
  if (stream.failed) return;
  if (!write_all(stream.handle, "0123456789", size)) add_string(", failed");
  output_stream_drop(stream.handle);
  code_result finished;
  outgoing_body_finish(handle, 0, 0, &finished);
  add_string(", finish");
  add_code(&finished);
  end();
}

static void probe_lengths(void) {
  static const char *const lengths[] = {
      "5", "0", "05", "+5", "-5", "x", "5, 5", "99999999999999999999", ""};
  for (uint32_t i = 0; i < COUNT(lengths); i++) {
    handle_result made;
    int response = outgoing_response_new(with_length(lengths[i]));
    outgoing_response_body(response, &made);
    begin("content-length");
    add_string(lengths[i]);
    add_result(made.failed);
    end();
    outgoing_response_drop(response);
  }
  for (uint32_t size = 4; size <= 6; size++) {
    for (int is_request = 0; is_request < 2; is_request++) {
      handle_result made;
      int fields = with_length("5");
      int message = is_request ? outgoing_request_new(fields) : outgoing_response_new(fields);
      if (is_request)
        outgoing_request_body(message, &made);
      else
        outgoing_response_body(message, &made);
      begin(is_request ? "5 promised by a request, written" : "5 promised by a response, written");
      add_number(size);
      finish_body(made.handle, size);
    }
  }
}

static void probe_bodies(void) {
  handle_result first, second;
  int response = outgoing_response_new(fields_new());
  outgoing_response_body(response, &first);
  outgoing_response_body(response, &second);
  begin("body of a response:");
  add_result(first.failed);
  add_result(second.failed);
  end();
  handle_result stream;
  outgoing_body_write(first.handle, &stream);
  begin("write:");
  add_result(stream.failed);
  outgoing_body_write(first.handle, &second);
  add_result(second.failed);
  output_stream_drop(stream.handle);
  outgoing_body_write(first.handle, &second);
  add_result(second.failed);
  end();
  int request = outgoing_request_new(fields_new());
  outgoing_request_body(request, &first);
  outgoing_request_body(request, &second);
  begin("body of a request:");
  add_result(first.failed);
  add_result(second.failed);
  end();
  probe_lengths();
}

/* Ends the guest, as it should. */
static void finish_while_written(void) {
  handle_result made, stream;
  int response = outgoing_response_new(fields_new());
  outgoing_response_body(response, &made);
  outgoing_body_write(made.handle, &stream);
  code_result finished;
  outgoing_body_finish(made.handle, 0, 0, &finished);
  add_code(&finished);
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

static void fail_call(const code_result *result) {
  add_string("call");
  add_code(result);
  end();
}

static void read_response(int response) {
  handle_result made, stream;
  begin("status");
  add_number((uint64_t)incoming_response_status(response));
  end();
  add_immutable("the headers of a response:", incoming_response_headers(response));
  incoming_response_consume(response, &made);
  incoming_body_stream(made.handle, &stream);
  read_result got;
  for (;;) {
    input_stream_blocking_read(stream.handle, 65536, &got);
    if (got.failed) break;
    add_bytes(got.read);
  }
  add_string(got.error.which == 1 ? "\n" : "\nbroken\n");
  input_stream_drop(stream.handle);
  incoming_body_drop(made.handle);
}

/* What goes in `scheme` and `authority` is the caller's; "-" as METHOD sets no scheme. */
static void call(bytes url, bytes name) {
  int request = outgoing_request_new(fields_new());
  if (name.size > 0 && *name.data != '-')
    outgoing_request_set_method(request, 9, name.data, name.size);
  bool is_secure = take_prefix(&url, "https://");
  if (!is_secure) take_prefix(&url, "http://");
  uint32_t size = 0;
  while (size < url.size && url.data[size] != '/')
    size++;
  if (name.size == 0 || *name.data != '-')
    outgoing_request_set_scheme(request, 1, is_secure, NULL, 0);
  if (size > 0) outgoing_request_set_authority(request, 1, url.data, size);
  outgoing_request_set_path(request, size < url.size, url.data + size, url.size - size);
  code_result handled;
  outgoing_handle(request, 0, 0, &handled);
  if (handled.failed) return fail_call(&handled);
  wait_for(future_response_subscribe(handled.handle));
  future_response got;
  future_response_get(handled.handle, &got);
  if (got.response.failed) return fail_call(&got.response);
  read_response(got.response.handle);
  future_response_get(handled.handle, &got);
  add_string(got.ready && got.taken ? "taken\n" : "not taken\n");
}

static bool is_equal(bytes given, const char *name) {
  return take_prefix(&given, name) && given.size == 0;
}

EXPORT("run") int run(void) {
  bytes_list arguments;
  get_arguments(&arguments);
  if (arguments.count < 2) return 1;
  bytes what = arguments.items[1];
  if (is_equal(what, "fields"))
    probe_fields();
  else if (is_equal(what, "messages"))
    probe_messages();
  else if (is_equal(what, "bodies"))
    probe_bodies();
  else if (is_equal(what, "live-output"))
    finish_while_written();
  else if (is_equal(what, "call") && arguments.count > 2)
    call(arguments.items[2], arguments.count > 3 ? arguments.items[3] : (bytes){0});
  else
    return 1;
  int out = get_stdout();
  bool is_written = write_all(out, text, text_size) && flush(out);
  output_stream_drop(out);
  return !is_written;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static void probe_request(int request, bool finishes_early) {
  handle_result first, second, stream;
  int headers = incoming_request_headers(request);
  add_values(headers, "host");
  add_values(headers, "content-length");
  add_values(headers, "transfer-encoding");
  add_values(headers, "connection");
  add_immutable("the headers of a request:", headers);
  incoming_request_consume(request, &first);
  incoming_request_consume(request, &second);
  begin("consume:");
  add_result(first.failed);
  add_result(second.failed);
  end();
  incoming_body_stream(first.handle, &stream);
  begin("stream:");
  add_result(stream.failed);
  incoming_body_stream(first.handle, &second);
  add_result(second.failed);
  if (!finishes_early) input_stream_drop(stream.handle);
  incoming_body_stream(first.handle, &second);
  add_result(second.failed);
  end();
  int future = incoming_body_finish(first.handle);
  wait_for(future_trailers_subscribe(future));
  future_trailers got;
  future_trailers_get(future, &got);
  begin("trailers:");
  if (got.failed) {
    add_string(" error-code ");
    add_number(got.code.which);
    end();
  } else if (got.present) {
    add_entries(got.fields);
    add_immutable("the trailers:", got.fields);
  } else {
    add_string(" none\n");
  }
  future_trailers_get(future, &got);
  begin("again:");
  add_result(got.taken);
  end();
  future_trailers_drop(future);
}

/* "/live" finishes the body while its stream lives. */
EXPORT("handle") void handle(int incoming, int out) {
  optional_bytes path;
  incoming_request_path(incoming, &path);
  probe_request(incoming, path.present && is_equal(path.value, "/live"));
  int response = outgoing_response_new(fields_new());
  handle_result made, stream;
  outgoing_response_body(response, &made);
  response_outparam_set(out, 0, response, 0, 0, 0, 0, 0, 0);
  outgoing_body_write(made.handle, &stream);
  write_all(stream.handle, text, text_size);
  output_stream_drop(stream.handle);
  code_result finished;
  outgoing_body_finish(made.handle, 0, 0, &finished);
}
