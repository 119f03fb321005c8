"""What EC2 checks before calls that are moto's, where moto does not: groups that must exist, VPCs that
are still in use."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twinwall.emulator.refusal import refuse
from twinwall.emulator.rulebook.references import find_group
from twinwall.emulator.state import Call
from twinwall.emulator.switches import GROUPS_PER_INTERFACE


def check(call: Call, action: str) -> None:
    if action in _GUARDS:
        _GUARDS[action](call)


def _groups_exist(call: Call) -> None:
    """emulators.md: moto makes up a group that an interface names."""
    for ids in _group_ids(call.params):
        for group_id in ids:
            find_group(call, group_id)
        if len(ids) > call.quota(GROUPS_PER_INTERFACE):
            refuse(
                "SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.",
            )


def _group_ids(params: Mapping[str, Any]) -> Iterator[list[str]]:
    yield params.get("SecurityGroupIds") or params.get("Groups") or []
    for interface in params.get("NetworkInterfaces") or ():
        yield interface.get("Groups") or []


def _vpc_is_empty(call: Call) -> None:
    """DeleteVpc: moto looks at subnets only."""
    vpc_id = call.params["VpcId"]
    groups = [g for g in call.here.groups.values() if g.vpc_id == vpc_id and not g.is_default]
    acls = [a for a in call.here.acls.values() if a.vpc_id == vpc_id and not a.is_default]
    if groups or acls:
        refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


_GUARDS: Mapping[str, Callable[[Call], None]] = {
    "CreateNetworkInterface": _groups_exist,
    "ModifyNetworkInterfaceAttribute": _groups_exist,
    "RunInstances": _groups_exist,
    "DeleteVpc": _vpc_is_empty,
}
