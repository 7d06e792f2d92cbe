#!/bin/sh
# run.sh: planned runs under the engines that other people have, each on this machine and reaching nothing else. What is
# missing is installed, from Debian and PyPI. `sh Tests/Scale/run.sh ray` for one of them; slurm.sh, which waits two minutes
# for a requeued task, and migration.py are not among them.
set -eu
cd "$(dirname "$0")/../.."
for engine in ${*:-parallel kubernetes ray}; do
    began=$(date +%s)
    sh "Tests/Scale/$engine.sh"
    echo "$engine: $(($(date +%s) - began)) s"
done
