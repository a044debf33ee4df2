# What tests/kms/matrix and tests/kms/faults share: rows that are printed and counted, servers that are started and stopped,
# the configuration of a backend as chiod and as use_adapter take it.

rows_begin() {
  # AWS: servers that look at no credentials want some all the same.
  AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=none
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  rows_dir=$(mktemp -d "${TMPDIR:-/tmp}/chio-rows-XXXXXX") || exit 99
  ROWS_FILE=$rows_dir/rows
  : >"$ROWS_FILE"
  trap rows_clean EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 141' PIPE
}

rows_clean() {
  trap - EXIT HUP INT TERM
  stop_servers
  rm -rf "$rows_dir"
}

# Rows come from subshells and other processes: they are counted in a file.
row_ok() { # NAME NOTE
  echo ok >>"$ROWS_FILE"
  printf 'ok       %s%s\n' "$1" "${2:+: $2}"
}

row_failed() { # NAME REASON
  echo failed >>"$ROWS_FILE"
  printf 'FAILED   %s: %s\n' "$1" "$2"
}

row_skipped() { # NAME REASON
  echo skipped >>"$ROWS_FILE"
  printf 'skipped  %s: %s\n' "$1" "$2"
}

rows_end() {
  rows_passed=$(grep -c '^ok' "$ROWS_FILE")
  rows_failed=$(grep -c '^failed' "$ROWS_FILE")
  echo "$rows_passed passed, $rows_failed failed, $(grep -c '^skipped' "$ROWS_FILE") skipped"
  [ "$rows_failed" -eq 0 ] && [ "$rows_passed" -gt 0 ]
  exit
}

rows_skip_all() {
  echo "skipped  all: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

# Whether a row is one of those that were asked for: all, when none was.
rows_wanted() { # NAME WANTED...
  wanted_name=$1
  shift
  [ $# -gt 0 ] || return 0
  for wanted in "$@"; do
    if [ "$wanted" = "$wanted_name" ]; then return 0; fi
  done
  return 1
}

# Status 0 with the server's environment taken over, or 1 with the reason in $server_reason.
start_server() { # NAME
  case $1 in
    !*)
      server_reason=${1#!}
      return 1
      ;;
  esac
  server_reason=$("$abs_top_srcdir/tests/kms/servers/$1" install) || return 1
  echo "$1" >>"$rows_dir/started"
  server_reason=$("$abs_top_srcdir/tests/kms/servers/$1" start "$rows_dir/$1" 2>&1) || return 1
  . "$rows_dir/$1/env"
}

stop_servers() {
  [ -s "$rows_dir/started" ] || return 0
  while read -r stop_name; do
    "$abs_top_srcdir/tests/kms/servers/$stop_name" stop "$rows_dir/$stop_name" </dev/null
  done <"$rows_dir/started"
  : >"$rows_dir/started"
}

# A text of tests/kms/backends with its variables filled in; it is ours, not a stranger's.
expand() {
  eval "cat <<EXPANDED
$1
EXPANDED"
}

# kind = "vault"; token_file = "/x" -> vault --token-file /x
adapter_options() {
  printf '%s' "$1" | tr ';' '\n' | awk -F ' *= *' '
    { gsub(/^ +/, "", $1); gsub(/"/, "", $2) }
    $1 == "kind" { kind = $2; next }
    $1 != "" { name = $1; gsub(/_/, "-", name); options = options " --" name " " $2 }
    END { print kind options }'
}

adapter_of_backend() {
  # shellcheck disable=SC2086
  "$abs_top_builddir/tests/support/use_adapter" $ADAPTER_OPTIONS "$@"
}
