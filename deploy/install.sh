#!/bin/bash
# install.sh PREFIX [DESTDIR]: binary, systemd unit, completions, an example of the settings.
set -euo pipefail
prefix=$1 root=${2:-}
install -D -m 755 out/sluice "$root$prefix/bin/sluice"
install -D -m 644 deploy/sluice.yaml "$root$prefix/share/doc/sluice/sluice.yaml"
put() { install -D -m 644 /dev/stdin "$root$prefix/$1"; }
sed "s|@PREFIX@|$prefix|g" deploy/sluice.service | put lib/systemd/system/sluice.service
out/sluice completion bash | put share/bash-completion/completions/sluice
out/sluice completion zsh | put share/zsh/site-functions/_sluice
out/sluice completion fish | put share/fish/vendor_completions.d/sluice.fish
echo "installed $root$prefix/bin/sluice; settings go to /etc/sluice.yaml (example: $root$prefix/share/doc/sluice/sluice.yaml)"
