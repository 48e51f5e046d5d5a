#!/usr/bin/env python3
"""Compares `tenon serve` with `wasmtime serve` and nginx (those that are there), in the same run: the same guest, the
same client, all servers up at the same time, rounds that go through them in turn, medians.

    bench/serve.py [--tenon FILE] [--wasmtime FILE] [--guests FOLDER] [--rounds N] [--seconds N] [--json FILE] [PART…]

Parts: fresh, reuse, http2, tls, python, echo. Ratios are Tenon's figure divided by the other's, so that above 1 Tenon
is better where more is better. A row that could not be measured says why.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "serve" / "guest"))
import build as guest_build  # noqa: E402

TUNED = ["-O", "pooling-pagemap-scan=y,pooling-memory-keep-resident=2097152,pooling-table-keep-resident=65536"]
REUSE = ["--max-instance-reuse-count", "100"]
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}
GIBIBYTE = 1 << 30


class Failed(Exception):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * UNITS[unit]


def run(*command, seconds=600):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=seconds, check=False)
    out = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        words = (done.stderr.decode(errors="replace") + out).strip().splitlines()
        raise Failed("%s: %s" % (pathlib.Path(command[0]).name, words[-1] if words else "failed"))
    return out


def wrk(url, seconds):
    """Requests a second, p50 and p99 in milliseconds."""
    out = run("wrk", "-t2", "-c64", "-d%ds" % seconds, "--latency", url)
    bad = re.search(r"(Socket errors|Non-2xx).*", out)
    if bad:
        raise Failed(bad[0])
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            *(milliseconds(re.search(r"\s%d%%\s+(\S+)" % part, out)[1]) for part in (50, 99)))


def h2load(url, seconds):
    """Requests a second and their mean time in milliseconds."""
    out = run("h2load", "-t2", "-c64", "-m10", "-D", str(seconds), url)
    counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", out)
    if int(counts[1]) == 0 or counts[1] != counts[2] or counts[4] != "0":
        raise Failed(counts[0])
    return (float(re.search(r"([\d.]+) req/s", out)[1]),
            milliseconds(re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", out)[1]))


class Server:
    """A process that serves, until it is stopped."""

    def __init__(self, name, command, port, folder):
        self.name, self.port = name, port
        self.log = folder / ("%d.log" % port)
        with open(self.log, "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=folder, start_new_session=True)

    def wait(self):
        end = time.monotonic() + 300
        while time.monotonic() < end:
            if self.process.poll() is not None:
                words = self.log.read_text(errors="replace").strip().splitlines()
                raise Failed("%s ended: %s" % (self.name, words[-1] if words else "no message"))
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise Failed("%s did not start" % self.name)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.tenon = pathlib.Path(options.tenon).resolve()
        self.wasmtime = shutil.which(options.wasmtime)
        self.nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.guests = pathlib.Path(options.guests).resolve()
        self.rows = []

    # ---- servers ----

    def tenon_server(self, name, guest, *options):
        port = free_port()
        return Server(name, [self.tenon, "serve", "--listen", "127.0.0.1:%d" % port, "--log", "off", *options, guest],
                      port, self.folder)

    def wasmtime_server(self, name, guest, *options):
        port = free_port()
        return Server(name, [self.wasmtime, "serve", "-S", "cli", *options, "--addr", "127.0.0.1:%d" % port, guest], port,
                      self.folder)

    def nginx_server(self, name, listen="", extra=""):
        port = free_port()
        config = self.folder / ("nginx-%d.conf" % port)
        config.write_text(
            "daemon off; worker_processes 2; error_log /dev/null; pid %s/nginx-%d.pid;\n"
            "events { worker_connections 4096; }\n"
            "http { access_log off; default_type text/plain; keepalive_requests 1000000000;\n"
            "server { listen 127.0.0.1:%d reuseport %s; %s\n"
            "location / { return 200 \"Hello, World!\\n\"; } } }\n" % (self.folder, port, port, listen, extra))
        return Server(name, [self.nginx, "-p", self.folder, "-c", config], port, self.folder)

    def started(self, servers):
        """Those of the servers that came up; each is a name and what starts it, or None where it is not installed."""
        up = []
        for name, start in servers:
            if start is None:
                continue
            server = start(name)
            try:
                server.wait()
                up.append(server)
            except Failed as why:
                server.stop()
                self.fail(name, why)
        return up

    # ---- rows ----

    def add(self, part, name, figures, units, base):
        """Ratios are made with the first server of the part, which is Tenon."""
        row = {"part": part, "name": name, **dict(zip(units, figures))}
        ratio = ""
        if base and base is not figures and figures[0]:
            row["ratio"] = base[0] / figures[0]
            ratio = "%.2f" % row["ratio"]
        self.rows.append(row)
        cells = ["%.0f %s" % (value, unit) if value >= 1000 else "%.3g %s" % (value, unit)
                 for value, unit in zip(figures, units)]
        print("  %-42s %s %8s" % (name, " ".join("%16s" % cell for cell in cells), ratio), flush=True)

    def fail(self, name, why):
        self.rows.append({"name": name, "error": str(why)})
        print("  %-42s %s" % (name, why), flush=True)

    def compare(self, part, servers, client, units):
        """Each round asks every server once; the order turns from round to round."""
        print(part, flush=True)
        up = self.started(servers)
        figures = {server.name: [] for server in up}
        failures = {}
        try:
            for turn in range(-1, self.options.rounds):  # the first one warms up
                for server in up if turn % 2 == 0 else up[::-1]:
                    if server.name in failures:
                        continue
                    try:
                        measured = client(server, 1 if turn < 0 else self.options.seconds)
                    except (Failed, subprocess.TimeoutExpired) as why:
                        failures[server.name] = why
                        continue
                    if turn >= 0:
                        figures[server.name].append(measured)
        finally:
            for server in up:
                server.stop()
        base = None
        for server in up:
            if server.name in failures:
                self.fail(server.name, failures[server.name])
                continue
            medians = [statistics.median(values) for values in zip(*figures[server.name])]
            base = base or (medians if server.name.startswith("tenon") else None)
            self.add(part, server.name, medians, units, base)

    # ---- parts ----

    def hello(self):
        return self.guests / "hello-http" / "hello.wasm"

    def with_wasmtime(self, guest, *options):
        return self.wasmtime and (lambda name: self.wasmtime_server(name, guest, *options))

    def with_tenon(self, guest, *options):
        return lambda name: self.tenon_server(name, guest, *options)

    def wrk_client(self, path="/"):
        return lambda server, seconds: wrk("http://127.0.0.1:%d%s" % (server.port, path), seconds)

    def fresh(self):
        guest = self.hello()
        self.compare("HTTP/1.1, a fresh instance for each request", [
            ("tenon", self.with_tenon(guest)),
            ("tenon, access log to /dev/null", self.with_tenon(guest, "--log", "text", "--log-file", "/dev/null")),
            ("wasmtime", self.with_wasmtime(guest)),
            ("wasmtime, tuned", self.with_wasmtime(guest, *TUNED)),
            ("wasmtime, reuse 100", self.with_wasmtime(guest, *REUSE)),
            ("nginx, a constant", self.nginx and self.nginx_server),
        ], self.wrk_client(), ("req/s", "ms p50", "ms p99"))

    def reuse(self):
        guest = self.hello()
        self.compare("HTTP/1.1, 100 requests an instance", [
            ("tenon, reuse 100", self.with_tenon(guest, *REUSE)),
            ("wasmtime, reuse 100", self.with_wasmtime(guest, *REUSE)),
            ("wasmtime, tuned, reuse 100", self.with_wasmtime(guest, *TUNED, *REUSE)),
        ], self.wrk_client(), ("req/s", "ms p50", "ms p99"))

    def http2(self):
        guest = self.hello()
        self.compare("HTTP/2 without TLS, 64 connections, 10 streams each", [
            ("tenon", self.with_tenon(guest)),
            ("tenon, reuse 100", self.with_tenon(guest, *REUSE)),
            ("nginx, a constant", self.nginx and (lambda name: self.nginx_server(name, "http2"))),
        ], lambda server, seconds: h2load("http://127.0.0.1:%d/" % server.port, seconds), ("req/s", "ms mean"))

    def tls(self):
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-keyout", key, "-out", certificate)
        self.compare("HTTP/2 over TLS, 64 connections, 10 streams each", [
            ("tenon", self.with_tenon(self.hello(), "--tls-cert", certificate, "--tls-key", key)),
            ("nginx, a constant", self.nginx and (lambda name: self.nginx_server(
                name, "ssl http2", "ssl_certificate %s; ssl_certificate_key %s;" % (certificate, key)))),
        ], lambda server, seconds: h2load("https://127.0.0.1:%d/" % server.port, seconds), ("req/s", "ms mean"))

    def python(self):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        guest = cache / "tenon" / "guests" / "programs" / "python-http.wasm"
        if not guest.exists():
            print("A Python component\n  there is none: run make guests")
            return
        self.compare("A Python component, a fresh instance for each request", [
            ("tenon", self.with_tenon(guest)),
            ("wasmtime", self.with_wasmtime(guest)),
            ("wasmtime, tuned", self.with_wasmtime(guest, *TUNED)),
        ], self.wrk_client("/hello"), ("req/s", "ms p50", "ms p99"))

    def echo(self):
        guest = guest_build.build(self.folder)
        client = self.folder / "echo_client"
        run("cc", "-O2", "-pthread", "-o", client, ROOT / "bench" / "echo_client.c")
        for path, how in (("/echo", "read and written by the guest"), ("/splice", "spliced")):
            def measure(server, seconds, path=path):
                size = GIBIBYTE if seconds > 1 else GIBIBYTE >> 4
                taken = float(run(client, server.port, path, size).split()[0])
                return (size / taken / 1e6, taken)
            self.compare("A body of 1 GiB, %s, sent back" % how, [
                ("tenon", self.with_tenon(guest, "--max-body", "none")),
                ("wasmtime", self.with_wasmtime(guest)),
            ], measure, ("MB/s", "s"))


def main():
    parts = ("fresh", "reuse", "http2", "tls", "python", "echo")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon", default=ROOT / "build" / "tenon")
    parser.add_argument("--wasmtime", default="wasmtime")
    parser.add_argument("--guests", default=ROOT / ".." / "shared" / "guests")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", help="also write the rows to this file")
    parser.add_argument("part", nargs="*", choices=[*parts, []])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenon-bench-") as name:
        bench = Bench(options, pathlib.Path(name))
        for program, found in (("wasmtime", bench.wasmtime), ("nginx", bench.nginx)):
            if not found:
                print("%s is not there: no comparison with it" % program)
        print("  %-42s %60s" % ("", "tenon over it"))
        for part in options.part or parts:
            if part not in ("python", "echo") and not bench.hello().exists():
                print("%s: there is no %s; set GUESTS" % (part, bench.hello()))
                continue
            try:
                getattr(bench, part)()
            except (Failed, OSError, guest_build.Missing) as why:
                bench.fail(part, why)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(bench.rows, indent=2) + "\n", encoding="utf-8")
    return 1 if any("error" in row for row in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
