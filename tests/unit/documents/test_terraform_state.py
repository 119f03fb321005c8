"""A Terraform state says which things it keeps, in either of its two shapes; anything else is one clear line."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinwall.documents.terraform_state import load_all
from twinwall.errors import DocumentError

Json = dict[str, Any]


def resource(type_: str, name: str, *instances: Json, mode: str = "managed", **more: Any) -> Json:
    made = [{"schema_version": 1, "attributes": attributes} for attributes in instances]
    return {"mode": mode, "type": type_, "name": name, "provider": "aws", "instances": made, **more}


STATE: Json = {
    "version": 4,
    "terraform_version": "1.11.4",
    "serial": 3,
    "lineage": "x",
    "outputs": {},
    "resources": [
        resource("aws_vpc_security_group_ingress_rule", "a", {"id": "sgr-1", "security_group_id": "sg-web"}),
        resource("aws_security_group", "web", {"id": "sg-web", "name": "web"}, module="module.shop"),
        resource("aws_security_group_rule", "b", {"id": "sgrule-1", "security_group_id": "sg-ruled"}),
        resource("aws_security_group", "looked_up", {"id": "sg-data"}, mode="data"),
        resource("aws_network_acl", "edge", {"id": "acl-1", "subnet_ids": ["subnet-1", "subnet-2"]}),
        resource("aws_network_acl_association", "c", {"id": "aclassoc-1", "subnet_id": "subnet-3"}),
        resource("aws_ec2_managed_prefix_list", "office", {"id": "pl-1"}),
        resource("aws_ec2_managed_prefix_list_entry", "d", {"prefix_list_id": "pl-2", "cidr": "10.0.0.0/8"}),
        resource("aws_instance", "box", {"id": "i-1", "vpc_security_group_ids": ["sg-box"]}),
    ],
}
STATE["resources"][1]["instances"][0]["index_key"] = "blue"
OWNED = {
    "acl-1": "aws_network_acl.edge",
    "pl-1": "aws_ec2_managed_prefix_list.office",
    "pl-2": "aws_ec2_managed_prefix_list_entry.d",
    "sg-ruled": "aws_security_group_rule.b",
    "sg-web": 'module.shop.aws_security_group.web["blue"]',
    "subnet-1": "aws_network_acl.edge",
    "subnet-2": "aws_network_acl.edge",
    "subnet-3": "aws_network_acl_association.c",
}


def shown() -> Json:
    """The same as ``terraform show -json`` says it: a tree of modules."""
    flat = [
        {"address": (f"{one['module']}." if "module" in one else "") + f"{one['type']}.{one['name']}", **one}
        for one in STATE["resources"]
    ]
    flat[1]["address"] += '["blue"]'
    told = [{**one, "values": one["instances"][0]["attributes"]} for one in flat]
    child = {"address": "module.shop", "resources": [one for one in told if "module" in one]}
    root = {"resources": [one for one in told if "module" not in one], "child_modules": [child]}
    return {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": root}}


def save(folder: Path, document: Any) -> str:
    path = folder / "terraform.tfstate"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def test_a_state_file_and_what_show_prints_say_the_same(tmp_path: Path) -> None:
    for document in (STATE, shown(), {"format_version": "1.2", "prior_state": shown()}):
        assert dict(load_all([save(tmp_path, document)])) == OWNED


def test_an_empty_state_keeps_nothing(tmp_path: Path) -> None:
    assert load_all([save(tmp_path, {"format_version": "1.0"})]) == ()
    assert load_all([save(tmp_path, {**STATE, "resources": []})]) == ()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "is empty"),
        ('{"version": 4, "resou', "is cut short or not JSON"),
        ("[]", "holds a list where an object"),
        (
            {"SecurityGroups": []},
            "is no Terraform state: give a state file, or what `terraform show -json` prints",
        ),
        ({"version": 3, "modules": []}, "is of version 3; version 4 is read"),
        ({"version": 4}, "is not as Terraform writes it: it has no key 'resources'"),
        ({"version": 4, "resources": None}, "is not as Terraform writes it"),
        (
            {
                "format_version": "1.0",
                "values": {
                    "root_module": {
                        "resources": [
                            {
                                "mode": "managed",
                                "type": "aws_security_group",
                                "address": None,
                                "values": {"id": "sg-1"},
                            }
                        ]
                    }
                },
            },
            "is not as Terraform writes it: the address of a resource is None",
        ),
        ({"version": 4, "resources": ["x"]}, "is not as Terraform writes it"),
        ({"version": 4, "resources": [{"mode": "managed", "type": "x", "name": "y"}]}, "no key 'instances'"),
        ({"version": 4, "resources": [resource("aws_security_group", "x", None)]}, "is not as Terraform"),  # type: ignore[arg-type]
        ({"format_version": "1.0", "values": {"outputs": {}}}, "no key 'root_module'"),
        ({"format_version": "1.0", "values": {"root_module": {"resources": 3}}}, "is not as Terraform"),
        ({"format_version": "1.0", "values": 7}, "is not as Terraform"),
        ({"encrypted_data": "…", "meta": {}}, "is encrypted; give what `tofu show -json` prints"),
    ],
)
def test_what_is_no_state_is_one_clear_line(tmp_path: Path, document: Any, words: str) -> None:
    path = save(tmp_path, document)
    with pytest.raises(DocumentError) as caught:
        load_all([path])
    assert words in str(caught.value)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"the Terraform state .* cannot be read: No such file"):
        load_all([str(tmp_path / "none.tfstate")])
