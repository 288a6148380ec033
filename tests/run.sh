#!/bin/bash
# Builds and runs every suite below tests/ (or the directory given), and ends with one line: "N passed, N failed". A suite that does not build,
# crashes, hangs, skips tests or has none is a failure. Exit status 0 only when tests ran and none failed.
set -uo pipefail
cd "${1:-$(dirname "$0")}" || exit 1
results=$(mktemp -d) && trap 'rm -rf "$results"' EXIT
passed=0 failed=0
fail() { failed=$((failed + 1)); echo "FAILED $1: $2"; }
attribute() { sed -n "s/.*<assembly [^>]*\\b$2=\"\\([0-9]*\\)\".*/\\1/p" "$1" | head -1; }

for project in */*.csproj; do
    [[ -e $project ]] || continue
    suite=$(basename "$project" .csproj)
    if ! dotnet build "$project" -v quiet -nologo -p:OnlyFramework=net10.0 > "$results/$suite.build" 2>&1; then
        grep -E 'error' "$results/$suite.build" | sort -u | head -20
        fail "$suite" "does not build"
        continue
    fi
    echo "== $suite"
    timeout "${SUITE_SECONDS:-1200}" "$(dirname "$project")/bin/Debug/net10.0/Sluice.$suite" -noColor -xml "$results/$suite.xml" > "$results/$suite.log" 2>&1
    status=$?
    grep -E '\[FAIL\]|^ {6,}|Total:' "$results/$suite.log" | head -200
    if [[ ! -s $results/$suite.xml ]]; then
        tail -20 "$results/$suite.log"
        fail "$suite" "ended with status $status and without results"
        continue
    fi
    suite_passed=$(attribute "$results/$suite.xml" passed) suite_failed=$(attribute "$results/$suite.xml" failed)
    suite_errors=$(attribute "$results/$suite.xml" errors) suite_skipped=$(attribute "$results/$suite.xml" skipped)
    passed=$((passed + ${suite_passed:-0})) failed=$((failed + ${suite_failed:-0} + ${suite_errors:-0}))
    ((${suite_passed:-0} + ${suite_failed:-0} > 0)) || fail "$suite" "has no tests"
    ((${suite_skipped:-0} == 0)) || fail "$suite" "skips $suite_skipped tests"
    ((status == 0 || ${suite_failed:-0} + ${suite_errors:-0} > 0)) || fail "$suite" "ended with status $status"
done

echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
