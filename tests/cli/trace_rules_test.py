#!/usr/bin/env python3
"""Rules that need the events of a trace."""
import os
import unittest

from support import PROGRAMS, line_of, run

LOCKS = os.path.join(PROGRAMS, 'lock_order')
CONTROLLED = 'schedule=controlled:record='


class LockOrder(unittest.TestCase):
    def test_opposite_orders_are_predicted(self):
        for options in (CONTROLLED + 'trace', 'schedule=threads:workers=1:record=trace'):
            result = run(LOCKS, env={'STRANDED_OPTIONS': options})
            self.assertEqual(result.returncode, 86, result.stderr)
            self.assertIn('lock-order, predicted', result.stderr)
            self.assertIn(line_of('tests/programs/lock_order.cc', '  other.Lock();'), result.stderr)

            self.assertRegex(result.stderr, 'task [0-9]+ "first" held lock [0-9]+, taken at')
            self.assertNotIn('blocked   ', result.stderr)

    def test_tasks_that_come_one_after_the_other_are_kept_apart(self):
        for how in ('joined', 'waited', 'received', 'closed', 'once', 'finished', 'sized', 'ended'):
            for seed in range(1, 9):
                env = {'STRANDED_OPTIONS': f'{CONTROLLED}trace:seed={seed}'}
                result = run(LOCKS, how, env=env)
                self.assertEqual(result.returncode, 0, f'{how} {seed} {result.stderr}')
            for workers in (1, 2):
                env = {'STRANDED_OPTIONS': f'schedule=threads:workers={workers}:record=trace'}
                result = run(LOCKS, how, env=env)
                self.assertEqual(result.returncode, 0, f'{how} {workers} {result.stderr}')

    def test_what_cannot_wait_in_a_cycle_or_is_not_known_is_not_told(self):
        for how in ('guarded', 'parents', 'tried', 'outside', 'timer'):
            for options in (CONTROLLED + 'trace', 'schedule=threads:workers=1:record=trace',
                            'schedule=threads:workers=2:record=trace'):
                result = run(LOCKS, how, env={'STRANDED_OPTIONS': options})
                self.assertEqual(result.returncode, 0, f'{how} {options} {result.stderr}')

    def test_without_a_trace_nothing_is_said(self):
        result = run(LOCKS, env={'STRANDED_OPTIONS': CONTROLLED + 'state'})
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == '__main__':
    unittest.main()
