#!/usr/bin/env python3
"""Keeps `tenon serve` under a load of many kinds for a long time, faults and reloads included, and looks at its memory.

    bench/soak.py [--tenon FILE] [--minutes N] [--rate N] [--svg FILE] [--json FILE]

Requests of many kinds come one after the other on some connections, faults once a second, cut connections twenty times a
second, a reload every ten samples; and so many requests a second as --rate says from h2load, half of them by HTTP/1.1
and half by HTTP/2.

Fails when the server ended, when a request that had nothing to do with a fault was not answered, or when its memory in
the last quarter is more than a tenth (and 4 MiB) above that of the second.
"""
import argparse
import json
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "serve"))
import harness  # noqa: E402

# Requests that a guest answers, and those that it does not.
GOOD = ["/hello"] * 20 + ["/echo-headers", "/download/300000", "/sse/2", "/sleep/20", "/status/404", "/env", "/print",
                          "/many-fields/50"]
BAD = ["/trap", "/no-response", "/error", "/partial", "/never", "/loop", "/leak"]
PAUSE_GOOD, PAUSE_BAD = 0.005, 1  # seconds between two requests of one thread: a fault may cost a processor seconds
STEADY_CLIENTS = 5
WIDTH, HEIGHT, LEFT, BOTTOM = 860, 300, 70, 40


class Requests(threading.Thread):
    """One request after the other, on kept connections, until it is told to stop."""

    def __init__(self, server, paths, is_good):
        super().__init__(daemon=True)
        self.server, self.paths, self.is_good = server, paths, is_good
        self.stopped, self.answered, self.failures = False, 0, []

    def run(self):
        client, turn = None, 0
        while not self.stopped:
            path = self.paths[turn % len(self.paths)]
            turn += 1
            is_fresh = client is None
            client = client or self.server.client()
            try:
                client.request("POST" if turn % 5 == 0 else "GET", path, b"x" * 10000 if turn % 5 == 0 else None)
                got = client.getresponse()
                got.read()
                self.answered += 1
                if self.is_good and got.status not in (200, 404):
                    self.failures.append("%s: %d" % (path, got.status))
            except Exception as why:  # pylint: disable=broad-except
                if self.is_good and is_fresh:
                    self.failures.append("%s: %r" % (path, why))
                client.close()
                client = None
            time.sleep(PAUSE_GOOD if self.is_good else PAUSE_BAD)


class Steady:
    """So many requests a second, from h2load."""

    def __init__(self, server, rate, seconds, *options):
        self.process = subprocess.Popen(
            ["h2load", "-c", str(STEADY_CLIENTS), "--rps", "%g" % (rate / STEADY_CLIENTS), "-D", "%d" % seconds, *options,
             "http://127.0.0.1:%d/hello" % server.port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        """How many were answered, and what went wrong."""
        try:
            out = self.process.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            return 0, ["h2load did not end"]
        found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", out)
        if not found:
            return 0, ["h2load: " + out[-300:]]
        succeeded, failed, errored = map(int, found.groups())
        return succeeded, ["h2load: " + found[0]] if failed or errored or not succeeded else []


def cut_connections(server, stop):
    while not stop.is_set():
        for data in (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome", b"GET /download/10000000 "
                     b"HTTP/1.1\r\nHost: x\r\n\r\n", b"nonsense\r\n\r\n", b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n"):
            try:
                with server.connect() as s:
                    s.sendall(data)
                    stop.wait(0.05)
            except OSError:
                pass


def path_of(points, color):
    return '<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>' % (
        color, " ".join("%.1f,%.1f" % point for point in points))


def draw(samples, title):
    """Memory over time as SVG."""
    end = max(samples[-1][0], 1)
    top = max(memory for _, memory in samples) * 1.2 / 1024
    x = lambda seconds: LEFT + seconds / end * (WIDTH - LEFT - 20)  # noqa: E731
    y = lambda mebibytes: HEIGHT - BOTTOM - mebibytes / top * (HEIGHT - BOTTOM - 40)  # noqa: E731
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">'
             % (WIDTH, HEIGHT), '<rect width="100%" height="100%" fill="#fff"/>',
             '<text x="%d" y="22" font-size="14">%s</text>' % (LEFT, title)]
    for i in range(5):
        at = top * i / 4
        parts.append('<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f MiB</text>'
                     % (LEFT, y(at), WIDTH - 20, LEFT - 8, y(at) + 4, at))
        minutes = end * i / 4 / 60
        parts.append('<text x="%.1f" y="%d" text-anchor="middle">%.3g min</text>' % (x(end * i / 4), HEIGHT - 16, minutes))
    parts.append(path_of([(x(seconds), y(memory / 1024)) for seconds, memory in samples], "#2563eb"))
    return "\n".join(parts + ["</svg>", ""])


def soak(server, minutes, rate):
    """Samples of (seconds, KB), requests answered, and what went wrong."""
    stop = threading.Event()
    workers = [Requests(server, GOOD[i:] + GOOD[:i], True) for i in range(0, len(GOOD), 7)] + [Requests(server, BAD, False)]
    cutter = threading.Thread(target=cut_connections, args=(server, stop), daemon=True)
    for worker in [*workers, cutter]:
        worker.start()
    steady = [Steady(server, rate / 2, minutes * 60, *options) for options in ((), ("--h1",))] if rate else []
    start, samples, turn = time.monotonic(), [], 0
    pause = max(0.5, min(10, minutes * 60 / 500))
    while time.monotonic() - start < minutes * 60 and server.process.poll() is None:
        time.sleep(pause)
        turn += 1
        if turn % 10 == 0:
            server.send_signal(signal.SIGHUP)
        samples.append((time.monotonic() - start, server.memory()))
        if turn % 50 == 0:
            print("%6.1f min %8.1f MiB %10d requests besides those of h2load" % (samples[-1][0] / 60, samples[-1][1] / 1024,
                                                         sum(w.answered for w in workers)), flush=True)
    ends = [one.end() for one in steady]
    stop.set()
    for worker in workers:
        worker.stopped = True
    for worker in [*workers, cutter]:
        worker.join(20)
    failures = [failure for worker in workers for failure in worker.failures]
    failures += [failure for _, found in ends for failure in found]
    if server.process.poll() is not None:
        failures.append("the server ended with %d: %s" % (server.process.returncode, server.said()))
    return samples, sum(w.answered for w in workers) + sum(count for count, _ in ends), failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon", default=ROOT / "build" / "tenon")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1000, help="requests a second of h2load; 0: none")
    parser.add_argument("--svg", default="soak.svg")
    parser.add_argument("--json", help="also write the samples to this file")
    options = parser.parse_args()
    if options.rate and not shutil.which("h2load"):
        sys.exit("h2load is not installed (Debian: nghttp2-client)")
    with tempfile.TemporaryDirectory(prefix="tenon-soak-") as name:
        folder = pathlib.Path(name)
        harness.Environment.prepare(options.tenon, folder / "work")
        server = harness.Server(folder, top={"log": "json", "log-file": "/dev/null"},
                                defaults={"timeout": "2s", "max-memory": "32MiB"})
        try:
            samples, answered, failures = soak(server, options.minutes, options.rate)
        finally:
            code = server.stop()
    if code != 0:
        failures.append("the server's exit code is %s" % code)
    quarters = [statistics.mean(memory for _, memory in samples[len(samples) * i // 4:len(samples) * (i + 1) // 4])
                for i in range(4)] if len(samples) >= 8 else []
    if quarters and quarters[3] > quarters[1] * 1.1 + 4096:
        failures.append("the memory grew from %.1f to %.1f MiB" % (quarters[1] / 1024, quarters[3] / 1024))
    title = "Memory of tenon serve: %.3g minutes, %d requests" % (samples[-1][0] / 60, answered)
    pathlib.Path(options.svg).write_text(draw(samples, title), encoding="utf-8")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(samples) + "\n", encoding="utf-8")
    print("%s; %s MiB in each quarter" % (title, " ".join("%.1f" % (q / 1024) for q in quarters)))
    for failure in failures[:20]:
        print("failed: " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
