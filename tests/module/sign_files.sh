#!/bin/sh
# chio-hsm sign with several files: signatures, where they go, how many requests they take, and what is refused.
. "$abs_top_srcdir/tests/support/tap.sh"
export CHIO_LOG=debug
under_chiod
cd "$CHIO_TEST_DIR" || exit 99
printf 123456 >pin
chmod 600 pin
export CHIO_PIN_SOURCE="$CHIO_TEST_DIR/pin"

for type in p256 ed25519 rsa2048; do
  check "$type: a key is made" chio-hsm key generate $type --type $type
  chio-hsm export-pub $type >$type.pub
done

# requests MESSAGE: how often it was served
requests() {
  grep -c "type=$1 " "$CHIOD_LOG"
}

verify() { # TYPE FILE SIGNATURE
  case $1 in
    p256) openssl dgst -sha256 -verify p256.pub -signature "$3" "$2" ;;
    rsa2048) openssl dgst -sha256 -verify rsa2048.pub -signature "$3" "$2" ;;
    *) openssl pkeyutl -verify -rawin -pubin -inkey ed25519.pub -in "$2" -sigfile "$3" ;;
  esac
}

for type in p256 ed25519 rsa2048; do
  mkdir $type
  for i in 1 2 3; do echo "message $i" >$type/$i; done
  : >$type/empty
  before=$(requests SIGN_BATCH)
  check "$type: four files are signed" chio-hsm sign $type $type/1 $type/2 $type/3 $type/empty
  is "$type: in one request" $((before + 1)) "$(requests SIGN_BATCH)"
  for i in 1 2 3; do check "$type: the signature of file $i holds" verify $type $type/$i $type/$i.sig; done
  refute "$type: and for no other file" verify $type $type/1 $type/2.sig
done

mkdir many out
i=0
while [ $i -lt 300 ]; do
  echo "file $i" >many/$i
  i=$((i + 1))
done
before=$(requests SIGN_BATCH)
check "300 files are signed into a folder" chio-hsm sign p256 many/* --output out
is "in two requests" $((before + 2)) "$(requests SIGN_BATCH)"
is "each has its signature" 300 "$(find out -name '*.sig' | wc -l | tr -d ' ')"
check "the first holds" verify p256 many/0 out/0.sig
check "the last holds" verify p256 many/299 out/299.sig

head -c 1048576 /dev/zero >large
echo small >small
check "a file that fills a request alone is signed beside others" chio-hsm sign p256 small large
check "the large one's signature holds" verify p256 large large.sig
check "the small one's signature holds" verify p256 small small.sig

json=$(chio-hsm sign p256 many/1 many/2 --json)
is "--json lists each file" "many/1 many/2" "$(printf '%s' "$json" | python3 -c '
import json, sys
print(" ".join(s["file"] for s in json.load(sys.stdin)["signatures"]))')"
check "--json writes nothing" test ! -e many/1.sig
echo '{"b":1,"a":2}' >b.json
printf '{"a":2,"b":1}' >canonical
echo '[1]' >c.json
check "--canonical-json is about each file" chio-hsm sign p256 b.json c.json --canonical-json
check "and signs the canonical form" verify p256 canonical b.json.sig

refute "a folder that is not there is refused" chio-hsm sign p256 many/1 many/2 --output nowhere
mkdir a b
echo 1 >a/x
echo 2 >b/x
refute "two files with one signature file are refused" chio-hsm sign p256 a/x b/x --output out
head -c 1048577 /dev/zero >too-large
refute "a file above 1 MiB is refused" chio-hsm sign p256 too-large small
refute "a file that is not there is refused" chio-hsm sign p256 a/x missing b/x
check "those before it are signed" verify p256 a/x a/x.sig
check "and those behind it are not" test ! -e b/x.sig
chio-hsm key generate careful --always-authenticate >/dev/null
said=$(chio-hsm sign careful a/x b/x 2>&1)
contains "a key that asks for its PIN at each use takes no batch" "needs its own login for each use" "$said"
plan
