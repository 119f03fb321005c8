"""What moved since a plan was made, named down to the rule."""

import firewalls as fw
import pytest

from twinwall.engine.reading import SideReader
from twinwall.engine.sides import FileSide
from twinwall.planning.digest import moved, parts
from twinwall.planning.plan import Touched

TOUCHED = Touched(groups=("sg-1", "sg-2"), acls=("acl-1",), lists=("pl-1",))


def target(
    *rules,
    tags=None,
    entries=("in 100 allow tcp 22 0.0.0.0/0",),
    cidrs=("192.0.2.0/24",),
    second=True,
):
    groups = [fw.there("sg-1", "web", *rules, tags=tags)]
    groups += [fw.there("sg-2", "of web", "in tcp 1 10.0.0.0/8")] * second
    lists = [fw.prefix_list("pl-1", "office", *cidrs, owner=fw.TARGET)]
    acl = fw.acl("acl-1", *entries, vpc=fw.TARGET_VPC)
    document = fw.target(*groups, acls=[acl], lists=lists)
    return SideReader(FileSide("t", document), "target").snapshot()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (target("in tcp 22 10.0.0.0/8"), []),
        (target(), ["ingress tcp/22 from 10.0.0.0/8 of security group web (sg-1) is gone"]),
        (
            target("in tcp 22 10.0.0.0/8", "out udp 53 0.0.0.0/0"),
            ["egress udp/53 to 0.0.0.0/0 of security group web (sg-1) is there by now"],
        ),
        (
            target("in tcp 22 10.0.0.0/8 mine"),
            ["ingress tcp/22 from 10.0.0.0/8 of security group web (sg-1) has changed"],
        ),
        (target("in tcp 22 10.0.0.0/8", tags={"k": "v"}), ["security group web (sg-1) has changed"]),
        (target("in tcp 22 10.0.0.0/8", second=False), ["security group of web (sg-2) is gone"]),
        (
            target("in tcp 22 10.0.0.0/8", entries=("in 100 deny tcp 22 0.0.0.0/0",)),
            [
                "ingress 100 allow tcp/22 from 0.0.0.0/0 of network ACL acl-1 is gone",
                "ingress 100 deny tcp/22 from 0.0.0.0/0 of network ACL acl-1 is there by now",
            ],
        ),
        (
            target("in tcp 22 10.0.0.0/8", cidrs=("192.0.2.0/24", "198.51.100.0/24")),
            ["198.51.100.0/24 of prefix list office (pl-1) is there by now"],
        ),
    ],
)
def test_what_moved_is_named_down_to_the_rule(now, told):
    then = target("in tcp 22 10.0.0.0/8")
    assert moved(parts(then, TOUCHED), parts(now, TOUCHED)) == told
