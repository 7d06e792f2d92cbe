"""Machines for tests: network namespaces of this one, each with an address of its own on a bridge that leads nowhere.

Needs a network namespace to stand in, with the right to make more: `unshare -n`, or `unshare -rn` without root.
"""

import os
import signal
import subprocess
import time


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


def namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


class Network:
    def __init__(self):
        ip("link add name lan type bridge")
        ip("link set lan up")
        self.machines = []

    def add(self):
        machine = Machine(len(self.machines) + 1)
        self.machines.append(machine)
        return machine

    def remove(self):
        for machine in self.machines:
            machine.lose()
        ip("link delete lan")


class Machine:
    def __init__(self, number):
        self.cable = f"cable{number}"
        self.address = f"10.9.0.{number}"
        self.children = [subprocess.Popen(["unshare", "-n", "sleep", "infinity"])]
        self.holder = self.children[0].pid
        while namespace(self.holder) == namespace("self"):
            time.sleep(0.01)
        self.namespace = namespace(self.holder)
        ip(f"link add name {self.cable} type veth peer name eth0 netns {self.holder}")
        ip(f"link set {self.cable} master lan up")
        inside = f"ip link set lo up; ip address add {self.address}/24 dev eth0; ip link set eth0 up"
        self.start(["sh", "-ec", inside]).wait()

    def start(self, command, **options):
        """A process on this machine."""
        child = subprocess.Popen(["nsenter", "-t", str(self.holder), "-n", *command], **options)
        self.children.append(child)
        return child

    def processes(self):
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and namespace(name) == self.namespace]

    def lose(self):
        """The cable first, so that nobody hears the processes die; then all of them at once."""
        if self.namespace is None:
            return
        subprocess.run(["ip", "link", "set", self.cable, "down"], check=False)
        while left := self.processes():
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            for child in self.children:
                child.poll()
            time.sleep(0.02)
        for child in self.children:
            child.wait()
        # The kernel takes its time to remove a namespace, and the name is wanted again.
        subprocess.run(["ip", "link", "delete", self.cable], check=False, stderr=subprocess.DEVNULL)
        self.namespace = None
