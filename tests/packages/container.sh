#!/bin/bash
# Follows deploy/container/compose.yaml with the image `marketgate`: from `init` over a day's work to `down`. `container.sh TOOL`,
# docker or podman (with podman-compose), as root or rootless; everything is kept in target/packages and removed in the end.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
tool=$1
project=try-marketgate
compose="$([ "$tool" = podman ] && echo podman-compose || echo "$tool compose") -p $project"
mkdir -p target/packages
place=$(mktemp -d "$PWD/target/packages/container.XXXXXX")
here=$place/deploy/container
key=a-key-of-the-seller-0123456789

# Who may give files to user 10001 of a container.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif [ "$tool" = podman ]; then podman unshare "$@"; else sudo "$@"; fi
}
clean() {
    cd "$here" && $compose down --volumes >/dev/null 2>&1 || true
    as_root rm -rf "$place"
}
trap clean EXIT
trap 'echo "FAILED at line $LINENO" >&2' ERR
# What a person types, shown with its answer; podman-compose tells each of its steps.
types() {
    echo "# $1"
    bash -euo pipefail -c "$1" 2>&1 | sed "/^podman \|^\['podman\|^using podman\|^\*\* \|^exit code:/d; s/^/    /"
}
now() { $tool ps -q --filter label=com.docker.compose.project=$project; }
of() { $tool inspect --format "$1" "$container"; }
# Docker asks by itself; podman has a timer of systemd do it, which not every machine has.
healthy() {
    for _ in $(seq 100); do
        container=$(now)
        [ "$tool" = docker ] || podman healthcheck run "$container" >/dev/null 2>&1 || true
        [ "$(of '{{.State.Health.Status}}' 2>/dev/null)" != healthy ] || return 0
        sleep 0.3
    done
    $tool logs "$container"
    return 1
}
export -f as_root
export tool

echo "== What is in it"
$tool image inspect --format '{{.Size}} bytes, user {{.Config.User}}, {{.Config.Entrypoint}} {{.Config.Cmd}}' marketgate | tee "$place/told"
grep -q "user 10001:10001" "$place/told"
container=$($tool create marketgate)
$tool export "$container" | tar -tv | awk '/^[^d]/ && $3 > 0 { print $NF }' | tee "$place/files"
[ "$(cat "$place/files")" = usr/bin/marketgate ]
$tool rm --volumes "$container" >/dev/null
types "$tool run --rm --read-only --cap-drop ALL marketgate --version | grep $(git rev-parse --short=12 HEAD)"

echo "== Configure"
mkdir -p "$here"
cp deploy/container/{compose.yaml,Dockerfile} "$here"
# Caddy has a test of its own; secrets are files in the directory that user 10001 may write to.
$tool run --rm marketgate config example |
    sed 's|^trusted_proxies = .*|trusted_proxies = ["172.30.0.0/24"]|; s|"/etc/marketgate/|"/var/lib/marketgate/|; s|^# directory = |directory = |' >"$here/marketgate.toml"
cd "$here"
mkdir keys backups
printf %s $key >keys/isv.key
printf secret-of-an-access-key-0123 >keys/access-key.secret
printf password-of-the-mail-server >keys/smtp.password
types 'touch keys/isv-previous.key'
types 'as_root chown -R 10001:10001 marketgate.toml keys backups; as_root chmod 700 keys backups; as_root sh -c "chmod 600 keys/*"'
types "$compose run --rm --no-deps -T marketgate init"
types "$compose run --rm --no-deps -T marketgate config check"

echo "== Start"
types "$compose up -d --no-build marketgate"
healthy
of '{{.State.Health.Status}}, read-only {{.HostConfig.ReadonlyRootfs}}'
as_root grep -E '^(CapEff|CapBnd|NoNewPrivs|Uid)' "/proc/$(of '{{.State.Pid}}')/status" | tee status
grep -q 'CapBnd:.0000000000000000' status && grep -q 'NoNewPrivs:.1' status && ! grep -q 'Uid:.0' status
run="$tool exec -i $container marketgate"
types "$run health"
types "$run operator add you@example.com"
types "$run operator list | tee before"
types "$run doctor --offline || true"
# Every call of the marketplace, and the login-free link.
types "$tool run --rm --network container:$container -e MARKETGATE_ISV_KEY=$key marketgate certify http://127.0.0.1:8080/marketplace/alibaba/spi \
    --login-url http://127.0.0.1:8080/marketplace/alibaba/login --product cmgj00063418 --lang en 2>/dev/null | grep -v '^✓' | tail -4"

echo "== Keep it alive"
types "$run backup /var/backups/marketgate/by-hand.db && as_root ls -l backups"
types "! $run backup /by-hand.db"
types "printf the-next-key-of-the-seller-0123 | $run isv-key rotate && as_root ls -ln keys"
types "$compose run --rm --no-deps -T marketgate serve 2>&1 | tee second; grep -q 'another process' second"
types "$run health"

echo "== Stop, and start again"
types "time $compose stop marketgate"
[ "$(container=$($tool ps -aq --filter label=com.docker.compose.project=$project) && of '{{.State.ExitCode}}')" = 0 ]
types "$compose run --rm --no-deps -T marketgate migrate"
types "$compose down && $compose up -d --no-build marketgate"
healthy
types "$tool exec $container marketgate operator list | diff before -"
types "$tool kill --signal KILL $container; $compose down && $compose up -d --no-build marketgate"
healthy
types "$tool exec $container marketgate operator list | diff before - && $tool exec $container marketgate health"
echo "ok: the container with $($tool --version)"
