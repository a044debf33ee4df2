#include "tools/hsm/hsm.h"
#include "tools/hsm/signer.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void report(const struct hsm *hsm, enum chio_err err, const struct chio_detail *detail) {
  const char *text = detail->text[0] != '\0' ? detail->text : chio_err_text(err);
  const char *remedy = hsm_remedy(err);
  if (hsm->json) {
    json_t *answer = json_pack("{s:s, s:s}", "error", chio_err_name(err), "message", text);
    if (answer != NULL && remedy != NULL) (void)json_object_set_new(answer, "remedy", json_string(remedy));
    (void)json_dumpf(answer, stdout, JSON_INDENT(2));
    (void)puts("");
    json_decref(answer);
  }
  (void)fprintf(stderr, "chio-hsm: %s%s%s\n", hsm->command != NULL ? hsm->command->name : "",
                hsm->command != NULL ? ": " : "", text);
  if (remedy != NULL) (void)fprintf(stderr, "          %s\n", remedy);
}

static enum chio_err run(int argc, char **argv, struct hsm *hsm, struct chio_detail *detail) {
  enum chio_err err = hsm_options_parse(argc, argv, hsm, detail);
  if (err != CHIO_OK) return err;
  if (hsm->command == NULL)
    hsm_help_all();
  else if (hsm->option[HSM_OPT_HELP] != NULL)
    hsm_help_one(hsm->command);
  else
    err = hsm_key_name_parse(hsm, detail);
  if (err == CHIO_OK && hsm->command != NULL && hsm->option[HSM_OPT_HELP] == NULL)
    err = hsm->command->run(hsm, detail);
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  if (written || (err != CHIO_OK && !hsm->answered)) return err;
  hsm->answered = false; /* what was to say it all did not arrive */
  return chio_fail(detail, CHIO_E_IO, "the output could not be written");
}

int main(int argc, char **argv) {
  struct hsm hsm = {.command = NULL};
  struct chio_detail detail = {{0}};
  /* A reader of our output that goes away is an error that we report, not our end. */
  (void)signal(SIGPIPE, SIG_IGN);
  enum chio_err err = run(argc, argv, &hsm, &detail);
  if (err != CHIO_OK && !hsm.answered) report(&hsm, err, &detail);
  hsm_close(&hsm);
  if (err == CHIO_OK) return EXIT_DONE;
  if (err == CHIO_E_ARGUMENT) return EXIT_USAGE;
  return hsm.error_status != 0 && !hsm.answered ? hsm.error_status : EXIT_FAILED;
}
