#!/bin/sh
# chio-hsm as a person and as a program use it, against a signer of the test's own.
set -u
if [ "${1:-}" != inside ]; then
  CHIO_TEST_CONFIG='token.slots = 3' exec "$abs_top_srcdir/tests/support/with-chiod" "$abs_top_srcdir/tests/module/chio_hsm.sh" inside
fi

cd "$CHIO_TEST_DIR" || exit 99
count=0
failures=0
out=$CHIO_TEST_DIR/out
err=$CHIO_TEST_DIR/err

ok() { # RESULT NAME
  count=$((count + 1))
  if [ "$1" = 0 ]; then
    echo "ok $count - $2"
  else
    failures=$((failures + 1))
    echo "not ok $count - $2"
    sed 's/^/# out: /' "$out"
    sed 's/^/# err: /' "$err"
  fi
}

# run STATUS ARGUMENTS...: chio-hsm ends with this status; what it says is in out and err.
run() {
  expected=$1
  shift
  chio-hsm "$@" >"$out" 2>"$err" </dev/null
  [ $? = "$expected" ]
}

says() { grep -q -e "$1" "$out"; }
complains() { grep -q -e "$1" "$err"; }

json() { # FILE EXPRESSION: of the parsed value j
  python3 -c 'import json,sys; j=json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else 1)' "$1" "$2"
}

printf '123456\n' >pin
printf '654321\n' >wrong
printf 'so-pin-1\nuser-pin-1\n' >pins
pin=--pin-source=$CHIO_TEST_DIR/pin

# ---- The command line ----
run 0 && says 'token init' && says 'A first session'
ok $? "chio-hsm alone teaches the commands"
run 0 help && says 'key generate LABEL'
ok $? "help does the same"
run 0 help key generate && says '--type TYPE' && ! says '--nonce'
ok $? "help COMMAND tells its options and no others"
run 0 key generate --help && says '--type TYPE'
ok $? "--help after a command is help on it"
run 2 key lost && complains "no command 'key lost'; there are 'key "
ok $? "an unknown command is refused by name"
run 2 status --frobnicate && complains "'--frobnicate'"
ok $? "an unknown option is refused by name"
run 2 status --nonce 00 && complains "takes no option --nonce"
ok $? "an option of another command is refused"
run 2 key generate && complains 'key generate takes: LABEL'
ok $? "a missing argument is named"
run 2 status extra && complains 'no arguments'
ok $? "an extra argument is refused"
run 2 key list --token a --token b && complains 'given twice'
ok $? "an option given twice is refused"
run 2 key list --pin 123456 && complains 'not given on the command line' && ! complains 123456
ok $? "a PIN on the command line is refused and not repeated"

# ---- The signer ----
run 0 status && says 'sim-tdx'
ok $? "status says what the signer is"
run 0 status --json && json "$out" 'j["tee"] == "sim-tdx" and j["endpoint"].startswith("unix:")'
ok $? "status --json is JSON"
run 1 status --signer unix:/nonexistent/s && complains 'unix:/nonexistent/s: No such file' && complains 'start chiod'
ok $? "a signer that is not there is named with the remedy"
run 1 status --signer unix:/nonexistent/s --json && json "$out" 'j["error"] == "UNREACHABLE" and j["remedy"]'
ok $? "--json makes errors JSON too"
run 1 status --signer /nonexistent/s && complains 'unix:/nonexistent/s'
ok $? "an endpoint without a scheme is refused with the right spelling"

# ---- Tokens ----
run 0 token list && says 'test .*ready'
ok $? "token list shows the token"
run 1 token init second --pin-source pins --so-pin-source nonexistent && complains nonexistent
ok $? "a PIN source that cannot be read is named"
run 0 token init second --so-pin-source pins --pin-source pins && says "token 'second' is ready in slot 1"
ok $? "token init takes the next slot and both PINs from one file"
run 1 token init third --slot 1 --so-pin-source pins --pin-source pins && complains 'reinit'
ok $? "a slot with a token is not initialised again by accident"
run 1 token init third --slot 1 --reinit --so-pin-source wrong --pin-source pins
ok $? "nor with the wrong PIN of the security officer"
run 0 token init third --slot 1 --reinit --so-pin-source pins --pin-source pins
ok $? "but with --reinit and the right one"
run 0 token list --json && json "$out" '[t["label"] for t in j] == ["test", "third", ""]'
ok $? "token list --json lists each slot"
run 2 token init aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --so-pin-source pins --pin-source pins
ok $? "a label that is too long is refused"
printf 'so-pin-2\nuser-pin-2\n' | chio-hsm token init fourth --so-pin-source fd:0 --pin-source fd:0 >"$out" 2>"$err"
ok $? "two PINs come through one descriptor"
run 1 token init fifth --so-pin-source pins --pin-source pins && complains 'every slot has a token'
ok $? "no slot left is an error with the remedy"

# ---- Keys ----
run 2 key generate web --type p256 "$pin" && complains 'several tokens' && complains third
ok $? "several tokens are listed to choose from"
run 1 key generate web --token nobody "$pin" && complains "no token 'nobody'"
ok $? "an unknown token is named"
run 2 key generate web --token test && complains 'no terminal'
ok $? "without a PIN and a terminal the tool says so"
run 1 key generate web --token test --pin-source wrong && complains 'PIN'
ok $? "a wrong PIN is refused"
run 2 key generate web --token test "$pin" --type p255 && complains 'ed25519'
ok $? "an unknown key type is refused with those there are"
run 2 key generate web --token test "$pin" --id xyz
ok $? "an id that is not hex is refused"
for type in ed25519 p256 p384 p521 rsa2048; do
  run 0 key generate "key-$type" --token test "$pin" --type $type && says 'born in sim-tdx'
  ok $? "a key of type $type is born"
done
run 1 key generate key-p256 --token test "$pin" && complains 'choose another label'
ok $? "a label that is taken is refused"
run 0 key generate other --token test "$pin" --id c0ffee --json && json "$out" 'j["id"] == "c0ffee" and j["private_unique_id"]'
ok $? "key generate --json tells the ids"
unique=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["private_unique_id"])' "$out")
CHIO_PIN_SOURCE=$CHIO_TEST_DIR/pin chio-hsm key generate by-env --token test >"$out" 2>"$err" </dev/null
ok $? "CHIO_PIN_SOURCE names the source"
run 0 key list --slot 0 && says 'other.*c0ffee.*P-256.*?.*born.*sim-tdx'
ok $? "key list without a login leaves open whether there is a private key"
run 0 key list --token test "$pin" && says 'other.*yes'
ok $? "key list with a login sees it"
run 0 key list --token test --json && json "$out" 'len(j) == 7 and all(k["origin"] == "born" for k in j)'
ok $? "key list --json lists every pair once"

# ---- What a key can be called ----
for name in other c0ffee C0FFEE; do
  run 0 export-pub $name --token test && says 'BEGIN PUBLIC KEY'
  ok $? "a key is found as $name"
done
run 0 export-pub "$unique" --token test "$pin" && says 'BEGIN PUBLIC KEY'
ok $? "a key is found by its unique id"
run 1 export-pub nobody --token test && complains "no key 'nobody'"
ok $? "an unknown key is named"
run 0 key generate c0ffee --token test "$pin" && run 2 export-pub c0ffee --token test && complains 'is 2 keys' && complains other
ok $? "a name for two keys is refused with both"

# ---- Public keys and evidence ----
run 0 export-pub other --token test -o pub.pem && openssl pkey -pubin -in pub.pem -noout >"$out" 2>"$err"
ok $? "openssl reads an exported public key"
run 1 export-pub other --token test -o /nonexistent/pub.pem && complains /nonexistent/pub.pem
ok $? "a file that cannot be written is named"
run 0 attest other --token test && cp "$out" birth.json && json birth.json '"dsseEnvelope" in j'
ok $? "the evidence of a key's birth needs no login"
run 0 attest other --token test -o again.json && cmp -s birth.json again.json
ok $? "and is the same each time"
run 0 attest other --token test "$pin" --nonce 00ff -o fresh.json && json fresh.json '"dsseEnvelope" in j' && ! cmp -s birth.json fresh.json
ok $? "with a nonce it is fresh"
run 2 attest other --token test "$pin" --nonce 0 && complains hex
ok $? "a nonce that is not hex is refused"
chio-hsm attest other --token test >/dev/full 2>"$err"
[ $? = 1 ] && complains 'could not be written'
ok $? "a full disk is an error"
for command in 'report coverage' doctor; do
  chio-hsm $command --token test >/dev/full 2>"$err"
  [ $? = 1 ] && complains 'could not be written'
  ok $? "also where the exit status says something else: $command"
done

# ---- URIs ----
run 0 uri key-p256 --token test && says '^chio:token=test;id=%[0-9A-F%]*;object=key-p256;type=private$'
ok $? "a key has a URI without a PIN"
uri=$(cat "$out")
run 0 export-pub "$uri" && cp "$out" by-uri.pem && run 0 export-pub key-p256 --token test && cmp -s "$out" by-uri.pem
ok $? "which names that key and its token"
run 2 export-pub "$uri" --token third && complains "says token 'test'"
ok $? "a URI that contradicts the command line is refused"
run 2 export-pub "$uri?pin-value=123456" && complains 'pin-source' && ! complains 123456
ok $? "a PIN in a URI on the command line is refused and not repeated"
run 2 export-pub 'chio:colour=blue' && complains 'unknown attribute'
ok $? "a URI with an unknown attribute is refused"
run 1 export-pub 'chio:token=test;object=nobody' && complains nobody
ok $? "a URI that names no key is refused"
run 0 attest "$uri?pin-source=$CHIO_TEST_DIR/pin" --nonce 01
ok $? "a URI can say where the PIN is"
run 0 uri key-p256 --token test -o key.pem && grep -q 'BEGIN CHIO HSM KEY URI' key.pem
ok $? "a PEM file holds the URI"
for form in "" file: file:// file://localhost; do
  run 0 sign "chio:token=test;object=key-p256?pin-source=$form$CHIO_TEST_DIR/pin" pin --json && says signature
  ok $? "a URI's pin-source is taken as the provider takes it: $form/..."
done
run 1 sign "chio:token=test;object=key-p256?pin-source=file:nowhere" pin && complains nowhere
ok $? "a file: URI without a path is none"
run 0 uri key-p256 --token test --json && json "$out" 'j["uri"].startswith("chio:token=test;")'
ok $? "uri --json is JSON"
openssl pkey -in key.pem -pubout -passin file:pin >"$out" 2>"$err" && cmp -s "$out" by-uri.pem
ok $? "openssl finds the key by that file"

# ---- The end of a key ----
run 2 key destroy other --token test "$pin" && complains --yes
ok $? "a key is not destroyed without a question"
run 0 key destroy other --token test "$pin" --yes && run 1 export-pub other --token test "$pin"
ok $? "a key that was destroyed is gone"
pkcs11-tool --module "$CHIO_PKCS11_MODULE" --token-label test -O >"$out" 2>"$err" && says 'label:.*key-p256' && ! says 'label:.*other'
ok $? "its evidence objects went with it, and those of others stayed"
run 1 key destroy other --token test "$pin" --yes
ok $? "and cannot be destroyed twice"

# ---- A restart ----
kill -9 "$(cat "$CHIO_PIDFILE")"
run 1 status
ok $? "a signer that died is an error"
$CHIO_START && run 0 attest key-p256 --token test && cp "$out" later.json && json later.json '"dsseEnvelope" in j'
ok $? "after a restart the keys are there with their evidence"

echo "1..$count"
[ $failures = 0 ]
