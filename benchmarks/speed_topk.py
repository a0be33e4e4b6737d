"""Measure training and encoding of a TopK dictionary in rows/s: taciturn beside other libraries.

python benchmarks/speed_topk.py [--peers PYTHON] [--task train|encode|growth] [--only NAMES] [--inputs 512]
       [--latents 8192] [--k 32] [--batch 4096] [--rounds 6] [--seconds 3] [--out TABLE.md]

PYTHON is the path that `benchmarks/peers/setup.sh DIR` prints. Rows are sparse positive mixtures of 2,048 directions,
plus noise. Two threads. A step of taciturn is all that `fit` does for a batch: rows in random order from an array,
scaling, loss, gradients, Adam, record. Peers run the step of their own trainer, on rows that are already tensors.

taciturn             TopK and the squared error alone, as most peers; "int8", "bf16": precision=
taciturn, defaults   DictionaryAutoencoder's defaults, with AuxK and rows of norm 1
the product          the encoder's product alone, in chunks, by the faster library: the limit of an exact float32 step
+onednn              torch is allowed to multiply through oneDNN; taciturn does so by itself

saelens              SAETrainer.step: loss, firing statistics, clip, Adam
dictionary_learning  TopKTrainer.update: loss, auxiliary loss, clip, Adam, unit norm
overcomplete         the body of train_sae's loop
sparsify             SparseCoder forward and backward, Adam; norms are not constrained
dense                PyTorch as usually written

growth: `--latents`, `--k`, `--batch` take lists; every combination is run.
"""

import argparse
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from race import publish, race, serve, table

RATE = 3e-4
Step = Callable[[], Any]
Maker = Callable[[argparse.Namespace, list[Any]], Step]


def mixtures(batches: int, batch: int, inputs: int, features: int = 2048, active: int = 32) -> list[Any]:
    """Return batches [batch, inputs] of sparse positive mixtures, plus noise."""
    import torch

    rng = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(features, inputs, generator=rng))
    rows = []
    for _ in range(batches):
        chosen = torch.randint(features, (batch, active), generator=rng)
        weight = torch.rand(batch, active, generator=rng) + 0.5
        x = torch.nn.functional.embedding_bag(chosen, directions, mode="sum", per_sample_weights=weight)
        rows.append(x + 0.1 * torch.randn(batch, inputs, generator=rng))
    return rows


# --- taciturn -------------------------------------------------------------------------------------------------------
def model(a: argparse.Namespace, batches: list[Any], **more: Any) -> Any:
    """Return an estimator trained on one batch."""
    from taciturn import DictionaryAutoencoder

    settings = {"scaling": "none", "learning_rate": RATE, "batch_size": a.batch, "random_state": 0, "device": "cpu"}
    return DictionaryAutoencoder(a.latents, k=a.k, **settings | more).partial_fit(batches[0].numpy())


def ours(**more: Any) -> Maker:
    """Return a maker of taciturn's step."""

    def make(a: argparse.Namespace, batches: list[Any]) -> Step:
        import torch

        from taciturn.data.sources import Rows
        from taciturn.training import Run, train

        learner = model(a, batches, **more)._learner
        feed = learner._feed(Rows(torch.cat(batches).numpy()))
        records = train(Run(learner.step, feed, learner.optimiser, RATE, 10**9, learner.settings.constraint))
        return lambda: next(records)

    return make


def encoding(**more: Any) -> Maker:
    """Return a maker of taciturn's encoding of a batch, to sparse codes."""

    def make(a: argparse.Namespace, batches: list[Any]) -> Step:
        import torch

        module, feed = model(a, batches, **more).module_, itertools.cycle(batches)
        return torch.no_grad()(lambda: module.encode(next(feed)))

    return make


def product(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of the encoder's product alone, in chunks that stay in the cache."""
    import torch

    from taciturn.kernels import Chunked, fast_products

    W, b = torch.randn(a.latents, a.inputs), torch.zeros(a.latents)
    feed, rows = itertools.cycle(batches), Chunked().rows_of(W)
    out = torch.empty(rows, a.latents)

    def step() -> None:
        with fast_products(rows * W.numel()):
            for part in next(feed).split(rows):
                torch.addmm(b, part, W.t(), out=out[: len(part)])

    return step


# --- peers -----------------------------------------------------------------------------------------------------
def saelens(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of SAELens: SAETrainer.step."""
    stub("wandb")
    from sae_lens import LoggingConfig, SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig

    sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=a.inputs, d_sae=a.latents, k=a.k, device="cpu", dtype="float32"))
    quiet = LoggingConfig(log_to_wandb=False)
    config = SAETrainerConfig(
        total_training_samples=10**9, train_batch_size_samples=a.batch, lr=RATE, lr_end=RATE, logger=quiet
    )
    trainer, feed = SAETrainer(config, sae, data_provider=iter(())), itertools.cycle(batches)

    def step() -> None:
        trainer.step(next(feed))
        trainer.n_training_steps += 1

    return step


def dictionary_learning(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of dictionary_learning: TopKTrainer.update."""
    stub("nnsight")
    from dictionary_learning.trainers.top_k import TopKTrainer

    trainer = TopKTrainer(
        steps=10**6, activation_dim=a.inputs, dict_size=a.latents, k=a.k, layer=0, lm_name="none", lr=RATE, device="cpu"
    )
    count, feed = itertools.count(), itertools.cycle(batches)
    return lambda: trainer.update(next(count), next(feed))


def overcomplete(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of overcomplete: the body of train_sae's loop, without its output."""
    stub("timm", "torchvision", "PIL", "overcomplete.visualization")
    import torch
    from overcomplete.sae import TopKSAE
    from overcomplete.sae.trackers import DeadCodeTracker

    sae = TopKSAE(a.inputs, nb_concepts=a.latents, top_k=a.k).train()
    adam, tracker = torch.optim.Adam(sae.parameters(), lr=RATE), DeadCodeTracker(a.latents, "cpu")
    feed = itertools.cycle(batches)

    def step() -> None:
        x = next(feed)
        adam.zero_grad()
        _, z, recon = sae(x)
        loss = (x - recon).square().mean()
        tracker.update(z)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        adam.step()

    return step


def sparsify(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of sparsify: SparseCoder and Adam."""
    import torch
    from sparsify import SparseCoder, SparseCoderConfig

    coder = SparseCoder(a.inputs, SparseCoderConfig(num_latents=a.latents, k=a.k))
    adam, feed = torch.optim.Adam(coder.parameters(), lr=RATE), itertools.cycle(batches)

    def step() -> None:
        coder(next(feed)).fvu.backward()
        adam.step()
        adam.zero_grad()

    return step


def parameters(a: argparse.Namespace) -> list[Any]:
    """Return encoder weight and bias, decoder weight and bias."""
    import torch

    W = torch.nn.functional.normalize(torch.randn(a.latents, a.inputs))
    weights = W, torch.zeros(a.latents), W.clone(), torch.zeros(a.inputs)
    return [tensor.requires_grad_() for tensor in weights]


def dense(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of topk, scatter, a dense product, autograd, Adam."""
    import torch

    W, b, V, c = parameters(a)
    adam, feed = torch.optim.Adam([W, b, V, c], lr=RATE), itertools.cycle(batches)

    def step() -> None:
        x = next(feed)
        pre = torch.nn.functional.linear(x - c, W, b)
        top = pre.topk(a.k, sorted=False)
        codes = torch.zeros_like(pre).scatter_(1, top.indices, top.values.relu())
        adam.zero_grad()
        (codes @ V + c - x).square().sum(1).mean().backward()
        adam.step()

    return step


def naive_encoding(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of encoding by a product and torch.topk."""
    import torch

    W, b, _, c = (tensor.detach() for tensor in parameters(a))
    feed = itertools.cycle(batches)
    return lambda: torch.nn.functional.linear(next(feed) - c, W, b).topk(a.k)


def stub(*packages: str) -> None:
    """Replace packages that are imported but not used in training."""
    sys.path.insert(0, str(Path(__file__).parent / "peers"))
    import stubs

    stubs.stub(*packages)


PLAIN = {"constraint": "free", "revive": None}
TRAIN: dict[str, Maker] = {
    "taciturn": lambda a, batches: ours(sparsity=f"topk:{a.k}", **PLAIN)(a, batches),
    "taciturn int8": lambda a, batches: ours(sparsity=f"topk:{a.k}", precision="int8", **PLAIN)(a, batches),
    "taciturn bf16": lambda a, batches: ours(sparsity=f"topk:{a.k}", precision="bf16", **PLAIN)(a, batches),
    "taciturn, defaults": ours(),
    "the product": product,
}
PEERS: dict[str, Maker] = {
    "sparsify": sparsify,
    "dense": dense,
    "overcomplete": overcomplete,
    "dictionary_learning": dictionary_learning,
    "saelens": saelens,
}
ENCODE: dict[str, Maker] = {
    "encode": encoding(),
    "encode int8": encoding(precision="int8"),
    "encode: product and topk": naive_encoding,
    "the product": product,
}
MAKERS = TRAIN | PEERS | ENCODE


def work(name: str, a: argparse.Namespace) -> None:
    """Run as the worker process of one contestant."""

    def make() -> Step:
        import torch

        torch.manual_seed(0)
        base, _, flag = name.partition("+")
        if flag:
            torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        return MAKERS[base](a, mixtures(4, a.batch, a.inputs))

    serve(make)


def contestants(a: argparse.Namespace) -> list[tuple[str, str]]:
    """Return each contestant's name and python."""
    if a.task == "encode":
        names = [*ENCODE]
    else:
        names = [*TRAIN] + ([name + flag for name in PEERS for flag in ("", "+onednn")] if a.peers else [])
    names = a.only.split("/") if a.only else names
    return [(name, a.peers if name.partition("+")[0] in PEERS else sys.executable) for name in names]


def main() -> None:
    """Measure all contestants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers")
    parser.add_argument("--task", default="train", choices=("train", "encode", "growth"))
    parser.add_argument("--only", help="contestants to run, joined by /")
    parser.add_argument("--inputs", type=int, default=512)
    for name, value in (("latents", "8192"), ("k", "32"), ("batch", "4096")):
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out")
    parser.add_argument("--worker")
    a = parser.parse_args()
    sizes = [[int(size) for size in getattr(a, name).split(",")] for name in ("latents", "k", "batch")]
    if a.worker:
        a.latents, a.k, a.batch = (size for (size,) in sizes)
        work(a.worker, a)
        return
    all_results, lines = [], []
    for latents, k, batch in itertools.product(*sizes):
        options = [f"--inputs={a.inputs}", f"--latents={latents}", f"--k={k}", f"--batch={batch}"]
        results = race(__file__, contestants(a), batch, rounds=a.rounds, seconds=a.seconds, options=options)
        all_results.append({"latents": latents, "k": k, "batch": batch, "results": results})
        if a.task == "growth":
            rates = " | ".join(f"{r['rate']:,.0f}" if "rate" in r else "failed" for r in results)
            lines.append(f"| {latents:,} | {k} | {batch:,} | {rates} |")
            print(lines[-1], file=sys.stderr, flush=True)
        else:
            lines += table(results)
    if a.task == "growth":
        names = " | ".join(name for name, _ in contestants(a))
        lines = [f"| latents | k | batch | {names} |", "|---" * (3 + len(contestants(a))) + "|", *lines]
    sizes_text = f"{a.inputs} inputs, {a.latents} latents, k {a.k}, batch {a.batch}"
    publish(f"{a.task}, 2 threads, {sizes_text}; {a.rounds} rounds of {a.seconds:g} s", lines, all_results, a.out)


if __name__ == "__main__":
    main()
