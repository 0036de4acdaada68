#!/usr/bin/env python3
"""What a report names as the cause, for planted leaks of many kinds and their right twins."""
import os
import shutil
import tempfile
import unittest

from support import PROGRAMS, SOURCE as ROOT, line_of, run, stranded

PROGRAM = os.path.join(PROGRAMS, 'causes')
SOURCE = 'tests/programs/causes.cc'
WAYS = ['schedule=controlled:seed=1', 'schedule=controlled:seed=7',
        'schedule=threads:workers=2', 'schedule=controlled:record=trace:seed=3']


def at(mark):
    return line_of(SOURCE, '// ' + mark + '\n')


class Causes(unittest.TestCase):
    def report(self, name, options=WAYS[0]):
        result = run(PROGRAM, name, 'leaky', env={'STRANDED_OPTIONS': options})
        self.assertEqual(result.returncode, 86, f'{name} {options} {result.stderr}')
        return result.stderr

    def says(self, name, *texts, never=()):
        for options in WAYS:
            report = self.report(name, options)
            for text in texts:
                self.assertIn(text, report, options)
            for text in never:
                self.assertNotIn(text, report, options)

    def test_right_twins_are_silent(self):
        for name in ('endless', 'spin', 'oversized', 'signal', 'counted', 'recursive', 'awaits',
                     'nested', 'group', 'limit', 'held', 'pair'):
            for options in WAYS:
                result = run(PROGRAM, name, 'fixed', env={'STRANDED_OPTIONS': options})
                self.assertEqual(result.returncode, 0, f'{name} {options} {result.stderr}')

    def test_a_context_that_can_never_end(self):
        self.says('endless',
                  f'The wait at {at("endless")} listens to a context that can never end '
                  f'(WithoutCancel at {at("endless: made")})',
                  never=('add an OnDone', 'must also be cancelled'))

    def test_a_loop_that_does_not_look(self):
        for options in (WAYS[0], WAYS[1]):
            report = self.report('spin', options)
            self.assertIn('look at ctx.Err(), or wait in a Select with OnDone(ctx)', report)
            self.assertNotIn('join it', report)

    def test_a_request_above_the_limit(self):
        self.says('oversized', 'oversized-acquire, proven',
                  'asking a semaphore for more units than the 4 that it has',
                  f'Ask for at most 4 at {at("oversized")}', never=('join it', 'Give back'))

    def test_a_signal_where_a_broadcast_is_needed(self):
        self.says('signal', f'Call Broadcast() instead of Signal() at {at("signal")}',
                  'it woke one of 3 waiters')

    def test_a_counted_task_that_is_stuck_itself(self):
        self.says('counted',
                  f'Look first at {at("counted")}: a task is blocked there, sending on a channel',
                  never=('of Done() missing',))

    def test_do_inside_of_do(self):
        self.says('recursive',
                  'is blocked in Do() of a Once that it is running itself, and 1 other task waits',
                  f'Keep the Do() at {at("recursive")} out of the function', '1 finding, 2 stranded')

    def test_a_wait_for_a_context_is_no_receive(self):
        made = at('awaits: made')
        self.says('awaits', f'is blocked waiting for the end of the context made at {made}',
                  f'Cancel the context made at {made}', never=('receiving', 'Buffering'))

    def test_a_context_that_should_be_derived(self):
        self.says('nested', f'waiting for the end of the context made at {at("nested: made")} '
                  'although its own context has ended',
                  f'Make the context of {at("nested: made")} from the task\'s own',
                  never=('receiving', 'Buffering'))

    def test_an_err_group_is_called_one(self):
        self.says('group', 'blocked in Wait() of an ErrGroup with 1 task that does not end',
                  f'{at("group")}: a task is blocked there, receiving from a channel, that is '
                  'one of the group',
                  never=('WaitGroup', 'Done()'))
        self.says('limit', 'blocked in Go() inside a task of an ErrGroup that is at its limit of 1',
                  f'Start the task of {at("limit")} outside of the group\'s own tasks',
                  f'limit of 1 was set at {at("limit: set")}',
                  never=('WaitGroup', 'semaphore', 'Done()', 'Give back'))

    def test_the_list_of_tasks_says_so_too(self):
        with tempfile.TemporaryDirectory() as root:
            dump = os.path.join(root, 'limit.strd')
            run(PROGRAM, 'limit', 'leaky', env={'STRANDED_OPTIONS': f'dump={dump}'})
            self.assertIn('in Go() of an ErrGroup with a limit of 1', stranded('tasks', dump).stdout)

    def test_a_lock_that_main_keeps(self):
        self.says('held', 'blocked on a lock whose holder went on without unlocking',
                  f'taken last by task 1 "main" at {at("held: taken")}; it went on')

    def test_two_edits_side_by_side_are_both_applied(self):
        with tempfile.TemporaryDirectory() as root:
            path = os.path.join(root, SOURCE)
            os.makedirs(os.path.dirname(path))
            shutil.copy2(os.path.join(ROOT, SOURCE), path)
            result = stranded('fix', '--apply', '--verify', '50', '--root', root, '--', PROGRAM, 'pair',
                              'leaky')
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            with open(path, encoding='utf-8') as file:
                text = file.read()
            self.assertIn('Chan<int> results(2);', text)
            self.assertIn('Chan<int> log(2);', text)


if __name__ == '__main__':
    unittest.main()
