# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Throughput of one fast TCP stream over loopback, 64 KiB a call, with and without sockwatch."""

import call
import figures
import machine
import variants


def measure(bench):
    plan = {"rounds": bench.rounds or bench.pick(40, 1),
            "kinds": {"stream": bench.pick((8, 20), (2, 5))}}
    group = [variants.Bare(), *(variants.Sockwatch(*pair) for pair in bench.sockwatches())]
    quiet = machine.Quiet(bench.pick(120, 0))
    with call.timed(bench) as worker:
        samples = call.rounds(worker, group, plan, quiet)["stream"]
    out = {}
    for name, rounds in samples.items():
        per_s = [batch[0] for batch in figures.flat(rounds)]
        cpu = [batch[1] for batch in figures.flat(rounds)]
        out[name] = {"bytes_per_s": {"p90": figures.quantile(per_s, 0.9),
                                     "median": figures.median(per_s)},
                     "cpu_ns_per_kib": {"p10": figures.p10(cpu), "median": figures.median(cpu)},
                     "spread": figures.spread(per_s)}
    for name, of in out.items():
        of["ratio"] = {kind: {q: of[kind][q] / value for q, value in out["bare"][kind].items()}
                       for kind in ("bytes_per_s", "cpu_ns_per_kib")}
        pairs = [figures.median([b[0] for b in mine]) / figures.median([b[0] for b in bare])
                 for mine, bare in zip(samples[name], samples["bare"])]
        of["ratio"]["bytes_per_s"]["paired"] = figures.median(pairs)
    return {"plan": plan, "unit": ["bytes/s", "CPU ns of both ends for each KiB"],
            "samples": samples, "figures": out, "quiet": quiet.report()}


def table(result):
    yield "one TCP stream over loopback: GB/s (p90, median), CPU ns per KiB of both ends (p10,"
    yield "median), what is left of the throughput: by p90, median, median of pairs of neighbours"
    yield f"{'':12} {'GB/s':>13}  {'ns/KiB':>13}  {'x throughput':>20}  {'x CPU':>12}"
    for name, of in result["figures"].items():
        rate, cpu, ratio = of["bytes_per_s"], of["cpu_ns_per_kib"], of["ratio"]
        through, work = ratio["bytes_per_s"], ratio["cpu_ns_per_kib"]
        yield (f"{name:12} {rate['p90'] / 1e9:6.3f} {rate['median'] / 1e9:6.3f}"
               f"  {cpu['p10']:6.1f} {cpu['median']:6.1f}"
               f"  {through['p90']:6.3f} {through['median']:6.3f} {through['paired']:6.3f}"
               f"  {work['p10']:5.3f} {work['median']:6.3f}")
    yield (f"noise: from p10 to p90 of bare {result['figures']['bare']['spread']:.0%};"
           f" {call.quiet(result)}")
