/* The guest of the server's tests: a segment of the path says what it does, and what stands before it (a path that the
 * guest is mounted under) means nothing. A request's instance may be used again, so that whatever is kept is kept on
 * purpose. */
#include "program.h"

enum { CHUNK = 65536 };

typedef struct request {
  int handle;
  int out;
  bytes path; /* after the first segment, as "/100" of "/sleep/100" */
} request;

typedef struct body {
  int handle;
  int stream;
} body;

static uint32_t requests_answered;

/* "/100" */
static uint64_t path_number(const request *r) {
  bytes path = r->path;
  if (path.size != 0) path.data++, path.size--;
  return take_number(&path);
}

/* ---- answers ----------------------------------------------------------------------------------------- */

static void append_field(int fields, const char *name, const void *value, uint32_t size) {
  uint8_t result[2];
  fields_append(fields, name, length(name), value, size, result);
  if (result[0]) __builtin_trap();
}

static body answer_with(const request *r, int status, int fields) {
  int response = outgoing_response_new(fields);
  if (outgoing_response_set_status(response, status) != 0) __builtin_trap();
  handle_result made, stream;
  outgoing_response_body(response, &made);
  if (made.failed) __builtin_trap();
  response_outparam_set(r->out, 0, response, 0, 0, 0, 0, 0, 0);
  outgoing_body_write(made.handle, &stream);
  if (stream.failed) __builtin_trap();
  return (body){made.handle, stream.handle};
}

static body answer(const request *r, int status, const char *type) {
  int fields = fields_new();
  append_field(fields, "content-type", type, length(type));
  return answer_with(r, status, fields);
}

static void finish(body b, int has_trailers, int trailers) {
  output_stream_drop(b.stream);
  code_result finished;
  outgoing_body_finish(b.handle, has_trailers, trailers, &finished);
}

/* Ends a body without finishing it: the client must see that something is missing. */
static void abandon(body b) {
  output_stream_drop(b.stream);
  outgoing_body_drop(b.handle);
}

static void answer_text(const request *r, int status) {
  body b = answer(r, status, "text/plain");
  write_all(b.stream, text, text_size);
  finish(b, 0, 0);
}

static void fail_with(const request *r, int code) {
  response_outparam_set(r->out, 1, code, 0, 0, 0, 0, 0, 0);
}

/* ---- bodies that come in ------------------------------------------------------------------------------ */

static body open_request(const request *r) {
  handle_result made, stream;
  incoming_request_consume(r->handle, &made);
  if (made.failed) __builtin_trap();
  incoming_body_stream(made.handle, &stream);
  if (stream.failed) __builtin_trap();
  return (body){made.handle, stream.handle};
}

static void close_incoming(body from) {
  input_stream_drop(from.stream);
  incoming_body_drop(from.handle);
}

typedef enum state { MORE, END, BROKEN } state;

/* Reads up to CHUNK bytes; the caller releases them. */
static state read_some(int stream, bytes *out) {
  read_result result;
  input_stream_blocking_read(stream, CHUNK, &result);
  if (result.failed) return result.error.which == 1 ? END : BROKEN;
  *out = result.read;
  return MORE;
}

/* Copies until the end; false when either side broke. */
static bool copy(int from, int to) {
  for (;;) {
    uint32_t mark = heap_mark();
    bytes part;
    state state = read_some(from, &part);
    if (state != MORE) return state == END;
    if (!write_all(to, part.data, part.size)) return false;
    heap_release(mark);
  }
}

static void hello(const request *r) {
  add_string("Hello, World!\n");
  answer_text(r, 200);
}

static void echo(const request *r) {
  body from = open_request(r), to = answer(r, 200, "application/octet-stream");
  if (copy(from.stream, to.stream))
    finish(to, 0, 0);
  else
    abandon(to);
  close_incoming(from);
}

/* The same without the bytes passing through the guest's memory. */
static void splice(const request *r) {
  body from = open_request(r), to = answer(r, 200, "application/octet-stream");
  count_result moved;
  do
    output_stream_blocking_splice(to.stream, from.stream, 1 << 20, &moved);
  while (!moved.failed);
  if (moved.error.which == 1)
    finish(to, 0, 0);
  else
    abandon(to);
  close_incoming(from);
}

static void upload(const request *r) {
  body from = open_request(r);
  uint64_t size = 0;
  for (;;) {
    uint32_t mark = heap_mark();
    bytes part;
    state state = read_some(from.stream, &part);
    if (state == BROKEN) {
      print(get_stderr(), "the upload broke\n");
      fail_with(r, ERROR_CODE_INTERNAL);
      return;
    }
    if (state == END) break;
    size += part.size;
    heap_release(mark);
  }
  close_incoming(from);
  add_number(size);
  answer_text(r, 200);
}

static void trailers(const request *r) {
  body from = open_request(r);
  int fields = fields_new();
  append_field(fields, "trailer", "x-sum", 5);
  body to = answer_with(r, 200, fields);
  if (!copy(from.stream, to.stream)) __builtin_trap();
  input_stream_drop(from.stream);
  int future = incoming_body_finish(from.handle);
  wait_for(future_trailers_subscribe(future));
  future_trailers got;
  future_trailers_get(future, &got);
  if (!got.ready || got.taken || got.failed) __builtin_trap();
  finish(to, got.present, got.present ? got.fields : 0);
  future_trailers_drop(future);
}

static void early(const request *r) {
  add_string("early\n");
  answer_text(r, 200);
}

/* ---- what the guest saw ------------------------------------------------------------------------------ */

static const char *const method_names[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                           "CONNECT", "OPTIONS", "TRACE", "PATCH"};

static void echo_headers(const request *r) {
  method method;
  optional_scheme scheme;
  optional_bytes authority, path;
  incoming_request_method(r->handle, &method);
  incoming_request_scheme(r->handle, &scheme);
  incoming_request_authority(r->handle, &authority);
  incoming_request_path(r->handle, &path);
  add_string("method: ");
  if (method.which < 9)
    add_string(method_names[method.which]);
  else
    add_bytes(method.other);
  add_string("\nscheme: ");
  if (!scheme.present)
    add_string("-");
  else if (scheme.scheme.which < 2)
    add_string(scheme.scheme.which == 0 ? "http" : "https");
  else
    add_bytes(scheme.scheme.other);
  add_string("\nauthority: ");
  if (authority.present) add_bytes(authority.value);
  add_string("\npath: ");
  if (path.present) add_bytes(path.value);
  add_string("\n");
  int fields = incoming_request_headers(r->handle);
  field_list entries;
  fields_entries(fields, &entries);
  fields_drop(fields);
  for (uint32_t i = 0; i < entries.count; i++) {
    add_string("field ");
    add_bytes(entries.items[i].name);
    add_string(": ");
    add_bytes(entries.items[i].value);
    add_string("\n");
  }
  answer_text(r, 200);
}

static void env(const request *r) {
  field_list entries;
  get_environment(&entries);
  for (uint32_t i = 0; i < entries.count; i++) {
    add_bytes(entries.items[i].name);
    add_string("=");
    add_bytes(entries.items[i].value);
    add_string("\n");
  }
  answer_text(r, 200);
}

static void count(const request *r) {
  add_number(requests_answered);
  answer_text(r, 200);
}

static void prints(const request *r) {
  print(get_stdout(), "a line\nand another\nand one without an end");
  print(get_stderr(), "an error line\n");
  add_string("printed\n");
  answer_text(r, 200);
}

/* ---- answers of all kinds ---------------------------------------------------------------------------- */

static void status(const request *r) {
  answer_text(r, (int)path_number(r));
}

static void events(const request *r) {
  body b = answer(r, 200, "text/event-stream");
  uint64_t wanted = path_number(r);
  for (uint64_t i = 0; wanted == 0 || i < wanted; i++) {
    text_size = 0;
    add_string("data: ");
    add_number(i);
    add_string("\n\n");
    if (!write_all(b.stream, text, text_size) || !flush(b.stream)) return abandon(b);
    sleep_for(100);
  }
  finish(b, 0, 0);
}

static void download(const request *r) {
  body b = answer(r, 200, "application/octet-stream");
  for (uint32_t i = 0; i < CHUNK; i++)
    text[i] = (char)('a' + i % 26);
  for (uint64_t left = path_number(r); left != 0;) {
    uint32_t part = left < CHUNK ? (uint32_t)left : CHUNK;
    if (!write_all(b.stream, text, part)) return abandon(b);
    left -= part;
  }
  finish(b, 0, 0);
}

static void many_fields(const request *r) {
  int fields = fields_new();
  for (uint64_t i = path_number(r); i != 0; i--)
    append_field(fields, "x-field", "a value of some length", 22);
  finish(answer_with(r, 200, fields), 0, 0);
}

/* Promises ten bytes and gives five. */
static void wrong_length(const request *r) {
  int fields = fields_new();
  append_field(fields, "content-length", "10", 2);
  body b = answer_with(r, 200, fields);
  write_all(b.stream, "hello", 5);
  finish(b, 0, 0);
}

/* "/with-length/204": with that status. */
static void with_length(const request *r) {
  int fields = fields_new();
  append_field(fields, "content-length", "5", 1);
  uint64_t status = path_number(r);
  body b = answer_with(r, status == 0 ? 200 : (int)status, fields);
  write_all(b.stream, "hello", 5);
  finish(b, 0, 0);
}

static void odd_trailers(const request *r) {
  body b = answer(r, 200, "text/plain");
  write_all(b.stream, "hello", 5);
  int fields = fields_new();
  append_field(fields, "content-length", "77", 2); /* is not to be passed on */
  append_field(fields, "x-sum", "7", 1);
  finish(b, 1, fields);
}

#ifdef INFORMATIONAL
static void inform(const request *r, int status) {
  int fields = fields_new();
  append_field(fields, "link", "</style.css>; rel=preload", 25);
  append_field(fields, "content-length", "5", 1); /* is not to be passed on */
  code_result sent;
  response_outparam_inform(r->out, status, fields, &sent);
  add_string(sent.failed ? "refused\n" : "informed\n");
}
#endif

/* "/informational/100,103": a response of each of these statuses before the answer. */
static void informational(const request *r) {
#ifdef INFORMATIONAL
  bytes statuses = r->path;
  if (statuses.size != 0) statuses.data++, statuses.size--;
  do {
    uint64_t status = take_number(&statuses);
    inform(r, status == 0 ? 103 : (int)status);
  } while (statuses.size != 0);
#else
  add_string("not there\n");
#endif
  answer_text(r, 200);
}

/* ---- faults ------------------------------------------------------------------------------------------ */

static void trap(const request *r) {
  (void)r;
  __builtin_trap();
}

static void answer_and_trap(const request *r) {
  body b = answer(r, 200, "text/plain");
  write_all(b.stream, "the beginning\n", 14);
  __builtin_trap();
}

static void forget(const request *r) {
  body b = answer(r, 200, "text/plain");
  write_all(b.stream, "the beginning\n", 14);
  abandon(b);
}

/* The same when its beginning is on its way. */
static void forget_late(const request *r) {
  body b = answer(r, 200, "text/plain");
  write_all(b.stream, "the beginning\n", 14);
  flush(b.stream);
  abandon(b);
}

static void partial(const request *r) {
  body b = answer(r, 200, "text/plain");
  write_all(b.stream, "the beginning\n", 14);
  flush(b.stream);
  __builtin_trap();
}

static void loop(const request *r) {
  (void)r;
  for (volatile uint32_t turn = 0;; turn++)
    continue;
}

static void spin(const request *r) {
  uint64_t end = clock_now() + path_number(r) * 1000000;
  while (clock_now() < end)
    continue;
  add_string("spun\n");
  answer_text(r, 200);
}

static void sleeps(const request *r) {
  sleep_for(path_number(r));
  add_string("slept\n");
  answer_text(r, 200);
}

static void works_on(const request *r) {
  add_string("answered\n");
  answer_text(r, 200);
  sleep_for(path_number(r));
}

static void never(const request *r) {
  (void)r;
  sleep_for(1000000000000);
}

static void leak(const request *r) {
  (void)r;
  for (;;)
    __builtin_memset(heap_allocate(1 << 20), 1, 1 << 20);
}

static void no_response(const request *r) {
  (void)r;
}

static void error(const request *r) {
  fail_with(r, r->path.size == 0 ? ERROR_CODE_CONFIGURATION : (int)path_number(r));
}

/* ---- calls of others --------------------------------------------------------------------------------- */

static void answer_error(const request *r, int code) {
  add_string("error-code ");
  add_number((uint64_t)code);
  add_string("\n");
  answer_text(r, 502);
}

static int call_options(bytes limits) {
  int options = request_options_new();
  uint64_t connect = take_number(&limits), first = take_number(&limits),
           between = take_number(&limits);
  if (connect != 0) request_options_set_connect(options, 1, connect * 1000000);
  if (first != 0) request_options_set_first_byte(options, 1, first * 1000000);
  if (between != 0) request_options_set_between_bytes(options, 1, between * 1000000);
  return options;
}

/* The request with its target set; false: what was given is no target. */
static bool make_request(const request *r, bytes url, int *out) {
  int made = outgoing_request_new(fields_new());
  method method;
  incoming_request_method(r->handle, &method);
  outgoing_request_set_method(made, method.which, method.other.data, method.other.size);
  bool is_secure = take_prefix(&url, "https://");
  if (!is_secure && !take_prefix(&url, "http://")) return false;
  uint32_t end = 0;
  while (end < url.size && url.data[end] != '/')
    end++;
  if (outgoing_request_set_scheme(made, 1, is_secure, NULL, 0) != 0) return false;
  if (outgoing_request_set_authority(made, 1, url.data, end) != 0) return false;
  if (outgoing_request_set_path(made, end < url.size, url.data + end, url.size - end) != 0)
    return false;
  *out = made;
  return true;
}

/* Sends the request's own body along. */
static void send_body(const request *r, int to) {
  handle_result stream;
  outgoing_body_write(to, &stream);
  if (stream.failed) __builtin_trap();
  body from = open_request(r);
  if (copy(from.stream, stream.handle))
    finish((body){to, stream.handle}, 0, 0);
  else
    abandon((body){to, stream.handle});
  close_incoming(from);
}

/* "/call?URL", or "/call/CONNECT,FIRST-BYTE,BETWEEN-BYTES?URL" with times in milliseconds. */
static void call(const request *r) {
  bytes limits = {0}, url = r->path;
  if (url.size != 0 && *url.data == '/') {
    url.data++, url.size--;
    limits = url;
  }
  while (url.size != 0 && *url.data != '?')
    url.data++, url.size--;
  limits.size -= limits.size == 0 ? 0 : url.size;
  if (url.size != 0) url.data++, url.size--;
  int outgoing;
  if (!make_request(r, url, &outgoing)) return answer_text(r, 400);
  handle_result body_made;
  outgoing_request_body(outgoing, &body_made);
  code_result handled;
  outgoing_handle(outgoing, limits.size != 0, limits.size != 0 ? call_options(limits) : 0,
                  &handled);
  if (handled.failed) return answer_error(r, handled.code.which);
  send_body(r, body_made.handle);

  wait_for(future_response_subscribe(handled.handle));
  future_response got;
  future_response_get(handled.handle, &got);
  if (!got.ready || got.taken) __builtin_trap();
  if (got.response.failed) return answer_error(r, got.response.code.which);
  int incoming = got.response.handle;
  handle_result consumed, stream;
  incoming_response_consume(incoming, &consumed);
  if (consumed.failed) __builtin_trap();
  incoming_body_stream(consumed.handle, &stream);
  if (stream.failed) __builtin_trap();
  body to = answer(r, incoming_response_status(incoming), "application/octet-stream");
  bool is_whole = copy(stream.handle, to.stream);
  if (is_whole)
    finish(to, 0, 0);
  else
    abandon(to);
  close_incoming((body){consumed.handle, stream.handle});
  incoming_response_drop(incoming);
  future_response_drop(handled.handle);
}

/* ---- making the host keep things ---------------------------------------------------------------------- */

static void keep_fields(void) {
  int fields = fields_new();
  append_field(fields, "a", text, CHUNK - 4096);
}

static void keep_body(void) {
  handle_result made, stream;
  outgoing_response_body(outgoing_response_new(fields_new()), &made);
  outgoing_body_write(made.handle, &stream);
  count_result room;
  write_result written;
  output_stream_check_write(stream.handle, &room);
  output_stream_write(stream.handle, text, (uint32_t)room.count, &written);
}

static void keep_path(void) {
  text[0] = '/';
  outgoing_request_set_path(outgoing_request_new(fields_new()), 1, text, CHUNK - 4096);
}

static void keep_pollable(void) {
  clock_subscribe_duration(UINT64_MAX);
}

static void keep_empty_fields(void) {
  fields_new();
}

/* "/hoard/N": until the host would keep 1 GiB of the Nth kind of things. */
static void hoard(const request *r) {
  static void (*const kinds[])(void) = {keep_fields, keep_body, keep_path, keep_pollable,
                                        keep_empty_fields};
  uint64_t kind = path_number(r);
  for (uint32_t i = 0; i < CHUNK; i++)
    text[i] = 'a';
  for (uint32_t i = 0; i < (kind < 3 ? 16384 : 8000000); i++)
    kinds[kind]();
  answer_text(r, 200);
}

static void unknown(const request *r) {
  add_string("no such behaviour\n");
  answer_text(r, 404);
}

/* ---- which ------------------------------------------------------------------------------------------- */

static const struct {
  const char *segment;
  void (*run)(const request *r);
} behaviours[] = {
    {"/answer-and-trap", answer_and_trap},
    {"/call", call},
    {"/count", count},
    {"/download", download},
    {"/early", early},
    {"/echo", echo},
    {"/echo-headers", echo_headers},
    {"/env", env},
    {"/error", error},
    {"/forget", forget},
    {"/forget-late", forget_late},
    {"/hello", hello},
    {"/hoard", hoard},
    {"/informational", informational},
    {"/leak", leak},
    {"/loop", loop},
    {"/many-fields", many_fields},
    {"/never", never},
    {"/no-response", no_response},
    {"/odd-trailers", odd_trailers},
    {"/partial", partial},
    {"/print", prints},
    {"/sleep", sleeps},
    {"/spin", spin},
    {"/splice", splice},
    {"/sse", events},
    {"/status", status},
    {"/trailers", trailers},
    {"/trap", trap},
    {"/upload", upload},
    {"/with-length", with_length},
    {"/work-on", works_on},
    {"/wrong-length", wrong_length},
};

static bool matches(bytes path, const char *segment, bytes *rest) {
  if (!take_prefix(&path, segment)) return false;
  *rest = path;
  return path.size == 0 || *path.data == '/' || *path.data == '?';
}

static void (*find(bytes path, bytes *rest))(const request *) {
  while (path.size != 0) {
    for (uint32_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
      if (matches(path, behaviours[i].segment, rest)) return behaviours[i].run;
    do
      path.data++, path.size--;
    while (path.size != 0 && *path.data != '/');
  }
  return unknown;
}

EXPORT("handle") void handle(int incoming, int out) {
  requests_answered++;
  text_size = 0;
  uint32_t mark = heap_mark();
  optional_bytes path;
  incoming_request_path(incoming, &path);
  if (!path.present) path.value = (bytes){0};
  request r = {incoming, out, {0}};
  find(path.value, &r.path)(&r);
  incoming_request_drop(incoming);
  heap_release(mark);
}
