/* The names of imports and exports: their grammar, versions and uniqueness.
 * Explainer.md#import-and-export-definitions. Pure functions over slices: everything that is handed out points
 * into the text that was handed in. */
#ifndef TN_COMPONENT_EXTERN_NAME_H
#define TN_COMPONENT_EXTERN_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef enum tn_name_kind {
  TN_NAME_LABEL,       /* "get-time": label */
  TN_NAME_CONSTRUCTOR, /* "[constructor]fields": resource */
  TN_NAME_METHOD,      /* "[method]fields.get": resource, label */
  TN_NAME_STATIC,      /* "[static]fields.from-list": resource, label */
  TN_NAME_INTERFACE,   /* "wasi:io/streams@0.2.0": package_namespace, package, interface, version */
  TN_NAME_DEPENDENCY,  /* "unlocked-dep=<…>", "locked-dep=<…>" */
  TN_NAME_URL,         /* "url=<…>" */
  TN_NAME_HASH,        /* "integrity=<…>" */
} tn_name_kind;

/* A parsed extern name. Members that the kind does not have are empty with .data == NULL. */
typedef struct tn_name {
  tn_name_kind kind;
  tn_str text; /* all of it */
  tn_str resource;
  tn_str label;
  tn_str package_namespace;
  tn_str package;
  tn_str interface;
  tn_str version; /* without the '@'; .data == NULL when there is none */
} tn_name;

/* A semantic version, https://semver.org. Invariant: the slices hold valid identifiers. */
typedef struct tn_semver {
  uint64_t major;
  uint64_t minor;
  uint64_t patch;
  tn_str prerelease; /* without the '-'; .data == NULL when there is none */
  tn_str build;      /* without the '+'; .data == NULL when there is none */
} tn_semver;

/* Whether `text` is a `label`: "a", "is-XML", "B2-c". */
bool tn_label_is_valid(tn_str text);

/* Parses an extern name. TN_ERROR_INVALID says what is wrong without repeating `text`; TN_ERROR_NO_MEMORY. */
tn_error *tn_name_parse(tn_str text, tn_name *out);

/* Parses a full version "1.2.3-rc.1+build". Errors as for tn_name_parse. */
tn_error *tn_semver_parse(tn_str text, tn_semver *out);
/* Precedence as semver.org defines it, which leaves build metadata out: below, at or above 0. */
int tn_semver_compare(const tn_semver *a, const tn_semver *b);
/* Whether `text` is a `canonversion`: "1", "0.2", "0.0.3". */
bool tn_version_is_canonical(tn_str text);

/* The part of a version that all compatible versions share, a prefix of it: "1" of "1.2.3", "0.2" of "0.2.6";
 * the whole of "0.0.4" and of anything with a prerelease, which is compatible only with itself, and of text
 * that is not a version. */
tn_str tn_version_track(tn_str version);
/* The part of an extern name that all names which may be linked with it share, a prefix of it:
 * "wasi:io/streams@0.2" of "wasi:io/streams@0.2.6". The whole name unless it is a versioned interface. */
tn_str tn_name_track(tn_str name);

/* The canonical form that two names share when they are not strongly unique: Explainer.md#name-uniqueness.
 * `text` must parse. The result is allocated from `arena`; .data is NULL when out of memory. */
tn_str tn_name_unique_key(tn_arena *arena, tn_str text);
/* The same for labels: lower case. */
tn_str tn_label_unique_key(tn_arena *arena, tn_str label);

#endif
