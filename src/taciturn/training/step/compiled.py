"""The dense step in one call of compiled code (see native/): where a layer is small, or torch's products are slow."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ...kernels import SMALL, mkl_is_slow
from ...kernels.native import ROUNDING, Dense, Library, Penalty, floats, library, readable
from ...model import Autoencoder, Batch, Capability, Layout
from ...model.coding_layers import ELU, CodingLayer, Identity, ReLU, Sigmoid, Tanh
from ...objective import KL, Controller, CrossEntropy, Objective, SquaredError, SquaredRate, Term
from .by_hand import ByHand
from .step import Numbers

# as native.h counts them
CURVES: tuple[type[CodingLayer], ...] = (Identity, ReLU, ELU, Tanh, Sigmoid)
ERRORS = (SquaredError, CrossEntropy)
PENALTIES = (SquaredRate, KL)
MOST = 64  # sizes of batches that are kept ready


@dataclass(frozen=True, eq=False)
class Ready:
    """A step over so many rows, but for what differs from one to the next."""

    step: Dense
    penalties: dict[str, Penalty]  # by the term's name
    error: str


@dataclass(eq=False)
class Desk:
    """What steps leave for the next: in a tiny one Python, in any one new memory, would take most of the time."""

    weights: tuple[int, ...] = ()  # which, and where they lie
    grads: dict[nn.Parameter, Tensor] = field(default_factory=dict)
    fired: Tensor = field(default_factory=lambda: floats(0))  # [L]: in how many rows each latent's code was not 0
    room: Tensor = field(default_factory=lambda: floats(0))
    ready: dict[Any, Ready] = field(default_factory=dict)  # by the rows' number, among others


class Compiled(ByHand):
    """ByHand for the textbook's parts, in float32; each step overwrites the gradients of the last.

    Under `precision="bf16"` the products' factors are rounded to bfloat16, where the processor gains by it; sums and
    everything between the products stay in float32.
    """

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__(model, objective, precision)
        self._desk = Desk()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_desk": Desk()}

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can be taken."""
        kinds, curves = [type(term) for term in objective.terms], {type(layout.coder), type(layout.output)}
        known = {*kinds} <= {*ERRORS, *PENALTIES} and sum(kind in ERRORS for kind in kinds) == 1 and curves <= {*CURVES}
        return known and library.here() is not None and ByHand.fits(layout, objective)

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set every .grad and observe; return the numbers, the weights found and every latent's rate [L]."""
        loops, rows, model = library.here(), batch.x.shape[0], self.model
        weights = [
            parameter for layer in model.outer_layers for parameter in (layer.weight, layer.bias)
        ]  # tied ones twice
        alone = model.world.rows.size == model.world.latents.size == 1
        if loops is None or not (rows and alone and _plain(batch, weights) and pays(loops, rows * weights[0].numel())):
            return super().gradients(batch, progress, ease)
        these = *map(id, weights), *(weight.data_ptr() for weight in weights)
        if these != self._desk.weights:
            grads = {weight: torch.empty_like(weight) for weight in weights}
            self._desk = Desk(these, grads, floats(weights[1].numel()))
        key = rows, loops, torch.get_num_threads(), self.precision
        if (ready := self._desk.ready.get(key)) is None:
            if len(self._desk.ready) == MOST:
                self._desk.ready.clear()
            self._desk.ready[key] = ready = self._prepared(loops, rows, weights)
        return self._taken(loops, ready, batch, progress, ease)

    def _prepared(self, loops: Library, rows: int, weights: list[nn.Parameter]) -> Ready:
        layout, terms, desk = self.model.layout, self.objective.by_name(), self._desk
        (error,) = (name for name, term in terms.items() if isinstance(term, ERRORS))
        pressing = [name for name in terms if name != error]
        penalties = (Penalty * len(pressing))()
        for penalty, name in zip(penalties, pressing, strict=True):
            penalty.kind, penalty.on_clean = PENALTIES.index(type(terms[name])), name in self.controllers
        inputs, latents = layout.widths
        if len(desk.room) < (needed := loops.room(rows, inputs, latents)):
            desk.room = floats(needed)
            desk.ready.clear()
        step = Dense(
            kind=ROUNDING if self.precision == "bf16" and loops.rounds else loops.kind,
            threads=loops.threads(rows * inputs * latents),
            rows=rows,
            inputs=inputs,
            latents=latents,
            code_curve=CURVES.index(type(layout.coder)),
            output_curve=CURVES.index(type(layout.output)),
            crossed=ERRORS.index(type(terms[error])),
            penalties=penalties,
            n_penalties=len(penalties),
            fired=desk.fired.data_ptr(),
            room=desk.room.data_ptr(),
        )
        for name, weight in zip(("to_codes", "code_bias", "dictionary", "output_bias"), weights, strict=True):
            setattr(step, name, weight.data_ptr())
            setattr(step, f"of_{name}", desk.grads[weight].data_ptr())
        return Ready(step, dict(zip(pressing, penalties, strict=True)), error)

    def _taken(self, loops: Library, ready: Ready, batch: Batch, progress: float, ease: float) -> Numbers:
        terms, controllers, step = self.objective.at(progress).by_name(), dict(self.controlled()), ready.step
        for name, penalty in ready.penalties.items():
            _press(penalty, terms[name], controllers.get(name))
        x, seen, target = (tensor.contiguous() for tensor in (batch.x, batch.corrupted, batch.target))
        rates = floats(step.latents)
        step.x, step.corrupted, step.target, step.rates = (t.data_ptr() for t in (x, seen, target, rates))
        step.weight = weight = terms[ready.error].fixed_weight
        loops.run(step)

        for parameter, grad in self._desk.grads.items():
            parameter.grad = grad
        said = {name: penalty.number for name, penalty in ready.penalties.items()} | {ready.error: step.error}
        loss = weight * step.error + sum(penalty.weight * penalty.cost for penalty in ready.penalties.values())
        told = torch.tensor([loss, *(said[name] for name in terms)], dtype=torch.float32, device="cpu").unbind()
        weighed = self.weights()  # before they move
        for name, controller in controllers.items():
            penalty = ready.penalties[name]
            controller.update(penalty.measured / penalty.rate, ease)
        if Capability.ZERO_CODES in self.model.layout.coder.provides:
            self.count_active(self._desk.fired, step.rows)
        return dict(zip(("loss", *terms), told, strict=True)) | weighed | {"rates": rates}


def _plain(batch: Batch, weights: list[nn.Parameter]) -> bool:
    """Return whether these lie as C reads them; batches are put in order where they do not."""
    in_order = all(weight.is_contiguous() for weight in weights)
    return in_order and readable(batch.x, batch.corrupted, batch.target, *weights)


def pays(loops: Library, size: int) -> bool:
    """Return whether a step with products of so many multiplications is faster in compiled code than in torch's."""
    return size <= SMALL or (loops.shared and mkl_is_slow())


def _press(penalty: Penalty, term: Term, controller: Controller | None) -> None:
    """Say how a term presses now; under a controller on the clean rows, and past its target."""
    assert isinstance(term, PENALTIES)
    penalty.rate = penalty.aimed_rate = term.target_value
    if controller is None:
        penalty.weight = term.fixed_weight
    else:
        penalty.weight, penalty.aimed_rate = controller.weight, term.aimed_rate(controller.aim)
