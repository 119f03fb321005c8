"""What a person should know about a plan or a proof: findings, and what was not compared."""

from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import Resource

Severity = Literal["error", "warning", "note"]
"""SARIF's levels."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """``id`` is stable and kebab-case; ``rule`` is the rule's own words, or empty."""

    id: str
    severity: Severity
    resource: Resource
    message: str
    way_out: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True, order=True)
class NotCompared:
    """Something that ``verify`` leaves out: a whole resource (``rule`` empty) or one rule of it."""

    resource: Resource
    why: str
    rule: str = ""
