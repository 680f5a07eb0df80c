"""This project, asked by its own `bench`, which judges prompts for a fixed time, whatever N is."""

import json
import os
import subprocess
import sys
import time

from serve import answer

PROMPTS, BINARY, *STAGES = sys.argv[1:]
SECONDS = 2


def run(*arguments):
    """Runs promptgate; returns what it prints, how long it took in seconds and its peak memory in MB."""
    began = time.perf_counter()
    with subprocess.Popen([BINARY, *STAGES, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # What it says of errors is short and fits into the pipe.
        printed = process.stdout.read()
        said = process.stderr.read().decode().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    # Exit status 1 only says that something was blocked.
    if process.returncode not in (0, 1):
        sys.exit(said[0] if said else f"promptgate: exit status {process.returncode}")
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return printed, time.perf_counter() - began, peak


_, start, _ = run("check", "a lighthouse at dusk")
versions = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.strip()
answer(versions=versions, start=start)
share = None
for _ in sys.stdin:
    printed, _, peak = run(
        "bench", PROMPTS, "--input-format", "lines", "--threads", "1", "--seconds", str(SECONDS), "--json"
    )
    (measured,) = json.loads(printed)
    if share is None:
        decisions, _, _ = run("scan", PROMPTS, "--input-format", "lines", "--threads", "1", "--quiet")
        share = decisions.count(b'"verdict":"block"') / decisions.count(b"\n")
    judged = measured["decisions"]
    answer(judged=judged, seconds=judged / measured["prompts_per_second"], flagged=share * judged, memory=peak)
