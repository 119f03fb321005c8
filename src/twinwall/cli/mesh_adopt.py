"""``twinwall mesh adopt``: a running installation of the published solution becomes a mesh; nothing is cut."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from twinwall.cli import options as o
from twinwall.cli import output
from twinwall.cli.asking import confirm
from twinwall.cli.invocation import Invocation
from twinwall.cli.mesh_around import around, ignore, mesh_option, open_doors
from twinwall.cli.mesh_ways import ways
from twinwall.cli.replicas import configuration_of
from twinwall.engine.mesh.adopt import carry_out, survey
from twinwall.mesh.adoption import Inheritance


@o.command("adopt")
@mesh_option
@ways
@click.option("--dry-run", is_flag=True, help="Only tell what would be marked.")
@o.yes
@o.general
@click.pass_obj
def adopt(invocation: Invocation, /, mesh: str | None, dry_run: bool, yes: bool, **options: Any) -> int:
    """Take over a running installation of the published solution: its groups and its members' rules are marked.

    The tables named in twinwall.toml are read as the published Lambda writes them. A rule is a member's if a row lists
    its address and the mesh has its port; every other rule stays what it is, and is told. Nothing is added or revoked,
    no row is written. Safe to run again.
    """
    configured = configuration_of(invocation).mesh(mesh)
    it = around(configured, open_doors(configured, **options), "", ignore)
    found = survey(it)
    todo = sum(one.count + len(one.unclaimed) for one in found)
    if todo and not dry_run:
        rules = sum(one.count for one in found)
        confirm(f"marking {rules} rules in {len(found)} groups as the mesh {it.mesh.name}'s", yes=yes)
        carry_out(it, found)
    is_done = bool(todo) and not dry_run
    if invocation.json:
        output.document(_document(it.mesh.name, found, done=is_done))
    else:
        output.lines([*_told(found, done=is_done)] if todo else ["nothing to do"])
    return 0


def _document(mesh: str, found: Sequence[Inheritance], *, done: bool) -> dict[str, Any]:
    sites = [
        {
            "site": str(one.site.key),
            "group": one.site.group_id,
            "group_marked": bool(one.unclaimed),
            "marked": [
                {"rule": rule.rule_id, "text": str(rule), "of": str(owner.key)}
                for owner, rules in one.marks.items()
                for rule in rules
            ],
            "stays": [{"rule": rule.rule_id, "text": str(rule)} for rule in one.stays],
        }
        for one in found
    ]
    return {"mesh": mesh, "done": done, "sites": sites}


def _told(found: Sequence[Inheritance], *, done: bool) -> Iterator[str]:
    word = "marked" if done else "would be marked"
    for one in found:
        yield f"{one.site.key}  {one.site.group_id}: {one.count} rules {word}, {len(one.stays)} other hosts stay"
        for owner, rules in one.marks.items():
            yield from (f"  {word}, a member of {owner.key}: {rule}" for rule in rules)
        yield from (f"  stays as it is, no row lists it on a port of the mesh: {rule}" for rule in one.stays)
