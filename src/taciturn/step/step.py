"""One training step without the optimiser: forward, backward, observe; and all tensors that change with them."""

import torch
from torch import Tensor, nn

from ..model import Autoencoder
from ..passes import Batch, Pass
from ..terms import Objective

Numbers = dict[str, Tensor]


class Step(nn.Module):
    """A model and its objective. A faster step replaces `backward` only.

    Raises RecipeError if a term needs what the model does not offer.
    """

    def __init__(self, model: Autoencoder, objective: Objective) -> None:
        super().__init__()
        objective.check(model.layout.offers())
        self.model, self.objective = model, objective

    def forward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Return the batch's pass, and the loss beside each term's own number."""
        model, coder = self.model, self.model.layout.coder.at(progress)
        pre = model.pre(batch.seen)
        codes = coder.train(pre, model.coder)
        p = Pass(model, batch, coder, pre, codes, model.decode(codes))
        loss, numbers = self.objective.at(progress)(p)
        return p, {"loss": loss, **numbers}

    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set every .grad; return what forward returns."""
        p, numbers = self(batch, progress)
        numbers["loss"].backward()
        return p, numbers

    @torch.no_grad()
    def observe(self, p: Pass) -> None:
        """Let the coding layer learn what it learns without gradient; after backward, so that buffers may change."""
        p.sparsifier.observe(p, self.model.coder)

    def gradients(self, batch: Batch, progress: float = 0.0) -> Numbers:
        """Set every .grad and observe; return the numbers and every latent's rate [L], without gradient."""
        p, numbers = self.backward(batch, progress)
        self.observe(p)
        # measured after the objective: first read without gradient, a lazy property would have none for a term
        return {name: number.detach() for name, number in numbers.items()} | {"rates": p.mean_activation.detach()}
