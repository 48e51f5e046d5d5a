/* Whether types are the same, by name and structure. For src/wit/package/ only. */
#ifndef TN_WIT_PACKAGE_SAME_H
#define TN_WIT_PACKAGE_SAME_H

#include "wit/package/model.h"

/* When two interfaces that types belong to are the same. Zeroed: when their full names are equal. */
typedef struct tn_wit_sameness {
  /* Two versions of a package, which are taken for the same; NULL: none. */
  const tn_wit_package *before;
  const tn_wit_package *after;
  bool is_compatible; /* versions need only be compatible, as 0.2.3 and 0.2.6 are */
} tn_wit_sameness;

/* "a:b" is the same as "a:b" of another set. */
bool tn_wit_same_package(const tn_wit_sameness *how, const tn_wit_package *a,
                         const tn_wit_package *b);
/* A type where it is used; either may be NULL. Named types are the same when their names and their owners are. */
bool tn_wit_same_reference(const tn_wit_sameness *how, const tn_wit_type *a, const tn_wit_type *b);
/* What two types are made of, whatever their names are. */
bool tn_wit_same_definition(const tn_wit_sameness *how, const tn_wit_type *a, const tn_wit_type *b);
/* The types of two functions, names of parameters included. */
bool tn_wit_same_function(const tn_wit_sameness *how, const tn_wit_function *a,
                          const tn_wit_function *b);

#endif
