"""moto beside the rulebook: what it knows of the network is read here, and what the rulebook accepts is
told to it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.ec2.models import EC2Backend, ec2_backends, validate_resource_ids
from moto.s3.models import s3_backends

from twinwall.emulator.moto_sync import (
    Seen,
    facts_of,
    has_ipv6,
    show_acl,
    show_group,
    sync_acls,
    sync_groups,
    sync_subnets,
    sync_vpcs,
)
from twinwall.emulator.network import Peering, VpcFacts
from twinwall.emulator.refusal import Refusal, not_found
from twinwall.emulator.rulebook.list_reads import aws_lists
from twinwall.emulator.state import Call, Drop, Effect, Put, Retag, World
from twinwall.model.firewall import NetworkAcl, SecurityGroup
from twinwall.model.rules import Tags


def backend(account: str, region: str) -> EC2Backend:
    return ec2_backends[account][region]


def forget(accounts: Collection[str]) -> None:
    """Takes these accounts out of moto, in every service."""
    instances: Any = BackendDict
    for services in instances._instances:  # noqa: SLF001 - moto offers only a reset of everything
        for account in accounts:
            services.pop(account, None)
    owners = s3_backends.bucket_accounts  # bucket names are the world's: moto keeps their owners apart
    for bucket in [name for name, (_, account) in owners.items() if account in accounts]:
        del owners[bucket]


class MotoNetwork:
    """``Network`` on moto."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Seen] = {}

    def vpc(self, account: str, region: str, vpc_id: str) -> VpcFacts | None:
        found = backend(account, region).vpcs.get(vpc_id)
        return facts_of(found) if found else None

    def default_vpc(self, account: str, region: str) -> VpcFacts | None:
        found = backend(account, region).get_default_vpc()
        return facts_of(found) if found else None

    def subnet_vpc(self, account: str, region: str, subnet_id: str) -> str | None:
        for zone in backend(account, region).subnets.values():
            if subnet_id in zone:
                return zone[subnet_id].vpc_id
        return None

    def interfaces_with(self, account: str, region: str, group_id: str) -> list[tuple[str, str]]:
        return [
            (eni.id, eni.vpc_id)
            for regions in list(ec2_backends.values())
            for held in [dict.get(regions, region)]
            if held is not None
            for eni in list(held.enis.values())
            if _is_alive(eni)
            and any(group.id == group_id and group.owner_id == account for group in eni.group_set)
        ]

    def peerings(self, account: str, region: str) -> list[Peering]:
        return [
            Peering(
                pcx.id,
                pcx.status["Code"],
                (
                    (pcx.vpc.owner_id, pcx.vpc.region, pcx.vpc.id),
                    (pcx.peer_vpc.owner_id, pcx.peer_vpc.region, pcx.peer_vpc.id),
                ),
            )
            for pcx in list(backend(account, region).vpc_pcxs.values())
        ]

    def tags(self, account: str, region: str) -> Mapping[str, Mapping[str, str]]:
        return backend(account, region).tags

    def check_exists(self, account: str, region: str, resource_id: str) -> None:
        source = backend(account, region)
        prefix = resource_id.partition("-")[0]
        held: Mapping[str, Mapping[str, Any]] = {
            "vpc": source.vpcs,
            "eni": source.enis,
            "pcx": source.vpc_pcxs,
        }
        known = held.get(prefix)
        if known is not None and resource_id not in known:
            not_found(prefix, resource_id)
        try:
            validate_resource_ids([resource_id])
            source.do_resources_exist([resource_id])
        except ServiceException as absent:
            raise Refusal(absent.code, absent.message) from None

    def retag(self, account: str, region: str, resource_id: str, tags: Tags) -> None:
        backend(account, region).tags[resource_id] = dict(tags)

    # --- kept in step

    def sync(self, world: World, account: str, region: str) -> None:
        """Takes over what has come and lets go what has left since the last call."""
        held = world.at(account, region)
        source = backend(account, region)
        seen = self.sync_lists(world, account, region)
        if seen.vpcs.keys() != source.vpcs.keys() or any(
            seen.vpcs[id_] != has_ipv6(vpc) for id_, vpc in source.vpcs.items()
        ):
            sync_vpcs(world, held, source, seen)
        sync_groups(world, held, source)
        sync_acls(held, source)
        subnets = {id_: subnet.vpc_id for zone in source.subnets.values() for id_, subnet in zone.items()}
        if subnets != seen.subnets:
            sync_subnets(world, held, subnets)
            seen.subnets = subnets

    def sync_lists(self, world: World, account: str, region: str) -> Seen:
        """Every Region has AWS's own lists from the first look on."""
        seen = self._seen.get((account, region))
        if seen is None:
            seen = self._seen[account, region] = Seen()
            offered = aws_lists(region, cloudfront=world.switches.cloudfront_lists)
            world.at(account, region).lists.update((state.key, state) for state in offered)
        return seen

    def mirror(self, call: Call, effects: Iterable[Effect]) -> None:
        """Tells moto of groups and ACLs that have come or gone."""
        source = backend(call.account, call.region)
        for effect in effects:
            match effect:
                case Put(SecurityGroup() as group):
                    show_group(source, group)
                case Drop(SecurityGroup(group_id=group_id, vpc_id=vpc_id)):
                    source.groups[vpc_id].pop(group_id, None)
                case Put(NetworkAcl() as acl):
                    show_acl(source, acl)
                case Drop(NetworkAcl(network_acl_id=acl_id)):
                    source.network_acls.pop(acl_id, None)
                case Retag(resource_id, tags):
                    self.retag(call.account, call.region, resource_id, tags)
                case _:  # of lists and associations moto need not know
                    pass


def _is_alive(eni: Any) -> bool:
    return eni.instance is None or eni.instance.state != "terminated"
