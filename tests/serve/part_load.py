"""Faults while others are served: every request that has nothing to do with them is answered."""
import http.client
import pathlib
import resource
import signal
import socket
import subprocess
import threading
import time

from harness import (HAS_THREAD_SANITIZER, SECONDS, Case, Certificates, Environment, Load, free_port, receive,
                     scaled, span, try_until, wait_until)
from part_outgoing import GRANT, Upstream


class Others(Case):
    """Something goes wrong over and over, on threads of its own, for as long as the load runs."""

    def disturb(self, server, fault, seconds=3, threads=2, serves=None, **load):
        stopped = threading.Event()
        count = [0]

        def run():
            while not stopped.is_set():
                try:
                    fault()
                except (OSError, http.client.HTTPException):
                    pass
                count[0] += 1
        workers = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        with Load(server, **load) as good:
            for worker in workers:
                worker.start()
            time.sleep(scaled(seconds))
            wait_until(lambda: good.failures or (good.answered > 50 and count[0] > 2), scaled(120),
                       lambda: "50 answers and 3 faults: %d, %d" % (good.answered, count[0]))
            stopped.set()
            for worker in workers:
                worker.join(SECONDS)
        self.assertEqual(good.failures, [])
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="all guests to end")
        if serves is None:
            self.assertServes(server)
        else:
            self.expect(server.request("/hello"), 200, serves % self.changes)

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
        wait_until(lambda: server.metric("tls_failures_total") > 2, what="failures to be counted")

    def test_guests_use_up_their_memory(self):
        server = self.serve(defaults={"max-memory": "8MiB"})
        self.disturb(server, lambda: server.request("/leak"), threads=1)

    def test_the_log_is_on_a_full_disk(self):
        server = self.serve(top={"log-file": "/dev/full"})
        self.disturb(server, lambda: server.request("/print"), threads=1)

    def change(self, server):
        """Reloads with a component that was never compiled before."""
        self.changes += 1
        text = pathlib.Path(Environment.guest).read_text(encoding="ascii")
        new = self.folder / "new.wat"
        new.write_text(text.replace("Hello, World!", "Hello, %05d!" % self.changes))
        new.replace(self.folder / "changing.wat")
        done = server.metric("reloads_total") + server.metric("reload_failures_total")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: server.metric("reloads_total") + server.metric("reload_failures_total") > done, what="a reload")

    def serve_changing(self, **arguments):
        self.changes = 0
        (self.folder / "changing.wat").write_text(pathlib.Path(Environment.guest).read_text(encoding="ascii"))
        return self.serve(components={"guest": {"file": self.folder / "changing.wat"}}, **arguments)

    def test_the_cache_is_on_a_full_file_system(self):
        cache = self.folder / "cache"
        cache.mkdir()
        mount = "mount -t tmpfs -o size=64k none %s" % cache
        try:
            tried = subprocess.run(["unshare", "-m", "sh", "-c", mount], stderr=subprocess.DEVNULL, check=False)
            may_mount = tried.returncode == 0
        except FileNotFoundError:
            may_mount = False
        if not may_mount:
            self.skipTest("a file system cannot be mounted")
        script = "%s && { head -c 100000 /dev/zero > %s/fill 2>/dev/null; exec \"$@\"; }" % (mount, cache)
        server = self.serve_changing(wrap=("unshare", "-m", "sh", "-c", script, "sh"),
                                     environment={"XDG_CACHE_HOME": cache})
        self.disturb(server, lambda: self.change(server), threads=1, seconds=5, serves="Hello, %05d!\n")
        self.assertEqual(server.metric("reload_failures_total"), 0)

    def test_files_may_not_grow(self):
        """Neither the log nor the cache: writing more than so much is an error, and would be a deadly signal."""
        if HAS_THREAD_SANITIZER:
            self.skipTest("the thread sanitizer does not live with a limit of file sizes")
        server = self.serve_changing(wrap=("sh", "-c", "ulimit -f 16 && exec \"$@\"", "sh"),
                                     environment={"XDG_CACHE_HOME": self.folder / "cache"})
        self.disturb(server, lambda: self.change(server), threads=1, seconds=5, serves="Hello, %05d!\n")
        self.assertEqual(server.metric("reload_failures_total"), 0)
        wait_until(lambda: server.metric("log_lines_lost_total") > 0, what="lost lines to be counted")

    def test_upstreams_stall(self):
        upstream = Upstream(self)
        server = self.serve(components={"caller": {GRANT: [upstream.authority], "timeout": span(3000)}, "guest": {}},
                            routes=[{"path": "/call", "component": "caller"}, {"component": "guest"}])
        limits, paths = ("", "/0,300,0", "/300,0,300"), ("/stall", "/stall-body")
        turns = [0]

        def call():
            turns[0] += 1
            server.request("/call%s?http://%s%s" % (limits[turns[0] % 3], upstream.authority, paths[turns[0] % 2]))
        self.disturb(server, call, threads=8)
        wait_until(lambda: server.metric("client_connections_open") == 0, what="the calls' connections to be closed")

    def test_upstreams_speak_nonsense_instead_of_tls(self):
        answers = (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + b"\xaa" * 300,
                   b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\xff\xff" + b"x" * 70000, bytes(range(256)) * 64)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(listener.close)

        def answer_with_nonsense():
            for turn in range(1 << 30):
                try:
                    with listener.accept()[0] as s:
                        s.settimeout(5)
                        s.recv(4096)
                        s.sendall(answers[turn % len(answers)])
                except OSError:
                    if listener.fileno() < 0:
                        return
        threading.Thread(target=answer_with_nonsense, daemon=True).start()
        authority = "127.0.0.1:%d" % listener.getsockname()[1]
        server = self.serve(components={"guest": {GRANT: [authority]}})
        others = []

        def call():
            got = server.request("/call/1000,1000,1000?https://%s/" % authority)
            if got.status != 502:
                others.append(got.status)
        self.disturb(server, call)
        self.assertEqual(others, [])

    def test_calls_without_descriptors_fail_and_nothing_else(self):
        upstream = Upstream(self)
        limit = 60
        server = self.serve(wrap=("sh", "-c", "ulimit -n %d && exec \"$@\"" % limit, "sh"), top={"threads": 1},
                            components={"guest": {GRANT: [upstream.authority]}})
        kept = server.client()
        self.addCleanup(kept.close)

        def get(path):
            kept.request("GET", path)
            got = kept.getresponse()
            return got.status, got.read()
        self.assertEqual(get("/hello"), (200, b"Hello, World!\n"))
        many = [server.connect() for _ in range(limit + 20)]
        for s in many:
            self.addCleanup(s.close)
        wait_until(lambda: get("/call?http://%s/" % upstream.authority)[0] == 502, what="descriptors to be used up")
        for _ in range(20):
            self.assertEqual(get("/call?http://%s/" % upstream.authority)[0], 502)
            self.assertEqual(get("/hello"), (200, b"Hello, World!\n"))
        for s in many:
            s.close()
        wait_until(lambda: get("/call?http://%s/" % upstream.authority)[0] == 200, what="calls to succeed again")

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

        def serves():
            try:
                return server.request("/hello").text == "Hello, World!\n"
            except (OSError, http.client.HTTPException):
                return False  # those who waited are still being sent away
        wait_until(serves, what="new connections to be served")
        wait_until(lambda: server.metric("connections_open") <= 2, what="the connections to be closed")
        self.assertServes(server)

    def test_the_admin_address_answers_when_descriptors_have_run_out(self):
        limit = 80
        server = self.serve(wrap=("sh", "-c", "ulimit -n %d && exec \"$@\"" % limit, "sh"))
        many = [server.connect() for _ in range(limit + 40)]
        for s in many:
            self.addCleanup(s.close)
        wait_until(lambda: len(list(pathlib.Path("/proc/%d/fd" % server.process.pid).iterdir())) == limit,
                   what="all descriptors to be taken")
        for _ in range(20):
            self.expect(server.admin("/healthz"), 200, "ok\n")
            self.assertGreater(server.metric("connections_open"), 20)
            self.assertGreater(server.metric("resident_memory_bytes"), 1 << 20)
        # Several at once, and kept.
        kept = [http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=SECONDS) for _ in range(6)]
        for client in kept:
            self.addCleanup(client.close)
            client.request("GET", "/readyz")
            self.assertEqual(client.getresponse().read(), b"ready\n")

    def test_a_server_without_descriptors_does_not_spin(self):
        limit = 60
        server = self.serve(wrap=("sh", "-c", "ulimit -n %d && exec \"$@\"" % limit, "sh"), top={"threads": 1})
        many = [server.connect() for _ in range(limit + 20)]
        for s in many:
            self.addCleanup(s.close)

        def spent():
            time.sleep(0.5)
            before = self.cpu_seconds(server)
            time.sleep(2)
            return self.cpu_seconds(server) - before
        self.assertLess(try_until(spent, lambda seconds: seconds < 1, 3), 1)

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
