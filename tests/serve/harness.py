"""What the server's tests have in common: a server with a configuration of its own, clients, and raw sockets."""
import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "guest"))
import build as guest_build  # noqa: E402

# Times in the tests fit a server that is built for speed; for one that is not (sanitizers), they are multiplied.
TIME_FACTOR = float(os.environ.get("TENON_TIME_FACTOR", "1"))


def scaled(seconds):
    return seconds * TIME_FACTOR


def span(milliseconds):
    """A time of that length for a configuration."""
    return "%dms" % scaled(milliseconds)


# The thread sanitizer has no room for the addresses that the default of concurrent requests reserves.
LIMITS = {"max-concurrent": int(os.environ["TENON_MAX_CONCURRENT"])} if "TENON_MAX_CONCURRENT" in os.environ else {}
DEFAULTS = {}
if TIME_FACTOR != 1:
    SPANS = {"header-timeout": 10, "body-timeout": 30, "write-timeout": 30, "half-close-timeout": 1, "tls-timeout": 10}
    LIMITS.update({name: span(1000 * seconds) for name, seconds in SPANS.items()})
    DEFAULTS.update({"timeout": span(60000), "queue-timeout": span(10000)})
# It has memory of its own for all that there is, and needs files for it.
HAS_THREAD_SANITIZER = "TSAN_OPTIONS" in os.environ
# For servers that do not wait for what hangs: they end with threads that nobody has joined.
LEAVES_THREADS = {"TSAN_OPTIONS": os.environ["TSAN_OPTIONS"] + " report_thread_leaks=0"} if HAS_THREAD_SANITIZER else {}
# For servers whose memory is looked at: the address sanitizer keeps what was freed.
KEEP_NOTHING = {"ASAN_OPTIONS": "quarantine_size_mb=1"}
SECONDS = scaled(30)  # until something that must happen counts as not happening


class Environment:
    """What all tests share: the program, and the guest built once."""
    tenon = ""
    work = pathlib.Path()
    guest = ""

    @classmethod
    def prepare(cls, tenon, work):
        """Builds the guest. Raises guest_build.Missing."""
        cls.tenon, cls.work = str(pathlib.Path(tenon).resolve()), pathlib.Path(work).resolve()
        cls.work.mkdir(parents=True, exist_ok=True)
        with open(cls.work / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cls.guest = str(guest_build.build(cls.work, ["informational"]))
            # Compiled once into a cache that all servers share.
            subprocess.run([cls.tenon, "compile", "-o", os.devnull, cls.guest], check=False, env=cls.variables(),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    def variables(cls):
        kept = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "PATH", "LD_LIBRARY_PATH")
                if name in os.environ}
        return {**kept, "HOME": str(cls.work), "XDG_CACHE_HOME": str(cls.work / "cache"), "LANG": "C.UTF-8"}


# Each holds the name of a port of ours, so that no other test takes it, until this process ends.
PORT_NAMES = []


def free_port():
    """A port that nobody listens at, and that is given to no other test nor to an outgoing connection."""
    first_ephemeral = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10000, first_ephemeral) if first_ephemeral > 11000 else random.randrange(1024, 65536)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind("\0tenon-test-port-%d" % port)
            with socket.socket() as s:
                s.bind(("0.0.0.0", port))
        except OSError:
            name.close()
            continue
        PORT_NAMES.append(name)
        return port


def wait_until(condition, seconds=SECONDS, what="the condition"):
    """What the condition gives as soon as that is true. `what` may be a function, which is called when it never was."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s in vain for %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.02)


def try_until(attempt, is_good, attempts=10):
    """What an attempt gives: the first that is good, or the last. For what a busy machine may spoil now and then because
    a time was over too early, and what a fault would spoil each time."""
    for _ in range(attempts):
        got = attempt()
        if is_good(got):
            break
    return got


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "[%s]" % ", ".join(map(toml_value, value))
    if isinstance(value, dict):
        return "{ %s }" % ", ".join("%s = %s" % (toml_value(k), toml_value(v)) for k, v in value.items())
    return json.dumps(str(value))


def toml_lines(table):
    return "".join("%s = %s\n" % (name, toml_value(value)) for name, value in table.items())


def make_toml(listen, admin, top=None, limits=None, defaults=None, components=None, routes=None):
    """A configuration file. `components`: name to table; `routes`: a list of tables."""
    text = toml_lines({"admin": admin, "threads": 2, "drain-timeout": "2s", **(top or {})})
    text += "[limits]\n" + toml_lines({**LIMITS, **(limits or {})})
    text += "[defaults]\n" + toml_lines({**DEFAULTS, **(defaults or {})})
    for table in listen:
        text += "[[listen]]\n" + toml_lines(table)
    for name, table in (components or {"guest": {}}).items():
        text += "[component.%s]\n" % name + toml_lines({"file": Environment.guest, **table})
    for table in routes or []:
        text += "[[route]]\n" + toml_lines(table)
    return text


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode(errors="replace")


def receive(s, seconds=SECONDS):
    """Everything until the other side closes."""
    s.settimeout(seconds)
    data = b""
    try:
        while True:
            part = s.recv(1 << 16)
            if not part:
                return data
            data += part
    except ConnectionError:
        return data


def receive_until(s, end, seconds=SECONDS):
    """Up to and with `end`, or all there was when the other side closed."""
    s.settimeout(seconds)
    data = b""
    while end not in data:
        part = s.recv(1 << 16)
        if not part:
            break
        data += part
    return data


def http2_frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0)


def receive_http2_frame(s, kind):
    """The flags and the payload of the next frame of a kind; what comes before is skipped."""
    def take(size):
        data = b""
        while len(data) < size:
            piece = s.recv(size - len(data))
            if not piece:
                raise AssertionError("the connection ended before a frame of type %d" % kind)
            data += piece
        return data

    while True:
        head = take(9)
        payload = take(int.from_bytes(head[:3], "big"))
        if head[3] == kind:
            return head[4], payload


def parse_head(data):
    """Status and header fields (lower case names) of a raw response."""
    head = data.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")
    fields = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return int(head[0].split(" ")[1]), fields


class Server:
    """A running server. `extra_listen` are more [[listen]] tables; `wrap` is put before the command, `options` behind it."""

    def __init__(self, folder, extra_listen=(), wrap=(), pass_fds=(), environment=None, listen=None, wait=True,
                 options=(), **config):
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.extra_listen, self.listen, self.config = list(extra_listen), listen, config
        self.file = folder / ("serve-%d.toml" % self.port)
        self.log_file = folder / ("log-%d" % self.port)
        self.error_file = folder / ("stderr-%d" % self.port)
        self.configure(**config)
        with open(self.error_file, "wb") as errors:
            self.process = subprocess.Popen([*wrap, Environment.tenon, "serve", "--config", str(self.file), *options],
                                            stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, cwd=folder,
                                            pass_fds=pass_fds, env={**Environment.variables(), **(environment or {})})
        if wait:
            self.wait_ready()

    def configure(self, **config):
        """Writes the file; what was not given stays as it was at the start."""
        listen = self.listen
        if listen is None:
            listen = [{"address": "127.0.0.1:%d" % self.port}]
        top = {"log-file": str(self.log_file), **config.pop("top", self.config.get("top") or {})}
        text = make_toml(listen + self.extra_listen, "127.0.0.1:%d" % self.admin_port, top=top,
                         **{**{k: v for k, v in self.config.items() if k != "top"}, **config})
        temporary = self.file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.file)

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("the server ended with %d: %s" % (self.process.returncode, self.said()))
            try:
                return self.admin("/readyz").status == 200
            except OSError:
                return False
        wait_until(ready, scaled(120), "the server to be ready")

    def said(self):
        """Standard output and error, and the log's end."""
        text = self.error_file.read_text(errors="replace")
        return text[-4000:] + "\n" + self.log()[-4000:]

    def log(self):
        """The lines of the log that are whole: the last one may still be being written."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return text[:text.rfind("\n") + 1]

    def wait_log(self, pattern, seconds=SECONDS):
        """The first match of a pattern in the log."""
        return wait_until(lambda: re.search(pattern, self.log(), re.MULTILINE), seconds,
                          lambda: "%r in the log: %s" % (pattern, self.log()[-2000:]))

    def connect(self, seconds=SECONDS):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def client(self, seconds=SECONDS):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def request(self, path, method="GET", body=None, headers=None, port=None, seconds=SECONDS):
        client = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=seconds)
        try:
            client.request(method, path, body, headers or {})
            got = client.getresponse()
            return Response(got.status, got.headers, got.read())
        finally:
            client.close()

    def admin(self, path, headers=None):
        return self.request(path, headers=headers, port=self.admin_port)

    def raw(self, data, seconds=SECONDS):
        """Sends bytes, and gives all that comes back until the server closes."""
        with self.connect(seconds) as s:
            s.sendall(data)
            return receive(s, seconds)

    def http2(self, path, *options):
        """Asks by HTTP/2 with curl: its exit code, and all that it got, heads included."""
        if shutil.which("curl") is None:
            raise unittest.SkipTest("there is no curl")
        done = subprocess.run(["curl", "-sSi", "--http2-prior-knowledge", "--max-time", str(SECONDS), *options,
                               "http://127.0.0.1:%d%s" % (self.port, path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def metric(self, name):
        """The sum over all labels of a metric."""
        text = self.admin("/metrics").text
        return sum(float(v) for v in re.findall(r"(?m)^tenon_%s(?:\{[^}]*\})? (\S+)$" % name, text))

    def memory(self, name="VmRSS"):
        """Kilobytes, from /proc."""
        text = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"(?m)^%s:\s+(\d+)" % name, text)[1])

    @contextlib.contextmanager
    def stopped_worker(self):
        """Nothing but the worker that was started last stands still meanwhile. Skips where ptrace(2) is not allowed."""
        seize, interrupt, detach = 0x4206, 0x4207, 17
        thread = max(int(path.name) for path in pathlib.Path("/proc/%d/task" % self.process.pid).iterdir())
        libc = ctypes.CDLL(None, use_errno=True)

        def trace(request):
            return libc.ptrace(request, thread, None, None) == 0
        if not trace(seize):
            raise unittest.SkipTest("ptrace: " + os.strerror(ctypes.get_errno()))
        trace(interrupt)
        os.waitpid(thread, 0x40000000)  # __WALL
        try:
            yield
        finally:
            trace(detach)

    def send_signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        """SIGHUP, and waits until it has had its effect, good or bad."""
        before = self.metric("reloads_total") + self.metric("reload_failures_total")
        self.send_signal(signal.SIGHUP)
        wait_until(lambda: self.metric("reloads_total") + self.metric("reload_failures_total") > before, what="a reload")

    def stop(self, seconds=SECONDS):
        """Asks it to end; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-serve-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def serve(self, **arguments):
        """A server that is stopped at the test's end, and must end well."""
        server = Server(self.folder, **arguments)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        was_running = server.process.poll() is None
        code = server.stop()
        if was_running:
            self.assertEqual(code, 0, "the server's end: " + server.said())
        self.assertNotRegex(server.said(), r"(Address|Undefined|Leak|Thread)\w*Sanitizer|runtime error:")

    def expect(self, got, status, text=None):
        self.assertEqual(got.status, status, got.text[:2000])
        if text is not None:
            self.assertEqual(got.text, text)
        return got

    def assertServes(self, server):
        self.expect(server.request("/hello"), 200, "Hello, World!\n")

    def assertCounts(self, server, name, count):
        """A metric reaches a number, soon if not at once: what a client sees may be ahead of what is counted."""
        wait_until(lambda: server.metric(name) >= count, what=lambda: "%s to be %d, not %d" % (name, count, server.metric(name)))
        self.assertEqual(server.metric(name), count)


class Load:
    """Requests of several threads, each over and over on its own connection, until it is stopped. Every one must be
    answered as `check` says; a connection that the server closed between two requests is opened anew."""

    def __init__(self, server, path="/hello", threads=4, check=lambda got: got.status == 200):
        self.server, self.path, self.check = server, path, check
        self.answered, self.failures, self.closed = 0, [], False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.closed = True
        for thread in self.threads:
            thread.join(SECONDS)

    def note(self, failure):
        with self.lock:
            if failure:
                self.failures.append(failure)
            else:
                self.answered += 1

    def run(self):
        client, is_fresh = None, True
        while not self.closed:
            if client is None:
                client, is_fresh = self.server.client(), True
            try:
                client.request("GET", self.path)
                got = client.getresponse()
                response = Response(got.status, got.headers, got.read())
                self.note(None if self.check(response) else "%d %r" % (response.status, response.body[:80]))
                is_fresh = False
                if got.will_close:
                    client.close()
                    client = None
            except (OSError, http.client.HTTPException) as why:
                # A kept connection may be closed as a request is sent (RFC 9112, section 9.3.1): that one was not taken.
                if is_fresh or not isinstance(why, (http.client.RemoteDisconnected, ConnectionError)):
                    self.note(repr(why))
                client.close()
                client = None
        if client is not None:
            client.close()


class Certificates:
    """An authority, and certificates by it, made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = self.path("ca.pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=Test authority", "-keyout", self.path("ca.key"), "-out", self.authority)
        self.server = self.make("server")
        self.client = self.make("client")

    def path(self, name):
        return str(self.folder / name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def make(self, name, common_name=None):
        """Paths of certificate and key."""
        certificate, key, request, extensions = (self.path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
        pathlib.Path(extensions).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     "/CN=%s" % (common_name or name), "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.path("ca.key"),
                     "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate)
        return certificate, key

    def context(self, client=None, alpn=None):
        made = ssl.create_default_context(cafile=self.authority)
        if client:
            made.load_cert_chain(*client)
        if alpn:
            made.set_alpn_protocols(alpn)
        return made
