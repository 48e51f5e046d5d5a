"""Other people's clients, over TLS: curl, nghttp, Go, a browser."""
import os
import pathlib
import re
import shutil
import subprocess

from harness import HERE, scaled
from part_tls import Secure, needs


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tenon"


class Clients(Secure):
    def url(self, path=""):
        return "https://localhost:%d%s" % (self.tls_port, path)

    @needs("curl")
    def test_curl(self):
        self.start()
        for option in ("--http1.1", "--http2"):
            base = ("curl", "-sS", "--fail", option, "--cacert", self.certificates.authority)
            self.assertEqual(self.run_client(*base, self.url("/hello")), "Hello, World!\n")
            self.assertEqual(self.run_client(*base, "-d", "abc", self.url("/echo")), "abc")
            self.assertEqual(len(self.run_client(*base, self.url("/download/1000000"))), 1000000)
            self.assertEqual(self.run_client(*base, "-N", self.url("/sse/3")).count("data:"), 3)
            large = self.folder / "large"
            large.write_bytes(b"x" * 5000000)
            self.assertEqual(self.run_client(*base, "-T", large, self.url("/upload")), "5000000")

    @needs("nghttp")
    def test_nghttp(self):
        self.start()
        out = self.run_client("nghttp", "-v", self.url("/hello"))
        self.assertIn(":status: 200", out)
        self.assertIn("Hello, World!", out)

    @needs("h2load")
    def test_h2load(self):
        self.start()
        out = self.run_client("h2load", "-n", "5000", "-c", "10", "-m", "20", self.url("/hello"))
        self.assertIn("5000 succeeded, 0 failed, 0 errored", out)

    @needs("wrk")
    def test_wrk(self):
        server = self.start()
        out = self.run_client("wrk", "-t2", "-c32", "-d2s", "http://127.0.0.1:%d/hello" % server.port)
        self.assertNotRegex(out, "Socket errors|Non-2xx")

    @needs("go")
    def test_go(self):
        server = self.start()
        program = self.folder / "client"
        built = subprocess.run(["go", "build", "-o", str(program), str(HERE / "client.go")], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False,
                               env={**os.environ, "GOFLAGS": "", "CGO_ENABLED": "0", "GO111MODULE": "off"})
        self.assertEqual(built.returncode, 0, built.stdout.decode())
        done = subprocess.run([str(program), self.certificates.authority, "http://127.0.0.1:%d" % server.port, self.url()],
                              stdout=subprocess.PIPE, timeout=300, check=False)
        out = done.stdout.decode()
        self.assertEqual(done.returncode, 0, out)
        for line in ("HTTP/1.1 has trailers", "HTTP/2.0 has trailers", "HTTP/2.0 streams both ways",
                     "HTTP/2.0 shows that a response broke off"):
            self.assertIn(line + "\n", out)

    def browser(self, *arguments):
        return self.run_client("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                               "--ignore-certificate-errors", "--user-data-dir=%s" % (self.folder / "browser"), *arguments)

    @needs("chromium")
    def test_a_browser_shows_a_page(self):
        server = self.start()
        self.assertIn("Hello, World!", self.browser("--dump-dom", self.url("/hello")))
        server.wait_log(r"GET .*/hello.*protocol=HTTP/2")

    @needs("chromium")
    def test_a_browser_draws_the_status(self):
        server = self.start()
        for _ in range(20):
            server.request("/hello")
        page = self.browser("--virtual-time-budget=4000", "--dump-dom", "http://127.0.0.1:%d/status" % server.admin_port)
        self.assertIn("guest", page)
        self.assertRegex(page, r"<(path|polyline|canvas)")


class H2spec(Secure):
    """github.com/summerwind/h2spec, built once by `go install` and kept in the cache."""
    VERSION = "v2.6.0"

    def program(self):
        found = shutil.which("h2spec") or cache_folder() / ("h2spec-%s" % self.VERSION) / "h2spec"
        if pathlib.Path(found).exists():
            return found
        if not shutil.which("go"):
            self.skipTest("neither h2spec nor go is installed")
        built = subprocess.run(["go", "install", "github.com/summerwind/h2spec/cmd/h2spec@" + self.VERSION],
                               env={**os.environ, "GOBIN": str(found.parent), "GOFLAGS": ""}, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if built.returncode != 0:
            self.skipTest("h2spec cannot be built: " + built.stdout.decode(errors="replace")[-300:])
        return found

    def check(self, port, *options):
        # It gives up a whole run when one answer takes longer than -o says, which on a busy machine 3 seconds were not.
        done = subprocess.run([str(self.program()), "generic", "hpack", "http2", "-h", "127.0.0.1", "-p", str(port),
                               "-P", "/hello", "-o", "%d" % scaled(10), *options],
                              stdout=subprocess.PIPE, timeout=scaled(600), check=False)
        out = done.stdout.decode(errors="replace")
        total = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", out)
        self.assertTrue(total, out[-3000:])
        print("h2spec: " + total[0])
        failures = out[out.find("Failures:"):] if "Failures:" in out else ""
        self.assertEqual(int(total[4]), 0, failures[:6000])
        self.assertGreater(int(total[2]), 140)

    def test_h2spec_finds_no_failure_without_tls(self):
        self.program()
        self.check(self.start().port)

    def test_h2spec_finds_no_failure_with_tls(self):
        self.program()
        self.start()
        self.check(self.tls_port, "-t", "-k")
