# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Samples in, figures out: pure."""

import random

RESAMPLES = 300
LOW = {"p2": 0.02, "p10": 0.1, "median": 0.5}  # where a busy machine disturbs least, and less so


def quantile(values, q):
    """The value below which a share q of the values lies; None of none."""
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else None


def p10(values):
    return quantile(values, 0.1)


def median(values):
    return quantile(values, 0.5)


def spread(values):
    """How noisy: the distance from the 10th to the 90th percentile, as a share of the former."""
    return (quantile(values, 0.9) - p10(values)) / p10(values)


def flat(rounds):
    return [value for batches in rounds for value in batches]


def added(rounds, bare):
    """What a variant adds, in the unit of the samples: rounds of batches against rounds of bare."""
    paired = [min(a) - min(b) for a, b in zip(rounds, bare)]
    out = {name: quantile(flat(rounds), q) - quantile(flat(bare), q) for name, q in LOW.items()}
    return {**out, "paired": median(paired)}


def ratio_range(rounds, floor, bare, figure):
    """
    5 % and 95 % bounds of what rounds add over what the floor adds, by resampling rounds: the
    same rounds of all three, which stand beside each other in time.
    """
    chance, ratios, count = random.Random(1), [], len(bare)
    for _ in range(RESAMPLES):
        picked = [chance.randrange(count) for _ in range(count)]
        some = [[r[i] for i in picked] for r in (rounds, floor, bare)]
        base = added(some[1], some[2])[figure]
        if base > 0:
            ratios.append(added(some[0], some[2])[figure] / base)
    return [quantile(ratios, 0.05), quantile(ratios, 0.95)] if ratios else [None, None]


def compare(samples, floor="floor", bare="bare"):
    """{variant: figures} of {variant: rounds of batches}."""
    out = {}
    for name, rounds in samples.items():
        figures = {**{of: quantile(flat(rounds), q) for of, q in LOW.items()},
                   "spread": spread(flat(rounds)), "rounds": len(rounds)}
        if name != bare:
            figures["added"] = added(rounds, samples[bare])
        if name not in (bare, floor) and floor in samples:
            base = added(samples[floor], samples[bare])
            figures["ratio"] = {k: v / base[k] if base[k] > 0 else None
                                for k, v in figures["added"].items()}
            figures["ratio_range"] = {
                k: ratio_range(rounds, samples[floor], samples[bare], k)
                for k in ("p2", "p10", "paired")}
        out[name] = figures
    return out
