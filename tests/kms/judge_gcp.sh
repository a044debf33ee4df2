#!/bin/sh
# Google's own client judges the Google test server (judge_gcp.py): the adapter is held against that server, so the server
# must be one that Google's client takes for Google's.
set -eu
. "$abs_top_srcdir/tests/support/tap.sh"

servers=$abs_top_srcdir/tests/kms/servers
reason=$("$servers/gcp" install) || skip_all "${reason:-the Google test server cannot be installed}"

# In a subshell: lib.sh ends it where something cannot be had.
judge_install() (
  set -- gcp-judge
  . "$servers/lib.sh"
  fill() {
    venv python3 google-cloud-kms==3.18.0 cryptography==50.0.2 requests==2.34.2
  }
  need python3 flock
  cached gcp-judge fill
  echo "$into/venv/bin/python3"
)
python=$(judge_install) || skip_all "$python"

dir=$(mktemp -d)
trap '"$servers/gcp" stop "$dir"; rm -rf "$dir"' EXIT
"$servers/gcp" start "$dir"
. "$dir/env"
"$python" "$abs_top_srcdir/tests/kms/judge_gcp.py"
