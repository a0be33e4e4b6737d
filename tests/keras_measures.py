"""How far Keras networks are from the models that they were made of: outputs, gradients, the textbook's training."""

import copy
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import torch

from golden import replay
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.estimators.adopted import adopted
from taciturn.inference import to_keras
from taciturn.inference.from_keras import from_keras as read
from taciturn.model import Batch, InferenceModule
from taciturn.training.constraints import Free
from taciturn.training.solvers import SGD, parameter_groups
from taciturn.training.step import Step

RNG = np.random.default_rng(0)
FAR = (RNG.normal(size=(120, 5)) * [1, 2, 3, 4, 5] + [0, 0, 1e6, 0, -7]).astype(np.float32)
NEAR = (FAR - [0, 0, 1e6 - 10, 0, 0]).astype(np.float32)
RATE = 2.0**20  # a learning rate of SGD beside which the weights' own rounding vanishes

CODERS = {
    "relu": {"activation": "relu", "sparsity": "l1:weight=0.02"},
    "elu": {"activation": "elu", "sparsity": "l1:weight=0.02"},
    "tanh": {"activation": ("elu", "tanh"), "sparsity": None},
    "sigmoid": {"sparsity": "kl:0.1,weight=0.2"},
    "squared": {"sparsity": "squared_rate:0.1,weight=0.2"},
    "tanh_penalty": {"sparsity": "tanh_penalty:weight=0.05"},
    "topk": {"sparsity": "topk:3"},
    "signed": {"sparsity": "topk:3,signed=true"},
    "batch_topk": {"sparsity": "batch_topk:3"},
    "jumprelu": {"sparsity": "jumprelu+l1:weight=0.02"},
    "gated": {"sparsity": "gated"},
}
DICTIONARIES = {
    "topk": {},
    "batch_topk": {"sparsity": "batch_topk"},
    "jumprelu": {"sparsity": "jumprelu+l1:weight=0.02,scaled=true"},
    "gated": {"sparsity": "gated"},
    "l1": {"sparsity": "l1"},
    "refined": {"refine": 2},
    "batch_topk refined": {"sparsity": "batch_topk", "refine": 1},
    "gated refined": {"sparsity": "gated", "refine": 1},
    "bounded": {"constraint": "bounded"},
}
PENALTIES = [
    ("sigmoid", "kl:0.1,weight=0.2"),
    ("sigmoid", "squared_rate:0.1,weight=0.2"),
    ("relu", "l1:weight=0.02"),
    ("elu", "l1:weight=0.02,scaled=true"),
    ("signed", "l1:weight=0.02"),
    ("jumprelu", "l1:weight=0.02"),
    ("relu", "tanh_penalty:2.0,weight=0.1"),
    ("jumprelu", "tanh_penalty:2.0,weight=0.1"),
]
SHAPES = [(False, 16), (True, 16), (False, (12, 8)), (True, (12, 8))]  # tied, widths
SCALINGS = ["none", "standard", "minmax", "mean_norm", "whiten"]


def sparse(coder, *, widths=16, tied=False, scaling="standard", rows=FAR, **more):
    options = {"max_iter": 1, "random_state": 0, "output_activation": "identity"} | CODERS[coder] | more
    return clear_of_threshold(SparseAutoencoder(widths, tied=tied, scaling=scaling, **options).fit(rows))


def dictionary(name, rows=FAR, **more):
    return clear_of_threshold(
        DictionaryAutoencoder(16, k=3, max_iter=1, random_state=0, **DICTIONARIES[name], **more).fit(rows)
    )


def clear_of_threshold(model):
    """Lower BatchTopK's threshold a little: it lies 1e-6 below a row's pre-activation, where rounding decides."""
    if "batch_topk" in str(model.sparsity):
        with torch.no_grad():
            model.module_.coder.value *= 0.98
    return model


def predicted(network, rows):
    return np.asarray(network.predict(rows, verbose=0), dtype=np.float64)


def encoder(network):
    return keras.Model(network.input, network.get_layer("codes").output)


def relative(ours, theirs):
    """‖ours - theirs‖ / ‖theirs‖."""
    return np.linalg.norm(np.asarray(ours, np.float64) - theirs) / np.linalg.norm(theirs)


def deviation(ours, theirs, scale):
    """The largest |ours - theirs| of each column, over its largest value or its scale, whichever is larger."""
    return (np.abs(ours - theirs).max(0) / np.maximum(np.abs(theirs).max(0), scale)).max()


def output_deviations(network, model, rows):
    """Return by how much codes and outputs differ from those of the inference module in float64.

    Codes: ‖ours - theirs‖ / ‖theirs‖. Outputs: see `deviation`.
    """
    module, x = InferenceModule(model.module_).double(), torch.from_numpy(rows).double()
    both = keras.Model(network.input, [network.get_layer("codes").output, network.output])
    codes, outputs = (np.asarray(array, np.float64) for array in both.predict(rows, verbose=0))
    return {
        "codes": relative(codes, module.encode(x).numpy()),
        "outputs": deviation(outputs, module(x).numpy(), module.target_scale.numpy()),
    }


def gradients(network, rows):
    """Return the gradients of one training step by the names of the model's tensors."""
    before = read(network).tensors
    network.train_on_batch(rows, rows)
    after = read(network).tensors
    return {name: (before[name].double() - after[name].double()).numpy() / RATE for name in before}


def gradient_deviations(model, objective, rows, dtype=torch.float64):
    """Return ‖ours - theirs‖ / ‖ours‖ of the gradient of each parameter that has one, by its name.

    η of a refinement is one number, a sum whose parts cancel: its difference is relative to the whole gradient.
    """
    settings = replace(
        model.settings_, objective=objective, constraint=Free(), solver=SGD(), learning_rate=RATE, weight_decay=0.0
    )
    network = to_keras(model.module_, settings, {})
    own = copy.deepcopy(model.module_).to(dtype)
    x = own.scale_rows(torch.from_numpy(rows).double())
    Step(own, objective).gradients(Batch(x, x, x), progress=1.0)
    theirs = gradients(network, rows)
    ours = {name: parameter.grad for name, parameter in own.named_parameters(remove_duplicate=False)}
    size = np.sqrt(sum(grad.square().sum().item() for grad in ours.values() if grad is not None))
    deviations = {}
    for name, grad in ours.items():
        if grad is None or not grad.any() or name.startswith("refinements"):
            own_grad = 0.0 if grad is None else grad.numpy()
            deviations[name] = np.abs(theirs[name] - own_grad).max() / size
        else:
            deviations[name] = relative(theirs[name], grad.numpy())
    return deviations


TEXTBOOK = replay.read(Path(replay.__file__).with_name("textbook.npz"))
START = {
    "encoder.0.weight": TEXTBOOK["w1"].T,
    "encoder.0.bias": TEXTBOOK["b1"],
    "decoder.0.weight": TEXTBOOK["w2"],
    "decoder.0.bias": TEXTBOOK["b2"],
}
PROGRAMS = {
    "gaussian": (DenoisingAutoencoder, {"activation": "relu", "sparsity": None}, "gaussian_relu_adam/corrupted"),
    "dropout": (DenoisingAutoencoder, {"activation": "relu", "sparsity": None}, "dropout_relu_adam/corrupted"),
    "squared": (SparseAutoencoder, {"sparsity": "squared_rate:0.1,weight=0.2"}, "batches"),
    "kl": (SparseAutoencoder, {"sparsity": "kl:0.1,weight=0.2"}, "batches"),
    "noisy kl": (SparseAutoencoder, {"sparsity": "kl:0.1,weight=0.2"}, "denoising_sparse_kl_adam/corrupted"),
}


def textbook_start(program, solver="tensorflow_adam:epsilon=1e-7"):
    kind, options, _ = PROGRAMS[program]
    estimator = kind(
        TEXTBOOK["w1"].shape[1], output_activation="identity", solver=solver, learning_rate=0.01, alpha=0.0,
        corruption=None, **options,
    )  # fmt: skip
    return adopted(estimator, len(TEXTBOOK["w1"]), {name: torch.tensor(a).float() for name, a in START.items()})


def textbook_ends(program, solver="tensorflow_adam:epsilon=1e-7", epochs=5):
    """Return the weights of both sides after 5 epochs on the same noisy batches."""
    model = textbook_start(program, solver)
    network, settings = model.to_keras(), model.settings_
    step = Step(model.module_, settings.objective)
    optimiser = settings.solver.build(parameter_groups(model.module_.named_parameters(), 0.0), 0.01)
    for _ in range(epochs):
        for x, noisy in zip(TEXTBOOK["batches"], TEXTBOOK[PROGRAMS[program][2]], strict=True):
            network.train_on_batch(noisy, x)
            rows, corrupted = torch.from_numpy(x), torch.from_numpy(noisy)
            optimiser.zero_grad()
            step.gradients(Batch(rows, rows, corrupted))
            optimiser.step()
    return model.module_.state_dict(), read(network).tensors
