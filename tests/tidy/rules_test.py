#!/usr/bin/env python3
"""The checker finds what it should and nothing else."""
import unittest

from rules import check_text


def messages(path, text):
    return [m for _, m in check_text(path, text)]


class Rules(unittest.TestCase):
    def test_clean_file(self):
        self.assertEqual(messages('cli/main.cc', '#include "cli/commands/command.h"\n'), [])

    def test_long_file_and_line(self):
        self.assertEqual(len(messages('cli/main.cc', 'int x;\n' * 451)), 1)
        self.assertEqual(len(messages('cli/main.cc', 'x' * 101)), 1)

    def test_directions(self):
        self.assertEqual(len(messages('runtime_hooks/a/b.cc', '#include "detector/x.h"\n')), 1)
        self.assertEqual(len(messages('detector/a.cc', '#include "runtime_hooks/x.h"\n')), 1)
        self.assertEqual(messages('detector/a.cc', '#include "detector/x.h"\n'), [])

    def test_words_and_paths(self):
        self.assertEqual(len(messages('docs/a.md', '# TO' + 'DO: later')), 1)
        self.assertEqual(len(messages('docs/a.md', 'see /ho' + 'me/me/x')), 1)

    def test_guard_and_macro(self):
        good = '#ifndef STRANDED_DETECTOR_A_B_H_\n#define STRANDED_DETECTOR_A_B_H_\n#endif\n'
        self.assertEqual(messages('detector/a/b.h', good), [])
        self.assertEqual(len(messages('detector/a/c.h', good)), 1)
        public = '#ifndef STRANDED_DETECTOR_X_H_\n#define CHECK(x) x\n#endif\n'
        self.assertEqual(len(messages('detector/include/stranded/x.h', public)), 1)


if __name__ == '__main__':
    unittest.main()
