#!/usr/bin/env python3
"""Wrong input and wrong flags: a clear message, the right exit code, no crash."""
import struct
import unittest
import zlib

from support import WithDumps, stranded


def varint(n):
    out = b''
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def packet(body):
    inner = b'\x0d' + struct.pack('<I', zlib.crc32(body)) + body
    return b'\x0a' + varint(len(inner)) + inner


class WrongInput(WithDumps):
    def refused(self, data, why):
        path = self.path('input')
        with open(path, 'wb') as file:
            file.write(data)
        for result in (stranded('report', path), stranded('gate', path),
                       stranded('report', '-', stdin=data)):
            self.assertEqual(result.returncode, 3)
            self.assertIn(why, result.stderr if isinstance(result.stderr, str) else result.stderr.decode())

    def test_missing_and_directory(self):
        missing = stranded('report', self.path('nowhere'))
        self.assertEqual(missing.returncode, 3)
        self.assertIn('No such file', missing.stderr)
        self.assertEqual(stranded('report', self.dir.name).returncode, 3)

    def test_empty_and_foreign(self):
        self.refused(b'', 'is empty')
        self.refused(b'\x7fELF' + bytes(500), 'not a Stranded dump')
        self.refused(b'x', 'in 1 byte. Dumps are written by STRANDED_OPTIONS=dump=FILE or WriteDump(); goroutine')
        self.refused(b'just some log lines\nand no dump\n', 'not a Stranded dump')

    def test_newer_version(self):
        header = b'\x08\x09\x10\x02' + b'\x1a\x0e' + b'stranded 9.2.0'
        self.refused(packet(b'\x12' + varint(len(header)) + header), 'version 9.2')

    def test_cut_anywhere(self):
        with open(self.leaky, 'rb') as file:
            data = file.read()
        for size in list(range(1, 40)) + [len(data) // 3, len(data) // 2, len(data) - 1]:
            path = self.path('cut')
            with open(path, 'wb') as file:
                file.write(data[:size])
            result = stranded('report', path)
            self.assertEqual(result.returncode, 1 if 'cancelled-send' in result.stdout else 3, size)
            self.assertEqual(stranded('gate', path).returncode, result.returncode, size)
            self.assertTrue('cut off' in result.stdout or 'not a Stranded dump' in result.stderr, size)

    def test_damage_is_counted_and_the_rest_is_read(self):
        with open(self.leaky, 'rb') as file:
            data = bytearray(file.read())
        data[len(data) // 4] ^= 0xff
        path = self.path('damaged')
        with open(path, 'wb') as file:
            file.write(data)
        # What was found in the rest is there, whatever else was lost.
        result = stranded('report', path)
        self.assertEqual(result.returncode, 1)
        self.assertIn('missing:', result.stdout)
        self.assertIn('tasks alive', result.stdout)
        gate = stranded('gate', path)
        self.assertEqual(gate.returncode, 1)
        self.assertIn('gate FAILED', gate.stdout)
        both = stranded('report', path, self.fixed)
        self.assertEqual(both.returncode, 1)

    def test_a_dump_without_its_contexts_has_a_tree(self):
        with open(self.leaky, 'rb') as whole:
            data = whole.read()
        sizes = 0
        for size in range(200, len(data), 20):
            cut = self.path('cut.strd')
            with open(cut, 'wb') as file:
                file.write(data[:size])
            tasks = stranded('tasks', cut).stdout.splitlines()[1:]
            if not tasks:
                continue
            sizes += 1
            self.assertNotIn('no contexts and no tasks', stranded('tree', cut).stdout, size)
        self.assertGreater(sizes, 0)

    def test_perfetto_shows_one_dump(self):
        result = stranded('report', '--format', 'perfetto', self.leaky, self.fixed)
        self.assertEqual(result.returncode, 2)
        self.assertIn('perfetto shows one dump; give one\n', result.stderr)

    def test_every_command_tells_what_is_lost(self):
        cut = self.path('cut.strd')
        with open(self.leaky, 'rb') as whole, open(cut, 'wb') as file:
            file.write(whole.read()[:2000])
        for command in (('report', cut), ('tasks', cut), ('tree', cut), ('show', cut, '99'),
                        ('suppress', cut, 'all'), ('gate', cut)):
            result = stranded(*command)
            self.assertEqual(result.returncode, 3, command)
            self.assertIn('missing: the dump is cut off', result.stdout + result.stderr, command)

    def test_options_that_were_misspelt_are_named(self):
        for args, named in ((('report', '-d.strd'), "no option '-d.strd'"), (('-v',), "no option '-v'"),
                            (('-x',), "stranded: no option '-x'\n"),
                            (('report', '--format', 'json:', 'f'), "'json:' names no file"),
                            (('report', '-o', '', 'f'), '--output: is empty; give a FILE'),
                            (('report', '--growth', 'abc', 'f'), "'abc' is not a whole number of 1 or more"),
                            (('report', '--growth', '9' * 20, 'f'), "is too much; at most 1099511627776"),
                            (('explore', '--schedules', '9' * 11, '--', 'f'), 'is too much; at most 2147483647'),
                            (('explore', '--seed', '-1', '--', 'f'), "'-1' is not a whole number of 0 or more"),
                            (('report', '-', '-'), 'standard input, -, was given twice'),
                            (('gate', '-', '-'), 'standard input, -, was given twice'),
                            (('diff', '-', '-'), 'standard input, -, was given twice'),
                            (('report', '--live', self.leaky), 'is no trace file of a process'),
                            (('report', '-o', 'a', '-o', 'b', 'f'), '--output can be given only once')):
            result = stranded(*args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn(named, result.stderr, args)

    def test_nothing_to_suppress_is_said(self):
        result = stranded('suppress', self.fixed, 'all')
        self.assertEqual((result.returncode, result.stdout), (0, ''))
        self.assertIn('nothing to suppress', result.stderr)

    def test_a_finding_by_its_number(self):
        by_id = stranded('suppress', self.leaky, 'all')
        self.assertEqual(stranded('suppress', self.leaky, 'finding:1').stdout, by_id.stdout)
        self.assertEqual(stranded('suppress', self.leaky, 'finding:2').returncode, 2)

    def test_wrong_flags(self):
        for args, named in ((('report', '--format', 'xml', 'f'), ('--format', 'json')),
                            (('report', '--rule', 'nonsense', 'f'), ('--rule', 'cancelled-send')),
                            (('report', '--no-such-flag', 'f'), ('--no-such-flag',)),
                            (('tasks', '--sort', 'colour', 'f'), ('--sort', 'age')),
                            (('gate', '--create-baseline', 'f'), ('--baseline',)),
                            (('repor',), ('repor', 'report'))):
            result = stranded(*args)
            self.assertEqual(result.returncode, 2, args)
            for text in named:
                self.assertIn(text, result.stdout + result.stderr, args)


if __name__ == '__main__':
    unittest.main()
