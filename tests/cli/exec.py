#!/usr/bin/env python3
"""Tests of tenon exec: what is denied, what stands in for it, limits, arguments, and proofs that runs are the same.

    tests/cli/exec.py TENON [NAME…]

Each test is a sentence about behaviour. The last line is "N passed, N failed, N skipped".
"""
import base64
import hashlib
import http.server
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest

import run
from run import EXAMPLES, GUESTS

USAGE, LOAD, NOT_FOUND, FUEL, MEMORY, DENIED, TIMEOUT, TRAP = 112, 114, 117, 118, 119, 121, 124, 134
OUTPUT, HANDLES, DIFFERS = 109, 110, 111
SLEEP, CAT, HUNTER, OUTSIDE = (GUESTS / (name + ".wat") for name in ("sleep", "cat", "hunter", "outside"))
FUNCTIONS, ASKING = GUESTS / "functions.wat", GUESTS / "asking.wat"


class Case(run.Case):
    def exec(self, *arguments, **more):
        return self.tenon("exec", *arguments, **more)

    def call(self, function, *arguments, options=(), file=FUNCTIONS):
        return self.exec("--quiet", "--function", function, *options, file, *arguments)

    def expect_result(self, result, function, *arguments, **more):
        self.expect(self.call(function, *arguments, **more), 0, result + "\n", "")

    def json(self, *arguments, code=0, **more):
        done = self.expect(self.exec("--json", *arguments, **more), code)
        return json.loads(done.out)


class Denials(Case):
    def test_a_call_that_needs_a_clock_names_itself_and_the_option(self):
        for function, name in (("wall", "wall-clock"), ("monotonic", "monotonic-clock")):
            self.expect(self.call(function, file=ASKING), DENIED, "",
                        ["`wasi:clocks/%s#now`" % name, "--clock virtual", "--allow-clock"])

    def test_a_call_that_needs_random_numbers_names_itself_and_the_option(self):
        self.expect(self.call("random", file=ASKING), DENIED, "",
                    ["`wasi:random/random#get-random-u64`", "--random seed=", "--allow-random"])
        self.expect(self.call("seed", file=ASKING), DENIED, "", "`wasi:random/insecure-seed#insecure-seed`")

    def test_a_call_that_needs_the_network_names_itself_and_the_option(self):
        self.expect(self.call("network", file=ASKING), DENIED, "",
                    ["`wasi:sockets/instance-network#instance-network`", "--net"])

    def test_modules_of_preview_1_are_denied_the_same(self):
        self.expect(self.exec(SLEEP), DENIED, "", ["`wasi_snapshot_preview1#poll_oneoff`", "--clock virtual"])
        self.expect(self.exec(CAT, "x"), DENIED, "", ["`wasi_snapshot_preview1#path_open`", "--dir"])

    def test_what_is_imported_but_not_called_does_no_harm(self):
        self.expect(self.exec("--quiet", EXAMPLES / "hello.wat"), 0, "Hello from a component. My arguments:\n  hello.wat\n", "")

    def test_waiting_for_a_stream_needs_no_clock(self):
        module = """(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start") (i32.store8 (i32.const 8) (i32.const 2)) (i32.store (i32.const 16) (i32.const 1))
            (call $exit (call $poll (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 1024)))))"""
        self.expect(self.exec("--quiet", self.write("poll.wat", module)), 0, "", "")

    def test_a_module_without_a_memory_is_denied_too(self):
        module = """(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
          (func (export "_start") (drop (call $poll (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)))
            (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0)))))"""
        self.expect(self.exec(self.write("none.wat", module)), DENIED, "", "`wasi_snapshot_preview1#clock_time_get`")

    def test_what_is_real_brings_a_warning(self):
        for options, name in ((["--allow-clock"], "--allow-clock"), (["--allow-random"], "--allow-random"),
                              (["--dir", "."], "--dir"), (["--dir-ro", "."], "--dir"), (["--net", "example.org"], "--net"),
                              (["--http-all"], "--http")):
            done = self.expect(self.exec(*options, EXAMPLES / "hello.wat"), 0)
            self.assertIn("warning: with %s the run depends on" % name, done.err)
        for option in (["--clock", "virtual"], ["--random", "seed=1"], ["--env", "A=b"]):
            self.assertNotIn("warning", self.exec(*option, EXAMPLES / "hello.wat").err)

    def test_a_report_says_whether_the_run_was_deterministic(self):
        self.assertTrue(self.json("--clock", "virtual", SLEEP)["deterministic"])
        self.assertFalse(self.json("--allow-clock", EXAMPLES / "hello.wat")["deterministic"])


class Standins(Case):
    def test_the_virtual_clock_starts_where_it_is_told(self):
        for start, seconds in (("", 315532800), ("=1714564800", 1714564800), ("=2024-05-01T12:00:00Z", 1714564800),
                               ("=2024-05-01T12:00:00.5Z,2s", 1714564800), ("=7,0", 7)):
            self.expect_result(str(seconds), "wall", options=["--clock", "virtual" + start], file=ASKING)

    def test_a_start_or_step_that_is_none_is_refused(self):
        for clock in ("real", "virtual=x", "virtual=2024-02-30T00:00:00Z", "virtual=2024-05-01T12:00:00", "virtual=1,x",
                      "virtually", "virtual=2024-05-01T12:00:00+02:00"):
            self.expect(self.exec("--clock", clock, SLEEP), USAGE, "", "--clock")

    def test_sleeping_takes_no_time(self):
        self.expect(self.exec("--clock", "virtual", "--timeout", "20s", SLEEP), 0)  # the guest sleeps an hour

    def test_the_seed_decides_all_random_numbers(self):
        first = self.call("random", options=["--random", "seed=7"], file=ASKING)
        self.expect(first, 0)
        self.assertEqual(first.out, self.call("random", options=["--random", "seed=7"], file=ASKING).out)
        self.assertNotEqual(first.out, self.call("random", options=["--random", "seed=8"], file=ASKING).out)
        for wrong in ("7", "seed=x", "seed=-1", "seed=18446744073709551616"):
            self.expect(self.exec("--random", wrong, ASKING), USAGE, "",
                        ["is not seed= and a whole number from 0 to 18446744073709551615", "hint: ", "--random seed=7"])

    def test_standard_input_is_read_as_a_whole_and_once(self):
        reader = """(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 4)
          (func (export "_start") (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 200000))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (i32.store (i32.const 4) (i32.load (i32.const 16)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"""
        guest, text = self.write("reader.wat", reader), b"line\n" * 30000  # more than a pipe gives at once
        self.expect(self.exec("--quiet", "--verify=2", guest, stdin=text), 0, text.decode(), "")
        path = self.write("text", text)
        self.expect(self.exec("--quiet", "--stdin", path, guest), 0, text.decode(), "")
        self.expect(self.exec("--stdin", "nothing-there", guest), 113, "", "nothing-there")

    def test_a_guest_that_does_not_read_does_not_wait_for_input(self):
        reader, writer = os.pipe()
        try:
            done = subprocess.run([run.TENON, "exec", str(EXAMPLES / "hello.wat")], stdin=reader, capture_output=True,
                                  env=self.environment, timeout=run.SECONDS, check=False)
        finally:
            os.close(reader), os.close(writer)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_input_that_does_not_end_is_limited_in_time(self):
        reader = """(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (i32.store (i32.const 4) (i32.const 1))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))"""
        guest, (source, drain) = self.write("reader.wat", reader), os.pipe()
        try:
            done = subprocess.run([run.TENON, "exec", "--timeout", "300ms", str(guest)], stdin=source, capture_output=True,
                                  env=self.environment, timeout=run.SECONDS, check=False)
        finally:
            os.close(source), os.close(drain)
        self.assertEqual(done.returncode, TIMEOUT, done.stderr)
        self.assertIn(b"standard input has not ended within 0.300 s", done.stderr)

    def test_a_component_without_a_command_says_how_to_call_it(self):
        self.expect(self.exec(FUNCTIONS), NOT_FOUND, "", "--function")

    def test_files_have_no_times_and_small_numbers(self):
        (self.folder / "d").mkdir()
        (self.folder / "d" / "a").write_text("a")
        options = ["--clock", "virtual", "--random", "seed=1", "--dir", "d::/", HUNTER]
        before = self.json(*options)
        os.utime(self.folder / "d" / "a", (1, 1))
        self.assertEqual(before["stdout_base64"], self.json(*options)["stdout_base64"])


    def test_files_have_the_times_that_the_guest_gives_them(self):
        (self.folder / "d").mkdir()
        (self.folder / "d" / "a").write_text("a")
        guest = """(module
          (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $set (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_filestat_get" (func $get (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (data (i32.const 8) "a")
          (func $modified (result i32) ;; in seconds
            (drop (call $get (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 64)))
            (i32.wrap_i64 (i64.div_u (i64.load (i32.const 112)) (i64.const 1000000000))))
          (func (export "_start")
            (if (call $modified) (then (call $exit (i32.const 1))))
            (drop (call $set (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 1) (i64.const 0) (i64.const 77000000000) (i32.const 4)))
            (call $exit (call $modified))))"""
        self.expect(self.exec("--verify", "--dir", "d::/", self.write("times.wat", guest)), 77)


class Limits(Case):
    def test_each_limit_has_a_code_and_says_what_was_used_and_allowed(self):
        self.expect(self.exec("--fuel", 1000, GUESTS / "loop.wat"), FUEL, "",
                    ["used 1000, allowed 1000 units of fuel", "hint: raise --fuel\n"])
        self.expect(self.exec("--max-memory", "1MiB", GUESTS / "grow.wat"), MEMORY, "",
                    ["allowed 1048576 bytes of memory", "hint: raise --max-memory\n"])
        self.expect(self.exec("--max-output", 100, GUESTS / "chatter.wat"), OUTPUT, None,
                    ["allowed 100 bytes of output", "hint: raise --max-output\n"])
        self.expect(self.exec("--timeout", "200ms", GUESTS / "loop.wat"), TIMEOUT, "",
                    ["used ", "allowed 0.200 s", "hint: raise --timeout\n"])
        self.expect(self.exec("--timeout", "1ns", GUESTS / "loop.wat"), TIMEOUT, "", "allowed 1 ns)")
        self.expect(self.exec("--max-handles", 100, "--function", "make", GUESTS / "handles.wat"), HANDLES, "",
                    ["used 101, allowed 100 handles", "hint: raise --max-handles\n"])

    def test_fuel_is_counted_and_the_same_on_every_run(self):
        used = {self.json("-f", "spin", FUNCTIONS, "100000")["fuel"] for _ in range(5)}
        self.assertEqual(len(used), 1)
        self.assertGreater(used.pop(), 100000)
        done = self.expect(self.exec("-f", "spin", FUNCTIONS, "10"), 0)
        self.assertRegex(done.err, r"^fuel: \d+, memory peak: 65536 bytes\n$")

    TRAPS = """(module (func $down (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.div_u (i32.const 1) (local.get 0)))))
        (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (func (export "_start") (local $i i32)
        (loop $again (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 9999))))
        (drop (call $down (i32.const 50)))))"""

    def test_fuel_is_the_same_after_a_trap_and_however_it_is_compiled(self):
        guest = self.write("traps.wat", self.TRAPS)
        used = {self.json(*options, guest, code=TRAP)["fuel"] for options in
                ([], [], ["--no-cache"], ["--timeout", "20s"], ["--opt-level", "0"], ["--parallel=n"])}
        self.assertEqual(len(used), 1)
        self.assertGreater(used.pop(), 9999)
        self.expect(self.exec("--verify=3", guest), TRAP, "", "verified by 3 more runs")

    def test_of_a_guest_that_was_not_called_nothing_is_measured(self):
        for arguments, code in ((["-f", "subtract", FUNCTIONS, "x", "1"], USAGE), (["-f", "x", FUNCTIONS], NOT_FOUND),
                                ([FUNCTIONS], NOT_FOUND)):
            self.assertNotIn("fuel", self.expect(self.exec(*arguments), code).err)
            report = self.json(*arguments, code=code)
            self.assertEqual((report["fuel"], report["memory_peak"]), (None, None))
        self.assertIn("fuel: ", self.expect(self.exec("-f", "nothing", FUNCTIONS), 0).err)

    def test_the_memory_peak_is_that_of_the_largest_memory(self):
        self.assertEqual(self.json("-f", "grow", FUNCTIONS, "15")["memory_peak"], 16 * 65536)

    def test_amounts_are_in_the_report(self):
        report = self.json("--fuel", 1000, GUESTS / "loop.wat", code=FUEL)
        self.assertEqual((report["error"]["used"], report["error"]["allowed"], report["fuel"]), (1000, 1000, 1000))
        self.assertEqual(report["exit_code"], FUEL)

    def test_amounts_in_the_report_have_units(self):
        for limit, unit, code, arguments in (
                ("fuel", "units of fuel", FUEL, ["--fuel", 1000, GUESTS / "loop.wat"]),
                ("memory", "bytes", MEMORY, ["--max-memory", "1MiB", GUESTS / "grow.wat"]),
                ("output", "bytes", OUTPUT, ["--max-output", 100, GUESTS / "chatter.wat"]),
                ("time", "nanoseconds", TIMEOUT, ["--timeout", "200ms", GUESTS / "loop.wat"]),
                ("handles", "handles", HANDLES, ["--max-handles", 100, "-f", "make", GUESTS / "handles.wat"])):
            error = self.json(*arguments, code=code)["error"]
            self.assertEqual((error["limit"], error["unit"]), (limit, unit))
            self.assertGreaterEqual(error["used"], error["allowed"])

    def test_growth_is_decided_by_the_limit_and_not_by_the_machine(self):
        if b"__asan_init" in pathlib.Path(run.TENON).read_bytes():
            self.skipTest("the sanitizer needs more address space than can be left")
        command = ["sh", "-c", "ulimit -v 3000000; exec \"$0\" exec --quiet -f grow \"$1\" 60000", run.TENON, str(FUNCTIONS)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=self.environment,
                              timeout=run.SECONDS, check=False)
        self.assertEqual((done.returncode, done.stdout), (123, b""), done.stderr)


class Arguments(Case):
    def test_numbers_with_their_types(self):
        self.expect_result("5", "sums#add", "u32:2", "u32:3")
        self.expect_result("-42", "subtract", "s32:0", "s32:42")
        self.expect_result("-9223372036854775808", "same-long", "s64:-9223372036854775808")
        self.expect_result("3.14", "same-float", "f64:3.14")
        self.expect_result("nan", "same-float", "f64:nan")
        self.expect_result("true", "same-bool", "bool:true")

    def test_texts_with_their_types(self):
        self.expect_result('"hello"', "same-string", "string:hello")
        self.expect_result('"a, b: c"', "same-string", "string:a, b: c")
        self.expect_result('"quoted \\"x\\""', "same-string", 'string:"quoted \\"x\\""')
        self.expect_result('"http://example.org/a,b"', "same-string", "http://example.org/a,b")
        self.expect_result("'x'", "same-char", "char:x")
        self.expect_result("'x'", "same-char", "'x'")
        self.expect_result("'\\''", "same-char", "char:'")

    def test_lists_enums_flags_and_options_with_their_types(self):
        self.expect_result("[1, 2, 255]", "same-bytes", "list<u8>:1,2,255")
        self.expect_result("[0, 255, 16]", "same-bytes", "list<u8>:0x00ff10")
        self.expect_result("[]", "same-bytes", "list<u8>:")
        self.expect_result('["a", "b"]', "same-strings", 'list<string>:a, "b"')
        self.expect_result('["a", "b c", "d,e"]', "same-strings", 'list<string>:a,b c,"d,e"')
        self.expect_result("green", "same-color", "enum:green")
        self.expect_result("{read, execute}", "same-rights", "flags:read|execute")
        self.expect_result("{}", "same-rights", "flags:")
        self.expect_result("5", "or-zero", "option<u32>:some(5)")

    def test_arguments_in_wave(self):
        self.expect_result("[1, 2]", "same-bytes", "[1, 2]")
        self.expect_result('"x"', "same-string", '"x"')
        self.expect_result("blue", "same-color", "blue")
        self.expect_result("{write}", "same-rights", "{write}")
        self.expect_result("7", "or-zero", "some(7)")
        self.expect_result("0", "or-zero")
        self.expect(self.call("nothing"), 0, "", "")

    def test_arguments_in_one_text(self):
        self.expect_result("5", "sums.add", options=["--args", "u32:2, 3"])
        self.expect_result("[1, 2]", "same-bytes", options=["--args", "list<u8>:[1, 2]"])
        self.expect(self.call("nothing", options=["--args", ""]), 0, "", "")
        self.expect(self.call("same-bytes", options=["--args", "list<u8>:1,2"]), USAGE, "",
                    ["takes 1 argument, 2 are given\n  commas part arguments here: the elements of a list stand in brackets"])

    def test_an_element_that_is_missing_is_told(self):
        for text, column in (("list<u8>:1,,2", 11), ("list<u8>:1,", 11), ("list<u8>:,1", 9)):
            self.expect(self.call("same-bytes", text), USAGE, "",
                        "expected an element of the list but there is none\n  %s\n  %s^" % (text, " " * column))

    def test_arguments_as_json(self):
        self.expect_result("5", "sums#add", options=["--args-json", "[2, 3]"])
        self.expect_result("-1", "subtract", options=["--args-json", '{"b": 3, "a": 2}'])
        self.expect_result('["a]", "}"]', "same-strings", options=["--args-json", '{"s": ["a]", "}"]}'])
        self.expect_result("0", "or-zero", options=["--args-json", "{}"])
        done = self.exec("--quiet", "-f", "sums#add", "--input", "-", FUNCTIONS, stdin=b"[40, 2]\n")
        self.expect(done, 0, "42\n", "")
        self.expect_result("3", "sums#add", options=["--input", self.write("in.json", "[1, 2]")])
        self.expect_result("3", "sums#add", options=["--input", self.write("marked.json", b"\xef\xbb\xbf[1, 2]")])

    def given(self, function, text, *options):
        return self.exec("--quiet", "-f", function, *options, "--input", "-", FUNCTIONS, stdin=text)

    def test_arguments_from_standard_input_a_value_a_line(self):
        for function, text, result in (
                ("sums#add", b"u32:40\n2\n", "42"), ("sums#add", b"\n 40 \r\n\n2", "42"), ("sums#add", b"u32:40, 2\n", "42"),
                ("same-string", b"hello, world\n", '"hello, world"'), ("same-string", b'"a\\"b"', '"a\\"b"'),
                ("same-bytes", b"list<u8>:[1,\n2]\n", "[1, 2]"), ("same-bytes", b"list<u8>:0x00ff", "[0, 255]"),
                ("same-rights", b"flags:read|write", "{read, write}"), ("same-color", b"enum:green\n", "green"),
                ("or-zero", b"some(7)", "7"), ("or-zero", b"", "0"), ("same-char", b"'\\''\n", "'\\''")):
            self.expect(self.given(function, text), 0, result + "\n", "")
        self.write("values.txt", "s32:1\ns32:2\n")
        self.expect_result("-1", "subtract", options=["--input", "values.txt"])

    def test_what_is_wrong_in_standard_input_has_its_place(self):
        for function, text, place, caret, reason in (
                ("subtract", b"s32:1\n u32:2\n", "standard input:2:2: argument 2 (b): ", "   u32:2\n   ^^^\n", "s32, not u32"),
                ("subtract", b"s32:1, s32:x", "standard input:1:12: argument 2 (b): ", "  s32:1, s32:x\n             ^\n", "'x'"),
                ("same-string", b"\n a\xffb\n", "standard input:2:3: argument 1 (s): ", "   a\ufffdb\n    ^\n", "no part of a text"),
                ("sums#add", b'{"a": 1,\n "b": "x"}', "standard input:2:7: the arguments as JSON: ", '   "b": "x"}\n        ^\n', "u32"),
                ("sums#add", b'[1,\n x]', "standard input:2:2: the arguments as JSON: ", "   x]\n   ^\n", "u32"),
                ("same-string", b'["\xff"]', "standard input:1:3: the arguments as JSON: ", '  ["\ufffd"]\n    ^\n', "no part of a text")):
            done = self.expect(self.given(function, text), USAGE, "", [place, reason])
            self.assertIn(caret.strip("\n"), done.err)
        self.expect(self.given("sums#add", b"1\n2\n3\n"), USAGE, "", "takes 2 arguments, 3 are given")
        self.write("values.txt", "x")
        self.expect(self.call("or-zero", options=["--input", "values.txt"]), USAGE, "", "error: values.txt:1:1: argument 1 ")

    def test_a_long_text_is_shown_about_what_is_wrong(self):
        done = self.expect(self.given("same-bytes", b"list<u8>:" + b"1," * 100000 + b"x," + b"2," * 100000), USAGE)
        shown = [line for line in done.err.splitlines() if "x" in line and "…" in line][0]
        self.assertLess(len(shown), 200)
        self.assertEqual(done.err.splitlines()[2].index("^"), shown.index("x,"))

    def test_what_is_wrong_gets_a_caret(self):
        for function, text, caret, reason in (
                ("subtract", "u32:1", "^^^  ", "takes a value of type s32, not u32"),
                ("subtract", "s32:4x", "     ^", "'x'"),
                ("subtract", "int:1", "^^^  ", "no such type"),
                ("same-bytes", "list<s8>:1", "^^^^^^^^", "takes a value of type list<u8>, not list<s8>"),
                ("same-bytes", "list<u8>:1,300", "           ^^^", "300"),
                ("same-bytes", "list<u8>:0x0g", "            ^", "hexadecimal"),
                ("same-rights", "flags:read|fly", "           ^^^", "no such flag"),
                ("same-color", "enum:pink", "     ^^^^", "pink"),
                ("same-char", "char:xy", "     ^^", "expected one character but found 2"),
                ("same-char", "char:", "     ^", "expected one character\n"),
                ("same-string", 'string:"a\\qb"', "         ^^^^", "unknown escape"),
                ("or-zero", "option<u32>:some(x)", "                 ^", "'x'"),
                ("same-float", "f64:1.2.3", "       ^^", "'.3'")):
            arguments = [text, "s32:1"] if function == "subtract" else [text]
            done = self.expect(self.call(function, *arguments), USAGE, "", reason)
            self.assertNotRegex(done.err, r" at \d+:\d+\n")  # which would count from the value's start
            self.assertIn("\n  %s\n  %s\n" % (text, caret.rstrip()), done.err)
            self.assertIn("func(", done.err)

    def test_bytes_that_are_no_text_get_their_number_and_a_caret(self):
        done = self.expect(self.call("same-string", os.fsdecode(b"ab\xffc")), USAGE, "", "argument 1 (s): this byte is no part of a text")
        self.assertIn("\n  ab\ufffdc\n    ^\n", done.err)
        self.expect(self.call("same-string", options=["--args", os.fsdecode(b"\xc3")]), USAGE, "", "argument 1 (s): this byte")
        done = self.expect(self.exec(EXAMPLES / "hello.wat", "x", os.fsdecode(b"\x80y")), USAGE, "", "argument 2: this byte is no part")
        self.assertIn("\n  \ufffdy\n  ^\n", done.err)

    def test_wrong_counts_and_json_are_explained(self):
        self.expect(self.call("sums#add", "1"), USAGE, "", "takes 2 arguments, 1 is given")
        self.expect(self.call("nothing", "1"), USAGE, "", "takes 0 arguments, 1 is given")
        for text, reason in (("[1]", "1"), ("5", "expected '['"), ('{"a": 1}', "takes 2 arguments"),
                             ('{"a": 1, "c": 2}', "no parameter of this name"), ('{"a": 1, "a": 2}', "twice"),
                             ("[]", "expected 2 elements but found 0"), ('{"a": 1, "b": 2', "ends"), ('{"a": 1, "b": 2} x', "expected the end"), ('["x", 1]', "u32")):
            self.expect(self.call("sums#add", options=["--args-json", text]), USAGE, "", reason)
        self.expect(self.call("same-long", options=["--args-json", "[]"]), USAGE, "", "expected 1 element but found 0")

    def test_ways_of_giving_arguments_are_not_mixed(self):
        self.expect(self.call("sums#add", "1", "2", options=["--args", "1,2"]), USAGE, "", "more than one way")
        self.expect(self.exec("--args", "1", FUNCTIONS), USAGE, "", "no function")

    def test_functions_have_several_names(self):
        for name in ("docs:numbers/sums@1.2.0#add", "docs:numbers/sums#add", "docs:numbers/sums::add",
                     "docs:numbers/sums.add", "numbers/sums#add", "sums#add", "sums::add", "sums.add"):
            self.expect_result("3", name, "1", "2")
        self.expect_result("1", "or-zero", "some(1)")

    def test_a_name_that_can_mean_several_lists_them(self):
        done = self.expect(self.call("add", "1", "2"), NOT_FOUND, "", "`add` can mean 2 functions")
        self.assertIn("\n  docs:numbers/sums@1.2.0#add\n  docs:numbers/others@1.2.0#add", done.err)

    def test_a_name_that_is_not_there_lists_what_is(self):
        done = self.expect(self.call("ad", "1", "2"), NOT_FOUND, "", "no function `ad`")
        self.assertIn("\n  same-string", done.err)

    def test_core_functions_can_be_called(self):
        module = self.write("core.wat", '(module (func (export "double") (param i32) (result i32) '
                                        '(i32.mul (i32.const 2) (local.get 0))))')
        self.expect_result("-8", "double", "s32:-4", file=module)


class Report(Case):
    def test_the_report_has_everything(self):
        report = self.json("-f", "same-string", FUNCTIONS, "string:hé")
        self.assertEqual((report["exit_code"], report["error"], report["result"], report["result_wave"]),
                         (0, None, "hé", '"hé"'))
        self.assertEqual(report["sha256"]["component"], hashlib.sha256(FUNCTIONS.read_bytes()).hexdigest())
        for name in ("input", "output"):
            self.assertRegex(report["sha256"][name], "^[0-9a-f]{64}$")

    def test_output_is_captured_and_not_printed_beside(self):
        report = self.json(EXAMPLES / "hello.wat", "x")
        self.assertEqual(report["stdout"], "Hello from a component. My arguments:\n  hello.wat\n  x\n")
        self.assertEqual(report["stderr"], "")

    def test_output_that_is_no_text_is_in_base64(self):
        module = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 64) "\\ff\\00\\80a")
          (func (export "_start") (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 4))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"""
        report = self.json(self.write("bytes.wat", module))
        self.assertEqual(base64.b64decode(report["stdout_base64"]), b"\xff\0\x80a")
        self.assertNotIn("stdout", report)

    def test_hashes_tell_inputs_and_outputs_apart(self):
        def hashes(*arguments):
            return self.json(*arguments)["sha256"]
        one, same, other = (hashes(EXAMPLES / "hello.wat", text) for text in ("a", "a", "b"))
        self.assertEqual(one, same)
        self.assertEqual(one["component"], other["component"])
        self.assertNotEqual(one["input"], other["input"])
        self.assertNotEqual(one["output"], other["output"])
        self.assertNotEqual(hashes("--env", "A=b", EXAMPLES / "hello.wat")["input"],
                            hashes("--env", "A=c", EXAMPLES / "hello.wat")["input"])

    def test_errors_and_exit_codes_are_in_the_report(self):
        report = self.json(SLEEP, code=DENIED)
        self.assertIn("poll_oneoff", report["error"]["message"])
        self.assertIn("--clock", report["error"]["hint"])
        self.assertEqual(self.json(GUESTS / "exit.wat", "5", code=5)["exit_code"], 5)
        self.assertIsNone(self.json(GUESTS / "exit.wat", "5", code=5)["error"])


    def test_a_failure_before_the_run_has_a_report_of_the_same_shape(self):
        shape = set(self.json(SLEEP, code=DENIED))
        broken = self.write("broken.wasm", b"\0asm")
        for code, reason, arguments in (
                (113, "while opening nothing.wasm: ", ["nothing.wasm"]),
                (LOAD, "broken.wasm", [broken]),
                (116, "company:product/tools", [GUESTS / "missing-import.wat"]),
                (NOT_FOUND, "no function `x`", ["-f", "x", FUNCTIONS]),
                (USAGE, "takes 1 argument", ["-f", "same-string", FUNCTIONS]),
                (USAGE, "argument 1 (s): ", ["-f", "same-string", FUNCTIONS, os.fsdecode(b"\xff")]),
                (USAGE, "--fuel: x is not", ["--fuel", "x", SLEEP]),
                (USAGE, "unknown option --nothing", ["--nothing", SLEEP]),
                (USAGE, "unknown option -W ful", ["-W", "ful=3", SLEEP]),
                (USAGE, "--fuel needs a value", ["--fuel"]),
                (USAGE, "takes a file", []),
                (USAGE, "no function", ["--args", "1", SLEEP]),
                (113, "while reading nothing: ", ["--cache", "answers", "--stdin", "nothing", SLEEP]),
                (113, "while opening nothing: ", ["-f", "x", "--input", "nothing", SLEEP]),
                (113, "while opening nothing: ", ["--replay", "nothing", SLEEP]),
                (LOAD, "while reading", ["--replay", SLEEP, SLEEP]),
                (113, "while writing nowhere/run.rec: ", ["--record", "nowhere/run.rec", EXAMPLES / "hello.wat"]),
                (DIFFERS, "a second run differs", ["--verify", "--allow-random", "-f", "random", ASKING])):
            report = self.json(*arguments, code=code)
            self.assertEqual(report["exit_code"], code)
            self.assertIn(reason, report["error"]["message"])
            self.assertEqual(set(report) - {"cached", "verified"}, shape)
        self.assertIn("did you mean", self.json("--fule", "1", SLEEP, code=USAGE)["error"]["hint"])
        self.assertEqual(self.json("nothing.wasm", code=113)["sha256"], {"component": None, "input": None, "output": None})


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"an answer that was given once\n"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Proof(Case):
    def recorded(self, *arguments, code=0, **more):
        path = self.folder / "run.rec"
        done = self.expect(self.exec("--record", path, *arguments, **more), code)
        return path, done

    def test_a_run_is_verified_by_running_it_again(self):
        done = self.expect(self.exec("--verify", "--clock", "virtual", SLEEP), 0)
        self.assertIn("verified by 1 more run\n", done.err)
        self.assertEqual(self.json("--verify=3", EXAMPLES / "hello.wat")["verified"], 3)
        self.assertEqual(self.exec("--quiet", "--verify=2", EXAMPLES / "hello.wat").out.count("Hello"), 1)
        self.expect(self.exec("--verify=0", SLEEP), USAGE)

    def test_a_run_that_differs_is_found_out_with_the_first_difference(self):
        self.expect(self.call("random", options=["--verify", "--allow-random"], file=ASKING), DIFFERS, None,
                    ["a second run differs from the first: call 1, wasi:random/random#get-random-u64: gave "])
        self.expect(self.call("wall", options=["--verify", "--allow-clock"], file=ASKING), DIFFERS, None,
                    "wasi:clocks/wall-clock#now: gave {seconds: ")

    def test_a_difference_is_shown_and_not_only_its_size(self):
        guest = """(module
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (drop (call $random (i32.const 8) (i32.const 5)))))"""
        done = self.expect(self.exec("--quiet", "--verify", "--allow-random", self.write("random.wat", guest)), DIFFERS)
        found = re.search(r'random_get: gave "(.*)" at address (\d+), and now "(.*)" at address', done.err)
        self.assertTrue(found, done.err)
        self.assertNotEqual(found.group(1), found.group(3))

    def test_what_a_run_leaves_behind_is_a_difference(self):
        (self.folder / "d").mkdir()
        maker = """(module
          (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (data (i32.const 8) "new")
          (func (export "_start") (call $exit (call $make (i32.const 3) (i32.const 8) (i32.const 3)))))"""
        self.expect(self.exec("--verify", "--dir", "d::/", self.write("maker.wat", maker)), DIFFERS, None,
                    "call 1, wasi_snapshot_preview1#path_create_directory: gave 0, and now 20\n")

    def test_denied_runs_and_those_that_fail_are_verified_too(self):
        self.expect(self.exec("--verify", SLEEP), DENIED, "", "verified by 1 more run")
        self.expect(self.exec("--verify", GUESTS / "recurse.wat"), 122, "", "verified by 1 more run")

    def test_a_recording_of_files_clock_and_http_is_replayed_without_them(self):
        (self.folder / "d").mkdir()
        (self.folder / "d" / "note.txt").write_text("a note\n")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            authority = "127.0.0.1:%d" % server.server_address[1]
            path, first = self.recorded("--dir", "d::/", "--allow-clock", "--http", authority, OUTSIDE, authority)
        finally:
            server.shutdown()
            server.server_close()
        self.assertIn("a note\n", first.out)
        self.assertIn("answer: 200\nan answer that was given once\n", first.out)
        (self.folder / "d" / "note.txt").unlink()
        (self.folder / "d").rmdir()
        again = self.expect(self.exec("--replay", path, OUTSIDE), 0, first.out)
        self.assertEqual(again.err, first.err.splitlines()[-1] + "\n")

    def test_preview_1_is_recorded_and_replayed_too(self):
        (self.folder / "d").mkdir()
        for name in "zya":
            (self.folder / "d" / name).write_text(name)
        path, _ = self.recorded("--json", "--dir", "d::/", "--allow-clock", "--allow-random", "--env", "A=b", HUNTER, "x",
                                stdin=b"")
        first = json.loads(_.out)
        for name in "zya":
            (self.folder / "d" / name).unlink()
        self.expect(self.exec("--replay", path, HUNTER), 0)
        again = json.loads(self.exec("--json", "--replay", path, HUNTER).out)
        for name in ("stdout_base64", "fuel", "memory_peak", "exit_code"):
            self.assertEqual(again[name], first[name])

    def test_functions_are_replayed_with_their_arguments(self):
        path, done = self.recorded("-f", "sums#add", FUNCTIONS, "u32:40", "2")
        self.assertEqual(self.expect(self.exec("--quiet", "--replay", path, FUNCTIONS), 0).out, done.out)
        path, done = self.recorded("-f", "sums#add", "--args-json", "[1, 2]", FUNCTIONS)
        self.assertEqual(self.expect(self.exec("--quiet", "--replay", path, FUNCTIONS), 0).out, "3\n")
        self.expect(self.exec("--replay", path, FUNCTIONS, "1"), USAGE, "", "in the recording")
        path, done = self.recorded("-f", "sums#add", "--input", "-", FUNCTIONS, stdin=b"1\n2\n")
        self.expect(self.exec("--quiet", "--replay", path, FUNCTIONS), 0, "3\n", "")
        path, done = self.recorded("-f", "sums#add", "--args", "3, 4", FUNCTIONS)
        self.expect(self.exec("--quiet", "--replay", path, FUNCTIONS), 0, "7\n", "")

    def test_standard_input_is_in_the_recording(self):
        echo = """(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (i32.store (i32.const 4) (i32.load (i32.const 16)))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"""
        guest = self.write("echo.wat", echo)
        path, _ = self.recorded(guest, stdin=b"said once")
        self.expect(self.exec("--quiet", "--replay", path, guest, stdin=b"something else"), 0, "said once", "")

    def test_errors_exits_and_denials_are_replayed(self):
        for arguments, code in (([SLEEP], DENIED), ([GUESTS / "exit.wat", "5"], 5), ([GUESTS / "recurse.wat"], 122)):
            path, first = self.recorded(*arguments, code=code)
            again = self.expect(self.exec("--replay", path, arguments[0]), code)
            self.assertEqual((again.out, again.err), (first.out, first.err))

    def test_limits_are_those_of_the_recording(self):
        path, _ = self.recorded("--fuel", 1000, GUESTS / "loop.wat", code=FUEL)
        self.expect(self.exec("--replay", path, GUESTS / "loop.wat"), FUEL)

    def test_limits_that_are_given_hold_in_a_replay_too(self):
        path, first = self.recorded("-f", "spin", FUNCTIONS, "1000000")
        done = self.expect(self.exec("--fuel", 1000, "--replay", path, FUNCTIONS), FUEL, "", "used 1000, allowed 1000 units of fuel")
        self.assertNotIn("differs", done.err)
        self.expect(self.exec("--fuel", 10**9, "--timeout", "60s", "--replay", path, FUNCTIONS), 0, first.out, first.err)
        path, _ = self.recorded("-f", "grow", FUNCTIONS, "15")
        self.expect(self.exec("--max-memory", "256KiB", "--replay", path, FUNCTIONS), MEMORY, "", "allowed 262144 bytes of memory")
        path, _ = self.recorded("--fuel", 1000, GUESTS / "loop.wat", code=FUEL)
        self.expect(self.exec("--fuel", 5000, "--replay", path, GUESTS / "loop.wat"), FUEL, "",
                    ["used 1000, allowed 1000", "hint: the limit is that of the recording, which a replay cannot raise\n"])
        self.expect(self.exec("--fuel", 500, "--replay", path, GUESTS / "loop.wat"), FUEL, "",
                    ["used 500, allowed 500", "hint: raise --fuel\n"])
        path, _ = self.recorded("--fuel", 10**10, "-f", "spin", FUNCTIONS, "100000000")
        self.expect(self.exec("--timeout", "1ms", "--replay", path, FUNCTIONS), TIMEOUT, "", "allowed 0.001 s")

    def test_a_replay_that_its_limit_ends_says_nothing_that_the_guest_has_not_come_to(self):
        guest = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 64) "first\\nthen\\n")
          (func $say (param i32 i32) (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
          (func (export "_start") (local $i i32)
            (call $say (i32.const 64) (i32.const 6))
            (loop $again (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 9999))))
            (call $say (i32.const 70) (i32.const 5))))"""
        path, _ = self.recorded(self.write("says.wat", guest))
        self.expect(self.exec("--fuel", 1000, "--replay", path, self.folder / "says.wat"), FUEL, "first\n")

    def test_what_the_recording_decides_is_refused_in_a_replay(self):
        path, _ = self.recorded(EXAMPLES / "hello.wat")
        for options in (["--clock", "virtual"], ["--random", "seed=1"], ["--allow-clock"], ["--allow-random"], ["--dir", "."],
                        ["--dir-ro", "."], ["--net", "example.org"], ["--net-udp", "*"], ["--inherit-network"], ["--http", "a.org"],
                        ["--http-all"], ["--env", "A=b"], ["--inherit-env"], ["--config-value", "a=b"], ["--cwd", "/"],
                        ["--argv0", "x"], ["--stdin", "/dev/null"], ["--max-output", "1MiB"]):
            self.expect(self.exec(*options, "--replay", path, EXAMPLES / "hello.wat"), USAGE, "",
                        ["error: %s has no effect in a replay" % options[0], "is in the recording", "hint: leave it out"])

    def test_another_component_is_no_replay(self):
        path, _ = self.recorded(EXAMPLES / "hello.wat")
        self.expect(self.exec("--replay", path, FUNCTIONS), DIFFERS, "", "the component's SHA-256")

    def test_a_replay_that_differs_names_the_call(self):
        """The recording is changed as its writer would have written it: its hash fits."""
        path, _ = self.recorded("-f", "wall", "--clock", "virtual=7", ASKING)
        content = path.read_bytes()[:-32]
        for old, new, reason in ((b"wasi:clocks/wall-clock#now", b"wasi:clocks/wall-clock#wow", "and now is wasi:clocks/wall-clock#now"),
                                 (b"result\x017", b"result\x018", "the result was 8, and now is 7"),
                                 (b"wall-clock#now\x01\x00\x00\x00\x00\x0c\x07", b"wall-clock#now\x01\x00\x00\x00\x00\x0c\x09",
                                  "the result was 7, and now is 9")):
            self.assertEqual(content.count(old), 1, (old, content))
            changed = content.replace(old, new)
            path.write_bytes(changed + hashlib.sha256(changed).digest())
            self.expect(self.exec("--replay", path, ASKING), DIFFERS, None, reason)

    def test_what_is_no_recording_is_refused(self):
        path, _ = self.recorded(EXAMPLES / "hello.wat")
        content = path.read_bytes()
        damaged = bytearray(content)
        damaged[len(content) // 2] ^= 1
        for bad, reason in ((b"", "begin"), (b"tenonrec", "begin"), (content[:-1], "damaged"), (bytes(damaged), "damaged"),
                            (content + b"x", "damaged"), (EXAMPLES.joinpath("hello.wat").read_bytes(), "begin")):
            path.write_bytes(bad)
            self.expect(self.exec("--replay", path, EXAMPLES / "hello.wat"), LOAD, "", [str(path), reason])
        path.write_bytes(content[:8] + b"\x02" + content[9:])
        self.expect(self.exec("--replay", path, EXAMPLES / "hello.wat"), 115, "", "format 2")

    def test_what_is_the_same_in_every_run_and_what_is_not_exclude_each_other(self):
        self.expect(self.exec("--clock", "virtual", "--allow-clock", SLEEP), USAGE, "", "--clock and --allow-clock exclude each other")
        self.expect(self.exec("--random", "seed=1", "--allow-random", SLEEP), USAGE, "", "--random and --allow-random exclude each other")

    def test_record_and_replay_exclude_each_other(self):
        self.expect(self.exec("--record", "a", "--replay", "b", SLEEP), USAGE, "", "--record and --replay")


class Links(Case):
    """Components that are linked into a deterministic run, each with rights of its own."""

    ASKED = ("wall", "monotonic", "random", "seed", "network")
    OWN_NETWORK = """
      (import "wasi:sockets/network@0.2.3" (instance $types (export "network" (type (sub resource)))))
      (alias export $types "network" (type $net))
      (import "wasi:sockets/instance-network@0.2.3" (instance $own
        (alias outer 1 $net (type $outer)) (export "network" (type $network (eq $outer)))
        (export "instance-network" (func (result (own $network))))))
      (core func $own (canon lower (func $own "instance-network")))
      (core module $N (import "h" "own" (func $own (result i32)))
        (func (export "own") (result i64) (i64.extend_i32_u (call $own))))
      (core instance $n (instantiate $N (with "h" (instance (export "own" (func $own))))))
      (func (export "own") (result u64) (canon lift (core func $n "own")))"""

    def setUp(self):
        super().setUp()
        text = ASKING.read_text().rstrip()[:-1]
        for name in self.ASKED:
            text = text.replace('(func (export "%s") (result u64)' % name, "(func $%s-out (result u64)" % name)
        exports = "".join('(export "%s" (func $%s-out))' % (name, name) for name in self.ASKED)
        self.library = self.write("library.wat", text + '(instance $out %s) (export "demo:asking/asks@1.0.0" (instance $out)))' % exports)
        lines = ['(component (import "demo:asking/asks@1.0.0" (instance $library']
        lines += ['(export "%s" (func (result u64)))' % name for name in self.ASKED] + ["))"]
        lines += ['(core func $%s (canon lower (func $library "%s")))' % (name, name) for name in self.ASKED]
        lines += ["(core module $M"] + ['(import "h" "%s" (func $%s (result i64)))' % (name, name) for name in self.ASKED]
        lines += ['(export "%s" (func $%s))' % (name, name) for name in self.ASKED] + [")"]
        lines += ['(core instance $m (instantiate $M (with "h" (instance']
        lines += ['(export "%s" (func $%s))' % (name, name) for name in self.ASKED] + [")))) "]
        lines += ['(func (export "%s") (result u64) (canon lift (core func $m "%s")))' % (name, name) for name in self.ASKED]
        self.app = self.write("app.wat", "\n".join(lines) + self.OWN_NETWORK + ")")

    def linked(self, function, *options, rights="", **more):
        return self.exec("--link", "%s%s" % (self.library, rights), *options, "-f", function, self.app, **more)

    def test_clocks_and_numbers_are_those_of_the_run_for_all(self):
        self.expect(self.linked("wall"), DENIED, "", ["`wasi:clocks/wall-clock#now`", "--clock virtual"])
        self.expect(self.linked("random"), DENIED, "", ["`wasi:random/random#get-random-u64`", "--random seed="])
        self.expect(self.linked("wall", "--quiet", "--clock", "virtual=7"), 0, "7\n", "")
        first = self.expect(self.linked("seed", "--random", "seed=5", "--verify=2"), 0, err="verified by 2 more runs")
        self.assertEqual(self.linked("seed", "--random", "seed=5").out, first.out)
        self.assertNotEqual(self.linked("seed", "--random", "seed=6").out, first.out)

    def test_a_seed_of_its_own_grants_a_component_random_numbers(self):
        """Whatever the run has, they are those of the seed; the others are granted nothing by it."""
        own = self.expect(self.linked("random", rights=";random-seed=4"), 0, err="")
        for options in (("--random", "seed=1"), ("--allow-random", "--quiet")):
            self.assertEqual(self.linked("random", *options, rights=";random-seed=4").out, own.out)
        self.assertNotEqual(self.linked("random", rights=";random-seed=5").out, own.out)
        self.assertTrue(json.loads(self.linked("random", "--json", rights=";random-seed=4").out)["deterministic"])
        done = self.expect(self.linked("random"), DENIED, "", "`wasi:random/random#get-random-u64`")
        self.assertIn("hint: --link '%s;random-seed=1' grants it to this component; for all, --random seed=1" % self.library, done.err)
        self.expect(self.linked("wall", rights=";random-seed=4"), DENIED, "", "`wasi:clocks/wall-clock#now`")
        other = self.write("other.wat", ASKING.read_text())
        self.expect(self.exec("--link", "%s;random-seed=4" % self.library, "-f", "random", other), DENIED, "", "no right to random")
        self.linked("random", "--cache", "store", rights=";random-seed=4")
        self.assertNotEqual(self.linked("random", "--cache", "store", rights=";random-seed=5").out, own.out)

    def test_what_one_may_the_others_may_not(self):
        asked = "`wasi:sockets/instance-network#instance-network`"
        for options in ((), ("--net", "example.org")):
            done = self.expect(self.linked("network", *options), DENIED, "", asked)
            self.assertIn("hint: --link '%s;net=HOST:PORT' grants it" % self.library, done.err)
        done = self.expect(self.linked("network", rights=";net=example.org"), 0)
        self.assertIn("warning: with --link %s;net=example.org the run depends on the network" % self.library, done.err)
        self.expect(self.linked("own", rights=";net=example.org"), DENIED, "", [asked, "--net HOST:PORT grants"])
        self.expect(self.linked("own", "--net", "example.org"), 0)

    CLOCK = """(component
      (core module $M (memory (export "m") 1)
        (func (export "now") (result i32) (i64.store (i32.const 0) (i64.const 4242)) (i32.const 0)))
      (core instance $i (instantiate $M))
      (alias core export $i "m" (core memory $m))
      (type $time (record (field "seconds" u64) (field "nanoseconds" u32)))
      (func $now (result $time) (canon lift (core func $i "now") (memory $m)))
      (component $Clock
        (type $time (record (field "seconds" u64) (field "nanoseconds" u32)))
        (import "datetime" (type $in (eq $time)))
        (import "now" (func $now (result $in)))
        (export $out "datetime" (type $in))
        (export "now" (func $now) (func (result $out))))
      (instance $clock (instantiate $Clock (with "datetime" (type $time)) (with "now" (func $now))))
      (export "wasi:clocks/wall-clock@0.2.3" (instance $clock)))"""

    def test_what_a_component_stands_in_for_needs_no_right(self):
        """A clock that is a component: nothing of the host is asked, so that the run is as deterministic as it is."""
        clock = self.write("clock.wat", self.CLOCK)
        report = self.json("--link", clock, "-f", "wall", ASKING)
        self.assertEqual((report["result"], report["deterministic"]), (4242, True))
        self.expect(self.exec("--link", clock, "-f", "monotonic", ASKING), DENIED, "", "`wasi:clocks/monotonic-clock#now`")
        self.expect(self.exec("--verify", "--record", "run.rec", "--link", clock, "-f", "wall", ASKING), 0, "4242\n")
        self.expect(self.exec("--quiet", "--replay", "run.rec", "--link", clock, ASKING), 0, "4242\n", "")

    def test_a_report_has_the_hashes_of_all(self):
        report = json.loads(self.linked("monotonic", "--json", "--clock", "virtual").out)
        self.assertEqual(report["sha256"]["component"], hashlib.sha256(self.app.read_bytes()).hexdigest())
        self.assertEqual(report["sha256"]["links"], [hashlib.sha256(self.library.read_bytes()).hexdigest()])
        self.assertTrue(report["deterministic"])
        missing = json.loads(self.exec("--json", "--link", "nothing.wasm", self.app).out)
        self.assertEqual((missing["exit_code"], missing["sha256"]["links"]), (113, [None]))
        self.assertFalse(json.loads(self.linked("monotonic", "--json", "--clock", "virtual", rights=";net=a.b").out)["deterministic"])

    def test_mistakes_are_told(self):
        self.expect(self.linked("wall", rights=";timeout=1"), USAGE, "", "`timeout` is not a right")
        self.expect(self.exec("--link", self.library, SLEEP), 116, "", "a core module cannot be linked")
        self.expect(self.exec("-f", "wall", self.app), 116, "", ["`demo:asking/asks@1.0.0`", "--link"])
        self.expect(self.exec("--link", self.library, EXAMPLES / "hello.wat"), 0, None, "warning: nothing imports what --link")

    def test_a_recording_is_replayed_with_the_same_components_and_without_their_rights(self):
        (self.folder / "d").mkdir()
        path = self.folder / "run.rec"
        options = ("--record", path, "--allow-clock", "--allow-random")
        first = self.expect(self.linked("random", *options, rights=";dir=d::/"), 0)
        (self.folder / "d").rmdir()
        replay = ("--quiet", "--link", self.library, "--replay", path, self.app)
        self.expect(self.exec(*replay), 0, first.out, "")
        self.expect(self.exec("--link", "%s;dir=d::/" % self.library, *replay[3:]), USAGE, "", ";dir=d::/ has no effect in a replay")
        self.library.write_text(self.library.read_text() + "\n;; changed\n")
        self.expect(self.exec(*replay), DIFFERS, "", "the SHA-256 of what is linked with was")

    def test_the_cache_tells_links_and_their_input_apart(self):
        def count(rights=""):
            self.expect(self.linked("wall", "--clock", "virtual=7", "--cache", "answers", rights=rights), 0)
            return len(list((self.folder / "answers").iterdir()))
        self.assertEqual([count(), count(), count(";env=A=b"), count(";env=A=c"), count(";env=A=c")], [1, 1, 2, 3, 3])
        self.library.write_text(self.library.read_text() + "\n;; changed\n")
        self.assertEqual(count(), 4)

    def test_what_a_linked_component_writes_belongs_to_the_run(self):
        """hello.wat in two: who prints is linked with, and is called by who does not."""
        text = (EXAMPLES / "hello.wat").read_text()
        self.assertIn('"wasi:cli/run@', text)
        app = """(component (import "wasi:cli/run@0.2.0" (instance $run (export "run" (func (result (result))))))
          (core func $run (canon lower (func $run "run")))
          (core module $M (import "h" "run" (func $run (result i32))) (func (export "run") (result i32) (call $run)))
          (core instance $m (instantiate $M (with "h" (instance (export "run" (func $run))))))
          (func (export "go") (result (result)) (canon lift (core func $m "run"))))"""
        path, hello = self.write("front.wat", app), EXAMPLES / "hello.wat"
        self.assertEqual(self.json("--link", hello, "-f", "go", path)["stdout"], "")
        report = self.json("--link", "%s;inherit-stdout" % hello, "-f", "go", path)
        self.assertIn("Hello from a component", report["stdout"])
        done = self.expect(self.exec("--verify", "--record", "run.rec", "--link", "%s;inherit-stdout" % hello, "-f", "go", path), 0)
        self.assertIn("Hello from a component", done.out)
        self.expect(self.exec("--quiet", "--replay", "run.rec", "--link", hello, path), 0, done.out, "")


class Interruption(Case):
    """Ctrl-C and SIGTERM: the guest ends, and what it had come to is told and recorded."""

    # Says something, and then computes, or waits for a clock or for standard input.
    GUEST = """(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 64) "begun\\n")
      (func (export "_start") (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 6))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (i64.store (i32.const 152) (i64.const 3600000000000))
        %s))"""
    WAYS = {"computes": "(loop (br 0))",
            "waits": "(drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 512)))",
            "reads": "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))"}

    def interrupted(self, way, number, *options, shows=True, seconds=0.1):
        guest = self.write(way + ".wat", self.GUEST % self.WAYS[way])
        command = [run.TENON, "exec", *map(str, options), str(guest)]
        with run.Process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                         env=self.environment) as process:
            out = process.stdout.readline() if shows else b""
            run.wait_for_handler(process, number)
            time.sleep(seconds)
            process.send_signal(number)
            process.wait(timeout=run.SECONDS)
            out, err = out + process.stdout.read(), process.stderr.read()
        return run.Done(process.returncode, out.decode(), err.decode()), guest

    def test_a_guest_ends_whatever_it_does(self):
        for way in self.WAYS:
            for number, code, name in ((signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")):
                with self.subTest(way=way, signal=name):
                    done, _ = self.interrupted(way, number, "--allow-clock")
                    self.expect(done, code, "begun\n", ["error: the run was ", "(%s)" % name, "fuel: "])

    def test_there_is_a_report(self):
        shape = set(self.json(SLEEP, code=DENIED))
        for way in self.WAYS:
            with self.subTest(way=way):
                for seconds in (1, 5, 25):  # what it says is not seen before it has ended
                    done, _ = self.interrupted(way, signal.SIGINT, "--json", "--allow-clock", shows=False, seconds=seconds)
                    report = json.loads(done.out)
                    if report["stdout"] != "":
                        break
                self.assertEqual((done.code, report["exit_code"], report["stdout"]), (130, 130, "begun\n"))
                self.assertEqual(report["error"], {"message": "the run was interrupted (SIGINT)"})
                self.assertFalse(report["deterministic"])
                self.assertEqual(set(report), shape)

    def test_a_recording_is_whole_and_is_replayed_as_far_as_it_goes(self):
        for way in self.WAYS:
            with self.subTest(way=way):
                done, guest = self.interrupted(way, signal.SIGTERM, "--allow-clock", "--record", "run.rec")
                self.expect(done, 143, "begun\n")
                again = self.expect(self.exec("--replay", "run.rec", guest), 143, "begun\n")
                self.assertIn("error: the recording ends here: the run was ended (SIGTERM)\n", again.err)

    def test_a_replay_of_an_interrupted_run_still_tells_differences(self):
        done, guest = self.interrupted("waits", signal.SIGINT, "--allow-clock", "--record", "run.rec")
        other = self.write("waits.wat", guest.read_text().replace("begun", "other"))
        path = self.folder / "run.rec"
        content = path.read_bytes()[:-32]
        old, new = (hashlib.sha256(text.encode()).hexdigest().encode() for text in (self.GUEST % self.WAYS["waits"], other.read_text()))
        self.assertEqual(content.count(old), 1)
        changed = content.replace(old, new)
        path.write_bytes(changed + hashlib.sha256(changed).digest())
        self.expect(self.exec("--replay", path, other), DIFFERS, None, "fd_write")

    def test_a_recording_of_a_run_without_time_ends_where_that_did(self):
        guest = self.write("loop.wat", self.GUEST % self.WAYS["computes"])
        for seconds in (0.3, 3, 10):
            done = self.exec("--timeout", "%gs" % seconds, "--record", "run.rec", guest)
            if done.out != "":
                break
        self.expect(done, TIMEOUT, "begun\n")
        self.expect(self.exec("--replay", "run.rec", guest), TIMEOUT, "begun\n", "the recording ends here: ")

    def test_verification_can_be_interrupted(self):
        done, _ = self.interrupted("computes", signal.SIGINT, "--verify")
        self.expect(done, 130, "begun\n", "(SIGINT)")
        self.assertNotIn("verified", done.err)


class Cache(Case):
    def cached(self, *arguments, **more):
        return self.exec("--cache", "answers", *arguments, **more)

    def files(self):
        return list((self.folder / "answers").iterdir())

    def test_the_second_answer_comes_from_the_cache_and_is_the_same(self):
        first = self.expect(self.cached(EXAMPLES / "hello.wat", "x"), 0)
        second = self.expect(self.cached(EXAMPLES / "hello.wat", "x"), 0, first.out)
        self.assertEqual(second.err, first.err.replace("bytes\n", "bytes, from the cache\n"))
        one, two = (self.json("--cache", "more", "-f", "same-string", FUNCTIONS, "x") for _ in range(2))
        self.assertEqual((one.pop("cached"), two.pop("cached")), (False, True))
        self.assertEqual(one, two)

    def test_other_inputs_and_policies_are_other_entries(self):
        runs = [["--clock", "virtual", "-f", "wall", ASKING], ["--clock", "virtual=7", "-f", "wall", ASKING],
                ["--fuel", "100000", "--clock", "virtual", "-f", "wall", ASKING],
                ["--env", "A=b", "--clock", "virtual", "-f", "wall", ASKING]]
        for count, arguments in enumerate(runs, 1):
            self.expect(self.cached(*arguments), 0)
            self.assertEqual(len(self.files()), count)
        self.expect(self.cached(EXAMPLES / "hello.wat", stdin=b"a"), 0)
        self.expect(self.cached(EXAMPLES / "hello.wat", stdin=b"b"), 0)
        self.assertEqual(len(self.files()), len(runs) + 2)

    def test_exit_codes_are_kept_and_errors_are_not(self):
        for _ in range(2):
            self.expect(self.cached(GUESTS / "exit.wat", "5"), 5)
        self.assertEqual(len(self.files()), 1)
        self.expect(self.cached(SLEEP), DENIED)
        self.assertEqual(len(self.files()), 1)

    def test_a_damaged_entry_is_ignored_with_a_warning_and_made_anew(self):
        first = self.expect(self.cached(EXAMPLES / "hello.wat"), 0)
        path = self.files()[0]
        whole = path.read_bytes()
        for damage in (whole[:-1], whole + b"x", b"", whole.replace(b"Hello", b"Hullo"), b"tenon-result-1\n"):
            path.write_bytes(damage)
            done = self.expect(self.cached(EXAMPLES / "hello.wat"), 0, first.out, "is damaged and is made anew")
            self.assertNotIn("from the cache", done.err)
            self.assertEqual(path.read_bytes(), whole)
        self.assertEqual(self.files(), [path])  # nothing half-written beside it

    def test_what_is_no_entry_is_neither_waited_for_nor_read(self):
        first = self.expect(self.cached(EXAMPLES / "hello.wat"), 0)
        path = self.files()[0]
        for replace in (os.mkfifo, lambda path: path.mkdir(), lambda path: (path.touch(), os.truncate(path, 1 << 40))):
            path.unlink()
            replace(path)
            done = self.expect(self.cached(EXAMPLES / "hello.wat"), 0, first.out, "is no entry, and is not read")
            self.assertNotIn("from the cache", done.err)
            if path.is_dir():
                self.assertIn("the answer is not kept", done.err)
                path.rmdir()
                path.touch()
            else:
                self.assertLess(path.stat().st_size, 10000)

    def test_a_cache_that_cannot_be_used_is_a_warning(self):
        self.write("file", "no folder")
        for folder in ("file", "/proc/nothing"):
            done = self.expect(self.exec("--cache", folder, EXAMPLES / "hello.wat"), 0, err="warning: the answer is not kept")
            self.assertNotIn("error:", done.err)
            self.assertIn("Hello", done.out)

    def test_a_run_that_is_not_deterministic_is_not_cached(self):
        self.expect(self.cached("--allow-clock", EXAMPLES / "hello.wat"), 0, None, "the cache is not used")
        self.assertFalse((self.folder / "answers").exists())


class Corpus(Case):
    """The same bytes, however often, wherever and beside whatever else: 100 runs of each guest, four at a time, beside a
    process that keeps a processor busy, with other environments, time zones, folders, orders in which files were made, and
    with and without address space randomization."""

    RUNS = 100

    def place(self, number):
        """A folder like all others, but that its files were made in another order."""
        folder = self.folder / ("place%d" % number)
        if not folder.exists():
            (folder / "d").mkdir(parents=True)
            names = list(itertools.permutations(["alpha", "b", "gamma", "Delta", "ε"]))[number * 7 % 120]
            for name in names:
                (folder / "d" / name).write_text("contents of " + name)
            (folder / "d" / "folder").mkdir()
        return folder

    def outside(self, number):
        zones = ("UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham", "")
        return {**self.environment, "TZ": zones[number % 5], "LANG": ("C", "de_DE.UTF-8", "tr_TR")[number % 3],
                "NUMBER": "x" * (number * 37 % 4096)}

    def start_one(self, number, arguments):
        command = [run.TENON, "exec", "--json", *map(str, arguments)]
        if number % 2 and self.has_setarch:
            command = ["setarch", "-R", *command]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd=self.place(number % 10), env=self.outside(number))

    @classmethod
    def setUpClass(cls):
        probe = ["setarch", "-R", "true"]
        try:
            cls.has_setarch = subprocess.run(probe, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            cls.has_setarch = False

    def expect_same(self, *arguments):
        answers = set()
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as load:
            try:
                for first in range(0, self.RUNS, 4):
                    for process in [self.start_one(first + i, arguments) for i in range(4)]:
                        out, err = process.communicate(timeout=run.SECONDS)
                        self.assertTrue(out, err)
                        answers.add((process.returncode, out))
            finally:
                load.kill()
        self.assertEqual(len(answers), 1)
        return json.loads(next(iter(answers))[1])

    def test_a_component_that_prints(self):
        self.expect_same("--env", "A=b", EXAMPLES / "hello.wat", "one", "two")

    def test_functions(self):
        self.expect_same("-f", "same-strings", FUNCTIONS, '["a", "b"]')
        self.expect_same("-f", "area", EXAMPLES / "calculator.wat", "circle(2.5)")

    def test_one_that_is_denied(self):
        self.assertEqual(self.expect_same("-f", "seed", ASKING)["exit_code"], DENIED)

    def test_one_that_runs_out_of_fuel(self):
        self.expect_same("--fuel", "123457", GUESTS / "loop.wat")

    def test_one_that_recurses_until_its_stack_is_full(self):
        self.expect_same(GUESTS / "recurse.wat")

    def test_one_that_traps(self):
        self.expect_same(self.write("traps.wat", Limits.TRAPS))

    def test_one_that_grows_until_it_may_not(self):
        self.expect_same("--max-memory", "3MiB", GUESTS / "grow.wat")

    def test_clocks_and_seeds(self):
        self.expect_same("--clock", "virtual=1000", "-f", "monotonic", ASKING)
        self.expect_same("--random", "seed=3", "-f", "seed", ASKING)

    def test_one_that_reads_a_file(self):
        self.expect_same("--dir", "d::/", CAT, "alpha")

    HUNT = ("--clock", "virtual", "--random", "seed=5", "--env", "A=b", "--dir", "d::/", HUNTER, "x", "y")

    def test_the_hunter_finds_nothing(self):
        self.expect_same(*self.HUNT)

    def test_the_hunter_would_find_something(self):
        """Its tools are sharp: with real clocks and numbers no two runs are the same."""
        options = ("--allow-clock", "--allow-random") + self.HUNT[4:]
        found = set()
        for number in range(3):
            found.add(self.start_one(number, options).communicate(timeout=run.SECONDS)[0])
        self.assertEqual(len(found), 3)


def main():
    run.TENON = str(pathlib.Path(sys.argv[1]).resolve())
    return run.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
