#!/bin/sh
# Chio's contract for whoever signs: algorithm, public key, bytes signed, in Chio's own spelling; for keys born here and
# for keys that are elsewhere. And canonical JSON (RFC 8785) as Chio has it: its vectors, and what has no canonical form.
. "$abs_top_srcdir/tests/support/tap.sh"

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  for tool in python3 openssl xxd; do
    command -v $tool >/dev/null || skip_all "$tool is not installed"
  done
  dir=$(mktemp -d "${TMPDIR:-/tmp}/chio-XXXXXX") || exit 99
  trap 'for name in softhsm vault; do "$abs_top_srcdir/tests/kms/servers/$name" stop "$dir/$name"; done; rm -rf "$dir"' EXIT
  CHIO_TEST_CONFIG='kmsd.environment = ["SOFTHSM2_CONF"]'
  CHIO_TEST_BACKENDS=
  for name in softhsm vault; do
    server=$abs_top_srcdir/tests/kms/servers/$name
    (CHIO_TEST_INSTALL=${CHIO_TEST_INSTALL:-no} "$server" install && "$server" start "$dir/$name") >"$dir/$name.said" 2>&1 ||
      continue
    . "$dir/$name/env"
    CHIO_TEST_BACKENDS="$CHIO_TEST_BACKENDS $name"
  done
  case $CHIO_TEST_BACKENDS in *softhsm*) CHIO_TEST_CONFIG="$CHIO_TEST_CONFIG
[backend.softhsm]
kind = \"pkcs11\"
module = \"$CHIO_TEST_MODULE\"
token = \"$CHIO_TEST_MODULE_TOKEN\"
secret_file = \"$CHIO_TEST_MODULE_PIN_FILE\"
timeout_ms = 30000" ;; esac
  case $CHIO_TEST_BACKENDS in *vault*) CHIO_TEST_CONFIG="$CHIO_TEST_CONFIG
[backend.vault]
kind = \"vault\"
endpoint = \"$CHIO_TEST_VAULT_ENDPOINT\"
auth = \"token\"
token_file = \"$CHIO_TEST_VAULT_TOKEN_FILE\"
timeout_ms = 30000" ;; esac
  export CHIO_TEST_CONFIG CHIO_TEST_BACKENDS
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi
cd "$CHIO_TEST_DIR" || exit 99
umask 077
printf 123456 >pin
CHIO_PIN_SOURCE=$CHIO_TEST_DIR/pin
export CHIO_PIN_SOURCE

member() { # FILE NAME
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

# The spelling of keys and signatures, and openssl's opinion of the signature: OUTCOME MESSAGE ALGORITHM
judge() {
  python3 - "$1" "$3" >"$1.parts" <<'PY'
import json, re, sys
outcome = json.load(open(sys.argv[1]))
assert sorted(outcome) == ["algorithm", "public_key", "signature"], sorted(outcome)
assert outcome["algorithm"] == sys.argv[2], outcome["algorithm"]
forms = {"ed25519": ("", 64, "302a300506032b6570032100", "[0-9a-f]{128}"),
         "p256": ("p256:", 130, "3059301306072a8648ce3d020106082a8648ce3d030107034200", "30[0-9a-f]+"),
         "p384": ("p384:", 194, "3076301006072a8648ce3d020106052b81040022036200", "30[0-9a-f]+")}
prefix, digits, head, signature = forms[sys.argv[2]]
key = re.fullmatch(re.escape(prefix) + "([0-9a-f]{%d})" % digits, outcome["public_key"]).group(1)
assert sys.argv[2] == "ed25519" or key.startswith("04")
made = re.fullmatch(re.escape(prefix) + "(%s)" % signature, outcome["signature"]).group(1)
print(head + key, made)
PY
  [ -s "$1.parts" ] || return 1
  read -r spki signature <"$1.parts"
  printf %s "$spki" | xxd -r -p >"$1.spki" && printf %s "$signature" | xxd -r -p >"$1.sig" || return 1
  case $3 in
    ed25519) openssl pkeyutl -verify -pubin -keyform DER -inkey "$1.spki" -rawin -in "$2" -sigfile "$1.sig" ;;
    p256) openssl dgst -sha256 -keyform DER -verify "$1.spki" -signature "$1.sig" "$2" ;;
    p384) openssl dgst -sha384 -keyform DER -verify "$1.spki" -signature "$1.sig" "$2" ;;
  esac
}

printf '{"b":[1,2.50,"\\u20ac"],"a":null}' >free.json
printf '{"a":null,"b":[1,2.5,"\342\202\254"]}' >canonical.json
for token in test softhsm vault; do
  case " test $CHIO_TEST_BACKENDS " in
    *" $token "*) ;;
    *) skip "keys of $token" "the server is not there (./check --all installs it)"; continue ;;
  esac
  for type in ed25519 p256 p384; do
    check "$token makes $type" chio-hsm key generate "sb-$type" --token "$token" --type "$type"
    check "$token, $type: bytes are signed" \
      chio-hsm sign "chio:token=$token;object=sb-$type" free.json --token "$token" --json --output "$token-$type.raw"
    chio-hsm sign "sb-$type" free.json --token "$token" --json >"$token-$type.raw"
    check "$token, $type: in Chio's spelling, and good" judge "$token-$type.raw" free.json "$type"
    chio-hsm sign "sb-$type" free.json --token "$token" --canonical-json --json >"$token-$type.canonical"
    check "$token, $type: canonical JSON is signed" judge "$token-$type.canonical" canonical.json "$type"
    is "$token, $type: by the same key" \
      "$(member "$token-$type.raw" public_key)" "$(member "$token-$type.canonical" public_key)"
  done
done
# Several make a key of one name at once: one of them does.
for token in softhsm vault; do
  case " $CHIO_TEST_BACKENDS " in *" $token "*) ;; *) continue ;; esac
  for caller in 1 2 3 4 5 6; do
    (chio-hsm key generate race --token "$token" >"race.$token.$caller" 2>&1 && echo made >>"race.$token.$caller") &
  done
  wait
  is "$token: of many keys with one name, one is made" 1 "$(cat race."$token".* | grep -c '^made$')"
done
chio-hsm key generate rsa --token test --type rsa2048 >/dev/null
contains "Chio has no spelling for RSA" "Chio has no form for signatures" \
  "$(chio-hsm sign rsa free.json --token test --json 2>&1)"

# ---- What has a canonical form, and which: Ed25519 signs the same bytes the same way ----
signature_of() { # FILE FLAG...
  signed=$1
  shift
  chio-hsm sign sb-ed25519 "$signed" --token test --json "$@" >outcome 2>error && member outcome signature
}
same() { # NAME TEXT CANONICAL
  printf %s "$2" >given.json
  printf %s "$3" >wanted.json
  is "$1" "$(signature_of wanted.json)" "$(signature_of given.json --canonical-json)"
}
same "white space goes, members are sorted" ' { "z" : 1 , "a" : [ ] } ' '{"a":[],"z":1}'
same "numbers are as ECMAScript has them" '[1.0,-0.0,1e21,1e-7,0.000001,123e-20,5e-324,1.7976931348623157e308]' \
  '[1,0,1e+21,1e-7,0.000001,1.23e-18,5e-324,1.7976931348623157e+308]'
same "an integer of 64 bits is exact, as Chio has it" '[9007199254740993,18446744073709551615,-9223372036854775808]' \
  '[9007199254740993,18446744073709551615,-9223372036854775808]'
same "a larger one is a double" '[18446744073709551616,-9223372036854775809]' '[18446744073709552000,-9223372036854776000]'
same "a scalar is JSON too" ' "x" ' '"x"'
same "depth within the limit" "$(python3 -c 'print("[" * 60 + "]" * 60)')" "$(python3 -c 'print("[" * 60 + "]" * 60, end="")')"

refused() { # NAME TEXT (printf's escapes)
  # shellcheck disable=SC2059
  printf "$2" >given.json
  signature_of given.json --canonical-json >/dev/null
  is "refused: $1" 1 $?
  contains "refused, and said: $1" "no JSON with a canonical form" "$(cat error)"
}
refused "nothing" ''
refused "NaN" '[NaN]'
refused "Infinity" '[-Infinity]'
refused "a number beyond all doubles" '[1e400]'
refused "a number that begins with 0" '[01]'
refused "a number that begins with +" '[+1]'
refused "a bare point" '[1.]'
refused "a member twice" '{"a":1,"a":1}'
refused "a member twice, spelled otherwise" '{"a":1,"\\u0061":1}'
refused "half a surrogate pair" '["\\ud800"]'
refused "the other half" '["\\udc00x"]'
refused "halves in the wrong order" '["\\udc00\\ud800"]'
refused "a surrogate in UTF-8" '["\355\240\200"]'
refused "bytes that are no UTF-8" '["\377"]'
refused "an overlong character" '["\300\257"]'
refused "a control character" '["\001"]'
refused "what follows the value" '{} {}'
refused "a comma too many" '[1,]'
refused "a comment" '[1] // one'
refused "a byte order mark" '\357\273\277{}'
refused "an end too early" '{"a":'
refused "nesting without end" "$(python3 -c 'print("[" * 5000 + "]" * 5000)')"

# ---- ECMAScript, by which RFC 8785 defines numbers and the order of names, itself ----
if command -v node >/dev/null; then
  node -e '
const fs = require("fs"), view = new DataView(new ArrayBuffer(8)), numbers = [], names = {};
let seed = 7;
const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
while (numbers.length < 8000) {
  view.setUint32(0, next());
  view.setUint32(4, next());
  const value = numbers.length % 2 ? view.getFloat64(0) : (next() - 2147483648) / 10 ** (next() % 12);
  if (Number.isFinite(value)) numbers.push(value);
}
for (let e = -1074; e < 1024; e++) numbers.push(2 ** e, -(2 ** e));
for (let i = 0; i < 500; i++) names[String.fromCodePoint(...[next() % 0xd800, 0xe000 + next() % 0x102000])] = i;
const sorted = Object.fromEntries(Object.entries(names).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync("given.json", "[[" + numbers.map((n) => n.toExponential(20)) + "], " + JSON.stringify(names, null, 1) + "]");
fs.writeFileSync("wanted.json", JSON.stringify([numbers, sorted]));'
  is "twelve thousand numbers and five hundred names as node writes them" "$(signature_of wanted.json)" \
    "$(signature_of given.json --canonical-json)"
else
  skip "as ECMAScript has it" "node is not installed"
fi

# ---- Chio's own vectors ----
vectors=${CHIO_VECTORS:-$abs_top_srcdir/../shared/vectors}/chio
if [ -d "$vectors" ]; then
  python3 - "$vectors" <<'PY'
import glob, json, sys
top, cases = sys.argv[1], []
for path in glob.glob(top + "/arc-*/tests/bindings/vectors/canonical/v1.json"):
    cases += [(c["input_json"].encode(), c["canonical_json"].encode()) for c in json.load(open(path))["cases"]]
for c in json.load(open(top + "/chio-current/canonical-extra.json"))["cases"]:
    if not c.get("legacy"):
        cases.append((c["input_json"].encode(), bytes.fromhex(c["canonical_utf8_hex"])))
for number, (given, wanted) in enumerate(cases):
    open("vector.%d.given" % number, "wb").write(given)
    open("vector.%d.wanted" % number, "wb").write(wanted)
PY
  count=$(find . -name 'vector.*.given' | wc -l)
  bad=
  number=0
  while [ $number -lt "$count" ]; do
    [ "$(signature_of "vector.$number.given" --canonical-json)" = "$(signature_of "vector.$number.wanted")" ] ||
      bad="$bad $number"
    number=$((number + 1))
  done
  [ "$count" -ge 20 ] && pass "Chio's vectors are there" || fail "Chio's vectors are there" "$count of them"
  is "all of Chio's canonical vectors are signed as Chio signs them" "" "$bad"
  # Keys and signatures of the vectors, in the spelling that judge takes for good.
  python3 - "$vectors/derived/wire-keys-signatures.json" <<'PY'
import json, sys
vectors = json.load(open(sys.argv[1]))
open("wire.message", "w").write(vectors["message_utf8"])
for case in vectors["cases"]:
    if case["alg"] in ("ed25519", "p256", "p384"):
        names = {"algorithm": case["alg"], "public_key": case["public_key"], "signature": case["signature"]}
        json.dump(names, open("wire." + case["alg"], "w"))
PY
  for type in ed25519 p256 p384; do check "Chio's $type is spelled as ours" judge "wire.$type" wire.message "$type"; done
else
  skip "Chio's vectors" "$vectors is not there"
fi
plan
