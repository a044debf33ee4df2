#!/bin/sh
# Keys that live elsewhere, through chio-kmsd: that it is there, dies, hangs, is missing or badly configured.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/daemon/daemon.sh"

# The KMS is a folder of keys (tests/support/fake_kms.c); it must be there before chiod is.
if [ -z "${CHIO_TEST_DIR:-}" ]; then
  FAKE_KMS=$(mktemp -d "${TMPDIR:-/tmp}/chio-XXXXXX") || exit 99
  trap 'rm -rf "$FAKE_KMS"' EXIT
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$FAKE_KMS/ci.pem" 2>/dev/null || exit 99
  openssl pkey -in "$FAKE_KMS/ci.pem" -pubout -out "$FAKE_KMS/ci.pub" || exit 99
  CHIO_KMSD=$abs_top_builddir/tests/support/kmsd_fake
  CHIO_LOG=info
  # A secret as a provider's conventions have it, which must be seen nowhere.
  VAULT_TOKEN=hvs.never-to-be-seen
  CHIO_TEST_CONFIG="[backend.fake]
endpoint = \"$FAKE_KMS\"
keys = [\"hashivault://ci\"]
timeout_ms = 3000"
  export FAKE_KMS CHIO_KMSD CHIO_LOG VAULT_TOKEN CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

load=$abs_top_builddir/tests/support/load_keys
kmsd_status() { chio-hsm status --json | tr ',{' '\n\n' | sed -n "s/.*\"$1\":[[:blank:]]*\"\{0,1\}\([^\"}]*\).*/\1/p" | tail -n 1; }
kmsd_pid() { kmsd_status pid | grep -x '[1-9][0-9]*'; } # nothing where it does not run
runs() { [ -n "$(kmsd_pid)" ]; }
delegated() { "$load" "${1:-1}" 224 "${2:-1}"; }
signed() { printf '%s\n' "$1" | sed -n "s/^slot $2: \([0-9]*\) signed.*/\1/p"; }
failed() { printf '%s\n' "$1" | sed -n "s/^slot $2: .* \([0-9]*\) failed.*/\1/p"; }

pin=$CHIO_TEST_DIR/pin
echo 123456 >"$pin"
check "a key is born here" chio-hsm key generate born --token test --pin-source "$pin" --type p256
check "chio-kmsd runs" wait_for runs
out=$(delegated 1 4)
contains "a delegated key signs" "signed" "$out"
[ "$(signed "$out" 224)" -gt 0 ] && pass "without a failure" || fail "without a failure" "$out"
is "not one" 0 "$(failed "$out" 224)"

# ---- Many signatures at once: the KMS answers none before all are there ----
mkdir "$CHIO_TEST_DIR/many"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "$i" >"$CHIO_TEST_DIR/many/$i"; done
echo 20 >"$FAKE_KMS/meet"
check "twenty files are signed at the KMS side by side" chio-hsm sign chio:token=fake "$CHIO_TEST_DIR"/many/*
rm "$FAKE_KMS/meet"
check "the signatures hold" openssl dgst -sha256 -verify "$FAKE_KMS/ci.pub" -signature "$CHIO_TEST_DIR/many/7.sig" \
  "$CHIO_TEST_DIR/many/7"
contains "status tells how long calls take" "p99" "$(chio-hsm status --json)"
is "and that none is under way" 0 "$(kmsd_status in_flight)"

# ---- Whose trace a call is of ----
trace=0af7651916cd43dd8448eb211c80319c
echo 1 >"$FAKE_KMS/trace"
TRACEPARENT=00-$trace-b7ad6b7169203331-01 chio-hsm sign chio:token=fake "$pin" -o "$CHIO_TEST_DIR/traced.sig"
check "chio-kmsd knows the trace that a signature belongs to" \
  grep -q "op=SIGN .* code=00-$trace-b7ad6b7169203331-01 .* trace_id=$trace" "$CHIOD_LOG"
before=$(grep -c "op=SIGN" "$CHIOD_LOG")
chio-hsm sign chio:token=fake "$pin" -o "$CHIO_TEST_DIR/untraced.sig"
rm "$FAKE_KMS/trace"
is "the next one belongs to none" 1 "$(grep "op=SIGN" "$CHIOD_LOG" | tail -n "+$((before + 1))" | grep -c 'code=""')"

# ---- What can be seen from outside ----
chiod_pid=$(cat "$CHIO_PIDFILE")
lines=$(for process in $(kmsd_pid) "$chiod_pid" $(pgrep -P "$chiod_pid"); do tr '\0' ' ' <"/proc/$process/cmdline"; done)
contains "the processes are those" "chio-kmsd" "$lines"
lacks "no secret is in a command line" "never-to-be-seen" "$lines"
refute "nor in the log" grep -q "never-to-be-seen" "$CHIOD_LOG"
check "the log has a line for a call" grep -q "kms.call: answered backend=fake op=SIGN" "$CHIOD_LOG"
is "chio-kmsd gets no new privileges" 1 "$(sed -n 's/^NoNewPrivs:[[:blank:]]*//p' "/proc/$(kmsd_pid)/status")"
if grep -q "sandbox.off" "$CHIOD_LOG"; then
  skip "its system calls are filtered" "built with a sanitizer"
else
  is "its system calls are filtered" 2 "$(sed -n 's/^Seccomp:[[:blank:]]*//p' "/proc/$(kmsd_pid)/status")"
fi

# ---- What it can read: it runs as chiod's own user here ----
sees() { # PATH: has chio-kmsd open it at its next signature; what the log says of that
  echo "$1" >"$FAKE_KMS/peek"
  delegated >/dev/null
  rm "$FAKE_KMS/peek"
  grep -o "fake: $1 is [a-z]* to me" "$CHIOD_LOG" | tail -n 1
}
printf 'secret' >"$CHIO_TEST_DIR/elsewhere"
if grep -q "sandbox.off" "$CHIOD_LOG"; then
  skip "the state folder is closed to it" "built with a sanitizer"
elif grep -q "kmsd.files.*no Landlock" "$CHIOD_LOG"; then
  skip "the state folder is closed to it" "this kernel has no Landlock"
else
  contains "the store is closed to it" "is closed" "$(sees "$(find "$CHIO_STATE" -name 'store*' -type f | head -n 1)")"
  contains "so is the sealing root" "is closed" "$(sees "$CHIO_STATE/root.key")"
  contains "and any other file" "is closed" "$(sees "$CHIO_TEST_DIR/elsewhere")"
  contains "and chiod's memory map" "is closed" "$(sees "/proc/$chiod_pid/maps")"
  contains "what looks names up is open" "is open" "$(sees /etc/hosts)"
  contains "and so are the files of its backend" "is open" "$(sees "$FAKE_KMS/ci.pem")"
fi

# ---- Wrong and failing answers ----
echo 1 >"$FAKE_KMS/wrong"
out=$(delegated)
is "a signature that is wrong reaches nobody" 0 "$(signed "$out" 224)"
rm "$FAKE_KMS/wrong"
echo BACKEND_UNREACHABLE >"$FAKE_KMS/fail"
out=$("$load" 1 0 1 224 1)
is "a KMS that cannot be reached is an error" 0 "$(signed "$out" 224)"
is "and none for keys that were born here" 0 "$(failed "$out" 0)"
contains "status tells" "failing" "$(chio-hsm status)"
contains "and so does the doctor" "ATTENTION  backend      'fake' fails since its last answer: BACKEND_UNREACHABLE" "$(chio-hsm doctor)"
echo MECHANISM_PARAM >"$FAKE_KMS/fail"
before=$(kmsd_status failures)
out=$("$load" 1 224 1)
is "what it cannot do is no failure of it" "$before" "$(kmsd_status failures)"
[ "$(kmsd_status refusals)" -gt 0 ] && pass "but counted" || fail "but counted" "$(chio-hsm status)"
rm "$FAKE_KMS/fail"
out=$(delegated)
is "once it can be reached all is well" 0 "$(failed "$out" 224)"

# ---- Killed again and again, under load ----
another_runs() { runs && [ "$(kmsd_pid)" != "$pid" ]; }
killer() {
  round=0 pid=
  while [ $round -lt 5 ]; do
    wait_for another_runs || return
    sleep 1
    pid=$(kmsd_pid) || continue
    kill -KILL "$pid"
    round=$((round + 1))
  done
}
killer 2>/dev/null &
out=$("$load" 7 0 2 224 8)
wait
is "with chio-kmsd killed every second, born keys see nothing of it" 0 "$(failed "$out" 0)"
[ "$(signed "$out" 224)" -gt 0 ] && pass "delegated ones go on" || fail "delegated ones go on" "$out"
is "their requests are made again, and none fails" 0 "$(failed "$out" 224)"
printf '%s\n' "$out" | tap_comment
started_each_time() { [ "$(kmsd_status restarts)" -ge 5 ]; }
check "it was started again each time" wait_for started_each_time

# ---- Hanging ----
check "it runs" wait_for runs
hung=$(kmsd_pid)
kill -STOP "$hung"
out=$("$load" 1 0 1 224 1)
is "while it hangs, born keys sign" 0 "$(failed "$out" 0)"
replaced() { runs && [ "$(kmsd_pid)" != "$hung" ]; }
check "one that hangs is replaced" wait_for replaced
check "and the log says why" grep -q "chio-kmsd hangs" "$CHIOD_LOG"
out=$(delegated)
is "then delegated keys sign" 0 "$(failed "$out" 224)"
printf '%s\n' "$out" | tap_comment

# ---- Slow ----
# It answers none of 63 callers before there is a 64th.
sed -i 's/^timeout_ms = .*/timeout_ms = 60000/' "$CHIO_STATE/hsm.toml"
restart
check "it runs with more time" wait_for runs
echo 64 >"$FAKE_KMS/meet"
"$load" 2 224 63 >"$CHIO_TEST_DIR/slow" &
all_wait() { [ "$(kmsd_status in_flight)" = 63 ]; }
check "63 callers of a slow KMS do not wait for one another" wait_for all_wait
check "who logs in does not wait for them" chio-hsm key list --token test --pin-source "$pin" --login
check "who have no answer yet" all_wait
check "the last one comes" chio-hsm sign chio:token=fake "$pin" -o "$CHIO_TEST_DIR/last.sig"
wait
rm "$FAKE_KMS/meet"
out=$(cat "$CHIO_TEST_DIR/slow")
is "and none of them fails" 0 "$(failed "$out" 224)"
printf '%s\n' "$out" | tap_comment

# ---- In an application's own process there is no chio-kmsd ----
embedded() {
  abs_top_srcdir=$abs_top_srcdir CHIO_TEST_DIR='' "$abs_top_srcdir/tests/support/with-chiod" --embedded \
    chio-hsm key generate x --token fake 2>&1
}
contains "the embedded signer says that it reaches no backends" "reaches no backends" "$(embedded)"

# ---- The end ----
last=$(kmsd_pid)
stop_by TERM
check "chio-kmsd ends with chiod" wait_for gone "$last"

# ---- At the start ----
CHIO_KMSD=/no/such/chio-kmsd
out=$("$chiod" --config "$CHIO_STATE/hsm.toml" --state "$CHIO_STATE" --socket "$CHIO_TEST_DIR/s" --stay-root 2>&1)
is "without the program chiod does not start" 1 $?
contains "and names it" "/no/such/chio-kmsd: chio-kmsd, which reaches the backends, cannot be executed" "$out"
CHIO_KMSD=$abs_top_builddir/tests/support/kmsd_fake

refused() { # NAME CONTENTS EXPECTED-IN-MESSAGE
  printf 'platform = "sim-tdx"\n%s' "$2" >"$CHIO_TEST_DIR/hsm.toml"
  out=$(timeout 20 "$chiod" --config "$CHIO_TEST_DIR/hsm.toml" --state "$CHIO_STATE" --socket "$CHIO_TEST_DIR/s" --stay-root 2>&1)
  is "$1: status" 1 $?
  contains "$1" "$3" "$out"
}
refused "what an adapter refuses is named with its line" '
[backend.fake]
endpoint = "/no/such/folder"
' "$CHIO_TEST_DIR/hsm.toml:3: backend 'fake': endpoint is no folder"
refused "a key of another kind" "[backend.fake]
endpoint = \"$FAKE_KMS\"
keys = [\"hashivault://ci\", \"awskms:///ci\"]
" "hsm.toml:2: key 'awskms:///ci': this backend has no keys of this kind of URI"
refused "a secret in a key's URI" "[backend.fake]
endpoint = \"$FAKE_KMS\"
keys = [\"hashivault://ci?token=hvs.in-a-uri\"]
" "hsm.toml:2: key 'hashivault://ci': a key URI must not hold a secret (token)"
lacks "which is not repeated" "hvs.in-a-uri" "$out"
refused "nor is it in the sealing key's" "seal = \"kms\"
[seal_kms]
backend = \"fake\"
evidence = false
key = \"hashivault://ci?secret=in-a-uri\"
[backend.fake]
endpoint = \"$FAKE_KMS\"
" "key 'hashivault://ci': a key URI must not hold a secret"
lacks "nor repeated" "in-a-uri" "$out"
refused "so is an unknown kind" '[backend.fake]
kind = "abacus"
' "hsm.toml:2: backend 'fake': there is no kind 'abacus'"
refused "an unknown key" '[backend.fake]
colour = "red"
' "hsm.toml:3: "
refused "a number out of range" '[backend.fake]
timeout_ms = 1
' "hsm.toml:3: expected an integer from 100 to 600000"
refused "a name that is none" '[backend."a b"]
kind = "fake"
' "[backend.a b]: expected a name"
refused "a source of collateral in the wrong place" '[backend.collateral]
endpoint = "https://example.com"
' "sources of collateral"
plan
