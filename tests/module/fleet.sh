#!/bin/sh
# A fleet of three signers: rotated one after the other, judged by one policy, while one of them is another program than
# it should be, does not answer, or refuses.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
cd "$CHIO_TEST_DIR" || exit 99
first=$CHIO_SIGNER
export CHIO_PIN_SOURCE="$CHIO_TEST_DIR/pin"
printf 123456 >pin
chmod 600 pin

# A signer of the fleet, beside that of with-chiod: NAME PROGRAM. All are the same simulated machine.
start_signer() {
  mkdir -p "$1"
  cp "$CHIO_STATE/hsm.toml" "$1/hsm.toml"
  [ -d "$1/sim" ] || cp -r "$CHIO_STATE/sim" "$1/sim"
  "$2" --config "$1/hsm.toml" --state "$CHIO_TEST_DIR/$1" --socket "$CHIO_TEST_DIR/$1.sock" --pidfile "$CHIO_TEST_DIR/$1.pid" \
    --log-file "$CHIO_TEST_DIR/$1.log" --stay-root --daemon
}
stop_signer() {
  [ -s "$1.pid" ] || return 0
  kill "$(cat "$1.pid")" 2>/dev/null
  wait_for gone "$(cat "$1.pid")"
}
trap 'stop_signer b; stop_signer c' EXIT
at() { # NAME COMMAND...: at that signer
  at_signer=unix:$CHIO_TEST_DIR/$1.sock
  shift
  CHIO_SIGNER=$at_signer "$@"
}
# Of an answer: an expression of j.
json() {
  python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}
results="[s['result'] for s in j['signers']]"
key_results="[[k['result'] for k in s['keys']] for s in j['signers']]"

for name in b c; do
  start_signer $name "$chiod" || { cat $name.log; exit 99; }
  at $name "$abs_top_builddir/tests/support/make_token" test 12345678 123456 || exit 99
  at $name chio-hsm key generate web >/dev/null || exit 99
done
chio-hsm key generate web >/dev/null || exit 99
chio-hsm attest web --nonce 00 -o web.evidence >/dev/null || exit 99
chio-hsm policy init --from web.evidence --root "$CHIO_STATE/sim/tdx-root.pem" -o drafted.toml >/dev/null || exit 99
python3 - <<'P'
text = open("drafted.toml").read()
assert "[key]" in text
open("policy.toml", "w").write(text.replace("[key]", "[key]\nstates = [\"active\"]"))
P
cat >fleet.toml <<END
[signer.a]
endpoint = "$first"
token = "test"
pin_source = "$CHIO_TEST_DIR/pin"
[signer.b]
endpoint = "unix:$CHIO_TEST_DIR/b.sock"
pin_source = "$CHIO_TEST_DIR/pin"
[signer.c]
endpoint = "unix:$CHIO_TEST_DIR/c.sock"
END

# ---- The file ----
refused() { # NAME TEXT WORD: the file with that text is refused, and WORD is said of it
  printf '%s\n' "$2" >bad.toml
  chio-hsm fleet status --endpoints bad.toml >bad.out 2>&1
  if [ $? != 0 ] && grep -q -e "$3" bad.out; then pass "$1"; else fail "$1" "$(cat bad.out)"; fi
}
refused "a file without signers is refused" '# nobody' 'names no signer'
refused "a signer without an endpoint is refused" '[signer.x]
token = "t"' 'has no endpoint'
refused "a PIN in the file is refused" '[signer.x]
endpoint = "unix:/x"
pin = "4711"' 'pin'
refused "a PIN as a source too" '[signer.x]
endpoint = "unix:/x"
pin_source = "4711"' 'a PIN has no place here'
lacks "and it is not repeated" 4711 "$(cat bad.out)"
refused "an unknown word is refused" '[signer.x]
endpont = "unix:/x"' 'endpont'
refute "a fleet needs its file" chio-hsm fleet status
refute "a lag that is none is refused" chio-hsm fleet status --endpoints fleet.toml --max-lag soon
refute "reattest needs a policy" chio-hsm fleet reattest --endpoints fleet.toml

# ---- All well ----
check "all three answer" chio-hsm fleet status --endpoints fleet.toml
check "the evidence of all passes the policy" chio-hsm fleet reattest --endpoints fleet.toml --policy policy.toml
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --json >out.json
is "keys that were just made are left alone" "[['skipped'], ['skipped'], ['skipped']]" "$(json out.json "$key_results")"
sleep 2
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --since 1s --dry-run --json >out.json
is "a dry run says what it would do" "[['would rotate'], ['would rotate'], ['would rotate']]" "$(json out.json "$key_results")"
is "and does nothing" 0 "$(json out.json 'j["rotated"]')"
check "the fleet is rotated" chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --since 1s --json
for name in b c; do
  at $name chio-hsm key list --login --json >keys.json
  is "$name: one key is active, one retired" "['active', 'retired']" "$(json keys.json 'sorted(k["state"] for k in j)')"
  check "$name: the new one signs" at $name chio-hsm sign web pin
done
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml >again.out
is "run again, it skips all" 3 "$(grep -c skipped again.out)"
contains "and ends well" "0 failed, 0 late; 0 keys rotated" "$(cat again.out)"

# ---- One is another program ----
stop_signer b
cp "$chiod" other-chiod && printf 'one byte more' >>other-chiod
start_signer b "$CHIO_TEST_DIR/other-chiod" || { cat b.log; exit 99; }
sleep 2
chio-hsm fleet reattest --endpoints fleet.toml --policy policy.toml --json >out.json
is "reattest finds it, and looks at all" "['ok', 'failed', 'ok']" "$(json out.json "$results")"
contains "and says why" "measurement" "$(json out.json 'j["signers"][1]["text"]')"
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --since 1s --json >out.json
is "a rotation fails" 1 $?
is "stops there" "['ok', 'failed', 'not reached']" "$(json out.json "$results")"
is "and has rotated the one before" rotated "$(json out.json 'j["signers"][0]["keys"][0]["result"]')"
at b chio-hsm key list --login --json >keys.json
is "nothing was rotated where the evidence is refused" 2 "$(json keys.json 'len(j)')"
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --continue --since 1s --json >out.json
is "with --continue it fails, and goes on" "['ok', 'failed', 'ok']" "$(json out.json "$results")"
chio-hsm fleet rotate --endpoints fleet.toml --key web --since 1h --json >out.json
is "without a policy, sound evidence will do" "[['skipped'], ['skipped'], ['skipped']]" "$(json out.json "$key_results")"

# ---- One does not answer, one refuses ----
stop_signer b
chio-hsm fleet status --endpoints fleet.toml --json >out.json
is "status fails when one is dead" 1 $?
is "and tells which" "['ok', 'failed', 'ok']" "$(json out.json "$results")"
is "whose lag nobody knows" None "$(json out.json 'j["signers"][1]["rotation_lag_seconds"]')"
refute "so does a rotation" chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --continue
start_signer b "$chiod"
at b chio-hsm key list --login --json >keys.json
uid=$(json keys.json '[k["private_unique_id"] for k in j if k["state"] == "active"][0]')
at b chio-hsm key suspend "$uid" >/dev/null
sleep 2
chio-hsm fleet rotate --endpoints fleet.toml --key web --policy policy.toml --since 1s --continue --json >out.json
is "a key that is suspended does not pass a policy for active ones" "['ok', 'failed', 'ok']" "$(json out.json "$results")"
at b chio-hsm key resume "$uid" >/dev/null

# ---- Late ----
stop_signer c
printf 'rotation.after = "1s"\n' >>"$CHIO_STATE/hsm.toml"
start_signer c "$chiod"
late() {
  chio-hsm fleet status --endpoints fleet.toml --max-lag 1s --json >out.json
  [ "$(json out.json 'j["late"]')" = 1 ]
}
check "a signer that is late is found" wait_for late
is "and fails" "['ok', 'ok', 'failed']" "$(json out.json "$results")"
check "an hour is allowed unless said otherwise" chio-hsm fleet status --endpoints fleet.toml
contains "the table tells how late each is" "rotation 0 s late" "$(chio-hsm fleet status --endpoints fleet.toml)"
chio-hsm key generate restricted --type rsa2048-pss >/dev/null
check "without a key's name, all that are in use are rotated, and probed as they sign" \
  chio-hsm fleet rotate --endpoints fleet.toml --policy policy.toml --since 1s
plan
