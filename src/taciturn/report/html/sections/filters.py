"""The filters of a network's first convolution, drawn large."""

from typing import Any

from ..formats import number
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    filters = material.report.filters
    assert filters is not None
    n_drawn, n_filters = len(filters.kernels), len(filters.channels)
    which = "All" if n_drawn == n_filters else f"{n_drawn:,} of"
    size = f"{filters.width} × {filters.height} pixels"
    is_grey, sheet = filters.kernels.shape[3] == 1, material.sheets["filters"]
    return {
        "scope": f"{which} {n_filters:,} filters of the first convolution, the largest norm first: {size}, applied at "
        "each second pixel of each second line.",
        "legend": "Orange is positive, blue negative"
        if is_grey
        else "Each colour by itself: grey is 0, brighter positive, darker negative",
        "filters": [
            {"image": sheet.image(channel, f"filter {channel}"), "channel": channel, "norm": number(norm)}
            for channel, norm in zip(filters.channels[:n_drawn], filters.norms, strict=False)
        ],
    }


FILTERS = Section("filters", "Filters", _context, shown=lambda material: material.report.filters is not None)
