#!/usr/bin/env python3
"""Tests of tenon wit as a command; tests/wit has the cases of the language.

    tests/cli/wit.py TENON [NAME…]

Each test is a sentence about behaviour. The last line is "N passed, N failed, N skipped".
"""
import json
import pathlib
import sys

import run

FAILED, USAGE, IO, LOAD, LIMIT = 1, 112, 113, 114, 120
KV = """package docs:kv@0.1.0;

/// What is stored.
interface types {
  record entry {
    key: string,
    value: list<u8>,
  }
}

interface store {
  use types.{entry};

  get: func(key: string) -> option<entry>;

  @unstable(feature = scan)
  all: func() -> list<entry>;
}

world app {
  import types;
  import store;

  export run: func() -> u8;
}
"""
KV_NEXT = """package docs:kv@0.1.5;
interface types { record entry { key: string, value: list<u8> } }
interface store { use types.{entry}; get: func(key: string) -> option<entry>; put: func(e: entry); }
world app { import store; export run: func() -> u8; }
"""
COMPONENT = """(component
  (import "docs:kv/types@0.1.3" (instance $t
    (type $e' (record (field "key" string) (field "value" (list u8)))) (export "entry" (type (eq $e')))))
  (import "log" (func (param "text" string)))
  (core module $m (func (export "run") (result i32) i32.const 1))
  (core instance $i (instantiate $m))
  (func $run (result u8) (canon lift (core func $i "run")))
  (export "run" (func $run)))
"""


class Wit(run.Case):
    def wit(self, *arguments, **more):
        return self.tenon("wit", *arguments, **more)

    def package(self, name="kv", text=KV):
        folder = self.folder / name
        folder.mkdir()
        (folder / "package.wit").write_text(text)
        return folder

    def test_a_package_is_printed_as_it_is(self):
        self.expect(self.wit("--features", "scan", self.package()), 0, KV, "")

    def test_features_are_closed_unless_they_are_named(self):
        folder = self.package()
        self.assertNotIn("all:", self.wit(folder).out)
        self.assertNotIn("all:", self.wit("--features", "other,more", folder).out)
        self.assertIn("all:", self.wit("--features", "other, scan", folder).out)
        self.assertIn("all:", self.wit("--all-features", folder).out)

    def test_the_binary_form_says_the_same(self):
        file = self.folder / "kv.wasm"
        self.expect(self.wit("--all-features", "--wasm", "-o", file, self.package()), 0, "", "")
        self.expect(self.wit(file), 0, KV, "")

    def test_a_binary_goes_where_it_is_told_only(self):
        done = self.wit("--wasm", self.package())
        self.expect(done, USAGE)
        self.assertIn("-o FILE", done.err)

    def test_json_has_the_package(self):
        package = json.loads(self.wit("--json", self.package()).out)
        self.assertEqual([i["id"] for i in package["package"]["interfaces"]], ["docs:kv/types@0.1.0", "docs:kv/store@0.1.0"])

    def test_one_world_is_printed_without_the_others(self):
        folder = self.package(text=KV + "world other {}\n")
        done = self.wit("--world", "other", folder)
        self.expect(done, 0)
        self.assertIn("world other", done.out)
        self.assertNotIn("world app", done.out)
        self.expect(self.wit("--world", "none", folder), 117)

    def test_a_component_is_shown_as_a_world(self):
        done = self.wit(self.write("c.wat", COMPONENT))
        self.expect(done, 0)
        self.assertTrue(done.out.startswith("package root:component;\n\nworld root {\n"))
        self.assertIn("  import docs:kv/types@0.1.3;\n", done.out)
        self.assertIn("  export run: func() -> u8;\n", done.out)
        self.assertIn("package docs:kv@0.1.3 {\n", done.out)

    def test_what_is_printed_of_a_component_is_wit(self):
        printed = self.write("printed.wit", self.wit(self.write("c.wat", COMPONENT)).out)
        done = self.wit("check", printed)
        self.expect(done, 0, "%s: ok: package root:component, 0 interfaces, 1 world, 1 dependency\n" % printed, "")

    def test_output_goes_into_a_file(self):
        file = self.folder / "out.wit"
        self.expect(self.wit("--all-features", "-o", file, self.package()), 0, "", "")
        self.assertEqual(file.read_text(), KV)

    def test_check_counts_what_there_is(self):
        folder = self.package()
        self.expect(self.wit("check", folder), 0, "%s: ok: package docs:kv@0.1.0, 2 interfaces, 1 world\n" % folder, "")

    def test_check_says_where_it_is_wrong(self):
        good, bad = self.package(), self.write("bad.wit", "package a:b;\ninterface i {\n  f: func(x: nothing);\n}\n")
        done = self.wit("check", bad, good)
        self.expect(done, LOAD)
        self.assertIn("%s:3:14" % bad, done.err)
        self.assertIn("  f: func(x: nothing);\n", done.err)
        self.assertIn("ok", done.out)

    def test_a_chain_of_interfaces_that_is_too_long_is_shown(self):
        links = "".join("interface i%d { use i%d.{r as s}; record r { a: s } }\n" % (i, i - 1) for i in range(1, 600))
        file = self.write("chain.wit", "package p:q;\ninterface i0 { record r { a: u32 } }\n" + links)
        self.expect(self.wit(file, "--wasm", "-o", self.folder / "out.wasm"), LIMIT, "",
                    ["chain.wit:2:11: interfaces use each other in too long a chain", "    interface i0 { record r"])

    def test_worlds_that_include_too_much_are_shown(self):
        imports = " ".join("import a%d: func();" % i for i in range(1000))
        worlds = "".join("world w%d { include w%d; }\n" % (i, i - 1) for i in range(1, 300))
        file = self.write("many.wit", "package p:q;\nworld w0 { %s }\n%s" % (imports, worlds))
        done = self.expect(self.wit(file), LIMIT, "", ["have more than 262144 imports", "    world w263 { include w262; }\n"])
        self.assertIn("many.wit:265:22: the worlds", done.err)

    def test_diff_of_the_same_exits_with_0(self):
        folder = self.package()
        self.expect(self.wit("diff", folder, folder), 0,
                    "no differences\ncompatible for importers\ncompatible for exporters\n", "")

    def test_diff_says_whom_a_change_breaks(self):
        old, new = self.package(), self.package("next", KV_NEXT)
        self.expect(self.wit("diff", old, new), FAILED,
                    "~ version of the package: 0.1.0 -> 0.1.5\n- interface types, documentation\n"
                    "+ interface store, function put: func(e: entry)  [breaks exporters]\n"
                    "compatible for importers\nbreaking for exporters\n", "")
        self.expect(self.wit("diff", new, old), FAILED,
                    "~ version of the package: 0.1.5 -> 0.1.0\n+ interface types, documentation\n"
                    "- interface store, function put: func(e: entry)  [breaks importers]\n"
                    "breaking for importers\ncompatible for exporters\n", "")

    def test_diff_tells_of_what_changes_no_type(self):
        old = self.package()
        new = self.package("next", KV.replace("@0.1.0", "@0.1.1").replace("What is stored.", "What is kept."))
        self.expect(self.wit("diff", old, new), 0, "~ version of the package: 0.1.0 -> 0.1.1\n~ interface types, documentation\n"
                    "compatible for importers\ncompatible for exporters\n", "")
        new = self.package("later", KV.replace("@0.1.0", "@0.2.0").replace("@unstable(feature = scan)", "@since(version = 0.2.0)"))
        self.expect(self.wit("diff", "--features", "scan", old, new), FAILED,
                    "~ version of the package: 0.1.0 -> 0.2.0  [breaks importers and exporters]\n"
                    "+ interface store, function all, @since: 0.2.0\n- interface store, function all, @unstable: scan  [breaks exporters]\n"
                    "breaking for importers\nbreaking for exporters\n", "")

    def test_diff_as_json(self):
        done = self.wit("diff", "--json", self.package(), self.package("next", KV_NEXT))
        self.expect(done, FAILED)
        self.assertEqual(json.loads(done.out), {
            "importers": True, "exporters": False,
            "differences": [{"kind": "changed", "where": "version of the package", "before": "0.1.0", "after": "0.1.5", "breaks": []},
                            {"kind": "removed", "where": "interface types, documentation", "breaks": []},
                            {"kind": "added", "where": "interface store, function put", "after": "func(e: entry)",
                             "breaks": ["exporters"]}]})

    def test_diff_of_components(self):
        old = self.write("old.wat", COMPONENT)
        new = self.write("new.wat", COMPONENT.replace('"text" string', '"text" u8').replace("0.1.3", "0.1.4"))
        self.expect(self.wit("diff", old, new), FAILED,
                    "~ world root, import docs:kv/types@0.1.4: docs:kv/types@0.1.3 -> docs:kv/types@0.1.4\n"
                    "~ world root, function log, parameter text: string -> u8  [breaks importers and exporters]\n"
                    "breaking for importers\nbreaking for exporters\n", "")

    def test_a_component_that_needs_more_than_the_world_does_not_fit(self):
        component = self.write("c.wat", COMPONENT)
        self.expect(self.wit("targets", component, self.package()), FAILED,
                    "world app, import log: the component needs it, the world does not have it "
                    "(func(text: string))\n%s does not fit\n" % component, "")

    def test_a_component_fits_a_world_of_a_compatible_version(self):
        component = self.write("c.wat", COMPONENT)
        folder = self.package(text=KV.replace("import store;", "import log: func(text: string);") + "world other {}\n")
        self.expect(self.wit("targets", component, folder, "--world", "app"), 0, "%s fits\n" % component, "")
        self.expect(self.wit("targets", component, folder), 117)

    def test_a_component_that_imports_what_no_world_has_does_not_fit(self):
        world = self.package(text="package a:b; world w { }")
        for text, word in (("core module", "core module"), ("component", "component")):
            component = self.write("c.wat", '(component (import "m" (%s)))' % text)
            self.expect(self.wit("targets", component, world), FAILED,
                        "world w, import m: the component needs it, the world does not have it (%s)\n%s does not fit\n"
                        % (word, component), "")
        other = self.write("d.wat", "(component)")
        self.expect(self.wit("diff", component, other), FAILED,
                    "- world root, import m: component  [breaks exporters]\ncompatible for importers\nbreaking for exporters\n", "")

    def test_a_world_is_looked_for_in_the_folder_wit(self):
        component = self.write("c.wat", COMPONENT)
        self.package("wit", KV.replace("import store;", "import log: func(text: string);"))
        self.expect(self.wit("targets", component, "docs:kv/app"), 0, "%s fits\n" % component, "")

    def test_what_is_missing_is_told(self):
        component = self.write("c.wat", COMPONENT)
        world = self.package(text="package a:b; world w { export run: func() -> u16; export more: func(); }")
        done = self.wit("targets", component, world)
        self.expect(done, FAILED)
        self.assertIn("world w, function run, result: expected u16, the component has u8\n", done.out)
        self.assertIn("world w, export more: the world asks for it, the component does not have it (func())\n", done.out)

    def test_wrong_use_is_explained(self):
        for arguments in ((), ("a", "b"), ("check",), ("diff", "a"), ("targets", "a"), ("--wasm", "--json", "a")):
            done = self.wit(*arguments)
            self.expect(done, USAGE)
            self.assertIn("error: ", done.err)

    def test_a_file_that_is_not_there_is_named(self):
        done = self.wit(self.folder / "none.wit")
        self.expect(done, IO)
        self.assertIn("none.wit", done.err)


def main():
    run.TENON = str(pathlib.Path(sys.argv[1]).resolve())
    return run.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
