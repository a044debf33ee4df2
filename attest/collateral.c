/* Collateral: found out by content, kept as served. Nothing is trusted here: signatures and times are judged with the
 * evidence. */
#include "attest/collateral.h"

#include "attest/der.h"
#include "attest/pem.h"
#include "attest/snp_vek.h"
#include "signer/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NESTED_MAX 3u /* JSON text inside JSON text */
#define PEM_BLOCKS_MAX (CHIO_CERT_SET_MAX + 1) /* of one more, the set says that it is full */

const struct chio_cert_set *chio_collateral_certs(const struct chio_attest_collateral *collateral) {
  return collateral != NULL ? &collateral->certs : NULL;
}

static uint64_t next_state(void) {
  static atomic_ullong last;
  return atomic_fetch_add(&last, 1) + 1;
}

uint64_t chio_collateral_state(const struct chio_attest_collateral *collateral) {
  return collateral->state;
}

int chio_attest_collateral_new(struct chio_attest_collateral **out_collateral) {
  if (out_collateral == NULL) return CHIO_ATTEST_E_ARGUMENT;
  struct chio_attest_collateral *collateral = calloc(1, sizeof *collateral);
  if (collateral != NULL) collateral->certs.takes_v1 = true;
  if (collateral == NULL) return CHIO_ATTEST_E_NO_MEMORY;
  collateral->state = next_state();
  *out_collateral = collateral;
  return CHIO_ATTEST_OK;
}

void chio_attest_collateral_free(struct chio_attest_collateral *collateral) {
  if (collateral == NULL) return;
  chio_cert_set_clear(&collateral->certs);
  for (size_t i = 0; i < collateral->crls_count; i++) chio_buf_clear(&collateral->crls[i].der);
  for (size_t i = 0; i < collateral->documents_count; i++) {
    chio_json_free(collateral->documents[i].json);
    chio_buf_clear(&collateral->documents[i].text);
  }
  free(collateral);
}

/* ---- One thing ---- */

static enum chio_err add_crl(struct chio_attest_collateral *c, struct chio_slice der) {
  struct chio_crl probe;
  enum chio_err err = chio_crl_parse(der, &probe);
  if (err != CHIO_OK) return err;
  if (c->crls_count == CHIO_COLLATERAL_CRLS_MAX) return CHIO_E_TOO_LONG;
  struct chio_crl_file *file = &c->crls[c->crls_count];
  chio_buf_append_slice(&file->der, der);
  err = chio_buf_err(&file->der);
  if (err == CHIO_OK) err = chio_crl_parse(chio_buf_slice(&file->der), &file->crl);
  if (err == CHIO_OK)
    c->crls_count++;
  else
    chio_buf_clear(&file->der);
  return err;
}

/* signature: 64 bytes in hexadecimal, or empty for a key set. */
static enum chio_err add_document(struct chio_attest_collateral *c, enum chio_document_kind kind,
                                  struct chio_slice body, struct chio_slice signature) {
  if (c->documents_count == CHIO_COLLATERAL_DOCUMENTS_MAX) return CHIO_E_TOO_LONG;
  struct chio_document *document = &c->documents[c->documents_count];
  memset(document, 0, sizeof *document);
  enum chio_err err = kind == CHIO_DOCUMENT_JWKS
                          ? CHIO_OK
                          : chio_hex_decode(signature, document->signature, sizeof document->signature);
  if (err != CHIO_OK) return err;
  document->kind = kind;
  chio_buf_append_slice(&document->text, body);
  err = chio_buf_err(&document->text);
  document->body = chio_buf_slice(&document->text);
  if (err == CHIO_OK) err = chio_json_parse(document->body, &document->json);
  if (err == CHIO_OK)
    c->documents_count++;
  else
    chio_buf_clear(&document->text);
  return err;
}

static enum chio_err add_der(struct chio_attest_collateral *c, struct chio_slice der) {
  enum chio_err err = add_crl(c, der);
  return err == CHIO_E_MALFORMED ? chio_cert_set_add(&c->certs, der) : err;
}

static enum chio_err add_pem(struct chio_attest_collateral *c, struct chio_slice text) {
  enum chio_err err = chio_cert_set_add_pem(&c->certs, text, PEM_BLOCKS_MAX);
  struct chio_cursor at = chio_cursor(text);
  struct chio_buf der = CHIO_BUF_INIT;
  for (size_t i = 0; i < PEM_BLOCKS_MAX && err == CHIO_OK; i++) {
    chio_buf_reset(&der);
    err = chio_pem_next(&at, "X509 CRL", &der);
    if (err == CHIO_OK) err = add_crl(c, chio_buf_slice(&der));
  }
  chio_buf_clear(&der);
  return err == CHIO_E_NOT_FOUND ? CHIO_OK : err;
}

/* ---- JSON ---- */

static enum chio_err add_json(struct chio_attest_collateral *c, struct chio_slice text, unsigned nested);

static bool ends_with(struct chio_slice s, const char *suffix) {
  size_t len = strlen(suffix);
  return s.len >= len && memcmp(s.data + s.len - len, suffix, len) == 0;
}

/* A member of a bundle, by what its text is. A body's signature is the member of its name and "_signature". */
static enum chio_err add_member(struct chio_attest_collateral *c, const struct chio_json_doc *doc,
                                const struct chio_json *member, unsigned nested) {
  struct chio_slice text;
  if (chio_json_string(member, &text) != CHIO_OK || text.len == 0) return CHIO_OK;
  if (chio_pem_has(text, "CERTIFICATE") || chio_pem_has(text, "X509 CRL")) return add_pem(c, text);
  if (chio_slice_equal(member->key, chio_slice_str("tcb_info")) ||
      chio_slice_equal(member->key, chio_slice_str("qe_identity"))) {
    bool info = member->key.data[0] == 't';
    const struct chio_json *signature =
        chio_json_get(doc, chio_json_root(doc), info ? "tcb_info_signature" : "qe_identity_signature");
    struct chio_slice hex;
    enum chio_err err = chio_json_string(signature, &hex);
    if (err != CHIO_OK) return add_json(c, text, nested + 1);
    return add_document(c, info ? CHIO_DOCUMENT_TCB_INFO : CHIO_DOCUMENT_QE_IDENTITY, text, hex);
  }
  if (text.data[0] == '{') return add_json(c, text, nested + 1);
  bool hex = ends_with(member->key, "_crl"), base64 = ends_with(member->key, "_base64");
  if (!hex && !base64) return CHIO_OK;
  struct chio_buf der = CHIO_BUF_INIT;
  uint8_t *to = hex ? chio_buf_reserve(&der, text.len / 2 + 1) : NULL;
  enum chio_err err = hex ? (to != NULL ? chio_hex_decode(text, to, text.len / 2) : CHIO_E_NO_MEMORY)
                          : chio_base64_decode(text, false, &der);
  if (hex) der.len = text.len / 2;
  if (err == CHIO_OK) err = add_der(c, chio_buf_slice(&der));
  chio_buf_clear(&der);
  return err;
}

/* As served: { "tcbInfo": ..., "signature": hex } and its like; or a bundle of texts. */
static enum chio_err add_json(struct chio_attest_collateral *c, struct chio_slice text, unsigned nested) {
  if (nested > NESTED_MAX) return CHIO_E_TOO_DEEP;
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  enum chio_err err = chio_json_parse(text, &doc);
  if (err != CHIO_OK) return CHIO_E_MALFORMED;
  const struct chio_json *root = chio_json_root(doc), *inner;
  struct chio_slice signature = {NULL, 0};
  if (root->type != CHIO_JSON_OBJECT) return CHIO_E_NOT_FOUND;
  (void)(chio_json_string(chio_json_get(doc, root, "signature"), &signature) == CHIO_OK);
  if ((inner = chio_json_get(doc, root, "tcbInfo")) != NULL) {
    return add_document(c, CHIO_DOCUMENT_TCB_INFO, inner->raw, signature);
  }
  if ((inner = chio_json_get(doc, root, "enclaveIdentity")) != NULL) {
    return add_document(c, CHIO_DOCUMENT_QE_IDENTITY, inner->raw, signature);
  }
  if (chio_json_get(doc, root, "keys") != NULL) return add_document(c, CHIO_DOCUMENT_JWKS, text, signature);
  for (const struct chio_json *m = chio_json_first(doc, root); m != NULL && err == CHIO_OK;
       m = chio_json_next(doc, m)) {
    err = add_member(c, doc, m, nested);
  }
  return err;
}

/* ---- Files ---- */

static bool is_hex(struct chio_slice bytes) {
  if (bytes.len < 16 || bytes.len % 2 != 0) return false;
  for (size_t i = 0; i < bytes.len; i++) {
    if (chio_hex_digit(bytes.data[i]) < 0) return false;
  }
  return true;
}

static enum chio_err add_hex(struct chio_attest_collateral *c, struct chio_slice text) {
  uint8_t *der = malloc(text.len / 2);
  if (der == NULL) return CHIO_E_NO_MEMORY;
  enum chio_err err = chio_hex_decode(text, der, text.len / 2);
  if (err == CHIO_OK) err = add_der(c, chio_slice(der, text.len / 2));
  free(der);
  return err;
}

static enum chio_err add_bytes(struct chio_attest_collateral *c, struct chio_slice bytes) {
  struct chio_slice text = bytes;
  while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL) text.data++, text.len--;
  while (text.len > 0 && memchr(" \t\r\n", text.data[text.len - 1], 5) != NULL) text.len--; /* and a NUL */
  if (text.len == 0) return CHIO_E_MALFORMED;
  if (text.data[0] == '{') return add_json(c, text, 0);
  if (chio_pem_has(bytes, "CERTIFICATE") || chio_pem_has(bytes, "X509 CRL")) return add_pem(c, bytes);
  if (chio_snp_table_looks_like(bytes)) return chio_snp_table_add(bytes, &c->certs);
  if (is_hex(text)) return add_hex(c, text);
  return bytes.data[0] == CHIO_DER_T_SEQUENCE ? add_der(c, bytes) : CHIO_E_MALFORMED;
}

static bool is_full(const struct chio_attest_collateral *c) {
  return c->certs.count == CHIO_CERT_SET_MAX || c->crls_count == CHIO_COLLATERAL_CRLS_MAX ||
         c->documents_count == CHIO_COLLATERAL_DOCUMENTS_MAX;
}

int chio_attest_collateral_add(struct chio_attest_collateral *collateral, const void *bytes, size_t len) {
  if (collateral == NULL || (bytes == NULL && len > 0)) return CHIO_ATTEST_E_ARGUMENT;
  collateral->state = next_state();
  enum chio_err err = add_bytes(collateral, chio_slice(bytes, len));
  if (err == CHIO_OK) return CHIO_ATTEST_OK;
  if (err == CHIO_E_TOO_LONG && is_full(collateral)) return CHIO_ATTEST_E_LIMIT;
  return err == CHIO_E_NO_MEMORY ? CHIO_ATTEST_E_NO_MEMORY : CHIO_ATTEST_E_MALFORMED;
}

static enum chio_err read_whole(FILE *file, struct chio_buf *out) {
  for (;;) {
    uint8_t *to = chio_buf_reserve(out, 65536);
    if (to == NULL) return CHIO_E_NO_MEMORY;
    size_t got = fread(to, 1, 65536, file);
    out->len += got;
    if (ferror(file)) return CHIO_E_IO;
    if (got == 0) return CHIO_OK;
    if (out->len > CHIO_COLLATERAL_FILE_MAX) return CHIO_E_TOO_LONG;
  }
}

static int fail_path(struct chio_attest_message *message, int code, const char *path, const char *why) {
  if (message != NULL) (void)snprintf(message->text, sizeof message->text, "%.400s: %s", path, why);
  return code;
}

/* strict: the file was named, and must be collateral; in a folder, others lie about. */
static int add_file(struct chio_attest_collateral *c, const char *path, bool strict,
                    struct chio_attest_message *message) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return fail_path(message, CHIO_ATTEST_E_IO, path, strerror(errno));
  struct chio_buf bytes = CHIO_BUF_INIT;
  enum chio_err err = read_whole(file, &bytes);
  (void)fclose(file);
  int code = CHIO_ATTEST_OK;
  if (err == CHIO_E_IO)
    code = fail_path(message, CHIO_ATTEST_E_IO, path, "cannot be read");
  else if (err == CHIO_E_NO_MEMORY)
    code = CHIO_ATTEST_E_NO_MEMORY;
  else if (err == CHIO_OK)
    code = chio_attest_collateral_add(c, bytes.data, bytes.len);
  else
    code = CHIO_ATTEST_E_MALFORMED;
  chio_buf_clear(&bytes);
  if (code == CHIO_ATTEST_E_LIMIT) {
    return fail_path(message, code, path, "is one too many: collateral has at most 1024 certificates, 64 revocation "
                                          "lists and 256 other documents");
  }
  if (code != CHIO_ATTEST_E_MALFORMED) return code;
  return strict ? fail_path(message, code, path, "is no collateral of a known form") : CHIO_ATTEST_OK;
}

static int add_folder(struct chio_attest_collateral *c, const char *path, struct chio_attest_message *message) {
  DIR *dir = opendir(path);
  if (dir == NULL) return fail_path(message, CHIO_ATTEST_E_IO, path, strerror(errno));
  int code = CHIO_ATTEST_OK;
  const struct dirent *entry;
  while (code == CHIO_ATTEST_OK && (entry = readdir(dir)) != NULL) {
    char name[PATH_MAX];
    struct stat info;
    int put = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (put < 0 || (size_t)put >= sizeof name || entry->d_name[0] == '.') continue;
    if (stat(name, &info) != 0 || !S_ISREG(info.st_mode)) continue;
    code = add_file(c, name, false, message);
  }
  (void)closedir(dir);
  return code;
}

int chio_attest_collateral_add_path(struct chio_attest_collateral *collateral, const char *path,
                                    struct chio_attest_message *message) {
  struct stat info;
  if (collateral == NULL || path == NULL) return CHIO_ATTEST_E_ARGUMENT;
  if (stat(path, &info) != 0) return fail_path(message, CHIO_ATTEST_E_IO, path, strerror(errno));
  return S_ISDIR(info.st_mode) ? add_folder(collateral, path, message) : add_file(collateral, path, true, message);
}
