"""Configurations of meshes for tests: tables as ``[meshes.NAME]`` has them."""

from typing import Any

HERE, FAR = "111122223333", "444455556666"
Json = dict[str, Any]


def site(region: str, number: int, account: str = HERE, asg: str = "web", **more: Any) -> Json:
    return {
        "region": region,
        "account": account,
        "asg": asg,
        "group": f"sg-0123456789abcde{number:02x}",
        **more,
    }


ONE = {"sites": [site("eu-west-1", 1)]}
TWO = {"sites": [site("eu-west-1", 1), site("us-east-1", 2)]}
GUESTS = f"arn:aws:iam::{FAR}:role/mesh-guests"
HOSTS = f"arn:aws:iam::{HERE}:role/mesh-hosts"
MANY = {
    "ports": ["tcp/7000-7100", "icmp"],
    "true_up_every": 600,
    "heartbeat": 600,
    "on_refusal": "CONTINUE",
    "hook": "cluster",
    "sites": [
        site("eu-west-1", 1, role_arn=HOSTS),
        site("eu-west-1", 2, asg="api & more", role_arn=HOSTS),
        site("us-east-1", 3, role_arn=HOSTS, table="shared.table"),
        site("ap-southeast-2", 4, FAR, role_arn=GUESTS),
    ],
}
"""Two accounts, a node with two sites, nodes of one account that share a role."""
ACTING = {
    "sites": [
        site("eu-west-1", 1, role_arn=HOSTS),
        site("us-east-1", 2, FAR, acts_for=["ap-southeast-2/web"], role_arn=f"arn:aws:iam::{FAR}:role/us"),
        site("ap-southeast-2", 3, FAR, role_arn=GUESTS),
    ]
}
"""The second node looks after the third site, which has no function yet."""
