#!/bin/sh
# What ties a line of the log to a trace, a build and the evidence of the signer; and that evidence beside the socket.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3 pkcs11-tool
CHIO_LOG=debug
CHIO_TEST_CONFIG='[log]
format = "json"'
export CHIO_LOG CHIO_TEST_CONFIG
under_chiod
enter_token
trace=0af7651916cd43dd8448eb211c80319c
traceparent=00-$trace-b7ad6b7169203331-01
root=$CHIO_STATE/sim/tdx-root.pem
socket=${CHIO_SIGNER#unix:}
file=${socket%.sock}.evidence.json

# lines EXPRESSION: how many lines of the log it holds for; l is one of them.
lines() {
  python3 - "$CHIOD_LOG" "$1" <<'P'
import json, sys
def once(pairs):
    names = [n for n, v in pairs]
    if len(set(names)) < len(names):
        sys.exit("a member stands twice: %s" % names)
    return dict(pairs)
with open(sys.argv[1]) as log:
    found = [json.loads(line, object_pairs_hook=once) for line in log if line.strip()]
print(sum(1 for l in found if eval(sys.argv[2])))
P
}
status() { chio-hsm status --json | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

# ---- The evidence of the run ----
check "the signer's own evidence stands beside its socket" chio-hsm verify "$file" --root "$root"
is "for all to read" 644 "$(stat -c %a "$file")"
chio-hsm verify "$file" --root "$root" --json >verdict.json
is "its name is the one that the signer tells" "$(python3 -c 'import json; print(json.load(open("verdict.json"))["replay_id"])')" \
  "$(status evidence)"
check "its key is printed for who trusts it" sh -c 'chio-hsm verify "$1" --root "$2" --print-key >ak.pem' sh "$file" "$root"
is "and is the one that the signer tells" "$(status attestation_key)" \
  "$(OPENSSL_CONF=/dev/null openssl pkey -pubin -in ak.pem -outform DER | sha256sum | cut -d' ' -f1)"
check "evidence of a key is of the same run" sh -c '
  chio-hsm key generate web >/dev/null && chio-hsm attest web -o web.evidence && chio-hsm verify web.evidence --root "$1" --json |
  grep -q "\"replay_id\":\"$(sed -n "s/.*\"replay_id\":\"\([0-9a-f]*\)\".*/\1/p" verdict.json)\""' sh "$root"
chio-hsm verify "$file" --print-key >none.pem 2>refusal
is "the key of evidence that is refused is not printed: status" 1 $?
is "nothing is" 0 "$(wc -c <none.pem)"
contains "but the reason" "simulated-root" "$(cat refusal)"
refute "a form of the result and a key are two things" chio-hsm verify "$file" --root "$root" --print-key --json
chio-hsm policy init --from "$file" --root "$root" -o policy.toml
check "a policy drafted from it accepts it" chio-hsm verify "$file" --policy policy.toml

# ---- The log ----
build=$(status build)
if command -v readelf >/dev/null 2>&1; then
  is "the build is the linker's id of it" \
    "$(readelf -n "$abs_top_builddir/signer/daemon/chiod" | sed -n 's/.*Build ID: //p')" "$build"
else
  skip "the build is the linker's id of it" "readelf is not here"
fi
evidence=$(status evidence)
is "the first line names both" 1 "$(lines "l['event'] == 'ready' and l['build'] and '$build'.startswith(l['build']) and '$evidence'.startswith(l['evidence'])")"
check "and the versions of the firmware below, which status tells too" [ 1 = "$(lines "l['event'] == 'ready' and 'tee_tcb_svn=' in l['firmware'] and l['firmware'] == '$(status firmware)'")" ]
is "each request's does" 0 "$(lines "l['event'] == 'request' and not ('$build'.startswith(l['build']) and len(l['evidence']) == 16 and '$evidence'.startswith(l['evidence']))")"
is "no request had a trace so far" 0 "$(lines "'trace_id' in l")"
TRACEPARENT=$traceparent pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 --sign --mechanism ECDSA-SHA256 \
  --label web --input-file pin --output-file signature >/dev/null 2>&1 || exit 99
is "an application's signature is of its trace" 1 "$(lines "l.get('type') == 'SIGN' and l.get('trace_id') == '$trace'")"
is "and its login" 1 "$(lines "l.get('type') == 'LOGIN' and l.get('trace_id') == '$trace'")"
printf 999999 >wrong-pin
TRACEPARENT=$traceparent chio-hsm sign web pin --pin-source wrong-pin -o s 2>/dev/null
is "so is a refusal" 1 "$(lines "l['event'] == 'request.refused' and l['error'] == 'PIN_INCORRECT' and l['trace_id'] == '$trace'")"
other=00-11111111111111111111111111111111-2222222222222222-00
chio-hsm sign web pin --traceparent $other -o s
is "chio-hsm takes one as an option" 1 "$(lines "l.get('type') == 'SIGN' and l.get('trace_id') == '11111111111111111111111111111111'")"
refute "one that is malformed it refuses" chio-hsm status --traceparent "00-$trace-b7ad6b7169203331"
is "from the environment it is passed over" 0 "$(TRACEPARENT=junk chio-hsm status >/dev/null; echo $?)"
is "which the signer says to who debugs" 1 "$(lines "l['event'] == 'trace.ignored' and 'trace_id' not in l")"
is "and no line is of that trace" 0 "$(lines "l.get('trace_id') == 'junk'")"

stop_chiod
refute "the evidence goes with the signer" test -e "$file"
"$CHIO_START" || exit 99
check "and comes with the next run" chio-hsm verify "$file" --root "$root"
refute "whose evidence is another" [ "$evidence" = "$(status evidence)" ]
plan
