"""One training step without the optimiser: forward, backward, observe; and all tensors that change with them."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...kernels import fast_products
from ...model import Autoencoder, Batch, Pass
from ...objective import Controller, Objective
from ..geometric_median import geometric_median

RECENT = 10_000  # rows
MEASURED = 500  # rows
Numbers = dict[str, Tensor]
MEETINGS = 5  # one is enough, unless codes depend on what it moves: a refinement, a bias taken from the input


class Step(nn.Module):
    """A model and its objective; faster steps set the same gradients, but for rounding.

    `precision="bf16"` is leave to round what is multiplied to bfloat16, where that is faster.

    Raises RecipeError if a term needs what the model does not offer.
    """

    silent: Tensor
    firing: Tensor

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__()
        objective.check(model.layout.offers())
        self.model, self.objective, self.precision = model, objective, precision
        self.controllers = objective.controllers()
        # rows that each latent has been silent for
        self.register_buffer("silent", torch.zeros(model.layout.widths[-1], dtype=torch.long))
        self.register_buffer("firing", torch.zeros(model.layout.widths[-1]))  # on which share of recent rows it fired

    @torch.no_grad()
    def start(self, x: Tensor, *, steps: int, born: bool = True) -> None:
        """Get ready for a run of so many steps over rows like x [N, D], scaled.

        What has a target starts there: born at the ask, a network never has to be pressed towards it from afar, which
        could teach it to say nothing. `born=False` leaves the model as it is, to go on from.
        """
        mean_D = x.mean(0)
        scale = float((x - mean_D).square().mean())
        if born:
            centred = self.model.layout.centred
            self.model.start_at(geometric_median(x).to(x) if centred else mean_D)
            self.model.layout.coder.begin(self.model.pre(x[:MEASURED]), self.model.coder)
        for name, controller in self.controlled():
            if born:
                self.objective.named()[name].settle(self.model, x, each=True)
            controller.start(scale=scale, steps=steps)

    @torch.no_grad()
    def finish(self, x: Tensor, *, within: float = 0.02) -> dict[str, float]:
        """Meet each target on rows x by a last shift of all coding biases, where it is missed by more than `within`.

        Return by the term's name what is measured over what was asked.
        """
        found = {}
        for name, _ in self.controlled():
            term = self.objective.named()[name].at(1.0)
            for _ in range(MEETINGS):
                if abs(term.ratio(self._trip(x)).item() - 1) <= within:
                    break
                before_L = self.model.code(x).sum() / len(x)
                term.settle(self.model, x, each=False)
                self.model.make_up(self.model.code(x).sum() / len(x) - before_L)
            found[name] = term.ratio(self._trip(x)).item()
        self.model.layout.coder.at(1.0).close(self._trip(x).pre, self.model.coder)
        return found

    def controlled(self) -> Iterator[tuple[str, Controller]]:
        """Yield the controllers by their terms' names."""
        for name, controller in self.controllers.items():
            assert isinstance(controller, Controller)
            yield name, controller

    def _trip(self, x: Tensor) -> Pass:
        """Return the pass of clean rows through the model as it will be used."""
        return self._passed(Batch(x, x, x), 1.0)

    def forward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Return the batch's pass, and the loss beside each term's own number."""
        p = self._passed(batch, progress)
        loss, numbers = self.objective.at(progress)(p, dict(self.controlled()))
        return p, {"loss": loss, **numbers}

    def _passed(self, batch: Batch, progress: float) -> Pass:
        model, coder = self.model, self.model.layout.coder.at(progress)
        pre, codes = model.speak(batch.seen, coder.train)
        return Pass(model, batch, coder, pre, codes, model.decode(codes), self.silent)

    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set every .grad; return what forward returns."""
        p, numbers = self(batch, progress)
        numbers["loss"].backward()
        return p, {name: number.detach() for name, number in numbers.items()}

    @torch.no_grad()
    def observe(self, p: Pass, progress: float, ease: float) -> None:
        """Let the parts learn what they learn without gradient; after backward, so that buffers may change."""
        self.watch(p)
        terms = self.objective.at(progress).named()
        for name, controller in self.controlled():
            controller.observe(terms[name].ratio(p).item(), ease)

    def watch(self, p: Pass) -> None:
        """Let the sparsifier look, and note who is silent."""
        p.sparsifier.observe(p, self.model.coder)
        if "zeros" in self.model.layout.coder.offers:  # of the others nobody is ever silent
            self.note(p.codes.fired(), p.codes.n_rows)

    def note(self, fired: Tensor, n: int) -> None:
        """Note in how many of n rows each latent fired [L]."""
        self.silent.add_(n).masked_fill_(fired > 0, 0)
        self.firing.lerp_((fired / n).to(self.firing), min(n / RECENT, 1.0))

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
        self.observe(p, progress, ease)
        # measured after the objective: first read without gradient, a lazy property would have none for a term
        return numbers | {"rates": p.mean_activation.detach()}
