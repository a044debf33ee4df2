/* coco check: whether Confidential Containers is installed, as helm says, and which runtime classes the cluster has. */
#include "tools/hsm/coco.h"
#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/program.h"
#include "tools/hsm/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CLASSES_MAX 64
#define CLASS_PREFIX "kata-"

struct coco_status {
  bool deployed, kvm, classes_known;
  char release[64]; /* helm's word for the release's state; "" when there is none */
  char version[64]; /* of the chart; "" when helm does not say it */
  json_t *classes;
};

/* What does not run is what a cluster without it looks like: said on stderr, and no error. */
static bool ask(const struct hsm *hsm, const char *const *words, struct chio_buf *out) {
  const char *argv[16];
  const char *kubeconfig = hsm->option[HSM_OPT_KUBECONFIG];
  struct chio_detail detail = {{0}};
  size_t n = 0;
  int status = 0;
  for (; words[n] != NULL && n < CHIO_ARRAY_LEN(argv) - 3; n++) argv[n] = words[n];
  if (kubeconfig != NULL && kubeconfig[0] != '\0') {
    argv[n++] = "--kubeconfig";
    argv[n++] = kubeconfig;
  }
  argv[n] = NULL;
  const struct hsm_program program = {.argv = argv, .seconds = HSM_COCO_LOOK_SECONDS, .with_errors = false};
  enum chio_err err = hsm_program_run(&program, out, &status, &detail);
  if (err != CHIO_OK) (void)fprintf(stderr, "chio-hsm: coco check: %s\n", detail.text);
  return err == CHIO_OK && status == 0;
}

static const char *program_name(const struct hsm *hsm, enum hsm_option option, const char *otherwise) {
  return hsm->option[option] != NULL && hsm->option[option][0] != '\0' ? hsm->option[option] : otherwise;
}

static json_t *ask_json(const struct hsm *hsm, const char *const *words) {
  CHIO_AUTO(chio_buf) struct chio_buf *out = chio_buf_new();
  if (out == NULL || !ask(hsm, words, out)) return NULL;
  return json_loadb((const char *)out->data, out->len, JSON_REJECT_DUPLICATES, NULL);
}

static void keep(json_t *text, char *out, size_t size) {
  const char *value = json_string_value(text);
  if (value != NULL && strlen(value) < size) (void)snprintf(out, size, "%s", value);
}

/* helm's status names no chart, its list does: "confidential-containers-0.18.0". */
static void look_version(const struct hsm *hsm, struct coco_status *out) {
  const char *const words[] = {program_name(hsm, HSM_OPT_HELM, "helm"), "list", "--all", "--filter",
                               "^" HSM_COCO_RELEASE "$", "--namespace", HSM_COCO_NAMESPACE, "--output", "json", NULL};
  json_t *list = ask_json(hsm, words);
  const char *chart = json_string_value(json_object_get(json_array_get(list, 0), "chart"));
  size_t prefix = strlen(HSM_COCO_CHART_NAME "-");
  if (chart != NULL && strncmp(chart, HSM_COCO_CHART_NAME "-", prefix) == 0 &&
      strlen(chart + prefix) < sizeof out->version)
    (void)snprintf(out->version, sizeof out->version, "%s", chart + prefix);
  json_decref(list);
}

static void look_release(const struct hsm *hsm, struct coco_status *out) {
  const char *const words[] = {program_name(hsm, HSM_OPT_HELM, "helm"), "status", HSM_COCO_RELEASE, "--namespace",
                               HSM_COCO_NAMESPACE, "--output", "json", NULL};
  json_t *release = ask_json(hsm, words);
  keep(json_object_get(json_object_get(release, "info"), "status"), out->release, sizeof out->release);
  json_t *metadata = json_object_get(json_object_get(release, "chart"), "metadata");
  keep(json_object_get(metadata, "version"), out->version, sizeof out->version);
  json_decref(release);
  out->deployed = strcmp(out->release, "deployed") == 0;
  if (out->deployed && out->version[0] == '\0') look_version(hsm, out);
}

static void keep_classes(char *names, struct coco_status *out) {
  char *rest = NULL;
  for (char *name = strtok_r(names, " \t\r\n", &rest); name != NULL; name = strtok_r(NULL, " \t\r\n", &rest)) {
    bool kata = strncmp(name, CLASS_PREFIX, strlen(CLASS_PREFIX)) == 0;
    if (kata && json_array_size(out->classes) < CLASSES_MAX)
      (void)json_array_append_new(out->classes, json_string(name));
  }
}

static void look_classes(const struct hsm *hsm, struct coco_status *out) {
  const char *const words[] = {program_name(hsm, HSM_OPT_KUBECTL, "kubectl"), "get", "runtimeclasses", "-o",
                               "jsonpath={.items[*].metadata.name}", NULL};
  CHIO_AUTO(chio_buf) struct chio_buf *names = chio_buf_new();
  out->classes_known = names != NULL && ask(hsm, words, names);
  if (out->classes_known && chio_buf_cstr(names) != NULL) keep_classes((char *)names->data, out);
}

static enum chio_err print_json(const struct coco_status *status) {
  json_t *answer = json_pack("{s:b}", "installed", status->deployed);
  if (status->deployed) {
    if (status->version[0] != '\0') (void)json_object_set_new(answer, "version", json_string(status->version));
    (void)json_object_set_new(answer, "namespace", json_string(HSM_COCO_NAMESPACE));
  }
  if (json_array_size(status->classes) > 0) (void)json_object_set(answer, "runtime_classes", status->classes);
  (void)json_object_set_new(answer, "operator_ready", json_boolean(status->deployed));
  (void)json_object_set_new(answer, "kvm_available", json_boolean(status->kvm));
  return hsm_json_print(answer);
}

static enum chio_err print_text(const struct coco_status *status) {
  size_t i;
  json_t *name;
  if (status->deployed)
    (void)printf("installed        yes, chart %s, in namespace %s\n",
                 status->version[0] != '\0' ? status->version : "of a version that helm does not say",
                 HSM_COCO_NAMESPACE);
  else
    (void)printf("installed        no%s%s%s\n", status->release[0] != '\0' ? ": the release is '" : "", status->release,
                 status->release[0] != '\0' ? "'" : "");
  (void)fputs("runtime classes ", stdout);
  if (json_array_size(status->classes) == 0) (void)fputs(status->classes_known ? " none" : " not known", stdout);
  json_array_foreach(status->classes, i, name) (void)printf(" %s", json_string_value(name));
  (void)printf("\nkvm              %s\n", status->kvm ? "yes" : "no: /dev/kvm is not here");
  return CHIO_OK;
}

enum chio_err hsm_run_coco_check(struct hsm *hsm, struct chio_detail *detail) {
  struct coco_status status = {.classes = json_array()};
  struct stat kvm;
  (void)detail;
  if (status.classes == NULL) return CHIO_E_NO_MEMORY;
  status.kvm = stat("/dev/kvm", &kvm) == 0 && S_ISCHR(kvm.st_mode);
  look_release(hsm, &status);
  look_classes(hsm, &status);
  enum chio_err err = hsm->json ? print_json(&status) : print_text(&status);
  json_decref(status.classes);
  return err;
}
