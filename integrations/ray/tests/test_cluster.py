"""lector-ray on real clusters of this machine.

    unshare -rn sh -c 'ip link set lo up && LECTOR=.../lector python -m unittest integrations/ray/tests/test_cluster.py'

Ray binds beyond loopback, therefore the network namespace; `sh Tests/Scale/ray.sh` does all of it.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from ray.cluster_utils import Cluster

ROOT = pathlib.Path(__file__).resolve().parents[3]
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build/release/lector"))
CHECKPOINT = 1024


def parents():
    """The parent of each process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    found[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                pass
    return found


def below(ancestor):
    """All processes that descend from one."""
    family = {ancestor}
    tree = parents()
    while True:
        more = {child for child, parent in tree.items() if parent in family} - family
        if not more:
            return family - {ancestor}
        family |= more


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
            subprocess.run([*make, "0", "--text", "6000"], stdout=file, check=True)
        common = ["mails.mbox", "text.txt", "--checkpoint-tokens", str(CHECKPOINT), "--progress", "none"]
        one = self.lector("classify", *common, "-o", "one.jsonl")
        self.assertEqual(one.returncode, 0, one.stderr)
        plan = self.lector("plan", *common, "-o", "many.jsonl", "--run", "run", "--shards", str(shards))
        self.assertEqual(plan.returncode, 0, plan.stderr)

    def begin(self, nodes):
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.addCleanup(self.cluster.shutdown)
        return [self.cluster.add_node(num_cpus=1) for _ in range(nodes)]

    def drive(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "lector_ray", "run", str(self.path / "run"), "--address", self.cluster.address,
             "--lector", LECTOR, "--dead-after", "2", *arguments],
            cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "integrations/ray")})

    def done(self):
        return sorted(int(marker.parent.name) for marker in (self.path / "run/shards").glob("*/done"))

    def wait_for(self, what, seconds=120):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "nothing happened")
            time.sleep(0.05)

    def lose(self, node):
        """The machine is gone: its raylet, its workers and what they had started, all at once."""
        raylet = node.all_processes["raylet"][0].process.pid
        family = below(raylet)
        for process in [raylet, *family]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.cluster.remove_node(node, allow_graceful=False)
        return family

    def expect_same(self):
        one = (self.path / "one.jsonl").read_bytes()
        self.assertTrue(one)
        self.assertEqual((self.path / "many.jsonl").read_bytes(), one)

    def read_again(self):
        return sum(
            json.loads(marker.read_text())["readAgain"] for marker in (self.path / "run/shards").glob("*/done"))

    def test_lost_node(self):
        """12 shards on two nodes, one lost in the middle and replaced: the bytes of one process."""
        self.prepare(240, 12)
        nodes = self.begin(2)
        driver = self.drive()
        self.wait_for(lambda: len(self.done()) >= 2)
        # The node must be at work, and not between two shards.
        self.wait_for(lambda: any("lector" in command(pid) for pid in below(
            nodes[0].all_processes["raylet"][0].process.pid)))
        finished = len(self.done())
        self.lose(nodes[0])
        self.assertLess(finished, 12, "the run was over before the node was lost")
        time.sleep(1)
        self.cluster.add_node(num_cpus=1)
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

    def test_stopped_driver(self):
        """SIGTERM to the driver saves all states; SIGKILL to it leaves no worker behind; it goes on."""
        self.prepare(120, 4)
        self.begin(2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            driver = self.drive()
            finished = len(self.done())
            self.wait_for(lambda: len(self.done()) > finished or list((self.path / "run/shards").glob("*/worker-*/work")))
            time.sleep(0.5)
            driver.send_signal(number)
            _, err = driver.communicate(timeout=60)
            self.assertEqual(driver.returncode, 143 if number == signal.SIGTERM else -9, err)
            self.wait_for(lambda: not any("work --stdio" in command(pid) for pid in parents()), 30)
        driver = self.drive("--workers", "2")
        _, err = driver.communicate(timeout=300)
        self.assertEqual(driver.returncode, 0, err)
        self.expect_same()
        self.assertEqual(self.read_again(), 0, "all were asked to leave, none was killed")

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
