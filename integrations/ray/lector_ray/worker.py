"""The actor: one resident `lector work --stdio`."""

import json
import os
import signal
import subprocess

# What `lector work` says when the shard should be tried again (see its help).
TRY_AGAIN = 75


class Worker:
    """Does one shard at a time; `stop` may be called meanwhile (two threads, see `max_concurrency`)."""

    def __init__(self, command, environment):
        self.command = command
        self.environment = environment
        self.process = None

    def work(self, shard):
        """The answer of `lector work --stdio`; one of our own, with what became of it, when the process has died."""
        if self.process is None or self.process.poll() is not None:
            try:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                    env={**os.environ, **self.environment})
            except OSError as error:
                return {"exit": 127, "error": f"{self.command[0]} cannot be started on this node: {error.strerror}"}
        process = self.process
        try:
            process.stdin.write(json.dumps({"shard": shard}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, ValueError):
            line = ""
        if line:
            return json.loads(line)
        status = process.wait()
        self.process = None
        if status < 0:
            return {"exit": TRY_AGAIN, "died": True, "error": f"lector was ended by signal {-status}"}
        return {"exit": status or TRY_AGAIN, "died": True, "error": f"lector ended with {status} instead of an answer"}

    def stop(self):
        """Has the process save its states and leave."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    def node(self):
        """Answers when the actor lives."""
        import ray

        return ray.get_runtime_context().get_node_id()
