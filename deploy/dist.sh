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

# Packages of the product (Directory.Packages.props, the group without a label) are all MIT; one that is not stops here and is looked at.
sed '/Label="Tests"/,$d' Directory.Packages.props | sed -n 's/.*Include="\([^"]*\)" Version="\([^"]*\)".*/\1 \2/p' | while read -r package version; do
    nuspec="$packages/${package,,}/$version/${package,,}.nuspec"
    grep -q '<license type="expression">MIT</license>' "$nuspec" || { echo "$package $version: its licence is not MIT" >&2; exit 1; }
    {
        echo "$package $version"
        echo
        sed -n 's/.*<copyright>\([^<]*\).*/\1/p' "$nuspec"
        sed '1d; /^Copyright/d' LICENSE
    } > "$root/licenses/$package.txt"
done

# The runtime and the server framework are compiled in: their own texts.
newest() { find "$packages/$1" -mindepth 1 -maxdepth 1 -name "$major.*" | sort -V | tail -1; }
aspnet=$(newest microsoft.aspnetcore.app.runtime.linux-x64)
cp "$aspnet/LICENSE.txt" "$root/licenses/dotnet.txt"
cp "$aspnet/THIRD-PARTY-NOTICES.TXT" "$root/licenses/aspnetcore-third-party.txt"
cp "$(newest runtime.linux-x64.microsoft.dotnet.ilcompiler)/THIRD-PARTY-NOTICES.TXT" "$root/licenses/dotnet-third-party.txt"
cp /usr/share/doc/libxxhash-dev/copyright "$root/licenses/xxhash.txt"

tar -C dist --sort=name --owner=0 --group=0 --numeric-owner -czf "$root.tar.gz" "$name"
(cd dist && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
