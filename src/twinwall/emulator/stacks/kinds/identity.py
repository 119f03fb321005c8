"""AWS::IAM."""

import json
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


# --- role


def _create_role(desk: Desk, p: Props) -> Made:
    name = p.get("RoleName") or desk.name(64)
    role = desk.call(
        "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=_text(p["AssumeRolePolicyDocument"]),
        Path=p.get("Path"), Description=p.get("Description"), MaxSessionDuration=p.get("MaxSessionDuration"),
        PermissionsBoundary=p.get("PermissionsBoundary"), Tags=desk.tags(p.get("Tags")) or None,
    )["Role"]  # fmt: skip
    made = Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
    _set_policies(desk, made, {}, p)
    return made


def _set_policies(desk: Desk, made: Made, before: Props, now: Props) -> None:
    old = {policy["PolicyName"]: policy["PolicyDocument"] for policy in before.get("Policies") or ()}
    new = {policy["PolicyName"]: policy["PolicyDocument"] for policy in now.get("Policies") or ()}
    for name in sorted(old.keys() - new.keys()):
        desk.gone("iam", "DeleteRolePolicy", RoleName=made.id, PolicyName=name)
    for name, document in new.items():
        if old.get(name) != document:
            desk.call(
                "iam", "PutRolePolicy", RoleName=made.id, PolicyName=name, PolicyDocument=_text(document)
            )
    attached, wanted = set(before.get("ManagedPolicyArns") or ()), now.get("ManagedPolicyArns") or ()
    for arn in sorted(attached - set(wanted)):
        desk.gone("iam", "DetachRolePolicy", RoleName=made.id, PolicyArn=arn)
    for arn in wanted:
        if arn not in attached:
            desk.call("iam", "AttachRolePolicy", RoleName=made.id, PolicyArn=arn)


def _update_role(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    if before["AssumeRolePolicyDocument"] != now["AssumeRolePolicyDocument"]:
        trust = _text(now["AssumeRolePolicyDocument"])
        desk.call("iam", "UpdateAssumeRolePolicy", RoleName=made.id, PolicyDocument=trust)
    if any(before.get(key) != now.get(key) for key in ("Description", "MaxSessionDuration")):
        desk.call(
            "iam", "UpdateRole", RoleName=made.id, Description=now.get("Description", ""),
            MaxSessionDuration=now.get("MaxSessionDuration", 3600),
        )  # fmt: skip
    _set_policies(desk, made, before, now)
    if tags := desk.tags(now.get("Tags")):
        desk.call("iam", "TagRole", RoleName=made.id, Tags=tags)
    return made


def _delete_role(desk: Desk, made: Made, p: Props) -> None:
    _set_policies(desk, made, p, {})
    desk.gone("iam", "DeleteRole", RoleName=made.id)


# --- policies

_HOLDERS = {
    "Roles": ("RoleName", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"),
    "Users": ("UserName", "PutUserPolicy", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy"),
    "Groups": ("GroupName", "PutGroupPolicy", "DeleteGroupPolicy", "AttachGroupPolicy", "DetachGroupPolicy"),
}


def _put_inline(desk: Desk, made: Made, p: Props) -> Made:
    for holders, (who, put, *_rest) in _HOLDERS.items():
        for name in p.get(holders) or ():
            document = _text(p["PolicyDocument"])
            desk.call("iam", put, **{who: name}, PolicyName=p["PolicyName"], PolicyDocument=document)
    return made


def _update_inline(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    left = {
        key: [name for name in before.get(key) or () if name not in (now.get(key) or ())] for key in _HOLDERS
    }
    _delete_inline(desk, made, dict(before) | left)
    return _put_inline(desk, made, now)


def _delete_inline(desk: Desk, _: Made, p: Props) -> None:
    for holders, (who, _put, delete, *_rest) in _HOLDERS.items():
        for name in p.get(holders) or ():
            desk.gone("iam", delete, **{who: name}, PolicyName=p["PolicyName"])


def _create_managed(desk: Desk, p: Props) -> Made:
    arn = desk.call(
        "iam", "CreatePolicy", PolicyName=p.get("ManagedPolicyName") or desk.name(128), Path=p.get("Path"),
        Description=p.get("Description"), PolicyDocument=_text(p["PolicyDocument"]),
    )["Policy"]["Arn"]  # fmt: skip
    made = Made(arn, {"PolicyArn": arn})
    _attach(desk, made, {}, p)
    return made


def _attach(desk: Desk, made: Made, before: Props, now: Props) -> None:
    for holders, (who, _put, _delete, attach, detach) in _HOLDERS.items():
        old, new = before.get(holders) or [], now.get(holders) or []
        for name in (name for name in old if name not in new):
            desk.gone("iam", detach, **{who: name}, PolicyArn=made.id)
        for name in (name for name in new if name not in old):
            desk.call("iam", attach, **{who: name}, PolicyArn=made.id)


def _update_managed(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    """A new version; the one before goes, of which an account may keep five."""
    if before["PolicyDocument"] != now["PolicyDocument"]:
        document = _text(now["PolicyDocument"])
        desk.call("iam", "CreatePolicyVersion", PolicyArn=made.id, PolicyDocument=document, SetAsDefault=True)
        _drop_versions(desk, made)
    _attach(desk, made, before, now)
    return made


def _drop_versions(desk: Desk, made: Made) -> None:
    for version in desk.call("iam", "ListPolicyVersions", PolicyArn=made.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            desk.gone("iam", "DeletePolicyVersion", PolicyArn=made.id, VersionId=version["VersionId"])


def _delete_managed(desk: Desk, made: Made, p: Props) -> None:
    _attach(desk, made, p, {})
    desk.gone("iam", "DeletePolicy", PolicyArn=made.id)


KINDS = (
    Kind(
        "AWS::IAM::Role", _create_role, _delete_role, _update_role, words("RoleName Path PermissionsBoundary"),
        words("AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Policies Tags"),
        words("AssumeRolePolicyDocument"), iam=True, named_by="RoleName",
    ),
    Kind(
        "AWS::IAM::Policy", lambda desk, p: _put_inline(desk, Made(desk.name()), p), _delete_inline, _update_inline,
        words("PolicyName"), words("PolicyDocument Roles Users Groups"), words("PolicyName PolicyDocument"), iam=True,
    ),
    Kind(
        "AWS::IAM::ManagedPolicy", _create_managed, _delete_managed, _update_managed,
        words("ManagedPolicyName Path Description"), words("PolicyDocument Roles Users Groups"),
        words("PolicyDocument"), iam=True, named_by="ManagedPolicyName",
    ),
)  # fmt: skip
