#!/usr/bin/env python3
"""The list of tasks, and the pages that lead from a task to what it waits for and back."""
import os
import re
import shlex
import unittest

from support import WithDumps, sample, stranded

GO = 'tests/go_dumps/mixed.debug2.txt'


def rows(*args):
    """The lines of the table as dictionaries."""
    lines = stranded('tasks', *args, env={'COLUMNS': ''}).stdout.splitlines()
    heads = [(m.group(), m.start(), m.end()) for m in re.finditer(r'\S+( AT)?', lines[0])]
    return [line for line in lines[1:]], [head[0] for head in heads]


def ids(*args):
    return [int(line.split()[0]) for line in rows(*args)[0]]


class Tasks(WithDumps):
    def test_filters(self):
        self.assertEqual(ids(self.leaky), [1, 2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--state', 'blocked'), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--rule', 'cancelled-send'), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--rule', 'lock-cycle'), [])
        self.assertEqual(ids(self.leaky, '--stranded'), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--site', 'leaky.cc:36'), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--site', 'nowhere'), [])
        self.assertEqual(ids(self.leaky, '--min-age', '0.0075'), [2, 3])
        self.assertEqual(ids(self.leaky, '--min-age', '7500us'), [2, 3])
        for endless in ('inf', '1e400', 'nan'):
            self.assertEqual(stranded('tasks', self.leaky, '--min-age', endless).returncode, 2, endless)
        self.assertEqual(ids(self.leaky, '--min-age', '1e300'), [])
        wrong = stranded('tasks', self.leaky, '--min-age', 'soon')
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'soon' is no time: give seconds, or a duration such as 500ms", wrong.stderr)
        self.assertEqual(ids(self.leaky, '--channel', '1'), [2, 3, 4, 5])
        for kind in ('context', 'channel'):
            none = stranded('tasks', self.leaky, f'--{kind}', '99')
            self.assertEqual((none.returncode, none.stdout), (2, ''))
            self.assertIn(f'there is no {kind} 99 in ', none.stderr)

    def test_tasks_are_left_out(self):
        self.assertEqual(ids(self.leaky, '--ignore', 'leaky.cc:36'), [1])
        self.assertEqual(ids(self.leaky, '--ignore', 'AskAll'), [])  # in functions, too
        self.assertEqual(ids(self.leaky, '--ignore', 'nowhere'), [1, 2, 3, 4, 5])

    def test_lines_fit_a_narrow_terminal(self):
        for columns in (30, 40, 52, 80):
            text = stranded('tasks', self.leaky, env={'COLUMNS': str(columns)}).stdout
            self.assertLessEqual(max(map(len, text.splitlines())), columns, text)
            self.assertRegex(text, r'(?m)^ +2 ')

    def test_a_context_has_the_tasks_below_it(self):
        context = {int(line.split()[0]): int(line.split()[1])
                   for line in rows(self.leaky, '--columns', 'id,context')[0]}
        self.assertEqual(ids(self.leaky, '--context', str(context[2])), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--context', str(context[1])), [1, 2, 3, 4, 5])

    def test_a_context_by_the_name_that_show_uses(self):
        self.assertEqual(ids(self.leaky, '--context', 'context:1'), ids(self.leaky, '--context', '1'))
        wrong = stranded('tasks', self.leaky, '--channel', 'context:1')
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'context:1' is no channel; give its number, or channel:N", wrong.stderr)

    def test_paths_are_those_of_the_report(self):
        app = os.path.realpath(self.path('app'))
        os.makedirs(app)
        go = self.path('go.txt')
        with open(go, 'w', encoding='utf-8') as file:
            file.write(f'goroutine 7 [chan send (nil chan), 9 minutes]:\nmain.f(...)\n\t{app}/x/f.go:3 +0x1\n')
        for command in (('tasks', go), ('tree', go), ('show', go, '7'), ('show', go, 'finding:1')):
            for options, shown in (((), ' f.go:3'), (('--source-root', app), ' x/f.go:3'),
                                   (('--absolute-paths',), f' {app}/x/f.go:3')):
                self.assertIn(shown, stranded(*command, *options).stdout)

    def test_a_source_root_that_is_not_there_is_named(self):
        result = stranded('tasks', self.leaky, '--source-root', '/nonexistent')
        self.assertEqual(result.returncode, 0)
        self.assertIn("--source-root: there is no folder '/nonexistent' here", result.stderr)

    def test_sorting(self):
        self.assertEqual(ids(self.leaky, '--state', 'blocked', '--sort', 'age'), [2, 3, 4, 5])
        self.assertEqual(ids(self.leaky, '--state', 'blocked', '--sort', 'age', '--reverse'), [5, 4, 3, 2])
        self.assertEqual(ids(self.leaky, '--sort', 'name'), [2, 3, 4, 5, 1])
        self.assertEqual(ids(self.leaky, '--sort', 'state'), [2, 3, 4, 5, 1])

    def test_columns(self):
        lines, heads = rows(self.leaky)
        self.assertEqual(heads, ['ID', 'STATE', 'FOR', 'RULE', 'NAME', 'WAITS', 'AT'])
        self.assertIn('sending on channel 1', lines[1])
        self.assertIn('cancelled-send', lines[1])
        lines, heads = rows(self.leaky, '--columns', 'spawned,id,parent')
        self.assertEqual(heads, ['SPAWNED AT', 'ID', 'PARENT'])
        self.assertRegex(lines[1], r'^samples/first_answer/leaky.cc:34 +2 +1$')
        self.assertEqual(stranded('tasks', self.leaky, '--columns', 'id,colour').returncode, 2)

    def test_every_task_of_a_large_finding_has_its_rule(self):
        text = ''.join(f'goroutine {i} [chan send, 9 minutes]:\nmain.f(...)\n\t/a/b.go:3 +0x1\n'
                       f'created by main.g in goroutine 1\n\t/a/b.go:9 +0x1\n\n' for i in range(2, 502))
        path = self.path('many.txt')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        findings = re.search(r'rule +([a-z-]+)', stranded('report', path).stdout)
        if findings is None:
            self.assertEqual(ids(path, '--stranded'), [])
            self.skipTest('not a finding without more evidence')
        self.assertEqual(len(ids(path, '--rule', findings.group(1))), 500)

    def test_go_dumps(self):
        self.assertIn('main.leakSend', stranded('tasks', GO, '--sort', 'name').stdout)


def next_commands(text):
    return [line.split('#')[0].strip() for line in text.splitlines() if line.startswith('  stranded ')]


class Show(WithDumps):
    def follow(self, text, wanted):
        """Runs the command that the page offers for `wanted`."""
        commands = [c for c in next_commands(text) if wanted in c]
        self.assertTrue(commands, text)
        result = stranded(*shlex.split(commands[0])[1:])
        self.assertIn(result.returncode, (0, 1), result.stderr)
        return result.stdout

    def test_from_a_task_to_its_channel_and_back(self):
        task = stranded('show', self.leaky, 'task:2').stdout
        self.assertEqual(stranded('show', self.leaky, '2').stdout, task)
        self.assertIn('sending on a channel at samples/first_answer/leaky.cc:36', task)
        channel = self.follow(task, 'channel:1')
        self.assertEqual(channel.count('  waits '), 4)
        self.assertIn('was to receive at', channel)
        self.assertEqual(self.follow(channel, 'task:2'), task)
        self.assertIn('main', self.follow(channel, 'task:1'))
        self.assertEqual(self.follow(channel, 'tasks').count('fetch'), 4)

    def test_contexts(self):
        context = self.follow(stranded('show', self.leaky, '2').stdout, 'context:')
        self.assertIn('WithTimeout', context)
        self.assertIn('deadline exceeded', context)
        self.assertEqual(len(re.findall('^  task ', context, re.M)), 4)
        above = self.follow(context, 'context:')
        self.assertIn('WithValue', above)
        self.assertIn('TraceId = req-42', above)
        self.assertIn('WithTimeout', above)
        self.assertEqual(self.follow(context, 'tasks').count('fetch'), 4)

    def test_findings(self):
        finding = self.follow(stranded('show', self.leaky, '2').stdout, 's1:')
        self.assertEqual(stranded('show', self.leaky, 'finding:1').stdout, finding)
        self.assertIn('Chan<std::string> answers(4);', finding)
        self.assertIn('cancelled-send', self.follow(finding, 'explain'))
        self.assertIn('rule=cancelled-send', self.follow(finding, 'suppress'))
        self.follow(finding, 'channel:1')

    def test_every_command_offered_works(self):
        dump = self.path('lock.strd')
        sample('lock_across_send', 'leaky', f'schedule=controlled:seed=1:dump={dump}')
        seen, todo = set(), [f'stranded show {dump} finding:1']
        while todo:
            command = todo.pop()
            if command in seen:
                continue
            seen.add(command)
            result = stranded(*shlex.split(command)[1:])
            self.assertEqual((result.returncode, result.stderr), (0, ''), command)
            todo += next_commands(result.stdout)
        self.assertTrue(any('sync:' in c for c in seen), seen)
        self.assertGreater(len(seen), 6)

    def test_commands_that_lead_on_are_quoted(self):
        odd = self.path("it's a dump.strd")
        os.link(self.leaky, odd)
        todo = next_commands(stranded('show', odd, 'finding:1').stdout)
        self.assertGreater(len(todo), 4)
        for command in todo:
            result = stranded(*shlex.split(command)[1:])
            self.assertEqual((result.returncode, result.stderr), (0, ''), command)

    def test_user_frames_first(self):
        short = stranded('show', self.leaky, '2').stdout
        self.assertNotIn('SwitchTo', short)
        self.assertIn('frames of the runtime', short)
        self.assertIn('SwitchTo', stranded('show', self.leaky, '2', '--all-frames').stdout)

    def test_what_is_not_there(self):
        for what in ('99', 'task:99', 'channel:99', 'context:99', 'sync:99', 'finding:9', 's1:0', 'taks:1', 'x'):
            result = stranded('show', self.leaky, what)
            self.assertEqual((result.returncode, result.stdout), (2, ''), what)
            self.assertIn('context:ID', result.stderr)
        self.assertIn("did you mean 'task'?", stranded('show', self.leaky, 'taks:1').stderr)


if __name__ == '__main__':
    unittest.main()
