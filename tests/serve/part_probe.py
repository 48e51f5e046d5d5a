"""What a guest may do with wasi:http, use by use; and one component that is both a command and a handler."""
import pathlib
import re
import subprocess

import build as guest_build
from harness import HERE, SECONDS, Case, Environment
from part_outgoing import DENIED, PROHIBITED, Upstream

EXPECTED = HERE / "guest" / "probe"
HELLO = HERE.parent.parent / "examples" / "hello-http.wat"


class Probe(Case):
    @classmethod
    def setUpClass(cls):
        cls.guest = str(guest_build.build(Environment.work, ["command"], "probe"))

    def tenon(self, *arguments, guest=None):
        return subprocess.run([Environment.tenon, "run", *arguments[:-1], guest or self.guest, *arguments[-1]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
                              env=Environment.variables(), cwd=self.folder, check=False)

    def call(self, *options, url, method=()):
        done = self.tenon(*options, ["call", url, *method])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class Uses(Probe):
    """Each line of guest/probe/NAME.txt is a use of the interface and what became of it."""

    def expect_lines(self, name):
        done = self.tenon([name])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        expected = (EXPECTED / (name + ".txt")).read_text(encoding="ascii")
        self.assertEqual(done.stdout.splitlines(), expected.splitlines())

    def test_fields_take_what_they_should(self):
        self.expect_lines("fields")

    def test_messages_take_what_they_should(self):
        self.expect_lines("messages")

    def test_bodies_keep_their_promises(self):
        self.expect_lines("bodies")

    def test_a_body_that_is_being_written_cannot_be_finished(self):
        done = self.tenon(["live-output"])
        self.assertEqual(done.returncode, 134)
        self.assertIn("its output-stream still lives", done.stderr)


class Requests(Probe):
    def setUp(self):
        super().setUp()
        self.server = self.serve(components={"guest": {"file": self.guest}})

    def test_a_request_is_read_only_and_read_once(self):
        got = self.server.request("/", "POST", b"hello").text
        self.assertIn('get host:\nget content-length: "5"\nget transfer-encoding:\nget connection:\n', got)
        self.assertIn("headers of a request:  append immutable, set immutable, delete immutable, "
                      "append to a clone ok\n", got)
        self.assertIn("consume:  ok error\nstream:  ok error error\ntrailers:  none\nagain:  error\n", got)

    def test_trailers_are_read_only(self):
        got = self.server.raw(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                              b"2\r\nab\r\n0\r\nX-Sum: 9\r\n\r\n").decode()
        self.assertIn("trailers:  X-Sum=9\n", got)
        self.assertIn("the trailers:  append immutable", got)

    def test_a_body_that_is_being_read_cannot_be_finished(self):
        self.expect(self.server.request("/live", "POST", b"hello"), 500)
        self.server.wait_log("its input-stream still lives")


class Commands(Probe):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream(self)
        self.url = "http://%s/x" % self.upstream.authority
        self.local = "localhost:%d" % self.upstream.port

    def expect_answer(self, got, text):
        self.assertIn("status 200\n", got)
        self.assertIn(text, got)
        self.assertIn("taken\n", got)

    def test_a_command_calls_what_it_was_granted(self):
        self.expect_answer(self.call("--http", self.upstream.authority, url=self.url), "GET /x ")
        self.expect_answer(self.call("--http", "*", "--http-private", url=self.url), "GET /x ")

    def test_nothing_is_granted_by_itself(self):
        for options in ([], ["-S", "http=n"], ["--http", "example.org"], ["--http-private"]):
            self.assertEqual(self.call(*options, url=self.url), "call error-code %d\n" % DENIED)
        self.assertEqual(self.upstream.server.connections, 0)

    def test_everything_does_not_take_in_private_addresses(self):
        self.assertEqual(self.call("--http", "*", url=self.url), "call error-code %d\n" % PROHIBITED)
        self.assertEqual(self.upstream.server.connections, 0)

    def test_wasmtimes_switch_grants_everything(self):
        for switch in (["-S", "http"], ["-S", "cli,http=y"], ["-Shttp"], ["--http-all"]):
            self.expect_answer(self.call(*switch, url=self.url), "GET /x ")

    def test_a_grant_may_be_for_one_method(self):
        rule = "GET@" + self.local
        self.expect_answer(self.call("--http", rule, url="http://%s/" % self.local), "GET / ")
        self.assertEqual(self.call("--http", rule, url="http://%s/" % self.local, method=["DELETE"]),
                         "call error-code %d\n" % DENIED)

    def test_a_call_without_a_scheme_is_secure(self):
        got = self.call("-S", "http", url=self.url, method=["-"])
        self.assertRegex(got, r"^call error-code 1[234]\n$")
        self.assertEqual(self.upstream.server.requests, 0)

    def test_the_switch_is_the_servers_too(self):
        server = self.serve(components={"guest": {"http-all": True}})
        self.expect(server.request("/call?" + self.url), 200, "GET /x ")

    def test_a_component_can_be_both_a_command_and_a_handler(self):
        self.assertEqual(self.tenon(["bodies"]).returncode, 0)
        server = self.serve(components={"guest": {"file": self.guest}})
        self.assertIn("consume:  ok error\n", self.expect(server.request("/"), 200).text)

    def test_a_handler_alone_is_served_and_not_run(self):
        done = self.tenon([], guest=str(HELLO))
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"wasi:cli/run")
        server = self.serve(components={"guest": {"file": str(HELLO)}})
        self.assertTrue(re.search(r"(?i)hello", self.expect(server.request("/"), 200).text))
        self.assertNotIn("wasi:cli", pathlib.Path(HELLO).read_text(encoding="utf-8"))
