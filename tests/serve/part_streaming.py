"""Bodies in both directions: as they come, in constant memory, and none at another's cost."""
import socket
import threading
import time

from harness import KEEP_NOTHING, SECONDS, Case, receive_until, scaled, try_until, wait_until

MEGABYTE = 1 << 20


def chunked(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Streaming(Case):
    def echo_large(self, path):
        """100 MB through an echo; gives what the server's memory grew by, in KB."""
        server = self.serve(environment=KEEP_NOTHING)
        self.expect(server.request("/echo", "POST", b"warm"), 200, "warm")
        before = server.memory("VmHWM")
        total = 100 * MEGABYTE
        part = bytes(range(256)) * 256
        with server.connect() as s:
            def send():
                s.sendall(b"POST %s HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, total))
                for _ in range(total // len(part)):
                    s.sendall(part)
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            head = receive_until(s, b"\r\n\r\n")
            got = head.split(b"\r\n\r\n", 1)[1]
            size = len(got)
            self.assertTrue(head.startswith(b"HTTP/1.1 200"), head[:100])
            offset = 0
            while True:
                expected = (part * 2)[offset % len(part):][:len(got)]
                while len(expected) < len(got):
                    expected += part
                self.assertTrue(got == expected[:len(got)], "byte %d or so differs" % offset)
                offset += len(got)
                got = s.recv(len(part))
                size += len(got)
                if not got:
                    break
            sender.join(SECONDS)
        self.assertEqual(size, total)
        return server.memory("VmHWM") - before

    def test_a_large_body_is_echoed_in_constant_memory(self):
        self.assertLess(self.echo_large(b"/echo"), 16 * 1024)

    def test_a_large_body_is_spliced_in_constant_memory(self):
        self.assertLess(self.echo_large(b"/splice"), 16 * 1024)

    def test_an_echo_goes_both_ways_at_once(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for word in (b"one", b"two", b"three"):
                s.sendall(chunked(word))
                self.assertIn(word, receive_until(s, word))
            s.sendall(b"0\r\n\r\n")
            self.assertIn(b"0\r\n\r\n", receive_until(s, b"0\r\n\r\n"))

    def test_events_leave_when_they_are_flushed(self):
        server = self.serve()

        def gaps():
            times = []
            with server.connect() as s:
                s.sendall(b"GET /sse/8 HTTP/1.1\r\nHost: x\r\n\r\n")
                for i in range(8):
                    self.assertIn(b"data: %d\n" % i, receive_until(s, b"data: %d\n\n" % i))
                    times.append(time.monotonic())
            return sorted(b - a for a, b in zip(times, times[1:]))

        def are_good(found):
            return found[0] > 0.02 and found[len(found) // 2] < scaled(0.2)
        found = try_until(gaps, are_good)
        self.assertTrue(are_good(found), found)

    def test_a_slow_client_does_not_grow_a_buffer(self):
        server = self.serve(environment=KEEP_NOTHING)
        self.assertServes(server)
        before = server.memory()
        with server.connect() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET /download/1000000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            for _ in range(10):
                time.sleep(0.1)
                s.recv(1000)
            self.assertLess(server.memory() - before, 8 * 1024)

    def test_slow_clients_do_not_hold_others(self):
        server = self.serve()
        slow = []
        for _ in range(20):
            s = server.connect()
            self.addCleanup(s.close)
            s.sendall(b"GET /download/100000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            slow.append(s)
        for _ in range(20):
            s = server.connect()
            self.addCleanup(s.close)
            s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome")
            slow.append(s)
        start = time.monotonic()
        for _ in range(50):
            self.assertServes(server)
        self.assertLess(time.monotonic() - start, scaled(20))

    def test_a_guest_that_computes_does_not_hold_others(self):
        server = self.serve(top={"threads": 1})
        busy = server.connect()
        self.addCleanup(busy.close)
        busy.sendall(b"GET /loop HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        start = time.monotonic()
        for _ in range(3):
            self.assertServes(server)
        self.assertLess(time.monotonic() - start, scaled(20))

    def test_a_slow_upload_is_counted_whole(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nConnection: close\r\n\r\n")
            for _ in range(20):
                s.sendall(b"x")
                time.sleep(0.02)
            self.assertIn(b"20", receive_until(s, b"0\r\n\r\n").split(b"\r\n\r\n", 1)[1])

    def test_a_download_has_all_its_bytes(self):
        server = self.serve()
        for size in (0, 1, 65535, 65536, 65537, 10000000):
            got = server.request("/download/%d" % size)
            self.assertEqual(len(got.body), size)
            self.assertEqual(got.body[-1:], b"" if size == 0 else b"%c" % (ord("a") + (size - 1) % 65536 % 26))

    def test_a_client_that_cuts_its_upload_ends_the_guest_at_once(self):
        server = self.serve()
        s = server.connect()
        s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome")
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the guest to end")
        self.assertCounts(server, "requests_cancelled_total", 1)
        self.assertServes(server)

    def test_a_client_that_goes_away_ends_a_guest_that_waits(self):
        server = self.serve()
        s = server.connect()
        s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        s.close()
        self.assertCounts(server, "requests_cancelled_total", 1)
        wait_until(lambda: server.metric("instances_live") == server.metric("instances_pooled"), what="the guest to end")

    def test_a_client_that_goes_away_ends_the_guest_whatever_it_left_unread(self):
        server = self.serve()
        requests = (b"POST /never HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                    b"POST /loop HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                    b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n" + 2000 * b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        for request in requests:
            with server.connect() as s:
                s.sendall(request)
                wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            wait_until(lambda: server.metric("requests_in_flight") == 0, what="the guest to end")
        self.assertCounts(server, "requests_cancelled_total", len(requests))

    def test_a_client_that_goes_away_ends_a_guest_that_computes(self):
        server = self.serve()
        s = server.connect()
        s.sendall(b"GET /loop HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
        s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the guest to end")

    def test_a_client_that_goes_away_ends_a_guest_that_streams(self):
        server = self.serve()
        s = server.connect()
        s.sendall(b"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
        receive_until(s, b"data: 1\n")
        s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the guest to end")
