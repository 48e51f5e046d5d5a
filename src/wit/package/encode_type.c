/* Types of the model as component-model types. */
#include <stdint.h>

#include "component/component.h"
#include "wit/package/encode_internal.h"

enum { MAX_DEPTH = 2 * TN_MAX_TYPE_DEPTH };

/* ---- adding ------------------------------------------------------------------------------------------ */

tn_error *tn_encode_add_type(tn_wit_encoder *scope, const tn_ast_type *type, uint32_t *index) {
  tn_ast_type *copy = tn_arena_alloc(scope->arena, sizeof *copy, _Alignof(tn_ast_type));
  if (copy == NULL) return tn_error_no_memory();
  *copy = *type;
  if (scope->component != NULL) return tn_builder_add_type(scope->component, copy, index);
  return tn_decl_builder_add_type(scope->decls, copy, index);
}

tn_error *tn_encode_add_import(tn_wit_encoder *scope, tn_extern_name name, tn_ast_extern_type type,
                               uint32_t *index) {
  tn_ast_import import = {.name = name, .type = type};
  if (scope->component != NULL) {
    tn_definition definition = {.kind = TN_DEFINITION_IMPORT, .import = import};
    return tn_builder_add(scope->component, &definition, index);
  }
  tn_ast_decl decl = {.kind = TN_DECL_IMPORT, .import = import};
  return tn_decl_builder_add(scope->decls, &decl, index);
}

tn_error *tn_encode_add_export(tn_wit_encoder *scope, tn_extern_name name, tn_ast_extern_type type,
                               uint32_t *index) {
  tn_ast_decl decl = {.kind = TN_DECL_EXPORT,
                      .export_ = {.name = name, .has_type = true, .type = type}};
  return tn_decl_builder_add(scope->decls, &decl, index);
}

tn_extern_name tn_encode_name(tn_str name, const tn_wit_declaration *declaration) {
  return (tn_extern_name){.name = name, .external_id = declaration->external_id};
}

static tn_error *add_alias(tn_wit_encoder *scope, const tn_ast_alias *alias, uint32_t *index) {
  if (scope->component != NULL) {
    tn_definition definition = {.kind = TN_DEFINITION_ALIAS, .alias = *alias};
    return tn_builder_add(scope->component, &definition, index);
  }
  tn_ast_decl decl = {.kind = TN_DECL_ALIAS, .alias = *alias};
  return tn_decl_builder_add(scope->decls, &decl, index);
}

/* ---- what is known ----------------------------------------------------------------------------------- */

static void *index_value(uint32_t index) {
  return (void *)((uintptr_t)index + 1);
}

static uint32_t value_index(const void *value) {
  return (uint32_t)((uintptr_t)value - 1);
}

static tn_error *know_by_id(tn_wit_encoder *scope, const tn_wit_interface *interface,
                            tn_known_interface **out) {
  tn_str id = tn_str_from(tn_wit_interface_id(scope->arena, interface));
  if (id.data == NULL) return tn_error_no_memory();
  *out = tn_map_get(&scope->interfaces, id);
  if (*out != NULL) return NULL;
  *out = TN_ARENA_NEW(scope->arena, tn_known_interface);
  if (*out == NULL || !tn_map_put(scope->arena, &scope->interfaces, id, *out))
    return tn_error_no_memory();
  return NULL;
}

tn_error *tn_encode_know(tn_wit_encoder *scope, const tn_wit_interface *interface,
                         tn_known_interface **out) {
  *out = (tn_known_interface *)tn_pointer_map_get(&scope->by_address, interface);
  if (*out != NULL) return NULL;
  if (interface->declaration.name.data != NULL) {
    TN_TRY(know_by_id(scope, interface, out));
  } else {
    *out = TN_ARENA_NEW(scope->arena, tn_known_interface);
  }
  if (*out == NULL || !tn_pointer_map_put(scope->arena, &scope->by_address, interface, *out)) {
    return tn_error_no_memory();
  }
  return NULL;
}

tn_error *tn_wit_encoder_bind_type(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t index) {
  if (type->interface == NULL) {
    bool is_put = tn_pointer_map_put(scope->arena, &scope->types, type, index_value(index));
    return is_put ? NULL : tn_error_no_memory();
  }
  tn_known_interface *known;
  TN_TRY(tn_encode_know(scope, type->interface, &known));
  bool is_put = tn_map_put(scope->arena, &known->types, type->declaration.name, index_value(index));
  return is_put ? NULL : tn_error_no_memory();
}

tn_error *tn_wit_encoder_bind_instance(tn_wit_encoder *scope, const tn_wit_interface *interface,
                                       uint32_t instance) {
  tn_known_interface *known;
  TN_TRY(tn_encode_know(scope, interface, &known));
  *known = (tn_known_interface){.has_instance = true, .instance = instance};
  return NULL;
}

static tn_error *is_of_self(tn_wit_encoder *scope, const tn_known_interface *known, bool *out) {
  tn_known_interface *self;
  *out = false;
  if (scope->self == NULL) return NULL;
  TN_TRY(tn_encode_know(scope, scope->self, &self));
  *out = self == known;
  return NULL;
}

/* Looks in the scope around this one. */
static tn_error *find_outside(tn_wit_encoder *scope, const tn_wit_type *type, bool *found,
                              uint32_t *index) {
  *found = false;
  if (scope->outer == NULL) return NULL;
  uint32_t outer_index;
  TN_TRY(tn_encode_find(scope->outer, type, found, &outer_index));
  if (!*found) return NULL;
  tn_ast_alias alias = {
      .kind = TN_ALIAS_OUTER, .sort = TN_SORT_TYPE, .outer_count = 1, .outer_index = outer_index};
  TN_TRY(add_alias(scope, &alias, index));
  return tn_wit_encoder_bind_type(scope, type, *index);
}

static tn_error *find_of_interface(tn_wit_encoder *scope, const tn_wit_type *type, bool *found,
                                   uint32_t *index) {
  tn_known_interface *known;
  TN_TRY(tn_encode_know(scope, type->interface, &known));
  tn_str name = type->declaration.name;
  const void *there = tn_map_get(&known->types, name);
  bool is_own;
  *found = true;
  if (there != NULL) {
    *index = value_index(there);
    return NULL;
  }
  TN_TRY(is_of_self(scope, known, &is_own));
  if (is_own) return tn_encode_declare(scope, type, index);
  if (!known->has_instance && scope->imports_needed &&
      type->interface->declaration.name.data != NULL) {
    tn_str id = tn_str_from(tn_wit_interface_id(scope->arena, type->interface));
    if (id.data == NULL) return tn_error_no_memory();
    TN_TRY(tn_wit_encode_import_interface(scope, id, type->interface, &tn_wit_wanted_types, NULL));
  }
  if (!known->has_instance) return find_outside(scope, type, found, index);
  tn_ast_alias alias = {
      .kind = TN_ALIAS_EXPORT, .sort = TN_SORT_TYPE, .instance = known->instance, .name = name};
  TN_TRY(add_alias(scope, &alias, index));
  return tn_wit_encoder_bind_type(scope, type, *index);
}

tn_error *tn_encode_find(tn_wit_encoder *scope, const tn_wit_type *type, bool *found,
                         uint32_t *index) {
  if (type->interface != NULL) return find_of_interface(scope, type, found, index);
  const void *there = tn_pointer_map_get(&scope->types, type);
  *found = there != NULL;
  if (*found) {
    *index = value_index(there);
    return NULL;
  }
  return find_outside(scope, type, found, index);
}

/* ---- definitions ------------------------------------------------------------------------------------- */

static tn_error *encode_optional(tn_wit_encoder *scope, const tn_wit_type *type,
                                 tn_ast_valtype *out) {
  *out = (tn_ast_valtype){.is_absent = true};
  return type == NULL ? NULL : tn_wit_encode_type(scope, type, out);
}

static tn_error *encode_members(tn_wit_encoder *scope, const tn_wit_member *members, uint32_t count,
                                tn_ast_type *out) {
  tn_ast_field *fields = TN_ARENA_ARRAY(scope->arena, tn_ast_field, count);
  if (fields == NULL && count > 0) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    fields[i].label = members[i].name;
    TN_TRY(encode_optional(scope, members[i].type, &fields[i].type));
  }
  out->fields = fields;
  out->field_count = count;
  return NULL;
}

/* What a type is made of; the types within it are defined. */
static tn_error *describe(tn_wit_encoder *scope, const tn_wit_type *type, tn_ast_type *out) {
  static const tn_ast_type_kind kinds[] = {
      [TN_WIT_KIND_PRIMITIVE] = TN_AST_PRIMITIVE,   [TN_WIT_KIND_LIST] = TN_AST_LIST,
      [TN_WIT_KIND_FIXED_LIST] = TN_AST_FIXED_LIST, [TN_WIT_KIND_MAP] = TN_AST_MAP,
      [TN_WIT_KIND_OPTION] = TN_AST_OPTION,         [TN_WIT_KIND_RESULT] = TN_AST_RESULT,
      [TN_WIT_KIND_TUPLE] = TN_AST_TUPLE,           [TN_WIT_KIND_RECORD] = TN_AST_RECORD,
      [TN_WIT_KIND_VARIANT] = TN_AST_VARIANT,       [TN_WIT_KIND_ENUM] = TN_AST_ENUM,
      [TN_WIT_KIND_FLAGS] = TN_AST_FLAGS,           [TN_WIT_KIND_OWN] = TN_AST_OWN,
      [TN_WIT_KIND_BORROW] = TN_AST_BORROW,         [TN_WIT_KIND_STREAM] = TN_AST_STREAM,
      [TN_WIT_KIND_FUTURE] = TN_AST_FUTURE,
  };
  *out = (tn_ast_type){
      .kind = kinds[type->kind], .primitive = type->primitive, .length = type->length};
  switch (type->kind) {
  case TN_WIT_KIND_OWN:
  case TN_WIT_KIND_BORROW:
    return tn_wit_encode_type_index(scope, type->element, &out->resource);
  case TN_WIT_KIND_TUPLE:
  case TN_WIT_KIND_RECORD:
  case TN_WIT_KIND_VARIANT:
  case TN_WIT_KIND_ENUM:
  case TN_WIT_KIND_FLAGS:
    return encode_members(scope, type->members, type->member_count, out);
  default:
    if (type->kind == TN_WIT_KIND_MAP) TN_TRY(tn_wit_encode_type(scope, type->key, &out->key));
    TN_TRY(encode_optional(scope, type->element, &out->element));
    return encode_optional(scope, type->error, &out->error);
  }
}

/* ---- sharing anonymous types ------------------------------------------------------------------------- */

static void put_valtype(tn_buffer *out, const tn_ast_valtype *type) {
  uint32_t parts[] = {type->is_absent  ? 0
                      : type->is_index ? 1
                                       : 2,
                      type->is_index ? type->index : type->primitive};
  tn_buffer_append(out, parts, sizeof parts);
}

/* All that tells a type from others, as bytes. */
static void put_shape(tn_buffer *out, const tn_ast_type *type) {
  uint32_t head[] = {type->kind,   type->is_async, type->primitive,
                     type->length, type->resource, type->field_count};
  tn_buffer_append(out, head, sizeof head);
  put_valtype(out, &type->element);
  put_valtype(out, &type->error);
  put_valtype(out, &type->key);
  for (uint32_t i = 0; i < type->field_count; i++) {
    tn_buffer_append(out, &type->fields[i].label.len, sizeof type->fields[i].label.len);
    tn_buffer_append_str(out, type->fields[i].label);
    put_valtype(out, &type->fields[i].type);
  }
}

/* The index of a type like this one that is there, or of this one, which is added. */
static tn_error *add_once(tn_wit_encoder *scope, const tn_ast_type *type, uint32_t *index) {
  tn_buffer shape = {0};
  put_shape(&shape, type);
  const void *there = tn_map_get(&scope->shapes, tn_buffer_str(&shape));
  tn_str key = {NULL, 0};
  if (there == NULL && !shape.failed) key = tn_arena_copy(scope->arena, tn_buffer_str(&shape));
  tn_buffer_free(&shape);
  if (there != NULL) {
    *index = value_index(there);
    return NULL;
  }
  if (key.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_encode_add_type(scope, type, index));
  return tn_map_put(scope->arena, &scope->shapes, key, index_value(*index)) ? NULL
                                                                            : tn_error_no_memory();
}

/* ---- named types ------------------------------------------------------------------------------------- */

static tn_error *declare_as(tn_wit_encoder *scope, const tn_wit_type *type, tn_ast_extern_type what,
                            uint32_t *index) {
  tn_extern_name name = tn_encode_name(type->declaration.name, &type->declaration);
  if (scope->self != NULL) {
    TN_TRY(tn_encode_add_export(scope, name, what, index));
  } else {
    TN_TRY(tn_encode_add_import(scope, name, what, index));
  }
  return tn_wit_encoder_bind_type(scope, type, *index);
}

tn_error *tn_wit_encode_definition(tn_wit_encoder *scope, const tn_wit_type *type,
                                   uint32_t *index) {
  const tn_wit_type *meaning = type->kind == TN_WIT_KIND_ALIAS ? type->element : type;
  if (meaning != type && meaning->declaration.name.data != NULL) {
    return tn_wit_encode_type_index(scope, meaning, index);
  }
  tn_ast_type definition;
  TN_TRY(describe(scope, meaning, &definition));
  return tn_encode_add_type(scope, &definition, index);
}

tn_error *tn_encode_declare(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t *index) {
  tn_ast_extern_type what = {.sort = TN_SORT_TYPE, .bound = TN_BOUND_EQ};
  if (type->kind == TN_WIT_KIND_RESOURCE) {
    what.bound = TN_BOUND_SUB_RESOURCE;
  } else {
    TN_TRY(tn_wit_encode_definition(scope, type, &what.index));
  }
  return declare_as(scope, type, what, index);
}

static tn_error *not_in_scope(const tn_wit_encoder *scope, const tn_wit_type *type) {
  tn_str name = type->declaration.name;
  bool has_owner = type->interface != NULL && type->interface->declaration.name.data != NULL;
  const char *owner = has_owner ? tn_wit_interface_id(scope->arena, type->interface) : NULL;
  if (owner == NULL) {
    return tn_error_new(TN_ERROR_INVALID,
                        "type '%" TN_STR_FORMAT "' is used where it is not declared",
                        TN_STR_ARG(name));
  }
  return tn_error_new(TN_ERROR_INVALID,
                      "type '%" TN_STR_FORMAT
                      "' is used, but its interface '%s' is neither imported nor exported "
                      "before that",
                      TN_STR_ARG(name), owner);
}

/* ---- references -------------------------------------------------------------------------------------- */

static tn_error *index_of_anonymous(tn_wit_encoder *scope, const tn_wit_type *type,
                                    uint32_t *index) {
  tn_ast_type definition;
  if (scope->depth == MAX_DEPTH) return tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply");
  scope->depth++;
  tn_error *error = describe(scope, type, &definition);
  scope->depth--;
  TN_TRY(error);
  return add_once(scope, &definition, index);
}

/* Goes through aliases that are not in scope. *type is then anonymous, or *found. */
static tn_error *look_up(tn_wit_encoder *scope, const tn_wit_type **type, bool *found,
                         uint32_t *index) {
  const tn_wit_type *wanted = *type;
  *found = false;
  while ((*type)->declaration.name.data != NULL) {
    if (scope->depth == MAX_DEPTH)
      return tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply");
    scope->depth++;
    tn_error *error = tn_encode_find(scope, *type, found, index);
    scope->depth--;
    TN_TRY(error);
    if (*found) return NULL;
    if ((*type)->kind != TN_WIT_KIND_ALIAS) return not_in_scope(scope, wanted);
    *type = (*type)->element;
  }
  return NULL;
}

tn_error *tn_wit_encode_type_index(tn_wit_encoder *scope, const tn_wit_type *type,
                                   uint32_t *index) {
  bool found;
  TN_TRY(look_up(scope, &type, &found, index));
  return found ? NULL : index_of_anonymous(scope, type, index);
}

tn_error *tn_wit_encode_type(tn_wit_encoder *scope, const tn_wit_type *type, tn_ast_valtype *out) {
  bool found;
  *out = (tn_ast_valtype){.is_index = true};
  TN_TRY(look_up(scope, &type, &found, &out->index));
  if (found) return NULL;
  if (type->kind == TN_WIT_KIND_PRIMITIVE) {
    *out = (tn_ast_valtype){.primitive = type->primitive};
    return NULL;
  }
  return index_of_anonymous(scope, type, &out->index);
}

tn_error *tn_wit_encode_func_type(tn_wit_encoder *scope, const tn_wit_function *function,
                                  uint32_t *index) {
  tn_ast_type type = {.kind = TN_AST_FUNC, .is_async = function->is_async};
  TN_TRY(encode_members(scope, function->params, function->param_count, &type));
  TN_TRY(encode_optional(scope, function->result, &type.element));
  return add_once(scope, &type, index);
}
