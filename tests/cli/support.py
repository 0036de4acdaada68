"""What the tests of the command line share."""
import os
import re
import subprocess
import tempfile
import unittest

BIN = os.environ['STRANDED_BIN']
SAMPLES = os.environ['STRANDED_SAMPLES']
PROGRAMS = os.environ['STRANDED_PROGRAMS']
SOURCE = os.environ['STRANDED_SOURCE']


def run(*args, stdin=None, env=None, cwd=None):
    """Runs a program; returns the finished process with text output."""
    full = {**os.environ, 'NO_COLOR': '1', **(env or {})}
    return subprocess.run(args, input=stdin, capture_output=True, env=full, cwd=cwd or SOURCE,
                          timeout=120, check=False, text=not isinstance(stdin, bytes))


def stranded(*args, **more):
    return run(BIN, *args, **more)


def sample(name, twin, options):
    return run(os.path.join(SAMPLES, f'sample_{name}_{twin}'), env={'STRANDED_OPTIONS': options})


class WithDumps(unittest.TestCase):
    """Dumps of first_answer and its fixed twin, the same in every run."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.leaky, cls.fixed = cls.path('leaky.strd'), cls.path('fixed.strd')
        sample('first_answer', 'leaky', f'schedule=controlled:seed=1:dump={cls.leaky}')
        sample('first_answer', 'fixed', f'schedule=controlled:seed=1:dump={cls.fixed}')

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir.name, name)


def line_of(path, text):
    """The number of the only line of a source file that has `text`."""
    with open(os.path.join(SOURCE, path), encoding='utf-8') as file:
        found = [n for n, line in enumerate(file, 1) if text in line]
    assert len(found) == 1, (path, text, found)
    return f'{path}:{found[0]}'


def same_compiler_names(text):
    """GCC and clang spell the names of lambdas and anonymous namespaces differently."""
    return re.sub(r' in .*$', ' in FUNCTION', text, flags=re.M)
