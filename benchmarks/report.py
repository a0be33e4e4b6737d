"""What a report takes: seconds, peak memory, size of the page, and seconds until a browser shows it.

python benchmarks/report.py [--mnist FILE.npz] [--only digits,mnist,million] [--rows 1000000] [--latents 8192]
       [--out TABLE.md]

digits: 180 held rows, 256 sigmoid latents under noise, labels. mnist: the 10,000 test images, 1,000 TopK latents,
labels. million: so many random rows of 64 columns in an .npy file, so many TopK latents, hardly trained. Each in a
process of its own, two threads; the model is fitted before the clock starts. Memory is that process's largest,
PyTorch's own share included; "before" is what it had held when the report began. Shown: Chromium's load event.
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


def fitted(name: str, asked: argparse.Namespace, folder: Path) -> tuple[Any, Source, Any, Source | None]:
    """Return a fitted model, the rows to report on, their labels, and those that it learnt from."""
    if name == "digits":
        rows, labels = datasets.load("digits"), datasets.labels("digits")
        at = np.random.default_rng(0).permutation(len(rows))
        learnt, held = Subset(rows, np.sort(at[180:])), Subset(rows, np.sort(at[:180]))
        model = SparseAutoencoder(256, corruption="gaussian:0.4", sparsity="kl:0.05", max_iter=20, random_state=0)
        return model.fit(learnt), held, labels[np.sort(at[:180])], learnt
    if name == "mnist":
        with np.load(asked.mnist) as file:
            learnt, held, labels = Rows(file["x_train"]), Rows(file["x_test"]), file["y_test"]
        return DictionaryAutoencoder(1000, k=20, max_iter=1, random_state=0).fit(learnt), held, labels, learnt
    file = folder / "rows.npy"
    rng = np.random.default_rng(0)
    written = np.lib.format.open_memmap(file, "w+", np.float32, (asked.rows, 64))
    for start in range(0, asked.rows, 10_000):
        written[start : start + 10_000] = rng.standard_normal(written[start : start + 10_000].shape, np.float32)
    del written
    some = np.asarray(open_path(file).read(0, 2048))
    model = DictionaryAutoencoder(asked.latents, k=32, max_iter=1, revive=None, random_state=0).fit(some)
    return model, open_path(file), None, None


def megabytes() -> float:
    """Return the largest memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, asked: argparse.Namespace) -> None:
    """Make one report and print what it took as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        model, rows, labels, learnt = fitted(name, asked, Path(folder))
        before, start = megabytes(), time.perf_counter()
        report = model.report(rows, labels=labels, training=learnt, name=name)
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
    """Measure each in its own process, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--only", default=",".join(NAMES))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--latents", type=int, default=8192)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--out")
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure, asked)
        return
    lines = ["| | report, s | in all, s | memory, MB (before) | page, kB | shown, s |", "|---|---|---|---|---|---|"]
    for name in asked.only.split(","):
        command = [sys.executable, __file__, *sys.argv[1:], "--measure", name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        n = json.loads(done.stdout.splitlines()[-1])
        memory, size = f"{n['after']:,.0f} ({n['before']:,.0f})", f"{n['bytes'] / 1000:,.0f}"
        lines.append(f"| {name} | {n['made']:.1f} | {n['seconds']:.1f} | {memory} | {size} | {n['shown']:.2f} |")
    publish(f"million: {asked.rows:,} rows, {asked.latents:,} latents", lines, asked.out)


if __name__ == "__main__":
    main()
