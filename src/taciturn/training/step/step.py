"""One training step without the optimiser: forward, backward, observe; and all tensors that change with them."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...kernels import fast_products
from ...model import Autoencoder, Batch, Capability, Pass
from ...objective import Controller, Objective
from ..geometric_median import geometric_median

RECENT = 10_000  # rows
MEASURED = 500  # rows
Numbers = dict[str, Tensor]
CALIBRATION_ROUNDS = 5  # one is enough, unless codes depend on what it moves: a refinement, a bias taken from the input


class Step(nn.Module):
    """A model and its objective; faster steps set the same gradients, but for rounding.

    `precision="bf16"` is leave to round what is multiplied to bfloat16, where that is faster.

    Raises RecipeError if a term needs what the model does not offer.
    """

    inactive_rows: Tensor
    firing_rates: Tensor

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__()
        objective.check(model.layout.provides())
        self.model, self.objective, self.precision = model, objective, precision
        self.controllers = objective.controllers()
        # rows that each latent has been silent for
        self.register_buffer("inactive_rows", torch.zeros(model.layout.widths[-1], dtype=torch.long))
        self.register_buffer(
            "firing_rates", torch.zeros(model.layout.widths[-1])
        )  # on which share of recent rows it fired

    @torch.no_grad()
    def initialise(self, x: Tensor, *, steps: int, from_scratch: bool = True) -> None:
        """Prepare a run of `steps` steps over rows like x [N, D], scaled.

        A term with a target starts at it: otherwise the penalty presses hard at first, and codes can collapse to a
        constant. `from_scratch=False` leaves the weights as they are and only resets the controllers.
        """
        mean_D = x.mean(0)
        scale = float((x - mean_D).square().mean())
        if from_scratch:
            centred = self.model.layout.centred
            self.model.initialise_output(geometric_median(x).to(x) if centred else mean_D)
            self.model.layout.coder.initialise(self.model.pre_activations(x[:MEASURED]), self.model.coder)
        for name, controller in self.controlled():
            if from_scratch:
                self.objective.by_name()[name].calibrate(self.model, x, each=True)
            controller.reset(scale=scale, steps=steps)

    @torch.no_grad()
    def calibrate(self, x: Tensor, *, within: float = 0.02) -> dict[str, float]:
        """Meet each target on rows x by a last shift of all coding biases, where it is missed by more than `within`.

        Return by the term's name what is measured over what was asked.
        """
        found = {}
        for name, _ in self.controlled():
            term = self.objective.by_name()[name].at(1.0)
            for _ in range(CALIBRATION_ROUNDS):
                if abs(term.ratio(self._clean_pass(x)).item() - 1) <= within:
                    break
                before_L = self.model.codes(x).sum() / len(x)
                term.calibrate(self.model, x, each=False)
                self.model.compensate_output(self.model.codes(x).sum() / len(x) - before_L)
            found[name] = term.ratio(self._clean_pass(x)).item()
        self.model.layout.coder.at(1.0).finalise(self._clean_pass(x).pre, self.model.coder)
        return found

    def controlled(self) -> Iterator[tuple[str, Controller]]:
        """Yield the controllers by their terms' names."""
        for name, controller in self.controllers.items():
            assert isinstance(controller, Controller)
            yield name, controller

    def _clean_pass(self, x: Tensor) -> Pass:
        """Return the pass of clean rows through the model as it will be used."""
        return self._forward_pass(Batch(x, x, x), 1.0)

    def forward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Return the batch's pass, and the loss beside each term's own number."""
        p = self._forward_pass(batch, progress)
        loss, numbers = self.objective.at(progress)(p, dict(self.controlled()))
        return p, {"loss": loss, **numbers}

    def _forward_pass(self, batch: Batch, progress: float) -> Pass:
        model, coder = self.model, self.model.layout.coder.at(progress)
        pre, codes = model.pre_and_codes(batch.corrupted, coder.training_codes)
        return Pass(model, batch, coder, pre, codes, model.decode(codes), self.inactive_rows)

    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set every .grad; return what forward returns."""
        p, numbers = self(batch, progress)
        numbers["loss"].backward()
        return p, {name: number.detach() for name, number in numbers.items()}

    @torch.no_grad()
    def update_state(self, p: Pass, progress: float, ease: float) -> None:
        """Let the parts learn what they learn without gradient; after backward, so that buffers may change."""
        self.update_counters(p)
        terms = self.objective.at(progress).by_name()
        for name, controller in self.controlled():
            controller.update(terms[name].ratio(p).item(), ease)

    def update_counters(self, p: Pass) -> None:
        """Let the sparsifier look, and note who is silent."""
        p.coding_layer.update(p, self.model.coder)
        if Capability.ZERO_CODES in self.model.layout.coder.provides:  # of the others nobody is ever silent
            self.count_active(p.codes.active_counts(), p.codes.n_rows)

    def count_active(self, fired: Tensor, n: int) -> None:
        """Note in how many of n rows each latent fired [L]."""
        self.inactive_rows.add_(n).masked_fill_(fired > 0, 0)
        self.firing_rates.lerp_((fired / n).to(self.firing_rates), min(n / RECENT, 1.0))

    def weights(self) -> Numbers:
        """Return the weights found so far."""
        return {f"weight_{name}": torch.tensor(controller.weight) for name, controller in self.controlled()}

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set every .grad and observe; return the numbers, the weights found and every latent's rate [L].

        `ease` is the learning rate as a share of its greatest: weights that are being found move no faster.
        """
        with fast_products(len(batch.x) * max(layer.weight.numel() for layer in self.model.layers[0])):
            p, numbers = self.backward(batch, progress)
        numbers |= self.weights()
        self.update_state(p, progress, ease)
        # measured after the objective: first read without gradient, a lazy property would have none for a term
        return numbers | {"rates": p.mean_activation.detach()}
