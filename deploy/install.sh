#!/bin/bash
# install.sh PREFIX [DESTDIR]: binary, systemd unit, completions.
set -euo pipefail
prefix=$1 root=${2:-}
install -D -m 755 out/sluice "$root$prefix/bin/sluice"
install -d "$root$prefix/lib/systemd/system" "$root$prefix/share/bash-completion/completions" "$root$prefix/share/zsh/site-functions"
sed "s|@PREFIX@|$prefix|g" deploy/sluice.service > "$root$prefix/lib/systemd/system/sluice.service"
install -D -m 644 deploy/sluice.yaml "$root$prefix/share/doc/sluice/sluice.yaml"
if out/sluice completion bash > "$root$prefix/share/bash-completion/completions/sluice" 2>/dev/null; then
    out/sluice completion zsh > "$root$prefix/share/zsh/site-functions/_sluice"
else
    rm -f "$root$prefix/share/bash-completion/completions/sluice"
fi
echo "installed $root$prefix/bin/sluice"
