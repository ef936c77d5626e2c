"""The report page in a real browser: no text covers another in any window, and everybody can use it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import Browser, needs_browser
from tests.e2e.command import ROOT, Iodcal

pytestmark = needs_browser

NOW = "2026-11-24T16:00:00Z"
WIDTHS = (360, 400, 900, 1400, 2400)
SITES = ("den", "lon", "fra")
RULES = """\
version: 1
timezone: America/Denver
settings:
  {{state: state/state.json, every: 5m, organizers: ["@contoso.example"], orders: {orders}}}
sites:
  {{den: {{timezone: America/Denver}}, lon: {{timezone: Europe/London}}, fra: {{timezone: Europe/Berlin}}}}
calendars: {{company: {{ics: company.ics}}}}
carriers:
  lab: {{type: sandbox, file: sandbox.json, provisioning: 2m, changes_per_day: 900,
        rates: {{100 Mbps: 0.50, 500 Mbps: 0.79, 1 Gbps: 1.50}}}}
budget: {{monthly: 900, label: cost_center}}
circuits:
{circuits}
rules:
  - name: Calls
    calendars: [company]
    match: {{subject: [All-Hands, Town Hall]}}
    circuits: all
    bandwidth: highest
  - name: Tests
    calendars: [company]
    match: {{subject: DR Test}}
    circuits: [c-000, c-001]
    bandwidth: 500 Mbps
"""
CIRCUIT = (
    '  {name}: {{carrier: lab, site: {site}, service_id: "{number}", tiers: [100 Mbps, 500 Mbps, 1 Gbps], '
    'labels: {{cost_center: "471{label}"}}, baseline: {{off_peak: 100 Mbps, '
    'peaks: [{{days: mon-fri, from: "07:30", to: "18:30", bandwidth: 500 Mbps}}]}}}}'
)
EVENTS = (
    ("23T160000", "23T170000", "Town Hall EMEA"),
    (
        "24T153000",
        "24T170000",
        "All-Hands: the results of this year, with questions and answers for everybody",
    ),
    ("24T160000", "24T163000", "DR Test Denver"),
    ("24T163000", "24T230000", "DR Test that goes on and on and has a long name"),
    ("24T173000", "24T174500", "All-Hands, short"),
    ("24T180000", "24T190000", "Town Hall Americas"),
    ("24T191500", "24T194500", "Town Hall Americas, once more"),
    ("27T200000", "28T040000", "DR Test past midnight"),
)


def company(iodcal: Iodcal, count: int) -> Path:
    """The page of so many circuits, of which two have a long history of one day."""
    numbers = range(count)
    names = [f"c-{number:03}" for number in numbers]
    if count > 3:
        names[3] = "frankfurt-campus-north-building-4-backup-2"
    circuits = [
        CIRCUIT.format(
            name=names[number], site=SITES[number % 3], number=77000000000 + number, label=number % 2
        )
        for number in numbers
    ]
    orders = "all" if count == 3 else "none"
    iodcal.write("rules.yaml", RULES.format(circuits="\n".join(circuits), orders=orders))
    events = "".join(
        f"BEGIN:VEVENT\nUID:{number}\nDTSTART:202611{start}Z\nDTEND:202611{end}Z\nSUMMARY:{title}\nEND:VEVENT\n"
        for number, (start, end, title) in enumerate(EVENTS)
    )
    iodcal.write("company.ics", f"BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n")
    times = ("23T15:00", "23T15:05", "23T17:15", "23T17:20", "24T15:05") if count == 3 else ()
    for time in (*times, "24T15:58"):
        assert iodcal("sync", "-q", "--now", f"2026-11-{time}:00Z").status in (0, 3)
    assert iodcal("report", "-q", "--html", "page.html", "--now", NOW).status == 0
    return iodcal.folder / "page.html"


@pytest.fixture(scope="module", params=[3, 40, 200])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    count: int = request.param
    return company(Iodcal(tmp_path_factory.mktemp(f"company-{count}")), count)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company(Iodcal(tmp_path_factory.mktemp("small")), 3)


def choose(browser: Browser, id_: str) -> None:
    browser.run(f"document.getElementById('{id_}').click()")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_covers_another(page: Path, browser: Browser, width: int) -> None:
    browser.open(page, width=width)
    for view in ("view-24", "view-72", "view-all", "view-week"):
        choose(browser, view)
        found = browser.overlaps()
        assert (view, found["overlaps"]) == (view, [])
        assert found["texts"] > 50
        assert browser.overflow() == 0
    browser.open(page, width=width, hash_="#costs")
    assert browser.overlaps()["overlaps"] == []
    assert browser.overflow() == 0


def test_the_measuring_would_find_a_text_that_covers_another(small: Path, browser: Browser) -> None:
    browser.open(small)
    browser.run("document.querySelector('.tiles b').style.marginTop = '-1.2rem'")
    assert browser.overlaps()["overlaps"]


def test_titles_lie_above_the_line_of_now(small: Path, browser: Browser) -> None:
    browser.open(small, width=1400)
    tops = browser.run("""(() => {
      const now = document.querySelector('.backdrop .now').getBoundingClientRect();
      document.querySelector('#picture').scrollIntoView();
      return [...document.querySelectorAll('.lane:not(.all) .title')].map((node) => {
        const box = node.getBoundingClientRect();
        const over = document.elementsFromPoint(now.left + 1, box.top + box.height / 2);
        return [over.findIndex((one) => node.contains(one)), over.findIndex((one) => one.matches('.now'))];
      }).filter(([title]) => title >= 0);
    })()""")
    assert tops
    assert all(0 <= title < now for title, now in tops), tops


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("view", ["view-24", "view-72", "view-all"])
def test_it_opens_at_now_and_names_and_axis_stay(
    small: Path, browser: Browser, view: str, width: int
) -> None:
    browser.open(small, width=width)
    choose(browser, view)
    found = browser.run("""(() => {
      const box = (what) => document.querySelector(what).getBoundingClientRect();
      const picture = document.querySelector('#picture');
      picture.scrollTop = 40;
      return [box('.backdrop .now').left, box('.lane [href]').left, box('.axis').top - box('#picture').top,
              box('#picture').left, box('#picture').right];
    })()""")
    now, name, axis, left, right = found
    assert left < name < now < left + (right - left) * 0.6
    assert 0 <= axis <= 2


def test_tabs_are_links_and_know_which_is_open(small: Path, browser: Browser) -> None:
    browser.open(small)
    shown = "['timeline', 'costs'].map((id) => document.getElementById(id).checkVisibility())"
    current = "document.querySelector('[aria-current]').textContent"
    assert (browser.run(shown), browser.run(current)) == ([True, False], "Timeline")
    browser.run("document.querySelector('.tabs [href=\"#costs\"]').click()")
    browser.settle()
    assert (browser.run(shown), browser.run(current)) == ([False, True], "Costs")
    browser.run("document.querySelector('#cost-1 a').click()")
    browser.settle()
    assert (browser.run(shown), browser.run("document.querySelector('#circuit-1').open")) == (
        [True, False],
        True,
    )


def test_tabs_and_views_need_no_script(small: Path, browser: Browser) -> None:
    with browser.without_scripts():
        browser.open(small, hash_="#costs")
        assert browser.run("document.getElementById('timeline').checkVisibility()") is False
        browser.open(small)
        wide = "document.querySelector('.picture').offsetWidth"
        day = browser.run(wide)
        choose(browser, "view-72")
        assert browser.run(wide) < day / 2
        choose(browser, "view-week")
        assert browser.run("document.querySelector('.weeks').checkVisibility()") is True
        assert browser.run("document.querySelector('fieldset.groups').checkVisibility()") is False


def test_what_changes_soon_comes_first_and_lanes_go_by_site_or_label(small: Path, browser: Browser) -> None:
    browser.open(small)
    order = """[...document.querySelectorAll('#picture h3, [data-circuit]')].map(
        (one) => one.dataset.circuit ?? one.innerText)"""
    assert browser.run(order)[0] == "Changes in the next 24 hours 3 circuits"
    choose(browser, "group-1")
    assert browser.run(order) == [
        "site: den 1 circuit", "c-000", "site: fra 1 circuit", "c-002", "site: lon 1 circuit", "c-001"
    ]  # fmt: skip
    choose(browser, "group-2")
    assert browser.run(order)[0] == "cost_center: 4710 2 circuits"
    choose(browser, "group-0")
    assert browser.run(order)[0] == "Changes in the next 24 hours 3 circuits"


def test_many_lanes_are_compact(page: Path, browser: Browser) -> None:
    browser.open(page)
    lanes = browser.run("[...document.querySelectorAll('[data-circuit]')].map((lane) => lane.offsetHeight)")
    assert (len(lanes) < 40) == (min(lanes) > 60)
    if len(lanes) >= 40:
        assert sorted(lanes)[len(lanes) // 2] < 34
        assert browser.run("document.querySelector('.lane.all').innerText").count("circuits)") >= 1


def test_what_nobody_writes_any_more_says_that_it_is_old(small: Path, browser: Browser) -> None:
    """The page that is on a wall while the timer is dead: its own clock tells."""
    banner = "[document.querySelector('#stale')].map((one) => one.checkVisibility() && one.textContent)[0]"
    browser.open(small)
    assert browser.run(banner) is False
    assert browser.complaints() == []
    for age, told in (
        (14, False),
        (16, "the last run on this page was 16 min ago"),
        (4400, "was 3 days ago"),
    ):
        run = datetime.now(UTC) - timedelta(minutes=age, seconds=30)
        live = small.with_name("live.html")
        text = small.read_text().replace("<body ", f'<body data-run="{run.isoformat()}" ', 1)
        live.write_text(text)
        browser.open(live)
        shown = browser.run(banner)
        assert told in shown if isinstance(told, str) else shown is False
        assert browser.run("document.body.matches('.stale')") is bool(told)


def test_a_run_too_long_ago_is_told_without_a_script(small: Path, browser: Browser) -> None:
    iodcal = Iodcal(small.parent)
    done = iodcal("report", "-q", "--html", "old.html", "--now", "2026-11-24T16:14:00Z")
    assert done.status == 0
    with browser.without_scripts():
        browser.open(small.with_name("old.html"))
        banner = browser.run("document.getElementById('stale').innerText")
        assert banner.startswith("Old data: the last run was 16 min ago")
        assert (
            browser.run("getComputedStyle(document.getElementById('stale')).backgroundColor")
            == "rgb(164, 0, 29)"
        )


def test_it_prints_whole(small: Path, browser: Browser) -> None:
    browser.open(small, width=1000, media="print")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    found: dict[str, Any] = browser.run("""(() => {
      const box = (what) => document.querySelector(what).getBoundingClientRect();
      const [picture, paper] = [box('.picture'), box('main')];
      const lanes = [...document.querySelectorAll('.lane:not(.all)')];
      return {over: picture.right - paper.right,
              closed: document.querySelectorAll('details:not([open])').length,
              cut: lanes.filter((lane) => getComputedStyle(lane).breakInside !== 'avoid').length,
              tools: document.querySelector('.tools').checkVisibility(),
              scrolls: getComputedStyle(document.querySelector('#picture')).overflowX};
    })()""")
    assert found == {"over": 0, "closed": 0, "cut": 0, "tools": False, "scrolls": "visible"}
    assert browser.overlaps()["overlaps"] == []
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.printed().startswith(b"%PDF")


def test_the_keyboard_goes_through_in_the_order_that_is_seen(small: Path, browser: Browser) -> None:
    browser.open(small)
    focused = "[document.activeElement].map((one) => one.id || one.hash || one.tagName)[0]"
    seen = []
    for _ in range(9):
        browser.press("Tab", 9)
        seen.append(browser.run(focused))
    assert seen[:2] == ["#timeline", "#costs"]
    wanted = ["view-24", "group-0", "compact", "picture"]
    assert [one for one in seen if one in wanted] == wanted


AXE = Path(os.environ.get("IODCAL_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
CHECK = """axe.run(document, {resultTypes: ['violations']}).then((found) =>
  found.violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`))"""


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save axe-core")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("where", ["view-24", "view-week", "#costs"])
def test_a_checker_finds_nothing_that_keeps_anybody_out(
    page: Path, browser: Browser, where: str, dark: bool
) -> None:
    browser.open(page, dark=dark, hash_=where if where.startswith("#") else "")
    if not where.startswith("#"):
        choose(browser, where)
    browser.run(AXE.read_text(encoding="utf-8") + "; 0")
    assert browser.run(CHECK) == []
