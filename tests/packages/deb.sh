#!/bin/bash
# Follows docs/deploy.md with the package of `make deb` in an empty Debian under a live systemd (systemd-nspawn): from dpkg -i
# over a day's work to the purge. `deb.sh [SUITE]`, as root; everything is kept in target/packages, and only there.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
suite=${1:-bookworm}
package=$(ls target/package/marketgate_*.deb)
mkdir -p target/packages
base=$PWD/target/packages/$suite.tar
[ -s "$base" ] || mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,sudo,curl,man-db,libcap2-bin "$suite" "$base"
root=$(mktemp -d "$PWD/target/packages/$suite.XXXXXX")
machine=""

stop() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    [ -z "$machine" ] || wait "$machine" 2>/dev/null || true
    machine=""
}
trap 'stop; rm -rf "$root" "$root.console"' EXIT
trap 'echo "FAILED at line $LINENO" >&2' ERR

# A machine of its own: network, processes, mounts, its own init. systemd 256 and later know cgroup v2 only.
boot() {
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=$([ "$suite" = bookworm ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ] && echo 0 || echo 1) \
        systemd-nspawn --quiet --register=no --keep-unit --private-network --directory="$root" --boot \
        </dev/null >"$root.console" 2>&1 &
    machine=$!
    for _ in $(seq 200); do
        leader=$(pgrep -P "$machine" | head -1) || true
        [ -z "$leader" ] || [ "$(run systemctl is-system-running 2>/dev/null)" != running ] || return 0
        sleep 0.2
    done
    cat "$root.console"
    return 1
}

run() {
    nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --wd="$root" \
        env --chdir=/ -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}
# What a person types, shown with its answer.
types() {
    echo "# $1"
    run bash -euo pipefail -c "$1" 2>&1 | sed 's/^/    /'
}

tar -C "$root" -xf "$base"
echo "127.0.0.1 localhost $(cat "$root/etc/hostname")" >"$root/etc/hosts"
install -m 644 "$package" "$root/root/marketgate.deb"
# The same again with a higher version and another example of the settings: what an upgrade meets.
dpkg-deb -R "$package" "$root/root/next"
sed -i 's/^Version: .*/&+next/' "$root/root/next/DEBIAN/control"
echo "# A newer example." >>"$root/root/next/etc/marketgate/marketgate.toml"
dpkg-deb --root-owner-group -b "$root/root/next" "$root/root/next.deb" >/dev/null
boot

gate="sudo -u marketgate marketgate"
settings="--config /etc/marketgate/marketgate.toml"

echo "== Install and configure"
types 'dpkg -i /root/marketgate.deb'
types 'stat -c "%a %U:%G %n" /etc/marketgate /etc/marketgate/marketgate.toml /var/lib/marketgate'
types '! systemctl is-active marketgate && ! systemctl is-enabled marketgate'
types 'man -w marketgate-doctor'
types "! $gate serve $settings"
types "printf 'a-key-of-the-seller-0123456789' | install -m 600 -o marketgate -g marketgate /dev/stdin /var/lib/marketgate/isv.key"
types 'install -m 600 -o marketgate -g marketgate /dev/null /var/lib/marketgate/isv-previous.key'
types "printf 'secret-of-an-access-key-0123' | install -m 640 -g marketgate /dev/stdin /etc/marketgate/access-key.secret"
types "printf 'password-of-the-mail-server' | install -m 640 -g marketgate /dev/stdin /etc/marketgate/smtp.password"
types 'install -d -m 700 -o marketgate -g marketgate /var/backups/marketgate'
types "sed -i 's|^# directory = \"/var/backups|directory = \"/var/backups|' /etc/marketgate/marketgate.toml"
types "$gate init $settings"
types "$gate config check $settings"
types "$gate doctor --offline $settings || true"

echo "== Start"
types 'systemctl enable --now marketgate && systemctl is-active marketgate'
types 'systemctl show marketgate -p Type,NotifyAccess,StatusText,NRestarts,ExecMainStatus'
types "$gate health $settings"
types "$gate operator add you@example.com $settings"
types "$gate doctor --offline $settings"
types 'systemd-analyze security marketgate --no-pager --threshold=20 | tail -1'
# Signed as the marketplace signs, in the order of the names.
types 'call="action=createInstance&aliUid=1234567890125678&orderBizId=86040213&orderId=205060317920890&productCode=cmgj00063418&skuId=cmgj00063418-postpay&template=&trial=false"
    token=$(printf "%s&key=a-key-of-the-seller-0123456789" "$call" | md5sum | cut -c1-32)
    for sent in $token 0$token; do curl -sS "http://127.0.0.1:8080/marketplace/alibaba/spi?$call&token=$sent" -w " %{http_code}\n"; done | tee /root/answers
    grep "\"instanceId\":\"86040213\".* 200" /root/answers >/dev/null && grep " 403$" /root/answers >/dev/null'

echo "== Keep it alive"
types 'systemctl reload marketgate && systemctl is-active marketgate'
types 'systemctl kill --signal=KILL --kill-who=main marketgate'
types "for _ in \$(seq 100); do $gate health $settings >/dev/null 2>&1 && break; sleep 0.2; done; systemctl show marketgate -p NRestarts,ActiveState | grep -x NRestarts=1"
types "$gate backup $settings /var/backups/marketgate/by-hand.db && ls -l /var/backups/marketgate"
types "ls /var/backups/marketgate | grep -v by-hand"
types "$gate operator list $settings > /root/before && systemctl restart marketgate && $gate health $settings && $gate operator list $settings | diff /root/before -"
types 'journalctl -u marketgate -o cat --no-pager _COMM=marketgate | cut -c1-160 | sed -n 1,3p'
types '! journalctl -u marketgate -o cat --no-pager _COMM=marketgate | grep -v "^{"'
types '! journalctl -b --no-pager -p warning | grep -i marketgate.service | grep -v "code=killed\|result .signal"'

echo "== The machine starts again"
stop && boot
types "systemctl is-active marketgate && $gate health $settings && $gate operator list $settings | diff /root/before -"

echo "== Upgrade while it runs"
types 'pid=$(systemctl show marketgate -p MainPID --value); dpkg -i --force-confold /root/next.deb && [ "$pid" = "$(systemctl show marketgate -p MainPID --value)" ] && systemctl is-active marketgate'
types 'grep -c ^directory /etc/marketgate/marketgate.toml; ls /etc/marketgate; stat -c "%a %U:%G %n" /etc/marketgate/marketgate.toml'
types "systemctl stop marketgate && $gate migrate --dry-run $settings && $gate migrate $settings && systemctl start marketgate && $gate health $settings"

echo "== Remove, come back, purge"
types 'dpkg -r marketgate && ! systemctl is-active marketgate && ls -A /var/lib/marketgate /etc/marketgate && [ ! -e /usr/bin/marketgate ]'
types "dpkg -i /root/next.deb && systemctl enable --now marketgate && $gate health $settings && $gate operator list $settings | diff /root/before -"
types 'dpkg -P marketgate && ls -A /var/lib/marketgate /var/backups/marketgate && [ ! -e /etc/marketgate/marketgate.toml ] && ! systemctl is-active marketgate'
types '[ -z "$(systemctl --failed --no-legend)" ]'
echo "ok: $(basename "$package") on $suite"
