"""Which unit is running."""
_current: str | None = None
def unit(name: str) -> None:
    global _current
    _current = name
def current_unit() -> str | None:
    return _current
