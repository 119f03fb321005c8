"""The group's instances in moto's EC2: launched from its template, started, stopped, terminated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance as MotoInstance

from twinwall.emulator.moto_sync import agree_on_instances
from twinwall.emulator.moto_view import backend
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.scaling.state import Group, Holdings

NAME_TAG = "aws:autoscaling:groupName"
DEFAULT_TYPE = "m1.small"


@dataclass(frozen=True)
class Blueprint:
    """What a launch template (in one version) or launch configuration asks for."""

    template: dict[str, str] | None
    configuration: str | None
    image_id: str
    instance_type: str
    user_data: Any
    group_ids: tuple[str, ...]
    group_names: tuple[str, ...] = ()
    public: bool | None = None
    ipv6_addresses: int = 0
    key_name: str | None = None


class Fleet:
    """Every method is called with EC2's lock held."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def blueprint(self, held: Holdings, launch: Mapping[str, Any]) -> Blueprint:
        """Raises ``Refusal`` where the template or configuration does not exist."""
        if "LaunchConfigurationName" in launch:
            return _from_configuration(held, launch["LaunchConfigurationName"])
        mixed = launch.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        asked = launch.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}
        overrides = mixed.get("Overrides") or [{}]
        return _from_template(held, asked, overrides[0].get("InstanceType"))

    def launch(self, held: Holdings, group: Group, subnet_id: str | None, zone: str) -> MotoInstance:
        """Raises ``Refusal`` with EC2's words."""
        plan = self.blueprint(held, group.launch)
        source = backend(held.account, held.region)
        _check_groups(source, plan.group_ids)
        try:
            made = source.run_instances(
                plan.image_id,
                1,
                plan.user_data,
                list(plan.group_names),
                instance_type=plan.instance_type,
                is_instance_type_default=False,
                key_name=plan.key_name,
                region_name=held.region,
                placement=zone,
                subnet_id=subnet_id,
                nics=[_interface(plan)] if plan.group_ids or plan.public is not None else [],
                associate_public_ip=plan.public,
                ipv6_address_count=plan.ipv6_addresses or _ipv6_of(source, subnet_id),
                launch_template=_template_argument(plan),
                tags={"instance": _tags(group, source, plan)},
            ).instances[0]
        except ServiceException as error:
            raise Refusal(error.code, error.message) from error
        agree_on_instances(source, "RunInstances")
        self._own_address(made)
        return made

    def start(self, held: Holdings, instance_id: str) -> None:
        for instance, _ in backend(held.account, held.region).start_instances([instance_id]):
            self._own_address(instance)

    def stop(self, held: Holdings, instance_id: str) -> None:
        backend(held.account, held.region).stop_instances([instance_id])

    def terminate(self, held: Holdings, instance_id: str) -> None:
        if self.state(held, instance_id) != "terminated":
            source = backend(held.account, held.region)
            source.get_instance(instance_id).terminate()
            agree_on_instances(source, "TerminateInstances")

    def state(self, held: Holdings, instance_id: str) -> str:
        """EC2's state name; ``terminated`` for an instance that it does not know."""
        try:
            return backend(held.account, held.region).get_instance(instance_id).state
        except ServiceException:
            return "terminated"

    def find(self, held: Holdings, instance_id: str) -> MotoInstance | None:
        try:
            return backend(held.account, held.region).get_instance(instance_id)
        except ServiceException:
            return None

    def tag(self, held: Holdings, instance_id: str, group: Group | None) -> None:
        """The tag by which EC2 shows the group; taken away without one."""
        instance = backend(held.account, held.region).get_instance(instance_id)
        if group is None:
            backend(held.account, held.region).delete_tag_keys([instance_id], [NAME_TAG])
        else:
            instance.add_tags({NAME_TAG: group.name})

    def subnet_zone(self, held: Holdings, subnet_id: str) -> str | None:
        for zone, subnets in backend(held.account, held.region).subnets.items():
            if subnet_id in subnets:
                return str(zone)
        return None

    def default_subnet(self, held: Holdings, zone: str) -> str | None:
        """A group without subnets launches into the default VPC."""
        source = backend(held.account, held.region)
        vpc = source.get_default_vpc()
        found = [s.id for s in source.subnets.get(zone, {}).values() if vpc and s.vpc_id == vpc.id]
        return found[0] if found else None

    def _own_address(self, instance: MotoInstance) -> None:
        """moto draws public addresses from 65,000 and may draw one twice; a member's address is its own."""
        taken = {eni.public_ip for eni in _interfaces() if eni.instance is not instance}
        for eni in instance.nics.values():
            while eni.public_ip and eni.public_ip in taken:
                eni.public_ip = f"54.{self._random.randrange(208, 224)}.{self._octet()}.{self._octet()}"

    def _octet(self) -> int:
        return self._random.randrange(1, 255)


def _interfaces() -> Iterable[Any]:
    for regions in list(ec2_backends.values()):
        for held in list(dict.values(regions)):
            yield from list(held.enis.values())


def _from_configuration(held: Holdings, name: str) -> Blueprint:
    found = autoscaling_backends[held.account][held.region].launch_configurations.get(name)
    if found is None:
        raise Refusal(
            "ValidationError", f"Launch configuration name not found - Launch configuration {name} not found"
        )
    groups = [str(group) for group in found.security_groups or ()]
    public = found.associate_public_ip_address
    return Blueprint(
        None,
        name,
        found.image_id,
        found.instance_type or DEFAULT_TYPE,
        found.user_data,
        tuple(group for group in groups if group.startswith("sg-")),
        tuple(group for group in groups if not group.startswith("sg-")),
        public or None,
        key_name=found.key_name,
    )


def _from_template(held: Holdings, asked: Mapping[str, Any], instance_type: str | None) -> Blueprint:
    source = backend(held.account, held.region)
    try:
        if asked.get("LaunchTemplateId"):
            template = source.get_launch_template(asked["LaunchTemplateId"])
        else:
            template = source.get_launch_template_by_name(asked.get("LaunchTemplateName", ""))
        version = template.get_version(asked.get("Version") or "$Default")
    except (ServiceException, ValueError) as error:
        named = asked.get("LaunchTemplateId") or asked.get("LaunchTemplateName")
        raise Refusal(
            "ValidationError",
            "You must use a valid fully-formed launch template. "
            f"The specified launch template, {named}, version {asked.get('Version') or '$Default'}, does not exist.",
        ) from error
    data = version.data
    primary: dict[str, Any] = next(
        (nic for nic in data.get("NetworkInterfaces") or () if not nic.get("DeviceIndex")), {}
    )
    return Blueprint(
        {
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "Version": str(version.number),
        },
        None,
        version.image_id,
        instance_type or version.instance_type or DEFAULT_TYPE,
        version.user_data,
        tuple(primary.get("Groups") or data.get("SecurityGroupIds") or ()),
        tuple(data.get("SecurityGroups") or ()),
        primary.get("AssociatePublicIpAddress"),
        int(primary.get("Ipv6AddressCount") or 0),
        data.get("KeyName"),
    )


def _check_groups(source: Any, group_ids: Iterable[str]) -> None:
    """moto would make up a group that an interface names."""
    for group_id in group_ids:
        if source.get_security_group_from_id(group_id) is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")


def _interface(plan: Blueprint) -> dict[str, Any]:
    asked = {} if plan.public is None else {"AssociatePublicIpAddress": plan.public}
    return {"DeviceIndex": 0, "Groups": list(plan.group_ids), "DeleteOnTermination": True, **asked}


def _ipv6_of(source: Any, subnet_id: str | None) -> int:
    if not subnet_id:
        return 0
    return int(str(source.get_subnet(subnet_id).assign_ipv6_address_on_creation).lower() == "true")


def _template_argument(plan: Blueprint) -> dict[str, str]:
    if plan.template is None:
        return {}
    return {"LaunchTemplateId": plan.template["LaunchTemplateId"], "Version": plan.template["Version"]}


def _tags(group: Group, source: Any, plan: Blueprint) -> dict[str, str]:
    tags = {NAME_TAG: group.name}
    tags.update({key: tag["Value"] for key, tag in group.tags.items() if tag["PropagateAtLaunch"]})
    if plan.template is not None:
        version = source.get_launch_template(plan.template["LaunchTemplateId"]).get_version(
            plan.template["Version"]
        )
        tags = {**version.instance_tags, **tags}
    return tags
