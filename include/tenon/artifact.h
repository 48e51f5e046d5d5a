/* What a compiled artifact was made with, for an engine that is to run it.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef TENON_ARTIFACT_H
#define TENON_ARTIFACT_H

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An engine loads only artifacts of its own settings. Running one needs no compiler: this sets in `options` what only
 * matters while compiling (compiler, optimize, debug_info) as it is in the artifact in the file `path`, and turns
 * consume_fuel and deterministic on where the artifact has them. What `options` ask for and the artifact lacks stays, and
 * loading then says so. Any other file leaves the options as they are. Nothing is verified here: loading does that. */
TN_API void tn_engine_options_adopt(tn_engine_options *options, const char *path);

#ifdef __cplusplus
}
#endif

#endif
