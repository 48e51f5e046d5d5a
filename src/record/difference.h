/* What is not the same in two recordings of a call, for messages: "X, and now Y", which are never the same text. What is
 * long is shown about the first place where it differs. */
#ifndef TN_RECORD_DIFFERENCE_H
#define TN_RECORD_DIFFERENCE_H

#include "base/buffer.h"
#include "component/type.h"
#include "record/recording.h"

/* Texts that are not equal. */
void tn_difference_of_texts(tn_buffer *out, tn_str recorded, tn_str now);
/* Bytes that are not equal, quoted. */
void tn_difference_of_bytes(tn_buffer *out, tn_str recorded, tn_str now);
/* Encoded values (value_code.h) of a type; NULL: of none. */
void tn_difference_of_values(tn_buffer *out, const tn_type *type, tn_str recorded, tn_str now);
/* Parameters of a core function as they are encoded: numbers, and behind them what they point to. */
void tn_difference_of_core_params(tn_buffer *out, uint32_t count, tn_str recorded, tn_str now);
/* Results of one: a number, the count of the ranges written, and these. */
void tn_difference_of_core_results(tn_buffer *out, tn_str recorded, tn_str now);
/* Bytes in quotes, cut about the one at `at`: "…hello\x0a…" */
void tn_difference_quote(tn_buffer *out, tn_str bytes, size_t at);

#endif
