#!/usr/bin/env python3
"""Rules of this repository that no general tool checks. Prints file:line: what is wrong."""
import os
import re
import sys

SOURCE = ('.cc', '.h')
MAX_LINES = 450
MAX_COLUMNS = 100
BANNED = [
    (re.compile(r'(?://|#).*\b(TODO|FIXME|HACK|XXX)\b(?!\()'),
     'unfinished business: do it, or write it into docs/'),
    (re.compile(r'(/work/|/home/\w|/tmp/build)'), 'a path of one machine'),
]
# Who may include what: a room, and what its files must not include.
DIRECTIONS = [
    ('runtime_hooks/', re.compile(r'#include "(detector|cli)/'), 'the runtime knows no detector'),
    ('runtime_hooks/include/', re.compile(r'#include "(runtime_hooks)/'),
     'public headers include public ones only'),
    ('detector/', re.compile(r'#include "(runtime_hooks|cli)/'),
     'the detector sees the runtime by its public headers only'),
    ('cli/', re.compile(r'#include "(runtime_hooks|detector)/'), 'the command line uses public headers'),
]


def tracked(root):
    for folder, dirs, files in os.walk(root):
        dirs[:] = [d for d in dirs if d not in ('.git', 'build', 'install', 'corpus', '__pycache__', 'node_modules')]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def check_text(path, text):
    """Problems of one file, as (line, message)."""
    problems = []
    lines = text.split('\n')
    code = path.endswith(SOURCE)
    if code and len(lines) > MAX_LINES + 1:
        problems.append((len(lines), f'{len(lines) - 1} lines; the limit is {MAX_LINES}'))
    for number, line in enumerate(lines, 1):
        if code and len(line) > MAX_COLUMNS:
            problems.append((number, f'{len(line)} columns; the limit is {MAX_COLUMNS}'))
        if path != 'tests/tidy/rules.py' and path != 'tests/tidy/rules_test.py':
            problems += [(number, why) for rx, why in BANNED if rx.search(line)]
        for prefix, rx, why in DIRECTIONS:
            if path.startswith(prefix) and rx.search(line):
                problems.append((number, why))
        public = '/include/stranded/' in path
        if public and re.match(r'\s*#\s*define\s+\w+(\(|\s+\S)', line):
            problems.append((number, 'a macro in a public header'))
    if path.endswith('.h'):
        guard = guard_of(path)
        if f'#ifndef {guard}' not in text:
            problems.append((1, f'the include guard should be {guard}'))
    return problems


def guard_of(path):
    path = path.replace('include/stranded/', '')
    return 'STRANDED_' + re.sub(r'[^A-Za-z0-9]', '_', path).upper() + '_'


def main(root):
    bad = 0
    for path in sorted(tracked(root)):
        if not path.endswith(SOURCE + ('.py', '.sh', '.cmake', '.txt', '.md', '.json', '.proto')):
            continue
        with open(os.path.join(root, path), encoding='utf-8') as file:
            for line, message in check_text(path, file.read()):
                print(f'{path}:{line}: {message}')
                bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
