"""The HTML report in a real browser: it opens, search finds, a click opens, nothing is fetched, nothing of AWS's words
comes alive, and axe-core finds nothing serious in it. Pictures are compared roughly, so that another font is no news.
"""

import io
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import report_material as material
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import expect

from browser import Watched
from twinwall.cli.main import run
from twinwall.report.html.of_mesh import mesh_part
from twinwall.report.html.page import Page
from twinwall.report.html.render import render

GOLDEN = Path(__file__).parents[1] / "golden"
OPTIONS = ("--map-vpc-cidr", "--associate", "auto", "--force")
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    """The report of a command on snapshots, which it calls the same wherever they lie."""
    monkeypatch.chdir(tmp_path)

    def make_(command: str, source: Any, target: Any = None, *options: str) -> Path:
        for name, document in (("source", source), ("target", target)):
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        sides = ["--source", "source.json", "--target", "target.json"]
        sides = sides if target else ["--at", "source.json"]
        file = tmp_path / f"{command}.html"
        code = run([command, *sides, *options, "--report", str(file)])
        err = capsys.readouterr().err
        assert code in (0, 2), err
        assert f"report: {file}" in err
        return file

    return make_


def axe(watched: Watched) -> list[str]:
    """What is serious or critical, and where."""
    found = Axe().run(watched.page, options={"resultTypes": ["violations"]}).response
    bad = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}" for one in bad for node in one["nodes"][:3]
    ]


def looks_like(watched: Watched, name: str) -> None:
    """The picture, small, against the one that is kept; ``TWINWALL_PICTURES=1`` keeps it anew."""
    watched.page.evaluate("document.fonts.ready")
    shot = Image.open(io.BytesIO(watched.page.screenshot())).convert("RGB")
    small = shot.resize((shot.width // 4, shot.height // 4), Image.Resampling.BOX)
    kept = GOLDEN / f"{name}.png"
    if os.environ.get("TWINWALL_PICTURES"):
        small.quantize(64).save(kept, optimize=True)
    with Image.open(kept) as picture:
        assert small.size == picture.size
        difference = ImageChops.difference(small, picture.convert("RGB"))
    mean = sum(ImageStat.Stat(difference).mean) / 3
    assert mean < 6, f"{name}: the picture differs by {mean:.1f} of 255 on average"


def test_a_plan_is_looked_through(desktop: Watched, make: Make) -> None:
    desktop.open(make("plan", material.source(), material.target(), *OPTIONS))
    page = desktop.page
    assert page.locator("h1").inner_text() == "4 to create, 4 to update"
    looks_like(desktop, "report-plan")

    page.locator("#search").fill("sg-t-db")
    expect(page.locator("#found")).to_have_text(re.compile(r"^\d+ found$"))
    shown = page.locator("details.group:visible .name").all_inner_texts()
    assert shown == ["api", "db"], "db, and what names it"
    page.locator("#search").fill("")
    expect(page.locator("#found")).to_have_text("")

    page.get_by_role("button", name="from edge to api").click()
    cell = page.locator(".pop:popover-open")
    assert "tcp/8080" in cell.inner_text()
    page.keyboard.press("Escape")
    assert cell.count() == 0
    assert axe(desktop) == []
    assert desktop.wrong == []


def test_before_after_and_difference_of_a_group(desktop: Watched, make: Make) -> None:
    desktop.open(make("plan", material.source(), material.target(), *OPTIONS))
    page = desktop.page
    block = page.locator('details.group[data-id="sg-t-db"]')
    rows = block.locator("tbody tr")

    def seen() -> list[str]:
        """Sign and peer of each row."""
        cells = (
            (row.locator("td").nth(0), row.locator("td").nth(3)) for row in rows.all() if row.is_visible()
        )
        return [
            f"{sign.locator('.sign').count() and sign.text_content()[0]}{peer.inner_text()}"
            for sign, peer in cells
        ]

    assert seen() == ["−0.0.0.0/0", "+office", "0api sg-t-api", "+db sg-t-db"]
    page.locator("#t1-groups").get_by_label("Before").check()
    assert len(seen()) == 2
    page.locator("#t1-groups").get_by_label("After").check()
    assert len(seen()) == 3
    assert desktop.wrong == []


def test_the_graph_answers_keys_clicks_and_search(desktop: Watched, make: Make) -> None:
    desktop.open(make("plan", material.source(), material.target(), *OPTIONS))
    page = desktop.page
    canvas, info = page.locator(".canvas"), page.locator(".info")
    canvas.scroll_into_view_if_needed()
    before = canvas.screenshot()
    canvas.focus()
    page.keyboard.press("+")
    page.wait_for_timeout(80)
    assert canvas.screenshot() != before, "it is zoomed"
    page.keyboard.press("0")
    page.locator("#search").fill("jobs")
    page.wait_for_selector(".info:visible")
    assert info.locator("h3").inner_text() == "jobs"
    assert "in a circle" in info.inner_text(), "api and jobs name each other"
    info.get_by_role("button").click()
    assert page.locator('details.group[data-id="sg-t-jobs"][open]').count() == 1
    page.locator(".list summary").first.click()
    assert "tcp/9090" in page.locator(".list table").first.inner_text()
    assert desktop.wrong == []


def test_two_hundred_groups(desktop: Watched, make: Make) -> None:
    desktop.open(make("plan", material.many(200), material.target(), "--outside", "skip"))
    page = desktop.page
    page.locator("#search").fill("service-137")
    page.wait_for_selector(".info:visible")
    assert page.locator("details.group:visible").count() >= 1
    assert page.locator("details.group").count() >= 200
    assert page.locator(".matrix button").count() < 200, "in tiers"
    assert desktop.wrong == []


def test_two_hundred_groups_in_a_tangle_can_be_read(desktop: Watched, make: Make) -> None:
    """Each names two others at random, so that most are in one circle: layers would be a thin, unreadable band."""
    source = material.many(200)
    groups = source["SecurityGroups"]
    chance = random.Random(7)
    for group in groups:
        pairs = [{"GroupId": chance.choice(groups)["GroupId"]} for _ in range(2)]
        group["IpPermissions"] = [
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pairs}
        ]
    desktop.open(make("plan", source, material.target(), "--outside", "skip", "--force"))
    canvas = desktop.page.locator(".canvas").first
    canvas.scroll_into_view_if_needed()
    expect(canvas.locator("canvas").first).to_be_visible(timeout=30_000)
    for _ in range(40):
        if filled(canvas.screenshot()) > 0.5:
            break
        desktop.page.wait_for_timeout(250)
    else:
        pytest.fail("names do not fill the picture from top to bottom")
    assert desktop.wrong == []


def filled(screenshot: bytes) -> float:
    """The share of rows in which something dark stands."""
    picture = Image.open(io.BytesIO(screenshot)).convert("L")
    darkest = [picture.crop((0, y, picture.width, y + 1)).getextrema()[0] for y in range(picture.height)]
    return sum(one < 150 for one in darkest) / picture.height


def test_a_proof_on_a_phone_in_the_dark(phone: Watched, make: Make) -> None:
    phone.open(make("verify", material.source(), material.target(), *OPTIONS[:-1]))
    page = phone.page
    assert page.locator("h1").inner_text() == "Different"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    looks_like(phone, "report-verify-phone")
    assert "Only the target admits it" in page.locator(".block-differences").inner_text()
    assert axe(phone) == []
    assert phone.wrong == []


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_words_from_aws_stay_words(command: str, desktop: Watched, make: Make) -> None:
    sides = [material.hostile(side) for side in (material.source(), material.target())]
    desktop.open(make(command, *sides, *OPTIONS[: -1 if command == "verify" else None]))
    page = desktop.page
    assert page.evaluate("window.broken") is None
    assert page.locator("main script:not([type='application/json']), main img, main iframe").count() == 0
    assert page.locator("body").inner_text().count(material.HOSTILE) > 20
    assert desktop.wrong == []


def test_it_is_read_and_printed_without_scripts(browser: Any, make: Make) -> None:
    file = make("plan", material.source(), material.target(), *OPTIONS)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("h1").is_visible()
    page.locator(".list summary").first.click()
    assert page.locator(".list table").first.is_visible()
    page.locator(".matrix button").first.click()
    assert page.locator(".pop:popover-open").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".pop").last.is_visible()
    assert not page.locator(".contents").is_visible()
    assert len(page.pdf()) > 10_000
    context.close()


def test_lint_explain_and_a_mesh_are_shown_too(desktop: Watched, make: Make, tmp_path: Path) -> None:
    document = material.hostile(material.source())
    packet = ("--from", "203.0.113.9", "--to", "sg-edge", "--protocol", "tcp", "--port", "443")
    page = desktop.page
    for file, words in (
        (make("lint", document), "1 warning, 2 notes"),
        (make("explain", document, None, *packet), "Unknown"),
        (mesh(tmp_path), "Not right"),
    ):
        desktop.requests.clear()
        desktop.open(file)
        assert page.locator("h1").inner_text() == words
        assert page.evaluate("window.broken") is None
        assert axe(desktop) == []
    assert desktop.wrong == []


def mesh(folder: Path) -> Path:
    """A mesh of two sites, one of which lacks a rule and a copy."""
    whole = {
        "known": True,
        "why": "",
        "generation": 3,
        "age": 12.0,
        "extra": [],
        "other_ports": [],
        "rules": 2,
        "room": 58,
    }
    site = {**whole, "room_of_interface": 998, "members": ["10.0.0.4/32 i-1"], "missing": [], "right": True}
    rule = "ingress tcp/7000 from 10.0.0.4/32"
    sites = [
        {**site, "site": "eu/web", "node": "A", "group": "sg-1", "copies": {"B": "older"}},
        {
            **site,
            "site": "us/web",
            "node": "B",
            "group": "sg-2",
            "copies": {},
            "missing": [rule],
            "right": False,
        },
        {
            "site": "ap/web",
            "node": "C",
            "group": "sg-3",
            "right": False,
            "known": False,
            "why": "cannot be read",
        },
    ]
    told = {"mesh": f"web{material.HOSTILE}", "at": 0.0, "right": False, "unread": ["C"], "sites": sites}
    file = folder / "mesh.html"
    file.write_text(render(Page("twinwall mesh status", "0", 0.0, [mesh_part("t1", told)])))
    return file
