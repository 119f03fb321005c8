"""A source firewall in the target's terms: what comes in is a ``Scene``, what goes out is ``Desired``.

It never writes and never guesses: what has no counterpart is refused, brought along, left out or kept, as
``--outside`` says, and whatever is left out stands in ``not_compared`` with a finding.
"""

from twinwall.errors import ConfigError
from twinwall.model.firewall import Resource
from twinwall.planning.desired import Desired
from twinwall.planning.findings import Finding
from twinwall.replica.acls import AclTranslator
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.groups import GroupTranslator
from twinwall.replica.lists import ListTranslator
from twinwall.replica.matching import Matcher
from twinwall.replica.notes import Notes
from twinwall.replica.references import ReferenceTranslator
from twinwall.replica.rules import RuleTranslator
from twinwall.replica.scene import Scene, name_key
from twinwall.replica.settings import CidrMap
from twinwall.replica.subnets import desired_associations
from twinwall.replica.terraform import check_terraform, tell_terraform
from twinwall.replica.unused import tell_unused


def translate(scene: Scene) -> Desired:
    """Raises ``TranslationError``'s, ``UnsafePlan``'s and ``ConfigError``'s children; all outside references
    under ``--outside fail`` are told in one error."""
    notes = Notes()
    mapper = CidrMapper.of(cidr_maps(scene))
    lists = ListTranslator(scene, mapper)
    matcher = Matcher(scene, scene.source.groups, scene.target.groups)
    acl_matcher = Matcher(scene, scene.source.acls or (), scene.target.acls or ())
    references = ReferenceTranslator(scene, mapper, lists, matcher)
    rules = RuleTranslator(scene, mapper, references, notes)
    groups = GroupTranslator(scene, matcher, references, rules, notes).translate()
    rules.fail_outside()
    acl_translator = AclTranslator(scene, mapper, acl_matcher, notes)
    acls = acl_translator.translate()
    copies = {source.id: id_ for id_, source in notes.sources.items()} | acl_translator.equal_defaults
    associations = desired_associations(scene, mapper, copies, notes)
    _tell_associated_groups(scene, notes)
    tell_unused(scene, notes)
    tell_terraform(scene, notes)
    kept = {group.group_id for group in groups} | {acl.network_acl_id for acl in acls}
    gone_groups = [group.group_id for group in matcher.copies_without_source()]
    gone_acls = [acl.network_acl_id for acl in acl_matcher.copies_without_source()]
    gone_lists = [item.prefix_list_id for item in lists.copies_without_source()]
    desired = Desired(
        groups=tuple(sorted(groups, key=lambda group: (name_key(group.group_name), group.group_id))),
        acls=tuple(sorted(acls, key=lambda acl: (acl.name, acl.network_acl_id))),
        lists=tuple(sorted(lists.desired.values(), key=lambda item: (item.name, item.prefix_list_id))),
        associations=associations,
        delete_groups=tuple(id_ for id_ in gone_groups if id_ not in kept),
        delete_acls=tuple(id_ for id_ in gone_acls if id_ not in kept),
        delete_lists=tuple(id_ for id_ in gone_lists if id_ not in lists.desired),
        findings=tuple(sorted((*notes.findings, *lists.findings), key=_finding_order)),
        not_compared=tuple(sorted(notes.not_compared)),
        sources=notes.sources | lists.sources,
        adopted=frozenset(notes.adopted),
        counterparts={id_: frozenset(sources) for id_, sources in references.counterparts.items()},
    )
    check_terraform(scene, desired)
    return desired


def cidr_maps(scene: Scene) -> tuple[CidrMap, ...]:
    """``--map-cidr``, and with ``--map-vpc-cidr`` the primary blocks of both VPCs. Raises ``ConfigError``."""
    maps = scene.settings.translation.map_cidr
    if not scene.settings.translation.map_vpc_cidr:
        return maps
    sides = (("source", scene.source_vpc), ("target", scene.target_vpc))
    for side, vpc in sides:
        if vpc is None or vpc.primary is None:
            raise ConfigError(
                f"--map-vpc-cidr: the {side} does not say its VPC's blocks; name them with --map-cidr"
            )
    source, target = (vpc.primary for _, vpc in sides if vpc and vpc.primary)
    return maps if source == target else (*maps, CidrMap(source, target))


def _tell_associated_groups(scene: Scene, notes: Notes) -> None:
    for side, group_id in scene.associated:
        notes.note(
            "associated-group",
            Resource("security-group", group_id),
            f"a group of another VPC is associated with the {side} VPC; it is not copied",
        )


_SEVERITIES = {"error": 0, "warning": 1, "note": 2}


def _finding_order(finding: Finding) -> tuple[object, ...]:
    return (_SEVERITIES[finding.severity], finding.resource, finding.id, finding.rule, finding.message)
