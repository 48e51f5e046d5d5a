#!/usr/bin/env python3
"""Runs the tests of a build folder and counts what ran: the assertions-bearing cases that each test program
reports itself (cmocka's "[  PASSED  ] N test(s)", "N passed, N failed"), or one for a program that does not.

    count_tests.py BUILD-FOLDER [ARGUMENT-OF-MESON-TEST…]
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


def main(build, *arguments):
    status = subprocess.run(["meson", "test", "-C", build, "--print-errorlogs", *arguments], check=False).returncode
    log = pathlib.Path(build, "meson-logs", "testlog.json")
    totals = [0, 0, 0]
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        totals = [total + n for total, n in zip(totals, count(json.loads(line)))]
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 1 if status or totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
