"""Repeats recorded programs with Python objects, and compares what is seen with the record.

Usage: record VERSION FIRST LAST OPERATIONS | replay.py
       check(line), summary()               for another program that reads the lines

What an operation means is said in execution.hpp; this is the same in another language, on the
interpreter that runs it. The record is of a collector that counts tracked allocations exactly, so
this code must make none of its own while a program runs: no tuples, dictionaries, iterators, bound
methods or keyword arguments, and no name may hold an object longer than the record does. Where that
cannot be, the program has two full collections before the counts matter again.
"""
import gc
import json
import sys
import weakref

PLACES = 16
SELF = PLACES
NEIGHBOURHOOD = 8
GENERATIONS = 3

# Kinds of events, by the names that the record has.
NAMES = ['result', 'finalized', 'weak_died', 'starts', 'stops', 'count[0]', 'count[1]', 'count[2]',
         'collections[0]', 'collections[1]', 'collections[2]', 'collected[0]', 'collected[1]',
         'collected[2]', 'uncollectable[0]', 'uncollectable[1]', 'uncollectable[2]', 'frozen',
         'garbage', 'allocated', 'reclaimed', 'enabled']
RESULT, FINALIZED, WEAK_DIED, COUNT = 0, 1, 2, 5
COLLECTIONS, COLLECTED, UNCOLLECTABLE, FROZEN, GARBAGE, ENABLED = 8, 11, 14, 17, 18, 21


Atom = object  # instances of Python classes are tracked, slots or not


def slot_names(count):
    return [f's{i}' for i in range(count)]


def node_class(count):
    return type(f'Node{count}', (), {'__slots__': ['id', *slot_names(count), '__weakref__']})


def finalizer(self):
    at_death(FINALIZED, self)


def watched_class(plain):
    return type('Watched' + plain.__name__, (plain,), {'__slots__': (), '__del__': finalizer})


class Weak(weakref.ref):
    __slots__ = ('id',)


SLOTS = [slot_names(count) for count in range(7)]
NODES = [Atom] + [node_class(count) for count in range(1, 7)]
WATCHED = [None] + [watched_class(plain) for plain in NODES[1:]]
SLOTS_OF = {Atom: 0, Weak: 0, type(None): 0}
for number in range(1, 7):
    SLOTS_OF[NODES[number]] = SLOTS_OF[WATCHED[number]] = number


class State:
    """One, with everything that changes; attributes of an instance without a dictionary."""
    __slots__ = ('now', 'silent', 'hooks', 'was_frozen', 'programs', 'events')


S = State()
S.programs = S.events = 0
P = [None] * (PLACES + 1)
LOG = []        # operation, kind, value, operation, …
HOOK_OF = []    # by identity
BASE = [0] * 9  # get_stats before the program
FIGURES = [0] * len(NAMES)


def see(kind, value):
    LOG.append(S.now)
    LOG.append(kind)
    LOG.append(value)


def figure(kind, value):
    if FIGURES[kind] != value:
        FIGURES[kind] = value
        see(kind, value)


def new_id():
    HOOK_OF.append(-1)
    return len(HOOK_OF) - 1


def at_death(kind, dying):
    if S.silent:
        return
    see(kind, dying.id)
    hook = HOOK_OF[dying.id]
    if hook < 0:
        return
    former = P[SELF]
    P[SELF] = dying
    operations = S.hooks[hook]
    i = 0
    while i < len(operations):
        execute(operations[i])
        i += 1
    P[SELF] = former
    former = None


def weak_died(weak):
    at_death(WEAK_DIED, weak)


# ---- operations ----

def stamped(slots):
    made = NODES[slots]()
    identity = new_id()
    if slots:
        made.id = identity
    i = 0
    while i < slots:
        setattr(made, SLOTS[slots][i], None)
        i += 1
    return made


def watch(node, hook):
    slots = SLOTS_OF[type(node)]
    if type(node) is NODES[slots] and slots:
        if HOOK_OF[node.id] == -1:
            HOOK_OF[node.id] = hook if hook >= 0 else -2
            node.__class__ = WATCHED[slots]


def allocate(a, b, c, hook):
    fresh = stamped(c)
    tracked = gc.is_tracked(fresh)
    if hook >= 0:
        watch(fresh, hook)
    old = P[a]
    P[a] = fresh
    fresh = None
    old = None
    see(RESULT, 1 if tracked else 0)


def link(a, b, c, hook):
    slots = SLOTS_OF[type(P[a])]
    if slots:
        holder = P[a]
        value = P[b]
        setattr(holder, SLOTS[slots][c % slots], value)
        holder = None
        value = None


def link_far(a, b, c, hook):
    slots = SLOTS_OF[type(P[a])]
    if slots:
        far = getattr(P[a], SLOTS[slots][c % slots])
        slots = SLOTS_OF[type(far)]
        if slots:
            value = P[b]
            setattr(far, SLOTS[slots][c // 8 % slots], value)
            far = None
            value = None


def drop(a, b, c, hook):
    P[a] = None


def set_place(a, b, c, hook):
    value = P[b]
    P[a] = value
    value = None


def load(a, b, c, hook):
    slots = SLOTS_OF[type(P[b])]
    if slots:
        holder = P[b]
        value = getattr(holder, SLOTS[slots][c % slots])
        P[a] = value
        value = None
        holder = None


def take(a, b, c, hook):
    slots = SLOTS_OF[type(P[b])]
    if slots:
        holder = P[b]
        value = getattr(holder, SLOTS[slots][c % slots])
        setattr(holder, SLOTS[slots][c % slots], None)
        P[a] = value
        value = None
        holder = None


def watch_place(a, b, c, hook):
    watch(P[a], hook)


def weak(a, b, c, hook):
    if SLOTS_OF[type(P[b])]:
        referent = P[b]
        identity = new_id()
        HOOK_OF[identity] = hook
        fresh = Weak(referent, weak_died if hook >= 0 else None)
        fresh.id = identity
        old = P[a]
        P[a] = fresh
        fresh = None
        old = None
        referent = None


def referent_of(a, b, c, hook):
    if type(P[b]) is Weak:
        reference = P[b]
        found = reference()
        see(RESULT, 0 if found is None else 1)
        P[a] = found
        found = None
        reference = None


def built_ring(nodes, hook):
    last = stamped(2)
    entry = last
    if hook >= 0:
        watch(entry, hook)
    i = 1
    while i < nodes:
        fresh = stamped(2)
        fresh.s0 = entry
        entry = fresh
        i += 1
    last.s0 = entry
    return entry


def ring(a, b, c, hook):
    entry = built_ring(c, hook)
    P[a] = entry
    entry = None


def chain(a, b, c, hook):
    following = None
    i = c - 1
    while i >= 0:
        fresh = stamped(2)
        if i % b == 0:
            watch(fresh, hook)
        setattr(fresh, SLOTS[2][i % 2], following)
        if i % b == 0:
            leaf = stamped(1)
            watch(leaf, hook)
            setattr(fresh, SLOTS[2][1 - i % 2], leaf)
            leaf = None
        following = fresh
        fresh = None
        i -= 1
    P[a] = following
    following = None


def burst(a, b, c, hook):
    i = 0
    while i < c:
        built_ring(b, -1)
        i += 1


def collect(a, b, c, hook):
    see(RESULT, gc.collect(c))


def thresholds(a, b, c, hook):
    gc.set_threshold(c, a, b)


def enable(a, b, c, hook):
    gc.enable()


def disable(a, b, c, hook):
    gc.disable()


def freeze(a, b, c, hook):
    gc.freeze()


def save_all(a, b, c, hook):
    gc.set_debug(gc.DEBUG_SAVEALL if c else 0)


def garbage(a, b, c, hook):
    items = len(gc.garbage)
    see(RESULT, items)
    if items:
        see(RESULT, 1 if gc.is_tracked(gc.garbage[c % items]) else 0)


def clear_garbage(a, b, c, hook):
    gc.garbage.clear()


def statistics(a, b, c, hook):
    """Takes allocations: nothing may be collected because of them."""
    enabled = gc.isenabled()
    gc.disable()
    rows = gc.get_stats()
    counts = gc.get_count()
    for g in range(GENERATIONS):
        if g > 0:
            figure(COUNT + g, counts[g])
        figure(COLLECTIONS + g, rows[g]['collections'] - BASE[g])
        figure(COLLECTED + g, rows[g]['collected'] - BASE[3 + g])
        figure(UNCOLLECTABLE + g, rows[g]['uncollectable'] - BASE[6 + g])
    figure(GARBAGE, len(gc.garbage))
    figure(ENABLED, 1 if enabled else 0)
    figure(FROZEN, gc.get_freeze_count() - S.was_frozen)
    if enabled:
        gc.enable()


DO = {'allocate': allocate, 'link': link, 'link_far': link_far, 'drop': drop, 'set': set_place,
      'load': load, 'take': take, 'watch': watch_place, 'weak': weak, 'referent': referent_of,
      'ring': ring, 'chain': chain, 'burst': burst, 'collect': collect, 'thresholds': thresholds,
      'enable': enable, 'disable': disable, 'freeze': freeze, 'save_all': save_all,
      'garbage': garbage, 'clear_garbage': clear_garbage, 'statistics': statistics}


def execute(operation):
    DO[operation[0]](operation[1], operation[2], operation[3], operation[4])


# ---- programs ----

def wipe():
    """Nothing is left of the program before."""
    S.silent = True
    gc.disable()
    gc.set_debug(0)
    gc.garbage.clear()
    gc.unfreeze()
    for place in range(PLACES + 1):
        P[place] = None
    for _ in range(3):
        gc.collect()
    LOG.clear()
    HOOK_OF.clear()
    FIGURES[:] = [0] * len(NAMES)


def begin():
    """As a new heap. What the interpreter has of its own is frozen first."""
    for g, row in enumerate(gc.get_stats()):
        BASE[g], BASE[3 + g] = row['collections'], row['collected']
        BASE[6 + g] = row['uncollectable']
    row = None
    gc.freeze()
    S.was_frozen = gc.get_freeze_count()
    BASE[3 + 2] += gc.collect()
    BASE[3 + 2] += gc.collect()
    BASE[2] += 2
    S.silent = False
    gc.enable()


def wind_up():
    gc.enable()
    gc.set_debug(0)
    gc.garbage.clear()
    place = 0
    while place < PLACES:
        P[place] = None
        place += 1
    rounds = 0
    while rounds < 4:
        see(RESULT, gc.collect(2))
        place = 0
        while place < PLACES:
            P[place] = None
            place += 1
        statistics(0, 0, 0, -1)
        rounds += 1


def run(program):
    """The log, as flat as it is kept."""
    wipe()
    operations = program['operations']
    S.hooks = program['hooks']
    S.now = 0
    total = len(operations)
    begin()
    while S.now < total:
        execute(operations[S.now])
        S.now += 1
    wind_up()
    S.silent = True
    return list(LOG)


def in_words(events, at, operations):
    lines = []
    for i in range(max(0, at - NEIGHBOURHOOD), min(len(events), at + NEIGHBOURHOOD)):
        operation, name, value = events[i]
        what = operations[operation] if operation < len(operations) else 'end'
        lines.append(f'{"*" if i == at else " "} {operation} {what}: {name} = {value}')
    return lines or ['* nothing']


def difference(program):
    """Lines that say where what is seen differs from the record; none if it does not."""
    flat = run(program)
    seen = [[flat[i], NAMES[flat[i + 1]], flat[i + 2]] for i in range(0, len(flat), 3)]
    wanted = program['log']
    if seen == wanted:
        return []
    pairs = zip(seen, wanted)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(seen), len(wanted)))
    return [f'seed {program["seed"]}: the logs differ', 'recorded:',
            *in_words(wanted, at, program['operations']), 'seen:',
            *in_words(seen, at, program['operations'])]


def check(line):
    """One recorded program: what differs, in words; empty if nothing does."""
    program = json.loads(line)
    lines = difference(program)
    S.programs += 1
    S.events += len(program['log'])
    wipe()
    return '\n'.join(lines)


def summary():
    version = sys.version.split(maxsplit=1)[0]
    return f'CPython {version}: {S.programs} programs, {S.events} events are the same'


def main():
    for line in sys.stdin:
        text = check(line)
        if text:
            print(text)
            return 1
    print(summary())
    return 0


if __name__ == '__main__':
    sys.exit(main())
