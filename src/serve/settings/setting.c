#include "serve/settings/setting.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "serve/settings/builder.h"

/* ---- names --------------------------------------------------------------------------------------- */

const char *tn_setting_section_name(tn_setting_section section) {
  static const char *const names[TN_SECTION_COUNT] = {"", "limits", "listen", "component", "route"};
  return names[section];
}

const tn_setting *tn_setting_find(tn_setting_section section, tn_str name) {
  for (uint32_t i = 0; i < tn_setting_count; i++)
    if (tn_settings[i].section == section && tn_str_equal(tn_str_from(tn_settings[i].name), name))
      return &tn_settings[i];
  return NULL;
}

const char *tn_nearer_name(tn_str wanted, const char *best, const char *candidate) {
  return tn_nearest_of(wanted, tn_str_from(best), tn_str_from(candidate)).data;
}

const char *tn_setting_nearest(tn_setting_section section, tn_str name) {
  const char *best = NULL;
  for (uint32_t i = 0; i < tn_setting_count; i++)
    if (tn_settings[i].section == section && !tn_settings[i].is_flag_only)
      best = tn_nearer_name(name, best, tn_settings[i].name);
  return best;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

typedef struct unit {
  const char *name;
  uint64_t factor;
} unit;

/* Digits from *at on; moves behind them. False: none, or more than 64 bits. */
static bool read_digits(tn_str text, size_t *at, uint64_t *out) {
  size_t start = *at;
  for (*out = 0; *at < text.len && isdigit((unsigned char)text.data[*at]); (*at)++)
    if (__builtin_mul_overflow(*out, 10u, out) ||
        __builtin_add_overflow(*out, (uint64_t)(text.data[*at] - '0'), out))
      return false;
  return *at > start;
}

/* A decimal number with at most 9 digits behind the point, and a unit. False: not one, or too large. */
static bool read_quantity(tn_str text, const unit *units, uint64_t *out) {
  uint64_t whole, fraction = 0, scale = 1;
  size_t at = 0;
  if (!read_digits(text, &at, &whole)) return false;
  if (at < text.len && text.data[at] == '.') {
    size_t point = at++;
    if (!read_digits(text, &at, &fraction) || at - point > 10) return false;
    for (size_t i = point + 1; i < at; i++)
      scale *= 10;
  }
  tn_str rest = tn_str_slice(text, at, text.len);
  while (units->name != NULL && !tn_str_equal(tn_str_from(units->name), rest))
    units++;
  if (units->name == NULL) return false;
  /* fraction < 10^9 and factor < 2^42: their product fits. */
  uint64_t product, part = (uint64_t)((unsigned __int128)fraction * units->factor / scale);
  return !__builtin_mul_overflow(whole, units->factor, &product) &&
         !__builtin_add_overflow(product, part, out);
}

bool tn_read_size(tn_str text, uint64_t *out) {
  static const unit units[] = {
      {"", 1},
      {"B", 1},
      {"K", 1 << 10},
      {"k", 1 << 10},
      {"KiB", 1 << 10},
      {"kB", 1000},
      {"M", 1 << 20},
      {"MiB", 1 << 20},
      {"MB", 1000000},
      {"G", 1 << 30},
      {"GiB", 1 << 30},
      {"GB", 1000000000},
      {"TiB", 1ull << 40},
      {"TB", 1000000000000ull},
      {NULL, 0},
  };
  return read_quantity(text, units, out);
}

bool tn_read_duration(tn_str text, uint64_t *out) {
  static const unit units[] = {
      {"", 1000000000},  {"ns", 1},          {"us", 1000},         {"μs", 1000}, {"ms", 1000000},
      {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {NULL, 0},
  };
  return read_quantity(text, units, out);
}

static bool read_count(tn_str text, uint64_t *out) {
  size_t at = 0;
  return read_digits(text, &at, out) && at == text.len;
}

/* ---- values -------------------------------------------------------------------------------------- */

static void describe(const tn_toml *value, char *out, size_t room) {
  static const char *const kinds[] = {
      [TN_TOML_TABLE] = "a table",       [TN_TOML_ARRAY] = "an array",
      [TN_TOML_TEXT] = "a text",         [TN_TOML_INTEGER] = "a number",
      [TN_TOML_FLOAT] = "a fraction",    [TN_TOML_BOOLEAN] = "true or false",
      [TN_TOML_TIME] = "a date or time",
  };
  if (value->kind == TN_TOML_TEXT)
    snprintf(out, room, "\"%.*s\"", value->text.len < 60 ? (int)value->text.len : 60,
             value->text.data);
  else if (value->kind == TN_TOML_INTEGER)
    snprintf(out, room, "%lld", (long long)value->integer);
  else if (value->kind == TN_TOML_FLOAT)
    snprintf(out, room, "%g", value->number);
  else if (value->kind == TN_TOML_BOOLEAN)
    snprintf(out, room, "%s", value->boolean ? "true" : "false");
  else
    snprintf(out, room, "%s", kinds[value->kind]);
}

void tn_setting_report(tn_serve_builder *builder, const char *name, const tn_toml *value,
                       const char *expected) {
  char given[80];
  describe(value, given, sizeof given);
  tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, value),
                  "%s: expected %s, not %s", name, expected, given);
}

static void store(void *target, const tn_setting *setting, uint64_t value) {
  char *field = (char *)target + setting->offset;
  if (setting->width == 8)
    *(uint64_t *)field = value;
  else if (setting->width == 4)
    *(uint32_t *)field = (uint32_t)value;
  else
    *(bool *)field = value != 0;
}

/* What a number is expected to be, for messages. */
static const char *expected_number(const tn_setting *setting) {
  switch (setting->type) {
  case TN_SETTING_SIZE:
    return setting->can_be_none ? "a size such as 65536, \"64KiB\" or \"1.5GiB\", or \"none\""
                                : "a size such as 65536, \"64KiB\" or \"1.5GiB\"";
  case TN_SETTING_DURATION:
    return setting->can_be_none
               ? "a time such as 10 (seconds), \"1.5s\", \"500ms\" or \"2m\", or \"none\""
               : "a time such as 10 (seconds), \"1.5s\", \"500ms\" or \"2m\"";
  default:
    return setting->can_be_none ? "a whole number, or \"none\"" : "a whole number";
  }
}

static bool read_number_text(const tn_setting *setting, tn_str text, uint64_t *out) {
  switch (setting->type) {
  case TN_SETTING_SIZE:
    return tn_read_size(text, out);
  case TN_SETTING_DURATION:
    return tn_read_duration(text, out);
  default:
    return read_count(text, out);
  }
}

/* A whole number in its base unit. A count in quotes is one of a flag, or a mistake. */
static bool read_number(const tn_setting *setting, const tn_toml *value, uint64_t *out) {
  if (value->kind == TN_TOML_INTEGER) {
    if (value->integer < 0) return false;
    uint64_t factor = setting->type == TN_SETTING_DURATION ? 1000000000 : 1;
    return !__builtin_mul_overflow((uint64_t)value->integer, factor, out);
  }
  if (value->kind != TN_TOML_TEXT) return false;
  if (setting->type == TN_SETTING_COUNT && value->line != 0) return false;
  return read_number_text(setting, value->text, out);
}

/* Many programs take it for no limit, which here is said. */
static void report_zero(tn_serve_builder *builder, const tn_setting *setting,
                        const tn_toml *value) {
  tn_server_problem *problem =
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, value),
                      "%s: expected more than 0", setting->name);
  tn_problems_set_hint(builder->problems, problem,
                       value->line != 0 ? "without a limit it is %s = \"none\""
                                        : "without a limit it is --%s none",
                       setting->name);
}

static void apply_number(tn_serve_builder *builder, void *target, const tn_setting *setting,
                         const tn_toml *value) {
  uint64_t number;
  if (setting->can_be_none && value->kind == TN_TOML_TEXT &&
      tn_str_equal(value->text, TN_STR("none"))) {
    store(target, setting, setting->none);
    return;
  }
  if (!read_number(setting, value, &number)) {
    tn_setting_report(builder, setting->name, value, expected_number(setting));
    return;
  }
  if (number == 0 && setting->min == 1 && setting->can_be_none) {
    report_zero(builder, setting, value);
    return;
  }
  if (number < setting->min || number > setting->max) {
    char expected[80];
    if (setting->max == UINT64_MAX)
      snprintf(expected, sizeof expected, "at least %llu", (unsigned long long)setting->min);
    else
      snprintf(expected, sizeof expected, "%llu to %llu", (unsigned long long)setting->min,
               (unsigned long long)setting->max);
    tn_setting_report(builder, setting->name, value, expected);
    return;
  }
  store(target, setting, number);
}

/* A flag's text. False: neither. */
static bool read_choice_text(tn_str text, bool *out) {
  static const char *const words[2][4] = {{"false", "no", "n", "0"}, {"true", "yes", "y", "1"}};
  for (int is_true = 0; is_true < 2; is_true++)
    for (int i = 0; i < 4; i++)
      if (tn_str_equal(text, tn_str_from(words[is_true][i]))) {
        *out = is_true;
        return true;
      }
  return false;
}

static void apply_flag(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  tn_toml read = *value;
  if (value->kind == TN_TOML_TEXT && value->line == 0 &&
      read_choice_text(value->text, &read.boolean))
    read.kind = TN_TOML_BOOLEAN;
  if (read.kind != TN_TOML_BOOLEAN)
    tn_setting_report(builder, setting->name, value, "true or false");
  else if (setting->read != NULL)
    setting->read(builder, target, setting, &read);
  else
    store(target, setting, read.boolean);
}

static void apply_choice(tn_serve_builder *builder, void *target, const tn_setting *setting,
                         const tn_toml *value) {
  char expected[80];
  uint64_t position = 0;
  if (value->kind == TN_TOML_TEXT) {
    for (const char *at = setting->choices; *at != '\0'; position++) {
      size_t length = strcspn(at, "|");
      if (tn_str_equal(value->text, (tn_str){at, length})) {
        store(target, setting, position);
        return;
      }
      at += length + (at[length] == '|');
    }
  }
  size_t used = (size_t)snprintf(expected, sizeof expected, "one of ");
  for (const char *at = setting->choices; *at != '\0' && used + 4 < sizeof expected; at++) {
    if (*at == '|')
      used += (size_t)snprintf(expected + used, sizeof expected - used, ", ");
    else
      expected[used++] = *at;
    expected[used] = '\0';
  }
  tn_setting_report(builder, setting->name, value, expected);
}

static void apply_text(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  if (value->kind != TN_TOML_TEXT || value->text.len == 0) {
    tn_setting_report(builder, setting->name, value, "a text");
    return;
  }
  if (memchr(value->text.data, '\0', value->text.len) != NULL) {
    tn_setting_report(builder, setting->name, value, "a text without NUL");
    return;
  }
  if (setting->read != NULL) {
    setting->read(builder, target, setting, value);
    return;
  }
  void *field = (char *)target + setting->offset;
  if (setting->type == TN_SETTING_PATH) {
    *(const char **)field = tn_builder_path(builder, value->text);
    return;
  }
  tn_str copy = tn_arena_copy(&builder->config->arena, value->text);
  if (tn_builder_check(builder, (void *)copy.data) != NULL) *(tn_str *)field = copy;
}

static void apply_list(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  if (value->kind != TN_TOML_ARRAY) {
    setting->read(builder, target, setting, value);
    return;
  }
  for (uint32_t i = 0; i < value->count; i++)
    setting->read(builder, target, setting, &value->items[i]);
}

void tn_setting_apply(tn_serve_builder *builder, void *target, const tn_setting *setting,
                      const tn_toml *value) {
  switch (setting->type) {
  case TN_SETTING_SIZE:
  case TN_SETTING_DURATION:
  case TN_SETTING_COUNT:
    apply_number(builder, target, setting, value);
    break;
  case TN_SETTING_FLAG:
    apply_flag(builder, target, setting, value);
    break;
  case TN_SETTING_CHOICE:
    apply_choice(builder, target, setting, value);
    break;
  case TN_SETTING_TEXT:
  case TN_SETTING_PATH:
    apply_text(builder, target, setting, value);
    break;
  case TN_SETTING_LIST:
    apply_list(builder, target, setting, value);
    break;
  case TN_SETTING_TABLE:
    if (value->kind == TN_TOML_TABLE)
      setting->read(builder, target, setting, value);
    else
      tn_setting_report(builder, setting->name, value, "a table");
    break;
  }
}

void tn_setting_set_defaults(tn_serve_builder *builder, tn_setting_section section, void *target) {
  for (uint32_t i = 0; i < tn_setting_count; i++) {
    const tn_setting *setting = &tn_settings[i];
    if (setting->section != section || setting->fallback == NULL || setting->read != NULL) continue;
    tn_setting_apply(builder, target, setting,
                     &(tn_toml){.kind = TN_TOML_TEXT, .text = tn_str_from(setting->fallback)});
  }
}

static void report_unknown(tn_serve_builder *builder, tn_setting_section section,
                           const tn_toml *entry) {
  static const char *const places[TN_SECTION_COUNT] = {"", " in [limits]", " in [[listen]]",
                                                       " in a component's table", " in [[route]]"};
  tn_server_problem *problem =
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_key_place(builder, entry),
                      "there is no setting \"%.60s\"%s", entry->key.data, places[section]);
  const char *nearest = tn_setting_nearest(section, entry->key);
  if (nearest != NULL) {
    tn_problems_set_hint(builder->problems, problem, "did you mean %s?", nearest);
    return;
  }
  for (int other = 0; other < TN_SECTION_COUNT; other++)
    if (other != TN_SECTION_ROUTE && tn_setting_find((tn_setting_section)other, entry->key) != NULL)
      tn_problems_set_hint(builder->problems, problem, "it is a setting of %s",
                           other == TN_SECTION_SERVER ? "the server, at the top of the file"
                                                      : places[other] + strlen(" in "));
}

void tn_setting_apply_table(tn_serve_builder *builder, void *target, tn_setting_section section,
                            const tn_toml *table) {
  for (uint32_t i = 0; i < tn_setting_count; i++) {
    const tn_setting *setting = &tn_settings[i];
    if (setting->section != section || setting->is_flag_only) continue;
    const tn_toml *value = tn_toml_get(table, setting->name);
    if (value != NULL) tn_setting_apply(builder, target, setting, value);
  }
  for (uint32_t i = 0; i < table->count; i++) {
    const tn_setting *setting = tn_setting_find(section, table->items[i].key);
    if (setting == NULL || setting->is_flag_only)
      report_unknown(builder, section, &table->items[i]);
  }
}
