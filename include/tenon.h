/* libtenon: run, call and link WebAssembly components from C.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * In short
 *
 *   tn_engine (shared)  ->  tn_component (shared)  ->  tn_linked (shared)  ->  tn_instance (one thread)
 *                                tn_linker ------------^
 *
 * An engine holds compiler settings and caches. A component is a decoded, validated and compiled file. A
 * linker says where imports come from: host functions written in C, WASI, other components. Linking checks
 * and resolves everything once; the result can be instantiated any number of times, each instance with a
 * store, memories and rights of its own.
 *
 * Errors. Functions that can fail return `tn_error *`: NULL for success, else an error that the caller owns
 * and ends with tn_error_delete. Results are written only on success.
 *
 * Threads. Engine, component and linked may be used by any number of threads at once. A linker is set up by
 * one thread; once it is no longer changed, any may link with it. An instance, its functions and values
 * belong to one thread at a time. tn_instance_cancel is the exception: any thread may call it.
 * The library keeps no global state.
 *
 * Stacks. A guest may always use max_stack_bytes of its engine, and host functions that it calls may use 512 KiB more,
 * however small the caller's stack is: where the rest of that is less than both together, or where the library cannot
 * tell (on a coroutine's stack, say), the call runs on a stack of the instance's own. This costs a microsecond for a call,
 * and host functions then do not run on the thread's stack. Threads with 1 MiB and more beneath the call avoid it, if
 * max_stack_bytes is the default. Loading and linking are no calls: they run on the caller's stack, and want 512 KiB.
 *
 * Signals. The library changes no disposition but those by which the engine catches the traps of guests (SIGSEGV, SIGILL,
 * SIGFPE, SIGBUS; others' handlers are called for what is not a guest's). A program that sets RLIMIT_FSIZE should ignore
 * SIGXFSZ, so that a file that may not grow is an error that the guest gets to see instead of the process's end.
 *
 * Strings are UTF-8; a tn_str is a pointer and a length, a `const char *` is ended by NUL. */
#ifndef TENON_H
#define TENON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TN_API __attribute__((visibility("default")))
#else
#define TN_API
#endif

#define TN_VERSION_STRING "0.1.0"

/* Bytes with a length; not owned, not necessarily ended by NUL. */
typedef struct tn_str {
  const char *data;
  size_t len;
} tn_str;

/* ---- errors ----------------------------------------------------------------------------------- */

typedef struct tn_error tn_error;

typedef enum tn_error_kind {
  TN_ERROR_NONE = 0,
  TN_ERROR_NO_MEMORY, /* the host is out of memory */
  TN_ERROR_ARGUMENT, /* the caller's arguments are wrong: flags, WAVE text, value of the wrong type */
  TN_ERROR_IO,       /* a file could not be read or written */
  TN_ERROR_MALFORMED,   /* not a WebAssembly file, or one that cannot be decoded */
  TN_ERROR_INVALID,     /* decoded, but breaks a validation rule */
  TN_ERROR_UNSUPPORTED, /* valid, but needs what this version does not have; the message names it */
  TN_ERROR_LINK,        /* an import is missing or has the wrong type */
  TN_ERROR_NOT_FOUND,   /* no such export */
  TN_ERROR_TRAP,        /* the guest trapped */
  TN_ERROR_EXIT,        /* the guest called exit; see tn_error_get_exit_code */
  TN_ERROR_STACK,       /* the guest's stack overflowed */
  TN_ERROR_FUEL,        /* out of fuel */
  TN_ERROR_TIMEOUT,     /* out of time, running or blocked */
  TN_ERROR_MEMORY_LIMIT, /* a memory or table would grow beyond its limit */
  TN_ERROR_LIMIT,        /* another limit: handles, instances, output bytes … */
  TN_ERROR_DENIED,       /* a right that was not granted */
  TN_ERROR_CANCELLED,    /* tn_instance_cancel */
  TN_ERROR_POISONED,     /* the instance trapped earlier and cannot be entered any more */
  TN_ERROR_INTERNAL,     /* a bug in Tenon */
  TN_ERROR_HOST, /* a host function is wrong: its result is none of its type, or it failed without saying why */
} tn_error_kind;

/* One WebAssembly frame of a backtrace. Strings live as long as the error; NULL: not known. */
typedef struct tn_frame {
  const char *component; /* path of the component instance */
  const char *module;    /* name of the core module */
  const char *function;  /* demangled name */
  uint32_t function_index;
  size_t function_offset; /* of the instruction, from the start of the function */
  size_t module_offset;   /* likewise, from the start of the module's bytes */
} tn_frame;

TN_API tn_error_kind tn_error_get_kind(const tn_error *error);
/* One line: what was being done, what was wrong, where. */
TN_API const char *tn_error_get_message(const tn_error *error);
/* What would help, or NULL. */
TN_API const char *tn_error_get_hint(const tn_error *error);
/* The guest's exit code for kind TN_ERROR_EXIT (0-255), else 0. */
TN_API int tn_error_get_exit_code(const tn_error *error);
/* The wasm backtrace, innermost frame first. */
TN_API size_t tn_error_frame_count(const tn_error *error);
TN_API const tn_frame *tn_error_frame(const tn_error *error, size_t index);
/* Whether there may have been more frames, further out: the engine keeps the innermost 20. */
TN_API bool tn_error_is_backtrace_cut(const tn_error *error);
TN_API void tn_error_delete(tn_error *error);
/* An error of one's own, to return from a host function: it ends the guest. TN_ERROR_NONE and what is no kind are made
 * TN_ERROR_HOST; a message that is NULL says that there was none. */
TN_API tn_error *tn_error_make(tn_error_kind kind, const char *message);

/* ---- values ----------------------------------------------------------------------------------- */

/* Types. A value of a component type has a *native form*: a C struct laid out as C lays it out.
 *
 *   bool                      uint8_t, 0 or 1          (any other value counts as 1 when read)
 *   s8 … u64, f32, f64        int8_t … uint64_t, float, double
 *   char                      uint32_t, a Unicode scalar value
 *   string                    tn_str (UTF-8)
 *   list<T>                   struct { T *data; size_t len; }
 *   list<T, N>                T[N]
 *   map<K, V>                 struct { struct { K; V; } *data; size_t len; }
 *   record, tuple             struct of the fields in order
 *   flags                     uint8_t, uint16_t or uint32_t for up to 8, 16, 32 labels; first label = bit 0
 *   enum                      uint8_t (up to 256 cases), uint16_t or uint32_t: the case's position
 *   variant                   struct { enum as above; union of the payloads; }
 *   option<T>                 struct { uint8_t is_some; T value; }
 *   result<T, E>              struct { uint8_t is_error; union { T ok; E error; }; }
 *   own<R>, borrow<R>         uint32_t: for a resource of the host, its representation, as the host chose it;
 *                             for a guest's resource, a handle in this instance (tn_instance_drop_handle)
 *
 * A function's parameters are one struct of all parameters in order, as for a tuple. */
typedef enum tn_type_kind {
  TN_TYPE_BOOL,
  TN_TYPE_S8,
  TN_TYPE_U8,
  TN_TYPE_S16,
  TN_TYPE_U16,
  TN_TYPE_S32,
  TN_TYPE_U32,
  TN_TYPE_S64,
  TN_TYPE_U64,
  TN_TYPE_F32,
  TN_TYPE_F64,
  TN_TYPE_CHAR,
  TN_TYPE_STRING,
  TN_TYPE_ERROR_CONTEXT,
  TN_TYPE_LIST,
  TN_TYPE_FIXED_LIST,
  TN_TYPE_MAP,
  TN_TYPE_RECORD,
  TN_TYPE_TUPLE,
  TN_TYPE_VARIANT,
  TN_TYPE_ENUM,
  TN_TYPE_OPTION,
  TN_TYPE_RESULT,
  TN_TYPE_FLAGS,
  TN_TYPE_OWN,
  TN_TYPE_BORROW,
  TN_TYPE_STREAM,
  TN_TYPE_FUTURE,
} tn_type_kind;

typedef struct tn_type tn_type;
typedef struct tn_func_type tn_func_type;
typedef struct tn_resource tn_resource;

/* ---- host functions --------------------------------------------------------------------------- */

/* One call of a host function, for its duration. */
typedef struct tn_call tn_call;
typedef struct tn_instance tn_instance;

/* A host function. `params` points to the native struct of the parameters; strings and plain lists in it
 * may point straight into the guest's memory: they are valid until the function allocates in the guest
 * (tn_call_reserve) or suspends. `result` points to cleared room for the native result, if there is one;
 * strings and lists that it refers to must stay valid until the function's result has been taken over:
 * static, from tn_call_alloc, or from tn_call_reserve. Returns NULL, or an error, which ends the guest. */
typedef tn_error *(*tn_host_func)(tn_call *call, void *data, const void *params, void *result);

/* Memory that lives until the call has ended, or NULL. `alignment` is a power of two. */
TN_API void *tn_call_alloc(tn_call *call, size_t size, size_t alignment);
/* Room for `size` bytes in the guest's own memory, for a list<u8> in the result to be filled in place
 * (for example by read(2)): when the result refers to exactly this pointer, with this or a smaller
 * length, it is handed over without a copy. One at a time. Invalidates pointers in `params`. */
TN_API tn_error *tn_call_reserve(tn_call *call, size_t size, uint8_t **out);
TN_API tn_instance *tn_call_instance(tn_call *call);

/* ---- engine ----------------------------------------------------------------------------------- */

typedef struct tn_engine tn_engine;

typedef enum tn_compiler {
  TN_COMPILER_CRANELIFT, /* optimizing; the default */
  TN_COMPILER_WINCH, /* one pass: compiles many times faster, runs slower; no fuel-free loops, x86-64 */
} tn_compiler;

/* Start from tn_engine_options_init, then change what you want. */
typedef struct tn_engine_options {
  tn_compiler compiler;
  uint32_t optimize;       /* 0 none, 1 speed, 2 speed and size */
  bool consume_fuel;       /* count fuel; needed for a fuel limit */
  bool epoch_interruption; /* needed for time limits and cancellation; on by default */
  bool debug_info;
  bool deterministic;         /* canonical NaNs, deterministic relaxed SIMD */
  bool pooling;               /* reserve slots for instances in advance: fast instantiation */
  uint32_t pool_instances;    /* slots, when pooling */
  uint64_t pool_memory_bytes; /* the largest memory a slot can hold */
  /* wasm stack of one call; deeper recursion is TN_ERROR_STACK. 0: 512 KiB; at most 1 GiB. See
   * "Stacks" above */
  size_t max_stack_bytes;
  bool parallel_compilation;
  const char *cache_directory; /* for compiled code; NULL: no cache */
  /* What the cache may take: when it is more, what was not used for longest is removed, but nothing that a process has
   * loaded. 1 GiB by default; 0: no limit. Each process goes by its own. */
  uint64_t max_cache_bytes;
} tn_engine_options;

TN_API void tn_engine_options_init(tn_engine_options *options);
TN_API tn_error *tn_engine_new(const tn_engine_options *options, tn_engine **out);
/* Anything made from the engine keeps what it needs alive. */
TN_API void tn_engine_delete(tn_engine *engine);

/* ---- WASI configuration ------------------------------------------------------------------------ */

/* What an instance may see and do through WASI. A fresh one grants nothing but an empty standard input and
 * discarded output. Read-only once it is used; may then serve many instances. */
typedef struct tn_wasi_config tn_wasi_config;

TN_API tn_error *tn_wasi_config_new(tn_wasi_config **out);
TN_API void tn_wasi_config_delete(tn_wasi_config *config);
TN_API tn_error *tn_wasi_config_add_argument(tn_wasi_config *config, tn_str argument);
TN_API tn_error *tn_wasi_config_add_env(tn_wasi_config *config, tn_str name, tn_str value);
/* The directory that the guest is told it starts in; none by default. It gives no right to it. */
TN_API tn_error *tn_wasi_config_set_working_directory(tn_wasi_config *config, tn_str path);

/* A value that the guest finds through wasi:config/store; one more of the same key replaces it. */
TN_API tn_error *tn_wasi_config_add_config_value(tn_wasi_config *config, tn_str key, tn_str value);

/* Where standard input comes from and where output goes. */
typedef enum tn_stdio_kind {
  TN_STDIO_NULL,       /* end of file; output is discarded */
  TN_STDIO_INHERIT,    /* the process's own */
  TN_STDIO_DESCRIPTOR, /* an open descriptor, not owned */
  TN_STDIO_CALLBACK,   /* output only: see tn_wasi_config_set_output_callback */
} tn_stdio_kind;

TN_API tn_error *tn_wasi_config_set_stdin(tn_wasi_config *config, tn_stdio_kind kind,
                                          int descriptor);
TN_API tn_error *tn_wasi_config_set_stdout(tn_wasi_config *config, tn_stdio_kind kind,
                                           int descriptor);
TN_API tn_error *tn_wasi_config_set_stderr(tn_wasi_config *config, tn_stdio_kind kind,
                                           int descriptor);
/* Output of standard output (stream 1) or standard error (2) goes to `write`, on the guest's thread, with `data`, or if
 * that is NULL with the instance's own (`user` of its options). */
typedef void (*tn_output_func)(void *data, int stream, const uint8_t *bytes, size_t size);
TN_API tn_error *tn_wasi_config_set_output_callback(tn_wasi_config *config, int stream,
                                                    tn_output_func write, void *data);
/* The most bytes that the guest may write to standard output and error together; more is TN_ERROR_LIMIT. */
TN_API tn_error *tn_wasi_config_set_output_limit(tn_wasi_config *config, uint64_t bytes);

/* Grants a host directory under the guest's path; nothing outside it can be reached through it. */
enum { TN_DIRECTORY_READ_ONLY = 1 };
TN_API tn_error *tn_wasi_config_add_directory(tn_wasi_config *config, const char *host_path,
                                              const char *guest_path, unsigned flags);

/* Grants network rights. A rule is "HOST[:PORT]" with HOST a name, an address, a range in CIDR form or "*",
 * and PORT a number, a range "8000-8999" or "*" (the default); IPv6 in brackets. */
enum {
  TN_NETWORK_TCP_CONNECT = 1,
  TN_NETWORK_TCP_LISTEN = 2,
  TN_NETWORK_UDP = 4,
  TN_NETWORK_ALL = 7,
};
TN_API tn_error *tn_wasi_config_allow_network(tn_wasi_config *config, const char *rule,
                                              unsigned operations);
/* Everything: all addresses, ports, operations, and name lookup. */
TN_API tn_error *tn_wasi_config_inherit_network(tn_wasi_config *config);
TN_API tn_error *tn_wasi_config_allow_name_lookup(tn_wasi_config *config, bool allowed);

/* Grants outgoing HTTP requests (wasi:http/outgoing-handler); without a rule none is allowed. A rule is
 * "[METHOD[,METHOD]...@]HOST[:PORT]" with HOST and PORT as above, or "*.NAME" for all names below NAME.
 * Whatever a name or "*" resolves to, the guest does not reach loopback, private, link-local and other addresses that
 * are not of the public Internet: for that a rule must name the address or a range within those, or be for "localhost",
 * or the second function must allow all of them. */
TN_API tn_error *tn_wasi_config_allow_http(tn_wasi_config *config, const char *rule);
TN_API tn_error *tn_wasi_config_allow_http_private(tn_wasi_config *config, bool allowed);
/* All requests, to whatever address. */
TN_API tn_error *tn_wasi_config_allow_http_all(tn_wasi_config *config, bool allowed);

/* Clocks of its own instead of the system's: each returns nanoseconds. `wait` is called instead of waiting
 * until `deadline` of the monotonic clock and has to move the clock there. */
typedef struct tn_clock {
  uint64_t (*monotonic_now)(void *data);
  uint64_t (*wall_now)(void *data); /* since 1970-01-01T00:00:00Z */
  void (*wait)(void *data, uint64_t deadline);
  uint64_t resolution;
  void *data;
} tn_clock;
TN_API tn_error *tn_wasi_config_set_clock(tn_wasi_config *config, const tn_clock *clock);
/* Random numbers from a seeded generator instead of the system's: the same seed, the same sequence. */
TN_API tn_error *tn_wasi_config_set_random_seed(tn_wasi_config *config, uint64_t seed);

/* ---- components -------------------------------------------------------------------------------- */

/* A decoded, validated and compiled component, or a core module (a preview 1 command, say). */
typedef struct tn_component tn_component;

enum {
  /* Also accept a compiled artifact (tn_component_artifact). Artifacts hold native code: accept them only
   * from those whom you would let run any program. Their integrity is checked. */
  TN_LOAD_ARTIFACT = 1,
  /* Neither look into the engine's cache nor add to it. */
  TN_LOAD_NO_CACHE = 2,
};

/* From bytes: a binary component or module, its text form, or (with the flag) an artifact. `name` is for
 * messages. The bytes are copied. Errors: MALFORMED, INVALID, UNSUPPORTED, NO_MEMORY. */
TN_API tn_error *tn_component_from_bytes(tn_engine *engine, const void *bytes, size_t size,
                                         const char *name, unsigned flags, tn_component **out);
/* The same from a file, which is mapped. It must not be changed in place while the component lives. */
TN_API tn_error *tn_component_from_file(tn_engine *engine, const char *path, unsigned flags,
                                        tn_component **out);
/* Decodes and validates only, modules within included; compiles nothing. */
TN_API tn_error *tn_validate(tn_engine *engine, const void *bytes, size_t size, const char *name);
/* Whether it is a core module rather than a component. */
TN_API bool tn_component_is_module(const tn_component *component);
/* Its compiled form: give *out back with tn_release. */
TN_API tn_error *tn_component_artifact(const tn_component *component, uint8_t **out, size_t *size);
TN_API void tn_component_delete(tn_component *component);

/* WebAssembly text, module or component, to binary. Give *out back with tn_release. */
TN_API tn_error *tn_text_to_binary(tn_str text, uint8_t **out, size_t *size);

typedef enum tn_inspect_format { TN_INSPECT_TEXT, TN_INSPECT_JSON } tn_inspect_format;
/* Describes a file without compiling it: imports, exports and types as WIT, sections and sizes,
 * producers. Give *out (NUL-ended) back with tn_release. */
TN_API tn_error *tn_inspect(const void *bytes, size_t size, const char *name,
                            tn_inspect_format format, char **out);

/* Gives back bytes or text that the library handed out. NULL is fine. */
TN_API void tn_release(void *bytes);

/* ---- linking ----------------------------------------------------------------------------------- */

/* Where imports come from. Interfaces are matched by semantic version: a definition of
 * "wasi:clocks/wall-clock@0.2.12" also serves an import of "…@0.2.3". */
typedef struct tn_linker tn_linker;

TN_API tn_error *tn_linker_new(tn_linker **out);
TN_API void tn_linker_delete(tn_linker *linker);

/* Defines WASI 0.2 and preview 1. What a guest may do with it is said for each instance. */
TN_API tn_error *tn_linker_define_wasi(tn_linker *linker);

/* Declares named types of a host interface as WIT: "record point { x: s32, y: s32 } type id = u64;", also
 * "use wasi:io/streams.{input-stream};" for types of an interface that is defined already. `interface`
 * is "namespace:package/name@version", or "" for what a component imports directly. */
TN_API tn_error *tn_linker_define_types(tn_linker *linker, const char *interface, const char *wit);

/* Declares a resource type of the host. The guest's handles stand for a representation: a number that the
 * host chooses when it returns an own handle and gets back as a parameter. `drop` (may be NULL) is called
 * when the guest gives up an own handle, and when the instance ends (or could not be made) for every own
 * handle that the guest still has, newest first: the instance's functions cannot be called any more then.
 * TN_ERROR_ARGUMENT when the name is none, or the interface has a type of it already. */
typedef void (*tn_drop_func)(tn_instance *instance, void *data, uint32_t representation);
TN_API tn_error *tn_linker_define_resource(tn_linker *linker, const char *interface,
                                           const char *name, tn_drop_func drop, void *data);

/* Defines a host function. `name` is the plain name, or "[method]counter.bump", "[static]…",
 * "[constructor]counter"; `signature` is WIT, such as "func(a: list<point>) -> result<u32, string>", and may
 * use the interface's declared types. TN_ERROR_ARGUMENT when the signature is wrong, a name is none that an import can
 * have, or `func` is NULL. A definition that is refused, of whatever kind, leaves the linker as it was. */
TN_API tn_error *tn_linker_define_func(tn_linker *linker, const char *interface, const char *name,
                                       const char *signature, tn_host_func func, void *data);

/* How a component takes part in a link. */
typedef struct tn_link_options {
  const char *name; /* in messages and backtraces; NULL: its file's */
  /* What it may do through WASI, which is its own: it has nothing of what is granted to others. NULL: nothing. Its
   * clock is not looked at: time is one for all. Outlives everything linked with it. */
  const tn_wasi_config *wasi;
} tn_link_options;

/* Adds a component whose exports meet imports of what is linked, and of other components that take part. Imports are
 * met in this order: by the components of the linker in the order in which they were added, the first that exports the
 * interface in a compatible version; then by host definitions. A component that exports an interface which it also
 * imports stands in front of it: its own import is met by those added after it, or by the host. Those that
 * nothing imports are not made. `options` may be NULL. The component may be deleted; it must be of the same
 * engine as what is linked. TN_ERROR_LINK when it is a core module. */
TN_API tn_error *tn_linker_add_component(tn_linker *linker, const tn_component *component,
                                         const tn_link_options *options);

/* Cuts the next part off a text such as "store.wasm;dir=data::/data", as `tenon run --link` takes it: a file and its
 * rights, between semicolons; a backslash stands before a semicolon or backslash that is meant as such. Changes the
 * text, of which *text is what is left. NULL at the end. */
TN_API char *tn_link_text_part(char **text);

/* A component whose imports are resolved and whose calls are planned. Outlives its linker. */
typedef struct tn_linked tn_linked;

/* Resolves every import. TN_ERROR_LINK names the import, what was expected and what was given. */
TN_API tn_error *tn_linker_link(tn_linker *linker, const tn_component *component, tn_linked **out);
TN_API void tn_linked_delete(tn_linked *linked);
/* Whether the component is part of it: itself, or because something imports what it exports. */
TN_API bool tn_linked_uses(const tn_linked *linked, const tn_component *component);

/* ---- instances --------------------------------------------------------------------------------- */

/* Start from tn_instance_options_init (no limits but for 1 048 576 handles and 256 MiB of the host's memory, no WASI
 * rights). */
typedef struct tn_instance_options {
  const tn_wasi_config *wasi;  /* NULL: nothing granted; else outlives the instance */
  uint64_t max_memory_bytes;   /* of each linear memory */
  uint64_t max_table_elements; /* of each table */
  uint32_t max_instances;      /* core instances */
  uint32_t max_tables;
  uint32_t max_memories;
  uint32_t max_handles; /* of each component instance; with preview 1, open files and directories */
  /* What the values of one call may take or refer to on their way from the guest to the host, 128 MiB
   * by default: lists of lists can refer to the same memory many times over. */
  uint64_t max_transfer_bytes;
  /* Kept by the host for the guest beyond its own memory: its resources, fields, buffers, what calls move;
   * 256 MiB by default. More is TN_ERROR_MEMORY_LIMIT. */
  uint64_t max_host_memory_bytes;
  bool has_fuel; /* the engine must count fuel */
  uint64_t fuel;
  /* nanoseconds of wall-clock time from the instance's making, running or blocked; 0: none */
  uint64_t timeout;
  void *user;        /* see tn_instance_user */
  bool count_memory; /* see tn_instance_memory_peak (tenon/exec.h) */
  /* memory.grow is decided by the limit alone: where the machine has not as much, the guest ends
   * with TN_ERROR_NO_MEMORY. Implies count_memory */
  bool sure_memory;
  struct tn_recording *recording; /* see tenon/exec.h; NULL: none. Outlives the instance */
} tn_instance_options;

TN_API void tn_instance_options_init(tn_instance_options *options);
/* Makes an instance; runs start functions. */
TN_API tn_error *tn_instance_new(const tn_linked *linked, const tn_instance_options *options,
                                 tn_instance **out);
/* Ends the instance. The guest is not entered: destructors of its own resources do not run, but those of the host do
 * (see tn_drop_func). */
TN_API void tn_instance_delete(tn_instance *instance);
TN_API void *tn_instance_user(tn_instance *instance);
/* Ends whatever the instance is doing with TN_ERROR_CANCELLED, now or at its next call. Any thread; also
 * safe in a signal handler. */
TN_API void tn_instance_cancel(tn_instance *instance);
TN_API uint64_t tn_instance_fuel_left(tn_instance *instance);

/* Runs a command: `wasi:cli/run` of a component or `_start` of a module. *exit_code is the guest's own: 0
 * when it returned, 1 when `run` returned an error, n for exit(n). */
TN_API tn_error *tn_instance_run(tn_instance *instance, int *exit_code);

/* An exported function; belongs to the instance. Exported names are "add" for a direct export and
 * "docs:adder/add@0.1.0#add" for one of an interface; the interface's version, or all of it when the
 * function's name alone is unambiguous, may be left out. In a core module the functions with number types
 * only, i32 and i64 as s32 and s64. */
typedef struct tn_func tn_func;

TN_API tn_error *tn_instance_func(tn_instance *instance, tn_str name, const tn_func **out);
TN_API size_t tn_instance_func_count(const tn_instance *instance);
TN_API const tn_func *tn_instance_func_at(const tn_instance *instance, size_t index);
TN_API tn_str tn_func_name(const tn_func *func);
TN_API const tn_func_type *tn_func_get_type(const tn_func *func);

/* Memory in which values live until it is reset or deleted. One thread. */
typedef struct tn_values tn_values;
TN_API tn_error *tn_values_new(tn_values **out);
TN_API void *tn_values_alloc(tn_values *values, size_t size,
                             size_t alignment); /* NULL: out of memory */
TN_API void tn_values_reset(tn_values *values);
TN_API void tn_values_delete(tn_values *values);

/* Calls a function: `params` is the native struct of all parameters (NULL if none), `result` room for the
 * native result (NULL if none). What the result points to lives in `values`. */
TN_API tn_error *tn_func_call(const tn_func *func, const void *params, void *result,
                              tn_values *values);
/* Gives up a handle of a guest's resource that a result held. */
TN_API tn_error *tn_instance_drop_handle(tn_instance *instance, uint32_t handle);

/* Calls by text: "area(rect((2.0, 3.0)))", arguments and result as WAVE. *out ("" when the function has no
 * result) is given back with tn_release. */
TN_API tn_error *tn_instance_invoke(tn_instance *instance, tn_str call, char **out);

/* ---- values as text, and types at run time ------------------------------------------------------ */

TN_API tn_error *tn_values_from_wave(tn_values *values, const tn_type *type, tn_str text,
                                     void *out);
TN_API tn_error *tn_values_from_json(tn_values *values, const tn_type *type, tn_str text,
                                     void *out);
/* Give *out (NUL-ended) back with tn_release. */
TN_API tn_error *tn_value_to_wave(const tn_type *type, const void *value, char **out);
TN_API tn_error *tn_value_to_json(const tn_type *type, const void *value, char **out);
TN_API bool tn_value_is_equal(const tn_type *type, const void *a, const void *b);

TN_API tn_type_kind tn_type_get_kind(const tn_type *type);
TN_API size_t tn_type_get_size(const tn_type *type); /* of the native form */
TN_API size_t tn_type_get_alignment(const tn_type *type);
/* Parts: fields, elements, cases, labels; 1 for list, fixed list, option, stream and future; 2 for map (key, value) and
 * result (ok, error). */
TN_API size_t tn_type_part_count(const tn_type *type);
/* The type of a part, NULL where it has none (a case without payload, `result<_, e>`). */
TN_API const tn_type *tn_type_part(const tn_type *type, size_t index);
/* The name of a field, case or label; "ok" and "err" for result; .data == NULL where there is none. */
TN_API tn_str tn_type_part_name(const tn_type *type, size_t index);
/* Where a field or element lies in a record or tuple; where the payload lies in a variant, option or result. */
TN_API size_t tn_type_part_offset(const tn_type *type, size_t index);
TN_API size_t tn_type_length(const tn_type *type);            /* of a fixed-length list */
TN_API size_t tn_type_discriminant_size(const tn_type *type); /* 1, 2 or 4; of flags: their size */

TN_API size_t tn_func_type_param_count(const tn_func_type *type);
TN_API tn_str tn_func_type_param_name(const tn_func_type *type, size_t index);
/* All parameters as one tuple type: how tn_func_call takes them. */
TN_API const tn_type *tn_func_type_params(const tn_func_type *type);
TN_API const tn_type *tn_func_type_result(const tn_func_type *type); /* NULL: none */
/* "func(a: u32) -> string"; give *out back with tn_release. */
TN_API tn_error *tn_func_type_to_wit(const tn_func_type *type, char **out);

/* ---- HTTP server --------------------------------------------------------------------------------- */

/* What a server is to do, collected from flags and files; see docs/serve.md for every name. */
typedef struct tn_server_settings tn_server_settings;

TN_API tn_error *tn_server_settings_new(tn_server_settings **out);
TN_API void tn_server_settings_delete(tn_server_settings *settings);
/* One setting by the name that it has in the file, with its value as text: "max-body", "10MiB". Those of a component or
 * of a listening address hold for all of them; where two sections have the same name, "component.max-concurrent". A
 * list is added to, but addresses to listen at replace those of the file. What is set here wins over the file. Errors:
 * ARGUMENT, and IO for a directory that is not there. */
TN_API tn_error *tn_server_settings_set(tn_server_settings *settings, const char *name,
                                        const char *value);
/* "[HOST][/PATH]=FILE"; "FILE" alone serves everything. */
TN_API tn_error *tn_server_settings_add_route(tn_server_settings *settings, const char *route);
/* The TOML file; it is read when the server starts and at each reload. */
TN_API tn_error *tn_server_settings_set_file(tn_server_settings *settings, const char *path);

/* Something wrong with the settings. Lines and columns count from 1; 0: not known. Lives for the call. */
typedef struct tn_server_problem {
  tn_error_kind kind;
  const char *file; /* NULL: a flag */
  unsigned line;
  unsigned column;
  const char *message;
  const char *hint; /* or NULL */
  bool is_warning;  /* a server would start all the same */
} tn_server_problem;
/* Reads everything, components and certificates included, and reports all that is wrong, in the order of the file.
 * Gives the number of problems, without warnings. */
TN_API size_t tn_server_settings_check(const tn_server_settings *settings,
                                       void (*report)(void *data, const tn_server_problem *problem),
                                       void *data);
/* What is served where, one address or route a line; give *out (NUL-ended) back with tn_release. */
TN_API tn_error *tn_server_settings_describe(const tn_server_settings *settings, char **out);

/* One setting, for help and documentation. Strings are static. */
typedef struct tn_server_setting {
  const char *section; /* "": top level of the file; "limits", "listen", "component", "route" */
  const char *name;
  const char *argument; /* what stands for the value: "SIZE"; NULL: a flag or a table */
  const char *fallback; /* the default; NULL: none */
  const char *help;
  bool is_list; /* may be given more than once; an array in the file */
  bool is_flag; /* true or false */
  bool can_be_none;
  bool is_in_file;
  bool is_settable; /* by tn_server_settings_set */
} tn_server_setting;
TN_API size_t tn_server_setting_count(void);
TN_API tn_server_setting tn_server_setting_at(size_t index);

typedef struct tn_server tn_server;

/* Loads the components, opens the listening sockets. */
TN_API tn_error *tn_server_new(const tn_server_settings *settings, tn_server **out);
/* Serves until tn_server_stop has been called and what was under way has ended or the drain timeout has passed. */
TN_API tn_error *tn_server_run(tn_server *server);
/* After tn_server_run: whether something goes on that cannot be ended, such as a read from a file system that hangs. The
 * server waits no more than a second for that once the time to drain is over. tn_server_delete then leaves everything as it
 * is, settings must not be deleted either, and exit(3) could wait for it: end the process with _exit(2). */
TN_API bool tn_server_is_stuck(const tn_server *server);
/* Stops accepting and drains; the second call ends at once. Any thread, also a signal handler. */
TN_API void tn_server_stop(tn_server *server);
/* Reads settings and components again; on failure the old ones stay. Any thread, also a signal handler. */
TN_API void tn_server_reload(tn_server *server);
/* Opens the log's file again, after a rotation. Any thread, also a signal handler. */
TN_API void tn_server_reopen_log(tn_server *server);
TN_API void tn_server_delete(tn_server *server);

#ifdef __cplusplus
}
#endif

#endif
