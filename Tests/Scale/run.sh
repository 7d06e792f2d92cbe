#!/bin/sh
# run.sh: planned runs under what other people have, each on this machine and reaching nothing else. Engines that are missing
# come from Debian and PyPI; where that cannot be, the test is skipped and says so. Made for Tests/run.sh (decision 30).
# `sh Tests/Scale/run.sh parallel` for one of them. slurm.sh, which waits two minutes for a requeued task, migration.py and
# the other tests of ray.sh are not among them.
set -eu
cd "$(dirname "$0")/../.."
for engine in ${*:-rivals parallel kubernetes ray}; do
    began=$(date +%s)
    case $engine in
    rivals) set -- python3 Tests/Scale/rivals.py ;;
    ray) set -- sh Tests/Scale/ray.sh test_lost_node ;;
    *) set -- sh "Tests/Scale/$engine.sh" ;;
    esac
    status=0
    timeout -k 10 900 "$@" || status=$?
    case $status in
    0) echo "$engine: $(($(date +%s) - began)) s" ;;
    69) ;;
    *)
        echo "$engine failed with $status: $*" >&2
        exit 1
        ;;
    esac
done
