#include "tests/support/soft_tpm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#define NO_SESSION ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE
#define NO_AUTH ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE
#define STEP 512u

static void run(const struct soft_tpm *tpm) {
  char state[300], server[600], control[600];
  int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  /* It ends with the test, however that ends, and holds no pipe on which somebody waits for the test's last line. */
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (nothing >= 0) (void)dup2(nothing, STDOUT_FILENO);
  if (nothing >= 0) (void)dup2(nothing, STDERR_FILENO);
  (void)snprintf(state, sizeof state, "dir=%s", tpm->dir.path);
  (void)snprintf(server, sizeof server, "type=unixio,path=%s/tpm", tpm->dir.path);
  (void)snprintf(control, sizeof control, "type=unixio,path=%s/tpm.ctrl", tpm->dir.path);
  (void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl", control,
               "--flags", "not-need-init,startup-clear", (char *)NULL);
  _exit(127);
}

bool soft_tpm_start(struct soft_tpm *tpm) {
  char path[512];
  int status;
  if (!temp_dir_make(&tpm->dir)) return false;
  (void)snprintf(tpm->tcti, sizeof tpm->tcti, "swtpm:path=%s/tpm", tpm->dir.path);
  (void)setenv("TSS2_LOG", "all+NONE", 0);
  tpm->pid = fork();
  if (tpm->pid == 0) run(tpm);
  for (int i = 0; i < 1000; i++) {
    struct stat st;
    if (stat(temp_dir_file(&tpm->dir, "tpm.ctrl", path), &st) == 0 &&
        stat(temp_dir_file(&tpm->dir, "tpm", path), &st) == 0)
      return true;
    if (waitpid(tpm->pid, &status, WNOHANG) == tpm->pid) break;
    (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  tpm->pid = -1;
  temp_dir_remove(&tpm->dir);
  return false;
}

void soft_tpm_stop(struct soft_tpm *tpm) {
  if (tpm->pid <= 0) return;
  (void)kill(tpm->pid, SIGTERM);
  (void)waitpid(tpm->pid, NULL, 0);
  tpm->pid = -1;
  temp_dir_remove(&tpm->dir);
}

/* ---- As a device ---- */

/* One command or response: its size stands in bytes 2 to 5. */
static bool pass_on(int from, int to) {
  uint8_t bytes[4096];
  size_t have = 0, size = 10;
  while (have < size) {
    ssize_t got = read(from, bytes + have, size - have);
    if (got <= 0) return false;
    have += (size_t)got;
    if (have == 10) size = (size_t)bytes[2] << 24 | (size_t)bytes[3] << 16 | (size_t)bytes[4] << 8 | bytes[5];
    if (size < 10 || size > sizeof bytes) return false;
  }
  return write(to, bytes, have) == (ssize_t)have;
}

static void bridge(const struct soft_tpm *tpm, int master) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int len = snprintf(address.sun_path, sizeof address.sun_path, "%.90s/tpm", tpm->dir.path);
  int tpm_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (len <= 0 || tpm_fd < 0 || connect(tpm_fd, (struct sockaddr *)&address, sizeof address) != 0) _exit(1);
  while (pass_on(master, tpm_fd) && pass_on(tpm_fd, master)) {
  }
  _exit(0);
}

bool soft_tpm_device_open(const struct soft_tpm *tpm, struct soft_tpm_device *out) {
  struct termios raw;
  char name[100];
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  bool ok = master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 &&
            ptsname_r(master, name, sizeof name) == 0;
  out->terminal = ok ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
  ok = out->terminal >= 0 && tcgetattr(out->terminal, &raw) == 0;
  if (ok) {
    cfmakeraw(&raw);
    ok = tcsetattr(out->terminal, TCSANOW, &raw) == 0;
  }
  out->pid = ok ? fork() : -1;
  if (out->pid == 0) bridge(tpm, master);
  if (master >= 0) (void)close(master);
  (void)snprintf(out->tcti, sizeof out->tcti, "device:%s", ok ? name : "");
  return out->pid > 0;
}

void soft_tpm_device_close(struct soft_tpm_device *device) {
  if (device->pid > 0) {
    (void)kill(device->pid, SIGKILL);
    (void)waitpid(device->pid, NULL, 0);
  }
  if (device->terminal >= 0) (void)close(device->terminal);
}

/* ---- Setting up ---- */

struct session {
  TSS2_TCTI_CONTEXT *tcti;
  ESYS_CONTEXT *esys;
};

static bool open_session(const struct soft_tpm *tpm, struct session *s) {
  *s = (struct session){NULL, NULL};
  return Tss2_TctiLdr_Initialize(tpm->tcti, &s->tcti) == TSS2_RC_SUCCESS &&
         Esys_Initialize(&s->esys, s->tcti, NULL) == TSS2_RC_SUCCESS;
}

static void close_session(struct session *s) {
  Esys_Finalize(&s->esys);
  Tss2_TctiLdr_Finalize(&s->tcti);
}

bool soft_tpm_make_key(const struct soft_tpm *tpm, uint32_t handle, struct chio_buf *out_modulus) {
  const TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
  const TPM2B_PUBLIC template = {
      .publicArea = {.type = TPM2_ALG_RSA,
                     .nameAlg = TPM2_ALG_SHA256,
                     .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                         TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                         TPMA_OBJECT_USERWITHAUTH,
                     .parameters.rsaDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                              .scheme = {.scheme = TPM2_ALG_RSASSA,
                                                         .details.rsassa.hashAlg = TPM2_ALG_SHA256},
                                              .keyBits = 2048}}};
  const TPM2B_DATA outside = {.size = 0};
  const TPML_PCR_SELECTION pcrs = {.count = 0};
  TPM2B_PUBLIC *public = NULL;
  TPM2B_CREATION_DATA *creation = NULL;
  TPM2B_DIGEST *hash = NULL;
  TPMT_TK_CREATION *ticket = NULL;
  ESYS_TR key = ESYS_TR_NONE, kept = ESYS_TR_NONE;
  struct session s;
  bool ok = open_session(tpm, &s) &&
            Esys_CreatePrimary(s.esys, ESYS_TR_RH_OWNER, NO_AUTH, &sensitive, &template, &outside, &pcrs, &key, &public,
                               &creation, &hash, &ticket) == TSS2_RC_SUCCESS &&
            Esys_EvictControl(s.esys, ESYS_TR_RH_OWNER, key, NO_AUTH, handle, &kept) == TSS2_RC_SUCCESS;
  if (ok) chio_buf_append(out_modulus, public->publicArea.unique.rsa.buffer, public->publicArea.unique.rsa.size);
  Esys_Free(public);
  Esys_Free(creation);
  Esys_Free(hash);
  Esys_Free(ticket);
  close_session(&s);
  return ok;
}

static bool write_nv(ESYS_CONTEXT *esys, ESYS_TR nv, struct chio_slice bytes) {
  for (size_t at = 0; at < bytes.len; at += STEP) {
    TPM2B_MAX_NV_BUFFER part = {.size = (uint16_t)(bytes.len - at < STEP ? bytes.len - at : STEP)};
    memcpy(part.buffer, bytes.data + at, part.size);
    if (Esys_NV_Write(esys, ESYS_TR_RH_OWNER, nv, NO_AUTH, &part, (uint16_t)at) != TSS2_RC_SUCCESS) return false;
  }
  return true;
}

bool soft_tpm_put(const struct soft_tpm *tpm, uint32_t index, struct chio_slice bytes) {
  const TPM2B_AUTH auth = {.size = 0};
  const TPM2B_NV_PUBLIC info = {.nvPublic = {.nvIndex = index,
                                             .nameAlg = TPM2_ALG_SHA256,
                                             .attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE,
                                             .dataSize = (uint16_t)bytes.len}};
  ESYS_TR nv = ESYS_TR_NONE;
  struct session s;
  bool ok = open_session(tpm, &s);
  if (ok && Esys_TR_FromTPMPublic(s.esys, index, NO_SESSION, &nv) == TSS2_RC_SUCCESS)
    ok = Esys_NV_UndefineSpace(s.esys, ESYS_TR_RH_OWNER, nv, NO_AUTH) == TSS2_RC_SUCCESS;
  if (ok && bytes.len > 0)
    ok = Esys_NV_DefineSpace(s.esys, ESYS_TR_RH_OWNER, NO_AUTH, &auth, &info, &nv) == TSS2_RC_SUCCESS &&
         write_nv(s.esys, nv, bytes);
  close_session(&s);
  return ok;
}

bool soft_tpm_extend(const struct soft_tpm *tpm, unsigned pcr, uint8_t with) {
  TPML_DIGEST_VALUES digests = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};
  struct session s;
  memset(digests.digests[0].digest.sha256, with, 32);
  bool ok = open_session(tpm, &s) &&
            Esys_PCR_Extend(s.esys, ESYS_TR_PCR0 + pcr, NO_AUTH, &digests) == TSS2_RC_SUCCESS;
  close_session(&s);
  return ok;
}
