"""Hands shards to actors until all have their markers."""

import collections
import dataclasses
import time

import ray
from ray.exceptions import RayError

from . import worker
from .worker import TRY_AGAIN, Worker

# Nodes need Ray and lector, and not this package.
ray.cloudpickle.register_pickle_by_value(worker)

# Usage, data and configuration (see `lector work --help`), and a program that is not there: another try ends the same.
FINAL = {64, 65, 78, 126, 127}


class Failed(Exception):
    """The run cannot be finished; `status` is the exit status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


@dataclasses.dataclass
class Options:
    cpus_per_worker: float = 1
    # None: as many as the cluster's CPUs allow, looked at again and again, since nodes come and go.
    workers: "int | None" = None
    # Tries of one shard that end without a marker, waiting for others not counted.
    attempts: int = 20
    # Seconds after which a silent worker of another machine counts as dead.
    dead_after: float = 60
    # Seconds before a shard is tried again.
    pause: float = 2
    resources: "dict[str, float]" = dataclasses.field(default_factory=dict)
    environment: "dict[str, str]" = dataclasses.field(default_factory=dict)


class Pool:
    """Actors, each starting, idle or at work on a shard."""

    def __init__(self, run, options):
        self.options = options
        self.command = [
            run.lector, "work", "--stdio", "--quiet", "--dead-after", str(options.dead_after), run.folder]
        if options.cpus_per_worker >= 1:
            self.command += ["--threads", str(int(options.cpus_per_worker))]
        # No restarts and no retries by Ray: after a lost node some calls come back as errors in spite of them, so
        # that the driver has to try again anyway, and it alone knows what is done.
        self.actor = ray.remote(Worker).options(
            num_cpus=options.cpus_per_worker, resources=options.resources, max_restarts=0, max_task_retries=0,
            max_concurrency=2)
        self.starting = {}
        self.idle = []
        self.working = {}

    def __len__(self):
        return len(self.starting) + len(self.idle) + len(self.working)

    def grow(self, wanted):
        while len(self) < wanted:
            actor = self.actor.remote(self.command, self.options.environment)
            self.starting[actor.node.remote()] = actor

    def shrink(self, wanted):
        """Gives back actors without work: those that wait for a place first."""
        while len(self) > wanted and (self.starting or self.idle):
            discard(self.starting.popitem()[1] if self.starting else self.idle.pop())

    def give(self, shard):
        actor = self.idle.pop()
        self.working[actor.work.remote(shard)] = (actor, shard)

    def wait(self, seconds):
        """What has ended by now: (shard, answer or None, error or None)."""
        ended = []
        refs = list(self.starting) + list(self.working)
        if not refs:
            time.sleep(seconds)
            return ended
        ready, _ = ray.wait(refs, num_returns=1, timeout=seconds)
        if ready:  # and all others that are
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
        for ref in ready:
            actor, shard = self.working.pop(ref, (None, None))
            actor = actor or self.starting.pop(ref)
            try:
                answer = ray.get(ref)
            except RayError as error:
                # Dead, unavailable, its node lost, out of memory: whatever it is, this actor gets no more work. Should
                # its process still be alive somewhere, the shard's lease keeps the two apart.
                discard(actor)
                ended.append((shard, None, error))
                continue
            self.idle.append(actor)
            if shard is not None:
                ended.append((shard, answer, None))
        return ended

    def stop(self):
        """Has all processes save and leave."""
        actors = self.idle + [actor for actor, _ in self.working.values()]
        refs = [actor.stop.remote() for actor in actors]
        if refs:
            ray.wait(refs, num_returns=len(refs), timeout=12)
        for actor in actors + list(self.starting.values()):
            discard(actor)


def discard(actor):
    try:
        ray.kill(actor)
    except RayError:
        pass


def drive(run, options, report=lambda text: None, tick=lambda pool: None):
    """Works on the run's shards until all are finished.

    `ray.init` must have been called. `report` gets a line for what went wrong, `tick` the pool about once a second.
    Raises `Failed` for what another try would not change.
    """
    waiting = collections.deque(run.open_shards())
    later = []  # (time, shard): not before
    tries = collections.Counter()
    pool = Pool(run, options)
    looked = 0.0
    try:
        while waiting or later or pool.working:
            now = time.monotonic()
            for entry in [entry for entry in later if entry[0] <= now]:
                later.remove(entry)
                waiting.append(entry[1])
            if now - looked > 5 or len(pool) == 0:
                looked = now
                resize(pool, options, len(waiting) + len(later) + len(pool.working))
            while waiting and pool.idle:
                shard = waiting.popleft()
                if not run.is_done(shard):
                    pool.give(shard)
            for shard, answer, error in pool.wait(1):
                if shard is None:
                    report(f"a worker could not be started: {first_line(error)}")
                    continue
                if run.is_done(shard):
                    continue
                status = answer.get("exit") if answer else TRY_AGAIN
                text = answer.get("error", "") if answer else first_line(error)
                if status in FINAL:
                    raise Failed(status, f"shard {shard}: {text}")
                # A shard that another worker has is no failure of anyone.
                if status != TRY_AGAIN or not answer or answer.get("died"):
                    tries[shard] += 1
                    report(f"shard {shard} is tried again ({tries[shard]}): {text or f'exit status {status}'}")
                if tries[shard] >= options.attempts:
                    raise Failed(2, f"shard {shard} was tried {tries[shard]} times in vain; the last time: {text}")
                later.append((time.monotonic() + options.pause, shard))
            tick(pool)
    finally:
        pool.stop()


def resize(pool, options, open_shards):
    wanted = options.workers
    if wanted is None:
        room = [ray.cluster_resources().get("CPU", 0) / options.cpus_per_worker] if options.cpus_per_worker else []
        resources = ray.cluster_resources()
        room += [resources.get(name, 0) / amount for name, amount in options.resources.items()]
        # One may wait for a place, so that an autoscaler sees that one is wanted.
        wanted = max(1, int(min(room, default=1)))
    wanted = min(wanted, open_shards)
    pool.shrink(wanted)
    pool.grow(wanted)


def first_line(error):
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
