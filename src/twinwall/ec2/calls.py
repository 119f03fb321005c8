"""What the reader and the writer ask of one side's EC2."""

from collections.abc import Mapping
from typing import Any, Protocol

from twinwall.boundary import Identity
from twinwall.ec2.faults import Place

Output = dict[str, Any]


class Ec2(Protocol):
    """One side's EC2: an operation by its API name, with the request and the answer in boto3's spelling.

    ``doing`` and ``thing`` are the words for a message. Both calls raise ``AwsError``'s children alone.
    """

    @property
    def place(self) -> Place: ...

    @property
    def region(self) -> str: ...

    def identity(self) -> Identity: ...

    def ask(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        """A call that changes nothing: repeated, a few times, where EC2 asks for patience."""
        ...

    def send(self, action: str, request: Mapping[str, Any], doing: str, thing: str) -> Output:
        """A call that changes something: sent once. An answer that never came is ``OutcomeUnknown``."""
        ...
