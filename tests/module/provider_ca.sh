#!/bin/sh
# Requests, certificates, lists, messages and time stamps signed by the provider's keys, next to file keys.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/module/provider.sh"
cd "$CHIO_TEST_DIR" || exit 99

make_keys ed25519 p256 p384 rsa2048 p256-other
make_files ed25519 p256 p384 rsa2048
configure "pin = 123456"
echo "a message" >message

# The DER of the outer signatureAlgorithm of a certificate, as hex
algorithm() { # CERTIFICATE
  openssl asn1parse -in "$1" -strparse "$(openssl asn1parse -in "$1" | awk -F: '/d=1/ { n++; if (n == 2) print $1 + 0 }')" \
    -out algorithm.der -noout
  od -An -tx1 algorithm.der | tr -d ' \n'
}

for type in ed25519 p256 p384 rsa2048; do
  both "req -new" $type ok openssl req -new -key @KEY@ -subj /CN=request -out @OUT@.csr
  check "$type: the request verifies" openssl req -verify -noout -in out-chio.csr
  both "req -x509" $type ok openssl req -x509 -new -key @KEY@ -subj /CN=ca -days 30 \
    -addext basicConstraints=critical,CA:TRUE -out @OUT@-$type.pem
  check "$type: the certificate verifies" openssl verify -check_ss_sig -CAfile out-chio-$type.pem out-chio-$type.pem
  is "$type: with the file key's AlgorithmIdentifier" "$(algorithm out-file-$type.pem)" "$(algorithm out-chio-$type.pem)"
  openssl req -new -newkey ed25519 -nodes -keyout leaf.key -subj /CN=leaf -out leaf.csr 2>/dev/null
  for side in file chio; do
    case $side in
      file) key=$(file $type) ;;
      chio) key=$(uri $type) ;;
    esac
    check "$type, $side: x509 -req -CAkey" openssl x509 -req -in leaf.csr -CA out-$side-$type.pem -CAkey "$key" -days 5 \
      -out leaf-$side.pem
    check "$type, $side: the leaf verifies" openssl verify -CAfile out-$side-$type.pem leaf-$side.pem
  done
  both "x509 -new -key" $type ok openssl x509 -new -key @KEY@ -subj /CN=new -out @OUT@.pem
  both "req -pubkey" $type ok openssl req -new -key @KEY@ -subj /CN=x -pubkey -noout -out @OUT@.pub
  is "$type: req -pubkey writes a SubjectPublicKeyInfo" "-----BEGIN PUBLIC KEY-----" "$(head -n 1 out-chio.pub)"
done
is "the AlgorithmIdentifier of ecdsa-with-SHA256 is known" 300a06082a8648ce3d040302 "$(algorithm out-chio-p256.pem)"
contains "an EC certificate has a named curve" "NIST CURVE: P-256" "$(openssl x509 -in out-chio-p256.pem -noout -text)"
said=$(openssl x509 -req -in leaf.csr -CA out-chio-p256.pem -CAkey "$(uri p256-other)" -out x.pem 2>&1)
contains "another key is not taken for the CA's" "do not match" "$said"

# PSS: each salt length ends up in the certificate as a file key would write it
for salt in digest max auto 0 20 32 127 128 200; do
  both "a certificate signed with PSS, salt $salt" rsa2048 ok openssl req -x509 -new -key @KEY@ -subj /CN=pss -sha256 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:$salt -out @OUT@.pem
  check "salt $salt: it verifies" openssl verify -check_ss_sig -CAfile out-chio.pem out-chio.pem
  is "salt $salt: with the file key's AlgorithmIdentifier" "$(algorithm out-file.pem)" "$(algorithm out-chio.pem)"
done
both "PSS with SHA-384 and MGF1 SHA-512" rsa2048 ok openssl req -x509 -new -key @KEY@ -subj /CN=pss -sha384 \
  -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha512 -out @OUT@.pem
is "the same AlgorithmIdentifier" "$(algorithm out-file.pem)" "$(algorithm out-chio.pem)"
check "it verifies" openssl verify -check_ss_sig -CAfile out-chio.pem out-chio.pem

# openssl ca, and a list of what was revoked
for type in ed25519 p256 rsa2048; do
  rm -rf ca
  mkdir ca
  : >ca/index.txt
  echo 01 >ca/serial
  echo 01 >ca/crlnumber
  cat >ca.cnf <<END
$(cat "$OPENSSL_CONF")
[ca]
default_ca = one
[one]
dir = ca
new_certs_dir = ca
database = ca/index.txt
serial = ca/serial
crlnumber = ca/crlnumber
default_days = 5
default_crl_days = 5
default_md = default
policy = any
[any]
commonName = supplied
END
  check "$type: openssl ca" openssl ca -batch -config ca.cnf -keyfile "$(uri $type)" -cert out-chio-$type.pem \
    -in leaf.csr -out leaf.pem -notext
  check "$type: its certificate verifies" openssl verify -CAfile out-chio-$type.pem leaf.pem
  check "$type: ca -gencrl" openssl ca -config ca.cnf -keyfile "$(uri $type)" -cert out-chio-$type.pem -gencrl \
    -out list.pem
  contains "$type: the list verifies" "verify OK" "$(openssl crl -in list.pem -CAfile out-chio-$type.pem -noout 2>&1)"
done

# Messages
for type in p256 rsa2048; do
  for side in file chio; do
    case $side in
      file) key=$(file $type) ;;
      chio) key=$(uri $type) ;;
    esac
    cert=out-$side-$type.pem
    for option in "" "-noattr" "-md sha512"; do
      check "$type, $side: cms -sign $option" openssl cms -sign -binary -in message -signer $cert -inkey "$key" $option \
        -out message.cms
      check "$type, $side: cms -verify" openssl cms -verify -binary -in message.cms -CAfile $cert -purpose any \
        -out message.out
    done
    check "$type, $side: smime -sign" openssl smime -sign -in message -signer $cert -inkey "$key" -out message.smime
    check "$type, $side: smime -verify" openssl smime -verify -in message.smime -CAfile $cert -purpose any \
      -out message.out
  done
done
check "rsa2048: cms with PSS" openssl cms -sign -binary -in message -signer out-chio-rsa2048.pem \
  -inkey "$(uri rsa2048)" -keyopt rsa_padding_mode:pss -out message.cms
check "rsa2048: it verifies" openssl cms -verify -binary -in message.cms -CAfile out-chio-rsa2048.pem -purpose any \
  -out message.out
both "spkac" rsa2048 ok openssl spkac -key @KEY@ -out @OUT@.spkac
check "the spkac verifies" openssl spkac -in out-chio.spkac -verify -noout

# Certificates that are in the token
openssl x509 -in out-chio-rsa2048.pem -outform DER |
  "$abs_top_builddir/tests/support/make_key" cert own-cert id-rsa2048
openssl req -x509 -new -key "$(uri p256)" -subj "/O=Chio/CN=searched" -days 5 -out searched.pem
openssl x509 -in searched.pem -outform DER | "$abs_top_builddir/tests/support/make_key" cert searched id-p256
check "x509 -in a URI" openssl x509 -in "chio:object=own-cert;type=cert" -noout
is "it is the one that was stored" "$(openssl x509 -in out-chio-rsa2048.pem)" \
  "$(openssl x509 -in "chio:object=own-cert;type=cert")"
is "storeutl finds by subject" 1 "$(openssl storeutl -certs -noout -subject "/O=Chio/CN=searched" chio: | grep -c Cert)"
is "and not another one" 0 "$(openssl storeutl -certs -noout -subject "/O=Chio/CN=nobody" chio: | grep -c Cert)"
is "storeutl finds by alias" 1 "$(openssl storeutl -certs -noout -alias searched chio: | grep -c Cert)"
number=0x$(openssl x509 -in searched.pem -noout -serial | cut -d= -f2)
is "storeutl finds by issuer and serial number" 1 \
  "$(openssl storeutl -certs -noout -issuer "/O=Chio/CN=searched" -serial "$number" chio: | grep -c Cert)"
is "and not another number" 0 \
  "$(openssl storeutl -certs -noout -issuer "/O=Chio/CN=searched" -serial 0x77 chio: | grep -c Cert)"
check "verify -CAstore" openssl verify -CAstore "chio:object=own-cert;type=cert" out-chio-rsa2048.pem
plan
