"""Which tags come along: all but AWS's own, ours, and those that controllers act on."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from twinwall.errors import QuotaExceeded
from twinwall.model.firewall import Resource, make_tags
from twinwall.model.ownership import SOURCE_TAG, Mark
from twinwall.model.rules import Tags

_NEVER = ("aws:*", "twinwall:*")
_CONTROLLERS = (
    "kubernetes.io/cluster/*",
    "kubernetes.io/service-name",
    "k8s.io/cluster/*",
    "elbv2.k8s.aws/*",
    "ingress.k8s.aws/*",
    "service.k8s.aws/*",
    "networking.k8s.aws/*",
    "karpenter.sh/*",
    "karpenter.k8s.aws/*",
    "sigs.k8s.io/cluster-api-provider-aws/*",
    "eks:*",
    "FMManaged",
)


def copied_tags(tags: Tags, copy_tag: Sequence[str]) -> Tags:
    """``copy_tag``: globs of keys that come along although a controller acts on them."""
    return tuple((key, value) for key, value in tags if _comes_along(key, copy_tag))


def _comes_along(key: str, copy_tag: Sequence[str]) -> bool:
    if any(fnmatchcase(key.lower(), pattern) for pattern in _NEVER):
        return False
    if any(fnmatchcase(key, pattern) for pattern in copy_tag):
        return True
    return not any(fnmatchcase(key, pattern) for pattern in _CONTROLLERS)


def desired_tags(
    source: Resource, source_tags: Tags, existing: Tags, mark: Mark, copy_tag: Sequence[str], limit: int = 50
) -> Tags:
    """The copy's tags: what comes along, and the mark. The target's own tags stay and count too. Raises
    ``QuotaExceeded`` over ``limit`` (aws-facts 1.2: 50 a resource)."""
    wanted = make_tags((*copied_tags(source_tags, copy_tag), (SOURCE_TAG, str(mark))))
    union = {key for key, _ in (*wanted, *existing) if not key.startswith("aws:")}
    if len(union) > limit:
        raise QuotaExceeded(
            f"tagging the copy of {source}: {len(union) - 1} tags besides the mark, EC2 allows {limit - 1}; "
            "remove some at the source or the target"
        )
    return wanted
