"""A firewall as a bash script of AWS CLI calls.

Each call says the very request of EC2's API (``--cli-input-json``), made as a plan makes it. That keeps every
name and description a plain value: the CLI would read ``file://…`` as a file and ``-x`` as an option. What
exists only once the script runs stands in shell variables, what the reader has to name in the environment.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from twinwall.documents.export.blueprint import Blueprint, thing_name
from twinwall.documents.export.naming import Unique, snake
from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup, new_id, ref_name
from twinwall.model.rules import Direction
from twinwall.planning import changes as c
from twinwall.planning.diff import LIST_BATCH
from twinwall.planning.requests import Request, request_of

HEAD = """\
#!/usr/bin/env bash
# {title}
# It makes everything anew and is meant to run once. Credentials, Region and endpoint are the AWS CLI's own:
# AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL.
set -euo pipefail
export AWS_PAGER=

ec2() {{ aws ec2 "$@" --output text; }}
"""

NO_EGRESS = """\
# EC2 lets everything out of a new group, over IPv6 too where the VPC has it.
revoke_egress() {
  local rules
  rules=$(ec2 describe-security-group-rules --filters "Name=group-id,Values=$1" \\
    --query 'SecurityGroupRules[?IsEgress].SecurityGroupRuleId')
  # shellcheck disable=SC2086 # several ids are several words
  if [[ -n $rules ]]; then
    ec2 revoke-security-group-egress --group-id "$1" --security-group-rule-ids $rules >/dev/null
  fi
}
"""

LIST_READY = """\
# A list is made and changed in the background; its version, once it is done.
list_version() {
  local state version
  while true; do
    read -r state version < <(ec2 describe-managed-prefix-lists --prefix-list-ids "$1" \\
      --query 'PrefixLists[0].[State,Version]') || return 1
    case $state in
      *-complete) echo "$version"; return ;;
      *-failed) echo "prefix list $1: $state" >&2; return 1 ;;
      *) sleep 1 ;;
    esac
  done
}
"""

ASSOCIATE = """\
# A subnet always has an ACL; giving it another one replaces its association.
associate() {
  local association
  association=$(ec2 describe-network-acls --filters "Name=association.subnet-id,Values=$1" \\
    --query "NetworkAcls[].Associations[?SubnetId=='$1'].NetworkAclAssociationId | []")
  ec2 replace-network-acl-association --association-id "$association" --network-acl-id "$2" >/dev/null
}
"""

DEFAULT_GROUP = """\
{name}=$(ec2 describe-security-groups --filters "Name=vpc-id,Values=$VPC_ID" Name=group-name,Values=default \\
  --query 'SecurityGroups[0].GroupId')
"""

AWS_LIST = """\
{name}=$(ec2 describe-managed-prefix-lists --filters {filter} \\
  --query 'PrefixLists[0].PrefixListId')
"""

REGION = """\
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}
"""


def script_text(made: Blueprint, title: str) -> str:
    return "\n".join(_Writer(made).sections(" ".join(title.split())))


class _Writer:
    """``ids``: a thing's id → the shell variable that holds it."""

    def __init__(self, made: Blueprint) -> None:
        self.made = made
        self.variables = Unique(snake, "id_")
        self.ids: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.wanted: dict[str, str] = {}
        self._wish("VPC_ID", f"the VPC that gets the firewall; it was {made.at}")
        for reserved in ("region", "path", "home", "ifs", "aws_pager"):
            self.variables.name(reserved)
        for prefix, things in (("sg", made.groups), ("acl", made.acls), ("pl", made.lists)):
            for thing in things:
                self._name(thing.resource, prefix)
        for item in made.aws_lists:
            self._name(item.resource, "pl")
        for one in made.outside:
            self.ids[one.resource.id] = self._wish(f"{thing_name(one.resource)} id", one.words)
            if one.owner:
                words = f"the account of {one.resource}; it was {one.owner}"
                self.owners[one.resource.id] = self._wish(f"{thing_name(one.resource)} owner", words)
        self.default = self.variables.name("sg default")
        self.ids |= dict.fromkeys(made.default_ids, self.default)

    def _name(self, thing: Resource, prefix: str) -> None:
        self.ids[thing.id] = self.variables.name(f"{prefix} {thing_name(thing)}", f"{prefix} {thing.id}")

    def _wish(self, name: str, words: str) -> str:
        """A variable of the environment, in capitals."""
        variable = self.variables.name(name).upper()
        self.wanted[variable] = words
        return variable

    def sections(self, title: str) -> Iterator[str]:
        made = self.made
        subnets = {
            s: self._wish(f"{thing_name(s)} subnet id", f"subnet; it was {s}") for s, _ in made.associations
        }
        yield HEAD.format(title=title)
        yield "".join(f': "${{{name}:?{_asked(words)}}}"\n' for name, words in self.wanted.items())
        yield from self._helpers()
        yield from map(self._list, made.lists)
        yield from self._looked_up()
        yield from map(self._group, made.groups)
        for group in made.groups:
            yield from self._rules(group)
        yield from map(self._acl, made.acls)
        if made.associations:
            yield "".join(
                f'associate "${subnets[subnet]}" "${self.ids[acl.network_acl_id]}"\n'
                for subnet, acl in made.associations
            )

    def _helpers(self) -> Iterator[str]:
        if self.made.groups:
            yield NO_EGRESS
        if self.made.lists:
            yield LIST_READY
        if self.made.associations:
            yield ASSOCIATE

    def _looked_up(self) -> Iterator[str]:
        if self.made.needs_default_group:
            yield DEFAULT_GROUP.format(name=self.default)
        region = self.made.at.region
        if any(region and region in item.name for item in self.made.aws_lists):
            yield REGION
        for item in self.made.aws_lists:
            named = shlex.quote(f"Name=prefix-list-name,Values={item.name}")
            if region in item.name and region:
                named = named.replace(region, "'\"$region\"'" if named.startswith("'") else '"$region"')
            yield AWS_LIST.format(name=self.ids[item.prefix_list_id], filter=named)

    # --- calls

    def _list(self, item: PrefixList) -> str:
        variable, entries = self.ids[item.prefix_list_id], item.entries or ()
        resource = replace(item.resource, id=new_id("prefix-list", variable))
        create = c.CreateManagedPrefixList(
            resource=resource,
            name=item.name,
            family=item.family,
            max_entries=item.max_entries or max(len(entries), 1),
            entries=entries[:LIST_BATCH],
            tags=item.tags,
        )
        lines = [self._made(variable, create, "PrefixList.PrefixListId")]
        lines.append(f'version=$(list_version "${variable}")\n')
        for start in range(LIST_BATCH, len(entries), LIST_BATCH):
            more = c.ModifyManagedPrefixList(resource=resource, add=entries[start : start + LIST_BATCH])
            lines.append(self._call(more, '--current-version "$version"'))
            lines.append(f'version=$(list_version "${variable}")\n')
        return "".join(lines)

    def _group(self, group: SecurityGroup) -> str:
        variable = self.ids[group.group_id]
        create = c.CreateSecurityGroup(
            resource=group.resource,
            group_name=group.group_name,
            description=group.description,
            vpc_id=new_id("vpc", "VPC_ID"),
            tags=group.tags,
        )
        lines = [self._made(variable, create, "GroupId")]
        lines.append(f'aws ec2 wait security-group-exists --group-ids "${variable}"\n')
        lines.append(f'revoke_egress "${variable}"\n')
        return "".join(lines)

    def _rules(self, group: SecurityGroup) -> Iterator[str]:
        for way in Direction:
            if rules := group.rules_of(way):
                yield self._call(c.AuthorizeRules(resource=group.resource, direction=way, rules=rules))

    def _acl(self, acl: NetworkAcl) -> str:
        vpc = new_id("vpc", "VPC_ID")
        create = c.CreateNetworkAcl(resource=acl.resource, vpc_id=vpc, tags=acl.tags)
        variable = self.ids[acl.network_acl_id]
        lines = [self._made(variable, create, "NetworkAcl.NetworkAclId")]
        lines += [self._call(c.CreateNetworkAclEntry(resource=acl.resource, entry=e)) for e in acl.entries]
        return "".join(lines)

    def _made(self, variable: str, change: c.Change, query: str) -> str:
        return f"{variable}=$({self._words(change)} \\\n  --query {query})\n"

    def _call(self, change: c.Change, more: str = "") -> str:
        return f"{self._words(change)}{f' {more}' if more else ''} >/dev/null\n"

    def _words(self, change: c.Change) -> str:
        operation = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", change.action).lower()
        return f"ec2 {operation} --cli-input-json {self._request(request_of(change))}"

    def _request(self, request: Request) -> str:
        """JSON as one word of the shell. A variable is ``{"$": NAME}`` first, a shape that no text within JSON
        can have (its quotes are escaped there), then a string between NULs, of which JSON has none."""
        text = json.dumps(self._with_variables(request))
        parts = _VARIABLE.sub('"\0\\1\0"', text).split("\0")
        words = [f'"${part}"' if index % 2 else shlex.quote(part) for index, part in enumerate(parts)]
        return "".join(words)

    def _with_variables(self, value: Any, key: str = "") -> Any:
        match value:
            case str() if key == "VpcId":
                return {"$": "VPC_ID"}
            case str() if key in ("GroupId", "NetworkAclId", "PrefixListId"):
                return {"$": ref_name(value) if value not in self.ids else self.ids[value]}
            case Mapping():
                return {**self._fields(value), **self._owner(value)}
            case list():
                return [self._with_variables(item, key) for item in value]
            case _:
                return value

    def _fields(self, value: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: item for name, item in value.items() if name != "UserId"}
        return {name: self._with_variables(item, name) for name, item in fields.items()}

    def _owner(self, value: Mapping[str, Any]) -> dict[str, Any]:
        owner = self.owners.get(str(value.get("GroupId", "")))
        return {"UserId": {"$": owner}} if owner and "UserId" in value else {}


_VARIABLE = re.compile(r'\{"\$": "(\w+)"\}')


def _asked(words: str) -> str:
    """What the shell says of a variable that is not set; it stands between quotes and braces."""
    return re.sub(r"[^A-Za-z0-9 ._:/()#,@+=;-]", "-", words)
