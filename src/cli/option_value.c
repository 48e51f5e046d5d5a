#include "cli/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/options.h"

static bool is_one_of(const char *value, const char *const names[4]) {
  for (size_t i = 0; i < 4; i++)
    if (strcmp(value, names[i]) == 0) return true;
  return false;
}

const char *cli_parse_choice(void *field, const char *value) {
  static const char *const yes[4] = {"y", "yes", "true", "1"};
  static const char *const no[4] = {"n", "no", "false", "0"};
  cli_choice *choice = field;
  if (value == NULL || is_one_of(value, yes))
    *choice = CLI_CHOICE_YES;
  else if (is_one_of(value, no))
    *choice = CLI_CHOICE_NO;
  else
    return "is neither y nor n";
  return NULL;
}

const char *cli_parse_flag(void *field, const char *value) {
  cli_choice choice;
  const char *wrong = cli_parse_choice(&choice, value);
  if (wrong == NULL) *(bool *)field = choice == CLI_CHOICE_YES;
  return wrong;
}

/* A flag that can only be yes; `reason` is why. */
static const char *parse_only_yes(void *field, const char *value, const char *reason) {
  const char *wrong = cli_parse_flag(field, value);
  if (wrong != NULL) return wrong;
  return *(bool *)field ? NULL : reason;
}

const char *cli_parse_always(void *field, const char *value) {
  return parse_only_yes(field, value, "cannot be had: growth beyond a limit always ends the guest");
}

const char *cli_parse_yes(void *field, const char *value) {
  return parse_only_yes(field, value,
                        "cannot be switched off; what is not granted is denied anyway");
}

const char *cli_parse_shutdown(void *field, const char *value) {
  (void)field, (void)value;
  return "cannot be had: a connection from anybody would stop the server; send it SIGTERM";
}

const char *cli_parse_text(void *field, const char *value) {
  *(const char **)field = value;
  return NULL;
}

const char *cli_parse_texts(void *field, const char *value) {
  cli_texts *texts = field;
  const char **items = realloc(texts->items, (texts->count + 1) * sizeof *items);
  if (items == NULL) return "does not fit into memory";
  items[texts->count] = value;
  *texts = (cli_texts){items, texts->count + 1};
  return NULL;
}

/* Digits at *at; moves behind them. False: none, or more than 64 bits. */
static bool read_digits(const char **at, uint64_t *out) {
  if (!isdigit((unsigned char)**at)) return false;
  char *end;
  errno = 0;
  *out = strtoull(*at, &end, 10);
  *at = end;
  return errno == 0;
}

const char *cli_parse_count(void *field, const char *value) {
  uint64_t number;
  if (!read_digits(&value, &number) || *value != '\0') return "is not a whole number";
  *(cli_amount *)field = (cli_amount){true, number};
  return NULL;
}

const char *cli_parse_count32(void *field, const char *value) {
  cli_amount amount;
  const char *wrong = cli_parse_count(&amount, value);
  if (wrong != NULL) return wrong;
  if (amount.value > UINT32_MAX) return "is more than 4294967295";
  *(cli_amount *)field = amount;
  return NULL;
}

typedef struct unit {
  const char *name;
  uint64_t factor;
} unit;

/* A decimal number with at most 9 digits behind the point, and a unit. False: not one, or too large. */
static bool read_quantity(const char *value, const unit *units, uint64_t *out) {
  uint64_t whole, fraction = 0, scale = 1;
  if (!read_digits(&value, &whole)) return false;
  if (*value == '.') {
    value++;
    if (!isdigit((unsigned char)*value)) return false;
    for (; isdigit((unsigned char)*value); value++) {
      if (scale == 1000000000) return false;
      fraction = fraction * 10 + (uint64_t)(*value - '0');
      scale *= 10;
    }
  }
  while (units->name != NULL && strcmp(units->name, value) != 0)
    units++;
  if (units->name == NULL) return false;
  /* fraction < 10^9 and factor < 2^42: their product fits. */
  uint64_t product, part = (uint64_t)((unsigned __int128)fraction * units->factor / scale);
  return !__builtin_mul_overflow(whole, units->factor, &product) &&
         !__builtin_add_overflow(product, part, out);
}

const char *cli_parse_size(void *field, const char *value) {
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
  uint64_t bytes;
  if (!read_quantity(value, units, &bytes)) return "is not a size such as 65536, 64KiB or 1.5GiB";
  *(cli_amount *)field = (cli_amount){true, bytes};
  return NULL;
}

const char *cli_parse_duration(void *field, const char *value) {
  static const unit units[] = {
      {"", 1000000000},  {"ns", 1},          {"us", 1000},         {"ms", 1000000},
      {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {NULL, 0},
  };
  uint64_t nanoseconds;
  if (!read_quantity(value, units, &nanoseconds))
    return "is not a duration such as 10s, 1.5s, 500ms or 2m";
  if (nanoseconds == 0) return "is no time at all; leave it out for no limit";
  *(cli_amount *)field = (cli_amount){true, nanoseconds};
  return NULL;
}

const char *cli_parse_compiler(void *field, const char *value) {
  tn_compiler *compiler = field;
  if (strcmp(value, "cranelift") == 0)
    *compiler = TN_COMPILER_CRANELIFT;
  else if (strcmp(value, "winch") == 0)
    *compiler = TN_COMPILER_WINCH;
  else
    return "is neither cranelift nor winch";
  return NULL;
}

const char *cli_parse_optimize(void *field, const char *value) {
  uint32_t *optimize = field;
  if (strcmp(value, "0") == 0)
    *optimize = 0;
  else if (strcmp(value, "1") == 0 || strcmp(value, "2") == 0)
    *optimize = 1;
  else if (strcmp(value, "s") == 0)
    *optimize = 2;
  else
    return "is none of 0, 1, 2 and s";
  return NULL;
}

const char *cli_parse_seed(void *field, const char *value) {
  static const char wrong[] = "is not seed= and a whole number from 0 to 18446744073709551615";
  bool is_seed = strncmp(value, "seed=", 5) == 0 && cli_parse_count(field, value + 5) == NULL;
  return is_seed ? NULL : wrong;
}

const char *cli_parse_verify(void *field, const char *value) {
  *(cli_amount *)field = (cli_amount){true, 1};
  if (value == NULL) return NULL;
  const char *wrong = cli_parse_count(field, value);
  return wrong == NULL && ((cli_amount *)field)->value == 0 ? "is no run at all" : wrong;
}

/* "2024-05-01T12:00:00Z", with a fraction of up to 9 digits or none. */
static bool read_date(const char *text, uint64_t *out) {
  struct tm time = {0};
  int length = 0;
  int count = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &time.tm_year, &time.tm_mon, &time.tm_mday,
                     &time.tm_hour, &time.tm_min, &time.tm_sec, &length);
  if (count != 6 || length != 19) return false;
  time.tm_year -= 1900;
  time.tm_mon--;
  struct tm wanted = time;
  time_t seconds = timegm(&time); /* 31 June becomes 1 July: no date, then */
  bool is_date = time.tm_mon == wanted.tm_mon && time.tm_mday == wanted.tm_mday &&
                 time.tm_hour == wanted.tm_hour;
  if (!is_date || time.tm_min != wanted.tm_min || time.tm_sec != wanted.tm_sec || seconds < 0)
    return false;
  static const unit zone[] = {{"Z", 1000000000}, {NULL, 0}};
  char fraction[32];
  if (strlen(text + length) + 2 > sizeof fraction) return false;
  snprintf(fraction, sizeof fraction, "0%s", text + length);
  return read_quantity(fraction, zone, out) &&
         !__builtin_add_overflow(*out, (uint64_t)seconds * 1000000000, out);
}

static bool read_start(const char *text, uint64_t *out) {
  static const unit seconds[] = {{"", 1000000000}, {NULL, 0}};
  return read_quantity(text, seconds, out) || read_date(text, out);
}

/* "START" or "START,STEP" */
static const char *read_clock(const char *text, cli_clock *out) {
  char start[64];
  const char *comma = strchr(text, ',');
  size_t size = comma != NULL ? (size_t)(comma - text) : strlen(text);
  if (size >= sizeof start) return "has no time such as 2024-05-01T12:00:00Z or 1714564800 in it";
  memcpy(start, text, size);
  start[size] = '\0';
  if (size > 0 && !read_start(start, &out->start))
    return "has no time such as 2024-05-01T12:00:00Z or 1714564800 in it";
  if (comma == NULL) return NULL;
  cli_amount step = {0};
  if (strcmp(comma + 1, "0") != 0 && cli_parse_duration(&step, comma + 1) != NULL)
    return "has no step such as 1us or 0 in it";
  out->step = step.value;
  return NULL;
}

const char *cli_parse_clock(void *field, const char *value) {
  /* 1980: what comes before it some formats of archives cannot say. */
  cli_clock clock = {.is_virtual = true, .start = 315532800000000000u, .step = 1000};
  static const char name[] = "virtual";
  size_t length = sizeof name - 1;
  bool has_name =
      strncmp(value, name, length) == 0 && (value[length] == '\0' || value[length] == '=');
  if (!has_name) return "is not virtual[=START[,STEP]]; --allow-clock gives the real one";
  const char *wrong = value[length] == '=' ? read_clock(value + length + 1, &clock) : NULL;
  if (wrong == NULL) *(cli_clock *)field = clock;
  return wrong;
}
