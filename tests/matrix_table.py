#!/usr/bin/env python3
"""matrix_table.py - what runs on which OpenCL: runs it, keeps what came of it, prints docs/devices.md's table.

    tests/matrix_table.py run RUNTIME…   on this machine, one OpenCL per process (tests/matrix.sh); keeps docs/devices/RUNTIME.json
    tests/matrix_table.py more RUNTIME…  the steps that an earlier run of the same driver did not finish
    tests/matrix_table.py table          the table of all that was ever kept, in Markdown
    tests/matrix_table.py check          every kept file has what the table needs, and docs/devices.md that table (a test)

NAS_BUILD_FOLDER names the build (default build/test), NAS_STEP_S the seconds that a step may take (default 600).  A runtime that is not on
this machine is skipped and its row stays as it is, so that a machine with another GPU adds its row and touches no other.  Kept files hold
versions and results, no paths and no names; each step is kept as soon as it is done.

Each runtime gets: every operator against the reference in double, with a fingerprint of all bits (clnas doctor); device tests; a search of four
networks that the seed alone draws (tests/matrix.cfg); a short training on Fashion-MNIST.  Oclgrind interprets: one case of each operator, two
small networks, no Fashion-MNIST.  llvmpipe trains a thousand times more slowly than PoCL: no Fashion-MNIST there either.  amdgcn, nvptx64 and spir64 are what the drivers of GPUs compile for: there clang alone compiles the kernels.
"""
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

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
    ("amdgcn", "clang for AMD GPUs (amdgcn)", "clang"),
    ("nvptx64", "clang for NVIDIA GPUs (nvptx64)", "clang"),
    ("spir64", "clang for SPIR (spir64)", "clang"),
]
GPUS = ["nvidia", "rocm", "intel-gpu"]
IN_CTEST = ["avx2", "sse", "rusticl"]  # whose device tests ctest runs anyway (tests/CMakeLists.txt)
TOO_SLOW_TO_TRAIN = ["oclgrind", "rusticl"]
COMPILE_ONLY = ["amdgcn", "nvptx64", "spir64"]
TESTS = ["test_philox", "test_device", "test_tape", "test_tensor", "test_prove", "test_ops", "test_conv", "test_net", "test_mixed"]
SKIPPED = 77
TOO_LONG = 124
STEP_S = float(os.environ.get("NAS_STEP_S", "600"))


def call(runtime, arguments, folder, limit_s=STEP_S):
    """A program under tests/matrix.sh: exit code (124: too long) and what it printed."""
    environment = dict(os.environ, NAS_BUILD_FOLDER=BUILD, NAS_SOURCE_FOLDER=SOURCE, CLNAS_CACHE=BUILD + "/cache/clnas", CLNAS_TUNING="never")
    environment.setdefault("POCL_CACHE_DIR", BUILD + "/cache/pocl")
    os.makedirs(environment["CLNAS_CACHE"], exist_ok=True)
    os.makedirs(environment["POCL_CACHE_DIR"], exist_ok=True)
    # A session of its own: matrix.sh may be a shell that waits for the program.
    process = subprocess.Popen([SOURCE + "/tests/matrix.sh", runtime] + arguments, cwd=folder, env=environment, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        out, err = process.communicate(timeout=limit_s)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        return TOO_LONG, out, "not done within %.0f s" % limit_s
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def clnas(runtime, folder, *arguments):
    return call(runtime, [BUILD + "/bin/clnas"] + list(arguments), folder)


def parse(text, name):
    try:
        return json.loads(text)[name]
    except (ValueError, KeyError):
        return []


def prove(runtime, folder, quick):
    """Each operator; doctor itself keeps the limit, so that what was done before it counts."""
    _, out, _ = call(runtime, [BUILD + "/bin/clnas", "doctor", "-q", "-f", "json", "--limit", "%.0f" % STEP_S] + (["--quick"] if quick else []),
                     folder, 2 * STEP_S + 60)
    proofs = {}
    for row in parse(out, "findings"):
        if row["check"].startswith("op ") and "did not answer within" not in row["detail"]:
            proofs[row["check"][3:]] = {"good": row["status"] == "ok", "error": row.get("error"), "bits": row.get("bits")}
    return proofs


def run_tests(runtime, folder):
    return {test: call(runtime, ["%s/tests/%s" % (BUILD, test)], folder)[0] for test in TESTS}


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


def steps(runtime):
    """Name and work of each step, the most telling first."""
    tiny = runtime == "oclgrind"
    small = ["budget.trials=2", "data.train=192", "train.epochs=1", "data.valid=64"] if tiny else []
    yield "quick", lambda folder: prove(runtime, folder, True)
    yield "search", lambda folder: search(runtime, folder, SOURCE + "/tests/matrix.cfg", "matrix", *small)
    if not tiny:
        yield "all", lambda folder: prove(runtime, folder, False)
    if runtime not in TOO_SLOW_TO_TRAIN and os.path.isdir(FASHION):
        yield "training", lambda folder: search(runtime, folder, SOURCE + "/configs/quickstart.cfg", "training", "budget.trials=1",
                                                "budget.minutes=0", "train.samples=12800", "retrain.top=0")
    yield "tests", lambda folder: run_tests(runtime, folder)


def keep(runtime, kept):
    os.makedirs(KEPT, exist_ok=True)
    path = "%s/%s.json" % (KEPT, runtime)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, sort_keys=True)
        file.write("\n")
    os.replace(path + ".new", path)


def compile_only(runtime):
    done = subprocess.run([SOURCE + "/tests/kernels_compile.sh", SOURCE + "/cl", runtime], capture_output=True, text=True, check=False)
    found = re.search(r"^\w+: (\d+) of (\d+), (.*)$", done.stdout, re.MULTILINE)
    if not found:
        print("%s: %s" % (runtime, (done.stdout + done.stderr).strip()[-200:]), file=sys.stderr)
        return
    keep(runtime, {"runtime": runtime, "driver": found.group(3), "compiled": [int(found.group(1)), int(found.group(2))]})


def run(runtime, more):
    if runtime in COMPILE_ONLY:
        compile_only(runtime)
        return
    with tempfile.TemporaryDirectory() as folder:
        code, out, err = clnas(runtime, folder, "devices", "-f", "json")
        devices = [device for device in parse(out, "devices") if device["usable"]]
        if code == SKIPPED or not devices:
            print("%s: not on this machine (%s)" % (runtime, (out + err).strip()[:200]), file=sys.stderr)
            return
        kept = {"runtime": runtime, "processor": processor(), "threads": len(os.sched_getaffinity(0))}
        for key in ("name", "platform", "version", "driver", "float_lanes"):
            kept[key] = devices[0][key]
        earlier = load().get(runtime, {}) if more else {}
        if all(earlier.get(key) == kept[key] for key in kept):
            kept = earlier
        print("%s: %s" % (runtime, kept["version"]), file=sys.stderr)
        for name, work in steps(runtime):
            if name in kept and name not in kept.get("unfinished", []):
                continue
            start = time.monotonic()
            print("  %s" % name, file=sys.stderr, flush=True)
            kept[name] = work(folder)
            kept["unfinished"] = [step for step in kept.get("unfinished", []) if step != name] + ([name] if is_unfinished(name, kept[name]) else [])
            kept.setdefault("seconds", {})[name] = round(time.monotonic() - start)
            keep(runtime, kept)


def is_unfinished(name, result):
    if name in ("quick", "all"):
        return len(result) < (len(load().get("pocl", {}).get("quick", {})) or 1)
    if name == "tests":
        return TOO_LONG in result.values()
    return result["exit_code"] == TOO_LONG


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


def proofs_of(row, truth):
    """All cases where they were finished, else one case of each operator, else what there is; and what to call it."""
    for step, remark in (("all", ""), ("quick", ", one case each")):
        if len(row.get(step, {})) == len(truth[step]):
            return step, row[step], remark
    return "quick", row.get("quick", {}), ", one case each; not finished"


def operators_cell(row, truth):
    """A failure in any step counts."""
    _, proofs, remark = proofs_of(row, truth)
    good = sum(proofs[op]["good"] and row.get("all", {}).get(op, proofs[op])["good"] for op in proofs)
    return share(good, len(truth["quick"])) + remark


def bits_cell(row, truth):
    """How many operators have the bits of PoCL's, and which have not."""
    step, mine, remark = proofs_of(row, truth)
    other = [op for op in sorted(mine) if mine[op]["bits"] != truth[step][op]["bits"]]
    return share(len(mine) - len(other), len(mine)) + remark + (": not " + ", ".join(other) if other else "")


def tests_cell(row):
    if "tests" not in row:
        return "not finished"
    codes = {test: code for test, code in row["tests"].items() if code != SKIPPED}
    failed = [test for test, code in codes.items() if code not in (0, TOO_LONG)]
    slow = [test for test, code in codes.items() if code == TOO_LONG]
    return (share(sum(code == 0 for code in codes.values()), len(codes)) + (": failed " + ", ".join(failed) if failed else "") +
            (": not finished " + ", ".join(slow) if slow else ""))


def accuracy_cell(row, truth):
    done = row.get("training")
    if not done:
        return "–"
    if done["exit_code"]:
        return "not finished" if done["exit_code"] == TOO_LONG else "failed, exit code %d" % done["exit_code"]
    mine, theirs = done["valid_accuracy"][0], truth["training"]["valid_accuracy"][0]
    if mine is None:
        return "failed"
    return "%.2f %%" % (100 * mine) + ("" if row is truth else " (%+.2f)" % (100 * (mine - theirs)))


def search_cell(row, truth):
    done = row.get("search")
    if not done:
        return "not finished"
    if done["exit_code"]:
        return "not finished" if done["exit_code"] == TOO_LONG else "failed, exit code %d" % done["exit_code"]
    trials = done["valid_accuracy"]
    cell = share(sum(value is not None for value in trials), len(trials))
    if row is truth or row["runtime"] == "oclgrind":
        return cell
    if done["log"] == truth["search"]["log"]:
        return cell + ", the same log"
    far = max((abs(mine - theirs) for mine, theirs in zip(trials, truth["search"]["valid_accuracy"]) if mine is not None), default=0)
    return cell + ", accuracies within %.2f" % (100 * far)


def table():
    found = load()
    truth = found["pocl"]
    lines = ["| runtime | version | operators | device tests | search | bits as PoCL's | training |", "|---|---|---|---|---|---|---|"]
    for runtime, title, package in RUNTIMES:
        row = found.get(runtime)
        if not row:
            cells = ["%s (%s)" % ("never run" if runtime in GPUS else "not kept yet", package), "", "in ctest" if runtime in IN_CTEST else "", "", "", ""]
        elif runtime in COMPILE_ONLY:
            cells = [row["driver"], "compiles only: " + share(*row["compiled"]), "", "", "", ""]
        else:
            cells = [row["driver"], operators_cell(row, truth), tests_cell(row), search_cell(row, truth), bits_cell(row, truth),
                     accuracy_cell(row, truth)]
        lines.append("| %s |" % " | ".join([title] + cells))
    return "\n".join(lines) + "\n"


def check():
    found = load()
    assert "pocl" in found, "docs/devices/pocl.json, which the others are compared with, is missing"
    for step in ("quick", "all", "tests", "search", "training"):
        assert found["pocl"].get(step) and step not in found["pocl"].get("unfinished", []), "pocl: step %s is missing; run it again" % step
    for runtime, row in found.items():
        assert row["runtime"] == runtime and row["driver"], runtime + ": whose row is this?"
        assert "compiled" in row or row.get("quick"), runtime + ": no operators; run it again"
    with open(SOURCE + "/docs/devices.md", encoding="utf-8") as file:
        assert table() in file.read(), "docs/devices.md has another table than tests/matrix_table.py table prints"


def main():
    if sys.argv[1:2] in (["run"], ["more"]) and len(sys.argv) > 2:
        for runtime in sys.argv[2:]:
            assert runtime in [known for known, _, _ in RUNTIMES], "unknown runtime " + runtime
            run(runtime, sys.argv[1] == "more")
    elif sys.argv[1:] == ["table"]:
        sys.stdout.write(table())
    elif sys.argv[1:] == ["check"]:
        check()
    else:
        sys.exit(__doc__)


main()
