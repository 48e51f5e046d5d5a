#!/usr/bin/env python3
"""Writes down what wasm-tools answers to each case: rewrites the `#>` lines of the files given (all by default).

The form of the files is described in README.md. Needs wasm-tools 1.254 in PATH.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent


def split_cases(text):
    """The lines before the first case, and for each case its title and its lines."""
    head, cases = [], []
    for line in text.splitlines():
        if line.startswith("## "):
            cases.append((line[3:], []))
        elif cases:
            cases[-1][1].append(line)
        else:
            head.append(line)
    return head, cases


def unescape(line):
    return re.sub(r"<U\+([0-9A-F]+)>", lambda match: chr(int(match[1], 16)), line)


def write_files(lines, folder):
    """Writes the files of a case; returns what wasm-tools is to read and the features."""
    files, features, name = {}, "", "case.wit"
    for line in lines:
        if line.startswith("#file "):
            name = line[6:]
            files[name] = []
        elif line.startswith("#features "):
            features = line[10:]
        elif not line.startswith("#"):
            files.setdefault(name, []).append(unescape(line))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(content) + "\n")
    return (folder / "case.wit" if list(files) == ["case.wit"] else folder), features


def run(path, features, *flags):
    command = ["wasm-tools", "component", "wit", str(path), *flags]
    if features == "*":
        command.append("--all-features")
    elif features:
        command += ["--features", ",".join(features.split())]
    return subprocess.run(command, capture_output=True, text=True)


def reason(result, folder):
    """The first line of the message that says something about the text."""
    text = re.sub(r"failed to [^\n]*?" + re.escape(str(folder)) + r"\S*?(\]|:|\n)", "", result.stderr)
    lines = [re.sub(r"^(\s|error:|\d+:)+", "", line) for line in text.replace(str(folder), "").splitlines()]
    return next((line for line in lines if line and line != "Caused by:"), "")


def item_name(key, item, data):
    if "interface" in item and key.startswith("interface-"):
        interface = data["interfaces"][item["interface"]["id"]]
        package, _, version = data["packages"][interface["package"]]["name"].partition("@")
        return f"{package}/{interface['name']}" + (f"@{version}" if version else "")
    return key


def worlds(output, lines):
    data = json.loads(output)
    text = unescape("\n".join(line for line in lines if not line.startswith("#")))
    text = re.sub(r"//.*|/\*.*?\*/", "", text)
    name = re.sub(r"[\s%]", "", re.search(r"package\b([^;{]*);", text)[1])
    facts = []
    for world in data["worlds"]:
        if data["packages"][world["package"]]["name"] != name:
            continue
        facts.append(f"world {world['name']}")
        for side, word in (("imports", "import"), ("exports", "export")):
            facts += sorted(f"  {word} {item_name(key, item, data)}" for key, item in world[side].items())
    return facts


def measure(lines):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        path, features = write_files(lines, folder)
        text = run(path, features, "--json")
        if text.returncode != 0:
            return ["refused: " + reason(text, folder)]
        binary = run(path, features, "--wasm", "-o", str(folder / "out.wasm"))
        if binary.returncode != 0:
            return ["refused, but only as a binary: " + reason(binary, folder)]
        return ["accepted"] + worlds(text.stdout, lines)


def rewrite(path):
    head, cases = split_cases(path.read_text())
    out = list(head)
    for title, lines in cases:
        lines = [line for line in lines if not line.startswith("#>")]
        while lines and not lines[-1]:
            lines.pop()
        out += [f"## {title}", *lines, *(f"#> {fact}" for fact in measure(lines)), ""]
    path.write_text("\n".join(out).rstrip("\n") + "\n")


def main():
    version = subprocess.run(["wasm-tools", "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("wasm-tools 1.254"):
        sys.exit(f"this is {version.strip()}, the answers are those of wasm-tools 1.254")
    for path in [pathlib.Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.txt")):
        rewrite(path)


if __name__ == "__main__":
    main()
