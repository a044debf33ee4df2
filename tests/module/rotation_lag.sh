#!/bin/sh
# The schedule of rotation as status, report coverage and doctor tell of it.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
export CHIO_TEST_CONFIG='rotation.after = "1s"
rotation.roles = ["rests=90d"]'
under_chiod
enter_token
lag() {
  chio-hsm status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["slots"][0]["rotation_lag_seconds"])'
}
late() { [ "$(lag)" -gt 0 ]; }
until_it() { # COMMAND...: bounded
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || return 1
    sleep 0.2
  done
}

chio-hsm key generate resting --role rests >/dev/null
is "a key that is not due is not late" 0 "$(lag)"
chio-hsm key generate web >/dev/null
check "one that is due is" until_it late
chio-hsm report coverage --json >coverage.json
check "report coverage says so" \
  python3 -c 'import json, sys; sys.exit(json.load(open("coverage.json"))["rotation_lag_seconds"] <= 0)'
contains "and in words" "rotation is" "$(chio-hsm report coverage)"
contains "doctor names the token" "keys of token 'test' are due to be rotated" "$(chio-hsm doctor)"
check "suspended it is not in use" chio-hsm key suspend web
not_late() { [ "$(lag)" = 0 ]; }
check "and not late" until_it not_late
plan
