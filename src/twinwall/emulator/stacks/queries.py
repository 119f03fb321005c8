"""CloudFormation's operations that only look."""

from collections.abc import Callable, Mapping
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.stacks import showing
from twinwall.emulator.stacks.registry import Registry
from twinwall.emulator.visit import Visit

Params = Mapping[str, Any]
Output = dict[str, Any]


def _describe(registry: Registry, visit: Visit, given: Params) -> Output:
    if given.get("StackName"):
        return {"Stacks": [showing.stack(registry.get(visit, given["StackName"]))]}
    return {"Stacks": [showing.stack(stack) for stack in registry.here(visit) if not stack.deleted]}


def _list(registry: Registry, visit: Visit, given: Params) -> Output:
    wanted = given.get("StackStatusFilter")
    here = [stack for stack in registry.here(visit) if not wanted or stack.status in wanted]
    return {"StackSummaries": [showing.summary(stack) for stack in here]}


def _events(registry: Registry, visit: Visit, given: Params) -> Output:
    return {"StackEvents": list(registry.get(visit, given["StackName"]).events)}


def _resources(registry: Registry, visit: Visit, given: Params) -> Output:
    stack = registry.get(visit, given.get("StackName") or "")
    name = given.get("LogicalResourceId")
    held = [showing.resource(stack, item) for item in stack.resources.values() if name in (None, item.name)]
    return {"StackResources": held}


def _resource(registry: Registry, visit: Visit, given: Params) -> Output:
    stack = registry.get(visit, given["StackName"])
    held = stack.resources.get(given["LogicalResourceId"])
    if held is None:
        name = given["LogicalResourceId"]
        raise Refusal("ValidationError", f"Resource {name} does not exist for stack {stack.name}")
    return {"StackResourceDetail": showing.resource(stack, held)}


def _resource_list(registry: Registry, visit: Visit, given: Params) -> Output:
    return {"StackResourceSummaries": _resources(registry, visit, given)["StackResources"]}


def _template(registry: Registry, visit: Visit, given: Params) -> Output:
    if given.get("ChangeSetName"):
        return {"TemplateBody": registry.change_set(visit, given).wanted.text}
    return {"TemplateBody": registry.get(visit, given["StackName"]).wanted.text}


def _proposal(registry: Registry, visit: Visit, given: Params) -> Output:
    return showing.change_set(registry.change_set(visit, given))


def _proposals(registry: Registry, visit: Visit, given: Params) -> Output:
    held = registry.get(visit, given["StackName"]).change_sets.values()
    return {"Summaries": [showing.change_set_summary(item) for item in held]}


def _exports(registry: Registry, visit: Visit, _: Params) -> Output:
    found = [
        {"ExportingStackId": stack.id, "Name": name, "Value": value}
        for stack in registry.here(visit)
        for name, value in stack.exports.items()
    ]
    return {"Exports": found}


def _imports(registry: Registry, visit: Visit, given: Params) -> Output:
    name = given["ExportName"]
    found = [stack.name for stack in registry.here(visit) if name in stack.imports and not stack.deleted]
    if not found:
        raise Refusal("ValidationError", f"Export '{name}' is not imported by any stack.")
    return {"Imports": found}


QUERIES: Mapping[str, Callable[[Registry, Visit, Params], Output]] = {
    "DescribeStacks": _describe,
    "ListStacks": _list,
    "DescribeStackEvents": _events,
    "DescribeStackResources": _resources,
    "DescribeStackResource": _resource,
    "ListStackResources": _resource_list,
    "GetTemplate": _template,
    "DescribeChangeSet": _proposal,
    "ListChangeSets": _proposals,
    "ListExports": _exports,
    "ListImports": _imports,
}
