"""Coded concepts (PS3.3 section 8.8): a value means nothing without its scheme."""

from __future__ import annotations

from dataclasses import dataclass

from overread.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class Code:
    """A code triple.

    Attributes:
        value: Code Value (0008,0100), for example "50960005".
        scheme: Coding Scheme Designator (0008,0102), for example "SCT", "DCM", "UCUM".
        meaning: Code Meaning (0008,0104), for people; two codes are the same concept whatever
            it says (`is_same_as`).
    """

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        if not (self.value and self.scheme and self.meaning):
            raise Rejected(
                f"A code needs value, scheme and meaning (PS3.3 8.8); got {self.value!r}, "
                f"{self.scheme!r}, {self.meaning!r}."
            )

    def is_same_as(self, other: Code) -> bool:
        """Whether both name one concept: value and scheme alone decide."""
        return (self.value, self.scheme) == (other.value, other.scheme)
