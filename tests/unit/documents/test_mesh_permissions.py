"""What each role of a mesh may do: no more than its own node's part, and who may take it on."""

from typing import Any

import pytest
from meshes import ACTING, FAR, GUESTS, HERE, HOSTS, MANY, TWO

from twinwall.documents.mesh_permissions import Line, Role, roles_of
from twinwall.mesh.configure import configure

Json = dict[str, Any]


def role(table: Json, node: str, which: str = "function") -> Role:
    found = configure("web", table)
    made = getattr(roles_of(found, found.mesh.node(node)), which)
    assert isinstance(made, Role)
    return made


def line(of: Role, sid: str) -> Line:
    [found] = [one for one in of.lines if one.sid == sid]
    return found


def group(account: str, region: str, number: int) -> str:
    return f"arn:aws:ec2:{region}:{account}:security-group/sg-0123456789abcde{number:02x}"


def test_it_revokes_in_its_own_groups_and_adds_to_all() -> None:
    function = role(TWO, f"{HERE}/eu-west-1")
    assert line(function, "RevokeRules").resources == (group(HERE, "eu-west-1", 1),)
    assert line(function, "AddRules").resources == (group(HERE, "eu-west-1", 1), group(HERE, "us-east-1", 2))
    [answers] = line(function, "AnswerHooks").resources
    assert answers == f"arn:aws:autoscaling:eu-west-1:{HERE}:autoScalingGroup:*:autoScalingGroupName/web"


def test_it_writes_only_rows_of_its_own_regions_into_tables_of_others() -> None:
    function = role(TWO, f"{HERE}/us-east-1")
    push = line(function, "PushRows")
    assert push.resources == (f"arn:aws:dynamodb:eu-west-1:{HERE}:table/twinwall-web",)
    assert push.condition == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "us-east-1"}}
    assert line(function, "WriteRows").resources == (f"arn:aws:dynamodb:us-east-1:{HERE}:table/twinwall-web",)
    assert line(function, "HoldLease").condition["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": "-"}


def test_it_marks_only_rules_and_only_with_its_own_mesh() -> None:
    marks = line(role(TWO, f"{HERE}/eu-west-1"), "MarkRules")
    assert marks.actions == ("ec2:CreateTags",)
    assert all(":security-group-rule/" in resource for resource in marks.resources)
    assert marks.condition == {"StringEquals": {"aws:RequestTag/twinwall:mesh": "web"}}


def test_where_a_role_leads_it_may_only_take_on_that_role() -> None:
    """The rights in the other account, and in another Region with a role, are the role's."""
    function = role(MANY, f"{HERE}/eu-west-1")
    assert line(function, "ComeToOthers").resources == (HOSTS, GUESTS)
    foreign = {r for one in function.lines for r in one.resources if FAR in r or "us-east-1" in r}
    assert foreign == {GUESTS}
    guests = role(MANY, f"{FAR}/ap-southeast-2", "neighbours")
    assert guests.arn == GUESTS
    assert [one.sid for one in guests.lines] == [
        "ReadTables",
        "PushRows",
        "ReadRules",
        "AddRules",
        "AddMarkedRules",
        "MarkRules",
    ]
    assert line(guests, "PushRows").condition == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["eu-west-1", "us-east-1"]}
    }
    assert not [one for one in guests.lines if "Revoke" in one.sid], "nobody revokes in another's group"


def test_a_role_lets_in_the_functions_of_the_other_nodes_and_nobody_else() -> None:
    [statement] = role(MANY, f"{FAR}/ap-southeast-2", "neighbours").trust["Statement"]
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{HERE}:root"]}
    functions = [f"arn:aws:iam::{HERE}:role/twinwall-web-{region}" for region in ("eu-west-1", "us-east-1")]
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": functions}}


def test_a_role_that_places_share_is_made_once() -> None:
    found = configure("web", MANY)
    made = {node.name: roles_of(found, node).neighbours for node in found.mesh.nodes}
    assert made[f"{HERE}/us-east-1"] is None
    hosts = made[f"{HERE}/eu-west-1"]
    assert hosts is not None
    tables = line(hosts, "ReadTables").resources
    assert tables == tuple(
        f"arn:aws:dynamodb:{region}:{HERE}:table/{name}"
        for region, name in (("eu-west-1", "twinwall-web"), ("us-east-1", "shared.table"))
    )


def test_who_acts_for_a_neighbour_comes_to_its_place() -> None:
    function = role(ACTING, f"{FAR}/us-east-1")
    assert GUESTS in line(function, "ComeToOthers").resources
    assert line(function, "RevokeRules").resources == (group(FAR, "us-east-1", 2),), (
        "there by the role of that place"
    )


@pytest.mark.parametrize("table", [TWO, MANY, ACTING])
def test_every_line_has_a_reason_and_names_its_resources_where_it_can(table: Json) -> None:
    found = configure("web", table)
    for node in found.mesh.nodes:
        for made in roles_of(found, node).all:
            sids = [one.sid for one in made.lines]
            assert len(set(sids)) == len(sids)
            for one in made.lines:
                assert len(one.reason) > 20
                assert "*" not in one.resources or "no resource can be named" in one.reason
                assert not any("*" in action for action in one.actions)


def test_signs_of_policies_in_a_group_name_mean_themselves() -> None:
    table = {"sites": [{**TWO["sites"][0], "asg": "a*b?c$d"}]}
    [answers] = line(role(table, f"{HERE}/eu-west-1"), "AnswerHooks").resources
    assert answers.endswith("autoScalingGroupName/a${*}b${?}c${$}d")
