#!/bin/sh
# What the house style says and a grep can hold (docs/conventions.md).
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"

places="signer attest pkcs11 provider tools tests"
[ ! -d kms-adapters ] || places="$places kms-adapters"
sources=$(find $places -name '*.[ch]' | sort)

none() {
  pattern=$1
  shift
  ! grep -nE "$pattern" "$@"
}

long_lines() {
  LC_ALL=C.UTF-8 awk 'length($0) > (FILENAME ~ /^tests/ ? 128 : 120) { print FILENAME ":" FNR ": " length($0); bad = 1 } END { exit bad }' $sources
}

long_files() {
  wc -l $product | awk '$2 != "total" && $1 > 700 { print; bad = 1 } END { exit bad }'
}

guarded() {
  status=0
  for header in $(find $places -name '*.h'); do
    grep -qE '^#ifndef [A-Z][A-Z0-9_]*_H$' "$header" || { echo "$header"; status=1; }
  done
  return $status
}

product=$(echo "$sources" | grep -v '^tests/')
modules=$(find pkcs11 provider signer/client signer/wire signer/base -name '*.c')

check "no function that cannot be used safely" \
  none '(^|[^a-zA-Z0-9_])(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|system|popen|tmpnam|mktemp|strtok|alloca)[[:space:]]*\(' $sources
check "no work is left for later" none 'TODO|FIXME|(^|[^X])XXX([^X]|$)|HACK|[Pp]laceholder|[Ff]or now[,.]' $sources
check "no line is longer than 120 (in tests, whose tables have wide rows: 128)" long_lines
check "no file is longer than 700 lines" long_files
check "no tab, no blank at the end of a line" none "$(printf '\t')|[[:blank:]]+\$" $sources
check "each header has its guard" guarded
check "the modules and the daemon read the environment with secure_getenv" \
  none '(^|[^a-zA-Z0-9_])getenv[[:space:]]*\(' $modules $(find signer attest -name '*.c')
check "a guest in the process neither prints nor ends it" \
  none '(^|[^a-zA-Z0-9_])(printf|puts|fputs|perror|fprintf|exit|abort|setlocale|signal|sigaction)[[:space:]]*\(' $modules
plan
