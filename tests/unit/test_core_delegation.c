/* An issuer vouches for a key that was born here: what is checked before, what comes of it, how it is renewed. */
#include "attest/chio_attest.h"
#include "attest/jcs.h"
#include "attest/x509.h"
#include "signer/base/log.h"
#include "signer/base/text.h"
#include "signer/core/object.h"
#include "signer/core/renewal.h"
#include "tests/unit/issuer_rig.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#define DAY 86400u

struct bench {
  struct rig rig;
  struct chio_uid key_public, key;
  struct chio_uid issuer;      /* in slot 0 */
  struct chio_uid kms_issuer;  /* in the backend's slot */
  struct chio_buf policy;
};

/* A policy that the key's evidence passes, and nothing else. */
static void write_policy(struct bench *b, const char *origin) {
  struct chio_attest_result *result = NULL;
  struct chio_slice evidence;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_EVIDENCE, &evidence));
  struct chio_attest_request request = {
      .evidence = evidence.data, .evidence_len = evidence.len, .at = (int64_t)time(NULL)};
  assert_int_equal(chio_attest_verify(&request, &result, NULL), CHIO_ATTEST_OK);
  chio_buf_reset(&b->policy);
  chio_buf_printf(&b->policy, "version = 1\ntee = [\"%s\"]\nmeasurements = [\"", b->rig.config.platform);
  chio_hex_append(&b->policy, chio_slice(result->measurement, result->measurement_len));
  chio_buf_append_str(&b->policy, "\"]\n[roots]\nspki_sha256 = [\"");
  chio_hex_append(&b->policy, chio_slice(result->root_spki_sha256, 32));
  chio_buf_printf(&b->policy, "\"]\n[key]\norigins = [\"%s\"]\n", origin);
  chio_attest_result_free(result);
}

static int set_up_on(const char *platform, void **state) {
  struct bench *b = calloc(1, sizeof *b);
  issuer_prepare(&b->rig);
  b->rig.config.platform = platform;
  rig_start(&b->rig);
  rig_token(&b->rig);
  rig_p256(&b->rig, "enclave", &b->key_public, &b->key);
  rig_p256(&b->rig, "issuer", NULL, &b->issuer);
  issuer_find(&b->rig, &b->kms_issuer);
  write_policy(b, "born");
  *state = b;
  return 0;
}

static int set_up(void **state) {
  return set_up_on("sim-tdx", state);
}

static int set_up_snp(void **state) {
  return set_up_on("sim-snp", state);
}

static int tear_down(void **state) {
  struct bench *b = *state;
  chio_buf_clear(&b->policy);
  rig_close(&b->rig);
  free(b);
  fake_backend_clear(&fake);
  return 0;
}

static struct chio_delegate_request request_of(struct bench *b, bool kms) {
  return (struct chio_delegate_request){.issuer_slot = kms ? SLOT : 0,
                                        .issuer_ticket = kms ? chio_slice(NULL, 0) : rig_ticket(&b->rig.user),
                                        .issuer = kms ? b->kms_issuer : b->issuer,
                                        .ticket = rig_ticket(&b->rig.user),
                                        .key = b->key,
                                        .seconds = 30 * DAY,
                                        .policy = chio_buf_slice(&b->policy)};
}

static enum chio_err delegate(struct bench *b, const struct chio_delegate_request *q, struct chio_delegate_reply *r) {
  enum chio_err err = rig_call(&b->rig, b->rig.conn, CHIO_MSG_DELEGATE, q, r);
  if (err != CHIO_OK && b->rig.detail.text[0] == '\0') print_error("no word of why\n");
  return err;
}

static void split_chain(struct chio_slice chain, struct chio_cert *out_leaf, struct chio_cert *out_ca) {
  size_t len = 4 + ((size_t)chain.data[2] << 8 | chain.data[3]);
  assert_int_equal(chain.data[1], 0x82);
  assert_int_equal(chio_cert_parse(chio_slice(chain.data, len), out_leaf), CHIO_OK);
  assert_int_equal(chio_cert_parse(chio_slice(chain.data + len, chain.len - len), out_ca), CHIO_OK);
}

static size_t count_class(struct bench *b, uint64_t class) {
  struct chio_buf by = CHIO_BUF_INIT;
  chio_attrs_begin(&by);
  chio_attrs_add_ulong(&by, CKA_CLASS, class);
  size_t count = rig_count(&b->rig, b->rig.conn, &b->rig.user, &by);
  chio_buf_clear(&by);
  return count;
}

/* ---- What comes of it ---- */

static void the_issuer_signs_a_short_certificate_that_carries_the_evidence(void **state) {
  struct bench *b = *state;
  struct chio_delegate_reply r;
  struct chio_cert leaf, ca;
  struct chio_slice evidence, spki;
  uint8_t kept_spki[128];
  static const uint8_t oid[] = {0x69, 0x81, 0xa4};
  assert_true(rig_get(&b->rig, &b->key, CKA_PUBLIC_KEY_INFO, &spki));
  size_t spki_len = spki.len;
  memcpy(kept_spki, spki.data, spki_len);
  for (int kms = 0; kms < 2; kms++) {
    struct chio_delegate_request q = request_of(b, kms != 0);
    assert_int_equal(delegate(b, &q, &r), CHIO_OK);
    int64_t now = (int64_t)time(NULL);
    split_chain(r.chain, &leaf, &ca);
    assert_true(chio_slice_equal(leaf.key.spki, chio_slice(kept_spki, spki_len)));
    assert_true(leaf.not_before <= now - 200 && leaf.not_after > now + 29 * (int64_t)DAY);
    assert_int_equal(leaf.not_after, r.not_after);
    assert_true(leaf.has_constraints && !leaf.is_ca && leaf.key_usage == CHIO_KEY_USAGE_DIGITAL_SIGNATURE);
    assert_true(ca.is_ca && ca.has_path_len && ca.path_len == 0);
    assert_true(chio_cert_may_issue(&ca, &leaf));
    assert_int_equal(chio_pubkey_verify(&ca.key, leaf.signature_alg, leaf.tbs, leaf.signature), CHIO_OK);
    assert_int_equal(chio_pubkey_verify(&ca.key, ca.signature_alg, ca.tbs, ca.signature), CHIO_OK);
    assert_non_null(memmem(leaf.extensions.data, leaf.extensions.len, "dsseEnvelope", 12));
    assert_int_equal(chio_cert_extension(&leaf, chio_slice(oid, sizeof oid), &evidence), CHIO_E_NOT_FOUND);
  }
}

static void the_chain_stands_with_the_key_and_beside_it(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  struct chio_slice value;
  size_t certificates = count_class(b, CKO_CERTIFICATE), data = count_class(b, CKO_DATA);
  assert_false(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &value));
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  size_t len = r.chain.len;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &value) && value.len == len);
  assert_true(rig_get(&b->rig, &b->key_public, CKA_CHIO_DELEGATION, &value) && value.len == len);
  assert_int_equal(count_class(b, CKO_CERTIFICATE), certificates + 1);
  assert_int_equal(count_class(b, CKO_DATA), data + 1);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  assert_int_equal(count_class(b, CKO_CERTIFICATE), certificates + 1);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), NULL), CHIO_OK);
  rig_restart(&b->rig);
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &value));
  assert_false(rig_get(&b->rig, &b->key, CHIO_ATTR_ORDER, &value));
}

static void an_issuer_that_has_a_certificate_uses_it(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, false);
  struct chio_delegate_reply r;
  struct chio_cert leaf, first, second;
  uint8_t serial[32];
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  split_chain(r.chain, &leaf, &first);
  size_t len = first.serial.len;
  memcpy(serial, first.serial.data, len);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  split_chain(r.chain, &leaf, &second);
  assert_true(chio_slice_equal(second.serial, chio_slice(serial, len)));
}

static void chios_link_is_signed_by_the_delegator(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  struct chio_buf message = CHIO_BUF_INIT;
  uint8_t signature[64];
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  json_t *link = json_loadb((const char *)r.link.data, r.link.len, 0, NULL);
  assert_non_null(link);
  assert_int_equal(strncmp(json_string_value(json_object_get(link, "delegatee")), "p256:04", 7), 0);
  assert_int_equal(strlen(json_string_value(json_object_get(link, "delegator"))), 64);
  const char *text = json_string_value(json_object_get(link, "signature"));
  assert_int_equal(chio_hex_decode(chio_slice_str(text), signature, sizeof signature), CHIO_OK);
  assert_int_equal(json_object_del(link, "signature"), 0);
  assert_int_equal(chio_jcs(link, &message), CHIO_OK);
  struct chio_key *issuer = fake_backend_find(&fake, "fake://issuer")->key;
  assert_int_equal(chio_key_verify(issuer, chio_mechanism_by_wire(CHIO_MECH_EDDSA), NULL, chio_buf_slice(&message),
                                   chio_slice(signature, sizeof signature)),
                   CHIO_OK);
  json_decref(link);
  chio_buf_clear(&message);
}

/* ---- What is refused ---- */

static void evidence_that_does_not_pass_the_policy_moves_no_issuer(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  unsigned signs = fake.signs;
  write_policy(b, "imported");
  q.policy = chio_buf_slice(&b->policy);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  assert_non_null(strstr(b->rig.detail.text, "key-attributes"));
  write_policy(b, "born");
  q.policy = chio_buf_slice(&b->policy);
  char *measurement = strstr((char *)b->policy.data, "measurements = [\"");
  measurement[17] = measurement[17] == '0' ? '1' : '0';
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  q.policy = chio_slice_str("tee = 1");
  assert_int_equal(delegate(b, &q, &r), CHIO_E_DATA_INVALID);
  q.policy = chio_slice(NULL, 0);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_DATA_INVALID);
  assert_int_equal(fake.signs, signs);
}

/* ---- Collateral that the signer keeps ---- */

static struct chio_buf kept_list;
static unsigned fetches;

static enum chio_err serve_kept(void *self, uint32_t action, struct chio_slice name, struct chio_slice evidence,
                                struct chio_buf *out, struct chio_detail *detail) {
  bool *keeps = self;
  (void)detail;
  if (action == CHIO_COLLATERAL_FETCH) {
    assert_true(evidence.len > 0);
    fetches++;
    *keeps = fetches > 1;
  }
  if (action == CHIO_COLLATERAL_GET) {
    assert_true(chio_slice_equal(name, chio_slice_str("ark.crl")));
    chio_buf_append_slice(out, chio_buf_slice(&kept_list));
  } else {
    chio_buf_append_str(out, *keeps ? "[{\"file\":\"ark.crl\",\"source\":\"kds\"}]" : "[]");
  }
  return CHIO_OK;
}

/* A revocation list by the simulated platform's root, as AMD signs its own. */
static void make_list(struct bench *b) {
  char path[512];
  FILE *file = fopen(temp_dir_file(&b->rig.dir, "sim/snp.pem", path), "r");
  assert_non_null(file);
  EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  X509 *root = PEM_read_X509(file, NULL, NULL, NULL);
  assert_int_equal(fclose(file), 0);
  assert_true(key != NULL && root != NULL);
  X509_CRL *list = X509_CRL_new();
  ASN1_TIME *when = ASN1_TIME_set(NULL, time(NULL) - 60);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *pss;
  unsigned char *der = NULL;
  assert_int_equal(X509_CRL_set_version(list, 1), 1);
  assert_int_equal(X509_CRL_set_issuer_name(list, X509_get_subject_name(root)), 1);
  assert_int_equal(X509_CRL_set1_lastUpdate(list, when), 1);
  assert_non_null(ASN1_TIME_set(when, time(NULL) + 3600));
  assert_int_equal(X509_CRL_set1_nextUpdate(list, when), 1);
  assert_int_equal(EVP_DigestSignInit(ctx, &pss, EVP_sha384(), NULL, key), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pss, RSA_PKCS1_PSS_PADDING), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pss, RSA_PSS_SALTLEN_DIGEST), 1);
  assert_true(X509_CRL_sign_ctx(list, ctx) > 0);
  int len = i2d_X509_CRL(list, &der);
  assert_true(len > 0);
  chio_buf_reset(&kept_list);
  chio_buf_append(&kept_list, der, (size_t)len);
  OPENSSL_free(der);
  EVP_MD_CTX_free(ctx);
  ASN1_TIME_free(when);
  X509_CRL_free(list);
  X509_free(root);
  EVP_PKEY_free(key);
}

/* Whether the order would be served where requests wait, not where they compute. */
static bool waits(struct bench *b, const struct chio_delegate_request *q) {
  struct chio_buf frame = CHIO_BUF_INIT;
  struct chio_frame_header header;
  assert_int_equal(chio_message_request(chio_message_find(CHIO_MSG_DELEGATE), 1, q, &frame), CHIO_OK);
  assert_int_equal(chio_frame_decode(chio_slice(frame.data, CHIO_FRAME_HEADER_SIZE), &header), CHIO_OK);
  struct chio_slice body = chio_slice(frame.data + CHIO_FRAME_HEADER_SIZE, header.length);
  bool does = chio_conn_waits(b->rig.conn, &header, body);
  chio_buf_clear(&frame);
  return does;
}

static void what_the_signer_keeps_counts_at_a_delegation(void **state) {
  struct bench *b = *state;
  bool keeps = false;
  struct chio_delegate_reply r;
  make_list(b);
  chio_buf_append_str(&b->policy, "[collateral]\nrequired = true\n");
  struct chio_delegate_request q = request_of(b, true);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  assert_non_null(strstr(b->rig.detail.text, "collateral-missing"));
  assert_true(waits(b, &q));
  q = request_of(b, false);
  assert_false(waits(b, &q));
  b->rig.config.collateral = (struct chio_collateral_source){.serve = serve_kept, .self = &keeps};
  rig_restart(&b->rig);
  q = request_of(b, false);
  assert_true(waits(b, &q));
  q = request_of(b, true);
  /* A fetch that brings nothing is not repeated with each judgement. */
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  assert_int_equal(fetches, 1);
  rig_restart(&b->rig);
  q = request_of(b, true);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  assert_int_equal(fetches, 2);
  chio_buf_clear(&kept_list);
}

/* A trial's permission does not become an issuer's word, though the key's own evidence needs none of it. */
static void a_policy_that_lets_stubs_through_moves_no_issuer(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  struct chio_buf with = CHIO_BUF_INIT;
  static const char from[] = "tee = [\"sim-tdx\"]";
  unsigned signs = fake.signs;
  const char *text = chio_buf_cstr(&b->policy), *at = strstr(text, from);
  assert_non_null(at);
  chio_buf_append(&with, text, (size_t)(at - text));
  chio_buf_append_str(&with, "tee = [\"sim-tdx\", \"stub\"]\ninsecure_allow_stub = true");
  chio_buf_append_str(&with, at + sizeof from - 1);
  q.policy = chio_buf_slice(&with);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_DATA_INVALID);
  assert_non_null(strstr(b->rig.detail.text, "insecure_allow_stub"));
  assert_int_equal(fake.signs, signs);
  q.policy = chio_buf_slice(&b->policy);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  chio_buf_clear(&with);
}

static void a_root_that_only_the_policy_s_files_would_name_is_given_by_its_hash(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  uint8_t root[32];
  char *at = strstr((char *)b->policy.data, "spki_sha256 = [\"");
  assert_int_equal(chio_hex_decode(chio_slice(at + 16, 64), root, sizeof root), CHIO_OK);
  char *files = strstr((char *)b->policy.data, "spki_sha256 =");
  memcpy(files, "files       =", 13);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_EVIDENCE_REFUSED);
  q.roots = chio_slice(root, sizeof root);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  q.roots.len = 31;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_ARGUMENT);
}

static void who_is_not_logged_in_delegates_nothing(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, false);
  struct chio_delegate_reply r;
  q.ticket = chio_slice(NULL, 0);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_NOT_LOGGED_IN);
  q = request_of(b, false);
  q.issuer_ticket = chio_slice(NULL, 0);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_NOT_LOGGED_IN);
  q = request_of(b, false);
  q.issuer_ticket = chio_slice_str("no ticket");
  assert_int_equal(delegate(b, &q, &r), CHIO_E_TICKET_INVALID);
}

static void keys_that_do_not_fit_their_part_are_refused(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  q.slot = SLOT;
  q.ticket = chio_slice(NULL, 0);
  q.key = b->kms_issuer;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_KEY_FUNCTION);
  q = request_of(b, false);
  q.issuer = b->key_public;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_OBJECT_UNKNOWN);
  q = request_of(b, false);
  q.key.b[0] ^= 1;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_OBJECT_UNKNOWN);
  q = request_of(b, false);
  q.issuer_slot = 7;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_SLOT_UNKNOWN);
  q = request_of(b, false);
  q.seconds = 59;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_ARGUMENT);
  q.seconds = 398 * DAY;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_ARGUMENT);
  q = request_of(b, false);
  q.name = chio_slice("\xff", 1);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_ARGUMENT);
  q.name = chio_slice_str("a name with more than the sixty-four characters that X.520 has for it");
  assert_int_equal(delegate(b, &q, &r), CHIO_E_ARGUMENT);
  q = request_of(b, false);
  q.issuer_slot = q.slot;
  q.issuer = q.key;
  q.issuer_ticket = q.ticket;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_KEY_FUNCTION);
  assert_non_null(strstr(b->rig.detail.text, "does not vouch for itself"));
  q = request_of(b, false);
  q.collateral = chio_slice("\x05\0\0\0abc", 7);
  assert_int_equal(delegate(b, &q, &r), CHIO_E_DATA_INVALID);
}

static void an_issuer_whose_backend_lies_issues_nothing(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  struct chio_slice value;
  fake.wrong_signature = true;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_BACKEND_SIGNATURE);
  fake.wrong_signature = false;
  fake.fault = CHIO_E_TIMEOUT;
  assert_int_equal(delegate(b, &q, &r), CHIO_E_BACKEND_UNREACHABLE);
  assert_false(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &value));
}

/* ---- Renewal ---- */

static void leaf_serial(struct bench *b, uint8_t out[16]) {
  struct chio_slice chain;
  struct chio_cert leaf, ca;
  assert_true(rig_get(&b->rig, &b->key, CKA_CHIO_DELEGATION, &chain));
  split_chain(chain, &leaf, &ca);
  memcpy(out, leaf.serial.data, 16);
}

static void a_delegation_is_renewed_before_it_ends_also_after_a_restart(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  uint8_t first[16], now_has[16];
  uint64_t now = (uint64_t)time(NULL);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  leaf_serial(b, first);
  chio_renewals_round(b->rig.core, now + 19 * DAY);
  leaf_serial(b, now_has);
  assert_memory_equal(first, now_has, 16);
  unsigned signs = fake.signs;
  chio_renewals_round(b->rig.core, now + 21 * DAY);
  assert_int_equal(fake.signs, signs + 2); /* a certificate and a link: once in a round, whatever the clock says */
  leaf_serial(b, now_has);
  assert_memory_not_equal(first, now_has, 16);
  memcpy(first, now_has, 16);
  rig_restart(&b->rig);
  chio_renewals_round(b->rig.core, now + 19 * DAY);
  leaf_serial(b, now_has);
  assert_memory_equal(first, now_has, 16);
  chio_renewals_round(b->rig.core, now + 21 * DAY);
  leaf_serial(b, now_has);
  assert_memory_not_equal(first, now_has, 16);
}

static void an_outage_of_the_issuer_stops_no_key_and_is_over_when_it_is_over(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  uint8_t first[16], now_has[16];
  uint64_t now = (uint64_t)time(NULL);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  leaf_serial(b, first);
  fake.fault = CHIO_E_BACKEND_UNREACHABLE;
  chio_renewals_round(b->rig.core, now + 21 * DAY);
  leaf_serial(b, now_has);
  assert_memory_equal(first, now_has, 16);
  assert_int_equal(rig_sign(&b->rig, &b->key, CHIO_MECH_ECDSA_SHA256, chio_slice_str("x"), NULL), CHIO_OK);
  fake.fault = CHIO_OK;
  chio_renewals_round(b->rig.core, now + 22 * DAY);
  leaf_serial(b, now_has);
  assert_memory_not_equal(first, now_has, 16);
}

static void a_key_that_was_destroyed_is_renewed_no_more(void **state) {
  struct bench *b = *state;
  struct chio_delegate_request q = request_of(b, true);
  struct chio_delegate_reply r;
  struct chio_object_destroy_request d = {.ticket = rig_ticket(&b->rig.user), .object = b->key};
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  assert_int_equal(rig_call(&b->rig, b->rig.conn, CHIO_MSG_OBJECT_DESTROY, &d, NULL), CHIO_OK);
  unsigned signs = fake.signs;
  chio_renewals_round(b->rig.core, (uint64_t)time(NULL) + 29 * DAY);
  assert_int_equal(fake.signs, signs);
}

static void a_session_key_is_renewed_as_long_as_its_client_is_there(void **state) {
  struct bench *b = *state;
  struct chio_buf pub = CHIO_BUF_INIT;
  struct chio_delegate_reply r;
  uint64_t now = (uint64_t)time(NULL);
  uint8_t first[16], now_has[16];
  chio_attrs_begin(&pub);
  chio_attrs_add(&pub, CKA_EC_PARAMS, rig_oid_p256);
  assert_int_equal(rig_key_pair(&b->rig, CHIO_MECH_EC_KEY_PAIR_GEN, &pub, NULL, &b->key_public, &b->key), CHIO_OK);
  chio_buf_clear(&pub);
  struct chio_delegate_request q = request_of(b, true);
  assert_int_equal(delegate(b, &q, &r), CHIO_OK);
  leaf_serial(b, first);
  chio_renewals_round(b->rig.core, now + 21 * DAY);
  leaf_serial(b, now_has);
  assert_memory_not_equal(first, now_has, 16);
  chio_conn_close(b->rig.conn);
  unsigned signs = fake.signs;
  chio_renewals_round(b->rig.core, now + 50 * DAY);
  assert_int_equal(fake.signs, signs);
  b->rig.conn = rig_connect(&b->rig, 1);
}

static int quiet(void **state) {
  (void)state;
  chio_log_configure(CHIO_LOG_ERROR, CHIO_LOG_TEXT, open("/dev/null", O_WRONLY));
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_the_signer_keeps_counts_at_a_delegation, set_up_snp, tear_down),
      TEST(the_issuer_signs_a_short_certificate_that_carries_the_evidence),
      TEST(the_chain_stands_with_the_key_and_beside_it),
      TEST(an_issuer_that_has_a_certificate_uses_it),
      TEST(chios_link_is_signed_by_the_delegator),
      TEST(evidence_that_does_not_pass_the_policy_moves_no_issuer),
      TEST(a_policy_that_lets_stubs_through_moves_no_issuer),
      TEST(a_root_that_only_the_policy_s_files_would_name_is_given_by_its_hash),
      TEST(who_is_not_logged_in_delegates_nothing),
      TEST(keys_that_do_not_fit_their_part_are_refused),
      TEST(an_issuer_whose_backend_lies_issues_nothing),
      TEST(a_delegation_is_renewed_before_it_ends_also_after_a_restart),
      TEST(an_outage_of_the_issuer_stops_no_key_and_is_over_when_it_is_over),
      TEST(a_key_that_was_destroyed_is_renewed_no_more),
      TEST(a_session_key_is_renewed_as_long_as_its_client_is_there),
  };
  return cmocka_run_group_tests(tests, quiet, NULL);
}
