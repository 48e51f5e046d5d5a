"""Every limit that an operator can set, at its edge and beyond."""
import socket
import subprocess
import time

from harness import (HTTP2_PREFACE, KEEP_NOTHING, TIME_FACTOR, Case, http2_frame, parse_head, receive,
                     receive_until, scaled, span, try_until, wait_until)
from part_suspended import http2_requests


class Limits(Case):
    def status(self, server, data):
        return parse_head(server.raw(data))[0]

    def get(self, fields=b"", path=b"/hello"):
        return b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n" % (path, fields)

    def test_more_fields_than_allowed_are_431(self):
        server = self.serve(limits={"max-header-count": 10})
        self.assertEqual(self.status(server, self.get(b"A: b\r\n" * 8)), 200)
        self.assertEqual(self.status(server, self.get(b"A: b\r\n" * 9)), 431)

    def test_a_larger_head_than_allowed_is_431(self):
        server = self.serve(limits={"max-header-size": "1KiB"})
        self.assertEqual(self.status(server, self.get(b"A: %s\r\n" % (b"x" * 800))), 200)
        self.assertEqual(self.status(server, self.get(b"A: %s\r\n" % (b"x" * 1100))), 431)
        self.assertEqual(self.status(server, self.get(b"A: %s" % (b"x" * 100000))), 431)

    def test_a_longer_request_line_than_allowed_is_414(self):
        server = self.serve(limits={"max-header-size": "1KiB"})
        self.assertEqual(self.status(server, self.get(path=b"/hello?" + b"x" * 1100)), 414)
        self.assertEqual(self.status(server, b"GET /" + b"x" * 100000), 414)

    def test_a_larger_body_than_allowed_is_413(self):
        server = self.serve(limits={"max-body": "1000"})
        self.expect(server.request("/upload", "POST", b"x" * 1000), 200, "1000")
        head = b"POST /upload HTTP/1.1\r\nHost: x\r\n"
        self.assertEqual(self.status(server, head + b"Content-Length: 1001\r\n\r\n"), 413)
        chunks = b"".join(b"64\r\n%s\r\n" % (b"x" * 100) for _ in range(11))
        self.assertEqual(self.status(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"), 413)
        self.assertServes(server)

    def test_a_larger_body_than_allowed_is_413_over_http2_too(self):
        server = self.serve(limits={"max-body": "1000"})
        url = "http://127.0.0.1:%d/hello" % server.port
        for _ in range(40):
            done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--http2-prior-knowledge",
                                   "-d", "x" * 2000, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=scaled(30), check=False)
            self.assertEqual(done.stdout, b"413")
        self.assertServes(server)

    def test_more_trailers_than_allowed_are_refused(self):
        server = self.serve(limits={"max-header-size": "1KiB"})
        head = b"POST /trailers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        answer = server.raw(head + b"A: %s\r\n\r\n" % (b"x" * 5000))
        self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer[-100:])
        self.assertServes(server)

    def test_what_the_server_keeps_for_a_guest_is_limited(self):
        """Fields, bodies, paths, pollables, empty resources: guests that pile them up end, and their memory is given back."""
        server = self.serve(top={"threads": 1}, environment=KEEP_NOTHING,
                            defaults={"max-host-memory": "32MiB", "max-handles": 1000000})
        self.assertServes(server)
        before = server.memory()
        for kind in range(5):
            self.expect(server.request("/hoard/%d" % kind), 500)
        self.assertCounts(server, "traps_total", 5)
        self.assertIn("kind=\"memory-limit\"} 5", server.admin("/metrics").text)
        self.assertLess(server.memory("VmHWM") - before, scaled(128 << 10))
        if TIME_FACTOR == 1:  # the address sanitizer gives nothing back that is in pieces
            wait_until(lambda: server.memory() - before < 16 << 10, what="the memory to be given back")
        server.wait_log("raise `max-host-memory`")
        self.assertServes(server)

    def assertGivesMemoryBack(self, server, use, held, kept):
        """`use` gives what is to be closed when the server holds so many MiB more; then that has to be less again. The
        memory of instances stays, cleared, for those that come."""
        self.assertServes(server)
        before = server.memory()
        used = use()
        wait_until(lambda: server.memory() - before > held << 10, scaled(60), "the buffers to fill")
        for s in used:
            s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, scaled(60), "the guests to end")
        if TIME_FACTOR == 1:  # the address sanitizer gives nothing back
            wait_until(lambda: server.memory() - before < kept << 10, scaled(10),
                       lambda: "the memory to be given back: %d KiB more than before" % (server.memory() - before))
        self.assertServes(server)

    def opened(self, server, data):
        s = server.connect()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(data)
        return s

    def test_what_slow_clients_left_unread_is_given_back(self):
        server = self.serve(limits={"write-timeout": "1h", "write-buffer": "2MiB"}, defaults={"timeout": "1h"})
        request = b"GET /download/100000000 HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertGivesMemoryBack(server, lambda: [self.opened(server, request) for _ in range(40)], 64, 16)

    def test_what_clients_did_not_take_over_http2_is_given_back(self):
        """Their window stays shut."""
        server = self.serve(limits={"write-timeout": "1h", "write-buffer": "2MiB"}, defaults={"timeout": "1h"})
        streams = http2_requests(10, b"/download/10000000").replace(http2_frame(4, 0, 0),
                                                                    http2_frame(4, 0, 0, b"\0\4\0\0\0\0"), 1)
        self.assertGivesMemoryBack(server, lambda: [self.opened(server, streams) for _ in range(4)], 64, 16)

    def test_what_guests_did_not_read_over_http2_is_given_back(self):
        server = self.serve(limits={"body-timeout": "1h"}, defaults={"timeout": "1h"})
        path = b"/never"
        fields = b"\x83\x86\x04" + bytes([len(path)]) + path + b"\x01\x01x"
        data = HTTP2_PREFACE + http2_frame(4, 1, 0)
        for i in range(4):
            data += http2_frame(1, 4, 1 + 2 * i, fields) + http2_frame(0, 0, 1 + 2 * i, b"x" * 16000) * 15
        self.assertGivesMemoryBack(server, lambda: [self.opened(server, data) for _ in range(80)], 80, 40)

    def test_handles_are_limited(self):
        server = self.serve(defaults={"max-handles": 1000})
        self.expect(server.request("/hoard/3"), 500)
        server.wait_log("more than 1000 handles")
        self.assertServes(server)

    def test_a_head_that_takes_too_long_is_408(self):
        server = self.serve(limits={"header-timeout": span(300)})
        start = time.monotonic()
        with server.connect() as s:
            s.sendall(b"GET /hello HTTP/1.1\r\nHos")
            answer = receive(s)
        self.assertEqual(parse_head(answer)[0], 408)
        self.assertLess(time.monotonic() - start, scaled(9))

    def test_a_head_that_drips_is_408_all_the_same(self):
        server = self.serve(limits={"header-timeout": span(500)})
        start = time.monotonic()
        with server.connect() as s:
            try:
                s.sendall(b"GET /hello HTTP/1.1\r\n")
                while time.monotonic() - start < scaled(9):
                    s.sendall(b"A: b\r\n")
                    time.sleep(0.05)
            except OSError:
                pass
        self.assertLess(time.monotonic() - start, scaled(9))

    def test_only_the_head_has_to_come_in_its_time(self):
        """An answer may take longer, on a new connection and on a kept one, by HTTP/1.1 and by HTTP/2."""
        server = self.serve(limits={"header-timeout": span(300)})
        wait = b"/sleep/%d" % scaled(800)

        def ask(data):
            with server.connect() as s:
                for part in data:
                    s.sendall(part)
                    got = receive_until(s, b"slept")
            return got
        http1 = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % wait
        for data in ([http1, http1], [http2_requests(1, wait)]):
            self.assertIn(b"slept", try_until(lambda: ask(data), lambda got: b"slept" in got, 3))

    def test_a_body_that_takes_too_long_is_408(self):
        server = self.serve(limits={"body-timeout": span(300)})
        with server.connect() as s:
            s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            answer = receive(s)
        self.assertIn(parse_head(answer)[0], (408, 500))
        self.assertServes(server)

    def test_an_idle_connection_is_closed(self):
        server = self.serve(limits={"idle-timeout": span(300)})
        start = time.monotonic()
        with server.connect() as s:
            s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = receive(s)
        self.assertTrue(answer.endswith(b"hello"))
        self.assertLess(time.monotonic() - start, scaled(15))

    def test_a_connection_that_says_nothing_is_closed(self):
        server = self.serve(limits={"header-timeout": span(300)})
        start = time.monotonic()
        with server.connect() as s:
            self.assertIn(receive(s)[:12], (b"", b"HTTP/1.1 408"))
        self.assertLess(time.monotonic() - start, scaled(9))

    def test_a_client_that_takes_nothing_is_cut_off(self):
        server = self.serve(limits={"write-timeout": span(300)})
        with server.connect() as s:
            s.sendall(b"GET /download/100000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_total") == 1, scaled(20), "the request to end")

    def test_one_client_has_so_many_connections_only(self):
        server = self.serve(top={"threads": 1}, limits={"max-connections-per-client": 3})
        kept = [server.connect() for _ in range(3)]
        for s in kept:
            self.addCleanup(s.close)
            s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"hello", receive_until(s, b"hello"))
        with server.connect() as s:
            self.assertEqual(receive(s), b"")
        kept[0].close()
        wait_until(lambda: server.metric("connections_open") == 2, what="a connection's end")
        self.assertServes(server)

    def test_more_connections_than_allowed_wait(self):
        server = self.serve(top={"threads": 1}, limits={"max-connections": 2})
        kept = [server.connect() for _ in range(2)]
        for s in kept:
            self.addCleanup(s.close)
            s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            receive_until(s, b"hello")
        with server.connect() as late:
            late.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            late.settimeout(0.5)
            self.assertRaises(TimeoutError, late.recv, 100)
            kept[0].close()
            self.assertIn(b"hello", receive_until(late, b"hello"))

    def test_requests_beyond_the_queue_are_503_with_retry_after(self):
        server = self.serve(limits={"max-concurrent": 2}, defaults={"max-queue": 1, "queue-timeout": span(30000)},
                            top={"threads": 1})
        busy = []
        for _ in range(3):
            s = server.connect()
            self.addCleanup(s.close)
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            busy.append(s)
        wait_until(lambda: server.metric("requests_queued") == 1, what="a queued request")
        got = self.expect(server.request("/hello"), 503)
        self.assertRegex(got.headers["Retry-After"], r"^\d+$")
        self.assertCounts(server, "requests_rejected_total", 1)
        busy[0].close()
        busy[1].close()
        busy[2].close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="all guests to end")
        self.assertServes(server)

    def test_a_component_has_a_limit_of_its_own(self):
        server = self.serve(components={"small": {"max-concurrent": 1, "max-queue": 0}, "other": {}},
                            routes=[{"host": "small.example", "component": "small"}, {"component": "other"}],
                            top={"threads": 1})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: small.example\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            self.expect(server.request("/hello", headers={"Host": "small.example"}), 503)
            self.expect(server.request("/hello", headers={"Host": "other.example"}), 200)

    def test_a_request_that_waits_too_long_is_503(self):
        server = self.serve(limits={"max-concurrent": 1}, defaults={"max-queue": 10, "queue-timeout": "300ms"},
                            top={"threads": 1})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            start = time.monotonic()
            got = self.expect(server.request("/hello"), 503)
            self.assertIn("Retry-After", got.headers)
            self.assertGreater(time.monotonic() - start, 0.2)

    def test_without_time_to_wait_a_request_beyond_the_limit_is_503_at_once(self):
        server = self.serve(limits={"max-concurrent": 1}, defaults={"queue-timeout": 0})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the first request")
            self.expect(server.request("/hello"), 503)

    def test_a_queued_request_has_its_turn(self):
        server = self.serve(limits={"max-concurrent": 1}, top={"threads": 1})
        with server.connect() as s:
            s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            with server.connect() as queued:
                queued.sendall(self.get())
                wait_until(lambda: server.metric("requests_queued") == 1, what="a queued request")
                s.sendall(b"hello")
                self.assertIn(b" 200 ", receive(s))
                self.assertIn(b"Hello", receive(queued))

    def test_a_queued_request_whose_client_goes_away_leaves_the_queue(self):
        server = self.serve(limits={"max-concurrent": 1}, top={"threads": 1})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            with server.connect() as queued:
                queued.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                wait_until(lambda: server.metric("requests_queued") == 1, what="a queued request")
            wait_until(lambda: server.metric("requests_queued") == 0, scaled(9), "the queue to be empty")
