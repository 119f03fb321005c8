"""The first tool's command line (contract, chapter 5): its flags, the same engine.

--sg_migration    --sg_id ID | --sg_tag KEY=VALUE        groups only
--nacl_migration  --srcnacl_id ID                        one ACL only
                  --srcnacl_id_association [ID]          and the target's corresponding subnets get it
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from twinwall.cli.failures import told
from twinwall.cli.invocation import Invocation
from twinwall.cli.migrate import carry_over
from twinwall.cli.replicas import Ends, world_of
from twinwall.cli.sides import refuse_same
from twinwall.cli.world import Doors, Way, World
from twinwall.cli.writes import How
from twinwall.documents.settings import parse_settings
from twinwall.engine.sides import LiveSide
from twinwall.errors import AmbiguousName, ConfigError, NotFound
from twinwall.replica.settings import Settings

Arguments = argparse.Namespace

_DESCRIPTION = """\
Copies security groups, or a network ACL, from one VPC into another, across accounts and Regions, and proves the copy.
Everything it can do, and more, is in: twinwall migrate --help"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    tool = _Parser("sg_nacl_migration.py", description=_DESCRIPTION, allow_abbrev=False)
    what = tool.add_mutually_exclusive_group(required=True)
    what.add_argument("--sg_migration", action="store_true", help="copy security groups")
    what.add_argument("--nacl_migration", action="store_true", help="copy a network ACL")
    _add_places(tool)
    _add_things(tool)
    tool.add_argument(
        "--outside", choices=("fail", "follow", "skip", "keep"), help="as twinwall migrate takes it"
    )
    tool.add_argument("--yes", action="store_true", help="do not ask")
    tool.add_argument(
        "--debug", action="store_true", help="on an error show where in the program it happened"
    )
    return tool


def _add_places(tool: argparse.ArgumentParser) -> None:
    where = tool.add_argument_group("where (one profile alone serves both sides)")
    where.add_argument("--aws_src_profile", metavar="NAME", help="profile of the source")
    where.add_argument("--aws_dst_profile", metavar="NAME", help="profile of the target")
    where.add_argument("-sr", "--sr", dest="source_role", metavar="ARN", help="role to assume for the source")
    where.add_argument("-dr", "--dr", dest="target_role", metavar="ARN", help="role to assume for the target")
    where.add_argument("--region", metavar="REGION", help="Region of the source")
    where.add_argument("--dstregion", metavar="REGION", help="Region of the target; else the source's")
    where.add_argument(
        "--aws_src_vpc", metavar="VPC", help="VPC of the source; else that of the group or ACL"
    )
    where.add_argument("--aws_dst_vpc", metavar="VPC", required=True, help="VPC of the target")
    where.add_argument("--endpoint-url", metavar="URL", help="endpoint of AWS for both sides")


def _add_things(tool: argparse.ArgumentParser) -> None:
    groups = tool.add_argument_group("with --sg_migration").add_mutually_exclusive_group()
    groups.add_argument("--sg_id", metavar="ID", help="this group")
    groups.add_argument("--sg_tag", metavar="KEY=VALUE", help="every group with this tag")
    acls = tool.add_argument_group("with --nacl_migration")
    acls.add_argument("--srcnacl_id", metavar="ID", help="this ACL")
    acls.add_argument(
        "--srcnacl_id_association",
        metavar="ID",
        nargs="?",
        const="",
        help="give the target's corresponding subnets the copy, as the source's have this ACL (or the ACL of this "
        "association); nothing said: the ACL given",
    )


def run(arguments: Sequence[str], world: World | None = None) -> int:
    """One run; its exit code."""
    invocation = Invocation(world=world)
    try:
        said = parser().parse_args([_dashed(argument) for argument in arguments])
        invocation.debug = said.debug
        _check(said)
        return carry_over(_ends(said, invocation), How(yes=said.yes), invocation)
    except SystemExit as ended:  # argparse, after --help
        return ended.code if isinstance(ended.code, int) else 0
    except BaseException as failure:  # noqa: BLE001 - the last place that can turn it into one line
        return told(failure, invocation)


def _dashed(argument: str) -> str:
    """The published text prints an en dash (or one before a hyphen) where two hyphens are meant."""
    stripped = argument.lstrip("-–—")
    lead = argument[: len(argument) - len(stripped)]
    return f"--{stripped}" if "–" in lead or "—" in lead else argument


def _check(said: Arguments) -> None:
    if said.sg_migration:
        if not (said.sg_id or said.sg_tag):
            raise ConfigError("--sg_migration: which groups? Say --sg_id ID or --sg_tag KEY=VALUE")
        if said.sg_id and not said.sg_id.startswith("sg-"):
            raise ConfigError(
                f"--sg_id {said.sg_id}: not the id of a security group; give one, as sg-0123456789abcdef0"
            )
        if said.srcnacl_id or said.srcnacl_id_association is not None:
            raise ConfigError(
                "--sg_migration: --srcnacl_id and --srcnacl_id_association go with --nacl_migration"
            )
    else:
        if not (said.srcnacl_id or said.srcnacl_id_association):
            raise ConfigError("--nacl_migration: which ACL? Say --srcnacl_id ID")
        if said.sg_id or said.sg_tag:
            raise ConfigError("--nacl_migration: --sg_id and --sg_tag go with --sg_migration")


def _ends(said: Arguments, invocation: Invocation) -> Ends:
    world = world_of(invocation)
    here, there = world.connect(_ways(said), world.clock)
    vpc_id, settings = _groups(said, here) if said.sg_migration else _acl(said, here)
    source = LiveSide(vpc_id, vpc_id, here.reader, here.account, here.writer, here.pace)
    target = LiveSide(
        said.aws_dst_vpc, said.aws_dst_vpc, there.reader, there.account, there.writer, there.pace
    )
    refuse_same(source, target)
    return Ends(source, (target,), settings)


def _ways(said: Arguments) -> tuple[Way, Way]:
    """One profile alone serves both sides, and so does one Region."""
    source = Way(
        "source",
        said.aws_src_profile or said.aws_dst_profile,
        said.region,
        said.source_role,
        endpoint_url=said.endpoint_url,
    )
    target = Way(
        "target",
        said.aws_dst_profile or said.aws_src_profile,
        said.dstregion or said.region,
        said.target_role,
        endpoint_url=said.endpoint_url,
    )
    return source, target


def _groups(said: Arguments, here: Doors) -> tuple[str, Settings]:
    """(the VPC they are in, which groups)."""
    outside = {"outside": said.outside, "only": "groups"}
    if said.sg_id:
        found = here.locate(said.sg_id)
        return _agreed(said, found.vpc_id, said.sg_id), parse_settings({"group": [said.sg_id], **outside})
    settings = parse_settings({"tag": [said.sg_tag], **outside})
    ((key, value),) = settings.selection.tags
    groups = here.reader.find_groups(key, value)["SecurityGroups"]
    return _one_vpc(said, {str(group["VpcId"]) for group in groups}), settings


def _one_vpc(said: Arguments, vpcs: set[str]) -> str:
    wanted = said.aws_src_vpc
    if not vpcs or (wanted and wanted not in vpcs):
        raise NotFound(
            f"--sg_tag {said.sg_tag}: no security group {f'of {wanted} ' if wanted else ''}has this tag in the "
            "source's Region; check the tag, the profile and the Region"
        )
    if wanted is None and len(vpcs) > 1:
        raise AmbiguousName(
            f"--sg_tag {said.sg_tag}: groups with this tag lie in {len(vpcs)} VPCs, {', '.join(sorted(vpcs))}; "
            "name one with --aws_src_vpc"
        )
    return str(wanted or min(vpcs))


def _acl(said: Arguments, here: Doors) -> tuple[str, Settings]:
    """(the VPC it is in, which ACL, and whether subnets get it)."""
    associating = said.srcnacl_id_association is not None
    given = said.srcnacl_id or said.srcnacl_id_association
    found = here.locate(given)
    if said.srcnacl_id and said.srcnacl_id_association not in (None, "", said.srcnacl_id):
        other = here.locate(said.srcnacl_id_association)
        if other.id != found.id:
            raise ConfigError(
                f"--srcnacl_id_association {said.srcnacl_id_association} belongs to {other.id}, --srcnacl_id says "
                f"{found.id}; name one of them"
            )
    associate = ["auto"] if associating else ["none"]
    options = {"nacl": [found.id], "only": "nacls", "associate": associate, "outside": said.outside}
    return _agreed(said, found.vpc_id, given), parse_settings(options)


def _agreed(said: Arguments, vpc_id: str, thing: str) -> str:
    if said.aws_src_vpc not in (None, vpc_id):
        raise ConfigError(f"--aws_src_vpc {said.aws_src_vpc}: {thing} is in {vpc_id}; name that VPC, or none")
    return vpc_id


def main() -> None:
    sys.exit(run(sys.argv[1:]))
