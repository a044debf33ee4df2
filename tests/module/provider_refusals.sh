#!/bin/sh
# What the provider refuses, how it says so, and that a wrong PIN is tried once.
. "$abs_top_srcdir/tests/support/tap.sh"
export CHIO_TEST_CONFIG="token.pin_failures_delay = 5
token.pin_failures_lock = 5"
CHIO_LOG=debug under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

make_keys ed25519 p256
configure "pin = 123456"
pin_conf=$OPENSSL_CONF
echo "a message" >message

errors() { # COMMAND...: what it says on stderr
  "$@" 2>&1 >/dev/null </dev/null
}

ours() { # of errors: those that the provider raised
  grep -c ':chio:'
}

raised() { # of errors: their lines
  echo "$1" | grep ':chio:'
}

# URIs
for bad in "objet=key-p256" "object=key-p256;object=key-p256" "object=key-p256;type=secret" "object=%zz" "object=a b" \
  "id=" "slot-id=x" "object=key-p256;" "object=key-p256?module-path=/x" "object=key-p256?pin-value=1&pin-value=2"; do
  refute "chio:$bad is refused" openssl pkey -in "chio:$bad" -noout
  refute "storeutl refuses it too" openssl storeutl -noout "chio:$bad"
  said=$(errors openssl pkey -in "chio:$bad" -noout)
  contains "and says why" "malformed chio: URI" "$said"
  is "with one error" 1 "$(echo "$said" | ours)"
done
refute "a signer that is no endpoint is refused" openssl pkey -in "chio:object=key-p256?signer=ftp:x" -noout
check "the scheme has no case" openssl pkey -in "CHIO:object=key-p256" -noout
for nothing in object=nobody token=other "id=%00" serial=0000000000000000 slot-id=200; do
  found=$(openssl storeutl -noout "chio:$nothing")
  is "chio:$nothing is no error" 0 $?
  lacks "and finds nothing" "0: " "$found"
done
refute "a key that is not there cannot be used" openssl pkey -in "chio:object=nobody" -noout

# The same label twice
"$abs_top_builddir/tests/support/make_key" p256 key-p256 id-second || exit 99
refute "a label that two keys have is refused" openssl pkey -in "chio:object=key-p256" -noout
said=$(errors openssl pkey -in "chio:object=key-p256" -noout)
contains "and says so" "matches more than one key" "$said"
refute "for the public keys too" openssl pkey -pubin -in "chio:object=key-p256" -noout
check "the id tells them apart" openssl pkey -in "chio:object=key-p256;id=%69%64%2d%73%65%63%6f%6e%64" -noout
is "a listing shows both" 3 "$(openssl storeutl -noout -keys chio: | grep -c Pkey)"

# The private key stays where it is
said=$(errors openssl pkey -in "chio:object=key-ed25519" -outform DER -out out.der)
contains "DER is refused" "cannot be exported" "$said"
refute "and nothing is written" test -s out.der
refute "pkcs12 cannot take it" openssl pkcs12 -export -inkey "chio:object=key-ed25519" -nocerts -passout pass:x \
  -out out.p12

# PINs
logins() {
  requests LOGIN
}

OPENSSL_CONF=$plain_conf
export OPENSSL_CONF
before=$(logins)
check "public keys need no PIN" openssl pkey -pubin -in "chio:object=key-ed25519" -noout
is "certificates need none" 1 "$(openssl storeutl -noout -certs "chio:object=key-ed25519" </dev/null | grep -c Cert)"
is "and nobody logged in" "$before" "$(logins)"
refute "a private key does" openssl pkey -in "chio:object=key-ed25519" -noout -passin pass:
check "the URI may have it" openssl pkey -in "chio:object=key-ed25519?pin-value=123456" -noout
check "percent-encoded" openssl pkey -in "chio:object=key-ed25519?pin-value=%31%32%33456" -noout
check "the application may ask for it" openssl pkey -in "chio:object=key-ed25519" -noout -passin pass:123456
printf '123456\n' >pin
chmod 600 pin
check "pin-source: a path" openssl pkey -in "chio:object=key-ed25519?pin-source=$PWD/pin" -noout
check "pin-source: a file: URI" openssl pkey -in "chio:object=key-ed25519?pin-source=file:$PWD/pin" -noout
check "pin-source: a file:// URI" openssl pkey -in "chio:object=key-ed25519?pin-source=file://$PWD/pin" -noout
check "pin-source: a pipe" sh -c "printf 123456 | openssl pkey -in 'chio:object=key-ed25519?pin-source=/dev/stdin' -noout"
refute "pin-source: no relative path" openssl pkey -in "chio:object=key-ed25519?pin-source=pin" -noout
refute "pin-source: no program" openssl pkey -in "chio:object=key-ed25519?pin-source=|cat" -noout
contains "a missing file is named" "$PWD/nofile" \
  "$(errors openssl pkey -in "chio:object=key-ed25519?pin-source=$PWD/nofile" -noout)"
chmod 644 pin
contains "a file open to everybody is refused" "chmod o-rwx" \
  "$(errors openssl pkey -in "chio:object=key-ed25519?pin-source=$PWD/pin" -noout)"
chmod 600 pin
: >empty
chmod 600 empty
refute "an empty file is refused" openssl pkey -in "chio:object=key-ed25519?pin-source=$PWD/empty" -noout
configure "pin-source = $PWD/pin"
check "the configuration may name a file" openssl pkey -in "chio:object=key-ed25519" -noout

# The URI's PIN goes before the configured one; a wrong one costs one try of each process and is never said
OPENSSL_CONF=$pin_conf
export OPENSSL_CONF
before=$(logins)
said=$(errors openssl pkey -in "chio:object=key-ed25519?pin-value=87654321" -noout)
is "a wrong PIN is tried once" $((before + 1)) "$(logins)"
contains "and said to be wrong" "the PIN is wrong" "$said"
is "with one error" 1 "$(echo "$said" | ours)"
lacks "but not what it was" "87654321" "$(raised "$said")"
before=$(logins)
errors openssl storeutl -noout "chio:?pin-value=87654321" >/dev/null
is "storeutl tries it once" $((before + 1)) "$(logins)"
check "the right one sets the count back" openssl pkey -in "chio:object=key-ed25519" -noout
openssl pkey -in "chio:object=key-ed25519" -out key.pem
configure "pin = 87654321"
before=$(logins)
said=$(errors openssl pkey -in key.pem -noout)
is "by way of a PEM file it is tried once" $((before + 1)) "$(logins)"
contains "and said to be wrong there" "the PIN is wrong" "$said"
lacks "but not what it was, there" "87654321" "$said"
lacks "chiod's log has no PIN" "87654321" "$(cat "$CHIOD_LOG")"
OPENSSL_CONF=$pin_conf
export OPENSSL_CONF
check "the right one sets the count back again" openssl pkey -in "chio:object=key-ed25519" -noout

# Without chiod
OPENSSL_CONF=$pin_conf
export OPENSSL_CONF
stop_chiod
for what in -providers -store-loaders -key-managers -signature-algorithms -encoders -decoders; do
  check "openssl list $what works without chiod" openssl list $what -verbose
done
check "other keys work" openssl genpkey -algorithm ed25519 -out other.pem
check "and sign" openssl pkeyutl -sign -rawin -inkey other.pem -in message -out out.sig
said=$(errors openssl pkey -in "chio:object=key-ed25519" -noout)
contains "a key does not, and says why" "the signer cannot be reached" "$said"
is "with one error" 1 "$(echo "$said" | ours)"
contains "that names the endpoint" "${CHIO_SIGNER#unix:}" "$said"
refute "storeutl fails" openssl storeutl -noout chio:
said=$(errors openssl pkey -in key.pem -noout)
contains "a PEM file says why too" "the signer cannot be reached" "$said"
is "with one error" 1 "$(echo "$said" | ours)"
"$CHIO_START" || exit 99
check "chiod is back and so is the key" openssl pkey -in key.pem -noout

# One try is left: what is configured is not tried, a person is
OPENSSL_CONF=$plain_conf
export OPENSSL_CONF
for wrong in 1 2 3 4; do
  said=$(errors openssl pkey -in "chio:object=key-ed25519?pin-value=8765432$wrong" -noout)
  contains "wrong PIN $wrong is sent" "the PIN is wrong" "$said"
done
before=$(logins)
said=$(errors openssl pkey -in "chio:object=key-ed25519?pin-value=123456" -noout)
contains "the last try is not spent on a configured PIN" "one try is left" "$said"
is "and no login is asked for" "$before" "$(logins)"
check "a person may try" openssl pkey -in "chio:object=key-ed25519" -noout -passin pass:123456
check "then all is well again" openssl pkey -in "chio:object=key-ed25519?pin-value=123456" -noout

plan
