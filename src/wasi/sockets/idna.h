/* Host names: from what a guest gives to the ASCII form that resolvers take. Pure functions. */
#ifndef TN_WASI_SOCKETS_IDNA_H
#define TN_WASI_SOCKETS_IDNA_H

#include <stdbool.h>

#include "tenon.h"

/* The longest name in its ASCII form (RFC 1035), with the NUL. */
enum { TN_HOST_NAME_SIZE = 254 };

/* Checks the syntax of a host name and writes its ASCII form, in lower case and ended by NUL. Labels with
 * other characters become Punycode (RFC 3492), after simple lower-casing; composed and decomposed characters
 * are not unified. False when it is not a host name: empty or overlong labels, characters that no name has,
 * or a last label that is a number (which resolvers would take for an address in one of its old forms). */
bool tn_host_name_to_ascii(tn_str name, char out[TN_HOST_NAME_SIZE]);

#endif
