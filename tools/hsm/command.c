#include "tools/hsm/hsm.h"

#include <stdio.h>
#include <string.h>

static const struct hsm_command commands[] = {
#define HSM_COMMAND(function, name, arguments, min, max, options, summary, more) \
  {name, arguments, min, max, options, summary, more, hsm_run_##function},
#include "tools/hsm/commands.def"
#undef HSM_COMMAND
};

const struct hsm_command *hsm_commands(size_t *out_count) {
  *out_count = CHIO_ARRAY_LEN(commands);
  return commands;
}

/* How many of the words make up the name; 0 when they do not begin with it. */
static int words_of_name(const char *name, char *const words[], int count) {
  int used = 0;
  for (const char *at = name; *at != '\0'; used++) {
    size_t len = strcspn(at, " ");
    if (used == count || strlen(words[used]) != len || memcmp(words[used], at, len) != 0) return 0;
    at += len + (at[len] == ' ');
  }
  return used;
}

const struct hsm_command *hsm_command_find(char *const words[], int count, int *out_used) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(commands); i++) {
    int used = words_of_name(commands[i].name, words, count);
    if (used == 0) continue;
    *out_used = used;
    return &commands[i];
  }
  return NULL;
}

enum chio_err hsm_command_unknown(char *const words[], int count, struct chio_detail *detail) {
  char names[256] = "";
  size_t used = 0, len = strlen(words[0]);
  for (size_t i = 0; i < CHIO_ARRAY_LEN(commands) && used < sizeof names; i++) {
    if (strncmp(commands[i].name, words[0], len) != 0 || commands[i].name[len] != ' ') continue;
    int put = snprintf(names + used, sizeof names - used, "%s'%s'", used > 0 ? ", " : "", commands[i].name);
    used += put > 0 ? (size_t)put : 0;
  }
  return chio_fail(detail, CHIO_E_ARGUMENT, "no command '%s%s%s'%s%s", words[0], count > 1 ? " " : "",
                   count > 1 ? words[1] : "", used > 0 ? "; there are " : "", names);
}
