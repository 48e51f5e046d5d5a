/* Shims. Component tools break the circle between a module whose imports are lowered with its own memory, and that
 * memory, with two modules of their own: a shim, whose functions only pass their arguments on through a table, and a
 * fix-up, whose one element segment fills that table once the lowered functions can be made, and which may have a
 * function that it imports, `_initialize`, as its start function. Tenon's lowered functions find their memory when
 * they are called, so that they can be imported directly. Where the two modules are exactly of that form, and nothing
 * can run before the table would be filled, the plan does without both: two instances less, and an importing module
 * that is left with nothing but host functions is resolved in advance. What remains is to call the start function. */
#include "base/error.h"
#include "link/scope.h"

/* ---- reading modules, which are valid: the engine has compiled them ---------------------------------------- */

typedef struct reader {
  const uint8_t *at;
  const uint8_t *end;
  bool has_failed; /* at the end, or something else than was expected */
} reader;

static uint8_t read_byte(reader *r) {
  if (r->at == r->end) {
    r->has_failed = true;
    return 0;
  }
  return *r->at++;
}

static void expect(reader *r, uint8_t byte) {
  if (read_byte(r) != byte) r->has_failed = true;
}

static uint32_t read_u32(reader *r) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    uint8_t byte = read_byte(r);
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  r->has_failed = true;
  return 0;
}

/* Of an i32.const: not negative. */
static uint32_t read_constant(reader *r) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    uint8_t byte = read_byte(r);
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (byte & 0x40) r->has_failed = true;
    return value;
  }
  r->has_failed = true;
  return 0;
}

enum {
  SECTION_CUSTOM = 0,
  SECTION_TYPE = 1,
  SECTION_IMPORT = 2,
  SECTION_FUNCTION = 3,
  SECTION_TABLE = 4,
  SECTION_EXPORT = 7,
  SECTION_START = 8,
  SECTION_ELEMENT = 9,
  SECTION_CODE = 10,
  SECTION_COUNT = 14,
};

/* The sections of a module; absent ones are empty, with `at` NULL. */
typedef struct sections {
  reader all[SECTION_COUNT];
} sections;

static bool split(const tn_core_module *module, sections *out) {
  *out = (sections){0};
  reader r = {(const uint8_t *)module->bytes.data + 8,
              (const uint8_t *)module->bytes.data + module->bytes.len, module->bytes.len < 8};
  while (!r.has_failed && r.at < r.end) {
    uint8_t id = read_byte(&r);
    uint32_t size = read_u32(&r);
    if (r.has_failed || size > (size_t)(r.end - r.at) || id >= SECTION_COUNT) return false;
    out->all[id] = (reader){r.at, r.at + size, false};
    r.at += size;
  }
  return !r.has_failed;
}

static bool has_only(const sections *found, uint32_t allowed) {
  for (uint32_t i = 0; i < SECTION_COUNT; i++) {
    if (found->all[i].at != NULL && !(allowed >> i & 1)) return false;
  }
  return true;
}

static bool is_at_end(const reader *r) {
  return !r->has_failed && r->at == r->end;
}

/* ---- recognizing ------------------------------------------------------------------------------------------ */

/* (func (type T) local.get 0 … local.get k-1, i32.const INDEX, call_indirect T). That k is the number of parameters
 * follows from its being valid. */
static bool passes_on(reader *code, uint32_t type, uint32_t index) {
  uint32_t size = read_u32(code);
  const uint8_t *start = code->at;
  expect(code, 0); /* no locals */
  uint8_t op = read_byte(code);
  for (uint32_t i = 0; op == 0x20; i++) {
    if (read_u32(code) != i) return false;
    op = read_byte(code);
  }
  if (op != 0x41 || read_constant(code) != index) return false;
  expect(code, 0x11);
  if (read_u32(code) != type) return false;
  expect(code, 0); /* the table */
  expect(code, 0x0b);
  return !code->has_failed && (size_t)(code->at - start) == size;
}

/* A module that has nothing but `count` functions that pass on to the entry of their own number. */
static bool is_shim(const tn_core_module *module, uint32_t count) {
  sections found;
  uint32_t allowed = 1u << SECTION_CUSTOM | 1u << SECTION_TYPE | 1u << SECTION_FUNCTION |
                     1u << SECTION_TABLE | 1u << SECTION_EXPORT | 1u << SECTION_CODE;
  if (module->import_count != 0 || !split(module, &found) || !has_only(&found, allowed))
    return false;
  reader *table = &found.all[SECTION_TABLE];
  expect(table, 1);
  expect(table, 0x70);
  if (read_byte(table) > 1 || read_u32(table) < count || table->has_failed) return false;
  reader *types = &found.all[SECTION_FUNCTION];
  reader *code = &found.all[SECTION_CODE];
  if (read_u32(types) != count || read_u32(code) != count) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t type = read_u32(types);
    if (types->has_failed || !passes_on(code, type, i)) return false;
  }
  return is_at_end(code);
}

/* A module that does nothing but to fill the table that it imports last with the functions that it imports first, and
 * perhaps to call the function imported between them. *filled is the number of the former. */
static bool is_fix_up(const tn_core_module *module, uint32_t *filled) {
  if (module->import_count < 2 || module->export_count != 0) return false;
  uint32_t functions = module->import_count - 1;
  for (uint32_t i = 0; i <= functions; i++) {
    if (module->imports[i].type.kind !=
        (i < functions ? TN_CORE_EXTERN_FUNC : TN_CORE_EXTERN_TABLE))
      return false;
  }
  sections found;
  uint32_t allowed = 1u << SECTION_CUSTOM | 1u << SECTION_TYPE | 1u << SECTION_IMPORT |
                     1u << SECTION_START | 1u << SECTION_ELEMENT;
  if (!split(module, &found) || !has_only(&found, allowed)) return false;
  reader *start = &found.all[SECTION_START];
  uint32_t count = start->at == NULL ? functions : functions - 1;
  if (start->at != NULL && (read_u32(start) != count || start->has_failed)) return false;
  /* One segment: (elem (i32.const 0) func …). */
  static const uint8_t from_zero[] = {1, 0, 0x41, 0, 0x0b};
  reader *elements = &found.all[SECTION_ELEMENT];
  for (size_t i = 0; i < sizeof from_zero; i++)
    expect(elements, from_zero[i]);
  if (read_u32(elements) != count) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (read_u32(elements) != i) return false;
  }
  *filled = count;
  return is_at_end(elements);
}

static bool module_has_start(const tn_core_module *module) {
  sections found;
  return !split(module, &found) || found.all[SECTION_START].at != NULL;
}

static bool same_numbers(const tn_core_valtype *a, const tn_core_valtype *b, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (a[i].code != b[i].code || a[i].code < 0x7b) return false;
  }
  return true;
}

static bool same_type(const tn_core_func_type *a, const tn_core_func_type *b) {
  return a->param_count == b->param_count && a->result_count == b->result_count &&
         same_numbers(a->params, b->params, a->param_count) &&
         same_numbers(a->results, b->results, a->result_count);
}

static const tn_core_export *find_export(const tn_core_module *module, tn_str name) {
  for (uint32_t i = 0; i < module->export_count; i++) {
    if (tn_str_equal(module->exports[i].name, name)) return &module->exports[i];
  }
  return NULL;
}

/* ---- in the plan ------------------------------------------------------------------------------------------ */

/* Steps `shim` and `fix_up` of the plan, and their modules. */
typedef struct pair {
  uint32_t shim;
  uint32_t fix_up;
  uint32_t count; /* of the functions */
  const tn_core_module *shim_module;
  const tn_core_module *fix_up_module;
} pair;

/* What is asked of the steps again and again, found in one walk over them. Invariant: users[first_user[s]] up to
 * users[first_user[s + 1]] are the steps that had exports of core instance s as sources, each as often as it has. */
typedef struct survey {
  uint32_t *made_by;    /* core instance -> the step that makes it; UINT32_MAX: none */
  uint32_t *first_user; /* by core instance */
  uint32_t *users;
  uint32_t *starts; /* by step: how many before it instantiate a module with a start function */
  bool *is_gone;    /* by step */
} survey;

static void count_uses(const tn_linking *linking, survey *out) {
  uint32_t slots = linking->core_instance_slots;
  for (uint32_t i = 0; i < linking->steps.len; i++) {
    const tn_step *step = &linking->steps.items[i];
    out->starts[i + 1] =
        out->starts[i] + (step->ast != NULL && module_has_start(step->ast) ? 1 : 0);
    if (step->kind == TN_STEP_INSTANTIATE) out->made_by[step->slot] = i;
    for (uint32_t j = 0; j < step->source_count; j++)
      if (step->sources[j].kind == TN_SOURCE_EXPORT) out->first_user[step->sources[j].slot]++;
  }
  for (uint32_t i = 1; i <= slots; i++) /* now where each one's users end */
    out->first_user[i] += out->first_user[i - 1];
}

static tn_error *list_users(const tn_linking *linking, tn_arena *arena, survey *out) {
  out->users = TN_ARENA_ARRAY(arena, uint32_t, out->first_user[linking->core_instance_slots]);
  if (out->users == NULL) return tn_error_no_memory();
  for (uint32_t i = linking->steps.len; i-- > 0;) {
    const tn_step *step = &linking->steps.items[i];
    for (uint32_t j = 0; j < step->source_count; j++)
      if (step->sources[j].kind == TN_SOURCE_EXPORT)
        out->users[--out->first_user[step->sources[j].slot]] = i;
  }
  return NULL;
}

static tn_error *look_at_steps(const tn_linking *linking, tn_arena *arena, survey *out) {
  uint32_t slots = linking->core_instance_slots, steps = linking->steps.len;
  out->made_by = TN_ARENA_ARRAY(arena, uint32_t, slots);
  out->first_user = TN_ARENA_ARRAY(arena, uint32_t, (size_t)slots + 1);
  out->starts = TN_ARENA_ARRAY(arena, uint32_t, (size_t)steps + 1);
  out->is_gone = TN_ARENA_ARRAY(arena, bool, steps);
  if (out->made_by == NULL || out->first_user == NULL || out->starts == NULL ||
      out->is_gone == NULL)
    return tn_error_no_memory();
  for (uint32_t i = 0; i < slots; i++)
    out->made_by[i] = UINT32_MAX;
  count_uses(linking, out);
  return list_users(linking, arena, out);
}

static bool is_from(const tn_core_source *source, uint32_t slot) {
  return source->kind == TN_SOURCE_EXPORT && source->slot == slot;
}

/* The host function that the shim's export stands for, or NULL. */
static const tn_core_source *behind(const tn_linking *linking, const pair *p, tn_str name) {
  const tn_core_export *export_ = find_export(p->shim_module, name);
  if (export_ == NULL || export_->type.kind != TN_CORE_EXTERN_FUNC) return NULL;
  uint32_t index = export_->index;
  if (index >= p->count) return NULL;
  if (!same_type(export_->type.func, p->fix_up_module->imports[index].type.func)) return NULL;
  return &linking->steps.items[p->fix_up].sources[index];
}

/* All is a host function; those with compiled forms are better reached through the table. */
static bool fills_with_host_functions(const tn_step *fix_up, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const tn_core_source *source = &fix_up->sources[i];
    if (source->kind == TN_SOURCE_EXPORT) return false;
    if (source->adapter != NULL && source->adapter->slot >= 0) return false;
  }
  return true;
}

static bool starts_something(const pair *p) {
  return p->count + 1 < p->fix_up_module->import_count;
}

static bool step_can_do_without(const tn_linking *linking, const pair *p, const tn_step *step) {
  uint32_t shim = linking->steps.items[p->shim].slot;
  for (uint32_t i = 0; i < step->source_count; i++) {
    const tn_core_source *source = &step->sources[i];
    if (!is_from(source, shim)) continue;
    if (step->ast == NULL || behind(linking, p, source->name) == NULL) return false;
  }
  return true;
}

/* Whether everything that uses the shim can do without, and nothing of the component runs meanwhile. */
static bool can_bypass(const tn_linking *linking, const survey *all, const pair *p) {
  const tn_step *steps = linking->steps.items;
  uint32_t shim = steps[p->shim].slot;
  if (starts_something(p) && is_from(&steps[p->fix_up].sources[p->count], shim)) return false;
  if (all->starts[p->fix_up] != all->starts[p->shim + 1]) return false;
  for (uint32_t i = all->first_user[shim]; i < all->first_user[shim + 1]; i++) {
    uint32_t user = all->users[i];
    if (user != p->fix_up && !step_can_do_without(linking, p, &steps[user])) return false;
  }
  return true;
}

static bool find_pair(const tn_linking *linking, const survey *all, pair *out) {
  const tn_step *steps = linking->steps.items, *fix_up = &steps[out->fix_up];
  const tn_core_source *table = &fix_up->sources[fix_up->source_count - 1];
  out->shim = table->kind == TN_SOURCE_EXPORT ? all->made_by[table->slot] : UINT32_MAX;
  if (out->shim >= out->fix_up) return false;
  out->shim_module = steps[out->shim].ast;
  return out->shim_module != NULL && is_shim(out->shim_module, out->count) &&
         fills_with_host_functions(fix_up, out->count) && can_bypass(linking, all, out);
}

static tn_error *redirect(tn_linking *linking, const pair *p, tn_step *step) {
  uint32_t shim = linking->steps.items[p->shim].slot;
  tn_core_source *sources = (tn_core_source *)step->sources; /* made by this run of linking */
  bool is_changed = false;
  for (uint32_t i = 0; i < step->source_count; i++) {
    if (!is_from(&sources[i], shim)) continue;
    sources[i] = *behind(linking, p, sources[i].name);
    is_changed = true;
  }
  return is_changed ? tn_link_resolve_in_advance(linking, step) : NULL;
}

static tn_error *bypass(tn_linking *linking, survey *all, const pair *p) {
  tn_step *steps = linking->steps.items;
  uint32_t shim = steps[p->shim].slot;
  for (uint32_t i = all->first_user[shim]; i < all->first_user[shim + 1]; i++)
    if (all->users[i] != p->fix_up) TN_TRY(redirect(linking, p, &steps[all->users[i]]));
  tn_module_pre_delete(steps[p->shim].pre);
  tn_module_pre_delete(steps[p->fix_up].pre);
  steps[p->shim].pre = steps[p->fix_up].pre = NULL;
  all->is_gone[p->shim] = true;
  all->is_gone[p->fix_up] = !starts_something(p);
  if (all->is_gone[p->fix_up]) return NULL;
  tn_step *fix_up = &steps[p->fix_up];
  *fix_up = (tn_step){.kind = TN_STEP_START,
                      .instance = fix_up->instance,
                      .source_count = 1,
                      .sources = &fix_up->sources[p->count]};
  return NULL;
}

static void remove_steps(tn_linking *linking, const survey *all) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < linking->steps.len; i++)
    if (!all->is_gone[i]) linking->steps.items[kept++] = linking->steps.items[i];
  linking->steps.len = kept;
}

static tn_error *bypass_shims(tn_linking *linking, tn_arena *arena) {
  survey all = {0};
  for (uint32_t i = linking->steps.len; i-- > 0;) {
    pair found = {.fix_up = i, .fix_up_module = linking->steps.items[i].ast};
    if (found.fix_up_module == NULL || !is_fix_up(found.fix_up_module, &found.count)) continue;
    if (all.users == NULL) TN_TRY(look_at_steps(linking, arena, &all));
    if (find_pair(linking, &all, &found)) TN_TRY(bypass(linking, &all, &found));
  }
  if (all.users != NULL) remove_steps(linking, &all);
  return NULL;
}

/* Steps that are gone have nothing any more that would have to be freed. */
tn_error *tn_link_bypass_shims(tn_linking *linking) {
  tn_arena scratch = {0};
  tn_error *error = bypass_shims(linking, &scratch);
  tn_arena_free(&scratch);
  return error;
}
