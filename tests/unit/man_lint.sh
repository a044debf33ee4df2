#!/bin/sh
# The manual pages are mdoc that mandoc has nothing to say about, and each installed program has one.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"
cd "$abs_top_srcdir"

command -v mandoc >/dev/null 2>&1 || skip_all "mandoc is not installed"
[ -d docs/man ] || skip_all "no manual pages"

for page in docs/man/*.[1-8]; do
  check "$page has no warning" mandoc -T lint -W warning "$page"
done
plan
