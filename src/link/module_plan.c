/* A core module as if it were a component: its imports come from the linker's core definitions, and its
 * exported functions over numbers can be called as component functions. */
#include "base/error.h"
#include "link/scope.h"

static tn_error *resolve_import(tn_linking *linking, const tn_core_import *import,
                                tn_core_source *out) {
  tn_host_import host = {0};
  if (import->type.kind == TN_CORE_EXTERN_FUNC) {
    TN_TRY(tn_host_find_core(&linking->host, import->module, import->name, &host));
  }
  if (host.func == NULL) {
    tn_error *error =
        tn_error_new(TN_ERROR_LINK,
                     "import `%" TN_STR_FORMAT "#%" TN_STR_FORMAT "` of the module is not provided",
                     TN_STR_ARG(import->module), TN_STR_ARG(import->name));
    return tn_error_set_hint(
        error,
        "core modules get the functions of `wasi_snapshot_preview1`; is it part of a component?");
  }
  *out = (tn_core_source){.kind = TN_SOURCE_HOST, .host = host};
  return NULL;
}

static bool number_type(tn_core_valtype type, const tn_type **out) {
  switch (type.code) {
  case 0x7f:
    *out = tn_type_primitive(TN_TYPE_S32);
    return true;
  case 0x7e:
    *out = tn_type_primitive(TN_TYPE_S64);
    return true;
  case 0x7d:
    *out = tn_type_primitive(TN_TYPE_F32);
    return true;
  case 0x7c:
    *out = tn_type_primitive(TN_TYPE_F64);
    return true;
  default:
    return false;
  }
}

/* The component type of a core function; *out is NULL when it has other types than numbers, more
 * parameters than the flat limit or several results. */
static tn_error *func_type_of(tn_linking *linking, const tn_core_func_type *core,
                              const tn_func_type **out) {
  *out = NULL;
  if (core->param_count > TN_MAX_FLAT_PARAMS || core->result_count > 1) return NULL;
  tn_func_type *type = TN_ARENA_NEW(linking->arena, tn_func_type);
  tn_str *names = TN_ARENA_ARRAY(linking->arena, tn_str, core->param_count);
  const tn_type **params = TN_ARENA_ARRAY(linking->arena, const tn_type *, core->param_count);
  if (type == NULL || names == NULL || params == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < core->param_count; i++) {
    if (!number_type(core->params[i], &params[i])) return NULL;
    names[i] = tn_arena_format(linking->arena, "p%u", i);
    if (names[i].data == NULL) return tn_error_no_memory();
  }
  if (core->result_count == 1 && !number_type(core->results[0], &type->result)) return NULL;
  type->param_count = core->param_count;
  type->param_names = names;
  type->param_types = params;
  TN_TRY(tn_func_type_finish(linking->arena, type));
  *out = type;
  return NULL;
}

static tn_error *export_func(tn_linking *linking, const tn_core_export *export_,
                             const tn_core_source *source) {
  const tn_func_type *type;
  TN_TRY(func_type_of(linking, export_->type.func, &type));
  if (type == NULL) return NULL;
  int32_t callee;
  TN_TRY(tn_link_take_func(linking, source, &callee));
  tn_canon_options options = {
      .instance = 1, .memory = -1, .realloc = -1, .post_return = -1, .callback = -1};
  tn_lifted *lifted;
  TN_TRY(tn_canon_lift(linking->arena, type, &options, callee, &lifted));
  tn_plan_export *place = TN_VEC_PUSH(linking->arena, &linking->exports);
  if (place == NULL) return tn_error_no_memory();
  *place = (tn_plan_export){.name = export_->name, .type = type, .lifted = lifted};
  return NULL;
}

tn_error *tn_link_core_module(tn_linking *linking, const tn_compiled *compiled) {
  const tn_core_module *module = compiled->core;
  tn_core_source *sources = TN_ARENA_ARRAY(linking->arena, tn_core_source, module->import_count);
  if (sources == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < module->import_count; i++)
    TN_TRY(resolve_import(linking, &module->imports[i], &sources[i]));
  uint32_t slot;
  TN_TRY(tn_link_instantiate_module(linking, compiled, module, 1, sources, &slot));
  for (uint32_t i = 0; i < module->export_count; i++) {
    const tn_core_export *export_ = &module->exports[i];
    tn_core_source source = {.kind = TN_SOURCE_EXPORT, .slot = slot, .name = export_->name};
    int32_t memory;
    if (export_->type.kind == TN_CORE_EXTERN_FUNC) TN_TRY(export_func(linking, export_, &source));
    if (export_->type.kind == TN_CORE_EXTERN_MEMORY &&
        tn_str_equal(export_->name, TN_STR("memory"))) {
      /* Slot 0: what preview 1 reads and writes. */
      TN_TRY(tn_link_take_memory(linking, &source, &memory));
    }
  }
  return NULL;
}
