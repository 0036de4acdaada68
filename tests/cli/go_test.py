#!/usr/bin/env python3
"""Go's own goroutine dumps, expected against found."""
import csv
import gzip
import importlib.util
import json
import os
import re
import tempfile
import unittest

from support import BIN, SOURCE, run, sample, stranded

DUMPS = os.path.join(SOURCE, 'tests/go_dumps')


def dump(name):
    return os.path.join(DUMPS, name)


def found_in(path, *flags):
    report = json.loads(stranded('report', '--format', 'json', *flags, path).stdout)
    return sorted(f"{f['task_count']} {f['wait_site']['function']} {f['rule']}"
                  for f in report['findings'])


class Samples(unittest.TestCase):
    def test_expected_against_found(self):
        with open(dump('expected.tsv'), encoding='utf-8') as file:
            rows = list(csv.DictReader(file, delimiter='\t'))
        self.assertGreater(len(rows), 20)
        for row in rows:
            with self.subTest(row['file']):
                want = [] if row['findings'] == '-' else sorted(row['findings'].split(';'))
                found = found_in(dump(row['file']))
                self.assertEqual(found, want)
                self.assertEqual(sum(int(f.split()[0]) for f in found), int(row['stranded']))

    def test_every_sample_has_its_row(self):
        with open(dump('expected.tsv'), encoding='utf-8') as file:
            named = {row['file'] for row in csv.DictReader(file, delimiter='\t')}
        self.assertEqual(named, {name for name in os.listdir(DUMPS)
                                 if name.endswith(('.txt', '.pb.gz'))})

    def test_table_in_the_page_is_what_is_found(self):
        spec = importlib.util.spec_from_file_location('table', dump('table.py'))
        table = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(table)
        self.assertEqual(table.in_page(), table.generated(BIN), 'tests/go_dumps/table.py --write')
        for row in table.table(BIN).splitlines()[2:]:
            self.assertEqual(row.split('|')[4].strip(), '0', 'a false alarm: ' + row)

    def test_exit_codes(self):
        for command in ('report', 'gate'):
            self.assertEqual(stranded(command, dump('healthy.debug2.txt')).returncode, 0)
            self.assertEqual(stranded(command, dump('mixed.pb.gz')).returncode, 1)

    def test_tasks_tree_and_show(self):
        self.assertIn('main.worker', stranded('tasks', dump('healthy.debug2.txt')).stdout)
        self.assertIn('3 like this', stranded('tree', dump('healthy.debug2.txt')).stdout)
        shown = stranded('show', dump('mutex_deadlock.debug2.txt'), '18').stdout
        self.assertIn('leakdumps/mutex_deadlock/main.go:20', shown)


class Ways(unittest.TestCase):
    """The commands do with them what they do with native dumps."""

    def test_standard_input(self):
        for name in ('mixed.debug2.txt', 'mixed.debug1.txt', 'mixed.pb.gz', 'testrun.json.txt'):
            with open(dump(name), 'rb') as file:
                piped = run(BIN, 'report', '-', stdin=file.read())
            self.assertEqual(piped.stdout.decode(), stranded('report', dump(name)).stdout)

    def test_every_format(self):
        for kind in ('text', 'json', 'markdown', 'sarif', 'junit', 'github', 'gitlab', 'ndjson',
                     'dot', 'pprof', 'perfetto'):
            with self.subTest(kind), tempfile.TemporaryDirectory() as out:
                path = os.path.join(out, 'report')
                done = stranded('report', '--format', kind, '-o', path, dump('mixed.debug2.txt'))
                self.assertEqual((done.returncode, done.stderr), (1, ''))
                self.assertGreater(os.path.getsize(path), 100)

    def test_gate_with_baseline_and_diff(self):
        old, new = dump('ctx_timeout_sender.debug2.txt'), dump('pools.debug2.txt')
        with tempfile.TemporaryDirectory() as out:
            known = os.path.join(out, 'known.json')
            stranded('gate', '--create-baseline', '--reason', 'old', '--baseline', known, old)
            self.assertEqual(stranded('gate', '--baseline', known, old).returncode, 0)
            self.assertEqual(stranded('gate', '--baseline', known, new).returncode, 1)
        changes = stranded('diff', old, new)
        self.assertEqual(changes.returncode, 1)
        self.assertIn('4 new, 1 gone', changes.stdout)

    def test_series_tells_the_trend(self):
        names = [dump(f'{p}.debug2.txt') for p in ('healthy', 'pools', 'mixed')]
        text = stranded('report', '--series', *names).stdout
        self.assertIn('oldest dump first: 0, 0, 120.', text)

    def test_forms_do_not_compare(self):
        names = [dump(f'pools.{form}') for form in ('debug2.txt', 'pb.gz', 'debug1.txt')]
        for other in names[1:]:
            series = stranded('report', '--series', names[0], other)
            self.assertEqual(series.returncode, 3)
            self.assertIn('a series needs dumps of one form', series.stderr)
            changes = stranded('diff', names[0], other)
            self.assertEqual(changes.returncode, 3)
            self.assertIn('do not name places alike', changes.stderr)
            self.assertEqual(stranded('diff', other, other).returncode, 0)

    def test_a_panic_is_told(self):
        crash = dump('crash_panic.stderr.txt')
        for line in stranded('report', crash).stdout, stranded('gate', crash).stderr:
            self.assertIn('died of a panic', line)
        # Go's default: only the goroutine that panicked.
        with open(crash, encoding='utf-8') as file:
            single = file.read().partition('goroutine 18 ')[0]
        with tempfile.TemporaryDirectory() as out:
            log = os.path.join(out, 'panic.txt')
            with open(log, 'w', encoding='utf-8') as file:
                file.write(single)
            gate = stranded('gate', log)
            self.assertEqual(gate.returncode, 3)
            self.assertIn('CANNOT TELL', gate.stdout)
            self.assertIn('GOTRACEBACK=all', gate.stderr)
            self.assertIn('no finding in what could be read', stranded('report', log).stdout)

    def test_a_series_is_of_go_dumps_only(self):
        with tempfile.TemporaryDirectory() as out:
            native, log = os.path.join(out, 'native.strd'), os.path.join(out, 'a.log')
            sample('first_answer', 'leaky', f'dump={native}')
            with open(log, 'w', encoding='utf-8') as file:
                file.write('nothing here\n')
            for other in (native, log):
                for names in ((dump('pools.debug2.txt'), other), (other, dump('pools.debug2.txt'))):
                    mixed = stranded('report', '--series', *names)
                    self.assertEqual(mixed.returncode, 3)
                    self.assertIn(f"'{other}' has no goroutine in it", mixed.stderr)

    def test_long_log_before_the_dump(self):
        with open(dump('pools.debug2.txt'), encoding='utf-8') as file:
            text = 'nothing to see here\n' * 20000 + file.read()
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            file.write(text)
            file.flush()
            self.assertEqual(len(found_in(file.name)), 4)


class Forms(unittest.TestCase):
    def report(self, text):
        with tempfile.NamedTemporaryFile('w', suffix='.txt', newline='') as file:
            file.write(text)
            file.flush()
            return found_in(file.name)

    def test_leaked_mark_is_proof_also_with_labels_and_carriage_returns(self):
        text = ('log line\ngoroutine 7 [chan send (leaked), locked to thread] {job: "a]:"}:\n'
                'main.f(0x1)\n\tC:/src/a.go:7 +0x12\ncreated by main.g in goroutine 1\n'
                '\tC:/src/a.go:3 +0x1\n')
        for form in (text, text.replace('\n', '\r\n')):
            self.assertEqual(self.report(form), ['1 main.f abandoned-send'])

    def test_deadlock_of_the_runtime(self):
        text = ('fatal error: all goroutines are asleep - deadlock!\n\n'
                'goroutine 1 [chan receive]:\nmain.main()\n\t/a.go:7 +0x12\nexit status 2\n')
        self.assertEqual(self.report(text), ['1 main.main global-deadlock'])

    def test_programs_that_ended_before_are_reported_too(self):
        end = ('fatal error: all goroutines are asleep - deadlock!\n\n'
               'goroutine 1 [chan receive]:\nmain.F()\n\t/a.go:7 +0x12\nmain.main()\n\t/a.go:9 +0x1\n\n')
        self.assertEqual(self.report(end + 'some log\n' + end.replace('main.F', 'main.G')),
                         ['1 main.F global-deadlock', '1 main.G global-deadlock'])

    def test_text_right_below_a_stack_is_no_frame(self):
        text = ('goroutine 7 [chan send (nil chan)]:\nmain.f()\n\t/a.go:7 +0x12\n'
                'created by main.g in goroutine 1\n\t/a.go:3 +0x1\nFAIL\tpkg\t0.1s\nFAIL\n')
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            file.write(text)
            file.flush()
            report = json.loads(stranded('report', '--format', 'json', file.name).stdout)
        self.assertEqual([f['function'] for f in report['findings'][0]['stack']], ['main.f'])
        self.assertEqual(report['missing'], [])

    def test_unknown_lines_are_counted_for_each_goroutine(self):
        one = 'goroutine {} [chan send (nil chan)]:\nmain.f(0x{}1)\n\t/a.go:7 +0x12\nwhat is this\n\n'
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            file.write(''.join(one.format(n, n) for n in range(5, 25)))
            file.flush()
            report = json.loads(stranded('report', '--format', 'json', file.name).stdout)
        self.assertEqual(report['findings'][0]['task_count'], 20)
        self.assertIn('20 lines in stacks not understood, the first: what is this',
                      report['missing'][0])


NIL = ('goroutine 20 [chan receive (nil chan), 2 minutes]:\nmain.nilly(0x0)\n\t/a/nil.go:5 +0x3c\n'
       'created by main.main in goroutine 1\n\t/a/main.go:20 +0x8d\n\n')
MAIN = 'goroutine 1 [running]:\nmain.main()\n\t/a/main.go:24 +0x8d\n'


class Cut(unittest.TestCase):
    """A dump that ends too early is no clean one."""

    def gate(self, text, cut=True):
        done = run(BIN, 'gate', '-', stdin=text)
        self.assertEqual((done.returncode, 'cut off inside a goroutine' in done.stderr), (3, True) if cut else (0, False),
                         text[-60:] + done.stdout + done.stderr)

    def test_anywhere_in_a_header(self):
        header = 'goroutine 18 [chan receive (nil chan), 11 minutes, locked to thread] {job: "a"}:\n'
        for size in range(1, len(header) + 1):
            self.gate(MAIN + '\n' + header[:size])
        for size in range(1, len('goroutine 18 gp=0xc000 m=nil [IO wait]:')):
            self.gate(MAIN + '\n' + 'goroutine 18 gp=0xc000 m=nil [IO wait]:'[:size])

    def test_in_its_first_call(self):
        self.gate(MAIN + '\ngoroutine 18 [chan receive]:\nmain.f(0x1')
        self.gate(MAIN + '\ngoroutine 18 [chan receive]:\nmain.f(0x1)\n')
        self.gate(MAIN + '\ngoroutine 18 [runnable]:\nmain.f(0x1)\n\t/a.go:1 +0x1\ncreated by main.main in goroutine 1\n')

    def test_in_the_last_stack_of_counts(self):
        text = 'goroutine profile: total 2\n2 @ 0x1 0x2 0x3\n#\t0x3\tmain.f+0x1\t/a/m.go:7\n'
        self.gate(text, cut=False)
        for end in ('2 @', '#\t0x3', '+0x1', '.go'):
            self.gate(text[:text.index(end) + len(end)])
        self.gate(text[:text.index('#')])

    def test_also_behind_a_prefix_and_with_carriage_returns(self):
        for text in (MAIN + '\ngoroutine 18 [chan rec', MAIN + '\ngoroutine 18 [chan receive]:\n'):
            self.gate(re.sub('^(?=.)', 'pod-1 | ', text, flags=re.M))
            self.gate(text.replace('\n', '\r\n'))

    def test_the_report_warns(self):
        done = run(BIN, 'report', '-', stdin=MAIN + '\ngoroutine 18 [chan rec')
        self.assertEqual(done.returncode, 3)
        self.assertIn('the dump is cut off inside a goroutine', done.stdout)

    def test_other_ends_are_none(self):
        for end in ('', '\n', '\nexit status 2', '\ngoroutines: 4', '\ngoroutine 18 has ended', '\nbye',
                    '\ngoroutine 5 [running]:\n\tgoroutine running on other thread; stack unavailable\n'):
            self.gate(MAIN + end, cut=False)
        self.gate(MAIN[:-1], cut=False)


class Encodings(unittest.TestCase):
    def test_a_mark_before_utf_8_hides_nothing(self):
        for text in (NIL + MAIN, MAIN + '\n' + NIL):
            done = run(BIN, 'gate', '-', stdin=b'\xef\xbb\xbf' + text.encode())
            self.assertEqual(done.returncode, 1, done.stdout)
        with open(dump('mixed.debug1.txt'), 'rb') as file:
            plain = file.read()
        marked = run(BIN, 'report', '-', stdin=b'\xef\xbb\xbf' + plain)
        self.assertEqual(marked.stdout, run(BIN, 'report', '-', stdin=plain).stdout)

    def test_utf_16_is_refused_by_name(self):
        for name in ('utf-16', 'utf-16-le', 'utf-16-be'):
            done = run(BIN, 'gate', '-', stdin=(NIL + MAIN).encode(name))
            self.assertEqual(done.returncode, 3)
            self.assertIn(b'it is text in UTF-16', done.stderr)
            self.assertIn(b'iconv', done.stderr)

    def in_a_file(self, data):
        with tempfile.NamedTemporaryFile(suffix='.gz') as file:
            file.write(data)
            file.flush()
            done = stranded('report', file.name)
            return done.returncode, done.stdout.replace(file.name, 'FILE'), done.stderr

    def test_packed_or_not_is_the_same(self):
        with tempfile.TemporaryDirectory() as out:
            native, trace = os.path.join(out, 'native.strd'), os.path.join(out, 'trace.strd')
            sample('first_answer', 'leaky', f'schedule=controlled:seed=1:dump={native}')
            sample('first_answer', 'leaky', f'schedule=controlled:seed=1:record=trace:dump={trace}')
            profiles = sorted(n for n in os.listdir(DUMPS) if n.endswith('.pb.gz'))
            self.assertGreater(len(profiles), 8)
            for path in (native, trace, dump('mixed.debug2.txt'), dump('mixed.debug1.txt'), *map(dump, profiles)):
                with self.subTest(path), open(path, 'rb') as file:
                    plain = file.read()
                    if path.endswith('.gz'):
                        plain = gzip.decompress(plain)
                    expected = self.in_a_file(plain)
                    self.assertIn(expected[0], (0, 1))
                    self.assertEqual(expected[2], '')
                    self.assertEqual(self.in_a_file(gzip.compress(plain)), expected)
                    piped = [run(BIN, 'report', '-', stdin=data) for data in (plain, gzip.compress(plain))]
                    self.assertEqual(piped[0].stdout, piped[1].stdout)
                    self.assertEqual([done.returncode for done in piped], [expected[0]] * 2)

    def test_a_long_log_may_stand_before_a_packed_dump(self):
        text = ('nothing to see here\n' * 20000 + NIL + MAIN).encode()
        self.assertEqual(self.in_a_file(gzip.compress(text))[0], 1)

    def test_packed_files_that_were_appended_are_one(self):
        code, text, _ = self.in_a_file(gzip.compress((MAIN + '\n').encode()) + gzip.compress(NIL.encode()))
        self.assertEqual((code, 'nil-channel' in text), (1, True), text)

    def test_damage_to_what_is_packed_is_said(self):
        for data in (gzip.compress((NIL + MAIN).encode())[:-9], gzip.compress(MAIN.encode()) + b'more',
                     b'\x1f\x8b\x08', gzip.compress(b'')):
            code, _, why = self.in_a_file(data)
            self.assertEqual(code, 3)
            self.assertRegex(why, 'the gzip data is damaged or cut off|is empty')
        code, _, why = self.in_a_file(gzip.compress(b'no dump\n'))
        self.assertEqual(code, 3)
        self.assertNotIn('profile', why)


class Lists(unittest.TestCase):
    """tasks and tree."""

    def on(self, command, text):
        done = run(BIN, command, '-', stdin=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_a_send_is_not_called_a_receive(self):
        for command in ('tasks', 'tree'):
            text = stranded(command, dump('ctx_timeout_sender.debug1.txt')).stdout
            self.assertIn('sending on a channel or receiving from it', text)
            self.assertNotIn('  receiving from a channel', text)

    def test_what_is_left_out_is_said(self):
        one = 'goroutine {} [select]:\nmain.f()\n\t/a.go:7 +0x1\ncreated by main.main in goroutine 1\n\t/a.go:3\n\n'
        many = ''.join(one.format(n) for n in range(2, 20103))
        counted = 'goroutine profile: total 20103\n20103 @ 0x1 0x2 0x3\n#\t0x3\tmain.f+0x1\t/a.go:7\n'
        for text, left in ((many, 101), (counted, 103)):
            self.assertIn(f'\n... and {left} more goroutines', self.on('tree', text).stdout)
            tasks = self.on('tasks', text)
            self.assertEqual(len(tasks.stdout.splitlines()), 20001)
            self.assertIn(f'{left} more goroutines', tasks.stderr)
            self.assertIn('only 20000 are listed by tasks, tree and show', run(BIN, 'report', '-', stdin=text).stdout)
        few = self.on('tree', one.format(2))
        self.assertNotIn('more goroutines', few.stdout)

    def test_each_stack_of_a_large_profile_is_listed(self):
        text = 'goroutine profile: total 30001\n30000 @ 0x1 0x2\n#\t0x2\tmain.f+0x1\t/a.go:7\n\n' \
               '1 @ 0x5 0x6\n#\t0x6\tmain.rare+0x1\t/a.go:9\n'
        self.assertIn('main.rare', self.on('tasks', text).stdout)

    def test_branches(self):
        def one(number, name, state, parent):
            return f'goroutine {number} [{state}]:\nmain.{name}()\n\t/a.go:{number} +0x1\n' \
                   f'created by main.x in goroutine {parent}\n\t/a.go:3\n\n'
        text = MAIN + '\n' + one(2, 'a', 'IO wait', 1) + one(3, 'b', 'syscall', 2) + one(4, 'c', 'select', 1)
        lines = self.on('tree', text).stdout.splitlines()
        self.assertEqual([re.sub('  at .*', '', line) for line in lines],
                         ['main.main  running', '├─ main.a  waiting for input or output',
                          '│  └─ main.b  in a system call', '└─ main.c  in a select'])


if __name__ == '__main__':
    unittest.main()
