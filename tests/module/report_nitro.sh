#!/bin/sh
# chio-hsm report coverage and doctor on Nitro documents, whose certificates end three hours after the enclave's start: keys
# that were born within these are covered as of their birth, and it is said.
export CHIO_TEST_PLATFORM=sim-nitro
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
under_chiod
enter_token
root=$CHIO_STATE/sim/nitro-root.pem
chio-hsm key generate web >/dev/null || exit 99
check "evidence is accepted at first" chio-hsm report coverage --root "$root"
lacks "and not as of another time" "as of" "$(chio-hsm report coverage --root "$root")"
refute "at a time that is named it is judged for that time" \
  chio-hsm report coverage --root "$root" --at "$(date -u -d '+4 hours' +%Y-%m-%dT%H:%M:%SZ)"

${CC:-cc} -shared -fPIC -O1 -o later.so "$abs_top_srcdir/tests/support/later.c" 2>/dev/null || {
  skip "three hours later" "no compiler is here"
  plan
}
later() {
  CHIO_TEST_LATER=14400 LD_PRELOAD="$CHIO_TEST_DIR/later.so" "$@"
}
lacks "the end of a certificate that lasts three hours is no news" "expires" "$(chio-hsm doctor --root "$root" | grep '^ATTENTION')"
if ! later chio-hsm help >/dev/null 2>&1; then
  skip "three hours later" "this build takes no preloaded library"
  plan
fi
born=$(chio-hsm report coverage --root "$root" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["keys"][0]["made"])')
check "four hours later it is accepted" later chio-hsm report coverage --root "$root"
contains "as of the birth, which is said" "accepted as of $born" "$(later chio-hsm report coverage --root "$root")"
later chio-hsm report coverage --root "$root" --json >later.json
check "in JSON too" python3 -c 'import json,sys
j = json.load(open("later.json"))
k = j["keys"][0]
assert k["judged_at"] == k["made"] == sys.argv[1] and k["status"] == "accepted" and k["age"] > 14000 and j["time"] != k["made"]' "$born"
refute "not where its root is named by nobody" later chio-hsm report coverage
chio-hsm attest web -o web.evidence
chio-hsm policy init --from web.evidence --root "$root" -o policy.toml
check "under a policy" later chio-hsm report coverage --policy policy.toml
sed 's/^version = 1/&\nmax_age = 3600/' policy.toml >young.toml
check "one that limits the age accepts it now" chio-hsm report coverage --policy young.toml
refute "and not four hours later, as of whatever time" later chio-hsm report coverage --policy young.toml
zeros=$(printf '%096d' 0)
sed "s/\"[0-9a-f]\{96\}\"/\"$zeros\"/" policy.toml >other.toml
refute "nor does the birth help another image" later chio-hsm report coverage --policy other.toml
contains "the doctor says it" "that of 1 keys held when they were born" "$(later chio-hsm doctor --root "$root")"
lacks "and finds nothing that has expired" "expired" "$(later chio-hsm doctor --root "$root" | grep '^ATTENTION *evidence')"
refute "a command that judges for now refuses" later chio-hsm verify web.evidence --root "$root"
plan
