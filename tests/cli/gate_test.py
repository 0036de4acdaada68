#!/usr/bin/env python3
"""The CI gate: what passes, what fails, baselines and suppressions."""
import json
import unittest

from support import WithDumps, stranded


class Gate(WithDumps):
    def test_fails_on_a_leak_and_passes_without(self):
        failed = stranded('gate', self.leaky)
        self.assertEqual(failed.returncode, 1)
        self.assertIn('FAILED: 1 finding, 1 new', failed.stdout)
        passed = stranded('gate', self.fixed)
        self.assertEqual(passed.returncode, 0)
        self.assertIn('passed: 0 findings', passed.stdout)

    def test_one_leaking_dump_of_several_fails(self):
        self.assertEqual(stranded('gate', self.fixed, self.leaky, self.fixed).returncode, 1)

    def test_it_cannot_pass_without_a_dump(self):
        self.assertEqual(stranded('gate', self.path('missing')).returncode, 3)
        self.assertEqual(stranded('gate', self.fixed, self.path('missing')).returncode, 3)
        self.assertEqual(stranded('gate').returncode, 2)

    def test_baseline(self):
        known = self.path('known.json')
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 3)
        made = stranded('gate', '--baseline', known, '--create-baseline', '--reason', 'legacy', self.leaky)
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(known, encoding='utf-8') as file:
            entry = json.load(file)['entries'][0]
        self.assertEqual((entry['rule'], entry['reason']), ('cancelled-send', 'legacy'))
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 0)
        stale = stranded('gate', '--baseline', known, self.fixed)
        self.assertEqual(stale.returncode, 0)
        self.assertIn('stale baseline entry ' + entry['fingerprint'], stale.stderr)
        stranded('gate', '--baseline', known, '--prune-baseline', self.fixed)
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 1)
        stranded('gate', '--baseline', known, '--update-baseline', self.leaky)
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 0)

    def suppress(self, text):
        path = self.path('suppressions')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return stranded('gate', '--suppressions', path, self.leaky)

    def test_suppressions(self):
        hit = self.suppress('# known\nrule=cancelled-* file=*leaky.cc reason="a demo"\n')
        self.assertEqual(hit.returncode, 0, hit.stderr)
        self.assertIn('1 suppressed', hit.stdout)
        unused = self.suppress('rule=lost-cancel reason="never seen"\n')
        self.assertEqual(unused.returncode, 1)
        self.assertIn('unused suppression at', unused.stderr)

    def test_bad_suppressions_name_the_line(self):
        for bad, why in (('rule=x\n', 'reason'), ('nonsense\n', 'key=value'), ('colour=red reason="x"\n', 'colour')):
            result = self.suppress('# first line\n' + bad)
            self.assertEqual(result.returncode, 2)
            self.assertIn(':2:', result.stderr)
            self.assertIn(why, result.stderr)

    def test_a_file_that_is_no_baseline(self):
        self.assertEqual(stranded('gate', '--baseline', self.leaky, self.leaky).returncode, 3)


if __name__ == '__main__':
    unittest.main()
