#!/bin/sh
# docs/sandbox.md has a reason for every system call that the filter allows, and for no other.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"
allowed=$({
  sed -n 's/^CHIO_SYSCALL(\(.*\))$/\1/p' signer/daemon/sandbox.def
  sed -n 's/^    {"\([a-z0-9_]*\)", WHEN.*/\1/p' signer/daemon/sandbox.c
  echo clone3
  echo tgkill
} | sort -u)
explained=$(sed -n 's/^| \(`[^|]*`\) |.*/\1/p' docs/sandbox.md | tr -d '`' | tr ',' '\n' | tr -d ' ' | sort -u)
is "the table and the page name the same calls" "$allowed" "$explained"
plan
