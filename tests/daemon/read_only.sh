#!/bin/sh
# A state folder that cannot be written to.
. "$abs_top_srcdir/tests/support/tap.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root, to mount read-only"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
stop_by TERM
if ! mount --bind "$CHIO_STATE" "$CHIO_STATE" 2>/dev/null; then skip_all "a folder cannot be mounted on itself here"; fi
trap 'umount -l "$CHIO_STATE"' EXIT
mount -o remount,ro,bind "$CHIO_STATE"
out=$("$CHIO_START" 2>&1)
refute "chiod does not start on it" test "$?" -eq 0
contains "and says why" "Read-only file system" "$out$(cat "$CHIOD_LOG")"
contains "and where" "$CHIO_STATE" "$out$(cat "$CHIOD_LOG")"
refute "it leaves no socket" test -e "${CHIO_SIGNER#unix:}"
mount -o remount,rw,bind "$CHIO_STATE"
check "it starts when the folder can be written to again" "$CHIO_START"
stop_by TERM
plan
