"""How a loop says how far it is: tqdm's counting, shown as one output in a notebook and as one line elsewhere."""

from __future__ import annotations

import html
from typing import Any

from tqdm.std import tqdm


class Bar(tqdm):  # type: ignore[type-arg]
    """tqdm, which knows the rate and when to draw; in a notebook it draws one output that stays in the saved file."""

    monitor_interval = 0  # no thread of its own: kernels are forked

    def __init__(self, *args: Any, **options: Any) -> None:
        self.figures: dict[str, Any] = {}
        self.stopped = False
        self._handle: Any = None
        self._rich = _in_notebook()
        self._ended = False
        super().__init__(*args, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        if not self._rich:
            if self.figures:
                self.postfix = _figures(self.figures)
            return bool(super().display(msg, pos))
        from IPython.display import display

        data = {"text/html": self._html(), "text/plain": self.sentence()}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
        return True

    def close(self) -> None:
        """What tqdm calls at the end of its loop: `end` does it all, when the loop around it is over."""

    def end(self, stopped: bool) -> None:
        """Draw the bar for the last time."""
        if self._ended:
            return
        if stopped:
            self.n += 1  # the step that was just finished
        self._ended, self.stopped = True, stopped
        if self._rich:
            self.display()
            self._decr_instances(self)
        else:
            self.refresh()
            super().close()
            if stopped:
                print(self.sentence())

    def sentence(self) -> str:
        """The bar in words."""
        now = self.format_dict
        count, total, took = now["n"], now["total"], now["elapsed"]
        rate = now["rate"] or (count / took if took > 0 else 0.0)
        words = [f"{count:,} of {total:,}" if total else f"{count:,}"]
        if self._ended:
            words.append(f"in {_time(took)}")
        if rate:
            words.append(f"{rate:.3g} a second" if rate >= 1 else f"{1 / rate:.3g} seconds each")
        if total and rate and not self._ended:
            words.append(f"{_time((total - count) / rate)} left")
        if self.figures:
            words.append(_figures(self.figures))
        if self.stopped:
            words.append("stopped by you; what was reached is kept")
        label = (self.desc or "").removesuffix(": ")
        return f"{label}: " * bool(label) + ", ".join(words)

    def _html(self) -> str:
        total = self.total or 0
        share = min(100.0, 100 * self.n / total) if total else 100.0 if self._ended else 0.0
        colour = "#b9770e" if self.stopped else "#2a7f3f" if self._ended else "#3C9CD8"
        bar = (
            f'<div role="progressbar" aria-valuenow="{share:.0f}" aria-valuemin="0" aria-valuemax="100" '
            'style="border:1px solid #767676;border-radius:4px;height:.7em;width:16em;display:inline-block;'
            f'margin-right:.8em"><div style="height:100%;width:{share:.1f}%;background:{colour}"></div></div>'
        )
        return f'<div class="gradus-track">{bar}<span>{html.escape(self.sentence())}</span></div>'


def _figures(figures: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else format(float(value), '.4g')}" for name, value in figures.items()
    )


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
