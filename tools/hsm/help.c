#include "tools/hsm/hsm.h"

#include <stdio.h>

void hsm_help_all(void) {
  size_t count;
  const struct hsm_command *commands = hsm_commands(&count);
  (void)puts("chio-hsm: keys that are born in a TEE, never leave it, and prove it\n");
  (void)puts("usage: chio-hsm COMMAND [OPTIONS]\n");
  for (size_t i = 0; i < count; i++) {
    char left[64];
    (void)snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
    (void)printf("  %-24s %s\n", left, commands[i].summary);
  }
  (void)puts("\nA first session:\n"
             "  chio-hsm token init demo\n"
             "  chio-hsm key generate web\n"
             "  chio-hsm uri web -o web.pem             the key, as openssl's provider chio takes it\n"
             "  chio-hsm attest web -o web.evidence\n"
             "  chio-hsm verify web.evidence            anywhere, offline\n"
             "\nKEY is a label, an id or a unique id in hex, or a chio: URI. --json prints JSON for programs.\n"
             "chio-hsm help COMMAND tells more; so does chio-hsm(1).");
}

void hsm_help_one(const struct hsm_command *command) {
  (void)printf("usage: chio-hsm %s%s%s [OPTIONS]\n\n%s\n", command->name, command->arguments[0] != '\0' ? " " : "",
               command->arguments, command->summary);
  if (command->more[0] != '\0') (void)printf("\n%s\n", command->more);
  (void)puts("");
  hsm_options_print(command);
}

enum chio_err hsm_run_help(struct hsm *hsm, struct chio_detail *detail) {
  int used = 0;
  if (hsm->words == 0) {
    hsm_help_all();
    return CHIO_OK;
  }
  const struct hsm_command *command = hsm_command_find((char *const *)(void *)hsm->word, hsm->words, &used);
  if (command == NULL || used != hsm->words)
    return hsm_command_unknown((char *const *)(void *)hsm->word, hsm->words, detail);
  hsm_help_one(command);
  return CHIO_OK;
}
