"""A trained model and all that is known about it."""

from dataclasses import dataclass, field
from typing import Any

from ..core.cards import card
from ..core.recipe import Recipe
from ..model import Autoencoder
from ..training import History

FORMAT = 1


@dataclass
class Artifact:
    """A model and all that is known about it; `config` holds plain values only."""

    model: Autoencoder
    config: dict[str, Any]
    history: History = field(default_factory=History)
    metrics: dict[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Return what it is, as HTML."""
        return card(str(self.config.get("estimator", "Autoencoder")), self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return pairs (what, in words): network, recipe, rows and training."""
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
        """Return a part of the config as the recipe that it describes."""
        return Recipe.from_dict(self.config[name])
