#!/usr/bin/env python3
"""matrix_table.py - what runs on which OpenCL: runs it, keeps what came of it, prints docs/devices.md's table.

    tests/matrix_table.py run RUNTIME…   on this machine, one OpenCL per process (tests/matrix.sh); keeps docs/devices/RUNTIME.json
    tests/matrix_table.py table          the table of all that was ever kept, in Markdown
    tests/matrix_table.py check          every kept file has what the table needs (a test)

NAS_BUILD_FOLDER names the build (default build/test).  A runtime that is not on this machine is skipped and its row stays as it is, so
that a machine with another GPU adds its row and touches no other.  Kept files hold versions and results, no paths and no names.

Each runtime gets: every operator against the reference in double, with a fingerprint of all bits (clnas doctor); device tests; a search of four
networks that the seed alone draws (tests/matrix.cfg); a short training on Fashion-MNIST.  Oclgrind interprets: one case of each operator, two
small networks, no Fashion-MNIST.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("NAS_BUILD_FOLDER", os.path.join(SOURCE, "build/test")))
KEPT = os.path.join(SOURCE, "docs/devices")
FASHION = "/usr/share/datasets/fashion-mnist"

# name, what the table calls it, how to come by it
RUNTIMES = [
    ("pocl", "PoCL", "pocl-opencl-icd"),
    ("pocl-1thread", "PoCL, 1 thread", "pocl-opencl-icd"),
    ("avx2", "PoCL as AVX2, 8 lanes", "pocl-opencl-icd"),
    ("sse", "PoCL as SSE, 4 lanes", "pocl-opencl-icd"),
    ("pocl-new", "PoCL of Debian 13", "a folder with Debian 13"),
    ("pocl-pypi", "PoCL from PyPI", "pip: pocl-binary-distribution"),
    ("rusticl", "rusticl, llvmpipe", "mesa-opencl-icd"),
    ("oclgrind", "Oclgrind", "oclgrind"),
    ("intel", "Intel's CPU runtime", "pip: intel-opencl-rt intel-cmplr-lib-rt"),
    ("nvidia", "NVIDIA", "nvidia-opencl-icd"),
    ("rocm", "AMD ROCm", "rocm-opencl-icd"),
    ("intel-gpu", "Intel GPU", "intel-opencl-icd"),
]
TESTS = ["test_philox", "test_device", "test_tape", "test_tensor", "test_prove", "test_ops", "test_conv", "test_net", "test_mixed"]
SKIPPED = 77
LIMIT_S = 3600


def call(runtime, arguments, folder, limit_s=LIMIT_S):
    """A program under tests/matrix.sh: exit code (124: too long) and what it printed."""
    environment = dict(os.environ, NAS_BUILD_FOLDER=BUILD, NAS_SOURCE_FOLDER=SOURCE, CLNAS_CACHE=BUILD + "/cache/clnas")
    environment.setdefault("POCL_CACHE_DIR", BUILD + "/cache/pocl")
    os.makedirs(environment["CLNAS_CACHE"], exist_ok=True)
    os.makedirs(environment["POCL_CACHE_DIR"], exist_ok=True)
    try:
        done = subprocess.run([SOURCE + "/tests/matrix.sh", runtime] + arguments, cwd=folder, env=environment, timeout=limit_s,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        return 124, "", "not done within %d s" % limit_s


def clnas(runtime, folder, *arguments):
    return call(runtime, [BUILD + "/bin/clnas"] + list(arguments), folder)


def parse(text, name):
    try:
        return json.loads(text)[name]
    except (ValueError, KeyError):
        return []


def prove(runtime, folder, quick):
    code, out, _ = clnas(runtime, folder, "doctor", "-q", "-f", "json", "--limit", str(LIMIT_S), *(["--quick"] if quick else []))
    proofs = {}
    for row in parse(out, "findings"):
        if row["check"].startswith("op "):
            proofs[row["check"][3:]] = {"good": row["status"] == "ok", "error": row["error"], "bits": row["bits"]}
    return code, proofs


def search(runtime, folder, config, name, *settings):
    """Runs a search in one worker; its trials and a fingerprint of the canonical log."""
    options = ["-q", "-s", "study=" + name]
    for setting in settings:
        options += ["-s", setting]
    code, _, err = clnas(runtime, folder, "search", config, *options)
    study = name + ".study"
    _, log, _ = clnas(runtime, folder, "trials", study, "--canonical")
    _, out, _ = clnas(runtime, folder, "trials", study, "-f", "json")
    trials = parse(out, "trials")
    if code:
        print("  %s: exit code %d: %s" % (name, code, err.strip()[-300:]), file=sys.stderr)
    return {"exit_code": code, "log": hashlib.sha256(log.encode()).hexdigest()[:16],
            "valid_accuracy": [trial.get("valid_accuracy") for trial in trials]}


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def run(runtime):
    tiny = runtime == "oclgrind"
    with tempfile.TemporaryDirectory() as folder:
        code, out, err = clnas(runtime, folder, "devices", "-f", "json")
        devices = [device for device in parse(out, "devices") if device["usable"]]
        if code == SKIPPED or not devices:
            print("%s: not on this machine (%s)" % (runtime, (out + err).strip()[:200]), file=sys.stderr)
            return
        kept = {"runtime": runtime, "processor": processor(), "threads": len(os.sched_getaffinity(0))}
        for key in ("name", "platform", "version", "driver", "float_lanes"):
            kept[key] = devices[0][key]
        print("%s: %s" % (runtime, kept["version"]), file=sys.stderr)
        _, kept["quick"] = prove(runtime, folder, True)
        kept["all"] = {} if tiny else prove(runtime, folder, False)[1]
        kept["tests"] = {}
        for test in TESTS:
            kept["tests"][test] = call(runtime, ["%s/tests/%s" % (BUILD, test)], folder)[0]
        kept["search"] = search(runtime, folder, SOURCE + "/tests/matrix.cfg", "matrix", *(["budget.trials=2", "data.train=192", "train.epochs=1", "data.valid=64"] if tiny else []))
        kept["training"] = None
        if not tiny and os.path.isdir(FASHION):
            kept["training"] = search(runtime, folder, SOURCE + "/configs/quickstart.cfg", "training", "budget.trials=1", "budget.minutes=0",
                                      "train.samples=12800", "retrain.top=0")
    os.makedirs(KEPT, exist_ok=True)
    with open("%s/%s.json" % (KEPT, runtime), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, sort_keys=True)
        file.write("\n")


def load():
    found = {}
    for runtime, _, _ in RUNTIMES:
        path = "%s/%s.json" % (KEPT, runtime)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found[runtime] = json.load(file)
    return found


def share(good, all_of_them):
    return "%d of %d" % (good, all_of_them)


def bits_cell(row, truth):
    mine, theirs = (row["all"], truth["all"]) if row["all"] else (row["quick"], truth["quick"])
    other = [op for op in sorted(theirs) if op not in mine or mine[op]["bits"] != theirs[op]["bits"]]
    return share(len(theirs) - len(other), len(theirs)) + (": not " + ", ".join(other) if other else "")


def accuracy_cell(row, truth):
    if not row["training"] or not row["training"]["valid_accuracy"]:
        return "–"
    mine, theirs = row["training"]["valid_accuracy"][0], truth["training"]["valid_accuracy"][0]
    if mine is None:
        return "failed"
    return "%.2f %%" % (100 * mine) + ("" if row is truth else " (%+.2f)" % (100 * (mine - theirs)))


def search_cell(row, truth):
    trials = row["search"]["valid_accuracy"]
    good = sum(value is not None for value in trials)
    if row["search"]["exit_code"]:
        return "failed, exit code %d" % row["search"]["exit_code"]
    same = row is not truth and row["search"]["log"] == truth["search"]["log"]
    return share(good, len(trials)) + (", the same log" if same else "")


def table():
    found = load()
    truth = found["pocl"]
    print("| runtime | version | operators | device tests | search | bits as PoCL's | training |")
    print("|---|---|---|---|---|---|---|")
    for runtime, title, package in RUNTIMES:
        row = found.get(runtime)
        if not row:
            print("| %s | never run (%s) | | | | | |" % (title, package))
            continue
        proofs = row["all"] or row["quick"]
        tests = [code for code in row["tests"].values() if code != SKIPPED]
        print("| %s | %s | %s | %s | %s | %s | %s |" % (
            title, row["driver"], share(sum(proof["good"] for proof in proofs.values()), len(truth["quick"])) + ("" if row["all"] else ", one case each"),
            share(sum(code == 0 for code in tests), len(tests)), search_cell(row, truth), bits_cell(row, truth), accuracy_cell(row, truth)))


def check():
    found = load()
    assert "pocl" in found, "docs/devices/pocl.json, which the others are compared with, is missing"
    for runtime, row in found.items():
        assert row["quick"] and len(row["quick"]) == len(found["pocl"]["quick"]), runtime + ": operators are missing; run it again"
        for key in ("driver", "tests", "search", "training", "all"):
            assert key in row, "%s: no %s" % (runtime, key)


def main():
    if sys.argv[1:2] == ["run"] and len(sys.argv) > 2:
        for runtime in sys.argv[2:]:
            assert runtime in [known for known, _, _ in RUNTIMES], "unknown runtime " + runtime
            run(runtime)
    elif sys.argv[1:] == ["table"]:
        table()
    elif sys.argv[1:] == ["check"]:
        check()
    else:
        sys.exit(__doc__)


main()
