"""TLS and HTTP/2 as far as Python's library, curl and nghttp see them."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

from harness import (LEAVES_THREADS, SECONDS, Case, Certificates, Response, free_port, parse_head, receive, scaled, span,
                     wait_until)


def needs(program):
    def wrap(test):
        def run(self):
            if not shutil.which(program):
                self.skipTest("%s is not installed" % program)
            test(self)
        run.__name__ = test.__name__
        return run
    return wrap


class Secure(Case):
    """A plain and a TLS address, and an authority."""

    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        self.certificates = Certificates(self.folder)
        self.tls_port = free_port()

    def start(self, listen=None, **arguments):
        certificate, key = self.certificates.server
        return self.serve(extra_listen=[{"address": "127.0.0.1:%d" % self.tls_port, "certificate": certificate,
                                         "key": key, **(listen or {})}], **arguments)

    def get(self, path="/hello", context=None, host="localhost"):
        client = http.client.HTTPSConnection(host, self.tls_port, timeout=SECONDS,
                                             context=context or self.certificates.context())
        try:
            client.request("GET", path)
            got = client.getresponse()
            return Response(got.status, got.headers, got.read())
        finally:
            client.close()

    def connect(self, context=None):
        s = socket.create_connection(("127.0.0.1", self.tls_port), timeout=SECONDS)
        return (context or self.certificates.context()).wrap_socket(s, server_hostname="localhost")

    def run_client(self, *command):
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=scaled(120),
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
        return done.stdout.decode(errors="replace")


class Tls(Secure):
    def test_a_client_of_python_is_served(self):
        self.start()
        self.expect(self.get(), 200, "Hello, World!\n")
        self.assertIn("scheme: https\n", self.get("/echo-headers").text)
        self.assertEqual(len(self.get("/download/3000000").body), 3000000)

    def test_a_connection_is_kept(self):
        server = self.start()
        client = http.client.HTTPSConnection("localhost", self.tls_port, timeout=SECONDS,
                                             context=self.certificates.context())
        self.addCleanup(client.close)
        for _ in range(5):
            client.request("POST", "/echo", b"x" * 100000)
            self.assertEqual(len(client.getresponse().read()), 100000)
        self.assertCounts(server, "tls_handshakes_total", 1)

    def test_versions_before_1_2_are_refused(self):
        self.start()
        context = self.certificates.context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        self.assertRaises(ssl.SSLError, self.connect, context)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.certificates.context()
            context.minimum_version = context.maximum_version = version
            self.expect(self.get(context=context), 200)

    def test_alpn_chooses(self):
        self.start()
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["h2"], "h2"), (None, None)):
            with self.connect(self.certificates.context(alpn=offered)) as s:
                self.assertEqual(s.selected_alpn_protocol(), chosen)

    def test_without_http2_alpn_chooses_http_1_1(self):
        self.start(top={"http2": False})
        with self.connect(self.certificates.context(alpn=["h2", "http/1.1"])) as s:
            self.assertEqual(s.selected_alpn_protocol(), "http/1.1")

    def test_a_plain_request_to_the_tls_port_harms_nobody(self):
        server = self.start()
        for data in (b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 1000, b"\x16\x03\x01\xff\xff" + b"\xaa" * 3000,
                     b"\x16\x03\x03\x00\x04\x01\x00\x00\x00"):
            with socket.create_connection(("127.0.0.1", self.tls_port), timeout=SECONDS) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                self.assertNotIn(b"Hello", receive(s))
        wait_until(lambda: server.metric("tls_failures_total") >= 4, what="four failures to be counted")
        self.expect(self.get(), 200)

    def test_a_handshake_that_does_not_end_is_ended(self):
        self.start(limits={"tls-timeout": span(300)})
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=SECONDS) as s:
            s.sendall(b"\x16\x03\x01\x02\x00\x01")
            receive(s)
        self.assertLess(time.monotonic() - start, scaled(9))

        def is_served():  # the time is for this handshake too
            try:
                return self.get().status == 200
            except (OSError, http.client.HTTPException):
                return False
        wait_until(is_served, what="a handshake that ends")

    def test_a_client_without_its_certificate_is_refused(self):
        self.start(listen={"client-ca": self.certificates.authority})
        self.expect(self.get(context=self.certificates.context(client=self.certificates.client)), 200)
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            self.get()

    def test_a_client_certificate_may_be_optional(self):
        self.start(listen={"client-ca": self.certificates.authority, "client-certificate": "optional"})
        self.expect(self.get(context=self.certificates.context(client=self.certificates.client)), 200)
        self.expect(self.get(), 200)

    def test_a_client_certificate_of_another_authority_is_refused(self):
        (self.folder / "other").mkdir()
        other = Certificates(self.folder / "other")
        self.start(listen={"client-ca": self.certificates.authority, "client-certificate": "optional"})
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            self.get(context=self.certificates.context(client=other.client))

    def test_a_new_certificate_is_taken_at_a_reload(self):
        server = self.start()

        def name():
            with self.connect() as s:
                return dict(part[0] for part in s.getpeercert()["subject"])["commonName"]
        self.assertEqual(name(), "server")
        kept = self.connect()
        self.addCleanup(kept.close)
        self.certificates.make("server", "renewed")
        server.reload()
        wait_until(lambda: name() == "renewed", what="the new certificate")
        kept.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(parse_head(receive(kept))[0], 200)

    def test_a_reload_that_hangs_does_not_hold_up_the_end(self):
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(SECONDS)
            server = self.start(top={"drain-timeout": "500ms"}, environment={"NOTIFY_SOCKET": path, **LEAVES_THREADS})
            certificate, _ = self.certificates.server
            os.unlink(certificate)
            os.mkfifo(certificate)  # without a writer nobody's open returns
            server.send_signal(signal.SIGHUP)
            while b"RELOADING=1" not in notify.recv(1000):
                pass
            self.expect(server.request("/hello"), 200)
            self.assertEqual(server.stop(), 0)
        self.assertRegex(server.log(), r"does not wait for what hangs in the system: \d workers? and a reload")

    def test_a_certificate_that_does_not_fit_its_key_leaves_the_old_one(self):
        server = self.start()
        certificate, _ = self.certificates.server
        with open(certificate, "wb") as file:
            file.write(b"nonsense")
        server.reload()
        self.expect(self.get(), 200)
        self.assertCounts(server, "reload_failures_total", 1)


class Http2(Secure):
    @needs("curl")
    def test_curl_with_prior_knowledge(self):
        server = self.start()
        url = "http://127.0.0.1:%d" % server.port
        self.assertEqual(self.run_client("curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", url + "/hello"),
                         "Hello, World!\n 2")
        text = self.run_client("curl", "-sS", "--http2-prior-knowledge", url + "/echo-headers?q", "-H", "X-A: b")
        for line in ("method: GET", "scheme: http", "authority: 127.0.0.1:%d" % server.port, "path: /echo-headers?q",
                     "field x-a: b"):
            self.assertIn(line + "\n", text)

    @needs("curl")
    def test_curl_over_tls_chooses_http2(self):
        self.start()
        out = self.run_client("curl", "-sS", "--cacert", self.certificates.authority, "-w", " %{http_version}",
                              "https://localhost:%d/hello" % self.tls_port)
        self.assertEqual(out, "Hello, World!\n 2")

    @needs("curl")
    def test_curl_sends_and_gets_large_bodies(self):
        server = self.start()
        data = self.folder / "data"
        data.write_bytes(bytes(range(256)) * 40000)
        for url in ("http://127.0.0.1:%d" % server.port, "https://localhost:%d" % self.tls_port):
            out = self.folder / "out"
            self.run_client("curl", "-sS", "--http2-prior-knowledge", "--cacert", self.certificates.authority,
                            "-X", "POST", "--data-binary", "@%s" % data, "-o", out, url + "/echo")
            self.assertTrue(out.read_bytes() == data.read_bytes())

    @needs("curl")
    def test_a_fault_resets_its_stream_only(self):
        server = self.start()
        url = "https://localhost:%d" % self.tls_port
        out = self.run_client("curl", "-s", "--http2", "--cacert", self.certificates.authority, "-w", "%{http_code} ",
                              "-o", "/dev/null", url + "/trap", "-o", "/dev/null", url + "/no-response", "-o",
                              "/dev/null", url + "/hello")
        self.assertEqual(out.split(), ["500", "502", "200"])
        self.assertCounts(server, "connections_http2_total", 1)

    @needs("nghttp")
    def test_nghttp_gets_many_streams_of_one_connection(self):
        server = self.start()
        url = "http://127.0.0.1:%d" % server.port
        out = self.run_client("nghttp", "-s", "-n", "-m", "50", url + "/sleep/300")
        self.assertEqual(out.count(" 200 "), 50)
        self.assertCounts(server, "connections_http2_total", 1)

    @needs("nghttp")
    def test_nghttp_sends_trailers(self):
        self.start()
        data = self.folder / "data"
        data.write_bytes(b"abc")
        out = self.run_client("nghttp", "-v", "-d", data, "--trailer", "x-sum: 42", "-H", "te: trailers",
                              "https://localhost:%d/trailers" % self.tls_port)
        self.assertRegex(out, r"recv [^\n]*x-sum: 42")

    @needs("h2load")
    def test_more_streams_than_allowed_are_refused(self):
        server = self.start(limits={"max-streams": 4})
        out = self.run_client("h2load", "-n", "200", "-c", "2", "-m", "32", "http://127.0.0.1:%d/sleep/20" % server.port)
        # A client may send more before it has seen the limit (RFC 9113, section 5.1.2).
        self.assertRegex(out, r" 200 done, .* 0 timeout")
        self.assertRegex(out, r"[1-9]\d* succeeded")
        self.assertServes(server)

    @needs("curl")
    def test_a_larger_head_than_allowed_is_431(self):
        server = self.start(limits={"max-header-size": "1KiB"})
        done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-w", "%{http_code}", "-o", "/dev/null", "-H",
                               "A: " + "x" * 3000, "http://127.0.0.1:%d/hello" % server.port], stdout=subprocess.PIPE,
                              check=False)
        self.assertIn(done.stdout, (b"431", b"000"))
        self.assertServes(server)

    @needs("curl")
    def test_without_http2_the_preface_is_refused(self):
        server = self.start(top={"http2": False})
        answer = server.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        self.assertIn(answer[:12], (b"HTTP/1.1 400", b"HTTP/1.1 505"))
