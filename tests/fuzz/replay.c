/*
 * The main of a fuzz target in an ordinary build: runs the target over its corpus, over every shorter prefix of each
 * seed and over each seed with one byte changed, and prints TAP. With file names as arguments it runs those alone,
 * which replays a finding.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define SEED_MAX (2u * 1024u * 1024u)
#define MUTATED_MAX 2048u /* bytes of a seed whose prefixes and changes are tried; larger ones run as they are */

static uint8_t *read_seed(const char *path, size_t *out_size) {
  FILE *f = fopen(path, "rb");
  uint8_t *data = f != NULL ? malloc(SEED_MAX) : NULL;
  if (data != NULL) *out_size = fread(data, 1, SEED_MAX, f);
  if (f != NULL) (void)fclose(f);
  return data;
}

/* In memory of exactly its size, so that a sanitizer or valgrind sees one byte too many. */
static void run_exact(const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size > 0 ? size : 1);
  if (exact == NULL) return;
  memcpy(exact, data, size);
  (void)LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static void run_changed(uint8_t *data, size_t size) {
  for (size_t len = 0; len < size; len++) run_exact(data, len);
  for (size_t at = 0; at < size; at++) {
    uint8_t change = (uint8_t)(at % 255 + 1);
    data[at] ^= change;
    run_exact(data, size);
    data[at] ^= change;
  }
}

static bool run_file(const char *path, bool changed) {
  size_t size = 0;
  uint8_t *data = read_seed(path, &size);
  if (data == NULL) return false;
  run_exact(data, size);
  if (changed && size <= MUTATED_MAX) run_changed(data, size);
  free(data);
  return true;
}

static unsigned run_corpus(const char *folder) {
  DIR *dir = opendir(folder);
  unsigned seeds = 0;
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    char path[PATH_MAX];
    if (entry->d_name[0] == '.') continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path && run_file(path, true)) seeds++;
  }
  if (dir != NULL) (void)closedir(dir);
  return seeds;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (!run_file(argv[i], false)) return 1;
  if (argc > 1) return 0;
  const char *target = strstr(argv[0], "fuzz_");
  const char *top = getenv("abs_top_srcdir");
  char folder[PATH_MAX];
  if (target == NULL || top == NULL) return 2;
  for (const char *next; (next = strstr(target + 1, "fuzz_")) != NULL;) target = next;
  (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", top, target + strlen("fuzz_"));
  printf("1..1\n");
  unsigned seeds = run_corpus(folder);
  printf("%s - %u seeds, shortened and changed, break no promise\n", seeds > 0 ? "ok" : "not ok", seeds);
  return seeds > 0 ? 0 : 1;
}
