"""What the verbs give back."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

SHOWN_CHARS = 60
SHOWN_ITEMS = 3


class Record(dict[str, Any]):
    """A dict whose keys can be read as attributes: `asset.name` is `asset["name"]`.

    It is what `json.loads` would give, so it can be dumped, compared and copied as any dict. Where
    a key is also a method of dict, as `items` is, the attribute is the method: write
    `page["items"]`.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r}, only {', '.join(self)}") from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        return f"Record({', '.join(f'{name}={shown(value)}' for name, value in self.items())})"


def shown(value: Any) -> str:
    """A value as text, long ones cut short."""
    if isinstance(value, list) and len(value) > SHOWN_ITEMS:
        listed = ", ".join(shown(item) for item in value[:SHOWN_ITEMS])
        return f"[{listed}, ... {len(value) - SHOWN_ITEMS} more]"
    if isinstance(value, str) and len(value) > SHOWN_CHARS:
        return f"{value[:SHOWN_CHARS]!r}..."
    return repr(value)


def fraction(value: str | None) -> Fraction | None:
    """An exact number from a record: `"30000/1001"` becomes `Fraction(30000, 1001)`.

    Records carry frame rates (`frame_rate_hz`) and lengths (`duration_secs`) as such strings,
    because a float would lose what makes them exact. None stays None.
    """
    return None if value is None else Fraction(value)
