#!/usr/bin/env python3
"""Go's own goroutine dumps, expected against found."""
import csv
import json
import os
import tempfile
import unittest

from support import SOURCE, stranded

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

    def test_exit_codes(self):
        for command in ('report', 'gate'):
            self.assertEqual(stranded(command, dump('healthy.debug2.txt')).returncode, 0)
            self.assertEqual(stranded(command, dump('mixed.pb.gz')).returncode, 1)

    def test_tasks_tree_and_show(self):
        self.assertIn('main.worker', stranded('tasks', dump('healthy.debug2.txt')).stdout)
        self.assertIn('3 like this', stranded('tree', dump('healthy.debug2.txt')).stdout)
        shown = stranded('show', dump('mutex_deadlock.debug2.txt'), '18').stdout
        self.assertIn('leakdumps/mutex_deadlock/main.go:20', shown)


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


if __name__ == '__main__':
    unittest.main()
