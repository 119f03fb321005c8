"""EC2's actions that this house answers itself; every other one is moto's."""

from collections.abc import Callable, Mapping

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.rulebook import acl_reads, acls, groups, list_reads, lists, rules, sharing, show, tags
from twinwall.emulator.state import Answer, Call, Params
from twinwall.model.rules import Direction

IN, OUT = Direction.INGRESS, Direction.EGRESS

ACTIONS: Mapping[str, Callable[[Call], Answer]] = {
    "CreateSecurityGroup": groups.create,
    "DeleteSecurityGroup": groups.delete,
    "DescribeSecurityGroups": groups.describe,
    "DescribeSecurityGroupRules": show.describe_rules,
    "AuthorizeSecurityGroupIngress": lambda call: rules.authorize(call, IN),
    "AuthorizeSecurityGroupEgress": lambda call: rules.authorize(call, OUT),
    "RevokeSecurityGroupIngress": lambda call: rules.revoke(call, IN),
    "RevokeSecurityGroupEgress": lambda call: rules.revoke(call, OUT),
    "ModifySecurityGroupRules": rules.modify,
    "UpdateSecurityGroupRuleDescriptionsIngress": lambda call: rules.update_descriptions(call, IN),
    "UpdateSecurityGroupRuleDescriptionsEgress": lambda call: rules.update_descriptions(call, OUT),
    "DescribeStaleSecurityGroups": show.describe_stale,
    "DescribeSecurityGroupReferences": show.describe_references,
    "AssociateSecurityGroupVpc": sharing.associate,
    "DisassociateSecurityGroupVpc": sharing.disassociate,
    "DescribeSecurityGroupVpcAssociations": sharing.describe,
    "GetSecurityGroupsForVpc": sharing.for_vpc,
    "CreateNetworkAcl": acls.create,
    "DeleteNetworkAcl": acls.delete,
    "DescribeNetworkAcls": acl_reads.describe,
    "CreateNetworkAclEntry": acls.create_entry,
    "ReplaceNetworkAclEntry": acls.replace_entry,
    "DeleteNetworkAclEntry": acls.delete_entry,
    "ReplaceNetworkAclAssociation": acls.replace_association,
    "CreateManagedPrefixList": lists.create,
    "ModifyManagedPrefixList": lists.modify,
    "RestoreManagedPrefixListVersion": lists.restore,
    "DeleteManagedPrefixList": lists.delete,
    "DescribeManagedPrefixLists": list_reads.describe,
    "DescribePrefixLists": list_reads.describe_services,
    "GetManagedPrefixListEntries": list_reads.entries,
    "GetManagedPrefixListAssociations": list_reads.associations,
    "CreateTags": tags.create,
    "DeleteTags": tags.delete,
    "DescribeTags": tags.describe,
}


def check_dry_run(params: Params) -> None:
    """A caller who may do it gets this "error", and nothing is done (API: DryRun)."""
    if params.get("DryRun"):
        raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
