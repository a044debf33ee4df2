/* The flags and the environment of chiod: one table, each row a key of hsm.toml under another name. */
#include "signer/daemon/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flag {
  const char *flag;     /* without its dashes; NULL: environment alone */
  const char *variable; /* NULL: none */
  const char *key;      /* NULL: handled below */
  const char *value;    /* NULL: what is given; else the flag takes none and stands for this */
  const char *metavar;
  const char *help;
};

static const struct flag flags[] = {
    {"config", "CHIO_CONFIG", NULL, NULL, "FILE", "read FILE instead of " CHIO_OPTIONS_FILE},
    {"state", "CHIO_STATE", "state", NULL, "DIR", "the state folder"},
    {"socket", "CHIO_SOCKET", "socket.path", NULL, "PATH", "the socket to listen on"},
    {"user", "CHIO_USER", "user", NULL, "NAME", "the user to become when started as root"},
    {"stay-root", NULL, "stay_root", "true", NULL, "stay root"},
    {"platform", "CHIO_PLATFORM", "platform", NULL, "NAME", "where evidence comes from: auto, tdx, snp, sim-tdx ..."},
    {"tee", NULL, "platform", NULL, "NAME", "the same"},
    {"foreground", NULL, "daemon", "false", NULL, "stay in the foreground (the default)"},
    {"daemon", NULL, "daemon", "true", NULL, "go to the background once ready"},
    {"pidfile", "CHIO_PIDFILE", "pidfile", NULL, "FILE", "write the process id to FILE once ready"},
    {"log-level", "CHIO_LOG", "log.level", NULL, "LEVEL", "error, warning, notice, info or debug"},
    {"log-format", "CHIO_LOG_FORMAT", "log.format", NULL, "FORMAT", "text or json"},
    {"log-file", "CHIO_LOG_FILE", "log.file", NULL, "FILE", "log to FILE instead of standard error"},
    {"kmsd", "CHIO_KMSD", "kmsd.program", NULL, "PROGRAM", "the program that reaches backends"},
    {"set", NULL, NULL, NULL, "KEY=VALUE", "any other key of the configuration file"},
    {"version", NULL, NULL, "", NULL, "print the version"},
    {"help", NULL, NULL, "", NULL, "print this"},
};

void chio_options_help(struct chio_buf *out) {
  chio_buf_append_str(out, "usage: chiod [flags]\n\nThe signer: keeps keys and serves them on a socket.\n\n");
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) {
    char head[48];
    (void)snprintf(head, sizeof head, "--%s%s%s", flags[i].flag, flags[i].metavar != NULL ? " " : "",
                   flags[i].metavar != NULL ? flags[i].metavar : "");
    chio_buf_printf(out, "  %-22s %s", head, flags[i].help);
    if (flags[i].variable != NULL) chio_buf_printf(out, " [$%s]", flags[i].variable);
    chio_buf_append_str(out, "\n");
  }
  chio_buf_append_str(out, "\nFlags override the environment, which overrides the file. See chiod(8), hsm.toml(5).\n");
}

/* One flag as given: its row and its value. */
struct given {
  const struct flag *flag;
  const char *value;
};

static const struct flag *find_flag(const char *name, size_t len) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++)
    if (strlen(flags[i].flag) == len && strncmp(flags[i].flag, name, len) == 0) return &flags[i];
  return NULL;
}

/* Reads argv[*at], and the next one when it is the value. */
static enum chio_err next_flag(int argc, char *const argv[], int *at, struct given *out, struct chio_detail *detail) {
  const char *word = argv[*at];
  if (strcmp(word, "-h") == 0) word = "--help";
  if (strcmp(word, "-V") == 0) word = "--version";
  if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
    return chio_fail(detail, CHIO_E_ARGUMENT, "'%s' is no flag; chiod --help lists them", word);
  const char *equals = strchr(word, '=');
  size_t len = equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2);
  const struct flag *flag = find_flag(word + 2, len);
  if (flag == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "there is no flag '%s'; chiod --help lists them", word);
  if (flag->value != NULL && equals != NULL)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--%s takes no value", flag->flag);
  out->flag = flag;
  out->value = flag->value != NULL ? flag->value : equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
  if (out->value == NULL) return chio_fail(detail, CHIO_E_ARGUMENT, "--%s: expected %s", flag->flag, flag->metavar);
  return CHIO_OK;
}

static enum chio_err set_any(struct chio_options *options, const char *assignment, struct chio_detail *detail) {
  char key[CHIO_CONFIG_NAME_MAX];
  const char *equals = strchr(assignment, '=');
  if (equals == NULL || (size_t)(equals - assignment) >= sizeof key)
    return chio_fail(detail, CHIO_E_ARGUMENT, "--set: expected KEY=VALUE, found '%s'", assignment);
  memcpy(key, assignment, (size_t)(equals - assignment));
  key[equals - assignment] = '\0';
  return chio_config_set(chio_options_keys, key, equals + 1, "--set", detail, options);
}

static enum chio_err set_config(struct chio_options *options, const char *path, struct chio_detail *detail) {
  /* Absolute, for SIGHUP: the background has another working folder. */
  char *absolute = realpath(path, NULL);
  int len = snprintf(options->config, sizeof options->config, "%s", absolute != NULL ? absolute : path);
  free(absolute);
  if ((size_t)len < sizeof options->config) return CHIO_OK;
  return chio_fail(detail, CHIO_E_CONFIG, "the path of the configuration file is too long");
}

static enum chio_err apply(struct chio_options *options, const struct given *given, struct chio_detail *detail) {
  char where[32];
  (void)snprintf(where, sizeof where, "--%s", given->flag->flag);
  if (given->flag->key != NULL)
    return chio_config_set(chio_options_keys, given->flag->key, given->value, where, detail, options);
  if (strcmp(given->flag->flag, "set") == 0) return set_any(options, given->value, detail);
  return CHIO_OK; /* config, help, version: read before */
}

/* What must be known before the file is read. */
static enum chio_err look_ahead(int argc, char *const argv[], struct chio_options *options,
                                enum chio_options_action *out_action, struct chio_detail *detail) {
  struct given given;
  const char *config = secure_getenv("CHIO_CONFIG");
  *out_action = CHIO_OPTIONS_RUN;
  for (int at = 1; at < argc; at++) {
    enum chio_err err = next_flag(argc, argv, &at, &given, detail);
    if (err != CHIO_OK) return err;
    if (strcmp(given.flag->flag, "help") == 0) *out_action = CHIO_OPTIONS_HELP;
    if (strcmp(given.flag->flag, "version") == 0) *out_action = CHIO_OPTIONS_VERSION;
    if (strcmp(given.flag->flag, "config") == 0) config = given.value;
  }
  return config != NULL ? set_config(options, config, detail) : CHIO_OK;
}

static enum chio_err read_file(struct chio_options *options, struct chio_detail *detail) {
  bool asked = options->config[0] != '\0';
  enum chio_err err = chio_options_load(options, asked ? options->config : CHIO_OPTIONS_FILE, detail);
  if (err != CHIO_E_NOT_FOUND) return err;
  if (!asked) return CHIO_OK;
  return chio_fail(detail, CHIO_E_NOT_FOUND, "there is no configuration file %s", options->config);
}

static enum chio_err read_environment(struct chio_options *options, struct chio_detail *detail) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(flags); i++) {
    const char *value = flags[i].variable != NULL && flags[i].key != NULL ? secure_getenv(flags[i].variable) : NULL;
    if (value == NULL || value[0] == '\0') continue;
    enum chio_err err = chio_config_set(chio_options_keys, flags[i].key, value, flags[i].variable, detail, options);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

static enum chio_err read_flags(int argc, char *const argv[], struct chio_options *options,
                                struct chio_detail *detail) {
  struct given given;
  for (int at = 1; at < argc; at++) {
    enum chio_err err = next_flag(argc, argv, &at, &given, detail);
    if (err == CHIO_OK) err = apply(options, &given, detail);
    if (err != CHIO_OK) return err;
  }
  return CHIO_OK;
}

enum chio_err chio_options_read(int argc, char *const argv[], struct chio_options *out_options,
                                enum chio_options_action *out_action, struct chio_detail *detail) {
  struct chio_options options;
  chio_options_default(&options);
  enum chio_err err = look_ahead(argc, argv, &options, out_action, detail);
  if (err == CHIO_OK && *out_action == CHIO_OPTIONS_RUN) {
    err = read_file(&options, detail);
    if (err == CHIO_OK) err = read_environment(&options, detail);
    if (err == CHIO_OK) err = read_flags(argc, argv, &options, detail);
    if (err == CHIO_OK) err = chio_options_finish(&options, detail);
  }
  if (err == CHIO_OK)
    *out_options = options;
  else
    chio_options_clear(&options);
  return err;
}
