#!/bin/sh
# run.sh: planned runs under what other people have, each on this machine and reaching nothing else. Engines that are missing
# come from Debian and PyPI; where that cannot be, the test is skipped and says so. Part of Tests/run.sh.
# `sh Tests/Scale/run.sh parallel` for one of them; exit status 69 when all that were asked for were skipped. The slow ones
# are not among them: slurm.sh, which waits two minutes for a requeued task, migration.py, the other tests of ray.sh.
set -eu
cd "$(dirname "$0")/../.."
ran=
for engine in ${*:-rivals parallel kubernetes ray}; do
    began=$(date +%s)
    case $engine in
    rivals) set -- python3 Tests/Scale/rivals.py ;;
    ray) set -- sh Tests/Scale/ray.sh test_lost_node ;;
    *) set -- sh "Tests/Scale/$engine.sh" ;;
    esac
    status=0
    timeout -k 10 600 "$@" || status=$?
    case $status in
    0)
        ran=yes
        echo "$engine: $(($(date +%s) - began)) s"
        ;;
    69) ;;
    *)
        echo "$engine failed with $status: $*" >&2
        exit 1
        ;;
    esac
done
[ -n "$ran" ] || exit 69
