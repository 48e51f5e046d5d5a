#!/usr/bin/env python3
"""Tests of the command line: runs the program and looks at what it prints and at its exit code.

    tests/cli/run.py TENON [NAME…]

Each test is a sentence about behaviour. The last line is "N passed, N failed, N skipped".
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GUESTS = HERE / "guests"
EXAMPLES = ROOT / "examples"
TENON = ""
SECONDS = 60 * float(os.environ.get("TENON_TIME_FACTOR", "1"))  # for one run, sanitizers included


class Process(subprocess.Popen):
    """One that does not outlive its test."""

    def __exit__(self, *exception):
        self.kill()
        super().__exit__(*exception)


def wait_until(condition, what):
    """What the condition gives as soon as that is true."""
    end = time.monotonic() + SECONDS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


def wait_for_handler(process, number):
    """Until a program catches a signal, or blocks it to wait for it, or has ended."""
    status = pathlib.Path("/proc/%d/status" % process.pid)

    def has_handler():
        masks = re.findall(r"(?m)^Sig(?:Cgt|Blk):\s*([0-9a-f]+)$", status.read_text(encoding="ascii"))
        return process.poll() is not None or any(int(mask, 16) >> (number - 1) & 1 for mask in masks)
    wait_until(has_handler, "a handler of signal %d" % number)


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "LANG": "C.UTF-8",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def tenon(self, *arguments, stdin=b"", stdout=subprocess.PIPE, **environment):
        done = subprocess.run([TENON, *map(str, arguments)], input=stdin, stdout=stdout, stderr=subprocess.PIPE,
                              cwd=self.folder, env={**self.environment, **environment}, timeout=SECONDS, check=False)
        return Done(done.returncode, (done.stdout or b"").decode(errors="replace"),
                    done.stderr.decode(errors="replace"))

    def expect(self, done, code, out=None, err=None):
        said = "\nstandard output: %s\nstandard error: %s" % (done.out[:2000], done.err[:2000])
        self.assertEqual(done.code, code, said)
        if out is not None:
            self.assertEqual(done.out, out, said)
        for part in [err] if isinstance(err, str) else err or []:
            self.assertIn(part, done.err, said)
        return done

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, *arguments):
        return Process([TENON, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, cwd=self.folder, env=self.environment)

    def signalled(self, number, *arguments):
        """Exit code and messages of a run that gets a signal once the guest has had time to start."""
        with self.start(*arguments) as process:
            wait_for_handler(process, number)
            time.sleep(1)
            process.send_signal(number)
            out, err = process.communicate(timeout=SECONDS)
        return Done(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


class Commands(Case):
    def test_version_is_one_line(self):
        done = self.expect(self.tenon("version"), 0)
        self.assertRegex(done.out, r"^tenon \d+\.\d+\.\d+\n$")
        self.assertEqual(self.tenon("--version").out, done.out)
        self.assertEqual(self.tenon("run", "-V").out, done.out)

    def test_without_arguments_it_explains_itself_and_fails(self):
        done = self.expect(self.tenon(), 112)
        self.assertIn("Usage:", done.out)

    def test_help_lists_every_command_and_exit_code(self):
        done = self.expect(self.tenon("--help"), 0)
        for word in ("run", "exec", "serve", "check", "compile", "inspect", "wast", "completion", "help", "version", "124", "134"):
            self.assertRegex(done.out, r"(?m)^  %s " % word)
        self.assertEqual(self.tenon("help").out, done.out)

    def test_each_command_has_its_own_help(self):
        for command in ("run", "exec", "serve", "check", "compile", "inspect", "wast", "completion", "help", "version"):
            done = self.expect(self.tenon("help", command), 0)
            self.assertIn("tenon ", done.out)
            self.assertEqual(self.tenon(command, "--help").out, done.out)

    def test_help_fits_a_line(self):
        for command in ("run", "exec", "serve"):
            for line in self.tenon("help", command).out.splitlines():
                self.assertLessEqual(len(line), 100, line)

    def test_help_about_nothing_known_is_an_error(self):
        self.expect(self.tenon("help", "nothing"), 112, err="nothing")

    def test_a_group_explains_itself(self):
        done = self.expect(self.tenon("run", "-W", "help"), 0)
        self.assertIn("max-memory-size=SIZE", done.out)
        self.assertNotIn("inherit-network", done.out)

    def test_the_documentation_is_what_the_tables_say(self):
        for option, name in (("--markdown", "cli.md"), ("--man", "tenon.1"), ("--settings", "serve-settings.md")):
            done = self.expect(self.tenon("help", option), 0)
            self.assertEqual(done.out, (ROOT / "docs" / name).read_text(encoding="utf-8"), "run make docs")

    def test_the_manual_page_has_no_errors(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        page = self.write("tenon.1", self.tenon("help", "--man").out)
        done = subprocess.run(["man", "--warnings", "-l", str(page)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**self.environment, "MANPAGER": "cat", "PAGER": "cat"}, check=False)
        self.assertEqual(done.stderr.decode(), "")
        self.assertIn("max-memory-size", done.stdout.decode(errors="replace"))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for command in (["help"], ["version"], ["help", "--man"], ["completion", "bash"]):
                self.expect(self.tenon(*command, stdout=full), 113, err="No space left")


class Options(Case):
    def test_an_unknown_option_gets_a_suggestion(self):
        self.expect(self.tenon("run", "--max-memroy", "1", "x.wasm"), 112, err="did you mean --max-memory?")
        self.expect(self.tenon("run", "-W", "fule=1", "x.wasm"), 112, err="did you mean -W fuel?")
        self.expect(self.tenon("run", "-S", "inherit-netwrk", "x.wasm"), 112, err="did you mean -S inherit-network?")
        self.expect(self.tenon("run", "-Z", "x.wasm"), 112, err="unknown option -Z")
        self.expect(self.tenon("run", "--entirely-different", "x.wasm"), 112, err="unknown option")

    def test_an_unknown_command_gets_a_suggestion(self):
        self.expect(self.tenon("inspekt"), 112, err="did you mean tenon inspect?")

    def test_an_option_of_another_command_is_refused(self):
        self.expect(self.tenon("inspect", "--fuel", "1", "x.wasm"), 112, err="another command")

    def test_a_missing_value_is_an_error(self):
        self.expect(self.tenon("run", "--fuel"), 112, err="needs a value")
        self.expect(self.tenon("run", "-W"), 112, err="needs options")
        self.expect(self.tenon("run", "-W", "fuel", "x.wasm"), 112, err="needs a value")

    def test_values_are_checked(self):
        for option, value in (("--fuel", "much"), ("--fuel", "-1"), ("--fuel", "18446744073709551616"),
                              ("--max-memory", "64XB"), ("--max-memory", "99999999999TiB"), ("--timeout", "soon"),
                              ("--timeout", "0"), ("--max-handles", "4294967296"), ("--compiler", "gcc"),
                              ("--opt-level", "9"), ("--timeout", "1.s")):
            self.expect(self.tenon("run", option, value, "x.wasm"), 112, err=[option, value])
        self.expect(self.tenon("run", "--inherit-env=maybe", "x.wasm"), 112, err="neither y nor n")
        self.expect(self.tenon("run", "-W", "trap-on-grow-failure=n", "x.wasm"), 112, err="cannot be had")

    def test_a_command_without_its_file_is_an_error(self):
        for command in ("run", "exec", "serve", "check", "compile", "inspect", "wast", "completion"):
            self.expect(self.tenon(command), 112, err="takes")
        self.expect(self.tenon("completion", "csh"), 112, err="bash, zsh or fish")

    def test_options_end_at_the_file(self):
        done = self.expect(self.tenon(EXAMPLES / "hello.wat", "--help", "-W", "fuel"), 0)
        self.assertIn("  --help\n  -W\n  fuel\n", done.out)

    def test_two_dashes_end_the_options(self):
        done = self.expect(self.tenon("run", "--", EXAMPLES / "hello.wat", "one"), 0)
        self.assertIn("  one\n", done.out)

    def test_all_spellings_of_a_limit_work(self):
        for spelling in (["--fuel", "1000"], ["--fuel=1000"], ["-W", "fuel=1000"], ["-Wfuel=1000"],
                         ["-W", "max-memory-size=1000000,fuel=1000"]):
            self.expect(self.tenon("run", *spelling, GUESTS / "loop.wat"), 118)


class Running(Case):
    def test_a_file_alone_is_run(self):
        greeting = "Hello from a component. My arguments:\n  hello.wat\n  one\n  two words\n"
        self.expect(self.tenon(EXAMPLES / "hello.wat", "one", "two words"), 0, greeting, "")
        self.expect(self.tenon("run", EXAMPLES / "hello.wat", "one", "two words"), 0, greeting, "")

    def test_the_program_name_can_be_chosen(self):
        done = self.expect(self.tenon("run", "--argv0", "greeter", EXAMPLES / "hello.wat"), 0)
        self.assertIn("  greeter\n", done.out)

    def test_the_guests_exit_code_is_ours(self):
        for code in (0, 1, 7, 100, 125):
            self.expect(self.tenon(GUESTS / "exit.wat", code), code, "", None)

    def test_a_run_that_returns_an_error_ends_with_1(self):
        self.expect(self.tenon(GUESTS / "failing.wat"), 1, "")

    def test_standard_input_reaches_the_guest(self):
        text = os.urandom(300000)
        done = subprocess.run([TENON, str(GUESTS / "cat.wat"), "-"], input=text, stdout=subprocess.PIPE,
                              env=self.environment, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, text)

    def test_the_environment_is_passed_by_name_only(self):
        self.expect(self.tenon(GUESTS / "environ.wat", SECRET="x"), 0, "")
        done = self.tenon("run", "--env", "A=1", "-eB=two=2", "--env", "GIVEN", "--env", "ABSENT",
                          GUESTS / "environ.wat", GIVEN="yes", SECRET="x")
        self.expect(done, 0, "A=1\0B=two=2\0GIVEN=yes\0")

    def test_the_whole_environment_can_be_passed(self):
        for option in (["--inherit-env"], ["-S", "inherit-env"], ["-S", "inherit-env=y"]):
            done = self.expect(self.tenon("run", *option, GUESTS / "environ.wat", GIVEN="yes"), 0)
            self.assertIn("GIVEN=yes\0", done.out)
        self.expect(self.tenon("run", "--inherit-env=n", GUESTS / "environ.wat", GIVEN="yes"), 0, "")

    def test_the_guest_can_be_told_where_it_starts(self):
        guest = GUESTS / "working-directory.wat"
        self.expect(self.tenon("run", "--invoke", "cwd()", guest), 0, "none\n")
        for option in (["--cwd", "/data"], ["-S", "cwd=/data"]):
            self.expect(self.tenon("run", *option, "--invoke", "cwd()", guest), 0, 'some("/data")\n')

    def test_output_can_be_thrown_away(self):
        hello = EXAMPLES / "hello.wat"
        self.assertIn("Hello", self.expect(self.tenon("run", "-S", "inherit-stdout", hello), 0).out)
        self.expect(self.tenon("run", "-S", "inherit-stdout=n", hello), 0, "")
        for stream, kept, lost in (("stdout", "err", "out"), ("stderr", "out", "err")):
            done = self.tenon("run", f"--inherit-{stream}=n", "--max-output=1KiB", GUESTS / "both-streams.wat")
            self.assertIn("xxxx", getattr(done, kept))
            self.assertNotIn("xxxx", getattr(done, lost))

    def test_standard_input_can_be_empty(self):
        self.expect(self.tenon("run", GUESTS / "cat.wat", "-", stdin=b"text"), 0, "text")
        self.expect(self.tenon("run", "--inherit-stdin=n", GUESTS / "cat.wat", "-", stdin=b"text"), 0, "")

    def with_closed(self, redirection, *arguments, stdin=b""):
        command = ["sh", "-c", 'exec "$0" "$@" ' + redirection, TENON, *map(str, arguments)]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              env=self.environment, timeout=SECONDS, check=False)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def test_closed_standard_streams_are_empty_and_take_everything(self):
        self.expect(self.with_closed("<&-", "run", GUESTS / "cat.wat", "-"), 0, "", "")
        self.expect(self.with_closed(">&-", "run", GUESTS / "cat.wat", "-", stdin=b"text"), 0, "", "")
        self.expect(self.with_closed("2>&-", "run", GUESTS / "cat.wat", "-", stdin=b"text"), 0, "text", "")
        self.expect(self.with_closed("<&- >&- 2>&-", "run", EXAMPLES / "hello.wat"), 0, "", "")

    def has_open(self, process, name):
        files = pathlib.Path("/proc/%d/fd" % process.pid)
        try:
            return any(os.readlink(file) == str(self.folder / name) for file in files.iterdir())
        except FileNotFoundError:
            return False  # one was closed just now

    def test_a_result_that_nobody_gets_is_an_error(self):
        guest = self.write("f.wat", """(component (core module $m (func (export "f") (result i32) (i32.const 7)))
          (core instance $i (instantiate $m)) (func (export "f") (result u32) (canon lift (core func $i "f"))))""")
        wit = self.write("a.wit", "package a:b; interface c { f: func(); }")
        for command in (["version"], ["--version"], ["help"], ["help", "run"], ["run", "--help"], ["run", "-W", "help"],
                        ["completion", "zsh"], ["run", "--invoke", "f()", guest], ["exec", "--function", "f", guest],
                        ["exec", "--json", "--function", "f", guest], ["inspect", guest], ["inspect", "--json", guest],
                        ["print", guest], ["wit", wit], ["wit", guest], ["compile", "-o", "-", guest], ["strip", guest],
                        ["wast", self.write("a.wast", "(module)")]):
            done = self.expect(self.with_closed(">&-", *command), 113, "")
            self.assertIn("while writing", done.err, command)
        self.expect(self.with_closed(">&-", "run", EXAMPLES / "hello.wat"), 0, "", "")

    def test_a_named_pipe_is_not_at_its_end_before_somebody_writes(self):
        os.mkfifo(self.folder / "pipe")
        with self.start("run", "--dir", ".", GUESTS / "cat.wat", "pipe") as process:
            wait_until(lambda: self.has_open(process, "pipe"), "the pipe to be opened")
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            pipe = os.open(self.folder / "pipe", os.O_RDWR)
            os.write(pipe, b"text")
            wait_until(lambda: fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)) == bytes(4), "the text to be read")
            os.close(pipe)
            out, err = process.communicate(timeout=SECONDS)
        self.assertEqual((process.returncode, out), (0, b"text"), err)

    def test_configuration_values_are_found_in_the_store(self):
        guest = GUESTS / "config.wat"
        self.expect(self.tenon("run", "--config-value", "a=1", "-S", "config,config-var=b=2=3", "--invoke", "get-all()",
                               guest), 0, '[("a", "1"), ("b", "2=3")]\n')
        self.expect(self.tenon("run", "--config-value", "a=1", "--config-value", "a=2", "--invoke", 'get("a")', guest), 0,
                    'some("2")\n')
        self.expect(self.tenon("run", "--invoke", 'get("a")', guest), 0, "none\n")
        self.expect(self.tenon("run", "--config-value", "a", "--invoke", 'get("a")', guest), 112, err="KEY=VALUE")

    def test_no_file_is_reachable_without_a_right(self):
        self.write("secret", "secret")
        done = self.tenon(GUESTS / "cat.wat", "secret")
        self.assertNotEqual(done.code, 0)
        self.assertNotIn("secret", done.out)

    def test_a_granted_directory_is_reachable(self):
        inside = self.folder / "inside"
        inside.mkdir()
        (inside / "file").write_text("content")
        self.expect(self.tenon("run", "--dir", inside, GUESTS / "cat.wat", "file"), 0, "content")
        self.expect(self.tenon("run", "--dir", f"{inside}::/work", GUESTS / "cat.wat", "file"), 0, "content")
        self.expect(self.tenon("run", "--dir", inside, GUESTS / "create.wat", "new"), 0)
        self.assertEqual((inside / "new").read_text(), "made")

    def test_a_read_only_directory_cannot_be_changed(self):
        inside = self.folder / "inside"
        inside.mkdir()
        (inside / "file").write_text("content")
        self.expect(self.tenon("run", "--dir-ro", inside, GUESTS / "cat.wat", "file"), 0, "content")
        done = self.tenon("run", "--dir-ro", inside, GUESTS / "create.wat", "new")
        self.assertNotEqual(done.code, 0)
        self.assertFalse((inside / "new").exists())

    def test_nothing_outside_a_granted_directory_is_reachable(self):
        inside = self.folder / "inside"
        inside.mkdir()
        self.write("secret", "secret")
        (inside / "link").symlink_to("../secret")
        (inside / "absolute").symlink_to(self.folder / "secret")
        (inside / "up").symlink_to("..")
        for path in ("../secret", "link", "absolute", "up/secret", "/secret", str(self.folder / "secret"),
                     "./../secret", "up/inside/../secret"):
            done = self.tenon("run", "--dir", f"{inside}::/", GUESTS / "cat.wat", path)
            self.assertNotIn(done.code, (0, 134), path)
            self.assertEqual(done.out, "", path)

    def test_a_guest_may_remove_what_it_reads(self):
        inside = self.folder / "inside"
        inside.mkdir()
        (inside / "file").write_text("content")
        self.expect(self.tenon("run", "--dir", inside, GUESTS / "unlink.wat"), 0, "content")
        self.assertEqual(list(inside.iterdir()), [])

    def test_a_directory_that_is_not_there_is_an_error(self):
        self.expect(self.tenon("run", "--dir", "nowhere", GUESTS / "cat.wat", "x"), 113, err="nowhere")

    def test_a_full_disk_is_the_guests_to_handle(self):
        with open("/dev/full", "wb") as full:
            self.expect(self.tenon(GUESTS / "chatter.wat", stdout=full), 51)  # ENOSPC of preview 1

    def test_a_closed_pipe_is_the_guests_to_handle(self):
        ours, theirs = os.pipe()
        os.close(ours)
        with os.fdopen(theirs, "wb") as closed:
            self.expect(self.tenon(GUESTS / "chatter.wat", stdout=closed), 64)  # EPIPE of preview 1

    def test_what_winch_does_not_support_is_named_with_what_to_do(self):
        for kind, body in (("tail calls", "(func $f) (func (export \"_start\") (return_call $f))"),
                           ("exceptions", "(tag $e) (func (export \"_start\") (throw $e))"),
                           ("gc", "(type $s (struct)) (func (export \"_start\") (drop (struct.new $s)))")):
            guest = self.write("guest.wat", "(module %s)" % body)
            done = self.tenon("run", "--compiler", "winch", guest)
            self.expect(done, 115, "", ["Winch does not support what the module uses: ", kind,
                                        "hint: compile it with Cranelift: --compiler cranelift\n"])
        self.expect(self.tenon("run", "--compiler", "winch", "-g", EXAMPLES / "hello.wat"), 115, "",
                    ["Winch does not", "hint: compile it with Cranelift: --compiler cranelift\n"])
        wrong = self.write("wrong.wat", "(module (func (export \"_start\") (drop)))")
        done = self.tenon("run", "--compiler", "winch", wrong)
        self.expect(done, 114, "", "type mismatch")
        self.assertNotIn("Winch", done.err)

    def test_winch_runs_the_same_program(self):
        done = self.tenon("run", "--compiler", "winch", EXAMPLES / "hello.wat")
        self.expect(done, 0, "Hello from a component. My arguments:\n  hello.wat\n")


class Invoking(Case):
    CALCULATOR = EXAMPLES / "calculator.wat"

    def test_a_function_is_called_with_typed_arguments(self):
        for call, result in (("area(rect((2.0, 3.0)))", "6"), ("divide(7, 2)", "ok({quotient: 3, remainder: 1})"),
                             ("divide(7, 0)", 'err("division by zero")'), ("sum([1, 2, 3])", "6"), ("sum([])", "0"),
                             ("area(circle(inf))", "inf"), ("invert(10)", "100")):
            done = self.expect(self.tenon("run", "--invoke", call, self.CALCULATOR), 0, err="")
            self.assertEqual(done.out, result + "\n", call)

    def test_arguments_may_stand_behind_the_file(self):
        self.expect(self.tenon("run", "--invoke", "divide", self.CALCULATOR, "7", "2"), 0,
                    "ok({quotient: 3, remainder: 1})\n")

    def test_an_unknown_function_is_named(self):
        self.expect(self.tenon("run", "--invoke", "multiply(1, 2)", self.CALCULATOR), 117, "", "multiply")

    def test_arguments_of_the_wrong_type_are_refused(self):
        for call in ("divide(7)", "divide(7, 2, 1)", "divide(-1, 2)", 'divide("7", 2)', "divide(7, 2",
                     "area(triangle(1.0))", "sum([1, true])", "divide(4294967296, 1)"):
            self.expect(self.tenon("run", "--invoke", call, self.CALCULATOR), 112, "")

    def test_a_trap_says_what_and_where(self):
        done = self.expect(self.tenon("run", "--invoke", "invert(0)", self.CALCULATOR), 134, "", "divide by zero")
        self.assertIn("backtrace:", done.err)
        self.assertRegex(done.err, r"(?m)^   0: Main!invert\+0x[0-9a-f]+ at 0x[0-9a-f]+ in calculator\.wat$")

    def test_a_backtrace_tells_the_instances_of_nested_components(self):
        done = self.expect(self.tenon("run", "--invoke", "work()", GUESTS / "nested.wat"), 134, "", "unreachable")
        lines = [line.split(": ", 1)[1] for line in done.err.split("backtrace:\n")[1].splitlines()]
        for line, frame in zip(lines, ("libc!abort", "libc!go", "module 1!work"), strict=True):
            self.assertTrue(line.startswith(frame + "+0x"), line)
        self.assertEqual([line.rsplit(" in ")[1] for line in lines], ["app/library"] * 2 + ["app/program"])

    def test_frames_that_repeat_are_shown_once(self):
        done = self.expect(self.tenon("run", GUESTS / "recurse.wat"), 122, "", "more times\n")
        self.assertRegex(done.err, r"\n      … and at least \d\d more times\n")
        self.assertLess(len(done.err.splitlines()), 10)

    def test_a_backtrace_that_the_engine_has_cut_says_so_and_no_other(self):
        for depth, is_cut in ((5, False), (25, True)):
            chain = "".join("(func $f%d (call $f%d))" % (i, i + 1) for i in range(depth))
            guest = self.write("deep.wat", '(module (func (export "_start") (call $f0)) %s (func $f%d unreachable))' %
                               (chain, depth))
            done = self.expect(self.tenon("run", guest), 134, "", "!f%d+0x" % depth)
            self.assertEqual("      … frames further out are not kept\n" in done.err, is_cut, done.err)
        guest = self.write("counted.wat", """(module (func (export "_start") (call $f (i32.const 5)))
          (func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else unreachable))))""")
        done = self.expect(self.tenon("run", guest), 134, "", "      … and 4 more times\n")


class Refusals(Case):
    def test_a_file_that_cannot_be_read_is_named(self):
        self.expect(self.tenon("run", "absent.wasm"), 113, "", ["absent.wasm", "No such file"])
        self.expect(self.tenon("absent.wasm"), 113, "", "absent.wasm")
        self.expect(self.tenon("run", self.folder), 113, "")
        self.expect(self.tenon("inspect", "absent.wasm"), 113, "", "absent.wasm")
        self.expect(self.tenon("compile", "absent.wasm"), 113, "", "absent.wasm")
        self.expect(self.tenon("wast", "absent.wast"), 113, "", "absent.wast")

    def test_what_is_not_webassembly_is_refused(self):
        header = b"\0asm\x0d\0\1\0"
        for content in (b"", b"\0", b"\0asm", header[:7], b"\0asm\xff\0\0\0", header + b"\xff", os.urandom(4096),
                        header + b"\1\xff\xff\xff\xff\x0f", b"#!/bin/sh\n", b"(component", b"(module (funk))",
                        header + b"\4\x09" + header, "(component ) ű".encode(), b"\xff\xfe(\0"):
            path = self.write("bad.wasm", content)
            done = self.tenon("run", path)
            self.expect(done, 114, "")
            self.assertTrue(done.err.startswith("error: "), done.err)

    def test_wrong_text_is_shown_with_its_place(self):
        path = self.write("bad.wat", '(module\n  (func (export "f") (result i32)\n    i32.cnst 5))\n')
        self.expect(self.tenon("run", path), 114, "", ["bad.wat: line 3, column 5: ", "`i32.cnst 5))`\n"])

    def test_a_preamble_that_is_cut_off_is_no_unknown_version(self):
        self.expect(self.tenon("run", self.write("cut.wasm", b"\0asm\x0d\0")), 114, "", "cut off")
        self.expect(self.tenon("run", self.write("new.wasm", b"\0asm\x0d\0\7\0")), 114, "", "unknown version")

    def test_a_file_without_end_is_refused(self):
        for command in ("run", "compile", "inspect"):
            self.expect(self.tenon(command, "/dev/zero"), 112, "", "/dev/zero: there is more than 1 GiB in it")

    def test_a_core_function_that_cannot_be_called_is_said_to_be_exported(self):
        path = self.write("types.wat", '(module (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2)))')
        self.expect(self.tenon("run", "--invoke", "two", path), 115, "", ["`two` is exported", "type cannot be called"])
        self.expect(self.tenon("run", "--invoke", "three", path), 117, "", "no function `three` is exported")

    def test_deep_nesting_is_refused_and_not_followed(self):
        path = self.write("deep.wat", "(component " * 20000 + ")" * 20000)
        self.expect(self.tenon("run", path), 114, "")

    def test_an_invalid_module_is_refused(self):
        self.expect(self.tenon("run", GUESTS / "invalid.wat"), 114, "")

    def test_a_missing_import_is_named(self):
        self.expect(self.tenon("run", GUESTS / "missing-import.wat"), 116, "", "company:product/tools@1.2.0")

    def test_an_import_of_the_wrong_type_says_what_was_expected(self):
        self.expect(self.tenon("run", GUESTS / "wrong-import.wat"), 116, "", "get-arguments")

    def test_spellings_of_wasmtime_are_taken(self):
        groups = ("-S", "cli,max-component-handles=5", "-W", "component-model=y,nan-canonicalization,epoch-interruption")
        self.expect(self.tenon("run", *groups, GUESTS / "exit.wat", "4"), 4)
        self.expect(self.tenon("run", "-S", "cli=n", GUESTS / "exit.wat", "4"), 112, "", "cannot be switched off")

    def test_what_is_not_supported_is_named(self):
        self.expect(self.tenon("run", "--invoke", "number()", GUESTS / "asynchronous.wat"), 115, "", "stream.new")

    def test_control_characters_do_not_reach_the_terminal(self):
        done = self.expect(self.tenon("run", "a\x1b[31m.wasm"), 113, "")
        self.assertNotIn("\x1b", done.err)

    def test_colours_are_for_terminals_only(self):
        self.assertNotIn("\x1b", self.tenon("run", "absent.wasm").err)
        self.assertIn("\x1b[", self.on_terminal())
        self.assertNotIn("\x1b", self.on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal(TERM="dumb"))

    def on_terminal(self, **environment):
        ours, theirs = pty.openpty()
        try:
            subprocess.run([TENON, "run", "absent.wasm"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=theirs, cwd=self.folder, timeout=SECONDS, check=False,
                           env={**self.environment, "TERM": "xterm", **environment})
            return os.read(ours, 65536).decode(errors="replace")
        finally:
            os.close(ours)
            os.close(theirs)


class Linking(Case):
    """tenon run --link: components that meet imports of what is run, each with its own rights."""
    APP, STORE, FRONT = GUESTS / "values-app.wat", GUESTS / "values-store.wat", GUESTS / "environment-front.wat"
    READ = 'read("A")'

    def run_app(self, *links, call=READ, options=()):
        return self.tenon("run", *[part for link in links for part in ("--link", link)], *options, "--invoke", call,
                          self.APP)

    def test_a_linked_component_has_no_rights_but_its_own(self):
        self.expect(self.run_app(self.STORE, options=["--env", "A=app"]), 0, '""\n')
        self.expect(self.run_app("%s;env=A=store" % self.STORE, options=["--env", "A=app"]), 0, '"store"\n')
        self.expect(self.run_app("%s;env=A=store" % self.STORE, call="own-variables()"), 0, "0\n")

    def test_separators_can_be_meant_as_such(self):
        self.expect(self.run_app(r"%s;env=A=x\;y\\;env=B=z" % self.STORE), 0, '"x;y\\\\"\n')

    def test_a_component_stands_in_front_of_wasi(self):
        front = "%s;env=A=front;env=B=2" % self.FRONT
        self.expect(self.run_app(self.STORE, front, call="own-variables()"), 0, "2\n")
        self.expect(self.run_app(self.STORE, front), 0, '"front"\n')

    def test_arguments_behind_the_file_are_the_guests(self):
        done = self.tenon("run", "--link", "%s;env=A=1" % self.STORE, "--invoke", "read", self.APP, '"A"')
        self.expect(done, 0, '"1"\n')

    def test_an_import_that_nothing_meets_is_told_with_what_would(self):
        done = self.run_app()
        self.expect(done, 116, "", ["import `demo:store/values@1.0.0` (interface) is not provided", "--link"])
        text = self.STORE.read_text().replace("values@1.2.0", "values@2.0.0")
        (self.folder / "newer.wat").write_text(text)
        self.expect(self.run_app("newer.wat"), 116, "", "newer.wat exports `demo:store/values@2.0.0`, which is not compatible")

    def test_a_mismatch_says_where_the_types_differ(self):
        text = self.STORE.read_text().replace('(param "key" string) (result string)', '(param "key" (list u8)) (result string)')
        (self.folder / "other.wat").write_text(text)
        self.expect(self.run_app("other.wat"), 116, "",
                    "import `demo:store/values@1.0.0#value` has the wrong type: parameter `key`: expected `string`, given "
                    "`list<u8>`; values-app.wat expects `func(key: string) -> string`, other.wat provides")

    def test_a_circle_is_refused(self):
        for name, imported, exported in (("a", "t:b/i", "t:a/i"), ("b", "t:a/i", "t:b/i")):
            (self.folder / (name + ".wat")).write_text(
                '(component (import "%s" (instance $i (export "f" (func)))) (export "%s" (instance $i)))' % (imported, exported))
        (self.folder / "app.wat").write_text('(component (import "t:a/i" (instance (export "f" (func)))))')
        self.expect(self.tenon("run", "--link", "a.wat", "--link", "b.wat", "app.wat"), 116, "",
                    "components import each other in a circle: a.wat imports `t:b/i` from b.wat, b.wat imports `t:a/i` from a.wat")
        self.expect(self.tenon("run", "--link", "b.wat", "a.wat"), 116, "",
                    "components import each other in a circle: a.wat imports `t:b/i` from b.wat, b.wat imports `t:a/i` from a.wat")

    def test_what_takes_no_part_is_told(self):
        done = self.run_app("%s;env=A=1" % self.STORE, self.APP)
        self.expect(done, 0, '"1"\n', "warning: nothing imports what --link %s exports" % self.APP)

    def test_core_modules_are_not_linked(self):
        module = GUESTS / "exit.wat"
        self.expect(self.run_app(module), 116, "", "is a core module: only components can be linked with")
        self.expect(self.tenon("run", "--link", self.STORE, module), 116, "", "a core module cannot be linked")

        self.expect(self.run_app(module), 116, "", "`tenon new` makes a component of a core module")

    def test_one_file_is_read_from_standard_input(self):
        given = {"stdin": self.STORE.read_bytes()}
        self.expect(self.tenon("run", "--link", "-;env=A=in", "--invoke", self.READ, self.APP, **given), 0, '"in"\n')
        given = {"stdin": self.APP.read_bytes()}
        self.expect(self.tenon("run", "--link", "%s;env=A=1" % self.STORE, "--invoke", self.READ, "-", **given), 0, '"1"\n')
        done = self.tenon("run", "--link", "-", "--invoke", self.READ, "-", **given)
        self.expect(done, 112, "", "only one component can be read from standard input")

    def test_what_stands_in_front_of_nothing_is_told_where_its_import_comes_from(self):
        def component(name, body):
            (self.folder / (name + ".wat")).write_text("(component %s)" % body)

        given = '(import "t:a/i" (instance $i (export "f" (func)))) '
        component("front", given + '(export "t:a/i" (instance $i)) (export "t:c/i" (instance $i))')
        component("back", '(import "t:b/i" (instance $i (export "f" (func)))) (export "t:a/i" (instance $i))')
        component("app", '(import "t:c/i" (instance (export "f" (func))))')
        self.expect(self.tenon("run", "--link", "front.wat", "app.wat"), 116, "", [
            "front.wat: import `t:a/i` (interface) is not provided",
            "hint: front.wat exports it, too, and so gets it only from what comes behind it in the link: put what it is to"])
        self.expect(self.tenon("run", "--link", "back.wat", "--link", "front.wat", "app.wat"), 116, "",
                    "what comes behind it in the link: put back.wat there")
        self.expect(self.tenon("run", "--link", "front.wat", "--link", "back.wat", "app.wat"), 116, "",
                    "back.wat: import `t:b/i` (interface) is not provided")
        self.expect(self.tenon("run", "--link", "front.wat", "--link", "front.wat", "app.wat"), 116, "",
                    "what comes behind it in the link: put what it is to get it from there")

    def test_mistakes_in_what_is_granted_are_told(self):
        for right, message in (("foo=1", "`foo` is not a right"), ("dir", "`dir` needs a value"),
                               ("timeout=1s", "`timeout` is not a right"), ("inherit-stdout=maybe", "`inherit-stdout=maybe` is neither y nor n")):
            with self.subTest(right=right):
                self.expect(self.run_app("%s;%s" % (self.STORE, right)), 112, "", message)
        self.expect(self.run_app("%s;dir=missing" % self.STORE), 113, "", "directory missing")
        self.expect(self.run_app(";env=A=1"), 112, "", "names no file")
        self.expect(self.run_app("missing.wasm"), 113, "", "missing.wasm")

    def test_calls_between_linked_components_come_from_the_cache(self):
        for turn in range(2):
            self.expect(self.run_app("%s;env=A=1" % self.STORE), 0, '"1"\n')
            entries = len([f for f in (self.folder / "cache" / "tenon").iterdir() if f.is_file()])
            if turn == 0:
                before = entries
        self.assertEqual(before, entries)
        self.assertEqual(entries, 3)  # two components, and what is between them


class Limits(Case):
    def test_fuel_runs_out(self):
        self.expect(self.tenon("run", "--fuel", "100000", GUESTS / "loop.wat"), 118, "", "fuel")

    def test_enough_fuel_does_not_matter(self):
        self.expect(self.tenon("run", "--fuel", "100000000", EXAMPLES / "hello.wat"), 0)

    def test_time_runs_out_while_running(self):
        self.ends_in_time("loop.wat")

    def test_time_runs_out_while_blocked(self):
        self.ends_in_time("sleep.wat")

    def ends_in_time(self, guest):
        start = time.monotonic()
        self.expect(self.tenon("run", "--timeout", "300ms", GUESTS / guest), 124, "",
                    ["error: the guest ran longer than its limit of 0.3 s\n", "hint: raise --timeout\n"])
        self.assertLess(time.monotonic() - start, 20)

    def test_memory_is_limited(self):
        self.expect(self.tenon("run", "--max-memory", "1MiB", GUESTS / "grow.wat"), 119, "", "memory")
        self.expect(self.tenon("run", "-W", "max-memory-size=1048576", GUESTS / "grow.wat"), 119)

    def test_a_memory_that_starts_too_large_is_refused(self):
        self.expect(self.tenon("run", "--max-memory", "1KiB", GUESTS / "exit.wat", "0"), 119)

    def test_tables_are_limited(self):
        self.expect(self.tenon("run", "--max-table-elements", "1000", GUESTS / "tables.wat"), 119, "", "table")

    def test_the_stack_is_limited(self):
        self.expect(self.tenon("run", GUESTS / "recurse.wat"), 122, "", "stack")

    def test_a_called_function_has_the_stack_that_it_may_use(self):
        guest = self.write("deep.wat", """
            (component
              (core module $M (func $deep (export "deep") (param i32) (result i32)
                (if (result i32) (local.get 0)
                  (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                  (else (i32.const 0)))))
              (core instance $m (instantiate $M))
              (func (export "deep") (param "n" u32) (result u32) (canon lift (core func $m "deep"))))""")
        for size in ("64KiB", "8MiB", "9MiB", "64MiB", "1GiB"):
            self.expect(self.tenon("run", "--max-stack", size, "--invoke", "deep(4000000000)", guest), 122, "",
                        "call stack exhausted")
        self.expect(self.tenon("run", "--max-stack", "64MiB", "--invoke", "deep(1000000)", guest), 0, "1000000\n")
        for size in ("2GiB", "1000000GiB"):
            self.expect(self.tenon("run", "--max-stack", size, "--invoke", "deep(1)", guest), 112, "", "stack of")
        for call, code, out in (("deep(10000)", 0, b"10000\n"), ("deep(4000000000)", 122, b"")):
            command = ["sh", "-c", "ulimit -s 512; exec \"$0\" run --invoke \"$1\" \"$2\"", TENON, call, str(guest)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
                                  timeout=SECONDS, check=False)
            self.assertEqual((done.returncode, done.stdout), (code, out), done.stderr)

    def with_small_files(self, *arguments):
        """No file may be larger than 4 KiB."""
        code = ("import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
                "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])")
        done = subprocess.run([sys.executable, "-c", code, TENON, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder, env=self.environment,
                              timeout=SECONDS, check=False)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))

    def test_a_file_that_may_not_grow_is_an_error_and_no_end(self):
        guest = self.write("grows.wat", """
            (module
              (import "wasi_snapshot_preview1" "path_open" (func $open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "grown") (data (i32.const 16) "\\00\\04\\00\\00\\00\\80\\00\\00")
              (func (export "_start")
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 1)
                  (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
                (drop (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))
                (call $exit (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40)))))""")
        self.expect(self.with_small_files("run", "--no-cache", "--dir", ".", guest), 22)  # EFBIG
        self.expect(self.with_small_files("compile", EXAMPLES / "hello.wat", "-o", "big.cwasm"), 113, "", "File too large")
        done = self.with_small_files("run", "--cache-dir", "small-cache", EXAMPLES / "hello.wat")
        self.expect(done, 0, self.tenon("run", EXAMPLES / "hello.wat").out)
        self.assertEqual([], list((self.folder / "small-cache").iterdir()))
        self.assertEqual([], [path.name for path in self.folder.iterdir() if "big.cwasm" in path.name])

    def test_groups_have_long_names_and_take_an_equals_sign(self):
        loop = GUESTS / "loop.wat"
        for spelling in (["--wasm", "fuel=1000"], ["--wasm=fuel=1000"], ["-W=fuel=1000"], ["-Wfuel=1000"]):
            self.expect(self.tenon("run", *spelling, loop), 118, "", "fuel")
        hello = EXAMPLES / "hello.wat"
        self.expect(self.tenon("run", "--wasi", "inherit-network", "--optimize", "opt-level=2", "--codegen",
                               "compiler=winch", "--debug", "debug-info=n", hello), 0)
        self.expect(self.tenon("run", "--wasm"), 112, "", "-W needs options")
        self.expect(self.tenon("inspect", "--wasm", hello), 112, "", "unknown option --wasm")

    def test_what_is_fixed_is_accepted_as_it_is_and_refused_by_name_otherwise(self):
        hello = EXAMPLES / "hello.wat"
        for accepted in ("-Wsimd", "-Wgc=y,bulk-memory,threads=n", "-Spreview2,p3=n"):
            self.expect(self.tenon("run", accepted, hello), 0)
        self.expect(self.tenon("run", "-Wsimd=n", hello), 112, "", "-W simd cannot be switched off: Tenon always has it")
        self.expect(self.tenon("run", "-Wsimd=1.5", hello), 112, "", "-W simd: 1.5 is neither y nor n")
        self.expect(self.tenon("run", "-Wthreads", hello), 112, "", "-W threads is not supported by Tenon\nhint: memories")
        self.expect(self.tenon("run", "-Sp3", hello), 112, "", "-S p3 is not supported by Tenon")
        for option in ("--config", "--preload", "--profile"):
            self.expect(self.tenon("run", option, "x", hello), 112, "", option + " is not supported by Tenon\nhint:")
        self.expect(self.tenon("run", "-R", "path=x", hello), 112, "", "-R is not supported by Tenon\nhint: tenon exec --record")
        for accepted in ("-Oregalloc-algorithm=backtracking,memory-init-cow,static-memory-forced=n", "-Dmax-backtrace=20",
                         "-Shostcall-fuel=1000000"):
            self.expect(self.tenon("run", accepted, hello), 0)
        self.expect(self.tenon("run", "-Oregalloc-algorithm=single-pass", hello), 112, "",
                    "-O regalloc-algorithm: Tenon supports backtracking only\nhint:")
        self.expect(self.tenon("run", "-Omemory-reservation=65536", hello), 112, "",
                    "-O memory-reservation is not supported by Tenon\nhint:")
        self.expect(self.tenon("run", "-Ccranelift-enable-alias-analysis=true", hello), 112, "",
                    "-C cranelift-enable-alias-analysis is not supported by Tenon\nhint:")

    # Measured with `wasmtime run -O help` and so on, version 48.
    WASMTIMES = {
        "O": """opt-level regalloc-algorithm memory-may-move memory-reservation memory-reservation-for-growth
            memory-guard-size gc-heap-may-move gc-heap-reservation gc-heap-reservation-for-growth
            gc-heap-guard-size gc-heap-initial-size guard-before-linear-memory table-lazy-init
            pooling-allocator pooling-decommit-batch-size pooling-memory-keep-resident
            pooling-table-keep-resident pooling-memory-protection-keys pooling-max-memory-protection-keys
            memory-init-cow memory-guaranteed-dense-image-size pooling-total-core-instances
            pooling-total-component-instances pooling-total-memories pooling-total-tables
            pooling-total-stacks pooling-max-memory-size pooling-table-elements
            pooling-max-core-instance-size pooling-max-unused-warm-slots pooling-async-stack-keep-resident
            pooling-max-component-instance-size pooling-max-core-instances-per-component
            pooling-max-memories-per-component pooling-max-tables-per-component
            pooling-max-tables-per-module pooling-max-memories-per-module pooling-total-gc-heaps
            signals-based-traps dynamic-memory-guard-size static-memory-guard-size static-memory-forced
            static-memory-maximum-size dynamic-memory-reserved-for-growth pooling-pagemap-scan
            gc-zeal-alloc-counter""",
        "C": """compiler collector cranelift-debug-verifier cache cache-config parallel-compilation
            native-unwind-info inlining metadata-for-internal-asserts metadata-for-gc-heap-corruption
            cranelift-enable-alias-analysis""",
        "D": """debug-info guest-debug address-map logging log-to-files coredump debugger arg inherit-stdin
            inherit-stdout inherit-stderr max-backtrace symbols""",
        "W": """nan-canonicalization fuel epoch-interruption max-wasm-stack async-stack-size async-stack-zeroing
            unknown-exports-allow unknown-imports-trap unknown-imports-default wmemcheck max-memory-size
            max-table-elements max-instances max-tables max-memories trap-on-grow-failure timeout
            all-proposals bulk-memory multi-memory multi-value reference-types simd relaxed-simd
            relaxed-simd-deterministic tail-call threads shared-memory shared-everything-threads memory64
            component-model component-model-async component-model-more-async-builtins
            component-model-async-stackful component-model-threading component-model-error-context
            component-model-gc component-model-map component-model-memory64 function-references
            stack-switching gc custom-page-sizes wide-arithmetic branch-hinting extended-const exceptions
            gc-support component-model-fixed-length-lists component-model-implements concurrency-support""",
        "S": """cli cli-exit-with-code common nn threads http http-outgoing-body-buffer-chunks
            http-outgoing-body-chunk-size config keyvalue listenfd tcplisten tls preview2 nn-graph
            inherit-network allow-ip-name-lookup tcp udp network-error-code preview0 inherit-env
            inherit-stdin inherit-stdout inherit-stderr cwd config-var keyvalue-in-memory-data p3
            max-resources hostcall-fuel max-component-handles max-random-size max-http-fields-size""",
    }

    def test_every_option_of_wasmtimes_groups_is_known(self):
        for group, names in self.WASMTIMES.items():
            for name in names.split():
                for value in ("", "=y", "=n", "=1"):
                    done = self.tenon("run", "-%s%s%s" % (group, name, value), "absent.wasm")
                    self.assertNotIn("unknown option", done.err)
                    self.assertIn(done.code, (112, 113), done.err)

    def test_a_hint_names_the_commands_own_help(self):
        for command in ("run", "compile", "inspect"):
            self.expect(self.tenon(command, "--zzzzzzzzzzzz"), 112, "", "hint: see tenon %s --help" % command)
            self.expect(self.tenon(command, "-Z"), 112, "", "hint: see tenon %s --help" % command)

    def test_json_is_about_one_file(self):
        hello = EXAMPLES / "hello.wat"
        self.expect(self.tenon("inspect", "--json", hello, hello), 112, "", "inspect --json takes one file")

    def test_text_may_begin_with_a_byte_order_mark(self):
        guest = self.write("marked.wat", "\ufeff" + (GUESTS / "exit.wat").read_text())
        self.expect(self.tenon("run", guest, "5"), 5)

    def test_arguments_are_given_once(self):
        guest = GUESTS / "functions.wat"
        self.expect(self.tenon("run", "--invoke", "add(1, 2)", guest, "extra"), 112, "", "arguments behind the file, extra first")

    def test_handles_are_limited(self):
        self.expect(self.tenon("run", "--max-handles", "100", "--invoke", "make()", GUESTS / "handles.wat"), 120, "",
                    "handle")

    def test_what_the_host_keeps_is_limited(self):
        done = self.expect(self.tenon("run", "--max-host-memory", "1MiB", "--invoke", "make()", GUESTS / "handles.wat"), 119)
        self.assertIn("for the guest, its limit is 1048576", done.err)
        self.assertIn("\nhint: raise --max-host-memory\n", done.err)

    def test_descriptors_of_preview_1_are_limited_as_handles(self):
        self.expect(self.tenon("run", "--max-handles", "10", "--dir", ".", GUESTS / "descriptors.wat"), 120, "",
                    ["error: the guest holds more than 10 handles\n", "hint: raise --max-handles\n"])
        self.expect(self.tenon("run", "--max-handles", "0", GUESTS / "exit.wat", "5"), 5)
        self.expect(self.tenon("run", "--max-handles", "0", "--dir", ".", GUESTS / "exit.wat", "5"), 120, "", "0 handles")

    def test_instances_memories_and_tables_are_counted(self):
        for what, limit, guest in (("instances", 1, EXAMPLES / "hello.wat"), ("memories", 0, EXAMPLES / "hello.wat"),
                                   ("tables", 0, GUESTS / "tables.wat")):
            self.expect(self.tenon("run", "--max-" + what, limit, guest), 120, "",
                        ["%s than its limit of %d" % (what, limit), "hint: raise --max-%s\n" % what])

    def test_every_limit_says_what_would_raise_it(self):
        for option, value, guest in (("--fuel", 1000, "loop.wat"), ("--max-memory", "1MiB", "grow.wat"),
                                     ("--max-table-elements", 1000, "tables.wat"), ("--max-output", 100, "chatter.wat"),
                                     ("--max-stack", "64KiB", "recurse.wat")):
            self.assertIn("\nhint: raise %s\n" % option, self.tenon("run", option, value, GUESTS / guest).err)
        done = self.tenon("run", "--max-handles", 100, "--invoke", "make()", GUESTS / "handles.wat")
        self.assertIn("\nhint: raise --max-handles\n", done.err)

    def test_the_limit_of_output_is_for_both_streams_together(self):
        done = self.expect(self.tenon("run", "--max-output", "100", GUESTS / "both-streams.wat"), 120)
        self.assertEqual(done.out.count("x") + done.err.split("error:")[0].count("x"), 96)

    def test_running_out_of_the_hosts_memory_has_a_code_of_its_own(self):
        if b"__asan_init" in pathlib.Path(TENON).read_bytes():
            self.skipTest("the sanitizer needs more address space than can be left")
        endless = "ulimit -v 150000; head -c 300000000 /dev/zero | \"$0\" inspect /dev/stdin"
        done = subprocess.run(["sh", "-c", endless, TENON], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment, timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, done.stdout), (123, b""))
        self.assertIn(b"out of memory", done.stderr)

    def test_a_guest_that_starts_too_large_misses_no_import(self):
        done = self.expect(self.tenon("run", self.write("memory.wat", "(module (memory i64 281474976710656))")), 119, "")
        self.assertNotIn("import", done.err)
        done = self.expect(self.tenon("run", self.write("shared.wat", "(module (memory 1 2 shared))")), 115, "",
                           "shared memories")
        self.assertNotIn("Config", done.err)
        if b"__asan_init" in pathlib.Path(TENON).read_bytes():
            self.skipTest("the sanitizer needs more address space than can be left")
        for text in ("(module (table 4294967295 funcref))", "(module (memory 65536))"):
            command = ["sh", "-c", "ulimit -v 3000000; exec \"$0\" run \"$1\"", TENON, str(self.write("large.wat", text))]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=self.environment, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, 123, done.stderr)
            self.assertNotIn(b"import", done.stderr)

    def test_output_is_limited(self):
        done = self.expect(self.tenon("run", "--max-output", "1KiB", GUESTS / "chatter.wat"), 120)
        self.assertLessEqual(len(done.out), 1024)

    def test_ctrl_c_ends_a_running_guest(self):
        done = self.expect(self.signalled(signal.SIGINT, "run", GUESTS / "loop.wat"), 130)
        self.assertEqual(done.err.splitlines()[0], "error: interrupted")
        self.expect(self.signalled(signal.SIGINT, "run", "--interruptible", GUESTS / "loop.wat"), 130, "", "error: interrupted\n")

    def test_ctrl_c_ends_a_guest_that_does_not_get_to_its_start(self):
        guest = self.write("start.wat", """(component (core module $m (func $s (loop (br 0))) (start $s) (func (export "f")))
          (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f"))))""")
        for option in ((), ("--interruptible",)):
            self.expect(self.tenon("compile", *option, "-o", "start.cwasm", guest), 0)
            self.expect(self.signalled(signal.SIGINT, "run", *option, "start.cwasm"), 130)

    def test_ctrl_c_ends_a_blocked_guest(self):
        done = self.expect(self.signalled(signal.SIGINT, "run", GUESTS / "sleep.wat"), 130)
        self.assertEqual(done.err.splitlines()[0], "error: interrupted")

    def test_sigterm_ends_a_guest(self):
        self.expect(self.signalled(signal.SIGTERM, "run", GUESTS / "loop.wat"), 143)


class Compiling(Case):
    def compiled(self, *options):
        artifact = self.folder / "hello.cwasm"
        self.expect(self.tenon("compile", *options, "-o", artifact, EXAMPLES / "hello.wat"), 0, "", "")
        return artifact

    def test_compiled_code_runs(self):
        done = self.tenon("run", self.compiled(), "one")
        self.expect(done, 0, "Hello from a component. My arguments:\n  hello.cwasm\n  one\n")

    def test_the_output_is_named_after_the_input(self):
        shutil.copy(GUESTS / "exit.wat", self.folder / "program.wat")
        self.expect(self.tenon("compile", "program.wat"), 0)
        self.expect(self.tenon("run", "program.cwasm", "9"), 9)

    def test_the_output_may_be_standard_output(self):
        done = subprocess.run([TENON, "compile", "-o", "-", str(GUESTS / "exit.wat")], stdout=subprocess.PIPE,
                              env=self.environment, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0)
        self.expect(self.tenon("run", self.write("x.cwasm", done.stdout), "3"), 3)

    def test_compiled_code_under_another_name_needs_consent(self):
        renamed = self.folder / "hello.wasm"
        self.compiled().rename(renamed)
        self.expect(self.tenon("run", renamed), 121, "", "--allow-precompiled")
        self.expect(self.tenon("run", "--allow-precompiled", renamed), 0)

    def test_damaged_compiled_code_is_refused(self):
        artifact = self.compiled()
        whole = artifact.read_bytes()
        for place in (0, 4, 9, 40, len(whole) // 2, len(whole) - 1):
            artifact.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1:])
            done = self.tenon("run", artifact)
            self.assertIn(done.code, (114, 115), "%d: %s" % (place, done.err))
            self.assertEqual(done.out, "")
        for length in (0, 1, 16, 100, len(whole) - 1):
            artifact.write_bytes(whole[:length])
            self.assertIn(self.tenon("run", artifact).code, (114, 115), length)
        artifact.write_bytes(whole + b"x")
        self.assertIn(self.tenon("run", artifact).code, (114, 115))

    def test_compiled_code_runs_whatever_it_was_compiled_with(self):
        for options in (["-C", "compiler=winch"], ["-O", "opt-level=0"], ["-O", "opt-level=s"], ["-g"],
                        ["-W", "deterministic"], ["--fuel", "1"], ["-C", "compiler=winch", "--fuel", "1"]):
            artifact = self.compiled(*options)
            for given in ([], ["--no-cache"], ["-O", "opt-level=2"], ["-C", "compiler=cranelift"], options):
                if "--fuel" not in given:
                    self.expect(self.tenon("run", *given, artifact), 0, err="")

    def test_compiled_code_that_lacks_what_the_run_asks_for_is_refused(self):
        artifact = self.compiled("-C", "compiler=winch")
        self.expect(self.tenon("run", "--fuel", "1000000", artifact), 115, "",
                    ["its code does not count fuel", "hint: compile it again with --fuel 1 (any number"])
        self.expect(self.tenon("run", "-W", "deterministic", artifact), 115, "",
                    ["its code is not deterministic", "hint: compile it again with --deterministic\n"])
        self.expect(self.tenon("exec", artifact), 115, "",
                    ["its code does not count fuel and is not deterministic",
                     "hint: compile it again with --fuel 1 --deterministic\n"])
        self.compiled("-C", "compiler=winch", "--fuel", "1", "-W", "deterministic")
        self.expect(self.tenon("exec", "-q", artifact), 0)

    def test_what_differs_is_named(self):
        artifact = self.compiled("--interruptible")
        self.expect(self.tenon("run", "--timeout", "1h", artifact), 0)
        self.expect(self.tenon("run", "--fuel", "1000000", artifact), 115, "",
                    "(it has fuel=0 interruptible=1; this one has fuel=1 interruptible=0)")
        self.expect(self.tenon("run", artifact), 115, "", "hint: it was compiled with --interruptible: run it with that, "
                    "too, or compile it again without\n")
        self.expect(self.tenon("run", "--interruptible", artifact), 0)
        self.expect(self.tenon("run", "--timeout", "60", self.compiled()), 115, "", "hint: compile it again with "
                    "--interruptible, which a time limit needs, or run it without one\n")

    def test_compiled_code_may_count_fuel(self):
        artifact = self.compiled("--fuel", "1")
        self.expect(self.tenon("run", "--fuel", "100000000", artifact), 0)
        self.expect(self.tenon("run", "--fuel", "10", artifact), 118, "", "fuel")

    def test_what_is_compiled_already_is_refused(self):
        artifact = self.compiled()
        done = self.expect(self.tenon("compile", artifact, "-o", "again.cwasm"), 112, "", "hello.cwasm is compiled already")
        self.assertNotIn("hint", done.err)

    def test_a_full_disk_is_reported(self):
        self.expect(self.tenon("compile", "-o", "/dev/full", GUESTS / "exit.wat"), 113, "", "No space left")
        self.expect(self.tenon("compile", "-o", "nowhere/x.cwasm", GUESTS / "exit.wat"), 113, "", "nowhere/x.cwasm")

    def test_a_symbolic_link_stays_one_and_what_it_leads_to_is_written(self):
        (self.folder / "target.cwasm").write_bytes(b"old")
        (self.folder / "link.cwasm").symlink_to("target.cwasm")
        (self.folder / "dangling.cwasm").symlink_to("new.cwasm")
        for link, target in (("link.cwasm", "target.cwasm"), ("dangling.cwasm", "new.cwasm")):
            self.expect(self.tenon("compile", "-o", link, GUESTS / "exit.wat"), 0)
            self.assertTrue((self.folder / link).is_symlink())
            self.assertGreater((self.folder / target).stat().st_size, 1000)

    def test_a_pipe_is_written_to_and_stays_one(self):
        os.mkfifo(self.folder / "pipe")
        reader = os.open(self.folder / "pipe", os.O_RDWR)
        self.addCleanup(os.close, reader)
        self.expect(self.tenon("wit", EXAMPLES / "hello.wat", "-o", "pipe"), 0)
        self.assertIn(b"package root:component", os.read(reader, 65536))
        self.assertTrue((self.folder / "pipe").is_fifo())
        self.expect(self.tenon("exec", "--record", "pipe", "--function", "area", EXAMPLES / "calculator.wat",
                               "rect((2.0, 3.0))"), 0)
        self.assertTrue((self.folder / "pipe").is_fifo())

    def test_nothing_is_written_for_a_bad_file(self):
        self.expect(self.tenon("compile", "-o", "bad.cwasm", GUESTS / "invalid.wat"), 114)
        self.assertEqual(list(self.folder.glob("bad.cwasm*")), [])


class Cache(Case):
    def files(self):
        return [path for path in (self.folder / "cache").rglob("*") if path.is_file()]

    def greet(self, *options):
        self.expect(self.tenon("run", *options, EXAMPLES / "hello.wat"), 0,
                    "Hello from a component. My arguments:\n  hello.wat\n")

    def test_a_run_fills_the_cache_and_the_next_uses_it(self):
        self.greet()
        first = {path: path.read_bytes() for path in self.files()}
        self.assertNotEqual(first, {})
        self.greet()
        self.assertEqual({path: path.read_bytes() for path in self.files()}, first)

    def test_no_cache_leaves_nothing(self):
        for option in ("--no-cache", "-Ccache=n"):
            self.greet(option)
            self.assertEqual(self.files(), [])

    def test_the_cache_takes_no_more_than_its_limit(self):
        for number in range(4):
            guest = self.write("%d.wat" % number, '(module (func (export "_start") (drop (i32.const %d))))' % number)
            self.expect(self.tenon("run", guest), 0)
            for path in self.files():
                if path.stat().st_mtime > 1e9:
                    os.utime(path, (number, number))
        sizes = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self.files())
        self.assertEqual(len(sizes), 4)
        self.expect(self.tenon("run", self.folder / "0.wat"), 0)  # which makes it the one used last
        self.expect(self.tenon("run", "--max-cache", str(sum(size for _, size, _ in sizes)), EXAMPLES / "hello.wat"), 0)
        left = self.files()
        self.assertIn(sizes[0][2], left)
        self.assertNotIn(sizes[1][2], left)
        self.assertLessEqual(sum(path.stat().st_size for path in left), sum(size for _, size, _ in sizes))
        before = set(left)
        self.greet("--max-cache", "1", "--opt-level", "0")  # more than fits at all is not kept, and removes nothing
        self.assertEqual(set(self.files()), before)

    def test_the_folder_can_be_chosen(self):
        self.greet("--cache-dir", self.folder / "cache" / "elsewhere")
        self.assertTrue(all("elsewhere" in str(path) for path in self.files()))
        self.assertNotEqual(self.files(), [])

    def test_a_tampered_entry_is_never_run(self):
        self.greet()
        for path in self.files():
            whole = path.read_bytes()
            for content in (b"", whole[:len(whole) // 2], os.urandom(len(whole)),
                            whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
                            whole[:len(whole) // 2] + b"\xcc" * 64 + whole[len(whole) // 2 + 64:]):
                path.chmod(0o600)
                path.write_bytes(content)
                self.greet()

    def test_a_cache_that_cannot_be_written_does_not_matter(self):
        self.write("cache", "a file where the folder should be")
        self.greet()

    def test_no_home_does_not_matter(self):
        done = subprocess.run([TENON, str(EXAMPLES / "hello.wat")], stdout=subprocess.PIPE, env={}, timeout=SECONDS,
                              check=False)
        self.assertEqual(done.returncode, 0)


class Inspecting(Case):
    def test_imports_and_exports_are_shown_as_wit(self):
        done = self.expect(self.tenon("inspect", EXAMPLES / "hello.wat"), 0, err="")
        for part in ("wasi:cli/stdout@0.2.0", "wasi:cli/run@0.2.0", "get-stdout"):
            self.assertIn(part, done.out)

    def test_types_are_shown(self):
        done = self.expect(self.tenon("inspect", EXAMPLES / "calculator.wat"), 0)
        for part in ("divide", "  record division {\n    quotient: u32,\n", "  variant shape {\n    circle(f64),\n", "list<s32>"):
            self.assertIn(part, done.out)
        self.assertNotIn("//", done.out)

    def test_what_is_no_webassembly_is_named(self):
        self.expect(self.tenon("compile", GUESTS / "exit.wat", "-o", "x.cwasm"), 0)
        self.expect(self.tenon("inspect", "x.cwasm"), 114, "", "compiled artifact")
        cut = self.write("cut.cwasm", (self.folder / "x.cwasm").read_bytes()[:5000])
        self.expect(self.tenon("run", cut), 114, "", "no whole artifact")

    def test_json_is_json(self):
        for path in (EXAMPLES / "hello.wat", EXAMPLES / "calculator.wat", GUESTS / "exit.wat"):
            done = self.expect(self.tenon("inspect", "--json", path), 0)
            self.assertIsInstance(json.loads(done.out), dict)

    def test_a_module_is_shown_too(self):
        done = self.expect(self.tenon("inspect", GUESTS / "exit.wat"), 0)
        self.assertIn("wasi_snapshot_preview1", done.out)
        self.assertIn("proc_exit", done.out)

    def test_a_bad_file_is_an_error(self):
        self.expect(self.tenon("inspect", self.write("bad.wasm", b"\0asm\x0d\0\1\0\xff")), 114, "")

    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "wb") as full:
            self.expect(self.tenon("inspect", EXAMPLES / "hello.wat", stdout=full), 113, err="No space left")


class Scripts(Case):
    MODULE = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))\n'

    def script(self, text, *options):
        return self.tenon("wast", *options, self.write("script.wast", text))

    def test_a_script_that_holds_ends_with_0(self):
        done = self.script(self.MODULE + '(assert_return (invoke "add" (i32.const 40) (i32.const 2)) (i32.const 42))')
        self.expect(done, 0)
        self.assertRegex(done.out, r"2 passed, 0 failed\n$")

    def test_a_failure_is_printed_with_file_and_line(self):
        done = self.script(self.MODULE + '\n(assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i32.const 3))')
        self.expect(done, 1)
        self.assertIn("script.wast:3: assert_return add: returned 2; expected: 3\n", done.out)

    def test_a_return_that_does_not_hold_says_what_was_expected_and_what_was_given(self):
        module = """(module (func (export "nan") (result f32) (f32.const nan:0x200001))
          (func (export "none")) (func (export "one") (result i64) (i64.const -1)))"""
        done = self.expect(self.script(module + """
            (assert_return (invoke "nan") (f32.const nan:canonical))
            (assert_return (invoke "none") (i32.const 1)) (assert_return (invoke "one"))
            (assert_return (invoke "one") (str.const "x"))"""), 1)
        for line in ("nan: returned nan; expected: (f32.const nan:canonical)\n",
                     "none: returned nothing; expected: (i32.const 1)\n",
                     "one: returned -1; expected: nothing\n", 'one: returned -1; expected: (str.const "x")\n'):
            self.assertIn("assert_return " + line, done.out)
        done = self.expect(self.script((EXAMPLES / "calculator.wat").read_text() + """
            (assert_return (invoke "divide" (u32.const 7) (u32.const 0)) (result.err (str.const "too small")))"""), 1)
        self.assertIn('returned err("division by zero"); expected: err("too small")\n', done.out)

    def test_a_command_that_cannot_be_run_fails_and_the_others_are_run(self):
        done = self.expect(self.script(self.MODULE + """(frobnicate (deep "))") $x)
            (assert_return (invoke "add" (ref.null func) (i32.const 1)) (i32.const 1))
            (assert_return (get "global") (i32.const 1))
            (register "first")
            (assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i32.const 2))"""), 1)
        for line in ("2: unknown command frobnicate: not a command that scripts can have\n",
                     "3: assert_return add: not a value that scripts can have\n",
                     "4: assert_return: only (invoke", "5: register: not supported"):
            self.assertIn("script.wast:" + line, done.out)
        self.assertRegex(done.out, r"2 passed, 4 failed\n$")
        self.expect(self.script(self.MODULE + '(assert_return (invoke "f" (ref.null func)))', "--validate-only"), 0)

    def test_comments_and_strings_are_no_forms(self):
        self.expect(self.script('(; ( (; " ;) ;) ;; ((( \n' + self.MODULE +
                                '(assert_return (invoke "add" (i32.const 1) (; ) ;) (i32.const 0x1)) (i32.const 2))'), 0)

    def test_the_expected_message_must_be_part_of_ours(self):
        trap = '(module (func (export "f") unreachable))(assert_trap (invoke "f") "%s")'
        self.expect(self.script(trap % "unreachable"), 0)
        self.expect(self.script(trap % "integer overflow"), 1)
        invalid = '(assert_invalid (module (func (result i32))) "%s")'
        self.expect(self.script(invalid % "type mismatch"), 0)
        self.expect(self.script(invalid % "something else"), 1)

    def test_a_rejection_that_does_not_come_is_a_failure(self):
        self.expect(self.script('(assert_invalid (component) "")'), 1)
        self.expect(self.script('(assert_malformed (component quote "") "")'), 1)
        self.expect(self.script(self.MODULE + '(assert_trap (invoke "add" (i32.const 1) (i32.const 1)) "")'), 1)

    def test_component_values_are_understood(self):
        text = (EXAMPLES / "calculator.wat").read_text()
        text += '''
            (assert_return (invoke "area" (variant.const "rect" (tuple.const (f64.const 2) (f64.const 3)))) (f64.const 6))
            (assert_return (invoke "area" (variant.const "circle" (f64.const nan))) (f64.const nan:canonical))
            (assert_return (invoke "divide" (u32.const 7) (u32.const 2))
              (result.ok (record.const (field "quotient" u32.const 3) (field "remainder" u32.const 1))))
            (assert_return (invoke "divide" (u32.const 7) (u32.const 0)) (result.err (str.const "division by zero")))
            (assert_return (invoke "sum" (list.const (s32.const -5) (s32.const 2))) (s64.const -3))
            (assert_trap (invoke "invert" (u32.const 0)) "divide by zero")'''
        self.expect(self.script(text), 0)
        self.expect(self.script(text.replace("(s64.const -3)", "(s64.const 3)")), 1)
        self.expect(self.script(text.replace('"remainder" u32.const 1', '"remainder" u32.const 2')), 1)

    def test_definitions_instances_and_names_work(self):
        self.expect(self.script('''
            (component definition $A (core module $m (func (export "f") (result i32) (i32.const 5)))
              (core instance $i (instantiate $m)) (func (export "f") (result u32) (canon lift (core func $i "f"))))
            (component instance $one $A)
            (component $B)
            (assert_return (invoke $one "f") (u32.const 5))
            (assert_invalid (component (export "a" (func 0))) "")
            (component binary "\\00asm" "\\0d\\00\\01\\00")
            (assert_malformed (component binary "\\00asm\\0d\\00\\02\\00") "")
            (assert_malformed (component quote "(funk)") "")'''), 0)

    def test_a_script_that_is_no_script_is_refused_with_its_line(self):
        for text in ("(component", "(frobnicate", "(; ", '(module "', ")", "component", '(invoke "'):
            done = self.script("\n" + text)
            self.expect(done, 114)
            self.assertRegex(done.err, r"script.wast:[123]: ")

    def test_a_command_that_is_malformed_fails_with_its_line(self):
        for text in ("(assert_return)", '(invoke "f" (u99.const 1))', '(invoke "\\q")', "(assert_invalid)"):
            done = self.expect(self.script("\n" + text), 1)
            self.assertRegex(done.out, r"script.wast:2: .*\n.* 0 passed, 1 failed\n$")

    def test_values_may_not_nest_without_end(self):
        done = self.script('(invoke "f" ' + "(list.const " * 100000 + ")" * 100000 + ")")
        self.expect(done, 1, out=None)
        self.assertIn("too deeply", done.out)

    def test_validation_alone_calls_nothing(self):
        self.expect(self.script('(module (func (export "f") unreachable)) (invoke "f")', "--validate-only"), 0)

    def test_the_json_form_is_the_same(self):
        module = self.folder / "m.0.wat"
        module.write_text(self.MODULE)
        call = {"type": "invoke", "field": "add", "args": [{"type": "i32", "value": "1"}, {"type": "i32", "value": "2"}]}
        commands = [{"type": "module", "line": 1, "filename": "m.0.wat", "module_type": "text"},
                    {"type": "assert_return", "line": 2, "action": call, "expected": [{"type": "i32", "value": "3"}]}]
        path = self.write("m.json", json.dumps({"source_filename": "m.wast", "commands": commands}))
        self.expect(self.tenon("wast", path), 0)
        commands[1]["expected"][0]["value"] = "4"
        path.write_text(json.dumps({"commands": commands}))
        self.expect(self.tenon("wast", path), 1)
        self.assertIn("assert_return add: returned 3; expected: 4\n", self.tenon("wast", path).out)
        commands.insert(1, {"type": "frobnicate", "line": 7})
        path.write_text(json.dumps({"commands": commands}))
        done = self.expect(self.tenon("wast", path), 1)
        self.assertIn("m.json:7: unknown command frobnicate: not a command that scripts can have\n", done.out)
        self.assertRegex(done.out, r"1 passed, 2 failed\n$")
        for text in ("{", "{}",
                     '{"commands": [{"type": "module", "filename": "../m.0.wat"}]}'):
            path.write_text(text)
            self.expect(self.tenon("wast", path), 114)


class Checking(Case):
    """What `tenon check` says about files, and `tenon serve` about options."""

    def check(self, text, code, *expected, out=None):
        done = self.expect(self.tenon("check", self.write("serve.toml", text)), code, out)
        place = str(self.folder / "serve.toml")
        self.assertEqual([line.replace(place, "serve.toml") for line in done.err.splitlines()], list(expected))

    def setUp(self):
        super().setUp()
        self.write("app.wat", (EXAMPLES / "hello-http.wat").read_text())

    def test_a_file_without_problems_is_summarized(self):
        self.write("other.wat", (EXAMPLES / "hello-http.wat").read_text())
        self.check('listen = ["127.0.0.1:1", "[::1]:2"]\nadmin = "127.0.0.1:3"\n'
                   'component.api.file = "app.wat"\ncomponent.site.file = "other.wat"\ncomponent.spare.file = "app.wat"\n'
                   'route = { "API.example.com/v1/" = "api", "/" = "site" }\n', 0,
                   out="{0}/serve.toml: ok\nlisten  http://127.0.0.1:1\nlisten  http://[::1]:2\nadmin   http://127.0.0.1:3\n"
                   "route   api.example.com/v1 -> api ({0}/app.wat)\nroute   / -> site ({0}/other.wat)\n"
                   "unused  spare ({0}/app.wat): no route leads to it\n".format(self.folder))

    def test_the_example_is_right(self):
        self.expect(self.tenon("check", EXAMPLES / "serve.toml"), 0)

    def test_every_problem_has_its_line_and_column(self):
        self.check('threads = "two"\n[limits]\n  max-bodi = 1\n[component.app]\nfile = "app.wat"\n', 112,
                   'error: serve.toml:1:11: threads: expected a whole number, not "two"',
                   'error: serve.toml:3:3: there is no setting "max-bodi" in [limits]',
                   "hint: did you mean max-body?")

    def test_the_admin_address_is_no_other(self):
        for listen, admin, code in (("127.0.0.1:9000", "127.0.0.1:9000", 112), ("0.0.0.0:9000", "localhost:9000", 112),
                                    ("[::]:9000", "127.0.0.1:9000", 112), ("[::1]:9000", "[0::1]:9000", 112),
                                    ("127.0.0.1:9000", "127.0.0.1:9001", 0), ("127.0.0.2:9000", "127.0.0.1:9000", 0),
                                    ("127.0.0.1:0", "127.0.0.1:0", 0)):
            text = 'listen = "%s"\nadmin = "%s"\ncomponent.app.file = "app.wat"\nroute = { "/" = "app" }\n' % (listen, admin)
            done = self.expect(self.tenon("check", self.write("serve.toml", text)), code)
            if code:
                self.assertIn("serve.toml:1:10: the address %s is the admin address %s, too" % (listen, admin), done.err)

    def test_files_that_cannot_be_made_are_found(self):
        end = '\ncomponent.app.file = "app.wat"\nroute = { "/" = "app" }\n'
        for text, message in (('log-file = "/nonexistent/log"', "opening the log /nonexistent/log: No such file"),
                              ('listen = "unix:/nonexistent/s"', "cannot listen on unix:/nonexistent/s: No such file"),
                              ('admin = "unix:/nonexistent/s"', "cannot listen on unix:/nonexistent/s: No such file")):
            done = self.expect(self.tenon("check", self.write("serve.toml", text + end)), 113)
            self.assertIn(message, done.err)
        self.check('log-file = "%s/new.log"%s' % (self.folder, end), 0)
        self.assertFalse((self.folder / "new.log").exists())

    def test_a_memory_beyond_the_limit_is_found(self):
        self.write("large.wat", '(component (core module $M (memory 3)) (core instance (instantiate $M)))')
        text = 'component.app = { file = "large.wat", max-memory = "64KiB" }\nroute = { "/" = "app" }\n'
        done = self.expect(self.tenon("check", self.write("serve.toml", text)), 115)
        self.assertIn("which exceeds the limit of 0x10000 bytes", done.err)

    def test_a_syntax_error_has_its_line_and_column(self):
        done = self.expect(self.tenon("check", self.write("serve.toml", "threads = 1\nlog = \n")), 112)
        self.assertIn("serve.toml:2:", done.err)

    def test_components_are_loaded_and_linked(self):
        self.write("broken.wasm", b"\0asm rubbish")
        self.write("command.wat", (EXAMPLES / "hello.wat").read_text())
        self.write("import.wat", (GUESTS / "missing-import.wat").read_text())
        done = self.expect(self.tenon("check", self.write("serve.toml", "".join(
            '[component.%s]\nfile = "%s"\n' % (name, file) for name, file in (
                ("gone", "gone.wasm"), ("broken", "broken.wasm"), ("import", "import.wat"), ("command", "command.wat"),
                ("fine", "app.wat"))) + '[route]\n"/" = "fine"\n')), 113)
        errors = [line for line in done.err.splitlines() if line.startswith("error:")]
        self.assertEqual([line.split(":")[2:4] for line in errors], [["2", "8"], ["4", "8"], ["6", "8"], ["8", "8"]],
                         done.err)
        self.assertIn("No such file", errors[0])
        self.assertIn("does not answer HTTP", errors[3])

    def test_a_link_that_cannot_be_read_is_told_where_it_is_named(self):
        text = '[component.b]\nfile = "app.wat"\n%s\n[route]\n"/" = "b"\n'
        for link, line, column in (('[[component.b.link]]\nenv = { A = "1" }\nfile = "gone.wasm"', 5, 8),
                                   ('link = ["gone.wasm;env=A=1"]', 3, 9)):
            done = self.expect(self.tenon("check", self.write("serve.toml", text % link)), 113)
            self.assertIn("serve.toml:%d:%d: " % (line, column), done.err)
            self.assertIn("gone.wasm: No such file", done.err)

    def test_a_link_that_takes_no_part_is_a_warning(self):
        spare = self.write("spare.wat", "(component)")
        route = '[route]\n"/" = "b"\n'
        self.check('[component.b]\nfile = "app.wat"\n[[component.b.link]]\nfile = "spare.wat"\n' + route, 0,
                   "warning: serve.toml:4:8: link: nothing imports what %s exports: it takes no part" % spare)
        self.check('[defaults]\nlink = "spare.wat"\n[component.a]\nfile = "app.wat"\n[component.b]\nfile = "app.wat"\n' + route, 0,
                   "warning: serve.toml:2:8: link: nothing imports what %s exports: it takes no part" % spare)

    def test_certificates_are_read(self):
        self.write("rubbish.pem", "rubbish")
        path = self.write("serve.toml", '[[listen]]\naddress = "127.0.0.1:1"\ncertificate = "gone.pem"\nkey = "rubbish.pem"\n'
                          '[component.app]\nfile = "app.wat"\ndir = "gone"\n')
        self.expect(self.tenon("check", path), 113,
                    err=["serve.toml:3:15: ", "gone.pem", "serve.toml:7:7: dir: directory"])

    def test_a_file_that_is_not_there_is_an_error(self):
        self.expect(self.tenon("check", "nothing.toml"), 113, err="nothing.toml: cannot be read: No such file")
        self.expect(self.tenon("check"), 112)

    def test_serve_refuses_options_that_are_wrong(self):
        for arguments, expected in (
                ([], "takes a file, --route or --config"),
                (["a.wasm", "b.wasm"], "takes one file"),
                (["--max-bodi", "1", "a.wasm"], "did you mean --max-body?"),
                (["--max-body", "big", "a.wasm"], "max-body: expected a size"),
                (["--log", "xml", "a.wasm"], "one of text, json, off"),
                (["--addr", "nowhere", "a.wasm"], "a port is missing"),
                (["--tls-cert", "c.pem", "a.wasm"], "it has a certificate but no key"),
                (["--shutdown-addr", "127.0.0.1:1", "a.wasm"], "SIGTERM"),
                (["--max-instance-concurrent-reuse-count", "x", "a.wasm"], "is not a whole number"),
                (["-W", "timeout=never", "a.wasm"], "timeout: expected a time"),
                (["--route", "/a", "--route", "/a?b=x.wasm"], "a query or fragment"),
                (["--route", "/a="], "names no file"),
                (["--invoke", "x", "a.wasm"], "an option of another command")):
            with self.subTest(arguments=arguments):
                self.expect(self.tenon("serve", *arguments), 112, "", expected)

    def test_serve_takes_every_option_that_its_help_names(self):
        listed = re.findall(r"(?m)^  (?:-\w, )?--([a-z0-9-]+)(?: ([^\s,]+))?", self.tenon("help", "serve").out)
        values = {"SIZE": "1MiB", "TIME": "1s", "N": "2", "FILE": "x", "FOLDER": "x", "ADDRESS": "127.0.0.1:1", "TEXT": "x",
                  "HOST[::GUEST]": ".", "HOST[:PORT]": "a:1", "[METHOD@]HOST[:PORT]": "a:1", "NAME[=VALUE]": "A=1",
                  "KEY=VALUE": "a=b", "FILE[;RIGHT=VALUE]...": "x;env=A=1", "NAME": "winch", "LEVEL": "s", "[HOST][/PATH]=FILE": "/x=x.wasm",
                  "required|optional": "optional", "text|json|off": "json", "log|inherit|none": "none"}
        options = ["--%s%s" % (name, "=" + values[value] if value else "") for name, value in listed
                   if name not in ("help", "version", "shutdown-addr", "config")]
        self.assertGreater(len(options), 60)
        # The last one stops it before it serves.
        self.expect(self.tenon("serve", *options, "--threads", "many"), 112, "", 'threads: expected a whole number')

    def test_serve_says_what_is_wrong_with_the_file(self):
        path = self.write("serve.toml", "thread = 1\n")
        self.expect(self.tenon("serve", "--config", path), 112, "", 'serve.toml:1:1: there is no setting "thread"')


class Completions(Case):
    def test_bash_completes_commands_and_options(self):
        script = self.write("c.bash", self.expect(self.tenon("completion", "bash"), 0).out)
        for words, expected in (("tenon insp", "inspect"), ("tenon run --max-mem", "--max-memory"),
                                ("tenon run -W fu", "fuel="), ("tenon serve --max-bo", "--max-body"), ("tenon completion fi", "fish")):
            program = 'source "$1"; COMP_WORDS=(%s); COMP_CWORD=%d; compopt() { :; }; _tenon; echo "${COMPREPLY[*]}"' % (
                words, len(words.split()) - 1)
            done = subprocess.run(["bash", "-c", program, "bash", str(script)], stdout=subprocess.PIPE, cwd=self.folder,
                                  check=True)
            self.assertIn(expected, done.stdout.decode().split())

    def completed(self, *words):
        """What bash offers for the last of these words, parted as bash parts them."""
        script = self.write("c.bash", self.expect(self.tenon("completion", "bash"), 0).out)
        program = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _tenon; echo "${COMPREPLY[*]}"'
        done = subprocess.run(["bash", "-c", program, "bash", str(script), *words], stdout=subprocess.PIPE, cwd=self.folder,
                              check=True)
        return done.stdout.decode().split()

    def test_bash_completes_values_of_which_there_are_few(self):
        for words in (("--compiler", ""), ("--compiler", "=", ""), ("--compiler", "="), ("-C", "compiler", "=")):
            self.assertEqual(self.completed("tenon", "run", *words), ["cranelift", "winch"], words)
        self.assertEqual(self.completed("tenon", "run", "-C", "compiler", "=", "w"), ["winch"])
        self.assertEqual(self.completed("tenon", "run", "--opt-level", ""), ["0", "1", "2", "s"])
        self.assertEqual(self.completed("tenon", "serve", "--log", ""), ["text", "json", "off"])

    def test_bash_completes_every_name_of_a_group(self):
        self.assertEqual(self.completed("tenon", "run", "-W", "na"), ["nan-canonicalization"])
        self.assertEqual(self.completed("tenon", "run", "-W", "fuel", "=", "1,max-memory"), ["1,max-memory-size="])
        self.assertEqual(self.completed("tenon", "run", "-W", "deterministic,max-memory"), ["deterministic,max-memory-size="])

    def test_bash_completes_the_verbs_of_wit(self):
        self.assertEqual([word for word in self.completed("tenon", "wit", "") if word != "c.bash"], ["check", "diff", "targets"])
        self.assertEqual(self.completed("tenon", "wit", "check", "ta"), [])

    def test_fish_completes_values_groups_and_verbs(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        script = self.write("c.fish", self.tenon("completion", "fish").out)
        for line, expected in (("tenon run --compiler ", ["cranelift", "winch"]), ("tenon run -W na", ["nan-canonicalization"]),
                               ("tenon run -W fuel=1,max-memory", ["fuel=1,max-memory-size="]),
                               ("tenon wit ta", ["targets"])):
            done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', str(script), line],
                                  stdout=subprocess.PIPE, cwd=self.folder, env=self.environment, check=True)
            self.assertEqual([row.split("\t")[0] for row in done.stdout.decode().splitlines()], expected, line)

    def test_scripts_for_other_shells_are_well_formed(self):
        for shell in ("zsh", "fish"):
            text = self.expect(self.tenon("completion", shell), 0).out
            self.assertIn("max-memory", text)
            if shutil.which(shell):
                subprocess.run([shell, "-n", str(self.write("script", text))], check=True)


def run_tests(module):
    """Runs the tests of a module, those of the names in the arguments if there are any. The exit code."""
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromModule(module)
    if len(sys.argv) > 2:
        loader.testNamePatterns = ["*%s*" % name for name in sys.argv[2:]]
        suite = loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (result.testsRun - failed - skipped, failed, skipped))
    return 1 if failed or not result.testsRun else 0


def main():
    global TENON
    TENON = str(pathlib.Path(sys.argv[1]).resolve())
    return run_tests(sys.modules[__name__])


if __name__ == "__main__":
    sys.exit(main())
