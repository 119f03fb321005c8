"""How a mesh stands, from what was read of its tables and groups: live, or recorded in a file. Pure."""

from collections.abc import Iterable
from typing import Any

from twinwall.mesh.recording import Document, check, rules_of
from twinwall.mesh.room import room_left, room_of_interface, used
from twinwall.mesh.roster import compare, elsewhere, placeholders
from twinwall.mesh.rows import Roster, Unreadable, judge, key_of, read_row
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Membership, Site


def status(mesh: Mesh, recorded: Document, now: float | None = None) -> dict[str, Any]:
    """``now``: else the moment of the recording. Raises ``DocumentError``."""
    check(recorded)
    at = float(recorded.get("at", 0.0)) if now is None else now
    tables = recorded["tables"]
    sites = [_site(mesh, site, recorded, at) for site in mesh.sites]
    unread = sorted(node.name for node in mesh.nodes if tables.get(node.name) is None)
    return {
        "mesh": mesh.name,
        "at": at,
        "right": all(s["right"] for s in sites),
        "unread": unread,
        "sites": sites,
    }


def _site(mesh: Mesh, site: Site, recorded: Document, now: float) -> dict[str, Any]:
    """As the table of the site's own node has it."""
    table = recorded["tables"].get(site.node)
    shown: dict[str, Any] = {"site": str(site.key), "node": site.node, "group": site.group_id}
    if site.further:
        shown["further_groups"] = list(site.further)
    if table is None:
        return {**shown, "right": False, "known": False, "why": f"the table of {site.node} cannot be read"}
    roster = judge(table["rows"], mesh, now, table.get("unknown") or {})
    standing = next(s for s in roster.standings if s.site == site)
    row = standing.row
    age = round(now - row.observed_at, 1) if row and row.observed_at is not None else None
    members = _members(row)
    copies = dict(_copies(mesh, site, recorded))
    shown |= {"known": standing.known, "why": standing.alarm, "generation": row.generation if row else None}
    shown |= {"age": age, "members": members, "copies": copies, **_rules(mesh, site, recorded, roster)}
    is_right = (
        standing.known and set(copies.values()) <= {"same"} and not (shown["missing"] or shown["extra"])
    )
    return {**shown, "right": is_right and shown["room"] is not None}


def _members(row: Membership | None) -> list[str]:
    """The published solution's rows have addresses alone."""
    if row is None:
        return []
    known = [f"{member.address} {member.instance}".strip() for member in row.members]
    return known or sorted(map(str, row.listed))


def _copies(mesh: Mesh, site: Site, recorded: Document) -> Iterable[tuple[str, str]]:
    """What the other nodes have of its row."""
    own = _row(recorded["tables"].get(site.node), site)
    for node in mesh.others(site.node):
        table = recorded["tables"].get(node.name)
        copy = _row(table, site)
        if table is None:
            yield node.name, "unread"
        elif copy is None or own is None:
            yield node.name, "missing"
        else:
            order = (copy.age_key > own.age_key) - (copy.age_key < own.age_key)
            yield node.name, {0: "same", 1: "newer", -1: "older"}[order]


def _row(table: Document | None, site: Site) -> Any:
    for item in table["rows"] if table else ():
        if key_of(item) == site.key:
            try:
                return read_row(item)
            except Unreadable:
                return None
    return None


def _rules(mesh: Mesh, site: Site, recorded: Document, roster: Roster) -> dict[str, Any]:
    read = [rules_of(recorded, group_id) for group_id in site.groups]
    groups = [one or [] for one in read]
    rules = [rule for one in groups for rule in one]
    ports = mesh.ports or placeholders(rules, site.group_id)
    found = compare(rules, roster.claims, (), ports, mesh.name)
    is_read = None not in read
    return {
        "missing": [str(rule) for rule in found.missing] if is_read else [],
        "extra": [str(rule) for rule in found.extra] if is_read else [],
        "other_ports": [str(rule) for rule in elsewhere(rules, ports, roster.claims, mesh.name)],
        "rules": sum(max(used(one)) for one in groups) if is_read else None,
        "room": room_left(groups, mesh.rules_per_group) if is_read else None,
        "room_of_interface": room_of_interface(groups) if is_read else None,
    }
