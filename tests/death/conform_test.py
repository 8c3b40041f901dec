"""`churn conform` as a user meets it: a correct malloc, a broken one, one that is not there."""
import json
import os
import pathlib
import shutil

import tap
from program import Program, library


def own(name):
    return pathlib.Path(os.environ['CHURN_ALLOCATORS']) / f'libchurn_{name}.so'


class Conform(Program):
    def test_a_correct_one_by_name_and_by_a_path_that_a_preload_would_split(self):
        run = self.churn('conform', 'buddy')
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn(f'malloc of {own("buddy")}', run.stdout)
        self.assertIn('a correct malloc', run.stdout)
        place = self.directory / 'a:place'
        place.mkdir()
        copy = shutil.copy(own('buddy'), place)
        run = self.churn('conform', copy, '--json')
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        found = json.loads(run.stdout)
        self.assertEqual((found['malloc'], found['failed']), (str(copy), 0))

    def test_a_broken_one_is_no_malloc_and_says_where(self):
        run = self.churn('conform', library('libsabotage_null.so'), '--json')
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        failed = [each['name'] for each in json.loads(run.stdout)['properties']
                  if not each['holds']]
        self.assertIn('aligned', failed)

    def test_what_is_known_of_one_stands_beside_it(self):
        run = self.churn('conform', 'bump')
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn('FAIL  reuse', run.stdout)
        self.assertIn('known: never reuses', run.stdout)

    def test_what_is_not_there_is_refused(self):
        self.assert_refused(self.churn('conform'), 'allocator is required')
        self.assert_refused(self.churn('conform', 'nosuch'), 'nosuch', 'path with a slash')
        self.assert_refused(self.churn('conform', './missing.so'), './missing.so')
        self.assert_refused(self.churn('conform', 'glibc{NONSENSE=1}'), 'NONSENSE')


if __name__ == '__main__':
    tap.main()
