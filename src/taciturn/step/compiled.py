"""The dense step in one call of compiled code (see native/): where a layer is small, or torch's products are slow."""

from typing import Any

import torch

from ..kernels import SMALL, mkl_is_slow
from ..model import Autoencoder, Layout
from ..native import Dense, Library, Penalty, floats, library
from ..passes import Batch
from ..sparsify import ELU, Identity, ReLU, Sigmoid, Sparsifier, Tanh
from ..terms import KL, Controller, CrossEntropy, Objective, SquaredError, SquaredRate
from .by_hand import ByHand
from .step import Numbers

# as native.h counts them
CURVES: tuple[type[Sparsifier], ...] = (Identity, ReLU, ELU, Tanh, Sigmoid)
ERRORS = (SquaredError, CrossEntropy)
PENALTIES = (SquaredRate, KL)


class Compiled(ByHand):
    """ByHand for the textbook's parts, in float32."""

    def __init__(self, model: Autoencoder, objective: Objective) -> None:
        super().__init__(model, objective)
        self._room = floats(0)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_room": floats(0)}

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can be taken."""
        kinds, curves = [type(term) for term in objective.terms], {type(layout.coder), type(layout.output)}
        known = {*kinds} <= {*ERRORS, *PENALTIES} and sum(kind in ERRORS for kind in kinds) == 1 and curves <= {*CURVES}
        return known and library.here() is not None and ByHand.fits(layout, objective)

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set every .grad and observe; return the numbers, the weights found and every latent's rate [L]."""
        loops = library.here()
        if loops is None or not self._can(batch) or not pays(loops, len(batch.x) * self.model.dictionary.numel()):
            return super().gradients(batch, progress, ease)
        return self._taken(loops, batch, progress, ease)

    def _weights(self) -> list[torch.nn.Parameter]:
        """Return them as native.h does; tied ones twice."""
        return [parameter for layer in self.model.ends for parameter in (layer.weight, layer.bias)]

    def _can(self, batch: Batch) -> bool:
        rows, latents = self.model.world.rows, self.model.world.latents
        weights = self._weights()
        plain = all(t.is_cpu and t.dtype == torch.float32 for t in (batch.x, batch.target, batch.seen, *weights))
        in_order = all(weight.is_contiguous() for weight in weights)
        return len(batch.x) > 0 and rows.size == latents.size == 1 and plain and in_order

    @torch.no_grad()
    def _taken(self, loops: Library, batch: Batch, progress: float, ease: float) -> Numbers:
        layout, terms, controllers = self.model.layout, self.objective.at(progress).named(), dict(self.controlled())
        (error,) = (term for term in terms.values() if isinstance(term, ERRORS))
        pressing = {name: term for name, term in terms.items() if isinstance(term, PENALTIES)}
        penalties = (Penalty * len(pressing))(*(_penalty(t, controllers.get(name)) for name, t in pressing.items()))

        (rows, inputs), latents = batch.x.shape, layout.widths[-1]
        given = [tensor.contiguous() for tensor in (batch.x, batch.seen, batch.target)]
        weights = self._weights()
        grads = {weight: torch.empty_like(weight) for weight in weights}
        rates, fired = floats(latents), floats(latents)
        if len(self._room) < (needed := loops.room(rows, inputs, latents)):
            self._room = floats(needed)  # kept: new memory is cleared by the system first
        arrays = *given, *weights, *(grads[weight] for weight in weights)
        done = Dense(
            loops.kind,
            loops.threads(rows * inputs * latents),
            *(rows, inputs, latents),
            *(array.data_ptr() for array in arrays),
            CURVES.index(type(layout.coder)),
            CURVES.index(type(layout.output)),
            ERRORS.index(type(error)),
            error.fixed_weight,
            0.0,
            penalties,
            len(penalties),
            *(array.data_ptr() for array in (rates, fired, self._room)),
        )
        loops.run(done)

        for weight, grad in grads.items():
            weight.grad = grad
        said = dict(zip(pressing, penalties, strict=True))
        loss = error.fixed_weight * done.error + sum(penalty.weight * penalty.cost for penalty in penalties)
        numbers = [loss, *(said[name].number if name in said else done.error for name in terms)]
        told = torch.tensor(numbers, dtype=torch.float32, device="cpu").unbind()
        weighed = self.weights()  # before they move
        for name, controller in controllers.items():
            controller.observe(said[name].measured / pressing[name].target, ease)
        if "zeros" in layout.coder.offers:
            self.note(fired, rows)
        return dict(zip(("loss", *terms), told, strict=True)) | weighed | {"rates": rates}


def pays(loops: Library, size: int) -> bool:
    """Return whether a step with products of so many multiplications is faster in compiled code than in torch's."""
    return size <= SMALL or (loops.shared and mkl_is_slow())


def _penalty(term: SquaredRate | KL, controller: Controller | None) -> Penalty:
    """Return a penalty; under a controller it presses on the clean rows, and past its target."""
    kind, target = PENALTIES.index(type(term)), term.target
    if controller is None:
        return Penalty(kind, False, term.fixed_weight, target, target)
    return Penalty(kind, True, controller.weight, target, term.aimed(controller.aim))
