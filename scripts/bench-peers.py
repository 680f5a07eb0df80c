#!/usr/bin/env python3
"""Times this project and what people use instead on the same prompts, and writes `benches/record/<date>-<machine>-peers.md`.

Every peer is a process (`benches/peers/`; `serve.py` there has the protocol) that loads once and judges on one thread, pinned to
one core, whenever it is its turn. Turns are interleaved, so that whatever else the machine does meets all of them; ratios are taken
within a round. Peers are installed into `target/peers`; one that cannot be installed or fails is in the record, with the reason.
"""

import argparse
import datetime
import json
import os
import platform
import queue
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benches/peers"
WORK = ROOT / "target/peers"
OURS = ("promptgate-lists", "promptgate")
PYTHON = WORK / "venv/bin/python"

SEED = 20261201
MOST_PROMPTS = 5000
GENERATED = 20000  # as `make demo` generates them
TURN_SECONDS = 2
ROUNDS = 5
STARTS = 3
TIMEOUT_SECONDS = 300
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1"),
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "NODE_PATH": str(WORK / "node_modules"),
}


class Failed(Exception):
    """Why a peer cannot be measured, in one line without a word of a prompt."""


class Peer(NamedTuple):
    """Something to measure: its name, what it does, how it is installed and started; prompts follow the first two arguments."""

    name: str
    what: str
    install: list
    command: list
    arguments: list = []


def peers(binary):
    """Returns everything there is to measure, this project first."""

    def python(name, what, script, packages, *arguments):
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", PEERS / "requirements.txt"]
        return Peer(name, what, [[*pip, *packages.split()]] if packages else [], [PYTHON, PEERS / script], [*arguments])

    main, lists = ROOT / "models/main", ROOT / "wordlists"
    torch = "torch transformers tokenizers"
    return [
        python("promptgate-lists", "this project without models: lists and rules of 17 languages, markup, disguises",
               "promptgate.py", "", binary, "--no-models"),
        python("promptgate", "this project: the same, and models where these leave a question", "promptgate.py", "", binary),
        python("vectorscan-block", "the English blocking terms of this project as literals, without word boundaries",
               "vectorscan.py", "hyperscan", lists, "block"),
        python("vectorscan-all", "the terms of all its English lists: blocking, exceptions, context",
               "vectorscan.py", "hyperscan", lists, "all"),
        Peer("rustrict", "English profanity, disguises, in Rust: `is_inappropriate`",
             [["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", PEERS / "rustrict/Cargo.toml",
               "--target-dir", WORK / "rustrict"]], [WORK / "rustrict/release/peer-rustrict"]),
        Peer("obscenity", "English profanity, disguises, in JavaScript: `hasMatch`",
             [["npm", "install", "--loglevel=error", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", WORK]],
             ["node", PEERS / "obscenity.cjs"]),
        python("better-profanity", "English profanity, spellings, in Python: `contains_profanity`",
               "better-profanity.py", "better-profanity"),
        python("alt-profanity-check-1", "linear model over words, English: `predict`, a prompt a call",
               "alt-profanity-check.py", "alt-profanity-check", 1),
        python("alt-profanity-check-32", "the same, 32 prompts a call", "alt-profanity-check.py", "alt-profanity-check", 32),
        python("onnxruntime", "the int8 file of `main` on every prompt, in Python", "onnx-session.py",
               "onnxruntime tokenizers", main),
        python("transformers-1", "text-classification pipeline on PyTorch, fp32, a model of the size of `main`, batches of 1",
               "transformers-pipeline.py", torch, main, 1),
        python("transformers-32", "the same, batches of 32, prompts sorted by length", "transformers-pipeline.py", torch, main, 32),
    ]


def fit(line):
    """Makes an error message fit for a record: short, without addresses and somebody's folders."""
    return re.sub(r"\w+://\S+", "(address)", line.replace(f"{ROOT}/", ""))[:200]


def install(peer):
    """Installs what a peer needs; what is there already is left alone."""
    for command in peer.install:
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        except FileNotFoundError as error:
            raise Failed(f"not installed: `{error.filename}` is missing") from error
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no message"]
            # The first error is the cause; what follows is advice.
            errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
            raise Failed(f"not installed: {fit((errors or lines[-1:])[0])}")


class Running:
    """A peer that has loaded and waits for its turn."""

    def __init__(self, peer, prompts):
        self.peer = peer
        self.log = WORK / f"{peer.name}.log"
        self.lines = queue.Queue()
        command = [*peer.command, prompts, *peer.arguments]
        began = time.perf_counter()
        with self.log.open("wb") as log:
            try:
                self.process = subprocess.Popen(
                    [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                    env={**os.environ, **ONE_THREAD},
                )
            except FileNotFoundError as error:
                raise Failed(f"`{error.filename}` is missing") from error
        threading.Thread(target=self.listen, daemon=True).start()
        try:
            ready = self.answer()
        except Failed:
            self.stop()
            raise
        self.versions = ready["versions"]
        self.start = ready.get("start", time.perf_counter() - began)
        self.memory = None
        self.number = 1
        self.flagged = None
        self.rates = []

    def listen(self):
        """Passes the answers on; anything else on standard output is a library's chatter."""
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.put(line)
        self.lines.put(None)

    def answer(self):
        """Waits for the next answer."""
        try:
            line = self.lines.get(timeout=TIMEOUT_SECONDS)
        except queue.Empty:
            raise Failed(f"no answer in {TIMEOUT_SECONDS} s") from None
        if line is None:
            status = self.process.wait()
            lines = self.log.read_text(errors="replace").split("\n")
            raise Failed(f"exit status {status}: {fit(next(filter(None, map(str.strip, reversed(lines))), 'no message'))}")
        return json.loads(line)

    def run(self):
        """Judges as many prompts as a turn has; returns the seconds."""
        try:
            self.process.stdin.write(f"run {self.number}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # then there is no answer either
        turn = self.answer()
        self.judged, seconds = turn["judged"], turn["seconds"]
        self.rate = self.judged / seconds
        self.flagged = None if turn["flagged"] is None else turn["flagged"] / self.judged
        self.memory = turn.get("memory") or peak_mb(self.process.pid)
        return seconds

    def calibrate(self):
        """Finds how many prompts fill a turn; warms the peer up as well."""
        while (seconds := self.run()) < TURN_SECONDS / 4:
            self.number *= 4
        # Two digits are enough, and easier to repeat.
        self.number = max(1, int(float(f"{self.number * TURN_SECONDS / seconds:.2g}")))

    def stop(self):
        """Ends the process."""
        self.process.kill()
        self.process.wait()


def peak_mb(pid):
    """Returns the peak resident memory of a process in MB, where the system tells."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found.group(1)) / 1024 if found else None


def start(peer, prompts):
    """Starts a peer several times and keeps the last process; its start is the median, since the first one reads from disk."""
    starts = []
    for _ in range(STARTS):
        if starts:
            running.stop()
        running = Running(peer, prompts)
        starts.append(running.start)
    running.start = statistics.median(starts)
    return running


def measure(chosen, prompts, rounds):
    """Returns the peers that were measured, with a rate per round, and why the others were not, by name."""
    up, failed = [], {}

    def succeeds(peer, step, *arguments):
        try:
            step(*arguments)
        except Failed as failure:
            failed[peer.name] = str(failure)
            say(f"{peer.name}: {failure}")
        return peer.name not in failed

    def bring_up(peer):
        say(f"{peer.name}: starting")
        up.append(start(peer, prompts))
        up[-1].calibrate()

    def turn(number, running):
        running.run()
        running.rates.append(running.rate)
        say(f"round {number}: {running.peer.name}: {figure(running.rate)} prompts/s")

    say("installing")
    installed = [peer for peer in chosen if succeeds(peer, install, peer)]
    if hasattr(os, "sched_setaffinity"):
        # Peers inherit it; this process sleeps while one of them has its turn.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    shuffler = random.Random(SEED)
    try:
        good = {peer.name for peer in installed if succeeds(peer, bring_up, peer)}
        for number in range(1, rounds + 1):
            turns = [running for running in up if running.peer.name in good]
            for running in shuffler.sample(turns, len(turns)):
                if not succeeds(running.peer, turn, number, running):
                    good.remove(running.peer.name)
    finally:
        for running in up:
            running.stop()
    return [running for running in up if running.peer.name in good], failed


def prepare(source):
    """Writes the prompts that are judged, one a line; returns their file and a sentence about them."""
    if source is None:
        name = f"`scripts/generate-prompts.py {GENERATED}` (generated, harmless)"
        script = [sys.executable, ROOT / "scripts/generate-prompts.py", str(GENERATED)]
        text = subprocess.run(script, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    else:
        name = f"`{source.name}`"
        try:
            text = source.read_bytes().decode("utf-8", errors="replace")
        except OSError as error:
            stop(f"{source}: {error.strerror}")
    # Only a line feed ends a prompt, whatever a peer's language takes for the end of a line.
    lines = [line for raw in text.split("\n") if (line := raw.replace("\r", " ").replace("\0", " ")).strip()]
    if not lines:
        stop(f"{source}: no prompts, expected one a line")
    some = random.Random(SEED).sample(lines, min(MOST_PROMPTS, len(lines)))
    # Slow peers see the first few only: with ranks of length in the order of their reversed bits, any few are as long as all.
    some.sort(key=len)
    some = [some[rank] for rank in sorted(range(len(some)), key=lambda rank: f"{rank:016b}"[::-1])]
    path = WORK / "prompts.txt"
    path.write_text("".join(f"{line}\n" for line in some), encoding="utf-8", newline="\n")
    mean = statistics.mean(len(line.encode()) for line in some)
    return path, f"{len(some):,} of the {len(lines):,} prompts of {name}, drawn with a fixed seed, {mean:.0f} bytes on average"


def figure(number):
    """Writes a positive number with three digits."""
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 99.95 else f"{number:#.3g}"


def spread(values):
    """Writes median and range of some numbers."""
    return f"{figure(statistics.median(values))} ({figure(min(values))} to {figure(max(values))})"


def machine():
    """Returns this machine in words and, for a file name, in one."""
    try:
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        model = platform.processor() or platform.machine()
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.platform(terse=True)
    family = re.search(r"epyc|xeon|ryzen|core|neoverse|apple|arm", model.lower())
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    slug = f"{family.group() if family else platform.machine().lower()}-{cores}core"
    return f"{cores} cores of {model} ({platform.machine()}), {memory:.0f} GiB, {system}", slug


def commit():
    """Returns the commit that is checked out, and says so if files differ from it."""
    def git(*arguments):
        try:
            done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        except FileNotFoundError:
            return ""
        return done.stdout.strip()

    changed = ", with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + changed


def record(measured, failed, everything, about, rounds, command):
    """Returns the record as Markdown."""
    rates = {running.peer.name: running.rates for running in measured}
    versions = {running.peer.name: running.versions for running in measured}
    medians = {name: statistics.median(rate) for name, rate in rates.items()}

    def ratio(name, ours):
        if name == ours or ours not in rates:
            return "–"
        return spread([our / their for our, their in zip(rates[ours], rates[name])])

    def row(running):
        name = running.peer.name
        flagged = "–" if running.flagged is None else f"{running.flagged:.1%}".replace("%", " %")
        memory = "–" if running.memory is None else f"{running.memory:,.0f}"
        shown = f"**{name}**" if name in OURS else name
        cells = (shown, spread(rates[name]), figure(1e6 / medians[name]), *(ratio(name, ours) for ours in OURS), flagged,
                 f"{running.start:.2f}", memory, f"{running.judged:,}")
        return f"| {' | '.join(cells)} |"

    rows = "\n".join(row(running) for running in sorted(measured, key=lambda running: -medians[running.peer.name]))
    what = "\n".join(f"| {peer.name} | {peer.what} | {versions[peer.name]} |" for peer in everything if peer.name in versions)
    missing = [f"- {peer.name}: {failed.get(peer.name, 'left out by `--only`')}" for peer in everything if peer.name not in versions]
    return f"""# {datetime.date.today()}: promptgate beside what people use instead

{machine()[0]}; commit {commit()}; `{command}`.

Prompts: {about}.
Every peer judges the first of them, as many as it can in about {TURN_SECONDS} s (last column; beyond the last prompt from the first one
again), ordered so that any first ones are about as long as all; on one thread pinned to one core, all peers loaded beforehand,
rounds of one turn each in random order, {rounds} in all. Ours are timed by `promptgate bench`, which loads anew for each turn and warms up.

| | prompts/s | us a prompt | {' | '.join(f'{ours} / this' for ours in OURS)} | flagged | start, s | memory, MB | prompts a turn |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

Median (lowest to highest). `/ this`: how many times this row's throughput ours has in the same round; below 1 this row is faster.
Flagged: the share of the judged prompts (ours: of all prompts) that is flagged or blocked, **no measure of quality**: nobody has
labelled these prompts, and every peer looks for something else. Start: from the start of the process to its first decision,
interpreter included, median of {STARTS}. Memory: peak resident set, prompts included. The weights of the transformers peers are random:
what a pass costs does not depend on them, and what they flag means nothing.

| | what it does | versions |
|---|---|---|
{what}

Not measured:{chr(10) * 2 + chr(10).join(missing) if missing else " nothing is missing."}
"""


def say(line):
    """Reports progress."""
    print(line, file=sys.stderr, flush=True)


def stop(message):
    """Ends with an error."""
    say(f"bench-peers: {message}")
    sys.exit(2)


def main():
    """Installs, measures, records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, default=ROOT / "target/release/promptgate", help="the promptgate to measure")
    parser.add_argument("--prompts", type=Path, help="file of prompts, one a line; generated ones if absent")
    parser.add_argument("--about", help="where these prompts come from, for the record")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", help="names of peers, with commas; this project is always measured")
    parser.add_argument("--out", type=Path, help="the record; benches/record/<date>-<machine>-peers.md if absent")
    options = parser.parse_args()
    if options.rounds < 1:
        stop("--rounds: expected 1 or more")
    if not options.bin.is_file():
        stop(f"{options.bin}: no such file, `make build` makes it")
    everything = peers(options.bin.resolve())
    only = set(options.only.split(",")) if options.only else {peer.name for peer in everything}
    if unknown := sorted(only - {peer.name for peer in everything}):
        stop(f"--only: unknown `{unknown[0]}`, expected some of {', '.join(peer.name for peer in everything)}")
    chosen = [peer for peer in everything if peer.name in only or peer.name in OURS]

    WORK.mkdir(parents=True, exist_ok=True)
    prompts, about = prepare(options.prompts)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    shutil.copy(PEERS / "package.json", WORK)
    measured, failed = measure(chosen, prompts, options.rounds)

    out = options.out or ROOT / f"benches/record/{datetime.date.today()}-{machine()[1]}-peers.md"
    # Only names of files, so that a record says nothing about somebody's folders.
    command = "make bench-peers" + (f" PROMPTS={options.prompts.name}" if options.prompts else "")
    flags = [f"--rounds {options.rounds}"] if options.rounds != ROUNDS else []
    flags += [f"--only {options.only}"] if options.only else []
    command += f" PEERS_FLAGS='{' '.join(flags)}'" if flags else ""
    about += f" ({options.about})" if options.about else ""
    out.write_text(record(measured, failed, everything, about, options.rounds, command), encoding="utf-8")
    say(f"written: {out}")
    # Without this project there is nothing to compare with.
    return 1 if failed.keys() & OURS else 0


if __name__ == "__main__":
    sys.exit(main())
