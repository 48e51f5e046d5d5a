"""Faults while others are served: every request that has nothing to do with them is answered."""
import resource
import socket
import threading
import time

from harness import Case, Certificates, Load, free_port, receive, scaled, wait_until


class Others(Case):
    """Something goes wrong over and over, on threads of its own, for as long as the load runs."""

    def disturb(self, server, fault, seconds=3, threads=2, **load):
        stopped = threading.Event()
        count = [0]

        def run():
            while not stopped.is_set():
                try:
                    fault()
                except OSError:
                    pass
                count[0] += 1
        workers = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        with Load(server, **load) as good:
            for worker in workers:
                worker.start()
            time.sleep(scaled(seconds))
            stopped.set()
            for worker in workers:
                worker.join(scaled(10))
        self.assertEqual(good.failures, [])
        self.assertGreater(good.answered, 50)
        self.assertGreater(count[0], 2)
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="all guests to end")
        self.assertServes(server)

    def send(self, port, data, seconds=0.05):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            s.sendall(data)
            time.sleep(seconds)

    def test_one_in_ten_traps(self):
        server = self.serve()
        turns = [0]

        def mixed():
            turns[0] += 1
            path = "/trap" if turns[0] % 10 == 0 else "/hello"
            got = server.request(path)
            if got.status != (500 if path == "/trap" else 200):
                broken.append((path, got.status))
        broken = []
        self.disturb(server, mixed, threads=1)
        self.assertEqual(broken, [])

    def test_clients_cut_their_uploads(self):
        server = self.serve()
        self.disturb(server, lambda: self.send(server.port, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000"
                                                            b"\r\n\r\n" + b"x" * 10000))

    def test_clients_cut_their_downloads(self):
        server = self.serve()
        self.disturb(server, lambda: self.send(server.port, b"GET /download/100000000 HTTP/1.1\r\nHost: x\r\n\r\n"))

    def test_clients_cut_in_the_middle_of_a_head(self):
        server = self.serve()
        self.disturb(server, lambda: self.send(server.port, b"GET /hello HTTP/1.1\r\nHos", 0))

    def test_nonsense_comes_to_the_tls_port(self):
        certificates, port = Certificates(self.folder), free_port()
        certificate, key = certificates.server
        server = self.serve(extra_listen=[{"address": "127.0.0.1:%d" % port, "certificate": certificate, "key": key}])
        self.disturb(server, lambda: self.send(port, b"\x16\x03\x01" + bytes(range(256)) * 8, 0))
        self.assertGreater(server.metric("tls_failures_total"), 2)

    def test_guests_use_up_their_memory(self):
        server = self.serve(defaults={"max-memory": "8MiB"})
        self.disturb(server, lambda: server.request("/leak"), threads=1)

    def test_the_log_is_on_a_full_disk(self):
        server = self.serve(top={"log-file": "/dev/full"})
        self.disturb(server, lambda: server.request("/print"), threads=1)

    def test_file_descriptors_run_out(self):
        """Connections that were there go on, and new ones are served when others have ended."""
        limit = 60
        server = self.serve(wrap=("sh", "-c", "ulimit -n %d && exec \"$@\"" % limit, "sh"), top={"threads": 1})
        kept = server.client()
        self.addCleanup(kept.close)
        kept.request("GET", "/hello")
        self.assertEqual(kept.getresponse().read(), b"Hello, World!\n")
        many = []
        for _ in range(limit + 20):
            s = server.connect()
            self.addCleanup(s.close)
            many.append(s)
        for _ in range(20):
            kept.request("GET", "/hello")
            self.assertEqual(kept.getresponse().read(), b"Hello, World!\n")
        for s in many:
            s.close()
        wait_until(lambda: server.metric("connections_open") <= 2, what="the connections to be closed")
        self.assertServes(server)

    def test_a_server_without_descriptors_does_not_spin(self):
        limit = 60
        server = self.serve(wrap=("sh", "-c", "ulimit -n %d && exec \"$@\"" % limit, "sh"), top={"threads": 1})
        many = [server.connect() for _ in range(limit + 20)]
        for s in many:
            self.addCleanup(s.close)
        time.sleep(0.5)
        before = self.cpu_seconds(server)
        time.sleep(2)
        self.assertLess(self.cpu_seconds(server) - before, 1)

    def cpu_seconds(self, server):
        with open("/proc/%d/stat" % server.process.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def test_a_thousand_connections_open_and_close(self):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2500:
            self.skipTest("not enough file descriptors")
        server = self.serve()
        self.assertServes(server)
        for _ in range(2):
            many = [server.connect() for _ in range(1000)]
            for s in many:
                s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            for s in many:
                self.assertIn(b"Hello", receive(s))
                s.close()
        wait_until(lambda: server.metric("connections_open") <= 1, what="the connections to be closed")
