#!/bin/sh
# Each header compiles alone: it includes what it uses. With every compiler that is there.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"

flags="-std=gnu11 -D_GNU_SOURCE= -Wall -Wextra -Werror -I. $(pkg-config --cflags p11-kit-1)"

alone() {
  find signer attest pkcs11 provider kms-adapters tools tests -name '*.h' 2>/dev/null | sort |
    xargs -P 2 -n 1 "$1" $flags -fsyntax-only -x c -Wno-unused-function
}

for compiler in gcc clang; do
  if command -v $compiler >/dev/null 2>&1; then
    check "each header compiles alone with $compiler" alone $compiler
  else
    skip "each header compiles alone with $compiler" "$compiler is not installed"
  fi
done
plan
