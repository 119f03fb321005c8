"""EC2's dictionaries ↔ the model, pure, both ways.

In: answers of ``aws ec2 describe-*`` (boto3's spelling), live, from a file, or from another tool's dump.
Out: the same shapes, so that a snapshot file is what EC2 would have answered. What is wrong in the input is
a ``ConfigError`` that names the thing it stands in; an unknown key is nobody's business here.
"""

from twinwall.model.wire.acls import (
    acl_document,
    entry_fields,
    final_denies,
    parse_acl,
    parse_entry,
)
from twinwall.model.wire.groups import (
    group_document,
    parse_group,
    parse_pair,
    parse_permission,
    parse_rule,
    peer_fields,
    permissions,
    rule_of_request,
    rule_request,
    traffic_fields,
)
from twinwall.model.wire.lists import (
    list_entry_fields,
    parse_list_entry,
    parse_prefix_list,
    prefix_list_document,
)
from twinwall.model.wire.network import (
    parse_interface,
    parse_subnet,
    parse_vpc,
    vpc_document,
)
from twinwall.model.wire.sections import (
    check_raw_sections,
    parse_snapshot,
)
from twinwall.model.wire.tags import (
    number,
    parse_tags,
    tag_list,
)

__all__ = [
    "acl_document",
    "check_raw_sections",
    "entry_fields",
    "final_denies",
    "group_document",
    "list_entry_fields",
    "number",
    "parse_acl",
    "parse_entry",
    "parse_group",
    "parse_interface",
    "parse_list_entry",
    "parse_pair",
    "parse_permission",
    "parse_prefix_list",
    "parse_rule",
    "parse_snapshot",
    "parse_subnet",
    "parse_tags",
    "parse_vpc",
    "peer_fields",
    "permissions",
    "prefix_list_document",
    "rule_of_request",
    "rule_request",
    "tag_list",
    "traffic_fields",
    "vpc_document",
]
