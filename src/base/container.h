/* From a member to the structure that it is embedded in. */
#ifndef TN_BASE_CONTAINER_H
#define TN_BASE_CONTAINER_H

#include <stddef.h>

/* `pointer` is to the member `member` of a `type`. */
#define TN_CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
