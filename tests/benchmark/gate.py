"""The gate against a known truth: a malloc library with exactly known extra work is a regression,
its identical twin is not, and the verdict replays.

Arguments: churn, the plain library, its twin, the one with extra work. An inconclusive verdict
on the twin is a machine too noisy to tell, which is printed and passes; a regression there fails.
"""
import json
import os
import subprocess
import sys
import tempfile

SEED = '20261121'
BUDGET = '60s'


def gate(churn, directory, baseline, candidate):
    """(exit status, findings) of one gate."""
    done = subprocess.run(
        [churn, 'gate', '--baseline', baseline, '--candidate', candidate, '--workload',
         'malloc/larson', '--cell-budget', BUDGET, '--seed', SEED, '--json'],
        cwd=directory, text=True, capture_output=True, check=False)
    if not done.stdout:
        sys.exit(f'no verdict: {done.stderr}')
    return done.returncode, json.loads(done.stdout)


def tell(what, findings):
    print(f'{what}: {findings["verdict"]}, {findings["canaries"]["pairs"]} canaries')
    for cell in findings['cells']:
        ratio = f'{cell["ratio"]:.3f}' if 'ratio' in cell else cell.get('reason', '')
        print(f'  {cell["cell"]} {cell["metric"]}: {cell["verdict"]} {ratio} '
              f'({cell["pairs"]} pairs)', flush=True)


def replays(churn, directory, status, findings):
    again = subprocess.run([churn, 'gate', '--replay', str(findings['run']), '--json'],
                           cwd=directory, text=True, capture_output=True, check=False)
    return again.returncode == status and json.loads(again.stdout) == findings


def main():
    churn, plain, twin, slower = map(os.path.abspath, sys.argv[1:5])
    with tempfile.TemporaryDirectory(prefix='churn-gate-') as directory:
        slow_status, slow = gate(churn, directory, plain, slower)
        tell('extra work', slow)
        twin_status, same = gate(churn, directory, plain, twin)
        tell('identical twin', same)
        replayed = replays(churn, directory, slow_status, slow) and \
            replays(churn, directory, twin_status, same)
    steady = [cell for cell in slow['cells'] if cell['metric'] == 'steady_time']
    failures = []
    if slow_status != 1 or [cell['verdict'] for cell in steady] != ['regression']:
        failures.append('the extra work was not called a regression')
    if twin_status not in (0, 3):
        failures.append(f'the identical twin was called {same["verdict"]}')
    if not replayed:
        failures.append('a stored gate does not replay to its verdict')
    for each in failures:
        print(each)
    return 1 if failures else 0


sys.exit(main())
