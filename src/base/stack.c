#include "base/stack.h"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/error.h"

_Thread_local tn_stack_bounds tn_stack_own;
_Thread_local uintptr_t tn_stack_limit;

/* The main thread's stack grows up to a limit, which this takes into account. Fails where /proc cannot be read. */
static void find_bounds(void) {
  tn_stack_own.is_known = true;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void *start;
  size_t size, guard = 0;
  if (pthread_attr_getstack(&attributes, &start, &size) == 0) {
    pthread_attr_getguardsize(&attributes, &guard);
    /* Where the guard is part of the stack: older libraries. */
    tn_stack_own.start = (uintptr_t)start + guard;
    tn_stack_own.size = size > guard ? size - guard : 0;
  }
  pthread_attr_destroy(&attributes);
}

bool tn_stack_ask_for(size_t size) {
  if (!tn_stack_own.is_known) find_bounds();
  size_t left = (uintptr_t)__builtin_frame_address(0) - tn_stack_own.start;
  return left < tn_stack_own.size && left >= size;
}

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

tn_error *tn_stack_make(tn_stack *stack, size_t size) {
  size_t guard = page_size(), rounded;
  if (__builtin_add_overflow(size, 2 * guard, &rounded)) return tn_error_no_memory();
  rounded -= rounded % guard;
  void *mapping = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED) return tn_error_no_memory();
  *stack = (tn_stack){.mapping = mapping, .size = rounded};
  if (mprotect(mapping, guard, PROT_NONE) != 0) {
    tn_stack_free(stack);
    return tn_error_no_memory();
  }
  return NULL;
}

typedef struct stack_call {
  void (*func)(void *argument);
  void *argument;
} stack_call;

/* A context's function takes numbers only: the address of its call in two halves. */
static void enter(unsigned high, unsigned low) {
  const stack_call *call = (const stack_call *)((uintptr_t)high << 32 | low);
  call->func(call->argument);
}

void tn_stack_run(tn_stack *stack, void (*func)(void *argument), void *argument) {
  stack_call call = {func, argument};
  ucontext_t there, here;
  getcontext(&there);
  size_t guard = page_size();
  there.uc_stack =
      (stack_t){.ss_sp = (char *)stack->mapping + guard, .ss_size = stack->size - guard};
  there.uc_link = &here;
  uintptr_t address = (uintptr_t)&call;
  makecontext(&there, (void (*)(void))enter, 2, (unsigned)(address >> 32), (unsigned)address);
  uintptr_t limit = tn_stack_limit;
  tn_stack_limit = 0;
  tn_sanitizer_make(&stack->sanitized);
  tn_sanitizer_enter(&stack->sanitized);
  swapcontext(&here, &there);
  tn_sanitizer_leave(&stack->sanitized);
  tn_sanitizer_free(&stack->sanitized);
  tn_stack_limit = limit;
}

void tn_stack_free(tn_stack *stack) {
  if (stack->mapping != NULL) munmap(stack->mapping, stack->size);
  *stack = (tn_stack){0};
}
