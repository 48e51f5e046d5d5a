"""Ten thousand suspended requests and ten thousand idle connections at once, and what they take."""
import pathlib
import re
import resource
import time

from harness import HTTP2_PREFACE, Case, http2_frame, scaled, wait_until

REQUESTS = CONNECTIONS = 10000
MAPPINGS = 5 * REQUESTS  # a suspended request takes four
MEMORY = 2 << 30  # much more than is used, for the kernel's sockets are not in it
STREAMS = 100  # requests of one HTTP/2 connection


def http2_requests(count, path):
    """A connection's preface and so many requests: HPACK's static table, and literals without indexing."""
    fields = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x01x"
    return HTTP2_PREFACE + b"".join(
        http2_frame(1, 5, 1 + 2 * i, fields) for i in range(count))


class Suspended(Case):
    """Half of the requests have a connection each, half share some by HTTP/2, so that a limit of 20 000 descriptors,
    which is common, suffices."""

    def open(self, server, count, data):
        sockets = []
        for i in range(count):
            s = server.connect()
            self.addCleanup(s.close)
            if data:
                s.sendall(data)
            s.setblocking(False)
            sockets.append(s)
            if i % 500 == 499:
                time.sleep(0.01)
        return sockets

    def need(self):
        """Skips where the machine does not allow so much."""
        descriptors = CONNECTIONS + REQUESTS // 2 + REQUESTS // 2 // STREAMS + 200
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < descriptors:
            self.skipTest("%d file descriptors are needed (ulimit -n), %d allowed" % (descriptors, hard))
        mappings = int(pathlib.Path("/proc/sys/vm/max_map_count").read_text())
        if mappings < MAPPINGS:
            self.skipTest("%d mappings are needed (vm.max_map_count), %d allowed" % (MAPPINGS, mappings))
        available = re.search(r"MemAvailable:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
        if available and int(available[1]) * 1024 < MEMORY:
            self.skipTest("%d MiB of memory are needed, %d available" % (MEMORY >> 20, int(available[1]) >> 10))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def test_ten_thousand_of_each(self):
        self.need()
        server = self.serve(limits={"max-concurrent": 2 * REQUESTS, "max-connections": 2 * CONNECTIONS,
                                    "idle-timeout": "1h", "header-timeout": "1h"},
                            defaults={"timeout": "1h"})
        self.assertServes(server)
        start = server.memory()
        idle = self.open(server, CONNECTIONS, b"")
        wait_until(lambda: server.metric("connections_open") >= CONNECTIONS, scaled(60), "the connections")
        with_idle = server.memory()
        waiting = self.open(server, REQUESTS // 2, b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting += self.open(server, REQUESTS // 2 // STREAMS, http2_requests(STREAMS, b"/never"))
        wait_until(lambda: server.metric("requests_in_flight") >= REQUESTS, scaled(120), "the requests")
        with_requests = server.memory()
        begin = time.monotonic()
        for _ in range(100):
            self.assertServes(server)
        latency = (time.monotonic() - begin) / 100
        print("\nmemory: %.1f MiB at the start; %.1f MiB with %d idle connections: %.2f KiB each; %.1f MiB with %d "
              "suspended requests: %.1f KiB each; then a request takes %.2f ms"
              % (start / 1024, with_idle / 1024, CONNECTIONS, (with_idle - start) / CONNECTIONS, with_requests / 1024,
                 REQUESTS, (with_requests - with_idle) / REQUESTS, latency * 1e3))
        self.assertEqual(server.metric("requests_in_flight"), REQUESTS)
        self.assertLess((with_idle - start) / CONNECTIONS, 8)
        self.assertLess((with_requests - with_idle) / REQUESTS, 100)
        for s in waiting:
            s.close()
        wait_until(lambda: server.metric("requests_in_flight") == 0, scaled(60), "the guests to end")
        # Those that waited all the time are still there.
        for s in idle[::1000]:
            s.setblocking(True)
            s.settimeout(30)
            s.sendall(b"GET /with-length HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200", s.recv(1000))
