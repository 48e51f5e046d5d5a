"""A command in Python: `FOLDER ARGUMENT…`; uses the environment, standard input, files, clocks and random numbers."""
import hashlib
import json
import os
import pathlib
import random
import sys
import time

from wit_world import exports


class Run(exports.Run):
    def run(self) -> None:
        folder = pathlib.Path(sys.argv[1])
        lines = sys.stdin.read().splitlines()
        print(json.dumps({"arguments": sys.argv[2:], "GREETING": os.environ.get("GREETING"), "lines": lines}))
        keep(folder, lines)
        change_names(folder)
        stay_inside(folder)
        tell_time()
        assert len({random.SystemRandom().getrandbits(64) for _ in range(4)}) == 4
        print("sha256:", hashlib.sha256(b"abc").hexdigest())
        sys.stdout.flush()
        sys.exit(5)


def keep(folder, lines):
    path = folder / "kept.json"
    path.write_text(json.dumps(lines))
    assert json.loads(path.read_text()) == lines
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        assert file.read() == b"]"
        file.truncate(1)
    assert path.read_bytes() == b"["
    print("entries:", *sorted(entry.name for entry in folder.iterdir()))


def change_names(folder):
    (folder / "a" / "b").mkdir(parents=True)
    moved = (folder / "kept.json").rename(folder / "a" / "b" / "moved.json")
    os.utime(moved, (1000, 2000))
    assert moved.stat().st_mtime == 2000
    try:
        (folder / "a").rmdir()
        raise AssertionError("removed a folder that is not empty")
    except OSError:
        pass
    print("walked:", sum(len(folders) + len(files) for _, folders, files in os.walk(folder / "a")))
    moved.unlink()
    (folder / "a" / "b").rmdir()
    (folder / "a").rmdir()


def stay_inside(folder):
    for path in (folder / "escape" / "secret.txt", folder / ".." / "secret.txt", pathlib.Path("/etc/passwd")):
        try:
            path.read_text()
        except OSError:
            continue
        raise AssertionError(f"read {path}")


def tell_time():
    assert time.time() > 1700000000
    before = time.monotonic()
    time.sleep(0.02)
    assert 0.02 <= time.monotonic() - before < 2
