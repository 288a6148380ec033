#!/bin/bash
# Shows that tests/run.sh can fail: fake suites that pass, fail, crash, hang, run nothing, skip, lie about their status or do not build. Each row
# below is the last line and the exit status that the runner must end with. Silent when all is well.
set -uo pipefail
runner=$(realpath "$(dirname "$0")/run.sh")
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
# Stands in for the SDK: a suite whose project says "broken" does not build.
printf '#!/bin/bash\n! grep -q broken "$2"\n' > "$work/bin/dotnet" && chmod +x "$work/bin/dotnet"
export PATH="$work/bin:$PATH" SUITE_SECONDS=2
wrong=0

# suite DIRECTORY NAME SCRIPT [PROJECT]: a fake suite. Its script is called as the runner calls one, -noColor -xml FILE, so the file is $3.
suite() {
    local home="$work/$1/$2.Tests"
    mkdir -p "$home/bin/Debug/net10.0"
    echo "${4:-fine}" > "$home/$2.Tests.csproj"
    printf '#!/bin/bash\n%s\n' "$3" > "$home/bin/Debug/net10.0/Sluice.$2.Tests"
    chmod +x "$home/bin/Debug/net10.0/Sluice.$2.Tests"
}

# results PASSED FAILED ERRORS SKIPPED: a script line that writes such a result file.
results() {
    echo "echo '<assemblies><assembly name=\"x\" total=\"$(($1 + $2 + $4))\" passed=\"$1\" failed=\"$2\" skipped=\"$4\" errors=\"$3\"></assembly></assemblies>' > \"\$3\""
}

# expect DIRECTORY STATUS LINE [TEXT]: runs the directory; TEXT has to be somewhere in the output.
expect() {
    local output status
    output=$("$runner" "$work/$1" 2>&1)
    status=$?
    if [[ $((status != 0)) != "$2" || $(tail -1 <<< "$output") != "$3" || $output != *"${4:-}"* ]]; then
        echo "tests/run.sh is wrong about \"$1\": status $status, output:"
        echo "$output"
        wrong=1
    fi
}

suite good A "$(results 2 0 0 0)" && suite good B "$(results 3 0 0 0)"
expect good 0 "5 passed, 0 failed"
suite fails A "$(results 4 0 0 0)" && suite fails B "$(results 1 2 0 0); echo '    Some.Test [FAIL]'; exit 1"
expect fails 1 "5 passed, 2 failed" "Some.Test [FAIL]"
suite errors A "$(results 1 0 1 0); exit 1"
expect errors 1 "1 passed, 1 failed"
suite crashes A "$(results 3 0 0 0)" && suite crashes B 'kill -SEGV $$'
expect crashes 1 "3 passed, 1 failed" "without results"
suite hangs A "$(results 3 0 0 0)" && suite hangs B 'exec sleep 30'
expect hangs 1 "3 passed, 1 failed" "status 124"
suite nothing A "$(results 0 0 0 0)" && suite nothing B "$(results 1 0 0 0)"
expect nothing 1 "1 passed, 1 failed" "has no tests"
suite skips A "$(results 1 0 0 1)"
expect skips 1 "1 passed, 1 failed" "skips 1 tests"
suite lies A "$(results 1 0 0 0); exit 3"
expect lies 1 "1 passed, 1 failed" "ended with status 3"
suite torn A 'printf "<assemblies><assembly name=" > "$3"'
expect torn 1 "0 passed, 1 failed"
suite unbuilt A "$(results 1 0 0 0)" && suite unbuilt B "$(results 1 0 0 0)" broken
expect unbuilt 1 "1 passed, 1 failed" "does not build"
suite missing A "$(results 1 0 0 0)" && rm "$work/missing/A.Tests/bin/Debug/net10.0/Sluice.A.Tests"
expect missing 1 "0 passed, 1 failed"
mkdir "$work/empty"
expect empty 1 "0 passed, 0 failed"
exit "$wrong"
