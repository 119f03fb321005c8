"""The zip that a function runs: the same bytes each time, what the handler imports and nothing else."""

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from twinwall.aws.models import OPERATIONS, PARTS, cut_models, loader_of
from twinwall.documents.deployment import package as packages
from twinwall.documents.deployment.package import (
    HANDLER_FILE,
    Package,
    build,
    check,
    import_seconds,
    read,
    unpack,
)
from twinwall.errors import ConfigError

SOURCE = Path(__file__).resolve().parents[3] / "src" / "twinwall"


@cache
def made() -> Package:
    return build(cut_models())


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package.body)) as archive:
        return archive.namelist()


def test_the_same_bytes_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From another folder, with other variables around."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "twinwall.py").write_text("raise SystemExit('the wrong one')")
    assert build(cut_models()).body == made().body


def test_no_date_and_no_owner_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(made().body)) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {item.external_attr >> 16 for item in archive.infolist()} == {0o644}
        for item in archive.infolist():
            assert str(SOURCE).encode() not in archive.read(item), item.filename


def test_only_what_the_handler_imports_is_in_it() -> None:
    found = names(made())
    assert HANDLER_FILE in found
    rooms = {name.split("/")[1] for name in found if name.count("/") > 1}
    assert rooms <= {"aws", "ec2", "engine", "lambdas", "mesh", "model"} | {"__pycache__"}
    sources = {name for name in found if name.endswith(".py")}
    compiled = {
        name.replace("__pycache__/", "").split(".")[0] + ".py" for name in found if name.endswith(".pyc")
    }
    assert compiled == sources, "each goes along compiled"
    assert len(made().body) < 1_000_000


def test_it_runs_where_nothing_but_botocore_is(tmp_path: Path) -> None:
    """Neither boto3 nor s3transfer is loaded: they cost a fifth of the start."""
    unpack(made(), tmp_path)
    code = "import sys, json; import twinwall.lambdas.entry as e; print(json.dumps([e.__file__, sorted(sys.modules)]))"
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-s", "-P", "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    file, modules = json.loads(done.stdout)
    assert file == str(tmp_path / HANDLER_FILE)
    assert not {"boto3", "s3transfer", "msgspec", "click", "twinwall.planning"} & set(modules)
    assert import_seconds(made()) < 5


def test_what_is_compiled_is_taken_whatever_the_dates_are(tmp_path: Path) -> None:
    unpack(made(), tmp_path)
    broken = tmp_path / "twinwall" / "errors.py"
    broken.write_text("raise SystemExit('compiled again')")
    done = subprocess.run(
        [sys.executable, "-s", "-P", "-c", "import twinwall.errors"],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0


# --- models


@pytest.mark.parametrize("service", OPERATIONS)
def test_a_cut_model_says_of_its_operations_what_the_whole_says(service: str, tmp_path: Path) -> None:
    for name, content in cut_models().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    session = botocore.session.Session()
    session.register_component("data_loader", loader_of(str(tmp_path)))
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    cut = session.create_client(service, **keys)
    whole = botocore.session.Session().create_client(service, **keys)
    assert sorted(cut.meta.service_model.operation_names) == sorted(OPERATIONS[service])
    assert cut.meta.endpoint_url == whole.meta.endpoint_url
    for operation in OPERATIONS[service]:
        one, other = (client.meta.service_model.operation_model(operation) for client in (cut, whole))
        assert shape(one.input_shape) == shape(other.input_shape)
        assert shape(one.output_shape) == shape(other.output_shape, parts=PARTS.get(service, {}))
        assert one.http == other.http


def test_what_is_kept_of_a_shape_is_there() -> None:
    for service, parts in PARTS.items():
        model = botocore.session.Session().get_service_model(service)
        for name, members in parts.items():
            assert members <= model.shape_for(name).members.keys()


def test_a_value_of_a_table_is_written_and_read_as_it_is() -> None:
    [content] = [
        content
        for name, content in cut_models().items()
        if name.startswith("dynamodb/") and name.endswith("service-2.json")
    ]
    assert ServiceModel(json.loads(content)).shape_for("AttributeValue").is_document_type


def shape(
    of: Any, seen: tuple[str, ...] = (), *, parts: Mapping[str, Collection[str]] | None = None
) -> object:
    """``parts``: of which shapes only which members count. DynamoDB's values are looked at by a test of their own."""
    parts = parts or {}
    if of is None or of.name in seen:
        return getattr(of, "name", None)
    if of.name == "AttributeValue":
        return of.name
    inner = (*seen, of.name)
    said = (of.name, of.type_name, dict(of.serialization), tuple(getattr(of, "required_members", ())))
    match of.type_name:
        case "structure":
            kept = parts.get(of.name, of.members)
            members = {name: part for name, part in of.members.items() if name in kept}
            return said, {name: shape(member, inner, parts=parts) for name, member in members.items()}
        case "list":
            return said, shape(of.member, inner, parts=parts)
        case "map":
            return said, shape(of.key, inner, parts=parts), shape(of.value, inner, parts=parts)
        case _:
            return said


def test_the_models_are_cut_to_exactly_what_the_doors_call() -> None:
    """Every text of the doors' sources that is the name of an operation; ``sts:AssumeRole`` is botocore's own call.
    What only ``mesh adopt`` calls, by hand, no function needs."""
    by_hand = {"ec2": {"CreateTags", "DescribeSecurityGroups"}}
    texts: set[str] = set()
    for file in ("aws/mesh_doors.py", "aws/mesh_table.py", "ec2/mesh.py"):
        tree = ast.parse((SOURCE / file).read_text())
        texts |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    called: dict[str, set[str]] = {"sts": {"AssumeRole"}}
    for service in ("autoscaling", "dynamodb", "ec2", "sqs"):
        known = botocore.session.Session().get_service_model(service).operation_names
        called[service] = {name for name in known if {name, xform_name(name)} & texts} - by_hand.get(
            service, set()
        )
    assert called == {service: set(names_) for service, names_ in OPERATIONS.items()}


# --- what cannot be


def zipped(files: dict[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"no zip", "is no zip"),
        (zipped({"app.py": b""}), f"holds no {HANDLER_FILE}"),
        (
            zipped({HANDLER_FILE: b"", "big": bytes(packages.MOST_UNPACKED + 1)}),
            "bytes unpacked, Lambda takes 262,144,000",
        ),
        (bytes(packages.MOST_ZIPPED + 1), "Lambda takes 52,428,800"),
    ],
)
def test_a_package_that_lambda_would_not_take_is_one_clear_line(body: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        check(Package(body, 0), "the package x.zip")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("make it with twinwall mesh package")


def test_a_package_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(made().body)
    found = read(tmp_path / "x.zip")
    assert (found.key, found.python, found.modules) == (made().key, made().python, made().modules)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read(tmp_path / "y.zip")
