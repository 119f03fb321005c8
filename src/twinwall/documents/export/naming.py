"""Names that other tools take, made of names that EC2 takes: no two alike, the same ones each time."""

import re
import unicodedata
from collections.abc import Callable

MOST = 120
"""Letters of one name; Terraform sets no limit, CloudFormation 255."""


def words_of(text: str) -> list[str]:
    """The letters and digits that ASCII has for the text: ``Café (web)`` → Cafe, web."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", plain)


def snake(text: str) -> str:
    return "_".join(words_of(text)).lower()


def pascal(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in words_of(text))


class Unique:
    """Gives each wanted name once; the next one that is alike gets a number. A digit cannot come first."""

    def __init__(self, spell: Callable[[str], str], before_digit: str) -> None:
        self._spell = spell
        self._before_digit = before_digit
        self._taken: set[str] = set()

    def name(self, *wanted: str) -> str:
        """The first of ``wanted`` of which something is left in this spelling."""
        spelled = next((text for one in wanted if (text := self._spell(one))), self._before_digit)
        if spelled[0].isdigit():
            spelled = self._before_digit + spelled
        spelled = spelled[:MOST]
        name, number = spelled, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{spelled}{'_' if self._spell is snake else 'X'}{number}"
        self._taken.add(name.lower())
        return name
