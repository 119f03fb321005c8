"""The marks: whose a group, an ACL or a list is (contract, chapter 4).

A mark is a tag. Ours says what the thing is a copy of; others say that another manager keeps it.
"""

from dataclasses import dataclass

from twinwall.model.firewall import tag
from twinwall.model.rules import Tags

SOURCE_TAG = "twinwall:source"
TARGET_TAG = "twinwall:target"
"""On a copied prefix list: the VPC whose maps made its entries, and those maps."""
MESH_TAG = "twinwall:mesh"
LOCK_GROUP_NAME = "twinwall-lock"
"""An empty group: the lock of a VPC that is being written to (``engine.lock``). It is no part of any firewall."""
LOCK_TAG = "twinwall:lock"
LOCK_HOLDER_TAG = "twinwall:lock-holder"
LOCK_JOURNAL_TAG = "twinwall:lock-journal"
LOCK_EXPIRES_TAG = "twinwall:lock-expires"
LOGICAL_ID_TAG = "aws:cloudformation:logical-id"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What a copy is a copy of. ``vpc_id`` is ``-`` for a prefix list, which belongs to no VPC."""

    account: str
    region: str
    vpc_id: str
    id: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}/{self.vpc_id}/{self.id}"


def parse_mark(text: str) -> Mark | None:
    """None for a tag that is not a mark of ours: then the thing counts as not marked."""
    parts = text.split("/")
    return Mark(*parts) if len(parts) == 4 and all(parts) else None


def mark_of(tags: Tags) -> Mark | None:
    text = tag(tags, SOURCE_TAG)
    return parse_mark(text) if text else None


_MANAGERS: tuple[tuple[str, str], ...] = (
    ("aws:cloudformation:", "CloudFormation"),
    ("aws:servicecatalog:", "Service Catalog"),
    ("aws:fms:", "Firewall Manager"),
    ("FMManaged", "Firewall Manager"),
    ("elbv2.k8s.aws/", "the AWS Load Balancer Controller"),
    ("kubernetes.io/cluster/", "a Kubernetes controller"),
    ("aws:eks:", "EKS"),
    ("eks:", "EKS"),
)


def manager_of(tags: Tags, description: str = "") -> str | None:
    """Who else keeps this thing, as far as its tags and description tell."""
    for key, value in tags:
        for prefix, manager in _MANAGERS:
            if key.startswith(prefix):
                return manager
        if (
            key.lower() in ("managedby", "managed-by", "managed_by", "terraform")
            and "terraform" in (key + value).lower()
        ):
            return "Terraform"
    return "Terraform" if description == "Managed by Terraform" else None
