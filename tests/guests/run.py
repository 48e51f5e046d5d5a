#!/usr/bin/env python3
"""Runs programs of several languages, which scripts/guests.sh built, and looks at their output and exit code.

    tests/guests/run.py TENON FOLDER [NAME…]

The last line is "N passed, N failed, N skipped".
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TENON = ""
PROGRAMS = pathlib.Path()
SECONDS = 300  # for one run; a first one compiles 18 MB
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
OUT_OF_TIME, MEMORY_LIMIT, TRAP = 124, 119, 134


def program(name):
    path = PROGRAMS / (name + ".wasm")
    if not path.exists():
        reason = PROGRAMS / (name + ".skipped")
        if reason.exists():
            raise unittest.SkipTest(reason.read_text().strip())
        raise AssertionError("%s was not built; see %s" % (name, path.with_suffix(".log")))
    return path


class Case(unittest.TestCase):
    """A test has a folder that the guest is given as /data, with a link in it that leads outside."""

    maxDiff = None

    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-guests-"))
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "secret.txt").write_text("secret")
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "escape").symlink_to(folder)

    def tenon(self, *arguments, stdin=""):
        done = subprocess.run([TENON, *map(str, arguments)], input=stdin.encode(), capture_output=True,
                              timeout=SECONDS, check=False, env={**os.environ, "HOST_ONLY": "seen"})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def run_program(self, name, *arguments, options=(), stdin=""):
        rights = ["--dir", "%s::/data" % self.data, "--env", "GREETING=hej"]
        return self.tenon("run", *rights, *options, program(name), *arguments, stdin=stdin)

    def expect(self, done, code, *lines, err=""):
        """Exactly these lines on standard output; on standard error this, or nothing."""
        said = "standard output: %s\nstandard error: %s" % done[1:]
        self.assertEqual(done[0], code, said)
        self.assertEqual(done[1].splitlines(), list(lines), said)
        if err:
            self.assertIn(err, done[2])
        else:
            self.assertEqual(done[2], "")

    def expect_folder_as_before(self):
        self.assertEqual([entry.name for entry in self.data.iterdir()], ["escape"])


class C(Case):
    lines = ["argument: first", "argument: two words", "argument: ", "GREETING: hej, HOME: none", "2 lines",
             "12 bytes: 1 one", "2 two", "entries: escape second.txt"]

    def run_c(self, name):
        return self.run_program(name, "/data", "first", "two words", "", stdin="one\ntwo\n")

    def test_uses_arguments_environment_input_files_clocks_and_random_numbers(self):
        self.expect(self.run_c("c"), 3, *self.lines, err="done")
        self.expect_folder_as_before()

    def test_does_the_same_as_a_component(self):
        # The adapter turns each exit code but 0 into 1.
        self.expect(self.run_c("c-component"), 1, *self.lines, err="done")
        self.expect_folder_as_before()

    def test_sees_no_folder_and_no_variable_that_was_not_granted(self):
        self.expect(self.tenon("run", program("c"), "/data"), 1, "GREETING: none, HOME: none", err="chdir")

    def test_cannot_write_into_a_folder_granted_for_reading(self):
        read_only = ["run", "--dir-ro", "%s::/data" % self.data, program("c"), "/data"]
        self.expect(self.tenon(*read_only), 1, "GREETING: none, HOME: none", err="Read-only file system")
        self.expect_folder_as_before()


class Zig(Case):
    lines = ["argument: a", "argument: å ä", "GREETING: hej", "sorted: apple,pear,plum", "size: 15", "entries: 2"]

    def run_zig(self, name):
        return self.run_program(name, "/data", "a", "å ä", stdin="plum\napple\npear\n")

    def test_uses_arguments_environment_input_files_and_the_clock(self):
        self.expect(self.run_zig("zig"), 4, *self.lines)
        self.expect_folder_as_before()

    def test_does_the_same_as_a_component(self):
        self.expect(self.run_zig("zig-component"), 1, *self.lines)
        self.expect_folder_as_before()


class Go(Case):
    def test_uses_arguments_environment_input_files_timers_and_goroutines(self):
        done = self.run_program("go", "/data", "a", "b c", "", stdin="one\ntwo\nthree")
        self.expect(done, 7, 'arguments: ["a" "b c" ""]', "GREETING: hej", "3 lines, 20 bytes",
                    "entry: copy.txt ----------", "entry: escape L---------", "walked: 3", "sum: 499500",
                    "sha256: " + SHA256_OF_ABC)
        self.expect_folder_as_before()

    def test_panics_with_its_own_message_and_code(self):
        code, out, err = self.tenon("run", program("go"))
        self.assertEqual((code, out), (2, ""))
        self.assertIn("panic: runtime error: slice bounds out of range", err)


class PythonCommand(Case):
    def test_uses_arguments_environment_input_files_clocks_and_random_numbers(self):
        done = self.run_program("python-command", "/data", "a", "två ord", stdin="one\ntwo\n")
        # sys.exit(5) is an error of `run`, which has no codes.
        self.expect(done, 1, '{"arguments": ["a", "tv\\u00e5 ord"], "GREETING": "hej", "lines": ["one", "two"]}',
                    "entries: escape kept.json", "walked: 2", "sha256: " + SHA256_OF_ABC)
        self.expect_folder_as_before()

    def test_prints_a_traceback_for_an_exception_and_traps(self):
        code, out, err = self.tenon("run", program("python-command"))
        self.assertEqual((code, out), (TRAP, ""))
        self.assertIn("IndexError: list index out of range", err)


class PythonFunctions(Case):
    def call(self, call):
        return self.tenon("run", "--invoke", call, program("python-functions"))

    def test_take_and_return_variants_records_and_results(self):
        self.expect(self.call("area(polygon([{x: 0, y: 0}, {x: 2, y: 0}, {x: 0, y: 3}]))"), 0, "ok(3)")
        self.expect(self.call("area(circle(1))"), 0, "ok(3.141592653589793)")
        self.expect(self.call("area(nothing)"), 0, 'err("has no area")')

    def test_take_and_return_lists_strings_options_enums_and_flags(self):
        self.expect(self.call('sort(["b", "ä", "a"], some(descending))'), 0, '["ä", "b", "a"]')
        self.expect(self.call('sort(["b", "a"], none)'), 0, '["a", "b"]')
        self.expect(self.call('count("på på🦀")'), 0, "[(' ', 1), ('p', 2), ('å', 2), ('🦀', 1)]")
        self.expect(self.call("invert({red, blue})"), 0, "{green}")

    def test_return_whole_numbers_of_64_bits(self):
        self.expect(self.call("factorial(20)"), 0, "2432902008176640000")

    def test_trap_when_the_result_does_not_fit(self):
        self.expect(self.call("factorial(21)"), TRAP, err="int too big to convert")


class PythonHttp(Case):
    def setUp(self):
        super().setUp()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        # pylint: disable-next=consider-using-with
        self.server = subprocess.Popen([TENON, "serve", "--listen", "127.0.0.1:%d" % self.port,
                                        "--http", "127.0.0.1", str(program("python-http"))], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.1)
        self.fail("the server did not start")

    def request(self, method, path, body=None):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(client.close)
        client.request(method, path, body)
        got = client.getresponse()
        return got.status, got.read()

    def test_answers_requests(self):
        self.assertEqual(self.request("GET", "/hello"), (200, b"Hello, World!\n"))
        self.assertEqual(self.request("POST", "/upper", b"hello" * 100000), (200, b"HELLO" * 100000))
        self.assertEqual(self.request("GET", "/nothing"), (404, b"no /nothing here\n"))

    def test_calls_what_it_was_granted(self):
        self.assertEqual(self.request("GET", "/call/127.0.0.1:%d" % self.port), (200, b"Hello, World!\n"))
        self.assertEqual(self.request("GET", "/call/192.0.2.1"), (403, b"ErrorCode_HttpRequestDenied"))

    def test_fails_alone_when_an_exception_is_not_caught(self):
        self.assertEqual(self.request("GET", "/error")[0], 500)
        self.assertEqual(self.request("GET", "/hello")[0], 200)


class QuickJS(Case):
    own_tests = ["test_bigint", "test_bjson", "test_closure", "test_for_of_line_numbers", "test_language",
                 "test_loop", "test_queue_microtask", "test_base64"]

    def test_runs_a_script_with_arguments_environment_input_files_and_timers(self):
        shutil.copy(HERE / "quickjs_program.js", self.data)
        done = self.run_program("quickjs", "/data/quickjs_program.js", "/data", "a", "b c", stdin="x\ny\n")
        self.expect(done, 6, 'arguments: ["a","b c"]', "GREETING: hej", "kept: x y", "entries: moved.json",
                    "30!: 265252859812191058636308480000000", "words: ONE,TWO,TWO", "timer")

    def test_passes_tests_of_its_own(self):
        folder = "%s::/tests" % (PROGRAMS / "quickjs-tests")
        for name in self.own_tests:
            with self.subTest(name):
                done = self.tenon("run", "--dir-ro", folder, program("quickjs"), "/tests/%s.js" % name)
                self.assertEqual(done[0], 0, done[2])

    def test_runs_the_same_when_compiled_before(self):
        compiled = self.data / "quickjs.cwasm"
        self.assertEqual(self.tenon("compile", program("quickjs"), "-o", compiled)[0], 0)
        self.expect(self.tenon("run", compiled, "-e", "console.log(6 * 7)"), 0, "42")

    def test_is_stopped_by_the_limits_of_time_and_memory(self):
        endless = self.tenon("run", "--timeout", "300ms", program("quickjs"), "-e", "for (;;);")
        self.assertEqual(endless[0], OUT_OF_TIME, endless[2])
        greedy = self.tenon("run", "--max-memory", "32MiB", program("quickjs"), "-e", "new Uint8Array(1 << 26)")
        self.assertEqual(greedy[0], MEMORY_LIMIT, greedy[2])


class SQLite(Case):
    def shell(self, statements):
        return self.run_program("sqlite", "/data/words.db", stdin=statements)

    def test_runs_statements_on_a_database_file(self):
        done = self.shell((HERE / "sqlite_program.sql").read_text())
        self.expect(done, 0, "20000|200010000|714.787", "word 1040", "word 11047",
                    "a slow red fox", "två|C3B6|3.1416", "ok")
        self.expect(self.shell("SELECT count(*), min(text) FROM word;"), 0, "10000|word 10")

    def test_rolls_back_and_reports_what_fails(self):
        self.expect(self.shell("CREATE TABLE t (n UNIQUE); INSERT INTO t VALUES (1);"), 0)
        done = self.shell("BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (1);")
        self.expect(done, 19, err="UNIQUE constraint failed: t.n")
        self.expect(self.shell("SELECT n FROM t;"), 0, "1")


class Deterministic(Case):
    """Programs whose languages have hash seeds, timers, schedulers and collectors of garbage give one answer: 100 runs of each,
    four at a time, in folders whose files were made in another order, with other environments and time zones, with and
    without address space randomization."""

    runs, together = 100, 4
    programs = {  # arguments, and the exit code of one that has found nothing wrong
        "c": (("/data", "first", "two words", ""), 3), "c-component": (("/data", "first", "two words", ""), 1),
        "zig": (("/data", "a"), 4), "zig-component": (("/data", "a"), 1), "go": (("/data", "a"), 7),
        "quickjs": (("/data/quickjs_program.js", "/data", "a"), 6), "sqlite": (("/data/words.db",), 0),
        "python-command": (("/data", "a"), 1),
    }

    @classmethod
    def setUpClass(cls):
        cls.has_setarch = shutil.which("setarch") is not None and \
            subprocess.run(["setarch", "-R", "true"], capture_output=True, check=False).returncode == 0

    def folder(self, number):
        """A new one each time: what a program leaves behind is part of the next one's input."""
        folder = self.data.parent / ("data%d" % number)
        folder.mkdir()
        (folder / "escape").symlink_to("..")
        names = ["quickjs_program.js", "x", "y"]
        for name in names[number % 3:] + names[:number % 3]:
            text = (HERE / name).read_text() if name.endswith(".js") else name
            (folder / name).write_text(text)
        return folder

    def start(self, name, number, *options):
        stdin = (HERE / "sqlite_program.sql").read_text() if name == "sqlite" else "one\ntwo\n"
        text = self.data.parent / ("stdin%d" % number)
        text.write_text(stdin)
        command = [TENON, "exec", "--json", "--dir", "%s::/data" % self.folder(number), "--env", "GREETING=hej", *options,
                   program(name), *self.programs[name][0]]
        if number % 2 and self.has_setarch:
            command = ["setarch", "-R", *command]
        zones = ("UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham", "")
        environment = {**os.environ, "TZ": zones[number % 5], "LANG": ("C", "de_DE.UTF-8")[number % 2], "NUMBER": "x" * (number * 37)}
        with text.open("rb") as source:
            return subprocess.Popen(list(map(str, command)), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=environment)

    def finish(self, process):
        out, err = process.communicate(timeout=SECONDS)
        return process.returncode, out.decode(), err.decode()

    def check(self, name):
        virtual = ["--clock", "virtual=2024-05-01T12:00:00Z", "--random", "seed=11"]
        answers = set()
        for first in range(0, self.runs, self.together):
            for process in [self.start(name, first + i, *virtual) for i in range(self.together)]:
                answers.add(self.finish(process)[:2])
        self.assertEqual(len(answers), 1)
        code, report = answers.pop()
        self.assertEqual(code, self.programs[name][1], report)
        recording = self.data.parent / "run.rec"
        first = self.finish(self.start(name, self.runs, "--allow-clock", "--allow-random", "--record", recording))
        self.assertEqual(first[0], code, first[1])
        shutil.rmtree(self.data.parent / ("data%d" % self.runs))
        again = self.tenon("exec", "--json", "--replay", recording, program(name))
        self.assertEqual(again[0], first[0], again[2])
        one, other = json.loads(first[1]), json.loads(again[1])
        for part in ("stdout", "stderr", "exit_code", "fuel", "memory_peak"):
            self.assertEqual(other.get(part), one.get(part))


def add_deterministic_test(name):
    setattr(Deterministic, "test_%s_gives_one_answer_and_can_be_replayed" % name.replace("-", "_"),
            lambda self: self.check(name))


for guest in Deterministic.programs:
    add_deterministic_test(guest)


class Link(Case):
    """Components of six languages call each other through tests/guests/link/wit, in all pairs."""

    languages = ("c", "zig", "js", "python", "go", "rust")
    core_modules = ("c", "zig", "go", "rust")
    bound = ("rust",)  # whose bindings put the world into the module
    # Go's runtime has to be initialized before it can allocate for the adapter.
    adapted = {"go": ("--realloc-via-memory-grow", "--adapt", "wasi_snapshot_preview1=%s")}
    movers = ("c", "zig", "python", "go", "rust")  # languages whose tools can give a resource away, and take it
    # What any caller sees of any callee.
    seen = (
        '{label: "pantry and cellar", added: ok(5), refused: err("only 12 eggs"), '
        'found: some({name: "ägg", amount: 12, unit: piece, marks: {fragile, foreign}}), '
        'items: [{name: "milk", amount: 5, unit: litre, marks: {fresh}}, '
        '{name: "ägg", amount: 12, unit: piece, marks: {fragile, foreign}}, '
        '{name: "flour", amount: 0, unit: kilogram, marks: {}}, '
        '{name: "crème fraîche", amount: 3, unit: piece, marks: {fresh, foreign}}], pieces: 2}')

    moved = '("attic and hall", 3)'

    def component(self, language, end):
        built = program("link-%s-%s" % (language, end))
        if language not in self.core_modules:
            return built
        embedded, component = self.data / "embedded.wasm", self.data / built.name
        if language in self.bound:
            embedded = built
        else:
            self.expect(self.tenon("embed", "--world", end, HERE / "link" / "wit", built, "-o", embedded), 0)
        options = [option % program("wasi_snapshot_preview1.reactor") if "%s" in option else option
                   for option in self.adapted.get(language, ())]
        self.expect(self.tenon("new", embedded, *options, "-o", component), 0)
        return component

    def check_linked(self, caller, plug, call, result):
        self.expect(self.tenon("run", "--link", plug, "--invoke", call, caller), 0, result)

    def check_deterministic(self, caller, plug, call, result):
        """Linked into a run that asks for nothing of the outside but seeds of hash tables, and is the same again."""
        options = ["--quiet", "--clock", "virtual", "--random", "seed=1", "--verify=3", "--function",
                   call.removesuffix("()")]
        self.expect(self.tenon("exec", "--link", plug, *options, caller), 0, result)

    def check_composed(self, caller, plug, call, result):
        whole = self.data / "whole.wasm"
        self.expect(self.tenon("compose", "--plug", plug, caller, "-o", whole), 0)
        if shutil.which("wasm-tools"):
            subprocess.run(["wasm-tools", "validate", "--features", "all", whole], check=True)
        self.expect(self.tenon("run", "--invoke", call, whole), 0, result)


def add_link_tests(name, caller, end, callee, call, result):
    for way, check in (("linked", Link.check_linked), ("in_a_deterministic_run", Link.check_deterministic),
                       ("composed", Link.check_composed)):
        def test(self, check=check):
            check(self, self.component(caller, end), self.component(callee, "callee"), call, result)
        setattr(Link, "test_%s_%s_%s_%s" % (caller, name, callee, way), test)


for one in Link.languages:
    for other in Link.languages:
        add_link_tests("calls", one, "caller", other, "take()", Link.seen)
for one in Link.movers:
    for other in Link.movers:
        add_link_tests("gives_resources_to", one, "mover", other, "move()", Link.moved)


def main():
    global TENON, PROGRAMS
    TENON, PROGRAMS = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]).resolve()
    loader = unittest.TestLoader()
    if len(sys.argv) > 3:
        loader.testNamePatterns = ["*%s*" % name for name in sys.argv[3:]]
    suite = loader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    # a test with subtests may fail more than once
    failed = len({getattr(test, "test_case", test) for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    passed = result.testsRun - failed - skipped
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
