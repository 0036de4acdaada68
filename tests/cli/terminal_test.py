#!/usr/bin/env python3
"""Colour, width, characters, progress, and pipes that close early."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import unittest

from support import BIN, SOURCE, WithDumps, stranded

ESC = '\x1b['
MARK = b'\x04end of the output\x04'


def on_terminal(*args, env=None, columns=80, stdin=subprocess.DEVNULL, after_reading=None):
    """Runs the program with all of its output on a terminal; returns exit code and output."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in ('NO_COLOR', 'COLUMNS', 'LC_ALL')}
    full = {**clean, 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', **(env or {})}
    process = subprocess.Popen([BIN, *args], stdin=stdin, stdout=slave, stderr=slave,
                               env=full, cwd=SOURCE)
    # The terminal stays open here: what is still on its way when its last user leaves may be lost.
    ended = os.pidfd_open(process.pid)
    watched = [master, ended]
    output = b''
    while not output.endswith(MARK):
        ready = select.select(watched, [], [])[0]
        if master in ready:
            output += os.read(master, 65536)
            if after_reading is not None:
                after_reading(output)
        else:
            watched.remove(ended)
            os.write(slave, MARK)
    for file in (master, slave, ended):
        os.close(file)
    return process.wait(), output.removesuffix(MARK).decode().replace('\r\n', '\n')


class Terminal(WithDumps):
    def test_color(self):
        self.assertIn(ESC, on_terminal('report', self.leaky)[1])
        for env in ({'NO_COLOR': '1'}, {'TERM': 'dumb'}):
            self.assertNotIn(ESC, on_terminal('report', self.leaky, env=env)[1])
        self.assertIn(ESC, on_terminal('report', self.leaky, env={'NO_COLOR': ''})[1])
        self.assertIn(ESC, on_terminal('report', '--color=always', self.leaky, env={'NO_COLOR': '1'})[1])
        self.assertNotIn(ESC, on_terminal('report', '--color', 'never', self.leaky)[1])
        self.assertNotIn(ESC, stranded('report', self.leaky).stdout)

    def test_no_color_in_a_file(self):
        path = self.path('report.txt')
        on_terminal('report', '-o', path, self.leaky)
        with open(path, encoding='utf-8') as file:
            self.assertNotIn(ESC, file.read())

    def test_tables_fit_the_terminal(self):
        for columns in (60, 80, 200):
            code, text = on_terminal('tasks', self.leaky, columns=columns)
            self.assertEqual(code, 0)
            self.assertEqual(max(map(len, text.splitlines())) <= columns, True, text)
            self.assertEqual(text.count(':36'), 4)  # the end of a place is never cut away
        self.assertIn('…', on_terminal('tasks', self.leaky, columns=60)[1])
        narrow = stranded('tasks', self.leaky, env={'COLUMNS': '60', 'LC_ALL': 'C.UTF-8'}).stdout
        self.assertLessEqual(max(map(len, narrow.splitlines())), 60)
        self.assertNotIn('…', stranded('tasks', self.leaky, env={'COLUMNS': ''}).stdout)

    def test_reports_are_wrapped_on_a_terminal_only(self):
        code, text = on_terminal('report', '--color', 'never', self.leaky, columns=70)
        self.assertEqual(code, 1)
        words = stranded('report', self.leaky).stdout
        self.assertEqual(text.split(), words.split())
        wrapped = text[:text.index('--- a/')].splitlines()
        for line in wrapped:
            self.assertTrue(len(line) <= 70 or ' ' not in line.strip(), line)
        self.assertGreater(len(wrapped), len(words[:words.index('--- a/')].splitlines()))
        self.assertIn('\n-  Chan<std::string> answers;\n+  Chan<std::string> answers(4);\n', text)

    def test_pages_and_rules_are_wrapped_below_their_text(self):
        page = on_terminal('show', '--color', 'never', self.leaky, '2', columns=60)[1]
        self.assertIn('\n' + ' ' * 12 + 'samples/first_answer/leaky.cc:36', page)
        for rule in ((), ('cancelled-send',)):
            text = on_terminal('explain', *rule, columns=60)[1]
            self.assertLessEqual(max(map(len, text.splitlines())), 60)
            self.assertEqual(text.split(), stranded('explain', *rule).stdout.split())

    def test_ascii_where_the_locale_is_not_utf8(self):
        drawn = stranded('tree', self.leaky, env={'LC_ALL': 'C.UTF-8'}).stdout
        plain = stranded('tree', self.leaky, env={'LC_ALL': 'C'}).stdout
        self.assertIn('└─ ', drawn)
        self.assertTrue(plain.isascii())
        self.assertEqual(plain, drawn.replace('├─ ', '|- ').replace('└─ ', '`- ').replace('│', '|'))

    def test_names_cannot_write_escape_sequences(self):
        with open(self.leaky, 'rb') as file:
            data = file.read()
        self.assertIn(b'fetch', data)
        hostile = self.path('hostile.strd')
        go = 'goroutine 7 [chan send, 9 minutes]:\nmain.\x1b[8m\x1b]0;title\x07f(...)\n\t/a/b.go:3 +0x1\n'
        with open(hostile, 'w', encoding='utf-8') as file:
            file.write(go)
        for command in ('report', 'tasks', 'tree'):
            text = stranded(command, hostile).stdout
            self.assertIn('title', text, command)
            for bad in ('\x1b', '\x07'):
                self.assertNotIn(bad, text, command)

    def test_names_write_no_lines_and_no_escape_sequences_anywhere(self):
        hostile, out = self.path('names.txt'), self.path('names.out')
        with open(hostile, 'w', encoding='utf-8') as file:
            file.write('goroutine 7 [chan send (nil chan), 9 minutes]:\nmain.a\x1b[0mb\tc\x9b2J"d(...)\n'
                       '\t/a/b.go:3 +0x1\n')
        before = self.path('before.txt')
        with open(before, 'w', encoding='utf-8') as file:
            file.write('goroutine 1 [running]:\nmain.b(...)\n\t/a/b.go:9 +0x1\n')
        plain = 'main.a\\x1b[0mb\\tc\\x9b2J"d'
        stranded('report', '-o', out, hostile)
        with open(out, encoding='utf-8') as file:
            texts = [file.read()]
        texts += [stranded(*args, env={'LC_ALL': 'C.UTF-8'}).stdout for args in (
            ('report', hostile), ('tasks', hostile), ('tree', hostile), ('show', hostile, '7'),
            ('diff', before, hostile), ('suppress', hostile, 'all'))]
        for text in texts:
            self.assertIn('main.a', text)
            for bad in ('\x1b', '\t', '\x9b'):
                self.assertNotIn(bad, text)
        self.assertIn(plain, texts[0])
        entry = self.path('names.supp')
        with open(entry, 'w', encoding='utf-8') as file:
            file.write(texts[-1])
        self.assertEqual(stranded('gate', '--suppressions', entry, hostile).returncode, 0)

    def test_a_reader_that_leaves_is_no_error(self):
        for command in ('report', 'tasks', 'tree', 'explain'):
            args = [BIN, command] + ([self.leaky] if command != 'explain' else [])
            process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCE)
            process.stdout.close()  # nobody reads any more, before anything is written
            self.assertEqual(process.stderr.read(), b'')
            process.stderr.close()
            self.assertEqual(process.wait(), -signal.SIGPIPE)

    def test_files_are_written_before_the_reader_can_leave(self):
        path = self.path('early.json')
        process = subprocess.Popen([BIN, 'gate', '--format', 'text', '--format', f'json:{path}', self.leaky],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=SOURCE)
        process.stdout.close()
        process.wait()
        with open(path, encoding='utf-8') as file:
            self.assertEqual(json.load(file)['format'], 'stranded-report')

    def test_a_full_disk_is_an_error(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            for args in (('report', self.leaky), ('gate', self.fixed), ('--help',)):
                result = subprocess.run([BIN, *args], stdout=full, stderr=subprocess.PIPE, text=True,
                                        cwd=SOURCE, check=False)
                self.assertEqual(result.returncode, 4, args)
                self.assertIn('cannot write to standard output', result.stderr)


class Progress(WithDumps):
    def test_slow_reading_is_told_and_wiped(self):
        # Input that does not come is as slow as can be; it is given once progress was seen.
        with open(self.leaky, 'rb') as file:
            data = file.read()
        read_end, write_end = os.pipe()
        left = [write_end]

        def feed(output):
            if b'reading' in output and left:
                os.write(left[0], data)
                os.close(left.pop())
        code, text = on_terminal('report', '--color', 'never', '-', stdin=read_end, after_reading=feed)
        os.close(read_end)
        self.assertEqual(code, 1)
        self.assertLess(len(data), 65536)  # fits the pipe
        last = text[:text.index('stranded: 1 finding')]
        self.assertTrue(last.endswith('\r\x1b[K'), repr(last[-40:]))

    def test_none_without_a_terminal(self):
        self.assertEqual(stranded('report', self.leaky).stderr, '')


if __name__ == '__main__':
    unittest.main()
