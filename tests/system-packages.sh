#!/usr/bin/env bash
# Debian packages that the tests use beyond the lock file: a real browser. As root on Debian they are
# installed; elsewhere the tests that need them say that they were skipped.
set -euo pipefail
missing=()
command -v chromium >/dev/null || missing+=(chromium)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests that need ${missing[*]} will be skipped: install it to run them" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
