#!/usr/bin/env python3
"""Runs the same work on Go, Boost.Fiber and this runtime, interleaved, and prints one table.

Every round runs each row on every system, one after the other, pinned to the same cores; every
other round goes backwards. Ratios are taken within a round, then the median of the rounds.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import machine  # noqa: E402
import table  # noqa: E402

HEAVY = {'spawn_million', 'skynet_million', 'park_million'}
# A million fibers alive at once: Boost.Fiber takes some 9 GB and a minute for each of these.
BOOST_HEAVY_BYTES = 12e9
QUICK_SCALE = 0.05


def arguments():
    p = argparse.ArgumentParser(prog='./run bench --peers', description=__doc__)
    p.add_argument('--peers', action='store_true', help=argparse.SUPPRESS)
    p.add_argument('--only', metavar='REGEX', default='', help='rows whose name matches')
    p.add_argument('--rounds', type=int, default=5, help='rounds; rows of a million tasks: 3 at most')
    p.add_argument('--quick', action='store_true', help='one round, small sizes: about a minute')
    p.add_argument('--scale', type=float, default=1, help='share of the full sizes')
    p.add_argument('--no-trace', action='store_true', help='leave record=trace out')
    p.add_argument('--no-boost', action='store_true', help='leave Boost.Fiber out')
    p.add_argument('--workers', type=int, choices=(1, 2), help='only with so many workers')
    p.add_argument('--cpu-time', action='store_true',
                   help="CPU time instead of wall time: steadier on a busy machine, 1 worker only")
    p.add_argument('--write-docs', metavar='FILE', nargs='?', const='docs/performance.md',
                   help='put the tables into docs/performance.md')
    p.add_argument('--go', required=True, help=argparse.SUPPRESS)
    p.add_argument('--boost', required=True, help=argparse.SUPPRESS)
    p.add_argument('--ours', required=True, help=argparse.SUPPRESS)
    p.add_argument('--floor', required=True, help=argparse.SUPPRESS)
    o = p.parse_args()
    if o.quick:
        o.rounds, o.scale = 1, QUICK_SCALE
    if o.cpu_time:
        o.workers = 1
    return o


def names(program):
    out = subprocess.run([program, '-list'], capture_output=True, text=True, check=True).stdout
    return set(out.split())


class Runner:
    """Starts the programs and keeps what they print."""

    def __init__(self, options):
        self.options = options
        self.results = table.Results(options.cpu_time)
        self.failures, self.others = [], []
        self.programs = {'go': options.go, 'floor': options.floor}
        if not options.no_boost:
            self.programs['boost'] = options.boost
        for level in table.LEVELS:
            if level != 'trace' or not options.no_trace:
                self.programs['ours ' + level] = options.ours
        self.rows = {system: names(program) for system, program in self.programs.items()}
        cores = sorted(os.sched_getaffinity(0))
        self.cores = {1: cores[-1:], 2: cores[-2:]}

    def jobs(self, turn):
        """(row, workers) -> systems, in the order of this round."""
        rows = dict.fromkeys(line.row for line in table.LINES)
        for row in rows:
            if not re.search(self.options.only, row):
                continue
            if row in HEAVY and turn >= 3:
                continue
            for workers in (1, 2):
                if self.options.workers in (None, workers):
                    yield from self.systems(row, workers, turn)

    def systems(self, row, workers, turn):
        able = [s for s in table.SYSTEMS if s in self.programs and row in self.rows[s]
                and not (s == 'floor' and workers == 2)]
        if row in HEAVY and 'boost' in able and not self.boost_can(workers, turn):
            able.remove('boost')
        for system in reversed(able) if turn % 2 else able:
            yield row, workers, system

    def boost_can(self, workers, turn):
        if self.options.scale < 1:
            return True
        return workers == 1 and turn == 0 and machine.free_bytes() > BOOST_HEAVY_BYTES

    def run(self, row, workers, system, turn):
        cores = self.cores[workers]
        command = ['taskset', '-c', ','.join(map(str, cores)), self.programs[system],
                   '-workers', str(workers), '-scale', str(self.options.scale), row]
        env = dict(os.environ)
        if system in table.OURS:
            env['STRANDED_OPTIONS'] = 'record=' + system.split()[1]
        if not self.options.quick:
            machine.wait_for_quiet(cores)
        busy, start, mine = machine.busy_seconds(cores), time.time(), machine.children_seconds()
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=180)
        except subprocess.TimeoutExpired:
            self.failures.append(f'{row}, {workers} workers, {system}: not done after 180 s')
            return
        used = machine.busy_seconds(cores) - busy - (machine.children_seconds() - mine)
        self.others.append(max(0.0, used / (time.time() - start) / len(cores)))
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or ['no message'])[-1]
            self.failures.append(f'{row}, {workers} workers, {system}: exit {done.returncode}: {why}')
        for line in done.stdout.splitlines():
            name, figure, value = line.split()
            self.results.add(name, workers, system, figure, turn, float(value))

    def round(self, turn):
        jobs = list(self.jobs(turn))
        for at, job in enumerate(jobs):
            if sys.stderr.isatty():
                print(f'\r\033[Kround {turn + 1}: {at + 1}/{len(jobs)} {" ".join(map(str, job))}',
                      end='', file=sys.stderr, flush=True)
            self.run(*job, turn)
        if sys.stderr.isatty():
            print('\r\033[K', end='', file=sys.stderr)


def notes(runner):
    o = runner.options
    lines = []
    if o.scale < 1:
        lines.append(f'Sizes: {o.scale:g} of the full ones; skynet has 10,000 leaves. For a look only.')
    lines.append(f'Medians of {o.rounds} rounds (rows of a million tasks: {min(o.rounds, 3)}); '
                 f'{"CPU" if o.cpu_time else "wall"} time in ns per operation if nothing else is said.')
    if runner.others:
        lines.append('Others used %.0f %% of the cores while it ran (median; most %.0f %%).' % (
            100 * statistics.median(runner.others), 100 * max(runner.others)))
    return lines


def tables(runner, show):
    """Titles and tables, by the function that lays them out."""
    for workers in (1, 2):
        rows = table.rows_of(runner.results, workers)
        if rows:
            yield f'{workers} worker{"s" if workers > 1 else ""}', show(table.HEAD, rows)
    recording = table.recording_of(runner.results)
    if recording:
        yield 'what recording costs', show(table.RECORDING_HEAD, recording)
    scaling = table.scaling_of(runner.results)
    if scaling:
        yield 'time with 1 worker / time with 2', show(['work', 'Go', 'state'], scaling)


def write_docs(path, runner):
    """Replaces what stands between the marks; the words around it stay."""
    begin, end = '<!-- peers: begin -->', '<!-- peers: end -->'
    with open(path, encoding='utf-8') as file:
        before, rest = file.read().split(begin)
    after = rest.split(end)[1]
    flags = ' '.join(a for a in machine.shown_arguments(sys.argv[1:]))
    made = [f'`./run bench {flags}` on {machine.describe()}.', ' '.join(notes(runner))]
    for title, body in tables(runner, table.markdown):
        made += [f'### {title[0].upper()}{title[1:]}', body]
    if runner.failures:
        made.append('Failed:\n\n' + '\n'.join('- ' + f for f in runner.failures))
    with open(path, 'w', encoding='utf-8') as file:
        file.write(before + begin + '\n' + '\n\n'.join(made) + '\n' + end + after)


def main():
    options = arguments()
    runner = Runner(options)
    start = time.time()
    for turn in range(options.rounds):
        runner.round(turn)
        print(f'round {turn + 1} of {options.rounds}: {time.time() - start:.0f} s', file=sys.stderr)
    print(machine.describe())
    for line in notes(runner):
        print(line)
    for title, body in tables(runner, table.text):
        print(f'\n== {title}\n{body}')
    for failure in runner.failures:
        print('failed: ' + failure)
    if options.write_docs:
        write_docs(options.write_docs, runner)
    return 1 if runner.failures else 0


if __name__ == '__main__':
    sys.exit(main())
