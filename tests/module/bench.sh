#!/bin/sh
# chio-bench measures what it says, on this module and beside the bare libraries. No figure is judged here.
if [ -z "${CHIO_TEST_DIR:-}" ]; then exec "$abs_top_srcdir/tests/support/with-chiod" sh "$0"; fi
. "$abs_top_srcdir/tests/support/tap.sh"
bench="$abs_top_builddir/tools/chio-bench"
printf '123456\n' >"$CHIO_TEST_DIR/pin"
quick="--pin-file $CHIO_TEST_DIR/pin --seconds 0.2 --rounds 2"

# run COMMAND...: every figure is there, and a count of operations above zero
measures() {
  "$bench" "$@" --json $quick >"$CHIO_TEST_DIR/json" || return 1
  grep -q '"operations":[1-9]' "$CHIO_TEST_DIR/json" && grep -q '"p50_us":' "$CHIO_TEST_DIR/json" &&
    grep -q '"p99_us":' "$CHIO_TEST_DIR/json" && grep -q '"per_second":[1-9]' "$CHIO_TEST_DIR/json"
}

measures_ratio() {
  measures "$@" && grep -q '"ratio":[0-9]' "$CHIO_TEST_DIR/json"
}

table() {
  "$bench" "$@" $quick | grep -q 'per second'
}

status_is() {
  want=$1
  shift
  "$@"
  [ $? -eq "$want" ]
}

check "signs with P-256 beside bare libcrypto" measures_ratio sign --vs bare
check "signs with Ed25519 beside bare libsodium" measures_ratio sign --mechanism ed25519 --vs bare
check "signs with RSA beside bare libcrypto" measures_ratio sign --mechanism rsa2048-sha256 --vs bare
check "signs in two processes of two threads" measures sign --processes 2 --threads 2
check "measures a module against itself" measures_ratio sign --vs "$CHIO_PKCS11_MODULE" --vs-pin-file "$CHIO_TEST_DIR/pin"
check "measures a wake-up" measures_ratio sign --vs wakeup --pause 100
check "signs in batches beside one by one" measures_ratio sign --batch 16
check "says how long they are" grep -q '"batch":16,' "$CHIO_TEST_DIR/json"
check "signs in batches beside bare libsodium" measures_ratio sign --batch 16 --mechanism ed25519 --vs bare
check "refuses a batch of one, with status 2" status_is 2 "$bench" sign --batch 1
check "refuses a batch that is longer than a request takes, with status 2" status_is 2 "$bench" sign --batch 257
check "refuses a batch of anything but signatures, with status 2" status_is 2 "$bench" random --batch 16
check "generates key pairs" measures generate
check "makes random bytes" measures_ratio random --size 64 --vs bare
refute "finds nothing before it is prepared" measures find --keys 20
check "prepares keys" "$bench" prepare --keys 20 $quick
check "prepares only what is missing" "$bench" prepare --keys 22 $quick
check "finds each by label" measures find --keys 22
check "finds each by id" measures find --keys 22 --by id
check "starts anew each time" measures start
check "prints a table" table sign --token test
check "names a mechanism it does not know, with status 2" status_is 2 "$bench" sign --mechanism p42
check "fails where the token is not there, with status 1" status_is 1 "$bench" sign --token other
plan
