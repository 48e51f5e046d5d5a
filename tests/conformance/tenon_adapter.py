"""How wasi-testsuite's runner calls Tenon. The program is $TENON, else tenon on PATH."""
import os
import shlex
import subprocess

TENON = shlex.split(os.getenv("TENON", "tenon"))


def get_name():
    return "tenon"


def get_version():
    output = subprocess.run(TENON + ["--version"], encoding="UTF-8", capture_output=True, check=True).stdout
    return output.split()[1]


def get_wasi_versions():
    return ["wasm32-wasip1"]


def get_wasi_worlds():
    return ["wasi:cli/command"]


def get_timeout_seconds():
    return 30


def compute_argv(test_path, args_env_root, proposals, wasi_world, wasi_version):
    args, env, root = args_env_root
    argv = TENON + ["run", "--no-cache"]
    for name, value in env.items():
        argv += ["--env", f"{name}={value}"]
    if root:
        argv += ["--dir", f"{root}::/"]
    return argv + [test_path] + args
