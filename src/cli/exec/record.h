/* tenon exec: --record, --replay and --verify. */
#ifndef CLI_EXEC_RECORD_H
#define CLI_EXEC_RECORD_H

#include "cli/exec/exec.h"

/* Runs the guest once, showing its output or not. 0, or an exit code after reporting. */
typedef int (*exec_run_func)(exec_job *job, bool is_silent, exec_outcome *outcome);

/* Makes or reads the recording that the options ask for; a replay takes the function, its arguments and the
 * limits from it. 0, or an exit code after reporting. */
int exec_record_open(exec_job *job, cli_settings *settings);
void exec_record_close(exec_job *job);
/* The run is over: what it came to is noted. */
/* Whether a replay has ended by a limit as the recorded run did: what is given beside it cannot raise that. */
bool exec_record_has_limit(const exec_job *job, const exec_outcome *outcome);
void exec_record_finish(exec_job *job, const exec_outcome *outcome);
int exec_record_write(const exec_job *job);
/* Runs it again as often as --verify says. */
int exec_verify(exec_job *job, exec_outcome *outcome, exec_run_func run);
int exec_replay(exec_job *job, exec_outcome *outcome, exec_run_func run);

#endif
