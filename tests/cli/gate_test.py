#!/usr/bin/env python3
"""The CI gate: what passes, what fails, baselines and suppressions."""
import json
import os
import unittest

from support import WithDumps, sample, stranded


class Gate(WithDumps):
    def test_fails_on_a_leak_and_passes_without(self):
        failed = stranded('gate', self.leaky)
        self.assertEqual(failed.returncode, 1)
        self.assertIn('FAILED: 1 finding, 1 new', failed.stdout)
        passed = stranded('gate', self.fixed)
        self.assertEqual(passed.returncode, 0)
        self.assertIn('passed: 0 findings', passed.stdout)

    def test_counts_what_the_report_counts(self):
        dump = self.path('lost.strd')
        sample('lost_cancel', 'leaky', f'schedule=controlled:seed=1:dump={dump}')
        for arguments in [dump], [self.leaky]:
            report = stranded('report', '--format', 'json', *arguments)
            gate = stranded('gate', '--format', 'json', *arguments)
            said = [json.loads(r.stdout) for r in (report, gate)]
            self.assertEqual(said[0]['counts'], said[1]['counts'])
            self.assertEqual(said[0]['snapshot'], said[1]['snapshot'])
        both = json.loads(stranded('gate', '--format', 'json', dump, self.leaky).stdout)
        self.assertEqual(both['counts']['contexts'], sum(
            json.loads(stranded('report', '--format', 'json', d).stdout)['counts']['contexts']
            for d in (dump, self.leaky)))

    def test_one_leaking_dump_of_several_fails(self):
        self.assertEqual(stranded('gate', self.fixed, self.leaky, self.fixed).returncode, 1)

    def test_it_cannot_pass_without_a_dump(self):
        self.assertEqual(stranded('gate', self.path('missing')).returncode, 3)
        missing = stranded('gate', self.fixed, self.path('missing'))
        self.assertEqual(missing.returncode, 3)
        self.assertIn('stranded gate CANNOT TELL: 0 findings', missing.stdout)

    def test_what_cannot_be_read_hides_nothing(self):
        with open(self.path('noise'), 'wb') as file:
            file.write(b'noise' * 100)
        xml, json_file = self.path('leaks.xml'), self.path('never.json')
        both = stranded('gate', '--format', f'junit:{xml}', '--format', 'text', self.path('noise'), self.leaky)
        self.assertEqual(both.returncode, 1)
        self.assertIn('rule      cancelled-send', both.stdout)
        self.assertIn('stranded gate FAILED: 1 finding, 1 new', both.stdout)
        self.assertIn(f'missing: {self.path("noise")}: it could not be read', both.stderr)
        self.assertTrue(os.path.exists(xml))
        change = stranded('gate', '--create-baseline', '--baseline', json_file, self.leaky, self.path('noise'))
        self.assertEqual(change.returncode, 3)
        self.assertFalse(os.path.exists(json_file))

    def test_a_command_without_dumps(self):
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
        for bad, why in (('rule=x\n', 'reason'), ('rule=a rule=b reason="x"\n', 'rule= stands twice'),
                         ('rule=cancelled-send file="" reason="x"\n', 'file= has no value'), ('nonsense\n', 'key=value'), ('colour=red reason="x"\n', 'colour')):
            result = self.suppress('# first line\n' + bad)
            self.assertEqual(result.returncode, 3)
            self.assertIn(':2:', result.stderr)
            self.assertIn(why, result.stderr)

    def test_a_report_replaces_nothing_that_the_gate_reads(self):
        known, rules = self.path('mine.json'), self.path('mine.txt')
        stranded('gate', '--baseline', known, '--create-baseline', self.leaky)
        with open(rules, 'w', encoding='utf-8') as file:
            file.write('rule=cancelled-* reason="a demo"\n')
        for what, given in (('baseline', known), ('suppressions', rules)):
            with open(given, encoding='utf-8') as file:
                before = file.read()
            for target in (('--format', f'html:{given}'), ('--format', 'json', '-o', os.path.relpath(given, '/'))):
                result = stranded('gate', f'--{what}', given, *target, self.leaky, cwd='/')
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(f'report would replace the {what}', result.stderr)
            with open(given, encoding='utf-8') as file:
                self.assertEqual(file.read(), before)

    def test_an_empty_text_ignores_nothing(self):
        for command in ('gate', 'report', 'tasks', 'show'):
            result = stranded(command, '--ignore', '', self.leaky, *(['1'] if command == 'show' else []))
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn('--ignore: is empty; give a TEXT', result.stderr)

    def entries(self, path):
        with open(path, encoding='utf-8') as file:
            return json.load(file)['entries']

    def test_rules_not_asked_for_are_not_stale(self):
        known = self.path('rules.json')
        stranded('gate', '--baseline', known, '--create-baseline', self.leaky)
        other = ('gate', '--baseline', known, '--rule', 'nil-channel', self.leaky)
        self.assertEqual(stranded(*other, '--strict-baseline').returncode, 0)
        stranded(*other, '--prune-baseline')
        self.assertEqual(len(self.entries(known)), 1)

    def test_a_dump_that_is_cut_tells_nothing(self):
        known, cut = self.path('cut.json'), self.path('cut.strd')
        stranded('gate', '--baseline', known, '--create-baseline', self.leaky)
        with open(self.leaky, 'rb') as whole, open(cut, 'wb') as half:
            half.write(whole.read()[:900])
        result = stranded('gate', cut)
        self.assertEqual(result.returncode, 3)
        self.assertIn('gate CANNOT TELL', result.stdout)
        self.assertNotIn('passed', result.stdout)
        self.assertIn('missing: the dump is cut off', result.stderr)
        for change in ('--prune-baseline', '--update-baseline', '--create-baseline'):
            changed = stranded('gate', '--baseline', known, change, cut)
            self.assertEqual(changed.returncode, 3, change)
            self.assertIn('left as it is', changed.stderr)
            self.assertEqual(len(self.entries(known)), 1)
        later = stranded('diff', self.leaky, cut)
        self.assertEqual(later.returncode, 3)
        self.assertIn(f'part of {cut} is lost: what is missing there may not be gone', later.stderr)
        earlier = stranded('diff', cut, self.leaky)
        self.assertEqual(earlier.returncode, 3)
        self.assertIn(f'part of {cut} is lost: what is missing there may not be new', earlier.stderr)

    def test_expired_entries_fail_until_they_are_renewed(self):
        known = self.path('expires.json')
        stranded('gate', '--baseline', known, '--create-baseline', '--expires', '2998-01-01', self.leaky)
        self.edit(known, '2998', '2001')
        late = stranded('gate', '--baseline', known, self.leaky)
        self.assertEqual(late.returncode, 1)
        self.assertIn('expired on 2001-01-01', late.stderr)
        stranded('gate', '--baseline', known, '--update-baseline', '--expires', '2999-01-01', '--reason',
                 'still', self.leaky)
        entries = self.entries(known)
        self.assertEqual([(e['expires'], e['reason']) for e in entries], [('2999-01-01', 'still')])
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 0)

    def edit(self, path, old, new):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace(old, new))

    def test_dates_are_real_and_to_come(self):
        known = self.path('dates.json')
        for date, why in (('2030-02-31', 'is not a date'), ('2030-13-01', 'is not a date'),
                          ('2001-01-01', 'is over'), ('soon', 'is not a date')):
            wrong = stranded('gate', '--baseline', known, '--create-baseline', '--expires', date, self.leaky)
            self.assertEqual(wrong.returncode, 2, date)
            self.assertIn(why, wrong.stderr)
        stranded('gate', '--baseline', known, '--create-baseline', '--expires', '2998-01-01', self.leaky)
        self.edit(known, '2998-01-01', '2998-02-30')
        self.assertEqual(stranded('gate', '--baseline', known, self.leaky).returncode, 3)

    def test_reason_and_expires_are_of_entries_that_are_added(self):
        for option in (('--reason', 'x'), ('--expires', '2998-01-01')):
            wrong = stranded('gate', *option, self.leaky)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn(f'{option[0]} requires --create-baseline or --update-baseline', wrong.stderr)

    def test_a_baseline_of_a_later_version(self):
        known = self.path('later.json')
        stranded('gate', '--baseline', known, '--create-baseline', self.leaky)
        self.edit(known, '"version": 1', '"version": 9')
        later = stranded('gate', '--baseline', known, self.leaky)
        self.assertEqual(later.returncode, 3)
        self.assertIn('has version 9; this program reads version 1', later.stderr)

    def test_a_folder_is_neither_baseline_nor_suppressions(self):
        for option in ('--baseline', '--suppressions'):
            wrong = stranded('gate', option, self.dir.name, self.leaky)
            self.assertEqual(wrong.returncode, 3, wrong.stderr)
            self.assertIn('Is a directory; give a file', wrong.stderr)
        dumps = stranded('gate', self.dir.name + '/')
        self.assertEqual(dumps.returncode, 3)
        self.assertIn(f'it is a folder; write {self.dir.name}/*.strd', dumps.stderr)

    def test_what_a_filter_hides_is_told(self):
        hidden = stranded('gate', '--rule', 'nil-channel', self.leaky)
        self.assertEqual(hidden.returncode, 0)
        self.assertIn('0 findings, 0 new, 0 in the baseline, 0 suppressed, 1 left out by --rule or --ignore',
                      hidden.stdout)

    def test_known_findings_are_not_called_nothing(self):
        known = self.path('known2.json')
        stranded('gate', '--baseline', known, '--create-baseline', self.leaky)
        result = stranded('gate', '--format', 'text', '--baseline', known, self.leaky)
        self.assertNotIn('nothing is stranded', result.stdout)
        self.assertIn('1 in the baseline', result.stdout)

    def test_a_suppression_is_ready_to_use(self):
        for args, reason in (((), 'not judged yet'), (('--reason', 'say "no"'), "say 'no'")):
            entry = stranded('suppress', self.leaky, 'all', *args).stdout
            self.assertIn(reason, entry)
            self.assertEqual(self.suppress(entry).returncode, 0)

    def test_shards_are_named(self):
        result = stranded('gate', self.leaky, self.fixed, self.leaky)
        self.assertIn(f'Seen in {self.leaky}; 8 tasks in all.', result.stdout)
        self.assertEqual(result.stdout.count('cancelled-send, proven'), 1)

    def test_the_self_test_fails_as_it_should(self):
        result = stranded('gate', '--self-test')
        self.assertEqual(result.returncode, 1)
        self.assertIn('the planted leak was caught', result.stdout)

    def test_other_files_are_not_replaced_by_a_baseline(self):
        code = self.path('v.cc')
        with open(code, 'w', encoding='utf-8') as file:
            file.write('int main() {}\n')
        for other in (code, self.leaky):
            with open(other, 'rb') as file:
                before = file.read()
            done = stranded('gate', '--create-baseline', '--baseline', other, self.leaky)
            self.assertEqual(done.returncode, 2)
            self.assertIn('is no Stranded baseline: it is not replaced', done.stderr)
            with open(other, 'rb') as file:
                self.assertEqual(file.read(), before)
        open(self.path('empty'), 'w', encoding='utf-8').close()
        for again in range(2):
            done = stranded('gate', '--create-baseline', '--baseline', self.path('empty'), self.leaky)
            self.assertEqual((again, done.returncode), (again, 0))

    def test_a_change_of_the_baseline_judges_nothing(self):
        for flag in ('--create-baseline', '--update-baseline', '--prune-baseline'):
            for other in (('--format', 'json'), ('--fail-on', 'all'), ('--strict-baseline',)):
                done = stranded('gate', flag, '--baseline', self.path('b.json'), *other, self.leaky)
                self.assertEqual(done.returncode, 2, (flag, other))
        self.assertFalse(os.path.exists(self.path('b.json')))

    def test_a_file_that_is_no_baseline(self):
        self.assertEqual(stranded('gate', '--baseline', self.leaky, self.leaky).returncode, 3)


if __name__ == '__main__':
    unittest.main()
