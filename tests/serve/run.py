#!/usr/bin/env python3
"""Tests of `tenon serve` from outside: starts servers and talks to them.

    tests/serve/run.py TENON WORK-FOLDER PART… [-k NAME…]

A part is a file of this folder (routing, streaming, …). Each test is a sentence about behaviour. The last line is
"N passed, N failed, N skipped".
"""
import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tenon")
    parser.add_argument("work")
    parser.add_argument("part", nargs="+")
    parser.add_argument("-k", dest="names", action="append", default=[])
    parser.add_argument("-v", dest="verbosity", action="store_const", const=2, default=1)
    options = parser.parse_args()
    loader = unittest.TestLoader()
    if options.names:
        loader.testNamePatterns = ["*%s*" % name for name in options.names]
    suite = loader.loadTestsFromNames("part_" + part for part in options.part)
    count = suite.countTestCases()
    try:
        harness.Environment.prepare(options.tenon, options.work)
    except harness.guest_build.Missing as why:
        print("the test guest cannot be built: %s" % why)
        print("0 passed, 0 failed, %d skipped" % count)
        return 0
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=options.verbosity).run(suite)
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (result.testsRun - failed - skipped, failed, skipped))
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
