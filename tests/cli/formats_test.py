#!/usr/bin/env python3
"""Each format, written by the command line and opened by a reader that is not ours."""
import gzip
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as xml

from report_test import LEAKY, violations
from support import SOURCE, WithDumps, line_of, run, sample, stranded

ALL = ('text', 'json', 'markdown', 'sarif', 'junit', 'github', 'gitlab', 'ndjson', 'dot', 'pprof',
       'perfetto', 'html')


def line_hash(text, wanted):
    """GitHub's primaryLocationLineHash by its definition: of 100 characters without blanks."""
    chars, starts, fresh, number = [], {}, True, 0
    for c in text.replace('\r\n', '\n').replace('\r', '\n'):
        if c in ' \t':
            continue
        if fresh:
            number += 1
            starts[number] = len(chars)
        fresh = c == '\n'
        chars.append(ord(c))
    chars.append(65535)
    counts = {}
    for line in range(1, number + 1):
        value = 0
        for c in (chars[starts[line]:starts[line] + 100] + [0] * 100)[:100]:
            value = (value * 37 + c) % 2**64
        counts[value] = counts.get(value, 0) + 1
        if line == wanted:
            return f'{value:x}:{counts[value]}'
    return None


def decode(proto, message, data):
    done = run('protoc', f'--decode={message}', '-I', 'tests/formats', proto, stdin=data)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    unknown = re.search(r'^ *\d+: .*', text, re.M)  # a field the public schema does not have
    assert unknown is None, unknown.group(0)
    return text


class Formats(WithDumps):
    def report(self, name, dump=None):
        file = self.path('report.' + name)
        done = stranded('report', '--format', f'{name}:{file}', dump or self.leaky)
        self.assertEqual(done.returncode, 0 if dump == self.fixed else 1, done.stderr)
        self.assertEqual(done.stdout, '')
        with open(file, 'rb') as data:
            return data.read()

    def test_sarif(self):
        with open(os.path.join(SOURCE, 'tests/formats/sarif.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        clean = json.loads(self.report('sarif', self.fixed))
        self.assertEqual(clean['runs'][0]['results'], [])
        log = json.loads(self.report('sarif'))
        for one in (clean, log):
            self.assertEqual(list(violations(one, schema, schema, '$')), [])
        result = log['runs'][0]['results'][0]
        number = int(line_of(LEAKY, 'answers.Send(answer)').rsplit(':', 1)[1])
        place = result['locations'][0]['physicalLocation']
        self.assertEqual(place['artifactLocation']['uri'], LEAKY)
        self.assertEqual(place['region']['startLine'], number)
        with open(os.path.join(SOURCE, LEAKY), encoding='utf-8') as file:
            want = line_hash(file.read(), number)
        self.assertEqual(result['partialFingerprints']['primaryLocationLineHash'], want)
        steps = result['codeFlows'][0]['threadFlows'][0]['locations']
        self.assertEqual([s['kinds'] for s in steps], [['call'], ['cancel'], ['block']])
        self.assertIn('room for 4 values', result['message']['text'])
        ids = {r['id'] for r in result['relatedLocations']}
        links = {int(n) for n in re.findall(r'\]\((\d+)\)', result['message']['text'])}
        self.assertTrue(links)
        self.assertEqual(links, ids)

    def test_the_sarif_fix_is_the_fix(self):
        fix = json.loads(self.report('sarif'))['runs'][0]['results'][0]['fixes'][0]
        with open(os.path.join(SOURCE, LEAKY), encoding='utf-8') as file:
            lines = file.read().splitlines(True)
        edit = fix['artifactChanges'][0]['replacements'][0]
        region = edit['deletedRegion']
        old = lines[region['startLine'] - 1:region['endLine'] - 1]
        self.assertEqual([line.strip() for line in old], ['Chan<std::string> answers;'])
        self.assertEqual(edit['insertedContent']['text'], '  Chan<std::string> answers(4);\n')

    def test_junit(self):
        suites = xml.fromstring(self.report('junit'))
        cases = suites.findall('testsuite/testcase')
        self.assertEqual([c.get('classname') for c in cases], ['stranded.cancelled-send'])
        self.assertEqual(cases[0].get('file'), LEAKY)
        self.assertIn('room for 4 values', cases[0].find('failure').text)
        self.assertEqual(suites.get('failures'), '1')
        clean = xml.fromstring(self.report('junit', self.fixed))
        self.assertEqual(len(clean.findall('testsuite/testcase')), 1)
        self.assertEqual(clean.findall('.//failure'), [])

    def test_github(self):
        lines = self.report('github').decode().splitlines()
        self.assertEqual(len(lines), 1)
        file, line = line_of(LEAKY, 'answers.Send(answer)').split(':')
        self.assertTrue(lines[0].startswith(f'::error file={file},line={line},'), lines)
        self.assertIn('title=Stranded%3A cancelled-send%2C proven::4 tasks "fetch"', lines[0])
        self.assertEqual(self.report('github', self.fixed), b'')

    def test_gate_annotates_on_github_by_itself(self):
        on_github = {'GITHUB_ACTIONS': 'true'}
        done = stranded('gate', self.leaky, env=on_github)
        self.assertIn('::error file=', done.stdout)
        self.assertIn('1. 4 tasks "fetch"', done.stdout)
        self.assertNotIn('::error', stranded('gate', '--format', 'text', self.leaky, env=on_github).stdout)
        self.assertNotIn('::error', stranded('gate', self.leaky, env={'GITHUB_ACTIONS': ''}).stdout)

    def test_gitlab(self):
        issues = json.loads(self.report('gitlab'))
        self.assertEqual(len(issues), 1)
        self.assertEqual(set(issues[0]), {'description', 'check_name', 'fingerprint', 'severity',
                                          'location'})
        self.assertIn(issues[0]['severity'], ('info', 'minor', 'major', 'critical', 'blocker'))
        self.assertEqual(issues[0]['location']['path'], LEAKY)
        self.assertEqual(json.loads(self.report('gitlab', self.fixed)), [])

    def test_ndjson(self):
        lines = [json.loads(line) for line in self.report('ndjson').splitlines()]
        self.assertEqual([line['type'] for line in lines], ['run', 'finding', 'end'])
        self.assertEqual(lines[1]['rule'], 'cancelled-send')
        self.assertEqual(lines[2], {'type': 'end', 'findings': 1, 'whole': True})

    def test_markdown(self):
        text = self.report('markdown').decode()
        self.assertIn('| cancelled-send | proven |', text)
        self.assertIn('+  Chan<std::string> answers(4);', text)
        self.assertEqual(text.count('```') % 2, 0)

    def test_pprof(self):
        data = self.report('pprof')
        text = decode('profile.proto', 'perftools.profiles.Profile', gzip.decompress(data))
        strings = [json.loads(s) for s in re.findall(r'^string_table: (".*")$', text, re.M)]
        self.assertEqual(strings[0], '')
        for word in ('strandedtask', 'count', 'rule', 'cancelled-send', 'state', 'send', 'context'):
            self.assertIn(word, strings)
        self.assertIn(LEAKY, strings)
        self.assertRegex(text, r'sample \{[^}]*value: 4\n')

    def test_perfetto(self):
        text = decode('perfetto.proto', 'perfetto.protos.Trace', self.report('perfetto'))
        self.assertEqual(len(re.findall(r'name: "task \d+ \\"fetch\\""', text)), 4)
        self.assertEqual(text.count('name: "blocked: sending on a channel"'), 4)
        self.assertIn('name: "deadline exceeded"', text)
        self.assertRegex(text, r'name: "STRANDED 4 tasks ')

    def test_perfetto_shows_what_was_recorded(self):
        dump = self.path('trace.strd')
        sample('first_answer', 'leaky', f'schedule=controlled:seed=1:record=trace:dump={dump}')
        text = decode('perfetto.proto', 'perfetto.protos.Trace', self.report('perfetto', dump))
        self.assertEqual(text.count('name: "blocked: sending on a channel"'), 4)
        self.assertIn('name: "running"', text)
        starts = set(re.findall(r' flow_ids: (\d+)', text))
        self.assertEqual(len(starts), 4)
        self.assertEqual(starts, set(re.findall(r'terminating_flow_ids: (\d+)', text)))
        times = [int(t) for t in re.findall(r'timestamp: (\d+)', text)]
        self.assertEqual(times, sorted(times))

    def test_dot(self):
        text = self.report('dot').decode()
        self.assertTrue(text.startswith('digraph stranded {\n') and text.endswith('}\n'))
        self.assertEqual(len(re.findall(r'^  task\d+ -> channel\d+ \[label="send"\]', text, re.M)), 4)
        for edge in re.findall(r'^  (\w+) -> (\w+) ', text, re.M):
            for node in edge:
                self.assertRegex(text, rf'(?m)^  {node} \[label=')

    def test_no_path_of_this_machine(self):
        for name in ALL[2:]:
            data = self.report(name)
            if name == 'pprof':
                data = gzip.decompress(data)
            for path in (SOURCE, self.dir.name, os.path.expanduser('~') + '/', '/usr/'):
                self.assertNotIn(path.encode(), data, name)

    def test_many_formats_at_once(self):
        junit, sarif = self.path('a.xml'), self.path('b.sarif')
        done = stranded('report', '--format', f'junit:{junit}', '--format', f'sarif:{sarif}',
                        '--format', 'json', self.leaky)
        self.assertEqual(json.loads(done.stdout)['format'], 'stranded-report')
        xml.parse(junit)
        with open(sarif, encoding='utf-8') as file:
            json.load(file)

    def test_output_file(self):
        file = self.path('out.json')
        done = stranded('report', '--format', 'json', '-o', file, self.leaky)
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        with open(file, encoding='utf-8') as out:
            self.assertEqual(json.load(out)['format'], 'stranded-report')

    def test_wrong_use(self):
        unknown = stranded('report', '--format', 'yaml', self.leaky)
        self.assertEqual(unknown.returncode, 2)
        for name in ALL:
            self.assertIn(name, unknown.stderr)
        nowhere = stranded('report', '--format', 'json:/nonexistent/x', self.leaky)
        self.assertEqual(nowhere.returncode, 4)
        self.assertIn("'/nonexistent/x'", nowhere.stderr)
        twice = stranded('report', '--format', 'json', '--format', 'dot', '-o', self.path('x'), self.leaky)
        self.assertEqual(twice.returncode, 2)
        self.assertFalse(os.path.exists(self.path('x')))

    def test_one_document_on_standard_output(self):
        for names in (('json', 'sarif'), ('text', 'json'), ('ndjson', 'markdown')):
            flags = [flag for name in names for flag in ('--format', name)]
            for command in ('report', 'gate'):
                done = stranded(command, *flags, self.leaky)
                self.assertEqual((done.returncode, done.stdout), (2, ''), names)
                self.assertIn('would both go to standard output', done.stderr)
        self.assertEqual(stranded('report', '--format', 'text', '--format', 'github', self.leaky).returncode, 1)

    def test_no_dump_is_replaced_by_its_report(self):
        dump, link = self.path('precious.strd'), self.path('link.strd')
        shutil.copy(self.leaky, dump)
        os.symlink(dump, link)
        for command in ('report', 'gate'):
            for flags in (['-o', dump], ['--format', f'sarif:{dump}'], ['-o', link]):
                done = stranded(command, *flags, dump)
                self.assertEqual(done.returncode, 2, (command, flags))
                self.assertIn('would replace the dump', done.stderr)
        kept = self.path('kept.strd')
        done = stranded('run', '--dump', kept, '-o', kept, '--', '/bin/true')
        self.assertEqual(done.returncode, 2)
        self.assertEqual(stranded('report', dump).returncode, 1)

    def test_a_perfetto_trace_is_of_one_dump(self):
        done = stranded('gate', '--format', f'perfetto:{self.path("p")}', self.leaky, self.fixed)
        self.assertEqual(done.returncode, 2)
        self.assertIn('perfetto shows one dump', done.stderr)
        self.assertEqual(stranded('gate', '--format', f'perfetto:{self.path("p")}', self.leaky).returncode, 1)

    def test_output_that_nothing_goes_to(self):
        for command in ('report', 'gate', 'run'):
            done = stranded(command, '-o', self.path('none'), '--format', f"json:{self.path('x')}", '--',
                            self.leaky)
            self.assertEqual(done.returncode, 2, command)
            self.assertIn(f"nothing goes to --output {self.path('none')}", done.stderr)

    def test_files_of_the_standard_library_are_not_below_the_sources(self):
        log = json.loads(stranded('report', '--format', 'sarif', 'tests/go_dumps/mutex_deadlock.debug2.txt').stdout)
        places = re.findall(r'"artifactLocation": {[^}]*}', json.dumps(log['runs'][0]['results']))
        for text in places:
            place = json.loads('{' + text + '}')['artifactLocation']
            own = place['uri'].startswith('leakdumps/')
            self.assertEqual(place.get('uriBaseId'), '%SRCROOT%' if own else None, place)
        self.assertTrue(any('sync/mutex.go' in text for text in places))

    def test_a_place_is_named_once(self):
        page = stranded('report', '--format', 'html', '--growth', '1', 'tests/go_dumps/mixed.debug2.txt').stdout
        self.assertIn('<dt>At</dt>', page)
        self.assertNotIn('<dt>At</dt><dd>at ', page)

    def test_commands_of_the_page_are_quoted(self):
        named = self.path('a b.strd')
        shutil.copy(self.leaky, named)
        page = stranded('report', '--format', 'html', named).stdout
        self.assertRegex(page, r"stranded show (&#39;|')a b\.strd(&#39;|') task:2")

    def test_reports_of_several_dumps_do_not_replace_each_other(self):
        done = stranded('report', '-o', self.path('both'), self.leaky, self.fixed)
        self.assertEqual(done.returncode, 2)
        self.assertFalse(os.path.exists(self.path('both')))

    def test_several_dumps_are_one_document_or_none(self):
        for name in ('json', 'sarif', 'junit', 'html', 'gitlab', 'pprof', 'dot'):
            done = stranded('report', '--format', name, self.leaky, self.fixed)
            self.assertEqual((done.returncode, done.stdout), (2, ''), name)
            hint = f'stranded gate --fail-on never --format {name}'
            self.assertIn(hint, done.stderr)
            merged = stranded(*hint.split()[1:], '-o', self.path('merged'), self.leaky, self.fixed)
            self.assertEqual(merged.returncode, 0, merged.stderr)
        merged = stranded('gate', '--fail-on', 'never', '--format', 'json', self.leaky, self.fixed)
        self.assertEqual(merged.returncode, 0)
        self.assertEqual(json.loads(merged.stdout)['counts']['tasks'], 6)
        lines = stranded('report', '--format', 'ndjson', self.leaky, self.fixed).stdout.splitlines()
        self.assertEqual([json.loads(line)['type'] for line in lines], ['run', 'finding', 'end', 'run', 'end'])
        self.assertEqual([json.loads(lines[i])['dump'] for i in (0, 3)], ['leaky.strd', 'fixed.strd'])
        parts = stranded('report', '--format', 'markdown', self.leaky, self.fixed).stdout
        self.assertEqual(re.findall(r'^# (.*)', parts, re.M), [f'`{self.leaky}`', f'`{self.fixed}`'])
        text = stranded('report', self.leaky, self.fixed)
        self.assertEqual((text.returncode, text.stdout.count('== ')), (1, 2))

    def test_go_reads_the_profile(self):
        try:
            subprocess.run(['go', 'version'], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest('there is no go here')
        file = self.path('p.pb.gz')
        stranded('report', '--format', f'pprof:{file}', self.leaky)
        top = run('go', 'tool', 'pprof', '-top', file)
        self.assertIn('Type: strandedtask', top.stdout)
        self.assertIn('cancelled-send', run('go', 'tool', 'pprof', '-tags', file).stdout)


if __name__ == '__main__':
    unittest.main()
