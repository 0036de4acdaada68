#!/usr/bin/env python3
"""Help, suggestions, completions and the manual page: all from one description of the commands."""
import os
import re
import shutil
import tempfile
import unittest

from support import SOURCE, run, stranded


def commands():
    listed = stranded('--help').stdout.split('Subcommands:')[1].split('\n\n')[0]
    return re.findall(r'^  ([a-z]+)', listed, re.M)


def options(command):
    return re.findall(r'(?<![\w-])--[a-z][a-z-]+', stranded(command, '--help').stdout.split('Examples:')[0])


class Help(unittest.TestCase):
    def test_each_command_has_its_own_examples(self):
        seen = set()
        for command in commands():
            text = stranded(command, '--help').stdout
            self.assertEqual(stranded('help', command).stdout, text)
            examples = text.split('Examples:')[1]
            self.assertIn('stranded', examples)
            self.assertNotIn(examples, seen)
            seen.add(examples)

    def test_it_fits_the_width(self):
        for columns in (60, 80, 100):
            for command in commands():
                text = stranded(command, '--help', env={'COLUMNS': str(columns)}).stdout
                # Behind what it does, and how it is called.
                for line in text.partition('\n\n')[2].split('Examples:')[0].splitlines():
                    self.assertLessEqual(len(line), columns, line)

    def test_groups_stand_one_line_apart(self):
        for args in (['--help'], ['gate', '--help'], ['report', '--help']):
            text = stranded(*args).stdout
            self.assertNotIn('\n\n\n', text)
            # No line is broken before its end.
            self.assertNotRegex(text, r'(?m)^lost,$')

    def test_a_rule_is_explained_as_in_the_docs(self):
        with open(os.path.join(SOURCE, 'docs/rules.md'), encoding='utf-8') as file:
            sections = re.split(r'^## ', file.read(), flags=re.M)
        plain = {s.split('\n')[0]: ' '.join(s.replace('`', '').split()) for s in sections}
        for rule in ('lock-chan-cycle', 'lock-order'):
            said = ' '.join(stranded('explain', rule).stdout.split('\n', 1)[1].split())
            self.assertIn(said, plain[rule])

    def test_no_command_is_a_usage_error_with_help(self):
        result = stranded()
        self.assertEqual((result.returncode, result.stdout), (2, ''))
        self.assertIn('Subcommands:', result.stderr)

    def test_suggestions(self):
        for args, meant in ((('reprot',), 'report'), (('gaet', 'f'), 'gate'), (('help', 'taks'), 'tasks'),
                            (('report', '--colour', 'never', 'f'), '--color'),
                            (('report', '--fromat=json', 'f'), '--format'),
                            (('gate', '--fail-on', 'nwe', 'f'), 'new'),
                            (('report', '--format', 'jsn', 'f'), 'json'),
                            (('report', '--rule', 'canceled-send', 'f'), 'cancelled-send'),
                            (('tasks', '--sort', 'aeg', 'f'), 'age'),
                            (('explain', 'lockcycle'), 'lock-cycle')):
            result = stranded(*args)
            self.assertEqual((result.returncode, result.stdout), (2, ''), args)
            self.assertIn(f"did you mean '{meant}'?", result.stderr, args)
        for args in (('frobnicate',), ('completions', 'tcsh'), ('run', '--record', 'foo', '--', 'x')):
            far = stranded(*args)
            self.assertEqual(far.returncode, 2)
            self.assertNotIn('did you mean', far.stderr)
        # A long list would hide it; without a guess it is all that there is to say.
        self.assertNotIn('once-stuck', stranded('explain', 'lockcycle').stderr)
        self.assertIn('once-stuck', stranded('explain', 'frobnicate').stderr)

    def test_errors_say_where_to_read_on(self):
        for args, what in ((('gate',), 'FILE is required'), (('gate', '--rule'), '--rule needs a value'),
                           (('show', 'f'), 'WHAT is required'), (('run', '--'), 'CMD is required'),
                           (('show', 'f', '1', 'x'), "'x' is one argument too many")):
            result = stranded(*args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn(f'stranded {args[0]}: {what}', result.stderr)
            self.assertIn(f"Try 'stranded help {args[0]}'.", result.stderr)

    def test_an_option_before_its_command(self):
        result = stranded('--color', 'always', 'report', 'f')
        self.assertEqual(result.returncode, 2)
        self.assertIn("'--color' stands before the command; its place is behind it", result.stderr)

    def test_version_names_the_commit(self):
        self.assertRegex(stranded('--version').stdout,
                         r'^stranded \d+\.\d+\.\d+ \(commit ([0-9a-f]{7,40}\+?|unknown)\)\n$')


class Manual(unittest.TestCase):
    def test_man_accepts_the_page(self):
        page = stranded('man').stdout
        for command in commands():
            self.assertIn(f'.SS "{command}"', page)
            for option in options(command):
                self.assertIn(option.replace('-', '\\-'), page)
        if not shutil.which('man'):
            self.skipTest('no man here')
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'stranded.1')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(page)
            shown = run('man', '--warnings', '-l', path, env={'MANWIDTH': '80', 'MANPAGER': 'cat'})
        self.assertEqual((shown.returncode, shown.stderr), (0, ''))
        self.assertIn('EXIT STATUS', shown.stdout)
        self.assertIn('stranded gate', shown.stdout)


class Completions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        open(self.path('dump.strd'), 'w').close()
        os.mkdir(self.path('folder'))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def script(self, shell):
        path = self.path('script.' + shell)
        if os.path.exists(path):
            return path
        with open(path, 'w', encoding='utf-8') as file:
            file.write(stranded('completions', shell).stdout)
        return path

    def bash(self, *words):
        """What bash offers for the last of the words."""
        quoted = ' '.join("'" + w + "'" for w in words)
        text = (f'source {self.script("bash")}; COMP_WORDS=(stranded {quoted}); COMP_CWORD={len(words)}; '
                '_stranded; ((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"')
        result = run('bash', '--norc', '-c', text, cwd=self.folder.name)
        self.assertEqual(result.stderr, '')
        return result.stdout.split()

    def test_bash(self):
        self.assertEqual(self.bash('ga'), ['gate'])
        self.assertEqual(sorted(self.bash('')), sorted(commands() + ['--help', '-h', '--version']))
        for command in commands():
            self.assertEqual(set(self.bash(command, '--')), set(options(command)), command)
        self.assertEqual(self.bash('gate', '--fail-on', ''), ['new', 'all', 'never'])
        self.assertEqual(self.bash('gate', '--fail-on', '=', 'ne'), ['new', 'never'])
        self.assertEqual(self.bash('report', '--rule', 'lock-c'), ['lock-cycle', 'lock-chan-cycle'])
        self.assertEqual(self.bash('report', '-o', 'du'), ['dump.strd'])
        self.assertEqual(self.bash('report', 'du'), ['dump.strd'])
        self.assertEqual(self.bash('report', '--source-root', ''), ['folder'])
        self.assertEqual(self.bash('tasks', '--min-age', ''), [])
        self.assertEqual(self.bash('explain', 'growt'), ['growth'])
        self.assertEqual(self.bash('help', 'sup'), ['suppress'])
        self.assertIn('bash', self.bash('run', '--', 'bas'))

    @unittest.skipUnless(shutil.which('fish'), 'no fish here')
    def test_fish(self):
        def fish(line):
            result = run('fish', '--no-config', '-c', f'source {self.script("fish")}; complete -C "{line}"',
                         cwd=self.folder.name, env={'HOME': self.folder.name})
            self.assertEqual(result.stderr, '')
            return [text.split('\t')[0] for text in result.stdout.splitlines()]
        self.assertEqual(fish('stranded gat'), ['gate'])
        for command in commands():
            self.assertEqual(set(fish(f'stranded {command} --')), set(options(command)), command)
        self.assertEqual(set(fish('stranded gate --fail-on ')), {'new', 'all', 'never'})
        self.assertEqual(fish('stranded report du'), ['dump.strd'])

    @unittest.skipUnless(shutil.which('zsh'), 'no zsh here')
    def test_zsh(self):
        # zsh completes only for a person: what is asked of its _arguments is looked at instead.
        def zsh(*words):
            quoted = ' '.join("'" + w + "'" for w in words)
            text = ('compdef() { }; _arguments() { print -rl -- "$@" }; '
                    '_describe() { print -rl -- ${(P)4} }; '
                    f'source {self.script("zsh")}; words=(stranded {quoted}); CURRENT={len(words) + 1}; _stranded')
            result = run('zsh', '-f', '-c', text, cwd=self.folder.name)
            self.assertEqual(result.stderr, '')
            return result.stdout
        self.assertEqual(re.findall(r'^([a-z]+):', zsh(''), re.M), commands())
        for command in commands():
            specs = re.findall(r'^[(*][^\[]*?(--[a-z-]+)=?\[', zsh(command, ''), re.M)
            self.assertEqual(set(specs), set(options(command)), command)
        gate = zsh('gate', '')
        self.assertIn(':WHICH:(new all never)', gate)
        self.assertIn(':FILE:_files', gate)

    def test_scripts_are_well_formed(self):
        for shell in ('bash', 'zsh', 'fish'):
            if shutil.which(shell):
                result = run(shell, '-n', self.script(shell))
                self.assertEqual((result.returncode, result.stderr), (0, ''), shell)


if __name__ == '__main__':
    unittest.main()
