#!/bin/sh
# chio-hsm report coverage and doctor: every key with its evidence, and what needs attention, told and in the exit status.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
CHIO_TEST_CONFIG="token.slots = 2" under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem

# json FILE EXPRESSION: of the parsed value j, and "of(CHECK)", the texts of a doctor's findings that need attention.
json() {
  python3 -c 'import json,sys
j = json.load(open(sys.argv[1]))
of = lambda check: [f["text"] for f in j["findings"] if f["check"] == check and f["attention"]]
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' "$1" "$2"
}

# ---- Coverage ----
check "without keys there is nothing uncovered" chio-hsm report coverage
chio-hsm key generate web >/dev/null && chio-hsm key generate code --type ed25519 >/dev/null || exit 99
check "evidence of every key is accepted under the named root" chio-hsm report coverage --root "$root"
refute "and refused where nobody names it" chio-hsm report coverage
contains "which says why" "simulated-root" "$(chio-hsm report coverage)"
contains "a line for each key" "web " "$(chio-hsm report coverage --root "$root")"
contains "and a sum" "2 keys: 2 with evidence, 2 accepted" "$(chio-hsm report coverage --root "$root")"
chio-hsm report coverage --root "$root" --json >coverage.json
check "in JSON: each key, its age and what was proved" json coverage.json \
  'len(j["keys"]) == 2 and all(k["status"] == "accepted" and k["evidence"] and 0 <= k["age"] < 600 and
   {"signature", "chain", "statement", "key"} <= set(k["proved"]) and k["simulated"] and not k["debug"] for k in j["keys"])'
check "in JSON: the sum" json coverage.json 'j["summary"] == {"keys": 2, "with_evidence": 2, "accepted": 2}'
chio-hsm attest web -o web.evidence
chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
check "under a policy too" chio-hsm report coverage --policy policy.toml
zeros=$(printf '%096d' 0)
sed "s/[0-9a-f]\{96\}/$zeros/" policy.toml >other.toml
refute "and not under one that expects another measurement" chio-hsm report coverage --policy other.toml
contains "which says so" "measurement" "$(chio-hsm report coverage --policy other.toml)"
refute "nor at a time when its certificates have expired" \
  chio-hsm report coverage --root "$root" --at 2099-01-01T00:00:00Z

OPENSSL_CONF=/dev/null openssl ecparam -genkey -name prime256v1 -noout 2>/dev/null |
  OPENSSL_CONF=/dev/null openssl ec -pubout -outform DER -out foreign.der 2>/dev/null
pkcs11-tool --module "$CHIO_PKCS11_MODULE" --login --pin 123456 --write-object foreign.der --type pubkey --label foreign \
  --id 77 >/dev/null 2>&1
refute "a key that came from elsewhere is not covered" chio-hsm report coverage --root "$root"
chio-hsm report coverage --root "$root" --json >coverage.json
check "and stands there as such" json coverage.json \
  '[k["status"] for k in j["keys"] if k["label"] == "foreign"] == ["none"] and j["summary"]["with_evidence"] == 2'

# ---- Files that say nothing ----
: >empty.pem
for option in --key --root; do
  chio-hsm verify web.evidence $option empty.pem >/dev/null 2>err
  is "an empty file is no value of $option" 2 $?
done
chio-hsm report coverage --root empty.pem >/dev/null 2>err
is "nor for a report" 2 $?

# ---- Doctor ----
refute "the doctor is not content with a simulated platform" chio-hsm doctor
chio-hsm doctor --json >doctor.json
check "it says so" json doctor.json 'not j["healthy"] and "simulated" in of("platform")[0]'
check "and that a file seals the store" json doctor.json 'len(of("sealing")) == 1'
check "and which keys have no evidence" json doctor.json 'of("evidence") == ["1 of 3 keys have none: foreign"]'
check "each attention is counted" json doctor.json \
  'j["attentions"] == len([f for f in j["findings"] if f["attention"]]) == 3'
contains "in words: attention first" "ATTENTION  platform" "$(chio-hsm doctor)"
chio-hsm doctor --policy other.toml --json >doctor.json
check "evidence that a policy refuses is named with its reason" json doctor.json \
  'any("web (measurement)" in t for t in of("evidence"))'
chio-hsm doctor --root "$root" --at 2099-01-01T00:00:00Z --json >doctor.json
check "an anchor that has expired is named" json doctor.json '"Chio Simulated SGX Root CA" in of("anchor")[0]'
chio-hsm doctor --signer unix:/nonexistent/s --json >doctor.json
check "a signer that does not answer is a finding" json doctor.json '"/nonexistent/s" in of("signer")[0]'

# ---- Roots ----
check "no root that is built in ends soon" chio-hsm roots list
contains "they are named with their end" "2049-12-31T23:59:59Z" "$(chio-hsm roots list | grep 'Intel SGX Root CA')"
refute "at a time when one has ended that is said" chio-hsm roots list --at 2045-12-01T00:00:00Z
contains "with its name" "ended    amd        root      ARK-Milan" "$(chio-hsm roots list --at 2045-12-01T00:00:00Z)"
check "before that, within the days that are asked for alone" chio-hsm roots list --at 2029-12-10T12:00:00Z --within 21
refute "and no longer a day later" chio-hsm roots list --at 2029-12-10T12:00:00Z --within 22
sed '/^\[roots\]/,$d' policy.toml >named.toml
printf '[roots]\nfiles = ["%s"]\n' "$root" >>named.toml
chio-hsm roots list --policy named.toml --json >roots.json
check "a policy's root stands there by its certificate" python3 -c '
import json
r = [r for r in json.load(open("roots.json"))["roots"] if r["source"] == "policy"]
assert [x["name"] for x in r] == ["Chio Simulated SGX Root CA"] and r[0]["trusted"] and r[0]["days_left"] > 0'
chio-hsm roots list --policy named.toml --at 2099-01-01T00:00:00Z --json >roots.json
is "the exit status is that of JSON too" 1 $?
check "and all that has ended is counted" python3 -c '
import json
j = json.load(open("roots.json"))
assert j["attentions"] == len(j["roots"]) > 5 and {r["status"] for r in j["roots"]} == {"ended"}'
chio-hsm roots list --policy policy.toml --json >roots.json
check "a root that is named by its key alone has no end that is known" python3 -c '
import json
r = [r for r in json.load(open("roots.json"))["roots"] if r["source"] == "policy"]
assert len(r) == 1 and r[0]["status"] == "unknown" and "until" not in r[0]'
for days in -1 x 36501 ''; do
  chio-hsm roots list --within "$days" >/dev/null 2>err
  is "no number of days: '$days'" 2 $?
done
chio-hsm doctor --policy named.toml --at 2099-01-01T00:00:00Z --json >doctor.json
check "the doctor names a policy's root that has ended" json doctor.json '"Chio Simulated SGX Root CA" in of("anchor")[0]'

# ---- Collateral ----
mkdir empty
chio-hsm doctor --collateral empty --json >doctor.json
check "an empty folder is no collateral" json doctor.json 'len(of("collateral")) == 1'
vectors=${CHIO_VECTORS:-$abs_top_srcdir/../shared/vectors}/quotes/tdx/v4-uptodate-phala
if [ -d "$vectors" ]; then
  chio-hsm doctor --collateral "$vectors" --at 2025-06-20T12:00:00Z --json >doctor.json
  check "collateral of that day is good" json doctor.json 'of("collateral") == [] and of("anchor") == []'
  chio-hsm doctor --collateral "$vectors" --at 2025-07-16T00:00:00Z --json >doctor.json
  check "a week before its end it is to be fetched anew" json doctor.json \
    'any("TCB info TDX" in t and "expires" in t for t in of("collateral"))'
  chio-hsm doctor --collateral "$vectors" --at 2026-01-01T00:00:00Z --json >doctor.json
  check "afterwards each list that has expired is named" json doctor.json \
    'any("TCB info" in t and "expired" in t for t in of("collateral")) and
     any("QE identity" in t for t in of("collateral")) and any("revocation list of" in t for t in of("collateral"))'
  chio-hsm doctor --collateral "$vectors" --at 2025-01-01T00:00:00Z --json >doctor.json
  check "and before it began, that it is of the future" json doctor.json 'any("future" in t for t in of("collateral"))'
else
  skip "collateral of a recorded machine" "no vectors at hand (CHIO_VECTORS)"
fi
# ---- Several tokens ----
printf 12345678 >so
printf 654321 >other-pin
chio-hsm token init second --so-pin-source so --pin-source other-pin >/dev/null &&
  chio-hsm key generate elsewhere --token second --pin-source other-pin >/dev/null || exit 99
chio-hsm report coverage --root "$root" --json >coverage.json
check "without a token's name the keys of all are judged" json coverage.json \
  '[(k["token"], k["label"]) for k in j["keys"]] == [("test", "code"), ("test", "foreign"), ("test", "web"), ("second", "elsewhere")] and
   j["summary"] == {"keys": 4, "with_evidence": 3, "accepted": 3}'
contains "and told token by token" "token 'second'
elsewhere " "$(chio-hsm report coverage --root "$root")"
chio-hsm report coverage --root "$root" --token second >out
is "that of one, when it is named" 0 $?
lacks "with no word on others" "token '" "$(cat out)"
chio-hsm doctor --root "$root" --json >doctor.json
check "so does the doctor" json doctor.json 'of("evidence") == ["1 of 4 keys have none: foreign"] and of("keys") == []'
chio-hsm report coverage --login --pin-source pin --root "$root" >out 2>err
is "a PIN is one token's" 2 $?
contains "which is to be named" "choose with --token: test, second" "$(cat err)"
plan
