"""The workflows in README.md: valid YAML, and their shell lines run here as they are written.

Where they build the base, they find it built, as after a hit in the cache; the rest is real: the
launcher, its build, the gate on a matrix of two cells, and what it leaves to be uploaded.
CHURN_ROOT is the source tree, CHURN_BUILD its build directory."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import tap

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(os.environ['CHURN_ROOT'])
TINY = '''
rounds = 2
seconds = 0.05
baseline = "glibc"

[[star]]
allocators = ["glibc"]
workloads = ["malloc/random-sizes", "malloc/larson"]
'''


def workflows():
    """The YAML blocks of the README: GitHub's, then GitLab's."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    return [yaml.safe_load(each) for each in re.findall(r'```yaml\n(.*?)```', text, re.DOTALL)]


@unittest.skipIf(yaml is None, 'python3-yaml is not installed')
class Workflows(unittest.TestCase):
    def setUp(self):
        self.github, self.gitlab = workflows()
        self.steps = self.github['jobs']['gate']['steps']

    def test_the_keys_that_matter(self):
        self.assertEqual(self.github[True], 'pull_request')  # YAML 1.1 reads `on` as true
        for step in self.steps:
            self.assertTrue({'run', 'uses'} & step.keys(), step)
        self.assertEqual(self.gitlab['gate']['allow_failure'], {'exit_codes': [3]})
        self.assertEqual(self.gitlab['gate']['artifacts']['reports'], {'junit': 'gate.xml'})

    def lines(self):
        """(name, shell text, the shell's options): what each service runs after its checkout."""
        runs = [step['run'] for step in self.steps if 'name' in step]
        yield 'github', runs, ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c']
        yield 'gitlab', self.gitlab['gate']['script'], ['bash', '-eo', 'pipefail', '-c']

    @unittest.skipUnless(os.environ.get('CHURN_BUILD'), 'takes minutes: a nightly test')
    def test_the_lines_run_as_written(self):
        for name, runs, shell in self.lines():
            with self.subTest(name):
                directory = pathlib.Path(tempfile.mkdtemp(prefix='churn-workflow-'))
                self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
                (directory / 'churn').symlink_to(ROOT / 'churn')
                (directory / 'base-build').symlink_to(os.environ['CHURN_BUILD'])
                (directory / 'tiny.toml').write_text(TINY)
                environment = {**os.environ, 'MATRIX': 'tiny.toml',
                               'GITHUB_STEP_SUMMARY': str(directory / 'summary.md')}
                for each in runs:
                    run = subprocess.run([*shell, each], cwd=directory, env=environment, text=True,
                                         capture_output=True, check=False, timeout=900)
                # What it says of times is not looked at here.
                self.assertIn(run.returncode, (0, 1, 3), run.stderr)
                root = xml.etree.ElementTree.parse(directory / 'gate.xml').getroot()
                self.assertEqual(root.get('tests'), '2')
                for file in ('gate.md', 'gate.db') + (('summary.md',) if name == 'github' else ()):
                    self.assertGreater((directory / file).stat().st_size, 0, file)


if __name__ == '__main__':
    tap.main()
