/* What a vault released: the whole JWS, its payload as if the signature held, the key in it, a key's URI. The seeds were
 * made under the CA below, for the key beside this, at that time. */
#include "signer/base/text.h"
#include "signer/core/release.h"
#include "signer/core/release_key.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/recipient_key.h"

#define MADE_AT 1795291711

static const char ca[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBMDCB1qADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDENBIG9mIGEg\n"
    "dGVzdDAeFw0yNjExMjExOTA4MzFaFw0yNjExMjIyMDA4MzFaMBcxFTATBgNVBAMM\n"
    "DENBIG9mIGEgdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPgn7geBAIfY\n"
    "1KHgcgmDbwNkmouKJM0NYpdHesxaINyv9BvaavwK0rRVUJBHDqIAe3a5//5HMDTk\n"
    "8e97AnSGYg6jEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh\n"
    "AKRAxMfp8TqBqWL6UuLXGX5YUhTWTGmcVqETJsP2r7rkAiEA4YwWXsJ1Tyhns0r4\n"
    "SOGmTxLJ2jQKkJ0BOy1rwKoMZO4=\n"
    "-----END CERTIFICATE-----\n";

static struct chio_recipient *recipient;
static struct chio_release_key key;
static struct chio_release_terms terms;

static void set_up(void) {
  struct chio_buf der = CHIO_BUF_INIT;
  FUZZ_HOLDS(chio_base64_decode(chio_slice_str(FUZZ_RECIPIENT_KEY), false, &der) == CHIO_OK);
  FUZZ_HOLDS(chio_recipient_from(chio_buf_slice(&der), &recipient) == CHIO_OK);
  FUZZ_HOLDS(chio_release_key_parse("azurekms://v/root", &key, NULL) == CHIO_OK);
  terms = (struct chio_release_terms){
      .key = &key, .nonce = chio_slice_str("bm9uY2U"), .roots = chio_slice_str(ca), .now = MADE_AT};
  chio_buf_clear(&der);
}

static void check(enum chio_err err, struct chio_secret *material, const char *version) {
  FUZZ_HOLDS((err == CHIO_OK) == (material != NULL));
  if (err == CHIO_OK) FUZZ_HOLDS(material->len > CHIO_RELEASE_OCT_MIN && version[0] != '\0');
  chio_secret_free(material);
}

static void open_whole(struct chio_slice text) {
  struct chio_secret *material = NULL;
  char version[CHIO_RELEASE_VERSION_MAX + 1] = "";
  enum chio_err err = chio_release_open(&terms, recipient, text, &material, version, NULL);
  check(err, material, version);
}

static void read_payload(struct chio_slice payload) {
  struct chio_buf text = CHIO_BUF_INIT;
  struct chio_jws jws;
  struct chio_secret *material = NULL;
  char version[CHIO_RELEASE_VERSION_MAX + 1] = "";
  chio_buf_append_str(&text, "eyJhIjowfQ.");
  chio_base64url_append(&text, payload);
  chio_buf_append_str(&text, ".AAAA");
  enum chio_err err = chio_jws_parse(chio_buf_slice(&text), &jws);
  if (err == CHIO_OK) err = chio_release_read(&terms, recipient, &jws, &material, version, NULL);
  check(err, material, version);
  chio_jws_clear(&jws);
  chio_buf_clear(&text);
}

static void read_key(const char *type, struct chio_slice bytes) {
  struct chio_secret *plain = NULL, *material = NULL;
  FUZZ_HOLDS(chio_secret_copy(bytes, &plain) == CHIO_OK);
  enum chio_err err = chio_release_material(chio_slice_str(type), plain, &material, NULL);
  check(err, material, "1");
  chio_secret_free(plain);
}

static void read_uri(struct chio_slice bytes) {
  char uri[1024];
  struct chio_release_key parsed;
  if (bytes.len >= sizeof uri) return;
  if (bytes.len > 0) memcpy(uri, bytes.data, bytes.len);
  uri[bytes.len] = '\0';
  if (chio_release_key_parse(uri, &parsed, NULL) != CHIO_OK) return;
  FUZZ_HOLDS(parsed.host[0] != '\0' && parsed.name[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (recipient == NULL) set_up();
  if (size == 0) return 0;
  struct chio_slice rest = chio_slice(data + 1, size - 1);
  switch (data[0]) {
    case 'j': open_whole(rest); break;
    case 'p': read_payload(rest); break;
    case 'r': read_key("RSA-HSM", rest); break;
    case 'e': read_key("EC-HSM", rest); break;
    case 'o': read_key("oct-HSM", rest); break;
    case 'u': read_uri(rest); break;
    default: break;
  }
  return 0;
}
