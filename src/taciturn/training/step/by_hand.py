"""The step of one dense layer, its backward written out: five products, and no graph to build and to walk."""

import torch
from torch import Tensor

from ...model import Batch, Layout, Pass
from ...model.coding_layers import Elementwise
from ...objective import Number, Objective
from .step import Numbers, Step


class ByHand(Step):
    """For one layer of latents that are each looked at alone, under terms that know their own gradients."""

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can be taken."""
        alone = isinstance(layout.coder, Elementwise) and len(layout.widths) == 2
        return alone and not (layout.centred or layout.refine) and all(term.has_gradient for term in objective.terms)

    @torch.no_grad()
    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set every .grad; return what forward returns."""
        p = self._forward_pass(batch, progress)
        numbers, of_logits, of_codes, of_clean = self._graded(p, progress)
        encoder, decoder = self.model.outer_layers
        coder, codes = p.coding_layer, p.codes.dense()

        to_codes = decoder.weight.t()
        up = of_logits @ to_codes if of_codes is None else torch.addmm(of_codes, of_logits, to_codes)
        dictionary = codes.t() @ of_logits
        before = coder.gradient(codes, up)
        weight, bias = before.t() @ batch.corrupted, before.sum(0)
        if of_clean is not None:
            clean = p.clean.codes.dense()
            before = coder.gradient(clean, of_clean.expand_as(clean))
            weight.addmm_(before.t(), batch.x)
            bias += before.sum(0)
        if encoder.weight is decoder.weight:
            encoder.weight.grad = weight.add_(dictionary)
        else:
            encoder.weight.grad, decoder.weight.grad = weight, dictionary
        encoder.bias.grad, decoder.bias.grad = bias, of_logits.sum(0)
        return p, numbers

    def _graded(self, p: Pass, progress: float) -> tuple[Numbers, Tensor, Tensor | None, Tensor | None]:
        """Return the numbers, and the objective's gradient in the logits, the codes, and the clean rows' codes."""
        numbers: Numbers = {}
        loss: Tensor | None = None
        slopes: dict[str, Tensor] = {}
        for name, term in self.objective.at(progress).by_name().items():
            at: Pass = p
            weight: Number = term.fixed_weight
            aim: Number = 1.0
            if name in self.controllers:  # presses on the clean rows, and past its target
                numbers[name] = term(p)
                at, (weight, aim) = p.clean, self._pressure(name)
            number, slope = term.value_and_gradient(at, weight, aim)
            numbers.setdefault(name, number)
            loss = weight * number if loss is None else loss + weight * number
            where = "logits" if term.is_reconstruction_error else "codes" if at is p else "clean"
            slopes[where] = slopes[where] + slope if where in slopes else slope
        assert loss is not None
        return {"loss": loss, **numbers}, slopes["logits"], slopes.get("codes"), slopes.get("clean")

    def _pressure(self, name: str) -> tuple[Number, Number]:
        """Return the weight that is found for a term, and its aim: two numbers, or what stands for them."""
        controller = dict(self.controlled())[name]
        return controller.weight, controller.aim
