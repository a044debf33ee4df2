#!/bin/sh
# The store was tampered with. A damaged row: that object is refused, by name, and the others go on. A row replaced or
# taken away: nothing of the token can be trusted, and it is refused; chiod goes on in either case.
. "$abs_top_srcdir/tests/support/tap.sh"
need sqlite3
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
make_key=$abs_top_builddir/tests/support/make_key
store=$CHIO_STATE/store.sqlite

sign() { # ID
  "$abs_top_builddir/tests/support/use_key" "$1"
}

damage() { # SQL, on the private key `broken` (CKO_PRIVATE_KEY is 3)
  stop_by TERM
  sqlite3 "$store" "$1"
  "$CHIO_START" || return 1
}
row="WHERE label = CAST('broken' AS BLOB) AND class = 3"

as_it_was() {
  stop_by TERM
  rm -f "$store" "$store"-*
  cp "$CHIO_TEST_DIR/good.sqlite" "$store"
  : >"$CHIOD_LOG"
  "$CHIO_START"
}

"$make_key" p256 whole 1
"$make_key" p256 broken 2
check "both keys sign: one" sign 1
check "both keys sign: two" sign 2
stop_by TERM
cp "$store" "$CHIO_TEST_DIR/good.sqlite"
"$CHIO_START"

for column in sealed attrs; do
  case $column in
    sealed) change="sealed = zeroblob(length(sealed))" ;;
    attrs) change="attrs = substr(attrs, 1, length(attrs) - 1) || x'ff'" ;;
  esac
  check "chiod starts though '$column' of a row was changed" damage "UPDATE object SET $change $row"
  refute "that key does not sign" sign 2
  contains "the log says which object is damaged" "is damaged" "$(grep STORE_CORRUPT "$CHIOD_LOG")"
  check "the other key signs" sign 1
  as_it_was
done
check "with the row as it was, both keys sign again" sign 2

for change in "UPDATE object SET version = version + 1 $row" "DELETE FROM object $row"; do
  check "chiod starts after ${change%% *}" damage "$change"
  check "the audit finds it" wait_for grep -q "store.audit" "$CHIOD_LOG"
  refute "the token is not served" sign 1
  contains "the reason and the remedy are in the log" "restore it, or initialise the token" "$(cat "$CHIOD_LOG")"
  is "chiod goes on" "error=OK" "$("$frames" open "${CHIO_SIGNER#unix:}" hello reply frame 2 2 "" reply | tail -n 1 | cut -d' ' -f3)"
  as_it_was
  check "with the store as it was, the token is served again" sign 1
done
plan
