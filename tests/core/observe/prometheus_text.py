#!/usr/bin/env python3
"""prometheus_text.py PROGRAM: whether what a bus writes for Prometheus is what Prometheus's own parser understands."""
import math
import os
import subprocess
import sys
import tempfile

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    print("SKIPPED: python3-prometheus-client is not installed")
    sys.exit(0)

with tempfile.NamedTemporaryFile(suffix=".prom") as file:
    subprocess.run([sys.argv[1], "[.prometheus]"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "POSTBUS_TEST_PROMETHEUS_FILE": file.name})
    with open(file.name, encoding="utf-8", newline="") as written:
        text = written.read()

families = {f.name: f for f in text_string_to_metric_families(text)}
problems = []


def check(what, found, wanted):
    if found != wanted:
        problems.append(f"{what}: found {found!r}, wanted {wanted!r}")


def values(name, **labels):
    return [s.value for f in families.values() for s in f.samples
            if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())]


group = 'quo"te \\ back\nline'
check("types", {f.type for f in families.values()}, {"counter", "gauge", "histogram"})
check("help", [n for n, f in families.items() if not f.documentation], [])
check("published", values("postbus_published_total"), [10])
check("acked", values("postbus_deliveries_total", subscription="a:*", group=group, outcome="acked"), [10])
check("handlers timed", values("postbus_handler_seconds_count", group=group), [10])
check("seconds in handlers", [round(v, 9) for v in values("postbus_handler_seconds_sum", group=group)], [0.03])
buckets = [(float(s.labels["le"]), s.value) for s in families["postbus_handler_seconds"].samples
           if s.name.endswith("_bucket")]
check("bounds in order", buckets, sorted(buckets))
check("the last bound", buckets[-1], (math.inf, 10))

if problems:
    print(text)
    print("\n".join(problems))
    sys.exit(1)
print(f"{len(families)} families, {sum(len(f.samples) for f in families.values())} samples")
