#!/bin/sh
# libchio-attest as a stranger uses it: the public header alone, C and C++, and no symbols but its own.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
if nm -D "$abs_top_builddir/.libs/libchio-attest.so" | grep -q '__[a-z]*san_'; then
  skip_all "a sanitizer's runtime is linked in"
fi
lib="$abs_top_builddir/.libs/libchio-attest.so"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$abs_top_srcdir/attest/chio_attest.h" "$dir"

cat >"$dir/use.c" <<'C'
#include <chio_attest.h>
#include <stdio.h>
int main(void) {
  struct chio_attest_request request = {0};
  struct chio_attest_result *result = NULL;
  char *json = NULL;
  request.evidence = "abc";
  request.evidence_len = 3;
  if (chio_attest_verify(&request, &result, NULL) != CHIO_ATTEST_OK) return 1;
  if (result->accepted || result->reason != CHIO_ATTEST_UNSUPPORTED) return 2;
  if (chio_attest_result_json(result, &json) != CHIO_ATTEST_OK) return 3;
  puts(json);
  chio_attest_free(json);
  chio_attest_result_free(result);
  return chio_attest_version()[0] == 0;
}
C
cp "$dir/use.c" "$dir/use.cc"
only_own() { ! nm -D --defined-only "$lib" | awk '{ print $3 }' | grep -v '^chio_attest_'; }
use_c() { ${CC:-cc} -std=c11 -Wall -Werror -I"$dir" -o "$dir/use" "$dir/use.c" "$lib" && LD_LIBRARY_PATH="$abs_top_builddir/.libs" "$dir/use" | grep -q '"verdict":"refused"'; }
as_cxx() {
  command -v "${CXX:-c++}" >/dev/null || return 0
  ${CXX:-c++} -std=c++11 -Wall -Wextra -fsyntax-only -I"$dir" "$dir/use.cc"; }
no_foreign() { ! readelf -d "$lib" | grep NEEDED | grep -E 'libssl|libcurl|sqlite|tss2'; }

check "it exports chio_attest_ names alone" only_own
check "a C program links and judges with it" use_c
check "its header is C++ too" as_cxx
check "it needs neither network nor database" no_foreign
plan
