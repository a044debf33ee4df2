#!/bin/sh
# docs/operations.md speaks of events, fields and errors that the code has.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"
page=docs/operations.md
sources=$(find signer attest -name '*.c' -o -name '*.def')

# Each word of the list stands between quotes somewhere, after that prefix.
all_there() { # PREFIX WORD...
  prefix=$1
  missing=
  shift
  for word in "$@"; do
    # shellcheck disable=SC2086
    grep -qF "$prefix\"$word\"" $sources || missing="$missing $word"
  done
  [ -z "$missing" ] || { echo "nowhere in the code:$missing"; return 1; }
}

errors_there() {
  missing=
  for word in "$@"; do
    grep -q "^CHIO_ERR(E_$word," signer/base/err.def || missing="$missing $word"
  done
  [ -z "$missing" ] || { echo "no such error:$missing"; return 1; }
}

events=$({ grep -o 'event=~\{0,1\}"[^"]*"' $page | sed 's/.*"\(.*\)"/\1/' | tr '|' '\n'
           grep -o '`[a-z]*\.[a-z_]*`' $page | tr -d '`' | grep -v 'json$'; } | sort -u)
fields=$({ grep -o 'sum by ([a-z_, ]*)' $page | sed 's/sum by (\(.*\))/\1/' | tr ',' '\n'
           sed -n 's/^|.*| `\([a-z_]*\)`.*/\1/p' $page; } | tr -d ' ' | sort -u | grep -vx 'ready\|event\|level\|error')
errors=$(grep -o '[A-Z][A-Z]*_[A-Z][A-Z_]*\|TIMEOUT' $page | sort -u)

is "the page has events, fields and errors" yes \
  "$([ "$(echo $events | wc -w)" -ge 6 ] && [ "$(echo $fields | wc -w)" -ge 5 ] && [ -n "$errors" ] && echo yes)"
# shellcheck disable=SC2086
check "its events are logged" all_there '' $events
# shellcheck disable=SC2086
check "its fields are fields" all_there '' $fields
# shellcheck disable=SC2086
check "its errors are errors" errors_there $errors
plan
