#!/usr/bin/env python3
"""Hot paths: no system call, no allocation, and hardly a locked instruction.

The program steps through each row instruction by instruction and counts (tests/programs/hot_paths.cc).
"""
import os
import unittest

from support import PROGRAMS, run

# Locked instructions in 100 operations, at most. What they are: ping_pong wakes two tasks in a
# round trip, a wake-up competes with a snapshot; spawn_and_finish gives up the reference of its
# record; with_cancel makes a node, links it, ends it. `yield` has those of its two tasks.
MOST_LOCKED = {
    'send_and_receive': 0,
    'ping_pong': 200,
    'select_default': 0,
    'select_one_ready': 0,
    'yield': 30,
    'spawn_and_finish': 150,
    'lock_and_unlock': 0,
    'err_and_done': 0,
    'with_cancel': 850,
}
SKIPPED = 77


class HotPaths(unittest.TestCase):
    def count(self, level):
        options = f'record={level}:trace_file=none'
        result = run(os.path.join(PROGRAMS, 'hot_paths'), env={'STRANDED_OPTIONS': options})
        if result.returncode == SKIPPED:
            self.skipTest('not x86-64, or a sanitizer')
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [line.split() for line in result.stdout.splitlines()]
        return {row[0]: [int(n) for n in row[1:]] for row in rows}

    def check_controls(self, rows):
        for name, column in ('syscall', 1), ('locked', 2), ('fence', 2), ('allocation', 3):
            row = rows['control_' + name]
            self.assertEqual(row[column], row[0], name)
            self.assertEqual(sum(row[1:]), row[0], name)

    def test_no_operation_leaves_the_hot_path(self):
        for level in 'state', 'trace':
            rows = self.count(level)
            self.check_controls(rows)
            for name, most_locked in MOST_LOCKED.items():
                operations, syscalls, locked, allocations = rows[name]
                where = f'{name}, record={level}'
                self.assertEqual(syscalls, 0, where)
                self.assertEqual(allocations, 0, where)
                self.assertLessEqual(locked * 100, most_locked * operations, where)


if __name__ == '__main__':
    unittest.main()
