#!/usr/bin/env bash
# Debian packages that the tests use beyond the lock file: a real browser, broker, modem manager and database. As root on
# Debian they are installed; elsewhere the tests that need them say that they were skipped.
set -euo pipefail
missing=()
# want PACKAGE FILE...: the package is missing if none of its files is there.
want() {
    local package=$1 file
    shift
    for file in "$@"; do
        [ -e "$file" ] && return
    done
    missing+=("$package")
}
want chromium-headless-shell /usr/bin/chromium-headless-shell
want mosquitto /usr/sbin/mosquitto
want modemmanager /usr/sbin/ModemManager
want dbus-daemon /usr/bin/dbus-daemon
want polkitd /usr/lib/polkit-1/polkitd
want network-manager /usr/sbin/NetworkManager
want postgresql /usr/lib/postgresql/*/bin/postgres
want iproute2 /usr/sbin/ip /sbin/ip /bin/ip
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests that need ${missing[*]} will be skipped: install it to run them" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# The shell is the engine of Chromium without the windows of a desktop; releases of Debian that lack it have the whole.
for i in "${!missing[@]}"; do
    if [ "${missing[i]}" = chromium-headless-shell ] && ! apt-cache show chromium-headless-shell >/dev/null 2>&1; then
        missing[i]=chromium
    fi
done
apt-get install -q -y --no-install-recommends "${missing[@]}"
