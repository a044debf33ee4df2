#!/bin/sh
# The one-table habit: no number and no name stands twice in a table, and numbers that went out stay as they are.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"

# column N of the rows of a table, as in MACRO(first, second, ...)
column() {
  sed -n 's/^CHIO_[A-Z0-9_]*(\(.*\))$/\1/p' "$1" | cut -d, -f"$2" | tr -d ' "'
}

unique() {
  twice=$(column "$1" "$2" | sort | uniq -d)
  [ -n "$(column "$1" "$2")" ] || { echo "no rows found"; return 1; }
  [ -z "$twice" ] || { echo "twice: $twice"; return 1; }
}

check "each error has a name of its own" unique signer/base/err.def 1
check "each error has a number of its own" unique signer/base/err.def 2
check "each message has a name of its own" unique signer/wire/message.def 1
check "each message has a number of its own" unique signer/wire/message.def 3
check "each message to chio-kmsd has a name of its own" unique signer/wire/backend.def 1
check "each message to chio-kmsd has a number of its own" unique signer/wire/backend.def 3
check "each mechanism has a name of its own" unique signer/wire/mechanism.def 1
check "each mechanism has a number of its own" unique signer/wire/mechanism.def 2
check "each mechanism has a CKM of its own" unique signer/wire/mechanism.def 3
check "each attribute stands once" unique signer/wire/attribute.def 1

# What verify says: each code of chio_attest.h is told in chio-hsm(1), with the words of its row.
codes_are_told() {
  codes=$(tr -d '\\\n' <attest/chio_attest.h | grep -oE 'X\([A-Z_]+, *[0-9]+, *"[a-z-]+", *"[^"]*"\)' |
    sed 's/^X([A-Z_]*, *[0-9]*, *"\([a-z-]*\)", *"\(.*\)")$/\1|\2/' | grep -v '^accepted|')
  [ "$(echo "$codes" | wc -l)" -ge 60 ] || { echo "no codes found: $codes"; return 1; }
  echo "$codes" | while IFS='|' read -r code text; do
    grep -qx ".It Cm $code" docs/man/chio-hsm.1 || { echo "not in chio-hsm(1): $code"; return 1; }
    grep -qixF "$text." docs/man/chio-hsm.1 || { echo "other words in chio-hsm(1): $text"; return 1; }
  done
}
check "each code of a verdict and of a proof is told in chio-hsm(1)" codes_are_told
plan
