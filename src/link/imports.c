/* The imports of a file: finds what meets them, in another unit or on the host, gives the abstract resource types of the
 * import their identity, and checks that both sides mean the same types. */
#include "base/buffer.h"
#include "base/error.h"
#include "link/difference.h"
#include "link/expected.h"
#include "link/scope.h"

static const char *sort_name(tn_sort sort) {
  switch (sort) {
  case TN_SORT_FUNC:
    return "function";
  case TN_SORT_TYPE:
    return "type";
  case TN_SORT_COMPONENT:
    return "component";
  case TN_SORT_INSTANCE:
    return "interface";
  case TN_SORT_CORE_MODULE:
    return "core module";
  default:
    return "value";
  }
}

/* Who meets an import: an interface of the host, or exports of another unit. Neither: nobody. `interface` is
 * the import's name, empty for what is imported directly. */
typedef struct provider {
  tn_host_use *use;
  const tn_instance_item *exports;
  const tn_unit *unit; /* whose exports these are */
  tn_str name;         /* of the interface as it is provided; empty if there is none */
  tn_str interface;
} provider;

static bool is_nobody(const provider *p) {
  return p->use == NULL && p->exports == NULL;
}

/* ---- what is wrong --------------------------------------------------------------------------------- */

static const char provide_it[] =
    "define it in the linker, or add a component that exports it (`tn_linker_add_component`)";

/* As messages call the two sides. */
static tn_str importer_name(const tn_linking *linking) {
  return linking->plan->file_count > 1 ? linking->unit->name : TN_STR("the component");
}

static tn_str provider_name(const provider *p) {
  return p->unit != NULL ? p->unit->name : TN_STR("the host");
}

static tn_str component_name(const tn_linker_component *component) {
  return component->name.data != NULL ? component->name : component->compiled->name;
}

/* What is known of `name` elsewhere. */
static tn_error *set_missing_hint(tn_linking *linking, tn_error *error, tn_str name) {
  const tn_linker *linker = linking->host.linker;
  const tn_linker_component *before, *near;
  if (tn_link_stands_in_front(linker, linking->unit, name, &before)) {
    tn_str other = before != NULL ? component_name(before) : TN_STR("what");
    return tn_error_set_hint(
        error,
        "%" TN_STR_FORMAT " exports it, too, and so gets it only from what comes behind it in the "
        "link: put %" TN_STR_FORMAT "%s there",
        TN_STR_ARG(linking->unit->name), TN_STR_ARG(other),
        before != NULL ? "" : " it is to get it from");
  }
  tn_str other = tn_host_other_version(&linking->host, name);
  if (other.data != NULL) {
    return tn_error_set_hint(
        error, "the host provides `%" TN_STR_FORMAT "`, which is not compatible with that version",
        TN_STR_ARG(other));
  }
  near = tn_link_other_version(linker, name, &other);
  if (near == NULL) {
    other = tn_host_similar(&linking->host, name);
    if (other.data == NULL) return tn_error_set_hint(error, "%s", provide_it);
    return tn_error_set_hint(
        error, "the host provides `%" TN_STR_FORMAT "`: is that what is meant? Else %s",
        TN_STR_ARG(other), provide_it);
  }
  return tn_error_set_hint(error,
                           "%" TN_STR_FORMAT " exports `%" TN_STR_FORMAT
                           "`, which is not compatible with that version",
                           TN_STR_ARG(component_name(near)), TN_STR_ARG(other));
}

/* Whether only what is linked has it, which is made last. */
static bool leads_back(const tn_linking *linking, tn_str name) {
  const tn_unit *root = linking->units.items[linking->units.len - 1];
  return linking->unit != root && !tn_link_has_export(linking->unit, name) &&
         tn_link_has_export(root, name);
}

/* `expected`: what the importer wants of it; empty: nothing is known. */
static tn_error *missing_of_which(tn_linking *linking, tn_str name, tn_sort sort, tn_str expected) {
  if (leads_back(linking, name))
    return tn_link_circle(linking, linking->unit, name,
                          linking->units.items[linking->units.len - 1]);
  tn_str importer = expected.len > 0 ? importer_name(linking) : TN_STR("");
  tn_error *error = tn_error_new(
      TN_ERROR_LINK,
      "import `%" TN_STR_FORMAT "` (%s) is not provided%s%" TN_STR_FORMAT "%s%" TN_STR_FORMAT "%s",
      TN_STR_ARG(name), sort_name(sort), expected.len > 0 ? ": " : "", TN_STR_ARG(importer),
      expected.len > 0 ? " expects " : "", TN_STR_ARG(expected), expected.len > 0 ? " of it" : "");
  return linking->is_rehearsal ? error : set_missing_hint(linking, error, name);
}

static tn_error *missing(tn_linking *linking, tn_str name, tn_sort sort) {
  return missing_of_which(linking, name, sort, TN_STR(""));
}

/* What `wanted` is called as a whole. */
static tn_error *full_name(tn_linking *linking, tn_str interface, tn_str name, tn_str *out) {
  *out = name;
  if (interface.len == 0) return NULL;
  *out = tn_arena_format(linking->arena, "%" TN_STR_FORMAT "#%" TN_STR_FORMAT,
                         TN_STR_ARG(interface), TN_STR_ARG(name));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* Somebody provides the interface, if it is one, but not this function of it. */
static tn_error *missing_func(tn_linking *linking, const provider *p, tn_str name,
                              const tn_func_type *wanted) {
  tn_str path;
  TN_TRY(full_name(linking, p->interface, name, &path));
  if (p->name.len == 0) return missing(linking, path, TN_SORT_FUNC);
  tn_buffer type = {0};
  tn_wit_print_func(&type, wanted);
  tn_error *error =
      type.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "` is not provided: %" TN_STR_FORMAT
                         "'s `%" TN_STR_FORMAT "` has no function `%" TN_STR_FORMAT
                         "`, %" TN_STR_FORMAT " expects `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(path), TN_STR_ARG(provider_name(p)), TN_STR_ARG(p->name),
                         TN_STR_ARG(name), TN_STR_ARG(importer_name(linking)),
                         TN_STR_ARG(tn_buffer_str(&type)));
  tn_buffer_free(&type);
  return tn_error_set_hint(error, "%s", provide_it);
}

/* Who made a resource. */
static tn_str resource_owner(const tn_linking *linking, const tn_resource *resource) {
  if (resource->is_host) return TN_STR("the host");
  uint32_t i = 0, rights = linking->instances.items[resource->instance].rights;
  while (linking->units.items[i]->rights != rights)
    i++;
  return linking->units.items[i]->name;
}

static void print_holder(tn_buffer *out, tn_str holder, tn_str owner) {
  tn_buffer_format(out, "%" TN_STR_FORMAT " has it", TN_STR_ARG(holder));
  if (tn_str_equal(holder, owner))
    tn_buffer_append_text(out, " of its own");
  else
    tn_buffer_format(out, " from %" TN_STR_FORMAT, TN_STR_ARG(owner));
}

static void print_owners(tn_buffer *out, const tn_linking *linking, const provider *p,
                         const tn_resource_pair *pair) {
  if (pair->expected == NULL) return;
  tn_buffer_append_text(out, ": ");
  print_holder(out, importer_name(linking), resource_owner(linking, pair->expected));
  tn_buffer_append_text(out, ", ");
  print_holder(out, provider_name(p), resource_owner(linking, pair->given));
}

/* How both could have one resource. */
static tn_error *set_owners_hint(const tn_linking *linking, const provider *p,
                                 const tn_resource_pair *pair, tn_error *error) {
  if (pair->expected == NULL) return error;
  tn_str giver = provider_name(p);
  if (tn_str_equal(giver, resource_owner(linking, pair->given)))
    return tn_error_set_hint(error,
                             "let %" TN_STR_FORMAT " import the interface that `%" TN_STR_FORMAT
                             "` is of, or link what else provides `%" TN_STR_FORMAT "`",
                             TN_STR_ARG(giver), TN_STR_ARG(pair->given->name), TN_STR_ARG(p->name));
  return tn_error_set_hint(error,
                           "both have to import the interface that `%" TN_STR_FORMAT
                           "` is of, in compatible versions: then one provider meets both",
                           TN_STR_ARG(pair->given->name));
}

/* Longer signatures are not shown: the difference is enough. */
enum { MAX_SIGNATURE = 200 };

static tn_error *differs(tn_linking *linking, const provider *p, tn_str name,
                         const tn_func_type *expected, const tn_func_type *given) {
  tn_str path, importer = importer_name(linking), giver = provider_name(p);
  tn_buffer text = {0}, wanted = {0}, got = {0};
  TN_TRY(full_name(linking, p->interface, name, &path));
  tn_resource_pair pair;
  tn_func_type_difference(&text, expected, given, &pair);
  print_owners(&text, linking, p, &pair);
  tn_wit_print_func(&wanted, expected);
  tn_wit_print_func(&got, given);
  if (wanted.len <= MAX_SIGNATURE && got.len <= MAX_SIGNATURE) {
    tn_buffer_format(&text,
                     "; %" TN_STR_FORMAT " expects `%" TN_STR_FORMAT "`, %" TN_STR_FORMAT
                     " provides `%" TN_STR_FORMAT "`",
                     TN_STR_ARG(importer), TN_STR_ARG(tn_buffer_str(&wanted)), TN_STR_ARG(giver),
                     TN_STR_ARG(tn_buffer_str(&got)));
  } else {
    tn_buffer_format(&text, " (by %" TN_STR_FORMAT ")", TN_STR_ARG(giver));
  }
  tn_error *error =
      text.failed || wanted.failed || got.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "` has the wrong type: %" TN_STR_FORMAT,
                         TN_STR_ARG(path), TN_STR_ARG(tn_buffer_str(&text)));
  tn_buffer_free(&text);
  tn_buffer_free(&wanted);
  tn_buffer_free(&got);
  return set_owners_hint(linking, p, &pair, error);
}

static tn_error *missing_resource(tn_linking *linking, const provider *p, tn_str name) {
  tn_str path;
  TN_TRY(full_name(linking, p->interface, name, &path));
  tn_error *error =
      p->name.len == 0
          ? tn_error_new(TN_ERROR_LINK, "import `%" TN_STR_FORMAT "` (resource) is not provided",
                         TN_STR_ARG(path))
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "` is not provided: %" TN_STR_FORMAT
                         "'s `%" TN_STR_FORMAT "` has no resource `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(path), TN_STR_ARG(provider_name(p)), TN_STR_ARG(p->name),
                         TN_STR_ARG(name));
  return tn_error_set_hint(error, "%s", provide_it);
}

/* ---- functions ------------------------------------------------------------------------------------- */

static tn_error *unit_func(tn_linking *linking, const provider *p, tn_str name,
                           const tn_func_type *type, tn_func_item **out) {
  const tn_item *item = tn_map_get(&p->exports->exports, name);
  if (item == NULL || item->sort != TN_SORT_FUNC) return missing_func(linking, p, name, type);
  *out = item->func;
  return tn_func_type_equal(type, item->func->type)
             ? NULL
             : differs(linking, p, name, type, item->func->type);
}

static tn_error *host_func(tn_linking *linking, const provider *p, tn_str name,
                           const tn_func_type *type, tn_func_item **out) {
  tn_func_item *item = TN_ARENA_NEW(linking->arena, tn_func_item);
  if (item == NULL) return tn_error_no_memory();
  *out = item;
  item->type = type;
  if (linking->is_rehearsal) return NULL;
  TN_TRY(full_name(linking, p->interface, name, &item->name));
  tn_host_found_func found = {0};
  if (p->use != NULL) TN_TRY(tn_host_find_func(&linking->host, p->use, name, &found));
  if (found.func == NULL) return missing_func(linking, p, name, type);
  if (!tn_func_type_equal(type, found.type)) return differs(linking, p, name, type, found.type);
  item->host = found.func;
  item->host_data = found.data;
  return NULL;
}

static tn_error *bind_func(tn_linking *linking, const provider *p, tn_str name, tn_type_item *item,
                           tn_func_item **out) {
  const tn_func_type *type;
  TN_TRY(tn_link_func_type(linking, item, &type));
  return p->exports != NULL ? unit_func(linking, p, name, type, out)
                            : host_func(linking, p, name, type, out);
}

/* ---- types ----------------------------------------------------------------------------------------- */

static tn_error *name_resource(tn_linking *linking, tn_str name, const tn_resource **out) {
  tn_resource *resource = TN_ARENA_NEW(linking->arena, tn_resource);
  if (resource == NULL) return tn_error_no_memory();
  *resource = (tn_resource){.name = name, .is_host = true, .destructor = -1};
  *out = resource;
  return NULL;
}

/* What the host's resources are does not matter without a host. */
static const tn_resource unknown_resource = {
    .name = {"host", 4}, .is_host = true, .destructor = -1};

/* NULL in *out: there is none. */
static tn_error *find_resource(tn_linking *linking, const provider *p, tn_str name,
                               const tn_resource **out) {
  *out = NULL;
  if (p->exports != NULL) {
    const tn_item *item = tn_map_get(&p->exports->exports, name);
    bool is_found =
        item != NULL && item->sort == TN_SORT_TYPE && item->type->kind == TN_TYPE_ITEM_RESOURCE;
    if (!is_found) return NULL;
    *out = item->type->resource;
    if ((*out)->name.data == NULL)
      ((tn_resource *)*out)->name = name; /* its first name, for messages */
    return NULL;
  }
  if (linking->is_described) return name_resource(linking, name, out);
  if (linking->is_rehearsal) *out = &unknown_resource;
  return p->use != NULL ? tn_host_find_resource(&linking->host, p->use, name, out) : NULL;
}

/* (type (sub resource)) gets the provider's resource; (type (eq i)) is just another name. */
static tn_error *bind_type(tn_linking *linking, tn_scope *scope, const provider *p, tn_str name,
                           const tn_ast_extern_type *type, tn_type_item **out) {
  if (type->bound == TN_BOUND_EQ) {
    *out = scope->types.items[type->index];
    return NULL;
  }
  const tn_resource *resource;
  TN_TRY(find_resource(linking, p, name, &resource));
  if (resource == NULL) return missing_resource(linking, p, name);
  tn_type_item *item = TN_ARENA_NEW(linking->arena, tn_type_item);
  if (item == NULL) return tn_error_no_memory();
  *item = (tn_type_item){.kind = TN_TYPE_ITEM_RESOURCE, .resource = resource};
  *out = item;
  return NULL;
}

/* ---- interfaces ------------------------------------------------------------------------------------ */

static tn_error *bind_instance(tn_linking *linking, const provider *p, tn_type_item *type,
                               tn_instance_item **out);

/* An instance within the interface: with the host, its functions are looked for in the whole interface. */
static tn_error *bind_inner(tn_linking *linking, const provider *p, tn_str name, tn_type_item *type,
                            tn_instance_item **out) {
  provider inner = *p;
  if (p->exports != NULL) {
    const tn_item *item = tn_map_get(&p->exports->exports, name);
    if (item == NULL || item->sort != TN_SORT_INSTANCE) {
      tn_str path;
      TN_TRY(full_name(linking, p->interface, name, &path));
      return missing(linking, path, TN_SORT_INSTANCE);
    }
    inner.exports = item->instance;
  }
  return bind_instance(linking, &inner, type, out);
}

static tn_error *bind_export(tn_linking *linking, tn_scope *scope, const provider *p,
                             const tn_ast_export *export_, tn_item *item) {
  tn_str name = export_->name.name;
  *item = (tn_item){.sort = export_->type.sort};
  switch (export_->type.sort) {
  case TN_SORT_FUNC:
    return bind_func(linking, p, name, scope->types.items[export_->type.index], &item->func);
  case TN_SORT_TYPE:
    return bind_type(linking, scope, p, name, &export_->type, &item->type);
  case TN_SORT_INSTANCE:
    return bind_inner(linking, p, name, scope->types.items[export_->type.index], &item->instance);
  default: {
    tn_str path;
    TN_TRY(full_name(linking, p->interface, name, &path));
    return missing(linking, path, export_->type.sort);
  }
  }
}

/* An alias inside an instance type: of an outer type, or of a type that an inner instance exports. */
static tn_error *bind_alias(tn_linking *linking, tn_scope *scope, const tn_ast_alias *alias) {
  if (alias->sort == TN_SORT_CORE_TYPE) return NULL;
  if (alias->kind == TN_ALIAS_OUTER) {
    const tn_scope *outer = scope;
    for (uint32_t i = 0; i < alias->outer_count; i++)
      outer = outer->parent;
    return tn_scope_push(
        linking, scope,
        (tn_item){.sort = TN_SORT_TYPE, .type = outer->types.items[alias->outer_index]});
  }
  const tn_item *item = tn_map_get(&scope->instances.items[alias->instance]->exports, alias->name);
  if (item == NULL) {
    return tn_error_new(TN_ERROR_INTERNAL, "no export \"%" TN_STR_FORMAT "\"",
                        TN_STR_ARG(alias->name));
  }
  return tn_scope_push(linking, scope, *item);
}

static tn_error *bind_declaration(tn_linking *linking, tn_scope *scope, const provider *p,
                                  const tn_ast_decl *decl, tn_instance_item *instance) {
  tn_item item = {.sort = TN_SORT_TYPE};
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    return NULL;
  case TN_DECL_TYPE:
    TN_TRY(tn_link_new_type(linking, scope, decl->type, &item.type));
    break;
  case TN_DECL_ALIAS:
    return bind_alias(linking, scope, &decl->alias);
  case TN_DECL_IMPORT:
    return tn_error_new(TN_ERROR_INTERNAL, "import declaration in an instance type");
  case TN_DECL_EXPORT:
    TN_TRY(bind_export(linking, scope, p, &decl->export_, &item));
    TN_TRY(tn_instance_item_put(linking, instance, decl->export_.name.name, item));
    break;
  }
  return tn_scope_push(linking, scope, item);
}

static tn_error *bind_instance(tn_linking *linking, const provider *p, tn_type_item *type,
                               tn_instance_item **out) {
  tn_scope *scope = TN_ARENA_NEW(linking->arena, tn_scope);
  tn_instance_item *instance = TN_ARENA_NEW(linking->arena, tn_instance_item);
  if (scope == NULL || instance == NULL) return tn_error_no_memory();
  *scope = (tn_scope){
      .parent = type->scope, .instance = type->scope->instance, .depth = type->scope->depth};
  for (uint32_t i = 0; i < type->ast->decl_count; i++) {
    TN_TRY(bind_declaration(linking, scope, p, &type->ast->decls[i], instance));
  }
  *out = instance;
  return NULL;
}

/* ---- finding the provider -------------------------------------------------------------------------- */

static tn_error *find_unit(const tn_binding *binding, provider *out) {
  out->unit = binding->unit;
  out->exports = binding->unit->exports;
  if (out->interface.len == 0) return NULL;
  const tn_item *item = tn_map_get(&out->exports->exports, binding->name);
  if (item == NULL || item->sort != TN_SORT_INSTANCE)
    return tn_error_new(TN_ERROR_INTERNAL, "no export \"%" TN_STR_FORMAT "\"",
                        TN_STR_ARG(binding->name));
  out->exports = item->instance;
  out->name = binding->name;
  return NULL;
}

/* Without a host there is nothing to find there. */
static tn_error *find_on_host(tn_linking *linking, provider *out) {
  if (linking->is_rehearsal) return NULL;
  TN_TRY(tn_host_find_interface(&linking->host, out->interface, &out->use));
  if (out->use != NULL) out->name = tn_host_use_name(out->use);
  return NULL;
}

static tn_error *find_provider(tn_linking *linking, const tn_ast_import *import, provider *out) {
  const tn_binding *binding = tn_map_get(&linking->unit->bindings, import->name.name);
  *out = (provider){0};
  if (import->type.sort == TN_SORT_INSTANCE) out->interface = tn_link_import_interface(import);
  return binding != NULL ? find_unit(binding, out) : find_on_host(linking, out);
}

/* Nobody provides the interface: what it would take is found by binding it to nobody. */
static tn_error *missing_interface(tn_linking *linking, const provider *p, tn_type_item *type) {
  tn_instance_item *expected = NULL;
  linking->is_rehearsal = linking->is_described = true;
  tn_error *error = bind_instance(linking, p, type, &expected);
  linking->is_rehearsal = linking->is_described = false;
  tn_buffer text = {0};
  if (error == NULL) tn_link_print_expected(&text, expected);
  tn_error_delete(error); /* less is told, then */
  error = missing_of_which(linking, p->interface, TN_SORT_INSTANCE, tn_buffer_str(&text));
  tn_buffer_free(&text);
  return error;
}

tn_error *tn_link_import(tn_linking *linking, tn_scope *scope, const tn_ast_import *import,
                         tn_item *out) {
  tn_str name = import->name.name;
  provider p;
  TN_TRY(find_provider(linking, import, &p));
  *out = (tn_item){.sort = import->type.sort};
  switch (import->type.sort) {
  case TN_SORT_FUNC:
    return bind_func(linking, &p, name, scope->types.items[import->type.index], &out->func);
  case TN_SORT_TYPE:
    return bind_type(linking, scope, &p, name, &import->type, &out->type);
  case TN_SORT_INSTANCE: {
    tn_type_item *type = scope->types.items[import->type.index];
    if (is_nobody(&p) && !linking->is_rehearsal && !tn_link_has_only_types(type->ast))
      return missing_interface(linking, &p, type);
    return bind_instance(linking, &p, type, &out->instance);
  }
  default:
    return missing(linking, name, import->type.sort);
  }
}
