#!/bin/sh
# Puts the units, rules, user and folders of fieldbox where systemd finds them. DESTDIR: below another root (an image).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
install -D -m 644 -t "$root/etc/systemd/system" "$here"/system/*
install -D -m 644 -t "$root/etc/udev/rules.d" "$here"/udev/*
install -D -m 644 -t "$root/etc/polkit-1/rules.d" "$here"/polkit/*
install -D -m 644 -t "$root/etc/sysusers.d" "$here"/sysusers.d/*
install -D -m 644 -t "$root/etc/tmpfiles.d" "$here"/tmpfiles.d/*
[ -n "$root" ] && exit 0
systemd-sysusers
systemd-tmpfiles --create
systemctl daemon-reload
udevadm control --reload
