/*
 * Preloaded into every program of a test under AddressSanitizer, initialised before all other libraries (-z initfirst), and
 * the sanitizer with it. Otherwise a program that is not ours starts the sanitizer at its first malloc, which is
 * libp11-kit's constructor within newlocale(): the start asks dlerror() for a text, whose lock of the locale is thus
 * released twice, and certtool hangs at its exit.
 */
#include <stdlib.h>

__attribute__((constructor)) static void start(void) {
  void *volatile first = malloc(1);
  free(first);
}
