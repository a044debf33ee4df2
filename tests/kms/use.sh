# The test servers as TAP tests use them, sourced behind tap.sh:
#   use_server NAME   installs and starts tests/kms/servers/NAME and takes over what its DIR/env says; skips the whole test
#                     when it cannot be had. What takes minutes to install is installed by `./check --all` alone
#                     (CHIO_TEST_INSTALL=yes), what takes seconds by ./check too (=quick); else what is there already is
#                     used.
#   adapter ARGUMENT... runs tests/support/use_adapter
# All servers are stopped when the test ends, however it ends.
use_dir=$(mktemp -d "${TMPDIR:-/tmp}/chio-kms-XXXXXX")
use_started=

use_stop() {
  trap - EXIT HUP INT TERM
  for use_name in $use_started; do "$abs_top_srcdir/tests/kms/servers/$use_name" stop "$use_dir/$use_name"; done
  rm -rf "$use_dir"
}
trap use_stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 141' PIPE

# Status 0, or 1 with the reason in $use_reason.
try_server() {
  use_reason=$(CHIO_TEST_INSTALL=${CHIO_TEST_INSTALL:-no} "$abs_top_srcdir/tests/kms/servers/$1" install) || return 1
  use_started="$use_started $1"
  use_reason=$("$abs_top_srcdir/tests/kms/servers/$1" start "$use_dir/$1" 2>&1) || return 1
  . "$use_dir/$1/env"
}

use_server() {
  try_server "$1" || skip_all "$1: $use_reason"
}

adapter() {
  "$abs_top_builddir/tests/support/use_adapter" "$@"
}
