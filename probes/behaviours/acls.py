"""Network ACLs: made, their entries, their subnets (aws-facts chapter 2)."""

from typing import Any

from probes.registry import probe
from probes.trial import NOBODY, Json, Trial, pairs, tags

CREATE_ENTRY = "B CreateNetworkAclEntry"
GUIDE = "VPC default-network-acl"
FINAL = "CLI describe-network-acls; VPC default-network-acl"
ANY = "0.0.0.0/0"


def _put(t: Trial, acl: str, number: int = 100, *, egress: bool = False, **entry: Any) -> None:
    """Of all protocols from anywhere unless said otherwise."""
    if "CidrBlock" not in entry and "Ipv6CidrBlock" not in entry:
        entry["CidrBlock"] = ANY
    entry = {"Protocol": "-1", "RuleAction": "allow", **entry}
    t.ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=egress, **entry)


def _final(t: Trial, acl: str, number: int) -> list[Json]:
    found = t.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    return [entry for entry in found if entry["RuleNumber"] == number]


def _default(t: Trial, vpc: str) -> Json:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
    return dict(t.ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0])


# --- made and unmade


@probe("2", "a new ACL has no subnets, and no entry but the final deny", "CLI create-network-acl")
def new_acl(t: Trial) -> None:
    made = t.ec2.create_network_acl(VpcId=t.vpc())["NetworkAcl"]
    t.same((made["IsDefault"], made["Associations"]), (False, []))
    found = {(e["RuleNumber"], e["Egress"], e["RuleAction"], e["CidrBlock"]) for e in made["Entries"]}
    t.same(found, {(32767, way, "deny", ANY) for way in (True, False)})


@probe("2", "the final deny 32767 stands in every description", FINAL)
def final_deny(t: Trial) -> None:
    found = _final(t, t.acl(), 32767)
    t.same([(e["Protocol"], e["RuleAction"]) for e in found], [("-1", "deny")] * 2)


@probe("2", "with IPv6 in the VPC 32768 denies ::/0 too", FINAL)
def final_deny_ipv6(t: Trial) -> None:
    found = _final(t, t.acl(t.vpc(ipv6=True)), 32768)
    t.same([(e["Ipv6CidrBlock"], e["RuleAction"]) for e in found], [("::/0", "deny")] * 2)


@probe("2", "an ACL has no name but the tag Name, given at creation", "B NetworkAcl")
def acl_tags(t: Trial) -> None:
    acl = t.acl(TagSpecifications=tags("network-acl", Name="edge"))
    found = t.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]
    t.same(pairs(found["Tags"]), {"Name": "edge"})


@probe("2", "the default ACL allows everything each way by entry 100", GUIDE)
def default_acl(t: Trial) -> None:
    found = _default(t, t.vpc())["Entries"]
    allowed = [(e["Egress"], e["CidrBlock"], e["Protocol"]) for e in found if e["RuleNumber"] == 100]
    t.same(sorted(allowed), [(False, ANY, "-1"), (True, ANY, "-1")])


@probe("2", "with IPv6 entry 101 allows ::/0 each way", GUIDE)
def default_acl_ipv6(t: Trial) -> None:
    found = _default(t, t.vpc(ipv6=True))["Entries"]
    allowed = [(e["Egress"], e.get("Ipv6CidrBlock")) for e in found if e["RuleNumber"] == 101]
    t.same(sorted(allowed), [(False, "::/0"), (True, "::/0")])


@probe("2", "the default ACL can be edited", GUIDE)
def default_acl_edited(t: Trial) -> None:
    acl = _default(t, t.vpc())["NetworkAclId"]
    t.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    _put(t, acl, 200, CidrBlock="10.0.0.0/8")
    t.same({number: e["CidrBlock"] for number, e in t.entries(acl).items()}, {200: "10.0.0.0/8"})


@probe("2", "the default ACL cannot be deleted", "B DeleteNetworkAcl")
def default_acl_stays(t: Trial) -> None:
    vpc = t.vpc()
    acl = _default(t, vpc)["NetworkAclId"]
    t.refused("InvalidParameterValue", t.ec2.delete_network_acl, NetworkAclId=acl)
    t.same(_default(t, vpc)["NetworkAclId"], acl)


@probe("2", "an ACL without subnets is deleted, with its entries", "B DeleteNetworkAcl")
def delete_acl(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl)
    t.ec2.delete_network_acl(NetworkAclId=acl)
    t.refused("InvalidNetworkAclID.NotFound", t.ec2.describe_network_acls, NetworkAclIds=[acl])


@probe("2", "an ACL with a subnet is in use: DependencyViolation", "ERR DependencyViolation")
def delete_used_acl(t: Trial) -> None:
    vpc = t.vpc()
    t.subnet(vpc)
    acl = t.acl(vpc)
    association = _default(t, vpc)["Associations"][0]["NetworkAclAssociationId"]
    t.ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)
    t.refused("DependencyViolation", t.ec2.delete_network_acl, NetworkAclId=acl)


@probe("2", "an unknown ACL is InvalidNetworkAclID.NotFound", "ERR InvalidNetworkAclID.NotFound")
def unknown_acl(t: Trial) -> None:
    acl = f"acl-{NOBODY}"
    t.refused("InvalidNetworkAclID.NotFound", t.ec2.describe_network_acls, NetworkAclIds=[acl])
    t.refused("InvalidNetworkAclID.NotFound", t.ec2.delete_network_acl, NetworkAclId=acl)
    t.refused("InvalidNetworkAclID.NotFound", _put, t, acl)


@probe("2", "a client token makes one ACL, however often it is sent", "EC2DG ec2-api-idempotency")
def acl_token(t: Trial) -> None:
    vpc, token = t.vpc(), t.name("token")
    t.same(t.acl(vpc, ClientToken=token), t.acl(vpc, ClientToken=token))


@probe(
    "2", "the same token with other parameters is IdempotentParameterMismatch", "EC2DG ec2-api-idempotency"
)
def acl_token_mismatch(t: Trial) -> None:
    token = t.name("token")
    t.acl(t.vpc(), ClientToken=token)
    t.refused("IdempotentParameterMismatch", t.acl, t.vpc(), ClientToken=token)


# --- entries: their key


@probe("2", "an entry is kept by ACL, direction and number", CREATE_ENTRY)
def entry_key(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, CidrBlock="10.0.0.0/8")
    _put(t, acl, egress=True, CidrBlock="10.1.0.0/16")
    t.same([e["CidrBlock"] for e in t.entries(acl).values()], ["10.0.0.0/8"])
    t.same([e["CidrBlock"] for e in t.entries(acl, egress=True).values()], ["10.1.0.0/16"])


@probe("2", "a number that is taken is NetworkAclEntryAlreadyExists", "ERR NetworkAclEntryAlreadyExists")
def entry_twice(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl)
    t.refused("NetworkAclEntryAlreadyExists", _put, t, acl, RuleAction="deny")


@probe("2", "IPv4 and IPv6 entries share one space of numbers", "VPC vpc-network-acls")
def families_share_numbers(t: Trial) -> None:
    acl = t.acl(t.vpc(ipv6=True))
    _put(t, acl)
    t.refused("NetworkAclEntryAlreadyExists", _put, t, acl, Ipv6CidrBlock="::/0")


@probe("2", "rule numbers go from 1 to 32766", CREATE_ENTRY)
def entry_numbers(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, 1)
    _put(t, acl, 32766)
    for wrong in (0, 32767, 32768, 65536):
        t.refused("InvalidParameterValue", _put, t, acl, wrong)


@probe("2", "number, protocol, action and direction must be given", CREATE_ENTRY)
def entry_fields(t: Trial) -> None:
    whole = {"RuleNumber": 1, "Protocol": "-1", "RuleAction": "allow", "Egress": False, "CidrBlock": ANY}
    acl = t.acl()
    for name in ("RuleNumber", "Protocol", "RuleAction", "Egress"):
        rest = {key: value for key, value in whole.items() if key != name}
        t.refused("MissingParameter", t.ec2.create_network_acl_entry, NetworkAclId=acl, **rest)


@probe("2", "an action is allow or deny", "B NetworkAclEntry.RuleAction")
def entry_action(t: Trial) -> None:
    t.refused("InvalidParameterValue", _put, t, t.acl(), RuleAction="drop")


@probe("2", "an entry has one block, IPv4 or IPv6", CREATE_ENTRY)
def entry_block(t: Trial) -> None:
    acl, call = t.acl(), t.ec2.create_network_acl_entry
    bare = {"RuleNumber": 1, "Protocol": "-1", "RuleAction": "allow", "Egress": False}
    t.refused("MissingParameter", call, NetworkAclId=acl, **bare)
    t.refused("InvalidParameterValue", call, NetworkAclId=acl, CidrBlock=ANY, Ipv6CidrBlock="::/0", **bare)


# --- entries: what they say


@probe("2", "tcp and udp entries have ports, and keep them", "B CreateNetworkAclEntry.Protocol")
def entry_ports(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, 1, Protocol="6", PortRange={"From": 80, "To": 90})
    _put(t, acl, 2, Protocol="17", PortRange={"From": 53, "To": 53})
    t.same(
        [e["PortRange"] for e in t.entries(acl).values()], [{"From": 80, "To": 90}, {"From": 53, "To": 53}]
    )
    for protocol in ("6", "17"):
        t.refused("MissingParameter", _put, t, acl, 3, Protocol=protocol)


@probe("2", "ICMP entries have a type and a code, and keep them", "B IcmpTypeCode")
def entry_icmp(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, 1, Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1}, RuleAction="deny")
    _put(t, acl, 2, Protocol="1", IcmpTypeCode={"Type": -1, "Code": -1})
    wanted = [{"Type": 8, "Code": -1}, {"Type": -1, "Code": -1}]
    t.same([e["IcmpTypeCode"] for e in t.entries(acl).values()], wanted)
    t.refused("MissingParameter", _put, t, acl, 3, Protocol="1")


@probe(
    "2",
    "ICMPv6 with an IPv6 block has a type and a code, and keeps them",
    "B CreateNetworkAclEntry.IcmpTypeCode",
)
def entry_icmpv6(t: Trial) -> None:
    acl = t.acl(t.vpc(ipv6=True))
    _put(t, acl, 1, Protocol="58", Ipv6CidrBlock="::/0", IcmpTypeCode={"Type": 128, "Code": 0})
    (entry,) = t.entries(acl).values()
    t.same(
        (entry["Protocol"], entry["Ipv6CidrBlock"], entry["IcmpTypeCode"]),
        ("58", "::/0", {"Type": 128, "Code": 0}),
    )
    t.refused("MissingParameter", _put, t, acl, 2, Protocol="58", Ipv6CidrBlock="::/0")


@probe("2", "protocol 58 with an IPv4 block means all types", "B CreateNetworkAclEntry.Protocol")
def entry_58_ipv4(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, Protocol="58")
    t.same([e["Protocol"] for e in t.entries(acl).values()], ["58"])


@probe("2", "ports of other protocols are ignored", "B CreateNetworkAclEntry.Protocol")
def entry_other_protocol(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl, Protocol="50", PortRange={"From": 1, "To": 2})
    (entry,) = t.entries(acl).values()
    t.same((entry["Protocol"], entry.get("PortRange")), ("50", None))


@probe("2", "a protocol is a number, not a name", "awscli protocolarg; B NetworkAclEntry.Protocol")
def entry_protocol_name(t: Trial) -> None:
    acl = t.acl()
    for wrong in ("tcp", "all", "256"):
        t.refused("InvalidParameterValue", _put, t, acl, Protocol=wrong, PortRange={"From": 1, "To": 1})


@probe("2", "a block's host bits are cut, IPv4 and IPv6", "B CreateNetworkAclEntry.CidrBlock; VPC nacl-rules")
def entry_canonical(t: Trial) -> None:
    acl = t.acl(t.vpc(ipv6=True))
    _put(t, acl, 1, CidrBlock="100.68.0.18/18")
    _put(t, acl, 2, Ipv6CidrBlock="2001:DB8::5/64")
    found = t.entries(acl)
    t.same((found[1]["CidrBlock"], found[2]["Ipv6CidrBlock"]), ("100.68.0.0/18", "2001:db8::/64"))


@probe("2", "what is no block is refused", "ERR InvalidParameterValue")
def entry_malformed(t: Trial) -> None:
    acl = t.acl()
    for wrong in ("10.0.0.0/33", "300.1.1.1/8", "192.0.2.1"):
        t.refused("InvalidParameterValue", _put, t, acl, CidrBlock=wrong)


@probe("2", "a port range lies within 0 and 65535, in order", "B PortRange")
def entry_port_bounds(t: Trial) -> None:
    acl = t.acl()
    for first, last in ((5, 4), (0, 65536)):
        t.refused("InvalidParameterValue", _put, t, acl, Protocol="6", PortRange={"From": first, "To": last})


# --- entries: replaced and deleted


@probe("2", "ReplaceNetworkAclEntry overwrites the whole entry", "B ReplaceNetworkAclEntry")
def entry_replaced(t: Trial) -> None:
    acl = t.acl(t.vpc(ipv6=True))
    _put(t, acl, Protocol="6", PortRange={"From": 80, "To": 80})
    t.ec2.replace_network_acl_entry(
        NetworkAclId=acl, RuleNumber=100, Egress=False, Protocol="-1", RuleAction="deny", Ipv6CidrBlock="::/0"
    )
    (entry,) = t.entries(acl).values()
    t.same((entry["Protocol"], entry["RuleAction"], entry["Ipv6CidrBlock"]), ("-1", "deny", "::/0"))
    t.same((entry.get("CidrBlock"), entry.get("PortRange")), (None, None))


@probe("2", "replacing an entry that is not there is InvalidNetworkAclEntry.NotFound", "ERR")
def replace_absent(t: Trial) -> None:
    t.refused(
        "InvalidNetworkAclEntry.NotFound",
        t.ec2.replace_network_acl_entry,
        NetworkAclId=t.acl(),
        RuleNumber=100,
        Egress=False,
        Protocol="-1",
        RuleAction="deny",
        CidrBlock=ANY,
    )


@probe("2", "an entry is deleted in its direction alone", "B DeleteNetworkAclEntry")
def entry_deleted(t: Trial) -> None:
    acl = t.acl()
    _put(t, acl)
    _put(t, acl, egress=True)
    t.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    t.same((len(t.entries(acl)), len(t.entries(acl, egress=True))), (0, 1))


@probe("2", "deleting an entry that is not there is InvalidNetworkAclEntry.NotFound", "ERR")
def delete_absent(t: Trial) -> None:
    call = t.ec2.delete_network_acl_entry
    t.refused("InvalidNetworkAclEntry.NotFound", call, NetworkAclId=t.acl(), RuleNumber=100, Egress=False)


@probe("2", "the 21st entry of a direction is NetworkAclEntryLimitExceeded", "VPC amazon-vpc-limits; ERR")
def entries_too_many(t: Trial) -> None:
    acl = t.acl()
    for number in range(1, 21):
        _put(t, acl, number)
    t.refused("NetworkAclEntryLimitExceeded", _put, t, acl, 21)
    _put(t, acl, 21, egress=True)


# --- subnets


@probe("2", "a new subnet has the default ACL", "VPC network-acl-associations")
def new_subnet(t: Trial) -> None:
    vpc = t.vpc()
    subnet = t.subnet(vpc)
    t.same([a["SubnetId"] for a in _default(t, vpc)["Associations"]], [subnet])


@probe("2", "ReplaceNetworkAclAssociation swaps a subnet's ACL; the association's id changes", "B")
def swap(t: Trial) -> None:
    vpc = t.vpc()
    subnet, acl = t.subnet(vpc), t.acl(vpc)
    old = _default(t, vpc)["Associations"][0]["NetworkAclAssociationId"]
    call = t.ec2.replace_network_acl_association
    new = call(AssociationId=old, NetworkAclId=acl)["NewAssociationId"]
    t.true(new != old, "the association kept its id")
    found = t.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Associations"]
    t.same([(a["SubnetId"], a["NetworkAclAssociationId"]) for a in found], [(subnet, new)])
    t.same(_default(t, vpc)["Associations"], [])


@probe("2", "an association that was swapped is unknown from then on", "ERR InvalidAssociationID.NotFound")
def swap_twice(t: Trial) -> None:
    vpc = t.vpc()
    t.subnet(vpc)
    old = _default(t, vpc)["Associations"][0]["NetworkAclAssociationId"]
    acl, call = t.acl(vpc), t.ec2.replace_network_acl_association
    call(AssociationId=old, NetworkAclId=acl)
    t.refused("InvalidAssociationID.NotFound", call, AssociationId=old, NetworkAclId=t.acl(vpc))


@probe("2", "an ACL of another VPC cannot take a subnet", "B ReplaceNetworkAclAssociation")
def swap_to_another_vpc(t: Trial) -> None:
    vpc = t.vpc()
    t.subnet(vpc)
    old, call = (
        _default(t, vpc)["Associations"][0]["NetworkAclAssociationId"],
        t.ec2.replace_network_acl_association,
    )
    t.refused("InvalidParameterValue", call, AssociationId=old, NetworkAclId=t.acl())


# --- described


@probe("2", "ACLs are found by subnet, VPC, default, and by what their entries say", "B DescribeNetworkAcls")
def acl_filters(t: Trial) -> None:
    vpc = t.vpc()
    subnet, acl = t.subnet(vpc), t.acl(vpc)
    old = _default(t, vpc)["Associations"][0]["NetworkAclAssociationId"]
    t.ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)
    _put(t, acl, 7, Protocol="6", PortRange={"From": 81, "To": 82}, CidrBlock="192.0.2.0/24")
    of_vpc = {"Name": "vpc-id", "Values": [vpc]}
    for name, value in (
        ("association.subnet-id", subnet),
        ("default", "false"),
        ("entry.cidr", "192.0.2.0/24"),
        ("entry.port-range.from", "81"),
        ("entry.rule-number", "7"),
        ("network-acl-id", acl),
    ):
        found = t.ec2.describe_network_acls(Filters=[of_vpc, {"Name": name, "Values": [value]}])
        t.same([each["NetworkAclId"] for each in found["NetworkAcls"]], [acl], name)


@probe("2", "the filter entry.protocol takes names; answers carry numbers", "B DescribeNetworkAcls")
def acl_filter_protocol(t: Trial) -> None:
    vpc = t.vpc()
    acl = t.acl(vpc)
    _put(t, acl, Protocol="17", PortRange={"From": 53, "To": 53})
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "entry.protocol", "Values": ["udp"]}]
    (found,) = t.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    t.same((found["NetworkAclId"], {e["Protocol"] for e in found["Entries"]}), (acl, {"17", "-1"}))


@probe("2", "ACLs come in pages of MaxResults with a NextToken", "B DescribeNetworkAcls; BR paginators-1")
def acls_in_pages(t: Trial) -> None:
    vpc = t.vpc()
    for _ in range(6):
        t.acl(vpc)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    pages = t.pages("describe_network_acls", "NetworkAcls", 5, Filters=filters)
    t.same([len(page) for page in pages], [5, 2])


@probe("2", "DescribeNetworkAcls takes MaxResults from 5 to 1,000", "B DescribeNetworkAcls")
def acl_page_size(t: Trial) -> None:
    for size in (4, 1001):
        t.refused("InvalidParameterValue", t.ec2.describe_network_acls, MaxResults=size)


@probe("1.1", "DryRun changes nothing and answers DryRunOperation: ACLs", "B DryRun")
def dry_run_of_acls(t: Trial) -> None:
    vpc, acl = t.vpc(), t.acl()
    t.refused("DryRunOperation", t.ec2.create_network_acl, VpcId=vpc, DryRun=True)
    t.refused("DryRunOperation", _put, t, acl, DryRun=True)
    t.refused("DryRunOperation", t.ec2.delete_network_acl, NetworkAclId=acl, DryRun=True)
    found = t.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    t.same((len(found), t.entries(acl)), (1, {}))


@probe("2", "an ACL keeps its VPC from being deleted, the default one does not", "ERR DependencyViolation")
def acl_in_its_vpc(t: Trial) -> None:
    vpc = t.vpc()
    acl = t.acl(vpc)
    t.refused("DependencyViolation", t.ec2.delete_vpc, VpcId=vpc)
    t.ec2.delete_network_acl(NetworkAclId=acl)
    t.ec2.delete_vpc(VpcId=vpc)
