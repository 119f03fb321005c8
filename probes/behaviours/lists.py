"""Customer-managed prefix lists, and AWS's own (aws-facts chapter 4)."""

from contextlib import suppress
from typing import Any

from probes.registry import probe
from probes.trial import ABROAD, NOBODY, Json, Trial, pairs, tags, tcp

CREATE = "B CreateManagedPrefixList"
MODIFY = "B ModifyManagedPrefixList"
GUIDE = "VPC work-with-cust-managed-prefix-lists"


def _made(t: Trial, **asked: Any) -> Json:
    whole = {"PrefixListName": t.name("pl"), "MaxEntries": 3, "AddressFamily": "IPv4", **asked}
    return dict(t.ec2.create_managed_prefix_list(**whole)["PrefixList"])


def _entries(t: Trial, list_id: str, **asked: Any) -> dict[str, str]:
    found = t.ec2.get_managed_prefix_list_entries(PrefixListId=list_id, **asked)["Entries"]
    return {entry["Cidr"]: entry.get("Description", "") for entry in found}


def _modified(t: Trial, list_id: str, **asked: Any) -> Json:
    """And its change complete."""
    answer = t.ec2.modify_managed_prefix_list(PrefixListId=list_id, **asked)["PrefixList"]
    t.eventually(
        lambda: not t.list_state(list_id)["State"].endswith("-in-progress"), "the change is complete"
    )
    return dict(answer)


def _add(*cidrs: str) -> list[Json]:
    return [{"Cidr": cidr} for cidr in cidrs]


# --- made


@probe("4", "a new list answers create-in-progress and is complete in a while", "B PrefixListState; CLI")
def list_created(t: Trial) -> None:
    made = _made(t, TagSpecifications=tags("prefix-list", team="a"))
    t.same((made["State"], made["Version"], made["OwnerId"]), ("create-in-progress", 1, t.account))
    t.same(pairs(made["Tags"]), {"team": "a"})
    list_id = made["PrefixListId"]
    t.eventually(lambda: t.list_state(list_id)["State"] == "create-complete", "the list is complete")


@probe("4", "a list's entries come back with their descriptions, in canonical spelling", "B PrefixListEntry")
def list_entries(t: Trial) -> None:
    entries = [{"Cidr": "10.0.0.7/8", "Description": "here"}, {"Cidr": "192.0.2.1/32"}]
    list_id = _made(t, Entries=entries)["PrefixListId"]
    t.same(_entries(t, list_id), {"10.0.0.0/8": "here", "192.0.2.1/32": ""})


@probe("4", "a list's name does not begin with com.amazonaws", CREATE)
def list_name_of_aws(t: Trial) -> None:
    t.refused("InvalidParameterValue", _made, t, PrefixListName="com.amazonaws.x")


@probe("4", "a list's name has up to 255 characters", CREATE)
def list_name_length(t: Trial) -> None:
    _made(t, PrefixListName="n" * 255)
    t.refused("InvalidParameterValue", _made, t, PrefixListName="n" * 256)


@probe("4", "a list's family is IPv4 or IPv6", CREATE)
def list_family(t: Trial) -> None:
    t.refused("InvalidParameterValue", _made, t, AddressFamily="IPv5")


@probe("4", "a list holds blocks of its family alone", "VPC managed-prefix-lists")
def list_of_one_family(t: Trial) -> None:
    t.refused("InvalidParameterValue", _made, t, Entries=_add("2001:db8::/32"))
    list_id = t.prefix_list(family="IPv6")
    call = t.ec2.modify_managed_prefix_list
    t.refused(
        "InvalidParameterValue", call, PrefixListId=list_id, CurrentVersion=1, AddEntries=_add("10.0.0.0/8")
    )


@probe("4", "name, size and family must be given", CREATE)
def list_fields(t: Trial) -> None:
    whole = {"PrefixListName": "n", "MaxEntries": 1, "AddressFamily": "IPv4"}
    for name in whole:
        rest = {key: value for key, value in whole.items() if key != name}
        t.refused("MissingParameter", t.ec2.create_managed_prefix_list, **rest)


@probe("4", "a list is made with at most 100 entries", CREATE)
def list_made_with_many(t: Trial) -> None:
    many = _add(*(f"10.0.{n}.0/24" for n in range(101)))
    _made(t, MaxEntries=200, Entries=many[:100])
    t.refused("InvalidParameterValue", _made, t, MaxEntries=200, Entries=many)


@probe("4", "a list has at most 1,000 entries", "VPC amazon-vpc-limits")
def list_size(t: Trial) -> None:
    _made(t, MaxEntries=1000)
    try:
        _made(t, MaxEntries=1001)
    except t.ec2.exceptions.ClientError as refused:
        t.true(refused.response["Error"]["Code"] != "InternalError", str(refused))
        return
    t.true(False, "1,001 were accepted")


@probe("4", "a list of more entries than MaxEntries is refused: PrefixListMaxEntriesExceeded", "TF errors.go")
def list_too_small(t: Trial) -> None:
    entries = _add("10.0.0.0/8", "10.1.0.0/16")
    t.refused("PrefixListMaxEntriesExceeded", _made, t, MaxEntries=1, Entries=entries)


@probe("4", "a block twice is refused", CREATE)
def list_twice(t: Trial) -> None:
    t.refused("InvalidParameterValue", _made, t, Entries=_add("10.0.0.0/8", "10.9.9.9/8"))


@probe("4", "a client token makes one list, however often it is sent", "EC2DG ec2-api-idempotency")
def list_token(t: Trial) -> None:
    asked = {"PrefixListName": t.name(), "ClientToken": t.name("token")}
    t.same(_made(t, **asked)["PrefixListId"], _made(t, **asked)["PrefixListId"])


@probe(
    "4", "the same token with other parameters is IdempotentParameterMismatch", "EC2DG ec2-api-idempotency"
)
def list_token_mismatch(t: Trial) -> None:
    token = t.name("token")
    _made(t, ClientToken=token)
    t.refused("IdempotentParameterMismatch", _made, t, ClientToken=token)


# --- changed


@probe("4", "a change of entries makes a new version", GUIDE)
def list_version(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8")
    _modified(t, list_id, CurrentVersion=1, AddEntries=_add("192.0.2.0/24"), RemoveEntries=_add("10.0.0.0/8"))
    t.same((t.list_state(list_id)["Version"], _entries(t, list_id)), (2, {"192.0.2.0/24": ""}))


@probe(
    "4", "the answer to a change shows it in progress, and the old version", "CLI modify-managed-prefix-list"
)
def list_change_answer(t: Trial) -> None:
    list_id = t.prefix_list()
    answer = _modified(t, list_id, CurrentVersion=1, AddEntries=_add("10.0.0.0/8"))
    t.same((answer["State"], answer["Version"]), ("modify-in-progress", 1))
    t.same(t.list_state(list_id)["State"], "modify-complete")


@probe("4", "a change against another version is PrefixListVersionMismatch", f"{MODIFY}; TF errors.go")
def list_stale_version(t: Trial) -> None:
    list_id = t.prefix_list()
    _modified(t, list_id, CurrentVersion=1, AddEntries=_add("10.0.0.0/8"))
    call = t.ec2.modify_managed_prefix_list
    asked = {"PrefixListId": list_id, "AddEntries": _add("192.0.2.0/24")}
    t.refused("PrefixListVersionMismatch", call, CurrentVersion=1, **asked)


@probe("4", "a change of entries names the version", "from memory (aws-facts 4)")
def list_version_needed(t: Trial) -> None:
    call, list_id = t.ec2.modify_managed_prefix_list, t.prefix_list()
    t.refused("MissingParameter", call, PrefixListId=list_id, AddEntries=_add("10.0.0.0/8"))


@probe("4", "a call adds at most 100 entries", MODIFY)
def list_change_of_many(t: Trial) -> None:
    list_id = t.prefix_list(size=300)
    many = _add(*(f"10.0.{n}.0/24" for n in range(101)))
    call = t.ec2.modify_managed_prefix_list
    t.refused("InvalidParameterValue", call, PrefixListId=list_id, CurrentVersion=1, AddEntries=many)


@probe("4", "adding beyond MaxEntries is refused: PrefixListMaxEntriesExceeded", "TF errors.go")
def list_full(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8", size=1)
    call = t.ec2.modify_managed_prefix_list
    asked = {"PrefixListId": list_id, "CurrentVersion": 1}
    t.refused("PrefixListMaxEntriesExceeded", call, AddEntries=_add("192.0.2.0/24"), **asked)


@probe("4", "one block is not added and removed in one call", "TF vpc_managed_prefix_list")
def list_add_and_remove(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8")
    both = {"AddEntries": [{"Cidr": "10.0.0.0/8", "Description": "x"}], "RemoveEntries": _add("10.0.0.0/8")}
    call = t.ec2.modify_managed_prefix_list
    t.refused("InvalidParameterValue", call, PrefixListId=list_id, CurrentVersion=1, **both)


@probe("4", "entries and size do not change in one call", MODIFY)
def list_size_and_entries(t: Trial) -> None:
    call, list_id = t.ec2.modify_managed_prefix_list, t.prefix_list()
    asked = {"PrefixListId": list_id, "CurrentVersion": 1, "MaxEntries": 9, "AddEntries": _add("10.0.0.0/8")}
    t.refused("InvalidParameterCombination", call, **asked)


@probe("4", "a new name or size makes no new version", GUIDE)
def list_without_version(t: Trial) -> None:
    list_id, name = t.prefix_list("10.0.0.0/8"), t.name()
    _modified(t, list_id, PrefixListName=name)
    _modified(t, list_id, MaxEntries=9)
    found = t.list_state(list_id)
    t.same((found["PrefixListName"], found["MaxEntries"], found["Version"]), (name, 9, 1))


@probe("4", "a list does not shrink below its entries", MODIFY)
def list_shrinks(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8", "192.0.2.0/24", size=5)
    _modified(t, list_id, MaxEntries=2)
    with suppress(t.ec2.exceptions.ClientError):
        t.ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=1)
    t.eventually(lambda: not t.list_state(list_id)["State"].endswith("-in-progress"), "it has ended")
    t.same(t.list_state(list_id)["MaxEntries"], 2)


@probe("4", "growing fails where a group that names the list has no room; the state says so", MODIFY)
def list_grows_too_far(t: Trial) -> None:
    group, list_id = t.group(), t.prefix_list(size=5)
    t.allow(group, tcp(22, list_id))
    _modified(t, list_id, MaxEntries=61)
    found = t.list_state(list_id)
    t.same((found["State"], found["MaxEntries"]), ("modify-failed", 5))
    t.true(group in found.get("StateMessage", ""), "the message does not name the group")


@probe("4", "an old version is restored as a new one", "B RestoreManagedPrefixListVersion")
def list_restored(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8")
    _modified(t, list_id, CurrentVersion=1, AddEntries=_add("192.0.2.0/24"))
    answer = t.ec2.restore_managed_prefix_list_version(
        PrefixListId=list_id, PreviousVersion=1, CurrentVersion=2
    )
    t.same(answer["PrefixList"]["State"], "restore-in-progress")
    t.eventually(lambda: t.list_state(list_id)["State"] == "restore-complete", "it is restored")
    t.same((t.list_state(list_id)["Version"], _entries(t, list_id)), (3, {"10.0.0.0/8": ""}))


@probe("4", "the entries of an old version can be read", "B GetManagedPrefixListEntries.TargetVersion")
def list_old_entries(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8")
    _modified(t, list_id, CurrentVersion=1, RemoveEntries=_add("10.0.0.0/8"))
    t.same((_entries(t, list_id, TargetVersion=1), _entries(t, list_id)), ({"10.0.0.0/8": ""}, {}))


@probe("4", "a rule's list is the newest version at once", GUIDE)
def list_in_a_rule(t: Trial) -> None:
    group, list_id = t.group(), t.prefix_list("10.0.0.0/8")
    t.allow(group, tcp(22, list_id))
    _modified(t, list_id, CurrentVersion=1, AddEntries=_add("192.0.2.0/24"))
    (rule,) = t.rules(group, egress=False)
    t.same((rule["PrefixListId"], len(_entries(t, list_id))), (list_id, 2))


# --- read


@probe(
    "4", "entries come in pages, MaxResults from 1 to 100", "B GetManagedPrefixListEntries; BR paginators-1"
)
def list_entries_in_pages(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24")
    pages = t.pages("get_managed_prefix_list_entries", "Entries", 2, PrefixListId=list_id)
    t.same([len(page) for page in pages], [2, 1])
    call = t.ec2.get_managed_prefix_list_entries
    t.refused("InvalidParameterValue", call, PrefixListId=list_id, MaxResults=101)


@probe("4", "lists come in pages, MaxResults from 1 to 100", "B DescribeManagedPrefixLists; BR paginators-1")
def lists_in_pages(t: Trial) -> None:
    ids = [t.prefix_list() for _ in range(3)]
    pages = t.pages("describe_managed_prefix_lists", "PrefixLists", 2, PrefixListIds=ids)
    t.same([len(page) for page in pages], [2, 1])
    t.refused("InvalidParameterValue", t.ec2.describe_managed_prefix_lists, MaxResults=101)


@probe("4", "lists are found by id, name and owner", "B DescribeManagedPrefixLists")
def list_filters(t: Trial) -> None:
    list_id = t.prefix_list()
    name = t.list_state(list_id)["PrefixListName"]
    filters = [{"Name": "prefix-list-name", "Values": [name]}, {"Name": "owner-id", "Values": [t.account]}]
    found = t.ec2.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    t.same([each["PrefixListId"] for each in found], [list_id])


@probe("4", "what names a list is told, MaxResults from 5 to 255", "B GetManagedPrefixListAssociations")
def list_associations(t: Trial) -> None:
    group, list_id = t.group(), t.prefix_list()
    t.allow(group, tcp(22, list_id))
    call = t.ec2.get_managed_prefix_list_associations
    (found,) = call(PrefixListId=list_id)["PrefixListAssociations"]
    t.same((found["ResourceId"], found["ResourceOwner"]), (group, t.account))
    for size in (4, 256):
        t.refused("InvalidParameterValue", call, PrefixListId=list_id, MaxResults=size)


@probe("4", "an unknown list is InvalidPrefixListID.NotFound", "ERR")
def unknown_list(t: Trial) -> None:
    call = t.ec2.get_managed_prefix_list_entries
    t.refused("InvalidPrefixListID.NotFound", call, PrefixListId=f"pl-{NOBODY}")


@probe("4", "a list is of one Region alone", "VPC managed-prefix-lists")
def list_of_one_region(t: Trial) -> None:
    list_id, abroad = t.prefix_list(), t.client("ec2", ABROAD)
    t.refused("InvalidPrefixListID.NotFound", abroad.get_managed_prefix_list_entries, PrefixListId=list_id)


@probe(
    "4", "AWS's own lists are there, owned by AWS, named com.amazonaws.REGION.s3", "VPC managed-prefix-lists"
)
def lists_of_aws(t: Trial) -> None:
    for region in ("eu-west-1", ABROAD):
        filters = [{"Name": "owner-id", "Values": ["AWS"]}]
        found = t.client("ec2", region).describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        names = {each["PrefixListName"] for each in found}
        t.true(f"com.amazonaws.{region}.s3" in names, f"{region}: {sorted(names)}")


@probe("4", "AWS's own lists cannot be changed", "VPC managed-prefix-lists")
def lists_of_aws_stay(t: Trial) -> None:
    filters = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-west-1.s3"]}]
    found = t.ec2.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    (list_id,) = [each["PrefixListId"] for each in found]
    for call, asked in (
        (t.ec2.modify_managed_prefix_list, {"PrefixListName": "mine"}),
        (t.ec2.delete_managed_prefix_list, {}),
    ):
        try:
            call(PrefixListId=list_id, **asked)
        except t.ec2.exceptions.ClientError as refused:
            t.true(refused.response["Error"]["Code"] != "InternalError", str(refused))
        else:
            t.true(False, "accepted")


# --- deleted


@probe("4", "a list is deleted", "B DeleteManagedPrefixList")
def list_deleted(t: Trial) -> None:
    list_id = t.prefix_list("10.0.0.0/8")
    t.same(
        t.ec2.delete_managed_prefix_list(PrefixListId=list_id)["PrefixList"]["State"], "delete-in-progress"
    )

    def gone() -> bool:
        found = t.ec2.describe_managed_prefix_lists()["PrefixLists"]
        return list_id not in [each["PrefixListId"] for each in found]

    t.eventually(gone, "the list is gone")


@probe("4", "a list that a rule names cannot be deleted", "B DeleteManagedPrefixList")
def list_in_use(t: Trial) -> None:
    group, list_id = t.group(), t.prefix_list()
    t.allow(group, tcp(22, list_id))
    try:
        t.ec2.delete_managed_prefix_list(PrefixListId=list_id)
    except t.ec2.exceptions.ClientError as refused:
        t.true(refused.response["Error"]["Code"] != "InternalError", str(refused))
    else:
        t.true(False, "accepted")
    t.same(t.list_state(list_id)["PrefixListId"], list_id)


@probe("1.1", "DryRun changes nothing and answers DryRunOperation: lists", "B DryRun")
def dry_run_of_lists(t: Trial) -> None:
    t.refused("DryRunOperation", _made, t, PrefixListName="dry", DryRun=True)
    list_id = t.prefix_list("10.0.0.0/8")
    call = t.ec2.modify_managed_prefix_list
    t.refused("DryRunOperation", call, PrefixListId=list_id, PrefixListName="dry", DryRun=True)
    t.refused("DryRunOperation", t.ec2.delete_managed_prefix_list, PrefixListId=list_id, DryRun=True)
    names = {each["PrefixListName"] for each in t.ec2.describe_managed_prefix_lists()["PrefixLists"]}
    t.true("dry" not in names, "a dry run made or renamed a list")
