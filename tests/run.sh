#!/bin/bash
# Builds and runs every suite below tests/ (or the directory given), and ends with one line: "N passed, N failed". A suite that does not build,
# crashes, hangs, skips tests or has none is a failure. Exit status 0 only when tests ran and none failed. The engine's suite runs once over
# threads and once over the ring, and each run counts.
set -uo pipefail
cd "${1:-$(dirname "$0")}" || exit 1
results=$(mktemp -d) && trap 'rm -rf "$results"' EXIT
passed=0 failed=0
fail() { failed=$((failed + 1)); echo "FAILED $1: $2"; }
attribute() { sed -n "s/.*<assembly [^>]*\\b$2=\"\\([0-9]*\\)\".*/\\1/p" "$1" | head -1; }

declare -A file_io=([Engine.Tests]="threads uring")

# run SUITE IO: one run of a suite that was built.
run() {
    local suite=$1${file_io[$1]:+ over $2} status suite_passed suite_failed suite_errors suite_skipped
    echo "== $suite"
    TEST_FILE_IO=$2 timeout "${SUITE_SECONDS:-1200}" "$1/bin/Debug/net10.0/Sluice.$1" -noColor -xml "$results/$1.$2.xml" > "$results/$1.$2.log" 2>&1
    status=$?
    grep -a -E '\[FAIL\]|^ {6,}|Total:' "$results/$1.$2.log" | head -200
    if [[ ! -s $results/$1.$2.xml ]]; then
        tail -20 "$results/$1.$2.log"
        fail "$suite" "ended with status $status and without results"
        return
    fi
    suite_passed=$(attribute "$results/$1.$2.xml" passed) suite_failed=$(attribute "$results/$1.$2.xml" failed)
    suite_errors=$(attribute "$results/$1.$2.xml" errors) suite_skipped=$(attribute "$results/$1.$2.xml" skipped)
    passed=$((passed + ${suite_passed:-0})) failed=$((failed + ${suite_failed:-0} + ${suite_errors:-0}))
    ((${suite_passed:-0} + ${suite_failed:-0} > 0)) || fail "$suite" "has no tests"
    ((${suite_skipped:-0} == 0)) || fail "$suite" "skips $suite_skipped tests"
    ((status == 0 || ${suite_failed:-0} + ${suite_errors:-0} > 0)) || fail "$suite" "ended with status $status"
}

for project in */*.csproj; do
    [[ -e $project ]] || continue
    suite=$(basename "$project" .csproj)
    if ! dotnet build "$project" -v quiet -nologo -p:OnlyFramework=net10.0 > "$results/$suite.build" 2>&1; then
        grep -E 'error' "$results/$suite.build" | sort -u | head -20
        fail "$suite" "does not build"
        continue
    fi
    for io in ${file_io[$suite]:-threads}; do
        run "$suite" "$io"
    done
done

echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
