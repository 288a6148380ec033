#!/bin/sh
# with-share.sh COMMAND...: runs it with the scheduler's highest share for this session. Between sessions nice values count for nothing
# (sched(7), "The autogroup feature"): beside a build in another session a measurement would get half of a core, whatever its nice value.
before=$(sed -n 's/.* nice //p' /proc/self/autogroup 2>/dev/null)
share() {
    [ -z "$before" ] || { echo "$1" > /proc/self/autogroup; } 2>/dev/null || true
}
trap 'share "$before"' EXIT
share -20
"$@"
