"""``--group``, ``--tag``, ``--nacl``, ``--exclude``, ``--only``: which groups and ACLs."""

import firewalls as fw
import pytest

from twinwall import errors
from twinwall.model.wire import parse_snapshot
from twinwall.replica.selection import select_acls, select_groups

SNAPSHOT = parse_snapshot(
    fw.source(
        fw.group("sg-1", "web", tags={"team": "a", "env": "prod"}),
        fw.group("sg-2", "Web-2", tags={"team": "b", "env": "prod"}),
        fw.group("sg-3", "db", tags={"team": "a"}),
        acls=[fw.acl("acl-1", tags={"Name": "public", "team": "a"}), fw.acl("acl-2")],
    )
)
ALL_GROUPS, ALL_ACLS = {"default", "web", "Web-2", "db"}, {"acl-default", "acl-1", "acl-2"}


@pytest.mark.parametrize(
    ("options", "groups", "acls"),
    [
        ({}, ALL_GROUPS, ALL_ACLS),
        ({"only": "groups"}, ALL_GROUPS, set()),
        ({"only": "nacls"}, set(), ALL_ACLS),
        ({"groups": ("web",)}, {"web"}, set()),
        ({"groups": ("WEB*",)}, {"web", "Web-2"}, set()),
        ({"groups": ("sg-3", "web")}, {"db", "web"}, set()),
        ({"acls": ("acl-2",)}, set(), {"acl-2"}),
        ({"groups": ("db",), "acls": ("acl-2",)}, {"db"}, {"acl-2"}),
        ({"tags": (("team", "a"),)}, {"web", "db"}, {"acl-1"}),
        ({"tags": (("team", "a"), ("team", "b"))}, {"web", "db", "Web-2"}, {"acl-1"}),
        ({"tags": (("team", "a"), ("env", "prod"))}, {"web"}, set()),
        ({"groups": ("web*",), "tags": (("team", "b"),)}, {"Web-2"}, set()),
        ({"exclude": ("web*", "acl-2")}, {"default", "db"}, {"acl-default", "acl-1"}),
        ({"exclude": ("public", "sg-3")}, ALL_GROUPS - {"db"}, ALL_ACLS - {"acl-1"}),
    ],
)
def test_what_is_selected(options, groups, acls):
    selection = fw.settings(**options).selection
    assert {group.group_name for group in select_groups(SNAPSHOT, selection)} == groups
    assert {acl.network_acl_id for acl in select_acls(SNAPSHOT, selection)} == acls


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"groups": ("nope",)}, "--group nope: the source has no such group"),
        ({"groups": ("nope*",)}, "--group nope"),
        ({"groups": ("web", "sg-9")}, "--group sg-9"),
        ({"tags": (("team", "z"),)}, "--tag team=z"),
        ({"acls": ("public",)}, "--nacl public"),
    ],
)
def test_a_selection_of_nothing_is_an_error(options, told):
    selection = fw.settings(**options).selection
    with pytest.raises(errors.ConfigError, match=told):
        (select_groups(SNAPSHOT, selection), select_acls(SNAPSHOT, selection))


def test_acls_that_are_unknown_are_none_unless_asked_for():
    document = fw.source()
    del document["NetworkAcls"]
    snapshot = parse_snapshot(document)
    assert select_acls(snapshot, fw.settings().selection) == ()
    with pytest.raises(errors.ConfigError, match="says nothing of network ACLs"):
        select_acls(snapshot, fw.settings(only="nacls").selection)
