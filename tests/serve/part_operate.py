"""What an operator sees and does: reload, drain, activation, the admin address, logs, traces."""
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time

from harness import (HTTP2_PREFACE, KEEP_NOTHING, SECONDS, Case, Certificates, Environment, Load, free_port,
                     http2_frame, receive, receive_http2_frame, receive_until, scaled, span, try_until,
                     wait_until)

TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Reload(Case):
    def name(self, server):
        return re.search(r"(?m)^NAME=(.*)$", server.request("/env").text)[1]

    def component(self, name):
        return {"guest": {"env": ["NAME=%s" % name]}}

    def test_new_requests_get_what_is_new(self):
        server = self.serve(components=self.component("one"))
        self.assertEqual(self.name(server), "one")
        server.configure(components=self.component("two"))
        server.reload()
        self.assertEqual(self.name(server), "two")

    def test_requests_under_way_finish_with_what_is_old(self):
        server = self.serve(components=self.component("one"))
        with server.connect() as s:
            s.sendall(b"GET /sse/15 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            receive_until(s, b"data: 1\n")
            server.configure(components=self.component("two"))
            server.reload()
            self.assertEqual(self.name(server), "two")
            self.assertIn(b"data: 14\n", receive(s))

    def test_a_kept_connection_goes_on(self):
        server = self.serve(components=self.component("one"))
        client = server.client()
        self.addCleanup(client.close)
        client.request("GET", "/env")
        self.assertIn(b"NAME=one", client.getresponse().read())
        server.configure(components=self.component("two"))
        server.reload()
        client.request("GET", "/env")
        self.assertIn(b"NAME=two", client.getresponse().read())

    def test_it_counts_when_no_request_gets_what_is_old_any_more(self):
        server = self.serve(components=self.component("one"), top={"threads": 1})
        client = server.client()
        self.addCleanup(client.close)
        client.request("GET", "/env")
        self.assertIn(b"NAME=one", client.getresponse().read())
        server.configure(components=self.component("two"))
        with server.stopped_worker():
            server.send_signal(signal.SIGHUP)
            server.wait_log("reloaded: generation 2 serves")
            time.sleep(0.1)
            self.assertEqual(server.metric("reloads_total"), 0)
        self.assertCounts(server, "reloads_total", 1)
        client.request("GET", "/env")
        self.assertIn(b"NAME=two", client.getresponse().read())

    def test_limits_change_for_connections_that_are_open_too(self):
        server = self.serve(limits={"max-body": 100, "max-header-count": 50})
        client = server.client()
        self.addCleanup(client.close)

        def upload():
            client.request("POST", "/upload", b"x" * 1000)
            got = client.getresponse()
            got.read()
            return got.status
        client.request("POST", "/upload", b"x" * 100)
        self.assertEqual(client.getresponse().read(), b"100")
        server.configure(limits={"max-body": 1000})
        server.reload()
        self.assertEqual(upload(), 200)
        server.configure(limits={"max-body": 999})
        server.reload()
        self.assertEqual(upload(), 413)
        server.wait_log("reloaded: generation 3 serves")
        self.assertNotIn("next start", server.log())

    def test_times_change(self):
        server = self.serve(limits={"header-timeout": "1h"})
        server.configure(limits={"header-timeout": span(300)})
        server.reload()
        with server.connect() as s:
            s.sendall(b"GET /hello HTTP/1.1\r\nHos")
            self.assertIn(b" 408 ", receive(s))

    def test_clients_that_wait_come_in_when_more_connections_are_allowed(self):
        server = self.serve(top={"threads": 1}, limits={"max-connections": 1})
        with server.connect() as kept, server.connect() as late:
            kept.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            receive_until(kept, b"hello")
            late.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            late.settimeout(0.3)
            self.assertRaises(TimeoutError, late.recv, 100)
            server.configure(limits={"max-connections": 2})
            server.reload()
            self.assertIn(b"hello", receive_until(late, b"hello"))

    def test_a_body_that_is_under_way_meets_a_smaller_limit(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n%s\r\n" % (b"x" * 100))
            wait_until(lambda: server.metric("request_bytes_total") + server.metric("requests_in_flight") > 0,
                       what="the request to begin")
            server.configure(limits={"max-body": 50})
            server.reload()
            s.sendall(b"1\r\nx\r\n0\r\n\r\n")
            self.assertNotIn(b" 200 ", receive(s).split(b"\r\n")[0])
        self.assertServes(server)

    def test_what_needs_a_restart_is_said(self):
        server = self.serve(top={"threads": 1})
        server.configure(top={"threads": 2, "watch": True, "http2": False, "opt-level": "2"},
                         limits={"max-concurrent": 5000, "max-stack": "1MiB"}, defaults={"max-memory": "1GiB"})
        server.reload()
        server.wait_log("reloaded: generation 2 serves")
        said = re.findall(r"warning: (.*) changed: this takes effect at the next start", server.log())
        self.assertEqual(said, ["the number of threads has", "the limit of concurrent requests, now larger, has",
                                "the largest memory, now larger, has", "compiler, opt-level or max-stack have", "whether HTTP/2 is offered has", "watching has"])
        self.assertServes(server)

    def test_a_broken_file_leaves_what_is_there_and_says_so(self):
        server = self.serve(components=self.component("one"))
        for text in ("nonsense = = 1", "[limits]\nmax-body = 'many'\n", ""):
            server.file.write_text(text)
            server.reload()
            self.assertEqual(self.name(server), "one")
        self.assertCounts(server, "reload_failures_total", 3)
        server.wait_log(r"serve-\d+\.toml.*1")

    def test_a_broken_component_leaves_what_is_there(self):
        component = self.folder / "component.wasm"
        server = self.serve(components=self.component("one"))
        for content in (b"", b"\0asm\x0d\0\x01\0nonsense", b"\0asm\x0d\0\x01\0"):
            component.write_bytes(content)
            server.configure(components={"guest": {"file": component}})
            server.reload()
            self.assertEqual(self.name(server), "one")
        server.wait_log("component.wasm")

    def test_no_request_is_lost_when_reloading_over_and_over(self):
        server = self.serve(components=self.component("0"))
        with Load(server) as load:
            for i in range(10):
                server.configure(components=self.component(str(i)))
                before = load.answered
                server.reload()
                wait_until(lambda: load.failures or load.answered > before + 10, what="requests to be answered")
        self.assertEqual(load.failures, [])
        self.assertEqual(server.metric("reload_failures_total"), 0)

    def test_memory_does_not_grow_with_reloads(self):
        server = self.serve(environment=KEEP_NOTHING)
        for _ in range(5):
            server.reload()
            self.assertServes(server)
        before = server.memory()
        for _ in range(15):
            server.reload()
            self.assertServes(server)
        self.assertLess(server.memory() - before, 16 * 1024)

    def test_a_changed_file_is_read_when_watched(self):
        server = self.serve(components=self.component("one"), top={"watch": True})
        self.assertEqual(self.name(server), "one")
        server.configure(components=self.component("two"))
        wait_until(lambda: self.name(server) == "two", what="the reload")

    def test_a_changed_component_is_read_when_watched(self):
        component = self.folder / "component.wat"
        with open(Environment.guest, encoding="ascii") as file:
            text = file.read()
        component.write_text(text)
        server = self.serve(components={"guest": {"file": component}}, top={"watch": True})
        self.assertServes(server)
        changed = self.folder / "new.wat"
        changed.write_text(text.replace("Hello, World!", "Hallo, Welt!!"))
        changed.replace(component)
        wait_until(lambda: server.request("/hello").text == "Hallo, Welt!!\n", what="the reload")


class Addresses(Case):
    """What is listened on changes at a reload."""

    def is_refused(self, port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
            return False
        except OSError:
            return True

    def hello(self, port):
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as s:
            s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"Hello", receive(s))

    def test_one_that_is_new_is_listened_on(self):
        server, port = self.serve(), free_port()
        server.extra_listen.append({"address": "127.0.0.1:%d" % port})
        server.configure()
        server.reload()
        for _ in range(20):
            self.hello(port)
        self.assertServes(server)
        self.assertIn("info: listening on http://127.0.0.1:%d" % port, server.log())
        self.assertNotIn("next start", server.log())

    def test_one_that_is_gone_takes_no_more_and_drops_nobody(self):
        old = free_port()
        server = self.serve(extra_listen=[{"address": "127.0.0.1:%d" % old}])
        kept = http.client.HTTPConnection("127.0.0.1", old, timeout=SECONDS)
        self.addCleanup(kept.close)

        def hello():
            kept.request("GET", "/hello")
            self.assertEqual(kept.getresponse().read(), b"Hello, World!\n")
        hello()
        with socket.create_connection(("127.0.0.1", old), timeout=SECONDS) as busy:
            busy.sendall(b"GET /sse/10 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            receive_until(busy, b"data: 1\n")
            server.extra_listen.clear()
            server.configure()
            server.reload()
            wait_until(lambda: self.is_refused(old), what="the address to be closed")
            hello()
            self.assertIn(b"data: 9\n", receive(busy))
        self.assertServes(server)
        self.assertIn("info: not listening on 127.0.0.1:%d any more" % old, server.log())

    def test_those_who_had_connected_to_one_that_is_gone_are_served(self):
        """A worker that is busy has not accepted them yet."""
        old = free_port()
        server = self.serve(extra_listen=[{"address": "127.0.0.1:%d" % old}])
        server.extra_listen.clear()
        server.configure()
        server.send_signal(signal.SIGSTOP)
        many = [socket.create_connection(("127.0.0.1", old), timeout=SECONDS) for _ in range(50)]
        for s in many:
            s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.send_signal(signal.SIGHUP)
        server.send_signal(signal.SIGCONT)
        for s in many:
            with s:
                self.assertIn(b"Hello", receive(s))
        wait_until(lambda: self.is_refused(old), what="the address to be closed")

    def test_one_that_somebody_else_has_is_a_failed_reload(self):
        server = self.serve()
        with listening() as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            new = free_port()
            server.extra_listen += [{"address": "127.0.0.1:%d" % new}, {"address": address}]
            server.configure()
            server.reload()
        server.wait_log("error: reload failed, what was there serves on: .*cannot listen on %s: Address" % address)
        self.assertTrue(self.is_refused(new))
        self.assertServes(server)
        server.reload()
        self.hello(new)

    def test_a_unix_socket_comes_and_goes(self):
        server, path = self.serve(), self.folder / "socket"
        server.extra_listen.append({"address": "unix:%s" % path})
        server.configure()
        server.reload()
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(SECONDS)
                s.connect(str(path))
                s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertIn(b"Hello", receive(s))
            server.reload()
        server.extra_listen.clear()
        server.configure()
        server.reload()
        self.assertFalse(path.exists())

    def test_tls_comes_and_goes_at_the_same_address(self):
        certificates = Certificates(self.folder)
        server = self.serve()
        plain = {"address": "127.0.0.1:%d" % server.port}

        def subject():
            context = certificates.context()
            with context.wrap_socket(server.connect(), server_hostname="localhost") as s:
                name = s.getpeercert()["subject"][0][0][1]
                s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertIn(b"Hello", receive(s))
                return name

        def is_told(name):
            try:
                return subject() == name
            except OSError:
                return False  # a worker has not heard of it yet
        kept = server.client()
        self.addCleanup(kept.close)
        kept.request("GET", "/hello")
        kept.getresponse().read()
        for name in ("first", "second"):
            certificate, key = certificates.make(name)
            server.listen = [{**plain, "certificate": certificate, "key": key}]
            server.configure()
            server.reload()
            wait_until(lambda name=name: is_told(name), what="the certificate")
            for _ in range(10):
                self.assertEqual(subject(), name)
        kept.request("GET", "/hello")
        self.assertEqual(kept.getresponse().read(), b"Hello, World!\n")
        server.listen = [plain]
        server.configure()
        server.reload()
        wait_until(lambda: b"Hello" in server.raw(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                   what="TLS to be gone")

    def test_addresses_change_in_a_loop_under_load(self):
        server, ports = self.serve(), [free_port() for _ in range(3)]
        with Load(server) as load:
            for turn in range(12):
                server.extra_listen[:] = [{"address": "127.0.0.1:%d" % port} for port in ports[turn % 3:]]
                server.configure()
                server.reload()
                for listen in server.extra_listen:
                    self.hello(int(listen["address"].split(":")[1]))
        self.assertEqual(load.failures, [])
        self.assertGreater(load.answered, 20)


class Stopping(Case):
    def test_it_drains_and_ends_with_0(self):
        server = self.serve(top={"drain-timeout": span(20000)})
        with server.connect() as s:
            s.sendall(b"GET /sse/10 HTTP/1.1\r\nHost: x\r\n\r\n")
            receive_until(s, b"data: 1\n")
            server.process.terminate()
            wait_until(lambda: self.is_refused(server), what="the address to be closed")
            answer = receive(s)
        self.assertIn(b"data: 9\n", answer)
        self.assertTrue(answer.endswith(b"0\r\n\r\n"))
        self.assertEqual(server.process.wait(SECONDS), 0)

    def is_refused(self, server):
        try:
            server.connect().close()
            return False
        except OSError:
            return True

    def test_it_does_not_wait_longer_than_told(self):
        server = self.serve(top={"drain-timeout": "500ms"})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            start = time.monotonic()
            server.process.terminate()
            self.assertEqual(server.process.wait(SECONDS), 0)
        self.assertGreater(time.monotonic() - start, 0.3)
        self.assertLess(time.monotonic() - start, scaled(10))

    def test_a_client_by_http2_learns_the_end_within_a_short_time_to_drain(self):
        """One that does not answer the notice is told which requests were taken before the time is over."""
        server = self.serve(top={"drain-timeout": span(1900)})
        with server.connect() as s:
            s.sendall(HTTP2_PREFACE + http2_frame(1, 5, 1, b"\x82\x86\x04\x06/hello\x01\x01x"))
            receive_http2_frame(s, 1)
            server.process.terminate()
            last = [receive_http2_frame(s, 7)[1][:4] for _ in range(2)]
            self.assertEqual(last, [b"\x7f\xff\xff\xff", b"\0\0\0\1"])
            self.assertEqual(receive(s), b"")
        self.assertEqual(server.process.wait(SECONDS), 0)
        self.assertNotIn("the time to drain is over", server.log())

    def test_everything_ends_when_the_time_to_drain_is_over(self):
        """Clients that neither answer nor close, requests, and one that comes after the notice."""
        server = self.serve(top={"drain-timeout": span(400)})
        hello = http2_frame(1, 5, 1, b"\x82\x86\x04\x06/hello\x01\x01x")
        never = http2_frame(1, 5, 3, b"\x82\x86\x04\x06/never\x01\x01x")
        clients = [server.connect() for _ in range(4)]
        for s in clients:
            self.addCleanup(s.close)
            s.sendall(HTTP2_PREFACE + hello)
            receive_http2_frame(s, 1)
        clients[0].sendall(never)
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        start = time.monotonic()
        server.process.terminate()
        server.wait_log("stopping")
        clients[1].sendall(never)
        self.assertEqual(server.process.wait(SECONDS), 0)
        self.assertLess(time.monotonic() - start, scaled(2))
        self.assertIn("warning: the time to drain is over", server.log())
        for s in clients[:2]:
            self.assertEqual(receive_http2_frame(s, 1)[1][:5], b"H\x03503")

    def test_a_second_signal_ends_it_at_once(self):
        server = self.serve(top={"drain-timeout": span(60000)})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            server.process.terminate()
            server.wait_log("stopping: ")  # two signals that wait to be handled are one
            self.assertIsNone(server.process.poll())
            server.process.terminate()
            self.assertIsNotNone(server.process.wait(SECONDS))

    def test_idle_connections_are_closed_at_once(self):
        server = self.serve(top={"drain-timeout": span(20000)})
        with server.connect() as s:
            s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            receive_until(s, b"hello")
            start = time.monotonic()
            server.process.terminate()
            self.assertEqual(receive(s), b"")
            self.assertEqual(server.process.wait(SECONDS), 0)
        self.assertLess(time.monotonic() - start, scaled(15))

    def test_requests_that_were_sent_before_are_answered(self):
        server = self.serve(top={"threads": 1, "drain-timeout": span(20000)})
        request = b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n"
        kept = [server.connect() for _ in range(20)]
        for s in kept:
            s.sendall(request)
            receive_until(s, b"hello")
        server.send_signal(signal.SIGSTOP)
        new = [server.connect() for _ in range(100)]
        for s in kept + new:
            s.sendall(request)
        server.process.terminate()
        server.send_signal(signal.SIGCONT)
        for s in kept + new:
            with s:
                self.assertTrue(receive(s).endswith(b"hello"))
        self.assertEqual(server.process.wait(SECONDS), 0)

    def test_it_is_not_ready_while_it_drains(self):
        server = self.serve(top={"drain-timeout": span(20000)})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            server.process.terminate()
            wait_until(lambda: server.admin("/readyz").status == 503, scaled(10), "not to be ready")
            self.assertEqual(server.admin("/healthz").status, 200)
        self.assertEqual(server.process.wait(SECONDS), 0)

    def test_interrupt_stops_it_too(self):
        server = self.serve()
        server.send_signal(signal.SIGINT)
        self.assertIsNotNone(server.process.wait(SECONDS))


# Starts a program with listening sockets as descriptors 3 and following, as systemd does. What is given: their numbers and
# names, each "NUMBER=NAME", then the command.
ACTIVATE = ("import os, sys\n"
            "count = int(sys.argv[1])\n"
            "given = [one.split('=') for one in sys.argv[2:2 + count]]\n"
            "kept = [os.dup(int(number)) for number, _ in given]\n"
            "kept = [os.dup2(one, 100 + i) for i, one in enumerate(kept)]\n"
            "for i, one in enumerate(kept): os.dup2(one, 3 + i)\n"
            "os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()),\n"
            "                  LISTEN_FDNAMES=':'.join(name for _, name in given))\n"
            "os.execv(sys.argv[2 + count], sys.argv[2 + count:])\n")


def activate(sockets):
    """What is put before a command, so that it gets these: (socket, name)."""
    given = ["%d=%s" % (s.fileno(), name) for s, name in sockets]
    return (sys.executable, "-c", ACTIVATE, str(len(given)), *given)


def listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(100)
    return s


class Systemd(Case):
    def test_it_takes_the_socket_that_systemd_opened(self):
        for address in ("systemd", "systemd:web"):
            with listening() as s:
                port = s.getsockname()[1]
                server = self.serve(listen=[{"address": address}], pass_fds=(s.fileno(),), wrap=activate([(s, "web")]))
                self.expect(server.request("/hello", port=port), 200)
                self.assertEqual(server.stop(), 0)

    def test_all_workers_take_from_named_and_unnamed_sockets(self):
        """systemd names a socket after its unit if FileDescriptorName does not say otherwise, or "unknown"."""
        certificates = Certificates(self.folder)
        certificate, key = certificates.server
        with listening() as plain, listening() as secure, listening() as unused:
            sockets = [(plain, "web"), (unused, "unknown"), (secure, "secure")]
            server = self.serve(listen=[{"address": "systemd:web"},
                                        {"address": "systemd:secure", "certificate": certificate, "key": key}],
                                top={"threads": 4}, pass_fds=[s.fileno() for s, _ in sockets], wrap=activate(sockets))
            many = [socket.create_connection(plain.getsockname(), timeout=SECONDS) for _ in range(40)]
            for s in many:
                s.sendall(b"GET /sleep/300 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            for s in many:
                self.assertIn(b"HTTP/1.1 200", receive(s))
                s.close()
            client = http.client.HTTPSConnection("localhost", secure.getsockname()[1], timeout=SECONDS,
                                                 context=certificates.context())
            client.request("GET", "/hello")
            self.assertEqual(client.getresponse().read(), b"Hello, World!\n")
            client.close()
            # What nobody asked for is not served.
            with socket.create_connection(unused.getsockname(), timeout=1) as s:
                s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertRaises(TimeoutError, s.recv, 1)

    def test_without_a_name_it_takes_all_of_them(self):
        with listening() as one, listening() as two:
            sockets = [(one, "web"), (two, "unknown")]
            server = self.serve(listen=[{"address": "systemd"}], pass_fds=[s.fileno() for s, _ in sockets],
                                wrap=activate(sockets))
            for s, _ in sockets:
                self.expect(server.request("/hello", port=s.getsockname()[1]), 200)

    def test_a_name_that_was_not_passed_is_an_error(self):
        with listening() as s:
            server = self.serve(listen=[{"address": "systemd:other"}], pass_fds=(s.fileno(),),
                                wrap=activate([(s, "web")]), wait=False)
            self.assertNotEqual(server.process.wait(SECONDS), 0)
            self.assertIn("no socket named `other`", server.said())

    def test_it_feeds_the_watchdog(self):
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(SECONDS)
            self.serve(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})

            def time_of_two():
                times = []
                while len(times) < 4:
                    if notify.recv(1000) == b"WATCHDOG=1":
                        times.append(time.monotonic())
                return times[-1] - times[1]
            self.assertLess(try_until(time_of_two, lambda seconds: seconds < 0.8), 0.8)

    def test_it_says_when_it_is_ready_and_when_it_stops(self):
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(SECONDS)
            server = self.serve(environment={"NOTIFY_SOCKET": path})
            self.assertIn(b"READY=1", notify.recv(1000))
            server.reload()
            said = b""
            while said.count(b"READY=1") < 1:
                said += notify.recv(1000) + b"\n"
            self.assertIn(b"RELOADING=1", said)
            server.stop()
            self.assertIn(b"STOPPING=1", notify.recv(1000))

    def test_it_listens_on_a_unix_socket(self):
        path = self.folder / "socket"
        self.serve(listen=[{"address": "unix:%s" % path}])
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(SECONDS)
            s.connect(str(path))
            s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"Hello", receive(s))


class SocketFiles(Case):
    def hello(self, path):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(SECONDS)
            s.connect(str(path))
            s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"Hello", receive(s))

    def test_they_are_removed_at_the_end(self):
        path = self.folder / "socket"
        server = self.serve(listen=[{"address": "unix:%s" % path}])
        self.hello(path)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(path.exists())

    def test_one_that_was_left_behind_is_replaced(self):
        path = self.folder / "socket"
        server = self.serve(listen=[{"address": "unix:%s" % path}])
        server.process.kill()
        server.process.wait()
        self.assertTrue(path.exists())
        self.serve(listen=[{"address": "unix:%s" % path}])
        self.hello(path)

    def test_one_that_somebody_listens_on_is_left_alone(self):
        path = self.folder / "socket"
        self.serve(listen=[{"address": "unix:%s" % path}])
        other = self.serve(listen=[{"address": "unix:%s" % path}], wait=False)
        self.assertNotEqual(other.process.wait(SECONDS), 0)
        self.hello(path)

    def test_a_file_that_is_no_socket_is_left_alone(self):
        path = self.folder / "socket"
        path.write_text("precious")
        server = self.serve(listen=[{"address": "unix:%s" % path}], wait=False)
        self.assertNotEqual(server.process.wait(SECONDS), 0)
        self.assertEqual(path.read_text(), "precious")

    def test_the_next_servers_is_not_removed(self):
        path = self.folder / "socket"
        first = self.serve(listen=[{"address": "unix:%s" % path}])
        path.unlink()
        self.serve(listen=[{"address": "unix:%s" % path}])
        self.assertEqual(first.stop(), 0)
        self.hello(path)


LINE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\[\\"n]|[^"\\])*",?)*\})? '
                  r"([+-]?(\d+\.?\d*([eE][+-]?\d+)?|Inf)|NaN)$")


class Admin(Case):
    def test_health_and_readiness(self):
        server = self.serve()
        self.expect(server.admin("/healthz"), 200)
        self.expect(server.admin("/readyz"), 200)
        self.expect(server.admin("/nothing"), 404)

    def test_the_metrics_are_prometheus_text(self):
        server = self.serve()
        for path in ("/hello", "/trap", "/status/404"):
            server.request(path)
        wait_until(lambda: server.metric("requests_total") == 3, what="the requests to be counted")
        got = server.admin("/metrics")
        self.assertIn("text/plain; version=0.0.4", got.headers["Content-Type"])
        typed, seen = {}, set()
        for line in got.text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.assertNotIn(name, typed)
                typed[name] = kind
            elif not line.startswith("#"):
                self.assertRegex(line, LINE)
                name = re.split(r"[{ ]", line)[0]
                family = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertIn(family if typed.get(family) == "histogram" else name, typed)
                series = line.rsplit(" ", 1)[0]
                self.assertNotIn(series, seen)
                seen.add(series)
        for status in (200, 404, 500):
            self.assertIn('tenon_requests_total{component="guest",method="GET",status="%d"} 1\n' % status, got.text)
        buckets = [int(n) for n in re.findall(r"request_duration_seconds_bucket\{[^}]*\} (\d+)", got.text)]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], 3)

    def duration(self, server):
        """Of the only request, when its response has left."""
        wait_until(lambda: server.metric("request_duration_seconds_count") == 1, what="the duration")
        return server.metric("request_duration_seconds_sum")

    def test_what_a_guest_does_after_its_answer_is_no_part_of_its_duration(self):
        for ask in (lambda s: s.request("/work-on/1500").text, lambda s: s.http2("/work-on/1500")[1]):
            server = self.serve()
            self.assertIn("answered", ask(server))
            self.assertLess(self.duration(server), 1.4)
            self.assertGreaterEqual(server.metric("instance_seconds_total"), 1.5)

    def test_the_duration_lasts_until_the_client_has_taken_the_answer(self):
        server = self.serve(limits={"write-buffer": "32MiB"})
        with server.connect() as s:
            s.sendall(b"GET /download/16000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            server.wait_log("/download/16000000")
            self.assertEqual(server.metric("request_duration_seconds_count"), 0)
            time.sleep(0.5)
            self.assertGreater(len(receive(s)), 16000000)
        self.assertGreater(self.duration(server), 0.5)

    def test_the_duration_lasts_until_the_client_has_opened_its_window(self):
        server = self.serve()
        with server.connect() as s:
            fields = b"\x82\x86\x04\x06/hello\x01\x01x"
            s.sendall(HTTP2_PREFACE.replace(http2_frame(4, 0, 0), http2_frame(4, 0, 0, b"\0\4\0\0\0\0"), 1) +
                      http2_frame(1, 5, 1, fields))
            server.wait_log("/hello")
            self.assertEqual(server.metric("request_duration_seconds_count"), 0)
            time.sleep(0.5)
            s.sendall(http2_frame(8, 0, 1, b"\0\0\xff\xff"))
            self.assertGreater(self.duration(server), 0.5)

    def test_the_duration_ends_when_the_client_goes_away(self):
        server = self.serve(limits={"write-buffer": "32MiB"})
        with server.connect() as s:
            s.sendall(b"GET /download/16000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            server.wait_log("/download/16000000")
        self.assertGreater(self.duration(server), 0)

    def test_the_metrics_count_bytes_and_instances(self):
        server = self.serve()
        server.request("/echo", "POST", b"x" * 1000)
        wait_until(lambda: server.metric("requests_total") == 1, what="the request to be counted")
        self.assertCounts(server, "request_bytes_total", 1000)
        self.assertCounts(server, "response_bytes_total", 1000)
        self.assertGreaterEqual(server.metric("instances_created_total"), 1)
        self.assertGreater(server.metric("instance_memory_peak_bytes"), 1 << 20)

    def test_the_admin_address_is_nobody_elses(self):
        server = self.serve()
        done = subprocess.run([Environment.tenon, "serve", "--addr", "127.0.0.1:%d" % free_port(),
                               "--admin", "127.0.0.1:%d" % server.admin_port, Environment.guest],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 113)
        self.assertIn(b"cannot listen on 127.0.0.1:%d: Address already in use" % server.admin_port, done.stdout)
        self.assertEqual(server.admin("/readyz").status, 200)

    def test_running_is_counted_without_waiting(self):
        server = self.serve()

        def running_while_asleep():
            before = server.metric("instance_seconds_total"), server.metric("running_seconds_total")
            server.request("/sleep/500")
            wait_until(lambda: server.metric("instance_seconds_total") >= before[0] + 0.5, what="the sleep to be counted")
            return server.metric("running_seconds_total") - before[1]
        self.assertLess(try_until(running_while_asleep, lambda seconds: seconds < 0.3), 0.3)
        before = server.metric("running_seconds_total")
        server.request("/spin/500")
        wait_until(lambda: server.metric("running_seconds_total") >= before + 0.4, what="the work to be counted")
        status = json.loads(server.admin("/status").body)
        self.assertGreaterEqual(status["components"][0]["runningSeconds"], 0.4)

    def test_the_status_is_json_or_a_page(self):
        server = self.serve()
        server.request("/hello")
        status = json.loads(server.admin("/status").body)
        self.assertEqual([c["name"] for c in status["components"]], ["guest"])
        page = server.admin("/status", {"Accept": "text/html"})
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertRegex(page.text, r"<(svg|canvas)|createElementNS")
        self.assertNotRegex(page.text, r"""(src|href)=["']?https?://""")

    def test_it_answers_while_all_workers_compute(self):
        server = self.serve()
        busy = [server.connect() for _ in range(8)]
        for s in busy:
            self.addCleanup(s.close)
            s.sendall(b"GET /loop HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: server.metric("requests_in_flight") == 8, what="the requests to begin")


class Idle(Case):
    def test_the_first_client_after_a_while_has_its_time(self):
        """Its time begins when it comes, not when the one before it went."""
        server = self.serve(top={"threads": 1}, limits={"header-timeout": span(1000)})
        try_until(lambda: server.request("/hello").status, lambda status: status == 200)

        def ask_later():
            time.sleep(scaled(1.5))
            with server.connect() as s:
                time.sleep(0.1)
                try:
                    s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
                    return receive_until(s, b"\r\n")
                except ConnectionError:
                    return b""
        for _ in range(2):
            self.assertIn(b" 200 ", try_until(ask_later, lambda got: b" 200 " in got, 3))


class Log(Case):
    def test_a_text_line_for_each_request(self):
        server = self.serve()
        server.request("/echo?x", "POST", b"abc", headers={"Host": "example.com"})
        line = server.wait_log(r"(?m)^.* 200 POST .*$")[0]
        for part in ("example.com/echo?x", "component=guest", "in=3", "out=3", "peer=127.0.0.1", "protocol=HTTP/1.1"):
            self.assertIn(part, line)
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
        self.assertRegex(line, r"id=[0-9a-f]{16} ")

    def test_a_json_line_for_each_request(self):
        server = self.serve(top={"log": "json"})
        server.request("/echo", "POST", b"abc")
        server.request("/print")
        server.request("/trap")
        for end in ('"path":"/echo"', '"path":"/print"', '"path":"/trap"', '"and one without an end"', '"an error line"'):
            server.wait_log(end)
        lines = [json.loads(line) for line in server.log().splitlines()]
        requests = {line["path"]: line for line in lines if line["type"] == "request"}
        self.assertEqual([requests[path]["status"] for path in ("/echo", "/print", "/trap")], [200, 200, 500])
        echo = requests["/echo"]
        self.assertEqual((echo["method"], echo["bytesIn"], echo["bytesOut"], echo["component"]), ("POST", 3, 3, "guest"))
        printed = [line["line"] for line in lines if line["type"] == "stdout"]
        self.assertEqual(printed, ["a line", "and another", "and one without an end"])
        self.assertEqual({line["id"] for line in lines if line["type"] in ("stdout", "stderr")}, {requests["/print"]["id"]})

    def test_what_guests_print_is_in_the_log_with_the_id(self):
        server = self.serve()
        server.request("/print")
        request = server.wait_log(r"GET .*/print .*id=([0-9a-f]{16})")[1]
        for stream, line in (("stdout", "a line"), ("stdout", "and another"), ("stdout", "and one without an end"),
                             ("stderr", "an error line")):
            server.wait_log(r"%s component=guest id=%s: %s$" % (stream, request, line))

    def test_no_control_character_reaches_it(self):
        server = self.serve()
        server.raw(b"GET /hello?\xff\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.request("/hello", headers={"Host": "x"})
        server.wait_log("GET")
        self.assertNotRegex(server.log_file.read_bytes(), rb"[\x00-\x09\x0b-\x1f\x7f]")

    def test_it_can_be_switched_off(self):
        server = self.serve(top={"log": "off"})
        self.assertServes(server)
        self.assertNotIn("GET", server.log())

    def expect_new_log(self, server):
        """The file may be there a moment before lines go to it."""
        def is_written():
            self.assertServes(server)
            return "/hello" in server.log()
        wait_until(is_written, what="lines in a new file")

    def test_it_is_opened_again_after_a_rotation(self):
        server = self.serve()
        self.assertServes(server)
        server.wait_log("/hello")
        server.log_file.rename(self.folder / "rotated")
        server.send_signal(signal.SIGUSR1)
        self.expect_new_log(server)

    def test_a_rotation_reloads_nothing(self):
        server = self.serve()
        server.file.write_text("nonsense = = 1")
        server.log_file.rename(self.folder / "rotated")
        server.send_signal(signal.SIGUSR1)
        self.expect_new_log(server)
        self.assertEqual(server.metric("reloads_total") + server.metric("reload_failures_total"), 0)

    def test_a_rotation_into_nowhere_goes_on_with_the_old_file(self):
        folder = self.folder / "logs"
        folder.mkdir()
        server = self.serve(top={"log-file": folder / "log"})
        folder.rename(self.folder / "moved")
        server.send_signal(signal.SIGUSR1)
        log = self.folder / "moved" / "log"
        wait_until(lambda: "error: opening the log" in log.read_text(), what="the log to say so")
        self.assertServes(server)
        wait_until(lambda: "/hello" in log.read_text(), what="the request")

    def test_a_reload_changes_its_form_and_its_place(self):
        server = self.serve()
        server.request("/hello?1")
        server.wait_log(r"/hello\?1 ")
        other = self.folder / "other"
        server.configure(top={"log-file": other, "log": "json"})
        server.reload()
        server.request("/hello?2")
        wait_until(lambda: '"path":"/hello?2"' in other.read_text(), what="the request")
        self.assertNotIn("/hello?2", server.log())
        server.configure(top={"log-file": other, "log": "off"})
        server.reload()
        server.request("/hello?3")
        self.assertCounts(server, "requests_total", 3)
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the request to be over")
        server.configure(top={"log-file": server.log_file})
        server.reload()
        server.request("/hello?4")
        server.wait_log(r"/hello\?4 ")
        self.assertNotIn("/hello?3", other.read_text() + server.log())

    def test_every_answer_has_the_id_if_that_is_wanted(self):
        server = self.serve(top={"request-id": True})
        for path, status in (("/hello", 200), ("/with-length", 200), ("/status/404", 404), ("/trap", 500), ("/no-response", 502)):
            got = self.expect(server.request(path), status)
            server.wait_log(" %d GET .*%s .*id=%s " % (status, path, got.headers["x-request-id"]))
        self.assertIsNone(self.serve().request("/hello").headers["x-request-id"])

    def test_a_full_disk_loses_lines_and_nothing_else(self):
        server = self.serve(top={"log-file": "/dev/full"})
        with Load(server) as load:
            wait_until(lambda: load.failures or load.answered > 50, what="50 answers")
        self.assertEqual(load.failures, [])
        wait_until(lambda: server.metric("log_lines_lost_total") > 0, what="lost lines to be counted")

    def test_a_client_that_went_away_is_in_it(self):
        server = self.serve()
        s = server.connect()
        s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        s.close()
        server.wait_log(r" 0 GET x/never ")

    def test_a_refused_request_is_in_it(self):
        server = self.serve()
        server.raw(b"nonsense\r\n\r\n")
        server.wait_log(r" 400 ")


class Traces(Case):
    def seen(self, server, headers=None):
        return TRACE.findall(server.request("/echo-headers", headers=headers or {}).text)

    def test_a_trace_is_begun(self):
        server = self.serve()
        first, second = self.seen(server), self.seen(server)
        self.assertEqual((len(first), len(second)), (1, 1))
        self.assertNotEqual(first[0].split("-")[1], second[0].split("-")[1])

    def test_a_trace_is_continued(self):
        server = self.serve()
        given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        seen = self.seen(server, {"traceparent": given, "tracestate": "a=b"})[0]
        self.assertEqual(seen.split("-")[1], given.split("-")[1])
        self.assertNotEqual(seen.split("-")[2], given.split("-")[2])
        server.wait_log("trace=%s" % seen)
        server.wait_log("id=%s" % seen.split("-")[2])

    def test_a_malformed_trace_is_replaced(self):
        server = self.serve()
        for given in ("nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
            seen = self.seen(server, {"traceparent": given})
            self.assertEqual(len(seen), 1)
            self.assertNotIn(given[3:20], seen[0])
