#include "attest/event_log.h"

#include <string.h>

#define ALG_SHA1 0x0004
#define ALG_SHA256 0x000b
#define ALG_SHA384 0x000c
#define ALG_SHA512 0x000d
#define ALG_SM3 0x0012
#define DIGEST_MAX 64u

#define EV_NO_ACTION 3u
#define HEAD_DIGEST 20u /* the first event has the old form, with a SHA-1 of zeros */
#define VARIABLE_NAME_MAX 256u
#define TEXT_MAX 160u

static const char signature[16] = "Spec ID Event03";
static const char locality[16] = "StartupLocality";

static const struct {
  uint32_t type;
  const char *name;
  bool variable; /* the data is a UEFI_VARIABLE_DATA */
} types[] = {
    {0x00000000, "EV_PREBOOT_CERT", false},
    {0x00000001, "EV_POST_CODE", false},
    {EV_NO_ACTION, "EV_NO_ACTION", false},
    {0x00000004, "EV_SEPARATOR", false},
    {0x00000005, "EV_ACTION", false},
    {0x00000006, "EV_EVENT_TAG", false},
    {0x00000007, "EV_S_CRTM_CONTENTS", false},
    {0x00000008, "EV_S_CRTM_VERSION", false},
    {0x00000009, "EV_CPU_MICROCODE", false},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS", false},
    {0x0000000b, "EV_TABLE_OF_DEVICES", false},
    {0x0000000c, "EV_COMPACT_HASH", false},
    {0x0000000d, "EV_IPL", false},
    {0x0000000e, "EV_IPL_PARTITION_DATA", false},
    {0x0000000f, "EV_NONHOST_CODE", false},
    {0x00000010, "EV_NONHOST_CONFIG", false},
    {0x00000011, "EV_NONHOST_INFO", false},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS", false},
    {0x00000013, "EV_POST_CODE2", false},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG", true},
    {0x80000002, "EV_EFI_VARIABLE_BOOT", true},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION", false},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER", false},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER", false},
    {0x80000006, "EV_EFI_GPT_EVENT", false},
    {0x80000007, "EV_EFI_ACTION", false},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB", false},
    {0x80000009, "EV_EFI_HANDOFF_TABLES", false},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2", false},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2", false},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2", true},
    {0x8000000d, "EV_EFI_GPT_EVENT2", false},
    {0x80000010, "EV_EFI_HCRTM_EVENT", false},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY", true},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB", false},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG", false},
};

/* ---- The head ---- */

static bool bank_fits(uint16_t algorithm, uint16_t size) {
  switch (algorithm) {
  case ALG_SHA1: return size == 20;
  case ALG_SHA256:
  case ALG_SM3: return size == 32;
  case ALG_SHA384: return size == 48;
  case ALG_SHA512: return size == 64;
  default: return size > 0 && size <= DIGEST_MAX;
  }
}

static bool has_bank(const struct chio_event_log *log, uint16_t algorithm) {
  for (size_t i = 0; i < log->banks_count; i++)
    if (log->banks[i].algorithm == algorithm) return true;
  return false;
}

static enum chio_err read_banks(struct chio_cursor *c, struct chio_event_log *log) {
  uint32_t count = 0;
  enum chio_err err = chio_cursor_u32le(c, &count);
  if (err == CHIO_OK && (count == 0 || count > CHIO_EVENT_BANKS_MAX)) err = CHIO_E_MALFORMED;
  for (uint32_t i = 0; i < count && err == CHIO_OK; i++) {
    uint16_t algorithm = 0, size = 0;
    err = chio_cursor_u16le(c, &algorithm);
    if (err == CHIO_OK) err = chio_cursor_u16le(c, &size);
    if (err == CHIO_OK && (!bank_fits(algorithm, size) || has_bank(log, algorithm))) err = CHIO_E_MALFORMED;
    if (err != CHIO_OK) break;
    log->banks[log->banks_count].algorithm = algorithm;
    log->banks[log->banks_count++].size = size;
  }
  return err;
}

/* TCG_EfiSpecIDEvent: signature, platform class, version, errata, size of UINTN, banks, vendor's bytes. */
static enum chio_err read_spec(struct chio_slice data, struct chio_event_log *log) {
  struct chio_cursor c = chio_cursor(data);
  struct chio_slice name, versions, vendor;
  uint8_t vendor_len = 0;
  enum chio_err err = chio_cursor_bytes(&c, sizeof signature, &name);
  if (err == CHIO_OK && memcmp(name.data, signature, sizeof signature) != 0) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, 8, &versions);
  if (err == CHIO_OK && versions.data[5] != 2) err = CHIO_E_VERSION;
  if (err == CHIO_OK) err = read_banks(&c, log);
  if (err == CHIO_OK) err = chio_cursor_u8(&c, &vendor_len);
  if (err == CHIO_OK) err = chio_cursor_bytes(&c, vendor_len, &vendor);
  return err == CHIO_OK && c.left > 0 ? CHIO_E_TRAILING : err;
}

static enum chio_err read_sized(struct chio_cursor *c, struct chio_slice *out) {
  uint32_t size = 0;
  enum chio_err err = chio_cursor_u32le(c, &size);
  return err == CHIO_OK ? chio_cursor_bytes(c, size, out) : err;
}

bool chio_event_log_is(struct chio_slice bytes) {
  size_t at = 4 + 4 + HEAD_DIGEST + 4;
  return bytes.len >= at + sizeof signature && memcmp(bytes.data + at, signature, sizeof signature) == 0;
}

/* A TD's log has the registers' own digest alone, and its first event stands in register 1. */
static enum chio_err choose_bank(struct chio_event_log *log, uint32_t head_index) {
  bool sha256 = has_bank(log, ALG_SHA256), sha384 = has_bank(log, ALG_SHA384);
  if (!sha256 && !sha384) return CHIO_E_UNSUPPORTED;
  log->cc = log->banks_count == 1 && sha384 && head_index == 1;
  log->bank = sha256 ? ALG_SHA256 : ALG_SHA384;
  log->hash = sha256 ? CHIO_HASH_SHA256 : CHIO_HASH_SHA384;
  return CHIO_OK;
}

enum chio_err chio_event_log_open(struct chio_slice bytes, struct chio_event_log *out) {
  struct chio_event_log log = {.left = chio_cursor(bytes)};
  struct chio_slice digest, data;
  uint32_t index = 0, type = 0;
  if (bytes.len > CHIO_EVENT_LOG_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_cursor_u32le(&log.left, &index);
  if (err == CHIO_OK) err = chio_cursor_u32le(&log.left, &type);
  if (err == CHIO_OK && (index > 1 || type != EV_NO_ACTION)) err = CHIO_E_MALFORMED;
  if (err == CHIO_OK) err = chio_cursor_bytes(&log.left, HEAD_DIGEST, &digest);
  if (err == CHIO_OK) err = read_sized(&log.left, &data);
  if (err == CHIO_OK) err = read_spec(data, &log);
  if (err == CHIO_OK) err = choose_bank(&log, index);
  if (err == CHIO_OK) *out = log;
  return err;
}

/* ---- Events ---- */

static bool only_padding(struct chio_slice bytes) {
  uint8_t with = bytes.len > 0 ? bytes.data[0] : 0;
  if (with != 0 && with != 0xff) return false;
  for (size_t i = 0; i < bytes.len; i++)
    if (bytes.data[i] != with) return false;
  return true;
}

/* One digest for each bank, in any order. */
static enum chio_err read_digests(struct chio_event_log *log, struct chio_slice *out) {
  uint32_t count = 0, seen = 0;
  enum chio_err err = chio_cursor_u32le(&log->left, &count);
  if (err == CHIO_OK && count != log->banks_count) err = CHIO_E_MALFORMED;
  for (uint32_t i = 0; i < count && err == CHIO_OK; i++) {
    uint16_t algorithm = 0;
    size_t bank = 0;
    struct chio_slice digest;
    err = chio_cursor_u16le(&log->left, &algorithm);
    while (bank < log->banks_count && log->banks[bank].algorithm != algorithm) bank++;
    if (err == CHIO_OK && (bank == log->banks_count || (seen & 1u << bank) != 0)) err = CHIO_E_MALFORMED;
    if (err == CHIO_OK) err = chio_cursor_bytes(&log->left, log->banks[bank].size, &digest);
    if (err != CHIO_OK) break;
    seen |= 1u << bank;
    if (algorithm == log->bank) *out = digest;
  }
  return err;
}

/* Registers of a TD are counted from 1 (0 is MRTD, which is no register that events extend). An event that extends none
 * may name any. */
static enum chio_err check_index(const struct chio_event_log *log, struct chio_event *e) {
  bool extends = e->type != EV_NO_ACTION;
  if (log->cc && extends && (e->index == 0 || e->index > CHIO_EVENT_CC_REGISTERS)) return CHIO_E_MALFORMED;
  if (!log->cc && extends && e->index >= CHIO_EVENT_REGISTERS) return CHIO_E_MALFORMED;
  if (log->cc && e->index > 0) e->index--;
  return CHIO_OK;
}

enum chio_err chio_event_log_next(struct chio_event_log *log, struct chio_event *out, bool *out_more) {
  struct chio_event_log at = *log;
  struct chio_event e = {.number = log->events + 1};
  if (only_padding(chio_slice(log->left.at, log->left.left))) {
    *out_more = false;
    return CHIO_OK;
  }
  if (log->events >= CHIO_EVENTS_MAX) return CHIO_E_TOO_LONG;
  enum chio_err err = chio_cursor_u32le(&at.left, &e.index);
  if (err == CHIO_OK) err = chio_cursor_u32le(&at.left, &e.type);
  if (err == CHIO_OK) err = check_index(log, &e);
  if (err == CHIO_OK) err = read_digests(&at, &e.digest);
  if (err == CHIO_OK) err = read_sized(&at.left, &e.data);
  if (err != CHIO_OK) return err;
  at.events++;
  *log = at;
  *out = e;
  *out_more = true;
  return CHIO_OK;
}

/* ---- Replay ---- */

/* The one event that extends nothing and still counts: at which locality the TPM was started is PCR0's first value. */
static void start_locality(const struct chio_event_log *log, const struct chio_event *e,
                           struct chio_event_registers *r) {
  bool is = !log->cc && e->index == 0 && e->data.len == sizeof locality + 1 && (r->present & 1u) == 0 &&
            memcmp(e->data.data, locality, sizeof locality) == 0;
  if (is) r->value[0][r->size - 1] = e->data.data[sizeof locality];
}

enum chio_err chio_event_log_replay(struct chio_slice bytes, struct chio_event_registers *out) {
  struct chio_event_log log;
  struct chio_event e;
  bool more = true;
  enum chio_err err = chio_event_log_open(bytes, &log);
  if (err != CHIO_OK) return err;
  struct chio_event_registers r = {.size = chio_hash_size(log.hash), .present = log.cc ? 0xf : 0};
  for (err = chio_event_log_next(&log, &e, &more); err == CHIO_OK && more;
       err = chio_event_log_next(&log, &e, &more)) {
    if (e.type == EV_NO_ACTION) {
      start_locality(&log, &e, &r);
      continue;
    }
    uint8_t *value = r.value[e.index];
    const struct chio_slice parts[] = {chio_slice(value, r.size), e.digest};
    uint8_t extended[CHIO_SHA384_SIZE];
    err = chio_hash_parts(log.hash, parts, CHIO_ARRAY_LEN(parts), extended);
    if (err != CHIO_OK) break;
    memcpy(value, extended, r.size);
    r.present |= 1u << e.index;
  }
  if (err == CHIO_OK) *out = r;
  return err;
}

bool chio_event_confirmed(const struct chio_event_log *log, const struct chio_event *event) {
  uint8_t hash[CHIO_SHA384_SIZE];
  return chio_hash_bytes(log->hash, event->data, hash) == CHIO_OK &&
         chio_slice_equal(event->digest, chio_slice(hash, chio_hash_size(log->hash)));
}

/* ---- For a person ---- */

const char *chio_event_type_name(uint32_t type) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (types[i].type == type) return types[i].name;
  return "EV_UNKNOWN";
}

static bool is_variable(uint32_t type) {
  for (size_t i = 0; i < CHIO_ARRAY_LEN(types); i++)
    if (types[i].type == type) return types[i].variable;
  return false;
}

/* UEFI_VARIABLE_DATA: GUID, lengths of name (UTF-16 units) and data, name. */
static bool put_variable(struct chio_slice data, struct chio_buf *out) {
  struct chio_cursor c = chio_cursor(data);
  struct chio_slice guid, name;
  uint64_t name_len = 0, data_len = 0;
  if (chio_cursor_bytes(&c, 16, &guid) != CHIO_OK || chio_cursor_u64le(&c, &name_len) != CHIO_OK ||
      chio_cursor_u64le(&c, &data_len) != CHIO_OK || name_len == 0 || name_len > VARIABLE_NAME_MAX ||
      chio_cursor_bytes(&c, (size_t)name_len * 2, &name) != CHIO_OK)
    return false;
  for (size_t i = 0; i < name.len; i += 2) {
    uint8_t low = name.data[i];
    bool plain = name.data[i + 1] == 0 && low >= 0x20 && low < 0x7f;
    chio_buf_append_u8(out, plain ? low : '?');
  }
  return true;
}

/* ASCII to its end or to NULs; a byte in front may say its length (as firmware writes names of its tables). */
static bool put_text(struct chio_slice data, struct chio_buf *out) {
  size_t from = data.len > 1 && data.data[0] == data.len - 1 ? 1 : 0, to = data.len;
  while (to > from && data.data[to - 1] == 0) to--;
  if (to == from) return false;
  for (size_t i = from; i < to; i++) {
    uint8_t c = data.data[i];
    if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f) return false;
  }
  for (size_t i = from; i < to && i - from < TEXT_MAX; i++)
    chio_buf_append_u8(out, data.data[i] < 0x20 ? ' ' : data.data[i]);
  if (to - from > TEXT_MAX) chio_buf_append_str(out, "...");
  return true;
}

void chio_event_describe(const struct chio_event *event, struct chio_buf *out) {
  if (is_variable(event->type) && put_variable(event->data, out)) return;
  if (put_text(event->data, out)) return;
  chio_buf_printf(out, "%zu bytes", event->data.len);
}
