/* The engine describes a frame by function index and offsets, and by the module's name if it has one. Only a module
 * whose function of that index starts at that offset can be meant. Where several can (copies of a library, or one
 * module in several component instances), nothing is said about what they differ in. This reads the modules' bytes
 * again, and only when a guest has failed. */
#include "link/backtrace.h"

#include <string.h>

#include "base/error.h"
#include "component/binary/reader.h"

enum { SECTION_CODE = 10, PREAMBLE_SIZE = 8 };

static uint32_t count_imported_funcs(const tn_core_module *module) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < module->import_count; i++)
    count += module->imports[i].type.kind == TN_CORE_EXTERN_FUNC;
  return count;
}

/* The reader at the first body of the code section, behind their number. */
static tn_error *find_bodies(tn_str bytes, tn_reader *out, uint32_t *count) {
  tn_reader in = tn_reader_new(bytes, 0);
  tn_str preamble;
  TN_TRY(tn_read_bytes(&in, PREAMBLE_SIZE, &preamble));
  uint8_t id = 0;
  while (id != SECTION_CODE) {
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, out));
  }
  return tn_read_u32(out, count);
}

/* Where function number `index` among those that the module defines has its body. */
static tn_error *find_body(tn_str bytes, uint32_t index, size_t *out) {
  tn_reader bodies, body;
  uint32_t count;
  TN_TRY(find_bodies(bytes, &bodies, &count));
  for (uint32_t i = 0; i <= index; i++)
    TN_TRY(tn_read_sized(&bodies, &body));
  *out = tn_reader_offset(&body);
  return NULL;
}

static bool has_body(tn_str bytes, uint32_t index, size_t start) {
  size_t found = 0;
  tn_error *error = find_body(bytes, index, &found);
  tn_error_delete(error);
  return error == NULL && found == start;
}

/* A frame without offsets has none that could be the start of anything. */
static bool has_offsets(const tn_frame *frame) {
  return frame->module_offset != SIZE_MAX && frame->module_offset >= frame->function_offset;
}

static bool may_be_in(const tn_core_module *module, const tn_frame *frame) {
  uint32_t imported = count_imported_funcs(module);
  if (frame->function_index < imported || (frame->module != NULL) != (module->name.data != NULL))
    return false;
  if (frame->module != NULL && !tn_str_equal(module->name, tn_str_from(frame->module)))
    return false;
  return has_body(module->bytes, frame->function_index - imported,
                  frame->module_offset - frame->function_offset);
}

static bool may_be_in_adapter(const tn_compiled *compiled, const tn_frame *frame) {
  for (uint32_t i = 0; frame->module == NULL && i < compiled->adapter_count; i++) {
    tn_arena scratch = {0};
    const tn_core_module *module;
    tn_error *error = tn_core_module_read(&scratch, compiled->adapters[i], 0, &module);
    bool is_possible = error == NULL && may_be_in(module, frame);
    tn_error_delete(error);
    tn_arena_free(&scratch);
    if (is_possible) return true;
  }
  return false;
}

/* All that can be meant. */
typedef struct candidates {
  uint32_t modules;
  uint32_t index; /* of the last one found, in module_asts of `file` */
  const tn_compiled *file;
  uint32_t instances;
  const tn_plan_instance *instance; /* the last one found */
} candidates;

/* Adds the component instances that have made an instance of the module; false when there are none. */
static bool add_instances(const tn_plan *plan, const tn_module *module, candidates *found) {
  bool is_instantiated = false;
  for (uint32_t i = 0; i < plan->step_count; i++) {
    const tn_step *step = &plan->steps[i];
    if (step->kind != TN_STEP_INSTANTIATE || step->module != module) continue;
    is_instantiated = true;
    const tn_plan_instance *instance = &plan->instances[step->instance];
    if (instance == found->instance) continue;
    found->instance = instance;
    found->instances++;
  }
  return is_instantiated;
}

static void find_in_file(const tn_plan *plan, const tn_compiled *file, const tn_frame *frame,
                         candidates *found) {
  for (uint32_t i = 0; i < file->module_count; i++) {
    if (!may_be_in(file->module_asts[i], frame)) continue;
    if (!add_instances(plan, file->modules[i], found)) continue;
    found->modules++;
    found->index = i;
    found->file = file;
  }
}

static candidates find_candidates(const tn_plan *plan, const tn_frame *frame) {
  candidates found = {0};
  for (uint32_t i = 0; i < plan->file_count; i++)
    find_in_file(plan, plan->files[i], frame, &found);
  return found;
}

static tn_str exported_name(const tn_core_module *module, uint32_t func) {
  for (uint32_t i = 0; i < module->export_count; i++) {
    const tn_core_export *export_ = &module->exports[i];
    if (export_->type.kind == TN_CORE_EXTERN_FUNC && export_->index == func) return export_->name;
  }
  return (tn_str){0};
}

/* The file is the name of a core module that has none; in components, modules are counted. */
static void locate(const void *data, const tn_frame *frame, tn_arena *scratch,
                   tn_frame_place *out) {
  const tn_plan *plan = data;
  if (plan->compiled->core != NULL) out->module = plan->instances[1].path; /* there is no other */
  if (!has_offsets(frame)) return;
  candidates found = find_candidates(plan, frame);
  if (may_be_in_adapter(plan->file_count > 1 ? &plan->adapters : plan->compiled, frame)) {
    out->is_internal = found.modules == 0;
    return;
  }
  if (found.instances == 1 && plan->compiled->core == NULL) out->component = found.instance->path;
  if (found.modules != 1) return;
  if (plan->compiled->core == NULL)
    out->module = tn_arena_format(scratch, "module %u", found.index);
  out->function = exported_name(found.file->module_asts[found.index], frame->function_index);
}

tn_error *tn_plan_locate(const tn_plan *plan, tn_error *error) {
  return tn_error_locate_frames(error, locate, plan);
}
