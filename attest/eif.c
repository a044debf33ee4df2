#include "attest/eif.h"

#include "signer/base/cursor.h"

#include <string.h>

#define HEADER_SIZE 548u
#define CRC_AT 544u /* the header's last field, which the CRC leaves out */
#define SECTION_HEADER_SIZE 12u
#define VERSION_MIN 2u
#define VERSION_MAX 4u
#define FLAG_ARM64 1u

static const uint8_t magic[4] = {'.', 'e', 'i', 'f'};

enum section { INVALID, KERNEL, CMDLINE, RAMDISK, SIGNATURE, METADATA };

/* What each register is over. */
struct parts {
  struct chio_slice image[CHIO_EIF_SECTIONS_MAX], boot[CHIO_EIF_SECTIONS_MAX], app[CHIO_EIF_SECTIONS_MAX];
  size_t image_count, boot_count, app_count;
  unsigned kernels, cmdlines, ramdisks, signatures;
  struct chio_slice signature;
};

struct header {
  uint16_t version, flags, sections;
  uint64_t offsets[CHIO_EIF_SECTIONS_MAX], sizes[CHIO_EIF_SECTIONS_MAX];
  uint32_t crc;
};

bool chio_eif_is(struct chio_slice bytes) {
  return bytes.len >= sizeof magic && memcmp(bytes.data, magic, sizeof magic) == 0;
}

/* ---- CRC-32 (IEEE 802.3) ---- */

static uint32_t crc_update(const uint32_t table[256], uint32_t crc, struct chio_slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) crc = table[(crc ^ bytes.data[i]) & 0xff] ^ crc >> 8;
  return crc;
}

/* Of all but the field itself. */
static uint32_t crc_of(struct chio_slice bytes) {
  uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (unsigned k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  uint32_t crc = crc_update(table, 0xffffffffu, chio_slice(bytes.data, CRC_AT));
  return ~crc_update(table, crc, chio_slice(bytes.data + HEADER_SIZE, bytes.len - HEADER_SIZE));
}

/* ---- Header and sections ---- */

static enum chio_err read_header(struct chio_cursor *c, struct header *h) {
  struct chio_slice skipped;
  enum chio_err err = chio_cursor_bytes(c, sizeof magic, &skipped);
  if (err == CHIO_OK && memcmp(skipped.data, magic, sizeof magic) != 0) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cursor_u16be(c, &h->version);
  if (err == CHIO_OK) err = chio_cursor_u16be(c, &h->flags);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, 8 + 8 + 2, &skipped); /* memory, CPUs, reserved */
  if (err == CHIO_OK) err = chio_cursor_u16be(c, &h->sections);
  for (size_t i = 0; i < CHIO_EIF_SECTIONS_MAX && err == CHIO_OK; i++) err = chio_cursor_u64be(c, &h->offsets[i]);
  for (size_t i = 0; i < CHIO_EIF_SECTIONS_MAX && err == CHIO_OK; i++) err = chio_cursor_u64be(c, &h->sizes[i]);
  if (err == CHIO_OK) err = chio_cursor_bytes(c, 4, &skipped);
  if (err == CHIO_OK) err = chio_cursor_u32be(c, &h->crc);
  return err;
}

static enum chio_err take_section(enum section type, struct chio_slice data, struct parts *p,
                                  struct chio_detail *detail) {
  switch (type) {
  case KERNEL:
  case CMDLINE:
    if ((type == KERNEL ? p->kernels++ : p->cmdlines++) > 0)
      return chio_fail(detail, CHIO_E_MALFORMED, "the image has two kernels or command lines");
    p->image[p->image_count++] = data;
    p->boot[p->boot_count++] = data;
    return CHIO_OK;
  case RAMDISK:
    if (p->ramdisks++ == 0)
      p->boot[p->boot_count++] = data;
    else
      p->app[p->app_count++] = data;
    p->image[p->image_count++] = data;
    return CHIO_OK;
  case SIGNATURE:
    p->signature = data;
    return p->signatures++ == 0 ? CHIO_OK : chio_fail(detail, CHIO_E_MALFORMED, "the image has two signatures");
  case METADATA: return CHIO_OK;
  default: return chio_fail(detail, CHIO_E_MALFORMED, "a section of the unknown type %d", (int)type);
  }
}

/* Sections stand one behind the other; the header says where, too, and must say the same. */
static enum chio_err read_section(struct chio_slice bytes, struct chio_cursor *c, const struct header *h, size_t i,
                                  struct parts *p, struct chio_detail *detail) {
  uint64_t offset = (uint64_t)(c->at - bytes.data), size = 0;
  uint16_t type = 0, flags = 0;
  struct chio_slice data;
  enum chio_err err = chio_cursor_u16be(c, &type);
  if (err == CHIO_OK) err = chio_cursor_u16be(c, &flags);
  if (err == CHIO_OK) err = chio_cursor_u64be(c, &size);
  if (err == CHIO_OK && (size != h->sizes[i] || offset != h->offsets[i]))
    return chio_fail(detail, CHIO_E_MALFORMED, "section %zu is not where or as large as the header says", i);
  if (err == CHIO_OK && size > c->left) err = CHIO_E_TRUNCATED;
  if (err == CHIO_OK) err = chio_cursor_bytes(c, (size_t)size, &data);
  if (err != CHIO_OK) return chio_fail(detail, err, "the image ends in section %zu", i);
  return take_section((enum section)type, data, p, detail);
}

static enum chio_err read_image(struct chio_slice bytes, struct header *h, struct parts *p,
                                struct chio_detail *detail) {
  struct chio_cursor c = chio_cursor(bytes);
  enum chio_err err = read_header(&c, h);
  if (err != CHIO_OK) return chio_fail(detail, err, "no header of an enclave image");
  if (h->version < VERSION_MIN || h->version > VERSION_MAX)
    return chio_fail(detail, CHIO_E_VERSION, "version %u of the format is not supported", h->version);
  if (h->sections == 0 || h->sections > CHIO_EIF_SECTIONS_MAX)
    return chio_fail(detail, CHIO_E_MALFORMED, "%u sections: expected 1 to %u", h->sections, CHIO_EIF_SECTIONS_MAX);
  for (size_t i = 0; i < h->sections && err == CHIO_OK; i++) err = read_section(bytes, &c, h, i, p, detail);
  if (err != CHIO_OK) return err;
  if (c.left > 0) return chio_fail(detail, CHIO_E_TRAILING, "%zu bytes follow the last section", c.left);
  if (p->kernels == 0 || p->cmdlines == 0 || p->ramdisks == 0)
    return chio_fail(detail, CHIO_E_MALFORMED, "kernel, command line or ramdisk is missing");
  return CHIO_OK;
}

/* ---- Registers ---- */

/* SHA-384 of the zeros of a new register and the SHA-384 of the parts. */
static enum chio_err extend(const struct chio_slice *parts, size_t count, uint8_t out[CHIO_SHA384_SIZE]) {
  uint8_t both[2 * CHIO_SHA384_SIZE] = {0};
  enum chio_err err = chio_hash_parts(CHIO_HASH_SHA384, parts, count, both + CHIO_SHA384_SIZE);
  return err == CHIO_OK ? chio_hash_bytes(CHIO_HASH_SHA384, chio_slice(both, sizeof both), out) : err;
}

static enum chio_err judge_signature(struct chio_slice section, struct chio_eif *eif, struct chio_detail *detail) {
  struct chio_buf der = CHIO_BUF_INIT;
  enum chio_err err = chio_eif_signature_judge(section, eif->pcr0, &eif->signer, &der, detail);
  const struct chio_slice part = chio_buf_slice(&der);
  if (err == CHIO_OK) err = extend(&part, 1, eif->pcr8);
  chio_buf_clear(&der);
  return err;
}

enum chio_err chio_eif_read(struct chio_slice bytes, struct chio_eif *out, struct chio_detail *detail) {
  struct header h = {.version = 0};
  struct parts p = {.image_count = 0};
  enum chio_err err = read_image(bytes, &h, &p, detail);
  if (err != CHIO_OK) return err;
  if (crc_of(bytes) != h.crc)
    return chio_fail(detail, CHIO_E_MALFORMED, "the CRC is another one: the file is damaged");
  struct chio_eif eif = {.version = h.version,
                         .arm64 = (h.flags & FLAG_ARM64) != 0,
                         .is_signed = p.signatures > 0,
                         .ramdisks = p.ramdisks};
  err = extend(p.image, p.image_count, eif.pcr0);
  if (err == CHIO_OK) err = extend(p.boot, p.boot_count, eif.pcr1);
  if (err == CHIO_OK) err = extend(p.app, p.app_count, eif.pcr2);
  if (err == CHIO_OK && eif.is_signed) err = judge_signature(p.signature, &eif, detail);
  if (err == CHIO_OK) *out = eif;
  return err;
}
