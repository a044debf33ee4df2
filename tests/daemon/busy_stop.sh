#!/bin/sh
# SIGTERM while chiod works: what is under way is finished, who does not read is cut off, nothing hangs.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
socket=${CHIO_SIGNER#unix:}
out=$CHIO_TEST_DIR/out

restart --set token.argon2_memory=33554432 --set token.argon2_passes=20 --log-level debug
"$abs_top_builddir/tests/support/make_token" test 12345678 123456
# HELLO and LOGIN are counted when their service begins; so are the questions for the number.
requests() { chio-hsm status --json | sed -n 's/.*"requests":[[:blank:]]*\([0-9]*\).*/\1/p'; }
counted=$(requests)
each=$(($(requests) - counted))
counted=$((counted + each))
login_has_begun() {
  counted=$((counted + each))
  [ $(($(requests) - counted)) -ge 2 ]
}
"$frames" open "$socket" hello reply frame 6 2 "$(login_body 123456)" reply end >"$out" 2>&1 &
wait_for login_has_begun
check "chiod ends while a PIN is being checked" stop_by TERM
wait
is "the login was answered, then the connection ended" "error=OK end" "$(echo $(tail -n 2 "$out" | grep -o 'error=[A-Z]*\|end'))"

"$CHIO_START" --set limits.stop_timeout=1
"$frames" open "$socket" hello reply repeat 100 25 2 00000100 sleep 20000 >"$out" 2>&1 &
client=$!
wait_for test -s "$out"
check "a client that does not read its replies does not hold chiod back" stop_by TERM
kill "$client" 2>/dev/null
wait
check "and it starts again" "$CHIO_START"
plan
