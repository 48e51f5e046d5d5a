/* Errors and traps of the engine become ours: kind, one line of message, frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "engine/private.h"

/* ---- messages -------------------------------------------------------------------------------------- */

static tn_str trimmed(tn_str line) {
  while (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
    line = tn_str_slice(line, 1, line.len);
  while (line.len > 0 && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\r'))
    line.len--;
  return line;
}

/* "0: text" in a list of causes is "text". */
static tn_str without_number(tn_str line) {
  size_t digits = 0;
  while (digits < line.len && line.data[digits] >= '0' && line.data[digits] <= '9')
    digits++;
  tn_str rest = tn_str_slice(line, digits, line.len);
  if (digits == 0 || !tn_str_starts_with(rest, TN_STR(": "))) return line;
  return tn_str_slice(rest, 2, rest.len);
}

static tn_str next_line(tn_str *text) {
  size_t end = tn_str_find(*text, '\n', 0);
  tn_str line = tn_str_slice(*text, 0, end);
  *text = tn_str_slice(*text, end + 1, text->len);
  return line;
}

/* The engine prints a chain of causes: "outer\n\nCaused by:\n    0: inner\n    1: innermost", and a
 * backtrace may be the outer one. This makes "outer: inner: innermost" of it, without the backtrace. */
static void flatten(tn_str text, tn_buffer *out) {
  bool in_causes = false;
  bool in_trace = tn_str_starts_with(text, TN_STR("error while executing at wasm backtrace"));
  while (text.len > 0) {
    tn_str line = trimmed(next_line(&text));
    if (tn_str_equal(line, TN_STR("Caused by:"))) {
      in_causes = true;
      in_trace = false;
      continue;
    }
    if (line.len == 0 || in_trace) continue;
    if (out->len > 0) tn_buffer_append_text(out, ": ");
    tn_buffer_append_str(out, in_causes ? without_number(line) : line);
  }
}

static bool contains(tn_str text, const char *words) {
  return memmem(text.data, text.len, words, strlen(words)) != NULL;
}

static tn_error *error_from_text(tn_error_kind kind, tn_str text) {
  tn_buffer message = {0};
  flatten(text, &message);
  char *line = tn_buffer_take(&message);
  if (line == NULL) return tn_error_no_memory();
  tn_error *error = tn_error_new(kind, "%s", line);
  tn_free(line);
  return error;
}

/* What the engine says in words alone, which its C interface has no code for. */
static const struct {
  const char *words;
  tn_error_kind kind;
  const char *ours; /* in place of the engine's own message; NULL: that one will do */
} known_texts[] = {
    {"resource limit exceeded", TN_ERROR_LIMIT, NULL},
    {"maximum concurrent", TN_ERROR_LIMIT, NULL},
    {"out of memory (failed to allocate", TN_ERROR_NO_MEMORY, NULL},
    {"(os error 12)", TN_ERROR_NO_MEMORY, NULL}, /* ENOMEM of mmap */
    {"exceeds memory limits", TN_ERROR_MEMORY_LIMIT, NULL},
    {"exceeds table limits", TN_ERROR_MEMORY_LIMIT, NULL},
    {"shared memory support is disabled", TN_ERROR_UNSUPPORTED,
     "shared memories (the threads proposal) are not supported"},
};

/* An error of `kind`, or of the better one that its words tell. Those of an invalid module are taken as they are: they
 * quote names, which are the guest's. */
static tn_error *error_from_engine(tn_error_kind kind, tn_str text) {
  for (size_t i = 0; kind != TN_ERROR_INVALID && i < sizeof known_texts / sizeof *known_texts;
       i++) {
    if (!contains(text, known_texts[i].words)) continue;
    const char *ours = known_texts[i].ours;
    return error_from_text(known_texts[i].kind, ours != NULL ? tn_str_from(ours) : text);
  }
  return error_from_text(kind, text);
}

/* "resource limit exceeded: instance count too high at 5" tells the number, not the limit: this does. NULL when it is
 * about something else. */
static tn_error *count_error(const tn_store *store, tn_str text) {
  const struct {
    const char *word, *many, *option;
    uint32_t limit;
  } counts[] = {
      {"exceeded: instance count", "core instances", "max_instances", store->limits.instances},
      {"exceeded: memory count", "memories", "max_memories", store->limits.memories},
      {"exceeded: table count", "tables", "max_tables", store->limits.tables},
  };
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    if (!contains(text, counts[i].word)) continue;
    tn_error *error = tn_error_new(TN_ERROR_LIMIT, "the guest needs more %s than its limit of %u",
                                   counts[i].many, counts[i].limit);
    return tn_error_set_hint(error, "raise `%s`", counts[i].option);
  }
  return NULL;
}

/* The option that would have allowed it, as tenon.h calls it. */
static const char *option_of(tn_error_kind kind) {
  switch (kind) {
  case TN_ERROR_STACK:
    return "max_stack_bytes";
  case TN_ERROR_FUEL:
    return "fuel";
  case TN_ERROR_TIMEOUT:
    return "timeout";
  default:
    return NULL;
  }
}

static tn_error_kind trap_kind(wasmtime_trap_code_t code) {
  switch (code) {
  case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
    return TN_ERROR_STACK;
  case WASMTIME_TRAP_CODE_OUT_OF_FUEL:
    return TN_ERROR_FUEL;
  case WASMTIME_TRAP_CODE_INTERRUPT:
    return TN_ERROR_TIMEOUT;
  default:
    return TN_ERROR_TRAP;
  }
}

/* A trap made of the code alone has the engine's exact wording and nothing else. */
static tn_error *error_from_code(wasmtime_trap_code_t code) {
  wasm_trap_t *bare = wasmtime_trap_new_code(code);
  wasm_byte_vec_t text;
  wasm_trap_message(bare, &text);
  tn_error *error =
      error_from_text(trap_kind(code), (tn_str){text.data, strnlen(text.data, text.size)});
  wasm_byte_vec_delete(&text);
  wasm_trap_delete(bare);
  const char *option = option_of(trap_kind(code));
  if (option != NULL) tn_error_set_hint(error, "raise `%s`", option);
  return error;
}

tn_error *tn_engine_stack_exhausted(void) {
  return error_from_code(WASMTIME_TRAP_CODE_STACK_OVERFLOW);
}

/* ---- frames ---------------------------------------------------------------------------------------- */

enum { MAX_FRAMES = 20 }; /* the innermost ones, which is what the engine keeps */

/* Rust's older symbols end in a hash of the compiler's: "::h" and 16 hexadecimal digits. */
static tn_str without_hash(tn_str name) {
  enum { HASH = 19 };
  if (name.len <= HASH) return name;
  tn_str end = tn_str_slice(name, name.len - HASH, name.len);
  if (!tn_str_starts_with(end, TN_STR("::h"))) return name;
  for (size_t i = 3; i < HASH; i++) {
    if (memchr("0123456789abcdef", end.data[i], 16) == NULL) return name;
  }
  return tn_str_slice(name, 0, name.len - HASH);
}

/* The C API gives function names as they are in the file; only the printed backtrace has them demangled:
 * "   0:   0x2b - module!demangled::name". Returns the part after the module's name of frame `index`, or
 * an empty string. */
static tn_str demangled_name(tn_str text, size_t index, const wasm_name_t *module) {
  char start[32];
  int length = snprintf(start, sizeof start, "%zu: ", index);
  while (text.len > 0) {
    tn_str line = trimmed(next_line(&text));
    if (tn_str_equal(line, TN_STR("Caused by:"))) break;
    if (!tn_str_starts_with(line, (tn_str){start, (size_t)length})) continue;
    const char *name = memmem(line.data, line.len, " - ", 3);
    if (name == NULL) break;
    line = tn_str_slice(line, (size_t)(name - line.data) + 3, line.len);
    tn_str prefix = module != NULL ? (tn_str){module->data, module->size} : TN_STR("<unknown>");
    if (tn_str_starts_with(line, prefix) && line.len > prefix.len && line.data[prefix.len] == '!') {
      line = tn_str_slice(line, prefix.len + 1, line.len);
    }
    return without_hash(line);
  }
  return (tn_str){0};
}

static bool is_mangled(const wasm_name_t *name) {
  tn_str text = {name->data, name->size};
  return tn_str_starts_with(text, TN_STR("_Z")) || tn_str_starts_with(text, TN_STR("_R")) ||
         tn_str_starts_with(text, TN_STR("__Z"));
}

static char *copy_name(const char *data, size_t size) {
  char *copy = tn_malloc(size + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, data, size);
  copy[size] = '\0';
  return copy;
}

static void add_frame(tn_error *error, const wasm_frame_t *source, size_t index, tn_str printed) {
  const wasm_name_t *function = wasmtime_frame_func_name(source);
  const wasm_name_t *module = wasmtime_frame_module_name(source);
  tn_str name = {0};
  if (function != NULL) {
    name = (tn_str){function->data, function->size};
    tn_str demangled = is_mangled(function) ? demangled_name(printed, index, module) : (tn_str){0};
    if (demangled.len > 0) name = demangled;
  }
  char *function_name = function != NULL ? copy_name(name.data, name.len) : NULL;
  char *module_name = module != NULL ? copy_name(module->data, module->size) : NULL;
  tn_frame frame = {
      .module = module_name,
      .function = function_name,
      .function_index = wasm_frame_func_index(source),
      .function_offset = wasm_frame_func_offset(source),
      .module_offset = wasm_frame_module_offset(source),
  };
  tn_error_add_frame(error, &frame);
  tn_free(function_name);
  tn_free(module_name);
}

static void add_frames(tn_error *error, const wasm_frame_vec_t *frames, tn_str printed) {
  /* an error that has crossed another call already knows its whole way */
  if (tn_error_frame_count(error) > 0) return;
  for (size_t i = 0; i < frames->size; i++)
    add_frame(error, frames->data[i], i, printed);
  if (frames->size >= MAX_FRAMES) tn_error_cut_backtrace(error);
}

/* ---- conversion ------------------------------------------------------------------------------------ */

static tn_error *from_trap(const wasm_trap_t *trap, tn_error *parked, tn_error_kind kind) {
  wasm_byte_vec_t message;
  wasm_trap_message(trap, &message);
  tn_str text = {message.data, strnlen(message.data, message.size)};
  wasmtime_trap_code_t code;
  tn_error *error = parked;
  if (error == NULL && wasmtime_trap_code(trap, &code)) error = error_from_code(code);
  if (error == NULL) error = error_from_engine(kind, text);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  add_frames(error, &frames, text);
  wasm_frame_vec_delete(&frames);
  wasm_byte_vec_delete(&message);
  return error;
}

static tn_error *from_error(const wasmtime_error_t *source, tn_error *parked, tn_error_kind kind) {
  wasm_byte_vec_t message;
  wasmtime_error_message(source, &message);
  tn_str text = {message.data, message.size};
  tn_error *error = parked != NULL ? parked : error_from_engine(kind, text);
  wasm_frame_vec_t frames;
  wasmtime_error_wasm_trace(source, &frames);
  add_frames(error, &frames, text);
  wasm_frame_vec_delete(&frames);
  wasm_byte_vec_delete(&message);
  return error;
}

static tn_error *convert(wasmtime_error_t *error, wasm_trap_t *trap, tn_error *parked,
                         tn_error_kind kind) {
  tn_error *result = trap != NULL ? from_trap(trap, parked, kind) : from_error(error, parked, kind);
  if (trap != NULL) wasm_trap_delete(trap);
  if (error != NULL) wasmtime_error_delete(error);
  return result;
}

tn_error *tn_engine_fail(wasmtime_error_t *error, wasm_trap_t *trap, tn_error_kind kind) {
  return convert(error, trap, NULL, kind);
}

/* An exception that nobody caught stays in the store until it is taken out. */
static bool drop_exception(tn_store *store) {
  wasmtime_exnref_t exception;
  if (!wasmtime_context_take_exception(store->context, &exception)) return false;
  wasmtime_exnref_unroot(&exception);
  return true;
}

/* What the engine says about a limit of this store, in our words; NULL when it is something else. */
static tn_error *limit_error(const tn_store *store, const wasmtime_error_t *source) {
  wasm_byte_vec_t message;
  wasmtime_error_message(source, &message);
  tn_error *error = count_error(store, (tn_str){message.data, message.size});
  wasm_byte_vec_delete(&message);
  return error;
}

tn_error *tn_engine_fail_guest(tn_store *store, wasmtime_error_t *error, wasm_trap_t *trap,
                               tn_error_kind kind) {
  tn_error *parked = store->parked;
  store->parked = NULL;
  if (drop_exception(store) && parked == NULL) {
    parked = tn_error_new(TN_ERROR_TRAP, "wasm trap: an exception was thrown and not caught");
  }
  if (error != NULL && parked == NULL) parked = limit_error(store, error);
  tn_error *result = convert(error, trap, parked, kind);
  if (tn_error_get_kind(result) == TN_ERROR_FUEL)
    tn_error_set_limit(result, TN_LIMIT_FUEL, store->limits.fuel, store->limits.fuel);
  return result;
}
