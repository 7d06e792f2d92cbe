"""A planned run on disk, as far as a driver must know it."""

import json
import os
import subprocess


class Run:
    """The folder that `lector plan --run` made, on a disk that driver and nodes share."""

    def __init__(self, folder, lector="lector"):
        self.folder = os.path.abspath(folder)
        self.lector = lector
        plan = os.path.join(self.folder, "shards.json")
        try:
            with open(plan, encoding="utf-8") as file:
                self.shards = len(json.load(file)["shards"])
        except FileNotFoundError:
            raise ValueError(f"{folder} is not a planned run; `lector plan INPUT --run {folder}` makes one") from None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{plan} cannot be read ({error}); plan the run anew in another folder") from None

    def is_done(self, shard):
        """Whether the shard has its completion marker, the only thing that says so."""
        return os.path.exists(os.path.join(self.folder, "shards", str(shard), "done"))

    def open_shards(self):
        return [shard for shard in range(self.shards) if not self.is_done(shard)]

    def status(self):
        """What `lector status --json` says, or None while it cannot be asked."""
        try:
            asked = subprocess.run(
                [self.lector, "status", self.folder, "--json"], capture_output=True, timeout=60, check=False)
            return json.loads(asked.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None

    def merge(self):
        """Writes the results that were named when the run was planned; the exit status of `lector merge`."""
        return subprocess.run([self.lector, "merge", self.folder], check=False).returncode
