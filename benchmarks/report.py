"""Measure the report: seconds, peak memory, size of the page, and seconds until a browser shows it.

python benchmarks/report.py [--mnist FILE.npz] [--only digits,mnist,million] [--rows 1000000] [--latents 8192]
       [--out TABLE.md]

digits: 180 held-out rows, 256 sigmoid latents under noise, labels. mnist: the 10,000 test images, 1,000 TopK latents,
labels. million: --rows random rows of 64 columns in an .npy file, --latents TopK latents, hardly trained. Each runs
in its own process with two threads. The model is fitted before the clock starts. Memory is the peak of that process,
PyTorch's own share included; "before" is the peak when the report begins. Shown: Chromium's load event.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
from denoising import publish

from taciturn import DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.data.sources import Rows, Source, Subset, open_path

NAMES = ("digits", "mnist", "million")


def fitted(name: str, args: argparse.Namespace, folder: Path) -> tuple[Any, Source, Any, Source | None]:
    """Return a fitted model, the rows to report on, their labels, and the training rows."""
    if name == "digits":
        rows, labels = datasets.load("digits"), datasets.labels("digits")
        order = np.random.default_rng(0).permutation(len(rows))
        train, held_out = Subset(rows, np.sort(order[180:])), Subset(rows, np.sort(order[:180]))
        model = SparseAutoencoder(256, corruption="gaussian:0.4", sparsity="kl:0.05", max_iter=20, random_state=0)
        return model.fit(train), held_out, labels[np.sort(order[:180])], train
    if name == "mnist":
        with np.load(args.mnist) as file:
            train, held_out, labels = Rows(file["x_train"]), Rows(file["x_test"]), file["y_test"]
        return DictionaryAutoencoder(1000, k=20, max_iter=1, random_state=0).fit(train), held_out, labels, train
    file = folder / "rows.npy"
    rng = np.random.default_rng(0)
    written = np.lib.format.open_memmap(file, "w+", np.float32, (args.rows, 64))
    for start in range(0, args.rows, 10_000):
        written[start : start + 10_000] = rng.standard_normal(written[start : start + 10_000].shape, np.float32)
    del written
    sample = np.asarray(open_path(file).read(0, 2048))
    model = DictionaryAutoencoder(args.latents, k=32, max_iter=1, revive=None, random_state=0).fit(sample)
    return model, open_path(file), None, None


def megabytes() -> float:
    """Return this process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, args: argparse.Namespace) -> None:
    """Make one report and print its time, memory and size as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        model, rows, labels, train = fitted(name, args, Path(folder))
        before, start = megabytes(), time.perf_counter()
        report = model.report(rows, labels=labels, training=train, name=name)
        made = time.perf_counter() - start
        page = Path(folder) / "report.html"
        report.save(page)
        report.save_json(page.with_suffix(".json"))
        seconds, after = time.perf_counter() - start, megabytes()
        numbers = {"made": made, "seconds": seconds, "before": before, "after": after}
        print(json.dumps(numbers | {"bytes": page.stat().st_size, "shown": shown(page)}))


def shown(page: Path) -> float:
    """Return the seconds until the browser has loaded the page: the median of five."""
    from playwright.sync_api import sync_playwright

    loads = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        for _ in range(5):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            loads.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
            tab.close()
        browser.close()
    return float(np.median(loads))


def main() -> None:
    """Measure each in its own process and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--only", default=",".join(NAMES))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--latents", type=int, default=8192)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--out")
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args)
        return
    lines = ["| | report, s | in all, s | memory, MB (before) | page, kB | shown, s |", "|---|---|---|---|---|---|"]
    for name in args.only.split(","):
        command = [sys.executable, __file__, *sys.argv[1:], "--measure", name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        n = json.loads(done.stdout.splitlines()[-1])
        memory, size = f"{n['after']:,.0f} ({n['before']:,.0f})", f"{n['bytes'] / 1000:,.0f}"
        lines.append(f"| {name} | {n['made']:.1f} | {n['seconds']:.1f} | {memory} | {size} | {n['shown']:.2f} |")
    publish(f"million: {args.rows:,} rows, {args.latents:,} latents", lines, args.out)


if __name__ == "__main__":
    main()
