#!/bin/bash
# Installs those of the named Debian packages that are missing. Quick and silent when none is.
set -euo pipefail
missing=()
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
((${#missing[@]})) || exit 0
echo "installing ${missing[*]}"
sudo=$([[ $EUID -eq 0 ]] || echo sudo)
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1 \
    || { $sudo apt-get update -q >/dev/null && $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null; }
# The bench starts an nginx of its own; the one that the package starts would serve the world on port 80.
if [[ " ${missing[*]} " == *" nginx "* && -d /run/systemd/system ]]; then
    $sudo systemctl disable --now nginx >/dev/null 2>&1 || true
fi
