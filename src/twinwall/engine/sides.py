"""The two sides of a workflow: a live VPC behind its doors, or a snapshot."""

from dataclasses import dataclass

from twinwall.boundary import Account, Document, FirewallReader, FirewallWriter
from twinwall.engine.pace import Pace


@dataclass(frozen=True)
class LiveSide:
    """``label`` is what the user called it (a VPC id or a name of the configuration). ``pace``: of its account and
    Region."""

    label: str
    vpc_id: str
    reader: FirewallReader
    account: Account
    writer: FirewallWriter
    pace: Pace


@dataclass(frozen=True)
class FileSide:
    """``vpc_id`` None: the one VPC that the document speaks of."""

    label: str
    document: Document
    vpc_id: str | None = None


Side = LiveSide | FileSide
