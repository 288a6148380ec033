#!/bin/bash
# dist.sh VERSION: a tarball of the binary, unit, completions and licences, and its checksum, below dist/.
set -euo pipefail
name="sluice-$1-linux-x64"
rm -rf "dist/$name" && mkdir -p "dist/$name/licenses"
cp out/sluice LICENSE README.md deploy/sluice.service deploy/sluice.yaml "dist/$name/"
cp /usr/share/doc/libxxhash-dev/copyright "dist/$name/licenses/xxhash"
for package in system.commandline spectre.console yamldotnet; do
    for version in "$HOME/.nuget/packages/$package"/*/; do
        cp "$version"/*.nuspec "dist/$name/licenses/$package.nuspec"
    done
done
tar -C dist --sort=name --owner=0 --group=0 --numeric-owner -czf "dist/$name.tar.gz" "$name"
(cd dist && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
