/* The abstract syntax of a component, exactly as Binary.md spells it: the decoder makes it, the validator
 * checks it, the linker walks it. Everything refers to everything else by index, in the index spaces of
 * Explainer.md#index-spaces, which a consumer builds up by going through `definitions` in order.
 *
 * All of it lives in one arena and points into the bytes that were decoded (names, module bodies), so
 * both must outlive it. Immutable once decoded, hence shared freely between threads. */
#ifndef TN_COMPONENT_AST_H
#define TN_COMPONENT_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/core_type.h"
#include "base/str.h"

/* ---- sorts and names -------------------------------------------------------------------------- */

typedef enum tn_sort {
  TN_SORT_CORE_FUNC,
  TN_SORT_CORE_TABLE,
  TN_SORT_CORE_MEMORY,
  TN_SORT_CORE_GLOBAL,
  TN_SORT_CORE_TAG,
  TN_SORT_CORE_TYPE,
  TN_SORT_CORE_MODULE,
  TN_SORT_CORE_INSTANCE,
  TN_SORT_FUNC,
  TN_SORT_VALUE,
  TN_SORT_TYPE,
  TN_SORT_COMPONENT,
  TN_SORT_INSTANCE,
  TN_SORT_COUNT
} tn_sort;

typedef struct tn_sort_index {
  tn_sort sort;
  uint32_t index;
} tn_sort_index;

/* Binary.md `nameattributes`. `name` is UTF-8 but otherwise unchecked by the decoder; the grammar of
 * extern names is the validator's business. An attribute that is absent has .data == NULL. */
typedef struct tn_extern_name {
  tn_str name;
  tn_str implements;     /* an interface name */
  tn_str version_suffix; /* a semver suffix */
  tn_str external_id;
  uint8_t duplicate_attribute; /* 0, or 1 + the kind of an attribute that came twice */
  uint32_t offset;             /* where the name starts, from the start of the file */
} tn_extern_name;

/* ---- core types ------------------------------------------------------------------------------- */

typedef struct tn_core_limits {
  uint64_t min;
  uint64_t max;
  bool has_max;
  bool is_shared;
  bool is_64;
  bool has_page_size;
  uint32_t page_size_log2; /* 16 unless has_page_size */
} tn_core_limits;

/* The type of a core import or export. In a module that was read from bytes `func` is resolved; in a
 * module *type* `type_index` refers to that module type's own type index space and `func` is NULL. */
typedef struct tn_core_extern_type {
  tn_core_extern_kind kind;
  uint32_t type_index;           /* func, tag */
  const tn_core_func_type *func; /* func, tag; NULL where the type is not a function type */
  tn_core_limits limits;         /* table, memory */
  tn_core_valtype valtype;       /* table element, global content */
  bool is_mutable;               /* global */
  bool is_shared;                /* global, table */
} tn_core_extern_type;

typedef struct tn_core_import {
  tn_str module;
  tn_str name;
  tn_core_extern_type type;
  uint32_t offset;
} tn_core_import;

typedef struct tn_core_export {
  tn_str name;
  tn_core_extern_type type;
  uint32_t index; /* in the index space of its kind; in a module read from bytes only */
  uint32_t offset;
} tn_core_export;

/* What a core module imports and exports, by our own reading of its bytes. Everything else in it is
 * left to the engine's validator. */
typedef struct tn_core_module {
  tn_str bytes; /* the whole module, magic included */
  uint32_t offset;
  uint32_t import_count;
  uint32_t export_count;
  const tn_core_import *imports;
  const tn_core_export *exports;
  tn_str name; /* of the name section; .data == NULL if none */
} tn_core_module;

/* One declarator of a core module type. */
typedef enum tn_core_decl_kind {
  TN_CORE_DECL_IMPORT,
  TN_CORE_DECL_TYPE,
  TN_CORE_DECL_ALIAS_OUTER, /* of a core type */
  TN_CORE_DECL_EXPORT,
} tn_core_decl_kind;

typedef struct tn_core_type tn_core_type;

typedef struct tn_core_decl {
  tn_core_decl_kind kind;
  uint32_t offset;
  union {
    tn_core_import import;
    const tn_core_type *type;
    struct {
      uint32_t count; /* scopes to go outward */
      uint32_t index;
    } outer;
    tn_core_export export_; /* .index unused */
  };
} tn_core_decl;

typedef enum tn_core_type_kind {
  TN_CORE_TYPE_FUNC,
  TN_CORE_TYPE_STRUCT,
  TN_CORE_TYPE_ARRAY,
  TN_CORE_TYPE_CONT,
  TN_CORE_TYPE_MODULE,
} tn_core_type_kind;

/* Binary.md `core:type`. A rec group of n types is n consecutive core types that share `group_start`. */
struct tn_core_type {
  tn_core_type_kind kind;
  bool is_final;
  bool has_supertype;
  uint32_t supertype;
  uint32_t group_index; /* position within its rec group */
  uint32_t group_size;  /* 1 outside a rec group */
  bool is_grouped;      /* written as a rec group, perhaps one of one type */
  uint32_t offset;
  tn_str encoded; /* the bytes of this composite or module type */
  tn_core_func_type func;
  uint32_t decl_count; /* kind module */
  const tn_core_decl *decls;
};

/* ---- component types -------------------------------------------------------------------------- */

typedef enum tn_primitive {
  TN_PRIM_BOOL,
  TN_PRIM_S8,
  TN_PRIM_U8,
  TN_PRIM_S16,
  TN_PRIM_U16,
  TN_PRIM_S32,
  TN_PRIM_U32,
  TN_PRIM_S64,
  TN_PRIM_U64,
  TN_PRIM_F32,
  TN_PRIM_F64,
  TN_PRIM_CHAR,
  TN_PRIM_STRING,
  TN_PRIM_ERROR_CONTEXT,
} tn_primitive;

/* A `valtype`: a primitive or a type index. */
typedef struct tn_ast_valtype {
  bool is_index;
  bool is_absent; /* for the optional ones: no type here */
  tn_primitive primitive;
  uint32_t index;
} tn_ast_valtype;

typedef struct tn_ast_field {
  tn_str label; /* .data == NULL for tuple elements */
  tn_ast_valtype type;
  uint32_t offset;
} tn_ast_field;

typedef enum tn_ast_type_kind {
  TN_AST_PRIMITIVE,
  TN_AST_RECORD,     /* fields */
  TN_AST_VARIANT,    /* fields: cases, type absent when without payload */
  TN_AST_LIST,       /* element */
  TN_AST_FIXED_LIST, /* element, length */
  TN_AST_TUPLE,      /* fields without labels */
  TN_AST_FLAGS,      /* fields: labels only */
  TN_AST_ENUM,       /* fields: labels only */
  TN_AST_OPTION,     /* element */
  TN_AST_RESULT,     /* element (ok), error; each may be absent */
  TN_AST_OWN,        /* resource */
  TN_AST_BORROW,     /* resource */
  TN_AST_STREAM,     /* element, may be absent */
  TN_AST_FUTURE,     /* element, may be absent */
  TN_AST_MAP,        /* key, element */
  TN_AST_FUNC,       /* is_async, fields: params, element: result, may be absent */
  TN_AST_COMPONENT,  /* decls */
  TN_AST_INSTANCE,   /* decls */
  TN_AST_RESOURCE,   /* representation, destructor */
} tn_ast_type_kind;

typedef struct tn_ast_decl tn_ast_decl;

typedef struct tn_ast_type {
  tn_ast_type_kind kind;
  uint32_t offset;
  bool is_async;
  bool has_destructor;
  bool has_callback;      /* kept for a later async destructor; always false today */
  tn_primitive primitive; /* TN_AST_PRIMITIVE */
  uint32_t field_count;
  const tn_ast_field *fields;
  tn_ast_valtype element;
  tn_ast_valtype error;
  tn_ast_valtype key;
  uint32_t length;   /* of a fixed-length list */
  uint32_t resource; /* type index, for own and borrow */
  tn_core_valtype representation;
  uint32_t destructor; /* core function index */
  uint32_t decl_count;
  const tn_ast_decl *decls;
} tn_ast_type;

typedef enum tn_bound_kind {
  TN_BOUND_EQ,           /* (type (eq i)) */
  TN_BOUND_SUB_RESOURCE, /* (type (sub resource)) */
} tn_bound_kind;

/* Binary.md `externtype`. */
typedef struct tn_ast_extern_type {
  tn_sort sort;        /* CORE_MODULE, FUNC, VALUE, TYPE, COMPONENT or INSTANCE */
  uint32_t index;      /* of the type; the value index for (value (eq i)) */
  tn_bound_kind bound; /* sort TYPE */
  bool value_is_eq;    /* sort VALUE */
  tn_ast_valtype value_type;
} tn_ast_extern_type;

/* ---- definitions ------------------------------------------------------------------------------ */

typedef enum tn_alias_kind {
  TN_ALIAS_EXPORT,      /* of an instance */
  TN_ALIAS_CORE_EXPORT, /* of a core instance */
  TN_ALIAS_OUTER,
} tn_alias_kind;

typedef struct tn_ast_alias {
  tn_alias_kind kind;
  tn_sort sort; /* what it adds to, i.e. the sort of the thing aliased */
  uint32_t instance;
  tn_str name;
  uint32_t outer_count;
  uint32_t outer_index;
} tn_ast_alias;

typedef struct tn_ast_import {
  tn_extern_name name;
  tn_ast_extern_type type;
} tn_ast_import;

typedef struct tn_ast_export {
  tn_extern_name name;
  tn_sort_index item; /* unused in a declarator */
  bool has_type;
  tn_ast_extern_type type;
} tn_ast_export;

/* A declarator of a component or instance type. */
typedef enum tn_ast_decl_kind {
  TN_DECL_CORE_TYPE,
  TN_DECL_TYPE,
  TN_DECL_ALIAS,
  TN_DECL_IMPORT, /* component types only */
  TN_DECL_EXPORT,
} tn_ast_decl_kind;

struct tn_ast_decl {
  tn_ast_decl_kind kind;
  uint32_t offset;
  union {
    const tn_core_type *core_type;
    const tn_ast_type *type;
    tn_ast_alias alias;
    tn_ast_import import;
    tn_ast_export export_;
  };
};

typedef struct tn_ast_core_argument {
  tn_str name;
  tn_sort_index item; /* validation allows core instances only */
} tn_ast_core_argument;

/* Binary.md `core:instanceexpr`. */
typedef struct tn_ast_core_instance {
  bool is_instantiate;
  uint32_t module; /* instantiate */
  uint32_t argument_count;
  const tn_ast_core_argument *arguments; /* instantiate: with; else the inline exports */
} tn_ast_core_instance;

typedef struct tn_ast_argument {
  tn_extern_name name; /* for instantiate only .name is set */
  tn_sort_index item;
} tn_ast_argument;

/* Binary.md `instanceexpr`. */
typedef struct tn_ast_instance {
  bool is_instantiate;
  uint32_t component; /* instantiate */
  uint32_t argument_count;
  const tn_ast_argument *arguments;
} tn_ast_instance;

/* The canonical definitions; the values are the opcodes of Binary.md `canon`. */
typedef enum tn_canon_kind {
  TN_CANON_LIFT = 0x00,
  TN_CANON_LOWER = 0x01,
  TN_CANON_RESOURCE_NEW = 0x02,
  TN_CANON_RESOURCE_DROP = 0x03,
  TN_CANON_RESOURCE_REP = 0x04,
  TN_CANON_TASK_CANCEL = 0x05,
  TN_CANON_SUBTASK_CANCEL = 0x06,
  TN_CANON_TASK_RETURN = 0x09,
  TN_CANON_CONTEXT_GET = 0x0a,
  TN_CANON_CONTEXT_SET = 0x0b,
  TN_CANON_THREAD_YIELD = 0x0c,
  TN_CANON_SUBTASK_DROP = 0x0d,
  TN_CANON_STREAM_NEW = 0x0e,
  TN_CANON_STREAM_READ = 0x0f,
  TN_CANON_STREAM_WRITE = 0x10,
  TN_CANON_STREAM_CANCEL_READ = 0x11,
  TN_CANON_STREAM_CANCEL_WRITE = 0x12,
  TN_CANON_STREAM_DROP_READABLE = 0x13,
  TN_CANON_STREAM_DROP_WRITABLE = 0x14,
  TN_CANON_FUTURE_NEW = 0x15,
  TN_CANON_FUTURE_READ = 0x16,
  TN_CANON_FUTURE_WRITE = 0x17,
  TN_CANON_FUTURE_CANCEL_READ = 0x18,
  TN_CANON_FUTURE_CANCEL_WRITE = 0x19,
  TN_CANON_FUTURE_DROP_READABLE = 0x1a,
  TN_CANON_FUTURE_DROP_WRITABLE = 0x1b,
  TN_CANON_ERROR_CONTEXT_NEW = 0x1c,
  TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE = 0x1d,
  TN_CANON_ERROR_CONTEXT_DROP = 0x1e,
  TN_CANON_WAITABLE_SET_NEW = 0x1f,
  TN_CANON_WAITABLE_SET_WAIT = 0x20,
  TN_CANON_WAITABLE_SET_POLL = 0x21,
  TN_CANON_WAITABLE_SET_DROP = 0x22,
  TN_CANON_WAITABLE_JOIN = 0x23,
  TN_CANON_BACKPRESSURE_INC = 0x24,
  TN_CANON_BACKPRESSURE_DEC = 0x25,
  TN_CANON_THREAD_INDEX = 0x26,
  TN_CANON_THREAD_NEW_INDIRECT = 0x27,
  TN_CANON_THREAD_RESUME_LATER = 0x28,
  TN_CANON_THREAD_SUSPEND = 0x29,
  TN_CANON_THREAD_SUSPEND_THEN_RESUME = 0x2a,
  TN_CANON_THREAD_YIELD_THEN_RESUME = 0x2b,
  TN_CANON_THREAD_SUSPEND_THEN_PROMOTE = 0x2c,
  TN_CANON_THREAD_YIELD_THEN_PROMOTE = 0x2d,
  TN_CANON_THREAD_SPAWN_REF = 0x40,
  TN_CANON_THREAD_SPAWN_INDIRECT = 0x41,
  TN_CANON_THREAD_AVAILABLE_PARALLELISM = 0x42,
} tn_canon_kind;

typedef enum tn_string_encoding {
  TN_ENCODING_UTF8,
  TN_ENCODING_UTF16,
  TN_ENCODING_LATIN1_UTF16,
} tn_string_encoding;

typedef enum tn_canon_option_kind {
  TN_OPTION_UTF8 = 0,
  TN_OPTION_UTF16 = 1,
  TN_OPTION_LATIN1_UTF16 = 2,
  TN_OPTION_MEMORY = 3,
  TN_OPTION_REALLOC = 4,
  TN_OPTION_POST_RETURN = 5,
  TN_OPTION_ASYNC = 6,
  TN_OPTION_CALLBACK = 7,
} tn_canon_option_kind;

typedef struct tn_ast_canon_option {
  tn_canon_option_kind kind;
  uint32_t index; /* memory or function index where the kind has one */
} tn_ast_canon_option;

/* One `canon` definition; which members count follows from Binary.md. */
typedef struct tn_ast_canon {
  tn_canon_kind kind;
  uint32_t func; /* lift: core function; lower: function */
  /* lift: function type; resource.*, stream.*, future.*: type index; thread.*: core type */
  uint32_t type;
  uint32_t option_count;
  const tn_ast_canon_option *options;
  tn_ast_valtype result;        /* task.return; may be absent */
  tn_core_valtype context_type; /* context.get/set */
  uint32_t context_slot;
  bool is_async;       /* subtask.cancel, *.cancel-* */
  bool is_cancellable; /* thread.*, waitable-set.* */
  bool is_shared;      /* thread.spawn-*, thread.available-parallelism */
  uint32_t memory;     /* waitable-set.wait/poll */
  uint32_t table;      /* thread.new-indirect, thread.spawn-indirect */
} tn_ast_canon;

typedef struct tn_ast_start {
  uint32_t func;
  uint32_t argument_count;
  const uint32_t *arguments; /* value indices */
  uint32_t result_count;
} tn_ast_start;

/* Binary.md `value`: the bytes are checked against the type by the validator. */
typedef struct tn_ast_value {
  tn_ast_valtype type;
  tn_str bytes;
} tn_ast_value;

typedef struct tn_component_ast tn_component_ast;

typedef enum tn_definition_kind {
  TN_DEFINITION_CORE_MODULE,
  TN_DEFINITION_CORE_INSTANCE,
  TN_DEFINITION_CORE_TYPE,
  TN_DEFINITION_COMPONENT,
  TN_DEFINITION_INSTANCE,
  TN_DEFINITION_ALIAS,
  TN_DEFINITION_TYPE,
  TN_DEFINITION_CANON,
  TN_DEFINITION_START,
  TN_DEFINITION_IMPORT,
  TN_DEFINITION_EXPORT,
  TN_DEFINITION_VALUE,
} tn_definition_kind;

typedef struct tn_definition {
  tn_definition_kind kind;
  uint32_t offset; /* from the start of the file */
  union {
    const tn_core_module *core_module;
    tn_ast_core_instance core_instance;
    const tn_core_type *core_type;
    const tn_component_ast *component;
    tn_ast_instance instance;
    tn_ast_alias alias;
    const tn_ast_type *type;
    tn_ast_canon canon;
    tn_ast_start start;
    tn_ast_import import;
    tn_ast_export export_;
    tn_ast_value value;
  };
} tn_definition;

typedef struct tn_custom_section {
  tn_str name;
  tn_str bytes;
  uint32_t offset;
} tn_custom_section;

/* One component, nested ones within. */
struct tn_component_ast {
  tn_str bytes;    /* the whole component, preamble included */
  uint32_t offset; /* of its first byte in the file */
  uint32_t definition_count;
  const tn_definition *definitions;
  uint32_t custom_count;
  const tn_custom_section *customs;
  tn_str name; /* of the `component-name` section; .data == NULL if none */
};

#endif
