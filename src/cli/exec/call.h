/* tenon exec --function: a call that is being put together. */
#ifndef CLI_EXEC_CALL_H
#define CLI_EXEC_CALL_H

#include "cli/exec/exec.h"

typedef struct exec_call {
  exec_job *job;
  const tn_func *func;
  const tn_func_type *type;
  tn_values *values;
  void *params;
  tn_str whole; /* the text that is being read, for places in it */
} exec_call;

/* Fills in params, from what the job is given. */
tn_error *exec_parse_arguments(exec_call *call);

#endif
