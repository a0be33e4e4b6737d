"""The pages of reports and comparisons in a real browser: self-contained, accessible, and safe with any data."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from browser import watched
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, datasets
from taciturn.data.sources import Rows
from taciturn.report import compare

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "\"><img src=x onerror='window.hacked = 1'>",
    "{{ 7 * 7 }}",
    "$x_1$ & co",
    "tempête 🌧️",
    "درجة الحرارة",
    "x" * 10_000,
    "'; alert(1); //",
]
TEXTS = [
    "<script>window.hacked = 1</script>",
    "\"><img src=x onerror='window.hacked = 1'> 'quoted' \"twice\" & more",
    "درجة الحرارة في الخارج",
    "rain 🌧️ and sun",
    "a long text; " * 7_692 + "end",  # 99,999 characters
    "",
    "twice",
    "twice",
    "half a surrogate pair: \ud83c",
    "two\nlines",
]
SECTIONS = ["samples", "training", "errors", "atlas", "latents", "neighbours", "baselines", "try-it", "provenance"]


def digits():
    rows = datasets.load("digits").read(0, 400)
    model = SparseAutoencoder(48, corruption="gaussian:0.3", sparsity="kl:0.1", max_iter=8, random_state=0)
    model.fit(Rows(rows[:250].reshape(-1, 8, 8)))
    held = Rows(rows[250:].reshape(-1, 8, 8))
    return model.report(held, labels=datasets.labels("digits")[250:400], target="digit", name="digits")


def images():
    rows = np.kron(datasets.load("digits").read(0, 300).reshape(-1, 8, 8), np.ones((3, 3)))
    model = DictionaryAutoencoder(200, k=10, max_iter=4, random_state=0).fit(Rows(rows[:200]))
    return model.report(Rows(rows[200:]), labels=datasets.labels("digits")[200:300], target="digit", name="images")


def table():
    rows = datasets.load("diabetes")
    model = DenoisingAutoencoder(16, sparsity="kl:0.1", max_iter=15, random_state=0).fit(rows)
    return model.report(rows, labels=datasets.labels("diabetes"), target="progression", name="table")


def known():
    rows = datasets.known_dictionary(1500, n_features=64, n_inputs=24, active=3, random_state=0).rows
    model = DictionaryAutoencoder(64, k=3, scaling="none", sparsity="batch_topk", max_iter=6, random_state=0)
    return model.fit(rows[:1000]).report(rows[1000:], training=rows[:1000], name="known")


def wide():
    rows = datasets.known_dictionary(1000, n_features=64, n_inputs=24, active=3, random_state=0).rows
    model = DictionaryAutoencoder(8192, k=32, scaling="none", max_iter=1, random_state=0).fit(rows[:800])
    return model.report(rows[800:], name="wide")


def hostile():
    rows = np.random.default_rng(0).normal(size=(120, len(HOSTILE)))
    model = SparseAutoencoder(8, sparsity="kl:0.2", max_iter=5, random_state=0).fit(Rows(rows, columns=tuple(HOSTILE)))
    labels = np.array(HOSTILE[:2])[(rows[:, 0] > 0).astype(int)]
    return model.report(Rows(rows, columns=tuple(HOSTILE)), labels=labels, target=HOSTILE[0], name=HOSTILE[1])


def sentences():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 12))
    rows[:6] += 4 * np.eye(12)[0]  # TEXTS: one latent is active on them
    model = DictionaryAutoencoder(16, k=2, max_iter=30, random_state=0).fit(rows)
    texts = TEXTS + [f"sentence number {i}" for i in range(len(TEXTS), 200)]
    return model.report(rows, texts=texts, ids=[f"id-{i % 190}" for i in range(200)], name="sentences")


def homes():
    rng = np.random.default_rng(0)
    price = rng.lognormal(12.5, 0.5, 300).round()
    frame = pd.DataFrame({"price": price, "year": rng.integers(1900, 2025, 300), "area": rng.normal(90, 20, 300)})
    frame.index = [f"home {1000 + i}" for i in range(300)]
    frame.loc["home 1250", "area"] = 400.0
    model = DenoisingAutoencoder(8, corruption="gaussian:0.1", max_iter=10, random_state=0).fit(frame[:200])
    return model.report(frame[200:], name="homes")


MAKERS = {make.__name__: make for make in (digits, images, table, known, wide, hostile, sentences, homes)}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    pages = {}

    def get(name):
        if name not in pages:
            report, file = MAKERS[name](), tmp_path_factory.mktemp("pages") / f"{name}.html"
            report.save(file)
            pages[name] = report, file
        return pages[name]

    return get


@pytest.fixture(scope="module")
def comparison(reports, tmp_path_factory):
    rows = datasets.load("digits").read(0, 300)
    runs = {
        name: DictionaryAutoencoder(24, k=k, max_iter=3, random_state=k).fit(Rows(rows.reshape(-1, 8, 8))).to_artifact()
        for name, k in (("few", 3), (HOSTILE[0], 6))
    }
    comparison, file = compare(runs, Rows(rows.reshape(-1, 8, 8))), tmp_path_factory.mktemp("pages") / "compare.html"
    comparison.save(file)
    return comparison, file


def violations(page):
    """The serious violations that axe-core reports."""
    reported = Axe().run(page).response["violations"]
    serious = [violation for violation in reported if violation["impact"] in ("serious", "critical")]
    return [(violation["id"], violation["nodes"][0]["html"][:200]) for violation in serious]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", MAKERS)
def test_a_report_is_self_contained_accessible_and_fits_any_width(browser, reports, name, width, scheme):
    _, file = reports(name)
    assert file.stat().st_size < 5_000_000
    with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if name != "wide":  # axe is slow on its 40,000 cells; those of `known` are of the same kind
            assert violations(page) == []
        assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("name", MAKERS)
def test_every_link_has_a_target_and_ids_are_unique(browser, reports, name):
    with watched(browser) as page:
        page.goto(reports(name)[1].as_uri())
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
        assert len(ids) == len(set(ids))
        links = page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map((e) => e.getAttribute('href'))")
        assert {link[1:] for link in links} <= set(ids)
        assert set(SECTIONS) - {"try-it"} <= set(ids)


def test_without_javascript_only_the_interactive_parts_are_missing(browser, reports):
    report, file = reports("digits")
    with watched(browser, java_script_enabled=False) as page:
        page.goto(file.as_uri())
        assert page.locator(".verdict").inner_text() == report.verdict.sentence
        for section in SECTIONS:
            assert page.locator(f"#{section} h2").is_visible()
        assert page.locator("#latents tbody tr").count() == 48
        assert page.locator("figure svg[role=img]").count() >= 6
        assert page.locator(".atlas li").count() == len(report.atlas)
        assert page.locator("#try-it noscript").count() == 1


@pytest.mark.parametrize("name", ["digits", "known"])
def test_numbers_on_the_page_are_those_of_the_file(browser, reports, name, tmp_path):
    report, file = reports(name)
    report.save_json(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    with watched(browser) as page:
        page.goto(file.as_uri())
        cells = "(r) => [...r.cells].map((c) => c.textContent.trim())"
        rows = page.evaluate(f"[...document.querySelectorAll('#latents tbody tr')].map({cells})")
        latents = written["latents"]
        assert [int(row[0]) for row in rows] == latents["order"]
        for latent, share, firing_rate, mean, norm in rows:
            index = int(latent)
            assert float(share[:-1]) / 100 == pytest.approx(latents["shares"][index], abs=5.1e-4)
            assert float(firing_rate[:-1]) / 100 == pytest.approx(latents["firing_rates"][index], abs=5.1e-4)
            assert float(mean) == pytest.approx(latents["mean_activations"][index], rel=6e-3, abs=1e-12)
            assert float(norm) == pytest.approx(latents["norms"][index], rel=6e-3)
        lines = page.locator("#baselines tbody tr").all_inner_texts()
        shares = [float(re.search(r"([-\d.]+)%", line)[1]) / 100 for line in lines]
        baselines = written["baselines"]
        expected = [1 - fvu for fvu in (baselines["model"], *(model["fvu"] for model in baselines["models"]))]
        assert shares == pytest.approx(expected, abs=6e-5)
        points = page.locator(".points dd").all_inner_texts()
        assert points == [number for number, _ in written["verdict"]["points"]]


def test_a_click_on_a_header_sorts_a_table_and_a_second_click_reverses_it(browser, reports):
    with watched(browser) as page:
        page.goto(reports("known")[1].as_uri())
        heads = page.locator("#latents th button")
        assert heads.all_inner_texts() == ["latent", "share of variation", "firing rate", "mean activation", "norm"]
        for column in range(5):
            for direction in ("descending", "ascending"):
                heads.nth(column).click()
                number = "(r) => parseFloat(r.cells[i].textContent)"
                shown = page.evaluate(
                    f"(i) => [...document.querySelectorAll('#latents tbody tr')].map({number})", column
                )
                assert shown == sorted(shown, reverse=direction == "descending")
                states = page.evaluate(
                    "[...document.querySelectorAll('#latents th')].map((e) => e.getAttribute('aria-sort'))"
                )
                assert states == [direction if i == column else None for i in range(5)]
        heads.nth(2).focus()
        page.keyboard.press("Enter")
        assert page.locator("#latents th").nth(2).get_attribute("aria-sort") == "descending"


def test_the_map_describes_the_latent_under_pointer_or_focus_and_links_to_it(browser, reports):
    report, file = reports("digits")
    with watched(browser) as page:
        page.goto(file.as_uri())
        first, output = page.locator(".map a").first, page.locator(".map output")
        latent = report.latents.order[0]
        first.focus()
        assert output.inner_text().startswith(f"latent {latent}: ")
        page.locator(".map a").nth(1).hover(force=True)
        assert output.inner_text().startswith("latent ")
        first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == f"#latent-{latent}"
        assert page.locator(f"#latent-{latent}").is_visible()


def test_every_control_is_reached_by_the_keyboard(browser, reports):
    with watched(browser) as page:
        page.goto(reports("table")[1].as_uri())
        shown = "(e) => !e.disabled && e.getClientRects().length"
        usable = "document.querySelectorAll('a[href], button, input, select, [tabindex=\"0\"], canvas[tabindex]')"
        wanted = page.evaluate(f"[...{usable}].filter({shown}).length")
        page.evaluate("document.activeElement.blur()")
        reached = page.evaluate_handle("new Set()")
        for _ in range(wanted + 20):
            page.keyboard.press("Tab")
            page.evaluate("(set) => set.add(document.activeElement)", reached)
        missed = page.evaluate(
            f"(set) => [...{usable}].filter({shown}).filter((e) => !set.has(e)).map((e) => e.outerHTML.slice(0, 99))",
            reached,
        )
        assert missed == []


def test_every_link_of_the_contents_and_the_first_one_work(browser, reports):
    with watched(browser) as page:
        page.goto(reports("digits")[1].as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"
        for link in page.locator("nav a").all():
            link.click()
            target = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
            at_the_end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
            assert abs(target) < 60 or at_the_end


def test_names_from_data_are_shown_as_text(browser, reports):
    report, file = reports("hostile")
    with watched(browser) as page:
        page.goto(file.as_uri())
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.querySelectorAll('main img, main script:not([type])').length") == 0
        heads = page.locator("#samples thead").first.locator("th").all_inner_texts()[1:]
        for name, shown in zip(HOSTILE, heads, strict=True):
            assert shown == (name if len(name) <= 24 else name[:24] + "…")
        assert HOSTILE[1] in page.locator("h1").inner_text()
        assert page.title() == f"{HOSTILE[1]} · taciturn report"
        assert (
            page.evaluate("getComputedStyle(document.querySelectorAll('#samples thead th span')[5]).direction") == "rtl"
        )
        classes = {effect.of if len(effect.of) <= 40 else effect.of[:40] + "…" for effect in report.relation.effects}
        cells = set(page.locator("#relate tbody td.text").all_inner_texts())
        assert classes
        assert cells == classes
        page.locator("#try-it input[type=range]").first.press("ArrowRight")
        assert page.evaluate("window.hacked") is None
    text = file.read_text(encoding="utf-8")
    assert HOSTILE[0] not in text
    assert html.escape(HOSTILE[0]) in text


def test_a_printed_report_is_dark_on_light_and_without_interactive_parts(browser, reports):
    with watched(browser, color_scheme="dark") as page:
        page.goto(reports("digits")[1].as_uri())
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert not page.locator("nav").is_visible()
        assert not page.locator("#try-it").is_visible()
        assert page.locator("#latents tbody tr").last.is_visible()


def test_a_comparison_is_self_contained_and_accessible(browser, comparison):
    result, file = comparison
    for width, scheme in ((1280, "light"), (390, "dark")):
        with watched(browser, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
            page.goto(file.as_uri())
            assert page.locator(".verdict").inner_text() == result.sentence
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
            headings = page.locator("h2").all_inner_texts()
            assert headings == ["Results", "Parameters that differ", f"few and {HOSTILE[0]}"]
            assert page.locator(".pairs li").count() == len(result.shared[0].pairs)
            assert page.locator(".pairs i.thumbnail").count() == 2 * len(result.shared[0].pairs)
            assert page.evaluate("window.hacked") is None


def test_texts_are_shown_in_full_and_as_text(browser, reports):
    report, file = reports("sentences")
    assert set(range(10)) <= set(report.pictures.texts)
    with watched(browser) as page:
        page.goto(file.as_uri())
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.querySelectorAll('main img, main script:not([type])').length") == 0
        shown = page.locator("#samples [data-row] .row-text").all_inner_texts()[:10]
        assert shown[:4] == TEXTS[:4]
        assert shown[4] == TEXTS[4][:400] + "… all 99,999 characters"
        assert shown[5:8] == ["no text", "twice", "twice"]
        assert shown[8:] == ["half a surrogate pair: \ufffd", "two\nlines"]
        page.locator("#samples a[href='#text-4']").first.click()
        assert page.evaluate("location.hash") == "#text-4"
        assert page.locator("#text-4 .row-text").inner_text() == TEXTS[4]
        directions = "[...document.querySelectorAll('#samples .row-text')].map((e) => getComputedStyle(e).direction)"
        assert page.evaluate(directions)[2:4] == ["rtl", "ltr"]


def test_the_search_box_shows_the_rows_and_latents_with_a_text_or_an_id(browser, reports):
    report, file = reports("sentences")
    with watched(browser) as page:
        page.goto(file.as_uri())

        def search(words):
            page.locator("#search input").fill(words)
            visible = "(all) => all.filter((e) => e.getClientRects().length)"
            rows = page.locator("[data-row]").evaluate_all(f"(all) => ({visible})(all).map((e) => e.dataset.row)")
            latents = page.locator(".atlas > li").evaluate_all(f"(all) => ({visible})(all).map((e) => e.id)")
            return {int(row) for row in rows}, {int(latent.removeprefix("latent-")) for latent in latents}

        everything = search("")
        assert everything[1] == {entry.latent for entry in report.atlas}
        assert everything[0] == set(report.pictures.texts)
        expected = {entry.latent for entry in report.atlas if any(active.row == 2 for active in entry.rows)}
        assert search("الحرارة") == ({2}, expected)
        assert search("  RAIN 🌧️ ")[0] == {3}
        assert search("text; end")[0] == {4}  # at the end of the long text
        assert search("id-7")[0] >= {7}
        assert all("id-7" in report.row_names[row] for row in search("id-7")[0])
        assert search("<img src=x")[0] == {1}
        assert search("nowhere")[1] == set()
        assert page.locator("#search output").inner_text().startswith("0 of ")
        assert search("") == everything
        assert page.locator("#search output").inner_text() == ""


def test_a_table_has_readable_numbers_ids_and_errors_in_its_own_units(browser, reports):
    report, file = reports("homes")
    rows = report.pictures.sample_rows.clean
    with watched(browser) as page:
        page.goto(file.as_uri())
        assert page.locator("#samples h3").all_inner_texts() == [
            "First 4 rows",
            "Best 4 rows",
            "Median 4 rows",
            "Worst 4 rows",
        ]
        cells = page.locator("#samples tbody").first.locator("tr.clean td").all_inner_texts()
        assert cells[:2] == [f"{rows[0][0]:,.0f}", f"{rows[0][1]:.0f}"]
        assert "," in cells[0]
        worst = page.locator("#errors .ranked li").first.inner_text()
        assert worst.startswith("home 1250")
        lines = page.locator("#errors tbody tr").all_inner_texts()
        assert [line.split("\t")[0] for line in lines] == ["price", "year", "area"]
        for line, rmse in zip(lines, report.errors.rmse, strict=True):
            assert float(line.split("\t")[1].replace(",", "")) == pytest.approx(rmse, rel=6e-3)
        assert not re.search(r"\b(dB|PSNR)\b", page.locator("body").inner_text())
        page.locator("#errors th button").first.click()
        assert page.locator("#errors tbody tr th").all_inner_texts() == ["year", "price", "area"]
        page.locator("#search input").fill("home 1250")
        assert page.locator("#samples tbody:visible").count() == 1
    assert "dB" not in report.verdict.sentence
    assert report.summary.lines()[-1] >= ("denoising", "gaussian:0.1: squared error ")


@pytest.mark.parametrize("name", ["digits", "hostile"])
def test_a_notebook_shows_the_verdict(browser, reports, name):
    report, _ = reports(name)
    with watched(browser) as page:
        page.set_content(f"<html lang=en><title>x</title><body>{report._repr_html_()}</body></html>")
        assert report.verdict.sentence in page.locator("body").inner_text()
        assert page.evaluate("window.hacked") is None
