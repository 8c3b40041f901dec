#!/usr/bin/python3
"""Prints a size profile that was made up: a service of small objects, with some large buffers.

    workloads/traces/make_profile.py > workloads/traces/service.csv
"""
import math
import random

chance = random.Random(1)
print("size, rate, live")
for step in range(8, 4 * 22):
    size = int(2 ** (step / 4)) + chance.randrange(8)
    # Most calls are for a few tens of bytes; each size has its own lifetime, live / rate.
    rate = 1e6 * math.exp(-((math.log2(size) - 5.5) / 2.4) ** 2) * chance.lognormvariate(0, 1)
    lifetime_s = chance.lognormvariate(-2, 2)
    print(f"{size}, {rate:.3f}, {rate * lifetime_s:.3f}")
