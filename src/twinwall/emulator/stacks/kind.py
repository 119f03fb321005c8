"""A type of resource: its properties, what a change of each means, and the calls that make, change and delete it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.resolver import Made

Create = Callable[[Desk, Props], Made]
Update = Callable[[Desk, Made, Props, Props], Made]
"""(desk, what there is, the properties before, the properties now) → what there is then."""
Delete = Callable[[Desk, Made, Props], None]


@dataclass(frozen=True)
class Kind:
    """``replacing``: properties whose change makes the resource anew; ``changing``: those that change in place."""

    type: str
    create: Create
    delete: Delete
    update: Update | None = None
    replacing: frozenset[str] = frozenset()
    changing: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    iam: bool = False
    """Needs CAPABILITY_IAM; with a name of its own CAPABILITY_NAMED_IAM."""
    named_by: str = ""
    """The property that holds the name which a template may choose."""

    @property
    def properties(self) -> frozenset[str]:
        return self.replacing | self.changing

    def check(self, properties: Mapping[str, Any]) -> None:
        """Raises ``ResourceFailed``."""
        unknown = sorted(properties.keys() - self.properties)
        if unknown:
            raise ResourceFailed(f"Encountered unsupported property {unknown[0]} of {self.type}")
        missing = sorted(self.required - properties.keys())
        if missing:
            raise ResourceFailed(f"Property {missing[0]} cannot be empty.")
        for tag in properties.get("Tags") or ():
            if not isinstance(tag, Mapping) or not {"Key", "Value"} <= tag.keys() <= _TAG:
                raise ResourceFailed(f"Encountered unsupported property in a tag of {self.type}: {tag}")

    def replaces(self, before: Props, now: Props) -> bool:
        """Does a change from ``before`` to ``now`` make the resource anew?"""
        return any(before.get(name) != now.get(name) for name in self.replacing)


_TAG = {"Key", "Value", "PropagateAtLaunch"}


def words(text: str) -> frozenset[str]:
    """Property names, written in a row."""
    return frozenset(text.split())
