"""What ``explain`` answers: values, and their JSON.

{"verdict": "passes"|"partly"|"refused"|"unknown", "passes", "flow", "from", "to", "client_ports",
 "ways": [{"from", "to", "ip_version", "verdict", "replies", "steps": [STEP]}],
 "changes": [{"action", "resource", "rule", "message"}], "unknown": [TEXT], "notes": [TEXT]}
STEP  {"leg": "request"|"reply", "at": "groups"|"acl", "direction", "of": "from"|"to", "resources",
       "verdict", "decided_by": [{"admitted": true|false|null, "rule", "resource", "for": [BLOCK]}], "why"}
"""

from dataclasses import dataclass
from typing import Any

from twinwall.model.firewall import Resource
from twinwall.model.net import PORT_PROTOCOLS, Family
from twinwall.model.rules import Direction
from twinwall.planning.asking import Ask
from twinwall.planning.ends import Party
from twinwall.planning.flows import Flow, flow_document
from twinwall.planning.remedies import Remedy
from twinwall.planning.steps import Part, Step, Verdict, addresses_of
from twinwall.planning.ways import Way


@dataclass(frozen=True)
class Answer:
    """``unknown``: what would have to be known for a verdict, where it is unknown."""

    ask: Ask
    peer: Party
    target: Party
    verdict: Verdict
    ways: tuple[Way, ...]
    remedies: tuple[Remedy, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        return self.verdict == "passes"


def explain_document(answer: Answer) -> dict[str, Any]:
    flow = Flow(Direction.INGRESS, answer.ask.request, answer.peer.text, None)
    told = {key: value for key, value in flow_document(flow).items() if key != "subnet"}
    with_ports = answer.ask.request.protocol in PORT_PROTOCOLS
    return {
        "verdict": answer.verdict,
        "passes": answer.passes,
        "flow": told | {"target": answer.target.text},
        "from": _party_document(answer.peer),
        "to": _party_document(answer.target),
        "client_ports": list(answer.ask.client_ports) if with_ports else None,
        "ways": [_way_document(way) for way in answer.ways],
        "changes": [_remedy_document(remedy) for remedy in answer.remedies],
        "unknown": list(answer.unknown),
        "notes": list(answer.notes),
    }


def _party_document(party: Party) -> dict[str, Any]:
    return {"asked": party.asked, "kind": party.kind, "text": party.text}


def _way_document(way: Way) -> dict[str, Any]:
    return {
        "from": way.peer.label,
        "to": way.target.label,
        "ip_version": way.family,
        "verdict": way.verdict,
        "replies": way.replies,
        "steps": [_step_document(way, step) for step in way.steps],
    }


def _step_document(way: Way, step: Step) -> dict[str, Any]:
    return {
        "leg": step.leg,
        "at": step.at,
        "direction": step.direction.value,
        "of": "from" if step.place is way.peer else "to",
        "resources": [_resource_document(resource) for resource in step.resources],
        "verdict": step.verdict,
        "decided_by": [_part_document(part, way.family) for part in step.parts],
        "why": step.why or None,
    }


def _part_document(part: Part, family: Family) -> dict[str, Any]:
    return {
        "admitted": part.admitted,
        "rule": part.rule,
        "resource": _resource_document(part.resource) if part.resource else None,
        "for": [str(block) for block in addresses_of(part.packets, family)],
    }


def _remedy_document(remedy: Remedy) -> dict[str, Any]:
    return {
        "action": remedy.action,
        "resource": _resource_document(remedy.resource),
        "rule": str(remedy.rule) if remedy.rule else None,
        "message": remedy.message,
    }


def _resource_document(resource: Resource) -> dict[str, Any]:
    return {"type": resource.type, "id": resource.id, "name": resource.name}
