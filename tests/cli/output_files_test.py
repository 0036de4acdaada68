#!/usr/bin/env python3
"""What is written, and what was there before: links, FIFOs, modes, folders, several writers."""
import json
import os
import stat
import subprocess
import threading
import unittest

from support import BIN, PROGRAMS, SAMPLES, WithDumps, run, stranded

LEAKY = os.path.join(SAMPLES, 'sample_first_answer_leaky')


def dump_to(path, *command):
    return run(*(command or [LEAKY]), env={'STRANDED_OPTIONS': f'dump={path}'})


class Places(WithDumps):
    def fifo(self, name):
        path = self.path(name)
        os.mkfifo(path)
        return path

    def link(self, name, target):
        path = self.path(name)
        os.symlink(target, path)
        return path

    def read_while(self, fifo, write):
        """What comes out of the FIFO while `write` runs."""
        with subprocess.Popen(['cat', fifo], stdout=subprocess.PIPE) as reader:
            write()
            # Where the FIFO was replaced, nobody has opened it, and the reader would wait for ever.
            late = threading.Timer(10, reader.kill)
            late.start()
            data = reader.communicate()[0]
            late.cancel()
        self.assertTrue(stat.S_ISFIFO(os.stat(fifo).st_mode), fifo)
        return data

    def test_a_dump_goes_through_a_link(self):
        for target in ('old.strd', 'not-yet.strd'):
            with self.subTest(target):
                if target == 'old.strd':
                    with open(self.path(target), 'w', encoding='utf-8') as old:
                        old.write('old')
                link = self.link('to-' + target, target)
                dump_to(link)
                self.assertTrue(os.path.islink(link))
                self.assertEqual(stranded('report', self.path(target)).returncode, 1)

    def test_a_dump_goes_into_a_fifo(self):
        for name, command in (('exit', [LEAKY]), ('crash', [os.path.join(PROGRAMS, 'crash_dump'), 'abort'])):
            with self.subTest(name):
                fifo = self.fifo('fifo-' + name)
                # The crash does not wait for a reader, so there must be one that is there already.
                keep = os.open(fifo, os.O_RDWR) if name == 'crash' else None
                if keep is None:
                    data = self.read_while(fifo, lambda: dump_to(fifo, *command))
                else:
                    os.set_blocking(keep, False)
                    dump_to(fifo, *command)
                    self.assertTrue(stat.S_ISFIFO(os.stat(fifo).st_mode))
                    data = os.read(keep, 1 << 20)
                    os.close(keep)
                self.assertIn(b'stranded', data)

    def test_a_dump_on_standard_output(self):
        result = subprocess.run([LEAKY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                env={**os.environ, 'STRANDED_OPTIONS': 'dump=/proc/self/fd/1'})
        self.assertEqual(stranded('report', '-', stdin=result.stdout).returncode, 1)

    def test_a_dump_keeps_the_mode(self):
        for command in ([LEAKY], [os.path.join(PROGRAMS, 'crash_dump'), 'abort']):
            path = self.path('private.strd')
            with open(path, 'w', encoding='utf-8'):
                os.chmod(path, 0o600)
            dump_to(path, *command)
            self.assertGreater(os.stat(path).st_size, 0)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            os.remove(path)

    def test_run_refuses_a_dump_that_it_cannot_read_back(self):
        fifo = self.fifo('run')
        for path, why in ((fifo, 'no regular file'), (self.path('no/such/folder'), 'No such file')):
            result = stranded('run', '--dump', path, '--', LEAKY)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(why, result.stderr)
        self.assertTrue(os.path.exists(fifo))

    def test_a_baseline_behind_a_link(self):
        real = self.path('real.json')
        stranded('gate', '--baseline', real, '--create-baseline', self.fixed)
        os.chmod(real, 0o600)
        link = self.link('link.json', 'real.json')
        stranded('gate', '--baseline', link, '--update-baseline', self.leaky)
        self.assertTrue(os.path.islink(link))
        with open(real, encoding='utf-8') as file:
            self.assertEqual(len(json.load(file)['entries']), 1)
        self.assertEqual(stat.S_IMODE(os.stat(real).st_mode), 0o600)

    def test_a_baseline_and_a_report_into_a_fifo(self):
        for args in (('gate', '--create-baseline', '--baseline'), ('report', '--format', 'json', '-o')):
            with self.subTest(args[0]):
                fifo = self.fifo(args[0])
                json.loads(self.read_while(fifo, lambda a=args, f=fifo: stranded(*a, f, self.leaky)))

    def test_nothing_is_left_beside(self):
        os.mkdir(self.path('alone'))
        dump_to(self.path('alone/a.strd'))
        stranded('gate', '--baseline', self.path('alone/b.json'), '--create-baseline', self.leaky)
        self.assertEqual(sorted(os.listdir(self.path('alone'))), ['a.strd', 'b.json'])

    def test_what_cannot_be_written_is_exit_4_with_the_reason(self):
        for args in (('report', '--format', 'json:/nonexistent/x'), ('gate', '-o', '/nonexistent/x', '--format',
                     'json')):
            result = stranded(*args, self.fixed)
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertIn("json report to '/nonexistent/x': No such file or directory", result.stderr)
        with open('/dev/full', 'w', encoding='utf-8') as device:
            full = subprocess.run([BIN, 'report', '-o', '/proc/self/fd/1', self.leaky], stdout=device,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(full.returncode, 4)
        self.assertIn('No space left on device', full.stderr)

    def test_parallel_updates_keep_all_entries(self):
        known, dumps = self.path('par.json'), []
        for name in ('first_answer', 'pipeline', 'fan_in', 'worker_pool', 'lost_cancel', 'retry_loop'):
            dumps.append(self.path(name + '.strd'))
            dump_to(dumps[-1], os.path.join(SAMPLES, f'sample_{name}_leaky'))
        stranded('gate', '--baseline', known, '--create-baseline', self.fixed)
        for command in [subprocess.Popen([BIN, 'gate', '--baseline', known, '--update-baseline', d],
                                         stdout=subprocess.DEVNULL) for d in dumps]:
            self.assertEqual(command.wait(), 0)
        result = stranded('gate', '--baseline', known, *dumps)
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == '__main__':
    unittest.main()
