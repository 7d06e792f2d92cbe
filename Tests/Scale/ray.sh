#!/bin/sh
# ray.sh: integrations/ray on clusters of this machine, in a network namespace that reaches nothing, loopback only.
# Installs Ray from PyPI into .build/scale the first time. LECTOR is the program to test.
set -eu
cd "$(dirname "$0")/../.."
LECTOR=${LECTOR:-$PWD/.build/release/lector}
venv=.build/scale/ray
if [ ! -x "$venv/bin/ray" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q 'ray==2.60.*'
    "$venv/bin/pip" install -q --no-deps ./integrations/ray
fi
# Of its own, so that no cluster of this machine is found by accident.
RAY_TMPDIR=$(mktemp -d /tmp/lray-XXXX)
trap 'rm -rf "$RAY_TMPDIR"' EXIT
export LECTOR RAY_TMPDIR RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled RAY_ADDRESS=
[ "$(id -u)" = 0 ] && namespace="unshare -n" || namespace="unshare -rn"
$namespace sh -ec 'ip link set lo up; exec "$@"' sh \
    "$PWD/$venv/bin/python" -W ignore -m unittest -v "${@:-integrations/ray/tests/test_cluster.py}"
