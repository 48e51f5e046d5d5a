/* Readers of option values; see cli_parse_func. */
#ifndef CLI_OPTION_VALUE_H
#define CLI_OPTION_VALUE_H

const char *cli_parse_flag(void *field, const char *value);     /* bool */
const char *cli_parse_choice(void *field, const char *value);   /* cli_choice */
const char *cli_parse_text(void *field, const char *value);     /* const char * */
const char *cli_parse_texts(void *field, const char *value);    /* cli_texts */
const char *cli_parse_count(void *field, const char *value);    /* cli_amount, up to 2^64-1 */
const char *cli_parse_count32(void *field, const char *value);  /* cli_amount, up to 2^32-1 */
const char *cli_parse_size(void *field, const char *value);     /* cli_amount in bytes */
const char *cli_parse_duration(void *field, const char *value); /* cli_amount in nanoseconds */
const char *cli_parse_compiler(void *field, const char *value); /* tn_compiler */
const char *cli_parse_optimize(void *field, const char *value); /* uint32_t */
const char *cli_parse_clock(void *field, const char *value);    /* cli_clock */
const char *cli_parse_seed(void *field, const char *value);     /* cli_amount: "seed=7" */
const char *cli_parse_verify(void *field, const char *value);   /* cli_amount, 1 without a value */
const char *cli_parse_always(void *field, const char *value);
/* Takes only yes: what is always there. */
const char *cli_parse_yes(void *field, const char *value); /* bool that cannot be turned off */

/* Refuses: Wasmtime's --shutdown-addr. */
const char *cli_parse_shutdown(void *field, const char *value);

#endif
