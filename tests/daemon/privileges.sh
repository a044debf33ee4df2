#!/bin/sh
# Started as root, chiod becomes a user and forbids itself what it does not need.
. "$abs_top_srcdir/tests/support/tap.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
user=nobody
group=$(id -gn $user)
dir=$(dirname "$CHIO_STATE")/own
mkdir "$dir"
chmod 755 "$(dirname "$dir")" "$dir"

field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status"; }

start() { # FLAGS...
  CHIO_STATE= CHIO_PIDFILE= "$chiod" --daemon --platform sim-tdx --state "$dir/state" --socket "$dir/run/chiod.sock" \
    --pidfile "$dir/pid" --log-file "$dir/log" --set token.argon2_passes=1 --set token.argon2_memory=65536 "$@"
}

out=$(CHIO_STATE= "$chiod" --user no-such-user --state "$dir/state" --socket "$dir/run/chiod.sock" 2>&1)
is "a user who does not exist is an error" 1 $?
contains "it names the user" "no user 'no-such-user'" "$out"
contains "and the remedy" "--stay-root" "$out"
contains "and the other" "user = " "$out"

check "chiod starts as root" start --user $user
pid=$(cat "$dir/pid")
uid=$(id -u $user)
is "and becomes the user, for good" "$uid $uid $uid $uid" "$(echo $(field Uid "$pid"))"
is "without root's groups" "$(echo $(id -G $user))" "$(echo $(field Groups "$pid"))"
is "without capabilities" "0000000000000000 0000000000000000" "$(field CapEff "$pid") $(field CapPrm "$pid")"
is "without new privileges" 1 "$(field NoNewPrivs "$pid")"
if grep -q sandbox.off "$dir/log"; then
  skip "behind a system call filter" "built with a sanitizer"
else
  is "behind a system call filter, every thread of it" 2 "$(cat /proc/"$pid"/task/*/status | sed -n 's/^Seccomp:[[:space:]]*//p' | sort -u)"
fi
is "without core dumps" 0 "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")"
is "the state folder was made for the user alone" "700 $user" "$(stat -c '%a %U' "$dir/state")"
is "the socket's folder was made for all to enter" "755 $user" "$(stat -c '%a %U' "$dir/run")"
is "the socket is for the user and its group" "660 $user $group" "$(stat -c '%a %U %G' "$dir/run/chiod.sock")"
is "so is the door" "660 $user $group" "$(stat -c '%a %U %G' "$dir/run/chiod.door")"
is "it answers" "error=OK" "$("$frames" open "$dir/run/chiod.sock" hello reply | cut -d' ' -f3)"
kill "$pid"
check "it ends" wait_for gone "$pid"
refute "and removes its socket" test -e "$dir/run/chiod.sock"
lacks "its pid file names nobody any more" "$pid" "$(cat "$dir/pid" 2>/dev/null)"

check "it stays root when told" start --stay-root
pid=$(cat "$dir/pid")
is "and is root then" "0 0 0 0" "$(echo $(field Uid "$pid"))"
is "without new privileges all the same" 1 "$(field NoNewPrivs "$pid")"
kill "$pid"
wait_for gone "$pid"

chown -R 0 "$dir/state"
out=$(start --user $user --log-level notice 2>&1; cat "$dir/log")
contains "a state folder of another user is refused" "belongs to uid 0, not to user '$user'" "$out"
contains "with the remedy" "chown -R $user" "$out"
plan
