#!/usr/bin/env python3
"""Runs the cases of compositions: tests/wac/run.py TENON [CASE…].

A case is a text of sections, each behind a line "==== NAME":

    (first)          what the case shows; then lines "dep a:b = NAME" and "dep a:b@1.0.0 = NAME", for components/NAME.wat
    FILE             the file's contents
    command          the arguments of `tenon compose`; without it: app.wac
    answer           "accepted" or "refused: part of the message"; then what the result imports and exports (the names, in
                     any order), and "run CALL = RESULT", what calls of it answer
    wac              what wac 0.12 answers, and wasm-tools 1.254 validate about what it made: "the same" (accepted or not,
                     imports and exports), else "accepted", "refused" or "invalid" and the reason why Tenon differs

--measure WAC WASM_TOOLS checks what is said of wac and validates what Tenon makes with wasm-tools."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


class Case:
    def __init__(self, path):
        parts = re.split(r"^==== (.*)\n", path.read_text(), flags=re.M)
        self.name = path.stem
        self.title = parts[0].strip().splitlines()
        self.sections = dict(zip(parts[1::2], parts[2::2]))
        self.answer = self.sections.pop("answer").strip().splitlines()
        self.wac = self.sections.pop("wac").strip().splitlines()
        self.command = self.sections.pop("command", "app.wac").split()

    def unpack(self, folder):
        for line in self.title:
            found = re.match(r"dep (\S+) = (\S+)$", line)
            if found:
                package, component = found.groups()
                at = re.sub(r"[:@]", "/", package)
                self.write(folder / "deps" / (at + ".wat"), (HERE / "components" / (component + ".wat")).read_text())
        for name, text in self.sections.items():
            self.write(folder / name, text)
        for argument in self.command:
            file = argument.rsplit("=")[-1]
            component = HERE / "components" / file
            if file.endswith(".wat") and component.exists():
                self.write(folder / file, component.read_text())

    @staticmethod
    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def lines(self, word):
        return sorted(line.split(None, 1)[1] for line in self.answer[1:] if line.startswith(word + " "))


def call(*command, folder):
    return subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=60)


def world_of(tenon, file, folder):
    shown = call(tenon, "inspect", "--json", file, folder=folder)
    world = json.loads(shown.stdout)["world"]
    return {side: sorted(item["name"] for item in world[side]) for side in ("imports", "exports")}


def check_runs(case, tenon, folder):
    for line in case.lines("run"):
        wave, expected = line.split(" = ")
        ran = call(tenon, "run", "--invoke", wave, "out.wasm", folder=folder)
        if ran.stdout.strip() != expected:
            return f"{wave} answers {ran.stdout.strip()!r}, not {expected!r} {ran.stderr}"
    return None


def check(case, tenon, folder):
    made = call(tenon, "compose", *case.command, "-o", "out.wasm", folder=folder)
    if case.answer[0].startswith("refused: "):
        part = case.answer[0][len("refused: "):]
        if made.returncode == 0:
            return "accepted, but should be refused"
        return None if part in made.stderr else f"the message has no {part!r}:\n{made.stderr}"
    if made.returncode != 0:
        return f"refused:\n{made.stderr}"
    world = world_of(tenon, "out.wasm", folder)
    for side in ("imports", "exports"):
        if world[side] != case.lines(side[:-1]):
            return f"{side} are {world[side]}"
    return check_runs(case, tenon, folder)


# ---- measuring ------------------------------------------------------------------------------------------------------


def to_binary(wasm_tools, folder):
    for text in folder.rglob("*.wat"):
        call(wasm_tools, "parse", text, "-o", text.with_suffix(".wasm"), folder=folder)
        text.unlink()


def wac_arguments(command):
    command = [re.sub(r"\.wat$", ".wasm", part) for part in command]
    return (["plug"] if "--plug" in command else ["compose"]) + command


def measure(case, tenon, wac, wasm_tools, folder):
    if (folder / "out.wasm").exists():
        checked = call(wasm_tools, "validate", "--features", "all", "out.wasm", folder=folder)
        if checked.returncode != 0:
            return f"wasm-tools refuses what was made: {checked.stderr}"
    to_binary(wasm_tools, folder)
    options = ["--no-validate"] if "--plug" not in case.command else []
    made = call(wac, *wac_arguments(case.command), "-o", "wac.wasm", *options, folder=folder)
    answer = "accepted" if made.returncode == 0 else "refused"
    if made.returncode == 0 and call(wasm_tools, "validate", "--features", "all", "wac.wasm", folder=folder).returncode:
        answer = "invalid"
    is_same = answer == "accepted" if case.answer[0] == "accepted" else answer != "accepted"
    if answer == "accepted" and is_same:
        is_same = world_of(tenon, "wac.wasm", folder) == world_of(tenon, "out.wasm", folder)
    said = case.wac[0]
    if said == ("the same" if is_same else answer):
        return None
    return f"wac: {answer}, {'the same' if is_same else 'not the same'}, but the case says {said!r}\n{made.stderr}"


def run(case, arguments):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        case.unpack(folder)
        problem = check(case, arguments.tenon, folder)
        if problem is None and arguments.measure:
            problem = measure(case, arguments.tenon, *arguments.measure, folder)
    if problem is None and case.wac[0] != "the same" and len(case.wac) < 2:
        problem = "it differs from wac without a reason"
    return problem


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tenon", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--measure", nargs=2, metavar=("WAC", "WASM_TOOLS"))
    arguments = parser.parse_args()
    arguments.tenon = arguments.tenon.resolve()
    paths = sorted((HERE / "cases").glob("*.txt"))
    cases = [Case(path) for path in paths if not arguments.cases or path.stem in arguments.cases]
    failed = 0
    for case in cases:
        problem = run(case, arguments)
        if problem is not None:
            failed += 1
            print(f"{case.name}: {problem}")
    print(f"{len(cases) - failed} of {len(cases)} compositions as written down")
    return 1 if failed or not cases else 0


sys.exit(main())
