#!/bin/sh
# The door: what makes a connection, and what is dropped.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
socket=${CHIO_SIGNER#unix:}
door=${socket%.sock}.door

is "one end of a socketpair becomes a connection" "type=1 id=1 error=OK" \
  "$("$frames" door "$door" knock pair 01 hello reply | cut -d' ' -f1-3)"
is "as many as are handed in" "2" \
  "$("$frames" door "$door" knock pair 01 hello reply knock pair 01 hello reply | grep -c 'error=OK')"

dropped() { # NAME KIND HEX: the connection, if there is one, ends; the door goes on
  case $2 in
    pair | two | none | foreign) seen=$("$frames" door "$door" knock "$2" "$3" end knock pair 01 hello reply) expected=end ;;
    *) seen=$("$frames" door "$door" knock "$2" "$3" knock pair 01 hello reply) expected= ;;
  esac
  is "$1 is dropped, and the door stays open" "$expected|error=OK" \
    "$(printf %s "$seen" | grep '^end')|$(printf %s "$seen" | tail -n 1 | cut -d' ' -f3)"
}

dropped "a message without a descriptor" none 01
dropped "a message with two" two 01
dropped "an empty message" pair ""
dropped "another byte" pair 02
dropped "a byte too many" pair 0101
dropped "a pipe" pipe 01
dropped "a datagram socket" datagram 01
dropped "a listening socket" listening 01
dropped "a socket that another process made" foreign 01

pid=$(cat "$CHIO_PIDFILE")
before=$(ls "/proc/$pid/fd" | wc -l)
for i in 1 2 3 4 5; do "$frames" door "$door" knock two 01 knock pipe 01 knock foreign 01 end >/dev/null; done
same_number() { [ "$(ls "/proc/$pid/fd" | wc -l)" -eq "$before" ]; }
check "what is dropped is closed" wait_for same_number

restart --set door.enabled=false
refute "there is none when it is turned off" test -e "$door"
is "and HELLO names none" "len=36" "$("$frames" open "$socket" hello reply | cut -d' ' -f4)"
plan
