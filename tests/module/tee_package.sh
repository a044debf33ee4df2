#!/bin/sh
# What the Go package tee has, with keys of the token: keys for a model, found or made; reports and stubs; the binding alone.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
under_chiod
enter_token
llama=4fb53885862e0f970d5063417cd343ab5f75c770897578ce0cf7b37cd04b5122
root=$CHIO_STATE/sim/tdx-root.pem
id_of() { chio-hsm key list --json | python3 -c 'import json, sys; print([k["id"] for k in json.load(sys.stdin) if k["label"] == sys.argv[1]][0])' "$1"; }
generate() { chio-hsm key generate "$@"; }
same_key() {
  before=$(id_of "$1")
  generate "$@" --reuse && [ "$before" = "$(id_of "$1")" ]
}

# Keys for a model.
check "a key is made for a model" generate m --model llama3
contains "which its list shows" $llama "$(chio-hsm key list --json)"
refute "the label is taken" generate m --model llama3
check "with --reuse it is the same key again" same_key m --model llama3
check "by the model's hash too" same_key m --model-hash $llama
check "and by all that was said of it" same_key m --model llama3 --type p256 --role general --id "$(id_of m)"
contains "which is said" '"reused": true' "$(generate m --model llama3 --reuse --json)"
contains "of a new one too" '"reused": false' "$(generate n --model llama4 --reuse --json)"
refute "for another model it is refused" generate m --model llama4 --reuse
contains "and named" "of another model" "$(generate m --model llama4 --reuse 2>&1)"
refute "for none too" generate m --reuse
refute "of another type it is refused" generate m --model llama3 --type p384 --reuse
refute "with another role" generate m --model llama3 --role kernel --reuse
refute "with another id" generate m --model llama3 --id 00 --reuse
refute "with a login at each use" generate m --model llama3 --always-authenticate --reuse
check "a key for no model" generate plain --type ed25519
check "is found again" same_key plain --type ed25519
refute "and not for a model" generate plain --type ed25519 --model llama3 --reuse
check "an RSA key is found by its size" sh -c 'chio-hsm key generate rsa --type rsa2048 && chio-hsm key generate rsa --type rsa2048 --reuse'
refute "and refused by another" generate rsa --type rsa3072 --reuse
refute "a name and a hash at once are refused" generate x --model llama3 --model-hash $llama
refute "a hash of another size is refused" generate x --model-hash ${llama}00
contains "a name that is no text is refused, and said to be" "is no UTF-8" "$(chio-hsm model-hash "$(printf '\377')" --json 2>&1)"
refute "what is no hash is refused" generate x --model-hash llama3
check "a key is retired" chio-hsm key retire n --yes
refute "and not found again" generate n --model llama4 --reuse

# Many at once: one makes the key, and all have it.
at_once() { # NUMBER ARGUMENTS...: exit statuses and outputs in race.N, race.N.status
  rm -f race.*
  number=$1 i=0
  shift
  while [ $i -lt "$number" ]; do
    { chio-hsm key generate "$@" --json >race.$i 2>race.$i.err; echo $? >race.$i.status; } &
    i=$((i + 1))
  done
  wait
}
count() { cat race.*.status | grep -c "^$1\$"; }
labelled() { chio-hsm key list --json | python3 -c 'import json, sys; print([k["label"] for k in json.load(sys.stdin)].count(sys.argv[1]))' "$1"; }
at_once 16 shared --model llama3 --type rsa2048 --reuse
is "a key that is asked for sixteen times at once is given sixteen times" 16 "$(count 0)"
is "and made once" 1 "$(cat race.[0-9]* | grep -c '"reused": false')"
is "so that there is one of the label" 1 "$(labelled shared)"
at_once 8 single --type rsa2048
is "of eight that must be new one is made" 1 "$(count 0)"
is "there, too" 1 "$(labelled single)"
contains "the others are told that the label is taken" "has a key 'single'; choose another label" "$(cat race.*.err)"

# Reports.
check "its public key is exported" chio-hsm export-pub m -o m.pem
check "a report needs no word on the model" chio-hsm attest m --format tee-report -o m.json
check "nor does a quote by tee-v1" chio-hsm attest m --format quote --binding tee-v1 -o m.quote
check "the right model may be named" chio-hsm attest m --format tee-report --model llama3 -o again.json
refute "another model is refused" chio-hsm attest m --format tee-report --model llama4
refute "by its hash too" chio-hsm attest m --format tee-report --workload-hash 00
refute "and by the signer itself" chio-hsm attest m --format quote --binding tee-v1 --workload-hash 00
contains "which says so" "made for another model" \
  "$(chio-hsm attest m --format quote --binding tee-v1 --workload-hash 00 2>&1)"
check "a key for no model takes the caller's" sh -c 'chio-hsm key generate p && chio-hsm attest p --format tee-report --model llama3 -o p.json'
refute "and needs it" chio-hsm attest p --format tee-report
refute "for a quote too" chio-hsm attest p --format quote --binding tee-v1
check "the report is laid out as the package's" python3 - <<'P'
import json
text = open("m.json").read()
report = json.loads(text)
assert list(report) == ["tee_type", "pubkey", "model_hash", "quote", "timestamp"], report.keys()
assert text.rstrip("\n") == json.dumps(report, indent=2), text
assert len(report["pubkey"]) == 130 and report["pubkey"].startswith("04") and report["tee_type"] == "tdx"
P
for type in tdx stub; do
  check "--tee $type is taken" chio-hsm attest m --format tee-report --tee $type -o $type.json
done
for type in snp nitro; do refute "--tee $type is not the platform" chio-hsm attest m --format tee-report --tee $type; done
for type in TDX sgx sim-tdx ""; do
  contains "--tee '$type' is none" "tee: unknown TEE type \"$type\" (valid: tdx, snp, nitro, stub)" \
    "$(chio-hsm attest m --format tee-report --tee "$type" 2>&1)"
done
refute "--tee is for reports" chio-hsm attest m --format quote --tee tdx
refute "a key that was brought along has no report" sh -c \
  'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out f.pem && chio-hsm attest f --format tee-report --tee stub --model x'

# Stubs prove nothing.
printf 'version = 1\ntee = ["stub"]\ninsecure_allow_stub = true\n' >stub.toml
refute "a stub is refused" chio-hsm verify stub.json --root "$root"
check "but where a policy says so" chio-hsm verify stub.json --policy stub.toml
lacks "and then it proves no signature" '"signature"' "$(chio-hsm verify stub.json --policy stub.toml --json)"

# The binding alone.
only() { chio-hsm verify "$@" --binding-only; }
python3 -c 'import base64, json; open("stub", "wb").write(base64.b64decode(json.load(open("stub.json"))["quote"]))'
check "the binding of a report holds" only m.json
check "that of a stub too" only stub.json
check "that of a quote, for its key and model" only m.quote --key m.pem --model llama3
check "by the model's hash" only m.quote --key m.pem --workload-hash $llama --binding tee-v1
check "that of a raw stub" only stub --key m.pem --model llama3
refute "for another model it differs" only m.quote --key m.pem --model llama4
check "another key is there" chio-hsm export-pub p -o p.pem
refute "for another key it differs" only m.quote --key p.pem --model llama3
refute "in a report too" only m.json --key p.pem
refute "and for another model" only m.json --model llama4
refute "a quote needs a key" only m.quote --model llama3
refute "and a model" only m.quote --key m.pem --binding tee-v1
refute "and a profile" only m.quote --key m.pem
refute "a bundle is for verify" sh -c 'chio-hsm attest m -o bundle && chio-hsm verify bundle --binding-only --key m.pem --model llama3'
only m.json --json >holds.json
refute "a binding that differs has an exit status" sh -c 'chio-hsm verify m.json --binding-only --key p.pem --json >differs.json'
check "the JSON says that nothing was proved, and is no acceptance" python3 - <<'P'
import json
holds, differs = json.load(open("holds.json")), json.load(open("differs.json"))
assert holds["verdict"] == "binding-holds" and differs["verdict"] == "binding-differs", (holds, differs)
for answer in holds, differs:
    assert answer["proved"] == [] and answer["judged"] is False and "signature" in answer["not_checked"], answer
    assert "accepted" not in json.dumps(answer), answer
assert holds["reason"] is None and differs["reason"], differs
P
contains "the text says so too" "NOT CHECKED" "$(only m.json)"
lacks "and never that it is accepted" "accepted" "$(only m.json)"
for option in "--policy stub.toml" "--root $root" "--at 2026-01-01T00:00:00Z" "--collateral ." "--format json"; do
  # shellcheck disable=SC2086
  refute "${option%% *} promises what is not done" only m.json $option
done

# The model in a policy.
check "a policy is drafted" chio-hsm policy init --from bundle --root "$root" -o plain.toml
for hash in $llama 00; do
  { cat plain.toml; printf '\n[key]\nworkload_hashes = ["%s"]\n' $hash; } | awk '!/^\[key\]/ || !seen++' >$hash.toml
done
check "the statement's model passes it" chio-hsm verify bundle --policy $llama.toml
refute "another one does not" chio-hsm verify bundle --policy 00.toml
check "a key for no model" chio-hsm attest p -o p.bundle
refute "passes neither" chio-hsm verify p.bundle --policy $llama.toml
contains "for it is bound to none" "bound to no workload" "$(chio-hsm verify p.bundle --policy $llama.toml)"
plan
