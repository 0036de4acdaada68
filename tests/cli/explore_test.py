#!/usr/bin/env python3
"""`stranded explore` and `stranded fix`, as their users run them."""
import contextlib
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support import BIN, PROGRAMS, SAMPLES, SOURCE, line_of, run, stranded

FLAKY = os.path.join(SAMPLES, 'sample_flaky_leak_leaky')
TESTS = os.path.join(PROGRAMS, 'leaky_gtest')


class Explore(unittest.TestCase):
    def test_a_rare_leak_is_found_and_replayed(self):
        found = stranded('explore', '--first', '--steps', '--', FLAKY)
        self.assertEqual(found.returncode, 1, found.stderr)
        self.assertIn('cancelled-send', found.stdout)
        self.assertIn('time passes for 4ms while tasks are ready', found.stdout)
        schedule = re.search(r'--replay (\S+) --', found.stdout)[1]
        for _ in range(10):
            again = stranded('explore', '--replay', schedule, '--', FLAKY)
            self.assertEqual(again.returncode, 1)
            self.assertIn('cancelled-send', again.stdout)
            self.assertNotIn('changes it was given', again.stdout)
        other = stranded('explore', '--replay', f'{schedule},9.9t9', '--', FLAKY)
        self.assertRegex(other.stdout, r'replay met (\d+) of the \d+ changes it was given')
        send = line_of('samples/flaky_leak/leaky.cc', 'answers.Send')
        # The steps name each task as the replay text does, and as the report does.
        numbers = set(re.findall(r'\b(\d+)\.\d+[tcf]', schedule))
        self.assertTrue(numbers)
        for number in numbers:
            self.assertRegex(found.stdout, rf'\bt{number} = task \d+ "')
        self.assertRegex(found.stdout, r'\bt0 = task \d+ "main"')
        named = dict(re.findall(r'\bt(\d+) = (task \d+ ".*?")', found.stdout))
        stranded_task = re.search(r'^1\. (task \d+ ".*?") is blocked', found.stdout, re.M)[1]
        canceller = re.search(r'cancelled .* by (task \d+ ".*?") at', found.stdout)[1]
        self.assertLessEqual({stranded_task, canceller}, set(named.values()))
        self.assertRegex(found.stdout, rf'blocks: send +{re.escape(send)} +answers.Send\(answer\);')

    def test_the_fixed_twin_is_clean(self):
        fixed = os.path.join(SAMPLES, 'sample_flaky_leak_fixed')
        result = stranded('explore', '--schedules', '2000', '--', fixed)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r'2000 schedules .*, 1 end')

    def test_each_test_of_a_binary_by_itself(self):
        result = stranded('explore', '--schedules', '20', '--', TESTS)
        self.assertEqual(result.returncode, 1)
        heads = dict(re.findall(r'^(Planted\.\w+): .*\n +\d+ x (\w+)', result.stdout, re.M))
        self.assertEqual(heads['Planted.Leaks'], '1')
        for clean in ('TheNextTestPasses', 'AnExpectedLeakPasses', 'AnIgnoredLeakPasses'):
            self.assertEqual(heads['Planted.' + clean], 'clean')

    def test_what_a_test_expects_must_come(self):
        for name, said in (
                ('Planted.AnExpectedLeakThatDoesNotComeFails', 'expected a finding of lost-cancel, found 0'),
                ('Expects.ADeadEndThatDoesNotCome', 'expected a dead end, but the test came to its end'),
                ('Planted.FailsInATaskThatItLeavesRunning',
                 'Expected equality of these values: "late" "in time"'),
                ('Expects.ARuleThatThereIsNot', 'the test fails at tests/programs/leaky_gtest.cc:')):
            result = stranded('explore', '--schedules', '20', '--test', name, '--', TESTS)
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn('20 x the test', result.stdout)
            self.assertIn(said, result.stdout)
        met = stranded('explore', '--schedules', '20', '--test', 'Timers.*', '--', TESTS)
        self.assertEqual(met.returncode, 0, met.stdout)

    def test_a_crash_names_its_signal_and_its_schedule(self):
        program = os.path.join(PROGRAMS, 'rare_abort')
        found = stranded('explore', '--', program)
        self.assertEqual(found.returncode, 1)
        self.assertIn('ended by signal 6 (Aborted) while it explored rare_abort, in schedule ',
                      found.stderr)
        schedule = re.search(r'--replay (\S+) --', found.stderr)[1]
        again = stranded('explore', '--replay', schedule, '--', program)
        self.assertIn('while it explored rare_abort, in schedule 1\n', again.stderr)
        self.assertEqual(stranded('explore', '--replay', '-', '--', program).returncode, 0)

    def test_a_test_that_ends_the_program_is_named_and_the_others_are_explored(self):
        program = os.path.join(PROGRAMS, 'ends_gtest')
        found = stranded('explore', '--schedules', '100', '--', program)
        self.assertEqual(found.returncode, 1)
        self.assertIn('Ends.Leaks: 100 schedules', found.stdout)
        self.assertIn('abandoned-send', found.stdout)
        self.assertRegex(found.stdout, r'Ends.Not: 100 schedules .*\n *100 x clean')
        self.assertIn('the program ended itself (exit 7) while it explored Ends.ByExit, in schedule 1\n',
                      found.stderr)
        self.assertIn('signal 6 (Aborted) while it explored Ends.BySignal, in schedule ',
                      found.stderr)
        for replay in re.findall(r'replay: stranded (.*)', found.stderr):
            again = stranded(*shlex.split(replay))
            self.assertEqual((again.returncode, again.stdout), (1, ''), replay)
            self.assertIn('in schedule 1\n', again.stderr)
        fixed = stranded('fix', '--schedules', '20', '--verify', '20', '--test', 'Ends.*-*.By*',
                         '--', program)
        self.assertIn('capacity', fixed.stdout)
        alone = stranded('explore', '--', program, '--gtest_filter=Ends.ByExit')
        self.assertEqual((alone.returncode, alone.stdout), (1, ''))

    def test_a_program_that_dies_before_it_explores(self):
        died = stranded('explore', '--', 'sh', '-c', 'kill -9 $$')
        self.assertEqual(died.returncode, 1)
        self.assertIn('ended by signal 9 (Killed), before any exploration\n', died.stderr)

    def test_a_hang_is_ended_beyond_the_time_and_names_its_schedule(self):
        program = os.path.join(PROGRAMS, 'rare_abort')
        soon = {'STRANDED_OPTIONS': 'stall_s=1'}
        found = stranded('explore', '--time', '1', '--', program, 'hang', env=soon)
        self.assertEqual(found.returncode, 1)
        self.assertIn('stood still for 1 s: task 1 "main" waits', found.stderr)
        self.assertRegex(found.stderr, r'ended after 2 s without a step, beyond --time: the program '
                                       r'hung while it explored rare_abort, in schedule \d+\n')
        replay = shlex.split(re.search(r'replay: stranded (.*)', found.stderr)[1])
        self.assertEqual(replay[-3:], ['--', program, 'hang'])
        again = stranded(*replay[:-3], '--time', '1', *replay[-3:], env=soon)
        self.assertIn('hung while it explored rare_abort, in schedule 1\n', again.stderr)

    def test_a_program_that_a_script_started_ends_with_the_command(self):
        with tempfile.TemporaryDirectory() as folder:
            script, ids = os.path.join(folder, 'script'), os.path.join(folder, 'ids')
            with open(script, 'w', encoding='utf-8') as file:
                file.write(f'#!/bin/sh\n{FLAKY} & echo $! > {ids}.new; mv {ids}.new {ids}; wait\n')
            os.chmod(script, 0o755)
            explorer = subprocess.Popen([BIN, 'explore', '--schedules', '1000000000', '--', script],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not os.path.exists(ids):
                time.sleep(0.01)
            with open(ids, encoding='utf-8') as file:
                program = os.pidfd_open(int(file.read()))
            explorer.kill()
            explorer.wait()
            try:
                self.assertTrue(select.select([program], [], [], 10)[0], 'it goes on')
            finally:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(program, signal.SIGKILL)
                os.close(program)

    def test_the_replay_is_the_command(self):
        text = stranded('explore', '--schedules', '20', '--', TESTS).stdout
        replay = re.search(r'Planted.Leaks: .*?  replay: (stranded .*?)\n', text, re.S)[1]
        self.assertTrue(replay.endswith(f' --test Planted.Leaks -- {TESTS}'), replay)
        self.assertEqual(stranded(*shlex.split(replay)[1:]).returncode, 1)
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "it's mine")
            shutil.copy(FLAKY, program)
            text = stranded('explore', '--first', '--', program, 'a b').stdout
            replay = shlex.split(re.search(r'  replay: (.*)', text)[1])
            self.assertEqual(replay[-3:], ['--', program, 'a b'])

    def test_a_filter_for_a_program_without_tests(self):
        for command in ('explore', 'fix'):
            result = stranded(command, '--schedules', '5', '--test', 'Foo.*', '--', FLAKY)
            self.assertEqual((result.returncode, result.stdout), (3, ''))
            self.assertIn('has no tests, so --test chooses none', result.stderr)

    def test_a_filter_that_no_test_matches(self):
        for place in (['--test', 'Planted.Nope', '--', TESTS],
                      ['--', TESTS, '--gtest_filter=Planted.Nope']):
            result = stranded('explore', *place)
            self.assertEqual(result.returncode, 3)
            self.assertRegex(result.stderr, r"none of the \d+ tests of '.*' matches the filter "
                                            r"'Planted.Nope'")
            self.assertNotIn('must link', result.stderr)

    def test_one_test_as_json(self):
        result = stranded('explore', '--schedules', '20', '--test', 'Planted.Leaks', '--format',
                          'json', '--', TESTS)
        report = json.loads(result.stdout)
        self.assertEqual(report['name'], 'Planted.Leaks')
        text = stranded('explore', '--schedules', '20', '--test', 'Planted.Leaks', '--', TESTS).stdout
        self.assertIn(report['report'], text)
        finding = report['outcomes'][0]['findings'][0]
        self.assertEqual(finding['rule'], 'cancelled-send')
        # The same facts as in a report on a dump.
        self.assertEqual((len(finding['tasks']), finding['task_name'], finding['wait']), (1, 'stranded', 'send'))
        self.assertGreater(finding['wait_site']['column'], 0)
        self.assertEqual(finding['channel']['element_type'], 'int')
        for fact in ('contexts', 'ancestry', 'stack', 'context_site'):
            self.assertTrue(finding[fact], fact)

    def test_exhaustive_search_says_what_it_covered(self):
        result = stranded('explore', '--policy', 'exhaustive', '--test', 'Planted.TheNextTestPasses',
                          '--', TESTS)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn('search complete: all schedules with at most 2 preemptions', result.stdout)
        one = stranded('explore', '--policy', 'exhaustive', '--preemptions', '1', '--test',
                       'Planted.TheNextTestPasses', '--', TESTS)
        self.assertIn('all schedules with at most 1 preemption (', one.stdout)

    def test_evidence_as_json(self):
        result = stranded('fix', '--first', '--verify', '50', '--format', 'json', '--', FLAKY)
        self.assertEqual(result.returncode, 1, result.stderr)
        search = json.loads(result.stdout)
        self.assertTrue(search['verified'])
        self.assertEqual(search['fixes'][0]['kind'], 'raise-capacity')
        self.assertIn('verified: the failing schedule and 50 others',
                      search['fixes'][0]['verification'])
        self.assertEqual(search['trials'][0]['status'], 'verified')
        finding = search['exploration']['outcomes'][search['exploration']['first_bad']]['findings'][0]
        self.assertIn('verified: ', finding['fixes'][0]['verification'])

    def test_programs_that_do_not_explore(self):
        for command in ([os.path.join(PROGRAMS, 'no_runtime')], ['/bin/true']):
            result = stranded('explore', '--', *command)
            self.assertEqual(result.returncode, 3)
            self.assertIn('explored nothing', result.stderr)
        missing = stranded('explore', '--', './no-such-program')
        self.assertEqual(missing.returncode, 2)
        self.assertEqual(missing.stderr, "stranded: cannot run './no-such-program': No such file or directory\n")

    def test_a_patch_for_no_place(self):
        file, line = line_of('samples/flaky_leak/leaky.cc', 'Chan<std::string> answers').split(':')
        for patch, said in ((f'capacity(2)@{file}#{line}', ''),
                            (f'capacity(2)@{file}:{line}', ''),
                            (f'capacity(2)@{file}#1', 'no channel was made there'),
                            (f'context@{file}#{line}', 'nothing was ever stuck there')):
            result = stranded('explore', '--schedules', '50', '--patch', patch, '--', FLAKY)
            told = f'stranded: --patch {patch} met nothing: {said}\n' if said else ''
            self.assertEqual(result.stderr, told)
            if said:
                self.assertIn(f"stranded explore --patch '{patch}' --replay ", result.stdout)
        # Not of every test that does not come there.
        line = line_of('tests/programs/leaky_gtest.cc', 'Chan<int> answers').split(':')[1]
        patch = f'capacity(1)@leaky_gtest.cc#{line}'
        result = stranded('explore', '--schedules', '2', '--patch', patch, '--', TESTS)
        self.assertNotIn('met nothing', result.stderr)

    def test_times(self):
        for delay in ('4', '4ms', '4000us'):
            result = stranded('explore', '--first', '--delay', delay, '--', FLAKY)
            self.assertEqual(result.returncode, 1, result.stderr)
        for delay in ('-1', 'soon', 'inf', '-1s'):
            result = stranded('explore', '--delay', delay, '--', FLAKY)
            self.assertEqual(result.returncode, 2)
            self.assertIn('is no time', result.stderr)

    def test_a_search_that_time_ends_says_so(self):
        result = stranded('explore', '--schedules', '100000000', '--time', '0.5', '--',
                          os.path.join(SAMPLES, 'sample_flaky_leak_fixed'))
        self.assertEqual(result.returncode, 0)
        self.assertIn('the time for this search was over', result.stdout)
        self.assertNotIn('was over', stranded('explore', '--schedules', '5', '--time', '50', '--', FLAKY).stdout)

    def test_wrong_flags(self):
        for flags in (['--policy', 'best'], ['--schedules', '0'], ['--replay', 'nonsense'],
                      ['--patch', 'capacity@x']):
            for program in (FLAKY, TESTS):
                result = stranded('explore', *flags, '--', program)
                self.assertEqual(result.returncode, 2, (flags, result.stdout, result.stderr))


class Fix(unittest.TestCase):
    def test_the_fix_is_proven_and_applied(self):
        with tempfile.TemporaryDirectory() as root:
            for name in ('leaky', 'fixed'):
                path = os.path.join(root, f'samples/flaky_leak/{name}.cc')
                os.makedirs(os.path.dirname(path), exist_ok=True)
                shutil.copy(os.path.join(SOURCE, f'samples/flaky_leak/{name}.cc'), path)
            result = stranded('fix', '--apply', '--root', root, '--', FLAKY)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertIn('verified: Give the channel room for 2 values', result.stdout)
            self.assertIn('the failing schedule and 1000 others leave nothing behind', result.stdout)
            with open(os.path.join(root, 'samples/flaky_leak/leaky.cc'), encoding='utf-8') as file:
                self.assertIn('Chan<std::string> answers(2);', file.read())
            # A second time the file is no longer as the program was built from it.
            again = stranded('fix', '--apply', '--root', root, '--', FLAKY)
            self.assertEqual(again.returncode, 1)
            self.assertIn('leaky.cc is newer than the program', again.stdout)
            self.assertNotIn('--- a/', again.stdout)

    # Two tests share the helper that leaks; what is verified first has no diff, another edit has.
    def test_an_edit_that_several_tests_need_is_made_once(self):
        name = 'tests/programs/leaky_gtest.cc'
        with tempfile.TemporaryDirectory() as root:
            copy = os.path.join(root, name)
            os.makedirs(os.path.dirname(copy))
            shutil.copy2(os.path.join(SOURCE, name), copy)
            flags = ('--apply', '--root', root, '--verify', '50', '--test', 'Planted.Leaks:Planted.LeaksAlike')
            result = stranded('fix', *flags, '--', TESTS)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertEqual(result.stdout.count('Or this one, verified as well'), 2, result.stdout)
            self.assertEqual(result.stdout.count('applied: '), 1, result.stdout)
            with open(copy, encoding='utf-8') as file:
                edited = file.read()
            self.assertIn('Chan<int> answers(1);', edited)
            # Nor a second one on top of it, by whatever way the program is started.
            script = os.path.join(root, 'script')
            with open(script, 'w', encoding='utf-8') as file:
                file.write(f'#!/bin/sh\nexec {TESTS} "$@"\n')
            os.chmod(script, 0o755)
            for program in (TESTS, script):
                again = stranded('fix', *flags, '--', program)
                self.assertEqual(again.returncode, 1, again.stdout)
                self.assertNotIn('Or this one', again.stdout)
                with open(copy, encoding='utf-8') as file:
                    self.assertEqual(file.read(), edited)

    def test_sources_elsewhere_are_found_and_edited(self):
        program = os.path.join(PROGRAMS, 'elsewhere')
        project = program + '_project'
        shutil.rmtree(project, ignore_errors=True)
        os.makedirs(os.path.join(project, '.git'))
        os.makedirs(os.path.join(project, 'sub'))
        copy = os.path.join(project, 'elsewhere.cc')
        shutil.copy2(os.path.join(SOURCE, 'tests/programs/elsewhere.cc'), copy)
        result = stranded('fix', '--apply', '--verify', '50', '--', program, cwd=os.path.join(project, 'sub'))
        self.assertIn('--- a/elsewhere.cc', result.stdout)
        self.assertIn('applied: elsewhere.cc', result.stdout)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        with open(copy, encoding='utf-8') as file:
            self.assertIn('answers(1);', file.read())
        found = stranded('explore', '--schedules', '5', '--format', 'json', '--', program, cwd=project)
        self.assertNotIn(project, found.stdout)

    def test_a_root_that_is_not_there(self):
        result = stranded('fix', '--root', '/nonexistent', '--', FLAKY)
        self.assertEqual(result.returncode, 2)
        self.assertIn('--root: Directory does not exist: /nonexistent', result.stderr)

    def test_the_output_is_a_patch(self):
        with tempfile.TemporaryDirectory() as root:
            shutil.copytree(os.path.join(SOURCE, 'samples'), os.path.join(root, 'samples'))
            result = stranded('fix', '--', FLAKY)
            self.assertEqual(result.stdout.count('--- a/'), 1, result.stdout)
            self.assertNotIn('\n\n\n', result.stdout)
            applied = run('git', 'apply', stdin=result.stdout, cwd=root)
            self.assertEqual(applied.returncode, 0, applied.stderr)
            with open(os.path.join(root, 'samples/flaky_leak/leaky.cc'), encoding='utf-8') as file:
                self.assertIn('Chan<std::string> answers(2);', file.read())

    def test_why_there_is_no_diff(self):
        with tempfile.TemporaryDirectory() as root:
            flags = ('--first', '--verify', '50', '--apply')
            result = stranded('fix', *flags, '--', FLAKY, cwd=root)
            self.assertIn('No diff: samples/flaky_leak/leaky.cc is not below this folder', result.stdout)
            result = stranded('fix', *flags, '--root', root, '--', FLAKY)
            self.assertIn(f'No diff: samples/flaky_leak/leaky.cc was not found below {root}.', result.stdout)
            copy = os.path.join(root, 'samples/flaky_leak/leaky.cc')
            os.makedirs(os.path.dirname(copy))
            shutil.copy(os.path.join(SOURCE, 'samples/flaky_leak/leaky.cc'), copy)
            program = os.path.join(root, 'program')
            shutil.copy(FLAKY, program)
            os.utime(program, (1, 1))
            # It is what stands there: the line has its edit already.
            applied = stranded('fix', *flags, '--', FLAKY, cwd=root)
            self.assertIn('applied: samples/flaky_leak/leaky.cc', applied.stdout)
            os.utime(copy, (2, 2))
            again = stranded('fix', *flags, '--', program, cwd=root)
            self.assertEqual(again.returncode, 1, again.stdout)
            self.assertIn('No diff: samples/flaky_leak/leaky.cc is newer than the program, and may '
                          'have the edit already: build the program again.', again.stdout)
            self.assertNotIn('--- a/', again.stdout)
            self.assertIn('not applied (no diff)', again.stdout)

    # To return from a helper does not end its task: an edit of the helper alone would be another leak.
    def test_a_helper_is_not_edited(self):
        name = 'tests/programs/helper_gtest.cc'
        program = os.path.join(PROGRAMS, 'helper_gtest')
        with tempfile.TemporaryDirectory() as root:
            copy = os.path.join(root, name)
            os.makedirs(os.path.dirname(copy))
            shutil.copy2(os.path.join(SOURCE, name), copy)
            with open(copy, encoding='utf-8') as file:
                text = file.read()
            flags = ('--apply', '--root', root, '--verify', '50', '--test')
            for test in ('Helper.IsCalledInALoop', 'Helper.IsALambda'):
                result = stranded('fix', *flags, test, '--', program)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn('its callers must stop, too', result.stdout)
                self.assertNotIn('--- a/', result.stdout)
                with open(copy, encoding='utf-8') as file:
                    self.assertEqual(file.read(), text)
            result = stranded('fix', *flags, 'Helper.IsNotNeeded', '--', program)
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertNotIn('its callers', result.stdout)
            with open(copy, encoding='utf-8') as file:
                self.assertEqual(file.read(), text.replace(
                    'out.Send(i);',
                    'if (!out.Send(stranded::this_task::GetContext(), i).ok()) return;'))

    def test_nothing_to_fix(self):
        fixed = os.path.join(SAMPLES, 'sample_flaky_leak_fixed')
        result = stranded('fix', '--schedules', '100', '--', fixed)
        self.assertEqual(result.returncode, 0)
        self.assertIn('nothing is stranded in 100 schedules', result.stdout)

    def test_a_failure_that_is_no_leak(self):
        name = 'Planted.AnExpectedDeadEndIsAnExceptionLikeOthers'
        result = stranded('fix', '--first', '--test', name, '--', TESTS)
        self.assertEqual(result.returncode, 1)
        self.assertIn('No task is stranded: there is no fix to try.', result.stdout)
        self.assertNotIn('Trying', result.stdout)
        self.assertNotIn('\n\n\n', result.stdout)

    def test_every_sample_gets_a_verified_fix(self):
        expected = {
            'first_answer': 'Give the channel room for 4 values',
            'nested_contexts': 'Give the channel room for 1 value',
            'pipeline': 'Call Close() on the channel',
            'worker_pool': 'Call Close() on the channel',
            'lost_cancel': 'Cancel the context',
            'lock_across_send': 'Unlock what is locked',
            'fan_in': 'Give the channel room for 5 values',
            'retry_loop': 'wait in a Select on After(d) and OnDone(ctx)',
        }
        for name, fix in expected.items():
            with self.subTest(name):
                result = stranded('fix', '--schedules', '100', '--verify', '200', '--',
                                  os.path.join(SAMPLES, f'sample_{name}_leaky'))
                self.assertRegex(result.stdout, r'(?m)^  verified: .*' + re.escape(fix))


if __name__ == '__main__':
    unittest.main()
