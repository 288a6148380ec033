#!/bin/sh
# quiet.sh COMMAND...: runs it with what a measurement needs of the machine, and puts that back.
# - The scheduler's highest share for this session. Between sessions nice values count for nothing (sched(7), "The autogroup feature"): beside
#   a build in another session a measurement would get half of a core, whatever its nice value.
# - cubic for every server. Pacing (bbr) makes each burst over loopback wait for a timer, which tells of the machine's timers and not of servers.
group=/proc/self/autogroup
control=/proc/sys/net/ipv4/tcp_congestion_control
share=$(sed -n 's/.* nice //p' "$group" 2>/dev/null)
congestion=$(cat "$control" 2>/dev/null)
set_to() {
    [ -z "$2" ] || { echo "$2" > "$1"; } 2>/dev/null || true
}
trap 'set_to "$group" "$share"; set_to "$control" "$congestion"' EXIT
set_to "$group" -20
set_to "$control" cubic
"$@"
