#!/usr/bin/env python3
"""The report on the classic leak: what it must name, its golden text, JSON, and the fix."""
import json
import os
import re
import shutil
import subprocess
import unittest

from support import SAMPLES, SOURCE, WithDumps, line_of, run, same_compiler_names, stranded

LEAKY = 'samples/first_answer/leaky.cc'


TYPES = {'object': dict, 'array': list, 'string': str, 'integer': int, 'boolean': bool,
         'null': type(None)}


def violations(value, schema, root, where):
    """What of `value` breaks the schema: the parts of JSON Schema that the shipped one uses."""
    if '$ref' in schema:
        schema = root['$defs'][schema['$ref'].rsplit('/', 1)[1]]
    if 'oneOf' in schema:
        if sum(not list(violations(value, s, root, where)) for s in schema['oneOf']) != 1:
            yield f'{where}: fits not exactly one of the alternatives'
        return
    if 'const' in schema and value != schema['const']:
        yield f'{where}: not {schema["const"]}'
    if 'enum' in schema and value not in schema['enum']:
        yield f'{where}: {value} is not in the list'
    if 'pattern' in schema and not re.search(schema['pattern'], value):
        yield f'{where}: does not match {schema["pattern"]}'
    if 'type' in schema and type(value) is not TYPES[schema['type']]:
        yield f'{where}: not a {schema["type"]}'
        return
    if isinstance(value, dict):
        yield from (f'{where}: {k} is missing' for k in schema.get('required', []) if k not in value)
        for key, inner in value.items():
            if key in schema.get('properties', {}):
                yield from violations(inner, schema['properties'][key], root, f'{where}.{key}')
            elif not schema.get('additionalProperties', True):
                yield f'{where}: {key} is not in the schema'
    if isinstance(value, list) and 'items' in schema:
        for i, inner in enumerate(value):
            yield from violations(inner, schema['items'], root, f'{where}[{i}]')


class Report(WithDumps):
    def text(self):
        result = stranded('report', self.leaky)
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stdout

    def test_names_every_line_that_matters(self):
        text = self.text()
        for label, code in (('blocked   at ', 'answers.Send(answer)'),
                            ('channel   made at ', 'Chan<std::string> answers;'),
                            ('spawned   at ', 'Go({.name = "fetch"}'),
                            ('WithTimeout at ', 'WithTimeout(parent'),
                            ('was to receive at ', 'OnRecv(answers'),
                            ('chose the done case at ', 'OnDone(ctx')):
            self.assertIn(label + line_of(LEAKY, code), text)
        self.assertIn('deadline exceeded', text)
        self.assertIn('TraceId = req-42', text)
        self.assertIn('rule      cancelled-send, proven', text)
        self.assertIn('room for 4 values', text)
        self.assertIn('(not verified)', text)

    def test_golden_text(self):
        text = same_compiler_names(self.text())
        text = re.sub(r'(   stack .*\n(?:             \S.*\n)*)', '   stack     FRAMES\n', text, count=1)
        text = re.sub(r's1:[0-9a-f]{16}', 's1:FINGERPRINT', text)  # of compiler-dependent names
        golden = os.path.join(SOURCE, 'tests/golden/first_answer.txt')
        if os.environ.get('UPDATE_GOLDEN'):
            with open(golden, 'w', encoding='utf-8') as file:
                file.write(text)
        with open(golden, encoding='utf-8') as file:
            self.assertEqual(text, file.read())

    def test_a_filter_is_no_all_clear(self):
        for dump, count in ((self.leaky, 1), ('tests/go_dumps/missing_close.debug2.txt', 1)):
            for option in (('--rule', 'once-stuck'), ('--ignore', ':')):
                hidden = stranded('report', *option, dump)
                self.assertEqual(hidden.returncode, 0)
                self.assertNotIn('nothing is stranded', hidden.stdout)
                self.assertIn(f'{count} finding is left out by --rule or --ignore', hidden.stdout)
                report = json.loads(stranded('report', *option, '--format', 'json', dump).stdout)
                self.assertEqual(report['counts']['stranded'], 0)
                self.assertEqual(len(report['missing']), 1)
        self.assertIn('nothing is stranded', stranded('report', '--rule', 'once-stuck', self.fixed).stdout)

    def test_the_same_seed_gives_the_same_report(self):
        first = self.text()
        self.setUpClass()
        self.assertEqual(first, self.text())

    def test_the_diff_applies_and_is_the_fix(self):
        copy = self.path('copy')
        shutil.copytree(os.path.join(SOURCE, 'samples'), os.path.join(copy, 'samples'))
        report = json.loads(stranded('report', '--format', 'json', self.leaky).stdout)
        diff = report['findings'][0]['fixes'][0]['diff']
        patch = subprocess.run(['patch', '-p1'], input=diff, text=True, cwd=copy, check=False,
                               capture_output=True)
        self.assertEqual(patch.returncode, 0, patch.stdout + patch.stderr)
        with open(os.path.join(copy, LEAKY), encoding='utf-8') as file:
            self.assertIn('Chan<std::string> answers(4);', file.read())

    def test_lines_without_a_table_of_addresses(self):
        """clang writes none: what it built must have its lines, too."""
        bare, dump = self.path('bare'), self.path('bare.strd')
        sample_file = os.path.join(SAMPLES, 'sample_first_answer_leaky')
        subprocess.run(['objcopy', '--remove-section=.debug_aranges', sample_file, bare], check=True)
        run(bare, env={'STRANDED_OPTIONS': f'schedule=controlled:seed=1:dump={dump}'})
        stack = re.search(r'   stack .*', stranded('report', dump).stdout)
        self.assertIsNotNone(stack)
        self.assertIn(line_of(LEAKY, 'answers.Send(answer)'), stack.group())

    def test_a_pipe_is_read_once(self):
        pipe = self.path('pipe')
        os.mkfifo(pipe)
        with subprocess.Popen(f'exec cat {self.leaky} > {pipe}', shell=True):
            result = stranded('report', pipe)
        self.assertEqual((result.returncode, result.stderr), (1, ''))
        self.assertIn('cancelled-send, proven', result.stdout)

    def test_json(self):
        report = json.loads(stranded('report', '--format', 'json', self.leaky).stdout)
        self.assertEqual((report['format'], report['version']), ('stranded-report', 1))
        self.assertEqual(report['counts']['stranded'], 4)
        finding = report['findings'][0]
        self.assertEqual(finding['rule'], 'cancelled-send')
        self.assertEqual(finding['task_count'], 4)
        self.assertEqual(finding['channel']['capacity'], 0)
        self.assertEqual(finding['fixes'][0]['kind'], 'raise-capacity')
        self.assertEqual(finding['fixes'][0]['capacity'], 4)
        self.assertRegex(finding['fingerprint'], r'^s1:[0-9a-f]{16}$')
        self.assertEqual(finding['contexts'][0]['end']['why'], 'deadline exceeded')

    def test_json_follows_its_schema(self):
        with open(os.path.join(SOURCE, 'docs/report.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        for dump in (self.leaky, self.fixed):
            report = json.loads(stranded('report', '--format', 'json', dump).stdout)
            self.assertEqual(list(violations(report, schema, schema, '$')), [])
        report['findings'] = [{}]
        self.assertTrue(list(violations(report, schema, schema, '$')))

    def test_the_fixed_twin_is_clean(self):
        result = stranded('report', self.fixed)
        self.assertEqual(result.returncode, 0)
        self.assertIn('nothing is stranded', result.stdout)

    def test_views(self):
        tree = stranded('tree', self.leaky).stdout
        self.assertIn('(4 like this)', tree)
        tasks = stranded('tasks', '--state', 'blocked', self.leaky).stdout
        self.assertEqual(tasks.count('fetch'), 4)
        task = re.search(r'^ *(\d+) +blocked', tasks, re.M).group(1)
        shown = stranded('show', self.leaky, task).stdout
        channel = re.search(r'channel (\d+)', shown).group(1)
        self.assertEqual(stranded('show', self.leaky, f'channel:{channel}').stdout.count('  waits '), 4)
        nobody = stranded('show', self.leaky, 'task:99999')
        self.assertEqual(nobody.returncode, 2)
        self.assertNotIn('did you mean', nobody.stderr)
        misspelt = stranded('show', self.leaky, 'chanel:1')
        self.assertIn("did you mean 'channel'?", misspelt.stderr)

    @staticmethod
    def plain(text):
        return ' '.join(re.sub(r' \(`[^`]*`\)', '', text).replace('`', '').split())

    def test_explain_knows_every_rule(self):
        with open(os.path.join(SOURCE, 'docs/rules.md'), encoding='utf-8') as file:
            documented = self.plain(file.read()).lower()
        rules = [line.split()[0] for line in stranded('explain').stdout.splitlines()]
        self.assertIn('global-deadlock', rules)
        for rule in rules:
            text = stranded('explain', rule).stdout
            self.assertIn('Fix:', text)
            # The documentation says all of it, and may say more.
            head, body = text.split('\n\n', 1)
            said = [head.split(': ', 1)[1], *re.split(r'(?<=[.;:]) ', self.plain(body))]
            self.assertEqual([s for s in said if self.plain(s).lower() not in documented], [], rule)
        with open(os.path.join(SOURCE, 'docs/rules.md'), encoding='utf-8') as file:
            documented = re.findall(r'^## ([a-z-]+)$', file.read(), re.M)
        self.assertEqual(documented, rules)

    def test_protoc_reads_the_dump(self):
        with open(self.leaky, 'rb') as file:
            decoded = run('protoc', '--decode=stranded.dump.Dump', '-I', 'docs', 'stranded_dump.proto',
                          stdin=file.read())
        self.assertEqual(decoded.returncode, 0, decoded.stderr)
        self.assertEqual(decoded.stdout.count(b'kind: CHAN_SEND'), 8)  # four waits, four last ops


if __name__ == '__main__':
    unittest.main()
