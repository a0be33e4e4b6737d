"""A trained model with its recipe, its history and its metrics."""

from dataclasses import dataclass, field
from typing import Any

from ..core.cards import card
from ..core.recipe import Recipe
from ..model import Autoencoder
from ..training import History

FORMAT = 1  # version of the folder's format


@dataclass
class Artifact:
    """A trained model with its recipe, its history and its metrics.

    Parameters
    ----------
    model : Autoencoder
        The network with its weights and its scaling.
    config : dict
        The recipe, in plain values that JSON can hold; `write` adds "format" and "network".
    history : History
        The numbers of each step and epoch.
    metrics : dict
        Errors and sparsity, in plain values that JSON can hold.
    """

    model: Autoencoder
    config: dict[str, Any]
    history: History = field(default_factory=History)
    metrics: dict[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Return the summary of `lines` as HTML."""
        return card(str(self.config.get("estimator", "Autoencoder")), self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return a summary as pairs (label, text): network, recipe, rows and training."""
        config, layout = self.config, self.model.layout
        training, rows = config["training"], config["rows"]
        widths = " → ".join(map(str, [*layout.widths, *layout.widths[-2::-1]]))
        network = f"{widths}, {layout.coder.text} codes, {layout.output.text} output{', tied' if layout.tied else ''}"
        count = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            ("network", f"{network}; {count:,} parameters"),
            ("objective", self.recipe("objective").text),
            ("corruption", self.recipe("corruption").text),
            ("scaling", config["scaling_said"]),
            ("rows", f"{rows['count']:,}" + (f" of {rows['data']}" if rows.get("data") else "")),
            ("training", f"{training['epochs']:,} epochs, {training['steps']:,} steps, {training['seconds']:.1f} s"),
            ("written by", f"taciturn {config['versions']['taciturn']}, torch {config['versions']['torch']}"),
        ]

    def recipe(self, name: str) -> Any:
        """Return an entry of the config, such as "objective", as the recipe that it describes."""
        return Recipe.from_dict(self.config[name])
