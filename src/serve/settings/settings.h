/* What a server was told, before it is read together with the file: the object behind tn_server_settings of tenon.h. */
#ifndef TN_SERVE_SETTINGS_SETTINGS_H
#define TN_SERVE_SETTINGS_SETTINGS_H

#include "base/arena.h"
#include "base/vec.h"
#include "serve/settings/config.h"
#include "serve/settings/problem.h"
#include "serve/settings/setting.h"

typedef struct tn_given_setting {
  const tn_setting *setting;
  tn_toml value; /* kind TN_TOML_TEXT, line 0 */
} tn_given_setting;

/* Invariant: every value has been read once without a problem, as far as its text alone goes. */
struct tn_server_settings {
  tn_arena arena;
  TN_VEC(tn_given_setting) given; /* in the order of the calls */
  TN_VEC(tn_str) routes;
  const char *file; /* or NULL */
};

/* As tn_serve_config_make, but gathers all problems. With some, *out may be a configuration all the same, of what could
 * be read, for more to be checked: components may lack a path. */
void tn_serve_config_build(const tn_server_settings *settings, tn_problems *problems,
                           tn_serve_config **out);

#endif
