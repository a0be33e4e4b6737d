"""The step of a single dense layer with its backward pass written out: five products, and no autograd graph."""

import torch
from torch import Tensor

from ...model import Batch, Layout, Pass
from ...model.coding_layers import Elementwise
from ...objective import Number, Objective
from .step import Numbers, Step


class ByHand(Step):
    """Step without autograd: for one layer, an elementwise activation and terms that know their gradients.

    Parameters as of `Step`. A batch of which some entries are not judged takes the step with autograd.
    """

    @staticmethod
    def fits(layout: Layout, objective: Objective) -> bool:
        """Return whether this step can train such a network by such an objective."""
        elementwise = isinstance(layout.coder, Elementwise) and layout.one_layer
        plain = elementwise and not (layout.centred or layout.refine or layout.outputs)
        return plain and all(term.has_gradient for term in objective.terms)

    @torch.no_grad()
    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set the gradient of every parameter; return what `forward` returns, the numbers detached."""
        if batch.judged is not None:
            with torch.enable_grad():
                return super().backward(batch, progress)
        p = self._forward_pass(batch, progress)
        numbers, d_logits, d_codes, d_clean = self._numbers_and_gradients(p, progress)
        encoder, decoder = self.model.outer_layers
        coder, codes = p.coding_layer, p.codes.dense()

        to_codes = decoder.weight.t()
        up = d_logits @ to_codes if d_codes is None else torch.addmm(d_codes, d_logits, to_codes)
        dictionary = codes.t() @ d_logits
        d_pre = coder.gradient(codes, up)
        weight, bias = d_pre.t() @ batch.corrupted, d_pre.sum(0)
        if d_clean is not None:
            clean = p.clean.codes.dense()
            d_pre = coder.gradient(clean, d_clean.expand_as(clean))
            weight.addmm_(d_pre.t(), batch.x)
            bias += d_pre.sum(0)
        if encoder.weight is decoder.weight:
            encoder.weight.grad = weight.add_(dictionary)
        else:
            encoder.weight.grad, decoder.weight.grad = weight, dictionary
        encoder.bias.grad, decoder.bias.grad = bias, d_logits.sum(0)
        if self.model.latents.rank:  # it counts once, and all gradients of shared parameters are summed
            decoder.bias.grad.zero_()
        return p, numbers

    def _numbers_and_gradients(self, p: Pass, progress: float) -> tuple[Numbers, Tensor, Tensor | None, Tensor | None]:
        """Return the numbers, and the objective's gradient in the logits, the codes, and the clean rows' codes."""
        numbers: Numbers = {}
        loss: Tensor | None = None
        gradients: dict[str, Tensor] = {}
        for name, term in self.objective.at(progress).by_name().items():
            term_pass: Pass = p
            weight: Number = term.fixed_weight
            aim: Number = 1.0
            if name in self.controllers:  # a controlled penalty acts on the clean rows, and aims past its target
                numbers[name] = term(p)
                term_pass, (weight, aim) = p.clean, self._weight_and_aim(name)
            number, gradient = term.value_and_gradient(term_pass, weight, aim)
            numbers.setdefault(name, number)
            loss = weight * number if loss is None else loss + weight * number
            where = "logits" if term.is_reconstruction_error else "codes" if term_pass is p else "clean"
            gradients[where] = gradients[where] + gradient if where in gradients else gradient
        assert loss is not None
        return {"loss": loss, **numbers}, gradients["logits"], gradients.get("codes"), gradients.get("clean")

    def _weight_and_aim(self, name: str) -> tuple[Number, Number]:
        """Return the weight and the aim of a term's controller: two numbers, or the tensors that hold them."""
        controller = dict(self.controlled())[name]
        return controller.weight, controller.aim
