/* What is in a file, as a measurement document. */
#include "attest/eif.h"
#include "attest/event_log.h"
#include "attest/moment.h"
#include "attest/sigstruct.h"
#include "tools/hsm/evidence.h"
#include "tools/hsm/measure.h"
#include "tools/hsm/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Documents ---- */

static json_t *new_document(const char *source, const char *tee) {
  return json_pack("{s:s, s:s?, s:{}}", "source", source, "tee", tee, "registers");
}

static enum chio_err put(json_t *document, const char *name, const uint8_t *bytes, size_t len) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  if (hex == NULL) return CHIO_E_NO_MEMORY;
  hsm_hex_put(chio_slice(bytes, len), hex);
  const char *text = chio_buf_cstr(hex);
  json_t *value = text != NULL ? json_string(text) : NULL;
  return json_object_set_new(json_object_get(document, "registers"), name, value) == 0 ? CHIO_OK : CHIO_E_NO_MEMORY;
}

static enum chio_err finish(enum chio_err err, json_t *document, json_t **out) {
  if (err == CHIO_OK)
    *out = document;
  else
    json_decref(document);
  return err;
}

/* ---- Enclave images ---- */

static json_t *signature_json(const struct chio_eif_signer *signer) {
  char from[CHIO_MOMENT_TEXT], until[CHIO_MOMENT_TEXT];
  chio_moment_text(signer->not_before, from);
  chio_moment_text(signer->not_after, until);
  json_t *name = json_string(signer->name); /* NULL: no UTF-8 */
  return json_pack("{s:b, s:s, s:o?, s:s, s:s}", "verified", 1, "algorithm", signer->algorithm, "signer", name,
                   "not_before", from, "not_after", until);
}

static enum chio_err read_eif(const char *path, struct chio_slice bytes, json_t **out, struct chio_detail *detail) {
  struct chio_detail why = {{0}};
  struct chio_eif eif;
  enum chio_err err = chio_eif_read(bytes, &eif, &why);
  if (err != CHIO_OK)
    return chio_fail(detail, err, "%s: %s", path, why.text[0] != '\0' ? why.text : chio_err_text(err));
  json_t *document = new_document("eif", "nitro");
  err = document != NULL ? put(document, "pcr0", eif.pcr0, sizeof eif.pcr0) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = put(document, "pcr1", eif.pcr1, sizeof eif.pcr1);
  if (err == CHIO_OK) err = put(document, "pcr2", eif.pcr2, sizeof eif.pcr2);
  if (err == CHIO_OK && eif.is_signed) err = put(document, "pcr8", eif.pcr8, sizeof eif.pcr8);
  (void)json_object_set_new(document, "format_version", json_integer(eif.version));
  (void)json_object_set_new(document, "architecture", json_string(eif.arm64 ? "arm64" : "x86_64"));
  (void)json_object_set_new(document, "signed", json_boolean(eif.is_signed));
  if (err == CHIO_OK && eif.is_signed && json_object_set_new(document, "signature", signature_json(&eif.signer)) != 0)
    err = CHIO_E_NO_MEMORY;
  return finish(err, document, out);
}

/* ---- Enclaves' signatures ---- */

static enum chio_err read_sgx(const char *path, struct chio_slice bytes, json_t **out, struct chio_detail *detail) {
  struct chio_sigstruct s;
  enum chio_err err = chio_sigstruct_read(bytes, &s);
  if (err != CHIO_OK)
    return chio_fail(detail, err, "%s: no SIGSTRUCT that a CPU would take: %s", path, chio_err_text(err));
  json_t *document = new_document("sigstruct", "sgx");
  err = document != NULL ? put(document, "mrenclave", s.mrenclave, sizeof s.mrenclave) : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK) err = put(document, "mrsigner", s.mrsigner, sizeof s.mrsigner);
  if (err == CHIO_OK) err = put(document, "isv_family_id", s.isv_family_id, sizeof s.isv_family_id);
  if (err == CHIO_OK) err = put(document, "isv_ext_prod_id", s.isv_ext_prod_id, sizeof s.isv_ext_prod_id);
  (void)json_object_set_new(document, "isvprodid", json_integer(s.isv_prod_id));
  (void)json_object_set_new(document, "isvsvn", json_integer(s.isv_svn));
  (void)json_object_set_new(document, "debug", json_boolean(s.debug));
  return finish(err, document, out);
}

/* ---- Event logs ---- */

static json_t *event_json(const struct chio_event_log *log, const struct chio_event *e) {
  CHIO_AUTO(chio_buf) struct chio_buf *hex = chio_buf_new();
  CHIO_AUTO(chio_buf) struct chio_buf *text = chio_buf_new();
  char name[16], type[12];
  if (hex == NULL || text == NULL) return NULL;
  hsm_hex_put(e->digest, hex);
  chio_event_describe(e, text);
  const char *digest = chio_buf_cstr(hex), *description = chio_buf_cstr(text);
  (void)snprintf(name, sizeof name, "%s%u", log->cc ? "rtmr" : "pcr", e->index);
  (void)snprintf(type, sizeof type, "0x%08x", e->type);
  return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b}", "number", (int)e->number, "register", name, "type",
                   chio_event_type_name(e->type), "type_id", type, "digest", digest != NULL ? digest : "",
                   "description", description != NULL ? description : "", "confirmed", chio_event_confirmed(log, e));
}

static enum chio_err put_events(json_t *document, struct chio_slice bytes) {
  struct chio_event_log log;
  struct chio_event e;
  bool more = false;
  json_t *events = json_array();
  enum chio_err err = chio_event_log_open(bytes, &log);
  if (err != CHIO_OK || json_object_set_new(document, "events", events) != 0) return CHIO_E_NO_MEMORY;
  (void)json_object_set_new(document, "bank", json_string(log.hash == CHIO_HASH_SHA256 ? "sha256" : "sha384"));
  while ((err = chio_event_log_next(&log, &e, &more)) == CHIO_OK && more)
    if (json_array_append_new(events, event_json(&log, &e)) != 0) return CHIO_E_NO_MEMORY;
  return err;
}

static enum chio_err read_log(const char *path, struct chio_slice bytes, json_t **out, struct chio_detail *detail) {
  struct chio_event_registers registers;
  struct chio_event_log log;
  enum chio_err err = chio_event_log_open(bytes, &log);
  if (err == CHIO_OK) err = chio_event_log_replay(bytes, &registers);
  if (err != CHIO_OK) return chio_fail(detail, err, "%s: no event log: %s", path, chio_err_text(err));
  json_t *document = new_document("event-log", log.cc ? "tdx" : NULL);
  err = document != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  for (unsigned i = 0; i < CHIO_EVENT_REGISTERS && err == CHIO_OK; i++) {
    char name[16];
    if ((registers.present & 1u << i) == 0) continue;
    (void)snprintf(name, sizeof name, "%s%u", log.cc ? "rtmr" : "pcr", i);
    err = put(document, name, registers.value[i], registers.size);
  }
  if (err == CHIO_OK) err = put_events(document, bytes);
  return finish(err, document, out);
}

/* ---- Evidence ---- */

/* Claims that are measurements, and what the document calls them. Those of registers with numbers come besides. */
static const char *const names[][2] = {
    {"mrtd", "mrtd"},           {"mrconfigid", "mrconfigid"},       {"mrowner", "mrowner"},
    {"mrownerconfig", "mrownerconfig"}, {"mrseam", "mrseam"},       {"mrsignerseam", "mrsignerseam"},
    {"mrenclave", "mrenclave"}, {"mrsigner", "mrsigner"},           {"configid", "configid"},
    {"measurement", "launch_digest"}, {"host_data", "host_data"},   {"id_key_digest", "id_key_digest"},
    {"author_key_digest", "author_key_digest"}, {"family_id", "family_id"}, {"image_id", "image_id"},
};

static void copy_claim(const json_t *claims, const char *claim, const char *name, json_t *registers) {
  json_t *value = json_object_get(claims, claim);
  if (json_is_string(value)) (void)json_object_set(registers, name, value);
}

static void copy_claims(const json_t *claims, json_t *registers) {
  char name[16];
  for (size_t i = 0; i < CHIO_ARRAY_LEN(names); i++) copy_claim(claims, names[i][0], names[i][1], registers);
  for (unsigned i = 0; i < 32; i++) {
    (void)snprintf(name, sizeof name, "pcr%u", i);
    copy_claim(claims, name, name, registers);
    (void)snprintf(name, sizeof name, "rtmr%u", i);
    copy_claim(claims, name, name, registers);
  }
}

static enum chio_err read_evidence(const char *path, struct chio_slice bytes, json_t **out,
                                   struct chio_detail *detail) {
  struct chio_attest_result *r = NULL;
  struct chio_attest_message message = {""};
  const struct chio_attest_request request = {.evidence = bytes.data, .evidence_len = bytes.len};
  if (bytes.len > CHIO_ATTEST_EVIDENCE_MAX)
    return chio_fail(detail, CHIO_E_TOO_LONG, "%s is larger than evidence may be", path);
  if (chio_attest_verify(&request, &r, &message) != CHIO_ATTEST_OK)
    return chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s: %s", path, message.text);
  json_t *document = new_document("evidence", r->tee), *claims = json_loads(r->claims_json, 0, NULL);
  json_t *registers = json_object_get(document, "registers");
  enum chio_err err = document != NULL ? CHIO_OK : CHIO_E_NO_MEMORY;
  if (err == CHIO_OK && r->tee != NULL) copy_claims(claims, registers);
  (void)json_object_set_new(document, "format", json_string(r->format != NULL ? r->format : "unknown"));
  (void)json_object_set_new(document, "judged", json_false());
  if (err == CHIO_OK && json_object_size(registers) == 0)
    err = chio_fail(detail, CHIO_E_EVIDENCE_FORMAT, "%s: %s", path,
                    r->failures_count > 0 ? r->failures[0].text : "there is no measurement in it");
  json_decref(claims);
  chio_attest_result_free(r);
  return finish(err, document, out);
}

/* ---- What a file is ---- */

/* A document of our own. */
static bool is_document(const json_t *value) {
  const char *name;
  json_t *text;
  json_t *registers = json_object_get(value, "registers");
  if (!json_is_object(registers) || json_object_size(registers) == 0) return false;
  json_object_foreach(registers, name, text) {
    if (!json_is_string(text)) return false;
  }
  return true;
}

static json_t *read_document(struct chio_slice bytes) {
  if (bytes.len > CHIO_EVENT_LOG_MAX) return NULL;
  json_t *value = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
  if (is_document(value)) {
    (void)json_object_del(value, "signature"); /* that was verified when it was written, not now */
    return value;
  }
  json_decref(value);
  return NULL;
}

static enum chio_err read_bytes(const char *path, enum hsm_measure_kind kind, struct chio_slice bytes, json_t **out,
                                struct chio_detail *detail) {
  if (kind == HSM_MEASURE_EVIDENCE) return read_evidence(path, bytes, out, detail);
  if (kind == HSM_MEASURE_EIF || (kind == HSM_MEASURE_ANY && chio_eif_is(bytes)))
    return read_eif(path, bytes, out, detail);
  if (kind == HSM_MEASURE_SGX || (kind == HSM_MEASURE_ANY && chio_sigstruct_is(bytes)))
    return read_sgx(path, bytes, out, detail);
  if (kind == HSM_MEASURE_LOG || (kind == HSM_MEASURE_ANY && chio_event_log_is(bytes)))
    return read_log(path, bytes, out, detail);
  *out = read_document(bytes);
  return *out != NULL ? CHIO_OK : read_evidence(path, bytes, out, detail);
}

/* Images are large: they are mapped. A file that is cut while it is read ends this process, not more. */
static enum chio_err read_mapped(const char *path, enum hsm_measure_kind kind, int fd, json_t **out,
                                 struct chio_detail *detail) {
  struct stat st;
  if (fstat(fd, &st) != 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode) || st.st_size == 0) return chio_fail(detail, CHIO_E_ARGUMENT, "%s: no file, or empty", path);
  if ((uint64_t)st.st_size > HSM_MEASURE_IMAGE_MAX) return chio_fail(detail, CHIO_E_TOO_LONG, "%s is too large", path);
  size_t len = (size_t)st.st_size;
  void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  enum chio_err err = read_bytes(path, kind, chio_slice(bytes, len), out, detail);
  (void)munmap(bytes, len);
  return err;
}

enum chio_err hsm_measure_read(const char *path, enum hsm_measure_kind kind, json_t **out_document,
                               struct chio_detail *detail) {
  if (strcmp(path, "-") == 0) {
    struct chio_buf bytes = CHIO_BUF_INIT;
    enum chio_err err = hsm_read_some(path, CHIO_EVENT_LOG_MAX, &bytes, detail);
    if (err == CHIO_OK) err = read_bytes(path, kind, chio_buf_slice(&bytes), out_document, detail);
    chio_buf_clear(&bytes);
    return err;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return chio_fail(detail, CHIO_E_IO, "%s: %s", path, strerror(errno));
  enum chio_err err = read_mapped(path, kind, fd, out_document, detail);
  (void)close(fd);
  return err;
}
