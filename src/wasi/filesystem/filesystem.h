/* wasi:filesystem: types and preopens. */
#ifndef TN_WASI_FILESYSTEM_FILESYSTEM_H
#define TN_WASI_FILESYSTEM_FILESYSTEM_H

#include "wasi/system/descriptor.h"
#include "wasi/wasi.h"

/* Defines all interfaces of wasi:filesystem. */
tn_error *tn_wasi_filesystem_define(tn_linker *linker);
/* The interfaces themselves. */
extern const tn_host_interface tn_filesystem_types_interface;
extern const tn_host_interface tn_filesystem_preopens_interface;
/* Frees the object of a slot of kind DESCRIPTOR or DIRECTORY_STREAM that the guest left behind. */
void tn_wasi_filesystem_close(tn_slot_kind kind, void *object);

/* Streams over regular files, which never wait: each has an offset of its own and counts a reference to the
 * descriptor. See stream.c. */
tn_error *tn_file_input_add(tn_wasi *wasi, tn_descriptor *descriptor, uint64_t offset,
                            uint32_t *representation);
tn_error *tn_file_output_add(tn_wasi *wasi, tn_descriptor *descriptor, uint64_t offset,
                             bool appends, uint32_t *representation);

#endif
