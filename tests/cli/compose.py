#!/usr/bin/env python3
"""Tests of tenon compose as a command; tests/wac has the cases of compositions.

    tests/cli/compose.py TENON [NAME…]

Each test is a sentence about behaviour. The last line is "N passed, N failed, N skipped".
"""
import os
import pathlib
import pty
import subprocess
import sys

import run

USAGE, IO, LOAD, LINK = 112, 113, 114, 116
COMPONENTS = pathlib.Path(__file__).parent.parent / "wac" / "components"
ADDER, ADDS, WRONG = (COMPONENTS / (name + ".wat") for name in ("adder", "adds", "adder-wrong"))
DOCUMENT = """package my:app;
let adder = new docs:adder {};
export new docs:adds { add: adder.add }.run;
"""
RECORD = """package my:app;
export new p:q {}.shapes.origin;
"""


class Case(run.Case):
    def compose(self, *arguments, **more):
        return self.tenon("compose", *arguments, **more)

    def documents(self, text=DOCUMENT):
        return self.write("app.wac", text)

    def expect_42(self, file):
        self.expect(self.tenon("run", "--invoke", "run()", file), 0, "42\n", "")


class Compose(Case):
    def test_a_plugged_component_runs(self):
        whole = self.folder / "whole.wasm"
        self.expect(self.compose("--plug", ADDER, ADDS, "-o", whole), 0, "", "")
        self.expect_42(whole)

    def test_a_plug_that_nothing_imports_is_warned_of(self):
        whole = self.folder / "whole.wasm"
        hello = COMPONENTS.parent.parent.parent / "examples" / "hello.wat"
        done = self.expect(self.compose("--plug", ADDER, "--plug", hello, ADDS, "-o", whole), 0, "")
        self.assertIn("warning: nothing that --plug %s exports" % hello, done.err)
        self.expect_42(whole)

    def test_a_document_runs_with_packages_by_option(self):
        whole = self.folder / "whole.wasm"
        self.expect(self.compose(self.documents(), "--dep", "docs:adder=%s" % ADDER, "-d", "docs:adds=%s" % ADDS,
                                 "--output", whole), 0, "", "")
        self.expect_42(whole)

    def test_a_document_runs_with_packages_of_a_folder(self):
        folder = self.folder / "parts" / "docs"
        folder.mkdir(parents=True)
        for file in (ADDER, ADDS):
            (folder / file.name).write_bytes(file.read_bytes())
        whole = self.folder / "whole.wasm"
        self.expect(self.compose(self.documents(), "--deps-dir", folder.parent, "-o", whole), 0, "", "")
        self.expect_42(whole)

    def test_without_output_it_is_written_to_standard_output(self):
        done = subprocess.run([run.TENON, "compose", "--plug", str(ADDER), str(ADDS)], stdout=subprocess.PIPE,
                              env=self.environment, check=True)
        self.assertEqual(done.stdout[:8], b"\0asm\x0d\0\1\0")

    def test_a_terminal_gets_no_component(self):
        master, terminal = pty.openpty()
        done = subprocess.run([run.TENON, "compose", "--plug", str(ADDER), str(ADDS)], stdout=terminal,
                              stderr=subprocess.PIPE, env=self.environment, check=False)
        os.close(terminal)
        os.close(master)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"-o FILE", done.stderr)

    def test_the_same_input_makes_the_same_file(self):
        files = [self.folder / name for name in ("one.wasm", "two.wasm")]
        for file in files:
            self.expect(self.compose("--plug", ADDER, ADDS, "-o", file), 0)
        self.assertEqual(files[0].read_bytes(), files[1].read_bytes())

    def test_what_is_composed_can_be_composed_again(self):
        inner, whole = self.folder / "inner.wasm", self.folder / "whole.wasm"
        self.expect(self.compose("--plug", COMPONENTS / "answer.wat", COMPONENTS / "double.wat", "-o", inner), 0)
        self.expect(self.compose("--plug", inner, COMPONENTS / "double.wat", "-o", whole), 0)
        self.expect(self.tenon("run", "--invoke", "answer()", whole), 0, "168\n", "")

    def test_a_mistake_is_shown_where_it_is(self):
        text = DOCUMENT.replace("adder.add", "adder.sub")
        file = self.documents(text)
        self.expect(self.compose(file, "--dep", "docs:adder=%s" % ADDER, "--dep", "docs:adds=%s" % ADDS), LOAD, "", [
            "app.wac:3:35: the instance has no export `sub`",
            "    export new docs:adds { add: adder.sub }.run;\n" + " " * 38 + "^"])

    def test_a_type_that_does_not_fit_is_shown_with_both_signatures(self):
        done = self.compose(self.documents(), "--dep", "docs:adder=%s" % WRONG, "--dep", "docs:adds=%s" % ADDS)
        self.expect(done, LINK, "", [
            "app.wac:3:24: what is given for `docs:adder/add@0.1.0` does not fit",
            "parameter `y`: expected u32, given u64",
            "expected func(x: u32, y: u32) -> u32, given func(x: u32, y: u64) -> u32"])
        self.expect(self.compose("--plug", WRONG, ADDS), LINK, "", "parameter `y`: expected u32, given u64")

    def test_a_package_that_is_missing_names_where_it_could_be(self):
        self.expect(self.compose(self.documents()), IO, "", ["app.wac:2:17: package `docs:adder` is not there",
                                                              "deps/docs/adder.wasm", "--dep docs:adder=FILE"])

    def test_a_file_that_is_missing_is_named(self):
        self.expect(self.compose("absent.wac"), IO, "", "absent.wac")
        self.expect(self.compose("--plug", "absent.wasm", ADDS), IO, "", "absent.wasm")
        self.expect(self.compose("--plug", ADDER, "/nowhere/a.wasm"), IO, "", "/nowhere/a.wasm")

    def test_no_validate_writes_what_is_not_valid(self):
        options = (self.documents(RECORD), "--dep", "p:q=%s" % (COMPONENTS / "record-maker.wat"))
        whole = self.folder / "whole.wasm"
        self.expect(self.compose(*options, "-o", whole), LOAD, "", [
            "app.wac:2:8: what was composed is not a valid component: export `origin`: func not valid to be used as export\n",
            "    export new p:q {}.shapes.origin;\n" + " " * 11 + "^\n",
            "hint: it mentions a type that has no name outside: export the interface that the type is of, too"])
        self.assertFalse(whole.exists())
        self.expect(self.compose(*options, "--no-validate", "-o", whole), 0, "", "")
        self.expect(self.tenon("inspect", whole), LOAD, "", "")

    def test_what_makes_the_whole_invalid_is_shown_where_it_is(self):
        option = "p:q=%s" % (COMPONENTS / "record-maker.wat")
        for text, place, cause in (
                ("record p { x: u32 }\nimport f: func(a: p);", "3:8", "import `f`: func not valid to be used as import"),
                ("record p { x: u32 }\nimport f as g: func(a: p);", "3:13", "import `g`: func not valid to be used as import"),
                ("let x = new p:q {};\nexport x.shapes.origin as o;", "3:27", "export `o`: func not valid to be used as export"),
                ("export new p:q {}.shapes...;", "2:8", "export `origin`: func not valid to be used as export")):
            with self.subTest(text=text):
                source = self.documents("package my:app;\n%s\n" % text)
                line = text.splitlines()[int(place[0]) - 2]
                self.expect(self.compose(source, "--dep", option, "-o", self.folder / "whole.wasm"), LOAD, "", [
                    "app.wac:%s: what was composed is not a valid component: %s\n" % (place, cause),
                    "    %s\n%s^\n" % (line, " " * (3 + int(place[2:]))), "hint: it mentions a type"])

    def test_one_file_is_read_from_standard_input(self):
        whole = self.folder / "whole.wasm"
        dependencies = ["--dep", "docs:adds=%s" % ADDS, "--dep", "docs:adder=%s"]
        for given, arguments in ((ADDER.read_bytes(), ["--plug", "-", ADDS]), (ADDS.read_bytes(), ["--plug", ADDER, "-"]),
                                 (DOCUMENT.encode(), ["-", *dependencies[:3], dependencies[3] % ADDER]),
                                 (ADDER.read_bytes(), [self.documents(), *dependencies[:3], dependencies[3] % "-"])):
            with self.subTest(arguments=arguments):
                self.expect(self.compose(*arguments, "-o", whole, stdin=given), 0, "", "")
                self.expect_42(whole)
                whole.unlink()
        for arguments in (["--plug", "-", "-"], ["--plug", "-", "--plug", "-", ADDS],
                          ["-", "--dep", "docs:adder=-"]):
            self.expect(self.compose(*arguments, "-o", whole), USAGE, "", "only one file can be read from standard input")
        self.assertFalse(whole.exists())

    def test_what_is_no_component_is_told_apart(self):
        compiled, module, text = self.folder / "adder.cwasm", self.folder / "core.wat", self.write("notes.txt", "add")
        self.expect(self.tenon("compile", ADDER, "-o", compiled), 0)
        module.write_text("(module)")
        for file, part in ((compiled, "it is a compiled artifact"), (text, "it is neither a WebAssembly binary nor"),
                           (module, "`tenon new` makes a component of a core module")):
            self.expect(self.compose("--plug", file, ADDS), LOAD, "", part)

    def test_a_resource_that_two_plugs_have_is_explained(self):
        (self.folder / "other.wat").write_text((COMPONENTS / "thing.wat").read_text())
        done = self.compose("--plug", COMPONENTS / "thing.wat", "--plug", "other.wat", COMPONENTS / "thing-user.wat")
        self.expect(done, LINK, "", ["import `my:res/a@0.2.0` is met by two plugs", "hint: each has a resource `r` of its own",
                                     "so that it imports `my:res/a@0.2.0` instead of exporting it"])

    def test_what_does_not_fit_is_shown_with_both_signatures_unless_they_look_the_same(self):
        self.expect(self.compose("--plug", WRONG, ADDS), LINK, "", [
            "function `add`: parameter `y`: expected u32, given u64",
            "hint: expected func(x: u32, y: u32) -> u32, given func(x: u32, y: u64) -> u32"])
        part = """(instance $i
          (type $r (record (field "y" %s)))
          (export "point" (type $p (eq $r)))
          (export "area" (func (param "p" $p))))"""
        have = self.write("have.wat", '(component (import "a:b/other" %s) (export "a:b/i" (instance $i)))' % (part % "f64"))
        done = self.compose("--plug", have, self.write("app.wat", '(component (import "a:b/i" %s))' % (part % "f32")))
        self.expect(done, LINK, "", "function `area`: parameter `p`: record `point`: field `y`: expected f32, given f64")
        self.assertNotIn("expected func", done.err)

    def test_the_name_of_a_package_is_no_instance(self):
        done = self.compose(self.documents("package my:app;\nexport docs:adder;\n"))
        self.expect(done, LOAD, "", ["app.wac:2:8: `docs:adder` is the name of a package", "hint: instances are made of packages: "
                                     "new docs:adder { ... }"])

    def test_what_is_asked_for_must_make_sense(self):
        for arguments, part in (([], "takes one file"), ([ADDS], "not named *.wac"),
                                (["--plug", ADDER, ADDS, ADDS], "takes one file"),
                                ([self.documents(), "--dep", "x"], "names no package and file"),
                                ([self.documents(), "--dep", "=x"], "names no package and file"),
                                (["--plug", ADDER, ADDS, "--deps-dir", "x"], "--plug is not"),
                                (["--plug", ADDER, ADDS, "-i"], "--plug is not")):
            self.expect(self.compose(*arguments), USAGE, "", part)

    def test_a_file_that_cannot_be_written_is_an_error(self):
        self.expect(self.compose("--plug", ADDER, ADDS, "-o", "/nowhere/whole.wasm"), IO, "", "/nowhere/whole.wasm")


def main():
    run.TENON = str(pathlib.Path(sys.argv[1]).resolve())
    return run.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
