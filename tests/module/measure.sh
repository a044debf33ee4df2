#!/bin/sh
# chio-hsm measure: the registers of enclave images, SIGSTRUCTs and event logs against those of independent writers
# (tests/support/measured.py), of a recorded TD against its own quote, and what diff says of two of them.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
hsm=$abs_top_builddir/tools/chio-hsm

OPENSSL_CONF=/dev/null openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout signer.key -out signer.pem \
  -days 3 -subj /CN=signer 2>/dev/null && openssl x509 -in signer.pem -outform DER -out signer.der || exit 99
for key in other:EC:ec_paramgen_curve:P-384 ES256:EC:ec_paramgen_curve:P-256 ES512:EC:ec_paramgen_curve:P-521 \
  rsa:RSA:rsa_keygen_bits:2048; do
  name=${key%%:*} rest=${key#*:}
  OPENSSL_CONF=/dev/null openssl req -x509 -newkey "${rest%%:*}" -pkeyopt "${rest#*:}" -nodes -keyout "$name.key" \
    -out "$name.pem" -days 3 -subj "/CN=$name" 2>/dev/null || exit 99
done
python3 "$abs_top_srcdir/tests/support/measured.py" . || exit 99

json() { # FILE EXPRESSION: of the parsed value j
  python3 -c 'import json,sys; j=json.load(open(sys.argv[1])); sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' "$1" "$2"
}
registers_are() { # KIND NAME
  "$hsm" measure "$1" "$2.bin" -o found.json || return 1
  python3 -c 'import json,sys
found, expected = json.load(open("found.json"))["registers"], json.load(open(sys.argv[1]))
print(found, expected)
sys.exit(found != expected)' "$2.json"
}

# ---- Registers ----
for name in plain app signed signed-strings; do
  check "the registers of an enclave image: $name" registers_are eif eif-$name
done
"$hsm" measure eif eif-app.bin >found.json
check "and what it is" json found.json \
  'j["source"] == "eif" and j["tee"] == "nitro" and j["architecture"] == "arm64" and not j["signed"] and
   j["format_version"] == 4'
for name in tpm locality sha384 cc; do
  check "the registers after an event log: $name" registers_are log log-$name
done
"$hsm" measure log log-tpm.bin >found.json
check "its events, told" json found.json \
  '[(e["number"], e["register"], e["type"], e["description"]) for e in j["events"]][1:4] ==
   [(2, "pcr7", "EV_EFI_VARIABLE_DRIVER_CONFIG", "SecureBoot"), (3, "pcr4", "EV_SEPARATOR", "4 bytes"),
    (4, "pcr9", "EV_IPL", "grub_cmd: linux /vmlinuz")]'
check "and whether what is told was measured" json found.json '[e["confirmed"] for e in j["events"]] == [False, True, True, False, False]'
if [ -e sigstruct.bin ]; then
  check "the registers that a SIGSTRUCT gives" registers_are sgx sigstruct
  "$hsm" measure sgx sigstruct.bin >found.json
  check "and product, version, debug" json found.json 'j["isvprodid"] == 7 and j["isvsvn"] == 3 and not j["debug"]'
  for name in sigstruct-debug sigstruct-may-debug; do
    "$hsm" measure sgx $name.bin >found.json
    check "an enclave that can be debugged is called so: $name" json found.json 'j["debug"]'
  done
else
  skip "SIGSTRUCTs" "python3 has no cryptography"
fi

# ---- Refused ----
refused() { # NAME KIND FILE TEXT
  "$hsm" measure "$2" "$3" >out 2>err
  is "refused: $1" 1 $?
  contains "... with the reason" "$4" "$(cat err)"
  is "... and nothing is written" "" "$(cat out)"
}
python3 - "$abs_top_srcdir/tests/support" <<'P' || exit 99
import struct, sys
sys.path.insert(0, sys.argv[1])
from measured import *
def write(name, data):
    open(name, "wb").write(data)
good, _ = eif([KERNEL, CMDLINE, INIT])
write("e-magic", b".fie" + good[4:])
write("e-version", eif([KERNEL, CMDLINE, INIT], version=5)[0])
write("e-old", eif([KERNEL, CMDLINE, INIT], version=1)[0])
write("e-crc", eif([KERNEL, CMDLINE, INIT], crc=1)[0])
write("e-flip", good[:600] + bytes([good[600] ^ 1]) + good[601:])
write("e-cut", good[:-1])
write("e-head", good[:500])
write("e-more", good + b"x")
write("e-no-ramdisk", eif([KERNEL, CMDLINE])[0])
write("e-no-cmdline", eif([KERNEL, INIT])[0])
write("e-two-kernels", eif([KERNEL, KERNEL, CMDLINE, INIT])[0])
write("e-type", eif([KERNEL, CMDLINE, INIT, (9, b"x")])[0])
write("e-invalid", eif([KERNEL, CMDLINE, INIT, (0, b"x")])[0])
write("e-sections", good[:26] + struct.pack(">H", 33) + good[28:])
write("e-none", good[:26] + struct.pack(">H", 0) + good[28:])
write("e-offset", good[:28] + struct.pack(">Q", 549) + good[36:])
write("e-size", good[:552] + struct.pack(">Q", 1 << 63) + good[560:])
write("e-signature", eif([KERNEL, CMDLINE, INIT, ("signature", b"\x80")])[0])
write("e-pem", eif([KERNEL, CMDLINE, INIT, ("signature", signature_section(b"no PEM", b""))])[0])
write("e-signatures", eif([KERNEL, CMDLINE, INIT] + [("signature", signature_section(b"", b""))] * 2)[0])
parts, pem, key = [KERNEL, CMDLINE, INIT, APP], open("signer.pem", "rb").read(), "signer.key"
signed = lambda **more: signed_eif(parts, pem, key, **more)[0]
write("i-tagged", signed(tag=b"\xd2"))
write("i-unprotected", signed(unprotected=b"\xa1\x04\x41k"))
for alg in ("ES256", "ES512"):
    write("i-" + alg, signed_eif(parts, open(alg + ".pem", "rb").read(), alg + ".key", alg=alg)[0])
write("i-value", signed(value=bytes(range(48))))
write("i-short", signed(value=bytes(32)))
write("i-index", signed(index=3))
write("i-index-huge", signed(index=32))
other = open("other.pem", "rb").read()
write("i-other", signed_eif(parts, other, key)[0])
write("i-curve", signed_eif(parts, open("ES256.pem", "rb").read(), key)[0])
write("i-rsa", signed_eif(parts, open("rsa.pem", "rb").read(), key)[0])
write("i-alg", signed(protected=b"\xa1\x01\x27"))
write("i-critical", signed(protected=b"\xa2\x01\x38\x22\x02\x81\x03"))
write("i-cwt", signed(tag=b"\xd8\x3d\xd2"))
write("i-tag", signed(tag=b"\xd1"))
good = bytes.fromhex(eif(parts)[1]["pcr0"])
def with_cose(cose, certificate=pem):
    return eif(parts + [("signature", signature_section(certificate, cose))], version=3)[0]
cose = sign1(register(good), key)
write("i-flip", with_cose(cose[:-1] + bytes([cose[-1] ^ 1])))
write("i-cut", with_cose(cose[:-1]))
write("i-more", with_cose(cose + b"\0"))
write("i-none", with_cose(b""))
write("i-zero", with_cose(cose[:-96] + bytes(96)))
write("i-payload", with_cose(sign1(b"PCR0", key)))
write("i-member", with_cose(sign1(b"\xa3" + cbor_text("x") + b"\0" + register(good)[1:], key)))
write("i-twice", with_cose(sign1(b"\xa3" + cbor_text("register_index") + b"\0" + register(good)[1:], key)))
write("i-bytes", with_cose(sign1(register(good) + b"\0", key)))
write("i-der", with_cose(cose, b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
app, section = ("ramdisk", b"another application"), ("signature", signature_section(pem, cose))
write("i-image", eif([KERNEL, CMDLINE, INIT, app, section], version=3)[0])
good, _ = log([11], BOOT)
write("l-empty", b"")
write("l-head", good[:40])
write("l-spec", good.replace(b"Spec ID Event03", b"Spec ID Event02"))
write("l-cut", good[:-1])
write("l-end", good + b"\xff\xff\x00")
write("l-fill", good + b"\x20" * 64)
write("l-sha1", log([4], BOOT)[0])
write("l-banks", log([11, 11], BOOT)[0])
write("l-index", log([11], [(24, 4, bytes(4), None)])[0])
write("l-huge", log([11], [(0xfffffffe, 4, bytes(4), None)])[0])
write("l-cc-mrtd", log([12], [(0, 4, bytes(4), None)], cc=True)[0])
write("l-cc-index", log([12], [(5, 4, bytes(4), None)], cc=True)[0])
write("l-count", good.replace(struct.pack("<II", 7, 0x80000001) + b"\1", struct.pack("<II", 7, 0x80000001) + b"\2"))
write("l-alg", good.replace(struct.pack("<II", 7, 0x80000001) + b"\1\0\0\0\x0b", struct.pack("<II", 7, 0x80000001) + b"\1\0\0\0\x0c"))
P
# ---- Signed images ----
"$hsm" measure eif eif-signed.bin >found.json
check "whose signature over PCR0 holds is said" json found.json \
  'j["signed"] and j["signature"]["verified"] is True and j["signature"]["algorithm"] == "ES384" and
   j["signature"]["signer"] == "signer"'
end=$(OPENSSL_CONF=/dev/null openssl x509 -in signer.pem -noout -enddate | cut -d= -f2)
is "and until when its certificate is valid" "$(date -u -d "$end" +%Y-%m-%dT%H:%M:%SZ)" \
  "$(python3 -c 'import json; print(json.load(open("found.json"))["signature"]["not_after"])')"
"$hsm" measure eif eif-app.bin >found.json
check "an image without one has none" json found.json 'not j["signed"] and "signature" not in j'
"$hsm" measure eif eif-signed.bin -o signed.doc >out
contains "written to a file, it is said in words" "eif-signed.bin: 'signer' signed PCR0 (ES384), and the signature holds" "$(cat out)"
"$hsm" measure eif eif-app.bin -o app.doc >out
is "so is that there is none" "eif-app.bin: not signed" "$(cat out)"
"$hsm" measure eif eif-signed.bin -o signed.doc --json >out
is "but not with --json" "" "$(cat out)"
for row in i-tagged:ES384 i-unprotected:ES384 i-ES256:ES256 i-ES512:ES512; do
  "$hsm" measure eif "${row%%:*}" >found.json
  check "one that is signed otherwise: $row" json found.json "j['signature']['algorithm'] == '${row#*:}'"
done

refused "no magic" eif e-magic "no header"
refused "a version that is not known" eif e-version "version 5"
refused "one that has no CRC" eif e-old "version 1"
refused "another CRC" eif e-crc "CRC"
refused "a changed byte" eif e-flip "CRC"
refused "cut" eif e-cut "ends in section 2"
refused "cut in the header" eif e-head "no header"
refused "a byte more" eif e-more "1 bytes follow"
refused "no ramdisk" eif e-no-ramdisk "missing"
refused "no command line" eif e-no-cmdline "missing"
refused "two kernels" eif e-two-kernels "two kernels"
refused "a type that is not known" eif e-type "unknown type 9"
refused "the invalid type" eif e-invalid "unknown type 0"
refused "more sections than fit" eif e-sections "33 sections"
refused "no sections" eif e-none "0 sections"
refused "a section elsewhere" eif e-offset "not where"
refused "a section of 2^63 bytes" eif e-size "not where"
refused "no signature in the section" eif e-signature "signature section"
refused "no certificate in it" eif e-pem "signature section"
refused "two sections of signatures" eif e-signatures "two signatures"
refused "an application changed after it was signed" eif i-image "over another PCR0 than the image has: "
refused "a signature over another PCR0" eif i-value "over another PCR0 than the image has: 000102"
refused "a signature over a shorter one" eif i-short "over another PCR0"
refused "a signature over PCR3" eif i-index "over PCR3, not PCR0"
refused "a signature over PCR32" eif i-index-huge "what is signed is no register"
refused "another certificate of the same curve" eif i-other "does not hold with the certificate's key"
refused "a certificate of another curve" eif i-curve "the signature is ES384, and the certificate's key is not on P-384"
refused "a certificate with an RSA key" eif i-rsa "the certificate's key is not on P-384"
refused "an algorithm that Nitro does not have" eif i-alg "none of ES256, ES384 and ES512"
refused "something critical in its header" eif i-critical "not supported"
refused "a web token" eif i-cwt "no COSE_Sign1"
refused "another tag" eif i-tag "no COSE_Sign1"
refused "a changed signature" eif i-flip "does not hold"
refused "a signature of zeros" eif i-zero "does not hold"
refused "a signature that is cut" eif i-cut "no COSE_Sign1"
refused "one with a byte more" eif i-more "no COSE_Sign1"
refused "no signature beside the certificate" eif i-none "no COSE_Sign1"
refused "what is signed is no register" eif i-payload "no register"
refused "a register with something else" eif i-member "no register"
refused "a register with two numbers" eif i-twice "no register"
refused "a byte behind the register" eif i-bytes "no register"
refused "a certificate that is none" eif i-der "certificate of the signature is malformed"
refused "no log" log eif-plain.bin "no event log"
refused "cut in the head" log l-head "truncated"
refused "another form" log l-spec "malformed"
refused "a log that is cut" log l-cut "truncated"
refused "padding that is none" log l-end "truncated"
refused "padding of other bytes" log l-fill "malformed"
refused "SHA-1 alone" log l-sha1 "not supported"
refused "a bank twice" log l-banks "malformed"
refused "PCR 24" log l-index "malformed"
refused "PCR 4294967294" log l-huge "malformed"
refused "an event that extends MRTD" log l-cc-mrtd "malformed"
refused "RTMR 4" log l-cc-index "malformed"
refused "a digest more than there are banks" log l-count "malformed"
refused "a bank that there is not" log l-alg "malformed"
"$hsm" measure log l-empty >/dev/null 2>&1
is "an empty file is refused" 2 $?
refused "a file that is not there" evidence nowhere "No such file"
refused "what is no evidence" evidence eif-plain.bin "no known format"
if [ -e sigstruct.bin ]; then
  head -c 1807 sigstruct.bin >s-cut
  { cat sigstruct.bin && printf x; } >s-more
  refused "a SIGSTRUCT that is cut" sgx s-cut truncated
  refused "one with a byte more" sgx s-more trailing
  for at in 0 24 512 130 600 930 970 1024; do
    python3 -c 'import sys
b = bytearray(open("sigstruct.bin", "rb").read())
b[int(sys.argv[1])] ^= 0x10
open("s-flip", "wb").write(b)' $at
    refused "one changed at byte $at" sgx s-flip "no SIGSTRUCT that a CPU would take"
  done
fi

# ---- Differences ----
differs() { # STATUS A B
  expected=$1
  shift
  "$hsm" measure diff "$@" >out 2>err
  [ $? = "$expected" ]
}
check "an image and its document are equal" differs 0 eif-app.bin app.doc
contains "register by register" "pcr2 is the same" "$(cat out)"
check "another application differs" differs 1 eif-app.bin eif-plain.bin
contains "with what was expected" "pcr2 differs
  expected  $(python3 -c 'import json; print(json.load(open("eif-app.json"))["pcr2"])')" "$(cat out)"
contains "while the boot part is the same" "pcr1 is the same" "$(cat out)"
check "a signed image against one that is not" differs 1 eif-signed.bin eif-plain.bin
contains "the signature is said" "eif-signed.bin: 'signer' signed PCR0 (ES384), and the signature holds" "$(cat out)"
contains "what is missing is said" "pcr8 is not in the second file" "$(cat out)"
python3 -c 'import json
j = json.load(open("app.doc"))
j["registers"] = {k: v.upper() for k, v in j["registers"].items()}
json.dump(j, open("upper.doc", "w"))'
check "letters of either case are the same" differs 0 app.doc upper.doc
check "nothing in common is an error" differs 2 eif-app.bin log-cc.bin
contains "which is named" "no register in common" "$(cat err)"
check "an image whose signature does not hold is an error" differs 2 eif-plain.bin i-flip
contains "with the reason" "does not hold with the certificate's key" "$(cat err)"
check "so is a file that is not there" differs 2 nowhere app.doc
check "and one that is nothing" differs 2 app.doc signer.pem
check "a document of nothing" differs 2 app.doc "$(printf '{"registers":{}}' >none.doc && echo none.doc)"
check "an argument less" differs 2 app.doc
"$hsm" measure diff eif-app.bin eif-plain.bin --json >diff.json
is "the exit status is that of JSON too" 1 $?
check "in JSON" json diff.json \
  'not j["equal"] and [d["register"] for d in j["differences"]] == ["pcr0", "pcr2"] and j["same"] == ["pcr1"]'

python3 - "$abs_top_srcdir/tests/support" <<'P' || exit 99
import sys
sys.path.insert(0, sys.argv[1])
from measured import *
grub = lambda line: (9, 0xd, b"grub_cmd: " + line + b"\0", b"grub_cmd: " + line)
before = BOOT[:3] + [grub(b"linux /vmlinuz quiet"), grub(b"boot")]
open("boot-a", "wb").write(log([4, 11], before)[0])
open("boot-b", "wb").write(log([4, 11], BOOT[:3] + [grub(b"linux /vmlinuz debug"), grub(b"boot")])[0])
open("boot-c", "wb").write(log([4, 11], before[:-1])[0])
open("boot-d", "wb").write(log([4, 11], before[:2] + [(5, 4, b"\1\1\1\1", None)] + before[2:])[0])
P
check "two boots with another command line differ" differs 1 boot-a boot-b
contains "in the register of the boot loader" "pcr9 differs" "$(cat out)"
contains "and no other" "pcr7 is the same" "$(cat out)"
contains "from the event on" "expected  event 4, EV_IPL, grub_cmd: linux /vmlinuz quiet (not measured itself)
  actual    event 4, EV_IPL, grub_cmd: linux /vmlinuz debug" "$(cat out)"
check "a boot that ends earlier differs" differs 1 boot-a boot-c
contains "where it ends" "actual    no more events" "$(cat out)"
check "an event more of another register is no difference in this one" differs 0 boot-a boot-d
check "the other way round it is missing" differs 0 boot-d boot-a
contains "which is said" "pcr5 is not in the second file" "$(cat out)"
"$hsm" measure log boot-a -o a.doc
"$hsm" measure diff a.doc boot-b --json >diff.json
check "documents of logs have the events, too" json diff.json \
  'j["differences"][0]["event"]["expected"]["number"] == 4 and "debug" in j["differences"][0]["event"]["actual"]["description"]'

# ---- A recorded TD ----
vectors=${CHIO_VECTORS:-$abs_top_srcdir/../shared/vectors}/quotes
td=$vectors/tdx/v4-gcp-google
if [ -e "$td/ccel_data.dat" ]; then
  check "the log of a TD replays to the registers of its quote" differs 0 "$td/ccel_data.dat" "$td/quote.bin"
  for n in 0 1 2 3; do contains "RTMR$n" "rtmr$n is the same" "$(cat out)"; done
  "$hsm" measure evidence "$td/quote.bin" >found.json
  check "its measurements, not judged" json found.json \
    'j["tee"] == "tdx" and len(j["registers"]["mrtd"]) == 96 and "rtmr3" in j["registers"] and j["judged"] is False'
  "$hsm" measure log "$td/ccel_data.dat" >found.json
  check "its events" json found.json \
    'len(j["events"]) == 43 and j["events"][42]["description"] == "Exit Boot Services Returned with Success" and
     j["events"][42]["register"] == "rtmr1" and j["events"][42]["confirmed"]'
  python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read())
i = b.index(b"kernel_cmdline: ") - 20
b[i] ^= 1
open("td.log", "wb").write(b)' "$td/ccel_data.dat"
  check "a changed digest shows against the quote" differs 1 td.log "$td/quote.bin"
  contains "in its register" "rtmr2 differs" "$(cat out)"
  check "and against the log as it was" differs 1 "$td/ccel_data.dat" td.log
  contains "at its event" "expected  event 41, EV_IPL, kernel_cmdline:" "$(cat out)"
  for pair in sgx/v3-debug-fortanix:mrenclave snp/milan-v3-oak:launch_digest; do
    file=$(find "$vectors/${pair%%:*}" -name 'quote.bin' -o -name 'report.bin' 2>/dev/null | head -n 1)
    if [ -n "$file" ]; then
      "$hsm" measure evidence "$file" >found.json 2>/dev/null
      check "the measurement of ${pair%%:*}" json found.json "len(j['registers']['${pair##*:}']) >= 64"
    else
      skip "the measurement of ${pair%%:*}" "it has another name"
    fi
  done
else
  skip "recorded evidence" "no vectors at hand (CHIO_VECTORS)"
fi
plan
