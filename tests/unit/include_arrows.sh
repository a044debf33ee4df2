#!/bin/sh
# Holds the arrows between the folders (docs/ARCHITECTURE.md): what each may include, besides itself. Nothing points back.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"

# Every #include of ours in a folder, as FILE: PATH, whose folder is not in the allowed list.
crossing() {
  folder=$1
  shift
  allowed=$(printf '%s/[^/]*$\n' "$folder" "$@" | sed 's/^/^/' | paste -sd '|')
  find "$folder" -name '*.[ch]' -o -name '*.def' | sort | xargs grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
    sed 's/^\([^:]*:[0-9]*\):.*"\(.*\)".*/\1 \2/' |
    awk -v allowed="$allowed" '$2 != "config.h" && $2 !~ allowed'
}

holds() {
  out=$(crossing "$@")
  [ -z "$out" ] || {
    echo "$1 may include $* only:"
    echo "$out"
    return 1
  }
}

arrow() {
  if [ -d "$1" ]; then check "$1 includes nothing but itself${2:+ and $(shift; echo "$*" | sed 's/ /, /g')}" holds "$@"; fi
}

front="signer/client signer/wire signer/base"
arrow signer/base
arrow signer/wire signer/base
arrow signer/client signer/wire signer/base
arrow attest signer/base
arrow signer/core signer/wire attest signer/base
arrow signer/daemon signer/core signer/wire attest signer/base
arrow pkcs11 $front
arrow provider $front
arrow kms-adapters signer/wire signer/base
arrow tools tools/hsm tools/bench attest $front

# The same habit everywhere: an include path starts at the top of the source, so that the arrows can be read.
relative() {
  ! find signer attest pkcs11 provider tools tests -name '*.[ch]' -exec grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(\.|[^/"]*")' {} + |
    grep -v '"config.h"'
}
check "include paths start at the top of the source" relative
plan
