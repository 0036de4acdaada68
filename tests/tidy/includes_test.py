#!/usr/bin/env python3
"""The checker finds an include that is missing, and nothing where it comes by way of another."""
import unittest

from includes import Project

LINES = 'inline constexpr int kMost = 3;\nstruct Header {\n};\nbool Parse(int x);\n'
TEXTS = {
    'detector/a/lines.h': LINES,
    'detector/a/more.h': '#include "detector/a/lines.h"\n',
    'detector/include/stranded/open.h': 'class Open {\n};\n',
}


def missing(text, path='detector/a/b.cc'):
    return [name for name, _ in Project({**TEXTS, path: text}).missing(path)]


class Includes(unittest.TestCase):
    def test_missing(self):
        self.assertEqual(missing('int x = kMost;\n'), ['kMost'])
        self.assertEqual(missing('Header h;\n'), ['Header'])
        self.assertEqual(missing('bool y = Parse(1);\n'), ['Parse'])
        self.assertEqual(missing('Open o;\n', 'cli/b.cc'), ['Open'])

    def test_included(self):
        self.assertEqual(missing('#include "detector/a/lines.h"\nint x = kMost;\n'), [])
        self.assertEqual(missing('#include "detector/a/more.h"\nint x = kMost;\n'), [])
        self.assertEqual(missing('#include <stranded/open.h>\nOpen o;\n'), [])

    def test_other_things_of_that_name(self):
        self.assertEqual(missing('// kMost\nauto s = "Header";\n'), [])
        self.assertEqual(missing('enum class Kind { kMost, kLeast };\n'), [])
        self.assertEqual(missing('using Header = int;\nHeader h;\n'), [])
        self.assertEqual(missing('x.Parse(1); y->Parse(2); Other::Parse(3);\n'), [])
        self.assertEqual(missing('Header h;\n', 'runtime_hooks/a/b.cc'), [])


if __name__ == '__main__':
    unittest.main()
