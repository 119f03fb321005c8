"""The checks: their ids (stable), how bad what they find is, and what they say in general.

error     lets in what should be kept out
warning   a rule, or an object, does not or soon will not do what it is there for
note      could go without anybody noticing, or sleeps
"""

from dataclasses import dataclass, replace

from twinwall.model.firewall import Resource
from twinwall.planning.findings import Finding, Severity


@dataclass(frozen=True)
class Check:
    """``severity`` is the usual one; a finding may be milder. ``title`` and ``help`` are for SARIF and the
    documentation."""

    id: str
    severity: Severity
    title: str
    help: str

    def finding(self, resource: Resource, message: str, way_out: str, rule: object = "") -> Finding:
        return Finding(self.id, self.severity, resource, message, way_out, str(rule))


def milder(finding: Finding, severity: Severity) -> Finding:
    return replace(finding, severity=severity)


SHADOWED = Check(
    "acl-entry-shadowed",
    "warning",
    "An ACL entry can never match",
    "Entries with lower numbers decide every packet that this one holds. A note, where they decide it alike.",
)
WRONG_FAMILY = Check(
    "acl-entry-wrong-family",
    "note",
    "An ACL entry names a protocol that its IP version does not carry",
    "ICMP goes over IPv4 and ICMPv6 over IPv6; no packet is like this entry.",
)
NO_REPLY = Check(
    "acl-reply-refused",
    "warning",
    "What an ACL entry allows cannot be answered",
    "ACLs are stateless: the answers need entries of their own in the other direction, for the ephemeral ports "
    "1024-65535. A note, where some of the answers or some of the addresses get through, or where the entry lets "
    "the answers of the other direction through.",
)
COVERED = Check(
    "rule-covered",
    "note",
    "Other rules of the group already admit all that a rule admits",
    "The rule can go and nothing changes. All rules found in a group can go together.",
)
DEAD_GROUP = Check(
    "reference-to-deleted-group",
    "warning",
    "A rule names a security group that does not exist",
    "Nobody is behind the reference, so the rule admits nobody.",
)
DEAD_PEERING = Check(
    "reference-through-inactive-peering",
    "warning",
    "A rule names a security group behind a peering that is not active",
    "Nobody is behind the reference until the peering is made again.",
)
GROUP_FULL = Check(
    "group-near-quota",
    "warning",
    "A security group uses more than 80 % of its quota of rules",
    "Counted per direction and IP version; a referenced group counts in both, a prefix list its MaxEntries.",
)
ACL_FULL = Check(
    "acl-near-quota",
    "warning",
    "A network ACL uses more than 80 % of its quota of entries",
    "Counted per direction, both IP versions together; EC2 may count its final deny too.",
)
UNUSED = Check(
    "group-unused",
    "note",
    "No network interface has a security group",
    "Told only where the network interfaces are known.",
)
ADMIN_OPEN = Check(
    "admin-port-open",
    "error",
    "An administration port is open to the world",
    "ssh 22, telnet 23, Docker 2375, RDP 3389, VNC 5900, WinRM 5985 and 5986: open to at least half of all IPv4 "
    "addresses, or of all public IPv6 addresses.",
)
IPV6_HOLE = Check(
    "ipv6-hole",
    "error",
    "A port is open to the world over IPv6 and closed over IPv4",
    "The world is at least half of all public addresses. A note, where the VPC has no IPv6 block yet.",
)

CATALOG = (
    SHADOWED,
    WRONG_FAMILY,
    NO_REPLY,
    COVERED,
    DEAD_GROUP,
    DEAD_PEERING,
    GROUP_FULL,
    ACL_FULL,
    UNUSED,
    ADMIN_OPEN,
    IPV6_HOLE,
)
