#!/usr/bin/env python3
"""Builds the test guest: C, compiled by clang for wasm32 without a library, within the component of world.wat.

    build.py FOLDER [FEATURE…]      prints the path of the component (text) in FOLDER

Needs clang, lld and wabt. Does nothing where the file is newer than its sources. Features: informational; command, for a
program that exports `run` too. From Python, other programs than behaviours.c can be built.
"""
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ("program.h", "wasi.h", "world.wat", "build.py")
FLAGS = ["--target=wasm32", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-fno-builtin-memcmp",
         "-mbulk-memory", "-Wl,--no-entry,--import-memory,--stack-first,-z,stack-size=65536,--strip-all"]
IMPORT = re.compile(r'\(import "([^"]+)" "([^"]+)"')
INSTANCE = re.compile(r'\(import "([^"@]+)@[^"]*" \(instance (\$[\w-]+)')
RESOURCE = re.compile(r'\(alias export \$[\w-]+ "([\w-]+)" \(type (\$[\w-]+)\)\)')


class Missing(Exception):
    """A tool is not installed."""


def find(*names):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Missing("%s is not installed" % names[0])


def compile_program(folder, name, features):
    """The program as text: one core module, named $Program."""
    clang, wasm2wat = find("clang", "clang-14"), find("wasm2wat")
    find("wasm-ld", "wasm-ld-14")
    module = folder / (name + ".wasm")
    subprocess.run([clang, *FLAGS, *("-D" + feature.upper() for feature in features), "-o", module,
                    HERE / (name + ".c")], check=True)
    text = subprocess.run([wasm2wat, "--enable-all", module], check=True, stdout=subprocess.PIPE, text=True).stdout
    return text.replace("(module", "(core module $Program", 1)


def lower(template, program):
    """The definitions of what the program imports, and the arguments that it is instantiated with."""
    instances = dict(INSTANCE.findall(template))
    resources = dict(RESOURCE.findall(template))
    lowered, arguments = [], {}
    for module, name in IMPORT.findall(program):
        if module in ("env", "memory"):
            continue
        core = "$%s/%s" % (module.replace(":", "/"), re.sub(r"[\[\].]", "_", name))
        dropped = re.fullmatch(r"\[resource-drop\](.*)", name)
        if dropped:
            lowered.append("(core func %s (canon resource.drop %s))" % (core, resources[dropped[1]]))
        else:
            lowered.append('(core func %s (canon lower (func %s "%s") (memory $mem) (realloc $realloc)))'
                           % (core, instances[module], name))
        arguments.setdefault(module, []).append('(export "%s" (func %s))' % (name, core))
    return lowered, ['(with "%s" (instance %s))' % (module, " ".join(exports)) for module, exports in arguments.items()]


def build(folder, features=(), name="behaviours"):
    """The path of the component in `folder`. Raises Missing."""
    folder = pathlib.Path(folder)
    out = folder / ("%s%s.wat" % (name, "".join("-" + feature for feature in features)))
    sources = SOURCES + (name + ".c",)
    if out.exists() and out.stat().st_mtime > max((HERE / source).stat().st_mtime for source in sources):
        return out
    folder.mkdir(parents=True, exist_ok=True)
    template = "".join(line for line in (HERE / "world.wat").read_text().splitlines(True)
                       if not re.search(r"\)\s*;; (?!%s$)\w+$" % "$|".join(features), line))
    program = compile_program(folder, name, features)
    lowered, arguments = lower(template, program)
    text = template.replace("PROGRAM\n", program, 1).replace("LOWERED\n", "\n  ".join(lowered) + "\n", 1)
    temporary = out.with_suffix(".tmp")
    temporary.write_text(text.replace("ARGUMENTS", "\n    ".join(arguments), 1))
    temporary.replace(out)
    return out


if __name__ == "__main__":
    try:
        print(build(sys.argv[1], sys.argv[2:]))
    except Missing as why:
        sys.exit(str(why))
