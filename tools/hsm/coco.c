/* coco install, uninstall: helm's command line for the chart of Confidential Containers, run or only shown. */
#include "tools/hsm/coco.h"

#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/program.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 24

struct command_line {
  const char *argv[ARGUMENTS_MAX + 1];
  size_t count;
};

static void add(struct command_line *line, const char *const *words) {
  for (; *words != NULL && line->count < ARGUMENTS_MAX; words++) line->argv[line->count++] = *words;
  line->argv[line->count] = NULL;
}

static const char *or_default(const char *given, const char *otherwise) {
  return given != NULL && given[0] != '\0' ? given : otherwise;
}

static void build(const struct hsm *hsm, const char *const *words, struct command_line *line) {
  const char *kubeconfig = hsm->option[HSM_OPT_KUBECONFIG];
  *line = (struct command_line){.count = 0};
  add(line, (const char *const[]){or_default(hsm->option[HSM_OPT_HELM], "helm"), NULL});
  add(line, words);
  if (kubeconfig != NULL && kubeconfig[0] != '\0') add(line, (const char *const[]){"--kubeconfig", kubeconfig, NULL});
}

/* Joined by single spaces, to be read; in JSON the arguments stand one by one. */
static enum chio_err show(const struct hsm *hsm, const struct command_line *line) {
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  json_t *list = json_array();
  for (size_t i = 0; text != NULL && i < line->count; i++) {
    chio_buf_printf(text, "%s%s", i > 0 ? " " : "", line->argv[i]);
    (void)json_array_append_new(list, json_string(line->argv[i]));
  }
  const char *joined = text != NULL ? chio_buf_cstr(text) : NULL;
  enum chio_err err = joined != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && hsm->json)
    err = hsm_json_print(json_pack("{s:s, s:O}", "command", joined, "arguments", list));
  else if (err == CHIO_OK)
    (void)puts(joined);
  json_decref(list);
  return err;
}

/* What helm said is shown whether it succeeded or not; beside JSON on stderr. */
static enum chio_err tell(const struct hsm *hsm, bool done, const struct chio_buf *output) {
  if (hsm->json && done) {
    json_t *text = json_stringn((const char *)output->data, output->len);
    return hsm_json_print(json_pack("{s:o}", "output", text != NULL ? text : json_string("(not UTF-8)")));
  }
  if (output->len > 0) (void)fwrite(output->data, output->len, 1, hsm->json ? stderr : stdout);
  return CHIO_OK;
}

static enum chio_err run(struct hsm *hsm, const char *what, const char *const *words, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *output = chio_buf_new();
  struct command_line line;
  int status = 0;
  build(hsm, words, &line);
  if (hsm->option[HSM_OPT_DRY_RUN] != NULL) return show(hsm, &line);
  const struct hsm_program program = {.argv = line.argv, .seconds = HSM_COCO_INSTALL_SECONDS, .with_errors = true};
  if (output == NULL || chio_buf_cstr(output) == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = hsm_program_run(&program, output, &status, detail);
  bool cut = err == CHIO_E_TOO_LONG;
  enum chio_err told = tell(hsm, err == CHIO_OK && status == 0, output);
  if (cut) (void)fputs("(what helm wrote after this is not shown)\n", stderr);
  if (err != CHIO_OK && !cut) return err;
  if (status == 0) return told;
  return chio_fail(detail, CHIO_E_IO, "coco: helm %s failed: exit status %d", what, status);
}

enum chio_err hsm_run_coco_install(struct hsm *hsm, struct chio_detail *detail) {
  static const char *const words[] = {
      "install",       HSM_COCO_RELEASE, HSM_COCO_CHART, "--version",
      HSM_COCO_VERSION, "--set",          "kata-as-coco-runtime.k8sDistribution=k3s",
      "--namespace",   HSM_COCO_NAMESPACE, "--create-namespace", "--wait", "--timeout", "5m", NULL};
  return run(hsm, "install", words, detail);
}

enum chio_err hsm_run_coco_uninstall(struct hsm *hsm, struct chio_detail *detail) {
  static const char *const words[] = {"uninstall", HSM_COCO_RELEASE, "--namespace", HSM_COCO_NAMESPACE, NULL};
  return run(hsm, "uninstall", words, detail);
}

enum chio_err hsm_coco_runtime(const char *name, const char **out_class, struct chio_detail *detail) {
  static const char *const classes[] = {"kata-qemu-coco-dev", "kata-qemu-snp", "kata-qemu-tdx"};
  if (name == NULL || name[0] == '\0' || strcmp(name, "none") == 0) {
    *out_class = "";
    return CHIO_OK;
  }
  for (size_t i = 0; i < CHIO_ARRAY_LEN(classes); i++) {
    if (strcmp(name, classes[i]) != 0) continue;
    *out_class = classes[i];
    return CHIO_OK;
  }
  return chio_fail(detail, CHIO_E_ARGUMENT, "unknown runtime class '%s' (valid: %s, %s, %s, none)", name, classes[0],
                   classes[1], classes[2]);
}
