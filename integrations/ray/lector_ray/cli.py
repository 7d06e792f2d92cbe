"""`lector-ray run RUN`."""

import argparse
import json
import os
import signal
import sys
import time

from .run import Run


def parser():
    top = argparse.ArgumentParser(prog="lector-ray", description="Works on a planned Lector run on a Ray cluster.")
    verbs = top.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser(
        "run", help="work on all shards, then merge",
        description="Works on all shards of a run that `lector plan` made, then merges them. The run's folder, the "
        "inputs and lector must be there under the same paths on every node. Killed and started again, it goes on.",
        epilog="Exit status: that of `lector merge` (0, or 1 when some rows are not ok); 2 when a shard fails "
        "again and again; 64, 65, 78 as `lector work`; 69 when there is no cluster; 130 and 143 stopped, go on with "
        "the same command.")
    run.add_argument("run", help="the run's folder")
    run.add_argument("--address", default="auto", help="of the cluster; `local` starts one for this run [auto]")
    run.add_argument("--cpus-per-worker", type=float, default=1, metavar="N", help="CPUs, and threads, of one [1]")
    run.add_argument("--workers", type=int, metavar="N", help="how many [as many as the cluster has room for]")
    run.add_argument(
        "--resources", type=json.loads, default={}, metavar="JSON",
        help="what else a worker asks Ray for, such as {\"avx512\": 1} where nodes of other CPU classes exist")
    run.add_argument("--lector", default="lector", metavar="PATH", help="the program on every node [lector]")
    run.add_argument("--dead-after", type=float, default=60, metavar="S", help="silence of a lost machine [60]")
    run.add_argument("--attempts", type=int, default=20, metavar="N", help="failures of one shard [20]")
    run.add_argument("--no-merge", action="store_true", help="leave the shards as they are")
    run.add_argument("--quiet", action="store_true", help="no progress")
    return top


class Progress:
    """One line that is written over on a terminal; elsewhere a line each ten seconds."""

    def __init__(self, run, quiet):
        self.run = run
        self.quiet = quiet
        self.is_terminal = sys.stderr.isatty()
        self.last = time.monotonic()

    def say(self, text):
        clear = "\r\x1b[K" if self.is_terminal and not self.quiet else ""
        print(f"{clear}lector-ray: {text}", file=sys.stderr, flush=True)

    def tick(self, pool):
        now = time.monotonic()
        if self.quiet or now - self.last < (2 if self.is_terminal else 10):
            return
        self.last = now
        status = self.run.status()
        if status is None:
            return
        done = sum(shard["state"] == "done" for shard in status["shards"])
        rate = sum(shard["tokensPerSecond"] for shard in status["shards"] if shard["state"] == "working")
        text = (f"{done} of {len(status['shards'])} shards, {status['rows']} of {status['plannedRows']} rows, "
                f"{len(pool.working)} workers, {rate:.0f} tokens/s")
        if pool.starting:
            text += f", {len(pool.starting)} starting"
        if status.get("etaSeconds") is not None:
            text += f", {status['etaSeconds']:.0f} s left"
        if self.is_terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        else:
            self.say(text)


class Stopped(Exception):
    pass


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        run = Run(options.run, options.lector)
    except ValueError as error:
        print(f"lector-ray: {error}", file=sys.stderr)
        return 64
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # late, since it takes a second

    from .driver import Failed, Options, drive

    try:
        ray.init(
            address=None if options.address == "local" else options.address, namespace="lector",
            log_to_driver=False, logging_level="warning")
    except ConnectionError as error:
        print(f"lector-ray: no cluster at {options.address}: {error}; --address local starts one", file=sys.stderr)
        return 69

    # Looked at between calls of Ray, which do not bear an exception in their middle.
    received = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: received.append(number))
    progress = Progress(run, options.quiet)

    def tick(pool):
        if received:
            raise Stopped(received[0])
        progress.tick(pool)

    try:
        drive(run, Options(
            cpus_per_worker=options.cpus_per_worker, workers=options.workers, attempts=options.attempts,
            dead_after=options.dead_after, resources=options.resources), progress.say, tick)
    except Failed as failure:
        progress.say(str(failure))
        return failure.status
    except Stopped as stopped:
        progress.say("stopped; what was read is kept, and the same command goes on")
        return 128 + stopped.args[0]
    finally:
        ray.shutdown()
    if options.no_merge:
        return 0
    if progress.is_terminal and not options.quiet:
        print(file=sys.stderr)
    return run.merge()


if __name__ == "__main__":
    sys.exit(main())
