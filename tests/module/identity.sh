#!/bin/sh
# Workload identities: of evidence in every form, of measurement maps, in verify's policy, and as an attribute of keys.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
contract=0x1234567890abcdef1234567890abcdef12345678
dcap=add89a012445b75b69092f0709447ffce9dfe190db35549cccafb61819ad7ff9
maa=e61c9fa9a01a6f57285d3ef62cf0b7bf874d337253a4fbb273c209480f5f1504
export CHIO_TEST_CONFIG="[identity]
contracts = [\"$contract\", \"0x2234567890abcdef1234567890abcdef12345678\"]"
under_chiod
enter_token
python3 - <<'P'
import json
def put(name, value): open(name, "w").write(json.dumps(value))
put("dcap.json", {"0": "55" * 48, "1": "a0" * 48, "2": "a1" * 48, "3": "a2" * 48})
put("other-firmware.json", {"0": "66" * 48, "1": "a0" * 48, "2": "a1" * 48, "3": "a2" * 48, "4": "77" * 48})
put("maa.json", {"4": "04" * 32, "9": "09" * 32, "11": "0b" * 32})
put("short.json", {"4": "04" * 32, "9": "09" * 32})
put("wide.json", {"24": "04" * 32})
P

from_map() { chio-hsm identity --measurements "$1" --type "$2" --contract $contract --json; }
id_of() { chio-hsm identity "$1" --contract $contract --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["identity"])'; }

contains "a measurement map of TDX gives its identity" $dcap "$(from_map dcap.json qemu-tdx)"
contains "one of Azure too" $maa "$(from_map maa.json azure-tdx)"
contains "another firmware changes nothing" $dcap "$(from_map other-firmware.json qemu-tdx)"
contains "and that is said" "it pins no firmware" \
  "$(chio-hsm identity --measurements dcap.json --type qemu-tdx --contract $contract)"
contains "in JSON too" '"pins_firmware":false' "$(from_map dcap.json qemu-tdx | tr -d ' \n')"
refute "a register that is missing is refused" from_map short.json azure-tdx
refute "a register that is none is refused" from_map wide.json azure-tdx
refute "a map of the other type is refused" from_map dcap.json azure-tdx
refute "a type that is none is refused" from_map dcap.json dcap-tdx
refute "a map needs its type" chio-hsm identity --measurements dcap.json --contract $contract
refute "an identity needs its contract" chio-hsm identity --measurements dcap.json --type qemu-tdx
refute "an address that is none is refused" \
  chio-hsm identity --measurements dcap.json --type qemu-tdx --contract 0x1234
refute "nothing to compute it of is refused" chio-hsm identity --contract $contract
refute "evidence and map together are refused" \
  chio-hsm identity dcap.json --measurements dcap.json --type qemu-tdx --contract $contract
refute "what is no evidence is refused" chio-hsm identity dcap.json --contract $contract

check "a key is made" chio-hsm key generate web
check "its evidence is written" chio-hsm attest web -o bundle
check "as a certificate" chio-hsm attest web --format certificate -o web.pem
check "as RA-TLS" chio-hsm attest web --format ratls -o ratls.pem
check "in a message wrapper" chio-hsm attest web --format cmw -o web.cmw
check "as a quote" chio-hsm attest web --format quote -o web.quote
check "as a request" chio-hsm attest web --format csr -o web.csr
own=$(id_of bundle)
is "an identity has 32 bytes" 64 "${#own}"
for form in web.pem ratls.pem web.cmw web.quote web.csr; do
  is "that of $form is the same" "$own" "$(id_of $form)"
done
# A vendor attribute of the public key labelled web, through the module, without a login; nothing when it is missing.
attribute() {
  python3 - "$1" <<'P'
import ctypes, os, sys
ulong, pointer = ctypes.c_ulong, ctypes.c_void_p
class Attribute(ctypes.Structure):
    _fields_ = [("type", ulong), ("value", pointer), ("len", ulong)]
class List(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2), ("call", pointer * 68)]
module = ctypes.CDLL(os.environ["CHIO_PKCS11_MODULE"])
table = ctypes.POINTER(List)()
assert module.C_GetFunctionList(ctypes.byref(table)) == 0
def call(index, types, *args):
    rv = ctypes.CFUNCTYPE(ulong, *types)(table.contents.call[index])(*args)
    assert rv in (0, 0x12), (index, hex(rv))  # CKR_ATTRIBUTE_TYPE_INVALID
    return rv
def at(thing):
    return ctypes.cast(ctypes.pointer(thing), pointer)
call(0, [pointer], None)
slots, count = (ulong * 8)(), ulong(8)
call(4, [ctypes.c_ubyte, pointer, pointer], 1, at(slots), at(count))
session, found, number, kind = ulong(), ulong(), ulong(), ulong(2)
call(12, [ulong, ulong, pointer, pointer, pointer], slots[0], 4, None, None, at(session))
label = ctypes.create_string_buffer(b"web", 3)
by = (Attribute * 2)((3, at(label), 3), (0, at(kind), ctypes.sizeof(kind)))
call(26, [ulong, pointer, ulong], session.value, at(by), 2)
call(27, [ulong, pointer, ulong, pointer], session.value, at(found), 1, at(number))
assert number.value == 1
buffer = ctypes.create_string_buffer(4096)
asked = (Attribute * 1)((0x80000000 | 0x43480000 | int(sys.argv[1], 16), at(buffer), 4096))
rv = call(24, [ulong, ulong, pointer, ulong], session.value, found.value, at(asked), 1)
print(buffer.raw[:asked[0].len].hex() if rv == 0 else "")
P
}
if nm -D "$CHIO_PKCS11_MODULE" | grep -q '__[a-z]*san_'; then
  skip "the key tells it itself" "a sanitizer's runtime is linked in"
else
  elsewhere=$(chio-hsm identity bundle --contract 0x2234567890abcdef1234567890abcdef12345678 --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["identity"])')
  is "the key tells it itself, for each contract" \
    "${contract#0x}${own}2234567890abcdef1234567890abcdef12345678$elsewhere" "$(attribute 0F)"
  is "a key that was made for no model has none" "" "$(attribute 10)"
fi
contains "nothing is judged, and that is said" "NOT JUDGED" "$(chio-hsm identity bundle --contract $contract)"

check "a policy is drafted" chio-hsm policy init --from bundle --root "$CHIO_STATE/sim/tdx-root.pem" -o plain.toml
with_identity() { { cat plain.toml; printf '\n[identity]\ncontract = "%s"\naccepted = ["%s"]\n' "$1" "$2"; } >"$3"; }
with_identity $contract "$own" good.toml
with_identity $contract $dcap other.toml
with_identity 0x2234567890abcdef1234567890abcdef12345678 "$own" elsewhere.toml
check "a policy accepts the identity" chio-hsm verify bundle --policy good.toml
refute "another identity is refused" chio-hsm verify bundle --policy other.toml
contains "and named" "workload identity is none of the 1 expected" "$(chio-hsm verify bundle --policy other.toml)"
refute "the identity is another in another contract" chio-hsm verify bundle --policy elsewhere.toml
contains "the policy is explained" "$contract" "$(chio-hsm policy explain good.toml)"
is "a model's hash is that of its name" 4fb53885862e0f970d5063417cd343ab5f75c770897578ce0cf7b37cd04b5122 \
  "$(chio-hsm model-hash llama3)"
contains "in JSON too" '"model_hash": "4fb53885862e' "$(chio-hsm model-hash llama3 --json)"
refute "it takes one name" chio-hsm model-hash llama3 llama4
plan
