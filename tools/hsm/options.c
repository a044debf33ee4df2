#include "tools/hsm/hsm.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *text;
  int short_name;
  const char *value;
  const char *help;
} table[] = {
#define HSM_OPTION(NAME, text, short_name, value, help) {text, short_name, value, help},
#include "tools/hsm/options.def"
#undef HSM_OPTION
};

#define ALWAYS (HSM_BIT(JSON) | HSM_BIT(HELP))
#define LONG_BASE 256 /* getopt's value of a long option is this plus its index */
#define SECRET_OPTION 1000

/* What people try, and what we answer. */
static const char *const secret_options[] = {"pin", "so-pin", "user-pin", "password"};

static void build(struct option *longs, char *shorts) {
  size_t n = 0;
  *shorts++ = ':';
  for (size_t i = 0; i < HSM_OPT_COUNT; i++) {
    longs[n++] = (struct option){table[i].text, table[i].value != NULL ? required_argument : no_argument, NULL,
                                 LONG_BASE + (int)i};
    if (table[i].short_name == 0) continue;
    *shorts++ = (char)table[i].short_name;
    if (table[i].value != NULL) *shorts++ = ':';
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(secret_options); i++)
    longs[n++] = (struct option){secret_options[i], optional_argument, NULL, SECRET_OPTION};
  longs[n] = (struct option){NULL, 0, NULL, 0};
  *shorts = '\0';
}

static int index_of(int got) {
  if (got >= LONG_BASE) return got - LONG_BASE;
  for (int i = 0; i < HSM_OPT_COUNT; i++)
    if (table[i].short_name == got) return i;
  return -1;
}

static enum chio_err take(int got, char **argv, struct hsm *hsm, struct chio_detail *detail) {
  if (got == SECRET_OPTION)
    return chio_fail(detail, CHIO_E_ARGUMENT,
                     "a PIN is not given on the command line, where every user of the machine can read it; "
                     "use --pin-source FILE or --pin-source fd:N, or wait for the question");
  if (got == ':') return chio_fail(detail, CHIO_E_ARGUMENT, "option '%s' needs a value", argv[optind - 1]);
  int index = got == '?' ? -1 : index_of(got);
  if (index < 0) return chio_fail(detail, CHIO_E_ARGUMENT, "unknown option '%s'", argv[optind - 1]);
  if (hsm->option[index] != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "option --%s is given twice", table[index].text);
  hsm->option[index] = table[index].value != NULL ? optarg : "";
  return CHIO_OK;
}

static enum chio_err take_words(int argc, char **argv, struct hsm *hsm, struct chio_detail *detail) {
  int used = 0;
  int count = argc - optind;
  if (count == 0) return CHIO_OK;
  hsm->command = hsm_command_find(argv + optind, count, &used);
  if (hsm->command == NULL)
    return hsm_command_unknown(argv + optind, count, detail);
  hsm->words = count - used;
  if (hsm->option[HSM_OPT_HELP] != NULL) return CHIO_OK;
  if (hsm->words < hsm->command->words_min || hsm->words > hsm->command->words_max || hsm->words > HSM_WORDS_MAX)
    return chio_fail(detail, CHIO_E_ARGUMENT, "%s takes: %s", hsm->command->name,
                     hsm->command->words_max > 0 ? hsm->command->arguments : "no arguments");
  for (int i = 0; i < hsm->words; i++) hsm->word[i] = argv[optind + used + i];
  return CHIO_OK;
}

enum chio_err hsm_options_parse(int argc, char **argv, struct hsm *hsm, struct chio_detail *detail) {
  struct option longs[HSM_OPT_COUNT + CHIO_ARRAY_LEN(secret_options) + 1];
  char shorts[2 * HSM_OPT_COUNT + 2];
  build(longs, shorts);
  opterr = 0;
  for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
    enum chio_err err = take(got, argv, hsm, detail);
    if (err != CHIO_OK) return err;
  }
  hsm->json = hsm->option[HSM_OPT_JSON] != NULL;
  enum chio_err err = take_words(argc, argv, hsm, detail);
  if (err != CHIO_OK || hsm->command == NULL) return err;
  for (int i = 0; i < HSM_OPT_COUNT; i++)
    if (hsm->option[i] != NULL && ((hsm->command->options | ALWAYS) >> i & 1) == 0)
      return chio_fail(detail, CHIO_E_ARGUMENT, "%s takes no option --%s", hsm->command->name, table[i].text);
  return CHIO_OK;
}

void hsm_options_print(const struct hsm_command *command) {
  for (size_t i = 0; i < HSM_OPT_COUNT; i++) {
    char left[64];
    if (((command->options | ALWAYS) >> i & 1) == 0) continue;
    (void)snprintf(left, sizeof left, "--%s%s%s", table[i].text, table[i].value != NULL ? " " : "",
                   table[i].value != NULL ? table[i].value : "");
    char letter[3] = {'-', (char)table[i].short_name, '\0'};
    (void)printf("  %-2s  %-28s %s\n", table[i].short_name != 0 ? letter : "", left, table[i].help);
  }
}
