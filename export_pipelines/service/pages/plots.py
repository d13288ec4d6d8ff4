"""Small plots as inline SVG, without style or script."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, MOST = 120, 28, 30


def rows_plot(rows: Sequence[int], label: str) -> Markup:
    """A bar for each artifact, oldest first; `label` says the same in words."""
    shown = list(rows)[-MOST:]
    highest = max(shown, default=0) or 1
    step = WIDTH / MOST
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="0.5"/>').format(
            round(number * step + 0.5, 2),
            round(HEIGHT - height, 2),
            round(step - 1, 2),
            round(height, 2),
        )
        for number, value in enumerate(shown)
        for height in [max(1.0, (HEIGHT - 2) * value / highest)]
    )
    return Markup(
        '<svg class="plot" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(label, WIDTH, HEIGHT, WIDTH, HEIGHT, bars)
