"""Plan ↔ plan file: JSON with the contract's keys first, then what ``apply`` needs besides.

The same plan gives the same bytes: nothing here reads a clock, and every collection has its order from the
plan. ``checksum`` covers everything else in the file, as canonical JSON, so that a file may be laid out anew
but not edited. Things that the plan will create stand as ``{"ref": NAME}``.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from twinwall.documents.files import (
    Ours,
    anything,
    check_writable,
    holding,
    json_text,
    make_folder,
    read_object,
    write_private,
)
from twinwall.errors import ConfigError, DocumentError
from twinwall.model.firewall import Endpoint, Resource, new_id
from twinwall.model.wire import (
    acl_document,
    group_document,
    parse_acl,
    parse_group,
    parse_prefix_list,
    prefix_list_document,
)
from twinwall.planning.desired import Desired, DesiredAssociation
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.flows import flow_document, flow_from_document
from twinwall.planning.order import Barrier, Route, Step
from twinwall.planning.plan import PLAN_VERSION, Plan, Summary, Touched
from twinwall.planning.recorded import change_document, change_from_document, hidden, shown, shown_id

Document = dict[str, Any]


def plan_document(plan: Plan) -> Document:
    """The plan as JSON values, with its checksum."""
    document = {**_told(plan), **_needed(plan)}
    return {**document, "checksum": _checksum(document)}


def save(plan: Plan, path: Path, ours: Ours = anything) -> None:
    write_private(path, json_text(plan_document(plan)), "the plan", ours)


_is_plan = holding("version", "changes", "checksum", opening=r'\A\s*\{\s*"version":\s*\d+,\s*"source":')


def save_all(plans: Sequence[Plan], folder: Path) -> list[Path]:
    """One file for each target, named after it: nobody chose that name, so what is no plan keeps it."""
    make_folder(folder, "the folder for the plans")
    paths = [folder / f"{file_stem(plan.target.label)}.json" for plan in plans]
    if len(set(paths)) != len(paths):
        raise ConfigError(
            f"two targets would share a plan file in {folder}; give their locations other names"
        )
    for path in paths:
        check_writable(path, "the plan", _is_plan)
    for plan, path in zip(plans, paths, strict=True):
        save(plan, path, _is_plan)
    return paths


def file_stem(label: str) -> str:
    """A label as a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", label).lstrip(".") or "plan"


def load(path: Path) -> Plan:
    """Raises ``DocumentError`` for a file that is cut short, of another version, or edited."""
    document = read_object(path, "the plan")
    _check_version(document, path)
    if document.get("checksum") != _checksum(
        {key: value for key, value in document.items() if key != "checksum"}
    ):
        raise DocumentError(
            f"the plan {path} was edited or cut after it was made; make it again with twinwall plan"
        )
    return parse_plan(document, path)


def load_all(paths: Iterable[Path]) -> list[Plan]:
    """Files, and folders of ``*.json``."""
    plans = [
        load(file) for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])
    ]
    if not plans:
        raise DocumentError(
            "no plan was found: the folder holds no *.json file; make one with twinwall plan -o"
        )
    return plans


def parse_plan(document: Document, path: Path) -> Plan:
    try:
        return _plan(document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ConfigError) as wrong:
        why = f"no key {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise DocumentError(f"the plan {path} is not what a plan should be: {why}; make it again") from None


def _check_version(document: Document, path: Path) -> None:
    version = document.get("version")
    if version is None or "changes" not in document:
        raise DocumentError(
            f"{path} is not a plan: it has no version and changes; make one with twinwall plan -o"
        )
    if version != PLAN_VERSION:
        raise DocumentError(
            f"the plan {path} is of version {version!r}, this twinwall reads version {PLAN_VERSION}; make it again"
        )


def _checksum(document: Document) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- out


def _told(plan: Plan) -> Document:
    """What the contract names."""
    return {
        "version": PLAN_VERSION,
        "source": asdict(plan.source),
        "target": asdict(plan.target),
        "changes": [change_document(change) for change in plan.changes],
        "order": _order(plan.route),
        "api_calls": plan.api_calls,
        "summary": asdict(plan.summary),
        "opens": [flow_document(flow) for flow in plan.opens],
        "closes": [flow_document(flow) for flow in plan.closes],
        "than_before": plan.than_before,
        "than_source": plan.than_source,
        "may_cut_live": [flow_document(flow) for flow in plan.may_cut_live],
        "lingers": [flow_document(flow) for flow in plan.lingers],
        "briefly_open": [flow_document(flow) for flow in plan.briefly_open],
        "findings": [finding_document(finding) for finding in plan.findings],
        "estimated_seconds": plan.estimated_seconds,
    }


def _order(route: Route) -> list[Document]:
    """Each step by the position of its call in ``changes``; an item without ``call`` is a barrier."""
    calls = count()
    return [
        {"call": next(calls), "after": list(step.after)}
        if isinstance(step, Step)
        else {"after": list(step.after)}
        for step in route
    ]


def _needed(plan: Plan) -> Document:
    """What ``apply`` stands on besides."""
    return {
        "reads": dict(sorted(plan.reads.items())),
        **({"quotas": dict(sorted(plan.quotas.items()))} if plan.quotas else {}),
        "not_compared": [not_compared_document(item) for item in plan.not_compared],
        "digest": plan.digest,
        "parts": dict(plan.parts),
        "touched": {key: list(ids) for key, ids in asdict(plan.touched).items()},
        "desired": _desired_document(plan.desired),
    }


def resource_document(resource: Resource) -> Document:
    return {"type": resource.type, "id": shown_id(resource.id), "name": resource.name}


def finding_document(finding: Finding) -> Document:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "resource": resource_document(finding.resource),
        "rule": finding.rule or None,
        "message": finding.message,
        "way_out": finding.way_out,
    }


def not_compared_document(item: NotCompared) -> Document:
    return {"resource": resource_document(item.resource), "rule": item.rule or None, "why": item.why}


def _desired_document(desired: Desired) -> Document:
    return {
        "SecurityGroups": [shown(group_document(group)) for group in desired.groups],
        "NetworkAcls": [shown(acl_document(acl)) for acl in desired.acls],
        "PrefixLists": [shown(prefix_list_document(item)) for item in desired.lists],
        "associations": [
            {
                "subnet": resource_document(association.subnet),
                "NetworkAclId": shown_id(association.network_acl_id),
                "source_subnet": resource_document(association.source_subnet),
            }
            for association in desired.associations
        ],
        "delete_groups": list(desired.delete_groups),
        "delete_acls": list(desired.delete_acls),
        "delete_lists": list(desired.delete_lists),
        "findings": [finding_document(finding) for finding in desired.findings],
        "not_compared": [not_compared_document(item) for item in desired.not_compared],
        "sources": [
            {"id": shown_id(id_), "source": resource_document(source)}
            for id_, source in desired.sources.items()
        ],
        "adopted": sorted(desired.adopted),
    }


# --- in


def _plan(document: Document) -> Plan:
    return Plan(
        source=Endpoint(**document["source"]),
        target=Endpoint(**document["target"]),
        route=_route(document),
        desired=_desired(document["desired"]),
        summary=Summary(**document["summary"]),
        digest=document["digest"],
        parts=dict(document["parts"]),
        touched=Touched(**{key: tuple(ids) for key, ids in document["touched"].items()}),
        findings=tuple(map(_finding, document["findings"])),
        not_compared=tuple(map(_not_compared, document["not_compared"])),
        reads=dict(document["reads"]),
        quotas=dict(document.get("quotas", {})),
        estimated_seconds=document["estimated_seconds"],
        opens=tuple(map(flow_from_document, document["opens"])),
        closes=tuple(map(flow_from_document, document["closes"])),
        may_cut_live=tuple(map(flow_from_document, document["may_cut_live"])),
        lingers=tuple(map(flow_from_document, document["lingers"])),
        briefly_open=tuple(map(flow_from_document, document["briefly_open"])),
        than_before=document["than_before"],
        than_source=document["than_source"],
    )


def _route(document: Document) -> Route:
    changes = [change_from_document(item) for item in document["changes"]]
    return tuple(
        Step(changes[item["call"]], tuple(item["after"])) if "call" in item else Barrier(tuple(item["after"]))
        for item in document["order"]
    )


def _id(value: Any, type_: Any) -> str:
    return new_id(type_, value["ref"]) if isinstance(value, Mapping) else str(value)


def _resource(raw: Document) -> Resource:
    return Resource(raw["type"], _id(raw["id"], raw["type"]), raw["name"])


def _finding(raw: Document) -> Finding:
    return Finding(
        id=raw["id"],
        severity=raw["severity"],
        resource=_resource(raw["resource"]),
        message=raw["message"],
        way_out=raw["way_out"],
        rule=raw["rule"] or "",
    )


def _not_compared(raw: Document) -> NotCompared:
    return NotCompared(_resource(raw["resource"]), raw["why"], raw["rule"] or "")


def _desired(raw: Document) -> Desired:
    return Desired(
        groups=tuple(parse_group(hidden(item)) for item in raw["SecurityGroups"]),
        acls=tuple(parse_acl(hidden(item)) for item in raw["NetworkAcls"]),
        lists=tuple(parse_prefix_list(hidden(item)) for item in raw["PrefixLists"]),
        associations=tuple(map(_association, raw["associations"])),
        delete_groups=tuple(raw["delete_groups"]),
        delete_acls=tuple(raw["delete_acls"]),
        delete_lists=tuple(raw["delete_lists"]),
        findings=tuple(map(_finding, raw["findings"])),
        not_compared=tuple(map(_not_compared, raw["not_compared"])),
        sources={
            _id(item["id"], item["source"]["type"]): _resource(item["source"]) for item in raw["sources"]
        },
        adopted=frozenset(raw["adopted"]),
    )


def _association(raw: Document) -> DesiredAssociation:
    return DesiredAssociation(
        subnet=_resource(raw["subnet"]),
        network_acl_id=_id(raw["NetworkAclId"], "network-acl"),
        source_subnet=_resource(raw["source_subnet"]),
    )
