"""Works on the shards of a planned Lector run on a Ray cluster.

`lector plan` cuts a run into shards in a folder that all nodes share; `lector work --stdio` is a process that reads
shard numbers and keeps the model loaded. This package starts one such process for each actor and hands out the
numbers. It keeps no state: which shards are finished is read from the folder, so that the driver may be
killed and started again like every worker.

Start at `drive`.
"""

from .driver import Failed, drive
from .run import Run

__all__ = ["Failed", "Run", "drive"]
