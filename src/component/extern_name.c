#include "component/extern_name.h"

static bool name_is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
static bool name_is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
static bool name_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* ---- labels ------------------------------------------------------------------------------------ */

/* Explainer.md `label`: fragments between hyphens, each of one case, the first starting with a letter. */
bool tn_label_is_valid(tn_str text) {
  if (text.len == 0 || name_is_digit(text.data[0])) return false;
  bool has_lower = false;
  bool has_upper = false;
  bool is_empty = true;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c == '-') {
      if (is_empty) return false;
      has_lower = has_upper = false;
      is_empty = true;
      continue;
    }
    is_empty = false;
    has_lower |= name_is_lower(c);
    has_upper |= name_is_upper(c);
    if (!name_is_lower(c) && !name_is_upper(c) && !name_is_digit(c)) return false;
    if (has_lower && has_upper) return false;
  }
  return !is_empty;
}

static tn_error *name_check_label(tn_str label) {
  if (tn_label_is_valid(label)) return NULL;
  return tn_error_new(TN_ERROR_INVALID, "`%" TN_STR_FORMAT "` is not in kebab case",
                      TN_STR_ARG(label));
}

/* Explainer.md `words`: a label in lower case. */
static tn_error *name_check_words(tn_str words) {
  TN_TRY(name_check_label(words));
  for (size_t i = 0; i < words.len; i++) {
    if (name_is_upper(words.data[i]))
      return tn_error_new(TN_ERROR_INVALID,
                          "character `%c` is not lowercase in package name/namespace",
                          words.data[i]);
  }
  return NULL;
}

/* ---- versions ---------------------------------------------------------------------------------- */

/* A cursor over the text of a version. */
typedef struct version_reader {
  tn_str text;
  size_t at;
} version_reader;

static tn_error *version_unexpected(const version_reader *reader, const char *where,
                                    const char *what) {
  if (reader->at >= reader->text.len)
    return tn_error_new(TN_ERROR_INVALID, "unexpected end of input while parsing %s", what);
  char c = reader->text.data[reader->at];
  if (c > ' ' && c < 0x7f)
    return tn_error_new(TN_ERROR_INVALID, "unexpected character '%c' %s %s", c, where, what);
  return tn_error_new(TN_ERROR_INVALID, "unexpected character 0x%02x %s %s", (unsigned char)c,
                      where, what);
}

static tn_error *version_number(version_reader *reader, const char *what, uint64_t *out) {
  size_t start = reader->at;
  uint64_t number = 0;
  for (; reader->at < reader->text.len && name_is_digit(reader->text.data[reader->at]);
       reader->at++) {
    uint64_t digit = (uint64_t)(reader->text.data[reader->at] - '0');
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, digit, &number))
      return tn_error_new(TN_ERROR_INVALID, "value of %s exceeds 64 bits", what);
  }
  size_t digits = reader->at - start;
  if (digits == 0) return version_unexpected(reader, "while parsing", what);
  if (digits > 1 && reader->text.data[start] == '0')
    return tn_error_new(TN_ERROR_INVALID, "invalid leading zero in %s", what);
  *out = number;
  return NULL;
}

static tn_error *version_dot(version_reader *reader, const char *after, const char *before) {
  if (reader->at >= reader->text.len) return version_unexpected(reader, "while parsing", before);
  if (reader->text.data[reader->at] != '.') return version_unexpected(reader, "after", after);
  reader->at++;
  return NULL;
}

/* Identifiers separated by dots, up to a character that cannot be in one. */
static tn_error *version_identifiers(version_reader *reader, const char *what, bool is_prerelease,
                                     tn_str *out) {
  size_t start = reader->at;
  for (;;) {
    size_t segment = reader->at;
    bool is_number = true;
    for (; reader->at < reader->text.len; reader->at++) {
      char c = reader->text.data[reader->at];
      if (!name_is_digit(c) && !name_is_lower(c) && !name_is_upper(c) && c != '-') break;
      is_number &= name_is_digit(c);
    }
    size_t length = reader->at - segment;
    if (length == 0) return tn_error_new(TN_ERROR_INVALID, "empty identifier segment in %s", what);
    if (is_prerelease && is_number && length > 1 && reader->text.data[segment] == '0')
      return tn_error_new(TN_ERROR_INVALID, "invalid leading zero in %s", what);
    if (reader->at >= reader->text.len || reader->text.data[reader->at] != '.') break;
    reader->at++;
  }
  *out = tn_str_slice(reader->text, start, reader->at);
  return NULL;
}

static bool version_take(version_reader *reader, char c) {
  if (reader->at >= reader->text.len || reader->text.data[reader->at] != c) return false;
  reader->at++;
  return true;
}

tn_error *tn_semver_parse(tn_str text, tn_semver *out) {
  *out = (tn_semver){0};
  version_reader reader = {text, 0};
  if (text.len == 0)
    return tn_error_new(TN_ERROR_INVALID, "empty string, expected a semver version");
  const char *last = "patch version number";
  TN_TRY(version_number(&reader, "major version number", &out->major));
  TN_TRY(version_dot(&reader, "major version number", "minor version number"));
  TN_TRY(version_number(&reader, "minor version number", &out->minor));
  TN_TRY(version_dot(&reader, "minor version number", "patch version number"));
  TN_TRY(version_number(&reader, last, &out->patch));
  if (version_take(&reader, '-')) {
    last = "pre-release identifier";
    TN_TRY(version_identifiers(&reader, last, true, &out->prerelease));
  }
  if (version_take(&reader, '+')) {
    last = "build metadata";
    TN_TRY(version_identifiers(&reader, last, false, &out->build));
  }
  return reader.at == text.len ? NULL : version_unexpected(&reader, "after", last);
}

/* One dot-separated identifier; moves `at` behind it and its dot. */
static tn_str version_next_identifier(tn_str text, size_t *at) {
  size_t end = tn_str_find(text, '.', *at);
  tn_str identifier = tn_str_slice(text, *at, end);
  *at = end + 1;
  return identifier;
}

static bool version_is_numeric(tn_str identifier) {
  for (size_t i = 0; i < identifier.len; i++) {
    if (!name_is_digit(identifier.data[i])) return false;
  }
  return true;
}

static int version_compare_bytes(tn_str a, tn_str b) {
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = memcmp(a.data, b.data, shared);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Numbers below words; numbers by value (no leading zeros, so first by length), words by their bytes. */
static int version_compare_identifiers(tn_str a, tn_str b) {
  bool a_is_numeric = version_is_numeric(a);
  bool b_is_numeric = version_is_numeric(b);
  if (a_is_numeric != b_is_numeric) return a_is_numeric ? -1 : 1;
  if (a_is_numeric && a.len != b.len) return a.len < b.len ? -1 : 1;
  return version_compare_bytes(a, b);
}

static int version_compare_prereleases(tn_str a, tn_str b) {
  if (a.data == NULL || b.data == NULL) return (a.data == NULL) - (b.data == NULL);
  size_t a_at = 0;
  size_t b_at = 0;
  while (a_at < a.len && b_at < b.len) {
    int order = version_compare_identifiers(version_next_identifier(a, &a_at),
                                            version_next_identifier(b, &b_at));
    if (order != 0) return order;
  }
  return (a_at < a.len) - (b_at < b.len);
}

int tn_semver_compare(const tn_semver *a, const tn_semver *b) {
  if (a->major != b->major) return a->major < b->major ? -1 : 1;
  if (a->minor != b->minor) return a->minor < b->minor ? -1 : 1;
  if (a->patch != b->patch) return a->patch < b->patch ? -1 : 1;
  return version_compare_prereleases(a->prerelease, b->prerelease);
}

/* Length of the number without leading zeros at `at`, 0 if there is none. */
static size_t version_number_length(tn_str text, size_t at) {
  size_t end = at;
  while (end < text.len && name_is_digit(text.data[end]))
    end++;
  return end - at > 1 && text.data[at] == '0' ? 0 : end - at;
}

bool tn_version_is_canonical(tn_str text) {
  if (tn_str_equal(text, TN_STR("0.0.0"))) return true;
  size_t at = 0;
  if (tn_str_starts_with(text, TN_STR("0.0.")))
    at = 4;
  else if (tn_str_starts_with(text, TN_STR("0.")))
    at = 2;
  size_t length = version_number_length(text, at);
  return length > 0 && at + length == text.len && text.data[at] != '0';
}

/* Explainer.md#-canonical-interface-name, except that a prerelease stays whole: it promises no compatibility. */
tn_str tn_version_track(tn_str version) {
  size_t core_end = tn_str_find(version, '+', 0);
  if (tn_str_find(version, '-', 0) < core_end) return version;
  size_t major = version_number_length(version, 0);
  if (major == 0 || major == version.len || version.data[major] != '.') return version;
  if (version.data[0] != '0') return tn_str_slice(version, 0, major);
  size_t minor = version_number_length(version, major + 1);
  if (minor == 0 || version.data[major + 1] == '0') return version;
  return tn_str_slice(version, 0, major + 1 + minor);
}

tn_str tn_name_track(tn_str name) {
  size_t at = tn_str_find(name, '@', 0);
  size_t colon = tn_str_find(name, ':', 0);
  bool is_interface = at < name.len && colon < at && tn_str_find(name, '<', 0) == name.len;
  if (!is_interface) return name;
  tn_str track = tn_version_track(tn_str_slice(name, at + 1, name.len));
  return tn_str_slice(name, 0, at + 1 + track.len);
}

/* ---- extern names ------------------------------------------------------------------------------ */

/* The slice from `start` up to the first character that cannot be in a label. */
static tn_str name_take_label(tn_str text, size_t start) {
  size_t end = start;
  while (end < text.len) {
    char c = text.data[end];
    if (!name_is_lower(c) && !name_is_upper(c) && !name_is_digit(c) && c != '-') break;
    end++;
  }
  return tn_str_slice(text, start, end);
}

static tn_error *name_check_version(tn_str version) {
  if (tn_version_is_canonical(version)) return NULL;
  tn_semver ignored;
  return tn_error_wrap(tn_semver_parse(version, &ignored), "invalid interface version");
}

/* Reads `namespace:package` at `at`, which it moves behind them. */
static tn_error *name_parse_package(tn_str text, size_t *at, tn_name *out) {
  size_t colon = tn_str_find(text, ':', *at);
  if (colon == text.len) return tn_error_new(TN_ERROR_INVALID, "expected `:` after the namespace");
  out->package_namespace = tn_str_slice(text, *at, colon);
  TN_TRY(name_check_words(out->package_namespace));
  out->package = name_take_label(text, colon + 1);
  TN_TRY(name_check_words(out->package));
  *at = colon + 1 + out->package.len;
  return NULL;
}

static tn_error *name_parse_interface(tn_name *out) {
  tn_str text = out->text;
  size_t at = 0;
  out->kind = TN_NAME_INTERFACE;
  TN_TRY(name_parse_package(text, &at, out));
  if (at == text.len || text.data[at] != '/')
    return tn_error_new(TN_ERROR_INVALID, "expected `/` after package name");
  out->interface = name_take_label(text, at + 1);
  TN_TRY(name_check_label(out->interface));
  at += 1 + out->interface.len;
  if (at == text.len) return NULL;
  if (text.data[at] != '@')
    return tn_error_new(TN_ERROR_INVALID, "trailing characters found: `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(tn_str_slice(text, at, text.len)));
  out->version = tn_str_slice(text, at + 1, text.len);
  return name_check_version(out->version);
}

/* "[method]resource.label" behind its bracket. */
static tn_error *name_parse_member(tn_str rest, tn_name *out) {
  size_t dot = tn_str_find(rest, '.', 0);
  if (dot == rest.len) return tn_error_new(TN_ERROR_INVALID, "failed to find `.` character");
  out->resource = tn_str_slice(rest, 0, dot);
  out->label = tn_str_slice(rest, dot + 1, rest.len);
  TN_TRY(name_check_label(out->resource));
  return name_check_label(out->label);
}

/* The text between "prefix<" and the ">" at the end. */
static tn_error *name_take_bracketed(tn_str text, size_t prefix, tn_str *out) {
  if (prefix >= text.len || text.data[prefix] != '<')
    return tn_error_new(TN_ERROR_INVALID, "expected `<` at `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(tn_str_slice(text, prefix, text.len)));
  if (text.data[text.len - 1] != '>')
    return tn_error_new(TN_ERROR_INVALID, "failed to find `>` at the end");
  *out = tn_str_slice(text, prefix + 1, text.len - 1);
  return NULL;
}

/* As name_take_bracketed, for text that must not contain brackets itself. */
static tn_error *name_take_opaque(tn_str text, size_t prefix, tn_str *out) {
  TN_TRY(name_take_bracketed(text, prefix, out));
  bool has_bracket = tn_str_find(*out, '<', 0) < out->len || tn_str_find(*out, '>', 0) < out->len;
  return has_bracket ? tn_error_new(TN_ERROR_INVALID, "unexpected `<` or `>` within brackets")
                     : NULL;
}

/* Base64: at least one digit, at most two signs of padding. */
static bool name_is_base64(tn_str text) {
  size_t digits = 0;
  while (digits < text.len &&
         (name_is_digit(text.data[digits]) || name_is_lower(text.data[digits]) ||
          name_is_upper(text.data[digits]) || text.data[digits] == '+' ||
          text.data[digits] == '/')) {
    digits++;
  }
  size_t padding = text.len - digits;
  return digits > 0 && (padding == 0 || tn_str_equal(tn_str_slice(text, digits, text.len),
                                                     padding == 1 ? TN_STR("=") : TN_STR("==")));
}

/* "sha256-<base64>?options" */
static tn_error *name_check_hash(tn_str hash) {
  size_t dash = tn_str_find(hash, '-', 0);
  tn_str algorithm = tn_str_slice(hash, 0, dash);
  if (dash == hash.len) return tn_error_new(TN_ERROR_INVALID, "expected `-` after hash algorithm");
  bool is_known = tn_str_equal(algorithm, TN_STR("sha256")) ||
                  tn_str_equal(algorithm, TN_STR("sha384")) ||
                  tn_str_equal(algorithm, TN_STR("sha512"));
  if (!is_known)
    return tn_error_new(TN_ERROR_INVALID, "unrecognized hash algorithm: `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(algorithm));
  tn_str digest = tn_str_slice(hash, dash + 1, tn_str_find(hash, '?', 0));
  return name_is_base64(digest) ? NULL : tn_error_new(TN_ERROR_INVALID, "not valid base64");
}

/* One or more hashes between spaces. */
static tn_error *name_check_hashes(tn_str text) {
  bool is_empty = true;
  for (size_t at = 0; at < text.len;) {
    size_t end = tn_str_find(text, ' ', at);
    if (end > at) {
      is_empty = false;
      TN_TRY(name_check_hash(tn_str_slice(text, at, end)));
    }
    at = end + 1;
  }
  return is_empty ? tn_error_new(TN_ERROR_INVALID, "integrity hash cannot be empty") : NULL;
}

/* One bound of a version range: ">=1.2.3" or "<2.0.0". */
static tn_error *name_check_bound(tn_str bound, tn_str comparison) {
  tn_semver ignored;
  if (!tn_str_starts_with(bound, comparison))
    return tn_error_new(TN_ERROR_INVALID, "expected `>=` or `<` at start of version range");
  tn_str version = tn_str_slice(bound, comparison.len, bound.len);
  return tn_error_wrap(tn_semver_parse(version, &ignored), "invalid version range");
}

/* "*", "{>=1.2.3}", "{<2.0.0}" or "{>=1.2.3 <2.0.0}". */
static tn_error *name_check_range(tn_str range) {
  if (tn_str_equal(range, TN_STR("*"))) return NULL;
  if (!tn_str_starts_with(range, TN_STR("{")) || !tn_str_ends_with(range, TN_STR("}")))
    return tn_error_new(TN_ERROR_INVALID, "expected `*` or `{` for a version range");
  tn_str bounds = tn_str_slice(range, 1, range.len - 1);
  if (tn_str_starts_with(bounds, TN_STR("<"))) return name_check_bound(bounds, TN_STR("<"));
  size_t space = tn_str_find(bounds, ' ', 0);
  TN_TRY(name_check_bound(tn_str_slice(bounds, 0, space), TN_STR(">=")));
  return space == bounds.len
             ? NULL
             : name_check_bound(tn_str_slice(bounds, space + 1, bounds.len), TN_STR("<"));
}

static tn_error *name_parse_dependency(tn_str rest, bool is_locked, tn_name *out) {
  size_t at = 0;
  TN_TRY(name_parse_package(rest, &at, out));
  if (at == rest.len) return NULL;
  if (rest.data[at] != '@')
    return tn_error_new(TN_ERROR_INVALID, "trailing characters found: `%" TN_STR_FORMAT "`",
                        TN_STR_ARG(tn_str_slice(rest, at, rest.len)));
  out->version = tn_str_slice(rest, at + 1, rest.len);
  return is_locked ? name_check_version(out->version) : name_check_range(out->version);
}

static const tn_str integrity = {"integrity=", 10};

/* A hash may be pinned: "url=<...>,integrity=<...>". Checks it and cuts it off. */
static tn_error *name_check_pinned_hash(tn_str *text) {
  size_t comma = tn_str_find(*text, ',', tn_str_find(*text, '>', 0));
  tn_str content;
  if (comma == text->len) return NULL;
  tn_str hash = tn_str_slice(*text, comma + 1, text->len);
  *text = tn_str_slice(*text, 0, comma);
  if (!tn_str_starts_with(hash, integrity))
    return tn_error_new(TN_ERROR_INVALID, "expected `integrity=<` after the comma");
  TN_TRY(name_take_opaque(hash, integrity.len, &content));
  return name_check_hashes(content);
}

/* The kinds that wrap their text in "<...>". */
static tn_error *name_parse_wrapped(tn_str prefix, tn_name *out) {
  tn_str text = out->text;
  tn_str content;
  if (out->kind == TN_NAME_HASH) {
    TN_TRY(name_take_opaque(text, prefix.len, &content));
    return name_check_hashes(content);
  }
  bool is_unlocked = prefix.data[0] == 'u' && out->kind == TN_NAME_DEPENDENCY;
  if (!is_unlocked) TN_TRY(name_check_pinned_hash(&text));
  if (out->kind == TN_NAME_URL) return name_take_opaque(text, prefix.len, &content);
  TN_TRY(name_take_bracketed(text, prefix.len, &content));
  return name_parse_dependency(content, !is_unlocked, out);
}

tn_error *tn_name_parse(tn_str text, tn_name *out) {
  static const struct {
    tn_str prefix;
    tn_name_kind kind;
  } prefixes[] = {
      {{"[constructor]", 13}, TN_NAME_CONSTRUCTOR},
      {{"[method]", 8}, TN_NAME_METHOD},
      {{"[static]", 8}, TN_NAME_STATIC},
      {{"unlocked-dep=", 13}, TN_NAME_DEPENDENCY},
      {{"locked-dep=", 11}, TN_NAME_DEPENDENCY},
      {{"url=", 4}, TN_NAME_URL},
      {{"integrity=", 10}, TN_NAME_HASH},
  };
  *out = (tn_name){.text = text};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    tn_str prefix = prefixes[i].prefix;
    if (!tn_str_starts_with(text, prefix)) continue;
    tn_str rest = tn_str_slice(text, prefix.len, text.len);
    out->kind = prefixes[i].kind;
    if (out->kind == TN_NAME_METHOD || out->kind == TN_NAME_STATIC)
      return name_parse_member(rest, out);
    if (out->kind != TN_NAME_CONSTRUCTOR) return name_parse_wrapped(prefix, out);
    out->resource = rest;
    return name_check_label(rest);
  }
  if (tn_str_find(text, ':', 0) < text.len) return name_parse_interface(out);
  out->kind = TN_NAME_LABEL;
  out->label = text;
  return name_check_label(text);
}

/* ---- uniqueness -------------------------------------------------------------------------------- */

tn_str tn_label_unique_key(tn_arena *arena, tn_str label) {
  tn_str copy = tn_arena_copy(arena, label);
  if (copy.data == NULL) return copy;
  char *bytes = (char *)copy.data; /* our own copy */
  for (size_t i = 0; i < copy.len; i++) {
    if (name_is_upper(bytes[i])) bytes[i] = (char)(bytes[i] - 'A' + 'a');
  }
  return copy;
}

/* Versions and the text of URLs and hashes keep their case: those letters are no acronyms. */
tn_str tn_name_unique_key(tn_arena *arena, tn_str text) {
  if (tn_str_find(text, '=', 0) < text.len) return tn_arena_copy(arena, text);
  size_t version = tn_str_find(text, '@', 0);
  if (version < text.len) {
    tn_str lower = tn_label_unique_key(arena, tn_str_slice(text, 0, version));
    if (lower.data == NULL) return lower;
    return tn_arena_format(arena, "%" TN_STR_FORMAT "%" TN_STR_FORMAT, TN_STR_ARG(lower),
                           TN_STR_ARG(tn_str_slice(text, version, text.len)));
  }
  bool is_member =
      text.len > 0 && text.data[0] == '[' && !tn_str_starts_with(text, TN_STR("[constructor]"));
  size_t start = is_member ? tn_str_find(text, ']', 0) + 1 : 0;
  tn_str key = tn_label_unique_key(arena, tn_str_slice(text, start, text.len));
  if (key.data == NULL || !is_member) return key;
  size_t dot = tn_str_find(key, '.', 0);
  tn_str resource = tn_str_slice(key, 0, dot);
  tn_str label = tn_str_slice(key, dot + 1, key.len);
  return tn_str_equal(resource, label) ? resource : key;
}
