"""The HTML report in Debian's Chromium: its data against the store, its controls, its barriers.

  browser_test.py                            as a test, in TAP; the environment names the programs
  browser_test.py screenshots PAGE FOLDER    each section, 1280 and 400 wide, light and dark

playwright-core and axe-core come from the npm registry, once, into CHURN_BROWSER_FOLDER.
"""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 240


def missing(folder):
    """Why there can be no browser, or nothing; leaves its driver in the folder."""
    for program, package in (('chromium', 'chromium'), ('node', 'nodejs'), ('npm', 'npm')):
        if shutil.which(program) is None:
            return f'there is no {program} (apt-get install {package})'
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('package.json', 'package-lock.json', 'browser.mjs'):
        shutil.copy(HERE / name, folder / name)
    if (folder / 'node_modules' / 'playwright-core').exists():
        return ''
    done = subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund',
                           '--fetch-retries=0', '--prefer-offline'], cwd=folder,
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    return '' if done.returncode == 0 else 'npm cannot install playwright-core: ' + ' '.join(
        done.stderr.split())[:200]


def with_ids(store, report):
    """The rows of a JSON report, each with its cell's id in the store."""
    database = sqlite3.connect(store)
    database.text_factory = lambda text: text.decode(errors='replace')
    settings = {}
    for cell, axis, name, value in database.execute(
            'SELECT cell_id, axis, name, value FROM cell_settings ORDER BY name'):
        settings.setdefault((cell, axis), []).append(f'{name}={value}')
    ids = {}
    for cell, allocator, *rest in database.execute(
            'SELECT id, allocator, collector, workload, threads FROM cells'):
        given = settings.get((cell, 'allocator'))
        ids[allocator + (f'{{{";".join(given)}}}' if given else ''), *rest] = cell
    rows = json.loads(pathlib.Path(report).read_text(encoding='utf-8'))
    for row in rows:
        row['id'] = ids[row['allocator'], row['collector'], row['workload'], row['threads']]
    pathlib.Path(report).write_text(json.dumps(rows), encoding='utf-8')


def browse(folder, *arguments):
    return subprocess.run(['node', folder / 'browser.mjs', *arguments], timeout=SECONDS,
                          check=False).returncode


def skip(why):
    print(f'1..0 # SKIP {why}')


def test():
    folder = pathlib.Path(os.environ['CHURN_BROWSER_FOLDER'])
    with tempfile.TemporaryDirectory() as made:
        store, page = f'{made}/churn.db', f'{made}/report.html'
        subprocess.run([os.environ['CHURN_WRITE_STORE'], store], check=True)
        report = [os.environ['CHURN_PROGRAM'], 'report', '--db', store, '-o']
        done = subprocess.run([*report, page, '--format', 'html'], capture_output=True, text=True,
                              check=False)
        if done.returncode == 2 and 'built without npm' in done.stderr:
            return skip('this build has no HTML report: it was made without npm')
        if done.returncode != 0:
            sys.exit(done.stderr)
        if why := missing(folder):
            return skip(why)
        subprocess.run([*report, f'{made}/report.json', '--format', 'json'], check=True)
        with_ids(store, f'{made}/report.json')
        subprocess.run([os.environ['CHURN_PROGRAM'], 'export', '--db', store, '--format', 'jsonl',
                        '-o', f'{made}/samples.jsonl'], check=True)
        return browse(folder, 'test', page, f'{made}/report.json', f'{made}/samples.jsonl')


def screenshots(page, target):
    folder = pathlib.Path(os.environ.get('CHURN_BROWSER_FOLDER') or
                          pathlib.Path(tempfile.gettempdir()) / 'churn-browser')
    if why := missing(folder):
        sys.exit(why)
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    return browse(folder, 'screenshots', pathlib.Path(page).resolve(),
                  pathlib.Path(target).resolve())


if __name__ == '__main__':
    sys.exit(screenshots(*sys.argv[2:]) if sys.argv[1:2] == ['screenshots'] else test())
