/* Sockets that a service manager has opened (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. */
#ifndef TN_SERVE_ACTIVATION_H
#define TN_SERVE_ACTIVATION_H

#include <stdint.h>

#include "base/str.h"

/* Calls use(data, descriptor) for each listening stream socket that was passed under `name`, or for each that was passed
 * when it is empty. They stay open. Error when there is none, when one is something else, or when `use` gives one. */
tn_error *tn_activation_each(tn_str name, tn_error *(*use)(void *data, int descriptor), void *data);

#endif
