"""What a user can get wrong: each has its own message and exit 2, and nothing is lost."""
import contextlib
import ctypes
import json
import os
import shutil
import sqlite3
import subprocess

import tap
from program import Program, library


def obey_permissions():
    """Root reads and writes every file; without these capabilities it is an owner like others."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: capability.h
        if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP: holds from the next exec
            raise OSError(ctypes.get_errno(), 'prctl')


class BadNames(Program):
    def refused(self, arguments, *words):
        self.assert_refused(self.churn('run', *arguments), *words)
        self.assertFalse(self.db.exists(), 'a refused run left a store')

    def test_unknown_names_offer_the_nearest(self):
        self.refused(['--allocator', 'jemaloc'], 'jemaloc', 'jemalloc')
        self.refused(['--collector', 'refcout', '--workload', 'managed/cycle-churn'], 'refcout',
                     'refcount')
        self.refused(['--workload', 'malloc/larsen'], 'malloc/larsen', 'malloc/larson')
        self.refused(['--matrix', 'quik'], 'quik', 'quick')

    def test_an_unknown_option_or_subcommand(self):
        self.refused(['--allocater', 'glibc'], '--allocater')
        self.assert_refused(self.churn('rum'), 'rum')
        self.assert_refused(self.churn('report', '--format', 'pdf'), 'pdf', 'markdown')

    def test_settings(self):
        cell = ['--allocator', 'glibc', '--workload']
        self.refused([*cell, 'malloc/larson{no-such=1}'], 'no-such')
        self.refused([*cell, 'malloc/larson{'], '{')
        self.refused(['--workload', 'managed/cycle-churn{ring=0}'], 'ring')
        self.refused(['--workload', 'managed/cycle-churn{ring=-3}'], 'ring')
        self.refused(['--allocator', 'jemalloc{narenas=1}', '--workload', 'malloc/larson'],
                     'narenas')

    def test_impossible_combinations_say_why(self):
        self.refused(['--collector', 'refcount', '--workload', 'malloc/larson'], 'malloc/larson')
        self.refused(['--collector', 'trial-deletion', '--workload', 'managed/cycle-churn',
                      '--threads', '2'], 'trial-deletion', '2')

    def test_parameters_that_exclude_each_other(self):
        run = self.churn('run', '--workload', 'malloc/random-sizes{min=100;max=50}')
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertRegex(run.stderr, r'churn: malloc/random-sizes: min=100 is above max=50; give')
        self.assertEqual(run.stdout, '')
        self.assertEqual(self.invocations(), 0)

    def test_absurd_numbers(self):
        one = ['--allocator', 'glibc', '--workload', 'malloc/larson']
        for option, value in (('--threads', '0'), ('--threads', '-1'), ('--threads', '100000'),
                              ('--threads', 'two'), ('--invocations', '0'),
                              ('--invocations', '-5'), ('--invocations', '99999999999999999999'),
                              ('--seed', 'x'), ('--heap', '-1'), ('--shard', '3/2'),
                              ('--budget', '-5m')):
            with self.subTest(option=option, value=value):
                self.refused([*one, f'{option}={value}'], value.lstrip('-'))

    def test_matrix_files(self):
        self.refused(['--matrix', 'nowhere.toml'], 'nowhere.toml')
        self.write('wrong.toml', 'rounds = 2\n\n[[star]]\nallocater = ["glibc"]\n')
        self.refused(['--matrix', 'wrong.toml'], 'wrong.toml', '4', 'allocater', 'allocators')
        self.write('broken.toml', 'rounds = \n')
        self.refused(['--matrix', 'broken.toml'], 'broken.toml', '1')
        self.write('typed.toml', 'rounds = "many"\n')
        self.refused(['--matrix', 'typed.toml'], 'typed.toml', 'rounds')


class BadLibraries(Program):
    def refused(self, path, *words):
        run = self.churn('run', '--allocator', path, '--workload', 'malloc/random-sizes')
        self.assert_refused(run, path, *words)
        self.assertFalse(self.db.exists(), 'a refused run left a store')

    def test_missing(self):
        self.refused('./libnowhere.so')

    def test_no_library(self):
        self.write('text.so', 'not a library\n' * 100)
        self.refused('./text.so')
        self.write('empty.so', '')
        self.refused('./empty.so')
        (self.directory / 'directory.so').mkdir()
        self.refused('./directory.so')
        shutil.copy('/bin/true', self.directory / 'program.so')
        self.refused('./program.so')

    def test_cut_off(self):
        whole = open(library('libsabotage_trap.so'), 'rb').read()
        for length in (4, 16, 63, 64, 200, len(whole) // 2):
            with self.subTest(length=length):
                (self.directory / 'cut.so').write_bytes(whole[:length])
                self.refused('./cut.so')

    def test_without_malloc(self):
        self.refused(library('libno_malloc.so'), 'malloc')


class BadStores(Program):
    def measure(self, **options):
        return self.churn('run', '--matrix', 'small.toml', **options)

    def test_not_sqlite(self):
        self.write('churn.db', 'my diary\n' * 500)
        before = self.db.read_bytes()
        self.assert_refused(self.measure(), 'churn.db')
        self.assert_refused(self.churn('report'), 'churn.db')
        self.assertEqual(self.db.read_bytes(), before)

    def test_missing_where_one_is_read(self):
        self.assert_refused(self.churn('report', '--db', 'none.db'), 'none.db')
        self.assertFalse((self.directory / 'none.db').exists())

    def test_directory_missing(self):
        self.assert_refused(self.churn('run', '--matrix', 'small.toml', '--db', 'no/where.db'),
                            'no/where.db')

    def test_newer_schema(self):
        run = self.measure()
        self.assertEqual(run.returncode, 0, run.stderr)
        with contextlib.closing(sqlite3.connect(self.db)) as store:
            store.execute('PRAGMA user_version = 9999')
            store.commit()
        before = self.db.read_bytes()
        self.assert_refused(self.measure(), 'churn.db', '9999')
        self.assert_refused(self.churn('report'), '9999')
        self.assertEqual(self.db.read_bytes(), before)

    def test_somebody_elses_database(self):
        with contextlib.closing(sqlite3.connect(self.db)) as store:
            store.execute('CREATE TABLE diary (day, text)')
            store.commit()
        self.assert_refused(self.measure(), 'churn.db')

    def test_read_only(self):
        run = self.measure()
        self.assertEqual(run.returncode, 0, run.stderr)
        before = self.rows()
        for path in self.directory.glob('churn.db*'):
            path.chmod(0o444)
        self.directory.chmod(0o555)
        self.addCleanup(self.directory.chmod, 0o755)
        run = self.measure(preexec_fn=obey_permissions)
        self.assert_refused(run, 'churn.db')
        self.assertEqual(self.rows(), before)

    def test_full_disk(self):
        """A file system of half a megabyte: what was stored stays, and can be read where it is."""
        disk = self.directory / 'disk'
        disk.mkdir()
        mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest('mounting a small tmpfs takes root')
        self.addCleanup(subprocess.run, ['umount', disk], check=False)
        run = self.churn('run', '--matrix', '../small.toml', '--invocations', '1000', cwd=disk)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertRegex(run.stderr, "(?m)^churn: .*disk is full.*churn.db")
        read = self.churn('report', '--format', 'json', cwd=disk)
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertGreater(json.loads(read.stdout)[0]['metrics']['time_per_op_ns']['n'], 1)
        with contextlib.closing(sqlite3.connect(disk / 'churn.db')) as store:
            self.assertEqual(store.execute('PRAGMA integrity_check').fetchall(), [('ok',)])

    def test_two_runs_on_one_store(self):
        first = self.start('run', '--matrix', 'small.toml', '--invocations', '1000')
        self.addCleanup(first.communicate)
        self.addCleanup(first.kill)
        self.wait_for_invocations(1, first)
        self.assert_refused(self.measure(), 'churn.db', str(first.pid))


if __name__ == '__main__':
    tap.main()
