#!/bin/sh
# Every command of openssl that uses a private key, with the provider's keys next to file keys.
. "$abs_top_srcdir/tests/support/tap.sh"
CHIO_LOG=debug under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

make_keys $keys rsa2048-pss
make_files $keys rsa2048-pss
configure "pin = 123456"
echo "a message" >message
openssl dgst -sha256 -binary -out hash message

# Public parts
for type in $keys; do
  both "pkey -pubout" $type ok openssl pkey -in @KEY@ -pubout -out @OUT@.pub
  is "$type: the public key is a SubjectPublicKeyInfo" "-----BEGIN PUBLIC KEY-----" "$(head -n 1 out-chio.pub)"
  both "pkey -text" $type ok openssl pkey -in @KEY@ -noout -text
  both "pkey -text_pub" $type ok openssl pkey -in @KEY@ -noout -text_pub
  both "pkey -check" $type ok openssl pkey -in @KEY@ -noout -check
  both "pkey -pubcheck" $type ok openssl pkey -in @KEY@ -noout -pubcheck
  cp out-chio.pub chio-$type.pub
  cp out-file.pub file-$type.pub
  is "$type: the public part of a private URI is the same" "$(cat chio-$type.pub)" \
    "$(openssl pkey -pubin -in "$(uri $type);type=private" -pubout)"
  is "$type: the public object is the same" "$(cat chio-$type.pub)" \
    "$(openssl pkey -pubin -in "$(uri $type);type=public" -pubout)"
done

# Signatures of a digest, of a message, and their verification by the private URI, the public one and the file
for type in p256 p384 p521 rsa2048 rsa2048-pss; do
  both "pkeyutl -sign" $type ok openssl pkeyutl -sign -inkey @KEY@ -pkeyopt digest:sha256 -in hash -out @OUT@.sig
  both "pkeyutl -verify" $type ok openssl pkeyutl -verify -inkey @KEY@ -pkeyopt digest:sha256 -in hash -sigfile @OUT@.sig
  both "pkeyutl -sign -rawin" $type ok openssl pkeyutl -sign -rawin -inkey @KEY@ -in message -out @OUT@.sig
  both "pkeyutl -verify -rawin" $type ok openssl pkeyutl -verify -rawin -inkey @KEY@ -in message -sigfile @OUT@.sig
  both "a hash of another length" $type refused \
    openssl pkeyutl -sign -inkey @KEY@ -pkeyopt digest:sha384 -in hash -out @OUT@.sig
  for digest in sha224 sha256 sha384 sha512; do
    both "dgst -$digest -sign" $type ok openssl dgst -$digest -sign @KEY@ -out @OUT@.sig message
    both "dgst -$digest -prverify" $type ok openssl dgst -$digest -prverify @KEY@ -signature @OUT@.sig message
  done
  both "a signature of another message" $type refused \
    openssl dgst -sha512 -prverify @KEY@ -signature @OUT@.sig hash
done
for type in p256 p384 p521 rsa2048; do
  both "dgst -sign" $type ok openssl dgst -sha256 -sign @KEY@ -out @OUT@.sig message
  for side in file chio; do
    check "$type, $side: verified by the public file" \
      openssl dgst -sha256 -verify $side-$type.pub -signature out-$side.sig message
  done
  check "$type: verified by the public URI" \
    openssl dgst -sha256 -verify "$(uri $type);type=public" -signature out-chio.sig message
done
for digest in sha1 sha3-256 md5-sha1; do
  both "PKCS #1 with $digest" rsa2048 ok openssl dgst -$digest -sign @KEY@ -out @OUT@.sig message
  check "rsa2048: $digest is verified by the public file" \
    openssl dgst -$digest -verify chio-rsa2048.pub -signature out-chio.sig message
done
both "pkeyutl without a digest" rsa2048 ok openssl pkeyutl -sign -inkey @KEY@ -in hash -out @OUT@.sig
both "pkeyutl -verifyrecover" rsa2048 ok openssl pkeyutl -verifyrecover -inkey @KEY@ -in @OUT@.sig -out @OUT@.rec
is "rsa2048: what was recovered is what was signed" "$(openssl dgst -r hash)" \
  "$(openssl dgst -r <out-chio.rec | sed 's/stdin/hash/')"
both "pkeyutl without a digest" p256 ok openssl pkeyutl -sign -inkey @KEY@ -in hash -out @OUT@.sig

# Ed25519
both "pkeyutl -sign -rawin" ed25519 ok openssl pkeyutl -sign -rawin -inkey @KEY@ -in message -out @OUT@.sig
both "pkeyutl -verify -rawin" ed25519 ok openssl pkeyutl -verify -rawin -inkey @KEY@ -in message -sigfile @OUT@.sig
check "ed25519: verified by the public file" \
  openssl pkeyutl -verify -rawin -pubin -inkey chio-ed25519.pub -in message -sigfile out-chio.sig
both "another message" ed25519 refused openssl pkeyutl -verify -rawin -inkey @KEY@ -in hash -sigfile @OUT@.sig
both "a digest" ed25519 refused \
  openssl pkeyutl -sign -rawin -digest sha256 -inkey @KEY@ -in message -out @OUT@.sig

# Where versions of OpenSSL differ
alike "pkeyutl -sign without -rawin" ed25519 openssl pkeyutl -sign -inkey @KEY@ -in message -out @OUT@.sig
alike "dgst -sign" ed25519 openssl dgst -sign @KEY@ -out @OUT@.sig message
alike "dgst -sha256 -sign" ed25519 openssl dgst -sha256 -sign @KEY@ -out @OUT@.sig message
alike "pkeyutl -sign -digest" p256 openssl pkeyutl -sign -digest sha256 -inkey @KEY@ -in message -out @OUT@.sig
alike "PSS with salt auto-digestmax" rsa2048 openssl pkeyutl -sign -inkey @KEY@ -pkeyopt digest:sha256 \
  -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:auto-digestmax -in hash -out @OUT@.sig
alike "pkeyutl with a mandatory digest" p384 openssl pkeyutl -sign -inkey @KEY@ -pkeyopt digest:md5 -in hash -out @OUT@.sig

# RSA padding modes and every spelling of the salt length; 222 is the most for 2048 bits and SHA-256
pss="-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss"
for salt in digest max auto 0 1 20 32 127 128 200 222 -1 -2 -3; do
  both "PSS with salt $salt" rsa2048 ok \
    openssl pkeyutl -sign -inkey @KEY@ $pss -pkeyopt rsa_pss_saltlen:$salt -in hash -out @OUT@.sig
  for side in file chio; do
    check "rsa2048, $side: the default provider accepts salt $salt" openssl pkeyutl -verify -pubin \
      -inkey $side-rsa2048.pub $pss -pkeyopt rsa_pss_saltlen:$salt -in hash -sigfile out-$side.sig
  done
  both "we accept salt $salt" rsa2048 ok \
    openssl pkeyutl -verify -inkey @KEY@ $pss -pkeyopt rsa_pss_saltlen:$salt -in hash -sigfile @OUT@.sig
done
both "a salt that does not fit" rsa2048 refused \
  openssl pkeyutl -sign -inkey @KEY@ $pss -pkeyopt rsa_pss_saltlen:223 -in hash -out @OUT@.sig
both "a salt of another length than was signed" rsa2048 refused \
  openssl pkeyutl -verify -inkey @KEY@ $pss -pkeyopt rsa_pss_saltlen:31 -in hash -sigfile @OUT@.sig
both "PSS with another MGF1 digest" rsa2048 ok openssl pkeyutl -sign -inkey @KEY@ $pss -pkeyopt rsa_mgf1_md:sha512 \
  -pkeyopt rsa_pss_saltlen:32 -in hash -out @OUT@.sig
check "rsa2048: the default provider accepts another MGF1 digest" openssl pkeyutl -verify -pubin \
  -inkey chio-rsa2048.pub $pss -pkeyopt rsa_mgf1_md:sha512 -in hash -sigfile out-chio.sig
for mode in x931 oaep; do
  refute "padding $mode is refused" openssl pkeyutl -sign -inkey "$(uri rsa2048)" -pkeyopt rsa_padding_mode:$mode \
    -pkeyopt digest:sha256 -in hash -out out.sig
done
contains "with a reason" "padding mode" "$(openssl pkeyutl -sign -inkey "$(uri rsa2048)" \
  -pkeyopt rsa_padding_mode:x931 -pkeyopt digest:sha256 -in hash -out out.sig 2>&1)"
contains "padding none is refused with a reason" "padding mode" "$(head -c 32 hash | openssl pkeyutl -sign \
  -inkey "$(uri rsa2048)" -pkeyopt rsa_padding_mode:none -out out.sig 2>&1)"
both "PKCS #1 with a PSS key" rsa2048-pss refused \
  openssl pkeyutl -sign -inkey @KEY@ -pkeyopt rsa_padding_mode:pkcs1 -pkeyopt digest:sha256 -in hash -out @OUT@.sig

# Keys that allow only mechanisms that hash: chiod hashes, in the same one request
make_keys rsa2048-sha256 rsa2048-pss256 p256-sha256
for type in rsa2048-sha256 rsa2048-pss256 p256-sha256; do
  before=$(requests SIGN)
  check "$type: dgst -sign" openssl dgst -sha256 -sign "$(uri $type)" -out out.sig message
  is "$type: it is one request" $((before + 1)) "$(requests SIGN)"
  check "$type: the signature verifies" openssl dgst -sha256 -prverify "$(uri $type)" -signature out.sig message
  check "$type: a certificate" openssl req -x509 -new -key "$(uri $type)" -sha256 -subj /CN=x -out out.pem
  check "$type: the certificate verifies" openssl verify -check_ss_sig -CAfile out.pem out.pem
  said=$(openssl dgst -sha384 -sign "$(uri $type)" -out out.sig message 2>&1)
  contains "$type: another digest is refused" "does not allow" "$said"
  said=$(openssl pkeyutl -sign -inkey "$(uri $type)" -pkeyopt digest:sha256 -in hash -out out.sig 2>&1)
  contains "$type: a digest made elsewhere is refused" "does not allow" "$said"
done
head -c 1048576 /dev/zero >largest
head -c 1048577 /dev/zero >larger
check "a message of 1 MiB" openssl dgst -sha256 -sign "$(uri p256-sha256)" -out out.sig largest
check "verifies" openssl dgst -sha256 -verify "$(uri p256-sha256);type=public" -signature out.sig largest
said=$(openssl dgst -sha256 -sign "$(uri p256-sha256)" -out out.sig larger 2>&1)
contains "one byte more is refused" "at most 1048576 bytes" "$said"
check "but not by a key that signs digests" openssl dgst -sha256 -sign "$(uri p256)" -out out.sig larger

# What the commands know about a key
is "the modulus is there for old commands" "$(openssl rsa -pubin -in chio-rsa2048.pub -noout -modulus)" \
  "$(openssl rsa -in "$(uri rsa2048)" -noout -modulus)"
is "ec knows the public key" "$(cat chio-p256.pub)" "$(openssl ec -in "$(uri p256)" -pubout 2>/dev/null)"
text=$(openssl pkey -in "$(uri p256)" -noout -text)
contains "the text names the curve" "NIST CURVE: P-256" "$text"
contains "the text says where the key is" "held by chiod" "$text"
contains "the text has the URI" "URI: chio:token=test;" "$text"
lacks "the text has no PIN" "123456" "$text"

# One request for one signature
before=$(requests SIGN)
openssl dgst -sha256 -sign "$(uri p256)" -out out.sig message
is "a signature is one request" $((before + 1)) "$(requests SIGN)"
openssl dgst -sha256 -verify "$(uri p256);type=public" -signature out.sig message >/dev/null
openssl pkeyutl -verify -inkey "$(uri rsa2048)" $pss -in hash -sigfile out-chio.sig >/dev/null
is "verifying costs none" $((before + 1)) "$(requests SIGN)"
is "and none of another kind" 0 "$(requests VERIFY)"

# Lists
list=$(openssl list -signature-algorithms -verbose 2>&1)
contains "signature algorithms are listed" "@ chio" "$list"
for operation in digest-algorithms cipher-algorithms random-generators kdf-algorithms mac-algorithms \
  key-exchange-algorithms kem-algorithms asymcipher-algorithms; do
  lacks "nothing is offered under $operation" "@ chio" "$(openssl list -$operation 2>&1)"
done
contains "the store loader is listed" "chio @ chio" "$(openssl list -store-loaders)"
contains "the version is ours" "Chio HSM provider" "$(openssl list -providers)"
plan
