/* The status page, status.html made into a string when Tenon is built. */
#ifndef TN_SERVE_OBSERVE_STATUS_PAGE_H
#define TN_SERVE_OBSERVE_STATUS_PAGE_H

#include <stddef.h>

extern const char tn_status_page[];
extern const size_t tn_status_page_size;

#endif
