#!/bin/bash
# dist.sh VERSION AOT_FRAMEWORK: a tarball of the binary, unit, completions and the licences of everything in the binary, and its checksum, below dist/.
set -euo pipefail
name="sluice-$1-linux-x64" major=${2#net} major=${major%%.*}
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
root="dist/$name"
rm -rf "$root" && mkdir -p "$root/licenses" "$root/completions"
cp out/sluice LICENSE README.md deploy/sluice.service deploy/sluice.yaml "$root/"
for shell in bash zsh fish; do
    out/sluice completion "$shell" > "$root/completions/sluice.$shell"
done

# Everything that is compiled in is MIT; what is not stops here and is looked at.
licence() {
    local nuspec="$packages/${1,,}/$2/${1,,}.nuspec"
    grep -q '<license type="expression">MIT</license>' "$nuspec" || { echo "$1 $2: its licence is not MIT" >&2; return 1; }
    {
        echo "$1 $2"
        echo
        sed -n 's/.*<copyright>\([^<]*\).*/\1/p' "$nuspec"
        sed '1d; /^Copyright/d' LICENSE
    } > "$root/licenses/$1.txt"
}

# The packages of the product: Directory.Packages.props, the group before that of the tests.
while read -r package version; do
    licence "$package" "$version"
done < <(sed '/Label="Tests"/,$d' Directory.Packages.props | sed -n 's/.*Include="\([^"]*\)" Version="\([^"]*\)".*/\1 \2/p')

# The runtime and the server framework, with what they contain of others.
for package in Microsoft.AspNetCore.App.Runtime.linux-x64 runtime.linux-x64.Microsoft.DotNet.ILCompiler; do
    version=$(find "$packages/${package,,}" -mindepth 1 -maxdepth 1 -name "$major.*" -printf '%f\n' | sort -V | tail -1)
    licence "$package" "$version"
    cp "$packages/${package,,}/$version/THIRD-PARTY-NOTICES.TXT" "$root/licenses/$package.third-party.txt"
done
cp /usr/share/doc/libxxhash-dev/copyright "$root/licenses/xxhash.txt"
cp /usr/share/doc/libsqlite3-dev/copyright "$root/licenses/sqlite.txt"

tar -C dist --sort=name --owner=0 --group=0 --numeric-owner -czf "$root.tar.gz" "$name"
(cd dist && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
