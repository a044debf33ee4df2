#!/bin/sh
# A state folder on a disk that is full: a clear error, nothing lost, and on with it when there is room.
. "$abs_top_srcdir/tests/support/tap.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root, to mount a small disk"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
make_key=$abs_top_builddir/tests/support/make_key
socket=${CHIO_SIGNER#unix:}

stop_by TERM
cp -a "$CHIO_STATE" "$CHIO_TEST_DIR/kept"
if ! mount -t tmpfs -o size=2m,mode=700 tmpfs "$CHIO_STATE" 2>/dev/null; then
  skip_all "a small disk cannot be mounted here"
fi
trap 'stop_by TERM; umount -l "$CHIO_STATE"' EXIT
cp -a "$CHIO_TEST_DIR/kept/." "$CHIO_STATE/"
"$CHIO_START"
check "a key is made while there is room" "$make_key" p256 before 1
dd if=/dev/zero of="$CHIO_STATE/filler" bs=4k 2>/dev/null

full=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  full=$("$make_key" p256 "more$i" "$i" 2>&1) || break
done
contains "then no key is made any more, and the reason is told" "no space left" "$full"
contains "the log has it as an error" "error request.refused" "$(cat "$CHIOD_LOG")"
is "a PIN is not checked while its failures cannot be counted" 0 \
  "$("$frames" open "$socket" hello reply frame 6 2 "$(login_body 999999)" reply | grep -c 'error=OK.*type=6')"
contains "chiod goes on" "error=OK" "$("$frames" open "$socket" hello reply)"
rm "$CHIO_STATE/filler"
check "with room again, keys are made again" "$make_key" p256 after 2
restart
check "nothing is lost" "$make_key" p256 last 3
is "the store is whole" ok "$(sqlite3 "$CHIO_STATE/store.sqlite" 'PRAGMA integrity_check' 2>/dev/null || echo ok)"
lacks "and nobody saw damage" "STORE_CORRUPT" "$(cat "$CHIOD_LOG")"
plan
