#!/bin/sh
# chiod, started as root, becomes a user and still gets its evidence from configfs-tsm: a file system that behaves as the
# kernel's stands at the kernel's place, in a mount namespace of the test's own.
. "$abs_top_srcdir/tests/support/tap.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
fake=$abs_top_builddir/tests/support/fake_tsm
[ -x "$fake" ] || skip_all "built without FUSE"
[ -r /dev/fuse ] || skip_all "no FUSE here"
need python3
unshare -m true 2>/dev/null || skip_all "no mount namespace can be made here"
under_chiod
[ -n "${CHIO_TEST_NAMESPACE:-}" ] || CHIO_TEST_NAMESPACE=own exec unshare -m /bin/sh "$0"
. "$abs_top_srcdir/tests/daemon/daemon.sh"
user=nobody
place=/sys/kernel/config/tsm/report
dir=$(dirname "$CHIO_STATE")/own
mkdir "$dir" "$dir/vendor"
chmod 755 "$(dirname "$dir")" "$dir"
mount -t tmpfs none /sys/kernel 2>/dev/null || skip_all "nothing can be mounted here"

mounted() { [ "$(stat -f -c %T $place)" = fuseblk ] || grep -q " $place fuse" /proc/self/mounts; }

start() { # FLAGS...
  CHIO_STATE= CHIO_PIDFILE= "$chiod" --daemon --user $user --state "$dir/state" --socket "$dir/run/chiod.sock" \
    --pidfile "$dir/pid" --log-file "$dir/log" --set token.argon2_passes=1 --set token.argon2_memory=65536 "$@"
}

hsm() { CHIO_SIGNER_USER=$user CHIO_SIGNER=unix:$dir/run/chiod.sock chio-hsm "$@"; }

out=$(start --platform tdx 2>&1; cat "$dir/log")
contains "without a driver the start ends" "no TEE answers there" "$out"

mkdir -p $place
"$fake" tdx "$dir/vendor" - $place &
fake_pid=$!
trap 'kill $fake_pid 2>/dev/null' EXIT
check "configfs-tsm is there" wait_for mounted
for platform in tdx auto; do
  check "$platform: chiod starts" start --platform $platform
  pid=$(cat "$dir/pid")
  is "$platform: it is the user" "$(id -u $user)" "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")"
  contains "$platform: its platform is tdx" '"tee":"tdx"' "$(hsm status --json | tr -d ' \n')"
  is "$platform: the entry is the user's" $user "$(stat -c %U $place/chiod/inblob)"
  if [ $platform = tdx ]; then
    printf '12345678\n123456\n' >"$dir/pins"
    printf 123456 >"$dir/pin"
    check "a token is made" hsm token init t --so-pin-source "$dir/pins" --pin-source "$dir/pins"
    check "a key is made" hsm key generate k --pin-source "$dir/pin"
  fi
  check "$platform: fresh evidence is made by the user" hsm attest k --nonce 0011 --pin-source "$dir/pin" -o "$dir/evidence"
  # The vendor of this hardware is simulated: that alone is amiss.
  hsm verify "$dir/evidence" --root "$dir/vendor/sim/tdx-root.pem" --nonce 0011 --json >"$dir/verdict"
  is "$platform: everything is proved, but that the vendor is one" "tee chain,nonce,qe,signature,statement" "$(
    python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))
print(v["reason"], ",".join(p for p in sorted(v["proved"]) if p in ("chain", "nonce", "qe", "signature", "statement")))' \
      "$dir/verdict")"
  kill "$pid"
  check "$platform: it ends" wait_for gone "$pid"
done
out=$(start --platform snp 2>&1; cat "$dir/log")
contains "another platform than the driver's ends the start" "the platform is tdx_guest, not sev_guest" "$out"
umount $place
plan
