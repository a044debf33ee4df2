#include "signer/core/yubihsm.h"

#include "config.h"

#include "signer/base/text.h"
#include "signer/core/der.h"
#include "signer/wire/cryptoki.h"

#include <stdio.h>

#define DOMAINS 16u
#define LABEL_MAX 40u /* bytes, as the device has it */

enum { FIRMWARE = 1, SERIAL = 2, ORIGIN = 3, DOMAIN = 4, CAPABILITIES = 5, OBJECT_ID = 6, LABEL = 9 };

/* Bit numbers of the device's capabilities. */
enum { SIGN_PKCS = 5, SIGN_PSS = 6, SIGN_ECDSA = 7, SIGN_EDDSA = 8, DECRYPT_PKCS = 9, DERIVE_ECDH = 11 };

static const uint8_t origin_generated[] = {0x00, 0x01}; /* no unused bits; generated 01, imported 02 */

/* Extension ::= SEQUENCE { 1.3.6.1.4.1.41482.4.number, OCTET STRING { value } } */
static void put(struct chio_buf *out, uint8_t number, uint8_t tag, struct chio_slice contents) {
  const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xc4, 0x0a, 0x04, number};
  size_t value = chio_der_size(contents.len);
  chio_der_header(out, CHIO_DER_SEQUENCE, chio_der_size(sizeof oid) + chio_der_size(value));
  chio_der_value(out, CHIO_DER_OID, chio_slice(oid, sizeof oid));
  chio_der_header(out, CHIO_DER_OCTET_STRING, value);
  chio_der_value(out, tag, contents);
}

static void put_number(struct chio_buf *out, uint8_t number, struct chio_slice value) {
  struct chio_buf integer = CHIO_BUF_INIT;
  chio_der_unsigned(&integer, value);
  struct chio_cursor c = chio_cursor(chio_buf_slice(&integer));
  struct chio_slice contents;
  if (chio_der_read(&c, CHIO_DER_INTEGER, &contents) == CHIO_OK)
    put(out, number, CHIO_DER_INTEGER, contents);
  else
    out->failed = true;
  chio_buf_clear(&integer);
}

static void put_firmware(struct chio_buf *out) {
  unsigned major = 0, minor = 0, patch = 0;
  (void)sscanf(PACKAGE_VERSION, "%3u.%3u.%3u", &major, &minor, &patch);
  const uint8_t version[] = {(uint8_t)major, (uint8_t)minor, (uint8_t)patch};
  put(out, FIRMWARE, CHIO_DER_OCTET_STRING, chio_slice(version, sizeof version));
}

static void put_serial(struct chio_buf *out, const char *hex) {
  uint8_t serial[8] = {0};
  size_t digits = strlen(hex);
  if (digits == 0 || digits > 16 || digits % 2 != 0 ||
      chio_hex_decode(chio_slice_str(hex), serial + sizeof serial - digits / 2, digits / 2) != CHIO_OK)
    return; /* a token without such a number says none */
  put_number(out, SERIAL, chio_slice(serial, sizeof serial));
}

static uint64_t capabilities(const struct chio_yubihsm *facts) {
  uint64_t bits = 0;
  bool rsa = facts->key_type == CKK_RSA, ec = facts->key_type == CKK_EC;
  if (chio_attr_set_bool(facts->key, CKA_SIGN, false))
    bits |= rsa ? 1u << SIGN_PKCS | 1u << SIGN_PSS : ec ? 1u << SIGN_ECDSA : 1u << SIGN_EDDSA;
  if (rsa && chio_attr_set_bool(facts->key, CKA_DECRYPT, false)) bits |= 1u << DECRYPT_PKCS;
  if (ec && chio_attr_set_bool(facts->key, CKA_DERIVE, false)) bits |= 1u << DERIVE_ECDH;
  return bits;
}

static void put_bits(struct chio_buf *out, uint8_t number, uint64_t bits, size_t size) {
  uint8_t value[9] = {0}; /* the first octet: no unused bits */
  for (size_t i = 0; i < size; i++) value[1 + i] = (uint8_t)(bits >> 8 * (size - 1 - i));
  put(out, number, CHIO_DER_BIT_STRING, chio_slice(value, 1 + size));
}

void chio_yubihsm_extensions(const struct chio_yubihsm *facts, struct chio_buf *out) {
  struct chio_slice label = {NULL, 0};
  put_firmware(out);
  put_serial(out, facts->token_serial);
  put(out, ORIGIN, CHIO_DER_BIT_STRING, chio_slice(origin_generated, sizeof origin_generated));
  put_bits(out, DOMAIN, (uint64_t)1 << facts->slot % DOMAINS, 2);
  put_bits(out, CAPABILITIES, capabilities(facts), 8);
  put_number(out, OBJECT_ID, chio_slice(facts->uid.data, 2));
  if (chio_attr_set_find(facts->key, CKA_LABEL, &label) && label.len <= LABEL_MAX)
    put(out, LABEL, CHIO_DER_UTF8, label);
}
