/*
 * Preloaded into every program of a test under AddressSanitizer, initialised before all other libraries (-z initfirst), and
 * the sanitizer with it. Otherwise a program that is not ours starts the sanitizer at its first malloc, which is
 * libp11-kit's constructor within newlocale(): the start asks dlerror() for a text, whose lock of the locale is thus
 * released twice, and certtool hangs at its exit.
 *
 * And dd and cat ask aligned_alloc() for sizes that are no multiple of the alignment, which glibc grants and the sanitizer
 * ends a program for.
 */
#include <stdlib.h>

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t size) {
  void *at;
  return posix_memalign(&at, alignment, size) == 0 ? at : NULL;
}

__attribute__((constructor)) static void start(void) {
  void *volatile first = malloc(1);
  free(first);
}
