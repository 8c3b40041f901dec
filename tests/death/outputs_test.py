"""`churn history`, `churn export` and `churn gate --output` as a user meets them: what is missing,
places that cannot be written, readers that go away. What the formats hold is tests/golden's."""
import json
import os
import sqlite3
import subprocess

import tap
from program import Program

CELL = 'glibc/malloc/random-sizes@1'
FORMATS = ('bmf', 'custom-smaller-is-better', 'junit', 'markdown', 'openmetrics')


class Stored(Program):
    kept = None  # the store of the first run: the others start with a copy

    def measure(self):
        if Stored.kept is not None:
            self.db.write_bytes(Stored.kept)
            return
        self.measure_again()
        Stored.kept = self.db.read_bytes()

    def measure_again(self):
        run = self.churn('run', '--matrix', 'small.toml')
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_missing_or_empty_store(self):
        for command in (('history', CELL), ('export', '--format', 'junit')):
            self.assert_refused(self.churn(*command), 'churn.db', 'churn run')
        self.measure()
        store = sqlite3.connect(self.db)
        store.execute('DELETE FROM runs')
        store.commit()
        store.close()
        self.assert_refused(self.churn('history', CELL), 'no run', 'churn run')
        self.assert_refused(self.churn('export', '--format', 'junit'), 'holds no run')

    def test_history_of_one_cell(self):
        self.measure()
        self.measure_again()
        run = self.churn('history', CELL, '--json')
        self.assertEqual(run.returncode, 0, run.stderr)
        found = json.loads(run.stdout)
        self.assertEqual([each['run'] for each in found['runs']], [1, 2])
        self.assertEqual((found['change_points'], found['left_out']), ([], []))
        rows = [row for row in self.rows() if row['allocator'] == 'glibc']
        self.assertAlmostEqual(found['runs'][1]['median'],
                               rows[0]['metrics']['time_per_op_ns']['median'], places=6)
        for words in (['glibc/malloc/random-size'], ['glibc'], [CELL, '--metric', 'peak_rss']):
            self.assert_refused(self.churn('history', *words), words[-1])
        self.assert_refused(self.churn('history', 'glibc/malloc/random-size'), 'did you mean glibc')

    def test_a_plot_needs_no_utf8(self):
        self.measure()
        plain = self.churn('history', CELL, env={**os.environ, 'LC_ALL': 'C'})
        self.assertTrue(plain.stdout.isascii() and '*' in plain.stdout, plain.stdout)
        drawn = self.churn('history', CELL, env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        self.assertIn('│', drawn.stdout)

    def test_places_that_cannot_be_written(self):
        self.measure()
        for format_ in FORMATS:
            with open('/dev/full', 'w', encoding='utf-8') as full:
                run = subprocess.run(self.command('export', '--format', format_), stdout=full,
                                     stderr=subprocess.PIPE, text=True, cwd=self.directory,
                                     check=False, timeout=60)
            self.assertEqual(run.returncode, 2, format_)
            self.assertIn('cannot write', run.stderr)
            self.assert_refused(self.churn('export', '--format', format_, '-o', 'no/where'),
                                'no/where')
        self.assert_refused(self.churn('history', CELL, '-o', 'no/where'), 'no/where')

    def test_a_reader_that_goes_away(self):
        self.measure()
        for command in (('history', CELL), ('export', '--format', 'openmetrics')):
            reader, writer = os.pipe()
            os.close(reader)
            run = subprocess.run(self.command(*command), stdout=writer, stderr=subprocess.PIPE,
                                 text=True, cwd=self.directory, check=False, timeout=60)
            os.close(writer)
            self.assertEqual((run.returncode, 'Broken pipe' in run.stderr), (2, True), run.stderr)

    def test_github_has_its_summary_where_it_looks_for_it(self):
        self.measure()
        summary = self.write('summary.md', 'what another command said\n')
        run = self.churn('export', '--format', 'github',
                         env={**os.environ, 'GITHUB_STEP_SUMMARY': str(summary)})
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, '', ''))
        text = summary.read_text()
        self.assertTrue(text.startswith('what another command said\n### churn run: ok'), text)
        summary.write_bytes(b'x' * (1 << 20))
        run = self.churn('export', '--format', 'github',
                         env={**os.environ, 'GITHUB_STEP_SUMMARY': str(summary)})
        self.assertIn('is full', run.stderr)
        self.assertEqual(summary.stat().st_size, 1 << 20)
        run = self.churn('export', '--format', 'github', '-o', 'own.md',
                         env={**os.environ, 'GITHUB_STEP_SUMMARY': str(summary)})
        self.assertIn('### churn run', (self.directory / 'own.md').read_text())


class Gate(Program):
    SIDES = ('--baseline', 'slab', '--candidate', 'slab', '--workload', 'malloc/random-sizes')

    def test_outputs_are_checked_before_anything_is_measured(self):
        for outputs, words in ((['pdf'], ['"pdf"', 'junit']), (['junit='], ['names no file']),
                               (['junit', 'markdown'], ['two outputs go to stdout']),
                               (['junit=no/where.xml'], ['no directory no']),
                               (['junit=x', 'bmf=x'], ['two outputs go to x']),
                               (['github', 'junit'], ['annotations'])):
            options = [word for each in outputs for word in ('--output', each)]
            self.assert_refused(self.churn('gate', *self.SIDES, *options), *words)
        self.assert_refused(self.churn('gate', *self.SIDES, '--json', '--output', 'junit'),
                            'two outputs go to stdout')
        self.assertFalse(self.db.exists(), 'nothing was measured')

    def test_no_answer_is_an_error_to_junit_and_replays(self):
        run = self.churn('gate', *self.SIDES, '--cell-budget', '1ms', '--output', 'junit=one.xml',
                         '--output', 'github=summary.md')
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn('inconclusive', run.stdout)
        self.assertIn('::warning title=churn gate::', run.stdout)
        first = (self.directory / 'one.xml').read_text()
        self.assertIn('errors="1"', first)
        self.assertIn('### churn gate: inconclusive', (self.directory / 'summary.md').read_text())
        again = self.churn('gate', '--replay', '1', '--output', 'junit')
        self.assertEqual((again.returncode, again.stdout), (3, first))

    def test_a_verdict_outlives_a_full_disk(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            run = subprocess.run(self.command('gate', *self.SIDES, '--cell-budget', '1ms',
                                              '--output', 'junit'), stdout=full, text=True,
                                 stderr=subprocess.PIPE, cwd=self.directory, check=False,
                                 timeout=120)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn('inconclusive, is stored', run.stderr)
        self.assertEqual(self.churn('gate', '--replay', '1').returncode, 3)


if __name__ == '__main__':
    tap.main()
