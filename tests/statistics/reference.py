"""The statistics once more, by scipy: writes reference.txt, against which the C++ is tested.

    python3 reference.py reference.txt          writes the file anew
    python3 reference.py --check reference.txt  asks the same again, and prints TAP

Each line is a name, its arguments, '=' and what comes out, in shortest digits that read back the
same. Where scipy has a function, it is called; where it has none for ties or intervals, the answer
is found from the definition: by going through all permutations, or by moving the shift until
scipy's test changes its mind. Nothing here is shared with the C++.
"""
import itertools
import sys

try:
    import numpy
    import scipy.spatial
    import scipy.stats
except ImportError:
    print('1..0 # SKIP python3-scipy is not installed')
    sys.exit(0)

SEED = 20261121
TOLERANCE = 1e-9


def has_ties(values):
    return len(set(values)) < len(values)


def signed_rank_above(shift, *values):
    """By scipy where no two sizes are equal; else over all signs, zeros ranked, then left out."""
    from_shift = numpy.array(values) - shift
    sizes = numpy.abs(from_shift)
    if not has_ties(sizes) and sizes.min() > 0:
        return [scipy.stats.wilcoxon(from_shift, alternative='greater', mode='exact').pvalue]
    ranks = scipy.stats.rankdata(sizes)[sizes > 0]
    observed = ranks[from_shift[sizes > 0] > 0].sum()
    sums = [(ranks * numpy.array(signs)).sum()
            for signs in itertools.product((0, 1), repeat=len(ranks))]
    return [numpy.mean([total >= observed - 1e-9 for total in sums])]


def signed_rank_below(shift, *values):
    return signed_rank_above(-shift, *(-each for each in values))


def shift_of(confidence, *values):
    """Low and high are the least and the greatest shift that neither one-sided test rejects."""
    averages = sorted((a + b) / 2 for i, a in enumerate(values) for b in values[i:])
    step = min(b - a for a, b in zip(averages, averages[1:])) / 4
    level = (1 - confidence) / 2
    low = next(each for each in averages if signed_rank_above(each + step, *values)[0] > level)
    high = next(each for each in reversed(averages)
                if signed_rank_below(each - step, *values)[0] > level)
    outside = signed_rank_above(low - step, *values)[0]
    return [numpy.median(averages), low, high, 1 - 2 * outside]


def rank_sum_above(count, *values):
    """By scipy where all values differ; else over all choices."""
    candidate, baseline = values[:int(count)], values[int(count):]
    if not has_ties(values):
        return [scipy.stats.mannwhitneyu(candidate, baseline, alternative='greater',
                                         method='exact').pvalue]
    ranks = scipy.stats.rankdata(values)
    observed = ranks[:len(candidate)].sum()
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, len(candidate))]
    return [numpy.mean([total >= observed - 1e-9 for total in sums])]


def sign_test(heads, flips):
    if flips == 0:
        return [1]
    return [scipy.stats.binomtest(int(heads), int(flips), alternative='greater').pvalue]


def holm(*p_values):
    """By the closure principle: the greatest Bonferroni p of all sets that hold the hypothesis."""
    places = range(len(p_values))
    subsets = [subset for size in range(1, len(p_values) + 1)
               for subset in itertools.combinations(places, size)]
    return [max(min(1, len(subset) * min(p_values[i] for i in subset))
                for subset in subsets if place in subset) for place in places]


def benjamini_hochberg(*p_values):
    """The least rate of false discoveries at which the step-up rule rejects."""
    count = len(p_values)
    ascending = sorted(p_values)
    return [min([1] + [count * each / (rank + 1) for rank, each in enumerate(ascending)
                       if each >= own]) for own in p_values]


def minimum_detectable_shift(low, high, confidence, alarm, power):
    normal = scipy.stats.norm
    error = (high - low) / 2 / normal.ppf((1 + confidence) / 2)
    return [0.005 + error * (normal.isf(alarm) + normal.ppf(power))]


def scaled_energy_distance(first, second):
    """Of Matteson and James, equations 5 and 6, exponent 1."""
    column = [numpy.reshape(each, (-1, 1)) for each in (first, second)]
    between = scipy.spatial.distance.cdist(*column).mean()
    within = [scipy.spatial.distance.pdist(each).mean() for each in column]
    n, m = len(first), len(second)
    return n * m / (n + m) * (2 * between - sum(within))


def most_divergent_split(least, *values):
    least = int(least)
    return max([scaled_energy_distance(values[:at], values[at:end]), at, end]
               for end in range(2 * least, len(values) + 1)
               for at in range(least, end - least + 1))


def change_points(least, *values):
    """Of series whose changes are so clear that the orders drawn here find what any others do."""
    least, orders, alpha = int(least), 199, 0.01
    random = numpy.random.default_rng(0)
    ends, found = [0, len(values)], []

    def best(series):
        parts = [(a, b) for a, b in zip(ends, ends[1:]) if b - a >= 2 * least]
        splits = [(most_divergent_split(least, *series[a:b]), a) for a, b in parts]
        return max((split[0], a + split[1]) for split, a in splits) if splits else (-1, 0)

    while True:
        statistic, at = best(values)
        as_good = 1
        for _ in range(orders if at else 0):
            shuffled = numpy.concatenate([random.permutation(values[a:b])
                                          for a, b in zip(ends, ends[1:])])
            as_good += best(shuffled)[0] >= statistic * (1 - 1e-9)
            if as_good > alpha * (orders + 1):
                break
        if not at or as_good > alpha * (orders + 1):
            return sorted(found)
        found.append(at)
        ends = sorted([*ends, at])


FEW, LEAST, LEAST_OF_FEW = 5, 0.001, 0.05


def yuen(differences):
    """Center, error and degrees of freedom, by scipy's trimmed test against constants."""
    n = len(differences)
    cut = n // 8
    center = scipy.stats.trim_mean(differences, (cut + 1e-9) / n)
    freedom = n - 2 * cut - 1
    trimmed = scipy.stats.mstats.winsorize(numpy.array(differences), ((cut + 1e-9) / n,) * 2)
    if trimmed.std(ddof=1) < LEAST:
        return center, LEAST * numpy.sqrt((n - 1) / (freedom * (freedom + 1))), freedom
    shift = center - 1
    test = scipy.stats.ttest_ind(differences, [shift] * n, equal_var=False, trim=(cut + 1e-9) / n)
    return center, (center - shift) / test.statistic, freedom


def differences_of(back_ends, rounds, values):
    """Of each pair; with few rounds no pair is steadier than the median pair or 5 %."""
    logs = numpy.log(numpy.array(values)).reshape(int(back_ends), int(rounds))
    pairs = {(i, j): yuen(list(logs[i] - logs[j])) for i in range(len(logs))
             for j in range(len(logs)) if i != j}
    if rounds < FEW:
        usual = numpy.median([pair[1] for (i, j), pair in pairs.items() if i < j])
        least = max(usual, LEAST_OF_FEW / numpy.sqrt(rounds))
        pairs = {place: (center, max(error, least), freedom)
                 for place, (center, error, freedom) in pairs.items()}
    return pairs


def p_above(pair, shift):
    center, error, freedom = pair
    return scipy.stats.t.sf((center - shift) / error, freedom)


def against_best(back_ends, rounds, *values):
    """Of each back end: ratio to the best, low, high, adjusted p."""
    pairs = differences_of(back_ends, rounds, values)
    each = range(int(back_ends))
    tolerance = numpy.log(1.02)
    least = {place: center - error * scipy.stats.t.isf(0.05 / len(pairs), freedom)
             for place, (center, error, freedom) in pairs.items()}
    p_values = [min(1, (len(each) - 1) * min(p_above(pairs[i, j], tolerance)
                                             for j in each if i != j)) for i in each]
    adjusted = holm(*p_values)
    could_be_best = [all(least[i, j] <= 0 for j in each if i != j) for i in each]
    result = []
    for i in each:
        low = max([0] + [least[i, j] for j in each if i != j])
        if adjusted[i] <= 0.05:
            low = max(low, tolerance)
        ratio = max([low] + [pairs[i, j][0] for j in each if i != j])
        high = max([ratio] + [-least[j, i] for j in each if i != j and could_be_best[j]])
        result += [numpy.exp(ratio), numpy.exp(low), numpy.exp(high), adjusted[i]]
    return result


def dominated_by(back_ends, rounds, *values):
    """Of each back end the one that dominates it in both figures, or -1."""
    half = len(values) // 2
    figures = [differences_of(back_ends, rounds, values[:half]),
               differences_of(back_ends, rounds, values[half:])]
    each = range(int(back_ends))
    tolerance = numpy.log(1.02)
    p_values, strongest = [], []
    for i in each:
        by = {j: min(max(p_above(better[i, j], tolerance), p_above(no_worse[i, j], -tolerance))
                     for better, no_worse in (figures, figures[::-1])) for j in each if i != j}
        strongest.append(min(by, key=by.get))
        p_values.append(min(1, 2 * len(by) * by[strongest[-1]]))
    return [by if p <= 0.05 else -1 for by, p in zip(strongest, holm(*p_values))]


def questions(random):
    """What is asked: functions of this module with their arguments."""
    for n in (1, 2, 5, 8, 15, 25, 40, 60, 90):
        for center, shift in itertools.product((-0.01, 0.005, 0.03), (0.005, 0.0296)):
            values = random.normal(center, 0.03, n)
            yield signed_rank_above, [shift, *values]
            yield signed_rank_below, [shift, *values]
    for n in (1, 3, 6, 9, 12) * 3:
        values = random.integers(-2, 5, n)
        yield signed_rank_above, [1, *values]
        yield signed_rank_below, [1, *values]
    for n, confidence in itertools.product((6, 9, 15, 25, 40), (0.9, 0.95, 0.99)):
        if 2.0 ** (1 - n) <= 1 - confidence:  # else no interval reaches it
            yield shift_of, [confidence, *random.normal(0.01, 0.03, n)]
    for n, m in ((1, 1), (3, 4), (10, 10), (15, 15), (20, 12), (40, 40)):
        yield rank_sum_above, [n, *random.normal(1.01, 0.02, n), *random.normal(1, 0.02, m)]
    for n, m in ((2, 3), (5, 5), (7, 6), (8, 8)):
        yield rank_sum_above, [n, *random.integers(2, 6, n), *random.integers(1, 5, m)]
    for heads, flips in ((0, 0), (0, 7), (1, 1), (5, 5), (9, 12), (20, 60), (60, 90), (90, 90)):
        yield sign_test, [heads, flips]
    for count in (1, 2, 5, 8):
        p_values = random.uniform(0, 0.2, count) ** 2
        p_values[count // 2] = p_values[0]
        yield holm, p_values
        yield benjamini_hochberg, p_values
    for back_ends, rounds in itertools.product((2, 3, 6), (3, 4, 5, 7, 8, 10, 16, 25)):
        levels = random.choice((0, 0.01, 0.1, 0.5), (2, back_ends, 1))
        figures = numpy.exp(levels + random.normal(3, 0.02, (2, back_ends, rounds)))
        yield against_best, [back_ends, rounds, *figures[0].flatten()]
        yield dominated_by, [back_ends, rounds, *figures.flatten()]
    yield minimum_detectable_shift, [-0.01, 0.02, 0.99, 0.0003, 0.99]
    yield minimum_detectable_shift, [0.1, 0.3, 0.95, 0.01, 0.8]
    for n, least in ((4, 2), (7, 2), (12, 3), (30, 3), (30, 5)):
        yield most_divergent_split, [least, *random.normal(20, 1, n)]
        yield most_divergent_split, [least, *random.normal(20, 1, n - n // 3),
                                     *random.normal(22, 1, n // 3)]
        yield most_divergent_split, [least, *random.integers(0, 40, n)]
    for levels in ((1, 2), (1, 3, 2), (1, 4, 1), (1, 2, 4, 8)):
        yield change_points, [3, *numpy.concatenate(
            [random.normal(level, 0.02, 9) for level in levels])]


def digits(values):
    return ' '.join(repr(float(value)) for value in values)


def write(path):
    random = numpy.random.default_rng(SEED)
    with open(path, 'w', encoding='utf-8') as file:
        for ask, arguments in questions(random):
            arguments = [float(each) for each in arguments]
            print(ask.__name__, digits(arguments), '=', digits(ask(*arguments)), file=file)


def agrees(line):
    name, rest = line.split(' ', 1)
    arguments, kept = ([float(each) for each in part.split()] for part in rest.split('='))
    fresh = globals()[name](*arguments)
    return len(kept) == len(fresh) and all(
        abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) for a, b in zip(kept, fresh))


def check(path):
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    wrong = [each for each in lines if not agrees(each)]
    print('1..1')
    print(f'{"ok" if lines and not wrong else "not ok"} 1 - {len(lines)} recorded lines are what '
          f'scipy {scipy.__version__} says')
    for each in wrong:
        print(f'# differs: {each}')
    return 1 if wrong or not lines else 0


if sys.argv[1] == '--check':
    sys.exit(check(sys.argv[2]))
write(sys.argv[1])
