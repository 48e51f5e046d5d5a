/* What the files of the validator share; nothing outside of it includes this.
 *
 *   validate.c                the walk over definitions, imports, exports, start
 *   scope.c                   index spaces
 *   names.c                   extern names: grammar, uniqueness, annotations, attributes
 *   visibility.c              which types have a name that clients can use
 *   types.c                   definitions of value and function types
 *   declarators.c             component and instance types, externtypes
 *   core.c                    core types, module types, core instances
 *   instances.c               component instances and aliases
 *   canon*.c                  canonical definitions
 *   values.c                  value definitions
 *   checked_type.c            making types; structurally equal ones share one `canonical`
 *   substitute.c              replacing resources when something is instantiated
 *   subtype.c, subtype_core.c subtyping, with messages that say where two types differ
 *
 * Everything lives in one scratch arena. Errors are made without an offset: tn_component_validate appends the
 * one of the definition or declarator at hand. */
#ifndef TN_COMPONENT_VALIDATE_H
#define TN_COMPONENT_VALIDATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "component/ast.h"
#include "component/component.h"
#include "component/extern_name.h"
#include "base/pointer_map.h"
#include "component/type.h"

/* ---- checked types ----------------------------------------------------------------------------- */

typedef struct tn_checked_type tn_checked_type;
typedef struct tn_checked_module tn_checked_module;

/* A resource type; its address is its identity. `owner` is the scope that binds it: a component (type) by an
 * import or a definition, an instance type by an export. Within its scope it stands for itself; whatever leaves
 * the scope gets another one in its place, see substitute.c. Invariant: a type outside of a scope never
 * refers to a resource of that scope. */
typedef struct tn_checked_resource {
  tn_resource placeholder; /* what tn_type.resource of a handle points to */
  uint32_t owner;
  bool is_imported;
  bool is_local; /* defined here, so that resource.new and resource.rep may be used */
  tn_core_valtype representation;
} tn_checked_resource;

/* The typed thing behind an import or export. */
typedef struct tn_checked_item {
  tn_sort sort;                /* CORE_MODULE, FUNC, VALUE, TYPE, COMPONENT or INSTANCE */
  const tn_checked_type *type; /* all but CORE_MODULE; the type itself for TYPE */
  const tn_checked_module *module;
} tn_checked_item;

typedef struct tn_checked_entry {
  tn_str name;
  tn_checked_item item;
} tn_checked_entry;

/* Imports or exports, in order. Invariant: `by_name` maps each name to its entry's position + 1. */
typedef struct tn_checked_table {
  tn_checked_entry *items;
  uint32_t len;
  uint32_t cap;
  tn_map by_name;
} tn_checked_table;

typedef enum tn_checked_kind {
  TN_CHECKED_VALUE,     /* value */
  TN_CHECKED_FUNC,      /* func */
  TN_CHECKED_COMPONENT, /* imports, exports, scope */
  TN_CHECKED_INSTANCE,  /* exports, scope */
  TN_CHECKED_RESOURCE,  /* resource */
} tn_checked_kind;

/* A type. Its address is its *name*: an import or export of a type makes a copy that is equal to the original
 * and has an address of its own, by which visibility.c knows it. The parts of a copy are shared.
 *
 * Invariants: immutable once made; parts are made before wholes, so there are no cycles; `depth` is at most
 * TN_MAX_TYPE_DEPTH and `size` at most TN_MAX_TYPE_WEIGHT, which bounds every walk. */
struct tn_checked_type {
  union {
    tn_type value; /* finished; all types[] are tn_checked_types too */
    /* not finished: only its first members are used; likewise tn_checked_types */
    tn_func_type func;
    struct {
      const tn_checked_table *imports; /* components only */
      const tn_checked_table *exports;
      /* The scope whose resources are bound here, 0 for none (an instance that exists). */
      uint32_t scope;
    };
    tn_checked_resource *resource;
  };
  tn_checked_kind kind;
  uint32_t depth;
  uint32_t size;
  bool has_identity; /* contains a resource or a named copy, so that substitution may change it */
  bool is_named;     /* a copy made by an import or export */
  /* VALUE: the first type made that is structurally equal to this one, perhaps itself. */
  const tn_checked_type *canonical;
  /* VALUE, kind OWN or BORROW: the type that its index referred to. */
  const tn_checked_type *handle;
};

static inline const tn_checked_type *tn_checked_from_value(const tn_type *value) {
  return (const tn_checked_type *)(const void *)value; /* `value` is the first member */
}

/* A core module's type, read from a module or from a module type; `func`s are resolved. */
struct tn_checked_module {
  uint32_t import_count;
  uint32_t export_count;
  const tn_core_import *imports;
  const tn_core_export *exports;
  tn_map exports_by_name; /* to const tn_core_extern_type * */
  tn_map imports_by_name; /* likewise, by tn_core_import_key */
};

/* An element of a core type index space: one of the two. */
typedef struct tn_checked_core_type {
  const tn_core_type *type;
  const tn_checked_module *module;
} tn_checked_core_type;

/* ---- the checker and its scopes ---------------------------------------------------------------- */

typedef struct tn_scope tn_scope;

typedef struct tn_checker {
  tn_arena *arena;
  uint32_t offset;      /* of what is being checked, for the message */
  uint64_t work;        /* steps taken so far, see tn_check_spend */
  uint32_t scope_count; /* scopes opened so far; ids start at 1 */
  tn_checked_type primitives[TN_TYPE_ERROR_CONTEXT + 1];
  /* Value types by structure: open addressing, at most half full. */
  const tn_checked_type **canonical;
  uint32_t canonical_mask;
  uint32_t canonical_count;
} tn_checker;

typedef enum tn_scope_kind {
  TN_SCOPE_COMPONENT,
  TN_SCOPE_COMPONENT_TYPE,
  TN_SCOPE_INSTANCE_TYPE
} tn_scope_kind;

typedef struct tn_checked_value {
  const tn_checked_type *type;
  bool is_used;
} tn_checked_value;

typedef TN_VEC(const tn_core_func_type *) tn_core_func_space;
typedef TN_VEC(const tn_core_extern_type *) tn_core_extern_space;
typedef TN_VEC(tn_checked_core_type) tn_core_type_space;
typedef TN_VEC(const tn_checked_module *) tn_module_space;
typedef TN_VEC(const tn_map *) tn_core_instance_space; /* name -> const tn_core_extern_type * */
typedef TN_VEC(const tn_checked_type *) tn_type_space;
typedef TN_VEC(tn_checked_value) tn_value_space;

/* The names on one side of a scope: its imports or its exports. */
typedef struct tn_scope_names {
  tn_checked_table table;
  tn_map keys;                   /* strong-uniqueness key -> tn_str *, the name that has it */
  tn_map resource_labels;        /* label of each type that is a resource -> anything */
  tn_pointer_map resource_types; /* the same by address -> tn_str *, the label */
  tn_pointer_map visible;        /* types with a name that this side may use */
} tn_scope_names;

struct tn_scope {
  tn_scope *outer;
  tn_scope_kind kind;
  uint32_t id;
  tn_core_func_space core_funcs;
  tn_core_extern_space core_tables;
  tn_core_extern_space core_memories;
  tn_core_extern_space core_globals;
  tn_core_extern_space core_tags;
  tn_core_type_space core_types;
  tn_module_space core_modules;
  tn_core_instance_space core_instances;
  tn_type_space funcs;
  tn_value_space values;
  tn_type_space types;
  tn_type_space components;
  tn_type_space instances;
  tn_scope_names imports;
  tn_scope_names exports;
  uint8_t context_type; /* of all context.get and context.set so far; 0 for none */
};

/* TN_ERROR_INVALID; never NULL, which the compiler is told so that it sees what is set after success. */
tn_error *tn_check_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull));
/* Counts steps of work whose number the file does not bound by its length, and fails beyond a limit. */
tn_error *tn_check_spend(tn_checker *checker, uint64_t steps);
/* The same for a name that is hashed, compared or copied. */
tn_error *tn_check_spend_on_name(tn_checker *checker, tn_str name);

/* ---- scope.c -------------------------------------------------------------------------- */

void tn_scope_open(tn_checker *checker, tn_scope *scope, tn_scope_kind kind, tn_scope *outer);
/* The type of the component or instance whose scope this was. */
tn_error *tn_scope_close(tn_checker *checker, const tn_scope *scope, const tn_checked_type **out);

/* Element `index` of an index space, or an error that names it ("unknown function 5: …"). */
tn_error *tn_scope_type(const tn_scope *scope, uint32_t index, const tn_checked_type **out);
tn_error *tn_scope_func(const tn_scope *scope, uint32_t index, const tn_checked_type **out);
tn_error *tn_scope_component(const tn_scope *scope, uint32_t index, const tn_checked_type **out);
tn_error *tn_scope_instance(const tn_scope *scope, uint32_t index, const tn_checked_type **out);
tn_error *tn_scope_value(tn_scope *scope, uint32_t index, tn_checked_value **out);
tn_error *tn_scope_core_func(const tn_scope *scope, uint32_t index, const tn_core_func_type **out);
tn_error *tn_scope_core_type(const tn_scope *scope, uint32_t index,
                             const tn_checked_core_type **out);
tn_error *tn_scope_core_module(const tn_scope *scope, uint32_t index,
                               const tn_checked_module **out);
tn_error *tn_scope_core_instance(const tn_scope *scope, uint32_t index, const tn_map **out);
/* A table, memory, global or tag. */
tn_error *tn_scope_core_extern(const tn_scope *scope, tn_sort sort, uint32_t index,
                               const tn_core_extern_type **out);
/* As tn_scope_type for a type that must be of one kind. */
tn_error *tn_scope_type_of_kind(const tn_scope *scope, uint32_t index, tn_checked_kind kind,
                                const tn_checked_type **out);
tn_error *tn_scope_module_type(const tn_scope *scope, uint32_t index,
                               const tn_checked_module **out);
/* Marks a value as consumed; an error the second time. */
tn_error *tn_scope_use_value(tn_scope *scope, uint32_t index, const tn_checked_type **out);

/* Each adds an element to an index space; TN_ERROR_NO_MEMORY. */
tn_error *tn_scope_add_item(tn_checker *checker, tn_scope *scope, const tn_checked_item *item);
tn_error *tn_scope_add_type(tn_checker *checker, tn_scope *scope, const tn_checked_type *type);
tn_error *tn_scope_add_core_func(tn_checker *checker, tn_scope *scope,
                                 const tn_core_func_type *type);
tn_error *tn_scope_add_core_extern(tn_checker *checker, tn_scope *scope,
                                   const tn_core_extern_type *type);
tn_error *tn_scope_add_core_module(tn_checker *checker, tn_scope *scope,
                                   const tn_checked_module *module);
tn_error *tn_scope_add_core_instance(tn_checker *checker, tn_scope *scope, const tn_map *exports);
/* The thing that an export or argument refers to. Values count as used. */
tn_error *tn_scope_item(tn_scope *scope, tn_sort_index at, tn_checked_item *out);

/* ---- checked_type.c ---------------------------------------------------------------------------- */

tn_error *tn_checker_init(tn_checker *checker, tn_arena *arena);
const tn_checked_type *tn_checked_primitive(const tn_checker *checker, tn_primitive primitive);
/* Makes a value type out of its kind, parts, labels, length and (handles) `handle`. */
tn_error *tn_checked_value_new(tn_checker *checker, const tn_type *value,
                               const tn_checked_type *handle, const tn_checked_type **out);
tn_error *tn_checked_func_new(tn_checker *checker, const tn_func_type *func,
                              const tn_checked_type **out);
/* `imports` is NULL for an instance. */
tn_error *tn_checked_tables_new(tn_checker *checker, const tn_checked_table *imports,
                                const tn_checked_table *exports, uint32_t scope,
                                const tn_checked_type **out);
tn_error *tn_checked_resource_new(tn_checker *checker, uint32_t owner, bool is_imported,
                                  const tn_checked_type **out);
/* The resource type `resource` under another address. */
tn_error *tn_checked_resource_type(tn_checker *checker, tn_checked_resource *resource,
                                   const tn_checked_type **out);
/* A named copy: an equal type with an address of its own. */
tn_error *tn_checked_alias(tn_checker *checker, const tn_checked_type *type,
                           const tn_checked_type **out);
/* Adds an entry; the name must not be in the table yet. */
tn_error *tn_checked_table_add(tn_checker *checker, tn_checked_table *table, tn_str name,
                               const tn_checked_item *item);
const tn_checked_item *tn_checked_table_get(const tn_checked_table *table, tn_str name);
const char *tn_checked_kind_name(const tn_checked_type *type);
const char *tn_sort_name(tn_sort sort);

/* ---- substitute.c ------------------------------------------------------------------------------ */

/* What to replace by what. A zeroed struct replaces nothing. */
typedef struct tn_substitution {
  tn_pointer_map resources; /* tn_checked_resource -> tn_checked_resource */
  tn_pointer_map types;     /* tn_checked_type -> tn_checked_type: given, and remembered results */
  uint32_t fresh_owner; /* resources of this scope that are not in `resources` get a fresh one */
  uint32_t new_owner;   /* owner of the fresh ones */
  bool is_imported;     /* likewise */
} tn_substitution;

tn_error *tn_substitute_type(tn_checker *checker, tn_substitution *substitution,
                             const tn_checked_type *type, const tn_checked_type **out);
tn_error *tn_substitute_table(tn_checker *checker, tn_substitution *substitution,
                              const tn_checked_table *table, const tn_checked_table **out);
/* Looks for each resource type of scope `owner` among `expected` (instances included) under the same name in
 * `actual` and has it replaced by the one found there. */
tn_error *tn_substitute_bind_resources(tn_checker *checker, tn_substitution *substitution,
                                       const tn_checked_table *actual,
                                       const tn_checked_table *expected, uint32_t owner);
/* Has each type among `expected` replaced by the one under the same name in `actual`: for use once `actual` is
 * known to match, so that exports mention the types that the importer named. */
tn_error *tn_substitute_bind_types(tn_checker *checker, tn_substitution *substitution,
                                   const tn_checked_table *actual,
                                   const tn_checked_table *expected);
/* An instance of `type` with resources of its own, owned by scope `owner`. */
tn_error *tn_substitute_open(tn_checker *checker, const tn_checked_type *type, uint32_t owner,
                             bool is_imported, const tn_checked_type **out);
/* Whether `type` refers to a resource that it does not bind itself. */
tn_error *tn_checked_has_free_resource(tn_checker *checker, const tn_checked_type *type, bool *out);

/* ---- subtype.c, subtype_core.c ----------------------------------------------------------------- */

/* Each returns an error that says how `actual` fails to be a subtype of `expected`. */
tn_error *tn_check_subtype(tn_checker *checker, const tn_checked_item *actual,
                           const tn_checked_item *expected);
tn_error *tn_check_value_subtype(const tn_checked_type *actual, const tn_checked_type *expected);
tn_error *tn_check_module_subtype(tn_checker *checker, const tn_checked_module *actual,
                                  const tn_checked_module *expected);
tn_error *tn_check_core_subtype(const tn_core_extern_type *actual,
                                const tn_core_extern_type *expected);
tn_str tn_core_import_key(tn_arena *arena, const tn_core_import *import);
bool tn_core_func_type_equal(const tn_core_func_type *a, const tn_core_func_type *b);
const char *tn_core_extern_kind_name(tn_core_extern_kind kind);
/* "[I32, I64]"; .data is NULL when out of memory. */
tn_str tn_core_valtypes_text(tn_arena *arena, const tn_core_valtype *types, uint32_t count);

/* ---- names.c, visibility.c --------------------------------------------------- */

typedef enum tn_side { TN_SIDE_IMPORT, TN_SIDE_EXPORT } tn_side;

/* Checks a name with its attributes and adds it. `names` need not belong to a scope. */
tn_error *tn_check_name(tn_checker *checker, tn_scope_names *names, tn_side side,
                        const tn_extern_name *name, const tn_checked_item *item);
/* Makes the label of a resource type known to the names that follow. */
tn_error *tn_check_resource_name(tn_checker *checker, tn_scope_names *names, const tn_str *label,
                                 const tn_checked_item *item);
/* Whether all that `item` refers to has a name on its side of the scope; records the names that it gives. */
tn_error *tn_visibility_add(tn_checker *checker, tn_scope *scope, tn_side side,
                            const tn_checked_item *item);

/* ---- types.c, declarators.c -------------------------------------------------- */

tn_error *tn_check_valtype(tn_checker *checker, const tn_scope *scope,
                           const tn_ast_valtype *valtype, const tn_checked_type **out);
tn_error *tn_check_type_definition(tn_checker *checker, tn_scope *scope, const tn_ast_type *type);
/* The type that an externtype ascribes; a fresh resource for (sub resource). */
tn_error *tn_check_extern_type(tn_checker *checker, tn_scope *scope, tn_side side,
                               const tn_ast_extern_type *type, tn_checked_item *out);
/* Adds an import or export of a scope: opens instance types, names types, checks visibility and the name. */
tn_error *tn_check_named_item(tn_checker *checker, tn_scope *scope, tn_side side,
                              const tn_extern_name *name, tn_checked_item *item);
tn_error *tn_check_component_type(tn_checker *checker, tn_scope *outer, const tn_ast_type *type,
                                  const tn_checked_type **out);

/* ---- core.c --------------------------------------------------------------------------- */

tn_error *tn_check_core_module(tn_checker *checker, const tn_core_module *module,
                               const tn_checked_module **out);
tn_error *tn_check_core_type(tn_checker *checker, tn_scope *scope, const tn_core_type *type);
tn_error *tn_check_core_instance(tn_checker *checker, tn_scope *scope,
                                 const tn_ast_core_instance *instance);

/* ---- instances.c, canon.c, values.c --------------------------------- */

tn_error *tn_check_instance(tn_checker *checker, tn_scope *scope, const tn_ast_instance *instance);
tn_error *tn_check_alias(tn_checker *checker, tn_scope *scope, const tn_ast_alias *alias);
tn_error *tn_check_canon(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon);
tn_error *tn_check_value(tn_checker *checker, tn_scope *scope, const tn_ast_value *value);

#endif
