"""`churn try` against a known truth: a malloc library and its identical twin are no difference
worth having, one with extra work in each allocation is behind.

Arguments: churn, the plain library, its twin, the one with extra work. Ranked by CPU time, which
others on the machine disturb less. A try that could not tell the twins apart, and says so, is a
machine too noisy, which is printed and passes; a difference between them fails.
"""
import json
import subprocess
import sys
import tempfile

PYTHON = '/usr/bin/python3'
WORK = 'for _ in range(40): x = [str(i) for i in range(12000)]'


def main():
    churn, plain, twin, slower = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [churn, 'try', '--allocator', f'{plain},{twin},{slower}', '--vary',
             'PYTHONMALLOC=malloc', '--by', 'cpu', '--budget', '90s', '--json', '--', PYTHON, '-c',
             WORK], cwd=directory, text=True, capture_output=True, check=False)
    if not done.stdout:
        sys.exit(f'no findings: {done.stderr}')
    found = json.loads(done.stdout)
    standing = {each['allocator']: each['standing'] for each in found['variants']}
    print(f'{found["rounds"]} rounds: {found["advice"]}')
    for each in found['variants']:
        print(f'  {each["variant"].rsplit("/", 1)[-1]}: {each["to_best"]}')
    good = standing[plain] == standing[twin] == 'tied' and standing[slower] == 'behind'
    print('as it should be' if good else f'not as it should be: {standing}', flush=True)
    return 0 if good else 1


sys.exit(main())
