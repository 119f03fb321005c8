"""What a translation has to tell besides its result."""

from dataclasses import dataclass, field

from twinwall.model.firewall import Resource
from twinwall.model.net import Cidr
from twinwall.planning.findings import Finding, NotCompared, Severity

SPLIT = "name the parts of the block one by one in the source, or map all of it with --map-cidr"


def supernet_words(cidr: Cidr, mapped: Cidr, moved: Cidr) -> str:
    became = "stays as it is" if moved == cidr else f"becomes {moved} as a whole"
    return f"{cidr} holds more than the mapped block {mapped} and {became}"


@dataclass
class Notes:
    """``sources``: desired id → the source it copies. ``adopted``: ids of the target that are taken over."""

    findings: list[Finding] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)
    sources: dict[str, Resource] = field(default_factory=dict)
    adopted: set[str] = field(default_factory=set)

    def note(
        self,
        id_: str,
        resource: Resource,
        message: str,
        *,
        rule: str = "",
        severity: Severity = "note",
        way_out: str = "",
    ) -> None:
        self.findings.append(Finding(id_, severity, resource, message, way_out, rule))

    def supernet(self, resource: Resource, rule: object, cidr: Cidr, mapped: Cidr, moved: Cidr) -> None:
        """A block that holds more than a mapped one cannot follow it. ``moved``: what became of it."""
        message = supernet_words(cidr, mapped, moved)
        self.note("supernet-not-mapped", resource, message, rule=str(rule), severity="warning", way_out=SPLIT)

    def leave_out(self, resource: Resource, why: str, id_: str) -> None:
        """A whole resource that is not copied: a finding, and not compared."""
        self.not_compared.append(NotCompared(resource, why))
        self.note(id_, resource, f"left out: {why}", severity="warning")
