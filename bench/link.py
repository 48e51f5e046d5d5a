#!/usr/bin/env python3
"""Compares calls between components that Tenon links when it runs, the same components composed into one file, and
Wasmtime (if on PATH) on that file: in the same run, in turns, the best of several rounds, so that others on the machine
matter little.

    bench/link.py [--tenon FILE] [--wasmtime FILE] [--guests FOLDER] [--rounds N] [--json FILE]

The file is FOLDER/link/linked.wasm: a caller, which measures itself, and a callee. Ratios are those of the run-time link:
below 1 it is better than the other.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROW = re.compile(r"^(.*?): ([0-9.]+) ns\b", re.MULTILINE)
COMPONENT_SECTION = 4


def read_number(data, at):
    """An unsigned LEB128 number, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def nested_components(data):
    """The components directly within one."""
    at = 8
    while at < len(data):
        section, at = data[at], at + 1
        size, at = read_number(data, at)
        if section == COMPONENT_SECTION:
            yield data[at:at + size]
        at += size


def cut(composed, folder):
    """Files of the callee, which imports nothing of WASI, and the caller, which exports a command."""
    parts = list(nested_components(composed.read_bytes()))
    callers = [part for part in parts if b"wasi:cli/run" in part]
    callees = [part for part in parts if b"wasi:" not in part]
    if len(callers) != 1 or len(callees) != 1:
        sys.exit("%s is not a caller and a callee" % composed)
    caller, callee = folder / "caller.wasm", folder / "callee.wasm"
    caller.write_bytes(callers[0])
    callee.write_bytes(callees[0])
    return caller, callee


def measure(command):
    """What the guest prints: row -> nanoseconds."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(map(str, command)), done.stderr.strip()))
    return {name: float(value) for name, value in ROW.findall(done.stdout)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon", default="build/tenon")
    parser.add_argument("--wasmtime", default="wasmtime")
    parser.add_argument("--guests", default="../shared/guests")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    options = parser.parse_args()
    composed = pathlib.Path(options.guests) / "link" / "linked.wasm"
    if not composed.exists():
        print("link: not measured: there is no %s" % composed)
        return
    wasmtime = shutil.which(options.wasmtime)
    with tempfile.TemporaryDirectory(prefix="tenon-bench-") as folder:
        caller, callee = cut(composed, pathlib.Path(folder))
        commands = {"linked": [options.tenon, "run", "--link", callee, caller],
                    "composed": [options.tenon, "run", composed]}
        if wasmtime:
            commands["wasmtime"] = [wasmtime, "run", composed]
        rows = {}
        for turn in range(options.rounds + 1):
            for name in commands if turn % 2 else reversed(commands):
                for row, value in measure(commands[name]).items():
                    if turn > 0:  # the first warms the caches
                        rows.setdefault(row, {}).setdefault(name, []).append(value)
    print("%-36s" % "" + "".join("%14s" % name for name in commands) +
          "".join("%14s" % ("/ " + name) for name in commands if name != "linked"))
    report = []
    for row, values in rows.items():
        best = {name: min(v) for name, v in values.items()}
        ratios = {name: best["linked"] / best[name] for name in commands if name != "linked"}
        print("%-36s" % row + "".join("%11.1f ns" % best[name] for name in commands) +
              "".join("%14.2f" % ratio for ratio in ratios.values()))
        report.append({"name": row, "ns": best, "ratios": ratios})
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
