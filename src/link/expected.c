#include "link/expected.h"

#include "wit/wit.h"

/* Of longer signatures only the name is told, and no more than so many things. */
enum { MAX_SIGNATURE = 120, MAX_TOLD = 4 };

static bool is_told(const tn_item *item) {
  return item->sort == TN_SORT_FUNC ||
         (item->sort == TN_SORT_TYPE && item->type->kind == TN_TYPE_ITEM_RESOURCE);
}

static void print_one(tn_buffer *out, tn_str name, const tn_item *item) {
  tn_buffer text = {0};
  if (item->sort == TN_SORT_FUNC) {
    tn_buffer_append_text(&text, ": ");
    tn_wit_print_func(&text, item->func->type);
    if (text.len > MAX_SIGNATURE) text.len = 0;
  }
  tn_buffer_format(out, "%s`%" TN_STR_FORMAT "%" TN_STR_FORMAT "`",
                   item->sort == TN_SORT_FUNC ? "" : "the resource ", TN_STR_ARG(name),
                   TN_STR_ARG(tn_buffer_str(&text)));
  out->failed = out->failed || text.failed;
  tn_buffer_free(&text);
}

void tn_link_print_expected(tn_buffer *out, const tn_instance_item *instance) {
  uint32_t count = 0, told = 0;
  for (uint32_t i = 0; i < instance->names.len; i++)
    if (is_told(tn_map_get(&instance->exports, instance->names.items[i]))) count++;
  uint32_t most = count <= MAX_TOLD ? count : MAX_TOLD;
  for (uint32_t i = 0; told < most; i++) {
    tn_str name = instance->names.items[i];
    const tn_item *item = tn_map_get(&instance->exports, name);
    if (!is_told(item)) continue;
    bool is_last = ++told == count;
    if (told > 1) tn_buffer_append_text(out, is_last ? " and " : ", ");
    print_one(out, name, item);
  }
  if (count > most) tn_buffer_format(out, " and %u more", count - most);
}
