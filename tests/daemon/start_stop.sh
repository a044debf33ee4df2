#!/bin/sh
# chiod starts, stops, starts again, and does not start where another one runs.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
socket=${CHIO_SIGNER#unix:}
door=${socket%.sock}.door
first=$(cat "$CHIO_PIDFILE")

is "chiod answers" "type=1 id=1 error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f1-3)"
contains "the version is printed" "chiod " "$("$chiod" --version)"
contains "the help names the configuration file's flag" "--config FILE" "$("$chiod" --help)"

out=$("$chiod" --config "$CHIO_STATE/hsm.toml" --state "$CHIO_STATE" --socket "$CHIO_TEST_DIR/b.sock" \
  --pidfile "$CHIO_PIDFILE" --stay-root 2>&1)
is "a second chiod on the same state is refused" 1 $?
contains "it is told who has the state" "$first" "$out"
is "the first one's pid file is left alone" "$first" "$(cat "$CHIO_PIDFILE")"
refute "the second one's socket was never made" test -e "$CHIO_TEST_DIR/b.sock"

out=$("$chiod" --config "$CHIO_STATE/hsm.toml" --state "$CHIO_TEST_DIR/other" --socket "$socket" --stay-root 2>&1)
is "a chiod on a socket that is in use is refused" 1 $?
contains "it is told why" "another process listens there" "$out"
is "the first one still answers" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"

mv "$CHIOD_LOG" "$CHIOD_LOG.1"
kill -HUP "$first"
check "SIGHUP opens the log again" wait_for test -s "$CHIOD_LOG"

sed 's/^platform/log.level = "debug"\nplatform/' "$CHIO_STATE/hsm.toml" >"$CHIO_TEST_DIR/new.toml"
cp "$CHIO_TEST_DIR/new.toml" "$CHIO_STATE/hsm.toml"
kill -HUP "$first"
wait_for grep -q "debug" "$CHIOD_LOG" || "$frames" open "$socket" hello reply >/dev/null
"$frames" open "$socket" hello reply >/dev/null
check "SIGHUP takes the log's level from the file" wait_for grep -q "type=HELLO" "$CHIOD_LOG"

echo 'log.level = "loud"' >"$CHIO_STATE/hsm.toml"
kill -HUP "$first"
check "a file that is wrong by then is complained about" wait_for grep -q 'hsm.toml:1: expected' "$CHIOD_LOG"
is "and chiod goes on" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"
cp "$CHIO_TEST_DIR/new.toml" "$CHIO_STATE/hsm.toml"

for signal in TERM INT; do
  check "SIG$signal ends it" stop_by $signal
  refute "its socket is gone" test -e "$socket"
  refute "its door is gone" test -e "$door"
  refute "its pid file is gone" test -e "$CHIO_PIDFILE"
  check "it starts again on the same state" "$CHIO_START"
done

check "kill -9 ends it" stop_by KILL
check "its socket is left behind" test -S "$socket"
check "it starts again over a stale socket" "$CHIO_START"
is "and answers" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"
is "with its token" 1 "$("$frames" open "$socket" hello reply frame 6 2 "$(login_body 123456)" reply | grep -c 'type=6 id=2 error=OK')"

stop_by TERM
"$frames" notified "$CHIO_TEST_DIR/notify" 4 >"$CHIO_TEST_DIR/notified" &
wait_for test -S "$CHIO_TEST_DIR/notify"
check "it starts under a service manager" env NOTIFY_SOCKET="$CHIO_TEST_DIR/notify" "$CHIO_START"
kill -HUP "$(cat "$CHIO_PIDFILE")"
wait_for grep -q RELOADING "$CHIO_TEST_DIR/notified"
stop_by TERM
wait
is "which is told how it goes" "READY=1 RELOADING=1 READY=1 STOPPING=1" "$(echo $(cat "$CHIO_TEST_DIR/notified"))"

check "it starts with its standard descriptors closed" sh -c 'exec "$1" <&- >&- 2>&-' sh "$CHIO_START"
is "and answers then" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"
stop_by TERM
echo precious >"$socket"
refute "a file that is no socket is not replaced" "$CHIO_START"
is "and keeps its contents" precious "$(cat "$socket")"
rm "$socket"
plan
