#!/usr/bin/env python3
"""The ready-made gate for CI: its script, the GitHub action, the GitLab template, the example."""
import json
import os
import re
import unittest
import xml.etree.ElementTree as xml

import yaml

from support import BIN, PROGRAMS, SOURCE, WithDumps, run, stranded

GATE = os.path.join(SOURCE, 'ci/gate.sh')
SERVICE = os.environ['STRANDED_EXAMPLE']


def load(path):
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        return yaml.safe_load(file)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class Example(unittest.TestCase):
    def test_relative_paths(self):
        result = run('bash', 'ci/example/try.sh', os.path.relpath(SERVICE, SOURCE), os.path.relpath(BIN, SOURCE),
                     env={'GITHUB_ACTIONS': ''})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Script(WithDumps):
    def gate(self, *args, **env):
        return run('bash', GATE, '--stranded', BIN, *args, env={'GITHUB_ACTIONS': '', **env}, cwd=self.dir.name)

    def test_a_command_is_run_and_judged(self):
        leaking = self.gate('--', SERVICE)
        self.assertEqual(leaking.returncode, 1, leaking.stdout + leaking.stderr)
        self.assertIn('cancelled-send', leaking.stdout)
        self.assertIn('stranded gate FAILED: 1 finding, 1 new', leaking.stdout)

    def test_installed_it_finds_its_own_program(self):
        for name in ('bin', 'share/stranded/ci'):
            os.makedirs(self.path('prefix/' + name))
        os.symlink(BIN, self.path('prefix/bin/stranded'))
        script = self.path('prefix/share/stranded/ci/gate.sh')
        with open(script, 'w', encoding='utf-8') as file:
            file.write(read(GATE))
        os.symlink(script, self.path('linked'))
        for path in (script, self.path('linked')):
            result = run('bash', path, '--dumps', self.fixed, env={'GITHUB_ACTIONS': '', 'PATH': '/usr/bin:/bin'},
                         cwd=self.dir.name)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        os.remove(self.path('prefix/bin/stranded'))
        missing = run('bash', script, '--dumps', self.fixed, env={'PATH': '/usr/bin:/bin'}, cwd=self.dir.name)
        self.assertEqual(missing.returncode, 4)

    def test_it_never_passes_on_nothing(self):
        for args in (('--', 'true'), ('--', SERVICE, '--idle'), ('--', os.path.join(PROGRAMS, 'no_runtime')),
                     ('--dumps', 'nowhere/*.strd'), ('--at-least', '2', '--dumps', self.fixed)):
            result = self.gate(*args)
            self.assertEqual(result.returncode, 3, args)
            self.assertIn('this is no pass', result.stderr)
        self.assertIn('gate: 1 dump, at least 2 expected', result.stderr)
        self.assertEqual(self.gate().returncode, 2)
        self.assertEqual(self.gate('--frobnicate', 'x').returncode, 2)
        self.assertEqual(self.gate('--dumps', self.fixed).returncode, 0)

    def test_a_number_of_dumps_that_is_none_is_refused(self):
        for bad in ('abc', '', '0', '-1', '1x', '9' * 20):
            result = self.gate('--at-least', bad, '--dumps', self.fixed)
            self.assertEqual(result.returncode, 2, bad)
            self.assertIn('--at-least needs a number', result.stderr)

    def test_any_folder_for_temporary_files_will_do(self):
        for name in ('two words', 'a:colon', 'a*star', 'plain'):
            os.mkdir(self.path(name))
            for folder in (self.path(name), name):
                result = self.gate('--', SERVICE, TMPDIR=folder)
                self.assertEqual(result.returncode, 1, (folder, result.stderr))
                self.assertIn('1 finding, 1 new', result.stdout)
            self.assertEqual(os.listdir(self.path(name)), [])

    def test_the_self_test_leaves_the_user_s_dump_alone(self):
        for mine in ('mine.strd', 'mine/%p.strd'):
            options = f'dump={self.path(mine)}:record=off:trace_file={self.path("mine.trace")}'
            os.makedirs(self.path('mine'), exist_ok=True)
            by_itself = run(BIN, 'gate', '--self-test', env={'STRANDED_OPTIONS': options})
            self.assertEqual(by_itself.returncode, 1, by_itself.stderr)
            self.assertEqual(self.gate('--dumps', self.fixed, STRANDED_OPTIONS=options).returncode, 0)
        for left in ('mine.strd', 'mine.trace'):
            self.assertFalse(os.path.exists(self.path(left)), left)
        self.assertEqual(os.listdir(self.path('mine')), [])

    def test_a_gate_that_catches_nothing_is_found_out(self):
        blind = self.path('blind')
        with open(blind, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\nexit 0\n')
        os.chmod(blind, 0o755)
        result = self.gate('--stranded', blind, '--dumps', self.leaky)
        self.assertEqual(result.returncode, 4)
        self.assertIn('would pass anything', result.stderr)

    def test_each_process_leaves_its_own_dump(self):
        result = self.gate('--summary', self.path('shards.md'), '--', 'bash', '-c', f'{SERVICE}; {SERVICE} --new-leak')
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn('2 findings, 2 new', result.stdout)
        self.assertIn('from 2 dumps.', read(self.path('shards.md')))

    def test_dumps_are_kept_where_one_says(self):
        for folder in ('kept', 'a*star', 'a b/c'):
            result = self.gate('--keep-dumps', folder, '--summary', self.path('kept.md'), '--', SERVICE)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertNotIn('removed', result.stderr)
            self.assertIn('from 1 dump.', read(self.path('kept.md')))
            dump, = os.listdir(self.path(folder))
            self.assertIn('rate', stranded('tasks', os.path.join(self.path(folder), dump)).stdout)
            # Those of another run would be judged, too.
            again = self.gate('--keep-dumps', folder, '--', SERVICE)
            self.assertEqual((again.returncode, os.listdir(self.path(folder))), (2, [dump]))
            self.assertIn('dumps of another run', again.stderr)
        self.assertEqual(self.gate('--keep-dumps', 'a:colon', '--', SERVICE).returncode, 2)
        self.assertEqual(self.gate('--keep-dumps', 'none', '--dumps', self.leaky).returncode, 2)
        self.assertEqual(self.gate('--keep-dumps', '/dev/null/x', '--', SERVICE).returncode, 4)
        self.assertIn('--keep-dumps DIR keeps them', self.gate('--', SERVICE).stderr)
        self.assertNotIn('--keep-dumps', self.gate('--dumps', self.leaky).stderr)

    def test_a_baseline_is_made_and_kept_up(self):
        known = self.path('made.json')
        for change, command in (('--create-baseline', (SERVICE,)), ('--update-baseline', (SERVICE, '--new-leak'))):
            self.assertEqual(self.gate('--baseline', known, '--', *command).returncode, 1)
            made = self.gate('--baseline', known, change, '--reason', 'see #12', '--', *command)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(self.gate('--baseline', known, '--', *command).returncode, 0)
        self.assertEqual([e['reason'] for e in json.loads(read(known))['entries']], ['see #12'] * 2)
        fresh = self.gate('--baseline', self.path('fresh.json'), '--update-baseline', '--', SERVICE)
        self.assertEqual(fresh.returncode, 0, fresh.stderr)
        self.assertEqual(self.gate('--baseline', self.path('fresh.json'), '--', SERVICE).returncode, 0)
        # A run that says nothing, or fails, is no pass here either.
        self.assertEqual(self.gate('--baseline', known, '--create-baseline', '--', 'true').returncode, 3)
        failed = self.gate('--baseline', known, '--create-baseline', '--', 'bash', '-c', f'{SERVICE}; exit 7')
        self.assertEqual(failed.returncode, 7)
        self.assertIn('the baseline is written, but the command ended with 7', failed.stderr)
        for wrong in (('--create-baseline',), ('--reason', 'x'), ('--baseline', known, '--reason', 'x')):
            self.assertEqual(self.gate(*wrong, '--dumps', self.leaky).returncode, 2, wrong)

    def test_the_command_s_own_failure_is_kept(self):
        self.assertEqual(self.gate('--dumps', self.fixed, '--', 'bash', '-c', 'exit 7').returncode, 7)
        self.assertEqual(self.gate('--', 'bash', '-c', f'{SERVICE}; exit 7').returncode, 1)

    def test_the_example_repository(self):
        result = run('bash', os.path.join(SOURCE, 'ci/example/try.sh'), SERVICE, BIN, env={'GITHUB_ACTIONS': ''})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual([int(n) for n in re.findall(r'exit (\d)$', result.stdout, re.M)],
                         [1, 0, 0, 1, 1, 3, 3, 3, 3, 3])


class GithubAction(WithDumps):
    def act(self, **given):
        """Runs the action's steps as GitHub does; returns exit code, output, outputs and summary."""
        action = load('ci/github/action.yml')
        inputs = {name: str(spec.get('default', '')) for name, spec in action['inputs'].items()}
        inputs.update({'stranded': BIN, **given})

        def fill(text):
            known = {f'inputs.{name}': value for name, value in inputs.items()}
            known['github.action_path'] = os.path.join(SOURCE, 'ci/github')
            return re.sub(r'\$\{\{ *(.*?) *\}\}', lambda m: known[m.group(1)], text)

        outputs, summary = self.path('outputs'), self.path('summary')
        for path in (outputs, summary):
            open(path, 'w', encoding='utf-8').close()
        self.assertEqual(action['runs']['using'], 'composite')
        for step in action['runs']['steps']:
            self.assertEqual(step['shell'], 'bash')
            env = {name: fill(str(value)) for name, value in step['env'].items()}
            result = run('bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c', fill(step['run']),
                         cwd=self.dir.name, env={**env, 'GITHUB_ACTIONS': 'true', 'GITHUB_OUTPUT': outputs,
                                                 'GITHUB_STEP_SUMMARY': summary})
            if result.returncode != 0:
                break
        step_outputs = dict(line.split('=', 1) for line in read(outputs).splitlines())
        return result, step_outputs, read(summary)

    def test_its_inputs_are_all_used_and_its_outputs_set(self):
        action = load('ci/github/action.yml')
        step = action['runs']['steps'][0]
        used = set(re.findall(r'inputs\.([a-z-]+)', ' '.join(map(str, step['env'].values()))))
        self.assertEqual(used, set(action['inputs']))
        for spec in action['inputs'].values():
            self.assertTrue(spec['description'])
        for output in action['outputs'].values():
            self.assertIn(f"steps.{step['id']}.outputs.", output['value'])

    def test_a_new_leak_fails_with_annotations_and_a_summary(self):
        result, outputs, summary = self.act(command=SERVICE, sarif='leaks.sarif', junit='leaks.xml')
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(outputs, {'result': 'failed'})
        self.assertIn('::error file=ci/example/service.cc,line=', result.stdout)
        self.assertIn('cancelled-send', summary)
        self.assertIn('stranded gate FAILED: 1 finding, 1 new', summary)
        self.assertEqual(json.loads(read(self.path('leaks.sarif')))['version'], '2.1.0')
        self.assertEqual(xml.parse(self.path('leaks.xml')).getroot().get('failures'), '1')

    def test_a_known_leak_passes(self):
        dump, known = self.path('service.strd'), self.path('known.json')
        run(SERVICE, env={'STRANDED_OPTIONS': f'dump={dump}'})
        run(BIN, 'gate', '--baseline', known, '--create-baseline', dump)
        result, outputs, summary = self.act(command=SERVICE, baseline=known)
        self.assertEqual((result.returncode, outputs), (0, {'result': 'passed'}), result.stderr)
        self.assertNotIn('::error', result.stdout)
        self.assertIn('1 in the baseline', summary)

    def test_dumps_are_kept(self):
        result, _, _ = self.act(command=SERVICE, **{'keep-dumps': 'kept-by-action'})
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(len(os.listdir(self.path('kept-by-action'))), 1)

    def test_nothing_to_judge_is_no_pass(self):
        for given in ({'command': 'true'}, {'dumps': 'nowhere/*'}, {'command': f'{SERVICE} --idle'}):
            result, outputs, _ = self.act(**given)
            self.assertEqual((result.returncode, outputs), (3, {'result': 'vacuous'}), given)

    def test_a_command_that_fails_is_not_vacuous(self):
        for code in (3, 7):
            result, outputs, _ = self.act(command=f'exit {code}', dumps=self.fixed)
            self.assertEqual((result.returncode, outputs), (code, {'result': 'failed'}))

    def test_wrong_inputs_are_an_error(self):
        for given in ({'at-least': 'many'}, {'stranded': 'nowhere'}, {}):
            self.assertEqual(self.act(**{'dumps': '', **given})[1], {'result': 'error'}, given)

    def test_inputs_are_data_not_commands(self):
        self.act(dumps='$(touch injected)', baseline='`touch injected`')
        self.assertFalse(os.path.exists(self.path('injected')))


class GitlabTemplate(WithDumps):
    def work(self, **variables):
        job = load('ci/gitlab/stranded.gitlab-ci.yml')['.stranded-gate']
        env = {**job['variables'], 'STRANDED_GATE': GATE, 'STRANDED': BIN, 'GITHUB_ACTIONS': '', **variables}
        script = '\n'.join(job['script'])
        result = run('sh', '-e', '-c', script, cwd=self.dir.name, env=env)
        return result, job['artifacts']

    def test_a_leak_fails_with_reports(self):
        result, artifacts = self.work(STRANDED_COMMAND=SERVICE)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(artifacts['when'], 'always')
        quality = json.loads(read(self.path(artifacts['reports']['codequality'])))
        self.assertEqual(quality[0]['check_name'], 'cancelled-send')
        self.assertEqual(xml.parse(self.path(artifacts['reports']['junit'])).getroot().get('failures'), '1')

    def test_nothing_to_judge_is_no_pass(self):
        self.assertEqual(self.work(STRANDED_COMMAND='true')[0].returncode, 3)
        self.assertEqual(self.work()[0].returncode, 2)

    def test_all_that_the_gate_can_is_there(self):
        job = load('ci/gitlab/stranded.gitlab-ci.yml')['.stranded-gate']
        with open(self.path('ours.supp'), 'w', encoding='utf-8') as file:
            file.write('function=* reason="all"\nfile=nowhere reason="unused"\n')
        result, artifacts = self.work(STRANDED_COMMAND=SERVICE, STRANDED_SUPPRESSIONS='ours.supp',
                                      STRANDED_KEEP_DUMPS='true')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('1 suppressed', result.stdout)
        self.assertIn('stranded-dumps', artifacts['paths'])
        self.assertEqual(len(os.listdir(self.path('stranded-dumps'))), 1)
        strict, _ = self.work(STRANDED_COMMAND=SERVICE, STRANDED_SUPPRESSIONS='ours.supp',
                              STRANDED_STRICT_BASELINE='true', STRANDED_SOURCE_ROOT='/')
        self.assertEqual(strict.returncode, 1, strict.stderr)
        for name in set(job['variables']) - {'STRANDED_GATE'}:
            self.assertIn(f'${name}', job['script'][0])

    def test_clean_dumps_pass(self):
        self.assertEqual(self.work(STRANDED_DUMPS=self.fixed)[0].returncode, 0)


class Example(unittest.TestCase):
    def test_its_workflows_fit_the_action_and_the_template(self):
        action = load('ci/github/action.yml')
        steps = load('ci/example/.github/workflows/leaks.yml')['jobs']['gate']['steps']
        used = [s for s in steps if s.get('uses', '').endswith('ci/github')]
        self.assertEqual(len(used), 1)
        self.assertLessEqual(set(used[0]['with']), set(action['inputs']))
        rights = load('ci/example/.github/workflows/leaks.yml')['permissions']
        self.assertEqual(rights, {'contents': 'read', 'security-events': 'write'})
        included, = load('ci/example/.gitlab-ci.yml')['include']
        self.assertTrue(os.path.exists(os.path.join(SOURCE, included['file'])))
        job = load('ci/example/.gitlab-ci.yml')['leaks']
        template = load('ci/gitlab/stranded.gitlab-ci.yml')[job['extends']]
        self.assertLessEqual(set(job['variables']), set(template['variables']))


if __name__ == '__main__':
    unittest.main()
