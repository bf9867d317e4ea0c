"""Pictures of flows: well-formed, no text on another, wires that meet boxes, modules open and closed, limits."""

from __future__ import annotations

import sys
from itertools import combinations
from xml.etree import ElementTree

import pytest

import gradgate as gg
from explain_networks import deep, network, neuron, squared_norm
from gradgate import nn

pytest.importorskip("graphlay", reason="the extra 'draw' is not installed")

from gradgate.explain.picture import draw
from gradgate.explain.picture.boxes import Box, GateBox, WireBox
from gradgate.explain.picture.layout import laid_out
from gradgate.explain.picture.scene import MOST, Scene, opened

SVG = "{http://www.w3.org/2000/svg}"


def residual():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4))
    x = gg.randn(6, 4)
    h = x + model(x).tanh()
    return gg.explain((h * h.sigmoid()).mean(), model)


def blocks():
    """Modules in modules, with a way around each."""
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4)) for _ in range(3)])
    x = gg.randn(6, 4)
    for block in model:
        x = x + block(x)
    return gg.explain(x.square().mean(), model)


PICTURES = {
    "neuron": (neuron, "auto"),
    "squared norm": (squared_norm, "auto"),
    "closed": (lambda: network(64, 32, 10), []),
    "open": (lambda: network(64, 32, 10), "all"),
    "parts": (lambda: network(4, 5, 3, fused=False), "all"),
    "twenty layers": (deep, "auto"),
    "one of twenty": (deep, ["8"]),
    "all of twenty": (deep, "all"),
    "residual": (residual, "all"),
    "blocks": (blocks, "auto"),
    "one block": (blocks, ["1"]),
    "all blocks": (blocks, "all"),
    "part": (lambda: deep().around("8", 2), "all"),
}


def scene_of(name: str) -> Scene:
    make, open = PICTURES[name]
    flow = make()
    return laid_out(Scene(flow, opened(flow, open)))


def rectangle(box: Box) -> tuple[float, float, float, float]:
    return box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2


def overlap(a, b, slack=0.01) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def contains(outer, inner, slack=0.01) -> bool:
    return all(o <= i + slack for o, i in zip(outer[:2], inner[:2], strict=True)) and all(
        o >= i - slack for o, i in zip(outer[2:], inner[2:], strict=True)
    )


@pytest.fixture(scope="module", params=PICTURES)
def scene(request) -> Scene:
    return scene_of(request.param)


def test_no_text_lies_on_another(scene):
    texts = [text for box in [*scene.boxes, *scene.frames.values()] for text in box.texts()]
    assert len(texts) > 10
    wrong = [(a.string, b.string) for a, b in combinations(texts, 2) if overlap(a.box(), b.box())]
    assert not wrong


def test_texts_lie_in_their_boxes_and_these_in_the_picture(scene):
    page = (0.0, 0.0, scene.width, scene.height)
    for box in [*scene.boxes, *scene.frames.values()]:
        assert contains(page, rectangle(box)), box.key
        for text in box.texts():
            assert contains(rectangle(box), text.box()), (box.key, text.string)


def test_boxes_do_not_overlap(scene):
    wrong = [(a.key, b.key) for a, b in combinations(scene.boxes, 2) if overlap(rectangle(a), rectangle(b))]
    assert not wrong


def test_frames_hold_their_boxes_and_no_others(scene):
    for path, frame in scene.frames.items():
        for box in scene.boxes:
            if box.group[: len(path)] == path:
                assert contains(rectangle(frame), rectangle(box)), (frame.key, box.key)
            else:
                assert not overlap(rectangle(frame), rectangle(box)), (frame.key, box.key)


def test_wires_end_at_their_boxes(scene):
    for wire in scene.wires:
        for box, (x, y) in ((wire.source, wire.points[0]), (wire.target, wire.points[-1])):
            left, top, right, bottom = rectangle(box)
            assert left - 0.01 <= x <= right + 0.01 and top - 0.01 <= y <= bottom + 0.01
            if isinstance(box, WireBox):
                assert y == pytest.approx(box.y)


def test_no_wire_runs_through_a_text(scene):
    texts = [(box, text.box()) for box in scene.boxes for text in box.texts()]
    texts += [(frame, text.box()) for frame in scene.frames.values() for text in frame.texts()]
    for wire in scene.wires:
        for (ax, ay), (bx, by) in zip(wire.points, wire.points[1:], strict=False):
            line = (min(ax, bx), min(ay, by) - 0.1, max(ax, bx), max(ay, by) + 0.1)
            for box, area in texts:
                assert not overlap(line, area) or box in (wire.source, wire.target), (wire.source.key, box.key)


def test_the_picture_is_well_formed(scene):
    root = ElementTree.fromstring(draw(scene.circuit, open=[".".join(path) for path in scene.open_paths]))
    assert root.tag == SVG + "svg"
    classes = [group.get("class").split()[0] for group in root.iter(SVG + "g")]
    assert classes.count("gate") == sum(isinstance(box, GateBox) for box in scene.boxes)
    assert classes.count("frame") == len(scene.frames)


def test_the_neuron_shows_the_lectures_numbers():
    root = ElementTree.fromstring(neuron().draw())
    texts = {
        role: [t.text for t in root.iter(SVG + "text") if t.get("class") == role] for role in ("value", "gradient")
    }
    assert {"2", "-1", "-3", "-2", "6", "4", "1", "0.368", "1.37", "0.731"} <= set(texts["value"])
    assert {"1", "-0.534", "-0.197", "0.197", "0.393", "-0.393", "-0.59"} <= set(texts["gradient"])


def test_the_loss_may_be_one_of_several_outputs():
    x = gg.tensor([2.0, 3.0], requires_grad=True)
    flow = gg.explain(x.unbind()[1])
    texts = [t.text for t in ElementTree.fromstring(flow.draw()).iter(SVG + "text") if t.get("class") == "value"]
    assert texts[-1] == "3" and flow.loss.item() == 3
    assert flow["x"].gradient.numpy().tolist() == [0, 1]


def test_colours_follow_the_readers_scheme():
    text = neuron().draw()
    assert "prefers-color-scheme: dark" in text and "currentColor" in text
    assert "--value: #1a7f37" in text and "--gradient: #cf222e" in text


def test_names_are_escaped():
    a = gg.ones(2, requires_grad=True)
    flow = gg.explain((a * a).sum(), names={'<b & "c">': a})
    for text in (flow.draw(), flow.table()):
        assert text
    assert '<b & "c">' in [t.text for t in ElementTree.fromstring(flow.draw()).iter(SVG + "text")]


def test_closed_modules_stand_for_their_gates():
    flow = network(64, 32, 10)
    root = ElementTree.fromstring(flow.draw(open=[]))
    shown = [g.get("data-name") for g in root.iter(SVG + "g") if g.get("class").split()[0] in ("module", "gate")]
    assert set(shown) == {"0", "relu_1", "2", "cross_entropy_1"} and len(shown) == 4
    assert "2,080 parameters" in [t.text for t in root.iter(SVG + "text")]


def test_twenty_layers_are_closed_by_themselves():
    flow = deep()
    assert opened(flow, "auto") == set()
    assert opened(network(4, 5, 3), "auto") == {("0",), ("2",)}


def test_a_module_around_all_is_opened_by_itself():
    model = nn.Sequential(nn.Sequential(*[nn.Linear(4, 4) for _ in range(40)]))
    flow = gg.explain(model(gg.ones(2, 4)).sum(), model)
    assert opened(flow, "auto") == {("0",)}
    scene = laid_out(Scene(flow, {("0",)}))
    assert not scene.frames and scene.width < 3 * scene.height


def test_large_graphs_are_refused_with_the_way_out():
    x = h = gg.ones(2, requires_grad=True)
    for _ in range(3000):
        h = h * 1.5
    flow = gg.explain(h.sum())
    assert x.grad is None
    with pytest.raises(
        ValueError, match=rf"more than the {MOST} that can be read; draw a part of it with flow\.around\("
    ):
        flow.draw()
    assert flow._repr_svg_() is None
    part = flow.around("mul_1500", 3)
    assert len(part) == 7
    texts = [t.text for t in ElementTree.fromstring(part.draw()).iter(SVG + "text")]
    assert "… mul_1496" in texts and "… mul_1504" in texts


def test_bad_arguments_of_the_picture(tmp_path):
    flow = network(4, 5, 3)
    with pytest.raises(KeyError, match="no module '7' in the picture; there are 0, 2"):
        flow.draw(open=["7"])
    with pytest.raises(ValueError, match='open must be "auto", "all" or a list'):
        flow.draw(open="0")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"must end in \.svg, \.html, \.dot, \.py, \.npz; got 'flow\.png'"):
        flow.save(tmp_path / "flow.png")
    assert not list(tmp_path.iterdir())


def test_a_missing_layout_library_is_named(monkeypatch):
    flow = neuron()
    monkeypatch.setitem(sys.modules, "graphlay", None)
    with pytest.raises(ImportError, match=r"pip install 'gradgate\[draw\]'"):
        flow.draw()
    assert flow._repr_svg_() is None


def test_the_same_flow_gives_the_same_picture(tmp_path):
    flow = network(4, 5, 3)
    flow.save(tmp_path / "flow.svg")
    assert (tmp_path / "flow.svg").read_text(encoding="utf-8") == flow.draw() == flow._repr_svg_()


def test_dot_has_every_gate_and_labels_with_colours(tmp_path):
    network(4, 5, 3).save(tmp_path / "flow.dot", open="all")
    text = (tmp_path / "flow.dot").read_text(encoding="utf-8")
    assert text.startswith("digraph flow {") and text.count("{") == text.count("}")
    assert 'subgraph "cluster 0"' in text and '"0.weight" -> "linear_1"' in text and '"linear_1" -> "relu_1"' in text
    assert '<font color="#1a7f37">' in text and '<font color="#cf222e">' in text
