#!/bin/sh
# chio-hsm policy add: a new image goes into the lists of a policy that has comments of its own, and nothing else changes;
# evidence that is refused for more than its image changes nothing. Once more on a simulated Nitro enclave.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
enter_token
platform=${CHIO_TEST_PLATFORM:-sim-tdx}
root=$CHIO_STATE/sim/${platform#sim-}-root.pem
zeros=$(printf '%096d' 0)
chio-hsm key generate web >/dev/null || exit 99
chio-hsm attest web -o web.evidence
chio-hsm policy init --from web.evidence --root "$root" -o drafted.toml || exit 99
check "the drafted policy accepts the evidence" chio-hsm verify web.evidence --policy drafted.toml
# The policy of the image before: the same, with other values in its lists of registers.
sed -e "s/\"[0-9a-f]\{96\}\"/\"$zeros\"/" -e 's/^measurements = \[/&  # the image of spring/' drafted.toml >old.toml
printf '# the end\n' >>old.toml
refute "that of another image does not" chio-hsm verify web.evidence --policy old.toml

cp old.toml policy.toml
chmod 640 policy.toml
chio-hsm policy add policy.toml --from web.evidence --dry-run >out
contains "a dry run says what it would add" "added      measurements" "$(cat out)"
check "and changes nothing" cmp old.toml policy.toml
check "the image is added" chio-hsm policy add policy.toml --from web.evidence
check "the policy accepts it now" chio-hsm verify web.evidence --policy policy.toml
is "lines came, and none went" "" "$(diff old.toml policy.toml | grep '^<' | grep -v "\"$zeros\"")"
contains "what stood there stands there" "$zeros" "$(cat policy.toml)"
contains "comments too" "# the image of spring" "$(cat policy.toml)"
is "to the end" "# the end" "$(tail -n 1 policy.toml)"
is "the file's rights stay" 640 "$(stat -c %a policy.toml)"
cp policy.toml once.toml
said=$(chio-hsm policy add policy.toml --from web.evidence)
contains "once more: it is said that it is there" "is there   measurements" "$said"
lacks "and nothing is added" "added " "$said"
check "so the file is the same" cmp once.toml policy.toml
chio-hsm policy add policy.toml --from web.evidence --json >out.json
check "in JSON" grep -q '"written": false' out.json
cp old.toml other.toml
ln -s other.toml link.toml
check "through a link the file is changed" chio-hsm policy add link.toml --from web.evidence
check "and the link stays one" test -L link.toml

# A policy that looks at the measurement alone is not made to look at more.
printf 'version = 1\ntee = ["%s"]\nmeasurements = ["%s"]\n[roots]\nfiles = ["%s"]\n' "$platform" "$zeros" "$root" >few.toml
chio-hsm policy add few.toml --from web.evidence >out
contains "the measurement is added" "added      measurements" "$(cat out)"
lacks "and no list is begun" "[tdx]" "$(cat few.toml)"
lacks "nor one of registers" pcr "$(cat few.toml)"
case $platform in
  sim-tdx)
    contains "which is said" "no list    tdx.rtmr1" "$(cat out)"
    refute "no list at all is an error" chio-hsm policy add few.toml --from web.evidence --what rtmr
    ones=$(printf '%096d' 1)
    sed '/^\[tdx\]/d' drafted.toml >rtmr.toml
    printf '[tdx]\nrtmr1 = [\n  "%s", # spring\n]\n' "$ones" >>rtmr.toml
    refute "another register is refused" chio-hsm verify web.evidence --policy rtmr.toml
    cp rtmr.toml rtmr.before
    refute "the measurement alone is not enough for it" chio-hsm policy add rtmr.toml --from web.evidence --what measurements
    check "so nothing is written" cmp rtmr.before rtmr.toml
    check "the registers are" chio-hsm policy add rtmr.toml --from web.evidence --what rtmr
    check "and the policy accepts" chio-hsm verify web.evidence --policy rtmr.toml
    contains "beside the old one and its comment" "  \"$ones\", # spring" "$(cat rtmr.toml)"
    ;;
  sim-nitro)
    contains "registers of the image are in the drafted policy's lists" "nitro.pcr.0" \
      "$(cp old.toml n.toml && chio-hsm policy add n.toml --from web.evidence --what pcr,measurements)"
    ;;
esac

# ---- Refused for more than its image ----
cp old.toml before.toml
refused() { # NAME REASON ARGUMENTS...
  name=$1
  reason=$2
  shift 2
  cp before.toml policy.toml
  said=$(chio-hsm policy add policy.toml "$@" 2>&1)
  is "$name" 1 $?
  contains "... with the reason" "$reason" "$said"
  check "... and the policy is as it was" cmp before.toml policy.toml
}
# The first signature in the bundle is the statement's.
flipped() {
  python3 -c 'import re
t = open("web.evidence").read()
m = re.search(r"\"sig\": *\"....", t)
i = m.end()
open("flipped", "w").write(t[:i] + ("A" if t[i] != "A" else "B") + t[i + 1:])'
}
refused "evidence of another time" certificate --from web.evidence --at 2099-01-01T00:00:00Z
if command -v python3 >/dev/null 2>&1 && flipped; then
  refused "a statement that was changed" "(statement-" --from flipped
fi
printf 'no evidence' >none
refused "what is no evidence" "(unsupported)" --from none
sed '/^\[roots\]/,/^\]/d' old.toml >before.toml
refused "a root that nobody trusts" "(simulated-root)" --from web.evidence
sed 's/^tee = .*/tee = ["snp"]/' old.toml >before.toml
refused "another TEE" "(tee)" --from web.evidence
sed 's/^version = 1/&\nrequire_nonce = true/' old.toml >before.toml
refused "evidence without the nonce" "(nonce)" --from web.evidence
chio-hsm attest web --nonce 00112233 -o fresh.evidence --pin-source pin
check "with it, it is added" chio-hsm policy add policy.toml --from fresh.evidence --nonce 00112233

# ---- The command line ----
cp old.toml policy.toml
for arguments in "policy.toml" "- --from web.evidence" "policy.toml --from web.evidence --what colour" \
  "policy.toml --from web.evidence --what measurements,"; do
  # shellcheck disable=SC2086
  chio-hsm policy add $arguments >/dev/null 2>&1
  is "refused: policy add $arguments" 2 $?
done
refute "a policy that is none" chio-hsm policy add none --from web.evidence
check "none of which touched it" cmp old.toml policy.toml
plan
