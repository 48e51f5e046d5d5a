/* Core modules and their instances, lowered functions, and the shim between them. */
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_write.h"
#include "compose/strip.h"

/* ---- small things --------------------------------------------------------------------------------------- */

tn_error *tn_make_core_alias(tn_maker *m, uint32_t instance, tn_sort sort, tn_str name,
                             uint32_t *index) {
  const tn_definition definition = {
      .kind = TN_DEFINITION_ALIAS,
      .alias = {.kind = TN_ALIAS_CORE_EXPORT, .sort = sort, .instance = instance, .name = name},
  };
  return tn_builder_add(&m->builder, &definition, index);
}

tn_error *tn_make_canon(tn_maker *m, const tn_ast_canon *canon, uint32_t *index) {
  const tn_definition definition = {.kind = TN_DEFINITION_CANON, .canon = *canon};
  return tn_builder_add(&m->builder, &definition, index);
}

static tn_error *make_core_instance(tn_maker *m, const tn_ast_core_instance *instance,
                                    uint32_t *index) {
  const tn_definition definition = {.kind = TN_DEFINITION_CORE_INSTANCE,
                                    .core_instance = *instance};
  return tn_builder_add(&m->builder, &definition, index);
}

static tn_error *make_module(tn_maker *m, tn_buffer *bytes, uint32_t *index) {
  tn_core_module *module = TN_ARENA_NEW(m->arena, tn_core_module);
  tn_str copy = {NULL, 0};
  if (!bytes->failed) copy = tn_arena_copy(m->arena, tn_buffer_str(bytes));
  tn_buffer_free(bytes);
  if (module == NULL || copy.data == NULL) return tn_error_no_memory();
  module->bytes = copy;
  return tn_builder_add_core_module(&m->builder, module, index);
}

/* ---- options -------------------------------------------------------------------------------------------- */

tn_error *tn_make_option(tn_maker *m, tn_ast_canon *canon, tn_canon_option_kind kind,
                         uint32_t index) {
  tn_ast_canon_option *options =
      TN_ARENA_ARRAY(m->arena, tn_ast_canon_option, canon->option_count + 1);
  if (options == NULL) return tn_error_no_memory();
  if (canon->option_count > 0)
    memcpy(options, canon->options, canon->option_count * sizeof *options);
  options[canon->option_count++] = (tn_ast_canon_option){kind, index};
  canon->options = options;
  return NULL;
}

static tn_error *find_realloc(tn_maker *m, tn_core_part *part, bool is_lift, uint32_t *index) {
  if (!part->has_realloc[is_lift]) {
    const tn_core_export *realloc = tn_core_find_realloc(
        &part->exports, is_lift ? TN_REALLOC_FOR_EXPORTS : TN_REALLOC_FOR_IMPORTS);
    if (realloc == NULL) {
      return tn_error_new(TN_ERROR_LINK,
                          "%s has to export a function 'cabi_realloc', for strings and lists that "
                          "it is given",
                          tn_make_part_name(m, part));
    }
    TN_TRY(tn_make_core_alias(m, part->core_instance, TN_SORT_CORE_FUNC, realloc->name,
                              &part->realloc[is_lift]));
    part->has_realloc[is_lift] = true;
  }
  *index = part->realloc[is_lift];
  return NULL;
}

tn_error *tn_make_options(tn_maker *m, tn_core_part *part, tn_core_needs needs, bool is_lift,
                          tn_ast_canon *canon) {
  static const tn_canon_option_kind encodings[] = {[TN_ENCODING_UTF8] = TN_OPTION_UTF8,
                                                   [TN_ENCODING_UTF16] = TN_OPTION_UTF16,
                                                   [TN_ENCODING_LATIN1_UTF16] =
                                                       TN_OPTION_LATIN1_UTF16};
  if (needs.memory || needs.realloc) {
    if (!m->has_memory)
      return tn_error_new(TN_ERROR_LINK, "the module has to export a memory, as 'memory'");
    TN_TRY(tn_make_option(m, canon, TN_OPTION_MEMORY, m->memory));
  }
  if (needs.realloc) {
    uint32_t realloc;
    TN_TRY(find_realloc(m, part, is_lift, &realloc));
    TN_TRY(tn_make_option(m, canon, TN_OPTION_REALLOC, realloc));
  }
  return needs.encoding ? tn_make_option(m, canon, encodings[part->encoding], 0) : NULL;
}

/* ---- functions that core modules import ----------------------------------------------------------------- */

static tn_error *own_resource(const tn_maker *m, const tn_wit_type *type, uint32_t *index) {
  for (uint32_t i = 0; i < m->resources.len; i++) {
    if (m->resources.items[i].type != type) continue;
    *index = m->resources.items[i].index;
    return NULL;
  }
  return tn_error_new(TN_ERROR_INTERNAL, "a resource of an exported interface has no type");
}

/* The function of an import. */
static tn_error *imported_function(tn_maker *m, const tn_core_need *need, uint32_t *index) {
  *index = need->item->index;
  if (need->item->item.kind == TN_WIT_WORLD_FUNCTION) return NULL;
  return tn_builder_add_alias(&m->builder, need->item->index, need->function->item_name,
                              TN_SORT_FUNC, index);
}

/* An interface that is imported under a label may be so several times, each with resources of its own. */
static tn_error *imported_resource(tn_maker *m, const tn_core_need *need, uint32_t *index) {
  const tn_wit_world_item *item = &need->item->item;
  bool is_labelled = item->kind == TN_WIT_WORLD_INTERFACE && item->declaration.name.data != NULL;
  if (!is_labelled) return tn_wit_encode_type_index(&m->in, need->resource, index);
  return tn_builder_add_alias(&m->builder, need->item->index, need->resource->declaration.name,
                              TN_SORT_TYPE, index);
}

/* Threads start with a function (i32) -> () in the part's table. */
static tn_error *describe_thread(tn_maker *m, const tn_core_part *part, tn_ast_canon *out) {
  static const tn_core_valtype i32 = {.code = 0x7f};
  static const tn_core_type start = {
      .kind = TN_CORE_TYPE_FUNC,
      .is_final = true,
      .group_size = 1,
      .encoded = TN_STR("\x60\1\x7f\0"),
      .func = {.param_count = 1, .params = &i32},
  };
  const tn_definition type = {.kind = TN_DEFINITION_CORE_TYPE, .core_type = &start};
  const tn_str name = TN_STR("__indirect_function_table");
  const tn_core_export *table = tn_map_get(&part->exports.by_name, name);
  if (table == NULL || table->type.kind != TN_CORE_EXTERN_TABLE)
    return tn_error_new(TN_ERROR_LINK,
                        "%s starts threads, and has to export the table of their functions, as "
                        "'__indirect_function_table'",
                        tn_make_part_name(m, part));
  TN_TRY(tn_builder_add(&m->builder, &type, &out->type));
  return tn_make_core_alias(m, part->core_instance, TN_SORT_CORE_TABLE, name, &out->table);
}

/* What the canonical definition of a need is, but for memory, realloc and encoding. */
static tn_error *describe_canon(tn_maker *m, const tn_core_part *part, const tn_core_need *need,
                                tn_ast_canon *out) {
  switch (need->kind) {
  case TN_NEED_LOWER:
    *out = (tn_ast_canon){.kind = TN_CANON_LOWER};
    if (need->abi == TN_ABI_LOWER_ASYNC) TN_TRY(tn_make_option(m, out, TN_OPTION_ASYNC, 0));
    return imported_function(m, need, &out->func);
  case TN_NEED_DROP:
    *out = (tn_ast_canon){.kind = TN_CANON_RESOURCE_DROP};
    return imported_resource(m, need, &out->type);
  case TN_NEED_OWN_DROP:
    *out = (tn_ast_canon){.kind = TN_CANON_RESOURCE_DROP};
    return own_resource(m, need->resource, &out->type);
  case TN_NEED_OWN_NEW:
    *out = (tn_ast_canon){.kind = TN_CANON_RESOURCE_NEW};
    return own_resource(m, need->resource, &out->type);
  case TN_NEED_OWN_REP:
    *out = (tn_ast_canon){.kind = TN_CANON_RESOURCE_REP};
    return own_resource(m, need->resource, &out->type);
  case TN_NEED_TASK_RETURN:
    *out = (tn_ast_canon){.kind = TN_CANON_TASK_RETURN, .result = {.is_absent = true}};
    return need->function->result == NULL
               ? NULL
               : tn_wit_encode_type(&m->out, need->function->result, &out->result);
  case TN_NEED_BUILT_IN:
    *out = need->canon;
    if (out->kind == TN_CANON_THREAD_NEW_INDIRECT) return describe_thread(m, part, out);
    if (need->payload == NULL) return NULL;
    return tn_wit_encode_type_index(need->payload_is_exported ? &m->out : &m->in, need->payload,
                                    &out->type);
  default:
    return tn_error_new(TN_ERROR_INTERNAL, "a need that no canonical definition meets");
  }
}

static tn_error *make_need(tn_maker *m, tn_core_part *part, const tn_core_need *need,
                           uint32_t *index) {
  tn_ast_canon canon;
  TN_TRY(describe_canon(m, part, need, &canon));
  bool waits = canon.kind == TN_CANON_WAITABLE_SET_WAIT || canon.kind == TN_CANON_WAITABLE_SET_POLL;
  if (waits) {
    if (!m->has_memory)
      return tn_error_new(TN_ERROR_LINK, "the module has to export a memory, as 'memory'");
    canon.memory = m->memory;
  } else {
    TN_TRY(tn_make_options(m, part, need->options, need->payload_is_exported, &canon));
  }
  return tn_make_canon(m, &canon, index);
}

static tn_sort sort_of(tn_core_extern_kind kind) {
  static const tn_sort sorts[] = {[TN_CORE_EXTERN_FUNC] = TN_SORT_CORE_FUNC,
                                  [TN_CORE_EXTERN_TABLE] = TN_SORT_CORE_TABLE,
                                  [TN_CORE_EXTERN_MEMORY] = TN_SORT_CORE_MEMORY,
                                  [TN_CORE_EXTERN_GLOBAL] = TN_SORT_CORE_GLOBAL,
                                  [TN_CORE_EXTERN_TAG] = TN_SORT_CORE_TAG};
  return sorts[kind];
}

/* What a part is given for an import. */
static tn_error *meet_need(tn_maker *m, tn_core_part *part, const tn_core_need *need,
                           tn_sort_index *out) {
  *out = (tn_sort_index){.sort = TN_SORT_CORE_FUNC};
  if (need->is_indirect) {
    tn_str name = tn_arena_format(m->arena, "%u", need->slot);
    if (name.data == NULL) return tn_error_no_memory();
    return tn_make_core_alias(m, m->shim_instance, TN_SORT_CORE_FUNC, name, &out->index);
  }
  if (need->kind == TN_NEED_MEMORY) {
    *out = (tn_sort_index){.sort = TN_SORT_CORE_MEMORY, .index = m->memory};
    return NULL;
  }
  if (need->kind == TN_NEED_MAIN) {
    out->sort = sort_of(need->core->type.kind);
    return tn_make_core_alias(m, m->main->core_instance, out->sort, need->core->name, &out->index);
  }
  return make_need(m, part, need, &out->index);
}

/* ---- instances ------------------------------------------------------------------------------------------ */

/* The instance that has everything that a part imports from one module. `is_done` by need. */
static tn_error *make_argument(tn_maker *m, tn_core_part *part, uint32_t first, bool *is_done,
                               tn_ast_core_argument *out) {
  tn_str module = part->needs.items[first].core->module;
  tn_ast_core_argument *exports = TN_ARENA_ARRAY(m->arena, tn_ast_core_argument, part->needs.len);
  tn_ast_core_instance instance = {.arguments = exports};
  if (exports == NULL) return tn_error_no_memory();
  for (uint32_t i = first; i < part->needs.len; i++) {
    const tn_core_need *need = &part->needs.items[i];
    if (!tn_str_equal(need->core->module, module)) continue;
    is_done[i] = true;
    tn_ast_core_argument *export_ = &exports[instance.argument_count++];
    export_->name = need->given;
    TN_TRY(meet_need(m, part, need, &export_->item));
  }
  *out = (tn_ast_core_argument){.name = module, .item = {.sort = TN_SORT_CORE_INSTANCE}};
  return make_core_instance(m, &instance, &out->item.index);
}

static tn_error *instantiate(tn_maker *m, tn_core_part *part) {
  uint32_t count = part->needs.len;
  tn_ast_core_argument *arguments = TN_ARENA_ARRAY(m->arena, tn_ast_core_argument, count);
  bool *is_done = TN_ARENA_ARRAY(m->arena, bool, count);
  if (arguments == NULL || is_done == NULL) return tn_error_no_memory();
  tn_ast_core_instance instance = {
      .is_instantiate = true, .module = part->core_module, .arguments = arguments};
  for (uint32_t i = 0; i < count; i++) {
    if (!is_done[i])
      TN_TRY(make_argument(m, part, i, is_done, &arguments[instance.argument_count++]));
  }
  return make_core_instance(m, &instance, &part->core_instance);
}

static tn_error *find_memory(tn_maker *m) {
  const tn_core_export *memory = tn_core_find_fixture(&m->main->exports, TN_FIXTURE_MEMORY);
  if (memory == NULL) return NULL;
  m->has_memory = true;
  return tn_make_core_alias(m, m->main->core_instance, TN_SORT_CORE_MEMORY, memory->name,
                            &m->memory);
}

/* Instantiates a module with one argument, the instance of these exports named "". *made may be NULL. */
static tn_error *instantiate_with(tn_maker *m, uint32_t module, const tn_ast_core_instance *exports,
                                  uint32_t *made) {
  tn_ast_core_argument *argument = TN_ARENA_NEW(m->arena, tn_ast_core_argument);
  if (argument == NULL) return tn_error_no_memory();
  *argument = (tn_ast_core_argument){.name = TN_STR(""), .item = {.sort = TN_SORT_CORE_INSTANCE}};
  TN_TRY(make_core_instance(m, exports, &argument->item.index));
  const tn_ast_core_instance instance = {
      .is_instantiate = true, .module = module, .argument_count = 1, .arguments = argument};
  return make_core_instance(m, &instance, made);
}

/* ---- tasks ---------------------------------------------------------------------------------------------- */

tn_error *tn_make_with_task_init(tn_maker *m, const tn_core_part *part, const tn_core_export *core,
                                 tn_core_abi abi, uint32_t *index) {
  const tn_core_export *init = tn_core_find_function(&part->exports, TN_STR("__wasm_init_task"));
  const tn_core_export *async_init =
      tn_core_find_function(&part->exports, TN_STR("__wasm_init_async_task"));
  bool is_wrapped = part == m->main && !part->exports.no_legacy && init != NULL &&
                    async_init != NULL && core->type.func != NULL;
  if (!is_wrapped) return NULL;
  if (abi != TN_ABI_LIFT) init = async_init;
  tn_ast_core_argument *exports = TN_ARENA_ARRAY(m->arena, tn_ast_core_argument, 2);
  tn_buffer bytes = {0};
  uint32_t module, instance;
  if (exports == NULL) return tn_error_no_memory();
  tn_core_write_wrapper(&bytes, core->type.func);
  TN_TRY(make_module(m, &bytes, &module));
  exports[0] = (tn_ast_core_argument){.name = TN_STR("init"), .item = {.sort = TN_SORT_CORE_FUNC}};
  exports[1] = (tn_ast_core_argument){.name = TN_STR(""), .item = {TN_SORT_CORE_FUNC, *index}};
  TN_TRY(tn_make_core_alias(m, part->core_instance, TN_SORT_CORE_FUNC, init->name,
                            &exports[0].item.index));
  const tn_ast_core_instance arguments = {.argument_count = 2, .arguments = exports};
  TN_TRY(instantiate_with(m, module, &arguments, &instance));
  return tn_make_core_alias(m, instance, TN_SORT_CORE_FUNC, TN_STR(""), index);
}

/* ---- the shim ------------------------------------------------------------------------------------------- */

static tn_error *add_slot(tn_maker *m, tn_shim_slot slot, uint32_t *number) {
  tn_shim_slot *place = TN_VEC_PUSH(m->arena, &m->slots);
  if (place == NULL) return tn_error_no_memory();
  *place = slot;
  *number = m->slots.len - 1;
  return NULL;
}

static tn_error *add_slots(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++) {
    tn_core_part *part = m->parts.items[i];
    for (uint32_t j = 0; !part->is_left_out && j < part->needs.len; j++) {
      tn_core_need *need = &part->needs.items[j];
      if (!need->is_indirect) continue;
      const tn_shim_slot slot = {.type = need->core->type.func, .part = part, .need = need};
      TN_TRY(add_slot(m, slot, &need->slot));
    }
  }
  return NULL;
}

/* The slot of a resource's destructor. */
static tn_error *add_destructor(tn_maker *m, const tn_made_item *item, const tn_wit_type *type,
                                bool *is_there, uint32_t *slot) {
  *is_there = false;
  for (uint32_t i = 0; i < m->parts.len && !*is_there; i++) {
    tn_core_part *part = m->parts.items[i];
    const tn_core_export *export_;
    TN_TRY(
        tn_make_find_export(m, part, TN_ROLE_DESTRUCTOR, item, type->declaration.name, &export_));
    if (part->is_left_out || export_ == NULL) continue;
    *is_there = true;
    const tn_shim_slot filled = {
        .type = export_->type.func, .part = part, .destructor = export_->name};
    TN_TRY(add_slot(m, filled, slot));
  }
  return NULL;
}

static tn_error *slot_types(const tn_maker *m, const tn_core_func_type ***out) {
  const tn_core_func_type **types =
      TN_ARENA_ARRAY(m->arena, const tn_core_func_type *, m->slots.len);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < m->slots.len; i++)
    types[i] = m->slots.items[i].type;
  *out = types;
  return NULL;
}

static tn_error *fill_slot(tn_maker *m, const tn_shim_slot *slot, uint32_t *index) {
  const tn_core_need *need = slot->need;
  if (need == NULL)
    return tn_make_core_alias(m, slot->part->core_instance, TN_SORT_CORE_FUNC, slot->destructor,
                              index);
  if (need->kind != TN_NEED_ADAPTER) return make_need(m, slot->part, need, index);
  return tn_make_core_alias(m, need->adapter->core_instance, TN_SORT_CORE_FUNC, need->core->name,
                            index);
}

static tn_error *fill_shim(tn_maker *m, uint32_t fixup) {
  tn_ast_core_argument *exports = TN_ARENA_ARRAY(m->arena, tn_ast_core_argument, m->slots.len + 1);
  if (exports == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < m->slots.len; i++) {
    exports[i].name = tn_arena_format(m->arena, "%u", i);
    if (exports[i].name.data == NULL) return tn_error_no_memory();
    exports[i].item.sort = TN_SORT_CORE_FUNC;
    TN_TRY(fill_slot(m, &m->slots.items[i], &exports[i].item.index));
  }
  tn_ast_core_argument *table = &exports[m->slots.len];
  *table = (tn_ast_core_argument){.name = TN_STR("$imports"), .item = {.sort = TN_SORT_CORE_TABLE}};
  TN_TRY(
      tn_make_core_alias(m, m->shim_instance, TN_SORT_CORE_TABLE, table->name, &table->item.index));
  const tn_ast_core_instance instance = {.argument_count = m->slots.len + 1, .arguments = exports};
  return instantiate_with(m, fixup, &instance, NULL);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

/* Producers are written anew, with those of what made the worlds. */
static bool stays_in_module(void *data, tn_str name) {
  const tn_core_part *part = data;
  bool is_rewritten = part->producers.items.len > 0 && tn_str_equal(name, TN_STR("producers"));
  return !is_rewritten && !tn_str_starts_with(name, TN_STR("component-type"));
}

static tn_error *write_part(tn_maker *m, tn_core_part *part, tn_buffer *out) {
  tn_str producers;
  TN_TRY(tn_strip_module(out, part->renamed->bytes, stays_in_module, part));
  if (part->producers.items.len == 0) return NULL;
  TN_TRY(tn_make_producers(m, part, &producers));
  tn_core_write_custom(out, TN_STR("producers"), producers);
  return NULL;
}

static tn_error *add_modules(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++) {
    tn_core_part *part = m->parts.items[i];
    tn_buffer bytes = {0};
    if (part->is_left_out) continue;
    tn_error *error = write_part(m, part, &bytes);
    if (error == NULL) error = make_module(m, &bytes, &part->core_module);
    tn_buffer_free(&bytes);
    TN_TRY(error);
  }
  return NULL;
}

typedef struct destructor_slot {
  bool is_there;
  uint32_t slot;
} destructor_slot;

/* Resource types of exported interfaces that are not there yet; `slots` in the same order. */
static tn_error *list_resources(tn_maker *m, destructor_slot **out) {
  TN_VEC(destructor_slot) slots = {0};
  for (uint32_t i = 0; i < m->exports.all.len; i++) {
    const tn_made_item *item = m->exports.all.items[i];
    if (item->item.kind != TN_WIT_WORLD_INTERFACE) continue;
    for (uint32_t j = 0; j < item->item.interface->types.len; j++) {
      const tn_wit_type *type = item->item.interface->types.items[j];
      if (type->kind != TN_WIT_KIND_RESOURCE) continue;
      tn_own_resource *resource = TN_VEC_PUSH(m->arena, &m->resources);
      destructor_slot *slot = TN_VEC_PUSH(m->arena, &slots);
      if (resource == NULL || slot == NULL) return tn_error_no_memory();
      resource->type = type;
      TN_TRY(add_destructor(m, item, type, &slot->is_there, &slot->slot));
    }
  }
  *out = slots.items;
  return NULL;
}

static tn_error *define_resources(tn_maker *m, const destructor_slot *slots) {
  enum { I32 = 0x7f };
  for (uint32_t i = 0; i < m->resources.len; i++) {
    tn_ast_type *type = TN_ARENA_NEW(m->arena, tn_ast_type);
    if (type == NULL) return tn_error_no_memory();
    type->kind = TN_AST_RESOURCE;
    type->representation.code = I32;
    type->has_destructor = slots[i].is_there;
    if (slots[i].is_there) {
      tn_str name = tn_arena_format(m->arena, "%u", slots[i].slot);
      if (name.data == NULL) return tn_error_no_memory();
      TN_TRY(tn_make_core_alias(m, m->shim_instance, TN_SORT_CORE_FUNC, name, &type->destructor));
    }
    TN_TRY(tn_builder_add_type(&m->builder, type, &m->resources.items[i].index));
  }
  return NULL;
}

static tn_error *make_shim(tn_maker *m, uint32_t *fixup) {
  const tn_core_func_type **types;
  tn_buffer shim_bytes = {0}, fixup_bytes = {0};
  uint32_t shim;
  if (m->slots.len == 0) return NULL;
  TN_TRY(slot_types(m, &types));
  tn_core_write_shim(&shim_bytes, types, m->slots.len);
  TN_TRY(make_module(m, &shim_bytes, &shim));
  tn_core_write_fixup(&fixup_bytes, types, m->slots.len);
  TN_TRY(make_module(m, &fixup_bytes, fixup));
  return make_core_instance(m, &(tn_ast_core_instance){.is_instantiate = true, .module = shim},
                            &m->shim_instance);
}

/* Calls "_initialize", when everything is there that it may call. */
static tn_error *initialize(tn_maker *m) {
  const tn_core_export *function = tn_core_find_fixture(&m->main->exports, TN_FIXTURE_INITIALIZE);
  tn_buffer bytes = {0};
  uint32_t module;
  if (function == NULL) return NULL;
  tn_core_write_starter(&bytes);
  TN_TRY(make_module(m, &bytes, &module));
  tn_ast_core_argument *export_ = TN_ARENA_NEW(m->arena, tn_ast_core_argument);
  if (export_ == NULL) return tn_error_no_memory();
  *export_ = (tn_ast_core_argument){.name = TN_STR(""), .item = {.sort = TN_SORT_CORE_FUNC}};
  TN_TRY(tn_make_core_alias(m, m->main->core_instance, TN_SORT_CORE_FUNC, function->name,
                            &export_->item.index));
  TN_TRY(tn_make_with_task_init(m, m->main, function, TN_ABI_LIFT, &export_->item.index));
  const tn_ast_core_instance arguments = {.argument_count = 1, .arguments = export_};
  return instantiate_with(m, module, &arguments, NULL);
}

tn_error *tn_make_core(tn_maker *m) {
  destructor_slot *destructors;
  uint32_t fixup = 0;
  TN_TRY(add_slots(m));
  TN_TRY(list_resources(m, &destructors));
  TN_TRY(add_modules(m));
  TN_TRY(make_shim(m, &fixup));
  TN_TRY(define_resources(m, destructors));
  TN_TRY(tn_make_export_types(m));
  TN_TRY(instantiate(m, m->main));
  TN_TRY(find_memory(m));
  for (uint32_t i = 1; i < m->parts.len; i++) {
    if (!m->parts.items[i]->is_left_out) TN_TRY(instantiate(m, m->parts.items[i]));
  }
  if (m->slots.len > 0) TN_TRY(fill_shim(m, fixup));
  return initialize(m);
}
