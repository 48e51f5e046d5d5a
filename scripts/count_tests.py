#!/usr/bin/env python3
"""Runs the tests of a build folder and counts what ran: the assertions-bearing cases that each test program
reports itself (cmocka's "[  PASSED  ] N test(s)", "N passed, N failed"), or one for a program that does not.

    count_tests.py BUILD-FOLDER [ARGUMENT-OF-MESON-TEST…]

Many tests look at times, and a machine that others use too can stop a process for seconds. So a program that fails is run
a second time, alone, and that run counts; it is named at the end, because what passes only sometimes has a fault to find.
"""
import json
import pathlib
import re
import subprocess
import sys

CMOCKA_PASSED = re.compile(r"\[  PASSED  \] (\d+) test\(s\)")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] .*?(\d+) test\(s\)|(\d+) FAILED TEST")
CMOCKA_SKIPPED = re.compile(r"\[  SKIPPED \] (\d+) test\(s\)")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)

MAX_SECOND_TRIES = 5  # more failures are no accident


def count(record):
    """Passed, failed and skipped cases of one program, from what it printed."""
    text = record.get("stdout", "") + record.get("stderr", "")
    plain = PLAIN.findall(text)
    if plain:
        passed, failed, skipped = (int(n or 0) for n in plain[-1])
    else:
        passed = sum(int(n) for n in CMOCKA_PASSED.findall(text))
        failed = sum(int(a or b) for a, b in CMOCKA_FAILED.findall(text)[:1])
        skipped = sum(int(n) for n in CMOCKA_SKIPPED.findall(text))
    if record["result"] == "SKIP":
        return 0, 0, max(skipped, 1)
    if record["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 1), 0, skipped
    return passed, max(failed, 1), skipped


def run(build, *arguments):
    """What meson's log says of each program, by name; ends the process when meson failed and no program did."""
    log = pathlib.Path(build, "meson-logs", "testlog.json")
    log.unlink(missing_ok=True)
    status = subprocess.run(["meson", "test", "-C", build, "--print-errorlogs", *arguments], check=False).returncode
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    records = [json.loads(line) for line in lines]
    if not records or (status and not any(count(record)[1] for record in records)):
        sys.exit("0 passed, 1 failed: meson test ended with status %d" % status)
    return {record["name"]: record for record in records}


def failures(records):
    return [name for name, record in records.items() if count(record)[1] > 0]


def test_name(name):
    """The name that meson takes, of the one in its log: "project:suite / name"."""
    return name.rsplit(" / ", 1)[-1]


def main(build, *arguments):
    records = run(build, *arguments)
    failed = failures(records)
    if 0 < len(failed) <= MAX_SECOND_TRIES:
        print("==> again, alone: %s" % ", ".join(failed))
        again = run(build, "--num-processes", "1", *arguments, *map(test_name, failed))
        records.update((name, again[name]) for name in failed if name in again)
    totals = [sum(numbers) for numbers in zip(*map(count, records.values()))]
    for name in set(failed) - set(failures(records)):
        print("==> FLAKY: %s failed at first and passed alone" % name)
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
