#!/bin/bash
# Waits until a machine is quiet enough to measure on: a load average below 0.2, at most ten minutes. Ends with 1 when it does not become so, and names
# what runs.
set -euo pipefail
limit=${1:-0.2} deadline=$((SECONDS + ${2:-600}))
while read -r load _ < /proc/loadavg && ! awk -v load="$load" -v limit="$limit" 'BEGIN { exit !(load < limit) }'; do
    if ((SECONDS >= deadline)); then
        echo "the machine is not quiet: load average $load, limit $limit" >&2
        ps -eo pcpu,args --sort=-pcpu | head -6 >&2
        exit 1
    fi
    sleep 5
done
