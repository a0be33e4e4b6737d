"""Properties that a network can provide and a term can require."""

from enum import Enum


class Capability(Enum):
    """A property of the codes, the outputs or the decoder; the member's value is its description in messages.

    `Layout.provides` returns the capabilities of a network, `Term.requires` those that a term requires.

    Attributes
    ----------
    UNIT_INTERVAL_CODES
        Every code lies in (0, 1), so that its mean over rows can be compared with a rate.
    ZERO_CODES
        Inactive latents have the code 0 exactly, so that active ones can be counted.
    RANKED_CODES
        The larger a latent's pre-activation, the more important its code; the largest can be selected.
    L0_GRADIENT
        The number of active latents has a surrogate gradient (`Codes.gate`).
    GATE_ACTIVATIONS
        The codes come with gate activations (`Codes.gate_activations`).
    UNIT_INTERVAL_OUTPUT
        The output activation's values lie in (0, 1), so that outputs can be read as probabilities.
    UNBOUNDED_OUTPUT
        The output activation's values are not bounded on either side.
    VARIABLES_OUTPUT
        Each variable of a table has its own output activation, so that categories have probabilities.
    ONE_LAYER_DECODER
        The decoder is one layer, so that each latent has one direction in the input space.

    Examples
    --------
    >>> Capability.ZERO_CODES.value, Capability.ZERO_CODES.part
    ('exact zeros', 'codes')
    """

    UNIT_INTERVAL_CODES = "codes in (0, 1)"
    ZERO_CODES = "exact zeros"
    RANKED_CODES = "rankable codes"
    L0_GRADIENT = "an L0 gradient"
    GATE_ACTIVATIONS = "gate activations"
    UNIT_INTERVAL_OUTPUT = "outputs in (0, 1)"
    UNBOUNDED_OUTPUT = "unbounded outputs"
    VARIABLES_OUTPUT = "outputs by variable"
    ONE_LAYER_DECODER = "a decoder of one layer"

    @property
    def part(self) -> str:
        """The part of the network that has the property: "codes", "output" or "decoder"."""
        last_word = self.name.rpartition("_")[2].lower()
        return last_word if last_word in ("output", "decoder") else "codes"


def description(capabilities: frozenset[Capability]) -> str:
    """Return the descriptions of some capabilities, joined by commas.

    Parameters
    ----------
    capabilities : frozenset of Capability
        May be empty.

    Returns
    -------
    str
        In the order in which Capability lists them; empty without capabilities.

    Examples
    --------
    >>> description(frozenset({Capability.UNBOUNDED_OUTPUT, Capability.ZERO_CODES}))
    'exact zeros, unbounded outputs'
    """
    return ", ".join(capability.value for capability in Capability if capability in capabilities)
