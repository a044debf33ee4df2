/*
 * chio-hsm, the tool. One table of commands (commands.def, in the order in which a newcomer needs them), one table of
 * options (options.def), one file for each command.
 *
 * To add a command: a row in commands.def, its options (if new) in options.def, a file tools/hsm/<name>.c with
 * hsm_run_<name>, and its name in tools/local.mk and docs/man/chio-hsm.1.
 */
#ifndef TOOLS_HSM_HSM_H
#define TOOLS_HSM_HSM_H

#include "signer/client/client.h"
#include "signer/client/uri.h"
#include <stdbool.h>

enum hsm_option {
#define HSM_OPTION(NAME, text, short_name, value, help) HSM_OPT_##NAME,
#include "tools/hsm/options.def"
#undef HSM_OPTION
  HSM_OPT_COUNT
};
/* A set of options. The compilers that we build with have such a number on every 64-bit machine. */
__extension__ typedef unsigned __int128 hsm_options;
_Static_assert(HSM_OPT_COUNT <= 128, "hsm_options has 128 bits");
#define HSM_BIT(NAME) ((hsm_options)1 << HSM_OPT_##NAME)

#define HSM_WORDS_MAX 1025 /* sign: a key and its files */

/* One run of the tool: what was asked for, and what a command has opened so far. */
struct hsm {
  const struct hsm_command *command;
  const char *option[HSM_OPT_COUNT]; /* the value; "" for a flag that was given; NULL: not given */
  const char *word[HSM_WORDS_MAX];   /* the arguments after the command's name */
  int words;
  bool json;
  struct chio_uri *uri; /* the KEY, when it is a URI (key_name.c) */
  int error_status; /* what an error exits with, where that is not 1 */
  bool answered; /* the command has said it all: an error is only an exit status then */
  struct chio_client *client; /* hsm_client makes it */
  uint32_t slot;              /* hsm_token sets it */
  char token_label[33];
  bool open_token; /* it asks for no login */
  struct chio_login *login; /* hsm_login makes it */
};

struct hsm_command {
  const char *name;       /* "key generate" */
  const char *arguments;  /* "LABEL" */
  int words_min, words_max;
  hsm_options options; /* HSM_BIT of those it takes besides --json and --help */
  const char *summary;
  const char *more; /* for "help COMMAND" */
  /* CHIO_OK, or the error, with what it is about in detail. Output goes to stdout; nothing was printed before when the
   * error is one that JSON's reader should see. */
  enum chio_err (*run)(struct hsm *hsm, struct chio_detail *detail);
};

#define HSM_COMMAND(function, ...) enum chio_err hsm_run_##function(struct hsm *hsm, struct chio_detail *detail);
#include "tools/hsm/commands.def"
#undef HSM_COMMAND

const struct hsm_command *hsm_commands(size_t *out_count);

/* The command whose name is the first words; its length in words. NULL when there is none. */
const struct hsm_command *hsm_command_find(char *const words[], int count, int *out_used);
/* There is no such command: which begin with the first of the words, if any. CHIO_E_ARGUMENT. */
CHIO_MUST_CHECK enum chio_err hsm_command_unknown(char *const words[], int count, struct chio_detail *detail);

/* Fills hsm from the command line. CHIO_E_ARGUMENT says what is wrong with it. */
CHIO_MUST_CHECK enum chio_err hsm_options_parse(int argc, char **argv, struct hsm *hsm, struct chio_detail *detail);

/* Takes a KEY that is a chio: URI apart: what it says of signer, token and PIN stands in for the options that were not
 * given. CHIO_E_ARGUMENT when the two contradict one another, or the URI holds a PIN. */
CHIO_MUST_CHECK enum chio_err hsm_key_name_parse(struct hsm *hsm, struct chio_detail *detail);

/* The same for any text that is such a URI; hsm->uri is set. */
CHIO_MUST_CHECK enum chio_err hsm_key_uri_parse(struct hsm *hsm, const char *text, struct chio_detail *detail);

/* One line per option of the command. */
void hsm_options_print(const struct hsm_command *command);

/* All commands, or one: to stdout. */
void hsm_help_all(void);
void hsm_help_one(const struct hsm_command *command);

/* What a person can do about an error; NULL when the error says it all. */
const char *hsm_remedy(enum chio_err err);

#endif
