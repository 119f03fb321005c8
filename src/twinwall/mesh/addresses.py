"""Which addresses of an instance count: EC2's ``Instance`` → ``members.Instance`` (aws-facts 5.5)."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from twinwall.mesh.members import Instance
from twinwall.mesh.settings import Mesh
from twinwall.model.net import Cidr, parse_cidr

Document = Mapping[str, Any]

GROUP_TAG = "aws:autoscaling:groupName"


def instance_of(document: Document, mesh: Mesh) -> Instance:
    """Addresses in order, each once. An instance on its way out has none."""
    state = str((document.get("State") or {}).get("Name") or "")
    group = next((one["Value"] for one in document.get("Tags") or () if one["Key"] == GROUP_TAG), "")
    found = sorted({_host(text) for text in _texts(document, mesh) if text})
    return Instance(str(document["InstanceId"]), state, str(group), tuple(found))


@lru_cache(maxsize=1 << 14)
def _host(text: str) -> Cidr:
    return parse_cidr(f"{text}/128" if ":" in text else f"{text}/32")


def _texts(document: Document, mesh: Mesh) -> Iterator[str]:
    for kind, key in _PRIMARY:
        if kind in mesh.addresses:
            yield document.get(key) or ""
    if mesh.interfaces == "all":
        for interface in document.get("NetworkInterfaces") or ():
            yield from _of_interface(interface, mesh)


_PRIMARY = (("public", "PublicIpAddress"), ("private", "PrivateIpAddress"), ("ipv6", "Ipv6Address"))


def _of_interface(interface: Document, mesh: Mesh) -> Iterator[str]:
    """Secondary addresses and Elastic IPs too."""
    for one in interface.get("PrivateIpAddresses") or ():
        if "private" in mesh.addresses:
            yield one.get("PrivateIpAddress") or ""
        if "public" in mesh.addresses:
            yield (one.get("Association") or {}).get("PublicIp") or ""
    if "ipv6" in mesh.addresses:
        for one in interface.get("Ipv6Addresses") or ():
            yield one.get("Ipv6Address") or ""
