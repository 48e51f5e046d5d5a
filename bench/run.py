#!/usr/bin/env python3
"""Compares Tenon with Wasmtime (if on PATH) on the programs of a folder of guests, in the same run: runs
alternate in pairs, medians are compared.

    bench/run.py [--tenon FILE] [--wasmtime FILE] [--guests FOLDER] [--pairs N] [--json FILE]

Ratios are Tenon's figure divided by Wasmtime's: below 1 Tenon is better. A row that could not be measured
says why.
"""
import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# "add(s32,s32): 7.1 ns", "200k clock: 0.040 s"
ROW = re.compile(r"^(.*): ([0-9.]+) (ns|s)\b")


class Failed(Exception):
    pass


def run(command, folder):
    """Seconds, kilobytes at the peak, and standard output of one process."""
    output, errors, report = folder / "output", folder / "errors", folder / "report"
    with open(output, "wb") as out, open(errors, "wb") as err:
        subprocess.run([folder / "measure", report, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                       cwd=folder, check=True)
    seconds, kilobytes, code = report.read_text(encoding="ascii").split()
    if code != "0":
        words = errors.read_text(errors="replace").strip().splitlines()
        raise Failed("%s ended with %s: %s" % (pathlib.Path(command[0]).name, code, words[0] if words else "no message"))
    return float(seconds), int(kilobytes), output.read_text(errors="replace")


def alternate(commands, pairs, folder):
    """For each program a list of runs; the order within a pair changes from pair to pair."""
    runs = {name: [] for name in commands}
    names = list(commands)
    for name in names:
        run(commands[name], folder)  # warm caches
    for i in range(pairs):
        for name in names if i % 2 == 0 else reversed(names):
            runs[name].append(run(commands[name], folder))
    return runs


def format_figure(value, unit):
    if unit == "ns":
        return "%.1f ns" % value if value < 1e4 else "%.1f µs" % (value / 1e3)
    if unit == "s":
        return "%.3f s" % value
    return "%.2f %s" % (value, unit)


class Table:
    def __init__(self, has_wasmtime):
        self.has_wasmtime = has_wasmtime
        self.rows = []
        print("%-38s %12s %12s %8s" % ("", "tenon", "wasmtime", "ratio"))

    def add(self, name, figures, unit):
        ours, theirs = figures["tenon"], figures.get("wasmtime")
        ratio = ours / theirs if theirs else None
        self.rows.append({"name": name, "unit": unit, "tenon": ours, "wasmtime": theirs, "ratio": ratio})
        print("%-38s %12s %12s %8s" % (name, format_figure(ours, unit),
                                       format_figure(theirs, unit) if theirs is not None else "-",
                                       "%.2f" % ratio if ratio is not None else "-"), flush=True)

    def fail(self, name, why):
        self.rows.append({"name": name, "error": str(why)})
        print("%-38s %s" % (name, why), flush=True)


class Bench:
    def __init__(self, options, folder):
        self.folder = folder
        self.guests = pathlib.Path(options.guests).resolve()
        self.pairs = options.pairs
        self.programs = {"tenon": str(pathlib.Path(options.tenon).resolve())}
        wasmtime = shutil.which(options.wasmtime)
        if wasmtime:
            self.programs["wasmtime"] = wasmtime
        self.compiler = shutil.which("cc")
        if not self.compiler:
            sys.exit("no C compiler (cc)")
        subprocess.run([self.compiler, "-O2", "-o", folder / "measure", ROOT / "bench" / "measure.c"], check=True)
        self.table = Table("wasmtime" in self.programs)

    def compile(self, guest):
        """The guest compiled by each program for itself."""
        compiled = {}
        for name, program in self.programs.items():
            compiled[name] = str(self.folder / ("%s-%s.cwasm" % (name, guest.stem)))
            run([program, "compile", "-o", compiled[name], str(guest)], self.folder)
        return compiled

    def command(self, name, file, *options, uncached=False):
        program = [self.programs[name], "run", *options]
        if str(file).endswith(".cwasm") and name == "wasmtime":
            program.append("--allow-precompiled")
        if uncached:
            program += ["-C", "cache=n"]
        return program + [str(file)]

    def start(self):
        guest = self.guests / "cli.wasm"
        compiled = self.compile(guest)
        runs = alternate({name: self.command(name, compiled[name]) for name in self.programs}, self.pairs * 5,
                         self.folder)
        self.table.add("start, compiled hello", {n: statistics.median(r[0] for r in v) * 1e3 for n, v in runs.items()},
                       "ms")
        self.table.add("memory, compiled hello",
                       {n: statistics.median(r[1] for r in v) / 1024 for n, v in runs.items()}, "MiB")
        runs = alternate({name: self.command(name, guest, uncached=True) for name in self.programs}, self.pairs,
                         self.folder)
        self.table.add("start, uncached hello", {n: statistics.median(r[0] for r in v) * 1e3 for n, v in runs.items()},
                       "ms")

    def printed(self, guest, title, *options):
        """The rows that the guest itself measures and prints."""
        compiled = self.compile(self.guests / guest)
        runs = alternate({name: self.command(name, compiled[name], *options) for name in self.programs}, self.pairs,
                         self.folder)
        rows = {}
        for name, outputs in runs.items():
            for _, _, text in outputs:
                for line in text.splitlines():
                    found = ROW.match(line)
                    if found:
                        row = rows.setdefault((found[1], found[3]), {})
                        row.setdefault(name, []).append(float(found[2]))
        for (row, unit), figures in rows.items():
            self.table.add("%s: %s" % (title, row), {n: statistics.median(v) for n, v in figures.items()}, unit)

    def native_files(self):
        """The same system calls without WebAssembly: what bounds the io rows."""
        source = self.guests / "io" / "io.c"
        if not source.exists():
            return
        subprocess.run([self.compiler, "-O2", "-w", "-o", self.folder / "io", source], check=True)
        rows = {}
        for _ in range(self.pairs):
            for line in run([str(self.folder / "io"), str(self.folder / "io.tmp")], self.folder)[2].splitlines():
                found = ROW.match(line)
                if found:
                    rows.setdefault((found[1], found[3]), []).append(float(found[2]))
        for (row, unit), figures in rows.items():
            self.table.add("native: %s" % row, {"tenon": statistics.median(figures)}, unit)

    def run(self):
        grant = ("--dir", "%s::/" % self.folder)
        for name, part in (("start", self.start),
                           ("link", lambda: self.printed("link/linked.wasm", "link")),
                           ("io 0.2", lambda: self.printed("io/io.wasm", "io 0.2", *grant)),
                           ("io preview 1", lambda: self.printed("io/io.core.wasm", "io p1", *grant)),
                           ("native", self.native_files)):
            try:
                part()
            except (Failed, OSError, subprocess.CalledProcessError) as why:
                self.table.fail(name, why)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon", default=ROOT / "build" / "tenon")
    parser.add_argument("--wasmtime", default="wasmtime")
    parser.add_argument("--guests", default=ROOT / ".." / "shared" / "guests")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", help="also write the rows to this file")
    options = parser.parse_args()
    if not pathlib.Path(options.guests).is_dir():
        print("no guests: there is no folder %s; set GUESTS" % options.guests)
        return 0
    with tempfile.TemporaryDirectory(prefix="tenon-bench-") as name:
        bench = Bench(options, pathlib.Path(name))
        if not bench.table.has_wasmtime:
            print("wasmtime is not on PATH: no ratios")
        bench.run()
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(bench.table.rows, indent=2) + "\n", encoding="utf-8")
    return 1 if any("error" in row for row in bench.table.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
