"""Somebody else who writes to the VPC that a run is at work in."""

import contextlib
import itertools
import random
from typing import Any

import watched
from undertakings import OWNER, REGION, Ran, Scene

from twinwall.emulator.refusal import Refusal
from twinwall.model.ownership import LOCK_GROUP_NAME
from twinwall.model.rules import Direction, SecurityGroupRule
from twinwall.planning.desired import Desired
from twinwall.planning.semantics import GroupRules


def add_rule(scene: Scene, group: str, port: int) -> str:
    """Somebody else's hand. Returns the rule's id."""
    found = next(g for g in scene.everything()["groups"].values() if g.group_name == group)
    permission = {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": "198.18.0.0/15"}],
    }
    params = {"GroupId": found.group_id, "IpPermissions": [permission]}
    answer = scene.aws.request(OWNER, REGION, "AuthorizeSecurityGroupIngress", params)
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def rules_of(scene: Scene) -> set[str]:
    return {rule.rule_id for group in scene.everything()["groups"].values() for rule in group.rules}


class Hand:
    """Somebody else who writes to the same VPC while a run is at it, every now and then. ``rules``: id → the group's
    name, ``entries``: the ACL and number; each with the moment."""

    def __init__(self, scene: Scene, ran: Ran, seed: int) -> None:
        self.scene, self.ran = scene, ran
        self.random = random.Random(seed)
        self.rules: dict[str, tuple[str, float]] = {}
        self.entries: dict[tuple[str, int], float] = {}

    def work(self) -> None:
        for number in itertools.count():
            self.scene.sim.sleep(self.random.expovariate(1.0))
            if self.ran.ended or number > 200:
                return
            if self.ran.planned is not None:
                with contextlib.suppress(Refusal):  # what it meant to write to was deleted a moment ago
                    self.once(number)

    def once(self, number: int) -> None:
        state = self.scene.everything()
        groups = sorted(name for name in state["groups"] if name not in ("default", LOCK_GROUP_NAME))
        acls = sorted(id_ for id_, acl in state["acls"].items() if not acl.is_default)
        if groups and (not acls or self.random.random() < 0.7):
            name = self.random.choice(groups)
            made = add_rule(self.scene, name, 10_000 + number)
            self.rules[made] = name, self.scene.aws.wrote_at
        elif acls:
            acl, at = self.random.choice(acls), 900 + number
            params = {
                "NetworkAclId": acl,
                "RuleNumber": at,
                "Egress": False,
                "Protocol": "6",
                "RuleAction": "allow",
            }
            params |= {"CidrBlock": "198.18.0.0/15", "PortRange": {"From": 1, "To": 2}}
            self.scene.aws.request(OWNER, REGION, "CreateNetworkAclEntry", params)
            self.entries[acl, at] = self.scene.aws.wrote_at

    def lost(self) -> list[Any]:
        """What is not there any more of what it wrote, things apart that the run was told to delete."""
        state = self.scene.everything()
        rules, acls = rules_of(self.scene), state["acls"]
        gone: list[Any] = [
            (rule, name)
            for rule, (name, _) in self.rules.items()
            if rule not in rules and name in state["groups"]
        ]
        held = {(id_, entry.rule_number) for id_, acl in acls.items() for entry in acl.entries}
        return gone + [entry for entry in self.entries if entry not in held and entry[0] in acls]

    def silent(self, ran: Ran) -> list[str]:
        """Groups that the run wrote to, in which it wrote before they were last read, and of which nobody tells."""
        state, read = self.scene.everything()["groups"], self.scene.aws.read_at
        touched = {change.resource.name for change in ran.planned.plan.changes}
        findings = (*ran.planned.plan.findings, *ran.applied.findings, *ran.meanwhile)
        told = {one.resource.name for one in findings if one.id == "changed-meanwhile"}
        there = [name for name, at in self.rules.values() if name in state and at < read]
        return [name for name in there if name in touched - told]

    def to_be_told(self, desired: Desired) -> list[str]:
        """Groups of the plan's in which it let more packets through before they were last read."""
        state, before = self.scene.everything(), self.scene.aws.read_at
        spoken = {group.group_name for group in desired.groups} & state["groups"].keys()
        return [
            name
            for name, at in self.rules.values()
            if name in spoken and at < before and _lets_more_through(state["groups"][name].rules)
        ]


def _lets_more_through(rules: tuple[SecurityGroupRule, ...]) -> bool:
    ingress = tuple(rule for rule in rules if rule.direction is Direction.INGRESS)
    ours = tuple(rule for rule in ingress if not watched.foreign(rule.peer))
    return GroupRules(ingress).packets != GroupRules(ours).packets
