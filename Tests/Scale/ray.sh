#!/bin/sh
# ray.sh: integrations/ray on clusters whose machines are network namespaces, within one that reaches nothing.
# `sh Tests/Scale/ray.sh test_lost_node` for one of its tests. Installs Ray from PyPI into .build/scale the first time.
# LECTOR is the program to test.
set -eu
cd "$(dirname "$0")/../.."
. Tests/Scale/engines.sh
LECTOR=${LECTOR:-$PWD/.build/release/lector}
need_network_namespace
need_python ray 'ray==2.60.*'
$namespace sh -ec 'ip link add name lan type bridge; ip link add name a type veth peer name b' 2>/dev/null ||
    skip "this kernel has no bridge or no veth, which connect the machines"
# Of its own, so that no cluster of this machine is found by accident.
RAY_TMPDIR=$(mktemp -d /tmp/lray-XXXX)
trap 'rm -rf "$RAY_TMPDIR"' EXIT
export LECTOR RAY_TMPDIR RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled RAY_ADDRESS=
$namespace sh -ec 'ip link set lo up; exec "$@"' sh \
    "$PWD/$venv/bin/python" -W ignore integrations/ray/tests/test_cluster.py -v ${1:+ClusterTests.$1}
