"""The dense step in one call of compiled code (kernels/native/), for small layers and where torch multiplies slowly."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ...kernels import SMALL, mkl_is_slow
from ...kernels.native import ROUNDING, Dense, Library, Penalty, empty_floats, library, readable
from ...model import Autoencoder, Batch, Capability, Layout
from ...model.coding_layers import ELU, CodingLayer, Identity, ReLU, Sigmoid, Tanh
from ...objective import KL, Controller, CrossEntropy, Objective, SquaredError, SquaredRate, Term
from .by_hand import ByHand
from .step import Numbers

# in the order in which native.h numbers them
CURVES: tuple[type[CodingLayer], ...] = (Identity, ReLU, ELU, Tanh, Sigmoid)
ERRORS = (SquaredError, CrossEntropy)
PENALTIES = (SquaredRate, KL)
MAX_INPUTS = 16_384  # of wider rows, the copies of the factors would take as much memory as the weights
MAX_PREPARED = 64  # prepared steps that are kept, one for each size of a batch


@dataclass(frozen=True, eq=False)
class PreparedStep:
    """The arguments of the compiled step for one number of rows; only what differs from step to step is still missing.

    Parameters
    ----------
    arguments : Dense
        The structure that the compiled step reads and writes.
    penalties : dict of Penalty
        Its penalties by the term's name.
    error : str
        Name of the reconstruction error.
    """

    arguments: Dense
    penalties: dict[str, Penalty]
    error: str


@dataclass(eq=False)
class Workspace:
    """Buffers reused between steps.

    Allocating them, or preparing the call in Python, would dominate small steps.

    Parameters
    ----------
    weight_ids : tuple of int
        Identities and addresses of the weights for which the buffers were made.
    grads : dict of Tensor
        Each weight's gradient.
    active_counts : Tensor [L]
        Number of rows of the last batch on which each latent's code was not 0.
    scratch : Tensor
        Memory for intermediate results of the compiled step.
    prepared : dict of PreparedStep
        By the number of rows, among others.
    """

    weight_ids: tuple[int, ...] = ()
    grads: dict[nn.Parameter, Tensor] = field(default_factory=dict)
    active_counts: Tensor = field(default_factory=lambda: empty_floats(0))
    scratch: Tensor = field(default_factory=lambda: empty_floats(0))
    prepared: dict[Any, PreparedStep] = field(default_factory=dict)


class Compiled(ByHand):
    """`ByHand` in compiled code, for the textbook's parts, in float32. Parameters as of `Step`.

    Each step overwrites the gradients of the last one. Under `precision="bf16"` the factors of the products are rounded
    to bfloat16, if that is faster on this processor; sums, and everything between the products, stay in float32.
    """

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__(model, objective, precision)
        self._workspace = Workspace()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_workspace": Workspace()}

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can train such a network by such an objective."""
        kinds, curves = [type(term) for term in objective.terms], {type(layout.coder), type(layout.output)}
        known = {*kinds} <= {*ERRORS, *PENALTIES} and sum(kind in ERRORS for kind in kinds) == 1 and curves <= {*CURVES}
        return known and library.compiled_library() is not None and ByHand.fits(layout, objective)

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set the gradient of every parameter, and update all other state; see `Step.gradients`."""
        loops, rows, model = library.compiled_library(), batch.x.shape[0], self.model
        # a tied weight is listed twice
        weights = [parameter for layer in model.outer_layers for parameter in (layer.weight, layer.bias)]
        alone = batch.shard.axis.size == model.latents.size == 1
        size = rows * weights[0].numel()
        if (
            loops is None
            or not (rows and alone and _can_read(batch, weights) and is_faster(loops, size))
            or batch.x.shape[1] > MAX_INPUTS
        ):
            return super().gradients(batch, progress, ease)
        weight_ids = *map(id, weights), *(weight.data_ptr() for weight in weights)
        if weight_ids != self._workspace.weight_ids:
            grads = {weight: torch.empty_like(weight) for weight in weights}
            self._workspace = Workspace(weight_ids, grads, empty_floats(weights[1].numel()))
        key = rows, loops, torch.get_num_threads(), self.precision
        if (prepared := self._workspace.prepared.get(key)) is None:
            if len(self._workspace.prepared) == MAX_PREPARED:
                self._workspace.prepared.clear()
            self._workspace.prepared[key] = prepared = self._prepare(loops, rows, weights)
        return self._run(loops, prepared, batch, progress, ease)

    def _prepare(self, loops: Library, rows: int, weights: list[nn.Parameter]) -> PreparedStep:
        layout, terms, workspace = self.model.layout, self.objective.by_name(), self._workspace
        (error,) = (name for name, term in terms.items() if isinstance(term, ERRORS))
        penalty_names = [name for name in terms if name != error]
        penalties = (Penalty * len(penalty_names))()
        for penalty, name in zip(penalties, penalty_names, strict=True):
            penalty.kind, penalty.on_clean = PENALTIES.index(type(terms[name])), name in self.controllers
        inputs, latents = layout.widths
        if len(workspace.scratch) < (needed := loops.workspace_size(rows, inputs, latents)):
            workspace.scratch = empty_floats(needed)
            workspace.prepared.clear()  # they hold the old address
        arguments = Dense(
            kind=ROUNDING if self.precision == "bf16" and loops.rounds else loops.kind,
            threads=loops.threads(rows * inputs * latents),
            rows=rows,
            inputs=inputs,
            latents=latents,
            code_curve=CURVES.index(type(layout.coder)),
            output_curve=CURVES.index(type(layout.output)),
            cross_entropy=ERRORS.index(type(terms[error])),
            penalties=penalties,
            n_penalties=len(penalties),
            active_counts=workspace.active_counts.data_ptr(),
            workspace=workspace.scratch.data_ptr(),
        )
        for name, weight in zip(("to_codes", "code_bias", "dictionary", "output_bias"), weights, strict=True):
            setattr(arguments, name, weight.data_ptr())
            setattr(arguments, f"of_{name}", workspace.grads[weight].data_ptr())
        return PreparedStep(arguments, dict(zip(penalty_names, penalties, strict=True)), error)

    def _run(self, loops: Library, prepared: PreparedStep, batch: Batch, progress: float, ease: float) -> Numbers:
        terms, controllers, step = self.objective.at(progress).by_name(), dict(self.controlled()), prepared.arguments
        for name, penalty in prepared.penalties.items():
            _set_penalty(penalty, terms[name], controllers.get(name))
        x, corrupted, target = (tensor.contiguous() for tensor in (batch.x, batch.corrupted, batch.target))
        step.masked, step.judged = batch.judged is not None, target.numel()
        if batch.judged is not None:
            target = torch.where(batch.judged, target, torch.nan)
            step.judged = max(int(batch.judged.sum()), 1)
        rates = empty_floats(step.latents)
        step.x, step.corrupted, step.target, step.rates = (t.data_ptr() for t in (x, corrupted, target, rates))
        step.weight = weight = terms[prepared.error].fixed_weight
        loops.run(step)

        for parameter, grad in self._workspace.grads.items():
            parameter.grad = grad
        numbers = {name: penalty.number for name, penalty in prepared.penalties.items()} | {prepared.error: step.error}
        loss = weight * step.error + sum(penalty.weight * penalty.cost for penalty in prepared.penalties.values())
        # one tensor for all numbers: to make one takes long in a small step
        tensors = torch.tensor([loss, *(numbers[name] for name in terms)], dtype=torch.float32, device="cpu").unbind()
        weights = self.weights()  # before the controllers change them
        for name, controller in controllers.items():
            penalty = prepared.penalties[name]
            controller.update(penalty.measured / penalty.rate, ease)
        if Capability.ZERO_CODES in self.model.layout.coder.provides:
            self.count_active(self._workspace.active_counts, step.rows)
        return dict(zip(("loss", *terms), tensors, strict=True)) | weights | {"rates": rates}


def _can_read(batch: Batch, weights: list[nn.Parameter]) -> bool:
    """Return whether the compiled step can read these; it needs contiguous weights, and batches are copied if not."""
    contiguous = all(weight.is_contiguous() for weight in weights)
    return contiguous and readable(batch.x, batch.corrupted, batch.target, *weights)


def is_faster(loops: Library, size: int) -> bool:
    """Return whether compiled code is faster than torch for a step whose products have `size` multiplications each."""
    return size <= SMALL or (loops.shared and mkl_is_slow())


def _set_penalty(penalty: Penalty, term: Term, controller: Controller | None) -> None:
    """Set the weight and the target of a penalty; a controlled penalty aims past its target."""
    assert isinstance(term, PENALTIES)
    penalty.rate = penalty.aimed_rate = term.target_value
    if controller is None:
        penalty.weight = term.fixed_weight
    else:
        penalty.weight, penalty.aimed_rate = controller.weight, term.aimed_rate(controller.aim)
