"""CloudFormation's own tags on EC2 resources: ``aws:cloudformation:…``, which nobody else can set."""

from dataclasses import replace
from typing import Any

from moto.ec2.models import ec2_backends

from twinwall.emulator.stacks.state import Held, Stack
from twinwall.emulator.state import World
from twinwall.model.firewall import make_tags


def mark(world: World, lock: Any, stack: Stack, held: Held) -> None:
    """``lock``: of the EC2 calls."""
    if not held.type.startswith("AWS::EC2::"):
        return
    own = {
        "aws:cloudformation:stack-name": stack.name,
        "aws:cloudformation:stack-id": stack.id,
        "aws:cloudformation:logical-id": held.name,
    }
    with lock:
        here, id_ = world.at(stack.account, stack.region), held.made.id
        if id_ in here.groups:
            group = here.groups[id_]
            here.groups[id_] = replace(group, tags=make_tags((*group.tags, *own.items())))
        elif id_ in here.acls:
            acl = here.acls[id_]
            here.acls[id_] = replace(acl, tags=make_tags((*acl.tags, *own.items())))
        elif id_ in here.lists:
            state = here.lists[id_]
            tags = make_tags((*state.value.tags, *own.items()))
            here.lists[id_] = replace(state, value=replace(state.value, tags=tags))
        elif held.type in _OF_MOTO:
            ec2_backends[stack.account][stack.region].create_tags([id_], own)


_OF_MOTO = frozenset(
    {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::InternetGateway"}
)
