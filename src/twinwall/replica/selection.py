"""Which groups and ACLs of the source: ``--group``, ``--tag``, ``--nacl``, ``--exclude``, ``--only``.

Nothing said: every group and every ACL. As soon as something is named, only what is named: groups and tags
name groups (a tag also ACLs), ``--nacl`` names ACLs. Values of one option are alternatives (of one tag key
too); options, and different tag keys, narrow each other.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from twinwall.errors import ConfigError
from twinwall.model.firewall import NetworkAcl, SecurityGroup, Snapshot
from twinwall.model.rules import Tags
from twinwall.replica.scene import name_key
from twinwall.replica.settings import Selection


def matches(pattern: str, id_: str, name: str) -> bool:
    """An id, or a name or glob compared as EC2 compares names."""
    return (
        pattern == id_
        or fnmatchcase(name_key(name), name_key(pattern))
        or name_key(pattern) == name_key(name)
    )


def select_groups(snapshot: Snapshot, selection: Selection) -> tuple[SecurityGroup, ...]:
    """Raises ``ConfigError`` for an id, name, glob or tag that nothing has: a selection of nothing would be
    proven equal to anything."""
    if selection.only == "nacls" or (selection.acls and not selection.groups and not selection.tags):
        return ()
    named = [(group.group_id, group.group_name) for group in snapshot.groups]
    things = [*named, *((acl.network_acl_id, acl.name) for acl in snapshot.acls or ())]
    plain = [pattern for pattern in selection.exclude if not any(char in pattern for char in "*?[")]
    _check_named(
        plain, things, "--exclude", "group or ACL", "give an id, a name, or a glob for what may come"
    )
    _check_named(selection.groups, named, "--group", "group", "give an id, a name or a glob such as 'web*'")
    _check_tagged(snapshot, selection.tags)
    return tuple(
        group
        for group in snapshot.groups
        if _wanted(selection.groups, group.group_id, group.group_name)
        and _tagged(group.tags, selection.tags)
        and not excluded(selection, group.group_id, group.group_name)
    )


def asks_for_acls(selection: Selection) -> bool:
    return selection.only != "groups" and not (selection.groups and not selection.acls)


def select_acls(snapshot: Snapshot, selection: Selection) -> tuple[NetworkAcl, ...]:
    """Raises ``ConfigError`` for an ACL that the source does not have, or if its ACLs are unknown."""
    if not asks_for_acls(selection):
        return ()
    if snapshot.acls is None:
        if selection.acls or selection.only == "nacls":
            raise ConfigError(
                "the source says nothing of network ACLs; take a snapshot with a NetworkAcls section"
            )
        return ()
    named = [(acl.network_acl_id, "") for acl in snapshot.acls]
    _check_named(selection.acls, named, "--nacl", "network ACL", "give an id, acl-…")
    return tuple(
        acl
        for acl in snapshot.acls
        if (not selection.acls or acl.network_acl_id in selection.acls)
        and (selection.acls or _tagged(acl.tags, selection.tags))
        and not excluded(selection, acl.network_acl_id, acl.name)
    )


def _wanted(patterns: Sequence[str], id_: str, name: str) -> bool:
    return not patterns or any(matches(pattern, id_, name) for pattern in patterns)


def excluded(selection: Selection, id_: str, name: str) -> bool:
    return any(matches(pattern, id_, name) for pattern in selection.exclude)


def _tagged(tags: Tags, wanted: Sequence[tuple[str, str]]) -> bool:
    keys = {key for key, _ in wanted}
    return all(any(pair in wanted for pair in tags if pair[0] == key) for key in keys)


def _check_tagged(snapshot: Snapshot, wanted: Sequence[tuple[str, str]]) -> None:
    things = [group.tags for group in snapshot.groups] + [acl.tags for acl in snapshot.acls or ()]
    if wanted and not any(_tagged(tags, wanted) for tags in things):
        asked = " ".join(f"--tag {key}={value}" for key, value in wanted)
        raise ConfigError(
            f"{asked}: no group or ACL of the source carries it ({len(things)} were read); check key and value"
        )


def _check_named(
    patterns: Sequence[str], things: Sequence[tuple[str, str]], option: str, noun: str, way_out: str
) -> None:
    for pattern in patterns:
        if not any(matches(pattern, *thing) for thing in things):
            raise ConfigError(
                f"{option} {pattern}: the source has no such {noun} ({len(things)} were read); {way_out}"
            )
