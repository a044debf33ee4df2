#!/bin/sh
# The rows of tests/kms/matrix whose servers are there without an installation of minutes, with fewer signatures.
. "$abs_top_srcdir/tests/support/tap.sh"
CHIO_TEST_INSTALL=${CHIO_TEST_INSTALL:-no} CHIO_MATRIX_COUNT=64
export CHIO_TEST_INSTALL CHIO_MATRIX_COUNT

rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
"$abs_top_srcdir/tests/kms/matrix" softhsm vault >"$rows" 2>&1
while read -r verdict row; do
  case $verdict in
    ok) pass "$row" ;;
    skipped) skip "${row%%:*}" "${row#*: }" ;;
    FAILED) fail "${row%%:*}" "${row#*: }" ;;
    *[0-9]) last="$verdict $row" ;;
    *) fail "a line that is no row" "$verdict $row" ;;
  esac
done <"$rows"
contains "the last line counts" " failed, " "${last:-}"
plan
