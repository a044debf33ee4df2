#include "tests/unit/vectors.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

char vectors_dir[3000];

bool vectors_found(void) {
  const char *dir = getenv("CHIO_VECTORS"), *top = getenv("abs_top_srcdir");
  if (dir != NULL)
    snprintf(vectors_dir, sizeof vectors_dir, "%s/quotes", dir);
  else
    snprintf(vectors_dir, sizeof vectors_dir, "%s/../shared/vectors/quotes", top != NULL ? top : ".");
  DIR *found = opendir(vectors_dir);
  if (found == NULL)
    print_message("# no vectors at hand (CHIO_VECTORS)\n");
  else
    closedir(found);
  return found != NULL;
}

struct chio_buf vectors_read(const char *path) {
  struct chio_buf out = CHIO_BUF_INIT;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return out;
  uint8_t *to = chio_buf_reserve(&out, 1 << 20);
  assert_non_null(to);
  out.len = fread(to, 1, 1 << 20, file);
  fclose(file);
  return out;
}

int64_t vectors_time(const char *text) {
  struct tm tm = {0};
  if (text == NULL || sscanf(text, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
                             &tm.tm_sec) != 6) {
    return 0;
  }
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return (int64_t)timegm(&tm);
}

struct chio_attest_collateral *vectors_collateral(const char *path) {
  struct chio_attest_collateral *collateral = NULL;
  struct chio_attest_message message = {""};
  assert_int_equal(chio_attest_collateral_new(&collateral), CHIO_ATTEST_OK);
  if (path != NULL && chio_attest_collateral_add_path(collateral, path, &message) != CHIO_ATTEST_OK)
    fail_msg("%s", message.text);
  return collateral;
}

struct chio_attest_result *vectors_judge(const char *evidence_path, const char *collateral_path, int64_t at) {
  struct chio_buf evidence = vectors_read(evidence_path);
  struct chio_attest_collateral *collateral =
      vectors_collateral(strcmp(evidence_path, collateral_path) != 0 ? collateral_path : NULL);
  struct chio_attest_message message = {""};
  const struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .collateral = collateral, .at = at};
  struct chio_attest_result *result = NULL;
  assert_int_equal(chio_attest_verify(&request, &result, &message), CHIO_ATTEST_OK);
  chio_attest_collateral_free(collateral);
  chio_buf_clear(&evidence);
  return result;
}
