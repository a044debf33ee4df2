/* A folder for one test, removed with what is in it. For unit tests. */
#ifndef CHIO_TESTS_TEMP_DIR_H
#define CHIO_TESTS_TEMP_DIR_H

#include <stdbool.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct temp_dir {
  char path[256];
};

static inline bool temp_dir_make(struct temp_dir *dir) {
  const char *base = getenv("TMPDIR");
  (void)snprintf(dir->path, sizeof dir->path, "%s/chio-test-XXXXXX", base != NULL ? base : "/tmp");
  return mkdtemp(dir->path) != NULL;
}

static inline const char *temp_dir_file(const struct temp_dir *dir, const char *name, char out[512]) {
  (void)snprintf(out, 512, "%s/%s", dir->path, name);
  return out;
}

/* One level deep: no test makes more. */
static inline void temp_dir_remove(const struct temp_dir *dir) {
  DIR *entries = opendir(dir->path);
  char file[512];
  for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      (void)unlink(temp_dir_file(dir, entry->d_name, file));
  if (entries != NULL) (void)closedir(entries);
  (void)rmdir(dir->path);
}

#endif
