#include "kms-adapters/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* Bit by bit: inputs are digests and signatures, so that speed does not matter here. */
static uint32_t step(uint32_t crc) {
  for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? POLYNOMIAL : 0);
  return crc;
}

uint32_t chio_crc32c(struct chio_slice bytes) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < bytes.len; i++) crc = step(crc ^ bytes.data[i]);
  return crc ^ 0xffffffffu;
}
