/* The order in which things that need each other can be done, or the cycle that makes it
 * impossible. */
#include "base/buffer.h"
#include "wit/package/resolve.h"

/* Edges by the node that they start at: those of node n are edges[starts[n] .. starts[n + 1]). */
typedef struct adjacency {
  uint32_t *starts;
  const tn_wit_edge **edges;
} adjacency;

static bool sort_edges(tn_arena *scratch, uint32_t count, const tn_wit_edges *edges,
                       adjacency *out) {
  out->starts = TN_ARENA_ARRAY(scratch, uint32_t, (size_t)count + 2);
  out->edges = TN_ARENA_ARRAY(scratch, const tn_wit_edge *, (size_t)edges->len + 1);
  if (out->starts == NULL || out->edges == NULL) return false;
  /* One further on while it is filled, so that it ends up in place. */
  uint32_t *next = out->starts + 1;
  for (uint32_t i = 0; i < edges->len; i++)
    next[edges->items[i].from + 1]++;
  for (uint32_t i = 0; i < count; i++)
    next[i + 1] += next[i];
  for (uint32_t i = 0; i < edges->len; i++)
    out->edges[next[edges->items[i].from]++] = &edges->items[i];
  return true;
}

typedef enum node_state { UNSEEN, OPEN, DONE } node_state;

/* A walk in depth. Invariant: `path` are the open nodes, each needed by the one before it; at[n] is
 * the next edge of node n to follow. */
typedef struct node_walk {
  adjacency adjacency;
  uint8_t *states;
  uint32_t *at;
  uint32_t *path;
  uint32_t path_count;
  uint32_t done_count;
} node_walk;

static void open_node(node_walk *walk, uint32_t node) {
  walk->states[node] = OPEN;
  walk->at[node] = walk->adjacency.starts[node];
  walk->path[walk->path_count++] = node;
}

static void note_cycle(const node_walk *walk, const tn_wit_edge *edge, tn_wit_order *out) {
  uint32_t start = walk->path_count - 1;
  while (walk->path[start] != edge->to)
    start--;
  out->cycle = walk->path + start;
  out->cycle_count = walk->path_count - start;
  out->cycle_place = edge->place;
}

/* Goes on from the last node of the path; false: there is a cycle. */
static bool step(node_walk *walk, tn_wit_order *out) {
  uint32_t node = walk->path[walk->path_count - 1];
  if (walk->at[node] == walk->adjacency.starts[node + 1]) {
    walk->states[node] = DONE;
    walk->path_count--;
    out->nodes[walk->done_count++] = node;
    return true;
  }
  const tn_wit_edge *edge = walk->adjacency.edges[walk->at[node]++];
  if (walk->states[edge->to] == UNSEEN) {
    open_node(walk, edge->to);
  } else if (walk->states[edge->to] == OPEN) {
    note_cycle(walk, edge, out);
    return false;
  }
  return true;
}

tn_error *tn_wit_find_order(tn_arena *scratch, uint32_t count, const tn_wit_edges *edges,
                            tn_wit_order *out) {
  *out = (tn_wit_order){.nodes = TN_ARENA_ARRAY(scratch, uint32_t, (size_t)count + 1)};
  node_walk walk = {
      .states = TN_ARENA_ARRAY(scratch, uint8_t, (size_t)count + 1),
      .at = TN_ARENA_ARRAY(scratch, uint32_t, (size_t)count + 1),
      .path = TN_ARENA_ARRAY(scratch, uint32_t, (size_t)count + 1),
  };
  if (out->nodes == NULL || walk.states == NULL || walk.at == NULL || walk.path == NULL ||
      !sort_edges(scratch, count, edges, &walk.adjacency))
    return tn_error_no_memory();
  for (uint32_t node = 0; node < count; node++) {
    if (walk.states[node] == UNSEEN) open_node(&walk, node);
    while (walk.path_count > 0) {
      if (!step(&walk, out)) return NULL;
    }
  }
  return NULL;
}

tn_error *tn_wit_cycle_error(const tn_wit_order *order, const char *what,
                             tn_str (*name)(const void *data, uint32_t node), const void *data) {
  enum { SHOWN = 12 };
  tn_buffer path = {0};
  for (uint32_t i = 0; i < order->cycle_count && i < SHOWN; i++) {
    tn_buffer_append_str(&path, name(data, order->cycle[i]));
    tn_buffer_append_text(&path, " -> ");
  }
  if (order->cycle_count > SHOWN) tn_buffer_append_text(&path, "… -> ");
  tn_buffer_append_str(&path, name(data, order->cycle[0]));
  tn_error *error =
      path.failed ? tn_error_no_memory()
                  : tn_wit_place_error(order->cycle_place, "%s depends on itself: %" TN_STR_FORMAT,
                                       what, TN_STR_ARG(tn_buffer_str(&path)));
  tn_buffer_free(&path);
  return error;
}
