#include "signer/base/build_id.h"

#include "signer/base/slice.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const note_name = "GNU"; /* with its NUL */

static size_t padded(size_t len) {
  return (len + 3) & ~(size_t)3;
}

/* One segment of notes: headers, names and descriptions, each padded to 4 bytes. */
static bool find_in(struct chio_slice notes, char *out) {
  while (notes.len >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, notes.data, sizeof note);
    size_t name = padded(note.n_namesz), description = padded(note.n_descsz), rest = notes.len - sizeof note;
    if (name > rest || description > rest - name) return false;
    const uint8_t *at = notes.data + sizeof note;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at, note_name, 4) == 0) {
      for (size_t i = 0; i < note.n_descsz && 2 * i + 2 <= CHIO_BUILD_ID_HEX; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", at[name + i]);
      return true;
    }
    notes = chio_slice(at + name + description, rest - name - description);
  }
  return false;
}

/* Whether this very code is in the object: the program, or the module of embedded mode. */
static bool holds_us(const struct dl_phdr_info *info) {
  uintptr_t us = (uintptr_t)&chio_build_id;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    uintptr_t at = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && us >= at && us - at < segment->p_memsz) return true;
  }
  return false;
}

static int look(struct dl_phdr_info *info, size_t size, void *out) {
  (void)size;
  if (!holds_us(info)) return 0;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE) continue;
    /* The loader speaks of addresses as numbers. */
    const uint8_t *at = (const uint8_t *)(uintptr_t)(info->dlpi_addr + segment->p_vaddr);
    if (find_in(chio_slice(at, segment->p_memsz), out)) break;
  }
  return 1;
}

void chio_build_id(char out[CHIO_BUILD_ID_HEX + 1]) {
  out[0] = '\0';
  (void)dl_iterate_phdr(look, out);
}
