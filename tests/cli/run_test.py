#!/usr/bin/env python3
"""`stranded run`, and programs that come to a bad end."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from support import BIN, PROGRAMS, SAMPLES, run, stranded


def program(name):
    return os.path.join(PROGRAMS, name)


class Run(unittest.TestCase):
    def test_findings_and_none(self):
        leaky = stranded('run', '--', os.path.join(SAMPLES, 'sample_fan_in_leaky'))
        self.assertEqual(leaky.returncode, 1, leaky.stderr)
        self.assertIn('cancelled-send', leaky.stdout)
        fixed = stranded('run', '--', os.path.join(SAMPLES, 'sample_fan_in_fixed'))
        self.assertEqual(fixed.returncode, 0, fixed.stderr)

    def test_a_program_that_checks_itself_is_reported_on_once(self):
        for name, said in (('fan_in_leaky', '1 finding'), ('lost_cancel_leaky', '2 findings'),
                           ('fan_in_fixed', 'nothing is stranded')):
            result = stranded('run', '--', os.path.join(SAMPLES, f'sample_{name}'))
            self.assertIn(f'stranded: {said}', result.stdout)
            self.assertNotIn('stranded:', result.stderr, name)
        # A format for programs is no report for people, and a child's dump may be written over.
        leaky = os.path.join(SAMPLES, 'sample_fan_in_leaky')
        self.assertIn('1 finding', stranded('run', '--format', 'json', '--', leaky).stderr)
        self.assertIn('1 finding', stranded('run', '--', 'sh', '-c', f'{leaky}; exit $?').stderr)

    def test_a_leak_is_found_at_exit_whatever_else_goes_on(self):
        for how, verdict in (('nothing', 'proven'), ('thread', 'outlived'),
                             ('thread-late', 'outlived'), ('ticker', 'outlived'),
                             ('sleeper', 'outlived'), ('kernel', 'outlived')):
            result = stranded('run', '--', program('beside_others'), how)
            self.assertEqual(result.returncode, 1, how)
            self.assertIn(f'abandoned-send, {verdict}', result.stdout, how)
            self.assertIn('2 tasks "asks"', result.stdout, how)
        late = stranded('run', '--', program('beside_others'), 'late-answer')
        self.assertEqual(late.returncode, 0, late.stdout)
        self.assertIn('1 task may just be slow', late.stdout)

    def test_a_lost_cancel_is_told_though_its_context_has_ended(self):
        result = stranded('run', '--', program('beside_others'), 'lost-cancel')
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn('lost-cancel, proven', result.stdout)
        self.assertEqual(result.stderr, '')

    def test_a_dump_that_was_asked_for_already_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            mine, other = os.path.join(folder, 'mine-%p.strd'), os.path.join(folder, 'other.strd')
            env = {'STRANDED_OPTIONS': f'dump={mine}:record=trace'}
            leaky = os.path.join(SAMPLES, 'sample_fan_in_leaky')
            self.assertEqual(stranded('run', '--', leaky, env=env).returncode, 1)
            self.assertRegex(' '.join(os.listdir(folder)), r'^mine-\d+\.strd$')
            self.assertEqual(stranded('run', '--dump', other, '--', leaky, env=env).returncode, 1)
            self.assertEqual(len(os.listdir(folder)), 2)
            self.assertTrue(os.path.exists(other))

    def test_options_of_the_report(self):
        leaky = os.path.join(SAMPLES, 'sample_fan_in_leaky')
        self.assertIn('left out by --rule', stranded('run', '--rule', 'lock-cycle', '--', leaky).stdout)
        self.assertEqual(stranded('run', '--min-age', '2', '--absolute-paths', '--', leaky).returncode, 1)

    def test_the_programs_own_failure_is_passed_on(self):
        result = stranded('run', '--', program('forked_child'))
        self.assertEqual(result.returncode, 5, result.stderr)

    def test_signals_are_for_the_program(self):
        wait = 'trap "exit 9" {0}; echo ready; while :; do sleep 0.05; done'
        for sent, name, within in ((signal.SIGTERM, 'TERM', ()), (signal.SIGTERM, 'TERM', ('--timeout', '60')),
                                   (signal.SIGINT, 'INT', ()), (signal.SIGQUIT, 'QUIT', ())):
            command = [BIN, 'run', *within, '--', 'sh', '-c', wait.format(name)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  start_new_session=True) as process:
                self.assertEqual(process.stdout.readline(), 'ready\n')
                os.kill(process.pid, sent)
                said = process.communicate(timeout=20)[1]
            self.assertEqual(process.returncode, 9, said)

    def test_timeout(self):
        waits = stranded('run', '--timeout', '1.5', '--', program('hangs'), 'waits')
        self.assertIn('rule      cancelled-send', waits.stdout)
        self.assertNotIn('could not be read', waits.stdout)  # the stack of an OS thread never is
        result = stranded('run', '--timeout', '1.5', '--', program('hangs'))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn('cancelled-send', result.stdout)
        self.assertIn('did not end within 1.5 s', result.stderr)
        self.assertNotIn('blocked tasks', result.stderr)  # it is said once

    def test_timeout_gives_those_who_are_served_their_time(self):
        result = stranded('run', '--timeout', '2', '--', program('drains'))
        self.assertEqual(result.returncode, 124, result.stdout)
        self.assertIn('nothing is stranded', result.stdout)

    def test_no_report_over_the_program(self):
        result = stranded('run', '-o', program('drains'), '--', program('drains'))
        self.assertEqual(result.returncode, 2)
        self.assertIn("the text report would replace the program '", result.stderr)
        self.assertTrue(os.access(program('drains'), os.X_OK))

    def test_timeout_of_a_program_that_strands_nothing(self):
        result = stranded('run', '--timeout', '0.5', '--', program('stays_busy'))
        self.assertEqual(result.returncode, 124, result.stderr)
        self.assertIn('nothing is stranded', result.stdout)
        self.assertNotIn('nothing is stranded', result.stderr)

    def test_timeout_of_a_program_without_the_runtime(self):
        result = stranded('run', '--timeout', '0.2', '--', '/bin/sleep', '60')
        self.assertEqual(result.returncode, 124)
        self.assertIn('wrote none, and was killed', result.stderr)
        self.assertNotIn('was taken', result.stderr)

    def test_a_program_that_is_not_there(self):
        result = stranded('run', '--', './no-such-program')
        self.assertEqual(result.returncode, 2)
        self.assertIn('no-such-program', result.stderr)

    def test_a_program_without_the_runtime(self):
        for command in ([program('no_runtime')], ['/bin/true']):
            result = stranded('run', '--', *command)
            self.assertEqual(result.returncode, 3)
            self.assertIn('wrote no dump', result.stderr)

    def test_record_levels(self):
        for level in ('off', 'state', 'trace'):
            result = stranded('run', '--record', level, '--',
                              os.path.join(SAMPLES, 'sample_pipeline_leaky'))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn('unclosed-channel', result.stdout)

    def test_without_recording_nobody_is_named(self):
        program = os.path.join(SAMPLES, 'sample_first_answer_leaky')
        noted = stranded('run', '--record', 'state', '--', program).stdout
        self.assertIn('was to receive at', noted)
        off = stranded('run', '--record', 'off', '--', program).stdout
        self.assertIn('cancelled-send, proven', off)
        self.assertNotIn('was to receive at', off)


class BadEnds(unittest.TestCase):
    def test_the_dump_of_a_crash_is_kept_where_it_was_announced(self):
        result = stranded('run', '--', program('crash_dump'), 'abort')
        self.assertEqual(result.returncode, 134)
        self.assertIn('when the program died of SIGABRT (', result.stdout)
        path = re.search(r'dump written to (\S+)\n', result.stderr)[1]
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        self.assertIn(f'its dump is kept: {path}\n', result.stderr)
        again = stranded('report', path)
        self.assertEqual(again.stdout, result.stdout)
        gate = stranded('gate', path)
        self.assertIn(f'{path}: its program died of SIGABRT', gate.stderr)

    def test_an_exception_that_nobody_collects(self):
        result = run(program('task_throws'))
        self.assertNotEqual(result.returncode, 0)
        for text in ('"thrower"', 'task_throws.cc:', 'nobody will know'):
            self.assertIn(text, result.stderr)

    def test_stack_overflow(self):
        result = run(program('stack_overflow'))
        self.assertNotEqual(result.returncode, 0)
        if 'AddressSanitizer' in result.stderr or 'ThreadSanitizer' in result.stderr:
            return  # the sanitizer's own handler says it
        for text in ('stack overflow in task', '"deep"', 'stack_bytes'):
            self.assertIn(text, result.stderr)

    def test_the_child_of_a_fork(self):
        result = run(program('forked_child'))
        self.assertEqual(result.returncode, 5)
        self.assertIn('child of a fork', result.stderr)

    def test_out_of_stacks(self):
        result = run(program('too_many_tasks'))
        if 'Sanitizer' in result.stderr:
            return  # cannot start under a limit on addresses
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assertIn('no room for another task stack', result.stderr)
        self.assertIn('vm.max_map_count', result.stderr)

    def test_what_globals_and_atexit_stop_is_stopped_at_the_end(self):
        for how in ('', 'later'):
            alone = run(program('stopped_at_exit'), how)
            self.assertEqual((alone.returncode, alone.stderr), (0, ''), how)
            checked = stranded('run', '--', program('stopped_at_exit'), how)
            self.assertEqual(checked.returncode, 0, checked.stdout)
            self.assertIn('nothing is stranded', checked.stdout)
        leaks = run(program('stopped_at_exit'), 'leaks')
        self.assertEqual(leaks.returncode, 86)
        self.assertIn('"stays" is blocked sending', leaks.stderr)
        self.assertIn('1 finding, 1 stranded task (', leaks.stderr)

    def test_a_dead_end_that_main_dies_of(self):
        dies = stranded('run', '--', program('dead_end'))
        self.assertEqual(dies.returncode, 134)
        self.assertIn('1. nothing can run any more: all 3 tasks are blocked\n', dies.stdout)
        self.assertIn('"asks" is blocked receiving', dies.stdout)
        self.assertIn('stranded: dump written to ', dies.stderr)
        catches = stranded('run', '--', program('dead_end'), 'catches')
        self.assertEqual(catches.returncode, 1)
        self.assertIn('2 stranded tasks (3 tasks alive, 2 blocked)', catches.stdout)
        self.assertNotIn('nothing can run any more', catches.stdout)

    def test_what_goes_on_around_the_checked_main(self):
        for schedule in ('threads', 'controlled'):
            for _ in range(3):
                checked = stranded('run', '--', program('around_main'),
                                   env={'STRANDED_OPTIONS': f'schedule={schedule}'})
                self.assertEqual(checked.returncode, 0, checked.stdout)
                self.assertIn('nothing is stranded', checked.stdout)
            leaks = stranded('run', '--', program('around_main'), 'leaks',
                             env={'STRANDED_OPTIONS': f'schedule={schedule}'})
            self.assertEqual(leaks.returncode, 1)
            self.assertIn('1 finding, 1 stranded task (', leaks.stdout)

    def test_check_at_exit(self):
        result = run(program('check_at_exit'))
        self.assertEqual(result.returncode, 86)
        self.assertIn('cancelled-send', result.stderr)

    def test_threads_that_are_no_tasks(self):
        def controlled(how, wait_ms):
            options = f'schedule=controlled:outside_ms={wait_ms}'
            return run(program('slow_thread'), how, env={'STRANDED_OPTIONS': options})
        self.assertEqual(controlled('late', 60000).returncode, 0)
        self.assertEqual(controlled('late', 0).returncode, 86)
        leak = controlled('leak', 10)
        self.assertEqual(leak.returncode, 86)
        self.assertIn('abandoned-recv, predicted', leak.stderr)
        self.assertIn('1 thread that is no task of this world was alive', leak.stderr)
        never, unjoined = controlled('never', 10), controlled('unjoined', 10)
        self.assertEqual(never.returncode, 86)
        self.assertEqual(unjoined.returncode, -signal.SIGABRT)
        for result in (never, unjoined):
            self.assertIn('global-deadlock, predicted', result.stderr)
            self.assertIn('1 thread that is no task of this world was alive', result.stderr)
        self.assertIn('terminate called', unjoined.stderr)

    def test_a_colon_in_a_path(self):
        with tempfile.TemporaryDirectory(suffix=':x') as out:
            kept = os.path.join(out, 'a:b\\.strd')
            leaky = os.path.join(SAMPLES, 'sample_first_answer_leaky')
            result = stranded('run', '--dump', kept, '--', leaky, env={'TMPDIR': out})
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(os.listdir(out), ['a:b\\.strd'])
            self.assertEqual(stranded('explore', '--schedules', '2', '--', leaky, env={'TMPDIR': out}).returncode, 1)

    def test_a_dump_that_cannot_be_written_is_named(self):
        result = run(program('check_at_exit'), env={'STRANDED_OPTIONS': 'dump=/nowhere/at/all.strd'})
        self.assertIn('/nowhere/at/all.strd', result.stderr)

    def test_options_that_are_not_understood_are_named(self):
        result = run(program('check_at_exit'), env={'STRANDED_OPTIONS': 'zeal=9:dmp=x:grace=3:record=trcae:seed=x'})
        for said in ("unknown key 'zeal'; accepted: dump, record", "unknown key 'dmp'; did you mean 'dump'?",
                     "'grace'; did you mean 'grace_ms'?", "record accepts off, state, trace, not 'trcae'"):
            self.assertIn(said, result.stderr)
        self.assertIn('seed needs a number', result.stderr)

    def test_options_out_of_range_are_named_and_left_as_they_were(self):
        bad = 'exitcode=256:exitcode=-1:workers=0:grace_ms=-5:ring=0:runs=99999999999999999999'
        result = run(program('check_at_exit'), env={'STRANDED_OPTIONS': bad})
        for said in ("exitcode needs a number from 0 to 255, not '256'", "not '-1'",
                     "workers needs a number from 1 to 1024, not '0'",
                     "grace_ms needs a number of 0 or more, not '-5'", "ring needs a number of 1 or more, not '0'",
                     "runs needs a number from 1 to 2147483647, not '99999999999999999999'"):
            self.assertIn(said, result.stderr)
        self.assertEqual(result.returncode, 86, result.stderr)


if __name__ == '__main__':
    unittest.main()
