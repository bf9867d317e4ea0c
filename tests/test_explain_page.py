"""The page: one file without a network, and stepped through in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest

import gradgate as gg
from explain_networks import CHROMIUM, deep, network, neuron, squared_norm
from gradgate.explain import Flow

pytest.importorskip("graphlay", reason="the extra 'draw' is not installed")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to step through the page")


def page(flow: Flow, folder: Path, **arguments) -> str:
    flow.save(folder / "flow.html", **arguments)
    return (folder / "flow.html").read_text(encoding="utf-8")


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def browsed(text: str, folder: Path, script: str, address: str = "") -> list:
    """What a script reports after it ran on the page: the values it gives to `report`."""
    driver = (
        "<script>const reports = []; const report = (...values) => reports.push(values);"
        "const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', {key}));"
        "const $ = (id) => document.getElementById(id);"
        "const box = (kind, name) => [...document.querySelectorAll('#stage .' + kind)].find((g) => g.dataset.name === name);"
        "const shown = (role) => [...document.querySelectorAll(`#stage text.${role}:not(.pending)`)].map((t) => t.textContent);"
        f"{script}; document.body.innerHTML = ''; document.body.dataset.reports = JSON.stringify(reports);</script>"
    )
    target = folder / "driven.html"
    target.write_text(text.replace("</body>", driver + "</body>"), encoding="utf-8")
    # The browser does not start with the library that a sanitizer has preloaded.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    dom = subprocess.run(
        [*command, "--virtual-time-budget=4000", "--dump-dom", target.as_uri() + address],
        capture_output=True,
        check=True,
        timeout=120,
        encoding="utf-8",
        env=environment,
    ).stdout
    found = re.search(r'data-reports="([^"]*)"', dom)
    assert found is not None, dom[-2000:]
    return json.loads(unescape(found[1]))


def test_the_page_needs_no_other_file(tmp_path):
    text = page(network(4, 5, 3), tmp_path)
    assert not re.search(r"https?:|//\w|@import|url\((?!#)|<link|<img|src=|fetch\(|XMLHttp", re.sub(r"// .*", "", text))
    assert text.count("<!DOCTYPE html>") == 1 and "<!--" not in text


def test_numbers_and_pictures_are_in_it(tmp_path):
    flow = network(4, 5, 3)
    found = data(page(flow, tmp_path))
    assert [entry["name"] for entry in found["gates"]] == [gate.name for gate in flow]
    assert {tuple(view["open"]) for view in found["views"]} == {(), ("0",), ("2",), ("0", "2")}
    loss = found["tensors"][found["gates"][-1]["values"][0]]
    assert float(loss["numbers"]) == pytest.approx(flow.loss.item(), rel=1e-5)


def test_the_page_of_a_text_that_would_end_the_script(tmp_path):
    import gradgate as gg

    a = gg.ones(2, requires_grad=True)
    text = page(gg.explain(a.sum(), names={"</script><b>": a}), tmp_path)
    assert data(text)["variables"][0]["name"] == "</script><b>"


@needs_browser
def test_values_appear_forward_and_gradients_backward(tmp_path):
    flow = neuron()
    script = """
      press('Home'); report(shown('value').length, shown('gradient').length);
      for (let k = 0; k < 200 && !$('next').disabled; k++) {
        press('ArrowRight');
        report(shown('value').length, shown('gradient').length, $('sentence').textContent);
      }
      press('ArrowLeft'); report($('count').textContent)
    """
    start, *steps, back = browsed(page(flow, tmp_path), tmp_path, script)
    assert start == [5, 0]  # the named variables
    assert len(steps) == 2 * len(flow) + 1
    values, gradients = [s[0] for s in steps], [s[1] for s in steps]
    assert values == sorted(values) and gradients == sorted(gradients)
    assert gradients[: len(flow)] == [0] * len(flow) and values[len(flow) - 1] == values[-1]
    assert gradients[len(flow)] == 1
    sentences = [s[2] for s in steps]
    assert any("[-0.196612] × [-1] = [0.196612]" in s for s in sentences)
    assert "w1 = [-3], x1 = [-2] → [6]" in next(s for s in sentences if s.startswith("mul_2"))
    assert back == [f"step {len(steps) - 1} of {len(steps)}, backward"]


@needs_browser
def test_a_copy_gate_adds_and_a_product_says_its_rule(tmp_path):
    script = """
      press('Home');
      while (!$('next').disabled) { $('next').click(); report($('sentence').textContent) }
    """
    sentences = [s for (s,) in browsed(page(squared_norm(), tmp_path), tmp_path, script)]
    assert any("[0.22, 0.26] + [0.22, 0.26] = [0.44, 0.52]" in s for s in sentences)
    assert any("local: " in s and "for W" in s and "[0.088, 0.176]" in s for s in sentences)


@needs_browser
def test_a_click_shows_the_line_and_a_long_rule_in_lines(tmp_path):
    x, y = gg.ones(2, 3, requires_grad=True), gg.tensor([0, 2])
    flow = gg.explain(lambda: gg.nn.functional.cross_entropy(x, y))
    script = """
      box('gate', 'cross_entropy_1').dispatchEvent(new MouseEvent('click', {bubbles: true}));
      report(...[...$('detail').querySelectorAll('div, .is-local')].slice(0, 3).map((part) => part.innerText));
    """
    (line, forward, rule), *_ = browsed(page(flow, tmp_path), tmp_path, script)
    assert line.endswith("flow = gg.explain(lambda: gg.nn.functional.cross_entropy(x, y))")
    assert len(forward.splitlines()) == 3 and rule.splitlines()[-1] == "t2 * dy / 2"


@needs_browser
def test_a_click_shows_numbers_and_opens_modules(tmp_path):
    script = """
      report(!!box('module', '2'), !!box('gate', 'linear_2'), $('detail').hidden);
      const click = (g) => g.dispatchEvent(new MouseEvent('click', {bubbles: true}));
      click(box('module', '2')); report(!!box('gate', 'linear_2'), location.hash.includes('open=2'));
      click(box('gate', 'linear_2')); report($('detail').hidden, $('detail').textContent);
      click(box('variable', '2.bias')); report($('detail').textContent);
      press('Escape'); report($('detail').hidden);
      click(box('frame', '2')); report(!!box('module', '2'));
      $('open-all').click(); report(document.querySelectorAll('#stage .frame').length);
      $('close-all').click(); report(document.querySelectorAll('#stage .module').length)
    """
    closed, opened, gate, variable, escaped, framed, all_open, all_closed = browsed(
        page(deep(), tmp_path), tmp_path, script
    )
    assert closed == [True, False, True]
    assert opened == [True, True]
    assert gate[0] is False and "upstream" in gate[1] and "downstream to 2.weight" in gate[1] and "mean" in gate[1]
    assert variable[0].startswith("✕2.bias leaf")
    assert escaped == [True] and framed == [True]
    assert all_open == [20] and all_closed == [20]


@needs_browser
def test_the_address_and_the_slider_choose_the_step(tmp_path):
    text = page(network(4, 5, 3), tmp_path)
    script = """
      report($('count').textContent, $('detail').textContent.includes('relu_1'), !!box('gate', 'linear_1'));
      $('slider').value = 2; $('slider').dispatchEvent(new Event('input')); report($('count').textContent, location.hash);
      $('play').click(); report($('play').textContent)
    """
    first, moved, playing = browsed(text, tmp_path, script, "#step=3&open=0&gate=relu_1")
    assert first == ["step 3 of 9, forward", True, True]
    assert moved[0] == "step 2 of 9, forward" and moved[1].startswith("#step=2")
    assert playing == ["Pause"]
