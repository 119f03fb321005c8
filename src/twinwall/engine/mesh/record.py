"""What every node's table and every site's group hold, read at once; a node that cannot be asked is told as such."""

from collections.abc import Callable, Sequence
from typing import Any

from twinwall.boundary import Table
from twinwall.engine.mesh.look import group_ids, places
from twinwall.engine.mesh.run import Around, at_once
from twinwall.errors import AwsError
from twinwall.model.members import Node, Place, Site
from twinwall.model.rules import SecurityGroupRule
from twinwall.model.wire import peer_fields, tag_list, traffic_fields

Recording = dict[str, Any]


def record(around: Around) -> Recording:
    """``mesh.status``'s document, plain JSON."""
    mesh = around.mesh
    found: Recording = {"at": round(around.clock.now(), 3), "tables": {}, "groups": {}, "failed": {}}

    def table(node: Node) -> Callable[[], None]:
        def job() -> None:
            try:
                found["tables"][node.name] = _table(around.doors.table(node.name).read(mesh.call_timeout))
            except AwsError as error:
                found["tables"][node.name], found["failed"][node.name] = None, str(error)

        return job

    def groups(place: Place, sites: Sequence[Site]) -> Callable[[], None]:
        def job() -> None:
            ids = group_ids(sites)
            try:
                rules = around.doors.ec2(place).rules(ids, mesh.call_timeout)
                found["groups"].update({id_: [_rule(rule) for rule in rules[id_]] for id_ in ids})
            except AwsError as error:
                found["groups"].update(dict.fromkeys(ids))
                found["failed"][str(place)] = str(error)

        return job

    jobs = [table(node) for node in mesh.nodes]
    jobs += [groups(place, sites) for place, sites in places(mesh.sites).items()]
    at_once(around.crew(), jobs)
    return found


def _table(table: Table) -> Recording:
    return {"rows": [_plain(dict(row)) for row in table.rows], "unknown": dict(table.unknown)}


def _plain(value: Any) -> Any:
    """JSON has no sets."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


_FLAT = {"CidrIp": "CidrIpv4", "CidrIpv6": "CidrIpv6", "PrefixListId": "PrefixListId"}


def _rule(rule: SecurityGroupRule) -> Recording:
    """API: SecurityGroupRule."""
    _, peer = peer_fields(rule.peer)
    flat = {_FLAT[key]: value for key, value in peer.items() if key in _FLAT}
    return {
        "SecurityGroupRuleId": rule.rule_id,
        "IsEgress": rule.direction.value == "egress",
        **traffic_fields(rule.traffic),
        **(flat or {"ReferencedGroupInfo": peer}),
        "Tags": tag_list(rule.tags),
    }
