#include "tests/support/chiod_run.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pid_t chiod_pid(void) {
  const char *path = getenv("CHIO_PIDFILE");
  FILE *file = path != NULL ? fopen(path, "re") : NULL;
  char line[32] = "";
  if (file == NULL) return -1;
  char *got = fgets(line, sizeof line, file);
  (void)fclose(file);
  return got != NULL ? (pid_t)strtol(line, NULL, 10) : -1;
}

static bool alive(pid_t pid) {
  char path[64], state = 'Z';
  (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
  (void)fclose(file);
  return state != 'Z';
}

bool kill_chiod(void) {
  pid_t pid = chiod_pid();
  if (pid <= 1 || kill(pid, SIGKILL) != 0) return false;
  for (int i = 0; i < 6000 && alive(pid); i++) (void)usleep(10000);
  return !alive(pid);
}

bool start_chiod(void) {
  char *command = getenv("CHIO_START");
  char *argv[] = {command, NULL};
  pid_t pid;
  int status = -1;
  if (command == NULL || posix_spawn(&pid, command, NULL, NULL, argv, environ) != 0) return false;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
