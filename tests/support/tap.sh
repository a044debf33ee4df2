# TAP for shell tests, sourced: . "$abs_top_srcdir/tests/support/tap.sh"
#   check NAME COMMAND...   runs COMMAND; its output becomes comments when it fails
#   refute NAME COMMAND...  the same, and COMMAND must fail
#   is NAME EXPECTED FOUND, contains NAME PART TEXT, lacks NAME PART TEXT
#   pass NAME, fail NAME [REASON], skip NAME REASON, skip_all REASON (exits)
#   need TOOL...            skips the whole test where one of them is not here
#   fails_with WORD COMMAND...   a command for check: succeeds when COMMAND fails and says WORD
#   under_chiod [--embedded] (first: runs the test again, under a signer of its own)
#   enter_token (next: into CHIO_TEST_DIR; the user's PIN is in the file pin, and chio-hsm takes it from there)
#   plan (last; exits with 1 after a failure)
tap_count=0
tap_failed=0

tap_comment() {
  sed 's/^/# /'
}

pass() {
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1"
}

fail() {
  tap_count=$((tap_count + 1))
  tap_failed=$((tap_failed + 1))
  echo "not ok $tap_count - $1"
  if [ $# -gt 1 ]; then printf '%s\n' "$2" | tap_comment; fi
}

skip() {
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}

skip_all() {
  echo "1..0 # SKIP $1"
  exit 0
}

need() {
  for need_tool; do command -v "$need_tool" >/dev/null 2>&1 || skip_all "$need_tool is not here"; done
}

fails_with() {
  fails_word=$1
  shift
  if fails_said=$("$@" 2>&1); then
    echo "it does not fail: $fails_said"
    return 1
  fi
  case $fails_said in *"$fails_word"*) return 0 ;; esac
  echo "$fails_said"
  return 1
}

check() {
  tap_name=$1
  shift
  if tap_output=$("$@" 2>&1); then pass "$tap_name"; else fail "$tap_name" "$tap_output"; fi
}

refute() {
  tap_name=$1
  shift
  if tap_output=$("$@" 2>&1); then fail "$tap_name" "$* $tap_output"; else pass "$tap_name"; fi
}

is() {
  if [ "$2" = "$3" ]; then
    pass "$1"
  else
    fail "$1" "expected: $2
found: $3"
  fi
}

contains() {
  case $3 in
    *"$2"*) pass "$1" ;;
    *) fail "$1" "expected somewhere: $2
found: $3" ;;
  esac
}

lacks() {
  case $3 in
    *"$2"*) fail "$1" "expected nowhere: $2
found: $3" ;;
    *) pass "$1" ;;
  esac
}

under_chiod() {
  [ -z "${CHIO_TEST_DIR:-}" ] || return 0
  exec "$abs_top_srcdir/tests/support/with-chiod" "$@" /bin/sh "$0"
}

enter_token() {
  cd "$CHIO_TEST_DIR" || exit 99
  (umask 077 && printf 123456 >pin) || exit 99
  CHIO_PIN_SOURCE=$CHIO_TEST_DIR/pin
  export CHIO_PIN_SOURCE
}

# Stops the chiod of with-chiod and waits until it is gone (or a zombie that nobody reaps), so that another may start.
stop_chiod() {
  stop_pid=$(cat "$CHIO_PIDFILE")
  kill "$stop_pid"
  stop_tries=0
  while [ $stop_tries -lt 600 ] && kill -0 "$stop_pid" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$stop_pid/status"; do
    sleep 0.1
    stop_tries=$((stop_tries + 1))
  done
}

plan() {
  echo "1..$tap_count"
  [ $tap_failed -eq 0 ]
  exit
}
