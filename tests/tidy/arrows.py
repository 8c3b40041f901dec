"""Who may include whom. The arrows keep a part replaceable: a collector that knew of a workload
could be tuned to it, and a `churn` that included a collector would be rebuilt with each of them."""
import re

from source import ROOT

# Room -> rooms it may include besides itself. The catalogue is data about allocators; nothing of an
# allocator's code comes with it.
MAY_INCLUDE = {
    'harness/core': set(),
    'allocators': {'harness/core'},
    'allocators/catalogue': {'harness/core'},
    'collectors': {'harness/core'},
    'workloads': {'harness/core'},
    'harness/conform': {'harness/core'},
    'harness/trace': {'harness/core'},
    'harness/cell': {'harness/core'},
    'results': {'harness/core'},
    'harness/run': {'harness/core', 'harness/trace', 'results', 'allocators/catalogue'},
    'harness/gate': {'harness/core', 'results', 'harness/run', 'allocators/catalogue'},
    'harness/try': {'harness/core', 'harness/trace', 'results', 'harness/run',
                    'allocators/catalogue'},
    'harness/cli': {'harness/core', 'results', 'harness/run', 'harness/gate', 'harness/try',
                    'harness/trace', 'harness/conform', 'allocators/catalogue'},
}
# A generated unit is where one collector and all workloads meet.
GENERATED = {'harness/core', 'harness/cell', 'harness/conform', 'allocators', 'collectors',
             'workloads'}
# Seconds per unit that includes one: implementation files only.
HEAVY = ('nlohmann/', 'SQLiteCpp/', 'CLI/', 'toml++/', 'boost/', 'gtest/', 'gmock/', 'benchmark/')
# The one folder that wraps a library has a header of its own for it.
WRAPPERS = {('results/store/', 'SQLiteCpp/')}
# Code that runs inside a measured process stands on the standard library alone.
STANDARD_ONLY = {'harness/core', 'allocators', 'collectors', 'workloads'}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def room_of(path):
    """The room a path from the root lies in; None for a file of the standard or a library."""
    if path.startswith('allocators/catalogue'):
        return 'allocators/catalogue'
    parts = path.split('/')
    if parts[0] == 'harness' and len(parts) > 2:
        return '/'.join(parts[:2])
    rooms = ('allocators', 'collectors', 'workloads', 'results', 'tests')
    return parts[0] if parts[0] in rooms else None


def arrows(source):
    """Includes that point the wrong way, are too heavy, or are not spelled from the root."""
    room = room_of(source.path)
    if not source.is_cpp or room is None:
        return
    for match in INCLUDE.finditer(source.text):
        mark, target = match.groups()
        line = source.text.count('\n', 0, match.start()) + 1
        where = f'{source.path}:{line}'
        wrapped = any(source.path.startswith(folder) and target.startswith(library)
                      for folder, library in WRAPPERS)
        if source.is_header and room != 'tests' and target.startswith(HEAVY) and not wrapped:
            yield f'{where}: <{target}> is heavy: include it in a .cpp, not in a header'
        if room in STANDARD_ONLY and mark == '<' and target.startswith(HEAVY + ('fmt/',)):
            yield f'{where}: {room} uses the standard library only, not <{target}>'
        to = room_of(target)
        if mark == '"' and to is None and room != 'tests' and '@' not in target:
            yield f'{where}: "{target}" is not spelled from the root of the tree'
        if to is None or to == room or room == 'tests':
            continue
        if room == 'allocators/catalogue' and to == 'allocators' or \
           to == 'allocators/catalogue' and room == 'allocators':
            continue
        allowed = GENERATED if source.path.endswith('.in') else MAY_INCLUDE[room]
        if to not in allowed:
            yield f'{where}: {room} must not include {to} ("{target}")'


def exists(source):
    """A quoted include that names no file breaks only when somebody compiles that unit."""
    if not source.is_cpp or source.path.endswith('.in'):
        return
    for match in INCLUDE.finditer(source.text):
        mark, target = match.groups()
        if mark == '"' and room_of(target) is not None and not (ROOT / target).exists() \
                and not (ROOT / f'{target}.in').exists():
            yield f'{source.path}: "{target}" does not exist'
