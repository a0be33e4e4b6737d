"""Write a transformer's activations, and read transcoders with circuit-tracer. Runs in an environment that has both.

python minilm.py rows SENTENCES.json OUT.npz --package FOLDER
python minilm.py read LAYER.safetensors ROWS.npy OUT.npz

"rows" writes X and Y [tokens, 384], the input and the output of the MLP in layer 3, for each token of the sentences but
[CLS] and [SEP], and the number of each token's sentence. "read" writes what circuit-tracer's transcoder computes from
rows, and whether it has a skip.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

LAYER = 3


def activations(package: Path, sentences: list[str]) -> dict[str, np.ndarray]:
    """Return X, Y and the sentences' numbers."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = (kind.from_pretrained(package / "model") for kind in (AutoTokenizer, AutoModel))
    seen: dict[str, torch.Tensor] = {}
    model.eval().encoder.layer = model.encoder.layer[: LAYER + 1]  # later layers are not read
    mlp = model.encoder.layer[LAYER]
    mlp.intermediate.register_forward_pre_hook(lambda _, inputs: seen.update(X=inputs[0]))
    mlp.output.dense.register_forward_hook(lambda _, inputs, output: seen.update(Y=output))
    parts: dict[str, list[np.ndarray]] = {"X": [], "Y": [], "sentence": []}
    for number, sentence in enumerate(sentences):  # one at a time: no padding
        model(**tokenizer(sentence, truncation=True, max_length=128, return_tensors="pt"))
        for name, values in seen.items():
            parts[name].append(values[0, 1:-1].numpy())
        parts["sentence"].append(np.full(len(parts["X"][-1]), number))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def read(file: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the output of circuit-tracer's transcoder, and whether it has a skip."""
    from circuit_tracer.transcoder import load_transcoder_set

    hooks = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out"}
    layers = load_transcoder_set({0: file}, scan="minilm", lazy_encoder=False, lazy_decoder=False, **hooks)
    transcoder = layers.transcoders[0].to("cpu")
    return {"predicted": transcoder(torch.from_numpy(rows)).numpy(), "skip": np.array(transcoder.W_skip is not None)}


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("rows", "read"))
    parser.add_argument("files", nargs="+")
    parser.add_argument("--package", type=Path)
    args = parser.parse_args()
    with torch.no_grad():
        if args.command == "rows":
            arrays = activations(args.package, json.loads(Path(args.files[0]).read_text(encoding="utf-8")))
        else:
            arrays = read(args.files[0], np.load(args.files[1]))
    np.savez(args.files[-1], **arrays)


if __name__ == "__main__":
    main()
