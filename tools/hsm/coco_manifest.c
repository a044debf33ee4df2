/* coco manifest: a pod with chiod under a runtime class of Confidential Containers, to be read and applied. */
#include "tools/hsm/coco.h"
#include "tools/hsm/hsm.h"
#include "tools/hsm/json.h"
#include "tools/hsm/text.h"

#include <string.h>

#define DEFAULT_IMAGE "localhost/chio-hsm"
#define IMAGE_LEN_MAX 512u

static const struct {
  const char *runtime_class, *platform;
  bool configfs; /* quotes come through configfs-tsm, whose entries root makes */
} platforms[] = {
    {"", "sim-tdx", false},
    {"kata-qemu-coco-dev", "sim-tdx", false},
    {"kata-qemu-snp", "snp", true},
    {"kata-qemu-tdx", "tdx", true},
};

static const char head[] =
    "# chiod in a pod of Confidential Containers. Made by: chio-hsm coco manifest\n"
    "# Applications stand in the same pod, run as the same user, and mount \"run\":\n"
    "# CHIO_SIGNER=unix:/run/chio/signer/chiod.sock\n"
    "# Keys live as long as the pod: \"state\" is the guest's memory. To keep them, make it a volume of your own and\n"
    "# seal the store by hardware or a KMS (seal in hsm.toml(5)).\n"
    "apiVersion: v1\n"
    "kind: Pod\n"
    "metadata:\n"
    "  name: chiod\n"
    "  labels:\n"
    "    app.kubernetes.io/name: chio-hsm\n"
    "spec:\n";

static const char security[] =
    "  automountServiceAccountToken: false\n"
    "  enableServiceLinks: false\n"
    "  securityContext:\n"
    "    runAsNonRoot: true\n"
    "    runAsUser: 65532\n"
    "    runAsGroup: 65532\n"
    "    seccompProfile:\n"
    "      type: RuntimeDefault\n";

/* The image has a shell for that one line; what it makes stays for the guest's life. */
static const char entry[] =
    "  initContainers:\n"
    "    # The entry of configfs-tsm, which only root can make, for the user of chiod (chiod(8), --platform).\n"
    "    - name: tsm-entry\n"
    "      image: %s\n"
    "      command: [\"/bin/sh\", \"-c\"]\n"
    "      args:\n"
    "        - e=/sys/kernel/config/tsm/report/chiod; mkdir -p \"$e\" && chown -R 65532:65532 \"$e\"\n"
    "      securityContext:\n"
    "        runAsNonRoot: false\n"
    "        runAsUser: 0\n"
    "        allowPrivilegeEscalation: false\n"
    "        readOnlyRootFilesystem: true\n"
    "        capabilities:\n"
    "          drop: [\"ALL\"]\n"
    "          add: [\"CHOWN\"]\n"
    "      volumeMounts:\n"
    "        - name: configfs\n"
    "          mountPath: /sys/kernel/config\n";

static const char container[] =
    "  containers:\n"
    "    - name: chiod\n"
    "      image: %s\n"
    "      command: [\"chiod\"]\n"
    "      args:\n"
    "        - --foreground\n"
    "        - --platform=%s\n"
    "        - --state=/var/lib/chio/state\n"
    "        - --socket=/run/chio/signer/chiod.sock\n"
    "      securityContext:\n"
    "        allowPrivilegeEscalation: false\n"
    "        readOnlyRootFilesystem: true\n"
    "        capabilities:\n"
    "          drop: [\"ALL\"]\n"
    "      readinessProbe:\n"
    "        exec:\n"
    "          command: [\"chio-hsm\", \"status\", \"--signer\", \"unix:/run/chio/signer/chiod.sock\"]\n"
    "        periodSeconds: 10\n"
    "        timeoutSeconds: 5\n"
    "      resources:\n"
    "        requests: {cpu: 100m, memory: 64Mi}\n"
    "        limits: {memory: 256Mi}\n"
    "      volumeMounts:\n"
    "        - name: state\n"
    "          mountPath: /var/lib/chio\n"
    "        - name: run\n"
    "          mountPath: /run/chio\n";

static const char configfs_mount[] =
    "        - name: configfs\n"
    "          mountPath: /sys/kernel/config\n";

static const char volumes[] =
    "  volumes:\n"
    "    - name: state\n"
    "      emptyDir: {medium: Memory, sizeLimit: 64Mi}\n"
    "    - name: run\n"
    "      emptyDir: {medium: Memory, sizeLimit: 1Mi}\n";

/* Kata mounts the guest's own directory where a path under /sys is asked for, never the host's. */
static const char configfs_volume[] =
    "    # Under Kata a path below /sys is the guest's own, not the host's.\n"
    "    - name: configfs\n"
    "      hostPath: {path: /sys/kernel/config}\n";

static void put(size_t which, const char *image, struct chio_buf *out) {
  bool configfs = platforms[which].configfs;
  chio_buf_append_str(out, head);
  if (platforms[which].runtime_class[0] != '\0')
    chio_buf_printf(out, "  runtimeClassName: %s\n", platforms[which].runtime_class);
  chio_buf_append_str(out, security);
  if (configfs) chio_buf_printf(out, entry, image);
  chio_buf_printf(out, container, image, platforms[which].platform);
  if (configfs) chio_buf_append_str(out, configfs_mount);
  chio_buf_append_str(out, volumes);
  if (configfs) chio_buf_append_str(out, configfs_volume);
}

/* It goes into YAML unquoted: only what an image's name is made of. */
static enum chio_err check_image(const char *image, struct chio_detail *detail) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
  size_t len = strlen(image);
  bool starts = len > 0 && strspn(image, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") > 0;
  if (starts && len <= IMAGE_LEN_MAX && strspn(image, letters) == len && image[len - 1] != ':') return CHIO_OK;
  return chio_fail(detail, CHIO_E_ARGUMENT, "--image: no name of an image (host/name:tag, host/name@sha256:...)");
}

enum chio_err hsm_run_coco_manifest(struct hsm *hsm, struct chio_detail *detail) {
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  const char *image = hsm->option[HSM_OPT_IMAGE] != NULL ? hsm->option[HSM_OPT_IMAGE] : DEFAULT_IMAGE;
  const char *runtime_class;
  size_t which = 0;
  enum chio_err err = hsm_coco_runtime(hsm->option[HSM_OPT_RUNTIME_CLASS], &runtime_class, detail);
  if (err == CHIO_OK) err = check_image(image, detail);
  if (err != CHIO_OK) return err;
  while (strcmp(platforms[which].runtime_class, runtime_class) != 0) which++;
  if (text == NULL) return CHIO_E_NO_MEMORY;
  put(which, image, text);
  const char *yaml = chio_buf_cstr(text);
  if (yaml == NULL) return CHIO_E_NO_MEMORY;
  if (hsm->json) return hsm_json_print(json_pack("{s:s}", "manifest", yaml));
  return hsm_write(hsm->option[HSM_OPT_OUTPUT], chio_buf_slice(text), detail);
}
