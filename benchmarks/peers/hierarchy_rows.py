"""Write rows of SAELens's synthetic benchmark, at small size. Run with the python that setup.sh names.

hierarchy_rows.py OUT.npz [--rows N] [--held N]

SynthSAEBench's settings (arXiv:2602.14687) but for its size, and without its bias: 1,024 features in 128 dimensions, 16
trees of 4 children a node, 2 deep, children exclusive and scaled by their parents, rates Zipf 0.5 between 0.4 and
0.0005, low-rank correlations. Written: train and held [rows, 128], features [1024, 128], and active, whether each
feature fires in each held row.
"""

import argparse

import numpy as np
import torch
from stubs import stub

stub("wandb")
from sae_lens import synthetic  # noqa: E402

BLOCK = 4096


def model() -> synthetic.SyntheticModel:
    """Return the generator."""
    return synthetic.SyntheticModel(
        synthetic.SyntheticModelConfig(
            num_features=1024,
            hidden_dim=128,
            firing_probability=synthetic.ZipfianFiringProbabilityConfig(exponent=0.5, max_prob=0.4, min_prob=5e-4),
            hierarchy=synthetic.HierarchyConfig(
                total_root_nodes=16,
                branching_factor=4,
                max_depth=2,
                mutually_exclusive_portion=1.0,
                compensate_probabilities=True,
                scale_children_by_parent=True,
            ),
            orthogonalization=synthetic.OrthogonalizationConfig(num_steps=100, lr=3e-4),
            correlation=synthetic.LowRankCorrelationConfig(rank=25, correlation_scale=0.1),
            mean_firing_magnitudes=synthetic.LinearMagnitudeConfig(start=5.0, end=4.0),
            std_firing_magnitudes=synthetic.FoldedNormalMagnitudeConfig(mean=0.5, std=0.5),
            seed=42,
        )
    )


def main() -> None:
    """Draw the rows and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=98_304)
    parser.add_argument("--held", type=int, default=40_960)
    asked = parser.parse_args()
    made = model()
    torch.manual_seed(1)
    with torch.no_grad():
        train = torch.cat([made.sample(BLOCK) for _ in range(asked.rows // BLOCK)])
        said = [made.activation_generator.sample(BLOCK) for _ in range(asked.held // BLOCK)]
        held = torch.cat([made.feature_dict(activations) for activations in said])
    active, features = torch.cat(said) != 0, made.feature_dict.feature_vectors.detach()
    np.savez(asked.out, train=train, held=held, active=active, features=features)


if __name__ == "__main__":
    main()
