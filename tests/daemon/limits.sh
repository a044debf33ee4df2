#!/bin/sh
# Limits: who comes too many is told so, and who is there goes on.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
socket=${CHIO_SIGNER#unix:}

restart --set limits.connections=2
is "one connection too many is told so at its first request, and ends" "error=OK|error=OK|error=BUSY|" \
  "$("$frames" open "$socket" hello reply open "$socket" hello reply open "$socket" hello reply end |
    grep -o 'error=[A-Z]*' | tr '\n' '|')"
# chiod may still be busy with the end of the connections before.
served_on() {
  [ "$(echo $("$frames" open "$socket" hello reply open "$socket" hello open "$socket" hello use 0 frame 2 2 "" reply |
    grep -o 'error=[A-Z]*'))" = "error=OK error=OK" ]
}
check "the ones before it are served on" wait_for served_on
room_again() { "$frames" open "$socket" hello reply | grep -q error=OK; }
check "there is room again once they are gone" wait_for room_again

restart --set pool.threads=1 --set pool.queue=1 --set token.argon2_memory=33554432 --set token.argon2_passes=4
"$abs_top_builddir/tests/support/make_token" test 12345678 123456
body=$(login_body 123456)
# Until the pool is slower than the four come, however long the system lets them wait.
crowd() {
  out=$("$frames" open "$socket" hello reply open "$socket" hello reply open "$socket" hello reply open "$socket" hello \
    reply use 0 frame 6 2 "$body" use 1 frame 6 2 "$body" use 2 frame 6 2 "$body" use 3 frame 6 2 "$body" use 0 reply \
    use 1 reply use 2 reply use 3 reply | grep type=6)
  [ "$(echo "$out" | wc -l)" -ne 4 ] || echo "$out" | grep -q error=BUSY
}
wait_for crowd
is "every request gets its reply when the pool's queue is full" 4 "$(echo "$out" | wc -l)"
contains "some are told that it is" error=BUSY "$out"
contains "the others are served" error=OK "$out"

restart --set limits.stall_timeout=1
is "who stops in the middle of a request is cut off" end "$("$frames" open "$socket" header 100 1 0 1 bytes 00 end)"
is "who is only idle is not" "error=OK" \
  "$("$frames" open "$socket" hello reply sleep 3500 frame 2 2 "" reply | tail -n 1 | cut -d' ' -f3)"
restart --set limits.idle_timeout=1
is "who is idle is cut off when that is asked for" "end" "$("$frames" open "$socket" hello reply end | tail -n 1)"

restart --set limits.buffered=2200000
# Each connection is in the hands of one of several threads: the third comes when the first two are known to be held.
"$frames" open "$socket" header 1000000 18 0 1 bytes 00 open "$socket" header 1000000 18 0 1 bytes 00 sleep 60000 &
holder=$!
both_are_held() { [ "$(chio-hsm status --json | grep -o '"buffered":[[:blank:]]*[0-9]*' | tr -dc 0-9)" -ge 2000000 ]; }
check "what strangers have begun is counted" wait_for both_are_held
is "what they can make chiod keep is bounded" end "$("$frames" open "$socket" header 1000000 18 0 1 end)"
kill "$holder"
check "the log says so" grep -q "no memory is left" "$CHIOD_LOG"

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$(dirname "$socket")"
  as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$frames" "$@"; }
  restart --set socket.mode=0666
  is "a mode that admits everybody does" "error=OK" "$(as_nobody open "$socket" hello reply | cut -d' ' -f3)"
  restart --set socket.mode=0600
  refute "one that does not does not" as_nobody open "$socket"
  printf '[allow]\nusers = ["daemon", "4242"]\n' >>"$CHIO_STATE/hsm.toml"
  restart --set socket.mode=0666
  is "a user who is not on the list is told so" "error=PERMISSION" "$(as_nobody open "$socket" hello reply | cut -d' ' -f3)"
  is "root is always let in" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"
  sed -i 's/"4242"/"65534"/' "$CHIO_STATE/hsm.toml"
  restart --set socket.mode=0666
  is "a user who is on it is let in" "error=OK" "$(as_nobody open "$socket" hello reply | cut -d' ' -f3)"
  sed -i 's/^users.*/groups = ["65534"]/' "$CHIO_STATE/hsm.toml"
  restart --set socket.mode=0666
  is "so is one whose group is" "error=OK" "$(as_nobody open "$socket" hello reply | cut -d' ' -f3)"
  is "and one with a supplementary group that is" "error=OK" \
    "$(setpriv --reuid=1 --regid=1 --groups 65534 "$frames" open "$socket" hello reply | cut -d' ' -f3)"
  is "but not another" "error=PERMISSION" \
    "$(setpriv --reuid=1 --regid=1 --clear-groups "$frames" open "$socket" hello reply | cut -d' ' -f3)"
else
  skip "users and groups that are allowed" "needs root and setpriv"
fi
plan
