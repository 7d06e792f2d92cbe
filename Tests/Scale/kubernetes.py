"""Runs the commands of integrations/kubernetes as Kubernetes would, without Kubernetes: one process for each index.

Checks that the manifests' commands and exit rules fit what `lector` does: an index that is told to leave says 75, which
the policy ignores, and the merge after all of them writes the bytes of one process.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
LECTOR = os.environ.get("LECTOR", str(ROOT / ".build/release/lector"))


def container(name):
    with open(ROOT / "integrations/kubernetes" / name, encoding="utf-8") as file:
        spec = yaml.safe_load(file)["spec"]
    return spec, spec["template"]["spec"]["containers"][0]


def check_pods_of_ray():
    """The schema of a RayJob is in no package; that of the pods in it is."""
    with open(ROOT / "integrations/ray/rayjob.yaml", encoding="utf-8") as file:
        cluster = yaml.safe_load(file)["spec"]["rayClusterSpec"]
    for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]}
        kubernetes_validate.validate(pod, "1.37", strict=True)


def main(folder):
    check_pods_of_ray()
    folder = pathlib.Path(folder)
    environment = {
        **os.environ, "LECTOR_THREADS": "1", "XDG_STATE_HOME": str(folder / "state"),
        "PATH": f"{pathlib.Path(LECTOR).parent}:{os.environ['PATH']}"}

    def command(words):
        return [word.replace("/data/", f"{folder}/") for word in words]

    def run(*words):
        return subprocess.run(words, cwd=folder, env=environment, check=False).returncode

    with open(folder / "mails.mbox", "wb") as file:
        subprocess.run([sys.executable, str(ROOT / "Tests/Scale/mails.py"), "1200"], stdout=file, check=True)
    subprocess.run([sys.executable, str(ROOT / "Tests/Scale/tiny_model.py"), str(folder / "tiny")], check=True)
    common = ["mails.mbox", "--model", "tiny", "--quiet", "--progress", "none"]
    assert run("lector", "classify", *common, "-o", "one.jsonl") == 0
    assert run("lector", "plan", *common, "-o", "many.jsonl", "--run", "big", "--shards", "3") == 0

    spec, work = container("work.yaml")
    rules = {
        status: rule["action"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule
        for status in rule["onExitCodes"]["values"]}
    left = 0
    for index in range(3):
        for attempt in range(5):
            pod = subprocess.Popen(
                command(work["command"]), cwd="/", env={**environment, "JOB_COMPLETION_INDEX": str(index)})
            if attempt == 0:  # drained
                journal = folder / f"big/shards/{index}/worker-1/journal"
                while pod.poll() is None and not (journal.exists() and journal.stat().st_size):
                    time.sleep(0.005)
                pod.send_signal(signal.SIGTERM)
            status = pod.wait(timeout=spec["template"]["spec"]["terminationGracePeriodSeconds"] * 10)
            if status == 0:
                break
            assert rules.get(status) == "Ignore", f"index {index} ended with {status}"
            left += 1
        else:
            sys.exit(f"index {index} did not end")
    assert left, "no pod had to leave"
    merge = container("merge.yaml")[1]["command"]
    assert run(*command(merge)) == 0
    assert (folder / "many.jsonl").read_bytes() == (folder / "one.jsonl").read_bytes() != b""
    # A volume of other mail: all pods would say the same.
    with open(folder / "mails.mbox", "a", encoding="utf-8") as file:
        file.write("more\n")
    (folder / "big/shards/0/done").unlink()
    pod = subprocess.run(command(work["command"]), env={**environment, "JOB_COMPLETION_INDEX": "0"}, check=False)
    assert rules[pod.returncode] == "FailJob", pod.returncode
    print(f"3 indexes, {left} pods that had to leave: the bytes of one process")


if __name__ == "__main__":
    main(sys.argv[1])
