"""Every node's stack brought to what the configuration asks for. What was done stays done: a run that is cut off, or
fails at one node, is gone on with by the next.

stack                        a run finds            and does
not there, or only proposed                         creates
CREATE or UPDATE complete, rolled back update       updates, or leaves it if nothing differs
creation rolled back         nothing left of it     deletes what is left, creates
in progress                  another run's work     waits first
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twinwall.documents.deployment.package import Package
from twinwall.documents.deployment.sam import template_text
from twinwall.documents.deployment.template import node_template
from twinwall.engine.deployment.ground import Document, Land, is_alive, settled, status_of, why_failed
from twinwall.engine.deployment.inspect import Found
from twinwall.errors import AwsError
from twinwall.model.members import Node
from twinwall.model.ownership import MESH_TAG

MOST_INLINE = 51_200
CHANGE_SET = "twinwall"
NOTHING = ("didn't contain changes", "No updates are to be performed")
TRUE_UP = {"detail-type": "Scheduled Event", "id": "deployed"}
_GONE_WRONG = ("ROLLBACK_COMPLETE", "CREATE_FAILED")


@dataclass(frozen=True)
class Proposal:
    """What a node's stack would change: CloudFormation's ResourceChange documents. Empty: it is as it should be."""

    node: Node
    anew: bool
    changes: tuple[Document, ...]


def propose(
    land: Land, found: Sequence[Found], package: Package, given: Mapping[str, str]
) -> tuple[Proposal, ...]:
    """A change set for each node; nothing is made by it, but for a bucket where a template is too long for a call."""
    return tuple(_propose(land, one, package, given) for one in found)


def _propose(land: Land, found: Found, package: Package, given: Mapping[str, str]) -> Proposal:
    node, names = found.node, land.names(found.node)
    ground, name = land.of(node), names.base
    stack = found.stack
    if status_of(stack) in _GONE_WRONG:
        land.tell(f"{node.name}: stack {name}: {status_of(stack)}; deleted, to be made anew")
        ground.delete_stack(name)
        stack = settled(land, node, name)
    anew = not is_alive(status_of(stack))
    if stack is not None and _is_proposed(land, node, name):
        ground.withdraw(name, CHANGE_SET)
    parameters = {
        "CodeBucket": names.bucket,
        "CodeKey": package.key,
        "TableStream": found.stream,
        **({"Runtime": package.python} if package.python else {}),
        **given,
    }
    ground.propose(name, CHANGE_SET, _template(land, node), parameters, anew=anew)
    return Proposal(node, anew, _changes(land, node, name))


def _is_proposed(land: Land, node: Node, name: str) -> bool:
    """By a run that was cut off."""
    try:
        land.of(node).proposal(name, CHANGE_SET)
    except AwsError:
        return False
    return True


def _template(land: Land, node: Node) -> dict[str, str]:
    """In the call itself while it is short enough."""
    template = node_template(land.configured, node)
    text = json.dumps(template, separators=(",", ":"))
    if len(text.encode()) <= MOST_INLINE:
        return {"TemplateBody": text}
    names = land.names(node)
    _ensure_bucket(land, node)
    land.of(node).put(names.bucket, "template.json", template_text(template).encode())
    dns = "amazonaws.com.cn" if node.place.region.startswith("cn-") else "amazonaws.com"
    return {"TemplateURL": f"https://{names.bucket}.s3.{node.place.region}.{dns}/template.json"}


def _changes(land: Land, node: Node, name: str) -> tuple[Document, ...]:
    """Raises ``AwsError`` where CloudFormation refuses the template."""
    ground = land.of(node)
    while True:
        found = ground.proposal(name, CHANGE_SET)
        if found["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            land.clock.sleep(1.0)
            continue
        if found["Status"] == "FAILED":
            reason = str(found.get("StatusReason") or "")
            if any(words in reason for words in NOTHING):
                ground.withdraw(name, CHANGE_SET)
                return ()
            raise AwsError(f"proposing the stack {name} at {node.name}: {' '.join(reason.split())}")
        return tuple(change["ResourceChange"] for change in found["Changes"])


def withdraw(land: Land, proposals: Sequence[Proposal]) -> None:
    """Nobody said yes: a stack that only was proposed goes again."""
    for one in proposals:
        name = land.names(one.node).base
        if one.anew:
            land.of(one.node).delete_stack(name)
        elif one.changes:
            land.of(one.node).withdraw(name, CHANGE_SET)


def deploy(land: Land, proposals: Sequence[Proposal], package: Package) -> None:
    """Raises ``AwsError`` that says where each node stands."""
    for one in proposals:
        try:
            _bring(land, one, package)
        except AwsError as failed:
            raise AwsError(f"{failed}; {_standing(land)}; deploy again goes on", code=failed.code) from failed
    for one in proposals:
        _true_up(land, one.node)
        _tidy(land, one.node, package)


def _bring(land: Land, one: Proposal, package: Package) -> None:
    node, names = one.node, land.names(one.node)
    ground = land.of(node)
    for site in land.configured.mesh.sites_of(node.name):
        for group_id in site.groups:
            land.at(site.place).tag_group(group_id, MESH_TAG, land.configured.mesh.name)
    if not one.changes:
        land.tell(f"{node.name}: stack {names.base}: as it should be")
        return
    _ensure_bucket(land, node)
    if package.key not in ground.keys(names.bucket):
        ground.put(names.bucket, package.key, package.body)
    ground.execute(names.base, CHANGE_SET)
    stack = settled(land, node, names.base)
    if status_of(stack) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        why = why_failed(ground.events(str(stack["StackId"]))) if stack else "it is gone"
        raise AwsError(
            f"deploying {node.name}: the stack {names.base} stands at {status_of(stack)}: {why}{_line_to_add(why)}"
        )


_DENIED = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


def _line_to_add(why: str) -> str:
    """CloudFormation acts with the caller's own rights."""
    action = _DENIED.search(why)
    return f'; way out: add "Action": "{action[1]}" to the policy of whoever deploys' if action else ""


def _ensure_bucket(land: Land, node: Node) -> None:
    bucket = land.names(node).bucket
    if not land.of(node).has_bucket(bucket):
        land.of(node).make_bucket(bucket)


def _standing(land: Land) -> str:
    return ", ".join(f"{node.name} stands at {_status(land, node)}" for node in land.nodes)


def _status(land: Land, node: Node) -> str:
    try:
        return status_of(land.of(node).stack(land.names(node).base))
    except AwsError:
        return "unknown (it cannot be read)"


def _true_up(land: Land, node: Node) -> None:
    """Not to wait for the schedule. What it cannot do now, the schedule does."""
    try:
        said = land.of(node).invoke(land.names(node).base, TRUE_UP)
    except AwsError as failed:
        said = str(failed)
    land.tell(f"{node.name}: true-up: {said or 'done'}")


def _tidy(land: Land, node: Node, package: Package) -> None:
    """Packages of before the last one go; the last one stays, for whoever wants it back."""
    bucket, ground = land.names(node).bucket, land.of(node)
    if not ground.has_bucket(bucket):
        return
    old = [key for key in ground.keys(bucket) if key.startswith("twinwall-") and key != package.key]
    ground.drop(bucket, old[:-1])
