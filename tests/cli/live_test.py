#!/usr/bin/env python3
"""Trace files: of a program that runs, and of one that was killed."""
import os
import re
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from support import PROGRAMS, line_of, stranded

ALIVE_NS = 40  # where Header::alive_ns stands, stranded/mapped_format.h


def without_ages(text):
    return re.sub(r'\d+(\.\d+)?(h|ms|us|m|s)\b', 'AGE', text)


def wait_until_alive_at(path, moment_ns):
    """Until the file itself says so: the process notes it ten times a second, if it gets to run."""
    alive_ns = 0
    while alive_ns < moment_ns:
        with open(path, 'rb') as file:
            alive_ns, = struct.unpack_from('=q', file.read(64), ALIVE_NS)
        time.sleep(0.01)


class Live(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def start(self, program, options):
        """Starts it and waits until a read of its file finds the blocked task."""
        child = subprocess.Popen([os.path.join(PROGRAMS, program)], stdout=subprocess.DEVNULL,
                                 env={'STRANDED_OPTIONS': options, 'TMPDIR': self.dir.name})
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        for _ in range(500):
            result = stranded('report', '--live', str(child.pid), '--min-age', '0.2')
            if result.returncode == 1:
                return child
        self.fail(result.stdout + result.stderr)

    def test_by_process_id_and_after_kill(self):
        path = os.path.join(self.dir.name, '%p.trace')
        child = self.start('hangs', f'record=trace:trace_file={path}')
        found_ns = time.time_ns()
        path = path.replace('%p', str(child.pid))
        by_pid = stranded('report', '--live', str(child.pid), '--min-age', '0.2')
        by_file = stranded('report', '--live', path, '--min-age', '0.2')
        self.assertIn('cancelled-send, cancelled', by_pid.stdout)
        self.assertIn('while the program runs', by_pid.stdout)
        # Everything is parked: the same answer twice.
        self.assertEqual(without_ages(by_pid.stdout), without_ages(by_file.stdout))
        self.assertIn('left', stranded('tree', '--live', str(child.pid)).stdout)
        # What is suggested can be typed.
        page = stranded('report', '--live', str(child.pid), '--min-age', '0.2', '--format', 'html').stdout
        self.assertIn(f'stranded show --live {child.pid} task:', page)
        found = stranded('show', '--live', str(child.pid), '--min-age', '0.2', 'finding:1').stdout
        suppress = re.search(r'stranded (suppress --live \d+ s1:\w+)', found)[1]
        self.assertEqual(stranded(*suppress.split(), '--min-age', '0.2').returncode, 0)
        shown = stranded('show', '--live', str(child.pid), '2').stdout
        self.assertIn('left', shown)
        self.assertIn(f'  stranded show --live {child.pid} ', shown)
        missing = stranded('show', '--live', str(child.pid), '99').stderr
        self.assertIn(f"nothing called '99' in --live {child.pid}", missing)
        gone = stranded('report', '--live', '99999999')
        self.assertEqual(gone.returncode, 3)
        self.assertIn('cannot look into process 99999999: there is none', gone.stderr)
        self.assertIsNone(child.poll())
        young = stranded('report', '--live', str(child.pid), '--min-age', '3600')
        self.assertEqual(young.returncode, 0)
        self.assertIn('look again later', young.stdout)
        wait_until_alive_at(path, found_ns)
        child.send_signal(signal.SIGKILL)
        child.wait()
        killed = stranded('report', path, '--min-age', '0.2')
        self.assertEqual(killed.returncode, 1, killed.stderr)
        self.assertIn('a process that was killed', killed.stdout)
        self.assertIn('hangs.cc', killed.stdout)
        tasks = stranded('tasks', path)
        self.assertRegex(tasks.stdout, r'left.*send')

    def test_a_record_follows_each_wait(self):
        path = os.path.join(self.dir.name, 'states.trace')
        child = subprocess.Popen([os.path.join(PROGRAMS, 'trace_states')], stdout=subprocess.PIPE, text=True,
                                 env={'STRANDED_OPTIONS': f'record=trace:trace_file={path}:workers=1'})
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertEqual(child.stdout.readline(), 'ready\n')
        child.kill()
        child.wait()
        tasks = stranded('tasks', path, '--columns', 'name,state,site,waits').stdout
        place = line_of('tests/programs/trace_states.cc', 'the last place')
        self.assertRegex(tasks, rf'two places +blocked +{re.escape(place)} ')
        channel = re.search(r'two channels +blocked .* channel (\d+)', tasks)[1]
        made = line_of('tests/programs/trace_states.cc', 'the last channel')
        self.assertIn(f'made      at {made} ', stranded('show', path, f'channel:{channel}').stdout)
        self.assertRegex(tasks, r'woken +runnable')
        deserted = re.search(r'deserted +blocked .* channel (\d+)', tasks)[1]
        left = line_of('tests/programs/trace_states.cc', 'leaves here')
        self.assertRegex(stranded('show', path, f'channel:{deserted}').stdout,
                         rf'peer .* but chose the done case at {re.escape(left)} ')

    def test_without_a_name_the_file_goes_with_the_process(self):
        child = self.start('hangs', 'record=trace')
        files = os.listdir(self.dir.name)
        self.assertEqual(files, [f'stranded.{child.pid}.trace'])
        ended = subprocess.run([os.path.join(PROGRAMS, 'lock_order')], check=False,
                               capture_output=True,
                               env={'STRANDED_OPTIONS': 'record=trace', 'TMPDIR': self.dir.name})
        self.assertEqual(ended.stderr.count(b'cannot'), 0)
        self.assertEqual(os.listdir(self.dir.name), files)

    def test_wrong_use(self):
        self.assertEqual(stranded('report').returncode, 2)
        self.assertEqual(stranded('report', '--live').returncode, 2)
        nobody = stranded('report', '--live', '999999999')
        self.assertEqual(nobody.returncode, 3)
        self.assertIn('999999999', nobody.stderr)
        plain = stranded('report', '--live', str(os.getpid()))
        self.assertEqual(plain.returncode, 3)
        self.assertIn('record=trace', plain.stderr)

    def test_a_file_that_cannot_be_made_is_no_misfortune(self):
        result = subprocess.run(
            [os.path.join(PROGRAMS, 'lock_order')], capture_output=True, check=False, text=True,
            env={'STRANDED_OPTIONS': 'record=trace:trace_file=/nonexistent/x'})
        self.assertIn('cannot make the trace file /nonexistent/x', result.stderr)
        self.assertIn('lock-order', result.stderr)


if __name__ == '__main__':
    unittest.main()
