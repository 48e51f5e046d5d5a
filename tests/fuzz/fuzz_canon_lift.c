/* Lifts values of chosen types from a hostile guest: its memory, its core values and what its realloc returns
 * are the input. What arrives at the host is printed, hence read to its last byte; what goes to another guest
 * must stay within that guest's memory. */
#include "canon/transfer.h"
#include "fuzz_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- an engine of two memories, each exactly as large as the sanitizer is told --------------------- */

typedef struct fake_memory {
  uint8_t *bytes;
  uint64_t size;
} fake_memory;

struct tn_core_context {
  fake_memory memories[2];
  const uint8_t *answers; /* what realloc returns, one byte a call, scaled */
  size_t answer_count;
  uint64_t next;
};

uint8_t *tn_core_memory_base(tn_core_context *context, const tn_core_memory *memory) {
  return context->memories[memory->a].bytes;
}

uint64_t tn_core_memory_size(tn_core_context *context, const tn_core_memory *memory) {
  return context->memories[memory->a].size;
}

bool tn_core_memory_is_fixed(tn_core_context *context, const tn_core_memory *memory) {
  (void)context, (void)memory;
  return false;
}

/* realloc: allocates properly, but for what the input wants otherwise. */
tn_error *tn_core_call(tn_core_context *context, const tn_core_func *func, tn_core_value *values,
                       size_t count) {
  (void)func, (void)count;
  uint64_t alignment = values[2].u64, wanted = values[3].u64;
  uint64_t at = (context->next + alignment - 1) / alignment * alignment;
  context->next = at + wanted;
  if (context->answer_count > 0) {
    uint8_t answer = *context->answers++;
    context->answer_count--;
    if (answer == 0xff) return tn_trap("unreachable");
    if (answer >= 0xf0) at = context->memories[1].size - (answer & 0xf);
    if (answer == 0xe0) at += 1;
    if (answer == 0xe1) at = UINT64_MAX;
  }
  values[0].u64 = at;
  return NULL;
}

tn_core_context *tn_core_caller_context(tn_core_caller *caller) {
  return (tn_core_context *)caller;
}

tn_core_trap *tn_core_trap_from_error(tn_core_context *context, tn_error *error) {
  (void)context;
  tn_error_delete(error);
  return NULL;
}

void *tn_core_context_data(tn_core_context *context) {
  return context;
}

/* ---- the two ways a value can go ------------------------------------------------------------------- */

typedef struct world {
  tn_core_context context;
  tn_component_instance instances[3];
  tn_instance_flags flags[3];
  tn_core_func funcs[1];
  tn_core_memory memories[2];
  tn_runtime runtime;
  tn_canon_options options[2];
  tn_core_value values[TN_MAX_FLAT_PARAMS + 1];
  tn_arena arena;
} world;

static void lift_to_host(world *w, const tn_type *type, uint32_t max_flat) {
  tn_program program;
  if (tn_program_compile(&w->arena, type, max_flat, &w->options[0], NULL, &program) != NULL)
    abort();
  void *out = tn_value_new(&w->arena, type);
  if (out == NULL) abort();
  tn_end guest = {0}, host = {0};
  tn_end_guest(&guest, &w->runtime, &w->options[0]);
  tn_end_host(&host, &w->runtime);
  tn_transfer t = {.context = &w->context,
                   .runtime = &w->runtime,
                   .source = &guest,
                   .destination = &host,
                   .arena = &w->arena,
                   .copies = true,
                   .budget = 1 << 20};
  tn_error *error = tn_lift_values(&t, &program, w->values, (uintptr_t)out);
  if (error == NULL) {
    tn_buffer text = {0};
    tn_wave_print(&text, type, out);
    tn_buffer_free(&text);
  }
  tn_error_delete(error);
}

static void move_to_guest(world *w, const tn_type *type, uint32_t max_flat, bool has_room) {
  tn_program program;
  if (tn_program_compile(&w->arena, type, max_flat, &w->options[0], &w->options[1], &program) !=
      NULL)
    abort();
  tn_end source = {0}, destination = {0};
  tn_end_guest(&source, &w->runtime, &w->options[0]);
  tn_end_guest(&destination, &w->runtime, &w->options[1]);
  tn_transfer t = {.context = &w->context,
                   .runtime = &w->runtime,
                   .source = &source,
                   .destination = &destination};
  tn_core_value out[TN_MAX_FLAT_PARAMS + 1];
  tn_error_delete(tn_move_values(&t, &program, w->values, out, has_room ? &w->values[1] : NULL));
}

static tn_canon_options options_of(uint32_t instance, uint8_t bits) {
  return (tn_canon_options){.instance = instance,
                            .encoding = (tn_string_encoding)((bits & 3) % 3),
                            .is_64 = (bits & 4) != 0,
                            .memory = (int32_t)instance - 1,
                            .post_return = -1,
                            .callback = -1};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { HEADER = 4, ANSWERS = 4, VALUES = 17 * 8 };
  if (size < HEADER + ANSWERS + VALUES) return 0;
  world w = {.context = {.answers = data + HEADER, .answer_count = ANSWERS},
             .memories = {{.a = 0}, {.a = 1}},
             .options = {options_of(1, data[1]), options_of(2, data[2])}};
  w.runtime = (tn_runtime){.context = &w.context,
                           .instances = w.instances,
                           .instance_count = 3,
                           .funcs = w.funcs,
                           .memories = w.memories};
  for (int i = 0; i < 3; i++) {
    w.flags[i] = (tn_instance_flags){.may_enter = true, .may_leave = true};
    w.instances[i].flags = &w.flags[i];
  }
  for (int i = 0; i <= TN_MAX_FLAT_PARAMS; i++)
    memcpy(&w.values[i].u64, data + HEADER + ANSWERS + 8 * i, 8);
  size_t length = size - (HEADER + ANSWERS + VALUES);
  for (int i = 0; i < 2; i++) {
    fake_memory *memory = &w.context.memories[i];
    memory->size = i == 0 ? length : 512;
    memory->bytes = calloc(1, memory->size + 1);
    memory->bytes = realloc(memory->bytes, memory->size == 0 ? 1 : memory->size);
    if (memory->bytes == NULL) abort();
  }
  memcpy(w.context.memories[0].bytes, data + size - length, length);

  const tn_type *type = fuzz_choose_type(&w.arena, data[0]);
  uint32_t max_flat = (data[3] & 1) != 0 ? TN_MAX_FLAT_PARAMS : 1;
  if ((data[3] & 2) != 0) {
    lift_to_host(&w, type, max_flat);
  } else {
    move_to_guest(&w, type, max_flat, (data[3] & 4) != 0);
  }
  tn_runtime_release(&w.runtime);
  tn_arena_free(&w.arena);
  free(w.context.memories[0].bytes);
  free(w.context.memories[1].bytes);
  return 0;
}
