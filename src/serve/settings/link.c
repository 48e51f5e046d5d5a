/* Components that a component is linked with, each with its own rights: "FILE;RIGHT=VALUE;…", or a table with `file` and
 * the rights that a component's table has. */
#include "base/error.h"
#include "serve/settings/builder.h"

/* Rights are read into a draft of a component, as those of components are. */
typedef struct link_draft {
  tn_component_draft rights;
  tn_str path;
} link_draft;

static void report_no_right(tn_serve_builder *builder, tn_place place, tn_str name) {
  tn_server_problem *problem =
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, place,
                      "link: \"%.60s\" is not a right that a linked component can have", name.data);
  tn_problems_set_hint(
      builder->problems, problem,
      "it has a file and rights: dir=HOST::GUEST, env=NAME=VALUE, net=HOST:PORT, http=HOST");
}

static const tn_setting *find_right(tn_str name) {
  const tn_setting *setting = tn_setting_find(TN_SECTION_COMPONENT, name);
  return setting != NULL && setting->is_right ? setting : NULL;
}

/* "dir=data::/data", "http-all" */
static void read_part(tn_serve_builder *builder, link_draft *draft, const tn_toml *from,
                      char *part) {
  tn_str text = tn_str_from(part);
  size_t equals = tn_str_find(text, '=', 0);
  tn_toml value = {
      .kind = TN_TOML_BOOLEAN, .line = from->line, .column = from->column, .boolean = true};
  if (equals < text.len) {
    part[equals] = '\0';
    value.kind = TN_TOML_TEXT;
    value.text = tn_str_slice(text, equals + 1, text.len);
  }
  const tn_setting *setting = find_right(tn_str_from(part));
  if (setting != NULL)
    tn_setting_apply(builder, &draft->rights, setting, &value);
  else
    report_no_right(builder, tn_builder_place(builder, from), tn_str_from(part));
}

static void read_text(tn_serve_builder *builder, link_draft *draft, const tn_toml *value) {
  tn_str copy = tn_arena_copy(&builder->config->arena, value->text);
  if (tn_builder_check(builder, (void *)copy.data) == NULL) return;
  char *rest = (char *)copy.data; /* our own */
  draft->path = tn_str_from(tn_link_text_part(&rest));
  for (char *part; (part = tn_link_text_part(&rest)) != NULL;)
    if (*part != '\0') read_part(builder, draft, value, part);
}

static void read_table(tn_serve_builder *builder, link_draft *draft, const tn_toml *table) {
  for (uint32_t i = 0; i < table->count; i++) {
    const tn_toml *entry = &table->items[i];
    const tn_setting *setting = find_right(entry->key);
    if (setting != NULL)
      tn_setting_apply(builder, &draft->rights, setting, entry);
    else if (!tn_str_equal(entry->key, TN_STR("file")))
      report_no_right(builder, tn_builder_key_place(builder, entry), entry->key);
    else if (entry->kind == TN_TOML_TEXT)
      draft->path = entry->text;
    else
      tn_setting_report(builder, "file", entry, "a path");
  }
}

/* Takes the rights over. */
static void add_link(tn_serve_builder *builder, tn_component_draft *target, const tn_toml *value,
                     link_draft *draft) {
  tn_serve_link *link =
      tn_builder_check(builder, TN_VEC_PUSH(&builder->config->arena, &target->links));
  const char *path = tn_builder_path(builder, draft->path);
  if (link == NULL || path == NULL) {
    if (link != NULL) target->links.len--;
    tn_wasi_config_delete(draft->rights.component.wasi);
    return;
  }
  if (draft->rights.inherit_env) tn_inherit_environment(builder, &draft->rights);
  const tn_toml *file = value->kind == TN_TOML_TABLE ? tn_toml_get(value, "file") : NULL;
  const tn_toml *at = file != NULL ? file : value;
  *link = (tn_serve_link){.path = path,
                          .wasi = draft->rights.component.wasi,
                          .line = at->line,
                          .column = at->column};
}

void tn_read_link(tn_serve_builder *builder, void *target, const tn_setting *setting,
                  const tn_toml *value) {
  bool is_text =
      value->kind == TN_TOML_TEXT && memchr(value->text.data, '\0', value->text.len) == NULL;
  if (!is_text && value->kind != TN_TOML_TABLE) {
    tn_setting_report(builder, setting->name, value, "\"FILE;RIGHT=VALUE\" or { file = \"…\", … }");
    return;
  }
  link_draft draft = {0};
  tn_error *error = tn_wasi_config_new(&draft.rights.component.wasi);
  if (error != NULL) {
    tn_problems_add_error(builder->problems, (tn_place){0}, NULL, error);
    return;
  }
  if (is_text)
    read_text(builder, &draft, value);
  else
    read_table(builder, &draft, value);
  if (draft.path.len > 0) {
    add_link(builder, target, value, &draft);
    return;
  }
  tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, value),
                  "link: it names no file");
  tn_wasi_config_delete(draft.rights.component.wasi);
}

void tn_links_delete(tn_serve_link *links, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    tn_wasi_config_delete(links[i].wasi);
    links[i].wasi = NULL;
  }
}

static tn_error *prepare(const tn_component_draft *draft, tn_serve_link *link) {
  if (draft->allow_precompiled || tn_str_ends_with(tn_str_from(link->path), TN_STR(".cwasm")))
    link->load_flags |= TN_LOAD_ARTIFACT;
  if (draft->component.output != TN_SERVE_OUTPUT_INHERIT) return NULL;
  TN_TRY(tn_wasi_config_set_stdout(link->wasi, TN_STDIO_INHERIT, 1));
  return tn_wasi_config_set_stderr(link->wasi, TN_STDIO_INHERIT, 2);
}

void tn_links_finish(tn_serve_builder *builder, tn_component_draft *draft) {
  for (uint32_t i = 0; i < draft->links.len; i++)
    tn_problems_add_error(builder->problems, (tn_place){0}, NULL,
                          prepare(draft, &draft->links.items[i]));
  draft->component.links = draft->links.items;
  draft->component.link_count = draft->links.len;
}

/* ---- those that take no part ------------------------------------------------------------------------- */

/* Whether the same words of the settings made both. */
static bool is_same_link(const tn_serve_link *a, const tn_serve_link *b) {
  return a->line == b->line && a->column == b->column && strcmp(a->path, b->path) == 0;
}

/* Whether `link` is the first of its kind, and none of the kind is used. */
static bool is_to_be_told(const tn_serve_config *config, const tn_serve_link *link) {
  bool is_before = true;
  for (uint32_t i = 0; i < config->component_count; i++) {
    const tn_serve_component *component = &config->components[i];
    for (uint32_t j = 0; j < component->link_count; j++) {
      const tn_serve_link *other = &component->links[j];
      if (other == link) is_before = false;
      if (!is_same_link(other, link)) continue;
      if (other->state != TN_SERVE_LINK_UNUSED || is_before) return false;
    }
  }
  return true;
}

void tn_serve_find_unused_links(const tn_serve_config *config,
                                void (*found)(void *data, const tn_serve_link *link), void *data) {
  for (uint32_t i = 0; i < config->component_count; i++) {
    const tn_serve_component *component = &config->components[i];
    for (uint32_t j = 0; j < component->link_count; j++)
      if (component->links[j].state == TN_SERVE_LINK_UNUSED &&
          is_to_be_told(config, &component->links[j]))
        found(data, &component->links[j]);
  }
}
