/* Runs a command and writes what it took to a file: seconds, the peak of its memory in KiB, its exit status.
 *
 *   measure FILE COMMAND ARGUMENT…
 *
 * Small on purpose: a process starts with the peak of the one that started it, which would be Python's. */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  struct rusage usage;
  int status;
  pid_t child;
  double start = now();
  if (posix_spawnp(&child, arguments[2], NULL, NULL, arguments + 2, environ) != 0) return 2;
  if (wait4(child, &status, 0, &usage) != child) return 2;
  double seconds = now() - start;
  FILE *report = fopen(arguments[1], "w");
  if (report == NULL) return 2;
  fprintf(report, "%.9f %ld %d\n", seconds, usage.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return fclose(report) == 0 ? 0 : 2;
}
