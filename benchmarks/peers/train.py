"""Train one model of another toolkit and write what it is worth. Run with the python that setup.sh names.

train.py NAME --rows FILE.npz --latents L --k K --steps S --batch B --lr LR --seed N --out FILE.npz
         [--frozen] [--l0-coefficient C] [--dead-after ROWS]

FILE.npz holds the arrays "train" and "held" [rows, D]. The training rows come in an order drawn anew each epoch; each
toolkit's own trainer takes the steps, and the model is measured as that toolkit saves and loads it for use. Written:
decoder [L, D] in the rows' units; fvu = Σ‖x - x̂‖² / Σ‖x - mean‖² on the held rows; dead, the share of latents that no
training row wakes in the end; seconds of training; and who speaks in the held rows, as the indptr and indices of a CSR
array. Each toolkit has its own best documented settings:

saelens-topk, -batchtopk   SAETrainer, Adam; the configs' defaults (auxiliary loss of weight 1 for latents silent for
                           1,000 steps); the rate falls to 0 over the last fifth, as in its tutorial and for JumpReLU.
                           BatchTopK is used as the JumpReLU that it is saved as. --frozen keeps the decoder as born.
saelens-matryoshka         the same, with nested widths of an eighth, a half and all of the latents.
saelens-jumprelu           what its guide recommends, Anthropic's: the tanh loss of scale 4, rising throughout,
                           bandwidth 2, thresholds from 0.1, rows scaled to length √D, 3e-6 on dead pre-activations.
                           L0 follows from --l0-coefficient C (5).
sparsify-topk              Trainer: sign descent, schedule-free, on the FVU; no AuxK unless --dead-after is given, then
                           with the weight of Gao et al. (2024), 1/32.
dl-topk, -batchtopk        trainSAE as its demonstration calls it: rows scaled to a mean squared length of 1, Adam,
                           AuxK of 1/32 for latents silent for 10,000,000 rows, the rate falling over the last fifth.
                           The warm-up, and the wait for the threshold, are 1,000 steps, or a twentieth of the run.
dl-matryoshka              the same, with the demonstration's groups of 1/32, 1/16, 1/8, 1/4 and the rest.
dl-jumprelu                the same with bandwidth 0.001, the penalty rising over 2,000 steps, or a tenth of the run.
                           As it says more than its target_l0, this is k / C with --l0-coefficient C (1).

--dead-after: how many rows a latent is silent for before the auxiliary loss takes it for dead, in place of the above.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from stubs import stub
from torch import Tensor, nn


class Peer(NamedTuple):
    """A model as it is used: its dictionary [L, D], and what it says of rows: codes [B, L] and x̂ [B, D]."""

    decoder: Tensor
    say: Callable[[Tensor], tuple[Tensor, Tensor]]
    seconds: float  # of training


def timed(train: Callable[[], Any]) -> float:
    """Return how many seconds a training takes."""
    start = time.perf_counter()
    train()
    return time.perf_counter() - start


def order(asked: argparse.Namespace, n_rows: int) -> Tensor:
    """Return which rows each step sees [steps, B], shuffled anew each epoch."""
    rng, total = np.random.default_rng(asked.seed), asked.steps * asked.batch
    epochs = [rng.permutation(n_rows) for _ in range(-(-total // n_rows))]
    return torch.from_numpy(np.concatenate(epochs)[:total].reshape(asked.steps, asked.batch))


def batches(asked: argparse.Namespace, X: Tensor) -> Iterator[Tensor]:
    """Yield batches without end: those that a scale is measured on come again."""
    return (X[rows] for rows in itertools.cycle(order(asked, len(X))))


def saelens(asked: argparse.Namespace, X: Tensor, folder: str) -> Peer:
    """Return a model of SAELens."""
    stub("wandb")
    from sae_lens import SAE, LoggingConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.registry import get_sae_training_class
    from sae_lens.training.sae_trainer import SAETrainer

    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "topk": ("topk", {"k": asked.k}),
        "batchtopk": ("batchtopk", {"k": asked.k}),
        "matryoshka": (
            "matryoshka_batchtopk",
            {"k": asked.k, "matryoshka_widths": [asked.latents // 8, asked.latents // 2, asked.latents]},
        ),
        "jumprelu": (
            "jumprelu",
            {
                "l0_coefficient": asked.l0_coefficient or 5.0,
                "l0_warm_up_steps": asked.steps,
                "jumprelu_sparsity_loss_mode": "tanh",
                "jumprelu_tanh_scale": 4.0,
                "jumprelu_bandwidth": 2.0,
                "jumprelu_init_threshold": 0.1,
                "pre_act_loss_coefficient": 3e-6,
                "normalize_activations": "expected_average_only_in",
            },
        ),
    }
    kind, settings = kinds[asked.name.removeprefix("saelens-")]
    make, config = get_sae_training_class(kind)
    torch.manual_seed(asked.seed)
    sae = make(config(d_in=X.shape[1], d_sae=asked.latents, **settings))
    sae.W_dec.requires_grad_(not asked.frozen)
    schedule = SAETrainerConfig(
        total_training_samples=asked.steps * asked.batch,
        train_batch_size_samples=asked.batch,
        lr=asked.lr,
        lr_end=asked.lr / 10,  # of no effect on a constant rate, which falls to 0
        lr_decay_steps=asked.steps // 5,
        dead_feature_window=max(asked.dead_after // asked.batch, 1) if asked.dead_after else 1000,
        feature_sampling_window=asked.steps + 1,  # of its log alone, which wandb would draw
        n_batches_for_norm_estimate=100,
        logger=LoggingConfig(log_to_wandb=False),
    )
    seconds = timed(SAETrainer(schedule, sae, batches(asked, X)).fit)
    sae.save_inference_model(folder)
    used = SAE.load_from_disk(folder).eval()

    def say(x: Tensor) -> tuple[Tensor, Tensor]:
        codes = used.encode(x)
        return codes, used.decode(codes)

    return Peer(used.W_dec, say, seconds)


class Rows(nn.Module):
    """The rows as the language model that sparsify's trainer listens to: token i is row i."""

    def __init__(self, X: Tensor) -> None:
        super().__init__()
        self.rows = nn.Embedding.from_pretrained(X)
        self.device, self.dummy_inputs = X.device, {"input_ids": torch.zeros(1, 1, dtype=torch.long)}

    @property
    def base_model(self) -> nn.Module:
        """The model."""
        return self

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the rows."""
        return self.rows(input_ids)


def sparsify(asked: argparse.Namespace, X: Tensor, folder: str) -> Peer:
    """Return a model of sparsify."""
    from sparsify import SparseCoder, SparseCoderConfig, TrainConfig, Trainer

    config = TrainConfig(
        SparseCoderConfig(num_latents=asked.latents, k=asked.k),
        batch_size=1,  # of sequences: each is a batch of rows
        lr=asked.lr,
        auxk_alpha=1 / 32 if asked.dead_after else 0.0,
        dead_feature_threshold=asked.dead_after or 10_000_000,
        hookpoints=["rows"],
        init_seeds=[asked.seed],
        save_every=asked.steps + 2,
        log_to_wandb=False,
        save_dir=folder,
    )
    seconds = timed(Trainer(config, [{"input_ids": rows} for rows in order(asked, len(X))], Rows(X)).fit)
    torch.set_float32_matmul_precision("highest")  # it trains in less
    used = SparseCoder.load_from_disk(f"{folder}/unnamed/rows").eval()

    def say(x: Tensor) -> tuple[Tensor, Tensor]:
        out = used(x)
        return x.new_zeros(len(x), asked.latents).scatter(1, out.latent_indices, out.latent_acts), out.sae_out

    return Peer(used.W_dec, say, seconds)


def dictionary_learning(asked: argparse.Namespace, X: Tensor, folder: str) -> Peer:
    """Return a model of dictionary_learning."""
    stub("wandb", "nnsight")
    from dictionary_learning.dictionary import JumpReluAutoEncoder
    from dictionary_learning.trainers import batch_top_k, jumprelu, matryoshka_batch_top_k, top_k
    from dictionary_learning.training import trainSAE

    wait = min(1000, asked.steps // 20)
    k = {"k": asked.k, "threshold_start_step": wait}
    groups = {"group_fractions": [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2 + 1 / 32]}
    target = {
        "target_l0": asked.k / (asked.l0_coefficient or 1.0),
        "sparsity_warmup_steps": min(2000, asked.steps // 10),
    }
    kinds: dict[str, tuple[type, type, dict[str, Any]]] = {
        "topk": (top_k.TopKTrainer, top_k.AutoEncoderTopK, k),
        "batchtopk": (batch_top_k.BatchTopKTrainer, batch_top_k.BatchTopKSAE, k),
        "matryoshka": (
            matryoshka_batch_top_k.MatryoshkaBatchTopKTrainer,
            matryoshka_batch_top_k.MatryoshkaBatchTopKSAE,
            k | groups,
        ),
        "jumprelu": (jumprelu.JumpReluTrainer, JumpReluAutoEncoder, target),
    }
    make, model, settings = kinds[asked.name.removeprefix("dl-")]

    def trainer(**config: Any) -> Any:
        made = make(**config)
        made.dead_feature_threshold = asked.dead_after or made.dead_feature_threshold
        return made

    config = {
        "trainer": trainer,
        "steps": asked.steps,
        "activation_dim": X.shape[1],
        "dict_size": asked.latents,
        "layer": 0,
        "lm_name": "rows",
        "lr": asked.lr,
        "warmup_steps": wait,
        "decay_start": asked.steps * 4 // 5,
        "seed": asked.seed,
        "device": "cpu",
    }
    torch.manual_seed(asked.seed)  # JumpReLU's trainer does not set it
    given = {"steps": asked.steps, "save_dir": folder, "normalize_activations": True, "device": "cpu"}
    seconds = timed(lambda: trainSAE(batches(asked, X), [config | settings], **given))
    used = model.from_pretrained(f"{folder}/trainer_0/ae.pt").eval()
    linear = hasattr(used, "decoder")

    def say(x: Tensor) -> tuple[Tensor, Tensor]:
        recon, codes = used(x, output_features=True)
        return codes, recon

    return Peer(used.decoder.weight.T if linear else used.W_dec, say, seconds)


@torch.inference_mode()
def measured(peer: Peer, train: Tensor, held: Tensor) -> dict[str, Any]:
    """Return what a model is worth, block by block."""
    woken, error, counts, spoken = torch.zeros(len(peer.decoder), dtype=torch.bool), 0.0, [0], []
    for x in train.split(1024):
        woken |= (peer.say(x)[0] != 0).any(0)
    for x in held.split(1024):
        codes, recon = peer.say(x)
        error += float((recon.double() - x).square().sum())
        counts += (codes != 0).sum(1).tolist()
        spoken.append(codes.nonzero()[:, 1].int())
    exact = held.double()
    return {
        "decoder": peer.decoder.float().numpy(),
        "fvu": error / float((exact - exact.mean(0)).square().sum()),
        "dead": 1 - float(woken.double().mean()),
        "seconds": peer.seconds,
        "indptr": np.cumsum(counts),
        "indices": torch.cat(spoken).numpy(),
    }


TOOLKITS = {"saelens": saelens, "sparsify": sparsify, "dl": dictionary_learning}


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--rows", required=True)
    parser.add_argument("--out", required=True)
    for name in ("latents", "k", "steps", "batch", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--l0-coefficient", type=float)
    parser.add_argument("--dead-after", type=int, default=0)
    asked = parser.parse_args()
    toolkit = asked.name.partition("-")[0]
    if asked.frozen and toolkit != "saelens":
        parser.error("--frozen is for SAELens's models")
    with np.load(asked.rows) as file:
        train, held = (torch.from_numpy(np.asarray(file[name], np.float32)) for name in ("train", "held"))
    with tempfile.TemporaryDirectory() as folder:
        peer = TOOLKITS[toolkit](asked, train, folder)
        np.savez(asked.out, **measured(peer, train, held))


if __name__ == "__main__":
    main()
