#!/bin/sh
# docs/sandbox.md has a reason for every system call that the filters of chiod and chio-kmsd allow, and for no other.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"
heading='^# What chio-kmsd may ask'

allowed() { # TABLE SOURCE
  {
    sed -n 's/^CHIO_\(MODULE_\)*SYSCALL(\(.*\))$/\2/p' "$1"
    sed -n 's/^    {"\([a-z0-9_]*\)", CHIO_FILTER_WHEN.*/\1/p' "$2" signer/base/filter.c
    echo clone3
    echo tgkill
  } | sort -u
}

explained() {
  sed -n 's/^| \(`[^|]*`\) |.*/\1/p' | tr -d '`' | tr ',' '\n' | tr -d ' ' | sort -u
}

is "chiod's table and the page name the same calls" "$(allowed signer/daemon/sandbox.def signer/daemon/sandbox.c)" \
  "$(sed "/$heading/,\$d" docs/sandbox.md | explained)"
is "chio-kmsd's table and the page name the same calls" \
  "$(allowed kms-adapters/kmsd_sandbox.def kms-adapters/kmsd_sandbox.c)" "$(sed -n "/$heading/,\$p" docs/sandbox.md | explained)"
plan
