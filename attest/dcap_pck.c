#include "attest/dcap_pck.h"

#include "attest/der.h"

/* 1.2.840.113741.1.13.1 */
static const uint8_t arc[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* SEQUENCE { OID arc.path, value }: the path after prefix, one number below 128, and a cursor at the value. */
static enum chio_err next_item(struct chio_cursor *list, const uint8_t *prefix, size_t prefix_len, uint8_t *out_number,
                               struct chio_cursor *out_value) {
  struct chio_cursor item;
  struct chio_slice oid;
  enum chio_err err = chio_der_enter(list, CHIO_DER_T_SEQUENCE, &item);
  if (err == CHIO_OK) err = chio_der_expect(&item, CHIO_DER_T_OID, &oid);
  if (err != CHIO_OK) return err;
  if (oid.len != sizeof arc + prefix_len + 1 || memcmp(oid.data, arc, sizeof arc) != 0) return CHIO_E_MALFORMED;
  if (prefix_len > 0 && memcmp(oid.data + sizeof arc, prefix, prefix_len) != 0) return CHIO_E_MALFORMED;
  *out_number = oid.data[oid.len - 1];
  *out_value = item;
  return CHIO_OK;
}

static enum chio_err read_octets(struct chio_cursor *value, uint8_t *out, size_t len) {
  struct chio_slice octets;
  enum chio_err err = chio_der_expect(value, CHIO_DER_T_OCTET_STRING, &octets);
  if (err == CHIO_OK) err = chio_cursor_end(value);
  if (err != CHIO_OK) return err;
  if (octets.len != len) return CHIO_E_MALFORMED;
  memcpy(out, octets.data, len);
  return CHIO_OK;
}

static enum chio_err read_uint(struct chio_cursor *value, uint8_t tag, uint64_t max, uint64_t *out) {
  enum chio_err err = chio_der_uint(value, tag, max, out);
  return err == CHIO_OK ? chio_cursor_end(value) : err;
}

/* .2.1 to .2.16 components, .2.17 PCESVN, .2.18 CPUSVN */
static enum chio_err read_tcb(struct chio_cursor *value, struct chio_pck *pck) {
  static const uint8_t prefix[] = {2};
  struct chio_cursor list, item;
  uint32_t seen = 0;
  enum chio_err err = chio_der_enter(value, CHIO_DER_T_SEQUENCE, &list);
  while (err == CHIO_OK && list.left > 0) {
    uint8_t number;
    uint64_t svn = 0;
    err = next_item(&list, prefix, sizeof prefix, &number, &item);
    if (err != CHIO_OK) break;
    if (number < 1 || number > 18 || (seen & 1u << number) != 0) return CHIO_E_MALFORMED;
    seen |= 1u << number;
    if (number == 18)
      err = read_octets(&item, pck->cpusvn, sizeof pck->cpusvn);
    else
      err = read_uint(&item, CHIO_DER_T_INTEGER, number == 17 ? 65535 : 255, &svn);
    if (number <= 16) pck->tcb[number - 1] = (uint8_t)svn;
    if (number == 17) pck->pcesvn = (uint32_t)svn;
  }
  if (err != CHIO_OK) return err;
  return seen == 0x7fffeu ? CHIO_OK : CHIO_E_MALFORMED;
}

static enum chio_err read_configuration(struct chio_cursor *value, struct chio_pck *pck) {
  static const uint8_t prefix[] = {7};
  bool *const flags[] = {&pck->dynamic_platform, &pck->cached_keys, &pck->smt};
  struct chio_cursor list, item;
  enum chio_err err = chio_der_enter(value, CHIO_DER_T_SEQUENCE, &list);
  while (err == CHIO_OK && list.left > 0) {
    uint8_t number;
    err = next_item(&list, prefix, sizeof prefix, &number, &item);
    if (err != CHIO_OK) break;
    if (number < 1 || number > 3) return CHIO_E_MALFORMED;
    err = chio_der_bool(&item, flags[number - 1]);
    if (err == CHIO_OK) err = chio_cursor_end(&item);
  }
  pck->has_configuration = true;
  return err;
}

static enum chio_err read_item(uint8_t number, struct chio_cursor *value, struct chio_pck *pck) {
  uint64_t type = 0;
  enum chio_err err;
  switch (number) {
    case 1: return read_octets(value, pck->ppid, sizeof pck->ppid);
    case 2: return read_tcb(value, pck);
    case 3: return read_octets(value, pck->pceid, sizeof pck->pceid);
    case 4: return read_octets(value, pck->fmspc, sizeof pck->fmspc);
    case 5:
      err = read_uint(value, CHIO_DER_T_ENUMERATED, 2, &type);
      pck->sgx_type = (uint8_t)type;
      return err;
    case 6: pck->has_platform_instance = true; return read_octets(value, pck->platform_instance, 16);
    case 7: return read_configuration(value, pck);
    default: return CHIO_E_MALFORMED;
  }
}

enum chio_err chio_pck_parse(const struct chio_cert *cert, struct chio_pck *out) {
  struct chio_slice contents;
  enum chio_err err = chio_cert_extension(cert, chio_slice(arc, sizeof arc), &contents);
  if (err != CHIO_OK) return err;
  struct chio_pck pck = {.pcesvn = 0};
  struct chio_cursor outer = chio_cursor(contents), list, item;
  unsigned seen = 0;
  err = chio_der_enter(&outer, CHIO_DER_T_SEQUENCE, &list);
  if (err == CHIO_OK) err = chio_cursor_end(&outer);
  while (err == CHIO_OK && list.left > 0) {
    uint8_t number;
    err = next_item(&list, NULL, 0, &number, &item);
    if (err != CHIO_OK) break;
    if (number < 1 || number > 7 || (seen & 1u << number) != 0) return CHIO_E_MALFORMED;
    seen |= 1u << number;
    err = read_item(number, &item, &pck);
  }
  if (err != CHIO_OK || (seen & 0x3e) != 0x3e) return CHIO_E_MALFORMED;
  *out = pck;
  return CHIO_OK;
}
