"""Guests that call others: what they may reach, what they get, and how it ends when the other does not answer."""
import http.server
import ipaddress
import random
import re
import socket
import ssl
import subprocess
import threading
import time

from harness import SECONDS, Case, Certificates, Load, receive, receive_until, scaled, wait_until

GRANT = "http"  # the setting of a component that lets it call others

# Cases of wasi:http's error-code by number.
DNS_ERROR, NOT_FOUND, UNAVAILABLE, PROHIBITED, REFUSED = 1, 2, 3, 4, 6
CONNECTION_TIMEOUT, READ_TIMEOUT, TLS_PROTOCOL, TLS_CERTIFICATE, DENIED = 8, 9, 12, 13, 15
INCOMPLETE, RESPONSE_TIMEOUT, PROTOCOL_ERROR = 25, 33, 35


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def answer(self, status, body, fields=()):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while True:
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def do_GET(self):  # pylint: disable=invalid-name
        body = self.read_body()
        self.server.requests += 1
        if self.path == "/stall":
            time.sleep(self.server.stall)
        if self.path == "/stall-body":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
            self.wfile.flush()
            time.sleep(self.server.stall)
            self.close_connection = True
        elif self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
            self.close_connection = True
        elif self.path == "/close":
            self.close_connection = True
        elif self.path == "/nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
            self.close_connection = True
        elif self.path == "/headers":
            self.answer(200, b"".join(b"%s: %s\n" % (k.lower().encode(), v.encode()) for k, v in self.headers.items()))
        elif self.path.startswith("/size/"):
            self.answer(200, b"x" * int(self.path[6:]))
        else:
            self.answer(200, b"%s %s %s" % (self.command.encode(), self.path.encode(), body))
            self.close_connection |= self.path == "/last"  # which the answer does not say

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET


class HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a connection for which there is no room is tried again after a second


class Upstream:
    def __init__(self, case, certificate=None):
        self.server = HttpServer(("127.0.0.1", 0), Handler)
        self.server.connections = self.server.requests = 0
        self.server.stall = 600
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)

    @property
    def authority(self):
        return "127.0.0.1:%d" % self.port


class NameServer:
    """Answers A queries with 127.0.0.1, but for names that begin with "silent", of which it says nothing."""

    def __init__(self, case):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = "127.53.%d.%d" % (random.randrange(256), random.randrange(1, 255))
        try:
            self.socket.bind((self.address, 53))
        except PermissionError:
            case.skipTest("port 53 is for root only")
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()
        case.addCleanup(self.socket.close)

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            end = query.index(b"\0", 12)
            name, kind = query[13:end].decode(), query[end + 2]
            self.asked.append(name)
            if name.startswith("silent"):
                continue
            record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if kind == 1 else b""
            head = query[:2] + b"\x81\x80\0\1" + bytes([0, 1 if record else 0]) + bytes(4)
            self.socket.sendto(head + query[12:end + 5] + record, peer)

    def wrap(self, case):
        """What starts a program that asks it: with a /etc/resolv.conf of its own."""
        resolv_conf = case.folder / "resolv.conf"
        resolv_conf.write_text("nameserver %s\n" % self.address)
        wrap = ["unshare", "-rm", "sh", "-c", "mount --bind %s /etc/resolv.conf && exec \"$@\"" % resolv_conf, "sh"]
        if subprocess.run([*wrap, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            case.skipTest("no mount namespace can be made here")
        return wrap


class Names(Case):
    """Names whose server says nothing are the trouble of those who call them."""

    def test_names_without_an_answer_hold_up_neither_other_names_nor_a_reload_nor_the_end(self):
        names, upstream = NameServer(self), Upstream(self)
        server = self.serve(components={"guest": {GRANT: ["*.test"], "http-private": True}}, wrap=names.wrap(self),
                            top={"drain-timeout": "1s"})
        waiting = [server.connect() for _ in range(100)]
        for i, s in enumerate(waiting):
            self.addCleanup(s.close)
            s.sendall(b"GET /call?http://silent%d.test/ HTTP/1.1\r\nHost: x\r\n\r\n" % i)
        wait_until(lambda: len({name for name in names.asked if name.startswith("silent")}) == 100, what="100 lookups")
        got = server.request("/call?http://other.test:%d/path" % upstream.port)
        self.expect(got, 200, "GET /path ")
        server.reload()
        self.assertEqual(server.metric("requests_in_flight"), 100)
        self.assertEqual(server.stop(), 0)
        self.assertRegex(server.log(), r"the time to drain is over: \d+ requests still under way are cancelled")
        self.assertNotIn("a reload", server.log())

    def test_a_proxy_is_not_given_names_that_lead_where_the_component_may_not_go(self):
        names, proxy = NameServer(self), Upstream(self)
        components = {"public": {GRANT: ["*.test"]}, "private": {GRANT: ["*.test"], "http-private": True}}
        server = self.serve(components=components, wrap=names.wrap(self),
                            routes=[{"path": "/" + name, "component": name} for name in components],
                            environment={"http_proxy": "http://127.0.0.1:%d" % proxy.port})
        got = server.request("/public/call?http://other.test/x")
        self.assertEqual(got.text, "error-code %d\n" % PROHIBITED)
        self.assertEqual(proxy.server.connections, 0)
        self.assertIn("other", "".join(names.asked))
        self.expect(server.request("/private/call?http://unasked.test/x"), 200, "GET http://unasked.test/x ")
        self.assertNotIn("unasked", "".join(names.asked))


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream(self)

    def granted(self, *rules, **arguments):
        return self.serve(components={"guest": {GRANT: list(rules or [self.upstream.authority])}}, **arguments)

    def call(self, server, path="/", method="GET", body=None, limits="", authority=None):
        return server.request("/call%s?http://%s%s" % (limits, authority or self.upstream.authority, path), method, body)

    def expect_code(self, got, *codes):
        self.assertEqual(got.status, 502, got.text)
        self.assertIn(int(re.fullmatch(r"error-code (\d+)\n", got.text)[1]), codes)

    def test_a_guest_calls_and_streams_the_answer_back(self):
        server = self.granted()
        self.expect(self.call(server, "/path?q=1"), 200, "GET /path?q=1 ")
        self.assertEqual(len(self.call(server, "/size/5000000").body), 5000000)

    def test_method_and_body_go_along(self):
        server = self.granted()
        self.expect(self.call(server, "/x", "PUT", b"hello"), 200, "PUT /x hello")
        self.expect(self.call(server, "/x", "POST", b"y" * 300000), 200, "POST /x " + "y" * 300000)

    def test_many_calls_use_few_connections(self):
        server = self.granted()
        with Load(server, "/call?http://%s/" % self.upstream.authority, threads=4) as load:
            wait_until(lambda: load.answered > 200 or load.failures, what="200 calls")
        self.assertEqual(load.failures, [])
        self.assertLessEqual(self.upstream.server.connections, 10)

    def test_what_was_not_granted_is_denied(self):
        server = self.serve()
        self.expect_code(self.call(server), DENIED, PROHIBITED)
        self.assertEqual(self.upstream.server.connections, 0)

    def test_a_grant_is_for_its_host_and_port_only(self):
        other = Upstream(self)
        server = self.granted()
        self.expect(self.call(server), 200)
        self.expect_code(self.call(server, authority=other.authority), DENIED, PROHIBITED)
        self.assertEqual(other.server.connections, 0)

    def test_a_name_that_leads_to_a_private_address_is_refused(self):
        try:
            address = ipaddress.ip_address(socket.gethostbyname(socket.gethostname()))
        except OSError:
            self.skipTest("this machine's name has no address")
        if address.is_global:
            self.skipTest("this machine's name has a public address")
        authority = "%s:%d" % (socket.gethostname(), self.upstream.port)
        server = self.granted(authority)
        self.expect_code(self.call(server, authority=authority), PROHIBITED, DENIED)

    def test_a_private_address_may_be_granted_by_name_range_or_in_general(self):
        local = "localhost:%d" % self.upstream.port
        for rules, authority in (([local], local), (["127.0.0.0/8"], self.upstream.authority), (["127.0.0.0/8"], local)):
            with self.subTest(rules):
                self.expect(self.call(self.granted(*rules), authority=authority), 200)
        server = self.serve(components={"guest": {GRANT: ["*"], "http-private": True}})
        self.expect(self.call(server), 200)

    def test_a_grant_may_be_for_some_methods_only(self):
        server = self.granted("GET,HEAD@%s" % self.upstream.authority)
        self.expect(self.call(server), 200)
        self.expect_code(self.call(server, method="POST", body=b"x"), DENIED)
        self.assertEqual(self.upstream.server.requests, 1)

    def test_everything_granted_does_not_mean_private_addresses(self):
        server = self.granted("*")
        for authority in (self.upstream.authority, "localhost:%d" % self.upstream.port, "[::1]:80", "169.254.169.254",
                          "10.0.0.1", "[::ffff:127.0.0.1]:%d" % self.upstream.port, "0.0.0.0:%d" % self.upstream.port):
            with self.subTest(authority):
                self.expect_code(self.call(server, authority=authority), PROHIBITED, DENIED)
        self.assertEqual(self.upstream.server.connections, 0)

    def test_nobody_listening_is_connection_refused(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            authority = "127.0.0.1:%d" % s.getsockname()[1]
        server = self.granted(authority)
        self.expect_code(self.call(server, authority=authority), REFUSED)

    def test_a_name_that_does_not_exist_is_a_dns_error(self):
        server = self.granted("does-not-exist.invalid")
        self.expect_code(self.call(server, authority="does-not-exist.invalid"), DNS_ERROR, NOT_FOUND, 0)

    def test_an_answer_that_does_not_begin_is_a_timeout(self):
        server = self.granted()
        start = time.monotonic()
        self.expect_code(self.call(server, "/stall", limits="/0,300,0"), READ_TIMEOUT, RESPONSE_TIMEOUT)
        self.assertLess(time.monotonic() - start, scaled(10))

    def test_an_answer_that_stops_in_the_middle_is_cut_off(self):
        server = self.granted()
        with server.connect() as s:
            s.sendall(b"GET /call/0,0,300?http://%s/stall-body HTTP/1.1\r\nHost: x\r\n\r\n"
                      % self.upstream.authority.encode())
            answer = receive_until(s, b"0\r\n\r\n")
        self.assertIn(b"some", answer)
        self.assertFalse(answer.endswith(b"0\r\n\r\n"))

    def test_an_answer_that_is_cut_off_is_passed_on_as_such(self):
        server = self.granted()
        with server.connect() as s:
            s.sendall(b"GET /call?http://%s/cut HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" %
                      self.upstream.authority.encode())
            answer = receive(s)
        if b" 200 " in answer.split(b"\r\n", 1)[0]:  # it had left in part
            self.assertFalse(answer.endswith(b"0\r\n\r\n"))
        else:
            self.assertTrue(answer.startswith(b"HTTP/1.1 502 "), answer[:100])

    def test_an_answer_that_is_none_is_an_error(self):
        server = self.granted()
        self.expect_code(self.call(server, "/nonsense"), PROTOCOL_ERROR, INCOMPLETE)
        got = self.call(server, "/close")
        self.expect_code(got, INCOMPLETE, 7, PROTOCOL_ERROR)

    def test_an_upstream_that_stalls_holds_only_those_who_call_it(self):
        server = self.granted()
        stalled = [server.connect() for _ in range(50)]
        for s in stalled:
            self.addCleanup(s.close)
            s.sendall(b"GET /call?http://%s/stall HTTP/1.1\r\nHost: x\r\n\r\n" % self.upstream.authority.encode())
        wait_until(lambda: server.metric("requests_in_flight") == 50, what="the calls to begin")
        for _ in range(20):
            self.assertServes(server)
        wait_until(lambda: server.metric("requests_in_flight") == 50, what="the others to be over")
        for s in stalled:
            s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the calls to end")

    def test_a_client_that_goes_away_ends_the_call(self):
        server = self.granted()
        s = server.connect()
        s.sendall(b"GET /call?http://%s/stall HTTP/1.1\r\nHost: x\r\n\r\n" % self.upstream.authority.encode())
        wait_until(lambda: self.upstream.server.requests == 1, what="the call")
        s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the guest to end")
        wait_until(lambda: server.metric("client_connections_open") == 0, what="the connection to be closed")

    def test_the_trace_is_passed_on(self):
        server = self.granted()
        given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        got = server.request("/call?http://%s/headers" % self.upstream.authority, headers={"traceparent": given}).text
        passed = re.search(r"traceparent: 00-([0-9a-f]+)-([0-9a-f]+)-", got)
        self.assertEqual(passed[1], given.split("-")[1])
        self.assertNotEqual(passed[2], given.split("-")[2])

    def test_a_trace_state_in_pieces_is_passed_on_whole(self):
        server = self.granted()
        answer = server.raw(b"GET /call?http://%s/headers HTTP/1.1\r\nHost: x\r\nConnection: close\r\ntracestate: a=b\r\n"
                            b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
                            b"tracestate: c=d\r\n\r\n" % self.upstream.authority.encode())
        self.assertIn(b"tracestate: a=b,c=d\n", answer.lower().replace(b"\r", b""))

    def test_a_kept_connection_that_the_other_closed_is_not_used(self):
        server = self.granted(top={"threads": 1})
        self.expect(self.call(server), 200)
        self.expect(self.call(server, "/last"), 200)
        self.assertEqual(self.upstream.server.connections, 1)
        wait_until(lambda: server.metric("client_connections_open") == 0, what="the connection to be closed")
        self.expect(self.call(server), 200)
        self.assertEqual(self.upstream.server.connections, 2)

    def test_it_can_call_itself(self):
        server = self.serve(components={"guest": {GRANT: ["127.0.0.1"]}}, top={"threads": 1})
        self.expect(server.request("/call?http://127.0.0.1:%d/hello" % server.port), 200, "Hello, World!\n")
        got = server.request("/call?http://127.0.0.1:%d/echo" % server.port, "POST", b"z" * 1000000)
        self.assertEqual(got.body, b"z" * 1000000)


class SecureCalls(Case):
    def test_a_certificate_is_verified(self):
        certificates = Certificates(self.folder)
        upstream = Upstream(self, certificates.server)
        grants = {"guest": {GRANT: [upstream.authority]}}
        server = self.serve(components=grants)
        got = server.request("/call?https://%s/" % upstream.authority)
        self.assertEqual((got.status, got.text), (502, "error-code %d\n" % TLS_CERTIFICATE))
        trusting = self.serve(components=grants, environment={"SSL_CERT_FILE": certificates.authority})
        self.expect(trusting.request("/call?https://%s/" % upstream.authority, seconds=SECONDS), 200, "GET / ")

    def test_a_plain_upstream_is_a_tls_error(self):
        upstream = Upstream(self)
        server = self.serve(components={"guest": {GRANT: [upstream.authority]}})
        got = server.request("/call?https://%s/" % upstream.authority)
        self.assertEqual(got.status, 502)
        self.assertIn(int(got.text.split()[1]), (TLS_PROTOCOL, TLS_CERTIFICATE, 14))
