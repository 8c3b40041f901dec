"""The launcher script at the top of the tree: what it asks for, refuses and passes on.

Packages, users and the build are played by scripts in a directory at the head of PATH, so that
nothing is installed and nothing is compiled. Usage: launcher_test.py ROOT
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(sys.argv.pop(1))

CATALOGUE = '''
[[allocator]]
name = "quick"
package = "libquick1"
'''
# `apt-get update` makes the archive known; what is installed is a file per package.
FAKES = {
    'id': 'echo "${FAKE_UID:-0}"',
    'dpkg-query': '''
for package; do
  [ ! -e "$FAKES/installed/$package" ] || echo "installed:$package:"
done''',
    'apt-cache': '''
[ -e "$FAKES/updated" ] && echo "  Candidate: 1.0" || echo "  Candidate: (none)"''',
    'apt-get': '''
echo "$*" >>"$FAKES/apt-get.log"
case " $* " in
  *" update "*) [ -z "${FAKE_OFFLINE:-}" ] || { echo "Err:1 no network" >&2; exit 100; }
                touch "$FAKES/updated" ;;
  *" install "*) for word; do case $word in [a-z]*) touch "$FAKES/installed/$word" ;; esac; done ;;
esac''',
}
BUILT = '#!/bin/sh\nprintf "%s|" "$PWD" "$@"; exit "${FAKE_STATUS:-0}"\n'


class Launcher(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix='churn launcher '))
        self.addCleanup(shutil.rmtree, self.place)
        self.tree = self.place / 'my clone'
        (self.tree / 'allocators').mkdir(parents=True)
        shutil.copy(ROOT / 'churn', self.tree / 'churn')
        (self.tree / 'allocators' / 'catalogue.toml').write_text(CATALOGUE)
        (self.tree / 'tests').mkdir()
        self.fakes = self.place / 'fakes'
        (self.fakes / 'installed').mkdir(parents=True)
        for name, text in FAKES.items():
            script = self.fakes / name
            script.write_text(f'#!/bin/sh\n{text}\n')
            script.chmod(0o755)

    def build(self):
        """A build directory in which nothing is left to do."""
        build = self.tree / 'build'
        (build / 'harness' / 'cli').mkdir(parents=True)
        (build / 'build.ninja').write_text('rule r\n  command = true\nbuild programs: phony\n')
        (build / 'churn-configured').write_text(f'{self.tree}\n')
        program = build / 'harness' / 'cli' / 'churn'
        program.write_text(BUILT)
        program.chmod(0o755)

    def install(self, without=()):
        """Marks everything the launcher asks for as installed."""
        asked = self.run_it('run', '--no-install').stderr
        for line in asked.splitlines():
            if line.startswith('  ') and line.strip() not in without:
                (self.fakes / 'installed' / line.strip()).touch()

    def run_it(self, *arguments, program=None, cwd=None, **environment):
        return subprocess.run(
            [program or self.tree / 'churn', *arguments], cwd=cwd or self.place, text=True,
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
            env={'PATH': f'{self.fakes}:/usr/bin:/bin', 'FAKES': str(self.fakes), **environment})

    def apt(self):
        log = self.fakes / 'apt-get.log'
        return log.read_text() if log.exists() else ''

    def test_no_install_prints_the_command_and_installs_nothing(self):
        run = self.run_it('run', '--matrix', 'quick', '--no-install')
        self.assertEqual(run.returncode, 2)
        self.assertIn('\n  g++\n', run.stderr)
        self.assertIn('\n  libquick1\n', run.stderr)
        self.assertRegex(run.stderr, r'apt-get install .*\bmeson\b.*\blibquick1\b')
        self.assertEqual((run.stdout, self.apt()), ('', ''))

    def test_anyone_but_root_gets_the_exact_command(self):
        run = self.run_it('run', FAKE_UID='1000')
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.stderr, r'sudo apt-get install .*\blibquick1\b')
        self.assertEqual(self.apt(), '')

    def test_root_installs_with_lists_refreshed_only_when_they_lack_something(self):
        self.build()
        self.install(without=('meson', 'libquick1'))
        run = self.run_it('run')
        self.assertEqual(run.returncode, 0, run.stderr)
        first, second = self.apt().splitlines()
        self.assertTrue(first.endswith(' update'), first)
        self.assertTrue(second.endswith(' install meson libquick1'), second)
        (self.fakes / 'installed' / 'meson').unlink()
        self.assertEqual(self.run_it('run').returncode, 0)
        self.assertTrue(self.apt().splitlines()[2].endswith(' install meson'), self.apt())

    def test_without_a_network_the_reason_is_shown(self):
        run = self.run_it('run', FAKE_OFFLINE='1')
        self.assertEqual(run.returncode, 2)
        self.assertIn('no network', run.stderr)
        self.assertIn('is there a network', run.stderr)

    def test_missing_allocators_alone_are_no_obstacle_with_no_install(self):
        self.build()
        self.install(without=('libquick1',))
        run = self.run_it('run', '--no-install', '--seed', '1')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stdout, f'{self.place}|run|--seed|1|')
        self.assertIn('libquick1', run.stderr)

    def test_other_subcommands_do_not_ask_for_allocators(self):
        self.build()
        self.install(without=('libquick1',))
        run = self.run_it('report', FAKE_UID='1000')
        self.assertEqual((run.returncode, run.stderr), (0, ''))

    def test_arguments_directory_and_status_are_the_callers(self):
        self.build()
        self.install()
        elsewhere = self.place / 'else where'
        elsewhere.mkdir()
        link = self.place / 'link'
        link.symlink_to(self.tree / 'churn')
        run = self.run_it('run', 'a b', '*', '', '--', '--no-install', cwd=elsewhere, program=link,
                          FAKE_STATUS='4')
        self.assertEqual(run.returncode, 4)
        self.assertEqual(run.stdout, f'{elsewhere}|run|a b|*||--|--no-install|')
        self.assertEqual(run.stderr, '')

    def test_help_before_anything_is_built_installs_nothing(self):
        for arguments in ((), ('--help',), ('test', '--help')):
            run = self.run_it(*arguments)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn('./churn run --matrix quick', run.stdout)
        self.assertEqual(self.apt(), '')

    def test_a_build_directory_that_cannot_be_made_is_named(self):
        self.install()
        (self.place / 'file').touch()
        target = str(self.place / 'file' / 'build')
        run = self.run_it('run', CHURN_BUILD=target)
        self.assertEqual(run.returncode, 2)
        self.assertIn(target, run.stderr)

    def test_a_failed_configuration_shows_meson_and_is_tried_again(self):
        self.install()
        for _ in range(2):
            run = self.run_it('run')
            self.assertEqual(run.returncode, 2)
            self.assertIn('meson setup failed', run.stderr)
            self.assertIn('meson.build', run.stderr)


if __name__ == '__main__':
    tap.main()
