#!/usr/bin/env python3
"""Tests of tenon embed, new, strip, unbundle and print as commands.

    tests/cli/componentize.py TENON [NAME…]

Each test is a sentence about behaviour. The last line is "N passed, N failed, N skipped".
"""
import pathlib
import sys

import run

USAGE, MALFORMED, UNSUPPORTED, LINK, NOT_FOUND = 112, 114, 115, 116, 117

WIT = """package test:greeting@1.2.0;
interface names { name: func(number: u32) -> string; }
interface greeter { greet: func(who: string) -> string; }
world plain { export double: func(n: u32) -> u32; }
world shout { export shout: func(text: string) -> string; }
world counter {
  export counters: interface {
    resource counter { constructor(start: u32); next: func() -> u32; }
    sum: func(a: borrow<counter>, b: borrow<counter>) -> u32;
  }
}
world uses { import names; import unused: func(); export first: func() -> string; }
world old-things { import names; export ready: func() -> u32; }
world nothing { }
world later { import go: async func(n: u32) -> string; export work: async func(in: stream<u8>) -> string; }
world many { import a: func(); import b: func(); export greeter; }
"""

DOUBLE = """(module
  (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))"""

# Gives a string back with "!" behind it, in the memory that realloc hands out one piece after the other.
MEMORY = """
  (memory (export "memory") 3)
  (global $next (mut i32) (i32.const 1024))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))"""
SHOUT = """(module %s
  (global $started (mut i32) (i32.const 63))
  (func (export "_initialize") (global.set $started (i32.const 33)))
  (func (export "shout") (param $at i32) (param $size i32) (result i32)
    (local $to i32)
    (local.set $to (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $size) (i32.const 1))))
    (memory.copy (local.get $to) (local.get $at) (local.get $size))
    (i32.store8 (i32.add (local.get $to) (local.get $size)) (global.get $started))
    (i32.store (i32.const 16) (local.get $to))
    (i32.store (i32.const 20) (i32.add (local.get $size) (i32.const 1)))
    (i32.const 16))
  (func (export "cabi_post_shout") (param i32)))""" % MEMORY

COUNTER = """(module
  (import "[export]counters" "[resource-new]counter" (func $new (param i32) (result i32)))
  (import "[export]counters" "[resource-drop]counter" (func $drop (param i32)))
  %s
  (func (export "counters#[constructor]counter") (param i32) (result i32)
    (local $at i32)
    (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4)))
    (i32.store (local.get $at) (local.get 0))
    (call $new (local.get $at)))
  (func (export "counters#[method]counter.next") (param i32) (result i32)
    (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
    (i32.load (local.get 0)))
  (func (export "counters#sum") (param i32 i32) (result i32)
    (i32.add (i32.load (local.get 0)) (i32.load (local.get 1))))
  (func (export "counters#[dtor]counter") (param i32)))""" % MEMORY

USES = """(module
  (import "test:greeting/names@1.0.0" "name" (func $name (param i32 i32))) %s
  (func (export "first") (result i32) (call $name (i32.const 7) (i32.const 32)) (i32.const 32)))""" % MEMORY

# The names that the standard scheme has for the same.
STANDARD = {"memory": "cm32p2_memory", "cabi_realloc": "cm32p2_realloc", "_initialize": "cm32p2_initialize",
            "shout": "cm32p2||shout", "cabi_post_shout": "cm32p2||shout_post", "first": "cm32p2||first",
            "test:greeting/names@1.0.0": "cm32p2|test:greeting/names@1",
            "[export]counters": "cm32p2|_ex_counters", "[resource-new]counter": "counter_new",
            "[resource-drop]counter": "counter_drop", "counters#[dtor]counter": "cm32p2|counters|counter_dtor",
            "counters#[constructor]counter": "cm32p2|counters|[constructor]counter",
            "counters#[method]counter.next": "cm32p2|counters|[method]counter.next", "counters#sum": "cm32p2|counters|sum"}

# Every built-in that belongs to no function, with what it is in the component.
BUILT_INS = [
    ("waitable-set-new", "(result i32)", "waitable-set.new"), ("waitable-set-drop", "(param i32)", "waitable-set.drop"),
    ("waitable-set-wait", "(param i32 i32) (result i32)", "waitable-set.wait"),
    ("waitable-set-poll", "(param i32 i32) (result i32)", "waitable-set.poll"),
    ("waitable-set-wait-i32", "(param i32 i32) (result i32)", "waitable-set.wait"),
    ("waitable-join", "(param i32 i32)", "waitable.join"), ("subtask-drop", "(param i32)", "subtask.drop"),
    ("subtask-cancel", "(param i32) (result i32)", "subtask.cancel"), ("task-cancel", "", "task.cancel"),
    ("backpressure-inc", "", "backpressure.inc"), ("backpressure-dec", "", "backpressure.dec"),
    ("context-get-0", "(result i32)", "context.get i32 0"), ("context-set-1", "(param i32)", "context.set i32 1"),
    ("context-get-i32-1", "(result i32)", "context.get i32 1"), ("thread-index", "(result i32)", "thread.index"),
    ("thread-new-indirect-v0", "(param i32 i32) (result i32)", "thread.new-indirect"),
    ("thread-resume-later", "(param i32)", "thread.resume-later"), ("thread-yield", "(result i32)", "thread.yield"),
    ("thread-suspend", "(result i32)", "thread.suspend"),
    ("thread-suspend-then-resume", "(param i32) (result i32)", "thread.suspend-then-resume"),
    ("thread-yield-then-resume", "(param i32) (result i32)", "thread.yield-then-resume"),
    ("thread-suspend-then-promote", "(param i32) (result i32)", "thread.suspend-then-promote"),
    ("thread-yield-then-promote", "(param i32) (result i32)", "thread.yield-then-promote"),
    ("error-context-new-utf8", "(param i32 i32) (result i32)", "error-context.new"),
    ("error-context-new-utf16", "(param i32 i32) (result i32)", "string-encoding=utf16"),
    ("error-context-new-latin1+utf16", "(param i32 i32) (result i32)", "string-encoding=latin1+utf16"),
    ("error-context-debug-message-utf8", "(param i32 i32)", "error-context.debug-message"),
    ("error-context-drop", "(param i32)", "error-context.drop"),
    ("future-new-unit", "(result i64)", "future.new"), ("future-read-unit", "(param i32 i32) (result i32)", "future.read"),
    ("stream-new-unit", "(result i64)", "stream.new"),
    ("stream-write-unit", "(param i32 i32 i32) (result i32)", "stream.write")]

# A program of an older interface, and the adapter between the two: "old" "ready" asks for a name and says how long it is.
OLD = """(module
  (import "old" "ready" (func $ready (result i32))) %s
  (func (export "ready") (result i32) (call $ready)))""" % MEMORY
ADAPTER = """(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "test:greeting/names@1.2.0" "name" (func $name (param i32 i32)))
  (import "$root" "never" (func $never))
  (global $__stack_pointer (mut i32) (i32.const 0))
  (global $allocation_state (mut i32) (i32.const 0))
  (func (export "cabi_import_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.sub (global.get $__stack_pointer) (i32.const 1024)))
  (func (export "ready") (result i32)
    (local $at i32)
    (local.set $at (i32.sub (global.get $__stack_pointer) (i32.const 16)))
    (call $name (i32.const 9) (local.get $at))
    (i32.load offset=4 (local.get $at)))
  (func (export "unready") (call $never)))"""
ADAPTED_WIT = "package test:adapter; world w { import test:greeting/names@1.2.0; import never: func(); }\n"

# A component that has "test:greeting/names@1.2.0": the name of number n is n times the letter x.
NAMES = """(component
  (core module $m %s
    (func (export "name") (param $n i32) (result i32)
      (memory.fill (i32.const 4096) (i32.const 120) (local.get $n))
      (i32.store (i32.const 16) (i32.const 4096))
      (i32.store (i32.const 20) (local.get $n))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func $name (param "number" u32) (result string)
    (canon lift (core func $i "name") (memory $i "memory") (realloc (func $i "cabi_realloc"))))
  (instance $names (export "name" (func $name)))
  (export "test:greeting/names@1.2.0" (instance $names)))""" % MEMORY


class Case(run.Case):
    def expect_parts(self, done, parts):
        """What is printed has these parts, and nothing went wrong."""
        self.expect(done, 0)
        for part in [parts] if isinstance(parts, str) else parts:
            self.assertIn(part, done.out)
        return done

    def wit(self):
        return self.write("world.wit", WIT)

    def embed(self, text, world, name="module"):
        file = self.folder / (name + ".wasm")
        self.expect(self.tenon("embed", self.wit(), self.write(name + ".wat", text), "--world", world, "-o", file), 0, "", "")
        return file

    def make(self, text, world, *arguments):
        file = self.folder / "component.wasm"
        self.expect(self.tenon("new", self.embed(text, world), "-o", file, *arguments), 0, "", "")
        return file

    def make_standard(self, text, world):
        """The same module, with the standard scheme's names and no others."""
        for name, standard in STANDARD.items():
            text = text.replace('"%s"' % name, '"%s"' % standard)
        return self.make(text, world, "--reject-legacy-names")

    def adapter(self):
        folder = self.folder / "adapter-wit"
        (folder / "deps").mkdir(parents=True, exist_ok=True)
        (folder / "world.wit").write_text(ADAPTED_WIT, encoding="utf-8")
        (folder / "deps" / "greeting.wit").write_text(WIT, encoding="utf-8")
        file = self.folder / "old.adapter.wasm"
        self.expect(self.tenon("embed", folder, self.write("adapter.wat", ADAPTER), "-o", file), 0, "", "")
        return file


class Making(Case):
    def test_a_world_that_was_embedded_twice_counts_once(self):
        once, twice, component = self.embed(DOUBLE, "plain"), self.folder / "twice.wasm", self.folder / "component.wasm"
        self.expect(self.tenon("embed", self.wit(), once, "--world", "plain", "-o", twice), 0, "", "")
        self.assertEqual(twice.read_bytes().count(b"component-type"), 2)
        self.expect(self.tenon("new", twice, "-o", component), 0, "", "")
        self.expect(self.tenon("run", "--invoke", "double(21)", component), 0, "42\n", "")

    def test_numbers_go_through_a_component_that_was_made(self):
        component = self.make(DOUBLE, "plain")
        self.expect(self.tenon("run", "--invoke", "double(21)", component), 0, "42\n", "")

    def test_strings_go_through_and_initialize_runs_before(self):
        component = self.make(SHOUT, "shout")
        self.expect(self.tenon("run", "--invoke", 'shout("hi")', component), 0, '"hi!"\n', "")

    def test_imports_of_a_compatible_version_are_met_and_unused_ones_left_out(self):
        component = self.make(USES, "uses")
        shown = self.tenon("wit", component)
        self.expect_parts(shown, "import test:greeting/names@1.2.0;")
        self.assertNotIn("unused", shown.out)
        self.expect(self.tenon("run", "--invoke", "first()", "--link", self.write("names.wat", NAMES), component), 0,
                    '"xxxxxxx"\n', "")

    def test_an_exported_resource_has_its_functions(self):
        component = self.make(COUNTER, "counter")
        self.expect_parts(self.tenon("wit", component), ["resource counter {", "sum: func(a: borrow<counter>"])

    def test_core_names_may_be_those_of_the_standard_scheme(self):
        component = self.make_standard(SHOUT, "shout")
        self.expect(self.tenon("run", "--invoke", 'shout("hi")', component), 0, '"hi!"\n', "")
        component = self.make_standard(USES, "uses")
        self.expect(self.tenon("run", "--invoke", "first()", "--link", self.write("names.wat", NAMES), component), 0,
                    '"xxxxxxx"\n', "")
        self.make_standard(COUNTER, "counter")

    def test_every_built_in_can_be_imported(self):
        for name, type_, shown in BUILT_INS:
            text = """(module (import "%s$root" "[%s]" (func %s)) %s
              (table (export "__indirect_function_table") 1 1 funcref))""" % (
                "[export]" if name == "task-cancel" else "", name, type_, MEMORY)
            component = self.make(text, "nothing")
            self.expect_parts(self.tenon("print", component), "canon " + shown if "=" not in shown else shown)

    def test_cancellable_and_asynchronous_forms_are_told_from_their_prefixes(self):
        for name, type_, shown in (("[cancellable][thread-yield]", "(result i32)", "thread.yield cancellable"),
                                   ("[cancellable][thread-suspend]", "(result i32)", "thread.suspend cancellable"),
                                   ("[async-lower][subtask-cancel]", "(param i32) (result i32)", "subtask.cancel async"),
                                   ("[async-lower][stream-read-unit]", "(param i32 i32 i32) (result i32)", "async")):
            component = self.make('(module (import "$root" "%s" (func %s)) %s)' % (name, type_, MEMORY), "nothing")
            self.expect_parts(self.tenon("print", component), shown)

    def test_a_dummy_has_the_names_that_are_asked_for(self):
        module = self.folder / "dummy.wasm"
        for arguments, there, absent in ((("--dummy",), b"cm32p2||shout_post", b"cabi_post_shout"),
                                         (("--dummy-names", "standard32"), b"cm32p2_realloc", b"cabi_realloc"),
                                         (("--dummy-names", "legacy"), b"cabi_post_shout", b"cm32p2")):
            self.expect(self.tenon("embed", self.wit(), "-w", "shout", *arguments, "-o", module), 0, "", "")
            self.assertIn(there, module.read_bytes())
            self.assertNotIn(absent, module.read_bytes())

    def test_a_dummy_lowers_and_lifts_asynchronously(self):
        module, component = self.folder / "dummy.wasm", self.folder / "component.wasm"
        for option, there in (("--async-callback", [b"[callback][async-lift]work", b"[async-lower][stream-read-0]work"]),
                              ("--async-stackful", [b"[async-lift-stackful]work", b"[async-lower]go", b"[task-return]work"])):
            self.expect(self.tenon("embed", self.wit(), "-w", "later", "--dummy-names", "legacy", option, "-o", module), 0, "", "")
            for part in there:
                self.assertIn(part, module.read_bytes())
            self.expect(self.tenon("new", module, "-o", component), 0, "", "")
            self.expect_parts(self.tenon("wit", "targets", component, self.wit(), "--world", "later"), "fits")

    def test_an_adapter_stands_before_an_interface_of_its_name(self):
        module = self.embed(USES, "uses")
        stub = self.write("stub.wat", '(module (func (export "name") (param i32 i32)))')
        component = self.folder / "component.wasm"
        self.expect(self.tenon("new", module, "--adapt", "test:greeting/names@1.0.0=%s" % stub, "-o", component), 0, "", "")
        self.assertNotIn("names", self.tenon("wit", component).out)

    def test_an_adapter_stands_between_and_what_it_does_not_need_is_left_out(self):
        component = self.make(OLD, "old-things", "--adapt", self.adapter())
        shown = self.tenon("wit", component)
        self.expect_parts(shown, "import test:greeting/names@1.2.0;")
        self.assertNotIn("never", shown.out)
        self.expect(self.tenon("run", "--invoke", "ready()", "--link", self.write("names.wat", NAMES), component), 0, "9\n", "")

    def test_an_adapter_works_without_the_programs_realloc(self):
        component = self.make(OLD, "old-things", "--realloc-via-memory-grow", "--adapt", "old=%s" % self.adapter())
        self.expect(self.tenon("run", "--invoke", "ready()", "--link", self.write("names.wat", NAMES), component), 0, "9\n", "")

    def test_imports_get_other_names(self):
        component = self.make(USES, "uses", "--import-name", "test:greeting/names@1.2.0=unlocked-dep=<a:b>")
        self.expect_parts(self.tenon("print", component), '(import "unlocked-dep=<a:b>" (instance')

    def test_a_dummy_of_each_world_becomes_a_component(self):
        for world in ("plain", "shout", "counter", "uses", "many"):
            module, component = self.folder / "dummy.wasm", self.folder / "component.wasm"
            self.expect(self.tenon("embed", self.wit(), "-w", world, "--dummy", "-o", module), 0, "", "")
            self.expect(self.tenon("new", module, "-o", component), 0, "", "")
            self.expect_parts(self.tenon("wit", "targets", component, self.wit(), "--world", world), "fits")

    def test_producers_of_the_module_and_of_its_world_come_together(self):
        text = DOUBLE[:-1] + ' (@producers (language "C" "11") (processed-by "cc" "1.2")))'
        component, modules = self.make(text, "plain"), self.folder / "modules"
        self.expect_parts(self.tenon("inspect", component), "producers:\n  processed-by: tenon 0.")
        self.expect_parts(self.tenon("unbundle", "--threshold", "0", component, "--module-dir", modules), "unbundled-module0")
        self.expect_parts(self.tenon("inspect", modules / "unbundled-module0.wasm"),
                          ["language: C 11", "processed-by: cc 1.2", "processed-by: tenon 0."])

    def test_tasks_are_set_up_before_functions_of_the_module_run(self):
        text = """(module
          (global $ready (mut i32) (i32.const 0))
          (func (export "__wasm_init_task") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
          (func (export "__wasm_init_async_task") unreachable)
          (func (export "_initialize") (if (i32.eqz (global.get $ready)) (then unreachable)))
          (func (export "double") (param i32) (result i32) (i32.add (local.get 0) (global.get $ready))))"""
        component = self.make(text, "plain")
        self.expect(self.tenon("run", "--invoke", "double(40)", component), 0, "42\n", "")

    def test_what_is_embedded_is_written_alone_without_a_module(self):
        section, again = self.folder / "section.wasm", self.folder / "again.wasm"
        self.expect(self.tenon("embed", self.wit(), "-w", "plain", "--only-custom", "-o", section), 0, "", "")
        self.expect_parts(self.tenon("print", section), ['(@custom "wit-component-encoding" "\\04\\00")', '(export (;0;) "test:greeting/plain@1.2.0"'])
        self.assertEqual(self.tenon("print", section).out.count("(@producers"), 1)
        self.expect(self.tenon("embed", self.wit(), "-w", "plain", "--only-custom", "absent.wasm", "-o", again), 0, "", "")
        self.assertEqual(section.read_bytes(), again.read_bytes())
        self.assertTrue(self.embed(DOUBLE, "plain").read_bytes().endswith(b"\x0ecomponent-type" + section.read_bytes()))
        for other in ("--dummy", "--wat"):
            self.expect(self.tenon("embed", self.wit(), "-w", "plain", "--only-custom", other, "-o", again), USAGE, "",
                        "--only-custom and %s exclude each other" % other)


class Broken(Case):
    """Files that end too early."""

    def broken(self, name, size):
        whole, file = self.folder / "whole.wasm", self.folder / name
        text = "(module %s)" % MEMORY if name.startswith("module") else "(component (core module %s))" % MEMORY
        self.expect(self.tenon("strip", self.write("whole.wat", text), "-o", whole), 0, "", "")
        file.write_bytes(whole.read_bytes()[:size])
        return file

    def test_each_command_names_the_file_and_the_place(self):
        for name, command in (("component.wasm", ["print"]), ("component.wasm", ["inspect"]), ("component.wasm", ["strip"]),
                              ("component.wasm", ["unbundle"]), ("component.wasm", ["wit"]), ("component.wasm", ["run"]),
                              ("module.wasm", ["print"]), ("module.wasm", ["new"]), ("module.wasm", ["strip"]),
                              ("module.wasm", ["embed", self.wit(), "-w", "plain"]),
                              ("component.wasm", ["compose", "--plug", self.write("plug.wat", "(component)")])):
            for size, place in ((7, "0x"), (40, "0x")):
                with self.subTest(command=command[0], name=name, size=size):
                    file = self.broken(name, size)
                    done = self.expect(self.tenon(*command, file, "-o", self.folder / "out") if command[0] not in ("run", "inspect")
                                       else self.tenon(*command, file), MALFORMED, "")
                    self.assertRegex(done.err, r"%s: .*\(at offset 0x[0-9a-f]+\)" % file.name)

    def test_a_package_of_a_document_is_named_by_its_file(self):
        file = self.broken("component.wasm", 40)
        source = self.write("app.wac", "package a:b;\nlet x = new t:broken {};\n")
        self.expect(self.tenon("compose", source, "--dep", "t:broken=%s" % file), MALFORMED, "", [
            "app.wac:2:13: package `t:broken` cannot be used: %s: " % file, "(at offset 0x", "    let x = new t:broken {};"])

    def test_an_adapter_is_named_by_its_file(self):
        file = self.broken("module.wasm", 40)
        self.expect(self.tenon("new", self.embed(DOUBLE, "plain", "good"), "--adapt", "old=%s" % file, "-o", self.folder / "c.wasm"), MALFORMED, "",
                    ["good.wasm: while making a component: adapter 'old' (%s): " % file, "(at offset 0x"])

    def test_an_empty_file_is_said_to_be_empty(self):
        for command in (["print"], ["inspect"], ["strip"], ["unbundle"], ["wit"], ["new"], ["embed", self.wit(), "-w", "plain"],
                        ["compose", "--plug", self.write("plug.wat", "(component)")]):
            with self.subTest(command=command[0]):
                done = self.tenon(*command, self.broken("module.wasm", 0))
                self.expect(done, MALFORMED, "", "module.wasm: ")
                self.assertIn("the file is empty", done.err)


class Refusing(Case):
    def test_two_embedded_worlds_of_one_name_have_to_be_equal(self):
        once, other = self.embed(DOUBLE, "plain"), self.write("other.wit", WIT.replace("double: func(n: u32)", "double: func(m: u32)"))
        twice = self.folder / "twice.wasm"
        self.expect(self.tenon("embed", other, once, "--world", "plain", "-o", twice), 0, "", "")
        self.expect(self.tenon("new", twice, "-o", self.folder / "c.wasm"), MALFORMED, "",
                    ["custom section 'component-type' of the module", "world test:greeting/plain@1.2.0, function double, parameter m is only in the second",
                     "hint: both have to be made from the same WIT"])

    def test_a_missing_export_is_named(self):
        self.expect(self.tenon("new", self.embed(DOUBLE, "shout"), "-o", self.folder / "c.wasm"), LINK, "",
                    ["the embedded world exports 'shout', but the module has no function of that name"])

    def test_a_wrong_type_is_shown(self):
        wrong = DOUBLE.replace("(param i32)", "(param i64)").replace("(local.get 0)", "(i32.wrap_i64 (local.get 0))")
        self.expect(self.tenon("new", self.embed(wrong, "plain"), "-o", self.folder / "c.wasm"), LINK, "",
                    "the module exports 'double' with a type that does not fit: expected (i32) -> i32, given (i64) -> i32")

    def test_an_import_that_no_world_has_is_named(self):
        self.expect(self.tenon("new", self.embed(OLD, "old-things"), "-o", self.folder / "c.wasm"), LINK, "",
                    "the module imports 'old' 'ready', but no embedded world imports such an interface")

    def test_a_program_for_preview_1_is_told_of_the_adapter(self):
        text = '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))'
        self.expect(self.tenon("new", self.write("m.wat", text), "-o", self.folder / "c.wasm"), LINK, "",
                    "hint: give it an adapter with --adapt wasi_snapshot_preview1.command.wasm")

    def test_memory_and_realloc_are_asked_for(self):
        text = SHOUT.replace('(export "memory") ', "")
        self.expect(self.tenon("new", self.embed(text, "shout"), "-o", self.folder / "c.wasm"), LINK, "",
                    "the module has to export a memory, as 'memory'")
        text = SHOUT.replace('(export "cabi_realloc") ', "")
        self.expect(self.tenon("new", self.embed(text, "shout"), "-o", self.folder / "c.wasm"), LINK, "",
                    "the module has to export a function 'cabi_realloc'")

    def test_a_built_in_of_another_type_is_refused(self):
        text = '(module (import "$root" "[subtask-drop]" (func (param i64))))'
        self.expect(self.tenon("new", self.embed(text, "nothing"), "-o", self.folder / "c.wasm"), LINK, "",
                    "imports '$root' '[subtask-drop]' with a type that does not fit: expected (i32) -> (), given (i64) -> ()")

    def test_names_that_have_no_meaning_in_the_standard_scheme_are_refused(self):
        for name, why in (("[async-lower]unused", "the embedded world imports no such function"),
                          ("[waitable-set-new]", "the embedded world imports no such function")):
            text = '(module (import "cm32p2" "%s" (func (result i32))))' % name
            self.expect(self.tenon("new", self.embed(text, "uses"), "-o", self.folder / "c.wasm"), LINK, "", why)

    def test_older_names_are_refused_when_that_is_asked_for(self):
        self.expect(self.tenon("new", "--reject-legacy-names", self.embed(SHOUT, "shout"), "-o", self.folder / "c.wasm"), LINK,
                    "", "the embedded world exports 'cm32p2||shout', but the module has no function of that name")
        text = USES.replace('"first"', '"cm32p2||first"')
        self.expect(self.tenon("new", "--reject-legacy-names", self.embed(text, "uses"), "-o", self.folder / "c.wasm"), LINK,
                    "", "names of the older scheme are not to be used")

    def test_standard_names_have_no_asynchronous_forms(self):
        self.expect(self.tenon("embed", self.wit(), "-w", "later", "--dummy", "--async-callback", "-o", self.folder / "d.wasm"),
                    USAGE, "", "hint: --dummy-names legacy")

    def test_a_component_is_no_module(self):
        self.expect(self.tenon("new", self.write("c.wat", "(component)"), "-o", self.folder / "c.wasm"), USAGE, "",
                    "the module is a component already")
        self.expect(self.tenon("embed", self.wit(), self.write("c.wat", "(component)"), "-w", "plain", "-o", self.folder / "c.wasm"),
                    USAGE, "", "this is a component, not a core module")

    def test_a_world_that_is_not_there_is_named(self):
        self.expect(self.tenon("embed", self.wit(), "--dummy", "-w", "absent", "-o", self.folder / "c.wasm"), NOT_FOUND, "",
                    "there is no world 'absent'")


class Finished(Case):
    def test_strip_leaves_custom_sections_out(self):
        text = '(component (core module (@custom "note" "hidden") (@custom "name" "\\00\\02\\01m")))'
        file, stripped = self.write("c.wat", text), self.folder / "stripped.wasm"
        self.expect(self.tenon("strip", file, "-o", stripped), 0, "", "")
        self.assertNotIn(b"hidden", stripped.read_bytes())
        self.assertIn(b"name", stripped.read_bytes())
        self.expect(self.tenon("strip", "--all", file, "-o", stripped), 0, "", "")
        self.assertNotIn(b"name", stripped.read_bytes())
        self.expect(self.tenon("strip", "--delete", "^na", file, "-o", stripped), 0, "", "")
        self.assertIn(b"hidden", stripped.read_bytes())
        self.expect(self.tenon("strip", "--delete", "(", file, "-o", stripped), USAGE, "", "'(' is no regular expression")

    def test_strip_leaves_out_what_parts_of_a_component_are_called(self):
        file, stripped = self.write("c.wat", "(component $whole (core module $part (func $f)))"), self.folder / "stripped.wasm"
        self.expect(self.tenon("strip", "--delete", "nothing", file, "-o", stripped), 0, "", "")
        self.assertIn(b"component-name", stripped.read_bytes())
        self.expect(self.tenon("strip", file, "-o", stripped), 0, "", "")
        self.assertNotIn(b"component-name", stripped.read_bytes())
        self.assertIn(b"\x04name", stripped.read_bytes())

    def test_unbundle_takes_core_modules_out_of_nested_components_too(self):
        component = self.make(SHOUT, "shout")
        text = '(component (component $c (core module $m %s) (core instance (instantiate $m))) (instance (instantiate $c)))' % MEMORY
        modules, rest = self.folder / "modules", self.folder / "rest.wasm"
        done = self.tenon("unbundle", "--threshold", "0", self.write("nested.wat", text), "--module-dir", modules, "-o", rest)
        self.expect_parts(done, "unbundled-module0 ")
        self.expect_parts(self.tenon("print", rest), ['(import "unbundled-module0" (core module', "(alias outer 1 0 (core module"])
        self.expect(self.tenon("strip", modules / "unbundled-module0.wasm", "-o", self.folder / "module.wasm"), 0, "", "")
        self.expect(self.tenon("unbundle", "--threshold", "1GiB", component), 0, "", "")

    def test_unbundle_takes_each_of_several_equal_modules(self):
        same = '(core module (func (export "f") (result i32) i32.const 1))'
        text = """(component %s (component $n %s (core module (func (export "g") (result i32) i32.const 1))
          (core instance (instantiate 0))) %s (instance (instantiate $n)) (core instance (instantiate 0))
          (core instance (instantiate 1)))""" % (same, same, same)
        modules, rest = self.folder / "modules", self.folder / "rest.wasm"
        done = self.tenon("unbundle", "--threshold", "0", self.write("same.wat", text), "--module-dir", modules, "-o", rest)
        self.expect(done, 0, "".join("unbundled-module%u 34\n" % index for index in range(4)), "")
        self.expect(self.tenon("unbundle", "--threshold", "34", self.folder / "same.wat"), 0, "", "")
        self.expect_parts(self.tenon("unbundle", "--threshold", "33", self.folder / "same.wat"), "unbundled-module3 34\n")
        contents = [(modules / ("unbundled-module%u.wasm" % index)).read_bytes() for index in range(4)]
        self.assertEqual([contents[0] == other for other in contents], [True, True, False, True])
        self.expect_parts(self.tenon("print", rest), ['(import "unbundled-module3" (core module', "(alias outer 1 1 (core module",
                                                      "(alias outer 1 2 (core module"])
        self.expect(self.tenon("inspect", rest), 0)

    def test_unbundle_renumbers_the_core_types_of_a_component(self):
        text = """(component
          (core type $start (func (param i32)))
          (core type $needed (module (export "f" (func))))
          (import "other" (core module $other (type $needed)))
          (core module $m (table (export "t") 1 funcref) (memory 1) (func (export "f")))
          (core instance $i (instantiate $m))
          (alias core export $i "t" (core table $t))
          (core func (canon thread.new-indirect $start (table $t)))
          (component $c (alias outer 1 $needed (core type $again)) (import "more" (core module (type $again)))))"""
        rest = self.folder / "rest.wasm"
        done = self.tenon("unbundle", "--threshold", "0", self.write("typed.wat", text), "-o", rest)
        self.expect_parts(done, "unbundled-module0 ")
        self.expect_parts(self.tenon("print", rest), ['(import "unbundled-module0" (core module', '(import "other" (core module',
                          "thread.new-indirect", "(alias outer 1 2 (core type"])
        self.expect_parts(self.tenon("inspect", rest), "rest.wasm: component")

    def test_unbundle_refuses_types_that_are_made_of_core_types(self):
        text = """(component (core type $f (func)) (core type (module (alias outer 1 $f (type $g)) (import "a" "b" (func (type $g)))))
          (core module (func)))"""
        self.expect(self.tenon("unbundle", "--threshold", "0", self.write("typed.wat", text)), UNSUPPORTED, "",
                    "types are made of other core types")

    # ---- print ----

    def test_print_shows_the_whole_component(self):
        component = self.make(SHOUT, "shout")
        self.expect_parts(self.tenon("print", component), [
            "(component\n", '(type (;0;) (func (param "text" string) (result string)))',
            '(export "cabi_realloc" (func $realloc))', "      memory.copy\n",
            "string-encoding=utf8 (post-return 3)", '(export (;1;) "shout" (func 0))'])

    def test_what_is_printed_reads_back_as_the_same_file(self):
        component = self.make(COUNTER, "counter")
        text = self.write("component.wat", self.tenon("print", component).out)
        again, before = self.folder / "again.wasm", self.folder / "before.wasm"
        self.expect(self.tenon("strip", "--all", text, "-o", again), 0, "", "")
        self.expect(self.tenon("strip", "--all", component, "-o", before), 0, "", "")
        self.assertEqual(again.read_bytes(), before.read_bytes())

    def test_print_shows_core_modules_as_well(self):
        module = self.write("m.wat", '(module $"a b" (func $f (param $x i32) (result i32) local.get $x) (data "z\\00"))')
        self.expect(self.tenon("print", module), 0, """(module $"a b"
  (type (;0;) (func (param i32) (result i32)))
  (func $f (;0;) (type 0) (param $x i32) (result i32)
    local.get $x
  )
  (data (;0;) "z\\00")
)
""", "")
        self.expect(self.tenon("print", "--skeleton", module), 0, """(module $"a b"
  (type (;0;) (func (param i32) (result i32)))
  (func $f (;0;) (type 0) (param $x i32) (result i32) ...)
  (data (;0;) ...)
)
""", "")
        self.expect(self.tenon("print", "-p", module), 0, """(module $"a b"
(;@b     ;)  (type (;0;) (func (param i32) (result i32)))
(;@18    ;)  (func $f (;0;) (type 0) (param $x i32) (result i32)
(;@19    ;)    local.get $x
(;@1b    ;)  )
(;@1f    ;)  (data (;0;) "z\\00")
(;@3e    ;))
""", "")

    def test_text_goes_to_a_file_if_all_of_it_is_there(self):
        module, broken = self.write("m.wat", "(module)"), self.folder / "broken.wasm"
        target = self.folder / "m.txt"
        self.expect(self.tenon("print", module, "-o", target), 0, "", "")
        self.assertEqual(target.read_text(), "(module)\n")
        broken.write_bytes(b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\xff")
        self.expect(self.tenon("print", broken, "-o", target), MALFORMED, "", "illegal opcode: 0xff (at offset 0x17)")
        self.assertEqual(target.read_text(), "(module)\n")

    def test_results_are_text_when_asked_for(self):
        embedded = self.embed(SHOUT, "shout")
        component = self.make(SHOUT, "shout")
        self.assertEqual(self.tenon("new", embedded, "-t").out, self.tenon("print", component).out)
        source = self.write("same.wac", 'package a:b; let c = new x:y { ... }; export c...;')
        self.expect_parts(self.tenon("compose", source, "-d", "x:y=%s" % component, "--wat"), ["(component\n", "memory.copy"])


def main():
    run.TENON = str(pathlib.Path(sys.argv[1]).resolve())
    return run.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
