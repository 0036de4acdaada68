#!/usr/bin/env python3
"""Test binaries under stranded::gtest_main. The negative control of the whole suite: a planted leak
must make a test fail, or the gate itself is broken."""
import os
import re
import unittest

from support import PROGRAMS, run, stranded

BINARY = os.path.join(PROGRAMS, 'leaky_gtest')
MUST_FAIL = {'Leaks', 'FailsByItselfAndLeaks', 'AnExpectedLeakThatDoesNotComeFails', 'DeadEnd',
             'LeaksInAPool', 'AnExpectedDeadEndIsAnExceptionLikeOthers', 'ARuleThatThereIsNot',
             'ADeadEndThatDoesNotCome', 'ToIgnoreWhatHasNoName', 'FailsInATaskThatItLeavesRunning', 'LeaksAlike'}


class Glue(unittest.TestCase):
    def check(self, options):
        result = run(BINARY, env={'STRANDED_OPTIONS': options})
        self.assertEqual(result.returncode, 1, result.stdout)
        failed = set(re.findall(r'^\[  FAILED  \] (?:Planted|Expects)\.(\w+) \(', result.stdout, re.M))
        self.assertEqual(failed, MUST_FAIL, result.stdout)
        passed = set(re.findall(r'^\[       OK \] Planted\.(\w+)', result.stdout, re.M))
        self.assertIn('TheNextTestPasses', passed)
        self.assertIn('TheTestAfterADeadEndPasses', passed)
        self.assertIn("ExpectLeak: there is no rule 'no-such-rule'", result.stdout)
        return result.stdout

    def test_controlled(self):
        for seed in (1, 2, 3, 50):
            self.check(f'seed={seed}')

    def test_real_threads(self):
        for workers in (1, 2, 4):
            text = self.check(f'schedule=threads:workers={workers}')
            # What the tests before left behind is not this one's.
            dead = self.part(text, 'DeadEnd')
            self.assertIn('nothing can run any more: all 2 tasks are blocked', dead)
            self.assertIn('Of what ran before, 5 tasks are blocked, too', dead)
            self.assertIn('abandoned-recv', self.part(text, 'LeaksInAPool'))

    def test_the_dump_tells_what_tests_expect(self):
        dump = os.path.join(PROGRAMS, 'expected.strd')
        def left(filter, code, schedule):
            options = f'dump={dump}:schedule={schedule}'
            result = run(BINARY, f'--gtest_filter={filter}', env={'STRANDED_OPTIONS': options})
            self.assertEqual(result.returncode, code, result.stdout)
            return stranded('gate', dump)
        for schedule in ('controlled', 'threads:workers=2'):
            gate = left('Planted.An*LeakPasses:*LeakScopes*', 0, schedule)
            self.assertEqual(gate.returncode, 0, gate.stdout)
            self.assertIn('passed: 0 findings', gate.stdout)
            self.assertIn('; 3 tasks stranded as tests expect', gate.stdout)
            gate = left('Planted.An*LeakPasses:Planted.Leaks', 1, schedule)
            self.assertEqual(gate.returncode, 1, gate.stdout)
            self.assertIn('1 finding, 1 stranded task, 2 tasks as expected', gate.stdout)

    def test_the_dump_compares_times_of_one_clock(self):
        dump = os.path.join(PROGRAMS, 'clocks.strd')
        run(BINARY, '--gtest_filter=Planted.Leaks', env={'STRANDED_OPTIONS': f'dump={dump}'})
        for command in (('report', dump), ('tasks', dump), ('tree', dump), ('show', dump, 'finding:1')):
            result = stranded(*command)
            self.assertNotRegex(result.stdout, r'\d{3,}h', command)
        self.assertIn('cancelled just now', stranded('report', dump).stdout)

    def part(self, text, name):
        return text.split(f'[ RUN      ] Planted.{name}\n')[1].split('[ RUN ')[0]

    def test_the_report_stands_with_its_test(self):
        text = self.check('seed=1')
        leak = self.part(text, 'Leaks')
        self.assertIn('rule      cancelled-send, proven', leak)
        self.assertIn('leaky_gtest.cc:', leak)
        self.assertIn('STRANDED_OPTIONS=seed=1', leak)
        both = self.part(text, 'FailsByItselfAndLeaks')
        self.assertIn('its own failure', both)
        self.assertIn('cancelled-send', both)
        dead = self.part(text, 'DeadEnd')
        self.assertIn('nothing can run any more: all 2 tasks are blocked', dead)
        self.assertIn('"locker" is blocked locking a mutex', dead)
        self.assertIn('receiving from a channel', dead)
        handled = self.part(text, 'AnExpectedDeadEndIsAnExceptionLikeOthers')
        self.assertEqual(handled.count(': Failure'), 1, handled)
        self.assertIn('the end of the test', handled)

    def test_the_command_that_runs_it_again_can_be_pasted(self):
        for typed in ('./leaky_gtest', BINARY):
            first = run(typed, '--gtest_filter=Planted.Leaks', cwd=PROGRAMS, env={'STRANDED_OPTIONS': 'seed=7'})
            command = re.search(r'^run it again: (.*)$', first.stdout, re.M).group(1)
            self.assertEqual(command, 'STRANDED_OPTIONS=seed=7 ./leaky_gtest --gtest_filter=Planted.Leaks')
            again = run('sh', '-c', command, cwd=PROGRAMS)
            self.assertIn('[  FAILED  ] Planted.Leaks', again.stdout)

    # First of all: the runtime's own threads start at that moment, too.
    def test_a_world_waits_for_a_thread_outside(self):
        for seed in range(1, 21):
            result = run(BINARY, '--gtest_filter=Outside.*', env={'STRANDED_OPTIONS': f'seed={seed}'})
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_a_world_that_stands_still_says_who_keeps_its_thread(self):
        stalls = os.path.join(PROGRAMS, 'stalls_gtest')
        result = run(stalls, '--gtest_filter=*WaitIsNamed', env={'STRANDED_OPTIONS': 'stall_s=1'})
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(result.stderr.count('has stood still for 1 s'), 1, result.stderr)
        self.assertRegex(result.stderr, r'task \d+ "waits" waits for something .* after its operation '
                                        r'at tests/programs/stalls_gtest.cc:24')
        region = run(stalls, '--gtest_filter=*ByItsPlace', env={'STRANDED_OPTIONS': 'stall_s=1'})
        self.assertRegex(region.stderr, r'task \d+ "reads" waits in the BlockingRegion '
                                        r'at tests/programs/stalls_gtest.cc:34')
        busy = run(stalls, '--gtest_filter=*PollerIsNamed', env={'STRANDED_OPTIONS': 'stall_s=1'})
        self.assertEqual(busy.stderr.count('has stood still for 3 s'), 1, busy.stderr)
        self.assertRegex(busy.stderr, r'task \d+ "polls" is busy and does nothing the scheduler sees, '
                                      r'after its operation at tests/programs/stalls_gtest.cc:54')
        for options, name in (('stall_s=1', 'ComputingIsNone'), ('stall_s=0', 'AForeignWaitIsNamed')):
            quiet = run(stalls, f'--gtest_filter=*{name}', env={'STRANDED_OPTIONS': options})
            self.assertEqual((quiet.returncode, quiet.stderr), (0, ''), quiet.stdout)

    def test_the_xml_holds_the_report(self):
        path = os.path.join(PROGRAMS, 'leaky.xml')
        run(BINARY, '--gtest_filter=Planted.Leaks', f'--gtest_output=xml:{path}')
        with open(path, encoding='utf-8') as file:
            self.assertIn('cancelled-send', file.read())

    def test_the_same_seed_gives_the_same_output(self):
        def output():
            result = run(BINARY, '--gtest_print_time=0', env={'STRANDED_OPTIONS': 'seed=9'})
            text = re.sub(r'\(\d+ ms total\)', '', result.stdout)
            pool = self.part(text, 'LeaksInAPool')  # real threads, real time
            return text.replace(pool, re.sub(r', for [0-9.]+[mu]?s\n', '\n', pool))
        self.assertEqual(output(), output())


if __name__ == '__main__':
    unittest.main()
