/* What compare*.c share; nothing else includes this.
 *
 *   compare.c       what is compared with what
 *   compare_note.c  versions, documentation and gates
 *   compare_text.c  types as they are shown */
#ifndef TN_WIT_PACKAGE_COMPARE_PARTS_H
#define TN_WIT_PACKAGE_COMPARE_PARTS_H

#include "wit/package/package.h"
#include "wit/package/same.h"

/* Whom a change breaks. */
typedef enum tn_wit_broken {
  BREAKS_NONE = 0,
  BREAKS_IMPORTERS = 1,
  BREAKS_EXPORTERS = 2,
  BREAKS_BOTH = 3
} tn_wit_broken;

/* Invariant: `owner` is what is being compared, as in "interface types"; with `is_import` it is imported by a
 * world, so that those who are meant by importers and exporters change places: the component of the world is
 * the importer. */
typedef struct tn_wit_comparer {
  tn_arena *arena;
  tn_wit_sameness how;
  tn_wit_changes *out;
  tn_str owner;
  bool is_import;
  bool has_notes; /* documentation and gates are compared, too */
  uint32_t steps;
} tn_wit_comparer;

/* Adds a change of `what` (.data == NULL: of the owner itself). */
tn_error *tn_wit_report(tn_wit_comparer *c, tn_wit_change_kind kind, tn_wit_broken whom,
                        tn_str what, tn_str before, tn_str after);
/* "function get", "record point" … */
tn_error *tn_wit_phrase(tn_wit_comparer *c, const char *what, tn_str name, tn_str *out);

/* ---- compare_note.c ---------------------------------------------------------------------------------- */

/* Documentation; `what` as for tn_wit_report. */
tn_error *tn_wit_compare_docs(tn_wit_comparer *c, tn_str what, tn_str before, tn_str after);
/* Documentation and gates of something that is in both. */
tn_error *tn_wit_compare_notes(tn_wit_comparer *c, tn_str what, const tn_wit_declaration *before,
                               const tn_wit_declaration *after);
/* The names and versions of the packages themselves. */
tn_error *tn_wit_compare_package_names(tn_wit_comparer *c, const tn_wit_package *before,
                                       const tn_wit_package *after);

/* ---- compare_text.c ---------------------------------------------------------------------------------- */

/* Two different types, either of which may be NULL, as WIT; with where they come from if they look alike. */
tn_error *tn_wit_type_texts(tn_wit_comparer *c, const tn_wit_type *before, const tn_wit_type *after,
                            tn_str texts[2]);
/* "record", "resource" … */
const char *tn_wit_kind_word(const tn_wit_type *type);
tn_error *tn_wit_take_text(tn_wit_comparer *c, tn_error *error, tn_buffer *text, tn_str *out);

#endif
