/* What registries pass on beside an identity: measurement maps in JSON, and contract addresses. */
#include "attest/identity.h"

#include "attest/json.h"
#include "attest/keccak.h"
#include "signer/base/text.h"

#include <stdio.h>

#define MAP_TEXT_MAX 8192u
#define ADDRESS_DIGITS (2u * CHIO_ATTEST_CONTRACT_SIZE)

static const struct map_type {
  const char *name;
  size_t registers, size;
} types[] = {{"qemu-tdx", 8, 48}, {"azure-tdx", CHIO_ATTEST_REGISTERS_MAX, 32}};

static int refuse(struct chio_attest_message *message, int code, const char *why, struct chio_slice about) {
  int len = about.len < 64 ? (int)about.len : 64;
  if (message != NULL)
    (void)snprintf(message->text, sizeof message->text, "%s%s%.*s%s", why, about.len > 0 ? ": '" : "", len,
                   about.len > 0 ? (const char *)about.data : "", about.len > 0 ? "'" : "");
  return code;
}

static const struct map_type *find_type(const char *name) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++) {
    if (strcmp(types[i].name, name) == 0) return &types[i];
  }
  return NULL;
}

/* "0", "11": decimal, in its only spelling. */
static bool read_index(struct chio_slice key, size_t limit, size_t *out) {
  size_t value = 0;
  if (key.len == 0 || key.len > 2 || (key.len == 2 && key.data[0] == '0')) return false;
  for (size_t i = 0; i < key.len; i++) {
    if (key.data[i] < '0' || key.data[i] > '9') return false;
    value = 10 * value + (size_t)(key.data[i] - '0');
  }
  *out = value;
  return value < limit;
}

static int read_map(const struct chio_json_doc *doc, const struct map_type *type, struct chio_attest_measurements *out,
                    struct chio_attest_message *message) {
  const struct chio_json *root = chio_json_root(doc);
  if (root->type != CHIO_JSON_OBJECT)
    return refuse(message, CHIO_ATTEST_E_MALFORMED, "the measurement map is no JSON object", chio_slice(NULL, 0));
  for (const struct chio_json *m = chio_json_first(doc, root); m != NULL; m = chio_json_next(doc, m)) {
    size_t index;
    if (!read_index(m->key, type->registers, &index))
      return refuse(message, CHIO_ATTEST_E_MALFORMED, "no register of this type of attestation", m->key);
    if (chio_json_hex(m, out->value[index], type->size) != CHIO_OK)
      return refuse(message, CHIO_ATTEST_E_MALFORMED,
                    type->size == 48 ? "48 bytes in hexadecimal are expected for register"
                                     : "32 bytes in hexadecimal are expected for register",
                    m->key);
    out->present |= (uint32_t)1 << index;
  }
  return CHIO_ATTEST_OK;
}

int chio_attest_measurements_parse(const char *type, const void *json, size_t len,
                                   struct chio_attest_measurements *out, struct chio_attest_message *message) {
  CHIO_AUTO(chio_json_doc) struct chio_json_doc *doc = NULL;
  if (type == NULL || json == NULL || out == NULL)
    return refuse(message, CHIO_ATTEST_E_ARGUMENT, "no measurements", chio_slice(NULL, 0));
  const struct map_type *known = find_type(type);
  if (known == NULL)
    return refuse(message, CHIO_ATTEST_E_MALFORMED, "no such type of attestation (there are qemu-tdx and azure-tdx)",
                  chio_slice_str(type));
  if (len > MAP_TEXT_MAX)
    return refuse(message, CHIO_ATTEST_E_MALFORMED, "the measurement map is too long", chio_slice(NULL, 0));
  enum chio_err err = chio_json_parse(chio_slice(json, len), &doc);
  if (err == CHIO_E_NO_MEMORY) return refuse(message, CHIO_ATTEST_E_NO_MEMORY, "out of memory", chio_slice(NULL, 0));
  if (err != CHIO_OK)
    return refuse(message, CHIO_ATTEST_E_MALFORMED, "the measurement map is malformed", chio_slice(NULL, 0));
  struct chio_attest_measurements found = {.type = known->name};
  int code = read_map(doc, known, &found, message);
  if (code == CHIO_ATTEST_OK) *out = found;
  return code;
}

int chio_attest_attestation_to_identity(const char *type, const void *measurements_json, size_t len,
                                        const uint8_t contract[20], uint8_t out[32],
                                        struct chio_attest_message *message) {
  struct chio_attest_measurements measurements;
  int code = chio_attest_measurements_parse(type, measurements_json, len, &measurements, message);
  if (code != CHIO_ATTEST_OK) return code;
  code = chio_attest_identity(&measurements, contract, out);
  if (code == CHIO_ATTEST_E_MALFORMED)
    return refuse(message, code, "a register that makes the identity is not in the measurement map",
                  chio_slice(NULL, 0));
  return code;
}

/* ---- Addresses ---- */

/* EIP-55: a letter is a capital where the digit of the Keccak-256 of the small ones is 8 or more. */
static bool checksum_holds(const char *digits) {
  char small[ADDRESS_DIGITS];
  uint8_t hash[CHIO_KECCAK256_SIZE];
  for (size_t i = 0; i < ADDRESS_DIGITS; i++)
    small[i] = (char)(digits[i] >= 'A' && digits[i] <= 'F' ? digits[i] - 'A' + 'a' : digits[i]);
  const struct chio_slice text = chio_slice(small, sizeof small);
  chio_keccak256(&text, 1, hash);
  for (size_t i = 0; i < ADDRESS_DIGITS; i++) {
    unsigned nibble = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15u;
    bool letter = small[i] >= 'a', capital = digits[i] != small[i];
    if (letter && capital != (nibble >= 8)) return false;
  }
  return true;
}

int chio_attest_contract_parse(const char *text, uint8_t out[20]) {
  uint8_t address[CHIO_ATTEST_CONTRACT_SIZE];
  bool has_small = false, has_capital = false;
  if (text == NULL || out == NULL) return CHIO_ATTEST_E_ARGUMENT;
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  if (chio_hex_decode(chio_slice_str(digits), address, sizeof address) != CHIO_OK) return CHIO_ATTEST_E_MALFORMED;
  for (size_t i = 0; i < ADDRESS_DIGITS; i++) {
    has_small = has_small || digits[i] >= 'a';
    has_capital = has_capital || (digits[i] >= 'A' && digits[i] <= 'F');
  }
  if (has_small && has_capital && !checksum_holds(digits)) return CHIO_ATTEST_E_MALFORMED;
  memcpy(out, address, sizeof address);
  return CHIO_ATTEST_OK;
}
