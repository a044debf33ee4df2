/* What goes wrong, and how often, in a program that plays something: each fault has a name and a number of times that are
 * left. */
#ifndef CHIO_TESTS_FAULTS_H
#define CHIO_TESTS_FAULTS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool fault_happens(int *left) {
  if (*left == 0) return false;
  (*left)--;
  return true;
}

/* From NAME=COUNT[,NAME=COUNT], which is cut up, or "-": none. False for a name that is none of these. */
static inline bool faults_set(char *list, const char *const names[], int faults[], int count) {
  if (strcmp(list, "-") == 0) return true;
  for (char *rest = list, *item; (item = strsep(&rest, ",")) != NULL;) {
    char *number = strchr(item, '=');
    int found = -1;
    if (number == NULL) return false;
    *number++ = '\0';
    for (int i = 0; i < count; i++)
      if (strcmp(names[i], item) == 0) found = i;
    if (found < 0) return false;
    faults[found] = (int)strtol(number, NULL, 10);
  }
  return true;
}

#endif
