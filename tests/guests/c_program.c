// A WASI preview 1 command in C: `c_program FOLDER ARGUMENT…` uses the environment, standard input, files,
// clocks and random numbers, prints what it saw and ends with code 3. What is wrong ends it with code 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno));                 \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void copy_standard_input(const char *path) {
  FILE *file = fopen(path, "w");
  CHECK(file);
  char line[256];
  int lines = 0;
  while (fgets(line, sizeof line, stdin)) {
    fprintf(file, "%d %s", ++lines, line);
  }
  CHECK(fclose(file) == 0);
  printf("%d lines\n", lines);
}

static void read_back(const char *path) {
  struct stat status;
  CHECK(stat(path, &status) == 0 && S_ISREG(status.st_mode));
  int file = open(path, O_RDONLY);
  CHECK(file >= 0);
  char *text = calloc(1, (size_t)status.st_size + 1);
  CHECK(text && read(file, text, (size_t)status.st_size) == status.st_size);
  CHECK(lseek(file, -2, SEEK_END) == status.st_size - 2);
  char end[3] = "";
  CHECK(read(file, end, sizeof end) == 2);
  CHECK(pread(file, end, 2, 0) == 2 && end[0] == '1');
  CHECK(write(file, "x", 1) == -1 && errno == EBADF);
  CHECK(close(file) == 0);
  printf("%d bytes: %s", (int)status.st_size, text);
  free(text);
}

static int compare_names(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list(const char *path) {
  DIR *folder = opendir(path);
  CHECK(folder);
  char *names[64];
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(folder)) && count < 64;) {
    if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
  }
  CHECK(closedir(folder) == 0);
  qsort(names, count, sizeof *names, compare_names);
  for (size_t i = 0; i < count; i++) {
    printf("%s%s", i ? " " : "entries: ", names[i]);
  }
  printf("\n");
}

static void change_names(void) {
  CHECK(mkdir("inner", 0777) == 0);
  CHECK(mkdir("inner", 0777) == -1 && errno == EEXIST);
  CHECK(rename("copy.txt", "inner/moved.txt") == 0);
  CHECK(access("copy.txt", F_OK) == -1 && errno == ENOENT);
  CHECK(rmdir("inner") == -1 && errno == ENOTEMPTY);
  CHECK(link("inner/moved.txt", "second.txt") == 0);
  CHECK(unlink("inner/moved.txt") == 0);
  CHECK(rmdir("inner") == 0);
  CHECK(truncate("second.txt", 4) == 0);
  struct stat status;
  CHECK(stat("second.txt", &status) == 0 && status.st_size == 4);
  struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000, .tv_nsec = 500}};
  CHECK(utimensat(AT_FDCWD, "second.txt", times, 0) == 0);
  CHECK(stat("second.txt", &status) == 0 && status.st_mtim.tv_sec == 2000);
  list(".");
  CHECK(unlink("second.txt") == 0);
}

// The host made `escape`, a link to a folder that is not granted.
static void stay_inside(void) {
  char text[64];
  CHECK(symlink("target.txt", "link") == 0);
  CHECK(readlink("link", text, sizeof text) == 10 && memcmp(text, "target.txt", 10) == 0);
  CHECK(unlink("link") == 0);
  CHECK(symlink("/etc", "absolute") == -1);
  CHECK(open("escape/secret.txt", O_RDONLY) == -1);
  CHECK(errno == EPERM || errno == ENOTCAPABLE);
  CHECK(open("../secret.txt", O_RDONLY) == -1);
  CHECK(open("/etc/passwd", O_RDONLY) == -1);
}

static void tell_time(void) {
  struct timespec before, after, wall, pause = {.tv_nsec = 20000000};
  CHECK(clock_gettime(CLOCK_REALTIME, &wall) == 0 && wall.tv_sec > 1700000000);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  CHECK(nanosleep(&pause, NULL) == 0);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
  long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  CHECK(slept >= 20000000 && slept < 2000000000);
}

int main(int argc, char **argv) {
  CHECK(argc > 1);
  for (int i = 2; i < argc; i++) {
    printf("argument: %s\n", argv[i]);
  }
  const char *greeting = getenv("GREETING");
  printf("GREETING: %s, HOME: %s\n", greeting ? greeting : "none",
         getenv("HOME") ? "seen" : "none");
  CHECK(chdir(argv[1]) == 0);
  copy_standard_input("copy.txt");
  read_back("copy.txt");
  change_names();
  stay_inside();
  tell_time();
  unsigned char noise[32] = {0}, zeros[32] = {0};
  CHECK(getentropy(noise, sizeof noise) == 0 && memcmp(noise, zeros, sizeof zeros) != 0);
  fprintf(stderr, "done\n");
  return 3;
}
