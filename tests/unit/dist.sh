#!/bin/sh
# What is in git is in a release: every file is built from or listed in EXTRA_DIST.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"

[ -e "$abs_top_srcdir/.git" ] || skip_all "not a git tree"
command -v git >/dev/null 2>&1 || skip_all "git is not installed"

# The owner of a checkout may be another than ours (a container, a build as root).
tracked() {
  git -c safe.directory="$abs_top_srcdir" -C "$abs_top_srcdir" ls-files | grep -vE '(^|/)\.gitignore$|^\.gitattributes$'
}

missing() {
  work=$(mktemp -d)
  # MAKEFLAGS: this make is not part of the one that runs the tests.
  MAKEFLAGS= make -C "$abs_top_builddir" -s print-dist | sort -u >"$work/dist"
  tracked >"$work/tracked"
  # An entry of the list may be a folder.
  awk 'NR == FNR { dist[$0] = 1; next }
       { path = $0; while (!(path in dist) && sub("/[^/]*$", "", path)) { } if (!(path in dist)) print $0 }' \
    "$work/dist" "$work/tracked" >"$work/missing"
  cat "$work/missing"
  [ -s "$work/tracked" ] && [ ! -s "$work/missing" ] || { rm -rf "$work"; return 1; }
  rm -rf "$work"
}

check "every file in git is in a release" missing
plan
