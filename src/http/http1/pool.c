/* Buffers and exchanges that are used again, so that a request allocates nothing. */
#include "base/alloc.h"
#include "http/http1/connection.h"

enum {
  MAX_BUFFERS = 256,
  MAX_EXCHANGES = 256,
  MAX_ARENA = 16384, /* a recycled exchange keeps no more */
};

/* Invariant: refs counts the server and the exchanges that are in use. */
struct tn_http1_pool {
  uint32_t refs;
  uint32_t buffer_count;
  uint32_t exchange_count;
  tn_http1_buffer *buffers;
  tn_http1_exchange *exchanges;
  tn_buffer scratch;
};

tn_http1_pool *tn_http1_pool_new(void) {
  tn_http1_pool *pool = tn_calloc(1, sizeof *pool);
  if (pool != NULL) pool->refs = 1;
  return pool;
}

void tn_http1_pool_release(tn_http1_pool *pool) {
  if (pool == NULL || --pool->refs > 0) return;
  while (pool->buffers != NULL) {
    tn_http1_buffer *buffer = pool->buffers;
    pool->buffers = buffer->next;
    tn_free(buffer);
  }
  while (pool->exchanges != NULL) {
    tn_http1_exchange *exchange = pool->exchanges;
    pool->exchanges = exchange->next;
    tn_arena_free(&exchange->base.arena);
    tn_free(exchange);
  }
  tn_buffer_free(&pool->scratch);
  tn_free(pool);
}

tn_buffer *tn_http1_pool_scratch(tn_http1_pool *pool) {
  pool->scratch.len = 0;
  pool->scratch.failed = false;
  return &pool->scratch;
}

tn_http1_buffer *tn_http1_buffer_take(tn_http1_pool *pool, size_t size) {
  tn_http1_buffer *buffer = pool->buffers;
  if (size <= TN_HTTP1_BUFFER_SIZE && buffer != NULL) {
    pool->buffers = buffer->next;
    pool->buffer_count--;
  } else {
    size_t cap = TN_HTTP1_BUFFER_SIZE;
    while (cap < size)
      cap *= 2;
    if (cap > UINT32_MAX) return NULL; /* positions are 32 bits */
    buffer = tn_malloc(sizeof *buffer + cap);
    if (buffer == NULL) return NULL;
    buffer->cap = cap;
  }
  buffer->next = NULL;
  return buffer;
}

void tn_http1_buffer_release(tn_http1_pool *pool, tn_http1_buffer *buffer) {
  if (buffer == NULL) return;
  if (buffer->cap != TN_HTTP1_BUFFER_SIZE || pool->buffer_count == MAX_BUFFERS) {
    tn_free(buffer);
    return;
  }
  buffer->next = pool->buffers;
  pool->buffers = buffer;
  pool->buffer_count++;
}

tn_http1_exchange *tn_http1_exchange_take(tn_http1_pool *pool) {
  tn_http1_exchange *exchange = pool->exchanges;
  if (exchange != NULL) {
    pool->exchanges = exchange->next;
    pool->exchange_count--;
    tn_arena arena = exchange->base.arena;
    memset(exchange, 0, sizeof *exchange);
    exchange->base.arena = arena;
  } else {
    exchange = tn_calloc(1, sizeof *exchange);
    if (exchange == NULL) return NULL;
  }
  exchange->pool = pool;
  pool->refs++;
  return exchange;
}

void tn_http1_exchange_give(tn_http1_exchange *exchange) {
  tn_http1_pool *pool = exchange->pool;
  tn_arena *arena = &exchange->base.arena;
  tn_arena_reset(arena);
  if (arena->end - arena->next > MAX_ARENA) tn_arena_free(arena);
  if (pool->exchange_count == MAX_EXCHANGES) {
    tn_arena_free(arena);
    tn_free(exchange);
  } else {
    exchange->next = pool->exchanges;
    pool->exchanges = exchange;
    pool->exchange_count++;
  }
  tn_http1_pool_release(pool);
}
