/* Exports: lifted functions, and for each interface a nested component that gives them and their types names. */
#include "compose/componentize/componentize.h"

enum { MAX_DEPTH = 500 };

/* ---- core functions ------------------------------------------------------------------------------------- */

/* Leaves *out NULL when the part has no such function. */
static tn_error *find_core(tn_maker *m, const tn_core_part *part, tn_core_role role,
                           const tn_made_item *item, const tn_wit_function *function,
                           const tn_core_export **out) {
  *out = NULL;
  return part->is_left_out ? NULL
                           : tn_make_find_export(m, part, role, item, function->item_name, out);
}

static tn_error *missing_export(tn_maker *m, const tn_made_item *item,
                                const tn_wit_function *function) {
  bool is_function = item->item.kind == TN_WIT_WORLD_FUNCTION;
  tn_core_scheme scheme = m->options->reject_legacy_names ? TN_SCHEME_STANDARD : TN_SCHEME_LEGACY;
  tn_str name;
  TN_TRY(tn_core_export_name(m->arena, scheme, TN_ROLE_FUNCTION,
                             is_function ? (tn_str){NULL, 0} : item->item.name, function->item_name,
                             &name));
  tn_error *error =
      tn_error_new(TN_ERROR_LINK,
                   "the embedded world exports '%" TN_STR_FORMAT "', but the module has no "
                   "function of that name",
                   TN_STR_ARG(name));
  return tn_error_set_hint(error, "the module has to export all functions that its world exports");
}

/* The part that has the core function of an export, and in which form. TN_ERROR_LINK. */
static tn_error *find_export(tn_maker *m, const tn_made_item *item, const tn_wit_function *function,
                             tn_core_part **part, const tn_core_export **core, tn_core_abi *abi) {
  static const struct {
    tn_core_role role;
    tn_core_abi abi;
  } forms[] = {{TN_ROLE_FUNCTION, TN_ABI_LIFT},
               {TN_ROLE_ASYNC, TN_ABI_LIFT_ASYNC},
               {TN_ROLE_STACKFUL, TN_ABI_LIFT_STACKFUL}};
  for (uint32_t i = 0; i < m->parts.len; i++) {
    for (size_t j = 0; j < sizeof forms / sizeof *forms; j++) {
      TN_TRY(find_core(m, m->parts.items[i], forms[j].role, item, function, core));
      if (*core == NULL) continue;
      *part = m->parts.items[i];
      *abi = forms[j].abi;
      return NULL;
    }
  }
  return missing_export(m, item, function);
}

static tn_error *check_signature(const tn_maker *m, const tn_core_part *part,
                                 const tn_wit_function *function, const tn_core_export *export_,
                                 tn_core_abi abi) {
  tn_core_signature expected;
  TN_TRY(tn_core_signature_of(function, abi, &expected));
  if (export_->type.func != NULL && tn_core_signature_fits(&expected, export_->type.func))
    return NULL;
  tn_buffer text = {0};
  tn_core_signature_print(&text, &expected);
  tn_buffer_append_text(&text, ", given ");
  if (export_->type.func != NULL) tn_core_func_type_print(&text, export_->type.func);
  tn_error *error = tn_error_no_memory();
  if (!text.failed) {
    error = tn_error_new(TN_ERROR_LINK,
                         "%s exports '%" TN_STR_FORMAT "' with a type that does not fit: expected "
                         "%" TN_STR_FORMAT,
                         tn_make_part_name(m, part), TN_STR_ARG(export_->name),
                         TN_STR_ARG(tn_buffer_str(&text)));
    tn_error_set_hint(error, "bindings and embedded WIT have to be of the same version");
  }
  tn_buffer_free(&text);
  return error;
}

static tn_error *add_function_option(tn_maker *m, const tn_core_part *part,
                                     const tn_core_export *core, tn_canon_option_kind kind,
                                     tn_ast_canon *canon) {
  uint32_t index;
  TN_TRY(tn_make_core_alias(m, part->core_instance, TN_SORT_CORE_FUNC, core->name, &index));
  return tn_make_option(m, canon, kind, index);
}

/* Options of a lifted function that other functions of the part stand for. */
static tn_error *add_functions(tn_maker *m, const tn_core_part *part, const tn_made_item *item,
                               const tn_wit_function *function, tn_core_abi abi,
                               tn_ast_canon *canon) {
  const tn_core_export *core;
  if (abi == TN_ABI_LIFT) {
    TN_TRY(find_core(m, part, TN_ROLE_POST_RETURN, item, function, &core));
    return core != NULL ? add_function_option(m, part, core, TN_OPTION_POST_RETURN, canon) : NULL;
  }
  TN_TRY(tn_make_option(m, canon, TN_OPTION_ASYNC, 0));
  if (abi == TN_ABI_LIFT_STACKFUL) return NULL;
  TN_TRY(find_core(m, part, TN_ROLE_CALLBACK, item, function, &core));
  if (core != NULL) return add_function_option(m, part, core, TN_OPTION_CALLBACK, canon);
  return tn_error_new(TN_ERROR_LINK,
                      "%s exports '%" TN_STR_FORMAT "' asynchronously, but has no callback for it",
                      tn_make_part_name(m, part), TN_STR_ARG(function->item_name));
}

static tn_error *lift(tn_maker *m, const tn_made_item *item, const tn_wit_function *function,
                      uint32_t *index) {
  tn_ast_canon canon = {.kind = TN_CANON_LIFT};
  tn_core_needs needs;
  tn_core_part *part;
  const tn_core_export *core;
  tn_core_abi abi;
  TN_TRY(find_export(m, item, function, &part, &core, &abi));
  TN_TRY(check_signature(m, part, function, core, abi));
  TN_TRY(tn_wit_encode_func_type(&m->out, function, &canon.type));
  TN_TRY(tn_make_core_alias(m, part->core_instance, TN_SORT_CORE_FUNC, core->name, &canon.func));
  TN_TRY(tn_make_with_task_init(m, part, core, abi, &canon.func));
  TN_TRY(tn_core_needs_of(m->arena, function, abi, &needs));
  TN_TRY(tn_make_options(m, part, needs, true, &canon));
  TN_TRY(add_functions(m, part, item, function, abi, &canon));
  return tn_make_canon(m, &canon, index);
}

/* ---- types of exported interfaces ----------------------------------------------------------------------- */

/* Those of one interface, as they are before it is exported. */
static tn_error *define_types(tn_maker *m, const tn_wit_interface *interface) {
  TN_TRY(tn_wit_encoder_bind_instance(&m->out, interface, UINT32_MAX)); /* forgets what it knew */
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    uint32_t index = UINT32_MAX;
    for (uint32_t j = 0; j < m->resources.len; j++) {
      if (m->resources.items[j].type == type) index = m->resources.items[j].index;
    }
    if (type->kind != TN_WIT_KIND_RESOURCE) TN_TRY(tn_wit_encode_definition(&m->out, type, &index));
    TN_TRY(tn_wit_encoder_bind_type(&m->out, type, index));
  }
  return NULL;
}

typedef tn_error *(*visit_item)(tn_maker *m, tn_made_item *item);

/* Visits an exported interface behind those that it uses and that are exported as well. */
static tn_error *visit_after_used(tn_maker *m, tn_made_item *item, visit_item visit) {
  const tn_wit_interface *interface = item->item.interface;
  if (item->state != TN_NOT_MADE) return NULL;
  if (m->depth == MAX_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "interfaces use each other in too long a chain");
  item->state = TN_BEING_MADE;
  m->depth++;
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    const tn_wit_interface *used =
        type->kind == TN_WIT_KIND_ALIAS ? type->element->interface : NULL;
    if (used == NULL || used == interface || used->declaration.name.data == NULL) continue;
    const char *id = tn_wit_interface_id(m->arena, used);
    if (id == NULL) return tn_error_no_memory();
    tn_made_item *source = tn_made_find(&m->exports, tn_str_from(id));
    if (source != NULL && source->item.kind == TN_WIT_WORLD_INTERFACE)
      TN_TRY(visit_after_used(m, source, visit));
  }
  m->depth--;
  item->state = TN_MADE;
  return visit(m, item);
}

static tn_error *visit_interfaces(tn_maker *m, visit_item visit) {
  for (uint32_t i = 0; i < m->exports.all.len; i++)
    m->exports.all.items[i]->state = TN_NOT_MADE;
  for (uint32_t i = 0; i < m->exports.all.len; i++) {
    tn_made_item *item = m->exports.all.items[i];
    if (item->item.kind == TN_WIT_WORLD_INTERFACE) TN_TRY(visit_after_used(m, item, visit));
  }
  return NULL;
}

static tn_error *define_types_of(tn_maker *m, tn_made_item *item) {
  return define_types(m, item->item.interface);
}

tn_error *tn_make_export_types(tn_maker *m) {
  return visit_interfaces(m, define_types_of);
}

/* ---- the nested component ------------------------------------------------------------------------------- */

/* A component that imports types and functions under names of no meaning and exports them under theirs:
 *
 *   (component
 *     (import "import-type0" (type $r (sub resource)))
 *     (import "import-func0" (func (param (borrow $r))))
 *     (export "r" (type $r'))
 *     (export "[method]r.f" (func 0) (func (param (borrow $r'))))) */
typedef struct wrapper {
  tn_maker *m;
  tn_component_builder builder;
  tn_wit_encoder types;
  TN_VEC(tn_ast_argument) arguments; /* what it is instantiated with */
  uint32_t type_count;
  uint32_t depth;
} wrapper;

static tn_error *add_argument(wrapper *w, tn_str name, tn_sort_index item) {
  tn_ast_argument *argument = TN_VEC_PUSH(w->m->arena, &w->arguments);
  if (argument == NULL) return tn_error_no_memory();
  *argument = (tn_ast_argument){.name = {.name = name}, .item = item};
  return NULL;
}

/* Imports a type: a resource, or one that is equal to a definition. */
static tn_error *import_type(wrapper *w, const tn_wit_type *type) {
  tn_ast_extern_type what = {.sort = TN_SORT_TYPE, .bound = TN_BOUND_SUB_RESOURCE};
  tn_sort_index outer = {.sort = TN_SORT_TYPE};
  uint32_t index;
  if (type->kind != TN_WIT_KIND_RESOURCE) {
    what.bound = TN_BOUND_EQ;
    TN_TRY(tn_wit_encode_definition(&w->types, type, &what.index));
  }
  tn_str name = tn_arena_format(w->m->arena, "import-type%u", w->type_count++);
  if (name.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_builder_add_import(&w->builder, name, what, &index));
  TN_TRY(tn_wit_encoder_bind_type(&w->types, type, index));
  TN_TRY(tn_wit_encode_type_index(&w->m->out, type, &outer.index));
  return add_argument(w, name, outer);
}

static tn_error *import_foreign(wrapper *w, tn_pointer_map *done, const tn_wit_type *type);

static tn_error *import_foreign_parts(wrapper *w, tn_pointer_map *done, const tn_wit_type *type) {
  TN_TRY(import_foreign(w, done, type->element));
  TN_TRY(import_foreign(w, done, type->error));
  TN_TRY(import_foreign(w, done, type->key));
  for (uint32_t i = 0; i < type->member_count; i++)
    TN_TRY(import_foreign(w, done, type->members[i].type));
  return NULL;
}

/* Imports the named types that a type of another interface is made of, and itself. */
static tn_error *import_foreign(wrapper *w, tn_pointer_map *done, const tn_wit_type *type) {
  if (type == NULL || tn_pointer_map_get(done, type) != NULL) return NULL;
  if (!tn_pointer_map_put(w->m->arena, done, type, type)) return tn_error_no_memory();
  if (w->depth == MAX_DEPTH) return tn_error_new(TN_ERROR_LIMIT, "types nest too deep");
  w->depth++;
  TN_TRY(import_foreign_parts(w, done, type));
  w->depth--;
  return type->declaration.name.data == NULL ? NULL : import_type(w, type);
}

static tn_error *import_types(wrapper *w, const tn_wit_interface *interface) {
  tn_pointer_map done = {0};
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    bool is_foreign = type->kind == TN_WIT_KIND_ALIAS && type->element->interface != interface &&
                      type->element->declaration.name.data != NULL;
    if (is_foreign) TN_TRY(import_foreign(w, &done, type->element));
  }
  for (uint32_t i = 0; i < interface->types.len; i++)
    TN_TRY(import_type(w, interface->types.items[i]));
  return NULL;
}

static tn_error *import_functions(wrapper *w, const tn_made_item *item) {
  const tn_wit_interface *interface = item->item.interface;
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    tn_ast_extern_type type = {.sort = TN_SORT_FUNC};
    tn_sort_index lifted = {.sort = TN_SORT_FUNC};
    tn_str name = tn_arena_format(w->m->arena, "import-func%u", i);
    if (name.data == NULL) return tn_error_no_memory();
    TN_TRY(tn_wit_encode_func_type(&w->types, interface->functions.items[i], &type.index));
    TN_TRY(tn_builder_add_import(&w->builder, name, type, NULL));
    TN_TRY(lift(w->m, item, interface->functions.items[i], &lifted.index));
    TN_TRY(add_argument(w, name, lifted));
  }
  return NULL;
}

static tn_error *export_types(wrapper *w, const tn_wit_interface *interface) {
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    tn_sort_index defined = {.sort = TN_SORT_TYPE};
    uint32_t index;
    TN_TRY(type->kind == TN_WIT_KIND_RESOURCE
               ? tn_wit_encode_type_index(&w->types, type, &defined.index)
               : tn_wit_encode_definition(&w->types, type, &defined.index));
    TN_TRY(tn_builder_add_export(&w->builder, type->declaration.name, defined, &index));
    TN_TRY(tn_wit_encoder_bind_type(&w->types, type, index));
  }
  return NULL;
}

/* Gives the imported functions types that are made of the exported ones. */
static tn_error *export_functions(wrapper *w, const tn_wit_interface *interface) {
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    const tn_wit_function *function = interface->functions.items[i];
    tn_definition definition = {
        .kind = TN_DEFINITION_EXPORT,
        .export_ = {.name = {.name = function->item_name},
                    .item = {TN_SORT_FUNC, i},
                    .has_type = true,
                    .type = {.sort = TN_SORT_FUNC}},
    };
    TN_TRY(tn_wit_encode_func_type(&w->types, function, &definition.export_.type.index));
    TN_TRY(tn_builder_add(&w->builder, &definition, NULL));
  }
  return NULL;
}

static tn_error *instantiate_wrapper(wrapper *w, uint32_t *instance) {
  const tn_component_ast *component;
  tn_definition definition = {
      .kind = TN_DEFINITION_INSTANCE,
      .instance = {.is_instantiate = true,
                   .argument_count = w->arguments.len,
                   .arguments = w->arguments.items},
  };
  TN_TRY(tn_builder_finish(&w->builder, &component));
  TN_TRY(tn_builder_add_component(&w->m->builder, component, &definition.instance.component));
  return tn_builder_add(&w->m->builder, &definition, instance);
}

/* ---- exporting ------------------------------------------------------------------------------------------ */

/* An interface that is exported under a label says which one it is
 * (Explainer.md#import-and-export-definitions). */
static tn_error *add_export(tn_maker *m, const tn_made_item *item, tn_sort_index what,
                            uint32_t *index) {
  tn_definition definition = {.kind = TN_DEFINITION_EXPORT,
                              .export_ = {.name = {.name = item->item.name}, .item = what}};
  bool is_labelled = item->item.kind == TN_WIT_WORLD_INTERFACE &&
                     item->item.declaration.name.data != NULL &&
                     item->item.interface->declaration.name.data != NULL;
  if (is_labelled) {
    const char *id = tn_wit_interface_id(m->arena, item->item.interface);
    if (id == NULL) return tn_error_no_memory();
    definition.export_.name.implements = tn_str_from(id);
  }
  return tn_builder_add(&m->builder, &definition, index);
}

static tn_error *export_interface(tn_maker *m, tn_made_item *item) {
  const tn_wit_interface *interface = item->item.interface;
  wrapper w = {.m = m, .builder = {.arena = m->arena}};
  w.types = (tn_wit_encoder){.arena = m->arena, .component = &w.builder};
  tn_sort_index instance = {.sort = TN_SORT_INSTANCE};
  uint32_t exported;
  TN_TRY(define_types(m, interface));
  TN_TRY(import_types(&w, interface));
  TN_TRY(import_functions(&w, item));
  TN_TRY(export_types(&w, interface));
  TN_TRY(export_functions(&w, interface));
  TN_TRY(instantiate_wrapper(&w, &instance.index));
  TN_TRY(add_export(m, item, instance, &exported));
  return tn_wit_encoder_bind_instance(&m->out, interface, exported);
}

static tn_error *export_function(tn_maker *m, const tn_made_item *item) {
  tn_sort_index lifted = {.sort = TN_SORT_FUNC};
  TN_TRY(lift(m, item, item->item.function, &lifted.index));
  return add_export(m, item, lifted, NULL);
}

tn_error *tn_make_exports(tn_maker *m) {
  for (uint32_t i = 0; i < m->exports.all.len; i++) {
    const tn_made_item *item = m->exports.all.items[i];
    if (item->item.kind == TN_WIT_WORLD_FUNCTION) TN_TRY(export_function(m, item));
  }
  return visit_interfaces(m, export_interface);
}
