"""twinwall.toml: what it names, and what is wrong with it, with line and key."""

from pathlib import Path

import pytest

from twinwall.documents import configuration
from twinwall.errors import ConfigError, DocumentError

GOOD = """\
[locations.production]
vpc = "vpc-1"
profile = "production"
region = "eu-west-1"
role_arn = "arn:aws:iam::111111111111:role/reader"
external_id = "x"

[locations."the file"]
snapshot = "production/"
vpc = "vpc-2"

[replicas.dr]
source = "production"
targets = ["vpc-3", "the file"]
map_cidr = ["10.0.0.0/16=10.1.0.0/16"]
outside = "skip"
max_change = 50

[meshes.web]
ports = ["tcp/7000-7100"]

[[meshes.web.sites]]
region = "eu-west-1"
account = "111122223333"
asg = "web"
group = "sg-0123456789abcdef0"
"""


def load(folder: Path, text: str) -> configuration.Configuration:
    path = folder / "twinwall.toml"
    path.write_text(text, encoding="utf-8")
    return configuration.load(path)


def test_what_it_names(tmp_path: Path) -> None:
    file = load(tmp_path, GOOD)
    assert file.locations["production"].profile == "production"
    assert file.locations["the file"].snapshot == "production/"
    assert file.replica("dr").targets == ["vpc-3", "the file"]
    assert file.replica("dr").options()["map_cidr"] == ["10.0.0.0/16=10.1.0.0/16"]
    assert file.replica("dr").options()["max_change"] == 50


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            '[meshes.a]\nports = ["tcp/1"]\n[[meshes.a.sites]]\nregion = "eu-west-1"\ncolour = "red"',
            5,
            "colour: colour is no key of a site",
        ),
        ('[location.x]\nvpc = "vpc-1"', 1, "location: is none of locations, replicas, meshes"),
        ('[locations.x]\n# a comment\nvcp = "vpc-1"', 3, r"\[locations.x\] vcp: .* did you mean vpc\?"),
        ("[locations.x]\nvpc = 7", 2, r"\[locations.x\] vpc: is of the type int; a text is wanted"),
        ('[locations.x]\nprofile = "p"', 1, "says neither vpc nor snapshot"),
        ('[locations.x]\nvpc = "prod"', 2, "a VPC id"),
        ('[locations.x]\nvpc = "vpc-1"\nexternal_id = "e"', 3, "nothing without role_arn"),
        ('[locations.x]\nsnapshot = "a.json"\nprofile = "p"', 3, "means nothing beside snapshot"),
        ('[locations.vpc-1]\nvpc = "vpc-1"', 1, "can never be meant"),
        ('[locations]\nx = "vpc-1"', 2, r"write \[locations.NAME\]"),
        ('locations.x.vcp = "vpc-1"', 1, "vcp"),
        ('[replicas.r]\nsource = "a"', 1, "has no key targets"),
        ('[replicas.r]\nsource = "a"\ntargets = "b"', 3, "is of the type str; a list of texts"),
        ('[replicas.r]\nsource = "a"\ntargets = []', 3, "is empty"),
        ('[replicas.r]\nsource = "a"\ntargets = ["b", "b"]', 3, "names a target twice"),
        ('[replicas.r]\nsource = "a"\ntargets = ["b"]\nmap-cidr = []', 4, "did you mean map_cidr?"),
        ('[replicas.r]\nsource = "a"\ntargets = ["b"]\nmap_vpc_cidr = "yes"', 4, "true or false is wanted"),
        ('[replicas.r]\nsource = "a"\ntargets = ["b"]\nmap_cidr = ["x"]', 4, "not of the form FROM=TO"),
        ('[replicas.r]\nsource = "a"\ntargets = ["b"]\noutside = "hide"', 4, "none of fail"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        load(tmp_path, text)
    assert str(told.value).startswith(f"{tmp_path / 'twinwall.toml'}, line {line}, ")


def test_what_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"is not TOML: .*line 2"):
        load(tmp_path, "[locations.x]\nvpc = vpc-1")


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        configuration.load(tmp_path / "none.toml")


def test_the_working_folders_file_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert configuration.load(None).path is None
    load(tmp_path, GOOD)
    assert "production" in configuration.load(None).locations


def test_a_replica_that_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no such replica; it names dr"):
        load(tmp_path, GOOD).replica("staging")
    with pytest.raises(ConfigError, match=r"there is no twinwall\.toml here"):
        configuration.Configuration().replica("staging")


@pytest.mark.parametrize(
    ("header", "key", "line"),
    [(("a", "b"), "x", 3), (("a", "c"), "y", 6), (("a", "c"), "none", 5), (("z",), "x", 1)],
)
def test_the_line_of_a_key(header: tuple[str, ...], key: str, line: int) -> None:
    text = '# one\n[a.b]\nx = 1\n\n[a."c"]\n"y" = [\n 1]\n'
    assert configuration.line_of(text, header, key) == line
