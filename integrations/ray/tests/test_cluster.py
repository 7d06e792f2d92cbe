"""lector-ray on clusters whose machines are network namespaces of this one: `sh Tests/Scale/ray.sh`.

The driver runs on the head's machine, the shards on others. Ray binds beyond loopback; here nothing lies beyond.
"""

import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from machines import Network

ROOT = pathlib.Path(__file__).resolve().parents[3]
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build/release/lector"))
CHECKPOINT = 1024


class ClusterTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lector-ray-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.cluster = None

    def lector(self, *arguments):
        return subprocess.run(
            [LECTOR, *arguments], cwd=self.path, capture_output=True, text=True, check=False,
            env={**os.environ, "XDG_STATE_HOME": str(self.path / "state"), "LECTOR_THREADS": "1"})

    def prepare(self, mails, shards):
        """A mailbox and a longer text, read by one process, and planned."""
        make = [sys.executable, str(ROOT / "Tests/Scale/mails.py")]
        with open(self.path / "mails.mbox", "wb") as file:
            subprocess.run([*make, str(mails)], stdout=file, check=True)
        with open(self.path / "text.txt", "wb") as file:
            subprocess.run([*make, "0", "--text", "8000"], stdout=file, check=True)
        subprocess.run([sys.executable, str(ROOT / "Tests/Scale/tiny_model.py"), str(self.path / "tiny")], check=True)
        common = ["mails.mbox", "text.txt", "--model", "tiny", "--checkpoint-tokens", str(CHECKPOINT), "--quiet",
                  "--progress", "none"]
        one = self.lector("classify", *common, "-o", "one.jsonl")
        self.assertEqual(one.returncode, 0, one.stderr)
        plan = self.lector("plan", *common, "-o", "many.jsonl", "--run", "run", "--shards", str(shards))
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertEqual(len(json.loads((self.path / "run/shards.json").read_text())["shards"]), shards)

    def begin(self, nodes):
        """A head without CPUs for work, and so many nodes."""
        self.network = Network()
        self.addCleanup(self.network.remove)
        self.head = self.network.add()
        self.ray(self.head, "--head", "--port", "6379", "--num-cpus", "0", "--include-dashboard", "false")
        return [self.add_node() for _ in range(nodes)]

    def add_node(self):
        node = self.network.add()
        self.ray(node, "--address", f"{self.head.address}:6379", "--num-cpus", "1")
        return node

    def ray(self, machine, *arguments):
        # Ray gives its workers niceness 15, which beside other work on one machine is standing still; and it counts a
        # silent node as lost after a minute or so.
        environment = {**os.environ, "RAY_worker_niceness": "0", "RAY_health_check_period_ms": "1000",
                       "RAY_health_check_timeout_ms": "5000", "RAY_health_check_failure_threshold": "3"}
        started = machine.start(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--node-ip-address", machine.address,
             "--object-store-memory", "80000000", "--temp-dir", os.environ["RAY_TMPDIR"], *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out, _ = started.communicate(timeout=120)
        self.assertEqual(started.returncode, 0, out)

    def drive(self, *arguments):
        return self.head.start(
            [sys.executable, "-m", "lector_ray", "run", str(self.path / "run"), "--address",
             f"{self.head.address}:6379", "--lector", LECTOR, "--dead-after", "2", *arguments],
            cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "integrations/ray")})

    def done(self):
        return sorted(int(marker.parent.name) for marker in (self.path / "run/shards").glob("*/done"))

    def wait_for(self, what, driver=None, seconds=240):
        end = time.monotonic() + seconds
        while not what():
            if driver is not None and driver.poll() is not None:
                self.fail(f"the driver ended with {driver.returncode}: {driver.stderr.read()}")
            self.assertLess(time.monotonic(), end, "nothing happened")
            time.sleep(0.01)

    def lectors(self, node):
        return [pid for pid in node.processes() if "work --stdio" in command(pid)]

    def stop_at_work(self, node):
        """Stops the node's lector in the middle of a shard, and not between two; the shard."""
        found = []

        def look():
            for pid in self.lectors(node):
                os.kill(pid, signal.SIGSTOP)
                for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                    path = pathlib.Path(os.readlink(entry))
                    if path.name == "journal" and path.stat().st_size and not (path.parent.parent / "done").exists():
                        found.append(int(path.parent.parent.name))
                        return True
                os.kill(pid, signal.SIGCONT)
            return False

        self.wait_for(look)
        return found[0]

    def lose(self, node):
        """The machine is gone, and what its kernel would have said of its locks with it. Returns the shards that it had."""
        node.lose()
        lost = []
        for lock in (self.path / "run/shards").glob("*/worker-*/lock"):
            with open(lock, "r+", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if not (lock.parent.parent / "done").exists():
                    file.truncate()
                    file.write("another machine\n")
                    lost.append(int(lock.parent.parent.name))
        return lost

    def expect_same(self):
        one = (self.path / "one.jsonl").read_bytes()
        self.assertTrue(one)
        self.assertEqual((self.path / "many.jsonl").read_bytes(), one)

    def read_again(self):
        return sum(
            json.loads(marker.read_text())["readAgain"] for marker in (self.path / "run/shards").glob("*/done"))

    def test_lost_node(self):
        """12 shards on two nodes, one lost in the middle and replaced: the bytes of one process."""
        self.prepare(2400, 12)
        nodes = self.begin(2)
        driver = self.drive()
        self.wait_for(lambda: len(self.done()) >= 2, driver)
        at_work = self.stop_at_work(nodes[0])
        finished = len(self.done())
        self.assertIn(at_work, self.lose(nodes[0]))
        self.assertLess(finished, 12, "the run was over before the node was lost")
        self.add_node()
        out, err = driver.communicate(timeout=300)
        self.assertEqual(driver.returncode, 0, err)
        self.assertIn("is tried again", err)
        self.assertEqual(self.done(), list(range(12)))
        self.expect_same()
        self.assertLessEqual(self.read_again(), CHECKPOINT)
        # Again: everything is done, nothing is read.
        before = {path: path.stat().st_mtime_ns for path in (self.path / "run/shards").rglob("done")}
        again = self.drive()
        self.assertEqual(again.wait(timeout=120), 0, again.communicate())
        again.communicate()
        self.assertEqual(
            {path: path.stat().st_mtime_ns for path in (self.path / "run/shards").rglob("done")}, before)

    def stop_driver(self, number, status):
        """A driver is ended in the middle, leaves no worker behind, and its successor finishes; tokens read again."""
        self.prepare(1200, 4)
        nodes = self.begin(2)
        driver = self.drive()
        self.wait_for(lambda: any((self.path / "run/shards").glob("*/worker-*/work")), driver)
        time.sleep(0.5)
        driver.send_signal(number)
        _, err = driver.communicate(timeout=120)
        self.assertEqual(driver.returncode, status, err)
        self.wait_for(lambda: not any(self.lectors(node) for node in nodes))
        self.assertLess(len(self.done()), 4, "the run was over before the driver was stopped")
        driver = self.drive("--workers", "2")
        _, err = driver.communicate(timeout=300)
        self.assertEqual(driver.returncode, 0, err)
        self.expect_same()
        return self.read_again()

    def test_stopped_driver(self):
        """SIGTERM to the driver saves all states."""
        self.assertEqual(self.stop_driver(signal.SIGTERM, 143), 0)

    def test_killed_driver(self):
        """SIGKILL to the driver costs its two workers a checkpoint interval each at most."""
        self.assertLessEqual(self.stop_driver(signal.SIGKILL, -9), 2 * CHECKPOINT)

    def test_refusals(self):
        """What another try would not change ends the run with lector's own status."""
        self.prepare(12, 2)
        self.begin(1)
        driver = self.drive("--lector", "/nowhere/lector")
        _, err = driver.communicate(timeout=120)
        self.assertEqual(driver.returncode, 127, err)
        self.assertIn("/nowhere/lector", err)
        with open(self.path / "mails.mbox", "a", encoding="utf-8") as file:
            file.write("more\n")
        driver = self.drive()
        _, err = driver.communicate(timeout=120)
        self.assertEqual(driver.returncode, 78, err)
        self.assertIn("mails.mbox", err)
        other = subprocess.run(
            [sys.executable, "-m", "lector_ray", "run", str(self.path)], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "integrations/ray")})
        self.assertEqual(other.returncode, 64)
        self.assertIn("lector plan", other.stderr)


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    unittest.main()
