#!/bin/sh
# chio-embedded.so: the same core without the daemon.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod --embedded
. "$abs_top_srcdir/tests/daemon/daemon.sh"
make_key=$abs_top_builddir/tests/support/make_key

is "it exports its one symbol" chio_embedded_v1 \
  "$(nm -D --defined-only "$CHIO_EMBEDDED_MODULE" | awk '{ print $3 }' | grep -v '^_*asan\|^__start\|^__stop' | tr '\n' ' ' | sed 's/ $//')"
lacks "it needs no libcurl and no libssl" libssl "$(readelf -d "$CHIO_EMBEDDED_MODULE" | sed 's/libcurl/libssl/')"
out=$("$make_key" p256 one 1 2>&1)
is "it makes a key" 0 $?
is "and says nothing" "" "$(echo "$out" | grep -i 'notice\|warning\|chiod')"

"$chiod" --config "$CHIO_STATE/hsm.toml" --state "$CHIO_STATE" --socket "$CHIO_TEST_DIR/s.sock" \
  --pidfile "$CHIO_TEST_DIR/pid" --log-file "$CHIO_TEST_DIR/log" --stay-root --daemon
is "chiod takes the same state over" 0 $?
out=$("$make_key" p256 two 2 2>&1)
refute "meanwhile there is no embedded signer on it" test "$?" -eq 0
contains "and the reason is told" "$(cat "$CHIO_TEST_DIR/pid")" "$out"
check "chiod serves what the embedded signer made" env CHIO_SIGNER="unix:$CHIO_TEST_DIR/s.sock" "$make_key" p256 three 3
kill "$(cat "$CHIO_TEST_DIR/pid")"
check "chiod gives it back" wait_for gone "$(cat "$CHIO_TEST_DIR/pid")"
check "and the embedded signer goes on" "$make_key" p256 four 4

# A backend's slot is there, so that its number holds; its keys are not within reach.
printf '[backend.elsewhere]\nkind = "vault"\nendpoint = "https://127.0.0.1:1"\nkeys = ["hashivault://ci"]\n' \
  >>"$CHIO_STATE/hsm.toml"
contains "the slot of a backend is there" elsewhere "$(chio-hsm token list 2>&1)"
printf 123456 >"$CHIO_TEST_DIR/pin"
chmod 600 "$CHIO_TEST_DIR/pin"
out=$(chio-hsm key generate new --token elsewhere --pin-source "$CHIO_TEST_DIR/pin" 2>&1)
refute "no key is made there" test $? -eq 0
contains "and why is told" "the embedded signer reaches no backends" "$out"
contains "and what to do" "CHIO_SIGNER=unix:" "$out"
check "the keys of its own go on" "$make_key" p256 five 5
plan
