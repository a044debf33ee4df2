#!/bin/sh
# A nonce is answered once and evidence accepted once, as two who verify see it: by files, at the same time, and over
# verifiers that are killed.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl
under_chiod
enter_token
root=$CHIO_STATE/sim/tdx-root.pem
chio-hsm key generate web >/dev/null || exit 99
chio-hsm key generate other >/dev/null || exit 99
chio-hsm export-pub web -o web.pem || exit 99
attest() { chio-hsm attest "$@" 2>/dev/null; }
judge() { chio-hsm verify "$@" --root "$root" --key web.pem; }

nonce=$(chio-hsm challenge --challenges table)
is "a challenge is 32 bytes in hex" 64 "$(printf %s "$nonce" | tr -d -c 0-9a-f | wc -c)"
lacks "the next one is another" "$nonce" "$(chio-hsm challenge --challenges table)"
is "both are outstanding" 3 "$(wc -l <table)"
attest web --nonce "$nonce" -o fresh.evidence || exit 99
attest web -o birth.evidence || exit 99
refute "the evidence of a key's birth answers none" judge birth.evidence --challenges table
contains "fresh evidence answers one of them" "proved      nonce" "$(judge fresh.evidence --challenges table)"
is "which is spent" 2 "$(wc -l <table)"
contains "the same answer is refused then" "refused     nonce" "$(judge fresh.evidence --challenges table)"
contains "and without the table the nonce is one like any other" '"verdict":"accepted"' \
  "$(judge fresh.evidence --nonce "$nonce" --json)"
contains "a nonce that is not outstanding is refused, given or not" "refused     nonce" \
  "$(judge fresh.evidence --challenges table --nonce "$nonce")"

nonce=$(chio-hsm challenge --challenges table --at 2020-01-01T00:00:00Z --lifetime 86400)
attest web --nonce "$nonce" -o late.evidence || exit 99
contains "a challenge ends with its lifetime" "refused     nonce" "$(judge late.evidence --challenges table)"

for number in 1 2 3; do
  nonce=$(chio-hsm challenge --challenges table)
  attest web --nonce "$nonce" -o "a$number.evidence" && attest web --nonce "$nonce" -o "b$number.evidence" || exit 99
  pids=
  for answer in a b a b; do
    judge $answer$number.evidence --challenges table >/dev/null 2>&1 & pids="$pids $!"
  done
  accepted=0
  for pid in $pids; do wait "$pid" && accepted=$((accepted + 1)); done
  is "of four answers at once one is accepted ($number)" 1 $accepted
done

# ---- What was seen ----
check "evidence is accepted once" judge birth.evidence --seen seen
contains "and refused as replayed then" "refused     replayed" "$(judge birth.evidence --seen seen)"
refute "the exit status says so" judge birth.evidence --seen seen
attest web --format certificate -o certificate.evidence || exit 99
contains "in another form too" '"reason":"replayed"' "$(judge certificate.evidence --seen seen --json)"
attest other -o other.evidence || exit 99
check "another key born in the same run has evidence of its own" \
  chio-hsm verify other.evidence --root "$root" --seen seen
cat >policy.py <<'P'
import base64, json, sys
open("quote", "wb").write(base64.b64decode(json.load(open("birth.evidence"))["verificationMaterial"]["chioBoot"]["quote"]))
P
if command -v python3 >/dev/null 2>&1 && python3 policy.py; then
  contains "the quote in it was seen with it" "refused     replayed" \
    "$(chio-hsm verify quote --root "$root" --seen seen)"
else
  skip "the quote in it was seen with it" "python3 is not here"
fi
chio-hsm policy init --from birth.evidence --root "$root" | sed 's/^version = 1$/&\nmax_age = 3600/' >policy.toml
check "under a policy with an age evidence is remembered" judge birth.evidence --policy policy.toml --seen aging
made=$(judge birth.evidence --json | sed 's/.*"time":"\([^"]*\)".*/\1/')
is "until it is too old for it" "$(date -u -d "$made + 3600 seconds" +%s)" "$(sed -n '2s/.* //p' aging)"

# ---- Faults ----
echo other >wrong
contains "another file is no table" "wrong is no file of" "$(judge birth.evidence --seen wrong 2>&1)"
refute "nor one of challenges, if it is of what was seen" judge birth.evidence --challenges seen
refute "a folder that is missing takes no table" chio-hsm challenge --challenges missing/table
refute "a challenge that nobody remembers is not made" chio-hsm challenge
for wrong in 0 86401 1x -1 ''; do
  refute "--lifetime '$wrong' is refused" chio-hsm challenge --challenges table --lifetime "$wrong"
done
cp certificate.evidence chain.pem
refute "a chain answers no challenge" chio-hsm verify chain.pem --issuer web.pem --challenges table

# Verifiers die at any time: the table is whole, and whoever comes after is accepted only where nobody was before.
broken=0 twice=0 number=0
while [ $number -lt 20 ]; do
  number=$((number + 1))
  nonce=$(chio-hsm challenge --challenges table) || broken=$((broken + 1))
  attest web --nonce "$nonce" -o k.evidence || exit 99
  : >first.log # nothing of the round before, should this one die before it opens the file
  chio-hsm verify k.evidence --root "$root" --key web.pem --challenges table >first.log 2>/dev/null & pid=$!
  sleep "$(printf "0.%03d" "$number")"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  if judge k.evidence --challenges table >second.log 2>&1 && grep -q '^accepted' first.log; then twice=$((twice + 1)); fi
  grep -q 'is no file of' second.log && broken=$((broken + 1))
done 2>/dev/null
is "no table is broken by a verifier that is killed" 0 $broken
is "no challenge is answered twice over it" 0 $twice
plan
