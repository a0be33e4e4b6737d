"""What a network can provide and a term can require."""

from enum import Enum


class Capability(Enum):
    """A property of codes, outputs or the decoder. The value is its description in messages."""

    UNIT_INTERVAL_CODES = "codes in (0, 1)"
    ZERO_CODES = "exact zeros"
    RANKED_CODES = "rankable codes"
    L0_GRADIENT = "an L0 gradient"
    GATE_ACTIVATIONS = "gate activations"
    UNIT_INTERVAL_OUTPUT = "outputs in (0, 1)"
    UNBOUNDED_OUTPUT = "unbounded outputs"
    ONE_LAYER_DECODER = "a decoder of one layer"

    @property
    def part(self) -> str:
        """What has it: "codes", "output" or "decoder"."""
        word = self.name.rpartition("_")[2].lower()
        return word if word in ("output", "decoder") else "codes"


def description(capabilities: frozenset[Capability]) -> str:
    """Return the capabilities in words, in the order above.

    Examples
    --------
    >>> description(frozenset({Capability.UNBOUNDED_OUTPUT, Capability.ZERO_CODES}))
    'exact zeros, unbounded outputs'
    """
    return ", ".join(each.value for each in Capability if each in capabilities)
