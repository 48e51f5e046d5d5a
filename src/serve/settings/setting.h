/* The one table of settings: what a server can be told, by flag or in the file. Help, documentation, suggestions for
 * misspelt names and the reading itself are made from it. */
#ifndef TN_SERVE_SETTINGS_SETTING_H
#define TN_SERVE_SETTINGS_SETTING_H

#include "serve/settings/problem.h"
#include "serve/settings/toml.h"

/* Where a setting stands in the file. */
typedef enum tn_setting_section {
  TN_SECTION_SERVER,    /* top level; applies to tn_serve_config */
  TN_SECTION_LIMITS,    /* [limits]; likewise */
  TN_SECTION_LISTEN,    /* [[listen]]; tn_serve_listen */
  TN_SECTION_COMPONENT, /* [component.NAME]; tn_component_draft */
  TN_SECTION_ROUTE,     /* [[route]]; tn_route_draft */
  TN_SECTION_COUNT,
} tn_setting_section;

typedef enum tn_setting_type {
  TN_SETTING_SIZE,     /* "10MiB", or a number of bytes */
  TN_SETTING_DURATION, /* "1.5s", or a number of seconds; kept in nanoseconds */
  TN_SETTING_COUNT,
  TN_SETTING_FLAG,
  TN_SETTING_CHOICE, /* one of `choices`; kept as its position */
  TN_SETTING_TEXT,   /* tn_str */
  TN_SETTING_PATH,   /* const char *, relative to the file's folder */
  TN_SETTING_LIST,   /* texts or tables, one or an array, each to `read` */
  TN_SETTING_TABLE,  /* to `read` */
} tn_setting_type;

typedef struct tn_serve_builder tn_serve_builder;
typedef struct tn_setting tn_setting;

/* Reads one value into `target`, the section's struct. Reports what is wrong. */
typedef void (*tn_setting_reader)(tn_serve_builder *builder, void *target,
                                  const tn_setting *setting, const tn_toml *value);

/* Invariants: a number's field has `width` 4 or 8 bytes, a flag's 1, a choice's 1 or 4; `fallback` can be read as its
 * type; numbers lie between `min` and `max`, or are `none` where "none" is allowed. */
struct tn_setting {
  tn_setting_section section;
  tn_setting_type type;
  const char *name;
  const char *argument; /* what stands for the value in the help */
  const char *fallback; /* the default, as it is written in the file; NULL: nothing */
  size_t offset;
  size_t width;
  uint64_t min, max;
  bool can_be_none;
  uint64_t none;
  const char *choices; /* "text|json|off" */
  tn_setting_reader read;
  unsigned detail;   /* for `read` */
  bool is_file_only; /* no flag */
  bool is_flag_only; /* not in the file */
  /* of a component: what it may see and do; those that it is linked with have these too */
  bool is_right;
  const char *help;
};

extern const tn_setting tn_settings[];
extern const uint32_t tn_setting_count;

/* "", "limits", … */
const char *tn_setting_section_name(tn_setting_section section);
/* NULL: none of that name there. */
const tn_setting *tn_setting_find(tn_setting_section section, tn_str name);
/* The nearest name of the section, or NULL when none is near. */
const char *tn_setting_nearest(tn_setting_section section, tn_str name);
/* The most similar of two candidates so far, for other names than settings'; `best` may be NULL. */
const char *tn_nearer_name(tn_str wanted, const char *best, const char *candidate);

/* Writes the defaults of a section into its struct. */
void tn_setting_set_defaults(tn_serve_builder *builder, tn_setting_section section, void *target);
/* Reads one value. */
void tn_setting_apply(tn_serve_builder *builder, void *target, const tn_setting *setting,
                      const tn_toml *value);
/* Reads all settings of a section from a table; reports names that it does not have. */
void tn_setting_apply_table(tn_serve_builder *builder, void *target, tn_setting_section section,
                            const tn_toml *table);

/* Reports a value of the wrong kind: "NAME: expected EXPECTED, not VALUE". */
void tn_setting_report(tn_serve_builder *builder, const char *name, const tn_toml *value,
                       const char *expected);

/* Readers of text; false: it is not one. */
bool tn_read_size(tn_str text, uint64_t *out);
bool tn_read_duration(tn_str text, uint64_t *out);

#endif
